//! Maps of primitive values.

use proptest::prelude::*;

use crate::codec::{DecodeError, Primitive, Primitives};

fn one(value: Primitive<'static>) -> Primitives<'static> {
    Primitives::default().with("name", value)
}

/// A list within so many others.
fn nested(depth: usize) -> Primitive<'static> {
    (0..depth).fold(Primitive::Null, |inner, _| Primitive::List(vec![inner]))
}

#[test]
fn every_type_comes_back() {
    let map = Primitives::default()
        .with("null", Primitive::Null)
        .with("bool", Primitive::Bool(true))
        .with("byte", Primitive::Byte(-1))
        .with("char", Primitive::Char(0x20ac))
        .with("short", Primitive::Short(-2))
        .with("int", Primitive::Int(-3))
        .with("long", Primitive::Long(-4))
        .with("double", Primitive::Double(0.5))
        .with("float", Primitive::Float(0.25))
        .with("text", Primitive::Text("a\0😀".into()))
        .with("long text", Primitive::Text("é".repeat(9_000).into()))
        .with("bytes", Primitive::Bytes(b"\xff"[..].into()))
        .with("map", Primitive::Map(one(Primitive::Int(1))))
        .with("list", Primitive::List(vec![Primitive::Int(1), Primitive::Null]));
    let bytes = map.to_bytes();
    assert_eq!(Primitives::read(&bytes), Ok(map));
    for end in 0..bytes.len() {
        assert_eq!(Primitives::read(&bytes[..end]), Err(DecodeError::Truncated), "{end}");
    }
}

#[test]
fn the_last_of_a_name_counts() {
    let map = one(Primitive::Int(1)).with("name", Primitive::Int(2));
    assert_eq!(map.get("name"), Some(&Primitive::Int(2)));
    assert_eq!(map.get("other"), None);
}

#[test]
fn no_map_is_an_empty_one() {
    assert_eq!(Primitives::read(&[0xff; 4]), Ok(Primitives::default()));
}

#[test]
fn what_is_no_map_is_refused() {
    let check = |bytes: &[u8], expect| assert_eq!(Primitives::read(bytes), Err(expect), "{bytes:?}");
    check(&[0xff, 0xff, 0xff, 0xfe], DecodeError::Negative);
    check(&[0, 0, 0x10, 0x01], DecodeError::TooMany { max: 4_096 });
    check(&[0, 0, 0x10, 0x00], DecodeError::Truncated);
    check(&[0, 0, 0, 0, 0], DecodeError::Trailing);
    check(&[0, 0, 0, 1, 0, 0, 14], DecodeError::UnknownPrimitive { code: 14 });
    check(&[0, 0, 0, 1, 0, 0, 10, 0x7f, 0xff, 0xff, 0xff], DecodeError::Truncated);
    check(&[0, 0, 0, 1, 0, 0, 10, 0xff, 0xff, 0xff, 0xff], DecodeError::Negative);
    check(&[0, 0, 0, 1, 0, 0, 9, 0, 1, 0xff], DecodeError::NotText);
}

#[test]
fn depth_and_elements_are_limited() {
    let check = |value, expect: Result<(), DecodeError>| {
        assert_eq!(Primitives::read(&one(value).to_bytes()).map(drop), expect);
    };
    check(nested(15), Ok(()));
    check(nested(16), Err(DecodeError::TooDeep { max: 16 }));
    check(Primitive::List(vec![Primitive::Null; 4_095]), Ok(()));
    check(Primitive::List(vec![Primitive::Null; 4_096]), Err(DecodeError::TooMany { max: 4_096 }));
}

proptest! {
    #[test]
    fn any_bytes_give_a_map_or_an_error(bytes: Vec<u8>) {
        if let Ok(map) = Primitives::read(&bytes) {
            // Numbers that are none are not equal to themselves.
            prop_assert_eq!(format!("{:?}", Primitives::read(&map.to_bytes())), format!("{:?}", Ok::<_, ()>(map)));
        }
    }
}
