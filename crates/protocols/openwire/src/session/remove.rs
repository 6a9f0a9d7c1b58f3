//! RemoveInfo and RemoveSubscriptionInfo: the ends of connections, sessions, consumers, producers and subscriptions.

use ternmq_broker::{Broker, DeliveryId, Outcome, Receipt, SettleRange};

use super::{
    OpenWireSession,
    answer::Asked,
    consume::{key_of, required},
    unsettled::Unsettled,
};
use crate::{
    codec::{Field, Kind, Object},
    error::{Fault, class},
    translate::places,
};

impl OpenWireSession {
    pub(super) fn on_remove(
        &mut self,
        broker: &mut Broker,
        command: &Object<'_>,
        asked: Asked,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let id = required(command, Field::ObjectId)?;
        match id.kind() {
            Kind::ConsumerId => {
                if let Some(slot) = self.slot_of(id) {
                    self.remove_consumer(broker, slot, out);
                }
            }
            Kind::ProducerId => {
                let key = key_of(id);
                self.remove_producers(broker, |known| known == key);
            }
            Kind::SessionId => {
                let session = id.number(Field::Value);
                self.remove_consumers(broker, |known| known == session, out);
                self.remove_producers(broker, |(known, _)| known == session);
                self.sessions.remove(&session);
            }
            // The connection goes once the client says that it does.
            _ => {
                self.remove_consumers(broker, |_| true, out);
                self.transactions.drain(..).for_each(|open| broker.close_session(open.session));
                self.remove_producers(broker, |_| true);
                self.sessions.clear();
            }
        }
        self.promise_all(asked);
        Ok(())
    }

    fn remove_consumers(&mut self, broker: &mut Broker, is_meant: impl Fn(i64) -> bool, out: &mut Vec<u8>) {
        for slot in 0..self.consumers.len() {
            if self.consumer_at(slot).is_some_and(|consumer| is_meant(consumer.key.0)) {
                self.remove_consumer(broker, slot, out);
            }
        }
    }

    /// Ends a consumer; what it has not acknowledged goes back to its queue. What is in transactions stays in them.
    pub(super) fn remove_consumer(&mut self, broker: &mut Broker, slot: usize, out: &mut Vec<u8>) {
        // What is on its way goes out first: no delivery follows the answer.
        self.flush_effects(broker, out);
        let Some(consumer) = self.consumers.get_mut(slot).and_then(Option::take) else { return };
        self.orphan_held(slot);
        if let Some(part) = consumer.part {
            broker.cancel(part);
        }
        for entry in consumer.unsettled {
            self.give_back(broker, entry);
        }
    }

    /// A delivery goes back to its queue.
    pub(super) fn give_back(&self, broker: &mut Broker, entry: Unsettled) {
        if let Some(session) = self.session {
            // One whose queue has gone meanwhile is settled already.
            let _known = broker.settle(session, DeliveryId(entry.number), SettleRange::One, Outcome::Requeue);
        }
    }

    pub(super) fn on_remove_subscription(
        &mut self,
        broker: &mut Broker,
        command: &Object<'_>,
        asked: Asked,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let session = self.session.ok_or_else(Fault::gone)?;
        let client = command.text(Field::ClientId).filter(|name| !name.is_empty());
        let client = client.or(self.client.as_deref());
        let (Some(client), Some(name)) = (client, command.text(Field::SubscriptionName)) else {
            let text = "a durable subscription is known by the client's id and its own name";
            return Err(Fault::new(class::INVALID_CLIENT, text));
        };
        if self.client.as_deref() != Some(client) {
            let text = "a durable subscription is given up by its own client only";
            return Err(Fault::new(class::INVALID_CLIENT, text));
        }
        let dialect = broker.dialect().clone();
        let queue = places(&*dialect)?.durable_queue(client, name);
        let given_up = broker.give_up_subscription(session, &queue);
        let receipt: Receipt = given_up.map_err(|error| Fault::of(&error, &*dialect))?;
        self.promise(broker, asked, receipt, out);
        Ok(())
    }
}
