//! Looking at a queue's messages without any effect on it: what is in memory comes at once, the rest is read from the
//! log away from the loop.
//!
//! ```text
//! Broker::browse ─▶ Browse (segments held) ─▶ durable up to its receipt ─▶ Browse::read, any thread ─▶ BrowsePage
//!                                                                              └─ the next turn lets the segments go
//! ```

use std::{
    cell::OnceCell,
    collections::BTreeMap,
    fmt,
    sync::{Arc, Weak},
};

use ternmq_message::{Formats, Message};
use ternmq_queue::{Browsed, Candidate, Entry, EntryRef, Filter, Location, ReadyPlace, Seq, is_redelivery};

use crate::{
    broker::Broker,
    effect::SessionId,
    error::{Error, Kind, Verb},
    ledger::Segments,
    log::Receipt,
    paging::{RecordSource, live_entries},
    records::{read_chunk, read_message},
    remarks::{Remark, remarked},
};

/// How much to look at.
#[derive(Clone, Copy, Debug)]
pub struct BrowseSpec {
    /// Only what stands behind this place; `None`: from the first message on.
    pub after: Option<ReadyPlace>,
    /// Most messages, from 1.
    pub max_count: usize,
    /// Bytes of bodies after which no further message is shown; the first one is, whatever its size.
    pub max_bytes: u64,
}

/// One message that was looked at.
#[derive(Clone, Debug)]
pub struct BrowsedMessage {
    /// Where it stands in its queue.
    pub place: ReadyPlace,
    /// The message.
    pub message: Message,
    /// Its next delivery will be marked as a further one.
    pub is_redelivered: bool,
    /// How often it was given back in a way that counts (F17).
    pub failed_count: u32,
}

/// What a look found.
#[derive(Debug, Default)]
pub struct BrowsePage {
    /// Messages that were ready at the moment of the look, in the order in which they would be delivered.
    pub messages: Vec<BrowsedMessage>,
    /// Ready messages that can't be read from the log (F5). Each counts once in every look that passes it.
    pub unreadable: u64,
    /// Look on behind this place; `None`: nothing more was ready. A page may hold fewer messages than were asked for and
    /// yet not be the last.
    pub next: Option<ReadyPlace>,
}

/// A look under way. [`Browse::read`] it once the log is durable up to its [`Browse::receipt`]. What it reads stays in
/// the log as long as it lives.
pub struct Browse {
    /// Shared with the broker's [`Held`].
    _alive: Arc<()>,
    /// Shows only what passes.
    filter: Option<Arc<dyn Filter>>,
    found: Vec<Found>,
    /// Something stands behind what was found.
    has_more: bool,
    spec: BrowseSpec,
    queue: u32,
    now_ms: u64,
    boot_pos: u64,
    redelivered_below: Seq,
    /// Entries that are nobody's to see; sorted.
    locked: Vec<Seq>,
    /// What was remarked on messages of the queue, with the formats that put it into them.
    remarks: Option<Box<(Formats, BTreeMap<Seq, Remark>)>>,
    receipt: Receipt,
}

impl fmt::Debug for Browse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Browse").field("queue", &self.queue).field("spec", &self.spec).finish_non_exhaustive()
    }
}

#[derive(Debug)]
enum Found {
    Entry(u8, Entry),
    Ref(u8, EntryRef),
    List { lane: u8, record: Location, holes: Vec<(Seq, Seq)>, last_seq: Seq, live_count: u32 },
}

impl Found {
    /// The last place that it holds.
    fn end(&self) -> ReadyPlace {
        let (lane, seq) = match self {
            Self::Entry(lane, entry) => (*lane, entry.seq),
            Self::Ref(lane, entry) => (*lane, entry.seq),
            Self::List { lane, last_seq, .. } => (*lane, *last_seq),
        };
        ReadyPlace { lane, seq }
    }
}

/// A message that will be shown, where it is.
enum Picked {
    Here(u8, Entry),
    InLog(u8, EntryRef),
}

impl Picked {
    fn place(&self) -> ReadyPlace {
        match self {
            Self::Here(lane, entry) => ReadyPlace { lane: *lane, seq: entry.seq },
            Self::InLog(lane, entry) => ReadyPlace { lane: *lane, seq: entry.seq },
        }
    }

    fn body_len(&self) -> u64 {
        match self {
            Self::Here(_, entry) => entry.message.body_len() as u64,
            Self::InLog(_, entry) => entry.body_len.into(),
        }
    }

    fn expires_at_ms(&self) -> u64 {
        match self {
            Self::Here(_, entry) => entry.expires_at_ms,
            Self::InLog(_, entry) => entry.expires_at_ms,
        }
    }
}

impl Browse {
    /// What has to be durable before all of it can be read.
    #[must_use]
    pub fn receipt(&self) -> Receipt {
        self.receipt
    }

    /// Shows only what passes the filter, which is asked where the messages are read. The limits of the look count what it
    /// refuses too, so that a page may be empty and not the last.
    #[must_use]
    pub fn filtered(self, filter: Option<Arc<dyn Filter>>) -> Self {
        Self { filter, ..self }
    }

    /// Reads what is not in memory: at most the messages that were asked for, and lists of so many entries.
    #[must_use]
    pub fn read(mut self, source: &dyn RecordSource) -> BrowsePage {
        let mut page = BrowsePage::default();
        let picked = self.pick(source, &mut page);
        let in_log = |picked: &Picked| match picked {
            Picked::Here(..) => None,
            Picked::InLog(_, entry) => Some(entry.location),
        };
        let places: Vec<Location> = picked.iter().filter_map(in_log).collect();
        let mut payloads = source.read_many(&places).into_iter();
        for picked in picked {
            let (place, expires_at_ms) = (picked.place(), picked.expires_at_ms());
            let (message, failed_count, acquired_count) = match picked {
                Picked::Here(_, entry) => (Some(entry.message), entry.failed_count, entry.acquired_count),
                Picked::InLog(_, entry) => {
                    let payload = payloads.next().flatten();
                    let message = payload.and_then(|payload| read_message(&payload).ok());
                    (message, entry.failed_count.into(), entry.acquired_count.into())
                }
            };
            let Some(message) = message else {
                page.unreadable += 1;
                continue;
            };
            let message = match self.remarks.as_deref() {
                Some((formats, remarks)) => remarked(formats, remarks.get(&place.seq), message),
                None => message,
            };
            let is_redelivered = is_redelivery(place.seq, acquired_count, &message, self.redelivered_below);
            let candidate = Candidate {
                message: &message,
                expires_at_ms,
                is_redelivered,
                acquired_count,
                properties: &OnceCell::new(),
            };
            if self.filter.as_ref().is_some_and(|filter| !filter.matches(&candidate)) {
                continue;
            }
            page.messages.push(BrowsedMessage { place, message, is_redelivered, failed_count });
        }
        page
    }

    /// What will be shown, and how far that goes.
    fn pick(&mut self, source: &dyn RecordSource, page: &mut BrowsePage) -> Vec<Picked> {
        let (mut picked, mut bytes, mut last) = (Vec::new(), 0, None);
        for found in std::mem::take(&mut self.found) {
            let end = found.end();
            for candidate in self.candidates(found, source, page) {
                let place = candidate.place();
                let is_locked = self.locked.binary_search(&place.seq).is_ok();
                if candidate.expires_at_ms() > self.now_ms && !is_locked {
                    bytes += candidate.body_len();
                    let is_over = picked.len() >= self.spec.max_count || bytes > self.spec.max_bytes;
                    if is_over && !picked.is_empty() {
                        page.next = last;
                        return picked;
                    }
                    picked.push(candidate);
                }
                last = Some(place);
            }
            // Perhaps nothing of a list was left: the next look has to begin behind it all the same.
            last = Some(end);
        }
        page.next = last.filter(|_| self.has_more);
        picked
    }

    /// The entries of something found. A list that can't be read has none: it is passed by.
    fn candidates(&self, found: Found, source: &dyn RecordSource, page: &mut BrowsePage) -> Vec<Picked> {
        let (lane, record, holes, live_count) = match found {
            Found::Entry(lane, entry) => return vec![Picked::Here(lane, entry)],
            Found::Ref(lane, entry) => return vec![Picked::InLog(lane, entry)],
            Found::List { lane, record, holes, live_count, .. } => (lane, record, holes, live_count),
        };
        let payload = source.read_many(&[record]).into_iter().next().flatten();
        let chunk = payload.and_then(|payload| read_chunk(&payload).ok());
        let Some(chunk) = chunk.filter(|chunk| chunk.queue == self.queue) else {
            page.unreadable += u64::from(live_count);
            return Vec::new();
        };
        let (live, _) = live_entries(chunk.entries, &holes, self.boot_pos);
        let after = self.spec.after.filter(|after| after.lane == lane).map(|after| after.seq);
        let is_behind = |entry: &EntryRef| after.is_none_or(|after| entry.seq > after);
        live.into_iter().filter(is_behind).map(|entry| Picked::InLog(lane, entry)).collect()
    }
}

impl Broker {
    /// Looks at ready messages of a queue. Changes nothing: not their order, nor whether a delivery is flagged, nor any
    /// count, nor when the queue was last used.
    ///
    /// # Errors
    /// The queue does not exist or belongs to another connection, or no permission to read it.
    pub fn browse(&mut self, id: SessionId, queue: &str, spec: BrowseSpec) -> Result<Browse, Error> {
        let queue = self.browsable(id, queue)?;
        let slot = self.queues.get(queue).ok_or(Error::Gone)?;
        let mut look = Look::new(spec, self.log.segment_bytes());
        for (lane, browsed) in slot.machine.browse(spec.after) {
            if look.is_enough() {
                look.has_more = true;
                break;
            }
            look.take(lane, browsed);
        }
        let remarks = self.remarks.of_queue(queue);
        let alive = Arc::new(());
        if !look.segments.is_empty() {
            look.segments.iter().for_each(|segment| self.segments.hold_many(*segment, 1));
            self.looks.push(Held { alive: Arc::downgrade(&alive), segments: look.segments });
        }
        Ok(Browse {
            _alive: alive,
            filter: None,
            found: look.found,
            has_more: look.has_more,
            spec,
            queue,
            now_ms: self.time.ms(),
            boot_pos: self.boot_pos,
            redelivered_below: slot.machine.redelivered_below(),
            locked: slot.machine.cold_locked(),
            remarks: remarks.cloned().map(|remarks| Box::new((self.formats.clone(), remarks))),
            receipt: look.receipt,
        })
    }

    /// Whether a session may look at a queue, and whether there is one.
    ///
    /// # Errors
    /// As [`Broker::browse`].
    pub fn check_browse(&mut self, id: SessionId, queue: &str) -> Result<(), Error> {
        self.browsable(id, queue).map(|_| ())
    }

    fn browsable(&mut self, id: SessionId, queue: &str) -> Result<u32, Error> {
        let (principal, namespace, connection) = self.who(id)?;
        let space = self.namespaces.name(namespace);
        self.authorize(&principal, Verb::Read, Kind::Queue, &space, queue)?;
        self.require_queue(namespace, connection, queue)
    }

    /// Lets go of what looks held that are over.
    pub(crate) fn end_looks(&mut self) {
        let segments = &mut self.segments;
        self.looks.retain(|held| {
            let is_alive = held.alive.strong_count() > 0;
            if !is_alive {
                held.segments.iter().for_each(|segment| segments.let_go_many(*segment, 1));
            }
            is_alive
        });
    }
}

/// Segments of the log that stay for a look.
pub(crate) struct Held {
    alive: Weak<()>,
    segments: Vec<u64>,
}

/// What is found on the loop: enough to show what was asked for.
struct Look {
    found: Vec<Found>,
    has_more: bool,
    count: usize,
    bytes: u64,
    spec: BrowseSpec,
    segments: Vec<u64>,
    segment_bytes: u64,
    receipt: Receipt,
}

impl Look {
    fn new(spec: BrowseSpec, segment_bytes: u64) -> Self {
        let (found, segments) = (Vec::new(), Vec::new());
        let receipt = Receipt::NONE;
        Self { found, has_more: false, count: 0, bytes: 0, spec, segments, segment_bytes, receipt }
    }

    fn is_enough(&self) -> bool {
        let is_full = self.count >= self.spec.max_count || self.bytes >= self.spec.max_bytes;
        is_full && !self.found.is_empty()
    }

    fn take(&mut self, lane: u8, browsed: Browsed<'_>) {
        match browsed {
            Browsed::Entry(entry) => {
                self.add(1, entry.message.body_len() as u64);
                self.found.push(Found::Entry(lane, entry.clone()));
            }
            Browsed::Ref(entry) => {
                self.add(1, entry.body_len.into());
                self.needs(entry.location);
                self.found.push(Found::Ref(lane, *entry));
            }
            Browsed::Chunk { chunk, holes, live_count, live_bytes } => {
                self.add(live_count as usize, live_bytes);
                self.needs(chunk.record);
                chunk.segments.iter().for_each(|(segment, _)| self.holds(*segment));
                let (record, last_seq) = (chunk.record, chunk.last_seq);
                self.found.push(Found::List { lane, record, holes: holes.to_vec(), last_seq, live_count });
            }
        }
    }

    fn add(&mut self, count: usize, bytes: u64) {
        self.count = self.count.saturating_add(count);
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// A record will be read. A list comes after the messages that it lists.
    fn needs(&mut self, record: Location) {
        self.receipt = self.receipt.and(Receipt::of_record(record));
        Segments::of(record, self.segment_bytes).for_each(|segment| self.holds(segment));
    }

    fn holds(&mut self, segment: u64) {
        if !self.segments.contains(&segment) {
            self.segments.push(segment);
        }
    }
}
