//! A broker as it is wanted, and as far as it is so.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ternmq_fleet::NodeSpec;

use crate::catalogue::{EngineType, StorageType};
use crate::records::Authentication;
use crate::store::Record;

/// A broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Broker {
    pub region: String,
    /// `b-<uuid>`.
    pub id: String,
    pub name: String,
    pub engine: EngineType,
    /// Milliseconds since 1970.
    pub created_ms: u64,
    pub state: BrokerState,
    /// Raised by each reboot: what the node is to have been started for.
    pub incarnation: u64,
    pub is_public: bool,
    pub storage_type: StorageType,
    pub subnet_ids: Vec<String>,
    pub encryption: Encryption,
    /// Whether patches are applied by themselves.
    pub has_auto_upgrade: bool,
    pub window: Window,
    /// When the window was changed, since it last began; milliseconds since 1970.
    pub window_changes_ms: Vec<u64>,
    /// When pending changes are applied next; milliseconds since 1970.
    pub next_window_ms: u64,
    pub security_groups: Vec<String>,
    pub tags: BTreeMap<String, String>,
    /// What the node runs with; of a broker that is being created, what it will.
    pub settings: Settings,
    /// What waits for a reboot or the window.
    pub pending: Pending,
    /// Configurations that it had, oldest first.
    pub history: Vec<ConfigurationUse>,
    pub users: BTreeMap<String, UserRecord>,
    /// Where clients connect, as the node reported it.
    pub endpoints: Vec<Endpoint>,
}

/// What can be changed and takes effect with a reboot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// With its patch.
    pub engine_version: String,
    pub instance_type: String,
    pub configuration: ConfigurationUse,
    pub logs: Logs,
    #[serde(default)]
    pub authentication: Authentication,
}

/// The settings that wait.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pending {
    pub engine_version: Option<String>,
    pub instance_type: Option<String>,
    pub configuration: Option<ConfigurationUse>,
    pub logs: Option<Logs>,
    #[serde(default)]
    pub authentication: Option<Authentication>,
}

/// A revision of a configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ConfigurationUse {
    pub id: String,
    pub revision: u32,
}

/// Which logs are kept for reading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Logs {
    pub general: bool,
    /// Absent: not a thing of the engine.
    pub audit: Option<bool>,
}

/// With which key data at rest is encrypted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Encryption {
    pub uses_own_key: bool,
}

/// The weekly maintenance window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Window {
    /// `MONDAY`.
    pub day: String,
    /// `HH:MM`.
    pub time: String,
    /// Name or offset of a time zone.
    pub zone: String,
}

/// Where the workflow of a broker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum BrokerState {
    #[serde(rename = "CREATION_IN_PROGRESS")]
    Creating,
    #[serde(rename = "CREATION_FAILED")]
    CreationFailed,
    #[serde(rename = "RUNNING")]
    Running,
    #[serde(rename = "REBOOT_IN_PROGRESS")]
    Rebooting,
    #[serde(rename = "DELETION_IN_PROGRESS")]
    Deleting,
}

impl BrokerState {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Creating => "CREATION_IN_PROGRESS",
            Self::CreationFailed => "CREATION_FAILED",
            Self::Running => "RUNNING",
            Self::Rebooting => "REBOOT_IN_PROGRESS",
            Self::Deleting => "DELETION_IN_PROGRESS",
        }
    }
}

/// A user as it is and as it will be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UserRecord {
    /// What the node knows; absent until it was first applied.
    pub current: Option<Account>,
    /// What waits for a reboot.
    pub awaited: Option<AwaitedUser>,
}

/// A change of a user that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum AwaitedUser {
    Create(Account),
    Update(Account),
    Delete,
}

impl AwaitedUser {
    /// The kind of the change, in the model's words.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Create(_) => "CREATE",
            Self::Update(_) => "UPDATE",
            Self::Delete => "DELETE",
        }
    }
}

/// What a user may and how it proves itself. Of a password only the hash is kept (S2, S11).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Account {
    pub password_hash: String,
    pub has_console: bool,
    pub groups: Vec<String>,
    pub is_replication: bool,
}

/// A listener of the node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Endpoint {
    /// Name of the listener: `amqps`.
    pub listener: String,
    pub port: u16,
}

impl Broker {
    /// Beginning of the keys of a region's brokers.
    pub(crate) fn prefix(region: &str) -> String {
        format!("broker/{region}/")
    }

    pub(crate) fn key_of(region: &str, id: &str) -> String {
        format!("broker/{region}/{id}")
    }

    /// The settings that a reboot brings.
    pub(crate) fn awaited_settings(&self) -> Settings {
        let pending = self.pending.clone();
        let now = self.settings.clone();
        Settings {
            engine_version: pending.engine_version.unwrap_or(now.engine_version),
            instance_type: pending.instance_type.unwrap_or(now.instance_type),
            configuration: pending.configuration.unwrap_or(now.configuration),
            logs: pending.logs.unwrap_or(now.logs),
            authentication: pending.authentication.unwrap_or(now.authentication),
        }
    }

    /// Whether a reboot would change anything.
    pub(crate) fn has_pending(&self) -> bool {
        self.pending != Pending::default() || self.users.values().any(|user| user.awaited.is_some())
    }

    /// Makes what waited true: the workflow calls it once the node runs so.
    pub(crate) fn settle(&mut self) {
        let settings = self.awaited_settings();
        if settings.configuration != self.settings.configuration {
            self.history.push(self.settings.configuration.clone());
        }
        self.settings = settings;
        self.pending = Pending::default();
        self.users.retain(|_, user| !matches!(user.awaited, Some(AwaitedUser::Delete)));
        for user in self.users.values_mut() {
            if let Some(AwaitedUser::Create(account) | AwaitedUser::Update(account)) = user.awaited.take() {
                user.current = Some(account);
            }
        }
    }

    /// Whether it has, had pending, or waits for a configuration. Old ones of the history do not count.
    pub(crate) fn uses(&self, configuration: &str) -> bool {
        let pending = self.pending.configuration.as_ref();
        self.settings.configuration.id == configuration || pending.is_some_and(|it| it.id == configuration)
    }
}

impl Record for Broker {
    const VERSION: u8 = 1;

    fn key(&self) -> String {
        Self::key_of(&self.region, &self.id)
    }
}

/// What the node of a broker was started with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunningSpec {
    pub region: String,
    pub broker: String,
    pub spec: NodeSpec,
}

impl RunningSpec {
    pub(crate) fn key_of(region: &str, broker: &str) -> String {
        format!("running/{region}/{broker}")
    }
}

impl Record for RunningSpec {
    const VERSION: u8 = 1;

    fn key(&self) -> String {
        Self::key_of(&self.region, &self.broker)
    }
}
