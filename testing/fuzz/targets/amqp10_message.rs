//! A message: its sections are its bytes in their order, and those with fields are written and read back.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ternmq_amqp10::codec::message::{BodyKind, Header, MessageProperties, Sections, map_of};
use ternmq_fuzz as _;

fuzz_target!(|input: &[u8]| {
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
});
