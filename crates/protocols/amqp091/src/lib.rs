//! AMQP 0-9-1.
//!
//! Owns: the wire codec ([`codec`]), the reader of this encoding's message heads ([`mod@format`]) and one connection's
//! protocol state ([`Amqp091Session`]).
//! Must not know: queues, permissions, limits of resources, names with a vendor's meaning. What a client asks for is
//! translated to commands of the core; the rules are behind those commands.

#![forbid(unsafe_code)]

pub mod codec;
mod error;
pub mod format;
mod session;

pub use session::{Amqp091Session, ENCODING, Mechanisms, Settings};
