//! Where everything is below the root of a fleet.
//!
//! ```text
//! lock                    held by the process whose fleet this is
//! ca.pem, ca.key          the CA that all certificates come from
//! nodes/NAME/             one directory per node
//!   run.lock              held by the node's process, as its standard input, from its first moment to its last
//!   spec.json             what the node is to be
//!   ports.json            listener name to port
//!   going                 there while the node is being removed
//!   tls.pem               certificate and key
//!   data.key              what its data are encrypted with
//!   directory.json        the directory of its users, with a password
//!   broker.conf, accept.json   what the process reads: configuration, who is let in
//!   pid.json              which process it is; a hint, the lock decides
//!   listening.json        written by the process when it serves
//!   control.sock          its local channel
//!   start.log             what it said before its logs were open, and last words
//!   logs/, data/          its own
//! removed/NAME/           what is left of a node to be deleted
//! ```

use std::path::{Path, PathBuf};

use crate::name::NodeName;
use crate::spec::LogKind;

/// Paths of a fleet.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    root: PathBuf,
}

/// Paths of a node.
#[derive(Clone, Debug)]
pub(crate) struct NodeLayout {
    dir: PathBuf,
}

impl Layout {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.into() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    pub(crate) fn nodes(&self) -> PathBuf {
        self.root.join("nodes")
    }

    pub(crate) fn removed(&self) -> PathBuf {
        self.root.join("removed")
    }

    pub(crate) fn node(&self, name: &NodeName) -> NodeLayout {
        NodeLayout { dir: self.nodes().join(name.to_string()) }
    }

    pub(crate) fn removed_node(&self, name: &NodeName) -> PathBuf {
        self.removed().join(name.to_string())
    }
}

impl NodeLayout {
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn run_lock(&self) -> PathBuf {
        self.dir.join("run.lock")
    }

    pub(crate) fn spec(&self) -> PathBuf {
        self.dir.join("spec.json")
    }

    pub(crate) fn directory(&self) -> PathBuf {
        self.dir.join("directory.json")
    }

    pub(crate) fn ports(&self) -> PathBuf {
        self.dir.join("ports.json")
    }

    pub(crate) fn going(&self) -> PathBuf {
        self.dir.join("going")
    }

    pub(crate) fn tls(&self) -> PathBuf {
        self.dir.join("tls.pem")
    }

    /// The key of its data at rest.
    pub(crate) fn data_key(&self) -> PathBuf {
        self.dir.join("data.key")
    }

    pub(crate) fn configuration(&self) -> PathBuf {
        self.dir.join("broker.conf")
    }

    pub(crate) fn accept(&self) -> PathBuf {
        self.dir.join("accept.json")
    }

    pub(crate) fn pid(&self) -> PathBuf {
        self.dir.join("pid.json")
    }

    pub(crate) fn listening(&self) -> PathBuf {
        self.dir.join("listening.json")
    }

    pub(crate) fn control(&self) -> PathBuf {
        self.dir.join("control.sock")
    }

    pub(crate) fn start_log(&self) -> PathBuf {
        self.dir.join("start.log")
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.dir.join("logs")
    }

    pub(crate) fn log(&self, kind: LogKind) -> PathBuf {
        self.logs().join(format!("{}.log", kind.name()))
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.dir.join("data")
    }
}
