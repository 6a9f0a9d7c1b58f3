//! Users of ActiveMQ brokers. RabbitMQ brokers keep theirs themselves, and the service says so.

use clap::Args;

use super::api::Object;
use super::brokers::Broker;
use super::flags::{list as texts, put};
use super::output::{inner, items, pairs, table, text};
use super::prompt::PasswordArgs;
use super::update_broker::Switch;
use super::{Context, input, resolve};
use crate::failure::Failure;

#[derive(Debug, Args)]
#[command(after_help = "\
The password comes from --password-file, or is asked for; it is never on the command line.

Examples:
  ternmq mq create-user legacy ann --group admins --console-access
  ternmq mq create-user legacy app --password-file app.pw")]
pub(crate) struct CreateUser {
    #[command(flatten)]
    user: User,
    #[command(flatten)]
    password: PasswordArgs,
    /// Group of the user. May be repeated.
    #[arg(long, value_name = "NAME")]
    group: Vec<String>,
    /// Let the user into the console.
    #[arg(long)]
    console_access: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ternmq mq update-user legacy ann --ask-password
  ternmq mq update-user legacy ann --console-access off --group readers")]
pub(crate) struct UpdateUser {
    #[command(flatten)]
    user: User,
    /// Ask for a new password.
    #[arg(long, conflicts_with = "password_file")]
    ask_password: bool,
    #[command(flatten)]
    password: PasswordArgs,
    /// Group of the user, instead of those that are set. May be repeated.
    #[arg(long, value_name = "NAME")]
    group: Vec<String>,
    /// Take the user out of all groups.
    #[arg(long, conflicts_with = "group")]
    no_groups: bool,
    /// Whether the user may enter the console.
    #[arg(long, value_enum)]
    console_access: Option<Switch>,
}

#[derive(Debug, Args)]
pub(crate) struct User {
    /// The broker: name, id or ARN.
    broker: String,
    /// The user.
    username: String,
}

impl User {
    fn input(&self, context: &Context) -> Result<Object, Failure> {
        let mut input = input("broker-id", &resolve::broker(context, &self.broker)?);
        input.insert("username".into(), self.username.as_str().into());
        Ok(input)
    }

    fn change(&self, context: &Context, operation: &str, input: &Object, done: &str) -> Result<(), Failure> {
        let answer = context.api.mq(operation, input)?;
        let Self { broker, username } = self;
        context.show(answer, |_| {
            format!(
                "user '{username}' of {broker} is {done}; waiting for `ternmq mq reboot-broker {broker}` or the \
                 maintenance window"
            )
        })
    }

    pub(super) fn delete(&self, context: &Context) -> Result<(), Failure> {
        self.change(context, "DeleteUser", &self.input(context)?, "deleted")
    }

    pub(super) fn describe(&self, context: &Context) -> Result<(), Failure> {
        context.show(context.api.mq("DescribeUser", &self.input(context)?)?, described)
    }
}

impl CreateUser {
    pub(super) fn run(&self, context: &Context) -> Result<(), Failure> {
        let mut input = self.user.input(context)?;
        let password = self.password.read(&self.user.username)?;
        input.insert("password".into(), password.as_str().into());
        put(&mut input, "groups", texts(&self.group));
        put(&mut input, "consoleAccess", self.console_access.then_some(true));
        self.user.change(context, "CreateUser", &input, "created")
    }
}

impl UpdateUser {
    fn has_password(&self) -> bool {
        self.ask_password || self.password.password_file.is_some()
    }

    pub(super) fn check(&self) -> Result<(), Failure> {
        let is_told =
            self.has_password() || !self.group.is_empty() || self.no_groups || self.console_access.is_some();
        let nothing = "nothing to change: name what, for example --ask-password; see --help";
        if is_told { Ok(()) } else { Err(Failure::usage(nothing)) }
    }

    pub(super) fn run(&self, context: &Context) -> Result<(), Failure> {
        let mut input = self.user.input(context)?;
        if self.has_password() {
            let password = self.password.read(&self.user.username)?;
            input.insert("password".into(), password.as_str().into());
        }
        let groups = if self.no_groups { Some(Vec::<String>::new().into()) } else { texts(&self.group) };
        put(&mut input, "groups", groups);
        put(&mut input, "consoleAccess", self.console_access.map(|switch| switch == Switch::On));
        self.user.change(context, "UpdateUser", &input, "changed")
    }
}

pub(super) fn list(context: &Context, args: &Broker) -> Result<(), Failure> {
    let id = resolve::broker(context, &args.broker)?;
    let all = context.api.pages("ListUsers", "users", &input("broker-id", &id))?;
    let row = |user: &Object| vec![text(user, "username"), text(user, "pendingChange").to_lowercase()];
    let none = format!("{} has no users", args.broker);
    context.show(all, |all| table(&["user", "waiting"], items(all, "users").map(row).collect(), &none))
}

fn described(user: &Object) -> String {
    let pending = inner(user, "pending").map(|pending| {
        let change = text(pending, "pendingChange").to_lowercase();
        let (console, groups) = (text(pending, "consoleAccess"), text(pending, "groups"));
        if console.is_empty() { change } else { format!("{change}: console {console}, groups {groups}") }
    });
    pairs(vec![
        ("User", text(user, "username")),
        ("Groups", text(user, "groups")),
        ("Console access", text(user, "consoleAccess")),
        ("Replication user", text(user, "replicationUser")),
        ("Waiting for a reboot", pending.unwrap_or_default()),
    ])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_user_is_described() {
        let user = json!({"username": "ann", "groups": ["a", "b"], "consoleAccess": true, "replicationUser": false,
            "pending": {"pendingChange": "UPDATE", "consoleAccess": false, "groups": ["c"]}});
        let expect = "\
User                  ann
Groups                a, b
Console access        yes
Replication user      no
Waiting for a reboot  update: console no, groups c";
        assert_eq!(described(user.as_object().unwrap()), expect);
    }
}
