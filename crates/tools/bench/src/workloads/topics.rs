//! Publishing through a topic exchange with few and with many bindings.

use anyhow::Result;

use crate::{
    amqp::{Burst, BurstSpec, Connection, QueueKind, put_bind_queue, wire::id},
    args::Effort,
    clock::now_ns,
    ledger::Faults,
    report::{Figure, Outcome},
    spawn::Spawned,
    target::Target,
};

const EXCHANGE: &str = "bench-topic";
const QUEUE: &str = "bench-topic-queue";

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
    control.pipeline(bindings, id::QUEUE_BIND_OK, |out, index| {
        put_bind_queue(out, QUEUE, EXCHANGE, &format!("region.{:03}.device.{index:06}.#", index % 1_000));
    })?;
    let mut connection = Connection::open(&target.address)?;
    connection.open_channel(1)?;
    let keys: Vec<String> = (0..100)
        .map(|index| {
            let index = index * bindings / 100;
            format!("region.{:03}.device.{index:06}.temperature", index % 1_000)
        })
        .collect();
    let mut burst = Burst::new(&BurstSpec {
        channel: 1,
        exchange: EXCHANGE.to_owned(),
        keys,
        body_bytes: 16,
        persistent: false,
        headers: Vec::new(),
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

pub(super) fn one(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    publish_rate(target, effort, 1)
}

pub(super) fn many(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    let bindings = usize::try_from(effort.count.unwrap_or(100_000)).unwrap_or(usize::MAX);
    publish_rate(target, effort, bindings)
}
