//! Principal × action × resource (S5), and what a change of the table does.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use ternmq_access::{
    Access, Action, DeniedReason, LimitReached, Limited, NamespaceLimits, PatternError, PermissionError,
    PermissionRecord, Principal, Resource, Role, Roles, Thing, TopicPermissionRecord, UserLimits, UserRecord,
};

fn user(name: &str) -> UserRecord {
    UserRecord {
        name: Arc::from(name),
        password: None,
        scram: None,
        tags: Vec::new(),
        roles: Roles::NONE,
        groups: Vec::new(),
        limits: UserLimits::default(),
    }
}

fn permission(user: &str, namespace: &str, [configure, write, read]: [&str; 3]) -> PermissionRecord {
    PermissionRecord {
        user: user.into(),
        namespace: namespace.into(),
        configure: configure.into(),
        write: write.into(),
        read: read.into(),
    }
}

fn topic(user: &str, node: &str, [write, read]: [&str; 2]) -> TopicPermissionRecord {
    TopicPermissionRecord {
        user: user.into(),
        namespace: "main".into(),
        node: node.into(),
        write: write.into(),
        read: read.into(),
    }
}

fn principal(user: &str) -> Principal {
    let variables = [("username", user), ("client_id", "c+#.*|1")];
    Principal::new(user.into(), variables.map(|(name, value)| (name.into(), value.into())).to_vec())
}

fn access() -> Access {
    let mut access = Access::new();
    for name in ["root", "worker", "reader", "idle", "a.b", "x|.*"] {
        access.put_user(user(name));
        if name != "idle" {
            access.put_permission(permission(name, "main", [".*", ".*", ".*"])).unwrap();
        }
    }
    access.put_permission(permission("root", "other", [".*", ".*", ".*"])).unwrap();
    access.put_permission(permission("worker", "main", ["^worker-", "^(worker-|jobs$)", "jobs"])).unwrap();
    access.put_permission(permission("reader", "main", ["", "^$", ".*"])).unwrap();
    access.put_topic_permission(topic("worker", "events", ["^job\\.", ""])).unwrap();
    access.put_topic_permission(topic("a.b", "events", ["^{username}\\.", "^{client_id}$"])).unwrap();
    access.put_topic_permission(topic("x|.*", "events", ["^{username}$", "{unknown}|.*"])).unwrap();
    access
}

fn ask(
    access: &Access,
    who: &str,
    action: Action,
    namespace: &str,
    thing: Thing<'_>,
) -> Option<DeniedReason> {
    let answer = access.authorize(&principal(who), action, Resource { namespace, thing });
    match answer {
        Ok(authorized) => {
            assert_eq!(authorized.generation(), access.generation());
            None
        }
        Err(denied) => {
            assert_eq!((&*denied.user, &*denied.namespace, denied.action), (who, namespace, action));
            Some(denied.reason)
        }
    }
}

#[test]
fn s5_who_may_do_what() {
    let access = access();
    let check = |who, action, namespace, thing, expect: Option<DeniedReason>| {
        let answer = ask(&access, who, action, namespace, thing);
        assert_eq!(answer, expect, "{who} {action:?} {thing:?} in {namespace}");
    };
    use Action::{Configure, Read, TopicRead, TopicWrite, Write};
    use DeniedReason::{KeyNotAllowed, NameNotAllowed, NoPermission, NoSuchAction, UnknownUser};
    let key = |node, key| Thing::Key { node, key };
    for (who, namespace, expect) in [
        ("root", "main", None),
        ("root", "other", None),
        ("root", "third", Some(NoPermission)),
        ("worker", "main", None),
        ("worker", "other", Some(NoPermission)),
        ("idle", "main", Some(NoPermission)),
        ("nobody", "main", Some(UnknownUser)),
        ("ROOT", "main", Some(UnknownUser)),
        ("", "main", Some(UnknownUser)),
    ] {
        check(who, Action::Access, namespace, Thing::Namespace, expect);
        // Without access to the namespace nothing in it is allowed.
        if expect.is_some() {
            for (action, thing) in [
                (Configure, Thing::Queue("worker-1")),
                (Write, Thing::Node("jobs")),
                (Read, Thing::Queue("jobs")),
                (TopicWrite, key("free", "any")),
                (TopicRead, key("free", "any")),
            ] {
                check(who, action, namespace, thing, expect);
            }
        }
    }
    let refused = Some(NameNotAllowed);
    for (who, name, [configure, write, read]) in [
        ("root", "anything", [None, None, None]),
        ("worker", "worker-1", [None, None, refused]),
        ("worker", "jobs", [refused, None, None]),
        ("worker", "my-jobs-2", [refused, refused, None]),
        ("worker", "other", [refused; 3]),
        ("worker", "", [refused; 3]),
        ("reader", "jobs", [refused, refused, None]),
        ("reader", "", [refused, None, None]),
    ] {
        for thing in [Thing::Queue(name), Thing::Node(name)] {
            check(who, Configure, "main", thing, configure);
            check(who, Write, "main", thing, write);
            check(who, Read, "main", thing, read);
        }
    }
    let refused = Some(KeyNotAllowed);
    for (who, node, text, [write, read]) in [
        ("worker", "free", "any", [None, None]),
        ("worker", "events", "job.1", [None, refused]),
        ("worker", "events", "a.job.1", [refused, refused]),
        ("root", "events", "any", [None, None]),
        ("a.b", "events", "a.b.c", [None, refused]),
        ("a.b", "events", "aXb.c", [refused, refused]),
        ("a.b", "events", "c+#.*|1", [refused, None]),
        ("a.b", "events", "c", [refused, refused]),
        ("a.b", "events", "1", [refused, refused]),
        // A name that would be a pattern is quoted, a variable that nothing is known of matches nothing (S8).
        ("x|.*", "events", "any", [refused, refused]),
        ("x|.*", "events", "x|.*", [None, refused]),
    ] {
        check(who, TopicWrite, "main", key(node, text), write);
        check(who, TopicRead, "main", key(node, text), read);
    }
    for (action, thing) in [
        (Action::Access, Thing::Queue("q")),
        (Action::Access, Thing::Node("q")),
        (Action::Access, key("n", "k")),
        (Configure, Thing::Namespace),
        (Write, key("n", "k")),
        (Read, Thing::Namespace),
        (TopicWrite, Thing::Node("n")),
        (TopicRead, Thing::Queue("q")),
    ] {
        check("root", action, "main", thing, Some(NoSuchAction));
    }
}

#[test]
fn s1_an_empty_table_serves_nobody() {
    let access = Access::new();
    let answer = ask(&access, "root", Action::Access, "main", Thing::Namespace);
    assert_eq!(answer, Some(DeniedReason::UnknownUser));
}

#[test]
fn a_denial_says_who_what_and_why_in_bounded_escaped_words() {
    let access = access();
    let deny = |who: &str, action, thing| {
        let resource = Resource { namespace: "main", thing };
        access.authorize(&principal(who), action, resource).unwrap_err().to_string()
    };
    assert_eq!(
        deny("reader", Action::Write, Thing::Queue("jobs")),
        "user 'reader' may not write to queue 'jobs' in namespace 'main': \
         the user's pattern for this does not match the name"
    );
    assert_eq!(
        deny("idle", Action::Access, Thing::Namespace),
        "user 'idle' may not enter anything in namespace 'main': the user has no permission there"
    );
    let long = format!("\n{}", "é".repeat(1_000));
    let text = deny("reader", Action::Write, Thing::Node(&long));
    assert!(text.contains("'\\né") && text.contains("é...'") && text.len() < 300, "{text}");
}

#[test]
fn each_change_shows_in_the_generation_and_in_the_revision_of_those_it_is_about() {
    let mut access = access();
    let mut check = |what: &str, change: &mut dyn FnMut(&mut Access), changes: &[&str]| {
        let names = ["root", "worker", "reader"];
        let before = (access.generation(), names.map(|name| access.user_revision(name)));
        change(&mut access);
        let after = (access.generation(), names.map(|name| access.user_revision(name)));
        assert_eq!(before.0 != after.0, !changes.is_empty(), "{what}");
        for (at, name) in names.iter().enumerate() {
            assert_eq!(before.1[at] != after.1[at], changes.contains(name), "{what}: {name}");
        }
    };
    check("nothing", &mut |access| assert!(!access.remove_user("nobody")), &[]);
    check("nothing", &mut |access| assert!(!access.remove_permission("root", "third")), &[]);
    check("nothing", &mut |access| assert!(!access.remove_topic_permission("root", "main", "events")), &[]);
    check("put user", &mut |access| access.put_user(user("root")), &["root"]);
    check(
        "put permission",
        &mut |access| access.put_permission(permission("reader", "main", ["", "", "a"])).unwrap(),
        &["reader"],
    );
    check(
        "put topic permission",
        &mut |access| access.put_topic_permission(topic("root", "n", ["", ""])).unwrap(),
        &["root"],
    );
    check(
        "remove topic permission",
        &mut |access| assert!(access.remove_topic_permission("worker", "main", "events")),
        &["worker"],
    );
    check("remove permission", &mut |access| assert!(access.remove_permission("root", "other")), &["root"]);
    check("remove namespace", &mut |access| access.remove_namespace("main"), &["root", "worker", "reader"]);
    check("remove user", &mut |access| assert!(access.remove_user("reader")), &["reader"]);
    let old = access.user_revision("root");
    access.remove_user("root");
    access.put_user(user("root"));
    assert_ne!(access.user_revision("root"), old, "another user of the same name");
    assert_eq!((access.permissions().count(), access.topic_permissions().count()), (0, 0));
}

#[test]
fn a_user_that_is_put_again_keeps_its_permissions() {
    let mut access = access();
    access.put_user(UserRecord { tags: vec!["ops".into()], ..user("worker") });
    assert_eq!(access.user("worker").unwrap().tags.len(), 1);
    assert_eq!(ask(&access, "worker", Action::Configure, "main", Thing::Queue("worker-1")), None);
    access.put_permission(permission("worker", "main", ["", ".*", ".*"])).unwrap();
    let answer = ask(&access, "worker", Action::Configure, "main", Thing::Queue("worker-1"));
    assert_eq!(answer, Some(DeniedReason::NameNotAllowed), "the new one is in place of the old one");
}

#[test]
fn a_table_is_shared_between_threads() {
    fn is_shared<T: Send + Sync>() {}
    fn is_sent<T: Send>() {}
    is_shared::<Access>();
    is_sent::<Principal>();
}

#[test]
fn refused_permissions_leave_the_old_ones() {
    let mut access = access();
    let generation = access.generation();
    let pattern = |which, reason| Err(PermissionError::Pattern { which, reason });
    let bad = permission("worker", "main", [".*", "(", ".*"]);
    assert_eq!(access.put_permission(bad), pattern("write", PatternError::Invalid));
    let bad = topic("worker", "events", ["^{username}", "^{username}("]);
    assert_eq!(access.put_topic_permission(bad), pattern("read", PatternError::Invalid));
    let unknown = Err(PermissionError::UnknownUser("nobody".into()));
    assert_eq!(access.put_permission(permission("nobody", "main", [""; 3])), unknown);
    assert_eq!(access.put_topic_permission(topic("nobody", "n", [""; 2])), unknown);
    assert_eq!(access.generation(), generation);
    assert_eq!(&*access.permission("worker", "main").unwrap().configure, "^worker-");
    assert_eq!(access.permissions().count(), 6);
    assert_eq!(access.topic_permissions().count(), 3);
    assert_eq!(access.users().count(), 6);
}

#[test]
fn a_principal_keeps_a_bounded_number_of_filled_in_patterns_and_notices_changes() {
    let mut access = access();
    let who = principal("root");
    let ask = |access: &Access, key: &str| {
        let thing = Thing::Key { node: "n", key };
        access.authorize(&who, Action::TopicWrite, Resource { namespace: "main", thing }).is_ok()
    };
    for n in 0..200 {
        access.put_topic_permission(topic("root", "n", [&format!("^{{username}}-{n}$"), ""])).unwrap();
        assert!(ask(&access, &format!("root-{n}")));
        assert!(!ask(&access, "root-x"));
    }
}

#[test]
fn limits_at_and_past_each() {
    let none = UserLimits::default();
    assert_eq!(none.check_connections(u32::MAX), Ok(()));
    let user = UserLimits { max_connections: Some(2), max_sessions: Some(0) };
    let reached = |what, max| Err(LimitReached { what, max });
    assert_eq!(user.check_connections(1), Ok(()));
    assert_eq!(user.check_connections(2), reached(Limited::UserConnections, 2));
    assert_eq!(user.check_sessions(0), reached(Limited::UserSessions, 0));
    let mut access = access();
    assert_eq!(access.namespace_limits("main"), NamespaceLimits::default());
    access.put_namespace_limits(
        "main".into(),
        NamespaceLimits { max_connections: Some(1), max_queues: Some(3) },
    );
    let limits = access.namespace_limits("main");
    assert_eq!(limits.check_connections(0), Ok(()));
    assert_eq!(limits.check_connections(1), reached(Limited::NamespaceConnections, 1));
    assert_eq!(limits.check_queues(2), Ok(()));
    assert_eq!(limits.check_queues(4), reached(Limited::NamespaceQueues, 3));
}

#[test]
fn roles_are_a_set() {
    let roles: Roles = [Role::Monitor, Role::Console].into_iter().collect();
    assert!(roles.has(Role::Monitor) && roles.has(Role::Console) && !roles.has(Role::Administrator));
    assert_eq!(roles.with(Role::Monitor), roles);
}

#[test]
fn the_node_itself_may_do_everything_and_a_user_of_its_name_may_not() {
    let access = access();
    let node = Principal::node("idle".into());
    let same_name = principal("idle");
    for (action, thing) in [
        (Action::Access, Thing::Namespace),
        (Action::Configure, Thing::Queue("q")),
        (Action::Write, Thing::Node("events")),
        (Action::Read, Thing::Queue("q")),
        (Action::TopicRead, Thing::Key { node: "events", key: "job.a" }),
    ] {
        let resource = Resource { namespace: "main", thing };
        assert!(access.authorize(&node, action, resource).is_ok(), "{action:?}");
        let resource = Resource { namespace: "main", thing };
        assert!(access.authorize(&same_name, action, resource).is_err(), "{action:?}");
    }
}
