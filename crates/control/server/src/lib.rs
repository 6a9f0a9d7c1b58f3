//! The service as a process.
//!
//! Owns: options of `ternmq serve`, the data directory and who has it, the bootstrap administrator's keys, the HTTP
//! listener with its limits, signals, what is told to the person at the terminal.
//! Must not know: what an operation means; it hands each request to the service and writes the answer.
//!
//! Reading order: `options.rs`, `run.rs`, `http.rs`.

#![forbid(unsafe_code)]

mod credentials;
mod data_dir;
mod error;
mod files;
mod http;
mod options;
mod run;

pub use error::ServeError;
pub use options::ServeOptions;
pub use run::run;
pub use ternmq_fleet::Footprint;
pub use ternmq_service::{AuditRetention, Quota};
