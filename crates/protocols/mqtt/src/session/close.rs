//! Ends: by error, by the client, by an operator, by silence.

use ternmq_broker::Broker;

use super::{MqttSession, State};
use crate::{
    codec::{ConnAck, Disconnect, Properties, PropertyBuf, PropertyId, Reason},
    error::Fault,
};

/// Longest text of a reason for the peer, in bytes.
const REASON_MAX_BYTES: usize = 512;

/// The core no longer knows the connection.
pub(super) fn gone() -> Fault {
    Fault::new(Reason::UNSPECIFIED_ERROR, "the connection is closing")
}

/// A packet came that has no place here.
pub(super) fn unexpected(what: &str) -> Fault {
    Fault::new(Reason::PROTOCOL_ERROR, format!("{what} is not expected here"))
}

/// Whether MQTT 3 has a word for a refusal; else the connection is closed without one.
fn has_return_code(reason: Reason) -> bool {
    !matches!(reason, Reason::MALFORMED_PACKET | Reason::PROTOCOL_ERROR | Reason::TOPIC_NAME_INVALID)
}

/// Reason text of a fault, cut to what a packet carries.
fn reason_text(text: &str) -> &str {
    let mut len = text.len().min(REASON_MAX_BYTES);
    while !text.is_char_boundary(len) {
        len -= 1;
    }
    text.get(..len).unwrap_or_default()
}

impl MqttSession {
    /// Closes the connection from our side: the reason goes out where the version has a place for it.
    pub(super) fn fail(&mut self, broker: &mut Broker, fault: &Fault, out: &mut Vec<u8>) {
        if self.is_over() {
            return;
        }
        let mut properties = PropertyBuf::new();
        if let Some(redirect) = self.settings.redirect.as_ref().filter(|it| it.reason == fault.reason) {
            properties.text(PropertyId::ServerReference, &redirect.reference);
        }
        if !self.flags.is_terse && !fault.text.is_empty() {
            properties.text(PropertyId::ReasonString, reason_text(&fault.text));
        }
        let start = out.len();
        self.write_end(fault.reason, properties.properties(), out);
        if out.len() - start > self.packet_max_bytes as usize {
            // What the client does not take is left out (MQTT-3.2.2-19, MQTT-3.14.2-3).
            out.truncate(start);
            self.write_end(fault.reason, Properties::default(), out);
        }
        if out.len() - start > self.packet_max_bytes as usize {
            out.truncate(start);
        }
        self.end(broker);
    }

    /// The last packet, where the version has one.
    fn write_end(&self, reason: Reason, properties: Properties<'_>, out: &mut Vec<u8>) {
        match &self.state {
            State::Handshake(handshake)
                if handshake.has_version && (self.version.is_v5() || has_return_code(reason)) =>
            {
                ConnAck { is_session_present: false, reason, properties }.write(self.version, out);
            }
            // What did not even start as MQTT gets no answer.
            State::Handshake(_) => {}
            _ if self.version.is_v5() => Disconnect { reason, properties }.write(self.version, out),
            _ => {}
        }
    }

    /// Gives up everything; the output so far is the last.
    pub(super) fn end(&mut self, broker: &mut Broker) {
        self.flags.is_held = false;
        self.flags.is_paused = false;
        self.deadline_ms = None;
        self.state = State::Closing;
        self.release(broker);
    }

    /// Gives up everything in the core.
    pub(super) fn release(&mut self, broker: &mut Broker) {
        self.link = None;
        self.session = None;
        if let Some(connection) = self.connection.take() {
            broker.disconnect(connection);
        }
    }

    pub(super) fn on_disconnect(
        &mut self,
        broker: &mut Broker,
        disconnect: &Disconnect<'_>,
    ) -> Result<(), Fault> {
        if disconnect.properties.text(PropertyId::ServerReference).is_some() {
            return Err(unexpected("a server reference from a client"));
        }
        if let Some(seconds) = disconnect.properties.number(PropertyId::SessionExpiry) {
            if !self.flags.is_kept && seconds > 0 {
                let text = "a session that was to end with its connection can't be kept";
                return Err(Fault::new(Reason::PROTOCOL_ERROR, text));
            }
            self.ask(broker, |broker, session| {
                broker.keep_client(session, super::connect::keep_ms(seconds))
            })?;
        }
        if disconnect.reason == Reason::SUCCESS {
            // Gone with a word: the will is not published (MQTT-3.14.4-3).
            self.ask(broker, |broker, session| broker.set_will(session, None))?;
        }
        self.end(broker);
        Ok(())
    }

    pub(super) fn on_deadline(&mut self, broker: &mut Broker, now_ms: u64, out: &mut Vec<u8>) {
        match self.state {
            State::Open => {
                let due_ms = self.last_input_ms.saturating_add(self.patience_ms());
                let is_ours = self.flags.is_held || !self.wants_input_now();
                if due_ms > now_ms || is_ours {
                    // It spoke meanwhile, or we do not listen: that is no silence of the client.
                    self.deadline_ms = Some(due_ms.max(now_ms + 1_000));
                    return;
                }
                let fault = Fault::new(
                    Reason::KEEP_ALIVE_TIMEOUT,
                    "nothing came for one and a half times the keep alive",
                );
                self.fail(broker, &fault, out);
            }
            State::Handshake(_) | State::Closing | State::Closed => {
                self.release(broker);
                self.state = State::Closed;
            }
        }
    }

    fn wants_input_now(&self) -> bool {
        use ternmq_broker::Session;
        self.wants_input()
    }

    /// How long in ms the client may be silent (MQTT-3.1.2-22).
    pub(super) fn patience_ms(&self) -> u64 {
        u64::from(self.keep_alive_s) * 1_500
    }

    pub(super) fn on_drain(&mut self, broker: &mut Broker, out: &mut Vec<u8>) {
        let fault = match &self.settings.redirect {
            Some(redirect) => Fault::new(redirect.reason, "use the other server"),
            None => Fault::new(Reason::SERVER_SHUTTING_DOWN, "the server is shutting down"),
        };
        self.fail(broker, &fault, out);
    }
}
