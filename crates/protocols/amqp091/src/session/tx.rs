//! Methods of class tx.

use ternmq_broker::{Broker, Receipt};

use super::{Amqp091Session, Step, channel::Mode, content::write_unroutable};
use crate::{
    codec::method::{MethodFrame, tx},
    error::{Fault, PRECONDITION_FAILED},
};

impl Amqp091Session {
    pub(super) fn on_tx_select(
        &mut self,
        broker: &mut Broker,
        number: u16,
        out: &mut Vec<u8>,
    ) -> Result<Step, Fault> {
        let Some(channel) = self.channel_mut(number) else { return Ok(Step::Taken) };
        match channel.mode {
            Mode::Confirm(_) => {
                return Err(Fault::new(PRECONDITION_FAILED, "cannot switch from confirm to tx mode"));
            }
            Mode::Plain => channel.mode = Mode::Tx(Vec::new()),
            Mode::Tx(_) => {}
        }
        self.ask(broker, number, |broker, session| broker.tx_select(session))?;
        self.answer(broker, number, Receipt::NONE, out, |out| {
            tx::SelectOk::default().write_frame(out, number)
        });
        Ok(Step::Taken)
    }

    /// The publishes staged so far and whether each was mandatory; an error when the channel has no transaction.
    fn take_staged(&mut self, number: u16) -> Result<Vec<bool>, Fault> {
        match self.channel_mut(number).map(|channel| &mut channel.mode) {
            Some(Mode::Tx(mandatory)) => Ok(std::mem::take(mandatory)),
            _ => Err(Fault::new(PRECONDITION_FAILED, "channel is not transactional")),
        }
    }

    pub(super) fn on_tx_commit(
        &mut self,
        broker: &mut Broker,
        number: u16,
        out: &mut Vec<u8>,
    ) -> Result<Step, Fault> {
        let mandatory = self.take_staged(number)?;
        let done = self.ask(broker, number, |broker, session| broker.tx_commit(session))?;
        let frame_max = self.frame_max;
        if let Some(channel) = self.channel_mut(number) {
            let sink = channel.sink(out);
            for (message, is_mandatory) in done.value.unroutable.iter().zip(mandatory) {
                if let Some(message) = message.as_ref().filter(|_| is_mandatory) {
                    write_unroutable(sink, number, message, frame_max);
                }
            }
        }
        if done.value.is_refused {
            return Err(Fault::new(PRECONDITION_FAILED, "partial tx completion"));
        }
        self.answer(broker, number, done.receipt, out, |out| {
            tx::CommitOk::default().write_frame(out, number)
        });
        Ok(Step::Taken)
    }

    pub(super) fn on_tx_rollback(
        &mut self,
        broker: &mut Broker,
        number: u16,
        out: &mut Vec<u8>,
    ) -> Result<Step, Fault> {
        self.take_staged(number)?;
        self.ask(broker, number, |broker, session| broker.tx_rollback(session))?;
        self.answer(broker, number, Receipt::NONE, out, |out| {
            tx::RollbackOk::default().write_frame(out, number)
        });
        Ok(Step::Taken)
    }
}
