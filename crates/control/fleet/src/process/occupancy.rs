//! Who runs in a node's directory: nobody, or the process whose standard input is the locked file there.
//!
//! The fleet locks the file and gives it to the process as its standard input. From then on the lock lives exactly as long
//! as the process: no moment in which it runs unseen, whoever was killed when, and nothing that a later process of the same
//! number could be taken for.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use serde::{Deserialize, Serialize};
use ternmq_env::{Clock, SystemClock};

use super::child::Process;
use super::disk;
use super::layout::NodeLayout;
use super::poll::wait_readable;
use crate::error::FleetError;

/// How long a lock may be held by a process that just begins or ends.
const CHANGE_MS: u64 = 5_000;
/// Pause between two looks at one that begins.
const LOOK_MS: u64 = 5;

/// Who runs in a directory.
#[derive(Debug)]
pub(crate) enum Occupancy {
    /// Nobody, and nobody else can before the file is dropped.
    Free(File),
    /// This process.
    Taken(Process, PidNote),
}

/// What is noted of a process when it is started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PidNote {
    pub(crate) pid: u32,
    pub(crate) started_unix_ms: u64,
}

impl Occupancy {
    /// Looks. The directory has to be there.
    pub(crate) fn find(layout: &NodeLayout) -> Result<Self, FleetError> {
        let path = layout.run_lock();
        let opened =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        let file = opened.map_err(disk::cannot("open", &path))?;
        let clock = SystemClock::new();
        let until_ms = clock.monotonic_ms().saturating_add(CHANGE_MS);
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self::Free(file)),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(disk::cannot("lock", &path)(error)),
            }
            // A note that cannot be read is no hint.
            let note = disk::read_json::<PidNote>(&layout.pid()).ok().flatten().unwrap_or_default();
            let found = find_holder(&path, note.pid).map_err(disk::cannot("find the process of", &path))?;
            if let Some(process) = found {
                let is_noted = note.pid == process.pid();
                let found = PidNote { pid: process.pid(), ..PidNote::default() };
                return Ok(Self::Taken(process, if is_noted { note } else { found }));
            }
            if clock.monotonic_ms() >= until_ms {
                let problem = "is locked and no process of this user has it as its standard input; look for who has it open";
                return Err(FleetError::Damaged { path, problem: problem.into() });
            }
            await_change(note.pid, &clock).map_err(disk::cannot("watch the process of", &path))?;
        }
    }
}

/// A process that ends has lost its standard input a moment before the lock is free, and one that begins has it a moment
/// after the lock was taken. The first one is waited for, if it is known; of the second nothing tells but another look.
fn await_change(hint: u32, clock: &SystemClock) -> io::Result<()> {
    let ending = Process::open(hint).ok();
    let fds: Vec<_> = ending.iter().map(Process::end).collect();
    wait_readable(&fds, Some(clock.monotonic_ms().saturating_add(LOOK_MS)), clock).map(drop)
}

/// The process whose standard input is this file: the one that is named, or else whichever it is.
fn find_holder(path: &Path, hint: u32) -> io::Result<Option<Process>> {
    let facts = fs::metadata(path)?;
    let wanted = (facts.dev(), facts.ino());
    if let Some(process) = holder(hint, wanted) {
        return Ok(Some(process));
    }
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let pid = name.to_str().and_then(|name| name.parse().ok());
        if let Some(process) = pid.and_then(|pid| holder(pid, wanted)) {
            return Ok(Some(process));
        }
    }
    Ok(None)
}

fn holder(pid: u32, wanted: (u64, u64)) -> Option<Process> {
    // In this order: what is looked at behind the handle can't be the next process of that number, or it is the one.
    let process = Process::open(pid).ok()?;
    let facts = fs::metadata(format!("/proc/{pid}/fd/0")).ok()?;
    ((facts.dev(), facts.ino()) == wanted).then_some(process)
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;
    use crate::process::layout::Layout;

    #[test]
    fn the_lock_lives_as_long_as_the_process() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path()).node(&crate::spec::tests::spec(1).name);
        fs::create_dir_all(layout.dir()).unwrap();
        let Occupancy::Free(file) = Occupancy::find(&layout).unwrap() else { panic!() };
        let mut child = Command::new("sleep").arg("1000").stdin(Stdio::from(file)).spawn().unwrap();
        for note in [
            PidNote::default(),
            PidNote { pid: child.id(), started_unix_ms: 7 },
            PidNote { pid: 1, started_unix_ms: 9 },
        ] {
            disk::write_json(&layout.pid(), &note, disk::Lasting::Process).unwrap();
            let Occupancy::Taken(process, found) = Occupancy::find(&layout).unwrap() else { panic!() };
            assert_eq!((process.pid(), found.pid), (child.id(), child.id()));
            assert_eq!(found.started_unix_ms, if note.pid == child.id() { 7 } else { 0 });
        }
        // Whether it is found while it ends or has ended, it is never an error.
        child.kill().unwrap();
        if let Occupancy::Taken(process, _) = Occupancy::find(&layout).unwrap() {
            assert!(process.ends_within(60_000).unwrap());
        }
        child.wait().unwrap();
        assert!(matches!(Occupancy::find(&layout).unwrap(), Occupancy::Free(_)));
    }

    #[test]
    fn a_lock_of_somebody_else_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::new(dir.path()).node(&crate::spec::tests::spec(1).name);
        fs::create_dir_all(layout.dir()).unwrap();
        let Occupancy::Free(_file) = Occupancy::find(&layout).unwrap() else { panic!() };
        assert!(matches!(Occupancy::find(&layout), Err(FleetError::Damaged { .. })));
    }
}
