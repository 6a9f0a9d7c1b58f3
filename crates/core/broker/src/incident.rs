//! Things that went wrong and that an operator must hear of.

use std::{net::IpAddr, sync::Arc};

/// One such thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incident {
    /// The list of a chunk could not be read: its messages are set aside (F5).
    ChunkDamaged {
        /// Namespace of the queue.
        namespace: Arc<str>,
        /// Queue.
        queue: Arc<str>,
        /// Messages that are not served.
        count: u64,
    },
    /// Messages could not be read (F5).
    MessagesDamaged {
        /// Namespace of the queue.
        namespace: Arc<str>,
        /// Queue.
        queue: Arc<str>,
        /// How many.
        count: u64,
    },
    /// A range of the log could not be read at the start (F5).
    LogDamaged {
        /// First log position of the range.
        from: u64,
        /// One past its last.
        to: u64,
    },
    /// A login was refused (S15).
    LoginRefused {
        /// User that it claimed.
        user: Arc<str>,
        /// Where from.
        peer: Option<IpAddr>,
    },
    /// A consumer, or its connection, was ended because it was too slow.
    TooSlow {
        /// Namespace of its queue.
        namespace: Arc<str>,
        /// Queue at which it was slow.
        queue: Arc<str>,
        /// Where its client came from.
        peer: Option<IpAddr>,
        /// Its whole connection goes.
        is_connection: bool,
    },
    /// A queue that a consumer should take from is one too many for it. Told once, until it has room for all.
    QueueLeftOut {
        /// Namespace of the queue.
        namespace: Arc<str>,
        /// Queue.
        queue: Arc<str>,
        /// Most queues of one consumer.
        max: u32,
    },
    /// A scheduled message came due and went nowhere (S5).
    ScheduledDropped {
        /// Namespace.
        namespace: Arc<str>,
        /// Node that it was for.
        node: Arc<str>,
        /// Its key.
        key: Arc<str>,
        /// User that scheduled it; empty: the broker.
        user: Arc<str>,
        /// Why.
        reason: &'static str,
    },
    /// The state of a queue is missing from the checkpoint: it starts with what came after.
    SnapshotMissing {
        /// Queue.
        queue: Arc<str>,
    },
}
