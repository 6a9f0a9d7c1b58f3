//! Exchanges. The default exchange has no name in JSON, and the dialect's alias of it in paths.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use ternmq_broker::{Broker, Dialect, NodeSpec, NodeView};
use ternmq_message::Map;
use ternmq_routing::NodeKind;
use ternmq_stdx::shown;

use crate::access::Viewer;
use crate::answer::{Answer, Before, Outcome, Refusal};
use crate::call::Call;
use crate::core_session;
use crate::json::{json_of_map, map, required_text, truth};

pub(crate) fn list(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let viewer = Viewer::new(broker, &call.actor);
    let vhosts: Vec<Arc<str>> = match call.find_name("vhost") {
        Some(vhost) => vec![vhost.into()],
        None => broker.namespaces().into_iter().map(|n| n.name).filter(|name| viewer.sees(name)).collect(),
    };
    let views: Vec<NodeView> = vhosts.iter().flat_map(|vhost| broker.node_views(vhost)).collect();
    let dialect = broker.dialect().clone();
    Ok(Answer::many(move || views.iter().map(|view| exchange_json(&*dialect, view)).collect()))
}

pub(crate) fn get(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let view = find(broker, call.name("vhost"), call.name("name"))?;
    let dialect = broker.dialect().clone();
    Ok(Answer::one(move || exchange_json(&*dialect, &view)))
}

/// Name in the core of what a path calls `name`.
pub(crate) fn core_name<'a>(broker: &Broker, name: &'a str) -> &'a str {
    if name == broker.dialect().default_node_alias() { "" } else { name }
}

/// An exchange by its name in a path.
pub(crate) fn find(broker: &Broker, vhost: &str, name: &str) -> Result<NodeView, Refusal> {
    let core_name = core_name(broker, name);
    let found = broker.node_views(vhost).into_iter().find(|view| *view.record.name == *core_name);
    found.ok_or_else(|| {
        let (name, vhost) = (shown(name), shown(vhost));
        Refusal::not_found(format!("there is no exchange '{name}' in virtual host '{vhost}'"))
    })
}

pub(crate) fn put(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let (vhost, name) = (call.name("vhost"), call.name("name"));
    let body = call.object()?;
    let arguments = map(&body, "arguments")?;
    let spec = NodeSpec {
        name: core_name(broker, name).into(),
        kind: kind(&**broker.dialect(), required_text(&body, "type")?, &arguments)?,
        is_durable: truth(&body, "durable", true.into())?,
        is_auto_delete: truth(&body, "auto_delete", false.into())?,
        is_internal: truth(&body, "internal", false.into())?,
        arguments,
    };
    let before = Before::of(find(broker, vhost, name).ok());
    let done =
        core_session::run(broker, &call.actor, vhost, |broker, session| broker.declare_node(session, spec))?;
    Ok(Answer::put(done.receipt, before))
}

/// Kind of exchange by the name that the dialect has for it.
pub(crate) fn kind(dialect: &dyn Dialect, name: &str, arguments: &Map) -> Result<NodeKind, Refusal> {
    match dialect.node_kind(name, arguments) {
        Ok(Some(kind)) => Ok(kind),
        Ok(None) => Err(Refusal::bad(format!("there is no exchange type '{}'", shown(name)))),
        Err(error) => Err(Refusal::bad(format!("argument '{}': {}", error.argument, error.problem))),
    }
}

pub(crate) fn delete(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let vhost = call.name("vhost");
    let name = find(broker, vhost, call.name("name"))?.record.name;
    let if_unused = call.is_on("if-unused");
    let done = core_session::run(broker, &call.actor, vhost, |broker, session| {
        broker.delete_node(session, &name, if_unused)
    })?;
    Ok(Answer::done(done.receipt))
}

fn exchange_json(dialect: &dyn Dialect, view: &NodeView) -> Json {
    let record = &view.record;
    json!({
        "name": &*record.name,
        "vhost": &*record.namespace,
        "type": dialect.node_kind_name(&record.kind),
        "durable": record.is_durable,
        "auto_delete": record.is_auto_delete,
        "internal": record.is_internal,
        "arguments": json_of_map(&record.arguments),
        "policy": view.policy.as_deref(),
    })
}
