//! Settlement of deliveries: accepted, given back, discarded; one or all up to one.

use smallvec::SmallVec;
use ternmq_queue::{Blame, Seq, SessionIndex};

use crate::{
    broker::Broker,
    effect::{DeliveryId, SessionId},
    error::Error,
    log::{Grouping, Receipt},
    session_state::Unsettled,
};

/// What becomes of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done with; the message is gone.
    Accept,
    /// Back to its old place in the queue; counts as a failed delivery (F17).
    Requeue,
    /// Back to its old place in the queue, and nobody's failure: the consumer gives up what it was only lent (F17).
    Release,
    /// Not wanted: dead-lettered or dropped.
    Discard,
}

/// Which deliveries are settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettleRange {
    /// This one.
    One,
    /// This one and all before it; number 0 means all there are.
    UpTo,
}

/// Queues that a settlement touched, each once in a row.
type Touched = SmallVec<[u32; 4]>;

impl Broker {
    /// Settles deliveries of a session, or stages that when the session has a transaction.
    ///
    /// # Errors
    /// [`Error::UnknownDelivery`]: not delivered or settled already; nothing was settled.
    pub fn settle(
        &mut self,
        id: SessionId,
        delivery: DeliveryId,
        range: SettleRange,
        outcome: Outcome,
    ) -> Result<(), Error> {
        let session = self.sessions.get(id.into()).ok_or(Error::Gone)?;
        let unknown = Error::UnknownDelivery { delivery: delivery.0 };
        let last = match range {
            SettleRange::UpTo if delivery.0 == 0 => DeliveryId(u64::MAX),
            SettleRange::One | SettleRange::UpTo => {
                session.index_of(delivery).ok_or(unknown)?;
                delivery
            }
        };
        if session.staged.is_some() {
            return self.stage_settle(id, last, range, outcome);
        }
        self.settle_now(id, last, range, outcome);
        Ok(())
    }

    /// What has to be durable before all that was done so far may be called done: the settlements of this turn go into
    /// the log now.
    pub fn receipt_of_all(&mut self) -> Receipt {
        self.settles.flush(&mut *self.log, Grouping::Ends);
        Receipt::of_all(&*self.log)
    }

    /// Gives back everything unsettled of a session, in order.
    pub fn requeue_all(&mut self, id: SessionId) {
        self.give_back_all(id, Blame::Consumer);
    }

    pub(crate) fn settle_now(
        &mut self,
        id: SessionId,
        last: DeliveryId,
        range: SettleRange,
        outcome: Outcome,
    ) {
        let mut touched = Touched::new();
        let mut was_full = false;
        if range == SettleRange::One {
            let taken = self.sessions.get_mut(id.into()).and_then(|session| {
                let index = session.index_of(last)?;
                session.take(index)
            });
            if let Some(entry) = taken {
                was_full |= self.settle_entry(id, entry, outcome, &mut touched);
            }
        } else {
            while let Some(entry) =
                self.sessions.get_mut(id.into()).and_then(|session| session.take_front_up_to(last))
            {
                was_full |= self.settle_entry(id, entry, outcome, &mut touched);
            }
        }
        self.after_settling(id, &touched, was_full);
    }

    /// Settles one entry taken out of its session. Answers whether the session's window was full before.
    pub(crate) fn settle_entry(
        &mut self,
        id: SessionId,
        entry: Unsettled,
        outcome: Outcome,
        touched: &mut SmallVec<[u32; 4]>,
    ) -> bool {
        let was_full = entry.took_credit() && self.windows.give_back(SessionIndex(id.index));
        if entry.is_shared() {
            self.give_back_taken(&entry);
        }
        let now_ms = self.time.ms();
        let Some(slot) = self.queues.get_mut(entry.queue) else { return was_full };
        if !entry.is_of(slot.incarnation) {
            return was_full;
        }
        let seq = Seq(entry.seq);
        match outcome {
            Outcome::Accept => {
                self.counters.accepted += 1;
                slot.machine.accept(entry.slot, seq, &mut self.outbox);
                if !self.remarks.is_empty() {
                    self.remarks.remove(entry.queue, seq, seq);
                }
            }
            Outcome::Requeue => {
                slot.machine.give_back(entry.slot, seq, Blame::Consumer, now_ms, &mut self.outbox);
            }
            Outcome::Release => {
                slot.machine.give_back(entry.slot, seq, Blame::Broker, now_ms, &mut self.outbox);
            }
            Outcome::Discard => {
                slot.machine.discard(entry.slot, seq, &mut self.outbox);
            }
        }
        // The outbox speaks of one queue at a time.
        self.pump_once(entry.queue);
        if touched.last() != Some(&entry.queue) {
            touched.push(entry.queue);
        }
        was_full
    }

    pub(crate) fn after_settling(&mut self, id: SessionId, touched: &[u32], was_full: bool) {
        for queue in touched {
            self.run_queue(*queue);
        }
        if was_full {
            self.wake_session(id);
        }
        self.wake_wides();
    }

    fn give_back_all(&mut self, id: SessionId, blame: Blame) {
        let mut touched = Vec::new();
        self.give_back_quietly(id, blame, &mut touched);
        self.run_dead_letters();
        for queue in touched {
            self.run_queue(queue);
        }
        self.wake_session(id);
        self.wake_wides();
    }

    /// Gives back everything unsettled; the queues that this touched are added to `touched` and go on later.
    pub(crate) fn give_back_quietly(&mut self, id: SessionId, blame: Blame, touched: &mut Vec<u32>) {
        let Some(session) = self.sessions.get_mut(id.into()) else { return };
        let entries = std::mem::take(&mut session.unsettled);
        session.front += entries.len() as u64;
        session.unsettled_count = 0;
        let now_ms = self.time.ms();
        for entry in entries.into_iter().filter(|entry| !entry.is_gone()) {
            if entry.took_credit() {
                self.windows.give_back(SessionIndex(id.index));
            }
            if entry.is_shared() {
                self.give_back_taken(&entry);
            }
            let Some(slot) = self.queues.get_mut(entry.queue) else { continue };
            if !entry.is_of(slot.incarnation) {
                continue;
            }
            slot.machine.give_back(entry.slot, Seq(entry.seq), blame, now_ms, &mut self.outbox);
            self.pump_once(entry.queue);
            if touched.last() != Some(&entry.queue) && !touched.contains(&entry.queue) {
                touched.push(entry.queue);
            }
        }
    }
}
