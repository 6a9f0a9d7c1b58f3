//! The memory alarm (F13): publishers are held back at 60 % of the limit, new connections turned away at 85 %.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ternmq_broker::Alarm;
use ternmq_net::Mailbox;

/// Share of the machine's (or the container's) memory that a node uses at most, unless the configuration says more.
const DEFAULT_SHARE: f64 = 0.4;
const BLOCK_SHARE: f64 = 0.60;
const REFUSE_SHARE: f64 = 0.85;
/// An alarm ends only this much below its mark, or it would flap.
const RELIEF_SHARE: f64 = 0.03;

/// How often memory is looked at.
pub(crate) const SAMPLE: Duration = Duration::from_secs(1);

/// The limit in bytes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum MemoryLimit {
    /// A share of what the machine has.
    Share(f64),
    /// A number of bytes.
    Bytes(u64),
}

impl Default for MemoryLimit {
    fn default() -> Self {
        Self::Share(DEFAULT_SHARE)
    }
}

impl MemoryLimit {
    pub(crate) fn bytes(self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Share(share) => (total_bytes() as f64 * share) as u64,
        }
    }
}

/// Memory of the machine, or of the container when that is less. Without any answer of the system: 1 GiB.
fn total_bytes() -> u64 {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| parse_meminfo(&text));
    let container = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        .iter()
        .find_map(|path| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok());
    machine.into_iter().chain(container).min().unwrap_or(1 << 30)
}

fn parse_meminfo(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Bytes of memory that this process holds; 0 where the system does not tell.
pub(crate) fn resident_bytes() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|text| text.split_ascii_whitespace().nth(1)?.parse::<u64>().ok());
    pages.unwrap_or(0) * rustix::param::page_size() as u64
}

/// Which alarms stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Levels {
    pub(crate) is_blocking: bool,
    pub(crate) is_refusing: bool,
}

impl Levels {
    pub(crate) fn next(self, resident_bytes: u64, limit_bytes: u64) -> Self {
        let share = resident_bytes as f64 / limit_bytes.max(1) as f64;
        let passes = |mark: f64, is_on: bool| share >= if is_on { mark - RELIEF_SHARE } else { mark };
        Self {
            is_blocking: passes(BLOCK_SHARE, self.is_blocking),
            is_refusing: passes(REFUSE_SHARE, self.is_refusing),
        }
    }
}

/// Samples memory and tells the shard of changes.
pub(crate) struct MemoryWatch {
    limit_bytes: u64,
    levels: Levels,
    mailbox: Mailbox,
    last_bytes: Arc<AtomicU64>,
}

impl MemoryWatch {
    pub(crate) fn new(limit: MemoryLimit, mailbox: Mailbox) -> Self {
        Self { limit_bytes: limit.bytes(), levels: Levels::default(), mailbox, last_bytes: Arc::default() }
    }

    pub(crate) fn limit_bytes(&self) -> u64 {
        self.limit_bytes
    }

    pub(crate) fn sample(&mut self) {
        let resident_bytes = resident_bytes();
        self.last_bytes.store(resident_bytes, Ordering::Relaxed);
        let next = self.levels.next(resident_bytes, self.limit_bytes);
        let limit_bytes = self.limit_bytes;
        if next.is_blocking != self.levels.is_blocking {
            if next.is_blocking {
                tracing::warn!(
                    resident_bytes,
                    limit_bytes,
                    "memory alarm: publishers are held back until memory is free"
                );
            } else {
                tracing::info!(resident_bytes, limit_bytes, "memory alarm is over");
            }
            self.mailbox.set_alarm(Alarm::Memory, next.is_blocking);
        }
        if next.is_refusing != self.levels.is_refusing {
            if next.is_refusing {
                tracing::warn!(
                    resident_bytes,
                    limit_bytes,
                    "memory is nearly used up: new connections are turned away"
                );
            } else {
                tracing::info!(resident_bytes, limit_bytes, "new connections are let in again");
            }
            self.mailbox.refuse_connections(next.is_refusing);
        }
        self.levels = next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alarms_come_at_their_marks_and_go_a_little_below() {
        let mut levels = Levels::default();
        for (resident, is_blocking, is_refusing) in [
            (59, false, false),
            (60, true, false),
            (58, true, false),
            (56, false, false),
            (85, true, true),
            (83, true, true),
            (81, true, false),
            (10, false, false),
        ] {
            levels = levels.next(resident, 100);
            assert_eq!(levels, Levels { is_blocking, is_refusing }, "at {resident} %");
        }
    }

    #[test]
    fn meminfo_is_understood() {
        assert_eq!(parse_meminfo("MemTotal:       24 kB\nMemFree: 1 kB\n"), Some(24 * 1024));
        assert_eq!(parse_meminfo("nothing"), None);
        assert!(resident_bytes() > 0);
    }
}
