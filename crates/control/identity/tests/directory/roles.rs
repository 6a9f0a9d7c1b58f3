//! Roles and who may assume them.

use ternmq_identity::directory::{AssumeRole, EntityKind, NewRole, Page, Tag, UserUpdate};
use ternmq_identity::policy::Decision;

use crate::world::{ADMIN, READER, TRUST, World, document, refused};

const ASSUME: &str = r#"{"Effect":"Allow","Action":"sts:*","Resource":"*"}"#;

fn trusting(principal: &str) -> String {
    document(&format!(
        r#"{{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession"],"Principal":{principal}}}"#
    ))
}

#[test]
fn a_role_is_made_found_and_deleted() {
    let mut world = World::new();
    let entropy = world.entropy();
    let new = NewRole {
        name: "ops",
        path: Some("/team/"),
        trust: TRUST,
        description: Some("for operators"),
        max_session_s: Some(7_200),
        tags: &[],
        boundary: Some(READER),
    };
    let outcome = world.directory.create_role(&new, world.now_s, &entropy);
    let made = world.keep(outcome).unwrap();
    assert!(made.id.starts_with("AROA") && made.id.len() == 21);
    assert_eq!(world.directory.role_arn(&made), "arn:aws:iam::123456789012:role/team/ops");
    let directory = world.loaded();
    assert_eq!(*directory.get_role("ops").unwrap(), made);
    assert_eq!(directory.get_role("ops").unwrap().trust.text(), TRUST);
    assert_eq!(directory.list_roles(Some("/team"), &Page::default()).unwrap().items.len(), 1);
    let create = |new: &NewRole<'_>| world.directory.create_role(new, 0, &entropy);
    refused(
        create(&NewRole { name: "OPS", ..new }),
        "EntityAlreadyExists",
        409,
        "Role with name OPS already exists.",
    );
    let other = NewRole { name: "other", ..new };
    refused(create(&NewRole { max_session_s: Some(3_599), ..other }), "ValidationError", 400, "1 validation");
    refused(
        create(&NewRole { max_session_s: Some(43_201), ..other }),
        "ValidationError",
        400,
        "1 validation",
    );
    refused(
        create(&NewRole { trust: "{}", ..other }),
        "MalformedPolicyDocument",
        400,
        "Missing required field",
    );
    refused(create(&NewRole { boundary: Some("x"), ..other }), "NoSuchEntity", 404, "Policy x");
    world.attach(EntityKind::Role, "ops", READER);
    refused(
        world.directory.delete_role("ops"),
        "DeleteConflict",
        409,
        "Cannot delete entity, must detach all policies first.",
    );
    let outcome = world.directory.detach_policy(EntityKind::Role, "ops", READER);
    world.keep(outcome).unwrap();
    let outcome = world.directory.delete_role("ops");
    world.keep(outcome).unwrap();
    let gone = "The role with name ops cannot be found.";
    refused(world.directory.delete_role("ops"), "NoSuchEntity", 404, gone);
    refused(world.directory.get_role("ops"), "NoSuchEntity", 404, gone);
    refused(world.directory.update_assume_role_policy("ops", TRUST), "NoSuchEntity", 404, gone);
}

#[test]
fn whom_a_trust_names_has_to_be_there() {
    let mut world = World::new();
    world.user("bob");
    let trust = trusting(r#"{"AWS":"arn:aws:iam::123456789012:user/eve"}"#);
    let entropy = world.entropy();
    let new = NewRole { name: "ops", trust: &trust, ..NewRole::default() };
    let outcome = world.directory.create_role(&new, 0, &entropy);
    let text = "Invalid principal in policy: 'arn:aws:iam::123456789012:user/eve'";
    refused(outcome, "MalformedPolicyDocument", 400, text);
    // Those of another account are not known here.
    world.role("ops", &trusting(r#"{"AWS":"arn:aws:iam::210987654321:user/eve"}"#));
    refused(world.directory.update_assume_role_policy("ops", &trust), "MalformedPolicyDocument", 400, text);
    let good = trusting(r#"{"AWS":"arn:aws:iam::123456789012:user/bob"}"#);
    let outcome = world.directory.update_assume_role_policy("ops", &good);
    world.keep(outcome).unwrap();
    assert_eq!(world.loaded().get_role("ops").unwrap().trust.text(), good);
}

#[test]
fn a_name_is_trusted_for_whoever_had_it() {
    let mut world = World::new();
    let bob = world.principal("bob");
    let arn = world.role("ops", &trusting(r#"{"AWS":"arn:aws:iam::123456789012:user/bob"}"#));
    let request = AssumeRole { role_arn: &arn, session_name: "s1", ..AssumeRole::default() };
    world.assume(&bob, &request).unwrap();
    let outcome = world.directory.update_user("bob", &UserUpdate { name: Some("robert"), path: None });
    world.keep(outcome).unwrap();
    world.directory = world.loaded();
    world.assume(&bob, &request).unwrap();
    // Another bob is not the one who was trusted.
    let other = world.principal("bob");
    refused(
        world.assume(&other, &request),
        "AccessDenied",
        403,
        "User: arn:aws:iam::123456789012:user/bob is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/ops",
    );
}

#[test]
fn who_may_assume_a_role() {
    let mut world = World::new();
    let bob = world.principal("bob");
    let eve = world.principal("eve");
    world.inline(EntityKind::User, "eve", ASSUME);
    let assume = |world: &mut World, caller, arn: &str| {
        world
            .assume(caller, &AssumeRole { role_arn: arn, session_name: "s1", ..AssumeRole::default() })
            .is_ok()
    };
    // The account is trusted: who has a grant of its own.
    let account = world.role("account", TRUST);
    assert!(!assume(&mut world, &bob, &account) && assume(&mut world, &eve, &account));
    // Everybody: the same.
    let all = world.role("all", &trusting(r#""*""#));
    assert!(!assume(&mut world, &bob, &all) && assume(&mut world, &eve, &all));
    // By name: who is named.
    let named = world.role("named", &trusting(r#"{"AWS":"arn:aws:iam::123456789012:user/bob"}"#));
    assert!(assume(&mut world, &bob, &named) && !assume(&mut world, &eve, &named));
    // A service, and a role that is not there.
    let service = world.role("service", &trusting(r#"{"Service":"mq.amazonaws.com"}"#));
    assert!(!assume(&mut world, &bob, &service) && !assume(&mut world, &eve, &service));
    assert!(!assume(&mut world, &eve, "arn:aws:iam::123456789012:role/none"));
    assert!(!assume(&mut world, &eve, "arn:aws:iam::123456789012:role/path/account"));
    assert!(!assume(&mut world, &eve, "arn:aws:iam::210987654321:role/account"));
    // A denial of one's own outweighs being named.
    world.inline(EntityKind::User, "bob", &ASSUME.replace("Allow", "Deny"));
    assert!(!assume(&mut world, &bob, &named));
}

#[test]
fn a_boundary_takes_from_a_trust_by_name() {
    let mut world = World::new();
    let entropy = world.entropy();
    let new =
        ternmq_identity::directory::NewUser { name: "bob", boundary: Some(READER), ..Default::default() };
    let outcome = world.directory.create_user(&new, 0, &entropy);
    world.keep(outcome).unwrap();
    let key = world.key("bob").key.id;
    let bob = world.directory.find_key(&key).unwrap().principal;
    let arn = world.role("ops", &trusting(r#"{"AWS":"arn:aws:iam::123456789012:user/bob"}"#));
    let request = AssumeRole { role_arn: &arn, session_name: "s1", ..AssumeRole::default() };
    refused(world.assume(&bob, &request), "AccessDenied", 403, "User: ");
}

#[test]
fn external_ids_names_and_tags_are_looked_at() {
    let mut world = World::new();
    let bob = world.principal("bob");
    world.inline(EntityKind::User, "bob", ASSUME);
    let trust = document(
        r#"{"Effect":"Allow","Action":["sts:AssumeRole","sts:TagSession"],"Principal":{"AWS":"123456789012"},"Condition":{
            "StringEquals":{"sts:ExternalId":"x-1","sts:RoleSessionName":"${aws:username}"},
            "ForAllValues:StringEquals":{"aws:TagKeys":["team"]}}}"#,
    );
    let arn = world.role("ops", &trust);
    let red = [Tag { key: "team".into(), value: "red".into() }];
    let other = [Tag { key: "other".into(), value: String::new() }];
    let good =
        AssumeRole { role_arn: &arn, session_name: "bob", external_id: Some("x-1"), ..AssumeRole::default() };
    world.assume(&bob, &good).unwrap();
    let tagged = world.assume(&bob, &AssumeRole { tags: &red, ..good }).unwrap();
    for bad in [
        AssumeRole { external_id: None, ..good },
        AssumeRole { external_id: Some("x-2"), ..good },
        AssumeRole { session_name: "eve", ..good },
        AssumeRole { tags: &other, ..good },
    ] {
        refused(
            world.assume(&bob, &bad),
            "AccessDenied",
            403,
            "User: arn:aws:iam::123456789012:user/bob is not",
        );
    }
    // A session's tags are its principal's.
    world.inline(
        EntityKind::Role,
        "ops",
        r#"{"Effect":"Allow","Action":"mq:*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"red"}}}"#,
    );
    assert_eq!(world.decide(&tagged.principal, "mq:ListBrokers", "*"), Decision::Allowed);
    let plain = world.assume(&bob, &good).unwrap();
    assert_eq!(world.decide(&plain.principal, "mq:ListBrokers", "*"), Decision::DeniedImplicitly);
    // Tags need a permission of their own.
    let without = trust.replace(r#"["sts:AssumeRole","sts:TagSession"]"#, r#""sts:AssumeRole""#);
    let outcome = world.directory.update_assume_role_policy("ops", &without);
    world.keep(outcome).unwrap();
    world.assume(&bob, &good).unwrap();
    let denied = world.assume(&bob, &AssumeRole { tags: &red, ..good });
    refused(
        denied,
        "AccessDenied",
        403,
        "User: arn:aws:iam::123456789012:user/bob is not authorized to perform: sts:TagSession",
    );
}

#[test]
fn parameters_of_assume_role_have_their_forms() {
    let mut world = World::new();
    let bob = world.principal("bob");
    world.attach(EntityKind::User, "bob", ADMIN);
    let arn = world.role("ops", TRUST);
    let good = AssumeRole { role_arn: &arn, session_name: "s1", ..AssumeRole::default() };
    let long = "a".repeat(65);
    for name in ["", "a", "a b", "a/b", &long] {
        refused(
            world.assume(&bob, &AssumeRole { session_name: name, ..good }),
            "ValidationError",
            400,
            "1 validation",
        );
    }
    refused(
        world.assume(&bob, &AssumeRole { role_arn: "ops", ..good }),
        "ValidationError",
        400,
        "1 validation",
    );
    for id in ["x", "a b"] {
        refused(
            world.assume(&bob, &AssumeRole { external_id: Some(id), ..good }),
            "ValidationError",
            400,
            "1 validation",
        );
    }
    for duration_s in [0, 899, 43_201] {
        let request = AssumeRole { duration_s: Some(duration_s), ..good };
        refused(world.assume(&bob, &request), "ValidationError", 400, "1 validation");
    }
    let request = AssumeRole { duration_s: Some(3_601), ..good };
    refused(
        world.assume(&bob, &request),
        "ValidationError",
        400,
        "The requested DurationSeconds exceeds the MaxSessionDuration",
    );
    refused(
        world.assume(&bob, &AssumeRole { policy: Some("{}"), ..good }),
        "MalformedPolicyDocument",
        400,
        "Missing",
    );
    refused(
        world.assume(&bob, &AssumeRole { policy_arns: &["arn:aws:iam::aws:policy/x"], ..good }),
        "NoSuchEntity",
        404,
        "Policy",
    );
    let many = ["arn:aws:iam::aws:policy/x"; 11];
    refused(
        world.assume(&bob, &AssumeRole { policy_arns: &many, ..good }),
        "LimitExceeded",
        409,
        "Cannot exceed",
    );
}
