//! What is scheduled, over checkpoints and restarts.

use ternmq_stdx::layout::BadLayout;

use super::Scheduled;
use crate::{
    broker::Broker,
    log::Grouping,
    records::{ScheduledRecord, kind, read_scheduled, scheduled_parts},
};

/// Most that one step of a checkpoint looks at.
const STEP_COUNT: usize = 4_096;

impl Broker {
    /// Writes the next scheduled messages of the running checkpoint, some `room_bytes` of them. True when all are written.
    pub(crate) fn write_scheduled(&mut self, room_bytes: u64) -> bool {
        let Some(from) = self.scheduled.checkpoint.take() else { return true };
        let began = self.log.next_pos();
        for (count, (id, scheduled)) in self.scheduled.all.range(from..).enumerate() {
            if count >= STEP_COUNT || self.log.next_pos() - began > room_bytes {
                self.scheduled.checkpoint = Some(*id);
                return false;
            }
            let space = self.namespaces.name(scheduled.namespace);
            self.scratch.clear();
            scheduled_parts(&mut self.scratch, *id, &space, scheduled, None, None);
            let parts = [self.scratch.bytes(), scheduled.message.raw()];
            self.log.append(kind::SCHEDULED, Grouping::Ends, &parts);
        }
        true
    }

    pub(crate) fn replay_scheduled(&mut self, payload: &[u8]) -> Result<(), BadLayout> {
        match read_scheduled(payload)? {
            ScheduledRecord::Gone { id } => {
                self.scheduled.take(id);
            }
            ScheduledRecord::Shifted { id, due_ms, repeats, repeated_times } => {
                self.scheduled.shift(id, due_ms, repeats, repeated_times);
            }
            ScheduledRecord::Held(held) => {
                if let Some((queue, seq)) = held.replaces {
                    self.replay_gone(queue, seq, seq);
                }
                if let Some(origin) = held.origin {
                    self.producers.note(origin, 0);
                }
                if let Some(namespace) = self.namespaces.find(&held.namespace) {
                    let scheduled = Scheduled {
                        namespace,
                        user: held.user,
                        goal: held.goal,
                        message: held.message,
                        schedule: held.schedule,
                        due_ms: held.due_ms,
                        repeated_times: held.repeated_times,
                    };
                    self.scheduled.put(held.id, scheduled);
                }
            }
        }
        Ok(())
    }

    /// After a replay: what was due when a crash came may have been handed out already.
    pub(crate) fn finish_scheduled_recovery(&mut self, was_clean: bool) {
        let now_ms = self.time.ms();
        if !was_clean {
            let due = self.scheduled.due.range(..=(now_ms, u64::MAX));
            for (_, id) in due {
                if let Some(scheduled) = self.scheduled.all.get_mut(id) {
                    scheduled.repeated_times = scheduled.repeated_times.max(scheduled.times_until(now_ms));
                }
            }
        }
        self.arm_scheduled(0);
    }
}
