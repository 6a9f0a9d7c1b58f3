//! Whether a value is what the model wants: types, ranges, enumerations, required members, one walk for all protocols.

use serde_json::{Map, Value};
use ternmq_stdx::shown;

use crate::{Member, Refusal, Shape};

/// Deepest nesting of any model is below this; the JSON reader has its own bound.
const MAX_DEPTH: u8 = 16;
/// Most items of a list, or members of a map, that the model does not bound.
const MAX_ITEMS: usize = 10_000;

/// Checks the members of an input that stand by their names on the wire, and gives them back without what the model
/// does not know, with nulls left out and enumerations in the model's case.
///
/// # Errors
/// `BadRequestException` about the first member, in the order of the model, that is wrong.
pub fn input(members: &[Member], given: &Map<String, Value>) -> Result<Map<String, Value>, Refusal> {
    structure(members, given, 0)
}

fn structure(
    members: &[Member],
    given: &Map<String, Value>,
    depth: u8,
) -> Result<Map<String, Value>, Refusal> {
    let mut out = Map::new();
    for member in members {
        match given.get(member.wire).filter(|value| !value.is_null()) {
            Some(value) => {
                out.insert(member.wire.into(), checked(member.shape, value, member.wire, depth)?);
            }
            None if member.is_required => {
                let text = format!("Attribute [{}] is required.", member.wire);
                return Err(Refusal::bad_request(member.wire, text));
            }
            None => {}
        }
    }
    Ok(out)
}

fn checked(shape: &Shape, value: &Value, name: &'static str, depth: u8) -> Result<Value, Refusal> {
    let wrong = |what: String| Refusal::bad_request(name, format!("Attribute [{name}] must be {what}."));
    if depth > MAX_DEPTH {
        return Err(wrong(format!("nested at most {MAX_DEPTH} deep")));
    }
    match (shape, value) {
        (Shape::Structure(members), Value::Object(given)) => {
            structure(members, given, depth + 1).map(Value::Object)
        }
        (Shape::Structure(_) | Shape::Map { .. }, _) if !value.is_object() => Err(wrong("an object".into())),
        (Shape::List { member, least, most, .. }, Value::Array(items)) => {
            let (least, most) = (*least as usize, (*most as usize).min(MAX_ITEMS));
            if items.len() < least || items.len() > most {
                return Err(wrong(format!("a list of {least} to {most} items")));
            }
            let items = items.iter().filter(|item| !item.is_null());
            items
                .map(|item| checked(member, item, name, depth + 1))
                .collect::<Result<_, _>>()
                .map(Value::Array)
        }
        (Shape::List { .. }, _) => Err(wrong("a list".into())),
        (Shape::Map { value: inner, .. }, Value::Object(given)) => {
            if given.len() > MAX_ITEMS {
                return Err(wrong(format!("at most {MAX_ITEMS} entries")));
            }
            let given = given.iter().filter(|(_, value)| !value.is_null());
            let pairs = given.map(|(key, value)| Ok((key.clone(), checked(inner, value, name, depth + 1)?)));
            pairs.collect::<Result<_, _>>().map(Value::Object)
        }
        (Shape::Text { least, most, values, .. }, Value::String(text)) => {
            self::text(text, (*least, *most), values, name).map(Value::String)
        }
        (Shape::Text { .. }, _) => Err(wrong("a string".into())),
        (Shape::Integer { least, most }, _) => {
            whole(value, i64::from(*least), i64::from(*most)).map_err(wrong)
        }
        (Shape::Long { least, most }, _) => whole(value, *least, *most).map_err(wrong),
        (Shape::Boolean, Value::Bool(_)) => Ok(value.clone()),
        (Shape::Boolean, _) => Err(wrong("true or false".into())),
        (Shape::Time(_), Value::Number(_) | Value::String(_)) => Ok(value.clone()),
        (Shape::Time(_), _) => Err(wrong("a time".into())),
        (Shape::Structure(_) | Shape::Map { .. }, _) => Err(wrong("an object".into())),
    }
}

/// The number, or what it has to be.
fn whole(value: &Value, least: i64, most: i64) -> Result<Value, String> {
    let number = value.as_i64().filter(|number| (least..=most).contains(number));
    number.map(Value::from).ok_or_else(|| format!("a whole number from {least} to {most}"))
}

fn text(
    text: &str,
    (least, most): (u32, u32),
    values: &[&str],
    name: &'static str,
) -> Result<String, Refusal> {
    if !values.is_empty() {
        let known = values.iter().find(|value| value.eq_ignore_ascii_case(text));
        return known.map(|known| (*known).to_owned()).ok_or_else(|| {
            let (given, known) = (shown(text), values.join(", "));
            let text = format!("Value [{given}] is invalid for attribute [{name}]. Valid values: [{known}].");
            Refusal::bad_request(name, text)
        });
    }
    let length = text.chars().count();
    if length < least as usize || length > most as usize {
        let text = format!("Attribute [{name}] must have {least} to {most} characters.");
        return Err(Refusal::bad_request(name, text));
    }
    Ok(text.to_owned())
}

/// The same, for values that came as text: of a query or a form.
///
/// # Errors
/// As [`input`].
pub fn of_text(shape: &Shape, text: &str, name: &'static str) -> Result<Value, Refusal> {
    let value = match shape {
        // What is no number or boolean stays text, and is refused as one.
        Shape::Integer { .. } | Shape::Long { .. } => {
            text.parse::<i64>().map_or_else(|_| text.into(), Value::from)
        }
        Shape::Boolean => match text {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => text.into(),
        },
        _ => text.into(),
    };
    checked(shape, &value, name, 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mq;

    fn check(operation: &str, given: &str, expect: &str) {
        let operation = mq::MODEL.operation(operation).unwrap();
        let given: Value = serde_json::from_str(given).unwrap();
        let answer = match input(operation.input.unwrap().members(), given.as_object().unwrap()) {
            Ok(value) => Value::Object(value).to_string(),
            Err(refusal) => format!("{}: {}", refusal.attribute, refusal.message),
        };
        assert_eq!(answer, expect);
    }

    #[test]
    fn members_are_checked() {
        check("CreateConfiguration", "{}", "engineType: Attribute [engineType] is required.");
        check(
            "CreateConfiguration",
            r#"{"engineType": "ActiveMQ", "name": "n", "more": {"x": 1}, "tags": null}"#,
            r#"{"engineType":"ACTIVEMQ","name":"n"}"#,
        );
        check(
            "CreateConfiguration",
            r#"{"engineType": "Kafka", "name": "n"}"#,
            "engineType: Value [Kafka] is invalid for attribute [engineType]. Valid values: [ACTIVEMQ, RABBITMQ].",
        );
        check(
            "CreateConfiguration",
            r#"{"engineType": "RABBITMQ", "name": 7}"#,
            "name: Attribute [name] must be a string.",
        );
        check(
            "CreateConfiguration",
            r#"{"engineType": "RABBITMQ", "name": "n", "tags": {"a": 1}}"#,
            "tags: Attribute [tags] must be a string.",
        );
        check(
            "CreateUser",
            r#"{"broker-id": "b", "username": "u", "password": "p", "consoleAccess": "yes"}"#,
            "consoleAccess: Attribute [consoleAccess] must be true or false.",
        );
        check(
            "CreateUser",
            r#"{"broker-id": "b", "username": "u", "password": "p", "groups": "g"}"#,
            "groups: Attribute [groups] must be a list.",
        );
        check(
            "Promote",
            r#"{"broker-id": "b", "mode": "FAIL"}"#,
            "mode: Value [FAIL] is invalid for attribute [mode]. Valid values: [SWITCHOVER, FAILOVER].",
        );
        check(
            "ListBrokers",
            r#"{"maxResults": 101}"#,
            "maxResults: Attribute [maxResults] must be a whole number from 1 to 100.",
        );
        check(
            "ListBrokers",
            r#"{"maxResults": 1.5}"#,
            "maxResults: Attribute [maxResults] must be a whole number from 1 to 100.",
        );
    }
}
