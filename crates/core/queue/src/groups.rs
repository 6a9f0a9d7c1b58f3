//! Who serves which message group.
//!
//! The table never grows with what producers send (I11): it remembers a number of groups, or shares a number of buckets
//! out to all of them. A group that it forgets goes to whoever gets its next message.

use std::collections::BTreeMap;

use crate::{entry::Seq, outbox::NO_CONSUMER, settings::GroupTable};

/// Most groups or buckets of a table, whatever its setting says.
const MAX_LEN: u32 = 1 << 20;

/// A consumer has a group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pin {
    pub(crate) consumer: u32,
    /// The last message of the group that it got.
    pub(crate) delivered_last: Seq,
    /// The last message of the group that others passed over, because it is this one's.
    pub(crate) refused_last: Seq,
    /// The group has ended, and what begins now under its name is the same consumer's, as it waits for it already.
    pub(crate) is_anew: bool,
}

impl Pin {
    const NONE: Self =
        Self { consumer: NO_CONSUMER, delivered_last: Seq(0), refused_last: Seq(0), is_anew: false };

    /// Messages that others have passed over wait for the consumer behind this one.
    pub(crate) fn is_awaited_behind(&self, seq: Seq) -> bool {
        self.refused_last > seq
    }
}

/// Owners of the groups.
#[derive(Debug)]
pub(crate) struct Groups {
    pins: Pins,
    /// Groups of each consumer that has any.
    counts: BTreeMap<u32, u32>,
}

#[derive(Debug)]
enum Pins {
    /// The groups used last, in two generations: when the younger one is full, the older one is forgotten and the younger
    /// one is the older one from then on. So at least `max` of them are known, and at most twice as many.
    Recent {
        young: BTreeMap<u64, Pin>,
        old: BTreeMap<u64, Pin>,
        max: usize,
    },
    Buckets(Box<[Pin]>),
}

/// Bucket of a group among so many.
fn bucket(key: u64, count: usize) -> usize {
    // The lowest bits of a key are no part of its hash.
    usize::try_from((key >> 3) % (count.max(1) as u64)).unwrap_or(0)
}

impl Groups {
    pub(crate) fn new(table: GroupTable) -> Self {
        let len = |len: u32| len.clamp(1, MAX_LEN) as usize;
        let pins = match table {
            GroupTable::Recent(max) => {
                Pins::Recent { young: BTreeMap::new(), old: BTreeMap::new(), max: len(max) }
            }
            GroupTable::Buckets(count) => Pins::Buckets(vec![Pin::NONE; len(count)].into()),
        };
        Self { pins, counts: BTreeMap::new() }
    }

    /// No group has a consumer.
    pub(crate) fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Who has a group, if anybody has.
    pub(crate) fn get(&self, key: u64) -> Option<&Pin> {
        match &self.pins {
            Pins::Recent { young, old, .. } => young.get(&key).or_else(|| old.get(&key)),
            Pins::Buckets(pins) => {
                pins.get(bucket(key, pins.len())).filter(|pin| pin.consumer != NO_CONSUMER)
            }
        }
    }

    /// How many groups, or buckets of groups, a consumer has.
    pub(crate) fn count(&self, consumer: u32) -> u32 {
        self.counts.get(&consumer).copied().unwrap_or(0)
    }

    /// A consumer gets a message of the group, and so the group.
    pub(crate) fn bind(&mut self, key: u64, pin: Pin) {
        self.close(key);
        *self.counts.entry(pin.consumer).or_insert(0) += 1;
        match &mut self.pins {
            Pins::Recent { young, old, max } => {
                if young.len() >= *max {
                    let forgotten = std::mem::replace(old, std::mem::take(young));
                    forgotten.into_values().for_each(|pin| take_one(&mut self.counts, pin.consumer));
                }
                young.insert(key, pin);
            }
            Pins::Buckets(pins) => {
                let at = bucket(key, pins.len());
                if let Some(place) = pins.get_mut(at) {
                    *place = pin;
                }
            }
        }
    }

    /// Others have passed over a message of the group.
    pub(crate) fn note_refused(&mut self, key: u64, seq: Seq) {
        let pin = match &mut self.pins {
            Pins::Recent { young, old, .. } => young.get_mut(&key).or_else(|| old.get_mut(&key)),
            Pins::Buckets(pins) => {
                let at = bucket(key, pins.len());
                pins.get_mut(at)
            }
        };
        if let Some(pin) = pin {
            pin.refused_last = pin.refused_last.max(seq);
        }
    }

    /// The group ends: nobody has it.
    pub(crate) fn close(&mut self, key: u64) {
        let pin = match &mut self.pins {
            Pins::Recent { young, old, .. } => young.remove(&key).or_else(|| old.remove(&key)),
            Pins::Buckets(pins) => {
                let at = bucket(key, pins.len());
                pins.get_mut(at).map(|pin| std::mem::replace(pin, Pin::NONE))
            }
        };
        if let Some(pin) = pin {
            take_one(&mut self.counts, pin.consumer);
        }
    }

    /// The consumer is gone: its groups are free for others.
    pub(crate) fn release(&mut self, consumer: u32) {
        if self.counts.remove(&consumer).is_none() {
            return;
        }
        match &mut self.pins {
            Pins::Recent { young, old, .. } => {
                young.retain(|_, pin| pin.consumer != consumer);
                old.retain(|_, pin| pin.consumer != consumer);
            }
            Pins::Buckets(pins) => {
                pins.iter_mut().filter(|pin| pin.consumer == consumer).for_each(|pin| *pin = Pin::NONE);
            }
        }
    }
}

fn take_one(counts: &mut BTreeMap<u32, u32>, consumer: u32) {
    if let Some(count) = counts.get_mut(&consumer) {
        *count -= 1;
        if *count == 0 {
            counts.remove(&consumer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(consumer: u32) -> Pin {
        Pin { consumer, ..Pin::NONE }
    }

    fn owner(groups: &Groups, key: u64) -> Option<u32> {
        groups.get(key).map(|pin| pin.consumer)
    }

    #[test]
    fn i11_a_table_forgets_the_groups_that_were_used_longest_ago() {
        let mut groups = Groups::new(GroupTable::Recent(10));
        for key in 1..1_000 {
            groups.bind(key, pin(7));
            groups.bind(0, pin(8));
            for known in key.saturating_sub(8).max(1)..=key {
                assert_eq!(owner(&groups, known), Some(7), "{known} at {key}");
            }
            assert!(groups.count(7) + groups.count(8) <= 20);
        }
        assert_eq!((owner(&groups, 0), owner(&groups, 1)), (Some(8), None));
        groups.release(7);
        assert_eq!((owner(&groups, 999), groups.count(7), groups.count(8)), (None, 0, 1));
        groups.close(0);
        assert!(groups.is_empty());
    }

    #[test]
    fn groups_of_a_bucket_share_a_consumer() {
        let mut groups = Groups::new(GroupTable::Buckets(4));
        groups.bind(8, pin(1));
        assert_eq!((owner(&groups, 8), owner(&groups, 8 + 32), owner(&groups, 16)), (Some(1), Some(1), None));
        groups.bind(8 + 32, pin(2));
        assert_eq!((owner(&groups, 8), groups.count(1), groups.count(2)), (Some(2), 0, 1));
        groups.close(8);
        assert!(groups.is_empty());
        Groups::new(GroupTable::Buckets(0)).bind(8, pin(1));
    }
}
