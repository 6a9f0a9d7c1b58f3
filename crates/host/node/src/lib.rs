//! The composition root: turns options into a running node and a running node into a clean end.
//!
//! Owns: the options of `ternmq broker` ([`BrokerOptions`]), the data directory, recovery, the first administrator,
//! which listener speaks what and lets whom in,
//! alarms, health, metrics, logs, signals, the local channel to a service.
//! Must not know: how a protocol, the core or the journal works inside.
//!
//! Invariants: a node that cannot start says why in one line that names the thing and the mend, and changes nothing
//! that a journal holds; clients are let in only after everything durable is there again; the ports file appears when
//! all listeners accept and not before.
#![forbid(unsafe_code)]

mod error;
mod options;

mod data_dir;
mod directory;
mod encryption;
mod log_files;
mod logging;
mod memory;
mod settings;

mod engine;

mod accept_rules;
mod activemq_xml;
mod authorization;
mod doors;
mod reload;
mod self_signed;
mod tls_source;

mod administrator;
mod definitions;
mod recovery;

mod control;
mod grants;
mod http;
mod management;
mod metrics;
mod ports_file;
mod run;

pub use encryption::read_encryption;
pub use error::{EXIT_JOURNAL, StartError};
pub use logging::LogFormat;
pub use options::{
    Bounds, BrokerOptions, COMPATIBLE_VERSION, ControlOptions, EncryptionFlags, EngineType, Footprint,
    LISTENER_NAMES, Listen, ListenError, LogFiles, LogKind, Login, TlsFlags,
};
pub use run::run;
pub use ternmq_net::{ClientAuth, LoginFrom, Network, NetworkError, TlsVersion};
