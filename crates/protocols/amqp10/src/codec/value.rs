//! Values (AMQP 1.0 part 1), read in place.
//!
//! [`check`] looks at a whole value once, to its last byte: constructors, lengths, counts, depth, text. Everything else
//! reads one level of a value that was checked, so no level is looked at more often than it is used.

use super::error::DecodeError;

/// Most values in each other (B4).
pub const MAX_DEPTH: usize = 32;
/// Depth of the list that a described value is.
const LIST_DEPTH: usize = 2;
/// Most elements of an array whose elements have no bytes of their own: there is nothing else that bounds them (B1).
pub const MAX_EMPTY_ELEMENTS: u32 = 4_096;

/// Constructor of a described value.
pub(super) const DESCRIBED: u8 = 0x00;
/// Constructor of a ulong of one byte: what nearly every descriptor is written as.
pub(super) const SMALL_ULONG: u8 = 0x53;
/// Others that are read without a detour where they are as usual.
pub(super) const NULL: u8 = 0x40;
pub(super) const TRUE: u8 = 0x41;
pub(super) const FALSE: u8 = 0x42;
pub(super) const SMALL_UINT: u8 = 0x52;
pub(super) const UINT: u8 = 0x70;
pub(super) const SMALL_BINARY: u8 = 0xa0;
pub(super) const BINARY: u8 = 0xb0;

/// One value. Compound ones are read further by their iterators.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// null
    Null,
    /// boolean
    Bool(bool),
    /// ubyte
    Ubyte(u8),
    /// ushort
    Ushort(u16),
    /// uint
    Uint(u32),
    /// ulong
    Ulong(u64),
    /// byte
    Byte(i8),
    /// short
    Short(i16),
    /// int
    Int(i32),
    /// long
    Long(i64),
    /// float
    Float(f32),
    /// double
    Double(f64),
    /// decimal32, as it stands on the wire
    Decimal32([u8; 4]),
    /// decimal64, as it stands on the wire
    Decimal64([u8; 8]),
    /// decimal128, as it stands on the wire
    Decimal128([u8; 16]),
    /// char
    Char(char),
    /// timestamp: ms since 1970-01-01T00:00:00Z
    Timestamp(i64),
    /// uuid
    Uuid([u8; 16]),
    /// binary
    Binary(&'a [u8]),
    /// string
    String(&'a str),
    /// symbol: ASCII
    Symbol(&'a str),
    /// list
    List(List<'a>),
    /// map
    Map(Map<'a>),
    /// array
    Array(Array<'a>),
    /// A value of a type that a descriptor names.
    Described(Described<'a>),
}

/// The elements of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct List<'a> {
    count: u32,
    items: &'a [u8],
}

/// The keys and values of a map, in turn.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Map<'a> {
    count: u32,
    items: &'a [u8],
}

/// The elements of an array, which share a constructor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Array<'a> {
    count: u32,
    /// Encoded descriptor, when the elements are described.
    descriptor: Option<&'a [u8]>,
    code: u8,
    items: &'a [u8],
}

/// A described value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Described<'a> {
    descriptor: &'a [u8],
    /// Constructor of the value.
    code: u8,
    /// What follows the constructor.
    content: &'a [u8],
}

/// Takes a fixed number of bytes.
fn take<const N: usize>(input: &[u8]) -> Result<([u8; N], &[u8]), DecodeError> {
    input.split_first_chunk::<N>().map(|(bytes, rest)| (*bytes, rest)).ok_or(DecodeError::Truncated)
}

/// Takes bytes behind a length of one byte or four.
fn take_variable(input: &[u8], is_long: bool) -> Result<(&[u8], &[u8]), DecodeError> {
    let (length, rest) = take_length(input, is_long)?;
    rest.split_at_checked(length as usize).ok_or(DecodeError::Truncated)
}

fn take_length(input: &[u8], is_long: bool) -> Result<(u32, &[u8]), DecodeError> {
    if is_long {
        let (bytes, rest) = take::<4>(input)?;
        Ok((u32::from_be_bytes(bytes), rest))
    } else {
        let ([length], rest) = take::<1>(input)?;
        Ok((length.into(), rest))
    }
}

/// Takes the count and the elements of a compound value.
fn take_compound(input: &[u8], is_long: bool) -> Result<(u32, &[u8], &[u8]), DecodeError> {
    let (body, rest) = take_variable(input, is_long)?;
    let (count, items) = take_length(body, is_long)?;
    Ok((count, items, rest))
}

fn text(bytes: &[u8]) -> Result<&str, DecodeError> {
    std::str::from_utf8(bytes).map_err(|_| DecodeError::NotUtf8)
}

fn symbol(bytes: &[u8]) -> Result<&str, DecodeError> {
    if bytes.is_ascii() { text(bytes) } else { Err(DecodeError::NotAscii) }
}

/// Whether there may be so many elements of a kind.
fn check_count(count: u32, code: u8) -> Result<(), DecodeError> {
    let is_empty = matches!(code, 0x40..=0x45);
    if is_empty && count > MAX_EMPTY_ELEMENTS {
        return Err(DecodeError::TooManyElements { max: MAX_EMPTY_ELEMENTS });
    }
    Ok(())
}

fn take_array(input: &[u8], is_long: bool) -> Result<(Array<'_>, &[u8]), DecodeError> {
    let (count, body, rest) = take_compound(input, is_long)?;
    let ([first], body) = take::<1>(body)?;
    if first != DESCRIBED {
        check_count(count, first)?;
        return Ok((Array { count, descriptor: None, code: first, items: body }, rest));
    }
    let length = measure(body, 1)?;
    let (descriptor, body) = body.split_at_checked(length).ok_or(DecodeError::Truncated)?;
    let ([code], items) = take::<1>(body)?;
    // Elements that are described twice over are nobody's.
    if code == DESCRIBED {
        return Err(DecodeError::UnknownConstructor { code });
    }
    check_count(count, code)?;
    Ok((Array { count, descriptor: Some(descriptor), code, items }, rest))
}

/// Reads the value behind a constructor, one level of it.
fn read_content(code: u8, input: &[u8]) -> Result<(Value<'_>, &[u8]), DecodeError> {
    fn fixed<'a, const N: usize>(
        input: &'a [u8],
        make: impl FnOnce([u8; N]) -> Value<'a>,
    ) -> Result<(Value<'a>, &'a [u8]), DecodeError> {
        take::<N>(input).map(|(bytes, rest)| (make(bytes), rest))
    }
    let is_long = code & 0x10 != 0;
    match code {
        0x40 => Ok((Value::Null, input)),
        0x41 => Ok((Value::Bool(true), input)),
        0x42 => Ok((Value::Bool(false), input)),
        0x43 => Ok((Value::Uint(0), input)),
        0x44 => Ok((Value::Ulong(0), input)),
        0x45 => Ok((Value::List(List::default()), input)),
        0x50 => fixed(input, |[byte]| Value::Ubyte(byte)),
        0x51 => fixed(input, |bytes| Value::Byte(i8::from_be_bytes(bytes))),
        0x52 => fixed(input, |[byte]| Value::Uint(byte.into())),
        0x53 => fixed(input, |[byte]| Value::Ulong(byte.into())),
        0x54 => fixed(input, |bytes| Value::Int(i8::from_be_bytes(bytes).into())),
        0x55 => fixed(input, |bytes| Value::Long(i8::from_be_bytes(bytes).into())),
        0x56 => match take::<1>(input)? {
            ([0], rest) => Ok((Value::Bool(false), rest)),
            ([1], rest) => Ok((Value::Bool(true), rest)),
            _ => Err(DecodeError::NotABool),
        },
        0x60 => fixed(input, |bytes| Value::Ushort(u16::from_be_bytes(bytes))),
        0x61 => fixed(input, |bytes| Value::Short(i16::from_be_bytes(bytes))),
        0x70 => fixed(input, |bytes| Value::Uint(u32::from_be_bytes(bytes))),
        0x71 => fixed(input, |bytes| Value::Int(i32::from_be_bytes(bytes))),
        0x72 => fixed(input, |bytes| Value::Float(f32::from_be_bytes(bytes))),
        0x73 => {
            let (bytes, rest) = take::<4>(input)?;
            let char = char::from_u32(u32::from_be_bytes(bytes)).ok_or(DecodeError::NotAChar)?;
            Ok((Value::Char(char), rest))
        }
        0x74 => fixed(input, Value::Decimal32),
        0x80 => fixed(input, |bytes| Value::Ulong(u64::from_be_bytes(bytes))),
        0x81 => fixed(input, |bytes| Value::Long(i64::from_be_bytes(bytes))),
        0x82 => fixed(input, |bytes| Value::Double(f64::from_be_bytes(bytes))),
        0x83 => fixed(input, |bytes| Value::Timestamp(i64::from_be_bytes(bytes))),
        0x84 => fixed(input, Value::Decimal64),
        0x94 => fixed(input, Value::Decimal128),
        0x98 => fixed(input, Value::Uuid),
        0xa0 | 0xb0 => take_variable(input, is_long).map(|(bytes, rest)| (Value::Binary(bytes), rest)),
        0xa1 | 0xb1 => {
            let (bytes, rest) = take_variable(input, is_long)?;
            Ok((Value::String(text(bytes)?), rest))
        }
        0xa3 | 0xb3 => {
            let (bytes, rest) = take_variable(input, is_long)?;
            Ok((Value::Symbol(symbol(bytes)?), rest))
        }
        0xc0 | 0xd0 => {
            let (count, items, rest) = take_compound(input, is_long)?;
            Ok((Value::List(List { count, items }), rest))
        }
        0xc1 | 0xd1 => {
            let (count, items, rest) = take_compound(input, is_long)?;
            Ok((Value::Map(Map { count, items }), rest))
        }
        0xe0 | 0xf0 => take_array(input, is_long).map(|(array, rest)| (Value::Array(array), rest)),
        _ => Err(DecodeError::UnknownConstructor { code }),
    }
}

/// Bytes behind a constructor that make a value whatever they are; `None`: they have a length, or not all are values.
fn fixed_width(code: u8) -> Option<usize> {
    match code {
        0x40..=0x45 => Some(0),
        0x50..=0x55 => Some(1),
        0x60 | 0x61 => Some(2),
        0x70..=0x72 | 0x74 => Some(4),
        0x80..=0x84 => Some(8),
        0x94 | 0x98 => Some(16),
        _ => None,
    }
}

/// Steps over what is behind a constructor, without a look at it.
fn skip_content(code: u8, input: &[u8]) -> Result<&[u8], DecodeError> {
    match code {
        0xa0 | 0xa1 | 0xa3 | 0xc0 | 0xc1 | 0xe0 => take_variable(input, false).map(|(_, rest)| rest),
        0xb0 | 0xb1 | 0xb3 | 0xd0 | 0xd1 | 0xf0 => take_variable(input, true).map(|(_, rest)| rest),
        _ => match fixed_width(code) {
            Some(width) => input.get(width..).ok_or(DecodeError::Truncated),
            None => read_content(code, input).map(|(_, rest)| rest),
        },
    }
}

/// Length in bytes of the value at the start of the input, of which nothing deeper than descriptors is looked at.
fn measure(input: &[u8], depth: usize) -> Result<usize, DecodeError> {
    let ([code], mut rest) = take::<1>(input)?;
    if code == DESCRIBED {
        let depth = depth.checked_add(1).filter(|depth| *depth <= MAX_DEPTH);
        let depth = depth.ok_or(DecodeError::TooDeep { max: MAX_DEPTH })?;
        for _ in 0..2 {
            let length = measure(rest, depth)?;
            rest = rest.get(length..).ok_or(DecodeError::Truncated)?;
        }
    } else {
        rest = skip_content(code, rest)?;
    }
    Ok(input.len() - rest.len())
}

/// Reads the value at the start of the input, one level of it, and what follows it. What is deeper was checked before, or
/// ends the iterators early.
///
/// # Errors
/// The bytes are no value.
pub fn read(input: &[u8]) -> Result<(Value<'_>, &[u8]), DecodeError> {
    let ([code], rest) = take::<1>(input)?;
    if code != DESCRIBED {
        return read_content(code, rest);
    }
    let (descriptor, rest) = rest.split_at_checked(measure(rest, 1)?).ok_or(DecodeError::Truncated)?;
    let (value, rest) = rest.split_at_checked(measure(rest, 1)?).ok_or(DecodeError::Truncated)?;
    let (code, content) = value.split_first().ok_or(DecodeError::Truncated)?;
    Ok((Value::Described(Described { descriptor, code: *code, content }), rest))
}

/// Reads a value that has to be described by one of the specification's descriptors: its code, what it describes, one level
/// of that, and what follows. The same as by [`read`], in one go.
///
/// # Errors
/// It is no such value.
pub(super) fn read_typed(input: &[u8]) -> Result<(u8, Value<'_>, &[u8]), DecodeError> {
    if let Some(code) = usual_code(input)
        && let [_, _, _, constructor, content @ ..] = input
    {
        let (value, rest) = read_content(*constructor, content)?;
        return Ok((code, value, rest));
    }
    let (Value::Described(described), rest) = read(input)? else {
        return Err(DecodeError::UnknownDescriptor);
    };
    let code = described.code().ok_or(DecodeError::UnknownDescriptor)?;
    let value = described.value().ok_or(DecodeError::Truncated)?;
    Ok((code, value, rest))
}

/// The code of a value that is described as usual by one of the specification's descriptors, of which one level is all that
/// there is in between.
pub(super) fn usual_code(input: &[u8]) -> Option<u8> {
    match input {
        [DESCRIBED, SMALL_ULONG, code, constructor, ..] if *constructor != DESCRIBED => Some(*code),
        _ => None,
    }
}

/// Looks at the whole value at the start of the input. Answers its length in bytes.
///
/// # Errors
/// Anything in it is no value, or past a limit.
pub fn check(input: &[u8]) -> Result<usize, DecodeError> {
    check_nested(input, 1)
}

fn check_nested(input: &[u8], depth: usize) -> Result<usize, DecodeError> {
    if depth > MAX_DEPTH {
        return Err(DecodeError::TooDeep { max: MAX_DEPTH });
    }
    let ([code], content) = take::<1>(input)?;
    if let Some(width) = fixed_width(code) {
        return if content.len() < width { Err(DecodeError::Truncated) } else { Ok(1 + width) };
    }
    if code != DESCRIBED {
        let (value, rest) = read_content(code, content)?;
        check_content(&value, depth)?;
        return Ok(input.len() - rest.len());
    }
    let descriptor = check_nested(content, depth + 1)?;
    let value = content.get(descriptor..).ok_or(DecodeError::Truncated)?;
    Ok(1 + descriptor + check_nested(value, depth + 1)?)
}

/// Looks at the fields of a list that is itself described: so many are left in the bytes.
///
/// # Errors
/// As [`check`]; there are more bytes, or fewer.
pub(super) fn check_fields(left: u32, rest: &[u8]) -> Result<(), DecodeError> {
    check_items(left, rest, LIST_DEPTH)
}

/// Looks at one such field, which was read, if there is anything in it.
///
/// # Errors
/// As [`check`].
pub(super) fn check_field(value: &Value<'_>, bytes: &[u8]) -> Result<(), DecodeError> {
    match value {
        Value::List(_) | Value::Map(_) | Value::Array(_) | Value::Described(_) => {
            check_nested(bytes, LIST_DEPTH + 1).map(drop)
        }
        _ => Ok(()),
    }
}

/// Looks at what is in a compound value.
fn check_content(value: &Value<'_>, depth: usize) -> Result<(), DecodeError> {
    match value {
        Value::List(List { count, items }) => check_items(*count, items, depth),
        Value::Map(Map { count, .. }) if count % 2 != 0 => Err(DecodeError::OddMap),
        Value::Map(Map { count, items }) => check_items(*count, items, depth),
        Value::Array(array) => check_array(array, depth),
        _ => Ok(()),
    }
}

fn check_items(count: u32, items: &[u8], depth: usize) -> Result<(), DecodeError> {
    let mut rest = items;
    for _ in 0..count {
        let length = check_nested(rest, depth + 1)?;
        rest = rest.get(length..).ok_or(DecodeError::Truncated)?;
    }
    if rest.is_empty() { Ok(()) } else { Err(DecodeError::Miscounted) }
}

fn check_array(array: &Array<'_>, depth: usize) -> Result<(), DecodeError> {
    let depth = depth + 1;
    if depth > MAX_DEPTH {
        return Err(DecodeError::TooDeep { max: MAX_DEPTH });
    }
    if let Some(descriptor) = array.descriptor {
        check_nested(descriptor, depth + 1)?;
    }
    let mut rest = array.items;
    for _ in 0..array.count {
        let (value, next) = read_content(array.code, rest)?;
        check_content(&value, depth)?;
        rest = next;
    }
    if array.count == 0 {
        // Its constructor has to be one all the same.
        let probe = read_content(array.code, &[]);
        if let Err(error @ DecodeError::UnknownConstructor { .. }) = probe {
            return Err(error);
        }
    }
    if rest.is_empty() { Ok(()) } else { Err(DecodeError::Miscounted) }
}

impl<'a> List<'a> {
    /// Number of elements.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The encoded elements.
    #[must_use]
    pub fn items(&self) -> &'a [u8] {
        self.items
    }

    /// Its elements in their order.
    pub fn iter(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        Items { left: self.count, rest: self.items }
    }
}

impl<'a> Map<'a> {
    /// Number of keys and values together.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// The encoded keys and values.
    #[must_use]
    pub fn items(&self) -> &'a [u8] {
        self.items
    }

    /// Its pairs in their order.
    pub fn iter(&self) -> impl Iterator<Item = (Value<'a>, Value<'a>)> + use<'a> {
        let mut items = Items { left: self.count, rest: self.items };
        std::iter::from_fn(move || Some((items.next()?, items.next()?)))
    }

    /// Its pairs with the encoded bytes of each.
    pub fn raw_pairs(&self) -> impl Iterator<Item = (Value<'a>, &'a [u8])> + use<'a> {
        let mut items = Items { left: self.count, rest: self.items };
        std::iter::from_fn(move || {
            let before = items.rest;
            let (key, _) = (items.next()?, items.next()?);
            Some((key, before.get(..before.len() - items.rest.len())?))
        })
    }

    /// The value of the first key that is this text, whether a string or a symbol.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Value<'a>> {
        self.iter().find(|(key, _)| key.as_text() == Some(name)).map(|(_, value)| value)
    }
}

impl<'a> Array<'a> {
    pub(super) fn parts(&self) -> (Option<&'a [u8]>, u8, &'a [u8]) {
        (self.descriptor, self.code, self.items)
    }

    /// Number of elements.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Its elements in their order.
    pub fn iter(&self) -> impl Iterator<Item = Value<'a>> + use<'a> {
        let Array { count, descriptor, code, items } = *self;
        let (mut left, mut rest) = (count, items);
        std::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            let (value, next) = read_content(code, rest).ok()?;
            let content = rest.get(..rest.len() - next.len())?;
            rest = next;
            Some(match descriptor {
                None => value,
                Some(descriptor) => Value::Described(Described { descriptor, code, content }),
            })
        })
    }
}

impl<'a> Described<'a> {
    /// The descriptor.
    #[must_use]
    pub fn descriptor(&self) -> Option<Value<'a>> {
        read(self.descriptor).ok().map(|(value, _)| value)
    }

    /// The value that it describes.
    #[must_use]
    pub fn value(&self) -> Option<Value<'a>> {
        if self.code != DESCRIBED {
            return read_content(self.code, self.content).ok().map(|(value, _)| value);
        }
        let rest = self.content;
        let (descriptor, rest) = rest.split_at_checked(measure(rest, 1).ok()?)?;
        let (code, content) = rest.split_first()?;
        Some(Value::Described(Described { descriptor, code: *code, content }))
    }

    pub(super) fn parts(&self) -> (&'a [u8], u8, &'a [u8]) {
        (self.descriptor, self.code, self.content)
    }
}

impl<'a> Value<'a> {
    /// The text of a string or a symbol.
    #[must_use]
    pub fn as_text(&self) -> Option<&'a str> {
        match self {
            Self::String(text) | Self::Symbol(text) => Some(text),
            _ => None,
        }
    }

    /// The number, when it is one of the whole ones and fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match *self {
            Self::Ubyte(number) => Some(number.into()),
            Self::Ushort(number) => Some(number.into()),
            Self::Uint(number) => Some(number.into()),
            Self::Ulong(number) => i64::try_from(number).ok(),
            Self::Byte(number) => Some(number.into()),
            Self::Short(number) => Some(number.into()),
            Self::Int(number) => Some(number.into()),
            Self::Long(number) => Some(number),
            _ => None,
        }
    }

    /// The texts of a field that may have several: one symbol, an array of them, or a list of them as some peers write it.
    pub fn texts(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let (one, array, list) = match self {
            Self::Array(array) => (None, Some(array.iter()), None),
            Self::List(list) => (None, None, Some(list.iter())),
            other => (other.as_text(), None, None),
        };
        let several = array.into_iter().flatten().chain(list.into_iter().flatten());
        one.into_iter().chain(several.filter_map(|value| value.as_text()))
    }
}

struct Items<'a> {
    left: u32,
    rest: &'a [u8],
}

impl<'a> Iterator for Items<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        self.left = self.left.checked_sub(1)?;
        let (value, rest) = read(self.rest).ok()?;
        self.rest = rest;
        Some(value)
    }
}
