//! One crash state: a node recovers it with the real journal and core, everything left is fetched, and the simulator's
//! checker judges by what clients had seen when the power went.

use std::sync::Arc;

use ternmq_amqp091::ENCODING;
use ternmq_amqp091::format::Amqp091Format;
use ternmq_broker::{
    ConnectionInfo, DeliveryId, Effect, GetOutcome, Incident, Now, Outcome, SessionId, SettleRange,
};
use ternmq_fakes::FakeDisk;
use ternmq_message::Formats;
use ternmq_rabbitmq::RabbitMq;
use ternmq_simulator::{
    Checker, Engine, Event, Found, Node, Start, Taken, Tuning, USER, Violation, message_id,
};

use crate::conversation::Conversation;

/// The virtual host of the workload.
const NAMESPACE: &str = "/";
/// Label of the session that fetches what is left; no client of a trace has so many channels.
const LABEL: u32 = 1 << 30;
/// Looks at a queue whose next message is being read.
const PATIENCE: u32 = 20;
/// Any time will do: nothing in the workload expires.
const NOW: Now = Now { monotonic_ms: 1_000, wall_ms: 1_800_000_000_000 };

/// Whether what is on the disk is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// It is not.
    Off,
    /// It is, with the first of the simulator's keys.
    FirstKey,
}

/// How the process whose disk is judged ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It was cut off.
    CutOff,
    /// It ended by itself, when everything was done.
    Clean,
}

fn broken(invariant: &'static str, text: impl Into<String>) -> Violation {
    Violation { invariant, text: text.into() }
}

/// Recovers disks and judges what is there.
pub struct Judge {
    engine: Engine,
    tuning: Tuning,
}

impl Judge {
    /// With RabbitMQ's ways and the encoding of AMQP 0-9-1, as the real binary has them.
    #[must_use]
    pub fn new(encryption: Encryption) -> Self {
        let mut formats = Formats::default();
        formats.register(ENCODING, Arc::new(Amqp091Format));
        let tuning = Tuning { is_encrypted: encryption == Encryption::FirstKey, ..Tuning::default() };
        Self { engine: Engine { dialect: Arc::new(RabbitMq), formats }, tuning }
    }

    fn start(&self, disk: &FakeDisk, turn: u64) -> Result<Node, Violation> {
        let start = Start { engine: &self.engine, disk, now: NOW, seed: turn, tuning: &self.tuning, turn };
        Node::start(&start)
            .map_err(|stopped| broken("I12", format!("the node does not start again: {stopped:?}")))
    }

    /// Queues and bindings that a start from this disk finds.
    ///
    /// # Errors
    /// It does not start.
    pub fn find(&self, disk: &FakeDisk) -> Result<Found, Violation> {
        Ok(self.start(&disk.killed(), 0)?.found(NAMESPACE))
    }

    /// Recovers a disk and judges what is there.
    ///
    /// # Errors
    /// The first promise that was broken.
    pub fn judge(
        &self,
        disk: &FakeDisk,
        checker: Checker,
        said: &Conversation,
        end: End,
    ) -> Result<(), Violation> {
        let mut checker = checker;
        let is_clean = end == End::Clean;
        let (turn, durable_turn) = (said.turn(), if is_clean { said.turn() } else { said.durable_turn() });
        checker.note(&Event::Gone { durable_turn, is_clean })?;
        let node = self.start(disk, turn + 1)?;
        if is_clean && !node.was_clean() {
            return Err(broken("I12", "a clean stop is taken for a crash"));
        }
        checker.note(&Event::Turn { turn: turn + 1 })?;
        let mut fetch = Fetch { node, checker, said };
        fetch.judge_incidents()?;
        let found = fetch.node.found(NAMESPACE);
        fetch.checker.note(&Event::Back { found })?;
        fetch.all()
    }
}

/// Fetching all that is left.
struct Fetch<'a> {
    node: Node,
    checker: Checker,
    said: &'a Conversation,
}

impl Fetch<'_> {
    /// A disk that loses only what was not synced does no damage.
    fn judge_incidents(&mut self) -> Result<(), Violation> {
        for incident in self.node.take_incidents() {
            if !matches!(incident, Incident::LoginRefused { .. }) {
                return Err(broken("F5", format!("damage on a disk that did no wrong: {incident:?}")));
            }
        }
        Ok(())
    }

    fn all(mut self) -> Result<(), Violation> {
        let refused = |error| broken("I10", format!("a client is not let in: {error:?}"));
        let connection =
            self.node.broker.connect(&USER.into(), NAMESPACE, ConnectionInfo::default()).map_err(refused)?;
        let session = self.node.broker.open_session(connection, LABEL).map_err(refused)?;
        loop {
            let mut is_empty = true;
            for (queue, _) in self.node.found(NAMESPACE).queues {
                is_empty &= !self.drain(session, &queue)?;
            }
            if is_empty {
                break;
            }
        }
        self.checker.note(&Event::End)
    }

    /// Fetches and accepts all of a queue. Answers whether there was anything.
    fn drain(&mut self, session: SessionId, queue: &str) -> Result<bool, Violation> {
        let (mut has_any, mut attempts) = (false, 0);
        loop {
            let got = self.node.broker.get(session, queue, true);
            match got.map_err(|error| broken("I10", format!("a fetch from '{queue}': {error:?}")))? {
                GetOutcome::Empty => return Ok(has_any),
                GetOutcome::Got(deliver, _) => {
                    (has_any, attempts) = (true, 0);
                    self.take(session, Taken::of(queue, &deliver, true))?;
                }
                GetOutcome::Loading => {
                    attempts += 1;
                    if attempts > PATIENCE {
                        return Err(broken("I12", format!("a fetch from '{queue}' waits for ever")));
                    }
                    self.node.end_turn();
                    let settled = self.node.settle();
                    settled.map_err(|stopped| broken("I12", format!("the node fell: {stopped:?}")))?;
                }
            }
            self.judge_incidents()?;
            for (_, effect) in self.node.broker.drain_effects() {
                if matches!(effect, Effect::Deliver(_)) {
                    return Err(broken("I4", "a delivery to a session without consumers"));
                }
            }
        }
    }

    fn take(&mut self, session: SessionId, taken: Taken) -> Result<(), Violation> {
        let delivery = taken.delivery;
        let message = message_id(&taken.body).unwrap_or(0);
        let head = self.said.judged_head(message, taken.head);
        self.checker.note(&Event::Deliver { session: LABEL, taken: Taken { head, ..taken } })?;
        let accepted =
            self.node.broker.settle(session, DeliveryId(delivery), SettleRange::One, Outcome::Accept);
        accepted.map_err(|error| broken("I10", format!("a settlement: {error:?}")))?;
        self.checker.note(&Event::Accept { session: LABEL, deliveries: vec![delivery] })
    }
}
