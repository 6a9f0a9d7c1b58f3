//! IAM policies: what is one, what they decide, and that none of them can do harm.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may end so")]

mod cuts;
mod decisions;
mod malformed;
mod properties;
mod trust;
