//! What a configuration file can set. Absent: the broker's own default counts.

use std::{collections::BTreeMap, fmt};

use zeroize::Zeroizing;

use crate::listeners::{self, Listeners};

/// A password from the file: no text form on purpose (S11), overwritten when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<String>);

impl Password {
    pub(crate) fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text, for the one place that hashes it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(hidden)")
    }
}

/// Memory at which publishers are held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryLimit {
    /// Thousandths of the machine's memory.
    Permille(u32),
    /// Bytes.
    Bytes(u64),
}

/// Free disk space at which publishers are held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FreeDiskLimit {
    /// Thousandths of the machine's memory, as the vendor has it; may be above 1,000.
    PermilleOfMemory(u32),
    /// Bytes.
    Bytes(u64),
}

/// A time that may be without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeout {
    /// Never.
    Never,
    /// After so many ms.
    AfterMs(u64),
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// Everything.
    Debug,
    /// What happens.
    Info,
    /// What may be wrong.
    Warning,
    /// What is wrong.
    Error,
    /// Nothing.
    None,
}

/// Patterns of names that the default user may configure, write to and read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permissions {
    /// Configure.
    pub configure: String,
    /// Write.
    pub write: String,
    /// Read.
    pub read: String,
}

impl Default for Permissions {
    fn default() -> Self {
        Self { configure: ".*".to_owned(), write: ".*".to_owned(), read: ".*".to_owned() }
    }
}

/// The user that a new, empty broker gets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DefaultUser {
    /// Name.
    pub name: Option<String>,
    /// Password.
    pub password: Option<Password>,
    /// Tags; absent: `administrator`.
    pub tags: Option<Vec<String>>,
    /// What it may do.
    pub permissions: Permissions,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TlsVersion {
    /// 1.2.
    V1_2,
    /// 1.3.
    V1_3,
}

/// Which part of a client's certificate names its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateLogin {
    /// The whole subject.
    DistinguishedName,
    /// Its common name.
    CommonName,
    /// An alternative name.
    AlternativeName,
}

/// A kind of alternative name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SanKind {
    /// DNS name.
    Dns,
    /// Mail address.
    Email,
    /// URI.
    Uri,
}

/// What a file says of TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// CAs whose clients are trusted.
    pub ca_file: Option<String>,
    /// Certificate with its chain.
    pub certificate_file: Option<String>,
    /// Its key.
    pub key_file: Option<String>,
    /// Clients are asked for a certificate.
    pub is_peer_verified: Option<bool>,
    /// Nobody comes in without one.
    pub is_certificate_required: Option<bool>,
    /// Lowest version named.
    pub least: Option<TlsVersion>,
    /// Highest version named.
    pub most: Option<TlsVersion>,
    /// Most certificates between a client's and its CA.
    pub max_intermediates: Option<u8>,
}

impl TlsSettings {
    fn check(&self, prefix: &str) -> Result<(), String> {
        let is_verified = self.is_peer_verified == Some(true);
        if self.is_certificate_required == Some(true) && !is_verified {
            return Err(format!("{prefix}.fail_if_no_peer_cert needs {prefix}.verify = verify_peer"));
        }
        if is_verified && self.ca_file.is_none() {
            return Err(format!("{prefix}.verify = verify_peer needs {prefix}.cacertfile"));
        }
        match (&self.certificate_file, &self.key_file) {
            (Some(_), None) => Err(format!("{prefix}.certfile needs {prefix}.keyfile")),
            (None, Some(_)) => Err(format!("{prefix}.keyfile needs {prefix}.certfile")),
            _ => Ok(()),
        }
    }
}

/// All that a file can set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// Listeners of messages, by the name that `--listen` has for them (`amqp`, `stomps`). Absent: the default one.
    pub listeners: BTreeMap<&'static str, Listeners>,
    /// TLS of the listeners of messages.
    pub tls: TlsSettings,
    /// TLS of the http listener; where it names no certificate, that of the others counts.
    pub http_tls: TlsSettings,
    /// Address of the http listener with TLS.
    pub https_address: Option<std::net::IpAddr>,
    /// Port of the http listener with TLS.
    pub https_port: Option<u16>,
    /// Time in ms for a TLS handshake.
    pub tls_handshake_timeout_ms: Option<u64>,
    /// Which part of a certificate names a user.
    pub certificate_login: Option<CertificateLogin>,
    /// Kind of alternative name, where one counts.
    pub san_kind: Option<SanKind>,
    /// Its place.
    pub san_index: Option<u32>,
    /// Ways to log in; empty: the default ones.
    pub mechanisms: Vec<String>,
    /// Connections begin with the header of a proxy.
    pub is_proxied: bool,
    /// Address and port of the management API.
    pub http_address: Option<std::net::IpAddr>,
    /// Port of the management API.
    pub http_port: Option<u16>,
    /// Namespace of a new, empty broker.
    pub default_vhost: Option<String>,
    /// User of a new, empty broker.
    pub default_user: DefaultUser,
    /// Name that the node tells clients and people; absent: the node's own.
    pub cluster_name: Option<String>,
    /// Memory alarm.
    pub memory_limit: Option<MemoryLimit>,
    /// Disk alarm.
    pub disk_free_limit: Option<FreeDiskLimit>,
    /// Heartbeat proposed to clients in s; 0 for none.
    pub heartbeat_s: Option<u16>,
    /// Longest frame in bytes that is agreed to.
    pub frame_max_bytes: Option<u32>,
    /// Most channels of a connection.
    pub channel_max: Option<u16>,
    /// Longest message in bytes.
    pub max_message_bytes: Option<u64>,
    /// Age at which an unsettled delivery closes its channel.
    pub consumer_timeout: Option<Timeout>,
    /// Most connections of the node.
    pub connection_max: Option<u32>,
    /// Time in ms that a client has to log in.
    pub handshake_timeout_ms: Option<u64>,
    /// Most consumers of a channel.
    pub channel_max_consumers: Option<u32>,
    /// Most queues of the node.
    pub max_queues: Option<u32>,
    /// Time in ms after which a client that takes none of its output is cut off.
    pub stall_ms: Option<u64>,
    /// Least level of log lines.
    pub log_level: Option<LogLevel>,
    /// The log is JSON.
    pub is_log_json: Option<bool>,
    /// Definition file, or directory of such files, to load at the start.
    pub load_definitions: Option<String>,
    /// As `load_definitions`, after it.
    pub local_definitions: Option<String>,
    /// Sockets of AMQP.
    pub tcp: TcpOptions,
    /// MQTT.
    pub mqtt: crate::mqtt::MqttSettings,
    /// STOMP.
    pub stomp: crate::stomp::StompSettings,
    /// User that clients of AMQP 1.0 without a login stand for.
    pub anonymous: Anonymous,
    pub(crate) legacy_http_address: Option<std::net::IpAddr>,
    pub(crate) legacy_http_port: Option<u16>,
    pub(crate) file_log_level: Option<LogLevel>,
    pub(crate) default_log_level: Option<LogLevel>,
    pub(crate) is_file_log_json: Option<bool>,
}

/// What a file says of sockets. Absent: the broker's default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpOptions {
    /// Length of the accept queue.
    pub backlog: Option<u32>,
    /// Small packets go out at once.
    pub is_nodelay: Option<bool>,
    /// The system probes idle connections.
    pub is_keepalive: Option<bool>,
    /// Send buffer of a socket in bytes.
    pub send_buffer_bytes: Option<u32>,
    /// Receive buffer of a socket in bytes.
    pub receive_buffer_bytes: Option<u32>,
}

impl Settings {
    /// Takes older and lesser keys where the keys that come before them say nothing.
    pub(crate) fn settle(&mut self) {
        if self.http_address.is_none() && self.http_port.is_none() {
            self.http_address = self.legacy_http_address;
            self.http_port = self.legacy_http_port;
        }
        let of_log = self.log_level.or(self.file_log_level);
        self.log_level = match self.default_log_level {
            None => of_log,
            Some(least) => Some(of_log.unwrap_or(least).max(least)),
        };
        self.is_log_json = self.is_log_json.or(self.is_file_log_json);
    }

    /// Rules that hold between keys.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.tls.check("ssl_options")?;
        self.http_tls.check("management.ssl")?;
        if self.tls.certificate_file.is_none()
            && let Some(keys) = listeners::open_with_tls(&self.listeners).next()
        {
            return Err(format!("{keys} needs ssl_options.certfile and ssl_options.keyfile"));
        }
        self.mqtt.check()?;
        if self.anonymous.name.is_some() && self.anonymous.password.is_none() {
            return Err("anonymous_login_user needs anonymous_login_pass: there is no default account (S1)"
                .to_owned());
        }
        match (&self.default_user.name, &self.default_user.password) {
            (Some(_), None) => {
                Err("default_user needs default_pass: there is no default password (S1)".to_owned())
            }
            (None, Some(_)) => {
                Err("default_pass needs default_user: there is no default account (S1)".to_owned())
            }
            _ => Ok(()),
        }
    }
}

/// A user whom clients may stand for without a login.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Anonymous {
    /// Name; absent: nobody comes without a login.
    pub name: Option<String>,
    /// Password.
    pub password: Option<Password>,
}
