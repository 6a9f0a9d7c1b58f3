//! The sentences of errors, after ActiveMQ's where its clients know one.

use std::sync::Arc;

use ternmq_broker::{Error, Kind, LimitKind, QueueProperty, Verb};
use ternmq_message::Value;
use ternmq_stdx::{quoted, shown};

use crate::names::{is_own, parts_of_subscription, queue_permission};

/// A thing with its kind and name, as every sentence names it.
fn thing(kind: Kind, name: &str) -> String {
    match kind {
        Kind::Namespace => format!("broker {}", quoted(name)),
        Kind::Node if is_own(name) => name.to_owned(),
        Kind::Node => format!("destination {}", quoted(name)),
        Kind::Queue => match parts_of_subscription(name) {
            Some((client, name)) => format!("subscription {} of client {}", quoted(name), quoted(&client)),
            None => queue_permission(name).into_owned(),
        },
        Kind::Binding => format!("subscription to {}", quoted(name)),
        Kind::User => format!("user {}", quoted(name)),
        Kind::Policy => format!("policy {}", quoted(name)),
        Kind::Client => format!("client {}", quoted(name)),
    }
}

fn not_found(kind: Kind, name: &str) -> String {
    if let (Kind::Queue, Some((client, name))) = (kind, parts_of_subscription(name)) {
        return format!("No durable subscription exists for clientID: {client} and subscriptionName: {name}");
    }
    match kind {
        Kind::Queue | Kind::Node => format!("The destination {} does not exist.", thing(kind, name)),
        _ => format!("There is no {}.", thing(kind, name)),
    }
}

fn in_use(kind: Kind, name: &str) -> String {
    if let (Kind::Queue, Some((client, name))) = (kind, parts_of_subscription(name)) {
        return format!("Durable consumer is in use for client: {client} and subscriptionName: {name}");
    }
    format!("The {} is in use.", thing(kind, name))
}

fn refused(verb: Verb, kind: Kind, name: &str, user: &str) -> String {
    let what = match verb {
        Verb::Access if kind == Kind::Client => {
            return format!("The client {} belongs to another user than {user}.", quoted(name));
        }
        Verb::Access => return format!("User {user} is not authorized to use this broker."),
        Verb::Configure => "create",
        Verb::Delete => "remove",
        Verb::Write => "write to",
        Verb::Read => "read from",
    };
    format!("User {user} is not authorized to {what}: {name}")
}

/// A value as plain text.
pub(crate) fn value_text(value: &Value) -> String {
    match (value.as_str(), value.as_i64(), value) {
        (Some(text), _, _) => text.chars().take(64).collect(),
        (_, Some(number), _) => number.to_string(),
        (_, _, Value::Bool(truth)) => truth.to_string(),
        (_, _, Value::F32(number)) => number.to_string(),
        (_, _, Value::F64(number)) => number.to_string(),
        (_, _, Value::Timestamp(seconds)) => seconds.to_string(),
        (_, _, Value::Null) => "nothing".to_owned(),
        _ => "a value of several parts".to_owned(),
    }
}

/// The sentence for an error.
pub(crate) fn error_text(error: &Error) -> String {
    let side = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), value_text);
    match error {
        Error::NotFound { kind, name, .. } => not_found(*kind, name),
        Error::Refused { verb, kind, name, user, .. } => refused(*verb, *kind, name, user),
        Error::KeyRefused { verb, key, user, .. } => {
            refused(*verb, Kind::Node, &format!("topic://{key}"), user)
        }
        Error::Inequivalent { kind, name, field, received, current, .. } => format!(
            "The {} exists with {field} {}, not {}.",
            thing(*kind, name),
            side(current.as_ref()),
            side(received.as_ref())
        ),
        Error::ReservedName { name, .. } => {
            format!("The name {} is reserved: names of the broker's own hold ://", quoted(name))
        }
        Error::Undeletable { name, .. } => format!("The {} can't be removed.", thing(Kind::Node, name)),
        Error::InvalidName { kind, name } => format!(
            "The name {} is not valid for a {}: it must have 1 to 255 bytes and no control characters.",
            quoted(name),
            if *kind == Kind::Client { "client" } else { "destination" }
        ),
        Error::InvalidArgument { kind, name, argument, problem, .. } => {
            format!("The option {argument} of {} is not valid: {problem}", thing(*kind, name))
        }
        Error::Unfit { name, property, .. } => {
            let property = match property {
                QueueProperty::NotDurable => "not be kept over a restart",
                QueueProperty::Exclusive => "belong to one connection",
                QueueProperty::AutoDelete => "go with its last consumer",
            };
            format!("The {} can't {property}.", thing(Kind::Queue, name))
        }
        Error::DefaultNode => "Queues need no such thing.".to_owned(),
        Error::Internal { node, .. } => format!("Cannot send to the {}.", thing(Kind::Node, node)),
        Error::InUse { kind, name, .. } => in_use(*kind, name),
        Error::NameTaken { name, namespace, peer } => {
            let peer = peer.map_or_else(|| "elsewhere".to_owned(), |peer| format!("tcp://{peer}"));
            format!("Broker: {namespace} - Client: {} already connected from {peer}", shown(name))
        }
        Error::NotEmpty { name, .. } => format!("The {} is not empty.", thing(Kind::Queue, name)),
        Error::Locked { name, .. } => {
            format!("The {} belongs to another connection.", thing(Kind::Queue, name))
        }
        Error::ExclusiveUse { name, .. } => in_use(Kind::Queue, name),
        Error::UnknownDelivery { .. } => "Unexpected acknowledgement: no such message is pending".to_owned(),
        Error::UserIdMismatch { claimed, actual } => {
            format!("The message says that it comes from user {claimed}, but the user is {actual}.")
        }
        Error::Limit { limit, owner, max } => limit_text(*limit, owner, *max),
        Error::Unavailable { reason } => (*reason).to_owned(),
        Error::NotSupported { what } => what.clone(),
        Error::Gone => "The connection is closing.".to_owned(),
    }
}

fn limit_text(limit: LimitKind, owner: &Arc<str>, max: u64) -> String {
    let what = match limit {
        LimitKind::Connections | LimitKind::NamespaceConnections => "connections of the broker".to_owned(),
        LimitKind::UserConnections => format!("connections of user {owner}"),
        LimitKind::UserSessions => format!("sessions of user {owner}"),
        LimitKind::NamespaceQueues | LimitKind::Queues => "destinations of the broker".to_owned(),
        LimitKind::SessionConsumers => "consumers of a connection".to_owned(),
        LimitKind::ConsumerQueues => "queues of a consumer".to_owned(),
        LimitKind::Clients => "clients of the broker".to_owned(),
        LimitKind::Subscriptions => format!("subscriptions of client {owner}"),
        LimitKind::Retained => "retained messages of the broker".to_owned(),
        LimitKind::Scheduled => "scheduled messages of the broker".to_owned(),
        LimitKind::ScheduleRepeats => return "The scheduled repeat value is too large".to_owned(),
        LimitKind::Remark => "bytes of annotations that are added to a message".to_owned(),
        LimitKind::Remarks => "bytes of annotations that are added to messages of the broker".to_owned(),
        LimitKind::Staged => "messages of a transaction".to_owned(),
    };
    format!("The limit of {what} ({max}) is reached.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_that_clients_know() {
        let check = |error: &Error, expect: &str| assert_eq!(error_text(error), expect);
        let (name, namespace): (Arc<str>, Arc<str>) = ("q".into(), "localhost".into());
        let refused = |verb, kind, name: &str| Error::Refused {
            verb,
            kind,
            name: name.into(),
            namespace: namespace.clone(),
            user: "u".into(),
        };
        check(
            &Error::NotFound { kind: Kind::Queue, name, namespace: namespace.clone() },
            "The destination queue://q does not exist.",
        );
        check(
            &Error::NotFound {
                kind: Kind::Queue,
                name: "consumer://c%2F1/n".into(),
                namespace: namespace.clone(),
            },
            "No durable subscription exists for clientID: c/1 and subscriptionName: n",
        );
        check(
            &Error::ExclusiveUse { name: "consumer://c/n".into(), namespace: namespace.clone() },
            "Durable consumer is in use for client: c and subscriptionName: n",
        );
        check(
            &refused(Verb::Read, Kind::Node, "topic://a"),
            "User u is not authorized to read from: topic://a",
        );
        check(
            &refused(Verb::Write, Kind::Queue, "queue://q"),
            "User u is not authorized to write to: queue://q",
        );
        check(
            &refused(Verb::Access, Kind::Namespace, "localhost"),
            "User u is not authorized to use this broker.",
        );
    }
}
