//! Times to live. An entry expires only when it stands at the head of its lane: finding it costs nothing, and one
//! behind a longer-lived entry waits, as consumers of such queues know it.

use ternmq_message::{DeathReason, Message};

use crate::{
    entry::Entry,
    lane::{Front, Lane},
    machine::Queue,
    outbox::{Dead, Outbox},
};

impl Queue {
    /// When the message expires here: the shorter of the queue's and its own time to live.
    #[inline]
    #[must_use]
    pub fn expiry_of(&self, message: &Message, now_ms: u64) -> u64 {
        let ttl_ms = match (self.settings.message_ttl_ms, message.meta().ttl_ms) {
            (Some(queue), Some(own)) => queue.min(own),
            (Some(ttl), None) | (None, Some(ttl)) => ttl,
            (None, None) => return u64::MAX,
        };
        now_ms.saturating_add(ttl_ms)
    }

    /// Broker time in ms at which [`Queue::run`] should be called, because an entry at a head expires then.
    #[must_use]
    pub fn head_expiry_ms(&self) -> Option<u64> {
        let soonest = if self.lanes.top() == 0 {
            self.lanes.get(0).head_expiry_ms()
        } else {
            self.lanes.occupied().map(|(_, lane)| lane.head_expiry_ms()).min().unwrap_or(u64::MAX)
        };
        (soonest != u64::MAX).then_some(soonest)
    }

    /// Drops what has expired at the head of each lane. Runs after dispatch, so that a time to live of 0 means: now
    /// or never.
    pub(crate) fn expire_heads(&mut self, now_ms: u64, outbox: &mut Outbox) {
        let mut next = self.lanes.highest();
        while let Some(lane) = next {
            while let Some(entry) = self.lanes.edit(lane, |lane| pop_expired(lane, now_ms)) {
                self.expire(entry, outbox);
            }
            next = lane.checked_sub(1).and_then(|below| self.lanes.highest_to(below));
        }
    }

    pub(crate) fn expire(&mut self, entry: Entry, outbox: &mut Outbox) {
        self.die(entry, DeathReason::Expired, outbox);
    }

    /// An entry leaves for good, other than by acceptance.
    pub(crate) fn die(&mut self, entry: Entry, reason: DeathReason, outbox: &mut Outbox) {
        self.let_go(entry.message.body_len() as u64, outbox);
        if let Some(location) = entry.location {
            outbox.settled.push((entry.seq, location));
        }
        outbox.dead.push(Dead { entry, reason });
    }
}

#[inline]
fn pop_expired(lane: &mut Lane, now_ms: u64) -> Option<Entry> {
    match lane.front() {
        Front::Entry(entry) if entry.expires_at_ms <= now_ms => lane.pop(),
        _ => None,
    }
}
