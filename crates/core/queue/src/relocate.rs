//! Records that move within the log: where a queue's entries have theirs, and pointing it to copies elsewhere. What the
//! queue holds does not change.

use std::ops::Range;

use crate::{
    chunk::{ChunkRef, ColdChunk, Source},
    entry::{Entry, EntryRef, Location, Seq},
    lane::Deep,
    machine::Queue,
};

/// A cold chunk that has something in a part of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkPlace {
    /// Its lane.
    pub lane: u8,
    /// Its first entry.
    pub first_seq: Seq,
    /// The record that lists its entries.
    pub record: Location,
    /// Entries that are left.
    pub count: u32,
}

impl Location {
    /// Log position one past the record.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.pos.saturating_add(u64::from(self.len))
    }

    /// Whether the record stands in this part of the log, wholly or partly.
    #[must_use]
    pub fn overlaps(&self, log: &Range<u64>) -> bool {
        self.pos < log.end && self.end() > log.start
    }
}

impl Queue {
    /// Records in this part of the log of all entries that are not in a chunk with a list of its own. What is being
    /// read right now is left out.
    pub fn records_in(&self, log: &Range<u64>, mut found: impl FnMut(Location)) {
        let mut look = |location: Location| {
            if location.overlaps(log) {
                found(location);
            }
        };
        self.unsettled.iter().filter_map(|held| held.location).for_each(&mut look);
        let dying = self.rare.iter().filter_map(|rare| rare.dying.as_ref());
        dying.flat_map(|dying| dying.waiting()).for_each(|entry| look(entry.location));
        for (_, lane) in self.lanes.occupied() {
            lane.head.iter().filter_map(|entry| entry.location).for_each(&mut look);
            let Some(deep) = &lane.deep else { continue };
            let resident = deep.returned.values().chain(&deep.tail);
            resident.filter_map(|entry| entry.location).for_each(&mut look);
            deep.absent.waiting().for_each(|entry| look(entry.location));
            let listed = deep.cold.iter().filter(|chunk| !chunk.is_loading).flat_map(ColdChunk::refs);
            listed.for_each(|entry| look(entry.location));
        }
    }

    /// Chunks with a list of their own that have records in a segment of the log. What is being read right now is
    /// left out.
    pub fn chunks_in(&self, segment: u64, log: &Range<u64>) -> impl Iterator<Item = ChunkPlace> {
        let cold = self.lanes.occupied().flat_map(|(index, lane)| {
            lane.deep.iter().flat_map(|deep| &deep.cold).map(move |chunk| (index, chunk))
        });
        cold.filter(|(_, chunk)| !chunk.is_loading).filter_map(move |(lane, chunk)| {
            let Source::Disk(source) = &chunk.source else { return None };
            let is_there = source.record.overlaps(log)
                || source.segments.iter().any(|(number, count)| *number == segment && *count > 0);
            is_there.then_some(ChunkPlace {
                lane,
                first_seq: chunk.first_seq,
                record: source.record,
                count: chunk.live_count,
            })
        })
    }

    /// Points entries to copies of their records: `copy_of` answers where the copy of a record is, and `moved` hears of
    /// each entry that has changed over. Chunks with a list of their own are not touched, nor what is being read.
    pub fn relocate(
        &mut self,
        copy_of: &dyn Fn(Location) -> Option<Location>,
        moved: &mut dyn FnMut(Location, Location),
    ) {
        let mut point = |location: &mut Location| {
            if let Some(copy) = copy_of(*location) {
                moved(*location, copy);
                *location = copy;
            }
        };
        self.unsettled.locations_mut().for_each(&mut point);
        if let Some(dying) = self.rare.as_mut().and_then(|rare| rare.dying.as_mut()) {
            dying.waiting_mut().for_each(|entry| point(&mut entry.location));
        }
        for index in 0..=self.lanes.top() {
            let lane = self.lanes.get_mut(index);
            lane.head.iter_mut().filter_map(Entry::location_mut).for_each(&mut point);
            let Some(deep) = &mut lane.deep else { continue };
            let Deep { returned, tail, absent, cold, .. } = &mut **deep;
            let resident = returned.values_mut().chain(tail);
            resident.filter_map(Entry::location_mut).for_each(&mut point);
            absent.waiting_mut().for_each(|entry| point(&mut entry.location));
            for chunk in cold.iter_mut().filter(|chunk| !chunk.is_loading) {
                chunk.refs_mut().iter_mut().for_each(|entry| point(&mut entry.location));
            }
        }
    }

    /// Gives a cold chunk another list, which says the same of its entries that are left but where their records are.
    /// Answers the old one; `None` when the chunk is gone or being read, and then nothing has changed.
    pub fn replace_chunk(&mut self, place: &ChunkPlace, list: ChunkRef) -> Option<ChunkRef> {
        if place.lane > self.lanes.top() {
            return None;
        }
        self.lanes.edit(place.lane, |lane| {
            let cold = &mut lane.deep.as_mut()?.cold;
            let at = cold.binary_search_by_key(&place.first_seq, |chunk| chunk.first_seq).ok()?;
            let chunk = cold.get_mut(at).filter(|chunk| !chunk.is_loading)?;
            let Source::Disk(old) = &chunk.source else { return None };
            if old.record != place.record {
                return None;
            }
            let (old, new) = (old.clone(), ColdChunk::of_record(list));
            // The list is exact, where the chunk's counts may have been an estimate.
            lane.count = lane.count - u64::from(chunk.live_count) + u64::from(new.live_count);
            lane.bytes = lane.bytes - chunk.live_bytes + new.live_bytes;
            *chunk = new;
            Some(old)
        })
    }
}

impl Entry {
    fn location_mut(&mut self) -> Option<&mut Location> {
        self.location.as_mut()
    }
}

impl ColdChunk {
    fn refs_mut(&mut self) -> &mut [EntryRef] {
        match &mut self.source {
            Source::Refs(refs) => refs,
            Source::Disk(_) => &mut [],
        }
    }
}
