//! `ternmq mq logs`: the logs of a broker, as CloudWatch Logs' operations tell them.

use std::time::Duration;

use clap::{Args, ValueEnum};
use serde_json::Value;
use ternmq_api::logs::MODEL;

use super::output::{items, json, line, text};
use super::{Context, Form, Object, resolve};
use crate::failure::Failure;

/// Time between two looks for new lines.
const LOOK: Duration = Duration::from_secs(1);
/// Most lines that are shown at once.
const MAX_LINES: u32 = 10_000;

#[derive(Debug, Args)]
#[command(after_help = "\
A log is written once it is switched on: ternmq mq update-broker orders --logs general, then reboot-broker.
With --output json each line is a JSON object with timestamp and message.

Examples:
  ternmq mq logs orders
  ternmq mq logs orders connection -n 200
  ternmq mq logs orders -f")]
pub(crate) struct Logs {
    /// The broker: name, id or ARN.
    broker: String,
    /// Which log.
    #[arg(value_enum, default_value_t = Kind::General)]
    log: Kind,
    /// The last so many lines.
    #[arg(long, short = 'n', value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_LINES)))]
    lines: u32,
    /// Go on with new lines as they come.
    #[arg(long, short)]
    follow: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Kind {
    General,
    Audit,
    Connection,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::Audit => "audit",
            Self::Connection => "connection",
        }
    }
}

impl Logs {
    pub(super) fn run(&self, context: &Context) -> Result<(), Failure> {
        let id = resolve::broker(context, &self.broker)?;
        let group = format!("/aws/amazonmq/broker/{id}/{}", self.log.name());
        let mut input = Object::new();
        input.insert("logGroupName".into(), group.into());
        let Some(stream) = self.stream(context, &input)? else {
            let (broker, log) = (&self.broker, self.log.name());
            return Err(Failure::new(format!(
                "the broker '{broker}' has no {log} log; switch it on with: ternmq mq update-broker {broker} --logs {log}, \
                 then ternmq mq reboot-broker {broker}"
            )));
        };
        input.insert("logStreamName".into(), stream.into());
        input.insert("limit".into(), self.lines.into());
        loop {
            let mut page = context.api.call(&MODEL, "GetLogEvents", &input)?;
            let count = show(context, &page)?;
            if !self.follow {
                return Ok(());
            }
            if let Some(token) = page.remove("nextForwardToken") {
                input.insert("nextToken".into(), token);
                input.insert("limit".into(), MAX_LINES.into());
            }
            if count == 0 {
                context.api.pause(LOOK);
            }
        }
    }

    /// The stream of the broker's node; none while nothing was written.
    fn stream(&self, context: &Context, input: &Object) -> Result<Option<String>, Failure> {
        let found = context.api.call(&MODEL, "DescribeLogStreams", input)?;
        Ok(items(&found, "logStreams").next().map(|stream| text(stream, "logStreamName")))
    }
}

fn show(context: &Context, page: &Object) -> Result<usize, Failure> {
    let mut count = 0;
    for event in items(page, "events") {
        count += 1;
        match context.form {
            Form::Table => line(&text(event, "message"))?,
            Form::Json => {
                let member = |name: &str| (name.to_owned(), event.get(name).cloned().unwrap_or(Value::Null));
                json(["timestamp", "message"].map(member).into_iter().collect())?;
            }
        }
    }
    Ok(count)
}
