//! Queues.

use std::sync::Arc;

use serde_json::{Map as JsonMap, Value as Json, json};
use ternmq_broker::{Broker, ConnectionView, ConsumerView, PolicyRank, QueueClass, QueueSpec, QueueView};
use ternmq_stdx::shown;

use crate::access::Viewer;
use crate::answer::{Answer, Before, Outcome, Refusal};
use crate::call::Call;
use crate::connections::consumer_json;
use crate::json::{json_of_map, map, truth};
use crate::{core_session, limits};

pub(crate) fn list(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let viewer = Viewer::new(broker, &call.actor);
    let mut views = broker.queue_views(call.find_name("vhost"));
    views.retain(|view| viewer.sees(&view.namespace));
    let context = Context::of(broker, &views);
    Ok(Answer::many(move || views.iter().map(|view| Json::Object(context.queue(view))).collect()))
}

pub(crate) fn get(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let view = find(broker, call)?;
    let consumers: Vec<ConsumerView> = broker
        .consumer_views()
        .into_iter()
        .filter(|consumer| consumer.namespace == view.namespace && consumer.queue == view.name)
        .collect();
    let connections = if consumers.is_empty() { Vec::new() } else { broker.connection_views() };
    let views = vec![view];
    let context = Context::of(broker, &views);
    Ok(Answer::one(move || {
        let Some(view) = views.first() else { return Json::Null };
        let mut queue = context.queue(view);
        let details = consumers.iter().map(|consumer| consumer_json(consumer, &connections)).collect();
        queue.insert("consumer_details".to_owned(), details);
        Json::Object(queue)
    }))
}

fn find(broker: &Broker, call: &Call) -> Result<QueueView, Refusal> {
    let (vhost, name) = (call.name("vhost"), call.name("name"));
    broker.queue_view(vhost, name).ok_or_else(|| missing(vhost, name))
}

/// There is no such queue.
pub(crate) fn missing(vhost: &str, name: &str) -> Refusal {
    let (name, vhost) = (shown(name), shown(vhost));
    Refusal::not_found(format!("there is no queue '{name}' in virtual host '{vhost}'"))
}

pub(crate) fn put(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let body = call.object()?;
    if truth(&body, "exclusive", false.into())? {
        return Err(Refusal::bad(
            "an exclusive queue belongs to a connection of a messaging protocol; declare it there",
        ));
    }
    let spec = QueueSpec {
        name: call.name("name").into(),
        is_durable: truth(&body, "durable", true.into())?,
        is_exclusive: false,
        is_auto_delete: truth(&body, "auto_delete", false.into())?,
        arguments: map(&body, "arguments")?,
    };
    let before = Before::of(broker.queue_view(call.name("vhost"), call.name("name")));
    let done = core_session::run(broker, &call.actor, call.name("vhost"), |broker, session| {
        broker.declare_queue(session, spec)
    })?;
    Ok(Answer::put(done.receipt, before))
}

pub(crate) fn delete(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    find(broker, call)?;
    let (if_unused, if_empty) = (call.is_on("if-unused"), call.is_on("if-empty"));
    let done = core_session::run(broker, &call.actor, call.name("vhost"), |broker, session| {
        broker.delete_queue(session, call.name("name"), if_unused, if_empty)
    })?;
    Ok(Answer::done(done.receipt))
}

pub(crate) fn purge(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    find(broker, call)?;
    let done = core_session::run(broker, &call.actor, call.name("vhost"), |broker, session| {
        broker.purge_queue(session, call.name("name"))
    })?;
    Ok(Answer::done(done.receipt))
}

/// What the JSON of a queue needs beside the queue.
struct Context {
    node: Arc<str>,
    owners: Vec<ConnectionView>,
    policies: Vec<ternmq_broker::PolicyRecord>,
    classes: [(QueueClass, &'static str); 2],
}

impl Context {
    fn of(broker: &Broker, views: &[QueueView]) -> Self {
        let has_owner = views.iter().any(|view| view.owner.is_some());
        let name = |class| (class, broker.dialect().class_name(class));
        Self {
            node: broker.node_name().clone(),
            owners: if has_owner { broker.connection_views() } else { Vec::new() },
            policies: broker.policies().cloned().collect(),
            classes: [name(QueueClass::Classic), name(QueueClass::Quorum)],
        }
    }

    fn queue(&self, view: &QueueView) -> JsonMap<String, Json> {
        let class = self.classes.iter().find(|(class, _)| *class == view.class).map_or("", |(_, name)| name);
        let total = view.ready_count + view.unsettled_count;
        let mut queue = JsonMap::new();
        let mut set = |name: &str, value: Json| {
            queue.insert(name.to_owned(), value);
        };
        set("name", json!(&*view.name));
        set("vhost", json!(&*view.namespace));
        set("type", json!(class));
        set("durable", json!(view.is_durable));
        set("auto_delete", json!(view.is_auto_delete));
        set("exclusive", json!(view.owner.is_some()));
        set("arguments", json_of_map(&view.arguments));
        set("node", json!(&*self.node));
        set("state", json!("running"));
        set("policy", json!(view.policy.as_deref()));
        set("operator_policy", json!(view.operator_policy.as_deref()));
        set("effective_policy_definition", self.policy_definition(view));
        set("messages", json!(total));
        set("messages_ready", json!(view.ready_count));
        set("messages_unacknowledged", json!(view.unsettled_count));
        set("message_bytes_ready", json!(view.ready_bytes));
        set("message_bytes_ram", json!(view.resident_bytes));
        set("consumers", json!(view.consumer_count));
        if view.class == QueueClass::Quorum {
            set("leader", json!(&*self.node));
            set("members", json!([&*self.node]));
            set("online", json!([&*self.node]));
        }
        if let Some(owner) = view.owner.and_then(|owner| self.owners.iter().find(|known| known.id == owner)) {
            set("owner_pid_details", crate::connections::details(owner));
        }
        queue
    }

    /// What the two policies set together; the operator's word counts.
    fn policy_definition(&self, view: &QueueView) -> Json {
        let mut definition = JsonMap::new();
        for (rank, name) in [(PolicyRank::User, &view.policy), (PolicyRank::Operator, &view.operator_policy)]
        {
            let found = self.policies.iter().find(|policy| {
                policy.rank == rank
                    && policy.namespace == view.namespace
                    && Some(&policy.name) == name.as_ref()
            });
            if let Some(Json::Object(members)) = found.map(|policy| json_of_map(&policy.definition)) {
                for (key, value) in members {
                    let value = limits::stricter(definition.get(&key), value);
                    definition.insert(key, value);
                }
            }
        }
        Json::Object(definition)
    }
}
