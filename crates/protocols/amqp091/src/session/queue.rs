//! Methods of class queue.

use std::sync::Arc;

use ternmq_broker::{Broker, Done, QueueSpec, QueueStatus, Receipt};

use super::{Amqp091Session, Step, reply_to};
use crate::{
    codec::method::{MethodFrame, queue},
    error::Fault,
    format::map_from_table,
};

fn count(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl Amqp091Session {
    fn named(&mut self, number: u16, name: &str) -> Result<Arc<str>, Fault> {
        self.channel_mut(number).ok_or_else(super::close::gone)?.queue_name(name)
    }

    pub(super) fn on_queue_declare(
        &mut self,
        broker: &mut Broker,
        number: u16,
        declare: &queue::Declare<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Step, Fault> {
        let Done { value: status, receipt } = if reply_to::is_reply_name(declare.queue) {
            let status = self.check_reply_queue(broker, number, declare.queue)?;
            Done { value: status, receipt: Receipt::NONE }
        } else if declare.passive {
            // As RabbitMQ: here an empty name is no name, not the last one declared.
            let status =
                self.ask(broker, number, |broker, session| broker.check_queue(session, declare.queue))?;
            Done { value: status, receipt: Receipt::NONE }
        } else {
            self.declare_queue(broker, number, declare)?
        };
        let QueueStatus { name, ready_count, consumer_count } = status;
        if let Some(channel) = self.channel_mut(number) {
            channel.last_queue = Some(name.clone());
        }
        if !declare.no_wait {
            self.answer(broker, number, receipt, out, |out| {
                queue::DeclareOk { queue: &name, message_count: count(ready_count), consumer_count }
                    .write_frame(out, number);
            });
        }
        Ok(Step::Taken)
    }

    fn declare_queue(
        &mut self,
        broker: &mut Broker,
        number: u16,
        declare: &queue::Declare<'_>,
    ) -> Result<Done<QueueStatus>, Fault> {
        let spec = QueueSpec {
            name: declare.queue.into(),
            is_durable: declare.durable,
            is_exclusive: declare.exclusive,
            is_auto_delete: declare.auto_delete,
            arguments: map_from_table(declare.arguments),
        };
        self.ask(broker, number, |broker, session| broker.declare_queue(session, spec))
    }

    pub(super) fn on_queue_bind(
        &mut self,
        broker: &mut Broker,
        number: u16,
        bind: &queue::Bind<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Step, Fault> {
        let name = self.named(number, bind.queue)?;
        // An empty key with an empty queue name means the queue's name (AMQP 0-9-1 queue.bind).
        let key =
            if bind.queue.is_empty() && bind.routing_key.is_empty() { &*name } else { bind.routing_key };
        let done = self.ask(broker, number, |broker, session| {
            broker.bind_queue(session, &name, bind.exchange, key, map_from_table(bind.arguments))
        })?;
        if !bind.no_wait {
            self.answer(broker, number, done.receipt, out, |out| {
                queue::BindOk::default().write_frame(out, number)
            });
        }
        Ok(Step::Taken)
    }

    pub(super) fn on_queue_unbind(
        &mut self,
        broker: &mut Broker,
        number: u16,
        unbind: &queue::Unbind<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Step, Fault> {
        let name = self.named(number, unbind.queue)?;
        let done = self.ask(broker, number, |broker, session| {
            let arguments = map_from_table(unbind.arguments);
            broker.unbind_queue(session, &name, unbind.exchange, unbind.routing_key, arguments)
        })?;
        self.answer(broker, number, done.receipt, out, |out| {
            queue::UnbindOk::default().write_frame(out, number)
        });
        Ok(Step::Taken)
    }

    pub(super) fn on_queue_purge(
        &mut self,
        broker: &mut Broker,
        number: u16,
        purge: &queue::Purge<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Step, Fault> {
        let name = self.named(number, purge.queue)?;
        let done = self.ask(broker, number, |broker, session| broker.purge_queue(session, &name))?;
        if !purge.no_wait {
            self.answer(broker, number, done.receipt, out, |out| {
                queue::PurgeOk { message_count: count(done.value) }.write_frame(out, number);
            });
        }
        Ok(Step::Taken)
    }

    pub(super) fn on_queue_delete(
        &mut self,
        broker: &mut Broker,
        number: u16,
        delete: &queue::Delete<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Step, Fault> {
        let name = self.named(number, delete.queue)?;
        let done = self.ask(broker, number, |broker, session| {
            broker.delete_queue(session, &name, delete.if_unused, delete.if_empty)
        })?;
        if !delete.no_wait {
            self.answer(broker, number, done.receipt, out, |out| {
                queue::DeleteOk { message_count: count(done.value) }.write_frame(out, number);
            });
        }
        Ok(Step::Taken)
    }
}
