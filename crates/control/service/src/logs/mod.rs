//! CloudWatch Logs: reading the logs of brokers. The nodes write them; nothing is copied.
//!
//! A broker has the groups `/aws/amazonmq/broker/ID/KIND` for the kinds that are, or ever were, switched on, each with
//! one stream per node.

mod entries;
mod events;
mod groups;
mod pattern;

use serde_json::Value;
use ternmq_api::Refusal;
use ternmq_fleet::{LogKind, NodeName};
use ternmq_stdx::shown;

use crate::call::{Call, Output};
use crate::catalogue::EngineType;
use crate::failure::Failure;
use crate::front_door::Input;
use crate::ids::partition;
use crate::node_spec;
use crate::principals::Target;
use crate::records::Broker;
use crate::service::Service;

const PREFIX: &str = "/aws/amazonmq/broker/";

/// Does what a call asks for.
pub(crate) fn run(call: &Call<'_>) -> Result<Output, Failure> {
    match call.routed.operation.name {
        "DescribeLogGroups" => groups::describe_groups(call),
        "DescribeLogStreams" => groups::describe_streams(call),
        "FilterLogEvents" => events::filter(call),
        "GetLogEvents" => events::get(call),
        other => {
            Err(Refusal::new("UnknownOperationException", 400, format!("{other} is not there yet.")).into())
        }
    }
}

/// The resource of a call: the group, or all of them.
pub(crate) fn target(service: &Service, region: &str, input: &Input) -> Target {
    let text = |name: &str| input.get(name).and_then(Value::as_str);
    let name = text("logGroupName").or_else(|| text("logGroupIdentifier")).unwrap_or("*");
    let name = name.rsplit_once(":log-group:").map_or(name, |(_, name)| name.trim_end_matches(":*"));
    let account = &service.settings.account;
    let arn = format!("arn:{}:logs:{region}:{account}:log-group:{name}", partition(region));
    Target::of(arn, Vec::new())
}

/// One log of one node.
struct Log {
    group: String,
    stream: String,
    node: NodeName,
    kind: LogKind,
}

impl Log {
    /// The logs of a broker.
    fn all_of(broker: &Broker) -> Vec<Self> {
        let kinds: &[LogKind] = match broker.engine {
            EngineType::ActiveMq => &[LogKind::Audit, LogKind::General],
            EngineType::RabbitMq => &[LogKind::Connection, LogKind::General],
        };
        let Ok(node) = node_spec::node_name(&broker.id) else { return Vec::new() };
        let log = |kind: &LogKind| Self {
            group: format!("{PREFIX}{}/{}", broker.id, kind.name()),
            stream: format!("{}-{}-1.log", broker.engine.mixed().to_lowercase(), broker.id),
            node: node.clone(),
            kind: *kind,
        };
        kinds.iter().map(log).collect()
    }

    /// The log that a call names by its group, or the group's ARN.
    fn named(call: &Call<'_>) -> Result<Self, Failure> {
        let text = |name: &str| call.input.get(name).and_then(Value::as_str);
        let Some(name) = text("logGroupName").or_else(|| text("logGroupIdentifier")) else {
            return Err(invalid("Name the log group with logGroupName or logGroupIdentifier.").into());
        };
        let name = name.rsplit_once(":log-group:").map_or(name, |(_, name)| name.trim_end_matches(":*"));
        let id = name.strip_prefix(PREFIX).and_then(|rest| rest.split_once('/')).map(|(id, _)| id);
        let broker: Option<Broker> = match id {
            Some(id) => call.view()?.get(&Broker::key_of(call.region, id))?,
            None => None,
        };
        let found = broker.and_then(|broker| Self::all_of(&broker).into_iter().find(|log| log.group == name));
        found.ok_or_else(|| {
            let text = format!("The specified log group does not exist: {}.", shown(name));
            Refusal::new("ResourceNotFoundException", 400, text).into()
        })
    }
}

fn invalid(text: impl Into<String>) -> Refusal {
    Refusal::new("InvalidParameterException", 400, text)
}
