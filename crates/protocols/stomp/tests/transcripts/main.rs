//! Conversations of STOMP in text; `ternmq-transcripts` tells how they read. `$session` stands for the client's session,
//! `$gen` and `$sub` for the last random name of their kind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, unreachable_pub)]

mod language;
mod wire;

use std::path::{Path, PathBuf};

use ternmq_transcripts::{Feed, Vendor, check_all, check_changed, check_ends};

use language::{Frames, RabbitMq, Ways};

/// ActiveMQ's ways; the language's own are RabbitMQ's.
#[derive(Default)]
struct ActiveMq;

impl Ways for ActiveMq {
    const VENDOR: Vendor = Vendor::ActiveMq;
    const GUEST_PATTERN: &'static str = "^(queue|topic)://mine";
    const IS_NACK_REQUEUED: bool = false;
}

/// ActiveMQ's with a configuration file.
#[derive(Default)]
struct Configured;

impl Ways for Configured {
    const VENDOR: Vendor = Vendor::ConfiguredActiveMq;
    const GUEST_PATTERN: &'static str = "^(queue|topic)://mine";
    const IS_NACK_REQUEUED: bool = false;
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts").join(name)
}

#[test]
fn conversations_go_as_written() {
    check_all::<Frames<RabbitMq>>(&folder("data"), Feed::Whole);
    check_all::<Frames<ActiveMq>>(&folder("activemq"), Feed::Whole);
    check_all::<Frames<Configured>>(&folder("configured"), Feed::Whole);
}

#[test]
fn t5_split_input_is_whole_input() {
    check_all::<Frames<RabbitMq>>(&folder("data"), Feed::Bytewise);
    check_all::<Frames<ActiveMq>>(&folder("activemq"), Feed::Bytewise);
}

#[test]
fn t5_changed_conversations_leave_the_broker_whole() {
    check_changed::<Frames<RabbitMq>>(&folder("data"));
    check_changed::<Frames<ActiveMq>>(&folder("activemq"));
}

#[test]
fn t5_a_conversation_may_end_anywhere() {
    check_ends::<Frames<RabbitMq>>(&folder("data"));
    check_ends::<Frames<ActiveMq>>(&folder("activemq"));
}
