//! A queue's state for checkpoints, and its way back: snapshot, then the log's records after it.

use std::sync::Arc;

use crate::{
    chunk::{ChunkRef, ColdChunk, Source},
    entry::{Entry, EntryRef, Seq},
    held::DyingEntry,
    lane::Lane,
    machine::Queue,
    settings::QueueSettings,
};

/// A cold chunk in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotChunk {
    /// Its lane.
    pub lane: u8,
    /// The chunk.
    pub chunk: ChunkRef,
    /// Ranges, both ends included, of its entries that are gone; sorted.
    pub holes: Vec<(Seq, Seq)>,
}

/// What of a queue outlives a restart. Consumers, credit and messages without a durable record do not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueSnapshot {
    /// Number that the next message gets.
    pub next_seq: Seq,
    /// Entries below this number may have been handed out before a crash (I4).
    pub redelivered_below: Seq,
    /// Cold chunks, by lane and number. What could not be read is among them and among the
    /// entries: it gets another chance.
    pub chunks: Vec<SnapshotChunk>,
    /// All other entries with a durable record, ready or unsettled, by lane and number.
    pub entries: Vec<(u8, EntryRef)>,
    /// Entries with a durable record that died and are on their way to the dead-letter route, by number.
    pub dying: Vec<DyingEntry>,
}

impl Entry {
    /// The entry without its message; `None` when the log has no record of it.
    #[must_use]
    pub fn to_ref(&self) -> Option<EntryRef> {
        Some(EntryRef {
            seq: self.seq,
            location: self.location?,
            body_len: u32::try_from(self.message.body_len()).unwrap_or(u32::MAX),
            expires_at_ms: self.expires_at_ms,
            failed_count: u16::try_from(self.failed_count).unwrap_or(u16::MAX),
            acquired_count: u16::try_from(self.acquired_count).unwrap_or(u16::MAX),
        })
    }
}

impl Queue {
    /// The state as it is now.
    #[must_use]
    pub fn snapshot(&self) -> QueueSnapshot {
        let mut snapshot = QueueSnapshot {
            next_seq: self.next_seq,
            redelivered_below: self.redelivered_below,
            ..QueueSnapshot::default()
        };
        let mut add_chunk = |lane: u8, chunk: &ColdChunk| match &chunk.source {
            Source::Disk(record) => {
                let holes = chunk.holes.clone();
                snapshot.chunks.push(SnapshotChunk { lane, chunk: record.clone(), holes });
            }
            Source::Refs(refs) => {
                let kept = refs.iter().filter(|entry| entry.location.is_durable);
                snapshot.entries.extend(kept.map(|entry| (lane, *entry)));
            }
        };
        let quarantined = self.rare.iter().flat_map(|rare| &rare.quarantined);
        quarantined.for_each(|(lane, chunk)| add_chunk(*lane, chunk));
        for (index, lane) in self.lanes.occupied() {
            lane.deep.iter().flat_map(|deep| &deep.cold).for_each(|chunk| add_chunk(index, chunk));
        }
        for (index, lane) in self.lanes.occupied() {
            let deep = lane.deep.as_deref();
            let returned = deep.into_iter().flat_map(|deep| deep.returned.values());
            let tail = deep.into_iter().flat_map(|deep| &deep.tail);
            let resident = lane.head.iter().chain(returned).chain(tail).filter_map(Entry::to_ref);
            let absent = deep.into_iter().flat_map(|deep| deep.absent.entries().copied());
            snapshot.entries.extend(resident.chain(absent).map(|entry| (index, entry)));
        }
        snapshot.entries.extend(self.unsettled.iter().filter_map(|held| Some((held.lane, held.to_ref()?))));
        let dying = self.rare.iter().filter_map(|rare| rare.dying.as_ref()).flat_map(|dying| dying.entries());
        snapshot.dying.extend(dying.filter(|dying| dying.entry.location.is_durable));
        snapshot.dying.sort_unstable_by_key(|dying| dying.entry.seq);
        let locks = self.rare.as_ref().and_then(|rare| rare.locks.as_deref());
        let is_gone = |seq: Seq| locks.is_some_and(|locks| locks.is_gone(seq));
        snapshot.entries.retain(|(_, entry)| entry.location.is_durable && !is_gone(entry.seq));
        snapshot.entries.sort_unstable_by_key(|(lane, entry)| (*lane, entry.seq));
        snapshot.chunks.sort_unstable_by_key(|chunk| (chunk.lane, chunk.chunk.first_seq));
        snapshot
    }

    /// A queue in the state of a snapshot, with every entry cold and ready. Replay what the log has after it, then
    /// call [`Self::replay_done`].
    #[must_use]
    pub fn restore(settings: Arc<QueueSettings>, snapshot: QueueSnapshot) -> Self {
        let mut queue = Self::new(settings);
        queue.next_seq = snapshot.next_seq.max(Seq(1));
        queue.redelivered_below = snapshot.redelivered_below;
        snapshot.dying.into_iter().for_each(|dying| queue.replay_dying(dying));
        let mut chunks = snapshot.chunks.into_iter().peekable();
        let mut entries = snapshot.entries.into_iter().peekable();
        loop {
            // Both lists are by lane and number, so that merging them gives each lane in order.
            let chunk_key = chunks.peek().map(|chunk| (chunk.lane, chunk.chunk.first_seq));
            let entry_key = entries.peek().map(|(lane, entry)| (*lane, entry.seq));
            match (chunk_key, entry_key) {
                (None, None) => return queue,
                (Some(chunk), entry) if entry.is_none_or(|entry| chunk < entry) => {
                    if let Some(chunk) = chunks.next() {
                        queue.restore_chunk(chunk);
                    }
                }
                _ => {
                    if let Some((lane, entry)) = entries.next() {
                        queue.append_ref(lane, entry);
                    }
                }
            }
        }
    }

    fn restore_chunk(&mut self, state: SnapshotChunk) {
        let mut chunk = ColdChunk::of_record(state.chunk);
        for (first, last) in state.holes {
            chunk.punch(first, last);
        }
        let index = state.lane.min(self.lanes.top());
        if chunk.live_count > 0 {
            self.lanes.edit(index, |lane| append_cold(lane, chunk));
        }
    }

    fn append_ref(&mut self, lane: u8, entry: EntryRef) {
        let index = lane.min(self.lanes.top());
        self.lanes.edit(index, |lane| {
            let last = lane.deep().cold.back_mut();
            match last.map_or(Err(entry), |chunk| chunk.try_append(entry)) {
                Ok(()) => {
                    lane.count += 1;
                    lane.bytes += u64::from(entry.body_len);
                }
                Err(entry) => append_cold(lane, ColdChunk::of_ref(entry)),
            }
        });
    }

    /// Replays an enqueue. One that the snapshot has already is ignored.
    pub fn replay_push(&mut self, lane: u8, entry: EntryRef) {
        if entry.seq < self.next_seq {
            return;
        }
        self.next_seq = Seq(entry.seq.0 + 1);
        self.append_ref(lane, entry);
    }

    /// Replays a settlement of the entries `first..=last`. Numbers that are not here are ignored.
    pub fn replay_settled(&mut self, first: Seq, last: Seq) {
        self.forget_dying(first, last);
        for index in 0..=self.lanes.top() {
            if self.lanes.get(index).count == 0 {
                continue;
            }
            self.lanes.edit(index, |lane| {
                let Some(deep) = &mut lane.deep else { return };
                let mut at = deep.cold.partition_point(|chunk| chunk.last_seq < first);
                while let Some(chunk) = deep.cold.get_mut(at)
                    && chunk.first_seq <= last
                {
                    let before = (u64::from(chunk.live_count), chunk.live_bytes);
                    chunk.punch(first, last);
                    lane.count -= before.0 - u64::from(chunk.live_count);
                    lane.bytes -= before.1 - chunk.live_bytes;
                    if chunk.live_count == 0 {
                        deep.cold.remove(at);
                    } else {
                        at += 1;
                    }
                }
            });
        }
    }

    /// Replays a spill: the entries of that range of the lane are the chunk from now on. Those of the range that are
    /// not here any more become holes, so that nothing comes back that is gone (I3).
    pub fn replay_chunk(&mut self, lane: u8, record: ChunkRef) {
        let (first, last) = (record.first_seq, record.last_seq);
        let index = lane.min(self.lanes.top());
        self.lanes.edit(index, |lane| {
            let Some(deep) = &mut lane.deep else { return };
            let from = deep.cold.partition_point(|chunk| chunk.last_seq < first);
            let to = deep.cold.partition_point(|chunk| chunk.first_seq <= last).max(from);
            let (mut before, mut inside, mut after) = (Vec::new(), Vec::new(), Vec::new());
            let mut rebuilt: Vec<ColdChunk> = Vec::new();
            for chunk in deep.cold.drain(from..to) {
                lane.count -= u64::from(chunk.live_count);
                lane.bytes -= chunk.live_bytes;
                match chunk.source {
                    Source::Refs(refs) => {
                        for entry in refs {
                            let part = match entry.seq {
                                seq if seq < first => &mut before,
                                seq if seq > last => &mut after,
                                _ => &mut inside,
                            };
                            part.push(entry);
                        }
                    }
                    // The snapshot has the chunk already.
                    Source::Disk(_) => rebuilt.push(chunk),
                }
            }
            let chunk = chunk_of_found(record, &inside);
            rebuilt.extend(ColdChunk::of_refs(before));
            rebuilt.extend(chunk);
            rebuilt.extend(ColdChunk::of_refs(after));
            rebuilt.sort_unstable_by_key(|chunk| chunk.first_seq);
            for (offset, chunk) in rebuilt.into_iter().enumerate() {
                lane.count += u64::from(chunk.live_count);
                lane.bytes += chunk.live_bytes;
                deep.cold.insert(from + offset, chunk);
            }
        });
    }

    /// Replay is over: the queue can be used. After anything but a clean stop, `mark_redelivered`: any message may have
    /// been handed out, so every recovered one is flagged when it is handed out (I4).
    pub fn replay_done(&mut self, mark_redelivered: bool) {
        if mark_redelivered {
            self.redelivered_below = self.next_seq;
        }
        for index in 0..=self.lanes.top() {
            if self.lanes.get(index).count == 0 {
                self.lanes.edit(index, |lane| lane.deep = None);
            }
        }
    }
}

fn append_cold(lane: &mut Lane, chunk: ColdChunk) {
    lane.count += u64::from(chunk.live_count);
    lane.bytes += chunk.live_bytes;
    lane.deep().cold.push_back(chunk);
}

/// The chunk as far as its entries were found; `None` for none.
fn chunk_of_found(mut record: ChunkRef, found: &[EntryRef]) -> Option<ColdChunk> {
    record.first_expires_at_ms = found.first()?.expires_at_ms;
    let is_whole = found.len() == record.count as usize;
    let (first, last) = (record.first_seq, record.last_seq);
    let mut chunk = ColdChunk::of_record(record);
    if !is_whole {
        let mut next = first;
        for entry in found {
            if next < entry.seq {
                chunk.holes.push((next, Seq(entry.seq.0 - 1)));
            }
            next = Seq(entry.seq.0 + 1);
        }
        if next <= last {
            chunk.holes.push((next, last));
        }
        chunk.open = found.len() as u64;
    }
    chunk.live_count = u32::try_from(found.len()).unwrap_or(u32::MAX);
    chunk.live_bytes = found.iter().map(|entry| u64::from(entry.body_len)).sum();
    Some(chunk)
}
