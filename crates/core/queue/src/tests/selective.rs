//! Filters, groups, and the topics of later dialects: a subscription is a queue.

use std::{
    cell::OnceCell,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use ternmq_message::Message;

use super::rig::{Rig, consumer, message};
use crate::{Blame, Budget, ConsumerSpec, Filter, QueueSettings};

fn starts_with(letter: u8) -> Option<Arc<dyn Filter>> {
    Some(Arc::new(move |message: &Message| message.body().first() == Some(&letter)))
}

#[test]
fn filters_skip_and_keep_the_order_of_the_rest() {
    let mut rig = Rig::new(QueueSettings::default());
    rig.queue.add_consumer(ConsumerSpec { filter: starts_with(b'x'), ..consumer(1) }).unwrap();
    rig.publish(&["y1", "x1", "z1", "x2"]);
    assert_eq!(rig.delivered(), "1:x1 1:x2");
    assert!(!rig.queue.has_more_for(1));
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
    assert!(rig.queue.has_more_for(1));
    rig.run();
    assert!(!rig.queue.has_more_for(1));
    assert_eq!(rig.delivered(), "1:x!");
}

/// A filter that counts how often it is asked.
fn counting(letter: u8) -> (Option<Arc<dyn Filter>>, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = count.clone();
    let filter = move |message: &Message| {
        counter.fetch_add(1, Ordering::Relaxed);
        message.body().first() == Some(&letter)
    };
    (Some(Arc::new(filter)), count)
}

#[test]
fn a_filter_looks_at_the_whole_backlog_and_little_of_it_stays_in_memory() {
    let mut rig = Rig::new(QueueSettings::default());
    rig.queue.set_budget(Budget { entries: 100, bytes: 1 << 20 }, &mut rig.outbox);
    for index in 0..2_000 {
        let body: &[u8] = if index == 350 || index == 1_500 { b"x" } else { b"y" };
        rig.enqueue(message(0, None, body), true);
    }
    rig.queue.add_consumer(ConsumerSpec { filter: starts_with(b'x'), ..consumer(1) }).unwrap();
    assert!(rig.queue.has_more_for(1));
    rig.run();
    assert_eq!(rig.delivered(), "1:x 1:x");
    assert!(!rig.queue.has_more_for(1));
    assert!(rig.queue.resident_bytes() <= 700, "{}", rig.queue.resident_bytes());
    while rig.fetch().is_some() {}
    rig.run();
    assert_eq!(rig.queue.ready_count(), 0);
}

/// A message is looked at once by each consumer, however long the backlog is and whatever comes and goes behind it.
#[test]
fn b8_a_backlog_that_nobody_wants_is_looked_at_once() {
    const BACKLOG: usize = 100_000;
    const MORE: usize = 1_000;
    let mut rig = Rig::new(QueueSettings::default());
    for _ in 0..BACKLOG {
        rig.enqueue(message(0, None, b"y"), true);
    }
    let (filter, count) = counting(b'x');
    rig.queue.add_consumer(ConsumerSpec { filter, window: Some(1), ..consumer(1) }).unwrap();
    rig.run();
    assert_eq!(count.load(Ordering::Relaxed), BACKLOG);
    let resident = rig.queue.resident_bytes();
    assert!(resident < 20_000, "{resident}");
    for index in 0..MORE {
        let body: &[u8] = if index % 2 == 0 { b"x" } else { b"z" };
        rig.enqueue(message(0, None, body), true);
        rig.run();
        let mut held = rig.take_deliveries();
        assert_eq!(held.len(), 1 - index % 2);
        if index % 20 == 0 {
            let given_back = held.remove(0);
            let (slot, now_ms) = (given_back.slot.unwrap(), rig.now_ms);
            rig.queue.give_back(slot, given_back.seq, Blame::Broker, now_ms, &mut rig.outbox);
            rig.run();
            held = rig.take_deliveries();
            assert!(held[0].is_redelivered);
        }
        for delivery in held {
            assert!(rig.queue.accept(delivery.slot.unwrap(), delivery.seq, &mut rig.outbox));
        }
    }
    assert_eq!(rig.queue.unsettled_count(), 0);
    assert_eq!(rig.queue.ready_count(), (BACKLOG + MORE / 2) as u64);
    // One that is found in a chunk is asked about once more when it is handed out.
    let expected = BACKLOG + MORE + MORE / 20;
    let asked = count.load(Ordering::Relaxed);
    assert!((expected..=expected + MORE / 64).contains(&asked), "{asked}");
}

/// One that has come far goes on while another one has the whole backlog before it.
#[test]
fn a_consumer_does_not_wait_for_what_another_one_looks_for() {
    let mut rig = Rig::new(QueueSettings::default());
    rig.queue.set_budget(Budget { entries: 10, bytes: 1 << 20 }, &mut rig.outbox);
    rig.queue.add_consumer(ConsumerSpec { filter: starts_with(b'x'), ..consumer(1) }).unwrap();
    for _ in 0..500 {
        rig.publish(&["y"]);
    }
    rig.queue.add_consumer(ConsumerSpec { filter: starts_with(b'z'), ..consumer(2) }).unwrap();
    rig.queue.run(rig.now_ms, &mut rig.windows, &mut rig.outbox);
    assert_eq!(rig.outbox.loads.len(), 1, "the second one waits for the log");
    rig.enqueue(message(0, None, b"x"), true);
    rig.enqueue(message(0, None, b"z"), true);
    rig.queue.run(rig.now_ms, &mut rig.windows, &mut rig.outbox);
    assert_eq!(rig.delivered(), "1:x");
    rig.answer();
    assert_eq!(rig.delivered(), "2:z");
}

/// What one without credit would like stays in the log while another one looks through the backlog.
#[test]
fn i11_a_filter_without_credit_fills_no_memory() {
    let mut rig = Rig::new(QueueSettings::default());
    rig.queue.set_budget(Budget { entries: 10, bytes: 1 << 20 }, &mut rig.outbox);
    for index in 0..3_000 {
        rig.enqueue(message(0, None, if index == 2_900 { b"x" } else { b"y" }), true);
    }
    rig.queue
        .add_consumer(ConsumerSpec { filter: starts_with(b'y'), window: Some(1), ..consumer(1) })
        .unwrap();
    rig.queue.add_consumer(ConsumerSpec { filter: starts_with(b'x'), ..consumer(2) }).unwrap();
    rig.run();
    assert_eq!(rig.delivered(), "1:y 2:x");
    assert!(rig.queue.resident_bytes() < 300, "{}", rig.queue.resident_bytes());
}

/// What was taken from between others is not in the chunk that these go into, and comes back in its place.
#[test]
fn i3_what_was_taken_from_a_backlog_is_in_no_chunk_of_it() {
    let mut rig = Rig::new(QueueSettings::default());
    rig.queue.set_budget(Budget { entries: 10, bytes: 1 << 20 }, &mut rig.outbox);
    rig.queue.add_consumer(ConsumerSpec { filter: starts_with(b'x'), ..consumer(1) }).unwrap();
    for index in 0..300 {
        rig.publish(&[if index == 150 { "x" } else { "y" }]);
    }
    let held = rig.take_deliveries();
    assert_eq!(held.len(), 1);
    let (snapshot, first) = (rig.queue.snapshot(), held[0].seq);
    assert!(
        snapshot.chunks.iter().all(|chunk| first < chunk.chunk.first_seq || chunk.chunk.last_seq < first)
    );
    rig.queue.remove_consumer(1);
    rig.queue.give_back(held[0].slot.unwrap(), first, Blame::Broker, rig.now_ms, &mut rig.outbox);
    assert_eq!(rig.fetch_all(), (1..=300).collect::<Vec<_>>());
}

/// While order alone decided, what came back was noted for nobody; it is found when a filter comes.
#[test]
fn what_came_back_before_a_filter_came_is_found_by_those_without_one() {
    let mut rig = Rig::new(QueueSettings::default());
    rig.queue.add_consumer(ConsumerSpec { window: Some(1), ..consumer(1) }).unwrap();
    rig.queue.add_consumer(ConsumerSpec { filter: starts_with(b'x'), ..consumer(2) }).unwrap();
    rig.publish(&["a", "x", "b"]);
    let held = rig.take_deliveries();
    let (slot, seq) = (held[0].slot.unwrap(), held[0].seq);
    rig.queue.remove_consumer(2);
    rig.queue.set_consumer_window(1, crate::Window::Sliding(0));
    rig.queue.give_back(slot, seq, Blame::Broker, rig.now_ms, &mut rig.outbox);
    rig.queue.add_consumer(ConsumerSpec { filter: starts_with(b'y'), ..consumer(3) }).unwrap();
    rig.queue.set_consumer_window(1, crate::Window::Sliding(9));
    rig.run();
    assert_eq!(rig.delivered(), "1:a! 1:b");
}

#[test]
fn a_durable_subscription_is_a_queue_that_wants_only_some() {
    let mut rig = Rig::new(QueueSettings::default());
    assert!(rig.queue.wants(&message(0, None, b"anything"), 0, &OnceCell::new()));
    rig.queue.set_admission(starts_with(b'x'));
    for body in [b"x1", b"y1", b"x2"] {
        let message = message(0, None, body);
        if rig.queue.wants(&message, 0, &OnceCell::new()) {
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
