use super::bytes;
use crate::codec::frame::*;

const MAX_BYTES: u32 = 512;

#[test]
fn a_frame_is_awaited_until_all_of_it_is_there() {
    let input = bytes("0000000c 02 00 0102 53104041 ffff");
    let (frame, size) = split_frame(&input, MAX_BYTES).unwrap().unwrap();
    assert_eq!(size, 12);
    assert_eq!(frame, Frame { kind: FrameKind::Amqp, channel: 0x0102, body: &bytes("53104041") });
    for length in 0..12 {
        assert_eq!(split_frame(&input[..length], MAX_BYTES), Ok(None));
    }
}

#[test]
fn an_extended_header_is_passed_over() {
    let input = bytes("00000010 03 01 0000 aabbccdd 53104041");
    let (frame, _) = split_frame(&input, MAX_BYTES).unwrap().unwrap();
    assert_eq!((frame.kind, frame.body), (FrameKind::Sasl, &bytes("53104041")[..]));
    let empty = bytes("00000008 02 00 0000");
    assert_eq!(split_frame(&empty, MAX_BYTES).unwrap().unwrap().0.body, b"");
}

#[test]
fn lying_heads_are_refused_at_once() {
    for (hex, expect) in [
        ("00000201 02 00 0000", FrameError::TooLarge { size_bytes: 513, max_bytes: MAX_BYTES }),
        ("ffffffff 02 00 0000", FrameError::TooLarge { size_bytes: u32::MAX, max_bytes: MAX_BYTES }),
        ("00000007 02 00 0000", FrameError::TooSmall { size_bytes: 7 }),
        ("00000000 02 00 0000", FrameError::TooSmall { size_bytes: 0 }),
        ("0000000c 01 00 0000", FrameError::BadOffset { offset: 1 }),
        ("0000000c 04 00 0000", FrameError::BadOffset { offset: 4 }),
        ("0000000c 02 02 0000", FrameError::UnknownKind { code: 2 }),
    ] {
        assert_eq!(split_frame(&bytes(hex), MAX_BYTES), Err(expect), "{hex}");
    }
    // At the limit it is one.
    assert_eq!(split_frame(&bytes("00000200 02 00 0000"), MAX_BYTES), Ok(None));
}

#[test]
fn a_frame_is_written_with_its_size() {
    let mut out = vec![0xee];
    put_frame(&mut out, FrameKind::Sasl, 5, |out| out.extend_from_slice(b"abc"));
    assert_eq!(out, bytes("ee 0000000b 02 01 0005 616263"));
}

#[test]
fn greetings_are_told_apart() {
    for (input, expect) in [
        (&b"AMQP\x00\x01\x00\x00rest"[..], Greeting::Amqp),
        (b"AMQP\x03\x01\x00\x00", Greeting::Sasl),
        (b"", Greeting::Incomplete),
        (b"AMQP", Greeting::Incomplete),
        (b"AMQP\x03\x01", Greeting::Incomplete),
        (b"AMQP\x02\x01\x00\x00", Greeting::Other),
        (b"AMQP\x00\x00\x09\x01", Greeting::Other),
        (b"AMQP\x03\x01\x00\x01", Greeting::Other),
        (b"HTTP", Greeting::Other),
    ] {
        assert_eq!(read_greeting(input), expect, "{input:?}");
    }
}
