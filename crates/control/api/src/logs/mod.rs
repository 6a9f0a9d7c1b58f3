//! The tables of CloudWatch Logs: reading the logs of brokers.

#[rustfmt::skip]
mod model;

pub use model::MODEL;
