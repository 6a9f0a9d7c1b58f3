//! Workloads that only publish and consume.

use anyhow::Result;

use crate::{
    amqp::{QueueKind, Settle},
    args::Effort,
    flow::{self, FlowResult, FlowSpec},
    report::{Figure, Outcome},
    spawn::Spawned,
    target::Target,
};

const TRANSIENT: FlowSpec = FlowSpec {
    queues: 1,
    is_fanout: false,
    threads: 1,
    body_bytes: 16,
    kind: QueueKind::Transient,
    window: None,
    settle: Settle::OnDelivery,
    rate: None,
};

const DURABLE: FlowSpec = FlowSpec {
    body_bytes: 1_024,
    kind: QueueKind::Durable,
    window: Some(1_000),
    settle: Settle::Cumulative(1_000),
    ..TRANSIENT
};

fn outcome(result: &FlowResult, is_paced: bool) -> Outcome {
    let mut figures = Vec::new();
    if is_paced {
        for (name, value) in ["p50", "p99", "p99.9"].into_iter().zip(result.latency_us) {
            figures.push(Figure::cost(name, "us", value));
        }
    }
    figures.push(Figure::rate("delivered", result.messages as f64 / result.seconds));
    if let Some(cpu_seconds) = result.cpu_seconds {
        let per_message = cpu_seconds * 1e6 / (result.messages.max(1) as f64);
        figures.push(Figure::cost("broker CPU", "us/msg", per_message));
    }
    if let Some(bytes) = result.peak_rss_bytes {
        figures.push(Figure::cost("broker peak RSS", "MB", bytes as f64 / 1e6));
    }
    Outcome { figures, faults: result.faults }
}

fn run(target: &Target, effort: Effort, spec: &FlowSpec) -> Result<Outcome> {
    Ok(outcome(&flow::run(target, spec, effort.seconds)?, spec.rate.is_some()))
}

pub(super) fn transient_16(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    run(target, effort, &TRANSIENT)
}

pub(super) fn transient_1k(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    run(target, effort, &FlowSpec { body_bytes: 1_024, ..TRANSIENT })
}

pub(super) fn pairs_2(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    run(target, effort, &FlowSpec { queues: 2, threads: 2, ..TRANSIENT })
}

pub(super) fn acks_16(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    run(target, effort, &FlowSpec { body_bytes: 16, kind: QueueKind::Transient, ..DURABLE })
}

pub(super) fn durable_1(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    run(target, effort, &FlowSpec { window: Some(1), ..DURABLE })
}

pub(super) fn durable_100(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    run(target, effort, &FlowSpec { window: Some(100), ..DURABLE })
}

pub(super) fn durable_1000(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    run(target, effort, &DURABLE)
}

pub(super) fn durable_queues(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    let each = FlowSpec { queues: 100, window: Some(100), settle: Settle::Cumulative(100), ..DURABLE };
    run(target, effort, &each)
}

pub(super) fn latency(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    run(target, effort, &FlowSpec { body_bytes: 256, rate: Some(effort.rate), ..TRANSIENT })
}

pub(super) fn latency_durable(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    run(
        target,
        effort,
        &FlowSpec { body_bytes: 256, rate: Some(effort.rate), window: Some(10_000), ..DURABLE },
    )
}

pub(super) fn fanout_100(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    run(target, effort, &FlowSpec { queues: 100, is_fanout: true, body_bytes: 100, ..TRANSIENT })
}
