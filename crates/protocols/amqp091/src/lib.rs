//! AMQP 0-9-1.
//!
//! Owns: the wire codec ([`codec`]) and the reader of this encoding's message heads ([`mod@format`]).
//! Must not know: queues, permissions, limits of resources, names with a vendor's meaning. What a client asks for is
//! translated to commands of the core; the rules are behind those commands.

#![forbid(unsafe_code)]

pub mod codec;
pub mod format;
