use super::bytes;
use crate::codec::{DecodeError, MAX_BODY_SECTIONS, Value, message::*, write::*};

const HEADER: &str = "00 53 70 c0 02 01 41";
const ANNOTATIONS: &str = "00 53 72 c1 07 02 a30161 a10162";
const PROPERTIES: &str = "00 53 73 c0 05 01 a1026964";
const APPLICATION: &str = "00 53 74 c1 07 02 a10161 a10162";
const DATA: &str = "00 53 75 a0 03 616263";
const FOOTER: &str = "00 53 78 c1 01 00";

#[test]
fn sections_are_where_they_were() {
    let all = [HEADER, ANNOTATIONS, PROPERTIES, APPLICATION, DATA, FOOTER].concat();
    let input = bytes(&all);
    let sections = Sections::split(&input).unwrap();
    assert_eq!(sections.header, bytes(HEADER));
    assert_eq!(sections.delivery_annotations, b"");
    assert_eq!(sections.message_annotations, bytes(ANNOTATIONS));
    assert_eq!(sections.properties, bytes(PROPERTIES));
    assert_eq!(sections.application_properties, bytes(APPLICATION));
    assert_eq!((sections.body, sections.body_kind), (&bytes(DATA)[..], BodyKind::Data));
    assert_eq!(sections.footer, bytes(FOOTER));
    assert_eq!(map_of(sections.application_properties).get("a"), Some(Value::String("b")));
    assert_eq!(sections.data().collect::<Vec<_>>(), [(&bytes("00 53 75 a0 03")[..], &b"abc"[..])]);
    assert_eq!(Header::decode(sections.header).unwrap().durable, Some(true));
    let properties = MessageProperties::decode(sections.properties).unwrap();
    assert_eq!(properties.message_id, Some(Value::String("id")));
    // Cut inside of a section it is none; between two it is a shorter one.
    let ends: Vec<usize> = [HEADER, ANNOTATIONS, PROPERTIES, APPLICATION, DATA, FOOTER]
        .iter()
        .scan(0, |end, part| {
            *end += bytes(part).len();
            Some(*end)
        })
        .collect();
    for length in 0..input.len() {
        let is_whole = length == 0 || ends.contains(&length);
        assert_eq!(Sections::split(&input[..length]).is_ok(), is_whole, "{length}");
    }
}

#[test]
fn any_kind_of_body_is_one_and_two_kinds_are_none() {
    let sequence = "00 53 76 c0 02 01 41";
    let value = "00 53 77 a1 02 6869";
    for (hex, kind, count) in [
        (DATA.to_owned(), BodyKind::Data, 1),
        ([DATA, DATA].concat(), BodyKind::Data, 2),
        ([sequence, sequence].concat(), BodyKind::Sequences, 0),
        (value.to_owned(), BodyKind::Value, 0),
        (String::new(), BodyKind::None, 0),
    ] {
        let input = bytes(&hex);
        let sections = Sections::split(&input).unwrap();
        assert_eq!((sections.body_kind, sections.body), (kind, &input[..]), "{hex}");
        assert_eq!(sections.data().count(), count, "{hex}");
    }
    let input = bytes(value);
    assert_eq!(Sections::split(&input).unwrap().value(), Some(Value::String("hi")));
    for hex in [
        [DATA, sequence].concat(),
        [DATA, value].concat(),
        [sequence, value].concat(),
        [value, value].concat(),
        [value, DATA].concat(),
        [PROPERTIES, HEADER].concat(),
        [HEADER, HEADER].concat(),
        [FOOTER, DATA].concat(),
    ] {
        assert_eq!(Sections::split(&bytes(&hex)), Err(DecodeError::OutOfOrder), "{hex}");
    }
}

#[test]
fn a_body_has_a_most_of_sections() {
    let section = bytes("00 53 75 a0 00");
    assert!(Sections::split(&section.repeat(MAX_BODY_SECTIONS)).is_ok());
    let too_many = Err(DecodeError::TooManySections { max: MAX_BODY_SECTIONS });
    assert_eq!(Sections::split(&section.repeat(MAX_BODY_SECTIONS + 1)), too_many);
}

#[test]
fn sections_of_wrong_types_are_refused() {
    for (hex, expect) in [
        ("45", DecodeError::UnknownDescriptor),
        ("00 53 79 45", DecodeError::UnknownDescriptor),
        ("00 53 75 45", DecodeError::WrongType { what: "section" }),
        ("00 53 72 45", DecodeError::WrongType { what: "section" }),
        ("00 53 70 c0 02 01 43", DecodeError::WrongType { what: "durable" }),
        ("00 53 73 c0 02 01 41", DecodeError::WrongType { what: "message-id" }),
    ] {
        assert_eq!(Sections::split(&bytes(hex)), Err(expect), "{hex}");
    }
}

#[test]
fn header_and_properties_round_trip() {
    let mut out = Vec::new();
    let header = Header {
        durable: Some(false),
        priority: Some(9),
        ttl: Some(1_000),
        first_acquirer: Some(true),
        delivery_count: Some(2),
    };
    header.put(&mut out);
    assert_eq!(Header::decode(&out), Ok(header));
    out.clear();
    let properties = MessageProperties {
        message_id: Some(Value::Uuid([1; 16])),
        user_id: Some(b"u"),
        to: Some("to"),
        subject: Some("s"),
        reply_to: Some("r"),
        correlation_id: Some(Value::Ulong(7)),
        content_type: Some("text/plain"),
        content_encoding: Some("gzip"),
        absolute_expiry_time: Some(5),
        creation_time: Some(-6),
        group_id: Some("g"),
        group_sequence: Some(1),
        reply_to_group_id: Some("rg"),
    };
    properties.put(&mut out);
    assert_eq!(MessageProperties::decode(&out), Ok(properties));
    out.clear();
    put_data(&mut out, &[9; 300]);
    let sections = Sections::split(&out).unwrap();
    assert_eq!(sections.data().map(|(_, bytes)| bytes.len()).sum::<usize>(), 300);
    let mut map = Vec::new();
    put_descriptor(&mut map, 0x74);
    MapWriter::start(&mut map).end();
    assert_eq!(map_of(&map).count(), 0);
}

#[test]
fn a_request_may_have_its_sections_anywhere() {
    let value = "00 53 77 40";
    let input = bytes(&[value, PROPERTIES].concat());
    assert_eq!(Sections::split(&input), Err(DecodeError::OutOfOrder));
    let sections = Sections::split_request(&input).unwrap();
    assert_eq!((sections.value(), sections.properties), (Some(Value::Null), &bytes(PROPERTIES)[..]));
    for twice in [[PROPERTIES, PROPERTIES], [value, value], [DATA, DATA]] {
        assert_eq!(Sections::split_request(&bytes(&twice.concat())), Err(DecodeError::OutOfOrder));
    }
}
