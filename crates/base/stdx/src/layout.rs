//! Explicit layouts for bytes that are kept: little-endian numbers, length-prefixed text. Reading never panics and
//! never reserves more than the bytes that are there.

use std::sync::Arc;

/// Bytes that do not hold what the layout says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadLayout {
    /// Offset in bytes of the field that could not be read.
    pub offset: usize,
}

/// Writes fields one after the other.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// The bytes so far.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Forgets the bytes, keeps the room.
    pub fn clear(&mut self) {
        self.bytes.clear();
    }

    /// One byte.
    pub fn u8(&mut self, number: u8) -> &mut Self {
        self.bytes.push(number);
        self
    }

    /// A truth value as one byte, 0 or 1.
    pub fn bool(&mut self, truth: bool) -> &mut Self {
        self.u8(u8::from(truth))
    }

    /// Two bytes.
    pub fn u16(&mut self, number: u16) -> &mut Self {
        self.raw(&number.to_le_bytes())
    }

    /// Four bytes.
    pub fn u32(&mut self, number: u32) -> &mut Self {
        self.raw(&number.to_le_bytes())
    }

    /// Eight bytes.
    pub fn u64(&mut self, number: u64) -> &mut Self {
        self.raw(&number.to_le_bytes())
    }

    /// Number of elements to come, four bytes; more than 2^32 - 1 is cut, which the reader then refuses.
    pub fn count(&mut self, count: usize) -> &mut Self {
        self.u32(u32::try_from(count).unwrap_or(u32::MAX))
    }

    /// An optional number: 0, or 1 and eight bytes.
    pub fn opt_u64(&mut self, number: Option<u64>) -> &mut Self {
        match number {
            None => self.u8(0),
            Some(number) => self.u8(1).u64(number),
        }
    }

    /// Text: four bytes of length and its UTF-8.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.blob(text.as_bytes())
    }

    /// Optional text: 0, or 1 and the text.
    pub fn opt_text(&mut self, text: Option<&str>) -> &mut Self {
        match text {
            None => self.u8(0),
            Some(text) => self.u8(1).text(text),
        }
    }

    /// Bytes: four bytes of length and the bytes.
    pub fn blob(&mut self, bytes: &[u8]) -> &mut Self {
        self.count(bytes.len()).raw(bytes)
    }

    /// Bytes as they are, with no length.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }
}

/// Reads fields one after the other.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    /// Bytes not read yet.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.bytes.len().saturating_sub(self.offset)
    }

    /// Offset of the next field.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// What a failed check of the caller's own answers.
    #[must_use]
    pub fn bad(&self) -> BadLayout {
        BadLayout { offset: self.offset }
    }

    /// `count` bytes as they are.
    ///
    /// # Errors
    /// [`BadLayout`] when fewer are left; nothing is read then. So do all readers below.
    pub fn raw(&mut self, count: usize) -> Result<&'a [u8], BadLayout> {
        let end = self.offset.checked_add(count).ok_or(self.bad())?;
        let bytes = self.bytes.get(self.offset..end).ok_or(self.bad())?;
        self.offset = end;
        Ok(bytes)
    }

    /// All that is left.
    pub fn rest(&mut self) -> &'a [u8] {
        let bytes = self.bytes.get(self.offset..).unwrap_or_default();
        self.offset = self.bytes.len();
        bytes
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], BadLayout> {
        let bad = self.bad();
        self.raw(N)?.try_into().map_err(|_| bad)
    }

    /// One byte.
    ///
    /// # Errors
    /// As [`Reader::raw`].
    pub fn u8(&mut self) -> Result<u8, BadLayout> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// A truth value; any byte but 0 and 1 is refused.
    ///
    /// # Errors
    /// As [`Reader::raw`].
    pub fn bool(&mut self) -> Result<bool, BadLayout> {
        let bad = self.bad();
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(bad),
        }
    }

    /// Two bytes.
    ///
    /// # Errors
    /// As [`Reader::raw`].
    pub fn u16(&mut self) -> Result<u16, BadLayout> {
        self.array().map(u16::from_le_bytes)
    }

    /// Four bytes.
    ///
    /// # Errors
    /// As [`Reader::raw`].
    pub fn u32(&mut self) -> Result<u32, BadLayout> {
        self.array().map(u32::from_le_bytes)
    }

    /// Eight bytes.
    ///
    /// # Errors
    /// As [`Reader::raw`].
    pub fn u64(&mut self) -> Result<u64, BadLayout> {
        self.array().map(u64::from_le_bytes)
    }

    /// Number of elements to come, each of at least `min_bytes` bytes (at least 1): refused when they can't be there.
    ///
    /// # Errors
    /// As [`Reader::raw`].
    pub fn count(&mut self, min_bytes: usize) -> Result<usize, BadLayout> {
        let bad = self.bad();
        let count = usize::try_from(self.u32()?).map_err(|_| bad)?;
        if count.checked_mul(min_bytes.max(1)).is_none_or(|bytes| bytes > self.remaining()) {
            return Err(bad);
        }
        Ok(count)
    }

    /// An optional number.
    ///
    /// # Errors
    /// As [`Reader::raw`].
    pub fn opt_u64(&mut self) -> Result<Option<u64>, BadLayout> {
        Ok(if self.bool()? { Some(self.u64()?) } else { None })
    }

    /// Text.
    ///
    /// # Errors
    /// As [`Reader::raw`]; also when the bytes are not UTF-8.
    pub fn text(&mut self) -> Result<Arc<str>, BadLayout> {
        let bad = self.bad();
        let bytes = self.blob()?;
        std::str::from_utf8(bytes).map(Arc::from).map_err(|_| bad)
    }

    /// Optional text.
    ///
    /// # Errors
    /// As [`Reader::text`].
    pub fn opt_text(&mut self) -> Result<Option<Arc<str>>, BadLayout> {
        Ok(if self.bool()? { Some(self.text()?) } else { None })
    }

    /// Bytes with their length in front.
    ///
    /// # Errors
    /// As [`Reader::raw`].
    pub fn blob(&mut self) -> Result<&'a [u8], BadLayout> {
        let count = self.count(1)?;
        self.raw(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_come_back_and_every_truncation_is_refused() {
        let mut writer = Writer::default();
        writer.u8(1).bool(true).u16(2).u32(3).u64(4).opt_u64(None).opt_u64(Some(5)).text("té").blob(b"xy");
        let read = |bytes: &[u8]| -> Result<(u64, String, Vec<u8>), BadLayout> {
            let mut reader = Reader::new(bytes);
            let mut sum = u64::from(reader.u8()?) + u64::from(reader.bool()?);
            sum += u64::from(reader.u16()?) + u64::from(reader.u32()?) + reader.u64()?;
            sum += reader.opt_u64()?.unwrap_or(0) + reader.opt_u64()?.unwrap_or(0);
            let (text, blob) = (reader.text()?.to_string(), reader.blob()?.to_vec());
            Ok((sum, text, blob))
        };
        assert_eq!(read(writer.bytes()), Ok((16, "té".to_owned(), b"xy".to_vec())));
        for len in 0..writer.bytes().len() {
            assert!(read(&writer.bytes()[..len]).is_err(), "cut at {len}");
        }
    }

    #[test]
    fn a_lying_count_is_refused_before_anything_is_reserved() {
        let mut reader = Reader::new(&[0xff, 0xff, 0xff, 0xff, 1]);
        assert_eq!(reader.count(1), Err(BadLayout { offset: 0 }));
    }
}
