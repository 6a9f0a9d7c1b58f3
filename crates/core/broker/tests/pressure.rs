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
    rig.node("grave", NodeKind::Fanout);
    rig.queue("dead", &[]);
    rig.bind("dead", "grave", "");
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
