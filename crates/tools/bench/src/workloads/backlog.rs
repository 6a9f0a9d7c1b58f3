//! Long backlogs: filling, memory when full, draining, and publishing beside it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use anyhow::{Result, anyhow, bail};

use crate::{
    amqp::{
        Burst, BurstSpec, Connection, Delivery, DeliveryScanner, QueueKind, Read, Settle, Wait, wire::id,
    },
    args::Effort,
    body,
    clock::now_ns,
    ledger::{Faults, LaneLedger},
    report::{Figure, Outcome},
    spawn::Spawned,
    target::Target,
};

const QUEUE: &str = "bench-backlog";
const OTHER: &str = "bench-beside";
const BODY_BYTES: usize = 100;
const MILLION: u64 = 1_000_000;

fn rate(count: u64, from_ns: u64) -> f64 {
    count as f64 * 1e9 / (now_ns() - from_ns).max(1) as f64
}

/// Publishes `count` messages with confirms and waits for the last one.
pub(super) fn fill(target: &Target, queue: &str, kind: QueueKind, first: u64, count: u64) -> Result<()> {
    let mut connection = Connection::open(&target.address)?;
    connection.open_channel(1)?;
    connection.select_confirms(1)?;
    connection.set_read_timeout(Duration::from_secs(30))?;
    let mut burst = Burst::new(&BurstSpec {
        channel: 1,
        keys: vec![queue.to_owned()],
        body_bytes: BODY_BYTES,
        persistent: kind == QueueKind::Durable,
        ..BurstSpec::default()
    });
    let (mut sent, mut confirmed) = (0, 0);
    while confirmed < count {
        // Far more than any broker's credit; still bounded, so that a stalled broker is seen.
        let free = (1_000_000 - (sent - confirmed)).min(count - sent);
        let wait = if free == 0 { Wait::ForBytes } else { Wait::Never };
        if free > 0 {
            let wanted = usize::try_from(free).unwrap_or(usize::MAX);
            let (bytes, published) = burst.stamp(wanted, 0, first + sent, |_| now_ns());
            connection.send(bytes)?;
            sent += published as u64;
        }
        if connection.read(wait)? == Read::Nothing && wait == Wait::ForBytes {
            bail!("no confirm within 30 s ({confirmed} of {sent} confirmed)");
        }
        while let Some(frame) = connection.next_frame()? {
            if frame.method() == Some(id::BASIC_NACK) {
                bail!("the broker refused a message of the backlog");
            }
            if frame.method() == Some(id::BASIC_ACK) {
                let mut fields = frame.arguments();
                let (tag, is_multiple) = (fields.u64("delivery-tag")?, fields.u8("multiple")? & 1 == 1);
                confirmed = if is_multiple { confirmed.max(tag) } else { confirmed + 1 };
            }
        }
    }
    connection.close();
    Ok(())
}

/// Takes `count` messages off a queue and books them.
fn drain_queue(target: &Target, queue: &str, count: u64) -> Result<Faults> {
    let mut connection = Connection::open(&target.address)?;
    connection.open_channel(1)?;
    connection.start_consuming(1, queue, Settle::OnDelivery)?;
    let faults = take_filled(&mut connection, count, |_| {})?;
    connection.close();
    Ok(faults)
}

/// Books the first `count` deliveries of a queue that [`fill`] has filled, or fewer when nothing comes for 10 s.
pub(super) fn take_filled(
    connection: &mut Connection,
    count: u64,
    mut look: impl FnMut(&Delivery<'_>),
) -> Result<Faults> {
    connection.set_read_timeout(Duration::from_secs(10))?;
    let (mut ledger, mut scanner, mut seen, mut corrupted) =
        (LaneLedger::default(), DeliveryScanner::default(), 0, 0);
    while seen < count {
        if connection.read(Wait::ForBytes)? == Read::Nothing {
            break;
        }
        let now = now_ns();
        scanner.take_inbox(connection, |delivery| {
            seen += 1;
            look(&delivery);
            match body::read(delivery.body, BODY_BYTES, now) {
                Some(stamp) => ledger.book(stamp.number),
                None => corrupted += 1,
            }
        })?;
    }
    let mut faults = ledger.close(count);
    faults.corrupted += corrupted;
    Ok(faults)
}

fn rss_bytes(target: &Target) -> f64 {
    target.process.and_then(|process| process.usage()).map_or(0.0, |usage| usage.rss_bytes as f64)
}

fn backlog(target: &Target, count: u64, kind: QueueKind) -> Result<Outcome> {
    let mut control = Connection::open(&target.address)?;
    control.open_channel(1)?;
    control.delete_queue(QUEUE)?;
    control.declare_queue(QUEUE, kind, &[])?;
    let before = rss_bytes(target);
    let from_ns = now_ns();
    fill(target, QUEUE, kind, 0, count)?;
    let filled = rate(count, from_ns);
    let full = rss_bytes(target);
    let from_ns = now_ns();
    let faults = drain_queue(target, QUEUE, count)?;
    let drained = rate(count, from_ns);
    control.delete_queue(QUEUE)?;
    Ok(Outcome {
        figures: vec![
            Figure::rate("fill", filled),
            Figure::rate("drain", drained),
            Figure::cost("RSS when full", "MB", full / 1e6),
            Figure::cost("RSS grown by", "MB", (full - before).max(0.0) / 1e6),
        ],
        faults,
    })
}

pub(super) fn transient(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    backlog(target, effort.count.unwrap_or(MILLION), QueueKind::Transient)
}

pub(super) fn durable(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    backlog(target, effort.count.unwrap_or(MILLION), QueueKind::Durable)
}

/// Publishes to a second queue, first alone, then while ten consumers drain the backlog.
pub(super) fn drain(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    const CONSUMERS: usize = 10;
    let count = effort.count.unwrap_or(MILLION);
    let mut control = Connection::open(&target.address)?;
    control.open_channel(1)?;
    for queue in [QUEUE, OTHER] {
        control.delete_queue(queue)?;
        control.declare_queue(queue, QueueKind::Transient, &[])?;
    }
    fill(target, QUEUE, QueueKind::Transient, 0, count)?;
    let alone_count = count / 4;
    let from_ns = now_ns();
    fill(target, OTHER, QueueKind::Transient, 0, alone_count)?;
    let alone = rate(alone_count, from_ns);
    let taken = Arc::new(AtomicU64::new(0));
    let mut threads = Vec::new();
    for _ in 0..CONSUMERS {
        let (target, taken) = (target.clone(), Arc::clone(&taken));
        threads.push(thread::spawn(move || take_share(&target, &taken, count)));
    }
    let (mut beside_count, from_ns) = (0, now_ns());
    let part = (count / 50).max(1);
    while taken.load(Relaxed) < count && beside_count < count {
        fill(target, OTHER, QueueKind::Transient, alone_count + beside_count, part)?;
        beside_count += part;
    }
    let beside = rate(beside_count, from_ns);
    for thread in threads {
        thread.join().map_err(|_| anyhow!("a consumer failed"))??;
    }
    let drained = rate(taken.load(Relaxed), from_ns);
    let faults = Faults { lost: count.saturating_sub(taken.load(Relaxed)), ..Faults::default() };
    for queue in [QUEUE, OTHER] {
        control.delete_queue(queue)?;
    }
    Ok(Outcome {
        figures: vec![
            Figure::rate("publish alone", alone),
            Figure::rate("publish beside", beside),
            Figure { name: "beside / alone", unit: "%", value: 100.0 * beside / alone, is_rate: true },
            Figure::rate("drain", drained),
        ],
        faults,
    })
}

fn take_share(target: &Target, taken: &AtomicU64, count: u64) -> Result<()> {
    let mut connection = Connection::open(&target.address)?;
    connection.open_channel(1)?;
    connection.set_read_timeout(Duration::from_millis(500))?;
    connection.start_consuming(1, QUEUE, Settle::OnDelivery)?;
    let mut scanner = DeliveryScanner::default();
    let mut silent = 0;
    while taken.load(Relaxed) < count && silent < 20 {
        silent = if connection.read(Wait::ForBytes)? == Read::Nothing { silent + 1 } else { 0 };
        let mut seen = 0;
        scanner.take_inbox(&mut connection, |_| seen += 1)?;
        taken.fetch_add(seen, Relaxed);
    }
    connection.close();
    Ok(())
}
