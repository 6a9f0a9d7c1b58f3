//! Frames to commands and messages to frames: what a SEND says that the core acts on, and the headers of a MESSAGE.

use std::borrow::Cow;

use smallvec::SmallVec;
use ternmq_broker::{AddressOptions, Addresses, Broker, Deliver, HeaderWords};
use ternmq_message::{Group, Map, Properties, Property, Value};

use crate::{
    codec::{Escapes, FrameWriter, Headers, push_escaped, shown},
    error::Fault,
    format::{CARRIER, ENCODING, headers_of, is_expiry, name},
};

/// Longest time to live of a message: ten years.
const MAX_EXPIRATION_MS: u64 = 315_360_000_000;

/// Headers of a frame as options beside an address.
pub(crate) struct FrameOptions<'a>(pub(crate) Headers<'a>);

impl AddressOptions for FrameOptions<'_> {
    fn option(&self, name: &str) -> Option<Cow<'_, str>> {
        self.0.get(name)
    }

    fn find_name(&self, is_meant: &dyn Fn(&str) -> bool) -> Option<Cow<'_, str>> {
        self.0.raw().map(|(name, _)| self.0.meant(name)).find(|name| is_meant(name))
    }
}

/// Whether a header says yes; some Python clients write it with a capital letter.
pub(crate) fn is_true(value: Option<&str>) -> bool {
    matches!(value, Some("true" | "True"))
}

/// What a SEND says, read in one pass.
#[derive(Default)]
pub(crate) struct SendHeaders<'a> {
    pub(crate) destination: Option<Cow<'a, str>>,
    pub(crate) receipt: Option<Cow<'a, str>>,
    pub(crate) transaction: Option<Cow<'a, str>>,
    pub(crate) reply_to: Option<Cow<'a, str>>,
    pub(crate) user_id: Option<Cow<'a, str>>,
    pub(crate) is_durable: bool,
    pub(crate) priority: u8,
    pub(crate) ttl_ms: Option<u64>,
    pub(crate) is_retained: bool,
    group: Option<Cow<'a, str>>,
    group_number: i64,
    /// Headers that say when it is sent.
    pub(crate) scheduling: Map,
    /// Time of expiry and of the message as the client says them, in ms since 1970; 0: never, not said.
    expires_at_ms: u64,
    stamp_ms: u64,
}

/// What the reading of a SEND depends on.
#[derive(Clone, Copy)]
pub(crate) struct Writer {
    pub(crate) words: &'static HeaderWords,
    /// Now, in ms since 1970.
    pub(crate) now_ms: u64,
}

/// Who gets a MESSAGE.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) addresses: &'a dyn Addresses,
    pub(crate) words: &'static HeaderWords,
    /// Text that stands for its connection in addresses.
    pub(crate) owner: &'a str,
}

fn bad_value(name: &str, what: &str) -> Fault {
    Fault::new("Invalid header", format!("'{name}' has to be {what}\n"))
}

fn read_priority(value: &str, most: u8) -> Result<u8, Fault> {
    // Numbers past what there is are as high as there is.
    let number: u64 =
        value.trim().parse().map_err(|_| bad_value(name::PRIORITY, &format!("a number from 0 to {most}")))?;
    Ok(u8::try_from(number).unwrap_or(u8::MAX).min(most))
}

fn read_time(name: &str, value: &str) -> Result<u64, Fault> {
    value.trim().parse().map_err(|_| bad_value(name, "a time in milliseconds since 1970"))
}

fn read_expiration(value: &str) -> Result<u64, Fault> {
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    let why = match value.parse() {
        Ok(ms) if is_number && ms <= MAX_EXPIRATION_MS => return Ok(ms),
        _ if is_number => "value_too_large",
        _ => "no_integer",
    };
    let text = format!("invalid expiration '{}': {why}", shown(value));
    Err(Fault::coded("precondition_failed", text))
}

impl<'a> SendHeaders<'a> {
    /// Reads the headers and writes those that the message keeps into `head`: see [`mod@crate::format`].
    pub(crate) fn read(headers: Headers<'a>, writer: Writer, head: &mut Vec<u8>) -> Result<Self, Fault> {
        let words = writer.words;
        let mut read = Self { priority: words.priorities.0, ..Self::default() };
        let is_verbatim = headers.escapes() == Escapes::Full;
        let mut seen: SmallVec<[&str; 16]> = SmallVec::new();
        for (raw_name, raw_value) in headers.raw() {
            // The first header of a name counts (STOMP 1.2 "Repeated Header Entries").
            if seen.contains(&raw_name) {
                continue;
            }
            seen.push(raw_name);
            let (name, value) = (headers.meant(raw_name), headers.meant(raw_value));
            if read.take(&name, value.clone(), words)? {
                continue;
            }
            if is_verbatim {
                head.extend_from_slice(raw_name.as_bytes());
                head.push(b':');
                head.extend_from_slice(raw_value.as_bytes());
            } else {
                push_escaped(head, &name, Escapes::Full);
                head.push(b':');
                push_escaped(head, &value, Escapes::Full);
            }
            head.push(b'\n');
        }
        if words.tells_all {
            read.tell_all(writer, head);
        }
        Ok(read)
    }

    /// The group that the message belongs to.
    pub(crate) fn group(&self) -> Option<Group> {
        self.group.as_ref().map(|name| Group::numbered(name, self.group_number))
    }

    /// Writes what every message is told: a reader's lines are these.
    fn tell_all(&mut self, Writer { words, now_ms }: Writer, head: &mut Vec<u8>) {
        if self.expires_at_ms > 0 {
            self.ttl_ms = Some(self.expires_at_ms.saturating_sub(now_ms).min(MAX_EXPIRATION_MS));
        }
        let stamp_ms = if self.stamp_ms > 0 { self.stamp_ms } else { now_ms };
        if let Some(expires_at) = words.expires_at {
            push_line(head, expires_at, &self.expires_at_ms.to_string());
        }
        push_line(head, name::PRIORITY, &self.priority.to_string());
        push_line(head, name::TIMESTAMP, &stamp_ms.to_string());
    }

    /// Takes note of a header. Answers whether the message goes on without it.
    fn take(&mut self, name: &str, value: Cow<'a, str>, words: &HeaderWords) -> Result<bool, Fault> {
        match name {
            name::DESTINATION => self.destination = Some(value),
            name::RECEIPT => self.receipt = Some(value),
            name::TRANSACTION => self.transaction = Some(value),
            name::CONTENT_LENGTH => {}
            _ if words.dropped.contains(&name) => {}
            name::MESSAGE_ID => {
                let text = "'message-id' is not allowed on 'SEND'.\n";
                return Err(Fault::new("Invalid header", text.to_owned()));
            }
            // Written anew when it leaves, as it may name a queue that only the broker knows.
            name::REPLY_TO => self.reply_to = Some(value),
            name::PERSISTENT => {
                self.is_durable = is_true(Some(&value));
                return Ok(false);
            }
            name::PRIORITY => {
                self.priority = read_priority(&value, words.priorities.1)?;
                return Ok(words.tells_all);
            }
            name::TIMESTAMP if words.tells_all => self.stamp_ms = read_time(name, &value)?,
            name::TIMESTAMP => {
                crate::format::number(&value)
                    .ok_or_else(|| bad_value(name::TIMESTAMP, "a whole number of seconds"))?;
                return Ok(false);
            }
            _ if words.expires_at == Some(name) => self.expires_at_ms = read_time(name, &value)?,
            _ => {
                self.note(name, value, words)?;
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Takes note of a header that the message keeps.
    fn note(&mut self, name: &str, value: Cow<'a, str>, words: &HeaderWords) -> Result<(), Fault> {
        if words.ttl == Some(name) {
            self.ttl_ms = Some(read_expiration(&value)?);
        } else if words.claimed_user == Some(name) {
            self.user_id = Some(value);
        } else if words.retain == Some(name) {
            self.is_retained = is_true(Some(&value));
        } else if words.group.is_some_and(|(group, _)| group == name) {
            self.group = Some(value).filter(|group| !group.is_empty());
        } else if words.group.is_some_and(|(_, number)| number == name) {
            self.group_number = value.trim().parse().map_err(|_| bad_value(name, "a whole number"))?;
        } else if words.schedule.is_some_and(|words| words.is_one(name)) {
            self.scheduling.push((name.into(), Value::str(&value)));
        } else if words.refused.contains(&name) {
            return Err(Fault::coded("not_implemented", format!("'{name}': not available")));
        }
        Ok(())
    }
}

/// Appends one line to a head.
pub(crate) fn push_line(head: &mut Vec<u8>, name: &str, value: &str) {
    push_escaped(head, name, Escapes::Full);
    head.push(b':');
    push_escaped(head, value, Escapes::Full);
    head.push(b'\n');
}

/// Whether a header of the message would be taken for one of the broker's in a MESSAGE.
fn is_ours(name: &str) -> bool {
    matches!(
        name,
        name::SUBSCRIPTION
            | name::DESTINATION
            | name::MESSAGE_ID
            | name::REDELIVERED
            | name::ACK
            | name::CONTENT_LENGTH
    )
}

/// Writes the headers of a message, whatever encoding it came in.
pub(crate) fn write_properties(
    broker: &Broker,
    reader: &Reader<'_>,
    deliver: &Deliver,
    escapes: Escapes,
    frame: &mut FrameWriter<'_>,
) {
    let message = &deliver.message;
    let dialect = broker.dialect();
    let deaths = message.history().map_or_else(Map::new, |history| dialect.history_headers(history));
    if message.meta().encoding == ENCODING {
        write_lines(reader, deliver, escapes, &deaths, frame);
    } else if let Some(format) = broker.formats().get(message.meta().encoding) {
        let properties = CARRIER.fit(format.properties(message.head()), message.meta());
        write_neutral(reader, dialect.topic_node(), deliver, &properties, &deaths, frame);
    }
    for (name, value) in &deaths {
        frame.header(name, value.as_str().unwrap_or_default());
    }
    // Told once there is something to tell.
    if let (Some(name), Some(count)) =
        (reader.words.failed_count, deliver.failed_count.filter(|count| *count > 0))
    {
        frame.number(name, count.into());
    }
    if let Some(name) = reader.words.group_first.filter(|_| deliver.is_group_first) {
        frame.header(name, "true");
    }
}

/// Whether the broker tells of a message's deaths under this name.
fn is_told(deaths: &Map, name: &str) -> bool {
    deaths.iter().any(|(known, _)| &**known == name)
}

/// Header lines as they are kept: copied when the reader's version has the same escapes or there is none.
fn write_lines(
    Reader { addresses, words, owner }: &Reader<'_>,
    deliver: &Deliver,
    escapes: Escapes,
    deaths: &Map,
    frame: &mut FrameWriter<'_>,
) {
    let message = &deliver.message;
    let head = message.head();
    // One that was sent later than it was made lives as long as it would have.
    let expires_at_ms = deliver.expires_at_ms.unwrap_or_default();
    let is_earlier =
        |value: &str| crate::format::number(value).is_some_and(|at_ms| at_ms > 0 && at_ms < expires_at_ms);
    let headers = headers_of(head);
    let is_plain = escapes == Escapes::Full || headers.is_plain();
    for (raw_name, raw_value) in headers.raw() {
        match raw_name {
            raw if is_ours(raw) || is_told(deaths, raw) => {}
            name::REPLY_TO => {
                frame.header(name::REPLY_TO, &addresses.reply_address(&headers.meant(raw_value), owner));
            }
            name if words.expires_at == Some(name) && is_earlier(raw_value) => {
                frame.number(name, expires_at_ms);
            }
            // Only what is so is told (as RabbitMQ).
            name::PERSISTENT if !message.meta().is_durable => {}
            _ if is_plain => {
                frame.raw(raw_name.as_bytes()).raw(b":").raw(raw_value.as_bytes()).raw(b"\n");
            }
            _ => {
                frame.header(&headers.meant(raw_name), &headers.meant(raw_value));
            }
        }
    }
}

/// A message of another protocol, with the properties that header lines carry.
fn write_neutral(
    Reader { addresses, words, owner }: &Reader<'_>,
    topic_node: &str,
    deliver: &Deliver,
    properties: &Properties,
    deaths: &Map,
    frame: &mut FrameWriter<'_>,
) {
    // One address says where an answer goes: the queue's, or else the topic's.
    let topic = properties.reply_key.as_deref();
    let reply_to = match (properties.reply_to.as_deref(), topic) {
        (Some(queue), _) => Some(addresses.reply_address(queue, owner)),
        (None, Some(key)) => Some(Cow::Owned(addresses.address_of(topic_node, key, owner))),
        (None, None) => None,
    };
    let second = topic.filter(|_| properties.reply_to.is_some());
    let texts = [
        (name::CONTENT_TYPE, properties.content_type.as_deref()),
        (name::CONTENT_ENCODING, properties.content_encoding.as_deref()),
        (name::REPLY_TO, reply_to.as_deref()),
        (name::TYPE, properties.kind.as_deref()),
        (name::USER_ID, properties.user_id.as_deref()),
        (name::APP_ID, properties.app_id.as_deref()),
        (Property::ReplyKey.header(), second),
    ];
    for (name, value) in texts {
        if let Some(value) = value {
            frame.header(name, value);
        }
    }
    for (name, id) in
        [(name::CORRELATION_ID, &properties.correlation_id), (name::AMQP_MESSAGE_ID, &properties.message_id)]
    {
        // What is no text has become a header or is left out.
        if let Some(id) = id {
            frame.header(name, std::str::from_utf8(id).unwrap_or_default());
        }
    }
    if let Some(seconds) = properties.timestamp {
        frame.number(name::TIMESTAMP, seconds.saturating_mul(if words.tells_all { 1_000 } else { 1 }));
    }
    write_facts(words, deliver, frame);
    for (name, value) in &properties.headers {
        if is_ours(name) || is_property(words, name) || is_told(deaths, name) {
            continue;
        }
        frame.header(name, value.as_str().unwrap_or_default());
    }
}

/// Writes what the core knows of a message of another protocol.
fn write_facts(words: &HeaderWords, deliver: &Deliver, frame: &mut FrameWriter<'_>) {
    let meta = deliver.message.meta();
    if meta.is_durable {
        frame.header(name::PERSISTENT, "true");
    }
    // Other protocols have 0 where nothing was said.
    let priority = if meta.priority > 0 { meta.priority } else { words.priorities.0 };
    if priority > 0 {
        frame.number(name::PRIORITY, priority.into());
    }
    if let (Some(name), Some(ttl_ms)) = (words.ttl, meta.ttl_ms) {
        frame.number(name, ttl_ms);
    }
    if let Some(name) = words.expires_at {
        frame.number(name, deliver.expires_at_ms.unwrap_or_default());
    }
}

/// Whether a header has the name of a property: the property counts.
fn is_property(words: &HeaderWords, header: &str) -> bool {
    if is_expiry(words, header) {
        return true;
    }
    matches!(
        header,
        name::CONTENT_TYPE
            | name::CONTENT_ENCODING
            | name::REPLY_TO
            | name::AMQP_MESSAGE_ID
            | name::TYPE
            | name::USER_ID
            | name::APP_ID
            | name::CORRELATION_ID
            | name::TIMESTAMP
            | name::PERSISTENT
            | name::PRIORITY
    )
}
