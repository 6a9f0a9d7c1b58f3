//! `ternmq mq create-broker`.

use clap::Args;
use serde_json::{Value, json};

use super::api::Object;
use super::flags::{Engine, LogKind, Tag, Window, configuration, list, logs, put, tag, tags, window};
use super::ldap::DirectoryArgs;
use super::output::text;
use super::prompt::PasswordArgs;
use super::{Context, described, wait};
use crate::failure::Failure;

#[derive(Debug, Args)]
#[command(after_help = "\
The password of the first user comes from --password-file, or is asked for; it is never on the
command line. A RabbitMQ broker has exactly one user here and keeps all others itself; those of an
ActiveMQ broker are made with create-user.

Examples:
  ternmq mq create-broker orders --engine rabbitmq --user ops
  ternmq mq create-broker legacy --engine activemq --user ops --console-access --logs general,audit
  pwgen 20 1 | tee pw | ternmq mq create-broker jobs --engine rabbitmq --user ops --password-file -
  ternmq mq create-broker shop --engine activemq --ldap-password-file ldap.pw --ldap-server-metadata \\
    'hosts=ldap1.example.com,ldap2.example.com,serviceAccountUsername=\"cn=mq,dc=example,dc=com\",
    userBase=\"ou=people,dc=example,dc=com\",userSearchMatching=(uid={0}),userSearchSubtree=true,
    roleBase=\"ou=groups,dc=example,dc=com\",roleSearchMatching=(member={0}),roleName=cn'")]
pub(crate) struct CreateBroker {
    /// Name of the broker: 1 to 50 letters, digits, - and _.
    name: String,
    /// Whose ways the broker follows.
    #[arg(long, value_enum)]
    engine: Engine,
    /// Size of the broker; `instance-options` lists them. Default: mq.m7g.large for rabbitmq, mq.m5.large for activemq.
    #[arg(long, value_name = "TYPE")]
    instance_type: Option<String>,
    /// Version of the engine; `engine-types` lists them. Default: the newest.
    #[arg(long, value_name = "VERSION")]
    engine_version: Option<String>,
    /// First user.
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    #[command(flatten)]
    password: PasswordArgs,
    /// Group of the first user (ActiveMQ). May be repeated.
    #[arg(long, value_name = "NAME", requires = "user")]
    group: Vec<String>,
    /// Let the first user into the console (ActiveMQ).
    #[arg(long, requires = "user")]
    console_access: bool,
    /// Listen to other machines too.
    #[arg(long)]
    public: bool,
    /// Configuration to use, by id, name or ARN, with or without a revision. Default: a new one with the engine's defaults.
    #[arg(long, value_name = "ID[:REV]")]
    configuration: Option<String>,
    /// Tag of the broker. May be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = tag)]
    tag: Vec<Tag>,
    /// When the broker may be maintained every week, UTC unless a zone is named. Default: the service picks a time.
    #[arg(long, value_name = "DAY,HH:MM[,ZONE]", value_parser = window)]
    window: Option<Window>,
    /// Logs to write.
    #[arg(long, value_enum, value_name = "KINDS", value_delimiter = ',')]
    logs: Vec<LogKind>,
    /// Security group whose rules say who may connect. May be repeated.
    #[arg(long, value_name = "ID")]
    security_group: Vec<String>,
    /// Subnet to be in. May be repeated.
    #[arg(long, value_name = "ID")]
    subnet: Vec<String>,
    /// Storage of an ActiveMQ broker: efs or ebs.
    #[arg(long, value_name = "TYPE")]
    storage_type: Option<String>,
    #[command(flatten)]
    directory: DirectoryArgs,
    /// Do not wait until the broker runs.
    #[arg(long)]
    no_wait: bool,
}

impl CreateBroker {
    pub(super) fn check(&self) -> Result<(), Failure> {
        let is_lost = self.password.password_file.is_some() && self.user.is_none();
        if is_lost { Err(Failure::usage("--password-file needs --user NAME")) } else { Ok(()) }
    }

    pub(super) fn run(&self, context: &Context) -> Result<(), Failure> {
        let created = context.api.mq("CreateBroker", &self.input(context)?)?;
        let id = text(&created, "brokerId");
        if self.no_wait {
            return context.show(created, |_| format!("{} ({id}) is being created", self.name));
        }
        let awaited = wait::Awaited { name: &self.name, id: &id, doing: "is being created" };
        let running = wait::until_running(context, &awaited)?;
        context.show(running, described::endpoints)
    }

    fn input(&self, context: &Context) -> Result<Object, Failure> {
        let engine = self.engine;
        let instance_type = self.instance_type.as_deref().unwrap_or(match engine {
            Engine::Activemq => "mq.m5.large",
            Engine::Rabbitmq => "mq.m7g.large",
        });
        let mut input = Object::new();
        input.insert("brokerName".into(), self.name.as_str().into());
        input.insert("deploymentMode".into(), "SINGLE_INSTANCE".into());
        input.insert("engineType".into(), engine.value().into());
        input.insert("hostInstanceType".into(), instance_type.into());
        input.insert("publiclyAccessible".into(), self.public.into());
        put(&mut input, "engineVersion", self.engine_version.as_deref());
        let chosen = self.configuration.as_deref().map(|text| configuration(context, text)).transpose()?;
        put(&mut input, "configuration", chosen);
        put(&mut input, "tags", (!self.tag.is_empty()).then(|| tags(&self.tag)));
        put(&mut input, "maintenanceWindowStartTime", self.window.as_ref().map(Window::value));
        put(&mut input, "logs", logs(&self.logs, engine == Engine::Activemq));
        put(&mut input, "securityGroups", list(&self.security_group));
        put(&mut input, "subnetIds", list(&self.subnet));
        put(&mut input, "storageType", self.storage_type.as_deref());
        self.directory.put(&mut input)?;
        put(&mut input, "users", self.first_user()?);
        Ok(input)
    }

    fn first_user(&self) -> Result<Option<Value>, Failure> {
        let Some(name) = &self.user else { return Ok(None) };
        let password = self.password.read(name)?;
        let mut user = Object::new();
        user.insert("username".into(), name.as_str().into());
        user.insert("password".into(), password.as_str().into());
        put(&mut user, "groups", list(&self.group));
        put(&mut user, "consoleAccess", self.console_access.then_some(true));
        Ok(Some(json!([user])))
    }
}
