//! Maps of primitive values: properties of messages, and what a side says that it can.
//!
//! ```text
//! map:   number of entries, 4 bytes (-1: no map) | name, 2 bytes of length and text | value | ...
//! value: type, 1 byte | its bytes
//! ```

use std::borrow::Cow;

use super::{
    error::DecodeError,
    read::{MAX_DEPTH, MAX_ELEMENTS},
    text,
    wire::Cursor,
};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Primitive<'a> {
    /// No value.
    Null,
    /// Truth value.
    Bool(bool),
    /// Number of one byte.
    Byte(i8),
    /// A unit of UTF-16.
    Char(u16),
    /// Number of two bytes.
    Short(i16),
    /// Number of four bytes.
    Int(i32),
    /// Number of eight bytes.
    Long(i64),
    /// Floating point number of eight bytes.
    Double(f64),
    /// Floating point number of four bytes.
    Float(f32),
    /// Text.
    Text(Cow<'a, str>),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
    /// Names and values.
    Map(Primitives<'a>),
    /// Values.
    List(Vec<Primitive<'a>>),
}

/// Names and values in their order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Primitives<'a> {
    /// They may repeat; the last one counts.
    pub entries: Vec<(Cow<'a, str>, Primitive<'a>)>,
}

mod code {
    pub(super) const NULL: u8 = 0;
    pub(super) const BOOL: u8 = 1;
    pub(super) const BYTE: u8 = 2;
    pub(super) const CHAR: u8 = 3;
    pub(super) const SHORT: u8 = 4;
    pub(super) const INT: u8 = 5;
    pub(super) const LONG: u8 = 6;
    pub(super) const DOUBLE: u8 = 7;
    pub(super) const FLOAT: u8 = 8;
    pub(super) const TEXT: u8 = 9;
    pub(super) const BYTES: u8 = 10;
    pub(super) const MAP: u8 = 11;
    pub(super) const LIST: u8 = 12;
    pub(super) const LONG_TEXT: u8 = 13;
}

/// Longest text that is written with a length of two bytes.
const SHORT_TEXT_MAX_BYTES: usize = 8_190;

impl<'a> Primitives<'a> {
    /// Reads a map that takes up all of the bytes.
    ///
    /// # Errors
    /// It is none, or too deep or too long.
    pub fn read(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader { data: Cursor::new(bytes), elements: 0 };
        let map = reader.map(0)?;
        if reader.data.rest().is_empty() { Ok(map) } else { Err(DecodeError::Trailing) }
    }

    /// Reads values that follow one another to the end of the bytes: the content of a stream message.
    ///
    /// # Errors
    /// They are none, or too deep or too many.
    pub fn read_stream(bytes: &'a [u8]) -> Result<Vec<Primitive<'a>>, DecodeError> {
        let mut reader = Reader { data: Cursor::new(bytes), elements: 0 };
        let mut values = Vec::new();
        while !reader.data.rest().is_empty() {
            reader.count(1, 0)?;
            values.push(reader.value(0)?);
        }
        Ok(values)
    }

    /// Values as the content of a stream message.
    #[must_use]
    pub fn stream_bytes(values: &[Primitive<'_>]) -> Vec<u8> {
        let mut out = Vec::new();
        values.iter().for_each(|value| value.write(&mut out));
        out
    }

    /// The value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Primitive<'a>> {
        self.entries.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value)
    }

    /// Adds a name and its value.
    #[must_use]
    pub fn with(mut self, name: impl Into<Cow<'a, str>>, value: Primitive<'a>) -> Self {
        self.entries.push((name.into(), value));
        self
    }

    /// The map as it is written.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Vec<u8>) {
        let count = i32::try_from(self.entries.len()).unwrap_or(i32::MAX);
        out.extend_from_slice(&count.to_be_bytes());
        for (name, value) in &self.entries {
            push_text(out, &text::fitting(name));
            value.write(out);
        }
    }
}

fn push_text(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}

fn push_len(out: &mut Vec<u8>, len: usize) {
    out.extend_from_slice(&i32::try_from(len).unwrap_or(i32::MAX).to_be_bytes());
}

impl Primitive<'_> {
    fn write(&self, out: &mut Vec<u8>) {
        let mut fixed = |code, bytes: &[u8]| {
            out.push(code);
            out.extend_from_slice(bytes);
        };
        match self {
            Self::Null => out.push(code::NULL),
            Self::Bool(truth) => fixed(code::BOOL, &[u8::from(*truth)]),
            Self::Byte(number) => fixed(code::BYTE, &number.to_be_bytes()),
            Self::Char(unit) => fixed(code::CHAR, &unit.to_be_bytes()),
            Self::Short(number) => fixed(code::SHORT, &number.to_be_bytes()),
            Self::Int(number) => fixed(code::INT, &number.to_be_bytes()),
            Self::Long(number) => fixed(code::LONG, &number.to_be_bytes()),
            Self::Double(number) => fixed(code::DOUBLE, &number.to_be_bytes()),
            Self::Float(number) => fixed(code::FLOAT, &number.to_be_bytes()),
            Self::Text(text) => {
                let bytes = text::packed(text);
                if bytes.len() <= SHORT_TEXT_MAX_BYTES {
                    out.push(code::TEXT);
                    push_text(out, &bytes);
                } else {
                    out.push(code::LONG_TEXT);
                    push_len(out, bytes.len());
                    out.extend_from_slice(&bytes);
                }
            }
            Self::Bytes(bytes) => {
                out.push(code::BYTES);
                push_len(out, bytes.len());
                out.extend_from_slice(bytes);
            }
            Self::Map(map) => {
                out.push(code::MAP);
                map.write(out);
            }
            Self::List(values) => {
                out.push(code::LIST);
                push_len(out, values.len());
                values.iter().for_each(|value| value.write(out));
            }
        }
    }
}

struct Reader<'a> {
    data: Cursor<'a>,
    /// Entries and values so far.
    elements: u32,
}

impl<'a> Reader<'a> {
    /// Takes so many elements into account.
    fn count(&mut self, count: i32, depth: u8) -> Result<u32, DecodeError> {
        if depth >= MAX_DEPTH {
            return Err(DecodeError::TooDeep { max: MAX_DEPTH });
        }
        let count = u32::try_from(count).map_err(|_| DecodeError::Negative)?;
        self.elements = self.elements.saturating_add(count);
        if self.elements > MAX_ELEMENTS {
            return Err(DecodeError::TooMany { max: MAX_ELEMENTS });
        }
        Ok(count)
    }

    fn text(&mut self, len: usize) -> Result<Cow<'a, str>, DecodeError> {
        text::read(self.data.take(len)?)
    }

    fn map(&mut self, depth: u8) -> Result<Primitives<'a>, DecodeError> {
        let mut map = Primitives::default();
        let count = self.data.i32()?;
        if count == -1 {
            return Ok(map);
        }
        for _ in 0..self.count(count, depth)? {
            let len = usize::from(self.data.u16()?);
            let name = self.text(len)?;
            map.entries.push((name, self.value(depth)?));
        }
        Ok(map)
    }

    fn value(&mut self, depth: u8) -> Result<Primitive<'a>, DecodeError> {
        Ok(match self.data.u8()? {
            code::NULL => Primitive::Null,
            code::BOOL => Primitive::Bool(self.data.u8()? != 0),
            code::BYTE => Primitive::Byte(self.data.u8()?.cast_signed()),
            code::CHAR => Primitive::Char(self.data.u16()?),
            code::SHORT => Primitive::Short(self.data.i16()?),
            code::INT => Primitive::Int(self.data.i32()?),
            code::LONG => Primitive::Long(self.data.i64()?),
            code::DOUBLE => Primitive::Double(f64::from_bits(self.data.i64()?.cast_unsigned())),
            code::FLOAT => Primitive::Float(f32::from_bits(self.data.i32()?.cast_unsigned())),
            code::TEXT => {
                let len = usize::from(self.data.u16()?);
                Primitive::Text(self.text(len)?)
            }
            code::LONG_TEXT => {
                let len = self.data.len32()?;
                Primitive::Text(self.text(len)?)
            }
            code::BYTES => {
                let len = self.data.len32()?;
                Primitive::Bytes(Cow::Borrowed(self.data.take(len)?))
            }
            code::MAP => Primitive::Map(self.map(depth + 1)?),
            code::LIST => {
                let count = self.data.i32()?;
                let mut values = Vec::new();
                for _ in 0..self.count(count, depth + 1)? {
                    values.push(self.value(depth + 1)?);
                }
                Primitive::List(values)
            }
            code => return Err(DecodeError::UnknownPrimitive { code }),
        })
    }
}
