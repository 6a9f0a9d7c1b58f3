//! What consumers remark on messages that they give back: part of them from then on, as durable as they are, within limits.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use support::{GRAVES, LINES, MemoryLog, OTHER_LINES, Rig};
use ternmq_broker::{BrowseSpec, Deliver, Error, LimitKind, Limits, Outcome, SettleRange};
use ternmq_message::{Encoding, MessageMeta, Value};

/// A queue of messages, the first of which has a consumer.
fn rig_with(limits: Limits, is_durable: bool) -> Rig {
    let mut rig = Rig::limited(MemoryLog::default(), true, limits);
    rig.queue("q", &[("dead_node", Value::str("")), ("dead_key", Value::str("d"))]);
    rig.queue("d", &[]);
    for body in ["1", "2"] {
        let meta = MessageMeta { encoding: LINES, is_durable, ..MessageMeta::default() };
        let _ = rig.publish_with("", "q", body, meta);
    }
    rig.consume("q", 0, Some(2));
    rig
}

/// Remarks something on a delivery.
fn remark(rig: &mut Rig, deliver: &Deliver, encoding: Encoding, text: &str) -> Result<(), Error> {
    let place = rig.broker.remark_place(rig.session, deliver.delivery).unwrap();
    rig.broker.remark(place, encoding, text.as_bytes().into())
}

fn settle(rig: &mut Rig, deliver: &Deliver, outcome: Outcome) {
    rig.broker.settle(rig.session, deliver.delivery, SettleRange::One, outcome).unwrap();
}

/// Bodies with heads.
fn told(deliveries: &[Deliver]) -> Vec<String> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    deliveries.iter().map(|it| format!("{} {}", text(it.message.body()), text(it.message.head()))).collect()
}

#[test]
fn what_was_remarked_is_part_of_a_message_until_it_is_settled() {
    for is_durable in [true, false] {
        let mut rig = rig_with(Limits::default(), is_durable);
        let got = rig.deliveries();
        remark(&mut rig, &got[0], LINES, "a=1\n").unwrap();
        settle(&mut rig, &got[0], Outcome::Requeue);
        let again = rig.deliveries();
        assert_eq!(told(&again), ["1 a=1\n"]);
        remark(&mut rig, &again[0], LINES, "b=2\n").unwrap();
        settle(&mut rig, &again[0], Outcome::Release);
        let again = rig.deliveries();
        assert_eq!(told(&again), ["1 a=1\nb=2\n"], "one behind the other");
        // One of another protocol than the message's becomes headers.
        remark(&mut rig, &got[1], OTHER_LINES, "c=3").unwrap();
        settle(&mut rig, &got[1], Outcome::Release);
        let other = rig.deliveries();
        assert_eq!(told(&other), ["2 c=3"]);
        settle(&mut rig, &again[0], Outcome::Accept);
        assert!(rig.broker.remark_place(rig.session, again[0].delivery).is_none(), "it is settled");
    }
}

#[test]
fn a_restart_finds_the_remarks_of_durable_messages_also_behind_a_checkpoint() {
    for is_checkpointed in [false, true] {
        let mut rig = rig_with(Limits::default(), true);
        let got = rig.deliveries();
        for deliver in &got {
            remark(&mut rig, deliver, LINES, "a=1\n").unwrap();
            settle(&mut rig, deliver, Outcome::Release);
        }
        if is_checkpointed {
            rig.checkpoint_unread();
        }
        let again = rig.deliveries();
        settle(&mut rig, &again[1], Outcome::Accept);
        rig.turn();
        let mut rig = Rig::over(rig.crashed_log(), false);
        let browse = BrowseSpec { after: None, max_count: 10, max_bytes: u64::MAX };
        let browse = rig.broker.browse(rig.session, "q", browse).unwrap();
        rig.turn();
        let seen = browse.read(&rig.log).messages;
        assert_eq!((seen.len(), seen[0].message.head()), (1, &b"a=1\n"[..]), "one who looks sees them");
        rig.consume("q", 0, None);
        assert_eq!(told(&rig.deliveries()), ["1 a=1\n"]);
    }
}

#[test]
fn what_dies_takes_its_remarks_along() {
    let mut rig = rig_with(Limits::default(), true);
    rig.queue(GRAVES, &[]);
    let got = rig.deliveries();
    remark(&mut rig, &got[0], LINES, "a=1\n").unwrap();
    settle(&mut rig, &got[0], Outcome::Discard);
    rig.turn();
    let mut rig = Rig::over(rig.crashed_log(), false);
    rig.consume("d", 0, None);
    assert_eq!(told(&rig.deliveries()), ["1 a=1\n"]);
}

#[test]
fn t7_remarks_have_limits_for_one_message_and_for_all() {
    let limits = Limits { max_remark_bytes: 8, max_remarks_bytes: 2 * 64 + 8 + 3, ..Limits::default() };
    let mut rig = rig_with(limits, true);
    let got = rig.deliveries();
    let one = remark(&mut rig, &got[0], LINES, "a=12345\n\n").unwrap_err();
    assert!(matches!(one, Error::Limit { limit: LimitKind::Remark, max: 8, .. }), "{one:?}");
    remark(&mut rig, &got[0], LINES, "a=1\n").unwrap();
    let joined = remark(&mut rig, &got[0], LINES, "b=23\n").unwrap_err();
    assert!(matches!(joined, Error::Limit { limit: LimitKind::Remark, .. }), "what is joined counts");
    remark(&mut rig, &got[0], LINES, "b=2\n").unwrap();
    let all = remark(&mut rig, &got[1], LINES, "b=2\n").unwrap_err();
    assert!(matches!(all, Error::Limit { limit: LimitKind::Remarks, .. }), "{all:?}");
    remark(&mut rig, &got[1], LINES, "b=2").unwrap();
    // What is settled makes room.
    settle(&mut rig, &got[0], Outcome::Accept);
    settle(&mut rig, &got[1], Outcome::Release);
    let again = rig.deliveries();
    remark(&mut rig, &again[0], LINES, "\nc=4").unwrap();
    settle(&mut rig, &again[0], Outcome::Release);
    assert_eq!(told(&rig.deliveries()), ["2 b=2\nc=4"]);
}

#[test]
fn a_checkpoint_drops_remarks_whose_messages_are_gone() {
    let limits = Limits { max_remarks_bytes: 100, ..Limits::default() };
    let mut rig = rig_with(limits, false);
    let got = rig.deliveries();
    remark(&mut rig, &got[0], LINES, "a=1\n").unwrap();
    settle(&mut rig, &got[0], Outcome::Release);
    let again = rig.deliveries();
    rig.broker.close_session(rig.session);
    rig.session = rig.broker.open_session(rig.connection, 2).unwrap();
    assert_eq!(told(&again), ["1 a=1\n"]);
    // A transient message that is purged tells nobody.
    let _ = rig.broker.purge_queue(rig.session, "q").unwrap();
    let meta = MessageMeta { encoding: LINES, ..MessageMeta::default() };
    let _ = rig.publish_with("", "q", "3", meta);
    rig.consume("q", 0, None);
    let got = rig.deliveries();
    assert!(remark(&mut rig, &got[0], LINES, "a=1\n").is_err(), "the old one is still counted");
    rig.checkpoint_unread();
    remark(&mut rig, &got[0], LINES, "a=1\n").unwrap();
}
