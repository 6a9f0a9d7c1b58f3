//! What a queue obeys, after arguments, policies and operator policies are merged.

use std::sync::Arc;

/// What happens when a queue is at its length limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// The oldest ready messages go, to the dead-letter route if there is one.
    #[default]
    DropHead,
    /// The new message is refused.
    RejectPublish,
    /// The new message is refused and sent down the dead-letter route.
    RejectPublishDeadLetter,
}

/// Where messages go that leave a queue other than by acceptance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetterRoute {
    /// Node that they are published to.
    pub node: Arc<str>,
    /// Routing key they get; their own when absent.
    pub key: Option<Arc<str>>,
    /// Only what has to be kept and expired, was refused or failed too often goes there. What need not be kept, and what a
    /// limit pushed out, is dropped instead.
    pub is_for_kept_failures: bool,
}

/// How a queue remembers which consumer has which message group. Each number is 1..=1,048,576; one outside is taken as the
/// nearest of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupTable {
    /// At least this many of the groups used last, at most twice as many.
    Recent(u32),
    /// All groups, in this many buckets: those of one bucket share a consumer.
    Buckets(u32),
}

/// Settings of one queue. Absent means: no limit of this kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueSettings {
    /// Time to live of each message in ms, from its arrival here; the shorter of this and the message's own counts.
    pub message_ttl_ms: Option<u64>,
    /// The queue itself goes after this many ms without consumers and use.
    pub idle_expiry_ms: Option<u64>,
    /// Idleness does not end it while it has messages.
    pub is_kept_while_filled: bool,
    /// Most ready messages.
    pub max_length: Option<u64>,
    /// Most bytes of ready bodies.
    pub max_length_bytes: Option<u64>,
    /// What happens at those limits.
    pub overflow: Overflow,
    /// Dead-letter route.
    pub dead_letter: Option<DeadLetterRoute>,
    /// Highest priority, 1..=255; absent: priorities are not looked at.
    pub max_priority: Option<u8>,
    /// Only one consumer at a time gets messages, the others stand by.
    pub is_single_active: bool,
    /// A message given back more often than this is dead-lettered or dropped (F17).
    pub delivery_limit: Option<u32>,
    /// Messages of a group go to one consumer while it lives; absent: groups are not looked at.
    pub groups: Option<GroupTable>,
    /// An unsettled delivery older than this many ms ends its session (F16).
    pub consumer_timeout_ms: Option<u64>,
}
