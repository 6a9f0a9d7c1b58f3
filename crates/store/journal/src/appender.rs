//! Encodes records into batches on the thread that makes them. No I/O, and no allocation once buffers go round.

use std::mem;

use crate::durable::Durable;
use crate::record::{HEADER_BYTES, Header, JournalPos, MAX_PAYLOAD_BYTES, Place, span_bytes, sum};

/// Buffers kept for reuse, and how large one may be to be kept: one batch in the making, one being written, two
/// under way between the threads.
const KEPT_BUFFERS: usize = 4;
const KEPT_BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// Whether more records belong with this one. After a crash a group is there whole or not at all (I6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// The group ends with this record. A record on its own is a group of one.
    Ends,
    /// The next record belongs to the same group.
    Continues,
}

/// Records in the order of the log, ready to be written.
#[derive(Debug)]
pub struct Batch {
    bytes: Vec<u8>,
    start: JournalPos,
}

impl Batch {
    /// Position of the first record.
    #[must_use]
    pub fn start(&self) -> JournalPos {
        self.start
    }

    /// Position after the last record.
    #[must_use]
    pub fn end(&self) -> JournalPos {
        JournalPos::new(self.start.get() + self.bytes.len() as u64)
    }

    /// The encoded records.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Gives the buffer back for [`Appender::recycle`], once the batch is written.
    #[must_use]
    pub fn into_buffer(self) -> Vec<u8> {
        self.bytes
    }
}

/// Gives each record its position and encodes it. There is one per journal; it lives on the thread of its caller.
#[derive(Debug)]
pub struct Appender {
    buffer: Vec<u8>,
    spare: Vec<Vec<u8>>,
    /// Position of the first byte in `buffer`.
    start: u64,
    synced: u64,
    mark: u32,
    is_in_group: bool,
}

impl Appender {
    pub(crate) fn new(start: JournalPos, mark: u32) -> Self {
        let start = start.get();
        Self { buffer: Vec::new(), spare: Vec::new(), start, synced: start, mark, is_in_group: false }
    }

    /// Adds a record whose payload is all `parts`, one after the other; answers where it starts.
    ///
    /// # Panics
    /// When the payload is longer than [`MAX_PAYLOAD_BYTES`]: the limit of a message is checked before it gets here.
    #[inline]
    pub fn append(&mut self, kind: u8, group: Group, parts: &[&[u8]]) -> JournalPos {
        let payload_bytes: usize = parts.iter().map(|part| part.len()).sum();
        assert!(payload_bytes <= MAX_PAYLOAD_BYTES, "a record of {payload_bytes} bytes is too long");
        let from = self.buffer.len();
        let position = self.start + from as u64;
        let is_continued = group == Group::Continues;
        let header = Header {
            payload_bytes: payload_bytes as u32,
            crc: 0,
            position,
            synced: self.synced,
            mark: self.mark,
            kind,
            flags: Place { is_joined: self.is_in_group, is_continued }.flags(),
            key: 0,
        };
        self.is_in_group = is_continued;
        let span = span_bytes(payload_bytes) as usize;
        self.buffer.reserve(span);
        self.buffer.extend_from_slice(&header.encode());
        for part in parts {
            self.buffer.extend_from_slice(part);
        }
        let crc = sum(header.payload_bytes, &self.buffer[from + 8..]);
        self.buffer[from + 4..from + 8].copy_from_slice(&crc.to_le_bytes());
        let padding = [0; 8];
        self.buffer.extend_from_slice(&padding[..span - HEADER_BYTES - payload_bytes]);
        JournalPos::new(position)
    }

    /// Where the next record will start.
    #[must_use]
    pub fn end(&self) -> JournalPos {
        JournalPos::new(self.start + self.buffer.len() as u64)
    }

    /// Bytes waiting to be taken.
    #[must_use]
    pub fn batch_len_bytes(&self) -> usize {
        self.buffer.len()
    }

    /// Takes all records added so far. `None` when there are none, or while a group is open: a group travels in one
    /// batch, so that what is reported durable never ends inside one (I6, I8).
    pub fn take_batch(&mut self) -> Option<Batch> {
        if self.buffer.is_empty() || self.is_in_group {
            return None;
        }
        let next = self.spare.pop().unwrap_or_default();
        let bytes = mem::replace(&mut self.buffer, next);
        let start = JournalPos::new(self.start);
        self.start += bytes.len() as u64;
        Some(Batch { bytes, start })
    }

    /// Takes a buffer back from a written batch. One that a huge record has blown up is let go.
    pub fn recycle(&mut self, mut buffer: Vec<u8>) {
        if self.spare.len() < KEPT_BUFFERS && buffer.capacity() <= KEPT_BUFFER_BYTES {
            buffer.clear();
            self.spare.push(buffer);
        }
    }

    /// Learns what is durable; records added from now on bear witness to it (F5).
    pub fn note_durable(&mut self, durable: Durable) {
        self.synced = self.synced.max(durable.end().get());
    }
}
