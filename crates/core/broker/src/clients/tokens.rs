//! Exactly once, in both directions: a token names a message under way between a client and the broker.

use ternmq_message::Message;

use crate::{
    broker::{Broker, Done},
    clients::ClientId,
    effect::{DeliveryId, SessionId},
    error::Error,
    log::{Grouping, Receipt},
    publish::{Publish, Published},
    records::{TokenOp, TokenRecord, kind, write_token},
    settle::{Outcome, SettleRange},
};

/// What became of a message that is published once.
#[derive(Debug)]
#[must_use]
pub enum Once {
    /// It was published now.
    Published(Published, Receipt),
    /// It was published before, under the same token.
    Before(Receipt),
}

impl Broker {
    /// Publishes a message under a token: as long as the token is not forgotten, the same token publishes nothing
    /// more. Message and token are durable together (I6).
    ///
    /// # Errors
    /// As [`Broker::publish`]; the token is not taken then.
    pub fn publish_once(
        &mut self,
        session: SessionId,
        token: u16,
        publish: Publish<'_>,
        is_retained: bool,
    ) -> Result<Once, Error> {
        let (client, _) = self.client_of(session)?;
        let known = self.clients.get(client).ok_or(Error::Gone)?;
        if known.own.as_ref().is_some_and(|own| own.taken.contains(&token)) {
            return Ok(Once::Before(self.receipt_so_far()));
        }
        let is_kept = known.is_logged;
        let kept: Option<Message> = is_retained.then(|| publish.message.clone());
        let (outcome, receipt) = self.as_group(|broker| {
            let published = broker.publish(session, publish)?;
            if matches!(published, Published::Refused) {
                return Ok(published);
            }
            if let Some(message) = kept {
                broker.retain(session, &message)?;
            }
            if let Some(known) = broker.clients.get_mut(client) {
                known.own().taken.push(token);
            }
            if is_kept {
                broker.record_token(client, TokenOp::Taken, token);
            }
            Ok(published)
        });
        outcome.map(|published| Once::Published(published, receipt))
    }

    /// Tokens of the messages that a session's client has published once and not forgotten.
    #[must_use]
    pub fn taken_tokens(&self, session: SessionId) -> &[u16] {
        let client = self.client_of(session).ok().and_then(|(client, _)| self.clients.get(client));
        client.and_then(|client| client.own.as_ref()).map_or(&[], |own| &own.taken)
    }

    /// Forgets a token: it may name another message. Answers whether it was known. The receipt of one that was not covers
    /// that an earlier connection forgot it: were that lost in a crash after all, the next message of this name would be
    /// taken for the one before.
    ///
    /// # Errors
    /// No client.
    pub fn forget_token(&mut self, session: SessionId, token: u16) -> Result<Done<bool>, Error> {
        let (client, _) = self.client_of(session)?;
        let known = self.clients.get_mut(client).ok_or(Error::Gone)?;
        let is_kept = known.is_logged;
        let was_taken = known.own.as_mut().is_some_and(|own| take(&mut own.taken, token));
        let receipt = match (is_kept, was_taken) {
            (false, _) => Receipt::NONE,
            (true, true) => self.record_token(client, TokenOp::Forgotten, token),
            (true, false) => self.receipt_so_far(),
        };
        Ok(Done { value: was_taken, receipt })
    }

    /// The client has the message of a delivery and keeps its token: the message is gone, the token stays until
    /// [`Broker::complete_token`]. Both are durable together.
    ///
    /// # Errors
    /// No client, or no such delivery; nothing has changed then.
    pub fn settle_released(
        &mut self,
        session: SessionId,
        delivery: DeliveryId,
        token: u16,
    ) -> Result<Receipt, Error> {
        let (client, _) = self.client_of(session)?;
        let is_kept = self.clients.get(client).is_some_and(|client| client.is_logged);
        if !is_kept {
            self.settle(session, delivery, SettleRange::One, Outcome::Accept)?;
            self.note_released(client, token);
            return Ok(Receipt::NONE);
        }
        let (released, receipt) = self.as_group(|broker| {
            broker.settle(session, delivery, SettleRange::One, Outcome::Accept)?;
            broker.note_released(client, token);
            broker.record_token(client, TokenOp::Released, token);
            Ok(())
        });
        released.map(|()| receipt)
    }

    fn note_released(&mut self, client: ClientId, token: u16) {
        if let Some(known) = self.clients.get_mut(client) {
            let released = &mut known.own().released;
            if !released.contains(&token) {
                released.push(token);
            }
        }
    }

    /// The client has forgotten a token of [`Broker::settle_released`]. Answers whether it was known.
    ///
    /// # Errors
    /// No client.
    pub fn complete_token(&mut self, session: SessionId, token: u16) -> Result<Done<bool>, Error> {
        let (client, _) = self.client_of(session)?;
        let known = self.clients.get_mut(client).ok_or(Error::Gone)?;
        let is_kept = known.is_logged;
        let was_released = known.own.as_mut().is_some_and(|own| take(&mut own.released, token));
        let receipt = if was_released && is_kept {
            self.record_token(client, TokenOp::Completed, token)
        } else {
            Receipt::NONE
        };
        Ok(Done { value: was_released, receipt })
    }

    /// Tokens of the messages that a session's client has and keeps the token of, oldest first.
    #[must_use]
    pub fn released_tokens(&self, session: SessionId) -> &[u16] {
        let client = self.client_of(session).ok().and_then(|(client, _)| self.clients.get(client));
        client.and_then(|client| client.own.as_ref()).map_or(&[], |own| &own.released)
    }

    fn record_token(&mut self, client: ClientId, op: TokenOp, token: u16) -> Receipt {
        self.scratch.clear();
        write_token(&mut self.scratch, TokenRecord { client: client.0, op, token });
        let grouping = self.grouping(Grouping::Ends);
        self.log.append(kind::TOKEN, grouping, &[self.scratch.bytes()]).receipt()
    }

    /// Holds once everything that is in the log now is durable: the record of every message that was delivered so far,
    /// too. A delivery that must never be mistaken for another one waits for that, because the number of a message
    /// whose record is lost in a crash goes to another one.
    #[must_use]
    pub fn receipt_so_far(&self) -> Receipt {
        crate::log::Appended { pos: self.log.next_pos(), len: 0 }.receipt()
    }

    pub(crate) fn apply_token(&mut self, record: TokenRecord) {
        let Some(client) = self.clients.get_mut(ClientId(record.client)) else { return };
        let own = client.own();
        let token = record.token;
        match record.op {
            TokenOp::Taken if !own.taken.contains(&token) => own.taken.push(token),
            TokenOp::Released if !own.released.contains(&token) => own.released.push(token),
            TokenOp::Taken | TokenOp::Released => {}
            TokenOp::Forgotten => {
                take(&mut own.taken, token);
            }
            TokenOp::Completed => {
                take(&mut own.released, token);
            }
        }
    }
}

/// Takes a token out of a list; false when it is not in it.
fn take(tokens: &mut Vec<u16>, token: u16) -> bool {
    match tokens.iter().position(|known| *known == token) {
        Some(at) => {
            tokens.remove(at);
            true
        }
        None => false,
    }
}
