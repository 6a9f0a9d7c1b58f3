//! Rules by group and users from outside: every verb asks the rules, a change of them counts at once, and who is not known
//! outside any more is gone.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use support::{CountingRng, Rig};
use ternmq_access::{Members, PasswordHash, Permits, RuleSpace, RuleSyntax, Rules, Secret};
use ternmq_broker::{
    ConnectionId, ConnectionInfo, ConsumeSpec, Effect, EndReason, Error, LoginRefused, LoginStep,
    OUTSIDE_LOGIN_MS, OutsideAnswer, OutsideUser, OutsideUsers, Publish, QueueSpec, SessionId,
    UserDefinition, Verb,
};
use ternmq_env::Rng;
use ternmq_message::{Message, MessageMeta};

/// Knows `ann` and `bob` by the password `right`; counts how often it is asked.
struct Outside(Arc<AtomicUsize>);

impl OutsideUsers for Outside {
    fn log_in(&self, user: &str, password: &Secret) -> OutsideAnswer {
        self.0.fetch_add(1, Ordering::Relaxed);
        match (user, password.expose()) {
            ("ann" | "bob", b"right") => known(&["readers"]),
            (_, b"down") => OutsideAnswer::Unavailable,
            _ => OutsideAnswer::Refused,
        }
    }
}

fn known(groups: &[&str]) -> OutsideAnswer {
    let groups = groups.iter().map(|group| (*group).into()).collect();
    OutsideAnswer::Known(OutsideUser { groups, tags: vec!["admin".into()] })
}

fn rig() -> (Rig, Arc<AtomicUsize>) {
    let mut rig = Rig::new();
    let asked = Arc::new(AtomicUsize::new(0));
    rig.broker.set_outside_users(Arc::new(Outside(asked.clone())));
    (rig, asked)
}

fn log_in(rig: &mut Rig, user: &str, password: &str) -> Result<Arc<str>, LoginRefused> {
    let peer = Some("192.0.2.1".parse().unwrap());
    match rig.broker.begin_login(user, Secret::new(password.as_bytes().to_vec()), peer) {
        LoginStep::Done(user) => Ok(user),
        LoginStep::Refused => Err(LoginRefused::Wrong),
        LoginStep::Verify(check) => {
            let result = check.run();
            rig.broker.finish_login(result)
        }
    }
}

fn enter(rig: &mut Rig, user: &str) -> (ConnectionId, SessionId) {
    let user = log_in(rig, user, "right").unwrap();
    let connection = rig.broker.connect(&user, "main", ConnectionInfo::default()).unwrap();
    (connection, rig.broker.open_session(connection, 1).unwrap())
}

/// One group for each act on queues and nodes that begin with `q`.
fn rules(readers: &str) -> Rules {
    let of = |group: &str| Members::groups([group]);
    let permits = Permits { manage: of("makers"), send: of("senders"), receive: of(readers) };
    let space = |prefix: &str| RuleSpace {
        prefix: prefix.into(),
        adds_default: true,
        rules: vec![(">".into(), permits.clone())],
    };
    let syntax = RuleSyntax { separator: '.', one: "*", rest: ">" };
    let default = Permits::all(Members { users: ["root".into()].into(), ..Members::default() });
    Rules::new(syntax, vec![space("q"), space("private.")], Vec::new(), default).unwrap()
}

fn refusal<T>(answer: Result<T, Error>) -> Option<(Verb, Arc<str>)> {
    match answer {
        Err(Error::Refused { verb, name, .. }) => Some((verb, name)),
        _ => None,
    }
}

fn consume_spec(queue: &str) -> ConsumeSpec<'_> {
    ConsumeSpec {
        queue,
        label: 1,
        window: None,
        needs_settle: true,
        is_exclusive: false,
        priority: 0,
        is_preferred: false,
    }
}

#[test]
fn s5_each_verb_asks_the_rules() {
    let (mut rig, _) = rig();
    rig.queue("q1", &[]);
    rig.queue("other", &[]);
    rig.broker.set_rules(Some(rules("readers")));
    let (_, session) = enter(&mut rig, "ann");
    let spec = |name: &str| QueueSpec { name: name.into(), ..QueueSpec::default() };
    let publish = |rig: &mut Rig, key: &str| {
        let message = Message::new("", key, b"", b"m", MessageMeta::default(), None).unwrap();
        rig.broker.publish(session, Publish { message, extra_keys: &[], claimed_user: None })
    };
    let refused = |verb, name: &str| Some((verb, Arc::from(name)));
    assert_eq!(refusal(rig.broker.declare_queue(session, spec("q2"))), refused(Verb::Configure, "q2"));
    assert_eq!(
        refusal(rig.broker.ensure_queue(session, spec("q2"), Verb::Read)),
        refused(Verb::Configure, "q2")
    );
    assert_eq!(refusal(rig.broker.delete_queue(session, "q1", false, false)), refused(Verb::Delete, "q1"));
    assert_eq!(refusal(publish(&mut rig, "q1")), refused(Verb::Write, "sys.default"));
    assert!(rig.broker.get(session, "q1", true).is_ok());
    assert!(rig.broker.purge_queue(session, "q1").is_ok());
    assert_eq!(refusal(rig.broker.get(session, "other", true)), refused(Verb::Read, "other"));
    assert!(refusal(rig.broker.check_queue(session, "other")).is_some(), "not even that it is there");
    assert!(rig.broker.check_queue(session, "q1").is_ok());
    let made = rig.broker.ensure_private_queue(session, "private.x");
    assert_eq!(refusal(made), refused(Verb::Configure, "private.x"));
    assert!(rig.broker.ensure_private_queue(session, "unruled").is_ok());
    // Groups change while the session is open.
    rig.broker.renew_guest(&"ann".into(), known(&["senders", "makers"]));
    assert!(publish(&mut rig, "q1").is_ok());
    assert!(rig.broker.declare_queue(session, spec("q2")).is_ok());
    assert!(rig.broker.ensure_private_queue(session, "private.x").is_ok());
    let consume = consume_spec("private.x");
    assert_eq!(refusal(rig.broker.consume(session, &consume)), refused(Verb::Read, "private.x"));
    assert!(refusal(rig.broker.get(session, "q1", true)).is_some());
    // Without rules permissions alone count.
    rig.broker.set_rules(None);
    assert!(rig.broker.get(session, "other", true).is_ok());
}

#[test]
fn s7_consumers_end_when_rules_or_groups_no_longer_let_them() {
    let (mut rig, _) = rig();
    rig.queue("q1", &[]);
    rig.broker.set_rules(Some(rules("readers")));
    let ended = |rig: &mut Rig, of: ConnectionId| {
        for _ in 0..4 {
            rig.advance(1);
        }
        let effects = std::mem::take(&mut rig.effects);
        effects.iter().any(|(connection, effect)| {
            let is_end = matches!(effect, Effect::ConsumerEnded { reason: EndReason::Administrative, .. });
            *connection == of && is_end
        })
    };
    let (ann, session) = enter(&mut rig, "ann");
    let consume = consume_spec("q1");
    let _ = rig.broker.consume(session, &consume).unwrap();
    rig.broker.renew_guest(&"ann".into(), known(&["readers", "more"]));
    rig.broker.renew_guest(&"ann".into(), OutsideAnswer::Unavailable);
    assert!(!ended(&mut rig, ann));
    rig.broker.renew_guest(&"ann".into(), known(&["more"]));
    assert!(ended(&mut rig, ann));
    let (bob, session) = enter(&mut rig, "bob");
    let _ = rig.broker.consume(session, &consume).unwrap();
    assert!(!ended(&mut rig, bob));
    rig.broker.set_rules(Some(rules("others")));
    assert!(ended(&mut rig, bob));
}

#[test]
fn a_user_of_ones_own_counts_before_one_outside() {
    let (mut rig, asked) = rig();
    let password = Secret::new(b"own".to_vec());
    let mut salt = [0; 16];
    CountingRng(1).fill(&mut salt);
    let hash = PasswordHash::make(&password, &salt).unwrap();
    let _ = rig.broker.put_user(UserDefinition {
        name: "ann".into(),
        password: Some(hash),
        ..UserDefinition::default()
    });
    assert_eq!(log_in(&mut rig, "ann", "right"), Err(LoginRefused::Wrong));
    assert_eq!(log_in(&mut rig, "ann", "own"), Ok("ann".into()));
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    assert_eq!(log_in(&mut rig, "bob", "right"), Ok("bob".into()));
    assert!(rig.broker.user_definition("bob").is_none() && rig.broker.users().len() == 2);
    assert!(rig.broker.has_role("bob", ternmq_access::Role::Administrator));
    assert!(!rig.broker.user_may_enter(&"carl".into(), "main"));
}

#[test]
fn a_login_outside_is_remembered_for_a_minute() {
    let (mut rig, asked) = rig();
    let count = || asked.load(Ordering::Relaxed);
    assert!(log_in(&mut rig, "ann", "right").is_ok());
    rig.advance(OUTSIDE_LOGIN_MS - 1);
    assert!(log_in(&mut rig, "ann", "right").is_ok());
    assert_eq!(count(), 1);
    assert_eq!(log_in(&mut rig, "ann", "wrong"), Err(LoginRefused::Wrong));
    assert_eq!(log_in(&mut rig, "ann", "down"), Err(LoginRefused::Unavailable));
    assert_eq!(count(), 3);
    rig.advance(1);
    assert!(log_in(&mut rig, "ann", "right").is_ok());
    assert_eq!(count(), 4);
    // Other groups are another user: what was remembered is void.
    rig.broker.renew_guest(&"ann".into(), known(&["others"]));
    assert!(log_in(&mut rig, "ann", "right").is_ok());
    assert_eq!(count(), 5);
    rig.broker.renew_guest(&"ann".into(), OutsideAnswer::Refused);
    assert!(log_in(&mut rig, "ann", "right").is_ok());
    assert_eq!(count(), 6);
}

#[test]
fn s2_failures_outside_count_for_the_brake_but_not_when_nobody_can_tell() {
    let (mut rig, asked) = rig();
    for _ in 0..20 {
        assert_eq!(log_in(&mut rig, "ann", "down"), Err(LoginRefused::Unavailable));
    }
    for _ in 0..10 {
        assert_eq!(log_in(&mut rig, "ann", "wrong"), Err(LoginRefused::Wrong));
    }
    assert_eq!(log_in(&mut rig, "ann", "right"), Err(LoginRefused::Wrong));
    assert_eq!(asked.load(Ordering::Relaxed), 30);
    rig.advance(60_000);
    assert!(log_in(&mut rig, "ann", "right").is_ok());
}

#[test]
fn s7_who_is_not_known_outside_any_more_is_gone() {
    let (mut rig, _) = rig();
    let (ann, session) = enter(&mut rig, "ann");
    assert_eq!(rig.broker.guests(), ["ann".into()]);
    rig.broker.renew_guest(&"ann".into(), OutsideAnswer::Refused);
    rig.turn();
    let is_told = |(connection, effect): &(ConnectionId, Effect)| {
        *connection == ann && matches!(effect, Effect::Close { .. })
    };
    assert!(rig.effects.iter().any(is_told));
    assert!(rig.broker.get(session, "q1", true).is_err());
    assert!(rig.broker.guests().is_empty());
    // One that nobody knows here is not made by that.
    rig.broker.renew_guest(&"bob".into(), known(&["readers"]));
    assert!(!rig.broker.user_may_enter(&"bob".into(), "main"));
}
