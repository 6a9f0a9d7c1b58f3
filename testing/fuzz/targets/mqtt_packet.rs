//! A stream of packets of one version: what splits is consistent however the bytes arrive, and what decodes, encodes to
//! something that decodes to the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ternmq_fuzz as _;
use ternmq_mqtt::codec::{
    Frame, Kind, Packet, Properties, Version,
    property::Place,
    split_packet,
    topic::{check_name, parse_filter},
};

const PACKET_MAX_BYTES: u32 = 65_536;

fuzz_target!(|input: &[u8]| {
    let Some((first, mut rest)) = input.split_first() else { return };
    let version = match first % 3 {
        0 => Version::V31,
        1 => Version::V311,
        _ => Version::V5,
    };
    if let Ok(text) = std::str::from_utf8(rest) {
        check_topic(text);
    }
    while let Ok(Some((frame, used))) = split_packet(rest, PACKET_MAX_BYTES, version) {
        for len in [0, 1, 2, used / 2, used - 1] {
            if len < used {
                assert_eq!(split_packet(&rest[..len], PACKET_MAX_BYTES, version), Ok(None));
            }
        }
        check_packet(&frame, version);
        rest = &rest[used..];
    }
});

fn check_packet(frame: &Frame<'_>, version: Version) {
    let Ok(packet) = Packet::decode(frame, version) else { return };
    let version = match &packet {
        Packet::Connect(connect) => connect.version,
        _ => version,
    };
    if let Packet::Publish(publish) = &packet {
        let bytes = publish.properties.bytes();
        assert_eq!(Properties::of_bytes(bytes, Place::Publish), Ok(publish.properties));
        assert_eq!(Properties::trusted(bytes).iter().count(), publish.properties.iter().count());
    }
    let mut out = Vec::new();
    packet.write(version, &mut out);
    let (again, used) = split_packet(&out, u32::MAX, version).expect("it is one").expect("it is whole");
    assert_eq!(used, out.len());
    let reread = Packet::decode(&again, version).expect("it was written");
    // MQTT 3 has fewer codes than can be read.
    let is_code = matches!(frame.kind, Kind::ConnAck | Kind::SubAck | Kind::UnsubAck);
    assert!(is_code && !version.is_v5() || reread == packet);
}

/// Whatever is a topic name is a filter that is not shared, unless it says that it is.
fn check_topic(text: &str) {
    if check_name(text).is_ok() && !text.starts_with("$share/") {
        assert_eq!(parse_filter(text).map(|filter| (filter.group, filter.filter)), Ok((None, text)));
    }
}
