//! RabbitMQ's ways over the neutral core.
//!
//! Owns: names and their reserved prefix, predefined exchanges, destinations, the meaning of `x-` arguments and policy keys, and the
//! words of errors. Must not know: frames, sockets, state.

#![forbid(unsafe_code)]

mod arguments;
mod deaths;
mod definitions_node;
mod destination;
mod link;
mod md5;
mod places;
mod schedule;
mod wording;

use std::sync::Arc;

use ternmq_access::Role;
use ternmq_broker::{
    Addresses, ArgumentError, Dialect, Error, LinkAddresses, Places, Predefined, QueueClass, QueueOptions,
    ScheduleWords,
};
use ternmq_message::{History, Map, Value};
use ternmq_queue::GroupTable;
use ternmq_routing::{HashBy, NodeKind, Wildcards};
use ternmq_stdx::{letters_of, quoted};

/// The dialect of an `RABBITMQ` broker.
#[derive(Clone, Copy, Debug, Default)]
pub struct RabbitMq;

/// Exchanges of a new vhost.
static PREDEFINED: &[Predefined] = &[
    Predefined { name: "amq.direct", kind: NodeKind::Direct, is_internal: false },
    Predefined { name: "amq.fanout", kind: NodeKind::Fanout, is_internal: false },
    Predefined { name: "amq.topic", kind: NodeKind::Topic, is_internal: false },
    Predefined { name: "amq.headers", kind: NodeKind::Headers, is_internal: false },
    Predefined { name: "amq.match", kind: NodeKind::Headers, is_internal: false },
    Predefined { name: "amq.rabbitmq.trace", kind: NodeKind::Topic, is_internal: true },
];

fn find<'a>(arguments: &'a Map, name: &str) -> Option<&'a Value> {
    arguments.iter().find(|(key, _)| &**key == name).map(|(_, value)| value)
}

fn text_argument(arguments: &Map, name: &str) -> Result<Option<Arc<str>>, ArgumentError> {
    match find(arguments, name) {
        None => Ok(None),
        Some(Value::Str(text)) => Ok(Some(text.clone())),
        Some(other) => Err(ArgumentError {
            argument: name.into(),
            problem: arguments::unacceptable_type(other),
            is_unsupported: false,
        }),
    }
}

/// What a consistent-hash exchange looks at.
fn hash_by(arguments: &Map) -> Result<HashBy, ArgumentError> {
    if let Some(header) = text_argument(arguments, "hash-header")? {
        return Ok(HashBy::Header(header));
    }
    match text_argument(arguments, "hash-property")?.as_deref() {
        None => Ok(HashBy::Key),
        Some("message_id") => Ok(HashBy::MessageId),
        Some("correlation_id") => Ok(HashBy::CorrelationId),
        Some("timestamp") => Ok(HashBy::Timestamp),
        Some(other) => Err(ArgumentError {
            argument: "hash-property".into(),
            problem: format!("{} is not one of message_id, correlation_id, timestamp", quoted(other)),
            is_unsupported: false,
        }),
    }
}

impl Dialect for RabbitMq {
    fn error_text(&self, error: &Error) -> String {
        wording::error_text(error)
    }

    fn queue_options(&self, arguments: &Map) -> Result<QueueOptions, ArgumentError> {
        arguments::queue_options(arguments)
    }

    fn class_argument(&self) -> &'static str {
        "x-queue-type"
    }

    fn class_name(&self, class: QueueClass) -> &'static str {
        match class {
            QueueClass::Classic => "classic",
            QueueClass::Quorum => "quorum",
        }
    }

    fn compared_arguments(&self) -> &'static [&'static str] {
        arguments::COMPARED
    }

    fn compared_node_arguments(&self) -> &'static [&'static str] {
        &["alternate-exchange"]
    }

    fn policy_options(&self, definition: &Map) -> Result<QueueOptions, ArgumentError> {
        arguments::policy_options(definition)
    }

    fn node_fallback(&self, arguments: &Map) -> Result<Option<Arc<str>>, ArgumentError> {
        text_argument(arguments, "alternate-exchange")
    }

    fn node_kind_name(&self, kind: &NodeKind) -> &'static str {
        match kind {
            NodeKind::Direct => "direct",
            NodeKind::Fanout => "fanout",
            NodeKind::Topic => "topic",
            NodeKind::Headers => "headers",
            NodeKind::Hash(_) => "x-consistent-hash",
        }
    }

    fn node_kind(&self, kind_name: &str, arguments: &Map) -> Result<Option<NodeKind>, ArgumentError> {
        Ok(match kind_name {
            "direct" => Some(NodeKind::Direct),
            "fanout" => Some(NodeKind::Fanout),
            "topic" => Some(NodeKind::Topic),
            "headers" => Some(NodeKind::Headers),
            "x-consistent-hash" => Some(NodeKind::Hash(hash_by(arguments)?)),
            _ => None,
        })
    }

    fn is_reserved(&self, name: &str) -> bool {
        name.starts_with("amq.")
    }

    fn generated_name(&self, random: [u8; 16]) -> String {
        format!("amq.gen-{}", letters_of(random))
    }

    fn default_node_alias(&self) -> &'static str {
        "amq.default"
    }

    fn principal_variables(&self, user: &Arc<str>, namespace: &str) -> Vec<(Arc<str>, Arc<str>)> {
        vec![("username".into(), user.clone()), ("vhost".into(), namespace.into())]
    }

    fn role_of_tag(&self, tag: &str) -> Option<Role> {
        match tag {
            "administrator" => Some(Role::Administrator),
            "monitoring" => Some(Role::Monitor),
            "policymaker" => Some(Role::PolicyMaker),
            "management" => Some(Role::Console),
            "impersonator" => Some(Role::Impersonator),
            _ => None,
        }
    }

    /// Groups come with messages of protocols that have them; those of AMQP 0-9-1 are in none.
    fn queue_defaults(&self, _: &str) -> QueueOptions {
        QueueOptions { groups: Some(GroupTable::Recent(1_024)), ..QueueOptions::default() }
    }

    fn predefined(&self) -> &'static [Predefined] {
        PREDEFINED
    }

    fn default_namespace(&self) -> &'static str {
        "/"
    }

    fn history_headers(&self, history: &History) -> Map {
        deaths::headers(history)
    }

    fn wildcards(&self) -> Wildcards {
        Wildcards::DOT_STAR_HASH
    }

    fn topic_node(&self) -> &'static str {
        "amq.topic"
    }

    fn client_queue_name(&self, client: &str) -> String {
        format!("mqtt-subscription-{client}qos1")
    }

    fn group_queue_name(&self, group: &str, key: &str) -> String {
        format!("mqtt-share-{group}-{key}")
    }

    fn consumer_priority(&self, arguments: &Map) -> Result<i32, ArgumentError> {
        match find(arguments, "x-priority") {
            None => Ok(0),
            // Past what is compared, one is as high or low as the other.
            Some(value) => match value.as_i64() {
                Some(priority) => {
                    let bound = if priority < 0 { i32::MIN } else { i32::MAX };
                    Ok(i32::try_from(priority).unwrap_or(bound))
                }
                None => Err(ArgumentError {
                    argument: "x-priority".into(),
                    problem: arguments::no_integer(value),
                    is_unsupported: false,
                }),
            },
        }
    }

    fn addresses(&self) -> Option<&dyn Addresses> {
        Some(self)
    }

    fn link_addresses(&self) -> Option<&dyn LinkAddresses> {
        Some(self)
    }

    fn places(&self) -> Option<&dyn Places> {
        Some(self)
    }

    fn schedule_words(&self) -> Option<&'static ScheduleWords> {
        Some(&schedule::SCHEDULE)
    }

    fn value_text(&self, value: &Value) -> String {
        wording::value_text(value)
    }
}
