//! The match over all commands: one call each.

use ternmq_broker::{Broker, Session};

use super::{MAX_OUTPUT_BYTES, OpenWireSession, State, answer::Asked};
use crate::{
    codec::{Field, Kind, NO_ENDS, Object, decode, split_frame},
    error::{Fault, class},
    format::keep,
};

/// Most bytes of the place for heads that stay between messages.
const MAX_SPARE_HEAD_BYTES: usize = 1 << 10;

impl OpenWireSession {
    /// Handles whole frames until the input ends or has to wait.
    pub(super) fn handle_frames(&mut self, broker: &mut Broker, input: &[u8], out: &mut Vec<u8>) -> usize {
        let mut taken = 0;
        // A burst of commands must not build output without end (I11): the rest comes again once some of it is out.
        while !self.is_deaf() && self.wants_input() && out.len() < MAX_OUTPUT_BYTES {
            let rest = input.get(taken..).unwrap_or_default();
            // What is held has to be seen again as it was: nothing of it may be remembered.
            if broker.blocked_reason().is_some() && self.is_message(rest) {
                self.is_held = true;
                break;
            }
            match split_frame(rest, &self.limits) {
                Ok(Some((frame, size))) => {
                    taken += size;
                    self.handle_frame(broker, frame, out);
                }
                Ok(None) => break,
                Err(error) => self.on_malformed(broker, error, out),
            }
        }
        if self.is_deaf() { input.len() } else { taken }
    }

    /// Whether a message is next.
    fn is_message(&self, input: &[u8]) -> bool {
        let kind = input.get(4).and_then(|code| Kind::of_code(*code));
        self.is_open() && kind.is_some_and(Kind::is_message)
    }

    fn handle_frame(&mut self, broker: &mut Broker, frame: &[u8], out: &mut Vec<u8>) {
        let kind = frame.first().and_then(|code| Kind::of_code(*code));
        if self.is_open() && kind.is_some_and(Kind::is_message) {
            return self.handle_message(broker, frame, out);
        }
        let command = match decode(frame, self.encoding, &mut self.kept) {
            Ok(command) => command,
            Err(error) => return self.on_malformed(broker, error, out),
        };
        let asked = Asked::of(&command);
        if let Err(fault) = self.on_command(broker, &command, asked, out) {
            self.on_fault(broker, asked, &fault, out);
        }
    }

    /// A message is not taken apart, but kept as it is read.
    fn handle_message(&mut self, broker: &mut Broker, frame: &[u8], out: &mut Vec<u8>) {
        let (mut room, head) = (NO_ENDS, std::mem::take(&mut self.head));
        let read = keep(frame, self.encoding, &mut self.kept, head, &mut room, &mut self.molds);
        let (mut message, body) = match read {
            Ok(read) => read,
            Err(error) => return self.on_malformed(broker, error, out),
        };
        let asked = Asked(message.is_response_required.then_some(message.command_id));
        if let Err(fault) = self.on_message(broker, &mut message, &body, asked, out) {
            self.on_fault(broker, asked, &fault, out);
        }
        self.head = message.into_buffer();
        self.head.clear();
        self.head.shrink_to(MAX_SPARE_HEAD_BYTES);
    }

    fn on_fault(&mut self, broker: &mut Broker, asked: Asked, fault: &Fault, out: &mut Vec<u8>) {
        if fault.is_last {
            self.fail(broker, asked, fault, out);
        } else {
            self.refuse(asked, fault, out);
        }
    }

    fn on_command(
        &mut self,
        broker: &mut Broker,
        command: &Object<'_>,
        asked: Asked,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        match (&self.state, command.kind()) {
            (State::Open, Kind::MessageAck) => self.on_ack(broker, command, asked, out),
            (State::Greeting, Kind::WireFormatInfo) => self.on_offer(command, out),
            (State::Greeting, _) => {
                Err(Fault::new(class::JMS, "the first command has to be WireFormatInfo").last())
            }
            (_, Kind::WireFormatInfo) => {
                Err(Fault::new(class::JMS, "the wire format has been agreed on already").last())
            }
            (_, Kind::KeepAliveInfo) => {
                self.on_keep_alive(command, out);
                Ok(())
            }
            (_, Kind::ShutdownInfo) => {
                self.on_shutdown(broker, out);
                Ok(())
            }
            (_, Kind::BrokerInfo) if !self.has_introduced => {
                self.has_introduced = true;
                Ok(())
            }
            // Clients of the failover transport say that they are such, before they log in.
            (State::Handshake(None), Kind::ConnectionControl) if !self.has_controlled => {
                self.has_controlled = true;
                Ok(())
            }
            (State::Handshake(None), Kind::ConnectionInfo) => self.on_connection(broker, command, asked, out),
            (State::Open, kind) => self.on_request(broker, kind, command, asked, out),
            _ => Err(Fault::new(class::SECURITY, "log in first, by ConnectionInfo").last()),
        }
    }

    /// Commands of a connection that is open, beside messages and what becomes of them.
    fn on_request(
        &mut self,
        broker: &mut Broker,
        kind: Kind,
        command: &Object<'_>,
        asked: Asked,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        match kind {
            Kind::SessionInfo => self.on_session(broker, command, asked, out),
            Kind::ProducerInfo => self.on_producer(broker, command, asked, out),
            Kind::ConsumerInfo => self.on_consumer(broker, command, asked, out),
            Kind::RemoveInfo => self.on_remove(broker, command, asked, out),
            Kind::RemoveSubscriptionInfo => self.on_remove_subscription(broker, command, asked, out),
            Kind::DestinationInfo => self.on_destination(broker, command, asked, out),
            Kind::MessagePull => self.on_pull(broker, command, asked, out),
            Kind::TransactionInfo => self.on_transaction(broker, command, asked, out),
            Kind::ConsumerControl => self.on_consumer_control(broker, command, asked, out),
            Kind::FlushCommand => {
                self.promise_all(asked);
                Ok(())
            }
            // Nothing is asked: a client answers or tells.
            Kind::Response
            | Kind::ExceptionResponse
            | Kind::DataResponse
            | Kind::DataArrayResponse
            | Kind::IntegerResponse
            | Kind::ProducerAck => Ok(()),
            Kind::ConnectionInfo => {
                Err(Fault::new(class::ILLEGAL_STATE, "The connection is logged in already"))
            }
            Kind::ControlCommand => {
                let word = command.text(Field::Command).unwrap_or_default();
                let text = format!("the control command {}: not available", ternmq_stdx::quoted(word));
                Err(Fault::new(class::JMS, text))
            }
            // Its client has closed what it could not bear.
            Kind::ConnectionError | Kind::ConnectionControl => Ok(()),
            other => Err(Fault::absent(&format!("the command {other:?}"))),
        }
    }
}
