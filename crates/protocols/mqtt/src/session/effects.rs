//! Effects of the core as packets.

use ternmq_broker::{Broker, Effect};

use super::{MqttSession, State, answers::Answer};
use crate::{
    codec::{Kind, PacketId, Reason},
    error::Fault,
};

impl MqttSession {
    pub(super) fn on_effect(&mut self, broker: &mut Broker, effect: Effect, out: &mut Vec<u8>) {
        if !matches!(self.state, State::Open) {
            return;
        }
        match effect {
            Effect::Deliver(deliver) => self.on_deliver(broker, deliver, out),
            // No consumer of this protocol has several queues.
            Effect::DeliverFrom(_) => {}
            Effect::Loaded { .. } => self.on_woken(broker, out),
            Effect::TakenOver { .. } => {
                let text = "the client identifier is used by another connection now";
                self.fail(broker, &Fault::new(Reason::SESSION_TAKEN_OVER, text), out);
            }
            Effect::ConsumerEnded { .. } => {
                let text = "the queue of the session was deleted";
                self.fail(broker, &Fault::new(Reason::ADMINISTRATIVE_ACTION, text), out);
            }
            Effect::SessionEnded { timeout_ms, .. } => {
                let text = format!("a message was not acknowledged for {timeout_ms} ms");
                self.fail(broker, &Fault::new(Reason::ADMINISTRATIVE_ACTION, text), out);
            }
            Effect::Close { reason } => {
                self.fail(broker, &Fault::new(Reason::ADMINISTRATIVE_ACTION, &*reason), out);
            }
            Effect::Blocked { is_blocked, .. } => {
                if !is_blocked {
                    self.flags.is_held = false;
                }
            }
        }
    }

    /// A client is here: what was under way goes on (MQTT-4.4.0-1), then deliveries begin.
    pub(super) fn resume(&mut self, broker: &mut Broker, out: &mut Vec<u8>) -> Result<(), Fault> {
        let session = self.session()?;
        let released: Vec<PacketId> =
            broker.released_tokens(session).iter().filter_map(|id| PacketId::of(*id)).collect();
        // An earlier connection may have been told of them just now. Were that lost in a crash after the client forgot the
        // identifier, it would get the message a second time.
        let receipt = broker.receipt_so_far();
        for id in released {
            self.answer(broker, receipt, Answer::Ack(Kind::PubRel, id, Reason::SUCCESS), out);
        }
        self.flags.needs_settle |=
            broker.session_subscriptions(session).iter().any(|subscription| subscription.needs_settle);
        self.set_window(broker, 0);
        if broker.has_retained_reads(session) {
            broker.wake_adapter_later(session);
        }
        self.ask(broker, |broker, session| broker.start_client(session))
    }
}
