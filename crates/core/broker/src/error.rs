//! Why the core refuses. Neutral: adapters choose reply codes, the dialect chooses words.

use std::{net::SocketAddr, sync::Arc};

use ternmq_message::Value;

/// Kind of thing that an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A namespace.
    Namespace,
    /// An exchange node.
    Node,
    /// A queue.
    Queue,
    /// A binding.
    Binding,
    /// A user.
    User,
    /// A policy.
    Policy,
    /// A client that is known by name.
    Client,
}

/// What a principal wanted to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Make, change.
    Configure,
    /// Delete.
    Delete,
    /// Publish, bind a target.
    Write,
    /// Consume, bind a source.
    Read,
    /// Enter the namespace.
    Access,
}

/// A property that not every class of queue can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueProperty {
    /// Gone with a restart.
    NotDurable,
    /// Bound to a connection.
    Exclusive,
    /// Gone with its last consumer.
    AutoDelete,
}

/// Which limit was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitKind {
    /// Connections of this node.
    Connections,
    /// Connections of a namespace.
    NamespaceConnections,
    /// Connections of a user.
    UserConnections,
    /// Sessions of a user.
    UserSessions,
    /// Queues of a namespace.
    NamespaceQueues,
    /// Queues of this node.
    Queues,
    /// Consumers of a session.
    SessionConsumers,
    /// Queues of a consumer.
    ConsumerQueues,
    /// Unsettled deliveries and staged commands of a session.
    Staged,
    /// Clients known by name.
    Clients,
    /// Subscriptions of a client.
    Subscriptions,
    /// Retained messages of this node, or their bytes.
    Retained,
    /// Scheduled messages of this node, or their bytes.
    Scheduled,
    /// Repetitions of a scheduled message.
    ScheduleRepeats,
    /// Bytes that consumers remark on one message.
    Remark,
    /// Bytes that consumers remark on messages of this node.
    Remarks,
}

/// One refusal. Nothing was changed when a call answers with one, unless its doc says otherwise.
#[derive(Clone, Debug, PartialEq)]
pub enum Error {
    /// There is no such thing.
    NotFound {
        /// Kind of thing.
        kind: Kind,
        /// Its name.
        name: Arc<str>,
        /// Namespace searched.
        namespace: Arc<str>,
    },
    /// The principal may not.
    Refused {
        /// Wanted action.
        verb: Verb,
        /// Kind of thing.
        kind: Kind,
        /// Its name.
        name: Arc<str>,
        /// Namespace.
        namespace: Arc<str>,
        /// Who asked.
        user: Arc<str>,
    },
    /// The principal may not use this routing key on this node.
    KeyRefused {
        /// Wanted action.
        verb: Verb,
        /// Node.
        node: Arc<str>,
        /// Routing key.
        key: Arc<str>,
        /// Namespace.
        namespace: Arc<str>,
        /// Who asked.
        user: Arc<str>,
    },
    /// It exists with another property or argument.
    Inequivalent {
        /// Kind of thing.
        kind: Kind,
        /// Its name.
        name: Arc<str>,
        /// Namespace.
        namespace: Arc<str>,
        /// Property (`durable`, `auto_delete`, `exclusive`, `type`, `internal`) or argument name.
        field: Arc<str>,
        /// What was asked for now.
        received: Option<Value>,
        /// What it has.
        current: Option<Value>,
    },
    /// The name is reserved for the broker.
    ReservedName {
        /// Kind of thing.
        kind: Kind,
        /// The name.
        name: Arc<str>,
    },
    /// The node is one of the broker's own and stays.
    Undeletable {
        /// Node.
        name: Arc<str>,
        /// Namespace.
        namespace: Arc<str>,
    },
    /// The name breaks the rules for names (255 B of UTF-8, no control characters).
    InvalidName {
        /// Kind of thing.
        kind: Kind,
        /// The name.
        name: Arc<str>,
    },
    /// An argument has a wrong type or value.
    InvalidArgument {
        /// Kind of thing.
        kind: Kind,
        /// Its name.
        name: Arc<str>,
        /// Namespace.
        namespace: Arc<str>,
        /// Argument.
        argument: Arc<str>,
        /// What is wrong, in the dialect's words.
        problem: String,
    },
    /// A queue of the wanted class can't have the property.
    Unfit {
        /// Queue.
        name: Arc<str>,
        /// Namespace.
        namespace: Arc<str>,
        /// The property.
        property: QueueProperty,
    },
    /// The default node can't be bound, unbound, declared or deleted.
    DefaultNode,
    /// The thing may not be published to or deleted by clients.
    Internal {
        /// Node.
        node: Arc<str>,
        /// Namespace.
        namespace: Arc<str>,
    },
    /// Deletion asked for "if unused", and it is used.
    InUse {
        /// Kind of thing.
        kind: Kind,
        /// Its name.
        name: Arc<str>,
        /// Namespace.
        namespace: Arc<str>,
    },
    /// Another connection has this client's name, which is one connection's alone.
    NameTaken {
        /// The name.
        name: Arc<str>,
        /// Namespace.
        namespace: Arc<str>,
        /// Where the other one came from.
        peer: Option<SocketAddr>,
    },
    /// Deletion asked for "if empty", and it is not.
    NotEmpty {
        /// Queue.
        name: Arc<str>,
        /// Namespace.
        namespace: Arc<str>,
    },
    /// The queue belongs to another connection, or to one where it was declared as everybody's, or the other way round.
    Locked {
        /// Queue.
        name: Arc<str>,
        /// Namespace.
        namespace: Arc<str>,
    },
    /// Exclusive use was asked for or is held by a consumer.
    ExclusiveUse {
        /// Queue.
        name: Arc<str>,
        /// Namespace.
        namespace: Arc<str>,
    },
    /// No unsettled delivery of this number in the session.
    UnknownDelivery {
        /// The number.
        delivery: u64,
    },
    /// The claimed user id is not the connection's user.
    UserIdMismatch {
        /// Claimed.
        claimed: Arc<str>,
        /// Actual.
        actual: Arc<str>,
    },
    /// A limit is reached.
    Limit {
        /// Which.
        limit: LimitKind,
        /// Namespace or user that it belongs to; empty for the node.
        owner: Arc<str>,
        /// Its value.
        max: u64,
    },
    /// The node is not accepting this kind of work now (draining, log poisoned, disk full).
    Unavailable {
        /// Why.
        reason: &'static str,
    },
    /// What was asked for is not there yet.
    NotSupported {
        /// What.
        what: String,
    },
    /// The connection or session is gone.
    Gone,
}

impl Error {
    /// The texts in it that a peer or a file may have chosen, for whoever has to shorten them (B7).
    pub fn texts_mut(&mut self) -> Vec<&mut Arc<str>> {
        match self {
            Self::NotFound { name, namespace, .. }
            | Self::Undeletable { name, namespace }
            | Self::Unfit { name, namespace, .. }
            | Self::Internal { node: name, namespace }
            | Self::InUse { name, namespace, .. }
            | Self::NameTaken { name, namespace, .. }
            | Self::NotEmpty { name, namespace }
            | Self::Locked { name, namespace }
            | Self::ExclusiveUse { name, namespace } => vec![name, namespace],
            Self::Refused { name, namespace, user, .. } => vec![name, namespace, user],
            Self::KeyRefused { node, key, namespace, user, .. } => vec![node, key, namespace, user],
            Self::Inequivalent { name, namespace, field: text, .. }
            | Self::InvalidArgument { name, namespace, argument: text, .. } => vec![name, namespace, text],
            Self::ReservedName { name, .. } | Self::InvalidName { name, .. } => vec![name],
            Self::UserIdMismatch { claimed, actual } => vec![claimed, actual],
            Self::Limit { owner, .. } => vec![owner],
            Self::DefaultNode
            | Self::UnknownDelivery { .. }
            | Self::Unavailable { .. }
            | Self::NotSupported { .. }
            | Self::Gone => Vec::new(),
        }
    }
}
