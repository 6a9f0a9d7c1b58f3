//! Values as bytes, each in its shortest encoding.

use super::value::{Described, List, Map, Value};

/// Appends null.
pub fn put_null(out: &mut Vec<u8>) {
    out.push(0x40);
}

/// Appends a boolean.
pub fn put_bool(out: &mut Vec<u8>, truth: bool) {
    out.push(if truth { 0x41 } else { 0x42 });
}

/// Appends a ubyte.
pub fn put_ubyte(out: &mut Vec<u8>, number: u8) {
    out.extend_from_slice(&[0x50, number]);
}

/// Appends a ushort.
pub fn put_ushort(out: &mut Vec<u8>, number: u16) {
    out.push(0x60);
    out.extend_from_slice(&number.to_be_bytes());
}

/// Appends a uint.
pub fn put_uint(out: &mut Vec<u8>, number: u32) {
    match u8::try_from(number) {
        Ok(0) => out.push(0x43),
        Ok(small) => out.extend_from_slice(&[0x52, small]),
        Err(_) => {
            out.push(0x70);
            out.extend_from_slice(&number.to_be_bytes());
        }
    }
}

/// Appends a ulong.
pub fn put_ulong(out: &mut Vec<u8>, number: u64) {
    match u8::try_from(number) {
        Ok(0) => out.push(0x44),
        Ok(small) => out.extend_from_slice(&[0x53, small]),
        Err(_) => {
            out.push(0x80);
            out.extend_from_slice(&number.to_be_bytes());
        }
    }
}

/// Appends an int.
pub fn put_int(out: &mut Vec<u8>, number: i32) {
    match i8::try_from(number) {
        Ok(small) => out.extend_from_slice(&[0x54, small.to_be_bytes()[0]]),
        Err(_) => {
            out.push(0x71);
            out.extend_from_slice(&number.to_be_bytes());
        }
    }
}

/// Appends a long.
pub fn put_long(out: &mut Vec<u8>, number: i64) {
    match i8::try_from(number) {
        Ok(small) => out.extend_from_slice(&[0x55, small.to_be_bytes()[0]]),
        Err(_) => {
            out.push(0x81);
            out.extend_from_slice(&number.to_be_bytes());
        }
    }
}

/// Appends a timestamp in ms since 1970.
pub fn put_timestamp(out: &mut Vec<u8>, ms: i64) {
    out.push(0x83);
    out.extend_from_slice(&ms.to_be_bytes());
}

/// Appends what has a length: constructors of the short and the long form.
fn put_variable(out: &mut Vec<u8>, short: u8, long: u8, bytes: &[u8]) {
    match u8::try_from(bytes.len()) {
        Ok(length) => out.extend_from_slice(&[short, length]),
        Err(_) => {
            out.push(long);
            // Nothing that is written is as long as 4 GiB: messages end far before.
            out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        }
    }
    out.extend_from_slice(bytes);
}

/// Appends binary.
pub fn put_binary(out: &mut Vec<u8>, bytes: &[u8]) {
    put_variable(out, 0xa0, 0xb0, bytes);
}

/// Appends a string.
pub fn put_string(out: &mut Vec<u8>, text: &str) {
    put_variable(out, 0xa1, 0xb1, text.as_bytes());
}

/// Appends a symbol. What is not ASCII is not one: it becomes `?`.
pub fn put_symbol(out: &mut Vec<u8>, text: &str) {
    if text.is_ascii() {
        put_variable(out, 0xa3, 0xb3, text.as_bytes());
    } else {
        let ascii: Vec<u8> = text
            .chars()
            .map(|letter| u8::try_from(letter).ok().filter(u8::is_ascii).unwrap_or(b'?'))
            .collect();
        put_variable(out, 0xa3, 0xb3, &ascii);
    }
}

/// Appends an array of symbols.
pub fn put_symbols(out: &mut Vec<u8>, texts: &[&str]) {
    put_texts(out, 0xb3, texts);
}

/// Appends an array of strings.
pub fn put_strings(out: &mut Vec<u8>, texts: &[&str]) {
    put_texts(out, 0xb1, texts);
}

/// Appends an array of a type that has four bytes of length.
fn put_texts(out: &mut Vec<u8>, code: u8, texts: &[&str]) {
    let size: usize = texts.iter().map(|text| 4 + text.len()).sum();
    out.push(0xf0);
    out.extend_from_slice(&u32::try_from(size + 5).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(&u32::try_from(texts.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.push(code);
    for text in texts {
        out.extend_from_slice(&u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes());
        out.extend_from_slice(text.as_bytes());
    }
}

/// Appends the start of a described value whose descriptor is a number below 256.
pub fn put_descriptor(out: &mut Vec<u8>, code: u8) {
    out.extend_from_slice(&[0x00, 0x53, code]);
}

fn put_compound(out: &mut Vec<u8>, long: u8, count: u32, items: &[u8]) {
    out.push(long);
    out.extend_from_slice(&u32::try_from(items.len() + 4).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(&count.to_be_bytes());
    out.extend_from_slice(items);
}

/// Appends any value.
pub fn put_value(out: &mut Vec<u8>, value: &Value<'_>) {
    let mut fixed = |code: u8, bytes: &[u8]| {
        out.push(code);
        out.extend_from_slice(bytes);
    };
    match value {
        Value::Ubyte(number) => fixed(0x50, &[*number]),
        Value::Byte(number) => fixed(0x51, &number.to_be_bytes()),
        Value::Ushort(number) => fixed(0x60, &number.to_be_bytes()),
        Value::Short(number) => fixed(0x61, &number.to_be_bytes()),
        Value::Float(number) => fixed(0x72, &number.to_be_bytes()),
        Value::Double(number) => fixed(0x82, &number.to_be_bytes()),
        Value::Decimal32(bytes) => fixed(0x74, bytes),
        Value::Decimal64(bytes) => fixed(0x84, bytes),
        Value::Decimal128(bytes) => fixed(0x94, bytes),
        Value::Char(letter) => fixed(0x73, &u32::from(*letter).to_be_bytes()),
        Value::Uuid(bytes) => fixed(0x98, bytes),
        Value::Null => put_null(out),
        Value::Bool(truth) => put_bool(out, *truth),
        Value::Uint(number) => put_uint(out, *number),
        Value::Ulong(number) => put_ulong(out, *number),
        Value::Int(number) => put_int(out, *number),
        Value::Long(number) => put_long(out, *number),
        Value::Timestamp(ms) => put_timestamp(out, *ms),
        Value::Binary(bytes) => put_binary(out, bytes),
        Value::String(text) => put_string(out, text),
        Value::Symbol(text) => put_symbol(out, text),
        Value::List(list) => put_list(out, list),
        Value::Map(map) => put_map(out, map),
        Value::Array(array) => put_array(out, array),
        Value::Described(described) => put_described(out, described),
    }
}

fn put_list(out: &mut Vec<u8>, list: &List<'_>) {
    if list.count() == 0 {
        out.push(0x45);
    } else {
        put_compound(out, 0xd0, list.count(), list.items());
    }
}

/// Appends a map with its elements as they came.
pub fn put_map(out: &mut Vec<u8>, map: &Map<'_>) {
    put_compound(out, 0xd1, map.count(), map.items());
}

fn put_array(out: &mut Vec<u8>, array: &super::value::Array<'_>) {
    let (descriptor, code, items) = array.parts();
    let mut content = Vec::with_capacity(items.len() + 1);
    if let Some(descriptor) = descriptor {
        content.push(0x00);
        content.extend_from_slice(descriptor);
    }
    content.push(code);
    content.extend_from_slice(items);
    put_compound(out, 0xf0, array.count(), &content);
}

fn put_described(out: &mut Vec<u8>, described: &Described<'_>) {
    let (descriptor, code, content) = described.parts();
    out.push(0x00);
    out.extend_from_slice(descriptor);
    out.push(code);
    out.extend_from_slice(content);
}

/// Bytes in front of the elements of a list or map under way: constructor, size, count.
const COMPOUND_HEAD_BYTES: usize = 9;

/// Writes a list field by field. Nulls at its end are left out; a small list gets the short form.
#[must_use]
pub struct ListWriter<'b> {
    out: &'b mut Vec<u8>,
    start: usize,
    count: u32,
    /// Where the last field that is not null ends, and how many there are up to it.
    kept: (usize, u32),
}

impl<'b> ListWriter<'b> {
    /// Begins a list.
    pub fn start(out: &'b mut Vec<u8>) -> Self {
        let start = out.len();
        out.extend_from_slice(&[0; COMPOUND_HEAD_BYTES]);
        let kept = (out.len(), 0);
        Self { out, start, count: 0, kept }
    }

    /// Begins a list that a number describes.
    pub fn described(out: &'b mut Vec<u8>, code: u8) -> Self {
        put_descriptor(out, code);
        Self::start(out)
    }

    /// Adds a field; nothing is null.
    pub fn field<T>(mut self, value: Option<T>, put: impl FnOnce(&mut Vec<u8>, T)) -> Self {
        self.count += 1;
        match value {
            None => put_null(self.out),
            Some(value) => {
                put(self.out, value);
                self.kept = (self.out.len(), self.count);
            }
        }
        self
    }

    /// Adds fields that are not set.
    pub fn nulls(mut self, count: u32) -> Self {
        for _ in 0..count {
            self = self.field(None::<()>, |_, ()| {});
        }
        self
    }

    /// Ends the list.
    pub fn end(self) {
        let (end, count) = self.kept;
        self.out.truncate(end);
        end_compound(self.out, self.start, count, [0xc0, 0xd0]);
    }
}

/// Writes a map pair by pair.
#[must_use]
pub struct MapWriter<'b> {
    out: &'b mut Vec<u8>,
    start: usize,
    count: u32,
}

impl<'b> MapWriter<'b> {
    /// Begins a map.
    pub fn start(out: &'b mut Vec<u8>) -> Self {
        let start = out.len();
        out.extend_from_slice(&[0; COMPOUND_HEAD_BYTES]);
        Self { out, start, count: 0 }
    }

    /// Adds a pair, both written by the caller.
    pub fn pair(&mut self, put: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        put(self.out);
        self.count += 2;
        self
    }

    /// Adds a symbol and a value that the caller writes.
    pub fn symbol(&mut self, name: &str, put: impl FnOnce(&mut Vec<u8>)) -> &mut Self {
        self.pair(|out| {
            put_symbol(out, name);
            put(out);
        })
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Ends the map.
    pub fn end(self) {
        end_compound(self.out, self.start, self.count, [0xc1, 0xd1]);
    }
}

/// Fills in the head of a list or map: the short form when it fits.
fn end_compound(out: &mut Vec<u8>, start: usize, count: u32, [short, long]: [u8; 2]) {
    let items = start + COMPOUND_HEAD_BYTES;
    let length = out.len().saturating_sub(items);
    if count == 0 && short == 0xc0 {
        out.truncate(start);
        out.push(0x45);
        return;
    }
    if let (Ok(size), Ok(count)) = (u8::try_from(length + 1), u8::try_from(count)) {
        out.copy_within(items.., start + 3);
        out.truncate(start + 3 + length);
        if let Some(head) = out.get_mut(start..start + 3) {
            head.copy_from_slice(&[short, size, count]);
        }
        return;
    }
    let size = u32::try_from(length + 4).unwrap_or(u32::MAX).to_be_bytes();
    if let Some(head) = out.get_mut(start..items) {
        let (constructor, lengths) = head.split_at_mut(1);
        constructor.fill(long);
        let (size_place, count_place) = lengths.split_at_mut(4);
        size_place.copy_from_slice(&size);
        count_place.copy_from_slice(&count.to_be_bytes());
    }
}
