//! Bytes that are no structure: cut off, changed, lying.

use std::sync::Arc;

use proptest::prelude::*;

use super::{empty_cache, encodings, golden::stream, written};
use crate::codec::{DecodeError, Encoding, Field, Kind, Object, Value, decode};

const LOOSE: Encoding = Encoding { version: 12, is_tight: false, has_cache: false };
const TIGHT: Encoding = Encoding { version: 12, is_tight: true, has_cache: false };

#[test]
fn a_structure_cut_anywhere_is_refused() {
    for encoding in encodings() {
        let mut cache = empty_cache();
        for line in stream(encoding) {
            let frame = &line.frame[4..];
            for end in 0..frame.len() {
                let cut = decode(&frame[..end], encoding, &mut cache.clone());
                assert_eq!(cut, Err(DecodeError::Truncated), "{} in {encoding:?} at {end}", line.name);
            }
            decode(frame, encoding, &mut cache).unwrap();
        }
    }
}

#[test]
fn a_structure_with_more_behind_it_is_refused() {
    for encoding in [LOOSE, TIGHT] {
        let mut frame = written(&Object::new(Kind::KeepAliveInfo), encoding);
        frame.push(0);
        assert_eq!(decode(&frame, encoding, &mut empty_cache()), Err(DecodeError::Trailing));
    }
}

#[test]
fn any_changed_byte_gives_a_structure_or_an_error() {
    for encoding in
        [LOOSE, TIGHT, Encoding { has_cache: true, ..LOOSE }, Encoding { has_cache: true, ..TIGHT }]
    {
        let mut cache = empty_cache();
        for line in stream(encoding) {
            let mut frame = line.frame[4..].to_vec();
            for place in 0..frame.len() {
                let old = frame[place];
                for new in [0, 0x7f, 0xff, old ^ 1] {
                    frame[place] = new;
                    let _any = decode(&frame, encoding, &mut cache.clone());
                }
                frame[place] = old;
            }
            decode(&frame, encoding, &mut cache).unwrap();
        }
    }
}

#[test]
fn lengths_that_lie_are_refused_before_anything_is_reserved() {
    let check = |frame: &[u8], expect| assert_eq!(decode(frame, LOOSE, &mut empty_cache()), Err(expect));
    // Bytes of a partial command: their length is past the end, or negative.
    check(&[60, 0, 0, 0, 0, 1, 0x7f, 0xff, 0xff, 0xff], DecodeError::Truncated);
    check(&[60, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff], DecodeError::Negative);
    // A list of more than there is, of less than nothing, of too many.
    check(&[33, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x0f, 0xff], DecodeError::Truncated);
    check(&[33, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff], DecodeError::Negative);
    check(&[33, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x10, 0x01], DecodeError::TooMany { max: 4_096 });
    // Bits past the end, of a negative number, and fewer than are needed.
    let check = |frame: &[u8], expect| assert_eq!(decode(frame, TIGHT, &mut empty_cache()), Err(expect));
    check(&[10, 0xc0, 0xff, 0], DecodeError::Truncated);
    check(&[10, 0x80, 0xff, 0xff, 0], DecodeError::Negative);
    check(&[10, 0, 0, 0, 0, 0], DecodeError::Truncated);
}

#[test]
fn kinds_are_checked() {
    let check = |frame: &[u8], encoding, expect| {
        assert_eq!(decode(frame, encoding, &mut empty_cache()), Err(expect));
    };
    check(&[13], LOOSE, DecodeError::UnknownKind { code: 13, version: 12 });
    check(&[92], Encoding { version: 11, ..LOOSE }, DecodeError::UnknownKind { code: 92, version: 11 });
    check(&[], LOOSE, DecodeError::Truncated);
    // A session's id in the place of a connection's; a message in an answer.
    check(&[16, 0, 0, 0, 0, 0, 0, 1, 121], LOOSE, DecodeError::WrongKind { code: 121 });
    check(&[32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 23], LOOSE, DecodeError::WrongKind { code: 23 });
}

/// A structure within so many others.
fn nested(depth: usize) -> Object<'static> {
    let mut object = Object::new(Kind::BrokerInfo);
    for _ in 0..depth {
        object = Object::new(Kind::BrokerInfo)
            .with(Field::PeerBrokerInfos, Value::Array(vec![Some(Arc::new(object))]));
    }
    object
}

#[test]
fn depth_is_limited() {
    for encoding in encodings() {
        let bytes = written(&nested(16), encoding);
        assert_eq!(decode(&bytes, encoding, &mut empty_cache()), Ok(nested(16)));
        let bytes = written(&nested(17), encoding);
        assert_eq!(decode(&bytes, encoding, &mut empty_cache()), Err(DecodeError::TooDeep { max: 16 }));
    }
}

#[test]
fn elements_of_all_lists_together_are_limited() {
    let lists = |count| {
        let path = Value::Array(vec![None; count]);
        Object::new(Kind::Message).with(Field::BrokerPath, path.clone()).with(Field::Cluster, path)
    };
    for encoding in [LOOSE, TIGHT] {
        assert_eq!(decode(&written(&lists(2_048), encoding), encoding, &mut empty_cache()), Ok(lists(2_048)));
        let bytes = written(&lists(2_049), encoding);
        assert_eq!(decode(&bytes, encoding, &mut empty_cache()), Err(DecodeError::TooMany { max: 4_096 }));
    }
}

#[test]
fn a_message_that_is_a_frame_of_its_own_is_refused() {
    // Bits: no answer, consumer and destination absent, message there, with a frame of its own.
    let frame = [21, 1, 0b1_1000, 0, 0, 0, 1, 28];
    assert_eq!(decode(&frame, TIGHT, &mut empty_cache()), Err(DecodeError::Reframed));
}

proptest! {
    #[test]
    fn any_bytes_give_a_structure_or_an_error(frame: Vec<u8>) {
        for encoding in encodings() {
            if let Ok(object) = decode(&frame, encoding, &mut empty_cache()) {
                let again = written(&object, encoding);
                prop_assert_eq!(decode(&again, encoding, &mut empty_cache()), Ok(object.clone()));
            }
        }
    }
}
