//! Nanoseconds since the tool started: one clock for all threads.

use std::{
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

fn origin() -> Instant {
    static ORIGIN: OnceLock<Instant> = OnceLock::new();
    *ORIGIN.get_or_init(Instant::now)
}

/// Now, in ns.
pub(crate) fn now_ns() -> u64 {
    u64::try_from(origin().elapsed().as_nanos()).unwrap_or(u64::MAX)
}

/// Waits until `until_ns`, or a little past it.
pub(crate) fn wait_until(until_ns: u64) {
    loop {
        let left = until_ns.saturating_sub(now_ns());
        match left {
            0 => return,
            // The last stretch is spun: the system wakes up tens of microseconds late.
            1..60_000 => std::hint::spin_loop(),
            _ => thread::park_timeout(Duration::from_nanos(left - 50_000)),
        }
    }
}
