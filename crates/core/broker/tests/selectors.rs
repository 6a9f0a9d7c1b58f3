//! What each identifier of a selector finds in a message.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use support::{LINES, Rig};
use ternmq_message::{Message, MessageMeta};
use ternmq_queue::Candidate;
use ternmq_selector::Selector;

fn passes(selector: &str, candidate: Candidate<'_>) -> bool {
    Rig::new().broker.filters().of(Selector::parse(selector).unwrap()).matches(&candidate)
}

fn fresh(message: &Message) -> Candidate<'_> {
    Candidate { message, expires_at_ms: u64::MAX, is_redelivered: false, acquired_count: 0 }
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
    assert!(passes(NONE, fresh(&message("", MessageMeta::default()))));
    // One whose encoding nobody knows, too.
    let other = Message::new("node", "a.b", b"other=1\n", b"", MessageMeta::default(), None).unwrap();
    assert!(passes(NONE, fresh(&other)));
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
        assert!(passes(selector, fresh(&message(head, MessageMeta::default()))), "{head} {selector}");
    }
}

#[test]
fn what_the_core_knows_counts() {
    let plain = MessageMeta::default();
    let message_of = |meta| message("", meta);
    let durable = message_of(MessageMeta { is_durable: true, ..plain });
    assert!(passes("JMSDeliveryMode = 'PERSISTENT'", fresh(&durable)));
    let urgent = message_of(MessageMeta { priority: 9, ..plain });
    assert!(passes("JMSPriority = 9", fresh(&urgent)));
    let again = Candidate { is_redelivered: true, acquired_count: 2, expires_at_ms: 5, ..fresh(&durable) };
    assert!(passes("JMSRedelivered AND JMSXDeliveryCount = 3 AND JMSExpiration = 5", again));
}
