//! What the fleet knows of one node.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use super::child::Process;
use super::layout::NodeLayout;
use super::ports::NodePorts;
use crate::facts::{NodeFacts, NodeState};
use crate::name::NodeName;
use crate::spec::{NodeSpec, Reach};

/// A node, known since the fleet was opened or since somebody first spoke of it.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) name: NodeName,
    pub(crate) layout: NodeLayout,
    /// Held by the one call that works on the node.
    work: Mutex<()>,
    /// Held for a moment, never while anything is waited for.
    status: Mutex<Status>,
}

/// What is known.
#[derive(Debug, Default)]
pub(crate) struct Status {
    /// As it is written down.
    pub(crate) spec: Option<NodeSpec>,
    pub(crate) ports: NodePorts,
    pub(crate) run: Option<Run>,
    /// Ends in a row, each before the node had run for a while.
    pub(crate) failures: u32,
    pub(crate) restart: Option<Restart>,
}

/// A process of the node.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) process: Arc<Process>,
    /// 0: not known.
    pub(crate) started_unix_ms: u64,
    /// Monotonic.
    pub(crate) started_ms: u64,
    /// It has said that it serves.
    pub(crate) is_ready: bool,
    /// A call looks after it: the supervisor keeps away.
    pub(crate) is_attended: bool,
}

/// When the process will be started again, and why it has to be.
#[derive(Clone, Debug)]
pub(crate) struct Restart {
    /// Monotonic.
    pub(crate) at_ms: u64,
    pub(crate) at_unix_ms: u64,
    pub(crate) reason: String,
}

impl Node {
    pub(crate) fn new(name: NodeName, layout: NodeLayout, status: Status) -> Self {
        Self { name, layout, work: Mutex::default(), status: Mutex::new(status) }
    }

    /// Waits for the calls that came before.
    pub(crate) fn work(&self) -> MutexGuard<'_, ()> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None`: another call works on the node.
    pub(crate) fn try_work(&self) -> Option<MutexGuard<'_, ()>> {
        match self.work.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Whether it should run: it was made, and its removal has not begun.
    pub(crate) fn is_wanted(&self) -> bool {
        self.status().spec.is_some() && !self.layout.going().exists()
    }

    pub(crate) fn status(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Address that listeners of a node bind.
pub(crate) fn bind_ip(reach: Reach) -> IpAddr {
    match reach {
        Reach::Loopback => Ipv4Addr::LOCALHOST.into(),
        Reach::Public => Ipv4Addr::UNSPECIFIED.into(),
    }
}

impl Status {
    /// The process, if one runs or its end was not noticed yet.
    pub(crate) fn process(&self) -> Option<Arc<Process>> {
        self.run.as_ref().map(|run| run.process.clone())
    }

    /// Whether this very process is the node's.
    pub(crate) fn is_run(&self, process: &Arc<Process>) -> bool {
        self.run.as_ref().is_some_and(|run| Arc::ptr_eq(&run.process, process))
    }

    pub(crate) fn facts(&self, now_unix_ms: u64) -> NodeFacts {
        let ip = bind_ip(self.spec.as_ref().map_or(Reach::Loopback, |spec| spec.reach));
        let listeners = self.ports.iter().map(|(name, port)| (name.clone(), SocketAddr::new(ip, *port)));
        let has_ended = |run: &Run| run.process.ends_within(0).unwrap_or(false);
        let state = match (&self.run, &self.restart) {
            (Some(run), _) if has_ended(run) => NodeState::Restarting {
                failures: self.failures.saturating_add(1),
                next_start_unix_ms: now_unix_ms,
                reason: "its process ended".into(),
            },
            (Some(run), _) if run.is_ready => NodeState::Running,
            (Some(_), _) => NodeState::Starting,
            (None, Some(restart)) => NodeState::Restarting {
                failures: self.failures,
                next_start_unix_ms: restart.at_unix_ms,
                reason: restart.reason.clone(),
            },
            (None, None) => NodeState::Stopped,
        };
        let run = self.run.as_ref().filter(|_| matches!(state, NodeState::Running | NodeState::Starting));
        NodeFacts {
            pid: run.map(|run| run.process.pid()),
            listeners: listeners.collect::<BTreeMap<_, _>>(),
            incarnation: self.spec.as_ref().map_or(0, |spec| spec.incarnation),
            started_unix_ms: run.map_or(0, |run| run.started_unix_ms),
            state,
        }
    }
}
