//! Any packet and any bytes.

use proptest::prelude::*;

use crate::codec::{
    Ack, Auth, Codes, ConnAck, Connect, Disconnect, FilterEntry, Frame, Kind, LastWill, Options, Packet,
    PacketId, Properties, Property, PropertyBuf, PropertyId, Publish, Qos, Reason, RetainHandling, Subscribe,
    SubscribeAck, Unsubscribe, Version, property::Place, split_packet,
};

fn versions() -> impl Strategy<Value = Version> {
    prop_oneof![Just(Version::V31), Just(Version::V311), Just(Version::V5)]
}

fn qos() -> impl Strategy<Value = Qos> {
    prop_oneof![Just(Qos::AtMostOnce), Just(Qos::AtLeastOnce), Just(Qos::ExactlyOnce)]
}

/// Properties of a place: any of those that may stand there, each once.
fn sections(place: Place, version: Version) -> BoxedStrategy<PropertyBuf> {
    if !version.is_v5() {
        return Just(PropertyBuf::new()).boxed();
    }
    let fitting: Vec<_> =
        PropertyId::ALL.iter().copied().filter(|id| id.places() & place as u16 != 0).collect();
    let most = fitting.len();
    let ids = prop::sample::subsequence(fitting, 0..=most);
    (ids, any::<u32>(), "[a-z]{0,9}", prop::collection::vec(any::<u8>(), 0..9))
        .prop_map(move |(ids, number, text, data)| {
            let mut buffer = PropertyBuf::new();
            for id in ids {
                use PropertyId as P;
                buffer.push(match id {
                    P::ContentType
                    | P::ResponseTopic
                    | P::AssignedClientIdentifier
                    | P::AuthenticationMethod
                    | P::ResponseInformation
                    | P::ServerReference
                    | P::ReasonString => Property::text(id, &text),
                    P::CorrelationData | P::AuthenticationData => Property::binary(id, &data),
                    P::UserProperty => Property::pair(&text, "v"),
                    P::PayloadFormat
                    | P::RequestProblemInformation
                    | P::RequestResponseInformation
                    | P::MaximumQos
                    | P::RetainAvailable
                    | P::WildcardSubscriptionAvailable
                    | P::SubscriptionIdentifierAvailable
                    | P::SharedSubscriptionAvailable => Property::number(id, number & 1),
                    _ => Property::number(id, number.max(1) & 0x0fff_ffff | 1),
                });
            }
            // Numbers of two bytes were cut by the writing; what came of it is what is compared.
            let bytes = buffer.properties().bytes().to_vec();
            assert!(Properties::of_bytes(&bytes, place).is_ok(), "{bytes:02x?}");
            buffer
        })
        .boxed()
}

#[derive(Clone, Debug)]
struct Parts {
    version: Version,
    kind: u8,
    section: PropertyBuf,
    will_section: PropertyBuf,
    qos: Qos,
    flags: [bool; 4],
    id: u16,
    topic: String,
    text: String,
    payload: Vec<u8>,
}

fn parts() -> impl Strategy<Value = Parts> {
    (versions(), 1..=15u8)
        .prop_flat_map(|(version, kind)| {
            let place = match kind {
                1 => Place::Connect,
                2 => Place::ConnAck,
                3 => Place::Publish,
                4..=7 => Place::Ack,
                8 => Place::Subscribe,
                9 | 11 => Place::SubAck,
                10 => Place::Unsubscribe,
                15 => Place::Auth,
                _ => Place::Disconnect,
            };
            (
                Just(version),
                Just(kind),
                sections(place, version),
                sections(Place::Will, version),
                qos(),
                any::<[bool; 4]>(),
                1..=u16::MAX,
                "[a-z/]{1,200}",
                "[a-zä]{0,9}",
                prop::collection::vec(any::<u8>(), 0..300),
            )
        })
        .prop_map(|(version, kind, section, will_section, qos, flags, id, topic, text, payload)| Parts {
            version,
            kind,
            section,
            will_section,
            qos,
            flags,
            id,
            topic,
            text,
            payload,
        })
}

fn write(parts: &Parts, out: &mut Vec<u8>) {
    let Parts { version, qos, flags, topic, payload, .. } = parts;
    let (version, qos) = (*version, *qos);
    let properties = parts.section.properties();
    let id = PacketId::of(parts.id).unwrap();
    let options = Options {
        qos,
        is_no_local: version.is_v5() && flags[0],
        is_retain_as_published: version.is_v5() && flags[1],
        retain_handling: if version.is_v5() && flags[2] {
            RetainHandling::SendIfNew
        } else {
            RetainHandling::Send
        },
    };
    let reason = if version.is_v5() && flags[0] { Reason(0x92) } else { Reason::SUCCESS };
    let ack_reason = if version.is_v5() && flags[0] { Reason(0x97) } else { Reason::SUCCESS };
    let codes = [0, 1, 2, 0x80];
    let packet = match parts.kind {
        1 => Packet::Connect(Connect {
            version,
            is_clean: flags[0],
            keep_alive_s: parts.id,
            client_id: &parts.text,
            properties,
            will: flags[1].then(|| LastWill {
                qos,
                is_retain: flags[2],
                topic,
                properties: parts.will_section.properties(),
                payload,
            }),
            user: flags[3].then_some(&parts.text),
            password: flags[3].then_some(payload),
        }),
        2 => Packet::ConnAck(ConnAck { is_session_present: flags[0], reason: Reason::SUCCESS, properties }),
        3 => Packet::Publish(Publish {
            is_dup: flags[0] && qos != Qos::AtMostOnce,
            qos,
            is_retain: flags[1],
            topic,
            id: (qos != Qos::AtMostOnce).then_some(id),
            properties,
            payload,
        }),
        4 => Packet::PubAck(Ack { id, reason: ack_reason, properties }),
        5 => Packet::PubRec(Ack { id, reason: ack_reason, properties }),
        6 => Packet::PubRel(Ack { id, reason, properties }),
        7 => Packet::PubComp(Ack { id, reason, properties }),
        8 => {
            let entries = [FilterEntry { filter: topic, options }, FilterEntry { filter: "x", options }];
            return Subscribe::write_new(id, properties, &entries, version, out);
        }
        9 => Packet::SubAck(SubscribeAck { id, properties, codes: &codes }),
        10 => return Unsubscribe::write_new(id, properties, &[topic, "x"], version, out),
        11 => {
            let ack = SubscribeAck { id, properties, codes: if version.is_v5() { &codes } else { &[] } };
            return ack.write(Codes::Unsubscribe, version, out);
        }
        12 => Packet::PingReq,
        13 => Packet::PingResp,
        14 => Packet::Disconnect(Disconnect { reason: Reason::SUCCESS, properties }),
        _ => Packet::Auth(Auth { reason: Reason::CONTINUE_AUTHENTICATION, properties }),
    };
    packet.write(version, out);
}

proptest! {
    #[test]
    fn t5_decode_after_encode_is_the_same(parts in parts()) {
        prop_assume!(parts.kind != 15 || parts.version.is_v5());
        let mut bytes = Vec::new();
        write(&parts, &mut bytes);
        let (frame, size) = split_packet(&bytes, u32::MAX, parts.version).unwrap().unwrap();
        prop_assert_eq!(size, bytes.len());
        let packet = Packet::decode(&frame, parts.version).unwrap();
        prop_assert_eq!(frame.kind as u8, parts.kind);
        let mut again = Vec::new();
        packet.write(parts.version, &mut again);
        prop_assert_eq!(bytes, again);
    }

    #[test]
    fn t5_any_bytes_are_a_packet_or_refused(
        first in any::<u8>(),
        version in versions(),
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut bytes = vec![first];
        crate::codec::wire::put_varint(&mut bytes, body.len());
        bytes.extend_from_slice(&body);
        if let Ok(Some((frame, _))) = split_packet(&bytes, u32::MAX, version)
            && let Ok(packet) = Packet::decode(&frame, version)
        {
            let mut again = Vec::new();
            packet.write(version, &mut again);
            let version = match &packet {
                Packet::Connect(connect) => connect.version,
                _ => version,
            };
            let (frame, _) = split_packet(&again, u32::MAX, version).unwrap().unwrap();
            let reread = Packet::decode(&frame, version).unwrap();
            let is_code = matches!(frame.kind, Kind::ConnAck | Kind::SubAck | Kind::UnsubAck);
            prop_assert!(is_code && !version.is_v5() || reread == packet, "{:?} {:?}", packet, reread);
        }
    }

    #[test]
    fn t5_split_input_is_whole_input(all in prop::collection::vec(parts(), 1..5)) {
        let version = Version::V5;
        let mut bytes = Vec::new();
        let mut ends = Vec::new();
        for parts in &all {
            write(&Parts { version, ..parts.clone() }, &mut bytes);
            ends.push(bytes.len());
        }
        let mut at = 0;
        let mut found = Vec::new();
        for end in 1..=bytes.len() {
            if let Some((Frame { .. }, size)) = split_packet(&bytes[at..end], u32::MAX, version).unwrap() {
                at += size;
                found.push(at);
            }
        }
        prop_assert_eq!(found, ends);
    }
}
