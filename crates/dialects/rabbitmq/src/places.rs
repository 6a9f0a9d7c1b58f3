//! Places: what stands behind the destinations of a protocol that says their kind apart from their name, beside
//! RabbitMQ's own protocols.
//!
//! ```text
//! queue NAME              the queue of the default exchange, made when it is used
//! topic NAME              amq.topic with the key; `>` at the end is `#`
//! temporary queue NAME    amq.temp-queue.NAME, the connection's own
//! temporary topic NAME    amq.direct with the key amq.temp-topic.NAME
//! ```

use std::{borrow::Cow, sync::Arc};

use ternmq_broker::{
    AddressError, AddressQueue, Place, PlaceWishes, Places, QueueSpec, Source, SourceQueue, SubscriptionSpec,
    Target,
};
use ternmq_message::{Map, Value};
use ternmq_stdx::{letters_of, quoted};

use crate::RabbitMq;

const TOPIC_EXCHANGE: &str = "amq.topic";
/// Exchange of temporary topics: no wildcard finds them there.
const TEMPORARY_EXCHANGE: &str = "amq.direct";
const TEMPORARY_QUEUE: &str = "amq.temp-queue.";
const TEMPORARY_TOPIC: &str = "amq.temp-topic.";
/// Starts of the queues of subscriptions.
const DURABLE: &str = "amq.durable-subscription.";
const SUBSCRIPTION: &str = "amq.subscription.";

fn refused(text: String) -> AddressError {
    AddressError { summary: "Invalid destination".into(), text }
}

fn queue_of(name: &str) -> AddressQueue {
    AddressQueue::OnUse(QueueSpec { name: name.into(), is_durable: true, ..QueueSpec::default() })
}

fn check(place: &Place<'_>) -> Result<(), AddressError> {
    if place.name().is_empty() {
        return Err(refused("the destination has no name".to_owned()));
    }
    Ok(())
}

fn has_wildcard(name: &str) -> bool {
    name.split('.').any(|word| matches!(word, "*" | ">" | "#"))
}

fn check_plain(name: &str) -> Result<(), AddressError> {
    if has_wildcard(name) {
        return Err(refused(format!("{} holds a wildcard: nothing can be sent to it", quoted(name))));
    }
    Ok(())
}

/// The binding key of a topic with its wildcards.
fn binding_key(name: &str) -> Arc<str> {
    let words: Vec<_> = name.split('.').map(|word| if word == ">" { "#" } else { word }).collect();
    words.join(".").into()
}

fn subscription(places: Vec<(Arc<str>, Arc<str>)>, wishes: &PlaceWishes<'_>) -> Result<Source, AddressError> {
    if wishes.durable.is_some() && wishes.skips_own {
        return Err(refused("noLocal with durable subscriptions: not available".to_owned()));
    }
    if wishes.selector.is_some() {
        return Err(refused("selectors of topics: not available".to_owned()));
    }
    let durable = wishes.durable.map(|(client, name)| RabbitMq.durable_queue(client, name));
    let limit = wishes.pending_limit.filter(|_| durable.is_none());
    let arguments: Map =
        limit.map(|limit| ("x-max-length".into(), Value::I64(limit.into()))).into_iter().collect();
    let spec = SubscriptionSpec {
        is_shared: false,
        is_durable: durable.is_some(),
        queue: durable.unwrap_or_else(|| format!("{SUBSCRIPTION}{}", letters_of(wishes.random)).into()),
        places,
        skips_own: wishes.skips_own,
        wants_retained: wishes.wants_retained,
        lapse: None,
        arguments,
    };
    Ok(Source { queue: SourceQueue::Subscription(spec), binding: None, is_subscription: true })
}

impl Places for RabbitMq {
    fn target_of(&self, place: &Place<'_>) -> Result<Target, AddressError> {
        check(place)?;
        let at = |node: &str, key: String| Target { node: node.into(), key: key.into(), queue: None };
        Ok(match place {
            Place::Queue(name) => Target { queue: Some(queue_of(name)), ..at("", name.clone().into_owned()) },
            Place::Topic(name) => {
                check_plain(name)?;
                at(TOPIC_EXCHANGE, name.clone().into_owned())
            }
            Place::TemporaryQueue(name) => {
                let key = format!("{TEMPORARY_QUEUE}{name}");
                Target { queue: Some(AddressQueue::Existing(key.as_str().into())), ..at("", key) }
            }
            Place::TemporaryTopic(name) => at(TEMPORARY_EXCHANGE, format!("{TEMPORARY_TOPIC}{name}")),
        })
    }

    fn sources_of(
        &self,
        places: &[Place<'_>],
        wishes: &PlaceWishes<'_>,
    ) -> Result<Vec<Source>, AddressError> {
        let (mut all, mut topics) = (Vec::new(), Vec::new());
        for place in places {
            check(place)?;
            let queue = match place {
                Place::Queue(_) if wishes.durable.is_some() => {
                    return Err(refused("a queue can't be subscribed to durably".to_owned()));
                }
                Place::Queue(name) => queue_of(name),
                Place::TemporaryQueue(name) => {
                    AddressQueue::Existing(format!("{TEMPORARY_QUEUE}{name}").into())
                }
                Place::Topic(name) => {
                    topics.push((TOPIC_EXCHANGE.into(), binding_key(name)));
                    continue;
                }
                Place::TemporaryTopic(name) => {
                    topics.push((TEMPORARY_EXCHANGE.into(), format!("{TEMPORARY_TOPIC}{name}").into()));
                    continue;
                }
            };
            all.push(Source { queue: SourceQueue::Shared(queue), binding: None, is_subscription: false });
        }
        if !topics.is_empty() {
            all.push(subscription(topics, wishes)?);
        }
        Ok(all)
    }

    fn place_of<'a>(&self, node: &str, key: &'a str) -> Place<'a> {
        match (node, key.strip_prefix(TEMPORARY_QUEUE), key.strip_prefix(TEMPORARY_TOPIC)) {
            ("", Some(name), _) => Place::TemporaryQueue(name.into()),
            ("", None, _) => Place::Queue(key.into()),
            (TEMPORARY_EXCHANGE, _, Some(name)) => Place::TemporaryTopic(name.into()),
            (TOPIC_EXCHANGE, ..) => Place::Topic(key.into()),
            // Nothing else names an exchange.
            (node, ..) => Place::Topic(Cow::Owned(format!("{node}/{key}"))),
        }
    }

    fn temporary_queue(&self, place: &Place<'_>) -> Result<Arc<str>, AddressError> {
        check(place)?;
        match place {
            Place::TemporaryQueue(name) => Ok(format!("{TEMPORARY_QUEUE}{name}").into()),
            Place::TemporaryTopic(name) => Ok(format!("{TEMPORARY_TOPIC}{name}").into()),
            Place::Queue(name) | Place::Topic(name) => {
                Err(refused(format!("{} is no temporary destination", quoted(name))))
            }
        }
    }

    fn temporary_place<'a>(&self, queue: &'a str) -> Option<Place<'a>> {
        let of_queue = queue.strip_prefix(TEMPORARY_QUEUE).map(|name| Place::TemporaryQueue(name.into()));
        of_queue
            .or_else(|| queue.strip_prefix(TEMPORARY_TOPIC).map(|name| Place::TemporaryTopic(name.into())))
    }

    /// A slash in a client's name is escaped, so that no two subscriptions share a queue.
    fn durable_queue(&self, client: &str, name: &str) -> Arc<str> {
        format!("{DURABLE}{}/{name}", client.replace('%', "%25").replace('/', "%2F")).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn topic(name: &str) -> Place<'_> {
        Place::Topic(name.into())
    }

    #[test]
    fn a_place_and_where_it_leads_are_each_others() {
        for (place, node, key) in [
            (Place::Queue("a.b".into()), "", "a.b"),
            (topic("a.b"), "amq.topic", "a.b"),
            (Place::TemporaryQueue("ID:x:1".into()), "", "amq.temp-queue.ID:x:1"),
            (Place::TemporaryTopic("ID:x:1".into()), "amq.direct", "amq.temp-topic.ID:x:1"),
        ] {
            let target = RabbitMq.target_of(&place).unwrap();
            assert_eq!((&*target.node, &*target.key), (node, key));
            assert_eq!(RabbitMq.place_of(node, key), place);
            if place.is_temporary() {
                let queue = RabbitMq.temporary_queue(&place).unwrap();
                assert_eq!(RabbitMq.temporary_place(&queue), Some(place));
            }
        }
        assert_eq!(RabbitMq.place_of("x", "k"), topic("x/k"));
        assert!(RabbitMq.target_of(&topic("a.>")).is_err());
        assert!(RabbitMq.target_of(&topic("")).is_err());
    }

    #[test]
    fn wildcards_of_topics_are_those_of_binding_keys() {
        let wishes = PlaceWishes { durable: Some(("c/1", "n")), ..PlaceWishes::default() };
        let sources = RabbitMq.sources_of(&[topic("a.*.>"), topic("b")], &wishes).unwrap();
        let SourceQueue::Subscription(spec) = &sources[0].queue else { panic!("no subscription") };
        assert_eq!(spec.places, [("amq.topic".into(), "a.*.#".into()), ("amq.topic".into(), "b".into())]);
        assert_eq!((&*spec.queue, spec.is_durable), ("amq.durable-subscription.c%2F1/n", true));
        assert!(RabbitMq.sources_of(&[Place::Queue("q".into())], &wishes).is_err());
    }
}
