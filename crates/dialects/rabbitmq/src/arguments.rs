//! Arguments of queues and keys of policies, each declared once: name, what it sets, its type and range.

use std::sync::Arc;

use ternmq_broker::{ArgumentError, QueueClass, QueueOptions};
use ternmq_message::{Map, Value};
use ternmq_queue::Overflow;
use ternmq_stdx::shown;

/// How a value is read and what it sets.
enum Setter {
    /// A whole number that is not negative.
    Number(fn(&mut QueueOptions, u64)),
    /// As [`Setter::Number`], but 0 is refused.
    Positive(fn(&mut QueueOptions, u64)),
    /// As [`Setter::Number`], but a negative one means that there is no limit.
    Limit(fn(&mut QueueOptions, u64)),
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

/// Longest time to live or expiry, in ms: ten years.
const MAX_TIME_MS: u64 = 315_360_000_000;
/// Versions of the classic queue's files that a client may ask for; here they are all the same.
const QUEUE_VERSIONS: std::ops::RangeInclusive<u64> = 1..=2;

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
        Setter::Limit(|o, n| o.delivery_limit = Some(u32::try_from(n).unwrap_or(u32::MAX))),
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
    declared(
        "x-queue-leader-locator",
        "queue-leader-locator",
        Setter::Word(&["client-local", "balanced", "random", "least-leaders"], |_, _| {}),
    ),
    declared("x-quorum-initial-group-size", "", Setter::Positive(|_, _| {})),
    declared("x-max-in-memory-length", "max-in-memory-length", Setter::Number(|_, _| {})),
    declared("x-max-in-memory-bytes", "max-in-memory-bytes", Setter::Number(|_, _| {})),
    declared("x-max-age", "", Setter::Ignored),
    declared("x-stream-max-segment-size-bytes", "", Setter::Ignored),
    declared("x-initial-cluster-size", "", Setter::Ignored),
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

/// Arguments that a classic queue knows and a quorum queue does not.
static CLASSIC_ONLY: &[&str] =
    &["x-max-priority", "x-queue-mode", "x-queue-version", "x-queue-master-locator"];
/// Arguments that a quorum queue knows and a classic queue does not.
static QUORUM_ONLY: &[&str] = &[
    "x-delivery-limit",
    "x-dead-letter-strategy",
    "x-quorum-initial-group-size",
    "x-max-in-memory-length",
    "x-max-in-memory-bytes",
];
/// Arguments that neither of them knows.
static STREAM_ONLY: &[&str] = &["x-max-age", "x-stream-max-segment-size-bytes", "x-initial-cluster-size"];

/// Refuses an argument that the wanted class of queue has no use for.
fn check_class(class: QueueClass, name: &Arc<str>) -> Result<(), ArgumentError> {
    let (unfit, module) = match class {
        QueueClass::Classic => (QUORUM_ONLY, "rabbit_classic_queue"),
        QueueClass::Quorum => (CLASSIC_ONLY, "rabbit_quorum_queue"),
    };
    if unfit.contains(&&**name) || STREAM_ONLY.contains(&&**name) {
        return Err(error(name, format!("{OF_QUEUE_TYPE}{module}")));
    }
    Ok(())
}

/// Start of the words for an argument that does not go with the type of the queue.
pub(crate) const OF_QUEUE_TYPE: &str = "of queue type ";
/// Start of the words for a value of the wrong type.
pub(crate) const UNACCEPTABLE_TYPE: &str = "{unacceptable_type,";

/// Reads a queue declaration's arguments.
pub(crate) fn queue_options(arguments: &Map) -> Result<QueueOptions, ArgumentError> {
    let mut options = QueueOptions::default();
    let class = match arguments.iter().find(|(name, _)| &**name == "x-queue-type") {
        Some((_, Value::Str(class))) if &**class == "quorum" => Some(QueueClass::Quorum),
        Some((_, Value::Str(class))) if &**class == "classic" => Some(QueueClass::Classic),
        Some(_) => None,
        None => Some(QueueClass::Classic),
    };
    for (name, value) in arguments {
        if let Some(class) = class {
            check_class(class, name)?;
        }
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
        None => Err(no_integer(value)),
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
                return Err(format!("{{value_too_large,{number}}}"));
            }
            if declared.argument == "x-max-priority" && number > u64::from(u8::MAX) {
                return Err(format!("{{max_value_exceeded,{number}}}"));
            }
            if declared.argument == "x-queue-version" && !QUEUE_VERSIONS.contains(&number) {
                return Err(format!("\"unsupported queue version '{number}'\""));
            }
            set(options, number);
        }
        Setter::Limit(set) => match value.as_i64() {
            Some(number) => set(options, u64::try_from(number).unwrap_or(u64::MAX)),
            None => return Err(no_integer(value)),
        },
        Setter::Text(set) => match value {
            Value::Str(text) => set(options, text.clone()),
            other => return Err(unacceptable_type(other)),
        },
        Setter::Truth(set) => match value {
            Value::Bool(truth) => set(options, *truth),
            other => return Err(unacceptable_type(other)),
        },
        Setter::Word(words, set) => match value.as_str() {
            Some(word) if words.contains(&word) => set(options, word),
            Some(word) => return Err(unknown_word(declared, word)),
            None => return Err(unacceptable_type(value)),
        },
        Setter::Ignored => {}
    }
    Ok(())
}

/// Words for a value that is not a whole number, where one is wanted.
pub(crate) fn no_integer(value: &Value) -> String {
    format!("\"expected integer, got {}\"", type_name(value))
}

/// Words for a value of another type than the wanted one.
pub(crate) fn unacceptable_type(value: &Value) -> String {
    format!("{UNACCEPTABLE_TYPE}{}}}", type_name(value))
}

fn unknown_word(declared: &Declared, word: &str) -> String {
    match declared.argument {
        "x-overflow" => "invalid_overflow".to_owned(),
        "x-dead-letter-strategy" => "invalid_dlx_strategy".to_owned(),
        "x-queue-leader-locator" => "invalid_queue_locator_arg".to_owned(),
        "x-queue-type" => format!("\"unsupported queue type '{}'\"", shown(word)),
        "x-queue-mode" => format!("\"unsupported queue mode '{}'\"", shown(word)),
        _ => format!("{{unknown_value,<<\"{}\">>}}", shown(word)),
    }
}

fn error(argument: &Arc<str>, problem: String) -> ArgumentError {
    ArgumentError { argument: argument.clone(), problem, is_unsupported: false }
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
        let most = 315_360_000_000;
        assert!(queue_options(&one("x-message-ttl", Value::I64(most))).is_ok());
        check_refused(
            &one("x-message-ttl", Value::I64(most + 1)),
            "x-message-ttl: {value_too_large,315360000001}",
        );
        check_refused(&one("x-message-ttl", Value::I32(-1)), "x-message-ttl: {value_negative,-1}");
        check_refused(&one("x-expires", Value::I32(0)), "x-expires: {value_zero,0}");
        check_refused(
            &one("x-message-ttl", Value::str("5")),
            "x-message-ttl: \"expected integer, got longstr\"",
        );
        check_refused(&one("x-max-priority", Value::I32(256)), "x-max-priority: {max_value_exceeded,256}");
        check_refused(&one("x-overflow", Value::str("no")), "x-overflow: invalid_overflow");
        check_refused(
            &one("x-queue-version", Value::I32(3)),
            "x-queue-version: \"unsupported queue version '3'\"",
        );
        check_refused(
            &one("x-dead-letter-routing-key", Value::str("k")),
            "x-dead-letter-routing-key: routing_key_but_no_dlx_defined",
        );
    }

    #[test]
    fn each_class_has_its_own_arguments() {
        let quorum = |name: &str, value: Value| {
            vec![("x-queue-type".into(), Value::str("quorum")), (name.into(), value)]
        };
        for name in CLASSIC_ONLY.iter().chain(STREAM_ONLY) {
            check_refused(
                &quorum(name, Value::I32(1)),
                &format!("{name}: of queue type rabbit_quorum_queue"),
            );
        }
        for name in QUORUM_ONLY.iter().chain(STREAM_ONLY) {
            check_refused(&one(name, Value::I32(1)), &format!("{name}: of queue type rabbit_classic_queue"));
        }
        let limit = |number| queue_options(&quorum("x-delivery-limit", Value::I32(number)));
        assert_eq!(limit(5).map(|options| options.delivery_limit), Ok(Some(5)));
        assert_eq!(limit(-1).map(|options| options.delivery_limit), Ok(Some(u32::MAX)));
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
