//! What each kind of node looks a message up in.

use std::{collections::BTreeMap, sync::Arc};

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::{
    binding::{BindError, Binding, Target},
    bindings::BindingId,
    hash::HashTargets,
    headers::HeaderRules,
    node::NodeKind,
    topic::TopicTable,
    wildcards::Wildcards,
};

/// Targets that one lookup finds together, each once, in order, so that the answer does not tell their history.
#[derive(Debug)]
pub(crate) enum Targets {
    /// Up to [`FEW_MAX`], in order.
    Few(SmallVec<[Slot; 2]>),
    /// More: a sorted list would be moved about at each change.
    Many(BTreeMap<Target, u32>),
}

/// A target and how many bindings lead to it from here: they can differ in arguments that this node does not look at.
#[derive(Debug)]
pub(crate) struct Slot {
    target: Target,
    count: u32,
}

/// Most targets in a sorted list.
const FEW_MAX: usize = 256;

impl Default for Targets {
    fn default() -> Self {
        Self::Few(SmallVec::new())
    }
}

impl Targets {
    pub(crate) fn add(&mut self, target: Target) {
        let slots = match self {
            Self::Many(counts) => {
                let count = counts.entry(target).or_default();
                *count = count.saturating_add(1);
                return;
            }
            Self::Few(slots) => slots,
        };
        match slots.binary_search_by_key(&target, |slot| slot.target) {
            Ok(at) => {
                if let Some(slot) = slots.get_mut(at) {
                    slot.count = slot.count.saturating_add(1);
                }
            }
            Err(at) => slots.insert(at, Slot { target, count: 1 }),
        }
        if slots.len() > FEW_MAX {
            *self = Self::Many(slots.iter().map(|slot| (slot.target, slot.count)).collect());
        }
    }

    pub(crate) fn remove(&mut self, target: Target) {
        match self {
            Self::Few(slots) => {
                let Ok(at) = slots.binary_search_by_key(&target, |slot| slot.target) else { return };
                match slots.get_mut(at) {
                    Some(slot) if slot.count > 1 => slot.count -= 1,
                    _ => {
                        slots.remove(at);
                    }
                }
            }
            Self::Many(counts) => {
                match counts.get_mut(&target) {
                    Some(count) if *count > 1 => *count -= 1,
                    _ => {
                        counts.remove(&target);
                    }
                }
                // Well below the limit, so that one queue that comes and goes does not rebuild it each time.
                if counts.len() <= FEW_MAX / 2 {
                    let slots = counts.iter().map(|(target, count)| Slot { target: *target, count: *count });
                    *self = Self::Few(slots.collect());
                }
            }
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Few(slots) => slots.is_empty(),
            Self::Many(counts) => counts.is_empty(),
        }
    }

    pub(crate) fn for_each(&self, mut found: impl FnMut(Target)) {
        match self {
            Self::Few(slots) => slots.iter().for_each(|slot| found(slot.target)),
            Self::Many(counts) => counts.keys().for_each(|target| found(*target)),
        }
    }
}

/// Targets by whole key.
pub(crate) type ByKey = HashMap<Arc<str>, Targets, FixedState>;

/// Takes one binding out of a table by key, and the key with its last one.
pub(crate) fn remove_from(table: &mut ByKey, key: &str, target: Target) {
    if let Some(targets) = table.get_mut(key) {
        targets.remove(target);
        if targets.is_empty() {
            table.remove(key);
        }
    }
}

/// Lookup structure of a node, kept in step with its bindings.
#[derive(Debug)]
pub(crate) enum Matcher {
    /// Has no bindings of its own: reaches queues by name.
    Default,
    Direct(ByKey),
    Fanout(Targets),
    Topic(TopicTable),
    Headers(HeaderRules),
    Hash(HashTargets),
}

impl Matcher {
    pub(crate) fn new(kind: &NodeKind, wildcards: Wildcards, hasher: &FixedState) -> Self {
        match kind {
            NodeKind::Direct => Self::Direct(HashMap::with_hasher(hasher.clone())),
            NodeKind::Fanout => Self::Fanout(Targets::default()),
            NodeKind::Topic => Self::Topic(TopicTable::new(wildcards, hasher.clone())),
            NodeKind::Headers => Self::Headers(HeaderRules::new(hasher.clone())),
            NodeKind::Hash(_) => Self::Hash(HashTargets::default()),
        }
    }

    /// Whether a new binding can be added; [`Self::add`] of the same one cannot fail then.
    pub(crate) fn check(&self, binding: &Binding) -> Result<(), BindError> {
        match self {
            Self::Default => Err(BindError::DefaultNode),
            Self::Direct(_) | Self::Fanout(_) => Ok(()),
            Self::Topic(table) => Ok(table.wildcards().check(&binding.key)?),
            Self::Headers(_) => HeaderRules::check(&binding.arguments),
            Self::Hash(targets) => targets.check(&binding.key, binding.target),
        }
    }

    /// Adds a binding that was checked. `seed` tells the target apart from others in a way that outlives its id.
    pub(crate) fn add(&mut self, id: BindingId, binding: &Binding, seed: u64) {
        match self {
            Self::Default => {}
            Self::Direct(table) => {
                table.entry(Arc::clone(&binding.key)).or_default().add(binding.target);
            }
            Self::Fanout(targets) => targets.add(binding.target),
            Self::Topic(table) => table.add(&binding.key, binding.target),
            Self::Headers(rules) => rules.add(id, binding),
            Self::Hash(targets) => targets.add(&binding.key, binding.target, seed),
        }
    }

    pub(crate) fn remove(&mut self, id: BindingId, binding: &Binding) {
        match self {
            Self::Default => {}
            Self::Direct(table) => remove_from(table, &binding.key, binding.target),
            Self::Fanout(targets) => targets.remove(binding.target),
            Self::Topic(table) => table.remove(&binding.key, binding.target),
            Self::Headers(rules) => rules.remove(id),
            Self::Hash(targets) => targets.remove(&binding.key, binding.target),
        }
    }
}
