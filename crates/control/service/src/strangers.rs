//! Refused calls of whom nobody knows who they are: a signature that is missing or wrong. Each leaves its record while they
//! are few. Who floods the port must not fill the disk, so of many one record tells how many there were.

use std::mem;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use crate::service::Peer;
use crate::throttle::{Quota, Throttle};

/// Records of strangers: so many at once, and a second.
const RECORDED: Quota = Quota { burst: 200, per_second: 1 };

/// What is known of strangers.
pub(crate) struct Strangers {
    recorded: Throttle,
    missed: Mutex<Missed>,
}

/// Calls without a record of their own since the last summary.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Missed {
    pub count: u64,
    /// Where the last one came from.
    pub last: Option<IpAddr>,
}

impl Strangers {
    pub(crate) fn new(now_ms: u64) -> Self {
        Self { recorded: Throttle::new(RECORDED, now_ms), missed: Mutex::default() }
    }

    /// Whether a call gets a record of its own; if not it is counted.
    pub(crate) fn is_recorded(&self, peer: Peer, now_ms: u64) -> bool {
        if self.recorded.try_take(now_ms) {
            return true;
        }
        self.add(Missed { count: 1, last: Some(peer.0) });
        false
    }

    /// What was counted, which is forgotten here.
    pub(crate) fn take(&self) -> Missed {
        mem::take(&mut *self.missed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Counts calls, also those of a summary that could not be kept.
    pub(crate) fn add(&self, more: Missed) {
        let mut missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        missed.count = missed.count.saturating_add(more.count);
        missed.last = more.last.or(missed.last);
    }
}
