//! Frames that ActiveMQ's own client wrote: `tests/golden/Golden.java` made them.

use std::fmt::Write;

use super::{empty_cache, encodings, written};
use crate::codec::{
    Agreement, Encoding, Field, InCache, Kind, Object, Offer, Value, agreement::OfferError, decode,
};

const LINES: &str = include_str!("../../../tests/golden/golden.txt");

/// One line of the file.
pub(super) struct Line {
    pub(super) name: &'static str,
    pub(super) frame: Vec<u8>,
}

/// The stream of one version and encoding.
pub(super) fn stream(encoding: Encoding) -> Vec<Line> {
    let mut name = if encoding.is_tight { "tight" } else { "loose" }.to_owned();
    if encoding.has_cache {
        name.push_str("-cache");
    }
    let version = encoding.version.to_string();
    let mut lines = Vec::new();
    for line in LINES.lines() {
        let [stream, kind, versions, digits] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
        if stream == name && versions.split(',').any(|known| known == version) {
            lines.push(Line { name: kind, frame: bytes(digits) });
        }
    }
    assert!(lines.len() >= 49, "{} lines of {name} in version {version}", lines.len());
    lines
}

fn bytes(digits: &str) -> Vec<u8> {
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

pub(super) fn read<'a>(frame: &'a [u8], encoding: Encoding, cache: &mut InCache) -> Object<'a> {
    decode(&frame[4..], encoding, cache).unwrap()
}

/// The name of a field in Java, where it is not spelt as here.
fn java_name(kind: Kind, field: Field) -> String {
    match (kind, field) {
        (_, Field::BrokerUrl) => "BrokerURL",
        (_, Field::GroupId) => "GroupID",
        (_, Field::UserId) => "UserID",
        (_, Field::ReceivedByBridge) => "RecievedByDFBridge",
        // The client knows the old field by the name of the new one.
        (_, Field::NetworkTtl | Field::MessageTtl) => "MessageTTL",
        (_, Field::ConsumerTtl) => "ConsumerTTL",
        (_, Field::GroupFirstForConsumer) => "JMSXGroupFirstForConsumer",
        _ => return format!("{field:?}"),
    }
    .to_owned()
}

/// Whether a value is what the program made of the field's name.
fn check_value(kind: Kind, field: Field, value: &Value<'_>, version: u8) {
    let name = java_name(kind, field);
    let sum = name.bytes().fold(0i32, |sum, byte| sum.wrapping_mul(31).wrapping_add(i32::from(byte)));
    let place = format!("{field:?} of {kind:?}");
    match value {
        Value::Text(text) => {
            let end = if sum % 3 == 0 { "" } else { "\0é€😀" };
            assert_eq!(*text, format!("{name}{end}"), "{place}");
        }
        Value::Bool(truth) => assert_eq!(*truth, sum % 2 == 0, "{place}"),
        Value::Byte(number) => assert_eq!(i32::from(*number), sum.rem_euclid(10), "{place}"),
        Value::Int(number) => assert_eq!(*number, sum, "{place}"),
        Value::Long(number) => {
            let sizes = [0, 7, 0xbeef, 0xcafe_babe, -5, 1 << 40];
            assert_eq!(*number, sizes[sum as usize % 65_536 % sizes.len()], "{place}");
        }
        Value::Bytes(bytes) => assert_eq!(**bytes, *name.as_bytes(), "{place}"),
        Value::Throwable(throwable) => {
            assert_eq!(throwable.class.as_deref(), Some("javax.jms.JMSException"));
            assert_eq!(throwable.message.as_deref(), Some(&*name), "{place}");
        }
        Value::Object(object) if object.kind() == Kind::Queue => {
            assert_eq!(object.text(Field::PhysicalName), Some(&*name), "{place}");
        }
        Value::Object(object) => check_object(object, version),
        Value::Array(objects) => objects.iter().flatten().for_each(|object| check_object(object, version)),
        Value::None => {}
    }
}

fn check_object(object: &Object<'_>, version: u8) {
    for (row, value) in object.fields().filter(|(row, _)| row.is_in(version)) {
        check_value(object.kind(), row.field, value, version);
    }
}

#[test]
fn every_field_is_read_where_the_java_client_wrote_it() {
    for encoding in encodings() {
        let mut cache = empty_cache();
        for line in stream(encoding) {
            let object = read(&line.frame, encoding, &mut cache);
            let name = format!("{:?}", object.kind());
            assert_eq!(line.name.trim_start_matches("ActiveMQ"), name.replace("Xa", "XA"));
            if object.kind() != Kind::WireFormatInfo {
                check_object(&object, encoding.version);
            }
        }
    }
}

#[test]
fn what_was_read_is_written_as_the_java_client_wrote_it() {
    for encoding in encodings().into_iter().filter(|encoding| !encoding.has_cache) {
        for line in stream(encoding) {
            let object = read(&line.frame, encoding, &mut empty_cache());
            assert_eq!(hex(&written(&object, encoding)), hex(&line.frame[4..]), "{encoding:?} {}", line.name);
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

#[test]
fn all_encodings_of_a_version_say_the_same() {
    for encoding in encodings() {
        let plain = Encoding { is_tight: false, has_cache: false, ..encoding };
        let mut cache = empty_cache();
        for (line, plain_line) in stream(encoding).iter().zip(stream(plain)) {
            let object = read(&line.frame, encoding, &mut cache);
            assert_eq!(object, read(&plain_line.frame, plain, &mut empty_cache()), "{encoding:?}");
            let again = written(&object, encoding);
            assert_eq!(decode(&again, encoding, &mut empty_cache()), Ok(object.clone()), "{encoding:?}");
        }
    }
}

#[test]
fn the_lesser_of_two_offers_counts() {
    let lines = stream(Encoding::FIRST);
    let theirs = read(&lines[0].frame, Encoding::FIRST, &mut empty_cache());
    let theirs = Offer::read(&theirs).unwrap();
    let expect = Offer {
        version: 12,
        is_tight: true,
        has_cache: true,
        cache_size: 1_024,
        inactivity_ms: 30_000,
        initial_delay_ms: 10_000,
        max_frame_bytes: i64::MAX as u64,
        provider: Some("ActiveMQ".to_owned()),
        provider_version: None,
        platform: None,
    };
    assert_eq!(theirs, expect);
    let ours = Offer { version: 11, is_tight: false, inactivity_ms: 5_000, cache_size: 0, ..expect };
    let agreed = Agreement {
        encoding: Encoding { version: 11, is_tight: false, has_cache: true },
        cache_size: 1_024,
        inactivity_ms: 5_000,
        initial_delay_ms: 10_000,
    };
    assert_eq!(ours.agree(&theirs), agreed);
    let again = written(&ours.to_object(), Encoding::FIRST);
    let again = decode(&again, Encoding::FIRST, &mut empty_cache()).unwrap();
    assert_eq!(Offer::read(&again), Ok(ours));
}

#[test]
fn offers_that_are_none_are_told_so() {
    let offer = |magic: &'static [u8], version, options: &'static [u8]| {
        let object = Object::new(Kind::WireFormatInfo)
            .with(Field::Magic, Value::Bytes(magic.into()))
            .with(Field::Version, Value::Int(version))
            .with(Field::MarshalledProperties, Value::Bytes(options.into()));
        Offer::read(&object).err()
    };
    assert_eq!(offer(b"ActiveMQ", 1, &[0, 0, 0, 0]), None);
    assert_eq!(offer(b"ActiveMQ", 99, &[255; 4]), None);
    assert_eq!(offer(b"ActiveMR", 1, &[0, 0, 0, 0]), Some(OfferError::Magic));
    assert_eq!(offer(b"ActiveMQ", 0, &[0, 0, 0, 0]), Some(OfferError::Version(0)));
    assert_eq!(offer(b"ActiveMQ", -3, &[0, 0, 0, 0]), Some(OfferError::Version(-3)));
    assert!(matches!(offer(b"ActiveMQ", 1, &[0, 0, 0, 9]), Some(OfferError::Options(_))));
    assert_eq!(Offer::read(&Object::new(Kind::KeepAliveInfo)), Err(OfferError::Magic));
}
