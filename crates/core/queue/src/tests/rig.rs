//! A queue with everything around it that the facade would do: windows, an outbox, a log in memory.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use ternmq_message::{Message, MessageMeta};

use crate::{
    Browsed, ChunkContent, ChunkList, ChunkRef, ConsumerSpec, Delivery, DyingEntry, Entry, EntryRef,
    GetResult, Location, Outbox, Queue, QueueSettings, ReadyPlace, Seq, SessionIndex, Windows,
};

/// What the log would hold.
#[derive(Clone, Debug)]
pub(super) enum Event {
    Push(u8, EntryRef),
    Settled(Seq),
    Chunk(u8, ChunkRef),
    Dying(DyingEntry),
}

#[derive(Default)]
pub(super) struct Store {
    messages: HashMap<u64, Message>,
    chunks: HashMap<u64, Vec<EntryRef>>,
    next_pos: u64,
    pub(super) events: Vec<Event>,
}

impl Store {
    pub(super) fn append(&mut self, message: Message, is_durable: bool) -> Location {
        self.next_pos += 100;
        self.messages.insert(self.next_pos, message);
        Location { pos: self.next_pos, len: 100, is_durable }
    }
}

pub(super) struct Rig {
    pub(super) queue: Queue,
    pub(super) windows: Windows,
    pub(super) outbox: Outbox,
    pub(super) store: Store,
    pub(super) now_ms: u64,
    /// Pushing runs the queue too.
    pub(super) runs_at_once: bool,
    /// Messages that can't be read back.
    pub(super) damaged: BTreeSet<Seq>,
}

pub(super) const SESSION: SessionIndex = SessionIndex(0);

pub(super) fn message(priority: u8, ttl_ms: Option<u64>, body: &[u8]) -> Message {
    let meta = MessageMeta { priority, ttl_ms, ..MessageMeta::default() };
    Message::new("", "q", b"", body, meta, None).unwrap()
}

/// The same message with one byte as its head.
pub(super) fn tagged(message: Message, tag: u8) -> Message {
    Message::new(message.node(), message.key(), &[tag], message.body(), *message.meta(), None).unwrap()
}

pub(super) fn consumer(key: u32) -> ConsumerSpec {
    ConsumerSpec {
        key,
        session: SESSION,
        window: None,
        needs_settle: true,
        priority: 0,
        is_exclusive: false,
        is_preferred: false,
        filter: None,
    }
}

pub(super) fn entry_ref(entry: &Entry) -> EntryRef {
    EntryRef {
        seq: entry.seq,
        location: entry.location.unwrap(),
        body_len: u32::try_from(entry.message.body_len()).unwrap(),
        expires_at_ms: entry.expires_at_ms,
        failed_count: u16::try_from(entry.failed_count).unwrap(),
        acquired_count: u16::try_from(entry.acquired_count).unwrap(),
    }
}

impl Rig {
    pub(super) fn new(settings: QueueSettings) -> Self {
        Self::of(Queue::new(Arc::new(settings)), Store::default())
    }

    pub(super) fn of(queue: Queue, store: Store) -> Self {
        let mut windows = Windows::default();
        windows.start(SESSION);
        let (outbox, damaged) = (Outbox::default(), BTreeSet::new());
        Self { queue, windows, outbox, store, now_ms: 1_000, runs_at_once: false, damaged }
    }

    /// Pushes, and runs only when told to do both at once.
    pub(super) fn enqueue(&mut self, message: Message, is_durable: bool) -> Seq {
        let priority = message.meta().priority;
        let body_len = u32::try_from(message.body_len()).unwrap();
        let expires_at_ms = self.queue.expiry_of(&message, self.now_ms);
        let location = is_durable.then(|| self.store.append(message.clone(), true));
        let seq = if self.runs_at_once {
            let (windows, outbox) = (&mut self.windows, &mut self.outbox);
            self.queue.push_and_run(message, location, self.now_ms, windows, outbox)
        } else {
            self.queue.push(message, location, self.now_ms, &mut self.outbox)
        };
        if let Some(location) = location {
            let lane = priority.min(self.queue.settings().max_priority.unwrap_or(0));
            let entry =
                EntryRef { seq, location, body_len, expires_at_ms, failed_count: 0, acquired_count: 0 };
            self.store.events.push(Event::Push(lane, entry));
        }
        self.answer_spills();
        seq
    }

    /// Pushes `bodies` and runs once.
    pub(super) fn publish(&mut self, bodies: &[&str]) {
        for body in bodies {
            self.enqueue(message(0, None, body.as_bytes()), true);
        }
        self.run();
    }

    pub(super) fn run(&mut self) {
        self.queue.run(self.now_ms, &mut self.windows, &mut self.outbox);
        self.answer();
    }

    /// What the facade does when memory is short: unsettled bodies leave it.
    pub(super) fn forget_held(&mut self) {
        for (message, location) in self.queue.held_without_record() {
            *location = Some(self.store.append(message.clone(), false));
        }
        self.queue.forget_held(&mut self.outbox);
    }

    pub(super) fn answer_spills(&mut self) {
        for lane in std::mem::take(&mut self.outbox.spills) {
            self.spill(lane);
        }
    }

    fn spill(&mut self, lane: u8) {
        let Some(entries) = self.queue.spill(lane) else { return };
        for entry in entries.iter_mut().filter(|entry| entry.location.is_none()) {
            entry.location = Some(self.store.append(entry.message.clone(), false));
        }
        let refs: Vec<_> = entries.iter().map(entry_ref).collect();
        self.store.next_pos += 100;
        let record = Location { pos: self.store.next_pos, len: 100, is_durable: true };
        let chunk = ChunkRef {
            first_seq: refs[0].seq,
            last_seq: refs[refs.len() - 1].seq,
            count: u32::try_from(refs.len()).unwrap(),
            body_bytes: refs.iter().map(|entry| u64::from(entry.body_len)).sum(),
            first_expires_at_ms: refs[0].expires_at_ms,
            record,
            segments: smallvec::smallvec![(0, u32::try_from(refs.len()).unwrap())],
        };
        self.store.chunks.insert(record.pos, refs);
        self.store.events.push(Event::Chunk(lane, chunk.clone()));
        self.queue.spilled(lane, chunk, &mut self.outbox);
    }

    /// Does what the outbox asks for until it asks no more.
    pub(super) fn answer(&mut self) {
        self.answer_spills();
        self.store.events.extend(self.outbox.dying.drain(..).map(Event::Dying));
        while let Some(request) = self.outbox.loads.pop() {
            let Some(view) = self.queue.chunk(request.lane, request.first_seq) else { continue };
            let refs = match view.list {
                ChunkList::Record(chunk) => &self.store.chunks[&chunk.record.pos][..],
                ChunkList::Refs(refs) => refs,
            };
            let is_gone = |seq| view.holes.iter().any(|&(first, last)| first <= seq && seq <= last);
            let live = refs.iter().copied().filter(|entry| !is_gone(entry.seq));
            let (damaged, live): (Vec<_>, Vec<_>) = live.partition(|entry| self.damaged.contains(&entry.seq));
            let entries = live.into_iter().map(|entry| Entry {
                seq: entry.seq,
                message: self.store.messages[&entry.location.pos].clone(),
                location: Some(entry.location),
                expires_at_ms: entry.expires_at_ms,
                failed_count: entry.failed_count.into(),
                acquired_count: entry.acquired_count.into(),
            });
            let content = ChunkContent { entries: entries.collect(), damaged };
            self.queue.loaded(request, content, self.now_ms, &mut self.windows, &mut self.outbox);
        }
        let settled = std::mem::take(&mut self.outbox.settled);
        self.store.events.extend(settled.iter().map(|(seq, _)| Event::Settled(*seq)));
    }

    pub(super) fn take_deliveries(&mut self) -> Vec<Delivery> {
        std::mem::take(&mut self.outbox.deliveries)
    }

    /// Consumer and body of each delivery since last asked, as text: `1:a 2:b`.
    pub(super) fn delivered(&mut self) -> String {
        let parts: Vec<_> = self
            .take_deliveries()
            .iter()
            .map(|delivery| {
                let body = String::from_utf8_lossy(delivery.message.body()).into_owned();
                let mark = if delivery.is_redelivered { "!" } else { "" };
                format!("{}:{body}{mark}", delivery.consumer)
            })
            .collect();
        parts.join(" ")
    }

    /// Body and reason of each death since last asked.
    pub(super) fn died(&mut self) -> String {
        let parts: Vec<_> = std::mem::take(&mut self.outbox.dead)
            .iter()
            .map(|dead| format!("{}:{:?}", String::from_utf8_lossy(dead.entry.message.body()), dead.reason))
            .collect();
        parts.join(" ")
    }

    /// Fetches the first message, loads included.
    pub(super) fn fetch(&mut self) -> Option<Delivery> {
        loop {
            match self.queue.get(false, SESSION, self.now_ms, &self.windows, &mut self.outbox) {
                GetResult::Got(delivery) => {
                    self.answer();
                    return Some(delivery);
                }
                GetResult::Empty => return None,
                GetResult::Loading => {
                    assert!(!self.outbox.loads.is_empty(), "it loads, so it asks");
                    self.answer();
                }
            }
        }
    }

    /// Lane and number of everything that is ready behind a place, in order, without fetching it.
    pub(super) fn browse(&self, after: Option<ReadyPlace>) -> Vec<(u8, u64)> {
        let mut found = Vec::new();
        for (lane, browsed) in self.queue.browse(after) {
            match browsed {
                Browsed::Entry(entry) => found.push((lane, entry.seq.0)),
                Browsed::Ref(entry) => found.push((lane, entry.seq.0)),
                Browsed::Chunk { chunk, holes, .. } => {
                    let is_gone = |seq| holes.iter().any(|&(first, last)| first <= seq && seq <= last);
                    let live =
                        self.store.chunks[&chunk.record.pos].iter().filter(|entry| !is_gone(entry.seq));
                    found.extend(live.map(|entry| (lane, entry.seq.0)));
                }
            }
        }
        // What is looked at from a place within a chunk is the whole chunk.
        found.retain(|&(lane, seq)| after.is_none_or(|place| lane < place.lane || seq > place.seq.0));
        found
    }

    /// Bodies of what is ready, all of it in memory.
    pub(super) fn ready_bodies(&self) -> Vec<Vec<u8>> {
        let body = |(_, browsed): (u8, Browsed<'_>)| match browsed {
            Browsed::Entry(entry) => entry.message.body().to_vec(),
            browsed => panic!("{browsed:?} is not in memory"),
        };
        self.queue.browse(None).map(body).collect()
    }

    /// Everything that is ready, in order.
    pub(super) fn fetch_all(&mut self) -> Vec<u64> {
        std::iter::from_fn(|| self.fetch()).map(|delivery| delivery.seq.0).collect()
    }
}
