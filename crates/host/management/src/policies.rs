//! Policies and operator policies.

use std::sync::Arc;

use serde_json::{Map as JsonMap, Value as Json, json};
use ternmq_broker::{AppliesTo, Broker, PolicyRank, PolicyRecord, Receipt};
use ternmq_stdx::shown;

use crate::access::Viewer;
use crate::answer::{Answer, Before, Outcome, Refusal};
use crate::call::Call;
use crate::json::{json_of_map, map_of, number, required_text, text};

/// What a policy may match, in the words of this API.
const TARGETS: [(AppliesTo, &str); 5] = [
    (AppliesTo::All, "all"),
    (AppliesTo::Queues, "queues"),
    (AppliesTo::ClassicQueues, "classic_queues"),
    (AppliesTo::QuorumQueues, "quorum_queues"),
    (AppliesTo::Nodes, "exchanges"),
];

pub(crate) fn list(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    Ok(list_rank(broker, call, PolicyRank::User))
}

pub(crate) fn get(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    get_rank(broker, call, PolicyRank::User)
}

pub(crate) fn put(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    put_rank(broker, call, PolicyRank::User)
}

pub(crate) fn delete(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    delete_rank(broker, call, PolicyRank::User)
}

pub(crate) fn list_operator(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    Ok(list_rank(broker, call, PolicyRank::Operator))
}

pub(crate) fn get_operator(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    get_rank(broker, call, PolicyRank::Operator)
}

pub(crate) fn put_operator(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    put_rank(broker, call, PolicyRank::Operator)
}

pub(crate) fn delete_operator(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    delete_rank(broker, call, PolicyRank::Operator)
}

fn list_rank(broker: &Broker, call: &Call, rank: PolicyRank) -> Answer {
    let viewer = Viewer::new(broker, &call.actor);
    let wanted = call.find_name("vhost");
    let records: Vec<PolicyRecord> = broker
        .policies()
        .filter(|policy| policy.rank == rank && wanted.is_none_or(|vhost| *policy.namespace == *vhost))
        .filter(|policy| viewer.sees(&policy.namespace))
        .cloned()
        .collect();
    Answer::many(move || records.iter().map(policy_json).collect())
}

fn find(broker: &Broker, call: &Call, rank: PolicyRank) -> Option<PolicyRecord> {
    let (vhost, name) = (call.name("vhost"), call.name("name"));
    let mut known = broker.policies();
    known.find(|known| known.rank == rank && *known.name == *name && *known.namespace == *vhost).cloned()
}

fn get_rank(broker: &Broker, call: &Call, rank: PolicyRank) -> Outcome {
    let (name, vhost) = (shown(call.name("name")), shown(call.name("vhost")));
    let record = find(broker, call, rank).ok_or_else(|| {
        Refusal::not_found(format!("there is no policy '{name}' in virtual host '{vhost}'"))
    })?;
    Ok(Answer::one(move || policy_json(&record)))
}

fn put_rank(broker: &mut Broker, call: &Call, rank: PolicyRank) -> Outcome {
    let before = Before::of(find(broker, call, rank));
    let record = policy(call.name("vhost"), call.name("name"), rank, &call.object()?)?;
    store(broker, record).map(|receipt| Answer::put(receipt, before))
}

/// Sets a policy.
pub(crate) fn store(broker: &mut Broker, record: PolicyRecord) -> Result<Receipt, Refusal> {
    match broker.put_policy(record) {
        Ok(done) => Ok(done.receipt),
        Err(error) => Err(Refusal::of(broker, &error)),
    }
}

fn delete_rank(broker: &mut Broker, call: &Call, rank: PolicyRank) -> Outcome {
    match broker.delete_policy(call.name("vhost"), rank, call.name("name")) {
        Ok(done) => Ok(Answer::done(done.receipt)),
        Err(error) => Err(Refusal::of(broker, &error)),
    }
}

/// A policy out of a body.
pub(crate) fn policy(
    vhost: &str,
    name: &str,
    rank: PolicyRank,
    body: &JsonMap<String, Json>,
) -> Result<PolicyRecord, Refusal> {
    let definition = match body.get("definition") {
        Some(Json::Object(members)) if !members.is_empty() => map_of(members),
        _ => return Err(Refusal::bad("\"definition\" must be an object with at least one key")),
    };
    let applies_to = match text(body, "apply-to")? {
        None => AppliesTo::All,
        Some(word) => match TARGETS.iter().find(|(_, known)| *known == word) {
            Some((applies_to, _)) => *applies_to,
            None => {
                let words = TARGETS.map(|(_, word)| word).join(", ");
                return Err(Refusal::bad(format!("\"apply-to\" must be one of: {words}")));
            }
        },
    };
    let priority = number(body, "priority")?.unwrap_or(0);
    Ok(PolicyRecord {
        namespace: vhost.into(),
        name: name.into(),
        rank,
        pattern: required_text(body, "pattern")?.into(),
        applies_to,
        priority: i32::try_from(priority).map_err(|_| Refusal::bad("\"priority\" is out of range"))?,
        definition,
    })
}

/// A policy as JSON.
pub(crate) fn policy_json(record: &PolicyRecord) -> Json {
    let applies_to =
        TARGETS.iter().find(|(known, _)| *known == record.applies_to).map_or("all", |(_, word)| word);
    json!({
        "vhost": &*record.namespace,
        "name": &*record.name,
        "pattern": &*record.pattern,
        "apply-to": applies_to,
        "priority": record.priority,
        "definition": json_of_map(&record.definition),
    })
}
