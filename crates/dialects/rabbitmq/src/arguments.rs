//! Arguments of queues and keys of policies, each declared once: name, what it sets, its type and range.

use std::sync::Arc;

use ternmq_broker::{ArgumentError, QueueClass, QueueOptions};
use ternmq_message::{Map, Value};
use ternmq_queue::Overflow;

/// How a value is read and what it sets.
enum Setter {
    /// A whole number that is not negative.
    Number(fn(&mut QueueOptions, u64)),
    /// As [`Setter::Number`], but 0 is refused.
    Positive(fn(&mut QueueOptions, u64)),
    /// Text.
    Text(fn(&mut QueueOptions, Arc<str>)),
    /// A truth value.
    Truth(fn(&mut QueueOptions, bool)),
    /// One of these words.
    Word(&'static [&'static str], fn(&mut QueueOptions, &str)),
    /// Accepted and compared; has no effect here.
    Ignored,
}

/// One argument or key.
struct Declared {
    /// Name as a queue argument; empty when it is a policy key only.
    argument: &'static str,
    /// Name as a policy key; empty when it is an argument only.
    key: &'static str,
    setter: Setter,
}

/// Longest time to live or expiry, in ms: what the vendor's timers take.
const MAX_TIME_MS: u64 = 4_294_967_295;

const fn declared(argument: &'static str, key: &'static str, setter: Setter) -> Declared {
    Declared { argument, key, setter }
}

static DECLARED: &[Declared] = &[
    declared("x-message-ttl", "message-ttl", Setter::Number(|o, ms| o.message_ttl_ms = Some(ms))),
    declared("x-expires", "expires", Setter::Positive(|o, ms| o.idle_expiry_ms = Some(ms))),
    declared("x-max-length", "max-length", Setter::Number(|o, n| o.max_length = Some(n))),
    declared("x-max-length-bytes", "max-length-bytes", Setter::Number(|o, n| o.max_length_bytes = Some(n))),
    declared(
        "x-overflow",
        "overflow",
        Setter::Word(&["drop-head", "reject-publish", "reject-publish-dlx"], |o, word| {
            o.overflow = Some(match word {
                "reject-publish" => Overflow::RejectPublish,
                "reject-publish-dlx" => Overflow::RejectPublishDeadLetter,
                _ => Overflow::DropHead,
            });
        }),
    ),
    declared(
        "x-dead-letter-exchange",
        "dead-letter-exchange",
        Setter::Text(|o, name| o.dead_letter_node = Some(name)),
    ),
    declared(
        "x-dead-letter-routing-key",
        "dead-letter-routing-key",
        Setter::Text(|o, key| o.dead_letter_key = Some(key)),
    ),
    declared(
        "x-dead-letter-strategy",
        "dead-letter-strategy",
        Setter::Word(&["at-most-once", "at-least-once"], |_, _| {}),
    ),
    declared(
        "x-max-priority",
        "",
        Setter::Number(|o, max| o.max_priority = u8::try_from(max).ok().filter(|max| *max > 0)),
    ),
    declared("x-single-active-consumer", "", Setter::Truth(|o, is_on| o.is_single_active = Some(is_on))),
    declared(
        "x-delivery-limit",
        "delivery-limit",
        Setter::Number(|o, n| o.delivery_limit = Some(u32::try_from(n).unwrap_or(u32::MAX))),
    ),
    declared(
        "x-consumer-timeout",
        "consumer-timeout",
        Setter::Positive(|o, ms| o.consumer_timeout_ms = Some(ms)),
    ),
    declared(
        "x-queue-type",
        "",
        Setter::Word(&["classic", "quorum", "stream"], |o, word| {
            o.class = Some(if word == "quorum" { QueueClass::Quorum } else { QueueClass::Classic });
        }),
    ),
    declared("x-queue-mode", "queue-mode", Setter::Word(&["default", "lazy"], |_, _| {})),
    declared("x-queue-version", "queue-version", Setter::Number(|_, _| {})),
    declared("x-queue-master-locator", "queue-master-locator", Setter::Ignored),
    declared("x-queue-leader-locator", "queue-leader-locator", Setter::Ignored),
    declared("x-quorum-initial-group-size", "", Setter::Positive(|_, _| {})),
    declared("x-max-in-memory-length", "max-in-memory-length", Setter::Ignored),
    declared("x-max-in-memory-bytes", "max-in-memory-bytes", Setter::Ignored),
    declared("", "alternate-exchange", Setter::Text(|o, name| o.fallback_node = Some(name))),
];

/// Arguments that a second declaration of a queue must repeat exactly.
pub(crate) static COMPARED: &[&str] = &[
    "x-expires",
    "x-message-ttl",
    "x-dead-letter-exchange",
    "x-dead-letter-routing-key",
    "x-dead-letter-strategy",
    "x-max-length",
    "x-max-length-bytes",
    "x-single-active-consumer",
    "x-max-priority",
    "x-overflow",
    "x-queue-mode",
    "x-queue-version",
    "x-delivery-limit",
    "x-consumer-timeout",
    "x-quorum-initial-group-size",
];

/// Reads a queue declaration's arguments.
pub(crate) fn queue_options(arguments: &Map) -> Result<QueueOptions, ArgumentError> {
    let mut options = QueueOptions::default();
    for (name, value) in arguments {
        let Some(declared) = DECLARED.iter().find(|d| !d.argument.is_empty() && d.argument == &**name) else {
            continue;
        };
        set(&mut options, declared, value).map_err(|problem| error(name, problem))?;
        if declared.argument == "x-queue-type" && value.as_str() == Some("stream") {
            return Err(ArgumentError {
                argument: name.clone(),
                problem: "stream queues are not available in this broker; use a classic or quorum queue"
                    .into(),
                is_unsupported: true,
            });
        }
    }
    let find = |name: &str| arguments.iter().find(|(key, _)| &**key == name).map(|(_, value)| value);
    if options.dead_letter_key.is_some() && find("x-dead-letter-exchange").is_none() {
        return Err(error(&"x-dead-letter-routing-key".into(), "routing_key_but_no_dlx_defined".to_owned()));
    }
    if find("x-max-priority").and_then(Value::as_i64).is_some_and(|max| max > 255) {
        let max = find("x-max-priority").and_then(Value::as_i64).unwrap_or_default();
        return Err(error(&"x-max-priority".into(), format!("{{max_value_exceeded,{max}}}")));
    }
    Ok(options)
}

/// Reads a policy's definition. Unlike an argument, an unknown key is refused.
pub(crate) fn policy_options(definition: &Map) -> Result<QueueOptions, ArgumentError> {
    let mut options = QueueOptions::default();
    if definition.is_empty() {
        return Err(error(&"definition".into(), "a policy must set something".to_owned()));
    }
    for (name, value) in definition {
        match DECLARED.iter().find(|d| !d.key.is_empty() && d.key == &**name) {
            None => return Err(error(name, "is not recognised".to_owned())),
            Some(declared) => set(&mut options, declared, value).map_err(|problem| error(name, problem))?,
        }
    }
    Ok(options)
}

fn set(options: &mut QueueOptions, declared: &Declared, value: &Value) -> Result<(), String> {
    let number = |least: i64| match value.as_i64() {
        None => Err(format!("{{unacceptable_type,{}}}", type_name(value))),
        Some(number) if number < 0 => Err(format!("{{value_negative,{number}}}")),
        Some(number) if number < least => Err(format!("{{value_zero,{number}}}")),
        Some(number) => Ok(number.unsigned_abs()),
    };
    let is_time = declared.argument == "x-message-ttl" || declared.argument == "x-expires";
    match &declared.setter {
        Setter::Number(set) | Setter::Positive(set) => {
            let least = if matches!(declared.setter, Setter::Positive(_)) { 1 } else { 0 };
            let number = number(least)?;
            if is_time && number > MAX_TIME_MS {
                return Err(format!("{{value_too_big,{number}}}"));
            }
            set(options, number);
        }
        Setter::Text(set) => match value {
            Value::Str(text) => set(options, text.clone()),
            other => return Err(format!("{{unacceptable_type,{}}}", type_name(other))),
        },
        Setter::Truth(set) => match value {
            Value::Bool(truth) => set(options, *truth),
            other => return Err(format!("{{unacceptable_type,{}}}", type_name(other))),
        },
        Setter::Word(words, set) => match value.as_str() {
            Some(word) if words.contains(&word) => set(options, word),
            Some(word) => return Err(format!("{{unknown_value,<<\"{}\">>}}", escape(word))),
            None => return Err(format!("{{unacceptable_type,{}}}", type_name(value))),
        },
        Setter::Ignored => {}
    }
    Ok(())
}

fn error(argument: &Arc<str>, problem: String) -> ArgumentError {
    ArgumentError { argument: argument.clone(), problem, is_unsupported: false }
}

fn escape(text: &str) -> String {
    text.chars().take(64).flat_map(char::escape_default).collect()
}

/// Name of a value's type as the vendor's error texts give it.
pub(crate) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "void",
        Value::Bool(_) => "bool",
        Value::I8(_) => "byte",
        Value::U8(_) => "unsignedbyte",
        Value::I16(_) => "short",
        Value::U16(_) => "unsignedshort",
        Value::I32(_) => "signedint",
        Value::U32(_) => "unsignedint",
        Value::I64(_) | Value::U64(_) => "long",
        Value::F32(_) => "float",
        Value::F64(_) => "double",
        Value::Decimal(_) => "decimal",
        Value::Timestamp(_) => "timestamp",
        Value::Str(_) => "longstr",
        Value::Bytes(_) => "binary",
        Value::Array(_) => "array",
        Value::Map(_) => "table",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(name: &str, value: Value) -> Map {
        vec![(name.into(), value)]
    }

    fn check_refused(arguments: &Map, expect: &str) {
        let error = queue_options(arguments).expect_err(expect);
        assert_eq!(format!("{}: {}", error.argument, error.problem), expect);
    }

    #[test]
    fn arguments_set_what_they_say() {
        let check = |name: &str, value: Value, expect: QueueOptions| {
            assert_eq!(queue_options(&one(name, value)), Ok(expect), "{name}");
        };
        let none = QueueOptions::default;
        check("x-message-ttl", Value::I32(0), QueueOptions { message_ttl_ms: Some(0), ..none() });
        check("x-expires", Value::I64(1), QueueOptions { idle_expiry_ms: Some(1), ..none() });
        check("x-max-length", Value::U8(5), QueueOptions { max_length: Some(5), ..none() });
        check("x-max-priority", Value::I32(255), QueueOptions { max_priority: Some(255), ..none() });
        check(
            "x-overflow",
            Value::str("reject-publish"),
            QueueOptions { overflow: Some(Overflow::RejectPublish), ..none() },
        );
        check(
            "x-queue-type",
            Value::str("quorum"),
            QueueOptions { class: Some(QueueClass::Quorum), ..none() },
        );
        check("x-queue-mode", Value::str("lazy"), none());
        check("x-of-the-application", Value::Null, none());
    }

    #[test]
    fn arguments_at_and_past_their_limits() {
        let most = i64::from(u32::MAX);
        assert!(queue_options(&one("x-message-ttl", Value::I64(most))).is_ok());
        check_refused(
            &one("x-message-ttl", Value::I64(most + 1)),
            "x-message-ttl: {value_too_big,4294967296}",
        );
        check_refused(&one("x-message-ttl", Value::I32(-1)), "x-message-ttl: {value_negative,-1}");
        check_refused(&one("x-expires", Value::I32(0)), "x-expires: {value_zero,0}");
        check_refused(&one("x-message-ttl", Value::str("5")), "x-message-ttl: {unacceptable_type,longstr}");
        check_refused(&one("x-max-priority", Value::I32(256)), "x-max-priority: {max_value_exceeded,256}");
        check_refused(&one("x-overflow", Value::str("no")), "x-overflow: {unknown_value,<<\"no\">>}");
        check_refused(
            &one("x-dead-letter-routing-key", Value::str("k")),
            "x-dead-letter-routing-key: routing_key_but_no_dlx_defined",
        );
    }

    #[test]
    fn streams_are_refused_as_not_there() {
        let error = queue_options(&one("x-queue-type", Value::str("stream"))).expect_err("no streams");
        assert!(error.is_unsupported);
    }

    #[test]
    fn a_policy_takes_only_keys_that_it_knows() {
        assert!(policy_options(&one("max-length", Value::I64(1))).is_ok());
        assert!(policy_options(&one("x-max-length", Value::I64(1))).is_err());
        assert!(policy_options(&Map::new()).is_err());
    }

    #[test]
    fn every_name_is_declared_once() {
        for (index, one) in DECLARED.iter().enumerate() {
            for other in DECLARED.iter().skip(index + 1) {
                assert!(one.argument.is_empty() || one.argument != other.argument, "{}", one.argument);
                assert!(one.key.is_empty() || one.key != other.key, "{}", one.key);
            }
        }
        let known = |name: &&str| DECLARED.iter().any(|declared| declared.argument == *name);
        assert!(COMPARED.iter().all(known));
    }
}
