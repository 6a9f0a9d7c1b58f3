//! Connections and their sessions: entering, leaving, what they own.

use std::{net::SocketAddr, sync::Arc};

use ternmq_access::Principal;
use ternmq_message::Map;
use ternmq_queue::{Blame, Gate, SessionIndex};
use ternmq_stdx::Handle;

use crate::{
    broker::Broker,
    effect::{ConnectionId, Effect, SessionId},
    error::{Error, Kind, LimitKind, Verb},
    lapse::Holder,
    namespace::NamespaceId,
    session_state::SessionState,
    sole_name::SoleName,
};

/// What is known of a connection, for people and operators.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConnectionInfo {
    /// Name, unique among living connections.
    pub name: Arc<str>,
    /// Protocol and version, for people.
    pub protocol: Arc<str>,
    /// Address of the peer.
    pub peer: Option<SocketAddr>,
    /// Address it came to.
    pub local: Option<SocketAddr>,
    /// What the client says of itself.
    pub client_properties: Map,
    /// Name that the client gave itself.
    pub user_provided_name: Option<Arc<str>>,
    /// Most sessions, as negotiated.
    pub channel_max: u16,
    /// Longest frame in bytes, as negotiated.
    pub frame_max: u32,
    /// Heartbeat in s, 0 for none.
    pub heartbeat_s: u16,
    /// How it logged in.
    pub auth_mechanism: Arc<str>,
    /// What its client calls the connection itself.
    pub own_id: Option<Arc<str>>,
}

/// One connection.
pub(crate) struct Connection {
    pub(crate) info: Box<ConnectionInfo>,
    pub(crate) principal: Principal,
    pub(crate) namespace: NamespaceId,
    pub(crate) sessions: Vec<SessionId>,
    pub(crate) owned_queues: Vec<u32>,
    pub(crate) is_congested: bool,
    pub(crate) is_publisher: bool,
    pub(crate) connected_at_ms: u64,
    /// Name that it alone may have.
    pub(crate) sole_name: Option<SoleName>,
    /// It was told of.
    pub(crate) is_told: bool,
}

impl From<Handle> for SessionId {
    fn from(handle: Handle) -> Self {
        Self { index: handle.index, generation: handle.generation }
    }
}

impl From<SessionId> for Handle {
    fn from(id: SessionId) -> Self {
        Self { index: id.index, generation: id.generation }
    }
}

impl Broker {
    /// Lets a logged-in user into a namespace.
    ///
    /// # Errors
    /// No such namespace, no access to it, or a limit of the node, the namespace or the user is reached.
    pub fn connect(
        &mut self,
        user: &Arc<str>,
        namespace: &str,
        info: ConnectionInfo,
    ) -> Result<ConnectionId, Error> {
        let id = self.require_namespace_id(namespace)?;
        let principal = self.principal(user, namespace);
        if !self.may_enter(&principal, namespace) {
            return Err(Error::Refused {
                verb: Verb::Access,
                kind: Kind::Namespace,
                name: namespace.into(),
                namespace: namespace.into(),
                user: user.clone(),
            });
        }
        self.check_connection_limits(id, user)?;
        self.add_connection(id, principal, info)
    }

    /// Lets the node itself into a namespace, to do what its own configuration says: no permission is asked and no limit
    /// of connections counts. Never for a peer (S5).
    ///
    /// # Errors
    /// No such namespace.
    pub fn connect_node(&mut self, namespace: &str, info: ConnectionInfo) -> Result<ConnectionId, Error> {
        let id = self.require_namespace_id(namespace)?;
        self.add_connection(id, Principal::node(self.node_name.clone()), info)
    }

    fn require_namespace_id(&self, namespace: &str) -> Result<NamespaceId, Error> {
        self.namespaces.find(namespace).ok_or_else(|| Error::NotFound {
            kind: Kind::Namespace,
            name: namespace.into(),
            namespace: namespace.into(),
        })
    }

    fn add_connection(
        &mut self,
        id: NamespaceId,
        principal: Principal,
        info: ConnectionInfo,
    ) -> Result<ConnectionId, Error> {
        let user = principal.user().clone();
        let connection = Connection {
            info: Box::new(info),
            principal,
            namespace: id,
            sessions: Vec::new(),
            owned_queues: Vec::new(),
            is_congested: false,
            is_publisher: false,
            connected_at_ms: self.time.ms(),
            sole_name: None,
            is_told: false,
        };
        let handle = self.connections.insert(connection).ok_or(Error::Gone)?;
        self.note_connection(handle.into());
        if let Some(namespace) = self.namespaces.get_mut(id) {
            namespace.connection_count += 1;
        }
        self.authority.count_connection(&user, 1);
        self.counters.connections_opened += 1;
        Ok(handle.into())
    }

    fn check_connection_limits(&self, namespace: NamespaceId, user: &Arc<str>) -> Result<(), Error> {
        let reached = |limit, owner: Arc<str>, max| Err(Error::Limit { limit, owner, max });
        let node_max = u64::from(self.limits.max_connections);
        if self.connections.len() as u64 >= node_max {
            return reached(LimitKind::Connections, self.node_name.clone(), node_max);
        }
        if let Some(namespace) = self.namespaces.get(namespace)
            && let Some(max) = namespace.record.max_connections
            && namespace.connection_count >= max
        {
            return reached(LimitKind::NamespaceConnections, namespace.record.name.clone(), max);
        }
        let user_max = u64::from(self.limits.max_connections_per_user);
        let max = self.authority.max_connections(user).unwrap_or(user_max).min(user_max);
        if self.authority.connection_count(user) >= max {
            return reached(LimitKind::UserConnections, user.clone(), max);
        }
        Ok(())
    }

    /// The connection is gone: its sessions close, its exclusive queues go. A stale handle does nothing.
    pub fn disconnect(&mut self, id: ConnectionId) {
        self.vacate(id);
        let Some(connection) = self.connections.remove(id.into()) else { return };
        if let Some(namespace) = self.namespaces.get_mut(connection.namespace) {
            namespace.connection_count = namespace.connection_count.saturating_sub(1);
        }
        self.authority.count_connection(connection.principal.user(), -1);
        self.counters.connections_closed += 1;
    }

    /// Takes from a connection what it has: its sessions close, its exclusive queues go, its name is free.
    pub(crate) fn vacate(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get_mut(id.into()) else { return };
        let sessions = std::mem::take(&mut connection.sessions);
        self.drop_branches_of(id);
        self.end_sessions(&sessions, Blame::Consumer);
        self.release_lapses(Holder::Connection(id));
        self.close_producers(id);
        let Some(connection) = self.connections.get_mut(id.into()) else { return };
        for queue in std::mem::take(&mut connection.owned_queues) {
            self.drop_queue(queue);
        }
        self.note_connection_gone(id);
        self.free_name(id);
    }

    /// Asks the adapter of a connection to say goodbye. False for a stale handle.
    pub fn close_connection(&mut self, id: ConnectionId, reason: &str) -> bool {
        if self.connections.get(id.into()).is_none() {
            return false;
        }
        self.effects.push((id, Effect::Close { reason: reason.into() }));
        true
    }

    /// Opens a session of a connection. `label` comes back with each of its effects.
    ///
    /// # Errors
    /// The connection is gone, or its user has too many sessions.
    pub fn open_session(&mut self, connection: ConnectionId, label: u32) -> Result<SessionId, Error> {
        let owner = self.connections.get(connection.into()).ok_or(Error::Gone)?;
        let (namespace, user) = (owner.namespace, owner.principal.user().clone());
        if let Some(max) = self.authority.max_sessions(&user)
            && self.authority.session_count(&user) >= max
        {
            return Err(Error::Limit { limit: LimitKind::UserSessions, owner: user, max });
        }
        let gate = if owner.is_congested { Gate::Shut } else { Gate::Open };
        let state = SessionState::new(connection, label, namespace, self.time.ms());
        let id: SessionId = self.sessions.insert(state).ok_or(Error::Gone)?.into();
        self.windows.start(SessionIndex(id.index));
        self.windows.set_open(SessionIndex(id.index), gate);
        if let Some(owner) = self.connections.get_mut(connection.into()) {
            owner.sessions.push(id);
        }
        self.authority.count_session(&user, 1);
        self.counters.sessions_opened += 1;
        Ok(id)
    }

    /// Closes a session: its consumers end, what it staged is dropped, what it has not settled goes back to its
    /// queues in order and counts as given back by its consumer (F17).
    pub fn close_session(&mut self, id: SessionId) {
        self.end_sessions(&[id], Blame::Consumer);
    }

    /// As [`Broker::close_session`], but the broker is the cause: redeliveries do not count (F17).
    pub fn drain_session(&mut self, id: SessionId) {
        self.end_sessions(&[id], Blame::Broker);
    }

    /// Ends sessions together: first all consumers leave, then all entries go back, and only then do the queues go on,
    /// so that nobody is served out of order (I5) and nothing is handed to a session that is about to go.
    fn end_sessions(&mut self, ids: &[SessionId], blame: Blame) {
        let mut left = Vec::new();
        let mut touched = Vec::new();
        for id in ids {
            self.unstage_settles(*id);
            self.windows.set_open(SessionIndex(id.index), Gate::Shut);
            let Some(session) = self.sessions.get_mut((*id).into()) else { continue };
            for consumer in std::mem::take(&mut session.consumers) {
                left.extend(self.take_from_all(consumer));
            }
        }
        for id in ids {
            self.give_back_quietly(*id, blame, &mut touched);
        }
        for id in ids {
            self.forget_session(*id);
        }
        self.run_dead_letters();
        touched.extend(left.iter().copied());
        touched.sort_unstable();
        touched.dedup();
        for queue in touched {
            self.run_queue(queue);
        }
        for queue in left {
            self.after_last_consumer(queue);
        }
        for id in ids {
            self.release_lapses(Holder::Session(*id));
        }
        self.wake_wides();
    }

    fn forget_session(&mut self, id: SessionId) {
        let Some(session) = self.sessions.remove(id.into()) else { return };
        if let Some(client) = session.client {
            self.on_client_left(client, id);
        }
        if let Some(connection) = self.connections.get_mut(session.connection.into()) {
            connection.sessions.retain(|open| *open != id);
            let user = connection.principal.user().clone();
            self.authority.count_session(&user, -1);
        }
        self.counters.sessions_closed += 1;
    }

    /// The peer lets deliveries come or holds them off.
    pub fn set_flow(&mut self, id: SessionId, gate: Gate) {
        if let Some(session) = self.sessions.get_mut(id.into()) {
            session.is_flowing = gate == Gate::Open;
            self.refresh_gate(id);
        }
    }

    /// The host's output buffer of the connection is full, or has drained (F16).
    pub fn set_congested(&mut self, id: ConnectionId, is_congested: bool) {
        let Some(connection) = self.connections.get_mut(id.into()) else { return };
        if connection.is_congested == is_congested {
            return;
        }
        connection.is_congested = is_congested;
        for session in connection.sessions.clone() {
            self.refresh_gate(session);
        }
    }

    fn refresh_gate(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get(id.into()) else { return };
        let is_congested = self.connections.get(session.connection.into()).is_none_or(|c| c.is_congested);
        let gate = if session.is_flowing && !is_congested { Gate::Open } else { Gate::Shut };
        self.windows.set_open(SessionIndex(id.index), gate);
        if gate == Gate::Open {
            self.wake_session(id);
        }
    }

    /// User of a connection.
    #[must_use]
    pub fn connection_user(&self, id: ConnectionId) -> Option<Arc<str>> {
        self.connections.get(id.into()).map(|connection| connection.principal.user().clone())
    }

    /// Marks a connection as one that publishes.
    pub fn note_publisher(&mut self, id: ConnectionId) {
        if let Some(connection) = self.connections.get_mut(id.into()) {
            connection.is_publisher = true;
        }
    }

    /// Principal and namespace of a session.
    pub(crate) fn who(&self, id: SessionId) -> Result<(Principal, NamespaceId, ConnectionId), Error> {
        let session = self.sessions.get(id.into()).ok_or(Error::Gone)?;
        let connection = self.connections.get(session.connection.into()).ok_or(Error::Gone)?;
        Ok((connection.principal.clone(), session.namespace, session.connection))
    }
}
