//! A bounded memory of lookups.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use smallvec::SmallVec;

use crate::{
    id::{NodeId, QueueId},
    route::{Keys, PropertySource, RouteError, RouteResult},
    topology::Topology,
};

/// Entries that one hash can be in.
const WAYS: usize = 4;
/// Longest key that is remembered, in bytes.
const KEY_MAX_BYTES: usize = 255;
/// Most queues of an answer that is remembered: enqueueing to more costs far more than the lookup.
const QUEUES_MAX: usize = 256;

/// Remembers where keys lead in one topology.
///
/// A key is remembered when it comes a second time while the first still shows in a table of fingerprints, so that keys
/// that come once do not push out the others. An answer that hangs on more than the key is never remembered, and one
/// from before a change of the topology never given; another topology needs another cache. Bounded: a fixed number of entries, keys and answers of bounded size.
#[derive(Debug)]
pub struct RouteCache {
    hasher: FixedState,
    /// Sets of [`WAYS`] entries each; their number is a power of two.
    entries: Vec<Option<Entry>>,
    /// Hash of the last key seen in each place; as many as entries.
    seen: Vec<u32>,
    set_mask: u64,
    /// Way that is replaced next.
    victim: usize,
}

#[derive(Debug)]
struct Entry {
    hash: u64,
    generation: u64,
    node: NodeId,
    key: Box<str>,
    queues: SmallVec<[QueueId; 4]>,
}

impl Default for RouteCache {
    /// A cache of [`Self::DEFAULT_ENTRIES`] with a fixed seed: keys chosen to collide only push each other out.
    fn default() -> Self {
        Self::new(Self::DEFAULT_ENTRIES, 0)
    }
}

impl RouteCache {
    /// Number of entries that suits one namespace of a busy shard.
    pub const DEFAULT_ENTRIES: usize = 4_096;

    /// A cache of at least one set of entries and at most 65,536 entries; other numbers are rounded up to a power of
    /// two. `hash_seed` as for [`Topology::new`].
    #[must_use]
    pub fn new(entry_count: usize, hash_seed: u64) -> Self {
        let entry_count = entry_count.clamp(WAYS, 65_536).next_power_of_two();
        Self {
            hasher: FixedState::with_seed(hash_seed),
            entries: std::iter::repeat_with(|| None).take(entry_count).collect(),
            seen: vec![0; entry_count],
            set_mask: (entry_count / WAYS - 1) as u64,
            victim: 0,
        }
    }

    /// As [`Topology::route`], from memory when the answer is there: then `out` is left as it was, and only what is
    /// returned counts.
    ///
    /// # Errors
    /// As [`Topology::route`].
    pub fn route<'a>(
        &'a mut self,
        topology: &Topology,
        node: NodeId,
        keys: Keys<'_>,
        properties: &mut dyn PropertySource,
        out: &'a mut RouteResult,
    ) -> Result<&'a [QueueId], RouteError> {
        if !keys.extra.is_empty() || keys.first.len() > KEY_MAX_BYTES {
            topology.route(node, keys, properties, out)?;
            return Ok(out.queues());
        }
        let hash = self.hash(node, keys.first);
        let generation = topology.generation();
        if let Some(at) = self.find(hash, generation, node, keys.first) {
            return Ok(self.entries.get(at).and_then(Option::as_ref).map_or(&[], |entry| &entry.queues));
        }
        topology.route(node, keys, properties, out)?;
        if out.hangs_on_key_only() && out.queues().len() <= QUEUES_MAX && self.was_seen(hash) {
            let queues = SmallVec::from_slice(out.queues());
            self.put(Entry { hash, generation, node, key: keys.first.into(), queues });
        }
        Ok(out.queues())
    }

    fn find(&self, hash: u64, generation: u64, node: NodeId, key: &str) -> Option<usize> {
        let first = self.set_start(hash);
        let set = self.entries.get(first..first + WAYS)?;
        let is_it = |entry: &Option<Entry>| {
            entry.as_ref().is_some_and(|entry| {
                entry.hash == hash
                    && entry.generation == generation
                    && entry.node == node
                    && *entry.key == *key
            })
        };
        set.iter().position(is_it).map(|way| first + way)
    }

    /// Puts an entry in place of its older self, of an empty or outdated one, or of the next in turn.
    fn put(&mut self, entry: Entry) {
        let first = self.set_start(entry.hash);
        self.victim = (self.victim + 1) % WAYS;
        let Some(set) = self.entries.get_mut(first..first + WAYS) else { return };
        let is_stale = |slot: &Option<Entry>| {
            slot.as_ref().is_none_or(|old| old.generation != entry.generation || old.hash == entry.hash)
        };
        let way = set.iter().position(is_stale).unwrap_or(self.victim);
        if let Some(slot) = set.get_mut(way) {
            *slot = Some(entry);
        }
    }

    fn was_seen(&mut self, hash: u64) -> bool {
        // The upper half names the key, the lower one the place; 0 means that nothing was seen.
        let fingerprint = (hash >> 32) as u32 | 1;
        let place = hash as usize & (self.seen.len() - 1);
        let Some(seen) = self.seen.get_mut(place) else { return false };
        std::mem::replace(seen, fingerprint) == fingerprint
    }

    fn set_start(&self, hash: u64) -> usize {
        (hash & self.set_mask) as usize * WAYS
    }

    fn hash(&self, node: NodeId, key: &str) -> u64 {
        self.hasher.hash_one((node, key))
    }
}
