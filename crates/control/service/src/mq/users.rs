//! Users of ActiveMQ brokers: each change waits for a reboot or the window. RabbitMQ brokers keep their own.

use serde_json::Value;
use ternmq_api::Refusal;
use ternmq_api::mq::{
    CreateUserRequest, DescribeUserResponse, ListUsersRequest, ListUsersResponse, UpdateUserRequest,
    UserPendingChanges,
};
use ternmq_stdx::shown;

use super::{brokers, describe_broker, rules};
use crate::call::{Call, Output, output};
use crate::catalogue::EngineType;
use crate::failure::Failure;
use crate::page::Page;
use crate::password;
use crate::records::{Account, AwaitedUser, Broker, UserRecord};

/// Users of one broker.
const USERS_MAX: usize = 250;

pub(super) fn create(call: &Call<'_>) -> Result<Output, Failure> {
    let input: CreateUserRequest = call.input()?;
    activemq(&brokers::found(call)?)?;
    rules::username(EngineType::ActiveMq, &input.username)?;
    let groups = input.groups.unwrap_or_default();
    rules::groups(&groups)?;
    replication(input.replication_user)?;
    password::check(&input.password)?;
    let account = Account {
        password_hash: password::hash(&input.password, &call.service.random)?,
        has_console: input.console_access.unwrap_or(false),
        groups,
        is_replication: false,
    };
    call.change(|change| {
        let mut broker = brokers::running_in(call, change)?;
        let count = broker.users.len();
        let awaited = match broker.users.get(&input.username) {
            None if count >= USERS_MAX => {
                return Err(Refusal::bad_request(
                    "username",
                    format!("A broker has at most {USERS_MAX} users."),
                )
                .into());
            }
            None => AwaitedUser::Create(account),
            // It is gone only after the reboot: until then this makes it another one.
            Some(user) if user.awaited == Some(AwaitedUser::Delete) => AwaitedUser::Update(account),
            Some(_) => {
                let text = format!("User [{}] exists already.", input.username);
                return Err(Refusal::conflict("username", text).into());
            }
        };
        let user = broker.users.entry(input.username).or_insert(UserRecord { current: None, awaited: None });
        user.awaited = Some(awaited);
        change.put(&broker)?;
        Ok(Output::new())
    })
}

pub(super) fn update(call: &Call<'_>) -> Result<Output, Failure> {
    let input: UpdateUserRequest = call.input()?;
    activemq(&brokers::found(call)?)?;
    input.groups.as_deref().map_or(Ok(()), rules::groups)?;
    replication(input.replication_user)?;
    let hash = match &input.password {
        Some(password) => {
            password::check(password)?;
            Some(password::hash(password, &call.service.random)?)
        }
        None => None,
    };
    call.change(|change| {
        let mut broker = brokers::running_in(call, change)?;
        let user = broker.users.get_mut(&input.username).ok_or_else(|| missing(&input.username))?;
        let (is_new, known) = match (&user.awaited, &user.current) {
            (Some(AwaitedUser::Create(account)), _) => (true, account),
            (Some(AwaitedUser::Update(account)), _) | (None, Some(account)) => (false, account),
            (Some(AwaitedUser::Delete), _) | (None, None) => return Err(missing(&input.username).into()),
        };
        let known = known.clone();
        let account = Account {
            password_hash: hash.unwrap_or(known.password_hash),
            has_console: input.console_access.unwrap_or(known.has_console),
            groups: input.groups.unwrap_or(known.groups),
            is_replication: known.is_replication,
        };
        user.awaited = Some(if is_new { AwaitedUser::Create(account) } else { AwaitedUser::Update(account) });
        change.put(&broker)?;
        Ok(Output::new())
    })
}

pub(super) fn delete(call: &Call<'_>) -> Result<Output, Failure> {
    activemq(&brokers::found(call)?)?;
    let name = name(call);
    call.change(|change| {
        let mut broker = brokers::running_in(call, change)?;
        let user = broker.users.get_mut(name).ok_or_else(|| missing(name))?;
        if user.current.is_some() {
            user.awaited = Some(AwaitedUser::Delete);
        } else {
            broker.users.remove(name);
        }
        change.put(&broker)?;
        Ok(Output::new())
    })
}

pub(super) fn describe(call: &Call<'_>) -> Result<Output, Failure> {
    let broker = brokers::found(call)?;
    activemq(&broker)?;
    let name = name(call);
    let user = broker.users.get(name).ok_or_else(|| missing(name))?;
    let awaited = match &user.awaited {
        Some(AwaitedUser::Create(account) | AwaitedUser::Update(account)) => Some(account),
        Some(AwaitedUser::Delete) | None => None,
    };
    let shown = user.current.as_ref().or(awaited);
    output(&DescribeUserResponse {
        broker_id: Some(broker.id.clone()),
        username: Some(name.to_owned()),
        console_access: shown.map(|account| account.has_console),
        groups: shown.map(|account| account.groups.clone()),
        replication_user: shown.map(|account| account.is_replication),
        pending: user.awaited.as_ref().map(|change| UserPendingChanges {
            pending_change: change.kind().into(),
            console_access: awaited.map(|account| account.has_console),
            groups: awaited.map(|account| account.groups.clone()),
        }),
    })
}

pub(super) fn list(call: &Call<'_>) -> Result<Output, Failure> {
    let input: ListUsersRequest = call.input()?;
    let broker = brokers::found(call)?;
    activemq(&broker)?;
    let page = Page::of(input.max_results, input.next_token.as_deref())?;
    let summaries = describe_broker::summaries(&broker);
    let (users, next_token) = page.of_sorted(summaries.into_iter(), |user| user.username.clone());
    let max_results = Some(page.max_results());
    output(&ListUsersResponse { broker_id: Some(broker.id), max_results, next_token, users: Some(users) })
}

fn name<'a>(call: &'a Call<'_>) -> &'a str {
    call.input.get("username").and_then(Value::as_str).unwrap_or_default()
}

fn activemq(broker: &Broker) -> Result<(), Refusal> {
    if broker.engine == EngineType::ActiveMq {
        return Ok(());
    }
    let text = "To manage broker users, please use the RabbitMQ web console, or the management API";
    Err(Refusal::bad_request("broker-id", text))
}

fn replication(is_asked: Option<bool>) -> Result<(), Refusal> {
    if is_asked == Some(true) {
        let text = "A replication user is for data replication mode [CRDR], which is not there yet.";
        return Err(Refusal::bad_request("replicationUser", text));
    }
    Ok(())
}

fn missing(name: &str) -> Refusal {
    let text = format!("Can't find requested user [{}]. Make sure your user exists.", shown(name));
    Refusal::not_found("username", text)
}
