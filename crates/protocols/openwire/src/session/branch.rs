//! TransactionInfo of branches of distributed transactions (XA). A branch is the core's, whoever began it: any connection of
//! its user may join it, and end it.
//!
//! What this connection's consumers have in branches is kept here until the core says what became of it: another connection
//! may decide, and nobody tells.

use std::sync::Arc;

use ternmq_broker::{
    BranchError, BranchId, Broker, Commit, DeliveryId, Outcome, Receipt, RollbackReason, SessionId, Vote,
};

use super::{OpenWireSession, answer::Asked, unsettled::Unsettled};
use crate::{
    codec::{Field, Kind, Object, Value},
    error::{Fault, class},
};

/// Results of a prepare.
mod vote {
    pub(super) const PREPARED: i32 = 0;
    pub(super) const READ_ONLY: i32 = 3;
}

/// Codes of XAException, which clients read from the end of its sentence.
mod code {
    pub(super) const ROLLED_BACK: i32 = 100;
    pub(super) const RESOURCE_MANAGER: i32 = -3;
    pub(super) const NO_SUCH: i32 = -4;
    pub(super) const INVALID: i32 = -5;
    pub(super) const PROTOCOL: i32 = -6;
    pub(super) const DUPLICATE: i32 = -8;
}

/// A delivery that is acknowledged in a branch.
pub(super) struct Held {
    branch: BranchId,
    /// Place of its consumer; `None` when that is closed.
    slot: Option<usize>,
    entry: Unsettled,
}

/// The id of a branch.
pub(super) fn branch_of(id: &Object<'_>) -> Result<BranchId, Fault> {
    let format = i32::try_from(id.number(Field::FormatId)).unwrap_or_default();
    let part = |field| id.bytes(field).unwrap_or_default();
    let branch = BranchId::new(format, part(Field::GlobalTransactionId), part(Field::BranchQualifier));
    branch.ok_or_else(|| {
        let text = format!("A part of the id has more than {} bytes.", BranchId::MAX_PART_BYTES);
        xa_fault(&text, code::INVALID)
    })
}

fn id_of(branch: &BranchId) -> Object<'static> {
    let bytes = |part: &[u8]| Value::Bytes(part.to_vec().into());
    Object::new(Kind::XaTransactionId)
        .with(Field::FormatId, Value::Int(branch.format()))
        .with(Field::GlobalTransactionId, bytes(branch.global()))
        .with(Field::BranchQualifier, bytes(branch.qualifier()))
}

fn xa_fault(text: &str, code: i32) -> Fault {
    Fault::new(class::XA, format!("{text} xaErrorCode:{code}"))
}

/// A refusal of a branch as the exception that it is.
pub(super) fn branch_fault(error: &BranchError, branch: &BranchId, broker: &Broker) -> Fault {
    match error {
        BranchError::Unknown => {
            xa_fault(&format!("Transaction '{branch}' has not been started."), code::NO_SUCH)
        }
        BranchError::InUse => {
            xa_fault(&format!("Transaction '{branch}' is another user's."), code::DUPLICATE)
        }
        BranchError::Prepared => {
            xa_fault(&format!("Transaction '{branch}' has been prepared already."), code::PROTOCOL)
        }
        BranchError::NotPrepared => {
            let text = "Cannot do 2 phase commit if the transaction has not been prepared.";
            xa_fault(text, code::PROTOCOL)
        }
        BranchError::TooMany { max } => {
            let text = format!("The limit of transactions of the broker ({max}) is reached.");
            xa_fault(&text, code::RESOURCE_MANAGER)
        }
        BranchError::RolledBack { reason } => {
            let reason = match reason {
                RollbackReason::Spoilt => "a message or an acknowledgement in it was refused".to_owned(),
                RollbackReason::QueueFull => "a queue is full".to_owned(),
                RollbackReason::ScheduleFull => "there are too many scheduled messages".to_owned(),
                RollbackReason::TooLarge { max } => {
                    format!("prepared transactions would have more than {max} bytes together")
                }
            };
            xa_fault(&format!("Transaction '{branch}' was rolled back: {reason}."), code::ROLLED_BACK)
        }
        BranchError::Refused(error) => Fault::of(error, &**broker.dialect()),
    }
}

impl OpenWireSession {
    fn core_session(&self) -> Result<SessionId, Fault> {
        self.session.ok_or_else(Fault::gone)
    }

    /// Whether something for a prepared branch is what a client of the failover transport says again after it has
    /// reconnected: the branch has it.
    pub(super) fn is_said_again(&self, error: &BranchError) -> bool {
        *error == BranchError::Prepared && self.resend.is_resending
    }

    pub(super) fn begin_branch(
        &mut self,
        broker: &mut Broker,
        branch: &BranchId,
        asked: Asked,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        self.look_after_held(broker);
        match broker.begin_branch(self.core_session()?, branch) {
            Err(error) if self.is_said_again(&error) => {}
            begun => begun.map_err(|error| branch_fault(&error, branch, broker))?,
        }
        self.promise(broker, asked, Receipt::NONE, out);
        Ok(())
    }

    pub(super) fn prepare_branch(
        &mut self,
        broker: &mut Broker,
        branch: &BranchId,
        asked: Asked,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let (vote, receipt) = match broker.prepare_branch(self.core_session()?, branch) {
            Ok(done) if done.value == Vote::ReadOnly => (vote::READ_ONLY, done.receipt),
            Ok(done) => (vote::PREPARED, done.receipt),
            Err(error) if self.is_said_again(&error) => (vote::PREPARED, broker.receipt_of_all()),
            Err(error) => {
                let own = self.take_held(broker, branch);
                self.put_held(broker, own);
                return Err(branch_fault(&error, branch, broker));
            }
        };
        let answer = |object: Object<'static>| object.with(Field::Result, Value::Int(vote));
        self.promise_kind(broker, asked, receipt, (Kind::IntegerResponse, &answer), out);
        Ok(())
    }

    pub(super) fn commit_branch(
        &mut self,
        broker: &mut Broker,
        branch: &BranchId,
        commit: Commit,
        asked: Asked,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let commit = |broker: &mut Broker, session| broker.commit_branch(session, branch, commit);
        self.end_branch(broker, branch, commit, asked, out)
    }

    /// Rolls a branch back; deliveries are unacknowledged again, and consumers that have them keep them.
    pub(super) fn roll_back_branch(
        &mut self,
        broker: &mut Broker,
        branch: &BranchId,
        asked: Asked,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let roll_back = |broker: &mut Broker, session| broker.roll_back_branch(session, branch);
        self.end_branch(broker, branch, roll_back, asked, out)
    }

    /// Ends a branch one way or the other.
    fn end_branch(
        &mut self,
        broker: &mut Broker,
        branch: &BranchId,
        end: impl FnOnce(&mut Broker, SessionId) -> Result<Receipt, BranchError>,
        asked: Asked,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let session = self.core_session()?;
        // Before the settlement, which lets come what the windows then allow.
        let own = self.take_held(broker, branch);
        let done = end(broker, session);
        self.put_held(broker, own);
        let receipt = done.map_err(|error| branch_fault(&error, branch, broker))?;
        self.promise(broker, asked, receipt, out);
        Ok(())
    }

    /// Tells the prepared branches of the user.
    pub(super) fn recover_branches(
        &mut self,
        broker: &mut Broker,
        asked: Asked,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let found = broker.recover_branches(self.core_session()?);
        let done = found.map_err(|_| Fault::gone())?;
        let ids: Vec<_> = done.value.iter().map(|branch| Some(Arc::new(id_of(branch)))).collect();
        let answer = |object: Object<'static>| object.with(Field::Data, Value::Array(ids.clone()));
        self.promise_kind(broker, asked, done.receipt, (Kind::DataArrayResponse, &answer), out);
        Ok(())
    }

    /// Acknowledges in a branch what a consumer has in these places.
    pub(super) fn accept_in_branch(
        &mut self,
        broker: &mut Broker,
        branch: &BranchId,
        slot: usize,
        range: std::ops::Range<usize>,
        outcome: Outcome,
    ) -> Result<(), Fault> {
        if outcome != Outcome::Accept {
            return Err(Fault::new(class::JMS, "Poison ack cannot be transacted"));
        }
        let session = self.core_session()?;
        let start = range.start;
        for _ in range {
            let Some(consumer) = self.consumer_at(slot) else { return Ok(()) };
            let Some(entry) = consumer.unsettled.get(start) else { return Ok(()) };
            match broker.accept_in_branch(session, branch, DeliveryId(entry.number)) {
                Err(error) if self.is_said_again(&error) => return Ok(()),
                accepted => accepted.map_err(|error| branch_fault(&error, branch, broker))?,
            }
            if let Some(consumer) = self.consumer_at(slot) {
                consumer.unsettled.remove(start);
                consumer.staged = consumer.staged.saturating_add(1);
            }
            self.held.push(Held { branch: branch.clone(), slot: Some(slot), entry });
        }
        self.renew_window(broker, slot);
        Ok(())
    }

    /// What another connection has decided is looked up.
    pub(super) fn look_after_held(&mut self, broker: &mut Broker) {
        let Some(session) = self.session else { return };
        let decided = |held: &mut Held| !broker.is_in_branch(session, DeliveryId(held.entry.number));
        let own: Vec<Held> = self.held.extract_if(.., decided).collect();
        if !own.is_empty() {
            self.unstage_held(broker, &own);
            self.put_held(broker, own);
        }
    }

    /// A consumer is closed: what it has in branches belongs to no place any more.
    pub(super) fn orphan_held(&mut self, slot: usize) {
        for held in self.held.iter_mut().filter(|held| held.slot == Some(slot)) {
            held.slot = None;
        }
    }

    fn take_held(&mut self, broker: &mut Broker, branch: &BranchId) -> Vec<Held> {
        let own: Vec<Held> = self.held.extract_if(.., |held| held.branch == *branch).collect();
        self.unstage_held(broker, &own);
        own
    }

    fn unstage_held(&mut self, broker: &mut Broker, own: &[Held]) {
        let slots: Vec<usize> = own.iter().filter_map(|held| held.slot).collect();
        self.unstage(broker, slots.into_iter());
    }

    /// What was taken out goes where the core has it: in its branch still, back with its consumer, back to its queue, or
    /// nowhere when it is done with.
    fn put_held(&mut self, broker: &mut Broker, own: Vec<Held>) {
        let Some(session) = self.session else { return };
        let mut changed = Vec::new();
        for held in own {
            let number = DeliveryId(held.entry.number);
            let is_unsettled = broker.is_unsettled(session, number);
            if !is_unsettled && !broker.is_in_branch(session, number) {
                continue;
            }
            let consumer = held.slot.and_then(|slot| self.consumer_at(slot));
            match (consumer, is_unsettled) {
                (Some(consumer), true) => consumer.unsettled.put_back(held.entry),
                (None, true) => self.give_back(broker, held.entry),
                (Some(consumer), false) => {
                    consumer.staged = consumer.staged.saturating_add(1);
                    self.held.push(Held { slot: held.slot, ..held });
                    continue;
                }
                (None, false) => {
                    self.held.push(held);
                    continue;
                }
            }
            changed.extend(held.slot.filter(|slot| changed.last() != Some(slot)));
        }
        changed.into_iter().for_each(|slot| self.renew_window(broker, slot));
    }
}
