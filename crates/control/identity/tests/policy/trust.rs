//! Who may assume a role.

use ternmq_identity::policy::{Ask, Caller, Context, TRUST_MAX_CHARS, Trust, TrustPolicy};

const BOB: Caller<'_> =
    Caller::Principal { account: "123456789012", arn: "arn:aws:iam::123456789012:user/bob", role_arn: None };
const STRANGER: Caller<'_> =
    Caller::Principal { account: "210987654321", arn: "arn:aws:iam::210987654321:user/bob", role_arn: None };
const SESSION: Caller<'_> = Caller::Principal {
    account: "123456789012",
    arn: "arn:aws:sts::123456789012:assumed-role/ops/alice",
    role_arn: Some("arn:aws:iam::123456789012:role/team/ops"),
};
const MQ: Caller<'_> = Caller::Service("mq.amazonaws.com");

fn check(statements: &str, caller: Caller<'_>, context: &Context, expect: Trust) {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    let policy = TrustPolicy::parse(&text, TRUST_MAX_CHARS).unwrap();
    let ask = Ask { action: "sts:AssumeRole", resource: "arn:aws:iam::123456789012:role/r", context };
    assert_eq!(policy.evaluate(&caller, &ask), expect, "{statements} {caller:?}");
}

#[test]
fn principals_are_named_or_members() {
    let with = |principal: &str, caller, expect| {
        let statement = format!(r#"{{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{principal}}}"#);
        check(&statement, caller, &Context::new(), expect);
    };
    let (name, account, none) = (Trust::ByName, Trust::ByAccount, Trust::DeniedImplicitly);
    with(r#""*""#, BOB, account);
    with(r#""*""#, STRANGER, account);
    with(r#""*""#, MQ, none);
    with(r#"{"AWS":"*"}"#, BOB, account);
    with(r#"{"AWS":"123456789012"}"#, BOB, account);
    with(r#"{"AWS":"123456789012"}"#, SESSION, account);
    with(r#"{"AWS":"123456789012"}"#, STRANGER, none);
    with(r#"{"AWS":"arn:aws:iam::123456789012:root"}"#, BOB, account);
    with(r#"{"AWS":"arn:aws:iam::123456789012:user/bob"}"#, BOB, name);
    with(r#"{"AWS":"arn:aws:iam::123456789012:user/bob"}"#, STRANGER, none);
    with(r#"{"AWS":"arn:aws:iam::123456789012:user/Bob"}"#, BOB, none);
    with(r#"{"AWS":"arn:aws:iam::123456789012:role/team/ops"}"#, SESSION, name);
    with(r#"{"AWS":"arn:aws:iam::123456789012:role/ops"}"#, SESSION, none);
    with(r#"{"AWS":"arn:aws:sts::123456789012:assumed-role/ops/alice"}"#, SESSION, name);
    with(r#"{"AWS":"arn:aws:sts::123456789012:assumed-role/ops/eve"}"#, SESSION, none);
    with(r#"{"AWS":["123456789012","arn:aws:iam::123456789012:user/bob"]}"#, BOB, name);
    with(r#"{"Service":"mq.amazonaws.com"}"#, MQ, name);
    with(r#"{"Service":["ec2.amazonaws.com"],"AWS":"123456789012"}"#, MQ, none);
    with(r#"{"Service":["ec2.amazonaws.com"],"AWS":"123456789012"}"#, BOB, account);
}

#[test]
fn actions_conditions_and_denials_count() {
    let allow = r#"{"Effect":"Allow","Action":"sts:Assume*","Principal":{"AWS":"123456789012"}}"#;
    let deny =
        r#"{"Effect":"Deny","Action":"sts:*","Principal":{"AWS":"arn:aws:iam::123456789012:user/bob"}}"#;
    let none = Context::new();
    check(allow, BOB, &none, Trust::ByAccount);
    check(&format!("{allow},{deny}"), BOB, &none, Trust::DeniedExplicitly);
    check(&format!("{allow},{deny}"), SESSION, &none, Trust::ByAccount);
    let other = r#"{"Effect":"Allow","Action":"sts:TagSession","Principal":{"AWS":"123456789012"}}"#;
    check(other, BOB, &none, Trust::DeniedImplicitly);
    let external = r#"{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"210987654321"},
        "Condition":{"StringEquals":{"sts:ExternalId":"x-1"}}}"#;
    check(external, STRANGER, &none, Trust::DeniedImplicitly);
    check(external, STRANGER, &Context::new().with("sts:ExternalId", "x-1"), Trust::ByAccount);
}
