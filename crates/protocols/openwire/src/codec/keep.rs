//! Messages that come in, written as they are kept while they are read: nothing is made of them in between.

use std::sync::Arc;

use super::{
    Encoding,
    cache::{InCache, OutCache},
    error::DecodeError,
    kind::Kind,
    mold::{Molds, Spots},
    object::{Object, Value},
    read::{MAX_DEPTH, Reader},
    stored::{Ends, Stored, is_kept},
    table::{Class, Field, Form, Row, place, rows, tail},
    text,
    write::{encode_bare, write_kept},
};

/// Bytes that a message may have in its kept form beyond those of its frame, by naming what it sent before.
pub(super) const MAX_REMEMBERED_BYTES: usize = 256 << 10;

/// A message that came, in the form in which it is kept: without its content, and without what belongs to one hop.
#[derive(Debug)]
pub struct Incoming<'a> {
    kind: Kind,
    /// What was in the buffer, then the code of the message and its fields.
    buffer: Vec<u8>,
    /// Where the fields begin.
    start: usize,
    ends: &'a mut Ends,
    /// Number of the command.
    pub command_id: i32,
    /// It is to be answered.
    pub is_response_required: bool,
    /// The transaction that it belongs to.
    pub transaction: Option<Arc<Object<'a>>>,
    /// Its content.
    pub content: Option<&'a [u8]>,
}

/// Reads the message that a frame is, and appends it to `buffer` as it is kept. `room`: for where its fields end; `molds`:
/// messages before it on the same connection.
///
/// # Errors
/// As [`super::decode`]; it is no message, or what it names of earlier ones makes it too long.
pub fn keep<'a>(
    frame: &'a [u8],
    encoding: Encoding,
    cache: &mut InCache,
    buffer: Vec<u8>,
    room: &'a mut Ends,
    molds: &mut Molds,
) -> Result<Incoming<'a>, DecodeError> {
    if let Some(found) = molds.find(frame, cache) {
        return Ok(found.keep(buffer, room));
    }
    let (changes, mut spots) = (cache.changes(), Spots::default());
    let incoming = read(frame, encoding, cache, (buffer, room), &mut spots)?;
    molds.note(frame, &incoming, &spots, encoding, (changes, cache));
    Ok(incoming)
}

fn read<'a>(
    frame: &'a [u8],
    encoding: Encoding,
    cache: &mut InCache,
    (mut buffer, room): (Vec<u8>, &'a mut Ends),
    spots: &mut Spots,
) -> Result<Incoming<'a>, DecodeError> {
    let (mut reader, kind) = Reader::start(frame, encoding, cache)?;
    if !kind.is_message() {
        return Err(DecodeError::WrongKind { code: kind.code() });
    }
    buffer.push(kind.code());
    let start = buffer.len();
    let mut incoming = Incoming {
        kind,
        buffer,
        start,
        ends: room,
        command_id: 0,
        is_response_required: false,
        transaction: None,
        content: None,
    };
    let (most, is_same) = (frame.len() + MAX_REMEMBERED_BYTES, encoding.is_kept_alike());
    // What goes over in one piece begins here.
    let mut piece = reader.data.rest();
    for (at, row) in rows(kind).iter().enumerate() {
        let before = reader.data.rest().len();
        if !(is_same && reader.step_over(row)) {
            incoming.buffer.extend_from_slice(piece.get(..piece.len() - before).unwrap_or_default());
            reader.keep_field(row, &mut incoming)?;
            piece = reader.data.rest();
        }
        let left = reader.data.rest().len();
        spots.note(row.field, frame.len() - before..frame.len() - left);
        let end = incoming.buffer.len() - start + (piece.len() - left);
        if end > most {
            return Err(DecodeError::CacheFull { max: MAX_REMEMBERED_BYTES });
        }
        if let Some(place) = incoming.ends.get_mut(at) {
            *place = u32::try_from(end).map_err(|_| DecodeError::Truncated)?;
        }
    }
    let rest = reader.data.rest().len();
    incoming.buffer.extend_from_slice(piece.get(..piece.len() - rest).unwrap_or_default());
    if reader.data.rest().is_empty() { Ok(incoming) } else { Err(DecodeError::Trailing) }
}

impl<'a> Incoming<'a> {
    /// One that is kept from `start` of a buffer on, without a transaction, with its number and whether it is to be answered.
    pub(super) fn of_mold(
        kind: Kind,
        (buffer, start): (Vec<u8>, usize),
        ends: &'a mut Ends,
        (command_id, is_response_required): (i32, bool),
        content: Option<&'a [u8]>,
    ) -> Self {
        Self { kind, buffer, start, ends, command_id, is_response_required, transaction: None, content }
    }

    /// Its fields as they are kept.
    pub(super) fn fields(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// Where they end.
    pub(super) fn ends(&self) -> &Ends {
        self.ends
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What was in the buffer before, and the message as it is kept.
    #[must_use]
    pub fn buffer(&self) -> &[u8] {
        &self.buffer
    }

    /// The same, to be changed in front of the message, or to be used again.
    #[must_use]
    pub fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }

    /// A byte in front of the message is changed.
    pub fn set_prefix(&mut self, at: usize, byte: u8) {
        if let Some(place) = self.buffer.get_mut(..self.start).and_then(|prefix| prefix.get_mut(at)) {
            *place = byte;
        }
    }

    /// The message as it is kept.
    #[must_use]
    pub fn stored(&self) -> Stored<'_> {
        Stored::of_parts(self.kind, self.fields(), self.ends)
    }

    /// Changes a field; one that the kind has not is passed over.
    pub fn set(&mut self, field: Field, value: &Value<'_>) {
        let Some(at) = place(self.kind, field) else { return };
        let Some(row) = rows(self.kind).get(at) else { return };
        let mut raw = Vec::with_capacity(8);
        write_kept(row.form, value, &mut raw);
        let before = at.checked_sub(1).and_then(|before| self.ends.get(before));
        let from = self.start + before.map_or(0, |end| *end as usize);
        let to = self.start + self.ends.get(at).map_or(0, |end| *end as usize);
        let Some(old) = self.buffer.get_mut(from..to) else { return };
        if old.len() == raw.len() {
            old.copy_from_slice(&raw);
            return;
        }
        self.buffer.splice(from..to, raw.iter().copied());
        let later = self.ends.iter_mut().take(rows(self.kind).len()).skip(at);
        later.for_each(|end| *end = (*end as usize + raw.len()).saturating_sub(to - from) as u32);
    }
}

impl<'a> Reader<'a, '_> {
    /// Steps over a field that stands in the frame as it is kept; false: it does not, or is to be looked at.
    fn step_over(&mut self, row: &Row) -> bool {
        let bytes = self.data.rest();
        // What belongs to one hop is kept as if it were not there, which it is not as a rule.
        let is_kept = !is_of_hop(row.field);
        let len = match row.form {
            Form::Byte => Some(1),
            Form::Int => (is_kept || bytes.first_chunk() == Some(&[0; 4])).then_some(4),
            Form::Long => (is_kept || bytes.first_chunk() == Some(&[0; 8])).then_some(8),
            Form::Text if is_kept => len_of_usual_text(bytes),
            Form::Bool if is_kept => bytes.first().filter(|truth| **truth < 2).map(|_| 1),
            Form::Object(class) | Form::Cached(class) if is_kept && row.field != Field::TransactionId => {
                self.len_of_usual(bytes, class, 0)
            }
            _ => bytes.first().filter(|is_there| **is_there == 0).map(|_| 1),
        };
        len.is_some_and(|len| self.data.take(len).is_ok())
    }

    /// Bytes of a structure that stands in the frame as it is kept, or of none.
    fn len_of_usual(&self, bytes: &[u8], class: Class, depth: u8) -> Option<usize> {
        let (is_there, rest) = bytes.split_first()?;
        if *is_there != 1 {
            return (*is_there == 0).then_some(1);
        }
        let kind = Kind::of_code(*rest.first()?).filter(|kind| class.has(*kind) && !kind.is_message())?;
        if depth >= MAX_DEPTH || kind.since() > self.encoding.version {
            return None;
        }
        if let Some(tail) = tail(kind) {
            return Some(2 + len_of_usual_text(bytes.get(2..)?)? + tail);
        }
        let mut kept = rows(kind).iter().filter(|row| is_kept(row));
        kept.try_fold(2, |at, row| {
            let rest = bytes.get(at..)?;
            let len = match row.form {
                Form::Bool => rest.first().filter(|truth| **truth < 2).map(|_| 1),
                Form::Byte => Some(1),
                Form::Int => Some(4),
                Form::Long => Some(8),
                Form::Text => len_of_usual_text(rest),
                Form::Object(class) | Form::Cached(class) => self.len_of_usual(rest, class, depth + 1),
                Form::Bytes | Form::Magic | Form::Array(_) | Form::Throwable => None,
            };
            Some(at + len?)
        })
    }

    /// Reads a field of a message, and writes what is kept of it.
    fn keep_field(&mut self, row: &Row, incoming: &mut Incoming<'a>) -> Result<(), DecodeError> {
        let out = &mut incoming.buffer;
        if !row.is_in(self.encoding.version) {
            push_default(row.form, out);
            return Ok(());
        }
        match row.field {
            Field::CommandId => {
                incoming.command_id = self.data.i32()?;
                push_default(row.form, out);
            }
            Field::ResponseRequired => {
                incoming.is_response_required = self.truth()?;
                push_default(row.form, out);
            }
            Field::Content => {
                incoming.content = self.bytes()?;
                push_default(row.form, out);
            }
            Field::TransactionId => {
                incoming.transaction = match self.one_value(row.form)? {
                    Value::Object(id) => Some(id),
                    _ => None,
                };
                push_default(row.form, out);
            }
            field if is_of_hop(field) => {
                self.one_value(row.form)?;
                push_default(row.form, out);
            }
            _ => self.copy(row.form, 0, out)?,
        }
        Ok(())
    }

    fn one_value(&mut self, form: Form) -> Result<Value<'a>, DecodeError> {
        // Most of these are numbers and truth values.
        match form {
            Form::Bool => self.truth().map(Value::Bool),
            Form::Long => self.long().map(Value::Long),
            Form::Int => self.data.i32().map(Value::Int),
            _ => {
                let mut values = Vec::with_capacity(1);
                self.value(form, 0, &mut values)?;
                Ok(values.pop().unwrap_or(Value::None))
            }
        }
    }

    /// Copies a field into its kept form.
    fn copy(&mut self, form: Form, depth: u8, out: &mut Vec<u8>) -> Result<(), DecodeError> {
        match form {
            Form::Bool => out.push(u8::from(self.truth()?)),
            Form::Byte => out.push(self.data.u8()?),
            Form::Int => out.extend_from_slice(&self.data.i32()?.to_be_bytes()),
            Form::Long => out.extend_from_slice(&self.long()?.to_be_bytes()),
            Form::Text => self.copy_text(out)?,
            Form::Bytes => {
                let bytes = self.bytes()?;
                out.push(u8::from(bytes.is_some()));
                if let Some(bytes) = bytes {
                    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
                    out.extend_from_slice(bytes);
                }
            }
            Form::Magic => out.extend_from_slice(self.data.take(8)?),
            Form::Cached(class) if self.encoding.has_cache => self.copy_cached(class, depth, out)?,
            Form::Object(class) | Form::Cached(class) => self.copy_nested(class, depth, out)?,
            Form::Array(class) => {
                let is_list = self.truth()?;
                out.push(u8::from(is_list));
                if is_list {
                    let count = self.count()?;
                    out.extend_from_slice(&count.to_be_bytes());
                    for _ in 0..count {
                        self.copy_nested(class, depth, out)?;
                    }
                }
            }
            Form::Throwable => {
                let is_thrown = self.truth()?;
                out.push(u8::from(is_thrown));
                if is_thrown {
                    self.copy_text(out)?;
                    self.copy_text(out)?;
                }
            }
        }
        Ok(())
    }

    fn copy_text(&mut self, out: &mut Vec<u8>) -> Result<(), DecodeError> {
        let Some((is_latin, bytes)) = self.raw_text()? else {
            out.push(0);
            return Ok(());
        };
        out.push(1);
        if is_usual_text(bytes) {
            push_text(bytes, out);
        } else {
            push_text(&text::fitting(&text::read_as(bytes, is_latin)?), out);
        }
        Ok(())
    }

    fn copy_nested(&mut self, class: Class, depth: u8, out: &mut Vec<u8>) -> Result<(), DecodeError> {
        let Some(kind) = self.nested_kind(class)? else {
            out.push(0);
            return Ok(());
        };
        if depth >= MAX_DEPTH {
            return Err(DecodeError::TooDeep { max: MAX_DEPTH });
        }
        out.extend_from_slice(&[1, kind.code()]);
        for row in rows(kind) {
            match (row.is_in(self.encoding.version), is_kept(row)) {
                (true, true) => self.copy(row.form, depth + 1, out)?,
                (true, false) => drop(self.one_value(row.form)?),
                (false, true) => push_default(row.form, out),
                (false, false) => {}
            }
        }
        Ok(())
    }

    fn copy_cached(&mut self, class: Class, depth: u8, out: &mut Vec<u8>) -> Result<(), DecodeError> {
        if self.truth()? {
            let object = match self.put_cached(class, depth)? {
                Some(object) => object,
                None => {
                    out.push(0);
                    return Ok(());
                }
            };
            out.push(1);
            encode_bare(&object, Encoding::KEPT, &mut OutCache::default(), out);
            return Ok(());
        }
        let index = self.data.i16()?;
        let raw = self.cache.get_raw(index)?;
        if let Some(code) = raw.get(1)
            && !Kind::of_code(*code).is_some_and(|kind| class.has(kind))
        {
            return Err(DecodeError::WrongKind { code: *code });
        }
        out.extend_from_slice(raw);
        Ok(())
    }
}

/// Whether a text is kept as it comes, whatever its encoding.
fn is_usual_text(bytes: &[u8]) -> bool {
    // Without a way out in between, so that many letters are looked at together.
    let is_usual = bytes.iter().fold(true, |is_usual, byte| is_usual & (byte.wrapping_sub(1) < 0x7f));
    bytes.len() <= text::TEXT_MAX_BYTES && is_usual
}

/// Bytes of a loose text that is kept as it comes, or of none.
fn len_of_usual_text(bytes: &[u8]) -> Option<usize> {
    let (is_there, rest) = bytes.split_first()?;
    if *is_there != 1 {
        return (*is_there == 0).then_some(1);
    }
    let (len, rest) = rest.split_first_chunk()?;
    let len = usize::from(u16::from_be_bytes(*len));
    rest.get(..len).filter(|text| is_usual_text(text)).map(|_| 3 + len)
}

/// Whether a field is about one hop, or is the broker's to say: nobody is a user because a message says so (S6).
fn is_of_hop(field: Field) -> bool {
    matches!(
        field,
        Field::CommandId
            | Field::ResponseRequired
            | Field::OriginalTransactionId
            | Field::TargetConsumerId
            | Field::RedeliveryCounter
            | Field::BrokerPath
            | Field::Cluster
            | Field::ReceivedByBridge
            | Field::Arrival
            | Field::BrokerInTime
            | Field::BrokerOutTime
            | Field::GroupFirstForConsumer
            | Field::UserId
    )
}

fn push_default(form: Form, out: &mut Vec<u8>) {
    match form {
        Form::Int => out.extend_from_slice(&[0; 4]),
        Form::Long | Form::Magic => out.extend_from_slice(&[0; 8]),
        _ => out.push(0),
    }
}

fn push_text(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}
