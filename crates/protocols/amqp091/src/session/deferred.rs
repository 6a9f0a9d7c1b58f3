//! Answers that wait until the log proves what they say (I10), and everything behind them on their channel.

use ternmq_broker::{Broker, Durable, Receipt};

use super::{Amqp091Session, channel::Channel};

/// Frames that leave once the receipt is covered.
#[derive(Debug)]
pub(super) struct Deferred {
    pub(super) receipt: Receipt,
    pub(super) frames: Vec<u8>,
}

impl Amqp091Session {
    /// Writes an answer on a channel: now if nothing is to wait for, else behind its receipt.
    pub(super) fn answer(
        &mut self,
        broker: &Broker,
        number: u16,
        receipt: Receipt,
        out: &mut Vec<u8>,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        let durable = broker.durable();
        let Some(channel) = self.channels.get_mut(usize::from(number)).and_then(|slot| slot.as_deref_mut())
        else {
            return;
        };
        if durable.covers(receipt) {
            write(channel.sink(out));
            return;
        }
        let was_waiting = is_waiting(channel);
        let mut frames = Vec::new();
        write(&mut frames);
        channel.deferred.push_back(Deferred { receipt, frames });
        if !was_waiting {
            self.waiting_count += 1;
        }
    }

    /// The log is durable up to here: what waited for that leaves.
    pub(super) fn on_durable(&mut self, durable: Durable, out: &mut Vec<u8>) {
        if self.waiting_count == 0 {
            return;
        }
        for slot in &mut self.channels {
            let Some(channel) = slot.as_deref_mut() else { continue };
            if !is_waiting(channel) {
                continue;
            }
            while channel.deferred.front().is_some_and(|deferred| durable.covers(deferred.receipt)) {
                if let Some(deferred) = channel.deferred.pop_front() {
                    out.extend_from_slice(&deferred.frames);
                }
            }
            if channel.deferred.is_empty() {
                channel.confirm_durable(durable, out);
            }
            if !is_waiting(channel) {
                self.waiting_count = self.waiting_count.saturating_sub(1);
            }
        }
    }

    pub(super) fn uncount_waiting(&mut self, channel: &Channel) {
        if is_waiting(channel) {
            self.waiting_count = self.waiting_count.saturating_sub(1);
        }
    }
}

/// Whether something on the channel waits for durability.
pub(super) fn is_waiting(channel: &Channel) -> bool {
    !channel.deferred.is_empty() || channel.has_pending_confirms()
}
