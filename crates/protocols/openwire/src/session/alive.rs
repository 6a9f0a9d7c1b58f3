//! Signs of life both ways: KeepAliveInfo when nothing else is sent, the end when nothing comes.

use ternmq_broker::Broker;

use super::{OpenWireSession, connect::Greeted};
use crate::codec::{Field, Kind, Object, Value};

/// So many times in the agreed interval it is looked whether anything was sent, as clients do.
const LOOKS: u64 = 3;

/// What was agreed on, and how things stand.
#[derive(Default)]
pub(super) struct Alive {
    /// What the client says that it is.
    provider: Box<str>,
    /// Interval in ms; 0: no matter.
    interval_ms: u64,
    /// The same before the first sign.
    initial_ms: u64,
    send_at_ms: u64,
    receive_at_ms: u64,
    has_sent: bool,
    has_received: bool,
}

impl Alive {
    pub(super) fn note_input(&mut self, has_any: bool) {
        self.has_received |= has_any;
    }

    pub(super) fn note_output(&mut self, has_any: bool) {
        self.has_sent |= has_any;
    }

    /// Takes down what was agreed on.
    pub(super) fn note_agreement(&mut self, greeted: Greeted) {
        let Greeted { agreement, provider } = greeted;
        self.provider = provider.into();
        self.interval_ms = agreement.inactivity_ms;
        self.initial_ms = agreement.initial_delay_ms.max(agreement.inactivity_ms);
    }

    /// What the client says that it is.
    pub(super) fn provider(&self) -> &str {
        &self.provider
    }

    /// The connection is open from now on.
    pub(super) fn start(&mut self, now_ms: u64) {
        self.send_at_ms = now_ms + self.interval_ms / LOOKS;
        self.receive_at_ms = now_ms + self.initial_ms;
    }

    /// Interval in s for people; 0 for none.
    pub(super) fn interval_s(&self) -> u16 {
        u16::try_from(self.interval_ms / 1_000).unwrap_or(u16::MAX)
    }

    /// When something is to be looked at next.
    pub(super) fn deadline_ms(&self) -> Option<u64> {
        (self.interval_ms > 0).then_some(self.send_at_ms.min(self.receive_at_ms))
    }

    fn is_send_due(&mut self, now_ms: u64) -> bool {
        if self.interval_ms == 0 || self.send_at_ms > now_ms {
            return false;
        }
        self.send_at_ms = now_ms + (self.interval_ms / LOOKS).max(1);
        !std::mem::take(&mut self.has_sent)
    }

    /// Whether nothing came in a whole interval.
    fn is_peer_gone(&mut self, now_ms: u64) -> bool {
        if self.interval_ms == 0 || self.receive_at_ms > now_ms {
            return false;
        }
        self.receive_at_ms = now_ms + self.interval_ms;
        !std::mem::take(&mut self.has_received)
    }
}

impl OpenWireSession {
    pub(super) fn on_look(&mut self, broker: &mut Broker, now_ms: u64, out: &mut Vec<u8>) {
        // Input that is not taken can't be told from silence.
        let is_listening = !self.is_held && self.deferred.is_empty();
        if self.alive.is_peer_gone(now_ms) && is_listening {
            self.cut(broker);
            return;
        }
        if self.alive.is_send_due(now_ms) {
            self.send(&Object::new(Kind::KeepAliveInfo), out);
        }
    }

    /// One that wants an answer gets another one.
    pub(super) fn on_keep_alive(&mut self, command: &Object<'_>, out: &mut Vec<u8>) {
        if command.is(Field::ResponseRequired) {
            let answer = Object::new(Kind::KeepAliveInfo).with(Field::ResponseRequired, Value::Bool(false));
            self.send(&answer, out);
        }
    }
}
