//! Commands on brokers that are there: list, describe, reboot, delete, promote.

use clap::{Args, ValueEnum};

use super::api::Object;
use super::output::{items, table, text};
use super::{Context, described, input, prompt, resolve, wait};
use crate::failure::Failure;

/// A command that takes a broker and nothing else.
#[derive(Debug, Args)]
pub(crate) struct Broker {
    /// The broker: name, id or ARN.
    pub(super) broker: String,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  ternmq mq reboot-broker orders")]
pub(crate) struct Reboot {
    /// The broker: name, id or ARN.
    broker: String,
    /// Do not wait until the broker runs again.
    #[arg(long)]
    no_wait: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  ternmq mq delete-broker orders --yes")]
pub(crate) struct Delete {
    /// The broker: name, id or ARN.
    broker: String,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
    /// Do not wait until the broker is gone.
    #[arg(long)]
    no_wait: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  ternmq mq promote orders-replica --mode switchover")]
pub(crate) struct Promote {
    /// The replica: name, id or ARN.
    broker: String,
    /// Switchover waits until both are the same; failover does not, and what was not yet copied is lost.
    #[arg(long, value_enum)]
    mode: Mode,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    Switchover,
    Failover,
}

pub(super) fn list(context: &Context) -> Result<(), Failure> {
    let all = context.api.pages("ListBrokers", "brokerSummaries", &Object::new())?;
    let none = format!("there are no brokers in the region {}", context.api.region());
    context.show(all, |all| listed(all, &none))
}

fn listed(all: &Object, none: &str) -> String {
    let row = |it: &Object| {
        let members = ["brokerName", "brokerState", "engineType", "hostInstanceType", "created", "brokerId"];
        members.map(|name| text(it, name)).to_vec()
    };
    let headings = ["name", "state", "engine", "instance type", "created", "id"];
    table(&headings, items(all, "brokerSummaries").map(row).collect(), none)
}

impl Broker {
    pub(super) fn describe(&self, context: &Context) -> Result<(), Failure> {
        let id = resolve::broker(context, &self.broker)?;
        context.show(context.api.mq("DescribeBroker", &input("broker-id", &id))?, described::whole)
    }
}

impl Reboot {
    pub(super) fn run(&self, context: &Context) -> Result<(), Failure> {
        let id = resolve::broker(context, &self.broker)?;
        let answer = context.api.mq("RebootBroker", &input("broker-id", &id))?;
        if self.no_wait {
            return context.show(answer, |_| format!("{} is being rebooted", self.broker));
        }
        let awaited = wait::Awaited { name: &self.broker, id: &id, doing: "is being rebooted" };
        context.show(wait::until_running(context, &awaited)?, described::endpoints)
    }
}

impl Delete {
    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.yes { Ok(()) } else { prompt::require_terminal(&needs_yes()) }
    }

    pub(super) fn run(&self, context: &Context) -> Result<(), Failure> {
        let id = resolve::broker(context, &self.broker)?;
        if !self.yes {
            let name = &self.broker;
            let question = format!("Delete the broker '{name}' ({id}) and every message in it?");
            prompt::confirm(&question, &needs_yes())?;
        }
        let answer = context.api.mq("DeleteBroker", &input("broker-id", &id))?;
        if self.no_wait {
            return context.show(answer, |_| format!("{} is being deleted", self.broker));
        }
        let awaited = wait::Awaited { name: &self.broker, id: &id, doing: "is being deleted" };
        wait::until_gone(context, &awaited)?;
        context.show(answer, |_| format!("{} is deleted", self.broker))
    }
}

fn needs_yes() -> String {
    "delete-broker needs --yes where nobody can be asked".into()
}

impl Promote {
    pub(super) fn run(&self, context: &Context) -> Result<(), Failure> {
        let mut input = input("broker-id", &resolve::broker(context, &self.broker)?);
        let mode = match self.mode {
            Mode::Switchover => "SWITCHOVER",
            Mode::Failover => "FAILOVER",
        };
        input.insert("mode".into(), mode.into());
        let answer = context.api.mq("Promote", &input)?;
        context.show(answer, |_| format!("{} is being promoted", self.broker))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn brokers_in_a_table() {
        let all = json!({"brokerSummaries": [
            {"brokerName": "orders", "brokerState": "RUNNING", "engineType": "RabbitMQ", "hostInstanceType": "mq.m7g.large",
             "created": "2026-11-30T12:00:00.000Z", "brokerId": "b-1"},
            {"brokerName": "x", "engineType": "ActiveMQ"},
        ]});
        let expect = "\
NAME    STATE    ENGINE    INSTANCE TYPE  CREATED                   ID
orders  RUNNING  RabbitMQ  mq.m7g.large   2026-11-30T12:00:00.000Z  b-1
x                ActiveMQ";
        assert_eq!(listed(all.as_object().unwrap(), ""), expect);
    }
}
