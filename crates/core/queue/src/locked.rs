//! Entries that something outside holds over a restart: a transaction that was prepared before it has settled them, and
//! nobody knows yet whether that will count (I6). Before the restart such an entry is unsettled like any other; after it
//! the entry is known by its number alone and cold. A mark keeps it from being handed out, shown, expired or purged.

use std::collections::BTreeMap;

use crate::{
    chunk::{ColdChunk, Source},
    entry::{Entry, EntryRef, Seq},
    lane::Lane,
    machine::Queue,
    outbox::{NO_CONSUMER, Outbox},
    paging::drop_chunk,
    settle::Blame,
    unsettled::Held,
};

/// Where a locked entry is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lock {
    /// In a cold chunk.
    Cold,
    /// Among the unsettled entries, in this slot.
    Held(u32),
    /// Gone for good, but on its way from the log: dropped when it comes.
    Gone,
    /// Set aside with what could not be read (F5).
    Damaged,
}

/// The marks, by number.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    all: BTreeMap<Seq, Lock>,
}

impl Locks {
    /// Entries that cold chunks still count.
    fn count_cold(&self) -> u64 {
        self.all.values().filter(|lock| matches!(lock, Lock::Cold | Lock::Gone)).count() as u64
    }

    /// Whether a cold entry of this number is nobody's to see.
    pub(crate) fn hides(&self, seq: Seq) -> bool {
        self.all.contains_key(&seq)
    }

    /// Whether a snapshot has to leave the entry out.
    pub(crate) fn is_gone(&self, seq: Seq) -> bool {
        self.all.get(&seq) == Some(&Lock::Gone)
    }

    /// Numbers of the entries that are locked and in the log only, from `first` to `last`.
    fn unread_in(&self, first: Seq, last: Seq) -> Vec<Seq> {
        let inside = self.all.range(first..=last);
        inside.filter(|(_, lock)| matches!(lock, Lock::Cold | Lock::Damaged)).map(|(seq, _)| *seq).collect()
    }
}

impl Queue {
    fn locks(&self) -> Option<&Locks> {
        self.rare.as_ref()?.locks.as_deref()
    }

    fn locks_mut(&mut self) -> Option<&mut Locks> {
        self.rare.as_mut()?.locks.as_deref_mut()
    }

    /// Whether the entry may not be shown or handed out: it is locked.
    #[must_use]
    pub fn is_locked(&self, seq: Seq) -> bool {
        self.locks().is_some_and(|locks| locks.hides(seq))
    }

    /// Entries that cold chunks count and that are not ready, because they are locked.
    pub fn cold_locked_count(&self) -> u64 {
        self.locks().map_or(0, Locks::count_cold)
    }

    /// Locks a cold entry at the end of a recovery, before anything is handed out. False when there is none.
    pub fn lock(&mut self, seq: Seq) -> bool {
        let is_there = (0..=self.lanes.top()).any(|lane| self.lanes.get(lane).holds_cold(seq));
        if is_there {
            self.rare().locks.get_or_insert_default().all.insert(seq, Lock::Cold);
        }
        is_there
    }

    /// The entry is done with. False when it is not locked.
    pub fn accept_locked(&mut self, seq: Seq, outbox: &mut Outbox) -> bool {
        match self.locks_mut().and_then(|locks| locks.all.remove(&seq)) {
            None => return false,
            Some(Lock::Held(slot)) => {
                self.accept(slot, seq, outbox);
            }
            Some(Lock::Cold | Lock::Damaged) => self.drop_unread(seq, outbox),
            Some(Lock::Gone) => self.mark_gone(seq),
        }
        true
    }

    /// The entry is ready again in its old place (I5); nobody's failure, as the restart came between (F17). False when it
    /// is not locked.
    pub fn unlock(&mut self, seq: Seq, now_ms: u64, outbox: &mut Outbox) -> bool {
        match self.locks_mut().and_then(|locks| locks.all.remove(&seq)) {
            None => return false,
            Some(Lock::Held(slot)) => {
                self.give_back(slot, seq, Blame::Broker, now_ms, outbox);
            }
            // Filters have passed it by.
            Some(Lock::Cold) => self.consumers.rewind_all(),
            Some(Lock::Gone) => self.mark_gone(seq),
            // It stays set aside, as it would have been without the lock.
            Some(Lock::Damaged) => {}
        }
        true
    }

    fn mark_gone(&mut self, seq: Seq) {
        self.rare().locks.get_or_insert_default().all.insert(seq, Lock::Gone);
    }

    /// An entry that is in the log only is gone for good.
    fn drop_unread(&mut self, seq: Seq, outbox: &mut Outbox) {
        let mut is_coming = false;
        for index in 0..=self.lanes.top() {
            if self.lanes.get(index).holds_cold(seq) {
                is_coming |= self.lanes.edit(index, |lane| lane.drop_cold(seq, outbox));
            }
        }
        if is_coming {
            self.mark_gone(seq);
        }
        self.drop_damaged(seq, outbox);
    }

    fn drop_damaged(&mut self, seq: Seq, outbox: &mut Outbox) {
        let Some(rare) = &mut self.rare else { return };
        for (_, chunk) in rare.quarantined.iter_mut().filter(|(_, chunk)| chunk.holds(seq)) {
            let before = u64::from(chunk.live_count);
            chunk.take_out(seq, outbox);
            rare.damaged_count -= before - u64::from(chunk.live_count);
        }
        for (_, chunk) in rare.quarantined.extract_if(.., |(_, chunk)| chunk.live_count == 0) {
            drop_chunk(chunk, outbox);
        }
    }

    /// A chunk is about to be set aside because it cannot be read: its locked entries go with it, and those that are
    /// gone for good are taken out of it.
    pub(crate) fn set_locked_aside(&mut self, chunk: &mut ColdChunk, outbox: &mut Outbox) {
        let Some(locks) = self.rare.as_mut().and_then(|rare| rare.locks.as_deref_mut()) else { return };
        let mut gone = Vec::new();
        for (&seq, lock) in locks.all.range_mut(chunk.first_seq..=chunk.last_seq) {
            // What a list in the log says is not known here: it may be another lane's entry.
            let is_elsewhere = || (0..=self.lanes.top()).any(|lane| self.lanes.get(lane).holds_cold(seq));
            match lock {
                Lock::Cold if chunk.holds(seq) && !is_elsewhere() => *lock = Lock::Damaged,
                Lock::Gone if chunk.holds(seq) && !is_elsewhere() => gone.push(seq),
                Lock::Cold | Lock::Gone | Lock::Held(_) | Lock::Damaged => {}
            }
        }
        for seq in gone {
            chunk.take_out(seq, outbox);
            self.forget_lock(seq);
        }
    }

    /// Takes the locked entries out of what came from a cold chunk: they are unsettled from now on.
    pub(crate) fn take_locked(
        &mut self,
        lane: u8,
        chunk: &ColdChunk,
        entries: Vec<Entry>,
        outbox: &mut Outbox,
    ) -> Vec<Entry> {
        if self.locks().is_none() {
            return entries;
        }
        let is_ours = |seq: Seq| chunk.first_seq <= seq && seq <= chunk.last_seq && !chunk.is_hole(seq);
        let (locked, free): (Vec<Entry>, Vec<Entry>) =
            entries.into_iter().partition(|entry| is_ours(entry.seq) && self.is_locked(entry.seq));
        for entry in locked {
            let Some(kept) = entry.to_ref() else { continue };
            if self.locks().is_some_and(|locks| locks.is_gone(entry.seq)) {
                outbox.settled.push((kept.seq, kept.location));
                self.forget_lock(entry.seq);
                continue;
            }
            let slot = self.unsettled.insert(held_of(lane, &kept), None);
            if let Some(lock) = self.locks_mut().and_then(|locks| locks.all.get_mut(&entry.seq)) {
                *lock = Lock::Held(slot);
            }
        }
        free
    }

    fn forget_lock(&mut self, seq: Seq) {
        if let Some(locks) = self.locks_mut() {
            locks.all.remove(&seq);
        }
    }

    /// All locks are off: the queue ends.
    pub(crate) fn drop_locks(&mut self) {
        if let Some(rare) = &mut self.rare {
            rare.locks = None;
        }
    }

    /// A purge takes all but the locked entries out of a cold chunk. False when it has none of them: it can go as it is.
    pub(crate) fn purge_around_locks(&mut self, chunk: &mut ColdChunk, outbox: &mut Outbox) -> bool {
        let locked = self.locks().map(|locks| locks.unread_in(chunk.first_seq, chunk.last_seq));
        let mut locked = locked.unwrap_or_default();
        locked.retain(|seq| chunk.holds(*seq));
        if locked.is_empty() {
            return false;
        }
        if let Source::Refs(refs) = &mut chunk.source {
            let gone: Vec<EntryRef> =
                refs.iter().filter(|entry| !locked.contains(&entry.seq)).copied().collect();
            for entry in gone {
                if chunk.is_loading {
                    outbox.settled_ranges.push((entry.seq, entry.seq));
                    self.mark_gone(entry.seq);
                } else {
                    outbox.settled.push((entry.seq, entry.location));
                    chunk.punch(entry.seq, entry.seq);
                }
            }
            return true;
        }
        let (first, last) = (chunk.first_seq, chunk.last_seq);
        gaps(first, last, &locked).for_each(|(from, to)| chunk.punch(from, to));
        // Entries of other lanes have numbers of the range, and consumers may hold some.
        locked.extend(self.unsettled.iter().map(|held| held.seq).filter(|seq| first <= *seq && *seq <= last));
        locked.sort_unstable();
        outbox.settled_ranges.extend(gaps(first, last, &locked));
        true
    }

    /// Numbers of the locked entries that are in the log only, sorted.
    #[must_use]
    pub fn cold_locked(&self) -> Vec<Seq> {
        self.locks().map(|locks| locks.unread_in(Seq(0), Seq(u64::MAX))).unwrap_or_default()
    }
}

/// The ranges of numbers from `first` to `last` that lie between some, which are sorted.
fn gaps(first: Seq, last: Seq, between: &[Seq]) -> impl Iterator<Item = (Seq, Seq)> {
    let starts = [first].into_iter().chain(between.iter().map(|seq| Seq(seq.0.saturating_add(1))));
    let ends = between.iter().copied().chain([Seq(last.0.saturating_add(1))]);
    starts.zip(ends).filter(|(start, end)| start < end).map(|(start, end)| (start, Seq(end.0 - 1)))
}

fn held_of(lane: u8, entry: &EntryRef) -> Held {
    Held {
        seq: entry.seq,
        location: Some(entry.location),
        expires_at_ms: entry.expires_at_ms,
        failed_count: entry.failed_count.into(),
        acquired_count: entry.acquired_count.into(),
        body_len: entry.body_len,
        message: Held::IN_LOG,
        consumer: NO_CONSUMER,
        place: 0,
        lane,
    }
}

impl ColdChunk {
    /// Whether an entry of this number is or may be in it.
    fn holds(&self, seq: Seq) -> bool {
        let is_listed = match &self.source {
            Source::Refs(refs) => refs.binary_search_by_key(&seq, |entry| entry.seq).is_ok(),
            Source::Disk(_) => self.first_seq <= seq && seq <= self.last_seq,
        };
        is_listed && !self.is_hole(seq)
    }

    /// Takes an entry out that is gone for good.
    fn take_out(&mut self, seq: Seq, outbox: &mut Outbox) {
        match &self.source {
            Source::Refs(refs) => {
                let found = refs.iter().find(|entry| entry.seq == seq);
                outbox.settled.extend(found.map(|entry| (seq, entry.location)));
            }
            // Its record is let go when the chunk is read or dropped.
            Source::Disk(_) => outbox.settled_ranges.push((seq, seq)),
        }
        self.punch(seq, seq);
    }
}

impl Lane {
    fn cold_place(&self, seq: Seq) -> Option<usize> {
        let cold = &self.deep.as_ref()?.cold;
        let at = cold.partition_point(|chunk| chunk.last_seq < seq);
        cold.get(at).filter(|chunk| chunk.holds(seq)).map(|_| at)
    }

    fn holds_cold(&self, seq: Seq) -> bool {
        self.cold_place(seq).is_some()
    }

    /// Takes an entry out of its cold chunk. True when it is coming from the log right now: it has to be dropped then.
    fn drop_cold(&mut self, seq: Seq, outbox: &mut Outbox) -> bool {
        let Some(at) = self.cold_place(seq) else { return false };
        let Some(deep) = &mut self.deep else { return false };
        let Some(chunk) = deep.cold.get_mut(at) else { return false };
        let before = (u64::from(chunk.live_count), chunk.live_bytes);
        if chunk.is_loading && matches!(chunk.source, Source::Refs(_)) {
            outbox.settled_ranges.push((seq, seq));
            return true;
        }
        chunk.take_out(seq, outbox);
        self.count -= before.0 - u64::from(chunk.live_count);
        self.bytes -= before.1 - chunk.live_bytes;
        if chunk.live_count == 0
            && !chunk.is_loading
            && let Some(chunk) = deep.cold.remove(at)
            && let Source::Disk(list) = chunk.source
        {
            outbox.dropped_chunks.push(list);
        }
        false
    }
}
