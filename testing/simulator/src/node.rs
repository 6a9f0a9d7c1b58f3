//! One node without threads: the core and its journal, each step on demand.

use std::collections::VecDeque;
use std::sync::Arc;

use ternmq_broker::{
    Alarm, Broker, BrokerConfig, Dialect, Incident, Limits, LoadJob, Log, LogRequest, Now,
    PermissionDefinition, UserDefinition,
};
use ternmq_env::Files;
use ternmq_fakes::{FakeDisk, SeededRng};
use ternmq_journal::{
    Batch, Encryption, JournalError, JournalPos, MasterKey, MasterKeys, OpenError, Opened, Options, Progress,
    Recovered, SegmentIndex, SpaceLevel, Writer,
};
use ternmq_message::{Formats, Map};
use zeroize::Zeroizing;

use crate::dialect::PlainDialect;
use crate::history::Found;
use crate::journal_log::{JournalLog, JournalSource};
use crate::sabotage::Sabotage;

const MESSAGE_KIND: u8 = 1;
const SETTLE_KIND: u8 = 2;
const DEFINITION_KIND: u8 = 8;
const TOKEN_KIND: u8 = 10;
const WILL_KIND: u8 = 11;
const RETAINED_KIND: u8 = 12;
const SCHEDULED_KIND: u8 = 17;
const BRANCH_END_KIND: u8 = 22;
const BRANCH_DECIDED_KIND: u8 = 23;
/// First byte of the definition that a client is no more.
const DELETE_CLIENT: u8 = 18;
/// Length of the record that a client has no will any more.
const WITHDRAWAL_BYTES: usize = 5;

/// The keys of a node whose journal is encrypted.
pub const KEYS: [[u8; 32]; 2] = [[1; 32], [2; 32]];

/// The argument of a queue that tells it from an earlier one of its name: the number of its declaration.
pub const MARK: &str = "mark";

/// Sizes of the simulated node: small, so that everything that happens in months happens in a second.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// Bytes of log in a segment.
    pub segment_bytes: u64,
    /// Log bytes after which a checkpoint is due.
    pub checkpoint_bytes: u64,
    /// Bytes of bodies above which backlogs leave memory.
    pub resident_bytes: u64,
    /// Room kept back on the disk.
    pub reserve_bytes: u64,
    /// The journal is encrypted. Each start may change the key, and may turn encryption off or on again (S13).
    pub is_encrypted: bool,
    /// The disk is always taken to be short: old segments are copied forward.
    pub is_disk_short: bool,
    /// Planted fault.
    pub sabotage: Sabotage,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            segment_bytes: 16 << 10,
            checkpoint_bytes: 24 << 10,
            resident_bytes: 4 << 10,
            reserve_bytes: 8 << 10,
            is_encrypted: false,
            is_disk_short: false,
            sabotage: Sabotage::None,
        }
    }
}

/// Why a node cannot go on; it has to start again.
#[derive(Clone, Debug)]
pub enum Stopped {
    /// The journal cannot be opened.
    Open(OpenError),
    /// The journal failed (F3).
    Journal(JournalError),
    /// A record made no sense to the core.
    Replay(String),
}

/// A vendor's ways and the encodings of stored messages.
pub struct Engine {
    /// The dialect.
    pub dialect: Arc<dyn Dialect>,
    /// The encodings.
    pub formats: Formats,
}

impl Default for Engine {
    /// No vendor's ways, no encoding.
    fn default() -> Self {
        Self { dialect: Arc::new(PlainDialect::default()), formats: Formats::default() }
    }
}

/// The user that may do everything.
pub const USER: &str = "root";

/// What a start needs.
pub struct Start<'a> {
    /// Whose ways it follows.
    pub engine: &'a Engine,
    /// The disk.
    pub disk: &'a FakeDisk,
    /// The clocks.
    pub now: Now,
    /// Seed of the node's own random numbers.
    pub seed: u64,
    /// Sizes.
    pub tuning: &'a Tuning,
    /// Number of the first turn.
    pub turn: u64,
}

/// The node.
pub struct Node {
    /// The core.
    pub broker: Broker,
    log: JournalLog,
    writer: Writer,
    source: JournalSource,
    batches: VecDeque<Batch>,
    unsynced: Vec<Vec<u8>>,
    requests: VecDeque<LogRequest>,
    loads: Vec<LoadJob>,
    marks: VecDeque<(u64, u64)>,
    turn: u64,
    durable_turn: u64,
    is_low: bool,
    is_always_short: bool,
    was_clean: bool,
}

/// How the journal is encrypted in a start with this seed. Two keys take turns, and what is on the disk may be wrapped under
/// either, also half and half when the start before was cut off.
fn encryption(seed: u64, tuning: &Tuning) -> Encryption {
    if !tuning.is_encrypted {
        return Encryption::Off;
    }
    let key = |bytes| MasterKey::new(Zeroizing::new(bytes));
    let [first, second] = KEYS;
    let keys = |current, former| MasterKeys { current: key(current), former: Some(key(former)) };
    match seed % 4 {
        0 => Encryption::ReadOnly(keys(first, second)),
        1 => Encryption::On(keys(second, first)),
        _ => Encryption::On(keys(first, second)),
    }
}

fn options(seed: u64, tuning: &Tuning) -> Options {
    Options {
        directory: "journal".into(),
        segment_bytes: tuning.segment_bytes,
        spare_files: 2,
        reserve_bytes: tuning.reserve_bytes,
        alarm_free_bytes: 0,
        encryption: encryption(seed, tuning),
    }
}

impl Node {
    /// Recovers what the disk holds.
    ///
    /// # Errors
    /// [`Stopped`]: the disk failed, or what it holds cannot be understood.
    pub fn start(start: &Start<'_>) -> Result<Self, Stopped> {
        let Start { engine, disk, now, seed, tuning, turn } = *start;
        let files: Arc<dyn Files> = Arc::new(disk.clone());
        let mut rng = SeededRng::new(seed);
        let journal_rng = SeededRng::new(rng.number());
        let mut recovery = ternmq_journal::open(files, Box::new(journal_rng), options(seed, tuning))
            .map_err(Stopped::Open)?;
        let log = JournalLog::recovering(recovery.segment_bytes(), tuning.sabotage);
        let limits = Limits {
            resident_bytes: tuning.resident_bytes,
            checkpoint_bytes: tuning.checkpoint_bytes,
            ..Limits::default()
        };
        let mut broker = Broker::new(BrokerConfig {
            dialect: engine.dialect.clone(),
            formats: engine.formats.clone(),
            log: Box::new(log.clone()),
            rng: Box::new(rng),
            limits,
            node_name: "simulated".into(),
        });
        let mut seen = 0_u64;
        while let Some(record) = recovery.read_next().map_err(Stopped::Open)? {
            match record {
                Recovered::Record { position, kind, len_bytes, payload, .. } => {
                    seen += 1;
                    if is_overlooked(tuning.sabotage, kind, seen, payload) {
                        continue;
                    }
                    broker
                        .replay(position.get(), len_bytes, kind, payload)
                        .map_err(|error| Stopped::Replay(error.to_string()))?;
                }
                Recovered::Damage(damage) => broker.replay_gap(damage.from.get(), damage.to.get()),
            }
        }
        let Opened { appender, writer, reader, report, durable } =
            recovery.finish().map_err(Stopped::Open)?;
        log.open(appender, durable);
        let segments: Vec<u64> = writer.segments().map(SegmentIndex::get).collect();
        broker.finish_recovery(now, report.was_clean, &segments);
        let mut node = Self {
            broker,
            log,
            writer,
            source: JournalSource(reader),
            batches: VecDeque::new(),
            unsynced: Vec::new(),
            requests: VecDeque::new(),
            loads: Vec::new(),
            marks: VecDeque::new(),
            turn,
            durable_turn: turn.saturating_sub(1),
            is_low: false,
            is_always_short: tuning.is_disk_short,
            was_clean: report.was_clean,
        };
        node.make_user(engine.dialect.default_namespace());
        Ok(node)
    }

    fn make_user(&mut self, namespace: &str) {
        let has_permission = self.broker.permissions().iter().any(|permission| &*permission.user == USER);
        if self.broker.user_definition(USER).is_some() && has_permission {
            return;
        }
        let user =
            UserDefinition { name: USER.into(), tags: vec!["admin".into()], ..UserDefinition::default() };
        let all: Arc<str> = ".*".into();
        let permission = PermissionDefinition {
            user: USER.into(),
            namespace: namespace.into(),
            configure: all.clone(),
            write: all.clone(),
            read: all,
        };
        let _made = self.broker.put_user(user);
        let _given = self.broker.put_permission(permission);
    }

    /// Whether the last stop had been a clean one.
    #[must_use]
    pub fn was_clean(&self) -> bool {
        self.was_clean
    }

    /// The queues and bindings of a namespace. A queue without the argument [`MARK`] has the mark 0.
    #[must_use]
    pub fn found(&self, namespace: &str) -> Found {
        let mark = |arguments: &Map| {
            let marked = arguments.iter().find(|(name, _)| &**name == MARK);
            marked
                .and_then(|(_, value)| value.as_i64())
                .and_then(|mark| u64::try_from(mark).ok())
                .unwrap_or(0)
        };
        let mut queues: Vec<(String, u64)> = self
            .broker
            .queue_views(Some(namespace))
            .into_iter()
            .map(|view| (view.name.to_string(), mark(&view.arguments)))
            .collect();
        queues.sort_unstable();
        let mut bindings: Vec<_> = self
            .broker
            .binding_views(namespace)
            .into_iter()
            .filter(|binding| !binding.source.is_empty())
            .map(|binding| (binding.source.to_string(), binding.target.to_string(), binding.key.to_string()))
            .collect();
        bindings.sort_unstable();
        let views = self.broker.branch_views(Some(namespace));
        let branches = views.iter().map(|view| crate::branches::number_of(&view.id)).collect();
        Found { queues, bindings, clients: self.client_names(namespace), branches }
    }

    /// The clients of a namespace that the broker knows by name.
    #[must_use]
    pub fn client_names(&self, namespace: &str) -> Vec<String> {
        let views = self.broker.client_views().into_iter().filter(|view| &*view.namespace == namespace);
        let mut names: Vec<String> = views.map(|view| view.name.to_string()).collect();
        names.sort_unstable();
        names
    }

    /// Ends a turn: its records go to the journal's queue. Answers the turn's number.
    pub fn end_turn(&mut self) -> u64 {
        self.broker.end_turn();
        self.turn += 1;
        self.marks.push_back((self.turn, self.log.next_pos()));
        self.batches.extend(self.log.take_batch());
        self.note_requests();
        while self.broker.has_loads() {
            let Some(job) = self.broker.poll_load() else { break };
            self.loads.push(job);
        }
        self.turn
    }

    /// The last turn that ended.
    #[must_use]
    pub fn turn(&self) -> u64 {
        self.turn
    }

    /// Everything done up to this turn is durable.
    #[must_use]
    pub fn durable_turn(&self) -> u64 {
        self.durable_turn
    }

    /// Whether the journal has nothing left to do.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.batches.is_empty()
            && self.log.durable_end() >= self.log.next_pos()
            && self.requests.is_empty()
            && self.loads.is_empty()
            && !self.broker.wants_turn()
    }

    /// Writes the oldest batch that waits. A full disk leaves it waiting (F4).
    ///
    /// # Errors
    /// The journal failed (F3).
    pub fn write(&mut self) -> Result<(), Stopped> {
        let Some(batch) = self.batches.front_mut() else { return Ok(()) };
        match self.writer.write(batch) {
            Ok(()) => {
                self.unsynced.extend(self.batches.pop_front().map(Batch::into_buffer));
                Ok(())
            }
            Err(JournalError::DiskFull(_)) => {
                self.check_space();
                Ok(())
            }
            Err(error) => Err(Stopped::Journal(error)),
        }
    }

    /// Syncs what was written; the core and this node learn what is durable.
    ///
    /// # Errors
    /// The journal failed (F3).
    pub fn sync(&mut self) -> Result<(), Stopped> {
        let durable = self.writer.sync().map_err(Stopped::Journal)?;
        self.log.note_durable(durable);
        for buffer in self.unsynced.drain(..) {
            self.log.recycle(buffer);
        }
        while let Some((turn, _)) = self.marks.front().copied().filter(|(_, pos)| *pos <= durable.end().get())
        {
            self.durable_turn = turn;
            self.marks.pop_front();
        }
        let _proof = self.broker.handle_durable();
        self.note_requests();
        Ok(())
    }

    fn note_requests(&mut self) {
        while let Some(request) = self.broker.poll_log_request() {
            self.requests.push_back(request);
        }
    }

    /// Carries out one thing that the core asked of the journal.
    ///
    /// # Errors
    /// The journal failed (F3).
    pub fn serve_request(&mut self) -> Result<(), Stopped> {
        let answer = match self.requests.pop_front() {
            None => return Ok(()),
            Some(LogRequest::PublishCheckpoint { start }) => {
                self.writer.publish_checkpoint(JournalPos::new(start))
            }
            Some(LogRequest::Release { segments }) => {
                let segments: Vec<SegmentIndex> = segments.into_iter().map(SegmentIndex::new).collect();
                self.writer.release(&segments)
            }
        };
        match answer {
            Err(error @ (JournalError::Failed(_) | JournalError::Poisoned(_))) => {
                Err(Stopped::Journal(error))
            }
            // Put off, as a host does: the segments go with a later checkpoint or the next start.
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// One step of upkeep, and a look at the room on the disk.
    ///
    /// # Errors
    /// The journal failed (F3).
    pub fn maintain(&mut self) -> Result<Progress, Stopped> {
        let progress = self.writer.maintain().map_err(Stopped::Journal)?;
        self.check_space();
        Ok(progress)
    }

    fn check_space(&mut self) {
        let Ok(space) = self.writer.space() else { return };
        // The room differs much from run to run, so that all cases come up.
        self.broker.set_disk_short(space.wants_compaction || self.is_always_short);
        let is_low = space.level > SpaceLevel::Plenty;
        if is_low != self.is_low {
            self.is_low = is_low;
            self.broker.set_alarm(Alarm::Disk, is_low);
        }
    }

    /// Whether publishers are held back.
    #[must_use]
    pub fn is_low_on_disk(&self) -> bool {
        self.is_low
    }

    /// Whether a backlog waits to be read.
    #[must_use]
    pub fn has_load(&self) -> bool {
        !self.loads.is_empty()
    }

    /// Reads one chunk of a backlog: the one with this number, counted round.
    pub fn load(&mut self, number: u64) {
        let count = self.loads.len() as u64;
        if let Some(index) = number.checked_rem(count).and_then(|index| usize::try_from(index).ok()) {
            let result = self.loads.swap_remove(index).run(&self.source);
            self.broker.handle_loaded(result);
        }
    }

    /// What the core reported as wrong.
    pub fn take_incidents(&mut self) -> Vec<Incident> {
        self.broker.take_incidents()
    }

    /// Writes and syncs until nothing is left to do.
    ///
    /// # Errors
    /// The journal failed (F3).
    pub fn settle(&mut self) -> Result<(), Stopped> {
        for _ in 0..10_000 {
            if self.is_settled() {
                break;
            }
            self.end_turn();
            while !self.batches.is_empty() {
                let before = self.batches.len();
                self.write()?;
                if self.batches.len() == before {
                    break;
                }
            }
            self.sync()?;
            while !self.requests.is_empty() {
                self.serve_request()?;
            }
            while self.has_load() {
                self.load(0);
            }
            self.maintain()?;
        }
        Ok(())
    }

    /// Stops cleanly: everything durable, the journal closed.
    ///
    /// # Errors
    /// The journal failed; it is then one that was cut off.
    pub fn close(self) -> Result<(), Stopped> {
        self.writer.close().map_err(Stopped::Journal)
    }
}

fn is_overlooked(sabotage: Sabotage, kind: u8, seen: u64, payload: &[u8]) -> bool {
    // Behind the number of the client.
    let token_op = payload.get(4).copied();
    let is_withdrawal = payload.len() == WITHDRAWAL_BYTES;
    match sabotage {
        Sabotage::OverlookTaken => kind == TOKEN_KIND && token_op == Some(0),
        Sabotage::OverlookForgotten => kind == TOKEN_KIND && token_op == Some(1),
        Sabotage::OverlookReleased => kind == TOKEN_KIND && token_op == Some(2),
        Sabotage::OverlookWills => kind == WILL_KIND && !is_withdrawal,
        Sabotage::OverlookWithdrawnWills => kind == WILL_KIND && is_withdrawal,
        Sabotage::OverlookRetained => kind == RETAINED_KIND && seen.is_multiple_of(3),
        Sabotage::OverlookEnds => kind == DEFINITION_KIND && payload.first() == Some(&DELETE_CLIENT),
        Sabotage::OverlookBranches => kind == BRANCH_END_KIND,
        Sabotage::OverlookDecisions => kind == BRANCH_DECIDED_KIND,
        // Behind the id of the message.
        Sabotage::OverlookScheduled => kind == SCHEDULED_KIND && payload.get(8) == Some(&2),
        Sabotage::OverlookCome => kind == SCHEDULED_KIND && payload.get(8) != Some(&2),
        Sabotage::OverlookMessages => kind == MESSAGE_KIND && seen.is_multiple_of(7),
        Sabotage::OverlookSettles => kind == SETTLE_KIND,
        Sabotage::OverlookDefinitions => kind == DEFINITION_KIND && seen > 8 && seen.is_multiple_of(3),
        _ => false,
    }
}
