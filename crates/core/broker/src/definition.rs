//! Definitions: everything an operator or an application declares. One value describes one change; the log, the
//! checkpoint, replay and definition files all go through it, so there is one place that applies each.

use std::sync::Arc;

use ternmq_access::{Grants, PasswordHash, SaltKey, ScramVerifier};
use ternmq_message::Map;
use ternmq_routing::NodeKind;

use crate::{dialect::QueueClass, lapse::Lapse};

/// A namespace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NamespaceRecord {
    /// Name.
    pub name: Arc<str>,
    /// For people.
    pub description: Arc<str>,
    /// For people and tools.
    pub tags: Vec<Arc<str>>,
    /// Most connections; absent: no limit of its own.
    pub max_connections: Option<u64>,
    /// Most queues; absent: no limit of its own.
    pub max_queues: Option<u64>,
}

/// A node.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeRecord {
    /// Namespace.
    pub namespace: Arc<str>,
    /// Name.
    pub name: Arc<str>,
    /// Kind.
    pub kind: NodeKind,
    /// It outlives a restart.
    pub is_durable: bool,
    /// It goes with the last binding from it.
    pub is_auto_delete: bool,
    /// Clients may not publish to it.
    pub is_internal: bool,
    /// As declared.
    pub arguments: Map,
}

/// A queue.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueRecord {
    /// Number by which log records name it.
    pub id: u32,
    /// Random number of this very queue (I10).
    pub incarnation: u64,
    /// Namespace.
    pub namespace: Arc<str>,
    /// Name.
    pub name: Arc<str>,
    /// What it promises.
    pub class: QueueClass,
    /// It outlives a restart.
    pub is_durable: bool,
    /// It goes with its last consumer.
    pub is_auto_delete: bool,
    /// As declared.
    pub arguments: Map,
}

/// When a durable subscription ends that nobody takes up again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LapseRecord {
    /// Number of its queue.
    pub queue: u32,
    /// `None`: not of itself.
    pub lapse: Option<Lapse>,
    /// Broker time in ms since when its time runs; absent while it does not.
    pub left_at_ms: Option<u64>,
}

/// Kind of a binding's target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// A queue.
    Queue,
    /// A node.
    Node,
}

/// A binding.
#[derive(Clone, Debug, PartialEq)]
pub struct BindingRecord {
    /// Namespace.
    pub namespace: Arc<str>,
    /// Node it starts from.
    pub source: Arc<str>,
    /// Kind of its target.
    pub target_kind: TargetKind,
    /// Name of its target.
    pub target: Arc<str>,
    /// Binding key.
    pub key: Arc<str>,
    /// Arguments.
    pub arguments: Map,
}

/// What a policy may match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AppliesTo {
    /// Queues and nodes.
    #[default]
    All,
    /// Queues of any class.
    Queues,
    /// Classic queues.
    ClassicQueues,
    /// Quorum queues.
    QuorumQueues,
    /// Nodes.
    Nodes,
}

/// Who set a policy: an operator's policy bounds what others set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PolicyRank {
    /// An ordinary policy.
    #[default]
    User,
    /// An operator policy.
    Operator,
}

/// A policy.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyRecord {
    /// Namespace.
    pub namespace: Arc<str>,
    /// Name, unique among the policies of its rank.
    pub name: Arc<str>,
    /// Rank.
    pub rank: PolicyRank,
    /// Regular expression on names.
    pub pattern: Arc<str>,
    /// What it may match.
    pub applies_to: AppliesTo,
    /// The highest one that matches wins.
    pub priority: i32,
    /// What it sets, in the dialect's keys.
    pub definition: Map,
}

/// A user as stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserDefinition {
    /// Name.
    pub name: Arc<str>,
    /// Hash of the password; absent: no login by password.
    pub password: Option<PasswordHash>,
    /// Checks proofs of the same password; absent: no login by challenge.
    pub scram: Option<ScramVerifier>,
    /// Tags.
    pub tags: Vec<Arc<str>>,
    /// Most connections; absent: the node's limit.
    pub max_connections: Option<u64>,
    /// Most sessions; absent: no limit of its own.
    pub max_sessions: Option<u64>,
}

/// What a user of a name is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantsDefinition {
    /// Name of a user that may be there or not.
    pub user: Arc<str>,
    /// Its grants.
    pub grants: Grants,
}

/// What a user may do in a namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PermissionDefinition {
    /// User.
    pub user: Arc<str>,
    /// Namespace.
    pub namespace: Arc<str>,
    /// Pattern of names it may configure.
    pub configure: Arc<str>,
    /// Pattern of names it may write to.
    pub write: Arc<str>,
    /// Pattern of names it may read from.
    pub read: Arc<str>,
}

/// Which routing keys a user may use on a node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyPermissionDefinition {
    /// User.
    pub user: Arc<str>,
    /// Namespace.
    pub namespace: Arc<str>,
    /// Node.
    pub node: Arc<str>,
    /// Pattern of keys it may publish with.
    pub write: Arc<str>,
    /// Pattern of keys it may bind with.
    pub read: Arc<str>,
}

/// A client that outlives its connections.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientRecord {
    /// Number by which log records name it.
    pub id: u32,
    /// Namespace.
    pub namespace: Arc<str>,
    /// Name.
    pub name: Arc<str>,
    /// User that it belongs to.
    pub user: Arc<str>,
    /// How long in ms it is remembered without a connection.
    pub keep_ms: u64,
    /// Broker time in ms since when it has none; absent while it has one.
    pub left_at_ms: Option<u64>,
    /// Number of its queue, if it has one.
    pub queue: Option<u32>,
    /// Tokens of messages that it published once and may publish again.
    pub taken: Vec<u16>,
    /// Tokens of messages that it has and has not forgotten the token of.
    pub released: Vec<u16>,
}

/// A subscription of such a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubscriptionRecord {
    /// Number of the client.
    pub client: u32,
    /// Number among its subscriptions.
    pub number: u32,
    /// Binding key.
    pub key: Arc<str>,
    /// Group that shares it.
    pub group: Option<Arc<str>>,
    /// Number of the queue that the group shares.
    pub queue: Option<u32>,
    /// The adapter's.
    pub label: u64,
    /// It is not for messages of the client itself.
    pub skips_own: bool,
    /// Deliveries for it wait to be settled.
    pub needs_settle: bool,
}

/// One change of the definitions.
#[derive(Clone, Debug, PartialEq)]
pub enum Definition {
    /// The mark of the dialect in which all of this is written: see [`crate::Dialect::mark`].
    PutMark(Arc<str>),
    /// The key that makes salts of names.
    PutSaltKey(SaltKey),
    /// Makes or changes a namespace.
    PutNamespace(NamespaceRecord),
    /// Removes a namespace with all in it.
    DeleteNamespace(Arc<str>),
    /// Makes a node.
    PutNode(NodeRecord),
    /// Removes a node and its bindings.
    DeleteNode {
        /// Namespace.
        namespace: Arc<str>,
        /// Name.
        name: Arc<str>,
    },
    /// Makes a queue.
    PutQueue(QueueRecord),
    /// A queue that ended, of which messages are still read on their way to its dead-letter route. Written by
    /// checkpoints only.
    PutRemnant(QueueRecord),
    /// Removes a queue, its messages and bindings.
    DeleteQueue {
        /// Its number.
        id: u32,
    },
    /// Says when a durable subscription ends, or that it does not.
    PutLapse(LapseRecord),
    /// Makes a binding.
    PutBinding(BindingRecord),
    /// Removes a binding.
    DeleteBinding(BindingRecord),
    /// Makes or changes a user.
    PutUser(UserDefinition),
    /// Removes a user and its permissions.
    DeleteUser(Arc<str>),
    /// Binds a user to grants.
    PutGrants(GrantsDefinition),
    /// Frees a user of its grants.
    DeleteGrants(Arc<str>),
    /// Sets a permission.
    PutPermission(PermissionDefinition),
    /// Takes a permission away.
    DeletePermission {
        /// User.
        user: Arc<str>,
        /// Namespace.
        namespace: Arc<str>,
    },
    /// Sets a key permission.
    PutKeyPermission(KeyPermissionDefinition),
    /// Takes key permissions away: of one node, or all of the user in the namespace.
    DeleteKeyPermission {
        /// User.
        user: Arc<str>,
        /// Namespace.
        namespace: Arc<str>,
        /// Node; absent: every node.
        node: Option<Arc<str>>,
    },
    /// Makes or changes a client.
    PutClient(ClientRecord),
    /// Forgets a client and its subscriptions.
    DeleteClient {
        /// Its number.
        id: u32,
    },
    /// Makes or changes a subscription.
    PutSubscription(SubscriptionRecord),
    /// Ends a subscription.
    DeleteSubscription {
        /// Number of its client.
        client: u32,
        /// Its number there.
        number: u32,
    },
    /// Sets a policy.
    PutPolicy(PolicyRecord),
    /// Takes a policy away.
    DeletePolicy {
        /// Namespace.
        namespace: Arc<str>,
        /// Rank.
        rank: PolicyRank,
        /// Name.
        name: Arc<str>,
    },
}
