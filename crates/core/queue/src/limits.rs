//! Length limits. They count ready entries only: what consumers hold does not count.

use ternmq_message::DeathReason;

use crate::{
    lane::{Front, Lane},
    machine::Queue,
    outbox::Outbox,
    settings::Overflow,
};

/// Answer to [`Queue::check_room`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// The message may come.
    Free,
    /// The queue refuses it, in this way: never [`Overflow::DropHead`].
    Full(Overflow),
}

impl Queue {
    /// Whether a message with a body of this many bytes may come, before anything of it is logged.
    #[inline]
    #[must_use]
    pub fn check_room(&self, body_len: usize) -> Room {
        self.check_room_for(1, body_len as u64)
    }

    /// As [`Self::check_room`], for so many messages with so many bytes in all their bodies. Consumers that would take some
    /// of them at once are not looked at.
    #[inline]
    #[must_use]
    pub fn check_room_for(&self, count: u64, bytes: u64) -> Room {
        let settings = &*self.settings;
        if settings.overflow == Overflow::DropHead {
            return Room::Free;
        }
        let (count, bytes) = (self.lanes.count.saturating_add(count), self.lanes.bytes.saturating_add(bytes));
        if self.is_over(count, bytes) { Room::Full(settings.overflow) } else { Room::Free }
    }

    /// Whether [`Self::check_room`] may refuse a message.
    #[must_use]
    pub fn may_be_full(&self) -> bool {
        let settings = &*self.settings;
        settings.overflow != Overflow::DropHead
            && (settings.max_length.is_some() || settings.max_length_bytes.is_some())
    }

    #[inline]
    fn is_over(&self, count: u64, bytes: u64) -> bool {
        self.settings.max_length.is_some_and(|most| count > most)
            || self.settings.max_length_bytes.is_some_and(|most| bytes > most)
    }

    /// Over its limits right now.
    #[inline]
    pub(crate) fn is_over_limits(&self) -> bool {
        self.settings.overflow == Overflow::DropHead && self.is_over(self.lanes.count, self.lanes.bytes)
    }

    /// Drops the oldest of the lowest lane until the limits hold. When they are cold they are loaded first, because
    /// the dead-letter route wants their bodies; until then the queue is over its limits.
    pub(crate) fn enforce_limits(&mut self, outbox: &mut Outbox) {
        while self.is_over_limits() {
            let Some(lane) = self.lanes.lowest() else { return };
            let is_cold = self.lanes.edit(lane, |lane| matches!(lane.front(), Front::Cold));
            if is_cold {
                self.request_load(lane, outbox);
                return;
            }
            let Some(entry) = self.lanes.edit(lane, Lane::pop) else { return };
            self.die(entry, DeathReason::MaxLength, outbox);
        }
    }
}
