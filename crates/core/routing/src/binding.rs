//! One binding: what it is, what makes two of them the same, and the answers to making and removing one.

use std::{
    hash::{Hash, Hasher},
    sync::Arc,
};

use ternmq_message::{Map, Value};
use thiserror::Error;

use crate::{
    hash::{MAX_HASH_TARGETS, MAX_WEIGHT},
    id::{NodeId, QueueId},
    wildcards::{MAX_KEY_BYTES, PatternError},
};

/// Where a binding leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// Into a queue.
    Queue(QueueId),
    /// On to another node.
    Node(NodeId),
}

/// A binding: what reaches `source` and fits `key` and `arguments` goes on to `target`. All four together are its
/// identity.
#[derive(Clone, Debug, PartialEq)]
pub struct Binding {
    /// Node it starts from.
    pub source: NodeId,
    /// Where it leads.
    pub target: Target,
    /// Binding key; what it means is up to the kind of `source`.
    pub key: Arc<str>,
    /// Arguments, sorted by name.
    pub arguments: Map,
}

/// Answer to making a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// It is new.
    New,
    /// The same binding was there; nothing changed.
    Existed,
}

/// Answer to removing a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unbound {
    /// There is no such binding; nothing changed.
    NotBound,
    /// Removed; nothing else follows from it.
    Removed,
    /// Removed, and its source is an auto-delete node that has no binding left: remove it too.
    RemovedLast,
}

/// Why a binding was not made. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BindError {
    /// Source or target is no node of this topology.
    #[error("the node is gone; declare it again")]
    UnknownNode(NodeId),
    /// The target is no queue of this topology.
    #[error("the queue is gone; declare it again")]
    UnknownQueue(QueueId),
    /// The default node is at one end.
    #[error("the default node has its bindings built in and takes no others")]
    DefaultNode,
    /// The key is longer than [`MAX_KEY_BYTES`].
    #[error("the binding key has {len_bytes} bytes; at most {MAX_KEY_BYTES} are allowed")]
    KeyTooLong {
        /// Length of the key in bytes.
        len_bytes: usize,
    },
    /// The key is not a pattern for the topic node `source`.
    #[error("the binding key is refused: {0}")]
    Pattern(#[from] PatternError),
    /// The match rule among the arguments is none of the known ones.
    #[error("the binding argument x-match must be all, any, all-with-x or any-with-x")]
    UnknownMatchRule,
    /// The key is not a weight for the hash node `source`.
    #[error("the binding key of a hash node is its weight: a whole number from 1 to {MAX_WEIGHT}")]
    BadWeight,
    /// The hash node has [`MAX_HASH_TARGETS`] targets.
    #[error("the hash node already has {MAX_HASH_TARGETS} targets, the most that are allowed")]
    TooManyHashTargets,
}

impl Binding {
    /// A binding with its arguments in order of name, so that their order on the way here does not matter.
    pub(crate) fn new(source: NodeId, target: Target, key: &str, mut arguments: Map) -> Self {
        arguments.sort_by(|(a, _), (b, _)| a.cmp(b));
        Self { source, target, key: Arc::from(key), arguments }
    }

    /// Whether both are one binding. Unlike `==`, a number that is not a number is the same as itself.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.source == other.source
            && self.target == other.target
            && self.key == other.key
            && is_same_map(&self.arguments, &other.arguments)
    }

    /// Feeds the identity to a hasher; equal for bindings that [`Self::is_same`] calls one.
    pub(crate) fn hash_identity(&self, state: &mut impl Hasher) {
        (self.source, self.target, &self.key).hash(state);
        hash_map(&self.arguments, state);
    }
}

fn is_same_map(a: &Map, b: &Map) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|((k, v), (l, w))| k == l && is_same_value(v, w))
}

fn is_same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::F32(a), Value::F32(b)) => a.to_bits() == b.to_bits(),
        (Value::F64(a), Value::F64(b)) => a.to_bits() == b.to_bits(),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same_value(a, b))
        }
        (Value::Map(a), Value::Map(b)) => is_same_map(a, b),
        _ => a == b,
    }
}

fn hash_map(map: &Map, state: &mut impl Hasher) {
    state.write_usize(map.len());
    for (name, value) in map {
        name.hash(state);
        hash_value(value, state);
    }
}

fn hash_value(value: &Value, state: &mut impl Hasher) {
    std::mem::discriminant(value).hash(state);
    match value {
        Value::Null => {}
        Value::Bool(truth) => truth.hash(state),
        Value::I8(number) => number.hash(state),
        Value::U8(number) => number.hash(state),
        Value::I16(number) => number.hash(state),
        Value::U16(number) => number.hash(state),
        Value::I32(number) => number.hash(state),
        Value::U32(number) => number.hash(state),
        Value::I64(number) => number.hash(state),
        Value::U64(number) | Value::Timestamp(number) => number.hash(state),
        Value::F32(number) => number.to_bits().hash(state),
        Value::F64(number) => number.to_bits().hash(state),
        Value::Decimal(number) => (number.scale, number.unscaled).hash(state),
        Value::Str(text) => text.hash(state),
        Value::Bytes(bytes) => bytes.hash(state),
        Value::Array(values) => {
            state.write_usize(values.len());
            values.iter().for_each(|value| hash_value(value, state));
        }
        Value::Map(map) => hash_map(map, state),
    }
}
