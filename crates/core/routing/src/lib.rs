//! Where a message goes: nodes, bindings between them and queues, and the lookup that a publish does.
//!
//! Owns: the [`Topology`] of one namespace (its nodes, its bindings, the names of its queues), the pattern language of
//! topics ([`Wildcards`]), the lookup ([`Topology::route`]) and a cache of its answers ([`RouteCache`]).
//! Must not know: what a queue holds, who may bind what, how any protocol spells a kind of node. No I/O, no clock.
//!
//! Invariants: every binding is listed under its source and under its target; a change of anything that a lookup can
//! see changes [`Topology::generation`]; a lookup visits a node at most once, spends at most [`STEP_BUDGET`] steps on
//! patterns (B8) and answers with each queue once, in order of id, however the topology came to be what it is.
//!
//! Known limits: a headers node costs one look at each of its bindings, a hash node one at each of its targets.

#![forbid(unsafe_code)]

mod binding;
mod bindings;
mod cache;
mod hash;
mod headers;
mod id;
mod matcher;
mod name;
mod node;
mod removal;
mod route;
mod topic;
mod topology;
mod wildcards;

pub use binding::{BindError, Binding, Bound, Target, Unbound};
pub use cache::RouteCache;
pub use hash::{MAX_HASH_TARGETS, MAX_WEIGHT};
pub use id::{NodeId, QueueId};
pub use name::{Name, NameError};
pub use node::{AddNodeError, HashBy, NodeKind, NodeSpec};
pub use removal::Removed;
pub use route::{Keys, LazyProperties, PropertySource, RouteError, RouteResult, STEP_BUDGET};
pub use topology::{QueueTaken, Topology};
pub use wildcards::{MAX_KEY_BYTES, MAX_MANY, MAX_WORDS, PatternError, Swap, Wildcards};
