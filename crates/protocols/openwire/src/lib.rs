//! OpenWire, versions 1 to 12: the protocol of ActiveMQ's own clients.
//!
//! Owns: the wire codec ([`codec`]).
//! Must not know: queues, permissions, limits of resources, the grammar of destinations.

#![forbid(unsafe_code)]

pub mod codec;
