//! Engine versions and instance types: what can be had, and what each means for a node.
//!
//! Source: facts of the service, sections 1.5 and 2.1 to 2.6. A version is a level of compatibility: one node program
//! serves them all.

use serde::{Deserialize, Serialize};

/// Vendor's ways of a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum EngineType {
    #[serde(rename = "ACTIVEMQ")]
    ActiveMq,
    #[serde(rename = "RABBITMQ")]
    RabbitMq,
}

impl EngineType {
    pub(crate) const ALL: [Self; 2] = [Self::ActiveMq, Self::RabbitMq];

    /// From the model's value.
    pub(crate) fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|engine| engine.upper() == name)
    }

    /// As options and versions are listed, and in messages of the service.
    pub(crate) const fn upper(self) -> &'static str {
        match self {
            Self::ActiveMq => "ACTIVEMQ",
            Self::RabbitMq => "RABBITMQ",
        }
    }

    /// As brokers and configurations are described.
    pub(crate) const fn mixed(self) -> &'static str {
        match self {
            Self::ActiveMq => "ActiveMQ",
            Self::RabbitMq => "RabbitMQ",
        }
    }

    /// Versions that new brokers can have, newest first.
    pub(crate) const fn versions(self) -> &'static [Version] {
        match self {
            Self::ActiveMq => &ACTIVEMQ,
            Self::RabbitMq => &RABBITMQ,
        }
    }

    /// The version that is called this.
    pub(crate) fn version(self, name: &str) -> Option<&'static Version> {
        self.versions().iter().find(|version| version.name == name)
    }

    /// The version that is at this patch.
    pub(crate) fn version_of_patch(self, patch: &str) -> Option<&'static Version> {
        let is_of = |version: &&Version| {
            patch.strip_prefix(version.name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.versions().iter().find(is_of)
    }

    /// The texts of all versions, as messages list them.
    pub(crate) fn version_names(self) -> String {
        let names: Vec<&str> = self.versions().iter().map(|version| version.name).collect();
        names.join(", ")
    }
}

/// A version of an engine.
#[derive(Debug)]
pub(crate) struct Version {
    /// Major and minor: what callers say.
    pub name: &'static str,
    /// With the patch: what a broker is described with.
    pub patch: &'static str,
}

const ACTIVEMQ: [Version; 2] =
    [Version { name: "5.19", patch: "5.19.1" }, Version { name: "5.18", patch: "5.18.4" }];
const RABBITMQ: [Version; 3] = [
    Version { name: "4.3", patch: "4.3.0" },
    Version { name: "4.2", patch: "4.2.1" },
    Version { name: "3.13", patch: "3.13.7" },
];

/// Where a broker's data is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum StorageType {
    #[serde(rename = "EBS")]
    Ebs,
    #[serde(rename = "EFS")]
    Efs,
}

impl StorageType {
    pub(crate) fn of(name: &str) -> Option<Self> {
        match name {
            "EBS" => Some(Self::Ebs),
            "EFS" => Some(Self::Efs),
            _ => None,
        }
    }

    /// As brokers and options are described.
    pub(crate) const fn lower(self) -> &'static str {
        match self {
            Self::Ebs => "ebs",
            Self::Efs => "efs",
        }
    }
}

/// An instance type as one engine has it.
#[derive(Debug)]
pub(crate) struct InstanceType {
    pub name: &'static str,
    pub engine: EngineType,
    pub storage_types: &'static [StorageType],
    /// Versions that run on it; empty: all.
    pub versions: &'static [&'static str],
    /// Memory in MiB at which publishers are held back.
    pub memory_mib: u64,
    /// Storage of a single instance in GB.
    pub storage_gb: u64,
    /// Connections: for each protocol (ActiveMQ), or in all (RabbitMQ).
    pub connections: u32,
}

impl InstanceType {
    pub(crate) fn has_version(&self, version: &str) -> bool {
        self.versions.is_empty() || self.versions.contains(&version)
    }
}

const fn activemq(name: &'static str, gib: u64, is_micro: bool) -> InstanceType {
    InstanceType {
        name,
        engine: EngineType::ActiveMq,
        storage_types: if is_micro { &[StorageType::Efs] } else { &[StorageType::Efs, StorageType::Ebs] },
        versions: &[],
        // As the broker's memory limit of 70% of its heap, which has half of the machine.
        memory_mib: gib * 1_024 * 35 / 100,
        storage_gb: if is_micro { 20 } else { 200 },
        connections: if is_micro { 300 } else { 2_000 },
    }
}

const fn m7g(name: &'static str, watermark_mib: u64, connections: u32) -> InstanceType {
    InstanceType {
        name,
        engine: EngineType::RabbitMq,
        storage_types: &[StorageType::Ebs],
        versions: &[],
        memory_mib: watermark_mib,
        storage_gb: 200,
        connections,
    }
}

const fn m5(name: &'static str, gib: u64, connections: u32) -> InstanceType {
    InstanceType { versions: &["3.13"], ..m7g(name, gib * 1_024 * 40 / 100, connections) }
}

/// All instance types that new brokers can have.
pub(crate) static INSTANCE_TYPES: [InstanceType; 17] = [
    activemq("mq.t3.micro", 1, true),
    activemq("mq.m5.large", 8, false),
    activemq("mq.m5.xlarge", 16, false),
    activemq("mq.m5.2xlarge", 32, false),
    activemq("mq.m5.4xlarge", 64, false),
    m7g("mq.m7g.medium", 1_843, 300),
    m7g("mq.m7g.large", 4_403, 5_000),
    m7g("mq.m7g.xlarge", 9_523, 10_000),
    m7g("mq.m7g.2xlarge", 19_763, 20_000),
    m7g("mq.m7g.4xlarge", 40_346, 40_000),
    m7g("mq.m7g.8xlarge", 81_613, 80_000),
    m7g("mq.m7g.12xlarge", 122_675, 120_000),
    m7g("mq.m7g.16xlarge", 163_942, 160_000),
    m5("mq.m5.large", 8, 5_000),
    m5("mq.m5.xlarge", 16, 10_000),
    m5("mq.m5.2xlarge", 32, 20_000),
    m5("mq.m5.4xlarge", 64, 40_000),
];

/// The instance type of that name for an engine.
pub(crate) fn instance_type(engine: EngineType, name: &str) -> Option<&'static InstanceType> {
    INSTANCE_TYPES.iter().find(|it| it.engine == engine && it.name == name)
}

/// Names of a region's places, in the order in which they are listed.
pub(crate) fn availability_zones(region: &str) -> [String; 3] {
    ["a", "b", "c"].map(|letter| format!("{region}{letter}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_by_name_and_by_patch() {
        let patch = |name| EngineType::RabbitMq.version(name).map(|version| version.patch);
        assert_eq!(patch("3.13"), Some("3.13.7"));
        assert_eq!(patch("3.13.7"), None);
        let name = |patch| EngineType::ActiveMq.version_of_patch(patch).map(|version| version.name);
        assert_eq!(
            [name("5.18.4"), name("5.18"), name("5.180"), name("5.1")],
            [Some("5.18"), Some("5.18"), None, None]
        );
        assert_eq!(EngineType::ActiveMq.version_names(), "5.19, 5.18");
    }

    #[test]
    fn instance_types_belong_to_engines() {
        let has = |engine, name| instance_type(engine, name).is_some();
        assert!(has(EngineType::ActiveMq, "mq.t3.micro") && !has(EngineType::RabbitMq, "mq.t3.micro"));
        assert!(has(EngineType::RabbitMq, "mq.m7g.large") && !has(EngineType::ActiveMq, "mq.m7g.large"));
        let m5 = instance_type(EngineType::RabbitMq, "mq.m5.large").unwrap();
        assert!(m5.has_version("3.13") && !m5.has_version("4.2"));
    }
}
