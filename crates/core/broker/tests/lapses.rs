//! Durable subscriptions that end when nobody takes them up again in time.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use support::{Rig, START_MS};
use ternmq_broker::{
    ConnectionId, ConnectionInfo, ConsumeSpec, ConsumerId, Lapse, LapseStart, SessionId, SubscriptionSpec,
};

const QUEUE: &str = "sys.sub.one";
const AFTER_MS: u64 = 10_000;

fn lapse(starts: LapseStart) -> Option<Lapse> {
    Some(Lapse { starts, after_ms: AFTER_MS })
}

fn open_as(rig: &mut Rig, session: SessionId, lapse: Option<Lapse>) -> ConsumerId {
    let consume = ConsumeSpec {
        queue: QUEUE,
        label: 1,
        window: None,
        needs_settle: true,
        is_exclusive: false,
        priority: 0,
        is_preferred: false,
    };
    let spec = SubscriptionSpec {
        queue: QUEUE.into(),
        is_durable: true,
        is_shared: true,
        places: vec![("sys.topic".into(), "a".into())],
        lapse,
        ..SubscriptionSpec::default()
    };
    let consumer = rig.broker.open_subscription(session, &spec, &consume).unwrap().value;
    rig.broker.start_consumer(consumer);
    rig.turn();
    consumer
}

fn open(rig: &mut Rig, starts: LapseStart) -> ConsumerId {
    open_as(rig, rig.session, lapse(starts))
}

fn another(rig: &mut Rig) -> (ConnectionId, SessionId) {
    let connection = rig.broker.connect(&"root".into(), "main", ConnectionInfo::default()).unwrap();
    (connection, rig.broker.open_session(connection, 2).unwrap())
}

fn is_there(rig: &Rig) -> bool {
    rig.broker.has_queue(rig.session, QUEUE)
}

/// It stays until its time is over, and not a moment longer.
fn expect_to_go_after(rig: &mut Rig, ms: u64) {
    rig.advance(ms - 1);
    assert!(is_there(rig), "{ms} ms are not over");
    rig.advance(1);
    assert!(!is_there(rig), "{ms} ms are over");
}

#[test]
fn a_subscription_ends_so_long_after_its_last_consumer() {
    let mut rig = Rig::new();
    let consumer = open(&mut rig, LapseStart::NoConsumer);
    rig.advance(3 * AFTER_MS);
    assert!(is_there(&rig), "somebody has it");
    rig.broker.cancel(consumer);
    rig.advance(AFTER_MS - 1);
    let consumer = open(&mut rig, LapseStart::NoConsumer);
    rig.advance(3 * AFTER_MS);
    rig.broker.cancel(consumer);
    expect_to_go_after(&mut rig, AFTER_MS);
}

#[test]
fn one_may_wait_for_the_end_of_its_session_or_connection() {
    let mut rig = Rig::new();
    for starts in [LapseStart::SessionEnd, LapseStart::ConnectionEnd] {
        let (connection, session) = another(&mut rig);
        let consumer = open_as(&mut rig, session, lapse(starts));
        rig.broker.cancel(consumer);
        rig.advance(3 * AFTER_MS);
        assert!(is_there(&rig), "its session goes on");
        rig.broker.close_session(session);
        if starts == LapseStart::ConnectionEnd {
            rig.advance(3 * AFTER_MS);
            assert!(is_there(&rig), "its connection goes on");
            rig.broker.disconnect(connection);
        }
        expect_to_go_after(&mut rig, AFTER_MS);
    }
}

#[test]
fn the_end_of_a_connection_is_the_end_of_its_links_and_sessions() {
    let mut rig = Rig::new();
    for starts in [LapseStart::NoConsumer, LapseStart::SessionEnd, LapseStart::ConnectionEnd] {
        let (connection, session) = another(&mut rig);
        open_as(&mut rig, session, lapse(starts));
        rig.broker.disconnect(connection);
        expect_to_go_after(&mut rig, AFTER_MS);
    }
}

#[test]
fn whoever_opened_it_last_says_when_it_ends() {
    let mut rig = Rig::new();
    let (first, session) = another(&mut rig);
    let left = open_as(&mut rig, session, lapse(LapseStart::SessionEnd));
    let consumer = open(&mut rig, LapseStart::SessionEnd);
    rig.broker.cancel(left);
    rig.broker.disconnect(first);
    rig.broker.cancel(consumer);
    rig.advance(3 * AFTER_MS);
    assert!(is_there(&rig), "the session of the last one goes on");
    let session = rig.session;
    let consumer = open_as(&mut rig, session, None);
    rig.broker.cancel(consumer);
    let (connection, _) = another(&mut rig);
    rig.broker.disconnect(connection);
    rig.advance(100 * AFTER_MS);
    assert!(is_there(&rig), "it never ends now");
    assert_eq!(rig.broker.subscription_lapse(rig.session, QUEUE).unwrap(), None);
}

#[test]
fn one_without_a_time_goes_at_once() {
    let mut rig = Rig::new();
    let session = rig.session;
    let at_once = Some(Lapse { starts: LapseStart::NoConsumer, after_ms: 0 });
    let consumer = open_as(&mut rig, session, at_once);
    rig.broker.cancel(consumer);
    let consumer = open_as(&mut rig, session, at_once);
    rig.turn();
    assert!(is_there(&rig), "taken up in the same turn");
    rig.broker.cancel(consumer);
    rig.turn();
    assert!(!is_there(&rig));
    open_as(&mut rig, session, at_once);
    let rig = Rig::over(rig.crashed_log(), false);
    assert!(!is_there(&rig), "a restart is the end of its consumer");
}

#[test]
fn a_restart_goes_on_counting_also_behind_a_checkpoint() {
    let mut rig = Rig::new();
    let consumer = open(&mut rig, LapseStart::NoConsumer);
    rig.broker.cancel(consumer);
    rig.advance(4_000);
    rig.broker.request_checkpoint();
    (0..20).for_each(|_| rig.turn());
    let mut rig = Rig::over_at(rig.crashed_log(), START_MS + 6_000);
    assert_eq!(rig.broker.subscription_lapse(rig.session, QUEUE).unwrap(), lapse(LapseStart::NoConsumer));
    expect_to_go_after(&mut rig, 4_000);
    assert!(!is_there(&Rig::over_at(rig.crashed_log(), START_MS + 10_000)), "it does not come back");
}

#[test]
fn one_that_was_in_use_counts_from_the_first_restart_on() {
    let mut rig = Rig::new();
    open(&mut rig, LapseStart::ConnectionEnd);
    let mut rig = Rig::over_at(rig.crashed_log(), START_MS + 100_000);
    rig.advance(6_000);
    let mut rig = Rig::over_at(rig.crashed_log(), START_MS + 106_000);
    expect_to_go_after(&mut rig, 4_000);
}

#[test]
fn one_that_lapsed_while_nothing_ran_is_gone_after_the_start() {
    let mut rig = Rig::new();
    let consumer = open(&mut rig, LapseStart::NoConsumer);
    rig.broker.cancel(consumer);
    rig.turn();
    let rig = Rig::over_at(rig.crashed_log(), START_MS + AFTER_MS);
    assert!(!is_there(&rig));
}
