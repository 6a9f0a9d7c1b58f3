//! What a node is.

use std::collections::BTreeMap;
use std::net::SocketAddr;

/// How a node is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NodeState {
    /// Its process runs and does not serve yet.
    Starting,
    /// It serves.
    Running,
    /// Its process ended although it should run, and will be started again.
    Restarting {
        /// Ends in a row, each before the node had run for a while.
        failures: u32,
        /// When the next start is, in milliseconds since 1970.
        next_start_unix_ms: u64,
        /// What its last words were, or how it ended.
        reason: String,
    },
    /// It has no process and is not meant to have one: it is half made, or half removed.
    Stopped,
}

/// What is known of a node at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeFacts {
    /// How it is doing.
    pub state: NodeState,
    /// Its process, if it has one.
    pub pid: Option<u32>,
    /// Where its listeners are, by name. Known from the moment at which ports were chosen, and the same over restarts.
    pub listeners: BTreeMap<String, SocketAddr>,
    /// Which run it is, as the spec said.
    pub incarnation: u64,
    /// When its process was started, in milliseconds since 1970; 0 without one.
    pub started_unix_ms: u64,
}
