//! Rules by group: group × act × name beside the permissions, patterns that cover patterns, limits, guests.
#![allow(clippy::unwrap_used)]

use ternmq_access::{
    Access, Action, DeniedReason, MAX_RULE_BYTES, MAX_RULES, Members, PermissionRecord, Permits, Principal,
    Resource, Roles, RuleSpace, RuleSyntax, Rules, RulesError, Thing, UserLimits, UserRecord,
};

const SYNTAX: RuleSyntax = RuleSyntax { separator: '.', one: "*", rest: ">" };

fn record(name: &str, groups: &[&str]) -> UserRecord {
    UserRecord {
        name: name.into(),
        password: None,
        scram: None,
        tags: Vec::new(),
        roles: Roles::NONE,
        groups: groups.iter().map(|group| (*group).into()).collect(),
        limits: UserLimits::default(),
    }
}

fn put(access: &mut Access, name: &str, groups: &[&str]) {
    access.put_user(record(name, groups));
    let all = || ".*".into();
    let permission = PermissionRecord {
        user: name.into(),
        namespace: "main".into(),
        configure: all(),
        write: all(),
        read: all(),
    };
    access.put_permission(permission).unwrap();
}

fn of(manage: &[&str], send: &[&str], receive: &[&str]) -> Permits {
    let members = |names: &[&str]| Members::groups(names.iter().copied());
    Permits { manage: members(manage), send: members(send), receive: members(receive) }
}

fn space(prefix: &str, adds_default: bool, rules: &[(&str, Permits)]) -> RuleSpace {
    let rules = rules.iter().map(|(pattern, permits)| ((*pattern).into(), permits.clone())).collect();
    RuleSpace { prefix: prefix.into(), adds_default, rules }
}

fn rules(spaces: Vec<RuleSpace>, default: Permits) -> Rules {
    Rules::new(SYNTAX, spaces, vec!["free://".into()], default).unwrap()
}

fn ask(access: &Access, user: &str, action: Action, thing: Thing<'_>) -> Option<DeniedReason> {
    let resource = Resource { namespace: "main", thing };
    access.authorize(&Principal::new(user.into(), Vec::new()), action, resource).err().map(|it| it.reason)
}

const ACTIONS: [Action; 4] = [Action::Configure, Action::Delete, Action::Write, Action::Read];

#[test]
fn s5_group_by_act_by_name() {
    let mut access = Access::new();
    put(&mut access, "maker", &["makers"]);
    put(&mut access, "sender", &["other", "senders"]);
    put(&mut access, "reader", &["readers"]);
    put(&mut access, "boss", &["bosses"]);
    put(&mut access, "nobody", &[]);
    let orders = of(&["makers"], &["senders"], &["readers"]);
    let spaces = vec![
        space(
            "queue://",
            true,
            &[("orders.>", orders.clone()), ("orders.audit", of(&[], &["readers"], &[]))],
        ),
        space("topic://", true, &[("orders", orders)]),
        space("alone://", false, &[(">", of(&[], &[], &["readers"]))]),
    ];
    assert!(access.set_rules(Some(rules(spaces, Permits::all(Members::groups(["bosses"]))))));
    let may = |user: &str, thing| ACTIONS.map(|action| ask(&access, user, action, thing).is_none());
    let table: [(&str, Thing<'_>, [bool; 4]); 16] = [
        ("maker", Thing::Queue("queue://orders.eu"), [true, true, false, false]),
        ("sender", Thing::Queue("queue://orders.eu"), [false, false, true, false]),
        ("reader", Thing::Queue("queue://orders.eu"), [false, false, false, true]),
        ("reader", Thing::Queue("queue://orders"), [false, false, false, true]),
        // all entries that match count together
        ("reader", Thing::Queue("queue://orders.audit"), [false, false, true, true]),
        ("maker", Thing::Node("topic://orders"), [true, true, false, false]),
        ("reader", Thing::Node("topic://orders.eu"), [false; 4]),
        ("nobody", Thing::Queue("queue://orders.eu"), [false; 4]),
        ("nobody", Thing::Queue("free://x"), [true; 4]),
        ("reader", Thing::Queue("else://orders"), [false; 4]),
        ("reader", Thing::Queue("alone://orders"), [false, false, false, true]),
        ("boss", Thing::Queue("queue://anything"), [true; 4]),
        ("boss", Thing::Node("topic://anything.>"), [true; 4]),
        ("boss", Thing::Queue("else://anything"), [true; 4]),
        ("boss", Thing::Queue("alone://anything"), [false; 4]),
        ("unknown", Thing::Queue("free://x"), [false; 4]),
    ];
    for (user, thing, expect) in table {
        assert_eq!(may(user, thing), expect, "{user} {thing}");
    }
    let by = Thing::QueueBy { node: "default", queue: "queue://orders.eu" };
    assert_eq!(ask(&access, "reader", Action::Write, by), Some(DeniedReason::NotInRules));
    assert_eq!(ask(&access, "sender", Action::Write, by), None);
    assert_eq!(ask(&access, "nobody", Action::Access, Thing::Namespace), None);
}

#[test]
fn s5_a_pattern_is_allowed_where_a_rule_covers_all_of_it() {
    let check = |pattern: &str, name: &str, expect: bool| {
        let mut access = Access::new();
        put(&mut access, "u", &["g"]);
        let spaces = vec![space("topic://", false, &[(pattern, of(&[], &[], &["g"]))])];
        access.set_rules(Some(rules(spaces, Permits::default())));
        let thing = format!("topic://{name}");
        let is_allowed = ask(&access, "u", Action::Read, Thing::Node(&thing)).is_none();
        assert_eq!(is_allowed, expect, "{pattern} on {name}");
    };
    for (pattern, name, expect) in [
        (">", "a.b", true),
        (">", ">", true),
        ("a.>", "a", true),
        ("a.>", "a.>", true),
        ("a.>", "a.*.c", true),
        ("a.>", "ab", false),
        ("a.>", "*.b", false),
        ("a.>", ">", false),
        ("a.*", "a.b", true),
        ("a.*", "a.*", true),
        ("a.*", "a.>", false),
        ("a.*", "a.b.c", false),
        ("a.*", "a", false),
        ("a.*.c", "a.b.c", true),
        ("a.*.c", "a.b.d", false),
        ("a.b", "a.b", true),
        ("a.b", "a.*", false),
        ("a.b", "a.>", false),
        ("a.b", "a.b.>", false),
        ("a", "A", false),
    ] {
        check(pattern, name, expect);
    }
}

#[test]
fn users_and_everybody_are_members_too() {
    let mut access = Access::new();
    put(&mut access, "ann", &[]);
    put(&mut access, "bob", &[]);
    let ann = Members { users: ["ann".into()].into(), ..Members::default() };
    let all = Members { is_everybody: true, ..Members::default() };
    let permits = Permits { send: ann, receive: all, ..Permits::default() };
    access.set_rules(Some(rules(vec![space("queue://", false, &[("q", permits)])], Permits::default())));
    let may = |user, action| ask(&access, user, action, Thing::Queue("queue://q")).is_none();
    assert!(may("ann", Action::Write) && may("ann", Action::Read) && may("bob", Action::Read));
    assert!(!may("bob", Action::Write) && !may("ann", Action::Delete));
}

#[test]
fn s1_rules_that_permit_nothing_deny_everything_and_none_leave_permissions_alone() {
    let mut access = Access::new();
    put(&mut access, "u", &["g"]);
    let ask_one = |access: &Access| ask(access, "u", Action::Read, Thing::Queue("queue://q"));
    assert_eq!(ask_one(&access), None);
    let before = access.generation();
    assert!(access.set_rules(Some(Rules::nothing(SYNTAX))));
    assert!(access.generation() > before, "what was allowed is asked again");
    assert_eq!(ask_one(&access), Some(DeniedReason::NotInRules));
    assert!(!access.set_rules(Some(Rules::nothing(SYNTAX))), "nothing changes");
    assert!(access.set_rules(None));
    assert_eq!(ask_one(&access), None);
    let node = Principal::node("n".into());
    access.set_rules(Some(Rules::nothing(SYNTAX)));
    let resource = Resource { namespace: "main", thing: Thing::Queue("queue://q") };
    assert!(
        access.authorize(&node, Action::Write, resource).is_ok(),
        "the node follows its own configuration"
    );
}

#[test]
fn s6_unlisted_things_are_denied_only_by_rules_about_them() {
    let mut access = Access::new();
    put(&mut access, "u", &["g"]);
    put(&mut access, "v", &[]);
    let ask = |access: &Access, user: &str, name: &str| {
        let resource = Resource { namespace: "main", thing: Thing::Queue(name) };
        let principal = Principal::new(user.into(), Vec::new());
        access.authorize_unlisted(&principal, Action::Configure, resource).is_ok()
    };
    assert!(ask(&access, "v", "temp://x"));
    let spaces = vec![space("temp://", false, &[(">", of(&["g"], &[], &[]))])];
    access.set_rules(Some(rules(spaces, Permits::default())));
    assert!(ask(&access, "u", "temp://x") && !ask(&access, "v", "temp://x") && ask(&access, "v", "own://x"));
}

#[test]
fn i11_more_than_the_limits_is_refused() {
    let of_count = |count: usize| {
        let rules = (0..count).map(|n| (n.to_string().into(), Permits::default())).collect();
        let space = RuleSpace { prefix: "q".into(), adds_default: false, rules };
        Rules::new(SYNTAX, vec![space], Vec::new(), Permits::default())
    };
    assert!(of_count(MAX_RULES).is_ok());
    assert_eq!(of_count(MAX_RULES + 1).err(), Some(RulesError::TooMany { count: MAX_RULES + 1 }));
    let of_bytes = |bytes: usize| {
        let default = Permits { send: Members::groups(["x".repeat(bytes)]), ..Permits::default() };
        Rules::new(SYNTAX, Vec::new(), Vec::new(), default)
    };
    assert!(of_bytes(MAX_RULE_BYTES).is_ok());
    let too_large = RulesError::TooLarge { bytes: MAX_RULE_BYTES + 1 };
    assert_eq!(of_bytes(MAX_RULE_BYTES + 1).err(), Some(too_large));
}

#[test]
fn guests_are_no_users_and_give_way_to_them() {
    let mut access = Access::new();
    assert!(access.put_guest(record("ann", &["g"]), &"main".into()));
    assert_eq!((access.users().count(), access.guest_count(), access.is_known("ann")), (0, 1, true));
    assert!(access.user("ann").is_none());
    assert_eq!(ask(&access, "ann", Action::Write, Thing::Queue("q")), None);
    let other = Resource { namespace: "other", thing: Thing::Namespace };
    assert!(access.authorize(&Principal::new("ann".into(), Vec::new()), Action::Access, other).is_err());
    let revision = access.user_revision("ann").unwrap();
    assert!(!access.put_guest(record("ann", &["g"]), &"main".into()));
    assert_eq!(access.user_revision("ann"), Some(revision), "what is remembered stays");
    assert!(access.put_guest(record("ann", &["h"]), &"main".into()));
    assert_ne!(access.user_revision("ann"), Some(revision));
    // The node's own user of that name, who may do nothing.
    access.put_user(record("ann", &[]));
    assert_eq!(ask(&access, "ann", Action::Write, Thing::Queue("q")), Some(DeniedReason::NoPermission));
    access.remove_user("ann");
    assert!(access.remove_guest("ann") && !access.remove_guest("ann"));
    assert_eq!(ask(&access, "ann", Action::Write, Thing::Queue("q")), Some(DeniedReason::UnknownUser));
}
