//! A clock that stands still until a test moves it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ternmq_env::Clock;

/// Clones share one time. Monotonic time starts at 0, the wall clock at 2020-01-01T00:00:00Z.
#[derive(Clone, Debug)]
pub struct FakeClock {
    monotonic_ns: Arc<AtomicU64>,
    wall_ms: Arc<AtomicU64>,
}

impl FakeClock {
    /// A clock at its starting time.
    #[must_use]
    pub fn new() -> Self {
        Self { monotonic_ns: Arc::default(), wall_ms: Arc::new(AtomicU64::new(1_577_836_800_000)) }
    }

    /// Moves both times forward.
    pub fn advance_ms(&self, ms: u64) {
        self.monotonic_ns.fetch_add(ms * 1_000_000, Ordering::Relaxed);
        self.wall_ms.fetch_add(ms, Ordering::Relaxed);
    }

    /// Lets the wall clock jump, as a badly set machine does (F6); monotonic time goes on as if nothing happened.
    pub fn set_wall_ms(&self, ms: u64) {
        self.wall_ms.store(ms, Ordering::Relaxed);
    }
}

impl Default for FakeClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for FakeClock {
    fn monotonic_ns(&self) -> u64 {
        self.monotonic_ns.load(Ordering::Relaxed)
    }

    fn wall_ms(&self) -> u64 {
        self.wall_ms.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_moves_only_when_told() {
        let clock = FakeClock::new();
        clock.clone().advance_ms(1_500);
        assert_eq!((clock.monotonic_ms(), clock.wall_ms()), (1_500, 1_577_836_801_500));
        clock.set_wall_ms(7);
        assert_eq!((clock.monotonic_ms(), clock.wall_ms()), (1_500, 7));
    }
}
