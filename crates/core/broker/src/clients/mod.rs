//! Clients: peers that are known by name, whichever connection they come by, and what is kept for them while they are
//! away: a queue, subscriptions, tokens of messages under way, a will.
//!
//! A client that goes with its connection (`keep_ms` 0) is in memory only. Any other one is in the log: its record and
//! its subscriptions are definitions, its tokens and its will records of their own, all of them part of a checkpoint.
//!
//! Reading order: the types here, then `attach.rs`, `subscribe.rs`, `reads.rs`, `tokens.rs`, `will.rs`, `keep.rs`.

mod attach;
mod keep;
mod reads;
mod subscribe;
mod tokens;
mod will;

use std::{collections::VecDeque, sync::Arc};

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use ternmq_message::Message;
use ternmq_stdx::Numbered;

use crate::{effect::SessionId, namespace::NamespaceId};

pub use self::{
    attach::{Attached, ClientSpec, ClientView},
    reads::ClientPage,
    subscribe::{Subscribed, Subscription},
    tokens::Once,
};

/// Number of a client, used again once it is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId(pub u32);

/// A message that is published when its client goes without a word.
#[derive(Clone, Debug)]
pub struct Will {
    /// The message; its node and key say where to.
    pub message: Message,
    /// Time in ms between the end of the connection and the publish.
    pub delay_ms: u64,
    /// It is retained too.
    pub is_retained: bool,
}

/// One client.
pub(crate) struct Client {
    pub(crate) name: Arc<str>,
    pub(crate) namespace: NamespaceId,
    pub(crate) user: Arc<str>,
    /// The session that serves it now.
    pub(crate) session: Option<SessionId>,
    pub(crate) queue: Option<u32>,
    /// How long it is remembered without a connection.
    pub(crate) keep_ms: u64,
    /// It was to be kept when it came: it is in the log.
    pub(crate) is_logged: bool,
    pub(crate) left_at_ms: Option<u64>,
    pub(crate) timer_ms: Option<u64>,
    pub(crate) own: Option<Box<Own>>,
}

/// What most clients do not have.
#[derive(Default)]
pub(crate) struct Own {
    pub(crate) subscriptions: Vec<Subscription>,
    /// Number of the next subscription.
    next_number: u32,
    /// Its queue's consumer.
    consumer: Option<subscribe::OwnConsumer>,
    /// Consumers of shared queues, by number of the subscription.
    group_consumers: Vec<(u32, crate::effect::ConsumerId)>,
    pub(crate) taken: Vec<u16>,
    pub(crate) released: Vec<u16>,
    pub(crate) will: Option<Box<Will>>,
    reads: VecDeque<reads::ClientRead>,
}

impl Client {
    pub(crate) fn own(&mut self) -> &mut Own {
        self.own.get_or_insert_default()
    }

    pub(crate) fn subscriptions(&self) -> &[Subscription] {
        self.own.as_ref().map_or(&[], |own| &own.subscriptions)
    }
}

/// A queue that subscriptions share.
pub(crate) struct Group {
    pub(crate) queue: u32,
    pub(crate) members: u32,
}

type GroupKey = (NamespaceId, Arc<str>, Arc<str>);

/// All clients.
pub(crate) struct Clients {
    all: Numbered<Client>,
    by_name: HashMap<(NamespaceId, Arc<str>), ClientId, FixedState>,
    pub(crate) groups: HashMap<GroupKey, Group, FixedState>,
    /// Next client whose will the running checkpoint has to write; absent: all are written.
    pub(crate) next_will: Option<u32>,
}

impl Clients {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            all: Numbered::default(),
            by_name: HashMap::with_hasher(FixedState::with_seed(seed)),
            groups: HashMap::with_hasher(FixedState::with_seed(seed)),
            next_will: None,
        }
    }

    pub(crate) fn get(&self, id: ClientId) -> Option<&Client> {
        self.all.get(id.0)
    }

    pub(crate) fn get_mut(&mut self, id: ClientId) -> Option<&mut Client> {
        self.all.get_mut(id.0)
    }

    pub(crate) fn find(&self, namespace: NamespaceId, name: &str) -> Option<ClientId> {
        self.by_name.get(&NameRef(namespace, name)).copied()
    }

    pub(crate) fn len(&self) -> usize {
        self.all.len()
    }

    /// The number that the next client gets.
    pub(crate) fn next_id(&mut self) -> Option<ClientId> {
        self.all.next_number().map(ClientId)
    }

    pub(crate) fn insert(&mut self, id: ClientId, client: Client) {
        self.by_name.insert((client.namespace, client.name.clone()), id);
        self.all.insert(id.0, Box::new(client));
    }

    pub(crate) fn remove(&mut self, id: ClientId) -> Option<Box<Client>> {
        let client = self.all.remove(id.0)?;
        self.by_name.remove(&(client.namespace, client.name.clone()));
        Some(client)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (ClientId, &Client)> {
        self.all.iter().map(|(id, client)| (ClientId(id), client))
    }

    /// Clients have numbers below this one.
    pub(crate) fn end(&self) -> u32 {
        self.all.end()
    }

    /// The queue that a group shared is no more.
    pub(crate) fn on_group_queue_gone(&mut self, queue: u32) {
        self.groups.retain(|_, group| group.queue != queue);
    }

    /// The queue of a client is no more.
    pub(crate) fn on_queue_gone(&mut self, id: ClientId, queue: u32) {
        if let Some(client) = self.get_mut(id)
            && client.queue == Some(queue)
        {
            client.queue = None;
            if let Some(own) = &mut client.own {
                own.consumer = None;
                // What led to it is gone with it.
                own.subscriptions.retain(|subscription| subscription.group.is_some());
            }
        }
    }
}

/// A namespace and a name, to look for one without making it.
struct NameRef<'a>(NamespaceId, &'a str);

impl std::hash::Hash for NameRef<'_> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.0, self.1).hash(state);
    }
}

impl hashbrown::Equivalent<(NamespaceId, Arc<str>)> for NameRef<'_> {
    fn equivalent(&self, key: &(NamespaceId, Arc<str>)) -> bool {
        self.0 == key.0 && *self.1 == *key.1
    }
}
