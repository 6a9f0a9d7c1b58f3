//! TransactionInfo. Each local transaction of a connection is a session of its own in the core, where its commands are
//! staged; for distributed ones see [`super::branch`].

use ternmq_broker::{BranchId, Broker, Commit, Receipt, SessionId};

use super::{OpenWireSession, answer::Asked, branch::branch_of, consume::required, unsettled::Unsettled};
use crate::{
    codec::{Field, Kind, Object},
    error::{Fault, class},
};

/// Label of the sessions of transactions: nothing is delivered to them.
const LABEL: u32 = u32::MAX;

/// Steps of a transaction.
mod step {
    pub(super) const BEGIN: i64 = 0;
    pub(super) const PREPARE: i64 = 1;
    pub(super) const COMMIT_ONE_PHASE: i64 = 2;
    pub(super) const COMMIT_TWO_PHASE: i64 = 3;
    pub(super) const ROLLBACK: i64 = 4;
    pub(super) const RECOVER: i64 = 5;
    pub(super) const FORGET: i64 = 6;
    pub(super) const END: i64 = 7;
}

/// One transaction.
pub(super) struct Transaction {
    number: i64,
    pub(super) session: SessionId,
    /// Deliveries whose settlement is staged, with the places of their consumers.
    pub(super) taken: Vec<(usize, Unsettled)>,
    /// Something in it was refused without its client knowing: it can't be committed.
    pub(super) is_spoilt: bool,
}

/// What a transaction is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TransactionKey {
    /// A number of this connection.
    Local(i64),
    /// A branch of a distributed transaction.
    Branch(BranchId),
}

pub(super) fn key_of_transaction(id: &Object<'_>) -> Result<TransactionKey, Fault> {
    match id.kind() {
        Kind::LocalTransactionId => Ok(TransactionKey::Local(id.number(Field::Value))),
        _ => Ok(TransactionKey::Branch(branch_of(id)?)),
    }
}

impl OpenWireSession {
    /// A local transaction that was begun.
    pub(super) fn transaction(&mut self, key: i64) -> Result<&mut Transaction, Fault> {
        let missing = || Fault::new(class::JMS, format!("Transaction '{key}' has not been started."));
        self.transactions.iter_mut().find(|known| known.number == key).ok_or_else(missing)
    }

    fn take_transaction(&mut self, key: i64) -> Result<Transaction, Fault> {
        self.transaction(key)?;
        let place = self.transactions.iter().position(|known| known.number == key);
        place.map(|place| self.transactions.swap_remove(place)).ok_or_else(Fault::gone)
    }

    pub(super) fn on_transaction(
        &mut self,
        broker: &mut Broker,
        command: &Object<'_>,
        asked: Asked,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let step = command.number(Field::Type);
        if step == step::RECOVER {
            return self.recover_branches(broker, asked, out);
        }
        match key_of_transaction(required(command, Field::TransactionId)?)? {
            TransactionKey::Local(key) => self.on_local_step(broker, step, key, asked, out),
            TransactionKey::Branch(branch) => self.on_branch_step(broker, step, &branch, asked, out),
        }
    }

    fn on_local_step(
        &mut self,
        broker: &mut Broker,
        step: i64,
        key: i64,
        asked: Asked,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        match step {
            step::BEGIN => self.begin(broker, key, asked, out),
            step::COMMIT_ONE_PHASE => self.commit(broker, key, asked, out),
            step::ROLLBACK => self.roll_back(broker, key, asked, out),
            step::END => {
                self.promise(broker, asked, Receipt::NONE, out);
                Ok(())
            }
            other => Err(Fault::absent(&format!("step {other} of a local transaction"))),
        }
    }

    fn on_branch_step(
        &mut self,
        broker: &mut Broker,
        step: i64,
        branch: &BranchId,
        asked: Asked,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        match step {
            step::BEGIN => self.begin_branch(broker, branch, asked, out),
            step::PREPARE => self.prepare_branch(broker, branch, asked, out),
            step::COMMIT_ONE_PHASE => self.commit_branch(broker, branch, Commit::OnePhase, asked, out),
            step::COMMIT_TWO_PHASE => self.commit_branch(broker, branch, Commit::TwoPhase, asked, out),
            // Nothing is ever decided here without the transaction manager, so there is nothing else to forget.
            step::ROLLBACK | step::FORGET => self.roll_back_branch(broker, branch, asked, out),
            // Its client wants to know that what it said before has been taken.
            step::END => {
                self.promise(broker, asked, Receipt::NONE, out);
                Ok(())
            }
            other => Err(Fault::absent(&format!("step {other} of a distributed transaction"))),
        }
    }

    fn begin(&mut self, broker: &mut Broker, key: i64, asked: Asked, out: &mut Vec<u8>) -> Result<(), Fault> {
        // A client that restores its state after a change of brokers may say it twice.
        if self.transaction(key).is_err() {
            let max = self.settings.max_transactions;
            if self.transactions.len() >= max {
                let text = format!("The limit of transactions of a connection ({max}) is reached.");
                return Err(Fault::new(class::RESOURCE, text));
            }
            let connection = self.connection.ok_or_else(Fault::gone)?;
            let dialect = broker.dialect().clone();
            let fault = |error| Fault::of(&error, &*dialect);
            let session = broker.open_session(connection, LABEL).map_err(fault)?;
            broker.tx_select(session).map_err(fault)?;
            self.transactions.push(Transaction { number: key, session, taken: Vec::new(), is_spoilt: false });
        }
        self.promise(broker, asked, Receipt::NONE, out);
        Ok(())
    }

    fn commit(
        &mut self,
        broker: &mut Broker,
        key: i64,
        asked: Asked,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let transaction = self.take_transaction(key)?;
        if transaction.is_spoilt {
            self.undo(broker, transaction);
            let text = "The transaction was rolled back: a message or an acknowledgement in it was refused";
            return Err(Fault::new(class::ROLLED_BACK, text));
        }
        // Before the settlement, which lets come what the windows then allow.
        self.unstage(broker, transaction.taken.iter().map(|(slot, _)| *slot));
        let done = broker.tx_commit(transaction.session);
        let done = done.map_err(|error| Fault::of(&error, &**broker.dialect()))?;
        broker.close_session(transaction.session);
        if done.value.is_refused {
            for slot in self.put_back(broker, transaction.taken) {
                self.renew_window(broker, slot);
            }
            let text = "The transaction was rolled back: a queue is full and refused a message of it";
            return Err(Fault::new(class::ROLLED_BACK, text));
        }
        self.promise(broker, asked, done.receipt, out);
        Ok(())
    }

    fn roll_back(
        &mut self,
        broker: &mut Broker,
        key: i64,
        asked: Asked,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let transaction = self.take_transaction(key)?;
        self.undo(broker, transaction);
        self.promise(broker, asked, Receipt::NONE, out);
        Ok(())
    }

    /// What was staged is dropped; its deliveries are unacknowledged again, and their consumers have them still.
    fn undo(&mut self, broker: &mut Broker, transaction: Transaction) {
        broker.close_session(transaction.session);
        let slots = self.put_back(broker, transaction.taken);
        self.unstage(broker, slots.into_iter());
    }

    /// Consumers have again what they had, and answer their places; what those had that are gone goes back to its queue.
    fn put_back(&mut self, broker: &mut Broker, taken: Vec<(usize, Unsettled)>) -> Vec<usize> {
        let slots = taken.iter().map(|(slot, _)| *slot).collect();
        for (slot, entry) in taken {
            match self.consumer_at(slot) {
                Some(consumer) => consumer.unsettled.put_back(entry),
                None => self.give_back(broker, entry),
            }
        }
        slots
    }

    /// Deliveries of consumers, one place each, are in no transaction any more.
    pub(super) fn unstage(&mut self, broker: &mut Broker, slots: impl Iterator<Item = usize>) {
        let mut changed = Vec::new();
        for slot in slots {
            if let Some(consumer) = self.consumer_at(slot) {
                consumer.staged = consumer.staged.saturating_sub(1);
            }
            if changed.last() != Some(&slot) {
                changed.push(slot);
            }
        }
        changed.into_iter().for_each(|slot| self.renew_window(broker, slot));
    }

    /// A refusal that nobody waits for spoils the transaction that the command belongs to.
    pub(super) fn spoil(&mut self, broker: &mut Broker, command_transaction: Option<&TransactionKey>) {
        match (command_transaction, self.session) {
            (Some(TransactionKey::Local(key)), _) => {
                if let Ok(transaction) = self.transaction(*key) {
                    transaction.is_spoilt = true;
                }
            }
            (Some(TransactionKey::Branch(branch)), Some(session)) => broker.spoil_branch(session, branch),
            (Some(TransactionKey::Branch(_)), None) | (None, _) => {}
        }
    }
}
