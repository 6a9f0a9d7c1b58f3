//! The tables of CloudTrail: reading the audit log.

#[rustfmt::skip]
mod model;

pub use model::MODEL;
