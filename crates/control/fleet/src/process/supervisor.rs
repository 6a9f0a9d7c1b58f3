//! The thread that looks after nodes between calls: starts those again whose process has ended, and renews certificates.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{EventfdFlags, eventfd};
use ternmq_env::Clock;

use super::fleet::{Inner, attend};
use super::node::Node;
use super::poll::wait_readable;

/// How often certificates are looked at.
const CERTIFICATES_MS: u64 = 60 * 60 * 1_000;
/// When a node is looked at again on which a call works.
const BUSY_MS: u64 = 100;

/// Wakes the supervisor.
#[derive(Debug)]
pub(crate) struct Bell {
    event: OwnedFd,
    is_closing: AtomicBool,
}

impl Bell {
    pub(crate) fn new() -> io::Result<Self> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { event, is_closing: AtomicBool::new(false) })
    }

    /// Something has changed.
    pub(crate) fn ring(&self) {
        // Refused only when it has been rung 2^64 times unheard.
        let _ = rustix::io::write(&self.event, &1_u64.to_ne_bytes());
    }

    /// The supervisor is to end.
    pub(crate) fn close(&self) {
        self.is_closing.store(true, Ordering::Release);
        self.ring();
    }

    fn silence(&self) {
        let _ = rustix::io::read(&self.event, &mut [0_u8; 8]);
    }
}

/// Runs until the bell is closed.
pub(crate) fn run(fleet: &Inner) {
    let mut certificates_at_ms = fleet.clock.monotonic_ms() + CERTIFICATES_MS;
    loop {
        fleet.bell.silence();
        if fleet.bell.is_closing.load(Ordering::Acquire) {
            return;
        }
        let nodes = fleet.all();
        let now_ms = fleet.clock.monotonic_ms();
        for node in &nodes {
            restart(fleet, node, now_ms);
        }
        if now_ms >= certificates_at_ms {
            certificates_at_ms = now_ms + CERTIFICATES_MS;
            nodes.iter().for_each(|node| renew(fleet, node));
        }
        if let Err(error) = watch(fleet, &nodes, certificates_at_ms) {
            tracing::error!("nodes can't be watched: {error}");
            // Nothing else is left to wait for: the bell rings with the next call.
            let _ = wait_readable(&[fleet.bell.event.as_fd()], Some(now_ms + BUSY_MS), &fleet.clock);
        }
    }
}

/// Waits for the end of a process, the next start, or the bell.
fn watch(fleet: &Inner, nodes: &[Arc<Node>], mut until_ms: u64) -> io::Result<()> {
    let mut watched = Vec::new();
    for node in nodes {
        let status = node.status();
        if let Some(run) = status.run.as_ref().filter(|run| !run.is_attended) {
            watched.push((node, run.process.clone()));
        }
        until_ms = status.restart.as_ref().map_or(until_ms, |restart| until_ms.min(restart.at_ms));
    }
    let ends = watched.iter().map(|(_, process)| process.end());
    let fds: Vec<BorrowedFd<'_>> = std::iter::once(fleet.bell.event.as_fd()).chain(ends).collect();
    let readable = wait_readable(&fds, Some(until_ms), &fleet.clock)?;
    for ((node, process), has_ended) in watched.iter().zip(readable.into_iter().skip(1)) {
        // A call that has come to it meanwhile sees for itself.
        if has_ended && let Some(_work) = node.try_work() {
            if node.is_wanted() {
                fleet.note_end(node, process);
            } else {
                process.reap();
                node.status().run = None;
            }
        }
    }
    Ok(())
}

/// Starts the node's process if it is time.
fn restart(fleet: &Inner, node: &Node, now_ms: u64) {
    let is_due = node.status().restart.as_ref().is_some_and(|restart| restart.at_ms <= now_ms);
    if !is_due {
        return;
    }
    let Some(_work) = node.try_work() else {
        if let Some(restart) = &mut node.status().restart {
            restart.at_ms = now_ms + BUSY_MS;
        }
        return;
    };
    let spec = {
        let status = node.status();
        // Looked at again: a call may have come and gone.
        if status.restart.as_ref().is_none_or(|restart| restart.at_ms > now_ms) || status.run.is_some() {
            return;
        }
        status.spec.clone()
    };
    let Some(spec) = spec else {
        node.status().restart = None;
        return;
    };
    let started = fleet
        .authority
        .ensure(&node.name, &node.layout.tls(), &spec.host_names)
        .and_then(|()| fleet.choose_ports(node, &spec))
        .and_then(|()| fleet.start(node, &spec));
    attend(node, false);
    if let Err(error) = started {
        let reason = ternmq_stdx::chain(&error);
        tracing::error!(node = %node.name, "a node can't be started again: {reason}");
        fleet.plan_restart(node, reason);
    }
}

fn renew(fleet: &Inner, node: &Node) {
    let Some(_work) = node.try_work() else { return };
    let names = node.status().spec.as_ref().map(|spec| spec.host_names.clone());
    if let Some(names) = names.filter(|_| node.layout.dir().exists())
        && let Err(error) = fleet.authority.ensure(&node.name, &node.layout.tls(), &names)
    {
        tracing::error!(node = %node.name, "a certificate can't be renewed: {}", ternmq_stdx::chain(&error));
    }
}
