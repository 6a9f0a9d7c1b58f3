//! What the core owes the log: settlements collected over a turn, and how much of each segment is still needed.

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use smallvec::SmallVec;
use ternmq_queue::{Location, Seq};
use ternmq_stdx::layout::Writer;

use crate::{
    log::{Grouping, Log},
    records::{kind, write_settle, write_settle_range},
};

/// Settlements of a turn are written at once when they pass this many (64 KiB of ranges, section 3).
const MAX_PENDING: usize = 4_096;

/// Live records of each segment of the log.
#[derive(Debug, Default)]
pub(crate) struct Segments {
    live: HashMap<u64, u64, FixedState>,
}

impl Segments {
    /// Segments that a record touches.
    pub(crate) fn of(location: Location, segment_bytes: u64) -> std::ops::RangeInclusive<u64> {
        let last = location.pos.saturating_add(u64::from(location.len.max(1)) - 1);
        (location.pos / segment_bytes)..=(last / segment_bytes)
    }

    /// How many of the records each segment holds.
    pub(crate) fn counts(
        locations: impl Iterator<Item = Location>,
        segment_bytes: u64,
    ) -> SmallVec<[(u64, u32); 2]> {
        let mut counts: SmallVec<[(u64, u32); 2]> = SmallVec::new();
        for segment in locations.flat_map(|location| Self::of(location, segment_bytes)) {
            match counts.iter_mut().find(|(known, _)| *known == segment) {
                Some((_, count)) => *count += 1,
                None => counts.push((segment, 1)),
            }
        }
        counts
    }

    /// One more use of the record.
    pub(crate) fn hold(&mut self, location: Location, segment_bytes: u64) {
        for segment in Self::of(location, segment_bytes) {
            *self.live.entry(segment).or_insert(0) += 1;
        }
    }

    /// `count` more uses of a segment.
    pub(crate) fn hold_many(&mut self, segment: u64, count: u64) {
        *self.live.entry(segment).or_insert(0) += count;
    }

    /// One use less.
    pub(crate) fn let_go(&mut self, location: Location, segment_bytes: u64) {
        for segment in Self::of(location, segment_bytes) {
            self.let_go_many(segment, 1);
        }
    }

    /// `count` uses less of a segment.
    pub(crate) fn let_go_many(&mut self, segment: u64, count: u64) {
        if let Some(live) = self.live.get_mut(&segment) {
            *live = live.saturating_sub(count);
        }
    }

    /// The segments below `end` that nothing needs, in order.
    pub(crate) fn dead_before(&self, end: u64) -> Vec<u64> {
        let live = self.live.iter().filter(|(segment, live)| **segment < end && **live == 0);
        let mut dead: Vec<u64> = live.map(|(segment, _)| *segment).collect();
        dead.sort_unstable();
        dead
    }

    /// How many segments below `end` nothing needs.
    pub(crate) fn count_dead_before(&self, end: u64) -> u64 {
        self.live.iter().filter(|(segment, live)| **segment < end && **live == 0).count() as u64
    }

    /// These segments are no more.
    pub(crate) fn forget(&mut self, segments: &[u64]) {
        for segment in segments {
            self.live.remove(segment);
        }
    }

    /// Uses of a segment.
    pub(crate) fn live(&self, segment: u64) -> u64 {
        self.live.get(&segment).copied().unwrap_or(0)
    }

    /// The segment below `end` with the fewest uses of those that have any and that `is_wanted`.
    pub(crate) fn sparsest_before(&self, end: u64, is_wanted: impl Fn(u64, u64) -> bool) -> Option<u64> {
        let live = self.live.iter().map(|(segment, live)| (*live, *segment));
        let wanted = live.filter(|&(live, segment)| live > 0 && segment < end && is_wanted(segment, live));
        wanted.min().map(|(_, segment)| segment)
    }

    /// Makes a segment known, needed or not, so that it is found dead one day.
    pub(crate) fn touch(&mut self, segment: u64) {
        self.live.entry(segment).or_insert(0);
    }
}

/// Settlements not in the log yet, by queue.
#[derive(Debug, Default)]
pub(crate) struct Settles {
    pending: HashMap<u32, Vec<Seq>, FixedState>,
    ranges: Vec<(u32, Seq, Seq)>,
    count: usize,
    scratch: Writer,
}

impl Settles {
    /// Notes an entry that is gone for good.
    pub(crate) fn note(&mut self, queue: u32, seq: Seq) {
        self.pending.entry(queue).or_default().push(seq);
        self.count += 1;
    }

    /// Notes a run of entries that is gone for good.
    pub(crate) fn note_range(&mut self, queue: u32, first: Seq, last: Seq) {
        self.ranges.push((queue, first, last));
        self.count += 1;
    }

    /// Whether there is so much that it should be written now.
    pub(crate) fn is_full(&self) -> bool {
        self.count >= MAX_PENDING
    }

    /// Forgets what is pending for a queue that is gone.
    pub(crate) fn forget(&mut self, queue: u32) {
        if let Some(seqs) = self.pending.remove(&queue) {
            self.count = self.count.saturating_sub(seqs.len());
        }
        self.ranges.retain(|(noted, _, _)| *noted != queue);
    }

    /// Writes all that is pending, one record a queue, as part of an open group or each alone.
    pub(crate) fn flush(&mut self, log: &mut dyn Log, grouping: Grouping) {
        if self.count == 0 {
            return;
        }
        self.count = 0;
        for (queue, first, last) in self.ranges.drain(..) {
            self.scratch.clear();
            write_settle_range(&mut self.scratch, queue, first, last);
            log.append(kind::SETTLE, grouping, &[self.scratch.bytes()]);
        }
        let mut emptied: Vec<u32> = Vec::new();
        for (queue, seqs) in &mut self.pending {
            if seqs.is_empty() {
                emptied.push(*queue);
                continue;
            }
            self.scratch.clear();
            write_settle(&mut self.scratch, *queue, seqs);
            log.append(kind::SETTLE, grouping, &[self.scratch.bytes()]);
            // The room is kept for the next turn unless a burst made it large.
            seqs.clear();
            seqs.shrink_to(MAX_PENDING);
        }
        for queue in emptied {
            self.pending.remove(&queue);
        }
    }
}
