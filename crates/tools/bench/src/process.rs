//! What a process costs: CPU time and memory, read from `/proc`.

use std::collections::{HashMap, HashSet};
use std::fs;

/// CPU time and memory of a process and of everything it started.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Usage {
    /// User and system time together, in seconds.
    pub(crate) cpu_seconds: f64,
    /// Resident memory now, in bytes.
    pub(crate) rss_bytes: u64,
    /// Highest resident memory since [`ProcessTree::reset_peak`], in bytes; sums the peaks of the processes.
    pub(crate) peak_rss_bytes: u64,
}

/// A process with its descendants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct ProcessTree {
    root: u32,
}

/// Ticks of `/proc/PID/stat` per second: fixed by the kernel's interface to user space.
const TICKS_PER_SECOND: f64 = 100.0;

impl ProcessTree {
    /// The tree below a process id.
    pub(crate) fn new(root: u32) -> ProcessTree {
        ProcessTree { root }
    }

    /// Reads what the tree uses now; `None` when the root is gone or not ours to read.
    pub(crate) fn usage(&self) -> Option<Usage> {
        let mut total = Usage::default();
        read_usage(self.root, &mut total)?;
        for pid in self.descendants() {
            read_usage(pid, &mut total);
        }
        Some(total)
    }

    /// Makes the kernel count the peak of memory anew; without the right to, peaks stay those of the whole life.
    pub(crate) fn reset_peak(&self) {
        for pid in self.descendants().into_iter().chain([self.root]) {
            let _ = fs::write(format!("/proc/{pid}/clear_refs"), "5");
        }
    }

    /// How many files it may have open, when this user may see that and there is a limit.
    pub(crate) fn open_file_limit(&self) -> Option<u64> {
        let limits = fs::read_to_string(format!("/proc/{}/limits", self.root)).ok()?;
        let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
        line.split_whitespace().next()?.parse().ok()
    }

    fn descendants(&self) -> Vec<u32> {
        let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
            if let Some(parent) = stat_field(&stat, 1).and_then(|text| text.parse().ok()) {
                children.entry(parent).or_default().push(pid);
            }
        }
        let mut found = children.remove(&self.root).unwrap_or_default();
        let mut index = 0;
        while let Some(pid) = found.get(index) {
            let more = children.remove(pid).unwrap_or_default();
            found.extend(more);
            index += 1;
        }
        found
    }
}

/// The field of a stat line, counted from 0 after the process name, which may itself hold spaces and brackets.
fn stat_field(stat: &str, index: usize) -> Option<&str> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(index)
}

fn read_usage(pid: u32, total: &mut Usage) -> Option<()> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let ticks = |index| stat_field(&stat, index).and_then(|text| text.parse::<f64>().ok());
    total.cpu_seconds += (ticks(11)? + ticks(12)?) / TICKS_PER_SECOND;
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    total.rss_bytes += kilobytes(&status, "VmRSS:").unwrap_or(0) * 1024;
    total.peak_rss_bytes += kilobytes(&status, "VmHWM:").unwrap_or(0) * 1024;
    Some(())
}

fn kilobytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// The process that listens on a TCP port of this machine, if this user may see it.
pub(crate) fn listener_of_port(port: u16) -> Option<u32> {
    let mut inodes = HashSet::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        let text = fs::read_to_string(table).unwrap_or_default();
        inodes.extend(text.lines().filter_map(|line| listening_inode(line, port)));
    }
    for entry in fs::read_dir("/proc").ok()?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        for descriptor in fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten() {
            let Ok(link) = fs::read_link(descriptor.path()) else { continue };
            let inode = link.to_str().and_then(|text| text.strip_prefix("socket:[")?.strip_suffix(']'));
            if inode.is_some_and(|inode| inodes.contains(inode)) {
                return Some(pid);
            }
        }
    }
    None
}

/// The inode of a line of `/proc/net/tcp` when it listens (state 0A) on `port`.
fn listening_inode(line: &str, port: u16) -> Option<String> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (_, hex) = fields.get(1)?.rsplit_once(':')?;
    let listens = u16::from_str_radix(hex, 16) == Ok(port) && *fields.get(3)? == "0A";
    listens.then(|| fields.get(9).map(ToString::to_string)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_can_be_read() {
        let usage = ProcessTree::new(std::process::id()).usage().unwrap();
        assert!(usage.rss_bytes > 0 && usage.peak_rss_bytes >= usage.rss_bytes / 2);
        assert!(ProcessTree::new(u32::MAX).usage().is_none());
        assert!(ProcessTree::new(std::process::id()).open_file_limit().is_none_or(|limit| limit > 0));
    }

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        assert_eq!(stat_field("7 (a) b (c) S 3 9", 1), Some("3"));
    }

    #[test]
    fn a_listener_is_found_by_its_port() {
        let line =
            "   1: 0100007F:1628 00000000:0000 0A 00000000:00000000 00:00000000 00000000   0 0 4242 1 f 0";
        assert_eq!(listening_inode(line, 0x1628).as_deref(), Some("4242"));
        assert_eq!(listening_inode(line, 5000), None);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        assert_eq!(listener_of_port(port), Some(std::process::id()));
    }
}
