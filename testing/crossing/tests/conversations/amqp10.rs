//! The language of this protocol's own conversations.

#[path = "../../../../crates/protocols/amqp10/tests/transcripts/language.rs"]
mod language;
#[path = "../../../../crates/protocols/amqp10/tests/transcripts/wire.rs"]
mod wire;

pub use language::Performatives;
