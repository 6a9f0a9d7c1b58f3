//! Acknowledgements: of the client for our messages, and the second half of its own QoS 2 messages.

use ternmq_broker::{Broker, Outcome, Receipt, SettleRange};

use super::{MqttSession, answers::Answer};
use crate::{
    codec::{Ack, Kind, Qos, Reason},
    error::Fault,
};

/// The message of this identifier is under way, and its QoS has another answer at this point (MQTT 5 4.3.2, 4.3.3;
/// MQTT-4.8.0-1 of 3.1.1).
fn wrong_kind(what: &str, id: u16) -> Fault {
    Fault::new(Reason::PROTOCOL_ERROR, format!("{what} is not the answer that message {id} waits for"))
}

impl MqttSession {
    /// The client has a QoS 1 message, or does not want it: it is done with either way.
    pub(super) fn on_puback(&mut self, broker: &mut Broker, ack: &Ack<'_>) -> Result<(), Fault> {
        let (session, id) = (self.session()?, ack.id.get());
        let under_way = self.link.as_deref().and_then(|link| link.outbound.get(&id)).copied();
        match under_way {
            Some(under_way) if under_way.qos == Qos::AtLeastOnce => {
                self.link().outbound.remove(&id);
                self.accept(broker, under_way.delivery);
            }
            Some(_) => return Err(wrong_kind("PUBACK", id)),
            None if broker.released_tokens(session).contains(&id) => return Err(wrong_kind("PUBACK", id)),
            // One that we know nothing of does no harm: it may be late.
            None => {}
        }
        Ok(())
    }

    /// The client has a QoS 2 message: it is never sent again, its identifier stays until PUBCOMP.
    pub(super) fn on_pubrec(
        &mut self,
        broker: &mut Broker,
        ack: &Ack<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let (session, id) = (self.session()?, ack.id.get());
        let under_way = self.link.as_deref_mut().and_then(|link| link.outbound.remove(&id));
        if under_way.is_some_and(|it| it.qos != Qos::ExactlyOnce) {
            return Err(wrong_kind("PUBREC", id));
        }
        let Some(under_way) = under_way else {
            let is_released = broker.released_tokens(session).contains(&id);
            if is_released || !ack.reason.is_error() {
                let reason = if is_released { Reason::SUCCESS } else { Reason::PACKET_IDENTIFIER_NOT_FOUND };
                self.answer(broker, Receipt::NONE, Answer::Ack(Kind::PubRel, ack.id, reason), out);
            }
            return Ok(());
        };
        if ack.reason.is_error() {
            // The client does not want it: its identifier is free (MQTT 5 4.3.3).
            self.accept(broker, under_way.delivery);
            return Ok(());
        }
        // The window is narrowed first, so that what is settled makes no room: only PUBCOMP does.
        self.set_window(broker, 1);
        let receipt =
            self.ask(broker, |broker, session| broker.settle_released(session, under_way.delivery, id))?;
        self.answer(broker, receipt, Answer::Ack(Kind::PubRel, ack.id, Reason::SUCCESS), out);
        Ok(())
    }

    /// The client releases the identifier of its own QoS 2 message.
    pub(super) fn on_pubrel(
        &mut self,
        broker: &mut Broker,
        ack: &Ack<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let done = self.ask(broker, |broker, session| broker.forget_token(session, ack.id.get()))?;
        // An unknown identifier is no error while a client recovers what an earlier connection left (MQTT 5 3.7.2.1), and there
        // are clients that report the message as not published when they read one.
        let is_good = done.value || self.flags.is_resumed;
        let reason = if is_good { Reason::SUCCESS } else { Reason::PACKET_IDENTIFIER_NOT_FOUND };
        self.answer(broker, done.receipt, Answer::Ack(Kind::PubComp, ack.id, reason), out);
        Ok(())
    }

    /// The client has forgotten the identifier of our QoS 2 message.
    pub(super) fn on_pubcomp(&mut self, broker: &mut Broker, ack: &Ack<'_>) -> Result<(), Fault> {
        let id = ack.id.get();
        if self.link.as_deref().is_some_and(|link| link.outbound.contains_key(&id)) {
            return Err(wrong_kind("PUBCOMP", id));
        }
        let done = self.ask(broker, |broker, session| broker.complete_token(session, id))?;
        if done.value {
            self.set_window(broker, 0);
            self.deliver_held(broker);
        }
        Ok(())
    }

    /// Lets as many messages be under way as the client takes, less those whose identifier is not free yet.
    pub(super) fn set_window(&self, broker: &mut Broker, more: usize) {
        let Some(session) = self.session else { return };
        let released = broker.released_tokens(session).len() + more;
        let window = u32::from(self.receive_max).saturating_sub(u32::try_from(released).unwrap_or(u32::MAX));
        broker.set_session_window(session, Some(window));
    }

    /// A delivery is done with.
    pub(super) fn accept(&mut self, broker: &mut Broker, delivery: ternmq_broker::DeliveryId) {
        let Some(session) = self.session else { return };
        // One that needs no settlement is not known, which is fine.
        let _known = broker.settle(session, delivery, SettleRange::One, Outcome::Accept);
        self.deliver_held(broker);
    }
}
