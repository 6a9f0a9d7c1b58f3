//! A stream of frames: what splits is consistent however the bytes arrive, and what is in the frames is answered.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ternmq_amqp091::codec::{
    BasicProperties, ContentHeader, Frame, FrameKind, Method, Scan,
    frame::{missing_bytes, read_greeting, split_frame, write_frame},
    properties::{with_headers, without_expiration},
};
use ternmq_fuzz as _;

const FRAME_MAX_BYTES: u32 = 4096;

fuzz_target!(|input: &[u8]| {
    let _ = read_greeting(input);
    let mut rest = input;
    loop {
        match split_frame(rest, FRAME_MAX_BYTES) {
            Ok(Some((frame, used))) => {
                check_arrival(rest, frame, used);
                check_payload(frame);
                rest = &rest[used..];
            }
            Ok(None) => {
                assert!(missing_bytes(rest) > 0);
                break;
            }
            Err(_) => break,
        }
    }
});

/// A frame that arrives in two parts is awaited, then the same; written again, it has the same bytes.
fn check_arrival(input: &[u8], frame: Frame<'_>, used: usize) {
    for len in [0, 1, 6, 7, used / 2, used - 1] {
        if len < used {
            assert_eq!(split_frame(&input[..len], FRAME_MAX_BYTES), Ok(None));
            assert!(missing_bytes(&input[..len]) <= used - len);
        }
    }
    assert_eq!(split_frame(&input[..used], FRAME_MAX_BYTES), Ok(Some((frame, used))));
    let mut out = Vec::new();
    write_frame(&mut out, frame.kind, frame.channel, frame.payload);
    assert_eq!(out, &input[..used]);
}

fn check_payload(frame: Frame<'_>) {
    match frame.kind {
        FrameKind::Method => {
            let _ = Method::decode(frame.payload);
        }
        FrameKind::Header => {
            if let Ok(header) = ContentHeader::decode(frame.payload) {
                check_properties(header.properties);
            }
        }
        FrameKind::Body | FrameKind::Heartbeat => {}
    }
}

fn check_properties(properties: &[u8]) {
    let parsed = BasicProperties::decode(properties).expect("the scan took them");
    let mut out = Vec::new();
    parsed.encode(&mut out);
    assert_eq!(out, properties);
    let without = without_expiration(properties).expect("they were read");
    assert_eq!(Scan::new(&without).expect("still valid").expiration, None);
    let without = with_headers(properties, None).expect("they were read");
    assert_eq!(Scan::new(&without).expect("still valid").headers, None);
    let again = with_headers(&without, parsed.headers).expect("they were read");
    assert_eq!(again, properties);
}
