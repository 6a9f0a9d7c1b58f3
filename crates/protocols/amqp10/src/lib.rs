//! AMQP 1.0.
//!
//! Owns: the wire codec ([`codec`]), the reader of this encoding's message heads ([`mod@format`]) and one connection's
//! protocol state ([`Amqp10Session`]).
//! Must not know: queues, permissions, limits of resources, the grammar of addresses. What a client asks for is translated
//! to commands of the core; the rules are behind those commands, the names are the dialect's.

#![forbid(unsafe_code)]

pub mod codec;
mod error;
pub mod format;
mod session;
mod translate;

pub use format::ENCODING;
pub use session::{Amqp10Session, Settings};
