//! A message that is kept, on its way to a peer: what nothing changes goes over as it lies there, without being taken apart.

use std::borrow::Cow;

use super::{
    error::DecodeError,
    object::Value,
    stored::{Ends, MAX_FIELDS, Stored},
    table::{Field, place},
    walks::Walks,
};

/// Content of a message that is not kept within it.
#[derive(Clone, Debug, Default)]
pub struct Content<'a> {
    /// The content begins with the length of the rest, in four bytes.
    pub has_length: bool,
    /// The rest.
    pub bytes: Cow<'a, [u8]>,
}

/// How far a message is looked into before it goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Up to its content: enough for a peer that has messages as they are kept, when nothing behind that is changed.
    Front,
    /// All of it.
    Whole,
}

/// A kept message with what is changed in it.
#[derive(Clone, Debug)]
pub struct Relay<'a> {
    pub(super) stored: Stored<'a>,
    pub(super) content: Option<Content<'a>>,
    /// The message's own fields that are changed, by their place.
    changes: Vec<(u8, Value<'a>)>,
    /// The fields with a change, a bit each by their place.
    changed: u64,
    /// The number that its id gets.
    sequence: Option<i64>,
}

impl<'a> Relay<'a> {
    /// Walks through a message; `content` is what goes out as its content. `extent`: how far; `room`: for what is
    /// found out by that; `walks`: messages before it.
    ///
    /// # Errors
    /// It is none, or is cut, nested too deeply, or longer than it should be, in so far as that shows.
    #[inline]
    pub fn of(
        stored: &'a [u8],
        content: Option<Content<'a>>,
        extent: Extent,
        room: &'a mut Ends,
        walks: &mut Walks,
    ) -> Result<Self, DecodeError> {
        let stored = walks.walk(stored, extent, room)?;
        Ok(Self { stored, content, changes: Vec::new(), changed: 0, sequence: None })
    }

    /// The message as it is kept.
    #[must_use]
    pub fn stored(&self) -> &Stored<'a> {
        &self.stored
    }

    /// Bytes that it takes about, with what is changed.
    pub(super) fn size_bytes(&self) -> usize {
        let content = self.content.as_ref().map_or(0, |content| content.bytes.len());
        let changes = self.changes.iter().map(|(_, value)| value.size_bytes()).sum::<usize>();
        self.stored.fields().len() + content + changes
    }

    /// Changes a field of the message; one that the kind has not, or that was not walked to, is passed over.
    pub fn set(&mut self, field: Field, value: Value<'a>) {
        let place = place(self.stored.kind(), field).filter(|at| self.stored.is_known(*at));
        let Some(place) = place.and_then(|at| u8::try_from(at).ok()) else { return };
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

    /// The places of the fields that do not go over as they are kept, in order.
    pub(super) fn changed_places(&self) -> impl Iterator<Item = usize> {
        let of = |field| place(self.stored.kind(), field).map_or(0, |at| 1 << (at % 64));
        let content = self.content.as_ref().map_or(0, |_| of(Field::Content));
        let mut left: u64 = self.changed | of(Field::MessageId) | content;
        std::iter::from_fn(move || {
            let at = left.trailing_zeros() as usize;
            left &= left.wrapping_sub(1);
            (at < MAX_FIELDS).then_some(at)
        })
    }

    pub(super) fn change(&self, at: usize) -> Option<&Value<'a>> {
        if self.changed >> (at % 64) & 1 == 0 {
            return None;
        }
        let of_place = |(place, _): &&(u8, Value<'a>)| usize::from(*place) == at;
        self.changes.iter().rev().find(of_place).map(|(_, value)| value)
    }
}
