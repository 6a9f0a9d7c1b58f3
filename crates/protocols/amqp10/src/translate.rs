//! Messages on their way out: from whatever encoding they came in to sections.

use std::sync::Arc;

use smallvec::{SmallVec, smallvec};
use ternmq_broker::{Broker, Deliver, LinkAddresses, Place};
use ternmq_message::{
    Content, History, JAVA_OBJECT, Map as NeutralMap, Message, Properties, Property, Value as Neutral,
};

use crate::{
    codec::{
        MAX_DEPTH, Value, code,
        message::{BodyKind, Header, MessageProperties, Sections, map_of, put_data},
        write::{
            ListWriter, MapWriter, put_binary, put_bool, put_descriptor, put_string, put_symbol,
            put_timestamp, put_uint, put_ulong, put_value,
        },
    },
    format::{CARRIER, ENCODED_BODY, ENCODING, Head, annotation, kind, uuid_of},
};

/// Appends a message as a receiver gets it.
pub(crate) fn put_message(
    broker: &Broker,
    addresses: &dyn LinkAddresses,
    deliver: &Deliver,
    out: &mut Vec<u8>,
) {
    let message = &deliver.message;
    if message.meta().encoding == ENCODING
        && let Some(head) = Head::read(message.head())
    {
        let sections = head.sections();
        let header = Header::decode(sections.header).unwrap_or_default();
        put_header(header, deliver, out);
        put_annotations(broker, message, out, |own, map| {
            for (key, pair) in map_of(sections.message_annotations).raw_pairs() {
                let is_told = key.as_text().is_some_and(|name| own.contains(&name));
                if !is_told {
                    map.pair(|out| out.extend_from_slice(pair));
                }
            }
        });
        out.extend_from_slice(sections.properties);
        out.extend_from_slice(sections.application_properties);
        head.put_body(message.body(), out);
        out.extend_from_slice(head.footer);
        return;
    }
    put_header(Header::default(), deliver, out);
    let format = broker.formats().get(message.meta().encoding);
    let mut properties = format.map(|format| format.properties(message.head())).unwrap_or_default();
    // Clients of JMS know kinds of messages; a body of sections has its own.
    let has_kinds = addresses.subject_is_type() && !is_encoded(&properties, message.body());
    let content = has_kinds.then(|| Content::take(format, message, &mut properties));
    let properties = CARRIER.fit(properties, message.meta());
    put_neutral(broker, addresses, message, (properties, content), out);
}

/// header: the producer's, with what has become of the message.
fn put_header(header: Header, deliver: &Deliver, out: &mut Vec<u8>) {
    let meta = deliver.message.meta();
    let failed = deliver.failures;
    let has_died = deliver.message.history().is_some_and(|history| !history.deaths.is_empty());
    Header {
        durable: Some(meta.is_durable),
        priority: header.priority.or((meta.priority > 0).then_some(meta.priority)),
        ttl: meta.ttl_ms.map(|ttl_ms| u32::try_from(ttl_ms).unwrap_or(u32::MAX)),
        first_acquirer: Some(!deliver.is_redelivered && failed == 0 && !has_died),
        delivery_count: Some(failed),
    }
    .put(out);
}

/// message-annotations: the broker's own in front of those that `more` adds, which keeps off the names that are told.
fn put_annotations(
    broker: &Broker,
    message: &Message,
    out: &mut Vec<u8>,
    more: impl FnOnce(&[&str], &mut MapWriter<'_>),
) {
    put_descriptor(out, code::MESSAGE_ANNOTATIONS);
    let mut map = MapWriter::start(out);
    map.symbol(annotation::EXCHANGE, |out| put_string(out, message.node()));
    map.symbol(annotation::KEY, |out| put_string(out, message.key()));
    let told = match message.history().filter(|history| !history.deaths.is_empty()) {
        Some(history) => {
            map.symbol(annotation::DEATHS, |out| put_deaths(history, out));
            broker.dialect().history_headers(history)
        }
        None => NeutralMap::new(),
    };
    let mut own: SmallVec<[&str; 4]> = smallvec![annotation::EXCHANGE, annotation::KEY];
    if !told.is_empty() {
        own.push(annotation::DEATHS);
    }
    for (name, value) in &told {
        own.push(name);
        map.symbol(name, |out| put_neutral_value(value, 1, out));
    }
    more(&own, &mut map);
    map.end();
}

/// The deaths of a message, the last one first: a list of maps, as RabbitMQ names what is in them.
fn put_deaths(history: &History, out: &mut Vec<u8>) {
    let mut list = ListWriter::start(out);
    for death in &history.deaths {
        list = list.field(Some(death), |out, death| {
            let mut map = MapWriter::start(out);
            if let Some(ttl_ms) = death.original_ttl_ms {
                map.symbol("ttl", |out| put_uint(out, u32::try_from(ttl_ms).unwrap_or(u32::MAX)));
            }
            let first_ms = i64::try_from(death.first_time_s.saturating_mul(1_000)).unwrap_or(i64::MAX);
            map.symbol("queue", |out| put_string(out, &death.queue));
            map.symbol("reason", |out| put_symbol(out, death.reason.word()));
            map.symbol("count", |out| put_ulong(out, death.count));
            map.symbol("first-time", |out| put_timestamp(out, first_ms));
            map.symbol("exchange", |out| put_string(out, &death.node));
            map.symbol("routing-keys", |out| {
                let mut keys = ListWriter::start(out);
                for key in &death.keys {
                    keys = keys.field(Some(&**key), put_string);
                }
                keys.end();
            });
            map.end();
        });
    }
    list.end();
}

/// A message of another protocol.
fn put_neutral(
    broker: &Broker,
    addresses: &dyn LinkAddresses,
    message: &Message,
    (properties, content): (Properties, Option<Content<'_>>),
    out: &mut Vec<u8>,
) {
    let told = ToldPlaces::of(broker, addresses, message, &properties);
    let is_encoded = is_encoded(&properties, message.body());
    let reply_to = reply_address(addresses, &properties);
    let (group_id, group_sequence) = group_of(addresses, &properties);
    // A symbol is ASCII; other text becomes the header that its property is called.
    let mut strange = NeutralMap::new();
    let mut ascii = |text: Option<Arc<str>>, name: &str| match text {
        Some(text) if !text.is_ascii() => {
            strange.push((name.into(), Neutral::Str(text)));
            None
        }
        other => other,
    };
    let is_object = matches!(content, Some(Content::Object(_)));
    let content_type = properties.content_type.or_else(|| is_object.then(|| JAVA_OBJECT.into()));
    let content_type = ascii(content_type, Property::ContentType.header());
    let content_encoding = ascii(properties.content_encoding, Property::ContentEncoding.header());
    let kind = properties.kind.as_deref().filter(|_| !is_encoded);
    let (subject, kind) = if addresses.subject_is_type() { (kind, None) } else { (None, kind) };
    // One address says where an answer goes: the queue's, or else the topic's.
    if let (Some(_), Some(key)) = (&properties.reply_to, &properties.reply_key) {
        strange.push((Property::ReplyKey.header().into(), Neutral::Str(key.clone())));
    }
    let headers = || strange.iter().chain(&properties.headers);
    put_annotations(broker, message, out, |own, map| {
        told.put(map);
        if let Some(content) = &content {
            map.symbol(annotation::MESSAGE_KIND, |out| {
                put_value(out, &Value::Byte(kind_of_content(content)));
            });
        }
        put_headers(headers(), map, |name| {
            own.contains(&name) || (content.is_some() && name == annotation::MESSAGE_KIND)
        });
        if let Some(kind) = kind {
            map.symbol(annotation::TYPE, |out| put_string(out, kind));
        }
    });
    let creation_ms = properties.timestamp.map(|seconds| seconds.saturating_mul(1_000));
    let known = MessageProperties {
        message_id: properties.message_id.as_deref().map(id_value),
        user_id: properties.user_id.as_deref().map(str::as_bytes),
        to: told.to.as_deref(),
        subject,
        reply_to: reply_to.as_deref(),
        correlation_id: properties.correlation_id.as_deref().map(id_value),
        content_type: content_type.as_deref(),
        content_encoding: content_encoding.as_deref(),
        creation_time: creation_ms.map(|ms| i64::try_from(ms).unwrap_or(i64::MAX)),
        group_id: group_id.as_deref(),
        group_sequence,
        ..MessageProperties::default()
    };
    if known != MessageProperties::default() {
        known.put(out);
    }
    put_application_properties(headers(), out);
    match content {
        None if is_encoded => out.extend_from_slice(message.body()),
        None => put_data(out, message.body()),
        Some(content) => put_content(&content, out),
    }
}

/// Headers that are annotations, but those that are told already.
fn put_headers<'a>(
    headers: impl Iterator<Item = &'a (Arc<str>, Neutral)>,
    map: &mut MapWriter<'_>,
    is_told: impl Fn(&str) -> bool,
) {
    for (name, value) in headers {
        let is_own = name.starts_with(annotation::OWN) && !name.starts_with(annotation::BASIC);
        if is_own && name.is_ascii() && !is_told(name) {
            map.symbol(name, |out| put_neutral_value(value, 1, out));
        } else if &**name == "CC" && matches!(value, Neutral::Array(_)) {
            map.symbol(annotation::COPIES, |out| put_neutral_value(value, 1, out));
        }
    }
}

/// The kind of a message with this content.
fn kind_of_content(content: &Content<'_>) -> i8 {
    match content {
        Content::Empty => kind::PLAIN,
        Content::Bytes(_) => kind::BYTES,
        Content::Text(_) => kind::TEXT,
        Content::Map(_) => kind::MAP,
        Content::Stream(_) => kind::STREAM,
        Content::Object(_) => kind::OBJECT,
    }
}

/// The sections of a body, as the kind of message has them (AMQP JMS Mapping 1.0 3.3).
fn put_content(content: &Content<'_>, out: &mut Vec<u8>) {
    match content {
        Content::Bytes(bytes) | Content::Object(bytes) => put_data(out, bytes),
        Content::Empty => {
            put_descriptor(out, code::AMQP_VALUE);
            put_value(out, &Value::Null);
        }
        Content::Text(text) => {
            put_descriptor(out, code::AMQP_VALUE);
            put_string(out, text);
        }
        Content::Map(map) => {
            put_descriptor(out, code::AMQP_VALUE);
            let mut written = MapWriter::start(out);
            for (name, value) in map {
                written.pair(|out| {
                    put_string(out, name);
                    put_neutral_value(value, 1, out);
                });
            }
            written.end();
        }
        Content::Stream(values) => {
            put_descriptor(out, code::AMQP_SEQUENCE);
            let mut list = ListWriter::start(out);
            for value in values {
                list = list.field(Some(value), |out, value| put_neutral_value(value, 1, out));
            }
            list.end();
        }
    }
}

/// Where an answer goes, as an address.
fn reply_address(addresses: &dyn LinkAddresses, properties: &Properties) -> Option<String> {
    match (&properties.reply_to, &properties.reply_key) {
        (Some(queue), _) => Some(addresses.queue_address(queue)),
        (None, Some(key)) => Some(addresses.topic_address(key)),
        (None, None) => None,
    }
}

/// Whether a body that came by another protocol is sections of this one.
fn is_encoded(properties: &Properties, body: &[u8]) -> bool {
    properties.kind.as_deref() == Some(ENCODED_BODY)
        && Sections::split(body).is_ok_and(|sections| {
            !matches!(sections.body_kind, BodyKind::None)
                && sections.body.len() + sections.footer.len() == body.len()
        })
}

/// Where a message was sent to and where its answer goes, for clients that know a place by its kind (JMS mapping).
#[derive(Default)]
struct ToldPlaces {
    to: Option<String>,
    kind: Option<i8>,
    reply_kind: Option<i8>,
}

impl ToldPlaces {
    fn of(
        broker: &Broker,
        addresses: &dyn LinkAddresses,
        message: &Message,
        properties: &Properties,
    ) -> Self {
        let dialect = broker.dialect();
        // Where addresses have no prefixes, no client asks for kinds.
        let Some(places) = dialect.places().filter(|_| addresses.prefixes().is_some()) else {
            return Self::default();
        };
        let place = places.place_of(message.node(), message.key());
        let reply = match (&properties.reply_to, &properties.reply_key) {
            (Some(queue), _) => Some(kind_of(&places.place_of("", queue))),
            (None, Some(key)) => Some(kind_of(&places.place_of(dialect.topic_node(), key))),
            (None, None) => None,
        };
        let to = match &place {
            Place::Topic(key) => addresses.topic_address(key),
            Place::Queue(_) | Place::TemporaryQueue(_) => addresses.queue_address(message.key()),
            Place::TemporaryTopic(_) => match places.temporary_queue(&place) {
                Ok(queue) => addresses.queue_address(&queue),
                Err(_) => return Self { reply_kind: reply, ..Self::default() },
            },
        };
        Self { to: Some(to), kind: Some(kind_of(&place)), reply_kind: reply }
    }

    fn put(&self, map: &mut MapWriter<'_>) {
        for (name, kind) in [(annotation::DESTINATION, self.kind), (annotation::REPLY_TO, self.reply_kind)] {
            if let Some(kind) = kind {
                map.symbol(name, |out| put_value(out, &Value::Byte(kind)));
            }
        }
    }
}

/// The number of a kind of place.
fn kind_of(place: &Place<'_>) -> i8 {
    match place {
        Place::Queue(_) => 0,
        Place::Topic(_) => 1,
        Place::TemporaryQueue(_) => 2,
        Place::TemporaryTopic(_) => 3,
    }
}

/// application-properties: the headers with simple values that are no annotations.
fn put_application_properties<'a>(headers: impl Iterator<Item = &'a (Arc<str>, Neutral)>, out: &mut Vec<u8>) {
    let start = out.len();
    put_descriptor(out, code::APPLICATION_PROPERTIES);
    let mut map = MapWriter::start(out);
    for (name, value) in headers {
        let is_annotation = name.starts_with(annotation::OWN) && name.is_ascii();
        if !is_annotation && !matches!(value, Neutral::Array(_) | Neutral::Map(_)) {
            map.pair(|out| {
                put_string(out, name);
                put_neutral_value(value, 1, out);
            });
        }
    }
    let is_empty = map.is_empty();
    map.end();
    if is_empty {
        out.truncate(start);
    }
}

/// group-id and group-sequence: where messages are put into groups those, else the application's id as RabbitMQ has it.
fn group_of(addresses: &dyn LinkAddresses, properties: &Properties) -> (Option<Arc<str>>, Option<u32>) {
    let Some((group, number)) = addresses.group_words() else { return (properties.app_id.clone(), None) };
    let Some(group) = properties.header(group).and_then(Neutral::as_str) else { return (None, None) };
    let number = properties.header(number);
    let number = number.and_then(|value| value.as_i64().or_else(|| value.as_str()?.trim().parse().ok()));
    let number = number.and_then(|number| i32::try_from(number).ok());
    (Some(group.into()), number.map(i32::cast_unsigned))
}

/// An id as the type that says most of it.
fn id_value(id: &[u8]) -> Value<'_> {
    match std::str::from_utf8(id) {
        Ok(text) => uuid_of(text).map_or(Value::String(text), Value::Uuid),
        Err(_) => Value::Binary(id),
    }
}

/// Appends a neutral value; what is nested deeper than a reader has to take is null.
pub(crate) fn put_neutral_value(value: &Neutral, depth: usize, out: &mut Vec<u8>) {
    let simple = match value {
        Neutral::Array(_) | Neutral::Map(_) if depth >= MAX_DEPTH => Value::Null,
        Neutral::Array(items) => {
            let mut list = ListWriter::start(out);
            for item in items {
                list = list.field(Some(item), |out, item| put_neutral_value(item, depth + 1, out));
            }
            list.end();
            return;
        }
        Neutral::Map(pairs) => {
            let mut map = MapWriter::start(out);
            for (name, value) in pairs {
                map.pair(|out| {
                    put_string(out, name);
                    put_neutral_value(value, depth + 1, out);
                });
            }
            map.end();
            return;
        }
        Neutral::Null => Value::Null,
        Neutral::Bool(truth) => return put_bool(out, *truth),
        Neutral::I8(number) => Value::Byte(*number),
        Neutral::U8(number) => Value::Ubyte(*number),
        Neutral::I16(number) => Value::Short(*number),
        Neutral::U16(number) => Value::Ushort(*number),
        Neutral::I32(number) => Value::Int(*number),
        Neutral::U32(number) => Value::Uint(*number),
        Neutral::I64(number) => Value::Long(*number),
        Neutral::U64(number) => Value::Ulong(*number),
        Neutral::F32(number) => Value::Float(*number),
        Neutral::F64(number) => Value::Double(*number),
        // Decimals of other protocols have no fixed exponent; text loses nothing.
        Neutral::Decimal(decimal) => return put_string(out, &decimal.to_string()),
        Neutral::Timestamp(seconds) => {
            return put_timestamp(out, i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX));
        }
        Neutral::Str(text) => return put_string(out, text),
        Neutral::Bytes(bytes) => return put_binary(out, bytes),
    };
    put_value(out, &simple);
}
