//! The language of this protocol's own conversations.

#[path = "../../../../crates/protocols/openwire/tests/transcripts/language.rs"]
mod language;
#[path = "../../../../crates/protocols/openwire/tests/transcripts/wire.rs"]
mod wire;

/// With RabbitMQ's ways, as those of the others.
pub type Commands = language::Commands<language::RabbitMq>;

/// With ActiveMQ's ways.
#[derive(Default)]
pub struct ActiveMq;

impl language::Ways for ActiveMq {
    const VENDOR: ternmq_transcripts::Vendor = ternmq_transcripts::Vendor::ActiveMq;
    const GUEST_PATTERN: &'static str = "^(queue|topic)://mine";

    fn dialect() -> std::sync::Arc<dyn ternmq_broker::Dialect> {
        std::sync::Arc::new(ternmq_activemq::ActiveMq)
    }
}

/// The same.
pub type ActiveMqCommands = language::Commands<ActiveMq>;
