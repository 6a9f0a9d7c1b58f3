//! Broker time: wall time that never runs backwards and does not follow a jump at once (F6).

/// What the clocks say, read once per turn by the host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds of a clock that only runs forward.
    pub monotonic_ms: u64,
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub wall_ms: u64,
}

/// A forward difference between wall and broker time above this is held back first.
const JUMP_MS: u64 = 60_000;
/// For how long it must last before it is believed.
const STEADY_MS: u64 = 60_000;

/// Broker time, driven by [`Now`].
#[derive(Clone, Debug, Default)]
pub(crate) struct BrokerTime {
    last: Now,
    time_ms: u64,
    floor_ms: u64,
    jump_since_ms: Option<u64>,
}

impl BrokerTime {
    /// Follows the clocks. The first call believes the wall clock, but never goes below the floor.
    pub(crate) fn advance(&mut self, now: Now) {
        if self.time_ms == 0 {
            self.last = now;
            self.time_ms = now.wall_ms.max(self.floor_ms).max(1);
            return;
        }
        let steady = self.time_ms + now.monotonic_ms.saturating_sub(self.last.monotonic_ms);
        self.last = now;
        if now.wall_ms <= steady.saturating_add(JUMP_MS) {
            self.jump_since_ms = None;
            // A wall clock a little ahead is followed; one behind is waited for at the monotonic pace.
            self.time_ms = steady.max(now.wall_ms);
            return;
        }
        let since = *self.jump_since_ms.get_or_insert(now.monotonic_ms);
        self.time_ms = if now.monotonic_ms.saturating_sub(since) >= STEADY_MS {
            self.jump_since_ms = None;
            now.wall_ms
        } else {
            steady
        };
    }

    /// Broker time was at least this before the restart: it starts no earlier.
    pub(crate) fn not_before(&mut self, time_ms: u64) {
        self.floor_ms = self.floor_ms.max(time_ms);
    }

    /// Broker time in ms since 1970.
    pub(crate) fn ms(&self) -> u64 {
        self.time_ms
    }

    /// Monotonic time of the last turn in ms.
    pub(crate) fn monotonic_ms(&self) -> u64 {
        self.last.monotonic_ms
    }

    /// The monotonic ms at which broker time will be `at_ms`.
    pub(crate) fn to_monotonic_ms(&self, at_ms: u64) -> u64 {
        self.last.monotonic_ms.saturating_add(at_ms.saturating_sub(self.time_ms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(monotonic_s: u64, wall_s: u64) -> Now {
        Now { monotonic_ms: monotonic_s * 1_000, wall_ms: wall_s * 1_000 }
    }

    #[test]
    fn f6_a_jump_is_held_until_it_lasts() {
        let mut time = BrokerTime::default();
        time.advance(at(10, 1_000));
        time.advance(at(11, 1_001));
        assert_eq!(time.ms(), 1_001_000);
        time.advance(at(12, 4_602));
        assert_eq!(time.ms(), 1_002_000, "an hour ahead: not believed yet");
        time.advance(at(73, 4_663));
        assert_eq!(time.ms(), 4_663_000, "it lasted for a minute");
    }

    #[test]
    fn f6_time_never_runs_backwards() {
        let mut time = BrokerTime::default();
        time.advance(at(10, 5_000));
        time.advance(at(11, 1_400));
        assert_eq!(time.ms(), 5_001_000);
    }
}
