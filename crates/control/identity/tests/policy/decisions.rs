//! The table of decisions, `tests/data/policy_decisions.txt`.

use ternmq_identity::policy::{Ask, Context, Decision, MANAGED_MAX_CHARS, Policies, Policy, evaluate};

const TABLE: &str = include_str!("../data/policy_decisions.txt");

#[derive(Default)]
struct Rule {
    name: String,
    identity: Vec<Policy>,
    boundary: Option<Policy>,
    session: Vec<Policy>,
}

impl Rule {
    fn check(&self, row: &str) {
        let mut words = row.split_whitespace();
        let mut word = || words.next().unwrap_or_default();
        let expect = match word() {
            "allow" => Decision::Allowed,
            "deny" => Decision::DeniedExplicitly,
            "none" => Decision::DeniedImplicitly,
            other => panic!("{other}: {row}"),
        };
        let (action, resource) = (word(), word());
        let resource = resource
            .replace("@b", "arn:aws:mq:us-east-1:123456789012:broker:orders:b-1")
            .replace("@c", "arn:aws:mq:us-east-1:123456789012:configuration:c-1");
        let mut context = Context::new();
        for pair in words {
            let (key, values) = pair.split_once('=').unwrap();
            context.set(key, values.split('|').map(|value| value.replace("%20", " ")).collect());
        }
        let identity: Vec<&Policy> = self.identity.iter().collect();
        let session: Vec<&Policy> = self.session.iter().collect();
        let policies = Policies {
            identity: &identity,
            boundary: self.boundary.as_ref(),
            session: (!session.is_empty()).then_some(session.as_slice()),
        };
        let decision = evaluate(&policies, &Ask { action, resource: &resource, context: &context });
        assert_eq!(decision, expect, "{}: {row}", self.name);
    }
}

fn policy(text: &str) -> Policy {
    Policy::parse(text, MANAGED_MAX_CHARS).unwrap_or_else(|fault| panic!("{text}: {fault}"))
}

fn statement(text: &str) -> Policy {
    policy(&format!(r#"{{"Version":"2012-10-17","Statement":[{text}]}}"#))
}

#[test]
fn t8_every_documented_rule_decides() {
    let mut rule = Rule::default();
    let mut count = 0;
    for line in TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (word, rest) = line.split_once(' ').unwrap();
        match word {
            "=" => rule = Rule { name: rest.to_owned(), ..Rule::default() },
            "policy" => rule.identity.push(policy(rest)),
            "statement" => rule.identity.push(statement(rest)),
            "boundary" => rule.boundary = Some(statement(rest)),
            "session" => rule.session.push(statement(rest)),
            _ => {
                rule.check(line);
                count += 1;
            }
        }
    }
    assert!(count >= 120, "{count}");
}

#[test]
fn the_time_is_a_date_and_a_number() {
    let mut context = Context::new();
    context.set_time(1_796_030_142);
    let policy = statement(
        r#"{"Effect":"Allow","Action":"*","Resource":"*","Condition":{
            "DateEquals":{"aws:CurrentTime":"2026-11-30T09:15:42Z"},"NumericEquals":{"aws:EpochTime":1796030142}}}"#,
    );
    let policies = Policies { identity: &[&policy], ..Policies::default() };
    let ask = Ask { action: "mq:A", resource: "*", context: &context };
    assert_eq!(evaluate(&policies, &ask), Decision::Allowed);
}
