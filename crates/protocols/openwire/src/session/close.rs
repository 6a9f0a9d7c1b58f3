//! Ends: by the client, by an error, by an operator, by silence.

use ternmq_broker::Broker;

use super::{OpenWireSession, State, answer::Asked};
use crate::{
    codec::{DecodeError, Field, Kind, Object, Value},
    error::{Fault, class},
};

/// Time in ms that an end waits for what has to become durable first (B6).
const END_TIMEOUT_MS: u64 = 3_000;

impl OpenWireSession {
    /// Bytes that are no command: the first of them ends the connection (B6).
    pub(super) fn on_malformed(&mut self, broker: &mut Broker, error: DecodeError, out: &mut Vec<u8>) {
        self.fail(broker, Asked(None), &Fault::new(class::JMS, error.to_string()), out);
    }

    /// Ends the connection with an error, behind the answers that wait.
    pub(super) fn fail(&mut self, broker: &mut Broker, asked: Asked, fault: &Fault, out: &mut Vec<u8>) {
        if self.is_deaf() {
            return;
        }
        self.seal_answers(broker, out);
        self.refuse(asked, fault, out);
        self.end(broker);
    }

    /// Takes nothing any more; closes as soon as nothing waits.
    pub(super) fn end(&mut self, broker: &mut Broker) {
        self.release(broker);
        self.is_held = false;
        if self.deferred.is_empty() {
            self.state = State::Closing;
        } else {
            self.state = State::Ending;
            self.login_deadline_ms = Some(broker.monotonic_ms().saturating_add(END_TIMEOUT_MS));
        }
    }

    /// The client goes: what it was promised still leaves.
    pub(super) fn on_shutdown(&mut self, broker: &mut Broker, out: &mut Vec<u8>) {
        self.seal_answers(broker, out);
        self.end(broker);
    }

    /// Gives up everything in the core.
    pub(super) fn release(&mut self, broker: &mut Broker) {
        self.tell_temporaries_gone(broker);
        self.consumers = Vec::new();
        self.looks = super::browse::Looks::default();
        self.transactions = Vec::new();
        self.held = Vec::new();
        self.session = None;
        if let Some(connection) = self.connection.take() {
            broker.disconnect(connection);
        }
    }

    /// Ends without a word: nobody is there to hear it.
    pub(super) fn cut(&mut self, broker: &mut Broker) {
        self.release(broker);
        self.deferred.clear();
        self.state = State::Closed;
        self.login_deadline_ms = None;
    }

    pub(super) fn on_deadline(&mut self, broker: &mut Broker, now_ms: u64, out: &mut Vec<u8>) {
        match self.state {
            State::Open => {
                self.on_look(broker, now_ms, out);
                self.end_pulls(broker, now_ms, out);
            }
            State::Ending => self.give_up_waiting(),
            // The login took too long.
            State::Greeting | State::Handshake(_) | State::Closing | State::Closed => self.cut(broker),
        }
    }

    /// The node goes: clients are told to close, and those of the failover transport look for another.
    pub(super) fn on_drain(&mut self, broker: &mut Broker, out: &mut Vec<u8>) {
        if self.is_open() {
            let control = Object::new(Kind::ConnectionControl).with(Field::Close, Value::Bool(true));
            self.send(&control, out);
        }
        let fault = Fault::new(class::JMS, "The broker is shutting down");
        self.fail(broker, Asked(None), &fault, out);
    }
}
