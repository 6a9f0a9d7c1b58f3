//! Principals of an account: each verb's rules, what is kept of them, and who may do what.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may end so")]

mod authorization;
mod groups;
mod kept;
mod keys;
mod policies;
mod properties;
mod roles;
mod sessions;
mod users;
mod world;
