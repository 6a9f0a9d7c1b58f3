//! How messages get to be scheduled, and how they are taken away.

use std::sync::Arc;

use ternmq_message::Message;
use ternmq_queue::Seq;

use super::{Goal, Schedule, Scheduled, Timing, cost};
use crate::{
    broker::Broker,
    effect::SessionId,
    error::{Error, LimitKind},
    log::{Grouping, Receipt},
    namespace::NamespaceId,
    producers::MessageOrigin,
    publish::{Publish, Published},
    records::{kind, scheduled_gone, scheduled_parts},
    session_state::RouteMemo,
    timers::TimerKey,
    transaction::{Place, StagedLater},
};

impl Broker {
    /// Publishes a message when it says so: now or later, see [`Broker::publish_from`] and [`Broker::publish_later`]; an order is
    /// carried out, see [`Broker::obey_schedule_order`].
    ///
    /// # Errors
    /// As those.
    pub fn publish_timed(
        &mut self,
        id: SessionId,
        publish: Publish<'_>,
        timing: &Timing,
        origin: Option<MessageOrigin>,
    ) -> Result<Published, Error> {
        match timing {
            Timing::Now => self.publish_from(id, publish, origin),
            Timing::Later(schedule) => self.publish_later(id, publish, schedule.clone(), origin),
            Timing::Order(order) => self.obey_schedule_order(id, &publish.message, order),
        }
    }

    /// Keeps a message to publish it later, or stages that when the session has a transaction. Whether the session may publish
    /// it is asked now, and again then for its user (S5). Durable or not, it is kept over a restart until then.
    ///
    /// # Errors
    /// As [`Broker::publish`]; there are too many already, too many repetitions, or a time past all times.
    pub fn publish_later(
        &mut self,
        id: SessionId,
        publish: Publish<'_>,
        schedule: Schedule,
        origin: Option<MessageOrigin>,
    ) -> Result<Published, Error> {
        self.publish_later_at(id, publish, schedule, None, origin)
    }

    /// As [`Broker::publish_later`], or staged in `place`.
    pub(crate) fn publish_later_at(
        &mut self,
        id: SessionId,
        publish: Publish<'_>,
        schedule: Schedule,
        place: Option<Place>,
        origin: Option<MessageOrigin>,
    ) -> Result<Published, Error> {
        let Publish { message, extra_keys, claimed_user } = publish;
        self.resolve(id, &message, extra_keys, &mut RouteMemo::default())?;
        if let Some(claimed) = claimed_user {
            self.check_claim(id, claimed)?;
        }
        let max = self.limits.max_schedule_repeats;
        if schedule.repeats.is_some_and(|count| count > max) {
            let owner = self.node_name.clone();
            return Err(Error::Limit { limit: LimitKind::ScheduleRepeats, owner, max: max.into() });
        }
        let meta = self.intake.meta(message.meta());
        let message = message.with_meta(meta);
        self.check_scheduled_room(&message)?;
        let is_transactional = self.sessions.get(id.into()).is_some_and(|session| session.staged.is_some());
        if let Some(place) = place.or(is_transactional.then_some(Place::Session(id))) {
            self.stage_schedule(place, message, schedule, origin)?;
            return Ok(Published::Accepted(Receipt::NONE));
        }
        let (principal, namespace, _) = self.who(id)?;
        let user = principal.user().clone();
        self.counters.published += 1;
        let receipt = self.hold_for_user(namespace, user, (message, schedule), origin, 0);
        Ok(Published::Accepted(receipt))
    }

    /// Keeps a message that its user may publish, as was asked; so many of its times may be repetitions.
    pub(crate) fn hold_for_user(
        &mut self,
        namespace: NamespaceId,
        user: Arc<str>,
        (message, schedule): (Message, Schedule),
        origin: Option<MessageOrigin>,
        repeated_times: u32,
    ) -> Receipt {
        let due_ms = schedule.first_ms(self.time.ms()).unwrap_or(u64::MAX);
        let message = message.compact();
        let scheduled =
            Scheduled { namespace, user, goal: Goal::Node, message, schedule, due_ms, repeated_times };
        self.hold(scheduled, None, origin)
    }

    /// Puts a message into a queue after some ms, unless the queue is gone by then (I10). No permission is asked: never what a
    /// peer says (S5).
    ///
    /// # Errors
    /// No such queue, or there are too many scheduled messages already.
    pub fn put_into_queue_later(
        &mut self,
        namespace: &str,
        queue: &str,
        message: &Message,
        delay_ms: u64,
    ) -> Result<Receipt, Error> {
        let space = self.namespaces.find(namespace).ok_or(Error::Gone)?;
        let queue = self.find_queue(space, queue).ok_or(Error::Gone)?;
        self.move_into_queue_later(queue, message, delay_ms, None)
    }

    /// As [`Broker::put_into_queue_later`], for a message that is in a queue: `replaces` names the entry whose place it takes,
    /// which is gone with the same record, so that it is in one of the two at any moment (I6). At a limit nothing has changed.
    pub(crate) fn move_into_queue_later(
        &mut self,
        queue: u32,
        message: &Message,
        delay_ms: u64,
        replaces: Option<(u32, Seq)>,
    ) -> Result<Receipt, Error> {
        let slot = self.queues.get(queue).ok_or(Error::Gone)?;
        let (namespace, incarnation) = (slot.namespace, slot.incarnation);
        self.check_scheduled_room(message)?;
        let scheduled = Scheduled {
            namespace,
            user: Arc::default(),
            goal: Goal::Queue { queue, incarnation },
            repeated_times: u32::from(message.may_be_repeated()),
            message: message.compact(),
            schedule: Schedule::after(delay_ms),
            due_ms: self.time.ms().saturating_add(delay_ms),
        };
        Ok(self.hold(scheduled, replaces, None))
    }

    fn check_scheduled_room(&self, message: &Message) -> Result<(), Error> {
        let count = self.scheduled.all.len() as u64 + 1;
        let (max, max_bytes) = (u64::from(self.limits.max_scheduled), self.limits.max_scheduled_bytes);
        let exceeded = if count > max {
            max
        } else if self.scheduled.bytes.saturating_add(cost(message)) > max_bytes {
            max_bytes
        } else {
            return Ok(());
        };
        Err(Error::Limit { limit: LimitKind::Scheduled, owner: self.node_name.clone(), max: exceeded })
    }

    /// Whether there is room for all of these.
    pub(crate) fn has_room_for_later(&self, later: &[StagedLater]) -> bool {
        let bytes = later.iter().map(|later| cost(&later.message)).sum();
        let count = self.scheduled.all.len().saturating_add(later.len()) as u64;
        count <= u64::from(self.limits.max_scheduled)
            && self.scheduled.bytes.saturating_add(bytes) <= self.limits.max_scheduled_bytes
    }

    /// Whether there is room for one more, for what has nobody to answer.
    pub(super) fn has_scheduled_room(&self, message: &Message) -> bool {
        self.check_scheduled_room(message).is_ok()
    }

    pub(super) fn hold(
        &mut self,
        scheduled: Scheduled,
        replaces: Option<(u32, Seq)>,
        origin: Option<MessageOrigin>,
    ) -> Receipt {
        let id = self.scheduled.next_id(self.time.ms());
        let space = self.namespaces.name(scheduled.namespace);
        self.scratch.clear();
        scheduled_parts(&mut self.scratch, id, &space, &scheduled, replaces, origin);
        let grouping = self.grouping(Grouping::Ends);
        let parts = [self.scratch.bytes(), scheduled.message.raw()];
        let receipt = self.log.append(kind::SCHEDULED, grouping, &parts).receipt();
        if let Some(origin) = origin {
            self.producers.note(origin, self.time.ms());
        }
        self.scheduled.put(id, scheduled);
        self.arm_scheduled(0);
        receipt
    }

    /// Takes one away.
    pub(super) fn forget(&mut self, id: u64) -> Receipt {
        if self.scheduled.take(id).is_none() {
            return Receipt::NONE;
        }
        self.scratch.clear();
        scheduled_gone(&mut self.scratch, id);
        let grouping = self.grouping(Grouping::Ends);
        self.log.append(kind::SCHEDULED, grouping, &[self.scratch.bytes()]).receipt()
    }

    /// Forgets what is scheduled in a namespace that goes.
    pub(crate) fn forget_scheduled(&mut self, namespace: NamespaceId) {
        let of_it = |(id, scheduled): (&u64, &Scheduled)| (scheduled.namespace == namespace).then_some(*id);
        let doomed: Vec<u64> = self.scheduled.all.iter().filter_map(of_it).collect();
        for id in doomed {
            self.scheduled.take(id);
        }
    }

    /// Sets the timer to the first one, but no earlier than this.
    pub(super) fn arm_scheduled(&mut self, not_before_ms: u64) {
        let due_ms = self.scheduled.due.first().map(|(due_ms, _)| (*due_ms).max(not_before_ms));
        self.timers.reset(TimerKey::Scheduled, self.scheduled.timer_ms, due_ms);
        self.scheduled.timer_ms = due_ms;
    }
}
