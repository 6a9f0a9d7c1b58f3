//! Frames: four bytes of size, then a structure.

use super::error::DecodeError;

/// Longest frames that are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes behind the size.
    pub frame_bytes: u32,
    /// Most bytes of all objects together that are remembered for the peer.
    pub cache_bytes: usize,
}

impl Limits {
    /// Before the login (guarantees 6).
    pub const HANDSHAKE: Self = Self { frame_bytes: 16 << 10, cache_bytes: 16 << 10 };

    /// After it, with the longest message in bytes that the broker takes.
    #[must_use]
    pub fn open(max_message_bytes: u64) -> Self {
        let frame_bytes = u32::try_from(max_message_bytes).unwrap_or(u32::MAX).saturating_add(64 << 10);
        Self { frame_bytes: frame_bytes.min(i32::MAX.unsigned_abs()), cache_bytes: 1 << 20 }
    }
}

/// Takes the frame at the start of the input: what is behind its size, and how many bytes it took. `None`: not all of it
/// is there.
///
/// # Errors
/// It is longer than what is taken, or its size is negative.
pub fn split_frame<'a>(input: &'a [u8], limits: &Limits) -> Result<Option<(&'a [u8], usize)>, DecodeError> {
    let Some((size, rest)) = input.split_first_chunk() else { return Ok(None) };
    let size = u32::from_be_bytes(*size);
    if size > i32::MAX.unsigned_abs() {
        return Err(DecodeError::Negative);
    }
    let max = limits.frame_bytes;
    if size > max {
        return Err(DecodeError::TooLong { size: size.into(), max });
    }
    let Ok(len) = usize::try_from(size) else { return Ok(None) };
    Ok(rest.get(..len).map(|frame| (frame, len + 4)))
}
