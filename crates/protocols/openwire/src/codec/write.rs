//! The writer: goes through a structure's table, in either encoding.

use std::sync::Arc;

use super::{
    Encoding,
    cache::{Known, OutCache},
    object::{Object, Throwable, Value},
    table::Form,
    text,
    wire::BitsBuf,
};

/// Appends a structure as a frame.
pub fn encode(object: &Object<'_>, encoding: Encoding, cache: &mut OutCache, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    encode_bare(object, encoding, cache, out);
    let size = u32::try_from(out.len() - start - 4).unwrap_or(u32::MAX);
    if let Some(place) = out.get_mut(start..start + 4) {
        place.copy_from_slice(&size.to_be_bytes());
    }
}

/// Appends a structure as a frame without its size.
pub fn encode_bare(object: &Object<'_>, encoding: Encoding, cache: &mut OutCache, out: &mut Vec<u8>) {
    out.push(object.kind().code());
    if encoding.is_tight {
        let mut writer = Writer { data: Vec::new(), bits: Some(BitsBuf::default()), encoding, cache };
        writer.object(object);
        if let Some(bits) = &writer.bits {
            bits.write(out);
        }
        out.extend_from_slice(&writer.data);
    } else {
        let mut writer = Writer { data: std::mem::take(out), bits: None, encoding, cache };
        writer.object(object);
        *out = writer.data;
    }
}

struct Writer<'c> {
    data: Vec<u8>,
    /// Only in tight encoding.
    bits: Option<BitsBuf>,
    encoding: Encoding,
    cache: &'c mut OutCache,
}

impl Writer<'_> {
    fn object(&mut self, object: &Object<'_>) {
        for (row, value) in object.fields() {
            if row.is_in(self.encoding.version) {
                self.value(row.form, value);
            }
        }
    }

    /// A value of another form than the field's is written as if there were none.
    fn value(&mut self, form: Form, value: &Value<'_>) {
        match (form, value) {
            (Form::Bool, value) => self.truth(matches!(value, Value::Bool(true))),
            (Form::Byte, Value::Byte(number)) => self.data.push(*number),
            (Form::Byte, _) => self.data.push(0),
            (Form::Int, Value::Int(number)) => self.data.extend_from_slice(&number.to_be_bytes()),
            (Form::Int, _) => self.data.extend_from_slice(&[0; 4]),
            (Form::Long, Value::Long(number)) => self.long(*number),
            (Form::Long, _) => self.long(0),
            (Form::Text, Value::Text(text)) => self.text(Some(text)),
            (Form::Bytes, Value::Bytes(bytes)) => self.bytes(bytes),
            (Form::Magic, Value::Bytes(bytes)) => {
                self.data.extend_from_slice(bytes.first_chunk::<8>().unwrap_or(&[0; 8]));
            }
            (Form::Magic, _) => self.data.extend_from_slice(&[0; 8]),
            (Form::Cached(_), value) if self.encoding.has_cache => self.cached(value),
            (Form::Object(_) | Form::Cached(_), Value::Object(object)) => self.nested(Some(object)),
            (Form::Array(_), Value::Array(objects)) => self.array(objects),
            (Form::Throwable, Value::Throwable(throwable)) => self.throwable(throwable),
            _ => self.truth(false),
        }
    }

    fn truth(&mut self, truth: bool) {
        match &mut self.bits {
            Some(bits) => bits.push(truth),
            None => self.data.push(u8::from(truth)),
        }
    }

    fn long(&mut self, number: i64) {
        let bytes = number.to_be_bytes();
        if self.bits.is_none() {
            self.data.extend_from_slice(&bytes);
            return;
        }
        let (first, second, skipped) = match number.cast_unsigned() {
            0 => (false, false, 8),
            1..=0xffff => (false, true, 6),
            0x1_0000..=0xffff_ffff => (true, false, 4),
            _ => (true, true, 0),
        };
        self.truth(first);
        self.truth(second);
        self.data.extend_from_slice(bytes.get(skipped..).unwrap_or_default());
    }

    fn text(&mut self, text: Option<&str>) {
        self.truth(text.is_some());
        let Some(text) = text else { return };
        let bytes = text::fitting(text);
        if self.bits.is_some() {
            self.truth(bytes.is_ascii() && !bytes.contains(&0));
        }
        let len = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
        self.data.extend_from_slice(&len.to_be_bytes());
        self.data.extend_from_slice(&bytes);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.truth(true);
        // A frame is never so long: its own size has as many bits.
        let len = i32::try_from(bytes.len()).unwrap_or(i32::MAX);
        self.data.extend_from_slice(&len.to_be_bytes());
        self.data.extend_from_slice(bytes);
    }

    fn nested(&mut self, object: Option<&Object<'_>>) {
        self.truth(object.is_some());
        let Some(object) = object else { return };
        self.data.push(object.kind().code());
        if object.kind().is_message() && self.bits.is_some() {
            self.truth(false);
        }
        self.object(object);
    }

    fn cached(&mut self, value: &Value<'_>) {
        let object = match value {
            Value::Object(object) => Some(&**object),
            _ => None,
        };
        let known =
            object.map_or(Known::New(super::cache::NOT_KEPT), |object| self.cache.find_or_put(object));
        match known {
            Known::At(index) => {
                self.truth(false);
                self.data.extend_from_slice(&index.to_be_bytes());
            }
            Known::New(index) => {
                self.truth(true);
                self.data.extend_from_slice(&index.to_be_bytes());
                self.nested(object);
            }
        }
    }

    fn array(&mut self, objects: &[Option<Arc<Object<'_>>>]) {
        self.truth(true);
        let count = i16::try_from(objects.len()).unwrap_or(i16::MAX);
        self.data.extend_from_slice(&count.to_be_bytes());
        for object in objects.iter().take(usize::try_from(count).unwrap_or_default()) {
            self.nested(object.as_deref());
        }
    }

    fn throwable(&mut self, throwable: &Throwable<'_>) {
        self.truth(true);
        self.text(throwable.class.as_deref());
        self.text(throwable.message.as_deref());
    }
}
