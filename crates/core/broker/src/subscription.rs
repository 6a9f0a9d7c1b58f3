//! Subscriptions of a connection to keys: a queue of its own behind bindings, gone with its consumer, or kept under a
//! name until somebody gives it up.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use smallvec::SmallVec;
use ternmq_access::Principal;
use ternmq_message::Map;
use ternmq_routing::{Name, NodeKind, QueueId, Target};

use crate::{
    bindings::bind_error,
    broker::{Broker, Done},
    consume::{ConsumeSpec, Source},
    definition::{BindingRecord, Definition, TargetKind},
    effect::{ConnectionId, ConsumerId, SessionId},
    error::{Error, Kind, Verb},
    lapse::Lapse,
    log::Receipt,
    namespace::NamespaceId,
    queues::QueueSpec,
    retained::RetainedRead,
};

/// Most retained messages that all subscriptions together look at in one turn (I11).
const CATCH_UP_STEP: usize = 1_024;

/// A subscription as an adapter asks for it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubscriptionSpec {
    /// Name of its queue: the dialect's choice, of a kind that clients can't declare.
    pub queue: Arc<str>,
    /// It outlives its consumers and a restart.
    pub is_durable: bool,
    /// It may have several consumers, of whatever connections; else it has one at a time. One that is not durable goes with
    /// the last of them.
    pub is_shared: bool,
    /// Nodes and keys that it takes from.
    pub places: Vec<(Arc<str>, Arc<str>)>,
    /// What the connection itself publishes is not for it.
    pub skips_own: bool,
    /// When it is new, what is retained for its keys comes too.
    pub wants_retained: bool,
    /// When it ends, if it is durable and nobody takes it up again; `None`: not of itself. Whoever opens it says it anew.
    pub lapse: Option<Lapse>,
    /// Arguments of its queue.
    pub arguments: Map,
}

impl SubscriptionSpec {
    /// It is its connection's own, and nobody else's.
    fn is_own(&self) -> bool {
        !self.is_durable && !self.is_shared
    }
}

/// What is retained for a new subscription: it goes into its queue a bit each turn.
pub(crate) struct CatchUp {
    session: SessionId,
    consumer: ConsumerId,
    reads: VecDeque<RetainedRead>,
}

impl Broker {
    /// Opens a subscription and makes the consumer of its queue, which gets nothing before [`Broker::start_consumer`]. A
    /// durable one that is there is gone on with; when it took from other places, or let in something else, what it kept is
    /// dropped and it begins anew.
    ///
    /// # Errors
    /// No permission to read one of the places, no such node, a bad key, one that is in use and can't be shared so, or a limit
    /// is reached.
    pub fn open_subscription(
        &mut self,
        session: SessionId,
        spec: &SubscriptionSpec,
        consume: &ConsumeSpec<'_>,
    ) -> Result<Done<ConsumerId>, Error> {
        let (principal, namespace, connection) = self.who(session)?;
        for (node, key) in &spec.places {
            self.check_place(&principal, namespace, node, key)?;
            self.check_key(namespace, spec, node, key)?;
        }
        // Whatever can be refused is refused before an older one goes.
        self.check_consumers(session)?;
        let known = self.find_queue(namespace, &spec.queue);
        if let Some(queue) = known {
            let joins = spec.is_shared && self.is_same(namespace, queue, spec);
            self.check_access(&principal, namespace, connection, queue)?;
            if !joins {
                self.check_unused(namespace, queue)?;
            }
        }
        // One that is not shared keeps off those that would share it.
        let is_exclusive = spec.is_durable && !spec.is_shared;
        let consume = ConsumeSpec { is_exclusive: consume.is_exclusive || is_exclusive, ..consume.clone() };
        let (opened, receipt) = self.as_group(|broker| {
            let kept = known.filter(|queue| broker.is_same(namespace, *queue, spec));
            if let (Some(queue), None) = (known, kept) {
                broker.drop_queue(queue);
            }
            let queue = match kept {
                Some(queue) => queue,
                None => broker.make_subscription(namespace, connection, spec)?,
            };
            let consumer = broker.add_consumer(session, queue, &consume, None, Source::Places);
            if consumer.is_err() && kept.is_none() {
                broker.drop_queue(queue);
            }
            let consumer = consumer?;
            if spec.is_durable {
                broker.hold_lapse(queue, session, spec.lapse);
            }
            Ok((queue, consumer, kept.is_none()))
        });
        let (queue, consumer, is_new) = opened?;
        if let Some(slot) = self.queues.get_mut(queue) {
            slot.is_private = spec.is_own();
            slot.skips = spec.skips_own.then_some(connection);
        }
        self.forget_routes(connection);
        if spec.wants_retained && is_new && self.recalls {
            self.recall_to(queue, spec);
        }
        if spec.wants_retained && is_new {
            self.begin_catch_up(session, consumer, spec);
        }
        Ok(Done { value: consumer, receipt })
    }

    /// Whether a subscription that is there may be gone on with, or be dropped for another of its name.
    fn check_access(
        &self,
        principal: &Principal,
        namespace: NamespaceId,
        connection: ConnectionId,
        queue: u32,
    ) -> Result<(), Error> {
        self.check_owner(queue, connection)?;
        for (node, key) in self.places_of(namespace, queue) {
            self.check_place(principal, namespace, &node, &key)?;
        }
        Ok(())
    }

    fn check_unused(&self, namespace: NamespaceId, queue: u32) -> Result<(), Error> {
        let status = self.status(queue);
        if status.consumer_count > 0 {
            let space = self.namespaces.name(namespace);
            return Err(Error::ExclusiveUse { name: status.name, namespace: space });
        }
        Ok(())
    }

    /// Gives up a durable subscription and what it keeps.
    ///
    /// # Errors
    /// There is none of this name, it is in use, or no permission to read what it takes from.
    pub fn give_up_subscription(&mut self, session: SessionId, queue: &str) -> Result<Receipt, Error> {
        let (principal, namespace, connection) = self.who(session)?;
        let id = self.require_queue(namespace, connection, queue)?;
        self.check_access(&principal, namespace, connection, id)?;
        self.check_unused(namespace, id)?;
        Ok(self.drop_queue(id))
    }

    pub(crate) fn check_place(
        &self,
        principal: &Principal,
        namespace: NamespaceId,
        node: &str,
        key: &str,
    ) -> Result<(), Error> {
        let space = self.namespaces.name(namespace);
        self.authorize_place(principal, Verb::Read, &space, node, key)?;
        let id = self.require_node(namespace, node)?;
        let topology = &self.namespaces.get(namespace).ok_or(Error::Gone)?.topology;
        if topology.node(id).is_some_and(|spec| spec.kind == NodeKind::Topic) {
            self.authorize_key(principal, Verb::Read, &space, node, key)?;
        }
        Ok(())
    }

    /// Whether a subscription can take from a node with this key.
    fn check_key(
        &self,
        namespace: NamespaceId,
        spec: &SubscriptionSpec,
        node: &Arc<str>,
        key: &Arc<str>,
    ) -> Result<(), Error> {
        let source = self.require_node(namespace, node)?;
        let topology = &self.namespaces.get(namespace).ok_or(Error::Gone)?.topology;
        topology
            .check_key(source, key)
            .map_err(|error| bind_error(&error, &self.binding_of(namespace, spec, node, key)))
    }

    fn binding_of(
        &self,
        namespace: NamespaceId,
        spec: &SubscriptionSpec,
        node: &Arc<str>,
        key: &Arc<str>,
    ) -> BindingRecord {
        BindingRecord {
            namespace: self.namespaces.name(namespace),
            source: node.clone(),
            target_kind: TargetKind::Queue,
            target: spec.queue.clone(),
            key: key.clone(),
            arguments: Map::new(),
        }
    }

    /// Nodes and keys that a queue is bound to.
    pub(crate) fn places_of(&self, namespace: NamespaceId, queue: u32) -> BTreeSet<(Arc<str>, Arc<str>)> {
        let Some(space) = self.namespaces.get(namespace) else { return BTreeSet::new() };
        let topology = &space.topology;
        topology
            .bindings_to(Target::Queue(QueueId(queue)))
            .filter_map(|binding| {
                let node = topology.node(binding.source)?;
                Some((node.name.as_str().into(), binding.key.clone()))
            })
            .collect()
    }

    /// Whether a subscription that is there is the one that is asked for: its places, and what it lets in.
    fn is_same(&self, namespace: NamespaceId, queue: u32, spec: &SubscriptionSpec) -> bool {
        let is_same = |arguments: &Map| self.dialect.has_same_admission(arguments, &spec.arguments);
        self.queues.get(queue).is_some_and(|slot| is_same(&slot.arguments))
            && self.places_of(namespace, queue) == spec.places.iter().cloned().collect()
    }

    fn make_subscription(
        &mut self,
        namespace: NamespaceId,
        connection: ConnectionId,
        spec: &SubscriptionSpec,
    ) -> Result<u32, Error> {
        self.check_queue_limits(namespace)?;
        let space = self.namespaces.name(namespace);
        Name::check(&spec.queue)
            .map_err(|_| Error::InvalidName { kind: Kind::Queue, name: spec.queue.clone() })?;
        let queue = QueueSpec {
            name: spec.queue.clone(),
            is_durable: spec.is_durable,
            is_exclusive: spec.is_own(),
            is_auto_delete: !spec.is_durable,
            arguments: spec.arguments.clone(),
        };
        let made = self.make_queue(namespace, space, queue, connection)?;
        let id = self.find_queue(namespace, &made.value.name).ok_or(Error::Gone)?;
        for (node, key) in &spec.places {
            let record = self.binding_of(namespace, spec, node, key);
            let source = self.require_node(namespace, node)?;
            let place = self.namespaces.get_mut(namespace).ok_or(Error::Gone)?;
            if let Err(error) = place.topology.bind(source, Target::Queue(QueueId(id)), key, Map::new()) {
                self.drop_queue(id);
                return Err(bind_error(&error, &record));
            }
            self.record_if(spec.is_durable, &Definition::PutBinding(record));
        }
        Ok(id)
    }

    /// What is kept of the last messages of its topics comes to a new subscription.
    fn recall_to(&mut self, queue: u32, spec: &SubscriptionSpec) {
        let topics = self.dialect.topic_node();
        let keys = spec.places.iter().filter(|(node, _)| **node == *topics).map(|(_, key)| key.clone());
        for message in self.recent_of(&keys.collect::<Vec<_>>()) {
            // Nobody is there to answer.
            let _published = self.send_to(&[queue], message, None);
        }
    }

    fn begin_catch_up(&mut self, session: SessionId, consumer: ConsumerId, spec: &SubscriptionSpec) {
        let topics = self.dialect.topic_node();
        let keys = spec.places.iter().filter(|(node, _)| **node == *topics).map(|(_, key)| key);
        let reads: VecDeque<_> = keys.map(|key| self.begin_retained_read(key)).collect();
        self.catch_ups.push_back(CatchUp { session, consumer, reads });
    }

    /// Goes on with what new subscriptions look for in the retained store, one after the other.
    pub(crate) fn step_catch_ups(&mut self) {
        let mut room = CATCH_UP_STEP;
        while room > 0 {
            let Some(mut catch_up) = self.catch_ups.pop_front() else { return };
            let consumer = self.consumers.get(catch_up.consumer.into());
            let (Some(queue), Some(mut read)) =
                (consumer.map(|consumer| consumer.queue), catch_up.reads.pop_front())
            else {
                continue;
            };
            // Whoever may subscribe may read; if that has just changed, there is nothing to send.
            if let Ok(page) = self.read_retained(catch_up.session, &mut read, room) {
                room = room.saturating_sub(page.looked_at.max(1));
                for message in page.messages {
                    // Nobody is there to answer.
                    let _published = self.send_to(&[queue], message, None);
                }
                if !page.is_last {
                    // It found as much as a turn may take, in messages or in bytes.
                    catch_up.reads.push_front(read);
                    room = 0;
                }
            }
            self.catch_ups.push_back(catch_up);
        }
    }

    /// Takes out the queues that do not want what this connection publishes. Answers whether there were any.
    pub(crate) fn skip_publisher(&self, connection: ConnectionId, queues: &mut SmallVec<[u32; 4]>) -> bool {
        let count = queues.len();
        queues.retain(|queue| self.queues.get(*queue).is_none_or(|slot| slot.skips != Some(connection)));
        queues.len() < count
    }

    /// What a connection publishes may go elsewhere from now on.
    fn forget_routes(&mut self, connection: ConnectionId) {
        let sessions = self.connections.get(connection.into()).map(|known| known.sessions.clone());
        for session in sessions.unwrap_or_default() {
            if let Some(state) = self.sessions.get_mut(session.into()) {
                state.memo = None;
            }
        }
    }
}
