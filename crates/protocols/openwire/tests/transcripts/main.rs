//! Conversations of OpenWire in text; `ternmq-transcripts` tells how they read, `wire.rs` how a command does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, unreachable_pub)]

mod language;
mod wire;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use ternmq_broker::Dialect;
use ternmq_transcripts::{Feed, Vendor, check_all, check_changed, check_ends};

use language::{Commands, RabbitMq, Ways};

/// ActiveMQ's ways; the language's own are RabbitMQ's.
#[derive(Default)]
struct ActiveMq;

impl Ways for ActiveMq {
    const VENDOR: Vendor = Vendor::ActiveMq;
    const GUEST_PATTERN: &'static str = "^(queue|topic)://mine";

    fn dialect() -> Arc<dyn Dialect> {
        Arc::new(ternmq_activemq::ActiveMq)
    }
}

/// ActiveMQ's with a configuration file.
#[derive(Default)]
struct Configured;

impl Ways for Configured {
    const VENDOR: Vendor = Vendor::ConfiguredActiveMq;
    const GUEST_PATTERN: &'static str = "^(queue|topic)://mine";

    fn dialect() -> Arc<dyn Dialect> {
        Arc::new(ternmq_activemq::ActiveMq)
    }
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts").join(name)
}

#[test]
fn conversations_go_as_written() {
    check_all::<Commands<ActiveMq>>(&folder("activemq"), Feed::Whole);
    check_all::<Commands<Configured>>(&folder("configured"), Feed::Whole);
    check_all::<Commands<RabbitMq>>(&folder("data"), Feed::Whole);
}

#[test]
fn t5_split_input_is_whole_input() {
    check_all::<Commands<ActiveMq>>(&folder("activemq"), Feed::Bytewise);
    check_all::<Commands<RabbitMq>>(&folder("data"), Feed::Bytewise);
}

#[test]
fn t5_changed_conversations_leave_the_broker_whole() {
    check_changed::<Commands<ActiveMq>>(&folder("activemq"));
}

#[test]
fn t5_a_conversation_may_end_anywhere() {
    check_ends::<Commands<ActiveMq>>(&folder("activemq"));
}
