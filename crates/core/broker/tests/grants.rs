//! Grants of users: every way to a queue asks for them, and they are there after a crash.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use support::Rig;
use ternmq_access::{Act, Glob, GrantEffect, GrantKind, GrantNames, GrantRule, Grants};
use ternmq_broker::{Effect, EndReason, Error, Kind, NodeSpec, Publish, Published, QueueSpec, Verb};
use ternmq_message::{Map, Message, MessageMeta, Value};
use ternmq_routing::NodeKind;

fn allow(act: Act, kind: GrantKind, pattern: &str) -> GrantRule {
    GrantRule {
        effect: GrantEffect::Allow,
        acts: [act].into_iter().collect(),
        kinds: [kind].into_iter().collect(),
        names: GrantNames::Only(vec![Glob::new(pattern).unwrap()]),
    }
}

fn bind(rig: &mut Rig, rules: &[(Act, GrantKind, &str)]) -> usize {
    let rules = rules.iter().map(|(act, kind, pattern)| allow(*act, *kind, pattern)).collect();
    let wanted: BTreeMap<Arc<str>, Grants> =
        [("root".into(), Grants::new(vec![rules]).unwrap())].into_iter().collect();
    rig.broker.set_grants(&wanted).value
}

fn publish(rig: &mut Rig, node: &str, key: &str, extra_keys: &[&str]) -> Result<Published, Error> {
    let message = Message::new(node, key, b"", b"m", MessageMeta::default(), None).unwrap();
    let extra_keys: Vec<Arc<str>> = extra_keys.iter().map(|key| (*key).into()).collect();
    rig.broker.publish(rig.session, Publish { message, extra_keys: &extra_keys, claimed_user: None })
}

fn is_refused<T>(answer: Result<T, Error>, wanted: (Verb, Kind, &str)) -> bool {
    matches!(answer, Err(Error::Refused { verb, kind, name, .. }) if (verb, kind, &*name) == wanted)
}

#[test]
fn s7_the_next_publish_of_an_open_session_asks_again() {
    let mut rig = Rig::new();
    rig.queue("a", &[]);
    rig.queue("b", &[]);
    assert!(publish(&mut rig, "", "a", &[]).is_ok());
    assert_eq!(bind(&mut rig, &[(Act::Send, GrantKind::Queue, "main/b")]), 1);
    let refused = publish(&mut rig, "", "a", &[]);
    assert!(is_refused(refused, (Verb::Write, Kind::Node, "sys.default")));
    assert!(publish(&mut rig, "", "b", &[]).is_ok());
    // Each further key leads to a queue of its own.
    assert!(publish(&mut rig, "", "b", &["b", "a"]).is_err());
    assert!(rig.broker.get(rig.session, "b", true).is_err());
    assert_eq!(bind(&mut rig, &[(Act::Send, GrantKind::Queue, "main/b")]), 0, "nothing changes");
    assert_eq!(rig.broker.set_grants(&BTreeMap::new()).value, 1);
    assert!(publish(&mut rig, "", "b", &["a"]).is_ok());
}

#[test]
fn s7_consumers_that_are_not_granted_any_more_end() {
    let mut rig = Rig::new();
    let ended = |rig: &mut Rig| -> Vec<u32> {
        rig.turn();
        let effects = std::mem::take(&mut rig.effects);
        let label = |(_, effect): (_, Effect)| match effect {
            Effect::ConsumerEnded { consumer_label, reason: EndReason::Administrative, .. } => {
                Some(consumer_label)
            }
            _ => None,
        };
        effects.into_iter().filter_map(label).collect()
    };
    for number in 0..600 {
        let name = format!("q{number}");
        rig.queue(&name, &[]);
        rig.consume(&name, number, None);
    }
    rig.fill("q7", &["kept"]);
    bind(&mut rig, &[(Act::Receive, GrantKind::Queue, "main/q*")]);
    for _ in 0..4 {
        rig.advance(1);
    }
    assert_eq!(ended(&mut rig), []);
    bind(
        &mut rig,
        &[(Act::Receive, GrantKind::Queue, "main/q7"), (Act::Receive, GrantKind::Queue, "main/q59?")],
    );
    for _ in 0..4 {
        rig.advance(1);
    }
    let left: Vec<u32> = (0..600).filter(|number| *number != 7 && *number < 590).collect();
    assert_eq!(ended(&mut rig), left);
    assert_eq!(rig.counts("q7"), (0, 1), "what it has not settled stays its");
    // The broker's own permissions count within a minute.
    let _ = rig.broker.delete_permission("root", "main");
    assert_eq!(ended(&mut rig), []);
    rig.advance(60_000);
    for _ in 0..4 {
        rig.advance(1);
    }
    assert_eq!(ended(&mut rig).len(), 11);
}

#[test]
fn s5_indirect_targets_and_each_verb_need_their_grant() {
    let mut rig = Rig::new();
    rig.queue("q", &[]);
    rig.node("n", NodeKind::Topic);
    let everything = |act| [GrantKind::Queue, GrantKind::Node, GrantKind::Key].map(|kind| (act, kind, "*"));
    let all = |acts: &[Act]| -> Vec<_> { acts.iter().flat_map(|act| everything(*act)).collect() };
    bind(&mut rig, &all(&[Act::Create, Act::Receive]));
    let dead = QueueSpec {
        name: "d".into(),
        arguments: [("dead_node".into(), Value::str("n"))].into_iter().collect(),
        ..QueueSpec::default()
    };
    let session = rig.session;
    assert!(is_refused(rig.broker.declare_queue(session, dead.clone()), (Verb::Write, Kind::Node, "n")));
    let bound = rig.broker.bind_queue(session, "q", "n", "k", Map::new());
    assert!(is_refused(bound, (Verb::Write, Kind::Queue, "q")));
    let deleted = rig.broker.delete_queue(session, "q", false, false);
    assert!(is_refused(deleted, (Verb::Delete, Kind::Queue, "q")));
    assert!(rig.broker.purge_queue(session, "q").is_ok());
    bind(&mut rig, &all(&[Act::Delete, Act::Send]));
    assert!(is_refused(rig.broker.declare_queue(session, dead), (Verb::Configure, Kind::Queue, "d")));
    let spec = NodeSpec {
        name: "m".into(),
        kind: NodeKind::Fanout,
        is_durable: true,
        is_auto_delete: false,
        is_internal: false,
        arguments: Map::new(),
    };
    assert!(is_refused(rig.broker.declare_node(session, spec), (Verb::Configure, Kind::Node, "m")));
    assert!(is_refused(rig.broker.purge_queue(session, "q"), (Verb::Read, Kind::Queue, "q")));
    let bound = rig.broker.bind_queue(session, "q", "n", "k", Map::new());
    assert!(is_refused(bound, (Verb::Read, Kind::Node, "n")));
    // A topic node asks for the key too.
    bind(&mut rig, &[(Act::Send, GrantKind::Node, "main/n"), (Act::Send, GrantKind::Key, "main/n/eu.*")]);
    assert!(publish(&mut rig, "n", "eu.x", &[]).is_ok());
    assert!(matches!(publish(&mut rig, "n", "us.x", &[]), Err(Error::KeyRefused { .. })));
    assert!(matches!(publish(&mut rig, "n", "eu.x", &["us.x"]), Err(Error::KeyRefused { .. })));
    bind(&mut rig, &[(Act::Delete, GrantKind::Queue, "main/q")]);
    assert!(rig.broker.delete_queue(session, "q", false, false).is_ok());
}

#[test]
fn grants_come_back_after_a_crash_with_and_without_a_checkpoint() {
    for has_checkpoint in [false, true] {
        let mut rig = Rig::new();
        rig.queue("q", &[]);
        let receive = (Act::Receive, GrantKind::Queue, "main/\\**");
        let enter = (Act::Enter, GrantKind::Namespace, "main");
        bind(&mut rig, &[receive, enter, (Act::Manage, GrantKind::Broker, "")]);
        let before: Vec<_> =
            rig.broker.grants().map(|(name, grants)| (name.clone(), grants.clone())).collect();
        rig.turn();
        if has_checkpoint {
            rig.checkpoint_unread();
        }
        let mut rig = Rig::over(rig.crashed_log(), false);
        let after: Vec<_> =
            rig.broker.grants().map(|(name, grants)| (name.clone(), grants.clone())).collect();
        assert_eq!(after, before);
        assert!(publish(&mut rig, "", "q", &[]).is_err());
        assert_eq!(rig.broker.set_grants(&BTreeMap::new()).value, 1);
        rig.turn();
        let rig = Rig::over(rig.crashed_log(), false);
        assert_eq!(rig.broker.grants().count(), 0);
    }
}
