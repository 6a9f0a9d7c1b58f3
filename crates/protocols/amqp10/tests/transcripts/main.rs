//! Conversations of AMQP 1.0 in text; `ternmq-transcripts` tells how they read. `$gen` stands for the last random name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, unreachable_pub)]

mod language;
mod message;
mod wire;

use std::path::{Path, PathBuf};

use ternmq_transcripts::{Feed, check_all, check_changed, check_ends};

use language::{Performatives, Ways};
use ternmq_transcripts::Vendor;

/// ActiveMQ's ways.
#[derive(Default)]
struct ActiveMq;

impl Ways for ActiveMq {
    const VENDOR: Vendor = Vendor::ActiveMq;
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts/data")
}

#[test]
fn conversations_with_activemqs_ways_go_as_written() {
    let folder = folder().with_file_name("activemq");
    check_all::<Performatives<ActiveMq>>(&folder, Feed::Whole);
    check_all::<Performatives<ActiveMq>>(&folder, Feed::Bytewise);
}

#[test]
fn conversations_go_as_written() {
    check_all::<Performatives>(&folder(), Feed::Whole);
}

#[test]
fn t5_split_input_is_whole_input() {
    check_all::<Performatives>(&folder(), Feed::Bytewise);
}

#[test]
fn t5_changed_conversations_leave_the_broker_whole() {
    check_changed::<Performatives>(&folder());
}

#[test]
fn t5_a_conversation_may_end_anywhere() {
    check_ends::<Performatives>(&folder());
}
