//! Heads: what is kept, what it means.

use proptest::prelude::*;
use ternmq_activemq::ActiveMq;

use super::*;
use crate::{
    codec::{Dispatch, Molds, NO_ENDS, OutCache, Walks, encode, encode_dispatch, kept},
    translate::destination_of,
};

fn format() -> OpenWireFormat {
    OpenWireFormat::of(Arc::new(ActiveMq))
}

fn bytes(bytes: &[u8]) -> Value<'static> {
    Value::Bytes(Cow::Owned(bytes.to_vec()))
}

fn id() -> Object<'static> {
    let producer = Object::new(Kind::ProducerId)
        .with_text(Field::ConnectionId, "ID:host-1")
        .with(Field::SessionId, Value::Long(2))
        .with(Field::Value, Value::Long(3));
    Object::new(Kind::MessageId)
        .with_object(Field::ProducerId, Arc::new(producer))
        .with(Field::ProducerSequenceId, Value::Long(4))
}

/// A message with everything that its sender can say.
fn message(kind: Kind, content: &[u8]) -> Object<'static> {
    let map = Primitives::default()
        .with("text", Primitive::Text("x".into()))
        .with("list", Primitive::List(vec![Primitive::Byte(-1), Primitive::Char(0x20ac), Primitive::Null]));
    Object::new(kind)
        .with_object(Field::MessageId, Arc::new(id()))
        .with_object(Field::Destination, Arc::new(destination_of(&Place::Queue("q".into()))))
        .with_object(Field::ReplyTo, Arc::new(destination_of(&Place::Topic("t".into()))))
        .with_text(Field::CorrelationId, "c")
        .with_text(Field::Type, "kind")
        .with(Field::Timestamp, Value::Long(7_999))
        .with(Field::Expiration, Value::Long(9_000))
        .with(Field::MarshalledProperties, bytes(&map.to_bytes()))
        .with(Field::Content, bytes(content))
}

#[test]
fn a_message_comes_back_as_it_was() {
    for kind in Kind::ALL.iter().filter(|kind| kind.is_message()) {
        for content in
            [&b""[..], b"\0\0\0\x05hello", b"\0\0\0\x09hello", b"\0\0\0\x02\xc0\x80", b"\0\0\0\x01\xff"]
        {
            let message = message(*kind, content);
            let (head, body) = take_apart(message.clone());
            assert_eq!(put_together(&head, &body), Some(message));
        }
        let empty = Object::new(*kind);
        let (head, body) = take_apart(empty.clone());
        assert_eq!((put_together(&head, &body), body.len()), (Some(empty), 0));
    }
}

#[test]
fn text_is_kept_as_everybody_can_read_it() {
    let body = |message| take_apart(message).1.into_owned();
    for (text, content) in
        [("hi", &b"\0\0\0\x02hi"[..]), ("\0😀", b"\0\0\0\x08\xc0\x80\xed\xa0\xbd\xed\xb8\x80")]
    {
        assert_eq!(content_of_text(text), content);
        assert_eq!(body(message(Kind::TextMessage, content)), text.as_bytes());
    }
    // What is compressed, and what is no text, stays as it is.
    let compressed = message(Kind::TextMessage, b"\0\0\0\x02hi").with(Field::Compressed, Value::Bool(true));
    assert_eq!(body(compressed), b"\0\0\0\x02hi");
    assert_eq!(body(message(Kind::MapMessage, b"\0\0\0\x02hi")), b"\0\0\0\x02hi");
    // Plain UTF-8 of a client that knows no other would come back otherwise.
    assert_eq!(body(message(Kind::TextMessage, "\0\0\0\u{4}😀".as_bytes())), "\0\0\0\u{4}😀".as_bytes());
}

#[test]
fn what_belongs_to_one_hop_is_left_out() {
    let sent = message(Kind::TextMessage, b"\0\0\0\0")
        .with(Field::CommandId, Value::Int(5))
        .with(Field::ResponseRequired, Value::Bool(true))
        .with(Field::RedeliveryCounter, Value::Int(3))
        .with(Field::BrokerInTime, Value::Long(5))
        .with(Field::BrokerPath, Value::Array(Vec::new()));
    let (head, body) = take_apart(sent);
    assert_eq!(put_together(&head, &body), Some(message(Kind::TextMessage, b"\0\0\0\0")));
}

#[test]
fn a_head_comes_out_in_neutral_terms() {
    let group = message(Kind::TextMessage, b"\0\0\0\0")
        .with_text(Field::GroupId, "g")
        .with(Field::GroupSequence, Value::Int(2));
    let (head, _) = take_apart(group);
    let expect = Properties {
        headers: vec![
            ("text".into(), Neutral::str("x")),
            ("list".into(), Neutral::Array(vec![Neutral::I8(-1), Neutral::str("€"), Neutral::Null])),
            ("JMSXGroupID".into(), Neutral::str("g")),
            ("JMSXGroupSeq".into(), Neutral::I32(2)),
        ],
        correlation_id: Some(b"c"[..].into()),
        reply_key: Some("t".into()),
        message_id: Some(b"ID:host-1:2:3:4"[..].into()),
        timestamp: Some(7),
        kind: Some("kind".into()),
        is_text: Some(true),
        ..Properties::default()
    };
    assert_eq!(format().properties(&head), expect);
    assert_eq!(format().properties(&take_apart(message(Kind::BytesMessage, b"")).0).is_text, None);
}

#[test]
fn a_reply_address_is_what_it_stands_for() {
    for (place, queue, key) in [
        (Place::Queue("q".into()), Some("q"), None),
        (Place::Topic("t".into()), None, Some("t")),
        (Place::TemporaryQueue("ID:x:1".into()), Some("temp-queue://ID:x:1"), None),
    ] {
        let reply_to = Arc::new(destination_of(&place));
        let (head, _) = take_apart(Object::new(Kind::Message).with_object(Field::ReplyTo, reply_to));
        let properties = format().properties(&head);
        assert_eq!((properties.reply_to.as_deref(), properties.reply_key.as_deref()), (queue, key));
    }
}

#[test]
fn the_expiration_is_taken_off_and_nothing_else() {
    let (head, body) = take_apart(message(Kind::TextMessage, b"\0\0\0\x02hi"));
    let without = format().without_ttl(&head).unwrap();
    let expect = message(Kind::TextMessage, b"\0\0\0\x02hi").with(Field::Expiration, Value::Long(0));
    assert_eq!(put_together(&without, &body), Some(expect));
    assert_eq!(format().without_ttl(&without), None);
}

#[test]
fn bytes_that_are_no_head_have_no_properties() {
    let (head, _) = take_apart(message(Kind::TextMessage, b"\0\0\0\0"));
    for end in 0..head.len() {
        assert_eq!(format().properties(&head[..end]), Properties::default());
        assert_eq!(put_together(&head[..end], b""), None);
        assert_eq!(format().without_ttl(&head[..end]), None);
    }
    // A command that is no message.
    assert_eq!(format().properties(&[1, 0, 10, 0, 0, 0, 0, 0]), Properties::default());
}

#[test]
fn values_without_a_type_here_become_text_or_larger() {
    for (value, expect) in [
        (Neutral::U8(200), Primitive::Short(200)),
        (Neutral::U16(60_000), Primitive::Int(60_000)),
        (Neutral::U32(u32::MAX), Primitive::Long(u32::MAX.into())),
        (Neutral::U64(5), Primitive::Long(5)),
        (Neutral::U64(u64::MAX), Primitive::Text(u64::MAX.to_string().into())),
        (Neutral::Timestamp(5), Primitive::Long(5)),
        (Neutral::Bytes(b"\xff"[..].into()), Primitive::Bytes(b"\xff"[..].into())),
    ] {
        assert_eq!(primitive(&value), expect);
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_not(head: Vec<u8>, body: Vec<u8>) {
        let _properties = format().properties(&head);
        let _message = put_together(&head, &body);
        if let Some(without) = format().without_ttl(&head) {
            prop_assert_eq!(format().without_ttl(&without), None);
        }
    }
}

/// Whatever a peer agreed on, it gets the same bytes whether a message was taken apart on its way or not.
#[test]
fn a_kept_message_goes_out_as_if_it_had_been_put_together() {
    for extent in [Extent::Whole, Extent::Front] {
        goes_out_as_if_put_together(extent);
    }
}

fn goes_out_as_if_put_together(extent: Extent) {
    let destination = Arc::new(Object::new(Kind::Topic).with_text(Field::PhysicalName, "to"));
    let changes = [
        (Field::Destination, Value::Object(destination)),
        (Field::Expiration, Value::Long(7)),
        (Field::RedeliveryCounter, Value::Int(3)),
    ];
    // Behind the content nothing is found.
    let changes = &changes[..if extent == Extent::Front { 2 } else { 3 }];
    let consumer = Object::new(Kind::ConsumerId)
        .with_text(Field::ConnectionId, "ID:c")
        .with(Field::Value, Value::Long(1));
    let source = Object::new(Kind::Queue).with_text(Field::PhysicalName, "from");
    let (raw_consumer, raw_source) = (kept(&consumer), kept(&source));
    let parts = Dispatch { consumer: &raw_consumer, destination: &raw_source, redeliveries: 3 };
    let dispatch = Object::new(Kind::MessageDispatch)
        .with_object(Field::ConsumerId, Arc::new(consumer))
        .with_object(Field::Destination, Arc::new(source))
        .with(Field::RedeliveryCounter, Value::Int(3));
    let mut walks = Walks::default();
    // Each comes twice: the second one is like the first.
    for sent in samples().into_iter().flat_map(|sent| [sent.clone(), sent]) {
        let id = sent.object(Field::MessageId).map(|id| Object::clone(id));
        let (head, body) = take_apart(sent);
        let mut room = NO_ENDS;
        let mut relayed = relay(&head, &body, extent, &mut room, &mut walks).unwrap();
        let mut made = put_together(&head, &body).unwrap();
        for (field, value) in changes.iter().cloned() {
            relayed.set(field, value.clone());
            made.set(field, value);
        }
        relayed.set_sequence(-9);
        if let Some(id) = id {
            let id = id.with(Field::BrokerSequenceId, Value::Long(-9));
            made.set(Field::MessageId, Value::Object(Arc::new(id)));
        }
        let whole = dispatch.clone().with_object(Field::Message, Arc::new(made));
        for version in 1..=12 {
            for (is_tight, has_cache) in [(false, false), (false, true), (true, false), (true, true)] {
                let encoding = Encoding { version, is_tight, has_cache };
                if extent == Extent::Front && !encoding.is_kept_alike() {
                    continue;
                }
                let (mut one, mut other) = (OutCache::new(16), OutCache::new(16));
                let (mut as_kept, mut as_made) = (Vec::new(), Vec::new());
                // Twice, as what the peer remembers is written otherwise.
                for _ in 0..2 {
                    encode_dispatch(parts, &relayed, encoding, &mut one, &mut as_kept);
                    encode(&whole, encoding, &mut other, &mut as_made);
                    assert_eq!(as_kept, as_made, "{encoding:?}");
                }
            }
        }
    }
}

/// What comes in is kept as it would be had it been read first, whatever its sender agreed on.
#[test]
fn a_message_is_kept_as_if_it_had_been_taken_apart() {
    let hop = |message: Object<'static>| {
        message
            .with(Field::CommandId, Value::Int(7))
            .with(Field::ResponseRequired, Value::Bool(true))
            .with(Field::RedeliveryCounter, Value::Int(2))
            .with(Field::BrokerPath, Value::Array(vec![None]))
            .with(Field::BrokerInTime, Value::Long(5))
            .with_object(Field::TargetConsumerId, Arc::new(Object::new(Kind::ConsumerId)))
            .with_object(Field::TransactionId, Arc::new(Object::new(Kind::LocalTransactionId)))
    };
    let texts = ["", "\0😀", "\u{e9}", "a\0b"];
    let all =
        samples().into_iter().chain(samples().into_iter().map(hop)).chain(texts.map(|text| {
            samples().swap_remove(0).with_text(Field::Type, text).with_text(Field::GroupId, text)
        }));
    for sent in all {
        for version in sent.kind().since()..=12 {
            for (is_tight, has_cache) in [(false, false), (false, true), (true, false), (true, true)] {
                let encoding = Encoding { version, is_tight, has_cache };
                let (mut sending, mut molds) = (OutCache::new(16), Molds::default());
                let (mut reading, mut keeping) = (InCache::new(16, 1 << 16), InCache::new(16, 1 << 16));
                for _ in 0..2 {
                    let mut frame = Vec::new();
                    encode(&sent, encoding, &mut sending, &mut frame);
                    let read = decode(&frame[4..], encoding, &mut reading).unwrap();
                    let number = i32::try_from(read.number(Field::CommandId)).unwrap();
                    let asked = (number, read.is(Field::ResponseRequired));
                    let transaction = read.object(Field::TransactionId).cloned();
                    let (head, body) = take_apart(read.with(Field::UserId, Value::None));
                    let [mut room, mut other_room] = [NO_ENDS; 2];
                    let kept = keep(&frame[4..], encoding, &mut keeping, vec![1, 2], &mut room, &mut molds);
                    let (kept, kept_body) = kept.unwrap();
                    assert_eq!((kept.buffer(), &*kept_body), (&*head, &*body), "{encoding:?} {sent:?}");
                    assert_eq!((kept.command_id, kept.is_response_required), asked);
                    assert_eq!(kept.transaction, transaction);
                    // What is looked up in it is what is there when it is walked through.
                    let (now, walked) = (kept.stored(), Stored::of(&head[2..], &mut other_room).unwrap());
                    for field in [Field::Destination, Field::MessageId, Field::Timestamp, Field::Compressed] {
                        assert_eq!(now.raw(field), walked.raw(field));
                    }
                }
            }
        }
    }
}

#[test]
fn a_message_that_is_kept_is_read_as_strictly() {
    let encoding = Encoding { version: 12, is_tight: true, has_cache: true };
    for sent in samples() {
        let mut frame = Vec::new();
        encode(&sent, encoding, &mut OutCache::new(16), &mut frame);
        for end in 4..frame.len() {
            let mut caches = [InCache::new(16, 1 << 16), InCache::new(16, 1 << 16)];
            let [one, other] = &mut caches;
            let read = decode(&frame[4..end], encoding, one).unwrap_err();
            let (mut room, mut molds) = (NO_ENDS, Molds::default());
            let kept = keep(&frame[4..end], encoding, other, Vec::new(), &mut room, &mut molds).map(drop);
            assert_eq!(kept.unwrap_err(), read, "{end}");
        }
    }
}

#[test]
fn a_field_of_an_incoming_message_is_changed_in_its_place() {
    for sent in samples() {
        let mut frame = Vec::new();
        encode(&sent, Encoding::KEPT, &mut OutCache::default(), &mut frame);
        let mut cache = InCache::default();
        let (mut room, mut molds) = (NO_ENDS, Molds::default());
        let (mut kept, _) =
            keep(&frame[4..], Encoding::KEPT, &mut cache, Vec::new(), &mut room, &mut molds).unwrap();
        let changes = [
            (Field::Timestamp, Value::Long(-1)),
            (Field::UserId, Value::Text("somebody".into())),
            (Field::Priority, Value::Byte(9)),
            (Field::Type, Value::None),
            (Field::Persistent, Value::Bool(true)),
        ];
        let mut expect = sent.clone().with(Field::UserId, Value::None);
        for (field, value) in changes {
            kept.set(field, &value);
            expect.set(field, value);
        }
        let (head, _) = take_apart(expect);
        assert_eq!(kept.buffer(), head);
        assert_eq!(kept.stored().text(Field::UserId).as_deref(), Some("somebody"));
        assert_eq!((kept.stored().number(Field::Timestamp), kept.stored().number(Field::Priority)), (-1, 9));
        assert!(kept.stored().is(Field::Persistent) && kept.stored().text(Field::Type).is_none());
    }
}

proptest! {
    #[test]
    fn any_frame_is_kept_as_it_is_read(frame: Vec<u8>, version in 1_u8..=12, is_tight: bool, has_cache: bool) {
        for kind in [Kind::TextMessage, Kind::BlobMessage] {
            let frame = [&[kind.code()], &frame[..]].concat();
            let encoding = Encoding { version, is_tight, has_cache };
            let read = decode(&frame, encoding, &mut InCache::new(4, 1 << 10));
            let (mut room, mut molds) = (NO_ENDS, Molds::default());
            let kept = keep(&frame, encoding, &mut InCache::new(4, 1 << 10), Vec::new(), &mut room, &mut molds);
            match (read, kept) {
                (Ok(read), Ok((kept, body))) => {
                    let (head, expect) = take_apart(read.with(Field::UserId, Value::None));
                    prop_assert_eq!((kept.buffer(), &*body), (&*head, &*expect));
                }
                (read, kept) => prop_assert_eq!(read.err(), kept.err()),
            }
        }
    }
}

/// Messages with as much in them as there can be, and with as little.
fn samples() -> Vec<Object<'static>> {
    let producer = Object::new(Kind::ProducerId)
        .with_text(Field::ConnectionId, "ID:c")
        .with(Field::Value, Value::Long(70_000))
        .with(Field::SessionId, Value::Long(1));
    let producer = Arc::new(producer);
    let id = Object::new(Kind::MessageId)
        .with_text(Field::TextView, "view")
        .with_object(Field::ProducerId, producer.clone())
        .with(Field::ProducerSequenceId, Value::Long(i64::MAX));
    let queue =
        |name: &str| Arc::new(Object::new(Kind::Queue).with_text(Field::PhysicalName, name.to_owned()));
    let full = |kind| {
        Object::new(kind)
            .with_object(Field::ProducerId, producer.clone())
            .with_object(Field::MessageId, Arc::new(id.clone()))
            .with_object(Field::Destination, queue("from"))
            .with_object(Field::OriginalDestination, queue("first"))
            .with_object(Field::ReplyTo, queue("back"))
            .with_text(Field::GroupId, "g")
            .with(Field::GroupSequence, Value::Int(2))
            .with_text(Field::CorrelationId, "\u{fc}\u{20ac}")
            .with_text(Field::Type, "type")
            .with_text(Field::UserId, "user")
            .with(Field::Persistent, Value::Bool(true))
            .with(Field::Priority, Value::Byte(4))
            .with(Field::Timestamp, Value::Long(0x1_0000))
            .with(Field::Compressed, Value::Bool(kind == Kind::MapMessage))
            .with(Field::MarshalledProperties, Value::Bytes(vec![0, 0, 0, 0].into()))
            .with(Field::Content, Value::Bytes(vec![0, 0, 0, 2, b'h', b'i'].into()))
    };
    let structure = full(Kind::Message).with_object(Field::DataStructure, Arc::new(full(Kind::ConsumerInfo)));
    let blob = full(Kind::BlobMessage).with_text(Field::RemoteBlobUrl, "http://x/");
    let mut all: Vec<Object<'static>> =
        [Kind::TextMessage, Kind::BytesMessage, Kind::MapMessage].into_iter().map(full).collect();
    let news = full(Kind::Message).with_object(Field::DataStructure, Arc::new(full(Kind::TextMessage)));
    all.extend([structure, news, blob, Object::new(Kind::Message), Object::new(Kind::TextMessage)]);
    all
}

#[test]
fn what_is_no_whole_message_is_not_passed_on_as_one() {
    let (head, body) = take_apart(samples().swap_remove(0));
    let is_whole = |head: &[u8]| {
        relay(head, &body, Extent::Whole, &mut NO_ENDS.clone(), &mut Walks::default()).is_some()
    };
    assert!(is_whole(&head));
    for end in 0..head.len() {
        assert!(!is_whole(&head[..end]), "{end}");
    }
    assert!(!is_whole(&[&head[..], &[0]].concat()));
}

/// A message of a producer, which says with each one how much changes.
fn one_of_many(number: i64, content: &[u8]) -> Object<'static> {
    let mut id = samples().swap_remove(0).object(Field::MessageId).map(|id| Object::clone(id)).unwrap();
    id.set(Field::TextView, Value::None);
    id.set(Field::ProducerSequenceId, Value::Long(number));
    let mut message = samples().swap_remove(1).with_object(Field::MessageId, Arc::new(id));
    for (field, value) in [
        (Field::CommandId, Value::Int(number as i32)),
        (Field::Timestamp, Value::Long(number.wrapping_mul(3))),
        (Field::Expiration, Value::Long(if number % 2 == 0 { 0 } else { number.wrapping_mul(5) })),
        (Field::Content, Value::Bytes(content.to_vec().into())),
        (Field::UserId, Value::None),
    ] {
        message.set(field, value);
    }
    message
}

fn encodings() -> impl Iterator<Item = Encoding> {
    [(false, false), (false, true), (true, false), (true, true)].into_iter().flat_map(
        |(is_tight, has_cache)| {
            [1, 9, 12].into_iter().map(move |version| Encoding { version, is_tight, has_cache })
        },
    )
}

/// Numbers around those where the tight encoding has more bytes for them.
const NUMBERS: [i64; 14] = [
    1,
    2,
    3,
    5,
    0xfffe,
    0xffff,
    0x1_0000,
    0x1_0001,
    0xffff_ffff,
    0x1_0000_0000,
    0x1_0000_0001,
    i64::MAX,
    -1,
    0,
];

#[test]
fn messages_like_those_before_are_kept_as_they_are_read() {
    for encoding in encodings() {
        let (mut sending, mut reading) = (OutCache::new(16), InCache::new(16, 1 << 16));
        let (mut keeping, mut molds) = (InCache::new(16, 1 << 16), Molds::default());
        for (round, number) in NUMBERS.iter().cycle().take(40).enumerate() {
            let content = vec![7; round % 5 * 100];
            let mut sent = one_of_many(*number, &content);
            // Now and then another queue, which peers with a cache remember at another place.
            if round % 7 == 6 {
                let name = format!("q{round}");
                let queue = Object::new(Kind::Queue).with_text(Field::PhysicalName, name);
                sent = sent.with_object(Field::Destination, Arc::new(queue));
            }
            let mut frame = Vec::new();
            encode(&sent, encoding, &mut sending, &mut frame);
            let read = decode(&frame[4..], encoding, &mut reading).unwrap();
            let (head, body) = take_apart(read.with(Field::UserId, Value::None));
            let mut room = NO_ENDS;
            let kept = keep(&frame[4..], encoding, &mut keeping, Vec::new(), &mut room, &mut molds);
            let (kept, kept_body) = kept.unwrap();
            assert_eq!((kept.buffer(), &*kept_body), (&*head, &*body), "{encoding:?} {number}");
            assert_eq!(kept.command_id, *number as i32);
            let mut other_room = NO_ENDS;
            let walked = Stored::of(&head[2..], &mut other_room).unwrap();
            assert_eq!(kept.stored().number(Field::Timestamp), walked.number(Field::Timestamp));
        }
    }
}

#[test]
fn a_message_like_one_before_it_is_known_by_its_shape() {
    for encoding in encodings() {
        let (mut sending, mut keeping) = (OutCache::new(16), InCache::new(16, 1 << 16));
        let (mut molds, mut room) = (Molds::default(), NO_ENDS);
        let mut frames = [5, 6, 7, 9].map(|number| {
            let mut frame = Vec::new();
            encode(&one_of_many(2 * number, &[1; 64]), encoding, &mut sending, &mut frame);
            frame.split_off(4)
        });
        let (last, before) = frames.split_last_mut().unwrap();
        for frame in before {
            assert!(keep(frame, encoding, &mut keeping, Vec::new(), &mut room, &mut molds).is_ok());
        }
        assert!(molds.find(last, &keeping).is_some(), "{encoding:?}");
        // What its peers remember meanwhile may be another thing under the same number.
        keeping.put(3, None).unwrap();
        assert!(molds.find(last, &keeping).is_none());
    }
}

proptest! {
    #[test]
    fn a_message_almost_like_one_before_it_is_kept_as_if_it_were_the_first(
        at: prop::sample::Index,
        byte: u8,
        cut in 0_usize..3,
        which in 0_usize..12,
        number in prop::sample::select(&NUMBERS[..]),
    ) {
        let encoding = encodings().nth(which).unwrap();
        let (mut sending, mut cache) = (OutCache::new(16), InCache::new(16, 1 << 16));
        let (mut molds, mut room) = (Molds::default(), NO_ENDS);
        let mut frame = Vec::new();
        for _ in 0..3 {
            frame.clear();
            encode(&one_of_many(number, b"content"), encoding, &mut sending, &mut frame);
            let kept = keep(&frame[4..], encoding, &mut cache, Vec::new(), &mut room, &mut molds);
            prop_assert!(kept.is_ok());
        }
        let mut frame = frame.split_off(4);
        *at.get_mut(&mut frame) = byte;
        frame.truncate(frame.len() - cut);
        let [mut one, mut other] = [cache.clone(), cache];
        let mut other_room = NO_ENDS;
        let is_message = frame.first().and_then(|code| Kind::of_code(*code)).is_some_and(Kind::is_message);
        prop_assume!(is_message);
        let kept = keep(&frame, encoding, &mut one, Vec::new(), &mut room, &mut molds);
        let first = keep(&frame, encoding, &mut other, Vec::new(), &mut other_room, &mut Molds::default());
        match (kept, first) {
            (Ok((kept, body)), Ok((first, first_body))) => {
                prop_assert_eq!((kept.buffer(), body), (first.buffer(), first_body));
                let answered = |kept: &Incoming<'_>| (kept.command_id, kept.is_response_required);
                prop_assert_eq!(answered(&kept), answered(&first));
                prop_assert_eq!(&kept.transaction, &first.transaction);
            }
            (kept, first) => prop_assert_eq!(kept.err(), first.err()),
        }
    }

    #[test]
    fn a_kept_message_almost_like_one_before_it_is_walked_through_as_if_it_were_the_first(
        at: prop::sample::Index,
        byte: u8,
        cut in 0_usize..3,
        is_whole: bool,
    ) {
        let extent = if is_whole { Extent::Whole } else { Extent::Front };
        let (head, body) = take_apart(one_of_many(7, b"content"));
        let (mut walks, mut room) = (Walks::default(), NO_ENDS);
        prop_assert!(relay(&head, &body, extent, &mut room, &mut walks).is_some());
        let mut other = head.clone();
        *at.get_mut(&mut other) = byte;
        other.truncate(other.len() - cut);
        let mut other_room = NO_ENDS;
        let walked = relay(&other, &body, extent, &mut room, &mut walks);
        let first = relay(&other, &body, extent, &mut other_room, &mut Walks::default());
        prop_assert_eq!(format!("{walked:?}"), format!("{first:?}"));
    }
}
