//! Why nodes cannot be made, reached or removed.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::name::NodeName;
use crate::provisioner::Step;

/// Whose doing an error is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Whoever asked: the same call fails again.
    Caller,
    /// The node: its process or what it answers. The same call may do, and does for ever again if what it says of its
    /// configuration is not mended.
    Node,
    /// The machine: disk, ports, processes. The same call may do later.
    Machine,
}

/// Why a call did not come to its end. What it did until then stays, and the same call made again goes on from there.
#[derive(Debug, Error)]
pub enum FleetError {
    /// A part of the spec is out of its range. Nothing was done.
    #[error("the node '{name}' can't be made: {problem}")]
    InvalidSpec {
        /// The node.
        name: NodeName,
        /// Which part and its range.
        problem: String,
    },
    /// The spec is of an older run than the one that is there. Nothing was done.
    #[error("the node '{name}' is at run {known} already and does not go back to run {asked}")]
    OldIncarnation {
        /// The node.
        name: NodeName,
        /// The run that is there.
        known: u64,
        /// The one that was asked for.
        asked: u64,
    },
    /// There is no such node.
    #[error("there is no node '{name}'")]
    Unknown {
        /// The node.
        name: NodeName,
    },
    /// Another process works with this root.
    #[error("the nodes in '{}' belong to another process; stop it or choose another directory", path.display())]
    RootInUse {
        /// The directory.
        path: PathBuf,
    },
    /// The key of a node's data at rest can't be made.
    #[error(transparent)]
    KeyFile(#[from] ternmq_env::KeyFileError),
    /// A file or directory cannot be used.
    #[error("cannot {what} '{}'", path.display())]
    Disk {
        /// What was to be done.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A file has something in it that does not belong there.
    #[error("'{}' {problem}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong and the mend.
        problem: String,
    },
    /// No port is free.
    #[error("no port is free for the listener {listener} of the node '{name}'")]
    NoPort {
        /// The node.
        name: NodeName,
        /// The listener.
        listener: &'static str,
        /// The system's reason.
        source: io::Error,
    },
    /// A certificate cannot be made.
    #[error("the certificate of the node '{name}' can't be made: {problem}")]
    Certificate {
        /// The node.
        name: NodeName,
        /// Why.
        problem: String,
    },
    /// The process cannot be started.
    #[error("the process of the node '{name}' can't be started from '{}'", binary.display())]
    Spawn {
        /// The node.
        name: NodeName,
        /// The program.
        binary: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// The process ended before it served.
    #[error("the node '{name}' did not start: {reason}")]
    Start {
        /// The node.
        name: NodeName,
        /// Its last words, or how it ended.
        reason: String,
    },
    /// The process runs and does not serve yet.
    #[error("the node '{name}' does not serve after {waited_ms} ms; it still starts")]
    NotReady {
        /// The node.
        name: NodeName,
        /// How long it was waited for.
        waited_ms: u64,
    },
    /// The local channel does not answer.
    #[error("the node '{name}' does not answer on its local channel: {problem}")]
    Unreachable {
        /// The node.
        name: NodeName,
        /// Why.
        problem: String,
    },
    /// Somebody else answers where the node should.
    #[error("what answers on the local channel of the node '{name}' is not that node: {problem}")]
    Stranger {
        /// The node.
        name: NodeName,
        /// What it says it is.
        problem: String,
    },
    /// The node refuses.
    #[error("the node '{name}' refuses: {status}: {text}")]
    Refused {
        /// The node.
        name: NodeName,
        /// Status of the answer.
        status: u16,
        /// What it says.
        text: String,
    },
    /// The process does not end, not even killed.
    #[error("the process {pid} of the node '{name}' does not end")]
    NotStopped {
        /// The node.
        name: NodeName,
        /// The process.
        pid: u32,
    },
    /// A test had the call fail here.
    #[error("failed at the step {0:?}, as a test wanted it")]
    Simulated(Step),
    /// A test had the process die here.
    #[error("died at the step {0:?}, as a test wanted it")]
    Crashed(Step),
}

impl FleetError {
    /// Whose doing it is.
    #[must_use]
    pub fn cause(&self) -> Cause {
        match self {
            Self::InvalidSpec { .. } | Self::OldIncarnation { .. } | Self::Unknown { .. } => Cause::Caller,
            Self::Start { .. }
            | Self::NotReady { .. }
            | Self::Unreachable { .. }
            | Self::Stranger { .. }
            | Self::Refused { .. } => Cause::Node,
            Self::KeyFile(_)
            | Self::RootInUse { .. }
            | Self::Disk { .. }
            | Self::Damaged { .. }
            | Self::NoPort { .. }
            | Self::Certificate { .. }
            | Self::Spawn { .. }
            | Self::NotStopped { .. }
            | Self::Simulated(_)
            | Self::Crashed(_) => Cause::Machine,
        }
    }
}
