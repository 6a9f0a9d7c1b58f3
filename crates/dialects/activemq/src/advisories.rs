//! Advisory topics: what ActiveMQ calls the events of the core, and which of its own there are.

use ternmq_broker::{Event, EventMessage, EventPlace, Fate, Place, Places};
use ternmq_configuration::activemq_service::DestinationKind;

use crate::{
    ActiveMq,
    configuration::{Configuration, destination_of},
    names,
};

/// Start of all topics on which ActiveMQ tells of itself.
pub(crate) const PREFIX: &str = "ActiveMQ.Advisory.";
/// Those of temporary destinations, which clients of JMS count on. Adapters tell there, not the core.
const TEMPORARY: [&str; 2] = ["TempQueue", "TempTopic"];
/// Those of the core's events: whole names.
const WHOLE: [&str; 3] = ["Connection", "Queue", "Topic"];
/// The same: the kind and name of a destination follow.
const OF_DESTINATIONS: [&str; 6] =
    ["Consumer", "Producer", "Expired", "MessageDLQd", "MessageDiscarded", "SlowConsumer"];
/// What stands for any words, and for one.
const WILDCARDS: [&str; 2] = [">", "*"];

/// Whether a topic, or a pattern of topics, is one on which something is told.
pub(crate) fn is_told(topic: &str) -> bool {
    let Some(rest) = topic.strip_prefix(PREFIX) else { return false };
    let (first, more) = rest.split_once('.').map_or((rest, None), |(first, more)| (first, Some(more)));
    if WILDCARDS.contains(&first) {
        return true;
    }
    match more {
        None => TEMPORARY.contains(&first) || WHOLE.contains(&first),
        Some(_) => OF_DESTINATIONS.contains(&first),
    }
}

/// Whether who subscribes to this topic or pattern hears of events of the core.
pub(crate) fn hears_events(key: &str) -> bool {
    let mut words = key.split('.');
    for expect in ["ActiveMQ", "Advisory"] {
        match words.next() {
            Some(">") => return true,
            Some(word) if word == expect || word == "*" => {}
            _ => return false,
        }
    }
    words.next().is_some_and(|word| !TEMPORARY.contains(&word))
}

/// Kind and name of a destination behind the name of its advisory topic; `None` for one of which nobody is to hear.
fn of_destination(what: &str, place: &EventPlace) -> Option<String> {
    let (kind, name) = match ActiveMq.place_of(&place.node, &place.key) {
        Place::Queue(name) if names::is_own(&name) => return None,
        Place::Topic(name) if name.starts_with(PREFIX) => return None,
        Place::Queue(name) | Place::TemporaryQueue(name) => ("Queue", name.into_owned()),
        Place::Topic(name) | Place::TemporaryTopic(name) => ("Topic", name.into_owned()),
    };
    Some(format!("{PREFIX}{what}.{kind}.{name}"))
}

/// What a kind of destination is called where temporary ones count apart.
fn kind_name(kind: DestinationKind) -> &'static str {
    match kind {
        DestinationKind::Queue => "Queue",
        DestinationKind::Topic => "Topic",
        DestinationKind::TempQueue => "TempQueue",
        DestinationKind::TempTopic => "TempTopic",
    }
}

/// The topic on which it is told what became of a message, where its policy has it told.
fn of_message(configuration: &Configuration, fate: Fate, told: &EventMessage) -> Option<String> {
    let (kind, name) = destination_of(&told.queue, told.message.node(), told.message.key());
    // What becomes of news is none.
    if kind == DestinationKind::Topic && name.starts_with(PREFIX) {
        return None;
    }
    let (what, kind) = match (fate, kind) {
        (Fate::Expired, DestinationKind::Queue | DestinationKind::TempQueue) => ("Expired", "Queue"),
        (Fate::Expired, DestinationKind::Topic | DestinationKind::TempTopic) => ("Expired", "Topic"),
        (Fate::Buried, kind) => ("MessageDLQd", kind_name(kind)),
        (Fate::PushedOut, kind) if configuration.policy(kind, name).tells_discarded => {
            ("MessageDiscarded", kind_name(kind))
        }
        (Fate::PushedOut, _) => return None,
    };
    Some(format!("{PREFIX}{what}.{kind}.{name}"))
}

/// The topic on which it is told that a consumer is slow, where the policy of what it receives from has it told.
fn of_slow(configuration: &Configuration, place: &EventPlace) -> Option<String> {
    let (kind, name) = match ActiveMq.place_of(&place.node, &place.key) {
        Place::Queue(name) if names::is_own(&name) => return None,
        Place::Topic(name) if name.starts_with(PREFIX) => return None,
        Place::Queue(name) => (DestinationKind::Queue, name),
        Place::Topic(name) => (DestinationKind::Topic, name),
        Place::TemporaryQueue(name) => (DestinationKind::TempQueue, name),
        Place::TemporaryTopic(name) => (DestinationKind::TempTopic, name),
    };
    let is_told = configuration.policy(kind, &name).tells_slow;
    is_told.then(|| format!("{PREFIX}SlowConsumer.{}.{name}", kind_name(kind)))
}

/// The topic on which an event is told.
pub(crate) fn topic_of(configuration: &Configuration, event: &Event) -> Option<String> {
    match event {
        Event::Slow(consumer) => of_slow(configuration, &consumer.place),
        Event::Message(fate, message) => of_message(configuration, *fate, message),
        Event::Connection(..) => Some(format!("{PREFIX}Connection")),
        Event::Consumer(_, consumer, _) => of_destination("Consumer", &consumer.place),
        Event::Producer(_, producer, _) => of_destination("Producer", &producer.place),
        Event::Place(_, place, _) => {
            // Temporary ones are told of where they are made.
            let told = match ActiveMq.place_of(&place.node, &place.key) {
                Place::Queue(name) if !names::is_own(&name) => "Queue",
                Place::Topic(name) if !name.starts_with(PREFIX) => "Topic",
                _ => return None,
            };
            Some(format!("{PREFIX}{told}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn topics_that_are_told_are_known() {
        for (topic, told, hears) in [
            ("ActiveMQ.Advisory.TempQueue", true, false),
            ("ActiveMQ.Advisory.TempTopic", true, false),
            ("ActiveMQ.Advisory.Connection", true, true),
            ("ActiveMQ.Advisory.Queue", true, true),
            ("ActiveMQ.Advisory.Consumer.Queue.a.b", true, true),
            ("ActiveMQ.Advisory.Producer.>", true, true),
            ("ActiveMQ.Advisory.>", true, true),
            ("ActiveMQ.Advisory.*", true, true),
            ("ActiveMQ.Advisory.MessageDLQd.>", true, true),
            ("ActiveMQ.Advisory.MessageConsumed.>", false, true),
            ("ActiveMQ.Advisory.NetworkBridge", false, true),
            ("ActiveMQ.>", false, true),
            (">", false, true),
            ("*.Advisory.Queue", false, true),
            ("*.news", false, false),
            ("news.>", false, false),
            ("ActiveMQ.Advisory", false, false),
            ("ActiveMQ", false, false),
        ] {
            assert_eq!((is_told(topic), hears_events(topic)), (told, hears), "{topic}");
        }
    }

    #[test]
    fn destinations_are_named_behind_their_advisory_topic() {
        let place = |node: &str, key: &str| EventPlace { node: node.into(), key: key.into() };
        for (node, key, expect) in [
            ("", "q", Some("ActiveMQ.Advisory.Consumer.Queue.q")),
            ("", "temp-queue://x/1", Some("ActiveMQ.Advisory.Consumer.Queue.x/1")),
            ("", "consumer://x", None),
            ("topic", "t.*", Some("ActiveMQ.Advisory.Consumer.Topic.t.*")),
            ("topic", "ActiveMQ.Advisory.Queue", None),
            ("temp-topic", "x/2", Some("ActiveMQ.Advisory.Consumer.Topic.x/2")),
        ] {
            assert_eq!(of_destination("Consumer", &place(node, key)).as_deref(), expect);
        }
        for (node, key, expect) in [
            ("", "q", Some("ActiveMQ.Advisory.Queue")),
            ("", "mqtt://c", None),
            ("topic", "t", Some("ActiveMQ.Advisory.Topic")),
            ("temp-topic", "x/2", None),
        ] {
            let event = Event::Place(ternmq_broker::Change::Come, place(node, key), None);
            assert_eq!(topic_of(&Configuration::default(), &event).as_deref(), expect);
        }
    }
}
