//! Methods of class exchange.

use ternmq_broker::{Broker, Error, NodeSpec, Receipt};

use super::{Amqp091Session, Step};
use crate::{
    codec::method::{MethodFrame, exchange},
    error::{COMMAND_INVALID, Fault, PRECONDITION_FAILED},
    format::map_from_table,
};

impl Amqp091Session {
    /// The core's session of a channel that is known to be open, and its refusals as faults.
    pub(super) fn ask<T>(
        &mut self,
        broker: &mut Broker,
        number: u16,
        ask: impl FnOnce(&mut Broker, ternmq_broker::SessionId) -> Result<T, Error>,
    ) -> Result<T, Fault> {
        let session =
            self.channel_mut(number).map(|channel| channel.session).ok_or_else(super::close::gone)?;
        ask(broker, session).map_err(|error| Fault::of(&error, &**broker.dialect()))
    }

    pub(super) fn on_exchange_declare(
        &mut self,
        broker: &mut Broker,
        number: u16,
        declare: &exchange::Declare<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Step, Fault> {
        let receipt = if declare.passive {
            self.ask(broker, number, |broker, session| broker.check_node(session, declare.exchange))?;
            Receipt::NONE
        } else {
            let arguments = map_from_table(declare.arguments);
            let kind = broker.dialect().node_kind(declare.kind, &arguments).map_err(|error| {
                Fault::new(
                    PRECONDITION_FAILED,
                    format!("invalid arg '{}': {}", error.argument, error.problem),
                )
            })?;
            let Some(kind) = kind else {
                let kind: String = declare.kind.chars().take(64).flat_map(char::escape_default).collect();
                return Err(Fault::new(COMMAND_INVALID, format!("unknown exchange type '{kind}'")));
            };
            let spec = NodeSpec {
                name: declare.exchange.into(),
                kind,
                is_durable: declare.durable,
                is_auto_delete: declare.auto_delete,
                is_internal: declare.internal,
                arguments,
            };
            self.ask(broker, number, |broker, session| broker.declare_node(session, spec))?.receipt
        };
        if !declare.no_wait {
            self.answer(broker, number, receipt, out, |out| {
                exchange::DeclareOk::default().write_frame(out, number)
            });
        }
        Ok(Step::Taken)
    }

    pub(super) fn on_exchange_delete(
        &mut self,
        broker: &mut Broker,
        number: u16,
        delete: &exchange::Delete<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Step, Fault> {
        let done = self.ask(broker, number, |broker, session| {
            broker.delete_node(session, delete.exchange, delete.if_unused)
        })?;
        if !delete.no_wait {
            self.answer(broker, number, done.receipt, out, |out| {
                exchange::DeleteOk::default().write_frame(out, number);
            });
        }
        Ok(Step::Taken)
    }

    pub(super) fn on_exchange_bind(
        &mut self,
        broker: &mut Broker,
        number: u16,
        bind: &exchange::Bind<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Step, Fault> {
        let done = self.ask(broker, number, |broker, session| {
            let arguments = map_from_table(bind.arguments);
            broker.bind_node(session, bind.destination, bind.source, bind.routing_key, arguments)
        })?;
        if !bind.no_wait {
            self.answer(broker, number, done.receipt, out, |out| {
                exchange::BindOk::default().write_frame(out, number)
            });
        }
        Ok(Step::Taken)
    }

    pub(super) fn on_exchange_unbind(
        &mut self,
        broker: &mut Broker,
        number: u16,
        unbind: &exchange::Unbind<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Step, Fault> {
        let done = self.ask(broker, number, |broker, session| {
            let arguments = map_from_table(unbind.arguments);
            broker.unbind_node(session, unbind.destination, unbind.source, unbind.routing_key, arguments)
        })?;
        if !unbind.no_wait {
            self.answer(broker, number, done.receipt, out, |out| {
                exchange::UnbindOk::default().write_frame(out, number);
            });
        }
        Ok(Step::Taken)
    }
}
