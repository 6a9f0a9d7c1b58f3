//! A stream of frames in each version: what splits is consistent however the bytes arrive, headers are as they were
//! checked, and a message head that is kept can be read back.

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use ternmq_activemq::ActiveMq;
use ternmq_fuzz as _;
use ternmq_message::Format;
use ternmq_rabbitmq::RabbitMq;
use ternmq_stomp::codec::{
    Escapes, FrameWriter, Head, Limits, body_of, negotiate, push_escaped, skip_noise, split_head, unescape,
};
use ternmq_stomp::format::StompFormat;

const ESCAPES: [Escapes; 4] = [Escapes::None, Escapes::Padded, Escapes::WithoutReturn, Escapes::Full];
const LIMITS: Limits = Limits { command_bytes: 32, line_bytes: 256, header_count: 16, head_bytes: 1_024 };
const BODY_MAX_BYTES: u64 = 1_024;

fuzz_target!(|input: &[u8]| {
    let Some((first, input)) = input.split_first() else { return };
    let escapes = ESCAPES[usize::from(first % 4)];
    let _ = negotiate(std::str::from_utf8(input).ok());
    let format = if first & 4 == 0 { format() } else { StompFormat::of(Arc::new(ActiveMq)) };
    let _ = format.properties(input);
    if let Some(without) = format.without_ttl(input) {
        assert!(format.without_ttl(&without).is_none());
    }
    let mut rest = input;
    loop {
        rest = &rest[skip_noise(rest)..];
        let Ok(Some((head, size))) = split_head(rest, escapes, &LIMITS) else { break };
        assert!(size <= LIMITS.head_bytes && head.command.len() <= LIMITS.command_bytes);
        // The whole of it is what every part of it was not yet.
        for len in [0, 1, size / 2, size - 1] {
            assert!(matches!(split_head(&rest[..len], escapes, &LIMITS), Ok(None)));
        }
        check_headers(head, escapes);
        let Ok(body) = body_of(head.headers) else { break };
        let Ok(Some((bytes, used))) = body.split(&rest[size..], BODY_MAX_BYTES) else { break };
        assert!(bytes.len() as u64 <= BODY_MAX_BYTES && used == bytes.len() + 1);
        rest = &rest[size + used..];
    }
});

fn format() -> StompFormat {
    StompFormat::of(Arc::new(RabbitMq))
}

/// What the headers mean is written and read back, in the version with all escapes.
fn check_headers(head: Head<'_>, escapes: Escapes) {
    let mut kept = Vec::new();
    let mut meant = Vec::new();
    for (name, value) in head.headers.raw() {
        let name = unescape(name, escapes).expect("it was checked").into_owned();
        let value = unescape(value, escapes).expect("it was checked").into_owned();
        push_escaped(&mut kept, &name, Escapes::Full);
        kept.push(b':');
        push_escaped(&mut kept, &value, Escapes::Full);
        kept.push(b'\n');
        assert!(head.headers.get(&name).is_some());
        meant.push((name, value));
    }
    assert!(meant.len() <= LIMITS.header_count);
    let mut frame = Vec::new();
    FrameWriter::start(&mut frame, "SEND", Escapes::Full).raw(&kept).end(b"");
    let (again, _) =
        split_head(&frame, Escapes::Full, &Limits::OPEN).expect("it was written").expect("all of it");
    let read: Vec<(String, String)> = again
        .headers
        .raw()
        .map(|(name, value)| {
            (again.headers.meant(name).into_owned(), again.headers.meant(value).into_owned())
        })
        .collect();
    assert_eq!(read, meant);
    let properties = format().properties(&kept);
    assert!(properties.headers.len() <= meant.len());
}
