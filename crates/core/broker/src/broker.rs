//! The broker of one shard: its state and the turn that drives it.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use bytes::BytesMut;
use ternmq_env::Rng;
use ternmq_message::Formats;
use ternmq_queue::{Outbox, Windows};
use ternmq_routing::RouteResult;
use ternmq_stdx::{Arena, Handle, layout::Writer};

use crate::{
    access::Authority,
    alarm::Alarms,
    branches::Branches,
    browse::Held,
    checkpoint::Checkpoint,
    clients::{ClientId, Clients},
    connection::Connection,
    consume::Consumer,
    dead_letter::DeadLetters,
    dialect::Dialect,
    effect::{ConnectionId, Effect, SessionId},
    events::Events,
    forward::Forward,
    incident::Incident,
    intake::Intake,
    lapse::HeldLapses,
    ledger::{Segments, Settles},
    limits::Limits,
    log::{Durable, Grouping, Log},
    namespace::{NamespaceId, Namespaces},
    paging::Pager,
    policy::Policies,
    pressure::Pressure,
    producers::{MessageOrigin, Producers},
    queue_table::QueueTable,
    recent::Recent,
    recovery::Replay,
    remarks::Remarks,
    retained::RetainedStore,
    review::Review,
    scheduled::ScheduledStore,
    session_state::SessionState,
    settings::SharedSettings,
    slow::SlowConsumers,
    subscription::CatchUp,
    time::{BrokerTime, Now},
    timers::{TimerKey, Timers},
    wide::Wides,
};

/// Size of the blocks that small messages share.
const BLOCK_BYTES: usize = 64 << 10;

/// What a broker is made of.
pub struct BrokerConfig {
    /// The vendor's ways.
    pub dialect: Arc<dyn Dialect>,
    /// Encodings of messages that this process can read.
    pub formats: Formats,
    /// Where facts are kept.
    pub log: Box<dyn Log>,
    /// Randomness for names and secrets.
    pub rng: Box<dyn Rng>,
    /// Limits.
    pub limits: Limits,
    /// Name of the node, for people.
    pub node_name: Arc<str>,
}

/// An answer that may be sent once the log covers its receipt (I10).
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Done<T> {
    /// The answer.
    pub value: T,
    /// What has to be durable first.
    pub receipt: crate::log::Receipt,
}

/// The core of one shard. Adapters call its verbs; each turn ends with [`Broker::end_turn`], after which the host
/// takes the log's batch and hands out the effects.
pub struct Broker {
    pub(crate) dialect: Arc<dyn Dialect>,
    /// Mark of the dialect in which the log is written.
    pub(crate) kept_mark: Option<Arc<str>>,
    pub(crate) formats: Formats,
    pub(crate) log: Box<dyn Log>,
    pub(crate) rng: Box<dyn Rng>,
    pub(crate) limits: Limits,
    pub(crate) intake: Intake,
    /// There are topics whose last messages are kept.
    pub(crate) recalls: bool,
    pub(crate) recent: Recent,
    pub(crate) node_name: Arc<str>,
    pub(crate) time: BrokerTime,
    pub(crate) namespaces: Namespaces,
    pub(crate) queues: QueueTable,
    pub(crate) clients: Clients,
    pub(crate) review: Review,
    pub(crate) slow: SlowConsumers,
    pub(crate) remarks: Remarks,
    pub(crate) retained: RetainedStore,
    pub(crate) branches: Branches,
    pub(crate) held_lapses: HeldLapses,
    pub(crate) producers: Producers,
    /// Whose message is being published.
    pub(crate) origin: Option<MessageOrigin>,
    /// What is being published was promised a place: a full queue takes it too.
    pub(crate) takes_all: bool,
    pub(crate) scheduled: ScheduledStore,
    /// Sessions whose adapters go on with something in the next turn.
    pub(crate) woken: VecDeque<SessionId>,
    /// Subscriptions that what is retained still has to come to.
    pub(crate) catch_ups: VecDeque<CatchUp>,
    pub(crate) connections: Arena<Connection>,
    /// What the broker tells of itself.
    pub(crate) events: Events,
    /// Who has a name alone.
    pub(crate) sole_names: BTreeMap<(NamespaceId, Arc<str>), ConnectionId>,
    pub(crate) sessions: Arena<SessionState>,
    pub(crate) consumers: Arena<Consumer>,
    pub(crate) wides: Wides,
    pub(crate) windows: Windows,
    pub(crate) outbox: Outbox,
    pub(crate) effects: Vec<(ConnectionId, Effect)>,
    pub(crate) authority: Authority,
    pub(crate) policies: Policies,
    pub(crate) shared_settings: SharedSettings,
    pub(crate) settles: Settles,
    pub(crate) segments: Segments,
    pub(crate) looks: Vec<Held>,
    pub(crate) pager: Pager,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) timers: Timers,
    pub(crate) alarms: Alarms,
    pub(crate) dead_letters: DeadLetters,
    pub(crate) routes: RouteResult,
    pub(crate) scratch: Writer,
    block: BytesMut,
    pub(crate) counters: Counters,
    pub(crate) resident_bytes: i64,
    pub(crate) pressure: Pressure,
    pub(crate) forward: Forward,
    pub(crate) incidents: Vec<Incident>,
    pub(crate) replay: Replay,
    /// Where the log ended when this process took it over.
    pub(crate) boot_pos: u64,
    /// Records are being replayed: what is applied is in the log already.
    pub(crate) is_replaying: bool,
    /// Records now belong to a group that a commit will end.
    pub(crate) has_open_group: bool,
}

/// Totals since the start, for metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages taken from publishers.
    pub published: u64,
    /// Of these, sent to no queue.
    pub unroutable: u64,
    /// Refused by a full queue.
    pub refused: u64,
    /// Deliveries made, by consumers and single fetches.
    pub delivered: u64,
    /// Of these, deliveries of messages handed out before.
    pub redelivered: u64,
    /// Deliveries accepted.
    pub accepted: u64,
    /// Messages that died, whatever became of them.
    pub died: u64,
    /// Connections ever made.
    pub connections_opened: u64,
    /// Connections that ended.
    pub connections_closed: u64,
    /// Sessions ever made.
    pub sessions_opened: u64,
    /// Sessions that ended.
    pub sessions_closed: u64,
    /// Queues ever made.
    pub queues_created: u64,
    /// Queues that went.
    pub queues_deleted: u64,
    /// Messages that could not be read back (F5).
    pub damaged: u64,
    /// Segments of the log that were emptied because little in them was needed.
    pub segments_emptied: u64,
    /// Messages that need not be kept, passed over because their receiver was away or too slow (F16).
    pub shed: u64,
}

impl Broker {
    /// An empty broker. Replay the log into it, if there is one, then call [`Broker::finish_recovery`].
    #[must_use]
    pub fn new(config: BrokerConfig) -> Self {
        let BrokerConfig { dialect, formats, log, mut rng, limits, node_name } = config;
        let seed = rng.next_u64();
        Self {
            namespaces: Namespaces::new(dialect.wildcards(), seed, dialect.event_listening()),
            authority: Authority::new(&mut *rng),
            intake: dialect.intake(),
            recalls: dialect.recalls(),
            recent: Recent::default(),
            dialect,
            kept_mark: None,
            formats,
            log,
            rng,
            limits,
            node_name,
            time: BrokerTime::default(),
            queues: QueueTable::default(),
            clients: Clients::new(seed),
            review: Review::default(),
            slow: SlowConsumers::default(),
            remarks: Remarks::default(),
            retained: RetainedStore::default(),
            branches: Branches::default(),
            held_lapses: HeldLapses::default(),
            producers: Producers::default(),
            origin: None,
            takes_all: false,
            scheduled: ScheduledStore::default(),
            woken: VecDeque::new(),
            catch_ups: VecDeque::new(),
            connections: Arena::default(),
            events: Events::default(),
            sole_names: BTreeMap::new(),
            sessions: Arena::default(),
            consumers: Arena::default(),
            wides: Wides::default(),
            windows: Windows::default(),
            outbox: Outbox::default(),
            effects: Vec::new(),
            policies: Policies::default(),
            shared_settings: SharedSettings::default(),
            settles: Settles::default(),
            segments: Segments::default(),
            looks: Vec::new(),
            pager: Pager::default(),
            checkpoint: Checkpoint::default(),
            timers: Timers::default(),
            alarms: Alarms::default(),
            dead_letters: DeadLetters::default(),
            routes: RouteResult::default(),
            scratch: Writer::default(),
            block: BytesMut::new(),
            counters: Counters::default(),
            resident_bytes: 0,
            pressure: Pressure::default(),
            forward: Forward::default(),
            incidents: Vec::new(),
            replay: Replay::default(),
            boot_pos: 0,
            is_replaying: true,
            has_open_group: false,
        }
    }

    /// Tells the time; called at the start of each turn.
    pub fn set_now(&mut self, now: Now) {
        self.time.advance(now);
    }

    /// Runs what is due.
    pub fn handle_timers(&mut self) {
        while let Some(key) = self.timers.pop_due(self.time.ms()) {
            match key {
                TimerKey::Head(queue) => self.on_head_due(queue),
                TimerKey::Idle(queue) => self.on_idle_due(queue),
                TimerKey::Client(client) => self.on_client_due(ClientId(client)),
                TimerKey::Scheduled => self.on_scheduled_due(),
                TimerKey::Wides => self.on_wides_due(),
                TimerKey::Review => self.on_review_due(),
                TimerKey::Slow => self.on_slow_due(),
                TimerKey::Sweep => self.on_sweep_due(),
            }
        }
    }

    /// Monotonic ms at which [`Broker::handle_timers`] has something to do.
    #[must_use]
    pub fn next_deadline_ms(&self) -> Option<u64> {
        self.timers.next_ms().map(|at| self.time.to_monotonic_ms(at))
    }

    /// Ends a turn: settlements go into the log, copying forward and a checkpoint take a step.
    pub fn end_turn(&mut self) {
        self.follow_pressure();
        self.end_looks();
        self.wake_some();
        self.tell_events();
        self.step_catch_ups();
        self.settles.flush(&mut *self.log, Grouping::Ends);
        self.step_forward();
        self.step_checkpoint();
    }

    /// The log's durable position moved: work that waited for it goes on. Returns the proof for waiting adapters.
    pub fn handle_durable(&mut self) -> Durable {
        let durable = Durable::of(&*self.log);
        self.on_durable_checkpoint(durable);
        durable
    }

    /// What the log proves durable now.
    #[must_use]
    pub fn durable(&self) -> Durable {
        Durable::of(&*self.log)
    }

    /// Effects since the last call, in order.
    pub fn drain_effects(&mut self) -> std::vec::Drain<'_, (ConnectionId, Effect)> {
        self.effects.drain(..)
    }

    /// Exchanges the list of effects for an empty one, so that the caller can hand them out while it calls verbs.
    pub fn swap_effects(&mut self, empty: &mut Vec<(ConnectionId, Effect)>) {
        std::mem::swap(&mut self.effects, empty);
    }

    /// Takes the effects for one connection that nobody has handed out yet; those for others stay, in order.
    pub fn take_effects_of(&mut self, connection: ConnectionId) -> Vec<Effect> {
        let own = self.effects.extract_if(.., |(owner, _)| *owner == connection);
        own.map(|(_, effect)| effect).collect()
    }

    /// Whether there are effects to hand out.
    #[must_use]
    pub fn has_effects(&self) -> bool {
        !self.effects.is_empty()
    }

    /// Limits in force.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Changes the limits; what is over a lowered one stays, no more is let in.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// What happens to every message as it comes in.
    #[must_use]
    pub fn intake(&self) -> &Intake {
        &self.intake
    }

    /// The dialect.
    #[must_use]
    pub fn dialect(&self) -> &Arc<dyn Dialect> {
        &self.dialect
    }

    /// Encodings of messages.
    #[must_use]
    pub fn formats(&self) -> &Formats {
        &self.formats
    }

    /// Name of the node.
    #[must_use]
    pub fn node_name(&self) -> &Arc<str> {
        &self.node_name
    }

    /// Totals since the start.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// What went wrong since the last call, for the operator.
    pub fn take_incidents(&mut self) -> Vec<Incident> {
        std::mem::take(&mut self.incidents)
    }

    /// Monotonic time of this turn in ms.
    #[must_use]
    pub fn monotonic_ms(&self) -> u64 {
        self.time.monotonic_ms()
    }

    /// Broker time in ms since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn time_ms(&self) -> u64 {
        self.time.ms()
    }

    /// Room for a small message of `size_bytes`, empty, from the block that such messages share; a block goes as a whole
    /// when the last of them does. It is cut off before it is filled: cutting counts a reference atomically, which would
    /// wait for the stores of a body that was just copied.
    pub fn room(&mut self, size_bytes: usize) -> BytesMut {
        if self.block.capacity() < size_bytes {
            self.block = BytesMut::with_capacity(BLOCK_BYTES.max(size_bytes));
        }
        let rest = self.block.split_off(size_bytes);
        std::mem::replace(&mut self.block, rest)
    }

    /// 128 random bits (S6).
    pub fn random(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        self.rng.fill(&mut bytes);
        bytes
    }
}

impl From<Handle> for ConnectionId {
    fn from(handle: Handle) -> Self {
        Self { index: handle.index, generation: handle.generation }
    }
}

impl From<ConnectionId> for Handle {
    fn from(id: ConnectionId) -> Self {
        Self { index: id.index, generation: id.generation }
    }
}
