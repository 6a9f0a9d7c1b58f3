//! Waiting for descriptors.

use std::io;
use std::os::fd::BorrowedFd;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use ternmq_env::{Clock, SystemClock};

/// Waits until one of the descriptors is readable or it is `until_ms` (monotonic; absent: for ever). Answers which are.
pub(crate) fn wait_readable(
    fds: &[BorrowedFd<'_>],
    until_ms: Option<u64>,
    clock: &SystemClock,
) -> io::Result<Vec<bool>> {
    let mut polled: Vec<PollFd<'_>> =
        fds.iter().map(|fd| PollFd::from_borrowed_fd(*fd, PollFlags::IN)).collect();
    loop {
        let left_ms = until_ms.map(|until_ms| until_ms.saturating_sub(clock.monotonic_ms()));
        let timeout = left_ms.map(|ms| Timespec {
            tv_sec: i64::try_from(ms / 1_000).unwrap_or(i64::MAX),
            tv_nsec: i64::try_from(ms % 1_000).unwrap_or(0) * 1_000_000,
        });
        match poll(&mut polled, timeout.as_ref()) {
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
            Ok(_) => return Ok(polled.iter().map(|fd| !fd.revents().is_empty()).collect()),
        }
    }
}
