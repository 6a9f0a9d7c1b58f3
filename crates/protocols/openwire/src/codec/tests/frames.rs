//! Sizes of frames, primitive types, text.

use proptest::prelude::*;

use super::{empty_cache, encodings, written};
use crate::codec::{
    DecodeError, Field, Kind, Limits, Object, Value, decode, split_frame, text, wire::BitsBuf,
};

#[test]
fn a_frame_is_awaited_and_its_size_limited() {
    let limits = Limits { frame_bytes: 5, cache_bytes: 0 };
    let check = |input: &[u8], expect| assert_eq!(split_frame(input, &limits), expect, "{input:?}");
    check(&[], Ok(None));
    check(&[0, 0, 0], Ok(None));
    check(&[0, 0, 0, 5, 1, 2, 3, 4], Ok(None));
    check(&[0, 0, 0, 5, 1, 2, 3, 4, 5, 6], Ok(Some((&[1, 2, 3, 4, 5], 9))));
    check(&[0, 0, 0, 0, 7], Ok(Some((&[], 4))));
    check(&[0, 0, 0, 6], Err(DecodeError::TooLong { size: 6, max: 5 }));
    check(&[0xff, 0xff, 0xff, 0xff], Err(DecodeError::Negative));
}

#[test]
fn limits_after_the_login_follow_the_longest_message() {
    assert_eq!(Limits::open(16 << 20).frame_bytes, (16 << 20) + (64 << 10));
    assert_eq!(Limits::open(u64::MAX).frame_bytes, i32::MAX as u32);
}

#[test]
fn the_length_of_bits_has_three_forms() {
    for (count, start) in
        [(0, &[0][..]), (504, &[63]), (512, &[0xc0, 64]), (2_040, &[0xc0, 255]), (2_048, &[0x80, 1, 0])]
    {
        let mut bits = BitsBuf::default();
        (0..count).for_each(|_| bits.push(true));
        let mut out = Vec::new();
        bits.write(&mut out);
        assert!(out.starts_with(start), "{count}");
        assert_eq!((out.len(), bits.written_len()), (start.len() + count / 8, start.len() + count / 8));
    }
}

#[test]
fn text_is_javas() {
    assert_eq!(text::packed("a\0😀").as_ref(), b"a\xc0\x80\xed\xa0\xbd\xed\xb8\x80");
    assert_eq!(text::read(b"a\xc0\x80\xed\xa0\xbd\xed\xb8\x80").as_deref(), Ok("a\0😀"));
    assert_eq!(text::read("😀".as_bytes()).as_deref(), Ok("😀"));
    for bytes in [&b"\xff"[..], b"\xc3", b"\xe2\x82", b"\xed\xa0\xbd", b"\xc3\x28"] {
        assert_eq!(text::read(bytes), Err(DecodeError::NotText));
    }
}

#[test]
fn text_too_long_for_its_field_is_cut_at_a_character() {
    for encoding in encodings() {
        for long in ["x".repeat(40_000), "é".repeat(40_000), "\0".repeat(40_000), "😀".repeat(40_000)] {
            let object = Object::new(Kind::ControlCommand).with_text(Field::Command, long.as_str());
            let bytes = written(&object, encoding);
            let read = decode(&bytes, encoding, &mut empty_cache()).unwrap();
            let read = read.text(Field::Command).unwrap();
            assert!(long.starts_with(read) && read.len() >= 16_000);
        }
    }
}

#[test]
fn letters_of_one_byte_are_read_as_java_does() {
    let encoding = crate::codec::Encoding { version: 9, is_tight: true, has_cache: false };
    let frame = [14, 1, 0b110, 0, 0, 0, 7, 0, 2, b'a', 0xe9];
    let read = decode(&frame, encoding, &mut empty_cache()).unwrap();
    assert_eq!(read.text(Field::Command), Some("aé"));
}

proptest! {
    #[test]
    fn any_text_comes_back(text: String) {
        let packed = text::packed(&text);
        prop_assert_eq!(text::read(&packed).unwrap(), text.as_str());
        prop_assert_eq!(text::is_plain(&text), &*packed == text.as_bytes());
    }

    #[test]
    fn any_number_comes_back(number: i64, short: i32, byte: u8) {
        for encoding in encodings() {
            let object = Object::new(Kind::DestinationInfo)
                .with(Field::CommandId, Value::Int(short))
                .with(Field::OperationType, Value::Byte(byte))
                .with(Field::Timeout, Value::Long(number));
            let bytes = written(&object, encoding);
            prop_assert_eq!(decode(&bytes, encoding, &mut empty_cache()), Ok(object));
        }
    }
}
