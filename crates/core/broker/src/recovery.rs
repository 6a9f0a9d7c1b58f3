//! Recovery: the log's records, from the last checkpoint on, make the state that it was.

use std::sync::Arc;

use ternmq_queue::{ChunkRef, EntryRef, Location, Queue, Seq, SnapshotChunk};
use ternmq_stdx::layout::{BadLayout, Reader};
use thiserror::Error;

use crate::{
    broker::Broker,
    definition::{Definition, NamespaceRecord},
    incident::Incident,
    ledger::Segments,
    records::{kind, read_chunk, read_definition, read_dying, read_message_head, read_settle, read_snapshot},
    time::Now,
};

/// A record that this version can't make sense of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ReplayError {
    /// Its kind is not known: written by a newer version.
    #[error(
        "the record at log position {pos} is of kind {kind}, which this version does not know; use the version that wrote it or a newer one"
    )]
    UnknownKind {
        /// Position in the log.
        pos: u64,
        /// Its kind.
        kind: u8,
    },
    /// Its checksum is right but its content is not what its kind says.
    #[error(
        "the record at log position {pos} (kind {kind}) does not have the layout of its kind at byte {offset}"
    )]
    BadLayout {
        /// Position in the log.
        pos: u64,
        /// Its kind.
        kind: u8,
        /// Offset in its payload.
        offset: usize,
    },
}

/// The log is written in another dialect: names in it mean something else.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("it is written in another dialect, with the mark {mark:?}")]
pub struct OtherDialect {
    /// Its mark; see [`crate::Dialect::mark`].
    pub mark: Option<Arc<str>>,
}

/// Progress of a replay.
#[derive(Debug, Default)]
pub(crate) struct Replay {
    is_past_first: bool,
    is_defining: bool,
}

impl Broker {
    /// Applies one record, in order of the log.
    ///
    /// # Errors
    /// [`ReplayError`]; the record had no effect, the ones after it may be applied.
    pub fn replay(&mut self, pos: u64, len: u32, kind: u8, payload: &[u8]) -> Result<(), ReplayError> {
        let location = Location { pos, len, is_durable: true };
        let is_first = !std::mem::replace(&mut self.replay.is_past_first, true);
        let outcome = match kind {
            kind::MESSAGE => self.replay_message(location, payload),
            kind::SETTLE => self.replay_settle(payload),
            kind::CHUNK => self.replay_chunk(location, payload),
            kind::DYING => self.replay_dying(payload),
            kind::SNAPSHOT => self.replay_snapshot(payload),
            kind::DEFINITION => read_definition(payload).map(|definition| {
                self.apply(&definition);
                if self.replay.is_defining {
                    self.await_snapshot(&definition);
                }
            }),
            kind::CHECKPOINT_START => self.replay_start(is_first, payload),
            kind::CHECKPOINT_DEFINED => {
                self.replay.is_defining = false;
                Ok(())
            }
            kind::GROUP_END => Ok(()),
            kind::TOKEN => self.replay_token(payload),
            kind::WILL => self.replay_will(payload),
            kind::RETAINED => self.replay_retained(payload),
            kind::SCHEDULED => self.replay_scheduled(payload),
            kind::BRANCH_MESSAGE => self.replay_branch_message(payload),
            kind::BRANCH_LATER => self.replay_branch_later(payload),
            kind::BRANCH_HOLDS => self.replay_branch_holds(payload),
            kind::BRANCH_END => self.replay_branch_end(payload),
            kind::BRANCH_DECIDED => self.replay_branch_decided(payload),
            kind::PRODUCER => self.replay_producer(payload),
            kind::REMARK => self.replay_remark(payload),
            _ => return Err(ReplayError::UnknownKind { pos, kind }),
        };
        outcome.map_err(|bad| ReplayError::BadLayout { pos, kind, offset: bad.offset })
    }

    /// After a replay: whether it was of the broker's own dialect, or of nothing at all.
    ///
    /// # Errors
    /// [`OtherDialect`]; nothing may be done with the broker then.
    pub fn check_mark(&self) -> Result<(), OtherDialect> {
        let is_blank = self.kept_mark.is_none() && self.namespaces.iter().next().is_none();
        if is_blank || self.kept_mark.as_deref() == self.dialect.mark() {
            return Ok(());
        }
        Err(OtherDialect { mark: self.kept_mark.clone() })
    }

    /// A range of the log is damaged (F5): what only it told is lost, what is read from it later will be counted.
    pub fn replay_gap(&mut self, from: u64, to: u64) {
        self.incidents.push(Incident::LogDamaged { from, to });
    }

    /// Ends the replay: `segments` are those that the journal has. Makes the default namespace when there is none.
    pub fn finish_recovery(&mut self, now: Now, was_clean: bool, segments: &[u64]) {
        self.time.advance(now);
        self.is_replaying = false;
        self.producers.start(self.time.ms());
        self.boot_pos = self.log.next_pos();
        self.checkpoint.last_start = self.log.next_pos();
        let segment_bytes = self.log.segment_bytes();
        // One that ended with nothing on its way was kept only for a snapshot that could have come.
        self.give_up_remnants(|slot| !slot.machine.is_dying());
        self.lock_branches(was_clean);
        for id in self.queues.all_ids() {
            let Some(slot) = self.queues.any_mut(id) else { continue };
            if slot.awaits_snapshot {
                slot.awaits_snapshot = false;
                self.incidents.push(Incident::SnapshotMissing { queue: slot.name.clone() });
            }
            slot.used_at_ms = self.time.ms();
            slot.machine.replay_done(!was_clean);
            let snapshot = slot.machine.snapshot();
            for SnapshotChunk { chunk, .. } in &snapshot.chunks {
                self.segments.hold(chunk.record, segment_bytes);
                for (segment, count) in &chunk.segments {
                    self.segments.hold_many(*segment, u64::from(*count));
                }
            }
            let dying = snapshot.dying.iter().map(|dying| &dying.entry);
            for entry in snapshot.entries.iter().map(|(_, entry)| entry).chain(dying) {
                self.segments.hold(entry.location, segment_bytes);
            }
            slot.machine.resume_dying(&mut self.outbox);
            // Who held it is gone. One whose time runs already goes on with it.
            self.begin_lapse(id);
            self.arm_idle(id);
            self.run_queue(id);
        }
        self.finish_client_recovery();
        self.finish_scheduled_recovery(was_clean);
        self.touch_segments(segments);
        self.arm_sweep();
        self.watch_slow();
        if self.namespaces.iter().next().is_none() {
            if let Some(mark) = self.dialect.mark() {
                self.commit(&Definition::PutMark(mark.into()));
            }
            let name = self.dialect.default_namespace().into();
            let record = NamespaceRecord { name, ..NamespaceRecord::default() };
            self.commit(&Definition::PutNamespace(record));
        }
    }

    fn replay_start(&mut self, is_first: bool, payload: &[u8]) -> Result<(), BadLayout> {
        let written_at_ms = Reader::new(payload).u64()?;
        self.time.not_before(written_at_ms);
        // A later start belongs to a checkpoint that did not become the one to start from: its definitions repeat
        // what is known.
        self.replay.is_defining = is_first;
        Ok(())
    }

    fn await_snapshot(&mut self, definition: &Definition) {
        if let Definition::PutQueue(record) | Definition::PutRemnant(record) = definition
            && let Some(slot) = self.queues.any_mut(record.id)
        {
            slot.awaits_snapshot = true;
        }
    }

    fn replay_message(&mut self, location: Location, payload: &[u8]) -> Result<(), BadLayout> {
        let head = read_message_head(&mut Reader::new(payload))?;
        if !head.is_durable {
            return Ok(());
        }
        if let Some((queue, seq)) = head.replaces {
            self.replay_gone(queue, seq, seq);
        }
        if let Some(origin) = head.origin {
            self.producers.note(origin, 0);
        }
        for target in &head.targets {
            let Some(slot) = self.queues.get_mut(target.queue).filter(|slot| !slot.awaits_snapshot) else {
                continue;
            };
            let lane = slot.machine.settings().max_priority.map_or(0, |max| head.priority.min(max));
            slot.machine.replay_push(
                lane,
                EntryRef {
                    seq: target.seq,
                    location,
                    body_len: head.body_len,
                    expires_at_ms: target.expires_at_ms,
                    failed_count: 0,
                    acquired_count: 0,
                },
            );
        }
        Ok(())
    }

    pub(crate) fn replay_gone(&mut self, queue: u32, first: Seq, last: Seq) {
        if let Some(slot) = self.queues.any_mut(queue).filter(|slot| !slot.awaits_snapshot) {
            slot.machine.replay_settled(first, last);
            self.remarks.remove(queue, first, last);
        }
    }

    fn replay_settle(&mut self, payload: &[u8]) -> Result<(), BadLayout> {
        let record = read_settle(payload)?;
        for (first, last) in record.ranges {
            self.replay_gone(record.queue, first, last);
        }
        Ok(())
    }

    fn replay_chunk(&mut self, record: Location, payload: &[u8]) -> Result<(), BadLayout> {
        let chunk = read_chunk(payload)?;
        let segment_bytes = self.log.segment_bytes();
        let Some(slot) = self.queues.get_mut(chunk.queue).filter(|slot| !slot.awaits_snapshot) else {
            return Ok(());
        };
        let segments = Segments::counts(chunk.entries.iter().map(|entry| entry.location), segment_bytes);
        let Some(list) = ChunkRef::of(&chunk.entries, record, segments) else { return Ok(()) };
        slot.machine.replay_chunk(chunk.lane, list);
        // Transient messages do not outlive the restart.
        for entry in chunk.entries.iter().filter(|entry| !entry.location.is_durable) {
            slot.machine.replay_settled(entry.seq, entry.seq);
        }
        Ok(())
    }

    fn replay_dying(&mut self, payload: &[u8]) -> Result<(), BadLayout> {
        let (queue, entries) = read_dying(payload)?;
        if let Some(slot) = self.queues.any_mut(queue).filter(|slot| !slot.awaits_snapshot) {
            entries.into_iter().for_each(|entry| slot.machine.replay_dying(entry));
        }
        Ok(())
    }

    fn replay_snapshot(&mut self, payload: &[u8]) -> Result<(), BadLayout> {
        let record = read_snapshot(payload)?;
        if let Some(slot) = self.queues.any_mut(record.queue)
            && slot.awaits_snapshot
            && slot.incarnation == record.incarnation
        {
            slot.awaits_snapshot = false;
            slot.machine = Queue::restore(slot.machine.settings().clone(), record.snapshot);
        }
        Ok(())
    }
}
