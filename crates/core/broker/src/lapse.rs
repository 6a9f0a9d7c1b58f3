//! Durable subscriptions that end when nobody takes them up again in time: the time counts from what their last opener named
//! on, over restarts too.

use std::collections::BTreeSet;

use crate::{
    broker::Broker,
    definition::{Definition, LapseRecord},
    effect::{ConnectionId, SessionId},
    error::Error,
};

/// From when on the time of a durable subscription runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LapseStart {
    /// It has no consumer.
    NoConsumer,
    /// And the session that opened it last has ended.
    SessionEnd,
    /// And the connection that opened it last has ended.
    ConnectionEnd,
}

/// When a durable subscription ends that nobody takes up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lapse {
    /// From when on its time runs.
    pub starts: LapseStart,
    /// Its time in ms; 0: it goes with the next turn, unless it is taken up in this one.
    pub after_ms: u64,
}

/// Whose end the time of a subscription waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Holder {
    Session(SessionId),
    Connection(ConnectionId),
}

/// The lapse of a subscription that has one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeptLapse {
    lapse: Lapse,
    /// `None`: nobody's end is waited for.
    holder: Option<Holder>,
    /// Broker time in ms since when its time runs; absent while it does not.
    left_at_ms: Option<u64>,
}

impl KeptLapse {
    /// Broker time in ms at which the subscription ends as things are.
    pub(crate) fn due_ms(&self) -> Option<u64> {
        self.left_at_ms.map(|at_ms| at_ms.saturating_add(self.lapse.after_ms))
    }
}

/// Queues of subscriptions by whose end they wait for.
pub(crate) type HeldLapses = BTreeSet<(Holder, u32)>;

impl Broker {
    /// When a durable subscription ends that nobody takes up again; `None`: not of itself.
    ///
    /// # Errors
    /// There is none of this name, or it is another connection's.
    pub fn subscription_lapse(&self, session: SessionId, queue: &str) -> Result<Option<Lapse>, Error> {
        let (_, namespace, connection) = self.who(session)?;
        let id = self.require_queue(namespace, connection, queue)?;
        Ok(self.queues.get(id).and_then(|slot| slot.lapse.as_ref()).map(|kept| kept.lapse))
    }

    /// A durable subscription was opened: its time stands still, and its last opener says when it runs.
    pub(crate) fn hold_lapse(&mut self, queue: u32, session: SessionId, lapse: Option<Lapse>) {
        let connection = self.sessions.get(session.into()).map(|known| known.connection);
        self.let_lapse_go(queue);
        let Some(slot) = self.queues.get_mut(queue) else { return };
        let before = slot.lapse.as_deref().map(|kept| (kept.lapse, kept.left_at_ms));
        let holder = lapse.and_then(|lapse| match lapse.starts {
            LapseStart::NoConsumer => None,
            LapseStart::SessionEnd => Some(Holder::Session(session)),
            LapseStart::ConnectionEnd => connection.map(Holder::Connection),
        });
        slot.lapse = lapse.map(|lapse| Box::new(KeptLapse { lapse, holder, left_at_ms: None }));
        self.held_lapses.extend(holder.map(|holder| (holder, queue)));
        if before != lapse.map(|lapse| (lapse, None)) {
            self.record_lapse(queue);
            self.arm_idle(queue);
        }
    }

    /// Nobody's end is waited for any more.
    pub(crate) fn let_lapse_go(&mut self, queue: u32) {
        let lapse = self.queues.get_mut(queue).and_then(|slot| slot.lapse.as_mut());
        if let Some(holder) = lapse.and_then(|lapse| lapse.holder.take()) {
            self.held_lapses.remove(&(holder, queue));
        }
    }

    /// A session or connection ended: the time of what waited for it runs.
    pub(crate) fn release_lapses(&mut self, holder: Holder) {
        let all = (holder, u32::MIN)..=(holder, u32::MAX);
        let queues: Vec<u32> = self.held_lapses.range(all).map(|(_, queue)| *queue).collect();
        for queue in queues {
            self.let_lapse_go(queue);
            self.begin_lapse(queue);
        }
    }

    /// The time of a subscription runs from now on, if it has one, no consumer, and waits for nobody. It ends by the timer even
    /// when it has no time at all: a link that takes another one's place opens it right behind that one's end.
    pub(crate) fn begin_lapse(&mut self, queue: u32) {
        let now_ms = self.time.ms();
        let Some(slot) = self.queues.get_mut(queue) else { return };
        let is_left = slot.machine.consumer_count() == 0;
        let Some(lapse) = slot.lapse.as_mut().filter(|kept| is_left && kept.holder.is_none()) else { return };
        if lapse.left_at_ms.is_some() {
            return;
        }
        lapse.left_at_ms = Some(now_ms);
        self.record_lapse(queue);
        self.arm_idle(queue);
    }

    pub(crate) fn lapse_record(&self, queue: u32) -> Option<LapseRecord> {
        let slot = self.queues.get(queue)?;
        let kept = slot.lapse.as_deref();
        Some(LapseRecord {
            queue,
            lapse: kept.map(|kept| kept.lapse),
            left_at_ms: kept.and_then(|kept| kept.left_at_ms),
        })
    }

    fn record_lapse(&mut self, queue: u32) {
        if let Some(record) = self.lapse_record(queue) {
            let is_logged = self.queues.get(queue).is_some_and(|slot| slot.is_logged());
            self.record_if(is_logged, &Definition::PutLapse(record));
        }
    }

    pub(crate) fn apply_put_lapse(&mut self, record: &LapseRecord) {
        let left_at_ms = record.left_at_ms;
        if let Some(slot) = self.queues.get_mut(record.queue) {
            slot.lapse = record.lapse.map(|lapse| Box::new(KeptLapse { lapse, holder: None, left_at_ms }));
        }
    }
}
