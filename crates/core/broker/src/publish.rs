//! Publishing: who may, where to, what the log needs, and the answer.

use std::{cell::OnceCell, sync::Arc};

use smallvec::SmallVec;
use ternmq_access::Principal;
use ternmq_message::{DeathReason, Message, Properties};
use ternmq_queue::{Dead, Entry, Location, Overflow, Room, Seq};
use ternmq_routing::{Keys, LazyProperties, NodeId, NodeKind};

use crate::{
    broker::Broker,
    dialect::QueueClass,
    effect::{ConnectionId, ConsumerId, SessionId},
    error::{Error, Kind, Verb},
    intake::Intake,
    log::{Grouping, Receipt},
    namespace::NamespaceId,
    producers::MessageOrigin,
    records::{Target, kind, message_parts},
    session_state::RouteMemo,
    transaction::Place,
};

/// One message to publish.
pub struct Publish<'a> {
    /// The message; its node and key say where to.
    pub message: Message,
    /// Further keys to route by.
    pub extra_keys: &'a [Arc<str>],
    /// User that the message claims to come from; checked.
    pub claimed_user: Option<&'a str>,
}

/// What became of a published message.
#[derive(Debug)]
#[must_use]
pub enum Published {
    /// Every target has it once the receipt is covered (I1, I8).
    Accepted(Receipt),
    /// At least one target refused it and does not have it.
    Refused,
    /// No queue wanted it; here it is back.
    Unroutable(Message),
}

/// Records of one message, with the run of its targets that each one covers.
type Records = SmallVec<[(std::ops::Range<usize>, Location); 1]>;

/// Most targets of one message record; more are split over several records of one group.
const MAX_RECORD_TARGETS: usize = 10_000;

impl Broker {
    /// Publishes a message, or stages it when the session has a transaction.
    ///
    /// # Errors
    /// The node does not exist or is internal, no permission, or a false claim about the user. The message is gone.
    pub fn publish(&mut self, id: SessionId, publish: Publish<'_>) -> Result<Published, Error> {
        self.publish_at(id, publish, None, None)
    }

    /// Publishes a message, or stages it in `place` or else where the session's transaction is.
    pub(crate) fn publish_at(
        &mut self,
        id: SessionId,
        publish: Publish<'_>,
        place: Option<Place>,
        origin: Option<MessageOrigin>,
    ) -> Result<Published, Error> {
        let Publish { message, extra_keys, claimed_user } = publish;
        let message = if self.intake == Intake::default() {
            message
        } else {
            let meta = self.intake.meta(message.meta());
            message.with_meta(meta)
        };
        let session = self.sessions.get_mut(id.into()).ok_or(Error::Gone)?;
        let namespace = session.namespace;
        let place = place.or_else(|| session.staged.is_some().then_some(Place::Session(id)));
        let mut memo = session.memo.take().unwrap_or_default();
        if !extra_keys.is_empty() || !self.is_memo_of(&memo, namespace, &message) {
            self.resolve(id, &message, extra_keys, &mut memo)?;
        }
        if let Some(claimed) = claimed_user {
            self.check_claim(id, claimed)?;
        }
        let published = if memo.is_forwarded {
            self.publish_forwarded(id, message, place, origin)
        } else if let Some(place) = place {
            self.stage_publish(place, message, &memo.queues, origin)
        } else {
            self.counters.published += 1;
            if memo.queues.is_empty() && memo.is_own_skipped {
                // It has a subscriber, who does not want it from itself.
                Ok(Published::Accepted(Receipt::NONE))
            } else {
                Ok(self.send_from(&memo.queues, message, origin))
            }
        };
        if let Some(session) = self.sessions.get_mut(id.into()) {
            session.memo = Some(memo);
        }
        published
    }

    /// Whether a session may publish to a node with this key as this user, for an adapter that has something against the
    /// message itself, or that publishes to several: what is refused comes first.
    ///
    /// # Errors
    /// As [`Broker::publish`].
    pub fn check_publish(
        &self,
        id: SessionId,
        node: &str,
        key: &str,
        claimed_user: Option<&str>,
    ) -> Result<(), Error> {
        let (principal, namespace, _) = self.who(id)?;
        self.check_target(&principal, namespace, node, key)?;
        claimed_user.map_or(Ok(()), |claimed| self.check_claim(id, claimed))
    }

    /// Whether any queue would get a message now, for an adapter that has to tell it before a staged publish is carried out.
    ///
    /// # Errors
    /// As [`Broker::publish`].
    pub fn is_wanted(
        &mut self,
        id: SessionId,
        message: &Message,
        extra_keys: &[Arc<str>],
    ) -> Result<bool, Error> {
        let session = self.sessions.get_mut(id.into()).ok_or(Error::Gone)?;
        let namespace = session.namespace;
        let mut memo = session.memo.take().unwrap_or_default();
        if !extra_keys.is_empty() || !self.is_memo_of(&memo, namespace, message) {
            self.resolve(id, message, extra_keys, &mut memo)?;
        }
        let is_wanted = !memo.queues.is_empty() || memo.is_own_skipped;
        if let Some(session) = self.sessions.get_mut(id.into()) {
            session.memo = Some(memo);
        }
        Ok(is_wanted)
    }

    /// Publishes what the node itself has to tell to whoever subscribes to it in the connection's namespace: no permission
    /// is asked, and nobody is promised anything. Never what a peer says (S5).
    ///
    /// # Errors
    /// The connection is gone, or there is no such node.
    pub fn announce(&mut self, id: ConnectionId, message: Message) -> Result<(), Error> {
        let namespace = self.connections.get(id.into()).ok_or(Error::Gone)?.namespace;
        let mut queues = SmallVec::new();
        self.route(namespace, &message, &[], &mut queues)?;
        let _nobody_waits = self.send_to(&queues, message, None);
        Ok(())
    }

    /// As [`Broker::announce`], to one consumer's queue alone; of several it is the one of its subscription.
    pub fn announce_to(&mut self, consumer: ConsumerId, message: Message) {
        if let Some(consumer) = self.consumers.get(consumer.into()) {
            let queue = match consumer.headed() {
                Some(wide) => self.subscription_queue_of(wide),
                None => Some(consumer.queue),
            };
            let Some(queue) = queue else { return };
            let _nobody_waits = self.send_to(&[queue], message, None);
        }
    }

    /// The node of this name, when the principal may publish to it with this key.
    pub(crate) fn check_target(
        &self,
        principal: &Principal,
        namespace: NamespaceId,
        name: &str,
        key: &str,
    ) -> Result<NodeId, Error> {
        let space = self.namespaces.get(namespace).ok_or(Error::Gone)?;
        // Whoever may not publish there does not learn whether there is such a node.
        self.authorize_place(principal, Verb::Write, &space.record.name, name, key)?;
        let node = self.require_node(namespace, name)?;
        match space.topology.node(node) {
            None => Err(Error::Gone),
            Some(spec) if spec.is_internal => {
                Err(Error::Internal { node: name.into(), namespace: space.record.name.clone() })
            }
            Some(_) => Ok(node),
        }
    }

    fn is_memo_of(&self, memo: &RouteMemo, namespace: NamespaceId, message: &Message) -> bool {
        memo.is_valid
            && memo.node_len == message.lens().0
            && memo.names.as_slice() == message.names()
            && memo.authority_generation == self.authority.generation()
            && self
                .namespaces
                .get(namespace)
                .is_some_and(|n| n.topology.generation() == memo.topology_generation)
    }

    pub(crate) fn check_claim(&self, id: SessionId, claimed: &str) -> Result<(), Error> {
        let (principal, _, _) = self.who(id)?;
        if **principal.user() == *claimed || self.authority.may_impersonate(&principal) {
            return Ok(());
        }
        Err(Error::UserIdMismatch { claimed: claimed.into(), actual: principal.user().clone() })
    }

    /// Checks that the session may publish to the message's node and fills in where that leads.
    pub(crate) fn resolve(
        &mut self,
        id: SessionId,
        message: &Message,
        extra_keys: &[Arc<str>],
        memo: &mut RouteMemo,
    ) -> Result<(), Error> {
        memo.is_valid = false;
        memo.is_own_skipped = false;
        let (principal, namespace, connection) = self.who(id)?;
        let space = self.namespaces.name(namespace);
        let node = self.check_target(&principal, namespace, message.node(), message.key())?;
        memo.is_forwarded = self.dialect.forwards(message.node(), message.key()).is_some();
        if memo.is_forwarded {
            self.prepare_forwards(id, message.node(), message.key())?;
        }
        let topology = &self.namespaces.get(namespace).ok_or(Error::Gone)?.topology;
        let spec = topology.node(node).ok_or(Error::Gone)?;
        if spec.kind == NodeKind::Topic {
            self.authorize_key(&principal, Verb::Write, &space, message.node(), message.key())?;
            for key in extra_keys {
                self.authorize_key(&principal, Verb::Write, &space, message.node(), key)?;
            }
        } else if message.node().is_empty() && self.is_bound(principal.user()) {
            // Grants know each queue that the keys lead to; permissions know the node alone, which was asked for.
            for key in extra_keys {
                self.authorize_place(&principal, Verb::Write, &space, message.node(), key)?;
            }
        }
        memo.topology_generation = topology.generation();
        memo.authority_generation = self.authority.generation();
        memo.node_len = message.lens().0;
        memo.names = SmallVec::from_slice(message.names());
        let is_stable = self.route(namespace, message, extra_keys, &mut memo.queues)?;
        if let Some(client) = self.sessions.get(id.into()).and_then(|session| session.client) {
            memo.is_own_skipped = self.skip_own(client, message.key(), &mut memo.queues);
        }
        memo.is_own_skipped |= self.skip_publisher(connection, &mut memo.queues);
        memo.is_valid = is_stable && extra_keys.is_empty();
        Ok(())
    }

    /// Queues that a message goes to. Answers whether any message with the same node and key would go there too.
    pub(crate) fn route(
        &mut self,
        namespace: NamespaceId,
        message: &Message,
        extra_keys: &[Arc<str>],
        out: &mut SmallVec<[u32; 4]>,
    ) -> Result<bool, Error> {
        out.clear();
        let Some(space) = self.namespaces.get_mut(namespace) else { return Err(Error::Gone) };
        let Some(node) = space.topology.find_node(message.node()) else {
            return Err(Error::NotFound {
                kind: Kind::Node,
                name: message.node().into(),
                namespace: space.record.name.clone(),
            });
        };
        let formats = &self.formats;
        let mut properties = LazyProperties::new(|| match formats.get(message.meta().encoding) {
            Some(format) => format.properties(message.head()),
            None => Properties::default(),
        });
        let keys = Keys { first: message.key(), extra: extra_keys };
        let queues = space
            .routes
            .route(&space.topology, node, keys, &mut properties, &mut self.routes)
            .map_err(|error| Error::InvalidArgument {
                kind: Kind::Node,
                name: message.node().into(),
                namespace: space.record.name.clone(),
                argument: "routing_key".into(),
                problem: error.to_string(),
            })?;
        out.extend(queues.iter().map(|queue| queue.0));
        Ok(properties.into_made().is_none())
    }

    /// As [`Broker::send_to`], of somebody who may send it again.
    pub(crate) fn send_from(
        &mut self,
        queues: &[u32],
        message: Message,
        origin: Option<MessageOrigin>,
    ) -> Published {
        if self.recalls {
            self.keep_recent(&message);
        }
        self.origin = origin;
        let published = self.send_to(queues, message, None);
        self.origin = None;
        if let (Some(origin), Published::Accepted(_) | Published::Unroutable(_)) = (origin, &published) {
            self.producers.note(origin, self.time.ms());
        }
        published
    }

    /// Puts a message into its queues. `replaces` names the entry whose place it takes (dead-lettering).
    pub(crate) fn send_to(
        &mut self,
        queues: &[u32],
        message: Message,
        replaces: Option<(u32, Seq)>,
    ) -> Published {
        match queues {
            [] => {
                self.counters.unroutable += 1;
                Published::Unroutable(message)
            }
            [queue] if replaces.is_none() => self.send_to_one(*queue, message),
            _ => self.send_to_many(queues, message, replaces),
        }
    }

    fn send_to_one(&mut self, queue: u32, message: Message) -> Published {
        let origin = self.origin.take();
        let now_ms = self.time.ms();
        let Some(slot) = self.queues.get_mut(queue) else { return Published::Unroutable(message) };
        if !slot.machine.wants(&message, now_ms, &OnceCell::new()) {
            return Published::Accepted(Receipt::NONE);
        }
        if let Room::Full(overflow) = slot.machine.check_room(message.body_len())
            && !self.takes_all
        {
            self.refuse(queue, message, overflow);
            return Published::Refused;
        }
        if slot.sheds(&message) {
            self.counters.shed += 1;
            return Published::Accepted(Receipt::NONE);
        }
        let keeps = message.meta().is_durable || slot.class == QueueClass::Quorum;
        let mut receipt = Receipt::NONE;
        let mut location = None;
        if keeps && slot.is_logged() && !slot.machine.can_hand_over(&message, &self.windows) {
            let expires_at_ms = slot.machine.expiry_of(&message, now_ms);
            let target = Target { queue, seq: slot.machine.next_seq(), expires_at_ms };
            self.scratch.clear();
            message_parts(&mut self.scratch, &message, true, None, origin, &[target]);
            let grouping = self.grouping(Grouping::Ends);
            let parts = [self.scratch.bytes(), message.raw()];
            let appended = self.log.append(kind::MESSAGE, grouping, &parts);
            receipt = appended.receipt();
            let record = Location { pos: appended.pos, len: appended.len, is_durable: true };
            self.segments.hold(record, self.log.segment_bytes());
            location = Some(record);
        }
        let Some(slot) = self.queues.get_mut(queue) else { return Published::Accepted(receipt) };
        slot.machine.push_and_run(message, location, now_ms, &mut self.windows, &mut self.outbox);
        self.pump(queue);
        Published::Accepted(receipt)
    }

    fn send_to_many(&mut self, queues: &[u32], message: Message, replaces: Option<(u32, Seq)>) -> Published {
        let now_ms = self.time.ms();
        let origin = self.origin.take();
        let mut is_refused = false;
        // Many subscriptions with selectors ask about one message: it is read once.
        let properties = OnceCell::new();
        let mut takers: SmallVec<[u32; 4]> = SmallVec::new();
        let mut logged: SmallVec<[Target; 4]> = SmallVec::new();
        for queue in queues {
            let Some(slot) = self.queues.get_mut(*queue) else { continue };
            if !slot.machine.wants(&message, now_ms, &properties) {
                continue;
            }
            if let Room::Full(overflow) = slot.machine.check_room(message.body_len())
                && !self.takes_all
            {
                is_refused = true;
                self.refuse(*queue, message.clone(), overflow);
                continue;
            }
            if slot.sheds(&message) {
                self.counters.shed += 1;
                continue;
            }
            takers.push(*queue);
            let keeps = message.meta().is_durable || slot.class == QueueClass::Quorum;
            if keeps && slot.is_logged() {
                let expires_at_ms = slot.machine.expiry_of(&message, now_ms);
                logged.push(Target { queue: *queue, seq: slot.machine.next_seq(), expires_at_ms });
            }
        }
        let (receipt, records) = self.log_message(&message, replaces, origin, &logged);
        for queue in &takers {
            let location = records
                .iter()
                .find(|(targets, _)| {
                    logged.get(targets.clone()).is_some_and(|t| t.iter().any(|t| t.queue == *queue))
                })
                .map(|(_, location)| *location);
            let Some(slot) = self.queues.get_mut(*queue) else { continue };
            slot.machine.push(message.clone(), location, now_ms, &mut self.outbox);
        }
        for queue in &takers {
            let Some(slot) = self.queues.get_mut(*queue) else { continue };
            slot.machine.run(now_ms, &mut self.windows, &mut self.outbox);
            self.pump(*queue);
        }
        if is_refused { Published::Refused } else { Published::Accepted(receipt) }
    }

    /// Appends the record (or records, as one group) of a message. Answers which targets each record covers.
    fn log_message(
        &mut self,
        message: &Message,
        replaces: Option<(u32, Seq)>,
        origin: Option<MessageOrigin>,
        targets: &[Target],
    ) -> (Receipt, Records) {
        let mut receipt = Receipt::NONE;
        let mut records = SmallVec::new();
        let mut start = 0;
        while start < targets.len() {
            let end = (start + MAX_RECORD_TARGETS).min(targets.len());
            let part = targets.get(start..end).unwrap_or_default();
            let grouping = if end < targets.len() { Grouping::Continues } else { Grouping::Ends };
            self.scratch.clear();
            let replaces = replaces.filter(|_| start == 0);
            message_parts(&mut self.scratch, message, true, replaces, origin, part);
            let grouping = self.grouping(grouping);
            let appended = self.log.append(kind::MESSAGE, grouping, &[self.scratch.bytes(), message.raw()]);
            receipt = receipt.and(appended.receipt());
            let location = Location { pos: appended.pos, len: appended.len, is_durable: true };
            for _ in part {
                self.segments.hold(location, self.log.segment_bytes());
            }
            records.push((start..end, location));
            start = end;
        }
        (receipt, records)
    }

    /// A full queue did not take a message: it goes down the dead-letter route if the queue says so.
    fn refuse(&mut self, queue: u32, message: Message, overflow: Overflow) {
        self.counters.refused += 1;
        if overflow != Overflow::RejectPublishDeadLetter {
            return;
        }
        let entry = Entry {
            seq: Seq(u64::MAX),
            message,
            location: None,
            expires_at_ms: u64::MAX,
            failed_count: 0,
            acquired_count: 0,
        };
        self.dead_letters.push(queue, Dead { entry, reason: DeathReason::MaxLength });
        self.run_dead_letters();
    }
}
