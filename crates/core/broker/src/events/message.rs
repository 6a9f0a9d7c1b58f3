//! Messages that nobody takes, and consumers that are slow, are told of: to whoever subscribes to that, and for nobody else
//! is anything done.

use ternmq_message::DeathReason;
use ternmq_queue::Dead;

use super::{Change, Event, EventConsumer, EventMessage, Fate, Pending};
use crate::{broker::Broker, effect::ConsumerId};

impl Broker {
    /// Tells of a message that leaves a queue for a reason of which its fate follows.
    pub(crate) fn tell_of_death(&mut self, queue: u32, dead: &Dead) {
        match dead.reason {
            DeathReason::Expired => self.tell_of_message(Fate::Expired, queue, dead),
            DeathReason::MaxLength => self.tell_of_message(Fate::PushedOut, queue, dead),
            DeathReason::Rejected | DeathReason::DeliveryLimit => {}
        }
    }

    /// Tells of a message at once, so that no message is kept for it.
    pub(crate) fn tell_of_message(&mut self, fate: Fate, queue: u32, dead: &Dead) {
        let Some(slot) = self.queues.any(queue) else { return };
        if !self.is_heard(slot.namespace) {
            return;
        }
        let (namespace, name) = (slot.namespace, slot.name.clone());
        let consumer = (fate == Fate::PushedOut).then(|| self.some_consumer(queue)).flatten();
        let expires_at_ms = Some(dead.entry.expires_at_ms).filter(|at_ms| *at_ms != u64::MAX);
        let message = dead.entry.message.clone();
        let message = EventMessage { message, queue: name, seq: dead.entry.seq.0, expires_at_ms, consumer };
        let pending = Pending { namespace, event: Event::Message(fate, Box::new(message)), only: None };
        if let Some(herald) = self.events.herald.clone() {
            // Nobody has to hear it.
            let _told = self.tell(&*herald, &pending);
        }
    }

    fn some_consumer(&self, queue: u32) -> Option<EventConsumer> {
        let first = self.queues.get(queue)?.machine.consumers().next()?;
        let handle = self.consumers.handle_at(first.key)?;
        let events = self.consumer_events(handle.into(), self.consumers.get(handle)?, Change::Come);
        events.into_iter().find_map(|event| match event {
            Event::Consumer(_, consumer, _) => Some(consumer),
            _ => None,
        })
    }

    /// A consumer is slow from now on.
    pub(crate) fn note_slow(&mut self, id: ConsumerId) {
        let Some(consumer) = self.consumers.get(id.into()) else { return };
        let Some(namespace) = self.queues.get(consumer.queue).map(|slot| slot.namespace) else { return };
        if !self.is_heard(namespace) {
            return;
        }
        for event in self.consumer_events(id, consumer, Change::Come) {
            if let Event::Consumer(_, consumer, _) = event {
                self.raise(namespace, Event::Slow(consumer));
            }
        }
    }
}
