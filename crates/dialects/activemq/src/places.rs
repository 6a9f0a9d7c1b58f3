//! Places: what stands behind ActiveMQ's destinations for a protocol that says their kind apart from their name.

use std::{borrow::Cow, sync::Arc};

use ternmq_broker::{
    AddressError, AddressQueue, Figures, Place, PlaceWishes, Places, Question, Source, SourceQueue,
    SubscriptionSpec, Target,
};
use ternmq_configuration::activemq_service::DestinationKind;
use ternmq_message::{Map, Value};
use ternmq_stdx::quoted;

use crate::{
    ActiveMq,
    configuration::{Configuration, ConsumerKind},
    destination::{matching_queues, not_there, refused, wildcards},
    names::{self, TEMPORARY_QUEUE, TEMPORARY_TOPIC, TEMPORARY_TOPIC_NODE, TOPIC_NODE},
    options::{PENDING_LIMIT, SELECTOR},
    statistics,
};

/// Names of clients hold nothing that the broker's own do.
fn check(place: &Place<'_>) -> Result<(), AddressError> {
    let name = place.name();
    if name.is_empty() || names::is_own(name) {
        return Err(refused(format!("Illegal destination name: {}", quoted(name))));
    }
    if name.contains('?') {
        return Err(not_there(&format!("options of a destination, as in {}", quoted(name))));
    }
    Ok(())
}

fn check_plain(name: &str) -> Result<(), AddressError> {
    if wildcards().is_plain(name) {
        return Ok(());
    }
    Err(refused(format!("{} holds a wildcard: nothing can be sent to it", quoted(name))))
}

/// A queue as a source.
fn source_of_queue(
    configuration: &Configuration,
    name: &str,
    wishes: &PlaceWishes<'_>,
) -> Result<Source, AddressError> {
    if wishes.durable.is_some() {
        let text = "Invalid Subscription: cannot durably subscribe to a Queue destination!";
        return Err(refused(text.to_owned()));
    }
    if let Some(matching) = matching_queues(name)? {
        return Ok(matching);
    }
    let binding = configuration.virtual_topic(name).map(|topic| (TOPIC_NODE.into(), topic.into()));
    let queue = SourceQueue::Shared(AddressQueue::OnUse(names::queue(name)));
    Ok(Source { queue, binding, is_subscription: false })
}

fn subscription(
    configuration: &Configuration,
    places: Vec<(Arc<str>, Arc<str>)>,
    wishes: &PlaceWishes<'_>,
) -> Result<Source, AddressError> {
    if wishes.durable.is_some() && wishes.skips_own {
        return Err(not_there("noLocal with durable subscriptions"));
    }
    let durable = wishes.durable.map(|(client, name)| names::durable_subscription(client, name));
    let is_durable = durable.is_some();
    let policy = configuration.policy_of_topics(&places);
    let limit = policy.pending_limit(wishes.window, wishes.pending_limit).filter(|_| !is_durable);
    let mut arguments: Map =
        limit.map(|limit| (PENDING_LIMIT.into(), Value::I64(limit.into()))).into_iter().collect();
    arguments.extend(wishes.selector.map(|selector| (SELECTOR.into(), Value::str(selector))));
    let spec = SubscriptionSpec {
        is_shared: false,
        is_durable,
        queue: durable.unwrap_or_else(|| names::subscription(wishes.random)),
        places,
        skips_own: wishes.skips_own,
        wants_retained: wishes.wants_retained || policy.is_retroactive,
        lapse: None,
        arguments,
    };
    Ok(Source { queue: SourceQueue::Subscription(spec), binding: None, is_subscription: true })
}

impl Places for ActiveMq {
    fn target_of(&self, place: &Place<'_>) -> Result<Target, AddressError> {
        check(place)?;
        Ok(match place {
            Place::Queue(name) => {
                check_plain(name)?;
                let queue = Some(AddressQueue::OnUse(names::queue(name)));
                Target { node: "".into(), key: (&**name).into(), queue }
            }
            Place::Topic(name) => {
                check_plain(name)?;
                Target { node: TOPIC_NODE.into(), key: (&**name).into(), queue: None }
            }
            Place::TemporaryQueue(name) => {
                let key: Arc<str> = format!("{TEMPORARY_QUEUE}{name}").into();
                Target { node: "".into(), queue: Some(AddressQueue::Existing(key.clone())), key }
            }
            Place::TemporaryTopic(name) => {
                Target { node: TEMPORARY_TOPIC_NODE.into(), key: (&**name).into(), queue: None }
            }
        })
    }

    fn sources_of(
        &self,
        places: &[Place<'_>],
        wishes: &PlaceWishes<'_>,
    ) -> Result<Vec<Source>, AddressError> {
        if wishes.durable.is_some() {
            self.configuration().check_durable().map_err(refused)?;
        }
        let (mut all, mut topics) = (Vec::new(), Vec::new());
        for place in places {
            check(place)?;
            match place {
                Place::Queue(name) => all.push(source_of_queue(self.configuration(), name, wishes)?),
                Place::TemporaryQueue(name) => {
                    let queue = AddressQueue::Existing(format!("{TEMPORARY_QUEUE}{name}").into());
                    let queue = SourceQueue::Shared(queue);
                    all.push(Source { queue, binding: None, is_subscription: false });
                }
                Place::Topic(name) => topics.push((TOPIC_NODE.into(), (&**name).into())),
                Place::TemporaryTopic(name) => topics.push((TEMPORARY_TOPIC_NODE.into(), (&**name).into())),
            }
        }
        if !topics.is_empty() {
            all.push(subscription(self.configuration(), topics, wishes)?);
        }
        Ok(all)
    }

    fn window_of(&self, place: &Place<'_>, is_durable: bool, asked: u32) -> u32 {
        let (kind, consumer) = match place {
            Place::Queue(_) => (DestinationKind::Queue, ConsumerKind::Queue),
            Place::TemporaryQueue(_) => (DestinationKind::TempQueue, ConsumerKind::Queue),
            Place::TemporaryTopic(_) => (DestinationKind::TempTopic, ConsumerKind::Topic),
            Place::Topic(_) if is_durable => (DestinationKind::Topic, ConsumerKind::Durable),
            Place::Topic(_) => (DestinationKind::Topic, ConsumerKind::Topic),
        };
        self.configuration().policy(kind, place.name()).prefetch(consumer, asked)
    }

    fn question_of(&self, place: &Place<'_>) -> Option<Question> {
        statistics::question(self.configuration(), place)
    }

    fn answer_of(&self, figures: &Figures) -> Map {
        statistics::answer(figures)
    }

    fn is_for_one(&self, place: &Place<'_>) -> bool {
        match place {
            Place::Queue(name) => self.configuration().policy(DestinationKind::Queue, name).is_exclusive,
            _ => false,
        }
    }

    fn place_of<'a>(&self, node: &str, key: &'a str) -> Place<'a> {
        match (node, key.strip_prefix(TEMPORARY_QUEUE)) {
            ("", Some(name)) => Place::TemporaryQueue(Cow::Borrowed(name)),
            ("", None) => Place::Queue(Cow::Borrowed(key)),
            (TEMPORARY_TOPIC_NODE, _) => Place::TemporaryTopic(Cow::Borrowed(key)),
            _ => Place::Topic(Cow::Borrowed(key)),
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

    fn durable_name(&self, queue: &str) -> Option<String> {
        names::parts_of_subscription(queue).map(|(_, name)| name.to_owned())
    }

    fn durable_queue(&self, client: &str, name: &str) -> Arc<str> {
        names::durable_subscription(client, name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(name: &str) -> Place<'_> {
        Place::Queue(name.into())
    }

    fn topic(name: &str) -> Place<'_> {
        Place::Topic(name.into())
    }

    fn wishes<'a>() -> PlaceWishes<'a> {
        PlaceWishes { random: [7; 16], ..PlaceWishes::default() }
    }

    #[test]
    fn a_place_and_where_it_leads_are_each_others() {
        for (place, node, key) in [
            (queue("a.b"), "", "a.b"),
            (topic("a.b"), "topic", "a.b"),
            (Place::TemporaryQueue("ID:x:1".into()), "", "temp-queue://ID:x:1"),
            (Place::TemporaryTopic("ID:x:1".into()), "temp-topic", "ID:x:1"),
        ] {
            let target = ActiveMq.target_of(&place).unwrap();
            assert_eq!((&*target.node, &*target.key), (node, key));
            assert_eq!(ActiveMq.place_of(node, key), place);
            if place.is_temporary() {
                let queue = ActiveMq.temporary_queue(&place).unwrap();
                assert_eq!(ActiveMq.temporary_place(&queue), Some(place));
            }
        }
    }

    #[test]
    fn names_that_can_not_be_used_are_refused() {
        for place in [queue(""), queue("a?b=c"), queue("a.>"), topic("a.*"), topic("temp-queue://x")] {
            assert!(ActiveMq.target_of(&place).is_err(), "{place:?}");
        }
        assert!(ActiveMq.temporary_queue(&queue("a")).is_err());
        assert_eq!(ActiveMq.temporary_place("a"), None);
        assert!(ActiveMq.sources_of(&[queue("a.>.>.>")], &wishes()).is_err());
    }

    #[test]
    fn topics_share_a_subscription_and_queues_have_one_source_each() {
        let all = [queue("q"), topic("a.>"), topic("b"), queue("Consumer.c.VirtualTopic.t"), queue("q.>")];
        let sources = ActiveMq.sources_of(&all, &wishes()).unwrap();
        assert_eq!(sources.len(), 4);
        assert_eq!(sources[2].queue, SourceQueue::Matching("q.>".into()));
        assert_eq!(sources[1].binding, Some(("topic".into(), "VirtualTopic.t".into())));
        let SourceQueue::Subscription(spec) = &sources[3].queue else { panic!("no subscription") };
        assert_eq!(spec.places, [("topic".into(), "a.>".into()), ("topic".into(), "b".into())]);
        assert!(!spec.is_durable);
    }

    #[test]
    fn a_durable_subscription_has_the_queue_that_stomp_gives_it() {
        let wishes = PlaceWishes { durable: Some(("c/1", "n")), ..wishes() };
        let sources = ActiveMq.sources_of(&[topic("t")], &wishes).unwrap();
        let SourceQueue::Subscription(spec) = &sources[0].queue else { panic!("no subscription") };
        assert_eq!((&*spec.queue, spec.is_durable), ("consumer://c%2F1/n", true));
        assert_eq!(ActiveMq.durable_queue("c/1", "n"), spec.queue);
        assert!(ActiveMq.sources_of(&[queue("q")], &wishes).is_err());
        let skips = PlaceWishes { skips_own: true, ..wishes };
        assert!(ActiveMq.sources_of(&[topic("t")], &skips).is_err());
    }
}
