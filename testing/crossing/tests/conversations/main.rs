//! Conversations in which clients of several protocols meet; `ternmq-transcripts` tells how they read, each protocol's own
//! conversations how its lines do. A client's name begins with what it speaks: `amqp`, `mqtt3`, `mqtt5`, `stomp`,
//! `openwire`, or `ten` for AMQP 1.0.
//!
//! Those in `jms` are of applications of JMS over OpenWire and over AMQP 1.0, with ActiveMQ's ways.
//!
//! `cells-*` are the table of conversions cell by cell: each message has one property, and each line that it brings is what one
//! reader gets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, unreachable_pub)]

mod all;
mod amqp091;
mod amqp10;
mod jms;
mod mqtt;
mod openwire;
mod stomp;

use std::path::{Path, PathBuf};

use all::All;
use jms::Jms;
use ternmq_transcripts::{Feed, check_all, check_changed, check_ends};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conversations/data")
}

#[test]
fn conversations_go_as_written() {
    check_all::<All>(&folder(), Feed::Whole);
}

#[test]
fn kinds_of_messages_cross_between_applications_of_jms() {
    let folder = folder().with_file_name("jms");
    check_all::<Jms>(&folder, Feed::Whole);
    check_all::<Jms>(&folder, Feed::Bytewise);
}

#[test]
fn t5_split_input_is_whole_input() {
    check_all::<All>(&folder(), Feed::Bytewise);
}

#[test]
fn t5_changed_conversations_leave_the_broker_whole() {
    check_changed::<All>(&folder());
}

#[test]
fn t5_a_conversation_may_end_anywhere() {
    check_ends::<All>(&folder());
}
