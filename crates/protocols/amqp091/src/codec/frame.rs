//! The greeting of a connection, and the split of the byte stream into frames.
//!
//! ```text
//! 0      1         3             7                  size+7 size+8
//! +------+---------+-------------+  +------------+  +-----+
//! | kind | channel | size        |  | payload    |  | CE  |
//! +------+---------+-------------+  +------------+  +-----+
//! ```

/// First bytes of a connection, from the client (AMQP 0-9-1 4.2.2).
pub const PROTOCOL_HEADER: [u8; 8] = *b"AMQP\0\0\x09\x01";
/// Last octet of each frame.
pub const FRAME_END: u8 = 0xCE;
/// Bytes of a frame before its payload.
pub const FRAME_HEAD_BYTES: usize = 7;
/// Bytes of a frame beside its payload.
pub const FRAME_OVERHEAD_BYTES: usize = 8;
/// Smallest frame size in bytes that a peer may agree to (AMQP 0-9-1 constant frame-min-size).
pub const FRAME_MIN_BYTES: u32 = 4096;
/// The whole heartbeat frame.
pub const HEARTBEAT: [u8; 8] = [FrameKind::Heartbeat as u8, 0, 0, 0, 0, 0, 0, FRAME_END];

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FrameKind {
    /// A method.
    Method = 1,
    /// A content header.
    Header = 2,
    /// A piece of a body.
    Body = 3,
    /// A sign of life; always on channel 0, without payload.
    Heartbeat = 8,
}

/// One frame of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// What it carries.
    pub kind: FrameKind,
    /// Channel, 0 for the connection itself.
    pub channel: u16,
    /// Content, without head and end octet.
    pub payload: &'a [u8],
}

/// The stream is no longer a stream of frames. The session answers 501 (frame-error) and closes: B6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The octet after the payload is not the frame end.
    #[error("a frame ends with {found:#04x} where 0xCE belongs")]
    BadEnd {
        /// The octet there.
        found: u8,
    },
    /// The frame is larger than was agreed.
    #[error("a frame of {size_bytes} bytes is larger than the {max_bytes} bytes agreed on")]
    TooLarge {
        /// Its whole size, with head and end octet.
        size_bytes: u64,
        /// Largest whole size allowed.
        max_bytes: u32,
    },
    /// The frame's type is none of the four.
    #[error("a frame has the unknown type {found}")]
    UnknownKind {
        /// The type octet.
        found: u8,
    },
}

/// Takes the first frame off `input`, with the number of bytes it took; `None` when it is not all there yet.
/// `frame_max_bytes` is the largest whole frame (head and end octet included), as negotiated.
///
/// # Errors
/// [`FrameError`], as soon as the head shows it; the stream is of no use after that.
#[inline]
pub fn split_frame(input: &[u8], frame_max_bytes: u32) -> Result<Option<(Frame<'_>, usize)>, FrameError> {
    let Some((head, rest)) = input.split_first_chunk::<FRAME_HEAD_BYTES>() else {
        return Ok(None);
    };
    let [kind, channel_high, channel_low, size @ ..] = *head;
    let size = u32::from_be_bytes(size);
    // lengths first (B1): the size is believed only within the limit
    let whole = u64::from(size) + FRAME_OVERHEAD_BYTES as u64;
    if whole > u64::from(frame_max_bytes) {
        return Err(FrameError::TooLarge { size_bytes: whole, max_bytes: frame_max_bytes });
    }
    let kind = match kind {
        1 => FrameKind::Method,
        2 => FrameKind::Header,
        3 => FrameKind::Body,
        8 => FrameKind::Heartbeat,
        found => return Err(FrameError::UnknownKind { found }),
    };
    let size = size as usize;
    let Some((payload, [end, ..])) = rest.split_at_checked(size) else {
        return Ok(None);
    };
    if *end != FRAME_END {
        return Err(FrameError::BadEnd { found: *end });
    }
    let channel = u16::from_be_bytes([channel_high, channel_low]);
    Ok(Some((Frame { kind, channel, payload }, size + FRAME_OVERHEAD_BYTES)))
}

/// Number of bytes that are still missing before the first frame of `input` is whole, when its head says so; for
/// sizing the next read. At least 1.
#[must_use]
pub fn missing_bytes(input: &[u8]) -> usize {
    match input.first_chunk::<FRAME_HEAD_BYTES>() {
        None => FRAME_HEAD_BYTES - input.len().min(FRAME_HEAD_BYTES - 1),
        Some(&[_, _, _, size @ ..]) => {
            let whole = u32::from_be_bytes(size) as usize + FRAME_OVERHEAD_BYTES;
            whole.saturating_sub(input.len()).max(1)
        }
    }
}

/// What a client's first bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Greeting {
    /// Too few bytes to tell, right so far.
    Incomplete,
    /// AMQP 0-9-1: [`PROTOCOL_HEADER`], 8 bytes.
    Amqp091,
    /// AMQP 1.0, plain: protocol id 0.
    Amqp10,
    /// AMQP 1.0 behind TLS negotiation (protocol id 2) or SASL (protocol id 3).
    Amqp10Security,
    /// AMQP of another version.
    OtherAmqp,
    /// Not AMQP at all.
    Unknown,
}

/// Tells what a client greets with. For all but the first two, answer with [`PROTOCOL_HEADER`] and close
/// (AMQP 0-9-1 4.2.2).
#[must_use]
pub fn read_greeting(input: &[u8]) -> Greeting {
    let name = b"AMQP";
    let seen = input.len().min(name.len());
    if input.get(..seen) != name.get(..seen) {
        return Greeting::Unknown;
    }
    match input.get(4..8) {
        None => Greeting::Incomplete,
        Some([0, 0, 9, 1]) => Greeting::Amqp091,
        Some([0, 1, 0, 0]) => Greeting::Amqp10,
        Some([2 | 3, 1, 0, 0]) => Greeting::Amqp10Security,
        Some(_) => Greeting::OtherAmqp,
    }
}

/// Appends one frame.
pub fn write_frame(out: &mut Vec<u8>, kind: FrameKind, channel: u16, payload: &[u8]) {
    let start = begin_frame(out, kind, channel);
    out.extend_from_slice(payload);
    end_frame(out, start);
}

/// Appends a frame's head, its size still open. Returns where the frame starts, for [`end_frame`].
#[inline]
pub(crate) fn begin_frame(out: &mut Vec<u8>, kind: FrameKind, channel: u16) -> usize {
    let start = out.len();
    let [high, low] = channel.to_be_bytes();
    out.extend_from_slice(&[kind as u8, high, low, 0, 0, 0, 0]);
    start
}

/// Fills in the size of the frame that starts at `start` and appends its end octet.
#[inline]
pub(crate) fn end_frame(out: &mut Vec<u8>, start: usize) {
    let size = out.len().saturating_sub(start + FRAME_HEAD_BYTES);
    // frames are built from parts that are far below 4 GiB
    let size = u32::try_from(size).unwrap_or(u32::MAX);
    if let Some(field) = out.get_mut(start + 3..start + FRAME_HEAD_BYTES) {
        field.copy_from_slice(&size.to_be_bytes());
    }
    out.push(FRAME_END);
}
