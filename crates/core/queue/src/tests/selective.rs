//! Filters, groups, and the topics of later dialects: a subscription is a queue.

use std::sync::Arc;

use ternmq_message::Message;

use super::rig::{Rig, consumer, message};
use crate::{Blame, Budget, ConsumerSpec, Filter, Grouping, QueueSettings};

fn starts_with(letter: u8) -> Option<Arc<dyn Filter>> {
    Some(Arc::new(move |message: &Message| message.body().first() == Some(&letter)))
}

#[test]
fn filters_skip_and_keep_the_order_of_the_rest() {
    let mut rig = Rig::new(QueueSettings::default());
    rig.queue.add_consumer(ConsumerSpec { filter: starts_with(b'x'), ..consumer(1) }).unwrap();
    rig.publish(&["y1", "x1", "z1", "x2"]);
    assert_eq!(rig.delivered(), "1:x1 1:x2");
    rig.queue.add_consumer(ConsumerSpec { filter: starts_with(b'y'), ..consumer(2) }).unwrap();
    rig.publish(&["y2"]);
    assert_eq!(rig.delivered(), "2:y1 2:y2");
    rig.queue.add_consumer(consumer(3)).unwrap();
    rig.run();
    assert_eq!((&*rig.delivered(), rig.queue.ready_count()), ("3:z1", 0));
}

#[test]
fn what_comes_back_is_looked_at_again() {
    let mut rig = Rig::new(QueueSettings::default());
    rig.queue.add_consumer(ConsumerSpec { filter: starts_with(b'x'), ..consumer(1) }).unwrap();
    rig.publish(&["y", "x", "x"]);
    let held = rig.take_deliveries();
    rig.queue.give_back(held[0].slot.unwrap(), held[0].seq, Blame::Consumer, rig.now_ms, &mut rig.outbox);
    rig.run();
    assert_eq!(rig.delivered(), "1:x!");
}

#[test]
fn a_filter_looks_into_the_backlog_as_far_as_four_budgets() {
    let mut rig = Rig::new(QueueSettings::default());
    rig.queue.set_budget(Budget { entries: 100, bytes: 1 << 20 }, &mut rig.outbox);
    for index in 0..2_000 {
        let body: &[u8] = if index == 350 || index == 1_500 { b"x" } else { b"y" };
        rig.enqueue(message(0, None, body), true);
    }
    rig.queue.add_consumer(ConsumerSpec { filter: starts_with(b'x'), ..consumer(1) }).unwrap();
    rig.run();
    assert_eq!(rig.delivered(), "1:x");
    assert!(rig.queue.resident_bytes() <= 700, "{}", rig.queue.resident_bytes());
    while rig.fetch().is_some() {}
    rig.run();
    assert_eq!(rig.queue.ready_count(), 0);
}

#[test]
fn a_group_stays_with_its_consumer_until_that_leaves() {
    let mut rig = Rig::new(QueueSettings::default());
    let key =
        Arc::new(|message: &Message| message.body().first().filter(|b| **b != b'-').map(|b| u64::from(*b)));
    rig.queue.set_grouping(Some(Grouping { key }));
    rig.queue.add_consumer(consumer(1)).unwrap();
    rig.queue.add_consumer(ConsumerSpec { window: Some(2), ..consumer(2) }).unwrap();
    rig.publish(&["a1", "b1", "a2", "b2", "-", "b3", "a3"]);
    assert_eq!(rig.delivered(), "1:a1 2:b1 1:a2 2:b2 1:- 1:a3", "b3 waits for consumer 2");
    rig.queue.remove_consumer(2);
    rig.run();
    assert_eq!(rig.delivered(), "1:b3");
}

#[test]
fn a_durable_subscription_is_a_queue_that_wants_only_some() {
    let mut rig = Rig::new(QueueSettings::default());
    assert!(rig.queue.wants(&message(0, None, b"anything"), 0));
    rig.queue.set_admission(starts_with(b'x'));
    for body in [b"x1", b"y1", b"x2"] {
        let message = message(0, None, body);
        if rig.queue.wants(&message, 0) {
            rig.enqueue(message, true);
        }
    }
    rig.queue.add_consumer(consumer(1)).unwrap();
    rig.run();
    assert_eq!(rig.delivered(), "1:x1 1:x2");
}

#[test]
fn a_shared_subscription_is_a_queue_with_two_consumers() {
    let mut rig = Rig::new(QueueSettings::default());
    rig.queue.add_consumer(consumer(1)).unwrap();
    rig.queue.add_consumer(consumer(2)).unwrap();
    rig.publish(&["a", "b", "c"]);
    assert_eq!(rig.delivered(), "1:a 2:b 1:c");
}
