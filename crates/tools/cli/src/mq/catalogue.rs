//! What brokers can be made of.

use clap::Args;

use super::Context;
use super::api::Object;
use super::flags::{Engine, put};
use super::output::{items, table, text};
use crate::failure::Failure;

#[derive(Debug, Args)]
pub(crate) struct EngineTypes {
    /// This engine only.
    #[arg(long, value_enum)]
    engine: Option<Engine>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  ternmq mq instance-options --engine rabbitmq")]
pub(crate) struct InstanceOptions {
    /// This engine only.
    #[arg(long, value_enum)]
    engine: Option<Engine>,
    /// This instance type only.
    #[arg(long, value_name = "TYPE")]
    instance_type: Option<String>,
    /// This kind of storage only: efs or ebs.
    #[arg(long, value_name = "TYPE")]
    storage_type: Option<String>,
}

impl EngineTypes {
    pub(super) fn run(&self, context: &Context) -> Result<(), Failure> {
        let mut input = Object::new();
        put(&mut input, "engineType", self.engine.map(Engine::value));
        let all = context.api.pages("DescribeBrokerEngineTypes", "brokerEngineTypes", &input)?;
        let versions = |it: &Object| {
            let names: Vec<String> =
                items(it, "engineVersions").map(|version| text(version, "name")).collect();
            names.join(", ")
        };
        let row = |it: &Object| vec![text(it, "engineType"), versions(it)];
        let headings = ["engine", "versions"];
        context.show(all, |all| table(&headings, items(all, "brokerEngineTypes").map(row).collect(), "none"))
    }
}

impl InstanceOptions {
    pub(super) fn run(&self, context: &Context) -> Result<(), Failure> {
        let mut input = Object::new();
        put(&mut input, "engineType", self.engine.map(Engine::value));
        put(&mut input, "hostInstanceType", self.instance_type.as_deref());
        put(&mut input, "storageType", self.storage_type.as_deref());
        let all = context.api.pages("DescribeBrokerInstanceOptions", "brokerInstanceOptions", &input)?;
        let row = |it: &Object| {
            let members = [
                "engineType",
                "hostInstanceType",
                "storageType",
                "supportedEngineVersions",
                "supportedDeploymentModes",
            ];
            members.map(|name| text(it, name)).to_vec()
        };
        let headings = ["engine", "instance type", "storage", "versions", "deployment modes"];
        let none = "there is no such instance type";
        context
            .show(all, |all| table(&headings, items(all, "brokerInstanceOptions").map(row).collect(), none))
    }
}
