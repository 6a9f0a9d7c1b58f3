//! Consumers that are too slow: they are looked for from time to time, some queues in each turn, and end when their rule
//! says so.
//!
//! Owns: what was seen of whom, and the end of a slow one. Must not know: which rule is whose (the dialect's). Nothing
//! is counted per message but what the queues count anyway; without rules nobody looks.

use std::{collections::BTreeMap, sync::Arc};

use smallvec::SmallVec;
use ternmq_queue::{ConsumerView, Seq, Window};
use ternmq_stdx::Handle;

use crate::{
    broker::Broker,
    consume::Source,
    effect::{ConnectionId, ConsumerId, DeliveryId, Effect, EndReason, SessionId},
    incident::Incident,
    settle::Outcome,
    timers::TimerKey,
};

/// Most queues looked at in one turn.
const STEP: u32 = 256;
/// Shortest time in ms between two looks.
const MIN_CHECK_MS: u64 = 100;
/// What a client is told whose connection goes.
const TOO_SLOW: &str = "a consumer was slow too often or for too long";

/// When a consumer is slow, and when it is too slow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlowRule {
    /// Ms between two looks at it.
    pub check_ms: u64,
    /// What shows that it is slow.
    pub sign: SlowSign,
    /// Found slow at so many looks in a row it ends; absent: it does not end by that.
    pub max_looks: Option<u64>,
    /// What ends then.
    pub end: SlowEnd,
}

/// What shows that a consumer is slow. One whose deliveries need no settlement never is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlowSign {
    /// Its window is full, more waits, and it showed no sign of life since the look before.
    Stuck,
    /// Its window, of more than one, is full, and more than that again waits.
    Behind,
    /// It showed no sign of life for so long.
    Silent {
        /// Ms.
        max_ms: u64,
        /// One that has nothing to settle is not slow.
        spares_idle: bool,
    },
}

/// What ends with a consumer that is too slow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlowEnd {
    /// The consumer, with what it has not settled back in its queue. Of a client that is known by name it is the connection.
    Consumer,
    /// Its connection.
    Connection,
}

/// What was seen of a consumer.
#[derive(Clone, Copy, Debug)]
struct Seen {
    consumer: Handle,
    /// Round in which it was there.
    round: u64,
    /// When it is looked at next, in broker time.
    due_ms: u64,
    /// Its signs of life.
    signs: u32,
    /// When the last of them was seen, or that it had nothing.
    alive_ms: u64,
    /// It had nothing.
    is_idle: bool,
    /// At how many looks in a row it was slow.
    looks: u64,
}

/// All that is watched.
#[derive(Default)]
pub(crate) struct SlowConsumers {
    /// Ms between two rounds; absent: nobody looks.
    period_ms: Option<u64>,
    round: u64,
    round_began_ms: u64,
    /// Queue that is looked at next.
    next: u32,
    seen: BTreeMap<u32, Seen>,
}

impl Seen {
    fn new(consumer: Handle) -> Self {
        Self { consumer, round: 0, due_ms: 0, signs: 0, alive_ms: 0, is_idle: true, looks: 0 }
    }

    /// Takes in how the consumer stands now. Answers whether it ends.
    fn look(&mut self, rule: &SlowRule, stand: &Stand, now_ms: u64) -> bool {
        // The first look at it only finds out how it stands.
        let is_first = self.due_ms == 0;
        let is_alive = is_first || self.signs != stand.signs;
        self.signs = stand.signs;
        let is_idle = stand.unsettled_count == 0;
        // Who had nothing has not been silent about what came since.
        let was_idle = std::mem::replace(&mut self.is_idle, is_idle);
        let spares_idle = !matches!(rule.sign, SlowSign::Silent { spares_idle: false, .. });
        if is_alive || (spares_idle && (was_idle || is_idle)) {
            self.alive_ms = now_ms;
        }
        let is_slow = match rule.sign {
            SlowSign::Stuck => !is_alive && stand.is_full && stand.waiting_count > 0,
            SlowSign::Behind => {
                stand.is_full && stand.window > 1 && stand.waiting_count > u64::from(stand.window)
            }
            SlowSign::Silent { max_ms, .. } => now_ms.saturating_sub(self.alive_ms) >= max_ms,
        };
        self.looks = if is_slow { self.looks.saturating_add(1) } else { 0 };
        rule.max_looks.is_some_and(|most| self.looks >= most)
    }
}

/// How a consumer stands.
#[derive(Clone, Copy, Debug)]
struct Stand {
    signs: u32,
    unsettled_count: u32,
    is_full: bool,
    /// Most unsettled deliveries.
    window: u32,
    /// Ready messages, one of which at least may be for it.
    waiting_count: u64,
}

impl Broker {
    /// Begins to look for slow consumers, if there are rules.
    pub(crate) fn watch_slow(&mut self) {
        self.slow.period_ms = self.dialect.slow_check_ms().map(|ms| ms.max(MIN_CHECK_MS));
        self.arm_slow(self.time.ms());
    }

    fn arm_slow(&mut self, from_ms: u64) {
        if let Some(period_ms) = self.slow.period_ms {
            let due_ms = from_ms.saturating_add(period_ms).max(self.time.ms().saturating_add(1));
            self.timers.reset(TimerKey::Slow, None, Some(due_ms));
        }
    }

    pub(crate) fn on_slow_due(&mut self) {
        let now_ms = self.time.ms();
        if self.slow.next == 0 {
            self.slow.round += 1;
            self.slow.round_began_ms = now_ms;
        }
        let end = self.queues.end_id();
        let next = self.slow.next.saturating_add(STEP).min(end);
        for queue in self.slow.next..next {
            self.look_at_consumers(queue);
        }
        if next < end {
            self.slow.next = next;
            self.timers.reset(TimerKey::Slow, None, Some(now_ms.saturating_add(1)));
            return;
        }
        let round = self.slow.round;
        self.slow.seen.retain(|_, seen| seen.round == round);
        self.slow.next = 0;
        self.arm_slow(self.slow.round_began_ms);
    }

    fn look_at_consumers(&mut self, queue: u32) {
        let Some(slot) = self.queues.get(queue).filter(|slot| slot.machine.consumer_count() > 0) else {
            return;
        };
        let places: Vec<(Arc<str>, Arc<str>)> = self.places_of(slot.namespace, queue).into_iter().collect();
        let Some(rule) = self.dialect.slow_rule(&slot.name, &places) else { return };
        let views: Vec<ConsumerView> = slot.machine.consumers().filter(|view| view.needs_settle).collect();
        for view in views {
            let Some(consumer) = self.consumers.handle_at(view.key) else { continue };
            if self.is_too_slow(queue, consumer, &view, &rule) {
                self.slow.seen.remove(&view.key);
                self.end_slow(queue, consumer.into(), rule.end);
            }
        }
    }

    fn is_too_slow(&mut self, queue: u32, consumer: Handle, view: &ConsumerView, rule: &SlowRule) -> bool {
        let (now_ms, round) = (self.slow.round_began_ms, self.slow.round);
        let stand = self.stand_of(queue, view);
        let seen = self.slow.seen.entry(view.key).or_insert(Seen::new(consumer));
        if seen.consumer != consumer {
            *seen = Seen::new(consumer);
        }
        seen.round = round;
        if seen.due_ms > now_ms {
            return false;
        }
        let was_slow = seen.looks > 0;
        let is_over = seen.look(rule, &stand, now_ms);
        seen.due_ms = now_ms.saturating_add(rule.check_ms.max(1));
        let is_slow = seen.looks > 0;
        if is_slow && !was_slow && self.events.is_on() {
            self.note_slow(consumer.into());
        }
        is_over
    }

    fn stand_of(&self, queue: u32, view: &ConsumerView) -> Stand {
        let (is_full, window, signs) = match view.window {
            Window::Unlimited => (false, u32::MAX, view.sign_count),
            Window::Sliding(most) => (view.unsettled_count >= most, most, view.sign_count),
            Window::Credit(left) => {
                (left == 0 && view.unsettled_count > 0, view.unsettled_count, view.sign_count)
            }
            Window::Shared(share) => {
                let window = match self.windows.share(share) {
                    Some(Window::Sliding(most)) => most,
                    _ => view.unsettled_count,
                };
                (!self.windows.has_share_room(share), window, self.windows.share_signs(share))
            }
        };
        let machine = self.queues.get(queue).map(|slot| &slot.machine);
        let waiting = machine.filter(|machine| is_full && view.is_active && machine.has_more_for(view.key));
        Stand {
            signs,
            unsettled_count: view.unsettled_count,
            is_full,
            window,
            waiting_count: waiting.map_or(0, |machine| machine.ready_count()),
        }
    }

    fn end_slow(&mut self, queue: u32, id: ConsumerId, end: SlowEnd) {
        let Some(consumer) = self.consumers.get(id.into()) else { return };
        let (connection, session, source, wide) =
            (consumer.connection, consumer.session, consumer.source, consumer.wide);
        // Who is known by name has one consumer, which is there as long as its connection is.
        let is_connection = end == SlowEnd::Connection || source == Source::Client;
        self.note_too_slow(queue, connection, is_connection);
        if is_connection {
            self.close_connection(connection, TOO_SLOW);
            return;
        }
        let parts = wide.and_then(|wide| self.parts_of_wide(wide));
        let (id, members) = parts.unwrap_or_else(|| (id, vec![(id, queue)]));
        let Some(whole) = self.consumers.get(id.into()) else { return };
        let (session_label, consumer_label) = (whole.session_label, whole.label);
        let left = self.take_from_all(id);
        let ended = Effect::ConsumerEnded { session_label, consumer_label, reason: EndReason::TooSlow };
        self.effects.push((connection, ended));
        for (member, queue) in members {
            self.give_back_of(session, queue, member.index);
        }
        for queue in left {
            self.run_queue(queue);
            self.after_last_consumer(queue);
        }
    }

    fn note_too_slow(&mut self, queue: u32, connection: ConnectionId, is_connection: bool) {
        let Some(slot) = self.queues.get(queue) else { return };
        let (namespace, queue) = (self.namespaces.name(slot.namespace), slot.name.clone());
        let peer = self.connections.get(connection.into()).and_then(|known| known.info.peer);
        let peer = peer.map(|peer| peer.ip());
        self.incidents.push(Incident::TooSlow { namespace, queue, peer, is_connection });
    }

    /// Gives back what a consumer that is gone from a queue still has of it.
    fn give_back_of(&mut self, id: SessionId, queue: u32, consumer: u32) {
        let (Some(session), Some(slot)) = (self.sessions.get(id.into()), self.queues.get(queue)) else {
            return;
        };
        let entries = session.unsettled.iter().zip(session.front..);
        let own = entries.filter(|(entry, _)| {
            !entry.is_gone()
                && entry.queue == queue
                && entry.is_of(slot.incarnation)
                && slot.machine.holder(entry.slot, Seq(entry.seq)) == Some(consumer)
        });
        let own: Vec<DeliveryId> = own.map(|(_, number)| DeliveryId(number)).collect();
        let (mut touched, mut was_full) = (SmallVec::new(), false);
        for delivery in own {
            let taken = self.sessions.get_mut(id.into()).and_then(|session| {
                let index = session.index_of(delivery)?;
                session.take(index)
            });
            if let Some(entry) = taken {
                was_full |= self.settle_entry(id, entry, Outcome::Requeue, &mut touched);
            }
        }
        self.after_settling(id, &touched, was_full);
    }
}
