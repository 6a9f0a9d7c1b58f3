//! The primitive types of the wire (MQTT 5 1.5): reading them from a slice, writing them to a buffer.

use super::error::DecodeError;

/// Largest value of a variable byte integer, and so of a remaining length.
pub const VARINT_MAX: u32 = 268_435_455;

const TRUNCATED: DecodeError = DecodeError::malformed("the packet ends inside a field");

/// Cursor over the bytes of one packet. Copies nothing.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// Cursor at the start of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Whether everything has been read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next `len` bytes.
    ///
    /// # Errors
    /// There are fewer.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(TRUNCATED)?;
        self.rest = rest;
        Ok(taken)
    }

    /// One byte.
    ///
    /// # Errors
    /// There is none.
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        let (first, rest) = self.rest.split_first().ok_or(TRUNCATED)?;
        self.rest = rest;
        Ok(*first)
    }

    /// Two bytes, the higher first.
    ///
    /// # Errors
    /// There are fewer.
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(TRUNCATED)?;
        self.rest = rest;
        Ok(u16::from_be_bytes(*bytes))
    }

    /// Four bytes, the highest first.
    ///
    /// # Errors
    /// There are fewer.
    pub fn u32(&mut self) -> Result<u32, DecodeError> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(TRUNCATED)?;
        self.rest = rest;
        Ok(u32::from_be_bytes(*bytes))
    }

    /// A variable byte integer in its shortest form (MQTT-1.5.5-1).
    ///
    /// # Errors
    /// It ends too early, is longer than four bytes or than it needs to be.
    pub fn varint(&mut self) -> Result<u32, DecodeError> {
        match read_varint(self.rest)? {
            Some((value, len)) => {
                self.rest = self.rest.get(len..).unwrap_or_default();
                Ok(value)
            }
            None => Err(TRUNCATED),
        }
    }

    /// Binary data: two bytes of length and the bytes (MQTT 5 1.5.6).
    ///
    /// # Errors
    /// The length goes past the end.
    pub fn binary(&mut self) -> Result<&'a [u8], DecodeError> {
        let len = self.u16()?;
        self.take(usize::from(len))
    }

    /// Text: two bytes of length and UTF-8 without U+0000 (MQTT-1.5.4-1, MQTT-1.5.4-2).
    ///
    /// # Errors
    /// The length goes past the end, or the bytes are no such text.
    pub fn text(&mut self) -> Result<&'a str, DecodeError> {
        let bytes = self.binary()?;
        let text =
            std::str::from_utf8(bytes).map_err(|_| DecodeError::malformed("text is not valid UTF-8"))?;
        if bytes.contains(&0) {
            return Err(DecodeError::malformed("text holds the character U+0000"));
        }
        Ok(text)
    }
}

/// Reads a variable byte integer at the start of `bytes`: its value and its length. `None`: it goes on past the end.
///
/// # Errors
/// It is longer than four bytes or than it needs to be.
pub fn read_varint(bytes: &[u8]) -> Result<Option<(u32, usize)>, DecodeError> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(4).enumerate() {
        value |= u32::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            if *byte == 0 && index > 0 {
                return Err(DecodeError::malformed("a variable byte integer is longer than it needs to be"));
            }
            return Ok(Some((value, index + 1)));
        }
    }
    if bytes.len() >= 4 {
        return Err(DecodeError::malformed("a variable byte integer is longer than four bytes"));
    }
    Ok(None)
}

/// Bytes that a variable byte integer takes.
#[must_use]
pub fn varint_len(value: usize) -> usize {
    match value {
        0..=127 => 1,
        128..=16_383 => 2,
        16_384..=2_097_151 => 3,
        _ => 4,
    }
}

/// Writes a variable byte integer; a value past [`VARINT_MAX`] is written as that.
pub fn put_varint(out: &mut Vec<u8>, value: usize) {
    let mut value = u32::try_from(value).unwrap_or(VARINT_MAX).min(VARINT_MAX);
    loop {
        let byte = u8::try_from(value & 0x7f).unwrap_or_default();
        value >>= 7;
        if value == 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

/// Writes binary data; what does not fit its length field is cut.
pub fn put_binary(out: &mut Vec<u8>, bytes: &[u8]) {
    let len = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&len.to_be_bytes());
    out.extend_from_slice(bytes.get(..usize::from(len)).unwrap_or(bytes));
}

/// Writes text; what does not fit its length field is cut at a character.
pub fn put_text(out: &mut Vec<u8>, text: &str) {
    put_binary(out, fitting(text).as_bytes());
}

/// The part of a text that its length field can say.
#[must_use]
pub fn fitting(text: &str) -> &str {
    let mut len = text.len().min(usize::from(u16::MAX));
    while !text.is_char_boundary(len) {
        len -= 1;
    }
    text.get(..len).unwrap_or_default()
}
