//! The dead-letter route: history, key override, the cycle rule, and the move as one record.

use std::{collections::VecDeque, sync::Arc};

use smallvec::SmallVec;
use ternmq_message::{Death, DeathReason, History, Message, MessageMeta};
use ternmq_queue::{Dead, DeadLetterRoute, Seq};

use crate::{
    broker::Broker,
    dialect::{DeadMessage, Grave},
    effect::NOBODY,
    events::Fate,
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
        if self.events.is_on() {
            self.tell_of_death(queue, &dead);
        }
        let Some(slot) = self.queues.any(queue) else { return };
        let Some(route) = slot.machine.settings().dead_letter.clone() else { return };
        let (name, namespace) = (slot.name.clone(), slot.namespace);
        let is_kept = dead.entry.location.is_some_and(|location| location.is_durable);
        let replaces = is_kept.then_some((queue, dead.entry.seq));
        // It may have been here already, and have been handed out at the other end before the crash took the move back.
        let may_be_repeated = dead.entry.seq < slot.machine.redelivered_below();
        let mut grave = self.grave_of(&name, &dead, times_of(&name, &dead));
        if let Grave::Again { after_ms } = grave {
            if self.come_again(queue, &name, &dead, after_ms, (may_be_repeated, replaces)) {
                return;
            }
            // There is no room for it: it has come often enough.
            grave = self.grave_of(&name, &dead, u32::MAX);
        }
        let Some((route, ttl_ms)) = route_of(grave, route, &dead) else { return };
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
        if self.events.is_on() && !queues.is_empty() {
            self.tell_of_message(Fate::Buried, queue, &dead);
        }
        self.move_to(&queues, message, replaces);
    }

    fn grave_of(&self, queue: &str, dead: &Dead, times: u32) -> Grave {
        let message = &dead.entry.message;
        self.dialect.grave(&DeadMessage {
            queue,
            node: message.node(),
            key: message.key(),
            is_durable: message.meta().is_durable,
            reason: dead.reason,
            times,
        })
    }

    /// Puts a message into its queue again after some time, as it was, with one death more; answers whether there was room
    /// for that.
    fn come_again(
        &mut self,
        queue: u32,
        name: &Arc<str>,
        dead: &Dead,
        after_ms: u64,
        (may_be_repeated, replaces): (bool, Option<(u32, Seq)>),
    ) -> bool {
        let message = &dead.entry.message;
        let mut history = message.history().map(|history| History::clone(history)).unwrap_or_default();
        history.may_be_repeated |= may_be_repeated;
        history.record(Death {
            queue: name.clone(),
            reason: dead.reason,
            count: 1,
            first_time_s: self.time.ms() / 1_000,
            node: message.node().into(),
            keys: vec![message.key().into()],
            original_ttl_ms: None,
        });
        // It lives no longer than it would have here.
        let due_ms = self.time.ms().saturating_add(after_ms);
        let expires_at_ms = Some(dead.entry.expires_at_ms).filter(|at_ms| *at_ms != u64::MAX);
        let ttl_ms = expires_at_ms.map(|at_ms| at_ms.saturating_sub(due_ms));
        let meta = MessageMeta { ttl_ms, ..*message.meta() };
        let message = message.clone().with_history(Arc::new(history)).with_meta(meta);
        self.move_into_queue_later(queue, &message, after_ms, replaces).is_ok()
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

/// The route that a message goes down, with its time to live there; `None`: it is dropped.
fn route_of(grave: Grave, set: DeadLetterRoute, dead: &Dead) -> Option<(DeadLetterRoute, Option<u64>)> {
    match grave {
        Grave::None | Grave::Again { .. } => None,
        Grave::Place { node, key, ttl_ms } => {
            Some((DeadLetterRoute { node, key: Some(key), is_for_kept_failures: false }, ttl_ms))
        }
        Grave::AsSet => {
            let is_durable = dead.entry.message.meta().is_durable;
            let is_kept_failure = is_durable && dead.reason != DeathReason::MaxLength;
            (!set.is_for_kept_failures || is_kept_failure).then_some((set, None))
        }
    }
}

/// How often a message left a queue for the same reason before.
fn times_of(queue: &str, dead: &Dead) -> u32 {
    let deaths = dead.entry.message.history().map(|history| &history.deaths);
    let same = |death: &&Death| *death.queue == *queue && death.reason == dead.reason;
    let found = deaths.and_then(|deaths| deaths.iter().find(same));
    found.map_or(0, |death| u32::try_from(death.count).unwrap_or(u32::MAX))
}
