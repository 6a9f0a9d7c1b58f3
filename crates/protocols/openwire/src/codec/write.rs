//! The writer: goes through a structure's table, in either encoding.

use std::sync::Arc;

use super::{
    Encoding,
    cache::{Known, OutCache},
    kind::Kind,
    object::{Object, Throwable, Value},
    relay::{Content, Relay},
    stored::{is_kept, skip},
    table::{Class, Field, Form, Row, rows},
    text,
    wire::{BitsBuf, Cursor},
};

/// Appends a structure as a frame.
pub fn encode(object: &Object<'_>, encoding: Encoding, cache: &mut OutCache, out: &mut Vec<u8>) {
    frame(out, |out| encode_bare(object, encoding, cache, out));
}

/// A dispatch of a kept message. Both structures are as they are kept, behind the byte that says that they are there.
#[derive(Clone, Copy, Debug)]
pub struct Dispatch<'a> {
    /// The consumer's id.
    pub consumer: &'a [u8],
    /// Where the message comes from.
    pub destination: &'a [u8],
    /// Deliveries before.
    pub redeliveries: i32,
}

/// Appends the frame of a [`Kind::MessageDispatch`] around a message that is kept.
pub fn encode_dispatch(
    dispatch: Dispatch<'_>,
    message: &Relay<'_>,
    encoding: Encoding,
    cache: &mut OutCache,
    out: &mut Vec<u8>,
) {
    frame(out, |out| {
        let size = dispatch.consumer.len() + dispatch.destination.len() + message.size_bytes();
        encode_with(Kind::MessageDispatch, size, encoding, cache, out, |writer| {
            for row in rows(Kind::MessageDispatch).iter().filter(|row| row.is_in(encoding.version)) {
                match row.field {
                    Field::Message => writer.relay(message),
                    Field::ConsumerId => writer.copy_whole(row.form, dispatch.consumer),
                    Field::Destination => writer.copy_whole(row.form, dispatch.destination),
                    Field::RedeliveryCounter => writer.value(row.form, &Value::Int(dispatch.redeliveries)),
                    _ => writer.value(row.form, &Value::None),
                }
            }
        });
    });
}

/// Appends a field as it is kept.
pub(super) fn write_kept(form: Form, value: &Value<'_>, out: &mut Vec<u8>) {
    let (data, mut cache) = (std::mem::take(out), OutCache::default());
    let mut writer = Writer { data, bits: None, encoding: Encoding::KEPT, cache: &mut cache };
    writer.value(form, value);
    *out = writer.data;
}

/// A structure as it is kept, behind the byte that says that it is there.
#[must_use]
pub fn kept(object: &Object<'_>) -> Box<[u8]> {
    let mut raw = vec![1];
    encode_bare(object, Encoding::KEPT, &mut OutCache::default(), &mut raw);
    raw.into()
}

/// Appends a structure as a frame without its size.
pub fn encode_bare(object: &Object<'_>, encoding: Encoding, cache: &mut OutCache, out: &mut Vec<u8>) {
    encode_with(object.kind(), object.size_bytes(), encoding, cache, out, |writer| writer.object(object));
}

/// Writes the size of what `fill` appends in front of it.
fn frame(out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    fill(out);
    let size = u32::try_from(out.len() - start - 4).unwrap_or(u32::MAX);
    if let Some(place) = out.get_mut(start..start + 4) {
        place.copy_from_slice(&size.to_be_bytes());
    }
}

/// `size`: bytes of what is to be written, about.
fn encode_with(
    kind: Kind,
    size: usize,
    encoding: Encoding,
    cache: &mut OutCache,
    out: &mut Vec<u8>,
    fill: impl FnOnce(&mut Writer<'_>),
) {
    out.push(kind.code());
    if encoding.is_tight {
        let data = Vec::with_capacity(size + SPARE_BYTES);
        let mut writer = Writer { data, bits: Some(BitsBuf::with_room()), encoding, cache };
        fill(&mut writer);
        if let Some(bits) = &writer.bits {
            bits.write(out);
        }
        out.extend_from_slice(&writer.data);
    } else {
        out.reserve(size + SPARE_BYTES);
        let mut writer = Writer { data: std::mem::take(out), bits: None, encoding, cache };
        fill(&mut writer);
        *out = writer.data;
    }
}

/// Room for what a structure has beside text and bytes.
const SPARE_BYTES: usize = 256;

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
        self.kind(object.kind());
        self.object(object);
    }

    fn kind(&mut self, kind: Kind) {
        self.data.push(kind.code());
        if kind.is_message() && self.bits.is_some() {
            self.truth(false);
        }
    }

    fn cached(&mut self, value: &Value<'_>) {
        let object = match value {
            Value::Object(object) => Some(&**object),
            _ => None,
        };
        let known =
            object.map_or(Known::New(super::cache::NOT_KEPT), |object| self.cache.find_or_put(object));
        if self.known(known) {
            self.nested(object);
        }
    }

    /// Writes where the peer has an object, or puts it; true when the object has to follow.
    fn known(&mut self, known: Known) -> bool {
        let (is_new, index) = match known {
            Known::At(index) => (false, index),
            Known::New(index) => (true, index),
        };
        self.truth(is_new);
        self.data.extend_from_slice(&index.to_be_bytes());
        is_new
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

    /// A message that is kept. What is looked at here has been walked through, so that nothing of it can be missing.
    fn relay(&mut self, message: &Relay<'_>) {
        let stored = &message.stored;
        self.truth(true);
        self.kind(stored.kind());
        let (version, all) = (self.encoding.version, rows(stored.kind()));
        if self.encoding.is_kept_alike() {
            // Where what goes over in one piece begins.
            let mut piece = 0;
            for at in message.changed_places() {
                let Some(row) = all.get(at) else { break };
                self.data.extend_from_slice(stored.raw_between(piece, at));
                self.relay_field(message, at, row);
                piece = at + 1;
            }
            self.data.extend_from_slice(stored.raw_from(piece));
            return;
        }
        for (at, row) in all.iter().enumerate().filter(|(_, row)| row.is_in(version)) {
            self.relay_field(message, at, row);
        }
    }

    fn relay_field(&mut self, message: &Relay<'_>, at: usize, row: &Row) {
        let content = message.content.as_ref().filter(|_| row.field == Field::Content);
        // Messages that it tells of keep their own.
        let sequence = message.sequence().filter(|_| row.field == Field::MessageId);
        match (content, message.change(at)) {
            (Some(content), _) => self.content(content),
            (None, Some(value)) => self.value(row.form, value),
            (None, None) if self.encoding.is_kept_alike() => {
                let start = self.data.len();
                self.data.extend_from_slice(message.stored.raw_at(at));
                // Of an id the broker's number is the last part.
                let id = self.data.get_mut(start + 1..).and_then(|id| id.last_chunk_mut());
                if let (Some(number), Some(place)) = (sequence, id) {
                    *place = number.to_be_bytes();
                }
            }
            (None, None) => {
                self.copy(row.form, &mut Cursor::new(message.stored.raw_at(at)), sequence);
            }
        }
    }

    fn content(&mut self, content: &Content<'_>) {
        if !content.has_length {
            return self.bytes(&content.bytes);
        }
        // A frame is never so long: its own size has as many bits.
        let len = i32::try_from(content.bytes.len()).unwrap_or(i32::MAX);
        self.truth(true);
        self.data.extend_from_slice(&len.saturating_add(4).to_be_bytes());
        self.data.extend_from_slice(&len.to_be_bytes());
        self.data.extend_from_slice(&content.bytes);
    }

    /// Copies a field that is known to be whole.
    fn copy_whole(&mut self, form: Form, raw: &[u8]) {
        if self.encoding.is_kept_alike() {
            self.data.extend_from_slice(raw);
        } else {
            self.copy(form, &mut Cursor::new(raw), None);
        }
    }

    /// Copies a field; what a cut one leaves out is written as absent. `sequence`: the broker's number in the ids on the way.
    fn copy(&mut self, form: Form, from: &mut Cursor<'_>, sequence: Option<i64>) {
        let is_there = |from: &mut Cursor<'_>| from.u8().is_ok_and(|there| there != 0);
        match form {
            Form::Bool => self.truth(is_there(from)),
            Form::Byte => self.data.push(from.u8().unwrap_or_default()),
            Form::Int => self.data.extend_from_slice(&from.i32().unwrap_or_default().to_be_bytes()),
            Form::Long => self.long(from.i64().unwrap_or_default()),
            Form::Magic => self.data.extend_from_slice(from.take(8).unwrap_or(&[0; 8])),
            Form::Text => self.copy_text(from),
            Form::Bytes => {
                if !is_there(from) {
                    return self.truth(false);
                }
                let len = from.len32().unwrap_or_default();
                self.bytes(from.take(len).unwrap_or_default());
            }
            Form::Cached(_) if self.encoding.has_cache => self.copy_cached(from, sequence),
            Form::Object(_) | Form::Cached(_) => self.copy_nested(from, sequence),
            Form::Array(_) => {
                let is_list = is_there(from);
                self.truth(is_list);
                if is_list {
                    let count = from.i16().unwrap_or_default();
                    self.data.extend_from_slice(&count.to_be_bytes());
                    (0..count).for_each(|_| self.copy_nested(from, sequence));
                }
            }
            Form::Throwable => {
                let is_thrown = is_there(from);
                self.truth(is_thrown);
                if is_thrown {
                    self.copy_text(from);
                    self.copy_text(from);
                }
            }
        }
    }

    fn copy_text(&mut self, from: &mut Cursor<'_>) {
        let is_there = from.u8().is_ok_and(|there| there != 0);
        self.truth(is_there);
        if !is_there {
            return;
        }
        let len = from.u16().unwrap_or_default();
        let bytes = from.take(usize::from(len)).unwrap_or_default();
        if self.bits.is_some() {
            self.truth(bytes.is_ascii() && !bytes.contains(&0));
        }
        self.data.extend_from_slice(&len.to_be_bytes());
        self.data.extend_from_slice(bytes);
    }

    fn copy_nested(&mut self, from: &mut Cursor<'_>, sequence: Option<i64>) {
        let kind = match from.u8() {
            Ok(0) | Err(_) => None,
            Ok(_) => from.u8().ok().and_then(Kind::of_code),
        };
        self.truth(kind.is_some());
        let Some(kind) = kind else { return };
        self.kind(kind);
        for row in rows(kind) {
            let number = sequence.filter(|_| row.field == Field::BrokerSequenceId);
            match (is_kept(row), row.is_in(self.encoding.version)) {
                (true, true) if number.is_none() => self.copy(row.form, from, sequence),
                (true, is_written) => {
                    let _walked_before = skip(row.form, from, 0);
                    if let Some(number) = number.filter(|_| is_written) {
                        self.long(number);
                    }
                }
                (false, true) => self.value(row.form, &Value::None),
                (false, false) => {}
            }
        }
    }

    fn copy_cached(&mut self, from: &mut Cursor<'_>, sequence: Option<i64>) {
        let (all, mut after) = (from.rest(), *from);
        let _walked_before = skip(Form::Object(Class::Any), &mut after, 0);
        // Without the byte that says that it is there.
        let raw = all.get(1..all.len() - after.rest().len()).filter(|raw| !raw.is_empty());
        let known = raw.map_or(Known::New(super::cache::NOT_KEPT), |raw| self.cache.find_or_put_raw(raw));
        if self.known(known) {
            self.copy_nested(from, sequence);
        } else {
            *from = after;
        }
    }
}
