//! Clients that want each message exactly once, over power losses: a publisher that sends again what was not answered, a
//! subscriber and a group that know a message by its token, retained messages and wills, all on one node that dies again
//! and again with its disk losing, tearing and reordering what was not synced.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use ternmq_broker::{
    ClientSpec, ConnectionId, ConnectionInfo, Deliver, Effect, Now, Once, Publish, Published, Receipt,
    SessionId, Subscription, Will,
};
use ternmq_fakes::{FakeDisk, SeededRng};
use ternmq_message::{Message, MessageMeta};
use ternmq_simulator::{Engine, Node, Start, Tuning};

const KEEP_MS: u64 = 10_000_000;
const STEPS: u64 = 600;
const SEEDS: u64 = 16;
const MEMBERS: [&str; 2] = ["member-0", "member-1"];

fn message(key: &str, number: u64) -> Message {
    let meta = MessageMeta { is_durable: true, ..MessageMeta::default() };
    // Bodies of some size, so that segments and checkpoints come and go.
    let mut body = number.to_le_bytes().to_vec();
    body.resize(60, 7);
    Message::new("sys.topic", key, b"", &body, meta, None).unwrap()
}

fn number_of(message: &Message) -> u64 {
    u64::from_le_bytes(message.body()[..8].try_into().unwrap())
}

/// A message of the publisher that is not done with.
struct Sent {
    token: u16,
    number: u64,
    /// The broker has it: what follows is the release of the token.
    is_taken: bool,
    receipt: Receipt,
}

/// A client that takes messages and knows them by token until the token is completed.
#[derive(Default)]
struct Taker {
    known: BTreeSet<u16>,
    got: Vec<u64>,
    /// Deliveries that are on their way once their records are durable.
    coming: VecDeque<(Deliver, Receipt)>,
    /// Tokens released by us, that the broker has not told to be durable.
    releasing: VecDeque<(u16, Receipt)>,
}

struct World {
    disk: FakeDisk,
    node: Node,
    rng: SeededRng,
    now_ms: u64,
    sessions: BTreeMap<&'static str, SessionId>,
    connections: BTreeMap<ConnectionId, &'static str>,
    takers: BTreeMap<&'static str, Taker>,
    sent: VecDeque<Sent>,
    next_number: u64,
    next_token: u16,
    retained: BTreeMap<String, u64>,
    /// Will that the publisher has left now, by number, and whether the broker's record of it was durable.
    will: Option<(u64, u64)>,
    wills: Vec<u64>,
}

fn tuning() -> Tuning {
    Tuning { resident_bytes: 2 << 10, ..Tuning::default() }
}

fn boot(disk: &FakeDisk, now_ms: u64, turn: u64) -> Node {
    let now = Now { monotonic_ms: now_ms, wall_ms: 1_600_000_000_000 + now_ms };
    Node::start(&Start { engine: &Engine::default(), disk, now, seed: 7, tuning: &tuning(), turn })
        .map_err(|why| format!("{why:?}"))
        .unwrap()
}

impl World {
    fn new(seed: u64) -> Self {
        let disk = FakeDisk::new();
        let mut world = Self {
            node: boot(&disk, 1, 1),
            disk,
            rng: SeededRng::new(seed),
            now_ms: 1,
            sessions: BTreeMap::new(),
            connections: BTreeMap::new(),
            takers: BTreeMap::new(),
            sent: VecDeque::new(),
            next_number: 0,
            next_token: 0,
            retained: BTreeMap::new(),
            will: None,
            wills: Vec::new(),
        };
        world.come("publisher", &[]);
        world.come("reader", &[("m.#", None)]);
        for member in MEMBERS {
            world.come(member, &[("m.#", Some("group"))]);
        }
        world.come("witness", &[("will", None)]);
        world.node.settle().unwrap();
        world
    }

    fn come(&mut self, name: &'static str, subscriptions: &[(&str, Option<&str>)]) {
        let broker = &mut self.node.broker;
        let connection = broker.connect(&"root".into(), "main", ConnectionInfo::default()).unwrap();
        let session = broker.open_session(connection, 1).unwrap();
        let spec = ClientSpec { name, keep_ms: KEEP_MS, is_fresh: false };
        let attached = broker.attach_client(session, &spec).unwrap().value;
        let is_first = !subscriptions.is_empty() || !self.connections.values().any(|known| *known == name);
        assert!(attached.is_resumed || is_first, "{name} was forgotten");
        broker.set_session_window(session, Some(5));
        for (key, group) in subscriptions {
            let subscription = Subscription {
                key: (*key).into(),
                group: group.map(Arc::from),
                needs_settle: true,
                ..Subscription::default()
            };
            let _done = broker.subscribe(session, subscription).unwrap();
        }
        self.connections.insert(connection, name);
        self.sessions.insert(name, session);
        if name != "publisher" {
            self.takers.entry(name).or_default();
        }
    }

    fn turn(&mut self) {
        self.now_ms += 10;
        let now = Now { monotonic_ms: self.now_ms, wall_ms: 1_600_000_000_000 + self.now_ms };
        self.node.broker.set_now(now);
        self.node.broker.handle_timers();
        self.node.end_turn();
        self.take_effects();
        self.hear();
    }

    /// Hands what the core delivers to those it is for.
    fn take_effects(&mut self) {
        loop {
            let effects: Vec<_> = self.node.broker.drain_effects().collect();
            if effects.is_empty() {
                return;
            }
            for (connection, effect) in effects {
                let Effect::Deliver(deliver) = effect else { continue };
                let name = self.connections[&connection];
                self.take(name, deliver);
            }
        }
    }

    fn take(&mut self, name: &'static str, deliver: Deliver) {
        let session = self.sessions[name];
        if deliver.consumer_label != 0 {
            self.node.broker.adopt(session, deliver.delivery, deliver.message).unwrap();
            return;
        }
        let receipt = self.node.broker.receipt_so_far();
        self.takers.get_mut(name).unwrap().coming.push_back((deliver, receipt));
    }

    /// Answers that are durable reach the clients.
    fn hear(&mut self) {
        let durable = self.node.broker.durable();
        for (name, taker) in &mut self.takers {
            while taker.coming.front().is_some_and(|(_, receipt)| durable.covers(*receipt)) {
                let (deliver, _) = taker.coming.pop_front().unwrap();
                let token = u16::try_from((deliver.seq - 1) % 65_535).unwrap() + 1;
                if taker.known.insert(token) {
                    taker.got.push(number_of(&deliver.message));
                }
                let session = self.sessions[name];
                let receipt = self.node.broker.settle_released(session, deliver.delivery, token).unwrap();
                taker.releasing.push_back((token, receipt));
            }
            while taker.releasing.front().is_some_and(|(_, receipt)| durable.covers(*receipt)) {
                let (token, _) = taker.releasing.pop_front().unwrap();
                taker.known.remove(&token);
                let _done = self.node.broker.complete_token(self.sessions[name], token).unwrap();
            }
        }
        let session = self.sessions["publisher"];
        for sent in self.sent.iter_mut().filter(|sent| durable.covers(sent.receipt)) {
            if !sent.is_taken {
                sent.is_taken = true;
                sent.receipt = self.node.broker.forget_token(session, sent.token).unwrap().receipt;
            }
        }
        while self.sent.front().is_some_and(|sent| sent.is_taken && durable.covers(sent.receipt)) {
            self.sent.pop_front();
        }
    }

    fn publish(&mut self, token: u16, number: u64) -> Receipt {
        let session = self.sessions["publisher"];
        let publish = Publish { message: message("m.x", number), extra_keys: &[], claimed_user: None };
        match self.node.broker.publish_once(session, token, publish, false).unwrap() {
            Once::Before(receipt) => receipt,
            Once::Published(Published::Accepted(own), receipt) => own.and(receipt),
            Once::Published(other, _) => panic!("{other:?}"),
        }
    }

    fn step(&mut self) {
        match self.rng.below(12) {
            0..=4 if self.sent.len() < 8 => {
                let (token, number) = (self.next_token + 1, self.next_number);
                self.next_token = (self.next_token + 1) % 30;
                if self.sent.iter().any(|sent| sent.token == token) {
                    return;
                }
                let receipt = self.publish(token, number);
                self.next_number += 1;
                self.sent.push_back(Sent { token, number, is_taken: false, receipt });
            }
            5 => self.retain(),
            6 => self.leave_will(),
            7 => self.node.write().unwrap(),
            8 | 9 => {
                self.node.write().unwrap();
                self.node.sync().unwrap();
                self.hear();
            }
            10 => {
                self.node.serve_request().unwrap();
                self.node.load(0);
                let _progress = self.node.maintain().unwrap();
            }
            _ => self.turn(),
        }
    }

    /// What is retained is made durable at once: the model does not follow what is not.
    fn retain(&mut self) {
        let session = self.sessions["publisher"];
        let key = format!("r.{}", self.rng.below(6));
        let number = self.rng.number();
        let _receipt = self.node.broker.retain(session, &message(&key, number)).unwrap();
        self.settle();
        self.retained.insert(key, number);
    }

    fn leave_will(&mut self) {
        let session = self.sessions["publisher"];
        let number = self.will.map_or(0, |(number, _)| number + 1).max(self.wills.len() as u64 * 1_000);
        let will = Will { message: message("will", number), delay_ms: 50, is_retained: false };
        self.node.broker.set_will(session, Some(will)).unwrap();
        self.settle();
        self.will = Some((number, 0));
    }

    fn settle(&mut self) {
        self.turn();
        self.node.settle().unwrap();
        self.take_effects();
        self.hear();
    }

    /// The power goes; all come back, the publisher after its will had its time.
    fn crash(&mut self) {
        let turn = self.node.turn();
        self.disk = self.disk.crash(self.rng.number());
        self.now_ms += 1_000;
        self.node = boot(&self.disk, self.now_ms, turn + 1);
        self.connections.clear();
        self.sessions.clear();
        self.wills.extend(self.will.take().map(|(number, _)| number));
        self.now_ms += 100;
        let now = Now { monotonic_ms: self.now_ms, wall_ms: 1_600_000_000_000 + self.now_ms };
        self.node.broker.set_now(now);
        self.node.broker.handle_timers();
        for name in ["publisher", "reader", MEMBERS[0], MEMBERS[1], "witness"] {
            self.connections.insert(ConnectionId { index: u32::MAX, generation: 0 }, name);
            self.come(name, &[]);
            let session = self.sessions[name];
            if let Some(taker) = self.takers.get_mut(name) {
                taker.releasing.clear();
                taker.coming.clear();
                for token in self.node.broker.released_tokens(session).to_vec() {
                    // The broker releases it again; whoever has forgotten it says so again.
                    taker.known.remove(&token);
                    let _done = self.node.broker.complete_token(session, token).unwrap();
                }
            }
            self.node.broker.start_client(session).unwrap();
        }
        self.resend();
        self.take_effects();
    }

    /// In order: first the messages that were not answered, then the releases.
    fn resend(&mut self) {
        let mut waiting = std::mem::take(&mut self.sent);
        for sent in &mut waiting {
            sent.receipt = if sent.is_taken {
                let session = self.sessions["publisher"];
                self.node.broker.forget_token(session, sent.token).unwrap().receipt
            } else {
                self.publish(sent.token, sent.number)
            };
        }
        self.sent = waiting;
    }

    fn finish(mut self, seed: u64) {
        self.crash();
        for _ in 0..400 {
            self.settle();
        }
        assert!(self.sent.is_empty(), "seed {seed}: not everything was answered");
        let all: Vec<u64> = (0..self.next_number).collect();
        assert_eq!(self.takers["reader"].got, all, "seed {seed}: the reader, each once and in order");
        let mut shared: Vec<u64> =
            MEMBERS.iter().flat_map(|member| self.takers[member].got.clone()).collect();
        shared.sort_unstable();
        assert_eq!(shared, all, "seed {seed}: the group, each once");
        assert_eq!(self.takers["witness"].got, self.wills, "seed {seed}: each will once");
        let session = self.sessions["publisher"];
        for (key, number) in &self.retained {
            let mut read = self.node.broker.begin_retained_read(key);
            let kept = self.node.broker.read_retained(session, &mut read, 10).unwrap().messages;
            let numbers: Vec<u64> = kept.iter().map(number_of).collect();
            assert_eq!(numbers, [*number], "seed {seed}: retained under {key}");
        }
    }
}

#[test]
fn t1_each_message_once_over_power_losses() {
    for seed in 0..SEEDS {
        let mut world = World::new(seed);
        for _ in 0..STEPS {
            if world.rng.chance(1, 60) {
                world.crash();
            } else {
                world.step();
            }
        }
        world.finish(seed);
    }
}
