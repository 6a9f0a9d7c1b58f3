//! Reads single records by position, on any thread, while the writer goes on.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use bytes::Bytes;
use ternmq_env::{File, FileError, FileFault, Files, read_full};

use crate::error::ReadError;
use crate::keyring::Keyring;
use crate::record::{HEADER_BYTES, Header, JournalPos};
use crate::room::Room;
use crate::segment::{Entry, PAGE_BYTES, SegmentIndex, index_of};

/// Files held open for reading.
const OPEN_FILES: usize = 64;
/// Read for a record whose length is not known yet: most come whole with it.
const FIRST_READ_BYTES: u64 = 4096;
/// Longest piece of log read in one go for several records.
const READ_AHEAD_BYTES: u64 = 256 * 1024;

/// What the writer tells readers.
pub(crate) struct Shared {
    pub(crate) files: Arc<dyn Files>,
    pub(crate) dir: Arc<str>,
    pub(crate) segment_bytes: u64,
    pub(crate) keys: Arc<Keyring>,
    pub(crate) written: AtomicU64,
    table: RwLock<BTreeMap<u64, Entry>>,
    opened: Mutex<VecDeque<(Entry, Arc<dyn File>)>>,
}

impl Shared {
    pub(crate) fn new(room: &Room, written: u64) -> Self {
        Self {
            files: room.files.clone(),
            dir: room.dir.clone(),
            segment_bytes: room.manifest.segment_bytes,
            keys: room.keys.clone(),
            written: AtomicU64::new(written),
            table: RwLock::new(room.manifest.entries.iter().map(|entry| (entry.index, *entry)).collect()),
            opened: Mutex::default(),
        }
    }

    pub(crate) fn note_written(&self, end: u64) {
        self.written.store(end, Ordering::Release);
    }

    pub(crate) fn add(&self, entry: Entry) {
        self.table.write().unwrap_or_else(PoisonError::into_inner).insert(entry.index, entry);
    }

    pub(crate) fn forget(&self, released: &[Entry]) {
        let mut table = self.table.write().unwrap_or_else(PoisonError::into_inner);
        let is_live = |entry: &Entry| released.iter().all(|gone| !gone.is_file_of(entry));
        table.retain(|_, entry| is_live(entry));
        drop(table);
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        opened.retain(|(entry, _)| is_live(entry));
    }

    /// Segments listed now, in order.
    pub(crate) fn entries(&self, indexes: Range<u64>) -> Vec<Entry> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        table.range(indexes).map(|(_, entry)| *entry).collect()
    }

    fn entry(&self, index: u64) -> Option<Entry> {
        self.table.read().unwrap_or_else(PoisonError::into_inner).get(&index).copied()
    }

    /// Opens a segment's file, or answers one that is open already; `None` when the file has become another one.
    fn open(&self, entry: Entry) -> Result<Option<Arc<dyn File>>, FileError> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, file)) = opened.iter().find(|(known, _)| *known == entry) {
            return Ok(Some(file.clone()));
        }
        let file = match self.files.open(&format!("{}/{}", self.dir, entry.file_name())) {
            Err(error) if error.fault == FileFault::NotFound => return Ok(None),
            opened => opened?,
        };
        // A file is remembered only while the segment is listed, or a release could be forgotten here for ever.
        if self.entry(entry.index) == Some(entry) {
            if opened.len() >= OPEN_FILES {
                opened.pop_front();
            }
            opened.push_back((entry, file.clone()));
        }
        Ok(Some(file))
    }
}

/// A record as it was appended. A payload that was not encrypted shares memory with other records read together with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Where it starts.
    pub position: JournalPos,
    /// As given to the appender.
    pub kind: u8,
    /// As given to the appender.
    pub payload: Bytes,
}

/// Reads records of any age. Clones share their open files.
#[derive(Clone)]
pub struct Reader {
    shared: Arc<Shared>,
}

/// A piece of the log in memory.
struct Piece {
    start: u64,
    bytes: Bytes,
}

impl Reader {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Reads the record that starts at `position`.
    ///
    /// # Errors
    /// See [`ReadError`]; wrong bytes are never answered (F5).
    pub fn read(&self, position: JournalPos) -> Result<Record, ReadError> {
        let piece = self.fetch(position, FIRST_READ_BYTES)?;
        self.take_record(position, &piece)
    }

    /// Reads several records in one go, with one read for those that lie close together. Answers in the order of
    /// `positions`, which should ascend, and stops early once the payloads come to `max_bytes`: at least one answer
    /// for one position.
    #[must_use]
    pub fn read_sorted(&self, positions: &[JournalPos], max_bytes: usize) -> Vec<Result<Record, ReadError>> {
        let mut answers = Vec::new();
        let mut piece = Piece { start: 0, bytes: Bytes::new() };
        let mut payload_bytes = 0;
        for (at, position) in positions.iter().enumerate() {
            if !answers.is_empty() && payload_bytes >= max_bytes {
                break;
            }
            if !piece.holds_header(*position) {
                let near = positions.iter().skip(at).take_while(|next| {
                    next.get().checked_sub(position.get()).is_some_and(|gap| gap <= READ_AHEAD_BYTES)
                });
                let last = near.last().copied().unwrap_or(*position);
                let wanted = last.get() - position.get() + FIRST_READ_BYTES;
                match self.fetch(*position, wanted) {
                    Ok(fetched) => piece = fetched,
                    Err(error) => {
                        answers.push(Err(error));
                        continue;
                    }
                }
            }
            let answer = self.take_record(*position, &piece);
            payload_bytes += answer.as_ref().map_or(0, |record| record.payload.len());
            answers.push(answer);
        }
        answers
    }

    /// Takes the record out of a piece that holds its start; reads the rest when it is longer than the piece.
    fn take_record(&self, position: JournalPos, piece: &Piece) -> Result<Record, ReadError> {
        let from = piece.from(position);
        let header = Header::decode(&from).filter(|header| header.position == position.get());
        let Some(header) = header else { return Err(self.explain_bad(position)) };
        let content = header.content_bytes();
        let bytes = if from.len() >= content {
            from.slice(..content)
        } else {
            self.fetch(position, content as u64)?.from(position)
        };
        let index = index_of(position.get(), self.shared.segment_bytes);
        let entry = self.shared.entry(index).filter(|entry| {
            entry.mark() == header.mark
                && entry.is_encrypted == header.is_encrypted()
                && header.is_intact(&bytes)
        });
        let payload =
            entry.and_then(|entry| self.decrypt(&entry, &header, bytes.slice(HEADER_BYTES..content)));
        let Some(payload) = payload else { return Err(self.explain_bad(position)) };
        Ok(Record { position, kind: header.kind, payload })
    }

    /// The payload from the bytes behind a header; `None` when they are not what was encrypted.
    fn decrypt(&self, entry: &Entry, header: &Header, stored: Bytes) -> Option<Bytes> {
        if !header.is_encrypted() {
            return Some(stored);
        }
        let key = self.shared.keys.of(entry)?;
        let mut plain = vec![0; stored.len().checked_sub(header.tag_bytes())?];
        key.open_record(header, &stored, &mut plain).then(|| plain.into())
    }

    /// Reads up to `wanted` bytes of log from `position`, fewer where the log ends.
    fn fetch(&self, position: JournalPos, wanted: u64) -> Result<Piece, ReadError> {
        let shared = &*self.shared;
        let written = shared.written.load(Ordering::Acquire);
        let start = position.get();
        if start >= written {
            return Err(ReadError::NotWritten(position));
        }
        let until = start.saturating_add(wanted).min(written);
        let mut bytes: Vec<u8> = Vec::new();
        let mut at = start;
        while at < until {
            let index = index_of(at, shared.segment_bytes);
            let Some(entry) = shared.entry(index) else { break };
            let end = entry.end(shared.segment_bytes).min(until);
            let Some(file) = shared.open(entry).map_err(ReadError::Disk)? else { break };
            if end <= at {
                break;
            }
            let filled = bytes.len();
            bytes.resize(filled + (end - at) as usize, 0);
            let target = bytes.get_mut(filled..).unwrap_or_default();
            let count = match read_full(&*file, target, PAGE_BYTES + at % shared.segment_bytes) {
                Err(FileError { fault: FileFault::Device { .. }, .. }) => {
                    return Err(self.explain_bad(position));
                }
                read => read.map_err(ReadError::Disk)?,
            };
            bytes.truncate(filled + count);
            at += count as u64;
            if at < end {
                break;
            }
        }
        if bytes.is_empty() {
            return Err(self.explain_bad(position));
        }
        Ok(Piece { start, bytes: bytes.into() })
    }

    /// Why there is no valid record: its segment went while it was read, or it is damaged.
    fn explain_bad(&self, position: JournalPos) -> ReadError {
        let index = index_of(position.get(), self.shared.segment_bytes);
        match self.shared.entry(index) {
            None => ReadError::Released(position),
            Some(_) => ReadError::Damaged { position, segment: SegmentIndex::new(index) },
        }
    }
}

impl Piece {
    fn holds_header(&self, position: JournalPos) -> bool {
        self.from(position).len() >= HEADER_BYTES
    }

    fn from(&self, position: JournalPos) -> Bytes {
        match position.get().checked_sub(self.start).and_then(|skip| usize::try_from(skip).ok()) {
            Some(skip) if skip < self.bytes.len() => self.bytes.slice(skip..),
            _ => Bytes::new(),
        }
    }
}
