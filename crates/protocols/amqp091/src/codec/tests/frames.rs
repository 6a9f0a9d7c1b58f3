use super::hex;
use crate::codec::{
    Frame, FrameError, FrameKind, Greeting,
    frame::{
        FRAME_MIN_BYTES, HEARTBEAT, PROTOCOL_HEADER, missing_bytes, read_greeting, split_frame, write_frame,
    },
};

#[test]
fn frames_split_one_after_the_other() {
    let mut input = hex("01 0007 00000002 abcd ce");
    input.extend_from_slice(&HEARTBEAT);
    let (frame, used) = split_frame(&input, FRAME_MIN_BYTES).unwrap().unwrap();
    assert_eq!(frame, Frame { kind: FrameKind::Method, channel: 7, payload: &[0xab, 0xcd] });
    let (frame, used_too) = split_frame(&input[used..], FRAME_MIN_BYTES).unwrap().unwrap();
    assert_eq!(frame, Frame { kind: FrameKind::Heartbeat, channel: 0, payload: &[] });
    assert_eq!(used + used_too, input.len());
    assert_eq!(split_frame(&[], FRAME_MIN_BYTES), Ok(None));
}

#[test]
fn each_kind_is_written_and_read() {
    for kind in [FrameKind::Method, FrameKind::Header, FrameKind::Body, FrameKind::Heartbeat] {
        let mut out = Vec::new();
        write_frame(&mut out, kind, 0xfffe, b"payload");
        let frame = Frame { kind, channel: 0xfffe, payload: b"payload" };
        assert_eq!(split_frame(&out, FRAME_MIN_BYTES), Ok(Some((frame, out.len()))));
    }
}

#[test]
fn a_frame_cut_anywhere_is_awaited() {
    let whole = hex("03 0001 00000003 010203 ce");
    for len in 0..whole.len() {
        assert_eq!(split_frame(&whole[..len], FRAME_MIN_BYTES), Ok(None));
        let missing = missing_bytes(&whole[..len]);
        assert_eq!(missing, if len < 7 { 7 - len } else { whole.len() - len }, "cut to {len}");
    }
}

#[test]
fn a_broken_frame_is_refused() {
    let check = |bytes: &str, expect: FrameError| {
        assert_eq!(split_frame(&hex(bytes), FRAME_MIN_BYTES), Err(expect), "{bytes}");
    };
    check("01 0001 00000001 00 cd", FrameError::BadEnd { found: 0xcd });
    check("00 0001 00000001 00 ce", FrameError::UnknownKind { found: 0 });
    check("04 0001 00000000 ce", FrameError::UnknownKind { found: 4 });
    check("ff 0001 00000000 ce", FrameError::UnknownKind { found: 255 });
    // the head alone is enough to refuse, and the length comes first
    check("ff 0001 ffffffff", FrameError::TooLarge { size_bytes: (1 << 32) + 7, max_bytes: FRAME_MIN_BYTES });
}

#[test]
fn the_limit_counts_the_whole_frame() {
    let at = |payload: usize| {
        let mut out = Vec::new();
        write_frame(&mut out, FrameKind::Body, 1, &vec![0; payload]);
        split_frame(&out, FRAME_MIN_BYTES).map(|split| split.is_some())
    };
    assert_eq!(at(4096 - 8), Ok(true));
    assert_eq!(at(4096 - 7), Err(FrameError::TooLarge { size_bytes: 4097, max_bytes: 4096 }));
}

#[test]
fn greetings_are_told_apart() {
    let check = |input: &[u8], expect: Greeting| assert_eq!(read_greeting(input), expect, "{input:?}");
    check(&PROTOCOL_HEADER, Greeting::Amqp091);
    for len in 0..8 {
        check(&PROTOCOL_HEADER[..len], Greeting::Incomplete);
    }
    check(b"AMQP\0\0\x09\x01\x01\0\0", Greeting::Amqp091);
    check(b"AMQP\0\x01\0\0", Greeting::Amqp10);
    check(b"AMQP\x03\x01\0\0", Greeting::Amqp10Security);
    check(b"AMQP\x01\x01\x08\0", Greeting::OtherAmqp);
    check(b"G", Greeting::Unknown);
    check(b"AMQX", Greeting::Unknown);
    check(b"\x16\x03\x01\x02\0\x01\0\x01", Greeting::Unknown);
}
