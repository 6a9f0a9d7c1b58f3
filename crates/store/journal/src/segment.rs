//! Segments: names, places and header pages of the files that hold the log.
//!
//! Segment `i` of size `S` holds the log from `i * S` up to `(i + 1) * S`. Its file is one page of header, then those
//! bytes:
//!
//! ```text
//!  0      8      12          16     20     28           32            36     40        48         52    4096
//!  | magic| format| file epoch| zero| index| record epoch| salt       | key  | sealed  | crc      | zero | log ...
//! ```
//! The header names the segment for a person with a damaged directory and for recovery without its newest manifest;
//! otherwise the manifest is believed. `key` is 0 when the records are plain and 1 when they are encrypted under the data
//! key in the segment's key file (`wrap.rs`); a plain segment has format 1, an encrypted one format 2. From 512 on the
//! page holds the note of `limit.rs`.

use std::fmt;

use crate::record::JournalPos;

/// Bytes of a segment file before the log.
pub(crate) const PAGE_BYTES: u64 = 4096;
/// Latest format of segments and manifests. What has nothing encrypted is of format [`PLAIN_FORMAT`], which older
/// releases read.
pub const FORMAT: u32 = 2;
pub(crate) const PLAIN_FORMAT: u32 = 1;
/// A segment whose end is not known: it was still being written.
pub(crate) const OPEN_ENDED: u64 = u64::MAX;

const MAGIC: &[u8; 8] = b"TERNSEG\x01";
const HEADER_END: usize = 52;

/// Number of a segment. It is never used twice for a new run of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SegmentIndex(u64);

impl SegmentIndex {
    /// An index from its number.
    #[must_use]
    pub const fn new(index: u64) -> Self {
        Self(index)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for SegmentIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What the manifest says of one segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) index: u64,
    /// Epoch that made the file; it is in the file's name.
    pub(crate) file_epoch: u32,
    /// Epoch that encoded the records; older than the file's in a copied tail.
    pub(crate) record_epoch: u32,
    /// Random number of the run that the records belong to.
    pub(crate) salt: u32,
    /// Bytes of log that count, or [`OPEN_ENDED`].
    pub(crate) sealed_bytes: u64,
    /// Payloads are encrypted under a key of the segment's own (S13).
    pub(crate) is_encrypted: bool,
}

/// Names a data key: by the segment, and by the epoch that encoded its records. A copied tail has both from the segment it
/// was copied from, so its key file is that segment's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KeyName {
    pub(crate) index: u64,
    pub(crate) epoch: u32,
}

impl KeyName {
    pub(crate) fn file_name(self) -> String {
        format!("key-{:016x}-{:08x}", self.index, self.epoch)
    }
}

/// Format of a file that says whether something is encrypted.
pub(crate) fn format_of(is_encrypted: bool) -> u32 {
    if is_encrypted { FORMAT } else { PLAIN_FORMAT }
}

/// The member `key` of manifests and segments: whether it says encrypted, or `None` when it says nothing known.
pub(crate) fn decode_key(key: u32) -> Option<bool> {
    match key {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

impl Entry {
    pub(crate) fn mark(&self) -> u32 {
        self.record_epoch ^ self.salt
    }

    /// The name of the data key; `None` when there is none.
    pub(crate) fn key_name(&self) -> Option<KeyName> {
        self.is_encrypted.then_some(KeyName { index: self.index, epoch: self.record_epoch })
    }

    pub(crate) fn file_name(&self) -> String {
        segment_name(self.index, self.file_epoch)
    }

    /// True when both are the same file, whatever is known of its end.
    pub(crate) fn is_file_of(&self, other: &Self) -> bool {
        (self.index, self.file_epoch) == (other.index, other.file_epoch)
    }

    pub(crate) fn is_open_ended(&self) -> bool {
        self.sealed_bytes == OPEN_ENDED
    }

    pub(crate) fn start(&self, segment_bytes: u64) -> u64 {
        self.index.saturating_mul(segment_bytes)
    }

    /// First position that is not in this segment, or does not count any more.
    pub(crate) fn end(&self, segment_bytes: u64) -> u64 {
        self.start(segment_bytes).saturating_add(self.sealed_bytes.min(segment_bytes))
    }

    pub(crate) fn encode_page(&self) -> Vec<u8> {
        let mut page = Vec::with_capacity(PAGE_BYTES as usize);
        page.extend_from_slice(MAGIC);
        page.extend_from_slice(&format_of(self.is_encrypted).to_le_bytes());
        page.extend_from_slice(&self.file_epoch.to_le_bytes());
        page.extend_from_slice(&0_u32.to_le_bytes());
        page.extend_from_slice(&self.index.to_le_bytes());
        page.extend_from_slice(&self.record_epoch.to_le_bytes());
        page.extend_from_slice(&self.salt.to_le_bytes());
        page.extend_from_slice(&u32::from(self.is_encrypted).to_le_bytes());
        page.extend_from_slice(&self.sealed_bytes.to_le_bytes());
        let crc = crc32c::crc32c(&page);
        page.extend_from_slice(&crc.to_le_bytes());
        page.resize(PAGE_BYTES as usize, 0);
        page
    }

    /// Reads a header page back; `None` when it is not one of this format, or is damaged.
    pub(crate) fn decode_page(page: &[u8]) -> Option<Self> {
        let bytes: &[u8; HEADER_END] = page.first_chunk()?;
        let (body, crc) = bytes.split_at(HEADER_END - 4);
        let is_ours = body.starts_with(MAGIC) && crc32c::crc32c(body).to_le_bytes() == *crc;
        let mut fields = Fields::new(body.get(8..)?);
        let format = fields.u32()?;
        let file_epoch = fields.u32()?;
        fields.u32()?;
        let index = fields.u64()?;
        let (record_epoch, salt) = (fields.u32()?, fields.u32()?);
        let is_encrypted = decode_key(fields.u32()?)?;
        let sealed_bytes = fields.u64()?;
        let entry = Self { index, file_epoch, record_epoch, salt, sealed_bytes, is_encrypted };
        (is_ours && format == format_of(is_encrypted)).then_some(entry)
    }
}

/// Takes little-endian numbers from the front of bytes; `None` when they run out.
pub(crate) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What was not taken.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        let (first, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(u32::from_le_bytes(*first))
    }

    pub(crate) fn u64(&mut self) -> Option<u64> {
        let (first, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(u64::from_le_bytes(*first))
    }
}

/// Segment in which a position lies.
pub(crate) fn index_of(position: u64, segment_bytes: u64) -> u64 {
    position / segment_bytes
}

/// Segments that a record touches: what has to stay while the record is needed.
#[must_use]
pub fn segments_of(
    position: JournalPos,
    payload_bytes: usize,
    segment_bytes: u64,
) -> std::ops::RangeInclusive<SegmentIndex> {
    let last = position.after(payload_bytes).get() - 1;
    let index = |position| SegmentIndex(index_of(position, segment_bytes.max(1)));
    index(position.get())..=index(last)
}

/// What a file in the journal's directory is, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FileName {
    Segment {
        index: u64,
        epoch: u32,
    },
    /// Holds nothing; waits to become a segment.
    Spare {
        epoch: u32,
        number: u32,
    },
    Manifest {
        epoch: u32,
        generation: u64,
    },
    /// The wrapped data key of a segment.
    Key(KeyName),
    /// A manifest or key file that was not finished.
    Draft {
        epoch: u32,
    },
    Reserve,
}

pub(crate) const RESERVE_NAME: &str = "reserve";

pub(crate) fn segment_name(index: u64, epoch: u32) -> String {
    format!("segment-{index:016x}-{epoch:08x}")
}

pub(crate) fn spare_name(epoch: u32, number: u32) -> String {
    format!("spare-{epoch:08x}-{number:08x}")
}

pub(crate) fn manifest_name(epoch: u32, generation: u64) -> String {
    format!("manifest-{epoch:08x}-{generation:016x}")
}

impl FileName {
    /// `None` for a file that is not ours; such a file is left alone.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        if name == RESERVE_NAME {
            return Some(Self::Reserve);
        }
        let (name, is_draft) = name.strip_suffix(".new").map_or((name, false), |name| (name, true));
        let mut parts = name.split('-');
        let (kind, first, second) = (parts.next()?, parts.next()?, parts.next()?);
        let hex32 = |text: &str| if text.len() == 8 { u32::from_str_radix(text, 16).ok() } else { None };
        let hex64 = |text: &str| if text.len() == 16 { u64::from_str_radix(text, 16).ok() } else { None };
        if parts.next().is_some() {
            return None;
        }
        match (kind, is_draft) {
            ("segment", false) => Some(Self::Segment { index: hex64(first)?, epoch: hex32(second)? }),
            ("spare", false) => Some(Self::Spare { epoch: hex32(first)?, number: hex32(second)? }),
            ("manifest", false) => Some(Self::Manifest { epoch: hex32(first)?, generation: hex64(second)? }),
            ("manifest", true) => Some(Self::Draft { epoch: hex32(first)? }),
            ("key", false) => Some(Self::Key(KeyName { index: hex64(first)?, epoch: hex32(second)? })),
            ("key", true) => Some(Self::Draft { epoch: hex32(second)? }),
            _ => None,
        }
    }

    pub(crate) fn epoch(self) -> u32 {
        match self {
            Self::Segment { epoch, .. }
            | Self::Spare { epoch, .. }
            | Self::Manifest { epoch, .. }
            | Self::Key(KeyName { epoch, .. })
            | Self::Draft { epoch } => epoch,
            Self::Reserve => 0,
        }
    }
}

/// Decodes any bytes as a segment file of the size that is given, for fuzzing: how many valid records follow its
/// header page one after the other. Never panics, whatever the bytes.
#[must_use]
pub fn check_segment_bytes(bytes: &[u8]) -> usize {
    let Some(entry) = Entry::decode_page(bytes) else { return 0 };
    let Some(mut log) = bytes.get(PAGE_BYTES as usize..) else { return 0 };
    let mut position = entry.start(log.len() as u64);
    let mut count = 0;
    while let Some(header) = crate::record::Header::decode(log) {
        let is_here = header.position == position
            && header.mark == entry.mark()
            && header.is_encrypted() == entry.is_encrypted
            && header.is_intact(log);
        let Some(rest) = log.get(header.span_bytes() as usize..).filter(|_| is_here) else { break };
        position = position.saturating_add(header.span_bytes());
        log = rest;
        count += 1;
    }
    count
}
