//! Message heads in this encoding.
//!
//! ```text
//! layout, 1 byte (1) | form of the body, 1 byte | code of the message, 1 byte | its fields, version 12, loose
//! ```
//! A head has every field of the message but its content, which is the body, and those that belong to one hop (command,
//! transaction, consumer, bridges). Text without compression is kept as plain UTF-8, so that every protocol can read it; all
//! other content is kept as it came and is never looked into (B10).
//! Owns: that layout, and what it means in neutral terms. Must not know: who reads it.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use ternmq_broker::{Dialect, Place};
use ternmq_message::{
    Carriage, Carrier, Content as Meaning, Encoding as Number, Format, Group, Headers, History, Map,
    Properties, Value as Neutral,
};

use crate::{
    codec::{
        self, Content, DecodeError, Encoding, Ends, Extent, Field, InCache, Incoming, Kind, Molds, Object,
        OutCache, Primitive, Primitives, Relay, Stored, Value, Walks, decode, encode_bare, text,
    },
    translate::place_of,
};

/// Number of this encoding in messages and on disk.
pub const ENCODING: Number = Number(5);

/// Text of any length.
const TEXT: Carriage = Carriage::Text { max_bytes: usize::MAX };

/// What a message of OpenWire carries.
pub const CARRIER: Carrier = Carrier {
    content_type: Carriage::Header,
    content_encoding: Carriage::Header,
    correlation_id: TEXT,
    reply_to: TEXT,
    reply_key: TEXT,
    message_id: Carriage::Header,
    timestamp: Carriage::Whole,
    kind: TEXT,
    user_id: TEXT,
    app_id: Carriage::Header,
    body_format: Carriage::Whole,
    durability: Carriage::Whole,
    priority: Carriage::Whole,
    ttl: Carriage::Whole,
    headers: Headers::Typed { name_max_bytes: text::TEXT_MAX_BYTES },
};

/// Properties that have a field of their own.
const GROUP_ID: &str = "JMSXGroupID";
const GROUP_SEQUENCE: &str = "JMSXGroupSeq";

/// What stands for the connection in ids that the broker gives to messages of clients.
const OWN_CONNECTION: &str = "ID:scheduled";

/// Layout of heads.
const LAYOUT: u8 = 1;

/// How a body stands for the content of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BodyForm {
    /// There is no content.
    None = 0,
    /// It is the content.
    Same = 1,
    /// It is the text that the content has behind its length, as plain UTF-8.
    Text = 2,
}

/// A message taken apart for keeping: its head and its body.
pub(crate) fn take_apart<'a>(mut message: Object<'a>) -> (Vec<u8>, Cow<'a, [u8]>) {
    for (field, none) in [
        (Field::CommandId, Value::Int(0)),
        (Field::ResponseRequired, Value::Bool(false)),
        (Field::TransactionId, Value::None),
        (Field::OriginalTransactionId, Value::None),
        (Field::TargetConsumerId, Value::None),
        (Field::RedeliveryCounter, Value::Int(0)),
        (Field::BrokerPath, Value::None),
        (Field::Cluster, Value::None),
        (Field::ReceivedByBridge, Value::Bool(false)),
        (Field::Arrival, Value::Long(0)),
        (Field::BrokerInTime, Value::Long(0)),
        (Field::BrokerOutTime, Value::Long(0)),
        (Field::GroupFirstForConsumer, Value::Bool(false)),
    ] {
        message.set(field, none);
    }
    let is_text = message.kind() == Kind::TextMessage && !message.is(Field::Compressed);
    let (form, body) = match message.take(Field::Content) {
        Value::Bytes(Cow::Borrowed(content)) => kept_content(is_text, content),
        Value::Bytes(Cow::Owned(content)) => {
            let (form, body) = kept_content(is_text, &content);
            (form, Cow::Owned(body.into_owned()))
        }
        _ => (BodyForm::None, Cow::Borrowed(&[][..])),
    };
    let mut head = vec![LAYOUT, form as u8];
    encode_bare(&message, Encoding::KEPT, &mut OutCache::default(), &mut head);
    (head, body)
}

/// Reads the message that a frame is: its head, in `buffer`, and its body.
///
/// # Errors
/// As [`codec::keep`].
pub(crate) fn keep<'a>(
    frame: &'a [u8],
    encoding: Encoding,
    cache: &mut InCache,
    mut buffer: Vec<u8>,
    room: &'a mut Ends,
    molds: &mut Molds,
) -> Result<(Incoming<'a>, Cow<'a, [u8]>), DecodeError> {
    buffer.clear();
    buffer.extend_from_slice(&[LAYOUT, BodyForm::None as u8]);
    let mut incoming = codec::keep(frame, encoding, cache, buffer, room, molds)?;
    let is_text = incoming.kind() == Kind::TextMessage && !incoming.stored().is(Field::Compressed);
    let Some(content) = incoming.content else { return Ok((incoming, Cow::Borrowed(&[]))) };
    let (form, body) = kept_content(is_text, content);
    incoming.set_prefix(1, form as u8);
    Ok((incoming, body))
}

/// How a content is kept.
fn kept_content(is_text: bool, content: &[u8]) -> (BodyForm, Cow<'_, [u8]>) {
    match plain_text(content).filter(|_| is_text) {
        Some(text) => (BodyForm::Text, text),
        None => (BodyForm::Same, Cow::Borrowed(content)),
    }
}

/// The text of a content, if writing it again gives the same bytes.
fn plain_text(content: &[u8]) -> Option<Cow<'_, [u8]>> {
    let (len, bytes) = content.split_first_chunk()?;
    if usize::try_from(u32::from_be_bytes(*len)) != Ok(bytes.len()) {
        return None;
    }
    match text::read(bytes).ok()? {
        Cow::Borrowed(text) if text::is_plain(text) => Some(Cow::Borrowed(bytes)),
        text => (*text::packed(&text) == *bytes).then(|| Cow::Owned(text.into_owned().into_bytes())),
    }
}

/// The content of a text message.
pub(crate) fn content_of_text(text: &str) -> Vec<u8> {
    let packed = text::packed(text);
    let mut content = Vec::with_capacity(packed.len() + 4);
    content.extend_from_slice(&u32::try_from(packed.len()).unwrap_or(u32::MAX).to_be_bytes());
    content.extend_from_slice(&packed);
    content
}

/// The message of a head, without its content.
fn read_head(head: &[u8]) -> Option<(u8, Object<'_>)> {
    let (&[LAYOUT, form], fields) = head.split_first_chunk()? else { return None };
    let object = decode(fields, Encoding::KEPT, &mut InCache::default()).ok()?;
    object.kind().is_message().then_some((form, object))
}

/// The message that a head and a body are, as it goes to a peer without being taken apart; `None` when the head is none of this
/// encoding.
#[inline]
pub(crate) fn relay<'a>(
    head: &'a [u8],
    body: &'a [u8],
    extent: Extent,
    room: &'a mut Ends,
    walks: &mut Walks,
) -> Option<Relay<'a>> {
    let (&[LAYOUT, form], fields) = head.split_first_chunk()? else { return None };
    let content = match form {
        form if form == BodyForm::Text as u8 => {
            let text = std::str::from_utf8(body);
            Some(Content { has_length: text.is_ok(), bytes: text.map_or(Cow::Borrowed(body), text::packed) })
        }
        form if form == BodyForm::Same as u8 => {
            Some(Content { has_length: false, bytes: Cow::Borrowed(body) })
        }
        _ => None,
    };
    Relay::of(fields, content, extent, room, walks).ok()
}

/// The content that a body stands for.
fn content(form: u8, body: &[u8]) -> Option<Cow<'_, [u8]>> {
    if form == BodyForm::Text as u8 {
        return Some(Cow::Owned(std::str::from_utf8(body).map_or_else(|_| body.to_vec(), content_of_text)));
    }
    (form == BodyForm::Same as u8).then_some(Cow::Borrowed(body))
}

/// The message that a head and a body are; `None` when the head is none of this encoding.
pub(crate) fn put_together<'a>(head: &'a [u8], body: &'a [u8]) -> Option<Object<'a>> {
    let (form, mut message) = read_head(head)?;
    if let Some(content) = content(form, body) {
        message.set(Field::Content, Value::Bytes(content));
    }
    Some(message)
}

/// A property's value in neutral terms.
pub(crate) fn neutral(value: &Primitive<'_>) -> Neutral {
    match value {
        Primitive::Null => Neutral::Null,
        Primitive::Bool(truth) => Neutral::Bool(*truth),
        Primitive::Byte(number) => Neutral::I8(*number),
        Primitive::Char(unit) => Neutral::str(&String::from_utf16_lossy(&[*unit])),
        Primitive::Short(number) => Neutral::I16(*number),
        Primitive::Int(number) => Neutral::I32(*number),
        Primitive::Long(number) => Neutral::I64(*number),
        Primitive::Double(number) => Neutral::F64(*number),
        Primitive::Float(number) => Neutral::F32(*number),
        Primitive::Text(text) => Neutral::str(text),
        Primitive::Bytes(bytes) => Neutral::Bytes(Arc::from(&**bytes)),
        Primitive::Map(map) => Neutral::Map(neutral_map(map)),
        Primitive::List(values) => Neutral::Array(values.iter().map(neutral).collect()),
    }
}

fn neutral_map(map: &Primitives<'_>) -> Map {
    map.entries.iter().map(|(name, value)| (Arc::from(&**name), neutral(value))).collect()
}

/// A neutral value as a property's. What has no type here becomes text, or the next larger number.
pub(crate) fn primitive(value: &Neutral) -> Primitive<'static> {
    let text =
        || value.to_text().map_or(Primitive::Null, |text| Primitive::Text(Cow::Owned(text.into_owned())));
    match value {
        Neutral::Null => Primitive::Null,
        Neutral::Bool(truth) => Primitive::Bool(*truth),
        Neutral::I8(number) => Primitive::Byte(*number),
        Neutral::U8(number) => Primitive::Short((*number).into()),
        Neutral::I16(number) => Primitive::Short(*number),
        Neutral::U16(number) => Primitive::Int((*number).into()),
        Neutral::I32(number) => Primitive::Int(*number),
        Neutral::U32(number) => Primitive::Long((*number).into()),
        Neutral::I64(number) => Primitive::Long(*number),
        Neutral::U64(number) | Neutral::Timestamp(number) => {
            i64::try_from(*number).map_or_else(|_| text(), Primitive::Long)
        }
        Neutral::F32(number) => Primitive::Float(*number),
        Neutral::F64(number) => Primitive::Double(*number),
        Neutral::Decimal(_) | Neutral::Str(_) => text(),
        Neutral::Bytes(bytes) => Primitive::Bytes(Cow::Owned(bytes.to_vec())),
        Neutral::Array(values) => Primitive::List(values.iter().map(primitive).collect()),
        Neutral::Map(map) => {
            let entries = map.iter().map(|(name, value)| (Cow::Owned(name.to_string()), primitive(value)));
            Primitive::Map(Primitives { entries: entries.collect() })
        }
    }
}

/// The group that a message belongs to.
pub(crate) fn group_of(message: &Stored<'_>) -> Option<Group> {
    let name = message.text(Field::GroupId).filter(|name| !name.is_empty())?;
    Some(Group::numbered(&name, message.number(Field::GroupSequence)))
}

/// Puts a neutral property into its own field. Answers whether it has one.
pub(crate) fn put_in_field(message: &mut Object<'_>, name: &str, value: &Neutral) -> bool {
    match name {
        GROUP_ID => match value.as_str() {
            Some(group) => message.set(Field::GroupId, Value::Text(group.to_owned().into())),
            None => return false,
        },
        GROUP_SEQUENCE => {
            let number = value.as_i64().or_else(|| value.as_str()?.trim().parse().ok());
            match number.and_then(|number| i32::try_from(number).ok()) {
                Some(number) => message.set(Field::GroupSequence, Value::Int(number)),
                None => return false,
            }
        }
        _ => return false,
    }
    true
}

/// Id of a message as JMS shows it.
pub(crate) fn message_id_text(id: &Object<'_>) -> Option<String> {
    if let Some(text) = id.text(Field::TextView) {
        return Some(text.to_owned());
    }
    let producer = id.object(Field::ProducerId)?;
    let connection = producer.text(Field::ConnectionId)?;
    let [session, value] = [Field::SessionId, Field::Value].map(|field| producer.number(field));
    Some(format!("{connection}:{session}:{value}:{}", id.number(Field::ProducerSequenceId)))
}

/// An id of the broker's own for a message that a client made.
fn own_id(number: u64) -> Object<'static> {
    let producer = Object::new(Kind::ProducerId)
        .with_text(Field::ConnectionId, OWN_CONNECTION.to_owned())
        .with(Field::SessionId, Value::Long(1))
        .with(Field::Value, Value::Long(1));
    Object::new(Kind::MessageId)
        .with_object(Field::ProducerId, Arc::new(producer))
        .with(Field::ProducerSequenceId, Value::Long(i64::try_from(number).unwrap_or(i64::MAX)))
}

/// Reader of this encoding's heads.
#[derive(Clone)]
pub struct OpenWireFormat {
    dialect: Arc<dyn Dialect>,
}

impl OpenWireFormat {
    /// For a dialect with these places.
    #[must_use]
    pub fn of(dialect: Arc<dyn Dialect>) -> Self {
        Self { dialect }
    }

    fn read_reply_to(&self, destination: &Object<'_>, properties: &mut Properties) {
        let Some(place) = place_of(destination) else { return };
        match place {
            Place::Queue(name) => properties.reply_to = Some(name.into()),
            Place::Topic(key) => properties.reply_key = Some(key.into()),
            Place::TemporaryQueue(_) | Place::TemporaryTopic(_) => {
                let queue = self.dialect.places().and_then(|known| known.temporary_queue(&place).ok());
                properties.reply_to = queue;
            }
        }
    }
}

impl Format for OpenWireFormat {
    fn properties(&self, head: &[u8]) -> Properties {
        let mut properties = Properties::default();
        let Some((form, message)) = read_head(head) else { return properties };
        let text = |field| message.text(field).map(Arc::<str>::from);
        if let Some(bytes) = message.bytes(Field::MarshalledProperties)
            && let Ok(map) = Primitives::read(bytes)
        {
            properties.headers = neutral_map(&map);
        }
        if let Some(group) = text(Field::GroupId) {
            properties.headers.push((GROUP_ID.into(), Neutral::Str(group)));
            let sequence = i32::try_from(message.number(Field::GroupSequence)).unwrap_or_default();
            properties.headers.push((GROUP_SEQUENCE.into(), Neutral::I32(sequence)));
        }
        properties.correlation_id = message.text(Field::CorrelationId).map(|text| text.as_bytes().into());
        properties.kind = text(Field::Type);
        properties.user_id = text(Field::UserId);
        let timestamp_ms = u64::try_from(message.number(Field::Timestamp)).unwrap_or_default();
        properties.timestamp = (timestamp_ms > 0).then_some(timestamp_ms / 1_000);
        if let Some(id) = message.object(Field::MessageId).and_then(|id| message_id_text(id)) {
            properties.message_id = Some(id.into_bytes().into());
        }
        if let Some(destination) = message.object(Field::ReplyTo) {
            self.read_reply_to(destination, &mut properties);
        }
        properties.is_text = (form == BodyForm::Text as u8).then_some(true);
        properties
    }

    fn history(&self, _: &[u8]) -> History {
        History::default()
    }

    fn content<'a>(&self, head: &'a [u8], body: &'a [u8]) -> Option<Meaning<'a>> {
        let (form, message) = read_head(head)?;
        // What is compressed stays so (B10).
        if message.is(Field::Compressed) {
            return None;
        }
        let has_none = form == BodyForm::None as u8;
        Some(match message.kind() {
            Kind::Message => Meaning::Empty,
            Kind::BytesMessage => Meaning::Bytes(Cow::Borrowed(body)),
            Kind::TextMessage if has_none => Meaning::Text(Cow::Borrowed("")),
            Kind::TextMessage if form == BodyForm::Text as u8 => {
                Meaning::Text(Cow::Borrowed(std::str::from_utf8(body).ok()?))
            }
            Kind::MapMessage if has_none => Meaning::Map(Map::new()),
            Kind::MapMessage => {
                // Of a name that repeats the last value counts.
                let map: BTreeMap<_, _> = neutral_map(&Primitives::read(body).ok()?).into_iter().collect();
                Meaning::Map(map.into_iter().collect())
            }
            Kind::StreamMessage => {
                let values = Primitives::read_stream(body).ok()?;
                Meaning::Stream(values.iter().map(neutral).collect())
            }
            Kind::ObjectMessage => Meaning::Object(Cow::Borrowed(body)),
            _ => return None,
        })
    }

    fn edited(
        &self,
        head: &[u8],
        headers: &[(&str, Option<Neutral>)],
        new_id: Option<u64>,
    ) -> Option<Vec<u8>> {
        let (form, mut message) = read_head(head)?;
        let bytes = message.bytes(Field::MarshalledProperties).unwrap_or_default().to_vec();
        let mut map = Primitives::read(&bytes).unwrap_or_default();
        map.entries.retain(|(name, _)| !headers.iter().any(|(edited, _)| edited == name));
        for (name, value) in headers {
            map.entries.extend(value.as_ref().map(|value| (Cow::Borrowed(*name), primitive(value))));
        }
        message.set(Field::MarshalledProperties, Value::Bytes(Cow::Owned(map.to_bytes())));
        if let Some(number) = new_id {
            message.set(Field::MessageId, Value::Object(Arc::new(own_id(number))));
        }
        let (mut edited, _) = take_apart(message);
        *edited.get_mut(1)? = form;
        Some(edited)
    }

    fn without_ttl(&self, head: &[u8]) -> Option<Vec<u8>> {
        let (form, mut message) = read_head(head)?;
        if message.number(Field::Expiration) == 0 {
            return None;
        }
        message.set(Field::Expiration, Value::Long(0));
        let (mut without, _) = take_apart(message);
        *without.get_mut(1)? = form;
        Some(without)
    }
}

#[cfg(test)]
mod tests;
