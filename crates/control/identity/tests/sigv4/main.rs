//! SigV4 as others sign it, and as somebody who has no key would like it to be.

#![allow(clippy::unwrap_used, reason = "a test may end so")]

mod golden;
mod properties;
mod refused;
mod requests;
