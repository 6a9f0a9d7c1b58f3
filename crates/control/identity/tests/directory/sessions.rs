//! Temporary keys.

use ternmq_identity::Credentials;
use ternmq_identity::directory::{
    AssumeRole, EntityKind, MAX_SESSIONS, MAX_SESSIONS_PER_OWNER, NewRole, PrincipalKind, SessionCredentials,
};
use ternmq_identity::policy::{Context, Decision};
use ternmq_identity::sigv4::{AuthFault, Claimed, Moment, Presented, Request, Rules, sign};

use crate::world::{ADMIN, READER, TRUST, World, document, refused};

const ASSUME: &str = r#"{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}"#;

fn with_role() -> (World, String, SessionCredentials) {
    let mut world = World::new();
    let bob = world.principal("bob");
    world.inline(EntityKind::User, "bob", ASSUME);
    let arn = world.role("ops", TRUST);
    world.attach(EntityKind::Role, "ops", READER);
    let request = AssumeRole { role_arn: &arn, session_name: "s1", ..AssumeRole::default() };
    let session = world.assume(&bob, &request).unwrap();
    (world, arn, session)
}

/// Signs a call with temporary credentials and looks whose it is.
fn call(world: &World, credentials: &SessionCredentials, now_s: i64) -> Result<String, AuthFault> {
    let signer = Credentials {
        access_key_id: credentials.access_key_id.clone(),
        secret: credentials.secret.clone(),
        session_token: Some(credentials.session_token.clone()),
    };
    let unsigned = [("host", "mq")];
    let request = Request { method: "GET", path: "/v1/brokers", query: "", headers: &unsigned, body: b"" };
    let added = sign(&request, &signer, "eu-west-1", "mq", Moment::from_unix_s(now_s)).unwrap();
    let added = added.iter().map(|(name, value)| (*name, value.as_str()));
    let headers: Vec<(&str, &str)> = unsigned.into_iter().chain(added).collect();
    let request = Request { headers: &headers, ..request };
    let presented = Presented::read(&request)?;
    let directory = world.loaded();
    let found = directory.find_key(presented.access_key_id());
    let claimed = found.as_ref().map_or(Claimed::Unknown, |found| Claimed::Known(found.key));
    let rules = Rules { service: "mq", regions: &["eu-west-1"], now_s };
    presented.verify(&request, claimed, &rules)?;
    Ok(found.map(|found| found.principal.arn).unwrap_or_default())
}

#[test]
fn a_session_calls_as_its_role_until_it_expires() {
    let (world, _, session) = with_role();
    let start = world.now_s;
    assert!(session.access_key_id.starts_with("ASIA") && session.access_key_id.len() == 20);
    assert_eq!(session.expires_s, start + 3_600);
    let role_id = world.directory.get_role("ops").unwrap().id.clone();
    assert_eq!(session.principal.user_id, format!("{role_id}:s1"));
    let arn = "arn:aws:sts::123456789012:assumed-role/ops/s1";
    assert_eq!(session.principal.arn, arn);
    for after_s in [0, 3_599] {
        assert_eq!(call(&world, &session, start + after_s), Ok(arn.to_owned()));
    }
    assert_eq!(call(&world, &session, start + 3_600), Err(AuthFault::ExpiredToken));
    let found = world.directory.find_key(&session.access_key_id).unwrap();
    assert_eq!(found.principal, session.principal);
    assert_eq!(found.expires().unwrap().unix_s(), start + 3_600);
}

#[test]
fn a_session_ends_with_its_role_and_another_of_its_name_has_none_of_it() {
    let (mut world, _, session) = with_role();
    let outcome = world.directory.detach_policy(EntityKind::Role, "ops", READER);
    world.keep(outcome).unwrap();
    let outcome = world.directory.delete_role("ops");
    world.keep(outcome).unwrap();
    assert_eq!(call(&world, &session, world.now_s), Err(AuthFault::UnrecognizedClient));
    assert!(!world.store.keys().any(|key| key.starts_with("session/")));
    world.role("ops", TRUST);
    world.attach(EntityKind::Role, "ops", ADMIN);
    assert_eq!(world.decide(&session.principal, "mq:ListBrokers", "*"), Decision::DeniedImplicitly);
}

#[test]
fn a_session_may_what_its_role_may_now() {
    let (mut world, _, session) = with_role();
    let may = |world: &World, action| world.decide(&session.principal, action, "*");
    assert_eq!(may(&world, "mq:ListBrokers"), Decision::Allowed);
    assert_eq!(may(&world, "mq:CreateBroker"), Decision::DeniedImplicitly);
    world.attach(EntityKind::Role, "ops", ADMIN);
    assert_eq!(may(&world, "mq:CreateBroker"), Decision::Allowed);
    world.inline(EntityKind::Role, "ops", r#"{"Effect":"Deny","Action":"mq:CreateBroker","Resource":"*"}"#);
    assert_eq!(may(&world, "mq:CreateBroker"), Decision::DeniedExplicitly);
}

#[test]
fn policies_of_a_session_take_from_its_role() {
    let (mut world, arn, _) = with_role();
    world.attach(EntityKind::Role, "ops", ADMIN);
    let key = world.key("bob").key.id;
    let bob = world.directory.find_key(&key).unwrap().principal;
    let policy = document(r#"{"Effect":"Allow","Action":"mq:Create*","Resource":"*"}"#);
    let request = AssumeRole {
        role_arn: &arn,
        session_name: "s1",
        policy: Some(&policy),
        policy_arns: &[READER],
        ..AssumeRole::default()
    };
    let session = world.assume(&bob, &request).unwrap();
    world.directory = world.loaded();
    let may = |action| world.decide(&session.principal, action, "*");
    assert_eq!(may("mq:CreateBroker"), Decision::Allowed);
    assert_eq!(may("mq:ListBrokers"), Decision::Allowed);
    assert_eq!(may("mq:DeleteBroker"), Decision::DeniedImplicitly);
    assert_eq!(may("iam:ListUsers"), Decision::DeniedImplicitly);
}

#[test]
fn a_session_of_a_role_can_take_on_another_for_an_hour() {
    let (mut world, _, session) = with_role();
    let trust = document(
        r#"{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"arn:aws:iam::123456789012:role/ops"}}"#,
    );
    let entropy = world.entropy();
    let new = NewRole { name: "next", trust: &trust, max_session_s: Some(43_200), ..NewRole::default() };
    let outcome = world.directory.create_role(&new, 0, &entropy);
    world.keep(outcome).unwrap();
    let request = AssumeRole {
        role_arn: "arn:aws:iam::123456789012:role/next",
        session_name: "s2",
        duration_s: Some(3_600),
        ..AssumeRole::default()
    };
    world.assume(&session.principal, &request).unwrap();
    let long = AssumeRole { duration_s: Some(3_601), ..request };
    refused(
        world.assume(&session.principal, &long),
        "ValidationError",
        400,
        "The requested DurationSeconds exceeds the 1 hour session limit",
    );
}

#[test]
fn a_users_session_is_the_user_but_for_iam_and_sts() {
    let mut world = World::new();
    let bob = world.principal("bob");
    world.attach(EntityKind::User, "bob", ADMIN);
    let entropy = world.entropy();
    let outcome = world.directory.get_session_token(&bob, None, world.now_s, &entropy);
    let session = world.keep(outcome).unwrap();
    assert_eq!(session.expires_s, world.now_s + 43_200);
    assert_eq!(call(&world, &session, world.now_s), Ok(bob.arn.clone()));
    let may = |action| world.decide(&session.principal, action, "*");
    assert_eq!(may("mq:CreateBroker"), Decision::Allowed);
    assert_eq!(may("sts:AssumeRole"), Decision::Allowed);
    assert_eq!(may("sts:GetCallerIdentity"), Decision::Allowed);
    assert_eq!(may("iam:CreateUser"), Decision::DeniedImplicitly);
    assert_eq!(may("IAM:createuser"), Decision::DeniedImplicitly);
    assert_eq!(may("sts:GetSessionToken"), Decision::DeniedImplicitly);
    let again = world.directory.get_session_token(&session.principal, None, 0, &entropy);
    refused(again, "AccessDenied", 403, "Cannot call GetSessionToken with session credentials");
    for duration_s in [899, 129_601] {
        let outcome = world.directory.get_session_token(&bob, Some(duration_s), 0, &entropy);
        refused(outcome, "ValidationError", 400, "1 validation error");
    }
    // It ends with the user.
    let key = match &bob.kind {
        PrincipalKind::User { .. } => {
            world.store.keys().find(|key| key.starts_with("key/")).unwrap()[4..].to_owned()
        }
        other => panic!("{other:?}"),
    };
    let outcome = world.directory.delete_access_key("bob", &key);
    world.keep(outcome).unwrap();
    let outcome = world.directory.detach_policy(EntityKind::User, "bob", ADMIN);
    world.keep(outcome).unwrap();
    let outcome = world.directory.delete_user("bob");
    world.keep(outcome).unwrap();
    assert!(world.store.is_empty());
    assert_eq!(call(&world, &session, world.now_s), Err(AuthFault::UnrecognizedClient));
}

#[test]
fn what_is_known_of_a_caller() {
    let (mut world, _, session) = with_role();
    let allow = |world: &mut World, condition: &str| {
        let statement =
            format!(r#"{{"Effect":"Allow","Action":"iam:GetUser","Resource":"*","Condition":{condition}}}"#);
        world.inline(EntityKind::Role, "ops", &statement);
        world.decide(&session.principal, "iam:GetUser", "*") == Decision::Allowed
    };
    let role_id = world.directory.get_role("ops").unwrap().id.clone();
    assert!(allow(&mut world, r#"{"ArnEquals":{"aws:PrincipalArn":"arn:aws:iam::123456789012:role/ops"}}"#));
    assert!(allow(&mut world, &format!(r#"{{"StringEquals":{{"aws:userid":"{role_id}:s1"}}}}"#)));
    assert!(allow(&mut world, r#"{"StringEquals":{"aws:PrincipalAccount":"123456789012"}}"#));
    assert!(allow(&mut world, r#"{"StringEquals":{"aws:PrincipalType":"AssumedRole"}}"#));
    assert!(allow(&mut world, r#"{"DateEquals":{"aws:TokenIssueTime":1796030142}}"#));
    assert!(allow(&mut world, r#"{"Null":{"aws:username":"true"}}"#));
    let mut context = Context::new();
    let bob = world.principal("rob");
    world.directory.describe(&bob, &mut context);
    let expect = Context::new()
        .with("aws:PrincipalAccount", "123456789012")
        .with("aws:userid", bob.user_id.clone())
        .with("aws:PrincipalArn", bob.arn.clone())
        .with("aws:PrincipalType", "User")
        .with("aws:username", "rob");
    assert_eq!(context, expect);
}

/// There is room for so many, of one and of all, and what is over makes room.
#[test]
fn sessions_are_bounded_and_cleared_away() {
    let (mut world, arn, _) = with_role();
    let key = world.key("bob").key.id;
    let bob = world.directory.find_key(&key).unwrap().principal;
    let request = AssumeRole { role_arn: &arn, session_name: "s1", ..AssumeRole::default() };
    for _ in 1..MAX_SESSIONS_PER_OWNER {
        world.assume(&bob, &request).unwrap();
    }
    let full = "Cannot exceed quota for SessionsPerPrincipal: 1000";
    refused(world.assume(&bob, &request), "LimitExceeded", 409, full);
    for number in 1..MAX_SESSIONS / MAX_SESSIONS_PER_OWNER {
        let arn = world.role(&format!("r{number}"), TRUST);
        for _ in 0..MAX_SESSIONS_PER_OWNER {
            world.assume(&bob, &AssumeRole { role_arn: &arn, ..request }).unwrap();
        }
    }
    let entropy = world.entropy();
    let outcome = world.directory.get_session_token(&bob, None, world.now_s, &entropy);
    refused(outcome, "LimitExceeded", 409, "Cannot exceed quota for SessionsPerAccount: 10000");
    let count = |world: &World| world.store.keys().filter(|key| key.starts_with("session/")).count();
    assert_eq!(count(&world), MAX_SESSIONS);
    world.directory = world.loaded();
    world.now_s += 3_600;
    world.assume(&bob, &request).unwrap();
    assert_eq!(count(&world), MAX_SESSIONS + 1 - 64);
}
