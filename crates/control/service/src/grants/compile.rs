//! From policies to the rules that a node keeps.
//!
//! ```text
//!                     RabbitMQ                        ActiveMQ
//! the broker          ARN                             ARN
//! a virtual host      ARN/vhost/VHOST
//! a queue             ARN/queue/VHOST/NAME            ARN/queue/NAME, ARN/temp-queue/..., ARN/consumer/..., ...
//! an exchange, topic  ARN/exchange/VHOST/NAME         ARN/topic/NAME
//! a routing key       ARN/topic/VHOST/EXCHANGE/KEY
//! ```
//! where ARN is that of the broker. Of a name that another part follows, and of a virtual host, `/` is `%2F` and `%` is
//! `%25`, as nodes have it.

use ternmq_fleet::{
    GRANT_BYTES_MAX, GRANT_PATTERN_BYTES_MAX, GRANT_RULES_MAX, GrantAct, GrantEffect, GrantKind, GrantNames,
    GrantRule, UserGrants,
};
use ternmq_identity::directory::{Directory, User};
use ternmq_identity::policy::{Context, Cut, CutResources, Ground, Rest};

use crate::arn::Arn;
use crate::catalogue::EngineType;
use crate::records::Broker;

/// Actions about messages, what they are to a node, and to which kinds of things.
const ACTIONS: [(&str, GrantAct, &[GrantKind]); 6] = [
    ("mq:Connect", GrantAct::Enter, &[GrantKind::Namespace]),
    ("mq:CreateDestination", GrantAct::Create, &[GrantKind::Queue, GrantKind::Node]),
    ("mq:DeleteDestination", GrantAct::Delete, &[GrantKind::Queue, GrantKind::Node]),
    ("mq:SendMessage", GrantAct::Send, &[GrantKind::Queue, GrantKind::Node, GrantKind::Key]),
    ("mq:ReceiveMessage", GrantAct::Receive, &[GrantKind::Queue, GrantKind::Node, GrantKind::Key]),
    ("mq:AdministerBroker", GrantAct::Manage, &[GrantKind::Broker]),
];

/// Things of one kind: how their ARNs go on behind the broker's, and how the texts begin by which a node knows them.
struct Place {
    kind: GrantKind,
    arn: &'static str,
    text: &'static str,
}

const fn place(kind: GrantKind, arn: &'static str, text: &'static str) -> Place {
    Place { kind, arn, text }
}

const RABBITMQ: [Place; 5] = [
    place(GrantKind::Broker, "", ""),
    place(GrantKind::Namespace, "/vhost/", ""),
    place(GrantKind::Queue, "/queue/", ""),
    place(GrantKind::Node, "/exchange/", ""),
    place(GrantKind::Key, "/topic/", ""),
];

/// Its one namespace is `localhost`; a queue's kind is part of the name by which its permissions know it.
const ACTIVEMQ: [Place; 8] = [
    place(GrantKind::Broker, "", ""),
    place(GrantKind::Namespace, "", "localhost"),
    place(GrantKind::Queue, "/queue/", "localhost/queue://"),
    place(GrantKind::Queue, "/temp-queue/", "localhost/temp-queue://"),
    place(GrantKind::Queue, "/consumer/", "localhost/consumer://"),
    place(GrantKind::Queue, "/mqtt/", "localhost/mqtt://"),
    place(GrantKind::Queue, "/mqtt-shared/", "localhost/mqtt-shared://"),
    place(GrantKind::Node, "/topic/", "localhost/topic://"),
];

/// Kinds, in the order in which rules name them.
const KINDS: [GrantKind; 5] =
    [GrantKind::Broker, GrantKind::Namespace, GrantKind::Queue, GrantKind::Node, GrantKind::Key];

/// Rules are over a limit of the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum OverLimit {
    #[error("its policies make {count} rules; at most {GRANT_RULES_MAX} are possible")]
    Rules { count: usize },
    #[error("the patterns of its policies have {bytes} bytes; at most {GRANT_BYTES_MAX} are possible")]
    Bytes { bytes: usize },
    #[error("a pattern of its policies has {bytes} bytes; at most {GRANT_PATTERN_BYTES_MAX} are possible")]
    Pattern { bytes: usize },
}

/// What a user's policies grant it as a user of a broker.
pub(super) fn grants(
    directory: &Directory,
    user: &User,
    broker: &Broker,
    account: &str,
) -> Result<UserGrants, OverLimit> {
    let places: &[Place] = match broker.engine {
        EngineType::RabbitMq => &RABBITMQ,
        EngineType::ActiveMq => &ACTIVEMQ,
    };
    let arn = Arn::broker(account, &broker.region, &broker.name, &broker.id);
    let beginnings: Vec<String> = places.iter().map(|place| format!("{arn}{}", place.arn)).collect();
    let beginnings: Vec<&str> = beginnings.iter().map(String::as_str).collect();
    let context = context(directory, user, broker);
    let actions = ACTIONS.map(|(action, ..)| action);
    let ground = Ground { context: &context, is_known, actions: &actions, beginnings: &beginnings };
    let rules = |cuts: Vec<Cut>| cuts.iter().flat_map(|cut| rules(cut, places)).collect();
    let layers = directory.cut(user, &ground).into_iter().map(rules).collect();
    let grants = UserGrants { layers };
    check(&grants)?;
    Ok(grants)
}

/// Condition keys that count, all that have a value beforehand. What a connection brings is known later.
fn is_known(key: &str) -> bool {
    const BEGINNINGS: [&str; 3] = ["aws:principaltag/", "aws:resourcetag/", "aws:requesttag/"];
    const KEYS: [&str; 11] = [
        "aws:principalarn",
        "aws:principalaccount",
        "aws:principaltype",
        "aws:principalisawsservice",
        "aws:userid",
        "aws:username",
        "aws:requestedregion",
        "aws:viaawsservice",
        "aws:tagkeys",
        // Who logs in with a password has neither a token nor a second factor.
        "aws:tokenissuetime",
        "aws:multifactorauthpresent",
    ];
    KEYS.contains(&key) || BEGINNINGS.iter().any(|beginning| key.starts_with(beginning))
}

fn context(directory: &Directory, user: &User, broker: &Broker) -> Context {
    let mut context = Context::new();
    directory.describe(&directory.principal_of(user), &mut context);
    let mut set = |key: &str, value: &str| context.set(key, vec![value.to_owned()]);
    set("aws:RequestedRegion", &broker.region);
    set("aws:ViaAWSService", "false");
    set("aws:PrincipalIsAWSService", "false");
    for (key, value) in &broker.tags {
        set(&format!("aws:ResourceTag/{key}"), value);
    }
    context
}

/// Rules of a cut statement: one for all kinds that have the same patterns.
fn rules(cut: &Cut, places: &[Place]) -> Vec<GrantRule> {
    let effect = if cut.is_denial { GrantEffect::Deny } else { GrantEffect::Allow };
    let selected: Vec<_> = cut.actions.iter().filter_map(|index| ACTIONS.get(*index)).collect();
    let mut rules: Vec<GrantRule> = Vec::new();
    for kind in KINDS {
        let of_kind = |(_, _, kinds): &&(_, _, &[GrantKind])| kinds.contains(&kind);
        let acts: Vec<GrantAct> = selected.iter().copied().filter(of_kind).map(|(_, act, _)| *act).collect();
        let names = match &cut.resources {
            CutResources::Only(rests) => GrantNames::Only(patterns(rests, places, kind)),
            CutResources::AllBut(rests) => GrantNames::AllBut(patterns(rests, places, kind)),
        };
        if acts.is_empty() || names == GrantNames::Only(Vec::new()) {
            continue;
        }
        match rules.iter_mut().find(|rule| rule.names == names) {
            // An act that does not go with a kind is never asked of it.
            Some(rule) => {
                rule.kinds.push(kind);
                rule.acts.extend(acts);
                rule.acts.sort_unstable();
                rule.acts.dedup();
            }
            None => rules.push(GrantRule { effect, acts, kinds: vec![kind], names }),
        }
    }
    rules
}

/// Patterns of the texts of one kind.
fn patterns(rests: &[Rest], places: &[Place], kind: GrantKind) -> Vec<String> {
    let of_kind = rests.iter().filter_map(|rest| {
        let place = places.get(rest.beginning).filter(|place| place.kind == kind)?;
        // Behind the ARN of the broker itself there is nothing.
        let can_match = !place.arn.is_empty() || rest.pattern.bytes().all(|byte| byte == b'*');
        can_match.then(|| format!("{}{}", place.text, rest.pattern))
    });
    of_kind.collect()
}

fn check(grants: &UserGrants) -> Result<(), OverLimit> {
    let rules = || grants.layers.iter().flatten();
    let count = rules().count();
    if count > GRANT_RULES_MAX {
        return Err(OverLimit::Rules { count });
    }
    let lengths = || rules().flat_map(|rule| rule.names.patterns()).map(String::len);
    if let Some(bytes) = lengths().find(|bytes| *bytes > GRANT_PATTERN_BYTES_MAX) {
        return Err(OverLimit::Pattern { bytes });
    }
    let bytes = lengths().sum();
    if bytes > GRANT_BYTES_MAX {
        return Err(OverLimit::Bytes { bytes });
    }
    Ok(())
}
