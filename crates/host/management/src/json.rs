//! JSON in and out: bodies with their limits, arguments and headers as neutral values.

use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Map as JsonMap, Number, Value as Json};
use ternmq_message::{Map, Value};

use crate::answer::Refusal;

/// Deepest nesting of a body (section 6).
pub(crate) const DEPTH_MAX: u32 = 32;

/// Parses a body that must be an object. An empty one is an object without members.
pub(crate) fn parse_object(body: &[u8]) -> Result<JsonMap<String, Json>, Refusal> {
    parse_object_of("the body", body)
}

/// As [`parse_object`], for what a refusal calls `what`.
pub(crate) fn parse_object_of(what: &str, body: &[u8]) -> Result<JsonMap<String, Json>, Refusal> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(JsonMap::new());
    }
    let not_json = |reason: String| Refusal::new(StatusCode::BAD_REQUEST, "not_json", reason);
    check_depth(body).map_err(|()| not_json(format!("{what} is nested deeper than {DEPTH_MAX} levels")))?;
    match serde_json::from_slice(body) {
        Ok(Json::Object(object)) => Ok(object),
        Ok(_) => Err(not_json(format!("{what} must be a JSON object"))),
        Err(error) => Err(not_json(format!("{what} is not JSON: {error}"))),
    }
}

/// Counts brackets outside of strings, before a parser that recurses sees them (B4).
fn check_depth(body: &[u8]) -> Result<(), ()> {
    let (mut depth, mut is_string, mut is_escaped) = (0_u32, false, false);
    for byte in body {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_string => is_escaped = true,
            b'"' => is_string = !is_string,
            b'{' | b'[' if !is_string => {
                depth += 1;
                if depth > DEPTH_MAX {
                    return Err(());
                }
            }
            b'}' | b']' if !is_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// A member that must be text, if it is there and not null.
pub(crate) fn text<'a>(object: &'a JsonMap<String, Json>, name: &str) -> Result<Option<&'a str>, Refusal> {
    match object.get(name) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) => Ok(Some(text)),
        Some(_) => Err(Refusal::bad(format!("\"{name}\" must be a string"))),
    }
}

/// As [`text`], for a member that has to be there.
pub(crate) fn required_text<'a>(object: &'a JsonMap<String, Json>, name: &str) -> Result<&'a str, Refusal> {
    text(object, name)?.ok_or_else(|| Refusal::bad(format!("\"{name}\" is missing")))
}

/// A member that must be true or false, also as text.
pub(crate) fn truth(object: &JsonMap<String, Json>, name: &str, default: Json) -> Result<bool, Refusal> {
    match object.get(name).unwrap_or(&default) {
        Json::Bool(truth) => Ok(*truth),
        Json::String(text) if text == "true" => Ok(true),
        Json::String(text) if text == "false" => Ok(false),
        _ => Err(Refusal::bad(format!("\"{name}\" must be true or false"))),
    }
}

/// A member that must be a whole number, also as text, if it is there and not null.
pub(crate) fn number(object: &JsonMap<String, Json>, name: &str) -> Result<Option<i64>, Refusal> {
    let parsed = match object.get(name) {
        None | Some(Json::Null) => return Ok(None),
        Some(Json::Number(number)) => number.as_i64(),
        Some(Json::String(text)) => text.parse().ok(),
        Some(_) => None,
    };
    parsed.map(Some).ok_or_else(|| {
        let name = ternmq_stdx::shown(name);
        Refusal::bad(format!("\"{name}\" must be a whole number"))
    })
}

/// A member that must be an object of arguments or headers.
pub(crate) fn map(object: &JsonMap<String, Json>, name: &str) -> Result<Map, Refusal> {
    match object.get(name) {
        None | Some(Json::Null) => Ok(Map::new()),
        Some(Json::Object(members)) => Ok(map_of(members)),
        // Some old tools write an empty table as an empty list.
        Some(Json::Array(items)) if items.is_empty() => Ok(Map::new()),
        Some(_) => Err(Refusal::bad(format!("\"{name}\" must be an object"))),
    }
}

/// Tags: a list of texts, or one text with commas.
pub(crate) fn tags(value: &Json) -> Result<Vec<Arc<str>>, Refusal> {
    let wrong = || Refusal::bad("\"tags\" must be a list of strings, or a string with commas");
    let trimmed = |tag: &str| Some(tag.trim()).filter(|tag| !tag.is_empty()).map(Arc::from);
    match value {
        Json::String(text) => Ok(text.split(',').filter_map(trimmed).collect()),
        Json::Array(items) => {
            let texts: Option<Vec<&str>> = items.iter().map(Json::as_str).collect();
            Ok(texts.ok_or_else(wrong)?.into_iter().filter_map(trimmed).collect())
        }
        _ => Err(wrong()),
    }
}

/// JSON members as neutral named values.
pub(crate) fn map_of(members: &JsonMap<String, Json>) -> Map {
    members.iter().map(|(name, value)| (Arc::from(name.as_str()), value_of(value))).collect()
}

/// JSON as a neutral value. The recursion is as deep as the body, which [`parse_object`] bounds.
fn value_of(json: &Json) -> Value {
    match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Value::I64(number),
            (None, Some(number)) => Value::U64(number),
            (None, None) => Value::F64(number.as_f64().unwrap_or_default()),
        },
        Json::String(text) => Value::str(text),
        Json::Array(items) => Value::Array(items.iter().map(value_of).collect()),
        Json::Object(members) => Value::Map(map_of(members)),
    }
}

/// Neutral named values as a JSON object; of a repeated name the first counts.
pub(crate) fn json_of_map(map: &Map) -> Json {
    let mut object = JsonMap::new();
    for (name, value) in map {
        if !object.contains_key(&**name) {
            object.insert(name.to_string(), json_of(value));
        }
    }
    Json::Object(object)
}

/// A neutral value as JSON. Bytes that are no text are shown with replacement characters.
pub(crate) fn json_of(value: &Value) -> Json {
    let float = |number: f64| Number::from_f64(number).map_or(Json::Null, Json::Number);
    match value {
        Value::Null => Json::Null,
        Value::Bool(truth) => Json::Bool(*truth),
        Value::U64(number) | Value::Timestamp(number) => (*number).into(),
        Value::F32(number) => float(f64::from(*number)),
        Value::F64(number) => float(*number),
        Value::Decimal(decimal) => float(f64::from(decimal.unscaled) / 10_f64.powi(i32::from(decimal.scale))),
        Value::Str(text) => Json::String(text.to_string()),
        Value::Bytes(bytes) => Json::String(String::from_utf8_lossy(bytes).into_owned()),
        Value::Array(items) => items.iter().map(json_of).collect(),
        Value::Map(map) => json_of_map(map),
        Value::I8(_)
        | Value::U8(_)
        | Value::I16(_)
        | Value::U16(_)
        | Value::I32(_)
        | Value::U32(_)
        | Value::I64(_) => value.as_i64().into(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn depth_is_counted_outside_of_strings() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse_object(nested(31).as_bytes()).is_ok());
        assert!(parse_object(nested(32).as_bytes()).is_err());
        assert!(parse_object("[".repeat(1_000_000).as_bytes()).is_err(), "no recursion before the count");
        let text = format!("{{\"a\":\"{}\\\"[\"}}", "[".repeat(100));
        assert!(parse_object(text.as_bytes()).is_ok());
    }

    #[test]
    fn only_objects_are_bodies() {
        assert!(parse_object(b" \r\n").unwrap().is_empty());
        for body in ["[]", "1", "{", "{\"a\":1} x", "\u{feff}{}"] {
            assert_eq!(parse_object(body.as_bytes()).map_err(|r| r.error), Err("not_json"), "{body}");
        }
    }

    #[test]
    fn values_come_back_as_they_went_in() {
        let json = json!({ "a": 1, "b": -2.5, "c": [true, null, "x"], "d": { "e": u64::MAX } });
        let Value::Map(map) = value_of(&json) else { panic!("not a map") };
        assert_eq!(json_of_map(&map), json);
    }

    #[test]
    fn tags_are_lists_or_texts() {
        let expect: Vec<Arc<str>> = vec!["a".into(), "b".into()];
        assert_eq!(tags(&json!("a, b,")), Ok(expect.clone()));
        assert_eq!(tags(&json!(["a", "b"])), Ok(expect));
        assert!(tags(&json!([1])).is_err());
        assert!(tags(&json!({})).is_err());
    }
}
