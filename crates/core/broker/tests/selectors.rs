//! What each identifier of a selector finds in a message.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::cell::OnceCell;

use support::{LINES, Rig};
use ternmq_message::{Message, MessageMeta, Properties};
use ternmq_queue::Candidate;
use ternmq_selector::Selector;

/// What a queue knows of a message.
#[derive(Default)]
struct Known {
    expires_at_ms: Option<u64>,
    is_redelivered: bool,
    acquired_count: u32,
    properties: OnceCell<Properties>,
}

fn passes(selector: &str, message: &Message, known: &Known) -> bool {
    let candidate = Candidate {
        message,
        expires_at_ms: known.expires_at_ms.unwrap_or(u64::MAX),
        is_redelivered: known.is_redelivered,
        acquired_count: known.acquired_count,
        properties: &known.properties,
    };
    Rig::new().broker.filters().of(Selector::parse(selector).unwrap()).matches(&candidate)
}

fn passes_fresh(selector: &str, message: &Message) -> bool {
    passes(selector, message, &Known::default())
}

fn message(head: &str, meta: MessageMeta) -> Message {
    Message::new("node", "a.b", head.as_bytes(), b"", MessageMeta { encoding: LINES, ..meta }, None).unwrap()
}

const NONE: &str = "JMSMessageID IS NULL AND JMSTimestamp IS NULL AND JMSCorrelationID IS NULL AND JMSType IS NULL \
     AND JMSReplyTo IS NULL AND JMSXGroupID IS NULL AND JMSXUserID IS NULL AND other IS NULL \
     AND JMSXGroupSeq = 0 AND JMSExpiration = 0 AND JMSXDeliveryCount = 1 AND JMSRedelivered = FALSE \
     AND JMSPriority = 4 AND JMSDeliveryMode = 'NON_PERSISTENT' AND JMSDestination = 'node:a.b'";

#[test]
fn a_message_that_says_nothing_has_the_defaults() {
    assert!(passes_fresh(NONE, &message("", MessageMeta::default())));
    // One whose encoding nobody knows, too.
    let other = Message::new("node", "a.b", b"other=1\n", b"", MessageMeta::default(), None).unwrap();
    assert!(passes_fresh(NONE, &other));
}

#[test]
fn each_identifier_finds_its_property() {
    for (head, selector) in [
        ("message_id=m", "JMSMessageID = 'm'"),
        ("raw_message_id=", "JMSMessageID IS NULL"),
        ("correlation_id=c", "JMSCorrelationID = 'c'"),
        ("kind=k", "JMSType = 'k'"),
        ("user_id=u", "JMSXUserID = 'u'"),
        ("timestamp=1700000000", "JMSTimestamp = 1700000000000"),
        ("reply_to=q", "JMSReplyTo = ':q'"),
        ("reply_key=k", "JMSReplyTo = 'sys.topic:k'"),
        ("JMSXGroupID=g", "JMSXGroupID = 'g'"),
        ("JMSXGroupSeq=3", "JMSXGroupSeq = 3"),
        ("JMSXGroupSeq=x", "JMSXGroupSeq = 'x' OR JMSXGroupSeq IS NULL"),
        ("weight=3", "weight + 1 = 4"),
        ("color=red\ncolor=blue", "color = 'red'"),
        ("Color=red", "color IS NULL"),
        // A property of the name of a header is not that header.
        ("JMSPriority=9", "JMSPriority = 4"),
    ] {
        assert!(passes_fresh(selector, &message(head, MessageMeta::default())), "{head} {selector}");
    }
}

#[test]
fn what_the_core_knows_counts() {
    let plain = MessageMeta::default();
    let message_of = |meta| message("", meta);
    let durable = message_of(MessageMeta { is_durable: true, ..plain });
    assert!(passes_fresh("JMSDeliveryMode = 'PERSISTENT'", &durable));
    let urgent = message_of(MessageMeta { priority: 9, ..plain });
    assert!(passes_fresh("JMSPriority = 9", &urgent));
    let again = Known { is_redelivered: true, acquired_count: 2, expires_at_ms: Some(5), ..Known::default() };
    assert!(passes("JMSRedelivered AND JMSXDeliveryCount = 3 AND JMSExpiration = 5", &durable, &again));
}

#[test]
fn a_message_is_read_once_for_all_selectors_and_only_for_those_that_need_it() {
    let message = message("kind=k", MessageMeta::default());
    let known = Known::default();
    assert!(passes("JMSPriority = 4 AND JMSDestination = 'node:a.b'", &message, &known));
    assert_eq!(known.properties.get(), None);
    assert!(passes("JMSType = 'k'", &message, &known));
    let properties = known.properties.into_inner().unwrap();
    // What was read before is what counts.
    let read = OnceCell::from(Properties { kind: Some("other".into()), ..properties });
    assert!(passes("JMSType = 'other'", &message, &Known { properties: read, ..Known::default() }));
}
