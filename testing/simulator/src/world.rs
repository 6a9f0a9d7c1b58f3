//! The world of one seed: a disk, a node, its clients, what goes wrong, and the judge. One stream of random numbers
//! per concern, so that a change in one does not shift the others.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::sync::Arc;

use foldhash::fast::{FixedState, FoldHasher};
use ternmq_broker::{Incident, NodeSpec, Now, Outcome as Fate, Receipt, SettleRange};
use ternmq_fakes::{FakeDisk, Fault, SeededRng};
use ternmq_message::{Formats, Map};
use ternmq_routing::NodeKind;

use crate::branches::OpenBranch;
use crate::checker::{Checker, LATER, TOPICS, Violation, WILLS, broken};
use crate::clients::{Client, DIRECT};
use crate::dialect::PlainDialect;
use crate::faults::{TimeBound, Trouble, pick};
use crate::history::{Event, Found, Line, QueueFacts};
use crate::node::{Engine, Node, Start, Stopped, Tuning};
use crate::peers::{Peer, is_client_queue};
use crate::sabotage::Sabotage;

const START_MS: u64 = 1_600_000_000_000;
const HOUR_MS: u64 = 3_600_000;

/// What a run consists of.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The seed from which all else follows.
    pub seed: u64,
    /// Turns of workload.
    pub operations: u64,
    /// One turn in so many has a trouble; 0 for none at all.
    pub trouble_in: u64,
    /// Bits may rot.
    pub has_rot: bool,
    /// Calls to the disk fail that are not part of the trouble.
    pub has_failing_calls: bool,
    /// Clients known by name take part.
    pub has_peers: bool,
    /// Distributed transactions take place.
    pub has_branches: bool,
    /// Messages are scheduled.
    pub has_schedules: bool,
    /// Some clients take from several queues at once.
    pub has_wides: bool,
    /// Lines of history kept for a report.
    pub tail_lines: usize,
    /// Sizes and the planted fault.
    pub tuning: Tuning,
}

impl Plan {
    /// The plan of a seed, with the usual amount of trouble. Sizes differ from seed to seed.
    #[must_use]
    pub fn of_seed(seed: u64) -> Self {
        let mut rng = SeededRng::new(seed ^ 0x5eed);
        let tuning = Tuning {
            segment_bytes: 8 << 10 << rng.below(4),
            checkpoint_bytes: 8 << 10 << rng.below(4),
            resident_bytes: rng.below(2) * (8 << 10),
            is_disk_short: rng.chance(1, 2),
            is_encrypted: seed.is_multiple_of(3),
            ..Tuning::default()
        };
        let trouble_in = 40 + rng.below(60);
        let has_rot = seed.is_multiple_of(8);
        Self {
            seed,
            operations: 400,
            trouble_in,
            has_rot,
            has_failing_calls: false,
            has_peers: true,
            has_branches: true,
            has_schedules: true,
            has_wides: true,
            tail_lines: 60,
            tuning,
        }
    }
}

/// A run in which every promise was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    /// Events of the history.
    pub events: u64,
    /// Hash over all of them: equal for equal seeds.
    pub hash: u64,
    /// Starts of the node.
    pub starts: u64,
    /// Copies of messages followed.
    pub copies: usize,
    /// Segments of the journal that were emptied by copying forward.
    pub emptied: u64,
}

/// A run in which a promise was broken.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Its seed.
    pub seed: u64,
    /// What was broken.
    pub violation: Violation,
    /// The last lines of the history.
    pub tail: Vec<Line>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.tail {
            let text = line.to_string();
            // A found list can be long; its beginning tells enough.
            writeln!(f, "{}", text.chars().take(400).collect::<String>())?;
        }
        write!(f, "seed {} breaks {}", self.seed, self.violation)
    }
}

/// Everything of one run.
pub struct World {
    pub(crate) node: Node,
    pub(crate) work: SeededRng,
    pub(crate) clients: Vec<Client>,
    pub(crate) next_label: u32,
    pub(crate) next_message: u64,
    /// Whether deliveries of a consumer wait to be settled, by its label.
    pub(crate) unsettling: BTreeMap<u32, bool>,
    pub(crate) staged_deliveries: BTreeMap<u32, Vec<u64>>,
    pub(crate) delivered: u64,
    pub(crate) peers: Vec<Peer>,
    pub(crate) peer_work: SeededRng,
    pub(crate) branch_work: SeededRng,
    pub(crate) schedule_work: SeededRng,
    pub(crate) wide_work: SeededRng,
    /// Branches that their clients have prepared, by number.
    pub(crate) open_branches: BTreeMap<u32, OpenBranch>,
    /// Clients that the broker knows, and queues that it made for them.
    pub(crate) client_names: Vec<String>,
    pub(crate) client_queues: BTreeSet<String>,
    pub(crate) dialect: PlainDialect,
    schedule: SeededRng,
    trouble: SeededRng,
    clock: SeededRng,
    pub(crate) disk: FakeDisk,
    pub(crate) plan: Plan,
    pub(crate) now: Now,
    pub(crate) lower: TimeBound,
    pub(crate) upper: TimeBound,
    pub(crate) checker: Checker,
    pub(crate) tail: VecDeque<Line>,
    pub(crate) events: u64,
    /// Over all events.
    hasher: FoldHasher<'static>,
    starts: u64,
    /// Segments that former lives of the node emptied.
    emptied: u64,
    pub(crate) next_op: u64,
    pending: VecDeque<(u64, Receipt)>,
    full_until: Option<u64>,
    /// Something on the disk may have rotted.
    has_rotted: bool,
    /// A call to the disk may have failed: what it lost may be found missing much later.
    has_fault: bool,
    iteration: u64,
    /// Where each step of the journal began, when a run is recorded for its crash states.
    pub(crate) moments: Option<Vec<Moment>>,
}

/// What was known when a step of the journal began.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    /// Changes of the disk so far.
    pub(crate) changes: usize,
    /// Events of the history so far.
    pub(crate) events: u64,
    pub(crate) turn: u64,
    pub(crate) durable_turn: u64,
    pub(crate) now: Now,
    pub(crate) lower: TimeBound,
    pub(crate) upper: TimeBound,
    pub(crate) peers: Vec<Peer>,
}

/// Runs one seed to its end.
///
/// # Errors
/// The first promise that was broken.
pub fn run_seed(plan: &Plan) -> Result<Passed, Box<Failure>> {
    run_on(plan, FakeDisk::new())
}

/// As [`run_seed`], on a disk that has been prepared.
pub(crate) fn run_on(plan: &Plan, disk: FakeDisk) -> Result<Passed, Box<Failure>> {
    World::new(plan.clone(), disk).and_then(World::run)
}

fn engine_of(dialect: &PlainDialect) -> Engine {
    Engine { dialect: Arc::new(dialect.clone()), formats: Formats::default() }
}

impl World {
    /// A new node on an empty disk.
    ///
    /// # Errors
    /// It cannot start.
    pub fn new(plan: Plan, disk: FakeDisk) -> Result<Self, Box<Failure>> {
        let stream =
            |number: u64| SeededRng::new(plan.seed.wrapping_mul(0x9e37_79b9).wrapping_add(number << 56));
        let now = Now { monotonic_ms: 1_000, wall_ms: START_MS };
        let dialect = PlainDialect::default();
        let engine = engine_of(&dialect);
        let start =
            Start { engine: &engine, disk: &disk, now, seed: plan.seed, tuning: &plan.tuning, turn: 0 };
        let node = Node::start(&start).map_err(|stopped| {
            let violation = broken("I12", format!("a new node does not start: {stopped:?}"));
            Box::new(Failure { seed: plan.seed, violation, tail: Vec::new() })
        })?;
        Ok(Self {
            node,
            work: stream(1),
            schedule: stream(2),
            trouble: stream(3),
            clock: stream(4),
            clients: Vec::new(),
            next_label: 0,
            next_message: 0,
            unsettling: BTreeMap::new(),
            staged_deliveries: BTreeMap::new(),
            delivered: 0,
            peers: if plan.has_peers { Peer::all() } else { Vec::new() },
            peer_work: stream(5),
            branch_work: stream(6),
            schedule_work: stream(7),
            wide_work: stream(8),
            open_branches: BTreeMap::new(),
            client_names: Vec::new(),
            client_queues: BTreeSet::new(),
            dialect,
            disk,
            now,
            lower: TimeBound::at(now),
            upper: TimeBound::at(now),
            checker: Checker::new(),
            tail: VecDeque::new(),
            events: 0,
            hasher: FixedState::with_seed(plan.seed).build_hasher(),
            starts: 1,
            emptied: 0,
            next_op: 0,
            pending: VecDeque::new(),
            full_until: None,
            has_rotted: false,
            has_fault: plan.has_failing_calls,
            iteration: 0,
            moments: None,
            plan,
        })
    }

    /// Lives through the plan, then fetches all that is left and judges.
    ///
    /// # Errors
    /// The first promise that was broken.
    pub fn run(mut self) -> Result<Passed, Box<Failure>> {
        match self.live() {
            Ok(()) => Ok(Passed {
                events: self.events,
                hash: self.hasher.finish(),
                starts: self.starts,
                copies: self.checker.copy_count(),
                emptied: self.emptied + self.node.broker.counters().segments_emptied,
            }),
            Err(violation) => {
                Err(Box::new(Failure { seed: self.plan.seed, violation, tail: self.tail.into() }))
            }
        }
    }

    pub(crate) fn live(&mut self) -> Result<(), Violation> {
        self.prepare()?;
        for _ in 0..self.plan.operations {
            self.iteration += 1;
            if let Err(stopped) = self.turn()? {
                self.fall(&stopped)?;
            }
            // What the log itself can no longer tell, definitions among it, nobody can judge.
            if self.checker.is_maimed() {
                return Ok(());
            }
        }
        self.finish()
    }

    /// What every run has: a node to bind to, and queues for the dead.
    fn prepare(&mut self) -> Result<(), Violation> {
        // A call that fails by plan may strike already here.
        for _ in 0..3 {
            if self.clients.is_empty() {
                self.act()?;
            }
            self.declare_first()?;
            match self.settle_all()? {
                Ok(()) => return Ok(()),
                Err(stopped) => self.fall(&stopped)?,
            }
        }
        Err(broken("I12", "the node fails again and again at its first turn"))
    }

    fn declare_first(&mut self) -> Result<(), Violation> {
        self.declare_node(DIRECT, NodeKind::Direct);
        if self.plan.has_schedules && self.node.broker.queue_view("main", LATER).is_none() {
            self.declare_node(LATER, NodeKind::Fanout);
            self.declare_as(0, LATER, QueueFacts { is_durable: true, ..QueueFacts::default() })?;
            self.bind_as(0, LATER, LATER, String::new())?;
        }
        let kinds = [("dead-0", false), ("dead-1", true), ("q-0", false), ("q-1", false), ("q-2", false)];
        for (name, is_quorum) in kinds {
            if self.node.broker.queue_view("main", name).is_none() {
                self.declare_as(
                    0,
                    name,
                    QueueFacts { is_durable: true, is_quorum, ..QueueFacts::default() },
                )?;
            }
        }
        if self.plan.has_peers && self.node.broker.queue_view("main", WILLS).is_none() {
            self.declare_as(0, WILLS, QueueFacts { is_durable: true, ..QueueFacts::default() })?;
            self.bind_as(0, WILLS, TOPICS, "w.#".into())?;
        }
        Ok(())
    }

    fn declare_node(&mut self, name: &str, kind: NodeKind) {
        let spec = NodeSpec {
            name: name.into(),
            kind,
            is_durable: true,
            is_auto_delete: false,
            is_internal: false,
            arguments: Map::new(),
        };
        let session = self.clients[0].session;
        let _made = self.node.broker.declare_node(session, spec);
    }

    pub(crate) fn sabotage(&self) -> Sabotage {
        self.plan.tuning.sabotage
    }

    /// Adds an event to the history and lets the model judge it.
    pub(crate) fn note(&mut self, event: Event) -> Result<(), Violation> {
        self.events += 1;
        let judged = self.checker.note(&event);
        let line = Line { number: self.events, time_ms: self.now.monotonic_ms, event };
        (line.number, line.time_ms, &line.event).hash(&mut self.hasher);
        if self.tail.len() >= self.plan.tail_lines {
            self.tail.pop_front();
        }
        self.tail.push_back(line);
        judged
    }

    /// Numbers an operation whose answer waits for a receipt.
    pub(crate) fn new_op(&mut self, receipt: Receipt) -> u64 {
        self.next_op += 1;
        if receipt != Receipt::NONE {
            self.pending.push_back((self.next_op, receipt));
        }
        self.next_op
    }

    /// Some answers need not wait.
    pub(crate) fn answer_at_once(&mut self, op: u64, receipt: Receipt) -> Result<(), Violation> {
        if receipt == Receipt::NONE { self.note(Event::Ok { op }) } else { Ok(()) }
    }

    fn answer(&mut self) -> Result<(), Violation> {
        let durable = self.node.broker.durable();
        let mut answered = Vec::new();
        self.pending.retain(|(op, receipt)| {
            let is_covered = durable.covers(*receipt);
            if is_covered {
                answered.push(*op);
            }
            !is_covered
        });
        answered.into_iter().try_for_each(|op| self.note(Event::Ok { op }))
    }

    fn pass_time(&mut self) -> Result<(), Violation> {
        let ms = match self.clock.below(40) {
            0 => self.clock.below(5_000),
            1..=4 => self.clock.below(300),
            _ => self.clock.below(10),
        };
        self.advance(ms)
    }

    /// Time passes, and what is due is done.
    pub(crate) fn advance(&mut self, ms: u64) -> Result<(), Violation> {
        self.now.monotonic_ms += ms;
        self.now.wall_ms += ms;
        self.lower.follow(self.now);
        self.upper.follow(self.now);
        self.note(Event::Time { lower_ms: self.lower.ms(), upper_ms: self.upper.ms() })?;
        self.node.broker.set_now(self.now);
        self.node.broker.handle_timers();
        if self.plan.has_peers {
            self.watch()?;
        }
        self.hand_out()
    }

    /// One turn of the node with some verbs, then some of what the journal has to do.
    fn turn(&mut self) -> Result<Result<(), Stopped>, Violation> {
        self.pass_time()?;
        for _ in 0..1 + self.work.below(4) {
            self.act()?;
        }
        if self.plan.has_peers {
            for _ in 0..self.peer_work.below(7) {
                self.act_as_peer()?;
            }
        }
        if self.plan.has_branches && self.branch_work.chance(1, 3) {
            self.act_in_branch()?;
        }
        if self.plan.has_schedules && self.schedule_work.chance(1, 3) {
            self.act_with_schedules()?;
        }
        if self.plan.has_wides && self.wide_work.chance(1, 6) {
            self.act_with_wides()?;
        }
        self.end_turn()?;
        if self.full_until.is_some_and(|until| until <= self.iteration) {
            self.full_until = None;
            self.disk.set_capacity_bytes(None);
        }
        if let Err(stopped) = self.run_journal()? {
            return Ok(Err(stopped));
        }
        if self.plan.trouble_in > 0
            && let Some(trouble) = pick(&mut self.trouble, self.plan.trouble_in, self.plan.has_rot)
        {
            return self.trouble(trouble);
        }
        Ok(Ok(()))
    }

    fn end_turn(&mut self) -> Result<(), Violation> {
        let turn = self.node.end_turn();
        self.note(Event::Turn { turn })?;
        self.hand_out()
    }

    /// The journal does some of its work, the rest waits: batches pile up, syncs cover several.
    fn run_journal(&mut self) -> Result<Result<(), Stopped>, Violation> {
        for _ in 0..self.schedule.below(5) {
            self.mark_moment();
            let done = match self.schedule.below(12) {
                0..=3 => self.node.write(),
                4..=6 => self.node.sync(),
                7 => self.node.serve_request(),
                8..=9 => {
                    self.node.load(self.schedule.number());
                    Ok(())
                }
                _ => self.node.maintain().map(drop),
            };
            self.answer()?;
            self.hand_out()?;
            if done.is_err() {
                return Ok(done);
            }
        }
        // What the planted fault calls durable is answered at once.
        self.answer()?;
        Ok(Ok(()))
    }

    pub(crate) fn report_incidents(&mut self) -> Result<(), Violation> {
        for incident in self.node.take_incidents() {
            let (queue, count) = match incident {
                Incident::ChunkDamaged { queue, count, .. }
                | Incident::MessagesDamaged { queue, count, .. } => (Some(queue.to_string()), count),
                Incident::LogDamaged { .. } | Incident::SnapshotMissing { .. } => (None, 0),
                Incident::LoginRefused { .. }
                | Incident::ScheduledDropped { .. }
                | Incident::TooSlow { .. }
                | Incident::QueueLeftOut { .. } => continue,
            };
            if !self.has_rotted && !self.has_fault {
                let what = format!("damage in '{}' on a disk that did no wrong", queue.unwrap_or_default());
                return Err(broken("F5", what));
            }
            self.note(Event::Damage { queue, count })?;
        }
        Ok(())
    }

    fn trouble(&mut self, trouble: Trouble) -> Result<Result<(), Stopped>, Violation> {
        match trouble {
            Trouble::PowerLoss => {
                let disk = self.disk.crash(self.trouble.number());
                self.restart(disk, false)?;
            }
            Trouble::Kill => {
                let disk = self.disk.killed();
                self.restart(disk, false)?;
            }
            Trouble::DiskFault => {
                let fault = [Fault::Device, Fault::Device, Fault::DiskFull, Fault::Short]
                    [self.trouble.below(4) as usize];
                self.disk.fail_call(self.disk.calls() + self.trouble.below(12), fault);
                self.has_fault = true;
            }
            Trouble::DiskFull => {
                self.disk.set_capacity_bytes(Some(self.disk.used_bytes() + self.trouble.below(40 << 10)));
                self.full_until = Some(self.iteration + 5 + self.trouble.below(30));
            }
            Trouble::Stop => return self.stop(),
            Trouble::Rot => {
                self.has_rotted = true;
                self.rot();
            }
            Trouble::ClockJump => {
                let by = HOUR_MS + self.trouble.below(1_000);
                self.now.wall_ms =
                    if self.trouble.chance(1, 2) { self.now.wall_ms + by } else { self.now.wall_ms - by };
            }
        }
        Ok(Ok(()))
    }

    fn rot(&mut self) {
        let names: Vec<(String, usize)> = self
            .disk
            .contents()
            .into_iter()
            .filter(|(name, _)| name.contains("segment-") || name.contains("/key-"))
            .map(|(name, bytes)| (name, bytes.len()))
            .collect();
        // The last one is being written: what a crash does to it is another matter.
        let count = names.len().saturating_sub(1) as u64;
        if let Some((name, len)) = names.get(self.trouble.below(count) as usize).filter(|_| count > 0) {
            let offset = self.trouble.below(*len as u64);
            let _there = self.disk.rot(name, offset, self.trouble.number());
        }
    }

    fn mark_moment(&mut self) {
        let Some(moments) = &mut self.moments else { return };
        moments.push(Moment {
            changes: self.disk.changes(),
            events: self.events,
            turn: self.node.turn(),
            durable_turn: self.node.durable_turn(),
            now: self.now,
            lower: self.lower,
            upper: self.upper,
            peers: self.peers.clone(),
        });
    }

    /// Brings everything to disk and hands out what follows from it.
    pub(crate) fn settle_all(&mut self) -> Result<Result<(), Stopped>, Violation> {
        for _ in 0..3 {
            self.end_turn()?;
            self.mark_moment();
            let settled = self.node.settle();
            self.note(Event::Turn { turn: self.node.turn() })?;
            self.answer()?;
            self.hand_out()?;
            if settled.is_err() {
                return Ok(settled);
            }
        }
        Ok(Ok(()))
    }

    fn stop(&mut self) -> Result<Result<(), Stopped>, Violation> {
        if self.full_until.take().is_some() {
            self.disk.set_capacity_bytes(None);
        }
        self.leave_all()?;
        self.node.broker.request_checkpoint();
        if let Err(stopped) = self.settle_all()? {
            return Ok(Err(stopped));
        }
        // A clean stop is proof against a power loss right after it.
        let closed = self.replace_closed();
        if let Err(stopped) = closed {
            return Ok(Err(stopped));
        }
        let disk = self.disk.crash(self.trouble.number());
        self.restart(disk, true)?;
        Ok(Ok(()))
    }

    /// Closes the node. Another one stands in its place until the restart, on a disk of its own.
    fn replace_closed(&mut self) -> Result<(), Stopped> {
        let start = Start {
            engine: &Engine::default(),
            disk: &FakeDisk::new(),
            now: self.now,
            seed: 0,
            tuning: &self.plan.tuning,
            turn: self.node.turn(),
        };
        let stand_in = Node::start(&start)?;
        std::mem::replace(&mut self.node, stand_in).close()
    }

    fn leave_all(&mut self) -> Result<(), Violation> {
        while let Some(client) = self.clients.pop() {
            self.node.broker.drain_session(client.session);
            self.note(Event::Close { session: client.label })?;
            self.hand_out()?;
        }
        for at in 0..self.peers.len() {
            let has_word = self.peer_work.chance(1, 3);
            self.leave_as(at, has_word)?;
        }
        Ok(())
    }

    /// The journal failed: the process ends, and now and then power goes with it.
    pub(crate) fn fall(&mut self, _stopped: &Stopped) -> Result<(), Violation> {
        let disk = if self.trouble.chance(1, 2) {
            self.disk.killed()
        } else {
            self.disk.crash(self.trouble.number())
        };
        self.restart(disk, false)
    }

    fn restart(&mut self, disk: FakeDisk, is_clean: bool) -> Result<(), Violation> {
        let (turn, durable_turn) = (self.node.turn(), self.node.durable_turn());
        let durable_turn = if is_clean { turn } else { durable_turn };
        self.restart_at(disk, is_clean, turn, durable_turn)
    }

    /// The node of this turn goes away and comes back on a disk.
    pub(crate) fn restart_at(
        &mut self,
        disk: FakeDisk,
        is_clean: bool,
        turn: u64,
        durable_turn: u64,
    ) -> Result<(), Violation> {
        self.clients.clear();
        for peer in &mut self.peers {
            peer.link = None;
        }
        self.staged_deliveries.clear();
        self.open_branches.clear();
        self.pending.clear();
        self.note(Event::Gone { durable_turn, is_clean })?;
        if self.full_until.is_some() {
            self.full_until = None;
        }
        self.emptied += self.node.broker.counters().segments_emptied;
        self.disk = disk;
        self.now.monotonic_ms += self.clock.below(500);
        self.now.wall_ms += self.clock.below(500);
        let mut crash_again = self.trouble.below(6) == 0 && self.plan.trouble_in > 0;
        // A fault at the start may be survived, and still make the stop before it look unclean.
        let was_disturbed = crash_again;
        self.has_fault |= crash_again;
        let engine = engine_of(&self.dialect);
        self.node = loop {
            if crash_again {
                let fault = if self.trouble.chance(1, 3) { Fault::Short } else { Fault::Device };
                self.disk.fail_call(self.disk.calls() + self.trouble.below(60), fault);
            }
            let start = Start {
                engine: &engine,
                disk: &self.disk,
                now: self.now,
                seed: self.trouble.number(),
                tuning: &self.plan.tuning,
                turn: turn + 1,
            };
            match Node::start(&start) {
                Ok(node) => break node,
                Err(_) if crash_again => {
                    crash_again = false;
                    self.disk = self.disk.crash(self.trouble.number());
                }
                Err(stopped) => {
                    return Err(broken("I12", format!("the node does not start again: {stopped:?}")));
                }
            }
        };
        self.starts += 1;
        if is_clean && !self.node.was_clean() {
            if !was_disturbed {
                return Err(broken("I12", "a clean stop is taken for a crash"));
            }
            self.note(Event::Gone { durable_turn: turn, is_clean: false })?;
        }
        self.lower = TimeBound::at(self.now);
        self.upper = TimeBound::restarted(self.now, self.upper.ms());
        self.note(Event::Time { lower_ms: self.lower.ms(), upper_ms: self.upper.ms() })?;
        self.note(Event::Turn { turn: turn + 1 })?;
        self.report_incidents()?;
        let found = self.found();
        self.note(Event::Back { found })?;
        self.watch_anew();
        self.hand_out()
    }

    fn found(&self) -> Found {
        self.node.found("main")
    }

    /// Trouble is over: everything that is left must come out.
    fn finish(&mut self) -> Result<(), Violation> {
        self.disk.set_capacity_bytes(None);
        self.full_until = None;
        // A fault that is still armed may strike now; the node after it has a disk without any.
        if let Err(stopped) = self.settle_all()? {
            self.fall(&stopped)?;
        }
        let is_restarted = self.plan.trouble_in > 0 && self.trouble.chance(1, 2);
        // What one failed read had set aside comes back (F5); only what has rotted may stay away.
        if is_restarted || self.checker.has_damage() {
            let disk = self.disk.killed();
            self.restart(disk, false)?;
        }
        self.fetch_all()
    }

    /// Everybody leaves, and one client fetches and accepts all that is left; then the model judges.
    pub(crate) fn fetch_all(&mut self) -> Result<(), Violation> {
        while let Some(client) = self.clients.pop() {
            self.node.broker.close_session(client.session);
            self.note(Event::Close { session: client.label })?;
            self.hand_out()?;
        }
        self.decide_all()?;
        // What the log itself has lost may be a client and not its queue; nobody can say what comes of it then.
        if self.plan.has_peers && !self.checker.is_maimed() {
            self.finish_peers()?;
        }
        self.act()?;
        // A fault that strikes here takes decisions back that nobody was told of.
        loop {
            if let Err(stopped) = self.settle_all()? {
                self.fall(&stopped)?;
            }
            if !self.has_branches() {
                break;
            }
            self.decide_all()?;
            self.act()?;
        }
        if self.clients.is_empty() {
            self.act()?;
        }
        self.drain_all()?;
        if self.plan.has_peers && !self.checker.is_maimed() {
            self.outlive_peers()?;
            if self.clients.is_empty() {
                self.act()?;
            }
            self.drain_all()?;
        }
        if self.plan.has_schedules && !self.checker.is_maimed() {
            self.outlive_schedules()?;
        }
        self.note(Event::End)
    }

    fn drain_all(&mut self) -> Result<(), Violation> {
        loop {
            let mut is_empty = true;
            for (queue, _) in self.found().queues {
                is_empty &= is_client_queue(&queue) || queue == LATER || !self.drain(&queue)?;
            }
            if is_empty {
                return Ok(());
            }
        }
    }

    /// Fetches and accepts all of a queue. Answers whether there was anything.
    fn drain(&mut self, queue: &str) -> Result<bool, Violation> {
        let mut has_any = false;
        let mut attempts = 0;
        loop {
            match self.get_from(0, queue, true)? {
                Some(false) => return Ok(has_any),
                Some(true) => {
                    has_any = true;
                    attempts = 0;
                    self.settle_as(0, 0, SettleRange::UpTo, Fate::Accept)?;
                }
                None => {
                    attempts += 1;
                    if attempts > 20 {
                        return Err(broken("I12", format!("a fetch from '{queue}' waits for ever")));
                    }
                    if let Err(stopped) = self.settle_all()? {
                        self.fall(&stopped)?;
                        self.act()?;
                    }
                }
            }
        }
    }
}
