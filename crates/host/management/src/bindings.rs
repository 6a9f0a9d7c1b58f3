//! Bindings, and the key by which a path names one among those of the same two ends.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use ternmq_broker::{BindingRecord, Broker, TargetKind};
use ternmq_message::Map;
use ternmq_stdx::shown;

use crate::access::Viewer;
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::{Call, encode_part};
use crate::json::{json_of_map, map, text};
use crate::{core_session, exchanges, queues};

pub(crate) fn list(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let viewer = Viewer::new(broker, &call.actor);
    let vhosts: Vec<Arc<str>> = match call.find_name("vhost") {
        Some(vhost) => vec![vhost.into()],
        None => broker.namespaces().into_iter().map(|n| n.name).filter(|name| viewer.sees(name)).collect(),
    };
    let records: Vec<BindingRecord> = vhosts.iter().flat_map(|vhost| all(broker, vhost)).collect();
    Ok(render(records))
}

pub(crate) fn from_exchange(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let name = exchanges::find(broker, call.name("vhost"), call.name("name"))?.record.name;
    Ok(render(all(broker, call.name("vhost")).into_iter().filter(|binding| binding.source == name).collect()))
}

pub(crate) fn to_exchange(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let name = exchanges::find(broker, call.name("vhost"), call.name("name"))?.record.name;
    Ok(render(with_target(broker, call.name("vhost"), TargetKind::Node, &name)))
}

pub(crate) fn to_queue(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let (vhost, name) = (call.name("vhost"), call.name("name"));
    broker.queue_view(vhost, name).ok_or_else(|| queues::missing(vhost, name))?;
    Ok(render(with_target(broker, vhost, TargetKind::Queue, name)))
}

/// Bindings of a namespace, with those that the default exchange has to every queue.
fn all(broker: &Broker, vhost: &str) -> Vec<BindingRecord> {
    let mut records = broker.binding_views(vhost);
    records
        .extend(broker.queue_views(Some(vhost)).into_iter().map(|queue| default_binding(vhost, &queue.name)));
    records
}

fn with_target(broker: &Broker, vhost: &str, kind: TargetKind, name: &str) -> Vec<BindingRecord> {
    let mut records = broker.binding_views(vhost);
    records.retain(|binding| binding.target_kind == kind && *binding.target == *name);
    if kind == TargetKind::Queue {
        records.push(default_binding(vhost, &Arc::from(name)));
    }
    records
}

fn default_binding(vhost: &str, queue: &Arc<str>) -> BindingRecord {
    BindingRecord {
        namespace: vhost.into(),
        source: Arc::default(),
        target_kind: TargetKind::Queue,
        target: queue.clone(),
        key: queue.clone(),
        arguments: Map::new(),
    }
}

/// The two ends that a path names, both there.
struct Ends {
    source: Arc<str>,
    target_kind: TargetKind,
    target: Arc<str>,
}

fn ends(broker: &Broker, call: &Call) -> Result<Ends, Refusal> {
    let vhost = call.name("vhost");
    let source = exchanges::find(broker, vhost, call.name("source"))?.record.name;
    match call.find_name("queue") {
        Some(queue) => {
            let found = broker.queue_view(vhost, queue).ok_or_else(|| queues::missing(vhost, queue))?;
            Ok(Ends { source, target_kind: TargetKind::Queue, target: found.name })
        }
        None => {
            let target = exchanges::find(broker, vhost, call.name("exchange"))?.record.name;
            Ok(Ends { source, target_kind: TargetKind::Node, target })
        }
    }
}

fn records_between(broker: &Broker, call: &Call) -> Result<Vec<BindingRecord>, Refusal> {
    let ends = ends(broker, call)?;
    let mut records = with_target(broker, call.name("vhost"), ends.target_kind, &ends.target);
    records.retain(|binding| binding.source == ends.source);
    Ok(records)
}

pub(crate) fn between(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    Ok(render(records_between(broker, call)?))
}

fn find(broker: &Broker, call: &Call) -> Result<BindingRecord, Refusal> {
    // The key was decoded once with the path; keys are compared as they stand in lists.
    let props = call.name("props");
    let found = records_between(broker, call)?.into_iter().find(|binding| is_key(binding, props));
    found.ok_or_else(|| Refusal::not_found(format!("there is no binding with the key '{}'", shown(props))))
}

fn is_key(binding: &BindingRecord, props: &str) -> bool {
    let key = properties_key(binding);
    key == props || crate::call::decode_part(&key).is_some_and(|decoded| decoded == props)
}

pub(crate) fn get(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let record = find(broker, call)?;
    Ok(Answer::one(move || binding_json(&record)))
}

pub(crate) fn bind(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let ends = ends(broker, call)?;
    let body = call.object()?;
    let record = BindingRecord {
        namespace: call.name("vhost").into(),
        source: ends.source,
        target_kind: ends.target_kind,
        target: ends.target,
        key: text(&body, "routing_key")?.unwrap_or_default().into(),
        arguments: map(&body, "arguments")?,
    };
    let location = location(broker, &record);
    let done = core_session::run(broker, &call.actor, call.name("vhost"), |broker, session| {
        let BindingRecord { source, target, key, arguments, .. } = record;
        match record.target_kind {
            TargetKind::Queue => broker.bind_queue(session, &target, &source, &key, arguments),
            TargetKind::Node => broker.bind_node(session, &target, &source, &key, arguments),
        }
    })?;
    Ok(Answer::created(done.receipt, location))
}

fn location(broker: &Broker, record: &BindingRecord) -> String {
    let letter = if record.target_kind == TargetKind::Queue { 'q' } else { 'e' };
    let shown =
        |name: &str| encode_part(if name.is_empty() { broker.dialect().default_node_alias() } else { name });
    let (vhost, source, target) =
        (encode_part(&record.namespace), shown(&record.source), shown(&record.target));
    format!("/api/bindings/{vhost}/e/{source}/{letter}/{target}/{}", encode_key(&properties_key(record)))
}

/// A key may hold percent signs of its own, which a path has to carry.
fn encode_key(key: &str) -> String {
    key.replace('%', "%25")
}

pub(crate) fn unbind(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let record = find(broker, call)?;
    let done = core_session::run(broker, &call.actor, call.name("vhost"), |broker, session| {
        let BindingRecord { source, target, key, arguments, .. } = record;
        match record.target_kind {
            TargetKind::Queue => broker.unbind_queue(session, &target, &source, &key, arguments),
            TargetKind::Node => broker.unbind_node(session, &target, &source, &key, arguments),
        }
    })?;
    Ok(Answer::done(done.receipt))
}

fn render(records: Vec<BindingRecord>) -> Answer {
    Answer::many(move || records.iter().map(binding_json).collect())
}

fn binding_json(record: &BindingRecord) -> Json {
    json!({
        "source": &*record.source,
        "vhost": &*record.namespace,
        "destination": &*record.target,
        "destination_type": match record.target_kind { TargetKind::Queue => "queue", TargetKind::Node => "exchange" },
        "routing_key": &*record.key,
        "arguments": json_of_map(&record.arguments),
        "properties_key": properties_key(record),
    })
}

/// `~` for a binding without key and arguments, the encoded key for one without arguments, else the encoded key, `~`
/// and a digest of the arguments. Clients take it as it is.
fn properties_key(record: &BindingRecord) -> String {
    let key = encode_part(&record.key);
    match (record.key.is_empty(), record.arguments.is_empty()) {
        (true, true) => "~".to_owned(),
        (false, true) => key,
        (_, false) => format!("{key}~{:032x}", digest(&json_of_map(&record.arguments).to_string())),
    }
}

/// FNV-1a of 128 bits: tells argument lists apart, protects nothing.
fn digest(text: &str) -> u128 {
    const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;
    text.bytes().fold(OFFSET, |hash, byte| (hash ^ u128::from(byte)).wrapping_mul(PRIME))
}
