//! Copying forward: when the disk runs short, a segment of which little is needed any more is emptied, so that one old
//! message does not keep all of it.
//!
//! Copies of the messages, and of the lists of cold chunks, are appended, and memory points to them. No record tells a
//! restart of it: the next checkpoint does. Until that is durable a restart finds everything in the old places, which
//! stay, because a segment goes only with a checkpoint that began after nothing needed it.
//!
//! ```text
//! List -> ReadLists -> Copy -> Chunks -> Point -> a checkpoint releases the segment
//! ```
//! One segment at a time, a bounded step per turn; what is read is read away from the loop. What is being read for
//! other reasons meanwhile stays where it is: the segment is tried again later.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;

use bytes::Bytes;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use ternmq_queue::{ChunkList, ChunkPlace, EntryRef, Location};

use crate::{
    broker::Broker,
    ledger::Segments,
    log::Grouping,
    paging::{ReadRequest, live_entries, write_list},
    records::{kind, message_parts, read_message},
};

/// Most queues looked at in one turn.
const STEP_QUEUES: u32 = 256;
/// Bytes of records copied in one turn.
const STEP_BYTES: u64 = 1 << 20;
/// What an entry takes in the list of a chunk.
const LISTED_BYTES: u64 = 37;
/// A record takes at least this.
const RECORD_BYTES_MIN: u64 = 64;

/// Progress of copying forward.
#[derive(Default)]
pub(crate) struct Forward {
    /// The disk runs short.
    is_wanted: bool,
    /// Segments that were not worth it, could not be emptied, or hold copies, with the uses they had. Tried again when
    /// half of those are gone.
    passed_by: HashMap<u64, u64, FixedState>,
    task: Option<Task>,
}

/// One segment on its way out.
struct Task {
    segment: u64,
    log: Range<u64>,
    stage: Stage,
    /// Something is being read for the stage.
    is_reading: bool,
    /// What should be read next.
    request: Option<ReadRequest>,
    /// Records that are needed, by position, and their length in all.
    records: BTreeMap<u64, Location>,
    record_bytes: u64,
    /// Chunks with records there.
    chunks: Vec<(QueueKey, ChunkPlace)>,
    /// Where the copies are, by the position of the original. Each counts as used until the task is over.
    copies: HashMap<u64, Location, FixedState>,
    /// What copying may take: with the checkpoint after it, half of what it frees. So it comes to an end.
    budget_bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct QueueKey {
    queue: u32,
    incarnation: u64,
}

#[derive(Debug)]
enum Stage {
    /// Which records are needed: by this queue and those after it.
    List(u32),
    /// Which ones do cold chunks need: the one of this number and those after it.
    ReadLists(usize),
    /// These are still to be copied.
    Copy(VecDeque<Location>),
    /// Chunks get new lists: the one of this number and those after it.
    Chunks(usize),
    /// All other entries are pointed to the copies: of this queue and those after it.
    Point(u32),
}

impl Broker {
    /// Tells whether the disk runs short enough for mostly dead segments to be copied forward, and yet has room for the
    /// copies.
    pub fn set_disk_short(&mut self, is_short: bool) {
        if !is_short {
            // What was not worth it may be when the disk runs short again.
            self.forward.passed_by.clear();
        }
        self.forward.is_wanted = is_short;
    }

    /// A checkpoint would give more room back than it takes, now that it is short.
    pub(crate) fn has_room_to_free(&self) -> bool {
        let size = self.log.segment_bytes();
        let least = 2 + 2 * self.checkpoint.last_bytes / size;
        self.forward.is_wanted && self.segments.count_dead_before(self.log.durable_pos() / size) >= least
    }

    /// These segments are no more.
    pub(crate) fn forget_passed_by(&mut self, segments: &[u64]) {
        self.forward.passed_by.retain(|segment, _| !segments.contains(segment));
    }

    /// Whether the next turn has a step to do, even if nothing else happens.
    pub(crate) fn wants_forward(&self) -> bool {
        match &self.forward.task {
            Some(task) => !task.is_reading && task.request.is_none(),
            None => self.forward.is_wanted && !self.is_checkpointing() && self.sparsest().is_some(),
        }
    }

    /// What is to be read now.
    pub(crate) fn poll_forward_read(&mut self) -> Option<ReadRequest> {
        let task = self.forward.task.as_mut()?;
        let request = task.request.take()?;
        task.is_reading = true;
        Some(request)
    }

    pub(crate) fn has_forward_read(&self) -> bool {
        self.forward.task.as_ref().is_some_and(|task| task.request.is_some())
    }

    /// Goes one step. Between turns nothing is half done: each entry has a record that is there.
    pub(crate) fn step_forward(&mut self) {
        let Some(mut task) = self.forward.task.take().or_else(|| self.begin_forward()) else { return };
        if task.is_reading || task.request.is_some() {
            self.forward.task = Some(task);
            return;
        }
        let is_going_on = match task.stage {
            Stage::List(next) => self.list_records(&mut task, next),
            Stage::ReadLists(at) => self.ask_for_list(&mut task, at),
            Stage::Copy(_) => ask_for_records(&mut task),
            Stage::Chunks(at) => self.ask_for_list(&mut task, at),
            Stage::Point(next) => self.point_entries(&mut task, next),
        };
        if is_going_on {
            self.forward.task = Some(task);
        } else {
            self.end_forward(task);
        }
    }

    /// The segment that is most likely to be worth it, of those that are written and behind the last checkpoint.
    fn sparsest(&self) -> Option<u64> {
        let size = self.log.segment_bytes();
        let end = self.log.durable_pos().min(self.checkpoint.last_start) / size;
        self.segments.sparsest_before(end, |segment, live| {
            live.saturating_mul(RECORD_BYTES_MIN) <= size / 2
                && self.forward.passed_by.get(&segment).is_none_or(|passed| live <= passed / 2)
        })
    }

    fn begin_forward(&self) -> Option<Task> {
        if !self.forward.is_wanted || self.is_checkpointing() {
            return None;
        }
        let segment = self.sparsest()?;
        let size = self.log.segment_bytes();
        Some(Task {
            segment,
            log: segment * size..(segment + 1) * size,
            stage: Stage::List(0),
            is_reading: false,
            request: None,
            records: BTreeMap::new(),
            record_bytes: 0,
            chunks: Vec::new(),
            copies: HashMap::default(),
            budget_bytes: (size / 2).saturating_sub(self.checkpoint.last_bytes),
        })
    }

    fn list_records(&mut self, task: &mut Task, next: u32) -> bool {
        let end = self.queues.end_id().min(next.saturating_add(STEP_QUEUES));
        for queue in next..end {
            let Some(slot) = self.queues.any(queue) else { continue };
            let log = task.log.clone();
            slot.machine.records_in(&log, |location| task.need(location));
            let key = QueueKey { queue, incarnation: slot.incarnation };
            task.chunks.extend(slot.machine.chunks_in(task.segment, &task.log).map(|place| (key, place)));
        }
        task.stage = if end < self.queues.end_id() { Stage::List(end) } else { Stage::ReadLists(0) };
        task.is_worth_it()
    }

    /// Asks for the list of a chunk, or goes on to the stage after.
    fn ask_for_list(&mut self, task: &mut Task, at: usize) -> bool {
        if let Some((_, place)) = task.chunks.get(at) {
            task.request = Some(ReadRequest::List(place.record));
            return place.record.end() <= self.log.durable_pos();
        }
        let is_listing = matches!(task.stage, Stage::ReadLists(_));
        task.stage =
            if is_listing { Stage::Copy(task.records.values().copied().collect()) } else { Stage::Point(0) };
        task.is_worth_it()
    }

    /// The list of a chunk was read for copying forward.
    pub(crate) fn on_forward_list(&mut self, entries: Option<Vec<EntryRef>>) {
        let Some(mut task) = self.forward.task.take() else { return };
        task.is_reading = false;
        let at = match task.stage {
            Stage::ReadLists(at) | Stage::Chunks(at) => at,
            Stage::List(_) | Stage::Copy(_) | Stage::Point(_) => return self.end_forward(task),
        };
        let Some((key, place)) = task.chunks.get(at).copied() else { return self.end_forward(task) };
        let entries = entries.and_then(|entries| self.still_listed(key, &place, entries));
        if matches!(task.stage, Stage::ReadLists(_)) {
            let log = task.log.clone();
            let there = entries.into_iter().flatten().filter(|entry| entry.location.overlaps(&log));
            there.for_each(|entry| task.need(entry.location));
            task.stage = Stage::ReadLists(at + 1);
            if !task.is_worth_it() {
                return self.end_forward(task);
            }
        } else {
            if let Some(entries) = entries {
                self.rewrite_list(&task, key, &place, entries);
            }
            task.stage = Stage::Chunks(at + 1);
        }
        self.forward.task = Some(task);
    }

    /// The entries of a chunk's list that are left; `None` when the chunk is gone, being read, or has another list.
    fn still_listed(
        &self,
        key: QueueKey,
        place: &ChunkPlace,
        entries: Vec<EntryRef>,
    ) -> Option<Vec<EntryRef>> {
        let slot = self.queues.any(key.queue).filter(|slot| slot.incarnation == key.incarnation)?;
        let view = slot.machine.chunk(place.lane, place.first_seq)?;
        match view.list {
            ChunkList::Record(chunk) if chunk.record == place.record => {}
            ChunkList::Record(_) | ChunkList::Refs(_) => return None,
        }
        let (live, _) = live_entries(entries, view.holes, self.boot_pos);
        Some(live)
    }

    /// Writes the list of a chunk anew, with the copies' places in it.
    fn rewrite_list(&mut self, task: &Task, key: QueueKey, place: &ChunkPlace, mut entries: Vec<EntryRef>) {
        for entry in &mut entries {
            if let Some(copy) = task.copies.get(&entry.location.pos) {
                entry.location = *copy;
            }
        }
        let segment_bytes = self.log.segment_bytes();
        let (log, segments, scratch) = (&mut *self.log, &mut self.segments, &mut self.scratch);
        let of = (key.queue, place.lane);
        let Some(list) = write_list(log, segments, scratch, Grouping::Ends, of, &entries) else { return };
        let slot = self.queues.any_mut(key.queue);
        let Some(old) = slot.and_then(|slot| slot.machine.replace_chunk(place, list.clone())) else {
            self.segments.let_go(list.record, segment_bytes);
            return;
        };
        for (segment, count) in &list.segments {
            self.segments.hold_many(*segment, u64::from(*count));
        }
        self.pager.let_go(&mut self.segments, &old, segment_bytes);
    }

    /// Records of the segment were read: they are appended again. One that cannot be read stays, and the segment too.
    pub(crate) fn on_forward_records(&mut self, records: Vec<(Location, Option<Bytes>)>) {
        let Some(mut task) = self.forward.task.take() else { return };
        task.is_reading = false;
        let segment_bytes = self.log.segment_bytes();
        for (original, payload) in records {
            let Some(message) = payload.and_then(|payload| read_message(&payload).ok()) else { continue };
            self.scratch.clear();
            message_parts(&mut self.scratch, &message, original.is_durable, None, None, &[]);
            let parts = [self.scratch.bytes(), message.raw()];
            let appended = self.log.append(kind::MESSAGE, Grouping::Ends, &parts);
            let copy = Location { pos: appended.pos, len: appended.len, is_durable: original.is_durable };
            self.segments.hold(copy, segment_bytes);
            task.copies.insert(original.pos, copy);
        }
        self.forward.task = Some(task);
    }

    fn point_entries(&mut self, task: &mut Task, next: u32) -> bool {
        let end = self.queues.end_id().min(next.saturating_add(STEP_QUEUES));
        let segment_bytes = self.log.segment_bytes();
        let (copies, segments) = (&task.copies, &mut self.segments);
        let copy_of = |location: Location| copies.get(&location.pos).copied();
        for queue in next..end {
            let Some(slot) = self.queues.any_mut(queue) else { continue };
            slot.machine.relocate(&copy_of, &mut |original, copy| {
                segments.hold(copy, segment_bytes);
                segments.let_go(original, segment_bytes);
            });
        }
        task.stage = Stage::Point(end);
        end < self.queues.end_id()
    }

    fn end_forward(&mut self, task: Task) {
        let segment_bytes = self.log.segment_bytes();
        for copy in task.copies.values() {
            self.segments.let_go(*copy, segment_bytes);
        }
        // What was copied once is not copied again before half of what is there has gone: it would never end.
        for segment in task.copies.values().flat_map(|copy| Segments::of(*copy, segment_bytes)) {
            let live = self.segments.live(segment);
            self.forward.passed_by.insert(segment, live);
        }
        let live = self.segments.live(task.segment);
        if live > 0 {
            self.forward.passed_by.insert(task.segment, live);
        } else {
            self.forward.passed_by.remove(&task.segment);
            self.counters.segments_emptied += 1;
        }
        if !task.copies.is_empty() || live == 0 {
            self.request_checkpoint();
        }
    }
}

impl Task {
    fn need(&mut self, location: Location) {
        if self.records.insert(location.pos, location).is_none() {
            self.record_bytes += u64::from(location.len);
        }
    }

    fn is_worth_it(&self) -> bool {
        let lists: u64 = self.chunks.iter().map(|(_, place)| u64::from(place.count) * LISTED_BYTES).sum();
        self.record_bytes + lists <= self.budget_bytes
    }
}

/// Asks for the next records to copy, or goes on to the stage after.
fn ask_for_records(task: &mut Task) -> bool {
    let Stage::Copy(waiting) = &mut task.stage else { return false };
    let (mut batch, mut bytes) = (Vec::new(), 0);
    while bytes < STEP_BYTES {
        let Some(location) = waiting.pop_front() else { break };
        bytes += u64::from(location.len);
        batch.push(location);
    }
    if batch.is_empty() {
        task.stage = Stage::Chunks(0);
    } else {
        task.request = Some(ReadRequest::Records(batch));
    }
    true
}
