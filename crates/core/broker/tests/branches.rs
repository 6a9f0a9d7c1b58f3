//! Branches of distributed transactions, and messages that are sent again.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use support::{Rig, START_MS};
use ternmq_broker::{
    BranchError, BranchId, BrowseSpec, Commit, ConnectionInfo, ConsumeSpec, Decision, DeliveryId, Limits,
    Outcome, PermissionDefinition, Publish, Published, RollbackReason, Schedule, SessionId, SettleRange,
    UserDefinition, Vote,
};
use ternmq_message::{Message, MessageMeta, Value};

fn id(name: &str) -> BranchId {
    BranchId::new(7, name.as_bytes(), b"1").unwrap()
}

fn message(queue: &str, body: &str) -> Message {
    let meta = MessageMeta { is_durable: true, ..MessageMeta::default() };
    Message::new("", queue, b"", body.as_bytes(), meta, None).unwrap()
}

fn stage(rig: &mut Rig, branch: &str, queue: &str, body: &str) {
    let publish = Publish { message: message(queue, body), extra_keys: &[], claimed_user: None };
    let staged = rig.broker.publish_in_branch(rig.session, &id(branch), publish, None).unwrap();
    assert!(matches!(staged, Published::Accepted(_)));
}

fn stage_later(rig: &mut Rig, branch: &str, queue: &str, body: &str, schedule: Schedule) {
    let publish = Publish { message: message(queue, body), extra_keys: &[], claimed_user: None };
    let staged =
        rig.broker.publish_later_in_branch(rig.session, &id(branch), publish, schedule, None).unwrap();
    assert!(matches!(staged, Published::Accepted(_)));
}

fn accept(rig: &mut Rig, branch: &str, number: u64) {
    rig.broker.accept_in_branch(rig.session, &id(branch), DeliveryId(number)).unwrap();
}

fn prepare(rig: &mut Rig, branch: &str) -> Vote {
    let done = rig.broker.prepare_branch(rig.session, &id(branch)).unwrap();
    rig.turn();
    assert!(rig.broker.durable().covers(done.receipt));
    done.value
}

fn commit(rig: &mut Rig, branch: &str) {
    let receipt = rig.broker.commit_branch(rig.session, &id(branch), Commit::TwoPhase).unwrap();
    assert!(!rig.broker.durable().covers(receipt), "not before it is in the log (I8)");
    rig.turn();
    assert!(rig.broker.durable().covers(receipt));
}

fn roll_back(rig: &mut Rig, branch: &str) {
    let _ = rig.broker.roll_back_branch(rig.session, &id(branch)).unwrap();
    rig.turn();
}

fn recovered(rig: &Rig) -> Vec<BranchId> {
    rig.broker.recover_branches(rig.session).unwrap().value
}

fn crash(rig: &Rig) -> Rig {
    Rig::over(rig.crashed_log(), false)
}

/// Everything that a queue hands out, accepted.
fn drain(rig: &mut Rig, queue: &str) -> Vec<String> {
    let consumer = rig.consume(queue, 70, None);
    let mut bodies = Vec::new();
    loop {
        let deliveries = rig.deliveries();
        if deliveries.is_empty() {
            break;
        }
        for delivery in &deliveries {
            let number = delivery.delivery;
            rig.broker.settle(rig.session, number, SettleRange::One, Outcome::Accept).unwrap();
        }
        bodies.extend(deliveries.iter().map(|d| String::from_utf8(d.message.body().to_vec()).unwrap()));
    }
    rig.broker.cancel(consumer);
    rig.turn();
    bodies
}

/// A branch that publishes `x`, `y` to `out` and accepts `a`, `c` of `in`, which has `a`, `b`, `c`.
fn prepared_rig() -> Rig {
    let mut rig = Rig::new();
    rig.queue("in", &[]);
    rig.queue("out", &[]);
    rig.fill("in", &["a", "b", "c"]);
    rig.consume("in", 0, None);
    assert_eq!(rig.bodies(), ["a", "b", "c"]);
    rig.broker.begin_branch(rig.session, &id("t")).unwrap();
    stage(&mut rig, "t", "out", "x");
    stage(&mut rig, "t", "out", "y");
    accept(&mut rig, "t", 1);
    accept(&mut rig, "t", 3);
    assert_eq!(prepare(&mut rig, "t"), Vote::Prepared);
    rig
}

#[test]
fn i6_a_prepared_branch_survives_and_is_committed_as_a_whole() {
    for restarts in 0..3 {
        let mut rig = prepared_rig();
        for _ in 0..restarts {
            rig = crash(&rig);
            assert_eq!(recovered(&rig), [id("t")]);
            assert_eq!((rig.counts("out"), rig.counts("in")), ((0, 0), (1, 2)), "{restarts}");
            assert_eq!(rig.broker.branch_views(None)[0].publishes, 2);
        }
        commit(&mut rig, "t");
        assert!(recovered(&rig).is_empty());
        rig = crash(&rig);
        assert!(recovered(&rig).is_empty());
        assert_eq!(drain(&mut rig, "out"), ["x", "y"]);
        assert_eq!(drain(&mut rig, "in"), ["b"]);
    }
}

#[test]
fn i6_a_prepared_branch_survives_and_is_rolled_back_as_a_whole() {
    for restarts in 0..3 {
        let mut rig = prepared_rig();
        for _ in 0..restarts {
            rig = crash(&rig);
        }
        roll_back(&mut rig, "t");
        if restarts == 0 {
            assert!(rig.broker.is_unsettled(rig.session, DeliveryId(1)), "its consumer has it again");
            assert!(rig.bodies().is_empty());
        }
        rig = crash(&rig);
        assert!(recovered(&rig).is_empty());
        assert_eq!(drain(&mut rig, "out"), Vec::<String>::new());
        assert_eq!(drain(&mut rig, "in"), ["a", "b", "c"], "in their old places");
    }
}

#[test]
fn a_prepared_branch_keeps_its_messages_locked() {
    let mut rig = crash(&prepared_rig());
    let look = rig.broker.browse(rig.session, "in", BrowseSpec { after: None, max_count: 9, max_bytes: 99 });
    let page = look.unwrap().read(&rig.log);
    assert_eq!(page.messages.iter().map(|m| m.message.body().to_vec()).collect::<Vec<_>>(), [b"b"]);
    assert_eq!(drain(&mut rig, "in"), ["b"]);
    assert_eq!(rig.broker.purge_queue(rig.session, "in").unwrap().value, 0);
    rig.turn();
    commit(&mut rig, "t");
    assert_eq!(rig.counts("in"), (0, 0));
}

#[test]
fn a_purge_leaves_what_is_locked() {
    for is_read in [false, true] {
        let mut rig = crash(&prepared_rig());
        if is_read {
            let consumer = rig.consume("in", 0, None);
            assert_eq!(rig.bodies(), ["b"]);
            rig.broker.cancel(consumer);
            rig.broker.settle(rig.session, DeliveryId(1), SettleRange::One, Outcome::Requeue).unwrap();
        }
        assert_eq!(rig.broker.purge_queue(rig.session, "in").unwrap().value, 1);
        rig = crash(&rig_turned(rig));
        assert_eq!(rig.counts("in"), (0, 2));
        roll_back(&mut rig, "t");
        assert_eq!(drain(&mut rig, "in"), ["a", "c"]);
    }
}

fn rig_turned(mut rig: Rig) -> Rig {
    rig.turn();
    rig
}

#[test]
fn prepared_branches_survive_checkpoints_and_give_segments_back() {
    let mut rig = prepared_rig();
    for _ in 0..3 {
        rig.checkpoint_unread();
        rig.queue("noise", &[]);
        rig.fill("noise", &[&"n".repeat(3_000), &"n".repeat(3_000)]);
        drain(&mut rig, "noise");
        rig.checkpoint_unread();
        rig = crash(&rig);
        assert_eq!(recovered(&rig), [id("t")]);
        assert_eq!((rig.counts("out"), rig.counts("in")), ((0, 0), (1, 2)));
    }
    commit(&mut rig, "t");
    rig.checkpoint_unread();
    rig = crash(&rig);
    assert_eq!(
        (drain(&mut rig, "out"), drain(&mut rig, "in")),
        (vec!["x".into(), "y".into()], vec!["b".into()])
    );
}

#[test]
fn a_long_backlog_in_the_log_with_locked_entries_in_its_middle() {
    for is_committed in [true, false] {
        let mut rig = Rig::with_room(64 << 10);
        rig.queue("q", &[]);
        let bodies: Vec<String> = (0..6_000).map(|n| format!("{n:0>64}")).collect();
        for body in &bodies {
            rig.fill("q", &[body]);
        }
        rig.turn();
        // All are handed out and read from the log; some in the middle are accepted within a branch.
        let consumer = rig.consume("q", 0, Some(6_000));
        let mut deliveries = Vec::new();
        while deliveries.len() < 6_000 {
            deliveries.extend(rig.deliveries());
        }
        rig.broker.begin_branch(rig.session, &id("t")).unwrap();
        let held = [1_usize, 1_500, 1_501, 4_000, 5_999];
        for at in held {
            rig.broker.accept_in_branch(rig.session, &id("t"), deliveries[at].delivery).unwrap();
        }
        assert_eq!(prepare(&mut rig, "t"), Vote::Prepared);
        rig.broker.cancel(consumer);
        let mut rig = crash(&rig);
        assert_eq!(rig.counts("q"), (5_995, 5));
        let expected: Vec<String> = bodies
            .iter()
            .enumerate()
            .filter(|(at, _)| !held.contains(at))
            .map(|(_, body)| body.clone())
            .collect();
        let first = drain(&mut rig, "q");
        assert_eq!(first, expected);
        if is_committed {
            commit(&mut rig, "t");
            assert!(drain(&mut crash(&rig), "q").is_empty());
        } else {
            roll_back(&mut rig, "t");
            let back: Vec<&String> = held.iter().map(|at| &bodies[*at]).collect();
            assert_eq!(drain(&mut crash(&rig), "q").iter().collect::<Vec<_>>(), back);
        }
    }
}

#[test]
fn what_is_decided_before_it_was_read_is_in_no_way_back() {
    // Neither branch's entries come into memory before the decision.
    let mut rig = prepared_rig();
    rig = crash(&rig);
    commit(&mut rig, "t");
    rig.checkpoint_unread();
    rig = crash(&rig);
    assert_eq!(drain(&mut rig, "in"), ["b"]);
}

#[test]
fn a_branch_that_is_not_prepared_goes_with_its_connection() {
    let mut rig = Rig::new();
    rig.queue("q", &[]);
    rig.fill("q", &["a"]);
    rig.consume("q", 0, None);
    rig.turn();
    rig.broker.begin_branch(rig.session, &id("t")).unwrap();
    stage(&mut rig, "t", "q", "x");
    accept(&mut rig, "t", 1);
    rig.broker.disconnect(rig.connection);
    rig.connection = rig.broker.connect(&"root".into(), "main", ConnectionInfo::default()).unwrap();
    rig.session = rig.broker.open_session(rig.connection, 1).unwrap();
    let gone = rig.broker.commit_branch(rig.session, &id("t"), Commit::OnePhase);
    assert_eq!(gone, Err(BranchError::Unknown));
    rig.effects.clear();
    assert_eq!(drain(&mut rig, "q"), ["a"]);
}

#[test]
fn a_prepared_branch_outlives_its_connection_and_any_of_its_user_decides() {
    for is_committed in [true, false] {
        let mut rig = prepared_rig();
        rig.broker.disconnect(rig.connection);
        rig.connection = rig.broker.connect(&"root".into(), "main", ConnectionInfo::default()).unwrap();
        rig.session = rig.broker.open_session(rig.connection, 1).unwrap();
        rig.effects.clear();
        assert_eq!(rig.counts("in"), (1, 2));
        let _ = rig.broker.put_user(UserDefinition {
            name: "other".into(),
            tags: vec!["admin".into()],
            ..UserDefinition::default()
        });
        let _ = rig
            .broker
            .put_permission(PermissionDefinition {
                user: "other".into(),
                namespace: "main".into(),
                configure: ".*".into(),
                write: ".*".into(),
                read: ".*".into(),
            })
            .unwrap();
        let other = rig.broker.connect(&"other".into(), "main", ConnectionInfo::default()).unwrap();
        let other = rig.broker.open_session(other, 1).unwrap();
        assert!(rig.broker.recover_branches(other).unwrap().value.is_empty());
        assert_eq!(rig.broker.roll_back_branch(other, &id("t")), Err(BranchError::Unknown));
        assert_eq!(rig.broker.begin_branch(other, &id("t")), Err(BranchError::InUse));
        if is_committed {
            commit(&mut rig, "t");
            assert_eq!((drain(&mut rig, "in"), drain(&mut rig, "out").len()), (vec!["b".into()], 2));
        } else {
            roll_back(&mut rig, "t");
            assert_eq!(drain(&mut rig, "in"), ["a", "b", "c"]);
        }
    }
}

#[test]
fn several_connections_join_a_branch() {
    let mut rig = Rig::new();
    rig.queue("q", &[]);
    rig.fill("q", &["a", "b"]);
    let second = rig.broker.connect(&"root".into(), "main", ConnectionInfo::default()).unwrap();
    let joined = rig.broker.open_session(second, 2).unwrap();
    let consumer = consume_in(&mut rig, joined);
    rig.turn();
    rig.broker.begin_branch(rig.session, &id("t")).unwrap();
    rig.broker.begin_branch(joined, &id("t")).unwrap();
    stage(&mut rig, "t", "q", "x");
    rig.broker.accept_in_branch(joined, &id("t"), DeliveryId(1)).unwrap();
    assert!(
        rig.broker.is_in_branch(joined, DeliveryId(1)) && !rig.broker.is_unsettled(joined, DeliveryId(1))
    );
    let _ = rig.broker.commit_branch(rig.session, &id("t"), Commit::OnePhase).unwrap();
    assert!(
        !rig.broker.is_in_branch(joined, DeliveryId(1)) && !rig.broker.is_unsettled(joined, DeliveryId(1))
    );
    rig.broker.cancel(consumer);
    // One that leaves takes its part with it: what is left is no transaction any more.
    rig.broker.begin_branch(rig.session, &id("u")).unwrap();
    rig.broker.accept_in_branch(joined, &id("u"), DeliveryId(2)).unwrap();
    rig.broker.disconnect(second);
    let spoilt = BranchError::RolledBack { reason: RollbackReason::Spoilt };
    assert_eq!(rig.broker.prepare_branch(rig.session, &id("u")), Err(spoilt));
    rig.turn();
    rig.effects.clear();
    assert_eq!(drain(&mut rig, "q"), ["b", "x"]);
}

fn consume_in(rig: &mut Rig, session: SessionId) -> ternmq_broker::ConsumerId {
    let spec = ConsumeSpec {
        queue: "q",
        label: 9,
        window: Some(2),
        needs_settle: true,
        is_exclusive: false,
        priority: 0,
        is_preferred: false,
    };
    let consumer = rig.broker.consume(session, &spec).unwrap();
    rig.broker.start_consumer(consumer);
    consumer
}

#[test]
fn what_a_branch_is_asked_out_of_turn() {
    let mut rig = Rig::new();
    rig.queue("q", &[]);
    let session = rig.session;
    assert_eq!(rig.broker.prepare_branch(session, &id("t")), Err(BranchError::Unknown));
    rig.broker.begin_branch(session, &id("t")).unwrap();
    rig.broker.begin_branch(session, &id("t")).unwrap();
    let early = rig.broker.commit_branch(session, &id("t"), Commit::TwoPhase);
    assert_eq!(early, Err(BranchError::NotPrepared));
    assert_eq!(prepare(&mut rig, "t"), Vote::ReadOnly);
    assert_eq!(rig.broker.roll_back_branch(session, &id("t")), Err(BranchError::Unknown));
    rig.broker.begin_branch(session, &id("t")).unwrap();
    stage(&mut rig, "t", "q", "x");
    assert_eq!(prepare(&mut rig, "t"), Vote::Prepared);
    assert_eq!(rig.broker.prepare_branch(session, &id("t")), Err(BranchError::Prepared));
    assert_eq!(rig.broker.begin_branch(session, &id("t")), Err(BranchError::Prepared));
    let publish = Publish { message: message("q", "late"), extra_keys: &[], claimed_user: None };
    let late = rig.broker.publish_in_branch(session, &id("t"), publish, None);
    assert_eq!(late.unwrap_err(), BranchError::Prepared);
    let unknown = rig.broker.accept_in_branch(session, &id("u"), DeliveryId(1));
    assert_eq!(unknown, Err(BranchError::Unknown));
    assert_eq!(rig.broker.decide_branch("main", &id("u"), Decision::Commit), Err(BranchError::Unknown));
    let _ = rig.broker.decide_branch("main", &id("t"), Decision::Commit).unwrap();
    assert_eq!(rig.counts("q"), (1, 0));
}

#[test]
fn i11_branches_and_their_bytes_are_limited() {
    let mut rig = Rig::new();
    rig.queue("q", &[]);
    rig.broker.set_limits(Limits { max_branches: 2, max_prepared_bytes: 100, ..Limits::default() });
    for name in ["a", "b"] {
        rig.broker.begin_branch(rig.session, &id(name)).unwrap();
        stage(&mut rig, name, "q", &"x".repeat(60));
    }
    assert_eq!(rig.broker.begin_branch(rig.session, &id("c")), Err(BranchError::TooMany { max: 2 }));
    assert_eq!(prepare(&mut rig, "a"), Vote::Prepared);
    let too_large = BranchError::RolledBack { reason: RollbackReason::TooLarge { max: 100 } };
    assert_eq!(rig.broker.prepare_branch(rig.session, &id("b")), Err(too_large));
    rig.broker.begin_branch(rig.session, &id("c")).unwrap();
}

#[test]
fn a_full_queue_refuses_before_the_promise_and_not_after_it() {
    let mut rig = Rig::new();
    rig.queue("q", &[("max_length", Value::I64(1)), ("reject", Value::Bool(true))]);
    for name in ["a", "b"] {
        rig.broker.begin_branch(rig.session, &id(name)).unwrap();
        stage(&mut rig, name, "q", name);
    }
    assert_eq!(prepare(&mut rig, "a"), Vote::Prepared);
    rig.fill("q", &["first"]);
    let full = BranchError::RolledBack { reason: RollbackReason::QueueFull };
    assert_eq!(rig.broker.prepare_branch(rig.session, &id("b")), Err(full));
    let mut rig = crash(&rig_turned(rig));
    commit(&mut rig, "a");
    assert_eq!(drain(&mut rig, "q"), ["first", "a"]);
}

#[test]
fn a_branch_needs_room_for_all_its_messages_together() {
    let mut rig = Rig::new();
    rig.queue("many", &[("max_length", Value::I64(3)), ("reject", Value::Bool(true))]);
    rig.queue("large", &[("max_bytes", Value::I64(6)), ("reject", Value::Bool(true))]);
    let full = BranchError::RolledBack { reason: RollbackReason::QueueFull };
    let begin = |rig: &mut Rig, bodies: &[(&str, &str)]| {
        rig.broker.begin_branch(rig.session, &id("b")).unwrap();
        bodies.iter().for_each(|(queue, body)| stage(rig, "b", queue, body));
    };
    begin(&mut rig, &[("many", "1"), ("many", "2"), ("many", "3"), ("many", "4")]);
    assert_eq!(rig.broker.prepare_branch(rig.session, &id("b")), Err(full.clone()), "each alone fits");
    begin(&mut rig, &[("large", "1234"), ("many", "1"), ("large", "567")]);
    let one_phase = rig.broker.commit_branch(rig.session, &id("b"), Commit::OnePhase);
    assert_eq!(one_phase, Err(full), "the same by bytes and in one phase");
    begin(&mut rig, &[("large", "1234"), ("many", "1"), ("many", "2"), ("large", "56"), ("many", "3")]);
    assert_eq!(prepare(&mut rig, "b"), Vote::Prepared, "as much as there is room for");
    commit(&mut rig, "b");
    assert_eq!(drain(&mut rig, "many"), ["1", "2", "3"], "nothing of what was refused");
    assert_eq!(drain(&mut rig, "large"), ["1234", "56"]);
}

#[test]
fn a_branch_whose_queue_goes_is_decided_all_the_same() {
    let mut rig = prepared_rig();
    for queue in ["in", "out"] {
        let _ = rig.broker.delete_queue(rig.session, queue, false, false).unwrap();
        rig.queue(queue, &[]);
        rig.fill(queue, &["new"]);
    }
    rig = crash(&rig_turned(rig));
    commit(&mut rig, "t");
    assert_eq!((drain(&mut rig, "in"), drain(&mut rig, "out")), (vec!["new".into()], vec!["new".into()]));
}

/// Sends a message as its producer's number `sequence`, unless it came already.
fn send(rig: &mut Rig, sequence: u64, body: &str) -> bool {
    let origin = rig.broker.origin_of(rig.session, "producer", sequence).unwrap();
    if rig.broker.is_resent(origin) {
        return false;
    }
    let publish = Publish { message: message("q", body), extra_keys: &[], claimed_user: None };
    assert!(matches!(
        rig.broker.publish_from(rig.session, publish, Some(origin)),
        Ok(Published::Accepted(_) | Published::Unroutable(_))
    ));
    true
}

#[test]
fn a_message_that_is_sent_again_is_there_once() {
    let mut rig = Rig::new();
    rig.queue("q", &[]);
    assert!(send(&mut rig, 1, "a") && send(&mut rig, 2, "b"));
    assert!(!send(&mut rig, 2, "b"), "on the same connection too");
    rig.turn();
    for is_checkpointed in [false, true, false] {
        if is_checkpointed {
            rig.checkpoint_unread();
        }
        rig = crash(&rig);
        assert!(!send(&mut rig, 1, "a") && !send(&mut rig, 2, "b"));
    }
    assert!(send(&mut rig, 3, "c"));
    assert_eq!(drain(&mut rig, "q"), ["a", "b", "c"]);
    // It is the user's number, not anybody's.
    let origin = rig.broker.origin_of(rig.session, "another", 1).unwrap();
    assert!(!rig.broker.is_resent(origin));
}

#[test]
fn a_message_that_was_not_durable_is_taken_again() {
    let mut rig = Rig::new();
    rig.queue("q", &[]);
    assert!(send(&mut rig, 1, "a"));
    rig.turn();
    assert!(send(&mut rig, 2, "b"));
    let mut rig = crash(&rig);
    assert!(!send(&mut rig, 1, "a") && send(&mut rig, 2, "b"));
    assert_eq!(drain(&mut rig, "q"), ["a", "b"]);
}

#[test]
fn messages_of_transactions_are_known_once_these_count() {
    let mut rig = Rig::new();
    rig.queue("q", &[]);
    rig.broker.begin_branch(rig.session, &id("t")).unwrap();
    let origin = rig.broker.origin_of(rig.session, "producer", 1);
    let publish = Publish { message: message("q", "a"), extra_keys: &[], claimed_user: None };
    let _ = rig.broker.publish_in_branch(rig.session, &id("t"), publish, origin).unwrap();
    assert!(!rig.broker.is_resent(origin.unwrap()));
    assert_eq!(prepare(&mut rig, "t"), Vote::Prepared);
    rig = crash(&rig);
    commit(&mut rig, "t");
    assert!(!send(&mut rig, 1, "a"));
    rig.broker.tx_select(rig.session).unwrap();
    let staged = send(&mut rig, 2, "b");
    assert!(staged && send(&mut rig, 2, "b"), "not committed");
    rig.broker.tx_rollback(rig.session).unwrap();
    assert!(send(&mut rig, 2, "b"));
    let _ = rig.broker.tx_commit(rig.session).unwrap();
    rig.turn();
    let mut rig = crash(&rig);
    assert!(!send(&mut rig, 2, "b"));
    assert_eq!(drain(&mut rig, "q"), ["a", "b"]);
}

#[test]
fn a_producer_is_forgotten_in_time() {
    let mut rig = Rig::new();
    rig.queue("q", &[]);
    assert!(send(&mut rig, 1, "a"));
    rig.advance(Limits::default().producer_keep_ms - 1);
    assert!(!send(&mut rig, 1, "a"));
    rig.advance(1);
    assert!(send(&mut rig, 1, "a"));
}

#[test]
fn what_is_decided_or_purged_while_it_is_read_stays_so() {
    for (decision, expected) in
        [(Some(Decision::Commit), vec!["b"]), (Some(Decision::Rollback), vec!["a", "b", "c"]), (None, vec![])]
    {
        let mut rig = crash(&prepared_rig());
        // Its load is asked for, and not run yet.
        let consumer = rig.consume("in", 0, None);
        match decision {
            Some(decision) => {
                let _ = rig.broker.decide_branch("main", &id("t"), decision).unwrap();
            }
            None => assert_eq!(rig.broker.purge_queue(rig.session, "in").unwrap().value, 1),
        }
        // A checkpoint amid it tells the same.
        rig.checkpoint_unread();
        let mut again = crash(&rig);
        assert_eq!(rig.bodies(), expected, "{decision:?}");
        let held = if decision.is_none() { 2 } else { 0 };
        assert_eq!(rig.counts("in"), (0, held + expected.len() as u64));
        rig.broker.cancel(consumer);
        assert_eq!(drain(&mut again, "in"), expected, "{decision:?}");
        if decision.is_none() {
            roll_back(&mut again, "t");
            assert_eq!(drain(&mut again, "in"), ["a", "c"]);
            roll_back(&mut rig, "t");
            assert_eq!(drain(&mut rig, "in"), ["a", "c"]);
        }
    }
}

#[test]
fn an_idle_queue_waits_for_what_it_was_promised() {
    let mut rig = Rig::new();
    for queue in ["promised", "idle"] {
        rig.queue(queue, &[("expires", Value::I64(1_000)), ("filled", Value::Bool(true))]);
    }
    rig.broker.begin_branch(rig.session, &id("t")).unwrap();
    stage(&mut rig, "t", "promised", "x");
    assert_eq!(prepare(&mut rig, "t"), Vote::Prepared);
    (0..5).for_each(|_| rig.advance(1_000));
    assert!(rig.broker.queue_view("main", "idle").is_none());
    commit(&mut rig, "t");
    assert_eq!(drain(&mut rig, "promised"), ["x"]);
}

/// A branch that schedules `later` for `out` in a second.
fn rig_with_schedule() -> Rig {
    let mut rig = Rig::new();
    rig.queue("out", &[]);
    rig.broker.begin_branch(rig.session, &id("t")).unwrap();
    stage(&mut rig, "t", "out", "now");
    stage_later(&mut rig, "t", "out", "later", Schedule::after(1_000));
    rig
}

#[test]
fn i6_what_a_branch_schedules_is_part_of_it_and_its_time_counts_from_the_commit() {
    for restarts in 0..3 {
        let mut rig = rig_with_schedule();
        assert_eq!(prepare(&mut rig, "t"), Vote::Prepared);
        for _ in 0..restarts {
            rig.broker.request_checkpoint();
            rig.turn();
            rig = crash(&rig);
        }
        let view = &rig.broker.branch_views(None)[0];
        assert_eq!((view.publishes, view.later, view.bytes > 0), (1, 1, true));
        rig.advance(5_000);
        assert_eq!((rig.broker.scheduled_count(), rig.counts("out")), (0, (0, 0)), "{restarts}");
        commit(&mut rig, "t");
        assert_eq!((rig.broker.scheduled_count(), drain(&mut rig, "out")), (1, vec!["now".to_owned()]));
        rig = crash(&rig);
        rig.advance(999);
        assert!(drain(&mut rig, "out").is_empty());
        rig.advance(5_001);
        assert_eq!((drain(&mut rig, "out"), rig.broker.scheduled_count()), (vec!["later".to_owned()], 0));
    }
}

#[test]
fn i6_what_a_branch_schedules_goes_with_a_rollback() {
    for is_prepared in [false, true] {
        let mut rig = rig_with_schedule();
        if is_prepared {
            prepare(&mut rig, "t");
            rig = crash(&rig);
        }
        roll_back(&mut rig, "t");
        rig.advance(2_000);
        assert_eq!((rig.broker.scheduled_count(), rig.counts("out")), (0, (0, 0)));
        rig = crash(&rig);
        assert!(recovered(&rig).is_empty());
    }
}

/// A crash takes a commit back whose scheduled message had come already.
#[test]
fn i4_what_a_branch_scheduled_and_a_crash_took_back_is_flagged() {
    for (crashed_at_ms, is_flagged) in [(999, false), (1_000, true)] {
        let mut rig = rig_with_schedule();
        prepare(&mut rig, "t");
        let mut rig = Rig::over_at(rig.crashed_log(), START_MS + crashed_at_ms);
        commit(&mut rig, "t");
        drain(&mut rig, "out");
        rig.consume("out", 0, None);
        rig.advance(1_000);
        let flags: Vec<bool> = rig.deliveries().iter().map(|deliver| deliver.is_redelivered).collect();
        assert_eq!(flags, [is_flagged], "{crashed_at_ms}");
    }
}

#[test]
fn i11_a_branch_is_not_prepared_when_there_are_too_many_scheduled_messages() {
    let mut rig = rig_with_schedule();
    rig.broker.set_limits(Limits { max_scheduled: 0, ..Limits::default() });
    let full = BranchError::RolledBack { reason: RollbackReason::ScheduleFull };
    assert_eq!(rig.broker.prepare_branch(rig.session, &id("t")).unwrap_err(), full);
    assert!(rig.broker.branch_views(None).is_empty());
}
