//! Starting empty, and coming back after kill -9.

use anyhow::{Context, Result};

use super::{backlog::fill, footprint::settle};
use crate::{
    amqp::{Connection, QueueKind, put_declare_queue, put_find_queue, wire::id},
    args::Effort,
    ledger::Faults,
    report::{Figure, Outcome},
    spawn::{Spawned, Started},
    target::Target,
};

const QUEUE: &str = "bench-restart";

fn needed(spawned: Option<Spawned>, target: &Target) -> Result<Spawned> {
    spawned.with_context(|| format!("give --spawn '{}=COMMAND' to start this broker", target.name))
}

fn outcome(started: Started, lost: u64) -> Outcome {
    Outcome {
        figures: vec![
            Figure::cost("to the greeting", "s", started.greeted_s),
            Figure::cost("to the first login", "s", started.login_s),
        ],
        faults: Faults { lost, ..Faults::default() },
    }
}

pub(super) fn start(target: &mut Target, _: Effort, spawned: Option<Spawned>) -> Result<Outcome> {
    let mut broker = needed(spawned, target)?;
    let started = broker.start(target)?;
    // What it does for itself after a start is not cut off: the next start would pay for it.
    settle();
    broker.kill(target)?;
    Ok(outcome(started, 0))
}

pub(super) fn restart_messages(
    target: &mut Target,
    effort: Effort,
    spawned: Option<Spawned>,
) -> Result<Outcome> {
    let count = effort.count.unwrap_or(1_000_000);
    let mut broker = needed(spawned, target)?;
    broker.start(target)?;
    let mut control = Connection::open(&target.address)?;
    control.open_channel(1)?;
    control.delete_queue(QUEUE)?;
    control.declare_queue(QUEUE, QueueKind::Durable, &[])?;
    fill(target, QUEUE, QueueKind::Durable, 0, count)?;
    broker.kill(target)?;
    let started = broker.start(target)?;
    let mut control = Connection::open(&target.address)?;
    control.open_channel(1)?;
    let ready = u64::from(control.declare_queue(QUEUE, QueueKind::Durable, &[])?);
    control.delete_queue(QUEUE)?;
    broker.kill(target)?;
    Ok(outcome(started, count.saturating_sub(ready)))
}

pub(super) fn restart_queues(
    target: &mut Target,
    effort: Effort,
    spawned: Option<Spawned>,
) -> Result<Outcome> {
    let count = usize::try_from(effort.count.unwrap_or(10_000)).unwrap_or(usize::MAX);
    let mut broker = needed(spawned, target)?;
    broker.start(target)?;
    let name = |index: usize| format!("bench-restart-{index:06}");
    let declare = |target: &Target| -> Result<()> {
        let mut control = Connection::open(&target.address)?;
        control.open_channel(1)?;
        control.pipeline(count, id::QUEUE_DECLARE_OK, |out, index| {
            put_declare_queue(out, &name(index), QueueKind::Durable, &[]);
        })
    };
    declare(target)?;
    broker.kill(target)?;
    let started = broker.start(target)?;
    let mut control = Connection::open(&target.address)?;
    control.open_channel(1)?;
    control
        .pipeline(count, id::QUEUE_DECLARE_OK, |out, index| put_find_queue(out, 1, &name(index)))
        .context("a durable queue is not there after the restart")?;
    broker.kill(target)?;
    Ok(outcome(started, 0))
}
