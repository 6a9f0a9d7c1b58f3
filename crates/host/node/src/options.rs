//! What a person may say about a node when starting it. The names are stable: people and tests script them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use ternmq_net::{ClientAuth, LoginFrom, Network, TlsVersion};
use thiserror::Error;

use crate::logging::LogFormat;

/// Every listener name that the command line knows, also those that this version cannot serve.
pub const LISTENER_NAMES: [&str; 13] = [
    "amqp",
    "amqps",
    "mqtt",
    "mqtts",
    "stomp",
    "stomps",
    "openwire",
    "openwires",
    "ws",
    "wss",
    "http",
    "https",
    "any",
];

/// Which vendor's ways a node follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EngineType {
    /// Every protocol there is.
    #[default]
    All,
    /// RabbitMQ's.
    RabbitMq,
    /// ActiveMQ's.
    ActiveMq,
}

/// One `--listen NAME=ADDR:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// One of [`LISTENER_NAMES`].
    pub name: String,
    /// Where; port 0 picks a free one.
    pub address: SocketAddr,
}

/// Why a text is no [`Listen`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ListenError {
    /// No `=`.
    #[error("expected NAME=ADDR:PORT, for example amqp=127.0.0.1:5672")]
    NoName,
    /// A name that is none.
    #[error("there is no listener '{0}'; the names are {list}", list = LISTENER_NAMES.join(", "))]
    UnknownName(String),
    /// Not an address.
    #[error("'{0}' is not ADDR:PORT with a numeric address, for example 127.0.0.1:5672 or [::1]:5672")]
    BadAddress(String),
}

impl FromStr for Listen {
    type Err = ListenError;

    fn from_str(text: &str) -> Result<Self, ListenError> {
        let (name, address) = text.split_once('=').ok_or(ListenError::NoName)?;
        if !LISTENER_NAMES.contains(&name) {
            return Err(ListenError::UnknownName(name.chars().take(64).collect()));
        }
        let bad = || ListenError::BadAddress(address.chars().take(64).collect());
        Ok(Self { name: name.into(), address: address.parse().map_err(|_| bad())? })
    }
}

/// The first administrator, as given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// Name.
    pub user: String,
    /// File with the password.
    pub password_file: PathBuf,
}

/// What is said about TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFlags {
    /// Files of certificates to show; the first one is the default.
    pub certificates: Vec<PathBuf>,
    /// Their keys, in the same order.
    pub keys: Vec<PathBuf>,
    /// File of CAs whose clients are trusted.
    pub client_ca: Option<PathBuf>,
    /// What clients have to show; absent: a certificate is wanted if there is a CA for it.
    pub client_auth: Option<ClientAuth>,
    /// Least version.
    pub least: TlsVersion,
    /// Clients may log in by certificate, and this part of it names the user.
    pub login_from: Option<LoginFrom>,
    /// Make a CA and a certificate for development.
    pub is_self_signed: bool,
}

/// What is said about encryption at rest (S13).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncryptionFlags {
    /// File with the key; absent: nothing is encrypted.
    pub key_file: Option<PathBuf>,
    /// File with the key before it, while keys are changed.
    pub old_key_file: Option<PathBuf>,
    /// What is encrypted is read, and nothing new is encrypted.
    pub is_decrypt_only: bool,
}

/// Version of RabbitMQ that tools take a node for unless it is told another one.
pub const COMPATIBLE_VERSION: &str = "3.13.7";

/// How much room on the disk a node takes before it has anything to keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Footprint {
    /// Two segments of 64 MiB and the reserve of F4: some 385 MiB.
    #[default]
    Standard,
    /// Two segments of 4 MiB and a reserve of 16 MiB: some 24 MiB. Steady load of large messages changes segments more
    /// often, and less can be settled once the disk is full.
    Small,
}

/// How much a node may take; absent: as the configuration file says, or the machine has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// Memory in bytes from which the marks of the memory alarm are taken (F13).
    pub memory_bytes: Option<u64>,
    /// Room for the data directory in bytes (F4).
    pub storage_bytes: Option<u64>,
    /// Connections of the node at once.
    pub connections: Option<u32>,
    /// Connections of each listener at once.
    pub listener_connections: Option<u32>,
    /// Room that is taken from the start. A data directory that is there keeps its size of segments.
    pub footprint: Footprint,
}

/// Kinds of log files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogKind {
    /// What is in no other one.
    General,
    /// Changes through the management API, and who was refused there.
    Audit,
    /// Connections that come, log in, go, or are refused.
    Connection,
}

/// Log files instead of standard error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFiles {
    /// Where they are.
    pub dir: PathBuf,
    /// Which are written.
    pub kinds: Vec<LogKind>,
}

/// The local channel to the service that runs this node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlOptions {
    /// Path of the Unix socket.
    pub socket: PathBuf,
    /// By what name the service knows this node.
    pub node_name: String,
    /// Which run of the node this is.
    pub incarnation: u64,
}

/// Options of `ternmq broker`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerOptions {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Temporary data, and every port 0 unless one is named.
    pub is_ephemeral: bool,
    /// Vendor's ways.
    pub engine: EngineType,
    /// Version of that vendor's engine that tools are told; absent: [`COMPATIBLE_VERSION`].
    pub engine_version: Option<String>,
    /// Vendor configuration file.
    pub config: Option<PathBuf>,
    /// File that says which directory has users beside the node's own.
    pub directory: Option<PathBuf>,
    /// Listeners that were named; the others have their defaults.
    pub listen: Vec<Listen>,
    /// There are no others: neither those of the configuration file nor the usual ones.
    pub is_listen_complete: bool,
    /// File that says from which networks each listener lets connections in; absent: from everywhere.
    pub accept_file: Option<PathBuf>,
    /// How much the node may take.
    pub bounds: Bounds,
    /// Log files; absent: the log goes to standard error.
    pub logs: Option<LogFiles>,
    /// Set when a service runs this node: it makes the users, so there is no first administrator.
    pub control: Option<ControlOptions>,
    /// Where to write which port each listener got.
    pub ports_file: Option<PathBuf>,
    /// First administrator.
    pub login: Option<Login>,
    /// Form of the log; absent: as the configuration file says.
    pub log_format: Option<LogFormat>,
    /// TLS.
    pub tls: TlsFlags,
    /// Proxies: who connects from there begins with a header that says for whom (S1).
    pub proxies: Vec<Network>,
    /// Pages that may connect through a WebSocket; none: those of the host that they connect to.
    pub origins: Vec<String>,
    /// Number of shards.
    pub shards: u16,
    /// Encryption at rest.
    pub encryption: EncryptionFlags,
    /// Start although a part of the journal that a start has to read is damaged.
    pub accepts_damage: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let answer = text.parse::<Listen>().map_or_else(|error| error.to_string(), |it| format!("{it:?}"));
        assert_eq!(answer, expect, "{text:?}");
    }

    #[test]
    fn listen_texts() {
        check("amqp=127.0.0.1:0", r#"Listen { name: "amqp", address: 127.0.0.1:0 }"#);
        check("http=[::1]:15672", r#"Listen { name: "http", address: [::1]:15672 }"#);
        check("amqp", "expected NAME=ADDR:PORT, for example amqp=127.0.0.1:5672");
        check(
            "amqp=localhost:1",
            "'localhost:1' is not ADDR:PORT with a numeric address, for example 127.0.0.1:5672 or [::1]:5672",
        );
        check(
            "gopher=1.2.3.4:1",
            "there is no listener 'gopher'; the names are amqp, amqps, mqtt, mqtts, stomp, stomps, openwire, openwires, ws, wss, http, https, any",
        );
    }
}
