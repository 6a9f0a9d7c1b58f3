//! Credit of whole sessions, shared by all their consumers whatever the queue.

/// Index of a session, given out by the facade. Reused after the session has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionIndex(pub u32);

#[derive(Clone, Copy, Debug)]
struct Window {
    limit: u32,
    used: u32,
    is_open: bool,
}

/// Credit windows of all sessions of a shard.
#[derive(Debug, Default)]
pub struct Windows {
    slots: Vec<Window>,
}

impl Windows {
    /// Starts a session: no limit, nothing used, open.
    pub fn start(&mut self, session: SessionIndex) {
        let index = session.0 as usize;
        if self.slots.len() <= index {
            self.slots.resize(index + 1, Window { limit: u32::MAX, used: 0, is_open: false });
        }
        if let Some(slot) = self.slots.get_mut(index) {
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
            slot.used = slot.used.saturating_add(1);
        }
    }

    /// Gives one back. True when the session was at its limit before.
    pub fn give_back(&mut self, session: SessionIndex) -> bool {
        match self.slots.get_mut(session.0 as usize) {
            Some(slot) => {
                let was_full = slot.used >= slot.limit;
                slot.used = slot.used.saturating_sub(1);
                was_full
            }
            None => false,
        }
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
