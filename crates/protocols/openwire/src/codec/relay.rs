//! A message that is kept, on its way to a peer: what nothing changes goes over as it lies there, without being taken apart.

use smallvec::SmallVec;

use super::{
    error::DecodeError,
    kind::Kind,
    object::Value,
    read::MAX_DEPTH,
    table::{Field, Form, place, rows},
    wire::Cursor,
};

/// Most fields of a message: every kind has fewer.
const MAX_FIELDS: usize = 36;
/// Changes that need no room of their own.
const USUAL_CHANGES: usize = 8;

/// A message as [`super::encode_bare`] writes it in the newest version, loose and without a cache, all of it walked
/// through once, so that every part is known to be whole.
#[derive(Clone, Debug)]
pub struct Relay<'a> {
    pub(super) kind: Kind,
    fields: &'a [u8],
    /// Where each field ends.
    ends: SmallVec<[u32; MAX_FIELDS]>,
    /// The message's own fields that are changed, by their place.
    changes: SmallVec<[(u8, Value<'a>); USUAL_CHANGES]>,
    /// The fields with a change, a bit each by their place.
    changed: u64,
    /// The number that its id gets.
    sequence: Option<i64>,
}

impl<'a> Relay<'a> {
    /// Walks through a message.
    ///
    /// # Errors
    /// It is none, or is cut, nested too deeply, or longer than it should be.
    pub fn of(stored: &'a [u8]) -> Result<Self, DecodeError> {
        let (code, fields) = stored.split_first().ok_or(DecodeError::Truncated)?;
        let kind = Kind::of_code(*code).filter(|kind| kind.is_message());
        let kind = kind.ok_or(DecodeError::WrongKind { code: *code })?;
        let (mut cursor, mut ends) = (Cursor::new(fields), SmallVec::new());
        rows(kind).try_for_each(|row| {
            skip(row.form, &mut cursor, 0)?;
            let end = fields.len() - cursor.rest().len();
            ends.push(u32::try_from(end).map_err(|_| DecodeError::Truncated)?);
            Ok(())
        })?;
        if !cursor.rest().is_empty() {
            return Err(DecodeError::Trailing);
        }
        Ok(Self { kind, fields, ends, changes: SmallVec::new(), changed: 0, sequence: None })
    }

    /// The bytes of a field; none when the kind has it not.
    #[must_use]
    pub fn raw(&self, field: Field) -> &'a [u8] {
        place(self.kind, field).map(|at| self.raw_at(at)).unwrap_or_default()
    }

    pub(super) fn raw_at(&self, at: usize) -> &'a [u8] {
        self.raw_between(at, at + 1)
    }

    /// The bytes of the fields from one place on, up to another.
    pub(super) fn raw_between(&self, from: usize, to: usize) -> &'a [u8] {
        let start_of = |at: usize| match at.checked_sub(1) {
            Some(before) => self.ends.get(before).map_or(0, |end| *end as usize),
            None => 0,
        };
        self.fields.get(start_of(from)..start_of(to)).unwrap_or_default()
    }

    /// Bytes that it takes about, with what is changed.
    pub(super) fn size_bytes(&self) -> usize {
        self.fields.len() + self.changes.iter().map(|(_, value)| value.size_bytes()).sum::<usize>()
    }

    /// Changes a field of the message; one that the kind has not is passed over.
    pub fn set(&mut self, field: Field, value: Value<'a>) {
        let Some(place) = place(self.kind, field).and_then(|at| u8::try_from(at).ok()) else { return };
        self.changed |= 1 << (place % 64);
        self.changes.push((place, value));
    }

    /// Changes the broker's number in the message's id.
    pub fn set_sequence(&mut self, sequence: i64) {
        self.sequence = Some(sequence);
    }

    pub(super) fn sequence(&self) -> Option<i64> {
        self.sequence
    }

    pub(super) fn change(&self, at: usize) -> Option<&Value<'a>> {
        if self.changed >> (at % 64) & 1 == 0 {
            return None;
        }
        let of_place = |(place, _): &&(u8, Value<'a>)| usize::from(*place) == at;
        self.changes.iter().rev().find(of_place).map(|(_, value)| value)
    }
}

/// Steps over a field.
pub(super) fn skip(form: Form, cursor: &mut Cursor<'_>, depth: u8) -> Result<(), DecodeError> {
    match form {
        Form::Bool | Form::Byte => cursor.take(1).map(drop),
        Form::Int => cursor.take(4).map(drop),
        Form::Long | Form::Magic => cursor.take(8).map(drop),
        Form::Text => skip_text(cursor),
        Form::Bytes => match cursor.u8()? {
            0 => Ok(()),
            _ => {
                let len = cursor.len32()?;
                cursor.take(len).map(drop)
            }
        },
        Form::Object(_) | Form::Cached(_) => skip_nested(cursor, depth),
        Form::Array(_) => match cursor.u8()? {
            0 => Ok(()),
            _ => {
                let count = u16::try_from(cursor.i16()?).map_err(|_| DecodeError::Negative)?;
                (0..count).try_for_each(|_| skip_nested(cursor, depth))
            }
        },
        Form::Throwable => match cursor.u8()? {
            0 => Ok(()),
            _ => skip_text(cursor).and_then(|()| skip_text(cursor)),
        },
    }
}

fn skip_text(cursor: &mut Cursor<'_>) -> Result<(), DecodeError> {
    if cursor.u8()? == 0 {
        return Ok(());
    }
    let len = cursor.u16()?;
    cursor.take(usize::from(len)).map(drop)
}

fn skip_nested(cursor: &mut Cursor<'_>, depth: u8) -> Result<(), DecodeError> {
    if cursor.u8()? == 0 {
        return Ok(());
    }
    if depth >= MAX_DEPTH {
        return Err(DecodeError::TooDeep { max: MAX_DEPTH });
    }
    let code = cursor.u8()?;
    let kind = Kind::of_code(code).ok_or(DecodeError::WrongKind { code })?;
    rows(kind).try_for_each(|row| skip(row.form, cursor, depth + 1))
}
