//! The language of this protocol's own conversations.

#[path = "../../../../crates/protocols/openwire/tests/transcripts/language.rs"]
mod language;
#[path = "../../../../crates/protocols/openwire/tests/transcripts/wire.rs"]
mod wire;

/// With RabbitMQ's ways, as those of the others.
pub type Commands = language::Commands<language::RabbitMq>;
