//! What a node is.

use std::sync::Arc;

use ternmq_message::Map;
use thiserror::Error;

use crate::{matcher::Matcher, name::Name};

/// How a node chooses among its bindings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// Those whose key is the message's key.
    Direct,
    /// All of them.
    Fanout,
    /// Those whose key, as a pattern, matches the message's key.
    Topic,
    /// Those whose arguments fit the message's headers.
    Headers,
    /// One of them, always the same for the same value; its key is its weight.
    Hash(HashBy),
}

/// What a hash node looks at. A message without it counts as one with the empty text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HashBy {
    /// The message's key.
    Key,
    /// The header of this name.
    Header(Arc<str>),
    /// The producer's id of the message.
    MessageId,
    /// The correlation id.
    CorrelationId,
    /// The producer's time stamp.
    Timestamp,
}

/// All that a node was declared with.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeSpec {
    /// Name, unique in its namespace.
    pub name: Name,
    /// How it chooses.
    pub kind: NodeKind,
    /// It outlives a restart.
    pub is_durable: bool,
    /// It goes with the last binding that starts from it.
    pub is_auto_delete: bool,
    /// Only other nodes may send to it; the caller refuses publishers.
    pub is_internal: bool,
    /// Node that gets what none of its bindings took. It need not exist.
    pub fallback: Option<Name>,
    /// Arguments as declared, for comparison and listing.
    pub arguments: Map,
}

impl NodeSpec {
    /// A durable node with nothing special about it.
    #[must_use]
    pub fn new(name: Name, kind: NodeKind) -> Self {
        Self {
            name,
            kind,
            is_durable: true,
            is_auto_delete: false,
            is_internal: false,
            fallback: None,
            arguments: Map::new(),
        }
    }

    pub(crate) fn of_default_node() -> Self {
        Self::new(Name::of_default_node(), NodeKind::Direct)
    }
}

/// Why a node was not added. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AddNodeError {
    /// There is a node of this name.
    #[error("a node named {0} exists already")]
    NameTaken(Name),
    /// All ids are in use.
    #[error("the namespace has no id left for another node")]
    NoIdLeft,
}

/// A node with its lookup structure.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) spec: NodeSpec,
    pub(crate) matcher: Matcher,
}
