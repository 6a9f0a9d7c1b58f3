//! The node as a whole, and who asks.

use std::pin::Pin;
use std::sync::Arc;

use serde_json::{Map as JsonMap, Value as Json, json};
use ternmq_broker::{Alarm, Broker, Counters, Totals};

use ternmq_routing::{HashBy, NodeKind};
use ternmq_stdx::shown;

use crate::access::Viewer;
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::seam::{Management, NodeFacts};
use crate::vhosts::tag_list;

type Task = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// What the core tells for the overview; the sums of those virtual hosts that the user sees.
struct Overview {
    node: Arc<str>,
    totals: Totals,
    exchange_types: [&'static str; 5],
    /// Only for who monitors.
    counters: Option<Counters>,
}

impl Overview {
    fn of(broker: &Broker, call: &Call) -> Self {
        let viewer = Viewer::new(broker, &call.actor);
        let node = broker.node_name().clone();
        let kinds = [
            NodeKind::Direct,
            NodeKind::Fanout,
            NodeKind::Headers,
            NodeKind::Topic,
            NodeKind::Hash(HashBy::Key),
        ];
        let exchange_types = kinds.map(|kind| broker.dialect().node_kind_name(&kind));
        if viewer.is_monitor {
            return Self {
                node,
                totals: broker.totals(),
                exchange_types,
                counters: Some(*broker.counters()),
            };
        }
        let mut totals = Totals::default();
        for view in broker.queue_views(None).iter().filter(|view| viewer.sees(&view.namespace)) {
            totals.queues += 1;
            totals.ready += view.ready_count;
            totals.unsettled += view.unsettled_count;
            totals.consumers += u64::from(view.consumer_count);
        }
        for vhost in broker.namespaces().iter().filter(|vhost| viewer.sees(&vhost.name)) {
            totals.nodes += broker.node_views(&vhost.name).len() as u64;
        }
        let connections = broker.connection_views();
        for view in connections.iter().filter(|view| viewer.sees_user(&view.user)) {
            totals.connections += 1;
            totals.sessions += u64::from(view.session_count);
        }
        Self { node, totals, exchange_types, counters: None }
    }

    fn render(&self, facts: &NodeFacts) -> Json {
        let totals = &self.totals;
        let mut overview = json!({
            "product_name": "TernMQ",
            "product_version": &*facts.version,
            "management_version": &*facts.compatible_version,
            "rabbitmq_version": &*facts.compatible_version,
            "erlang_version": "none",
            "erlang_full_version": "none",
            "rates_mode": "none",
            "disable_stats": false,
            "enable_queue_totals": true,
            "cluster_name": &*facts.cluster_name,
            "node": &*self.node,
            "exchange_types": self.exchange_types.map(|name| json!({ "name": name, "enabled": true })),
            "queue_totals": {
                "messages": totals.ready + totals.unsettled,
                "messages_ready": totals.ready,
                "messages_unacknowledged": totals.unsettled,
            },
            "object_totals": {
                "connections": totals.connections,
                "channels": totals.sessions,
                "consumers": totals.consumers,
                "exchanges": totals.nodes,
                "queues": totals.queues,
            },
        });
        if let (Some(counters), Some(overview)) = (&self.counters, overview.as_object_mut()) {
            overview.insert("message_stats".to_owned(), message_stats(counters));
            overview.insert("churn_rates".to_owned(), churn(counters));
            overview.insert("listeners".to_owned(), listeners(&self.node, facts));
            overview.insert("contexts".to_owned(), json!([]));
        }
        overview
    }
}

fn message_stats(counters: &Counters) -> Json {
    json!({
        "publish": counters.published,
        "return_unroutable": counters.unroutable,
        "deliver_get": counters.delivered,
        "redeliver": counters.redelivered,
        "ack": counters.accepted,
    })
}

fn churn(counters: &Counters) -> Json {
    json!({
        "connection_created": counters.connections_opened,
        "connection_closed": counters.connections_closed,
        "channel_created": counters.sessions_opened,
        "channel_closed": counters.sessions_closed,
        "queue_created": counters.queues_created,
        "queue_deleted": counters.queues_deleted,
    })
}

fn listeners(node: &str, facts: &NodeFacts) -> Json {
    let listener = |known: &crate::seam::NodeListener| {
        json!({
            "node": node,
            "protocol": &*known.protocol,
            "ip_address": known.address.ip().to_string(),
            "port": known.address.port(),
            "socket_opts": {},
        })
    };
    facts.listeners.iter().map(listener).collect()
}

pub(crate) fn overview(management: Arc<Management>, call: Arc<Call>) -> Task {
    Box::pin(async move {
        let overview = management.ask(move |broker| Overview::of(broker, &call)).await?;
        let facts = management.facts();
        Ok(Answer::one(move || overview.render(&facts)))
    })
}

pub(crate) fn cluster_name(management: Arc<Management>, _: Arc<Call>) -> Task {
    Box::pin(async move {
        let facts = management.facts();
        Ok(Answer::one(move || json!({ "name": &*facts.cluster_name })))
    })
}

pub(crate) fn whoami(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let tags = broker.user_definition(call.user_name()).map(|user| user.tags).unwrap_or_default();
    let user = call.user_name().to_owned();
    Ok(Answer::one(move || json!({ "name": user, "tags": tag_list(&tags) })))
}

pub(crate) fn nodes(management: Arc<Management>, _: Arc<Call>) -> Task {
    Box::pin(async move {
        let node = this_node(&management).await?;
        Ok(Answer::many(move || vec![node]))
    })
}

pub(crate) fn node(management: Arc<Management>, call: Arc<Call>) -> Task {
    Box::pin(async move {
        let node = this_node(&management).await?;
        let name = call.name("node");
        if node.get("name").and_then(Json::as_str) != Some(name) {
            return Err(Refusal::not_found(format!("there is no node '{}'", shown(name))));
        }
        Ok(Answer::one(move || node))
    })
}

async fn this_node(management: &Management) -> Result<Json, Refusal> {
    let ask = |broker: &mut Broker| {
        (broker.node_name().clone(), broker.is_alarmed(Alarm::Memory), broker.is_alarmed(Alarm::Disk))
    };
    let (name, is_memory_short, is_disk_short) = management.ask(ask).await?;
    let facts = management.facts();
    let mut node = JsonMap::new();
    let mut set = |name: &str, value: Json| {
        node.insert(name.to_owned(), value);
    };
    set("name", json!(&*name));
    set("type", json!("disc"));
    set("running", json!(true));
    set("being_drained", json!(false));
    set("partitions", json!([]));
    set("os_pid", json!(facts.process_id.to_string()));
    set("uptime", json!(facts.uptime_ms));
    set("processors", json!(facts.processors));
    set("rates_mode", json!("none"));
    set("mem_used", json!(facts.memory_used_bytes));
    set("mem_limit", json!(facts.memory_limit_bytes));
    set("mem_alarm", json!(is_memory_short));
    set("disk_free_limit", json!(facts.disk_limit_bytes));
    set("disk_free_alarm", json!(is_disk_short));
    for (name, value) in [
        ("disk_free", facts.disk_free_bytes),
        ("fd_used", facts.descriptors_used),
        ("fd_total", facts.descriptors_limit),
    ] {
        if let Some(value) = value {
            set(name, json!(value));
        }
    }
    Ok(Json::Object(node))
}
