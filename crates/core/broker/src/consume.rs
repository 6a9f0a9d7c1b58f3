//! Consumers: their start, their windows, their end.

use std::sync::Arc;

use smallvec::SmallVec;
use ternmq_message::Map;
use ternmq_queue::{AddConsumerError, ConsumerSpec, Filter, SessionIndex, Window};
use ternmq_stdx::Handle;

use crate::{
    broker::Broker,
    effect::{ConnectionId, ConsumerId, Effect, EndReason, SessionId},
    error::{Error, Kind, LimitKind, Verb},
    events::Told,
    nodes::argument_error,
    session_state::short_incarnation,
};

/// A consumer as an application asks for it.
#[derive(Clone, Debug)]
pub struct ConsumeSpec<'a> {
    /// Queue.
    pub queue: &'a str,
    /// Comes back with each delivery.
    pub label: u32,
    /// Most unsettled deliveries; absent: no limit.
    pub window: Option<u32>,
    /// Deliveries wait to be settled; else each is gone once handed out.
    pub needs_settle: bool,
    /// Nobody else may consume.
    pub is_exclusive: bool,
    /// Higher ones are served first.
    pub priority: i32,
    /// While consumers like this are there, one of them gets everything and all others stand by.
    pub is_preferred: bool,
}

/// Where a consumer with credit stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConsumerCredit {
    /// Deliveries that it may still have.
    pub left: u32,
    /// Messages that are ready in its queue.
    pub ready_count: u64,
    /// It is among those that get them; else it stands by.
    pub is_served: bool,
    /// One of them may be for it.
    pub has_more: bool,
}

/// One consumer.
pub(crate) struct Consumer {
    pub(crate) session: SessionId,
    pub(crate) connection: ConnectionId,
    pub(crate) session_label: u32,
    pub(crate) label: u32,
    pub(crate) queue: u32,
    pub(crate) incarnation: u32,
    pub(crate) needs_settle: bool,
    pub(crate) is_exclusive: bool,
    pub(crate) window: Option<u32>,
    pub(crate) priority: i32,
    pub(crate) is_preferred: bool,
    pub(crate) shows_failed_count: bool,
    pub(crate) source: Source,
    /// How events tell of it.
    pub(crate) told: Told,
    /// The wide consumer that it is the head or a member of.
    pub(crate) wide: Option<Handle>,
}

impl Consumer {
    /// Stands for the queue of a head.
    pub(crate) const NO_QUEUE: u32 = u32::MAX;

    /// The wide consumer that it is the head of.
    pub(crate) fn headed(&self) -> Option<Handle> {
        self.wide.filter(|_| self.queue == Self::NO_QUEUE)
    }
}

/// What a consumer was asked for that let it in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Its queue.
    Queue,
    /// The places from which its queue takes.
    Places,
    /// Subscriptions of the client that it is for.
    Client,
}

impl From<Handle> for ConsumerId {
    fn from(handle: Handle) -> Self {
        Self { index: handle.index, generation: handle.generation }
    }
}

impl From<ConsumerId> for Handle {
    fn from(id: ConsumerId) -> Self {
        Self { index: id.index, generation: id.generation }
    }
}

impl Broker {
    /// Makes a consumer. It gets nothing before [`Broker::start_consumer`], so that the adapter can answer first.
    ///
    /// # Errors
    /// The queue does not exist or belongs to another connection, no permission, exclusive use is taken or asked for
    /// beside others, or the session has too many consumers.
    pub fn consume(&mut self, id: SessionId, spec: &ConsumeSpec<'_>) -> Result<ConsumerId, Error> {
        self.consume_filtered(id, spec, None)
    }

    /// As [`Broker::consume`]; with a filter the consumer gets only what passes, the rest stays for others.
    ///
    /// # Errors
    /// As [`Broker::consume`].
    pub fn consume_filtered(
        &mut self,
        id: SessionId,
        spec: &ConsumeSpec<'_>,
        filter: Option<Arc<dyn Filter>>,
    ) -> Result<ConsumerId, Error> {
        let queue = self.readable_queue(id, spec.queue)?;
        self.add_consumer(id, queue, spec, filter, Source::Queue)
    }

    /// The queue of this name, if the session may consume from it.
    pub(crate) fn readable_queue(&self, id: SessionId, name: &str) -> Result<u32, Error> {
        let (principal, namespace, connection) = self.who(id)?;
        let space = self.namespaces.name(namespace);
        match self.find_queue(namespace, name) {
            Some(queue) if self.queues.get(queue).is_some_and(|slot| slot.is_private) => {
                self.check_owner(queue, connection)?;
                self.authorize_unlisted(&principal, Verb::Read, &space, name)?;
                Ok(queue)
            }
            _ => {
                self.authorize(&principal, Verb::Read, Kind::Queue, &space, name)?;
                self.require_queue(namespace, connection, name)
            }
        }
    }

    /// Makes a consumer of a queue that the session's client uses: its own, or one that its group shares.
    pub(crate) fn consume_for_client(
        &mut self,
        id: SessionId,
        queue: u32,
        spec: &ConsumeSpec<'_>,
    ) -> Result<ConsumerId, Error> {
        self.add_consumer(id, queue, spec, None, Source::Client)
    }

    pub(crate) fn add_consumer(
        &mut self,
        id: SessionId,
        queue: u32,
        spec: &ConsumeSpec<'_>,
        filter: Option<Arc<dyn Filter>>,
        source: Source,
    ) -> Result<ConsumerId, Error> {
        self.check_consumers(id)?;
        let consumer = self.insert_consumer(id, queue, spec, filter, source)?;
        if let Some(session) = self.sessions.get_mut(id.into()) {
            session.consumers.push(consumer);
        }
        Ok(consumer)
    }

    /// As [`Broker::add_consumer`], beside those that the session knows and counts.
    pub(crate) fn insert_consumer(
        &mut self,
        id: SessionId,
        queue: u32,
        spec: &ConsumeSpec<'_>,
        filter: Option<Arc<dyn Filter>>,
        source: Source,
    ) -> Result<ConsumerId, Error> {
        let (_, namespace, connection) = self.who(id)?;
        let space = self.namespaces.name(namespace);
        let session_label = self.sessions.get(id.into()).ok_or(Error::Gone)?.label;
        let slot = self.queues.get_mut(queue).ok_or(Error::Gone)?;
        // The only active one of several, and the only one at all: a consumer is one or the other.
        if spec.is_exclusive && slot.machine.settings().is_single_active {
            return Err(Error::ExclusiveUse { name: spec.queue.into(), namespace: space });
        }
        let shows_failed_count = slot.machine.settings().delivery_limit.is_some();
        let consumer = Consumer {
            session: id,
            connection,
            session_label,
            label: spec.label,
            queue,
            incarnation: short_incarnation(slot.incarnation),
            needs_settle: spec.needs_settle,
            is_exclusive: spec.is_exclusive,
            window: spec.window,
            priority: spec.priority,
            is_preferred: spec.is_preferred,
            shows_failed_count,
            source,
            told: Told::default(),
            wide: None,
        };
        let consumer: ConsumerId = self.consumers.insert(consumer).ok_or(Error::Gone)?.into();
        let added = slot.machine.add_consumer(ConsumerSpec {
            key: consumer.index,
            session: SessionIndex(id.index),
            window: spec.window,
            needs_settle: spec.needs_settle,
            priority: spec.priority,
            is_exclusive: spec.is_exclusive,
            is_preferred: spec.is_preferred,
            filter,
        });
        if let Err(AddConsumerError::ExclusiveInUse) = added {
            self.consumers.remove(consumer.into());
            return Err(Error::ExclusiveUse { name: spec.queue.into(), namespace: space });
        }
        slot.had_consumer = true;
        self.touch_queue(queue);
        Ok(consumer)
    }

    /// Whether the session may have one consumer more.
    pub(crate) fn check_consumers(&self, id: SessionId) -> Result<(), Error> {
        let session = self.sessions.get(id.into()).ok_or(Error::Gone)?;
        let max = u64::from(self.limits.max_consumers_per_session);
        if (session.consumers.len() as u64) < max {
            return Ok(());
        }
        let owner = self.namespaces.name(session.namespace);
        Err(Error::Limit { limit: LimitKind::SessionConsumers, owner, max })
    }

    /// The priority that a consumer's arguments ask for.
    ///
    /// # Errors
    /// No permission, the queue does not exist or belongs to another connection, or an argument has a wrong value.
    pub fn consumer_priority(
        &mut self,
        session: SessionId,
        queue: &str,
        arguments: &Map,
    ) -> Result<i32, Error> {
        if arguments.is_empty() {
            return Ok(0);
        }
        let (principal, namespace, connection) = self.who(session)?;
        let space = self.namespaces.name(namespace);
        self.authorize(&principal, Verb::Read, Kind::Queue, &space, queue)?;
        self.require_queue(namespace, connection, queue)?;
        self.dialect
            .consumer_priority(arguments)
            .map_err(|error| argument_error(Kind::Queue, queue, &space, error))
    }

    /// Lets deliveries to a new consumer begin.
    pub fn start_consumer(&mut self, id: ConsumerId) {
        let Some(consumer) = self.consumers.get(id.into()) else { return };
        let (queue, wide) = (consumer.queue, consumer.headed());
        if let Some(wide) = wide {
            return self.start_wide(wide);
        }
        if self.events.is_on() {
            self.note_consumer(id);
        }
        self.run_queue(queue);
    }

    /// Ends a consumer; no delivery to it follows. What it has not settled stays with the session.
    pub fn cancel(&mut self, id: ConsumerId) {
        for queue in self.take_from_all(id) {
            // Another single active consumer may step up.
            self.run_queue(queue);
            self.after_last_consumer(queue);
        }
    }

    /// Takes a consumer out of its queue, or of all of them, which the caller lets go on.
    pub(crate) fn take_from_all(&mut self, id: ConsumerId) -> SmallVec<[u32; 1]> {
        let mut left = SmallVec::new();
        let Some(consumer) = self.consumers.get(id.into()) else { return left };
        let Some(wide) = consumer.headed() else {
            left.extend(self.take_consumer(id));
            return left;
        };
        if let Some(session) = self.sessions.get_mut(consumer.session.into()) {
            session.consumers.retain(|open| *open != id);
        }
        self.take_wide(wide, &mut left);
        left
    }

    /// As [`Broker::take_consumer`], and tells its connection why. Of a wide consumer a queue drops out and nobody is told.
    pub(crate) fn take_consumer_for(&mut self, id: ConsumerId, reason: EndReason) -> Option<u32> {
        let consumer = self.consumers.get(id.into())?;
        let (session_label, consumer_label) = (consumer.session_label, consumer.label);
        if consumer.wide.is_none() {
            let ended = Effect::ConsumerEnded { session_label, consumer_label, reason };
            self.effects.push((consumer.connection, ended));
        }
        self.take_consumer(id)
    }

    /// Takes a consumer out of its queue, which the caller lets go on. Answers the queue.
    pub(crate) fn take_consumer(&mut self, id: ConsumerId) -> Option<u32> {
        let consumer = self.consumers.remove(id.into())?;
        if let Some(session) = self.sessions.get_mut(consumer.session.into()) {
            session.consumers.retain(|open| *open != id);
        }
        if let Some(wide) = consumer.wide {
            self.drop_member(wide, id);
        }
        let slot = self.queues.get_mut(consumer.queue)?;
        slot.machine.remove_consumer(id.index);
        if consumer.told.is_told {
            self.note_consumer_gone(id, &consumer);
        }
        self.touch_queue(consumer.queue);
        Some(consumer.queue)
    }

    /// Changes how many unsettled deliveries a consumer may have.
    pub fn set_consumer_window(&mut self, id: ConsumerId, window: Option<u32>) {
        let Some(consumer) = self.consumers.get_mut(id.into()) else { return };
        if let Some(wide) = consumer.headed() {
            return self.set_wide_window(wide, window);
        }
        consumer.window = window;
        let queue = consumer.queue;
        if let Some(slot) = self.queues.get_mut(queue) {
            slot.machine.set_consumer_window(id.index, Window::Sliding(window.unwrap_or(u32::MAX)));
        }
        self.run_queue(queue);
    }

    /// Lets a consumer have so many deliveries more, whatever is unsettled. From the first call on it has this credit
    /// instead of a window.
    pub fn set_consumer_credit(&mut self, id: ConsumerId, credit: u32) {
        let Some(consumer) = self.consumers.get(id.into()) else { return };
        if let Some(wide) = consumer.headed() {
            return self.set_wide_credit(wide, credit);
        }
        let queue = consumer.queue;
        if self.events.is_on() && !consumer.told.is_told {
            self.note_consumer(id);
        }
        if let Some(slot) = self.queues.get_mut(queue) {
            slot.machine.set_consumer_window(id.index, Window::Credit(credit));
        }
        self.run_queue(queue);
    }

    /// What a consumer with credit has left of it, and how many messages are ready in its queue. `None` for a consumer
    /// that is gone or has a window.
    #[must_use]
    pub fn consumer_credit(&self, id: ConsumerId) -> Option<ConsumerCredit> {
        let consumer = self.consumers.get(id.into())?;
        if let Some(wide) = consumer.headed() {
            return self.wide_credit(wide);
        }
        let machine = &self.queues.get(consumer.queue)?.machine;
        let view = machine.consumers().find(|view| view.key == id.index)?;
        let Window::Credit(left) = view.window else { return None };
        let (ready_count, has_more) = (machine.ready_count(), machine.has_more_for(id.index));
        Some(ConsumerCredit { left, ready_count, is_served: view.is_active, has_more })
    }

    /// Changes how many unsettled deliveries a whole session may have.
    pub fn set_session_window(&mut self, id: SessionId, window: Option<u32>) {
        self.windows.set_limit(SessionIndex(id.index), window.unwrap_or(u32::MAX));
        self.wake_session(id);
    }

    /// Lets a queue hand out what it can.
    pub(crate) fn run_queue(&mut self, queue: u32) {
        let now_ms = self.time.ms();
        if let Some(slot) = self.queues.get_mut(queue) {
            slot.machine.run(now_ms, &mut self.windows, &mut self.outbox);
        }
        self.pump(queue);
    }

    /// A session has room again: every queue that it consumes from may have something for it.
    pub(crate) fn wake_session(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get(id.into()) else { return };
        let consumers = session.consumers.iter().filter_map(|id| self.consumers.get((*id).into()));
        let queues: SmallVec<[(u32, Option<Handle>); 8]> =
            consumers.map(|consumer| (consumer.queue, consumer.headed())).collect();
        for (queue, wide) in queues {
            if let Some(wide) = wide {
                self.wake_wide(wide);
                continue;
            }
            if let Some(slot) = self.queues.get_mut(queue) {
                slot.machine.session_opened();
            }
            self.run_queue(queue);
        }
    }
}
