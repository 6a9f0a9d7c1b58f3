//! Objects that both sides remember, so that one that comes again is sent as a number.

use std::sync::Arc;

use super::{Encoding, error::DecodeError, object::Object, write::encode_bare};

/// Entries that both sides keep, unless one says less: what ActiveMQ's clients offer.
pub const MAX_ENTRIES: u16 = 1_024;
/// Entries of ours that are used: few objects come again often.
const OWN_ENTRIES: u16 = 64;
/// Fewer than so many are not used at all.
const OWN_MIN_ENTRIES: u16 = 4;
/// Index that says that the other side has not remembered an object.
pub const NOT_KEPT: i16 = -1;
/// Most bytes of one object.
const OBJECT_MAX_BYTES: usize = 8 << 10;
/// Bytes that an entry takes beside its text.
const ENTRY_BYTES: usize = 128;

/// What the peer put at an index.
#[derive(Clone, Debug)]
struct Entry {
    /// `None`: "no object" was put there.
    object: Option<Arc<Object<'static>>>,
    /// The same as it is kept, behind the byte that says whether it is there.
    raw: Box<[u8]>,
}

impl Entry {
    fn of(object: Option<Arc<Object<'static>>>) -> Self {
        let mut raw = vec![u8::from(object.is_some())];
        if let Some(object) = &object {
            encode_bare(object, Encoding::KEPT, &mut OutCache::default(), &mut raw);
        }
        Self { object, raw: raw.into() }
    }
}

/// What the peer has sent and may name by number.
#[derive(Clone, Debug, Default)]
pub struct InCache {
    /// `None`: nothing was put there.
    slots: Vec<Option<Entry>>,
    bytes: usize,
    max_entries: u16,
    max_bytes: usize,
    changes: u64,
}

impl InCache {
    /// One of so many entries, with so many bytes in all.
    #[must_use]
    pub fn new(max_entries: u16, max_bytes: usize) -> Self {
        let max_entries = max_entries.min(MAX_ENTRIES);
        Self { slots: Vec::new(), bytes: 0, max_entries, max_bytes, changes: 0 }
    }

    /// How often something was put here.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// More bytes may be kept from now on.
    pub fn set_max_bytes(&mut self, max_bytes: usize) {
        self.max_bytes = max_bytes;
    }

    /// Remembers an object, or that there is none.
    ///
    /// # Errors
    /// The index is out of range, or the objects are too large.
    pub fn put(&mut self, index: i16, object: Option<Arc<Object<'static>>>) -> Result<(), DecodeError> {
        if index == NOT_KEPT {
            return Ok(());
        }
        let place = usize::try_from(index).ok().filter(|place| *place < usize::from(self.max_entries));
        let place = place.ok_or(DecodeError::NotCached { index })?;
        let size = object.as_deref().map_or(0, Object::size_bytes);
        if size > OBJECT_MAX_BYTES {
            return Err(DecodeError::CacheFull { max: OBJECT_MAX_BYTES });
        }
        let old = self.slots.get(place).and_then(Option::as_ref);
        let old = old.map_or(0, |old| entry_bytes(old.object.as_deref()));
        let bytes = self.bytes - old + entry_bytes(object.as_deref());
        if bytes > self.max_bytes {
            return Err(DecodeError::CacheFull { max: self.max_bytes });
        }
        if self.slots.len() <= place {
            self.slots.resize(place + 1, None);
        }
        if let Some(slot) = self.slots.get_mut(place) {
            *slot = Some(Entry::of(object));
            self.bytes = bytes;
            self.changes += 1;
        }
        Ok(())
    }

    /// What is remembered.
    ///
    /// # Errors
    /// Nothing was put there.
    pub fn get(&self, index: i16) -> Result<Option<Arc<Object<'static>>>, DecodeError> {
        self.entry(index).map(|entry| entry.object.clone())
    }

    /// The same as it is kept, behind the byte that says whether it is there.
    ///
    /// # Errors
    /// Nothing was put there.
    pub fn get_raw(&self, index: i16) -> Result<&[u8], DecodeError> {
        self.entry(index).map(|entry| &*entry.raw)
    }

    fn entry(&self, index: i16) -> Result<&Entry, DecodeError> {
        let place = usize::try_from(index).ok();
        let slot = place.and_then(|place| self.slots.get(place)).and_then(Option::as_ref);
        slot.ok_or(DecodeError::NotCached { index })
    }
}

/// Its text is there twice.
fn entry_bytes(object: Option<&Object<'static>>) -> usize {
    ENTRY_BYTES + object.map_or(0, Object::size_bytes) * 2
}

/// What the peer remembers of us.
#[derive(Clone, Debug, Default)]
pub struct OutCache {
    /// Each object as it is written in the newest version, loose and without a cache.
    slots: Vec<Box<[u8]>>,
    next: usize,
    max_entries: u16,
    scratch: Vec<u8>,
}

/// What is written for an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// The peer has it at this index.
    At(i16),
    /// The peer is to put it there.
    New(i16),
}

impl OutCache {
    /// For a peer that keeps so many entries.
    #[must_use]
    pub fn new(max_entries: u16) -> Self {
        // An object and those within it must not get one place.
        let max_entries = if max_entries < OWN_MIN_ENTRIES { 0 } else { max_entries.min(OWN_ENTRIES) };
        Self { slots: Vec::new(), next: 0, max_entries, scratch: Vec::new() }
    }

    /// Finds an object, or takes it down, in place of the oldest if need be.
    pub fn find_or_put(&mut self, object: &Object<'_>) -> Known {
        if self.max_entries == 0 {
            return Known::New(NOT_KEPT);
        }
        let mut raw = std::mem::take(&mut self.scratch);
        raw.clear();
        encode_bare(object, Encoding::KEPT, &mut Self::default(), &mut raw);
        let known = self.find_or_put_raw(&raw);
        raw.shrink_to(OBJECT_MAX_BYTES);
        self.scratch = raw;
        known
    }

    /// The same of an object as it is written in the newest version, loose and without a cache.
    pub fn find_or_put_raw(&mut self, raw: &[u8]) -> Known {
        if let Some(place) = self.slots.iter().position(|kept| **kept == *raw) {
            return Known::At(index_of(place));
        }
        if self.max_entries == 0 || raw.len() > OBJECT_MAX_BYTES {
            return Known::New(NOT_KEPT);
        }
        let entry = raw.into();
        if self.slots.len() < usize::from(self.max_entries) {
            self.slots.push(entry);
            return Known::New(index_of(self.slots.len() - 1));
        }
        let place = self.next;
        self.next = (place + 1) % self.slots.len();
        match self.slots.get_mut(place) {
            Some(slot) => *slot = entry,
            None => return Known::New(NOT_KEPT),
        }
        Known::New(index_of(place))
    }
}

/// There are at most [`MAX_ENTRIES`].
fn index_of(place: usize) -> i16 {
    i16::try_from(place).unwrap_or(NOT_KEPT)
}
