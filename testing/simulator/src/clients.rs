//! Clients: sessions with consumers, unsettled deliveries and transactions, and the verbs they call.

use std::collections::BTreeMap;
use std::sync::Arc;

use ternmq_broker::{
    ConnectionId, ConnectionInfo, ConsumeSpec, ConsumerId, Deliver, DeliveryId, Effect, Error, GetOutcome,
    Outcome as Fate, Publish, Published, QueueSpec, Receipt, SessionId, SettleRange,
};
use ternmq_fakes::SeededRng;
use ternmq_message::{Map, Message, MessageMeta, Value};

use crate::checker::{TOPICS, Violation, body_of, broken, head_of, is_match};
use crate::history::{Event, Outcome, QueueFacts, Taken};
use crate::node::{MARK, USER};
use crate::peers::Link;
use crate::sabotage::Sabotage;
use crate::wides::WideConsumer;
use crate::world::World;

/// Queues that the workload makes and deletes.
pub(crate) const QUEUES: u64 = 7;
/// The node that queues are bound to by key, and the one that sends to all.
pub(crate) const DIRECT: &str = "direct";
pub(crate) const FANOUT: &str = "sys.fanout";
const KEYS: u64 = 3;
const MOST_SESSIONS: usize = 8;

/// A session as its client knows it.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) connection: ConnectionId,
    pub(crate) session: SessionId,
    pub(crate) label: u32,
    consumers: BTreeMap<u32, (ConsumerId, String)>,
    /// Those of several queues, by label.
    pub(crate) wides: BTreeMap<u32, WideConsumer>,
    pub(crate) unsettled: Vec<u64>,
    pub(crate) is_transactional: bool,
}

fn facts(rng: &mut SeededRng) -> QueueFacts {
    let mut facts = QueueFacts { is_durable: true, ..QueueFacts::default() };
    match rng.below(12) {
        0 => facts.is_durable = false,
        1 | 2 => facts.is_quorum = true,
        3 => facts.max_priority = Some(3),
        4 => facts.ttl_ms = Some(50 + rng.below(3_000)),
        5 => facts.max_length = Some(5 + rng.below(20)),
        6 => {
            facts.max_length = Some(5 + rng.below(20));
            facts.rejects_when_full = true;
        }
        7 => facts.is_single_active = true,
        8 => facts.delivery_limit = Some(1 + rng.below(3) as u32),
        _ => {}
    }
    if rng.chance(1, 3) {
        facts.dead_to = Some(format!("dead-{}", rng.below(2)));
    }
    facts
}

fn arguments(facts: &QueueFacts, mark: u64) -> Map {
    let number = |number: u64| Value::I64(i64::try_from(number).unwrap_or(i64::MAX));
    let mut map: Vec<(&str, Value)> = vec![(MARK, number(mark))];
    map.extend(facts.is_quorum.then_some(("quorum", Value::Bool(true))));
    map.extend(facts.max_priority.map(|most| ("max_priority", number(most.into()))));
    map.extend(facts.ttl_ms.map(|ttl| ("message_ttl_ms", number(ttl))));
    map.extend(facts.max_length.map(|most| ("max_length", number(most))));
    map.extend(facts.rejects_when_full.then_some(("reject_publish", Value::Bool(true))));
    map.extend(facts.is_single_active.then_some(("is_single_active", Value::Bool(true))));
    map.extend(facts.delivery_limit.map(|most| ("delivery_limit", number(most.into()))));
    if let Some(dead) = &facts.dead_to {
        map.push(("dead_letter_node", Value::str("")));
        map.push(("dead_letter_key", Value::str(dead)));
    }
    map.into_iter().map(|(name, value)| (Arc::from(name), value)).collect()
}

pub(crate) fn unexpected(verb: &str, error: &Error) -> Violation {
    broken("I10", format!("{verb} was refused though nothing speaks against it: {error:?}"))
}

impl World {
    /// One verb of one client.
    pub(crate) fn act(&mut self) -> Result<(), Violation> {
        if self.clients.is_empty() || (self.clients.len() < MOST_SESSIONS && self.work.chance(1, 12)) {
            return self.enter();
        }
        let at = self.work.below(self.clients.len() as u64) as usize;
        match self.work.below(100) {
            0..=29 => self.publish(at),
            30..=33 => self.burst(at),
            34..=41 => self.consume(at),
            42..=47 => self.get(at),
            48..=69 => self.settle(at),
            70..=75 => self.declare(at),
            76 => self.delete(at),
            77 => self.purge(at),
            78..=82 => self.bind(at),
            83..=84 => self.unbind(at),
            85..=86 => self.select(at),
            87..=93 => self.finish_transaction(at),
            94..=95 => self.cancel(at),
            96..=97 => self.leave(at),
            _ => self.set_window(at),
        }
    }

    fn enter(&mut self) -> Result<(), Violation> {
        self.next_label += 1;
        let label = self.next_label;
        let shared =
            self.work.chance(1, 3).then(|| self.clients.first().map(|client| client.connection)).flatten();
        let broker = &mut self.node.broker;
        let connection = match shared {
            Some(connection) => connection,
            None => broker
                .connect(&USER.into(), "main", ConnectionInfo::default())
                .map_err(|error| unexpected("connect", &error))?,
        };
        let session = broker.open_session(connection, label).map_err(|error| unexpected("open", &error))?;
        self.clients.push(Client {
            connection,
            session,
            label,
            consumers: BTreeMap::new(),
            wides: BTreeMap::new(),
            unsettled: Vec::new(),
            is_transactional: false,
        });
        Ok(())
    }

    fn a_queue(&mut self) -> String {
        match self.work.below(10) {
            0 => format!("dead-{}", self.work.below(2)),
            _ => format!("q-{}", self.work.below(QUEUES)),
        }
    }

    pub(crate) fn has_queue(&self, name: &str) -> bool {
        self.node.broker.queue_view("main", name).is_some()
    }

    /// Declares a queue that is not there.
    pub(crate) fn declare_as(&mut self, at: usize, name: &str, facts: QueueFacts) -> Result<(), Violation> {
        let spec = QueueSpec {
            name: name.into(),
            is_durable: facts.is_durable,
            arguments: arguments(&facts, self.next_op + 1),
            ..QueueSpec::default()
        };
        let session = self.clients[at].session;
        let done =
            self.node.broker.declare_queue(session, spec).map_err(|error| unexpected("declare", &error))?;
        let op = self.new_op(done.receipt);
        self.note(Event::Declare { op, queue: name.into(), facts })?;
        self.answer_at_once(op, done.receipt)
    }

    fn declare(&mut self, at: usize) -> Result<(), Violation> {
        let name = format!("q-{}", self.work.below(QUEUES));
        let facts = facts(&mut self.work);
        if self.has_queue(&name) { Ok(()) } else { self.declare_as(at, &name, facts) }
    }

    fn delete(&mut self, at: usize) -> Result<(), Violation> {
        let name = format!("q-{}", self.work.below(QUEUES));
        if !self.has_queue(&name) {
            return Ok(());
        }
        let session = self.clients[at].session;
        let done = self
            .node
            .broker
            .delete_queue(session, &name, false, false)
            .map_err(|error| unexpected("delete", &error))?;
        let op = self.new_op(done.receipt);
        self.note(Event::Delete { op, queue: name })?;
        self.answer_at_once(op, done.receipt)?;
        self.hand_out()
    }

    fn purge(&mut self, at: usize) -> Result<(), Violation> {
        let name = self.a_queue();
        if !self.has_queue(&name) {
            return Ok(());
        }
        let session = self.clients[at].session;
        let done =
            self.node.broker.purge_queue(session, &name).map_err(|error| unexpected("purge", &error))?;
        let op = self.new_op(done.receipt);
        self.note(Event::Purge { op, queue: name })?;
        self.answer_at_once(op, done.receipt)?;
        self.hand_out()
    }

    fn bind(&mut self, at: usize) -> Result<(), Violation> {
        let queue = format!("q-{}", self.work.below(QUEUES));
        let (node, key) = self.a_binding();
        self.bind_as(at, &queue, node, key)
    }

    pub(crate) fn bind_as(
        &mut self,
        at: usize,
        queue: &str,
        node: &str,
        key: String,
    ) -> Result<(), Violation> {
        if !self.has_queue(queue) {
            return Ok(());
        }
        let session = self.clients[at].session;
        let done = self
            .node
            .broker
            .bind_queue(session, queue, node, &key, Map::new())
            .map_err(|error| unexpected("bind", &error))?;
        let op = self.new_op(done.receipt);
        self.note(Event::Bind { op, node: node.into(), queue: queue.into(), key })?;
        self.answer_at_once(op, done.receipt)
    }

    fn unbind(&mut self, at: usize) -> Result<(), Violation> {
        let queue = format!("q-{}", self.work.below(QUEUES));
        let (node, key) = self.a_binding();
        if !self.has_queue(&queue) {
            return Ok(());
        }
        let session = self.clients[at].session;
        let Ok(done) = self.node.broker.unbind_queue(session, &queue, node, &key, Map::new()) else {
            return Ok(());
        };
        let op = self.new_op(done.receipt);
        self.note(Event::Unbind { op, node: node.into(), queue, key })?;
        self.answer_at_once(op, done.receipt)
    }

    fn a_binding(&mut self) -> (&'static str, String) {
        if self.work.chance(1, 3) {
            (FANOUT, String::new())
        } else {
            (DIRECT, format!("k-{}", self.work.below(KEYS)))
        }
    }

    fn publish(&mut self, at: usize) -> Result<(), Violation> {
        // A client that obeys the alarm; one in ten had its message under way already (F4).
        if self.node.is_low_on_disk() && !self.work.chance(1, 10) {
            return Ok(());
        }
        let (node, key) = match self.work.below(10) {
            0..=6 => ("", self.a_queue()),
            7 | 8 => (DIRECT, format!("k-{}", self.work.below(KEYS))),
            _ => (FANOUT, String::new()),
        };
        self.publish_to(at, node, &key)
    }

    pub(crate) fn publish_to(&mut self, at: usize, node: &str, key: &str) -> Result<(), Violation> {
        self.next_message += 1;
        let id = self.next_message;
        let meta = MessageMeta {
            is_durable: self.work.chance(5, 6),
            priority: self.work.below(5) as u8,
            ttl_ms: self.work.chance(1, 15).then(|| self.work.below(2_000)),
            ..MessageMeta::default()
        };
        let Ok(message) = Message::new(node, key, &head_of(id), &body_of(id), meta, None) else {
            return Ok(());
        };
        let publish = Publish { message, extra_keys: &[], claimed_user: None };
        let published = self
            .node
            .broker
            .publish(self.clients[at].session, publish)
            .map_err(|error| unexpected("publish", &error))?;
        let is_transactional = self.clients[at].is_transactional;
        let (receipt, outcome, is_routed) = match published {
            Published::Accepted(receipt) => (receipt, Outcome::Unknown, true),
            Published::Refused => (Receipt::NONE, Outcome::Fail, true),
            Published::Unroutable(_) => (Receipt::NONE, Outcome::Ok, false),
        };
        let op = self.new_op(receipt);
        // What is staged has no route yet as far as its client knows.
        let is_routed = if is_transactional { self.is_bound(node, key) } else { is_routed };
        self.note(Event::Publish {
            op,
            session: self.clients[at].label,
            message: id,
            node: node.into(),
            key: key.into(),
            is_durable: meta.is_durable,
            priority: meta.priority,
            ttl_ms: meta.ttl_ms,
            outcome,
            is_routed,
        })?;
        if outcome == Outcome::Unknown && !is_transactional {
            self.answer_at_once(op, receipt)?;
        }
        self.hand_out()
    }

    pub(crate) fn is_bound(&self, node: &str, key: &str) -> bool {
        if node.is_empty() {
            return self.has_queue(key);
        }
        let bindings = self.node.broker.binding_views("main");
        let fits = |pattern: &str| match node {
            FANOUT => true,
            TOPICS => is_match(pattern, key),
            _ => pattern == key,
        };
        bindings.iter().any(|binding| &*binding.source == node && fits(&binding.key))
    }

    fn burst(&mut self, at: usize) -> Result<(), Violation> {
        let queue = format!("q-{}", self.work.below(QUEUES));
        for _ in 0..10 + self.work.below(40) {
            if !self.node.is_low_on_disk() {
                self.publish_to(at, "", &queue)?;
            }
        }
        Ok(())
    }

    fn consume(&mut self, at: usize) -> Result<(), Violation> {
        let queue = self.a_queue();
        if !self.has_queue(&queue) || self.clients[at].consumers.len() >= 4 {
            return Ok(());
        }
        self.next_label += 1;
        let label = self.next_label;
        let spec = ConsumeSpec {
            queue: &queue,
            label,
            window: self.work.chance(5, 6).then(|| 1 + self.work.below(12) as u32),
            needs_settle: self.work.chance(5, 6),
            is_exclusive: false,
            priority: self.work.below(3) as i32,
            is_preferred: false,
        };
        let session = self.clients[at].session;
        let consumer =
            self.node.broker.consume(session, &spec).map_err(|error| unexpected("consume", &error))?;
        self.unsettling.insert(label, spec.needs_settle);
        self.clients[at].consumers.insert(label, (consumer, queue));
        self.node.broker.start_consumer(consumer);
        self.hand_out()
    }

    fn cancel(&mut self, at: usize) -> Result<(), Violation> {
        if let Some((_, (consumer, _))) = self.clients[at].consumers.pop_first() {
            self.node.broker.cancel(consumer);
        }
        self.hand_out()
    }

    fn set_window(&mut self, at: usize) -> Result<(), Violation> {
        let window = self.work.chance(1, 2).then(|| 1 + self.work.below(20) as u32);
        let session = self.clients[at].session;
        self.node.broker.set_session_window(session, window);
        self.hand_out()
    }

    fn get(&mut self, at: usize) -> Result<(), Violation> {
        let queue = self.a_queue();
        let needs_settle = self.work.chance(4, 5);
        self.get_from(at, &queue, needs_settle).map(drop)
    }

    /// Fetches one message. Answers whether there was one; `None` while it is being read.
    pub(crate) fn get_from(
        &mut self,
        at: usize,
        queue: &str,
        needs_settle: bool,
    ) -> Result<Option<bool>, Violation> {
        if !self.has_queue(queue) {
            return Ok(Some(false));
        }
        let session = self.clients[at].session;
        let got =
            self.node.broker.get(session, queue, needs_settle).map_err(|error| unexpected("get", &error))?;
        let answer = match got {
            GetOutcome::Got(deliver, _) => {
                self.deliver(at, queue, &deliver, needs_settle)?;
                Some(true)
            }
            GetOutcome::Empty => Some(false),
            GetOutcome::Loading => None,
        };
        self.hand_out()?;
        Ok(answer)
    }

    fn settle(&mut self, at: usize) -> Result<(), Violation> {
        let count = self.clients[at].unsettled.len() as u64;
        if count == 0 {
            return Ok(());
        }
        let delivery = self.clients[at].unsettled[self.work.below(count) as usize];
        let range = if self.work.chance(1, 3) { SettleRange::UpTo } else { SettleRange::One };
        let fate = match self.work.below(10) {
            0..=5 => Fate::Accept,
            6 => Fate::Requeue,
            7 => Fate::Release,
            _ => Fate::Discard,
        };
        self.settle_as(at, delivery, range, fate)
    }

    pub(crate) fn settle_as(
        &mut self,
        at: usize,
        delivery: u64,
        range: SettleRange,
        fate: Fate,
    ) -> Result<(), Violation> {
        let client = &mut self.clients[at];
        let is_meant = |known: &u64| match range {
            SettleRange::One => *known == delivery,
            SettleRange::UpTo => delivery == 0 || *known <= delivery,
        };
        let mut deliveries: Vec<u64> = client.unsettled.extract_if(.., |known| is_meant(known)).collect();
        deliveries.sort_unstable();
        let (session, label) = (client.session, client.label);
        if client.is_transactional {
            self.staged_deliveries.entry(label).or_default().extend(&deliveries);
        }
        self.node
            .broker
            .settle(session, DeliveryId(delivery), range, fate)
            .map_err(|error| unexpected("settle", &error))?;
        self.note(match fate {
            Fate::Accept => Event::Accept { session: label, deliveries },
            // Only whether it counts as a failure tells them apart.
            Fate::Requeue | Fate::Release => Event::Requeue { session: label, deliveries },
            Fate::Discard => Event::Discard { session: label, deliveries },
        })?;
        self.hand_out()
    }

    fn select(&mut self, at: usize) -> Result<(), Violation> {
        let client = &mut self.clients[at];
        if client.is_transactional {
            return Ok(());
        }
        client.is_transactional = true;
        let (session, label) = (client.session, client.label);
        self.node.broker.tx_select(session).map_err(|error| unexpected("select", &error))?;
        self.note(Event::Select { session: label })
    }

    fn finish_transaction(&mut self, at: usize) -> Result<(), Violation> {
        let Some(at) = (at..self.clients.len()).chain(0..at).find(|at| self.clients[*at].is_transactional)
        else {
            return Ok(());
        };
        let (session, label) = (self.clients[at].session, self.clients[at].label);
        if self.work.chance(1, 5) {
            self.node.broker.tx_rollback(session).map_err(|error| unexpected("rollback", &error))?;
            return self.note_rollback(at);
        }
        let done = self.node.broker.tx_commit(session).map_err(|error| unexpected("commit", &error))?;
        if done.value.is_refused {
            // All of it or nothing (I6).
            return self.note_rollback(at);
        }
        self.staged_deliveries.remove(&label);
        let op = self.new_op(done.receipt);
        self.note(Event::Commit { op, session: label })?;
        self.answer_at_once(op, done.receipt)?;
        self.hand_out()
    }

    fn note_rollback(&mut self, at: usize) -> Result<(), Violation> {
        let label = self.clients[at].label;
        self.note(Event::Rollback { session: label })?;
        let restored = self.rolled_back(label);
        let client = &mut self.clients[at];
        client.unsettled.extend(restored);
        client.unsettled.sort_unstable();
        self.hand_out()
    }

    fn rolled_back(&mut self, label: u32) -> Vec<u64> {
        self.staged_deliveries.remove(&label).unwrap_or_default()
    }

    fn leave(&mut self, at: usize) -> Result<(), Violation> {
        if self.work.chance(1, 2) {
            let client = self.clients.remove(at);
            self.node.broker.close_session(client.session);
            self.note(Event::Close { session: client.label })?;
            return self.hand_out();
        }
        let connection = self.clients[at].connection;
        let gone: Vec<Client> =
            self.clients.extract_if(.., |client| client.connection == connection).collect();
        self.node.broker.disconnect(connection);
        for client in gone {
            self.note(Event::Close { session: client.label })?;
        }
        self.hand_out()
    }

    /// Hands effects to the clients they are for.
    pub(crate) fn hand_out(&mut self) -> Result<(), Violation> {
        // What could not be read is known before anything behind it is handed out.
        self.report_incidents()?;
        loop {
            let mut effects: Vec<(ConnectionId, Effect)> = self.node.broker.drain_effects().collect();
            if effects.is_empty() {
                return Ok(());
            }
            if self.sabotage() == Sabotage::SwapDeliveries && effects.len() > 1 {
                effects.swap(0, 1);
            }
            effects.into_iter().try_for_each(|(_, effect)| self.take_effect(effect))?;
        }
    }

    fn take_effect(&mut self, effect: Effect) -> Result<(), Violation> {
        match effect {
            Effect::Deliver(deliver) => self.hand_over(&deliver),
            Effect::ConsumerEnded { session_label, consumer_label, .. } => {
                if let Some(client) = self.clients.iter_mut().find(|client| client.label == session_label) {
                    client.consumers.remove(&consumer_label);
                    client.wides.remove(&consumer_label);
                }
                Ok(())
            }
            Effect::SessionEnded { session_label, .. } => {
                self.clients.retain(|client| client.label != session_label);
                self.note(Event::Close { session: session_label })
            }
            Effect::DeliverFrom(from) => self.hand_over_from(&from),
            Effect::Loaded { .. }
            | Effect::Close { .. }
            | Effect::Blocked { .. }
            | Effect::TakenOver { .. } => Ok(()),
        }
    }

    fn hand_over(&mut self, deliver: &Deliver) -> Result<(), Violation> {
        let is_its = |link: &Link| link.label == deliver.session_label;
        if let Some(at) = self.peers.iter().position(|peer| peer.link.as_ref().is_some_and(is_its)) {
            return self.hand_to_peer(at, deliver);
        }
        let found = self.clients.iter().position(|client| client.label == deliver.session_label);
        let Some(at) = found else { return Ok(()) };
        let Some((_, queue)) = self.clients[at].consumers.get(&deliver.consumer_label) else {
            let text = format!("consumer {} got a delivery after it had ended", deliver.consumer_label);
            return Err(broken("I4", text));
        };
        let queue = queue.clone();
        let needs_settle = self.unsettling.get(&deliver.consumer_label).copied().unwrap_or(true);
        self.delivered += 1;
        let is_chosen = self.delivered.is_multiple_of(9);
        if is_chosen && self.sabotage() == Sabotage::SwallowDeliveries {
            return self.swallow(at, deliver);
        }
        self.deliver(at, &queue, deliver, needs_settle)?;
        if is_chosen && self.sabotage() == Sabotage::DeliverTwice {
            self.deliver(at, &queue, deliver, needs_settle)?;
        }
        Ok(())
    }

    fn swallow(&mut self, at: usize, deliver: &Deliver) -> Result<(), Violation> {
        let session = self.clients[at].session;
        // An error means that nothing was left to lose.
        let _lost = self.node.broker.settle(session, deliver.delivery, SettleRange::One, Fate::Accept);
        self.hand_out()
    }

    pub(crate) fn deliver(
        &mut self,
        at: usize,
        queue: &str,
        deliver: &Deliver,
        needs_settle: bool,
    ) -> Result<(), Violation> {
        let mut taken = Taken::of(queue, deliver, needs_settle);
        if self.sabotage() == Sabotage::ChangeBodies
            && self.delivered.is_multiple_of(11)
            && let Some(last) = taken.body.last_mut()
        {
            *last ^= 1;
        }
        taken.is_redelivered &= self.sabotage() != Sabotage::HideRedelivery;
        if needs_settle {
            self.clients[at].unsettled.push(deliver.delivery.0);
        }
        let session = self.clients[at].label;
        self.note(Event::Deliver { session, taken })
    }
}
