//! AMQP 1.0.
//!
//! Owns: the wire codec ([`codec`]).
//! Must not know: queues, permissions, limits of resources, the grammar of addresses.

#![forbid(unsafe_code)]

pub mod codec;
