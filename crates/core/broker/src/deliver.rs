//! Draining a queue's outbox: deliveries get their numbers, what is gone is noted, what died moves on.

use ternmq_queue::Delivery;
use ternmq_stdx::Handle;

use crate::{
    broker::Broker,
    consume::Source,
    effect::{Deliver, DeliverFrom, Effect, SessionId},
    log::Grouping,
    records::{kind, write_dying},
    remarks::remarked,
    session_state::Unsettled,
    timers::TimerKey,
};

impl Broker {
    /// Carries out what the last calls to a queue asked for.
    pub(crate) fn pump(&mut self, queue: u32) {
        self.pump_once(queue);
        self.run_dead_letters();
    }

    /// As [`Broker::pump`], leaving the dead for later.
    pub(crate) fn pump_once(&mut self, queue: u32) {
        if !self.outbox.deliveries.is_empty() {
            let mut deliveries = std::mem::take(&mut self.outbox.deliveries);
            for delivery in deliveries.drain(..) {
                self.hand_out(queue, delivery);
            }
            self.outbox.deliveries = deliveries;
        }
        if !self.outbox.dead.is_empty() && !self.remarks.is_empty() {
            self.remark_dead(queue);
        }
        if !self.outbox.settled.is_empty() {
            self.note_settled(queue);
        }
        if !self.outbox.dying.is_empty() {
            self.log_dying(queue);
        }
        self.counters.died += std::mem::take(&mut self.outbox.unread_deaths);
        for dead in self.outbox.dead.drain(..) {
            self.dead_letters.push(queue, dead);
        }
        if !self.outbox.dropped_chunks.is_empty() {
            self.drop_chunks();
        }
        for (first, last) in self.outbox.settled_ranges.drain(..) {
            self.remarks.remove(queue, first, last);
            self.settles.note_range(queue, first, last);
        }
        if !self.outbox.spills.is_empty() {
            self.spill(queue);
        }
        if !self.outbox.loads.is_empty() {
            self.note_loads(queue);
        }
        self.resident_bytes += std::mem::take(&mut self.outbox.resident_delta_bytes);
        self.arm_head(queue);
    }

    #[cold]
    fn log_dying(&mut self, queue: u32) {
        let grouping = self.grouping(Grouping::Ends);
        self.scratch.clear();
        write_dying(&mut self.scratch, queue, &self.outbox.dying);
        self.log.append(kind::DYING, grouping, &[self.scratch.bytes()]);
        self.outbox.dying.clear();
    }

    fn note_settled(&mut self, queue: u32) {
        let segment_bytes = self.log.segment_bytes();
        let has_remarks = !self.remarks.is_empty();
        for (seq, location) in self.outbox.settled.drain(..) {
            self.segments.let_go(location, segment_bytes);
            if has_remarks {
                self.remarks.remove(queue, seq, seq);
            }
            if location.is_durable {
                self.settles.note(queue, seq);
            }
        }
        // The settlement of an entry that died must not be in the log before its move is (I1).
        let is_moving = !self.outbox.dead.is_empty() || self.dead_letters.has_waiting();
        if self.settles.is_full() && !self.is_grouped() && !is_moving {
            self.settles.flush(&mut *self.log, Grouping::Ends);
        }
    }

    /// Lets go of what a queue that is gone still held, without any further effect.
    pub(crate) fn forget_outbox(&mut self) {
        let segment_bytes = self.log.segment_bytes();
        for (_, location) in self.outbox.settled.drain(..) {
            self.segments.let_go(location, segment_bytes);
        }
        for chunk in self.outbox.dropped_chunks.drain(..) {
            self.pager.let_go(&mut self.segments, &chunk, segment_bytes);
        }
        self.outbox.settled_ranges.clear();
        self.outbox.deliveries.clear();
        self.outbox.dead.clear();
        self.outbox.spills.clear();
        self.outbox.loads.clear();
        self.outbox.unread_deaths = 0;
        self.outbox.dying.clear();
        self.resident_bytes += std::mem::take(&mut self.outbox.resident_delta_bytes);
    }

    fn hand_out(&mut self, queue: u32, delivery: Delivery) {
        let Some(consumer) = self.consumers.at(delivery.consumer) else { return };
        let (connection, session_label, consumer_label) =
            (consumer.connection, consumer.session_label, consumer.label);
        let owner = consumer.session;
        let shows_count = consumer.shows_failed_count;
        let incarnation = consumer.incarnation;
        let wide = consumer.wide.map(|wide| (wide, consumer.source == Source::Places));
        let now_ms = self.time.ms();
        let Some(session) = self.sessions.get_mut(owner.into()) else { return };
        let number = match delivery.slot {
            None => session.number_settled(),
            Some(slot) => session.number_unsettled(Unsettled {
                queue,
                slot,
                seq: delivery.seq.0,
                incarnation,
                age_base_ms: u32::try_from(now_ms.saturating_sub(session.started_ms)).unwrap_or(u32::MAX),
            }),
        };
        self.counters.delivered += 1;
        self.counters.redelivered += u64::from(delivery.is_redelivered);
        let remark = self.remarks.get(queue, delivery.seq);
        self.effects.push((
            connection,
            Effect::Deliver(Deliver {
                session_label,
                consumer_label,
                delivery: number,
                seq: delivery.seq.0,
                expires_at_ms: delivery.expiry_ms(),
                message: remarked(&self.formats, remark, delivery.message),
                is_redelivered: delivery.is_redelivered,
                failed_count: shows_count.then_some(delivery.failed_count),
                failures: delivery.failed_count,
                is_group_first: delivery.is_group_first,
            }),
        ));
        if let Some((wide, is_subscription)) = wide {
            self.tell_queue(queue, is_subscription, wide, owner);
        }
    }

    /// The delivery that has just been made is a wide consumer's: it is told the queue, and its shared window hears of the
    /// settlement.
    #[cold]
    fn tell_queue(&mut self, queue: u32, is_subscription: bool, wide: Handle, owner: SessionId) {
        if let Some((connection, Effect::Deliver(deliver))) = self.effects.pop() {
            let name = self.queues.get(queue).map(|slot| slot.name.clone()).unwrap_or_default();
            let from = DeliverFrom { queue: name, is_subscription, deliver };
            self.effects.push((connection, Effect::DeliverFrom(Box::new(from))));
        }
        let last = self.sessions.get(owner.into()).and_then(|session| session.unsettled.back());
        if let Some(entry) = last.copied().filter(|entry| !entry.is_gone()) {
            self.note_taken(wide, &entry);
        }
    }

    /// Sets the timer for the expiry of the queue's head.
    fn arm_head(&mut self, queue: u32) {
        let Some(slot) = self.queues.get_mut(queue) else { return };
        let at = slot.machine.head_expiry_ms();
        if at != slot.head_timer_ms {
            self.timers.reset(TimerKey::Head(queue), slot.head_timer_ms, at);
            slot.head_timer_ms = at;
        }
    }

    pub(crate) fn on_head_due(&mut self, queue: u32) {
        let now_ms = self.time.ms();
        let Some(slot) = self.queues.get_mut(queue) else { return };
        slot.head_timer_ms = None;
        slot.machine.run(now_ms, &mut self.windows, &mut self.outbox);
        self.pump(queue);
    }
}
