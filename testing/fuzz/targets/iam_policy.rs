//! A question, `ACTION RESOURCE KEY=VALUE...`, and a policy behind the first line end: a refusal is short and printable;
//! denying all denies, and a boundary only takes away. The less is known beforehand, the less is cut out as allowed.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ternmq_fuzz as _;
use ternmq_identity::policy::{
    Ask, Caller, Context, Cut, Decision, Ground, MANAGED_MAX_CHARS, Policies, Policy, PolicyFault,
    TRUST_MAX_CHARS, TrustPolicy, evaluate,
};

const DENY: &str = r#"{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#;
const ALLOW: &str = r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;
/// Longest sentence of ours, with its place.
const MAX_MESSAGE_BYTES: usize = 1_024;

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (question, document) = text.split_once('\n').unwrap_or(("", text));
    let mut words = question.split(' ');
    let (action, resource) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut context = Context::new();
    for (key, values) in words.filter_map(|word| word.split_once('=')) {
        context.set(key, values.split('|').map(str::to_owned).collect());
    }
    let ask = Ask { action, resource, context: &context };
    match TrustPolicy::parse(document, TRUST_MAX_CHARS) {
        Ok(policy) => {
            let arn = policy.arns().next().unwrap_or_default().to_owned();
            let _ = policy.evaluate(&Caller::Principal { account: "1", arn: &arn, role_arn: None }, &ask);
        }
        Err(fault) => check_message(&fault),
    }
    let policy = match Policy::parse(document, MANAGED_MAX_CHARS) {
        Ok(policy) => policy,
        Err(fault) => return check_message(&fault),
    };
    let deny = Policy::parse(DENY, MANAGED_MAX_CHARS).expect("it is a policy");
    let allow = Policy::parse(ALLOW, MANAGED_MAX_CHARS).expect("it is a policy");
    let decide =
        |identity: &[&Policy], boundary| evaluate(&Policies { identity, boundary, session: None }, &ask);
    let alone = decide(&[&policy], None);
    assert_eq!(decide(&[&policy, &deny], None), Decision::DeniedExplicitly);
    assert_eq!(decide(&[&policy], Some(&allow)), alone);
    assert_eq!(decide(&[&allow], Some(&policy)), alone);
    let both = decide(&[&policy, &allow], None);
    assert_eq!(both == Decision::DeniedExplicitly, alone == Decision::DeniedExplicitly);
    assert_ne!(both, Decision::DeniedImplicitly);
    // Worked out beforehand: the less is known, the less is allowed and the more is denied.
    let (actions, beginnings) = ([action], ["arn:aws:mq:r:1:broker:n:b-1/queue/", resource]);
    let (context, actions, beginnings) = (&context, &actions, &beginnings);
    let ground = |is_known| Ground { context, is_known, actions, beginnings };
    let (known, unknown) = (policy.cut(&ground(|_| true)), policy.cut(&ground(|_| false)));
    let count = |cuts: &[Cut], is_denial| cuts.iter().filter(|cut| cut.is_denial == is_denial).count();
    assert!(count(&unknown, false) <= count(&known, false), "what is not known allows");
    assert!(count(&unknown, true) >= count(&known, true), "what is not known does not deny");
});

fn check_message(fault: &PolicyFault) {
    let text = fault.to_string();
    assert!(text.len() <= MAX_MESSAGE_BYTES && !text.chars().any(char::is_control), "{text:?}");
}
