//! A client comes by a connection, goes with it, and is forgotten in the end.

use std::sync::Arc;

use crate::{
    broker::{Broker, Done},
    clients::{Client, ClientId},
    definition::Definition,
    effect::{ConsumerId, Effect, SessionId},
    error::{Error, Kind, LimitKind, Verb},
    log::Receipt,
    queues::QueueSpec,
    timers::TimerKey,
};

/// A client that comes.
#[derive(Clone, Copy, Debug)]
pub struct ClientSpec<'a> {
    /// Its name.
    pub name: &'a str,
    /// How long in ms it is to be remembered without a connection; 0: not at all. More than the limit is the limit.
    pub keep_ms: u64,
    /// What was kept for it before is not wanted.
    pub is_fresh: bool,
}

/// A client that has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attached {
    /// Its number.
    pub client: ClientId,
    /// What was kept for it is there.
    pub is_resumed: bool,
    /// How long in ms it will be remembered.
    pub keep_ms: u64,
}

/// A client as an operator sees it.
#[derive(Clone, Debug)]
pub struct ClientView {
    /// Namespace.
    pub namespace: Arc<str>,
    /// Name.
    pub name: Arc<str>,
    /// User that it belongs to.
    pub user: Arc<str>,
    /// The session that serves it now.
    pub session: Option<SessionId>,
    /// How long in ms it is remembered without a connection.
    pub keep_ms: u64,
    /// Its queue.
    pub queue: Option<Arc<str>>,
    /// Subscriptions.
    pub subscription_count: usize,
}

impl Broker {
    /// Brings a client to a session, which serves it from now on: deliveries to it begin with
    /// [`Broker::start_client`]. A session that served it before is closed and hears [`Effect::TakenOver`].
    ///
    /// # Errors
    /// An invalid name, a client of another user, too many clients, or the session is gone.
    pub fn attach_client(
        &mut self,
        session: SessionId,
        spec: &ClientSpec<'_>,
    ) -> Result<Done<Attached>, Error> {
        let (principal, namespace, connection) = self.who(session)?;
        let is_valid = !spec.name.is_empty()
            && spec.name.len() <= self.limits.max_client_name_bytes as usize
            && !spec.name.contains(char::is_control);
        if !is_valid {
            return Err(Error::InvalidName { kind: Kind::Client, name: spec.name.into() });
        }
        if let Some(known) = self.clients.find(namespace, spec.name) {
            let owner = self.clients.get(known).map(|client| client.user.clone());
            if owner.is_some_and(|owner| owner != *principal.user()) {
                return Err(Error::Refused {
                    verb: Verb::Access,
                    kind: Kind::Client,
                    name: spec.name.into(),
                    namespace: self.namespaces.name(namespace),
                    user: principal.user().clone(),
                });
            }
            let is_away = self.clients.get(known).is_some_and(|client| client.session.is_none());
            if is_away {
                // It is here again before its will was due, and that counts whatever it wants of what was kept: MQTT-3.1.2-8
                // speaks of a connection for the identifier. One that is taken over is not away, and publishes it.
                self.clear_will(known);
            }
            self.take_over(known);
        }
        self.take_client_name(connection, &spec.name.into())?;
        let known = self.clients.find(namespace, spec.name);
        if let Some(known) = known.filter(|_| spec.is_fresh) {
            self.end_client(known);
        }
        let keep_ms = spec.keep_ms.min(self.limits.max_client_keep_ms);
        let (client, is_resumed) = match known.filter(|_| !spec.is_fresh) {
            Some(known) => {
                self.resume(known, keep_ms);
                (known, true)
            }
            None => (self.add_client(session, spec.name, keep_ms)?, false),
        };
        if let Some(known) = self.clients.get_mut(client) {
            known.session = Some(session);
        }
        if let Some(state) = self.sessions.get_mut(session.into()) {
            state.client = Some(client);
        }
        if is_resumed {
            self.recheck_subscriptions(client);
        }
        let receipt = self.record_client(client);
        Ok(Done { value: Attached { client, is_resumed, keep_ms }, receipt })
    }

    fn add_client(&mut self, session: SessionId, name: &str, keep_ms: u64) -> Result<ClientId, Error> {
        let (principal, namespace, _) = self.who(session)?;
        let max = self.limits.max_clients;
        if self.clients.len() >= max as usize {
            let owner = self.node_name.clone();
            return Err(Error::Limit { limit: LimitKind::Clients, owner, max: max.into() });
        }
        let id = self.clients.next_id().ok_or(Error::Gone)?;
        let client = Client {
            name: name.into(),
            namespace,
            user: principal.user().clone(),
            session: None,
            queue: None,
            keep_ms,
            is_logged: keep_ms > 0,
            left_at_ms: None,
            timer_ms: None,
            own: None,
        };
        self.clients.insert(id, client);
        Ok(id)
    }

    /// The session that serves a client now loses it.
    fn take_over(&mut self, id: ClientId) {
        let Some(session) = self.clients.get(id).and_then(|client| client.session) else { return };
        let Some(state) = self.sessions.get(session.into()) else { return };
        let (connection, session_label) = (state.connection, state.label);
        self.close_session(session);
        self.free_name(connection);
        self.effects.push((connection, Effect::TakenOver { session_label }));
    }

    fn resume(&mut self, id: ClientId, keep_ms: u64) {
        self.reset_client_timer(id, None);
        // It came back in time: its will has no reason any more.
        self.clear_will(id);
        let Some(client) = self.clients.get_mut(id) else { return };
        client.left_at_ms = None;
        client.keep_ms = keep_ms;
        let queue = client.queue;
        let most = self.limits.client_backlog_bytes;
        if let Some(slot) = queue.and_then(|queue| self.queues.get_mut(queue)) {
            slot.sheds_above_bytes = Some(most);
        }
    }

    /// Writes what is known of a client into the log, when it is one that is kept.
    pub(crate) fn record_client(&mut self, id: ClientId) -> Receipt {
        let is_logged = self.clients.get(id).is_some_and(|client| client.is_logged);
        match self.client_record(id).filter(|_| is_logged) {
            Some(record) => self.record_if(true, &Definition::PutClient(record)),
            None => Receipt::NONE,
        }
    }

    /// Changes how long the client that a session serves will be remembered. One that was not to be kept can't become
    /// one that is.
    ///
    /// # Errors
    /// No client.
    pub fn keep_client(&mut self, session: SessionId, keep_ms: u64) -> Result<(), Error> {
        let (id, _) = self.client_of(session)?;
        let most = self.limits.max_client_keep_ms;
        let client = self.clients.get_mut(id).ok_or(Error::Gone)?;
        if client.is_logged {
            client.keep_ms = keep_ms.min(most);
        }
        Ok(())
    }

    /// The session that served a client has ended.
    pub(crate) fn on_client_left(&mut self, id: ClientId, session: SessionId) {
        let now_ms = self.time.ms();
        let Some(client) = self.clients.get_mut(id).filter(|client| client.session == Some(session)) else {
            return;
        };
        client.session = None;
        if let Some(own) = &mut client.own {
            own.consumer = None;
            own.group_consumers.clear();
        }
        if client.keep_ms == 0 {
            self.end_client(id);
            return;
        }
        client.left_at_ms = Some(now_ms);
        let queue = client.queue;
        if let Some(slot) = queue.and_then(|queue| self.queues.get_mut(queue)) {
            // Nobody is there to take what need not be kept.
            slot.sheds_above_bytes = Some(0);
        }
        self.record_client(id);
        self.on_client_due(id);
    }

    /// Does what is due for a client that is away, and sets the timer for what is due next.
    pub(crate) fn on_client_due(&mut self, id: ClientId) {
        let now_ms = self.time.ms();
        let Some(client) = self.clients.get_mut(id) else { return };
        client.timer_ms = client.timer_ms.filter(|at_ms| *at_ms > now_ms);
        let Some(left_at_ms) = client.left_at_ms else { return };
        let ends_at_ms = left_at_ms.saturating_add(client.keep_ms);
        if ends_at_ms <= now_ms {
            self.end_client(id);
            return;
        }
        let will = client.own.as_ref().and_then(|own| own.will.as_ref());
        let will_at_ms = will.map(|will| left_at_ms.saturating_add(will.delay_ms));
        let next_ms = match will_at_ms {
            Some(at_ms) if at_ms <= now_ms => {
                self.publish_will(id);
                ends_at_ms
            }
            Some(at_ms) => at_ms.min(ends_at_ms),
            None => ends_at_ms,
        };
        // One that is kept for ever has nothing due.
        self.reset_client_timer(id, (next_ms < u64::MAX).then_some(next_ms));
    }

    fn reset_client_timer(&mut self, id: ClientId, at_ms: Option<u64>) {
        let Some(client) = self.clients.get_mut(id) else { return };
        let old = std::mem::replace(&mut client.timer_ms, at_ms);
        self.timers.reset(TimerKey::Client(id.0), old, at_ms);
    }

    /// Forgets a client: its will is published, its subscriptions and its queue go.
    pub(crate) fn end_client(&mut self, id: ClientId) {
        self.publish_will(id);
        self.reset_client_timer(id, None);
        let Some(client) = self.clients.get(id) else { return };
        let is_logged = client.is_logged;
        self.as_group(|broker| {
            broker.record_if(is_logged, &Definition::DeleteClient { id: id.0 });
            broker.remove_client(id);
        });
    }

    /// Forgets the clients of a user who is no more, so that a later one of the same name finds none of them.
    pub(crate) fn forget_clients_of(&mut self, user: &str) {
        let gone: Vec<ClientId> =
            self.clients.iter().filter(|(_, client)| &*client.user == user).map(|(id, _)| id).collect();
        for id in gone {
            self.reset_client_timer(id, None);
            self.remove_client(id);
        }
    }

    pub(crate) fn remove_client(&mut self, id: ClientId) {
        let Some(client) = self.clients.remove(id) else { return };
        for subscription in client.subscriptions() {
            if let Some(group) = &subscription.group {
                self.leave_group(client.namespace, group, &subscription.key);
            }
        }
        if let Some(queue) = client.queue {
            self.drop_queue(queue);
        }
    }

    /// The queue of a client, made when it is needed first. Call it within [`Broker::as_group`], so that no crash leaves
    /// the queue without its client.
    pub(crate) fn client_queue(&mut self, id: ClientId, session: SessionId) -> Result<u32, Error> {
        let Some(client) = self.clients.get(id) else { return Err(Error::Gone) };
        if let Some(queue) = client.queue {
            return Ok(queue);
        }
        let (namespace, is_kept, name) = (client.namespace, client.is_logged, client.name.clone());
        let (_, _, connection) = self.who(session)?;
        self.check_queue_limits(namespace)?;
        let name = self.dialect.client_queue_name(&name);
        let spec = QueueSpec {
            name: self.free_queue_name(namespace, &name),
            is_durable: is_kept,
            is_exclusive: !is_kept,
            is_auto_delete: false,
            arguments: self.dialect.client_queue_arguments(),
        };
        let space = self.namespaces.name(namespace);
        let made = self.make_queue(namespace, space, spec, connection)?;
        let queue = self.find_queue(namespace, &made.value.name).ok_or(Error::Gone)?;
        let most = self.limits.client_backlog_bytes;
        if let Some(slot) = self.queues.get_mut(queue) {
            slot.serve_client(id);
            slot.sheds_above_bytes = Some(most);
        }
        if let Some(client) = self.clients.get_mut(id) {
            client.queue = Some(queue);
        }
        self.record_client(id);
        Ok(queue)
    }

    /// All clients.
    #[must_use]
    pub fn client_views(&self) -> Vec<ClientView> {
        let view = |(_, client): (ClientId, &Client)| ClientView {
            namespace: self.namespaces.name(client.namespace),
            name: client.name.clone(),
            user: client.user.clone(),
            session: client.session,
            keep_ms: client.keep_ms,
            queue: client.queue.and_then(|queue| self.queues.get(queue)).map(|slot| slot.name.clone()),
            subscription_count: client.subscriptions().len(),
        };
        self.clients.iter().map(view).collect()
    }

    /// Ends a consumer that a client no longer needs.
    pub(crate) fn end_client_consumer(&mut self, consumer: Option<ConsumerId>) {
        if let Some(consumer) = consumer {
            self.cancel(consumer);
        }
    }
}
