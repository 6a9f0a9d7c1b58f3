use std::collections::HashMap;

use super::hex;
use crate::codec::{
    FrameKind, Malformed, Method, MethodError, TableBuf,
    frame::split_frame,
    method::{MethodFrame, basic, channel, connection, exchange, queue},
};

const FRAME_MAX_BYTES: u32 = 131_072;

/// Name, frame and meaning of each line of the golden file.
fn golden() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    include_str!("methods.golden")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (name, rest) = line.split_once(' ').unwrap();
            let (bytes, meaning) = rest.split_once(' ').unwrap();
            (name, hex(bytes), meaning)
        })
        .collect()
}

fn payload(frame: &[u8]) -> &[u8] {
    let (split, used) = split_frame(frame, FRAME_MAX_BYTES).unwrap().unwrap();
    assert_eq!((split.kind, split.channel, used), (FrameKind::Method, 3, frame.len()));
    split.payload
}

#[test]
fn every_method_reads_and_writes_its_golden_bytes() {
    let golden = golden();
    let names: HashMap<_, _> = golden.iter().map(|(name, bytes, _)| (*name, payload(bytes))).collect();
    for (class_id, method_id, name) in Method::ALL {
        let ids = [class_id.to_be_bytes(), method_id.to_be_bytes()].concat();
        assert!(names.get(name).is_some_and(|bytes| bytes.starts_with(&ids)), "no golden bytes of {name}");
    }
    for (name, bytes, meaning) in &golden {
        let method = Method::decode(payload(bytes)).unwrap();
        assert_eq!(method.name(), *name);
        assert_eq!(format!("{method:?}"), *meaning);
        let mut out = Vec::new();
        method.write_frame(&mut out, 3);
        assert_eq!(&out, bytes, "{name}");
    }
    assert_eq!(golden.len(), Method::ALL.len());
}

#[test]
fn a_method_cut_anywhere_is_refused_with_its_ids() {
    for (name, bytes, _) in golden() {
        let whole = payload(&bytes);
        let ids = Method::decode(whole).unwrap().ids();
        for len in 0..whole.len() {
            let error = Method::decode(&whole[..len]).unwrap_err();
            match error {
                MethodError::NoIds => assert!(len < 4, "{name} cut to {len}"),
                MethodError::Malformed { malformed, .. } => {
                    assert_eq!((error.ids(), malformed), (ids, Malformed::Truncated), "{name} cut to {len}");
                }
                other => panic!("{name} cut to {len}: {other:?}"),
            }
        }
    }
}

#[test]
fn bytes_after_the_last_field_are_refused() {
    for (name, bytes, _) in golden() {
        let mut long = payload(&bytes).to_vec();
        long.push(0);
        let Err(MethodError::Malformed { malformed, .. }) = Method::decode(&long) else {
            panic!("{name} with a byte more was taken");
        };
        assert_eq!(malformed, Malformed::Trailing(1), "{name}");
    }
}

#[test]
fn each_byte_of_each_method_can_be_anything() {
    // no assertion on the outcome: it must only be one, and what decodes must encode to something that decodes
    let mut out = Vec::new();
    for (_, bytes, _) in golden() {
        let mut payload = payload(&bytes).to_vec();
        for index in 0..payload.len() {
            let kept = payload[index];
            for byte in 0..=255 {
                payload[index] = byte;
                if let Ok(method) = Method::decode(&payload) {
                    out.clear();
                    method.write_frame(&mut out, 3);
                    assert_eq!(Method::decode(self::payload(&out)), Ok(method));
                }
            }
            payload[index] = kept;
        }
    }
}

#[test]
fn unknown_ids_are_told_apart() {
    let check = |bytes: &str, expect: MethodError| assert_eq!(Method::decode(&hex(bytes)), Err(expect));
    check("003c 0029", MethodError::UnknownMethod { class_id: 60, method_id: 41 });
    check("ffff 000a", MethodError::UnknownClass { class_id: 0xffff, method_id: 10 });
    check("003c 00", MethodError::NoIds);
    check("", MethodError::NoIds);
}

#[test]
fn a_short_string_that_is_not_utf8_is_refused() {
    let error = Method::decode(&hex("003c 001e 02 c3 28 00")).unwrap_err();
    let malformed = Malformed::NotUtf8;
    assert_eq!(error, MethodError::Malformed { class_id: 60, method_id: 30, malformed });
}

#[test]
fn a_short_string_lying_about_its_length_is_refused() {
    let error = Method::decode(&hex("003c 0015 ff 61 62")).unwrap_err();
    let malformed = Malformed::Truncated;
    assert_eq!(error, MethodError::Malformed { class_id: 60, method_id: 21, malformed });
}

#[test]
fn a_name_past_255_bytes_is_cut_at_a_character() {
    let check = |text: &str, expect: &str| {
        let mut out = Vec::new();
        channel::Close { reply_text: text, ..Default::default() }.write_frame(&mut out, 3);
        let Method::ChannelClose(close) = Method::decode(payload(&out)).unwrap() else { panic!() };
        assert_eq!(close.reply_text, expect);
    };
    let fits = "x".repeat(255);
    check(&fits, &fits);
    check(&format!("{fits}y"), &fits);
    // the two bytes of the last letter would be the 255th and 256th
    check(&format!("{}ü", "x".repeat(254)), &"x".repeat(254));
}

#[test]
fn bits_in_a_row_share_an_octet_lowest_first() {
    // three octets before: the reserved short and the length of the empty name
    let declare = |bits: [bool; 5]| {
        let [passive, durable, exclusive, auto_delete, no_wait] = bits;
        let mut out = Vec::new();
        queue::Declare { passive, durable, exclusive, auto_delete, no_wait, ..Default::default() }
            .encode_fields(&mut out);
        out[3]
    };
    for index in 0..5 {
        let mut bits = [false; 5];
        bits[index] = true;
        assert_eq!(declare(bits), 1 << index);
    }
}

#[test]
fn arguments_come_through_a_method() {
    let mut arguments = TableBuf::new();
    arguments.push_text("x-queue-type", "quorum").push("x-max-length", crate::codec::FieldValue::I64(7));
    let declare = queue::Declare {
        queue: "orders",
        durable: true,
        arguments: arguments.as_table(),
        ..Default::default()
    };
    let mut out = Vec::new();
    Method::from(declare).write_frame(&mut out, 3);
    assert_eq!(Method::decode(payload(&out)), Ok(Method::QueueDeclare(declare)));
}

mod round_trip {
    use proptest::prelude::*;

    use super::*;

    fn name() -> impl Strategy<Value = String> {
        "\\PC{0,40}"
    }

    fn there_and_back(method: Method<'_>) {
        let mut out = Vec::new();
        method.write_frame(&mut out, 3);
        assert_eq!(Method::decode(payload(&out)), Ok(method));
    }

    proptest! {
        #[test]
        fn of_names_and_bits(a in name(), b in name(), c in name(), bits: [bool; 6], number: u64) {
            let mut table = TableBuf::new();
            table.push_text(&a, &b);
            let arguments = table.as_table();
            let [b0, b1, b2, b3, b4, b5] = bits;
            there_and_back(exchange::Declare {
                exchange: &a, kind: &b, passive: b0, durable: b1, auto_delete: b2, internal: b3, no_wait: b4, arguments,
            }.into());
            there_and_back(basic::Consume {
                queue: &a, consumer_tag: &b, no_local: b0, no_ack: b1, exclusive: b2, no_wait: b3, arguments,
            }.into());
            there_and_back(basic::Deliver {
                consumer_tag: &a, delivery_tag: number, redelivered: b5, exchange: &b, routing_key: &c,
            }.into());
            there_and_back(connection::StartOk {
                client_properties: arguments, mechanism: &a, response: b.as_bytes(), locale: &c,
            }.into());
        }

        #[test]
        fn any_bytes_are_answered(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Method::decode(&bytes);
            let _ = split_frame(&bytes, FRAME_MAX_BYTES);
        }
    }
}
