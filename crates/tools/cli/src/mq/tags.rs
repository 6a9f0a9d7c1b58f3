//! Tags of brokers and configurations.

use clap::Args;

use super::flags::{self, tag};
use super::output::table;
use super::{Context, input, output, resolve};
use crate::failure::Failure;

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  ternmq mq tag orders team=payments stage=live")]
pub(crate) struct Tag {
    /// The broker or configuration: name, id or ARN.
    resource: String,
    /// Tags to set.
    #[arg(value_name = "KEY=VALUE", required = true, value_parser = tag)]
    tags: Vec<flags::Tag>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  ternmq mq untag orders stage")]
pub(crate) struct Untag {
    /// The broker or configuration: name, id or ARN.
    resource: String,
    /// Keys of the tags to remove.
    #[arg(value_name = "KEY", required = true)]
    keys: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Resource {
    /// The broker or configuration: name, id or ARN.
    resource: String,
}

impl Tag {
    pub(super) fn run(&self, context: &Context) -> Result<(), Failure> {
        let mut input = input("resource-arn", &resolve::arn(context, &self.resource)?);
        input.insert("tags".into(), flags::tags(&self.tags));
        let answer = context.api.mq("CreateTags", &input)?;
        context.show(answer, |_| format!("{} is tagged", self.resource))
    }
}

impl Untag {
    pub(super) fn run(&self, context: &Context) -> Result<(), Failure> {
        let mut input = input("resource-arn", &resolve::arn(context, &self.resource)?);
        input.insert("tagKeys".into(), self.keys.as_slice().into());
        let answer = context.api.mq("DeleteTags", &input)?;
        context.show(answer, |_| format!("{} has these tags no more", self.resource))
    }
}

impl Resource {
    pub(super) fn list(&self, context: &Context) -> Result<(), Failure> {
        let found =
            context.api.mq("ListTags", &input("resource-arn", &resolve::arn(context, &self.resource)?))?;
        let none = format!("{} has no tags", self.resource);
        context.show(found, |found| {
            let tags = output::inner(found, "tags").into_iter().flatten();
            let rows = tags.map(|(key, value)| vec![output::printable(key), output::shown(value)]);
            table(&["key", "value"], rows.collect(), &none)
        })
    }
}
