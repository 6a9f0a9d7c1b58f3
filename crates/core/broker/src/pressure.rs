//! Memory pressure: when bodies in memory pass the limit, those of unsettled messages leave first (F16), then every
//! queue keeps less of its backlog there (F13).

use ternmq_queue::{Budget, Windows};

use crate::{broker::Broker, log::Grouping};

/// What a queue may keep while memory is short.
const TIGHT: Budget = Budget { entries: 64, bytes: 64 << 10 };

/// Progress of the relief.
#[derive(Debug, Default)]
pub(crate) struct Pressure {
    pub(crate) budget: Budget,
    /// Bytes of bodies that were left when unsettled ones last left memory, or fewer since.
    relieved_to_bytes: u64,
}

impl Broker {
    /// Sends bodies out of memory, and tightens or relaxes the budgets of all queues. Costs a look at two numbers
    /// unless something changes.
    pub(crate) fn follow_pressure(&mut self) {
        let limit = self.limits.resident_bytes;
        let pressure = &mut self.pressure;
        let resident_bytes = u64::try_from(self.resident_bytes).unwrap_or(0);
        pressure.relieved_to_bytes = pressure.relieved_to_bytes.min(resident_bytes);
        // A look at every queue has to be worth it.
        if resident_bytes > limit && resident_bytes - pressure.relieved_to_bytes > limit / 16 {
            self.relieve();
        }
        let resident_bytes = u64::try_from(self.resident_bytes).unwrap_or(0);
        let is_tight = match self.pressure.budget == TIGHT {
            false => resident_bytes > limit,
            // Relaxed only well below the limit, so that it does not flap.
            true => resident_bytes > limit / 2,
        };
        let (budget, bodies) = if is_tight { (TIGHT, 0) } else { (Budget::default(), Windows::BODIES) };
        if budget == self.pressure.budget {
            return;
        }
        self.pressure.budget = budget;
        self.windows.keep_bodies(bodies);
        for queue in self.queue_ids() {
            if let Some(slot) = self.queues.get_mut(queue) {
                slot.machine.set_budget(budget, &mut self.outbox);
                self.pump(queue);
            }
        }
    }

    fn queue_ids(&self) -> Vec<u32> {
        self.queues.iter().map(|(queue, _)| queue).collect()
    }

    /// Bodies of unsettled messages leave memory: those that the log has first, which costs nothing; the others are
    /// written there if that does not do.
    fn relieve(&mut self) {
        let queues = self.queue_ids();
        self.forget_held(&queues);
        if u64::try_from(self.resident_bytes).unwrap_or(0) > self.limits.resident_bytes {
            let grouping = self.grouping(Grouping::Ends);
            for queue in &queues {
                let Some(slot) = self.queues.get_mut(*queue) else { continue };
                for (message, location) in slot.machine.held_without_record() {
                    *location = Some(crate::paging::write_down(
                        &mut *self.log,
                        &mut self.segments,
                        &mut self.scratch,
                        grouping,
                        message,
                    ));
                }
            }
            self.forget_held(&queues);
        }
        self.pressure.relieved_to_bytes = u64::try_from(self.resident_bytes).unwrap_or(0);
    }

    fn forget_held(&mut self, queues: &[u32]) {
        for queue in queues {
            let Some(slot) = self.queues.get_mut(*queue) else { continue };
            slot.machine.forget_held(&mut self.outbox);
            self.resident_bytes += std::mem::take(&mut self.outbox.resident_delta_bytes);
        }
    }
}
