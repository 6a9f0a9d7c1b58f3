//! The primitive types of the wire: reading them from a slice, writing them to a buffer.

use super::table::{Table, validate_table};

/// Longest short string in bytes.
pub const SHORT_STRING_MAX_BYTES: usize = 255;

/// Why bytes are not what their grammar says. The session answers 502 (syntax-error).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A field, or a length it announces, goes past the end of what holds it.
    #[error("the data ends inside a field")]
    Truncated,
    /// Bytes are left when every field has been read.
    #[error("{0} bytes are left over after the last field")]
    Trailing(usize),
    /// Text is not UTF-8.
    #[error("text is not valid UTF-8")]
    NotUtf8,
    /// A field value's type letter is unknown.
    #[error("a field value has the unknown type {0:#04x}")]
    UnknownFieldType(u8),
    /// Tables and arrays are nested deeper than [`super::table::DEPTH_MAX`].
    #[error("tables are nested deeper than 32")]
    TooDeep,
    /// A table or array has more entries than [`super::table::ENTRIES_MAX`].
    #[error("a table or array has more than 4,096 entries")]
    TooManyEntries,
    /// Property flags that the specification keeps unused (a continuation word, or the spare bit).
    #[error("the property flags {0:#06x} have a reserved bit set")]
    ReservedPropertyFlags(u16),
}

/// Cursor over the bytes of one method, header or table. Copies nothing.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    /// The octet that consecutive bits are taken from, and how many of its bits are used.
    bits: u8,
    bits_used: u8,
}

impl<'a> Reader<'a> {
    /// Cursor at the start of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, bits: 0, bits_used: 8 }
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

    /// Reads `N` bytes.
    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>().ok_or(Malformed::Truncated)?;
        self.rest = rest;
        self.bits_used = 8;
        Ok(*bytes)
    }

    /// Reads an octet.
    ///
    /// # Errors
    /// [`Malformed::Truncated`], as all readers of this type.
    #[inline]
    pub fn u8(&mut self) -> Result<u8, Malformed> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Reads a 16-bit number.
    ///
    /// # Errors
    /// As [`Self::u8`].
    #[inline]
    pub fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_be_bytes)
    }

    /// Reads a 32-bit number.
    ///
    /// # Errors
    /// As [`Self::u8`].
    #[inline]
    pub fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_be_bytes)
    }

    /// Reads a 64-bit number.
    ///
    /// # Errors
    /// As [`Self::u8`].
    #[inline]
    pub fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_be_bytes)
    }

    /// Reads the next bit; bits that follow each other share an octet (AMQP 0-9-1 4.2.5.2).
    ///
    /// # Errors
    /// As [`Self::u8`].
    #[inline]
    pub fn bit(&mut self) -> Result<bool, Malformed> {
        if self.bits_used == 8 {
            self.bits = self.u8()?;
            self.bits_used = 0;
        }
        let bit = self.bits >> self.bits_used & 1 == 1;
        self.bits_used += 1;
        Ok(bit)
    }

    /// Takes `len` bytes.
    ///
    /// # Errors
    /// As [`Self::u8`].
    #[inline]
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let (bytes, rest) = self.rest.split_at_checked(len).ok_or(Malformed::Truncated)?;
        self.rest = rest;
        self.bits_used = 8;
        Ok(bytes)
    }

    /// Reads a short string as bytes, without looking at them.
    ///
    /// # Errors
    /// As [`Self::u8`].
    #[inline]
    pub fn short_bytes(&mut self) -> Result<&'a [u8], Malformed> {
        let len = self.u8()?;
        self.take(len.into())
    }

    /// Reads a short string.
    ///
    /// # Errors
    /// [`Malformed::Truncated`] or [`Malformed::NotUtf8`].
    #[inline]
    pub fn short_string(&mut self) -> Result<&'a str, Malformed> {
        let bytes = self.short_bytes()?;
        std::str::from_utf8(bytes).map_err(|_| Malformed::NotUtf8)
    }

    /// Reads a long string: 32-bit length, then any bytes.
    ///
    /// # Errors
    /// As [`Self::u8`].
    #[inline]
    pub fn long_string(&mut self) -> Result<&'a [u8], Malformed> {
        let len = self.u32()?;
        self.take(usize::try_from(len).map_err(|_| Malformed::Truncated)?)
    }

    /// Reads a table and checks all of it.
    ///
    /// # Errors
    /// Any [`Malformed`] but the trailing and property ones.
    #[inline]
    pub fn table(&mut self) -> Result<Table<'a>, Malformed> {
        validate_table(self.long_string()?)
    }

    /// Ends reading.
    ///
    /// # Errors
    /// [`Malformed::Trailing`] when anything is left.
    #[inline]
    pub fn finish(self) -> Result<(), Malformed> {
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed::Trailing(self.rest.len())) }
    }
}

/// Appends primitive types to a buffer.
#[derive(Debug)]
pub struct Writer<'b> {
    out: &'b mut Vec<u8>,
    bits_used: u8,
}

impl<'b> Writer<'b> {
    /// Appends to `out`.
    pub fn new(out: &'b mut Vec<u8>) -> Self {
        Self { out, bits_used: 8 }
    }

    /// Appends bytes as they are.
    #[inline]
    pub fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
        self.bits_used = 8;
    }

    /// Appends a bit, in the octet of the bit before if there was one.
    #[inline]
    pub fn bit(&mut self, bit: bool) {
        if self.bits_used == 8 {
            self.out.push(0);
            self.bits_used = 0;
        }
        if let Some(octet) = self.out.last_mut() {
            *octet |= u8::from(bit) << self.bits_used;
        }
        self.bits_used += 1;
    }

    /// Appends a short string; past 255 bytes it is cut.
    #[inline]
    pub fn short_bytes(&mut self, bytes: &[u8]) {
        let bytes = bytes.get(..SHORT_STRING_MAX_BYTES).unwrap_or(bytes);
        // at most 255, just cut
        self.raw(&[bytes.len() as u8]);
        self.raw(bytes);
    }

    /// Appends a short string; past 255 bytes it is cut where a character ends.
    #[inline]
    pub fn short_string(&mut self, text: &str) {
        self.short_bytes(cut_short(text).as_bytes());
    }

    /// Appends a 32-bit length and the bytes.
    #[inline]
    pub fn long_string(&mut self, bytes: &[u8]) {
        // nothing near 4 GiB is ever handed in; if it were, the cut keeps length and content in agreement
        let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.raw(&len.to_be_bytes());
        self.raw(bytes.get(..len as usize).unwrap_or(bytes));
    }
}

/// The longest beginning of `text` that a short string can hold.
#[inline]
#[must_use]
pub fn cut_short(text: &str) -> &str {
    if text.len() <= SHORT_STRING_MAX_BYTES {
        return text;
    }
    let mut end = SHORT_STRING_MAX_BYTES;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// A type that a method's field can have.
pub(crate) trait Field<'a>: Sized {
    /// Reads the field.
    fn decode(reader: &mut Reader<'a>) -> Result<Self, Malformed>;
    /// Appends the field.
    fn encode(&self, writer: &mut Writer<'_>);
}

macro_rules! number_field {
    ($($number:ident),*) => {$(
        impl<'a> Field<'a> for $number {
            #[inline]
            fn decode(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
                reader.$number()
            }
            #[inline]
            fn encode(&self, writer: &mut Writer<'_>) {
                writer.raw(&self.to_be_bytes());
            }
        }
    )*};
}
number_field!(u8, u16, u32, u64);

impl<'a> Field<'a> for bool {
    #[inline]
    fn decode(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        reader.bit()
    }
    #[inline]
    fn encode(&self, writer: &mut Writer<'_>) {
        writer.bit(*self);
    }
}

impl<'a> Field<'a> for &'a str {
    #[inline]
    fn decode(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        reader.short_string()
    }
    #[inline]
    fn encode(&self, writer: &mut Writer<'_>) {
        writer.short_string(self);
    }
}

impl<'a> Field<'a> for &'a [u8] {
    #[inline]
    fn decode(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        reader.long_string()
    }
    #[inline]
    fn encode(&self, writer: &mut Writer<'_>) {
        writer.long_string(self);
    }
}

impl<'a> Field<'a> for Table<'a> {
    #[inline]
    fn decode(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        reader.table()
    }
    #[inline]
    fn encode(&self, writer: &mut Writer<'_>) {
        writer.long_string(self.raw());
    }
}

/// A short string that carries nothing any more: read over, sent empty.
#[derive(Default)]
pub(crate) struct SkippedShort;

impl<'a> Field<'a> for SkippedShort {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        reader.short_bytes().map(|_| Self)
    }
    fn encode(&self, writer: &mut Writer<'_>) {
        writer.short_bytes(&[]);
    }
}

/// A long string that carries nothing any more: read over, sent empty.
#[derive(Default)]
pub(crate) struct SkippedLong;

impl<'a> Field<'a> for SkippedLong {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        reader.long_string().map(|_| Self)
    }
    fn encode(&self, writer: &mut Writer<'_>) {
        writer.long_string(&[]);
    }
}
