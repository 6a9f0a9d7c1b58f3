//! Each packet: golden bytes, what it refuses.

use super::{bytes, read};
use crate::codec::{Connect, Packet, Qos, Reason, Version, subscribe::FILTERS_MAX};

/// Valid packets with what they are read as, in short.
const GOLDEN: &[(Version, &str, &str)] = &[
    (Version::V311, "10 0d 00 04 'MQTT 04 02 00 3c 00 01 'c", "Connect"),
    (Version::V31, "10 0f 00 06 'MQIsdp 03 02 00 3c 00 01 'c", "Connect"),
    (Version::V5, "10 13 00 04 'MQTT 05 00 00 3c 05 11 00 00 00 09 00 01 'c", "Connect"),
    (
        Version::V5,
        "10 1d 00 04 'MQTT 05 ee 00 00 00 00 00 02 01 01 00 01 't 00 02 'hi 00 01 'u 00 01 'p",
        "Connect",
    ),
    (Version::V311, "20 02 01 00", "ConnAck"),
    (Version::V5, "20 08 00 85 05 1f 00 02 'no", "ConnAck"),
    (Version::V311, "30 05 00 01 't 'h 'i", "Publish"),
    (Version::V311, "3b 07 00 01 't 00 09 'h 'i", "Publish"),
    (Version::V5, "3d 0b 00 01 't 00 09 03 23 00 01 'h 'i", "Publish"),
    (Version::V5, "30 06 00 00 03 23 00 01", "Publish"),
    (Version::V311, "40 02 00 01", "PubAck"),
    (Version::V5, "40 03 00 01 10", "PubAck"),
    (Version::V5, "50 08 00 01 97 04 1f 00 01 'x", "PubRec"),
    (Version::V311, "62 02 ff ff", "PubRel"),
    (Version::V5, "70 03 00 01 92", "PubComp"),
    (Version::V311, "82 06 00 01 00 01 't 02", "Subscribe"),
    (Version::V5, "82 0d 00 01 02 0b 07 00 01 't 2e 00 01 'u 00", "Subscribe"),
    (Version::V311, "90 04 00 01 02 80", "SubAck"),
    (Version::V5, "90 05 00 01 00 00 8f", "SubAck"),
    (Version::V311, "a2 05 00 01 00 01 't", "Unsubscribe"),
    (Version::V5, "a2 06 00 01 00 00 01 't", "Unsubscribe"),
    (Version::V311, "b0 02 00 01", "UnsubAck"),
    (Version::V5, "b0 04 00 01 00 11", "UnsubAck"),
    (Version::V311, "c0 00", "PingReq"),
    (Version::V311, "d0 00", "PingResp"),
    (Version::V311, "e0 00", "Disconnect"),
    (Version::V5, "e0 01 04", "Disconnect"),
    (Version::V5, "e0 07 00 05 11 00 00 00 00", "Disconnect"),
    (Version::V5, "f0 07 18 05 15 00 02 'xx", "Auth"),
];

#[test]
fn every_packet_reads_and_writes_its_golden_bytes() {
    for (version, golden, name) in GOLDEN {
        let golden = bytes(golden);
        let packet = read(&golden, *version).unwrap_or_else(|error| panic!("{name} {golden:02x?}: {error}"));
        assert!(format!("{packet:?}").starts_with(name), "{packet:?}");
        let mut out = Vec::new();
        packet.write(*version, &mut out);
        assert_eq!(out, golden, "{name}");
    }
}

#[test]
fn a_packet_cut_in_its_content_is_refused_or_another_valid_one() {
    for (version, golden, _) in GOLDEN {
        let golden = bytes(golden);
        for len in 2..golden.len() {
            let mut cut = golden[..len].to_vec();
            cut[1] = u8::try_from(len - 2).unwrap();
            if let Ok(packet) = read(&cut, *version) {
                let mut out = Vec::new();
                packet.write(*version, &mut out);
                assert_eq!(read(&out, *version), Ok(packet), "{golden:02x?} cut at {len}");
            }
        }
    }
}

fn refused(version: Version, packet: &str) -> Reason {
    read(&bytes(packet), version).expect_err(packet).reason
}

#[test]
fn connect_flags_and_names_are_checked() {
    use Reason as R;
    for (packet, reason) in [
        ("10 0d 00 04 'MQTT 04 03 00 3c 00 01 'c", R::MALFORMED_PACKET),
        ("10 0d 00 04 'MQTT 04 1a 00 3c 00 01 'c", R::MALFORMED_PACKET),
        ("10 0d 00 04 'MQTT 04 0a 00 3c 00 01 'c", R::MALFORMED_PACKET),
        ("10 0d 00 04 'MQTT 04 22 00 3c 00 01 'c", R::MALFORMED_PACKET),
        ("10 10 00 04 'MQTT 04 42 00 3c 00 01 'c 00 01 'p", R::MALFORMED_PACKET),
        ("10 0d 00 04 'MQTT 06 02 00 3c 00 01 'c", R::UNSUPPORTED_PROTOCOL_VERSION),
        ("10 0d 00 04 'MQTX 04 02 00 3c 00 01 'c", R::MALFORMED_PACKET),
        ("10 0e 00 04 'MQTT 04 02 00 3c 00 01 'c 00", R::MALFORMED_PACKET),
        ("10 0d 00 04 'MQTT 04 02 00 3c 00 01 00", R::MALFORMED_PACKET),
        ("10 12 00 04 'MQTT 04 06 00 3c 00 01 'c 00 01 '+ 00 00", R::PROTOCOL_ERROR),
    ] {
        assert_eq!(refused(Version::V311, packet), reason, "{packet}");
    }
}

#[test]
fn a_bridge_tells_itself_by_the_highest_bit_of_the_level() {
    let body = bytes("00 04 'MQTT 84 02 00 3c 00 01 'c");
    assert_eq!(Connect::decode(&body).unwrap().version, Version::V311);
}

#[test]
fn publish_flags_ids_and_topics_are_checked() {
    use Reason as R;
    for (version, packet, reason) in [
        (Version::V311, "36 05 00 01 't 00 01", R::MALFORMED_PACKET),
        (Version::V311, "38 03 00 01 't", R::MALFORMED_PACKET),
        (Version::V311, "32 05 00 01 't 00 00", R::PROTOCOL_ERROR),
        (Version::V311, "30 02 00 00", R::PROTOCOL_ERROR),
        (Version::V311, "30 03 00 01 '#", R::PROTOCOL_ERROR),
        (Version::V5, "30 05 00 01 't 01 18", R::MALFORMED_PACKET),
    ] {
        assert_eq!(refused(version, packet), reason, "{packet}");
    }
    let packet = bytes("34 07 00 01 't 00 09 'h 'i");
    let Ok(Packet::Publish(publish)) = read(&packet, Version::V311) else { panic!() };
    assert_eq!((publish.qos, publish.payload), (Qos::ExactlyOnce, &b"hi"[..]));
}

#[test]
fn subscriptions_are_checked() {
    use Reason as R;
    for (version, packet, reason) in [
        (Version::V311, "82 02 00 01", R::PROTOCOL_ERROR),
        (Version::V311, "82 06 00 01 00 01 't 03", R::MALFORMED_PACKET),
        (Version::V311, "82 06 00 01 00 01 't 04", R::MALFORMED_PACKET),
        (Version::V5, "82 07 00 01 00 00 01 't 40", R::MALFORMED_PACKET),
        (Version::V5, "82 07 00 01 00 00 01 't 30", R::PROTOCOL_ERROR),
        (Version::V311, "82 06 00 00 00 01 't 00", R::PROTOCOL_ERROR),
        (Version::V311, "a2 02 00 01", R::PROTOCOL_ERROR),
    ] {
        assert_eq!(refused(version, packet), reason, "{packet}");
    }
}

#[test]
fn t7_filters_at_and_past_their_limit() {
    let many = |count: usize, version, first: u8, entry: &str| {
        let mut body = bytes("00 01");
        for _ in 0..count {
            body.extend_from_slice(&bytes(entry));
        }
        let mut packet = vec![first];
        crate::codec::wire::put_varint(&mut packet, body.len());
        packet.extend_from_slice(&body);
        read(&packet, version).map(drop).map_err(|error| error.reason)
    };
    for (first, entry) in [(0x82, "00 01 't 00"), (0xa2, "00 01 't")] {
        assert_eq!(many(FILTERS_MAX, Version::V311, first, entry), Ok(()));
        assert_eq!(many(FILTERS_MAX + 1, Version::V311, first, entry), Err(Reason::QUOTA_EXCEEDED));
    }
}

#[test]
fn reason_codes_belong_to_their_packet() {
    for (packet, reason) in [
        ("40 03 00 01 92", Reason::PROTOCOL_ERROR),
        ("62 03 00 01 10", Reason::PROTOCOL_ERROR),
        ("e0 01 01", Reason::PROTOCOL_ERROR),
        ("f0 01 80", Reason::PROTOCOL_ERROR),
    ] {
        assert_eq!(refused(Version::V5, packet), reason, "{packet}");
    }
    assert_eq!(refused(Version::V311, "40 03 00 01 00"), Reason::MALFORMED_PACKET);
}
