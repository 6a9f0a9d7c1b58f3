//! `ternmq mq`: the control plane for people without AWS's tools.
//!
//! A command reads its flags, makes the input of an operation, and shows the answer: as text for people, or as it is.
//! Paths, methods and members are those of the API's tables; the service decides what is right. What is shown has passed
//! [`output`], which lets no letter through that a terminal obeys.
//!
//! Reading order: `settings.rs`, `request.rs`, `api.rs`, `output.rs`; then a file for each subject.

mod endpoint;
mod profile;
mod settings;

mod api;
pub(crate) mod output;
mod request;

mod flags;
mod ldap;
pub(crate) mod prompt;
mod resolve;
mod wait;

mod brokers;
mod catalogue;
mod configurations;
mod create_broker;
mod described;
mod logs;
mod records;
mod tags;
mod update_broker;
mod users;

use clap::{Args, Subcommand};

use self::api::{Api, Object};
use self::output::Form;
use self::settings::{ServiceArgs, Settings, Surroundings};
use crate::failure::Failure;

#[derive(Debug, Args)]
#[command(after_help = "\
Brokers can be named by name, id or ARN, configurations too.
Credentials are found as AWS's tools find them: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
AWS_SESSION_TOKEN, then the profile in ~/.aws/credentials and ~/.aws/config (or where
AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE say); then the keys that a service started in this
directory keeps: ./ternmq-service/administrator.json.

Examples:
  ternmq mq create-broker orders --engine rabbitmq --user ops
  ternmq mq list-brokers
  ternmq mq describe-broker orders --output json
  ternmq mq records --resource orders --since 1h

Exit codes: 0 done, 1 refused or not reached, 2 wrong option.")]
pub(crate) struct MqArgs {
    #[command(subcommand)]
    command: MqCommand,
    /// Tables and texts for people, or the service's answer as one JSON value.
    #[arg(long, global = true, value_enum, default_value_t = Form::Table)]
    output: Form,
    #[command(flatten)]
    service: ServiceArgs,
}

#[derive(Debug, Subcommand)]
enum MqCommand {
    /// Create a broker, wait until it runs, print its endpoints.
    CreateBroker(create_broker::CreateBroker),
    /// List the brokers of the region.
    ListBrokers,
    /// Show a broker: state, endpoints, settings, what waits for a reboot.
    DescribeBroker(brokers::Broker),
    /// Change a broker. Most changes wait for a reboot or the maintenance window.
    UpdateBroker(update_broker::UpdateBroker),
    /// Restart a broker with every change that waits.
    RebootBroker(brokers::Reboot),
    /// Delete a broker and the messages in it.
    DeleteBroker(brokers::Delete),
    /// Make a replica in another region the primary.
    Promote(brokers::Promote),

    /// Add a user to an ActiveMQ broker.
    CreateUser(users::CreateUser),
    /// Change a user of an ActiveMQ broker.
    UpdateUser(users::UpdateUser),
    /// Remove a user of an ActiveMQ broker.
    DeleteUser(users::User),
    /// Show a user of an ActiveMQ broker.
    DescribeUser(users::User),
    /// List the users of an ActiveMQ broker.
    ListUsers(brokers::Broker),

    /// Create a configuration with the engine's default text as its first revision.
    CreateConfiguration(configurations::Create),
    /// List the configurations of the region.
    ListConfigurations,
    /// Show a configuration.
    DescribeConfiguration(configurations::Configuration),
    /// Add a revision to a configuration from a file.
    UpdateConfiguration(configurations::Update),
    /// Delete a configuration that no broker uses.
    DeleteConfiguration(configurations::Configuration),
    /// List the revisions of a configuration.
    ListConfigurationRevisions(configurations::Configuration),
    /// Print the text of a revision.
    DescribeConfigurationRevision(configurations::Revision),

    /// Set tags of a broker or a configuration.
    Tag(tags::Tag),
    /// Remove tags of a broker or a configuration.
    Untag(tags::Untag),
    /// List the tags of a broker or a configuration.
    ListTags(tags::Resource),

    /// List the engines with their versions.
    EngineTypes(catalogue::EngineTypes),
    /// List the instance types with what they can run.
    InstanceOptions(catalogue::InstanceOptions),
    /// Show who did what: records of the audit log, newest first.
    Records(records::Records),
    /// Show a broker's log, and go on with it.
    Logs(logs::Logs),
}

/// What a command works with.
struct Context {
    api: Api,
    form: Form,
}

pub(crate) fn run(args: &MqArgs) -> Result<(), Failure> {
    args.command.check()?;
    let settings = Settings::find(&args.service, &Surroundings::of_process())?;
    let context = Context { api: Api::new(settings)?, form: args.output };
    args.command.run(&context)
}

impl MqCommand {
    /// What the flags alone say is wrong, before anything is looked for.
    fn check(&self) -> Result<(), Failure> {
        match self {
            Self::CreateBroker(args) => args.check(),
            Self::DeleteBroker(args) => args.check(),
            Self::UpdateBroker(args) => args.check(),
            Self::UpdateUser(args) => args.check(),
            _ => Ok(()),
        }
    }

    fn run(&self, context: &Context) -> Result<(), Failure> {
        match self {
            Self::CreateBroker(args) => args.run(context),
            Self::ListBrokers => brokers::list(context),
            Self::DescribeBroker(args) => args.describe(context),
            Self::UpdateBroker(args) => args.run(context),
            Self::RebootBroker(args) => args.run(context),
            Self::DeleteBroker(args) => args.run(context),
            Self::Promote(args) => args.run(context),
            Self::CreateUser(args) => args.run(context),
            Self::UpdateUser(args) => args.run(context),
            Self::DeleteUser(args) => args.delete(context),
            Self::DescribeUser(args) => args.describe(context),
            Self::ListUsers(args) => users::list(context, args),
            Self::CreateConfiguration(args) => args.run(context),
            Self::ListConfigurations => configurations::list(context),
            Self::DescribeConfiguration(args) => args.describe(context),
            Self::UpdateConfiguration(args) => args.run(context),
            Self::DeleteConfiguration(args) => args.delete(context),
            Self::ListConfigurationRevisions(args) => args.list_revisions(context),
            Self::DescribeConfigurationRevision(args) => args.describe(context),
            Self::Tag(args) => args.run(context),
            Self::Untag(args) => args.run(context),
            Self::ListTags(args) => args.list(context),
            Self::EngineTypes(args) => args.run(context),
            Self::InstanceOptions(args) => args.run(context),
            Self::Records(args) => args.run(context),
            Self::Logs(args) => args.run(context),
        }
    }
}

impl Context {
    /// Prints an answer: as it is, or what `for_people` makes of it.
    fn show(&self, answer: Object, for_people: impl FnOnce(&Object) -> String) -> Result<(), Failure> {
        match self.form {
            Form::Json => output::json(answer),
            Form::Table => output::line(&for_people(&answer)),
        }
    }
}

/// An input with one member.
fn input(name: &str, value: &str) -> Object {
    let mut input = Object::new();
    input.insert(name.to_owned(), value.into());
    input
}
