//! The brake on guessing passwords (S2).

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv6Addr},
};

/// Longest part of a claimed user name that tells one from another here: no user has a longer one.
const USER_MAX_BYTES: usize = 255;

/// Whether a login may be tried now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Check the password.
    Admitted,
    /// Too many failures: refuse, or check no earlier than in this many ms.
    Wait {
        /// Time to wait in ms, at least 1.
        wait_ms: u64,
    },
}

/// Counts failed logins per user and address. After ten within a minute, the next is admitted when that minute is over.
///
/// An IPv6 address counts with the 64 bits of its network: one host has all the others. Bounded: a fixed number of
/// pairs; a new one pushes out the pair whose minute began first.
#[derive(Debug)]
pub struct LoginThrottle {
    capacity: usize,
    windows: BTreeMap<Pair, Window>,
    /// The same pairs by the start of their window.
    by_start: BTreeSet<(u64, Pair)>,
}

type Pair = (Box<[u8]>, IpAddr);

#[derive(Clone, Copy, Debug)]
struct Window {
    start_ms: u64,
    failure_count: u32,
}

impl LoginThrottle {
    /// Failures that a window may hold before logins wait.
    pub const FAILURES_MAX: u32 = 10;
    /// Length of a window in ms, from its first failure on.
    pub const WINDOW_MS: u64 = 60_000;
    /// Number of pairs that suits a node.
    pub const DEFAULT_CAPACITY: usize = 16_384;

    /// An empty table for at most `capacity` pairs (at least one).
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), windows: BTreeMap::new(), by_start: BTreeSet::new() }
    }

    /// Asks before a password is checked; `now_ms` is monotonic.
    #[must_use]
    pub fn admit(&self, user: &str, address: IpAddr, now_ms: u64) -> Admission {
        let Some(window) = self.windows.get(&pair(user, address)) else { return Admission::Admitted };
        let end_ms = window.start_ms.saturating_add(Self::WINDOW_MS);
        if window.failure_count < Self::FAILURES_MAX || now_ms >= end_ms {
            return Admission::Admitted;
        }
        Admission::Wait { wait_ms: end_ms - now_ms }
    }

    /// Counts a failure.
    pub fn on_failure(&mut self, user: &str, address: IpAddr, now_ms: u64) {
        let pair = pair(user, address);
        if let Some(window) = self.windows.get_mut(&pair) {
            if now_ms < window.start_ms.saturating_add(Self::WINDOW_MS) {
                window.failure_count = window.failure_count.saturating_add(1);
                return;
            }
            self.by_start.remove(&(window.start_ms, pair.clone()));
        } else if self.windows.len() >= self.capacity
            && let Some((_, oldest)) = self.by_start.pop_first()
        {
            self.windows.remove(&oldest);
        }
        self.by_start.insert((now_ms, pair.clone()));
        self.windows.insert(pair, Window { start_ms: now_ms, failure_count: 1 });
    }

    /// Forgets the failures of a pair: its password was right.
    pub fn on_success(&mut self, user: &str, address: IpAddr) {
        let pair = pair(user, address);
        if let Some(window) = self.windows.remove(&pair) {
            self.by_start.remove(&(window.start_ms, pair));
        }
    }

    /// Number of pairs with failures.
    #[must_use]
    pub fn len(&self) -> usize {
        self.windows.len()
    }

    /// Whether nobody has failed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.windows.is_empty()
    }
}

fn pair(user: &str, address: IpAddr) -> Pair {
    let user = user.as_bytes();
    let user = user.get(..USER_MAX_BYTES).unwrap_or(user);
    let address = match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        address @ IpAddr::V4(_) => address,
    };
    (user.into(), address)
}
