//! The match over all methods: one call each.

use ternmq_broker::{Broker, Receipt};

use super::{Amqp091Session, State, Step};
use crate::{
    codec::{
        Method, MethodError,
        method::{MethodFrame, access, channel, connection},
    },
    error::{CHANNEL_ERROR, COMMAND_INVALID, Fault, NOT_IMPLEMENTED, SYNTAX_ERROR},
};

impl Amqp091Session {
    pub(super) fn on_method(
        &mut self,
        broker: &mut Broker,
        number: u16,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Step, Fault> {
        let method = Method::decode(payload).map_err(|error| method_fault(&error))?;
        if number == 0 {
            return self.on_connection_method(broker, &method, out);
        }
        match self.state {
            State::Open => {}
            State::AwaitCloseOk => return Ok(Step::Taken),
            _ => return Err(Fault::new(CHANNEL_ERROR, "the connection is not open")),
        }
        match self.channel_mut(number) {
            Some(channel) if channel.is_closing => {
                match method {
                    Method::ChannelCloseOk(_) => self.drop_channel(broker, number),
                    Method::ChannelClose(_) => {
                        self.drop_channel(broker, number);
                        channel::CloseOk::default().write_frame(out, number);
                    }
                    _ => {}
                }
                return Ok(Step::Taken);
            }
            Some(channel) => {
                if let Some(content) = channel.content.as_deref() {
                    return Err(content.interrupted());
                }
            }
            None if matches!(method, Method::ChannelOpen(_)) => {}
            // Two closes that crossed: ours was answered after the client's own had ended the channel.
            None if matches!(method, Method::ChannelCloseOk(_)) => return Ok(Step::Taken),
            None => return Err(Fault::new(CHANNEL_ERROR, "expected 'channel.open'")),
        }
        self.on_channel_method(broker, number, &method, out)
    }

    fn on_connection_method(
        &mut self,
        broker: &mut Broker,
        method: &Method<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Step, Fault> {
        if matches!(self.state, State::Handshake(_)) {
            return self.on_handshake_method(broker, method, out);
        }
        if self.on_connection_end(broker, method, out) {
            return Ok(Step::Taken);
        }
        match method {
            Method::ConnectionUpdateSecret(_) => {
                // A password does not expire while its connection lives, so there is nothing to renew: as RabbitMQ with
                // its own users.
                connection::UpdateSecretOk::default().write_frame(out, 0);
                Ok(Step::Taken)
            }
            _ => Err(Fault::new(CHANNEL_ERROR, "unexpected method in connection state running")),
        }
    }

    fn on_channel_method(
        &mut self,
        broker: &mut Broker,
        number: u16,
        method: &Method<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Step, Fault> {
        match method {
            Method::BasicPublish(publish) => self.on_publish(broker, number, publish),
            Method::BasicAck(ack) => self.on_ack(broker, number, ack),
            Method::BasicNack(nack) => self.on_nack(broker, number, nack),
            Method::BasicReject(reject) => self.on_reject(broker, number, reject),
            Method::BasicGet(get) => self.on_get(broker, number, get, out),
            Method::BasicQos(qos) => self.on_qos(broker, number, qos, out),
            Method::BasicConsume(consume) => self.on_consume(broker, number, consume, out),
            Method::BasicCancel(cancel) => self.on_cancel(broker, number, cancel, out),
            Method::BasicCancelOk(_) => Ok(Step::Taken),
            Method::BasicRecover(recover) => self.on_recover(broker, number, recover.requeue, true, out),
            Method::BasicRecoverAsync(recover) => {
                self.on_recover(broker, number, recover.requeue, false, out)
            }
            Method::ChannelOpen(_) => self.on_channel_open(broker, number, out),
            Method::ChannelClose(_) => {
                self.on_channel_close(broker, number, out);
                Ok(Step::Taken)
            }
            Method::ChannelFlow(flow) => self.on_flow(broker, number, flow.active, out),
            Method::ExchangeDeclare(declare) => self.on_exchange_declare(broker, number, declare, out),
            Method::ExchangeDelete(delete) => self.on_exchange_delete(broker, number, delete, out),
            Method::ExchangeBind(bind) => self.on_exchange_bind(broker, number, bind, out),
            Method::ExchangeUnbind(unbind) => self.on_exchange_unbind(broker, number, unbind, out),
            Method::QueueDeclare(declare) => self.on_queue_declare(broker, number, declare, out),
            Method::QueueBind(bind) => self.on_queue_bind(broker, number, bind, out),
            Method::QueueUnbind(unbind) => self.on_queue_unbind(broker, number, unbind, out),
            Method::QueuePurge(purge) => self.on_queue_purge(broker, number, purge, out),
            Method::QueueDelete(delete) => self.on_queue_delete(broker, number, delete, out),
            Method::ConfirmSelect(select) => self.on_confirm_select(broker, number, select.no_wait, out),
            Method::TxSelect(_) => self.on_tx_select(broker, number, out),
            Method::TxCommit(_) => self.on_tx_commit(broker, number, out),
            Method::TxRollback(_) => self.on_tx_rollback(broker, number, out),
            Method::AccessRequest(_) => {
                // Tickets mean nothing any more; old clients only want to see one.
                self.answer(broker, number, Receipt::NONE, out, |out| {
                    access::RequestOk { ticket: 1 }.write_frame(out, number);
                });
                Ok(Step::Taken)
            }
            _ => Err(Fault::new(COMMAND_INVALID, "unimplemented method")),
        }
    }
}

fn method_fault(error: &MethodError) -> Fault {
    match error {
        MethodError::NoIds | MethodError::Malformed { .. } => Fault::new(SYNTAX_ERROR, error.to_string()),
        MethodError::UnknownClass { .. } | MethodError::UnknownMethod { .. } => {
            Fault::new(NOT_IMPLEMENTED, error.to_string())
        }
    }
}
