//! Consumers that are too slow: who is, who is not, and what ends with them.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use support::Rig;
use ternmq_broker::{
    AddressQueue, ConsumeSpec, DeliveryId, Effect, EndReason, Incident, Outcome, QueueSpec, SettleRange,
    Source, SourceQueue,
};

const BODIES: [&str; 5] = ["a", "b", "c", "d", "e"];

/// Labels of the consumers that were ended for their slowness since the last look.
fn ended(rig: &mut Rig) -> Vec<u32> {
    let label = |effect| match effect {
        Effect::ConsumerEnded { consumer_label, reason: EndReason::TooSlow, .. } => Some(consumer_label),
        Effect::ConsumerEnded { .. } | Effect::Close { .. } => panic!("{effect:?}"),
        _ => None,
    };
    std::mem::take(&mut rig.effects).into_iter().filter_map(|(_, effect)| label(effect)).collect()
}

/// Whether one was ended each time that a second has passed.
fn after_seconds(rig: &mut Rig, seconds: usize) -> Vec<bool> {
    let pass = |rig: &mut Rig| {
        rig.advance(1_000);
        !ended(rig).is_empty()
    };
    (0..seconds).map(|_| pass(rig)).collect()
}

fn accept(rig: &mut Rig, delivery: u64) {
    rig.broker.settle(rig.session, DeliveryId(delivery), SettleRange::One, Outcome::Accept).unwrap();
}

#[test]
fn one_that_is_stuck_ends_and_what_it_had_goes_to_others() {
    let mut rig = Rig::new();
    rig.queue("slow.stuck", &[]);
    rig.consume("slow.stuck", 1, Some(2));
    rig.fill("slow.stuck", &BODIES);
    assert_eq!(rig.bodies(), ["a", "b"]);
    // The first look finds out how it stands, two more find it slow.
    assert_eq!(after_seconds(&mut rig, 2), [false, false]);
    rig.consume("slow.stuck", 2, Some(9));
    assert_eq!(rig.bodies(), ["c", "d", "e"]);
    // Nothing waits for it any more.
    assert_eq!(after_seconds(&mut rig, 3), [false; 3]);
    rig.fill("slow.stuck", &["f", "g", "h", "i", "j", "k", "l"]);
    assert_eq!(rig.bodies(), ["f", "g", "h", "i", "j", "k"]);
    let mut gone = Vec::new();
    for delivery in [3, 4] {
        // The other one settles.
        accept(&mut rig, delivery);
        rig.fill("slow.stuck", &["m"]);
        rig.advance(1_000);
        rig.effects.retain(|(_, effect)| !matches!(effect, Effect::Deliver(_)));
        gone.extend(ended(&mut rig));
    }
    assert_eq!(gone, [1]);
    let told = rig.broker.take_incidents();
    let is_it = |queue: &str| queue == "slow.stuck";
    assert!(
        matches!(&told[..], [Incident::TooSlow { queue, is_connection: false, .. }] if is_it(queue)),
        "{told:?}"
    );
    accept(&mut rig, 5);
    accept(&mut rig, 6);
    assert_eq!(rig.bodies(), ["a", "b"], "in their old places");
    let late = rig.broker.settle(rig.session, DeliveryId(1), SettleRange::One, Outcome::Accept);
    assert!(late.is_err(), "it has it no longer");
}

#[test]
fn one_that_settles_is_not_stuck() {
    let mut rig = Rig::new();
    rig.queue("slow.stuck", &[]);
    rig.consume("slow.stuck", 1, Some(2));
    rig.fill("slow.stuck", &BODIES);
    for delivery in 1..=3 {
        rig.advance(1_000);
        accept(&mut rig, delivery);
    }
    assert_eq!(ended(&mut rig), []);
    // Something waits no longer.
    assert_eq!(after_seconds(&mut rig, 3), [false; 3]);
    // A consumer without rule, and one that settles nothing anyway.
    rig.queue("other", &[]);
    rig.consume("other", 3, Some(1));
    rig.fill("other", &BODIES);
    rig.queue("slow.watched", &[]);
    rig.consume("slow.watched", 4, Some(1));
    rig.fill("slow.watched", &BODIES);
    assert_eq!(after_seconds(&mut rig, 5), [false; 5]);
}

#[test]
fn one_that_is_behind_ends_although_it_settles() {
    let mut rig = Rig::new();
    rig.queue("slow.behind", &[]);
    rig.consume("slow.behind", 1, Some(2));
    rig.fill("slow.behind", &BODIES[..4]);
    assert_eq!(after_seconds(&mut rig, 3), [false; 3], "no more waits than its window has");
    rig.fill("slow.behind", &BODIES);
    rig.advance(1_000);
    accept(&mut rig, 1);
    assert_eq!(ended(&mut rig), []);
    rig.advance(1_000);
    assert_eq!(ended(&mut rig), [1]);
    assert_eq!(rig.counts("slow.behind"), (8, 0));
}

#[test]
fn one_that_is_silent_ends_once_its_time_is_over() {
    let mut rig = Rig::new();
    rig.queue("slow.silent", &[]);
    rig.consume("slow.silent", 1, None);
    // One that has nothing is not silent.
    assert_eq!(after_seconds(&mut rig, 5), [false; 5]);
    rig.fill("slow.silent", &["a", "b"]);
    assert_eq!(after_seconds(&mut rig, 3), [false; 3]);
    accept(&mut rig, 1);
    assert_eq!(after_seconds(&mut rig, 3), [false; 3], "slow at the last of these");
    accept(&mut rig, 2);
    assert_eq!(after_seconds(&mut rig, 5), [false; 5]);
    rig.fill("slow.silent", &["c"]);
    assert_eq!(after_seconds(&mut rig, 4), [false, false, false, true]);
    assert_eq!(rig.counts("slow.silent"), (1, 0));
}

#[test]
fn one_that_has_nothing_may_be_silent_too() {
    let mut rig = Rig::new();
    rig.queue("slow.strict", &[]);
    rig.consume("slow.strict", 1, None);
    assert_eq!(after_seconds(&mut rig, 3), [false; 3]);
    rig.fill("slow.strict", &["a"]);
    accept(&mut rig, 1);
    assert_eq!(after_seconds(&mut rig, 4), [false, false, false, true]);
}

#[test]
fn its_connection_may_go_too() {
    let mut rig = Rig::new();
    rig.queue("slow.closed", &[]);
    rig.consume("slow.closed", 1, Some(1));
    rig.fill("slow.closed", &BODIES);
    for _ in 0..3 {
        rig.advance(1_000);
    }
    let is_closed = |(_, effect): &_| matches!(effect, Effect::Close { .. });
    assert_eq!(rig.effects.iter().filter(|effect| is_closed(effect)).count(), 1);
    assert!(!rig.effects.iter().any(|(_, effect)| matches!(effect, Effect::ConsumerEnded { .. })));
    let told = rig.broker.take_incidents();
    assert!(matches!(&told[..], [Incident::TooSlow { is_connection: true, .. }]), "{told:?}");
}

#[test]
fn a_consumer_of_several_queues_ends_as_a_whole() {
    let mut rig = Rig::new();
    let queue = |name: &str| {
        let spec = QueueSpec { name: name.into(), is_durable: true, ..QueueSpec::default() };
        let queue = SourceQueue::Shared(AddressQueue::OnUse(spec));
        Source { queue, binding: None, is_subscription: false }
    };
    let spec = ConsumeSpec {
        queue: "",
        label: 5,
        window: Some(2),
        needs_settle: true,
        is_exclusive: false,
        priority: 0,
        is_preferred: false,
    };
    let sources = [queue("other"), queue("slow.stuck")];
    let done = rig.broker.consume_several(rig.session, &sources, &spec, None).unwrap();
    rig.broker.start_consumer(done.value);
    rig.fill("other", &["x"]);
    rig.fill("slow.stuck", &["a", "b", "c"]);
    rig.turn();
    assert_eq!((rig.counts("other"), rig.counts("slow.stuck")), ((0, 1), (2, 1)));
    rig.advance(1_000);
    rig.advance(1_000);
    // What it settles elsewhere is a sign of life too.
    accept(&mut rig, 1);
    assert_eq!((rig.counts("other"), rig.counts("slow.stuck")), ((0, 0), (1, 2)));
    rig.fill("other", &["y"]);
    assert_eq!(after_seconds(&mut rig, 3), [false, false, true]);
    assert_eq!((rig.counts("other"), rig.counts("slow.stuck")), ((1, 0), (3, 0)));
}
