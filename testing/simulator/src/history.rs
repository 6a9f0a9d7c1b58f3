//! What happened, as clients saw it: events for the checker, lines for people.

use std::fmt;

use ternmq_broker::Deliver;

/// How an operation ended, as its client knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Answered: it holds.
    Ok,
    /// Refused: nothing happened.
    Fail,
    /// No answer yet, or never.
    Unknown,
}

/// What matters of a queue's declaration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct QueueFacts {
    /// It outlives a restart.
    pub is_durable: bool,
    /// Every message in it outlives a restart.
    pub is_quorum: bool,
    /// Time to live of its messages in ms.
    pub ttl_ms: Option<u64>,
    /// Most ready messages.
    pub max_length: Option<u64>,
    /// Full: refuse the new message instead of dropping the oldest.
    pub rejects_when_full: bool,
    /// Queue that dead messages go to.
    pub dead_to: Option<String>,
    /// Highest priority.
    pub max_priority: Option<u8>,
    /// Most returns of a message.
    pub delivery_limit: Option<u32>,
    /// One consumer at a time.
    pub is_single_active: bool,
    /// It belongs to clients that may be away: what need not be kept may be passed over.
    pub is_of_clients: bool,
}

/// A delivery as its client got it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Taken {
    /// Queue that the client consumes from.
    pub queue: String,
    /// Number in the session.
    pub delivery: u64,
    /// It waits to be settled.
    pub needs_settle: bool,
    /// Said to have been handed out before.
    pub is_redelivered: bool,
    /// Queues it died in, with the reason as text, oldest first.
    pub deaths: Vec<(String, &'static str)>,
    /// Node it carries.
    pub node: String,
    /// Key it carries.
    pub key: String,
    /// Properties.
    pub head: Vec<u8>,
    /// Body.
    pub body: Vec<u8>,
    /// Persistent.
    pub is_durable: bool,
    /// Priority.
    pub priority: u8,
}

impl Taken {
    /// A delivery as the core hands it out.
    #[must_use]
    pub fn of(queue: &str, deliver: &Deliver, needs_settle: bool) -> Self {
        let message = &deliver.message;
        let history = message.history();
        let deaths = history.map(|history| &history.deaths[..]).unwrap_or_default();
        Self {
            queue: queue.into(),
            delivery: deliver.delivery.0,
            needs_settle,
            is_redelivered: deliver.is_redelivered,
            deaths: deaths.iter().map(|death| (death.queue.to_string(), death.reason.word())).collect(),
            node: message.node().into(),
            key: message.key().into(),
            head: message.head().to_vec(),
            body: message.body().to_vec(),
            is_durable: message.meta().is_durable,
            priority: message.meta().priority,
        }
    }
}

/// A scheduled message as its client got it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Came {
    /// Said to have been handed out before.
    pub is_redelivered: bool,
    /// Properties.
    pub head: Vec<u8>,
    /// Body.
    pub body: Vec<u8>,
}

/// What is found after a restart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Found {
    /// Queues: name, and the mark that its declaration gave it, which is the number of that operation.
    pub queues: Vec<(String, u64)>,
    /// Bindings: node, queue, key.
    pub bindings: Vec<(String, String, String)>,
    /// Clients known by name.
    pub clients: Vec<String>,
    /// Branches of distributed transactions that are prepared, by number.
    pub branches: Vec<u32>,
}

/// One thing that happened. `op` numbers an operation whose answer comes later as [`Event::Ok`]; a session goes by its
/// label, a message by its number, a queue and a node by its name.
#[allow(missing_docs, reason = "the fields are the words of the line above and of the variants")]
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A new queue was declared.
    Declare { op: u64, queue: String, facts: QueueFacts },
    /// A queue was deleted.
    Delete { op: u64, queue: String },
    /// The ready messages of a queue were dropped.
    Purge { op: u64, queue: String },
    /// A queue was bound to a node.
    Bind { op: u64, node: String, queue: String, key: String },
    /// A binding was removed.
    Unbind { op: u64, node: String, queue: String, key: String },
    /// A message was published; `Fail` means that a queue refused it.
    Publish {
        op: u64,
        session: u32,
        message: u64,
        node: String,
        key: String,
        is_durable: bool,
        priority: u8,
        ttl_ms: Option<u64>,
        outcome: Outcome,
        is_routed: bool,
    },
    /// A session became transactional.
    Select { session: u32 },
    /// What a session staged was committed.
    Commit { op: u64, session: u32 },
    /// What a session staged was dropped.
    Rollback { session: u32 },
    /// What a branch staged, going by its number as a session, is prepared with deliveries of a session that it accepts.
    Prepare { op: u64, branch: u32, session: u32, deliveries: Vec<u64> },
    /// A prepared branch was decided; on a rollback its session may have its deliveries again.
    Decide { op: u64, branch: u32, is_commit: bool, is_restored: bool },
    /// A message reached a client.
    Deliver { session: u32, taken: Taken },
    /// Deliveries were accepted.
    Accept { session: u32, deliveries: Vec<u64> },
    /// Deliveries were given back.
    Requeue { session: u32, deliveries: Vec<u64> },
    /// Deliveries were refused.
    Discard { session: u32, deliveries: Vec<u64> },
    /// A session ended; what it held goes back.
    Close { session: u32 },
    /// An operation was answered.
    Ok { op: u64 },
    /// A turn ended: what was settled before carries its number.
    Turn { turn: u64 },
    /// Time passed, as far as the broker may have noticed.
    Time { lower_ms: u64, upper_ms: u64 },
    /// The node went away; everything up to this turn was durable.
    Gone { durable_turn: u64, is_clean: bool },
    /// The node is back.
    Back { found: Found },
    /// The node reported damage: a queue by name with a count, or the log itself.
    Damage { queue: Option<String>, count: u64 },
    /// A session began to serve a client that is known by name.
    Attach { op: u64, session: u32, client: String, is_fresh: bool, is_resumed: bool, keep_ms: u64 },
    /// The session of a client ended, because another one took its place or not; the client takes its will back when it
    /// goes with a word.
    Detach { client: String, is_taken_over: bool },
    /// A client left a will, in place of the one before, or took it back.
    Will { op: u64, client: String, message: Option<u64>, delay_ms: u64 },
    /// The broker has forgotten a client.
    Ended { client: String },
    /// A client subscribed. What leads to its own queue is an [`Event::Bind`] too.
    Subscribe { op: u64, client: String, key: String, group: Option<String>, skips_own: bool },
    /// A client ended a subscription.
    Unsubscribe { op: u64, client: String, key: String, group: Option<String> },
    /// A client published under a token. When the broker did not know the token, the [`Event::Publish`] of the same
    /// operation follows.
    Once { op: u64, client: String, token: u16, message: u64, is_known: bool },
    /// A client releases a token of its own; it may name another message once this is answered.
    Forget { op: u64, client: String, token: u16 },
    /// A delivery under a token reached its client.
    Receive { client: String, token: u16, queue: String, message: u64 },
    /// A client forgot a token of the broker.
    Forgot { client: String, token: u16 },
    /// A delivery out of a shared queue moved to the client's own queue, as a message of a new number.
    Adopt { op: u64, session: u32, delivery: u64, origin: u64, shared: String, message: u64, queue: String },
    /// The last message of a key is this one now, or there is none.
    Retain { op: u64, key: String, message: Option<u64> },
    /// What is retained under a key with wildcards: keys and messages.
    Retained { key: String, found: Vec<(String, u64)> },
    /// A message is to come after a delay, and again so often each period; without a number of repetitions for ever.
    Later { op: u64, message: u64, delay_ms: u64, period_ms: u64, repeats: Option<u32> },
    /// A scheduled message was taken away.
    TakeAway { op: u64, message: u64 },
    /// A scheduled message came and was accepted.
    Come { came: Came },
    /// The end: everything that is left was fetched.
    End,
}

/// One line of the history.
#[derive(Clone, Debug)]
pub struct Line {
    /// Number of the line.
    pub number: u64,
    /// Simulated ms.
    pub time_ms: u64,
    /// What happened.
    pub event: Event,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:>6} {:>9}ms ", self.number, self.time_ms)?;
        match &self.event {
            Event::Deliver { session, taken } => {
                let id = crate::checker::message_id(&taken.body).map_or("?".to_owned(), |id| id.to_string());
                write!(
                    f,
                    "deliver session={session} queue={} number={} message={id} redelivered={} deaths={:?} settle={}",
                    taken.queue, taken.delivery, taken.is_redelivered, taken.deaths, taken.needs_settle
                )
            }
            Event::Come { came } => {
                let id = crate::checker::message_id(&came.body).map_or("?".to_owned(), |id| id.to_string());
                write!(f, "come message={id} redelivered={}", came.is_redelivered)
            }
            event => write!(f, "{event:?}"),
        }
    }
}
