//! A message as it is kept, looked into where it lies.
//!
//! ```text
//! code of the message, 1 byte | its fields, newest version, loose, without a cache
//! ```

use std::{borrow::Cow, cmp::Ordering};

use super::{
    MAX_VERSION,
    error::DecodeError,
    kind::Kind,
    object::Object,
    read::{MAX_DEPTH, decode_kept},
    table::{Field, Form, Row, place, rows, tail},
    wire::Cursor,
};

/// Most fields of a message: every kind has fewer.
pub(super) const MAX_FIELDS: usize = 36;

/// Fields of every message up to its content.
const FRONT_FIELDS: usize = 18;
/// Where each field of a message ends, from the start of the first one.
pub type Ends = [u32; MAX_FIELDS];
/// Room for a message that is looked into: it stays where it is, as it is moved more often than it is looked at.
pub const NO_ENDS: Ends = [0; MAX_FIELDS];

/// A kept message that has been walked through once, so that every part up to there is known to be whole.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'a> {
    kind: Kind,
    fields: &'a [u8],
    ends: &'a Ends,
    /// So many fields, from the first, are known.
    known: usize,
}

impl<'a> Stored<'a> {
    /// Walks through a message. `room`: for what is found out by that.
    ///
    /// # Errors
    /// It is none, or is cut, nested too deeply, or longer than it should be.
    pub fn of(stored: &'a [u8], room: &'a mut Ends) -> Result<Self, DecodeError> {
        let (walked, end) = Self::walk_up_to(stored, MAX_FIELDS, room)?;
        match end.cmp(&walked.fields.len()) {
            Ordering::Less => Err(DecodeError::Trailing),
            Ordering::Equal => Ok(walked),
            Ordering::Greater => Err(DecodeError::Truncated),
        }
    }

    /// The same, up to its content: for who passes on as it is whatever comes behind it. Fields there are not found.
    ///
    /// # Errors
    /// As [`Self::of`], in so far as that shows up to there.
    pub fn of_front(stored: &'a [u8], room: &'a mut Ends) -> Result<Self, DecodeError> {
        let (walked, end) = Self::walk_up_to(stored, FRONT_FIELDS, room)?;
        if end <= walked.fields.len() { Ok(walked) } else { Err(DecodeError::Truncated) }
    }

    /// Answers also where the last of the fields ends.
    fn walk_up_to(stored: &'a [u8], most: usize, ends: &'a mut Ends) -> Result<(Self, usize), DecodeError> {
        let (code, fields) = stored.split_first().ok_or(DecodeError::Truncated)?;
        let kind = Kind::of_code(*code).filter(|kind| kind.is_message());
        let kind = kind.ok_or(DecodeError::WrongKind { code: *code })?;
        let (mut at, mut known) = (0, 0);
        for (row, end) in rows(kind).iter().zip(&mut *ends).take(most) {
            at = walk(fields, at, row.form, 0).ok_or(DecodeError::Truncated)?;
            *end = u32::try_from(at).map_err(|_| DecodeError::Truncated)?;
            known += 1;
        }
        Ok((Self { kind, fields, ends, known }, at))
    }

    /// One like another one that has been walked through, whose ends are given.
    pub(super) fn like(
        code: u8,
        fields: &'a [u8],
        ends: &'a Ends,
        known: usize,
    ) -> Result<Self, DecodeError> {
        let kind = Kind::of_code(code).filter(|kind| kind.is_message());
        let kind = kind.ok_or(DecodeError::WrongKind { code })?;
        Ok(Self { kind, fields, ends, known })
    }

    /// So many fields, from the first, are known.
    pub(super) fn known(&self) -> usize {
        self.known
    }

    /// Where they end.
    pub(super) fn ends(&self) -> &'a Ends {
        self.ends
    }

    /// The fields that are known.
    pub(super) fn known_fields(&self) -> &'a [u8] {
        self.raw_between(0, self.known)
    }

    /// One that has been walked through.
    pub(super) fn of_parts(kind: Kind, fields: &'a [u8], ends: &'a Ends) -> Self {
        Self { kind, fields, ends, known: MAX_FIELDS }
    }

    /// Whether it has been walked through up to behind this field.
    pub(super) fn is_known(&self, at: usize) -> bool {
        at < self.known
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// All of its fields.
    pub(super) fn fields(&self) -> &'a [u8] {
        self.fields
    }

    /// The bytes from a field on to the end.
    pub(super) fn raw_from(&self, at: usize) -> &'a [u8] {
        self.fields.get(self.start_of(at)..).unwrap_or_default()
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
        self.fields.get(self.start_of(from)..self.start_of(to)).unwrap_or_default()
    }

    #[inline]
    pub(super) fn start_of(&self, at: usize) -> usize {
        match at.checked_sub(1) {
            Some(before) => self.ends.get(before).map_or(0, |end| *end as usize),
            None => 0,
        }
    }

    /// Whether a truth value is true.
    #[must_use]
    pub fn is(&self, field: Field) -> bool {
        matches!(self.raw(field), [1])
    }

    /// A number of any size; 0 when there is none.
    #[must_use]
    pub fn number(&self, field: Field) -> i64 {
        let mut cursor = Cursor::new(self.raw(field));
        match cursor.rest().len() {
            1 => cursor.u8().map(i64::from),
            4 => cursor.i32().map(i64::from),
            8 => cursor.i64(),
            _ => Ok(0),
        }
        .unwrap_or_default()
    }

    /// Text, if there is one.
    #[must_use]
    pub fn text(&self, field: Field) -> Option<Cow<'a, str>> {
        Cursor::new(self.raw(field)).text().ok().flatten()
    }

    /// Bytes, if there are any.
    #[must_use]
    pub fn bytes(&self, field: Field) -> Option<&'a [u8]> {
        let mut cursor = Cursor::new(self.raw(field));
        if !cursor.flag().ok()? {
            return None;
        }
        let len = cursor.len32().ok()?;
        cursor.take(len).ok()
    }

    /// Another structure, if there is one.
    #[must_use]
    pub fn object(&self, field: Field) -> Option<Object<'a>> {
        decode_kept(self.raw(field))
    }
}

/// Whether a field of a structure is kept.
pub(super) fn is_kept(row: &Row) -> bool {
    row.is_in(MAX_VERSION)
}

/// Steps over a field.
pub(super) fn skip(form: Form, cursor: &mut Cursor<'_>, depth: u8) -> Result<(), DecodeError> {
    let len = walk(cursor.rest(), 0, form, depth).ok_or(DecodeError::Truncated)?;
    cursor.take(len).map(drop)
}

/// Where a field ends that begins at `from`; the last one may end behind the bytes. `None`: it is cut, nested too deeply, or
/// holds what it can't.
fn walk(bytes: &[u8], from: usize, form: Form, depth: u8) -> Option<usize> {
    match form {
        Form::Bool | Form::Byte => Some(from + 1),
        Form::Int => Some(from + 4),
        Form::Long | Form::Magic => Some(from + 8),
        Form::Text => walk_text(bytes, from),
        Form::Bytes => match bytes.get(from)? {
            0 => Some(from + 1),
            _ => {
                let len = i32::from_be_bytes(*bytes.get(from + 1..)?.first_chunk()?);
                Some(from + 5 + usize::try_from(len).ok()?)
            }
        },
        Form::Object(_) | Form::Cached(_) => walk_nested(bytes, from, depth),
        Form::Array(_) => match bytes.get(from)? {
            0 => Some(from + 1),
            _ => {
                let count = i16::from_be_bytes(*bytes.get(from + 1..)?.first_chunk()?);
                let count = u16::try_from(count).ok()?;
                (0..count).try_fold(from + 3, |at, _| walk_nested(bytes, at, depth))
            }
        },
        Form::Throwable => match bytes.get(from)? {
            0 => Some(from + 1),
            _ => walk_text(bytes, walk_text(bytes, from + 1)?),
        },
    }
}

fn walk_text(bytes: &[u8], from: usize) -> Option<usize> {
    if *bytes.get(from)? == 0 {
        return Some(from + 1);
    }
    let len = u16::from_be_bytes(*bytes.get(from + 1..)?.first_chunk()?);
    Some(from + 3 + usize::from(len))
}

fn walk_nested(bytes: &[u8], from: usize, depth: u8) -> Option<usize> {
    if *bytes.get(from)? == 0 {
        return Some(from + 1);
    }
    let kind = Kind::of_code(*bytes.get(from + 1)?).filter(|_| depth < MAX_DEPTH)?;
    if let Some(tail) = tail(kind) {
        return Some(walk_text(bytes, from + 2)? + tail);
    }
    let mut kept = rows(kind).iter().filter(|row| is_kept(row));
    kept.try_fold(from + 2, |at, row| walk(bytes, at, row.form, depth + 1))
}
