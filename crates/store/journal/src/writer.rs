//! Writes batches and makes them durable, many with one sync.
//!
//! The loop of its thread needs no timer: take all batches that wait, [`Writer::write`] each, [`Writer::sync`] once,
//! send the [`Durable`] off, then [`Writer::maintain`]. What arrived meanwhile is the next group.

use std::collections::VecDeque;
use std::sync::Arc;

use ternmq_env::{DirectoryLock, File, FileError, write_full};

use crate::appender::Batch;
use crate::cipher::{CipherKey, cipher_refused};
use crate::durable::Durable;
use crate::error::JournalError;
use crate::limit::{Limit, NOTE_BYTES, NOTE_OFFSET, bytes_ahead};
use crate::manifest::without_retry;
use crate::reader::Shared;
use crate::record::JournalPos;
use crate::room::{Ready, Room, SpaceReport};
use crate::segment::{PAGE_BYTES, SegmentIndex, index_of};

/// More than this written since the last upkeep means that the disk has better things to do than zeroing.
const BUSY_BYTES: u64 = 128 * 1024;

/// What a step of upkeep came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Nothing is left to do for now.
    Done,
    /// There is more to do; call again when there is time.
    More,
    /// There is no room for the next segment: ask [`Writer::space`] and stop publishers.
    NoRoom,
}

/// A segment that is being written or waits for its turn.
struct Target {
    index: u64,
    file: Arc<dyn File>,
    key: Option<Arc<CipherKey>>,
    limit: Limit,
    is_dirty: bool,
}

impl Target {
    fn new(ready: Ready) -> Self {
        let Ready { entry, file, limit, key } = ready;
        Self { index: entry.index, file, key, limit, is_dirty: false }
    }

    fn write_note(&mut self, note: &[u8; NOTE_BYTES]) -> Result<(), FileError> {
        self.is_dirty = true;
        write_full(&*self.file, "segment", note, NOTE_OFFSET)?;
        self.limit.note_written();
        Ok(())
    }

    /// Syncs what was written, and with it a higher limit when it is time for one.
    fn make_durable(&mut self, written: u64, ahead_bytes: u64) -> Result<(), FileError> {
        if let Some(note) = self.limit.note_ahead(written, ahead_bytes) {
            match self.write_note(&note) {
                // The limit stays as it is; a write that needs a higher one comes back to it.
                Err(error) if error.is_disk_full() => {}
                answer => answer?,
            }
        }
        if self.is_dirty { self.sync() } else { Ok(()) }
    }

    fn sync(&mut self) -> Result<(), FileError> {
        self.file.sync_data()?;
        self.is_dirty = false;
        self.limit.note_synced();
        Ok(())
    }
}

/// The one writer of a journal.
///
/// Stages in order: given a position (appender) >= written >= durable >= in a checkpoint.
pub struct Writer {
    room: Room,
    shared: Arc<Shared>,
    /// Segments of this run from the durable end on; the first is being written.
    targets: VecDeque<Target>,
    written: u64,
    durable: u64,
    /// Where `written` stood at the last upkeep.
    upkept: u64,
    /// The first failure; there is no way back from it (F3).
    failure: Option<FileError>,
    _lock: Box<dyn DirectoryLock>,
}

impl Writer {
    pub(crate) fn new(room: Room, shared: Arc<Shared>, lock: Box<dyn DirectoryLock>, first: Ready) -> Self {
        let start = first.entry.start(room.manifest.segment_bytes);
        let first = Target::new(first);
        Self {
            room,
            shared,
            targets: VecDeque::from([first]),
            written: start,
            durable: start,
            upkept: start,
            failure: None,
            _lock: lock,
        }
    }

    /// Writes a batch behind the last one. It is not durable yet. In an encrypted journal the batch is encrypted first,
    /// here and not where its records were made, so that making them costs no more (S13).
    ///
    /// # Errors
    /// [`JournalError::DiskFull`]: nothing of it counts, give the same batch again once there is room. Any other
    /// error is final (F3).
    ///
    /// # Panics
    /// When the batch does not start where the last one ended: one was lost or put out of order, and going on would
    /// lose acknowledged records.
    pub fn write(&mut self, batch: &mut Batch) -> Result<(), JournalError> {
        self.require_sound()?;
        let (start, end) = (batch.start().get(), batch.end().get());
        assert!(start == self.written, "batch at {start} follows {}: one is missing", self.written);
        // What has a position must be written, with the reserve if need be: all behind it, settles too, waits for it.
        let made = self.make_room_until(end).and_then(|()| self.raise_limits(start, end));
        self.settle(made)?;
        if !batch.encrypt(|position| self.key_at(position)) {
            return Err(self.fail(cipher_refused("segment")));
        }
        let written = self.write_at(start, batch.bytes());
        self.settle(written)?;
        self.written = end;
        self.shared.note_written(end);
        self.room.note_full(false);
        Ok(())
    }

    /// Makes everything written durable.
    ///
    /// # Errors
    /// Every error is final: what was written since the last sync is unknown, and syncing again would prove nothing
    /// (F3).
    pub fn sync(&mut self) -> Result<Durable, JournalError> {
        self.require_sound()?;
        self.room.ahead_bytes = bytes_ahead(self.written - self.durable, self.room.manifest.segment_bytes);
        let (written, ahead_bytes) = (self.written, self.room.ahead_bytes);
        for at in 0..self.targets.len() {
            let Some(target) = self.targets.get_mut(at) else { continue };
            if let Err(error) = target.make_durable(written, ahead_bytes) {
                return Err(self.fail(error));
            }
        }
        self.durable = self.written;
        let current = index_of(self.durable, self.room.manifest.segment_bytes);
        while self.targets.len() > 1 && self.targets.front().is_some_and(|target| target.index < current) {
            self.targets.pop_front();
        }
        Ok(Durable::up_to(self.durable))
    }

    /// Does one short step of upkeep: gets the next segment ready ahead of need, takes the reserve back. Call it
    /// after each sync, and while it answers [`Progress::More`] and nothing else is to be done.
    ///
    /// # Errors
    /// Every error is final (F3).
    pub fn maintain(&mut self) -> Result<Progress, JournalError> {
        self.require_sound()?;
        if self.room.is_below_reserve() {
            self.room.take_reserve().map_err(|error| self.fail(error))?;
        }
        let is_busy = self.written - self.upkept > BUSY_BYTES;
        self.upkept = self.written;
        let size = self.room.manifest.segment_bytes;
        let current = index_of(self.written, size);
        if self.targets.back().is_some_and(|target| target.index > current) {
            return Ok(Progress::Done);
        }
        self.note_sealed();
        // Zeroing ahead makes small syncs faster. To large ones it gives little and takes half of the disk: then the
        // next segment is made without it, once the current one is half full.
        let prepared = match (is_busy, self.written % size > size / 2) {
            (false, _) => self.room.prepare_step(),
            (true, false) => return Ok(Progress::More),
            (true, true) => self.room.prepare_now().map(Some),
        };
        match prepared {
            Ok(None) => Ok(Progress::More),
            Ok(Some(ready)) => {
                self.add_target(ready);
                Ok(Progress::Done)
            }
            Err(error) if error.is_disk_full() => Ok(Progress::NoRoom),
            Err(error) => Err(self.fail(error)),
        }
    }

    /// Says that recovery starts at `start` from now on: everything before is kept elsewhere. Segments before it can
    /// still be read until they are released.
    ///
    /// # Errors
    /// [`JournalError::BadCheckpoint`] when `start` is before the last checkpoint or not durable; `DiskFull` leaves
    /// the last one in force; others are final (F3).
    pub fn publish_checkpoint(&mut self, start: JournalPos) -> Result<(), JournalError> {
        self.require_sound()?;
        let last = self.room.manifest.checkpoint;
        if start.get() < last || start.get() > self.durable {
            return Err(JournalError::BadCheckpoint(start));
        }
        self.note_sealed();
        self.room.manifest.checkpoint = start.get();
        let published = self.publish();
        if published.is_err() {
            self.room.manifest.checkpoint = last;
        }
        published
    }

    /// Gives up segments in which nothing is live any more. Their files are used again or removed; what was in them
    /// can no longer be read.
    ///
    /// # Errors
    /// [`JournalError::StillNeeded`] when recovery would still read one of them, and then none is released (one that is
    /// gone already is no error, so a release can be asked for again);
    /// `DiskFull` when the manifest has no room even in the reserve; others are final (F3).
    pub fn release(&mut self, segments: &[SegmentIndex]) -> Result<(), JournalError> {
        self.require_sound()?;
        let size = self.room.manifest.segment_bytes;
        let checkpoint = index_of(self.room.manifest.checkpoint, size);
        let first_target = self.targets.front().map_or(0, |target| target.index);
        let mut released = Vec::with_capacity(segments.len());
        for segment in segments {
            let index = segment.get();
            let listed = self.room.manifest.entries.iter().find(|entry| entry.index == index);
            match listed {
                Some(entry) if index < checkpoint && index < first_target => released.push(*entry),
                None if index < checkpoint => {}
                Some(_) | None => return Err(JournalError::StillNeeded(*segment)),
            }
        }
        if released.is_empty() {
            return Ok(());
        }
        self.note_sealed();
        let before = self.room.manifest.entries.clone();
        self.room.manifest.entries.retain(|entry| released.iter().all(|gone| !gone.is_file_of(entry)));
        if let Err(error) = self.publish() {
            self.room.manifest.entries = before;
            return Err(error);
        }
        // Readers lose the segment before its file can become another one.
        self.shared.forget(&released);
        for entry in &released {
            let retired = self.room.retire(&entry.file_name()).and_then(|()| self.room.retire_key(entry));
            retired.map_err(|error| self.fail(error))?;
        }
        self.room.note_full(false);
        Ok(())
    }

    /// Syncs, marks the log as closed and lets go of the data directory. The next start need not copy a tail.
    ///
    /// # Errors
    /// As [`Writer::sync`]; the log is then one that was cut off.
    pub fn close(mut self) -> Result<(), JournalError> {
        let durable = self.sync()?.end().get();
        self.note_sealed();
        let size = self.room.manifest.segment_bytes;
        self.room.manifest.entries.retain(|entry| entry.start(size) < durable);
        if let Some(last) = self.room.manifest.entries.last_mut()
            && last.is_open_ended()
        {
            last.sealed_bytes = durable - last.start(size);
        }
        self.room.manifest.clean_end = durable;
        self.publish()?;
        // The room behind the end is given back; should that be lost, nothing but room is.
        let Some(target) = self.targets.front().filter(|target| target.index == index_of(durable, size))
        else {
            return Ok(());
        };
        let inside = durable % size;
        if inside > 0 {
            target.file.set_len(PAGE_BYTES + inside).map_err(JournalError::Failed)?;
        }
        Ok(())
    }

    /// What is durable so far.
    #[must_use]
    pub fn durable(&self) -> Durable {
        Durable::up_to(self.durable)
    }

    /// Where the next batch has to start.
    #[must_use]
    pub fn end(&self) -> JournalPos {
        JournalPos::new(self.written)
    }

    /// Where recovery would start.
    #[must_use]
    pub fn checkpoint(&self) -> JournalPos {
        JournalPos::new(self.room.manifest.checkpoint)
    }

    /// All segments of the log, oldest first.
    pub fn segments(&self) -> impl Iterator<Item = SegmentIndex> {
        self.room.manifest.entries.iter().map(|entry| SegmentIndex::new(entry.index))
    }

    /// Bytes of log in one segment.
    #[must_use]
    pub fn segment_bytes(&self) -> u64 {
        self.room.manifest.segment_bytes
    }

    /// How much room there is, and what may be appended.
    ///
    /// # Errors
    /// The disk did not answer; that is not final.
    pub fn space(&self) -> Result<SpaceReport, FileError> {
        self.room.space()
    }

    fn require_sound(&self) -> Result<(), JournalError> {
        self.failure.clone().map_or(Ok(()), |failure| Err(JournalError::Poisoned(failure)))
    }

    fn fail(&mut self, error: FileError) -> JournalError {
        self.failure = Some(error.clone());
        JournalError::Failed(error)
    }

    /// Turns the failure of a step into the answer of the call. A step that found no room has been tried with the
    /// reserve already.
    fn settle<T>(&mut self, answer: Result<T, FileError>) -> Result<T, JournalError> {
        answer.map_err(|error| {
            if !error.is_disk_full() {
                return self.fail(error);
            }
            self.room.note_full(true);
            JournalError::DiskFull(error)
        })
    }

    fn publish(&mut self) -> Result<(), JournalError> {
        let published = self.room.with_reserve(Room::publish);
        self.settle(published)
    }

    fn make_room_until(&mut self, end: u64) -> Result<(), FileError> {
        let size = self.room.manifest.segment_bytes;
        while self.targets.back().is_none_or(|target| (target.index + 1) * size < end) {
            self.note_sealed();
            let ready = self.room.with_reserve(Room::prepare_now)?;
            self.add_target(ready);
        }
        Ok(())
    }

    /// The key of the segment in which a record starts. It stays the same for as long as the segment is written to, so a
    /// batch that is given again is the one that was encrypted.
    fn key_at(&self, position: u64) -> Option<Arc<CipherKey>> {
        let index = index_of(position, self.room.manifest.segment_bytes);
        self.targets.iter().find(|target| target.index == index)?.key.clone()
    }

    /// Lets the range be written, where the limits of its segments were not raised ahead.
    fn raise_limits(&mut self, start: u64, end: u64) -> Result<(), FileError> {
        let (size, ahead_bytes) = (self.room.manifest.segment_bytes, self.room.ahead_bytes);
        for target in self.targets.iter_mut().filter(|target| (target.index + 1) * size > start) {
            while target.index * size < end && !target.limit.allows(end) {
                let note = target.limit.note_until(end, ahead_bytes);
                self.room.with_reserve(|_| target.write_note(&note))?;
                target.sync().map_err(without_retry)?;
            }
        }
        Ok(())
    }

    fn add_target(&mut self, ready: Ready) {
        self.shared.add(ready.entry);
        self.targets.push_back(Target::new(ready));
    }

    /// Brings the manifest in memory up to date, to be published with the next change.
    fn note_sealed(&mut self) {
        let size = self.room.manifest.segment_bytes;
        let durable = self.durable;
        self.room.manifest.durable = durable;
        for entry in self.room.manifest.entries.iter_mut().rev().take_while(|entry| entry.is_open_ended()) {
            if (entry.index + 1) * size <= durable {
                entry.sealed_bytes = size;
            }
        }
    }

    fn write_at(&mut self, start: u64, bytes: &[u8]) -> Result<(), FileError> {
        let size = self.room.manifest.segment_bytes;
        let mut at = start;
        let mut rest = bytes;
        for target in &mut self.targets {
            if rest.is_empty() {
                break;
            }
            if target.index < index_of(at, size) {
                continue;
            }
            let inside = at % size;
            let count = (size - inside).min(rest.len() as u64) as usize;
            let (piece, left) = rest.split_at(count);
            target.is_dirty = true;
            let file = &*target.file;
            self.room.with_reserve(|_| write_full(file, "segment", piece, PAGE_BYTES + inside))?;
            rest = left;
            at += count as u64;
        }
        debug_assert!(rest.is_empty(), "room was made for the whole batch");
        Ok(())
    }
}
