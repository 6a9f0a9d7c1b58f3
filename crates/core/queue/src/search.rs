//! Filters and what is not in memory: a chunk is read, what a filter wants stays in memory, the rest goes out again.
//!
//! Each consumer has looked at everything before its cursor, wherever it is now, so a message is looked at once by each,
//! not again for each new one; what comes back is looked at once more, by its number.

use std::cell::OnceCell;

use ternmq_message::Properties;

use crate::{
    chunk::{ColdChunk, Source},
    consumers::Consumer,
    entry::{Entry, EntryRef, Seq, is_redelivery},
    filter::Candidate,
    machine::Queue,
    outbox::{LoadRequest, Outbox},
    paging::Budget,
    windows::Windows,
};

/// A filtered consumer makes the queue hold up to this many times its budget in memory at its head; beyond that, chunks
/// are looked at and put back.
const SELECTIVE_BUDGETS: u32 = 4;

/// A chunk that was read for filters.
pub(crate) struct Searched {
    /// Where it stood.
    pub(crate) at: usize,
    pub(crate) chunk: ColdChunk,
    pub(crate) entries: Vec<Entry>,
    /// All of its entries could be read.
    pub(crate) is_whole: bool,
}

impl Queue {
    pub(crate) fn selective_budget(&self) -> Budget {
        self.lanes.budget.times(SELECTIVE_BUDGETS)
    }

    /// Whether a consumer may have an entry, whose group another one may own, and wants it.
    pub(crate) fn is_wanted(
        &self,
        consumer: &Consumer,
        entry: &Entry,
        owner: Option<u32>,
        properties: &OnceCell<Properties>,
    ) -> bool {
        if owner.is_some_and(|owner| owner != consumer.key) {
            return false;
        }
        consumer.filter.as_ref().is_none_or(|filter| {
            filter.matches(&Candidate {
                message: &entry.message,
                expires_at_ms: entry.expires_at_ms,
                is_redelivered: is_redelivery(
                    entry.seq,
                    entry.acquired_count,
                    &entry.message,
                    self.redelivered_below,
                ),
                acquired_count: entry.acquired_count,
                properties,
            })
        })
    }

    /// Asks for the first chunk that a consumer with credit has not looked at, once. Answers whether there is one.
    pub(crate) fn request_search(&mut self, lane: u8, windows: &Windows, outbox: &mut Outbox) -> bool {
        let state = self.lanes.get(lane);
        let Some((chunk, seq)) =
            self.consumers.lowest_cursor(lane, windows).and_then(|from| state.cold_from(from))
        else {
            return false;
        };
        let first_seq = chunk.first_seq;
        self.consumers.reach(lane, seq, windows);
        let asked = self.lanes.edit(lane, |lane| {
            let deep = lane.deep.as_mut()?;
            let at = deep.cold.binary_search_by_key(&first_seq, |chunk| chunk.first_seq).ok()?;
            let chunk = deep.cold.get_mut(at)?;
            (!std::mem::replace(&mut chunk.is_loading, true)).then_some(first_seq)
        });
        outbox.loads.extend(asked.map(|first_seq| LoadRequest { lane, first_seq }));
        true
    }

    /// Whether something is ready that a consumer with credit has not looked at, after [`Self::run`]: what it has left is for
    /// others. Where order alone decides it is whatever is ready.
    #[must_use]
    pub fn has_more_for(&self, key: u32) -> bool {
        if !self.is_selective() {
            return self.lanes.count > 0;
        }
        let Some(consumer) = self.consumers.find(key) else { return false };
        self.lanes.occupied().any(|(lane, state)| {
            let cursor = consumer.cursor(lane);
            let is_here = |seq: Seq| state.find(seq).is_some_and(|(_, entry)| entry.seq == seq);
            state.has_absent()
                || state.cold_from(cursor).is_some()
                || state.find(cursor).is_some()
                || consumer.again_in(lane).any(is_here)
        })
    }

    /// Filters look at a chunk that was read. One in which nothing is wanted stays as it was; of another what is left is
    /// a list in memory from now on.
    pub(crate) fn take_in_searched(
        &mut self,
        lane: u8,
        searched: Searched,
        windows: &Windows,
        outbox: &mut Outbox,
    ) {
        let Searched { at, mut chunk, entries, is_whole } = searched;
        let range = (chunk.first_seq, chunk.last_seq);
        let there = self.consumers.at_chunk(lane, range, windows);
        let mut consumers = std::mem::take(&mut self.consumers);
        let (mut found, mut left): (Vec<Entry>, Vec<EntryRef>) = (Vec::new(), Vec::new());
        let (mut gone, mut refused) = (Vec::new(), Vec::new());
        for entry in entries {
            if entry.seq < chunk.first_seq || entry.seq > chunk.last_seq {
                continue;
            }
            if chunk.is_hole(entry.seq) {
                gone.extend(entry.location.map(|location| (entry.seq, location)));
                continue;
            }
            let properties = OnceCell::new();
            let is_locked = self.is_locked(entry.seq);
            let owner = self.owner_of(&entry.message, &consumers).filter(|_| !is_locked);
            let wants =
                |consumer: &Consumer| !is_locked && self.is_wanted(consumer, &entry, owner, &properties);
            let mut is_found = consumers.find_in_chunk(&there, lane, entry.seq, wants);
            if let (false, Some(owner)) = (is_found, owner) {
                is_found = consumers.remind(owner, lane, entry.seq);
                refused.extend(self.group_of(&entry.message).map(|group| (group, entry.seq)));
            }
            match entry.to_ref().filter(|_| !is_found) {
                Some(entry) => left.push(entry),
                None => found.push(entry),
            }
        }
        let deep = self.lanes.get(lane).deep.as_ref();
        let resident = deep.map(|deep| deep.returned.range(range.0..=range.1).map(|(seq, _)| *seq));
        let resident: Vec<Seq> = resident.into_iter().flatten().collect();
        consumers.pass_chunk(&there, lane, range.1, &resident);
        self.consumers = consumers;
        for (group, seq) in refused {
            self.note_refused(Some(group), seq);
        }
        let bytes = found.iter().map(|entry| entry.message.body_len() as u64).sum();
        self.hold(bytes, outbox);
        self.lanes.edit(lane, |lane| {
            let is_kept = found.is_empty() && is_whole;
            let back = if is_kept {
                chunk.is_loading = false;
                Some(chunk)
            } else {
                if matches!(chunk.source, Source::Disk(_)) {
                    lane.loaded_last = lane.loaded_last.max(chunk.last_seq);
                }
                outbox.settled.append(&mut gone);
                ColdChunk::of_refs(left)
            };
            lane.count += found.len() as u64 + back.as_ref().map_or(0, |back| u64::from(back.live_count));
            lane.bytes += bytes + back.as_ref().map_or(0, |back| back.live_bytes);
            let deep = lane.deep();
            if let Some(back) = back {
                deep.cold.insert(at.min(deep.cold.len()), back);
            }
            deep.returned.extend(found.into_iter().map(|entry| (entry.seq, entry)));
        });
    }
}
