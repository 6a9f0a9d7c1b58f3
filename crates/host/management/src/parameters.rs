//! Runtime parameters: the limits of virtual hosts are the only ones there are.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use ternmq_broker::{Broker, NamespaceRecord};
use ternmq_stdx::shown;

use crate::access::Viewer;
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::limits::vhost_limits;

/// The component of limits of virtual hosts.
pub(crate) const VHOST_LIMITS: &str = "vhost-limits";
/// The one name of a parameter of that component.
pub(crate) const VHOST_LIMITS_NAME: &str = "limits";

/// Limits of virtual hosts as parameters.
pub(crate) fn parameter_json(record: &NamespaceRecord) -> Json {
    json!({
        "vhost": &*record.name,
        "component": VHOST_LIMITS,
        "name": VHOST_LIMITS_NAME,
        "value": vhost_limits(record),
    })
}

fn find(broker: &Broker, call: &Call) -> Result<Vec<NamespaceRecord>, Refusal> {
    if let Some(component) = call.find_name("component").filter(|component| *component != VHOST_LIMITS) {
        return Err(unknown(component));
    }
    let viewer = Viewer::new(broker, &call.actor);
    let wanted = call.find_name("vhost");
    let mut records = broker.namespaces();
    records.retain(|record| viewer.sees(&record.name) && wanted.is_none_or(|vhost| *record.name == *vhost));
    records.retain(|record| record.max_connections.is_some() || record.max_queues.is_some());
    Ok(records)
}

fn unknown(component: &str) -> Refusal {
    let component = shown(component);
    Refusal::not_found(format!(
        "component {component} not found: this broker has parameters of {VHOST_LIMITS} only"
    ))
}

pub(crate) fn list(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let records = find(broker, call)?;
    Ok(Answer::many(move || records.iter().map(parameter_json).collect()))
}

pub(crate) fn get(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let record = find(broker, call)?.into_iter().next().filter(|_| call.name("name") == VHOST_LIMITS_NAME);
    let record = record.ok_or_else(|| Refusal::not_found("there is no such parameter"))?;
    Ok(Answer::one(move || parameter_json(&record)))
}

/// Parameters are not set one by one.
pub(crate) fn refuse(_: &mut Broker, call: &Arc<Call>) -> Outcome {
    match call.name("component") {
        VHOST_LIMITS => Err(Refusal::bad("set limits of virtual hosts at /api/vhost-limits/VHOST/LIMIT")),
        component => {
            let component = shown(component);
            Err(Refusal::bad(format!("component {component} not found: this broker has no such parameters")))
        }
    }
}
