//! Keeping memory bounded: which entries are in memory, which are only in the log.
//!
//! The queue never reads or writes. It asks through [`Outbox::spills`] and [`Outbox::loads`]; the facade answers with
//! [`Queue::spilled`], [`Queue::loaded`] or [`Queue::load_failed`] whenever it can, and the queue works on meanwhile.

use crate::{
    chunk::{ChunkRef, ChunkView, ColdChunk, Source},
    entry::{Entry, EntryRef, Seq},
    lane::{Front, Lane},
    machine::Queue,
    outbox::{LoadRequest, Outbox},
    search::Searched,
    windows::Windows,
};

/// Most ready entries that a queue keeps in memory at its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Most entries; at least 1 is kept.
    pub entries: u32,
    /// Most bytes of bodies; at least one entry is kept whatever its size.
    pub bytes: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self { entries: 4096, bytes: 4 << 20 }
    }
}

/// A chunk takes this many entries or bytes, less when the budget is small.
const CHUNK_ENTRIES: u32 = 1024;
const CHUNK_BYTES: u64 = 1 << 20;
/// The least that is worth a chunk of its own.
const CHUNK_ENTRIES_MIN: u32 = 64;
const CHUNK_BYTES_MIN: u64 = 64 << 10;

impl Budget {
    /// Each lane's part, when there are lanes up to `top`. Few lanes are busy at a time, so that a quarter is the
    /// least.
    pub(crate) fn share(self, top: u8) -> Self {
        let parts = u32::from(top).saturating_add(1).min(4);
        Self { entries: (self.entries / parts).max(1), bytes: (self.bytes / u64::from(parts)).max(1) }
    }

    pub(crate) fn times(self, factor: u32) -> Self {
        Self { entries: self.entries.saturating_mul(factor), bytes: self.bytes.saturating_mul(factor.into()) }
    }

    pub(crate) fn is_tail_full(self, len: usize, bytes: u64) -> bool {
        len >= self.entries.clamp(CHUNK_ENTRIES_MIN, CHUNK_ENTRIES) as usize
            || bytes >= self.bytes.clamp(CHUNK_BYTES_MIN, CHUNK_BYTES)
    }
}

/// What was read of a chunk.
#[derive(Debug, Default)]
pub struct ChunkContent {
    /// In order, those in holes left out.
    pub entries: Vec<Entry>,
    /// Entries whose message could not be read, in order.
    pub damaged: Vec<EntryRef>,
}

impl Lane {
    /// Holds less than the budget in its resident window.
    pub(crate) fn is_below(&self, budget: Budget) -> bool {
        self.head.len() < budget.entries as usize && self.head_bytes < budget.bytes
    }

    /// What is over the budget moves from the head's end to the tail's start, when nothing cold stands between.
    ///
    /// Only entries after `barrier` and after what was loaded may move: replay takes a chunk to hold every entry of
    /// its range, so none of the range may be with a consumer, and none may have been in an earlier chunk.
    fn shed(&mut self, budget: Budget, barrier: Seq) {
        let deep = self.deep.as_ref();
        if deep.is_some_and(|deep| !deep.cold.is_empty()) {
            return;
        }
        let returned = deep.and_then(|deep| deep.returned.last_key_value()).map(|(&seq, _)| seq);
        let absent = deep.and_then(|deep| deep.absent.last_seq());
        let barrier = [returned, absent].into_iter().flatten().fold(barrier.max(self.loaded_last), Seq::max);
        while self.head.len() > budget.entries as usize
            || (self.head_bytes > budget.bytes && self.head.len() > 1)
        {
            let Some(entry) = self.head.pop_back_if(|entry| entry.seq > barrier) else { return };
            let len = entry.message.body_len() as u64;
            self.head_bytes -= len;
            let deep = self.deep();
            deep.tail_bytes += len;
            deep.tail.push_front(entry);
        }
    }
}

impl Queue {
    /// Changes how much is kept in memory, under memory pressure or after it. What is over it now is offered to be
    /// spilled.
    pub fn set_budget(&mut self, budget: Budget, outbox: &mut Outbox) {
        self.lanes.set_budget(budget);
        let budget = self.lanes.budget;
        let dying = self.rare.as_ref().and_then(|rare| rare.dying.as_ref()?.last_seq());
        let held = self.unsettled.iter().map(|held| held.seq);
        let barrier = held.chain(dying).max().unwrap_or_default();
        for index in 0..=self.lanes.top() {
            let wants_spill = self.lanes.edit(index, |lane| {
                lane.shed(budget, barrier);
                let Some(deep) = &mut lane.deep else { return false };
                let is_full = budget.is_tail_full(deep.tail.len(), deep.tail_bytes);
                is_full && !std::mem::replace(&mut deep.is_spill_asked, true)
            });
            if wants_spill {
                outbox.spills.push(index);
            }
        }
    }

    /// The entries of a lane's tail, oldest first, to be written down as one chunk. Those without a record in the log
    /// get one from the facade, which sets `location`; nothing else may be changed. Then call [`Self::spilled`].
    /// `None` when there is nothing to spill any more: an answer to a request that has become stale.
    pub fn spill(&mut self, lane: u8) -> Option<&mut [Entry]> {
        if lane > self.lanes.top() {
            return None;
        }
        let budget = self.lanes.budget;
        self.lanes.edit(lane, |lane| {
            // The head may have drained since the request.
            if lane.is_low(budget) {
                lane.pull_tail(budget);
            }
            if let Some(deep) = &mut lane.deep {
                deep.is_spill_asked = false;
            }
        });
        let first = self.lanes.get(lane).deep.as_ref()?.tail.front()?.seq;
        let gap = self.first_gap(lane, first);
        let deep = self.lanes.get_mut(lane).deep.as_mut()?;
        let len = deep.tail.partition_point(|entry| gap.is_none_or(|gap| entry.seq < gap));
        deep.tail.make_contiguous().get_mut(..len)
    }

    /// First entry behind this one of the tail that was taken out of it and is not gone yet. No chunk may span it: replay
    /// would take it to be in the chunk, which does not list it.
    fn first_gap(&self, lane: u8, first: Seq) -> Option<Seq> {
        let deep = self.lanes.get(lane).deep.as_ref()?;
        if deep.picked_last < first {
            return None;
        }
        let held = self.unsettled.iter().filter(|held| held.lane == lane).map(|held| held.seq);
        let dying = self.rare.iter().filter_map(|rare| rare.dying.as_ref()).flat_map(|dying| dying.entries());
        let dying = dying.map(|dying| dying.entry.seq);
        let absent = deep.absent.entries().map(|entry| entry.seq);
        let returned = deep.returned.range(first..).map(|(seq, _)| *seq);
        held.chain(dying).chain(absent).chain(returned).filter(|seq| *seq > first).min()
    }

    /// The tail's entries from `chunk.first_seq` to `chunk.last_seq` are written down in the chunk: their bodies leave
    /// memory. The chunk's counts are taken from the entries, whatever the facade put there.
    pub fn spilled(&mut self, lane: u8, mut chunk: ChunkRef, outbox: &mut Outbox) {
        if lane > self.lanes.top() {
            return;
        }
        let freed = self.lanes.edit(lane, |lane| {
            let Some(deep) = &mut lane.deep else { return 0 };
            let len = deep.tail.partition_point(|entry| entry.seq <= chunk.last_seq);
            let Some((first, last)) = deep.tail.front().zip(deep.tail.get(len.wrapping_sub(1))) else {
                return 0;
            };
            (chunk.first_seq, chunk.last_seq) = (first.seq, last.seq);
            chunk.first_expires_at_ms = first.expires_at_ms;
            chunk.count = u32::try_from(len).unwrap_or(u32::MAX);
            let bytes = deep.tail.drain(..len).map(|entry| entry.message.body_len() as u64).sum();
            chunk.body_bytes = bytes;
            deep.tail_bytes -= bytes;
            deep.cold.push_back(ColdChunk::of_record(chunk));
            bytes
        });
        self.let_go(freed, outbox);
    }

    /// What to read for a [`LoadRequest`]. `None` when the chunk is gone meanwhile: forget the request.
    #[must_use]
    pub fn chunk(&self, lane: u8, first_seq: Seq) -> Option<ChunkView<'_>> {
        let dying = self.rare.as_ref().and_then(|rare| rare.dying.as_ref());
        if let Some(run) = dying.and_then(|dying| dying.run(first_seq)) {
            return Some(run.view());
        }
        let deep = self.lanes.get(lane).deep.as_ref()?;
        if let Some(run) = deep.absent.run(first_seq) {
            return Some(run.view());
        }
        let at = deep.cold.binary_search_by_key(&first_seq, |chunk| chunk.first_seq).ok()?;
        deep.cold.get(at).map(ColdChunk::view)
    }

    /// Every cold chunk, lane by lane from the highest, in order.
    pub fn chunks(&self) -> impl Iterator<Item = (u8, ChunkView<'_>)> {
        self.lanes.occupied().flat_map(|(index, lane)| {
            let cold = lane.deep.iter().flat_map(|deep| deep.cold.iter());
            cold.map(move |chunk| (index, chunk.view()))
        })
    }

    /// A requested chunk has been read. Holes that are passed all the same are not served but reported as settled once
    /// more. Entries that a restart made vanish (transient ones) may be missing; the counts follow what is there. Runs
    /// the queue.
    ///
    /// Damaged entries are set aside as [`Self::load_failed`] does with whole chunks: served no longer, counted, and
    /// kept in what a snapshot tells, so that the next start tries again (F5, I1). A purge drops them like the rest.
    pub fn loaded(
        &mut self,
        request: LoadRequest,
        content: ChunkContent,
        now_ms: u64,
        windows: &mut Windows,
        outbox: &mut Outbox,
    ) {
        let Some((origin, chunk)) = self.take_loading(request.lane, request.first_seq) else { return };
        let is_ours = |seq: Seq| chunk.first_seq <= seq && seq <= chunk.last_seq;
        let mut damaged = content.damaged;
        damaged.retain(|entry| is_ours(entry.seq) && !chunk.is_hole(entry.seq));
        match origin {
            Origin::Cold => {
                let entries = self.take_locked(request.lane, &chunk, content.entries, outbox);
                self.take_in_cold(request.lane, &chunk, entries, outbox);
            }
            Origin::Searched(at) => {
                let found = Searched {
                    at,
                    chunk: chunk.clone(),
                    entries: content.entries,
                    is_whole: damaged.is_empty(),
                };
                self.take_in_searched(request.lane, found, windows, outbox);
            }
            Origin::Absent => self.take_in_absent(request.lane, content.entries, outbox),
            Origin::Dying => self.bury_read(content.entries, std::mem::take(&mut damaged), outbox),
        }
        if let Some(damaged) = ColdChunk::of_refs(damaged) {
            self.quarantine(request.lane, damaged, outbox);
        }
        self.run(now_ms, windows, outbox);
    }

    fn take_in_absent(&mut self, lane: u8, entries: Vec<Entry>, outbox: &mut Outbox) {
        let bytes = entries.iter().map(|entry| entry.message.body_len() as u64).sum();
        self.hold(bytes, outbox);
        if self.is_selective() {
            entries.iter().for_each(|entry| self.consumers.look_again(lane, entry.seq));
        }
        self.lanes.edit(lane, |lane| entries.into_iter().for_each(|entry| lane.put_back(entry)));
    }

    fn take_in_cold(&mut self, lane: u8, chunk: &ColdChunk, entries: Vec<Entry>, outbox: &mut Outbox) {
        let is_ours = |seq: Seq| chunk.first_seq <= seq && seq <= chunk.last_seq;
        let mut bytes = 0;
        self.lanes.edit(lane, |lane| {
            for entry in entries {
                if !is_ours(entry.seq) || lane.head.back().is_some_and(|last| last.seq >= entry.seq) {
                    continue;
                }
                if chunk.is_hole(entry.seq) {
                    outbox.settled.extend(entry.location.map(|location| (entry.seq, location)));
                    continue;
                }
                let len = entry.message.body_len() as u64;
                bytes += len;
                lane.count += 1;
                lane.bytes += len;
                lane.head_bytes += len;
                lane.head.push_back(entry);
            }
        });
        self.hold(bytes, outbox);
    }

    /// A requested chunk cannot be read (F5). Its messages are served no longer and count as damaged; the queue goes on
    /// with what stands behind: call [`Self::run`]. False when no such load was under way.
    pub fn load_failed(&mut self, lane: u8, first_seq: Seq, outbox: &mut Outbox) -> bool {
        let Some((_, chunk)) = self.take_loading(lane, first_seq) else { return false };
        self.quarantine(lane, chunk, outbox);
        true
    }

    #[cold]
    fn quarantine(&mut self, lane: u8, mut chunk: ColdChunk, outbox: &mut Outbox) {
        chunk.is_loading = false;
        // No chunk written later may span these: replay would take them to be in it.
        self.lanes.edit(lane, |lane| lane.loaded_last = lane.loaded_last.max(chunk.last_seq));
        self.set_locked_aside(&mut chunk, outbox);
        if chunk.live_count == 0 {
            drop_chunk(chunk, outbox);
            return;
        }
        let rare = self.rare();
        rare.damaged_count += u64::from(chunk.live_count);
        rare.quarantined.push((lane, chunk));
    }

    /// Messages that could not be read, since the start.
    #[must_use]
    pub fn damaged_count(&self) -> u64 {
        self.rare.as_ref().map_or(0, |rare| rare.damaged_count)
    }

    /// Takes out what is being read.
    fn take_loading(&mut self, lane: u8, first_seq: Seq) -> Option<(Origin, ColdChunk)> {
        if let Some(run) = self.take_dying(first_seq) {
            return Some((Origin::Dying, run));
        }
        if lane > self.lanes.top() {
            return None;
        }
        let budget = self.selective_budget();
        self.lanes.edit(lane, |lane| {
            let has_room = lane.is_below(budget);
            let deep = lane.deep.as_mut()?;
            let (origin, chunk) = match deep.absent.take_run(first_seq) {
                Some(run) => (Origin::Absent, run),
                None => {
                    let at = deep.cold.binary_search_by_key(&first_seq, |chunk| chunk.first_seq).ok()?;
                    let chunk = deep.cold.get(at).filter(|chunk| chunk.is_loading)?.clone();
                    deep.cold.remove(at);
                    (if at == 0 && has_room { Origin::Cold } else { Origin::Searched(at) }, chunk)
                }
            };
            lane.count = lane.count.saturating_sub(chunk.live_count.into());
            lane.bytes = lane.bytes.saturating_sub(chunk.live_bytes);
            if matches!(chunk.source, Source::Disk(_)) && !matches!(origin, Origin::Searched(_)) {
                lane.loaded_last = lane.loaded_last.max(chunk.last_seq);
            }
            Some((origin, chunk))
        })
    }

    /// Asks for the first entries of a lane that are not in memory, once.
    #[cold]
    pub(crate) fn request_load(&mut self, lane: u8, outbox: &mut Outbox) {
        self.lanes.edit(lane, |state| {
            if let Some(deep) = state.deep.as_mut().filter(|deep| !deep.absent.is_empty()) {
                let first_seq = deep.absent.start_run();
                outbox.loads.extend(first_seq.map(|first_seq| LoadRequest { lane, first_seq }));
                return;
            }
            let Some(chunk) = state.deep.as_mut().and_then(|deep| deep.cold.front_mut()) else { return };
            if !std::mem::replace(&mut chunk.is_loading, true) {
                outbox.loads.push(LoadRequest { lane, first_seq: chunk.first_seq });
            }
        });
    }

    /// Fills lanes that run low: from the tail, or by asking for the next chunk. A queue that nobody reads asks only
    /// for what has to expire.
    #[inline]
    pub(crate) fn refill(&mut self, now_ms: u64, outbox: &mut Outbox) {
        if self.lanes.top() == 0 && self.lanes.get(0).deep.is_none() {
            return;
        }
        self.refill_deep(now_ms, outbox);
    }

    fn refill_deep(&mut self, now_ms: u64, outbox: &mut Outbox) {
        let budget = self.lanes.budget;
        let has_readers = self.consumers.len() > 0;
        let mut next = self.lanes.highest();
        while let Some(index) = next {
            next = index.checked_sub(1).and_then(|below| self.lanes.highest_to(below));
            let lane = self.lanes.get(index);
            if lane.is_first_absent() {
                if lane.head_expiry_ms() <= now_ms {
                    self.request_load(index, outbox);
                }
                continue;
            }
            if lane.deep.is_none() || !lane.is_low(budget) {
                continue;
            }
            if !lane.has_cold() {
                self.lanes.edit(index, |lane| lane.pull_tail(budget));
                continue;
            }
            let is_due = self.lanes.edit(index, |lane| match lane.front() {
                Front::Cold => lane.head_expiry_ms() <= now_ms,
                Front::Entry(_) | Front::Empty => false,
            });
            if has_readers || is_due {
                self.request_load(index, outbox);
            }
        }
    }
}

/// Where something that is read stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Cold,
    /// A chunk at this place, or the first one when there is no room for it: read so that filters can look at it.
    Searched(usize),
    Absent,
    Dying,
}

/// Reports what a chunk leaves behind when it goes unread.
pub(crate) fn drop_chunk(chunk: ColdChunk, outbox: &mut Outbox) {
    match chunk.source {
        Source::Disk(chunk) => outbox.dropped_chunks.push(chunk),
        Source::Refs(refs) => outbox.settled.extend(refs.iter().map(|entry| (entry.seq, entry.location))),
    }
}
