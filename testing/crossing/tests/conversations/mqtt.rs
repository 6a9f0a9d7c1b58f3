//! The language of this protocol's own conversations.

#[path = "../../../../crates/protocols/mqtt/tests/transcripts/language.rs"]
mod language;
#[path = "../../../../crates/protocols/mqtt/tests/transcripts/wire.rs"]
mod wire;

pub use language::Packets;
