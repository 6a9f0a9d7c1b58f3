//! Many queues that go with their connection or their last consumer, all with traffic.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};

use super::topics::channel_of;
use crate::{
    amqp::{
        Burst, BurstSpec, Connection, DeliveryScanner, QueueKind, Read, Settle, Wait, put_consume,
        put_declare_queue, put_find_queue,
        wire::{first_frame, id, put_method},
    },
    args::Effort,
    body,
    clock::{now_ns, wait_until},
    ledger::{Faults, LaneLedger},
    report::{Figure, Outcome},
    spawn::Spawned,
    target::Target,
};

const BODY_BYTES: usize = 16;
/// Silence after which the rest counts as lost.
const STALL_NS: u64 = 10_000_000_000;
/// Longest wait for queues to go.
const PATIENCE_NS: u64 = 60_000_000_000;
/// Queues that are asked for on one connection.
const ASK_AT_ONCE: usize = 200;

fn name(index: usize) -> String {
    format!("bench-passing-{index:06}")
}

fn kind(index: usize) -> QueueKind {
    if index.is_multiple_of(2) { QueueKind::Exclusive } else { QueueKind::AutoDelete }
}

/// What publisher and consumer tell each other.
struct Shared {
    delivered: AtomicU64,
    /// All that was published, once the publisher has stopped; before that the highest number there is.
    published: AtomicU64,
}

pub(super) fn queues(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    let count = usize::try_from(effort.count.unwrap_or(1_000)).unwrap_or(usize::MAX).max(1);
    let mut owner = Connection::open(&target.address)?;
    let from_ns = now_ns();
    start(&mut owner, count)?;
    let started_s = (now_ns() - from_ns) as f64 / 1e9;
    let shared = Arc::new(Shared { delivered: AtomicU64::new(0), published: AtomicU64::new(u64::MAX) });
    let consumer = {
        let shared = Arc::clone(&shared);
        thread::spawn(move || consume(owner, count, &shared))
    };
    let rate = publish(target, count, effort.seconds, &shared)?;
    let (owner, faults) = consumer.join().map_err(|_| anyhow!("the consumer failed"))??;
    let from_ns = now_ns();
    owner.close();
    await_gone(target, count)?;
    let gone_s = (now_ns() - from_ns) as f64 / 1e9;
    let figures = vec![
        Figure::cost("declared, consumed", "s", started_s),
        Figure::rate("delivered", rate),
        Figure::cost("gone with their owner", "s", gone_s),
    ];
    Ok(Outcome { figures, faults })
}

fn start(owner: &mut Connection, count: usize) -> Result<()> {
    for channel in 1..=channel_of(count - 1) {
        owner.open_channel(channel)?;
    }
    owner.pipeline(count, id::QUEUE_DECLARE_OK, |out, index| {
        put_declare_queue(out, &name(index), kind(index), &[]);
    })?;
    owner.pipeline(count, id::BASIC_CONSUME_OK, |out, index| {
        put_consume(out, channel_of(index), &name(index), &format!("s{index}"), Settle::OnDelivery);
    })
}

/// Publishes to the queues in turn; answers the deliveries per second meanwhile.
fn publish(target: &Target, count: usize, seconds: f64, shared: &Shared) -> Result<f64> {
    let mut publisher = Connection::open(&target.address)?;
    publisher.open_channel(1)?;
    let mut burst = Burst::new(&BurstSpec {
        channel: 1,
        keys: (0..count).map(name).collect(),
        body_bytes: BODY_BYTES,
        ..BurstSpec::default()
    });
    let (mut sent, from_ns) = (0, now_ns());
    let until_ns = from_ns + (seconds * 1e9) as u64;
    while now_ns() < until_ns {
        let (bytes, stamped) = burst.stamp(usize::MAX, 0, sent, |_| now_ns());
        publisher.send(bytes)?;
        sent += stamped as u64;
    }
    let rate = shared.delivered.load(Relaxed) as f64 * 1e9 / (now_ns() - from_ns) as f64;
    // The answer comes behind everything that was published.
    publisher.open_channel(2)?;
    shared.published.store(sent, Relaxed);
    publisher.close();
    Ok(rate)
}

/// Message `n` belongs in queue `n` modulo `count`, which is a book of its own.
fn consume(mut owner: Connection, count: usize, shared: &Shared) -> Result<(Connection, Faults)> {
    owner.set_read_timeout(Duration::from_millis(200))?;
    let mut books = vec![LaneLedger::default(); count];
    let (mut scanner, mut faults) = (DeliveryScanner::default(), Faults::default());
    let (mut seen, mut progress_ns, in_turn) = (0, now_ns(), count as u64);
    while seen < shared.published.load(Relaxed) && now_ns() - progress_ns < STALL_NS {
        owner.read(Wait::ForBytes)?;
        let (now, before) = (now_ns(), seen);
        scanner.take_inbox(&mut owner, |delivery| {
            seen += 1;
            let stamp = body::read(delivery.body, BODY_BYTES, now);
            let stamp = stamp.filter(|stamp| stamp.number % in_turn == u64::from(delivery.consumer));
            match stamp.and_then(|stamp| Some((stamp, books.get_mut(delivery.consumer as usize)?))) {
                Some((stamp, book)) => book.book(stamp.number / in_turn),
                None => faults.corrupted += 1,
            }
        })?;
        if seen > before {
            progress_ns = now;
            shared.delivered.store(seen, Relaxed);
        }
    }
    let published = shared.published.load(Relaxed);
    for (index, book) in (0..).zip(&books) {
        faults.add(&book.close(published / in_turn + u64::from(index < published % in_turn)));
    }
    Ok((owner, faults))
}

/// Waits until a stranger finds none of the queues.
fn await_gone(target: &Target, count: usize) -> Result<()> {
    let until_ns = now_ns() + PATIENCE_NS;
    for first in (0..count).step_by(ASK_AT_ONCE) {
        let indices = first..count.min(first + ASK_AT_ONCE);
        loop {
            let left = count_left(target, indices.clone())?;
            if left == 0 {
                break;
            }
            if now_ns() > until_ns {
                bail!(
                    "{left} of {} queues outlived their connection by {} s",
                    indices.len(),
                    PATIENCE_NS / 1_000_000_000
                );
            }
            wait_until(now_ns() + 2_000_000);
        }
    }
    Ok(())
}

/// How many of the queues are still there. Each is asked for on its own channel, which the broker closes when there is
/// no such queue.
fn count_left(target: &Target, indices: std::ops::Range<usize>) -> Result<usize> {
    const NOT_FOUND: u16 = 404;
    let mut asker = Connection::open(&target.address)?;
    let mut out = Vec::new();
    for (channel, index) in (1..).zip(indices.clone()) {
        put_method(&mut out, channel, id::CHANNEL_OPEN, |out| out.push(0));
        put_find_queue(&mut out, channel, &name(index));
    }
    asker.send(&out)?;
    let (mut answered, mut left) = (0, 0);
    while answered < indices.len() {
        if asker.read(Wait::ForBytes)? == Read::Nothing {
            bail!("no answer about {} queues", indices.len() - answered);
        }
        let mut used = 0;
        while let Some(frame) = first_frame(asker.inbox().get(used..).unwrap_or_default())? {
            used += frame.wire_len();
            match frame.method() {
                Some(id::QUEUE_DECLARE_OK) => (answered, left) = (answered + 1, left + 1),
                Some(id::CHANNEL_CLOSE) => {
                    answered += 1;
                    // Anything but "not found" means that it is still there, such as a lock of its owner.
                    left += usize::from(frame.arguments().u16("reply-code")? != NOT_FOUND);
                }
                Some(id::CHANNEL_OPEN_OK) => {}
                method => return Err(anyhow!("unexpected answer {method:?}")).context("asking for a queue"),
            }
        }
        asker.consume_bytes(used);
    }
    asker.close();
    Ok(left)
}
