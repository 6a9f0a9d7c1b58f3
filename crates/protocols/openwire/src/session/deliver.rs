//! Effects of the core as commands.

use std::{borrow::Cow, sync::Arc};

use ternmq_broker::{Broker, Deliver, DeliverFrom, Effect};

use super::{
    OpenWireSession,
    answer::Asked,
    outgoing::{Outgoing, outgoing},
    unsettled::Unsettled,
};
use crate::{
    codec::{Dispatch, Field, Kind, NO_ENDS, Object, Value, encode_dispatch, kept},
    error::{Fault, class},
    translate::destination_of,
};

impl OpenWireSession {
    pub(super) fn on_effect(&mut self, broker: &mut Broker, effect: Effect, out: &mut Vec<u8>) {
        if !self.is_open() {
            return;
        }
        match effect {
            Effect::Deliver(deliver) => self.on_deliver(broker, &deliver, None, out),
            Effect::DeliverFrom(from) => self.on_deliver(broker, &from.deliver, Some(&from), out),
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

    /// `from` says where the message of a consumer of several queues comes from.
    fn on_deliver(
        &mut self,
        broker: &mut Broker,
        deliver: &Deliver,
        from: Option<&DeliverFrom>,
        out: &mut Vec<u8>,
    ) {
        let slot = deliver.consumer_label as usize;
        let Some(Some(consumer)) = self.consumers.get_mut(slot) else { return };
        let queue = from.map_or(&consumer.queue, |from| &from.queue);
        let mut room = NO_ENDS;
        let mut message = outgoing(broker, deliver, queue, self.encoding, &mut room, &mut self.walks);
        let id_hash = message.id_hash();
        consumer.unsettled.push(Unsettled { number: deliver.delivery.0, id_hash, is_delivered: false });
        let is_pulled = consumer.prefetch == 0;
        consumer.pulls = consumer.pulls.saturating_sub(1);
        consumer.pull_deadline_ms = consumer.pull_deadline_ms.filter(|_| consumer.pulls > 0);
        let destination = destination(broker, deliver, from, &consumer.destination);
        let own_raw = if Arc::ptr_eq(&destination, &consumer.destination) {
            Cow::Borrowed(&*consumer.raw_destination)
        } else {
            Cow::Owned(kept(&destination).into())
        };
        message.set_destination(&destination, &own_raw);
        let redeliveries = deliver.failed_count.unwrap_or_default().max(u32::from(deliver.is_redelivered));
        let redeliveries = i32::try_from(redeliveries).unwrap_or(i32::MAX);
        // A kept message says neither.
        if redeliveries > 0 {
            message.set(Field::RedeliveryCounter, Value::Int(redeliveries));
        }
        if deliver.is_group_first {
            message.set(Field::GroupFirstForConsumer, Value::Bool(true));
        }
        match message {
            Outgoing::Kept(message) => {
                let dispatch = Dispatch { consumer: &consumer.raw_id, destination: &own_raw, redeliveries };
                encode_dispatch(dispatch, &message, self.encoding, &mut self.sent, out);
            }
            Outgoing::Made(made) => {
                let dispatch = Object::new(Kind::MessageDispatch)
                    .with_object(Field::ConsumerId, consumer.id.clone())
                    .with_object(Field::Destination, destination)
                    .with_object(Field::Message, Arc::new(made))
                    .with(Field::RedeliveryCounter, Value::Int(redeliveries));
                self.send(&dispatch, out);
            }
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
fn destination(
    broker: &Broker,
    deliver: &Deliver,
    from: Option<&DeliverFrom>,
    consumed: &Arc<Object<'static>>,
) -> Arc<Object<'static>> {
    let message = &deliver.message;
    if from.is_none() && matches!(consumed.kind(), Kind::Queue | Kind::TempQueue) {
        return consumed.clone();
    }
    let queue = from.filter(|from| !from.is_subscription).map(|from| &*from.queue);
    match (broker.dialect().places(), queue) {
        // A queue is its key on the default node.
        (Some(known), Some(queue)) => Arc::new(destination_of(&known.place_of("", queue))),
        (Some(known), None) => Arc::new(destination_of(&known.place_of(message.node(), message.key()))),
        (None, _) => consumed.clone(),
    }
}
