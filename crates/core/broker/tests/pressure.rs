//! Bodies of unsettled messages leave memory first (F16), and are there again when they are needed.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use support::Rig;
use ternmq_broker::{DeliveryId, Outcome, SettleRange};
use ternmq_message::{MessageMeta, Value};
use ternmq_routing::NodeKind;

const ROOM: u64 = 10_000;

/// 100 messages of 1,000 bytes at one consumer that settles nothing: every second one is transient.
fn held(arguments: &[(&str, Value)]) -> Rig {
    let mut rig = Rig::with_room(ROOM);
    rig.queue("q", arguments);
    rig.consume("q", 0, None);
    for number in 0..100 {
        let meta = MessageMeta { is_durable: number % 2 == 0, ..MessageMeta::default() };
        let _ = rig.publish_with("", "q", &format!("{number:01000}"), meta);
        rig.turn();
    }
    assert_eq!(rig.deliveries().len(), 100);
    rig
}

/// Arguments that send what is refused to the node `grave`.
fn to_grave() -> [(&'static str, Value); 1] {
    [("dead_node", Value::Str("grave".into()))]
}

/// Where it comes from there.
fn dig_grave(rig: &mut Rig) {
    rig.node("grave", NodeKind::Fanout);
    rig.queue("dead", &[]);
    rig.bind("dead", "grave", "");
}

fn numbers(rig: &mut Rig) -> Vec<u64> {
    rig.bodies().iter().map(|body| body.parse().unwrap()).collect()
}

#[test]
fn f16_unsettled_bodies_leave_memory_and_nothing_else_changes() {
    let mut rig = held(&[]);
    assert_eq!(rig.counts("q"), (0, 100));
    let resident_bytes = rig.broker.totals().resident_bytes;
    assert!(resident_bytes <= ROOM + 1_000, "{resident_bytes}");
    rig.broker.settle(rig.session, DeliveryId(40), SettleRange::UpTo, Outcome::Accept).unwrap();
    rig.turn();
    assert_eq!(rig.counts("q"), (0, 60));
    let mut after = Rig::over(rig.crashed_log(), false);
    after.consume("q", 0, None);
    assert_eq!(numbers(&mut after), (40..100).step_by(2).collect::<Vec<_>>(), "transient ones went");
}

#[test]
fn f16_what_is_given_back_without_a_body_is_delivered_whole_and_in_order() {
    let mut rig = held(&[]);
    rig.broker.requeue_all(rig.session);
    assert_eq!(numbers(&mut rig), (0..100).collect::<Vec<_>>());
    assert_eq!(rig.counts("q"), (0, 100));
}

#[test]
fn f16_what_dies_without_a_body_arrives_whole_at_its_dead_letter_route() {
    let route = [("dead_node", Value::Str("grave".into())), ("delivery_limit", Value::I64(0))];
    let mut rig = held(&route);
    dig_grave(&mut rig);
    let resident_bytes = rig.broker.totals().resident_bytes;
    assert!(resident_bytes <= ROOM + 1_000, "{resident_bytes}");
    for number in [7, 3] {
        let delivery = DeliveryId(number);
        rig.broker.settle(rig.session, delivery, SettleRange::One, Outcome::Discard).unwrap();
    }
    rig.broker.settle(rig.session, DeliveryId(5), SettleRange::One, Outcome::Requeue).unwrap();
    rig.turn();
    assert_eq!((rig.counts("q"), rig.counts("dead").0), ((0, 97), 3));
    rig.consume("dead", 1, None);
    let mut dead = numbers(&mut rig);
    dead.sort_unstable();
    assert_eq!(dead, [2, 4, 6]);
}

#[test]
fn f16_without_a_route_what_dies_is_not_read() {
    let mut rig = held(&[]);
    let died = rig.broker.counters().died;
    rig.broker.settle(rig.session, DeliveryId(50), SettleRange::UpTo, Outcome::Discard).unwrap();
    rig.broker.end_turn();
    assert!(rig.broker.poll_load().is_none());
    assert_eq!(rig.broker.counters().died, died + 50);
    rig.turn();
    assert_eq!(rig.counts("q"), (0, 50));
}

/// The first ten of 100 unsettled messages, whose bodies are in the log only, are refused.
fn refuse_ten(rig: &mut Rig) {
    rig.broker.settle(rig.session, DeliveryId(10), SettleRange::UpTo, Outcome::Discard).unwrap();
    assert_eq!(rig.counts("dead").0, 0, "they are read first");
}

#[test]
fn f16_what_is_on_its_way_arrives_although_its_queue_is_deleted() {
    let mut rig = held(&to_grave());
    dig_grave(&mut rig);
    refuse_ten(&mut rig);
    let _ = rig.broker.delete_queue(rig.session, "q", false, false).unwrap();
    rig.queue("q", &[]);
    let _ = rig.publish("", "q", "new");
    rig.turn();
    assert_eq!((rig.counts("q").0, rig.counts("dead").0), (1, 10), "the new queue is another one");
    rig.consume("dead", 1, None);
    assert_eq!(numbers(&mut rig), (0..10).collect::<Vec<_>>());
    // Nothing of it comes again after a restart.
    let mut after = Rig::over(rig.crashed_log(), false);
    assert_eq!((after.counts("q").0, after.counts("dead").0), (1, 5), "transient ones went");
}

#[test]
fn f16_what_is_on_its_way_arrives_after_a_restart_although_its_queue_was_deleted() {
    for has_checkpoint in [false, true] {
        let mut rig = held(&to_grave());
        dig_grave(&mut rig);
        refuse_ten(&mut rig);
        let _ = rig.broker.delete_queue(rig.session, "q", false, false).unwrap();
        rig.turn_unread();
        if has_checkpoint {
            rig.checkpoint_unread();
        }
        let mut after = Rig::over(rig.crashed_log(), false);
        after.turn();
        assert_eq!(after.counts("dead").0, 5, "{has_checkpoint}: durable ones");
        assert!(!after.broker.has_queue(after.session, "q"));
        after.consume("dead", 1, None);
        assert_eq!(numbers(&mut after), (0..10).step_by(2).collect::<Vec<_>>());
    }
}

#[test]
fn f16_a_queue_that_is_deleted_amid_a_checkpoint_still_sees_its_dead_off() {
    let mut rig = held(&to_grave());
    dig_grave(&mut rig);
    refuse_ten(&mut rig);
    rig.broker.request_checkpoint();
    // Its definitions are written, its snapshots are not.
    rig.broker.end_turn();
    let _ = rig.broker.delete_queue(rig.session, "q", false, false).unwrap();
    rig.turn_unread();
    rig.log_requests();
    let mut after = Rig::over(rig.crashed_log(), false);
    after.turn();
    assert_eq!(after.counts("dead").0, 5);
}

#[test]
fn f16_a_namespace_takes_what_was_on_its_way_along() {
    let mut rig = held(&to_grave());
    dig_grave(&mut rig);
    refuse_ten(&mut rig);
    let _ = rig.broker.delete_queue(rig.session, "q", false, false).unwrap();
    let _ = rig.broker.delete_namespace("main").unwrap();
    rig.turn();
    assert_eq!(rig.broker.totals().queues, 0);
}
