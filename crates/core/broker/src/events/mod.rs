//! What the broker tells of itself to whoever subscribes to it: connections, consumers, producers, queues and topics that
//! come and go, consumers that are slow, and messages that nobody takes.
//!
//! Owns: what is told, in which order, and what a new subscriber is told of what is there already. Must not know: how an
//! event is named (the dialect's) or written (the [`Herald`]'s).
//!
//! Events are collected and sent at the end of the turn, so that nobody hears of a state in between. Without a herald
//! nothing is noted; with one and no subscriber, what looks for subscribers is one number of the topology.

mod message;
mod note;
mod replay;
mod send;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::SocketAddr,
    sync::Arc,
};

use ternmq_message::{Formats, Message};

use crate::{
    dialect::Dialect,
    effect::{ConnectionId, ConsumerId},
    namespace::NamespaceId,
};

/// Most topics that are remembered as being there (I11).
const MAX_TOPICS: usize = 100_000;

/// What happens to a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is there from now on, or is there already.
    Come,
    /// It is gone.
    Gone,
}

/// A node with a key: a queue on the default node, or a topic.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EventPlace {
    /// Node.
    pub node: Arc<str>,
    /// Key.
    pub key: Arc<str>,
}

/// A connection as an event tells of it. Never a secret of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventConnection {
    /// Its handle.
    pub id: ConnectionId,
    /// What its client calls it, if that is known.
    pub own_id: Option<Arc<str>>,
    /// Name of its client.
    pub client: Option<Arc<str>>,
    /// User.
    pub user: Arc<str>,
    /// Where it came from.
    pub peer: Option<SocketAddr>,
    /// Where it came to.
    pub local: Option<SocketAddr>,
}

/// A consumer as an event tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventConsumer {
    /// Its handle.
    pub id: ConsumerId,
    /// What its client calls it, if that is known.
    pub own_id: Option<Arc<str>>,
    /// Whose it is.
    pub connection: EventConnection,
    /// What it receives from; one of several.
    pub place: EventPlace,
    /// Name of its queue.
    pub queue: Arc<str>,
    /// Selector, where that is known.
    pub selector: Option<Arc<str>>,
    /// Most unsettled deliveries; 0: no limit.
    pub window: u32,
    /// Higher ones are served first.
    pub priority: i32,
    /// It gets everything while it is there.
    pub is_exclusive: bool,
    /// What its connection publishes is not for it.
    pub skips_own: bool,
}

/// A producer as an event tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventProducer {
    /// What its client calls it.
    pub own_id: Arc<str>,
    /// Whose it is.
    pub connection: EventConnection,
    /// Where it sends to; one of several.
    pub place: EventPlace,
    /// Bytes of its window; 0: none.
    pub window_bytes: u32,
}

/// What becomes of a message that nobody takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Its time to live ended.
    Expired,
    /// It was pushed out by others, of which there were more than its queue may have.
    PushedOut,
    /// It went to where dead messages go.
    Buried,
}

/// A message as an event tells of it.
#[derive(Clone, Debug)]
pub struct EventMessage {
    /// The message.
    pub message: Message,
    /// The queue that it leaves.
    pub queue: Arc<str>,
    /// Its number there.
    pub seq: u64,
    /// Broker time in ms at which it expires, if it does.
    pub expires_at_ms: Option<u64>,
    /// Of one that was pushed out: who receives from the queue; one of several.
    pub consumer: Option<EventConsumer>,
}

/// One thing that is told.
#[derive(Clone, Debug)]
pub enum Event {
    /// A connection.
    Connection(Change, EventConnection),
    /// A consumer, with how many its place has now.
    Consumer(Change, EventConsumer, u64),
    /// A producer, with how many its place has now.
    Producer(Change, EventProducer, u64),
    /// A queue or topic, with the connection that is the cause, if one is.
    Place(Change, EventPlace, Option<EventConnection>),
    /// A consumer is slow from now on.
    Slow(EventConsumer),
    /// Something became of a message.
    Message(Fate, Box<EventMessage>),
}

/// What a [`Herald`] may look at.
#[derive(Clone, Copy)]
pub struct Teller<'a> {
    /// The vendor's ways.
    pub dialect: &'a dyn Dialect,
    /// Encodings of messages.
    pub formats: &'a Formats,
    /// Name of the node.
    pub node_name: &'a str,
}

/// Writes events as messages.
pub trait Herald: Send + Sync {
    /// An event as a message to a node with a key; `None` for one that can't be written.
    fn message(&self, teller: &Teller<'_>, event: &Event, place: (&str, &str)) -> Option<Message>;
}

/// How events tell of a consumer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// Its coming was told, so its going will be.
    pub(crate) is_told: bool,
    pub(crate) words: Option<Box<Words>>,
}

/// What an adapter knows of a consumer beside the core.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    pub(crate) own_id: Arc<str>,
    pub(crate) selector: Option<Arc<str>>,
}

/// What somebody does at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Consumer,
    Producer,
}

/// A producer that is there.
#[derive(Debug)]
struct Producer {
    places: Vec<EventPlace>,
    window_bytes: u32,
}

/// An event on its way.
struct Pending {
    namespace: NamespaceId,
    event: Event,
    /// Only this queue gets it.
    only: Option<u32>,
}

/// What there is to tell.
#[derive(Default)]
pub(crate) struct Events {
    herald: Option<Arc<dyn Herald>>,
    pending: VecDeque<Pending>,
    /// Connections that have come and may still be refused.
    fresh: Vec<ConnectionId>,
    producers: BTreeMap<(ConnectionId, Arc<str>), Producer>,
    /// How many consumers and producers each place has; those of queues the queues know.
    counts: BTreeMap<(NamespaceId, Role, EventPlace), u64>,
    topics: BTreeSet<(NamespaceId, Arc<str>)>,
}

impl Events {
    /// Whether anything is ever told.
    pub(crate) fn is_on(&self) -> bool {
        self.herald.is_some()
    }

    /// One more or one less at a place.
    fn count(&mut self, namespace: NamespaceId, role: Role, place: &EventPlace, change: Change) {
        let key = (namespace, role, place.clone());
        match change {
            Change::Come => *self.counts.entry(key).or_default() += 1,
            Change::Gone => {
                if let Some(count) = self.counts.get_mut(&key) {
                    *count = count.saturating_sub(1);
                    if *count == 0 {
                        self.counts.remove(&key);
                    }
                }
            }
        }
    }

    fn count_of(&self, namespace: NamespaceId, role: Role, place: &EventPlace) -> u64 {
        self.counts.get(&(namespace, role, place.clone())).copied().unwrap_or_default()
    }
}
