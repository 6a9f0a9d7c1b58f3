//! What goes on is held against what its users may, when permissions or grants have changed (S7): subscriptions of clients
//! that are known by name, then consumers, some in each turn.

use crate::{
    broker::Broker,
    clients::ClientId,
    consume::{Consumer, Source},
    effect::{ConsumerId, EndReason},
    error::{Kind, Verb},
    timers::TimerKey,
};

/// Most clients or consumers looked at in one turn.
const REVIEW_STEP: u32 = 256;

/// How far it is.
#[derive(Default)]
pub(crate) struct Review {
    /// The permissions that were looked at.
    generation: u64,
    /// What is looked at next; absent: all are done.
    next: Option<Next>,
}

#[derive(Clone, Copy)]
enum Next {
    Client(u32),
    Consumer(u32),
}

impl Broker {
    /// Looks through all there is, some in each turn, when permissions have changed since it was done last.
    pub(crate) fn begin_review(&mut self) {
        let generation = self.authority.generation();
        if self.review.generation != generation && self.review.next.is_none() {
            self.review.generation = generation;
            self.go_on_with_review(Next::Client(0), 0);
        }
    }

    pub(crate) fn on_review_due(&mut self) {
        match self.review.next.take() {
            None => {}
            Some(Next::Client(first)) => {
                let end = self.clients.end();
                let next = first.saturating_add(REVIEW_STEP).min(end);
                for client in first..next {
                    self.recheck_subscriptions(ClientId(client));
                }
                let next = if next < end { Next::Client(next) } else { Next::Consumer(0) };
                self.go_on_with_review(next, 1);
            }
            Some(Next::Consumer(first)) => {
                let end = self.consumers.end();
                let next = first.saturating_add(REVIEW_STEP).min(end);
                for consumer in first..next {
                    self.recheck_consumer(consumer);
                }
                if next < end {
                    self.go_on_with_review(Next::Consumer(next), 1);
                } else {
                    // What changed meanwhile.
                    self.begin_review();
                }
            }
        }
    }

    fn go_on_with_review(&mut self, next: Next, wait_ms: u64) {
        let due_ms = self.time.ms().saturating_add(wait_ms);
        self.review.next = Some(next);
        self.timers.reset(TimerKey::Review, None, Some(due_ms));
    }

    /// Ends a consumer that the user may not have any more. What it has not settled stays with its session.
    fn recheck_consumer(&mut self, index: u32) {
        let Some(handle) = self.consumers.handle_at(index) else { return };
        let Some(consumer) = self.consumers.get(handle) else { return };
        if let Some(wide) = consumer.headed() {
            // It may have more than before; what it may not have its members tell.
            return self.look_for_queues(wide, 1);
        }
        if self.may_go_on(consumer) {
            return;
        }
        if let Some(queue) = self.take_consumer_for(ConsumerId::from(handle), EndReason::Administrative) {
            self.run_queue(queue);
            self.after_last_consumer(queue);
        }
    }

    /// Whether the consumer would be let in now. Who is gone already is not looked at.
    fn may_go_on(&self, consumer: &Consumer) -> bool {
        let (Ok((principal, namespace, _)), Some(slot)) =
            (self.who(consumer.session), self.queues.get(consumer.queue))
        else {
            return true;
        };
        match consumer.source {
            // Its subscriptions are looked at.
            Source::Client => true,
            Source::Places => self
                .places_of(namespace, consumer.queue)
                .iter()
                .all(|(node, key)| self.check_place(&principal, namespace, node, key).is_ok()),
            Source::Queue if slot.is_private => {
                let space = self.namespaces.name(namespace);
                self.authorize_unlisted(&principal, Verb::Read, &space, &slot.name).is_ok()
            }
            Source::Queue => {
                let space = self.namespaces.name(namespace);
                self.authorize(&principal, Verb::Read, Kind::Queue, &space, &slot.name).is_ok()
            }
        }
    }
}
