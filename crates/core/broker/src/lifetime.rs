//! Ends of queues that nobody asks for: the last consumer, idleness; and deliveries that grew too old.

use crate::{
    broker::Broker,
    effect::{Effect, SessionId},
    timers::TimerKey,
};

/// Deliveries are looked through for old ones at least this often, in ms.
const MAX_SWEEP_MS: u64 = 60_000;

impl Broker {
    /// The queue was used: its idle time starts anew.
    pub(crate) fn touch_queue(&mut self, queue: u32) {
        let now_ms = self.time.ms();
        if let Some(slot) = self.queues.get_mut(queue) {
            slot.used_at_ms = now_ms;
        }
    }

    /// Sets the timer for the end of a queue that is idle or lapses.
    pub(crate) fn arm_idle(&mut self, queue: u32) {
        let Some(slot) = self.queues.get_mut(queue) else { return };
        let idle = slot.machine.settings().idle_expiry_ms.map(|ms| slot.used_at_ms.saturating_add(ms));
        let lapse = slot.lapse.as_ref().and_then(|lapse| lapse.due_ms());
        let due = idle.into_iter().chain(lapse).min();
        self.timers.reset(TimerKey::Idle(queue), slot.idle_timer_ms, due);
        slot.idle_timer_ms = due;
    }

    pub(crate) fn on_idle_due(&mut self, queue: u32) {
        let now_ms = self.time.ms();
        let Some(slot) = self.queues.get_mut(queue) else { return };
        slot.idle_timer_ms = None;
        let is_promised = self.branches.has_for(queue, slot.incarnation);
        let is_filled = is_promised || slot.machine.ready_count() > 0 || slot.machine.unsettled_count() > 0;
        if slot.machine.consumer_count() > 0 || (is_filled && slot.machine.settings().is_kept_while_filled) {
            slot.used_at_ms = now_ms;
        }
        let is_idle = slot
            .machine
            .settings()
            .idle_expiry_ms
            .is_some_and(|ms| slot.used_at_ms.saturating_add(ms) <= now_ms);
        let has_lapsed = slot.lapse.as_ref().and_then(|lapse| lapse.due_ms()).is_some_and(|ms| ms <= now_ms);
        if is_idle || has_lapsed {
            self.drop_queue(queue);
        } else {
            self.arm_idle(queue);
        }
    }

    /// A queue lost a consumer, maybe its last.
    pub(crate) fn after_last_consumer(&mut self, queue: u32) {
        let Some(slot) = self.queues.get(queue) else { return };
        if slot.is_auto_delete && slot.had_consumer && slot.machine.consumer_count() == 0 {
            self.drop_queue(queue);
        } else {
            self.begin_lapse(queue);
        }
    }

    /// Starts looking for deliveries that nobody settles (F16).
    pub(crate) fn arm_sweep(&mut self) {
        let due = self.time.ms().saturating_add(self.sweep_interval_ms());
        self.timers.reset(TimerKey::Sweep, None, Some(due));
    }

    fn sweep_interval_ms(&self) -> u64 {
        let shortest = self
            .queues
            .iter()
            .filter_map(|(_, slot)| slot.machine.settings().consumer_timeout_ms)
            .chain(self.limits.consumer_timeout_ms)
            .min();
        shortest.map_or(MAX_SWEEP_MS, |ms| (ms / 4).clamp(100, MAX_SWEEP_MS))
    }

    pub(crate) fn on_sweep_due(&mut self) {
        let stale: Vec<(SessionId, u64)> = self
            .sessions
            .iter()
            .filter_map(|(id, _)| self.overdue(id.into()).map(|timeout_ms| (id.into(), timeout_ms)))
            .collect();
        for (session, timeout_ms) in stale {
            self.end_overdue(session, timeout_ms);
        }
        self.begin_review();
        self.arm_sweep();
    }

    /// The timeout that a session's oldest unsettled deliveries have passed, if one has.
    fn overdue(&self, id: SessionId) -> Option<u64> {
        let session = self.sessions.get(id.into())?;
        let now_ms = self.time.ms();
        session.unsettled.iter().filter(|entry| !entry.is_gone()).find_map(|entry| {
            let slot = self.queues.get(entry.queue)?;
            let timeout_ms =
                slot.machine.settings().consumer_timeout_ms.or(self.limits.consumer_timeout_ms)?;
            let at_ms = session.started_ms.saturating_add(u64::from(entry.age_base_ms));
            (at_ms.saturating_add(timeout_ms) <= now_ms).then_some(timeout_ms)
        })
    }

    fn end_overdue(&mut self, id: SessionId, timeout_ms: u64) {
        let Some(session) = self.sessions.get(id.into()) else { return };
        let (connection, session_label) = (session.connection, session.label);
        self.close_session(id);
        self.effects.push((connection, Effect::SessionEnded { session_label, timeout_ms }));
    }
}
