//! Encodes records into batches on the thread that makes them. No I/O, and no allocation once buffers go round.

use std::mem;
use std::sync::Arc;

use crate::cipher::{CipherKey, TAG_BYTES};
use crate::durable::Durable;
use crate::record::{
    ENCRYPTED, HEADER_BYTES, Header, JournalPos, MAX_PAYLOAD_BYTES, PLAIN, Place, span_bytes, sum,
};
use crate::segment::Entry;

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
    /// The payloads have room for their tags and are not encrypted yet, the sums are not made: the writer does both.
    is_bare: bool,
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

    /// The encoded records. Those of an encrypted journal are plain until they are written.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Encrypts a batch that is not encrypted yet; `key_of` answers the key for a position. False when there was none or
    /// it refused: such a batch must not be written.
    pub(crate) fn encrypt(&mut self, mut key_of: impl FnMut(u64) -> Option<Arc<CipherKey>>) -> bool {
        let mut rest = &mut *self.bytes;
        while self.is_bare && !rest.is_empty() {
            let Some(header) = Header::decode(rest) else { return false };
            let Some((record, behind)) = rest.split_at_mut_checked(header.span_bytes() as usize) else {
                return false;
            };
            let is_done = key_of(header.position).is_some_and(|key| seal(&header, &key, record));
            if !is_done {
                return false;
            }
            rest = behind;
        }
        self.is_bare = false;
        true
    }

    /// Gives the buffer back for [`Appender::recycle`], once the batch is written.
    #[must_use]
    pub fn into_buffer(self) -> Vec<u8> {
        self.bytes
    }
}

/// Encrypts a record in place and makes its sum.
fn seal(header: &Header, key: &CipherKey, record: &mut [u8]) -> bool {
    let tag_at = header.content_bytes().saturating_sub(TAG_BYTES);
    let tag = record.get_mut(HEADER_BYTES..tag_at).and_then(|payload| key.seal_record(header, payload));
    let Some((tag, place)) = tag.zip(record.get_mut(tag_at..header.content_bytes())) else { return false };
    place.copy_from_slice(&tag);
    let crc = record.get(8..header.content_bytes()).map(|summed| sum(header.payload_bytes, summed));
    let Some((crc, place)) = crc.zip(record.get_mut(4..8)) else { return false };
    place.copy_from_slice(&crc.to_le_bytes());
    true
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
    /// Records are to be encrypted by the writer.
    is_encrypted: bool,
}

impl Appender {
    pub(crate) fn new(first: &Entry, start: JournalPos) -> Self {
        Self {
            buffer: Vec::new(),
            spare: Vec::new(),
            start: start.get(),
            synced: start.get(),
            mark: first.mark(),
            is_in_group: false,
            is_encrypted: first.is_encrypted,
        }
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
        let (key, tag_bytes) = if self.is_encrypted { (ENCRYPTED, TAG_BYTES) } else { (PLAIN, 0) };
        let stored_bytes = payload_bytes + tag_bytes;
        let header = Header {
            payload_bytes: stored_bytes as u32,
            crc: 0,
            position,
            synced: self.synced,
            mark: self.mark,
            kind,
            flags: Place { is_joined: self.is_in_group, is_continued }.flags(),
            key,
        };
        self.is_in_group = is_continued;
        let span = span_bytes(stored_bytes) as usize;
        self.buffer.reserve(span);
        self.buffer.extend_from_slice(&header.encode());
        for part in parts {
            self.buffer.extend_from_slice(part);
        }
        if !self.is_encrypted {
            let crc = sum(header.payload_bytes, &self.buffer[from + 8..]);
            self.buffer[from + 4..from + 8].copy_from_slice(&crc.to_le_bytes());
        }
        // Room for the tag, and padding.
        let zeroes = [0; TAG_BYTES + 8];
        self.buffer.extend_from_slice(&zeroes[..span - HEADER_BYTES - payload_bytes]);
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
        Some(Batch { bytes, start, is_bare: self.is_encrypted })
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
