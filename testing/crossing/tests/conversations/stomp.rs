//! The language of this protocol's own conversations.

#[path = "../../../../crates/protocols/stomp/tests/transcripts/language.rs"]
mod language;
#[path = "../../../../crates/protocols/stomp/tests/transcripts/wire.rs"]
mod wire;

/// With RabbitMQ's ways, as those of the others.
pub type Frames = language::Frames<language::RabbitMq>;
