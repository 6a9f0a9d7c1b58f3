//! MessageAck: what became of messages.

use smallvec::SmallVec;
use ternmq_broker::{Broker, DeliveryId, Outcome, SettleRange};

use super::{
    OpenWireSession,
    answer::Asked,
    consume::{Consumer, required},
    id::hash_of_id,
    transaction::{TransactionKey, key_of_transaction},
    unsettled::Unsettled,
};
use crate::{
    codec::{Field, Object},
    error::{Fault, class},
};

/// Types of acknowledgement.
mod ack {
    pub(super) const DELIVERED: i64 = 0;
    pub(super) const POISON: i64 = 1;
    pub(super) const STANDARD: i64 = 2;
    pub(super) const REDELIVERED: i64 = 3;
    pub(super) const INDIVIDUAL: i64 = 4;
    pub(super) const UNMATCHED: i64 = 5;
    pub(super) const EXPIRED: i64 = 6;
}

/// Deliveries that an acknowledgement covers.
type Covered = SmallVec<[Unsettled; 4]>;

/// The messages that an acknowledgement names.
struct Named {
    first: Option<u64>,
    last: Option<u64>,
    /// Of a range the last one alone.
    is_one: bool,
}

impl Named {
    fn of(command: &Object<'_>, is_one: bool) -> Self {
        let hash = |field| command.object(field).map(|id| hash_of_id(id));
        Self { first: hash(Field::FirstMessageId), last: hash(Field::LastMessageId), is_one }
    }

    /// Places of the covered ones among what a consumer has.
    fn range(&self, consumer: &Consumer) -> Option<std::ops::Range<usize>> {
        let place = |hash: u64| consumer.unsettled.place_of(hash);
        let last = match self.last {
            Some(hash) => place(hash)?,
            None => return None,
        };
        if self.is_one {
            return Some(last..last + 1);
        }
        let first = self.first.and_then(place).filter(|first| *first <= last).unwrap_or_default();
        Some(first..last + 1)
    }
}

impl OpenWireSession {
    pub(super) fn on_ack(
        &mut self,
        broker: &mut Broker,
        command: &Object<'_>,
        asked: Asked,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let kind = command.number(Field::AckType);
        let outcome = match kind {
            ack::DELIVERED => None,
            ack::STANDARD | ack::INDIVIDUAL | ack::UNMATCHED => Some(Outcome::Accept),
            ack::POISON | ack::EXPIRED => Some(Outcome::Discard),
            // The client counts its redeliveries itself.
            ack::REDELIVERED => {
                self.promise_all(asked);
                return Ok(());
            }
            other => {
                return Err(Fault::new(class::JMS, format!("there is no type {other} of acknowledgement")));
            }
        };
        let id = required(command, Field::ConsumerId)?;
        let Some(slot) = self.slot_of(id) else {
            // Its consumer is closed, and what it had went back: there is nothing to acknowledge any more.
            self.promise_all(asked);
            return Ok(());
        };
        if self.consumer_at(slot).is_some_and(|consumer| consumer.browser.is_some()) {
            self.note_read(broker, slot, command.number(Field::MessageCount), out);
            self.promise_all(asked);
            return Ok(());
        }
        let named = Named::of(command, kind == ack::INDIVIDUAL);
        match outcome {
            None => {
                self.note_delivered(slot, &named);
                self.renew_window(broker, slot);
            }
            Some(outcome) => self.settle(broker, command, slot, &named, outcome)?,
        }
        self.promise_all(asked);
        Ok(())
    }

    /// The application has messages and acknowledges them later: as many more may come.
    fn note_delivered(&mut self, slot: usize, named: &Named) {
        let Some(consumer) = self.consumer_at(slot) else { return };
        if let Some(range) = named.range(consumer) {
            consumer.unsettled.mark_delivered(range);
        }
    }

    fn settle(
        &mut self,
        broker: &mut Broker,
        command: &Object<'_>,
        slot: usize,
        named: &Named,
        outcome: Outcome,
    ) -> Result<(), Fault> {
        let session = self.session.ok_or_else(Fault::gone)?;
        let key = command.object(Field::TransactionId).map(|id| key_of_transaction(id)).transpose()?;
        let Some(range) = self.range_of(broker, slot, named) else {
            let text = "Unmatched acknowledge: the message is not among those that the consumer has";
            return Err(Fault::new(class::JMS, text));
        };
        let staging = match key {
            Some(TransactionKey::Branch(branch)) => {
                return self.accept_in_branch(broker, &branch, slot, range, outcome);
            }
            Some(TransactionKey::Local(key)) => Some((key, self.transaction(key)?.session)),
            None => None,
        };
        let Some(consumer) = self.consumer_at(slot) else { return Ok(()) };
        let covered: Covered = consumer.unsettled.take(range);
        if staging.is_some() {
            consumer.staged =
                consumer.staged.saturating_add(u32::try_from(covered.len()).unwrap_or(u32::MAX));
        }
        // Before the settlement, which lets come what the window then allows.
        self.renew_window(broker, slot);
        for entry in &covered {
            let delivery = DeliveryId(entry.number);
            let settled = match staging {
                Some((_, staging)) => broker.settle_within(staging, session, delivery, outcome),
                None => broker.settle(session, delivery, SettleRange::One, outcome),
            };
            settled.map_err(|error| Fault::of(&error, &**broker.dialect()))?;
        }
        if let Some((key, _)) = staging {
            self.transaction(key)?.taken.extend(covered.into_iter().map(|entry| (slot, entry)));
        }
        Ok(())
    }

    /// Places of what an acknowledgement names. What another connection has rolled back is the consumer's again.
    fn range_of(
        &mut self,
        broker: &mut Broker,
        slot: usize,
        named: &Named,
    ) -> Option<std::ops::Range<usize>> {
        let found = self.consumer_at(slot).and_then(|consumer| named.range(consumer));
        if found.is_some() {
            return found;
        }
        self.look_after_held(broker);
        self.consumer_at(slot).and_then(|consumer| named.range(consumer))
    }
}
