//! Who calls the service, and what they may do.
//!
//! Owns: [`sigv4`], signatures of requests (S14); [`policy`], what IAM's policies allow; [`directory`], the principals of an
//! account and all verbs that change them.
//! Must not know: sockets, HTTP servers, operations of a service, how principals are stored.
//! No I/O, no clock, no randomness: the caller passes the time.
//!
//! Invariants: what is not proven is refused and what is not granted is denied (S1); secrets have no text form (S11) and
//! are compared in constant time (S2).

#![forbid(unsafe_code)]

mod civil;
pub mod directory;
pub mod policy;
mod secret;
pub mod sigv4;

pub use secret::Credentials;
pub use ternmq_stdx::Secret;
