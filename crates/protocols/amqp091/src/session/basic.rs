//! Settlement, qos, recover, flow.

use ternmq_broker::{Broker, DeliveryId, Outcome, Receipt, SettleRange};

use super::{Amqp091Session, Step};
use crate::{
    codec::method::{MethodFrame, basic, channel},
    error::{Fault, NOT_IMPLEMENTED},
};

fn range(multiple: bool) -> SettleRange {
    if multiple { SettleRange::UpTo } else { SettleRange::One }
}

fn refusal(requeue: bool) -> Outcome {
    if requeue { Outcome::Requeue } else { Outcome::Discard }
}

impl Amqp091Session {
    fn settle(
        &mut self,
        broker: &mut Broker,
        number: u16,
        tag: u64,
        range: SettleRange,
        outcome: Outcome,
    ) -> Result<Step, Fault> {
        self.ask(broker, number, |broker, session| broker.settle(session, DeliveryId(tag), range, outcome))?;
        Ok(Step::Taken)
    }

    pub(super) fn on_ack(
        &mut self,
        broker: &mut Broker,
        number: u16,
        ack: &basic::Ack,
    ) -> Result<Step, Fault> {
        self.settle(broker, number, ack.delivery_tag, range(ack.multiple), Outcome::Accept)
    }

    pub(super) fn on_nack(
        &mut self,
        broker: &mut Broker,
        number: u16,
        nack: &basic::Nack,
    ) -> Result<Step, Fault> {
        self.settle(broker, number, nack.delivery_tag, range(nack.multiple), refusal(nack.requeue))
    }

    pub(super) fn on_reject(
        &mut self,
        broker: &mut Broker,
        number: u16,
        reject: &basic::Reject,
    ) -> Result<Step, Fault> {
        self.settle(broker, number, reject.delivery_tag, SettleRange::One, refusal(reject.requeue))
    }

    /// Without `global` the window is that of each consumer to come, with it that of the whole channel: as RabbitMQ
    /// reads the flag.
    pub(super) fn on_qos(
        &mut self,
        broker: &mut Broker,
        number: u16,
        qos: &basic::Qos,
        out: &mut Vec<u8>,
    ) -> Result<Step, Fault> {
        if qos.prefetch_size != 0 {
            return Err(Fault::new(NOT_IMPLEMENTED, format!("prefetch_size!=0 ({})", qos.prefetch_size)));
        }
        let window = Some(u32::from(qos.prefetch_count)).filter(|count| *count > 0);
        let Some(channel) = self.channel_mut(number) else { return Ok(Step::Taken) };
        if qos.global {
            broker.set_session_window(channel.session, window);
        } else {
            channel.consumer_window = window;
        }
        self.answer(broker, number, Receipt::NONE, out, |out| {
            basic::QosOk::default().write_frame(out, number)
        });
        Ok(Step::Taken)
    }

    pub(super) fn on_recover(
        &mut self,
        broker: &mut Broker,
        number: u16,
        requeue: bool,
        is_answered: bool,
        out: &mut Vec<u8>,
    ) -> Result<Step, Fault> {
        if !requeue {
            return Err(Fault::new(NOT_IMPLEMENTED, "requeue=false"));
        }
        let Some(channel) = self.channel_mut(number) else { return Ok(Step::Taken) };
        broker.requeue_all(channel.session);
        if is_answered {
            self.answer(broker, number, Receipt::NONE, out, |out| {
                basic::RecoverOk::default().write_frame(out, number);
            });
        }
        Ok(Step::Taken)
    }

    pub(super) fn on_flow(
        &mut self,
        broker: &mut Broker,
        number: u16,
        active: bool,
        out: &mut Vec<u8>,
    ) -> Result<Step, Fault> {
        // As RabbitMQ: a client that wants fewer deliveries sets a prefetch; clients count on being refused here.
        if !active {
            return Err(Fault::new(NOT_IMPLEMENTED, "active=false"));
        }
        self.answer(broker, number, Receipt::NONE, out, |out| {
            channel::FlowOk { active }.write_frame(out, number);
        });
        Ok(Step::Taken)
    }
}
