//! Cold chunks: runs of ready entries of one lane whose bodies are not in memory.
//!
//! A chunk is either a record in the log that lists its entries (what paging makes), or a short list of references
//! in memory (what recovery makes). Ten million ready messages are ten thousand chunks of a hundred bytes.

use smallvec::SmallVec;

use crate::entry::{EntryRef, Location, Seq};

/// A run of entries whose list is a record in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkRef {
    /// First entry.
    pub first_seq: Seq,
    /// Last entry.
    pub last_seq: Seq,
    /// Number of entries, from 1.
    pub count: u32,
    /// Bytes of all their bodies.
    pub body_bytes: u64,
    /// Broker time in ms at which the first entry expires; `u64::MAX` never.
    pub first_expires_at_ms: u64,
    /// The record that lists the entries.
    pub record: Location,
    /// Segments that hold the entries' messages, and how many of the entries each one holds.
    pub segments: SmallVec<[(u64, u32); 2]>,
}

impl ChunkRef {
    /// The chunk of these entries, whose list is `record`; `None` for none. `segments` as the field.
    #[must_use]
    pub fn of(entries: &[EntryRef], record: Location, segments: SmallVec<[(u64, u32); 2]>) -> Option<Self> {
        let (first, last) = (entries.first()?, entries.last()?);
        Some(Self {
            first_seq: first.seq,
            last_seq: last.seq,
            count: u32::try_from(entries.len()).unwrap_or(u32::MAX),
            body_bytes: entries.iter().map(|entry| u64::from(entry.body_len)).sum(),
            first_expires_at_ms: first.expires_at_ms,
            record,
            segments,
        })
    }
}

/// What the facade reads to load a chunk.
#[derive(Clone, Copy, Debug)]
pub struct ChunkView<'a> {
    /// Where the list of entries is.
    pub list: ChunkList<'a>,
    /// Ranges, both ends included, of entries that are gone already; sorted.
    pub holes: &'a [(Seq, Seq)],
    /// Entries that are still there.
    pub count: u32,
}

/// The list of a chunk's entries.
#[derive(Clone, Copy, Debug)]
pub enum ChunkList<'a> {
    /// In this record of the log.
    Record(&'a ChunkRef),
    /// Right here.
    Refs(&'a [EntryRef]),
}

/// Most references in one chunk in memory, so that one load stays small.
pub(crate) const REFS_MAX: usize = 1024;

#[derive(Clone, Debug)]
pub(crate) enum Source {
    Disk(ChunkRef),
    Refs(Vec<EntryRef>),
}

/// A chunk as its lane holds it. Never empty while it is in a lane.
#[derive(Clone, Debug)]
pub(crate) struct ColdChunk {
    pub(crate) first_seq: Seq,
    pub(crate) last_seq: Seq,
    /// Entries left, holes taken off.
    pub(crate) live_count: u32,
    /// Numbers from first to last that are not in holes. Other lanes' entries are among them.
    pub(crate) open: u64,
    /// Bytes of the bodies of the entries left. An estimate when there are holes: their sizes are in the log only.
    pub(crate) live_bytes: u64,
    pub(crate) source: Source,
    pub(crate) holes: Vec<(Seq, Seq)>,
    pub(crate) is_loading: bool,
}

impl ColdChunk {
    pub(crate) fn of_record(chunk: ChunkRef) -> Self {
        Self {
            first_seq: chunk.first_seq,
            last_seq: chunk.last_seq,
            live_count: chunk.count,
            open: chunk.last_seq.0.saturating_sub(chunk.first_seq.0).saturating_add(1),
            live_bytes: chunk.body_bytes,
            source: Source::Disk(chunk),
            holes: Vec::new(),
            is_loading: false,
        }
    }

    pub(crate) fn of_ref(entry: EntryRef) -> Self {
        Self {
            first_seq: entry.seq,
            last_seq: entry.seq,
            live_count: 1,
            open: 1,
            live_bytes: entry.body_len.into(),
            source: Source::Refs(vec![entry]),
            holes: Vec::new(),
            is_loading: false,
        }
    }

    /// A chunk of these references, which are sorted; `None` for none.
    pub(crate) fn of_refs(entries: Vec<EntryRef>) -> Option<Self> {
        let (first_seq, last_seq) = (entries.first()?.seq, entries.last()?.seq);
        Some(Self {
            first_seq,
            last_seq,
            live_count: u32::try_from(entries.len()).unwrap_or(u32::MAX),
            open: entries.len() as u64,
            live_bytes: entries.iter().map(|entry| u64::from(entry.body_len)).sum(),
            source: Source::Refs(entries),
            holes: Vec::new(),
            is_loading: false,
        })
    }

    /// The entries of a chunk whose list is in memory; none for one whose list is a record.
    pub(crate) fn refs(&self) -> &[EntryRef] {
        match &self.source {
            Source::Refs(refs) => refs,
            Source::Disk(_) => &[],
        }
    }

    /// Appends a reference when the chunk is one in memory with room. Gives it back otherwise.
    pub(crate) fn try_append(&mut self, entry: EntryRef) -> Result<(), EntryRef> {
        match &mut self.source {
            Source::Refs(refs) if refs.len() < REFS_MAX && !self.is_loading && self.last_seq < entry.seq => {
                refs.push(entry);
                self.last_seq = entry.seq;
                self.live_count += 1;
                self.live_bytes += u64::from(entry.body_len);
                Ok(())
            }
            _ => Err(entry),
        }
    }

    /// When the first entry expires, as far as is known without reading it.
    pub(crate) fn first_expires_at_ms(&self) -> u64 {
        match &self.source {
            Source::Disk(chunk) => chunk.first_expires_at_ms,
            Source::Refs(refs) => refs.first().map_or(u64::MAX, |entry| entry.expires_at_ms),
        }
    }

    pub(crate) fn view(&self) -> ChunkView<'_> {
        let list = match &self.source {
            Source::Disk(chunk) => ChunkList::Record(chunk),
            Source::Refs(refs) => ChunkList::Refs(refs),
        };
        ChunkView { list, holes: &self.holes, count: self.live_count }
    }

    pub(crate) fn is_hole(&self, seq: Seq) -> bool {
        let after = self.holes.partition_point(|&(first, _)| first <= seq);
        after > 0 && self.holes.get(after - 1).is_some_and(|&(_, last)| seq <= last)
    }

    /// Numbers of the range that are not in holes are `open` now: the count follows. Exact when every number of the
    /// range is an entry of this lane; with several lanes an estimate until the chunk is loaded, but never none
    /// while there may be one.
    fn set_open(&mut self, open: u64) {
        let (was, old) = (self.open.max(1), u64::from(self.live_count));
        let scaled = u128::from(old) * u128::from(open) / u128::from(was);
        let live = if open == 0 { 0 } else { u32::try_from(scaled).unwrap_or(u32::MAX).max(1) };
        self.live_bytes = self.live_bytes * u64::from(live) / old.max(1);
        (self.open, self.live_count) = (open, live);
    }

    /// Takes the entries of a range out. Used by replay only: a live queue settles nothing that is cold.
    pub(crate) fn punch(&mut self, first: Seq, last: Seq) {
        let (first, last) = (first.max(self.first_seq), last.min(self.last_seq));
        if first > last {
            return;
        }
        match &mut self.source {
            Source::Refs(refs) => {
                let from = refs.partition_point(|entry| entry.seq < first);
                let to = refs.partition_point(|entry| entry.seq <= last);
                for entry in refs.drain(from..to) {
                    self.live_count -= 1;
                    self.live_bytes = self.live_bytes.saturating_sub(entry.body_len.into());
                }
                if let (Some(first), Some(last)) = (refs.first(), refs.last()) {
                    (self.first_seq, self.last_seq) = (first.seq, last.seq);
                }
            }
            Source::Disk(_) => {
                let added = add_range(&mut self.holes, first, last);
                self.set_open(self.open.saturating_sub(added));
            }
        }
    }
}

/// Adds a range to a sorted list of ranges that do not touch. Returns how many numbers are new in it.
pub(crate) fn add_range(ranges: &mut Vec<(Seq, Seq)>, first: Seq, last: Seq) -> u64 {
    let from = ranges.partition_point(|range| range.1.0.saturating_add(1) < first.0);
    let to = ranges.partition_point(|range| range.0.0 <= last.0.saturating_add(1));
    let (mut merged, mut known) = ((first, last), 0_u64);
    for range in ranges.get(from..to).unwrap_or_default() {
        known += range.1.0 - range.0.0 + 1;
        merged = (merged.0.min(range.0), merged.1.max(range.1));
    }
    ranges.splice(from..to, [merged]);
    merged.1.0 - merged.0.0 + 1 - known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_merge_when_they_touch() {
        let mut ranges = Vec::new();
        let steps = [((5, 6), 2), ((8, 9), 2), ((7, 7), 1), ((1, 1), 1), ((0, 20), 15), ((3, 4), 0)];
        for ((first, last), new) in steps {
            assert_eq!(add_range(&mut ranges, Seq(first), Seq(last)), new, "{first}..={last}");
        }
        assert_eq!(ranges, [(Seq(0), Seq(20))]);
    }
}
