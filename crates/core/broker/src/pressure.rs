//! Memory pressure: when bodies in memory pass the limit, every queue keeps less of its backlog there (F13).

use ternmq_queue::Budget;

use crate::broker::Broker;

/// What a queue may keep while memory is short.
const TIGHT: Budget = Budget { entries: 64, bytes: 64 << 10 };

impl Broker {
    /// Tightens or relaxes the budgets of all queues. Costs a look at two numbers unless that changes.
    pub(crate) fn follow_pressure(&mut self) {
        let resident_bytes = u64::try_from(self.resident_bytes).unwrap_or(0);
        let limit = self.limits.resident_bytes;
        let is_tight = match self.budget == TIGHT {
            false => resident_bytes > limit,
            // Relaxed only well below the limit, so that it does not flap.
            true => resident_bytes > limit / 2,
        };
        let budget = if is_tight { TIGHT } else { Budget::default() };
        if budget == self.budget {
            return;
        }
        self.budget = budget;
        let queues: Vec<u32> = self.queues.iter().map(|(queue, _)| queue).collect();
        for queue in queues {
            if let Some(slot) = self.queues.get_mut(queue) {
                slot.machine.set_budget(budget, &mut self.outbox);
                self.pump(queue);
            }
        }
    }
}
