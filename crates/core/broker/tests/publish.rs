//! Publishing, consuming, settling, dead-lettering, through the facade.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use support::Rig;
use ternmq_broker::{
    ConnectionInfo, DeliveryId, Effect, EndReason, Error, GetOutcome, Outcome, Published, QueueSpec,
    SettleRange,
};
use ternmq_message::{DeathReason, MessageMeta, Value};
use ternmq_routing::NodeKind;

fn settle(rig: &mut Rig, delivery: u64, range: SettleRange, outcome: Outcome) -> Result<(), Error> {
    rig.broker.settle(rig.session, DeliveryId(delivery), range, outcome)
}

#[test]
fn i8_a_durable_publish_is_covered_only_after_the_log_says_so() {
    let mut rig = Rig::new();
    rig.queue("q", &[]);
    let Published::Accepted(receipt) = rig.publish("", "q", "a") else { panic!("not accepted") };
    assert!(!rig.broker.durable().covers(receipt));
    rig.turn();
    assert!(rig.broker.durable().covers(receipt));
}

#[test]
fn unroutable_messages_come_back() {
    let mut rig = Rig::new();
    assert!(matches!(rig.publish("", "nowhere", "a"), Published::Unroutable(m) if m.body() == b"a"));
    assert!(matches!(rig.broker.check_node(rig.session, "missing"), Err(Error::NotFound { .. })));
}

#[test]
fn deliveries_are_numbered_and_wait_for_credit() {
    let mut rig = Rig::new();
    rig.queue("q", &[]);
    rig.fill("q", &["a", "b", "c"]);
    rig.consume("q", 5, Some(2));
    let deliveries = rig.deliveries();
    let numbers: Vec<_> = deliveries.iter().map(|d| (d.consumer_label, d.delivery.0)).collect();
    assert_eq!(numbers, [(5, 1), (5, 2)]);
    settle(&mut rig, 2, SettleRange::UpTo, Outcome::Accept).unwrap();
    assert_eq!(rig.bodies(), ["c"]);
    assert_eq!(rig.counts("q"), (0, 1));
}

#[test]
fn settling_twice_is_an_error_and_changes_nothing() {
    let mut rig = Rig::new();
    rig.queue("q", &[]);
    rig.fill("q", &["a", "b"]);
    rig.consume("q", 0, None);
    settle(&mut rig, 1, SettleRange::One, Outcome::Accept).unwrap();
    for (number, range) in
        [(1, SettleRange::One), (1, SettleRange::UpTo), (3, SettleRange::One), (9, SettleRange::UpTo)]
    {
        let refused = settle(&mut rig, number, range, Outcome::Accept);
        assert_eq!(refused, Err(Error::UnknownDelivery { delivery: number }), "{number} {range:?}");
    }
    assert_eq!(rig.counts("q"), (0, 1));
    settle(&mut rig, 0, SettleRange::UpTo, Outcome::Accept).unwrap();
    settle(&mut rig, 0, SettleRange::UpTo, Outcome::Accept).unwrap();
    assert_eq!(rig.counts("q"), (0, 0));
}

#[test]
fn i5_requeued_messages_return_to_their_old_place() {
    let mut rig = Rig::new();
    rig.queue("q", &[]);
    rig.fill("q", &["a", "b", "c"]);
    let consumer = rig.consume("q", 0, Some(2));
    assert_eq!(rig.bodies(), ["a", "b"]);
    rig.broker.cancel(consumer);
    settle(&mut rig, 2, SettleRange::One, Outcome::Requeue).unwrap();
    settle(&mut rig, 1, SettleRange::One, Outcome::Requeue).unwrap();
    rig.consume("q", 1, None);
    let again = rig.deliveries();
    let seen: Vec<_> = again.iter().map(|d| (d.message.body().to_vec(), d.is_redelivered)).collect();
    assert_eq!(seen, [(b"a".to_vec(), true), (b"b".to_vec(), true), (b"c".to_vec(), false)]);
}

#[test]
fn closing_a_session_gives_back_what_it_holds() {
    let mut rig = Rig::new();
    rig.queue("q", &[]);
    rig.fill("q", &["a", "b"]);
    rig.consume("q", 0, None);
    assert_eq!(rig.bodies(), ["a", "b"]);
    rig.broker.close_session(rig.session);
    assert_eq!(rig.counts("q"), (2, 0));
}

#[test]
fn a_discarded_message_moves_down_the_dead_letter_route_with_its_history() {
    let mut rig = Rig::new();
    rig.node("dlx", NodeKind::Direct);
    rig.queue("dead", &[]);
    rig.bind("dead", "dlx", "gone");
    rig.queue("q", &[("dead_node", Value::str("dlx")), ("dead_key", Value::str("gone"))]);
    rig.fill("q", &["a"]);
    rig.consume("q", 0, None);
    assert_eq!(rig.bodies(), ["a"]);
    settle(&mut rig, 1, SettleRange::One, Outcome::Discard).unwrap();
    assert_eq!((rig.counts("q"), rig.counts("dead")), ((0, 0), (1, 0)));
    rig.consume("dead", 1, None);
    let dead = rig.deliveries().remove(0);
    assert_eq!((dead.message.node(), dead.message.key(), dead.is_redelivered), ("dlx", "gone", false));
    let death = dead.message.history().unwrap().deaths[0].clone();
    assert_eq!((&*death.queue, death.reason, death.count), ("q", DeathReason::Rejected, 1));
    assert_eq!((&*death.node, death.keys), ("", vec!["q".into()]));
}

#[test]
fn an_expiring_cycle_ends_and_a_rejected_one_goes_round() {
    let mut rig = Rig::new();
    rig.queue("q", &[("ttl", Value::I64(10)), ("dead_node", Value::str("")), ("dead_key", Value::str("q"))]);
    rig.fill("q", &["a"]);
    rig.advance(11);
    assert_eq!(rig.counts("q"), (0, 0), "it expired, and nobody had interrupted the cycle");
    rig.fill("q", &["b"]);
    rig.consume("q", 0, Some(1));
    assert_eq!(rig.bodies(), ["b"]);
    settle(&mut rig, 1, SettleRange::One, Outcome::Discard).unwrap();
    assert_eq!(rig.bodies(), ["b"], "a rejection is not an automatic cycle");
}

#[test]
fn messages_expire_at_their_time() {
    let mut rig = Rig::new();
    rig.queue("q", &[("ttl", Value::I64(100))]);
    rig.fill("q", &["a"]);
    let meta = MessageMeta { ttl_ms: Some(5), ..MessageMeta::default() };
    rig.queue("own", &[]);
    let _ = rig.publish_with("", "own", "b", meta);
    rig.advance(6);
    assert_eq!((rig.counts("q").0, rig.counts("own").0), (1, 0));
    rig.advance(95);
    assert_eq!(rig.counts("q").0, 0);
}

#[test]
fn a_full_queue_refuses_or_drops() {
    let mut rig = Rig::new();
    rig.queue("drop", &[("max_length", Value::I64(2))]);
    rig.fill("drop", &["a", "b", "c"]);
    assert_eq!(rig.counts("drop").0, 2);
    rig.queue("full", &[("max_length", Value::I64(1)), ("reject", Value::Bool(true))]);
    rig.fill("full", &["a"]);
    assert!(matches!(rig.publish("", "full", "b"), Published::Refused));
    rig.consume("drop", 0, None);
    assert_eq!(rig.bodies(), ["b", "c"]);
}

#[test]
fn fetching_one_tells_how_many_stay() {
    let mut rig = Rig::new();
    rig.queue("q", &[]);
    rig.fill("q", &["a", "b"]);
    let got = rig.broker.get(rig.session, "q", true).unwrap();
    assert!(matches!(got, GetOutcome::Got(d, 1) if d.delivery == DeliveryId(1) && d.message.body() == b"a"));
    let got = rig.broker.get(rig.session, "q", false).unwrap();
    assert!(matches!(got, GetOutcome::Got(d, 0) if d.delivery == DeliveryId(2)));
    assert!(matches!(rig.broker.get(rig.session, "q", false).unwrap(), GetOutcome::Empty));
}

#[test]
fn deleting_a_queue_ends_its_consumers() {
    let mut rig = Rig::new();
    rig.queue("q", &[]);
    rig.consume("q", 9, None);
    let deleted = rig.broker.delete_queue(rig.session, "q", false, false).unwrap();
    assert_eq!(deleted.value, 0);
    rig.turn();
    assert!(rig.effects.iter().any(|(_, effect)| matches!(
        effect,
        Effect::ConsumerEnded { consumer_label: 9, reason: EndReason::QueueGone, .. }
    )));
}

#[test]
fn f16_an_old_unsettled_delivery_ends_its_session() {
    let mut rig = Rig::new();
    rig.queue("q", &[("timeout", Value::I64(1_000))]);
    rig.fill("q", &["a"]);
    rig.consume("q", 0, None);
    assert_eq!(rig.bodies(), ["a"]);
    rig.advance(61_000);
    rig.advance(61_000);
    assert!(
        rig.effects
            .iter()
            .any(|(_, effect)| matches!(effect, Effect::SessionEnded { timeout_ms: 1_000, .. }))
    );
    assert_eq!(rig.counts("q"), (1, 0));
}

#[test]
fn f17_a_poison_message_leaves_after_its_limit() {
    let mut rig = Rig::new();
    rig.queue("q", &[("delivery_limit", Value::I64(2))]);
    rig.fill("q", &["a"]);
    rig.consume("q", 0, Some(1));
    for number in 1..=3 {
        assert_eq!(rig.bodies(), ["a"], "delivery {number}");
        settle(&mut rig, number, SettleRange::One, Outcome::Requeue).unwrap();
    }
    assert_eq!(rig.bodies(), [""; 0]);
    assert_eq!(rig.counts("q"), (0, 0));
}

#[test]
fn a_transaction_is_visible_only_when_committed() {
    let mut rig = Rig::new();
    rig.queue("q", &[]);
    rig.fill("q", &["old"]);
    rig.consume("q", 0, None);
    assert_eq!(rig.bodies(), ["old"]);
    rig.broker.tx_select(rig.session).unwrap();
    let _ = rig.publish("", "q", "new");
    settle(&mut rig, 1, SettleRange::One, Outcome::Accept).unwrap();
    assert_eq!(rig.bodies(), [""; 0]);
    assert_eq!(rig.counts("q"), (0, 1));
    rig.broker.tx_rollback(rig.session).unwrap();
    let _ = rig.publish("", "q", "new");
    settle(&mut rig, 1, SettleRange::One, Outcome::Accept).unwrap();
    let done = rig.broker.tx_commit(rig.session).unwrap();
    assert!(!rig.broker.durable().covers(done.receipt));
    assert_eq!(rig.bodies(), ["new"]);
    assert_eq!(rig.counts("q"), (0, 1));
}

#[test]
fn a_fanout_reaches_every_queue_with_one_record() {
    let mut rig = Rig::new();
    for queue in ["a", "b", "c"] {
        rig.queue(queue, &[]);
        rig.bind(queue, "sys.fanout", "");
    }
    let before = rig.log.0.borrow().all.len();
    let _ = rig.publish("sys.fanout", "", "x");
    assert_eq!(rig.log.0.borrow().all.len(), before + 1);
    for queue in ["a", "b", "c"] {
        assert_eq!(rig.counts(queue).0, 1);
    }
}

#[test]
fn a_quorum_queue_is_always_durable_and_nobodys_own() {
    let mut rig = Rig::new();
    for (is_durable, is_exclusive, is_auto_delete) in
        [(false, false, false), (true, true, false), (true, false, true)]
    {
        let spec = QueueSpec {
            name: "q".into(),
            is_durable,
            is_exclusive,
            is_auto_delete,
            arguments: vec![("quorum".into(), Value::Bool(true))],
        };
        assert!(matches!(rig.broker.declare_queue(rig.session, spec), Err(Error::Unfit { .. })));
    }
}

#[test]
fn s5_the_node_itself_needs_no_permission_and_a_user_does() {
    let mut rig = Rig::new();
    let spec = |name: &str| QueueSpec { name: name.into(), is_durable: true, ..QueueSpec::default() };
    let _ = rig.broker.delete_permission("root", "main");
    assert!(rig.broker.connect(&"root".into(), "main", ConnectionInfo::default()).is_err());
    let connection = rig.broker.connect_node("main", ConnectionInfo::default()).unwrap();
    let session = rig.broker.open_session(connection, 1).unwrap();
    assert!(rig.broker.declare_queue(session, spec("made")).is_ok());
    rig.broker.disconnect(connection);
    assert!(rig.broker.queue_view("main", "made").is_some());
    let nowhere = rig.broker.connect_node("none", ConnectionInfo::default());
    assert!(matches!(nowhere, Err(Error::NotFound { .. })), "{nowhere:?}");
}

#[test]
fn i6_two_transactions_settle_deliveries_of_one_session() {
    let mut rig = Rig::new();
    rig.queue("q", &[]);
    rig.fill("q", &["a", "b", "c"]);
    rig.consume("q", 1, None);
    assert_eq!(rig.bodies(), ["a", "b", "c"]);
    let connection = rig.connection;
    let [first, second] = [7, 8].map(|label| {
        let session = rig.broker.open_session(connection, label).unwrap();
        rig.broker.tx_select(session).unwrap();
        session
    });
    let stage = |rig: &mut Rig, transaction, number| {
        rig.broker.settle_within(transaction, rig.session, DeliveryId(number), Outcome::Accept)
    };
    stage(&mut rig, first, 1).unwrap();
    stage(&mut rig, second, 2).unwrap();
    assert_eq!(stage(&mut rig, second, 1), Err(Error::UnknownDelivery { delivery: 1 }));
    rig.broker.close_session(second);
    let session = rig.session;
    rig.broker.settle(session, DeliveryId(2), SettleRange::One, Outcome::Requeue).unwrap();
    assert_eq!(rig.bodies(), ["b"], "what was given up can be settled again");
    let _ = rig.broker.tx_commit(first).unwrap();
    assert_eq!(rig.counts("q"), (0, 2), "b and c are out still");
    // The session that they were delivered to goes while a sibling has one of them staged.
    stage(&mut rig, first, 3).unwrap();
    rig.broker.close_session(session);
    assert_eq!(rig.counts("q"), (2, 0));
    let _ = rig.broker.tx_commit(first).unwrap();
    assert_eq!(rig.counts("q"), (2, 0));
}

#[test]
fn i8_a_receipt_of_all_covers_the_settlements_of_the_turn() {
    let mut rig = Rig::new();
    rig.queue("q", &[]);
    rig.fill("q", &["a"]);
    rig.consume("q", 1, None);
    rig.turn();
    assert_eq!(rig.bodies(), ["a"]);
    let session = rig.session;
    rig.broker.settle(session, DeliveryId(1), SettleRange::One, Outcome::Accept).unwrap();
    let receipt = rig.broker.receipt_of_all();
    assert!(!rig.broker.durable().covers(receipt));
    rig.turn();
    assert!(rig.broker.durable().covers(receipt));
}

#[test]
fn a_fetched_message_gives_no_credit_back_when_it_is_settled() {
    let mut rig = Rig::new();
    rig.queue("consumed", &[]);
    rig.queue("fetched", &[]);
    let session = rig.session;
    rig.broker.set_session_window(session, Some(1));
    rig.consume("consumed", 1, None);
    rig.fill("consumed", &["a", "b", "c"]);
    rig.fill("fetched", &["x", "y"]);
    assert_eq!(rig.bodies(), ["a"]);
    for (number, outcome) in [(2, Outcome::Accept), (3, Outcome::Requeue)] {
        assert!(matches!(rig.broker.get(session, "fetched", true), Ok(GetOutcome::Got(..))));
        rig.broker.settle(session, DeliveryId(number), SettleRange::One, outcome).unwrap();
        assert_eq!(rig.bodies(), <[&str; 0]>::default(), "the window is taken by a");
    }
    rig.broker.settle(session, DeliveryId(1), SettleRange::One, Outcome::Accept).unwrap();
    assert_eq!(rig.bodies(), ["b"]);
    assert!(matches!(rig.broker.get(session, "fetched", true), Ok(GetOutcome::Got(..))));
    rig.broker.requeue_all(session);
    assert_eq!(rig.bodies(), ["b"]);
}

/// A queue with room for so many messages, which refuses more.
fn small(rig: &mut Rig, name: &str, most: i64) {
    rig.queue(name, &[("max_length", Value::I64(most)), ("reject", Value::Bool(true))]);
}

#[test]
fn i6_a_full_queue_refuses_a_commit_as_a_whole() {
    let mut rig = Rig::new();
    rig.queue("free", &[]);
    small(&mut rig, "small", 2);
    rig.fill("free", &["old"]);
    rig.consume("free", 0, Some(1));
    let [delivery] = &rig.deliveries()[..] else { panic!("one delivery") };
    let number = delivery.delivery;
    rig.broker.tx_select(rig.session).unwrap();
    for queue in ["free", "small", "small", "small"] {
        let _ = rig.publish("", queue, "staged");
    }
    rig.broker.settle(rig.session, number, SettleRange::One, Outcome::Accept).unwrap();
    let before = rig.log.0.borrow().next;
    let done = rig.broker.tx_commit(rig.session).unwrap();
    assert!(done.value.is_refused);
    assert_eq!(rig.log.0.borrow().next, before, "nothing is in the log");
    assert_eq!([rig.counts("free"), rig.counts("small")], [(0, 1), (0, 0)]);
    // The session goes on, with what it had.
    for queue in ["free", "small", "small"] {
        let _ = rig.publish("", queue, "staged");
    }
    rig.broker.settle(rig.session, number, SettleRange::One, Outcome::Accept).unwrap();
    let done = rig.broker.tx_commit(rig.session).unwrap();
    assert!(!done.value.is_refused);
    assert_eq!(rig.bodies(), ["staged"]);
    assert_eq!([rig.counts("free"), rig.counts("small")], [(0, 1), (2, 0)]);
}

#[test]
fn a_commit_fills_a_queue_up_to_its_bytes() {
    let mut rig = Rig::new();
    rig.queue("q", &[("max_bytes", Value::I64(6)), ("reject", Value::Bool(true))]);
    rig.broker.tx_select(rig.session).unwrap();
    for (bodies, is_refused, ready) in [(&["abc", "defg"][..], true, 0), (&["abc", "def"], false, 2)] {
        for body in bodies {
            let _ = rig.publish("", "q", body);
        }
        assert_eq!(rig.broker.tx_commit(rig.session).unwrap().value.is_refused, is_refused);
        assert_eq!(rig.counts("q"), (ready, 0));
    }
}
