//! `ternmq mq update-broker`.

use clap::{Args, ValueEnum};

use super::api::Object;
use super::flags::{LogKind, Window, configuration, list, logs, put, window};
use super::ldap::DirectoryArgs;
use super::output::text;
use super::{Context, described, input, resolve};
use crate::failure::Failure;

#[derive(Debug, Args)]
#[command(after_help = "\
The window, security groups and automatic upgrades change at once; everything else waits for a
reboot or the window.

Examples:
  ternmq mq update-broker orders --configuration orders-configuration:2
  ternmq mq update-broker orders --window sunday,03:00,Europe/Berlin
  ternmq mq update-broker orders --engine-version 4.3 && ternmq mq reboot-broker orders
  ternmq mq update-broker shop --ldap-server-metadata file://ldap.json
  ternmq mq update-broker shop --authentication-strategy simple")]
pub(crate) struct UpdateBroker {
    /// The broker: name, id or ARN.
    broker: String,
    /// Size of the broker; `instance-options` lists them.
    #[arg(long, value_name = "TYPE")]
    instance_type: Option<String>,
    /// Version of the engine; `engine-types` lists them.
    #[arg(long, value_name = "VERSION")]
    engine_version: Option<String>,
    /// Configuration to use, by id, name or ARN; its last revision unless one is named.
    #[arg(long, value_name = "ID[:REV]")]
    configuration: Option<String>,
    /// When the broker may be maintained every week, UTC unless a zone is named.
    #[arg(long, value_name = "DAY,HH:MM[,ZONE]", value_parser = window)]
    window: Option<Window>,
    /// Logs to write; others are switched off.
    #[arg(long, value_enum, value_name = "KINDS", value_delimiter = ',')]
    logs: Vec<LogKind>,
    /// Security group whose rules say who may connect, instead of those that are set. May be repeated.
    #[arg(long, value_name = "ID")]
    security_group: Vec<String>,
    #[command(flatten)]
    directory: DirectoryArgs,
    /// Whether new patches of the engine are taken in the window.
    #[arg(long, value_enum)]
    auto_upgrade: Option<Switch>,
}

/// A setting that is on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Switch {
    On,
    Off,
}

impl UpdateBroker {
    pub(super) fn check(&self) -> Result<(), Failure> {
        let is_told = self.instance_type.is_some()
            || self.engine_version.is_some()
            || self.configuration.is_some()
            || self.window.is_some()
            || !self.logs.is_empty()
            || !self.security_group.is_empty()
            || self.auto_upgrade.is_some()
            || self.directory.is_told();
        let nothing = "nothing to change: name what, for example --engine-version; see --help";
        if is_told { Ok(()) } else { Err(Failure::usage(nothing)) }
    }

    pub(super) fn run(&self, context: &Context) -> Result<(), Failure> {
        let id = resolve::broker(context, &self.broker)?;
        let answer = context.api.mq("UpdateBroker", &self.input(context, &id)?)?;
        if context.form == super::Form::Json {
            return super::output::json(answer);
        }
        let now = context.api.mq("DescribeBroker", &input("broker-id", &id))?;
        let waiting = described::pending(&now);
        super::output::line(&told(&self.broker, &waiting))
    }

    fn input(&self, context: &Context, id: &str) -> Result<Object, Failure> {
        let mut wanted = input("broker-id", id);
        put(&mut wanted, "hostInstanceType", self.instance_type.as_deref());
        put(&mut wanted, "engineVersion", self.engine_version.as_deref());
        let chosen = self.configuration.as_deref().map(|text| configuration(context, text)).transpose()?;
        put(&mut wanted, "configuration", chosen);
        put(&mut wanted, "maintenanceWindowStartTime", self.window.as_ref().map(Window::value));
        put(&mut wanted, "securityGroups", list(&self.security_group));
        put(&mut wanted, "autoMinorVersionUpgrade", self.auto_upgrade.map(|switch| switch == Switch::On));
        self.directory.put(&mut wanted)?;
        if !self.logs.is_empty() {
            let now = context.api.mq("DescribeBroker", &input("broker-id", id))?;
            let is_activemq = text(&now, "engineType").eq_ignore_ascii_case("activemq");
            put(&mut wanted, "logs", logs(&self.logs, is_activemq));
        }
        Ok(wanted)
    }
}

fn told(name: &str, waiting: &[String]) -> String {
    if waiting.is_empty() {
        return format!("{name} is changed");
    }
    format!(
        "{name} is changed; waiting for `ternmq mq reboot-broker {name}` or the maintenance window: {}",
        waiting.join(", ")
    )
}
