//! Who gets the next message: priority first, round-robin among equals, one active consumer when asked, credit always.

use std::{collections::BTreeSet, sync::Arc};

use smallvec::SmallVec;

use crate::{
    entry::Seq,
    filter::{Candidate, Filter},
    machine::Mode,
    windows::{SessionIndex, ShareIndex, Windows},
};

/// Credit of one consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// As many as come.
    Unlimited,
    /// At most this many unsettled deliveries. Means nothing to a consumer that needs no settlement.
    Sliding(u32),
    /// This many deliveries more, whatever is unsettled.
    Credit(u32),
    /// What is left of a window that it shares with consumers of other queues.
    Shared(ShareIndex),
}

/// A consumer to add.
#[derive(Clone)]
pub struct ConsumerSpec {
    /// The facade's name for it, unique in the queue; not `NO_CONSUMER`.
    pub key: u32,
    /// Its session.
    pub session: SessionIndex,
    /// Most unsettled deliveries; `None` for no limit.
    pub window: Option<u32>,
    /// Deliveries stay unsettled until settled; otherwise they are gone when handed out.
    pub needs_settle: bool,
    /// Higher ones are served first.
    pub priority: i32,
    /// No other consumer may be there.
    pub is_exclusive: bool,
    /// While such consumers are there, the first of them gets everything.
    pub is_preferred: bool,
    /// It takes only messages that pass.
    pub filter: Option<Arc<dyn Filter>>,
}

/// The consumer was not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddConsumerError {
    /// An exclusive consumer is there, or the new one wants to be exclusive and others are there.
    ExclusiveInUse,
}

/// A consumer as a listing shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsumerView {
    /// Its key.
    pub key: u32,
    /// Its session.
    pub session: SessionIndex,
    /// Its credit.
    pub window: Window,
    /// Its deliveries have to be settled.
    pub needs_settle: bool,
    /// Its priority.
    pub priority: i32,
    /// It is alone by its own wish.
    pub is_exclusive: bool,
    /// Deliveries that it has not settled.
    pub unsettled_count: u32,
    /// Its signs of life: deliveries that it settled and changes of its window. Begins anew after 4 G of them.
    pub sign_count: u32,
    /// It may get messages: false for those that stand by behind a single active consumer.
    pub is_active: bool,
}

pub(crate) struct Consumer {
    pub(crate) key: u32,
    pub(crate) session: SessionIndex,
    pub(crate) window: Window,
    pub(crate) needs_settle: bool,
    pub(crate) is_exclusive: bool,
    is_preferred: bool,
    priority: i32,
    unsettled: u32,
    signs: u32,
    /// On the first of a priority: how many consumers have this priority, and whose turn it is.
    group_len: u32,
    turn: u32,
    pub(crate) filter: Option<Arc<dyn Filter>>,
    /// For each lane: entries before this number were looked at and left. Used in selective dispatch only.
    cursors: Vec<Seq>,
    /// Entries before the cursor that are to be looked at once more.
    again: BTreeSet<(u8, Seq)>,
}

/// Most of those; from then on the cursor goes back instead.
const AGAIN_MAX: usize = 4096;

impl std::fmt::Debug for Consumer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Consumer")
            .field("key", &self.key)
            .field("window", &self.window)
            .finish_non_exhaustive()
    }
}

impl Consumer {
    #[inline]
    fn has_credit(&self, windows: &Windows) -> bool {
        let own = match self.window {
            Window::Unlimited => true,
            Window::Sliding(limit) => !self.needs_settle || self.unsettled < limit,
            Window::Credit(left) => left > 0,
            Window::Shared(share) => windows.has_share_room(share),
        };
        own && if self.needs_settle { windows.has_room(self.session) } else { windows.is_open(self.session) }
    }

    pub(crate) fn cursor(&self, lane: u8) -> Seq {
        self.cursors.get(usize::from(lane)).copied().unwrap_or_default()
    }

    /// What it is to look at once more in a lane.
    pub(crate) fn again_in(&self, lane: u8) -> impl Iterator<Item = Seq> {
        self.again.range((lane, Seq(0))..=(lane, Seq(u64::MAX))).map(|(_, seq)| *seq)
    }

    fn set_cursor(&mut self, lane: u8, seq: Seq) {
        let lane = usize::from(lane);
        if self.cursors.len() <= lane {
            self.cursors.resize(lane + 1, Seq(0));
        }
        if let Some(cursor) = self.cursors.get_mut(lane) {
            *cursor = seq;
        }
    }
}

/// A queue's consumers: sorted by priority, the highest first, then by age.
#[derive(Debug, Default)]
pub(crate) struct Consumers {
    list: Vec<Consumer>,
    /// Key of the one that gets everything, in single active mode and while there are preferred ones.
    active: Option<u32>,
    mode: Mode,
    preferred: u32,
    /// Nobody had credit when last asked, and nothing gave any since: a publish need not ask again.
    pub(crate) is_saturated: bool,
    filtered: u32,
}

impl Consumers {
    pub(crate) fn new(mode: Mode) -> Self {
        Self { mode, ..Self::default() }
    }

    /// One consumer gets everything.
    #[inline]
    pub(crate) fn is_single_active(&self) -> bool {
        self.mode == Mode::SingleActive || self.preferred > 0
    }

    /// Who gets everything from now on: whoever does stays, unless a preferred one has come.
    fn choose_active(&mut self) {
        if !self.is_single_active() {
            self.active = None;
            return;
        }
        let fits = |consumer: &&Consumer| self.preferred == 0 || consumer.is_preferred;
        let current = self.list.iter().filter(fits).find(|consumer| self.active == Some(consumer.key));
        self.active = current.or_else(|| self.list.iter().find(fits)).map(|consumer| consumer.key);
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn has_filters(&self) -> bool {
        self.filtered > 0
    }

    /// Whether one of them would take it, whatever its credit.
    pub(crate) fn has_taker(&self, candidate: &Candidate<'_>) -> bool {
        self.list
            .iter()
            .any(|consumer| consumer.filter.as_ref().is_none_or(|filter| filter.matches(candidate)))
    }

    pub(crate) fn active(&self) -> Option<u32> {
        self.active
    }

    pub(crate) fn views(&self) -> impl Iterator<Item = ConsumerView> {
        self.list.iter().map(|consumer| ConsumerView {
            key: consumer.key,
            session: consumer.session,
            window: consumer.window,
            needs_settle: consumer.needs_settle,
            priority: consumer.priority,
            is_exclusive: consumer.is_exclusive,
            unsettled_count: consumer.unsettled,
            sign_count: consumer.signs,
            is_active: !self.is_single_active() || self.active == Some(consumer.key),
        })
    }

    pub(crate) fn add(&mut self, spec: ConsumerSpec) -> Result<(), AddConsumerError> {
        let is_taken = self.list.iter().any(|consumer| consumer.is_exclusive);
        if is_taken || (spec.is_exclusive && !self.list.is_empty()) {
            return Err(AddConsumerError::ExclusiveInUse);
        }
        let at = self.list.partition_point(|consumer| consumer.priority >= spec.priority);
        if self.filtered == 0 && spec.filter.is_some() {
            // What came back while order alone decided was noted for nobody.
            self.rewind_all();
        }
        self.filtered += u32::from(spec.filter.is_some());
        let consumer = Consumer {
            key: spec.key,
            session: spec.session,
            window: spec.window.map_or(Window::Unlimited, Window::Sliding),
            needs_settle: spec.needs_settle,
            is_exclusive: spec.is_exclusive,
            is_preferred: spec.is_preferred,
            priority: spec.priority,
            unsettled: 0,
            signs: 0,
            group_len: 0,
            turn: 0,
            filter: spec.filter,
            cursors: Vec::new(),
            again: BTreeSet::new(),
        };
        if self.list.is_empty() {
            self.list.reserve_exact(1);
        }
        let before = self.take_turns();
        self.list.insert(at, consumer);
        self.regroup(before);
        self.preferred += u32::from(spec.is_preferred);
        self.choose_active();
        self.is_saturated = false;
        Ok(())
    }

    pub(crate) fn remove(&mut self, key: u32) -> bool {
        let Some(at) = self.list.iter().position(|consumer| consumer.key == key) else { return false };
        let mut before = self.take_turns();
        // The turn of the one that leaves passes to the next one.
        if before.contains(&key) {
            before.extend(self.list.get(at + 1).map(|next| next.key));
        }
        let gone = self.list.remove(at);
        self.filtered -= u32::from(gone.filter.is_some());
        self.regroup(before);
        self.preferred -= u32::from(gone.is_preferred);
        if self.active == Some(key) {
            self.choose_active();
            self.is_saturated = false;
        }
        if self.list.is_empty() {
            self.list = Vec::new();
        }
        true
    }

    /// Key of the consumer whose turn it is, per priority.
    fn take_turns(&self) -> Vec<u32> {
        let mut keys = Vec::new();
        let mut start = 0;
        while let Some(first) = self.list.get(start) {
            keys.extend(self.list.get(start + first.turn as usize).map(|consumer| consumer.key));
            start += first.group_len.max(1) as usize;
        }
        keys
    }

    /// Finds the groups of equal priority again; whoever had the turn keeps it.
    fn regroup(&mut self, turns: Vec<u32>) {
        let mut start = 0;
        while let Some(priority) = self.list.get(start).map(|first| first.priority) {
            let rest = self.list.get(start..).unwrap_or_default();
            let group = rest.iter().take_while(|consumer| consumer.priority == priority);
            let len = group.clone().count();
            let turn =
                group.enumerate().find(|(_, consumer)| turns.contains(&consumer.key)).map_or(0, |(i, _)| i);
            if let Some(first) = self.list.get_mut(start) {
                first.group_len = u32::try_from(len).unwrap_or(u32::MAX);
                first.turn = u32::try_from(turn).unwrap_or(0);
            }
            start += len;
        }
    }

    pub(crate) fn find(&self, key: u32) -> Option<&Consumer> {
        self.list.iter().find(|consumer| consumer.key == key)
    }

    fn find_mut(&mut self, key: u32) -> Option<&mut Consumer> {
        self.list.iter_mut().find(|consumer| consumer.key == key)
    }

    pub(crate) fn set_window(&mut self, key: u32, window: Window) -> bool {
        self.is_saturated = false;
        let Some(consumer) = self.find_mut(key) else { return false };
        consumer.window = window;
        consumer.signs = consumer.signs.wrapping_add(1);
        true
    }

    pub(crate) fn add_credit(&mut self, key: u32, count: u32) -> bool {
        self.is_saturated = false;
        let Some(consumer) = self.find_mut(key) else { return false };
        consumer.signs = consumer.signs.wrapping_add(1);
        consumer.window = Window::Credit(match consumer.window {
            Window::Unlimited | Window::Sliding(_) | Window::Shared(_) => count,
            Window::Credit(left) => left.saturating_add(count),
        });
        true
    }

    /// Visits the consumers with credit in the order in which they are to be asked.
    #[inline]
    fn first_with_credit(
        &self,
        windows: &Windows,
        mut ask: impl FnMut(usize, &Consumer) -> bool,
    ) -> Option<usize> {
        if self.is_single_active() {
            let active = self.active?;
            let at = self.list.iter().position(|consumer| consumer.key == active)?;
            let consumer = self.list.get(at)?;
            return (consumer.has_credit(windows) && ask(at, consumer)).then_some(at);
        }
        let mut start = 0;
        while let Some(first) = self.list.get(start) {
            let (len, turn) = (first.group_len as usize, first.turn as usize);
            for step in 0..len {
                let offset = if turn + step < len { turn + step } else { turn + step - len };
                let at = start + offset;
                if let Some(consumer) = self.list.get(at)
                    && consumer.has_credit(windows)
                    && ask(at, consumer)
                {
                    return Some(at);
                }
            }
            start += len.max(1);
        }
        None
    }

    /// Who is next, without taking the turn.
    #[inline]
    pub(crate) fn peek(&self, windows: &Windows) -> Option<usize> {
        self.first_with_credit(windows, |_, _| true)
    }

    pub(crate) fn get(&self, at: usize) -> Option<&Consumer> {
        self.list.get(at)
    }

    /// Counts a delivery to the consumer: its credit, its session's, its turn.
    #[inline]
    pub(crate) fn charge(&mut self, at: usize, windows: &mut Windows) {
        if self.list.len() > 1 {
            self.pass_turn(at);
        }
        let Some(consumer) = self.list.get_mut(at) else { return };
        match &mut consumer.window {
            Window::Credit(left) => *left = left.saturating_sub(1),
            Window::Shared(share) => windows.take_share(*share),
            Window::Unlimited | Window::Sliding(_) => {}
        }
        if consumer.needs_settle {
            consumer.unsettled += 1;
            windows.take(consumer.session);
        }
    }

    fn pass_turn(&mut self, at: usize) {
        let mut start = 0;
        while let Some(first) = self.list.get_mut(start) {
            let len = first.group_len.max(1) as usize;
            if at < start + len {
                let next = at - start + 1;
                first.turn = if next < len { u32::try_from(next).unwrap_or(0) } else { 0 };
                return;
            }
            start += len;
        }
    }

    /// A delivery of the consumer is settled. `hint` is where it stood when it got the delivery.
    #[inline]
    pub(crate) fn release(&mut self, key: u32, hint: usize) {
        let at = match self.list.get(hint) {
            Some(consumer) if consumer.key == key => Some(hint),
            _ => self.list.iter().position(|consumer| consumer.key == key),
        };
        let Some(consumer) = at.and_then(|at| self.list.get_mut(at)) else { return };
        if matches!(consumer.window, Window::Sliding(limit) if consumer.unsettled >= limit) {
            self.is_saturated = false;
        }
        consumer.unsettled = consumer.unsettled.saturating_sub(1);
        consumer.signs = consumer.signs.wrapping_add(1);
    }

    /// Lowest cursor in this lane among the consumers with credit; `None` when nobody has any.
    pub(crate) fn lowest_cursor(&self, lane: u8, windows: &Windows) -> Option<Seq> {
        let mut lowest = None;
        self.first_with_credit(windows, |_, consumer| {
            let cursor = consumer.cursor(lane);
            lowest = Some(lowest.map_or(cursor, |seq: Seq| seq.min(cursor)));
            false
        });
        lowest
    }

    /// The next entry from `from` on that some consumer with credit has to look at. `wall` answers where what is not in
    /// memory begins for a cursor: a consumer looks at nothing behind it but what it has to look at again.
    pub(crate) fn next_ahead(
        &self,
        lane: u8,
        from: Seq,
        windows: &Windows,
        wall: impl Fn(Seq) -> Option<Seq>,
    ) -> Option<Seq> {
        let mut next: Option<Seq> = None;
        self.first_with_credit(windows, |_, consumer| {
            let cursor = consumer.cursor(lane);
            let ahead = cursor.max(from);
            let ahead = wall(cursor).is_none_or(|wall| ahead < wall).then_some(ahead);
            let again =
                consumer.again.range((lane, from)..=(lane, Seq(u64::MAX))).next().map(|(_, seq)| *seq);
            next = [next, ahead, again].into_iter().flatten().min();
            false
        });
        next
    }

    /// First consumer with credit that wants the entry, or the one of least rank of those of the first one's priority, where
    /// they have a rank; those that do not want it are moved past it.
    pub(crate) fn choose(
        &mut self,
        lane: u8,
        seq: Seq,
        windows: &Windows,
        wall: impl Fn(Seq) -> Option<Seq>,
        mut wants: impl FnMut(&Consumer) -> bool,
        rank: impl Fn(&Consumer) -> Option<u32>,
    ) -> Option<usize> {
        let mut refused = SmallVec::<[usize; 16]>::new();
        // Place, priority and rank.
        let mut best: Option<(usize, i32, u32)> = None;
        self.first_with_credit(windows, |at, consumer| {
            if best.is_some_and(|(_, priority, _)| consumer.priority < priority) {
                return true;
            }
            let cursor = consumer.cursor(lane);
            let is_reached = cursor <= seq && wall(cursor).is_none_or(|wall| seq < wall);
            if !is_reached && !consumer.again.contains(&(lane, seq)) {
                return false;
            }
            let is_wanted = wants(consumer);
            if !is_wanted {
                refused.push(at);
                return false;
            }
            let rank = rank(consumer);
            if best.is_none_or(|(_, _, least)| rank.unwrap_or(0) < least) {
                best = Some((at, consumer.priority, rank.unwrap_or(0)));
            }
            rank.is_none()
        });
        for at in refused {
            let Some(consumer) = self.list.get_mut(at) else { continue };
            if !consumer.again.remove(&(lane, seq)) || consumer.cursor(lane) <= seq {
                consumer.set_cursor(lane, Seq(seq.0.saturating_add(1)));
            }
        }
        best.map(|(at, _, _)| at)
    }

    /// A consumer looks at an entry again that it has passed, because it is for it alone by now. Answers whether it had
    /// passed it and looks for it among what is in memory.
    pub(crate) fn remind(&mut self, key: u32, lane: u8, seq: Seq) -> bool {
        let Some(consumer) = self.find_mut(key) else { return false };
        if consumer.cursor(lane) <= seq {
            return false;
        }
        if consumer.again.len() < AGAIN_MAX {
            consumer.again.insert((lane, seq));
        } else {
            consumer.set_cursor(lane, seq);
        }
        true
    }

    /// Consumers with credit have looked at everything before this number, where the first one of them has to wait.
    pub(crate) fn reach(&mut self, lane: u8, seq: Seq, windows: &Windows) {
        let mut there = SmallVec::<[usize; 16]>::new();
        self.first_with_credit(windows, |at, consumer| {
            if consumer.cursor(lane) < seq {
                there.push(at);
            }
            false
        });
        for at in there {
            if let Some(consumer) = self.list.get_mut(at) {
                consumer.set_cursor(lane, seq);
            }
        }
    }

    /// Consumers with credit that have come to a chunk. One without credit looks at it when it has some: what it wants
    /// would fill the memory meanwhile.
    pub(crate) fn at_chunk(
        &self,
        lane: u8,
        (first, last): (Seq, Seq),
        windows: &Windows,
    ) -> SmallVec<[usize; 16]> {
        let mut there = SmallVec::new();
        self.first_with_credit(windows, |at, consumer| {
            if (first..=last).contains(&consumer.cursor(lane)) {
                there.push(at);
            }
            false
        });
        there
    }

    /// Whether one of these wants an entry of their chunk. Who does looks at it again when it is handed out.
    pub(crate) fn find_in_chunk(
        &mut self,
        there: &[usize],
        lane: u8,
        seq: Seq,
        wants: impl Fn(&Consumer) -> bool,
    ) -> bool {
        let mut is_found = false;
        for at in there {
            if let Some(consumer) = self.list.get_mut(*at)
                && consumer.cursor(lane) <= seq
                && wants(consumer)
            {
                consumer.again.insert((lane, seq));
                is_found = true;
            }
        }
        is_found
    }

    /// These have looked at a chunk that ends with this number, but not at what is in memory from its range.
    pub(crate) fn pass_chunk(&mut self, there: &[usize], lane: u8, last: Seq, resident: &[Seq]) {
        for at in there {
            let Some(consumer) = self.list.get_mut(*at) else { continue };
            let cursor = consumer.cursor(lane);
            consumer.again.extend(resident.iter().filter(|seq| **seq >= cursor).map(|seq| (lane, *seq)));
            consumer.set_cursor(lane, Seq(last.0.saturating_add(1)));
        }
    }

    /// Nothing is in memory in this range of numbers, without its end: nobody has to look at it again.
    pub(crate) fn forget_again(&mut self, lane: u8, from: Seq, to: Seq) {
        for consumer in &mut self.list {
            while let Some(stale) = consumer.again.range((lane, from)..(lane, to)).next().copied() {
                consumer.again.remove(&stale);
            }
        }
    }

    /// Who may get what has changed: everybody looks at everything again.
    pub(crate) fn rewind_all(&mut self) {
        for consumer in &mut self.list {
            consumer.cursors.clear();
            consumer.again.clear();
        }
    }

    /// An entry came back to a lane: everybody looks at it again, whoever had it.
    pub(crate) fn look_again(&mut self, lane: u8, seq: Seq) {
        for consumer in &mut self.list {
            if consumer.cursor(lane) <= seq {
                continue;
            }
            if consumer.again.len() < AGAIN_MAX {
                consumer.again.insert((lane, seq));
            } else {
                consumer.set_cursor(lane, seq);
            }
        }
    }
}
