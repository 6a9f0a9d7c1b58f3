//! ACK and NACK.

use smallvec::{SmallVec, smallvec};
use ternmq_broker::{Broker, DeliveryId, Outcome, SettleRange};

use super::{
    StompSession,
    close::gone,
    connect::addresses,
    subscribe::{AckMode, Subscription},
};
use crate::{
    codec::{Headers, Version},
    error::Fault,
    format::name,
};

/// A message that an acknowledgement names.
struct Token<'a> {
    tag: &'a str,
    number: u64,
}

/// Deliveries with the places of their subscriptions.
type Covered = SmallVec<[(usize, u64); 1]>;
/// The place of a subscription that is gone.
const NO_PLACE: usize = usize::MAX;

impl StompSession {
    pub(super) fn on_ack(&mut self, broker: &mut Broker, headers: Headers<'_>) -> Result<(), Fault> {
        self.settle(broker, headers, "ACK", Outcome::Accept)
    }

    /// Back to the queue, or dead-lettered or dropped, as the frame says where the dialect has a word for it.
    pub(super) fn on_nack(&mut self, broker: &mut Broker, headers: Headers<'_>) -> Result<(), Fault> {
        let is_requeued = match self.words.requeue.and_then(|word| headers.get(word)).as_deref() {
            Some("true" | "True") => true,
            Some("false" | "False") => false,
            _ => self.settings.is_nack_requeued,
        };
        let outcome = if is_requeued { Outcome::Requeue } else { Outcome::Discard };
        self.settle(broker, headers, "NACK", outcome)
    }

    /// Header by which the client names a message.
    fn token_name(&self) -> &'static str {
        match self.version {
            Version::V10 | Version::V11 => name::MESSAGE_ID,
            Version::V12 => name::ID,
        }
    }

    fn read_token<'a>(&self, value: &'a str) -> Option<Token<'a>> {
        let start = if self.version == Version::V12 { self.words.ack_start } else { "" };
        let value = value.strip_prefix(start)?;
        let (rest, number) = value.rsplit_once("@@")?;
        let (tag, session) = rest.rsplit_once("@@")?;
        // Another connection's numbers mean nothing here.
        if session != &*self.id {
            return None;
        }
        Some(Token { tag, number: number.parse().ok()? })
    }

    fn settle(
        &mut self,
        broker: &mut Broker,
        headers: Headers<'_>,
        command: &str,
        outcome: Outcome,
    ) -> Result<(), Fault> {
        let header = self.token_name();
        let Some(value) = headers.get(header) else {
            let text = format!("\"{command}\" must include the \"{header}\" header\n");
            return Err(Fault::new("Missing header", text));
        };
        let Some(token) = self.read_token(&value) else {
            let dialect = broker.dialect();
            return Err(addresses(&**dialect)?.unknown_delivery(command, header, &value).into());
        };
        let transaction = headers.get(name::TRANSACTION);
        let receipt = headers.get(name::RECEIPT);
        match transaction {
            Some(transaction) => {
                self.stage(broker, &transaction, &token, outcome)?;
                // What is only staged is not done: the receipt comes with the commit (guarantees 3, I3).
                if let Some(receipt) = receipt {
                    self.transaction(&transaction)?.keep_receipt(receipt.into_owned())?;
                }
            }
            None => {
                let session = self.session.ok_or_else(gone)?;
                let covered = self.take_covered(&token);
                for (_, number) in covered {
                    broker
                        .settle(session, DeliveryId(number), SettleRange::One, outcome)
                        .map_err(|error| Fault::of(&error, &**broker.dialect()))?;
                }
                self.promise_all(receipt.as_deref());
            }
        }
        Ok(())
    }

    /// Deliveries that an acknowledgement covers, with the place of their subscription: those of its subscription up to it,
    /// or it alone.
    fn take_covered(&mut self, token: &Token<'_>) -> Covered {
        let is_it = |place: &Option<Box<Subscription>>| {
            place.as_deref().is_some_and(|known| &*known.tag == token.tag)
        };
        let Some(slot) = self.subscriptions.iter().position(is_it) else {
            return smallvec![(NO_PLACE, token.number)];
        };
        if let Some(Some(known)) = self.subscriptions.get_mut(slot)
            && known.mode == AckMode::Client
            && known.unsettled.binary_search(&token.number).is_ok()
        {
            let count = known.unsettled.partition_point(|number| *number <= token.number);
            return known.unsettled.drain(..count).map(|number| (slot, number)).collect();
        }
        smallvec![(slot, token.number)]
    }

    fn stage(
        &mut self,
        broker: &mut Broker,
        transaction: &str,
        token: &Token<'_>,
        outcome: Outcome,
    ) -> Result<(), Fault> {
        let session = self.session.ok_or_else(gone)?;
        let staging = self.transaction(transaction)?.session;
        let covered = self.take_covered(token);
        for (_, number) in &covered {
            broker
                .settle_within(staging, session, DeliveryId(*number), outcome)
                .map_err(|error| Fault::of(&error, &**broker.dialect()))?;
        }
        // An abort puts them back to where they were taken from.
        self.transaction(transaction)?.taken.extend(covered);
        Ok(())
    }
}
