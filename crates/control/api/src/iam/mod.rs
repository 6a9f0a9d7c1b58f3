//! The tables of IAM: users, keys, groups, policies, roles.

#[rustfmt::skip]
mod model;

pub use model::MODEL;
