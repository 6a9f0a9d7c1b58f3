//! A structure as JSON, for readers of other protocols: `{"ConsumerInfo":{"consumerId":"ID:c:1:1",...}}`. Ids and destinations
//! are text, as ActiveMQ writes them; what is not set is left out.

use std::fmt::Write;

use crate::{
    codec::{Field, Kind, Object, Value},
    translate::place_of,
};

use ternmq_broker::Place;

/// The JSON of a structure.
pub(crate) fn json_of(object: &Object<'_>) -> String {
    let mut out = String::new();
    // Writing to a string can't fail.
    let _written = write!(out, "{{\"{:?}\":{{", object.kind());
    let mut is_first = true;
    for (row, value) in object.fields() {
        // Never a secret, whoever put it in.
        if row.field == Field::Password {
            continue;
        }
        let Some(text) = value_of(value) else { continue };
        if !std::mem::take(&mut is_first) {
            out.push(',');
        }
        put_text(&mut out, &lowered(&format!("{:?}", row.field)));
        out.push(':');
        out.push_str(&text);
    }
    out.push_str("}}");
    out
}

/// The name of a field as programs in Java spell it.
fn lowered(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
}

fn value_of(value: &Value<'_>) -> Option<String> {
    Some(match value {
        Value::Bool(truth) => truth.to_string(),
        Value::Byte(number) => number.cast_signed().to_string(),
        Value::Int(number) => number.to_string(),
        Value::Long(number) => number.to_string(),
        Value::Text(text) => quoted(text),
        Value::Object(object) => quoted(&text_of(object)?),
        _ => return None,
    })
}

/// An id or a destination as text.
pub(crate) fn text_of(object: &Object<'_>) -> Option<String> {
    if let Some(place) = place_of(object) {
        let scheme = match place {
            Place::Queue(_) => "queue",
            Place::Topic(_) => "topic",
            Place::TemporaryQueue(_) => "temp-queue",
            Place::TemporaryTopic(_) => "temp-topic",
        };
        return Some(format!("{scheme}://{}", place.name()));
    }
    match object.kind() {
        Kind::ConnectionId => object.text(Field::Value).map(str::to_owned),
        Kind::ConsumerId | Kind::ProducerId => Some(format!(
            "{}:{}:{}",
            object.text(Field::ConnectionId).unwrap_or_default(),
            object.number(Field::SessionId),
            object.number(Field::Value)
        )),
        Kind::MessageId => {
            let producer = text_of(object.object(Field::ProducerId)?)?;
            Some(format!("{producer}:{}", object.number(Field::ProducerSequenceId)))
        }
        _ => None,
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::new();
    put_text(&mut out, text);
    out
}

fn put_text(out: &mut String, text: &str) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            control if control.is_control() => {
                // Writing to a string can't fail.
                let _written = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}
