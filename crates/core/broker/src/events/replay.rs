//! A new subscriber of events hears of what is there already.

use std::sync::Arc;

use super::{Change, Event, EventPlace, Pending};
use crate::{broker::Broker, namespace::NamespaceId};

impl Broker {
    /// Tells the subscription behind a queue of everything that it would have heard of.
    pub(super) fn replay_to(&mut self, namespace: NamespaceId, queue: u32) {
        let is_listening = self.dialect.event_listening();
        let places = self.places_of(namespace, queue);
        let keys: Vec<Arc<str>> =
            places.into_iter().map(|(_, key)| key).filter(|key| is_listening(key)).collect();
        if keys.is_empty() {
            return;
        }
        // What has just happened is told to those before it.
        self.tell_events();
        let dialect = self.dialect.clone();
        let wildcards = dialect.wildcards();
        let is_wanted = |event: &Event| {
            let told = dialect.event_key(event);
            told.is_some_and(|told| keys.iter().any(|key| wildcards.is_match(key, &told)))
        };
        let events = self.events_of_all(namespace).into_iter().filter(is_wanted);
        let pending: Vec<_> = events.map(|event| Pending { namespace, event, only: Some(queue) }).collect();
        self.events.pending.extend(pending);
    }

    /// Everything that is there, as if it came now.
    fn events_of_all(&self, namespace: NamespaceId) -> Vec<Event> {
        let own = self.connections.iter().filter(|(_, known)| known.namespace == namespace && known.is_told);
        let connections = own.filter_map(|(handle, _)| {
            Some(Event::Connection(Change::Come, self.event_connection(handle.into())?))
        });
        let place =
            |node: Arc<str>, key: Arc<str>| Event::Place(Change::Come, EventPlace { node, key }, None);
        let queues =
            self.queues.iter().filter(|(_, slot)| slot.namespace == namespace && slot.owner.is_none());
        let queues = queues.map(|(_, slot)| place(Arc::default(), slot.name.clone()));
        let topic_node: Arc<str> = self.dialect.topic_node().into();
        let topics = self.events.topics.iter().filter(|(space, _)| *space == namespace);
        let topics = topics.map(|(_, key)| place(topic_node.clone(), key.clone()));
        let producers = self.events.producers.iter();
        let producers =
            producers.flat_map(|(key, producer)| self.producer_events(key, producer, Change::Come));
        let consumers = self.consumers.iter().filter(|(_, consumer)| consumer.told.is_told);
        let consumers = consumers
            .flat_map(|(handle, consumer)| self.consumer_events(handle.into(), consumer, Change::Come));
        connections.chain(queues).chain(topics).chain(producers).chain(consumers).collect()
    }
}
