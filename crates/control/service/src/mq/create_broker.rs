//! CreateBroker.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::Value;
use ternmq_api::Refusal;
use ternmq_api::mq::{ConfigurationId, CreateBrokerRequest, CreateBrokerResponse, EncryptionOptions, User};
use ternmq_stdx::shown;

use super::{configurations, directory, rules, texts};
use crate::arn::Arn;
use crate::call::{Call, Output, output};
use crate::catalogue::{EngineType, InstanceType, StorageType, Version};
use crate::failure::Failure;
use crate::network::Network;
use crate::records::{
    Account, Authentication, Broker, BrokerState, ConfigurationUse, CreatorToken, Encryption, Logs, Pending,
    Settings, UserRecord, Window,
};
use crate::store::Change;
use crate::{password, window};

/// Brokers of one account in one region.
const BROKERS_MAX: usize = 200;
const SECURITY_GROUPS_MAX: usize = 5;
const TOKEN_MAX: usize = 128;

pub(super) fn create(call: &Call<'_>) -> Result<Output, Failure> {
    let input: CreateBrokerRequest = call.input()?;
    let checked = Checked::of(call, &input)?;
    let users = accounts(call, input.users.as_deref().unwrap_or_default())?;
    let fingerprint = fingerprint(call);
    call.change(|change| {
        if let Some(id) = created_before(call, change, input.creator_request_id.as_deref(), &fingerprint)? {
            return answer(call, &input.broker_name, &id);
        }
        are_there(call, change, &checked.groups)?;
        check_room(call, change, &input.broker_name)?;
        let configuration = match &input.configuration {
            Some(asked) => chosen(call, change, &checked, asked)?,
            None => configurations::make_default(
                call,
                change,
                &input.broker_name,
                checked.engine,
                checked.version,
                &checked.authentication,
            )?,
        };
        let id = format!("b-{}", call.service.random.uuid());
        let broker = checked.broker(call, &input, &id, configuration, &users);
        change.put(&broker)?;
        if let Some(token) = input.creator_request_id.clone() {
            let region = call.region.to_owned();
            let created_ms = call.now_ms;
            let fingerprint = fingerprint.clone();
            change.put(&CreatorToken { region, token, fingerprint, id: id.clone(), created_ms })?;
        }
        call.touch(&id);
        answer(call, &input.broker_name, &id)
    })
}

fn answer(call: &Call<'_>, name: &str, id: &str) -> Result<Output, Failure> {
    let arn = Arn::broker(&call.service.settings.account, call.region, name, id);
    output(&CreateBrokerResponse { broker_arn: Some(arn), broker_id: Some(id.to_owned()) })
}

/// What of an input was found good, in our own types.
struct Checked {
    engine: EngineType,
    version: &'static Version,
    instance: &'static InstanceType,
    storage: StorageType,
    encryption: Encryption,
    window: Window,
    logs: Logs,
    authentication: Authentication,
    subnets: Vec<String>,
    groups: Vec<String>,
    tags: BTreeMap<String, String>,
}

impl Checked {
    fn of(call: &Call<'_>, input: &CreateBrokerRequest) -> Result<Self, Refusal> {
        rules::broker_name(&input.broker_name)?;
        let engine = EngineType::of(&input.engine_type)
            .ok_or_else(|| Refusal::bad_request("engineType", "The engine type is invalid."))?;
        mode(engine, &input.deployment_mode)?;
        let version = rules::version(engine, input.engine_version.as_deref())?;
        let instance = rules::instance(engine, &input.host_instance_type, version)?;
        rules::auto_upgrade(engine, version, input.auto_minor_version_upgrade.unwrap_or(true))?;
        let authentication = directory::chosen(
            engine,
            input.authentication_strategy.as_deref(),
            input.ldap_server_metadata.as_ref(),
            &Authentication::Simple,
        )?;
        replication(input)?;
        let storage = storage(engine, instance, input)?;
        if input.creator_request_id.as_ref().is_some_and(|token| !(1..=TOKEN_MAX).contains(&token.len())) {
            let text = format!("A creator request id has 1 to {TOKEN_MAX} bytes.");
            return Err(Refusal::bad_request("creatorRequestId", text));
        }
        let users = input.users.as_deref().unwrap_or_default();
        rules::user_count(engine, users.len())?;
        users.iter().try_for_each(|user| check_user(engine, user))?;
        let tags = input.tags.clone().unwrap_or_default();
        rules::tags(&BTreeMap::new(), &tags)?;
        let network = Network::of(&call.service.settings.account, call.region);
        Ok(Self {
            engine,
            version,
            instance,
            storage,
            encryption: encryption(input.encryption_options.as_ref())?,
            window: match &input.maintenance_window_start_time {
                Some(asked) => window::of_input(asked)?,
                None => window::random(&call.service.random),
            },
            logs: logs(engine, input.logs.as_ref())?,
            authentication,
            subnets: subnets(engine, input, &network)?,
            groups: groups(engine, input, &network)?,
            tags,
        })
    }

    fn broker(
        &self,
        call: &Call<'_>,
        input: &CreateBrokerRequest,
        id: &str,
        configuration: ConfigurationUse,
        users: &BTreeMap<String, Account>,
    ) -> Broker {
        let user = |(name, account): (&String, &Account)| {
            (name.clone(), UserRecord { current: Some(account.clone()), awaited: None })
        };
        Broker {
            region: call.region.to_owned(),
            id: id.to_owned(),
            name: input.broker_name.clone(),
            engine: self.engine,
            created_ms: call.now_ms,
            state: BrokerState::Creating,
            incarnation: 1,
            is_public: input.publicly_accessible,
            storage_type: self.storage,
            subnet_ids: self.subnets.clone(),
            encryption: self.encryption.clone(),
            has_auto_upgrade: input.auto_minor_version_upgrade.unwrap_or(true),
            window_changes_ms: Vec::new(),
            next_window_ms: window::next_ms(&self.window, call.now_ms),
            window: self.window.clone(),
            security_groups: self.groups.clone(),
            tags: self.tags.clone(),
            settings: Settings {
                engine_version: self.version.patch.to_owned(),
                instance_type: self.instance.name.to_owned(),
                configuration,
                logs: self.logs,
                authentication: self.authentication.clone(),
            },
            pending: Pending::default(),
            history: Vec::new(),
            users: users.iter().map(user).collect(),
            endpoints: Vec::new(),
        }
    }
}

fn mode(engine: EngineType, mode: &str) -> Result<(), Refusal> {
    let is_engines = match engine {
        EngineType::ActiveMq => mode != "CLUSTER_MULTI_AZ",
        EngineType::RabbitMq => mode != "ACTIVE_STANDBY_MULTI_AZ",
    };
    if !is_engines {
        let text =
            format!("Broker engine type [{}] does not support deployment mode [{mode}].", engine.mixed());
        return Err(Refusal::bad_request("deploymentMode", text));
    }
    if mode == "SINGLE_INSTANCE" {
        return Ok(());
    }
    let text = format!(
        "Deployment mode [{mode}] is not there yet: this version runs single instances only. Use [SINGLE_INSTANCE]."
    );
    Err(Refusal::bad_request("deploymentMode", text))
}

fn replication(input: &CreateBrokerRequest) -> Result<(), Refusal> {
    let is_asked = input.data_replication_mode.as_deref() == Some("CRDR");
    if input.data_replication_primary_broker_arn.is_some() && !is_asked {
        let text = "A primary broker is for data replication mode [CRDR].";
        return Err(Refusal::bad_request("dataReplicationPrimaryBrokerArn", text));
    }
    if !is_asked {
        return Ok(());
    }
    let text =
        "Data replication mode [CRDR] is not there yet: this version has no replicas in other regions.";
    Err(Refusal::bad_request("dataReplicationMode", text))
}

fn storage(
    engine: EngineType,
    instance: &InstanceType,
    input: &CreateBrokerRequest,
) -> Result<StorageType, Refusal> {
    let default = if engine == EngineType::RabbitMq { StorageType::Ebs } else { StorageType::Efs };
    let asked = input.storage_type.as_deref().and_then(StorageType::of).unwrap_or(default);
    if !instance.storage_types.contains(&asked) {
        let text = format!(
            "Broker engine type [{}] with host instance type [{}] does not support storage type [{}].",
            engine.mixed(),
            instance.name,
            asked.lower().to_uppercase()
        );
        return Err(Refusal::bad_request("storageType", text));
    }
    if input.storage_size.is_some() {
        let text = "A storage size is for RabbitMQ brokers of version 4.2 and later with deployment mode \
                    [CLUSTER_MULTI_AZ].";
        return Err(Refusal::bad_request("storageSize", text));
    }
    Ok(asked)
}

fn check_user(engine: EngineType, user: &User) -> Result<(), Refusal> {
    rules::username(engine, &user.username)?;
    password::check(&user.password)?;
    let groups = user.groups.as_deref().unwrap_or_default();
    if engine == EngineType::RabbitMq && !groups.is_empty() {
        return Err(Refusal::bad_request("groups", "Groups are for users of ActiveMQ brokers."));
    }
    if user.replication_user == Some(true) {
        let text = "A replication user is for data replication mode [CRDR], which is not there yet.";
        return Err(Refusal::bad_request("replicationUser", text));
    }
    rules::groups(groups)
}

fn accounts(call: &Call<'_>, users: &[User]) -> Result<BTreeMap<String, Account>, Refusal> {
    let mut accounts = BTreeMap::new();
    for user in users {
        let name = user.username.clone();
        let account = Account {
            password_hash: password::hash(&user.password, &call.service.random)?,
            has_console: user.console_access.unwrap_or(false),
            groups: user.groups.clone().unwrap_or_default(),
            is_replication: false,
        };
        if accounts.insert(name.clone(), account).is_some() {
            return Err(Refusal::bad_request("users", format!("User [{}] is there twice.", shown(&name))));
        }
    }
    Ok(accounts)
}

fn encryption(options: Option<&EncryptionOptions>) -> Result<Encryption, Refusal> {
    match options {
        None => Ok(Encryption { uses_own_key: true }),
        Some(options) if options.use_aws_owned_key && options.kms_key_id.is_some() => {
            let text = "Specify either an own key of the service or a KMS key, not both.";
            Err(Refusal::bad_request("encryptionOptions", text))
        }
        Some(options) if options.use_aws_owned_key => Ok(Encryption { uses_own_key: true }),
        Some(_) => {
            let text = "KMS keys are not there yet: set [useAwsOwnedKey] to [true], then the service makes a key for \
                        the broker.";
            Err(Refusal::bad_request("encryptionOptions", text))
        }
    }
}

pub(super) fn logs(engine: EngineType, asked: Option<&ternmq_api::mq::Logs>) -> Result<Logs, Refusal> {
    let general = asked.and_then(|logs| logs.general).unwrap_or(false);
    let audit = asked.and_then(|logs| logs.audit);
    match engine {
        EngineType::RabbitMq if audit.is_some() => {
            let text = "Logs cannot be set to [audit] for broker engine type [RabbitMQ].";
            Err(Refusal::bad_request("logs", text))
        }
        EngineType::RabbitMq => Ok(Logs { general, audit: None }),
        EngineType::ActiveMq => Ok(Logs { general, audit: Some(audit.unwrap_or(false)) }),
    }
}

/// Public RabbitMQ brokers are in no network of the caller's.
fn is_outside(engine: EngineType, input: &CreateBrokerRequest) -> bool {
    engine == EngineType::RabbitMq && input.publicly_accessible
}

fn subnets(
    engine: EngineType,
    input: &CreateBrokerRequest,
    network: &Network,
) -> Result<Vec<String>, Refusal> {
    let asked = input.subnet_ids.clone().unwrap_or_default();
    let refuse = |text: String| Err(Refusal::bad_request("subnetIds", text));
    if is_outside(engine, input) {
        if !asked.is_empty() {
            return refuse("A public RabbitMQ broker has no subnets.".into());
        }
        return Ok(asked);
    }
    match asked.as_slice() {
        [] => Ok(network.subnets.first().cloned().into_iter().collect()),
        [one] if network.subnets.contains(one) => Ok(asked),
        [one] => refuse(format!(
            "Subnet [{}] does not exist. The subnets of this region: [{}].",
            shown(one),
            network.subnets.join(", ")
        )),
        _ => refuse("Specify exactly one subnet for deployment mode [SINGLE_INSTANCE].".into()),
    }
}

fn groups(
    engine: EngineType,
    input: &CreateBrokerRequest,
    network: &Network,
) -> Result<Vec<String>, Refusal> {
    let asked = input.security_groups.clone().unwrap_or_default();
    if is_outside(engine, input) {
        if !asked.is_empty() {
            let text = "A public RabbitMQ broker has no security groups.";
            return Err(Refusal::bad_request("securityGroups", text));
        }
        return Ok(asked);
    }
    if asked.is_empty() {
        return Ok(vec![network.default_group.clone()]);
    }
    group_count(&asked)?;
    Ok(asked)
}

fn group_count(asked: &[String]) -> Result<(), Refusal> {
    if (1..=SECURITY_GROUPS_MAX).contains(&asked.len()) {
        return Ok(());
    }
    let text = format!("A broker has 1 to {SECURITY_GROUPS_MAX} security groups.");
    Err(Refusal::bad_request("securityGroups", text))
}

/// The groups that a broker is to have from now on.
pub(super) fn security_groups(call: &Call<'_>, change: &Change, asked: &[String]) -> Result<(), Failure> {
    group_count(asked)?;
    are_there(call, change, asked)
}

/// In the change that makes use of them, so that none is deleted meanwhile.
fn are_there(call: &Call<'_>, change: &Change, groups: &[String]) -> Result<(), Failure> {
    let network = Network::of(&call.service.settings.account, call.region);
    for group in groups {
        if network.group(change, group)?.is_none() {
            let text = format!(
                "Security group [{}] does not exist. The default security group of this region: [{}].",
                shown(group),
                network.default_group
            );
            return Err(Refusal::bad_request("securityGroups", text).into());
        }
    }
    Ok(())
}

/// Hash of the input without what is secret: a password's hash must not be a fast one.
fn fingerprint(call: &Call<'_>) -> String {
    let mut input = crate::audit::masked(&Value::Object(call.input.clone()));
    if let Some(members) = input.as_object_mut() {
        members.remove("creatorRequestId");
    }
    let hash = digest(&SHA256, input.to_string().as_bytes());
    hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the caller's token has created already.
fn created_before(
    call: &Call<'_>,
    change: &Change,
    token: Option<&str>,
    fingerprint: &str,
) -> Result<Option<String>, Failure> {
    let Some(token) = token else { return Ok(None) };
    match change.get::<CreatorToken>(&CreatorToken::key_of(call.region, token))? {
        None => Ok(None),
        Some(known) if known.fingerprint == fingerprint => Ok(Some(known.id)),
        Some(known) => {
            let text = format!(
                "The creator request id was used for broker [{}] with other parameters. Use a new one.",
                known.id
            );
            Err(Refusal::conflict("creatorRequestId", text).into())
        }
    }
}

fn check_room(call: &Call<'_>, change: &Change, name: &str) -> Result<(), Failure> {
    let brokers: Vec<Broker> = change.scan(&Broker::prefix(call.region), "", BROKERS_MAX + 1)?;
    if let Some(other) = brokers.iter().find(|broker| broker.name == name) {
        let text = format!("Broker name [{name}] is in use by broker [{}]. Choose another one.", other.id);
        return Err(Refusal::conflict("brokerName", text).into());
    }
    if brokers.len() >= BROKERS_MAX {
        let text = format!(
            "The account has {BROKERS_MAX} brokers in this region, which is the most. Delete one first."
        );
        return Err(Refusal::bad_request("", text).into());
    }
    Ok(())
}

/// The revision that is asked for. This operation has no error for what is not found.
fn chosen(
    call: &Call<'_>,
    change: &Change,
    checked: &Checked,
    asked: &ConfigurationId,
) -> Result<ConfigurationUse, Failure> {
    let chosen = texts::choose(
        call,
        change,
        asked,
        checked.engine,
        checked.version,
        checked.instance,
        &checked.authentication,
    );
    chosen.map_err(|failure| match failure {
        Failure::Refused(refusal) if refusal.status == 404 => {
            Refusal::bad_request("configuration", refusal.message).into()
        }
        other => other,
    })
}
