//! The sentences that RabbitMQ's clients know, without the reply code's name in front. Some clients match on them.

use std::sync::Arc;

use ternmq_broker::{Error, Kind, LimitKind, QueueProperty, Verb};
use ternmq_message::Value;
use ternmq_stdx::quoted;

use crate::arguments::{OF_QUEUE_TYPE, UNACCEPTABLE_TYPE, type_name};

/// A thing with its kind, name and vhost, as every sentence names it.
fn thing(kind: Kind, name: &str, namespace: &str) -> String {
    match kind {
        Kind::Namespace => format!("vhost '{name}'"),
        Kind::Node => format!("exchange '{name}' in vhost '{namespace}'"),
        Kind::Queue => format!("queue '{name}' in vhost '{namespace}'"),
        Kind::Binding => format!("binding from exchange '{name}' in vhost '{namespace}'"),
        Kind::User => format!("user '{name}'"),
        Kind::Policy => format!("policy '{name}' in vhost '{namespace}'"),
        Kind::Client => format!("client '{name}' in vhost '{namespace}'"),
    }
}

/// What has a name that clients choose.
fn named_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Node => "exchange",
        Kind::Client => "client",
        _ => "queue",
    }
}

fn invalid_name(kind: Kind, name: &str) -> String {
    let (word, name) = (named_word(kind), quoted(name));
    format!("{word} name {name} is not valid: it must have 1 to 255 bytes and no control characters")
}

fn verb_word(verb: Verb) -> &'static str {
    match verb {
        Verb::Configure | Verb::Delete => "configure",
        Verb::Write => "write",
        Verb::Read => "read",
        Verb::Access => "access",
    }
}

/// A property or argument value in an "inequivalent arg" sentence. Only next to no value at all is the type told.
fn side(value: Option<&Value>, other: Option<&Value>) -> String {
    match (value, other) {
        (None, _) => "none".to_owned(),
        (Some(value), None) => {
            format!("the value '{}' of type '{}'", value_text(value), type_name(value))
        }
        (Some(value), Some(_)) => format!("'{}'", value_text(value)),
    }
}

/// A bad argument. The ones that name an exchange have a sentence of their own for a value of the wrong type.
fn invalid_argument(thing: &str, kind: Kind, argument: &str, problem: &str) -> String {
    let names_exchange = matches!(argument, "alternate-exchange" | "x-dead-letter-exchange");
    if let Some(type_name) = problem.strip_prefix(UNACCEPTABLE_TYPE).and_then(|rest| rest.strip_suffix('}'))
        && names_exchange
        && kind != Kind::Policy
    {
        return format!("invalid type '{type_name}' for arg '{argument}' in {thing}");
    }
    let colon = if problem.starts_with(OF_QUEUE_TYPE) { "" } else { ":" };
    format!("invalid arg '{argument}' for {thing}{colon} {problem}")
}

/// A value as plain text.
pub(crate) fn value_text(value: &Value) -> String {
    match value {
        Value::Null => "undefined".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::F32(number) => number.to_string(),
        Value::F64(number) => number.to_string(),
        Value::Timestamp(seconds) => seconds.to_string(),
        other => match (other.as_str(), other.as_i64()) {
            (Some(text), _) => text.chars().take(64).collect(),
            (None, Some(number)) => number.to_string(),
            (None, None) => format!("a {}", type_name(other)),
        },
    }
}

fn unfit(thing: &str, property: QueueProperty) -> String {
    let property = match property {
        QueueProperty::NotDurable => "non-durable",
        QueueProperty::Exclusive => "exclusive-owner",
        QueueProperty::AutoDelete => "auto-delete",
    };
    format!("invalid property '{property}' for {thing}")
}

/// The sentence for an error.
pub(crate) fn error_text(error: &Error) -> String {
    match error {
        Error::NotFound { kind: Kind::Namespace, name, .. } => format!("vhost {name} not found"),
        Error::NotFound { kind, name, namespace } => format!("no {}", thing(*kind, name, namespace)),
        Error::Refused { verb: Verb::Access, kind: Kind::Client, name, user, .. } => {
            format!("client '{name}' belongs to another user than '{user}'")
        }
        Error::Refused { verb: Verb::Access, name, user, .. } => {
            format!("access to vhost '{name}' refused for user '{user}'")
        }
        Error::Refused { verb, kind, name, namespace, user } => {
            format!(
                "{} access to {} refused for user '{user}'",
                verb_word(*verb),
                thing(*kind, name, namespace)
            )
        }
        Error::KeyRefused { verb, node, key, namespace, user } => format!(
            "{} access to topic '{key}' in {} refused for user '{user}'",
            verb_word(*verb),
            thing(Kind::Node, node, namespace)
        ),
        Error::Inequivalent { kind, name, namespace, field, received, current } => format!(
            "inequivalent arg '{field}' for {}: received {} but current is {}",
            thing(*kind, name, namespace),
            side(received.as_ref(), current.as_ref()),
            side(current.as_ref(), received.as_ref())
        ),
        Error::ReservedName { kind, name } => {
            format!("{} name '{name}' contains reserved prefix 'amq.*'", named_word(*kind))
        }
        Error::Undeletable { name, namespace } => {
            format!("deletion of system {} not allowed", thing(Kind::Node, name, namespace))
        }
        Error::InvalidName { kind, name } => invalid_name(*kind, name),
        Error::InvalidArgument { kind, name, namespace, argument, problem } => {
            invalid_argument(&thing(*kind, name, namespace), *kind, argument, problem)
        }
        Error::Unfit { name, namespace, property } => unfit(&thing(Kind::Queue, name, namespace), *property),
        Error::DefaultNode => "operation not permitted on the default exchange".to_owned(),
        Error::Internal { node, namespace } => {
            format!("cannot publish to internal {}", thing(Kind::Node, node, namespace))
        }
        Error::NameTaken { name, namespace, .. } => {
            format!("{} in use", thing(Kind::Client, name, namespace))
        }
        Error::InUse { kind, name, namespace } => format!("{} in use", thing(*kind, name, namespace)),
        Error::NotEmpty { name, namespace } => format!("{} not empty", thing(Kind::Queue, name, namespace)),
        Error::Locked { name, namespace } => format!(
            "cannot obtain exclusive access to locked {}. It could be originally declared on another connection or \
             the exclusive property value does not match that of the original declaration.",
            thing(Kind::Queue, name, namespace)
        ),
        Error::ExclusiveUse { name, namespace } => {
            format!("{} in exclusive use", thing(Kind::Queue, name, namespace))
        }
        Error::UnknownDelivery { delivery } => format!("unknown delivery tag {delivery}"),
        Error::UserIdMismatch { claimed, actual } => {
            format!("user_id property set to '{claimed}' but authenticated user was '{actual}'")
        }
        Error::Limit { limit, owner, max } => limit_text(*limit, owner, *max),
        Error::Unavailable { reason } => (*reason).to_owned(),
        Error::NotSupported { what } => what.clone(),
        Error::Gone => "the connection or channel is closing".to_owned(),
    }
}

fn limit_text(limit: LimitKind, owner: &Arc<str>, max: u64) -> String {
    match limit {
        LimitKind::Connections => format!("connection refused: node connection limit ({max}) is reached"),
        LimitKind::NamespaceConnections => {
            format!("access to vhost '{owner}' refused: connection limit ({max}) is reached")
        }
        LimitKind::UserConnections => {
            format!("connection refused for user '{owner}': user connection limit ({max}) is reached")
        }
        LimitKind::UserSessions => {
            format!(
                "number of channels opened for user '{owner}' has reached the maximum allowed user limit of ({max})"
            )
        }
        LimitKind::NamespaceQueues => {
            format!("cannot declare queue: queue limit in vhost '{owner}' ({max}) is reached")
        }
        LimitKind::Queues => format!("cannot declare queue: queue limit of the node ({max}) is reached"),
        LimitKind::SessionConsumers => format!("consumer limit of the channel ({max}) is reached"),
        LimitKind::ConsumerQueues => format!("queue limit of a consumer ({max}) is reached"),
        LimitKind::Clients => format!("client limit of the node ({max}) is reached"),
        LimitKind::Subscriptions => {
            format!("client '{owner}' has reached its limit of subscriptions ({max})")
        }
        LimitKind::Retained => format!("limit of retained messages of the node ({max}) is reached"),
        LimitKind::Scheduled => format!("limit of scheduled messages of the node ({max}) is reached"),
        LimitKind::ScheduleRepeats => format!("a scheduled message is repeated at most {max} times"),
        LimitKind::Remark => format!("limit of annotations added to a message ({max} bytes) is reached"),
        LimitKind::Remarks => {
            format!("limit of annotations added to messages of the node ({max} bytes) is reached")
        }
        LimitKind::Staged => format!("transaction is too large: its limit ({max}) is reached"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(error: &Error, expect: &str) {
        assert_eq!(error_text(error), expect);
    }

    #[test]
    fn sentences_that_clients_match_on() {
        let (name, namespace): (Arc<str>, Arc<str>) = ("q".into(), "/".into());
        let queue = |received, current, field: &str| Error::Inequivalent {
            kind: Kind::Queue,
            name: name.clone(),
            namespace: namespace.clone(),
            field: field.into(),
            received,
            current,
        };
        check(
            &Error::NotFound { kind: Kind::Queue, name: name.clone(), namespace: namespace.clone() },
            "no queue 'q' in vhost '/'",
        );
        check(
            &queue(Some(Value::Bool(false)), Some(Value::Bool(true)), "durable"),
            "inequivalent arg 'durable' for queue 'q' in vhost '/': received 'false' but current is 'true'",
        );
        check(
            &queue(None, Some(Value::I32(10)), "x-message-ttl"),
            "inequivalent arg 'x-message-ttl' for queue 'q' in vhost '/': received none but current is the value \
             '10' of type 'signedint'",
        );
        check(
            &queue(Some(Value::I32(6)), Some(Value::I32(5)), "x-max-length"),
            "inequivalent arg 'x-max-length' for queue 'q' in vhost '/': received '6' but current is '5'",
        );
        let invalid = |argument: &str, problem: &str| Error::InvalidArgument {
            kind: Kind::Queue,
            name: name.clone(),
            namespace: namespace.clone(),
            argument: argument.into(),
            problem: problem.into(),
        };
        check(
            &invalid("x-overflow", "invalid_overflow"),
            "invalid arg 'x-overflow' for queue 'q' in vhost '/': invalid_overflow",
        );
        check(
            &invalid("x-delivery-limit", "of queue type rabbit_classic_queue"),
            "invalid arg 'x-delivery-limit' for queue 'q' in vhost '/' of queue type rabbit_classic_queue",
        );
        check(
            &invalid("x-dead-letter-exchange", "{unacceptable_type,signedint}"),
            "invalid type 'signedint' for arg 'x-dead-letter-exchange' in queue 'q' in vhost '/'",
        );
        check(&Error::UnknownDelivery { delivery: 7 }, "unknown delivery tag 7");
    }
}
