//! Effects of the core as commands.

use std::sync::Arc;

use ternmq_broker::{Broker, Deliver, Effect};

use super::{
    OpenWireSession,
    answer::Asked,
    outgoing::{Outgoing, outgoing},
    unsettled::Unsettled,
};
use crate::{
    codec::{Field, Kind, Object, Value, encode_around},
    error::{Fault, class},
    translate::destination_of,
};

impl OpenWireSession {
    pub(super) fn on_effect(&mut self, broker: &mut Broker, effect: Effect, out: &mut Vec<u8>) {
        if !self.is_open() {
            return;
        }
        match effect {
            Effect::Deliver(deliver) => self.on_deliver(broker, &deliver, out),
            Effect::ConsumerEnded { consumer_label, .. } => self.on_consumer_ended(consumer_label, out),
            Effect::SessionEnded { timeout_ms, .. } => {
                let text = format!("A message was not acknowledged within {timeout_ms} ms");
                self.fail(broker, Asked(None), &Fault::new(class::JMS, text), out);
            }
            // Nothing is fetched here, and no connection stands for a named client of the core.
            Effect::Loaded { .. } | Effect::TakenOver { .. } => {}
            Effect::Close { reason } => {
                self.fail(broker, Asked(None), &Fault::new(class::JMS, reason.to_string()), out);
            }
            // The client can't be told; it notices that its messages are not taken.
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

    fn on_deliver(&mut self, broker: &mut Broker, deliver: &Deliver, out: &mut Vec<u8>) {
        let slot = deliver.consumer_label as usize;
        let Some(Some(consumer)) = self.consumers.get_mut(slot) else { return };
        let mut message = outgoing(broker, deliver, &consumer.queue);
        let id_hash = message.id_hash();
        consumer.unsettled.push(Unsettled { number: deliver.delivery.0, id_hash, is_delivered: false });
        let is_pulled = consumer.prefetch == 0;
        consumer.pulls = consumer.pulls.saturating_sub(1);
        consumer.pull_deadline_ms = consumer.pull_deadline_ms.filter(|_| consumer.pulls > 0);
        let destination = destination(broker, deliver, &consumer.destination);
        message.set_destination(&destination);
        let redeliveries = deliver.failed_count.unwrap_or_default().max(u32::from(deliver.is_redelivered));
        let redeliveries = Value::Int(i32::try_from(redeliveries).unwrap_or(i32::MAX));
        message.set(Field::RedeliveryCounter, redeliveries.clone());
        message.set(Field::GroupFirstForConsumer, Value::Bool(deliver.is_group_first));
        let dispatch = Object::new(Kind::MessageDispatch)
            .with_object(Field::ConsumerId, consumer.id.clone())
            .with_object(Field::Destination, destination)
            .with(Field::RedeliveryCounter, redeliveries);
        match message {
            Outgoing::Kept(kept) => encode_around(&dispatch, &kept, self.encoding, &mut self.sent, out),
            Outgoing::Made(made) => self.send(&dispatch.with_object(Field::Message, Arc::new(made)), out),
        }
        if is_pulled {
            self.renew_window(broker, slot);
        }
    }

    /// A consumer ends without its client's doing: it is told to close it.
    fn on_consumer_ended(&mut self, label: u32, out: &mut Vec<u8>) {
        let place = self.consumers.get_mut(label as usize).and_then(Option::take);
        self.orphan_held(label as usize);
        let Some(consumer) = place else { return };
        let control = Object::new(Kind::ConsumerControl)
            .with_object(Field::Destination, consumer.destination)
            .with_object(Field::ConsumerId, consumer.id)
            .with(Field::Close, Value::Bool(true));
        self.send(&control, out);
    }
}

/// The destination that a message comes from: of a topic the one that it was sent to, of a queue the queue.
fn destination(broker: &Broker, deliver: &Deliver, consumed: &Arc<Object<'static>>) -> Arc<Object<'static>> {
    let message = &deliver.message;
    let is_one = consumed.text(Field::PhysicalName).is_some_and(|name| !name.contains(','));
    if is_one && matches!(consumed.kind(), Kind::Queue | Kind::TempQueue) {
        return consumed.clone();
    }
    match broker.dialect().places() {
        Some(known) => Arc::new(destination_of(&known.place_of(message.node(), message.key()))),
        None => consumed.clone(),
    }
}
