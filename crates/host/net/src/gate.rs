//! Who may come in at a listener at all: decided by the address of the connection, before a byte of it is read.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::proxy::Network;

/// Pause between two log lines about the same listener: many that are turned away must not fill the log.
const TOLD_PAUSE_MS: u64 = 1_000;

/// From where connections are let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sources {
    /// From everywhere.
    Everywhere,
    /// From these networks; none of them: from nowhere.
    Only(Arc<[Network]>),
}

impl Sources {
    fn has(&self, address: IpAddr) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Only(networks) => networks.iter().any(|network| network.has(address)),
        }
    }
}

/// The gate of one listener, shared by whoever accepts there and whoever changes the rule.
///
/// A change counts for connections that come from then on; those that are in stay. Behind a proxy the proxy's address
/// counts: what it says of its clients has not been read yet.
#[derive(Debug)]
pub struct Gate {
    listener: String,
    sources: RwLock<Sources>,
    refused: AtomicU64,
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    /// When a line may be written next.
    next_ms: u64,
    /// How many were turned away without a line.
    silent: u64,
}

impl Gate {
    /// The gate of the listener of this name.
    #[must_use]
    pub fn new(listener: &str, sources: Sources) -> Self {
        Self {
            listener: listener.to_owned(),
            sources: RwLock::new(sources),
            refused: AtomicU64::new(0),
            told: Mutex::default(),
        }
    }

    /// From where connections are let in from now on.
    pub fn set(&self, sources: Sources) {
        *self.sources.write().unwrap_or_else(PoisonError::into_inner) = sources;
    }

    /// From where connections are let in.
    #[must_use]
    pub fn sources(&self) -> Sources {
        self.sources.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a connection from here is let in. One that is not is counted, and told in the log now and then.
    pub fn admits(&self, address: IpAddr, now_ms: u64) -> bool {
        if self.sources.read().unwrap_or_else(PoisonError::into_inner).has(address) {
            return true;
        }
        self.refused.fetch_add(1, Ordering::Relaxed);
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if now_ms < told.next_ms {
            told.silent = told.silent.saturating_add(1);
            return false;
        }
        let more = std::mem::take(&mut told.silent);
        told.next_ms = now_ms.saturating_add(TOLD_PAUSE_MS);
        drop(told);
        let listener = &*self.listener;
        tracing::warn!(target: "connection", listener, peer = %address, more, "a connection was refused: no rule lets it in");
        false
    }

    /// How many connections were turned away.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(networks: &[&str], address: &str, expect: bool) {
        let networks = networks.iter().map(|network| network.parse().unwrap()).collect();
        let gate = Gate::new("amqps", Sources::Only(networks));
        assert_eq!(gate.admits(address.parse().unwrap(), 0), expect, "{address}");
        assert_eq!(gate.refused(), u64::from(!expect));
    }

    #[test]
    fn networks_decide() {
        check(&[], "127.0.0.1", false);
        check(&["0.0.0.0/0"], "127.0.0.1", true);
        check(&["0.0.0.0/0"], "::1", false);
        check(&["0.0.0.0/0", "::/0"], "::1", true);
        check(&["10.0.0.0/8", "192.168.1.0/24"], "192.168.1.7", true);
        check(&["10.0.0.0/8"], "11.0.0.1", false);
        check(&["10.0.0.0/8"], "::ffff:10.1.2.3", true);
    }

    #[test]
    fn a_change_counts_from_then_on() {
        let gate = Gate::new("amqps", Sources::Everywhere);
        let somebody = IpAddr::from([10, 0, 0, 1]);
        assert!(gate.admits(somebody, 0));
        gate.set(Sources::Only(Arc::default()));
        assert_eq!(gate.sources(), Sources::Only(Arc::default()));
        for at_ms in [0, 1, 999, 1_000] {
            assert!(!gate.admits(somebody, at_ms));
        }
        assert_eq!(gate.refused(), 4);
        let told = gate.told.lock().unwrap();
        assert_eq!((told.next_ms, told.silent), (2_000, 0));
    }
}
