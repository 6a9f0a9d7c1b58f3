//! What idle things cost: connections and queues.

use anyhow::{Context, Result};

use crate::{
    amqp::{Connection, QueueKind, put_declare_queue, put_delete_queue, wire::id},
    args::Effort,
    clock::{now_ns, wait_until},
    ledger::Faults,
    report::{Figure, Outcome},
    spawn::Spawned,
    target::Target,
};

pub(super) fn rss_bytes(target: &Target) -> Result<f64> {
    let usage = target.process.and_then(|process| process.usage());
    Ok(usage.context("the broker's process can't be seen: run as its user on its machine")?.rss_bytes as f64)
}

/// Lets a broker come to rest.
pub(super) fn settle() {
    wait_until(now_ns() + 1_000_000_000);
}

pub(super) fn connections(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    let count = effort.count.unwrap_or(1_000);
    let open = || -> Result<Connection> {
        let mut connection = Connection::open_with_inbox(&target.address, 4_096)?;
        connection.open_channel(1)?;
        Ok(connection)
    };
    // The first ones fill what any number of connections shares.
    let warm: Vec<Connection> = (0..100).map(|_| open()).collect::<Result<_>>()?;
    settle();
    let before = rss_bytes(target)?;
    let idle: Vec<Connection> = (0..count).map(|_| open()).collect::<Result<_>>()?;
    settle();
    let grown = (rss_bytes(target)? - before).max(0.0);
    warm.into_iter().chain(idle).for_each(Connection::close);
    let figures = vec![Figure::cost("per connection", "KB", grown / count as f64 / 1e3)];
    Ok(Outcome { figures, faults: Faults::default() })
}

pub(super) fn queues(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    let count = usize::try_from(effort.count.unwrap_or(10_000)).unwrap_or(usize::MAX);
    let name = |index: usize| format!("bench-idle-{index:06}");
    let mut connection = Connection::open(&target.address)?;
    connection.open_channel(1)?;
    settle();
    let before = rss_bytes(target)?;
    let from_ns = now_ns();
    connection.pipeline(count, id::QUEUE_DECLARE_OK, |out, index| {
        put_declare_queue(out, &name(index), QueueKind::Durable, &[]);
    })?;
    let declared = count as f64 * 1e9 / (now_ns() - from_ns) as f64;
    settle();
    let grown = (rss_bytes(target)? - before).max(0.0);
    connection.pipeline(count, id::QUEUE_DELETE_OK, |out, index| {
        put_delete_queue(out, &name(index));
    })?;
    connection.close();
    let figures = vec![
        Figure::cost("per queue", "KB", grown / count as f64 / 1e3),
        Figure { name: "declared", unit: "queues/s", value: declared, is_rate: true },
    ];
    Ok(Outcome { figures, faults: Faults::default() })
}
