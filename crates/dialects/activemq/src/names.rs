//! Names: what stands behind a destination in the core, and what permissions know it by.
//!
//! ```text
//! NAME                        a queue, as clients name it
//! consumer://CLIENT/NAME      a durable subscription to topics
//! consumer:///NAME            one that is nobody's, so that all clients may share it
//! consumer://RANDOM           one that lives as long as its consumer
//! shared://CLIENT/NAME        one that lives as long as the consumers that share it
//! temp-queue://OWNER/LABEL    a temporary queue, OWNER is 128 random bits
//! temp-topic://NAME           a queue, always empty, by which a connection holds a temporary topic
//! mqtt://CLIENT               the session of an MQTT client
//! mqtt-shared://GROUP/KEY     a subscription that a group of MQTT clients shares
//! ```
//! Permissions know a queue as `queue://NAME` and a topic as `topic://NAME`.

use std::{borrow::Cow, fmt::Write, sync::Arc};

use ternmq_broker::{Guard, Kind, QueueSpec};
use ternmq_stdx::letters_of;

use crate::advisories;

/// The one namespace: the name that ActiveMQ gives a broker.
pub(crate) const NAMESPACE: &str = "localhost";
/// Node of all topics.
pub(crate) const TOPIC_NODE: &str = "topic";
/// Node of the temporary ones.
pub(crate) const TEMPORARY_TOPIC_NODE: &str = "temp-topic";
/// Where dead messages of all queues go.
pub(crate) const DEAD_LETTER_QUEUE: &str = "ActiveMQ.DLQ";
/// What is said of an advisory topic on which nothing is told, so that nobody waits for it in vain.
const ABSENT_ADVISORY: &str = "this advisory topic: not available";
/// Start of the names of temporary queues.
pub(crate) const TEMPORARY_QUEUE: &str = "temp-queue://";
/// Start of the names of the queues by which connections hold temporary topics.
pub(crate) const TEMPORARY_TOPIC: &str = "temp-topic://";
/// Start of the names of the queues behind subscriptions to topics.
const SUBSCRIPTION: &str = "consumer://";
/// Start of the names of those that are shared and not kept.
const SHARED_SUBSCRIPTION: &str = "shared://";
/// Start of the names of the queues that groups of MQTT clients share.
pub(crate) const MQTT_GROUP: &str = "mqtt-shared://";
/// What tells names of the broker's own from those of clients.
const OWN: &str = "://";

/// Whether a name is of a kind that clients can't use.
pub(crate) fn is_own(name: &str) -> bool {
    name.contains(OWN)
}

/// A queue as ActiveMQ makes it on use.
pub(crate) fn queue(name: &str) -> QueueSpec {
    QueueSpec { name: name.into(), is_durable: true, ..QueueSpec::default() }
}

/// A part of a name that ends with a slash and may hold some itself.
fn escaped(part: &str) -> String {
    let mut escaped = String::with_capacity(part.len());
    for letter in part.chars() {
        match letter {
            '/' | '%' => {
                // Writing to a string can't fail.
                let _written = write!(escaped, "%{:02X}", u32::from(letter));
            }
            other => escaped.push(other),
        }
    }
    escaped
}

/// Queue of a durable subscription.
pub(crate) fn durable_subscription(client: &str, name: &str) -> Arc<str> {
    format!("{SUBSCRIPTION}{}/{name}", escaped(client)).into()
}

/// Queue of a subscription that several consumers share and that goes with the last of them.
pub(crate) fn shared_subscription(client: &str, name: &str) -> Arc<str> {
    format!("{SHARED_SUBSCRIPTION}{}/{name}", escaped(client)).into()
}

/// Client and name of a durable subscription, from the name of its queue.
pub(crate) fn parts_of_subscription(queue: &str) -> Option<(String, &str)> {
    let (client, name) = queue.strip_prefix(SUBSCRIPTION)?.split_once('/')?;
    Some((client.replace("%2F", "/").replace("%25", "%"), name))
}

/// Whether it is the queue of a subscription to topics that goes with its consumers.
pub(crate) fn is_of_topics(queue: &str) -> bool {
    queue.starts_with(SHARED_SUBSCRIPTION)
        || queue.strip_prefix(SUBSCRIPTION).is_some_and(|rest| !rest.contains('/'))
}

/// Queue of a subscription that goes with its consumer.
pub(crate) fn subscription(random: [u8; 16]) -> Arc<str> {
    format!("{SUBSCRIPTION}{}", letters_of(random)).into()
}

/// Queue of an MQTT client.
pub(crate) fn mqtt_client(client: &str) -> String {
    format!("mqtt://{client}")
}

/// Queue that a group of MQTT clients shares.
pub(crate) fn mqtt_group(group: &str, key: &str) -> String {
    format!("{MQTT_GROUP}{}/{key}", escaped(group))
}

/// Key of a temporary topic, and the rest of the name of a temporary queue.
pub(crate) fn temporary(owner: &str, label: &str) -> String {
    format!("{owner}/{label}")
}

/// Name under which permissions know a queue.
pub(crate) fn queue_permission(name: &str) -> Cow<'_, str> {
    if is_own(name) { Cow::Borrowed(name) } else { Cow::Owned(format!("queue://{name}")) }
}

/// Kind and name of a place, as ActiveMQ writes a destination.
pub(crate) fn place<'a>(node: &str, key: &'a str) -> Cow<'a, str> {
    match node {
        "" => queue_permission(key),
        TEMPORARY_TOPIC_NODE => Cow::Owned(format!("temp-topic://{key}")),
        _ => Cow::Owned(format!("topic://{key}")),
    }
}

/// What permissions know a place by.
pub(crate) fn guard(node: &str, key: &str) -> Guard {
    match node {
        "" if key.starts_with(TEMPORARY_QUEUE) => Guard::Secret,
        "" => Guard::Named(Kind::Queue, key.into()),
        TOPIC_NODE if advisories::is_told(key) => Guard::Told(Kind::Node, format!("topic://{key}").into()),
        TOPIC_NODE if key.starts_with(advisories::PREFIX) => Guard::Absent(ABSENT_ADVISORY),
        TOPIC_NODE => Guard::Named(Kind::Node, format!("topic://{key}").into()),
        TEMPORARY_TOPIC_NODE => Guard::Secret,
        _ => Guard::Node,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscriptions_of_two_clients_never_share_a_queue() {
        let names = [("a/b", "c"), ("a", "b/c"), ("a%2Fb", "c")].map(|(c, n)| durable_subscription(c, n));
        assert_eq!(
            names.each_ref().map(|name| &**name),
            ["consumer://a%2Fb/c", "consumer://a/b/c", "consumer://a%252Fb/c"]
        );
        for ((client, name), queue) in [("a/b", "c"), ("a", "b/c"), ("a%2Fb", "c")].iter().zip(&names) {
            assert_eq!(parts_of_subscription(queue), Some(((*client).to_owned(), *name)));
        }
    }

    #[test]
    fn permissions_know_queues_and_topics_apart() {
        let named = |kind, name: &str| Guard::Named(kind, name.into());
        for (node, key, expect) in [
            ("", "a", named(Kind::Queue, "a")),
            ("topic", "a.>", named(Kind::Node, "topic://a.>")),
            ("", "temp-queue://x/y", Guard::Secret),
            ("temp-topic", "x/y", Guard::Secret),
            ("other", "a", Guard::Node),
            (
                "topic",
                "ActiveMQ.Advisory.TempQueue",
                Guard::Told(Kind::Node, "topic://ActiveMQ.Advisory.TempQueue".into()),
            ),
            ("topic", "ActiveMQ.Advisory.NetworkBridge", Guard::Absent(ABSENT_ADVISORY)),
        ] {
            assert_eq!(guard(node, key), expect);
        }
        assert_eq!(queue_permission("a"), "queue://a");
        assert_eq!(queue_permission("mqtt-shared://g/a"), "mqtt-shared://g/a");
    }
}
