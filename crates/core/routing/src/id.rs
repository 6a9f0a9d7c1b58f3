//! Ids of queues and nodes.

/// A queue of a namespace: an index that the caller chooses and may use again once the queue is removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueId(pub u32);

/// A node of a namespace: given by the topology, never used again for another node of that topology.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub u32);

impl NodeId {
    /// The built-in node that reaches every queue by its name.
    pub const DEFAULT: Self = Self(0);
}
