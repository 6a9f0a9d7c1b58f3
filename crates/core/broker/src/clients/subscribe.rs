//! Subscriptions of clients: bindings from the topic node to the client's queue, or to one that a group shares.

use std::sync::Arc;

use ternmq_access::Principal;
use ternmq_message::{Map, Message};
use ternmq_routing::{Bound, Name, QueueId, Target};

use crate::{
    broker::{Broker, Done},
    clients::{ClientId, Group},
    consume::ConsumeSpec,
    definition::{BindingRecord, Definition, SubscriptionRecord, TargetKind},
    effect::{ConsumerId, DeliveryId, NOBODY, SessionId},
    error::{Error, Kind, LimitKind, Verb},
    log::Receipt,
    namespace::NamespaceId,
    publish::Published,
    queues::QueueSpec,
    settle::Outcome,
};

/// Most adapters that go on with their work in one turn.
const WAKES: usize = 16;

/// A subscription of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subscription {
    /// Binding key on the topic node.
    pub key: Arc<str>,
    /// Name of the group that shares its messages: each goes to one of its members.
    pub group: Option<Arc<str>>,
    /// The adapter's; kept as it is.
    pub label: u64,
    /// It is not for messages that the client itself publishes.
    pub skips_own: bool,
    /// Deliveries for it wait to be settled.
    pub needs_settle: bool,
    /// Number among the client's subscriptions, given by the core: 1, 2, 3 …
    pub number: u32,
}

/// What became of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscribed {
    /// There was none of this key and group.
    pub is_new: bool,
    /// Its number; the label of its deliveries' consumer when a group shares it.
    pub number: u32,
}

/// The consumer of a client's own queue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OwnConsumer {
    id: ConsumerId,
    needs_settle: bool,
}

impl Broker {
    /// Makes or replaces a subscription of the client that a session serves. Deliveries come with the consumer label 0,
    /// those of a group with the number of the subscription.
    ///
    /// # Errors
    /// No client, no topic node, no permission, a bad key, or a limit is reached.
    pub fn subscribe(
        &mut self,
        session: SessionId,
        subscription: Subscription,
    ) -> Result<Done<Subscribed>, Error> {
        let (client, namespace) = self.client_of(session)?;
        self.check_subscription(&self.who(session)?.0, namespace, &subscription)?;
        let known = self.clients.get(client).ok_or(Error::Gone)?;
        let is_same =
            |known: &Subscription| known.key == subscription.key && known.group == subscription.group;
        let found = known.subscriptions().iter().position(is_same);
        let max = self.limits.max_subscriptions_per_client;
        if found.is_none() && known.subscriptions().len() >= max as usize {
            let owner = known.name.clone();
            return Err(Error::Limit { limit: LimitKind::Subscriptions, owner, max: max.into() });
        }
        // An operator may have deleted the queue that it led to.
        let has_route = match &subscription.group {
            None => known.queue.is_some(),
            Some(group) => {
                self.clients.groups.contains_key(&(namespace, group.clone(), subscription.key.clone()))
            }
        };
        let wants_route = found.is_none() || !has_route;
        let (number, receipt) = self
            .as_group(|broker| broker.put_subscription(client, session, subscription, found, wants_route));
        let number = number?;
        if let Some(state) = self.sessions.get_mut(session.into()) {
            // What the client publishes may go elsewhere from now on.
            state.memo = None;
        }
        self.consume_for(client, session)?;
        Ok(Done { value: Subscribed { is_new: found.is_none(), number }, receipt })
    }

    /// Writes a new subscription, or over the one at `found`, and what leads its messages to the client when that is
    /// not there. Answers its number.
    fn put_subscription(
        &mut self,
        client: ClientId,
        session: SessionId,
        subscription: Subscription,
        found: Option<usize>,
        wants_route: bool,
    ) -> Result<u32, Error> {
        if wants_route {
            let namespace = self.clients.get(client).ok_or(Error::Gone)?.namespace;
            match &subscription.group {
                None => {
                    let queue = self.client_queue(client, session)?;
                    self.bind_to_topics(namespace, queue, &subscription.key)?;
                }
                Some(group) => self.join_group(namespace, client, group, &subscription.key)?,
            }
        }
        let own = self.clients.get_mut(client).ok_or(Error::Gone)?.own();
        let number = match found.and_then(|at| own.subscriptions.get_mut(at)) {
            Some(known) => {
                let number = known.number;
                *known = Subscription { number, ..subscription };
                number
            }
            None => {
                own.next_number += 1;
                let number = own.next_number;
                own.subscriptions.push(Subscription { number, ..subscription });
                number
            }
        };
        self.record_subscription(client, number);
        Ok(number)
    }

    /// Ends a subscription; one that does not exist is fine. Answers whether there was one.
    ///
    /// # Errors
    /// No client.
    pub fn unsubscribe(
        &mut self,
        session: SessionId,
        key: &str,
        group: Option<&str>,
    ) -> Result<Done<bool>, Error> {
        let (client, _) = self.client_of(session)?;
        let known = self.clients.get(client).ok_or(Error::Gone)?;
        let is_it = |known: &Subscription| *known.key == *key && known.group.as_deref() == group;
        let Some(number) = known.subscriptions().iter().find(|known| is_it(known)).map(|known| known.number)
        else {
            return Ok(Done { value: false, receipt: Receipt::NONE });
        };
        let receipt = self.end_subscription(client, number);
        if let Some(state) = self.sessions.get_mut(session.into()) {
            state.memo = None;
        }
        Ok(Done { value: true, receipt })
    }

    /// Subscriptions of a client.
    #[must_use]
    pub fn client_subscriptions(&self, client: ClientId) -> &[Subscription] {
        self.clients.get(client).map_or(&[], |client| client.subscriptions())
    }

    /// Subscriptions of the client that a session serves.
    #[must_use]
    pub fn session_subscriptions(&self, session: SessionId) -> &[Subscription] {
        self.client_of(session).map_or(&[], |(client, _)| self.client_subscriptions(client))
    }

    /// Has the adapter of a session called with [`crate::Effect::Loaded`], when it waits for something of its own.
    pub fn wake_adapter(&mut self, session: SessionId) {
        if let Some(state) = self.sessions.get(session.into()) {
            let (connection, session_label) = (state.connection, state.label);
            self.effects.push((connection, crate::Effect::Loaded { session_label }));
        }
    }

    /// As [`Broker::wake_adapter`], in one of the next turns: for work that an adapter does a bit of each time.
    pub fn wake_adapter_later(&mut self, session: SessionId) {
        if !self.woken.contains(&session) {
            self.woken.push_back(session);
        }
    }

    /// Wakes those who wait longest, as many as one turn can have.
    pub(crate) fn wake_some(&mut self) {
        for _ in 0..WAKES {
            let Some(session) = self.woken.pop_front() else { break };
            self.wake_adapter(session);
        }
    }

    /// Lets deliveries to a client that has just come begin.
    ///
    /// # Errors
    /// No client, or too many consumers.
    pub fn start_client(&mut self, session: SessionId) -> Result<(), Error> {
        let (client, _) = self.client_of(session)?;
        self.consume_for(client, session)
    }

    /// Puts a message into the queue of a client, past all bindings.
    ///
    /// # Errors
    /// No client, or no queue can be made for it.
    pub fn send_to_client(&mut self, session: SessionId, message: Message) -> Result<Published, Error> {
        let queue = self.served_queue(session)?;
        Ok(self.send_to(&[queue], message, None))
    }

    /// The queue of the client that a session serves, with its consumer.
    fn served_queue(&mut self, session: SessionId) -> Result<u32, Error> {
        let (client, _) = self.client_of(session)?;
        let queue = self.as_group(|broker| broker.client_queue(client, session)).0?;
        self.consume_for(client, session)?;
        Ok(queue)
    }

    /// Makes a delivery of a queue that a group shares the client's own: `message` takes its place in the client's
    /// queue, in one group of records (I6). From then on no other member gets it.
    ///
    /// # Errors
    /// No client, no such delivery, or no queue can be made for the client; nothing has changed then.
    pub fn adopt(&mut self, session: SessionId, delivery: DeliveryId, message: Message) -> Result<(), Error> {
        let unknown = Error::UnknownDelivery { delivery: delivery.0 };
        let state = self.sessions.get(session.into()).ok_or(Error::Gone)?;
        state.index_of(delivery).ok_or(unknown)?;
        let queue = self.served_queue(session)?;
        let state = self.sessions.get_mut(session.into()).ok_or(Error::Gone)?;
        let Some(entry) = state.index_of(delivery).and_then(|index| state.take(index)) else {
            return Err(Error::Gone);
        };
        let mut touched = smallvec::SmallVec::new();
        let (was_full, _) = self.as_group(|broker| {
            let was_full = broker.settle_entry(session, entry, Outcome::Accept, &mut touched);
            let _published = broker.send_to(&[queue], message, None);
            was_full
        });
        self.after_settling(session, &touched, was_full);
        Ok(())
    }

    pub(crate) fn client_of(&self, session: SessionId) -> Result<(ClientId, NamespaceId), Error> {
        let state = self.sessions.get(session.into()).ok_or(Error::Gone)?;
        Ok((state.client.ok_or(Error::Gone)?, state.namespace))
    }

    /// Whether the session's user may subscribe so (S5, S7).
    fn check_subscription(
        &self,
        principal: &Principal,
        namespace: NamespaceId,
        subscription: &Subscription,
    ) -> Result<(), Error> {
        let space = self.namespaces.name(namespace);
        let node = self.dialect.topic_node();
        self.authorize_place(principal, Verb::Read, &space, node, &subscription.key)?;
        self.require_node(namespace, node)?;
        self.authorize_key(principal, Verb::Read, &space, node, &subscription.key)?;
        if let Some(group) = &subscription.group {
            let queue = self.dialect.group_queue_name(group, &subscription.key);
            self.authorize(principal, Verb::Read, Kind::Queue, &space, &queue)?;
        }
        Ok(())
    }

    /// Ends the subscriptions that the user may not have any more (S7).
    pub(crate) fn recheck_subscriptions(&mut self, client: ClientId) {
        let Some(known) = self.clients.get(client).filter(|known| !known.subscriptions().is_empty()) else {
            return;
        };
        if known.session.is_none() && self.is_perhaps_outside(&known.user) {
            // Who is not here and known only outside is looked at when it comes back.
            return;
        }
        let namespace = known.namespace;
        let present = known.session.and_then(|session| Some(self.who(session).ok()?.0));
        let principal = match present {
            Some(principal) => principal,
            None => self.principal(&known.user, &self.namespaces.name(namespace)),
        };
        let lost: Vec<u32> = known
            .subscriptions()
            .iter()
            .filter(|subscription| self.check_subscription(&principal, namespace, subscription).is_err())
            .map(|subscription| subscription.number)
            .collect();
        for number in lost {
            self.end_subscription(client, number);
        }
    }

    fn end_subscription(&mut self, client: ClientId, number: u32) -> Receipt {
        let Some(known) = self.clients.get_mut(client) else { return Receipt::NONE };
        let (namespace, queue, is_kept) = (known.namespace, known.queue, known.is_logged);
        let own = known.own();
        let Some(at) = own.subscriptions.iter().position(|known| known.number == number) else {
            return Receipt::NONE;
        };
        let subscription = own.subscriptions.remove(at);
        let consumer = own.group_consumers.iter().position(|(of, _)| *of == number);
        let consumer = consumer.map(|at| own.group_consumers.remove(at).1);
        self.end_client_consumer(consumer);
        if subscription.group.is_none() {
            self.end_reads(client, &subscription.key);
        }
        let (_, receipt) = self.as_group(|broker| {
            match (&subscription.group, queue) {
                (Some(group), _) => broker.leave_group(namespace, group, &subscription.key),
                (None, Some(queue)) => broker.unbind_from_topics(namespace, queue, &subscription.key),
                (None, None) => {}
            }
            broker.record_if(is_kept, &Definition::DeleteSubscription { client: client.0, number });
        });
        receipt
    }

    /// How the topic node leads to a queue, and whether that is in the log.
    fn topic_binding(
        &self,
        namespace: NamespaceId,
        queue: u32,
        key: &Arc<str>,
    ) -> Result<(BindingRecord, bool), Error> {
        let slot = self.queues.get(queue).ok_or(Error::Gone)?;
        let record = BindingRecord {
            namespace: self.namespaces.name(namespace),
            source: self.dialect.topic_node().into(),
            target_kind: TargetKind::Queue,
            target: slot.name.clone(),
            key: key.clone(),
            arguments: Map::new(),
        };
        Ok((record, slot.is_logged()))
    }

    fn bind_to_topics(&mut self, namespace: NamespaceId, queue: u32, key: &Arc<str>) -> Result<(), Error> {
        let node = self.require_node(namespace, self.dialect.topic_node())?;
        let (record, is_logged) = self.topic_binding(namespace, queue, key)?;
        let space = self.namespaces.get_mut(namespace).ok_or(Error::Gone)?;
        match space.topology.bind(node, Target::Queue(QueueId(queue)), key, Map::new()) {
            Ok(Bound::Existed) => {}
            Ok(Bound::New) => {
                self.record_if(is_logged, &Definition::PutBinding(record));
            }
            Err(error) => {
                return Err(Error::InvalidArgument {
                    kind: Kind::Binding,
                    name: record.source,
                    namespace: record.namespace,
                    argument: "key".into(),
                    problem: error.to_string(),
                });
            }
        }
        Ok(())
    }

    fn unbind_from_topics(&mut self, namespace: NamespaceId, queue: u32, key: &Arc<str>) {
        let Ok(node) = self.require_node(namespace, self.dialect.topic_node()) else { return };
        let Ok((record, is_logged)) = self.topic_binding(namespace, queue, key) else { return };
        if let Some(space) = self.namespaces.get_mut(namespace) {
            space.topology.unbind(node, Target::Queue(QueueId(queue)), key, &Map::new());
        }
        self.record_if(is_logged, &Definition::DeleteBinding(record));
    }

    /// Makes the queue of a group when this is its first member. It is kept when any member is.
    fn join_group(
        &mut self,
        namespace: NamespaceId,
        client: ClientId,
        group: &Arc<str>,
        key: &Arc<str>,
    ) -> Result<(), Error> {
        let is_kept = self.clients.get(client).is_some_and(|client| client.is_logged);
        let group_key = (namespace, group.clone(), key.clone());
        if let Some(known) = self.clients.groups.get_mut(&group_key) {
            known.members += 1;
            let queue = known.queue;
            let is_transient = self.queues.get(queue).is_some_and(|slot| !slot.is_logged());
            return if is_kept && is_transient { self.keep_group(namespace, queue, key) } else { Ok(()) };
        }
        self.check_queue_limits(namespace)?;
        let name = self.dialect.group_queue_name(group, key);
        let spec = QueueSpec {
            name: self.free_queue_name(namespace, &name),
            is_durable: is_kept,
            is_exclusive: false,
            is_auto_delete: false,
            arguments: self.dialect.client_queue_arguments(),
        };
        let space = self.namespaces.name(namespace);
        let made = self.make_queue(namespace, space, spec, NOBODY)?;
        let queue = self.find_queue(namespace, &made.value.name).ok_or(Error::Gone)?;
        if let Err(error) = self.bind_to_topics(namespace, queue, key) {
            self.drop_queue(queue);
            return Err(error);
        }
        let most = self.limits.client_backlog_bytes;
        if let Some(slot) = self.queues.get_mut(queue) {
            slot.sheds_above_bytes = Some(most);
        }
        self.clients.groups.insert(group_key, Group { queue, members: 1 });
        Ok(())
    }

    /// A group's queue becomes one that is kept, because a member that is kept has joined.
    fn keep_group(&mut self, namespace: NamespaceId, queue: u32, key: &Arc<str>) -> Result<(), Error> {
        let space = self.namespaces.name(namespace);
        let slot = self.queues.get_mut(queue).ok_or(Error::Gone)?;
        slot.is_durable = true;
        let record = slot.record(queue, space);
        let (binding, _) = self.topic_binding(namespace, queue, key)?;
        self.record_if(true, &Definition::PutQueue(record));
        self.record_if(true, &Definition::PutBinding(binding));
        Ok(())
    }

    /// A member leaves a group; with the last one its queue goes.
    pub(crate) fn leave_group(&mut self, namespace: NamespaceId, group: &Arc<str>, key: &Arc<str>) {
        let group_key = (namespace, group.clone(), key.clone());
        let Some(known) = self.clients.groups.get_mut(&group_key) else { return };
        known.members = known.members.saturating_sub(1);
        if known.members == 0 {
            let queue = known.queue;
            self.clients.groups.remove(&group_key);
            self.drop_queue(queue);
        }
    }

    /// The wished name when a queue may have it, else a made one.
    pub(crate) fn free_queue_name(&mut self, namespace: NamespaceId, wished: &str) -> Arc<str> {
        if Name::check(wished).is_ok() && self.find_queue(namespace, wished).is_none() {
            return wished.into();
        }
        let random = self.random();
        self.dialect.generated_name(random).into()
    }

    fn record_subscription(&mut self, client: ClientId, number: u32) {
        let is_kept = self.clients.get(client).is_some_and(|client| client.is_logged);
        if let Some(record) = self.subscription_record(client, number) {
            self.record_if(is_kept, &Definition::PutSubscription(record));
        }
    }

    pub(crate) fn subscription_record(&self, client: ClientId, number: u32) -> Option<SubscriptionRecord> {
        let known = self.clients.get(client)?;
        let subscription = known.subscriptions().iter().find(|known| known.number == number)?;
        let queue = subscription.group.as_ref().and_then(|group| {
            let key = (known.namespace, group.clone(), subscription.key.clone());
            self.clients.groups.get(&key).map(|group| group.queue)
        });
        Some(SubscriptionRecord {
            client: client.0,
            number,
            key: subscription.key.clone(),
            group: subscription.group.clone(),
            queue,
            label: subscription.label,
            skips_own: subscription.skips_own,
            needs_settle: subscription.needs_settle,
        })
    }

    /// Makes the consumers that the client's subscriptions need and that are not there.
    pub(crate) fn consume_for(&mut self, client: ClientId, session: SessionId) -> Result<(), Error> {
        let Some(known) = self.clients.get(client) else { return Err(Error::Gone) };
        let (namespace, queue, is_kept) = (known.namespace, known.queue, known.is_logged);
        let own = known.own.as_ref();
        // A message of a group may move to the client's own queue, and waits to be settled there.
        let needs_settle =
            is_kept || known.subscriptions().iter().any(|subscription| subscription.needs_settle);
        let consumer = own.and_then(|own| own.consumer);
        let is_fine = consumer.is_some_and(|consumer| consumer.needs_settle || !needs_settle);
        if let Some(queue) = queue.filter(|_| !is_fine) {
            self.end_client_consumer(consumer.map(|consumer| consumer.id));
            let id = self.consume_queue(session, queue, 0, needs_settle)?;
            if let Some(known) = self.clients.get_mut(client) {
                known.own().consumer = Some(OwnConsumer { id, needs_settle });
            }
            self.start_consumer(id);
        }
        let Some(own) = self.clients.get(client).and_then(|known| known.own.as_ref()) else { return Ok(()) };
        let missing: Vec<(u32, u32, bool)> = own
            .subscriptions
            .iter()
            .filter(|one| !own.group_consumers.iter().any(|(number, _)| *number == one.number))
            .filter_map(|one| {
                let key = (namespace, one.group.clone()?, one.key.clone());
                Some((one.number, self.clients.groups.get(&key)?.queue, one.needs_settle))
            })
            .collect();
        for (number, queue, needs_settle) in missing {
            let id = self.consume_queue(session, queue, number, needs_settle)?;
            if let Some(known) = self.clients.get_mut(client) {
                known.own().group_consumers.push((number, id));
            }
            self.start_consumer(id);
        }
        Ok(())
    }

    fn consume_queue(
        &mut self,
        session: SessionId,
        queue: u32,
        label: u32,
        needs_settle: bool,
    ) -> Result<ConsumerId, Error> {
        let name = self.queues.get(queue).map(|slot| slot.name.clone()).ok_or(Error::Gone)?;
        let spec = ConsumeSpec {
            queue: &name,
            label,
            window: None,
            needs_settle,
            is_exclusive: false,
            priority: 0,
            is_preferred: false,
        };
        self.consume_for_client(session, queue, &spec)
    }

    /// Takes the client's own queue out of the targets of what it publishes itself, when none of its subscriptions is
    /// for such messages. Answers whether it was among them.
    pub(crate) fn skip_own(
        &self,
        client: ClientId,
        key: &str,
        queues: &mut smallvec::SmallVec<[u32; 4]>,
    ) -> bool {
        let Some(known) = self.clients.get(client) else { return false };
        let Some(queue) = known.queue else { return false };
        if !known.subscriptions().iter().any(|subscription| subscription.skips_own) {
            return false;
        }
        let wildcards = self.dialect.wildcards();
        let is_wanted = known.subscriptions().iter().any(|subscription| {
            !subscription.skips_own
                && subscription.group.is_none()
                && wildcards.is_match(&subscription.key, key)
        });
        if is_wanted {
            return false;
        }
        let count = queues.len();
        queues.retain(|target| *target != queue);
        queues.len() < count
    }
}
