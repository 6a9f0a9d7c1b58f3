//! ActiveMQ's addresses of links, as its AMQP 1.0 transport has them.
//!
//! ```text
//! queue://NAME, NAME      the queue, made when it is used
//! topic://NAME            the topic; a receiver may hold `*` for a word and end in `>`
//! temp-queue://NAME       a temporary queue, as a dynamic terminus was told its name
//! ```
//! A bare name is that of a topic with the capability `topic`. What ActiveMQ has and this does not is refused: temporary
//! topics, composite names, wildcards of queues, options behind a `?`.

use std::borrow::Cow;

use ternmq_broker::{
    AddressError, AddressQueue, LinkAddresses, LinkKey, LinkRequest, LinkTarget, ReplyPlace, Source,
    SourceQueue, SubscriptionSpec, Target,
};
use ternmq_message::Map;
use ternmq_routing::Wildcards;
use ternmq_stdx::{letters_of, quoted};

use crate::{
    ActiveMq,
    destination::virtual_topic,
    names::{self, TEMPORARY_QUEUE, TOPIC_NODE},
};

/// Capabilities that say what a bare name is.
const TOPIC: &str = "topic";
const TEMPORARY: &[&str] = &["temporary-queue", "queue"];

/// An address taken apart.
enum Address<'a> {
    Queue(&'a str),
    Topic(&'a str),
    /// With its scheme.
    Temporary(&'a str),
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
        (Address::Temporary(text), name)
    } else if text.starts_with("temp-topic://") {
        return Err(not_there("temporary topics"));
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
        Address::Temporary(name) => {
            Target { node: "".into(), key: name.into(), queue: Some(AddressQueue::Existing(name.into())) }
        }
    })
}

impl LinkAddresses for ActiveMq {
    fn link_target(&self, request: LinkRequest<'_>) -> Result<LinkTarget, AddressError> {
        let target = target_of(parse(request.address, request.capabilities)?)?;
        Ok(LinkTarget { key: LinkKey::Fixed(target.key.clone()), target })
    }

    fn link_source(&self, request: LinkRequest<'_>) -> Result<Source, AddressError> {
        let of_queue =
            |queue, binding| Source { queue: SourceQueue::Shared(queue), binding, is_subscription: false };
        Ok(match parse(request.address, request.capabilities)? {
            Address::Queue(name) if !Wildcards::DOT_STAR_ANGLE.is_plain(name) => {
                return Err(not_there(&format!("wildcards of queues, as in {}", quoted(name))));
            }
            Address::Queue(name) => {
                let binding = virtual_topic(name).map(|topic| (TOPIC_NODE.into(), topic.into()));
                of_queue(AddressQueue::OnUse(names::queue(name)), binding)
            }
            Address::Temporary(name) => of_queue(AddressQueue::Existing(name.into()), None),
            Address::Topic(name) => {
                if request.is_durable {
                    self.configuration().check_durable().map_err(refused)?;
                }
                let queue = match request.is_durable {
                    true if request.client.is_empty() => {
                        return Err(refused("a durable subscription needs a container-id".to_owned()));
                    }
                    true => names::durable_subscription(request.client, request.link),
                    false => names::subscription(request.random),
                };
                let spec = SubscriptionSpec {
                    is_durable: request.is_durable,
                    queue,
                    places: vec![(TOPIC_NODE.into(), name.into())],
                    skips_own: false,
                    wants_retained: false,
                    arguments: Map::new(),
                };
                Source { queue: SourceQueue::Subscription(spec), binding: None, is_subscription: true }
            }
        })
    }

    fn message_target(&self, address: &str) -> Result<Target, AddressError> {
        target_of(parse(address, &[])?)
    }

    /// A topic without subscribers takes everything.
    fn drops_unwanted(&self, node: &str) -> bool {
        node == TOPIC_NODE
    }

    fn queue_address(&self, queue: &str) -> String {
        if queue.starts_with(TEMPORARY_QUEUE) { queue.to_owned() } else { format!("queue://{queue}") }
    }

    fn topic_address(&self, key: &str) -> String {
        format!("topic://{key}")
    }

    fn reply_place_of<'a>(&self, address: &'a str) -> ReplyPlace<'a> {
        match parse(address, &[]) {
            Ok(Address::Queue(name)) => ReplyPlace::Queue(Cow::Borrowed(name)),
            Ok(Address::Topic(name)) => ReplyPlace::Topic(Cow::Borrowed(name)),
            Ok(Address::Temporary(_)) | Err(_) => ReplyPlace::Address,
        }
    }

    fn temporary_queue(&self, random: [u8; 16]) -> AddressQueue {
        AddressQueue::Own(format!("{TEMPORARY_QUEUE}{}/1", letters_of(random)).into())
    }

    fn temporary_capabilities(&self) -> &'static [&'static str] {
        TEMPORARY
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
        LinkRequest { address, is_durable, capabilities, link: "sub", client: "me", random: [0; 16] }
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
            ("temp-topic://ID/1", &[], None),
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
        assert!(ActiveMq.link_source(request("a.*", &[], false)).is_err());
    }
}
