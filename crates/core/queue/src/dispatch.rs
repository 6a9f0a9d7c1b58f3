//! Handing ready entries to consumers.

use std::cell::OnceCell;

use ternmq_message::Message;

use crate::{
    consumers::Consumer,
    entry::{Entry, Location, Seq, is_redelivery},
    lane::{Lane, Place},
    machine::Queue,
    outbox::{Delivery, NO_CONSUMER, Outbox},
    unsettled::Held,
    windows::{SessionIndex, Windows},
};

/// Answer to [`Queue::get`].
#[derive(Debug)]
pub enum GetResult {
    /// The first ready message.
    Got(Delivery),
    /// Nothing is ready.
    Empty,
    /// The first ready message is in the log. A load was requested; try again when it is done.
    Loading,
}

/// How far selective dispatch came in one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scan {
    /// Everything resident was looked at; lower lanes may go.
    Done,
    /// Nobody has credit.
    Saturated,
    /// More of the lane is on its way from the log; lower lanes wait.
    Loading,
}

impl Queue {
    /// Hands out what can go, then drops what is over the limits, then what has expired at the head, then asks for
    /// cold entries that will be needed soon.
    #[inline]
    pub fn run(&mut self, now_ms: u64, windows: &mut Windows, outbox: &mut Outbox) {
        if self.lanes.count == 0 {
            return;
        }
        if !self.consumers.is_saturated && self.consumers.len() > 0 {
            if self.is_selective() {
                self.dispatch_selective(now_ms, windows, outbox);
            } else {
                self.dispatch(now_ms, windows, outbox);
            }
        }
        if self.lanes.count > 0 {
            self.enforce_limits(outbox);
            self.expire_heads(now_ms, outbox);
            self.refill(now_ms, outbox);
        }
    }

    /// As [`Self::push`] and [`Self::run`] together. A message that can go out at once does not pass through the lanes.
    #[inline]
    pub fn push_and_run(
        &mut self,
        message: Message,
        location: Option<Location>,
        now_ms: u64,
        windows: &mut Windows,
        outbox: &mut Outbox,
    ) -> Seq {
        let is_open = self.lanes.count == 0
            && !self.consumers.is_saturated
            && self.consumers.len() > 0
            && self.group_of(&message).is_none()
            && !self.is_selective();
        let Some(at) = (if is_open { self.consumers.peek(windows) } else { None }) else {
            let seq = self.push(message, location, now_ms, outbox);
            self.run(now_ms, windows, outbox);
            return seq;
        };
        let seq = self.next_seq;
        self.next_seq = Seq(seq.0 + 1);
        let Some(consumer) = self.consumers.get(at) else { return seq };
        let (consumer, session, needs_settle) = (consumer.key, consumer.session, consumer.needs_settle);
        self.consumers.charge(at, windows);
        let expires_at_ms = self.expiry_of(&message, now_ms);
        let is_redelivered = message.may_be_repeated();
        let slot = if needs_settle {
            let held = Held {
                seq,
                location,
                expires_at_ms,
                failed_count: 0,
                acquired_count: 1,
                body_len: u32::try_from(message.body_len()).unwrap_or(u32::MAX),
                message: Held::IN_LOG,
                consumer,
                place: u32::try_from(at).unwrap_or(u32::MAX),
                lane: self.lanes.lane_of(message.meta().priority),
            };
            self.hold(message.body_len() as u64, outbox);
            Some(self.keep(held, &message, windows, outbox))
        } else {
            outbox.settled.extend(location.map(|location| (seq, location)));
            None
        };
        // Made in its place: one that is put together elsewhere and then moved waits for all stores before it, which
        // are those of the message.
        outbox.deliveries.extend(std::iter::once_with(|| Delivery {
            session,
            consumer,
            slot,
            seq,
            message,
            is_redelivered,
            failed_count: 0,
            expires_at_ms,
            is_group_first: false,
        }));
        seq
    }

    /// Consumers or entries differ in who may get what: order alone does not decide.
    #[inline]
    pub(crate) fn is_selective(&self) -> bool {
        self.consumers.has_filters() || self.rare.as_ref().is_some_and(|rare| rare.groups.is_some())
    }

    fn dispatch(&mut self, now_ms: u64, windows: &mut Windows, outbox: &mut Outbox) {
        while let Some(lane) = self.lanes.highest() {
            let Some(at) = self.consumers.peek(windows) else {
                self.consumers.is_saturated = true;
                return;
            };
            match self.take_first(lane, now_ms, outbox) {
                Some(entry) if self.group_of(&entry.message).is_some() => {
                    self.lanes.edit(lane, |lane| lane.put_back(entry));
                    self.begin_groups();
                    return self.dispatch_selective(now_ms, windows, outbox);
                }
                Some(entry) => self.deliver(at, entry, false, windows, outbox),
                None if self.lanes.highest() == Some(lane) => return,
                // Only expired ones were there.
                None => {}
            }
        }
    }

    /// Takes the first entry of a lane that has not expired; `None` when it is cold (a load is requested) or the lane
    /// is empty.
    #[inline]
    pub(crate) fn take_first(&mut self, lane: u8, now_ms: u64, outbox: &mut Outbox) -> Option<Entry> {
        loop {
            let Some(entry) = self.lanes.edit(lane, Lane::take_front) else {
                self.request_load(lane, outbox);
                return None;
            };
            if entry.expires_at_ms >= now_ms {
                return Some(entry);
            }
            self.expire(entry, outbox);
        }
    }

    #[inline]
    fn deliver(
        &mut self,
        at: usize,
        entry: Entry,
        is_group_first: bool,
        windows: &mut Windows,
        outbox: &mut Outbox,
    ) {
        let Some(consumer) = self.consumers.get(at) else { return };
        let (key, session, needs_settle) = (consumer.key, consumer.session, consumer.needs_settle);
        self.consumers.charge(at, windows);
        let delivery = self.hand_out(entry, needs_settle, session, (key, at), windows, outbox);
        outbox.deliveries.push(Delivery { is_group_first, ..delivery });
    }

    #[inline]
    fn hand_out(
        &mut self,
        entry: Entry,
        needs_settle: bool,
        session: SessionIndex,
        (consumer, at): (u32, usize),
        windows: &Windows,
        outbox: &mut Outbox,
    ) -> Delivery {
        let seq = entry.seq;
        let is_redelivered = is_redelivery(seq, entry.acquired_count, &entry.message, self.redelivered_below);
        let (failed_count, expires_at_ms) = (entry.failed_count, entry.expires_at_ms);
        let (slot, message) = if needs_settle {
            let held = Held {
                seq,
                location: entry.location,
                expires_at_ms,
                failed_count,
                acquired_count: entry.acquired_count.saturating_add(1),
                body_len: u32::try_from(entry.message.body_len()).unwrap_or(u32::MAX),
                message: Held::IN_LOG,
                consumer,
                place: u32::try_from(at).unwrap_or(u32::MAX),
                lane: self.lanes.lane_of(entry.message.meta().priority),
            };
            (Some(self.keep(held, &entry.message, windows, outbox)), entry.message)
        } else {
            self.let_go(entry.message.body_len() as u64, outbox);
            outbox.settled.extend(entry.location.map(|location| (seq, location)));
            (None, entry.message)
        };
        Delivery {
            session,
            consumer,
            slot,
            seq,
            message,
            is_redelivered,
            failed_count,
            expires_at_ms,
            is_group_first: false,
        }
    }

    /// Keeps an entry until its consumer settles it, its body only where [`Windows::keep_bodies`] says so. Answers its slot.
    #[inline]
    fn keep(&mut self, held: Held, message: &Message, windows: &Windows, outbox: &mut Outbox) -> u32 {
        if held.location.is_none() || windows.keeps_bodies() {
            return self.unsettled.insert(held, Some(message.clone()));
        }
        self.let_go(message.body_len() as u64, outbox);
        self.unsettled.insert(held, None)
    }

    /// Fetches the first ready message, whatever the consumers. Takes no credit.
    pub fn get(
        &mut self,
        needs_settle: bool,
        session: SessionIndex,
        now_ms: u64,
        windows: &Windows,
        outbox: &mut Outbox,
    ) -> GetResult {
        while let Some(lane) = self.lanes.highest() {
            if let Some(entry) = self.take_first(lane, now_ms, outbox) {
                let delivery = self.hand_out(entry, needs_settle, session, (NO_CONSUMER, 0), windows, outbox);
                self.refill(now_ms, outbox);
                return GetResult::Got(delivery);
            }
            // Only expired ones were there: the next lane may have more.
            if self.lanes.highest() == Some(lane) {
                return GetResult::Loading;
            }
        }
        GetResult::Empty
    }

    fn dispatch_selective(&mut self, now_ms: u64, windows: &mut Windows, outbox: &mut Outbox) {
        let mut next = self.lanes.highest();
        while let Some(lane) = next {
            match self.scan_lane(lane, now_ms, windows, outbox) {
                Scan::Done => {}
                Scan::Loading => return,
                Scan::Saturated => {
                    self.consumers.is_saturated = true;
                    return;
                }
            }
            next = lane.checked_sub(1).and_then(|below| self.lanes.highest_to(below));
        }
    }

    /// Looks at each resident entry of the lane that some consumer with credit has not seen, oldest first, and gives
    /// it to the first consumer that wants it. What is not in memory is asked for, and those whose turn it would be wait.
    fn scan_lane(&mut self, lane: u8, now_ms: u64, windows: &mut Windows, outbox: &mut Outbox) -> Scan {
        let budget = self.selective_budget();
        self.lanes.edit(lane, |lane| lane.pull_tail(budget));
        if self.lanes.get(lane).has_absent() {
            self.request_load(lane, outbox);
            return Scan::Loading;
        }
        if self.consumers.lowest_cursor(lane, windows).is_none() {
            return Scan::Saturated;
        }
        let mut from = Seq(0);
        loop {
            let state = self.lanes.get(lane);
            let wall = |cursor: Seq| state.cold_from(cursor).map(|(_, seq)| seq);
            let Some(target) = self.consumers.next_ahead(lane, from, windows, wall) else { break };
            let found = state.find(target).map(|(place, entry)| (place, entry.seq, entry.expires_at_ms));
            let Some((place, seq, expires_at_ms)) = found else {
                self.consumers.forget_again(lane, target, Seq(u64::MAX));
                break;
            };
            if target < seq {
                self.consumers.forget_again(lane, target, seq);
                from = seq;
                // Not everybody looks that far.
                continue;
            }
            from = Seq(seq.0 + 1);
            if expires_at_ms < now_ms {
                if let Some(entry) = self.lanes.edit(lane, |lane| lane.remove(place)) {
                    self.expire(entry, outbox);
                }
                continue;
            }
            if self.offer(lane, place, seq, windows, outbox) && self.consumers.peek(windows).is_none() {
                return Scan::Saturated;
            }
        }
        let is_front = self.consumers.lowest_cursor(lane, windows).is_some_and(|cursor| {
            let state = self.lanes.get(lane);
            let next = state.cold_from(cursor).map(|(chunk, _)| chunk.first_seq);
            next.is_some()
                && next == state.deep.as_ref().and_then(|deep| deep.cold.front()).map(|chunk| chunk.first_seq)
        });
        if is_front && self.lanes.get(lane).is_below(budget) {
            self.request_load(lane, outbox);
            return Scan::Loading;
        }
        if self.request_search(lane, windows, outbox) { Scan::Loading } else { Scan::Done }
    }

    /// Gives an entry to the first consumer that wants it, if there is one.
    fn offer(
        &mut self,
        lane: u8,
        place: Place,
        seq: Seq,
        windows: &mut Windows,
        outbox: &mut Outbox,
    ) -> bool {
        let mut consumers = std::mem::take(&mut self.consumers);
        let state = self.lanes.get(lane);
        let entry = state.find(seq).map(|(_, entry)| entry);
        let wall = |cursor: Seq| state.cold_from(cursor).map(|(_, seq)| seq);
        let properties = OnceCell::new();
        let owner = entry.and_then(|entry| self.owner_of(&entry.message, &consumers));
        let group = entry.and_then(|entry| self.group_of(&entry.message));
        let wants = |consumer: &Consumer| {
            entry.is_some_and(|entry| self.is_wanted(consumer, entry, owner, &properties))
        };
        // A group that nobody has goes to whoever has the fewest.
        let is_free = group.is_some() && owner.is_none();
        let rank = |consumer: &Consumer| is_free.then(|| self.group_count(consumer.key));
        let mut chosen = consumers.choose(lane, seq, windows, wall, wants, rank);
        // Whoever has the group may have looked at it before it had the group.
        if let (None, Some(owner)) = (chosen, owner)
            && consumers.remind(owner, lane, seq)
        {
            chosen = consumers.choose(lane, seq, windows, wall, wants, rank);
        }
        self.consumers = consumers;
        let Some(at) = chosen else {
            self.note_refused(group.filter(|_| owner.is_some()), seq);
            return false;
        };
        let Some(entry) = self.lanes.edit(lane, |lane| lane.remove(place)) else { return false };
        let key = self.consumers.get(at).map(|consumer| consumer.key);
        let is_first = group.zip(key).is_some_and(|(group, key)| self.pass_group(group, seq, key));
        self.deliver(at, entry, is_first, windows, outbox);
        true
    }
}
