//! What a node is to be.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::FleetError;
use crate::name::NodeName;
use crate::network::Cidr;

/// Longest text of a configuration in bytes, as a node reads it.
const CONFIGURATION_MAX_BYTES: usize = 1 << 20;
/// Most names in a certificate.
const HOST_NAMES_MAX: usize = 100;
/// Longest host name (RFC 1035 2.3.4).
const HOST_NAME_MAX_BYTES: usize = 253;
/// Most rules of all security groups of a node.
const RULES_MAX: usize = 1_000;

/// Whose ways a node follows, and so which listeners it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    /// RabbitMQ: listeners `amqps` and `https`.
    RabbitMq,
    /// ActiveMQ: listeners `openwires`, `amqps`, `stomps`, `mqtts`, `wss` and `https`.
    ActiveMq,
}

/// A listener that a managed node has. All of them speak TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ManagedListener {
    /// Name, as in `--listen`.
    pub(crate) name: &'static str,
    /// The port at which the service that we stand for has it; rules speak of that one, whatever port the node got.
    pub(crate) service_port: u16,
}

impl Engine {
    pub(crate) const fn listeners(self) -> &'static [ManagedListener] {
        const fn at(name: &'static str, service_port: u16) -> ManagedListener {
            ManagedListener { name, service_port }
        }
        const RABBITMQ: [ManagedListener; 2] = [at("amqps", 5_671), at("https", 443)];
        const ACTIVEMQ: [ManagedListener; 6] = [
            at("openwires", 61_617),
            at("amqps", 5_671),
            at("stomps", 61_614),
            at("mqtts", 8_883),
            at("wss", 61_619),
            at("https", 8_162),
        ];
        match self {
            Self::RabbitMq => &RABBITMQ,
            Self::ActiveMq => &ACTIVEMQ,
        }
    }

    /// Names of the listeners that a node of this engine has.
    pub fn listener_names(self) -> impl Iterator<Item = &'static str> {
        self.listeners().iter().map(|listener| listener.name)
    }
}

/// From where a node can be reached at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    /// Binds 127.0.0.1: from this machine.
    Loopback,
    /// Binds 0.0.0.0: from every network of this machine.
    Public,
}

/// How much a node may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeLimits {
    /// Memory in bytes, the whole from which the marks of the memory alarm are taken (F13); at least 64 MiB.
    pub memory_bytes: u64,
    /// Room for the data in bytes; at least 1 GiB. When it is nearly used up publishers are held back (F4).
    pub storage_bytes: u64,
    /// Connections at once, from 1 to 1,000,000: of each protocol for ActiveMQ, of all together for RabbitMQ.
    pub connections: u32,
}

/// Ports, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortRange {
    /// Least.
    pub from: u16,
    /// Greatest.
    pub to: u16,
}

impl PortRange {
    /// Every port.
    pub const ALL: Self = Self { from: 0, to: u16::MAX };
}

/// What a security group lets in: connections from a block of addresses to listeners whose port is in a range.
///
/// The port of a listener is here the one that the service has it at, not the one that this node got: `amqps` 5671,
/// `https` 443 (RabbitMQ) or 8162 (ActiveMQ), `openwires` 61617, `stomps` 61614, `mqtts` 8883, `wss` 61619. So a group that was written for
/// the service means the same here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptRule {
    /// From where.
    pub source: Cidr,
    /// To which listeners.
    pub ports: PortRange,
}

/// Kinds of logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogKind {
    /// Everything that is in no other one.
    General,
    /// Changes made through the management API, and who was refused.
    Audit,
    /// Connections that came, logged in, went.
    Connection,
}

impl LogKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::General, Self::Audit, Self::Connection];

    /// Its name, also the stem of its file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::Audit => "audit",
            Self::Connection => "connection",
        }
    }
}

/// Which logs are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeLogs {
    /// [`LogKind::General`].
    pub general: bool,
    /// [`LogKind::Audit`].
    pub audit: bool,
    /// [`LogKind::Connection`].
    pub connection: bool,
}

/// Everything that makes a node what it is.
///
/// All but `rules` is read by the node's process when it starts; another value means another process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSpec {
    /// Which node.
    pub name: NodeName,
    /// Whose ways.
    pub engine: Engine,
    /// Version of that engine that the node tells tools, `4.2.1`; none: the node's own choice.
    #[serde(default)]
    pub engine_version: Option<String>,
    /// From where it can be reached.
    pub reach: Reach,
    /// Names in its certificate, beside `localhost` and the loopback addresses: at most 100 host names, or addresses.
    pub host_names: Vec<String>,
    /// Configuration in the form of `rabbitmq.conf`, of ActiveMQ also its XML, at most 1 MiB; may be empty. What the limits say comes after it, and
    /// listeners and certificates that it names are not used.
    pub configuration: String,
    /// The directory of users beside the node's own, if there is one.
    #[serde(default)]
    pub directory: Option<DirectoryText>,
    /// How much it may take.
    pub limits: NodeLimits,
    /// Who is let in. Nobody, if there is no rule: a group that lets everybody in says so with `0.0.0.0/0` (and `::/0`).
    /// Changed while the node runs; whom a new rule would not let in stays if it is connected already. At most 1,000.
    pub rules: Vec<AcceptRule>,
    /// Which logs are written.
    pub logs: NodeLogs,
    /// Which run of the node this is: a greater number than the running one's is a reboot. Never goes down.
    pub incarnation: u64,
}

impl NodeSpec {
    /// Whether the parts are in their ranges; what a node would make of the configuration only a node can tell.
    ///
    /// # Errors
    /// [`FleetError::InvalidSpec`].
    pub fn check(&self) -> Result<(), FleetError> {
        let refuse = |problem: String| Err(FleetError::InvalidSpec { name: self.name.clone(), problem });
        if self.host_names.len() > HOST_NAMES_MAX {
            return refuse(format!("it has more than {HOST_NAMES_MAX} host names"));
        }
        if let Some(wrong) = self.host_names.iter().find(|name| !is_host_name(name)) {
            let shown: String = wrong.chars().take(64).flat_map(char::escape_debug).collect();
            return refuse(format!("'{shown}' is no host name"));
        }
        if self.configuration.len() > CONFIGURATION_MAX_BYTES {
            return refuse(format!("its configuration has more than {CONFIGURATION_MAX_BYTES} bytes"));
        }
        if self.rules.len() > RULES_MAX {
            return refuse(format!("it has more than {RULES_MAX} rules"));
        }
        if self.rules.iter().any(|rule| rule.ports.from > rule.ports.to) {
            return refuse("a rule's range of ports ends before it begins".into());
        }
        let NodeLimits { memory_bytes, storage_bytes, connections } = self.limits;
        if memory_bytes < 64 << 20 {
            return refuse(format!("{memory_bytes} bytes of memory are too few; at least 64 MiB"));
        }
        if storage_bytes < 1 << 30 {
            return refuse(format!("{storage_bytes} bytes of storage are too few; at least 1 GiB"));
        }
        if !(1..=1_000_000).contains(&connections) {
            return refuse(format!("{connections} connections are not in the range from 1 to 1000000"));
        }
        Ok(())
    }

    /// Whether a running node can become this one without a new process.
    #[must_use]
    pub fn differs_in_rules_only(&self, other: &Self) -> bool {
        Self { rules: Vec::new(), ..self.clone() } == Self { rules: Vec::new(), ..other.clone() }
    }
}

/// A DNS name of letters, digits and dashes, or an address.
fn is_host_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.parse::<std::net::IpAddr>().is_ok()
        || text.len() <= HOST_NAME_MAX_BYTES && text.split('.').all(is_label)
}

/// What a node reads of a directory of users: the JSON object of `ternmq broker --directory`, in which there is a password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DirectoryText(String);

impl DirectoryText {
    /// The text.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text, for the file that the node reads.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for DirectoryText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the password (S11).
        f.write_str("DirectoryText(***)")
    }
}

/// A user of a node.
#[derive(Clone, PartialEq, Eq)]
pub struct NodeUser {
    /// Name: 1 to 255 bytes, no control characters.
    pub name: String,
    /// The password's hash in the text of the algorithm `ternmq_password_hashing_argon2id` of the management API.
    pub password_hash: String,
    /// Groups that rules may name.
    pub groups: Vec<String>,
    /// RabbitMQ: the tag `administrator`. ActiveMQ: has access to the console.
    pub is_administrator: bool,
}

impl fmt::Debug for NodeUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the hash (S11).
        f.debug_struct("NodeUser")
            .field("name", &self.name)
            .field("groups", &self.groups)
            .field("is_administrator", &self.is_administrator)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn spec(broker: u8) -> NodeSpec {
        let id = format!("b-00000000-0000-4000-8000-0000000000{broker:02x}");
        NodeSpec {
            name: NodeName::new(&id, 1).unwrap(),
            engine: Engine::RabbitMq,
            engine_version: None,
            reach: Reach::Loopback,
            host_names: vec!["b-1.mq.local".into()],
            configuration: String::new(),
            directory: None,
            limits: NodeLimits { memory_bytes: 1 << 30, storage_bytes: 20 << 30, connections: 100 },
            rules: vec![AcceptRule { source: Cidr::ALL_V4, ports: PortRange::ALL }],
            logs: NodeLogs::default(),
            incarnation: 1,
        }
    }

    #[test]
    fn what_is_out_of_range_is_refused() {
        spec(1).check().unwrap();
        type Change = fn(&mut NodeSpec);
        let change: [(Change, &str); 8] = [
            (|it| it.host_names = vec!["a b".into()], "'a b' is no host name"),
            (|it| it.host_names = vec!["a".into(); 101], "more than 100 host names"),
            (|it| it.configuration = "#".repeat((1 << 20) + 1), "configuration has more than"),
            (|it| it.rules = vec![it.rules[0]; 1_001], "more than 1000 rules"),
            (|it| it.rules[0].ports = PortRange { from: 2, to: 1 }, "ends before it begins"),
            (|it| it.limits.memory_bytes = 1, "at least 64 MiB"),
            (|it| it.limits.storage_bytes = 1, "at least 1 GiB"),
            (|it| it.limits.connections = 0, "not in the range from 1 to 1000000"),
        ];
        for (change, expect) in change {
            let mut wrong = spec(1);
            change(&mut wrong);
            let error = wrong.check().unwrap_err();
            assert!(error.to_string().contains(expect), "{error}");
        }
    }

    #[test]
    fn rules_alone_need_no_new_process() {
        let (one, mut other) = (spec(1), spec(1));
        other.rules.clear();
        assert!(one.differs_in_rules_only(&other));
        other.incarnation = 2;
        assert!(!one.differs_in_rules_only(&other));
    }

    #[test]
    fn a_hash_is_not_shown() {
        let user = NodeUser {
            name: "u".into(),
            password_hash: "secret".into(),
            groups: Vec::new(),
            is_administrator: false,
        };
        assert!(!format!("{user:?}").contains("secret"));
    }
}
