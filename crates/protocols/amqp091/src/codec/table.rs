//! Field tables and arrays: checked once, then read in place.
//!
//! ```text
//! table: size:u32 { name:short-string  letter  value }*      array: size:u32 { letter  value }*
//! ```
//! The letters and their meaning are RabbitMQ's, where they differ from the specification (AMQP 0-9-1 4.2.5.5).

use super::wire::{Malformed, Reader, Writer};

/// Deepest nesting of tables and arrays; a table with plain values has depth 1.
pub const DEPTH_MAX: u32 = 32;
/// Most entries of one table or array.
pub const ENTRIES_MAX: u32 = 4096;

/// A table whose bytes have been checked.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Table<'a> {
    raw: &'a [u8],
}

/// An array whose bytes have been checked.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Array<'a> {
    raw: &'a [u8],
}

/// One value of a table or array.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FieldValue<'a> {
    /// `t`
    Bool(bool),
    /// `b`
    I8(i8),
    /// `B`
    U8(u8),
    /// `s`
    I16(i16),
    /// `u`
    U16(u16),
    /// `I`
    I32(i32),
    /// `i`
    U32(u32),
    /// `l`; `L` is read as the same.
    I64(i64),
    /// `f`
    F32(f32),
    /// `d`
    F64(f64),
    /// `D`: `unscaled * 10^-scale`
    Decimal {
        /// Digits after the decimal point.
        scale: u8,
        /// The digits as one number.
        unscaled: i32,
    },
    /// `S`: any bytes, text by custom.
    LongString(&'a [u8]),
    /// `A`
    Array(Array<'a>),
    /// `T`: seconds since 1970-01-01T00:00:00Z
    Timestamp(u64),
    /// `F`
    Table(Table<'a>),
    /// `V`
    Void,
    /// `x`
    Bytes(&'a [u8]),
}

impl<'a> FieldValue<'a> {
    /// Text value.
    #[must_use]
    pub fn text(text: &'a str) -> Self {
        Self::LongString(text.as_bytes())
    }

    /// Name of the value's type, as RabbitMQ's error texts give it.
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Bool(_) => "bool",
            Self::I8(_) => "byte",
            Self::U8(_) => "unsignedbyte",
            Self::I16(_) => "short",
            Self::U16(_) => "unsignedshort",
            Self::I32(_) => "signedint",
            Self::U32(_) => "unsignedint",
            Self::I64(_) => "long",
            Self::F32(_) => "float",
            Self::F64(_) => "double",
            Self::Decimal { .. } => "decimal",
            Self::LongString(_) => "longstr",
            Self::Array(_) => "array",
            Self::Timestamp(_) => "timestamp",
            Self::Table(_) => "table",
            Self::Void => "void",
            Self::Bytes(_) => "binary",
        }
    }

    /// The value as text, when it is a long string in UTF-8.
    #[must_use]
    pub fn as_text(&self) -> Option<&'a str> {
        match self {
            Self::LongString(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// The value as a whole number, when it is one.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match *self {
            Self::I8(number) => Some(number.into()),
            Self::U8(number) => Some(number.into()),
            Self::I16(number) => Some(number.into()),
            Self::U16(number) => Some(number.into()),
            Self::I32(number) => Some(number.into()),
            Self::U32(number) => Some(number.into()),
            Self::I64(number) => Some(number),
            _ => None,
        }
    }

    /// Appends letter and value.
    pub fn encode(&self, writer: &mut Writer<'_>) {
        match *self {
            Self::Bool(truth) => writer.raw(&[b't', truth.into()]),
            Self::I8(number) => number_out(writer, b'b', number.to_be_bytes()),
            Self::U8(number) => number_out(writer, b'B', number.to_be_bytes()),
            Self::I16(number) => number_out(writer, b's', number.to_be_bytes()),
            Self::U16(number) => number_out(writer, b'u', number.to_be_bytes()),
            Self::I32(number) => number_out(writer, b'I', number.to_be_bytes()),
            Self::U32(number) => number_out(writer, b'i', number.to_be_bytes()),
            Self::I64(number) => number_out(writer, b'l', number.to_be_bytes()),
            Self::F32(number) => number_out(writer, b'f', number.to_be_bytes()),
            Self::F64(number) => number_out(writer, b'd', number.to_be_bytes()),
            Self::Decimal { scale, unscaled } => {
                writer.raw(&[b'D', scale]);
                writer.raw(&unscaled.to_be_bytes());
            }
            Self::LongString(bytes) => long_out(writer, b'S', bytes),
            Self::Array(array) => long_out(writer, b'A', array.raw),
            Self::Timestamp(seconds) => number_out(writer, b'T', seconds.to_be_bytes()),
            Self::Table(table) => long_out(writer, b'F', table.raw),
            Self::Void => writer.raw(b"V"),
            Self::Bytes(bytes) => long_out(writer, b'x', bytes),
        }
    }

    /// Reads one value. What is nested in it is not looked into: it was checked with the whole.
    fn decode(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        Ok(match reader.u8()? {
            b't' => Self::Bool(reader.u8()? != 0),
            b'b' => Self::I8(reader.u8()? as i8),
            b'B' => Self::U8(reader.u8()?),
            b's' => Self::I16(reader.u16()? as i16),
            b'u' => Self::U16(reader.u16()?),
            b'I' => Self::I32(reader.u32()? as i32),
            b'i' => Self::U32(reader.u32()?),
            b'l' | b'L' => Self::I64(reader.u64()? as i64),
            b'f' => Self::F32(f32::from_bits(reader.u32()?)),
            b'd' => Self::F64(f64::from_bits(reader.u64()?)),
            b'D' => Self::Decimal { scale: reader.u8()?, unscaled: reader.u32()? as i32 },
            b'S' => Self::LongString(reader.long_string()?),
            b'A' => Self::Array(Array { raw: reader.long_string()? }),
            b'T' => Self::Timestamp(reader.u64()?),
            b'F' => Self::Table(Table { raw: reader.long_string()? }),
            b'V' => Self::Void,
            b'x' => Self::Bytes(reader.long_string()?),
            letter => return Err(Malformed::UnknownFieldType(letter)),
        })
    }
}

fn number_out<const N: usize>(writer: &mut Writer<'_>, letter: u8, number: [u8; N]) {
    writer.raw(&[letter]);
    writer.raw(&number);
}

fn long_out(writer: &mut Writer<'_>, letter: u8, bytes: &[u8]) {
    writer.raw(&[letter]);
    writer.long_string(bytes);
}

impl<'a> Table<'a> {
    /// The table of no entries.
    pub const EMPTY: Table<'static> = Table { raw: &[] };

    /// Checks the content of a table, without its size field.
    ///
    /// # Errors
    /// Any [`Malformed`] but the trailing and property ones.
    pub fn new(content: &'a [u8]) -> Result<Self, Malformed> {
        validate_table(content)
    }

    /// Wraps content that this module's own writers made.
    pub(super) fn from_built(content: &'a [u8]) -> Self {
        Self { raw: content }
    }

    /// The content, without the size field.
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// The entries in order.
    #[must_use]
    pub fn iter(&self) -> TableIter<'a> {
        TableIter { reader: Reader::new(self.raw) }
    }

    /// First value of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<FieldValue<'a>> {
        self.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// The entries in order, each with its bytes (name, letter and value), to copy them elsewhere.
    pub fn entries(&self) -> impl Iterator<Item = (&'a str, &'a [u8])> + use<'a> {
        let mut iter = self.iter();
        std::iter::from_fn(move || {
            let before = iter.reader.rest();
            let (name, _) = iter.next()?;
            let len = before.len().checked_sub(iter.reader.rest().len())?;
            Some((name, before.get(..len)?))
        })
    }
}

impl<'a> IntoIterator for Table<'a> {
    type Item = (&'a str, FieldValue<'a>);
    type IntoIter = TableIter<'a>;

    fn into_iter(self) -> TableIter<'a> {
        self.iter()
    }
}

impl<'a> Array<'a> {
    /// Checks the content of an array, without its size field.
    ///
    /// # Errors
    /// As [`Table::new`].
    pub fn new(content: &'a [u8]) -> Result<Self, Malformed> {
        validate_array(content, 1)?;
        Ok(Self { raw: content })
    }

    /// Wraps content that this module's own writers made.
    pub(super) fn from_built(content: &'a [u8]) -> Self {
        Self { raw: content }
    }

    /// The content, without the size field.
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Whether there are no entries.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// The values in order.
    #[must_use]
    pub fn iter(&self) -> ArrayIter<'a> {
        ArrayIter { reader: Reader::new(self.raw) }
    }
}

impl<'a> IntoIterator for Array<'a> {
    type Item = FieldValue<'a>;
    type IntoIter = ArrayIter<'a>;

    fn into_iter(self) -> ArrayIter<'a> {
        self.iter()
    }
}

impl std::fmt::Debug for Table<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl std::fmt::Debug for Array<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// Entries of a [`Table`].
#[derive(Clone, Debug)]
pub struct TableIter<'a> {
    reader: Reader<'a>,
}

impl<'a> Iterator for TableIter<'a> {
    type Item = (&'a str, FieldValue<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        // a checked table fails only at its end
        let name = self.reader.short_string().ok()?;
        Some((name, FieldValue::decode(&mut self.reader).ok()?))
    }
}

/// Values of an [`Array`].
#[derive(Clone, Debug)]
pub struct ArrayIter<'a> {
    reader: Reader<'a>,
}

impl<'a> Iterator for ArrayIter<'a> {
    type Item = FieldValue<'a>;

    fn next(&mut self) -> Option<FieldValue<'a>> {
        FieldValue::decode(&mut self.reader).ok()
    }
}

/// Checks a table's content (section 6: depth, entries, types, B1 lengths, B4 counted nesting).
#[inline]
pub(super) fn validate_table(content: &[u8]) -> Result<Table<'_>, Malformed> {
    if !content.is_empty() {
        walk_table(content, 1, |_| ())?;
    }
    Ok(Table { raw: content })
}

/// Checks a table's content and shows each name of its own level to `on_name`.
pub(super) fn walk_table<'a>(
    content: &'a [u8],
    depth: u32,
    mut on_name: impl FnMut(&'a str),
) -> Result<(), Malformed> {
    if depth > DEPTH_MAX {
        return Err(Malformed::TooDeep);
    }
    let mut reader = Reader::new(content);
    let mut entries = 0;
    while !reader.is_empty() {
        entries += 1;
        if entries > ENTRIES_MAX {
            return Err(Malformed::TooManyEntries);
        }
        on_name(reader.short_string()?);
        validate_value(&mut reader, depth)?;
    }
    Ok(())
}

fn validate_array(content: &[u8], depth: u32) -> Result<(), Malformed> {
    if depth > DEPTH_MAX {
        return Err(Malformed::TooDeep);
    }
    let mut reader = Reader::new(content);
    let mut entries = 0;
    while !reader.is_empty() {
        entries += 1;
        if entries > ENTRIES_MAX {
            return Err(Malformed::TooManyEntries);
        }
        validate_value(&mut reader, depth)?;
    }
    Ok(())
}

/// Checks one value of a table or array at `depth`.
fn validate_value(reader: &mut Reader<'_>, depth: u32) -> Result<(), Malformed> {
    match FieldValue::decode(reader)? {
        FieldValue::Table(table) => walk_table(table.raw, depth + 1, |_| ()),
        FieldValue::Array(array) => validate_array(array.raw, depth + 1),
        _ => Ok(()),
    }
}
