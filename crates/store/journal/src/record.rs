//! The record: how bytes lie in the log.
//!
//! All numbers are little endian. A record starts at a position that is a multiple of 8 and may run over any number
//! of segment borders.
//!
//! ```text
//!  0       4       8              16              24      28   29   30    32          32+length
//!  | length| crc   | position     | synced        | mark  |kind|flag| key | payload ... | 0-7 zero bytes |
//! ```
//! - `length`: bytes of payload as it lies here, the tag of an encrypted one included.
//! - `crc`: CRC-32C of bytes 8 to 32+length, continued from `length` as if that were the sum of what came before.
//! - `position`: where the record starts in the endless log; a record found elsewhere is not valid (F5: misdirected).
//! - `synced`: everything below was known durable when this record was encoded. A bad record below a later record's
//!   `synced` had been safe once, so it is damage and not a torn tail (F5).
//! - `mark`: the epoch XOR a random number of the run of segments, so that nobody can plant a record in a payload.
//! - `kind`: the caller's, opaque here. `flag`: bit 0, the group goes on in the next record; bit 1, the group began
//!   before this record. `key`: 0, the payload is plain; 1, it is encrypted with AES-256-GCM under the data key of the
//!   segment in which the record starts, and its last 16 bytes are the tag (S13).
//!
//! The nonce of an encrypted payload is `position` and four zero bytes: a counter, since a position is used once for ever
//! and each data key is of one segment. Its associated data is the header with `crc` zero. The sum covers the encrypted
//! bytes, so what a crash tore is told from what rotted without any key.

use std::fmt;

use crate::cipher::TAG_BYTES;

/// Bytes before the payload.
pub const HEADER_BYTES: usize = 32;
/// Longest payload: the largest message that can be configured, 512 MiB, and 1 MiB for what comes with it.
pub const MAX_PAYLOAD_BYTES: usize = (512 + 1) * 1024 * 1024;
/// Records start at multiples of this.
pub(crate) const ALIGN_BYTES: u64 = 8;
/// `key` of a plain record, and of one that is encrypted under the key of its segment.
pub(crate) const PLAIN: u16 = 0;
pub(crate) const ENCRYPTED: u16 = 1;

const CONTINUES: u8 = 1;
const JOINED: u8 = 2;

/// A byte offset in the endless log. Zero is before the first record; a position is never used twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JournalPos(u64);

impl JournalPos {
    /// A position from its number, as it was kept elsewhere.
    #[must_use]
    pub const fn new(offset: u64) -> Self {
        Self(offset)
    }

    /// The number, for keeping it elsewhere.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Where the next record starts when one with a payload of this length starts here.
    #[must_use]
    pub const fn after(self, payload_bytes: usize) -> Self {
        Self(self.0 + span_bytes(payload_bytes))
    }
}

impl fmt::Display for JournalPos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// Bytes that a record takes in the log: header, payload, padding.
pub(crate) const fn span_bytes(payload_bytes: usize) -> u64 {
    (HEADER_BYTES as u64 + payload_bytes as u64).next_multiple_of(ALIGN_BYTES)
}

/// A record's header, decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) payload_bytes: u32,
    pub(crate) crc: u32,
    pub(crate) position: u64,
    pub(crate) synced: u64,
    pub(crate) mark: u32,
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) key: u16,
}

/// Where in its group a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The group began before this record.
    pub(crate) is_joined: bool,
    /// The group goes on after this record.
    pub(crate) is_continued: bool,
}

impl Place {
    pub(crate) fn flags(self) -> u8 {
        (u8::from(self.is_joined) * JOINED) | (u8::from(self.is_continued) * CONTINUES)
    }
}

impl Header {
    /// Decodes the first 32 bytes; `None` when there are fewer or a member has no meaning. The sum is not checked.
    #[inline]
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; HEADER_BYTES] = bytes.first_chunk()?;
        let [l0, l1, l2, l3, c0, c1, c2, c3, rest @ ..] = *bytes;
        let [p0, p1, p2, p3, p4, p5, p6, p7, s0, s1, s2, s3, s4, s5, s6, s7, rest @ ..] = rest;
        let [m0, m1, m2, m3, kind, flags, k0, k1] = rest;
        let header = Self {
            payload_bytes: u32::from_le_bytes([l0, l1, l2, l3]),
            crc: u32::from_le_bytes([c0, c1, c2, c3]),
            position: u64::from_le_bytes([p0, p1, p2, p3, p4, p5, p6, p7]),
            synced: u64::from_le_bytes([s0, s1, s2, s3, s4, s5, s6, s7]),
            mark: u32::from_le_bytes([m0, m1, m2, m3]),
            kind,
            flags,
            key: u16::from_le_bytes([k0, k1]),
        };
        let stored = (header.payload_bytes as usize).checked_sub(header.tag_bytes());
        let is_sound = stored.is_some_and(|plain| plain <= MAX_PAYLOAD_BYTES)
            && header.flags & !(CONTINUES | JOINED) == 0
            && header.key <= ENCRYPTED
            && header.synced <= header.position;
        is_sound.then_some(header)
    }

    /// Bytes of the header with the sum left zero; the caller fills it in when the payload follows.
    #[inline]
    pub(crate) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..4].copy_from_slice(&self.payload_bytes.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.position.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.synced.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.mark.to_le_bytes());
        bytes[28] = self.kind;
        bytes[29] = self.flags;
        bytes[30..32].copy_from_slice(&self.key.to_le_bytes());
        bytes
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.key == ENCRYPTED
    }

    /// Bytes of the tag at the end of the payload.
    pub(crate) fn tag_bytes(&self) -> usize {
        if self.is_encrypted() { TAG_BYTES } else { 0 }
    }

    pub(crate) fn place(&self) -> Place {
        Place { is_joined: self.flags & JOINED != 0, is_continued: self.flags & CONTINUES != 0 }
    }

    pub(crate) fn span_bytes(&self) -> u64 {
        span_bytes(self.payload_bytes as usize)
    }

    /// Bytes of header and payload without padding.
    pub(crate) fn content_bytes(&self) -> usize {
        HEADER_BYTES + self.payload_bytes as usize
    }

    /// True when the sum over `bytes`, which start at the header, is the one the header names.
    #[inline]
    pub(crate) fn is_intact(&self, bytes: &[u8]) -> bool {
        let summed = bytes.get(8..self.content_bytes());
        summed.is_some_and(|summed| sum(self.payload_bytes, summed) == self.crc)
    }
}

/// Sum of a record whose bytes from 8 on are given.
#[inline]
pub(crate) fn sum(payload_bytes: u32, from_position_on: &[u8]) -> u32 {
    crc32c::crc32c_append(payload_bytes, from_position_on)
}

/// Decodes and checks the record at the start of any bytes, for fuzzing: its kind and payload as it lies there, or `None`.
#[must_use]
pub fn check_record_bytes(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let header = Header::decode(bytes)?;
    if !header.is_intact(bytes) {
        return None;
    }
    Some((header.kind, bytes.get(HEADER_BYTES..header.content_bytes())?))
}
