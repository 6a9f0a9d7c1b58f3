//! Limits of one node on everything that peers can drive (I11). Every value is settable; 0 never means unlimited.

/// Limits and their defaults, as `guarantees.md` section 6 has them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest body in bytes.
    pub max_message_bytes: u64,
    /// Most connections of the node.
    pub max_connections: u32,
    /// Most connections of one user.
    pub max_connections_per_user: u32,
    /// Most queues of the node.
    pub max_queues: u32,
    /// Most consumers of one session.
    pub max_consumers_per_session: u32,
    /// Most queues of one consumer.
    pub max_queues_per_consumer: u32,
    /// Most publishes and settlements staged in one transaction.
    pub max_staged: u32,
    /// Most bytes of messages staged in one transaction.
    pub max_staged_bytes: u64,
    /// Most branches of distributed transactions of the node, prepared or not.
    pub max_branches: u32,
    /// Most bytes of messages in all prepared branches together.
    pub max_prepared_bytes: u64,
    /// Most producers that are known again when they send messages again.
    pub max_producers: u32,
    /// Time in ms for which such a producer is known after its last message.
    pub producer_keep_ms: u64,
    /// Age in ms at which an unsettled delivery ends its session, unless the queue says otherwise; absent: never.
    pub consumer_timeout_ms: Option<u64>,
    /// Bytes of bodies that may be in memory before queues hold back more of their backlog on disk.
    pub resident_bytes: u64,
    /// Most clients known by name, here or away.
    pub max_clients: u32,
    /// Most subscriptions of one client.
    pub max_subscriptions_per_client: u32,
    /// Longest name of a client in bytes.
    pub max_client_name_bytes: u32,
    /// Longest time in ms that a client is remembered without a connection.
    pub max_client_keep_ms: u64,
    /// Most retained messages of the node.
    pub max_retained: u32,
    /// Most bytes of retained messages of the node.
    pub max_retained_bytes: u64,
    /// Most scheduled messages of the node.
    pub max_scheduled: u32,
    /// Most bytes of scheduled messages of the node.
    pub max_scheduled_bytes: u64,
    /// Most repetitions of a scheduled message that are counted; without an end there may be more.
    pub max_schedule_repeats: u32,
    /// Most bytes that consumers may remark on one message.
    pub max_remark_bytes: u64,
    /// Most bytes of all remarks of the node.
    pub max_remarks_bytes: u64,
    /// Bytes that may be ready for a connected client before messages that need not be kept are passed over.
    pub client_backlog_bytes: u64,
    /// Log bytes after which a checkpoint is due.
    pub checkpoint_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_message_bytes: 16 << 20,
            max_connections: 100_000,
            max_connections_per_user: 50_000,
            max_queues: 200_000,
            max_consumers_per_session: 1_000,
            max_queues_per_consumer: 1_000,
            max_staged: 100_000,
            max_staged_bytes: 256 << 20,
            max_branches: 1_000,
            max_prepared_bytes: 256 << 20,
            max_producers: 4_096,
            producer_keep_ms: 7_200_000,
            consumer_timeout_ms: Some(1_800_000),
            resident_bytes: 512 << 20,
            max_clients: 200_000,
            max_subscriptions_per_client: 10_000,
            max_client_name_bytes: 1_024,
            max_client_keep_ms: 7 * 86_400_000,
            max_retained: 1_000_000,
            max_retained_bytes: 256 << 20,
            max_scheduled: 1_000_000,
            max_scheduled_bytes: 256 << 20,
            max_schedule_repeats: 1_000,
            max_remark_bytes: 16 << 10,
            max_remarks_bytes: 16 << 20,
            client_backlog_bytes: 16 << 20,
            checkpoint_bytes: 64 << 20,
        }
    }
}
