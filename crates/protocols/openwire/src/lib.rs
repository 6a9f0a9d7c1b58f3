//! OpenWire, versions 1 to 12: the protocol of ActiveMQ's own clients.
//!
//! Owns: the wire codec ([`codec`]), the reader of this encoding's message heads ([`mod@format`]), one connection's
//! protocol state ([`OpenWireSession`]) and what advisory messages look like ([`OpenWireHerald`]).
//! Must not know: queues, permissions, limits of resources, what stands behind a destination. What a client asks for is
//! translated to commands of the core; the rules are behind those commands, the names are the dialect's.

#![forbid(unsafe_code)]

pub mod codec;
mod error;
pub mod format;
mod herald;
mod json;
mod session;
mod translate;

pub use format::ENCODING;
pub use herald::OpenWireHerald;
pub use session::{OpenWireSession, Settings};
