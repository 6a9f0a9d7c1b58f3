//! Branches that are not prepared yet: begin, join, and what is staged in them.

use smallvec::SmallVec;

use super::{Branch, BranchError, BranchId, Stage};
use crate::{
    broker::Broker,
    effect::{ConnectionId, DeliveryId, SessionId},
    error::Error,
    producers::MessageOrigin,
    publish::{Publish, Published},
    scheduled::Schedule,
    settle::{Outcome, SettleRange},
    transaction::{Place, Staged, StagedSettle},
};

impl Broker {
    /// Begins a branch, or joins one of the same user that is not prepared. It is rolled back when the connection ends
    /// that began it.
    ///
    /// # Errors
    /// The branch is prepared, another user's, or one too many; the session is gone.
    pub fn begin_branch(&mut self, session: SessionId, id: &BranchId) -> Result<(), BranchError> {
        let (principal, namespace, connection) = self.who(session)?;
        if let Some(number) = self.branches.find(namespace, id) {
            let branch = self.branches.get(number).ok_or(BranchError::Unknown)?;
            return match (&branch.stage, branch.user == *principal.user()) {
                (_, false) => Err(BranchError::InUse),
                (Stage::Prepared { .. }, true) => Err(BranchError::Prepared),
                (Stage::Active { .. }, true) => Ok(()),
            };
        }
        let max = self.limits.max_branches;
        if self.branches.all.len() >= max as usize {
            return Err(BranchError::TooMany { max });
        }
        let number = self.branches.last_number + 1;
        let stage = Stage::Active { owner: connection, sessions: SmallVec::new(), is_spoilt: false };
        let user = principal.user().clone();
        let branch = Branch { id: id.clone(), namespace, user, stage, staged: Staged::default() };
        self.branches.insert(number, branch);
        Ok(())
    }

    /// Stages a message in a branch.
    ///
    /// # Errors
    /// There is no such branch that can take it, or as [`Broker::publish`], or the branch is too large.
    pub fn publish_in_branch(
        &mut self,
        session: SessionId,
        id: &BranchId,
        publish: Publish<'_>,
        origin: Option<MessageOrigin>,
    ) -> Result<Published, BranchError> {
        let number = self.active_branch(session, id)?;
        Ok(self.publish_at(session, publish, Some(Place::Branch(number)), origin)?)
    }

    /// Stages in a branch a message that is published later: its time counts from the commit on.
    ///
    /// # Errors
    /// There is no such branch that can take it, or as [`Broker::publish_later`], or the branch is too large.
    pub fn publish_later_in_branch(
        &mut self,
        session: SessionId,
        id: &BranchId,
        publish: Publish<'_>,
        schedule: Schedule,
        origin: Option<MessageOrigin>,
    ) -> Result<Published, BranchError> {
        let number = self.active_branch(session, id)?;
        Ok(self.publish_later_at(session, publish, schedule, Some(Place::Branch(number)), origin)?)
    }

    /// Stages in a branch that a delivery to the session is accepted.
    ///
    /// # Errors
    /// There is no such branch that can take it, or as [`Broker::settle`], or the branch is too large.
    pub fn accept_in_branch(
        &mut self,
        session: SessionId,
        id: &BranchId,
        delivery: DeliveryId,
    ) -> Result<(), BranchError> {
        let number = self.active_branch(session, id)?;
        let state = self.sessions.get(session.into()).ok_or(Error::Gone)?;
        state.index_of(delivery).ok_or(Error::UnknownDelivery { delivery: delivery.0 })?;
        let place = Place::Branch(number);
        self.stage_settle_of(place, session, delivery, SettleRange::One, Outcome::Accept)?;
        self.branches.held.insert((session, delivery.0));
        if let Some(Branch { stage: Stage::Active { sessions, .. }, .. }) = self.branches.get_mut(number)
            && !sessions.contains(&session)
        {
            sessions.push(session);
        }
        Ok(())
    }

    /// Something that belongs to the branch was refused and its client does not know: it can only be rolled back.
    pub fn spoil_branch(&mut self, session: SessionId, id: &BranchId) {
        let Ok(number) = self.active_branch(session, id) else { return };
        if let Some(Branch { stage: Stage::Active { is_spoilt, .. }, .. }) = self.branches.get_mut(number) {
            *is_spoilt = true;
        }
    }

    fn active_branch(&self, session: SessionId, id: &BranchId) -> Result<u64, BranchError> {
        let number = self.branch_of(session, id)?;
        let is_prepared = self.branches.get(number).is_some_and(Branch::is_prepared);
        if is_prepared { Err(BranchError::Prepared) } else { Ok(number) }
    }

    /// The branch of that id which the session's user may deal with.
    pub(super) fn branch_of(&self, session: SessionId, id: &BranchId) -> Result<u64, BranchError> {
        let (principal, namespace, _) = self.who(session)?;
        let number = self.branches.find(namespace, id).ok_or(BranchError::Unknown)?;
        let branch = self.branches.get(number).filter(|branch| branch.user == *principal.user());
        branch.map(|_| number).ok_or(BranchError::Unknown)
    }

    /// A connection ends: what it began and did not prepare is rolled back.
    pub(crate) fn drop_branches_of(&mut self, connection: ConnectionId) {
        let is_meant =
            |branch: &Branch| matches!(&branch.stage, Stage::Active { owner, .. } if *owner == connection);
        let own = self.branches.all.iter().filter(|(_, branch)| is_meant(branch));
        let own: Vec<u64> = own.map(|(number, _)| *number).collect();
        for number in own {
            self.undo_branch(number);
        }
    }

    /// A session ends: its deliveries leave the branches that are not prepared, which can't be committed then.
    pub(crate) fn leave_branches(&mut self, session: SessionId) {
        if self.branches.all.is_empty() {
            return;
        }
        let mut left: Vec<StagedSettle> = Vec::new();
        for branch in self.branches.all.values_mut() {
            let Stage::Active { sessions, is_spoilt, .. } = &mut branch.stage else { continue };
            if !sessions.contains(&session) {
                continue;
            }
            sessions.retain(|known| *known != session);
            *is_spoilt = true;
            left.extend(branch.staged.settles.extract_if(.., |settle| settle.owner == session));
        }
        self.put_back_all(left);
    }

    /// Drops an active branch; its deliveries are unsettled again.
    pub(super) fn undo_branch(&mut self, number: u64) {
        if let Some(branch) = self.branches.remove(number) {
            self.put_back_all(branch.staged.settles);
        }
    }

    fn put_back_all(&mut self, settles: Vec<StagedSettle>) {
        for settle in settles.into_iter().rev() {
            self.branches.held.remove(&(settle.owner, settle.number.0));
            self.put_back(settle);
        }
    }
}
