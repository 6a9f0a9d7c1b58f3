//! One priority's ready entries in order, and all priorities together.
//!
//! ```text
//! oldest                                                        newest
//! [ head: in memory ] [ cold: chunks in the log ] [ tail: in memory, not yet spilled ]
//!   + returned: given back, or found by a filter, merged with all of it by number
//!   + absent: given back without a body, merged too
//! ```
//! Invariants: head comes before cold, cold before tail; without a backlog only head is used. No chunk's range holds a
//! number that is returned, absent or with a consumer, but of entries that were taken from it after it was read.

use std::collections::{BTreeMap, VecDeque};

use crate::{
    absent::Absent,
    chunk::ColdChunk,
    entry::{Entry, EntryRef, Seq},
    paging::Budget,
};

/// Rare state of a lane, boxed so that an idle queue is small.
#[derive(Debug, Default)]
pub(crate) struct Deep {
    pub(crate) returned: BTreeMap<Seq, Entry>,
    pub(crate) absent: Absent,
    pub(crate) cold: VecDeque<ColdChunk>,
    pub(crate) tail: VecDeque<Entry>,
    pub(crate) tail_bytes: u64,
    pub(crate) is_spill_asked: bool,
    /// Last number that was taken out of the tail's middle.
    pub(crate) picked_last: Seq,
}

/// Ready entries of one priority.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    pub(crate) head: VecDeque<Entry>,
    pub(crate) head_bytes: u64,
    /// Ready entries, cold ones too.
    pub(crate) count: u64,
    /// Bytes of their bodies.
    pub(crate) bytes: u64,
    /// Last entry that came into the head from a chunk in the log. Never goes back: it may come back from a consumer.
    pub(crate) loaded_last: Seq,
    pub(crate) deep: Option<Box<Deep>>,
}

/// What stands first in a lane.
#[derive(Debug)]
pub(crate) enum Front<'a> {
    Entry(&'a Entry),
    /// The first one is in the log: it has to be loaded.
    Cold,
    Empty,
}

/// Where a resident entry stands in its lane.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Head(usize),
    Returned(Seq),
    Tail(usize),
}

impl Deep {
    /// First number behind the head: cold, or in the tail.
    fn first_behind(&self) -> Option<Seq> {
        let cold = self.cold.front().map(|chunk| chunk.first_seq);
        cold.or_else(|| self.tail.front().map(|entry| entry.seq))
    }
}

impl Lane {
    pub(crate) fn deep(&mut self) -> &mut Deep {
        self.deep.get_or_insert_default()
    }

    pub(crate) fn has_cold(&self) -> bool {
        self.deep.as_ref().is_some_and(|deep| !deep.cold.is_empty())
    }

    pub(crate) fn has_absent(&self) -> bool {
        self.deep.as_ref().is_some_and(|deep| !deep.absent.is_empty())
    }

    fn fits(&self, budget: Budget) -> bool {
        self.head.len() < budget.entries as usize && self.head_bytes < budget.bytes
    }

    /// Head is so short that the next chunk should come.
    pub(crate) fn is_low(&self, budget: Budget) -> bool {
        self.head.len() < (budget.entries as usize).div_ceil(2) && self.head_bytes < budget.bytes.div_ceil(2)
    }

    /// Appends a new entry. True when the tail should be spilled now.
    #[inline]
    pub(crate) fn push(&mut self, entry: Entry, budget: Budget) -> bool {
        let len = entry.message.body_len() as u64;
        self.count += 1;
        self.bytes += len;
        let is_direct = match &self.deep {
            None => true,
            Some(deep) => deep.cold.is_empty() && deep.tail.is_empty(),
        };
        if is_direct && self.fits(budget) {
            self.head_bytes += len;
            self.head.push_back(entry);
            return false;
        }
        self.push_tail(entry, len, budget)
    }

    #[cold]
    fn push_tail(&mut self, entry: Entry, len: u64, budget: Budget) -> bool {
        let deep = self.deep();
        deep.tail_bytes += len;
        deep.tail.push_back(entry);
        if !budget.is_tail_full(deep.tail.len(), deep.tail_bytes) {
            return false;
        }
        if self.is_low(budget) {
            self.pull_tail(budget);
        }
        let deep = self.deep();
        if deep.is_spill_asked || !budget.is_tail_full(deep.tail.len(), deep.tail_bytes) {
            return false;
        }
        deep.is_spill_asked = true;
        true
    }

    /// Moves the tail into the head as far as the budget allows, when nothing cold stands between them.
    pub(crate) fn pull_tail(&mut self, budget: Budget) {
        if self.has_cold() {
            return;
        }
        while self.fits(budget) {
            let Some(deep) = &mut self.deep else { return };
            let Some(entry) = deep.tail.pop_front() else { return };
            let len = entry.message.body_len() as u64;
            deep.tail_bytes -= len;
            self.head_bytes += len;
            self.head.push_back(entry);
        }
    }

    /// What stands first. Takes the tail as the head when nothing else is left.
    #[inline]
    pub(crate) fn front(&mut self) -> Front<'_> {
        if self.deep.is_none() {
            return self.head.front().map_or(Front::Empty, Front::Entry);
        }
        self.front_deep()
    }

    fn front_deep(&mut self) -> Front<'_> {
        let Some(deep) = &mut self.deep else { return Front::Empty };
        if self.head.is_empty() && deep.cold.is_empty() && !deep.tail.is_empty() {
            std::mem::swap(&mut self.head, &mut deep.tail);
            self.head_bytes = std::mem::take(&mut deep.tail_bytes);
        }
        let first = match (deep.returned.first_key_value(), self.head.front()) {
            (Some((&seq, entry)), Some(first)) if seq < first.seq => entry,
            (_, Some(first)) => first,
            (Some((_, entry)), None) => entry,
            (None, None) if deep.absent.is_empty() && deep.cold.is_empty() => return Front::Empty,
            (None, None) => return Front::Cold,
        };
        let cold = deep.cold.front().map(|chunk| chunk.first_seq);
        if deep.absent.first_seq().into_iter().chain(cold).any(|seq| seq < first.seq) {
            return Front::Cold;
        }
        Front::Entry(first)
    }

    /// Takes the first entry, if it is in memory.
    #[inline]
    pub(crate) fn take_front(&mut self) -> Option<Entry> {
        if self.deep.is_none() {
            let entry = self.head.pop_front()?;
            let len = entry.message.body_len() as u64;
            self.head_bytes -= len;
            self.count -= 1;
            self.bytes -= len;
            return Some(entry);
        }
        match self.front() {
            Front::Entry(_) => self.pop(),
            Front::Cold | Front::Empty => None,
        }
    }

    /// Takes the first resident entry: what [`Self::front`] showed.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Entry> {
        if let Some(deep) = &mut self.deep
            && let Some((&seq, _)) = deep.returned.first_key_value()
            && self.head.front().is_none_or(|first| seq < first.seq)
        {
            let (_, entry) = deep.returned.pop_first()?;
            self.count -= 1;
            self.bytes -= entry.message.body_len() as u64;
            return Some(entry);
        }
        let entry = self.head.pop_front()?;
        let len = entry.message.body_len() as u64;
        self.head_bytes -= len;
        self.count -= 1;
        self.bytes -= len;
        Some(entry)
    }

    /// Puts an entry back into its old place (I5).
    pub(crate) fn put_back(&mut self, entry: Entry) {
        let len = entry.message.body_len() as u64;
        self.count += 1;
        self.bytes += len;
        // The head ends where what is behind it begins.
        let behind = self.deep.as_ref().and_then(|deep| deep.first_behind());
        let is_behind = behind.is_some_and(|seq| seq < entry.seq);
        let is_before = !is_behind && self.head.front().is_none_or(|first| entry.seq < first.seq);
        let is_after = !is_behind && self.head.back().is_some_and(|last| entry.seq > last.seq);
        if is_before || is_after {
            self.head_bytes += len;
            if is_before {
                self.head.push_front(entry);
            } else {
                self.head.push_back(entry);
            }
        } else {
            self.deep().returned.insert(entry.seq, entry);
        }
    }

    /// Puts an entry back whose body has left memory.
    pub(crate) fn put_back_absent(&mut self, entry: EntryRef) {
        self.count += 1;
        self.bytes += u64::from(entry.body_len);
        self.deep().absent.insert(entry);
    }

    /// The first one was given back without its body.
    pub(crate) fn is_first_absent(&self) -> bool {
        let Some(deep) = &self.deep else { return false };
        let Some(seq) = deep.absent.first_seq() else { return false };
        let head = self.head.front().map(|entry| entry.seq);
        let others = [head, deep.returned.keys().next().copied(), deep.first_behind()];
        others.into_iter().flatten().all(|first| seq < first)
    }

    /// First resident entry from `from` on.
    pub(crate) fn find(&self, from: Seq) -> Option<(Place, &Entry)> {
        let index = self.head.partition_point(|entry| entry.seq < from);
        let in_head = self.head.get(index).map(|entry| (Place::Head(index), entry));
        let Some(deep) = &self.deep else { return in_head };
        let returned = deep.returned.range(from..).next().map(|(&seq, entry)| (Place::Returned(seq), entry));
        let index = deep.tail.partition_point(|entry| entry.seq < from);
        let in_tail = deep.tail.get(index).map(|entry| (Place::Tail(index), entry));
        [in_head, returned, in_tail].into_iter().flatten().min_by_key(|(_, entry)| entry.seq)
    }

    /// First chunk that ends at `from` or behind it, with the first number from there on that it may hold.
    pub(crate) fn cold_from(&self, from: Seq) -> Option<(&ColdChunk, Seq)> {
        let cold = &self.deep.as_ref()?.cold;
        let chunk = cold.get(cold.partition_point(|chunk| chunk.last_seq < from))?;
        Some((chunk, chunk.first_seq.max(from)))
    }

    /// Takes an entry from anywhere among the resident ones.
    pub(crate) fn remove(&mut self, place: Place) -> Option<Entry> {
        let entry = match place {
            Place::Head(index) => {
                let entry = self.head.remove(index)?;
                self.head_bytes -= entry.message.body_len() as u64;
                entry
            }
            Place::Returned(seq) => self.deep.as_mut()?.returned.remove(&seq)?,
            Place::Tail(index) => {
                let deep = self.deep.as_mut()?;
                let entry = deep.tail.remove(index)?;
                deep.tail_bytes -= entry.message.body_len() as u64;
                deep.picked_last = deep.picked_last.max(entry.seq);
                entry
            }
        };
        self.count -= 1;
        self.bytes -= entry.message.body_len() as u64;
        Some(entry)
    }

    /// When the entry at the head expires; `u64::MAX` never, or a load that will tell is under way.
    pub(crate) fn head_expiry_ms(&self) -> u64 {
        let head = self.head.front();
        let Some(deep) = &self.deep else { return head.map_or(u64::MAX, |entry| entry.expires_at_ms) };
        if self.is_first_absent() {
            return deep.absent.first_expires_at_ms();
        }
        let behind = deep.first_behind();
        let returned = deep.returned.first_key_value().map(|(_, entry)| entry);
        let returned = returned.filter(|entry| behind.is_none_or(|seq| entry.seq < seq));
        match (head, returned) {
            (Some(a), Some(b)) => if a.seq < b.seq { a } else { b }.expires_at_ms,
            (Some(entry), None) | (None, Some(entry)) => entry.expires_at_ms,
            (None, None) => match (deep.cold.front(), deep.tail.front()) {
                (Some(chunk), _) if chunk.is_loading => u64::MAX,
                (Some(chunk), _) => chunk.first_expires_at_ms(),
                (None, Some(entry)) => entry.expires_at_ms,
                (None, None) => u64::MAX,
            },
        }
    }

    /// Number of the first ready entry.
    pub(crate) fn first_seq(&self) -> Option<Seq> {
        let deep = self.deep.as_ref();
        let firsts = [
            self.head.front().map(|entry| entry.seq),
            deep.and_then(|deep| deep.returned.keys().next().copied()),
            deep.and_then(|deep| deep.absent.first_seq()),
            deep.and_then(|deep| deep.cold.front().map(|chunk| chunk.first_seq)),
            deep.and_then(|deep| deep.tail.front().map(|entry| entry.seq)),
        ];
        firsts.into_iter().flatten().min()
    }

    /// Gives memory back that a burst left behind.
    pub(crate) fn compact(&mut self) {
        if self.head.capacity() > self.head.len() * 2 + 16 {
            self.head.shrink_to(self.head.len());
        }
        if let Some(deep) = &mut self.deep {
            if self.head.is_empty()
                && deep.returned.is_empty()
                && deep.absent.is_empty()
                && deep.cold.is_empty()
                && deep.tail.is_empty()
            {
                self.deep = None;
            } else {
                deep.tail.shrink_to(deep.tail.len());
                deep.cold.shrink_to(deep.cold.len());
            }
        }
    }
}

/// The lanes above the lowest, and which of all lanes hold anything.
#[derive(Debug)]
struct Upper {
    lanes: Vec<Lane>,
    occupied: [u64; 4],
}

/// All lanes of a queue.
#[derive(Debug)]
pub(crate) struct Lanes {
    first: Lane,
    upper: Option<Box<Upper>>,
    pub(crate) count: u64,
    pub(crate) bytes: u64,
    /// Budget of each lane.
    pub(crate) budget: Budget,
}

impl Lanes {
    /// One lane, or one for each priority up to `max_priority`.
    pub(crate) fn new(max_priority: Option<u8>) -> Self {
        let upper = max_priority.filter(|&most| most > 0).map(|most| {
            let lanes = std::iter::repeat_with(Lane::default).take(most.into()).collect();
            Box::new(Upper { lanes, occupied: [0; 4] })
        });
        let mut lanes = Self { first: Lane::default(), upper, count: 0, bytes: 0, budget: Budget::default() };
        lanes.set_budget(Budget::default());
        lanes
    }

    /// Shares the queue's budget out to the lanes.
    pub(crate) fn set_budget(&mut self, budget: Budget) {
        self.budget = budget.share(self.top());
    }

    /// The highest lane there is.
    pub(crate) fn top(&self) -> u8 {
        self.upper.as_ref().map_or(0, |upper| u8::try_from(upper.lanes.len()).unwrap_or(u8::MAX))
    }

    /// Lane of a priority: clamped to the highest.
    #[inline]
    pub(crate) fn lane_of(&self, priority: u8) -> u8 {
        if self.upper.is_none() { 0 } else { priority.min(self.top()) }
    }

    #[inline]
    pub(crate) fn get(&self, lane: u8) -> &Lane {
        match &self.upper {
            Some(upper) if lane > 0 => upper.lanes.get(usize::from(lane) - 1).unwrap_or(&self.first),
            _ => &self.first,
        }
    }

    /// A lane for changes that leave its counts alone.
    pub(crate) fn get_mut(&mut self, lane: u8) -> &mut Lane {
        match &mut self.upper {
            Some(upper) if lane > 0 => upper.lanes.get_mut(usize::from(lane) - 1).unwrap_or(&mut self.first),
            _ => &mut self.first,
        }
    }

    /// Changes one lane and keeps the totals right. A lane past the highest is the lowest.
    #[inline]
    pub(crate) fn edit<R>(&mut self, lane: u8, change: impl FnOnce(&mut Lane) -> R) -> R {
        let Some(upper) = &mut self.upper else {
            let result = change(&mut self.first);
            (self.count, self.bytes) = (self.first.count, self.first.bytes);
            return result;
        };
        let slot = usize::from(lane).checked_sub(1);
        let (lane, target) = match slot.and_then(|slot| upper.lanes.get_mut(slot)) {
            Some(target) => (lane, target),
            None => (0, &mut self.first),
        };
        let before = (target.count, target.bytes);
        let result = change(target);
        self.count = self.count - before.0 + target.count;
        self.bytes = self.bytes - before.1 + target.bytes;
        let is_occupied = target.count > 0;
        if let Some(word) = upper.occupied.get_mut(usize::from(lane >> 6)) {
            let bit = 1_u64 << (lane & 63);
            *word = if is_occupied { *word | bit } else { *word & !bit };
        }
        result
    }

    /// Highest lane that holds anything.
    #[inline]
    pub(crate) fn highest(&self) -> Option<u8> {
        if self.count == 0 {
            return None;
        }
        if self.upper.is_none() { Some(0) } else { self.highest_to(u8::MAX) }
    }

    /// Highest lane up to `most` that holds anything.
    pub(crate) fn highest_to(&self, most: u8) -> Option<u8> {
        let Some(upper) = &self.upper else { return (self.first.count > 0).then_some(0) };
        let keep = u64::MAX >> (63 - (most & 63));
        for word in (0..=usize::from(most >> 6)).rev() {
            let mut bits = upper.occupied.get(word).copied().unwrap_or(0);
            if word == usize::from(most >> 6) {
                bits &= keep;
            }
            if bits != 0 {
                return u8::try_from(word * 64 + 63 - bits.leading_zeros() as usize).ok();
            }
        }
        None
    }

    /// Lowest lane that holds anything.
    pub(crate) fn lowest(&self) -> Option<u8> {
        let Some(upper) = &self.upper else { return (self.first.count > 0).then_some(0) };
        let word = upper.occupied.iter().position(|&bits| bits != 0)?;
        let bits = upper.occupied.get(word)?;
        u8::try_from(word * 64 + bits.trailing_zeros() as usize).ok()
    }

    /// Lanes that hold anything, highest first.
    pub(crate) fn occupied(&self) -> impl Iterator<Item = (u8, &Lane)> {
        let mut next = self.highest();
        std::iter::from_fn(move || {
            let lane = next?;
            next = lane.checked_sub(1).and_then(|below| self.highest_to(below));
            Some((lane, self.get(lane)))
        })
    }
}
