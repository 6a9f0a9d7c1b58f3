//! Permissions and topic permissions.

use std::sync::Arc;

use serde_json::{Map as JsonMap, Value as Json, json};
use ternmq_broker::{Broker, KeyPermissionDefinition, PermissionDefinition};
use ternmq_stdx::shown;

use crate::answer::{Answer, Before, Outcome, Refusal};
use crate::call::Call;
use crate::exchanges::core_name;
use crate::json::required_text;
use crate::{users, vhosts};

fn render(permissions: Vec<PermissionDefinition>) -> Answer {
    Answer::many(move || permissions.iter().map(permission_json).collect())
}

pub(crate) fn list(broker: &mut Broker, _: &Arc<Call>) -> Outcome {
    Ok(render(broker.permissions()))
}

pub(crate) fn list_of_vhost(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let vhost = vhosts::find(broker, call.name("vhost"))?.name;
    Ok(render(broker.permissions().into_iter().filter(|permission| permission.namespace == vhost).collect()))
}

pub(crate) fn list_of_user(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let user = find_user(broker, call)?;
    Ok(render(broker.permissions().into_iter().filter(|permission| permission.user == user).collect()))
}

fn find_user(broker: &Broker, call: &Call) -> Result<Arc<str>, Refusal> {
    let name = call.name("user");
    broker.user_definition(name).map(|user| user.name).ok_or_else(|| users::missing(name))
}

fn find(broker: &Broker, call: &Call) -> Option<PermissionDefinition> {
    let (vhost, user) = (call.name("vhost"), call.name("user"));
    broker.permissions().into_iter().find(|known| *known.user == *user && *known.namespace == *vhost)
}

fn missing(call: &Call) -> Refusal {
    let (user, vhost) = (shown(call.name("user")), shown(call.name("vhost")));
    Refusal::not_found(format!("user '{user}' has none in virtual host '{vhost}'"))
}

pub(crate) fn get(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let permission = find(broker, call).ok_or_else(|| missing(call))?;
    Ok(Answer::one(move || permission_json(&permission)))
}

pub(crate) fn put(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let before = Before::of(find(broker, call));
    let definition = permission(call.name("user"), call.name("vhost"), &call.object()?)?;
    match broker.put_permission(definition) {
        Ok(done) => Ok(Answer::put(done.receipt, before)),
        Err(error) => Err(Refusal::of(broker, &error)),
    }
}

/// A permission out of a body.
pub(crate) fn permission(
    user: &str,
    vhost: &str,
    body: &JsonMap<String, Json>,
) -> Result<PermissionDefinition, Refusal> {
    Ok(PermissionDefinition {
        user: user.into(),
        namespace: vhost.into(),
        configure: required_text(body, "configure")?.into(),
        write: required_text(body, "write")?.into(),
        read: required_text(body, "read")?.into(),
    })
}

pub(crate) fn delete(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    find(broker, call).ok_or_else(|| missing(call))?;
    Ok(Answer::done(broker.delete_permission(call.name("user"), call.name("vhost")).receipt))
}

/// A permission as JSON.
pub(crate) fn permission_json(permission: &PermissionDefinition) -> Json {
    json!({
        "user": &*permission.user,
        "vhost": &*permission.namespace,
        "configure": &*permission.configure,
        "write": &*permission.write,
        "read": &*permission.read,
    })
}

fn render_topics(permissions: Vec<KeyPermissionDefinition>) -> Answer {
    Answer::many(move || permissions.iter().map(topic_json).collect())
}

pub(crate) fn list_topics(broker: &mut Broker, _: &Arc<Call>) -> Outcome {
    Ok(render_topics(broker.key_permissions()))
}

pub(crate) fn list_topics_of_vhost(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let vhost = vhosts::find(broker, call.name("vhost"))?.name;
    Ok(render_topics(broker.key_permissions().into_iter().filter(|known| known.namespace == vhost).collect()))
}

pub(crate) fn list_topics_of_user(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let user = find_user(broker, call)?;
    Ok(render_topics(broker.key_permissions().into_iter().filter(|known| known.user == user).collect()))
}

fn find_topics(broker: &Broker, call: &Call) -> Vec<KeyPermissionDefinition> {
    let (vhost, user) = (call.name("vhost"), call.name("user"));
    let known = broker.key_permissions().into_iter();
    known.filter(|known| *known.user == *user && *known.namespace == *vhost).collect()
}

pub(crate) fn get_topics(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let found = find_topics(broker, call);
    if found.is_empty() { Err(missing(call)) } else { Ok(render_topics(found)) }
}

pub(crate) fn put_topic(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let definition = topic_permission(broker, call.name("user"), call.name("vhost"), &call.object()?)?;
    let before = Before::of(find_topics(broker, call).iter().find(|known| known.node == definition.node));
    put_key_permission(broker, definition).map(|receipt| Answer::put(receipt, before))
}

/// A topic permission out of a body.
pub(crate) fn topic_permission(
    broker: &Broker,
    user: &str,
    vhost: &str,
    body: &JsonMap<String, Json>,
) -> Result<KeyPermissionDefinition, Refusal> {
    Ok(KeyPermissionDefinition {
        user: user.into(),
        namespace: vhost.into(),
        node: core_name(broker, required_text(body, "exchange")?).into(),
        write: required_text(body, "write")?.into(),
        read: required_text(body, "read")?.into(),
    })
}

/// Sets a topic permission and makes sure that it holds.
pub(crate) fn put_key_permission(
    broker: &mut Broker,
    definition: KeyPermissionDefinition,
) -> Result<ternmq_broker::Receipt, Refusal> {
    match broker.put_key_permission(definition.clone()) {
        Err(error) => Err(Refusal::of(broker, &error)),
        // A pattern that is none is not taken over.
        Ok(_) if !broker.key_permissions().contains(&definition) => {
            Err(Refusal::bad("\"write\" and \"read\" must be regular expressions"))
        }
        Ok(done) => Ok(done.receipt),
    }
}

pub(crate) fn delete_topics(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    if find_topics(broker, call).is_empty() {
        return Err(missing(call));
    }
    Ok(Answer::done(broker.delete_key_permission(call.name("user"), call.name("vhost"), None).receipt))
}

/// A topic permission as JSON.
pub(crate) fn topic_json(permission: &KeyPermissionDefinition) -> Json {
    json!({
        "user": &*permission.user,
        "vhost": &*permission.namespace,
        "exchange": &*permission.node,
        "write": &*permission.write,
        "read": &*permission.read,
    })
}
