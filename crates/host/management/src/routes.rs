//! The one table of routes: method, path, who may, what is audited, what runs (S10).

use std::pin::Pin;
use std::sync::Arc;

use axum::http::Method;
use ternmq_broker::Broker;

use crate::access::Access::{self, Administrator, Member, Monitor, PolicyMaker, Visible};
use crate::answer::Outcome;
use crate::call::{Call, decode_part};
use crate::seam::Management;
use crate::{
    bindings, browsing, connections, definitions, exchanges, health, limits, messages, overview, parameters,
    permissions, policies, queues, scheduled, transactions, users, vhosts,
};

/// A handler that runs on the core's thread.
pub(crate) type CoreHandler = fn(&mut Broker, &Arc<Call>) -> Outcome;
/// A handler that asks the core more than once, or works in between.
pub(crate) type TaskHandler = fn(Arc<Management>, Arc<Call>) -> Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// What runs.
#[derive(Clone, Copy)]
pub(crate) enum Run {
    Core(CoreHandler),
    Task(TaskHandler),
}

/// Whether a route changes definitions or controls the node (S15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audit {
    Read,
    Change,
}

/// One route.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    /// Path below `/api`; a part in braces is a name.
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    pub(crate) audit: Audit,
    pub(crate) run: Run,
}

/// Longest body (section 6).
const BODY_MAX_BYTES: usize = 1 << 20;

impl Route {
    pub(crate) fn body_max_bytes(&self) -> usize {
        if self.path.starts_with("definitions") { definitions::DEFINITIONS_MAX_BYTES } else { BODY_MAX_BYTES }
    }
}

const fn get(path: &'static str, access: Access, handler: CoreHandler) -> Route {
    Route { method: "GET", path, access, audit: Audit::Read, run: Run::Core(handler) }
}

const fn ask(path: &'static str, access: Access, handler: TaskHandler) -> Route {
    Route { method: "GET", path, access, audit: Audit::Read, run: Run::Task(handler) }
}

const fn put(path: &'static str, access: Access, handler: CoreHandler) -> Route {
    Route { method: "PUT", path, access, audit: Audit::Change, run: Run::Core(handler) }
}

const fn delete(path: &'static str, access: Access, handler: CoreHandler) -> Route {
    Route { method: "DELETE", path, access, audit: Audit::Change, run: Run::Core(handler) }
}

const fn post(path: &'static str, access: Access, handler: CoreHandler) -> Route {
    Route { method: "POST", path, access, audit: Audit::Change, run: Run::Core(handler) }
}

const fn task(
    method: &'static str,
    path: &'static str,
    access: Access,
    audit: Audit,
    handler: TaskHandler,
) -> Route {
    Route { method, path, access, audit, run: Run::Task(handler) }
}

/// Every route.
pub(crate) static ROUTES: &[Route] = &[
    ask("overview", Member, overview::overview),
    ask("cluster-name", Member, overview::cluster_name),
    ask("nodes", Monitor, overview::nodes),
    ask("nodes/{node}", Monitor, overview::node),
    get("whoami", Member, overview::whoami),
    get("connections", Member, connections::list),
    get("connections/{name}", Member, connections::get),
    delete("connections/{name}", Member, connections::close),
    get("connections/{name}/channels", Member, connections::channels_of),
    get("connections/username/{user}", Member, connections::list_of_user),
    delete("connections/username/{user}", Member, connections::close_of_user),
    get("vhosts/{vhost}/connections", Visible, connections::list),
    get("vhosts/{vhost}/channels", Visible, connections::channels),
    get("channels", Member, connections::channels),
    get("channels/{name}", Member, connections::channel),
    get("consumers", Member, connections::consumers),
    get("consumers/{vhost}", Visible, connections::consumers),
    get("exchanges", Member, exchanges::list),
    get("exchanges/{vhost}", Visible, exchanges::list),
    get("exchanges/{vhost}/{name}", Visible, exchanges::get),
    put("exchanges/{vhost}/{name}", Visible, exchanges::put),
    delete("exchanges/{vhost}/{name}", Visible, exchanges::delete),
    get("exchanges/{vhost}/{name}/bindings/source", Visible, bindings::from_exchange),
    get("exchanges/{vhost}/{name}/bindings/destination", Visible, bindings::to_exchange),
    task("POST", "exchanges/{vhost}/{name}/publish", Visible, Audit::Read, messages::publish),
    get("queues", Member, queues::list),
    get("queues/{vhost}", Visible, queues::list),
    get("queues/{vhost}/{name}", Visible, queues::get),
    put("queues/{vhost}/{name}", Visible, queues::put),
    delete("queues/{vhost}/{name}", Visible, queues::delete),
    get("queues/{vhost}/{name}/bindings", Visible, bindings::to_queue),
    delete("queues/{vhost}/{name}/contents", Visible, queues::purge),
    ask("queues/{vhost}/{name}/messages", Visible, browsing::browse),
    task("POST", "queues/{vhost}/{name}/get", Visible, Audit::Read, messages::get),
    get("scheduled", Administrator, scheduled::list),
    delete("scheduled/{id}", Administrator, scheduled::delete),
    get("transactions", Administrator, transactions::list),
    get("transactions/{vhost}", Administrator, transactions::list),
    post("transactions/{vhost}/{id}", Administrator, transactions::decide),
    get("bindings", Member, bindings::list),
    get("bindings/{vhost}", Visible, bindings::list),
    get("bindings/{vhost}/e/{source}/q/{queue}", Visible, bindings::between),
    post("bindings/{vhost}/e/{source}/q/{queue}", Visible, bindings::bind),
    get("bindings/{vhost}/e/{source}/q/{queue}/{props}", Visible, bindings::get),
    delete("bindings/{vhost}/e/{source}/q/{queue}/{props}", Visible, bindings::unbind),
    get("bindings/{vhost}/e/{source}/e/{exchange}", Visible, bindings::between),
    post("bindings/{vhost}/e/{source}/e/{exchange}", Visible, bindings::bind),
    get("bindings/{vhost}/e/{source}/e/{exchange}/{props}", Visible, bindings::get),
    delete("bindings/{vhost}/e/{source}/e/{exchange}/{props}", Visible, bindings::unbind),
    get("vhosts", Member, vhosts::list),
    get("vhosts/{vhost}", Visible, vhosts::get),
    put("vhosts/{vhost}", Administrator, vhosts::put),
    delete("vhosts/{vhost}", Administrator, vhosts::delete),
    get("vhosts/{vhost}/permissions", Administrator, permissions::list_of_vhost),
    get("vhosts/{vhost}/topic-permissions", Administrator, permissions::list_topics_of_vhost),
    get("users", Administrator, users::list),
    get("users/without-permissions", Administrator, users::list_without_permissions),
    task("POST", "users/bulk-delete", Administrator, Audit::Change, users::bulk_delete),
    get("users/{user}", Administrator, users::get),
    task("PUT", "users/{user}", Administrator, Audit::Change, users::put),
    delete("users/{user}", Administrator, users::delete),
    get("users/{user}/permissions", Administrator, permissions::list_of_user),
    get("users/{user}/topic-permissions", Administrator, permissions::list_topics_of_user),
    get("permissions", Administrator, permissions::list),
    get("permissions/{vhost}/{user}", Administrator, permissions::get),
    put("permissions/{vhost}/{user}", Administrator, permissions::put),
    delete("permissions/{vhost}/{user}", Administrator, permissions::delete),
    get("topic-permissions", Administrator, permissions::list_topics),
    get("topic-permissions/{vhost}/{user}", Administrator, permissions::get_topics),
    put("topic-permissions/{vhost}/{user}", Administrator, permissions::put_topic),
    delete("topic-permissions/{vhost}/{user}", Administrator, permissions::delete_topics),
    get("policies", PolicyMaker, policies::list),
    get("policies/{vhost}", PolicyMaker, policies::list),
    get("policies/{vhost}/{name}", PolicyMaker, policies::get),
    put("policies/{vhost}/{name}", PolicyMaker, policies::put),
    delete("policies/{vhost}/{name}", PolicyMaker, policies::delete),
    get("operator-policies", PolicyMaker, policies::list_operator),
    get("operator-policies/{vhost}", PolicyMaker, policies::list_operator),
    get("operator-policies/{vhost}/{name}", PolicyMaker, policies::get_operator),
    put("operator-policies/{vhost}/{name}", Administrator, policies::put_operator),
    delete("operator-policies/{vhost}/{name}", Administrator, policies::delete_operator),
    get("vhost-limits", Member, limits::list_vhosts),
    get("vhost-limits/{vhost}", Visible, limits::list_vhosts),
    put("vhost-limits/{vhost}/{limit}", Administrator, limits::put_vhost),
    delete("vhost-limits/{vhost}/{limit}", Administrator, limits::delete_vhost),
    get("user-limits", Administrator, limits::list_users),
    get("user-limits/{user}", Administrator, limits::list_users),
    put("user-limits/{user}/{limit}", Administrator, limits::put_user),
    delete("user-limits/{user}/{limit}", Administrator, limits::delete_user),
    get("parameters", PolicyMaker, parameters::list),
    get("parameters/{component}", PolicyMaker, parameters::list),
    get("parameters/{component}/{vhost}", PolicyMaker, parameters::list),
    get("parameters/{component}/{vhost}/{name}", PolicyMaker, parameters::get),
    put("parameters/{component}/{vhost}/{name}", PolicyMaker, parameters::refuse),
    delete("parameters/{component}/{vhost}/{name}", PolicyMaker, parameters::refuse),
    ask("definitions", Administrator, definitions::export),
    task("POST", "definitions", Administrator, Audit::Change, definitions::import),
    ask("definitions/{vhost}", Administrator, definitions::export),
    task("POST", "definitions/{vhost}", Administrator, Audit::Change, definitions::import),
    get("health/checks/alarms", Member, health::alarms),
    get("health/checks/local-alarms", Member, health::alarms),
    ask("health/checks/port-listener/{port}", Member, health::port_listener),
    ask("health/checks/protocol-listener/{protocol}", Member, health::protocol_listener),
    get("health/checks/virtual-hosts", Member, health::virtual_hosts),
    get("health/checks/node-is-quorum-critical", Member, health::quorum_critical),
    get("aliveness-test/{vhost}", Visible, health::aliveness),
];

/// Parts of a path that its route names, decoded.
type Names = Vec<(&'static str, String)>;

/// Outcome of a look-up.
pub(crate) enum Found {
    /// The route, and the names of its path.
    Route(&'static Route, Names),
    /// The path exists with these methods only.
    OtherMethod(Vec<&'static str>),
    /// No such path.
    Nothing,
}

/// Finds the route of a request. Of two routes that match the one with more fixed parts counts.
pub(crate) fn find(method: &Method, path: &str) -> Found {
    let Some(rest) = path.strip_prefix("/api/") else { return Found::Nothing };
    let parts: Vec<&str> = rest.strip_suffix('/').unwrap_or(rest).split('/').collect();
    let mut best: Option<(usize, &'static Route, Names)> = None;
    let mut allowed = Vec::new();
    for route in ROUTES {
        let Some((fixed, names)) = match_path(route.path, &parts) else { continue };
        if route.method != method.as_str() {
            allowed.push(route.method);
        } else if best.as_ref().is_none_or(|(most, _, _)| fixed > *most) {
            best = Some((fixed, route, names));
        }
    }
    match best {
        Some((_, route, names)) => Found::Route(route, names),
        None if allowed.is_empty() => Found::Nothing,
        None => Found::OtherMethod(allowed),
    }
}

/// Names of a path that fits a pattern, and how many of its parts are fixed.
fn match_path(pattern: &'static str, parts: &[&str]) -> Option<(usize, Names)> {
    let mut names = Vec::new();
    let mut fixed = 0;
    let mut given = parts.iter();
    for part in pattern.split('/') {
        let given = given.next()?;
        match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) => names.push((name, decode_part(given).filter(|text| !text.is_empty())?)),
            None if part == *given => fixed += 1,
            None => return None,
        }
    }
    if given.next().is_some() { None } else { Some((fixed, names)) }
}
