//! The language of this protocol's own conversations.

#[path = "../../../../crates/protocols/amqp10/tests/transcripts/language.rs"]
mod language;
#[path = "../../../../crates/protocols/amqp10/tests/transcripts/message.rs"]
mod message;
#[path = "../../../../crates/protocols/amqp10/tests/transcripts/wire.rs"]
mod wire;

/// With RabbitMQ's ways, as those of the others.
pub type Performatives = language::Performatives<language::RabbitMq>;

/// With ActiveMQ's ways.
#[derive(Default)]
pub struct ActiveMq;

impl language::Ways for ActiveMq {
    const VENDOR: ternmq_transcripts::Vendor = ternmq_transcripts::Vendor::ActiveMq;
}

/// The same.
pub type ActiveMqPerformatives = language::Performatives<ActiveMq>;
