//! Peers: clients known by name, as MQTT has them. Each remembers across its connections, and across the deaths of the
//! node, what the protocol asks of it: messages of its own that are not done with, tokens of the broker. What the
//! adapter of a protocol does between them and the core is done here in its order: an answer leaves once its receipt is
//! covered, and so does a message under a token.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use ternmq_broker::{
    ClientSpec, ConnectionId, ConnectionInfo, Deliver, DeliveryId, Outcome as Fate, Receipt, SessionId,
    SettleRange, Will,
};
use ternmq_message::{Message, MessageMeta};

use crate::checker::{Violation, body_of, broken, client_queue, group_queue, head_of, message_id, will_key};
use crate::clients::unexpected;
use crate::history::{Event, QueueFacts, Taken};
use crate::node::USER;
use crate::sabotage::Sabotage;
use crate::world::World;

/// Peers of a world.
const PEERS: u64 = 6;
/// Most messages under way to a peer.
const WINDOW: u32 = 5;
/// Longer than a life.
const LONG_MS: u64 = 3_600_000;
/// Time after which nothing is kept for anybody.
const ALL_OVER_MS: u64 = 2 * LONG_MS;
/// Groups of those who are kept, and of those who are not.
const GROUPS: [&str; 2] = ["g", "h"];

/// What a peer remembers, and its connection.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) name: String,
    /// It takes messages under tokens, each once; another one takes them at least once.
    is_exact: bool,
    /// How long it asked to be kept.
    keep_ms: u64,
    /// It was to be kept when the broker got to know it.
    is_logged: bool,
    /// It may not rely on what the broker has of it: it begins anew until that is answered.
    wants_fresh: bool,
    /// Tokens of the broker, with the message.
    remembered: BTreeMap<u16, u64>,
    pub(crate) sent: Vec<Sent>,
    pub(crate) link: Option<Link>,
}

/// A message of the peer's own under a token.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) token: u16,
    pub(crate) message: u64,
    pub(crate) key: String,
    pub(crate) is_retained: bool,
    /// The broker has it; the token is being released.
    pub(crate) is_taken: bool,
    pub(crate) receipt: Receipt,
}

/// A connection of a peer.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    connection: ConnectionId,
    pub(crate) session: SessionId,
    pub(crate) label: u32,
    /// Covered: the peer knows that it is connected.
    greeting: Receipt,
    is_greeted: bool,
    /// On its way to the peer, once the receipt is covered.
    coming: VecDeque<(Coming, Receipt)>,
    /// What the peer has not answered yet.
    todo: Vec<Reply>,
}

#[derive(Clone, Debug)]
enum Coming {
    Message { delivery: DeliveryId, token: u16, message: u64, queue: String },
    Release { token: u16 },
}

#[derive(Clone, Copy, Debug)]
enum Reply {
    Done(DeliveryId),
    Got { delivery: DeliveryId, token: u16 },
    Forgot { token: u16 },
}

impl Peer {
    /// The peers that a world begins with.
    pub(crate) fn all() -> Vec<Self> {
        let peer = |number: u64| Self {
            name: format!("c{number}"),
            is_exact: number.is_multiple_of(2),
            keep_ms: LONG_MS,
            is_logged: true,
            wants_fresh: true,
            remembered: BTreeMap::new(),
            sent: Vec::new(),
            link: None,
        };
        (0..PEERS).map(peer).collect()
    }

    fn is_idle(&self) -> bool {
        let is_done = |link: &Link| link.is_greeted && link.coming.is_empty() && link.todo.is_empty();
        self.sent.is_empty() && self.link.as_ref().is_some_and(is_done)
    }
}

/// Whether a key of a peer's own leaves out what it publishes itself.
fn skips_own(key: &str) -> bool {
    key == "t.*"
}

impl World {
    /// Something that a peer does, or a client of another protocol with it.
    pub(crate) fn act_as_peer(&mut self) -> Result<(), Violation> {
        for at in 0..self.peers.len() {
            // What is sent is under way for a while, and lost when the connection ends meanwhile.
            if self.peer_work.chance(1, 4) {
                self.hear(at)?;
            }
        }
        self.hand_out()?;
        let at = self.peer_work.below(PEERS) as usize;
        let Some(link) = &self.peers[at].link else {
            return if self.peer_work.chance(2, 3) { self.come(at) } else { Ok(()) };
        };
        let (session, is_greeted) = (link.session, link.is_greeted);
        match self.peer_work.below(100) {
            0..=1 => self.come(at),
            2..=4 => self.go(at),
            5..=9 => self.mix(),
            // Whether what is left of an earlier time may go on is not known before.
            10..=29 if is_greeted => self.publish_new_once(at),
            10..=29 => Ok(()),
            30..=39 => self.publish_as(at),
            40..=77 => self.reply(at),
            78..=86 => self.subscribe(at),
            87..=88 => self.unsubscribe(at),
            89..=90 => self.unretain(at),
            _ => self.read_retained(at, session),
        }
    }

    fn a_topic(&mut self) -> String {
        format!("{}.{}", if self.peer_work.chance(2, 3) { 't' } else { 's' }, self.peer_work.below(3))
    }

    /// A new connection, which takes the peer's place on an older one.
    fn come(&mut self, at: usize) -> Result<(), Violation> {
        let is_fresh = self.peers[at].wants_fresh || self.peer_work.chance(1, 15);
        if is_fresh || self.peer_work.chance(1, 4) {
            self.peers[at].keep_ms = match self.peer_work.below(6) {
                0 => 0,
                1 | 2 => 300 + self.peer_work.below(6_000),
                _ => LONG_MS,
            };
        }
        self.come_as(at, is_fresh)
    }

    fn come_as(&mut self, at: usize, is_fresh: bool) -> Result<(), Violation> {
        self.next_label += 1;
        let label = self.next_label;
        let (name, keep_ms) = (self.peers[at].name.clone(), self.peers[at].keep_ms);
        let broker = &mut self.node.broker;
        let connection = broker
            .connect(&USER.into(), "main", ConnectionInfo::default())
            .map_err(|error| unexpected("connect", &error))?;
        let session = broker.open_session(connection, label).map_err(|error| unexpected("open", &error))?;
        let spec = ClientSpec { name: &name, keep_ms, is_fresh };
        let attached =
            broker.attach_client(session, &spec).map_err(|error| unexpected("attach", &error))?.value;
        let is_resumed = attached.is_resumed;
        if let Some(old) = self.peers[at].link.take() {
            self.node.broker.disconnect(old.connection);
            self.note(Event::Close { session: old.label })?;
            self.note(Event::Detach { client: name.clone(), is_taken_over: true })?;
        }
        let will = self.a_will();
        let (message, delay_ms) = will.as_ref().map_or((None, 0), |(id, will)| (Some(*id), will.delay_ms));
        let broker = &mut self.node.broker;
        broker.set_will(session, will.map(|(_, will)| will)).map_err(|error| unexpected("will", &error))?;
        let greeting = broker.receipt_so_far();
        let op = self.new_op(greeting);
        let client = name.clone();
        self.note(Event::Attach { op, session: label, client, is_fresh, is_resumed, keep_ms })?;
        self.note(Event::Will { op, client: name, message, delay_ms })?;
        self.watch()?;
        let released = self.node.broker.released_tokens(session).to_vec();
        let coming = released.into_iter().map(|token| (Coming::Release { token }, greeting)).collect();
        let peer = &mut self.peers[at];
        if !is_resumed {
            (peer.wants_fresh, peer.is_logged) = (true, keep_ms > 0);
            peer.remembered.clear();
            peer.sent.clear();
        }
        let (is_greeted, todo) = (false, Vec::new());
        peer.link = Some(Link { connection, session, label, greeting, is_greeted, coming, todo });
        self.set_peer_window(at);
        self.node.broker.start_client(session).map_err(|error| unexpected("start", &error))?;
        self.hand_out()?;
        if is_resumed { Ok(()) } else { self.subscribe(at) }
    }

    fn set_peer_window(&mut self, at: usize) {
        let Some(link) = &self.peers[at].link else { return };
        self.node.broker.set_session_window(link.session, Some(WINDOW));
    }

    fn a_will(&mut self) -> Option<(u64, Will)> {
        if self.peer_work.chance(1, 2) {
            return None;
        }
        self.next_message += 1;
        let id = self.next_message;
        let delay_ms = self.peer_work.below(3) * self.peer_work.below(1_500);
        let message = message_of(id, "sys.topic", &will_key(id), true)?;
        Some((id, Will { message, delay_ms, is_retained: false }))
    }

    /// The peer goes, with a word or without.
    fn go(&mut self, at: usize) -> Result<(), Violation> {
        let has_word = self.peer_work.chance(1, 2);
        self.leave_as(at, has_word)
    }

    pub(crate) fn leave_as(&mut self, at: usize, has_word: bool) -> Result<(), Violation> {
        let Some(link) = self.peers[at].link.take() else { return Ok(()) };
        let client = self.peers[at].name.clone();
        if has_word {
            if self.sabotage() != Sabotage::PublishWithdrawnWills {
                self.node.broker.set_will(link.session, None).map_err(|error| unexpected("will", &error))?;
            }
            self.note(Event::Will { op: 0, client: client.clone(), message: None, delay_ms: 0 })?;
        }
        self.node.broker.disconnect(link.connection);
        self.note(Event::Close { session: link.label })?;
        self.note(Event::Detach { client, is_taken_over: false })?;
        self.watch()?;
        self.hand_out()
    }

    /// Notes which clients the broker has forgotten, and queues of clients that it made or dropped.
    pub(crate) fn watch(&mut self) -> Result<(), Violation> {
        let names = self.node.client_names("main");
        for client in std::mem::replace(&mut self.client_names, names.clone()) {
            if !names.contains(&client) {
                self.note(Event::Ended { client })?;
            }
        }
        let queues: Vec<String> = (0..PEERS)
            .map(|number| client_queue(&format!("c{number}")))
            .chain(GROUPS.map(group_queue))
            .filter(|queue| self.has_queue(queue) != self.client_queues.contains(queue))
            .collect();
        for queue in queues {
            let view = self.node.broker.queue_view("main", &queue);
            let receipt = self.node.broker.receipt_so_far();
            let op = self.new_op(receipt);
            match view {
                Some(view) => {
                    self.client_queues.insert(queue.clone());
                    let is_durable = view.is_durable;
                    let facts = QueueFacts { is_durable, is_of_clients: true, ..QueueFacts::default() };
                    self.note(Event::Declare { op, queue, facts })?;
                }
                None => {
                    self.client_queues.remove(&queue);
                    self.note(Event::Delete { op, queue })?;
                }
            }
            self.answer_at_once(op, receipt)?;
        }
        Ok(())
    }

    /// What is there after a start. No peer has a connection.
    pub(crate) fn watch_anew(&mut self) {
        self.client_names = self.node.client_names("main");
        let views = self.node.broker.queue_views(Some("main")).into_iter().map(|view| view.name.to_string());
        self.client_queues = views.filter(|name| is_client_queue(name)).collect();
        for peer in &mut self.peers {
            peer.link = None;
        }
    }

    /// The next queue that is made for a client carries the number of the operation that is noted next.
    fn mark_next(&self) {
        self.dialect.set_mark(self.next_op + 1);
    }

    fn subscribe(&mut self, at: usize) -> Result<(), Violation> {
        let (key, group) = self.a_subscription(at);
        let Some(link) = &self.peers[at].link else { return Ok(()) };
        let subscription = ternmq_broker::Subscription {
            key: key.as_str().into(),
            group: group.as_deref().map(Arc::from),
            skips_own: group.is_none() && skips_own(&key),
            needs_settle: true,
            ..ternmq_broker::Subscription::default()
        };
        let (session, skips_own) = (link.session, subscription.skips_own);
        self.mark_next();
        let done = self
            .node
            .broker
            .subscribe(session, subscription)
            .map_err(|error| unexpected("subscribe", &error))?;
        self.watch()?;
        let client = self.peers[at].name.clone();
        let op = self.new_op(done.receipt);
        if group.is_none() {
            let queue = client_queue(&client);
            self.note(Event::Bind { op, node: "sys.topic".into(), queue, key: key.clone() })?;
        } else if let Some(group) = &group {
            let queue = group_queue(group);
            self.note(Event::Bind { op, node: "sys.topic".into(), queue, key: key.clone() })?;
        }
        self.note(Event::Subscribe { op, client, key, group, skips_own })?;
        self.answer_at_once(op, done.receipt)?;
        self.hand_out()
    }

    /// Keys of a group are not among the keys of its members: a message comes to a queue once.
    fn a_subscription(&mut self, at: usize) -> (String, Option<String>) {
        let is_member = at < 3;
        if is_member && self.peer_work.chance(1, 2) {
            let group = GROUPS[usize::from(!self.peers[at].is_logged)];
            return ("s.#".into(), Some(group.into()));
        }
        let keys = ["t.#", "t.*", "t.0", "t.1", "s.*", "s.0"];
        let count = if is_member { 4 } else { 6 };
        (keys[self.peer_work.below(count) as usize].into(), None)
    }

    fn unsubscribe(&mut self, at: usize) -> Result<(), Violation> {
        let (key, group) = self.a_subscription(at);
        let Some(link) = &self.peers[at].link else { return Ok(()) };
        let done = self
            .node
            .broker
            .unsubscribe(link.session, &key, group.as_deref())
            .map_err(|error| unexpected("unsubscribe", &error))?;
        if !done.value {
            return Ok(());
        }
        let client = self.peers[at].name.clone();
        let op = self.new_op(done.receipt);
        self.note(Event::Unsubscribe { op, client: client.clone(), key: key.clone(), group: group.clone() })?;
        if group.is_none() {
            let queue = client_queue(&client);
            self.note(Event::Unbind { op, node: "sys.topic".into(), queue, key })?;
        }
        self.answer_at_once(op, done.receipt)?;
        self.watch()?;
        self.hand_out()
    }

    fn publish_new_once(&mut self, at: usize) -> Result<(), Violation> {
        let sent = &self.peers[at].sent;
        if sent.len() >= 6 || self.node.is_low_on_disk() {
            return Ok(());
        }
        let used: Vec<u16> = sent.iter().map(|sent| sent.token).collect();
        let Some(token) = (1..=8).find(|token| !used.contains(token)) else { return Ok(()) };
        let key = self.a_topic();
        self.next_message += 1;
        let sent = Sent {
            token,
            message: self.next_message,
            key,
            is_retained: self.peer_work.chance(1, 4),
            is_taken: false,
            receipt: Receipt::NONE,
        };
        self.peers[at].sent.push(sent.clone());
        self.send_once(at, &sent)
    }

    fn read_retained(&mut self, at: usize, session: SessionId) -> Result<(), Violation> {
        let key = ["t.#", "s.*", "t.0", "s.1", "t.*"][self.peer_work.below(5) as usize];
        self.check_retained(session, key)?;
        if self.node.is_low_on_disk() || !self.peer_work.chance(1, 3) {
            return Ok(());
        }
        // As for a new subscription: past all bindings, into the queue of the client alone.
        let name = client_queue(&self.peers[at].name);
        if self.client_queues.contains(&name) { self.send_to_peer(at, name) } else { Ok(()) }
    }

    /// The last message of each key, as a subscriber to come would get them.
    pub(crate) fn check_retained(&mut self, session: SessionId, key: &str) -> Result<(), Violation> {
        let mut read = self.node.broker.begin_retained_read(key);
        let page = self
            .node
            .broker
            .read_retained(session, &mut read, usize::MAX)
            .map_err(|error| unexpected("retained", &error))?;
        let mut found = Vec::new();
        for message in &page.messages {
            let id = message_id(message.body());
            let id = id.filter(|id| message.body() == body_of(*id) && message.head() == head_of(*id));
            let Some(id) = id else {
                let text = format!("what is retained under {} was never published", message.key());
                return Err(broken("I2", text));
            };
            found.push((message.key().to_owned(), id));
        }
        self.note(Event::Retained { key: key.into(), found })
    }

    /// Publishes by other protocols reach the peers, theirs reach queues, and somebody reads the wills.
    fn mix(&mut self) -> Result<(), Violation> {
        if self.clients.is_empty() {
            return Ok(());
        }
        let at = self.peer_work.below(self.clients.len() as u64) as usize;
        match self.peer_work.below(4) {
            0 => {
                let queue = format!("q-{}", self.peer_work.below(crate::clients::QUEUES));
                let key = ["t.#", "t.1", "s.*", "s.2"][self.peer_work.below(4) as usize];
                self.bind_as(at, &queue, "sys.topic", key.into())
            }
            1 => {
                self.get_from(at, crate::checker::WILLS, true)?;
                self.settle_as(at, 0, SettleRange::UpTo, Fate::Accept)
            }
            _ => {
                let key = self.a_topic();
                if self.node.is_low_on_disk() { Ok(()) } else { self.publish_to(at, "sys.topic", &key) }
            }
        }
    }

    /// A delivery for a peer.
    pub(crate) fn hand_to_peer(&mut self, at: usize, deliver: &Deliver) -> Result<(), Violation> {
        let peer = &self.peers[at];
        let Some(link) = &peer.link else { return Ok(()) };
        let (session, label, is_exact) = (link.session, link.label, peer.is_exact);
        let number = deliver.consumer_label;
        let queue = match number {
            0 => client_queue(&peer.name),
            _ => {
                let subscriptions = self.node.broker.session_subscriptions(session);
                let group =
                    subscriptions.iter().find(|one| one.number == number).and_then(|one| one.group.clone());
                let Some(group) = group else {
                    let text = format!("{} got a message of a subscription that had ended", peer.name);
                    return Err(broken("I4", text));
                };
                group_queue(&group)
            }
        };
        let taken = Taken::of(&queue, deliver, true);
        let (id, is_durable) = (message_id(&taken.body).unwrap_or_default(), taken.is_durable);
        self.note(Event::Deliver { session: label, taken })?;
        if !is_durable {
            return self.accept_as(at, deliver.delivery);
        }
        if !is_exact {
            if let Some(link) = &mut self.peers[at].link {
                link.todo.push(Reply::Done(deliver.delivery));
            }
            return Ok(());
        }
        if number != 0 {
            return self.adopt(at, deliver, id, &queue);
        }
        // The number of a message whose record a crash takes away goes to another one.
        let is_logged = self.peers[at].is_logged;
        let receipt = if is_logged { self.node.broker.receipt_so_far() } else { Receipt::NONE };
        let token = u16::try_from((deliver.seq - 1) % 65_535).unwrap_or(0) + 1;
        let message = Coming::Message { delivery: deliver.delivery, token, message: id, queue };
        if let Some(link) = &mut self.peers[at].link {
            link.coming.push_back((message, receipt));
        }
        Ok(())
    }

    /// A message under a token that comes by a shared queue stays with the peer that it went to.
    fn adopt(&mut self, at: usize, deliver: &Deliver, origin: u64, shared: &str) -> Result<(), Violation> {
        self.next_message += 1;
        let id = self.next_message;
        let queue = client_queue(&self.peers[at].name);
        let meta = *deliver.message.meta();
        let Ok(message) = Message::new("", &queue, &head_of(id), &body_of(id), meta, None) else {
            return Ok(());
        };
        let Some(link) = &self.peers[at].link else { return Ok(()) };
        let (session, label) = (link.session, link.label);
        self.mark_next();
        self.node
            .broker
            .adopt(session, deliver.delivery, message)
            .map_err(|error| unexpected("adopt", &error))?;
        self.watch()?;
        let receipt = self.node.broker.receipt_so_far();
        let op = self.new_op(receipt);
        let (delivery, shared) = (deliver.delivery.0, shared.to_owned());
        self.note(Event::Adopt { op, session: label, delivery, origin, shared, message: id, queue })?;
        self.answer_at_once(op, receipt)
    }

    fn accept_as(&mut self, at: usize, delivery: DeliveryId) -> Result<(), Violation> {
        let Some(link) = &self.peers[at].link else { return Ok(()) };
        let (session, label) = (link.session, link.label);
        self.node
            .broker
            .settle(session, delivery, SettleRange::One, Fate::Accept)
            .map_err(|error| unexpected("settle", &error))?;
        self.note(Event::Accept { session: label, deliveries: vec![delivery.0] })
    }

    /// The peer answers one of the things that it got.
    fn reply(&mut self, at: usize) -> Result<(), Violation> {
        let Some(link) = &mut self.peers[at].link else { return Ok(()) };
        if link.todo.is_empty() {
            return Ok(());
        }
        let one = self.peer_work.below(link.todo.len() as u64) as usize;
        let (reply, session) = (link.todo.remove(one), link.session);
        match reply {
            Reply::Done(delivery) => self.accept_as(at, delivery)?,
            Reply::Got { delivery, token } => self.settle_got(at, delivery, token)?,
            Reply::Forgot { token } => {
                let done = self.node.broker.complete_token(session, token);
                let _known = done.map_err(|error| unexpected("complete", &error))?;
            }
        }
        self.hand_out()
    }

    fn settle_got(&mut self, at: usize, delivery: DeliveryId, token: u16) -> Result<(), Violation> {
        let Some(link) = &self.peers[at].link else { return Ok(()) };
        let (session, label) = (link.session, link.label);
        let receipt = if self.sabotage() == Sabotage::DropReleases {
            self.accept_as(at, delivery)?;
            self.node.broker.receipt_so_far()
        } else {
            let released = self.node.broker.settle_released(session, delivery, token);
            let receipt = released.map_err(|error| unexpected("release", &error))?;
            self.note(Event::Accept { session: label, deliveries: vec![delivery.0] })?;
            receipt
        };
        if let Some(link) = &mut self.peers[at].link {
            link.coming.push_back((Coming::Release { token }, receipt));
        }
        Ok(())
    }

    /// Everything whose receipt is covered reaches its peer.
    fn hear_all(&mut self) -> Result<(), Violation> {
        for at in 0..self.peers.len() {
            self.hear(at)?;
        }
        self.hand_out()
    }

    fn hear(&mut self, at: usize) -> Result<(), Violation> {
        let durable = self.node.broker.durable();
        let Some(link) = &mut self.peers[at].link else { return Ok(()) };
        if !link.is_greeted && durable.covers(link.greeting) {
            link.is_greeted = true;
            self.peers[at].wants_fresh = false;
            self.send_again(at)?;
        }
        if self.peers[at].link.as_ref().is_some_and(|link| link.is_greeted) {
            self.hear_answers(at)?;
        }
        loop {
            let durable = self.node.broker.durable();
            let peer = &mut self.peers[at];
            let Some(link) = &mut peer.link else { return Ok(()) };
            let Some((coming, _)) = link.coming.pop_front_if(|(_, receipt)| durable.covers(*receipt)) else {
                return Ok(());
            };
            let client = peer.name.clone();
            match coming {
                Coming::Message { delivery, token, message, queue } => {
                    peer.remembered.entry(token).or_insert(message);
                    link.todo.push(Reply::Got { delivery, token });
                    self.note(Event::Receive { client, token, queue, message })?;
                }
                Coming::Release { token } => {
                    peer.remembered.remove(&token);
                    link.todo.push(Reply::Forgot { token });
                    self.note(Event::Forgot { client, token })?;
                }
            }
        }
    }

    /// In the order of their first time: messages that were not answered, releases that were not.
    fn send_again(&mut self, at: usize) -> Result<(), Violation> {
        for sent in self.peers[at].sent.clone() {
            if sent.is_taken { self.forget(at, sent.token)? } else { self.send_once(at, &sent)? }
        }
        Ok(())
    }

    fn hear_answers(&mut self, at: usize) -> Result<(), Violation> {
        let durable = self.node.broker.durable();
        let answered: Vec<Sent> =
            self.peers[at].sent.iter().filter(|sent| durable.covers(sent.receipt)).cloned().collect();
        for sent in answered {
            if sent.is_taken {
                self.peers[at].sent.retain(|known| known.token != sent.token);
            } else {
                self.forget(at, sent.token)?;
            }
        }
        Ok(())
    }

    fn forget(&mut self, at: usize, token: u16) -> Result<(), Violation> {
        let Some(link) = &self.peers[at].link else { return Ok(()) };
        let done = self.node.broker.forget_token(link.session, token);
        let receipt = done.map_err(|error| unexpected("forget", &error))?.receipt;
        let client = self.peers[at].name.clone();
        if let Some(sent) = self.peers[at].sent.iter_mut().find(|sent| sent.token == token) {
            (sent.is_taken, sent.receipt) = (true, receipt);
        }
        let op = self.new_op(receipt);
        self.note(Event::Forget { op, client, token })?;
        self.answer_at_once(op, receipt)
    }

    /// Trouble is over: all come back and finish what is under way.
    pub(crate) fn finish_peers(&mut self) -> Result<(), Violation> {
        for _ in 0..400 {
            for at in 0..self.peers.len() {
                if self.peers[at].link.is_none() {
                    let is_fresh = self.peers[at].wants_fresh;
                    self.come_as(at, is_fresh)?;
                }
                while self.peers[at].link.as_ref().is_some_and(|link| !link.todo.is_empty()) {
                    self.reply(at)?;
                }
            }
            let is_idle = self.peers.iter().all(Peer::is_idle);
            match self.settle_all()? {
                Ok(()) => self.hear_all()?,
                Err(stopped) => self.fall(&stopped)?,
            }
            if self.checker.is_maimed() {
                return Ok(());
            }
            if is_idle && self.peers.iter().all(Peer::is_idle) {
                return Ok(());
            }
        }
        Err(broken("I12", format!("peers wait for ever: {:?}", self.peers)))
    }

    /// All have gone without a word, and the time that they were kept for is over: nothing of them is left.
    pub(crate) fn outlive_peers(&mut self) -> Result<(), Violation> {
        if let Some(session) = self.peers[0].link.as_ref().map(|link| link.session) {
            self.check_retained(session, "t.#")?;
            self.check_retained(session, "s.#")?;
        }
        for at in 0..self.peers.len() {
            self.leave_as(at, false)?;
        }
        self.advance(ALL_OVER_MS)?;
        if let Err(stopped) = self.settle_all()? {
            self.fall(&stopped)?;
            self.advance(ALL_OVER_MS)?;
        }
        let is_empty = self.client_names.is_empty() && self.client_queues.is_empty();
        if is_empty || self.checker.is_maimed() {
            return Ok(());
        }
        let text = format!("left of clients: {:?}, {:?}", self.client_names, self.client_queues);
        Err(broken("SUBACK", text))
    }
}

/// A message of this number, one that is kept.
pub(crate) fn message_of(id: u64, node: &str, key: &str, is_durable: bool) -> Option<Message> {
    let meta = MessageMeta { is_durable, ..MessageMeta::default() };
    Message::new(node, key, &head_of(id), &body_of(id), meta, None).ok()
}

/// Whether a queue belongs to a client or to a group of them.
pub(crate) fn is_client_queue(name: &str) -> bool {
    name.starts_with("client.") || name.starts_with("group.")
}
