//! Ends: by ERROR, by DISCONNECT, by an operator, by silence.

use ternmq_broker::Broker;

use super::{State, StompSession};
use crate::{
    codec::{Escapes, FrameWriter, Headers, SUPPORTED},
    error::Fault,
    format::name,
};

/// Time in ms that an end waits for what has to become durable first (B6).
const END_TIMEOUT_MS: u64 = 3_000;

/// The core no longer knows the connection.
pub(super) fn gone() -> Fault {
    Fault::coded("internal_error", "the connection is closing".to_owned())
}

impl StompSession {
    pub(super) fn error_frame(&self, fault: &Fault, extra: &[(&str, &str)]) -> Vec<u8> {
        let mut frame = Vec::new();
        let escapes = if self.is_open() { self.version.escapes() } else { Escapes::None };
        let mut writer = FrameWriter::start(&mut frame, "ERROR", escapes);
        writer
            .header("message", &fault.summary)
            .header(name::CONTENT_TYPE, "text/plain")
            .header("version", SUPPORTED);
        for (name, value) in extra {
            writer.header(name, value);
        }
        writer.end(fault.text.as_bytes());
        frame
    }

    /// Ends the connection with an ERROR frame, behind the receipts that wait (STOMP 1.2 "ERROR").
    pub(super) fn fail(
        &mut self,
        broker: &mut Broker,
        fault: Fault,
        receipt: Option<&str>,
        out: &mut Vec<u8>,
    ) {
        if self.is_deaf() {
            return;
        }
        let fault = fault.worded(&**broker.dialect());
        let extra: &[(&str, &str)] = &[("receipt-id", receipt.unwrap_or_default())];
        let frame = self.error_frame(&fault, if receipt.is_some() { extra } else { &[] });
        self.seal_receipts(broker, out);
        if self.deferred.is_empty() {
            out.extend_from_slice(&frame);
        } else {
            self.defer_last(frame);
        }
        self.end(broker);
    }

    /// Takes nothing any more; closes as soon as nothing waits.
    fn end(&mut self, broker: &mut Broker) {
        self.release(broker);
        self.assembly = None;
        self.is_held = false;
        if self.deferred.is_empty() {
            self.state = State::Closing;
        } else {
            self.state = State::Ending;
            self.deadline_ms = Some(broker.monotonic_ms().saturating_add(END_TIMEOUT_MS));
        }
    }

    /// The receipt of DISCONNECT covers every earlier frame (guarantees 3).
    pub(super) fn on_disconnect(&mut self, broker: &mut Broker, headers: Headers<'_>, out: &mut Vec<u8>) {
        let receipt = headers.get(name::RECEIPT);
        self.promise_all(receipt.as_deref());
        self.seal_receipts(broker, out);
        self.end(broker);
    }

    /// Gives up everything in the core.
    pub(super) fn release(&mut self, broker: &mut Broker) {
        self.subscriptions = Vec::new();
        self.transactions = Vec::new();
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
        self.deadline_ms = None;
    }

    pub(super) fn on_deadline(&mut self, broker: &mut Broker, now_ms: u64, out: &mut Vec<u8>) {
        match self.state {
            State::Open => self.on_beat(broker, now_ms, out),
            State::Ending => self.give_up_waiting(out),
            // The login took too long.
            State::Handshake(_) | State::Closing | State::Closed => self.cut(broker),
        }
    }

    pub(super) fn on_drain(&mut self, broker: &mut Broker, out: &mut Vec<u8>) {
        let text = "broker forced connection closure with reason 'shutdown'".to_owned();
        self.fail(broker, Fault::coded("connection_forced", text), None, out);
    }
}
