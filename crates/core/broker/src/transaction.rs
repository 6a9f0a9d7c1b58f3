//! Transactions: staged publishes and settlements that become visible and durable together (I6).

use std::{cell::OnceCell, collections::BTreeMap, sync::Arc};

use smallvec::SmallVec;
use ternmq_message::Message;
use ternmq_queue::Room;

use crate::{
    broker::{Broker, Done},
    effect::{DeliveryId, SessionId},
    error::{Error, LimitKind},
    log::{Grouping, Receipt},
    namespace::NamespaceId,
    policy::at_once,
    producers::MessageOrigin,
    publish::Published,
    records::kind,
    scheduled::Schedule,
    session_state::{SessionState, Unsettled},
    settle::{Outcome, SettleRange},
};

/// Queues with the incarnation of each.
pub(crate) type Targets = SmallVec<[(u32, u64); 2]>;

/// Where commands are staged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a transactional session.
    Session(SessionId),
    /// In a branch of a distributed transaction, by its number.
    Branch(u64),
}

/// What is staged in one place.
#[derive(Default)]
pub(crate) struct Staged {
    pub(crate) publishes: Vec<StagedPublish>,
    /// Deliveries taken out of a session's unsettled ones, so that a rollback can put them back.
    pub(crate) settles: Vec<StagedSettle>,
    /// Messages to publish later.
    pub(crate) later: Vec<StagedLater>,
    /// Bytes of the messages.
    pub(crate) bytes: u64,
}

impl Staged {
    pub(crate) fn is_empty(&self) -> bool {
        self.publishes.is_empty() && self.settles.is_empty() && self.later.is_empty()
    }
}

/// One message that is to be published later.
#[derive(Debug)]
pub(crate) struct StagedLater {
    pub(crate) message: Message,
    pub(crate) schedule: Schedule,
    /// Who may send it again.
    pub(crate) origin: Option<MessageOrigin>,
    /// So many of its times may have been before a crash that took the commit back (I4).
    pub(crate) repeated_times: u32,
}

/// One message that is staged.
#[derive(Debug)]
pub(crate) struct StagedPublish {
    pub(crate) message: Message,
    /// Its queues and the incarnation of each: a number may get another queue before the commit (I10).
    pub(crate) targets: Targets,
    /// Who may send it again.
    pub(crate) origin: Option<MessageOrigin>,
}

/// One delivery whose settlement is staged.
pub(crate) struct StagedSettle {
    /// Session that it was delivered to.
    pub(crate) owner: SessionId,
    pub(crate) number: DeliveryId,
    pub(crate) entry: Unsettled,
    pub(crate) outcome: Outcome,
}

impl StagedSettle {
    /// Stands where a session is asked for and there is none.
    pub(crate) const NO_SESSION: SessionId = SessionId { index: u32::MAX, generation: u32::MAX };

    /// The acceptance of an entry that was delivered before a restart and is locked in its queue.
    pub(crate) fn locked(entry: Unsettled) -> Self {
        Self { owner: Self::NO_SESSION, number: DeliveryId(0), entry, outcome: Outcome::Accept }
    }

    /// Whether it is of before a restart.
    pub(crate) fn is_locked(&self) -> bool {
        self.owner == Self::NO_SESSION
    }
}

/// What a commit did with the staged publishes.
#[derive(Debug, Default)]
pub struct Committed {
    /// For each staged publish in order: the message when no queue wanted it.
    pub unroutable: Vec<Option<Message>>,
    /// A queue has no room for what is staged for it: nothing was done, and all is as after [`Broker::tx_rollback`].
    pub is_refused: bool,
}

impl Broker {
    /// Makes a session transactional from now on.
    ///
    /// # Errors
    /// The session is gone.
    pub fn tx_select(&mut self, id: SessionId) -> Result<(), Error> {
        let session = self.sessions.get_mut(id.into()).ok_or(Error::Gone)?;
        session.staged.get_or_insert_default();
        Ok(())
    }

    pub(crate) fn stage_publish(
        &mut self,
        place: Place,
        message: Message,
        queues: &[u32],
        origin: Option<MessageOrigin>,
    ) -> Result<Published, Error> {
        let (max, max_bytes) = (self.limits.max_staged, self.limits.max_staged_bytes);
        let incarnation = |queue: &u32| self.queues.get(*queue).map(|slot| (*queue, slot.incarnation));
        let targets = queues.iter().filter_map(incarnation).collect();
        let staged = self.staged(place)?;
        // Names and head count too: nothing that a peer sends is free (I11).
        let bytes = staged.bytes.saturating_add(message.raw().len() as u64);
        if bytes > max_bytes {
            return Err(staging_limit(max_bytes));
        }
        check_room(staged, max)?;
        staged.bytes = bytes;
        staged.publishes.push(StagedPublish { message, targets, origin });
        Ok(Published::Accepted(Receipt::NONE))
    }

    /// Stages a message that is to be published later: its time counts from the commit on.
    pub(crate) fn stage_schedule(
        &mut self,
        place: Place,
        message: Message,
        schedule: Schedule,
        origin: Option<MessageOrigin>,
    ) -> Result<(), Error> {
        let (max, max_bytes) = (self.limits.max_staged, self.limits.max_staged_bytes);
        let staged = self.staged(place)?;
        let bytes = staged.bytes.saturating_add(message.raw().len() as u64);
        if bytes > max_bytes {
            return Err(staging_limit(max_bytes));
        }
        check_room(staged, max)?;
        staged.bytes = bytes;
        staged.later.push(StagedLater { message, schedule, origin, repeated_times: 0 });
        Ok(())
    }

    /// Stages in a transactional session what becomes of a delivery to another session of the same connection: for
    /// protocols whose connections have several transactions at once.
    ///
    /// # Errors
    /// [`Error::UnknownDelivery`]: not delivered or settled already; the transaction is too large; a session is gone, not
    /// transactional, or another connection's.
    pub fn settle_within(
        &mut self,
        transaction: SessionId,
        owner: SessionId,
        delivery: DeliveryId,
        outcome: Outcome,
    ) -> Result<(), Error> {
        let session = self.sessions.get(owner.into()).ok_or(Error::Gone)?;
        let connection = session.connection;
        session.index_of(delivery).ok_or(Error::UnknownDelivery { delivery: delivery.0 })?;
        let is_same = |other: &SessionState| other.connection == connection && other.staged.is_some();
        if !self.sessions.get(transaction.into()).is_some_and(is_same) {
            return Err(Error::Gone);
        }
        self.stage_settle_of(Place::Session(transaction), owner, delivery, SettleRange::One, outcome)
    }

    pub(crate) fn stage_settle(
        &mut self,
        id: SessionId,
        last: DeliveryId,
        range: SettleRange,
        outcome: Outcome,
    ) -> Result<(), Error> {
        self.stage_settle_of(Place::Session(id), id, last, range, outcome)
    }

    pub(crate) fn stage_settle_of(
        &mut self,
        place: Place,
        owner: SessionId,
        last: DeliveryId,
        range: SettleRange,
        outcome: Outcome,
    ) -> Result<(), Error> {
        let max = self.limits.max_staged;
        check_room(self.staged(place)?, max)?;
        let session = self.sessions.get_mut(owner.into()).ok_or(Error::Gone)?;
        let mut taken = Vec::new();
        if range == SettleRange::One {
            if let Some(index) = session.index_of(last) {
                taken.extend(session.take(index).map(|entry| (last, entry)));
            }
        } else {
            loop {
                let number = DeliveryId(session.front);
                let Some(entry) = session.take_front_up_to(last) else { break };
                taken.push((number, entry));
            }
        }
        let taken = taken.into_iter().map(|(number, entry)| StagedSettle { owner, number, entry, outcome });
        self.staged(place)?.settles.extend(taken);
        Ok(())
    }

    /// Carries out all that is staged as one group of records, or nothing of it when a queue that refuses what it has no
    /// room for has none for all that is staged for it (I6). The session stays transactional.
    ///
    /// # Errors
    /// The session is gone or not transactional.
    pub fn tx_commit(&mut self, id: SessionId) -> Result<Done<Committed>, Error> {
        let staged = std::mem::take(self.staged(Place::Session(id))?);
        if staged.is_empty() {
            return Ok(at_once(Committed::default()));
        }
        if !self.has_room_for(&staged.publishes) {
            self.counters.refused += staged.publishes.len() as u64;
            staged.settles.into_iter().rev().for_each(|settle| self.put_back(settle));
            return Ok(at_once(Committed { is_refused: true, ..Committed::default() }));
        }
        let (committed, receipt) = self.as_group(|broker| {
            // What the commit itself brings about must not take the room that was found.
            broker.takes_all = true;
            let committed = broker.carry_out(id, staged);
            broker.takes_all = false;
            committed
        });
        Ok(Done { value: committed, receipt })
    }

    /// Whether every queue that may refuse messages has room for all that is staged for it.
    pub(crate) fn has_room_for(&self, publishes: &[StagedPublish]) -> bool {
        let now_ms = self.time.ms();
        // Messages and bytes by queue.
        let mut wanted: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
        for StagedPublish { message, targets, .. } in publishes {
            let properties = OnceCell::new();
            for (queue, incarnation) in targets {
                let Some(slot) = self.queues.get(*queue) else { continue };
                if slot.incarnation != *incarnation
                    || !slot.machine.may_be_full()
                    || !slot.machine.wants(message, now_ms, &properties)
                {
                    continue;
                }
                let (count, bytes) = wanted.entry(*queue).or_default();
                *count += 1;
                *bytes = bytes.saturating_add(message.body_len() as u64);
                if slot.machine.check_room_for(*count, *bytes) != Room::Free {
                    return false;
                }
            }
        }
        true
    }

    pub(crate) fn carry_out(&mut self, id: SessionId, staged: Staged) -> Committed {
        let mut committed = Committed::default();
        for StagedPublish { message, targets, origin } in staged.publishes {
            self.counters.published += 1;
            let is_same = |(queue, incarnation): &&(u32, u64)| {
                self.queues.get(*queue).is_some_and(|slot| slot.incarnation == *incarnation)
            };
            let queues: SmallVec<[u32; 4]> =
                targets.iter().filter(is_same).map(|(queue, _)| *queue).collect();
            committed.unroutable.push(match self.send_from(&queues, message, origin) {
                Published::Unroutable(message) => Some(message),
                // There is room, as was seen before.
                Published::Accepted(_) | Published::Refused => None,
            });
        }
        if let Ok((principal, namespace, _)) = self.who(id) {
            let user = principal.user().clone();
            self.hold_staged(namespace, &user, staged.later);
        }
        let mut touched = SmallVec::new();
        // The owners whose windows were full; mostly one.
        let mut full: SmallVec<[SessionId; 2]> = SmallVec::new();
        for StagedSettle { owner, entry, outcome, .. } in staged.settles {
            if self.settle_entry(owner, entry, outcome, &mut touched) && !full.contains(&owner) {
                full.push(owner);
            }
        }
        self.after_settling(id, &touched, false);
        for owner in full {
            self.wake_session(owner);
        }
        committed
    }

    /// What is staged to be published later is kept: its time begins now.
    pub(crate) fn hold_staged(&mut self, namespace: NamespaceId, user: &Arc<str>, later: Vec<StagedLater>) {
        for StagedLater { message, schedule, origin, repeated_times } in later {
            self.counters.published += 1;
            self.hold_for_user(namespace, user.clone(), (message, schedule), origin, repeated_times);
        }
    }

    /// Drops all that is staged; its deliveries are unsettled again, under their old numbers.
    ///
    /// # Errors
    /// The session is gone or not transactional.
    pub fn tx_rollback(&mut self, id: SessionId) -> Result<(), Error> {
        let staged = std::mem::take(self.staged(Place::Session(id))?);
        staged.settles.into_iter().rev().for_each(|settle| self.put_back(settle));
        Ok(())
    }

    /// A delivery is unsettled again, if its session is there.
    pub(crate) fn put_back(&mut self, settle: StagedSettle) {
        if let Some(session) = self.sessions.get_mut(settle.owner.into()) {
            session.put_back(settle.number, settle.entry);
        }
    }

    fn staged(&mut self, place: Place) -> Result<&mut Staged, Error> {
        match place {
            Place::Session(id) => {
                let session = self.sessions.get_mut(id.into()).ok_or(Error::Gone)?;
                session.staged.as_deref_mut().ok_or(Error::Gone)
            }
            Place::Branch(number) => {
                self.branches.get_mut(number).map(|branch| &mut branch.staged).ok_or(Error::Gone)
            }
        }
    }

    /// Deliveries that a closing session has staged to settle, and those of its own that a sibling has: they go back with
    /// the unsettled ones.
    pub(crate) fn unstage_settles(&mut self, id: SessionId) {
        self.leave_branches(id);
        let Some(session) = self.sessions.get(id.into()) else { return };
        let connection = session.connection;
        if session.staged.is_some() {
            // It is transactional, as just seen.
            let _known = self.tx_rollback(id);
        }
        let Some(connection) = self.connections.get(connection.into()) else { return };
        let mut taken: Vec<StagedSettle> = Vec::new();
        for sibling in &connection.sessions {
            let Some(sibling) = self.sessions.get_mut((*sibling).into()) else { continue };
            if let Some(staged) = sibling.staged.as_deref_mut() {
                taken.extend(staged.settles.extract_if(.., |settle| settle.owner == id));
            }
        }
        if let Some(session) = self.sessions.get_mut(id.into()) {
            for StagedSettle { number, entry, .. } in taken.into_iter().rev() {
                session.put_back(number, entry);
            }
        }
    }

    /// Carries several publishes out whose records are all there after a crash, or none is (I6). The receipt is for all of
    /// them.
    pub fn together<T>(&mut self, publish: impl FnOnce(&mut Self) -> T) -> (T, Receipt) {
        self.as_group(publish)
    }

    /// Makes a change whose records are all there after a crash, or none is (I6). The receipt is for all of them; within
    /// a group that is open already they belong to that one, and so does the receipt.
    pub(crate) fn as_group<T>(&mut self, change: impl FnOnce(&mut Self) -> T) -> (T, Receipt) {
        if self.has_open_group {
            return (change(self), Receipt::NONE);
        }
        // What was settled outside must not get into the group, nor the other way round.
        self.settles.flush(&mut *self.log, Grouping::Ends);
        let before = self.log.next_pos();
        self.has_open_group = true;
        let outcome = change(self);
        self.settles.flush(&mut *self.log, Grouping::Continues);
        self.has_open_group = false;
        if self.log.next_pos() == before {
            return (outcome, Receipt::NONE);
        }
        (outcome, self.log.append(kind::GROUP_END, Grouping::Ends, &[]).receipt())
    }

    /// Whether records now belong to an open group.
    pub(crate) fn is_grouped(&self) -> bool {
        self.has_open_group
    }

    /// Grouping of a record that would stand alone outside an open group.
    pub(crate) fn grouping(&self, alone: Grouping) -> Grouping {
        if self.has_open_group { Grouping::Continues } else { alone }
    }
}

fn check_room(staged: &Staged, max: u32) -> Result<(), Error> {
    if staged.publishes.len() + staged.settles.len() + staged.later.len() >= max as usize {
        return Err(staging_limit(u64::from(max)));
    }
    Ok(())
}

fn staging_limit(max: u64) -> Error {
    Error::Limit { limit: LimitKind::Staged, owner: "transaction".into(), max }
}
