//! Queues of the shard by number.

use std::{collections::BTreeMap, sync::Arc};

use ternmq_message::{Map, Message};
use ternmq_queue::Queue;
use ternmq_stdx::Numbered;

use crate::{
    clients::ClientId,
    definition::QueueRecord,
    dialect::{QueueClass, QueueOptions},
    effect::ConnectionId,
    lapse::KeptLapse,
    namespace::NamespaceId,
};

/// A queue with what the facade knows of it.
pub(crate) struct QueueSlot {
    pub(crate) name: Arc<str>,
    pub(crate) namespace: NamespaceId,
    pub(crate) incarnation: u64,
    pub(crate) class: QueueClass,
    pub(crate) is_durable: bool,
    pub(crate) is_auto_delete: bool,
    /// The connection that alone may use it and takes it along when it ends (S6).
    pub(crate) owner: Option<ConnectionId>,
    pub(crate) arguments: Map,
    /// Meaning of the arguments; absent when they mean nothing.
    pub(crate) options: Option<Box<QueueOptions>>,
    pub(crate) machine: Queue,
    pub(crate) had_consumer: bool,
    /// Made by an adapter for its own ends (S6): not listed, needs no permission of its owner.
    pub(crate) is_private: bool,
    /// Connection whose messages it does not take.
    pub(crate) skips: Option<ConnectionId>,
    /// When it ends, as a durable subscription that nobody takes up again.
    pub(crate) lapse: Option<Box<KeptLapse>>,
    /// Client whose messages it keeps: the client's own, not a shared one.
    pub(crate) client: Option<ClientId>,
    /// Messages that need not be kept are passed over while more bytes than this are ready.
    pub(crate) sheds_above_bytes: Option<u64>,
    /// Broker time in ms of the last declaration, fetch or consumer.
    pub(crate) used_at_ms: u64,
    pub(crate) head_timer_ms: Option<u64>,
    pub(crate) idle_timer_ms: Option<u64>,
    /// Its records before this log position are superseded by the snapshot still to come in the replay.
    pub(crate) awaits_snapshot: bool,
    /// The running checkpoint still has to write its snapshot.
    pub(crate) owes_snapshot: bool,
}

impl QueueSlot {
    /// It keeps the messages of this client from now on.
    pub(crate) fn serve_client(&mut self, client: ClientId) {
        self.client = Some(client);
        self.machine.keep_delivered();
    }

    /// It turned out to be no client's.
    pub(crate) fn serve_nobody(&mut self) {
        self.client = None;
    }

    /// Its messages that ask for it are kept over a restart.
    pub(crate) fn is_logged(&self) -> bool {
        self.is_durable && self.owner.is_none()
    }

    /// Passes over a message that need not be kept, because there is too much already or nobody to hand it to (F16).
    pub(crate) fn sheds(&self, message: &Message) -> bool {
        self.sheds_above_bytes
            .is_some_and(|most| !message.meta().is_durable && self.machine.ready_bytes() >= most)
    }

    pub(crate) fn record(&self, id: u32, namespace: Arc<str>) -> QueueRecord {
        QueueRecord {
            id,
            incarnation: self.incarnation,
            namespace,
            name: self.name.clone(),
            class: self.class,
            is_durable: self.is_durable,
            is_auto_delete: self.is_auto_delete,
            arguments: self.arguments.clone(),
        }
    }
}

/// All queues, and the remnants of queues that ended while messages were read on their way to a dead-letter route: no
/// verb finds a remnant, it only sees those messages off. Its number is not used again before it is gone.
#[derive(Default)]
pub(crate) struct QueueTable {
    queues: Numbered<QueueSlot>,
    remnants: BTreeMap<u32, Box<QueueSlot>>,
}

impl QueueTable {
    /// The number that the next queue gets.
    pub(crate) fn next_id(&mut self) -> Option<u32> {
        self.queues.next_number()
    }

    /// Puts a queue at its number, which must be free.
    pub(crate) fn insert(&mut self, id: u32, slot: QueueSlot) {
        self.queues.insert(id, Box::new(slot));
    }

    /// Takes a queue out; its number may be used again, unless it is kept as a remnant.
    pub(crate) fn remove(&mut self, id: u32) -> Option<Box<QueueSlot>> {
        self.queues.remove(id)
    }

    /// Keeps what is left of a queue that was taken out.
    pub(crate) fn keep_remnant(&mut self, id: u32, slot: Box<QueueSlot>) {
        self.queues.withhold(id);
        self.remnants.insert(id, slot);
    }

    /// Takes a remnant out; its number may be used again.
    pub(crate) fn take_remnant(&mut self, id: u32) -> Option<Box<QueueSlot>> {
        let slot = self.remnants.remove(&id)?;
        self.queues.give_back(id);
        Some(slot)
    }

    /// The remnants, in order of number.
    pub(crate) fn remnants(&self) -> impl Iterator<Item = (u32, &QueueSlot)> {
        self.remnants.iter().map(|(id, slot)| (*id, &**slot))
    }

    /// A queue or a remnant.
    pub(crate) fn any(&self, id: u32) -> Option<&QueueSlot> {
        self.get(id).or_else(|| self.remnants.get(&id).map(|slot| &**slot))
    }

    /// A queue or a remnant, to change.
    pub(crate) fn any_mut(&mut self, id: u32) -> Option<&mut QueueSlot> {
        let Self { queues, remnants } = self;
        queues.get_mut(id).or_else(|| remnants.get_mut(&id).map(|slot| &mut **slot))
    }

    pub(crate) fn get(&self, id: u32) -> Option<&QueueSlot> {
        self.queues.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: u32) -> Option<&mut QueueSlot> {
        self.queues.get_mut(id)
    }

    pub(crate) fn len(&self) -> usize {
        self.queues.len()
    }

    /// One past the highest number ever used.
    pub(crate) fn end_id(&self) -> u32 {
        self.queues.end()
    }

    /// All queues, in order of number.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &QueueSlot)> {
        self.queues.iter()
    }

    /// Numbers of the queues and the remnants.
    pub(crate) fn all_ids(&self) -> Vec<u32> {
        self.iter().map(|(id, _)| id).chain(self.remnants.keys().copied()).collect()
    }
}
