//! Fetching one message without a consumer.

use ternmq_queue::{GetResult, SessionIndex};

use crate::{
    broker::Broker,
    effect::{Deliver, SessionId},
    error::{Error, Kind, Verb},
    remarks::remarked,
    session_state::{Unsettled, short_incarnation},
};

/// Answer to a fetch.
#[derive(Debug)]
pub enum GetOutcome {
    /// One message, and how many stay ready behind it. Its consumer label is 0.
    Got(Deliver, u64),
    /// The queue is empty.
    Empty,
    /// The next message is being read from disk; [`crate::Effect::Loaded`] tells when to ask again.
    Loading,
}

impl Broker {
    /// Fetches the next message of a queue.
    ///
    /// # Errors
    /// The queue does not exist or belongs to another connection, or no permission.
    pub fn get(&mut self, id: SessionId, queue: &str, needs_settle: bool) -> Result<GetOutcome, Error> {
        let (principal, namespace, connection) = self.who(id)?;
        let space = self.namespaces.name(namespace);
        self.authorize(&principal, Verb::Read, Kind::Queue, &space, queue)?;
        let queue = self.require_queue(namespace, connection, queue)?;
        let now_ms = self.time.ms();
        self.touch_queue(queue);
        let slot = self.queues.get_mut(queue).ok_or(Error::Gone)?;
        let incarnation = short_incarnation(slot.incarnation);
        let shows_count = slot.machine.settings().delivery_limit.is_some();
        let result =
            slot.machine.get(needs_settle, SessionIndex(id.index), now_ms, &self.windows, &mut self.outbox);
        let remaining = slot.machine.ready_count();
        self.pump(queue);
        let delivery = match result {
            GetResult::Got(delivery) => delivery,
            GetResult::Empty => return Ok(GetOutcome::Empty),
            GetResult::Loading => {
                self.pager.await_load(queue, id);
                return Ok(GetOutcome::Loading);
            }
        };
        let session = self.sessions.get_mut(id.into()).ok_or(Error::Gone)?;
        let number = match delivery.slot {
            None => session.number_settled(),
            Some(slot) => session.number_unsettled(Unsettled {
                queue,
                slot,
                seq: delivery.seq.0,
                incarnation: incarnation | Unsettled::FETCHED,
                age_base_ms: u32::try_from(now_ms.saturating_sub(session.started_ms)).unwrap_or(u32::MAX),
            }),
        };
        self.counters.delivered += 1;
        self.counters.redelivered += u64::from(delivery.is_redelivered);
        let remark = self.remarks.get(queue, delivery.seq);
        let deliver = Deliver {
            session_label: session.label,
            consumer_label: 0,
            delivery: number,
            seq: delivery.seq.0,
            expires_at_ms: delivery.expiry_ms(),
            message: remarked(&self.formats, remark, delivery.message),
            is_redelivered: delivery.is_redelivered,
            failed_count: shows_count.then_some(delivery.failed_count),
            failures: delivery.failed_count,
            is_group_first: false,
        };
        Ok(GetOutcome::Got(deliver, remaining))
    }
}
