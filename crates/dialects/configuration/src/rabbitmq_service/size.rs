//! Instance types and deployment modes, as far as the limits of a configuration depend on them.

use std::{fmt, str::FromStr};

/// An instance type of RabbitMQ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Size {
    /// `mq.m5.large`.
    M5Large,
    /// `mq.m5.xlarge`.
    M5XLarge,
    /// `mq.m5.2xlarge`.
    M5X2Large,
    /// `mq.m5.4xlarge`.
    M5X4Large,
    /// `mq.m7g.medium`.
    M7gMedium,
    /// `mq.m7g.large`.
    M7gLarge,
    /// `mq.m7g.xlarge`.
    M7gXLarge,
    /// `mq.m7g.2xlarge`.
    M7gX2Large,
    /// `mq.m7g.4xlarge`.
    M7gX4Large,
    /// `mq.m7g.8xlarge`.
    M7gX8Large,
    /// `mq.m7g.12xlarge`.
    M7gX12Large,
    /// `mq.m7g.16xlarge`.
    M7gX16Large,
}

/// An instance type or a deployment mode that is not known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not one of RabbitMQ's that have limits")]
pub struct Unknown;

impl Size {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::M5Large,
        Self::M5XLarge,
        Self::M5X2Large,
        Self::M5X4Large,
        Self::M7gMedium,
        Self::M7gLarge,
        Self::M7gXLarge,
        Self::M7gX2Large,
        Self::M7gX4Large,
        Self::M7gX8Large,
        Self::M7gX12Large,
        Self::M7gX16Large,
    ];

    /// As the service writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::M5Large => "mq.m5.large",
            Self::M5XLarge => "mq.m5.xlarge",
            Self::M5X2Large => "mq.m5.2xlarge",
            Self::M5X4Large => "mq.m5.4xlarge",
            Self::M7gMedium => "mq.m7g.medium",
            Self::M7gLarge => "mq.m7g.large",
            Self::M7gXLarge => "mq.m7g.xlarge",
            Self::M7gX2Large => "mq.m7g.2xlarge",
            Self::M7gX4Large => "mq.m7g.4xlarge",
            Self::M7gX8Large => "mq.m7g.8xlarge",
            Self::M7gX12Large => "mq.m7g.12xlarge",
            Self::M7gX16Large => "mq.m7g.16xlarge",
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Size {
    type Err = Unknown;

    /// Takes the name in lower case, with `mq.`.
    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL.into_iter().find(|size| size.as_str() == text).ok_or(Unknown)
    }
}

/// How a broker is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// One node.
    SingleInstance,
    /// Three nodes.
    Cluster,
}

impl Mode {
    /// As the service writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SingleInstance => "SINGLE_INSTANCE",
            Self::Cluster => "CLUSTER_MULTI_AZ",
        }
    }
}

impl FromStr for Mode {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        [Self::SingleInstance, Self::Cluster].into_iter().find(|mode| mode.as_str() == text).ok_or(Unknown)
    }
}
