//! What is due when. Each subject has at most one timer of each kind.

use std::collections::BTreeSet;

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum TimerKey {
    /// The head of this queue expires.
    Head(u32),
    /// This queue expires if it stays unused.
    Idle(u32),
    /// Something is due for this client, which is not here.
    Client(u32),
    /// A scheduled message has to be published.
    Scheduled,
    /// What clients and consumers have is held against what their users may; it goes on here.
    Review,
    /// Consumers of several queues that had to leave some out look for those that they have room for.
    Wides,
    /// Consumers are looked through for slow ones; it goes on here.
    Slow,
    /// Unsettled deliveries are looked through for old ones (F16).
    Sweep,
}

/// Timers in order of time.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    due: BTreeSet<(u64, TimerKey)>,
}

impl Timers {
    /// Moves a timer from where it stands (`old`) to `new`; absent means not set.
    pub(crate) fn reset(&mut self, key: TimerKey, old: Option<u64>, new: Option<u64>) {
        if old == new {
            return;
        }
        if let Some(at) = old {
            self.due.remove(&(at, key));
        }
        if let Some(at) = new {
            self.due.insert((at, key));
        }
    }

    /// Takes the first one that is due.
    pub(crate) fn pop_due(&mut self, now_ms: u64) -> Option<TimerKey> {
        let (at, _) = *self.due.first()?;
        if at > now_ms { None } else { self.due.pop_first().map(|(_, key)| key) }
    }

    /// When the next one is due, in broker time.
    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.due.first().map(|(at, _)| *at)
    }
}
