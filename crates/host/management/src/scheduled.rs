//! Messages that are published later: what there is, and taking one away.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use ternmq_broker::{Broker, ScheduledView};
use ternmq_stdx::shown;

use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;

/// Most that one answer tells.
const PAGE: usize = 1_000;

/// Scheduled messages in the order of their ids; `after` goes on behind an id.
pub(crate) fn list(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let after = match call.query("after") {
        None => 0,
        Some(id) => read_id(id)?,
    };
    let views = broker.scheduled(after, PAGE);
    Ok(Answer::many(move || views.iter().map(scheduled_json).collect()))
}

/// Takes one away.
pub(crate) fn delete(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let name = call.name("id");
    let id = read_id(name)?;
    if broker.scheduled(id.saturating_sub(1), 1).first().is_none_or(|view| view.id != id) {
        return Err(Refusal::not_found(format!("there is no scheduled message '{}'", shown(name))));
    }
    Ok(Answer::done(broker.remove_scheduled(id)))
}

fn read_id(text: &str) -> Result<u64, Refusal> {
    text.parse().map_err(|_| Refusal::bad(format!("'{}' is no id of a scheduled message", shown(text))))
}

fn scheduled_json(view: &ScheduledView) -> Json {
    json!({
        // A number of JSON may lose its last digits in a reader.
        "id": view.id.to_string(),
        "vhost": &*view.namespace,
        "exchange": &*view.node,
        "routing_key": &*view.key,
        "user": &*view.user,
        "due_at": view.due_ms,
        "delay": view.schedule.delay_ms,
        "period": view.schedule.period_ms,
        "repeats": view.schedule.repeats,
        "cron": view.schedule.calendar.as_ref().map(|calendar| calendar.text()),
        "bytes": view.body_len,
    })
}
