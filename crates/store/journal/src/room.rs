//! Files and the room for them: the next segment, spare files, the reserve (F4), publishing the manifest.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use ternmq_env::{File, FileError, FileFault, Files, Rng, write_full};

use crate::cipher::CipherKey;
use crate::keyring::Keyring;
use crate::limit::{Limit, NOTE_BYTES, NOTE_OFFSET, bytes_ahead};
use crate::manifest::{self, Manifest, without_retry};
use crate::options::Options;
use crate::segment::{Entry, KeyName, OPEN_ENDED, PAGE_BYTES, RESERVE_NAME, manifest_name, spare_name};

/// Bytes zeroed in one step, so that preparing a segment never holds up a sync for long.
const ZERO_STEP_BYTES: u64 = 1024 * 1024;

/// What an append is for, when room is short (F4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteClass {
    /// Adds to what is stored: a publish, a new definition.
    Normal,
    /// Helps to free room: a settle, a delete, compaction.
    Freeing,
}

/// How much room the disk has, in the order of getting worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SpaceLevel {
    /// Enough for everything.
    Plenty,
    /// Below the alarm: publishers are to be blocked.
    Low,
    /// The reserve has been given up and is being used.
    ReserveInUse,
    /// Nothing is left; writes are refused until something is released.
    Full,
}

impl SpaceLevel {
    /// True when an append of this class may be made. The caller asks before it gives a record its position: what
    /// has a position is written, with the reserve if need be.
    #[must_use]
    pub fn admits(self, class: WriteClass) -> bool {
        match class {
            WriteClass::Normal => self == Self::Plenty,
            WriteClass::Freeing => self < Self::Full,
        }
    }
}

/// The answer of [`crate::Writer::space`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpaceReport {
    /// Room on the disk, the reserve not counted.
    pub free_bytes: u64,
    /// Room held by the reserve; 0 while it is given up.
    pub reserve_bytes: u64,
    /// The alarm stands while `free_bytes` is below this.
    pub alarm_bytes: u64,
    /// What follows from it.
    pub level: SpaceLevel,
    /// Room is getting short, and there is enough of it for copies: what little is needed of old segments should be
    /// copied forward, so that they can go.
    pub wants_compaction: bool,
}

/// A segment that the manifest names and that can be written to.
pub(crate) struct Ready {
    pub(crate) entry: Entry,
    pub(crate) file: Arc<dyn File>,
    pub(crate) limit: Limit,
    /// Of an encrypted one.
    pub(crate) key: Option<Arc<CipherKey>>,
}

/// A file on its way to become a segment.
struct Preparing {
    path: String,
    file: Arc<dyn File>,
    zeroed_bytes: u64,
}

/// The directory of the journal, as its one writer sees it.
pub(crate) struct Room {
    pub(crate) files: Arc<dyn Files>,
    pub(crate) dir: Arc<str>,
    pub(crate) manifest: Manifest,
    pub(crate) keys: Arc<Keyring>,
    rng: Box<dyn Rng>,
    salt: u32,
    /// How far ahead of its writing the limit of the next segment is set.
    pub(crate) ahead_bytes: u64,
    published: VecDeque<String>,
    spares: Vec<String>,
    next_spare: u32,
    preparing: Option<Preparing>,
    reserve_bytes: u64,
    alarm_bytes: u64,
    spare_limit: usize,
    wanted_reserve_bytes: u64,
    is_full: bool,
}

impl Room {
    pub(crate) fn new(
        files: Arc<dyn Files>,
        dir: Arc<str>,
        manifest: Manifest,
        keys: Arc<Keyring>,
        mut rng: Box<dyn Rng>,
        options: &Options,
    ) -> Self {
        let alarm_bytes = options.alarm_free_bytes.max(4 * manifest.segment_bytes);
        let ahead_bytes = bytes_ahead(0, manifest.segment_bytes);
        let salt = rng.next_u64() as u32;
        Self {
            files,
            dir,
            manifest,
            keys,
            rng,
            salt,
            ahead_bytes,
            published: VecDeque::new(),
            spares: Vec::new(),
            next_spare: 0,
            preparing: None,
            reserve_bytes: 0,
            alarm_bytes,
            spare_limit: options.spare_files,
            wanted_reserve_bytes: options.reserve_bytes,
            is_full: false,
        }
    }

    pub(crate) fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.dir)
    }

    /// Bytes of a whole segment file.
    pub(crate) fn file_bytes(&self) -> u64 {
        PAGE_BYTES + self.manifest.segment_bytes
    }

    /// Puts the manifest in force, then removes all but the one before.
    pub(crate) fn publish(&mut self) -> Result<(), FileError> {
        self.manifest.generation += 1;
        if let Err(error) = manifest::publish(&*self.files, &self.dir, &self.manifest) {
            // When it was room that lacked, the former one is in force; the draft is written over next time.
            self.manifest.generation -= u64::from(error.is_disk_full());
            return Err(error);
        }
        self.published.push_back(manifest_name(self.manifest.epoch, self.manifest.generation));
        while self.published.len() > 2 {
            let Some(old) = self.published.pop_front() else { break };
            ignore_missing(self.files.remove(&self.path(&old)))?;
        }
        Ok(())
    }

    /// Takes note of manifests that were there before, oldest first.
    pub(crate) fn note_published(&mut self, names: impl Iterator<Item = String>) {
        self.published.extend(names);
    }

    /// Keeps a file that holds nothing live for reuse, or removes it: when there are enough, when its size is odd, or
    /// when others need the room more (F4).
    pub(crate) fn retire(&mut self, name: &str) -> Result<(), FileError> {
        let path = self.path(name);
        let file = match self.files.open(&path) {
            Err(error) if error.fault == FileFault::NotFound => return Ok(()),
            opened => opened?,
        };
        let is_wanted = self.spares.len() < self.spare_limit && self.files.free_bytes()? >= self.alarm_bytes;
        if !is_wanted || file.len_bytes()? != self.file_bytes() {
            return ignore_missing(self.files.remove(&path));
        }
        let spare = self.path(&spare_name(self.manifest.epoch, self.next_spare));
        self.next_spare += 1;
        match self.files.rename(&path, &spare) {
            Err(error) if error.is_disk_full() => return ignore_missing(self.files.remove(&path)),
            answer => answer?,
        }
        self.spares.push(spare);
        Ok(())
    }

    /// Removes the key file of a segment whose file is gone, unless the segment lives on in a copy.
    pub(crate) fn retire_key(&mut self, gone: &Entry) -> Result<(), FileError> {
        let Some(name) = gone.key_name() else { return Ok(()) };
        if self.manifest.entries.iter().any(|entry| entry.key_name() == Some(name)) {
            return Ok(());
        }
        self.keys.forget(name);
        ignore_missing(self.files.remove(&self.path(&name.file_name())))
    }

    /// Wraps all data keys under the operator's current key that are wrapped under the former one, and makes that safe: the
    /// former one may be thrown away then.
    pub(crate) fn rewrap_keys(&mut self) -> Result<(), FileError> {
        let listed: BTreeSet<KeyName> = self.manifest.entries.iter().filter_map(Entry::key_name).collect();
        let stale = self.keys.take_stale();
        for (name, bytes) in &stale {
            if listed.contains(name) {
                self.with_reserve(|room| {
                    room.keys.write(&*room.files, &room.dir, *name, bytes, &mut *room.rng)
                })?;
            }
        }
        if stale.is_empty() { Ok(()) } else { self.files.sync_dir(&self.dir).map_err(without_retry) }
    }

    /// Goes one bounded step towards a next segment; `None` while it is not ready.
    pub(crate) fn prepare_step(&mut self) -> Result<Option<Ready>, FileError> {
        let whole = self.file_bytes();
        let preparing = self.preparing()?;
        if preparing.zeroed_bytes < whole {
            let count = ZERO_STEP_BYTES.min(whole - preparing.zeroed_bytes);
            let zeroes = vec![0; count as usize];
            write_full(&*preparing.file, &preparing.path, &zeroes, preparing.zeroed_bytes)?;
            preparing.file.sync_data().map_err(without_retry)?;
            preparing.zeroed_bytes += count;
        }
        if preparing.zeroed_bytes >= whole { self.prepare_now().map(Some) } else { Ok(None) }
    }

    /// Makes the next segment ready at once, without zeroing what is left to zero.
    ///
    /// The new segment, and its key file, is complete and synced before the manifest names it, and the manifest names it
    /// before anything is written to it (F2, S13).
    pub(crate) fn prepare_now(&mut self) -> Result<Ready, FileError> {
        let (epoch, index, salt) = (self.manifest.epoch, self.manifest.next_index, self.salt);
        let (sealed_bytes, is_encrypted) = (OPEN_ENDED, self.keys.is_writing());
        let entry = Entry { index, file_epoch: epoch, record_epoch: epoch, salt, sealed_bytes, is_encrypted };
        let preparing = self.preparing()?;
        let (path, file) = (preparing.path.clone(), preparing.file.clone());
        let limit = Limit::new(entry, self.manifest.segment_bytes, self.ahead_bytes);
        let mut page = entry.encode_page();
        page.splice(NOTE_OFFSET as usize..NOTE_OFFSET as usize + NOTE_BYTES, limit.note());
        // Another try of the same segment draws another key: nothing was written under the one before.
        let key = match entry.key_name() {
            Some(name) => Some(self.keys.make(&*self.files, &self.dir, name, &mut *self.rng)?),
            None => None,
        };
        self.install(&path, &file, entry, &page, &[])?;
        self.files.sync_dir(&self.dir).map_err(without_retry)?;
        // From here on the file has its new name, also for another try when the manifest finds no room.
        let installed = self.path(&entry.file_name());
        self.preparing()?.path = installed;
        self.manifest.entries.push(entry);
        self.manifest.next_index = index + 1;
        if let Err(error) = self.publish() {
            self.manifest.entries.pop();
            self.manifest.next_index = index;
            return Err(error);
        }
        self.preparing = None;
        Ok(Ready { entry, file, limit, key })
    }

    /// The file that is on its way, begun when there is none.
    fn preparing(&mut self) -> Result<&mut Preparing, FileError> {
        let preparing = match self.preparing.take() {
            Some(preparing) => preparing,
            None => self.begin_preparing()?,
        };
        Ok(self.preparing.insert(preparing))
    }

    fn begin_preparing(&mut self) -> Result<Preparing, FileError> {
        let whole = self.file_bytes();
        if let Some(path) = self.spares.pop() {
            let file = self.files.open(&path)?;
            // What a spare still holds lies at other positions than the new segment's, so it is never valid there.
            return Ok(Preparing { path, file, zeroed_bytes: whole });
        }
        let path = self.path(&spare_name(self.manifest.epoch, self.next_spare));
        self.next_spare += 1;
        let file = self.files.create(&path)?;
        if let Err(error) = file.allocate(whole) {
            ignore_missing(self.files.remove(&path))?;
            return Err(error);
        }
        Ok(Preparing { path, file, zeroed_bytes: 0 })
    }

    /// Writes a segment's header and first bytes of log, syncs, and gives the file its name, which is not safe yet.
    fn install(
        &self,
        path: &str,
        file: &Arc<dyn File>,
        entry: Entry,
        page: &[u8],
        log: &[u8],
    ) -> Result<(), FileError> {
        write_full(&**file, path, page, 0)?;
        write_full(&**file, path, log, PAGE_BYTES)?;
        file.sync_data().map_err(without_retry)?;
        let name = self.path(&entry.file_name());
        if name == path { Ok(()) } else { self.files.rename(path, &name) }
    }

    /// Copies a part of the log into a new file of its own length. Its name is safe with that of the next segment that
    /// is made ready, before the manifest names either (F2).
    pub(crate) fn install_copy(&mut self, entry: Entry, log: &[u8]) -> Result<(), FileError> {
        let path = self.path(&spare_name(self.manifest.epoch, self.next_spare));
        self.next_spare += 1;
        let file = self.files.create(&path)?;
        let installed = self.install(&path, &file, entry, &entry.encode_page(), log);
        if installed.as_ref().is_err_and(FileError::is_disk_full) {
            ignore_missing(self.files.remove(&path))?;
        }
        installed
    }

    /// Takes the reserve, or takes it again when there is room for it and more.
    pub(crate) fn take_reserve(&mut self) -> Result<(), FileError> {
        if self.reserve_bytes > 0 || self.wanted_reserve_bytes == 0 {
            return Ok(());
        }
        let path = self.path(RESERVE_NAME);
        let file = match self.files.open(&path) {
            Err(error) if error.fault == FileFault::NotFound => {
                if self.files.free_bytes()? < self.alarm_bytes.saturating_add(self.wanted_reserve_bytes) {
                    return Ok(());
                }
                self.files.create(&path)?
            }
            opened => opened?,
        };
        if file.len_bytes()? != self.wanted_reserve_bytes {
            file.set_len(0)?;
            match file.allocate(self.wanted_reserve_bytes) {
                Err(error) if error.is_disk_full() => return ignore_missing(self.files.remove(&path)),
                answer => answer?,
            }
        }
        self.reserve_bytes = self.wanted_reserve_bytes;
        Ok(())
    }

    /// Gives the reserve up; false when there was none. Its removal need not be synced: losing it gives the reserve
    /// back, which the next start copes with.
    pub(crate) fn give_up_reserve(&mut self) -> Result<bool, FileError> {
        if self.reserve_bytes == 0 {
            return Ok(false);
        }
        ignore_missing(self.files.remove(&self.path(RESERVE_NAME)))?;
        self.reserve_bytes = 0;
        Ok(true)
    }

    /// Runs a step; when it finds no room, gives the reserve up and runs it once more.
    pub(crate) fn with_reserve<T>(
        &mut self,
        mut step: impl FnMut(&mut Self) -> Result<T, FileError>,
    ) -> Result<T, FileError> {
        match step(self) {
            Err(error) if error.is_disk_full() && self.give_up_reserve()? => step(self),
            answer => answer,
        }
    }

    pub(crate) fn note_full(&mut self, is_full: bool) {
        self.is_full = is_full;
    }

    pub(crate) fn is_below_reserve(&self) -> bool {
        self.reserve_bytes < self.wanted_reserve_bytes
    }

    pub(crate) fn space(&self) -> Result<SpaceReport, FileError> {
        let free_bytes = self.files.free_bytes()?;
        let level = if self.is_full {
            SpaceLevel::Full
        } else if self.is_below_reserve() {
            SpaceLevel::ReserveInUse
        } else if free_bytes < self.alarm_bytes {
            SpaceLevel::Low
        } else {
            SpaceLevel::Plenty
        };
        Ok(SpaceReport {
            free_bytes,
            reserve_bytes: self.reserve_bytes,
            alarm_bytes: self.alarm_bytes,
            level,
            wants_compaction: level <= SpaceLevel::Low
                && free_bytes < self.alarm_bytes.saturating_mul(2)
                && free_bytes >= self.file_bytes().saturating_mul(2),
        })
    }
}

pub(crate) fn ignore_missing(removed: Result<(), FileError>) -> Result<(), FileError> {
    match removed {
        Err(error) if error.fault == FileFault::NotFound => Ok(()),
        answer => answer,
    }
}
