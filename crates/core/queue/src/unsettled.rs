//! The table of entries that are handed out and not settled: one cache line each, written without reading what was
//! there. Under load a line that was last used thousands of messages ago is in no cache, and a list of free places
//! that runs through the lines themselves would wait for it.

use slab::Slab;
use ternmq_message::Message;

use crate::entry::{Entry, EntryRef, Location, Seq};

/// What is kept of an entry that a consumer has to settle.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub(crate) struct Held {
    pub(crate) seq: Seq,
    pub(crate) location: Option<Location>,
    pub(crate) expires_at_ms: u64,
    pub(crate) failed_count: u32,
    pub(crate) acquired_count: u32,
    pub(crate) body_len: u32,
    /// Where its message is in [`Unsettled::messages`], or [`Held::IN_LOG`].
    pub(crate) message: u32,
    pub(crate) consumer: u32,
    /// Where the consumer stood among the consumers then: a hint that saves a search.
    pub(crate) place: u32,
    pub(crate) lane: u8,
}

const _: () = assert!(size_of::<Held>() == 64, "one cache line");

/// [`Held::seq`] of a free place: numbers start at 1.
const VACANT: Seq = Seq(0);

/// An entry taken out, with its message or without.
#[derive(Debug)]
pub(crate) enum Taken {
    Here(Entry),
    /// In the log only; of this lane.
    Logged(u8, EntryRef),
}

/// Unsettled entries by slot. A slot is used again; who refers to it says the entry's number too.
#[derive(Debug, Default)]
pub(crate) struct Unsettled {
    places: Vec<Held>,
    vacant: Vec<u32>,
    messages: Slab<Message>,
}

impl Held {
    /// [`Held::message`] of an entry whose message is in the log only.
    pub(crate) const IN_LOG: u32 = u32::MAX;

    /// Bytes of its body in memory.
    pub(crate) fn resident_bytes(&self) -> u64 {
        if self.message == Self::IN_LOG { 0 } else { self.body_len.into() }
    }

    /// The entry without its message; `None` when the log has no record of it.
    pub(crate) fn to_ref(self) -> Option<EntryRef> {
        Some(EntryRef {
            seq: self.seq,
            location: self.location?,
            body_len: self.body_len,
            expires_at_ms: self.expires_at_ms,
            failed_count: u16::try_from(self.failed_count).unwrap_or(u16::MAX),
            acquired_count: u16::try_from(self.acquired_count).unwrap_or(u16::MAX),
        })
    }
}

impl Unsettled {
    /// Keeps an entry, and its message when one is given: without one the log must have it. Answers its slot;
    /// `u32::MAX`, which nothing is found at, when 4 G are taken.
    #[inline]
    pub(crate) fn insert(&mut self, mut held: Held, message: Option<Message>) -> u32 {
        if let Some(message) = message {
            held.message = u32::try_from(self.messages.insert(message)).unwrap_or(Held::IN_LOG);
        }
        if let Some(slot) = self.vacant.pop()
            && let Some(place) = self.places.get_mut(slot as usize)
        {
            *place = held;
            return slot;
        }
        let slot = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
        self.places.push(held);
        slot
    }

    /// Takes an entry out whose message is not wanted; `None` unless this number is in the slot.
    #[inline]
    pub(crate) fn remove(&mut self, slot: u32, seq: Seq) -> Option<Held> {
        let (held, _) = self.take_parts(slot, seq)?;
        Some(held)
    }

    /// Takes an entry out; `None` unless this number is in the slot.
    pub(crate) fn take(&mut self, slot: u32, seq: Seq) -> Option<(Held, Taken)> {
        let (held, message) = self.take_parts(slot, seq)?;
        let taken = match message {
            None => Taken::Logged(held.lane, held.to_ref()?),
            Some(message) => Taken::Here(Entry {
                seq: held.seq,
                message,
                location: held.location,
                expires_at_ms: held.expires_at_ms,
                failed_count: held.failed_count,
                acquired_count: held.acquired_count,
            }),
        };
        Some((held, taken))
    }

    /// The entry in a slot, if it is the one of this number.
    pub(crate) fn get(&self, slot: u32, seq: Seq) -> Option<&Held> {
        self.places.get(slot as usize).filter(|held| held.seq == seq && seq != VACANT)
    }

    #[inline]
    fn take_parts(&mut self, slot: u32, seq: Seq) -> Option<(Held, Option<Message>)> {
        let place = self.places.get_mut(slot as usize).filter(|held| held.seq == seq && seq != VACANT)?;
        let held = *place;
        place.seq = VACANT;
        self.vacant.push(slot);
        let message =
            if held.message == Held::IN_LOG { None } else { self.messages.try_remove(held.message as usize) };
        Some((held, message))
    }

    /// Messages leave memory that the log has. Answers the bytes of their bodies.
    pub(crate) fn forget_messages(&mut self) -> u64 {
        let mut freed = 0;
        for held in self.places.iter_mut().filter(|held| held.seq != VACANT && held.location.is_some()) {
            freed += held.resident_bytes();
            if held.message != Held::IN_LOG {
                self.messages.try_remove(held.message as usize);
                held.message = Held::IN_LOG;
            }
        }
        freed
    }

    /// Messages of which the log has no record, each with the place where its record is to be noted.
    pub(crate) fn without_record(&mut self) -> impl Iterator<Item = (&Message, &mut Option<Location>)> {
        let messages = &self.messages;
        let held = self.places.iter_mut().filter(|held| held.seq != VACANT && held.location.is_none());
        held.filter_map(|held| Some((messages.get(held.message as usize)?, &mut held.location)))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Held> {
        self.places.iter().filter(|held| held.seq != VACANT)
    }

    pub(crate) fn locations_mut(&mut self) -> impl Iterator<Item = &mut Location> {
        let held = self.places.iter_mut().filter(|held| held.seq != VACANT);
        held.filter_map(|held| held.location.as_mut())
    }

    pub(crate) fn len(&self) -> usize {
        self.places.len() - self.vacant.len()
    }
}

#[cfg(test)]
mod tests {
    use ternmq_message::MessageMeta;

    use super::*;

    fn held(seq: u64, location: Option<Location>) -> Held {
        Held {
            seq: Seq(seq),
            location,
            expires_at_ms: u64::MAX,
            failed_count: 70_000,
            acquired_count: 1,
            body_len: 8,
            message: Held::IN_LOG,
            consumer: 7,
            place: 0,
            lane: 2,
        }
    }

    fn message(seq: u64) -> Message {
        Message::new("", "q", &[], &seq.to_le_bytes(), MessageMeta::default(), None).unwrap()
    }

    const RECORD: Location = Location { pos: 64, len: 32, is_durable: true };

    #[test]
    fn an_entry_comes_back_as_it_was_and_its_slot_is_used_again() {
        let mut table = Unsettled::default();
        let slot = table.insert(held(1, None), Some(message(1)));
        assert!(table.take(slot, Seq(2)).is_none() && table.take(slot + 1, Seq(1)).is_none());
        let (first, Taken::Here(back)) = table.take(slot, Seq(1)).unwrap() else { panic!("logged") };
        assert_eq!((first.consumer, back.seq, back.failed_count), (7, Seq(1), 70_000));
        assert_eq!(back.message.body(), 1_u64.to_le_bytes());
        assert!(table.take(slot, Seq(1)).is_none() && table.take(slot, Seq(0)).is_none(), "taken twice");
        assert_eq!(table.insert(held(2, Some(RECORD)), None), slot);
        assert_eq!((table.len(), table.iter().count()), (1, 1));
        let (second, Taken::Logged(lane, logged)) = table.take(slot, Seq(2)).unwrap() else { panic!("here") };
        assert_eq!((lane, logged.location, logged.failed_count), (2, RECORD, u16::MAX));
        assert_eq!((second.resident_bytes(), table.len()), (0, 0));
    }

    #[test]
    fn only_messages_with_a_record_leave_memory() {
        let mut table = Unsettled::default();
        for (seq, location) in [(1, None), (2, Some(RECORD))] {
            table.insert(held(seq, location), Some(message(seq)));
        }
        assert_eq!((table.forget_messages(), table.forget_messages()), (8, 0));
        let (message, location) = table.without_record().next().unwrap();
        assert_eq!(message.body(), 1_u64.to_le_bytes());
        *location = Some(RECORD);
        assert_eq!((table.without_record().count(), table.forget_messages()), (0, 8));
        assert_eq!(table.locations_mut().count(), 2);
    }
}
