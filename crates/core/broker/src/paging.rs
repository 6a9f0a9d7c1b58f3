//! Paging: backlogs do not live in memory. A full tail becomes a chunk record; cold chunks are read back away from the
//! loop by a [`LoadJob`].

use std::collections::VecDeque;

use bytes::Bytes;
use ternmq_message::Message;
use ternmq_queue::{ChunkContent, ChunkList, ChunkRef, Entry, EntryRef, LoadRequest, Location, Seq};
use ternmq_stdx::layout::Writer;

use crate::{
    broker::Broker,
    effect::{Effect, SessionId},
    incident::Incident,
    ledger::Segments,
    log::{Grouping, Log},
    records::{kind, message_parts, read_chunk, read_message, write_chunk},
};

/// Where records are read back from: the journal's reader, on any thread.
pub trait RecordSource {
    /// Payloads of the records at these places, in the same order; `None` for one that can't be read or fails its
    /// check.
    fn read_many(&self, places: &[Location]) -> Vec<Option<Bytes>>;
}

/// Loads under way and sessions that wait for one.
#[derive(Default)]
pub(crate) struct Pager {
    wanted: VecDeque<Wanted>,
    waiting: Vec<(u32, SessionId)>,
}

struct Wanted {
    queue: u32,
    incarnation: u64,
    request: LoadRequest,
    /// End of the chunk's last record in the log.
    needs_pos: u64,
}

enum List {
    Record(Location),
    Refs(Vec<EntryRef>),
}

/// Something to be read from the log, on any thread.
pub struct LoadJob(Job);

/// What a [`LoadJob`] read.
pub struct LoadResult(Answer);

enum Job {
    Chunk(ChunkJob),
    Other(ReadRequest),
}

enum Answer {
    Chunk(ChunkAnswer),
    List(Option<Vec<EntryRef>>),
    Records(Vec<(Location, Option<Bytes>)>),
}

/// Something to be read that is no chunk to be served.
pub(crate) enum ReadRequest {
    /// The list of a chunk.
    List(Location),
    /// Records, in order.
    Records(Vec<Location>),
}

/// One chunk to be read.
struct ChunkJob {
    queue: u32,
    incarnation: u64,
    request: LoadRequest,
    list: List,
    holes: Vec<(Seq, Seq)>,
    boot_pos: u64,
}

/// What was read of a chunk.
struct ChunkAnswer {
    queue: u32,
    incarnation: u64,
    request: LoadRequest,
    /// Absent: the list of the chunk's entries could not be read.
    entries: Option<Vec<Entry>>,
    /// Entries whose message could not be read.
    damaged: Vec<EntryRef>,
    /// Records of entries that were gone already.
    gone: Vec<Location>,
}

impl LoadJob {
    /// Reads it. Bounded work: at most one chunk's messages, or about 1 MiB.
    #[must_use]
    pub fn run(self, source: &dyn RecordSource) -> LoadResult {
        LoadResult(match self.0 {
            Job::Chunk(job) => Answer::Chunk(job.run(source)),
            Job::Other(ReadRequest::List(record)) => {
                let payload = source.read_many(&[record]).into_iter().next().flatten();
                let chunk = payload.and_then(|payload| read_chunk(&payload).ok());
                Answer::List(chunk.map(|chunk| chunk.entries))
            }
            Job::Other(ReadRequest::Records(places)) => {
                let payloads = source.read_many(&places);
                Answer::Records(places.into_iter().zip(payloads).collect())
            }
        })
    }
}

/// Parts a chunk's list into the entries that are left and those that are gone: in a hole, or a transient message from
/// before the start, which does not come back.
pub(crate) fn live_entries(
    entries: Vec<EntryRef>,
    holes: &[(Seq, Seq)],
    boot_pos: u64,
) -> (Vec<EntryRef>, Vec<EntryRef>) {
    let is_hole = |seq: Seq| holes.iter().any(|(first, last)| (*first..=*last).contains(&seq));
    let is_old = |entry: &EntryRef| !entry.location.is_durable && entry.location.pos < boot_pos;
    entries.into_iter().partition(|entry| !is_hole(entry.seq) && !is_old(entry))
}

impl ChunkJob {
    fn run(self, source: &dyn RecordSource) -> ChunkAnswer {
        let Self { queue, incarnation, request, list, holes, boot_pos } = self;
        let failed = ChunkAnswer {
            queue,
            incarnation,
            request: request.clone(),
            entries: None,
            damaged: Vec::new(),
            gone: Vec::new(),
        };
        let refs = match list {
            List::Refs(refs) => refs,
            List::Record(record) => {
                let payload = source.read_many(&[record]).into_iter().next().flatten();
                match payload.and_then(|payload| read_chunk(&payload).ok()) {
                    Some(chunk) if chunk.queue == queue => chunk.entries,
                    _ => return failed,
                }
            }
        };
        let (live, gone) = live_entries(refs, &holes, boot_pos);
        let places: Vec<Location> = live.iter().map(|entry| entry.location).collect();
        let mut entries = Vec::with_capacity(live.len());
        let mut damaged = Vec::new();
        for (entry, payload) in live.into_iter().zip(source.read_many(&places)) {
            match payload.and_then(|payload| read_message(&payload).ok()) {
                Some(message) => entries.push(Entry {
                    seq: entry.seq,
                    message,
                    location: Some(entry.location),
                    expires_at_ms: entry.expires_at_ms,
                    failed_count: entry.failed_count.into(),
                    acquired_count: entry.acquired_count.into(),
                }),
                None => damaged.push(entry),
            }
        }
        let gone = gone.into_iter().map(|entry| entry.location).collect();
        ChunkAnswer { entries: Some(entries), damaged, gone, ..failed }
    }
}

impl Pager {
    /// A session's fetch waits for the queue's next chunk.
    pub(crate) fn await_load(&mut self, queue: u32, session: SessionId) {
        if !self.waiting.contains(&(queue, session)) {
            self.waiting.push((queue, session));
        }
    }

    fn take_waiting(&mut self, queue: u32) -> Vec<SessionId> {
        let mut sessions = Vec::new();
        self.waiting.retain(|(waiting, session)| {
            if *waiting == queue {
                sessions.push(*session);
            }
            *waiting != queue
        });
        sessions
    }

    /// A chunk is no more: its record and its messages' records are needed once less each.
    pub(crate) fn let_go(&self, segments: &mut Segments, chunk: &ChunkRef, segment_bytes: u64) {
        segments.let_go(chunk.record, segment_bytes);
        for (segment, count) in &chunk.segments {
            segments.let_go_many(*segment, u64::from(*count));
        }
    }
}

/// Writes a transient message into the log, so that its body can leave memory. A restart passes over the record.
pub(crate) fn write_down(
    log: &mut dyn Log,
    segments: &mut Segments,
    scratch: &mut Writer,
    grouping: Grouping,
    message: &Message,
) -> Location {
    scratch.clear();
    message_parts(scratch, message, false, None, None, &[]);
    let appended = log.append(kind::MESSAGE, grouping, &[scratch.bytes(), message.raw()]);
    let location = Location { pos: appended.pos, len: appended.len, is_durable: false };
    segments.hold(location, log.segment_bytes());
    location
}

/// Writes the list of a chunk's entries into the log. The record counts as used; whether the entries' records do is the
/// caller's to know. `None` for no entries: nothing is written then.
pub(crate) fn write_list(
    log: &mut dyn Log,
    segments: &mut Segments,
    scratch: &mut Writer,
    grouping: Grouping,
    (queue, lane): (u32, u8),
    entries: &[EntryRef],
) -> Option<ChunkRef> {
    if entries.is_empty() {
        return None;
    }
    let segment_bytes = log.segment_bytes();
    scratch.clear();
    write_chunk(scratch, queue, lane, entries);
    let appended = log.append(kind::CHUNK, grouping, &[scratch.bytes()]);
    let record = Location { pos: appended.pos, len: appended.len, is_durable: true };
    segments.hold(record, segment_bytes);
    ChunkRef::of(entries, record, Segments::counts(entries.iter().map(|entry| entry.location), segment_bytes))
}

impl Broker {
    /// Writes the full tails of a queue into the log, so that their bodies can leave memory.
    pub(crate) fn spill(&mut self, queue: u32) {
        for lane in std::mem::take(&mut self.outbox.spills) {
            self.spill_lane(queue, lane);
        }
    }

    fn spill_lane(&mut self, queue: u32, lane: u8) {
        let grouping = self.grouping(Grouping::Ends);
        let Some(slot) = self.queues.get_mut(queue) else { return };
        let Some(entries) = slot.machine.spill(lane) else { return };
        let (log, segments, scratch) = (&mut *self.log, &mut self.segments, &mut self.scratch);
        let mut refs: Vec<EntryRef> = Vec::with_capacity(entries.len());
        for entry in entries.iter_mut() {
            if entry.location.is_none() {
                entry.location = Some(write_down(log, segments, scratch, grouping, &entry.message));
            }
            refs.extend(entry.to_ref());
        }
        if let Some(chunk) = write_list(log, segments, scratch, grouping, (queue, lane), &refs) {
            slot.machine.spilled(lane, chunk, &mut self.outbox);
        }
    }

    /// Notes the chunks that a queue wants read.
    pub(crate) fn note_loads(&mut self, queue: u32) {
        let Some(slot) = self.queues.any(queue) else { return };
        for request in self.outbox.loads.drain(..) {
            let Some(view) = slot.machine.chunk(request.lane, request.first_seq) else { continue };
            let needs_pos = match view.list {
                ChunkList::Record(chunk) => chunk.record.end(),
                ChunkList::Refs(refs) => refs.iter().map(|entry| entry.location.end()).max().unwrap_or(0),
            };
            self.pager.wanted.push_back(Wanted { queue, incarnation: slot.incarnation, request, needs_pos });
        }
    }

    /// A purge dropped whole chunks: their records are needed no more.
    pub(crate) fn drop_chunks(&mut self) {
        let segment_bytes = self.log.segment_bytes();
        for chunk in self.outbox.dropped_chunks.drain(..) {
            self.pager.let_go(&mut self.segments, &chunk, segment_bytes);
        }
    }

    /// Next thing to read, if it is in the log already.
    pub fn poll_load(&mut self) -> Option<LoadJob> {
        // Beyond that, records may not be written yet.
        let readable = self.log.durable_pos();
        while let Some(index) = self.pager.wanted.iter().position(|wanted| wanted.needs_pos <= readable) {
            let wanted = self.pager.wanted.remove(index)?;
            if let Some(job) = self.load_job(wanted) {
                return Some(LoadJob(Job::Chunk(job)));
            }
        }
        self.poll_forward_read().map(|request| LoadJob(Job::Other(request)))
    }

    /// The job of a wanted chunk; `None` when its queue or the chunk is gone meanwhile.
    fn load_job(&self, wanted: Wanted) -> Option<ChunkJob> {
        let slot = self.queues.any(wanted.queue).filter(|slot| slot.incarnation == wanted.incarnation)?;
        let view = slot.machine.chunk(wanted.request.lane, wanted.request.first_seq)?;
        let list = match view.list {
            ChunkList::Record(chunk) => List::Record(chunk.record),
            ChunkList::Refs(refs) => List::Refs(refs.to_vec()),
        };
        Some(ChunkJob {
            queue: wanted.queue,
            incarnation: wanted.incarnation,
            request: wanted.request,
            list,
            holes: view.holes.to_vec(),
            boot_pos: self.boot_pos,
        })
    }

    /// Whether something waits to be read, perhaps for the log to become readable that far.
    #[must_use]
    pub fn has_loads(&self) -> bool {
        !self.pager.wanted.is_empty() || self.has_forward_read()
    }

    /// Something was read, or could not be (F5: what is damaged is set aside and counted, the rest goes on).
    pub fn handle_loaded(&mut self, result: LoadResult) {
        match result.0 {
            Answer::Chunk(answer) => self.on_chunk(answer),
            Answer::List(entries) => self.on_forward_list(entries),
            Answer::Records(records) => self.on_forward_records(records),
        }
    }

    fn on_chunk(&mut self, answer: ChunkAnswer) {
        let ChunkAnswer { queue, incarnation, request, entries, damaged, gone } = answer;
        let segment_bytes = self.log.segment_bytes();
        let now_ms = self.time.ms();
        let Some(slot) = self.queues.any_mut(queue).filter(|slot| slot.incarnation == incarnation) else {
            return;
        };
        let record = match slot.machine.chunk(request.lane, request.first_seq).map(|view| view.list) {
            Some(ChunkList::Record(chunk)) => Some(chunk.record),
            Some(ChunkList::Refs(_)) => None,
            None => return,
        };
        let namespace = self.namespaces.name(slot.namespace);
        let Some(slot) = self.queues.any_mut(queue) else { return };
        match entries {
            None => {
                let lost = slot
                    .machine
                    .chunk(request.lane, request.first_seq)
                    .map_or(0, |view| u64::from(view.count));
                slot.machine.load_failed(request.lane, request.first_seq, &mut self.outbox);
                self.counters.damaged += lost;
                self.incidents.push(Incident::ChunkDamaged {
                    namespace,
                    queue: slot.name.clone(),
                    count: lost,
                });
            }
            Some(entries) => {
                if !damaged.is_empty() {
                    let count = damaged.len() as u64;
                    self.counters.damaged += count;
                    let queue = slot.name.clone();
                    self.incidents.push(Incident::MessagesDamaged { namespace, queue, count });
                }
                let content = ChunkContent { entries, damaged };
                let (lane, first_seq) = (request.lane, request.first_seq);
                slot.machine.loaded(request, content, now_ms, &mut self.windows, &mut self.outbox);
                // A chunk in which filters found nothing stays as it was, and its list is still needed.
                let list = slot.machine.chunk(lane, first_seq).map(|view| view.list);
                let is_kept = matches!(list, Some(ChunkList::Record(chunk)) if Some(chunk.record) == record);
                if !is_kept {
                    for location in gone.into_iter().chain(record) {
                        self.segments.let_go(location, segment_bytes);
                    }
                }
            }
        }
        self.pump(queue);
        self.end_remnant(queue);
        for session in self.pager.take_waiting(queue) {
            if let Some(state) = self.sessions.get(session.into()) {
                self.effects.push((state.connection, Effect::Loaded { session_label: state.label }));
            }
        }
    }
}
