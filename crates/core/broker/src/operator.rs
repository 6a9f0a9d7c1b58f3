//! What operators see: plain copies of the state, made on demand, away from the message path.

use std::sync::Arc;

use ternmq_message::Map;
use ternmq_routing::{NodeKind, Target};

use crate::{
    broker::Broker,
    connection::{Connection, ConnectionInfo},
    definition::{BindingRecord, NodeRecord, TargetKind},
    dialect::QueueClass,
    effect::{ConnectionId, ConsumerId, SessionId},
    namespace::Namespace,
    settings::Effective,
};

/// A queue as an operator sees it.
#[derive(Clone, Debug)]
pub struct QueueView {
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
    /// The connection that alone may use it.
    pub owner: Option<ConnectionId>,
    /// As declared.
    pub arguments: Map,
    /// What it obeys, and why.
    pub effective: Effective,
    /// Policy that counts for it.
    pub policy: Option<Arc<str>>,
    /// Operator policy that counts for it.
    pub operator_policy: Option<Arc<str>>,
    /// Ready messages.
    pub ready_count: u64,
    /// Bytes of their bodies.
    pub ready_bytes: u64,
    /// Unsettled messages.
    pub unsettled_count: u64,
    /// Consumers.
    pub consumer_count: u32,
    /// Bytes of bodies in memory.
    pub resident_bytes: u64,
    /// The single active consumer.
    pub active_consumer: Option<ConsumerId>,
    /// Broker time in ms of the last use.
    pub used_at_ms: u64,
}

/// A node as an operator sees it.
#[derive(Clone, Debug)]
pub struct NodeView {
    /// What it was declared with.
    pub record: NodeRecord,
    /// Policy that counts for it.
    pub policy: Option<Arc<str>>,
}

/// A connection as an operator sees it.
#[derive(Clone, Debug)]
pub struct ConnectionView {
    /// Handle.
    pub id: ConnectionId,
    /// What is known of it.
    pub info: ConnectionInfo,
    /// User.
    pub user: Arc<str>,
    /// Namespace.
    pub namespace: Arc<str>,
    /// Open sessions.
    pub session_count: u32,
    /// It has published.
    pub is_publisher: bool,
    /// Broker time in ms of its start.
    pub connected_at_ms: u64,
}

/// A session as an operator sees it.
#[derive(Clone, Debug)]
pub struct SessionView {
    /// Handle.
    pub id: SessionId,
    /// Its connection.
    pub connection: ConnectionId,
    /// The adapter's label.
    pub label: u32,
    /// Name of its connection.
    pub connection_name: Arc<str>,
    /// User.
    pub user: Arc<str>,
    /// Namespace.
    pub namespace: Arc<str>,
    /// Consumers.
    pub consumer_count: u32,
    /// Unsettled deliveries.
    pub unsettled_count: u32,
    /// It has a transaction.
    pub is_transactional: bool,
}

/// A consumer as an operator sees it.
#[derive(Clone, Debug)]
pub struct ConsumerView {
    /// Handle.
    pub id: ConsumerId,
    /// Its session.
    pub session: SessionId,
    /// Its connection.
    pub connection: ConnectionId,
    /// The adapter's label of its session.
    pub session_label: u32,
    /// The adapter's label.
    pub label: u32,
    /// Namespace.
    pub namespace: Arc<str>,
    /// Queue.
    pub queue: Arc<str>,
    /// Deliveries wait to be settled.
    pub needs_settle: bool,
    /// Nobody else may consume.
    pub is_exclusive: bool,
    /// Most unsettled deliveries.
    pub window: Option<u32>,
    /// Priority.
    pub priority: i32,
}

/// Sums over the node.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Connections.
    pub connections: u64,
    /// Sessions.
    pub sessions: u64,
    /// Consumers.
    pub consumers: u64,
    /// Queues.
    pub queues: u64,
    /// Nodes.
    pub nodes: u64,
    /// Ready messages.
    pub ready: u64,
    /// Unsettled messages.
    pub unsettled: u64,
    /// Bytes of bodies in memory.
    pub resident_bytes: u64,
}

impl Broker {
    /// Queues of a namespace, or of all.
    #[must_use]
    pub fn queue_views(&self, namespace: Option<&str>) -> Vec<QueueView> {
        let wanted = match namespace {
            None => None,
            Some(name) => match self.namespaces.find(name) {
                Some(id) => Some(id),
                None => return Vec::new(),
            },
        };
        self.queues
            .iter()
            .filter(|(_, slot)| !slot.is_private && wanted.is_none_or(|id| slot.namespace == id))
            .filter_map(|(id, _)| self.view_queue(id))
            .collect()
    }

    /// One queue.
    #[must_use]
    pub fn queue_view(&self, namespace: &str, name: &str) -> Option<QueueView> {
        let id = self.find_queue(self.namespaces.find(namespace)?, name)?;
        self.view_queue(id)
    }

    fn view_queue(&self, id: u32) -> Option<QueueView> {
        let slot = self.queues.get(id)?;
        let namespace = self.namespaces.name(slot.namespace);
        let effective = self.effective(&namespace, &slot.name, slot.class, slot.options.as_deref());
        let (policy, operator_policy) = self.policy_names(&namespace, &slot.name, slot.class);
        let active = slot.machine.active_consumer().and_then(|key| self.consumers.handle_at(key));
        Some(QueueView {
            namespace,
            name: slot.name.clone(),
            class: slot.class,
            is_durable: slot.is_durable,
            is_auto_delete: slot.is_auto_delete,
            owner: slot.owner,
            arguments: slot.arguments.clone(),
            effective,
            policy,
            operator_policy,
            ready_count: slot.machine.ready_count(),
            ready_bytes: slot.machine.ready_bytes(),
            unsettled_count: slot.machine.unsettled_count() as u64,
            consumer_count: u32::try_from(slot.machine.consumer_count()).unwrap_or(u32::MAX),
            resident_bytes: slot.machine.resident_bytes(),
            active_consumer: active.map(ConsumerId::from),
            used_at_ms: slot.used_at_ms,
        })
    }

    /// Nodes of a namespace.
    #[must_use]
    pub fn node_views(&self, namespace: &str) -> Vec<NodeView> {
        let Some(space) = self.namespaces.find(namespace).and_then(|id| self.namespaces.get(id)) else {
            return Vec::new();
        };
        let mut records = vec![NodeRecord {
            namespace: space.record.name.clone(),
            name: Arc::default(),
            kind: NodeKind::Direct,
            is_durable: true,
            is_auto_delete: false,
            is_internal: false,
            arguments: Map::new(),
        }];
        records.extend(self.node_records(space));
        records
            .into_iter()
            .map(|record| NodeView { policy: self.node_policy_name(namespace, &record.name), record })
            .collect()
    }

    /// Bindings of a namespace, without the default node's.
    #[must_use]
    pub fn binding_views(&self, namespace: &str) -> Vec<BindingRecord> {
        match self.namespaces.find(namespace).and_then(|id| self.namespaces.get(id)) {
            Some(space) => self.binding_records(space),
            None => Vec::new(),
        }
    }

    pub(crate) fn node_records(&self, space: &Namespace) -> Vec<NodeRecord> {
        let specs = space.topology.node_ids().into_iter().filter_map(|id| space.topology.node(id));
        specs
            .filter(|spec| !spec.name.is_empty())
            .map(|spec| NodeRecord {
                namespace: space.record.name.clone(),
                name: spec.name.to_shared(),
                kind: spec.kind.clone(),
                is_durable: spec.is_durable,
                is_auto_delete: spec.is_auto_delete,
                is_internal: spec.is_internal,
                arguments: spec.arguments.clone(),
            })
            .collect()
    }

    pub(crate) fn binding_records(&self, space: &Namespace) -> Vec<BindingRecord> {
        let topology = &space.topology;
        let record = |binding: &ternmq_routing::Binding| {
            let (target_kind, target) = match binding.target {
                Target::Queue(id) => (TargetKind::Queue, topology.queue_name(id)?.to_shared()),
                Target::Node(id) => (TargetKind::Node, topology.node(id)?.name.to_shared()),
            };
            Some(BindingRecord {
                namespace: space.record.name.clone(),
                source: topology.node(binding.source)?.name.to_shared(),
                target_kind,
                target,
                key: binding.key.clone(),
                arguments: binding.arguments.clone(),
            })
        };
        topology.bindings().filter_map(record).collect()
    }

    /// All connections.
    #[must_use]
    pub fn connection_views(&self) -> Vec<ConnectionView> {
        let views = self.connections.iter();
        views.map(|(handle, connection)| self.view_connection(handle.into(), connection)).collect()
    }

    /// One connection. `None`: the handle is stale.
    #[must_use]
    pub fn connection_view(&self, id: ConnectionId) -> Option<ConnectionView> {
        Some(self.view_connection(id, self.connections.get(id.into())?))
    }

    fn view_connection(&self, id: ConnectionId, connection: &Connection) -> ConnectionView {
        ConnectionView {
            id,
            info: ConnectionInfo::clone(&connection.info),
            user: connection.principal.user().clone(),
            namespace: self.namespaces.name(connection.namespace),
            session_count: u32::try_from(connection.sessions.len()).unwrap_or(u32::MAX),
            is_publisher: connection.is_publisher,
            connected_at_ms: connection.connected_at_ms,
        }
    }

    /// All sessions.
    #[must_use]
    pub fn session_views(&self) -> Vec<SessionView> {
        let view = |id: SessionId, session: &crate::session_state::SessionState| {
            let connection = self.connections.get(session.connection.into())?;
            Some(SessionView {
                id,
                connection: session.connection,
                label: session.label,
                connection_name: connection.info.name.clone(),
                user: connection.principal.user().clone(),
                namespace: self.namespaces.name(session.namespace),
                consumer_count: u32::try_from(session.consumers.len()).unwrap_or(u32::MAX),
                unsettled_count: session.unsettled_count,
                is_transactional: session.staged.is_some(),
            })
        };
        self.sessions.iter().filter_map(|(handle, session)| view(handle.into(), session)).collect()
    }

    /// All consumers.
    #[must_use]
    pub fn consumer_views(&self) -> Vec<ConsumerView> {
        self.consumers
            .iter()
            .filter_map(|(handle, consumer)| {
                let slot = self.queues.get(consumer.queue)?;
                Some(ConsumerView {
                    id: handle.into(),
                    session: consumer.session,
                    connection: consumer.connection,
                    session_label: consumer.session_label,
                    label: consumer.label,
                    namespace: self.namespaces.name(slot.namespace),
                    queue: slot.name.clone(),
                    needs_settle: consumer.needs_settle,
                    is_exclusive: consumer.is_exclusive,
                    window: consumer.window,
                    priority: consumer.priority,
                })
            })
            .collect()
    }

    /// Sums over the node. Looks at every queue.
    #[must_use]
    pub fn totals(&self) -> Totals {
        let mut totals = Totals {
            connections: self.connections.len() as u64,
            sessions: self.sessions.len() as u64,
            consumers: (self.consumers.len() - self.wides.count()) as u64,
            queues: self.queues.len() as u64,
            nodes: self.namespaces.iter().map(|(_, n)| n.topology.node_ids().len() as u64).sum(),
            resident_bytes: u64::try_from(self.resident_bytes).unwrap_or(0),
            ..Totals::default()
        };
        for (_, slot) in self.queues.iter() {
            totals.ready += slot.machine.ready_count();
            totals.unsettled += slot.machine.unsettled_count() as u64;
        }
        totals
    }
}
