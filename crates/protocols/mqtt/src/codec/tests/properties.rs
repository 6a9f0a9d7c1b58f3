//! Properties: each one's bytes, where it may stand, its range, the limits.

use super::bytes;
use crate::codec::{
    Properties, Property, PropertyBuf, PropertyId, Reason,
    property::{Place, PropertyValue, USER_PROPERTIES_MAX, USER_PROPERTIES_MAX_BYTES},
    wire::Cursor,
};

const PLACES: [Place; 10] = [
    Place::Connect,
    Place::Will,
    Place::ConnAck,
    Place::Publish,
    Place::Ack,
    Place::Subscribe,
    Place::SubAck,
    Place::Unsubscribe,
    Place::Disconnect,
    Place::Auth,
];

/// A valid value of each property.
fn sample(id: PropertyId) -> Property<'static> {
    use PropertyId as P;
    match id {
        P::ContentType
        | P::ResponseTopic
        | P::AssignedClientIdentifier
        | P::AuthenticationMethod
        | P::ResponseInformation
        | P::ServerReference
        | P::ReasonString => Property::text(id, "t"),
        P::CorrelationData | P::AuthenticationData => Property::binary(id, b"\0b"),
        P::UserProperty => Property::pair("n", "v"),
        _ => Property::number(id, 1),
    }
}

#[test]
fn each_property_reads_and_writes_its_golden_bytes() {
    for (id, golden) in [
        (PropertyId::PayloadFormat, "01 01"),
        (PropertyId::MessageExpiry, "02 00 00 00 01"),
        (PropertyId::ContentType, "03 00 01 't"),
        (PropertyId::CorrelationData, "09 00 02 00 'b"),
        (PropertyId::SubscriptionIdentifier, "0b 01"),
        (PropertyId::ServerKeepAlive, "13 00 01"),
        (PropertyId::UserProperty, "26 00 01 'n 00 01 'v"),
        (PropertyId::SharedSubscriptionAvailable, "2a 01"),
    ] {
        let mut out = Vec::new();
        sample(id).write(&mut out);
        assert_eq!(out, bytes(golden), "{id:?}");
    }
    for id in PropertyId::ALL {
        let mut buffer = PropertyBuf::new();
        buffer.push(sample(*id));
        let section = buffer.properties();
        assert_eq!(section.bytes().len(), sample(*id).encoded_len(), "{id:?}");
        assert_eq!(section.iter().collect::<Vec<_>>(), [sample(*id)]);
        for place in PLACES {
            let mut out = Vec::new();
            section.write(&mut out);
            let read = Properties::read(&mut Cursor::new(&out), place);
            assert_eq!(read.is_ok(), id.places() & place as u16 != 0, "{id:?} in {place:?}");
            for len in 0..out.len() {
                assert!(
                    Properties::read(&mut Cursor::new(&out[..len]), place).is_err(),
                    "{id:?} cut at {len}"
                );
            }
        }
    }
}

fn refused(section: &str, place: Place) -> Reason {
    Properties::of_bytes(&bytes(section), place).unwrap_err().reason
}

#[test]
fn a_property_is_there_once_and_within_its_range() {
    assert_eq!(refused("01 00 01 01", Place::Publish), Reason::PROTOCOL_ERROR);
    assert_eq!(refused("01 02", Place::Publish), Reason::PROTOCOL_ERROR);
    assert_eq!(refused("21 00 00", Place::Connect), Reason::PROTOCOL_ERROR);
    assert_eq!(refused("27 00 00 00 00", Place::Connect), Reason::PROTOCOL_ERROR);
    assert_eq!(refused("0b 00", Place::Subscribe), Reason::PROTOCOL_ERROR);
    assert_eq!(refused("0b 01 0b 02", Place::Subscribe), Reason::PROTOCOL_ERROR);
    assert_eq!(refused("04", Place::Publish), Reason::MALFORMED_PACKET);
    assert_eq!(refused("03 00 01 00", Place::Publish), Reason::MALFORMED_PACKET);
    assert_eq!(refused("03 00 01 ff", Place::Publish), Reason::MALFORMED_PACKET);
    let section = bytes("0b 01 0b 02 26 00 00 00 00 26 00 00 00 00");
    let properties = Properties::of_bytes(&section, Place::Publish).unwrap();
    let numbers: Vec<_> = properties.iter().map(|property| property.value).collect();
    assert_eq!(numbers[..2], [PropertyValue::Number(1), PropertyValue::Number(2)]);
    assert_eq!(properties.pairs().count(), 2);
}

#[test]
fn t7_user_properties_at_and_past_their_limits() {
    let many = |count: usize, len: usize| {
        let value = "v".repeat(len);
        let mut buffer = PropertyBuf::new();
        for _ in 0..count {
            buffer.push(Property::pair("", &value));
        }
        Properties::of_bytes(buffer.properties().bytes(), Place::Publish)
            .map(drop)
            .map_err(|error| error.reason)
    };
    assert_eq!(many(USER_PROPERTIES_MAX, 1), Ok(()));
    assert_eq!(many(USER_PROPERTIES_MAX + 1, 1), Err(Reason::QUOTA_EXCEEDED));
    assert_eq!(many(1, USER_PROPERTIES_MAX_BYTES), Ok(()));
    assert_eq!(many(2, USER_PROPERTIES_MAX_BYTES / 2 + 1), Err(Reason::QUOTA_EXCEEDED));
}
