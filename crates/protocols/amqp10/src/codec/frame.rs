//! Frames (AMQP 1.0 2.3) and protocol headers (2.2).
//!
//! ```text
//! size u32 | data offset u8 | type u8 | channel u16 | extended header … | performative | payload …
//! ```

use thiserror::Error;

/// Bytes of a protocol header.
pub const GREETING_BYTES: usize = 8;
/// The protocol header of AMQP 1.0 itself.
pub const AMQP_HEADER: [u8; GREETING_BYTES] = *b"AMQP\x00\x01\x00\x00";
/// The protocol header of the security layer.
pub const SASL_HEADER: [u8; GREETING_BYTES] = *b"AMQP\x03\x01\x00\x00";
/// Bytes of a frame's head.
pub const FRAME_HEAD_BYTES: usize = 8;
/// Smallest limit that a peer may set for frames (AMQP 1.0 2.7.1).
pub const MIN_MAX_FRAME_BYTES: u32 = 512;

/// What frames of a kind are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// Performatives of the transport.
    Amqp,
    /// The security layer's.
    Sasl,
}

/// A frame, its body in place. An empty body says that the peer is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What it belongs to.
    pub kind: FrameKind,
    /// Channel; means nothing in the security layer.
    pub channel: u16,
    /// Performative and payload.
    pub body: &'a [u8],
}

/// A frame that can't be split off. Nothing that follows is believed (B6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// Larger than agreed.
    #[error("frame size {size_bytes} is larger than the limit of {max_bytes} bytes")]
    TooLarge {
        /// What it claims.
        size_bytes: u32,
        /// The limit.
        max_bytes: u32,
    },
    /// Smaller than its own head.
    #[error("frame size {size_bytes} is smaller than a frame's head")]
    TooSmall {
        /// What it claims.
        size_bytes: u32,
    },
    /// The data would begin outside of the frame or inside of its head.
    #[error("data offset {offset} does not fit the frame")]
    BadOffset {
        /// The offset in words of 4 bytes.
        offset: u8,
    },
    /// There is no such kind of frame.
    #[error("there is no frame type {code}")]
    UnknownKind {
        /// The type byte.
        code: u8,
    },
}

/// Splits the first frame off the input. Answers its size too; `None` while it is incomplete.
///
/// # Errors
/// [`FrameError`], as soon as the head is there.
pub fn split_frame(input: &[u8], max_bytes: u32) -> Result<Option<(Frame<'_>, usize)>, FrameError> {
    let Some((head, _)) = input.split_first_chunk::<FRAME_HEAD_BYTES>() else { return Ok(None) };
    let [s0, s1, s2, s3, offset, code, c0, c1] = *head;
    let size_bytes = u32::from_be_bytes([s0, s1, s2, s3]);
    if size_bytes > max_bytes {
        return Err(FrameError::TooLarge { size_bytes, max_bytes });
    }
    if (size_bytes as usize) < FRAME_HEAD_BYTES {
        return Err(FrameError::TooSmall { size_bytes });
    }
    let kind = match code {
        0 => FrameKind::Amqp,
        1 => FrameKind::Sasl,
        _ => return Err(FrameError::UnknownKind { code }),
    };
    let start = usize::from(offset) * 4;
    if start < FRAME_HEAD_BYTES || start > size_bytes as usize {
        return Err(FrameError::BadOffset { offset });
    }
    let Some(whole) = input.get(..size_bytes as usize) else { return Ok(None) };
    let body = whole.get(start..).unwrap_or_default();
    Ok(Some((Frame { kind, channel: u16::from_be_bytes([c0, c1]), body }, size_bytes as usize)))
}

/// Appends a frame whose body the caller writes.
pub fn put_frame(out: &mut Vec<u8>, kind: FrameKind, channel: u16, put: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    let code = match kind {
        FrameKind::Amqp => 0,
        FrameKind::Sasl => 1,
    };
    let [c0, c1] = channel.to_be_bytes();
    out.extend_from_slice(&[0, 0, 0, 0, 2, code, c0, c1]);
    put(out);
    // Whoever writes keeps to the peer's limit, which is less than 4 GiB.
    let size = u32::try_from(out.len() - start).unwrap_or(u32::MAX).to_be_bytes();
    if let Some(place) = out.get_mut(start..start + size.len()) {
        place.copy_from_slice(&size);
    }
}

/// What a connection begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Greeting {
    /// Not all of it is there yet.
    Incomplete,
    /// AMQP 1.0.
    Amqp,
    /// The security layer of AMQP 1.0.
    Sasl,
    /// Something else.
    Other,
}

/// Reads a protocol header.
#[must_use]
pub fn read_greeting(input: &[u8]) -> Greeting {
    let is_start_of = |header: &[u8]| input.len() < header.len() && header.starts_with(input);
    if input.starts_with(&AMQP_HEADER) {
        Greeting::Amqp
    } else if input.starts_with(&SASL_HEADER) {
        Greeting::Sasl
    } else if is_start_of(&AMQP_HEADER) || is_start_of(&SASL_HEADER) {
        Greeting::Incomplete
    } else {
        Greeting::Other
    }
}
