//! Prepared branches of distributed transactions, whose managers may not come back: what they hold, and the operator's
//! decision.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use ternmq_broker::{BranchError, BranchId, BranchView, Broker, Decision};
use ternmq_stdx::shown;

use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::json::text;
use crate::vhosts;

pub(crate) fn list(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let vhost = call.find_name("vhost");
    if let Some(vhost) = vhost {
        vhosts::find(broker, vhost)?;
    }
    let views = broker.branch_views(vhost);
    Ok(Answer::many(move || views.iter().map(branch_json).collect()))
}

/// Commits a branch or rolls it back. Its transaction manager hears of that when it asks: there is no such branch then.
pub(crate) fn decide(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let (vhost, name) = (call.name("vhost"), call.name("id"));
    let body = call.object()?;
    let decision = match text(&body, "decision")? {
        Some("commit") => Decision::Commit,
        Some("rollback") => Decision::Rollback,
        Some(_) | None => return Err(Refusal::bad("the decision is either \"commit\" or \"rollback\"")),
    };
    let id: BranchId = name.parse().map_err(|error| Refusal::bad(format!("'{}': {error}", shown(name))))?;
    match broker.decide_branch(vhost, &id, decision) {
        Ok(receipt) => Ok(Answer::done(receipt)),
        Err(BranchError::Refused(error)) => Err(Refusal::of(broker, &error)),
        Err(_) => {
            let (name, vhost) = (shown(name), shown(vhost));
            let text = format!("there is no prepared transaction '{name}' in virtual host '{vhost}'");
            Err(Refusal::not_found(text))
        }
    }
}

fn branch_json(view: &BranchView) -> Json {
    json!({
        "vhost": &*view.namespace,
        "id": view.id.to_string(),
        "user": &*view.user,
        "prepared_at": view.prepared_at_ms,
        "publishes": view.publishes,
        "schedules": view.later,
        "acknowledges": view.accepts,
        "bytes": view.bytes,
    })
}
