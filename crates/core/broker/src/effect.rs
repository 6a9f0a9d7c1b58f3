//! What the core wants done for a connection.

use std::sync::Arc;

use ternmq_message::Message;

/// Handle of a connection: index and generation, so that a stale handle never meets a newer connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId {
    /// Index, reused.
    pub index: u32,
    /// Raised at each reuse.
    pub generation: u32,
}

/// Stands where a connection is asked for and none of them is meant.
pub(crate) const NOBODY: ConnectionId = ConnectionId { index: u32::MAX, generation: u32::MAX };

/// Handle of a session of a connection (a 0-9-1 channel, a 1.0 link's session, an MQTT connection as one).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId {
    /// Index, reused; also the key of its credit window.
    pub index: u32,
    /// Raised at each reuse.
    pub generation: u32,
}

/// Handle of a consumer, given by [`crate::Broker::consume`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConsumerId {
    /// Index, reused.
    pub index: u32,
    /// Raised at each reuse.
    pub generation: u32,
}

/// Number of a delivery in its session: 1, 2, 3 … in the order they were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DeliveryId(pub u64);

/// A message for a consumer.
#[derive(Debug)]
pub struct Deliver {
    /// The adapter's label of the session, as given at [`crate::Broker::open_session`].
    pub session_label: u32,
    /// The adapter's label of the consumer, as given at [`crate::Broker::consume`].
    pub consumer_label: u32,
    /// Number of the delivery in the session. Deliveries that need no settlement are numbered too.
    pub delivery: DeliveryId,
    /// Number of the message in its queue: the same at each delivery, also after a restart.
    pub seq: u64,
    /// The message.
    pub message: Message,
    /// It was handed out before.
    pub is_redelivered: bool,
    /// How often it was given back in a way that counts; present only on queues with a delivery limit.
    pub failed_count: Option<u32>,
    /// The same on any queue.
    pub failures: u32,
    /// Broker time in ms at which it expires in its queue, if it does.
    pub expires_at_ms: Option<u64>,
    /// The consumer gets the message's group with it, and had not got it before.
    pub is_group_first: bool,
}

/// A message for a consumer of several queues.
#[derive(Debug)]
pub struct DeliverFrom {
    /// The queue that it comes from.
    pub queue: Arc<str>,
    /// The queue stands for a subscription of the consumer: its name says nothing to anybody.
    pub is_subscription: bool,
    /// The message.
    pub deliver: Deliver,
}

/// Why a consumer ended without its session asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// Its queue was deleted or expired.
    QueueGone,
    /// An operator or a policy change ended it.
    Administrative,
    /// It was too slow. What it had not settled is back in its queues.
    TooSlow,
}

/// One effect for one connection.
#[derive(Debug)]
pub enum Effect {
    /// Hand a message to a consumer.
    Deliver(Deliver),
    /// The same to a consumer made by [`crate::Broker::consume_several`].
    DeliverFrom(Box<DeliverFrom>),
    /// A consumer is no more.
    ConsumerEnded {
        /// Label of its session.
        session_label: u32,
        /// Label of the consumer.
        consumer_label: u32,
        /// Why.
        reason: EndReason,
    },
    /// The session ends with an error (an unsettled delivery grew too old, F16). The core has closed it already.
    SessionEnded {
        /// Label of the session.
        session_label: u32,
        /// Milliseconds of the timeout that ran out.
        timeout_ms: u64,
    },
    /// A message that a fetch had to wait for is in memory now: fetch again.
    Loaded {
        /// Label of the session.
        session_label: u32,
    },
    /// The client of this session is served on another connection now. The core has closed the session already.
    TakenOver {
        /// Label of the session.
        session_label: u32,
    },
    /// The connection must go: an operator closed it, its user or namespace was deleted, the node drains.
    Close {
        /// Reason for the peer.
        reason: Arc<str>,
    },
    /// Publishers must pause (true) or may go on (false): memory or disk alarm (F4, F13). Sent to every connection.
    Blocked {
        /// Whether publishers are held back now.
        is_blocked: bool,
        /// Reason for people, such as "low on memory".
        reason: &'static str,
    },
}
