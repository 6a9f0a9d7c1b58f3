//! One process of a node: a handle that never means another process, whoever its parent is.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid,
};
use ternmq_env::{Clock, SystemClock};

use super::poll::wait_readable;

/// A process.
#[derive(Debug)]
pub(crate) struct Process {
    pid: u32,
    handle: OwnedFd,
}

impl Process {
    /// Takes hold of a process that runs, or has ended and was not waited for yet.
    pub(crate) fn open(pid: u32) -> io::Result<Self> {
        let raw = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Self { pid, handle: pidfd_open(raw, PidfdFlags::empty())? })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// Readable once the process has ended.
    pub(crate) fn end(&self) -> BorrowedFd<'_> {
        self.handle.as_fd()
    }

    /// Whether it has ended within so many ms.
    pub(crate) fn ends_within(&self, ms: u64) -> io::Result<bool> {
        let clock = SystemClock::new();
        let until_ms = Some(clock.monotonic_ms().saturating_add(ms));
        Ok(wait_readable(&[self.end()], until_ms, &clock)?.contains(&true))
    }

    /// Sends a signal; one that has ended needs none.
    pub(crate) fn signal(&self, signal: Signal) -> io::Result<()> {
        match pidfd_send_signal(&self.handle, signal) {
            Err(rustix::io::Errno::SRCH) => Ok(()),
            answer => Ok(answer?),
        }
    }

    /// After its end: takes it out of the system's list if it is a child of this process, and tells how it ended.
    pub(crate) fn reap(&self) -> String {
        let status =
            waitid(WaitId::PidFd(self.handle.as_fd()), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
        match status {
            Ok(Some(status)) => match (status.exit_status(), status.terminating_signal()) {
                (Some(code), _) => format!("its process ended with exit code {code}"),
                (None, Some(signal)) => format!("its process was ended by signal {signal}"),
                (None, None) => "its process ended".into(),
            },
            // Somebody else's child, or reaped already.
            _ => "its process ended".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_process_is_watched_and_ended() {
        let mut child = Command::new("sleep").arg("1000").stdin(Stdio::null()).spawn().unwrap();
        let process = Process::open(child.id()).unwrap();
        assert!(!process.ends_within(0).unwrap());
        process.signal(Signal::KILL).unwrap();
        assert!(process.ends_within(60_000).unwrap());
        assert_eq!(process.reap(), "its process was ended by signal 9");
        assert_eq!(process.reap(), "its process ended");
        process.signal(Signal::TERM).unwrap();
        // It was waited for already.
        assert!(child.wait().is_err());
        assert!(Process::open(0).is_err());
    }
}
