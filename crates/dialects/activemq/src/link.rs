//! ActiveMQ's addresses of links, as its AMQP 1.0 transport has them.
//!
//! ```text
//! queue://NAME, NAME      the queue, made when it is used; a receiver with `*` for a word or `>` for the rest in it
//!                         takes from all queues that match, later ones too
//! topic://NAME            the topic; a receiver may hold `*` for a word and end in `>`
//! temp-queue://NAME       a temporary queue, as a dynamic terminus was told its name
//! temp-topic://NAME       a temporary topic likewise
//! A,B                     several of them, for a receiver; a bare name is of the kind of the first
//! ```
//! A bare name is that of a topic with the capability `topic`. A receiver of a topic with the capability `shared` shares its
//! subscription with others of its name, those of its client-id or, with the capability `global`, all; what is behind a `|`
//! in the name of its link tells links of one subscription apart (Qpid JMS). What ActiveMQ has and this does not is refused:
//! composite targets, options behind a `?`.

use std::{borrow::Cow, sync::Arc};

use ternmq_broker::{
    AddressError, AddressQueue, Addresses, LinkAddresses, LinkKey, LinkRequest, LinkTarget, ReplyPlace,
    ScheduleWords, Source, SourceQueue, SubscriptionSpec, Target,
};
use ternmq_message::{Map, Value};
use ternmq_routing::Wildcards;
use ternmq_stdx::{letters_of, quoted};

use crate::{
    ActiveMq,
    configuration::Configuration,
    destination::{MAX_PARTS, TOPIC_PREFETCH, matching_queues},
    names::{self, TEMPORARY_QUEUE, TEMPORARY_TOPIC, TEMPORARY_TOPIC_NODE, TOPIC_NODE},
    options::{PENDING_LIMIT, SELECTOR},
    schedule::SCHEDULE,
};

/// Capabilities that say what a bare name is.
const TOPIC: &str = "topic";
const QUEUE: &str = "queue";
/// Capabilities of what is to be made for a connection.
const A_TEMPORARY_QUEUE: &str = "temporary-queue";
const A_TEMPORARY_TOPIC: &str = "temporary-topic";
/// Capabilities of subscriptions that several links receive from.
const SHARED: &str = "shared";
const GLOBAL: &str = "global";

/// An address taken apart.
enum Address<'a> {
    Queue(&'a str),
    Topic(&'a str),
    /// With its scheme.
    TemporaryQueue(&'a str),
    /// Without it.
    TemporaryTopic(&'a str),
}

fn refused(text: String) -> AddressError {
    AddressError { summary: Cow::Borrowed("invalid address"), text }
}

fn not_there(what: &str) -> AddressError {
    refused(format!("{what}: not available"))
}

fn parse<'a>(text: &'a str, capabilities: &[&str]) -> Result<Address<'a>, AddressError> {
    let (address, name) = if let Some(name) = text.strip_prefix("queue://") {
        (Address::Queue(name), name)
    } else if let Some(name) = text.strip_prefix("topic://") {
        (Address::Topic(name), name)
    } else if let Some(name) = text.strip_prefix(TEMPORARY_QUEUE) {
        (Address::TemporaryQueue(text), name)
    } else if let Some(name) = text.strip_prefix(TEMPORARY_TOPIC) {
        (Address::TemporaryTopic(name), name)
    } else if capabilities.contains(&TOPIC) {
        (Address::Topic(text), text)
    } else {
        (Address::Queue(text), text)
    };
    if name.is_empty() || names::is_own(name) {
        return Err(refused(format!("{} is no destination", quoted(text))));
    }
    if name.contains(',') {
        return Err(not_there(&format!("composite destinations, as in {}", quoted(text))));
    }
    if name.contains('?') {
        return Err(not_there(&format!("options of a destination, as in {}", quoted(text))));
    }
    Ok(address)
}

fn target_of(address: Address<'_>) -> Result<Target, AddressError> {
    let plain = |name: &str| {
        if Wildcards::DOT_STAR_ANGLE.is_plain(name) {
            return Ok(());
        }
        Err(refused(format!("{} holds a wildcard: nothing can be sent to it", quoted(name))))
    };
    Ok(match address {
        Address::Queue(name) => {
            plain(name)?;
            Target { node: "".into(), key: name.into(), queue: Some(AddressQueue::OnUse(names::queue(name))) }
        }
        Address::Topic(name) => {
            plain(name)?;
            Target { node: TOPIC_NODE.into(), key: name.into(), queue: None }
        }
        Address::TemporaryQueue(name) => {
            Target { node: "".into(), key: name.into(), queue: Some(AddressQueue::Existing(name.into())) }
        }
        Address::TemporaryTopic(name) => {
            Target { node: TEMPORARY_TOPIC_NODE.into(), key: name.into(), queue: None }
        }
    })
}

/// Arguments of a subscription's queue that lets in what a selector says.
fn admitting(selector: Option<&str>) -> Map {
    selector.map(|selector| (SELECTOR.into(), Value::str(selector))).into_iter().collect()
}

/// The name of a subscription, in front of what tells its links apart.
fn shared_name(link: &str) -> &str {
    link.split_once('|').map_or(link, |(name, _)| name)
}

/// The queue of a receiver's subscription to a topic.
fn subscription_queue(request: &LinkRequest<'_>) -> Result<Arc<str>, AddressError> {
    let has = |capability| request.capabilities.contains(&capability);
    let client = if has(GLOBAL) { "" } else { request.client };
    if client.is_empty() && !has(GLOBAL) && (request.is_durable || has(SHARED)) {
        return Err(refused("a subscription with a name needs a container-id".to_owned()));
    }
    Ok(match (has(SHARED), request.is_durable) {
        (true, true) => names::durable_subscription(client, shared_name(request.link)),
        (true, false) => names::shared_subscription(client, shared_name(request.link)),
        (false, true) => names::durable_subscription(request.client, request.link),
        (false, false) => names::subscription(request.random),
    })
}

fn subscription(
    configuration: &Configuration,
    request: &LinkRequest<'_>,
    queue: Arc<str>,
    places: Vec<(Arc<str>, Arc<str>)>,
) -> Source {
    let is_topic = places.iter().all(|(node, _)| &**node == TOPIC_NODE);
    let policy = configuration.policy_of_topics(&places);
    let goes = !request.is_durable && !request.capabilities.contains(&SHARED);
    let limit = policy.pending_limit(TOPIC_PREFETCH, None).filter(|_| goes);
    let mut arguments = admitting(request.selector);
    arguments.extend(limit.map(|limit| (PENDING_LIMIT.into(), Value::I64(limit.into()))));
    let spec = SubscriptionSpec {
        is_durable: request.is_durable && is_topic,
        is_shared: request.capabilities.contains(&SHARED) && is_topic,
        queue,
        wants_retained: policy.is_retroactive,
        places,
        skips_own: request.skips_own,
        lapse: None,
        arguments,
    };
    Source { queue: SourceQueue::Subscription(spec), binding: None, is_subscription: true }
}

fn of_queue(queue: AddressQueue, binding: Option<(Arc<str>, Arc<str>)>) -> Source {
    Source { queue: SourceQueue::Shared(queue), binding, is_subscription: false }
}

impl ActiveMq {
    fn queue_source(&self, name: &str) -> Result<Source, AddressError> {
        if let Some(matching) = matching_queues(name)? {
            return Ok(matching);
        }
        let binding = self.configuration().virtual_topic(name).map(|topic| (TOPIC_NODE.into(), topic.into()));
        Ok(of_queue(AddressQueue::OnUse(names::queue(name)), binding))
    }

    fn subscription_source(
        &self,
        request: &LinkRequest<'_>,
        places: Vec<(Arc<str>, Arc<str>)>,
    ) -> Result<Source, AddressError> {
        let is_temporary = places.iter().any(|(node, _)| &**node == TEMPORARY_TOPIC_NODE);
        if is_temporary {
            let queue = names::subscription(request.random);
            return Ok(subscription(self.configuration(), request, queue, places));
        }
        if request.is_durable {
            self.configuration().check_durable().map_err(refused)?;
        }
        let queue = subscription_queue(request)?;
        Ok(subscription(self.configuration(), request, queue, places))
    }
}

impl LinkAddresses for ActiveMq {
    fn link_target(&self, request: LinkRequest<'_>) -> Result<LinkTarget, AddressError> {
        let target = target_of(parse(request.address, request.capabilities)?)?;
        Ok(LinkTarget { key: LinkKey::Fixed(target.key.clone()), target })
    }

    fn link_source(&self, request: LinkRequest<'_>) -> Result<Source, AddressError> {
        let parts: Vec<&str> = request.address.split(',').map(str::trim).collect();
        if parts.len() > MAX_PARTS {
            return Err(refused(format!("a composite destination has at most {MAX_PARTS} parts")));
        }
        let first = parse(parts.first().copied().unwrap_or_default(), request.capabilities)?;
        let kind: &[&str] = if matches!(first, Address::Topic(_)) { &[TOPIC] } else { &[] };
        let (mut all, mut places) = (Vec::new(), Vec::new());
        for part in parts {
            match parse(part, kind)? {
                Address::Queue(name) => all.push(self.queue_source(name)?),
                Address::TemporaryQueue(name) => {
                    all.push(of_queue(AddressQueue::Existing(name.into()), None))
                }
                Address::TemporaryTopic(name) => places.push((TEMPORARY_TOPIC_NODE.into(), name.into())),
                Address::Topic(name) => places.push((TOPIC_NODE.into(), name.into())),
            }
        }
        if !places.is_empty() {
            all.push(self.subscription_source(&request, places)?);
        }
        // One that is several needs no name of its own.
        let source =
            Source { queue: SourceQueue::Several(Vec::new()), binding: None, is_subscription: false };
        Ok(match all.len() {
            1 => all.pop().unwrap_or(source),
            _ => Source { queue: SourceQueue::Several(all), ..source },
        })
    }

    fn message_target(&self, address: &str, capabilities: &[&str]) -> Result<Target, AddressError> {
        target_of(parse(address, capabilities)?)
    }

    /// A topic without subscribers takes everything.
    fn drops_unwanted(&self, node: &str) -> bool {
        matches!(node, TOPIC_NODE | TEMPORARY_TOPIC_NODE)
    }

    fn group_words(&self) -> Option<(&'static str, &'static str)> {
        self.words().group
    }

    fn schedule_words(&self) -> Option<&'static ScheduleWords> {
        Some(&SCHEDULE)
    }

    fn queue_address(&self, queue: &str) -> String {
        let is_whole = [TEMPORARY_QUEUE, TEMPORARY_TOPIC].iter().any(|scheme| queue.starts_with(scheme));
        if is_whole { queue.to_owned() } else { format!("queue://{queue}") }
    }

    fn topic_address(&self, key: &str) -> String {
        format!("topic://{key}")
    }

    fn reply_place_of<'a>(&self, address: &'a str, capabilities: &[&str]) -> ReplyPlace<'a> {
        match parse(address, capabilities) {
            Ok(Address::Queue(name)) => ReplyPlace::Queue(Cow::Borrowed(name)),
            Ok(Address::Topic(name)) => ReplyPlace::Topic(Cow::Borrowed(name)),
            Ok(Address::TemporaryQueue(_) | Address::TemporaryTopic(_)) | Err(_) => ReplyPlace::Address,
        }
    }

    fn temporary_queue(&self, capabilities: &[&str], random: [u8; 16]) -> Result<AddressQueue, AddressError> {
        let known = [QUEUE, TOPIC, A_TEMPORARY_QUEUE, A_TEMPORARY_TOPIC];
        if let Some(strange) = capabilities.iter().find(|name| !known.contains(name)) {
            return Err(not_there(&format!("a dynamic terminus with the capability {}", quoted(strange))));
        }
        let is_topic = capabilities.iter().any(|name| matches!(*name, TOPIC | A_TEMPORARY_TOPIC));
        let scheme = if is_topic { TEMPORARY_TOPIC } else { TEMPORARY_QUEUE };
        Ok(AddressQueue::Own(format!("{scheme}{}/1", letters_of(random)).into()))
    }

    fn kept_subscription(&self, client: &str, link: &str) -> Option<Arc<str>> {
        let is_global = link.split_once('|').is_some_and(|(_, rest)| rest.starts_with(GLOBAL));
        Some(names::durable_subscription(if is_global { "" } else { client }, shared_name(link)))
    }

    fn offered(&self) -> &'static [&'static str] {
        &["SHARED-SUBS", "DELAYED_DELIVERY"]
    }

    fn prefixes(&self) -> Option<[&'static str; 2]> {
        Some(["queue://", "topic://"])
    }

    fn copies_queues(&self) -> bool {
        true
    }

    fn subject_is_type(&self) -> bool {
        true
    }

    /// There is one, whatever host the client thinks that it talks to.
    fn link_namespace<'a>(&self, _: Option<&'a str>) -> Cow<'a, str> {
        Cow::Borrowed(names::NAMESPACE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request<'a>(address: &'a str, capabilities: &'a [&'a str], is_durable: bool) -> LinkRequest<'a> {
        LinkRequest {
            address,
            is_durable,
            capabilities,
            link: "sub",
            client: "me",
            selector: None,
            skips_own: false,
            random: [0; 16],
        }
    }

    #[test]
    fn targets_are_queues_unless_they_say_otherwise() {
        for (address, capabilities, expect) in [
            ("q", &[][..], Some(("", "q"))),
            ("q", &["queue"], Some(("", "q"))),
            ("queue://a.b", &[], Some(("", "a.b"))),
            ("topic://t", &[], Some(("topic", "t"))),
            ("t", &["topic"], Some(("topic", "t"))),
            ("queue://q", &["topic"], Some(("", "q"))),
            ("temp-queue://ID/1", &[], Some(("", "temp-queue://ID/1"))),
            ("temp-topic://ID/1", &[], Some(("temp-topic", "ID/1"))),
            ("topic://a.*", &[], None),
            ("q?x=y", &[], None),
            ("a,b", &[], None),
            ("queue://", &[], None),
            ("consumer://x", &[], None),
        ] {
            let found = ActiveMq.link_target(request(address, capabilities, false)).ok();
            let place = found.as_ref().map(|found| (&*found.target.node, &*found.target.key));
            assert_eq!(place, expect, "{address} {capabilities:?}");
        }
    }

    #[test]
    fn a_durable_terminus_of_a_topic_is_a_durable_subscription() {
        let queue_of = |is_durable| match ActiveMq.link_source(request("topic://a.>", &[], is_durable)) {
            Ok(Source { queue: SourceQueue::Subscription(spec), .. }) => {
                (spec.is_durable, spec.queue.to_string())
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(queue_of(true), (true, "consumer://me/sub".to_owned()));
        assert!(queue_of(false).1.starts_with("consumer://"));
    }

    #[test]
    fn a_receiver_may_have_several_queues() {
        let source = |address| ActiveMq.link_source(request(address, &[], false)).map(|source| source.queue);
        assert_eq!(source("a.*"), Ok(SourceQueue::Matching("a.*".into())));
        let parts = |address| match source(address) {
            Ok(SourceQueue::Several(parts)) => parts.len(),
            other => panic!("{other:?}"),
        };
        assert_eq!(parts("queue://a,b.>"), 2);
        // Topics have one subscription.
        assert_eq!(parts("a,topic://t,topic://u.>"), 2);
        let topics = ActiveMq.link_source(request("topic://t,u", &[], false)).map(|source| source.queue);
        assert!(matches!(topics, Ok(SourceQueue::Subscription(spec)) if spec.places.len() == 2));
        for address in ["a,,b", "a,", "a.>.>.>", "a,b?x=y", &["q"; 17].join(",")] {
            assert!(source(address).is_err(), "{address}");
        }
    }

    #[test]
    fn links_of_a_shared_subscription_have_one_queue() {
        let queue_of = |link, capabilities, is_durable| {
            let request = LinkRequest { link, ..request("topic://a", capabilities, is_durable) };
            match ActiveMq.link_source(request) {
                Ok(Source { queue: SourceQueue::Subscription(spec), .. }) => {
                    (spec.queue.to_string(), spec.is_durable, spec.is_shared)
                }
                other => panic!("{other:?}"),
            }
        };
        for (link, capabilities, is_durable, expect) in [
            ("n", &["topic", "shared"][..], true, "consumer://me/n"),
            ("n|2", &["topic", "shared"], true, "consumer://me/n"),
            ("n|global", &["shared", "global"], true, "consumer:///n"),
            ("n|global3", &["shared", "global"], true, "consumer:///n"),
            ("n|volatile1", &["shared"], false, "shared://me/n"),
            ("n|global-volatile2", &["shared", "global"], false, "shared:///n"),
        ] {
            assert_eq!(queue_of(link, capabilities, is_durable), (expect.to_owned(), is_durable, true));
            if is_durable {
                assert_eq!(ActiveMq.kept_subscription("me", link).as_deref(), Some(expect));
            }
        }
        assert_eq!(queue_of("n|2", &["topic"], true).0, "consumer://me/n|2");
    }
}
