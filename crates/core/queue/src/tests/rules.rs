//! One test per rule of dispatch, settlement, expiry and limits.

use super::rig::{Rig, SESSION, consumer, message};
use crate::{
    AddConsumerError, Blame, ConsumerSpec, Gate, GetResult, NO_CONSUMER, Overflow, QueueSettings, Room,
    SessionIndex, Window,
};

fn rig() -> Rig {
    Rig::new(QueueSettings::default())
}

#[test]
fn equals_take_turns_and_priority_goes_first() {
    let mut rig = rig();
    for (key, priority, window) in [(1, 0, None), (2, 0, None), (3, 5, Some(2))] {
        rig.queue.add_consumer(ConsumerSpec { priority, window, ..consumer(key) }).unwrap();
    }
    rig.publish(&["a", "b", "c", "d", "e"]);
    assert_eq!(rig.delivered(), "3:a 3:b 1:c 2:d 1:e");
    rig.publish(&["f"]);
    assert_eq!(rig.delivered(), "2:f");
}

#[test]
fn the_turn_outlives_a_consumer_that_leaves() {
    let mut rig = rig();
    for key in 1..=3 {
        rig.queue.add_consumer(consumer(key)).unwrap();
    }
    rig.publish(&["a"]);
    assert!(rig.queue.remove_consumer(2));
    rig.publish(&["b", "c"]);
    assert_eq!(rig.delivered(), "1:a 3:b 1:c");
    assert!(!rig.queue.remove_consumer(2));
}

#[test]
fn a_single_active_consumer_keeps_the_queue_until_it_leaves() {
    let mut rig = Rig::new(QueueSettings { is_single_active: true, ..QueueSettings::default() });
    for (key, priority) in [(1, 0), (2, 0), (3, 9)] {
        rig.queue.add_consumer(ConsumerSpec { priority, window: Some(2), ..consumer(key) }).unwrap();
    }
    rig.publish(&["a", "b", "c"]);
    assert_eq!(rig.delivered(), "1:a 1:b", "nobody else gets c");
    assert_eq!(rig.queue.active_consumer(), Some(1));
    rig.queue.remove_consumer(1);
    rig.run();
    assert_eq!((rig.queue.active_consumer(), &*rig.delivered()), (Some(3), "3:c"));
    assert_eq!(rig.queue.consumers().filter(|consumer| consumer.is_active).count(), 1);
}

#[test]
fn preferred_ones_keep_the_queue_from_all_others() {
    let mut rig = rig();
    let preferred =
        |key, priority| ConsumerSpec { is_preferred: true, priority, window: Some(2), ..consumer(key) };
    rig.queue.add_consumer(ConsumerSpec { priority: 9, ..consumer(1) }).unwrap();
    rig.publish(&["a"]);
    assert_eq!(rig.delivered(), "1:a");
    rig.queue.add_consumer(preferred(2, 0)).unwrap();
    rig.queue.add_consumer(preferred(3, 5)).unwrap();
    rig.publish(&["b", "c", "d"]);
    assert_eq!(rig.delivered(), "2:b 2:c", "the first of them stays; nobody else gets d");
    assert_eq!(rig.queue.active_consumer(), Some(2));
    rig.queue.remove_consumer(2);
    rig.run();
    assert_eq!((rig.queue.active_consumer(), &*rig.delivered()), (Some(3), "3:d"));
    assert_eq!(rig.queue.consumers().filter(|consumer| consumer.is_active).count(), 1);
    rig.queue.remove_consumer(3);
    rig.queue.add_consumer(consumer(4)).unwrap();
    rig.publish(&["e", "f", "g"]);
    assert_eq!((rig.queue.active_consumer(), &*rig.delivered()), (None, "1:e 1:f 1:g"));
    assert_eq!(rig.queue.consumers().filter(|consumer| consumer.is_active).count(), 2);
}

#[test]
fn exclusive_means_alone() {
    let mut rig = rig();
    let exclusive = |key| ConsumerSpec { is_exclusive: true, ..consumer(key) };
    rig.queue.add_consumer(consumer(1)).unwrap();
    assert_eq!(rig.queue.add_consumer(exclusive(2)), Err(AddConsumerError::ExclusiveInUse));
    rig.queue.remove_consumer(1);
    rig.queue.add_consumer(exclusive(2)).unwrap();
    assert_eq!(rig.queue.add_consumer(consumer(3)), Err(AddConsumerError::ExclusiveInUse));
    assert_eq!(rig.queue.consumer_count(), 1);
}

#[test]
fn windows_of_consumer_and_session_both_count() {
    let mut rig = rig();
    rig.queue.add_consumer(ConsumerSpec { window: Some(2), ..consumer(1) }).unwrap();
    rig.publish(&["a", "b", "c", "d"]);
    let first = rig.take_deliveries();
    assert_eq!(first.len(), 2);
    rig.windows.set_limit(SESSION, 2);
    assert!(rig.queue.accept(first[0].slot.unwrap(), first[0].seq, &mut rig.outbox));
    rig.run();
    assert_eq!(rig.delivered(), "", "the session is full still");
    assert!(rig.windows.give_back(SESSION));
    rig.queue.session_opened();
    rig.run();
    assert_eq!(rig.delivered(), "1:c");
    rig.windows.set_limit(SESSION, 9);
    assert!(rig.queue.set_consumer_window(1, Window::Unlimited));
    rig.windows.set_open(SESSION, Gate::Shut);
    rig.run();
    assert_eq!(rig.delivered(), "");
    rig.windows.set_open(SESSION, Gate::Open);
    rig.queue.session_opened();
    rig.run();
    assert_eq!(rig.delivered(), "1:d");
}

#[test]
fn explicit_credit_is_used_up() {
    let mut rig = rig();
    rig.queue.add_consumer(ConsumerSpec { needs_settle: false, window: Some(0), ..consumer(1) }).unwrap();
    assert!(rig.queue.set_consumer_window(1, Window::Credit(0)));
    rig.publish(&["a", "b", "c"]);
    assert_eq!(rig.delivered(), "");
    assert!(rig.queue.add_credit(1, 2) && !rig.queue.add_credit(7, 1));
    rig.run();
    assert_eq!(rig.delivered(), "1:a 1:b");
}

#[test]
fn hand_over_is_promised_only_when_it_happens() {
    let mut rig = rig();
    let any = message(0, None, b"");
    assert!(!rig.queue.can_hand_over(&any, &rig.windows), "no consumer");
    rig.queue.add_consumer(ConsumerSpec { needs_settle: false, window: Some(0), ..consumer(1) }).unwrap();
    assert!(rig.queue.can_hand_over(&any, &rig.windows));
    rig.enqueue(message(0, Some(0), b"a"), false);
    assert!(!rig.queue.can_hand_over(&any, &rig.windows), "something is ready");
    rig.run();
    assert_eq!((&*rig.delivered(), &*rig.died()), ("1:a", ""), "a time to live of 0 is now or never");
    rig.queue.add_consumer(ConsumerSpec { priority: 1, ..consumer(2) }).unwrap();
    assert!(!rig.queue.can_hand_over(&any, &rig.windows), "the next one has to settle");
}

#[test]
fn what_was_handed_out_expires_no_more_where_that_is_asked() {
    for keeps_delivered in [false, true] {
        let mut rig = rig();
        if keeps_delivered {
            rig.queue.keep_delivered();
        }
        rig.queue.add_consumer(ConsumerSpec { window: Some(1), ..consumer(1) }).unwrap();
        rig.enqueue(message(0, Some(5), b"handed out"), false);
        rig.enqueue(message(0, Some(5), b"waiting"), false);
        rig.run();
        let held = rig.take_deliveries();
        rig.queue.remove_consumer(1);
        rig.now_ms += 10;
        rig.queue.give_back(held[0].slot.unwrap(), held[0].seq, Blame::Consumer, rig.now_ms, &mut rig.outbox);
        rig.run();
        let left = rig.ready_bodies();
        let expect: &[&[u8]] = if keeps_delivered { &[b"handed out", b"waiting"] } else { &[] };
        assert_eq!(left, expect);
        // One behind it waits for its turn to be over its time, as ever.
        assert_eq!(rig.queue.head_expiry_ms(), None);
    }
}

#[test]
fn what_comes_back_takes_its_old_place() {
    let mut rig = rig();
    rig.queue.add_consumer(consumer(1)).unwrap();
    rig.publish(&["a", "b", "c", "d"]);
    let held = rig.take_deliveries();
    rig.queue.remove_consumer(1);
    rig.publish(&["e"]);
    for index in [2, 0, 3, 1] {
        let (slot, seq) = (held[index].slot.unwrap(), held[index].seq);
        assert!(rig.queue.give_back(slot, seq, Blame::Consumer, rig.now_ms, &mut rig.outbox));
        assert!(!rig.queue.give_back(slot, seq, Blame::Consumer, rig.now_ms, &mut rig.outbox), "stale");
    }
    let bodies = rig.ready_bodies();
    assert_eq!(bodies, [b"a", b"b", b"c", b"d", b"e"]);
    rig.queue.add_consumer(consumer(2)).unwrap();
    rig.run();
    assert_eq!(rig.delivered(), "2:a! 2:b! 2:c! 2:d! 2:e");
}

#[test]
fn only_the_consumers_fault_counts() {
    let mut rig = Rig::new(QueueSettings { delivery_limit: Some(1), ..QueueSettings::default() });
    rig.publish(&["a"]);
    let mut give_back = |blame| {
        let GetResult::Got(delivery) =
            rig.queue.get(true, SESSION, rig.now_ms, &rig.windows, &mut rig.outbox)
        else {
            return "";
        };
        assert_eq!(delivery.consumer, NO_CONSUMER);
        rig.queue.give_back(delivery.slot.unwrap(), delivery.seq, blame, rig.now_ms, &mut rig.outbox);
        if rig.died() == "a:DeliveryLimit" { "dead" } else { "ready" }
    };
    let steps = [Blame::Broker, Blame::Consumer, Blame::Broker, Blame::Consumer].map(&mut give_back);
    assert_eq!(steps, ["ready", "ready", "ready", "dead"]);
    assert_eq!((rig.queue.resident_bytes(), rig.outbox.settled.len()), (0, 1));
}

#[test]
fn expiry_waits_for_the_head() {
    let mut rig = rig();
    for (ttl_ms, body) in [(Some(50), b"a"), (None, b"b"), (Some(10), b"c")] {
        rig.enqueue(message(0, ttl_ms, body), false);
    }
    assert_eq!(rig.queue.head_expiry_ms(), Some(1_050));
    rig.now_ms = 1_049;
    rig.run();
    assert_eq!(rig.died(), "");
    rig.now_ms = 1_050;
    rig.run();
    assert_eq!((&*rig.died(), rig.queue.head_expiry_ms()), ("a:Expired", None));
    assert_eq!(rig.fetch().unwrap().message.body(), b"b");
    assert!(rig.fetch().is_none());
    assert_eq!(rig.died(), "c:Expired");
}

#[test]
fn the_shorter_time_to_live_counts() {
    for (queue, own, expect) in [(5, Some(9), 1_005), (9, Some(5), 1_005), (9, None, 1_009)] {
        let mut rig = Rig::new(QueueSettings { message_ttl_ms: Some(queue), ..QueueSettings::default() });
        rig.enqueue(message(0, own, b"a"), false);
        assert_eq!(rig.queue.head_expiry_ms(), Some(expect));
    }
}

#[test]
fn a_lane_of_expired_ones_does_not_hide_the_next() {
    let mut rig = Rig::new(QueueSettings { max_priority: Some(200), ..QueueSettings::default() });
    rig.enqueue(message(255, Some(1), b"a"), false);
    rig.enqueue(message(70, None, b"b"), false);
    rig.enqueue(message(0, None, b"c"), false);
    rig.now_ms += 5;
    rig.queue.add_consumer(consumer(1)).unwrap();
    rig.run();
    assert_eq!((&*rig.delivered(), &*rig.died()), ("1:b 1:c", "a:Expired"));
}

#[test]
fn the_lowest_and_oldest_drop_first() {
    let settings = QueueSettings { max_priority: Some(3), max_length: Some(3), ..QueueSettings::default() };
    let mut rig = Rig::new(settings);
    for (priority, body) in [(0, b"a"), (9, b"b"), (1, b"c"), (0, b"d"), (1, b"e")] {
        rig.enqueue(message(priority, None, body), true);
    }
    rig.run();
    assert_eq!(rig.died(), "a:MaxLength d:MaxLength");
    let settings = QueueSettings { max_length_bytes: Some(1), ..QueueSettings::default() };
    rig.queue.apply_settings(settings.into(), rig.now_ms, &mut rig.windows, &mut rig.outbox);
    assert_eq!(rig.died(), "c:MaxLength e:MaxLength");
}

#[test]
fn a_full_queue_refuses_as_it_is_told() {
    for overflow in [Overflow::RejectPublish, Overflow::RejectPublishDeadLetter, Overflow::DropHead] {
        let settings = QueueSettings {
            max_length: Some(2),
            max_length_bytes: Some(10),
            overflow,
            ..QueueSettings::default()
        };
        let mut rig = Rig::new(settings);
        let full = if overflow == Overflow::DropHead { Room::Free } else { Room::Full(overflow) };
        assert_eq!((rig.queue.check_room(10), rig.queue.check_room(11)), (Room::Free, full));
        rig.publish(&["a", "b"]);
        assert_eq!(rig.queue.check_room(0), full);
    }
}

#[test]
fn drain_takes_the_unsettled_too() {
    let mut rig = rig();
    rig.queue.add_consumer(ConsumerSpec { window: Some(1), ..consumer(1) }).unwrap();
    rig.publish(&["a", "b"]);
    assert_eq!(rig.queue.drain_all(&mut rig.outbox), 2);
    assert_eq!((rig.queue.unsettled_count(), rig.outbox.resident_delta_bytes), (0, 0));
    assert_eq!(rig.outbox.settled.len(), 2);
}

#[test]
fn a_session_that_is_not_there_gets_nothing() {
    let mut rig = rig();
    rig.queue.add_consumer(ConsumerSpec { session: SessionIndex(9), ..consumer(1) }).unwrap();
    rig.publish(&["a"]);
    assert_eq!(rig.delivered(), "");
}
