//! Commands as lines of text.
//!
//! `Kind Field:value ...` is a command; fields that say nothing are left out, and so is the number of a command.
//! `ask:N` makes it number N and asks for an answer. `_` is a blank, `true` may be left out with its colon. Ids are
//! `c` (connection), `c/1` (session), `c/1/2` (consumer, producer), `c/1/2/3` (message), `tx/7` and `xa/7` (transactions),
//! destinations `queue:q`, `topic:t`, `temp-queue:x`, `temp-topic:x`. `{...}` is a structure in another one. A message has
//! `Text:...` or `Bytes:...` for its content and `Properties:a=1,b=x`. `WireFormatInfo` takes `tight`, `cache`,
//! `version:N` and `inactivity:MS`. `raw DIGITS` is sent as it stands.

use std::{borrow::Cow, sync::Arc};

use ternmq_openwire::codec::{
    Agreement, Encoding, Field, Kind, Object, Offer, Primitive, Primitives, Value,
    table::{Form, rows},
};

pub fn bytes_of_hex(digits: &str) -> Vec<u8> {
    let digits: String = digits.split_whitespace().collect();
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// An offer, and how its client writes from then on.
pub fn offer(line: &str) -> (Object<'static>, Encoding) {
    let mut offer = Offer {
        version: 12,
        is_tight: false,
        has_cache: false,
        cache_size: 1_024,
        inactivity_ms: 0,
        initial_delay_ms: 0,
        max_frame_bytes: 0,
        provider: Some("test".to_owned()),
        provider_version: None,
        platform: None,
    };
    for word in line.split_whitespace().skip(1) {
        match word.split_once(':').unwrap_or((word, "")) {
            ("tight", _) => offer.is_tight = true,
            ("cache", _) => offer.has_cache = true,
            ("version", number) => offer.version = number.parse().unwrap(),
            ("inactivity", ms) => offer.inactivity_ms = ms.parse().unwrap(),
            other => panic!("no such option: {other:?}"),
        }
    }
    let ours = Offer { version: 12, is_tight: true, has_cache: true, ..offer.clone() };
    let Agreement { encoding, .. } = ours.agree(&offer);
    (offer.to_object(), encoding)
}

fn kind(name: &str) -> Kind {
    let known = Kind::ALL.iter().find(|kind| format!("{kind:?}") == name);
    *known.unwrap_or_else(|| panic!("no such command: {name}"))
}

/// Words with blanks between them, of which those in braces are none.
fn words(text: &str) -> Vec<&str> {
    let (mut words, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => depth += 1,
            '}' => depth -= 1,
            ' ' if depth == 0 => {
                words.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    words.push(&text[start..]);
    words.into_iter().filter(|word| !word.is_empty()).collect()
}

fn plain(text: &str) -> String {
    text.replace('_', " ")
}

/// The command that a line stands for.
pub fn object(line: &str) -> Object<'static> {
    let words = words(line);
    let mut object = Object::new(kind(words[0]));
    for word in &words[1..] {
        let (name, value) = word.split_once(':').unwrap_or((word, "true"));
        match name {
            "ask" => {
                object.set(Field::CommandId, Value::Int(value.parse().unwrap()));
                object.set(Field::ResponseRequired, Value::Bool(true));
            }
            "Text" => object.set(Field::Content, Value::Bytes(Cow::Owned(content_of_text(&plain(value))))),
            "Hex" => object.set(Field::Content, Value::Bytes(Cow::Owned(bytes_of_hex(value)))),
            "Bytes" => object.set(Field::Content, Value::Bytes(Cow::Owned(content(value)))),
            "Properties" => {
                object.set(Field::MarshalledProperties, Value::Bytes(Cow::Owned(properties(value))))
            }
            _ => {
                let row = rows(object.kind()).iter().find(|row| format!("{:?}", row.field) == name);
                let row = row.unwrap_or_else(|| panic!("no field {name} in {line}"));
                object.set(row.field, self::value(row.form, value));
            }
        }
    }
    object
}

/// `*N*x` is N times the letter.
fn content(text: &str) -> Vec<u8> {
    match text.strip_prefix('*').and_then(|rest| rest.split_once('*')) {
        Some((count, letter)) => letter.repeat(count.parse().unwrap()).into_bytes(),
        None => plain(text).into_bytes(),
    }
}

fn content_of_text(text: &str) -> Vec<u8> {
    let mut content = u32::try_from(text.len()).unwrap().to_be_bytes().to_vec();
    content.extend_from_slice(text.as_bytes());
    content
}

fn properties(text: &str) -> Vec<u8> {
    let mut map = Primitives::default();
    for (name, value) in text.split(',').map(|pair| pair.split_once('=').unwrap()) {
        let value = match (value, value.parse()) {
            ("true" | "false", _) => Primitive::Bool(value == "true"),
            (_, Ok(number)) => Primitive::Int(number),
            _ => Primitive::Text(plain(value).into()),
        };
        map = map.with(name.to_owned(), value);
    }
    map.to_bytes()
}

fn value(form: Form, text: &str) -> Value<'static> {
    match form {
        Form::Bool => Value::Bool(text == "true"),
        Form::Byte => Value::Byte(text.parse().unwrap()),
        Form::Int => Value::Int(text.parse().unwrap()),
        Form::Long => Value::Long(text.parse().unwrap()),
        Form::Text => Value::Text(plain(text).into()),
        Form::Bytes | Form::Magic => Value::Bytes(Cow::Owned(content(text))),
        Form::Object(_) | Form::Cached(_) => Value::Object(Arc::new(part(text))),
        Form::Array(_) | Form::Throwable => panic!("there is no text for {form:?}"),
    }
}

/// A structure in another one.
fn part(text: &str) -> Object<'static> {
    if let Some(line) = text.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        return object(line);
    }
    for (start, kind) in DESTINATIONS {
        if let Some(name) = text.strip_prefix(start).and_then(|rest| rest.strip_prefix(':')) {
            return Object::new(kind).with_text(Field::PhysicalName, name.to_owned());
        }
    }
    let number = |text: &str| Value::Long(text.parse().unwrap());
    let three = |kind, connection: &str, session: &str, value: &str| {
        Object::new(kind)
            .with_text(Field::ConnectionId, connection.to_owned())
            .with(Field::SessionId, number(session))
            .with(Field::Value, number(value))
    };
    match *text.split('/').collect::<Vec<_>>() {
        ["tx", value] => Object::new(Kind::LocalTransactionId)
            .with(Field::Value, number(value))
            .with_object(Field::ConnectionId, Arc::new(part("c"))),
        // One whose first part has 65 bytes.
        ["xa", "long"] => Object::new(Kind::XaTransactionId)
            .with(Field::GlobalTransactionId, Value::Bytes(Cow::Borrowed(&[b'g'; 65]))),
        ["xa", value] => Object::new(Kind::XaTransactionId)
            .with(Field::FormatId, Value::Int(value.parse().unwrap()))
            .with(Field::GlobalTransactionId, Value::Bytes(Cow::Borrowed(b"g")))
            .with(Field::BranchQualifier, Value::Bytes(Cow::Borrowed(b"b"))),
        [value] => Object::new(Kind::ConnectionId).with_text(Field::Value, value.to_owned()),
        [connection, value] => Object::new(Kind::SessionId)
            .with_text(Field::ConnectionId, connection.to_owned())
            .with(Field::Value, number(value)),
        // Producers begin with a p.
        [connection, session, value] if connection.starts_with('p') => {
            three(Kind::ProducerId, connection, session, value)
        }
        [connection, session, value] => three(Kind::ConsumerId, connection, session, value),
        [connection, session, value, sequence] => Object::new(Kind::MessageId)
            .with_object(Field::ProducerId, Arc::new(three(Kind::ProducerId, connection, session, value)))
            .with(Field::ProducerSequenceId, number(sequence)),
        _ => panic!("no structure: {text}"),
    }
}

const DESTINATIONS: [(&str, Kind); 4] = [
    ("queue", Kind::Queue),
    ("topic", Kind::Topic),
    ("temp-queue", Kind::TempQueue),
    ("temp-topic", Kind::TempTopic),
];

/// The line that stands for a command.
pub fn line(object: &Object<'_>) -> String {
    if object.kind() == Kind::WireFormatInfo {
        let offer = Offer::read(object).unwrap();
        let Offer { version, inactivity_ms, .. } = offer;
        return format!("WireFormatInfo version:{version} inactivity:{inactivity_ms}");
    }
    let mut line = format!("{:?}", object.kind());
    for (row, value) in object.fields() {
        let name = match row.field {
            Field::CommandId => continue,
            Field::Content => {
                line.push_str(&content_line(object));
                continue;
            }
            Field::MarshalledProperties => {
                line.push_str(&properties_line(object));
                continue;
            }
            field => format!("{field:?}"),
        };
        if *value == row.default_value() {
            continue;
        }
        line.push(' ');
        line.push_str(&name);
        if *value != Value::Bool(true) {
            line.push(':');
            line.push_str(&value_line(value));
        }
    }
    line
}

fn shown(text: &str) -> String {
    let shown = |letter: char| match letter {
        ' ' => "_".to_owned(),
        letter if letter.is_control() => letter.escape_default().to_string(),
        letter => letter.to_string(),
    };
    text.chars().map(shown).collect()
}

fn content_line(object: &Object<'_>) -> String {
    let Some(content) = object.bytes(Field::Content) else { return String::new() };
    if object.kind() == Kind::MapMessage
        && let Ok(map) = Primitives::read(content)
    {
        let pairs = map.entries.iter().map(|(name, value)| format!("{name}={value:?}").replace(' ', "_"));
        return format!(" Map:{}", pairs.collect::<Vec<_>>().join(","));
    }
    if object.kind() == Kind::StreamMessage
        && let Ok(values) = Primitives::read_stream(content)
    {
        return format!(" Stream:{values:?}").replace(", ", ",");
    }
    match (object.kind(), content.get(4..)) {
        (Kind::TextMessage, Some(text)) => format!(" Text:{}", shown(&String::from_utf8_lossy(text))),
        _ => format!(" Bytes:{}", shown(&String::from_utf8_lossy(content))),
    }
}

fn properties_line(object: &Object<'_>) -> String {
    let Some(bytes) = object.bytes(Field::MarshalledProperties) else { return String::new() };
    let map = Primitives::read(bytes).unwrap();
    let pairs = map.entries.iter().map(|(name, value)| {
        let value = match value {
            Primitive::Text(text) => shown(text),
            Primitive::Bool(truth) => truth.to_string(),
            Primitive::Int(number) => number.to_string(),
            Primitive::Long(number) => number.to_string(),
            other => format!("{other:?}"),
        };
        format!("{}={value}", shown(name))
    });
    format!(" Properties:{}", pairs.collect::<Vec<_>>().join(","))
}

fn value_line(value: &Value<'_>) -> String {
    match value {
        Value::None => "none".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Byte(number) => number.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Long(number) => number.to_string(),
        Value::Text(text) => shown(text),
        Value::Bytes(bytes) => shown(&String::from_utf8_lossy(bytes)),
        Value::Object(object) => part_line(object),
        Value::Array(objects) => {
            let parts: Vec<_> = objects.iter().flatten().map(|object| part_line(object)).collect();
            format!("[{}]", parts.join(","))
        }
        Value::Throwable(throwable) => format!(
            "{}({})",
            throwable.class.as_deref().unwrap_or_default(),
            shown(throwable.message.as_deref().unwrap_or_default())
        ),
    }
}

fn part_line(object: &Object<'_>) -> String {
    let text = |field| object.text(field).unwrap_or_default();
    if let Some((start, _)) = DESTINATIONS.iter().find(|(_, kind)| *kind == object.kind()) {
        return format!("{start}:{}", text(Field::PhysicalName));
    }
    let number = |field| object.number(field);
    match object.kind() {
        Kind::ConnectionId | Kind::BrokerId => text(Field::Value).to_owned(),
        Kind::SessionId => format!("{}/{}", text(Field::ConnectionId), number(Field::Value)),
        Kind::ConsumerId | Kind::ProducerId => {
            format!("{}/{}/{}", text(Field::ConnectionId), number(Field::SessionId), number(Field::Value))
        }
        Kind::MessageId => {
            let producer = object.object(Field::ProducerId).map_or_else(String::new, |id| part_line(id));
            let (sequence, delivery) = (number(Field::ProducerSequenceId), number(Field::BrokerSequenceId));
            format!("{producer}/{sequence}#{delivery}")
        }
        Kind::LocalTransactionId => format!("tx/{}", number(Field::Value)),
        Kind::XaTransactionId => format!("xa/{}", number(Field::FormatId)),
        _ => format!("{{{}}}", line(object)),
    }
}
