//! Limits of virtual hosts and of users. A negative value lifts a limit, as in RabbitMQ.

use std::sync::Arc;

use serde_json::{Map as JsonMap, Value as Json, json};
use ternmq_broker::{Broker, NamespaceRecord, UserDefinition};
use ternmq_stdx::shown;

use crate::access::Viewer;
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::json::number;
use crate::{users, vhosts};

const MAX_CONNECTIONS: &str = "max-connections";
const MAX_QUEUES: &str = "max-queues";
const MAX_CHANNELS: &str = "max-channels";

pub(crate) fn list_vhosts(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let viewer = Viewer::new(broker, &call.actor);
    let wanted = call.find_name("vhost");
    let mut records = broker.namespaces();
    records.retain(|record| viewer.sees(&record.name) && wanted.is_none_or(|vhost| *record.name == *vhost));
    records.retain(|record| record.max_connections.is_some() || record.max_queues.is_some());
    let render = |record: &NamespaceRecord| json!({ "vhost": &*record.name, "value": vhost_limits(record) });
    Ok(Answer::many(move || records.iter().map(render).collect()))
}

/// Limits of a virtual host that are set.
pub(crate) fn vhost_limits(record: &NamespaceRecord) -> Json {
    set_ones([(MAX_CONNECTIONS, record.max_connections), (MAX_QUEUES, record.max_queues)])
}

/// Limits of a user that are set.
pub(crate) fn user_limits(user: &UserDefinition) -> Json {
    set_ones([(MAX_CONNECTIONS, user.max_connections), (MAX_CHANNELS, user.max_sessions)])
}

fn set_ones(limits: [(&str, Option<u64>); 2]) -> Json {
    let set = limits.into_iter().filter_map(|(name, limit)| Some((name.to_owned(), json!(limit?))));
    Json::Object(set.collect())
}

fn value(call: &Call) -> Result<Option<u64>, Refusal> {
    let value = number(&call.object()?, "value")?.ok_or_else(|| Refusal::bad("\"value\" is missing"))?;
    Ok(u64::try_from(value).ok())
}

pub(crate) fn put_vhost(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let value = value(call)?;
    set_vhost(broker, call, value)
}

pub(crate) fn delete_vhost(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    set_vhost(broker, call, None)
}

fn set_vhost(broker: &mut Broker, call: &Call, value: Option<u64>) -> Outcome {
    let mut record = vhosts::find(broker, call.name("vhost"))?;
    set_vhost_limit(&mut record, call.name("limit"), value)?;
    match broker.put_namespace(record) {
        Ok(done) => Ok(Answer::done(done.receipt)),
        Err(error) => Err(Refusal::of(broker, &error)),
    }
}

/// Sets one limit of a virtual host.
pub(crate) fn set_vhost_limit(
    record: &mut NamespaceRecord,
    limit: &str,
    value: Option<u64>,
) -> Result<(), Refusal> {
    match limit {
        MAX_CONNECTIONS => record.max_connections = value,
        MAX_QUEUES => record.max_queues = value,
        other => return Err(unknown(other, MAX_QUEUES)),
    }
    Ok(())
}

fn unknown(limit: &str, second: &str) -> Refusal {
    Refusal::bad(format!("there is no limit '{}'; known are {MAX_CONNECTIONS} and {second}", shown(limit)))
}

pub(crate) fn list_users(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let wanted = call.find_name("user");
    if let Some(name) = wanted {
        broker.user_definition(name).ok_or_else(|| users::missing(name))?;
    }
    let mut users = broker.users();
    users.retain(|user| wanted.is_none_or(|name| *user.name == *name));
    users.retain(|user| user.max_connections.is_some() || user.max_sessions.is_some());
    let render = |user: &UserDefinition| json!({ "user": &*user.name, "value": user_limits(user) });
    Ok(Answer::many(move || users.iter().map(render).collect()))
}

pub(crate) fn put_user(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let value = value(call)?;
    set_user(broker, call, value)
}

pub(crate) fn delete_user(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    set_user(broker, call, None)
}

fn set_user(broker: &mut Broker, call: &Call, value: Option<u64>) -> Outcome {
    let name = call.name("user");
    let mut user = broker.user_definition(name).ok_or_else(|| users::missing(name))?;
    set_user_limit(&mut user, call.name("limit"), value)?;
    Ok(Answer::done(broker.put_user(user).receipt))
}

fn set_user_limit(user: &mut UserDefinition, limit: &str, value: Option<u64>) -> Result<(), Refusal> {
    match limit {
        MAX_CONNECTIONS => user.max_connections = value,
        MAX_CHANNELS => user.max_sessions = value,
        other => return Err(unknown(other, MAX_CHANNELS)),
    }
    Ok(())
}

/// Sets the limits of a user that an object of a definitions file holds.
pub(crate) fn read_user_limits(
    user: &mut UserDefinition,
    limits: &JsonMap<String, Json>,
) -> Result<(), Refusal> {
    for name in limits.keys() {
        let value = number(limits, name)?.and_then(|value| u64::try_from(value).ok());
        set_user_limit(user, name, value)?;
    }
    Ok(())
}

/// Of two values that a policy and an operator policy set: the smaller number, else the policy's.
pub(crate) fn stricter(known: Option<&Json>, other: Json) -> Json {
    match known {
        None => other,
        Some(known) => match (known.as_u64(), other.as_u64()) {
            (Some(a), Some(b)) => json!(a.min(b)),
            _ => known.clone(),
        },
    }
}
