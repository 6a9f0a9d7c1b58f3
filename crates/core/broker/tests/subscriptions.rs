//! What later dialects stand on: topics with durable and shared subscriptions, selectors, message groups.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::sync::Arc;

use support::{Rig, StartsWith};
use ternmq_broker::{ConsumeSpec, DeliveryId, Outcome, SettleRange};
use ternmq_message::Value;

#[test]
fn a_durable_subscription_collects_what_passes_while_nobody_listens_and_over_a_restart() {
    let mut rig = Rig::new();
    rig.queue("subscription", &[("starts_with", Value::str("a"))]);
    rig.bind("subscription", "sys.topic", "news.#");
    for body in ["a1", "b1", "a2"] {
        let _ = rig.publish("sys.topic", "news.today", body);
    }
    rig.turn();
    let mut rig = Rig::over(rig.crashed_log(), true);
    let _ = rig.publish("sys.topic", "news.today", "b2");
    let _ = rig.publish("sys.topic", "news.today", "a3");
    rig.consume("subscription", 0, None);
    let mut bodies = rig.bodies();
    bodies.extend(rig.bodies());
    assert_eq!(bodies, ["a1", "a2", "a3"]);
}

#[test]
fn a_shared_subscription_spreads_messages_over_its_members() {
    let mut rig = Rig::new();
    rig.queue("shared", &[]);
    rig.bind("shared", "sys.topic", "t");
    for label in [1, 2] {
        rig.consume("shared", label, None);
    }
    for body in ["a", "b", "c", "d"] {
        let _ = rig.publish("sys.topic", "t", body);
    }
    let mut counts = [0; 3];
    for delivery in rig.deliveries() {
        counts[delivery.consumer_label as usize] += 1;
    }
    assert_eq!(counts, [0, 2, 2]);
}

#[test]
fn a_consumer_with_a_selector_takes_only_what_passes() {
    let mut rig = Rig::new();
    rig.queue("q", &[]);
    rig.fill("q", &["b1", "a1", "b2", "a2"]);
    let spec = ConsumeSpec {
        queue: "q",
        label: 1,
        window: Some(1),
        needs_settle: true,
        is_exclusive: false,
        priority: 0,
        is_preferred: false,
    };
    let filter = Arc::new(StartsWith("a".into()));
    let consumer = rig.broker.consume_filtered(rig.session, &spec, Some(filter)).unwrap();
    rig.broker.start_consumer(consumer);
    assert_eq!(rig.bodies(), ["a1"]);
    rig.broker.settle(rig.session, DeliveryId(1), SettleRange::One, Outcome::Accept).unwrap();
    assert_eq!(rig.bodies(), ["a2"]);
    assert_eq!(rig.counts("q"), (2, 1), "the others stay, in order");
    rig.consume("q", 2, None);
    assert_eq!(rig.bodies(), ["b1", "b2"]);
}

#[test]
fn a_group_stays_with_one_consumer() {
    let mut rig = Rig::new();
    rig.queue("q", &[("grouped", Value::Bool(true))]);
    for label in [1, 2] {
        rig.consume("q", label, None);
    }
    rig.fill("q", &["a1", "b1", "a2", "b2", "a3"]);
    let mut owner = std::collections::BTreeMap::new();
    for delivery in rig.deliveries() {
        let group = delivery.message.body()[0];
        let first = *owner.entry(group).or_insert(delivery.consumer_label);
        assert_eq!(first, delivery.consumer_label, "group {group}");
    }
    assert_eq!(owner.len(), 2);
}
