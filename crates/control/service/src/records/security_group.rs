//! Security groups: who may connect to the brokers that have them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use ternmq_fleet::{AcceptRule, Cidr, PortRange};

use crate::store::Record;

/// A security group. The built-in one of a region is kept only once it was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SecurityGroup {
    pub region: String,
    /// `sg-` and 17 hex digits.
    pub id: String,
    pub name: String,
    pub description: String,
    pub tags: BTreeMap<String, String>,
    /// Who gets in; none: nobody.
    pub ingress: Vec<GroupRule>,
    /// Kept and shown, without effect: a broker opens no connections of its own.
    pub egress: Vec<GroupRule>,
}

/// One rule: one block of addresses, one range of ports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct GroupRule {
    /// `sgr-` and 17 hex digits.
    pub id: String,
    #[serde(flatten)]
    pub traffic: Traffic,
    pub description: Option<String>,
}

/// What a rule is about. A group has no two rules about the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Traffic {
    /// Ports of TCP; none: every protocol and port.
    pub ports: Option<PortRange>,
    pub peer: Cidr,
}

impl SecurityGroup {
    /// Beginning of the keys of a region's groups.
    pub(crate) fn prefix(region: &str) -> String {
        format!("security-group/{region}/")
    }

    pub(crate) fn key_of(region: &str, id: &str) -> String {
        format!("security-group/{region}/{id}")
    }

    /// The rules as a node takes them.
    pub(crate) fn accept_rules(&self) -> impl Iterator<Item = AcceptRule> {
        self.ingress.iter().map(|rule| AcceptRule {
            source: rule.traffic.peer,
            ports: rule.traffic.ports.unwrap_or(PortRange::ALL),
        })
    }
}

impl Record for SecurityGroup {
    const VERSION: u8 = 1;

    fn key(&self) -> String {
        Self::key_of(&self.region, &self.id)
    }
}
