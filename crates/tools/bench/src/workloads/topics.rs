//! Publishing through a topic exchange with few and with many bindings.

use std::time::Duration;

use anyhow::Result;

use crate::{
    amqp::{
        Burst, BurstSpec, Connection, DeliveryScanner, QueueKind, Read, Settle, Wait, put_bind_queue,
        put_consume, put_declare_queue, put_delete_queue, wire::id,
    },
    args::Effort,
    clock::now_ns,
    ledger::Faults,
    report::{Figure, Outcome},
    spawn::Spawned,
    target::Target,
};

const EXCHANGE: &str = "bench-topic";
const QUEUE: &str = "bench-topic-queue";

/// Keys are spread over as many devices, or over all bindings when there are more.
const KEY_SPACE: usize = 100_000;

fn publish_rate(target: &Target, effort: Effort, bindings: usize) -> Result<Outcome> {
    let mut control = Connection::open(&target.address)?;
    control.open_channel(1)?;
    control.delete_queue(QUEUE)?;
    control.delete_exchange(EXCHANGE)?;
    control.declare_exchange(EXCHANGE, "topic", &[])?;
    // One message at most stays, so that the rate is that of routing.
    control.declare_queue(
        QUEUE,
        QueueKind::Transient,
        &[("x-max-length", crate::amqp::wire::FieldValue::Int(1))],
    )?;
    // The same keys are published whatever the number of bindings: a single one takes them all.
    control.pipeline(bindings, id::QUEUE_BIND_OK, |out, index| {
        let device = format!("region.{:03}.device.{index:06}.#", index % 1_000);
        put_bind_queue(out, QUEUE, EXCHANGE, if bindings == 1 { "region.*.device.#" } else { &device });
    })?;
    let mut connection = Connection::open(&target.address)?;
    connection.open_channel(1)?;
    let keys: Vec<String> = (0..100)
        .map(|index| {
            let index = index * bindings.max(KEY_SPACE) / 100;
            format!("region.{:03}.device.{index:06}.temperature", index % 1_000)
        })
        .collect();
    let mut burst = Burst::new(&BurstSpec {
        channel: 1,
        exchange: EXCHANGE.to_owned(),
        keys,
        body_bytes: 16,
        ..BurstSpec::default()
    });
    let (mut sent, from_ns) = (0, now_ns());
    let until_ns = from_ns + (effort.seconds * 1e9) as u64;
    while now_ns() < until_ns {
        let (bytes, count) = burst.stamp(usize::MAX, 0, sent, |_| 0);
        connection.send(bytes)?;
        sent += count as u64;
    }
    // The answer comes behind everything that was published.
    connection.open_channel(2)?;
    let rate = sent as f64 * 1e9 / (now_ns() - from_ns) as f64;
    connection.close();
    control.delete_queue(QUEUE)?;
    control.delete_exchange(EXCHANGE)?;
    Ok(Outcome { figures: vec![Figure::rate("published", rate)], faults: Faults::default() })
}

/// Messages that every subscriber has to get once all are there.
const PROBES: u64 = 5;

/// Consumers on one channel; brokers limit that.
const PER_CHANNEL: usize = 500;

pub(super) fn channel_of(index: usize) -> u16 {
    u16::try_from(index / PER_CHANNEL + 1).unwrap_or(u16::MAX)
}

pub(super) fn subscribers(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    let count = usize::try_from(effort.count.unwrap_or(20_000)).unwrap_or(usize::MAX);
    let name = |index: usize| format!("bench-subscriber-{index:06}");
    let mut connection = Connection::open(&target.address)?;
    for channel in 1..=channel_of(count.saturating_sub(1)) {
        connection.open_channel(channel)?;
    }
    connection.delete_exchange(EXCHANGE)?;
    connection.declare_exchange(EXCHANGE, "topic", &[])?;
    let from_ns = now_ns();
    connection.pipeline(count, id::QUEUE_DECLARE_OK, |out, index| {
        put_declare_queue(out, &name(index), QueueKind::Transient, &[]);
    })?;
    connection.pipeline(count, id::QUEUE_BIND_OK, |out, index| {
        put_bind_queue(out, &name(index), EXCHANGE, "region.*.device.#");
    })?;
    connection.pipeline(count, id::BASIC_CONSUME_OK, |out, index| {
        let channel = channel_of(index);
        put_consume(out, channel, &name(index), &format!("s{index}"), Settle::OnDelivery);
    })?;
    let subscribed_s = (now_ns() - from_ns) as f64 / 1e9;
    let from_ns = now_ns();
    let delivered = probe(target, &mut connection, count as u64 * PROBES)?;
    let rate = delivered as f64 * 1e9 / (now_ns() - from_ns) as f64;
    connection.pipeline(count, id::QUEUE_DELETE_OK, |out, index| {
        put_delete_queue(out, &name(index));
    })?;
    connection.delete_exchange(EXCHANGE)?;
    connection.close();
    let lost = (count as u64 * PROBES).saturating_sub(delivered);
    Ok(Outcome {
        figures: vec![Figure::cost("all subscribed", "s", subscribed_s), Figure::rate("delivered", rate)],
        faults: Faults { lost, ..Faults::default() },
    })
}

/// Publishes a few messages to all subscribers. Answers how many deliveries came of the expected ones.
fn probe(target: &Target, subscriber: &mut Connection, expected: u64) -> Result<u64> {
    let mut publisher = Connection::open(&target.address)?;
    publisher.open_channel(1)?;
    let mut burst = Burst::new(&BurstSpec {
        channel: 1,
        exchange: EXCHANGE.to_owned(),
        keys: vec!["region.007.device.temperature".to_owned()],
        body_bytes: 16,
        ..BurstSpec::default()
    });
    let mut sent = 0;
    while sent < PROBES {
        let wanted = usize::try_from(PROBES - sent).unwrap_or(usize::MAX);
        let (bytes, count) = burst.stamp(wanted, 0, sent, |_| 0);
        publisher.send(bytes)?;
        sent += count as u64;
    }
    subscriber.set_read_timeout(Duration::from_secs(10))?;
    let (mut scanner, mut seen) = (DeliveryScanner::default(), 0);
    while seen < expected && subscriber.read(Wait::ForBytes)? != Read::Nothing {
        scanner.take_inbox(subscriber, |_| seen += 1)?;
    }
    publisher.close();
    Ok(seen)
}

pub(super) fn one(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    publish_rate(target, effort, 1)
}

pub(super) fn many(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    let bindings = usize::try_from(effort.count.unwrap_or(100_000)).unwrap_or(usize::MAX);
    publish_rate(target, effort, bindings)
}
