//! Delayed messages the way that needs no plugin: they expire in one queue and are dead-lettered to another.

use std::{thread, time::Duration};

use anyhow::{Result, anyhow};
use hdrhistogram::Histogram;

use crate::{
    amqp::{Burst, BurstSpec, Connection, DeliveryScanner, QueueKind, Read, Settle, Wait, wire::FieldValue},
    args::Effort,
    body,
    clock::{now_ns, wait_until},
    ledger::{Faults, LaneLedger},
    report::{Figure, Outcome},
    spawn::Spawned,
    target::Target,
};

const WAITING: &str = "bench-delay";
const DUE: &str = "bench-delayed";
const BODY_BYTES: usize = 100;
/// A message so much before its time is early, in ns: brokers count in whole ms.
const TOLERANCE_NS: u64 = 2_000_000;

/// Where the time to live stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ttl {
    OfQueue,
    OfMessage,
}

pub(super) fn by_queue(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    delayed(target, effort, Ttl::OfQueue)
}

pub(super) fn by_message(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    delayed(target, effort, Ttl::OfMessage)
}

/// Publishes at an even rate for as long as each message is delayed, so that all wait before the first is due.
fn delayed(target: &Target, effort: Effort, ttl: Ttl) -> Result<Outcome> {
    let count = effort.count.unwrap_or(20_000);
    let delay_ms = ((effort.seconds * 1e3) as u32).max(1);
    let mut control = Connection::open(&target.address)?;
    control.open_channel(1)?;
    control.delete_queue(WAITING)?;
    control.delete_queue(DUE)?;
    control.declare_queue(DUE, QueueKind::Transient, &[])?;
    let to_due = [
        ("x-dead-letter-exchange", FieldValue::Text("")),
        ("x-dead-letter-routing-key", FieldValue::Text(DUE)),
        ("x-message-ttl", FieldValue::Int(i32::try_from(delay_ms).unwrap_or(i32::MAX))),
    ];
    let arguments = if ttl == Ttl::OfQueue { &to_due[..] } else { &to_due[..2] };
    control.declare_queue(WAITING, QueueKind::Transient, arguments)?;
    let mut consumer = Connection::open(&target.address)?;
    consumer.open_channel(1)?;
    consumer.start_consuming(1, DUE, Settle::OnDelivery)?;
    let delay_ns = u64::from(delay_ms) * 1_000_000;
    let consuming = thread::spawn(move || consume(consumer, count, delay_ns));
    publish(target, count, delay_ns, (ttl == Ttl::OfMessage).then_some(delay_ms))?;
    let (lateness, faults) = consuming.join().map_err(|_| anyhow!("the consumer failed"))??;
    control.delete_queue(WAITING)?;
    control.delete_queue(DUE)?;
    control.close();
    let late = |name, ns: u64| Figure::cost(name, "ms", ns as f64 / 1e6);
    let figures = vec![
        late("late, p50", lateness.value_at_quantile(0.5)),
        late("late, p99", lateness.value_at_quantile(0.99)),
        late("late, most", lateness.max()),
    ];
    Ok(Outcome { figures, faults })
}

/// Spreads the messages evenly over `over_ns`.
fn publish(target: &Target, count: u64, over_ns: u64, expiration_ms: Option<u32>) -> Result<()> {
    let mut publisher = Connection::open(&target.address)?;
    publisher.open_channel(1)?;
    let mut burst = Burst::new(&BurstSpec {
        channel: 1,
        keys: vec![WAITING.to_owned()],
        body_bytes: BODY_BYTES,
        expiration_ms,
        ..BurstSpec::default()
    });
    let interval_ns = over_ns as f64 / count.max(1) as f64;
    let (start_ns, mut sent) = (now_ns(), 0);
    let intended_ns = |number: u64| start_ns + (number as f64 * interval_ns) as u64;
    while sent < count {
        wait_until(intended_ns(sent));
        let wanted = ((now_ns() - start_ns) as f64 / interval_ns) as u64 + 1;
        let wanted = usize::try_from(wanted.min(count).saturating_sub(sent)).unwrap_or(usize::MAX);
        let (bytes, stamped) = burst.stamp(wanted.max(1), 0, sent, intended_ns);
        publisher.send(bytes)?;
        sent += stamped as u64;
    }
    // The answer comes behind everything that was published.
    publisher.open_channel(2)?;
    publisher.close();
    Ok(())
}

/// Takes what was delayed; a message counts as late from the time it was to be sent and its delay.
fn consume(mut consumer: Connection, count: u64, delay_ns: u64) -> Result<(Histogram<u64>, Faults)> {
    // Nothing comes before the first message is due.
    consumer.set_read_timeout(Duration::from_nanos(delay_ns) + Duration::from_secs(10))?;
    let mut lateness = Histogram::new_with_bounds(1, 600_000_000_000, 3)?;
    let (mut scanner, mut ledger) = (DeliveryScanner::default(), LaneLedger::default());
    let (mut seen, mut faults) = (0, Faults::default());
    while seen < count && consumer.read(Wait::ForBytes)? != Read::Nothing {
        let now = now_ns();
        scanner.take_inbox(&mut consumer, |delivery| {
            seen += 1;
            let Some(stamp) = body::read(delivery.body, BODY_BYTES, now) else {
                faults.corrupted += 1;
                return;
            };
            ledger.book(stamp.number);
            let due_ns = stamp.sent_ns + delay_ns;
            faults.early += u64::from(now + TOLERANCE_NS < due_ns);
            lateness.saturating_record(now.saturating_sub(due_ns).max(1));
        })?;
    }
    faults.add(&ledger.close(count));
    consumer.close();
    Ok((lateness, faults))
}
