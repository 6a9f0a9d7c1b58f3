//! A dialect without any vendor's ways: arguments are named as the settings are.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ternmq_access::Role;
use ternmq_broker::{ArgumentError, Dialect, Error, Predefined, QueueClass, QueueOptions};
use ternmq_message::{Map, Value};
use ternmq_queue::Overflow;
use ternmq_routing::{NodeKind, Wildcards};

use crate::node::MARK;

/// The dialect of the simulated node. Clones share the mark.
#[derive(Clone, Debug, Default)]
pub struct PlainDialect {
    mark: Arc<AtomicU64>,
}

impl PlainDialect {
    /// The next queue that the core makes for a client gets this mark; see [`MARK`].
    pub(crate) fn set_mark(&self, mark: u64) {
        self.mark.store(mark, Ordering::Relaxed);
    }
}

fn options(arguments: &Map) -> Result<QueueOptions, ArgumentError> {
    let mut options = QueueOptions::default();
    for (name, value) in arguments {
        let number = value.as_i64().and_then(|number| u64::try_from(number).ok());
        match &**name {
            "message_ttl_ms" => options.message_ttl_ms = number,
            "max_length" => options.max_length = number,
            "dead_letter_node" => options.dead_letter_node = value.as_str().map(Arc::from),
            "dead_letter_key" => options.dead_letter_key = value.as_str().map(Arc::from),
            "max_priority" => options.max_priority = number.and_then(|number| u8::try_from(number).ok()),
            "is_single_active" => options.is_single_active = value.as_bool(),
            "delivery_limit" => options.delivery_limit = number.and_then(|number| u32::try_from(number).ok()),
            "reject_publish" => options.overflow = Some(Overflow::RejectPublish),
            // Tells a queue from an earlier one of its name; it has no effect.
            "mark" => {}
            "quorum" => options.class = Some(QueueClass::Quorum),
            _ => {
                let problem = "there is no such setting".to_owned();
                return Err(ArgumentError { argument: name.clone(), problem, is_unsupported: false });
            }
        }
    }
    Ok(options)
}

/// Whether a queue has a name of a pattern: a beginning and a star.
pub(crate) fn is_matching(pattern: &str, queue: &str) -> bool {
    pattern.strip_suffix('*').is_some_and(|start| queue.starts_with(start))
}

impl Dialect for PlainDialect {
    fn is_matching_queue(&self, pattern: &str, queue: &str) -> bool {
        is_matching(pattern, queue)
    }

    fn error_text(&self, error: &Error) -> String {
        format!("{error:?}")
    }

    fn queue_options(&self, arguments: &Map) -> Result<QueueOptions, ArgumentError> {
        options(arguments)
    }

    fn class_argument(&self) -> &'static str {
        "quorum"
    }

    fn class_name(&self, class: QueueClass) -> &'static str {
        match class {
            QueueClass::Classic => "classic",
            QueueClass::Quorum => "quorum",
        }
    }

    fn compared_arguments(&self) -> &'static [&'static str] {
        &["message_ttl_ms", "max_length", "dead_letter_node", "dead_letter_key", "max_priority"]
    }

    fn compared_node_arguments(&self) -> &'static [&'static str] {
        &[]
    }

    fn policy_options(&self, definition: &Map) -> Result<QueueOptions, ArgumentError> {
        options(definition)
    }

    fn node_fallback(&self, _: &Map) -> Result<Option<Arc<str>>, ArgumentError> {
        Ok(None)
    }

    fn node_kind_name(&self, kind: &NodeKind) -> &'static str {
        match kind {
            NodeKind::Direct => "direct",
            NodeKind::Fanout => "fanout",
            NodeKind::Topic => "topic",
            NodeKind::Headers => "headers",
            NodeKind::Hash(_) => "hash",
        }
    }

    fn node_kind(&self, kind_name: &str, _: &Map) -> Result<Option<NodeKind>, ArgumentError> {
        let kinds = [NodeKind::Direct, NodeKind::Fanout, NodeKind::Topic, NodeKind::Headers];
        Ok(kinds.into_iter().find(|kind| self.node_kind_name(kind) == kind_name))
    }

    fn is_reserved(&self, name: &str) -> bool {
        name.starts_with("sys.")
    }

    fn generated_name(&self, random: [u8; 16]) -> String {
        format!("sys.made-{:032x}", u128::from_le_bytes(random))
    }

    fn default_node_alias(&self) -> &'static str {
        "sys.default"
    }

    fn principal_variables(&self, user: &Arc<str>, _: &str) -> Vec<(Arc<str>, Arc<str>)> {
        vec![("user".into(), user.clone())]
    }

    fn role_of_tag(&self, tag: &str) -> Option<Role> {
        (tag == "admin").then_some(Role::Administrator)
    }

    fn predefined(&self) -> &'static [Predefined] {
        &[
            Predefined { name: "sys.fanout", kind: NodeKind::Fanout, is_internal: false },
            Predefined { name: "sys.topic", kind: NodeKind::Topic, is_internal: false },
        ]
    }

    fn default_namespace(&self) -> &'static str {
        "main"
    }

    fn wildcards(&self) -> Wildcards {
        Wildcards::DOT_STAR_HASH
    }

    fn topic_node(&self) -> &'static str {
        "sys.topic"
    }

    fn client_queue_name(&self, client: &str) -> String {
        format!("client.{client}")
    }

    fn client_queue_arguments(&self) -> Map {
        let mark = i64::try_from(self.mark.load(Ordering::Relaxed)).unwrap_or(i64::MAX);
        [(Arc::from(MARK), Value::I64(mark))].into_iter().collect()
    }

    fn group_queue_name(&self, group: &str, _: &str) -> String {
        format!("group.{group}")
    }

    fn consumer_priority(&self, _: &Map) -> Result<i32, ArgumentError> {
        Ok(0)
    }

    fn value_text(&self, value: &Value) -> String {
        format!("{value:?}")
    }
}
