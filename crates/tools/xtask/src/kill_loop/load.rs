//! What the clients of every protocol have in common: the run that they share, what they write down, and the bodies of messages.

use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;

use super::history::{ConsumerId, Event, MessageId, Micros};

/// Unconfirmed messages of one publisher.
pub(crate) const WINDOW: usize = 200;
/// Messages of one transaction.
pub(crate) const GROUP_SIZE: u64 = 5;
/// Deliveries that a consumer may have open.
pub(crate) const PREFETCH: u16 = 50;
/// Acks that a consumer sends before it wants a sign that they were seen.
pub(crate) const PROOF_EVERY: usize = 16;
/// Deliveries that a consumer keeps open under load, so that every kill finds some.
pub(crate) const HELD: usize = 10;
/// How long a client waits for input before it looks whether there is something to send.
pub(crate) const PATIENCE: Duration = Duration::from_millis(5);
/// Longest silence before a call counts as unanswered (I12).
pub(crate) const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// Messages that may wait in the queues before the publishers pause, so that the last drain stays short.
const BACKLOG_LIMIT: i64 = 1_000;

/// The clients of one protocol.
pub(crate) trait Load: Sync {
    /// The step of a test run that this load belongs to.
    fn step(&self) -> &'static str;

    /// The queues of the run; an event names them by their place here.
    fn queues(&self) -> [&'static str; 2];

    /// Makes the queues, durable, before the first life. Fails when the broker refuses.
    fn declare(&self) -> Result<()>;

    /// The clients of each life, publishers first.
    fn clients(&self) -> &'static [Work];

    /// What is written down before the clients of a life are let loose.
    fn begin_life(&self, _shared: &Shared, _notes: &mut Notes) -> Result<()> {
        Ok(())
    }

    /// What is done before the last drain, when the last life is over.
    fn end_run(&self, _shared: &Shared, _notes: &mut Notes) -> Result<()> {
        Ok(())
    }
}

/// The messages of one transaction.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// Number of the group.
    pub number: u64,
    /// Numbers of its messages.
    pub ids: std::ops::Range<MessageId>,
}

/// What all clients of a run share.
#[derive(Debug)]
pub(crate) struct Shared {
    started: Instant,
    next_id: AtomicU64,
    next_group: AtomicU64,
    next_consumer: AtomicU32,
    life: AtomicU32,
    backlog: AtomicI64,
}

impl Shared {
    /// For a new run.
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            next_id: AtomicU64::new(1),
            next_group: AtomicU64::new(1),
            next_consumer: AtomicU32::new(1),
            life: AtomicU32::new(0),
            backlog: AtomicI64::new(0),
        }
    }

    /// Microseconds since the start of the run.
    pub(crate) fn now(&self) -> Micros {
        Micros::try_from(self.started.elapsed().as_micros()).unwrap_or(Micros::MAX)
    }

    /// Begins a life, in which so many messages wait already.
    pub(crate) fn begin_life(&self, waiting: u32) {
        self.life.fetch_add(1, Ordering::Relaxed);
        self.backlog.store(i64::from(waiting), Ordering::Relaxed);
    }

    /// Number of the life, from 1 on.
    pub(crate) fn life(&self) -> u32 {
        self.life.load(Ordering::Relaxed)
    }

    /// Number for a new consumer.
    pub(crate) fn new_consumer(&self) -> ConsumerId {
        self.next_consumer.fetch_add(1, Ordering::Relaxed)
    }

    /// Number for a new message, written down as about to be published.
    pub(crate) fn note_publish(&self, notes: &mut Notes, queue_of: impl Fn(MessageId) -> u8) -> MessageId {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        self.backlog.fetch_add(1, Ordering::Relaxed);
        notes.push((self.now(), Event::Published { id, queue: queue_of(id), group: None }));
        id
    }

    /// Numbers for the messages of one transaction, written down as about to be published.
    pub(crate) fn note_group(&self, notes: &mut Notes, queue: u8) -> Group {
        let number = self.next_group.fetch_add(1, Ordering::Relaxed);
        let group = Some(number);
        let first = self.next_id.fetch_add(GROUP_SIZE, Ordering::Relaxed);
        self.backlog.fetch_add(i64::try_from(GROUP_SIZE).unwrap_or(0), Ordering::Relaxed);
        let now = self.now();
        notes.extend((first..first + GROUP_SIZE).map(|id| (now, Event::Published { id, queue, group })));
        Group { number, ids: first..first + GROUP_SIZE }
    }

    /// Writes down an ack: from the moment that it may be sent, it counts as sent.
    pub(crate) fn note_ack(&self, notes: &mut Notes, id: MessageId) {
        self.backlog.fetch_sub(1, Ordering::Relaxed);
        notes.push((self.now(), Event::Acked { id }));
    }

    /// Writes down the same of all these messages.
    pub(crate) fn note_all(
        &self,
        notes: &mut Notes,
        ids: impl IntoIterator<Item = MessageId>,
        event: impl Fn(MessageId) -> Event,
    ) {
        let now = self.now();
        notes.extend(ids.into_iter().map(|id| (now, event(id))));
    }

    /// Writes down what arrived and gives the message's number.
    pub(crate) fn note_delivery(&self, notes: &mut Notes, arrival: &Arrival<'_>) -> MessageId {
        let (id, is_intact) = read_body(arrival.body);
        let Arrival { queue, consumer, is_flagged, .. } = *arrival;
        notes.push((self.now(), Event::Delivered { id, queue, consumer, is_flagged, is_intact }));
        id
    }

    /// Whether publishers have to pause.
    pub(crate) fn is_full(&self) -> bool {
        self.backlog.load(Ordering::Relaxed) > BACKLOG_LIMIT
    }
}

/// A message as a consumer sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival<'a> {
    /// Place of its queue in `Load::queues`.
    pub queue: u8,
    /// Who got it.
    pub consumer: ConsumerId,
    /// The broker says that it may have been delivered before.
    pub is_flagged: bool,
    /// What was sent.
    pub body: &'a [u8],
}

/// What one client wrote down in one life.
pub(crate) type Notes = Vec<(Micros, Event)>;

/// A client: it returns only when its connection is lost, and that is not an error of it.
pub(crate) type Work = fn(&Shared, &mut Notes) -> Result<()>;

/// The body of a message: its number, then bytes that follow from it, of a length that follows from it.
pub(crate) fn body_of(id: MessageId) -> Vec<u8> {
    let mut bytes = id.to_be_bytes().to_vec();
    let mut state = id.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let filler_size_bytes = usize::try_from(state >> 53).unwrap_or(0);
    for _ in 0..filler_size_bytes {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        bytes.push(state.to_be_bytes()[0]);
    }
    bytes
}

/// The number in a body, and whether all of the body is as it was sent.
fn read_body(body: &[u8]) -> (MessageId, bool) {
    let Some(Ok(head)) = body.get(..8).map(<[u8; 8]>::try_from) else { return (0, false) };
    let id = MessageId::from_be_bytes(head);
    (id, body == body_of(id))
}
