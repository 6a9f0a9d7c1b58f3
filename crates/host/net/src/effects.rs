//! Hands the core's effects to the sessions they are for.

use crate::driver::Driver;
use crate::fault;
use crate::transport::Transport;

/// Effects can cause effects (a delivery that expires a limit, a session that gives up); beyond so many rounds the
/// rest waits for the next turn, so that no chain of them holds up the shard.
const ROUNDS: usize = 8;

impl<T: Transport> Driver<T> {
    /// Gives every effect to its session, in order. Effects for a connection that is gone are dropped: the core has
    /// taken back what it owned.
    pub fn hand_out_effects(&mut self) {
        for _ in 0..ROUNDS {
            if !self.core.has_effects() {
                return;
            }
            let mut effects = std::mem::take(&mut self.effects);
            self.core.swap_effects(&mut effects);
            for (connection, effect) in effects.drain(..) {
                let slot = self.slots.get(connection.index as usize).copied().flatten();
                if let Some((generation, index)) = slot
                    && generation == connection.generation
                {
                    self.hand_out(index, effect);
                }
            }
            self.effects = effects;
        }
    }

    fn hand_out(&mut self, index: u32, effect: ternmq_broker::Effect) {
        let Some(connection) = self.connections.get_mut(index as usize) else { return };
        if connection.is_lingering() {
            return;
        }
        if connection.out.capacity() == 0 {
            connection.out = self.buffers.take();
        }
        let (session, core, out) = (&mut connection.session, &mut self.core, &mut connection.out);
        if fault::contain(|| session.handle_effect(core, effect, out)).is_none() {
            self.fail(index);
            return;
        }
        if !connection.flags.is_touched {
            connection.flags.is_touched = true;
            self.touched.push(index);
        }
        self.relieve_if_full(index);
    }
}
