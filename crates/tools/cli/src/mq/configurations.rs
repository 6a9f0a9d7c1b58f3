//! Configurations and their revisions.

use std::io::Read;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;

use super::api::Object;
use super::flags::{Engine, Tag, put, tag, tags};
use super::output::{aside, inner, items, pairs, table, text, whole_text};
use super::{Context, Form, input, output, resolve};
use crate::failure::Failure;

/// Longest text of a revision in bytes: in base64 it fits into a request.
const MAX_TEXT_BYTES: usize = ternmq_api::MAX_BODY_BYTES / 4 * 3 - 4_096;

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  ternmq mq create-configuration orders --engine rabbitmq --engine-version 4.3")]
pub(crate) struct Create {
    /// Name of the configuration: 1 to 150 letters, digits, - . _ and ~.
    name: String,
    /// Whose ways the brokers follow that use it.
    #[arg(long, value_enum)]
    engine: Engine,
    /// Version of the engine; `engine-types` lists them. Default: the newest.
    #[arg(long, value_name = "VERSION")]
    engine_version: Option<String>,
    /// Tag of the configuration. May be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = tag)]
    tag: Vec<Tag>,
}

/// A command that takes a configuration and nothing else.
#[derive(Debug, Args)]
pub(crate) struct Configuration {
    /// The configuration: name, id or ARN.
    configuration: String,
}

#[derive(Debug, Args)]
#[command(after_help = "\
What the service does not permit is cut out of the text, and told.

Examples:
  ternmq mq update-configuration orders rabbitmq.conf --description 'more connections'
  ternmq mq describe-configuration-revision orders 1 > rabbitmq.conf
  ternmq mq update-configuration orders - < rabbitmq.conf")]
pub(crate) struct Update {
    /// The configuration: name, id or ARN.
    configuration: String,
    /// File with the whole text: rabbitmq.conf or ActiveMQ's XML; "-" is standard input.
    file: PathBuf,
    /// What the revision is for.
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  ternmq mq describe-configuration-revision orders 2 > rabbitmq.conf")]
pub(crate) struct Revision {
    /// The configuration: name, id or ARN.
    configuration: String,
    /// Number of the revision.
    revision: String,
}

impl Create {
    pub(super) fn run(&self, context: &Context) -> Result<(), Failure> {
        let mut input = input("name", &self.name);
        input.insert("engineType".into(), self.engine.value().into());
        put(&mut input, "engineVersion", self.engine_version.as_deref());
        put(&mut input, "tags", (!self.tag.is_empty()).then(|| tags(&self.tag)));
        let answer = context.api.mq("CreateConfiguration", &input)?;
        context.show(answer, |it| format!("{} ({}) is created, revision 1", text(it, "name"), text(it, "id")))
    }
}

pub(super) fn list(context: &Context) -> Result<(), Failure> {
    let all = context.api.pages("ListConfigurations", "configurations", &Object::new())?;
    let none = format!("there are no configurations in the region {}", context.api.region());
    let row = |it: &Object| {
        let engine = format!("{} {}", text(it, "engineType"), text(it, "engineVersion"));
        vec![text(it, "name"), engine, latest(it, "revision"), text(it, "created"), text(it, "id")]
    };
    let headings = ["name", "engine", "revision", "created", "id"];
    context.show(all, |all| table(&headings, items(all, "configurations").map(row).collect(), &none))
}

fn latest(configuration: &Object, member: &str) -> String {
    inner(configuration, "latestRevision").map(|revision| text(revision, member)).unwrap_or_default()
}

impl Configuration {
    fn input(&self, context: &Context) -> Result<Object, Failure> {
        Ok(input("configuration-id", &resolve::configuration(context, &self.configuration)?))
    }

    pub(super) fn describe(&self, context: &Context) -> Result<(), Failure> {
        let found = context.api.mq("DescribeConfiguration", &self.input(context)?)?;
        context.show(found, |it| {
            pairs(vec![
                ("Name", text(it, "name")),
                ("Id", text(it, "id")),
                ("ARN", text(it, "arn")),
                ("Engine", format!("{} {}", text(it, "engineType"), text(it, "engineVersion"))),
                ("Authentication", text(it, "authenticationStrategy")),
                ("Created", text(it, "created")),
                ("Latest revision", latest(it, "revision")),
                ("Revised", latest(it, "created")),
                ("Description", latest(it, "description")),
                ("Tags", output::tags(it)),
            ])
        })
    }

    pub(super) fn delete(&self, context: &Context) -> Result<(), Failure> {
        let answer = context.api.mq("DeleteConfiguration", &self.input(context)?)?;
        context.show(answer, |_| format!("{} is deleted", self.configuration))
    }

    pub(super) fn list_revisions(&self, context: &Context) -> Result<(), Failure> {
        let input = self.input(context)?;
        let all = context.api.pages("ListConfigurationRevisions", "revisions", &input)?;
        let row = |it: &Object| vec![text(it, "revision"), text(it, "created"), text(it, "description")];
        let headings = ["revision", "created", "description"];
        context.show(all, |all| table(&headings, items(all, "revisions").map(row).collect(), "none"))
    }
}

impl Update {
    pub(super) fn run(&self, context: &Context) -> Result<(), Failure> {
        let data = read(&self.file)?;
        let mut input = input("configuration-id", &resolve::configuration(context, &self.configuration)?);
        input.insert("data".into(), STANDARD.encode(data).into());
        put(&mut input, "description", self.description.as_deref());
        let answer = context.api.mq("UpdateConfiguration", &input)?;
        if context.form == Form::Table {
            items(&answer, "warnings").for_each(|it| aside(&format!("warning: {}", warning(it))));
        }
        context.show(answer, |it| format!("{} has revision {}", text(it, "name"), latest(it, "revision")))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let limit = MAX_TEXT_BYTES as u64 + 1;
    let (read, shown) = if path == Path::new("-") {
        (std::io::stdin().take(limit).read_to_end(&mut bytes), "standard input".to_owned())
    } else {
        let file = std::fs::OpenOptions::new().read(true).open(path);
        (file.and_then(|file| file.take(limit).read_to_end(&mut bytes)), format!("'{}'", path.display()))
    };
    read.map_err(Failure::while_doing(format!("read {shown}")))?;
    if bytes.len() > MAX_TEXT_BYTES {
        return Err(Failure::new(format!("{shown} is longer than {MAX_TEXT_BYTES} bytes")));
    }
    Ok(bytes)
}

/// What was cut out of a text.
fn warning(it: &Object) -> String {
    let (element, attribute) = (text(it, "elementName"), text(it, "attributeName"));
    let what = match (element.is_empty(), attribute.is_empty()) {
        (false, false) => format!("'{attribute}' of '{element}'"),
        (false, true) => format!("'{element}'"),
        (true, false) => format!("'{attribute}'"),
        (true, true) => "something".into(),
    };
    let reason = match text(it, "reason").as_str() {
        "DISALLOWED_ELEMENT_REMOVED" | "DISALLOWED_ATTRIBUTE_REMOVED" => "it is not permitted".to_owned(),
        "INVALID_ATTRIBUTE_VALUE_REMOVED" => "its value is not valid".to_owned(),
        other => other.to_owned(),
    };
    format!("{what} was removed: {reason}")
}

impl Revision {
    pub(super) fn describe(&self, context: &Context) -> Result<(), Failure> {
        let mut input = input("configuration-id", &resolve::configuration(context, &self.configuration)?);
        input.insert("configuration-revision".into(), self.revision.as_str().into());
        let found = context.api.mq("DescribeConfigurationRevision", &input)?;
        if context.form == Form::Json {
            return output::json(found);
        }
        let data = found.get("data").and_then(|data| STANDARD.decode(data.as_str()?).ok());
        let decoded = data.and_then(|data| String::from_utf8(data).ok());
        whole_text(&decoded.ok_or_else(|| Failure::new("the service's answer has no text in base64"))?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn warnings_name_what_was_removed() {
        let of = |it: serde_json::Value| warning(it.as_object().unwrap());
        assert_eq!(
            of(json!({"elementName": "plugin", "reason": "DISALLOWED_ELEMENT_REMOVED"})),
            "'plugin' was removed: it is not permitted"
        );
        assert_eq!(
            of(
                json!({"attributeName": "x", "elementName": "e", "reason": "INVALID_ATTRIBUTE_VALUE_REMOVED"})
            ),
            "'x' of 'e' was removed: its value is not valid"
        );
    }
}
