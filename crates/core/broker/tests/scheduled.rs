//! Messages that are published later.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use support::{LINES, Rig, SCHEDULE, START_MS};
use ternmq_broker::{
    Alarm, Calendar, DeliveryId, Error, Incident, LimitKind, Limits, Outcome, PermissionDefinition, Publish,
    Published, Schedule, ScheduleAction, ScheduleProblem, SettleRange, Timing,
};
use ternmq_message::{Group, Message, MessageMeta, Value};
use ternmq_routing::NodeKind;

fn message(node: &str, key: &str, head: &str, body: &str) -> Message {
    let meta = MessageMeta { encoding: LINES, is_durable: true, ..MessageMeta::default() };
    Message::new(node, key, head.as_bytes(), body.as_bytes(), meta, None).unwrap()
}

/// Sends a message as an adapter does: its head says when it is published.
fn send(rig: &mut Rig, node: &str, key: &str, head: &str, body: &str) -> Result<Published, Error> {
    let get = |name: &str| {
        let line = head.lines().find(|line| line.split_once('=').unwrap().0 == name);
        line.map(|line| Value::str(line.split_once('=').unwrap().1))
    };
    let timing = SCHEDULE.read(node, key, &get).unwrap();
    let message = message(node, key, head, body);
    let publish = Publish { message, extra_keys: &[], claimed_user: None };
    rig.broker.publish_timed(rig.session, publish, &timing, None)
}

fn accept(answer: Result<Published, Error>) {
    assert!(matches!(answer, Ok(Published::Accepted(_))), "{answer:?}");
}

fn rig() -> Rig {
    let mut rig = Rig::new();
    rig.queue("q", &[]);
    rig.turn();
    rig
}

/// Body and head of what comes now.
fn coming(rig: &mut Rig) -> Vec<String> {
    let show = |delivery: &ternmq_broker::Deliver| {
        let (head, body) = (delivery.message.head(), delivery.message.body());
        let mark = if delivery.is_redelivered { "!" } else { "" };
        format!(
            "{}{mark} {}",
            String::from_utf8_lossy(body),
            String::from_utf8_lossy(head).replace('\n', " ")
        )
    };
    rig.deliveries().iter().map(show).collect()
}

/// Ids are the time and a number, so that none comes twice.
const FIRST_ID: u64 = START_MS << 10;

#[test]
fn a_message_comes_when_its_delay_is_over() {
    let mut rig = rig();
    rig.consume("q", 0, None);
    accept(send(&mut rig, "", "q", "delay=500\nmine=1\nmessage_id=m", "a"));
    rig.turn();
    assert_eq!((rig.broker.scheduled_count(), coming(&mut rig).len()), (1, 0));
    rig.advance(499);
    assert!(coming(&mut rig).is_empty());
    rig.advance(1);
    assert_eq!(coming(&mut rig), [format!("a mine=1 message_id=m job=job-{FIRST_ID}")]);
    assert_eq!((rig.broker.scheduled_count(), rig.broker.next_deadline_ms().is_some()), (0, true));
}

#[test]
fn repetitions_are_counted_and_have_ids_of_their_own() {
    let mut rig = rig();
    rig.consume("q", 0, None);
    accept(send(&mut rig, "", "q", "delay=10\nperiod=1000\nrepeats=2\nmessage_id=m", "a"));
    rig.advance(10);
    let first = coming(&mut rig);
    assert!(first[0].contains(" message_id=") && !first[0].contains("message_id=m"), "{first:?}");
    rig.advance(999);
    assert!(coming(&mut rig).is_empty());
    rig.advance(1);
    let second = coming(&mut rig);
    assert!(second.len() == 1 && second != first, "{second:?}");
    rig.advance(1_000);
    assert_eq!(coming(&mut rig).len(), 1);
    rig.advance(100_000);
    assert_eq!((coming(&mut rig).len(), rig.broker.scheduled_count()), (0, 0));
    // Without a delay the first one comes after the period; what a pause let pass comes once.
    accept(send(&mut rig, "", "q", "period=1000\nrepeats=-1", "b"));
    rig.advance(999);
    assert!(coming(&mut rig).is_empty());
    rig.advance(5_001);
    assert_eq!(coming(&mut rig).len(), 1);
    rig.advance(1_000);
    assert_eq!((coming(&mut rig).len(), rig.broker.scheduled_count()), (1, 1));
}

#[test]
fn a_calendar_begins_again_and_again() {
    let mut rig = rig();
    rig.broker.set_limits(Limits { consumer_timeout_ms: None, ..Limits::default() });
    rig.consume("q", 0, None);
    // It is 01:46:40.
    accept(send(&mut rig, "", "q", "calendar=*/20 * * * *", "once"));
    accept(send(&mut rig, "", "q", "calendar=50 1 * * *\ndelay=1000\nperiod=1000\nrepeats=1", "twice"));
    rig.advance(200_000);
    assert!(coming(&mut rig).is_empty());
    rig.advance(1_000);
    assert_eq!(coming(&mut rig).len(), 1);
    rig.advance(1_000);
    assert_eq!((coming(&mut rig).len(), rig.broker.scheduled_count()), (1, 2));
    rig.advance(600_000);
    let shown: Vec<String> = coming(&mut rig);
    assert!(shown.len() == 1 && shown[0].starts_with("once job=job-"), "{shown:?}");
    rig.advance(1_200_000);
    assert_eq!(coming(&mut rig).len(), 1);
}

#[test]
fn what_is_scheduled_wrongly_is_refused() {
    for (head, name, number) in [
        ("delay=x", "delay", true),
        ("delay=-1", "delay", true),
        ("delay=999999999999999", "delay", true),
        ("period=1.5", "period", true),
        ("delay=1\nrepeats=3000000000", "repeats", true),
        ("calendar=61 * * * *", "calendar", false),
        ("calendar=* * * * *\nrepeats=-1", "repeats", false),
        ("delay=1\nrepeats=-1", "period", false),
        ("action=show\nfrom=x\nto=2", "from", true),
    ] {
        let get = |name: &str| {
            let line = head.lines().find(|line| line.split_once('=').unwrap().0 == name);
            line.map(|line| Value::str(line.split_once('=').unwrap().1))
        };
        let (node, key) = if head.contains("action") { SCHEDULE.orders } else { ("", "q") };
        let error = SCHEDULE.read(node, key, &get).unwrap_err();
        assert_eq!(error.name, name, "{head}");
        assert_eq!(matches!(error.problem, ScheduleProblem::Number { .. }), number, "{error}");
    }
    let get = |name: &str| (name == "delay" || name == "job").then_some(Value::I64(5));
    assert_eq!(SCHEDULE.read("", "q", &get), Ok(Timing::Now), "it was scheduled before");
    let mut rig = rig();
    let answer = send(&mut rig, "", "q", "delay=1\nperiod=1\nrepeats=1001", "a");
    assert!(matches!(answer, Err(Error::Limit { limit: LimitKind::ScheduleRepeats, max: 1_000, .. })));
    assert_eq!(rig.broker.scheduled_count(), 0);
}

#[test]
fn i11_there_are_no_more_than_the_limit() {
    let mut rig = rig();
    rig.broker.set_limits(Limits { max_scheduled: 2, max_scheduled_bytes: 600, ..Limits::default() });
    accept(send(&mut rig, "", "q", "delay=1000", "a"));
    let answer = send(&mut rig, "", "q", "delay=1000", &"x".repeat(300));
    assert!(matches!(answer, Err(Error::Limit { limit: LimitKind::Scheduled, max: 600, .. })), "{answer:?}");
    accept(send(&mut rig, "", "q", "delay=1000", "b"));
    let answer = send(&mut rig, "", "q", "delay=1000", "c");
    assert!(matches!(answer, Err(Error::Limit { limit: LimitKind::Scheduled, max: 2, .. })), "{answer:?}");
    rig.advance(1_000);
    assert_eq!(rig.counts("q").0, 2);
    accept(send(&mut rig, "", "q", "delay=1000", "c"));
}

/// Wherever a crash cuts the log, a message that was promised is scheduled or in its queue, never both.
#[test]
fn i6_a_scheduled_message_is_neither_lost_nor_doubled_by_a_crash() {
    let mut rig = rig();
    rig.turn();
    accept(send(&mut rig, "", "q", "delay=1000\nperiod=1000\nrepeats=3", "a"));
    let promised = rig.log.0.borrow().next;
    for _ in 0..5 {
        rig.advance(1_000);
    }
    assert_eq!((rig.counts("q").0, rig.broker.scheduled_count()), (4, 0));
    let ends: Vec<u64> = rig.log.0.borrow().all.iter().map(|r| r.0 + 40 + r.3.len() as u64).collect();
    for cut in ends.into_iter().filter(|end| *end >= promised) {
        rig.log.0.borrow_mut().durable = cut;
        let mut after = Rig::over(rig.crashed_log(), false);
        let ready = after.counts("q").0;
        let left = after.broker.scheduled(0, 10);
        let repeats: u64 = left.iter().map(|view| u64::from(view.schedule.repeats.unwrap()) + 1).sum();
        assert_eq!(ready + repeats, 4, "cut at {cut}");
        for _ in 0..9 {
            after.advance(1_000);
        }
        assert_eq!((after.counts("q").0, after.broker.scheduled_count()), (4, 0), "cut at {cut}");
    }
}

#[test]
fn i1_what_is_scheduled_survives_checkpoints_and_crashes() {
    let mut rig = rig();
    for index in 0..50 {
        accept(send(&mut rig, "", "q", "delay=1000", &format!("{index}")));
    }
    accept(send(&mut rig, "", "q", "period=700\nrepeats=9", "again"));
    accept(send(&mut rig, "", "q", "calendar=0 0 1 1 *", "new year"));
    rig.advance(700);
    rig.broker.request_checkpoint();
    rig.turn();
    rig.log_requests();
    accept(send(&mut rig, "", "q", "delay=5", "late"));
    rig.turn();
    let before = rig.broker.scheduled(0, 100);
    let mut rig = Rig::over(rig.crashed_log(), false);
    let after = rig.broker.scheduled(0, 100);
    assert_eq!(after.len(), 53);
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((before.id, before.due_ms, &before.schedule), (after.id, after.due_ms, &after.schedule));
        assert_eq!((&*after.user, &*after.namespace, &*after.key), ("root", "main", "q"));
    }
    rig.advance(1_000);
    assert_eq!(rig.counts("q").0, 1 + 50 + 1 + 1);
    accept(send(&mut rig, "", "q", "delay=5", "more"));
    let ids: Vec<u64> = rig.broker.scheduled(0, 100).iter().map(|view| view.id).collect();
    assert!(ids.last() > after.last().map(|view| &view.id), "no id comes again");
}

/// What is sent again after a crash is known, scheduled as it is.
#[test]
fn i1_a_scheduled_message_that_is_sent_again_is_there_once() {
    let mut rig = rig();
    let origin = rig.broker.origin_of(rig.session, "p", 7).unwrap();
    let timing = Timing::Later(Schedule::after(1_000));
    let message = message("", "q", "", "a");
    let publish = Publish { message, extra_keys: &[], claimed_user: None };
    accept(rig.broker.publish_timed(rig.session, publish, &timing, Some(origin)));
    rig.turn();
    let mut rig = Rig::over(rig.crashed_log(), false);
    let origin = rig.broker.origin_of(rig.session, "p", 7).unwrap();
    assert!(rig.broker.is_resent(origin));
    let next = rig.broker.origin_of(rig.session, "p", 8).unwrap();
    assert!(!rig.broker.is_resent(next));
    rig.advance(1_000);
    assert_eq!(rig.counts("q").0, 1);
}

/// What was due when the crash came may have been handed out already.
#[test]
fn i4_what_a_crash_may_have_taken_back_is_flagged() {
    for (was_clean, mark) in [(true, ""), (false, "!")] {
        let mut rig = rig();
        accept(send(&mut rig, "", "q", "delay=0", "a"));
        accept(send(&mut rig, "", "q", "delay=9000", "b"));
        rig.broker.end_turn();
        let next = rig.log.0.borrow().next;
        rig.log.0.borrow_mut().durable = next;
        let mut rig = Rig::over(rig.crashed_log(), was_clean);
        rig.consume("q", 0, None);
        rig.advance(1);
        assert_eq!(coming(&mut rig), [format!("a{mark} job=job-{FIRST_ID}")], "{was_clean}");
        rig.advance(9_000);
        assert_eq!(coming(&mut rig), [format!("b job=job-{}", FIRST_ID + 1)]);
    }
}

/// Of several times that a crash took back each comes anew, and each is flagged, also after a second crash or a full queue.
#[test]
fn i4_each_time_that_a_crash_may_have_taken_back_is_flagged() {
    for crashes in 1..3 {
        let mut rig = rig();
        accept(send(&mut rig, "", "q", "delay=100\nperiod=200\nrepeats=4", "a"));
        rig.turn();
        // Handed out and never in the log.
        let log = rig.crashed_log();
        rig.consume("q", 0, None);
        rig.advance(100);
        rig.advance(250);
        assert_eq!(coming(&mut rig).len(), 2);
        let mut rig = Rig::over_at(log, START_MS + 350);
        rig.advance(1);
        for _ in 1..crashes {
            rig.turn();
            rig = Rig::over_at(rig.crashed_log(), START_MS + 351);
        }
        rig.consume("q", 0, None);
        let mut marks = Vec::new();
        for _ in 0..10 {
            marks.extend(coming(&mut rig).iter().map(|text| text.starts_with("a!")));
            rig.advance(200);
        }
        assert_eq!(marks, [true, true, false, false, false], "{crashes}");
    }
}

#[test]
fn s5_whoever_may_not_publish_any_more_does_not() {
    let mut rig = rig();
    accept(send(&mut rig, "", "q", "delay=1000\nperiod=1000\nrepeats=5", "a"));
    rig.advance(1_000);
    assert_eq!(rig.counts("q").0, 1);
    let _ = rig
        .broker
        .put_permission(PermissionDefinition {
            user: "root".into(),
            namespace: "main".into(),
            configure: ".*".into(),
            write: "n".into(),
            read: ".*".into(),
        })
        .unwrap();
    rig.advance(1_000);
    assert_eq!((rig.counts("q").0, rig.broker.scheduled_count()), (1, 0));
    let incidents = rig.broker.take_incidents();
    assert!(
        matches!(&incidents[..], [Incident::ScheduledDropped { key, user, .. }] if &**key == "q" && &**user == "root"),
        "{incidents:?}"
    );
    assert!(matches!(send(&mut rig, "", "q", "delay=1000", "b"), Err(Error::Refused { .. })));
}

#[test]
fn s5_a_key_of_a_topic_is_asked_for_too() {
    let mut rig = rig();
    rig.node("sys.topic", NodeKind::Topic);
    rig.bind("q", "sys.topic", "a.#");
    accept(send(&mut rig, "sys.topic", "a.b", "delay=10", "a"));
    accept(send(&mut rig, "sys.topic", "nobody", "delay=10", "b"));
    assert!(matches!(send(&mut rig, "absent", "k", "delay=10", "b"), Err(Error::NotFound { .. })));
    rig.advance(10);
    assert_eq!((rig.counts("q").0, rig.broker.scheduled_count()), (1, 0));
    assert!(rig.broker.take_incidents().is_empty(), "that nobody wants it is no incident");
}

#[test]
fn f4_while_publishers_are_held_back_it_waits() {
    let mut rig = rig();
    accept(send(&mut rig, "", "q", "delay=1000", "a"));
    rig.broker.set_alarm(Alarm::Disk, true);
    rig.advance(5_000);
    assert_eq!(rig.counts("q").0, 0);
    rig.broker.set_alarm(Alarm::Disk, false);
    rig.advance(1_000);
    assert_eq!(rig.counts("q").0, 1);
}

#[test]
fn i1_a_full_queue_is_waited_for() {
    let mut rig = rig();
    rig.queue("small", &[("max_length", Value::I64(1)), ("reject", Value::Bool(true))]);
    accept(send(&mut rig, "", "small", "delay=10", "a"));
    accept(send(&mut rig, "", "small", "delay=10", "b"));
    rig.advance(10);
    assert_eq!((rig.counts("small").0, rig.broker.scheduled_count()), (1, 1));
    rig.consume("small", 0, None);
    rig.turn();
    rig.advance(1_000);
    assert_eq!((rig.deliveries().len(), rig.broker.scheduled_count()), (2, 0));
}

#[test]
fn i11_a_turn_publishes_a_bounded_part() {
    let mut rig = rig();
    for _ in 0..3_000 {
        accept(send(&mut rig, "", "q", "delay=10", "a"));
    }
    let mut counts = Vec::new();
    rig.advance(10);
    while rig.broker.scheduled_count() > 0 {
        counts.push(rig.counts("q").0);
        rig.advance(1);
    }
    assert_eq!((&counts[..], rig.counts("q").0), (&[1_024, 2_048][..], 3_000));
}

#[test]
fn i6_a_transaction_schedules_with_its_commit() {
    let mut rig = rig();
    rig.broker.tx_select(rig.session).unwrap();
    accept(send(&mut rig, "", "q", "delay=1000", "a"));
    assert_eq!(rig.broker.scheduled_count(), 0);
    rig.broker.tx_rollback(rig.session).unwrap();
    let _ = rig.broker.tx_commit(rig.session).unwrap();
    assert_eq!(rig.broker.scheduled_count(), 0);
    accept(send(&mut rig, "", "q", "delay=1000", "b"));
    rig.advance(700);
    let _ = rig.broker.tx_commit(rig.session).unwrap();
    assert_eq!(rig.broker.scheduled_count(), 1);
    rig.advance(999);
    assert_eq!(rig.counts("q").0, 0, "the time counts from the commit on");
    rig.advance(1);
    assert_eq!(rig.counts("q").0, 1);
}

/// The order as an adapter gives it; ids of what comes to the answer queue.
fn order(rig: &mut Rig, head: &str) -> Vec<String> {
    accept(send(rig, "sys.topic", "orders", head, ""));
    rig.turn();
    coming(rig)
}

#[test]
fn orders_show_and_take_away() {
    let mut rig = rig();
    rig.node("sys.topic", NodeKind::Topic);
    rig.bind("q", "sys.topic", "answers");
    rig.consume("q", 0, None);
    for (index, delay) in [1_000, 2_000, 3_000].into_iter().enumerate() {
        accept(send(&mut rig, "", "q", &format!("delay={delay}\nmessage_id=m"), &format!("{index}")));
    }
    let shown = order(&mut rig, "action=show\nreply_key=answers");
    assert_eq!(shown.len(), 3);
    assert!(shown[0].starts_with(&format!("0 delay=1000 job=job-{FIRST_ID} message_id=")), "{shown:?}");
    let range = format!("action=show\nreply_key=answers\nfrom={}\nto={}", START_MS + 1_500, START_MS + 2_000);
    assert_eq!(order(&mut rig, &range).len(), 1);
    assert!(order(&mut rig, "action=show").is_empty(), "it does not say where to");
    assert!(order(&mut rig, "action=remove\njob=job-1").is_empty());
    assert!(order(&mut rig, "action=dance").is_empty());
    order(&mut rig, &format!("action=remove\njob=job-{FIRST_ID}"));
    assert_eq!(rig.broker.scheduled_count(), 2);
    order(&mut rig, &format!("action=remove-all\nfrom={}\nto={}", START_MS + 2_500, START_MS + 9_000));
    assert_eq!(rig.broker.scheduled_count(), 1);
    let mut rig = Rig::over(rig.crashed_log(), false);
    assert_eq!(rig.broker.scheduled(0, 10)[0].due_ms, START_MS + 2_000);
    order(&mut rig, "action=remove-all");
    assert_eq!((rig.broker.scheduled_count(), rig.broker.next_deadline_ms().is_some()), (0, true));
}

#[test]
fn s5_orders_are_about_what_one_may_send_oneself() {
    let mut rig = rig();
    rig.node("sys.topic", NodeKind::Topic);
    accept(send(&mut rig, "", "q", "delay=1000", "a"));
    let permit = |rig: &mut Rig, write: &str| {
        let permission = PermissionDefinition {
            user: "root".into(),
            namespace: "main".into(),
            configure: ".*".into(),
            write: write.into(),
            read: ".*".into(),
        };
        let _ = rig.broker.put_permission(permission).unwrap();
    };
    permit(&mut rig, "^sys\\.topic$");
    order(&mut rig, "action=remove-all");
    order(&mut rig, &format!("action=remove\njob=job-{FIRST_ID}"));
    assert_eq!(rig.broker.scheduled_count(), 1);
    permit(&mut rig, "^sys\\.default$");
    let answer = send(&mut rig, "sys.topic", "orders", "action=remove-all", "");
    assert!(matches!(answer, Err(Error::Refused { .. })), "{answer:?}");
    assert_eq!(rig.broker.scheduled_count(), 1);
}

/// What the broker itself puts into a queue after a while is told nothing, and goes with its queue (I10).
#[test]
fn i10_what_comes_to_a_queue_later_goes_with_it() {
    let mut rig = rig();
    let group = Some(Group::numbered("g", 0));
    for delay_ms in [1_000, 2_000] {
        let later = message("", "q", "mine=1", "a").in_group(group);
        let _ = rig.broker.put_into_queue_later("main", "q", &later, delay_ms).unwrap();
    }
    let later = message("", "q", "", "");
    assert_eq!(rig.broker.put_into_queue_later("main", "absent", &later, 1), Err(Error::Gone));
    rig.turn();
    for mut rig in [Rig::over(rig.crashed_log(), true), Rig::over(rig.crashed_log(), false)] {
        rig.consume("q", 0, None);
        rig.advance(1_000);
        let delivered = rig.deliveries();
        assert_eq!((delivered[0].message.head(), delivered[0].message.group()), (&b"mine=1"[..], group));
    }
    let _ = rig.broker.delete_queue(rig.session, "q", false, false).unwrap();
    rig.queue("q", &[]);
    rig.advance(2_000);
    assert_eq!((rig.counts("q"), rig.broker.scheduled_count()), ((0, 0), 0));
}

#[test]
fn a_namespace_takes_what_is_scheduled_in_it_along() {
    let mut rig = rig();
    accept(send(&mut rig, "", "q", "delay=1000", "a"));
    rig.turn();
    let _ = rig.broker.delete_namespace("main").unwrap();
    rig.turn();
    assert_eq!((rig.broker.scheduled_count(), rig.broker.take_incidents().len()), (0, 0));
}

#[test]
fn an_order_that_asks_for_nothing_is_one() {
    let none = |_: &str| None;
    let (node, key) = SCHEDULE.orders;
    let Ok(Timing::Order(order)) = SCHEDULE.read(node, key, &none) else { panic!("no order") };
    assert_eq!((order.action, order.range_ms), (ScheduleAction::Nothing, (0, u64::MAX)));
    assert_eq!(Schedule::after(5).repeats, Some(0));
    assert_eq!(Calendar::parse("0 * * * *").unwrap().text(), "0 * * * *");
    assert!(SCHEDULE.is_one("delay") && !SCHEDULE.is_one("mine"));
    // A delivery of a scheduled message is settled as any other.
    let mut rig = rig();
    rig.consume("q", 0, None);
    accept(send(&mut rig, "", "q", "delay=1", "a"));
    rig.advance(1);
    assert_eq!(rig.deliveries().len(), 1);
    rig.broker.settle(rig.session, DeliveryId(1), SettleRange::One, Outcome::Accept).unwrap();
    rig.turn();
    assert_eq!(rig.counts("q"), (0, 0));
}
