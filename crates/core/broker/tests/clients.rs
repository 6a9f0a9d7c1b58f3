//! Clients: what is kept for them, over connections, crashes and checkpoints.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod support;

use std::sync::Arc;

use support::{MemoryLog, Rig};
use ternmq_broker::{
    Attached, ConnectionInfo, Deliver, Effect, Error, Kind, LimitKind, Limits, Once, PermissionDefinition,
    Publish, Published, SessionId, Subscription, UserDefinition, Will,
};
use ternmq_message::{Message, MessageMeta};

const KEEP_MS: u64 = 60_000;

fn message(key: &str, body: &str, is_durable: bool) -> Message {
    let meta = MessageMeta { is_durable, ..MessageMeta::default() };
    Message::new("sys.topic", key, b"", body.as_bytes(), meta, None).unwrap()
}

fn command(key: &str, body: &str) -> Publish<'static> {
    Publish { message: message(key, body, true), extra_keys: &[], claimed_user: None }
}

/// A session of a connection of its own.
fn session_of(rig: &mut Rig, user: &str) -> SessionId {
    let connection = rig.broker.connect(&user.into(), "main", ConnectionInfo::default()).unwrap();
    rig.broker.open_session(connection, 9).unwrap()
}

fn attach(
    rig: &mut Rig,
    session: SessionId,
    name: &str,
    keep_ms: u64,
    is_fresh: bool,
) -> Result<Attached, Error> {
    let spec = ternmq_broker::ClientSpec { name, keep_ms, is_fresh };
    rig.broker.attach_client(session, &spec).map(|done| done.value)
}

fn come(rig: &mut Rig, name: &str, keep_ms: u64) -> SessionId {
    let session = session_of(rig, "root");
    attach(rig, session, name, keep_ms, false).unwrap();
    session
}

fn subscription(key: &str, group: Option<&str>) -> Subscription {
    Subscription {
        key: key.into(),
        group: group.map(Arc::from),
        label: 7,
        needs_settle: true,
        ..Subscription::default()
    }
}

fn subscribe(rig: &mut Rig, session: SessionId, key: &str) {
    let _ = rig.broker.subscribe(session, subscription(key, None)).unwrap();
}

fn will(body: &str, delay_ms: u64, is_retained: bool) -> Option<Will> {
    Some(Will { message: message("will", body, true), delay_ms, is_retained })
}

fn leave(rig: &mut Rig, session: SessionId) {
    let view = rig.broker.session_views().into_iter().find(|view| view.id == session).unwrap();
    rig.broker.disconnect(view.connection);
    rig.turn();
}

fn bodies(deliveries: &[Deliver]) -> Vec<String> {
    deliveries.iter().map(|d| String::from_utf8(d.message.body().to_vec()).unwrap()).collect()
}

/// What a client gets when it comes.
fn got(rig: &mut Rig, name: &str) -> Vec<String> {
    let session = come(rig, name, KEEP_MS);
    rig.broker.start_client(session).unwrap();
    rig.turn();
    bodies(&rig.deliveries())
}

fn recover(rig: &Rig) -> Rig {
    Rig::over(rig.crashed_log(), false)
}

/// As a journal recovers: records before the checkpoint are read only as bodies, not replayed.
fn recover_from_checkpoint(rig: &Rig) -> Rig {
    let log = rig.crashed_log();
    let start = log.0.borrow().all.iter().find(|record| record.1 == 6).map(|record| record.0).unwrap();
    let (old, new): (Vec<_>, Vec<_>) =
        std::mem::take(&mut log.0.borrow_mut().all).into_iter().partition(|record| record.0 < start);
    log.0.borrow_mut().all = new;
    let rig = Rig::over(log, false);
    rig.log.0.borrow_mut().all.extend(old);
    rig
}

#[test]
fn a_kept_client_comes_back_with_its_subscriptions_and_messages() {
    let mut rig = Rig::new();
    let session = come(&mut rig, "c", KEEP_MS);
    subscribe(&mut rig, session, "a.*");
    let _ = rig.broker.subscribe(session, subscription("g", Some("group"))).unwrap();
    leave(&mut rig, session);
    let own = rig.session;
    for key in ["a.b", "g", "other"] {
        let _ = rig.broker.publish(own, command(key, key)).unwrap();
    }
    let _ = rig.broker.publish(own, Publish { message: message("a.b", "lost", false), ..command("", "") });
    rig.turn();
    for _ in 0..2 {
        rig = recover(&rig);
        let session = session_of(&mut rig, "root");
        let attached = attach(&mut rig, session, "c", KEEP_MS, false).unwrap();
        assert!(attached.is_resumed);
        assert_eq!(rig.broker.client_subscriptions(attached.client).len(), 2);
        rig.broker.start_client(session).unwrap();
        rig.turn();
        let mut all = bodies(&rig.deliveries());
        all.sort();
        assert_eq!(all, ["a.b", "g"]);
    }
    let session = session_of(&mut rig, "root");
    assert!(!attach(&mut rig, session, "c", KEEP_MS, true).unwrap().is_resumed);
    assert!(rig.broker.client_subscriptions(rig.broker_client("c")).is_empty());
    assert!(rig.broker.queue_views(Some("main")).is_empty(), "its queues are gone");
}

#[test]
fn a_checkpoint_has_all_that_is_kept() {
    let mut rig = Rig::new();
    let session = come(&mut rig, "c", KEEP_MS);
    subscribe(&mut rig, session, "a");
    rig.broker.set_will(session, will("late", 30_000, false)).unwrap();
    let _ = rig.broker.publish_once(session, 5, command("a", "once"), true).unwrap();
    for count in 0..600 {
        let _ = rig.broker.publish(session, command(&format!("r.{count}"), "kept")).unwrap();
        let _ = rig.broker.retain(session, &message(&format!("r.{count}"), "kept", true)).unwrap();
    }
    rig.turn();
    rig.broker.request_checkpoint();
    rig.turn();
    rig.log_requests();
    let _ = rig.broker.publish(session, command("a", "after")).unwrap();
    let _ = rig.broker.retain(session, &message("r.0", "", true)).unwrap();
    rig.turn();
    let mut rig = recover_from_checkpoint(&rig);
    assert_eq!(rig.broker.retained_count(), 600);
    let session = session_of(&mut rig, "root");
    assert!(attach(&mut rig, session, "c", KEEP_MS, false).unwrap().is_resumed);
    assert_eq!(rig.broker.taken_tokens(session), [5]);
    rig.broker.start_client(session).unwrap();
    rig.turn();
    assert_eq!(bodies(&rig.deliveries()), ["once", "after"]);
    assert_eq!(bodies_of(&retained(&mut rig, session, "r.599").unwrap()), ["kept"]);
    assert!(retained(&mut rig, session, "r.0").unwrap().is_empty());
}

fn bodies_of(messages: &[Message]) -> Vec<String> {
    messages.iter().map(|message| String::from_utf8(message.body().to_vec()).unwrap()).collect()
}

/// T2: whatever prefix of the log is left, a message is there exactly when its token is.
#[test]
fn i6_a_message_and_its_token_are_kept_together() {
    let mut rig = Rig::new();
    let session = come(&mut rig, "reader", KEEP_MS);
    subscribe(&mut rig, session, "a");
    subscribe(&mut rig, session, "b");
    let other = come(&mut rig, "other", KEEP_MS);
    subscribe(&mut rig, other, "a");
    leave(&mut rig, other);
    leave(&mut rig, session);
    let writer = come(&mut rig, "writer", KEEP_MS);
    rig.turn();
    let first = rig.log.0.borrow().all.len();
    for token in 1..=4 {
        let key = if token % 2 == 0 { "a" } else { "b" };
        let once = rig.broker.publish_once(writer, token, command(key, &token.to_string()), true).unwrap();
        assert!(matches!(once, Once::Published(Published::Accepted(_), _)));
        let again = rig.broker.publish_once(writer, token, command(key, "again"), true).unwrap();
        assert!(matches!(again, Once::Before(_)));
        rig.turn();
    }
    let whole = rig.crashed_log();
    let count = whole.0.borrow().all.len();
    for len in first..=count {
        let mut left = MemoryLog::default();
        copy(&whole, &mut left, len);
        let mut rig = Rig::over(left, false);
        let session = come(&mut rig, "writer", KEEP_MS);
        let taken: Vec<String> = rig.broker.taken_tokens(session).iter().map(u16::to_string).collect();
        assert_eq!(got(&mut rig, "reader"), taken, "{len} of {count} records");
        assert_eq!(rig.broker.retained_count(), taken.len().min(2));
    }
}

/// The first whole groups of a log within its first `len` records.
fn copy(from: &MemoryLog, to: &mut MemoryLog, len: usize) {
    let from = from.0.borrow();
    let mut kept: Vec<_> = from.all.iter().take(len).cloned().collect();
    while kept.last().is_some_and(|record| !record.2) {
        kept.pop();
    }
    let mut to = to.0.borrow_mut();
    to.all = kept;
    (to.next, to.durable) = (from.next, from.next);
}

#[test]
fn i3_a_released_message_is_never_delivered_again_and_keeps_its_token() {
    let mut rig = Rig::new();
    let session = come(&mut rig, "c", KEEP_MS);
    subscribe(&mut rig, session, "a");
    let _ = rig.broker.publish(session, command("a", "one")).unwrap();
    let _ = rig.broker.publish(session, command("a", "two")).unwrap();
    rig.turn();
    let deliveries = rig.deliveries();
    let _ = rig.broker.settle_released(session, deliveries[0].delivery, 1).unwrap();
    assert!(rig.broker.settle_released(session, deliveries[0].delivery, 9).is_err());
    rig.turn();
    let mut rig = recover(&rig);
    let session = come(&mut rig, "c", KEEP_MS);
    assert_eq!(rig.broker.released_tokens(session), [1]);
    rig.broker.start_client(session).unwrap();
    rig.turn();
    let left = rig.deliveries();
    assert_eq!(bodies(&left), ["two"]);
    assert_eq!(left[0].seq, deliveries[1].seq, "the same number as before");
    assert!(rig.broker.complete_token(session, 1).unwrap().value);
    assert!(!rig.broker.complete_token(session, 1).unwrap().value);
    rig.turn();
    let mut rig = recover(&rig);
    let session = come(&mut rig, "c", KEEP_MS);
    assert!(rig.broker.released_tokens(session).is_empty());
}

#[test]
fn a_will_outlives_a_crash_and_is_published_once() {
    let mut rig = Rig::new();
    let reader = come(&mut rig, "reader", KEEP_MS);
    subscribe(&mut rig, reader, "will");
    leave(&mut rig, reader);
    let session = come(&mut rig, "c", KEEP_MS);
    rig.broker.set_will(session, will("gone", 0, true)).unwrap();
    let delayed = come(&mut rig, "delayed", KEEP_MS);
    rig.broker.set_will(delayed, will("later", 5_000, false)).unwrap();
    let quiet = come(&mut rig, "quiet", KEEP_MS);
    rig.broker.set_will(quiet, will("never", 0, false)).unwrap();
    rig.broker.set_will(quiet, None).unwrap();
    rig.turn();
    let mut rig = recover(&rig);
    assert_eq!(rig.broker.retained_count(), 1);
    rig.advance(4_000);
    rig.advance(1_500);
    let mut rig = recover(&rig);
    rig.advance(10_000);
    assert_eq!(got(&mut rig, "reader"), ["gone", "later"]);
}

#[test]
fn i11_a_checkpoint_writes_wills_a_bit_each_turn() {
    let mut rig = Rig::new();
    let reader = come(&mut rig, "reader", KEEP_MS);
    subscribe(&mut rig, reader, "will");
    leave(&mut rig, reader);
    let big = |at: usize| format!("{at}{}", "x".repeat(100_000));
    let sessions: Vec<SessionId> = (0..9).map(|at| come(&mut rig, &format!("c{at}"), KEEP_MS)).collect();
    for (at, session) in sessions.iter().enumerate() {
        rig.broker.set_will(*session, will(&big(at), 0, false)).unwrap();
    }
    rig.turn();
    rig.broker.request_checkpoint();
    let log_bytes = |rig: &Rig| rig.log.0.borrow().next;
    let mut steps = 0;
    let mut before = log_bytes(&rig);
    while steps == 0 || rig.broker.wants_turn() {
        rig.broker.end_turn();
        let now = log_bytes(&rig);
        assert!(now - before < 500_000, "one step wrote {}", now - before);
        before = now;
        steps += 1;
        if steps == 2 {
            // One that is written already or not yet goes, another one changes, one client comes anew.
            rig.broker.set_will(sessions[0], None).unwrap();
            rig.broker.set_will(sessions[7], None).unwrap();
            rig.broker.set_will(sessions[8], will("another", 0, false)).unwrap();
            before = log_bytes(&rig);
        }
    }
    assert!(steps > 3, "{steps}");
    rig.turn();
    rig.log_requests();
    let mut rig = recover_from_checkpoint(&rig);
    rig.advance(1);
    let mut found: Vec<String> = got(&mut rig, "reader").iter().map(|body| body[..1].to_owned()).collect();
    found.sort();
    assert_eq!(found, ["1", "2", "3", "4", "5", "6", "a"], "each once, as it was last");
}

#[test]
fn a_client_is_forgotten_when_its_time_is_over() {
    let mut rig = Rig::new();
    let session = come(&mut rig, "c", 5_000);
    subscribe(&mut rig, session, "a");
    rig.broker.set_will(session, will("end", 60_000, false)).unwrap();
    let reader = come(&mut rig, "reader", 0);
    subscribe(&mut rig, reader, "will");
    leave(&mut rig, session);
    rig.advance(4_000);
    assert_eq!(rig.broker.client_views().len(), 2);
    rig.advance(1_500);
    assert_eq!(bodies(&rig.deliveries()), ["end"], "at the end of the session at the latest");
    assert_eq!(rig.broker.client_views().len(), 1);
    leave(&mut rig, reader);
    assert!(rig.broker.client_views().is_empty());
    let rig = recover(&rig);
    assert!(rig.broker.client_views().is_empty() && rig.broker.queue_views(Some("main")).is_empty());
}

#[test]
fn a_client_that_is_no_longer_kept_is_gone_after_a_crash() {
    let mut rig = Rig::new();
    let session = come(&mut rig, "c", KEEP_MS);
    subscribe(&mut rig, session, "a");
    rig.broker.keep_client(session, 0).unwrap();
    let resumed = come(&mut rig, "d", KEEP_MS);
    leave(&mut rig, resumed);
    come(&mut rig, "d", 0);
    rig.broker.request_checkpoint();
    rig.turn();
    rig.log_requests();
    let rig = recover_from_checkpoint(&rig);
    let names: Vec<_> = rig.broker.client_views().into_iter().map(|view| view.name).collect();
    assert!(!names.contains(&"d".into()), "{names:?}");
}

#[test]
fn taking_over_tells_the_one_before() {
    let mut rig = Rig::new();
    let first = come(&mut rig, "c", KEEP_MS);
    subscribe(&mut rig, first, "a");
    let second = come(&mut rig, "c", KEEP_MS);
    rig.turn();
    assert!(rig.effects.iter().any(|(_, effect)| matches!(effect, Effect::TakenOver { session_label: 9 })));
    let _ = rig.broker.publish(second, command("a", "x")).unwrap();
    rig.broker.start_client(second).unwrap();
    rig.turn();
    assert_eq!(bodies(&rig.deliveries()), ["x"]);
    assert!(rig.broker.subscribe(first, subscription("b", None)).is_err());
}

#[test]
fn what_need_not_be_kept_is_shed_for_those_who_are_away() {
    let mut rig = Rig::new();
    let session = come(&mut rig, "c", KEEP_MS);
    subscribe(&mut rig, session, "a");
    leave(&mut rig, session);
    let own = rig.session;
    let plain = Publish { message: message("a", "plain", false), ..command("", "") };
    let _ = rig.broker.publish(own, plain).unwrap();
    let _ = rig.broker.publish(own, command("a", "kept")).unwrap();
    assert_eq!(rig.broker.counters().shed, 1);
    assert_eq!(got(&mut rig, "c"), ["kept"]);
}

#[test]
fn s5_every_use_is_allowed_by_permissions() {
    let mut rig = Rig::new();
    for user in ["limited", "nobody"] {
        let _ = rig.broker.put_user(UserDefinition { name: user.into(), ..UserDefinition::default() });
    }
    let permit = |rig: &mut Rig, write: &str, read: &str| {
        let _ = rig
            .broker
            .put_permission(PermissionDefinition {
                user: "limited".into(),
                namespace: "main".into(),
                configure: String::new().into(),
                write: write.into(),
                read: read.into(),
            })
            .unwrap();
    };
    permit(&mut rig, "", "^sys\\.topic$");
    let session = session_of(&mut rig, "limited");
    attach(&mut rig, session, "c", KEEP_MS, false).unwrap();
    subscribe(&mut rig, session, "a");
    let refused = |error: Error| matches!(error, Error::Refused { .. });
    assert!(refused(rig.broker.subscribe(session, subscription("a", Some("g"))).unwrap_err()), "shared name");
    assert!(refused(rig.broker.publish(session, command("a", "x")).unwrap_err()), "publish");
    assert!(refused(rig.broker.set_will(session, will("x", 0, false)).unwrap_err()), "will");
    let root = rig.session;
    let _ = rig.broker.publish(root, command("a", "kept")).unwrap();
    let _ = rig.broker.retain(root, &message("a", "kept", true)).unwrap();
    assert_eq!(retained(&mut rig, session, "a").unwrap().len(), 1);
    // S7: a stored will and stored subscriptions count for what their user may do now.
    permit(&mut rig, "^sys\\.topic$", "^sys\\.topic$");
    rig.broker.set_will(session, will("x", 0, true)).unwrap();
    permit(&mut rig, "", "");
    assert!(refused(retained(&mut rig, session, "a").unwrap_err()), "retained read");
    leave(&mut rig, session);
    assert_eq!(rig.broker.retained_count(), 1, "the will was not published");
    let session = session_of(&mut rig, "limited");
    let attached = attach(&mut rig, session, "c", KEEP_MS, false).unwrap();
    assert!(attached.is_resumed);
    assert!(rig.broker.client_subscriptions(attached.client).is_empty());
    // A client belongs to its user.
    let session = session_of(&mut rig, "root");
    let error = attach(&mut rig, session, "c", KEEP_MS, false).unwrap_err();
    assert!(matches!(error, Error::Refused { kind: Kind::Client, .. }));
}

#[test]
fn s7_a_permission_taken_away_ends_subscriptions_within_a_minute() {
    let mut rig = Rig::new();
    for user in ["limited", "leaver"] {
        let _ = rig.broker.put_user(UserDefinition { name: user.into(), ..UserDefinition::default() });
        let definition = PermissionDefinition {
            user: user.into(),
            namespace: "main".into(),
            configure: String::new().into(),
            write: String::new().into(),
            read: ".*".into(),
        };
        let _ = rig.broker.put_permission(definition).unwrap();
    }
    // Three times as many clients as one turn looks at; those of "leaver" are away.
    let names: Vec<String> = (0..800).map(|number| format!("c{number}")).collect();
    for (at, name) in names.iter().enumerate() {
        let session = session_of(&mut rig, if at % 2 == 0 { "limited" } else { "leaver" });
        attach(&mut rig, session, name, 10 * KEEP_MS, false).unwrap();
        subscribe(&mut rig, session, "a");
        if at % 2 == 1 {
            leave(&mut rig, session);
        }
    }
    let count =
        |rig: &Rig| rig.broker.client_views().iter().filter(|view| view.subscription_count > 0).count();
    assert_eq!(count(&rig), 800);
    let _ = rig.broker.delete_permission("limited", "main");
    let _ = rig.broker.delete_permission("leaver", "main");
    rig.advance(60_000);
    for _ in 0..4 {
        rig.advance(1);
    }
    assert_eq!(count(&rig), 0);
    let root = rig.session;
    let _ = rig.broker.publish(root, command("a", "secret")).unwrap();
    assert!(rig.deliveries().is_empty());
    let mut rig = recover(&rig);
    assert_eq!(count(&rig), 0, "it is in the log");
    assert_eq!(rig.broker.client_views().len(), 800);
    // A later user of the same name finds nothing.
    let _ = rig.broker.delete_user("leaver").unwrap();
    assert_eq!(rig.broker.client_views().len(), 400);
    rig.turn();
    assert_eq!(recover(&rig).broker.client_views().len(), 400);
}

#[test]
fn t7_limits_of_clients_and_retained_messages() {
    let mut rig = Rig::new();
    rig.broker.set_limits(Limits {
        max_clients: 2,
        max_subscriptions_per_client: 2,
        max_client_name_bytes: 4,
        max_client_keep_ms: 1_000,
        max_retained: 2,
        max_retained_bytes: 1_000,
        ..Limits::default()
    });
    let session = session_of(&mut rig, "root");
    let invalid = |error| matches!(error, Error::InvalidName { kind: Kind::Client, .. });
    for name in ["", "abcde", "a\n"] {
        assert!(invalid(attach(&mut rig, session, name, 0, false).unwrap_err()), "{name:?}");
    }
    assert_eq!(attach(&mut rig, session, "abcd", u64::MAX, false).unwrap().keep_ms, 1_000);
    for (key, is_fine) in [("a", true), ("b", true), ("c", false), ("a", true)] {
        let done = rig.broker.subscribe(session, subscription(key, None));
        assert_eq!(done.is_ok(), is_fine, "{key}");
    }
    let other = session_of(&mut rig, "root");
    attach(&mut rig, other, "b", 0, false).unwrap();
    let third = session_of(&mut rig, "root");
    let error = attach(&mut rig, third, "c", 0, false).unwrap_err();
    assert!(matches!(error, Error::Limit { limit: LimitKind::Clients, max: 2, .. }));
    let retain = |rig: &mut Rig, key: &str, body: &str| {
        let session = rig.session;
        rig.broker.retain(session, &message(key, body, true)).is_ok()
    };
    assert!(retain(&mut rig, "a", "x") && retain(&mut rig, "b", "x"));
    assert!(!retain(&mut rig, "c", "x") && retain(&mut rig, "a", "y") && retain(&mut rig, "b", ""));
    assert!(!retain(&mut rig, "c", &"x".repeat(900)) && retain(&mut rig, "c", &"x".repeat(100)));
}

/// All that is retained under a key, read three at a time.
fn retained(rig: &mut Rig, session: SessionId, key: &str) -> Result<Vec<Message>, Error> {
    let mut read = rig.broker.begin_retained_read(key);
    let mut found = Vec::new();
    loop {
        let page = rig.broker.read_retained(session, &mut read, 3)?;
        assert!(page.looked_at <= 3);
        found.extend(page.messages);
        if page.is_last {
            return Ok(found);
        }
    }
}

#[test]
fn i11_a_read_of_what_is_retained_goes_on_where_it_stopped() {
    let mut rig = Rig::new();
    let session = rig.session;
    let retain = |rig: &mut Rig, key: &str, body: &str| {
        let _ = rig.broker.retain(session, &message(key, body, true)).unwrap();
    };
    for key in ["a", "b", "c", "d", "e", "f"] {
        retain(&mut rig, key, key);
    }
    let mut read = rig.broker.begin_retained_read("#");
    let page = rig.broker.read_retained(session, &mut read, 2).unwrap();
    assert_eq!((bodies_of(&page.messages), page.is_last), (vec!["a".to_owned(), "b".to_owned()], false));
    // Before and behind where it stands: put, replaced, taken away, the last one among them.
    for (key, body) in [("aa", "new"), ("b", ""), ("c", "again"), ("d", ""), ("dd", "new"), ("z", "new")] {
        retain(&mut rig, key, body);
    }
    let page = rig.broker.read_retained(session, &mut read, 100).unwrap();
    assert_eq!((bodies_of(&page.messages), page.is_last), (vec!["e".to_owned(), "f".to_owned()], true));
    let page = rig.broker.read_retained(session, &mut read, 100).unwrap();
    assert!(page.messages.is_empty() && page.is_last);
    assert_eq!(retained(&mut rig, session, "#").unwrap().len(), 7, "a new one finds them");
}

/// Labels and bodies of the next step of what a client looks for.
fn next_retained(rig: &mut Rig, session: SessionId) -> Option<(u64, String)> {
    let step = rig.broker.next_retained(session, 2)?;
    Some((step.label, bodies_of(&step.page.messages).concat()))
}

#[test]
fn a_client_that_comes_back_goes_on_with_what_it_looked_for() {
    let mut rig = Rig::new();
    for key in ["a", "b", "c", "d", "e"] {
        let _ = rig.broker.retain(rig.session, &message(key, key, true)).unwrap();
    }
    let step = |label, bodies: &str| Some((label, bodies.to_owned()));
    let first = come(&mut rig, "c", KEEP_MS);
    for (key, label) in [("#", 1), ("a", 2), ("b", 3)] {
        subscribe(&mut rig, first, key);
        rig.broker.look_for_retained(first, key, label);
    }
    assert_eq!(next_retained(&mut rig, first), step(1, "ab"));
    // Taken over, then away for a while.
    let second = come(&mut rig, "c", KEEP_MS);
    assert_eq!(next_retained(&mut rig, first), None);
    assert_eq!(next_retained(&mut rig, second), step(1, "cd"));
    let _ = rig.broker.unsubscribe(second, "b", None).unwrap();
    leave(&mut rig, second);
    let third = come(&mut rig, "c", KEEP_MS);
    assert!(rig.broker.has_retained_reads(third));
    assert_eq!(next_retained(&mut rig, third), step(1, "e"));
    // Asked for once more: from the start, and behind what was asked for before.
    rig.broker.look_for_retained(third, "#", 4);
    assert_eq!(next_retained(&mut rig, third), step(2, "a"));
    assert_eq!(next_retained(&mut rig, third), step(4, "ab"));
    leave(&mut rig, third);
    let fresh = session_of(&mut rig, "root");
    attach(&mut rig, fresh, "c", KEEP_MS, true).unwrap();
    assert_eq!(next_retained(&mut rig, fresh), None, "a new session looks for nothing");
}

#[test]
fn retained_messages_are_found_by_key_and_pattern() {
    let mut rig = Rig::new();
    let session = rig.session;
    for key in ["a", "a.b", "a.b.c", "ab", "b", "a.c"] {
        let _ = rig.broker.retain(session, &message(key, key, true)).unwrap();
    }
    for (pattern, expect) in [
        ("a", &["a"][..]),
        ("a.b", &["a.b"]),
        ("a.#", &["a", "a.b", "a.b.c", "a.c"]),
        ("a.*", &["a.b", "a.c"]),
        ("*", &["a", "ab", "b"]),
        ("#", &["a", "a.b", "a.b.c", "a.c", "ab", "b"]),
        ("*.b.#", &["a.b", "a.b.c"]),
        ("x", &[]),
    ] {
        assert_eq!(bodies_of(&retained(&mut rig, session, pattern).unwrap()), expect, "{pattern}");
    }
}

#[test]
fn a_retained_message_is_over_its_time() {
    let mut rig = Rig::new();
    let meta = MessageMeta { ttl_ms: Some(1_000), ..MessageMeta::default() };
    let short = Message::new("sys.topic", "a", b"", b"x", meta, None).unwrap();
    let session = rig.session;
    let _ = rig.broker.retain(session, &short).unwrap();
    rig.turn();
    assert_eq!(retained(&mut rig, session, "#").unwrap().len(), 1);
    rig.advance(1_000);
    assert!(retained(&mut rig, session, "#").unwrap().is_empty());
    assert_eq!(rig.broker.retained_count(), 0);
}

#[test]
fn a_groups_queue_goes_with_its_last_member() {
    let mut rig = Rig::new();
    let first = come(&mut rig, "a", 0);
    let second = come(&mut rig, "b", KEEP_MS);
    for session in [first, second] {
        let _ = rig.broker.subscribe(session, subscription("g", Some("group"))).unwrap();
    }
    let own = rig.session;
    for body in ["1", "2"] {
        let _ = rig.broker.publish(own, command("g", body)).unwrap();
    }
    rig.turn();
    assert_eq!(rig.deliveries().len(), 2);
    leave(&mut rig, first);
    // The one who was to be kept made the queue one that is kept.
    rig = recover(&rig);
    assert_eq!(got(&mut rig, "b"), ["1", "2"]);
    let session = come(&mut rig, "b", KEEP_MS);
    assert!(rig.broker.unsubscribe(session, "g", Some("group")).unwrap().value);
    assert!(!rig.broker.unsubscribe(session, "g", Some("group")).unwrap().value);
    assert!(rig.broker.queue_views(Some("main")).is_empty());
}

/// T2: whatever prefix of the log is left of a client that comes, subscribes and is forgotten, no queue is left without
/// a client that knows it, and none is bound for a subscription that is not there.
#[test]
fn i6_no_crash_leaves_a_queue_without_its_client() {
    let mut rig = Rig::new();
    let first = rig.log.0.borrow().all.len();
    let session = come(&mut rig, "c", KEEP_MS);
    subscribe(&mut rig, session, "a");
    let _ = rig.broker.subscribe(session, subscription("g", Some("group"))).unwrap();
    let _ = rig.broker.unsubscribe(session, "g", Some("group")).unwrap();
    let _ = rig.broker.subscribe(session, subscription("g", Some("group"))).unwrap();
    leave(&mut rig, session);
    rig.advance(KEEP_MS + 1);
    assert!(rig.broker.client_views().is_empty() && rig.broker.queue_views(Some("main")).is_empty());
    let whole = rig.crashed_log();
    let count = whole.0.borrow().all.len();
    for len in first..=count {
        let mut left = MemoryLog::default();
        copy(&whole, &mut left, len);
        let rig = Rig::over(left, false);
        let queues = rig.broker.queue_views(Some("main")).len();
        let clients = rig.broker.client_views();
        let subscribed: usize = clients.iter().map(|client| client.subscription_count).sum();
        assert_eq!(queues, subscribed, "{len} of {count} records");
    }
}

/// T2: whatever prefix of the log is left, the message is in the group's queue or in the client's own.
#[test]
fn i6_an_adopted_message_is_in_one_place_after_any_crash() {
    let mut rig = Rig::new();
    let session = come(&mut rig, "c", KEEP_MS);
    let _ = rig.broker.subscribe(session, subscription("g", Some("group"))).unwrap();
    let own = rig.session;
    let _ = rig.broker.publish(own, command("g", "x")).unwrap();
    rig.turn();
    let first = rig.log.0.borrow().all.len();
    let delivery = rig.deliveries().remove(0);
    rig.broker.adopt(session, delivery.delivery, delivery.message.clone()).unwrap();
    assert!(rig.broker.adopt(session, delivery.delivery, delivery.message).is_err());
    rig.turn();
    let adopted = rig.deliveries();
    assert_eq!((adopted.len(), adopted[0].consumer_label), (1, 0));
    let whole = rig.crashed_log();
    let count = whole.0.borrow().all.len();
    for len in first..=count {
        let mut left = MemoryLog::default();
        copy(&whole, &mut left, len);
        let mut rig = Rig::over(left, false);
        assert_eq!(got(&mut rig, "c"), ["x"], "{len} of {count} records");
    }
}

#[test]
fn a_member_of_a_group_that_is_not_kept_releases_what_it_adopted() {
    let mut rig = Rig::new();
    let session = come(&mut rig, "member", 0);
    let _done = rig.broker.subscribe(session, subscription("s.#", Some("g"))).unwrap();
    let _ = rig.broker.publish(session, command("s.1", "once")).unwrap();
    let shared = rig.deliveries().remove(0);
    rig.broker.adopt(session, shared.delivery, shared.message).unwrap();
    let own = rig.deliveries().remove(0);
    assert_eq!((own.consumer_label, own.message.body()), (0, &b"once"[..]));
    let _receipt = rig.broker.settle_released(session, own.delivery, 1).unwrap();
    assert_eq!(rig.broker.released_tokens(session), [1]);
}

/// The second answer must not be older than the first: a crash that undoes the first would bring the message back.
#[test]
fn i8_taking_back_what_is_no_longer_retained_waits_for_what_took_it_back() {
    let mut rig = Rig::new();
    let session = come(&mut rig, "c", 0);
    let _ = rig.broker.retain(session, &message("a", "kept", true)).unwrap();
    rig.turn();
    let first = rig.broker.retain(session, &message("a", "", true)).unwrap();
    let second = rig.broker.retain(session, &message("a", "", true)).unwrap();
    assert!(!rig.broker.durable().covers(first) && !rig.broker.durable().covers(second));
    rig.turn();
    assert!(rig.broker.durable().covers(second));
}

/// In the part of the log that is damaged a queue was deleted, and its number went to the queue of a client.
#[test]
fn i2_over_a_damaged_log_no_client_gets_what_is_in_another_queue() {
    let mut rig = Rig::new();
    rig.queue("q", &[]);
    rig.fill("q", &["of q"]);
    let session = come(&mut rig, "c", KEEP_MS);
    rig.turn();
    let from = rig.log.0.borrow().all.len();
    let other = rig.session;
    let _done = rig.broker.delete_queue(other, "q", false, false).unwrap();
    subscribe(&mut rig, session, "a");
    let _done = rig.broker.subscribe(session, subscription("s", Some("g"))).unwrap();
    rig.turn();
    let to = rig.log.0.borrow().all.len();
    leave(&mut rig, session);
    rig.turn();
    let log = rig.crashed_log();
    log.0.borrow_mut().all.drain(from..to);
    let mut rig = Rig::over(log, false);
    assert_eq!(rig.broker.queue_view("main", "q").unwrap().ready_count, 1);
    let session = come(&mut rig, "c", KEEP_MS);
    rig.broker.start_client(session).unwrap();
    rig.turn();
    assert_eq!(bodies(&rig.deliveries()), [""; 0]);
    subscribe(&mut rig, session, "a");
    let _ = rig.broker.publish(session, command("a", "of c")).unwrap();
    assert_eq!(bodies(&rig.deliveries()), ["of c"]);
}

#[test]
fn a_client_whose_queue_an_operator_deleted_can_subscribe_again() {
    let mut rig = Rig::new();
    let session = come(&mut rig, "c", KEEP_MS);
    subscribe(&mut rig, session, "a");
    let _ = rig.broker.subscribe(session, subscription("g", Some("group"))).unwrap();
    let own = rig.session;
    for queue in rig.broker.queue_views(Some("main")) {
        let _ = rig.broker.delete_queue(own, &queue.name, false, false).unwrap();
    }
    rig.turn();
    let ended = rig.effects.iter().filter(|(_, effect)| matches!(effect, Effect::ConsumerEnded { .. }));
    assert_eq!(ended.count(), 2);
    leave(&mut rig, session);
    rig = recover(&rig);
    let session = come(&mut rig, "c", KEEP_MS);
    subscribe(&mut rig, session, "a");
    let _ = rig.broker.subscribe(session, subscription("g", Some("group"))).unwrap();
    let _ = rig.broker.publish(session, command("a", "own")).unwrap();
    let _ = rig.broker.publish(session, command("g", "shared")).unwrap();
    rig.turn();
    assert_eq!(bodies(&rig.deliveries()), ["own", "shared"]);
}

trait BrokerClient {
    fn broker_client(&self, name: &str) -> ternmq_broker::ClientId;
}

impl BrokerClient for Rig {
    fn broker_client(&self, name: &str) -> ternmq_broker::ClientId {
        let at = self.broker.client_views().iter().position(|view| &*view.name == name).unwrap();
        ternmq_broker::ClientId(u32::try_from(at).unwrap())
    }
}
