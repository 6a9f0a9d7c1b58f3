//! Mostly dead segments are copied forward when the disk runs short (DESIGN 5).

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use support::Rig;
use ternmq_broker::{DeliveryId, LogRequest, Outcome, SettleRange};
use ternmq_message::{MessageMeta, Value};
use ternmq_routing::NodeKind;

const SEGMENT: u64 = 32 << 10;

/// Much passes through a queue; one message in twenty goes to one that nobody reads.
fn littered(rounds: u32) -> Rig {
    let mut rig = Rig::with_segments(SEGMENT, 512 << 20);
    rig.node("all", NodeKind::Fanout);
    for queue in ["kept", "also kept"] {
        rig.queue(queue, &[]);
        rig.bind(queue, "all", "");
    }
    rig.queue("busy", &[]);
    rig.consume("busy", 0, None);
    for round in 0..rounds {
        rig.fill("busy", &[&format!("{round:0400}")]);
        if round % 20 == 0 {
            let meta = MessageMeta { is_durable: round % 40 == 0, ..MessageMeta::default() };
            let _ = rig.publish_with("all", "", &format!("{round:0100}"), meta);
        }
        let _ = rig.deliveries();
        rig.broker.settle(rig.session, DeliveryId(0), SettleRange::UpTo, Outcome::Accept).unwrap();
        rig.turn();
    }
    rig
}

/// Lets it work until it rests. Answers the segments that went.
fn work(rig: &mut Rig) -> Vec<u64> {
    let mut released = Vec::new();
    for _ in 0..300 {
        rig.turn();
        for request in rig.log_requests() {
            if let LogRequest::Release { segments } = request {
                released.extend(segments);
            }
        }
    }
    released
}

fn numbers(rig: &mut Rig, queue: &str) -> Vec<u64> {
    rig.consume(queue, 9, None);
    rig.bodies().iter().map(|body| body.parse().unwrap()).collect()
}

#[test]
fn one_old_message_does_not_keep_its_segment() {
    let mut rig = littered(2_000);
    rig.broker.request_checkpoint();
    let without = work(&mut rig).len();
    let before = rig.log.0.borrow().next;
    rig.broker.set_disk_short(true);
    let with = work(&mut rig);
    let emptied = rig.broker.counters().segments_emptied;
    assert!(emptied >= 10 && with.len() as u64 >= emptied, "{without} {with:?} {emptied}");
    let grown = rig.log.0.borrow().next - before;
    assert!(grown < with.len() as u64 * SEGMENT, "{grown} bytes more to free {} segments", with.len());
    let expected: Vec<u64> = (0..2_000).step_by(20).collect();
    assert_eq!(numbers(&mut rig, "kept"), expected);
    let mut after = Rig::over(rig.crashed_log(), false);
    let durable: Vec<u64> = (0..2_000).step_by(40).collect();
    assert_eq!(numbers(&mut after, "also kept"), durable, "the copies outlive a crash");
}

#[test]
fn a_crash_at_any_time_finds_everything_once() {
    let mut rig = littered(600);
    rig.broker.request_checkpoint();
    work(&mut rig);
    rig.broker.set_disk_short(true);
    let durable: Vec<u64> = (0..600).step_by(40).collect();
    for step in 0..40 {
        rig.turn();
        rig.log_requests();
        let mut after = Rig::over(rig.crashed_log(), false);
        assert_eq!(numbers(&mut after, "kept"), durable, "step {step}");
        assert_eq!(numbers(&mut after, "also kept"), durable, "step {step}");
    }
    assert!(rig.broker.counters().segments_emptied > 0);
}

#[test]
fn cold_chunks_move_with_their_lists() {
    let mut rig = Rig::with_segments(SEGMENT, 0);
    rig.queue("deep", &[("max_priority", Value::I64(3))]);
    rig.queue("busy", &[]);
    rig.consume("busy", 0, None);
    for round in 0..600 {
        rig.fill("busy", &[&format!("{round:0400}")]);
        let priority = u8::try_from(round % 4).unwrap();
        let meta = MessageMeta { is_durable: true, priority, ..MessageMeta::default() };
        let _ = rig.publish_with("", "deep", &round.to_string(), meta);
        let _ = rig.deliveries();
        rig.broker.settle(rig.session, DeliveryId(0), SettleRange::UpTo, Outcome::Accept).unwrap();
        rig.turn();
    }
    assert!(rig.broker.totals().resident_bytes < 600, "most of it is in the log only");
    rig.broker.request_checkpoint();
    work(&mut rig);
    rig.broker.set_disk_short(true);
    work(&mut rig);
    assert!(rig.broker.counters().segments_emptied > 0);
    let mut expected: Vec<u64> = (0..600).collect();
    expected.sort_by_key(|number| (std::cmp::Reverse(number % 4), *number));
    let mut after = Rig::over(rig.crashed_log(), false);
    assert_eq!(numbers(&mut after, "deep"), expected);
    assert_eq!(numbers(&mut rig, "deep"), expected);
}
