//! Helpers with no domain words in them.
//!
//! Owns: an arena whose handles can't meet a newer occupant ([`Arena`]), and explicit little-endian layouts for bytes
//! that are kept ([`layout`]). Must not know: anything of messages, queues or protocols.

#![forbid(unsafe_code)]

mod arena;
pub mod layout;

pub use arena::{Arena, Handle};
