//! Publisher confirms: numbered publishes, released in order as the log proves them durable (I8), cumulatively.

use std::collections::VecDeque;

use ternmq_broker::{Broker, Durable, Receipt};

use super::{
    Amqp091Session, Step,
    channel::{Channel, Mode},
    deferred::is_waiting,
};
use crate::{
    codec::{
        method::{MethodFrame, basic, confirm},
        write::{write_ack, write_nack},
    },
    error::{Fault, PRECONDITION_FAILED},
};

/// A run of publishes that wait for one receipt, or one refused publish whose turn has not come.
#[derive(Debug)]
struct Run {
    receipt: Receipt,
    last: u64,
    is_refused: bool,
}

/// Confirms of one channel. They leave in the order of the publishes, so that a cumulative acknowledgement never covers
/// a refused one.
#[derive(Debug, Default)]
pub(super) struct Confirms {
    /// Number of the last publish; the first is 1.
    last: u64,
    /// Publishes up to this one are settled with the client.
    told: u64,
    /// Publishes up to this one may be acknowledged.
    ready: u64,
    /// What waits, in order.
    pending: VecDeque<Run>,
}

impl Confirms {
    fn accept(&mut self, receipt: Receipt, durable: Durable) {
        self.last += 1;
        match self.pending.back_mut() {
            None if durable.covers(receipt) => self.ready = self.last,
            // One with nothing to wait for still waits for those before it.
            Some(run) if receipt <= run.receipt && !run.is_refused => run.last = self.last,
            _ => self.pending.push_back(Run { receipt, last: self.last, is_refused: false }),
        }
    }

    fn refuse(&mut self) {
        self.last += 1;
        self.pending.push_back(Run { receipt: Receipt::NONE, last: self.last, is_refused: true });
    }

    /// Tells the client all that is known now.
    fn release(&mut self, durable: Durable, number: u16, out: &mut Vec<u8>) {
        while let Some(run) = self.pending.front() {
            if !durable.covers(run.receipt) {
                break;
            }
            if run.is_refused {
                let tag = run.last;
                self.acknowledge(number, out);
                // Nothing is requeued to a publisher; the flag is as RabbitMQ sets it.
                write_nack(out, number, &basic::Nack { delivery_tag: tag, multiple: false, requeue: true });
                self.told = tag;
            }
            self.ready = self.pending.pop_front().map_or(self.ready, |run| run.last);
        }
        self.acknowledge(number, out);
    }

    fn acknowledge(&mut self, number: u16, out: &mut Vec<u8>) {
        if self.ready > self.told {
            let multiple = self.ready - self.told > 1;
            write_ack(out, number, &basic::Ack { delivery_tag: self.ready, multiple });
            self.told = self.ready;
        }
    }
}

impl Channel {
    pub(super) fn has_pending_confirms(&self) -> bool {
        matches!(&self.mode, Mode::Confirm(confirms) if !confirms.pending.is_empty())
    }

    /// Releases the confirms that the log covers now.
    pub(super) fn confirm_durable(&mut self, durable: Durable, out: &mut Vec<u8>) {
        if let Mode::Confirm(confirms) = &mut self.mode {
            confirms.release(durable, self.number, out);
        }
    }
}

impl Amqp091Session {
    pub(super) fn on_confirm_select(
        &mut self,
        broker: &Broker,
        number: u16,
        no_wait: bool,
        out: &mut Vec<u8>,
    ) -> Result<Step, Fault> {
        let Some(channel) = self.channel_mut(number) else { return Ok(Step::Taken) };
        match channel.mode {
            Mode::Tx(_) => {
                return Err(Fault::new(PRECONDITION_FAILED, "cannot switch from tx to confirm mode"));
            }
            Mode::Plain => channel.mode = Mode::Confirm(Box::default()),
            Mode::Confirm(_) => {}
        }
        if !no_wait {
            self.answer(broker, number, Receipt::NONE, out, |out| {
                confirm::SelectOk::default().write_frame(out, number);
            });
        }
        Ok(Step::Taken)
    }

    /// A publish was accepted: its confirm comes once the receipt is covered.
    pub(super) fn confirm_accepted(&mut self, number: u16, receipt: Receipt, durable: Durable) {
        self.note_confirm(number, |confirms| confirms.accept(receipt, durable));
    }

    /// A publish was refused by a full queue.
    pub(super) fn confirm_refused(&mut self, number: u16) {
        self.note_confirm(number, Confirms::refuse);
    }

    fn note_confirm(&mut self, number: u16, note: impl FnOnce(&mut Confirms)) {
        let Some(channel) = self.channels.get_mut(usize::from(number)).and_then(|slot| slot.as_deref_mut())
        else {
            return;
        };
        let was_waiting = is_waiting(channel);
        let Mode::Confirm(confirms) = &mut channel.mode else { return };
        note(confirms);
        if is_waiting(channel) && !was_waiting {
            self.waiting_count += 1;
        }
        if self.confirming.last() != Some(&number) {
            self.confirming.push(number);
        }
    }

    /// Sends what the publishes of this call have earned, one frame a channel.
    pub(super) fn flush_confirms(&mut self, broker: &Broker, out: &mut Vec<u8>) {
        while let Some(number) = self.confirming.pop() {
            let Some(channel) =
                self.channels.get_mut(usize::from(number)).and_then(|slot| slot.as_deref_mut())
            else {
                continue;
            };
            let was_waiting = is_waiting(channel);
            // Behind answers that wait, the confirms wait too: they leave with the next proof.
            if channel.deferred.is_empty() {
                channel.confirm_durable(broker.durable(), out);
            }
            if was_waiting && !is_waiting(channel) {
                self.waiting_count = self.waiting_count.saturating_sub(1);
            }
        }
    }
}
