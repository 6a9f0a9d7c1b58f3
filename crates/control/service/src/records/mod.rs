//! Desired state: what is kept of brokers, configurations and security groups.
//!
//! Keys begin with the kind, then the region: a listing of one region is one range.

pub(crate) mod authentication;
pub(crate) mod broker;
pub(crate) mod configuration;
pub(crate) mod security_group;
pub(crate) mod token;

pub(crate) use authentication::{Authentication, DirectoryServer};
pub(crate) use broker::{
    Account, AwaitedUser, Broker, BrokerState, ConfigurationUse, Encryption, Endpoint, Logs, Pending,
    RunningSpec, Settings, UserRecord, Window,
};
pub(crate) use configuration::{Configuration, Revision, RevisionData};
pub(crate) use security_group::{GroupRule, SecurityGroup, Traffic};
pub(crate) use token::{Answered, CreatorToken};
