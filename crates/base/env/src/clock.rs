//! Time: a monotonic clock for waiting, a wall clock for dates.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Where time comes from. Leases, elections, heartbeats and timeouts use the monotonic clock only (F6).
pub trait Clock: Send + Sync {
    /// Nanoseconds since a fixed moment before the first call; never goes back.
    fn monotonic_ns(&self) -> u64;

    /// Milliseconds since 1970-01-01T00:00:00Z by the machine's wall clock, which may jump either way.
    fn wall_ms(&self) -> u64;

    /// [`Clock::monotonic_ns`] in whole milliseconds.
    fn monotonic_ms(&self) -> u64 {
        self.monotonic_ns() / 1_000_000
    }
}

/// The machine's own clocks. Monotonic time starts at 0 when the value is made.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// A clock whose monotonic time is 0 now.
    #[must_use]
    #[allow(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
    pub fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn monotonic_ns(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    #[allow(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clock")]
    fn wall_ms(&self) -> u64 {
        // A wall clock before 1970 is a machine whose clock was never set: treated as 1970.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_moves_forward_and_the_wall_clock_is_set() {
        let clock = SystemClock::new();
        let first = clock.monotonic_ns();
        assert!(clock.monotonic_ns() >= first);
        assert!(clock.monotonic_ms() < 60_000);
        assert!(clock.wall_ms() > 1_600_000_000_000);
    }
}
