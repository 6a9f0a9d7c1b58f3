//! Settings that a dialect has for queues by their names, and the dead-letter queue that is made on use.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use support::{GRAVES, Rig};
use ternmq_broker::{DeliveryId, Outcome, SettleRange};
use ternmq_message::{MessageMeta, Value};

/// Has a consumer refuse the first message of a queue.
fn refuse(rig: &mut Rig, queue: &str) {
    rig.consume(queue, 0, Some(1));
    let delivery = rig.deliveries()[0].delivery;
    rig.broker.settle(rig.session, delivery, SettleRange::One, Outcome::Discard).unwrap();
    rig.turn();
}

fn graves(rig: &mut Rig) -> Option<u64> {
    rig.broker.has_queue(rig.session, GRAVES).then(|| rig.counts(GRAVES).0)
}

#[test]
fn i3_what_dies_is_kept_in_a_queue_that_is_made_then() {
    let mut rig = Rig::new();
    rig.queue("mortal", &[]);
    rig.fill("mortal", &["dead"]);
    assert_eq!(graves(&mut rig), None);
    refuse(&mut rig, "mortal");
    assert_eq!(graves(&mut rig), Some(1));
    let before = rig.log.0.borrow().all.len();
    let mut rig = Rig::over(rig.crashed_log(), false);
    assert_eq!((graves(&mut rig), rig.counts("mortal")), (Some(1), (0, 0)));
    // The setting belongs to the name and is there again, as is the queue.
    assert!(rig.log.0.borrow().all.len() <= before + 1);
    rig.fill("mortal", &["dead too"]);
    refuse(&mut rig, "mortal");
    rig.consume(GRAVES, 0, None);
    assert_eq!(rig.bodies(), ["dead", "dead too"]);
}

/// Whatever prefix of the log is left, the message is in one of the two queues.
#[test]
fn i3_no_crash_loses_a_message_between_its_queue_and_the_one_made_for_it() {
    let mut rig = Rig::new();
    rig.queue("mortal", &[]);
    rig.fill("mortal", &["dead"]);
    rig.turn();
    let first = rig.log.0.borrow().all.len();
    refuse(&mut rig, "mortal");
    let last = rig.log.0.borrow().all.len();
    assert!(last > first + 1, "a queue and a message");
    for count in first..=last {
        let log = rig.crashed_log();
        log.0.borrow_mut().all.truncate(count);
        let mut rig = Rig::over(log, false);
        let (old, new) = (rig.counts("mortal").0, graves(&mut rig).unwrap_or_default());
        assert_eq!(old + new, 1, "after {count} records");
    }
}

#[test]
fn what_need_not_be_kept_is_dropped() {
    let mut rig = Rig::new();
    rig.queue("mortal", &[]);
    let _ = rig.publish_with("", "mortal", "light", MessageMeta::default());
    refuse(&mut rig, "mortal");
    assert_eq!((graves(&mut rig), rig.counts("mortal")), (None, (0, 0)));
}

#[test]
fn what_a_limit_pushes_out_is_dropped() {
    let mut rig = Rig::new();
    rig.queue("mortal", &[("max_length", Value::I64(1))]);
    rig.fill("mortal", &["1", "2", "3"]);
    rig.turn();
    assert_eq!((graves(&mut rig), rig.counts("mortal")), (None, (1, 0)));
}

#[test]
fn other_queues_and_other_routes_make_none() {
    let mut rig = Rig::new();
    rig.queue("plain", &[]);
    rig.queue("routed", &[("dead_node", Value::str("")), ("dead_key", Value::str("nowhere"))]);
    for queue in ["plain", "routed"] {
        rig.fill(queue, &["dead"]);
        refuse(&mut rig, queue);
    }
    assert_eq!(graves(&mut rig), None);
    assert_eq!(rig.broker.queue_views(Some("main")).len(), 2);
}

#[test]
fn i11_at_the_limit_of_queues_none_is_made() {
    let mut rig = Rig::new();
    rig.queue("mortal", &[]);
    rig.fill("mortal", &["dead"]);
    let mut limits = rig.broker.limits().clone();
    limits.max_queues = 1;
    rig.broker.set_limits(limits);
    refuse(&mut rig, "mortal");
    assert_eq!((graves(&mut rig), rig.counts("mortal")), (None, (0, 0)));
}

#[test]
fn arguments_come_before_the_settings_of_a_name() {
    let mut rig = Rig::new();
    rig.queue("elsewhere", &[]);
    rig.queue("mortal", &[("dead_key", Value::str("elsewhere"))]);
    rig.fill("mortal", &["1"]);
    refuse(&mut rig, "mortal");
    assert_eq!(rig.counts("elsewhere").0, 1);
    let mut rig = Rig::over(rig.crashed_log(), false);
    assert_eq!((rig.counts("elsewhere").0, graves(&mut rig)), (1, None));
    assert!(rig.broker.settle(rig.session, DeliveryId(9), SettleRange::One, Outcome::Accept).is_err());
}
