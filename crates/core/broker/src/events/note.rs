//! What happens is noted.

use std::sync::Arc;

use super::{
    Change, Event, EventConnection, EventConsumer, EventPlace, EventProducer, MAX_TOPICS, Pending, Producer,
    Role, Words,
};
use crate::{
    broker::Broker,
    consume::{Consumer, Source},
    effect::{ConnectionId, ConsumerId, SessionId},
    error::{Error, Verb},
    namespace::NamespaceId,
};

impl Broker {
    /// What an adapter knows of a consumer that does not deliver yet: what its client calls it, and its selector. Events
    /// tell of it so.
    pub fn describe_consumer(&mut self, id: ConsumerId, own_id: &str, selector: Option<&str>) {
        if !self.events.is_on() {
            return;
        }
        if let Some(consumer) = self.consumers.get_mut(id.into()) {
            let words = Words { own_id: own_id.into(), selector: selector.map(Arc::from) };
            consumer.told.words = Some(Box::new(words));
        }
    }

    /// A connection has somebody who publishes to these nodes with these keys, and calls it so. It is gone with its connection
    /// at the latest.
    pub fn open_producer(
        &mut self,
        connection: ConnectionId,
        own_id: &str,
        places: &[(Arc<str>, Arc<str>)],
        window_bytes: u32,
    ) {
        let Some(namespace) = self.connections.get(connection.into()).map(|known| known.namespace) else {
            return;
        };
        let has_places = places.iter().any(|(node, key)| !node.is_empty() || !key.is_empty());
        if !self.events.is_on() || !has_places {
            return;
        }
        let places: Vec<_> =
            places.iter().map(|(node, key)| EventPlace { node: node.clone(), key: key.clone() }).collect();
        self.close_producer(connection, own_id);
        for place in &places {
            self.note_topic(namespace, place, Some(connection));
            self.events.count(namespace, Role::Producer, place, Change::Come);
        }
        let producer = Producer { places, window_bytes };
        let key: (_, Arc<str>) = (connection, own_id.into());
        self.events.producers.insert(key.clone(), producer);
        self.note_producer(namespace, &key, Change::Come);
    }

    /// Such a producer is gone.
    pub fn close_producer(&mut self, connection: ConnectionId, own_id: &str) {
        if !self.events.is_on() {
            return;
        }
        self.end_producer(&(connection, own_id.into()));
    }

    pub(crate) fn close_producers(&mut self, connection: ConnectionId) {
        if !self.events.is_on() {
            return;
        }
        let from = (connection, Arc::default());
        let own = self.events.producers.range(from..).take_while(|((owner, _), _)| *owner == connection);
        let keys: Vec<_> = own.map(|(key, _)| key.clone()).collect();
        keys.iter().for_each(|key| self.end_producer(key));
    }

    fn end_producer(&mut self, key: &(ConnectionId, Arc<str>)) {
        let Some(known) = self.connections.get(key.0.into()) else { return };
        let namespace = known.namespace;
        let Some(producer) = self.events.producers.remove(key) else { return };
        for place in &producer.places {
            self.events.count(namespace, Role::Producer, place, Change::Gone);
        }
        if !self.is_heard(namespace) {
            return;
        }
        for event in self.producer_events(key, &producer, Change::Gone) {
            self.raise(namespace, event);
        }
    }

    fn note_producer(&mut self, namespace: NamespaceId, key: &(ConnectionId, Arc<str>), change: Change) {
        if !self.is_heard(namespace) {
            return;
        }
        let Some(producer) = self.events.producers.get(key) else { return };
        for event in self.producer_events(key, producer, change) {
            self.raise(namespace, event);
        }
    }

    pub(super) fn producer_events(
        &self,
        (connection, own_id): &(ConnectionId, Arc<str>),
        producer: &Producer,
        change: Change,
    ) -> Vec<Event> {
        let Some(connection) = self.event_connection(*connection) else { return Vec::new() };
        let Some(known) = self.connections.get(connection.id.into()) else { return Vec::new() };
        let event = |place: &EventPlace| {
            let count = self.events.count_of(known.namespace, Role::Producer, place);
            let producer = EventProducer {
                own_id: own_id.clone(),
                connection: connection.clone(),
                place: place.clone(),
                window_bytes: producer.window_bytes,
            };
            Event::Producer(change, producer, count)
        };
        producer.places.iter().map(event).collect()
    }

    pub(crate) fn note_connection(&mut self, id: ConnectionId) {
        if self.events.is_on() {
            self.events.fresh.push(id);
        }
    }

    pub(crate) fn note_connection_gone(&mut self, id: ConnectionId) {
        let Some(known) = self.connections.get_mut(id.into()) else { return };
        if !std::mem::take(&mut known.is_told) {
            self.events.fresh.retain(|fresh| *fresh != id);
            return;
        }
        let namespace = known.namespace;
        if let Some(connection) = self.event_connection(id).filter(|_| self.is_heard(namespace)) {
            self.raise(namespace, Event::Connection(Change::Gone, connection));
        }
    }

    /// Connections that came in this turn were let in, if they are still there.
    pub(super) fn settle_connections(&mut self) {
        for id in std::mem::take(&mut self.events.fresh) {
            let Some(known) = self.connections.get_mut(id.into()) else { continue };
            known.is_told = true;
            let namespace = known.namespace;
            if let Some(connection) = self.event_connection(id).filter(|_| self.is_heard(namespace)) {
                self.raise(namespace, Event::Connection(Change::Come, connection));
            }
        }
    }

    pub(super) fn event_connection(&self, id: ConnectionId) -> Option<EventConnection> {
        let known = self.connections.get(id.into())?;
        let claimed = known.sole_name.as_ref().map(|claimed| claimed.name.clone());
        Some(EventConnection {
            id,
            own_id: known.info.own_id.clone(),
            client: claimed.or_else(|| known.info.user_provided_name.clone()),
            user: known.principal.user().clone(),
            peer: known.info.peer,
            local: known.info.local,
        })
    }

    /// A consumer lets deliveries begin: it is told of, and told what it asks for of what is there.
    pub(crate) fn note_consumer(&mut self, id: ConsumerId) {
        let Some(consumer) = self.consumers.get_mut(id.into()) else { return };
        if std::mem::replace(&mut consumer.told.is_told, true) {
            return;
        }
        let (connection, queue, source) = (consumer.connection, consumer.queue, consumer.source);
        let Some(namespace) = self.queues.get(queue).map(|slot| slot.namespace) else { return };
        if source == Source::Places {
            for place in self.consumed_places(queue, source) {
                self.note_topic(namespace, &place, Some(connection));
                self.events.count(namespace, Role::Consumer, &place, Change::Come);
            }
        }
        if !self.is_heard(namespace) {
            return;
        }
        if source == Source::Places {
            self.replay_to(namespace, queue);
        }
        let Some(consumer) = self.consumers.get(id.into()) else { return };
        for event in self.consumer_events(id, consumer, Change::Come) {
            self.raise(namespace, event);
        }
    }

    pub(crate) fn note_consumer_gone(&mut self, id: ConsumerId, consumer: &Consumer) {
        let Some(namespace) = self.connections.get(consumer.connection.into()).map(|known| known.namespace)
        else {
            return;
        };
        self.count_gone(namespace, consumer.queue, consumer.source);
        if self.is_heard(namespace) {
            for event in self.consumer_events(id, consumer, Change::Gone) {
                self.raise(namespace, event);
            }
        }
    }

    /// A queue goes, and its consumers with it.
    pub(crate) fn note_consumers_gone(&mut self, queue: u32) {
        let Some(slot) = self.queues.get(queue) else { return };
        let namespace = slot.namespace;
        let keys: Vec<u32> = slot.machine.consumers().map(|consumer| consumer.key).collect();
        for key in keys {
            let Some(handle) = self.consumers.handle_at(key) else { continue };
            let Some(consumer) = self.consumers.get_mut(handle) else { continue };
            if !std::mem::take(&mut consumer.told.is_told) {
                continue;
            }
            let source = consumer.source;
            self.count_gone(namespace, queue, source);
            if !self.is_heard(namespace) {
                continue;
            }
            let Some(consumer) = self.consumers.get(handle) else { continue };
            for event in self.consumer_events(handle.into(), consumer, Change::Gone) {
                // None of them is left.
                let event = match event {
                    Event::Consumer(change, consumer, _) => Event::Consumer(change, consumer, 0),
                    other => other,
                };
                self.raise(namespace, event);
            }
        }
    }

    pub(super) fn consumer_events(&self, id: ConsumerId, consumer: &Consumer, change: Change) -> Vec<Event> {
        let Some(connection) = self.event_connection(consumer.connection) else { return Vec::new() };
        let words = consumer.told.words.as_deref();
        let slot = self.queues.get(consumer.queue);
        let event = |place: EventPlace| {
            let count = self.consumer_count(consumer, &place);
            let consumer = EventConsumer {
                id,
                own_id: words.map(|words| words.own_id.clone()),
                connection: connection.clone(),
                place,
                queue: self.queue_name(consumer.queue),
                selector: words.and_then(|words| words.selector.clone()),
                window: consumer.window.unwrap_or_default(),
                priority: consumer.priority,
                is_exclusive: consumer.is_preferred,
                skips_own: slot.is_some_and(|slot| slot.skips.is_some()),
            };
            Event::Consumer(change, consumer, count)
        };
        self.consumed_places(consumer.queue, consumer.source).into_iter().map(event).collect()
    }

    fn queue_name(&self, queue: u32) -> Arc<str> {
        self.queues.get(queue).map(|slot| slot.name.clone()).unwrap_or_default()
    }

    /// What a consumer receives from, as it was asked for.
    fn consumed_places(&self, queue: u32, source: Source) -> Vec<EventPlace> {
        let Some(slot) = self.queues.get(queue) else { return Vec::new() };
        match source {
            Source::Queue => vec![EventPlace { node: Arc::default(), key: slot.name.clone() }],
            Source::Places => {
                let places = self.places_of(slot.namespace, queue).into_iter();
                places.map(|(node, key)| EventPlace { node, key }).collect()
            }
            // Who is known by name subscribes and leaves without a consumer that comes and goes.
            Source::Client => Vec::new(),
        }
    }

    /// Consumers of a place now: of a topic those that ask for the same one, or for the same pattern.
    fn consumer_count(&self, consumer: &Consumer, place: &EventPlace) -> u64 {
        match self.queues.get(consumer.queue) {
            None => 0,
            Some(_) if consumer.source == Source::Queue => {
                u64::from(self.status(consumer.queue).consumer_count)
            }
            Some(slot) => self.events.count_of(slot.namespace, Role::Consumer, place),
        }
    }

    fn count_gone(&mut self, namespace: NamespaceId, queue: u32, source: Source) {
        if source == Source::Places {
            for place in self.consumed_places(queue, source) {
                self.events.count(namespace, Role::Consumer, &place, Change::Gone);
            }
        }
    }

    /// A queue comes or goes.
    pub(crate) fn note_queue(&mut self, id: u32, change: Change, cause: Option<ConnectionId>) {
        let Some(slot) = self.queues.get(id) else { return };
        let (namespace, key) = (slot.namespace, slot.name.clone());
        if self.is_heard(namespace) {
            let cause = cause.and_then(|cause| self.event_connection(cause));
            let place = EventPlace { node: Arc::default(), key };
            self.raise(namespace, Event::Place(change, place, cause));
        }
    }

    /// A topic is used: from the first time on it is there.
    fn note_topic(&mut self, namespace: NamespaceId, place: &EventPlace, cause: Option<ConnectionId>) {
        let is_topic = *place.node == *self.dialect.topic_node();
        if !is_topic || !self.dialect.wildcards().is_plain(&place.key) {
            return;
        }
        let is_full = self.events.topics.len() >= MAX_TOPICS;
        let cause_of = |broker: &Self| cause.and_then(|cause| broker.event_connection(cause));
        let event = Event::Place(Change::Come, place.clone(), cause_of(self));
        if is_full || self.dialect.event_key(&event).is_none() {
            return;
        }
        if self.events.topics.insert((namespace, place.key.clone())) && self.is_heard(namespace) {
            self.raise(namespace, event);
        }
    }

    /// A client says that a topic is there.
    ///
    /// # Errors
    /// The session is gone.
    pub fn add_topic(&mut self, session: SessionId, node: &Arc<str>, key: &Arc<str>) -> Result<(), Error> {
        let (_, namespace, connection) = self.who(session)?;
        if self.events.is_on() {
            let place = EventPlace { node: node.clone(), key: key.clone() };
            self.note_topic(namespace, &place, Some(connection));
        }
        Ok(())
    }

    /// A client wants a topic to be no more. It is there again when it is used.
    ///
    /// # Errors
    /// No permission.
    pub fn remove_topic(&mut self, session: SessionId, node: &Arc<str>, key: &Arc<str>) -> Result<(), Error> {
        let (principal, namespace, connection) = self.who(session)?;
        let space = self.namespaces.name(namespace);
        self.authorize_place(&principal, Verb::Delete, &space, node, key)?;
        if self.events.topics.remove(&(namespace, key.clone())) && self.is_heard(namespace) {
            let place = EventPlace { node: node.clone(), key: key.clone() };
            let cause = self.event_connection(connection);
            self.raise(namespace, Event::Place(Change::Gone, place, cause));
        }
        Ok(())
    }

    /// Whether anybody subscribes to events.
    pub(super) fn is_heard(&self, namespace: NamespaceId) -> bool {
        self.events.is_on()
            && self.namespaces.get(namespace).is_some_and(|space| space.topology.counted_bindings() > 0)
    }

    pub(super) fn raise(&mut self, namespace: NamespaceId, event: Event) {
        self.events.pending.push_back(Pending { namespace, event, only: None });
    }
}
