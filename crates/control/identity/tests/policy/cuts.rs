//! Policies that are worked out beforehand say the same as policies that are asked, or grant less.

use proptest::prelude::*;
use ternmq_identity::policy::{
    Ask, Context, Cut, CutResources, Decision, Ground, MANAGED_MAX_CHARS, Policies, Policy, Rest, evaluate,
};

const BROKER: &str = "arn:aws:mq:us-east-1:123456789012:broker:orders:b-1";
const ACTIONS: [&str; 3] = ["mq:SendMessage", "mq:ReceiveMessage", "mq:Connect"];
const BEGINNINGS: [&str; 3] = [
    "arn:aws:mq:us-east-1:123456789012:broker:orders:b-1/queue/",
    "arn:aws:mq:us-east-1:123456789012:broker:orders:b-1/exchange/",
    "arn:aws:mq:us-east-1:123456789012:broker:orders:b-1/vhost/",
];

fn context() -> Context {
    let mut context = Context::new()
        .with("aws:username", "ann")
        .with("aws:PrincipalTag/team", "red")
        .with("aws:PrincipalTag/odd", "a*?\\")
        .with("aws:ResourceTag/env", "prod");
    // Known of the call, and not beforehand.
    context.set_time(1_796_030_142);
    context.with("aws:SourceIp", "192.0.2.1")
}

fn is_known(key: &str) -> bool {
    key == "aws:username" || key.starts_with("aws:principaltag/") || key.starts_with("aws:resourcetag/")
}

fn policy(statements: &str) -> Policy {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    Policy::parse(&text, MANAGED_MAX_CHARS).unwrap_or_else(|fault| panic!("{text}: {fault}"))
}

fn cut(policy: &Policy) -> Vec<Cut> {
    let context = context();
    policy.cut(&Ground { context: &context, is_known, actions: &ACTIONS, beginnings: &BEGINNINGS })
}

/// What the cut statements say. Written anew, as simple as it gets.
fn is_granted(cuts: &[Cut], action: usize, beginning: usize, rest: &str) -> bool {
    let matches = |rests: &[Rest]| {
        let mut rests = rests.iter().filter(|it| it.beginning == beginning);
        rests.any(|it| glob(&it.pattern.chars().collect::<Vec<_>>(), &rest.chars().collect::<Vec<_>>()))
    };
    let applies = |cut: &&Cut| {
        cut.actions.contains(&action)
            && match &cut.resources {
                CutResources::Only(rests) => matches(rests),
                CutResources::AllBut(rests) => !matches(rests),
            }
    };
    let applying: Vec<&Cut> = cuts.iter().filter(applies).collect();
    applying.iter().any(|cut| !cut.is_denial) && !applying.iter().any(|cut| cut.is_denial)
}

fn glob(pattern: &[char], text: &[char]) -> bool {
    match (pattern, text) {
        ([], _) => text.is_empty(),
        (['*', rest @ ..], _) => (0..=text.len()).any(|taken| glob(rest, &text[taken..])),
        (['?', rest @ ..], [_, after @ ..]) => glob(rest, after),
        (['\\', letter, rest @ ..], [other, after @ ..]) => letter == other && glob(rest, after),
        ([letter, rest @ ..], [other, after @ ..]) => letter == other && glob(rest, after),
        (_, []) => false,
    }
}

fn asked(policy: &Policy, action: &str, resource: &str) -> bool {
    let context = context();
    let policies = Policies { identity: &[policy], ..Policies::default() };
    evaluate(&policies, &Ask { action, resource, context: &context }) == Decision::Allowed
}

/// Places that are asked for: index of the beginning, what follows it.
const PLACES: [(usize, &str); 9] = [
    (0, "%2F/orders.eu"),
    (0, "%2F/orders"),
    (0, "%2F/pay:slow"),
    (0, "%2F/ann"),
    (0, "red/a*?\\"),
    (1, "%2F/orders"),
    (1, "%2F/amq.topic"),
    (2, "%2F"),
    (2, ""),
];

/// Each row: statements; the places at which sending is granted.
#[rustfmt::skip]
const KNOWN: [(&str, &[usize]); 32] = [
    (r#"{"Effect":"Allow","Action":"mq:SendMessage","Resource":"*"}"#, &[0, 1, 2, 3, 4, 5, 6, 7, 8]),
    (r#"{"Effect":"Allow","Action":"mq:sendmessage","Resource":"arn:aws:mq:*"}"#, &[0, 1, 2, 3, 4, 5, 6, 7, 8]),
    (r#"{"Effect":"Allow","Action":"mq:ReceiveMessage","Resource":"*"}"#, &[]),
    (r#"{"Effect":"Allow","NotAction":"mq:ReceiveMessage","Resource":"*"}"#, &[0, 1, 2, 3, 4, 5, 6, 7, 8]),
    (r#"{"Effect":"Allow","NotAction":"mq:S*","Resource":"*"}"#, &[]),
    (r#"{"Effect":"Allow","Action":"mq:*","Resource":"@/queue/%2F/orders"}"#, &[1]),
    (r#"{"Effect":"Allow","Action":"mq:*","Resource":"@/queue/*"}"#, &[0, 1, 2, 3, 4]),
    (r#"{"Effect":"Allow","Action":"mq:*","Resource":"@/queue/%2F/orders*"}"#, &[0, 1]),
    (r#"{"Effect":"Allow","Action":"mq:*","Resource":"@/*/orders*"}"#, &[0, 1, 5]),
    (r#"{"Effect":"Allow","Action":"mq:*","Resource":"@/*orders"}"#, &[1, 5]),
    (r#"{"Effect":"Allow","Action":"mq:*","Resource":"@/queue/%2F/order?"}"#, &[1]),
    (r#"{"Effect":"Allow","Action":"mq:*","Resource":"@"}"#, &[]),
    (r#"{"Effect":"Allow","Action":"mq:*","Resource":"@/vhost/"}"#, &[8]),
    (r#"{"Effect":"Allow","Action":"mq:*","Resource":"@/vhost*"}"#, &[7, 8]),
    (r#"{"Effect":"Allow","Action":"mq:*","Resource":"arn:aws:mq:*:*:broker:orders:*"}"#, &[0, 1, 2, 3, 4, 5, 6, 7, 8]),
    (r#"{"Effect":"Allow","Action":"mq:*","Resource":"arn:aws:mq:*:*:broker:orders:*slow"}"#, &[2]),
    (r#"{"Effect":"Allow","Action":"mq:*","Resource":"arn:aws:mq:*:*:broker:orders:b-?/exchange/*topic"}"#, &[6]),
    (r#"{"Effect":"Allow","Action":"mq:*","Resource":"arn:aws:mq:*:*:broker:others:*"}"#, &[]),
    (r#"{"Effect":"Allow","Action":"mq:*","Resource":"arn:aws:mq:eu-west-1:*:broker:*"}"#, &[]),
    (r#"{"Effect":"Allow","Action":"mq:*","Resource":"arn:aws:sqs:*:*:*"}"#, &[]),
    (r#"{"Effect":"Allow","Action":"mq:*","NotResource":"@/queue/%2F/*"}"#, &[4, 5, 6, 7, 8]),
    (r#"{"Effect":"Allow","Action":"mq:*","NotResource":["@/queue/*","@/exchange/%2F/amq.*"]}"#, &[5, 7, 8]),
    (r#"{"Effect":"Allow","Action":"mq:*","NotResource":"arn:aws:sqs:*:*:*"}"#, &[0, 1, 2, 3, 4, 5, 6, 7, 8]),
    (r#"{"Effect":"Allow","Action":"mq:*","Resource":"*"},{"Effect":"Deny","Action":"mq:Send*","Resource":"@/queue/*"}"#, &[5, 6, 7, 8]),
    (r#"{"Effect":"Allow","Action":"mq:*","Resource":"*"},{"Effect":"Deny","Action":"mq:Send*","NotResource":"@/queue/%2F/orders*"}"#, &[0, 1]),
    (r#"{"Effect":"Allow","Action":"mq:*","Resource":"@/queue/%2F/${aws:username}"}"#, &[3]),
    (r#"{"Effect":"Allow","Action":"mq:*","Resource":"@/queue/${aws:PrincipalTag/team}/${aws:PrincipalTag/odd}"}"#, &[4]),
    (r#"{"Effect":"Allow","Action":"mq:*","Resource":"@/queue/red/a${*}${?}\\"}"#, &[4]),
    (r#"{"Effect":"Allow","Action":"mq:*","Resource":"@/queue/%2F/${aws:PrincipalTag/none}"}"#, &[]),
    (r#"{"Effect":"Allow","Action":"mq:*","Resource":"@/queue/%2F/${aws:PrincipalTag/none, 'orders'}"}"#, &[1]),
    (r#"{"Effect":"Allow","Action":"mq:*","NotResource":"@/queue/%2F/${aws:PrincipalTag/none}"}"#, &[]),
    (r#"{"Effect":"Allow","Action":"mq:*","Resource":"*"},{"Effect":"Deny","Action":"*","NotResource":"@/queue/${aws:PrincipalTag/none}"}"#, &[]),
];

/// Each row: a condition of which all is known; whether it holds.
#[rustfmt::skip]
const CONDITIONS: [(&str, bool); 12] = [
    (r#"{"StringEquals":{"aws:PrincipalTag/team":"red"}}"#, true),
    (r#"{"StringEquals":{"aws:PrincipalTag/team":["blue","red"]}}"#, true),
    (r#"{"StringEquals":{"aws:PrincipalTag/team":"blue"}}"#, false),
    (r#"{"StringNotEquals":{"aws:PrincipalTag/team":"blue"}}"#, true),
    (r#"{"StringLike":{"aws:username":"a*"}}"#, true),
    (r#"{"StringLike":{"aws:username":"b*"}}"#, false),
    (r#"{"StringEquals":{"aws:ResourceTag/env":"prod"},"StringLike":{"aws:username":"?nn"}}"#, true),
    (r#"{"StringEquals":{"aws:ResourceTag/env":"prod"},"StringLike":{"aws:username":"?"}}"#, false),
    (r#"{"StringEquals":{"aws:ResourceTag/owner":"ann"}}"#, false),
    (r#"{"StringEqualsIfExists":{"aws:ResourceTag/owner":"bob"}}"#, true),
    (r#"{"Null":{"aws:ResourceTag/owner":"true"}}"#, true),
    (r#"{"StringEquals":{"aws:PrincipalTag/team":"${aws:PrincipalTag/none}"}}"#, false),
];

/// Conditions that hold, or do not, by what is only known later.
#[rustfmt::skip]
const OPEN: [&str; 11] = [
    r#"{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}"#,
    r#"{"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}}"#,
    r#"{"DateLessThan":{"aws:CurrentTime":"2099-01-01T00:00:00Z"}}"#,
    r#"{"DateGreaterThan":{"aws:CurrentTime":"2099-01-01T00:00:00Z"}}"#,
    r#"{"Bool":{"aws:SecureTransport":"true"}}"#,
    r#"{"BoolIfExists":{"aws:SecureTransport":"false"}}"#,
    r#"{"Null":{"aws:SourceVpc":"true"}}"#,
    r#"{"StringEquals":{"aws:username":"ann"},"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}"#,
    r#"{"StringLike":{"aws:username":"${aws:SourceIp}"}}"#,
    r#"{"StringNotLike":{"aws:username":"${aws:SourceIp}"}}"#,
    r#"{"ForAllValues:StringEquals":{"mq:Something":"x"}}"#,
];

fn check(statements: &str, granted: &[usize]) {
    let policy = policy(&statements.replace('@', BROKER));
    let cuts = cut(&policy);
    let found: Vec<usize> =
        (0..PLACES.len()).filter(|place| is_granted(&cuts, 0, PLACES[*place].0, PLACES[*place].1)).collect();
    assert_eq!(found, granted, "{statements}: {cuts:?}");
}

#[test]
fn t8_what_is_known_is_worked_out_as_it_would_be_answered() {
    for (statements, granted) in KNOWN {
        check(statements, granted);
        let policy = policy(&statements.replace('@', BROKER));
        for (index, (beginning, rest)) in PLACES.iter().enumerate() {
            let resource = format!("{}{rest}", BEGINNINGS[*beginning]);
            assert_eq!(
                asked(&policy, ACTIONS[0], &resource),
                granted.contains(&index),
                "{statements} {resource}"
            );
        }
    }
}

#[test]
fn conditions_that_are_known_hold_or_leave_the_statement_out() {
    for (condition, holds) in CONDITIONS {
        let allow = format!(
            r#"{{"Effect":"Allow","Action":"*","Resource":"@/queue/%2F/orders","Condition":{condition}}}"#
        );
        check(&allow, if holds { &[1] } else { &[] });
        let deny = allow.replace("Allow", "Deny");
        let all = r#"{"Effect":"Allow","Action":"*","Resource":"@/queue/%2F/order*"}"#;
        check(&format!("{all},{deny}"), if holds { &[0] } else { &[0, 1] });
    }
}

#[test]
fn s1_conditions_that_are_known_later_never_allow_and_always_deny() {
    let all = r#"{"Effect":"Allow","Action":"*","Resource":"@/queue/%2F/order*"}"#;
    for condition in OPEN {
        let allow = format!(r#"{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{condition}}}"#);
        check(&allow, &[]);
        let deny = format!(
            r#"{{"Effect":"Deny","Action":"*","Resource":"@/queue/%2F/orders","Condition":{condition}}}"#
        );
        check(&format!("{all},{deny}"), &[0]);
        // A condition that is known not to hold settles it.
        let no = r#"{"StringEquals":{"aws:ResourceTag/env":"test"},"#;
        let settled = deny.replace(r#""Condition":{"#, &format!(r#""Condition":{no}"#));
        if !condition.contains("\"StringEquals\"") {
            check(&format!("{all},{settled}"), &[0, 1]);
        }
    }
}

#[test]
fn s1_variables_that_are_known_later_never_allow_and_always_deny() {
    let all = r#"{"Effect":"Allow","Action":"*","Resource":"@/queue/%2F/order*"}"#;
    for variable in ["${aws:SourceIp}", "${aws:CurrentTime, 'orders'}"] {
        let row = |effect: &str, element: &str| {
            format!(r#"{{"Effect":"{effect}","Action":"*","{element}":"@/queue/%2F/{variable}"}}"#)
        };
        check(&row("Allow", "Resource"), &[]);
        check(&row("Allow", "NotResource"), &[]);
        check(&format!("{all},{}", row("Deny", "Resource")), &[]);
        check(&format!("{all},{}", row("Deny", "NotResource")), &[]);
    }
}

/// A `*` inside one of the first parts of an ARN takes no colon: said of a rest it would take them.
#[test]
fn s1_what_a_pattern_cannot_say_exactly_grants_less() {
    let odd = "arn:aws:mq:*:a*q*";
    let row =
        |effect: &str, element: &str| format!(r#"{{"Effect":"{effect}","Action":"*","{element}":"{odd}"}}"#);
    let all = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
    for statements in [
        row("Allow", "Resource"),
        row("Allow", "NotResource"),
        format!("{all},{}", row("Deny", "Resource")),
        format!("{all},{}", row("Deny", "NotResource")),
    ] {
        let policy = policy(&statements);
        let cuts = cut(&policy);
        for (beginning, rest) in PLACES {
            let resource = format!("{}{rest}", BEGINNINGS[beginning]);
            let is_safe = !is_granted(&cuts, 0, beginning, rest) || asked(&policy, ACTIONS[0], &resource);
            assert!(is_safe, "{statements} {resource}: {cuts:?}");
        }
    }
}

fn resource() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "*",
        "?",
        "/queue/",
        "/exchange/",
        "%2F",
        "/",
        "orders",
        "o",
        "r",
        "*r*",
        ":",
        "b-1",
        "${*}",
        "${aws:username}",
    ]);
    let tail = prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat());
    let head = prop::sample::select(vec![
        "arn:aws:mq:us-east-1:123456789012:broker:orders:b-1",
        "arn:aws:mq:*:*:broker:*",
        "arn:aws:mq:*:*:*",
        "arn:aws:mq:*1:1*:b",
    ]);
    (head, tail).prop_map(|(head, tail)| format!("{head}{tail}"))
}

fn statement() -> impl Strategy<Value = String> {
    let effect = prop::sample::select(vec!["Allow", "Allow", "Deny"]);
    let action = prop::sample::select(vec!["mq:*", "mq:SendMessage", "mq:R*"]);
    let element = prop::sample::select(vec!["Resource", "Resource", "NotResource"]);
    let resources = prop::collection::vec(resource(), 1..3);
    (effect, action, element, resources).prop_map(|(effect, action, element, resources)| {
        let resources = resources.join("\",\"");
        format!(r#"{{"Effect":"{effect}","Action":"{action}","{element}":["{resources}"]}}"#)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_policy_of_which_all_is_known_says_the_same(
        statements in prop::collection::vec(statement(), 1..4),
        beginning in 0..2_usize,
        rest in "[ro%2F/:]{0,8}|%2F/orders|%2F/ann",
        action in 0..3_usize,
    ) {
        let policy = policy(&statements.join(","));
        let resource = format!("{}{rest}", BEGINNINGS[beginning]);
        let cuts = cut(&policy);
        prop_assert_eq!(
            is_granted(&cuts, action, beginning, &rest),
            asked(&policy, ACTIONS[action], &resource),
            "{:?} {}", cuts, resource
        );
    }
}
