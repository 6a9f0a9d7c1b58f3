//! What goes along when a queue or a node is removed.

use crate::{binding::Binding, id::NodeId};

/// Consequences of removing a queue or a node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Removed {
    /// Bindings that went along.
    pub bindings: Vec<Binding>,
    /// Auto-delete nodes that lost their last binding by it and are still there: remove them too. In order of id.
    pub emptied: Vec<NodeId>,
}
