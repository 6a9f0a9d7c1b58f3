//! Effects of the core as frames.

use ternmq_broker::{Broker, Deliver, Effect};

use super::{
    StompSession,
    connect::addresses,
    subscribe::{AckMode, LastAddress},
};
use crate::{
    codec::{FrameWriter, Version, push_escaped},
    error::Fault,
    format::name,
    translate::{Reader, write_properties},
};

impl StompSession {
    pub(super) fn on_effect(&mut self, broker: &mut Broker, effect: Effect, out: &mut Vec<u8>) {
        if !self.is_open() {
            return;
        }
        match effect {
            Effect::Deliver(deliver) => self.on_deliver(broker, &deliver, out),
            Effect::DeliverFrom(from) => self.on_deliver(broker, &from.deliver, out),
            Effect::ConsumerEnded { consumer_label, .. } => self.on_consumer_ended(consumer_label, out),
            Effect::SessionEnded { timeout_ms, .. } => {
                let text = format!(
                    "delivery acknowledgement timed out. Timeout value used: {timeout_ms} ms. \
                     This timeout value can be configured, see consumers doc guide to learn more"
                );
                self.fail(broker, Fault::coded("precondition_failed", text), None, out);
            }
            // Nothing is fetched here, and no connection stands for a named client of the core.
            Effect::Loaded { .. } | Effect::TakenOver { .. } => {}
            Effect::Close { reason } => {
                self.fail(broker, Fault::coded("connection_forced", reason.to_string()), None, out);
            }
            // The client can't be told; it notices that its frames are not taken.
            Effect::Blocked { is_blocked: true, .. } => {}
            Effect::Blocked { is_blocked: false, .. } => self.is_held = false,
        }
    }

    /// Handles the effects for this connection that nobody has handed out yet.
    pub(super) fn flush_effects(&mut self, broker: &mut Broker, out: &mut Vec<u8>) {
        let Some(connection) = self.connection else { return };
        for effect in broker.take_effects_of(connection) {
            self.on_effect(broker, effect, out);
        }
    }

    fn on_deliver(&mut self, broker: &Broker, deliver: &Deliver, out: &mut Vec<u8>) {
        let dialect = broker.dialect();
        // A connection without addresses has no subscription.
        let Ok(addresses) = addresses(&**dialect) else { return };
        let place = self.subscriptions.get_mut(deliver.consumer_label as usize);
        let Some(subscription) = place.and_then(Option::as_deref_mut) else { return };
        let escapes = self.version.escapes();
        let message = &deliver.message;
        let (names, node_len) = (message.names(), message.lens().0);
        let is_known = subscription
            .last_address
            .as_ref()
            .is_some_and(|known| *known.names == *names && known.node_len == node_len);
        if !is_known {
            let mut line = b"destination:".to_vec();
            push_escaped(&mut line, &addresses.address_of(message.node(), message.key(), &self.id), escapes);
            line.push(b'\n');
            let line = line.into();
            subscription.last_address = Some(LastAddress { names: names.into(), node_len, line });
        }
        let number = deliver.delivery.0;
        let mut frame = FrameWriter::resume(out, &subscription.start, escapes);
        if let Some(known) = &subscription.last_address {
            frame.raw(&known.line);
        }
        frame.raw(b"message-id:").raw(&subscription.id_prefix).digits(number);
        frame.raw(match (deliver.is_redelivered, self.words.tells_first_delivery) {
            (true, _) => b"\nredelivered:true\n",
            (false, true) => b"\nredelivered:false\n",
            (false, false) => b"\n",
        });
        if self.version == Version::V12 && subscription.mode != AckMode::Auto {
            frame
                .raw(b"ack:")
                .raw(self.words.ack_start.as_bytes())
                .raw(&subscription.id_prefix)
                .digits(number)
                .raw(b"\n");
        }
        if subscription.mode == AckMode::Client {
            subscription.unsettled.push_back(number);
        }
        write_properties(
            broker,
            &Reader { addresses, words: self.words, owner: &self.id },
            deliver,
            escapes,
            &mut frame,
        );
        frame.end(message.body());
    }

    /// A subscription ends without its client's doing: it is told by an ERROR frame. The connection lives on, as clients of
    /// RabbitMQ expect: its other subscriptions are none the worse.
    fn on_consumer_ended(&mut self, label: u32, out: &mut Vec<u8>) {
        let place = self.subscriptions.get_mut(label as usize).and_then(Option::take);
        let Some(subscription) = place else { return };
        let (id, what) = match (subscription.tag.strip_prefix("T_"), subscription.tag.strip_prefix("Q_")) {
            (Some(id), _) => (id, format!("\"id='{id}'\"")),
            (None, destination) => {
                let destination = destination.unwrap_or_default();
                (destination, format!("\"destination='{destination}'\""))
            }
        };
        let text = format!(
            "The server has canceled a subscription.\nNo more messages will be delivered for {what}.\n"
        );
        let fault = Fault::new("Server cancelled subscription", text);
        out.extend_from_slice(&self.error_frame(&fault, &[(name::SUBSCRIPTION, id)]));
    }
}
