//! Message heads in this encoding: read into neutral terms, made from them, and changed on the way.
//!
//! A head is the *properties* of a content header (flags and property list) as the producer sent them; no bytes at
//! all mean no properties.
//! Owns: the conversions between field tables and neutral values, the `x-death` headers, edits of single headers.
//! Must not know: when a head is changed; the session and the broker decide that.
//!
//! Invariant: an edit leaves every byte that it does not mean to change as it was (I2).

use std::{borrow::Cow, sync::Arc};

use ternmq_message::{
    Carriage, Carrier, Death, DeathReason, Decimal, Format, Headers, History, Map, MessageMeta, Properties,
    Value,
};

use crate::codec::{
    Array, ArrayBuf, BasicProperties, FieldValue, Malformed, Scan, Table, TableBuf,
    properties::{with_headers, without_expiration},
    table::{DEPTH_MAX, ENTRIES_MAX},
    wire::SHORT_STRING_MAX_BYTES,
};

/// Header with further keys that a message is routed by.
pub(crate) const COPIES: &str = "CC";
/// As [`COPIES`], but taken off before anybody sees it.
pub(crate) const BLIND_COPIES: &str = "BCC";
/// Header with the dead-letter history: an array of one table for each queue and reason, most recent first.
pub const X_DEATH: &str = "x-death";
/// Header with the node of the first death.
pub const X_FIRST_DEATH_EXCHANGE: &str = "x-first-death-exchange";
/// Header with the queue of the first death.
pub const X_FIRST_DEATH_QUEUE: &str = "x-first-death-queue";
/// Header with the reason of the first death.
pub const X_FIRST_DEATH_REASON: &str = "x-first-death-reason";
/// Header with the node of the last death.
pub const X_LAST_DEATH_EXCHANGE: &str = "x-last-death-exchange";
/// Header with the queue of the last death.
pub const X_LAST_DEATH_QUEUE: &str = "x-last-death-queue";
/// Header with the reason of the last death.
pub const X_LAST_DEATH_REASON: &str = "x-last-death-reason";

const HISTORY_HEADERS: [&str; 7] = [
    X_DEATH,
    X_FIRST_DEATH_EXCHANGE,
    X_FIRST_DEATH_QUEUE,
    X_FIRST_DEATH_REASON,
    X_LAST_DEATH_EXCHANGE,
    X_LAST_DEATH_QUEUE,
    X_LAST_DEATH_REASON,
];

/// A short string. Clients take it for UTF-8, whatever the specification says of the ids.
const SHORT: Carriage = Carriage::Text { max_bytes: SHORT_STRING_MAX_BYTES };

/// What a content header carries.
pub const CARRIER: Carrier = Carrier {
    content_type: SHORT,
    content_encoding: SHORT,
    correlation_id: SHORT,
    reply_to: SHORT,
    reply_key: Carriage::Header,
    message_id: SHORT,
    timestamp: Carriage::Whole,
    kind: SHORT,
    user_id: SHORT,
    app_id: SHORT,
    body_format: Carriage::Header,
    durability: Carriage::Whole,
    priority: Carriage::Whole,
    ttl: Carriage::Whole,
    headers: Headers::Typed { name_max_bytes: SHORT_STRING_MAX_BYTES },
};

/// Delivery mode of a message that survives a restart.
const PERSISTENT: u8 = 2;
/// Delivery mode of a message that does not.
const TRANSIENT: u8 = 1;

/// Reader of this encoding's heads.
#[derive(Clone, Copy, Debug, Default)]
pub struct Amqp091Format;

impl Format for Amqp091Format {
    fn properties(&self, head: &[u8]) -> Properties {
        BasicProperties::decode(head).map(neutral_properties).unwrap_or_default()
    }

    fn history(&self, head: &[u8]) -> History {
        match Scan::new(head) {
            Ok(Scan { headers: Some(headers), .. }) => history_from_headers(headers),
            _ => History::default(),
        }
    }

    fn without_ttl(&self, head: &[u8]) -> Option<Vec<u8>> {
        Scan::new(head).ok()?.expiration?;
        without_expiration(head).ok()
    }

    fn with_headers(&self, head: &[u8], added: &Map) -> Option<Vec<u8>> {
        let is_fit = |name: &str| name.len() <= SHORT_STRING_MAX_BYTES;
        let mut changed = TableBuf::new();
        let known = headers(head);
        let kept = known.entries().filter(|(name, _)| !added.iter().any(|(other, _)| &**other == *name));
        let mut room = ENTRIES_MAX as usize;
        for (_, entry) in kept {
            changed.push_entry(entry);
            room = room.saturating_sub(1);
        }
        for (name, value) in added.iter().filter(|(name, _)| is_fit(name)).take(room) {
            push_value(&mut changed, name, value);
        }
        with_headers(head, Some(changed.as_table())).ok()
    }

    fn extra_keys(&self, head: &[u8]) -> Vec<Arc<str>> {
        match Scan::new(head) {
            Ok(Scan { headers: Some(headers), copies, .. }) if copies.has_cc => match headers.get(COPIES) {
                Some(FieldValue::Array(keys)) => texts(keys).collect(),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    fn without_extra_keys(&self, head: &[u8]) -> Option<Vec<u8>> {
        if !Scan::new(head).ok()?.copies.has_cc {
            return None;
        }
        Some(head_without_header(head, COPIES).into_owned())
    }
}

/// The keys in a list of them; what is no text is no key (as RabbitMQ).
pub(crate) fn texts(keys: Array<'_>) -> impl Iterator<Item = Arc<str>> {
    keys.into_iter().filter_map(|key| key.as_text().map(Arc::from))
}

fn neutral_properties(from: BasicProperties<'_>) -> Properties {
    let text = |text: Option<&str>| text.map(Arc::from);
    Properties {
        content_type: text(from.content_type),
        content_encoding: text(from.content_encoding),
        headers: from.headers.map(map_from_table).unwrap_or_default(),
        correlation_id: from.correlation_id.map(Arc::from),
        reply_to: text(from.reply_to),
        message_id: from.message_id.map(Arc::from),
        timestamp: from.timestamp,
        kind: text(from.kind),
        user_id: text(from.user_id),
        app_id: text(from.app_id),
        ..Properties::default()
    }
}

/// Head for a message that came in another encoding, as far as a content header carries it.
#[must_use]
pub fn head_of_foreign(properties: Properties, meta: &MessageMeta) -> Vec<u8> {
    head_from_properties(&CARRIER.fit(properties, meta), meta)
}

/// Head with these properties; what is longer than its place is cut.
#[must_use]
pub fn head_from_properties(properties: &Properties, meta: &MessageMeta) -> Vec<u8> {
    let headers = table_from_map(&properties.headers);
    let expiration = meta.ttl_ms.map(|ttl_ms| ttl_ms.to_string());
    let mut head = Vec::new();
    BasicProperties {
        content_type: properties.content_type.as_deref(),
        content_encoding: properties.content_encoding.as_deref(),
        headers: (!properties.headers.is_empty()).then(|| headers.as_table()),
        delivery_mode: Some(if meta.is_durable { PERSISTENT } else { TRANSIENT }),
        priority: (meta.priority > 0).then_some(meta.priority),
        correlation_id: properties.correlation_id.as_deref(),
        reply_to: properties.reply_to.as_deref(),
        expiration: expiration.as_deref(),
        message_id: properties.message_id.as_deref(),
        timestamp: properties.timestamp,
        kind: properties.kind.as_deref(),
        user_id: properties.user_id.as_deref(),
        app_id: properties.app_id.as_deref(),
        cluster_id: None,
    }
    .encode(&mut head);
    head
}

// --- values ---

/// A field value in neutral terms. Long strings that are UTF-8 become text.
#[must_use]
pub fn value_from_field(field: FieldValue<'_>) -> Value {
    // the recursion is as deep as the table, which was checked to be at most DEPTH_MAX
    match field {
        FieldValue::Bool(truth) => Value::Bool(truth),
        FieldValue::I8(number) => Value::I8(number),
        FieldValue::U8(number) => Value::U8(number),
        FieldValue::I16(number) => Value::I16(number),
        FieldValue::U16(number) => Value::U16(number),
        FieldValue::I32(number) => Value::I32(number),
        FieldValue::U32(number) => Value::U32(number),
        FieldValue::I64(number) => Value::I64(number),
        FieldValue::F32(number) => Value::F32(number),
        FieldValue::F64(number) => Value::F64(number),
        FieldValue::Decimal { scale, unscaled } => Value::Decimal(Decimal { scale, unscaled }),
        FieldValue::LongString(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Value::str(text),
            Err(_) => Value::Bytes(Arc::from(bytes)),
        },
        FieldValue::Array(array) => Value::Array(array.iter().map(value_from_field).collect()),
        FieldValue::Timestamp(seconds) => Value::Timestamp(seconds),
        FieldValue::Table(table) => Value::Map(map_from_table(table)),
        FieldValue::Void => Value::Null,
        FieldValue::Bytes(bytes) => Value::Bytes(Arc::from(bytes)),
    }
}

/// A table in neutral terms.
#[must_use]
pub fn map_from_table(table: Table<'_>) -> Map {
    table.iter().map(|(name, field)| (Arc::from(name), value_from_field(field))).collect()
}

/// Neutral named values as a table. What a table may not hold is left out, so that the result is always one that
/// a peer accepts: entries past [`ENTRIES_MAX`], and values nested deeper than [`DEPTH_MAX`] (void in their place).
#[must_use]
pub fn table_from_map(map: &Map) -> TableBuf {
    table_at(map, 1)
}

/// Appends a neutral value to a table, under the same limits as [`table_from_map`].
pub fn push_value(table: &mut TableBuf, name: &str, value: &Value) {
    with_field(value, 1, &mut |field| {
        table.push(name, field);
    });
}

fn table_at(map: &Map, depth: u32) -> TableBuf {
    let mut table = TableBuf::new();
    for (name, value) in map.iter().take(ENTRIES_MAX as usize) {
        with_field(value, depth, &mut |field| {
            table.push(name, field);
        });
    }
    table
}

fn array_at(values: &[Value], depth: u32) -> ArrayBuf {
    let mut array = ArrayBuf::new();
    for value in values.iter().take(ENTRIES_MAX as usize) {
        with_field(value, depth, &mut |field| {
            array.push(field);
        });
    }
    array
}

/// Shows `put` the value, which stands in a table or array at `depth`, as a field value.
fn with_field(value: &Value, depth: u32, put: &mut dyn FnMut(FieldValue<'_>)) {
    let is_too_deep = depth >= DEPTH_MAX;
    match value {
        Value::Array(_) | Value::Map(_) if is_too_deep => put(FieldValue::Void),
        Value::Array(values) => put(FieldValue::Array(array_at(values, depth + 1).as_array())),
        Value::Map(map) => put(FieldValue::Table(table_at(map, depth + 1).as_table())),
        Value::U64(number) => match i64::try_from(*number) {
            Ok(number) => put(FieldValue::I64(number)),
            // there is no unsigned 64-bit type on this wire; digits lose nothing
            Err(_) => put(FieldValue::text(&number.to_string())),
        },
        Value::Null => put(FieldValue::Void),
        Value::Bool(truth) => put(FieldValue::Bool(*truth)),
        Value::I8(number) => put(FieldValue::I8(*number)),
        Value::U8(number) => put(FieldValue::U8(*number)),
        Value::I16(number) => put(FieldValue::I16(*number)),
        Value::U16(number) => put(FieldValue::U16(*number)),
        Value::I32(number) => put(FieldValue::I32(*number)),
        Value::U32(number) => put(FieldValue::U32(*number)),
        Value::I64(number) => put(FieldValue::I64(*number)),
        Value::F32(number) => put(FieldValue::F32(*number)),
        Value::F64(number) => put(FieldValue::F64(*number)),
        Value::Decimal(Decimal { scale, unscaled }) => {
            put(FieldValue::Decimal { scale: *scale, unscaled: *unscaled });
        }
        Value::Timestamp(seconds) => put(FieldValue::Timestamp(*seconds)),
        Value::Str(text) => put(FieldValue::text(text)),
        Value::Bytes(bytes) => put(FieldValue::Bytes(bytes)),
    }
}

// --- single headers ---

/// The headers of a head; the empty table when it has none or can't be read.
#[must_use]
pub fn headers(head: &[u8]) -> Table<'_> {
    Scan::new(head).ok().and_then(|scan| scan.headers).unwrap_or_default()
}

/// The head with one header set: in the place of the first of that name, others of that name taken off, or at
/// the end.
#[must_use]
pub fn head_with_header<'a>(head: &'a [u8], name: &str, value: FieldValue<'_>) -> Cow<'a, [u8]> {
    let mut changed = TableBuf::new();
    let mut is_set = false;
    for (known, entry) in headers(head).entries() {
        if known != name {
            changed.push_entry(entry);
        } else if !is_set {
            changed.push(name, value);
            is_set = true;
        }
    }
    if !is_set {
        changed.push(name, value);
    }
    edited(head, with_headers(head, Some(changed.as_table())))
}

/// The head without any header of this name. The header table stays, even when nothing else is in it.
#[must_use]
pub fn head_without_header<'a>(head: &'a [u8], name: &str) -> Cow<'a, [u8]> {
    let known = headers(head);
    if known.get(name).is_none() {
        return Cow::Borrowed(head);
    }
    let mut changed = TableBuf::new();
    for (_, entry) in known.entries().filter(|(known, _)| *known != name) {
        changed.push_entry(entry);
    }
    edited(head, with_headers(head, Some(changed.as_table())))
}

/// A head that can't be read stays as it is: it was checked when it came in, so this is never seen.
fn edited(head: &[u8], changed: Result<Vec<u8>, Malformed>) -> Cow<'_, [u8]> {
    changed.map_or(Cow::Borrowed(head), Cow::Owned)
}

// --- dead-letter history ---

/// Reads the history that headers carry. Entries without a queue or with an unknown reason are left out.
#[must_use]
pub fn history_from_headers(headers: Table<'_>) -> History {
    let deaths = match headers.get(X_DEATH) {
        Some(FieldValue::Array(deaths)) => deaths.iter().filter_map(read_death).collect(),
        _ => Vec::new(),
    };
    History { deaths, first: read_first(headers), ..History::default() }
}

fn read_first(headers: Table<'_>) -> Option<(Arc<str>, DeathReason, Arc<str>)> {
    let text = |name: &str| headers.get(name).and_then(|value| value.as_text());
    let reason = DeathReason::from_word(text(X_FIRST_DEATH_REASON)?)?;
    let node = text(X_FIRST_DEATH_EXCHANGE).unwrap_or_default();
    Some((text(X_FIRST_DEATH_QUEUE)?.into(), reason, node.into()))
}

fn read_death(value: FieldValue<'_>) -> Option<Death> {
    let FieldValue::Table(death) = value else { return None };
    let text = |name: &str| death.get(name).and_then(|value| value.as_text());
    let count = death.get("count").and_then(|count| count.as_i64()).unwrap_or(1);
    let keys = match death.get("routing-keys") {
        Some(FieldValue::Array(keys)) => keys.iter().filter_map(|key| key.as_text().map(Arc::from)).collect(),
        _ => Vec::new(),
    };
    Some(Death {
        queue: text("queue")?.into(),
        reason: DeathReason::from_word(text("reason")?)?,
        count: u64::try_from(count).unwrap_or(0).max(1),
        first_time_s: match death.get("time") {
            Some(FieldValue::Timestamp(seconds)) => seconds,
            _ => 0,
        },
        node: text("exchange").unwrap_or_default().into(),
        keys,
        original_ttl_ms: text("original-expiration").and_then(|ttl| ttl.parse().ok()),
    })
}

/// The head with the history in its headers, in the place of any that was there: `x-death`, when a first death is known
/// the three `x-first-death-*`, and the three `x-last-death-*`, after the producer's own headers.
///
/// An empty history leaves the head as it is.
#[must_use]
pub fn head_with_history<'a>(head: &'a [u8], history: &History) -> Cow<'a, [u8]> {
    if history.deaths.is_empty() && history.first.is_none() {
        return Cow::Borrowed(head);
    }
    let mut changed = TableBuf::new();
    for (_, entry) in headers(head).entries().filter(|(name, _)| !HISTORY_HEADERS.contains(name)) {
        changed.push_entry(entry);
    }
    let mut deaths = ArrayBuf::new();
    for death in history.deaths.iter().take(ENTRIES_MAX as usize) {
        deaths.push(FieldValue::Table(death_table(death).as_table()));
    }
    changed.push(X_DEATH, FieldValue::Array(deaths.as_array()));
    if let Some((queue, reason, node)) = &history.first {
        changed.push_text(X_FIRST_DEATH_EXCHANGE, node);
        changed.push_text(X_FIRST_DEATH_QUEUE, queue);
        changed.push_text(X_FIRST_DEATH_REASON, reason.word());
    }
    if let Some(last) = history.deaths.first() {
        changed.push_text(X_LAST_DEATH_EXCHANGE, &last.node);
        changed.push_text(X_LAST_DEATH_QUEUE, &last.queue);
        changed.push_text(X_LAST_DEATH_REASON, last.reason.word());
    }
    edited(head, with_headers(head, Some(changed.as_table())))
}

/// One entry of `x-death`; clients find the members by name, some print them in order.
fn death_table(death: &Death) -> TableBuf {
    let mut keys = ArrayBuf::new();
    for key in death.keys.iter().take(ENTRIES_MAX as usize) {
        keys.push(FieldValue::text(key));
    }
    let keys: Array<'_> = keys.as_array();
    let mut table = TableBuf::new();
    table
        .push("count", FieldValue::I64(i64::try_from(death.count).unwrap_or(i64::MAX)))
        .push_text("reason", death.reason.word())
        .push_text("queue", &death.queue)
        .push("time", FieldValue::Timestamp(death.first_time_s))
        .push_text("exchange", &death.node)
        .push("routing-keys", FieldValue::Array(keys));
    if let Some(ttl_ms) = death.original_ttl_ms {
        table.push_text("original-expiration", &ttl_ms.to_string());
    }
    table
}

#[cfg(test)]
mod tests;
