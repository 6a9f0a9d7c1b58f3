use proptest::prelude::*;

use super::bytes;
use crate::codec::{DecodeError, MAX_DEPTH, MAX_EMPTY_ELEMENTS, Value, check, read, write::*};

/// A value that owns what it holds, for making any of them.
#[derive(Clone, Debug)]
enum Owned {
    Plain(Plain),
    List(Vec<Owned>),
    Map(Vec<(Owned, Owned)>),
    Array(Vec<u32>),
    Described(u64, Box<Owned>),
}

#[derive(Clone, Debug)]
enum Plain {
    Null,
    Bool(bool),
    Ubyte(u8),
    Ushort(u16),
    Uint(u32),
    Ulong(u64),
    Byte(i8),
    Short(i16),
    Int(i32),
    Long(i64),
    Double(f64),
    Char(char),
    Timestamp(i64),
    Uuid([u8; 16]),
    Binary(Vec<u8>),
    String(String),
    Symbol(String),
}

impl Plain {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Null => Value::Null,
            Self::Bool(truth) => Value::Bool(*truth),
            Self::Ubyte(number) => Value::Ubyte(*number),
            Self::Ushort(number) => Value::Ushort(*number),
            Self::Uint(number) => Value::Uint(*number),
            Self::Ulong(number) => Value::Ulong(*number),
            Self::Byte(number) => Value::Byte(*number),
            Self::Short(number) => Value::Short(*number),
            Self::Int(number) => Value::Int(*number),
            Self::Long(number) => Value::Long(*number),
            Self::Double(number) => Value::Double(*number),
            Self::Char(letter) => Value::Char(*letter),
            Self::Timestamp(ms) => Value::Timestamp(*ms),
            Self::Uuid(id) => Value::Uuid(*id),
            Self::Binary(bytes) => Value::Binary(bytes),
            Self::String(text) => Value::String(text),
            Self::Symbol(text) => Value::Symbol(text),
        }
    }
}

impl Owned {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Plain(plain) => put_value(out, &plain.value()),
            Self::List(items) => {
                let list = ListWriter::start(out);
                items.iter().fold(list, |list, item| list.field(Some(item), |out, item| item.put(out))).end();
            }
            Self::Map(pairs) => {
                let mut map = MapWriter::start(out);
                for (key, value) in pairs {
                    map.pair(|out| {
                        key.put(out);
                        value.put(out);
                    });
                }
                map.end();
            }
            Self::Array(numbers) => {
                out.push(0xf0);
                let size = u32::try_from(5 + 4 * numbers.len()).unwrap();
                out.extend_from_slice(&size.to_be_bytes());
                out.extend_from_slice(&u32::try_from(numbers.len()).unwrap().to_be_bytes());
                out.push(0x70);
                numbers.iter().for_each(|number| out.extend_from_slice(&number.to_be_bytes()));
            }
            Self::Described(code, value) => {
                out.push(0);
                put_ulong(out, *code);
                value.put(out);
            }
        }
    }

    /// Whether the value that was read is this one.
    fn is(&self, value: &Value<'_>) -> bool {
        match (self, value) {
            (Self::Plain(plain), value) => plain.value() == *value,
            (Self::List(items), Value::List(list)) => {
                items.len() == list.iter().count() && items.iter().zip(list.iter()).all(|(a, b)| a.is(&b))
            }
            (Self::Map(pairs), Value::Map(map)) => {
                pairs.len() == map.iter().count()
                    && pairs.iter().zip(map.iter()).all(|((k, v), (key, value))| k.is(&key) && v.is(&value))
            }
            (Self::Array(numbers), Value::Array(array)) => {
                let read: Vec<_> = array.iter().collect();
                read == numbers.iter().map(|number| Value::Uint(*number)).collect::<Vec<_>>()
            }
            (Self::Described(code, inner), Value::Described(described)) => {
                described.descriptor() == Some(Value::Ulong(*code))
                    && described.value().is_some_and(|value| inner.is(&value))
            }
            _ => false,
        }
    }
}

fn plain() -> impl Strategy<Value = Plain> {
    prop_oneof![
        Just(Plain::Null),
        any::<bool>().prop_map(Plain::Bool),
        any::<u8>().prop_map(Plain::Ubyte),
        any::<u16>().prop_map(Plain::Ushort),
        any::<u32>().prop_map(Plain::Uint),
        any::<u64>().prop_map(Plain::Ulong),
        any::<i8>().prop_map(Plain::Byte),
        any::<i16>().prop_map(Plain::Short),
        any::<i32>().prop_map(Plain::Int),
        any::<i64>().prop_map(Plain::Long),
        (-1e9_f64..1e9).prop_map(Plain::Double),
        any::<char>().prop_map(Plain::Char),
        any::<i64>().prop_map(Plain::Timestamp),
        any::<[u8; 16]>().prop_map(Plain::Uuid),
        prop::collection::vec(any::<u8>(), 0..300).prop_map(Plain::Binary),
        ".{0,100}".prop_map(Plain::String),
        "[ -~]{0,300}".prop_map(Plain::Symbol),
    ]
}

/// Any value; the last of a list is never null, since such nulls are left out.
fn owned() -> impl Strategy<Value = Owned> {
    plain().prop_map(Owned::Plain).prop_recursive(4, 40, 6, |inner| {
        prop_oneof![
            (prop::collection::vec(inner.clone(), 0..6), any::<u64>()).prop_map(|(mut items, last)| {
                items.push(Owned::Plain(Plain::Ulong(last)));
                Owned::List(items)
            }),
            prop::collection::vec((inner.clone(), inner.clone()), 0..4).prop_map(Owned::Map),
            prop::collection::vec(any::<u32>(), 0..6).prop_map(Owned::Array),
            (any::<u64>(), inner).prop_map(|(code, value)| Owned::Described(code, Box::new(value))),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(value in owned()) {
        let mut written = Vec::new();
        value.put(&mut written);
        prop_assert_eq!(check(&written), Ok(written.len()));
        let (read_back, rest) = read(&written).unwrap();
        prop_assert!(rest.is_empty() && value.is(&read_back));
        let mut again = Vec::new();
        put_value(&mut again, &read_back);
        prop_assert_eq!(check(&again), Ok(again.len()));
        prop_assert!(value.is(&read(&again).unwrap().0));
    }

    #[test]
    fn a_value_cut_anywhere_is_none(value in owned()) {
        let mut written = Vec::new();
        value.put(&mut written);
        for length in 0..written.len() {
            prop_assert!(check(&written[..length]).is_err());
        }
    }

    #[test]
    fn no_bytes_are_more_than_refused(input in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(length) = check(&input) {
            let (value, rest) = read(&input).unwrap();
            prop_assert_eq!(length, input.len() - rest.len());
            let mut again = Vec::new();
            put_value(&mut again, &value);
            prop_assert_eq!(check(&again), Ok(again.len()));
        }
    }
}

/// The value of these bytes, which are all of it.
#[track_caller]
fn check_value(hex: &str, expect: &Value<'_>) {
    let input = bytes(hex);
    assert_eq!(check(&input), Ok(input.len()), "{hex}");
    assert_eq!(read(&input), Ok((*expect, &[][..])), "{hex}");
}

#[test]
fn every_primitive_encoding_is_read() {
    let decimal = [1, 2, 3, 4];
    let id = [7; 16];
    for (hex, expect) in [
        ("40", Value::Null),
        ("41", Value::Bool(true)),
        ("42", Value::Bool(false)),
        ("5600", Value::Bool(false)),
        ("5601", Value::Bool(true)),
        ("50ff", Value::Ubyte(255)),
        ("60ffff", Value::Ushort(65_535)),
        ("43", Value::Uint(0)),
        ("5207", Value::Uint(7)),
        ("7000000007", Value::Uint(7)),
        ("44", Value::Ulong(0)),
        ("5307", Value::Ulong(7)),
        ("800000000000000007", Value::Ulong(7)),
        ("51ff", Value::Byte(-1)),
        ("61fffe", Value::Short(-2)),
        ("54fd", Value::Int(-3)),
        ("71fffffffd", Value::Int(-3)),
        ("55fc", Value::Long(-4)),
        ("81fffffffffffffffc", Value::Long(-4)),
        ("723f800000", Value::Float(1.0)),
        ("823ff0000000000000", Value::Double(1.0)),
        ("7401020304", Value::Decimal32(decimal)),
        ("840102030401020304", Value::Decimal64([1, 2, 3, 4, 1, 2, 3, 4])),
        ("9407070707070707070707070707070707", Value::Decimal128(id)),
        ("730001f600", Value::Char('😀')),
        ("830000000000000001", Value::Timestamp(1)),
        ("9807070707070707070707070707070707", Value::Uuid(id)),
        ("a0020102", Value::Binary(&[1, 2])),
        ("b0000000020102", Value::Binary(&[1, 2])),
        ("a102c3a4", Value::String("ä")),
        ("b100000002c3a4", Value::String("ä")),
        ("a3026162", Value::Symbol("ab")),
        ("b3000000026162", Value::Symbol("ab")),
    ] {
        check_value(hex, &expect);
    }
}

#[test]
fn lists_maps_and_arrays_of_either_width_are_read() {
    for (hex, expect) in [
        ("45", vec![]),
        ("c00100", vec![]),
        ("c0030241 42", vec![Value::Bool(true), Value::Bool(false)]),
        ("d00000000600000002 41 42", vec![Value::Bool(true), Value::Bool(false)]),
        ("c00302 43 44", vec![Value::Uint(0), Value::Ulong(0)]),
    ] {
        let input = bytes(hex);
        assert_eq!(check(&input), Ok(input.len()), "{hex}");
        let (Value::List(list), _) = read(&input).unwrap() else { panic!("{hex}") };
        assert_eq!(list.iter().collect::<Vec<_>>(), expect, "{hex}");
    }
    for hex in ["c10702 a30161 a10162", "d10000000a00000002 a30161 a10162"] {
        let input = bytes(hex);
        assert_eq!(check(&input), Ok(input.len()), "{hex}");
        let (Value::Map(map), _) = read(&input).unwrap() else { panic!("{hex}") };
        assert_eq!(map.get("a"), Some(Value::String("b")), "{hex}");
    }
    for (hex, expect) in [
        ("e00402 50 0102", vec![Value::Ubyte(1), Value::Ubyte(2)]),
        ("f00000000700000002 50 0102", vec![Value::Ubyte(1), Value::Ubyte(2)]),
        ("e00702 a3 0161 026263", vec![Value::Symbol("a"), Value::Symbol("bc")]),
        ("e00202 41", vec![Value::Bool(true), Value::Bool(true)]),
        ("e00200 50", vec![]),
    ] {
        let input = bytes(hex);
        let length = input.len();
        assert_eq!(check(&input), Ok(length), "{hex}");
        let (Value::Array(array), _) = read(&input).unwrap() else { panic!("{hex}") };
        assert_eq!(array.iter().collect::<Vec<_>>(), expect, "{hex}");
    }
    // Described elements share their descriptor.
    let input = bytes("e00702 00 5309 50 0102");
    assert_eq!(check(&input), Ok(input.len()));
    let (Value::Array(array), _) = read(&input).unwrap() else { panic!("an array") };
    let read: Vec<_> = array
        .iter()
        .map(|value| match value {
            Value::Described(described) => (described.descriptor(), described.value()),
            other => panic!("{other:?}"),
        })
        .collect();
    let nine = Some(Value::Ulong(9));
    assert_eq!(read, [(nine, Some(Value::Ubyte(1))), (nine, Some(Value::Ubyte(2)))]);
}

#[test]
fn numbers_are_written_in_their_shortest_form() {
    for (value, hex) in [
        (Value::Uint(0), "43"),
        (Value::Uint(255), "52ff"),
        (Value::Uint(256), "7000000100"),
        (Value::Ulong(0), "44"),
        (Value::Ulong(255), "53ff"),
        (Value::Ulong(256), "800000000000000100"),
        (Value::Int(-128), "5480"),
        (Value::Int(128), "7100000080"),
        (Value::Long(127), "557f"),
        (Value::Long(-129), "81ffffffffffffff7f"),
    ] {
        let mut out = Vec::new();
        put_value(&mut out, &value);
        assert_eq!(out, bytes(hex), "{value:?}");
    }
}

#[test]
fn what_is_no_value_is_refused() {
    for (hex, expect) in [
        ("", DecodeError::Truncated),
        ("46", DecodeError::UnknownConstructor { code: 0x46 }),
        ("ff", DecodeError::UnknownConstructor { code: 0xff }),
        ("5602", DecodeError::NotABool),
        ("7300d80000", DecodeError::NotAChar),
        ("a101ff", DecodeError::NotUtf8),
        ("a302c3a4", DecodeError::NotAscii),
        ("a005 01", DecodeError::Truncated),
        ("b0ffffffff 01", DecodeError::Truncated),
        ("d0ffffffff 00000001", DecodeError::Truncated),
        ("d000000003 000000", DecodeError::Truncated),
        ("c0020241", DecodeError::Truncated),
        ("c0030141 42", DecodeError::Miscounted),
        ("c10301 41 42", DecodeError::OddMap),
        ("e00402 50 01", DecodeError::Truncated),
        ("e00401 50 0102", DecodeError::Miscounted),
        ("e00200 46", DecodeError::UnknownConstructor { code: 0x46 }),
        ("f000000005 ffffffff 41", DecodeError::TooManyElements { max: MAX_EMPTY_ELEMENTS }),
        ("f000000005 ffffffff 50", DecodeError::Truncated),
        ("e00501 00 5301 00", DecodeError::UnknownConstructor { code: 0 }),
        ("00", DecodeError::Truncated),
        ("005301", DecodeError::Truncated),
    ] {
        assert_eq!(check(&bytes(hex)), Err(expect), "{hex}");
    }
}

#[test]
fn nesting_ends_at_its_limit() {
    // Lists in each other, the innermost empty.
    let nested = |levels: usize| {
        let mut value = bytes("45");
        for _ in 1..levels {
            let mut outer = vec![0xd0];
            outer.extend_from_slice(&u32::try_from(value.len() + 4).unwrap().to_be_bytes());
            outer.extend_from_slice(&1_u32.to_be_bytes());
            outer.extend_from_slice(&value);
            value = outer;
        }
        value
    };
    let deepest = nested(MAX_DEPTH);
    assert_eq!(check(&deepest), Ok(deepest.len()));
    let too_deep = Err(DecodeError::TooDeep { max: MAX_DEPTH });
    assert_eq!(check(&nested(MAX_DEPTH + 1)), too_deep);
    // Descriptors of descriptors, and described values of described ones.
    assert_eq!(check(&vec![0; 100_000]), too_deep);
    assert_eq!(check(&[0x00, 0x53, 0x01].repeat(100_000)), too_deep);
    assert!(read(&vec![0; 100_000]).is_err());
    // Arrays of arrays.
    let mut value = bytes("e00200 50");
    for _ in 0..MAX_DEPTH {
        let content = value.split_off(1);
        let mut outer = vec![0xf0];
        outer.extend_from_slice(&u32::try_from(content.len() + 5).unwrap().to_be_bytes());
        outer.extend_from_slice(&1_u32.to_be_bytes());
        outer.push(value[0]);
        outer.extend_from_slice(&content);
        value = outer;
    }
    assert_eq!(check(&value), too_deep);
}
