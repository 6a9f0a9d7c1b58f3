//! Producers that number their messages and send them again after they have lost a connection: what came already is known
//! by its number. The number is in the record of the message itself, so that both are there after a crash or neither is.
//!
//! Bounded: of the node's producers those used last are kept, [`crate::Limits::max_producers`] of them, each for
//! [`crate::Limits::producer_keep_ms`] after its last message.

use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use ternmq_stdx::layout::BadLayout;

use crate::{
    broker::Broker,
    effect::SessionId,
    error::Error,
    log::Grouping,
    publish::{Publish, Published},
    records::{ProducerRecord, kind, read_producer, write_producer},
};

/// Longest name of a producer in bytes; one with a longer name is not known again.
const MAX_NAME_BYTES: usize = 1_024;

/// Which message of which producer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageOrigin {
    pub(crate) producer: u64,
    pub(crate) sequence: u64,
}

struct Known {
    user: Arc<str>,
    name: Arc<str>,
    /// Highest number of its messages that came.
    sequence: u64,
    /// Broker time in ms of the last one; 0: before the start.
    used_at_ms: u64,
}

/// The producers, by number.
#[derive(Default)]
pub(crate) struct Producers {
    known: HashMap<u64, Known, FixedState>,
    by_name: HashMap<(Arc<str>, Arc<str>), u64, FixedState>,
    last_number: u64,
}

impl Producers {
    fn find(&self, user: &Arc<str>, name: &str) -> Option<u64> {
        self.by_name.get(&NameRef(user, name)).copied()
    }

    fn insert(&mut self, number: u64, known: Known, max: usize) {
        self.last_number = self.last_number.max(number);
        if self.known.len() >= max {
            self.make_room(max);
        }
        self.by_name.insert((known.user.clone(), known.name.clone()), number);
        self.known.insert(number, known);
    }

    /// Forgets the eighth of them that was not used for longest, so that a newcomer costs little on average.
    fn make_room(&mut self, max: usize) {
        let mut ages: Vec<(u64, u64)> =
            self.known.iter().map(|(number, known)| (known.used_at_ms, *number)).collect();
        ages.sort_unstable();
        let count = ages.len().saturating_sub(max) + (max / 8).max(1);
        for (_, number) in ages.into_iter().take(count) {
            self.forget(number);
        }
    }

    fn forget(&mut self, number: u64) {
        if let Some(known) = self.known.remove(&number) {
            self.by_name.remove(&NameRef(&known.user, &known.name));
        }
    }

    /// A message came.
    pub(crate) fn note(&mut self, origin: MessageOrigin, now_ms: u64) {
        if let Some(known) = self.known.get_mut(&origin.producer) {
            known.sequence = known.sequence.max(origin.sequence);
            known.used_at_ms = now_ms;
        }
    }

    /// Time has begun: what was used before counts as used now.
    pub(crate) fn start(&mut self, now_ms: u64) {
        let old = self.known.values_mut().filter(|known| known.used_at_ms == 0);
        old.for_each(|known| known.used_at_ms = now_ms);
    }
}

impl Broker {
    /// Which message it is that a producer of the session's user numbers so. `None` for a producer that can't be known
    /// again.
    pub fn origin_of(&mut self, session: SessionId, producer: &str, sequence: u64) -> Option<MessageOrigin> {
        let connection = self.sessions.get(session.into())?.connection;
        let user = self.connections.get(connection.into())?.principal.user().clone();
        let now_ms = self.time.ms();
        if let Some(number) = self.producers.find(&user, producer) {
            if self.is_producer_kept(number) {
                return Some(MessageOrigin { producer: number, sequence });
            }
            self.producers.forget(number);
        }
        if producer.len() > MAX_NAME_BYTES {
            return None;
        }
        let number = self.producers.last_number + 1;
        let known = Known { user, name: producer.into(), sequence: 0, used_at_ms: now_ms };
        self.write_producer(number, &known);
        self.producers.insert(number, known, self.limits.max_producers as usize);
        Some(MessageOrigin { producer: number, sequence })
    }

    /// The same for a message of a producer that was found before; `None` once that is forgotten.
    #[must_use]
    pub fn origin_after(&self, before: MessageOrigin, sequence: u64) -> Option<MessageOrigin> {
        self.is_producer_kept(before.producer).then_some(MessageOrigin { sequence, ..before })
    }

    fn is_producer_kept(&self, number: u64) -> bool {
        let (now_ms, keep_ms) = (self.time.ms(), self.limits.producer_keep_ms);
        self.producers
            .known
            .get(&number)
            .is_some_and(|known| known.used_at_ms.saturating_add(keep_ms) > now_ms)
    }

    /// Whether this message, or one after it, came already: it must not be published again. The answer to its sender has
    /// to wait for [`Broker::receipt_of_all`], as the first one may not be durable yet.
    #[must_use]
    pub fn is_resent(&self, origin: MessageOrigin) -> bool {
        self.producers.known.get(&origin.producer).is_some_and(|known| origin.sequence <= known.sequence)
    }

    /// As [`Broker::publish`], of somebody who may send it again.
    ///
    /// # Errors
    /// As [`Broker::publish`].
    pub fn publish_from(
        &mut self,
        session: SessionId,
        publish: Publish<'_>,
        origin: Option<MessageOrigin>,
    ) -> Result<Published, Error> {
        self.publish_at(session, publish, None, origin)
    }

    fn write_producer(&mut self, number: u64, known: &Known) {
        let record = ProducerRecord {
            number,
            user: known.user.clone(),
            name: known.name.clone(),
            sequence: known.sequence,
            used_at_ms: known.used_at_ms,
        };
        self.scratch.clear();
        write_producer(&mut self.scratch, &record);
        let grouping = self.grouping(Grouping::Ends);
        self.log.append(kind::PRODUCER, grouping, &[self.scratch.bytes()]);
    }

    /// A checkpoint begins: all that are still kept are written at once.
    pub(crate) fn write_producers(&mut self) {
        let oldest_ms = self.time.ms().saturating_sub(self.limits.producer_keep_ms);
        let producers = std::mem::take(&mut self.producers);
        let mut numbers: Vec<u64> = producers.known.keys().copied().collect();
        numbers.sort_unstable();
        for number in numbers {
            if let Some(known) = producers.known.get(&number).filter(|known| known.used_at_ms >= oldest_ms) {
                self.write_producer(number, known);
            }
        }
        self.producers = producers;
    }

    pub(crate) fn replay_producer(&mut self, payload: &[u8]) -> Result<(), BadLayout> {
        let record = read_producer(payload)?;
        if let Some(known) = self.producers.known.get_mut(&record.number) {
            known.sequence = known.sequence.max(record.sequence);
            return Ok(());
        }
        let ProducerRecord { number, user, name, sequence, used_at_ms } = record;
        let known = Known { user, name, sequence, used_at_ms };
        self.producers.insert(number, known, self.limits.max_producers as usize);
        Ok(())
    }
}

/// A user and a name, to look for one without making it.
struct NameRef<'a>(&'a Arc<str>, &'a str);

impl std::hash::Hash for NameRef<'_> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.0, self.1).hash(state);
    }
}

impl hashbrown::Equivalent<(Arc<str>, Arc<str>)> for NameRef<'_> {
    fn equivalent(&self, key: &(Arc<str>, Arc<str>)) -> bool {
        *self.0 == key.0 && *self.1 == *key.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(name: &str, used_at_ms: u64) -> Known {
        Known { user: "u".into(), name: name.into(), sequence: 0, used_at_ms }
    }

    #[test]
    fn those_used_last_are_kept() {
        let mut producers = Producers::default();
        for number in 1..=16 {
            producers.insert(number, known(&number.to_string(), number), 16);
        }
        producers.note(MessageOrigin { producer: 1, sequence: 5 }, 100);
        producers.insert(17, known("17", 17), 16);
        assert_eq!(producers.find(&"u".into(), "1"), Some(1), "used since");
        assert_eq!(producers.find(&"u".into(), "2"), None);
        assert_eq!(producers.find(&"u".into(), "17"), Some(17));
        assert!(producers.known.len() <= 16 && producers.by_name.len() == producers.known.len());
    }
}
