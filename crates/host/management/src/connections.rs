//! Connections, channels and consumers, and closing connections.

use std::sync::Arc;

use serde_json::{Map as JsonMap, Value as Json, json};
use ternmq_broker::{Broker, ConnectionView, ConsumerView, Receipt, SessionView};
use ternmq_stdx::shown;

use crate::access::Viewer;
use crate::answer::{Answer, Outcome, Refusal};
use crate::call::Call;
use crate::core_session::PROTOCOL;
use crate::json::json_of_map;

/// What a client is told when nobody gave a reason; clients of RabbitMQ know this text.
const DEFAULT_REASON: &str = "Closed via management plugin";

/// Connections that the user sees: its own, or all for who monitors; without those of this API.
fn visible(broker: &Broker, call: &Call) -> Vec<ConnectionView> {
    let viewer = Viewer::new(broker, &call.actor);
    let mut views = broker.connection_views();
    views.retain(|view| {
        &*view.info.protocol != PROTOCOL
            && viewer.sees_user(&view.user)
            && call.find_name("vhost").is_none_or(|vhost| *view.namespace == *vhost)
    });
    views
}

pub(crate) fn list(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let views = visible(broker, call);
    let context = Context::of(broker);
    Ok(Answer::many(move || views.iter().map(|view| context.connection(view)).collect()))
}

pub(crate) fn list_of_user(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let mut views = visible(broker, call);
    views.retain(|view| *view.user == *call.name("user"));
    let context = Context::of(broker);
    Ok(Answer::many(move || views.iter().map(|view| context.connection(view)).collect()))
}

fn find(broker: &Broker, call: &Call) -> Result<ConnectionView, Refusal> {
    let name = call.name("name");
    let found = visible(broker, call).into_iter().find(|view| *view.info.name == *name);
    found.ok_or_else(|| Refusal::not_found(format!("there is no connection '{}'", shown(name))))
}

pub(crate) fn get(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let view = find(broker, call)?;
    let context = Context::of(broker);
    Ok(Answer::one(move || context.connection(&view)))
}

/// Only the owner and administrators close; monitoring alone does not.
fn may_close(broker: &Broker, call: &Call, view: &ConnectionView) -> Result<(), Refusal> {
    if *view.user == *call.user_name() || Viewer::new(broker, &call.actor).is_administrator {
        return Ok(());
    }
    Err(Refusal::unauthorized("only its own user and administrators close a connection"))
}

pub(crate) fn close(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let view = find(broker, call)?;
    may_close(broker, call, &view)?;
    broker.close_connection(view.id, call.reason.as_deref().unwrap_or(DEFAULT_REASON));
    Ok(Answer::done(Receipt::NONE))
}

pub(crate) fn close_of_user(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let mut views = visible(broker, call);
    views.retain(|view| *view.user == *call.name("user"));
    for view in &views {
        may_close(broker, call, view)?;
    }
    for view in views {
        broker.close_connection(view.id, call.reason.as_deref().unwrap_or(DEFAULT_REASON));
    }
    Ok(Answer::done(Receipt::NONE))
}

fn visible_channels(broker: &Broker, call: &Call) -> Vec<(SessionView, ConnectionView)> {
    let connections = visible(broker, call);
    let sessions = broker.session_views().into_iter();
    sessions
        .filter_map(|session| {
            let connection = connections.iter().find(|known| known.id == session.connection)?;
            Some((session, connection.clone()))
        })
        .collect()
}

pub(crate) fn channels(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let views = visible_channels(broker, call);
    let context = Context::of(broker);
    Ok(Answer::many(move || views.iter().map(|(session, owner)| context.channel(session, owner)).collect()))
}

pub(crate) fn channels_of(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let owner = find(broker, call)?;
    let mut sessions = broker.session_views();
    sessions.retain(|session| session.connection == owner.id);
    let context = Context::of(broker);
    Ok(Answer::many(move || sessions.iter().map(|session| context.channel(session, &owner)).collect()))
}

pub(crate) fn channel(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let name = call.name("name");
    let found = visible_channels(broker, call)
        .into_iter()
        .find(|(session, owner)| channel_name(session, owner) == name);
    let (session, owner) =
        found.ok_or_else(|| Refusal::not_found(format!("there is no channel '{}'", shown(name))))?;
    let context = Context::of(broker);
    Ok(Answer::one(move || context.channel(&session, &owner)))
}

pub(crate) fn consumers(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let viewer = Viewer::new(broker, &call.actor);
    let mut views = broker.consumer_views();
    views.retain(|view| {
        viewer.sees(&view.namespace) && call.find_name("vhost").is_none_or(|vhost| *view.namespace == *vhost)
    });
    let connections = broker.connection_views();
    Ok(Answer::many(move || views.iter().map(|view| consumer_json(view, &connections)).collect()))
}

fn channel_name(session: &SessionView, owner: &ConnectionView) -> String {
    format!("{} ({})", owner.info.name, session.label)
}

/// How other things refer to a connection.
pub(crate) fn details(owner: &ConnectionView) -> Json {
    let mut details = JsonMap::new();
    details.insert("name".to_owned(), json!(&*owner.info.name));
    if let Some(peer) = owner.info.peer {
        details.insert("peer_host".to_owned(), json!(peer.ip().to_string()));
        details.insert("peer_port".to_owned(), json!(peer.port()));
    }
    Json::Object(details)
}

/// A consumer as JSON.
pub(crate) fn consumer_json(view: &ConsumerView, connections: &[ConnectionView]) -> Json {
    let owner = connections.iter().find(|known| known.id == view.connection);
    let channel = owner.map(|owner| {
        let mut channel = JsonMap::new();
        channel.insert("name".to_owned(), json!(format!("{} ({})", owner.info.name, view.session_label)));
        channel.insert("number".to_owned(), json!(view.session_label));
        channel.insert("connection_name".to_owned(), json!(&*owner.info.name));
        channel.insert("user".to_owned(), json!(&*owner.user));
        if let Json::Object(peer) = details(owner) {
            channel.extend(peer.into_iter().filter(|(name, _)| name != "name"));
        }
        channel
    });
    json!({
        "queue": { "name": &*view.queue, "vhost": &*view.namespace },
        "channel_details": channel,
        "ack_required": view.needs_settle,
        "exclusive": view.is_exclusive,
        "prefetch_count": view.window.unwrap_or(0),
        "arguments": if view.priority == 0 { json!({}) } else { json!({ "x-priority": view.priority }) },
    })
}

/// What the JSON of a connection needs beside it.
struct Context {
    node: Arc<str>,
    is_blocked: bool,
}

impl Context {
    fn of(broker: &Broker) -> Self {
        Self { node: broker.node_name().clone(), is_blocked: broker.blocked_reason().is_some() }
    }

    fn connection(&self, view: &ConnectionView) -> Json {
        let info = &view.info;
        let mut connection = JsonMap::new();
        let mut set = |name: &str, value: Json| {
            connection.insert(name.to_owned(), value);
        };
        set("name", json!(&*info.name));
        set("type", json!("network"));
        set("node", json!(&*self.node));
        set("user", json!(&*view.user));
        set("vhost", json!(&*view.namespace));
        set("protocol", json!(&*info.protocol));
        set("state", json!(if self.is_blocked && view.is_publisher { "blocked" } else { "running" }));
        set("channels", json!(view.session_count));
        set("channel_max", json!(info.channel_max));
        set("frame_max", json!(info.frame_max));
        set("timeout", json!(info.heartbeat_s));
        set("auth_mechanism", json!(&*info.auth_mechanism));
        set("client_properties", json_of_map(&info.client_properties));
        set("connected_at", json!(view.connected_at_ms));
        if let Some(name) = &info.user_provided_name {
            set("user_provided_name", json!(&**name));
        }
        if let Some(peer) = info.peer {
            set("peer_host", json!(peer.ip().to_string()));
            set("peer_port", json!(peer.port()));
        }
        if let Some(local) = info.local {
            set("host", json!(local.ip().to_string()));
            set("port", json!(local.port()));
        }
        Json::Object(connection)
    }

    fn channel(&self, session: &SessionView, owner: &ConnectionView) -> Json {
        json!({
            "name": channel_name(session, owner),
            "number": session.label,
            "node": &*self.node,
            "user": &*session.user,
            "vhost": &*session.namespace,
            "state": "running",
            "connection_details": details(owner),
            "consumer_count": session.consumer_count,
            "messages_unacknowledged": session.unsettled_count,
            "transactional": session.is_transactional,
        })
    }
}
