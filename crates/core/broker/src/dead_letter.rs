//! The dead-letter route: history, key override, the cycle rule, and the move as one record.

use std::{collections::VecDeque, sync::Arc};

use smallvec::SmallVec;
use ternmq_message::{Death, DeathReason, History, Message, MessageMeta};
use ternmq_queue::{Dead, DeadLetterRoute, Seq};

use crate::{
    broker::Broker,
    dialect::{DeadMessage, Grave},
    effect::NOBODY,
    namespace::NamespaceId,
    publish::Published,
};

/// Messages on their way to their dead-letter routes.
#[derive(Default)]
pub(crate) struct DeadLetters {
    waiting: VecDeque<(u32, Dead)>,
    is_running: bool,
}

impl DeadLetters {
    pub(crate) fn push(&mut self, queue: u32, dead: Dead) {
        self.waiting.push_back((queue, dead));
    }

    /// Whether some have not been moved yet.
    pub(crate) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty() || self.is_running
    }
}

impl Broker {
    /// Sends all that died on its way; what dies by that follows in the same run. The cycle rule ends it.
    pub(crate) fn run_dead_letters(&mut self) {
        if self.dead_letters.waiting.is_empty() || self.dead_letters.is_running {
            return;
        }
        self.dead_letters.is_running = true;
        while let Some((queue, dead)) = self.dead_letters.waiting.pop_front() {
            self.counters.died += 1;
            self.bury(queue, dead);
        }
        self.dead_letters.is_running = false;
    }

    fn bury(&mut self, queue: u32, dead: Dead) {
        let Some(slot) = self.queues.any(queue) else { return };
        let Some(route) = slot.machine.settings().dead_letter.clone() else { return };
        let Some((route, ttl_ms)) = self.grave_of(&slot.name, route, &dead) else { return };
        let (name, namespace) = (slot.name.clone(), slot.namespace);
        let is_kept = dead.entry.location.is_some_and(|location| location.is_durable);
        let replaces = is_kept.then_some((queue, dead.entry.seq));
        // It may have been here already, and have been handed out at the other end before the crash took the move back.
        let may_be_repeated = dead.entry.seq < slot.machine.redelivered_below();
        let letter = self.dead_message(&name, &route, &dead, (may_be_repeated, ttl_ms));
        let Some((message, extra_keys)) = letter else { return };
        let mut queues = SmallVec::new();
        // A route to a node that does not exist leads nowhere.
        if self.route(namespace, &message, &extra_keys, &mut queues).is_err() {
            return;
        }
        if queues.is_empty() && route.node.is_empty() {
            queues.extend(self.make_dead_letter_queue(namespace, message.key()));
        }
        if dead.reason != DeathReason::Rejected
            && let Some(history) = message.history()
        {
            queues
                .retain(|target| self.queues.get(*target).is_some_and(|slot| !history.is_cycle(&slot.name)));
        }
        self.move_to(&queues, message, replaces);
    }

    /// The route that a message goes down, with its time to live there; `None`: it is dropped.
    fn grave_of(
        &self,
        queue: &str,
        set: DeadLetterRoute,
        dead: &Dead,
    ) -> Option<(DeadLetterRoute, Option<u64>)> {
        let message = &dead.entry.message;
        let is_durable = message.meta().is_durable;
        let (node, key, reason) = (message.node(), message.key(), dead.reason);
        match self.dialect.grave(&DeadMessage { queue, node, key, is_durable, reason }) {
            Grave::None => None,
            Grave::Place { node, key, ttl_ms } => {
                Some((DeadLetterRoute { node, key: Some(key), is_for_kept_failures: false }, ttl_ms))
            }
            Grave::AsSet => {
                let is_kept_failure = is_durable && reason != DeathReason::MaxLength;
                (!set.is_for_kept_failures || is_kept_failure).then_some((set, None))
            }
        }
    }

    /// Makes the queue that dead messages go to, where the dialect has one of this name that is made on use.
    fn make_dead_letter_queue(&mut self, namespace: NamespaceId, name: &str) -> Option<u32> {
        let spec = self.dialect.dead_letter_queue(name)?;
        let space = self.namespaces.name(namespace);
        // At a limit of queues there is none, and the route leads nowhere, as to any queue that is not there.
        self.check_queue_limits(namespace).ok()?;
        let _made = self.make_queue(namespace, space, spec, NOBODY).ok()?;
        self.find_queue(namespace, name)
    }

    fn move_to(&mut self, queues: &[u32], message: Message, replaces: Option<(u32, Seq)>) {
        match self.send_to(queues, message, replaces) {
            // There is nobody to answer; the old entry is settled either way.
            Published::Accepted(_) | Published::Refused | Published::Unroutable(_) => {}
        }
    }

    /// The message as it goes down the route, and the further keys that lead it: other node, no time to live of its
    /// own, one death more; a key of the route's takes the place of all that the producer gave.
    fn dead_message(
        &self,
        queue: &Arc<str>,
        route: &DeadLetterRoute,
        dead: &Dead,
        (may_be_repeated, ttl_ms): (bool, Option<u64>),
    ) -> Option<(Message, Vec<Arc<str>>)> {
        let message = &dead.entry.message;
        let format = self.formats.get(message.meta().encoding);
        let mut history = match message.history() {
            Some(history) => History::clone(history),
            None => format.map(|format| format.history(message.head())).unwrap_or_default(),
        };
        history.may_be_repeated |= may_be_repeated;
        let mut extra_keys = format.map(|format| format.extra_keys(message.head())).unwrap_or_default();
        history.record(Death {
            queue: queue.clone(),
            reason: dead.reason,
            count: 1,
            first_time_s: self.time.ms() / 1_000,
            node: message.node().into(),
            keys: [message.key().into()].into_iter().chain(extra_keys.iter().cloned()).collect(),
            original_ttl_ms: message.meta().ttl_ms,
        });
        let mut bare = format.and_then(|format| format.without_ttl(message.head()));
        if route.key.is_some() {
            extra_keys.clear();
            let head = bare.as_deref().unwrap_or(message.head());
            bare = format.and_then(|format| format.without_extra_keys(head)).or(bare);
        }
        let head = bare.as_deref().unwrap_or(message.head());
        let key = route.key.as_deref().unwrap_or(message.key());
        let meta = MessageMeta { ttl_ms, ..*message.meta() };
        // The parts came from valid messages and names, so they fit their length fields.
        let message =
            Message::new(&route.node, key, head, message.body(), meta, Some(Arc::new(history))).ok()?;
        Some((message.in_group(dead.entry.message.group()), extra_keys))
    }
}
