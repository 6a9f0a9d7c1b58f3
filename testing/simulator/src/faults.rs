//! What goes wrong, and the rule by which broker time may follow the clocks.

use ternmq_broker::Now;
use ternmq_fakes::SeededRng;

/// A thing that goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Power is lost now.
    PowerLoss,
    /// The process is killed now; what it wrote is there.
    Kill,
    /// A call to the disk fails soon; then the process ends, and power may be lost too.
    DiskFault,
    /// The disk has no more room for a while.
    DiskFull,
    /// A clean stop and start.
    Stop,
    /// A bit of an old segment rots.
    Rot,
    /// The wall clock jumps.
    ClockJump,
}

/// Picks what goes wrong next, one time in `of`.
pub(crate) fn pick(rng: &mut SeededRng, of: u64, has_rot: bool) -> Option<Trouble> {
    if !rng.chance(1, of) {
        return None;
    }
    Some(match rng.below(20) {
        0..=5 => Trouble::PowerLoss,
        6..=7 => Trouble::Kill,
        8..=11 => Trouble::DiskFault,
        12..=13 => Trouble::DiskFull,
        14..=15 => Trouble::Stop,
        16..=17 if has_rot => Trouble::Rot,
        _ => Trouble::ClockJump,
    })
}

/// Bounds of broker time, after the rule of F6: it never goes back, follows the wall clock up to a minute ahead at
/// once, and further only when that has lasted for a minute. Only the start of a node is free to believe the clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeBound {
    ms: u64,
    monotonic_ms: u64,
    ahead_since_ms: Option<u64>,
}

const MINUTE_MS: u64 = 60_000;

impl TimeBound {
    pub(crate) fn at(now: Now) -> Self {
        Self { ms: now.wall_ms, monotonic_ms: now.monotonic_ms, ahead_since_ms: None }
    }

    /// The node started again and believes the wall clock, or what it had noted before, up to `before_ms`.
    pub(crate) fn restarted(now: Now, before_ms: u64) -> Self {
        Self { ms: now.wall_ms.max(before_ms), ..Self::at(now) }
    }

    pub(crate) fn follow(&mut self, now: Now) {
        self.ms += now.monotonic_ms - self.monotonic_ms;
        self.monotonic_ms = now.monotonic_ms;
        if now.wall_ms <= self.ms + MINUTE_MS {
            self.ahead_since_ms = None;
            self.ms = self.ms.max(now.wall_ms);
            return;
        }
        let since = *self.ahead_since_ms.get_or_insert(now.monotonic_ms);
        if now.monotonic_ms - since >= MINUTE_MS {
            self.ahead_since_ms = None;
            self.ms = now.wall_ms;
        }
    }

    pub(crate) fn ms(&self) -> u64 {
        self.ms
    }
}
