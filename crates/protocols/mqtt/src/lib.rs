//! MQTT 3.1, 3.1.1 and 5.0.
//!
//! Owns: the wire codec ([`codec`]), the reader of this encoding's message heads ([`mod@format`]) and one connection's
//! protocol state ([`MqttSession`]).
//! Must not know: queues, permissions, limits of resources, names with a vendor's meaning. What a client asks for is
//! translated to commands of the core; the rules are behind those commands.

#![forbid(unsafe_code)]

pub mod codec;
mod error;
pub mod format;
mod session;
mod translate;

pub use session::{MqttSession, Redirect, Settings};
