//! Export and import of definitions, in the form of RabbitMQ's definition files.
//!
//! A file is read as a whole before anything of it is applied; then it is applied in order, so that a refusal by the
//! core leaves what came before it. Importing again is fine: users, permissions, policies and limits are put anew, and
//! queues, exchanges and bindings that exist stay as they are, as in RabbitMQ. Those are declared as the administrator
//! who imports, who needs permissions in their virtual hosts; definitions that a node's own configuration names
//! ([`Definitions`]) are applied by the same code as the node.

use std::pin::Pin;
use std::sync::Arc;

use serde_json::{Map as JsonMap, Value as Json, json};
use ternmq_broker::{
    BindingRecord, Broker, KeyPermissionDefinition, NamespaceRecord, NodeSpec, NodeView,
    PermissionDefinition, PolicyRank, PolicyRecord, QueueSpec, QueueView, Receipt, SessionId, TargetKind,
    UserDefinition,
};
use ternmq_stdx::shown;

use crate::answer::{Answer, Outcome, Refusal, Reply};
use crate::call::Call;
use crate::core_session::Actor;
use crate::definitions_guest::{OPEN_GUEST, is_open_guest, is_open_guest_now};
use crate::json::{json_of_map, map, number, parse_object_of, required_text, tags, text, truth};
use crate::parameters::{VHOST_LIMITS, parameter_json};
use crate::permissions::{permission, permission_json, put_key_permission, topic_json, topic_permission};
use crate::policies::{policy, policy_json, store};
use crate::seam::Management;
use crate::users::{NewPassword, check_name, new_password, set_password, set_password_now, user_json};
use crate::{core_session, exchanges, limits, vhosts};

type Task = Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// Definitions applied in one question, so that clients are served in between.
const BATCH: usize = 100;
/// Longest definitions file in bytes (section 6).
pub const DEFINITIONS_MAX_BYTES: usize = 20 << 20;

/// All that a file holds.
struct Snapshot {
    users: Vec<UserDefinition>,
    vhosts: Vec<NamespaceRecord>,
    permissions: Vec<PermissionDefinition>,
    key_permissions: Vec<KeyPermissionDefinition>,
    policies: Vec<PolicyRecord>,
    queues: Vec<QueueView>,
    nodes: Vec<(NodeView, &'static str)>,
    bindings: Vec<BindingRecord>,
}

impl Snapshot {
    /// Definitions that outlive a restart, of one virtual host or of all.
    fn of(broker: &Broker, only: Option<&str>) -> Self {
        let mut vhosts = broker.namespaces();
        vhosts.retain(|vhost| only.is_none_or(|name| *vhost.name == *name));
        let is_in = |vhost: &str| only.is_none_or(|name| vhost == name);
        let dialect = broker.dialect();
        let mut queues = broker.queue_views(only);
        queues.retain(|queue| queue.is_durable && queue.owner.is_none());
        let nodes: Vec<NodeView> = vhosts.iter().flat_map(|vhost| broker.node_views(&vhost.name)).collect();
        let is_made = |node: &NodeView| {
            let record = &node.record;
            !record.name.is_empty()
                && record.is_durable
                && dialect.predefined().iter().all(|p| *p.name != *record.name)
        };
        let mut bindings: Vec<BindingRecord> =
            vhosts.iter().flat_map(|vhost| broker.binding_views(&vhost.name)).collect();
        bindings.retain(|binding| is_lasting(binding, &queues, &nodes));
        Self {
            users: broker.users(),
            permissions: broker.permissions().into_iter().filter(|p| is_in(&p.namespace)).collect(),
            key_permissions: broker.key_permissions().into_iter().filter(|p| is_in(&p.namespace)).collect(),
            policies: broker.policies().filter(|policy| is_in(&policy.namespace)).cloned().collect(),
            nodes: nodes
                .into_iter()
                .filter(is_made)
                .map(|node| {
                    let kind = dialect.node_kind_name(&node.record.kind);
                    (node, kind)
                })
                .collect(),
            vhosts,
            queues,
            bindings,
        }
    }

    /// The file for one virtual host has no users and permissions, so that it can be imported into another.
    fn render(&self, is_whole: bool, version: &str) -> Json {
        let list = |rank| {
            let ranked = self.policies.iter().filter(move |policy| policy.rank == rank);
            ranked.map(|policy| placed(policy_json(policy), is_whole)).collect::<Vec<Json>>()
        };
        let mut parameters: Vec<Json> = self
            .vhosts
            .iter()
            .filter(|v| v.max_connections.is_some() || v.max_queues.is_some())
            .map(parameter_json)
            .collect();
        parameters.extend(self.policies.iter().filter(|p| p.rank == PolicyRank::Operator).map(operator_json));
        let mut file = json!({
            "rabbit_version": version,
            "rabbitmq_version": version,
            "product_name": "TernMQ",
            "parameters": parameters.into_iter().map(|p| placed(p, is_whole)).collect::<Vec<Json>>(),
            "policies": list(PolicyRank::User),
            "queues": self.queues.iter().map(|queue| placed(queue_json(queue), is_whole)).collect::<Vec<Json>>(),
            "exchanges": self.nodes.iter().map(|(node, kind)| placed(node_json(node, kind), is_whole)).collect::<Vec<Json>>(),
            "bindings": self.bindings.iter().map(|b| placed(binding_json(b), is_whole)).collect::<Vec<Json>>(),
        });
        if let (true, Some(file)) = (is_whole, file.as_object_mut()) {
            file.insert("users".to_owned(), self.users.iter().map(user_json).collect());
            file.insert("vhosts".to_owned(), self.vhosts.iter().map(vhost_json).collect());
            file.insert("permissions".to_owned(), self.permissions.iter().map(permission_json).collect());
            file.insert(
                "topic_permissions".to_owned(),
                self.key_permissions.iter().map(topic_json).collect(),
            );
            file.insert("global_parameters".to_owned(), json!([]));
        }
        file
    }
}

/// A binding is kept when both its ends are.
fn is_lasting(binding: &BindingRecord, queues: &[QueueView], nodes: &[NodeView]) -> bool {
    let is_node = |name: &str| {
        nodes.iter().any(|n| {
            n.record.is_durable && *n.record.name == *name && n.record.namespace == binding.namespace
        })
    };
    let has_target = match binding.target_kind {
        TargetKind::Queue => {
            queues.iter().any(|q| q.name == binding.target && q.namespace == binding.namespace)
        }
        TargetKind::Node => is_node(&binding.target),
    };
    has_target && is_node(&binding.source)
}

/// In the file of one virtual host nothing names it.
fn placed(mut item: Json, is_whole: bool) -> Json {
    if let (false, Some(members)) = (is_whole, item.as_object_mut()) {
        members.remove("vhost");
    }
    item
}

fn vhost_json(record: &NamespaceRecord) -> Json {
    json!({ "name": &*record.name, "metadata": vhosts::metadata(record), "tracing": false })
}

fn operator_json(record: &PolicyRecord) -> Json {
    let mut value = policy_json(record);
    if let Some(members) = value.as_object_mut() {
        members.remove("vhost");
        members.remove("name");
    }
    json!({ "vhost": &*record.namespace, "component": OPERATOR_POLICY, "name": &*record.name, "value": value })
}

fn queue_json(queue: &QueueView) -> Json {
    json!({
        "name": &*queue.name,
        "vhost": &*queue.namespace,
        "durable": queue.is_durable,
        "auto_delete": queue.is_auto_delete,
        "arguments": json_of_map(&queue.arguments),
    })
}

fn node_json(node: &NodeView, kind: &str) -> Json {
    let record = &node.record;
    json!({
        "name": &*record.name,
        "vhost": &*record.namespace,
        "type": kind,
        "durable": record.is_durable,
        "auto_delete": record.is_auto_delete,
        "internal": record.is_internal,
        "arguments": json_of_map(&record.arguments),
    })
}

fn binding_json(record: &BindingRecord) -> Json {
    json!({
        "source": &*record.source,
        "vhost": &*record.namespace,
        "destination": &*record.target,
        "destination_type": match record.target_kind { TargetKind::Queue => "queue", TargetKind::Node => "exchange" },
        "routing_key": &*record.key,
        "arguments": json_of_map(&record.arguments),
    })
}

pub(crate) fn export(management: Arc<Management>, call: Arc<Call>) -> Task {
    Box::pin(async move {
        let shared = call.clone();
        let take = move |broker: &mut Broker| {
            let only = shared.find_name("vhost");
            if let Some(name) = only {
                vhosts::find(broker, name)?;
            }
            Ok::<_, Refusal>(Snapshot::of(broker, only))
        };
        let snapshot = management.ask(take).await??;
        let version = management.facts().compatible_version;
        let is_whole = call.find_name("vhost").is_none();
        Ok(Answer::one(move || snapshot.render(is_whole, &version)))
    })
}

/// The component of operator policies in a file.
const OPERATOR_POLICY: &str = "operator_policy";

/// One thing of a file.
enum Step {
    User(UserDefinition),
    Vhost(JsonMap<String, Json>, Arc<str>),
    Permission(PermissionDefinition),
    TopicPermission(JsonMap<String, Json>, Arc<str>),
    VhostLimits(Arc<str>, Vec<(String, Option<u64>)>),
    Policy(PolicyRecord),
    Exchange(Arc<str>, JsonMap<String, Json>),
    Queue(Arc<str>, QueueSpec),
    Binding(Box<BindingRecord>),
}

/// Reads a file.
struct File<'a> {
    object: &'a JsonMap<String, Json>,
    /// Everything goes into this virtual host, whatever the file says.
    only: Option<&'a str>,
}

type Members = JsonMap<String, Json>;

impl File<'_> {
    /// Items of a section, each of which must be an object; a wrong one is named in the refusal.
    fn read<T>(
        &self,
        section: &str,
        mut read: impl FnMut(&Members) -> Result<T, Refusal>,
    ) -> Result<Vec<T>, Refusal> {
        let items = match self.object.get(section) {
            None | Some(Json::Null) => return Ok(Vec::new()),
            Some(Json::Array(items)) => items,
            Some(_) => return Err(Refusal::bad(format!("\"{section}\" must be a list"))),
        };
        let named = |index: usize, refusal: Refusal| Refusal {
            reason: format!("{section}, item {}: {}", index + 1, refusal.reason),
            ..refusal
        };
        items
            .iter()
            .enumerate()
            .map(|(index, item)| match item {
                Json::Object(members) => read(members).map_err(|refusal| named(index, refusal)),
                _ => Err(named(index, Refusal::bad("must be an object"))),
            })
            .collect()
    }

    fn vhost<'a>(&'a self, item: &'a Members) -> Result<&'a str, Refusal> {
        match self.only {
            Some(only) => Ok(only),
            None => required_text(item, "vhost"),
        }
    }

    /// Everything but the users, in an order in which each finds what it needs.
    fn steps(&self) -> Result<Vec<Step>, Refusal> {
        let mut steps = Vec::new();
        if self.only.is_none() {
            steps.extend(
                self.read("vhosts", |item| {
                    Ok(Step::Vhost(item.clone(), required_text(item, "name")?.into()))
                })?,
            );
            steps.extend(self.read("permissions", |item| {
                permission(required_text(item, "user")?, required_text(item, "vhost")?, item)
                    .map(Step::Permission)
            })?);
            steps.extend(self.read("topic_permissions", |item| {
                required_text(item, "user")?;
                Ok(Step::TopicPermission(item.clone(), required_text(item, "vhost")?.into()))
            })?);
        }
        steps.extend(self.read("parameters", |item| self.parameter(item))?);
        steps.extend(self.read("policies", |item| {
            let name = required_text(item, "name")?;
            policy(self.vhost(item)?, name, PolicyRank::User, item).map(Step::Policy)
        })?);
        steps.extend(self.read("exchanges", |item| {
            required_text(item, "name")?;
            required_text(item, "type")?;
            Ok(Step::Exchange(self.vhost(item)?.into(), item.clone()))
        })?);
        steps.extend(
            self.read("queues", |item| Ok(Step::Queue(self.vhost(item)?.into(), queue_spec(item)?)))?,
        );
        steps.extend(self.read("bindings", |item| self.binding(item))?);
        Ok(steps)
    }

    fn parameter(&self, item: &Members) -> Result<Step, Refusal> {
        let vhost = self.vhost(item)?;
        let Some(Json::Object(value)) = item.get("value") else {
            return Err(Refusal::bad("\"value\" must be an object"));
        };
        match required_text(item, "component")? {
            VHOST_LIMITS => {
                let limit = |name: &String| {
                    Ok((name.clone(), number(value, name)?.and_then(|n| u64::try_from(n).ok())))
                };
                let limits: Result<Vec<_>, Refusal> = value.keys().map(limit).collect();
                Ok(Step::VhostLimits(vhost.into(), limits?))
            }
            OPERATOR_POLICY => {
                policy(vhost, required_text(item, "name")?, PolicyRank::Operator, value).map(Step::Policy)
            }
            component => {
                let component = shown(component);
                Err(Refusal::bad(format!(
                    "component {component} not found: this broker has no such parameters; take them out of the file"
                )))
            }
        }
    }

    fn binding(&self, item: &Members) -> Result<Step, Refusal> {
        let target_kind = match required_text(item, "destination_type")? {
            "queue" => TargetKind::Queue,
            "exchange" => TargetKind::Node,
            _ => return Err(Refusal::bad("\"destination_type\" must be \"queue\" or \"exchange\"")),
        };
        Ok(Step::Binding(Box::new(BindingRecord {
            namespace: self.vhost(item)?.into(),
            source: required_text(item, "source")?.into(),
            target_kind,
            target: required_text(item, "destination")?.into(),
            key: text(item, "routing_key")?.unwrap_or_default().into(),
            arguments: map(item, "arguments")?,
        })))
    }
}

fn queue_spec(item: &Members) -> Result<QueueSpec, Refusal> {
    Ok(QueueSpec {
        name: required_text(item, "name")?.into(),
        is_durable: truth(item, "durable", true.into())?,
        is_exclusive: false,
        is_auto_delete: truth(item, "auto_delete", false.into())?,
        arguments: map(item, "arguments")?,
    })
}

/// Users of a file, with the hashes of their passwords still to be made.
fn read_users(file: &File<'_>) -> Result<Vec<(UserDefinition, NewPassword)>, Refusal> {
    if file.only.is_some() {
        return Ok(Vec::new());
    }
    file.read("users", |item| {
        let name = required_text(item, "name")?;
        check_name(name)?;
        let mut user = UserDefinition { name: name.into(), ..UserDefinition::default() };
        if let Some(value) = item.get("tags") {
            user.tags = tags(value)?;
        }
        if let Some(Json::Object(given)) = item.get("limits") {
            limits::read_user_limits(&mut user, given)?;
        }
        Ok((user, new_password(item)?))
    })
}

/// Definitions of a file that a node's configuration names, read and found to be whole.
pub struct Definitions {
    users: Vec<(UserDefinition, NewPassword)>,
    steps: Vec<Step>,
}

impl Definitions {
    /// Reads a file, before a broker is there.
    ///
    /// # Errors
    /// It is too long, not JSON, or an item, which is named, cannot be used.
    pub fn read(text: &[u8]) -> Result<Self, String> {
        if text.len() > DEFINITIONS_MAX_BYTES {
            return Err(format!("it is longer than {DEFINITIONS_MAX_BYTES} bytes"));
        }
        let read = || {
            let object = parse_object_of("it", text)?;
            let file = File { object: &object, only: None };
            Ok(Self { users: read_users(&file)?, steps: file.steps()? })
        };
        read().map_err(|refusal: Refusal| refusal.reason)
    }

    /// Applies them as the node itself. Hashes passwords here and now: for a broker that serves nobody yet.
    ///
    /// # Errors
    /// The core refuses something; what came before it is applied.
    pub fn apply(self, broker: &mut Broker) -> Result<(), String> {
        let apply_all = |broker: &mut Broker| {
            for (mut user, password) in self.users {
                if is_open_guest_now(&user.name, &password) {
                    tracing::warn!("{OPEN_GUEST}");
                }
                set_password_now(broker, &mut user, password)?;
                // What is not durable yet is imported again at the next start.
                let _ = apply(broker, &Actor::Node, Step::User(user))?;
            }
            for step in self.steps {
                let _ = apply(broker, &Actor::Node, step)?;
            }
            Ok(())
        };
        apply_all(broker).map_err(|refusal: Refusal| refusal.reason)
    }
}

pub(crate) fn import(management: Arc<Management>, call: Arc<Call>) -> Task {
    Box::pin(async move {
        let object = call.object()?;
        let (users, mut steps) = {
            let file = File { object: &object, only: call.find_name("vhost") };
            (read_users(&file)?, file.steps()?)
        };
        let mut all = Vec::with_capacity(users.len() + steps.len());
        let mut warning = None;
        for (mut user, password) in users {
            let (is_open, password) = is_open_guest(&management, &user.name, password).await?;
            if is_open {
                tracing::warn!("{OPEN_GUEST}");
                warning = Some(OPEN_GUEST);
            }
            set_password(&management, &mut user, password).await?;
            all.push(Step::User(user));
        }
        all.append(&mut steps);
        let mut receipt = Receipt::NONE;
        while !all.is_empty() {
            let batch: Vec<Step> = all.drain(..BATCH.min(all.len())).collect();
            let actor = call.actor.clone();
            let apply_all = move |broker: &mut Broker| {
                batch
                    .into_iter()
                    .try_fold(Receipt::NONE, |receipt, step| Ok(receipt.and(apply(broker, &actor, step)?)))
            };
            let applied: Result<Receipt, Refusal> = management.ask(apply_all).await?;
            receipt = receipt.and(applied?);
        }
        Ok(match warning {
            Some(warning) => Answer { receipt, reply: Reply::Warned(warning) },
            None => Answer::done(receipt),
        })
    })
}

fn apply(broker: &mut Broker, actor: &Actor, step: Step) -> Result<Receipt, Refusal> {
    match step {
        Step::User(definition) => Ok(broker.put_user(definition).receipt),
        Step::Vhost(item, name) => {
            let record = vhosts::record(&name, broker.namespace(&name), &item)?;
            let done = broker.put_namespace(record);
            done.map(|done| done.receipt).map_err(|error| Refusal::of(broker, &error))
        }
        Step::Permission(definition) => {
            let done = broker.put_permission(definition);
            done.map(|done| done.receipt).map_err(|error| Refusal::of(broker, &error))
        }
        Step::TopicPermission(item, vhost) => {
            let definition = topic_permission(broker, required_text(&item, "user")?, &vhost, &item)?;
            put_key_permission(broker, definition)
        }
        Step::VhostLimits(vhost, values) => {
            let mut record = vhosts::find(broker, &vhost)?;
            for (name, value) in values {
                limits::set_vhost_limit(&mut record, &name, value)?;
            }
            let done = broker.put_namespace(record);
            done.map(|done| done.receipt).map_err(|error| Refusal::of(broker, &error))
        }
        Step::Policy(record) => store(broker, record),
        Step::Exchange(vhost, item) => {
            let spec = node_spec(broker, &item)?;
            declare(broker, actor, &vhost, |broker, session| {
                if broker.check_node(session, &spec.name).is_ok() {
                    return Ok(Receipt::NONE);
                }
                Ok(broker.declare_node(session, spec)?.receipt)
            })
        }
        Step::Queue(vhost, spec) => declare(broker, actor, &vhost, |broker, session| {
            if broker.has_queue(session, &spec.name) {
                return Ok(Receipt::NONE);
            }
            Ok(broker.declare_queue(session, spec)?.receipt)
        }),
        Step::Binding(record) => {
            let vhost = record.namespace.clone();
            declare(broker, actor, &vhost, |broker, session| bind(broker, session, *record))
        }
    }
}

fn node_spec(broker: &Broker, item: &Members) -> Result<NodeSpec, Refusal> {
    let arguments = map(item, "arguments")?;
    Ok(NodeSpec {
        name: required_text(item, "name")?.into(),
        kind: exchanges::kind(&**broker.dialect(), required_text(item, "type")?, &arguments)?,
        is_durable: truth(item, "durable", true.into())?,
        is_auto_delete: truth(item, "auto_delete", false.into())?,
        is_internal: truth(item, "internal", false.into())?,
        arguments,
    })
}

fn bind(
    broker: &mut Broker,
    session: SessionId,
    record: BindingRecord,
) -> Result<Receipt, ternmq_broker::Error> {
    let BindingRecord { source, target, key, arguments, .. } = record;
    let done = match record.target_kind {
        TargetKind::Queue => broker.bind_queue(session, &target, &source, &key, arguments),
        TargetKind::Node => broker.bind_node(session, &target, &source, &key, arguments),
    };
    Ok(done?.receipt)
}

/// Declares as whoever imports; without permissions in the virtual host the refusal says what to do.
fn declare(
    broker: &mut Broker,
    actor: &Actor,
    vhost: &str,
    verb: impl FnOnce(&mut Broker, SessionId) -> Result<Receipt, ternmq_broker::Error>,
) -> Result<Receipt, Refusal> {
    vhosts::find(broker, vhost)?;
    if let Actor::User(user) = actor
        && !broker.user_may_enter(user, vhost)
    {
        let (user, vhost) = (shown(user), shown(vhost));
        return Err(Refusal::unauthorized(format!(
            "user '{user}' has no permissions in virtual host '{vhost}': grant them, then import the file again"
        )));
    }
    core_session::run(broker, actor, vhost, verb)
}
