//! The lookup: from a node and a key to queues.

use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashSet;
use ternmq_message::Properties;
use thiserror::Error;

use crate::{
    binding::Target,
    hash::value_of,
    id::{NodeId, QueueId},
    matcher::Matcher,
    node::{HashBy, Node, NodeKind},
    topic::Walk,
    topology::Topology,
};

/// Most steps of one lookup, over all its nodes and keys: one per node, one per trie place and word (B8).
pub const STEP_BUDGET: usize = 10_000;

/// From this many nodes on, those already visited are kept in a set instead of a list.
const VISITED_LIST_MAX: usize = 16;

/// The keys of a message: its own, and more that its sender wants it routed by.
#[derive(Clone, Copy, Debug)]
pub struct Keys<'a> {
    /// The message's own key.
    pub first: &'a str,
    /// Further keys.
    pub extra: &'a [Arc<str>],
}

impl<'a> From<&'a str> for Keys<'a> {
    fn from(first: &'a str) -> Self {
        Self { first, extra: &[] }
    }
}

impl<'a> Keys<'a> {
    fn iter(self) -> impl Iterator<Item = &'a str> {
        std::iter::once(self.first).chain(self.extra.iter().map(|key| &**key))
    }
}

/// Gives a message's properties when a node wants to see them; most never do.
pub trait PropertySource {
    /// The properties; the same ones at each call.
    fn properties(&mut self) -> &Properties;
}

impl PropertySource for Properties {
    fn properties(&mut self) -> &Properties {
        self
    }
}

/// Properties that are made at the first call for them.
#[derive(Debug)]
pub struct LazyProperties<F> {
    make: F,
    made: Option<Properties>,
}

impl<F: FnMut() -> Properties> LazyProperties<F> {
    /// Properties that `make` will make, at most once.
    pub fn new(make: F) -> Self {
        Self { make, made: None }
    }

    /// The properties, when some node has wanted them.
    pub fn into_made(self) -> Option<Properties> {
        self.made
    }
}

impl<F: FnMut() -> Properties> PropertySource for LazyProperties<F> {
    fn properties(&mut self) -> &Properties {
        self.made.get_or_insert_with(&mut self.make)
    }
}

/// Why a lookup gave no answer: the message must be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RouteError {
    /// No such node.
    #[error("the node is gone; declare it again")]
    UnknownNode(NodeId),
    /// The lookup took more than [`STEP_BUDGET`] steps.
    #[error(
        "routing took more than {STEP_BUDGET} steps; use fewer overlapping patterns or shorter chains of nodes"
    )]
    TooManySteps,
}

/// The step budget is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooManySteps;

impl From<TooManySteps> for RouteError {
    fn from(TooManySteps: TooManySteps) -> Self {
        Self::TooManySteps
    }
}

/// Steps left of a budget.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    left: usize,
}

impl Steps {
    pub(crate) fn take(&mut self, count: usize) -> Result<(), TooManySteps> {
        self.left = self.left.checked_sub(count).ok_or(TooManySteps)?;
        Ok(())
    }
}

/// Answer of a lookup, with the memory it works in: kept by the caller from one lookup to the next, it makes them free
/// of allocations.
#[derive(Debug, Default)]
pub struct RouteResult {
    queues: Vec<QueueId>,
    hangs_on_key_only: bool,
    work: Vec<NodeId>,
    visited: Visited,
    walk: Walk,
    header_order: Vec<u32>,
}

impl RouteResult {
    /// Queues that the message goes to, each once, in order of id; empty when nothing took it or the lookup failed.
    #[must_use]
    pub fn queues(&self) -> &[QueueId] {
        &self.queues
    }

    /// Whether some queue takes the message.
    #[must_use]
    pub fn is_routed(&self) -> bool {
        !self.queues.is_empty()
    }

    /// Whether any message with the same keys would get the same answer.
    #[must_use]
    pub(crate) fn hangs_on_key_only(&self) -> bool {
        self.hangs_on_key_only
    }

    fn start(&mut self, node: NodeId) {
        self.queues.clear();
        self.hangs_on_key_only = true;
        self.work.clear();
        self.visited.clear();
        self.visited.insert(node);
        self.work.push(node);
    }

    fn finish(&mut self) {
        if !self.queues.is_sorted_by(|a, b| a < b) {
            self.queues.sort_unstable();
            self.queues.dedup();
        }
    }
}

/// Nodes that a lookup has come to.
#[derive(Debug, Default)]
struct Visited {
    list: Vec<NodeId>,
    set: HashSet<NodeId, FixedState>,
}

impl Visited {
    fn clear(&mut self) {
        if self.list.len() > VISITED_LIST_MAX {
            self.set.clear();
        }
        self.list.clear();
    }

    /// Tells whether it was not there.
    fn insert(&mut self, node: NodeId) -> bool {
        let is_new = match self.list.len() {
            0..VISITED_LIST_MAX => !self.list.contains(&node),
            VISITED_LIST_MAX => {
                self.set.extend(self.list.iter().copied());
                self.set.insert(node)
            }
            _ => self.set.insert(node),
        };
        if is_new {
            self.list.push(node);
        }
        is_new
    }
}

impl Topology {
    /// Finds the queues for a message that arrives at `node`.
    ///
    /// Bindings to nodes are followed, each node once. A node none of whose bindings takes the message for any of its
    /// keys hands it to its fallback, if that is there.
    ///
    /// # Errors
    /// [`RouteError`]; `out` has no queues then.
    pub fn route(
        &self,
        node: NodeId,
        keys: Keys<'_>,
        properties: &mut dyn PropertySource,
        out: &mut RouteResult,
    ) -> Result<(), RouteError> {
        out.start(node);
        let mut steps = Steps { left: STEP_BUDGET };
        let mut outcome =
            if self.nodes.contains_key(&node) { Ok(()) } else { Err(RouteError::UnknownNode(node)) };
        while outcome.is_ok()
            && let Some(id) = out.work.pop()
        {
            // A binding to a node goes with that node, so it is there.
            let Some(node) = self.nodes.get(&id) else { continue };
            outcome = self.visit(node, keys, properties, &mut steps, out).map_err(RouteError::from);
        }
        if outcome.is_err() {
            out.queues.clear();
        }
        out.finish();
        outcome
    }

    fn visit(
        &self,
        node: &Node,
        keys: Keys<'_>,
        properties: &mut dyn PropertySource,
        steps: &mut Steps,
        out: &mut RouteResult,
    ) -> Result<(), TooManySteps> {
        steps.take(1 + keys.extra.len())?;
        let mut is_taken = false;
        let RouteResult { queues, hangs_on_key_only, work, visited, walk, header_order } = out;
        let mut found = |target| {
            is_taken = true;
            match target {
                Target::Queue(queue) => queues.push(queue),
                Target::Node(next) => {
                    if visited.insert(next) {
                        work.push(next);
                    }
                }
            }
        };
        match &node.matcher {
            Matcher::Default => {
                let by_name = |key| self.queue_ids.get(key).copied().map(Target::Queue);
                keys.iter().filter_map(by_name).for_each(&mut found);
            }
            Matcher::Direct(table) => {
                keys.iter().filter_map(|key| table.get(key)).for_each(|targets| {
                    targets.for_each(&mut found);
                });
            }
            Matcher::Fanout(targets) => targets.for_each(&mut found),
            Matcher::Topic(table) => {
                for key in keys.iter() {
                    table.find(key, walk, steps, &mut found)?;
                }
            }
            Matcher::Headers(rules) => {
                if !rules.is_empty() {
                    *hangs_on_key_only = false;
                    rules.find(&properties.properties().headers, header_order, &mut found);
                }
            }
            Matcher::Hash(targets) => match &node.spec.kind {
                NodeKind::Hash(by @ HashBy::Key) => {
                    let nothing = Properties::default();
                    let values = keys.iter().map(|key| value_of(by, key, &nothing));
                    values.filter_map(|value| targets.find(value)).for_each(&mut found);
                }
                NodeKind::Hash(by) => {
                    *hangs_on_key_only = false;
                    let value = value_of(by, keys.first, properties.properties());
                    targets.find(value).into_iter().for_each(&mut found);
                }
                NodeKind::Direct | NodeKind::Fanout | NodeKind::Topic | NodeKind::Headers => {}
            },
        }
        if !is_taken
            && let Some(next) = node.spec.fallback.as_ref().and_then(|name| self.find_node(name))
            && out.visited.insert(next)
        {
            out.work.push(next);
        }
        Ok(())
    }
}
