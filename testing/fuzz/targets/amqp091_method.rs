//! The payload of a method frame: what decodes, encodes to something that decodes to the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ternmq_amqp091::codec::{Method, frame::split_frame};
use ternmq_fuzz as _;

fuzz_target!(|payload: &[u8]| {
    let Ok(method) = Method::decode(payload) else { return };
    let mut out = Vec::new();
    method.write_frame(&mut out, 1);
    let (frame, used) = split_frame(&out, u32::MAX).expect("a good frame").expect("a whole frame");
    assert_eq!(used, out.len());
    assert_eq!(Method::decode(frame.payload), Ok(method));
    let _ = format!("{method:?}");
});
