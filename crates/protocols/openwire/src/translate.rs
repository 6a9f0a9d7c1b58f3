//! Destinations to places and back, messages of other protocols to messages of OpenWire.

use std::{borrow::Cow, sync::Arc};

use ternmq_broker::{AddressOptions, AddressRequest, Broker, Deliver, Dialect, Place, Places};
use ternmq_message::{Content, Formats, Map, MessageMeta, Properties};

use crate::{
    codec::{Field, Kind, Object, Primitive, Primitives, Value},
    error::{Fault, class},
    format::{CARRIER, ENCODING, content_of_text, primitive, put_in_field, put_together},
};

/// Most destinations in one (I11).
pub(crate) const MAX_PLACES: usize = 16;
/// Priority of a message of a protocol that has none.
const USUAL_PRIORITY: u8 = 4;
/// Highest priority.
pub(crate) const MAX_PRIORITY: u8 = 9;
/// Start of the ids of connections that the broker makes up for messages of other protocols.
const OTHERS_CONNECTION: &str = "ID:TernMQ-";

/// Starts of the parts of a destination that are of another kind than the whole.
const SCHEMES: [(&str, Kind); 4] = [
    ("queue://", Kind::Queue),
    ("topic://", Kind::Topic),
    ("temp-queue://", Kind::TempQueue),
    ("temp-topic://", Kind::TempTopic),
];

fn place<'a>(kind: Kind, name: Cow<'a, str>) -> Option<Place<'a>> {
    Some(match kind {
        Kind::Queue => Place::Queue(name),
        Kind::Topic => Place::Topic(name),
        Kind::TempQueue => Place::TemporaryQueue(name),
        Kind::TempTopic => Place::TemporaryTopic(name),
        _ => return None,
    })
}

/// The place that a destination with one name is.
pub(crate) fn place_of<'a>(destination: &'a Object<'_>) -> Option<Place<'a>> {
    place(destination.kind(), destination.text(Field::PhysicalName)?.into())
}

/// The places of a destination, which may have several names with commas between them.
pub(crate) fn places_of(destination: &Object<'_>) -> Result<Vec<Place<'static>>, Fault> {
    let bad = || Fault::new(class::INVALID_DESTINATION, "the destination has no name");
    let name = destination.text(Field::PhysicalName).ok_or_else(bad)?;
    let mut places = Vec::new();
    for part in name.split(',').map(str::trim) {
        let scheme = SCHEMES.iter().find_map(|(start, kind)| Some((*kind, part.strip_prefix(start)?)));
        let (kind, part) = scheme.unwrap_or((destination.kind(), part));
        if part.is_empty() {
            return Err(bad());
        }
        places.push(place(kind, part.to_owned().into()).ok_or_else(bad)?);
    }
    if places.len() > MAX_PLACES {
        let text = format!("a composite destination has at most {MAX_PLACES} parts");
        return Err(Fault::new(class::INVALID_DESTINATION, text));
    }
    Ok(places)
}

/// A place as a destination.
pub(crate) fn destination_of(place: &Place<'_>) -> Object<'static> {
    let kind = match place {
        Place::Queue(_) => Kind::Queue,
        Place::Topic(_) => Kind::Topic,
        Place::TemporaryQueue(_) => Kind::TempQueue,
        Place::TemporaryTopic(_) => Kind::TempTopic,
    };
    Object::new(kind).with_text(Field::PhysicalName, place.name().to_owned())
}

/// The dialect's places; without them there is no OpenWire.
pub(crate) fn places(dialect: &dyn Dialect) -> Result<&dyn Places, Fault> {
    dialect.places().ok_or_else(|| Fault::absent("destinations").last())
}

/// The id that ends as the number of a delivery: what an acknowledgement gives back.
fn with_delivery(id: Object<'_>, number: u64) -> Object<'_> {
    id.with(Field::BrokerSequenceId, Value::Long(i64::try_from(number).unwrap_or(i64::MAX)))
}

/// What messages of any encoding are read by.
pub(crate) struct Known<'a> {
    pub(crate) dialect: &'a dyn Dialect,
    pub(crate) formats: &'a Formats,
}

impl<'a> Known<'a> {
    pub(crate) fn of(broker: &'a Broker) -> Self {
        Self { dialect: &**broker.dialect(), formats: broker.formats() }
    }
}

/// A message for a consumer, whatever encoding it came in. `queue` is the one that it comes from.
pub(crate) fn message_of<'a>(known: &Known<'_>, deliver: &'a Deliver, queue: &str) -> Object<'a> {
    let message = &deliver.message;
    let own = (message.meta().encoding == ENCODING).then(|| put_together(message.head(), message.body()));
    let mut object = own.flatten().unwrap_or_else(|| message_of_others(known, deliver, queue));
    let id = match object.take(Field::MessageId) {
        Value::Object(id) => Arc::unwrap_or_clone(id),
        _ => made_up_id(queue, deliver.seq),
    };
    object.set(Field::MessageId, Value::Object(Arc::new(with_delivery(id, deliver.delivery.0))));
    // One that was sent later than it was made lives as long as it would have.
    let expires_at_ms = object.number(Field::Expiration);
    if expires_at_ms > 0 && expires_at_ms < expiration(deliver) {
        object.set(Field::Expiration, Value::Long(expiration(deliver)));
    }
    if let Some(history) = message.history() {
        add_properties(&mut object, &known.dialect.history_headers(history));
    }
    object
}

/// Adds properties behind those that a message has, whose last of a name counts.
fn add_properties(object: &mut Object<'_>, more: &Map) {
    if more.is_empty() {
        return;
    }
    let bytes = object.bytes(Field::MarshalledProperties).unwrap_or_default().to_vec();
    let mut map = Primitives::read(&bytes).unwrap_or_default();
    map.entries.extend(more.iter().map(|(name, value)| (Cow::Owned(name.to_string()), primitive(value))));
    let bytes = map.to_bytes();
    object.set(Field::MarshalledProperties, Value::Bytes(Cow::Owned(bytes)));
}

/// Id of a message that came without one: the same at each delivery from its queue.
fn made_up_id(queue: &str, seq: u64) -> Object<'static> {
    let producer = Object::new(Kind::ProducerId)
        .with_text(Field::ConnectionId, format!("{OTHERS_CONNECTION}{queue}"))
        .with(Field::SessionId, Value::Long(1))
        .with(Field::Value, Value::Long(1));
    Object::new(Kind::MessageId)
        .with_object(Field::ProducerId, Arc::new(producer))
        .with(Field::ProducerSequenceId, Value::Long(i64::try_from(seq).unwrap_or(i64::MAX)))
}

/// A message of another protocol, of the kind that its content is.
fn message_of_others(known: &Known<'_>, deliver: &Deliver, queue: &str) -> Object<'static> {
    let message = &deliver.message;
    let format = known.formats.get(message.meta().encoding);
    let mut properties = format.map(|format| format.properties(message.head())).unwrap_or_default();
    let content = Content::take(format, message, &mut properties);
    let properties = CARRIER_WITH_TYPE.fit(properties, message.meta());
    let (kind, content) = kind_and_bytes(&content);
    let id = made_up_id(queue, deliver.seq);
    let producer = id.object(Field::ProducerId).cloned();
    let mut object = Object::new(kind)
        .with(Field::Content, Value::Bytes(Cow::Owned(content)))
        .with(Field::Expiration, Value::Long(expiration(deliver)))
        .with_object(Field::MessageId, Arc::new(id));
    if let Some(producer) = producer {
        object.set(Field::ProducerId, Value::Object(producer));
    }
    write_meta(&mut object, message.meta());
    write_properties(known.dialect, &mut object, properties);
    object
}

/// As [`CARRIER`], with the type of the content in its place: it says what kind of message it is to be.
const CARRIER_WITH_TYPE: ternmq_message::Carrier =
    ternmq_message::Carrier { content_type: ternmq_message::Carriage::Whole, ..CARRIER };

/// The kind of message that a content makes, and its bytes there.
fn kind_and_bytes(content: &Content<'_>) -> (Kind, Vec<u8>) {
    match content {
        Content::Empty => (Kind::Message, Vec::new()),
        Content::Bytes(bytes) => (Kind::BytesMessage, bytes.to_vec()),
        Content::Text(text) => (Kind::TextMessage, content_of_text(text)),
        Content::Map(map) => {
            let entries = map.iter().map(|(name, value)| (Cow::Borrowed(&**name), primitive(value)));
            (Kind::MapMessage, Primitives { entries: entries.collect() }.to_bytes())
        }
        Content::Stream(values) => {
            let values: Vec<_> = values.iter().map(primitive).collect();
            (Kind::StreamMessage, Primitives::stream_bytes(&values))
        }
        Content::Object(bytes) => (Kind::ObjectMessage, bytes.to_vec()),
    }
}

pub(crate) fn expiration(deliver: &Deliver) -> i64 {
    deliver.expires_at_ms.and_then(|at| i64::try_from(at).ok()).unwrap_or_default()
}

fn write_meta(object: &mut Object<'static>, meta: &MessageMeta) {
    // Other protocols have 0 where nothing was said.
    let priority = if meta.priority > 0 { meta.priority.min(MAX_PRIORITY) } else { USUAL_PRIORITY };
    object.set(Field::Persistent, Value::Bool(meta.is_durable));
    object.set(Field::Priority, Value::Byte(priority));
}

fn write_properties(dialect: &dyn Dialect, object: &mut Object<'static>, properties: Properties) {
    let mut map = Primitives::default();
    if let Some(kind) = &properties.content_type {
        map = map
            .with(ternmq_message::Property::ContentType.header(), Primitive::Text(kind.to_string().into()));
    }
    // One address says where an answer goes: the queue's.
    if let (Some(_), Some(key)) = (&properties.reply_to, &properties.reply_key) {
        map = map.with(ternmq_message::Property::ReplyKey.header(), Primitive::Text(key.to_string().into()));
    }
    for (name, value) in &properties.headers {
        if !put_in_field(object, name, value) {
            map.entries.push((Cow::Owned(name.to_string()), primitive(value)));
        }
    }
    if !map.entries.is_empty() {
        object.set(Field::MarshalledProperties, Value::Bytes(Cow::Owned(map.to_bytes())));
    }
    let mut text = |field, value: Option<&str>| {
        if let Some(value) = value {
            object.set(field, Value::Text(value.to_owned().into()));
        }
    };
    text(Field::Type, properties.kind.as_deref());
    text(Field::UserId, properties.user_id.as_deref());
    let correlation_id = properties.correlation_id.as_deref().and_then(|id| std::str::from_utf8(id).ok());
    text(Field::CorrelationId, correlation_id);
    if let Some(seconds) = properties.timestamp {
        let ms = i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX);
        object.set(Field::Timestamp, Value::Long(ms));
    }
    if let Some(place) = reply_place(dialect, &properties) {
        object.set(Field::ReplyTo, Value::Object(Arc::new(destination_of(&place))));
    }
}

fn reply_place<'a>(dialect: &'a dyn Dialect, properties: &'a Properties) -> Option<Place<'a>> {
    let known = dialect.places()?;
    match (&properties.reply_to, &properties.reply_key) {
        (Some(queue), _) => {
            let temporary = known
                .temporary_place(queue)
                .or_else(|| queue.starts_with('/').then(|| place_of_address(dialect, queue)).flatten());
            Some(temporary.unwrap_or_else(|| Place::Queue(Cow::Borrowed(&**queue))))
        }
        (None, Some(key)) => Some(Place::Topic(Cow::Borrowed(&**key))),
        (None, None) => None,
    }
}

/// No options beside an address.
struct NoOptions;

impl AddressOptions for NoOptions {
    fn option(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }

    fn find_name(&self, _: &dyn Fn(&str) -> bool) -> Option<Cow<'_, str>> {
        None
    }
}

/// The place that an address of a protocol of text stands for.
fn place_of_address(dialect: &dyn Dialect, text: &str) -> Option<Place<'static>> {
    let request = AddressRequest {
        text,
        options: &NoOptions,
        subscription: None,
        client: None,
        owner: "",
        random: [0; 16],
    };
    let target = dialect.addresses()?.targets(request, "SEND").ok()?.into_iter().next()?;
    let place = dialect.places()?.place_of(&target.node, &target.key);
    let name = place.name().to_owned().into();
    Some(match place {
        Place::Queue(_) => Place::Queue(name),
        Place::Topic(_) => Place::Topic(name),
        Place::TemporaryQueue(_) => Place::TemporaryQueue(name),
        Place::TemporaryTopic(_) => Place::TemporaryTopic(name),
    })
}
