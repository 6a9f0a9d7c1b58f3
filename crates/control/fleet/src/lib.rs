//! Nodes of brokers: makes them, keeps them running, tells about them and removes them.
//!
//! Owns: what a node is to be ([`NodeSpec`]), what it is ([`NodeFacts`]), and the one interface by which a control plane
//! turns the first into the second ([`Provisioner`]); processes on this machine ([`ProcessFleet`]); a provisioner that only pretends
//! ([`SimulatedFleet`]).
//! Must not know: accounts, the API of a service, brokers of several nodes as such, the core of a node. A node is
//! reached through its own HTTP API over a local channel, never linked.
//!
//! Invariants: every call may be made again, and after a kill at any of its steps the same call made again comes to the
//! same end; a node is never run twice; what a call took (a directory, a port, a process) the node's removal gives back.
#![forbid(unsafe_code)]

mod facts;
mod grants;
mod name;
mod network;
mod spec;

mod error;
mod provisioner;

mod process;
mod simulated;

pub use error::{Cause, FleetError};
pub use facts::{NodeFacts, NodeState};
pub use grants::{
    GRANT_BYTES_MAX, GRANT_PATTERN_BYTES_MAX, GRANT_RULES_MAX, GrantAct, GrantEffect, GrantKind, GrantNames,
    GrantRule, NODE_GRANT_BYTES_MAX, NodeGrants, UserGrants,
};
pub use name::{NodeName, NodeNameError};
pub use network::{Cidr, CidrError};
pub use process::{Footprint, ProcessFleet, ProcessSettings, StepHook};
pub use provisioner::{Provisioner, Step};
pub use simulated::{SimulatedFault, SimulatedFleet};
pub use spec::{
    AcceptRule, DirectoryText, Engine, LogKind, NodeLimits, NodeLogs, NodeSpec, NodeUser, PortRange, Reach,
};
