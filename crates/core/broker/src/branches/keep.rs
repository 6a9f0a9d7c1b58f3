//! Prepared branches in the log: one group of records when they are prepared, all of it again in each checkpoint, one
//! record when they are decided.

use std::{ops::Bound, sync::Arc};

use bytes::Bytes;
use ternmq_message::History;
use ternmq_queue::Seq;
use ternmq_stdx::layout::{BadLayout, Reader};

use super::{Branch, Stage};
use crate::{
    broker::Broker,
    log::Grouping,
    records::{
        BranchEnd, BranchHold, branch_later_parts, branch_message_parts, kind, read_branch_end,
        read_branch_holds, read_branch_later, read_branch_message, write_branch_end, write_branch_holds,
    },
    session_state::{Unsettled, short_incarnation},
    transaction::{Staged, StagedLater, StagedPublish, StagedSettle},
};

/// Most deliveries of one record.
const RECORD_HOLDS: usize = 4_096;

/// Parts of a branch whose end has not been read.
#[derive(Default)]
pub(crate) struct Unfinished {
    publishes: Vec<StagedPublish>,
    later: Vec<StagedLater>,
    holds: Vec<BranchHold>,
}

impl Broker {
    /// Writes a prepared branch as part of an open group.
    pub(super) fn write_branch(&mut self, number: u64) {
        let mut part = 0;
        while self.write_branch_part(number, part, Grouping::Continues) {
            part += 1;
        }
    }

    /// Writes one part of a branch: its messages, then those for later, then its deliveries by the thousands, then its end. False after the last.
    fn write_branch_part(&mut self, number: u64, part: usize, grouping: Grouping) -> bool {
        let Some(branch) = self.branches.all.get(&number) else { return false };
        let Staged { publishes, settles, later, .. } = &branch.staged;
        self.scratch.clear();
        if let Some(publish) = publishes.get(part) {
            branch_message_parts(&mut self.scratch, number, publish);
            let parts = [self.scratch.bytes(), publish.message.raw()];
            self.log.append(kind::BRANCH_MESSAGE, grouping, &parts);
            return true;
        }
        let part = part - publishes.len();
        if let Some(later) = later.get(part) {
            branch_later_parts(&mut self.scratch, number, later);
            let parts = [self.scratch.bytes(), later.message.raw()];
            self.log.append(kind::BRANCH_LATER, grouping, &parts);
            return true;
        }
        let first = (part - later.len()).saturating_mul(RECORD_HOLDS);
        if let Some(rest) = settles.get(first..).filter(|rest| !rest.is_empty()) {
            let holds: Vec<BranchHold> =
                rest.iter().take(RECORD_HOLDS).filter_map(|settle| self.hold_of(settle)).collect();
            write_branch_holds(&mut self.scratch, number, &holds);
            self.log.append(kind::BRANCH_HOLDS, grouping, &[self.scratch.bytes()]);
            return true;
        }
        let Stage::Prepared { at_ms } = branch.stage else { return false };
        let end = BranchEnd {
            number,
            namespace: self.namespaces.name(branch.namespace),
            user: branch.user.clone(),
            id: branch.id.clone(),
            prepared_at_ms: at_ms,
        };
        write_branch_end(&mut self.scratch, &end);
        self.log.append(kind::BRANCH_END, grouping, &[self.scratch.bytes()]);
        false
    }

    /// A delivery as the log knows it; `None` when its queue has gone.
    fn hold_of(&self, settle: &StagedSettle) -> Option<BranchHold> {
        let entry = &settle.entry;
        let slot = self.queues.get(entry.queue).filter(|slot| entry.is_of(slot.incarnation))?;
        Some(BranchHold { queue: entry.queue, incarnation: slot.incarnation, seq: Seq(entry.seq) })
    }

    pub(super) fn write_decided(&mut self, number: u64) {
        self.scratch.clear();
        self.scratch.u64(number);
        let grouping = self.grouping(Grouping::Ends);
        self.log.append(kind::BRANCH_DECIDED, grouping, &[self.scratch.bytes()]);
    }

    /// A checkpoint begins: all prepared branches are to be written.
    pub(crate) fn start_branch_checkpoint(&mut self) {
        self.branches.checkpoint = Some((Bound::Unbounded, 0));
    }

    /// Writes the next parts of the running checkpoint, some `room_bytes` of them. True when all are written.
    pub(crate) fn write_branches(&mut self, room_bytes: u64) -> bool {
        let began = self.log.next_pos();
        while let Some((after, part)) = self.branches.checkpoint {
            if self.log.next_pos() - began > room_bytes {
                return false;
            }
            let mut rest = self.branches.all.range((after, Bound::Unbounded));
            let next = rest.find(|(_, branch)| branch.is_prepared()).map(|(number, _)| *number);
            self.branches.checkpoint = match next {
                None => None,
                // One that is decided between two of its parts makes room for another, which is written from its start.
                Some(number) if part == 0 || self.branches.is_at(number) => {
                    self.branches.writing = Some(number);
                    let has_more = self.write_branch_part(number, part, Grouping::Ends);
                    Some(if has_more { (after, part + 1) } else { (Bound::Excluded(number), 0) })
                }
                Some(_) => Some((after, 0)),
            };
        }
        true
    }

    pub(crate) fn replay_branch_message(&mut self, payload: &[u8]) -> Result<(), BadLayout> {
        // A copy of its own: the payload is the journal's buffer, which goes.
        let (number, publish) = read_branch_message(&Bytes::copy_from_slice(payload))?;
        if let Some(unfinished) = self.unfinished(number) {
            unfinished.publishes.push(publish);
        }
        Ok(())
    }

    pub(crate) fn replay_branch_later(&mut self, payload: &[u8]) -> Result<(), BadLayout> {
        let (number, later) = read_branch_later(&Bytes::copy_from_slice(payload))?;
        if let Some(unfinished) = self.unfinished(number) {
            unfinished.later.push(later);
        }
        Ok(())
    }

    pub(crate) fn replay_branch_holds(&mut self, payload: &[u8]) -> Result<(), BadLayout> {
        let (number, holds) = read_branch_holds(payload)?;
        if let Some(unfinished) = self.unfinished(number) {
            unfinished.holds.extend(holds);
        }
        Ok(())
    }

    /// What is known of a branch that is being read; `None` when it is known already, and a checkpoint repeats it.
    fn unfinished(&mut self, number: u64) -> Option<&mut Unfinished> {
        let is_known = self.branches.all.contains_key(&number);
        (!is_known).then(|| self.branches.unfinished.entry(number).or_default())
    }

    pub(crate) fn replay_branch_end(&mut self, payload: &[u8]) -> Result<(), BadLayout> {
        let end = read_branch_end(payload)?;
        let Some(namespace) = self.namespaces.find(&end.namespace) else { return Ok(()) };
        if self.branches.all.contains_key(&end.number) {
            return Ok(());
        }
        let Unfinished { publishes, later, holds } =
            self.branches.unfinished.remove(&end.number).unwrap_or_default();
        let messages = publishes.iter().map(|publish| &publish.message);
        let messages = messages.chain(later.iter().map(|later| &later.message));
        let bytes = messages.map(|message| message.raw().len() as u64).sum();
        let settles = holds.iter().map(locked).collect();
        let branch = Branch {
            id: end.id,
            namespace,
            user: end.user,
            stage: Stage::Prepared { at_ms: end.prepared_at_ms },
            staged: Staged { publishes, settles, later, bytes },
        };
        self.branches.insert(end.number, branch);
        Ok(())
    }

    pub(crate) fn replay_branch_decided(&mut self, payload: &[u8]) -> Result<(), BadLayout> {
        let number = Reader::new(payload).u64()?;
        self.branches.remove(number);
        self.branches.unfinished.remove(&number);
        self.branches.last_number = self.branches.last_number.max(number);
        Ok(())
    }

    /// The replay is over: what prepared branches hold is locked before anybody can get it. What is not there any more,
    /// or was not kept over the restart, leaves its branch. After anything but a clean stop a commit may have been undone
    /// whose messages were handed out already: they say so (I4).
    pub(crate) fn lock_branches(&mut self, was_clean: bool) {
        self.branches.unfinished.clear();
        let now_ms = self.time.ms();
        for branch in self.branches.all.values_mut().filter(|_| !was_clean) {
            let Stage::Prepared { at_ms } = branch.stage else { continue };
            for later in &mut branch.staged.later {
                let times = later.schedule.times_since(at_ms, now_ms);
                later.repeated_times = later.repeated_times.max(times);
            }
        }
        let publishes = self.branches.all.values_mut().flat_map(|branch| &mut branch.staged.publishes);
        for publish in publishes.filter(|publish| !was_clean && !publish.message.may_be_repeated()) {
            let message = &publish.message;
            let history = match (message.history(), self.formats.get(message.meta().encoding)) {
                (Some(history), _) => History::clone(history),
                (None, Some(format)) => format.history(message.head()),
                (None, None) => History::default(),
            };
            let history = Arc::new(History { may_be_repeated: true, ..history });
            publish.message = publish.message.clone().with_history(history);
        }
        let queues = &mut self.queues;
        for branch in self.branches.all.values_mut() {
            branch.staged.settles.retain(|settle| {
                let entry = &settle.entry;
                let slot = queues.get_mut(entry.queue).filter(|slot| entry.is_of(slot.incarnation));
                slot.is_some_and(|slot| slot.machine.lock(Seq(entry.seq)))
            });
        }
    }
}

impl super::Branches {
    /// Whether the running checkpoint is within this branch.
    fn is_at(&self, number: u64) -> bool {
        self.writing == Some(number)
    }
}

fn locked(hold: &BranchHold) -> StagedSettle {
    StagedSettle::locked(Unsettled {
        queue: hold.queue,
        slot: Unsettled::GONE,
        seq: hold.seq.0,
        incarnation: short_incarnation(hold.incarnation) | Unsettled::FETCHED,
        age_base_ms: 0,
    })
}
