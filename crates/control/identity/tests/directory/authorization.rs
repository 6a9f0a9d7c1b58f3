//! Who may do what to what: principals, operations and resources crossed (T8).

use ternmq_identity::directory::{AssumeRole, EntityKind, NewUser, Principal, Tag};
use ternmq_identity::policy::Decision::{self, Allowed, DeniedExplicitly, DeniedImplicitly};

use crate::world::{ADMIN, READER, TRUST, World};

const RED: &str = "arn:aws:mq:us-east-1:123456789012:broker:red-1:b-1";
const BLUE: &str = "arn:aws:mq:us-east-1:123456789012:broker:blue-1:b-2";

/// Makes each kind of principal there is.
fn principals(world: &mut World) -> Vec<(&'static str, Principal)> {
    let nobody = world.principal("nobody");
    let admin = world.principal("admin");
    world.attach(EntityKind::User, "admin", ADMIN);
    let reader = world.principal("reader");
    world.group("readers");
    world.attach(EntityKind::Group, "readers", READER);
    let outcome = world.directory.add_user_to_group("readers", "reader");
    world.keep(outcome).unwrap();
    let entropy = world.entropy();
    let tags = [Tag { key: "team".into(), value: "red".into() }];
    let new = NewUser { name: "red", tags: &tags, ..NewUser::default() };
    let outcome = world.directory.create_user(&new, 0, &entropy);
    world.keep(outcome).unwrap();
    let own = world.policy(
        "own-team",
        r#"{"Effect":"Allow","Action":"mq:*","Resource":"arn:aws:mq:*:*:broker:${aws:PrincipalTag/team}-*"}"#,
    );
    world.attach(EntityKind::User, "red", &own);
    let key = world.key("red").key.id;
    let red = world.directory.find_key(&key).unwrap().principal;
    let entropy = world.entropy();
    let new = NewUser { name: "bounded", boundary: Some(READER), ..NewUser::default() };
    let outcome = world.directory.create_user(&new, 0, &entropy);
    world.keep(outcome).unwrap();
    world.attach(EntityKind::User, "bounded", ADMIN);
    let key = world.key("bounded").key.id;
    let bounded = world.directory.find_key(&key).unwrap().principal;
    let denied = world.principal("denied");
    world.attach(EntityKind::User, "denied", ADMIN);
    world.inline(EntityKind::User, "denied", r#"{"Effect":"Deny","Action":"mq:Delete*","Resource":"*"}"#);
    let arn = world.role("ops", TRUST);
    world.attach(EntityKind::Role, "ops", ADMIN);
    let request =
        AssumeRole { role_arn: &arn, session_name: "s1", policy_arns: &[READER], ..AssumeRole::default() };
    let session = world.assume(&admin, &request).unwrap().principal;
    vec![
        ("nobody", nobody),
        ("admin", admin),
        ("reader", reader),
        ("red", red),
        ("bounded", bounded),
        ("denied", denied),
        ("session", session),
    ]
}

#[test]
fn t8_principals_operations_and_resources() {
    let mut world = World::new();
    let principals = principals(&mut world);
    let (yes, no, never) = (Allowed, DeniedImplicitly, DeniedExplicitly);
    // nobody, admin, reader, red, bounded, denied, session
    let table: &[(&str, &str, [Decision; 7])] = &[
        ("mq:ListBrokers", "*", [no, yes, yes, no, yes, yes, yes]),
        ("mq:CreateBroker", "*", [no, yes, no, no, no, yes, no]),
        ("mq:DescribeBroker", RED, [no, yes, yes, yes, yes, yes, yes]),
        ("mq:DescribeBroker", BLUE, [no, yes, yes, no, yes, yes, yes]),
        ("mq:RebootBroker", RED, [no, yes, no, yes, no, yes, no]),
        ("mq:RebootBroker", BLUE, [no, yes, no, no, no, yes, no]),
        ("mq:DeleteBroker", RED, [no, yes, no, yes, no, never, no]),
        ("mq:SendMessage", RED, [no, yes, no, yes, no, yes, no]),
        ("iam:CreateUser", "arn:aws:iam::123456789012:user/x", [no, yes, no, no, no, yes, no]),
        ("sts:GetCallerIdentity", "*", [yes; 7]),
        ("sts:AssumeRole", "arn:aws:iam::123456789012:role/ops", [no, yes, no, no, no, yes, no]),
    ];
    for directory in [world.directory.clone(), world.loaded()] {
        world.directory = directory;
        for (action, resource, expect) in table {
            for ((name, principal), expect) in principals.iter().zip(expect) {
                assert_eq!(world.decide(principal, action, resource), *expect, "{name} {action} {resource}");
            }
        }
    }
}

/// S7: what is taken away counts at once.
#[test]
fn whoever_is_gone_may_nothing() {
    let mut world = World::new();
    let bob = world.principal("bob");
    world.attach(EntityKind::User, "bob", ADMIN);
    assert_eq!(world.decide(&bob, "mq:ListBrokers", "*"), Allowed);
    let outcome = world.directory.detach_policy(EntityKind::User, "bob", ADMIN);
    world.keep(outcome).unwrap();
    assert_eq!(world.decide(&bob, "mq:ListBrokers", "*"), DeniedImplicitly);
    let key = world.store.keys().find(|key| key.starts_with("key/")).unwrap()[4..].to_owned();
    let outcome = world.directory.delete_access_key("bob", &key);
    world.keep(outcome).unwrap();
    let outcome = world.directory.delete_user("bob");
    world.keep(outcome).unwrap();
    // Another one of the same name is somebody else.
    world.user("bob");
    world.attach(EntityKind::User, "bob", ADMIN);
    assert_eq!(world.decide(&bob, "mq:ListBrokers", "*"), DeniedImplicitly);
}
