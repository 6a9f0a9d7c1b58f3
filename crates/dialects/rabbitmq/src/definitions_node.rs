//! `/management`: queues, exchanges and bindings by messages that are requests of HTTP, as RabbitMQ 4 has it.
//!
//! ```text
//! GET, PUT, DELETE /queues/QUEUE         show, declare, delete
//! DELETE           /queues/QUEUE/messages purge
//! PUT, DELETE      /exchanges/EXCHANGE   declare, delete
//! POST             /bindings             bind
//! GET              /bindings?src=S&dstq=Q&key=K (or dste)   show
//! DELETE           /bindings/src=S;dstq=Q;key=K;args=HASH   unbind
//! ```
//! Parts are percent-encoded. Owns: the paths, the names of what is in bodies. Has no rules of its own: each request is one of
//! the broker's verbs.

use std::{fmt::Write, sync::Arc};

use ternmq_broker::{
    BindingRecord, Broker, DefinitionAnswer, DefinitionNode, DefinitionRequest, Dialect, Done, Error,
    NodeSpec, QueueSpec, Receipt, SessionId, TargetKind,
};
use ternmq_message::{Map, Value};
use ternmq_stdx::quoted;

use crate::{
    RabbitMq,
    link::{quote, unquote},
};

/// A request that is not answered as asked: status and sentence.
struct Refusal(u16, String);

type Answered = Result<(u16, Value, Receipt), Refusal>;

fn bad(text: impl Into<String>) -> Refusal {
    Refusal(400, text.into())
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        let status = match &error {
            Error::NotFound { .. } => 404,
            Error::Refused { .. }
            | Error::KeyRefused { .. }
            | Error::ReservedName { .. }
            | Error::DefaultNode
            | Error::Internal { .. }
            | Error::Undeletable { .. }
            | Error::Limit { .. } => 403,
            Error::Inequivalent { .. } => 409,
            _ => 400,
        };
        Self(status, RabbitMq.error_text(&error))
    }
}

/// Members of a body by name.
struct Members<'a>(&'a Map);

impl<'a> Members<'a> {
    fn of(body: &'a Value, known: &[&str], what: &str) -> Result<Self, Refusal> {
        let Value::Map(map) = body else {
            return Err(bad(format!("the body has to be a map of the {what}")));
        };
        match map.iter().find(|(name, _)| !known.contains(&&**name)) {
            Some((name, _)) => Err(bad(format!("bad {what} property {}", quoted(name)))),
            None => Ok(Self(map)),
        }
    }

    fn get(&self, name: &str) -> Option<&'a Value> {
        self.0.iter().find(|(known, _)| &**known == name).map(|(_, value)| value)
    }

    fn truth(&self, name: &str, default: bool) -> Result<bool, Refusal> {
        match self.get(name) {
            None => Ok(default),
            Some(Value::Bool(truth)) => Ok(*truth),
            Some(_) => Err(bad(format!("'{name}' has to be a boolean"))),
        }
    }

    fn text(&self, name: &str) -> Result<Option<&'a str>, Refusal> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Str(text)) => Ok(Some(text)),
            Some(_) => Err(bad(format!("'{name}' has to be a string"))),
        }
    }

    fn arguments(&self) -> Result<Map, Refusal> {
        match self.get("arguments") {
            None => Ok(Map::new()),
            Some(Value::Map(map)) => Ok(map.clone()),
            Some(_) => Err(bad("'arguments' has to be a map")),
        }
    }
}

/// One request with what it needs.
struct Call<'a> {
    broker: &'a mut Broker,
    session: SessionId,
    namespace: &'a str,
    body: &'a Value,
}

impl DefinitionNode for RabbitMq {
    fn address(&self) -> &'static str {
        "/management"
    }

    fn answer(
        &self,
        broker: &mut Broker,
        session: SessionId,
        request: &DefinitionRequest<'_>,
    ) -> DefinitionAnswer {
        let mut call = Call { broker, session, namespace: request.namespace, body: request.body };
        let answered = call.dispatch(request.method, request.target);
        let (status, body, receipt) =
            answered.unwrap_or_else(|Refusal(status, text)| (status, Value::Str(text.into()), Receipt::NONE));
        DefinitionAnswer { status, body, receipt }
    }
}

fn part(text: &str) -> Result<String, Refusal> {
    unquote(text).ok_or_else(|| bad(format!("{} is not percent-encoded as it has to be", quoted(text))))
}

/// A name without line ends, which logs and other clients could not tell from their own.
fn name(text: &str) -> Result<String, Refusal> {
    let name = part(text)?;
    if name.contains(['\n', '\r']) {
        let text =
            format!("Bad name {}: line feed and carriage return characters not allowed", quoted(&name));
        return Err(bad(text));
    }
    Ok(name)
}

fn nothing(done: Done<()>) -> (u16, Value, Receipt) {
    (204, Value::Null, done.receipt)
}

fn counted(done: Done<u64>) -> (u16, Value, Receipt) {
    (200, Value::Map(vec![("message_count".into(), Value::U64(done.value))]), done.receipt)
}

impl Call<'_> {
    fn dispatch(&mut self, method: &str, target: &str) -> Answered {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        match (method, segments.as_slice()) {
            ("GET", ["queues", queue]) => self.show_queue(&part(queue)?, 200, Receipt::NONE),
            ("PUT", ["queues", queue]) => self.declare_queue(&name(queue)?),
            ("DELETE", ["queues", queue, "messages"]) => {
                Ok(counted(self.broker.purge_queue(self.session, &part(queue)?)?))
            }
            ("DELETE", ["queues", queue]) => {
                Ok(counted(self.broker.delete_queue(self.session, &name(queue)?, false, false)?))
            }
            ("PUT", ["exchanges", exchange]) => self.declare_exchange(&name(exchange)?),
            ("DELETE", ["exchanges", exchange]) => {
                Ok(nothing(self.broker.delete_node(self.session, &name(exchange)?, false)?))
            }
            ("POST", ["bindings"]) => self.bind(),
            ("GET", ["bindings"]) => self.show_bindings(query),
            ("DELETE", ["bindings", binding]) => self.unbind(binding),
            _ => Err(Refusal(404, format!("there is no {} {}", quoted(method), quoted(target)))),
        }
    }

    fn declare_queue(&mut self, queue: &str) -> Answered {
        let known = ["durable", "exclusive", "auto_delete", "arguments"];
        let members = Members::of(self.body, &known, "queue")?;
        if queue.is_empty() {
            return Err(bad("declare queue with empty name not allowed"));
        }
        let spec = QueueSpec {
            name: queue.into(),
            is_durable: members.truth("durable", true)?,
            is_exclusive: members.truth("exclusive", false)?,
            is_auto_delete: members.truth("auto_delete", false)?,
            arguments: members.arguments()?,
        };
        let was_there = self.broker.queue_view(self.namespace, queue).is_some();
        let done = self.broker.declare_queue(self.session, spec)?;
        self.show_queue(queue, if was_there { 200 } else { 201 }, done.receipt)
    }

    fn show_queue(&mut self, queue: &str, status: u16, receipt: Receipt) -> Answered {
        let counts = self.broker.check_queue(self.session, queue)?;
        let Some(view) = self.broker.queue_view(self.namespace, queue) else {
            return Err(Error::Gone.into());
        };
        let dialect = self.broker.dialect();
        let members = [
            ("message_count", Value::U64(counts.ready_count)),
            ("consumer_count", Value::U32(counts.consumer_count)),
            ("name", Value::Str(view.name)),
            ("vhost", Value::str(self.namespace)),
            ("durable", Value::Bool(view.is_durable)),
            ("auto_delete", Value::Bool(view.is_auto_delete)),
            ("exclusive", Value::Bool(view.owner.is_some())),
            ("type", Value::str(dialect.class_name(view.class))),
            ("arguments", Value::Map(view.arguments)),
            // One node: it leads, and it is the one replica.
            ("leader", Value::str(NODE)),
            ("replicas", Value::Array(vec![Value::str(NODE)])),
        ];
        Ok((
            status,
            Value::Map(members.into_iter().map(|(name, value)| (name.into(), value)).collect()),
            receipt,
        ))
    }

    fn declare_exchange(&mut self, exchange: &str) -> Answered {
        let known = ["durable", "auto_delete", "type", "internal", "arguments"];
        let members = Members::of(self.body, &known, "exchange")?;
        let (kind_name, arguments) = (members.text("type")?.unwrap_or("direct"), members.arguments()?);
        let dialect = self.broker.dialect().clone();
        let kind = dialect.node_kind(kind_name, &arguments).map_err(|error| bad(error.problem))?;
        let kind = kind.ok_or_else(|| bad(format!("unknown exchange type {}", quoted(kind_name))))?;
        let spec = NodeSpec {
            name: exchange.into(),
            kind,
            is_durable: members.truth("durable", true)?,
            is_auto_delete: members.truth("auto_delete", false)?,
            is_internal: members.truth("internal", false)?,
            arguments,
        };
        Ok(nothing(self.broker.declare_node(self.session, spec)?))
    }

    fn bind(&mut self) -> Answered {
        let known = ["source", "binding_key", "arguments", "destination_queue", "destination_exchange"];
        let members = Members::of(self.body, &known, "binding")?;
        let source = members.text("source")?.ok_or_else(|| bad("the binding has no 'source'"))?;
        let key = members.text("binding_key")?.unwrap_or_default();
        let arguments = members.arguments()?;
        let done = match (members.text("destination_queue")?, members.text("destination_exchange")?) {
            (Some(queue), None) => self.broker.bind_queue(self.session, queue, source, key, arguments)?,
            (None, Some(exchange)) => {
                self.broker.bind_node(self.session, exchange, source, key, arguments)?
            }
            _ => {
                return Err(bad("the binding has to have either a queue or an exchange for its destination"));
            }
        };
        Ok(nothing(done))
    }

    /// Bindings between two ends with a key, once the session may see both.
    fn bindings(&mut self, ends: &Ends) -> Result<Vec<BindingRecord>, Refusal> {
        self.broker.check_node(self.session, &ends.source)?;
        match ends.kind {
            TargetKind::Queue => self.broker.check_queue(self.session, &ends.target).map(drop)?,
            TargetKind::Node => self.broker.check_node(self.session, &ends.target)?,
        }
        let mut all = self.broker.binding_views(self.namespace);
        all.retain(|record| {
            *record.source == *ends.source
                && record.target_kind == ends.kind
                && *record.target == *ends.target
                && *record.key == *ends.key
        });
        Ok(all)
    }

    fn show_bindings(&mut self, query: &str) -> Answered {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let ends = Ends::read(pairs)?;
        let known = self.bindings(&ends)?;
        let shown = known.iter().map(|record| {
            let (member, target) = match record.target_kind {
                TargetKind::Queue => ("destination_queue", &record.target),
                TargetKind::Node => ("destination_exchange", &record.target),
            };
            let members = [
                ("source", Value::Str(record.source.clone())),
                (member, Value::Str(target.clone())),
                ("binding_key", Value::Str(record.key.clone())),
                ("arguments", Value::Map(record.arguments.clone())),
                ("location", Value::Str(location(record).into())),
            ];
            Value::Map(members.into_iter().map(|(name, value)| (name.into(), value)).collect())
        });
        Ok((200, Value::Array(shown.collect()), Receipt::NONE))
    }

    fn unbind(&mut self, segment: &str) -> Answered {
        let ends = Ends::read(segment.split(';').filter_map(|pair| pair.split_once('=')))?;
        let hash = ends.hash.clone().unwrap_or_default();
        let found = self.bindings(&ends)?.into_iter().find(|record| hash_of(&record.arguments) == hash);
        // One that is not there is fine.
        let Some(record) = found else { return Ok((204, Value::Null, Receipt::NONE)) };
        let done = match record.target_kind {
            TargetKind::Queue => self.broker.unbind_queue(
                self.session,
                &record.target,
                &record.source,
                &record.key,
                record.arguments,
            )?,
            TargetKind::Node => self.broker.unbind_node(
                self.session,
                &record.target,
                &record.source,
                &record.key,
                record.arguments,
            )?,
        };
        Ok(nothing(done))
    }
}

/// Name that clients are told of the one node.
const NODE: &str = "ternmq";

/// Both ends of a binding, its key, and what tells it from others between the same.
struct Ends {
    source: String,
    kind: TargetKind,
    target: String,
    key: String,
    hash: Option<String>,
}

impl Ends {
    fn read<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Self, Refusal> {
        let (mut source, mut target, mut key, mut hash) = (None, None, None, None);
        for (name, value) in pairs {
            match name {
                "src" => source = Some(part(value)?),
                "dstq" => target = Some((TargetKind::Queue, part(value)?)),
                "dste" => target = Some((TargetKind::Node, part(value)?)),
                "key" => key = Some(part(value)?),
                "args" => hash = Some(value.to_owned()),
                _ => {}
            }
        }
        let (kind, target) = target.ok_or_else(|| bad("missing 'dste' or 'dstq'"))?;
        let source = source.ok_or_else(|| bad("missing 'src'"))?;
        let key = key.ok_or_else(|| bad("missing 'key'"))?;
        Ok(Self { source, kind, target, key, hash })
    }
}

/// The path of a binding.
fn location(record: &BindingRecord) -> String {
    let kind = match record.target_kind {
        TargetKind::Queue => 'q',
        TargetKind::Node => 'e',
    };
    format!(
        "/bindings/src={};dst{kind}={};key={};args={}",
        quote(&record.source),
        quote(&record.target),
        quote(&record.key),
        hash_of(&record.arguments)
    )
}

/// What tells bindings with the same ends and key apart; empty for one without arguments. Clients take it as it comes.
fn hash_of(arguments: &Map) -> String {
    if arguments.is_empty() {
        return String::new();
    }
    let mut pairs: Vec<(&Arc<str>, &Value)> = arguments.iter().map(|(name, value)| (name, value)).collect();
    pairs.sort_by(|a, b| a.0.cmp(b.0));
    let mut text = String::new();
    for (name, value) in pairs {
        // Writing to a string can't fail.
        let _written = write!(text, "{name:?}={value:?};");
    }
    // FNV-1a: it only has to tell a few from each other.
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}
