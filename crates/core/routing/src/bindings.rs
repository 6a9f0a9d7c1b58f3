//! All bindings of a topology, found by identity, by source and by target, each in constant time.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashTable};
use slab::Slab;

use crate::{
    binding::{Binding, Target},
    id::NodeId,
};

/// Handle of a binding inside one topology.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct BindingId(usize);

/// A binding with its places in the two lists that name it, so that it leaves both without a search.
#[derive(Debug)]
struct Record {
    binding: Binding,
    at_source: usize,
    at_target: usize,
}

#[derive(Debug)]
pub(crate) struct Bindings {
    hasher: FixedState,
    records: Slab<Record>,
    by_identity: HashTable<usize>,
    by_source: HashMap<NodeId, Vec<usize>, FixedState>,
    by_target: HashMap<Target, Vec<usize>, FixedState>,
}

impl Bindings {
    pub(crate) fn new(hasher: FixedState) -> Self {
        Self {
            records: Slab::new(),
            by_identity: HashTable::new(),
            by_source: HashMap::with_hasher(hasher.clone()),
            by_target: HashMap::with_hasher(hasher.clone()),
            hasher,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    pub(crate) fn find(&self, wanted: &Binding) -> Option<BindingId> {
        let is_wanted =
            |id: &usize| self.records.get(*id).is_some_and(|record| record.binding.is_same(wanted));
        self.by_identity.find(self.identity(wanted), is_wanted).copied().map(BindingId)
    }

    /// Adds a binding that [`Self::find`] did not find.
    pub(crate) fn insert(&mut self, binding: Binding) -> BindingId {
        let hash = self.identity(&binding);
        let sources = self.by_source.entry(binding.source).or_default();
        let targets = self.by_target.entry(binding.target).or_default();
        let (at_source, at_target) = (sources.len(), targets.len());
        let entry = self.records.vacant_entry();
        let id = entry.key();
        sources.push(id);
        targets.push(id);
        entry.insert(Record { binding, at_source, at_target });
        let (records, hasher) = (&self.records, &self.hasher);
        self.by_identity.insert_unique(hash, id, |id| {
            records.get(*id).map_or(0, |record| identity_hash(hasher, &record.binding))
        });
        BindingId(id)
    }

    pub(crate) fn remove(&mut self, id: BindingId) -> Option<Binding> {
        let record = self.records.try_remove(id.0)?;
        let hash = self.identity(&record.binding);
        if let Ok(entry) = self.by_identity.find_entry(hash, |other| *other == id.0) {
            entry.remove();
        }
        if let Some(list) = self.by_source.get_mut(&record.binding.source) {
            let moved = take_out(list, record.at_source);
            if let Some(other) = moved.and_then(|other| self.records.get_mut(other)) {
                other.at_source = record.at_source;
            }
            if list.is_empty() {
                self.by_source.remove(&record.binding.source);
            }
        }
        if let Some(list) = self.by_target.get_mut(&record.binding.target) {
            let moved = take_out(list, record.at_target);
            if let Some(other) = moved.and_then(|other| self.records.get_mut(other)) {
                other.at_target = record.at_target;
            }
            if list.is_empty() {
                self.by_target.remove(&record.binding.target);
            }
        }
        Some(record.binding)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Binding> {
        self.records.iter().map(|(_, record)| &record.binding)
    }

    pub(crate) fn from(&self, source: NodeId) -> impl Iterator<Item = (BindingId, &Binding)> {
        self.listed(self.by_source.get(&source))
    }

    pub(crate) fn to(&self, target: Target) -> impl Iterator<Item = (BindingId, &Binding)> {
        self.listed(self.by_target.get(&target))
    }

    pub(crate) fn count_from(&self, source: NodeId) -> usize {
        self.by_source.get(&source).map_or(0, Vec::len)
    }

    pub(crate) fn count_to(&self, target: Target) -> usize {
        self.by_target.get(&target).map_or(0, Vec::len)
    }

    fn listed<'a>(&'a self, list: Option<&'a Vec<usize>>) -> impl Iterator<Item = (BindingId, &'a Binding)> {
        let ids = list.map(Vec::as_slice).unwrap_or_default();
        ids.iter().filter_map(|id| Some((BindingId(*id), &self.records.get(*id)?.binding)))
    }

    fn identity(&self, binding: &Binding) -> u64 {
        identity_hash(&self.hasher, binding)
    }
}

fn identity_hash(hasher: &FixedState, binding: &Binding) -> u64 {
    let mut state = hasher.build_hasher();
    binding.hash_identity(&mut state);
    state.finish()
}

/// Removes place `at`; tells which id has moved there.
fn take_out(list: &mut Vec<usize>, at: usize) -> Option<usize> {
    if at < list.len() {
        list.swap_remove(at);
    }
    list.get(at).copied()
}
