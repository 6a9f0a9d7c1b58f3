//! The limit of a segment: how far records can have got in it, noted in its header page.
//!
//! Nothing is written to a segment at or above its limit. So a start after a crash, which has to look behind the first
//! bad record for others that tell damage from a torn tail (F5), looks no further than the limit: what is behind it is
//! zeroes, or left from an older life of the file.
//!
//! ```text
//!  512      520      528          532    536    540
//!  | limit  | index  | file epoch | salt | crc  |
//! ```
//! A note that is torn, rotten or of another segment is no note, and then everything is looked at. One that is intact
//! but too low would hide records, so a higher limit is used only after it has been written twice, each time covered by
//! a sync of its own: a disk that loses one write, or all writes of one sync, leaves a note that is high enough. The
//! first note is safe without that, because the file has no older one that could be taken for it.

use crate::segment::{Entry, Fields};

/// Where in a segment file the note is: in a sector of its own, so that writing it leaves the header alone.
pub(crate) const NOTE_OFFSET: u64 = 512;
pub(crate) const NOTE_BYTES: usize = 28;

/// At least so much may be written ahead of a new limit. A start after a crash looks at about as much.
const STEP_BYTES: u64 = 256 * 1024;
/// In small segments: this part of one.
const STEPS_IN_SEGMENT: u64 = 8;
/// A limit lasts for so many groups like the last one, so that large ones do not wait for it.
const GROUPS_AHEAD: u64 = 16;

/// Encodes a note.
pub(crate) fn encode_note(entry: &Entry, limit: u64) -> [u8; NOTE_BYTES] {
    let mut note = [0; NOTE_BYTES];
    note[0..8].copy_from_slice(&limit.to_le_bytes());
    note[8..16].copy_from_slice(&entry.index.to_le_bytes());
    note[16..20].copy_from_slice(&entry.file_epoch.to_le_bytes());
    note[20..24].copy_from_slice(&entry.salt.to_le_bytes());
    let crc = crc32c::crc32c(&note[..24]);
    note[24..].copy_from_slice(&crc.to_le_bytes());
    note
}

/// The limit of a segment from its note; `None` when it is not an intact note of this segment.
pub(crate) fn decode_note(note: &[u8; NOTE_BYTES], entry: &Entry) -> Option<u64> {
    let limit = Fields::new(note).u64()?;
    (encode_note(entry, limit) == *note).then_some(limit)
}

/// How far ahead of what is written a limit is set while groups are so large.
pub(crate) fn bytes_ahead(group_bytes: u64, segment_bytes: u64) -> u64 {
    let step = STEP_BYTES.min(segment_bytes / STEPS_IN_SEGMENT);
    step.max(group_bytes.saturating_mul(GROUPS_AHEAD))
}

/// The limit of one segment as its writer keeps it.
#[derive(Debug)]
pub(crate) struct Limit {
    entry: Entry,
    end: u64,
    /// What may be relied on.
    allowed: u64,
    /// What the newest note says.
    noted: u64,
    /// Syncs that have covered a write of the newest note.
    syncs: u8,
    is_unsynced: bool,
}

impl Limit {
    /// Of a segment that is being made with this limit in its header.
    pub(crate) fn new(entry: Entry, segment_bytes: u64, ahead_bytes: u64) -> Self {
        let end = entry.end(segment_bytes);
        let first = entry.start(segment_bytes).saturating_add(ahead_bytes).min(end);
        Self { entry, end, allowed: first, noted: first, syncs: 0, is_unsynced: false }
    }

    /// Everything up to `position`, as far as it is in this segment, may be written.
    pub(crate) fn allows(&self, position: u64) -> bool {
        self.allowed >= position.min(self.end)
    }

    /// The note to write now so that `position` will be allowed.
    pub(crate) fn note_until(&mut self, position: u64, ahead_bytes: u64) -> [u8; NOTE_BYTES] {
        if self.noted < position.min(self.end) {
            self.raise(position.saturating_add(ahead_bytes));
        }
        self.note()
    }

    /// The note to write with the sync that makes everything up to `written` durable; `None` when there is enough left.
    pub(crate) fn note_ahead(&mut self, written: u64, ahead_bytes: u64) -> Option<[u8; NOTE_BYTES]> {
        if self.noted == self.allowed {
            if self.allows(written.saturating_add(ahead_bytes / 2)) {
                return None;
            }
            self.raise(written.saturating_add(ahead_bytes));
        }
        Some(self.note())
    }

    /// The note that was asked for last is in the file.
    pub(crate) fn note_written(&mut self) {
        self.is_unsynced = true;
    }

    /// The file was synced.
    pub(crate) fn note_synced(&mut self) {
        if self.is_unsynced {
            self.is_unsynced = false;
            self.syncs += 1;
            if self.syncs >= 2 {
                self.allowed = self.noted;
            }
        }
    }

    fn raise(&mut self, position: u64) {
        self.noted = position.min(self.end);
        self.syncs = 0;
        self.is_unsynced = false;
    }

    /// The newest note.
    pub(crate) fn note(&self) -> [u8; NOTE_BYTES] {
        encode_note(&self.entry, self.noted)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::segment::OPEN_ENDED;

    const SEGMENT: u64 = 64 << 20;

    fn entry() -> Entry {
        Entry {
            index: 3,
            file_epoch: 2,
            record_epoch: 2,
            salt: 7,
            sealed_bytes: OPEN_ENDED,
            is_encrypted: false,
        }
    }

    #[test]
    fn a_note_is_taken_only_whole_and_of_its_own_segment() {
        let note = encode_note(&entry(), 0x1234);
        assert_eq!(decode_note(&note, &entry()), Some(0x1234));
        for bit in 0..NOTE_BYTES * 8 {
            let mut bad = note;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode_note(&bad, &entry()), None, "bit {bit}");
        }
        for other in
            [Entry { index: 4, ..entry() }, Entry { file_epoch: 1, ..entry() }, Entry { salt: 8, ..entry() }]
        {
            assert_eq!(decode_note(&note, &other), None);
        }
        assert_eq!(decode_note(&[0; NOTE_BYTES], &entry()), None, "a file from before there were notes");
    }

    #[test]
    fn a_limit_counts_after_two_syncs_that_had_it() {
        let start = 3 * SEGMENT;
        let ahead = bytes_ahead(100, SEGMENT);
        assert_eq!(ahead, STEP_BYTES);
        let mut limit = Limit::new(entry(), SEGMENT, ahead);
        assert!(limit.allows(start + ahead) && !limit.allows(start + ahead + 1));
        assert_eq!(limit.note_ahead(start + ahead / 2, ahead), None);
        let written = start + ahead / 2 + 8;
        assert!(limit.note_ahead(written, ahead).is_some());
        for _ in 0..2 {
            // A note that found no room is none.
            limit.note_synced();
            assert!(!limit.allows(start + ahead + 1));
            assert!(limit.note_ahead(written, ahead).is_some());
            limit.note_written();
            limit.note_synced();
            // A sync without the note counts for nothing.
            limit.note_synced();
        }
        assert!(limit.allows(written + ahead) && !limit.allows(written + ahead + 1));
        assert_eq!(limit.note_ahead(written, ahead), None);
    }

    #[test]
    fn large_groups_get_more_and_the_end_of_the_segment_is_the_last_limit() {
        let start = 3 * SEGMENT;
        let ahead = bytes_ahead(1 << 20, SEGMENT);
        let mut limit = Limit::new(entry(), SEGMENT, STEP_BYTES);
        let noted_twice = |limit: &mut Limit| {
            for _ in 0..2 {
                limit.note_written();
                limit.note_synced();
            }
        };
        assert_eq!(limit.note_ahead(start - SEGMENT, ahead), None, "it is not its turn yet");
        assert!(limit.note_ahead(start + 8, ahead).is_some());
        noted_twice(&mut limit);
        assert!(limit.allows(start + (16 << 20)) && !limit.allows(start + (17 << 20)));
        let _ = limit.note_until(start + 2 * SEGMENT, ahead);
        noted_twice(&mut limit);
        assert!(limit.allows(u64::MAX), "what lies in later segments is not its affair");
        assert_eq!(limit.note_ahead(start + SEGMENT, ahead), None);
        assert!(Limit::new(entry(), SEGMENT, u64::MAX).allows(start + SEGMENT));
    }
}
