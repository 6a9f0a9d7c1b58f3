//! What holds for any document and any question.

use proptest::prelude::*;
use ternmq_identity::policy::{
    Ask, Caller, Context, Decision, MANAGED_MAX_CHARS, Policies, Policy, TRUST_MAX_CHARS, TrustPolicy,
    evaluate,
};

/// Words that policies are made of, so that chance gets deeper than the first check.
const WORDS: [&str; 40] = [
    "Version",
    "2012-10-17",
    "2008-10-17",
    "Statement",
    "Effect",
    "Allow",
    "Deny",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
    "Principal",
    "AWS",
    "Service",
    "Sid",
    "Id",
    "*",
    "mq:*",
    "mq:Create*",
    "sts:AssumeRole",
    "arn:aws:mq:*:*:*",
    "arn:aws:mq:*",
    "${aws:username}",
    "${*}",
    "StringLike",
    "StringNotEqualsIfExists",
    "ForAllValues:StringLike",
    "ForAnyValue:ArnLike",
    "NumericLessThan",
    "DateGreaterThan",
    "IpAddress",
    "Bool",
    "Null",
    "BinaryEquals",
    "aws:TagKeys",
    "aws:username",
    "true",
    "10.0.0.0/8",
    "2026-11-30",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![4 => prop::sample::select(WORDS.to_vec()).prop_map(str::to_owned), 1 => "\\PC{0,12}"]
}

/// Any JSON.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => text().prop_map(|text| quoted(&text)),
        1 => any::<i64>().prop_map(|number| number.to_string()),
        1 => any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(|number| format!("{number:e}")),
        1 => prop::sample::select(vec!["true".to_owned(), "false".to_owned(), "null".to_owned()]),
    ];
    leaf.prop_recursive(6, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(|values| format!("[{}]", values.join(","))),
            prop::collection::vec((text(), inner), 0..6).prop_map(|members| {
                let members: Vec<String> =
                    members.into_iter().map(|(name, value)| format!("{}:{value}", quoted(&name))).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

/// A policy that is one, mostly.
fn policy() -> impl Strategy<Value = String> {
    let patterns =
        prop::collection::vec(prop_oneof!["mq:[a-zA-Z*?]{1,8}", "[a-z*]{1,4}:[a-zA-Z*?$:{}]{1,8}"], 1..3);
    let resources = prop::collection::vec(
        prop_oneof![Just("*".to_owned()), "arn:aws:mq:[a-z*?]{0,3}:[0-9*?]{0,3}:[a-z*?:$]{1,10}"],
        1..3,
    );
    let condition = prop_oneof![
        Just("{}".to_owned()),
        (
            prop::sample::select(vec![
                "StringEquals",
                "StringNotLike",
                "StringLike",
                "ForAllValues:StringLike",
                "ForAnyValue:StringNotEquals",
                "ArnLike",
                "NumericLessThan",
                "DateLessThan",
                "Bool",
                "Null",
                "IpAddress",
                "NotIpAddressIfExists",
            ]),
            text(),
            text(),
        )
            .prop_map(|(operator, key, value)| {
                format!("{{{}:{{{}:{}}}}}", quoted(operator), quoted(&key), quoted(&value))
            }),
    ];
    let statement = (any::<bool>(), patterns, any::<bool>(), resources, any::<bool>(), condition).prop_map(
        |(is_allow, actions, is_not, resources, is_other, condition)| {
            format!(
                "{{\"Effect\":\"{}\",\"{}Action\":{actions:?},\"{}Resource\":{resources:?},\"Condition\":{condition}}}",
                if is_allow { "Allow" } else { "Deny" },
                if is_not { "Not" } else { "" },
                if is_other { "Not" } else { "" },
            )
        },
    );
    prop::collection::vec(statement, 1..5).prop_map(|statements| {
        format!("{{\"Version\":\"2012-10-17\",\"Statement\":[{}]}}", statements.join(","))
    })
}

fn context() -> impl Strategy<Value = Context> {
    prop::collection::vec((text(), prop::collection::vec(text(), 0..3)), 0..6).prop_map(|pairs| {
        let mut context = Context::new();
        for (key, values) in pairs {
            context.set(&key, values);
        }
        context
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn random_json_is_a_policy_or_a_fault(document in json(), context in context(), action in text(), resource in text()) {
        let ask = Ask { action: &action, resource: &resource, context: &context };
        match Policy::parse(&document, MANAGED_MAX_CHARS) {
            Ok(policy) => {
                let policies = Policies { identity: &[&policy], ..Policies::default() };
                let _ = evaluate(&policies, &ask);
            }
            Err(fault) => prop_assert!(fault.to_string().len() < 1_000),
        }
        if let Ok(policy) = TrustPolicy::parse(&document, TRUST_MAX_CHARS) {
            let _ = policy.evaluate(&Caller::Service(&action), &ask);
        }
    }

    #[test]
    fn random_text_is_a_policy_or_a_fault(document in "\\PC{0,80}") {
        prop_assert!(Policy::parse(&document, MANAGED_MAX_CHARS).is_err());
    }

    /// Cutting or changing a byte of a good document gives a policy or a fault, never a panic.
    #[test]
    fn a_changed_policy_is_a_policy_or_a_fault(document in policy(), at in any::<prop::sample::Index>(), byte in any::<char>()) {
        let letters: Vec<char> = document.chars().collect();
        let at = at.index(letters.len());
        let cut: String = letters.iter().take(at).collect();
        prop_assert!(Policy::parse(&cut, MANAGED_MAX_CHARS).is_err());
        let changed: String = letters.iter().enumerate().map(|(index, letter)| if index == at { byte } else { *letter }).collect();
        let _ = Policy::parse(&changed, MANAGED_MAX_CHARS);
    }

    #[test]
    fn a_denial_never_allows(
        one in policy(), other in policy(), context in context(), action in "mq:[a-zA-Z]{1,6}", resource in "arn:aws:mq:[a-z]{0,3}:[0-9]{0,3}:[a-z:*]{1,10}",
    ) {
        let parse = |text: &str| Policy::parse(text, MANAGED_MAX_CHARS).ok();
        let (Some(one), Some(other)) = (parse(&one), parse(&other)) else { return Ok(()) };
        let ask = Ask { action: &action, resource: &resource, context: &context };
        let alone = evaluate(&Policies { identity: &[&one], ..Policies::default() }, &ask);
        let both = evaluate(&Policies { identity: &[&one, &other], ..Policies::default() }, &ask);
        let turned = evaluate(&Policies { identity: &[&other, &one], ..Policies::default() }, &ask);
        let bounded = evaluate(&Policies { identity: &[&one], boundary: Some(&other), session: None }, &ask);
        prop_assert_eq!(both, turned);
        if alone == Decision::DeniedExplicitly {
            prop_assert_eq!(both, Decision::DeniedExplicitly);
        }
        // A boundary only takes away.
        if bounded == Decision::Allowed {
            prop_assert_eq!(alone, Decision::Allowed);
        }
    }

    /// S8: whatever a user is called, it reaches its own resource only.
    #[test]
    fn s8_a_name_reaches_no_other(name in "\\PC{1,12}", other in "\\PC{1,12}") {
        prop_assume!(name != other);
        let policy = Policy::parse(
            r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:iam::1:user/${aws:username}"}}"#,
            MANAGED_MAX_CHARS,
        )
        .unwrap();
        let policies = Policies { identity: &[&policy], ..Policies::default() };
        let context = Context::new().with("aws:username", name.clone());
        let decide = |name: &str| {
            let resource = format!("arn:aws:iam::1:user/{name}");
            evaluate(&policies, &Ask { action: "iam:GetUser", resource: &resource, context: &context })
        };
        prop_assert_eq!(decide(&name), Decision::Allowed);
        prop_assert_eq!(decide(&other), Decision::DeniedImplicitly);
    }

    /// The pattern's matcher against the plainest one there is.
    #[test]
    fn wildcards_are_what_a_plain_matcher_says(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
        let document = format!(
            r#"{{"Statement":{{"Effect":"Allow","Action":"*","Resource":"*","Condition":{{"StringLike":{{"a:a":"{pattern}"}}}}}}}}"#
        );
        let policy = Policy::parse(&document, MANAGED_MAX_CHARS).unwrap();
        let context = Context::new().with("a:a", text.clone());
        let ask = Ask { action: "a:a", resource: "*", context: &context };
        let decision = evaluate(&Policies { identity: &[&policy], ..Policies::default() }, &ask);
        prop_assert_eq!(decision == Decision::Allowed, plain(pattern.as_bytes(), text.as_bytes()));
    }
}

fn plain(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], _) => text.is_empty(),
        ([b'*', rest @ ..], _) => plain(rest, text) || matches!(text, [_, tail @ ..] if plain(pattern, tail)),
        ([b'?', rest @ ..], [_, tail @ ..]) => plain(rest, tail),
        ([letter, rest @ ..], [first, tail @ ..]) => letter == first && plain(rest, tail),
        (_, []) => false,
    }
}
