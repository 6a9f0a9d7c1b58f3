//! The clients of the loop: they work until the broker dies under them, and write down what they saw.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::history::{Event, MessageId, Micros};
use super::wire::{self, Client, Method, Received};

/// Queues of the run, by number.
pub(crate) const QUEUES: [&str; 2] = ["kill.acks", "kill.tx"];
/// Queue whose consumers ack without an answer.
const ACKS: u8 = 0;
/// Queue filled and emptied by transactions.
const TX: u8 = 1;
/// Unconfirmed messages of one publisher.
const WINDOW: usize = 200;
const GROUP_SIZE: u64 = 5;
const PREFETCH: u16 = 50;
/// Messages that may wait in the queues before the publishers pause, so that the last drain stays short.
const BACKLOG_LIMIT: i64 = 1_000;
/// A consumer asks for a sign that its acks were seen after so many of them.
const PROOF_EVERY: usize = 16;
/// Deliveries that a consumer keeps open under load, so that every kill finds some.
const HELD: usize = 10;
/// How long a client waits for input before it looks whether there is something to send.
const PATIENCE: Duration = Duration::from_millis(5);

/// What all clients of a run share.
#[derive(Debug)]
pub(crate) struct Shared {
    started: Instant,
    next_id: AtomicU64,
    next_group: AtomicU64,
    next_consumer: AtomicU32,
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
            backlog: AtomicI64::new(0),
        }
    }

    /// Microseconds since the start of the run.
    pub(crate) fn now(&self) -> Micros {
        Micros::try_from(self.started.elapsed().as_micros()).unwrap_or(Micros::MAX)
    }

    fn is_full(&self) -> bool {
        self.backlog.load(Ordering::Relaxed) > BACKLOG_LIMIT
    }
}

/// What one client wrote down in one life.
pub(crate) type Notes = Vec<(Micros, Event)>;

/// A client: it returns only when its connection is lost, and that is not an error of it.
pub(crate) type Work = fn(&Shared, &mut Notes) -> Result<()>;

/// The clients of each life.
pub(crate) const CLIENTS: [Work; 5] =
    [publish_confirmed, publish_in_transactions, consume, consume, consume_in_transactions];

/// Declares the queues; durable, so only the first time makes them. What waits in them is where the backlog begins.
pub(crate) fn declare(shared: &Shared) -> Result<()> {
    let mut client = Client::connect()?;
    let mut waiting = 0;
    for queue in QUEUES {
        // Bits: durable alone.
        let declare = Method::new((50, 10)).raw(&[0, 0]).short(queue).raw(&[0b10]).long(b"");
        waiting += client.call(declare, wire::QUEUE_DECLARE_OK)?.message_count()?;
    }
    shared.backlog.store(i64::from(waiting), Ordering::Relaxed);
    Ok(())
}

/// The body of a message: its number, then bytes that follow from it, of a length that follows from it.
fn body_of(id: MessageId) -> Vec<u8> {
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

fn publish_confirmed(shared: &Shared, notes: &mut Notes) -> Result<()> {
    let mut client = Client::connect()?;
    client.call(Method::new((85, 10)).raw(&[0]), wire::CONFIRM_SELECT_OK)?;
    let mut open: Vec<(u64, MessageId)> = Vec::new();
    let mut tag = 0;
    loop {
        while open.len() < WINDOW && !shared.is_full() {
            let id = shared.next_id.fetch_add(1, Ordering::Relaxed);
            tag += 1;
            notes.push((shared.now(), Event::Published { id, queue: ACKS, group: None }));
            shared.backlog.fetch_add(1, Ordering::Relaxed);
            client.publish("kill.acks", &body_of(id));
            open.push((tag, id));
        }
        client.flush()?;
        let Some(received) = client.receive(PATIENCE)? else { continue };
        ensure!(received.id != wire::NACK, "a publish was refused");
        if received.id == wire::ACK {
            let (upto, is_multiple) = (received.delivery_tag()?, received.flag()?);
            let now = shared.now();
            open.retain(|(tag, id)| {
                let is_confirmed = *tag == upto || (is_multiple && *tag <= upto);
                if is_confirmed {
                    notes.push((now, Event::Confirmed { id: *id }));
                }
                !is_confirmed
            });
        }
    }
}

fn publish_in_transactions(shared: &Shared, notes: &mut Notes) -> Result<()> {
    let mut client = Client::connect()?;
    client.call(Method::new((90, 10)), wire::TX_SELECT_OK)?;
    loop {
        if shared.is_full() {
            client.receive(PATIENCE)?;
            continue;
        }
        let group = shared.next_group.fetch_add(1, Ordering::Relaxed);
        let first = shared.next_id.fetch_add(GROUP_SIZE, Ordering::Relaxed);
        for id in first..first + GROUP_SIZE {
            notes.push((shared.now(), Event::Published { id, queue: TX, group: Some(group) }));
            shared.backlog.fetch_add(1, Ordering::Relaxed);
            client.publish("kill.tx", &body_of(id));
        }
        client.call(Method::new((90, 20)), wire::TX_COMMIT_OK)?;
        let now = shared.now();
        notes.extend((first..first + GROUP_SIZE).map(|id| (now, Event::Confirmed { id })));
    }
}

/// Writes down a delivery and gives the message's number.
fn note_delivery(
    shared: &Shared,
    notes: &mut Notes,
    received: &Received,
    queue: u8,
    consumer: u32,
) -> Result<MessageId> {
    let (id, is_intact) = read_body(&received.body);
    let is_flagged = received.flag()?;
    notes.push((shared.now(), Event::Delivered { id, queue, consumer, is_flagged, is_intact }));
    Ok(id)
}

fn ack(tag: u64) -> Method {
    Method::new(wire::ACK).raw(&tag.to_be_bytes()).raw(&[0])
}

fn qos() -> Method {
    Method::new((60, 10)).raw(&[0; 4]).raw(&PREFETCH.to_be_bytes()).raw(&[0])
}

fn start_consuming(client: &mut Client, queue: &str) -> Result<()> {
    client.call(qos(), wire::QOS_OK)?;
    let consume = Method::new((60, 20)).raw(&[0, 0]).short(queue).short("").raw(&[0]).long(b"");
    client.call(consume, wire::CONSUME_OK)?;
    Ok(())
}

/// Deliveries that a consumer has and has not acked yet, oldest first.
type Held = VecDeque<(u64, MessageId)>;

/// Takes what came, if it is a delivery.
fn hold(
    shared: &Shared,
    notes: &mut Notes,
    held: &mut Held,
    received: &Received,
    place: (u8, u32),
) -> Result<()> {
    if received.id == wire::DELIVER {
        let id = note_delivery(shared, notes, received, place.0, place.1)?;
        held.push_back((received.delivery_tag()?, id));
    }
    Ok(())
}

/// Puts acks for the `count` oldest into the output and writes them down: from the moment they may be sent, they count as sent.
fn put_acks(
    shared: &Shared,
    notes: &mut Notes,
    client: &mut Client,
    held: &mut Held,
    count: usize,
) -> Vec<MessageId> {
    let now = shared.now();
    let mut acked = Vec::new();
    for (tag, id) in held.drain(..count.min(held.len())) {
        client.send(ack(tag));
        notes.push((now, Event::Acked { id }));
        acked.push(id);
    }
    shared.backlog.fetch_sub(i64::try_from(acked.len()).unwrap_or(0), Ordering::Relaxed);
    acked
}

fn consume(shared: &Shared, notes: &mut Notes) -> Result<()> {
    let consumer = shared.next_consumer.fetch_add(1, Ordering::Relaxed);
    let mut client = Client::connect()?;
    start_consuming(&mut client, "kill.acks")?;
    let (mut held, mut unproven) = (Held::new(), Vec::new());
    loop {
        let received = client.receive(PATIENCE)?;
        let is_idle = received.is_none();
        if let Some(received) = received {
            hold(shared, notes, &mut held, &received, (ACKS, consumer))?;
        }
        let count = if is_idle { held.len() } else { held.len().saturating_sub(HELD) };
        unproven.extend(put_acks(shared, notes, &mut client, &mut held, count));
        client.flush()?;
        // Any answer on the channel proves that the acks before it were seen.
        if unproven.len() >= PROOF_EVERY || (is_idle && !unproven.is_empty()) {
            client.call(qos(), wire::QOS_OK)?;
            let now = shared.now();
            notes.extend(unproven.drain(..).map(|id| (now, Event::Processed { id })));
        }
    }
}

fn consume_in_transactions(shared: &Shared, notes: &mut Notes) -> Result<()> {
    let consumer = shared.next_consumer.fetch_add(1, Ordering::Relaxed);
    let mut client = Client::connect()?;
    client.call(Method::new((90, 10)), wire::TX_SELECT_OK)?;
    start_consuming(&mut client, "kill.tx")?;
    let mut held = Held::new();
    loop {
        let received = client.receive(PATIENCE)?;
        let is_idle = received.is_none();
        if let Some(received) = received {
            hold(shared, notes, &mut held, &received, (TX, consumer))?;
        }
        if held.len() >= PROOF_EVERY || (is_idle && !held.is_empty()) {
            let count = held.len();
            let acked = put_acks(shared, notes, &mut client, &mut held, count);
            client.call(Method::new((90, 20)), wire::TX_COMMIT_OK)?;
            let now = shared.now();
            notes.extend(acked.into_iter().map(|id| (now, Event::Settled { id })));
        }
    }
}

/// Takes everything that is left out of the queues, one by one, until each says that it is empty.
pub(crate) fn drain(shared: &Shared) -> Result<Notes> {
    let mut notes = Notes::new();
    let mut client = Client::connect()?;
    for (queue, number) in QUEUES.into_iter().zip(0_u8..) {
        loop {
            let get = Method::new((60, 70)).raw(&[0, 0]).short(queue).raw(&[0]);
            let received = client.call(get, wire::GET_OK)?;
            if received.id == wire::GET_EMPTY {
                break;
            }
            let id = note_delivery(shared, &mut notes, &received, number, 0)?;
            notes.push((shared.now(), Event::Acked { id }));
            client.send(ack(received.delivery_tag()?));
        }
    }
    client.flush()?;
    Ok(notes)
}
