//! A message: its sections are its bytes in their order, and those with fields are written and read back.

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use ternmq_amqp10::codec::message::{BodyKind, Header, MessageProperties, Sections, map_of};
use ternmq_amqp10::format::{Amqp10Format, Head};
use ternmq_fuzz as _;
use ternmq_message::Format;
use ternmq_rabbitmq::RabbitMq;

fuzz_target!(|input: &[u8]| {
    check_head(input);
    let Ok(sections) = Sections::split(input) else { return };
    let all = [
        sections.header,
        sections.delivery_annotations,
        sections.message_annotations,
        sections.properties,
        sections.application_properties,
        sections.body,
        sections.footer,
    ];
    assert_eq!(all.concat(), input);
    let data: usize = sections.data().map(|(start, bytes)| start.len() + bytes.len()).sum();
    assert_eq!(data, if sections.body_kind == BodyKind::Data { sections.body.len() } else { 0 });
    assert_eq!(sections.value().is_some(), sections.body_kind == BodyKind::Value);
    let map = map_of(sections.application_properties);
    assert_eq!(map.iter().count() * 2, map.count() as usize);
    let mut written = Vec::new();
    let header = Header::decode(sections.header).expect("it was checked");
    header.put(&mut written);
    assert_eq!(Header::decode(&written), Ok(header));
    written.clear();
    let properties = MessageProperties::decode(sections.properties).expect("it was checked");
    properties.put(&mut written);
    assert_eq!(MessageProperties::decode(&written), Ok(properties));
    let mut head = Vec::new();
    Head::write(&sections, &mut head);
    let body = match sections.body_kind {
        BodyKind::Data => sections.data().flat_map(|(_, data)| data).copied().collect(),
        _ => sections.body.to_vec(),
    };
    check_head(&head);
    let kept = Head::read(&head).expect("it was written");
    let mut sent = kept.lead.to_vec();
    kept.put_body(&body, &mut sent);
    sent.extend_from_slice(kept.footer);
    let mut expect = all;
    expect[1] = &[];
    assert_eq!(sent, expect.concat());
});

/// Any bytes as a head that is kept.
fn check_head(head: &[u8]) {
    let format = Amqp10Format::of(Arc::new(RabbitMq));
    let _ = format.properties(head);
    let _ = format.extra_keys(head);
    if let Some(without) = format.without_ttl(head) {
        assert!(format.without_ttl(&without).is_none());
    }
}
