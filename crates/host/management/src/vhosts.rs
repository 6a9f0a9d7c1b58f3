//! Virtual hosts.

use std::sync::Arc;

use serde_json::{Map as JsonMap, Value as Json, json};
use ternmq_broker::{Broker, NamespaceRecord};
use ternmq_stdx::shown;

use crate::access::Viewer;
use crate::answer::{Answer, Before, Outcome, Refusal};
use crate::call::Call;
use crate::json::{tags, text, truth};

pub(crate) fn list(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let viewer = Viewer::new(broker, &call.actor);
    let mut records = broker.namespaces();
    records.retain(|record| viewer.sees(&record.name));
    let counted: Vec<_> =
        records.into_iter().map(|record| (Counts::of(broker, &record.name), record)).collect();
    let node = broker.node_name().clone();
    Ok(Answer::many(move || {
        counted.iter().map(|(counts, record)| vhost_json(record, counts, &node)).collect()
    }))
}

pub(crate) fn get(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let record = find(broker, call.name("vhost"))?;
    let counts = Counts::of(broker, &record.name);
    let node = broker.node_name().clone();
    Ok(Answer::one(move || vhost_json(&record, &counts, &node)))
}

/// A virtual host by its name.
pub(crate) fn find(broker: &Broker, name: &str) -> Result<NamespaceRecord, Refusal> {
    let missing = || Refusal::not_found(format!("there is no virtual host '{}'", shown(name)));
    broker.namespace(name).ok_or_else(missing)
}

pub(crate) fn put(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let body = call.object()?;
    let known = broker.namespace(call.name("vhost"));
    let before = Before::of(known.as_ref());
    let record = record(call.name("vhost"), known, &body)?;
    match broker.put_namespace(record) {
        Ok(done) => Ok(Answer::put(done.receipt, before)),
        Err(error) => Err(Refusal::of(broker, &error)),
    }
}

/// What a body asks for; what it does not name stays as it is, and so do the limits.
pub(crate) fn record(
    name: &str,
    known: Option<NamespaceRecord>,
    body: &JsonMap<String, Json>,
) -> Result<NamespaceRecord, Refusal> {
    let mut record = known.unwrap_or_default();
    record.name = name.into();
    let metadata = match body.get("metadata") {
        Some(Json::Object(metadata)) => metadata.clone(),
        _ => JsonMap::new(),
    };
    for source in [&metadata, body] {
        if let Some(description) = text(source, "description")? {
            record.description = description.into();
        }
        if let Some(value) = source.get("tags").filter(|value| !value.is_null()) {
            record.tags = tags(value)?;
        }
        match text(source, "default_queue_type")? {
            None | Some("classic" | "undefined" | "") => {}
            Some(other) => {
                let other = shown(other);
                return Err(Refusal::bad(format!(
                    "a default queue type of '{other}' is not supported: queues are classic unless they say otherwise"
                )));
            }
        }
    }
    if truth(body, "tracing", false.into())? {
        return Err(Refusal::bad("tracing of a virtual host is not supported"));
    }
    Ok(record)
}

pub(crate) fn delete(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    match broker.delete_namespace(call.name("vhost")) {
        Ok(done) => Ok(Answer::done(done.receipt)),
        Err(error) => Err(Refusal::of(broker, &error)),
    }
}

#[derive(Default)]
struct Counts {
    ready: u64,
    unsettled: u64,
}

impl Counts {
    fn of(broker: &Broker, name: &str) -> Self {
        broker.queue_views(Some(name)).iter().fold(Self::default(), |sum, queue| Self {
            ready: sum.ready + queue.ready_count,
            unsettled: sum.unsettled + queue.unsettled_count,
        })
    }
}

fn vhost_json(record: &NamespaceRecord, counts: &Counts, node: &str) -> Json {
    json!({
        "name": &*record.name,
        "description": &*record.description,
        "tags": tag_list(&record.tags),
        "metadata": metadata(record),
        "default_queue_type": "classic",
        "tracing": false,
        "cluster_state": { node: "running" },
        "messages": counts.ready + counts.unsettled,
        "messages_ready": counts.ready,
        "messages_unacknowledged": counts.unsettled,
    })
}

/// What people and tools say of a virtual host.
pub(crate) fn metadata(record: &NamespaceRecord) -> Json {
    json!({ "description": &*record.description, "tags": tag_list(&record.tags) })
}

/// Tags as a list.
pub(crate) fn tag_list(tags: &[Arc<str>]) -> Json {
    tags.iter().map(|tag| Json::String(tag.to_string())).collect()
}
