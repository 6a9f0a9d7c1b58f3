//! What a crash leaves, and what comes back from it.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use support::Rig;
use ternmq_broker::{DeliveryId, LogRequest, Outcome, Published, SettleRange};
use ternmq_message::{MessageMeta, Value};
use ternmq_routing::NodeKind;

fn drain(rig: &mut Rig, queue: &str) -> Vec<(String, bool)> {
    rig.consume(queue, 77, None);
    let deliveries = rig.deliveries();
    let body = |d: &ternmq_broker::Deliver| String::from_utf8(d.message.body().to_vec()).unwrap();
    deliveries.iter().map(|d| (body(d), d.is_redelivered)).collect()
}

#[test]
fn i1_i3_messages_come_back_and_settled_ones_do_not() {
    let mut rig = Rig::new();
    rig.queue("q", &[]);
    rig.fill("q", &["a", "b", "c"]);
    let _ = rig.publish_with("", "q", "transient", MessageMeta::default());
    rig.consume("q", 0, None);
    rig.turn();
    rig.broker.settle(rig.session, DeliveryId(2), SettleRange::One, Outcome::Accept).unwrap();
    rig.turn();
    let mut rig = Rig::over(rig.crashed_log(), false);
    assert_eq!(drain(&mut rig, "q"), [("a".to_owned(), true), ("c".to_owned(), true)]);
}

#[test]
fn i10_definitions_come_back_and_deleted_ones_do_not() {
    let mut rig = Rig::new();
    rig.node("n", NodeKind::Topic);
    rig.queue("q", &[("max_length", Value::I64(7))]);
    rig.bind("q", "n", "a.#");
    rig.queue("gone", &[]);
    rig.fill("gone", &["old"]);
    let _ = rig.broker.delete_queue(rig.session, "gone", false, false).unwrap();
    rig.queue("gone", &[]);
    rig.turn();
    let mut rig = Rig::over(rig.crashed_log(), true);
    assert_eq!(rig.broker.queue_view("main", "q").unwrap().effective.settings.max_length, Some(7));
    assert_eq!(rig.broker.binding_views("main").len(), 1);
    assert_eq!(rig.counts("gone"), (0, 0), "a new queue never sees old entries");
    assert!(matches!(rig.publish("n", "a.b", "x"), Published::Accepted(_)));
    assert_eq!(rig.counts("q").0, 1);
}

#[test]
fn i6_a_transaction_cut_in_the_middle_is_absent() {
    let mut rig = Rig::new();
    rig.queue("q", &[]);
    rig.turn();
    rig.broker.tx_select(rig.session).unwrap();
    for body in ["a", "b", "c"] {
        let _ = rig.publish("", "q", body);
    }
    let before = rig.log.0.borrow().next;
    let _ = rig.broker.tx_commit(rig.session).unwrap();
    let ends: Vec<u64> = rig.log.0.borrow().all.iter().map(|r| r.0 + 40 + r.3.len() as u64).collect();
    let last = *ends.last().unwrap();
    for cut in ends.into_iter().filter(|end| *end > before) {
        rig.log.0.borrow_mut().durable = cut;
        let mut after = Rig::over(rig.crashed_log(), false);
        let expect = if cut == last { 3 } else { 0 };
        assert_eq!(after.counts("q").0, expect, "cut at {cut}");
    }
}

#[test]
fn a_checkpoint_makes_the_same_state_and_frees_segments() {
    let mut rig = Rig::new();
    rig.queue("q", &[]);
    rig.queue("busy", &[]);
    for round in 0..200 {
        rig.fill("busy", &[&format!("{round:0100}")]);
    }
    rig.fill("q", &["a", "b", "c"]);
    rig.consume("busy", 0, None);
    rig.turn();
    rig.broker.settle(rig.session, DeliveryId(0), SettleRange::UpTo, Outcome::Accept).unwrap();
    rig.broker.request_checkpoint();
    rig.turn();
    let requests = rig.log_requests();
    assert!(matches!(requests[0], LogRequest::PublishCheckpoint { .. }));
    assert!(requests.iter().any(|r| matches!(r, LogRequest::Release { segments } if segments.len() > 3)));
    rig.fill("q", &["d"]);
    rig.turn();
    let mut log = rig.crashed_log();
    // Records before the checkpoint are read only as bodies, not replayed.
    let start = log.0.borrow().all.iter().find(|r| r.1 == 6).map(|r| r.0).unwrap();
    let mut replayed = log.0.borrow_mut();
    let old: Vec<_> = replayed.all.iter().filter(|r| r.0 < start).cloned().collect();
    replayed.all.retain(|r| r.0 >= start);
    drop(replayed);
    let fresh = Rig::over(log.clone(), true);
    log = fresh.log.clone();
    log.0.borrow_mut().all.extend(old);
    let mut rig = fresh;
    let bodies: Vec<_> = drain(&mut rig, "q").into_iter().map(|(body, _)| body).collect();
    assert_eq!(bodies, ["a", "b", "c", "d"]);
    assert_eq!(rig.counts("busy"), (0, 0));
}

#[test]
fn a_long_backlog_leaves_memory_and_comes_back_in_order() {
    let mut rig = Rig::new();
    rig.queue("q", &[]);
    let body = "x".repeat(100);
    for number in 0..20_000 {
        let meta = MessageMeta { is_durable: number % 2 == 0, ..MessageMeta::default() };
        let _ = rig.publish_with("", "q", &format!("{number} {body}"), meta);
        if number % 1_000 == 0 {
            rig.turn();
        }
    }
    rig.turn();
    let view = rig.broker.queue_view("main", "q").unwrap();
    assert_eq!(view.ready_count, 20_000);
    assert!(view.resident_bytes < 1 << 20, "{} bytes in memory", view.resident_bytes);
    let crashed = rig.crashed_log();
    rig.consume("q", 0, None);
    let mut next = 0;
    while next < 20_000 {
        let bodies = rig.bodies();
        assert!(!bodies.is_empty(), "stuck at {next}");
        for got in bodies {
            assert_eq!(got.split(' ').next(), Some(next.to_string().as_str()));
            next += 1;
        }
    }
    let mut rig = Rig::over(crashed, false);
    rig.consume("q", 0, None);
    let mut seen = Vec::new();
    loop {
        let bodies = rig.bodies();
        if bodies.is_empty() {
            break;
        }
        seen.extend(bodies.into_iter().map(|b| b.split(' ').next().unwrap().parse::<u64>().unwrap()));
    }
    let expect: Vec<u64> = (0..20_000).filter(|number| number % 2 == 0).collect();
    assert_eq!(seen, expect, "the durable ones, in order");
}

#[test]
fn a_dead_letter_is_in_one_place_after_any_crash() {
    let mut rig = Rig::new();
    rig.queue("dead", &[]);
    rig.queue("q", &[("dead_node", Value::str("")), ("dead_key", Value::str("dead"))]);
    rig.fill("q", &["a"]);
    rig.consume("q", 0, None);
    rig.turn();
    let before = rig.log.0.borrow().next;
    rig.broker.settle(rig.session, DeliveryId(1), SettleRange::One, Outcome::Discard).unwrap();
    rig.broker.end_turn();
    let ends: Vec<u64> = rig.log.0.borrow().all.iter().map(|r| r.0 + 40 + r.3.len() as u64).collect();
    for cut in ends.into_iter().filter(|end| *end >= before) {
        rig.log.0.borrow_mut().durable = cut;
        let mut after = Rig::over(rig.crashed_log(), false);
        let places = after.counts("q").0 + after.counts("dead").0;
        assert_eq!(places, 1, "cut at {cut}");
    }
}

/// A message that expired twice on its way to "grave", and was handed out there; a crash takes back all of that.
fn taken_back() -> Rig {
    let mut rig = Rig::new();
    rig.queue("grave", &[]);
    let to = |key| [("ttl", Value::I64(10)), ("dead_node", Value::str("")), ("dead_key", Value::str(key))];
    rig.queue("between", &to("grave"));
    rig.queue("q", &to("between"));
    rig.fill("q", &["a"]);
    rig.turn();
    let durable = rig.log.0.borrow().durable;
    rig.advance(20);
    rig.advance(20);
    assert_eq!(drain(&mut rig, "grave"), [("a".to_owned(), false)]);
    rig.log.0.borrow_mut().durable = durable;
    let mut after = Rig::over(rig.crashed_log(), false);
    assert_eq!((after.counts("q").0, after.counts("grave").0), (1, 0));
    after.advance(20);
    after.advance(20);
    assert_eq!(after.counts("grave").0, 1);
    after
}

#[test]
fn i4_a_dead_letter_whose_move_a_crash_took_back_is_flagged() {
    let mut rig = taken_back();
    assert_eq!(drain(&mut rig, "grave"), [("a".to_owned(), true)]);
}

#[test]
fn i4_the_flag_of_such_a_dead_letter_outlives_a_clean_stop() {
    for has_checkpoint in [false, true] {
        let mut rig = taken_back();
        if has_checkpoint {
            rig.checkpoint_unread();
        }
        let mut after = Rig::over(rig.crashed_log(), true);
        assert_eq!(drain(&mut after, "grave"), [("a".to_owned(), true)], "{has_checkpoint}");
    }
}
