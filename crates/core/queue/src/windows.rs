//! Credit that does not belong to one consumer of one queue: that of whole sessions, shared by all their consumers whatever
//! the queue, and windows that consumers of several queues share.

use crate::consumers::Window as Allowance;

/// Index of a session, given out by the facade. Reused after the session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionIndex(pub u32);

/// Index of a shared window, given out by the facade. Reused after the window has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ShareIndex(pub u32);

/// A window that consumers of several queues share.
#[derive(Clone, Copy, Debug)]
struct Share {
    allowance: Allowance,
    /// Unsettled deliveries of all of them.
    used: u32,
    /// See [`crate::ConsumerView::sign_count`].
    signs: u32,
}

impl Share {
    const NONE: Self = Self { allowance: Allowance::Credit(0), used: 0, signs: 0 };

    fn has_room(&self) -> bool {
        match self.allowance {
            Allowance::Unlimited => true,
            Allowance::Sliding(limit) => self.used < limit,
            Allowance::Credit(left) => left > 0,
            // A share is nobody's part.
            Allowance::Shared(_) => false,
        }
    }
}

#[derive(Clone, Copy, Debug)]
struct Window {
    limit: u32,
    used: u32,
    is_open: bool,
}

/// Credit windows of all sessions of a shard.
#[derive(Debug)]
pub struct Windows {
    slots: Vec<Window>,
    shares: Vec<Share>,
    /// What all sessions have used.
    in_flight: u64,
    bodies: u64,
}

impl Default for Windows {
    fn default() -> Self {
        Self { slots: Vec::new(), shares: Vec::new(), in_flight: 0, bodies: Self::BODIES }
    }
}

impl Windows {
    /// See [`Self::keep_bodies`]. Few deliveries wait for their settlement at once where each is handled before the next
    /// is taken: those come back to their queue without a read.
    pub const BODIES: u64 = 64;

    /// While more deliveries than this are unsettled in all sessions together, one that has a record in the log keeps no
    /// body in memory: its consumer has it, and one that comes back is read (F16). A body that stays keeps its whole
    /// block, and blocks that wait for acknowledgements are out of every cache when their turn comes.
    pub fn keep_bodies(&mut self, most: u64) {
        self.bodies = most;
    }

    /// Whether the body of one more delivery stays in memory.
    #[inline]
    pub(crate) fn keeps_bodies(&self) -> bool {
        self.in_flight <= self.bodies && self.bodies > 0
    }

    /// Starts a session: no limit, nothing used, open.
    pub fn start(&mut self, session: SessionIndex) {
        let index = session.0 as usize;
        if self.slots.len() <= index {
            self.slots.resize(index + 1, Window { limit: u32::MAX, used: 0, is_open: false });
        }
        if let Some(slot) = self.slots.get_mut(index) {
            self.in_flight -= u64::from(slot.used);
            *slot = Window { limit: u32::MAX, used: 0, is_open: true };
        }
    }

    /// Most unsettled deliveries of the session; `u32::MAX` for no limit.
    pub fn set_limit(&mut self, session: SessionIndex, limit: u32) {
        if let Some(slot) = self.slots.get_mut(session.0 as usize) {
            slot.limit = limit;
        }
    }

    /// Opens or shuts the session for deliveries (flow control, a full output buffer).
    pub fn set_open(&mut self, session: SessionIndex, open: Gate) {
        if let Some(slot) = self.slots.get_mut(session.0 as usize) {
            slot.is_open = open == Gate::Open;
        }
    }

    /// Whether one more delivery may go to the session.
    #[must_use]
    pub fn has_room(&self, session: SessionIndex) -> bool {
        self.slots.get(session.0 as usize).is_some_and(|slot| slot.is_open && slot.used < slot.limit)
    }

    /// Whether the gate is open, whatever the credit.
    #[must_use]
    pub fn is_open(&self, session: SessionIndex) -> bool {
        self.slots.get(session.0 as usize).is_some_and(|slot| slot.is_open)
    }

    /// Counts one more unsettled delivery.
    pub fn take(&mut self, session: SessionIndex) {
        if let Some(slot) = self.slots.get_mut(session.0 as usize) {
            slot.used += 1;
            self.in_flight += 1;
        }
    }

    /// Gives one back. True when the session was at its limit before.
    pub fn give_back(&mut self, session: SessionIndex) -> bool {
        match self.slots.get_mut(session.0 as usize) {
            Some(slot) => {
                let was_full = slot.used >= slot.limit;
                if slot.used > 0 {
                    slot.used -= 1;
                    self.in_flight -= 1;
                }
                was_full
            }
            None => false,
        }
    }

    /// Starts a shared window, nothing of it used.
    pub fn start_share(&mut self, share: ShareIndex, allowance: Allowance) {
        let index = share.0 as usize;
        if self.shares.len() <= index {
            self.shares.resize(index + 1, Share::NONE);
        }
        if let Some(slot) = self.shares.get_mut(index) {
            *slot = Share { allowance, used: 0, signs: 0 };
        }
    }

    /// Replaces what a shared window allows; what is used of it stays used.
    pub fn set_share(&mut self, share: ShareIndex, allowance: Allowance) {
        if let Some(slot) = self.shares.get_mut(share.0 as usize) {
            slot.allowance = allowance;
            slot.signs = slot.signs.wrapping_add(1);
        }
    }

    /// What a shared window allows, with what is left of its credit.
    #[must_use]
    pub fn share(&self, share: ShareIndex) -> Option<Allowance> {
        self.shares.get(share.0 as usize).map(|slot| slot.allowance)
    }

    /// Signs of life of the consumers of a shared window, as [`crate::ConsumerView::sign_count`].
    #[must_use]
    pub fn share_signs(&self, share: ShareIndex) -> u32 {
        self.shares.get(share.0 as usize).map_or(0, |slot| slot.signs)
    }

    /// Whether one more delivery may go to the consumers of a shared window.
    #[must_use]
    pub fn has_share_room(&self, share: ShareIndex) -> bool {
        self.shares.get(share.0 as usize).is_some_and(Share::has_room)
    }

    /// Counts one more delivery to one of the consumers of a shared window.
    pub(crate) fn take_share(&mut self, share: ShareIndex) {
        let Some(slot) = self.shares.get_mut(share.0 as usize) else { return };
        if let Allowance::Credit(left) = &mut slot.allowance {
            *left = left.saturating_sub(1);
        }
        slot.used = slot.used.saturating_add(1);
    }

    /// A delivery of a shared window is settled. True when there was no room before.
    pub fn give_back_share(&mut self, share: ShareIndex) -> bool {
        let Some(slot) = self.shares.get_mut(share.0 as usize) else { return false };
        let was_full = matches!(slot.allowance, Allowance::Sliding(_)) && !slot.has_room();
        slot.used = slot.used.saturating_sub(1);
        slot.signs = slot.signs.wrapping_add(1);
        was_full
    }
}

/// State of a session's gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Deliveries may go.
    Open,
    /// Deliveries wait.
    Shut,
}
