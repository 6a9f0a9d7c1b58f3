//! RabbitMQ's addresses of links, as its AMQP 1.0 has them.
//!
//! ```text
//! version 2, every part percent-encoded
//! /queues/QUEUE              to and from a queue that is there
//! /exchanges/EXCHANGE[/KEY]  to an exchange, with the key or an empty one
//!
//! version 1
//! /queue/QUEUE               the queue, declared when it is used; a bare QUEUE is the same
//! /amq/queue/QUEUE           a queue that is there
//! /exchange/EXCHANGE[/KEY]   an exchange; the key to send with is that of each message's subject, unless it stands here
//! /topic/KEY                 amq.topic
//! ```

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::Arc;

use ternmq_broker::{
    AddressError, AddressQueue, DefinitionNode, LinkAddresses, LinkKey, LinkRequest, LinkTarget, QueueSpec,
    ReplyPlace, Source, SourceQueue, Target,
};
use ternmq_stdx::quoted;

use crate::RabbitMq;

/// Exchange behind `/topic`.
const TOPIC_EXCHANGE: &str = "amq.topic";
/// Name that the default exchange has in permissions; no address says it.
const DEFAULT_ALIAS: &str = "amq.default";
/// Start of the names of hosts that name a virtual host.
const HOST_PREFIX: &str = "vhost:";

fn bad_address(address: &str) -> AddressError {
    AddressError {
        summary: Cow::Borrowed("invalid address"),
        text: format!("{} is no address that there is", quoted(address)),
    }
}

/// Takes percent-encoding off; `None` when it is cut or does not give UTF-8.
pub(crate) fn unquote(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || char::from(rest.next()?).to_digit(16);
        let (high, low) = (digit()?, digit()?);
        bytes.push(u8::try_from(high * 16 + low).ok()?);
    }
    String::from_utf8(bytes).ok()
}

/// Percent-encodes what is not unreserved (RFC 3986 2.3).
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            let _written = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// An address taken apart.
#[derive(Debug, PartialEq, Eq)]
enum Address {
    /// A queue that is there.
    Queue(String),
    /// A queue that is declared.
    Declared(String),
    /// An exchange with a key.
    Exchange(String, String),
    /// An exchange, the key of each message.
    Subject(String),
}

/// Version 2; `None` when it is none of that version.
fn parse_v2(address: &str) -> Option<Result<Address, AddressError>> {
    let parsed = if let Some(queue) = address.strip_prefix("/queues/") {
        unquote(queue).filter(|queue| !queue.is_empty() && !queue.contains('\0')).map(Address::Queue)
    } else {
        let mut parts = address.strip_prefix("/exchanges/")?.split('/');
        let (exchange, key, more) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        let exchange = unquote(exchange).filter(|name| !name.is_empty() && name != DEFAULT_ALIAS);
        match (exchange, unquote(key.unwrap_or_default()), more) {
            (Some(exchange), Some(key), None) => Some(Address::Exchange(exchange, key)),
            _ => None,
        }
    };
    Some(parsed.ok_or_else(|| bad_address(address)))
}

fn parse_v1(address: &str) -> Result<Address, AddressError> {
    let parts: Vec<&str> = address.split('/').collect();
    let name = |name: &str| unquote(name).filter(|name| !name.is_empty()).ok_or_else(|| bad_address(address));
    match *parts.as_slice() {
        [queue] => name(queue).map(Address::Declared),
        ["", "queue", queue] => name(queue).map(Address::Declared),
        ["", "amq", "queue", queue] => name(queue).map(Address::Queue),
        ["", "exchange", exchange] => name(exchange).map(Address::Subject),
        ["", "exchange", exchange, key] => Ok(Address::Exchange(name(exchange)?, name(key)?)),
        ["", "topic", key] => Ok(Address::Exchange(TOPIC_EXCHANGE.to_owned(), name(key)?)),
        _ => Err(bad_address(address)),
    }
}

fn parse(address: &str) -> Result<Address, AddressError> {
    parse_v2(address).unwrap_or_else(|| parse_v1(address))
}

fn target_of(address: Address) -> LinkTarget {
    let of = |node: &str, key: Arc<str>, queue| LinkTarget {
        target: Target { node: node.into(), key: key.clone(), queue },
        key: LinkKey::Fixed(key),
    };
    match address {
        Address::Queue(name) => {
            let name: Arc<str> = name.into();
            of("", name.clone(), Some(AddressQueue::Existing(name)))
        }
        Address::Declared(name) => {
            let queue = declared(&name);
            of("", name.into(), Some(AddressQueue::OnUse(queue)))
        }
        Address::Exchange(node, key) => of(&node, key.into(), None),
        Address::Subject(node) => LinkTarget { key: LinkKey::Subject, ..of(&node, "".into(), None) },
    }
}

/// The queue that version 1 declares. It is durable whatever the terminus: one that goes with a restart and belongs to
/// nobody is deprecated in RabbitMQ 4.
fn declared(name: &str) -> QueueSpec {
    QueueSpec { name: name.into(), is_durable: true, ..QueueSpec::default() }
}

impl LinkAddresses for RabbitMq {
    fn link_target(&self, request: LinkRequest<'_>) -> Result<LinkTarget, AddressError> {
        Ok(target_of(parse(request.address)?))
    }

    fn link_source(&self, request: LinkRequest<'_>) -> Result<Source, AddressError> {
        let of_queue =
            |queue| Source { queue: SourceQueue::Shared(queue), binding: None, is_subscription: false };
        match parse_v2(request.address) {
            Some(Ok(Address::Queue(name))) => return Ok(of_queue(AddressQueue::Existing(name.into()))),
            // Version 2 receives from queues only.
            Some(_) => return Err(bad_address(request.address)),
            None => {}
        }
        Ok(match parse_v1(request.address)? {
            Address::Queue(name) => of_queue(AddressQueue::Existing(name.into())),
            Address::Declared(name) => of_queue(AddressQueue::OnUse(declared(&name))),
            Address::Exchange(node, key) => subscription(&node, &key),
            Address::Subject(node) => subscription(&node, ""),
        })
    }

    fn message_target(&self, address: &str, _: &[&str]) -> Result<Target, AddressError> {
        match parse_v2(address) {
            Some(address) => Ok(target_of(address?).target),
            // A message says it in version 2 only (as RabbitMQ).
            None => Err(bad_address(address)),
        }
    }

    fn queue_address(&self, queue: &str) -> String {
        format!("/queues/{}", quote(queue))
    }

    fn topic_address(&self, key: &str) -> String {
        format!("/exchanges/{TOPIC_EXCHANGE}/{}", quote(key))
    }

    fn reply_place_of<'a>(&self, address: &'a str, _: &[&str]) -> ReplyPlace<'a> {
        match parse(address) {
            Ok(Address::Queue(name) | Address::Declared(name)) => ReplyPlace::Queue(Cow::Owned(name)),
            Ok(Address::Exchange(node, key)) if node == TOPIC_EXCHANGE => ReplyPlace::Topic(Cow::Owned(key)),
            Ok(Address::Exchange(..) | Address::Subject(_)) | Err(_) => ReplyPlace::Address,
        }
    }

    fn temporary_queue(&self, capabilities: &[&str], _: [u8; 16]) -> Result<AddressQueue, AddressError> {
        if let Some(strange) = capabilities.iter().find(|name| **name != "temporary-queue") {
            let text = format!("a dynamic terminus with the capability {}", quoted(strange));
            return Err(AddressError { summary: Cow::Borrowed("not available"), text });
        }
        // The broker names it (S6).
        Ok(AddressQueue::Declared(QueueSpec {
            is_exclusive: true,
            is_auto_delete: true,
            ..QueueSpec::default()
        }))
    }

    fn definitions(&self) -> Option<&dyn DefinitionNode> {
        Some(self)
    }

    /// Its clients for AMQP 1.0 refuse a broker that says anything else: they count on its addresses and its `/management`.
    fn told_product(&self) -> Option<(&'static str, &'static str)> {
        Some(("RabbitMQ", "4.0.0"))
    }

    fn link_namespace<'a>(&self, host: Option<&'a str>) -> Cow<'a, str> {
        Cow::Borrowed(host.and_then(|host| host.strip_prefix(HOST_PREFIX)).unwrap_or("/"))
    }
}

/// A queue of the link's own, bound to an exchange. The broker names it (S6), and it goes with the link.
fn subscription(node: &str, key: &str) -> Source {
    let queue = QueueSpec { is_auto_delete: true, is_exclusive: true, ..QueueSpec::default() };
    Source {
        queue: SourceQueue::Shared(AddressQueue::Declared(queue)),
        binding: Some((node.into(), key.into())),
        is_subscription: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(name: &str) -> Option<Address> {
        Some(Address::Queue(name.to_owned()))
    }

    fn exchange(name: &str, key: &str) -> Option<Address> {
        Some(Address::Exchange(name.to_owned(), key.to_owned()))
    }

    #[test]
    fn addresses_of_both_versions_are_read() {
        for (address, expect) in [
            ("/queues/q", queue("q")),
            ("/queues/a%2Fb%20%C3%A4", queue("a/b ä")),
            ("/queues/", None),
            ("/queues/%2", None),
            ("/queues/%FF", None),
            ("/exchanges/e", exchange("e", "")),
            ("/exchanges/e/a.b", exchange("e", "a.b")),
            ("/exchanges/e%2F/k%25", exchange("e/", "k%")),
            ("/exchanges/e/k/more", None),
            ("/exchanges//k", None),
            ("/exchanges/amq.default/k", None),
            ("q", Some(Address::Declared("q".to_owned()))),
            ("/queue/q", Some(Address::Declared("q".to_owned()))),
            ("/amq/queue/q", queue("q")),
            ("/exchange/e", Some(Address::Subject("e".to_owned()))),
            ("/exchange/e/k", exchange("e", "k")),
            ("/topic/a.*", exchange("amq.topic", "a.*")),
            ("", None),
            ("/", None),
            ("/else/x", None),
        ] {
            assert_eq!(parse(address).ok(), expect, "{address}");
        }
    }

    #[test]
    fn an_address_is_quoted_as_it_is_read() {
        for name in ["q", "a/b", "ä %", "-._~"] {
            assert_eq!(parse(&RabbitMq.queue_address(name)).ok(), queue(name));
        }
        let ReplyPlace::Topic(key) = RabbitMq.reply_place_of("/exchanges/amq.topic/a.b", &[]) else {
            panic!("a topic")
        };
        assert_eq!(key, "a.b");
    }

    #[test]
    fn a_host_names_a_virtual_host_by_its_prefix() {
        assert_eq!(RabbitMq.link_namespace(Some("vhost:v")), "v");
        assert_eq!(RabbitMq.link_namespace(Some("broker.example")), "/");
        assert_eq!(RabbitMq.link_namespace(None), "/");
    }
}
