//! Grants: user × act × thing beside the permissions, their limits, and what a change of them does.
#![allow(clippy::unwrap_used)]

use ternmq_access::{
    Access, Act, Action, Acts, DeniedReason, Glob, GrantEffect, GrantKind, GrantKinds, GrantNames, GrantRule,
    Grants, GrantsError, MAX_GRANT_BYTES, MAX_GRANT_LAYERS, MAX_GRANT_RULES, PermissionRecord, Principal,
    Resource, Role, Roles, Thing, UserLimits, UserRecord,
};

fn globs(patterns: &[&str]) -> Vec<Glob> {
    patterns.iter().map(|pattern| Glob::new(pattern).unwrap()).collect()
}

fn rule(effect: GrantEffect, acts: &[Act], kinds: &[GrantKind], names: GrantNames) -> GrantRule {
    let (acts, kinds) = (acts.iter().copied().collect(), kinds.iter().copied().collect());
    GrantRule { effect, acts, kinds, names }
}

fn allow(acts: &[Act], kinds: &[GrantKind], patterns: &[&str]) -> GrantRule {
    rule(GrantEffect::Allow, acts, kinds, GrantNames::Only(globs(patterns)))
}

fn deny(acts: &[Act], kinds: &[GrantKind], patterns: &[&str]) -> GrantRule {
    rule(GrantEffect::Deny, acts, kinds, GrantNames::Only(globs(patterns)))
}

fn put(access: &mut Access, name: &str, [configure, write, read]: [&str; 3]) {
    access.put_user(UserRecord {
        name: name.into(),
        password: None,
        scram: None,
        tags: Vec::new(),
        roles: Roles::NONE.with(Role::Administrator),
        groups: Vec::new(),
        limits: UserLimits::default(),
    });
    let permission = PermissionRecord {
        user: name.into(),
        namespace: "/".into(),
        configure: configure.into(),
        write: write.into(),
        read: read.into(),
    };
    access.put_permission(permission).unwrap();
}

fn ask(access: &Access, user: &str, action: Action, thing: Thing<'_>) -> Option<DeniedReason> {
    let resource = Resource { namespace: "/", thing };
    access.authorize(&Principal::new(user.into(), Vec::new()), action, resource).err().map(|it| it.reason)
}

/// `ann` may do everything by her permissions.
fn bound(layers: Vec<Vec<GrantRule>>) -> Access {
    let mut access = Access::new();
    put(&mut access, "ann", [".*"; 3]);
    access.put_grants("ann".into(), Grants::new(layers).unwrap());
    access
}

const EVERYTHING: [GrantKind; 5] =
    [GrantKind::Broker, GrantKind::Namespace, GrantKind::Queue, GrantKind::Node, GrantKind::Key];

#[test]
fn s5_each_act_needs_its_own_grant() {
    use Action::{Access as Enter, Configure, Delete, Read, TopicRead, TopicWrite, Write};
    let key = Thing::Key { node: "a/b", key: "k.1" };
    let by = Thing::QueueBy { node: "default", queue: "q" };
    let asks = [
        (Enter, Thing::Namespace, Act::Enter, GrantKind::Namespace, "%2F"),
        (Configure, Thing::Queue("q"), Act::Create, GrantKind::Queue, "%2F/q"),
        (Configure, Thing::Node("n"), Act::Create, GrantKind::Node, "%2F/n"),
        (Delete, Thing::Queue("q"), Act::Delete, GrantKind::Queue, "%2F/q"),
        (Delete, Thing::Node("n/m"), Act::Delete, GrantKind::Node, "%2F/n/m"),
        (Write, Thing::Queue("q"), Act::Send, GrantKind::Queue, "%2F/q"),
        (Write, Thing::Node("n"), Act::Send, GrantKind::Node, "%2F/n"),
        (Write, by, Act::Send, GrantKind::Queue, "%2F/q"),
        (Read, Thing::Queue("q"), Act::Receive, GrantKind::Queue, "%2F/q"),
        (Read, Thing::Node("n"), Act::Receive, GrantKind::Node, "%2F/n"),
        (TopicWrite, key, Act::Send, GrantKind::Key, "%2F/a%2Fb/k.1"),
        (TopicRead, key, Act::Receive, GrantKind::Key, "%2F/a%2Fb/k.1"),
    ];
    for (action, thing, act, kind, text) in asks {
        let exact = bound(vec![vec![allow(&[act], &[kind], &[text])]]);
        for (other, thing_of_other, act_of_other, kind_of_other, text_of_other) in asks {
            let is_same = (act, kind, text) == (act_of_other, kind_of_other, text_of_other);
            let expect = (!is_same).then_some(DeniedReason::NotGranted);
            let answer = ask(&exact, "ann", other, thing_of_other);
            assert_eq!(answer, expect, "{act:?} {text} asked {other:?} {thing_of_other:?}");
        }
        // Every other act on the very thing, and the act on every other kind of thing, is no grant.
        let others = Act::WORDS.iter().map(|(other, _)| *other).filter(|other| *other != act);
        let others = bound(vec![vec![allow(&others.collect::<Vec<_>>(), &EVERYTHING, &["*"])]]);
        assert_eq!(
            ask(&others, "ann", action, thing),
            Some(DeniedReason::NotGranted),
            "{action:?} {thing:?}"
        );
        let kinds: Vec<_> = EVERYTHING.into_iter().filter(|other| *other != kind).collect();
        let others = bound(vec![vec![allow(&[act], &kinds, &["*"])]]);
        assert_eq!(
            ask(&others, "ann", action, thing),
            Some(DeniedReason::NotGranted),
            "{action:?} {thing:?}"
        );
    }
}

#[test]
fn a_denial_wins_and_each_layer_has_to_allow() {
    use DeniedReason::NotGranted;
    let (send, queue) = ([Act::Send], [GrantKind::Queue]);
    let all = allow(&send, &queue, &["*"]);
    let no_pay = deny(&send, &queue, &["%2F/pay*"]);
    let but = |effect, patterns: &[&str]| rule(effect, &send, &queue, GrantNames::AllBut(globs(patterns)));
    let check = |layers: Vec<Vec<GrantRule>>, orders, pay| {
        let access = bound(layers.clone());
        let found = ["orders", "pay.x"].map(|name| ask(&access, "ann", Action::Write, Thing::Queue(name)));
        assert_eq!(found, [orders, pay], "{layers:?}");
    };
    check(vec![], Some(NotGranted), Some(NotGranted));
    check(vec![vec![]], Some(NotGranted), Some(NotGranted));
    check(vec![vec![all.clone()]], None, None);
    check(vec![vec![all.clone(), no_pay.clone()]], None, Some(NotGranted));
    check(vec![vec![no_pay.clone(), all.clone()]], None, Some(NotGranted));
    check(vec![vec![all.clone()], vec![no_pay.clone(), all.clone()]], None, Some(NotGranted));
    check(vec![vec![all.clone()], vec![]], Some(NotGranted), Some(NotGranted));
    check(vec![vec![all.clone()], vec![allow(&send, &queue, &["%2F/pay.?"])]], Some(NotGranted), None);
    check(vec![vec![but(GrantEffect::Allow, &["%2F/pay*", "%2F/x"])]], None, Some(NotGranted));
    check(vec![vec![all.clone(), but(GrantEffect::Deny, &["%2F/pay*"])]], Some(NotGranted), None);
    check(vec![vec![but(GrantEffect::Allow, &[])]], None, None);
    check(
        vec![vec![allow(&send, &queue, &["/orders", "%2F/Orders", "orders", "%2F/order"])]],
        Some(NotGranted),
        Some(NotGranted),
    );
}

#[test]
fn permissions_and_grants_both_count() {
    let mut access = bound(vec![vec![allow(&[Act::Send], &EVERYTHING, &["*"])]]);
    put(&mut access, "ann", ["", "^orders$", ".*"]);
    assert_eq!(ask(&access, "ann", Action::Write, Thing::Queue("orders")), None);
    let answer = ask(&access, "ann", Action::Write, Thing::Queue("pay"));
    assert_eq!(answer, Some(DeniedReason::NameNotAllowed));
    let answer = ask(&access, "ann", Action::Read, Thing::Queue("pay"));
    assert_eq!(answer, Some(DeniedReason::NotGranted));
    // By way of a node, permissions ask for the node.
    let by = Thing::QueueBy { node: "orders", queue: "pay" };
    assert_eq!(ask(&access, "ann", Action::Write, by), None);
    let nobody = Resource { namespace: "other", thing: Thing::Namespace };
    let denied = access.authorize(&Principal::new("ann".into(), Vec::new()), Action::Access, nobody);
    assert_eq!(denied.unwrap_err().reason, DeniedReason::NoPermission);
}

#[test]
fn s7_a_change_of_grants_has_everything_asked_again() {
    let mut access = Access::new();
    put(&mut access, "ann", [".*"; 3]);
    put(&mut access, "bob", [".*"; 3]);
    let facts =
        |access: &Access| (access.generation(), ["ann", "bob"].map(|name| access.user_revision(name)));
    let before = facts(&access);
    access.put_grants("ann".into(), Grants::nothing());
    let bound = facts(&access);
    assert!(bound.0 > before.0 && bound.1[0] > before.1[0] && bound.1[1] == before.1[1]);
    assert_eq!(ask(&access, "ann", Action::Read, Thing::Queue("q")), Some(DeniedReason::NotGranted));
    assert_eq!(ask(&access, "bob", Action::Read, Thing::Queue("q")), None);
    assert!(access.remove_grants("ann"));
    assert!(!access.remove_grants("ann"));
    let freed = facts(&access);
    assert!(freed.0 > bound.0 && freed.1[0] > bound.1[0]);
    assert_eq!(ask(&access, "ann", Action::Read, Thing::Queue("q")), None);
}

#[test]
fn a_name_keeps_its_grants_when_its_user_goes_and_comes() {
    let mut access = Access::new();
    access.put_grants("ann".into(), Grants::nothing());
    assert_eq!(ask(&access, "ann", Action::Read, Thing::Queue("q")), Some(DeniedReason::UnknownUser));
    for _ in 0..2 {
        put(&mut access, "ann", [".*"; 3]);
        assert_eq!(ask(&access, "ann", Action::Read, Thing::Queue("q")), Some(DeniedReason::NotGranted));
        access.remove_user("ann");
    }
    assert_eq!(access.grants().count(), 1);
}

#[test]
fn roles_of_a_bound_user_need_a_grant() {
    let mut access = Access::new();
    put(&mut access, "ann", [".*"; 3]);
    assert!(access.has_role("ann", Role::Administrator) && !access.has_role("ann", Role::Monitor));
    access.put_grants("ann".into(), Grants::nothing());
    assert!(!access.has_role("ann", Role::Administrator));
    let manage = allow(&[Act::Manage], &[GrantKind::Broker], &[""]);
    access.put_grants("ann".into(), Grants::new(vec![vec![manage]]).unwrap());
    assert!(access.has_role("ann", Role::Administrator) && !access.has_role("nobody", Role::Administrator));
}

#[test]
fn b8_what_takes_too_many_steps_is_denied() {
    let hostile = format!("*{}b", "a".repeat(400));
    let name = "a".repeat(1_000);
    let (acts, kinds) = ([Act::Send], [GrantKind::Queue]);
    for first in [allow(&acts, &kinds, &[&hostile]), deny(&acts, &kinds, &[&hostile])] {
        let access = bound(vec![vec![first, allow(&acts, &kinds, &["*"])]]);
        let answer = ask(&access, "ann", Action::Write, Thing::Queue(&name));
        assert_eq!(answer, Some(DeniedReason::GrantsTooCostly));
        assert_eq!(ask(&access, "ann", Action::Write, Thing::Queue("short")), None);
    }
}

#[test]
fn i11_rules_have_limits() {
    let one = |patterns: &[&str]| allow(&[Act::Send], &[GrantKind::Queue], patterns);
    let most = vec![one(&["q"]); MAX_GRANT_RULES];
    assert!(Grants::new(vec![most.clone()]).is_ok());
    let count = MAX_GRANT_RULES + 1;
    assert_eq!(Grants::new(vec![most, vec![one(&[])]]), Err(GrantsError::TooManyRules { count }));
    let count = MAX_GRANT_LAYERS + 1;
    assert_eq!(Grants::new(vec![Vec::new(); count]), Err(GrantsError::TooManyLayers { count }));
    let long = "a".repeat(4_096);
    let full = vec![long.as_str(); MAX_GRANT_BYTES / 4_096];
    assert!(Grants::new(vec![vec![one(&full)]]).is_ok());
    let bytes = MAX_GRANT_BYTES + 1;
    assert_eq!(Grants::new(vec![vec![one(&full), one(&["b"])]]), Err(GrantsError::TooLarge { bytes }));
    assert_eq!((Acts::from_bits(0b100_0000), GrantKinds::from_bits(0b10_0000)), (None, None));
    assert_eq!(Acts::from_bits(0b11_1111).map(Acts::bits), Some(0b11_1111));
}
