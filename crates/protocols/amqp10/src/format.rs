//! Message heads in this encoding.
//!
//! ```text
//! kind u8 | length of lead u32 | lead | parts | footer
//! ```
//! The lead is what stands before the body: header, message annotations, properties and application properties, each as it
//! came; delivery annotations are for the next hop only and are not kept. Kind 0: the message's body is that of its data
//! sections, put together; the parts say how they were apart, `count u16 | count * (length u8, start of the section,
//! length of its data u32)`. Kind 1: the message's body is the encoded sections, and there are no parts.
//! So what was sent is sent on byte for byte, and who reads another encoding finds the bytes of the data.
//! Owns: what such a head means in neutral terms. Must not know: who reads it.

use std::sync::Arc;

use ternmq_broker::{LinkAddresses, ReplyPlace, ScheduleWords};
use ternmq_message::{
    Carriage, Carrier, Content, Encoding, Format, Headers as HeaderForm, History, JAVA_OBJECT,
    Map as NeutralMap, Properties, Value as Neutral,
};

use crate::{
    codec::{
        DecodeError, Map, Value, code,
        message::{BodyKind, Header, MessageProperties, Sections, map_of},
        read,
        write::{MapWriter, put_descriptor, put_string},
    },
    translate::put_neutral_value,
};

/// Number of this encoding in messages and on disk.
pub const ENCODING: Encoding = Encoding(4);

/// Text of any length.
const TEXT: Carriage = Carriage::Text { max_bytes: usize::MAX };

/// What sections carry.
pub const CARRIER: Carrier = Carrier {
    content_type: TEXT,
    content_encoding: TEXT,
    correlation_id: Carriage::Whole,
    reply_to: TEXT,
    reply_key: TEXT,
    message_id: Carriage::Whole,
    timestamp: Carriage::Whole,
    kind: TEXT,
    user_id: TEXT,
    app_id: TEXT,
    body_format: Carriage::Header,
    durability: Carriage::Whole,
    priority: Carriage::Whole,
    ttl: Carriage::Whole,
    headers: HeaderForm::Typed { name_max_bytes: usize::MAX },
};

/// What the type of a message is called whose body is sections of this encoding and not bytes (as RabbitMQ).
pub(crate) const ENCODED_BODY: &str = "amqp-1.0";

/// Annotations with a meaning of their own.
pub(crate) mod annotation {
    pub(crate) const COPIES: &str = "x-cc";
    pub(crate) const DEATHS: &str = "x-opt-deaths";
    /// What the message was sent to and what its answer goes to: one of the kinds of places below (JMS mapping).
    pub(crate) const DESTINATION: &str = "x-opt-jms-dest";
    pub(crate) const REPLY_TO: &str = "x-opt-jms-reply-to";
    pub(crate) const DELIVERY_CRON: &str = "x-opt-delivery-cron";
    pub(crate) const DELIVERY_DELAY: &str = "x-opt-delivery-delay";
    pub(crate) const DELIVERY_PERIOD: &str = "x-opt-delivery-period";
    pub(crate) const DELIVERY_REPEAT: &str = "x-opt-delivery-repeat";
    pub(crate) const DELIVERY_TIME: &str = "x-opt-delivery-time";
    /// What kind of message of JMS it is, by the numbers of [`kind`].
    pub(crate) const MESSAGE_KIND: &str = "x-opt-jms-msg-type";
    pub(crate) const EXCHANGE: &str = "x-exchange";
    pub(crate) const KEY: &str = "x-routing-key";
    pub(crate) const TYPE: &str = "x-basic-type";
    /// Start of the names that an application may choose.
    pub(crate) const OWN: &str = "x-";
    /// Start of those that nobody has to know.
    pub(crate) const OPTIONAL: &str = "x-opt-";
    /// Start of the names that stand for properties of AMQP 0-9-1.
    pub(crate) const BASIC: &str = "x-basic-";
}

/// Kinds of messages (JMS mapping).
pub(crate) mod kind {
    pub(crate) const PLAIN: i8 = 0;
    pub(crate) const OBJECT: i8 = 1;
    pub(crate) const MAP: i8 = 2;
    pub(crate) const BYTES: i8 = 3;
    pub(crate) const STREAM: i8 = 4;
    pub(crate) const TEXT: i8 = 5;
}

/// Kinds of places: queue, topic, and those of a connection, as capabilities of a node.
const PLACE_KINDS: [&[&str]; 4] = [&["queue"], &["topic"], &["temporary-queue"], &["temporary-topic"]];

/// What an annotation says that a place is.
pub(crate) fn capabilities_of(annotations: &Map<'_>, name: &str) -> &'static [&'static str] {
    let number = annotations.get(name).and_then(|value| value.as_i64());
    number.and_then(|number| PLACE_KINDS.get(usize::try_from(number).ok()?)).copied().unwrap_or_default()
}
/// What ids begin with that the broker gives to messages of clients.
const OWN_IDS: &str = "ID:scheduled:";

const DATA: u8 = 0;
const ENCODED: u8 = 1;

/// A head taken apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head<'a> {
    /// Sections before the body.
    pub lead: &'a [u8],
    /// How the body is cut into data sections; `None`: it is encoded sections.
    parts: Option<&'a [u8]>,
    /// Section behind the body.
    pub footer: &'a [u8],
}

impl<'a> Head<'a> {
    /// Reads a head; `None` when it is none.
    #[must_use]
    pub fn read(head: &'a [u8]) -> Option<Self> {
        let (kind, rest) = head.split_first()?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        let (lead, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        match *kind {
            ENCODED => Some(Self { lead, parts: None, footer: rest }),
            DATA => {
                let mut parts = Parts::of(rest)?;
                while parts.next().is_some() {}
                if parts.left > 0 {
                    return None;
                }
                let length = rest.len() - parts.rest.len();
                let (parts, footer) = rest.split_at_checked(length)?;
                Some(Self { lead, parts: Some(parts), footer })
            }
            _ => None,
        }
    }

    /// Appends the head of a message.
    pub fn write(sections: &Sections<'_>, out: &mut Vec<u8>) {
        let is_data = sections.body_kind == BodyKind::Data;
        out.push(if is_data { DATA } else { ENCODED });
        let lead = [
            sections.header,
            sections.message_annotations,
            sections.properties,
            sections.application_properties,
        ];
        // A message is never as long as 4 GiB.
        let length =
            u32::try_from(lead.iter().map(|section| section.len()).sum::<usize>()).unwrap_or(u32::MAX);
        out.extend_from_slice(&length.to_be_bytes());
        lead.iter().for_each(|section| out.extend_from_slice(section));
        if is_data {
            let count = u16::try_from(sections.data().count()).unwrap_or(u16::MAX);
            out.extend_from_slice(&count.to_be_bytes());
            for (start, data) in sections.data() {
                // A descriptor and a length: a symbol can make it long, but the specification's are short.
                out.push(u8::try_from(start.len()).unwrap_or(u8::MAX));
                out.extend_from_slice(start);
                out.extend_from_slice(&u32::try_from(data.len()).unwrap_or(u32::MAX).to_be_bytes());
            }
        }
        out.extend_from_slice(sections.footer);
    }

    /// Appends the sections of the body.
    pub fn put_body(&self, body: &[u8], out: &mut Vec<u8>) {
        let Some(parts) = self.parts.and_then(Parts::of) else {
            out.extend_from_slice(body);
            return;
        };
        let mut rest = body;
        for (start, length) in parts {
            let (data, next) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            out.extend_from_slice(start);
            out.extend_from_slice(data);
            rest = next;
        }
    }

    /// The body is sections of this encoding and not bytes.
    #[must_use]
    pub fn is_encoded(&self) -> bool {
        self.parts.is_none()
    }

    /// The sections of the lead; none when they can't be read.
    #[must_use]
    pub fn sections(&self) -> Sections<'a> {
        Sections::split_known(self.lead).unwrap_or_default()
    }
}

/// Starts and lengths of data sections.
struct Parts<'a> {
    left: u16,
    rest: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(bytes: &'a [u8]) -> Option<Self> {
        let (count, rest) = bytes.split_first_chunk::<2>()?;
        Some(Self { left: u16::from_be_bytes(*count), rest })
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = (&'a [u8], usize);

    fn next(&mut self) -> Option<Self::Item> {
        let left = self.left.checked_sub(1)?;
        let (length, rest) = self.rest.split_first()?;
        let (start, rest) = rest.split_at_checked(usize::from(*length))?;
        let (length, rest) = rest.split_first_chunk::<4>()?;
        (self.left, self.rest) = (left, rest);
        Some((start, u32::from_be_bytes(*length) as usize))
    }
}

/// A value in neutral terms. Symbols, chars and uuids become text, decimals their bytes, times seconds.
#[must_use]
pub fn neutral(value: &Value<'_>) -> Neutral {
    // The recursion is as deep as the value, which was checked to be at most MAX_DEPTH.
    match value {
        Value::Null => Neutral::Null,
        Value::Bool(truth) => Neutral::Bool(*truth),
        Value::Ubyte(number) => Neutral::U8(*number),
        Value::Ushort(number) => Neutral::U16(*number),
        Value::Uint(number) => Neutral::U32(*number),
        Value::Ulong(number) => Neutral::U64(*number),
        Value::Byte(number) => Neutral::I8(*number),
        Value::Short(number) => Neutral::I16(*number),
        Value::Int(number) => Neutral::I32(*number),
        Value::Long(number) => Neutral::I64(*number),
        Value::Float(number) => Neutral::F32(*number),
        Value::Double(number) => Neutral::F64(*number),
        Value::Decimal32(bytes) => Neutral::Bytes(bytes[..].into()),
        Value::Decimal64(bytes) => Neutral::Bytes(bytes[..].into()),
        Value::Decimal128(bytes) => Neutral::Bytes(bytes[..].into()),
        Value::Char(letter) => Neutral::Str(letter.to_string().into()),
        Value::Timestamp(ms) => Neutral::Timestamp(seconds(*ms)),
        Value::Uuid(id) => Neutral::Str(uuid_text(id).into()),
        Value::Binary(bytes) => Neutral::Bytes((*bytes).into()),
        Value::String(text) | Value::Symbol(text) => Neutral::str(text),
        Value::List(list) => Neutral::Array(list.iter().map(|item| neutral(&item)).collect()),
        Value::Array(array) => Neutral::Array(array.iter().map(|item| neutral(&item)).collect()),
        Value::Map(map) => Neutral::Map(neutral_map(map)),
        Value::Described(described) => described.value().map_or(Neutral::Null, |value| neutral(&value)),
    }
}

/// The pairs of a map whose keys are text, in neutral terms.
#[must_use]
pub fn neutral_map(map: &Map<'_>) -> NeutralMap {
    let pair = |(key, value): (Value<'_>, Value<'_>)| Some((Arc::from(key.as_text()?), neutral(&value)));
    map.iter().filter_map(pair).collect()
}

/// Whole seconds of ms since 1970; nothing was before.
fn seconds(ms: i64) -> u64 {
    u64::try_from(ms).unwrap_or_default() / 1_000
}

/// A uuid as its name (RFC 4122 3), as RabbitMQ has it in other protocols.
fn uuid_text(id: &[u8; 16]) -> String {
    let mut text = String::from("urn:uuid:");
    for (at, byte) in id.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        for digit in [byte >> 4, byte & 15] {
            text.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
        }
    }
    text
}

/// The uuid of such a name.
pub(crate) fn uuid_of(text: &str) -> Option<[u8; 16]> {
    let digits = text.strip_prefix("urn:uuid:")?;
    let mut id = [0; 16];
    let mut places = id.iter_mut();
    let mut hex = digits.bytes().enumerate();
    while let Some((at, high)) = hex.next() {
        if matches!(at, 8 | 13 | 18 | 23) {
            if high != b'-' {
                return None;
            }
            continue;
        }
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let (_, low) = hex.next()?;
        *places.next()? = digit(high)? << 4 | digit(low)?;
    }
    (digits.len() == 36 && places.next().is_none()).then_some(id)
}

/// An id of a message as bytes.
fn id_bytes(id: &Value<'_>) -> Option<Arc<[u8]>> {
    Some(match id {
        Value::String(text) => text.as_bytes().into(),
        Value::Binary(bytes) => (*bytes).into(),
        Value::Ulong(number) => number.to_string().as_bytes().into(),
        Value::Uuid(id) => uuid_text(id).as_bytes().into(),
        _ => return None,
    })
}

/// Whether an annotation is a header to those who read other encodings.
fn is_header(name: &str) -> bool {
    name.starts_with(annotation::OWN)
        && !name.starts_with(annotation::BASIC)
        && !matches!(name, annotation::COPIES | annotation::DEATHS | annotation::EXCHANGE | annotation::KEY)
}

/// A head with other sections before its body.
fn with_lead(head: &[u8], known: &Head<'_>, sections: &Sections<'_>) -> Option<Vec<u8>> {
    let mut written = head.get(..1)?.to_vec();
    let lead =
        [sections.header, sections.message_annotations, sections.properties, sections.application_properties]
            .concat();
    written.extend_from_slice(&u32::try_from(lead.len()).ok()?.to_be_bytes());
    written.extend_from_slice(&lead);
    written.extend_from_slice(head.get(5 + known.lead.len()..)?);
    Some(written)
}

/// Appends annotations without some of them; nothing when none is left.
fn copy_annotations(section: &[u8], out: &mut Vec<u8>, is_dropped: impl Fn(&str) -> bool) {
    let start = out.len();
    put_descriptor(out, code::MESSAGE_ANNOTATIONS);
    let mut map = MapWriter::start(out);
    for (key, pair) in map_of(section).raw_pairs() {
        if !key.as_text().is_some_and(&is_dropped) {
            map.pair(|out| out.extend_from_slice(pair));
        }
    }
    let is_empty = map.is_empty();
    map.end();
    if is_empty {
        out.truncate(start);
    }
}

/// What a body of other sections than data is. `told`: the kind of message that its producer says it is.
fn encoded_content(told: Option<i8>, body: &[u8]) -> Option<Content<'_>> {
    let sections = Sections::split(body).ok()?;
    let nothing = || match told {
        Some(kind::PLAIN) => Content::Empty,
        Some(kind::MAP) => Content::Map(NeutralMap::new()),
        Some(kind::STREAM) => Content::Stream(Vec::new()),
        Some(kind::TEXT) => Content::Text("".into()),
        _ => Content::Bytes(b"".into()),
    };
    Some(match sections.body_kind {
        BodyKind::None => nothing(),
        BodyKind::Data => return None,
        BodyKind::Sequences => Content::Stream(sections.items().iter().map(neutral).collect()),
        BodyKind::Value => match sections.value()? {
            Value::Null => nothing(),
            Value::String(text) => Content::Text(text.into()),
            Value::Binary(bytes) => Content::Bytes(bytes.into()),
            Value::Map(map) if map.iter().all(|(key, _)| matches!(key, Value::String(_))) => {
                Content::Map(neutral_map(&map))
            }
            Value::List(list) => Content::Stream(list.iter().map(|item| neutral(&item)).collect()),
            _ => return None,
        },
    })
}

/// The map that a remark is: annotations.
fn map_in(remark: &[u8]) -> Map<'_> {
    match read(remark) {
        Ok((Value::Map(map), _)) => map,
        _ => Map::default(),
    }
}

/// Appends two maps as one; a key that is in both has the value of the later one.
fn put_joined(earlier: Map<'_>, later: Map<'_>, out: &mut Vec<u8>) {
    let mut map = MapWriter::start(out);
    let is_replaced = |key: &Value<'_>| later.iter().any(|(other, _)| other == *key);
    let kept = earlier.raw_pairs().filter(|(key, _)| !is_replaced(key));
    for (_, pair) in kept.chain(later.raw_pairs()) {
        map.pair(|out| out.extend_from_slice(pair));
    }
    map.end();
}

/// The annotations of `modified` that become part of a message (AMQP 1.0 3.4.5), as a remark; `None` when there are none.
/// Those that say where the message goes are its producer's and the broker's alone: a receiver can't lead it elsewhere (S5).
pub(crate) fn remark_of(annotations: &Map<'_>) -> Option<Vec<u8>> {
    let mut remark = Vec::new();
    let mut map = MapWriter::start(&mut remark);
    for (key, pair) in annotations.raw_pairs() {
        let is_own = |name: &str| is_header(name) || !name.starts_with(annotation::OWN);
        if matches!(key, Value::Symbol(name) if is_own(name)) {
            map.pair(|out| out.extend_from_slice(pair));
        }
    }
    let is_empty = map.is_empty();
    map.end();
    (!is_empty).then_some(remark)
}

/// The header that an annotation stands for which schedules a message; a time of its own stands for a delay.
pub(crate) fn header_of(annotation: &str, words: &ScheduleWords) -> Option<&'static str> {
    match annotation {
        annotation::DELIVERY_DELAY | annotation::DELIVERY_TIME => Some(words.delay),
        annotation::DELIVERY_PERIOD => Some(words.period),
        annotation::DELIVERY_REPEAT => Some(words.repeats),
        annotation::DELIVERY_CRON => Some(words.calendar),
        _ => None,
    }
}

/// Reader of this encoding's heads. A reply address is shown as what it stands for.
#[derive(Clone)]
pub struct Amqp10Format {
    addresses: Arc<dyn LinkAddresses>,
}

impl Amqp10Format {
    /// For a dialect with these addresses.
    #[must_use]
    pub fn of(addresses: Arc<dyn LinkAddresses>) -> Self {
        Self { addresses }
    }

    fn read_properties(
        &self,
        section: &[u8],
        annotations: &Map<'_>,
        properties: &mut Properties,
    ) -> Result<(), DecodeError> {
        let known = MessageProperties::decode(section)?;
        let text = |text: Option<&str>| text.map(Arc::from);
        properties.message_id = known.message_id.as_ref().and_then(id_bytes);
        properties.correlation_id = known.correlation_id.as_ref().and_then(id_bytes);
        properties.user_id = text(known.user_id.and_then(|user| std::str::from_utf8(user).ok()));
        properties.content_type = text(known.content_type);
        properties.content_encoding = text(known.content_encoding);
        properties.timestamp = known.creation_time.map(seconds);
        properties.kind = text(known.subject.filter(|_| self.addresses.subject_is_type()));
        match (self.addresses.group_words(), text(known.group_id)) {
            (None, group) => properties.app_id = group,
            (Some(_), None) => {}
            (Some((group_name, number_name)), Some(group)) => {
                let number = known.group_sequence.unwrap_or_default().cast_signed();
                properties.headers.push((group_name.into(), Neutral::Str(group)));
                properties.headers.push((number_name.into(), Neutral::I32(number)));
            }
        }
        if let Some(address) = known.reply_to {
            match self.addresses.reply_place_of(address, capabilities_of(annotations, annotation::REPLY_TO)) {
                ReplyPlace::Queue(name) => properties.reply_to = Some(name.into()),
                ReplyPlace::Topic(key) => properties.reply_key = Some(key.into()),
                ReplyPlace::Address => properties.reply_to = Some(address.into()),
            }
        }
        Ok(())
    }
}

impl Format for Amqp10Format {
    fn properties(&self, head: &[u8]) -> Properties {
        let mut properties = Properties::default();
        let Some(head) = Head::read(head) else { return properties };
        let sections = head.sections();
        // What can't be read was refused when it came: the default is never seen.
        let annotations = map_of(sections.message_annotations);
        self.read_properties(sections.properties, &annotations, &mut properties).unwrap_or_default();
        if let Some(kind) = annotations.get(annotation::TYPE).and_then(|kind| kind.as_text()) {
            properties.kind = Some(kind.into());
        }
        if head.is_encoded() {
            properties.kind = Some(ENCODED_BODY.into());
        }
        for (key, value) in annotations.iter() {
            if let Some(name) = key.as_text().filter(|name| is_header(name)) {
                properties.headers.push((name.into(), neutral(&value)));
            }
        }
        properties.headers.extend(neutral_map(&map_of(sections.application_properties)));
        properties
    }

    fn history(&self, _: &[u8]) -> History {
        History::default()
    }

    fn content<'a>(&self, head: &'a [u8], body: &'a [u8]) -> Option<Content<'a>> {
        let known = Head::read(head)?;
        let sections = known.sections();
        let told = map_of(sections.message_annotations).get(annotation::MESSAGE_KIND);
        let told = told.and_then(|number| i8::try_from(number.as_i64()?).ok());
        if known.is_encoded() {
            return encoded_content(told, body);
        }
        let said = MessageProperties::decode(sections.properties).unwrap_or_default();
        match told {
            Some(kind::TEXT) => Some(Content::Text(std::str::from_utf8(body).ok()?.into())),
            Some(kind::BYTES) => Some(Content::Bytes(body.into())),
            Some(kind::OBJECT) => Some(Content::Object(body.into())),
            _ if said.content_type == Some(JAVA_OBJECT) => Some(Content::Object(body.into())),
            _ => None,
        }
    }

    fn says_encoding(&self, head: &[u8]) -> bool {
        Head::read(head).is_some_and(|known| known.is_encoded())
    }

    fn without_ttl(&self, head: &[u8]) -> Option<Vec<u8>> {
        let known = Head::read(head)?;
        let mut sections = known.sections();
        let header = Header::decode(sections.header).ok()?;
        header.ttl?;
        let mut section = Vec::new();
        Header { ttl: None, ..header }.put(&mut section);
        sections.header = &section;
        with_lead(head, &known, &sections)
    }

    fn edited(
        &self,
        head: &[u8],
        headers: &[(&str, Option<Neutral>)],
        new_id: Option<u64>,
    ) -> Option<Vec<u8>> {
        let known = Head::read(head)?;
        let mut sections = known.sections();
        let (mut properties, mut annotations, mut application) = (Vec::new(), Vec::new(), Vec::new());
        if let Some(number) = new_id {
            let mut said = MessageProperties::decode(sections.properties).ok()?;
            let id = format!("{OWN_IDS}{number}");
            said.message_id = said.message_id.map(|_| Value::String(&id));
            if !sections.properties.is_empty() {
                said.put(&mut properties);
                sections.properties = &properties;
            }
        }
        let is_edited = |name: &str| headers.iter().any(|(edited, _)| *edited == name);
        let words = self.addresses.schedule_words();
        let is_dropped = |name: &str| header_of(name, words?).map(is_edited);
        copy_annotations(sections.message_annotations, &mut annotations, |name| {
            is_dropped(name) == Some(true)
        });
        sections.message_annotations = &annotations;
        put_descriptor(&mut application, code::APPLICATION_PROPERTIES);
        let mut map = MapWriter::start(&mut application);
        let kept = map_of(sections.application_properties).raw_pairs();
        for (_, pair) in kept.filter(|(key, _)| !key.as_text().is_some_and(is_edited)) {
            map.pair(|out| out.extend_from_slice(pair));
        }
        for (name, value) in headers.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
            map.pair(|out| {
                put_string(out, name);
                put_neutral_value(value, 1, out);
            });
        }
        map.end();
        sections.application_properties = &application;
        with_lead(head, &known, &sections)
    }

    fn remarked(&self, head: &[u8], remark: &[u8]) -> Option<Vec<u8>> {
        let known = Head::read(head)?;
        let mut sections = known.sections();
        let mut annotations = Vec::new();
        put_descriptor(&mut annotations, code::MESSAGE_ANNOTATIONS);
        put_joined(map_of(sections.message_annotations), map_in(remark), &mut annotations);
        sections.message_annotations = &annotations;
        with_lead(head, &known, &sections)
    }

    fn joined_remarks(&self, earlier: &[u8], later: &[u8]) -> Vec<u8> {
        let mut joined = Vec::new();
        put_joined(map_in(earlier), map_in(later), &mut joined);
        joined
    }

    fn remark_headers(&self, remark: &[u8]) -> NeutralMap {
        // Other names may mean something there, as one that a dead-letter route is led by.
        let mut headers = neutral_map(&map_in(remark));
        headers.retain(|(name, _)| name.starts_with(annotation::OPTIONAL));
        headers
    }

    fn given_kind(&self, head: &[u8]) -> Option<Arc<str>> {
        // A body that others get as it is encoded has that for its type.
        let known = Head::read(head).filter(Head::is_encoded)?;
        let sections = known.sections();
        let told = MessageProperties::decode(sections.properties).ok()?.subject;
        told.filter(|_| self.addresses.subject_is_type()).map(Arc::from)
    }

    fn extra_keys(&self, head: &[u8]) -> Vec<Arc<str>> {
        let Some(head) = Head::read(head) else { return Vec::new() };
        copies(head.sections().message_annotations).unwrap_or_default()
    }
}

/// Further keys that a message names in its annotations; `Err` when these are no texts.
pub(crate) fn copies(message_annotations: &[u8]) -> Result<Vec<Arc<str>>, ()> {
    let text = |value: Value<'_>| match value {
        Value::String(text) => Ok(Arc::from(text)),
        _ => Err(()),
    };
    match map_of(message_annotations).get(annotation::COPIES) {
        None => Ok(Vec::new()),
        Some(Value::List(list)) => list.iter().map(text).collect(),
        Some(Value::Array(array)) => array.iter().map(text).collect(),
        Some(_) => Err(()),
    }
}

#[cfg(test)]
mod tests;
