//! RabbitMQ's destinations, as its STOMP plugin has them.
//!
//! ```text
//! /queue/NAME            the queue, declared when it is used; a bare NAME is the same
//! /amq/queue/NAME        a queue that is there already
//! /topic/KEY             amq.topic with the key; a subscription has a queue of its own
//! /exchange/NAME[/KEY]   any exchange; a subscription has a queue of its own
//! /temp-queue/LABEL      in reply-to only: a temporary queue of the connection
//! /reply-queue/NAME      what such a reply-to reads like to the one who answers
//! ```
//! In a name, `%2F` stands for a slash.

use std::borrow::Cow;
use std::fmt::Write;

use ternmq_broker::{
    AddressError, AddressOptions, AddressQueue, AddressRequest, Addresses, HeaderWords, QueueSpec,
    ReplyPlace, ReplyTo, Source, SourceQueue, Sources, Target,
};
use ternmq_message::{Map, Value};

use crate::md5::md5;
use ternmq_stdx::letters_of;

use crate::RabbitMq;

/// Exchange behind `/topic`.
pub(crate) const TOPIC_EXCHANGE: &str = "amq.topic";
/// Starts of destinations, in the order in which the sentence lists them.
const PREFIXES: [&str; 6] = ["/temp-queue", "/exchange", "/topic", "/queue", "/amq/queue", "/reply-queue/"];
/// Start of the names of queues that stand for a subscription.
const SUBSCRIPTION_PREFIX: &str = "stomp-subscription-";
/// Longest part of a destination that an error quotes (B7).
const SHOWN_LETTERS: usize = 64;

/// A queue argument that a header can set.
enum Argument {
    Text(&'static str),
    Number(&'static str),
}

/// All of them.
const ARGUMENTS: [Argument; 8] = [
    Argument::Text("x-dead-letter-exchange"),
    Argument::Text("x-dead-letter-routing-key"),
    Argument::Number("x-expires"),
    Argument::Number("x-max-length"),
    Argument::Number("x-max-length-bytes"),
    Argument::Number("x-max-priority"),
    Argument::Number("x-message-ttl"),
    Argument::Text("x-queue-type"),
];

/// A destination taken apart.
#[derive(Debug, PartialEq, Eq)]
enum Destination {
    Queue(String),
    ExistingQueue(String),
    Topic(String),
    Exchange(String, String),
    Temporary,
    Reply(String),
}

fn unescape(name: &str) -> String {
    name.replace("%2F", "/")
}

fn escape(name: &str) -> String {
    let mut escaped = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'/' | b'%' | 0..32 | 128.. => {
                // Writing to a string can't fail.
                let _written = write!(escaped, "%{byte:02X}");
            }
            other => escaped.push(char::from(other)),
        }
    }
    escaped
}

fn shown(text: &str) -> String {
    text.chars().take(SHOWN_LETTERS).flat_map(char::escape_default).collect()
}

fn invalid(text: String) -> AddressError {
    AddressError { summary: "Invalid destination".into(), text }
}

fn invalid_of(kind: &str, rest: &[&str]) -> AddressError {
    let rest: String = rest.iter().flat_map(|part| ["/", part]).collect();
    invalid(format!("'{}' is not a valid {kind} destination\n", shown(&rest)))
}

fn bad_option(name: &str, what: &str) -> AddressError {
    AddressError { summary: "Invalid header".into(), text: format!("'{name}' has to be {what}\n") }
}

fn parse(text: &str) -> Result<Destination, AddressError> {
    let parts: Vec<&str> = text.split('/').collect();
    let named = |kind: &str, rest: &[&str]| match rest {
        [name] if !name.is_empty() => Ok(unescape(name)),
        _ => Err(invalid_of(kind, rest)),
    };
    match parts.as_slice() {
        [""] => Err(invalid("Destination cannot be blank".to_owned())),
        [name] => Ok(Destination::Queue(unescape(name))),
        ["", "queue", rest @ ..] => named("queue", rest).map(Destination::Queue),
        ["", "topic", rest @ ..] => named("topic", rest).map(Destination::Topic),
        ["", "temp-queue", rest @ ..] => named("temp_queue", rest).map(|_| Destination::Temporary),
        ["", "amq", "queue", rest @ ..] => named("amqqueue", rest).map(Destination::ExistingQueue),
        ["", "exchange", rest @ ..] => match rest {
            [name] if !name.is_empty() => Ok(Destination::Exchange(unescape(name), String::new())),
            [name, key] if !name.is_empty() => Ok(Destination::Exchange(unescape(name), unescape(key))),
            _ => Err(invalid_of("exchange", rest)),
        },
        // The name may hold slashes.
        ["", "reply-queue", _, ..] => {
            let name = text.strip_prefix("/reply-queue/").unwrap_or_default();
            if name.is_empty() {
                return Err(invalid_of("reply_queue", &[""]));
            }
            Ok(Destination::Reply(unescape(name)))
        }
        _ => Err(AddressError {
            summary: "Unknown destination".into(),
            text: format!(
                "'{}' is not a valid destination.\nValid destination types are: {}.\n",
                shown(text),
                PREFIXES.join(", ")
            ),
        }),
    }
}

fn truth(options: &dyn AddressOptions, name: &str) -> Result<Option<bool>, AddressError> {
    match options.option(name).as_deref() {
        None => Ok(None),
        Some("true" | "True") => Ok(Some(true)),
        Some("false" | "False") => Ok(Some(false)),
        Some(_) => Err(bad_option(name, "true or false")),
    }
}

fn arguments(options: &dyn AddressOptions) -> Result<Map, AddressError> {
    let mut map = Map::new();
    for argument in &ARGUMENTS {
        let (Argument::Text(name) | Argument::Number(name)) = *argument;
        let Some(value) = options.option(name) else { continue };
        let value = value.trim();
        let value = match argument {
            Argument::Text(_) => Value::str(value),
            Argument::Number(_) => Value::I64(value.parse().map_err(|_| bad_option(name, "a whole number"))?),
        };
        map.push(((*name).into(), value));
    }
    Ok(map)
}

/// Properties of a queue unless options say otherwise.
struct Defaults {
    is_durable: bool,
    is_auto_delete: bool,
}

fn queue_spec(
    name: String,
    defaults: &Defaults,
    options: &dyn AddressOptions,
) -> Result<QueueSpec, AddressError> {
    let persistent = truth(options, "persistent")?;
    let durable = truth(options, "durable")?.or(persistent);
    let is_durable = durable.unwrap_or(defaults.is_durable);
    // One that does not outlive a restart is the connection's own unless it says otherwise.
    let is_own = defaults.is_durable && !is_durable;
    Ok(QueueSpec {
        name: name.into(),
        is_durable,
        is_exclusive: truth(options, "exclusive")?.unwrap_or(is_own),
        is_auto_delete: truth(options, "auto-delete")?.unwrap_or(defaults.is_auto_delete || is_own),
        arguments: arguments(options)?,
    })
}

/// Bytes of a string in Erlang's external term format.
fn push_term(out: &mut Vec<u8>, text: &str) {
    match u16::try_from(text.len()) {
        Ok(0) => out.push(106),
        length => {
            out.push(107);
            out.extend_from_slice(&length.unwrap_or(u16::MAX).to_be_bytes());
            out.extend_from_slice(text.as_bytes());
        }
    }
}

/// 16 bytes in the letters of base 64 that are safe in names, without padding.
fn base64(bytes: [u8; 16]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::with_capacity(22);
    for chunk in bytes.chunks(3) {
        let (mut group, mut count) = (0_u32, 0);
        for at in 0..3 {
            group = group << 8 | chunk.get(at).copied().map_or(0, u32::from);
            count += usize::from(at < chunk.len());
        }
        for at in 0..=count {
            let index = (group >> (18 - 6 * at)) & 63;
            text.push(LETTERS.get(index as usize).map_or('A', |byte| char::from(*byte)));
        }
    }
    text
}

/// Name of the queue of a durable subscription. It is the one that RabbitMQ's plugin makes, so that a subscription is
/// found again after a migration: a hash of the key and the client's id, both as Erlang strings.
fn durable_queue_name(key: &str, id: &str) -> String {
    let mut term = vec![131, 104, 2];
    push_term(&mut term, key);
    push_term(&mut term, id);
    format!("{SUBSCRIPTION_PREFIX}{}", base64(md5(&term)))
}

/// The queue of a subscription to an exchange.
fn subscription_queue(key: &str, request: &AddressRequest<'_>) -> Result<AddressQueue, AddressError> {
    let options = request.options;
    let is_durable = is_durable(options);
    let name = match (options.option("x-queue-name"), request.subscription) {
        (Some(name), _) => name.into_owned(),
        (None, Some(id)) if is_durable => durable_queue_name(key, id),
        (None, _) => format!("{SUBSCRIPTION_PREFIX}{}", letters_of(request.random)),
    };
    let defaults = Defaults { is_durable: false, is_auto_delete: true };
    queue_spec(name, &defaults, options).map(AddressQueue::Declared)
}

fn is_durable(options: &dyn AddressOptions) -> bool {
    ["durable", "persistent"]
        .iter()
        .any(|name| matches!(options.option(name).as_deref(), Some("true" | "True")))
}

fn not_for(text: &str, verb: &str) -> AddressError {
    invalid(format!("'{}' is not a valid destination for '{verb}'\n", shown(text)))
}

fn whole_number(options: &dyn AddressOptions, name: &str) -> Result<Option<i64>, AddressError> {
    let Some(value) = options.option(name) else { return Ok(None) };
    value.trim().parse().map(Some).map_err(|_| bad_option(name, "a whole number"))
}

/// Headers as RabbitMQ's plugin calls them, after the properties of AMQP 0-9-1.
static WORDS: HeaderWords = HeaderWords {
    ttl: Some("expiration"),
    expires_at: None,
    claimed_user: Some("user-id"),
    failed_count: Some("x-delivery-count"),
    requeue: Some("requeue"),
    retain: None,
    group: None,
    group_first: None,
    schedule: None,
    dropped: &[],
    refused: &[],
    priorities: (0, u8::MAX),
    tells_all: false,
    tells_first_delivery: true,
    has_codes: true,
    ack_start: "",
};

fn source(request: AddressRequest<'_>, verb: &str) -> Result<Source, AddressError> {
    let of_exchange = |exchange: &str, key: String| {
        let queue = SourceQueue::Shared(subscription_queue(&key, &request)?);
        Ok(Source { queue, binding: Some((exchange.into(), key.into())), is_subscription: true })
    };
    let of_queue =
        |queue| Ok(Source { queue: SourceQueue::Shared(queue), binding: None, is_subscription: false });
    match parse(request.text)? {
        Destination::Queue(name) => {
            let defaults = Defaults { is_durable: true, is_auto_delete: false };
            of_queue(AddressQueue::Declared(queue_spec(name, &defaults, request.options)?))
        }
        Destination::ExistingQueue(name) | Destination::Reply(name) => {
            of_queue(AddressQueue::Existing(name.into()))
        }
        Destination::Topic(key) => of_exchange(TOPIC_EXCHANGE, key),
        Destination::Exchange(name, key) => of_exchange(&name, key),
        Destination::Temporary => Err(not_for(request.text, verb)),
    }
}

impl Addresses for RabbitMq {
    fn targets(&self, request: AddressRequest<'_>, verb: &str) -> Result<Vec<Target>, AddressError> {
        let at = |node: &str, key: String| Target { node: node.into(), key: key.into(), queue: None };
        Ok(vec![match parse(request.text)? {
            Destination::Queue(name) => {
                let defaults = Defaults { is_durable: true, is_auto_delete: false };
                let queue = queue_spec(name.clone(), &defaults, request.options)?;
                Target { queue: Some(AddressQueue::Declared(queue)), ..at("", name) }
            }
            Destination::ExistingQueue(name) | Destination::Reply(name) => at("", name),
            Destination::Topic(key) => at(TOPIC_EXCHANGE, key),
            Destination::Exchange(name, key) => at(&name, key),
            Destination::Temporary => return Err(not_for(request.text, verb)),
        }])
    }

    fn sources(&self, request: AddressRequest<'_>, verb: &str) -> Result<Sources, AddressError> {
        let window = whole_number(request.options, "prefetch-count")?;
        let window = window.and_then(|count| u32::try_from(count).ok()).filter(|count| *count > 0);
        let priority = whole_number(request.options, "x-priority")?.unwrap_or_default();
        // Past what is compared, one is as high or low as the other.
        let bound = if priority < 0 { i32::MIN } else { i32::MAX };
        let priority = i32::try_from(priority).unwrap_or(bound);
        Ok(Sources { window, priority, ..Sources::one(source(request, verb)?) })
    }

    fn reply_to<'a>(&self, text: &'a str, _: &str) -> Result<ReplyTo<'a>, AddressError> {
        Ok(match parse(text)? {
            Destination::Temporary => ReplyTo::Temporary(text),
            _ => ReplyTo::Stated,
        })
    }

    fn address_of(&self, node: &str, key: &str, _: &str) -> String {
        match (node, key) {
            ("", key) => format!("/queue/{}", escape(key)),
            (TOPIC_EXCHANGE, key) => format!("/topic/{}", escape(key)),
            (node, "") => format!("/exchange/{}", escape(node)),
            (node, key) => format!("/exchange/{}/{}", escape(node), escape(key)),
        }
    }

    fn reply_address<'a>(&self, reply_to: &'a str, _: &str) -> Cow<'a, str> {
        if PREFIXES.iter().any(|prefix| reply_to.starts_with(prefix)) {
            return Cow::Borrowed(reply_to);
        }
        Cow::Owned(format!("/reply-queue/{reply_to}"))
    }

    fn reply_place<'a>(&self, reply_to: &'a str) -> ReplyPlace<'a> {
        if !reply_to.contains('/') {
            return ReplyPlace::Queue(Cow::Borrowed(reply_to));
        }
        match parse(reply_to) {
            Ok(Destination::Queue(name) | Destination::ExistingQueue(name) | Destination::Reply(name)) => {
                ReplyPlace::Queue(Cow::Owned(name))
            }
            Ok(Destination::Topic(key)) => ReplyPlace::Topic(Cow::Owned(key)),
            Ok(Destination::Exchange(name, key)) if name == TOPIC_EXCHANGE => {
                ReplyPlace::Topic(Cow::Owned(key))
            }
            Ok(Destination::Exchange(..) | Destination::Temporary) | Err(_) => ReplyPlace::Address,
        }
    }

    fn is_durable_subscription(&self, options: &dyn AddressOptions) -> bool {
        is_durable(options)
    }

    fn words(&self) -> &'static HeaderWords {
        &WORDS
    }

    fn unknown_delivery(&self, verb: &str, header: &str, _: &str) -> AddressError {
        let text = format!("\"{verb}\" must include a valid \"{header}\" header\n");
        AddressError { summary: "Invalid header".into(), text }
    }

    fn login_refused(&self, user: &str) -> String {
        format!("Access refused for user '{}'\n", shown(user))
    }

    fn namespace_refused(&self, namespace: &str) -> String {
        format!("Virtual host '{}' access denied", shown(namespace))
    }

    fn namespace_of<'a>(&self, host: Option<&'a str>) -> Cow<'a, str> {
        Cow::Borrowed(host.unwrap_or("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Pairs<'a>(&'a [(&'a str, &'a str)]);

    impl AddressOptions for Pairs<'_> {
        fn option(&self, name: &str) -> Option<Cow<'_, str>> {
            self.0.iter().find(|(key, _)| *key == name).map(|(_, value)| Cow::Borrowed(*value))
        }

        fn find_name(&self, is_meant: &dyn Fn(&str) -> bool) -> Option<Cow<'_, str>> {
            self.0.iter().find(|(key, _)| is_meant(key)).map(|(key, _)| Cow::Borrowed(*key))
        }
    }

    fn request<'a>(text: &'a str, options: &'a Pairs<'a>) -> AddressRequest<'a> {
        let subscription = options.0.iter().find(|(key, _)| *key == "id").map(|(_, value)| *value);
        AddressRequest { text, options, subscription, client: None, owner: "me", random: [7; 16] }
    }

    fn sources(text: &str, pairs: &[(&str, &str)]) -> Result<Sources, AddressError> {
        RabbitMq.sources(request(text, &Pairs(pairs)), "SUBSCRIBE")
    }

    fn source(text: &str, pairs: &[(&str, &str)]) -> Result<Source, AddressError> {
        sources(text, pairs).map(|mut sources| sources.all.remove(0))
    }

    fn target(text: &str) -> Result<Target, AddressError> {
        RabbitMq.targets(request(text, &Pairs(&[])), "SEND").map(|mut targets| targets.remove(0))
    }

    fn spec(source: Result<Source, AddressError>) -> QueueSpec {
        match source.unwrap().queue {
            SourceQueue::Shared(AddressQueue::Declared(spec)) => spec,
            other => panic!("not declared: {other:?}"),
        }
    }

    #[test]
    fn each_destination_leads_where_rabbitmq_leads_it() {
        for (text, node, key) in [
            ("/queue/a", "", "a"),
            ("bare", "", "bare"),
            ("/queue/a%2Fb", "", "a/b"),
            ("/amq/queue/a", "", "a"),
            ("/reply-queue/a/b", "", "a/b"),
            ("/topic/a.b", "amq.topic", "a.b"),
            ("/exchange/x", "x", ""),
            ("/exchange/x/k", "x", "k"),
        ] {
            let target = target(text).unwrap();
            assert_eq!((&*target.node, &*target.key), (node, key), "{text}");
        }
    }

    #[test]
    fn what_is_none_is_refused_in_rabbitmqs_words() {
        let list = "Valid destination types are: /temp-queue, /exchange, /topic, /queue, /amq/queue, /reply-queue/.\n";
        for (text, expect) in [
            ("/foo/x", format!("'/foo/x' is not a valid destination.\n{list}")),
            ("/queue", "'' is not a valid queue destination\n".to_owned()),
            ("/queue/", "'/' is not a valid queue destination\n".to_owned()),
            ("/queue/a/b", "'/a/b' is not a valid queue destination\n".to_owned()),
            ("/amq/queue/", "'/' is not a valid amqqueue destination\n".to_owned()),
            ("/exchange//k", "'//k' is not a valid exchange destination\n".to_owned()),
            ("/temp-queue/x", "'/temp-queue/x' is not a valid destination for 'SEND'\n".to_owned()),
            ("", "Destination cannot be blank".to_owned()),
        ] {
            assert_eq!(target(text).unwrap_err().text, expect, "{text}");
        }
    }

    #[test]
    fn queues_have_rabbitmqs_properties() {
        for (text, pairs, expect) in [
            ("/queue/a", &[][..], (true, false, false)),
            ("/queue/a", &[("durable", "false")], (false, true, true)),
            ("/queue/a", &[("durable", "false"), ("exclusive", "false")], (false, false, true)),
            ("/topic/t", &[], (false, false, true)),
            ("/topic/t", &[("id", "dd"), ("durable", "true")], (true, false, true)),
            (
                "/topic/t",
                &[("id", "dd"), ("persistent", "True"), ("auto-delete", "false")],
                (true, false, false),
            ),
            ("/exchange/amq.direct/k", &[("exclusive", "true")], (false, true, true)),
        ] {
            let spec = spec(source(text, pairs));
            assert_eq!((spec.is_durable, spec.is_exclusive, spec.is_auto_delete), expect, "{text} {pairs:?}");
        }
    }

    #[test]
    fn a_durable_subscription_has_the_queue_that_rabbitmq_gave_it() {
        let name = spec(source("/topic/t.3", &[("id", "dd"), ("durable", "true")])).name;
        assert_eq!(&*name, "stomp-subscription-IovPjAljMmT2zKJT5GbkAQ");
        assert_eq!(durable_queue_name("t.2", "0"), "stomp-subscription-xWYMn3TJ7xAuBPeFzNu3zg");
        assert_eq!(durable_queue_name("k", "1"), "stomp-subscription-XOEsMqyGR1kUli0SswhC6A");
    }

    #[test]
    fn headers_set_queue_arguments() {
        let spec = spec(source(
            "/queue/a",
            &[("x-max-length", " 5"), ("x-dead-letter-exchange", "dlx"), ("x-other", "1")],
        ));
        let expect: Map = vec![
            ("x-dead-letter-exchange".into(), Value::str("dlx")),
            ("x-max-length".into(), Value::I64(5)),
        ];
        assert_eq!(spec.arguments, expect);
        for (pair, text) in [
            (("x-max-length", "many"), "'x-max-length' has to be a whole number\n"),
            (("durable", "maybe"), "'durable' has to be true or false\n"),
        ] {
            assert_eq!(source("/queue/a", &[pair]).unwrap_err().text, text);
        }
    }

    #[test]
    fn headers_say_how_to_consume() {
        let of = |pairs: &[(&str, &str)]| sources("/queue/a", pairs).map(|all| (all.window, all.priority));
        assert_eq!(of(&[]), Ok((None, 0)));
        assert_eq!(of(&[("prefetch-count", "5"), ("x-priority", "-3")]), Ok((Some(5), -3)));
        assert_eq!(of(&[("prefetch-count", "0"), ("x-priority", "9999999999")]), Ok((None, i32::MAX)));
        assert!(of(&[("prefetch-count", "many")]).is_err());
    }

    #[test]
    fn deliveries_and_replies_name_where_they_were_sent() {
        for (node, key, expect) in [
            ("", "a/b", "/queue/a%2Fb"),
            ("amq.topic", "a.b", "/topic/a.b"),
            ("x", "", "/exchange/x"),
            ("x%", "k\u{e9}", "/exchange/x%25/k%C3%A9"),
        ] {
            assert_eq!(RabbitMq.address_of(node, key, "me"), expect);
        }
        assert_eq!(RabbitMq.reply_address("amq.gen-1", "me"), "/reply-queue/amq.gen-1");
        assert_eq!(RabbitMq.reply_address("/queue/a", "me"), "/queue/a");
    }
}
