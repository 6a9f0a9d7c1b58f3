//! The nodes, queue names and bindings of one namespace, and how they change.

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use ternmq_message::Map;
use thiserror::Error;

use crate::{
    binding::{BindError, Binding, Bound, Target, Unbound},
    bindings::{BindingId, Bindings},
    hash::stable_hash,
    id::{NodeId, QueueId},
    matcher::Matcher,
    name::Name,
    node::{AddNodeError, Node, NodeSpec},
    removal::Removed,
    wildcards::{MAX_KEY_BYTES, Wildcards},
};

/// A queue with this name or this id is there already. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("a queue named {name} or with id {} exists already", id.0)]
pub struct QueueTaken {
    /// Name of the queue that was to be added.
    pub name: Name,
    /// Its id.
    pub id: QueueId,
}

/// Everything that decides where a message of one namespace goes.
#[derive(Debug)]
pub struct Topology {
    wildcards: Wildcards,
    hasher: FixedState,
    generation: u64,
    next_node: u32,
    pub(crate) nodes: HashMap<NodeId, Node, FixedState>,
    node_ids: HashMap<Name, NodeId, FixedState>,
    pub(crate) queue_ids: HashMap<Name, QueueId, FixedState>,
    queue_names: HashMap<QueueId, Name, FixedState>,
    bindings: Bindings,
    is_counted: fn(&str) -> bool,
    counted: usize,
}

impl Topology {
    /// A topology with nothing but the default node. `hash_seed` is a secret of the process that keeps clients from
    /// choosing names and keys that crowd the tables; no answer depends on it.
    #[must_use]
    pub fn new(wildcards: Wildcards, hash_seed: u64) -> Self {
        let hasher = FixedState::with_seed(hash_seed);
        let default = Node { spec: NodeSpec::of_default_node(), matcher: Matcher::Default };
        let mut nodes = HashMap::with_hasher(hasher.clone());
        let mut node_ids = HashMap::with_hasher(hasher.clone());
        node_ids.insert(default.spec.name.clone(), NodeId::DEFAULT);
        nodes.insert(NodeId::DEFAULT, default);
        Self {
            wildcards,
            generation: 0,
            next_node: 1,
            nodes,
            node_ids,
            queue_ids: HashMap::with_hasher(hasher.clone()),
            queue_names: HashMap::with_hasher(hasher.clone()),
            bindings: Bindings::new(hasher.clone()),
            is_counted: |_| false,
            counted: 0,
            hasher,
        }
    }

    /// The same, with bindings whose keys `is_counted` says so counted from now on; before there are any.
    #[must_use]
    pub fn counting(self, is_counted: fn(&str) -> bool) -> Self {
        Self { is_counted, ..self }
    }

    /// Bindings that are counted.
    #[must_use]
    pub fn counted_bindings(&self) -> usize {
        self.counted
    }

    /// Changes with every change of this topology; only grows.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The pattern language of its topic nodes.
    #[must_use]
    pub fn wildcards(&self) -> Wildcards {
        self.wildcards
    }

    /// Adds a queue: the default node reaches it by its name from now on.
    ///
    /// # Errors
    /// [`QueueTaken`] when its name or id is in use.
    pub fn add_queue(&mut self, name: Name, id: QueueId) -> Result<(), QueueTaken> {
        if self.queue_ids.contains_key(&name) || self.queue_names.contains_key(&id) {
            return Err(QueueTaken { name, id });
        }
        self.queue_ids.insert(name.clone(), id);
        self.queue_names.insert(id, name);
        self.generation += 1;
        Ok(())
    }

    /// Removes a queue and its bindings, at the cost of these bindings. Nothing happens when it is not there.
    pub fn remove_queue(&mut self, id: QueueId) -> Removed {
        let Some(name) = self.queue_names.remove(&id) else { return Removed::default() };
        self.queue_ids.remove(&name);
        self.generation += 1;
        let doomed = self.bindings.to(Target::Queue(id)).map(|(binding, _)| binding).collect();
        self.drop_bindings(doomed)
    }

    /// Queue of this name.
    #[must_use]
    pub fn find_queue(&self, name: &str) -> Option<QueueId> {
        self.queue_ids.get(name).copied()
    }

    /// Name of a queue.
    #[must_use]
    pub fn queue_name(&self, id: QueueId) -> Option<&Name> {
        self.queue_names.get(&id)
    }

    /// Number of queues.
    #[must_use]
    pub fn queue_count(&self) -> usize {
        self.queue_ids.len()
    }

    /// Adds a node without bindings.
    ///
    /// # Errors
    /// [`AddNodeError`] when the name is taken (compare [`Self::node`] with what was wanted) or no id is left.
    pub fn add_node(&mut self, spec: NodeSpec) -> Result<NodeId, AddNodeError> {
        if self.node_ids.contains_key(&spec.name) {
            return Err(AddNodeError::NameTaken(spec.name));
        }
        let id = NodeId(self.next_node);
        self.next_node = self.next_node.checked_add(1).ok_or(AddNodeError::NoIdLeft)?;
        let matcher = Matcher::new(&spec.kind, self.wildcards, &self.hasher);
        self.node_ids.insert(spec.name.clone(), id);
        self.nodes.insert(id, Node { spec, matcher });
        self.generation += 1;
        Ok(id)
    }

    /// Removes a node with the bindings at both its ends. Nothing happens when it is not there or the default node.
    pub fn remove_node(&mut self, id: NodeId) -> Removed {
        if id == NodeId::DEFAULT {
            return Removed::default();
        }
        let Some(node) = self.nodes.remove(&id) else { return Removed::default() };
        self.node_ids.remove(&node.spec.name);
        self.generation += 1;
        let (from, to) = (self.bindings.from(id), self.bindings.to(Target::Node(id)));
        let doomed = from.chain(to).map(|(binding, _)| binding).collect();
        self.drop_bindings(doomed)
    }

    /// Changes where a node sends what none of its bindings took. Tells whether the node is there.
    pub fn set_fallback(&mut self, id: NodeId, fallback: Option<Name>) -> bool {
        let Some(node) = self.nodes.get_mut(&id) else { return false };
        node.spec.fallback = fallback;
        self.generation += 1;
        true
    }

    /// Node of this name; the default node's is empty.
    #[must_use]
    pub fn find_node(&self, name: &str) -> Option<NodeId> {
        self.node_ids.get(name).copied()
    }

    /// What a node was declared with.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Option<&NodeSpec> {
        self.nodes.get(&id).map(|node| &node.spec)
    }

    /// All nodes in order of id, which is the order in which they were added; the default node first.
    #[must_use]
    pub fn node_ids(&self) -> Vec<NodeId> {
        let mut ids: Vec<NodeId> = self.nodes.keys().copied().collect();
        ids.sort_unstable();
        ids
    }

    /// Whether a node takes part in no binding: neither source nor target.
    #[must_use]
    pub fn is_unused(&self, id: NodeId) -> bool {
        self.bindings.count_from(id) == 0 && self.bindings.count_to(Target::Node(id)) == 0
    }

    /// Makes a binding.
    ///
    /// # Errors
    /// [`BindError`] when an end is not there, or key or arguments make no sense for the kind of `source`.
    pub fn bind(
        &mut self,
        source: NodeId,
        target: Target,
        key: &str,
        arguments: Map,
    ) -> Result<Bound, BindError> {
        if target == Target::Node(NodeId::DEFAULT) {
            return Err(BindError::DefaultNode);
        }
        check_ends(source, key)?;
        let target_name = match target {
            Target::Queue(id) => self.queue_names.get(&id).ok_or(BindError::UnknownQueue(id))?,
            Target::Node(id) => &self.nodes.get(&id).ok_or(BindError::UnknownNode(id))?.spec.name,
        };
        let seed = target_seed(target, target_name);
        let node = self.nodes.get_mut(&source).ok_or(BindError::UnknownNode(source))?;
        let binding = Binding::new(source, target, key, arguments);
        if self.bindings.find(&binding).is_some() {
            return Ok(Bound::Existed);
        }
        node.matcher.check(&binding)?;
        let id = self.bindings.insert(binding.clone());
        node.matcher.add(id, &binding, seed);
        self.counted += usize::from((self.is_counted)(&binding.key));
        self.generation += 1;
        Ok(Bound::New)
    }

    /// Whether a new queue could be bound to `source` with this key and no arguments.
    ///
    /// # Errors
    /// As [`Topology::bind`].
    pub fn check_key(&self, source: NodeId, key: &str) -> Result<(), BindError> {
        check_ends(source, key)?;
        let node = self.nodes.get(&source).ok_or(BindError::UnknownNode(source))?;
        node.matcher.check(&Binding::new(source, Target::Queue(QueueId(u32::MAX)), key, Map::new()))
    }

    /// Removes the binding with exactly this identity.
    pub fn unbind(&mut self, source: NodeId, target: Target, key: &str, arguments: &Map) -> Unbound {
        let wanted = Binding::new(source, target, key, arguments.clone());
        let Some(id) = self.bindings.find(&wanted) else { return Unbound::NotBound };
        if self.drop_bindings(vec![id]).emptied.is_empty() { Unbound::Removed } else { Unbound::RemovedLast }
    }

    /// Bindings that start from a node. The order hangs on history.
    pub fn bindings_from(&self, source: NodeId) -> impl Iterator<Item = &Binding> {
        self.bindings.from(source).map(|(_, binding)| binding)
    }

    /// Bindings that lead to a target, without the default node's. The order hangs on history.
    pub fn bindings_to(&self, target: Target) -> impl Iterator<Item = &Binding> {
        self.bindings.to(target).map(|(_, binding)| binding)
    }

    /// All bindings without the default node's. The order hangs on history.
    pub fn bindings(&self) -> impl Iterator<Item = &Binding> {
        self.bindings.iter()
    }

    /// Number of bindings without the default node's.
    #[must_use]
    pub fn binding_count(&self) -> usize {
        self.bindings.len()
    }

    fn drop_bindings(&mut self, doomed: Vec<BindingId>) -> Removed {
        let mut removed = Removed::default();
        for id in doomed {
            // A node bound to itself is in the list twice.
            let Some(binding) = self.bindings.remove(id) else { continue };
            self.counted -= usize::from((self.is_counted)(&binding.key));
            if let Some(node) = self.nodes.get_mut(&binding.source) {
                node.matcher.remove(id, &binding);
                if node.spec.is_auto_delete && self.bindings.count_from(binding.source) == 0 {
                    removed.emptied.push(binding.source);
                }
            }
            removed.bindings.push(binding);
        }
        removed.emptied.sort_unstable();
        self.generation += 1;
        removed
    }
}

/// What a binding needs of its source and its key, whatever the kind of the node.
fn check_ends(source: NodeId, key: &str) -> Result<(), BindError> {
    if source == NodeId::DEFAULT {
        return Err(BindError::DefaultNode);
    }
    if key.len() > MAX_KEY_BYTES {
        return Err(BindError::KeyTooLong { len_bytes: key.len() });
    }
    Ok(())
}

/// Tells targets apart by kind and name.
fn target_seed(target: Target, name: &str) -> u64 {
    let kind_bit = match target {
        Target::Queue(_) => 0,
        Target::Node(_) => 1,
    };
    stable_hash(name.as_bytes()).rotate_left(1) ^ kind_bit
}
