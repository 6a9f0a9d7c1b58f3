//! The bytes of AMQP 0-9-1: frames cut out of a buffer, methods written into one.
//!
//! Frame layout (AMQP 0-9-1 2.3.5), big-endian:
//!
//! ```text
//! 0      1         3             7                  size+7    size+8
//! +------+---------+-------------+------------------+---------+
//! | kind | channel | size of     | payload          | 0xCE    |
//! | u8   | u16     | payload u32 | size bytes       |         |
//! +------+---------+-------------+------------------+---------+
//! ```
//!
//! A method payload starts with class (u16) and method (u16); a header payload with class (u16), weight (u16),
//! body size (u64), property flags (u16).

use std::fmt;

/// The octet that ends each frame.
pub const FRAME_END: u8 = 0xCE;
/// Frame kind of a method.
pub const METHOD: u8 = 1;
/// Frame kind of a content header.
pub const HEADER: u8 = 2;
/// Frame kind of a piece of body.
pub const BODY: u8 = 3;
/// Frame kind of a heartbeat.
pub const HEARTBEAT: u8 = 8;
/// What a client sends first.
pub const PROTOCOL_HEADER: &[u8; 8] = b"AMQP\0\0\x09\x01";
/// Bytes of a frame beside its payload.
pub const FRAME_OVERHEAD: usize = 8;
/// Longest frame this tool agrees to, in bytes with its overhead.
pub const FRAME_MAX: u32 = 131_072;

/// A method, as class and method number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MethodId(pub u16, pub u16);

macro_rules! methods {
    ($($name:ident = $class:literal, $method:literal;)*) => {
        /// The methods this tool sends or understands, by name.
        #[allow(missing_docs)]
        pub mod id {
            use super::MethodId;
            $(pub const $name: MethodId = MethodId($class, $method);)*
        }
    };
}

methods! {
    CONNECTION_START = 10, 10;
    CONNECTION_START_OK = 10, 11;
    CONNECTION_TUNE = 10, 30;
    CONNECTION_TUNE_OK = 10, 31;
    CONNECTION_OPEN = 10, 40;
    CONNECTION_OPEN_OK = 10, 41;
    CONNECTION_CLOSE = 10, 50;
    CONNECTION_CLOSE_OK = 10, 51;
    CHANNEL_OPEN = 20, 10;
    CHANNEL_OPEN_OK = 20, 11;
    CHANNEL_CLOSE = 20, 40;
    CHANNEL_CLOSE_OK = 20, 41;
    EXCHANGE_DECLARE = 40, 10;
    EXCHANGE_DECLARE_OK = 40, 11;
    EXCHANGE_DELETE = 40, 20;
    EXCHANGE_DELETE_OK = 40, 21;
    QUEUE_DECLARE = 50, 10;
    QUEUE_DECLARE_OK = 50, 11;
    QUEUE_BIND = 50, 20;
    QUEUE_BIND_OK = 50, 21;
    QUEUE_DELETE = 50, 40;
    QUEUE_DELETE_OK = 50, 41;
    BASIC_QOS = 60, 10;
    BASIC_QOS_OK = 60, 11;
    BASIC_CONSUME = 60, 20;
    BASIC_CONSUME_OK = 60, 21;
    BASIC_PUBLISH = 60, 40;
    BASIC_DELIVER = 60, 60;
    BASIC_ACK = 60, 80;
    BASIC_NACK = 60, 120;
    CONFIRM_SELECT = 85, 10;
    CONFIRM_SELECT_OK = 85, 11;
}

/// Bytes that are not AMQP 0-9-1.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum WireError {
    /// A frame did not end with 0xCE; the octet found there.
    FrameEnd(u8),
    /// A frame longer than agreed; its payload size in bytes.
    TooLong(u32),
    /// A payload ended before the field with this name.
    Short(&'static str),
}

impl fmt::Display for WireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WireError::FrameEnd(found) => write!(f, "a frame ends with {found:#04x} instead of 0xce"),
            WireError::TooLong(size) => write!(f, "a frame of {size} bytes is longer than agreed"),
            WireError::Short(field) => write!(f, "a frame is too short for its field {field}"),
        }
    }
}

impl std::error::Error for WireError {}

/// One frame, borrowed from the buffer it was read into.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Frame kind: [`METHOD`], [`HEADER`], [`BODY`] or [`HEARTBEAT`].
    pub kind: u8,
    /// Channel number.
    pub channel: u16,
    /// The payload without header and end octet.
    pub payload: &'a [u8],
}

impl Frame<'_> {
    /// The method of a method frame; `None` for other frames and for payloads too short for one.
    #[inline]
    pub fn method(&self) -> Option<MethodId> {
        match (self.kind, self.payload.first_chunk::<4>()) {
            (METHOD, Some(&[a, b, c, d])) => {
                Some(MethodId(u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])))
            }
            _ => None,
        }
    }

    /// A reader of a method's arguments.
    pub fn arguments(&self) -> Reader<'_> {
        Reader(self.payload.get(4..).unwrap_or_default())
    }

    /// Bytes the frame takes on the wire.
    #[inline]
    pub fn wire_len(&self) -> usize {
        self.payload.len() + FRAME_OVERHEAD
    }
}

/// Cuts the first frame out of `bytes`; `None` when it is not complete yet.
#[inline]
pub fn first_frame(bytes: &[u8]) -> Result<Option<Frame<'_>>, WireError> {
    let Some(&[kind, c0, c1, s0, s1, s2, s3]) = bytes.first_chunk::<7>() else { return Ok(None) };
    let size = u32::from_be_bytes([s0, s1, s2, s3]);
    if size > FRAME_MAX {
        return Err(WireError::TooLong(size));
    }
    let end = 7 + size as usize;
    let (Some(payload), Some(&last)) = (bytes.get(7..end), bytes.get(end)) else { return Ok(None) };
    if last != FRAME_END {
        return Err(WireError::FrameEnd(last));
    }
    Ok(Some(Frame { kind, channel: u16::from_be_bytes([c0, c1]), payload }))
}

/// Reads fields off the front of a payload.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    /// The next `len` bytes.
    #[inline]
    pub fn take(&mut self, len: usize, field: &'static str) -> Result<&'a [u8], WireError> {
        let (head, rest) = self.0.split_at_checked(len).ok_or(WireError::Short(field))?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], WireError> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(WireError::Short(field))?;
        self.0 = rest;
        Ok(*head)
    }

    /// An octet.
    #[inline]
    pub fn u8(&mut self, field: &'static str) -> Result<u8, WireError> {
        Ok(u8::from_be_bytes(self.array(field)?))
    }

    /// A short.
    #[inline]
    pub fn u16(&mut self, field: &'static str) -> Result<u16, WireError> {
        Ok(u16::from_be_bytes(self.array(field)?))
    }

    /// A long.
    #[inline]
    pub fn u32(&mut self, field: &'static str) -> Result<u32, WireError> {
        Ok(u32::from_be_bytes(self.array(field)?))
    }

    /// A long long.
    #[inline]
    pub fn u64(&mut self, field: &'static str) -> Result<u64, WireError> {
        Ok(u64::from_be_bytes(self.array(field)?))
    }

    /// A short string, at most 255 bytes.
    #[inline]
    pub fn short_string(&mut self, field: &'static str) -> Result<&'a [u8], WireError> {
        let len = self.u8(field)?;
        self.take(usize::from(len), field)
    }

    /// A long string; also the raw bytes of a field table.
    pub fn long_string(&mut self, field: &'static str) -> Result<&'a [u8], WireError> {
        let len = self.u32(field)?;
        self.take(len as usize, field)
    }
}

/// Appends a short string; longer ones are cut at 255 bytes, which no name this tool makes reaches.
pub fn put_short_string(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let bytes = bytes.get(..255).unwrap_or(bytes);
    out.push(bytes.len() as u8);
    out.extend_from_slice(bytes);
}

/// Appends a long string.
pub fn put_long_string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
    out.extend_from_slice(bytes);
}

/// A value of a field table that this tool can write.
#[derive(Clone, Copy, Debug)]
pub enum FieldValue<'a> {
    /// A text (`S`).
    Text(&'a str),
    /// A signed 32-bit number (`I`).
    Int(i32),
    /// A boolean (`t`).
    Bool(bool),
}

/// Appends a field table.
pub fn put_table(out: &mut Vec<u8>, fields: &[(&str, FieldValue<'_>)]) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    for (name, value) in fields {
        put_short_string(out, name);
        match value {
            FieldValue::Text(text) => {
                out.push(b'S');
                put_long_string(out, text.as_bytes());
            }
            FieldValue::Int(number) => {
                out.push(b'I');
                out.extend_from_slice(&number.to_be_bytes());
            }
            FieldValue::Bool(on) => out.extend_from_slice(&[b't', u8::from(*on)]),
        }
    }
    let size = out.len() - start - 4;
    patch_u32(out, start, size);
}

/// Appends a frame whose payload `fill` writes.
pub fn put_frame(out: &mut Vec<u8>, kind: u8, channel: u16, fill: impl FnOnce(&mut Vec<u8>)) {
    out.push(kind);
    out.extend_from_slice(&channel.to_be_bytes());
    let size_at = out.len();
    out.extend_from_slice(&[0; 4]);
    fill(out);
    let size = out.len() - size_at - 4;
    patch_u32(out, size_at, size);
    out.push(FRAME_END);
}

/// Appends a method frame whose arguments `fill` writes.
pub fn put_method(out: &mut Vec<u8>, channel: u16, method: MethodId, fill: impl FnOnce(&mut Vec<u8>)) {
    put_frame(out, METHOD, channel, |out| {
        out.extend_from_slice(&method.0.to_be_bytes());
        out.extend_from_slice(&method.1.to_be_bytes());
        fill(out);
    });
}

/// Appends a basic.ack of everything up to and with `tag`.
pub fn put_cumulative_ack(out: &mut Vec<u8>, channel: u16, tag: u64) {
    put_method(out, channel, id::BASIC_ACK, |out| {
        out.extend_from_slice(&tag.to_be_bytes());
        out.push(1);
    });
}

fn patch_u32(out: &mut [u8], at: usize, value: usize) {
    if let Some(slot) = out.get_mut(at..at + 4) {
        slot.copy_from_slice(&(value as u32).to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_complete_only_with_its_last_byte() {
        let mut bytes = Vec::new();
        put_cumulative_ack(&mut bytes, 7, 0x0102);
        assert_eq!(bytes, b"\x01\x00\x07\x00\x00\x00\x0d\x00\x3c\x00\x50\0\0\0\0\0\0\x01\x02\x01\xce");
        for cut in 0..bytes.len() {
            assert!(first_frame(&bytes[..cut]).unwrap().is_none(), "cut at {cut}");
        }
        let frame = first_frame(&bytes).unwrap().unwrap();
        assert_eq!((frame.channel, frame.method(), frame.wire_len()), (7, Some(id::BASIC_ACK), bytes.len()));
        assert_eq!(frame.arguments().u64("tag"), Ok(0x0102));
    }

    #[test]
    fn a_wrong_end_and_an_oversized_frame_are_errors() {
        let mut bytes = Vec::new();
        put_frame(&mut bytes, BODY, 1, |out| out.extend_from_slice(b"abc"));
        *bytes.last_mut().unwrap() = 0;
        assert_eq!(first_frame(&bytes).unwrap_err(), WireError::FrameEnd(0));
        assert_eq!(first_frame(b"\x03\0\x01\xff\0\0\0").unwrap_err(), WireError::TooLong(0xff00_0000));
    }

    #[test]
    fn a_short_payload_names_the_field() {
        assert_eq!(Reader(b"\x05abc").short_string("queue"), Err(WireError::Short("queue")));
        assert_eq!(Reader(b"\0\0\0\x09abc").long_string("table"), Err(WireError::Short("table")));
        assert_eq!(Reader(b"\0").u16("code"), Err(WireError::Short("code")));
    }

    #[test]
    fn a_table_carries_its_length() {
        let mut out = Vec::new();
        put_table(&mut out, &[("a", FieldValue::Int(1)), ("b", FieldValue::Bool(true))]);
        assert_eq!(out, b"\0\0\0\x0b\x01aI\0\0\0\x01\x01bt\x01");
    }
}
