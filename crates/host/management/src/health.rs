//! Health checks: each answers `ok`, or 503 with what is wrong.

use std::pin::Pin;
use std::sync::Arc;

use axum::http::StatusCode;
use serde_json::{Value as Json, json};
use ternmq_broker::{Alarm, Broker};

use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::seam::Management;

fn ok(mut body: Json) -> Answer {
    if let Some(body) = body.as_object_mut() {
        body.insert("status".to_owned(), json!("ok"));
    }
    Answer::one(move || body)
}

fn failed(mut body: Json, reason: &str) -> Answer {
    if let Some(body) = body.as_object_mut() {
        body.insert("status".to_owned(), json!("failed"));
        body.insert("reason".to_owned(), json!(reason));
    }
    Answer::with_status(StatusCode::SERVICE_UNAVAILABLE, move || body)
}

/// Alarms of this node, which is all there is.
pub(crate) fn alarms(broker: &mut Broker, _: &Arc<Call>) -> Outcome {
    let node = broker.node_name().clone();
    let alarms: Vec<Json> = [(Alarm::Memory, "memory"), (Alarm::Disk, "disk")]
        .into_iter()
        .filter(|(alarm, _)| broker.is_alarmed(*alarm))
        .map(|(_, resource)| json!({ "node": &*node, "resource": resource }))
        .collect();
    if alarms.is_empty() {
        return Ok(ok(json!({})));
    }
    Ok(failed(json!({ "alarms": alarms }), "There are alarms in effect in the cluster"))
}

pub(crate) fn port_listener(
    management: Arc<Management>,
    call: Arc<Call>,
) -> Pin<Box<dyn Future<Output = Outcome> + Send>> {
    Box::pin(async move {
        let port: u16 =
            call.name("port").parse().map_err(|_| Refusal::bad("a port is a number up to 65535"))?;
        let ports: Vec<u16> = management.facts().listeners.iter().map(|known| known.address.port()).collect();
        if ports.contains(&port) {
            return Ok(ok(json!({ "port": port })));
        }
        Ok(failed(json!({ "missing": port, "ports": ports }), "No active listener"))
    })
}

pub(crate) fn protocol_listener(
    management: Arc<Management>,
    call: Arc<Call>,
) -> Pin<Box<dyn Future<Output = Outcome> + Send>> {
    Box::pin(async move {
        let protocol = call.name("protocol").to_owned();
        let listeners = management.facts().listeners;
        let is_there = listeners.iter().any(|known| is_same_protocol(&known.protocol, &protocol));
        if is_there {
            return Ok(ok(json!({ "protocol": protocol })));
        }
        let protocols: Vec<&str> = listeners.iter().map(|known| &*known.protocol).collect();
        Ok(failed(json!({ "missing": protocol, "protocols": protocols }), "No active listener"))
    })
}

/// Tools write protocols in several ways: `amqp091`, `amqp0-9-1`, `amqps`, `https`.
fn is_same_protocol(known: &str, asked: &str) -> bool {
    let asked = asked.to_ascii_lowercase();
    let plain = match asked.as_str() {
        "amqp091" | "amqp0.9.1" | "amqp0-9-1" | "amqp/0-9-1" => "amqp",
        "amqps" | "amqp+ssl" | "amqp091s" => "amqp/ssl",
        "mqtts" | "mqtt+ssl" => "mqtt/ssl",
        "stomps" | "stomp+ssl" => "stomp/ssl",
        "openwires" | "openwire+ssl" => "openwire/ssl",
        other => other,
    };
    known == plain || known == asked
}

/// Every virtual host that exists is served.
pub(crate) fn virtual_hosts(_: &mut Broker, _: &Arc<Call>) -> Outcome {
    Ok(ok(json!({})))
}

/// A quorum queue is a group of one here: no other node's queues depend on this one.
pub(crate) fn quorum_critical(_: &mut Broker, _: &Arc<Call>) -> Outcome {
    Ok(ok(json!({ "reason": "single node cluster" })))
}

/// The old test published a message to a queue of its own; what it proved is told by the checks.
pub(crate) fn aliveness(_: &mut Broker, _: &Arc<Call>) -> Outcome {
    let reason = "the aliveness test is no longer offered; use /api/health/checks/alarms, \
                  /api/health/checks/port-listener/PORT and /api/health/checks/virtual-hosts";
    Err(Refusal::new(StatusCode::GONE, "gone", reason))
}
