//! What later dialects stand on: topics with durable and shared subscriptions, selectors, message groups.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::sync::Arc;

use support::{Rig, StartsWith};
use ternmq_broker::{ConsumeSpec, DeliveryId, Outcome, SettleRange};
use ternmq_message::{MessageMeta, Value};

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

/// A consumer of one message at a time, of those with this beginning.
fn consume_filtered(rig: &mut Rig, queue: &str, start: &str) {
    let spec = ConsumeSpec {
        queue,
        label: 1,
        window: Some(1),
        needs_settle: true,
        is_exclusive: false,
        priority: 0,
        is_preferred: false,
    };
    let filter = Arc::new(StartsWith(start.into()));
    let consumer = rig.broker.consume_filtered(rig.session, &spec, Some(filter)).unwrap();
    rig.broker.start_consumer(consumer);
}

/// The log keeps what is needed of it, and nothing else: what it has let go is not there to be read.
#[test]
fn a_selector_finds_what_has_left_memory_and_the_rest_comes_back_in_order() {
    const ALL: u64 = 12_000;
    let is_wanted = |number: u64| number % 2_501 == 2_500;
    let mut rig = Rig::with_segments(64 << 10, u64::MAX);
    rig.queue("q", &[]);
    for number in 0..ALL {
        let meta = MessageMeta { is_durable: number % 3 > 0, ..MessageMeta::default() };
        let _ = rig.publish_with(
            "",
            "q",
            &format!("{}{number}", if is_wanted(number) { "a" } else { "b" }),
            meta,
        );
        if number % 1_000 == 0 {
            rig.turn();
        }
    }
    consume_filtered(&mut rig, "q", "a");
    for (index, number) in (0..ALL).filter(|number| is_wanted(*number)).enumerate() {
        assert_eq!(rig.bodies(), [format!("a{number}")]);
        rig.broker
            .settle(rig.session, DeliveryId(index as u64 + 1), SettleRange::One, Outcome::Accept)
            .unwrap();
        // A checkpoint lets go of what nothing points to any more.
        rig.broker.request_checkpoint();
        rig.turn();
        rig.log_requests();
    }
    assert_eq!(rig.bodies(), Vec::<String>::new());
    let view = rig.broker.queue_view("main", "q").unwrap();
    assert!(view.resident_bytes < 200_000, "{} bytes in memory", view.resident_bytes);
    let rest = |rig: &mut Rig| {
        rig.consume("q", 2, None);
        let all = std::iter::from_fn(|| Some(rig.bodies()).filter(|bodies| !bodies.is_empty()));
        all.flatten().map(|body| body[1..].parse::<u64>().unwrap()).collect::<Vec<_>>()
    };
    let mut recovered = Rig::over(rig.crashed_log(), false);
    let durable = (0..ALL).filter(|number| number % 3 > 0 && !is_wanted(*number));
    assert_eq!(rest(&mut recovered), durable.collect::<Vec<_>>());
    let ready = (0..ALL).filter(|number| !is_wanted(*number));
    assert_eq!(rest(&mut rig), ready.collect::<Vec<_>>());
}

#[test]
fn a_consumer_with_a_selector_takes_only_what_passes() {
    let mut rig = Rig::new();
    rig.queue("q", &[]);
    rig.fill("q", &["b1", "a1", "b2", "a2"]);
    consume_filtered(&mut rig, "q", "a");
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
