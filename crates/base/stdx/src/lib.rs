//! Helpers with no domain words in them.
//!
//! Owns: an arena whose handles can't meet a newer occupant ([`Arena`]), values by numbers that a log names
//! ([`Numbered`]), explicit little-endian layouts for bytes that are kept ([`layout`]), random bits
//! as text ([`letters_of`]), text from outside as a message may show it ([`shown`], [`quoted`]), an error with its sources
//! ([`chain`]), bytes that nobody is shown ([`Secret`]). Must not know: anything of messages, queues or protocols.

#![forbid(unsafe_code)]

mod arena;
mod chain;
mod glob;
pub mod layout;
mod letters;
mod numbered;
mod quote;
mod secret;

pub use arena::{Arena, Handle};
pub use chain::chain;
pub use glob::{GLOB_STEPS, Glob, GlobError, MAX_GLOB_BYTES, TooCostly};
pub use letters::letters_of;
pub use numbered::Numbered;
pub use quote::{SHOWN_MAX_BYTES, Shown, quoted, shown};
pub use secret::Secret;
