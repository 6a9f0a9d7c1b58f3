//! The primitive types of the wire: whole numbers with the highest byte first.

use std::borrow::Cow;

use super::{error::DecodeError, text};

/// Cursor over the bytes of one frame. Copies nothing.
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
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next `len` bytes.
    ///
    /// # Errors
    /// There are fewer.
    #[inline]
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    #[inline]
    fn chunk<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let (chunk, rest) = self.rest.split_first_chunk().ok_or(DecodeError::Truncated)?;
        self.rest = rest;
        Ok(*chunk)
    }

    /// One byte.
    ///
    /// # Errors
    /// There is none.
    #[inline]
    pub fn u8(&mut self) -> Result<u8, DecodeError> {
        self.chunk().map(u8::from_be_bytes)
    }

    /// Two bytes without a sign.
    ///
    /// # Errors
    /// There are fewer.
    #[inline]
    pub fn u16(&mut self) -> Result<u16, DecodeError> {
        self.chunk().map(u16::from_be_bytes)
    }

    /// Two bytes.
    ///
    /// # Errors
    /// There are fewer.
    #[inline]
    pub fn i16(&mut self) -> Result<i16, DecodeError> {
        self.chunk().map(i16::from_be_bytes)
    }

    /// Four bytes.
    ///
    /// # Errors
    /// There are fewer.
    #[inline]
    pub fn i32(&mut self) -> Result<i32, DecodeError> {
        self.chunk().map(i32::from_be_bytes)
    }

    /// Eight bytes.
    ///
    /// # Errors
    /// There are fewer.
    #[inline]
    pub fn i64(&mut self) -> Result<i64, DecodeError> {
        self.chunk().map(i64::from_be_bytes)
    }

    /// A truth value of loose encoding.
    ///
    /// # Errors
    /// There is none.
    #[inline]
    pub fn flag(&mut self) -> Result<bool, DecodeError> {
        self.u8().map(|byte| byte != 0)
    }

    /// Text of loose encoding, or none.
    ///
    /// # Errors
    /// It goes past the end, or is no text.
    pub fn text(&mut self) -> Result<Option<Cow<'a, str>>, DecodeError> {
        self.raw_text()?.map(text::read).transpose()
    }

    /// The bytes of a text in loose encoding, or none.
    ///
    /// # Errors
    /// It is cut.
    pub fn raw_text(&mut self) -> Result<Option<&'a [u8]>, DecodeError> {
        if !self.flag()? {
            return Ok(None);
        }
        let len = self.u16()?;
        self.take(usize::from(len)).map(Some)
    }

    /// A length in four bytes, which may not be negative nor past the end (B1, B3).
    ///
    /// # Errors
    /// It is either, or there are fewer bytes.
    pub fn len32(&mut self) -> Result<usize, DecodeError> {
        let len = usize::try_from(self.i32()?).map_err(|_| DecodeError::Negative)?;
        if len > self.rest.len() { Err(DecodeError::Truncated) } else { Ok(len) }
    }
}

/// Bits that stand in front of a tight structure, the lowest of each byte first.
#[derive(Clone, Copy, Debug)]
pub struct Bits<'a> {
    bytes: &'a [u8],
    next: usize,
}

impl<'a> Bits<'a> {
    /// Reads the bits in front of a structure.
    ///
    /// # Errors
    /// They go past the end, or their length is negative.
    pub fn read(data: &mut Cursor<'a>) -> Result<Self, DecodeError> {
        let len = match data.u8()? {
            0xc0 => usize::from(data.u8()?),
            0x80 => usize::try_from(data.i16()?).map_err(|_| DecodeError::Negative)?,
            len => usize::from(len),
        };
        Ok(Self { bytes: data.take(len)?, next: 0 })
    }

    /// The next bit.
    ///
    /// # Errors
    /// There is none.
    #[inline]
    pub fn bit(&mut self) -> Result<bool, DecodeError> {
        let byte = self.bytes.get(self.next / 8).ok_or(DecodeError::Truncated)?;
        let bit = byte >> (self.next % 8) & 1;
        self.next += 1;
        Ok(bit == 1)
    }
}

/// Bits that will stand in front of a tight structure.
#[derive(Clone, Debug, Default)]
pub struct BitsBuf {
    bytes: Vec<u8>,
    count: usize,
}

impl BitsBuf {
    /// With room for the bits of a usual message.
    #[must_use]
    pub fn with_room() -> Self {
        Self { bytes: Vec::with_capacity(16), count: 0 }
    }

    /// Appends a bit.
    pub fn push(&mut self, bit: bool) {
        let place = self.count % 8;
        if place == 0 {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(bit) << place;
        }
        self.count += 1;
    }

    /// Appends the length of the bits and the bits.
    pub fn write(&self, out: &mut Vec<u8>) {
        match u8::try_from(self.bytes.len()) {
            Ok(len @ 0..=63) => out.push(len),
            Ok(len) => out.extend_from_slice(&[0xc0, len]),
            Err(_) => {
                // Lists are limited, so there are never so many that the length does not fit.
                let len = i16::try_from(self.bytes.len()).unwrap_or(i16::MAX);
                out.push(0x80);
                out.extend_from_slice(&len.to_be_bytes());
            }
        }
        out.extend_from_slice(&self.bytes);
    }

    /// Bytes that [`Self::write`] appends.
    #[must_use]
    pub fn written_len(&self) -> usize {
        match self.bytes.len() {
            len @ 0..=63 => len + 1,
            len @ 64..=255 => len + 2,
            len => len + 3,
        }
    }
}
