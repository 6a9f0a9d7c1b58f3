//! Namespaces: each has its own nodes, queues, bindings and limits.

use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use ternmq_routing::{RouteCache, Topology, Wildcards};

use crate::definition::NamespaceRecord;

/// Index of a namespace; not used again while a connection or queue of it exists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NamespaceId(pub(crate) u32);

/// One namespace.
pub(crate) struct Namespace {
    pub(crate) record: NamespaceRecord,
    pub(crate) topology: Topology,
    pub(crate) routes: RouteCache,
    pub(crate) connection_count: u64,
}

/// All namespaces.
pub(crate) struct Namespaces {
    by_name: HashMap<Arc<str>, NamespaceId, FixedState>,
    all: Vec<Option<Box<Namespace>>>,
    wildcards: Wildcards,
    hash_seed: u64,
    /// Which bindings are counted.
    is_counted: fn(&str) -> bool,
}

impl Namespaces {
    pub(crate) fn new(wildcards: Wildcards, hash_seed: u64, is_counted: fn(&str) -> bool) -> Self {
        Self {
            by_name: HashMap::with_hasher(FixedState::with_seed(hash_seed)),
            all: Vec::new(),
            wildcards,
            hash_seed,
            is_counted,
        }
    }

    /// Makes a namespace, or changes the record of the one of this name. True when it is new.
    pub(crate) fn put(&mut self, record: NamespaceRecord) -> (NamespaceId, bool) {
        if let Some(id) = self.find(&record.name) {
            if let Some(namespace) = self.get_mut(id) {
                namespace.record = record;
            }
            return (id, false);
        }
        let id = NamespaceId(u32::try_from(self.all.len()).unwrap_or(u32::MAX));
        self.by_name.insert(record.name.clone(), id);
        self.all.push(Some(Box::new(Namespace {
            record,
            topology: Topology::new(self.wildcards, self.hash_seed).counting(self.is_counted),
            routes: RouteCache::default(),
            connection_count: 0,
        })));
        (id, true)
    }

    /// Forgets a namespace; its queues are the caller's to drop first.
    pub(crate) fn remove(&mut self, id: NamespaceId) {
        if let Some(namespace) = self.all.get_mut(id.0 as usize).and_then(Option::take) {
            self.by_name.remove(&namespace.record.name);
        }
    }

    pub(crate) fn find(&self, name: &str) -> Option<NamespaceId> {
        self.by_name.get(name).copied()
    }

    pub(crate) fn get(&self, id: NamespaceId) -> Option<&Namespace> {
        self.all.get(id.0 as usize).and_then(|slot| slot.as_deref())
    }

    pub(crate) fn get_mut(&mut self, id: NamespaceId) -> Option<&mut Namespace> {
        self.all.get_mut(id.0 as usize).and_then(|slot| slot.as_deref_mut())
    }

    /// All of them, in order of making.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (NamespaceId, &Namespace)> {
        (0u32..).zip(&self.all).filter_map(|(id, slot)| Some((NamespaceId(id), slot.as_deref()?)))
    }

    /// Name of a namespace, empty when it is gone.
    pub(crate) fn name(&self, id: NamespaceId) -> Arc<str> {
        self.get(id).map(|namespace| namespace.record.name.clone()).unwrap_or_default()
    }
}
