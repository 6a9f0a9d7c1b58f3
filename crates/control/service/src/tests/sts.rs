//! Temporary credentials by signed calls.

use serde_json::Value;

use super::rig::{Key, Rig, root};

const READ: &str = "arn:aws:iam::aws:policy/AmazonMQReadOnlyAccess";
const FULL: &str = "arn:aws:iam::aws:policy/AmazonMQFullAccess";
const ROLE: &str = "arn:aws:iam::123456789012:role/deploy";
const MAY: &str = r#"{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}}"#;

/// A user `ann`, and a role `deploy` with all of Amazon MQ and this trust; gives the user's key.
fn world(rig: &Rig, trust: &str) -> Key {
    rig.done("CreateUser", &[("UserName", "ann")]);
    let trust = format!(r#"{{"Version":"2012-10-17","Statement":[{trust}]}}"#);
    rig.done("CreateRole", &[("RoleName", "deploy"), ("AssumeRolePolicyDocument", &trust)]);
    rig.done("AttachRolePolicy", &[("RoleName", "deploy"), ("PolicyArn", FULL)]);
    rig.key_of("ann")
}

/// What trusts ann by her name.
const ANN: &str = r#"{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:user/ann"},"Action":["sts:AssumeRole","sts:TagSession"]}"#;
/// What leaves it to policies of the account.
const ACCOUNT: &str = r#"{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}"#;

fn assume(rig: &Rig, key: &Key, more: &[(&str, &str)]) -> super::rig::Xml {
    let members = [[("RoleArn", ROLE), ("RoleSessionName", "s1")].as_slice(), more].concat();
    rig.query(key, "sts", "AssumeRole", &members)
}

fn status(rig: &Rig, key: &Key, method: &str, path: &str) -> u16 {
    rig.call_as(key, method, path, &Value::Null).status
}

#[test]
fn a_role_is_assumed() {
    let rig = Rig::new();
    let ann = world(&rig, ANN);
    assert_eq!(status(&rig, &ann, "GET", "/v1/brokers"), 403);
    let answer = assume(&rig, &ann, &[("DurationSeconds", "900")]);
    assert_eq!(answer.status, 200, "{}", answer.text);
    let arn = "arn:aws:sts::123456789012:assumed-role/deploy/s1";
    assert_eq!(answer.first("Arn"), arn);
    assert!(
        answer.first("AssumedRoleId").starts_with("AROA") && answer.first("AssumedRoleId").ends_with(":s1")
    );
    assert!(answer.first("AccessKeyId").starts_with("ASIA"));
    assert!(answer.first("Expiration").starts_with("2026-11-30T12:15:0"), "{}", answer.text);
    let session = answer.key();
    let me = rig.query(&session, "sts", "GetCallerIdentity", &[]);
    assert_eq!((me.first("Arn"), me.first("UserId")), (arn, answer.first("AssumedRoleId")));
    assert_eq!(status(&rig, &session, "GET", "/v1/brokers"), 200);
    let record = rig.audit().pop().unwrap();
    assert_eq!(record["userIdentity"]["type"], "AssumedRole");
    assert_eq!(record["userIdentity"]["arn"], arn);
    // Without its token, or with another one, the key opens nothing.
    let parts = (answer.first("AccessKeyId"), answer.first("SecretAccessKey"));
    for token in [None, Some("bm90IHRoZSB0b2tlbg==")] {
        assert_eq!(status(&rig, &Key::new(parts.0, parts.1, token), "GET", "/v1/brokers"), 403);
    }
    let denied = rig.query(&session, "sts", "GetSessionToken", &[]);
    assert_eq!((denied.status, denied.code()), (403, "AccessDenied"), "{}", denied.text);
    for action in ["GetUser", "CreateAccessKey"] {
        assert_eq!(rig.query(&session, "iam", action, &[]).code(), "AccessDenied");
    }
    rig.clock.advance_ms(901_000);
    assert_eq!(rig.call_as(&session, "GET", "/v1/brokers", &Value::Null).error, "ExpiredTokenException");
    assert_eq!(rig.query(&session, "sts", "GetCallerIdentity", &[]).code(), "ExpiredToken");
    // Neither secret nor token is in a record.
    let kept: String = rig.audit().iter().map(Value::to_string).collect();
    assert!(kept.contains("\"secretAccessKey\":\"***\"") && kept.contains("\"sessionToken\":\"***\""));
    assert!(!kept.contains(answer.first("SecretAccessKey")) && !kept.contains(answer.first("SessionToken")));
}

#[test]
fn a_session_may_less_than_its_role() {
    let rig = Rig::new();
    let ann = world(&rig, ANN);
    let id = rig.broker(&super::rig::rabbitmq("orders"));
    let (broker, reboot) = (format!("/v1/brokers/{id}"), format!("/v1/brokers/{id}/reboot"));
    let policy = r#"{"Statement":{"Effect":"Allow","Action":"mq:Describe*","Resource":"*"}}"#;
    for more in [("Policy", policy), ("PolicyArns.member.1.arn", READ)] {
        let session = assume(&rig, &ann, &[more]).key();
        assert_eq!(status(&rig, &session, "GET", &broker), 200, "{more:?}");
        assert_eq!(status(&rig, &session, "POST", &reboot), 403, "{more:?}");
    }
    let tags = [("Tags.member.1.Key", "team"), ("Tags.member.1.Value", "red")];
    let own = r#"{"Statement":{"Effect":"Deny","Action":"mq:*","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"red"}}}}"#;
    rig.done("PutRolePolicy", &[("RoleName", "deploy"), ("PolicyName", "p"), ("PolicyDocument", own)]);
    let (tagged, plain) = (assume(&rig, &ann, &tags).key(), assume(&rig, &ann, &[]).key());
    assert_eq!(status(&rig, &tagged, "GET", &broker), 403);
    assert_eq!(status(&rig, &plain, "GET", &broker), 200);
    rig.done("DeleteRolePolicy", &[("RoleName", "deploy"), ("PolicyName", "p")]);
    rig.done("DetachRolePolicy", &[("RoleName", "deploy"), ("PolicyArn", FULL)]);
    assert_eq!(status(&rig, &plain, "GET", &broker), 403);
    rig.done("DeleteRole", &[("RoleName", "deploy")]);
    assert_eq!(rig.call_as(&plain, "GET", &broker, &Value::Null).error, "InvalidSignatureException");
}

#[test]
fn who_may_not_assume_a_role() {
    let rig = Rig::new();
    let ann = world(&rig, ACCOUNT);
    let check = |key: &Key, more: &[(&str, &str)], status: u16, code: &str, text: &str| {
        let before = (rig.service.store.view().unwrap().identity().unwrap(), rig.audit().len());
        let answer = assume(&rig, key, more);
        assert_eq!((answer.status, answer.code()), (status, code), "{}", answer.text);
        assert!(answer.first("Message").contains(text), "{}", answer.text);
        let records = rig.audit();
        assert_eq!((rig.service.store.view().unwrap().identity().unwrap(), records.len() - 1), before);
        assert_eq!(records.last().unwrap()["errorCode"], code);
    };
    // So that the first use of her key is noted already.
    rig.query(&ann, "sts", "GetCallerIdentity", &[]);
    let denied = "User: arn:aws:iam::123456789012:user/ann is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/deploy";
    check(&ann, &[], 403, "AccessDenied", denied);
    check(&root(), &[], 403, "AccessDenied", "Roles may not be assumed by root accounts.");
    rig.done("PutUserPolicy", &[("UserName", "ann"), ("PolicyName", "p"), ("PolicyDocument", MAY)]);
    assert_eq!(assume(&rig, &ann, &[]).status, 200);
    let tags = [("Tags.member.1.Key", "team"), ("Tags.member.1.Value", "red")];
    check(&ann, &tags, 403, "AccessDenied", "sts:TagSession");
    check(&ann, &[("DurationSeconds", "3601")], 400, "ValidationError", "MaxSessionDuration");
    check(&ann, &[("DurationSeconds", "899")], 400, "ValidationError", "DurationSeconds");
    check(&ann, &[("Policy", "{}")], 400, "MalformedPolicyDocument", "");
    check(
        &ann,
        &[("PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/No")],
        404,
        "NoSuchEntity",
        "policy/No",
    );
    for member in ["SerialNumber", "TokenCode", "SourceIdentity", "TransitiveTagKeys.member.1"] {
        let value = if member == "TokenCode" { "123456" } else { "arn:aws:iam::1" };
        check(&ann, &[(member, value)], 400, "ValidationError", "is not there yet");
    }
    let other = [("RoleArn", "arn:aws:iam::123456789012:role/no"), ("RoleSessionName", "s1")];
    assert_eq!(rig.query(&ann, "sts", "AssumeRole", &other).code(), "AccessDenied");
    assert_eq!(rig.query(&ann, "sts", "AssumeRole", &other[..1]).code(), "ValidationError");
}

#[test]
fn trust_has_conditions() {
    let rig = Rig::new();
    let id = r#"{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"42"},"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}"#;
    let ann = world(&rig, id);
    rig.done("PutUserPolicy", &[("UserName", "ann"), ("PolicyName", "p"), ("PolicyDocument", MAY)]);
    let (inside, right) = (ann.from("10.1.2.3"), [("ExternalId", "42")]);
    assert_eq!(assume(&rig, &inside, &right).status, 200);
    assert_eq!(assume(&rig, &ann, &right).status, 403);
    assert_eq!(assume(&rig, &inside, &[("ExternalId", "43")]).status, 403);
    assert_eq!(assume(&rig, &inside, &[]).status, 403);
}

#[test]
fn session_tokens_of_users() {
    let rig = Rig::new();
    let ann = world(&rig, ANN);
    rig.done("AttachUserPolicy", &[("UserName", "ann"), ("PolicyArn", READ)]);
    rig.done(
        "AttachUserPolicy",
        &[("UserName", "ann"), ("PolicyArn", "arn:aws:iam::aws:policy/IAMFullAccess")],
    );
    let answer = rig.query(&ann, "sts", "GetSessionToken", &[("DurationSeconds", "900")]);
    assert_eq!(answer.status, 200, "{}", answer.text);
    let session = answer.key();
    assert_eq!(status(&rig, &session, "GET", "/v1/brokers"), 200);
    let me = rig.query(&session, "sts", "GetCallerIdentity", &[]);
    assert_eq!(me.first("Arn"), "arn:aws:iam::123456789012:user/ann");
    // It came without a second factor: nothing of IAM, and of STS only roles.
    assert_eq!(rig.query(&session, "iam", "ListUsers", &[]).code(), "AccessDenied");
    assert_eq!(rig.query(&session, "sts", "GetSessionToken", &[]).code(), "AccessDenied");
    assert_eq!(assume(&rig, &session, &[]).status, 200);
    assert_eq!(rig.query(&root(), "sts", "GetSessionToken", &[]).code(), "AccessDenied");
    let factor = r#"{"Statement":{"Effect":"Deny","Action":"mq:*","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"false"}}}}"#;
    rig.done("PutUserPolicy", &[("UserName", "ann"), ("PolicyName", "p"), ("PolicyDocument", factor)]);
    assert_eq!(status(&rig, &session, "GET", "/v1/brokers"), 403);
    assert_eq!(status(&rig, &ann, "GET", "/v1/brokers"), 200);
    // Each call is a change: its repetition is answered with the same credentials.
    let request = rig.sign_query(&ann, "sts", "GetSessionToken", &[]);
    let (first, again) = (rig.send_query(&request, &ann), rig.send_query(&request, &ann));
    assert_eq!(first.first("AccessKeyId"), again.first("AccessKeyId"));
    let record = rig.audit().pop().unwrap();
    assert_eq!((&record["eventName"], &record["readOnly"]), (&"GetSessionToken".into(), &false.into()));
}
