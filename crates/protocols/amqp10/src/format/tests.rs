use std::borrow::Cow;

use proptest::prelude::*;
use ternmq_broker::{AddressError, AddressQueue, LinkRequest, LinkTarget, Source, Target};

use super::*;
use crate::codec::{
    code,
    message::put_data,
    write::{MapWriter, put_descriptor, put_string, put_uint},
};

/// `/queues/NAME` and `/topics/KEY`, and whether a subject is a type.
struct Two {
    subject_is_type: bool,
}

impl LinkAddresses for Two {
    fn link_target(&self, _: LinkRequest<'_>) -> Result<LinkTarget, AddressError> {
        unreachable!("nothing is attached")
    }

    fn link_source(&self, _: LinkRequest<'_>) -> Result<Source, AddressError> {
        unreachable!("nothing is attached")
    }

    fn message_target(&self, _: &str, _: &[&str]) -> Result<Target, AddressError> {
        unreachable!("nothing is sent")
    }

    fn queue_address(&self, queue: &str) -> String {
        format!("/queues/{queue}")
    }

    fn topic_address(&self, key: &str) -> String {
        format!("/topics/{key}")
    }

    fn reply_place_of<'a>(&self, address: &'a str, _: &[&str]) -> ReplyPlace<'a> {
        match (address.strip_prefix("/queues/"), address.strip_prefix("/topics/")) {
            (Some(name), _) => ReplyPlace::Queue(name.into()),
            (_, Some(key)) => ReplyPlace::Topic(key.into()),
            _ => ReplyPlace::Address,
        }
    }

    fn temporary_queue(&self, _: &[&str], _: [u8; 16]) -> Result<AddressQueue, AddressError> {
        unreachable!("nothing is made")
    }

    fn link_namespace<'a>(&self, _: Option<&'a str>) -> Cow<'a, str> {
        "".into()
    }

    fn subject_is_type(&self) -> bool {
        self.subject_is_type
    }
}

fn format() -> Amqp10Format {
    Amqp10Format::of(Arc::new(Two { subject_is_type: false }))
}

/// A message with everything before its body.
fn lead() -> Vec<u8> {
    let mut out = Vec::new();
    Header { durable: Some(true), ttl: Some(5), priority: Some(3), ..Header::default() }.put(&mut out);
    put_descriptor(&mut out, code::MESSAGE_ANNOTATIONS);
    let mut map = MapWriter::start(&mut out);
    map.symbol("x-own", |out| put_string(out, "o"));
    map.symbol("x-basic-type", |out| put_string(out, "kind"));
    map.symbol("x-exchange", |out| put_string(out, "made up"));
    map.symbol("reserved", |out| put_string(out, "r"));
    map.end();
    MessageProperties {
        message_id: Some(Value::Ulong(7)),
        user_id: Some(b"u"),
        to: Some("to"),
        subject: Some("s"),
        reply_to: Some("/queues/back"),
        correlation_id: Some(Value::Uuid([0xab; 16])),
        content_type: Some("text/plain"),
        content_encoding: Some("gzip"),
        creation_time: Some(7_999),
        group_id: Some("app"),
        ..MessageProperties::default()
    }
    .put(&mut out);
    put_descriptor(&mut out, code::APPLICATION_PROPERTIES);
    let mut map = MapWriter::start(&mut out);
    map.pair(|out| {
        put_string(out, "n");
        put_uint(out, 300);
    });
    map.end();
    out
}

/// Head and body of a message as they are kept.
fn kept(message: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let sections = Sections::split(message).unwrap();
    let mut head = Vec::new();
    Head::write(&sections, &mut head);
    let body = match sections.body_kind {
        BodyKind::Data => sections.data().flat_map(|(_, data)| data).copied().collect(),
        _ => sections.body.to_vec(),
    };
    (head, body)
}

/// The message of a head and a body.
fn sent(head: &[u8], body: &[u8]) -> Vec<u8> {
    let head = Head::read(head).unwrap();
    let mut out = head.lead.to_vec();
    head.put_body(body, &mut out);
    out.extend_from_slice(head.footer);
    out
}

#[test]
fn sections_come_out_in_neutral_terms() {
    let mut message = lead();
    put_data(&mut message, b"body");
    let properties = format().properties(&kept(&message).0);
    let text = |text: &str| Some(Arc::<str>::from(text));
    let expect = Properties {
        content_type: text("text/plain"),
        content_encoding: text("gzip"),
        headers: vec![("x-own".into(), Neutral::str("o")), ("n".into(), Neutral::U32(300))],
        correlation_id: Some(b"urn:uuid:abababab-abab-abab-abab-abababababab"[..].into()),
        reply_to: text("back"),
        message_id: Some(b"7"[..].into()),
        timestamp: Some(7),
        kind: text("kind"),
        user_id: text("u"),
        app_id: text("app"),
        ..Properties::default()
    };
    assert_eq!(properties, expect);
}

#[test]
fn a_value_is_told_as_one() {
    let mut message = lead();
    put_descriptor(&mut message, code::AMQP_VALUE);
    put_string(&mut message, "text");
    let (head, body) = kept(&message);
    assert_eq!(body, b"\0Sw\xa1\x04text");
    assert_eq!(format().properties(&head).kind.as_deref(), Some(ENCODED_BODY));
}

#[test]
fn the_time_to_live_is_taken_off_and_nothing_else() {
    let mut message = lead();
    put_data(&mut message, b"body");
    let (head, body) = kept(&message);
    let without = format().without_ttl(&head).unwrap();
    assert_eq!(format().without_ttl(&without), None);
    let message = sent(&without, &body);
    let sections = Sections::split(&message).unwrap();
    let header = Header::decode(sections.header).unwrap();
    assert_eq!((header.ttl, header.durable, header.priority), (None, Some(true), Some(3)));
    assert_eq!(format().properties(&without), format().properties(&head));
}

#[test]
fn uuids_are_names_and_back() {
    let id = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255];
    let name = uuid_text(&id);
    assert_eq!(name, "urn:uuid:00010203-0405-0607-0809-0a0b0c0d0eff");
    assert_eq!(uuid_of(&name), Some(id));
    for wrong in ["", "urn:uuid:", &name[1..], &name[..44], &format!("{name}0"), &name.replace('-', "0")] {
        assert_eq!(uuid_of(wrong), None, "{wrong}");
    }
}

#[test]
fn a_head_that_lies_is_none() {
    let mut message = lead();
    put_data(&mut message, b"body");
    let (head, _) = kept(&message);
    let footless = head.len();
    for length in 0..footless {
        // Cut in the lead or in the parts it can't be read.
        assert_eq!(Head::read(&head[..length]), None, "{length}");
    }
    assert_eq!(Head::read(&[9, 0, 0, 0, 0]), None);
    assert_eq!(format().properties(b"none"), Properties::default());
}

proptest! {
    #[test]
    fn what_was_sent_is_sent_on(data in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..4)) {
        let mut message = lead();
        data.iter().for_each(|data| put_data(&mut message, data));
        put_descriptor(&mut message, code::FOOTER);
        MapWriter::start(&mut message).end();
        let (head, body) = kept(&message);
        prop_assert_eq!(&body, &data.concat());
        prop_assert_eq!(sent(&head, &body), message);
    }
}

#[test]
fn a_subject_is_the_type_where_the_dialect_says_so() {
    let jms = Amqp10Format::of(Arc::new(Two { subject_is_type: true }));
    let mut sections = Vec::new();
    MessageProperties { subject: Some("car"), ..MessageProperties::default() }.put(&mut sections);
    let mut encoded = sections.clone();
    put_descriptor(&mut encoded, code::AMQP_VALUE);
    put_string(&mut encoded, "text");
    put_data(&mut sections, b"bytes");
    let head = |sections: &[u8]| kept(sections).0;
    let (plain, encoded) = (head(&sections), head(&encoded));
    assert_eq!(jms.properties(&plain).kind.as_deref(), Some("car"));
    assert_eq!(jms.given_kind(&plain), None);
    assert_eq!(jms.properties(&encoded).kind.as_deref(), Some(ENCODED_BODY));
    assert_eq!(jms.given_kind(&encoded).as_deref(), Some("car"));
    assert_eq!(format().properties(&plain).kind, None);
    assert_eq!(format().given_kind(&encoded), None);
}

#[test]
fn a_remark_becomes_annotations_and_may_not_lead_a_message_elsewhere() {
    let mut said = Vec::new();
    let mut map = MapWriter::start(&mut said);
    for name in ["x-opt-a", "x-cc", "x-exchange", "x-routing-key", "x-opt-deaths", "x-basic-type", "own"] {
        map.symbol(name, |out| put_string(out, name));
    }
    map.pair(|out| {
        put_string(out, "x-opt-string");
        put_string(out, "no symbol");
    });
    map.end();
    let Ok((Value::Map(said), _)) = read(&said) else { panic!("no map") };
    let remark = remark_of(&said).unwrap();
    let names = |map: Map<'_>| -> Vec<String> {
        map.iter().filter_map(|(key, _)| key.as_text().map(str::to_owned)).collect()
    };
    assert_eq!(names(map_in(&remark)), ["x-opt-a", "own"]);
    let headers = format().remark_headers(&remark);
    assert_eq!(headers, [("x-opt-a".into(), Neutral::str("x-opt-a"))]);
    // A message has its earlier annotations beside them, and the later ones are right.
    let mut message = lead();
    put_data(&mut message, b"body");
    let (head, body) = kept(&message);
    let before = names(map_of(Head::read(&head).unwrap().sections().message_annotations));
    let remarked = format().remarked(&head, &remark).unwrap();
    let after = names(map_of(Head::read(&remarked).unwrap().sections().message_annotations));
    assert_eq!(after, [before, vec!["x-opt-a".into(), "own".into()]].concat());
    let twice = format().remarked(&remarked, &format().joined_remarks(&remark, &remark)).unwrap();
    assert_eq!(twice, remarked);
    let sections = Sections::split(&sent(&remarked, &body)).map(|sections| sections.body_kind);
    assert_eq!(sections, Ok(BodyKind::Data), "it is a whole message still");
    assert_eq!(format().remarked(b"none", &remark), None);
}
