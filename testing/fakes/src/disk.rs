//! A disk in memory, with names, faults by script and a limit of room.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ternmq_env::{DirectoryLock, File, FileError, FileFault, Files};

use crate::crash::{NameChange, Operation, Recording, World};
use crate::rng::SeededRng;

/// What goes wrong at a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The device fails. A write may have been done in part; after a sync it is unknown what is safe (F3).
    Device,
    /// There is no room. Of a call that needs none, the device fails instead.
    DiskFull,
    /// A write or read does only a part, and says so. Other calls work.
    Short,
    /// A sync of a file says that all is safe, and nothing of it is: it is lost at the next crash (F5). Other calls
    /// work.
    Lost,
}

/// A fake data directory. Clones are the same disk.
#[derive(Clone, Default)]
pub struct FakeDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    world: World,
    recording: Recording,
    calls: u64,
    faults: BTreeMap<u64, Fault>,
    capacity_bytes: Option<u64>,
    unreadable: BTreeSet<(usize, u64)>,
    is_locked: bool,
}

impl FakeDisk {
    /// An empty disk with all the room it may need.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn from_world(world: World) -> Self {
        Self { state: Arc::new(Mutex::new(State { world, ..State::default() })) }
    }

    /// The disk as a machine finds it that lost power now: unsynced writes lost, reordered or torn, unsynced names
    /// lost. This disk is not changed, so many crashes can be tried from one moment.
    #[must_use]
    pub fn crash(&self, seed: u64) -> Self {
        let state = self.lock_state();
        Self::from_world(state.world.crashed(seed)).with_unreadable(&state.unreadable)
    }

    /// The disk as another process finds it after this one was killed: nothing lost, nothing safe that was not.
    #[must_use]
    pub fn killed(&self) -> Self {
        let state = self.lock_state();
        Self::from_world(state.world.clone()).with_unreadable(&state.unreadable)
    }

    /// A sector that cannot be read stays so, whoever comes next.
    fn with_unreadable(self, sectors: &BTreeSet<(usize, u64)>) -> Self {
        self.lock_state().unreadable.clone_from(sectors);
        self
    }

    /// Makes the call with this number (see [`FakeDisk::calls`]) fail.
    pub fn fail_call(&self, number: u64, fault: Fault) {
        self.lock_state().faults.insert(number, fault);
    }

    /// How many calls there were. The next one has this number.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.lock_state().calls
    }

    /// Gives the disk this much room for all files together; `None` takes the limit away.
    pub fn set_capacity_bytes(&self, capacity: Option<u64>) {
        self.lock_state().capacity_bytes = capacity;
    }

    /// Bytes that all files together take.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        self.lock_state().world.used_bytes()
    }

    /// Flips one bit in the sector at this offset of a file; false when there is no such file.
    #[must_use]
    pub fn rot(&self, path: &str, offset: u64, seed: u64) -> bool {
        let mut state = self.lock_state();
        let Some(inode) = state.world.inode_of(path) else { return false };
        state.world.inode_mut(inode).rot(offset as usize, &mut SeededRng::new(seed));
        true
    }

    /// Makes reads of the sector at this offset fail; false when there is no such file.
    #[must_use]
    pub fn make_unreadable(&self, path: &str, offset: u64) -> bool {
        let mut state = self.lock_state();
        let Some(inode) = state.world.inode_of(path) else { return false };
        state.unreadable.insert((inode, offset / crate::SECTOR_BYTES as u64));
        true
    }

    /// How many changes were asked of the disk so far.
    #[must_use]
    pub fn changes(&self) -> usize {
        self.lock_state().recording.len()
    }

    /// All changes asked of the disk so far, for rebuilding every state in between (T2).
    #[must_use]
    pub fn recording(&self) -> Recording {
        self.lock_state().recording.clone()
    }

    /// Every file with its bytes as a reader sees them: equal answers mean that nothing was changed.
    #[must_use]
    pub fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        self.lock_state().world.contents()
    }

    fn lock_state(&self) -> MutexGuard<'_, State> {
        // A test that panicked while it held the disk has failed already; others may look at what is left.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Counts a call and answers the fault planned for it.
    fn call(&mut self, operation: &'static str, path: &str) -> Result<Option<Fault>, FileError> {
        let fault = self.faults.remove(&self.calls);
        self.calls += 1;
        match fault {
            Some(Fault::Device) => Err(device_error(operation, path)),
            other => Ok(other),
        }
    }

    fn change(&mut self, operation: Operation) {
        self.world.apply(&operation);
        self.recording.push(operation);
    }

    fn require_room(&self, operation: &'static str, path: &str, more_bytes: u64) -> Result<(), FileError> {
        let used = self.world.used_bytes() + more_bytes;
        match self.capacity_bytes {
            Some(capacity) if more_bytes > 0 && used > capacity => Err(full_error(operation, path)),
            _ => Ok(()),
        }
    }

    fn find(&self, operation: &'static str, path: &str) -> Result<usize, FileError> {
        self.world.inode_of(path).ok_or_else(|| FileError::new(operation, path, FileFault::NotFound))
    }
}

fn device_error(operation: &'static str, path: &str) -> FileError {
    FileError::new(operation, path, FileFault::Device { code: 5, text: "input/output error".into() })
}

fn full_error(operation: &'static str, path: &str) -> FileError {
    FileError::new(operation, path, FileFault::DiskFull)
}

impl Files for FakeDisk {
    fn open(&self, path: &str) -> Result<Arc<dyn File>, FileError> {
        let mut state = self.lock_state();
        state.call("open", path)?;
        let inode = state.find("open", path)?;
        Ok(Arc::new(FakeFile { disk: self.clone(), inode, path: path.into() }))
    }

    fn create(&self, path: &str) -> Result<Arc<dyn File>, FileError> {
        let mut state = self.lock_state();
        if state.call("create", path)? == Some(Fault::DiskFull) {
            return Err(full_error("create", path));
        }
        if state.world.inode_of(path).is_some() {
            return Err(FileError::new("create", path, FileFault::AlreadyExists));
        }
        state.change(Operation::Name(NameChange::Create { path: path.into() }));
        let inode = state.find("create", path)?;
        Ok(Arc::new(FakeFile { disk: self.clone(), inode, path: path.into() }))
    }

    fn create_dir(&self, path: &str) -> Result<(), FileError> {
        self.lock_state().call("create directory", path).map(drop)
    }

    fn list(&self, dir: &str) -> Result<Vec<String>, FileError> {
        let mut state = self.lock_state();
        state.call("list", dir)?;
        Ok(state.world.list(dir))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), FileError> {
        let mut state = self.lock_state();
        if state.call("rename", from)? == Some(Fault::DiskFull) {
            return Err(full_error("rename", from));
        }
        state.find("rename", from)?;
        state.change(Operation::Name(NameChange::Rename { from: from.into(), to: to.into() }));
        Ok(())
    }

    fn remove(&self, path: &str) -> Result<(), FileError> {
        let mut state = self.lock_state();
        state.call("remove", path)?;
        state.find("remove", path)?;
        state.change(Operation::Name(NameChange::Remove { path: path.into() }));
        Ok(())
    }

    fn sync_dir(&self, dir: &str) -> Result<(), FileError> {
        let mut state = self.lock_state();
        if state.call("sync", dir)? == Some(Fault::DiskFull) {
            return Err(device_error("sync", dir));
        }
        state.change(Operation::SyncDir { dir: dir.into() });
        Ok(())
    }

    fn free_bytes(&self) -> Result<u64, FileError> {
        let state = self.lock_state();
        let used = state.world.used_bytes();
        Ok(state.capacity_bytes.map_or(1 << 40, |capacity| capacity.saturating_sub(used)))
    }

    fn lock(&self) -> Result<Box<dyn DirectoryLock>, FileError> {
        let mut state = self.lock_state();
        if state.is_locked {
            return Err(FileError::new("lock", ".", FileFault::InUse));
        }
        state.is_locked = true;
        Ok(Box::new(FakeLock { disk: self.clone() }))
    }
}

struct FakeLock {
    disk: FakeDisk,
}

impl DirectoryLock for FakeLock {}

impl Drop for FakeLock {
    fn drop(&mut self) {
        self.disk.lock_state().is_locked = false;
    }
}

struct FakeFile {
    disk: FakeDisk,
    inode: usize,
    path: Arc<str>,
}

impl FakeFile {
    fn resize(&self, operation: &'static str, len_bytes: u64) -> Result<(), FileError> {
        let mut state = self.disk.lock_state();
        if state.call(operation, &self.path)? == Some(Fault::DiskFull) {
            return Err(full_error(operation, &self.path));
        }
        let len = state.world.inode(self.inode).len() as u64;
        state.require_room(operation, &self.path, len_bytes.saturating_sub(len))?;
        state.change(Operation::SetLen { inode: self.inode, len: len_bytes });
        Ok(())
    }
}

impl File for FakeFile {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> Result<usize, FileError> {
        let mut state = self.disk.lock_state();
        let fault = state.call("read", &self.path)?;
        let wanted = if fault == Some(Fault::Short) { bytes.len().div_ceil(2) } else { bytes.len() };
        let count = state.world.inode(self.inode).read(&mut bytes[..wanted], offset);
        let sector = crate::SECTOR_BYTES as u64;
        let sectors = offset / sector..(offset + count as u64).div_ceil(sector);
        if sectors.into_iter().any(|sector| state.unreadable.contains(&(self.inode, sector))) {
            return Err(device_error("read", &self.path));
        }
        Ok(count)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<usize, FileError> {
        let mut state = self.disk.lock_state();
        let half = bytes.len().div_ceil(2);
        let (count, error) = match state.call("write", &self.path) {
            Ok(None | Some(Fault::Lost)) => (bytes.len(), None),
            Ok(Some(Fault::Short)) => (half, None),
            Ok(Some(_)) => (half, Some(full_error("write", &self.path))),
            Err(error) => (half, Some(error)),
        };
        let len = state.world.inode(self.inode).len() as u64;
        state.require_room("write", &self.path, (offset + count as u64).saturating_sub(len))?;
        let bytes = bytes[..count].into();
        state.change(Operation::Write { inode: self.inode, offset, bytes });
        error.map_or(Ok(count), Err)
    }

    fn allocate(&self, len_bytes: u64) -> Result<(), FileError> {
        let len = self.disk.lock_state().world.inode(self.inode).len() as u64;
        self.resize("allocate", len_bytes.max(len))
    }

    fn set_len(&self, len_bytes: u64) -> Result<(), FileError> {
        self.resize("resize", len_bytes)
    }

    fn sync_data(&self) -> Result<(), FileError> {
        let mut state = self.disk.lock_state();
        let seed = state.calls;
        match state.call("sync", &self.path) {
            Ok(None | Some(Fault::Short)) => {
                state.change(Operation::Sync { inode: self.inode });
                Ok(())
            }
            Ok(Some(Fault::Lost)) => {
                state.change(Operation::LostSync { inode: self.inode });
                Ok(())
            }
            Ok(Some(_)) | Err(_) => {
                state.change(Operation::FailedSync { inode: self.inode, seed });
                Err(device_error("sync", &self.path))
            }
        }
    }

    fn len_bytes(&self) -> Result<u64, FileError> {
        Ok(self.disk.lock_state().world.inode(self.inode).len() as u64)
    }
}
