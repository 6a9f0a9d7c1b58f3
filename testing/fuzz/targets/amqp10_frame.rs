//! A stream of frames: what splits is consistent however the bytes arrive, and a performative that is written again is read
//! back as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ternmq_amqp10::codec::{
    SaslFrame,
    frame::{FrameKind, put_frame, read_greeting, split_frame},
    performative::Performative,
};
use ternmq_fuzz as _;

const MAX_BYTES: u32 = 4_096;

fuzz_target!(|input: &[u8]| {
    let _ = read_greeting(input);
    let mut rest = input;
    while let Ok(Some((frame, size))) = split_frame(rest, MAX_BYTES) {
        for length in [0, 7, size - 1] {
            assert_eq!(split_frame(&rest[..length.min(size - 1)], MAX_BYTES), Ok(None));
        }
        match frame.kind {
            FrameKind::Amqp => check_performative(frame.channel, frame.body),
            FrameKind::Sasl => check_sasl(frame.body),
        }
        rest = &rest[size..];
    }
});

fn check_performative(channel: u16, body: &[u8]) {
    let Ok((performative, payload)) = Performative::decode(body) else { return };
    let mut written = Vec::new();
    put_frame(&mut written, FrameKind::Amqp, channel, |out| {
        performative.put(out);
        out.extend_from_slice(payload);
    });
    let (frame, size) = split_frame(&written, u32::MAX).expect("it was written").expect("all of it");
    assert_eq!((size, frame.channel), (written.len(), channel));
    let (again, behind) = Performative::decode(frame.body).expect("it was written");
    assert_eq!(behind, payload);
    // What was not in its shortest form is now, and stays so.
    let (mut first, mut second) = (Vec::new(), Vec::new());
    performative.put(&mut first);
    again.put(&mut second);
    assert_eq!(first, second);
}

fn check_sasl(body: &[u8]) {
    let Ok(frame) = SaslFrame::decode(body) else { return };
    let mut written = Vec::new();
    frame.put(&mut written);
    assert_eq!(SaslFrame::decode(&written), Ok(frame));
}
