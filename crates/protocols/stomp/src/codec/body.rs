//! Where a body ends.

use memchr::memchr;

use super::frame::{FrameError, Headers, shown};

/// Header with the length of the body.
const CONTENT_LENGTH: &str = "content-length";

/// How far a body goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// So many bytes, then NUL.
    Counted(u64),
    /// To the first NUL.
    ToNul,
}

/// What the headers say of the body.
///
/// # Errors
/// [`FrameError::ContentLength`] when its length is not plain digits.
pub fn body_of(headers: Headers<'_>) -> Result<Body, FrameError> {
    let Some(value) = headers.get(CONTENT_LENGTH) else { return Ok(Body::ToNul) };
    let is_plain = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    match value.parse() {
        Ok(length) if is_plain => Ok(Body::Counted(length)),
        _ => Err(FrameError::ContentLength { value: shown(&value) }),
    }
}

impl Body {
    /// The body at the start of the input and how many bytes it takes with its NUL; `None` while it is incomplete.
    ///
    /// # Errors
    /// [`FrameError::NoNul`], or [`FrameError::BodyTooLong`] as soon as it is known to pass `max`.
    pub fn split(self, input: &[u8], max: u64) -> Result<Option<(&[u8], usize)>, FrameError> {
        let too_long = FrameError::BodyTooLong { max };
        match self {
            Self::Counted(length) if length > max => Err(too_long),
            Self::Counted(length) => {
                // A length past what memory can hold is past any limit.
                let Ok(size) = usize::try_from(length) else { return Err(too_long) };
                let Some((body, rest)) = input.split_at_checked(size) else { return Ok(None) };
                match rest.first() {
                    None => Ok(None),
                    Some(0) => Ok(Some((body, size + 1))),
                    Some(_) => Err(FrameError::NoNul { length }),
                }
            }
            Self::ToNul => match memchr(0, input) {
                Some(end) if end as u64 > max => Err(too_long),
                Some(end) => Ok(input.get(..end).map(|body| (body, end + 1))),
                None if input.len() as u64 > max => Err(too_long),
                None => Ok(None),
            },
        }
    }
}
