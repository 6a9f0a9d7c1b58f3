//! What a person may say about a service when starting it. The names are stable: people and tests script them.

use std::net::SocketAddr;
use std::path::PathBuf;

use ternmq_fleet::Footprint;
use ternmq_service::{AuditRetention, Quota};

/// Options of `ternmq serve`.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Where everything is kept.
    pub data_dir: PathBuf,
    /// Temporary data and free ports; brokers end with the service.
    pub is_ephemeral: bool,
    /// Where the API listens.
    pub api: SocketAddr,
    /// Where to write which port each listener got.
    pub ports_file: Option<PathBuf>,
    /// The bootstrap administrator's keys; made if it is not there. Absent: in the data directory.
    pub credentials_file: Option<PathBuf>,
    /// Account of everything in the service: twelve digits.
    pub account: String,
    /// Region of the first broker.
    pub region: String,
    /// Below which names of brokers are; absent: they are of this machine.
    pub domain: Option<String>,
    /// Authorities that are trusted for directories of users, beside the public ones.
    pub directory_ca: Option<PathBuf>,
    /// Whether a new service has a broker.
    pub has_first_broker: bool,
    /// Quota of calls.
    pub quota: Quota,
    /// The key that encrypts the store; absent: in the data directory, made if it is not there.
    pub encryption_key_file: Option<PathBuf>,
    /// The key before it.
    pub encryption_old_key_file: Option<PathBuf>,
    /// What is kept of the audit log.
    pub audit: AuditRetention,
    /// The program that is started as a node.
    pub node_program: PathBuf,
    /// Room on the disk that each node takes from the start.
    pub node_footprint: Footprint,
}
