//! The end of a branch: prepared, committed, rolled back; by its user's sessions or by an operator.

use super::{Branch, BranchError, BranchId, RollbackReason, Stage};
use crate::{
    broker::{Broker, Done},
    effect::SessionId,
    log::Receipt,
    policy::at_once,
    session_state::Unsettled,
    settle::Outcome,
    transaction::{Staged, StagedSettle},
};

/// What a branch says when it is asked whether it can be committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vote {
    /// Nothing is in it: it is over.
    ReadOnly,
    /// It can, whatever happens.
    Prepared,
}

/// How a branch is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commit {
    /// At once; one that is prepared as well.
    OnePhase,
    /// Only when it is prepared.
    TwoPhase,
}

/// What an operator decides about a prepared branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// All of it counts.
    Commit,
    /// Nothing of it does.
    Rollback,
}

impl Broker {
    /// Prepares a branch: once the receipt is covered it outlives everything until it is decided.
    ///
    /// # Errors
    /// There is no such branch, or it is prepared. [`BranchError::RolledBack`]: it can't be committed and is gone.
    pub fn prepare_branch(&mut self, session: SessionId, id: &BranchId) -> Result<Done<Vote>, BranchError> {
        let number = self.branch_of(session, id)?;
        let branch = self.branches.get(number).ok_or(BranchError::Unknown)?;
        if branch.is_prepared() {
            return Err(BranchError::Prepared);
        }
        let bytes = self.branches.prepared_bytes.saturating_add(branch.staged.bytes);
        let is_empty = branch.staged.is_empty();
        self.check_committable(number)?;
        if is_empty {
            self.branches.remove(number);
            return Ok(at_once(Vote::ReadOnly));
        }
        let max = self.limits.max_prepared_bytes;
        if bytes > max {
            return Err(self.refuse_branch(number, RollbackReason::TooLarge { max }));
        }
        let at_ms = self.time.ms();
        if let Some(branch) = self.branches.get_mut(number) {
            branch.stage = Stage::Prepared { at_ms };
        }
        self.branches.prepared_bytes = bytes;
        let ((), receipt) = self.as_group(|broker| broker.write_branch(number));
        Ok(Done { value: Vote::Prepared, receipt })
    }

    /// Commits a branch: all of it counts together once the receipt is covered.
    ///
    /// # Errors
    /// There is no such branch, or it is not prepared as it has to be. [`BranchError::RolledBack`]: it was not prepared,
    /// can't be committed, and is gone.
    pub fn commit_branch(
        &mut self,
        session: SessionId,
        id: &BranchId,
        commit: Commit,
    ) -> Result<Receipt, BranchError> {
        let number = self.branch_of(session, id)?;
        let is_prepared = self.branches.get(number).is_some_and(Branch::is_prepared);
        if !is_prepared && commit == Commit::TwoPhase {
            return Err(BranchError::NotPrepared);
        }
        if !is_prepared {
            self.check_committable(number)?;
        }
        Ok(self.carry_out_branch(number, session))
    }

    /// Rolls a branch back, prepared or not. Its deliveries are unsettled again under their old numbers where their
    /// sessions are there, and else back in their queues.
    ///
    /// # Errors
    /// There is no such branch.
    pub fn roll_back_branch(&mut self, session: SessionId, id: &BranchId) -> Result<Receipt, BranchError> {
        let number = self.branch_of(session, id)?;
        Ok(self.roll_back_number(number))
    }

    /// Ids of the prepared branches of the session's user and namespace, in the order in which they were begun. All of
    /// them are there for good once the receipt is covered.
    ///
    /// # Errors
    /// The session is gone.
    pub fn recover_branches(&self, session: SessionId) -> Result<Done<Vec<BranchId>>, BranchError> {
        let (principal, namespace, _) = self.who(session)?;
        let own = self.branches.all.values().filter(|branch| {
            branch.is_prepared() && branch.namespace == namespace && branch.user == *principal.user()
        });
        Ok(Done {
            value: own.map(|branch| branch.id.clone()).collect(),
            receipt: Receipt::of_all(&*self.log),
        })
    }

    /// An operator decides about a prepared branch whose transaction manager does not come back.
    ///
    /// # Errors
    /// There is no such prepared branch.
    pub fn decide_branch(
        &mut self,
        namespace: &str,
        id: &BranchId,
        decision: Decision,
    ) -> Result<Receipt, BranchError> {
        let namespace = self.namespaces.find(namespace).ok_or(BranchError::Unknown)?;
        let number = self.branches.find(namespace, id).ok_or(BranchError::Unknown)?;
        if !self.branches.get(number).is_some_and(Branch::is_prepared) {
            return Err(BranchError::Unknown);
        }
        Ok(match decision {
            Decision::Commit => self.carry_out_branch(number, StagedSettle::NO_SESSION),
            Decision::Rollback => self.roll_back_number(number),
        })
    }

    /// Rolls an active branch back that can't be committed. A queue that has no room now for all that the branch has for it
    /// refuses it before anything is promised, as it refuses a commit; what is promised goes in whatever the queues' limits
    /// say.
    fn check_committable(&mut self, number: u64) -> Result<(), BranchError> {
        let branch = self.branches.get(number).ok_or(BranchError::Unknown)?;
        let is_spoilt = matches!(branch.stage, Stage::Active { is_spoilt: true, .. });
        let is_full = !self.has_room_for(&branch.staged.publishes);
        let reason = if is_spoilt {
            RollbackReason::Spoilt
        } else if is_full {
            RollbackReason::QueueFull
        } else if !branch.staged.later.is_empty() && !self.has_room_for_later(&branch.staged.later) {
            RollbackReason::ScheduleFull
        } else {
            return Ok(());
        };
        Err(self.refuse_branch(number, reason))
    }

    fn refuse_branch(&mut self, number: u64, reason: RollbackReason) -> BranchError {
        self.undo_branch(number);
        BranchError::RolledBack { reason }
    }

    fn carry_out_branch(&mut self, number: u64, by: SessionId) -> Receipt {
        let Some(branch) = self.branches.remove(number) else { return Receipt::NONE };
        let is_prepared = branch.is_prepared();
        let Staged { publishes, settles, later, bytes } = branch.staged;
        let (held, locked): (Vec<_>, Vec<_>) = settles.into_iter().partition(|settle| !settle.is_locked());
        let held = held.into_iter().map(|settle| self.without_owner(settle)).collect();
        let ((), receipt) = self.as_group(|broker| {
            broker.takes_all = true;
            broker.carry_out(by, Staged { publishes, settles: held, later: Vec::new(), bytes });
            broker.takes_all = false;
            broker.hold_staged(branch.namespace, &branch.user, later);
            for settle in &locked {
                broker.accept_locked(&settle.entry);
            }
            if is_prepared {
                broker.write_decided(number);
            }
        });
        receipt
    }

    /// A delivery whose session is gone gives no credit back.
    fn without_owner(&self, mut settle: StagedSettle) -> StagedSettle {
        if self.sessions.get(settle.owner.into()).is_none() {
            settle.entry.incarnation |= Unsettled::FETCHED;
        }
        settle
    }

    fn accept_locked(&mut self, entry: &Unsettled) {
        let Some(slot) = self.queues.get_mut(entry.queue).filter(|slot| entry.is_of(slot.incarnation)) else {
            return;
        };
        if slot.machine.accept_locked(ternmq_queue::Seq(entry.seq), &mut self.outbox) {
            self.counters.accepted += 1;
        }
        self.pump_once(entry.queue);
    }

    fn roll_back_number(&mut self, number: u64) -> Receipt {
        if !self.branches.get(number).is_some_and(Branch::is_prepared) {
            self.undo_branch(number);
            return Receipt::NONE;
        }
        let Some(branch) = self.branches.remove(number) else { return Receipt::NONE };
        let ((), receipt) = self.as_group(|broker| broker.write_decided(number));
        let mut touched = Vec::new();
        for settle in branch.staged.settles.into_iter().rev() {
            if let Some(session) = self.sessions.get(settle.owner.into()) {
                // Its consumer has as long for it again as for a new one.
                let age_ms = self.time.ms().saturating_sub(session.started_ms);
                let age_base_ms = u32::try_from(age_ms).unwrap_or(u32::MAX);
                let entry = Unsettled { age_base_ms, ..settle.entry };
                self.put_back(StagedSettle { entry, ..settle });
                continue;
            }
            if !touched.contains(&settle.entry.queue) {
                touched.push(settle.entry.queue);
            }
            self.return_to_queue(&settle);
        }
        self.run_dead_letters();
        for queue in touched {
            self.run_queue(queue);
        }
        receipt
    }

    /// A delivery whose session is gone is ready again.
    fn return_to_queue(&mut self, settle: &StagedSettle) {
        let entry = settle.entry;
        if settle.is_locked() {
            let now_ms = self.time.ms();
            let slot = self.queues.get_mut(entry.queue).filter(|slot| entry.is_of(slot.incarnation));
            if let Some(slot) = slot {
                slot.machine.unlock(ternmq_queue::Seq(entry.seq), now_ms, &mut self.outbox);
                self.pump_once(entry.queue);
            }
            return;
        }
        let entry = Unsettled { incarnation: entry.incarnation | Unsettled::FETCHED, ..entry };
        let mut touched = smallvec::SmallVec::new();
        self.settle_entry(settle.owner, entry, Outcome::Requeue, &mut touched);
    }
}
