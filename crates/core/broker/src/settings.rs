//! Merging of what arguments, a policy, an operator policy and the class set, each value with its origin.

use std::sync::Arc;

use ternmq_queue::{DeadLetterRoute, QueueSettings};

use crate::dialect::{QueueClass, QueueOptions};

/// Where the value in force comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The default of the queue's class, or the dialect's for its name.
    Default,
    /// The queue's own arguments.
    Argument,
    /// A policy.
    Policy,
    /// An operator policy.
    OperatorPolicy,
}

/// What a queue obeys, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Effective {
    /// The settings.
    pub settings: QueueSettings,
    /// Names of the settings that something set, with the origin of each.
    pub origins: Vec<(&'static str, Origin)>,
}

/// Delivery limit of quorum queues when nothing sets one (F17).
const QUORUM_DELIVERY_LIMIT: u32 = 20;

struct Merge<'a> {
    arguments: &'a QueueOptions,
    policy: &'a QueueOptions,
    operator: &'a QueueOptions,
    /// The dialect's, for what nothing else sets.
    defaults: &'a QueueOptions,
    origins: Vec<(&'static str, Origin)>,
}

impl Merge<'_> {
    /// The queue's own word, then the policy's, then the operator's.
    fn first<T: Clone>(&mut self, name: &'static str, pick: fn(&QueueOptions) -> Option<T>) -> Option<T> {
        let found = [
            (self.arguments, Origin::Argument),
            (self.policy, Origin::Policy),
            (self.operator, Origin::OperatorPolicy),
            (self.defaults, Origin::Default),
        ]
        .into_iter()
        .find_map(|(options, origin)| pick(options).map(|value| (value, origin)));
        found.map(|(value, origin)| {
            self.origins.push((name, origin));
            value
        })
    }

    /// A bound: the smallest of all counts, so that an operator's policy can't be exceeded.
    fn least<T: Copy + Ord>(
        &mut self,
        name: &'static str,
        pick: fn(&QueueOptions) -> Option<T>,
    ) -> Option<T> {
        let least = [
            (self.arguments, Origin::Argument),
            (self.policy, Origin::Policy),
            (self.operator, Origin::OperatorPolicy),
        ]
        .into_iter()
        .filter_map(|(options, origin)| pick(options).map(|value| (value, origin)))
        .min_by_key(|(value, _)| *value)
        .or_else(|| pick(self.defaults).map(|value| (value, Origin::Default)));
        least.map(|(value, origin)| {
            self.origins.push((name, origin));
            value
        })
    }
}

/// Merges all sources.
pub(crate) fn merge(
    class: QueueClass,
    defaults: &QueueOptions,
    arguments: &QueueOptions,
    policy: Option<&QueueOptions>,
    operator: Option<&QueueOptions>,
) -> Effective {
    let none = QueueOptions::default();
    let mut merge = Merge {
        arguments,
        policy: policy.unwrap_or(&none),
        operator: operator.unwrap_or(&none),
        defaults,
        origins: Vec::new(),
    };
    let dead_letter_node = merge.first("dead_letter_node", |o| o.dead_letter_node.clone());
    let dead_letter_key = merge.first("dead_letter_key", |o| o.dead_letter_key.clone());
    let is_for_kept_failures =
        merge.first("dead_letter_for_kept_failures", |o| o.is_dead_letter_for_kept_failures).unwrap_or(false);
    let delivery_limit = merge.least("delivery_limit", |o| o.delivery_limit);
    let settings = QueueSettings {
        message_ttl_ms: merge.least("message_ttl_ms", |o| o.message_ttl_ms),
        idle_expiry_ms: merge.least("idle_expiry_ms", |o| o.idle_expiry_ms),
        is_kept_while_filled: merge
            .first("is_kept_while_filled", |o| o.is_kept_while_filled)
            .unwrap_or(false),
        max_length: merge.least("max_length", |o| o.max_length),
        max_length_bytes: merge.least("max_length_bytes", |o| o.max_length_bytes),
        overflow: merge.first("overflow", |o| o.overflow).unwrap_or_default(),
        dead_letter: dead_letter_node.map(|node| DeadLetterRoute {
            node,
            key: dead_letter_key,
            is_for_kept_failures,
        }),
        max_priority: arguments.max_priority,
        is_single_active: arguments.is_single_active.unwrap_or(false),
        delivery_limit: match (delivery_limit, class) {
            (Some(limit), _) => Some(limit),
            (None, QueueClass::Quorum) => Some(QUORUM_DELIVERY_LIMIT),
            (None, QueueClass::Classic) => None,
        },
        groups: merge.first("groups", |o| o.groups),
        consumer_timeout_ms: merge.first("consumer_timeout_ms", |o| o.consumer_timeout_ms),
    };
    if settings.delivery_limit.is_some() && delivery_limit.is_none() {
        merge.origins.push(("delivery_limit", Origin::Default));
    }
    Effective { settings, origins: merge.origins }
}

/// Equal settings of many queues are one object.
#[derive(Debug, Default)]
pub(crate) struct SharedSettings {
    recent: Vec<Arc<QueueSettings>>,
}

impl SharedSettings {
    /// Most objects kept for sharing; further ones are shared by nobody.
    const MAX: usize = 64;

    pub(crate) fn share(&mut self, settings: QueueSettings) -> Arc<QueueSettings> {
        if let Some(same) = self.recent.iter().find(|known| ***known == settings) {
            return Arc::clone(same);
        }
        let settings = Arc::new(settings);
        if self.recent.len() == Self::MAX {
            self.recent.remove(0);
        }
        self.recent.push(Arc::clone(&settings));
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ttl(ms: u64) -> QueueOptions {
        QueueOptions { message_ttl_ms: Some(ms), ..Default::default() }
    }

    #[test]
    fn the_smallest_bound_counts_with_its_origin() {
        let merged =
            merge(QueueClass::Classic, &QueueOptions::default(), &ttl(50), Some(&ttl(20)), Some(&ttl(30)));
        assert_eq!(merged.settings.message_ttl_ms, Some(20));
        assert_eq!(merged.origins, [("message_ttl_ms", Origin::Policy)]);
        let merged = merge(QueueClass::Classic, &QueueOptions::default(), &ttl(50), None, Some(&ttl(30)));
        assert_eq!(merged.origins, [("message_ttl_ms", Origin::OperatorPolicy)]);
    }

    #[test]
    fn the_dialects_default_counts_where_nothing_else_is_set() {
        let merged = merge(QueueClass::Classic, &ttl(10), &QueueOptions::default(), None, None);
        assert_eq!(merged.settings.message_ttl_ms, Some(10));
        assert_eq!(merged.origins, [("message_ttl_ms", Origin::Default)]);
        let merged = merge(QueueClass::Classic, &ttl(10), &QueueOptions::default(), Some(&ttl(50)), None);
        assert_eq!(merged.settings.message_ttl_ms, Some(50));
    }

    #[test]
    fn a_name_is_taken_from_the_queue_first() {
        let node = |name: &str| QueueOptions { dead_letter_node: Some(name.into()), ..Default::default() };
        let merged =
            merge(QueueClass::Classic, &QueueOptions::default(), &node("own"), Some(&node("policy")), None);
        assert_eq!(merged.settings.dead_letter.map(|route| route.node.to_string()), Some("own".to_owned()));
    }

    #[test]
    fn f17_quorum_queues_have_a_delivery_limit() {
        let none = QueueOptions::default();
        assert_eq!(merge(QueueClass::Quorum, &none, &none, None, None).settings.delivery_limit, Some(20));
        assert_eq!(merge(QueueClass::Classic, &none, &none, None, None).settings.delivery_limit, None);
    }
}
