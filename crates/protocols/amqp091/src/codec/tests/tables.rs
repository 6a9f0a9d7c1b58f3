use proptest::prelude::*;

use super::hex;
use crate::codec::{
    Array, ArrayBuf, FieldValue, Malformed, Table, TableBuf,
    table::{DEPTH_MAX, ENTRIES_MAX},
    wire::Reader,
};

#[test]
fn each_type_reads_and_writes_its_golden_bytes() {
    let check = |bytes: &str, value: FieldValue<'_>| {
        let content = hex(&format!("0161 {bytes}"));
        assert_eq!(Table::new(&content).unwrap().get("a"), Some(value), "{bytes}");
        let mut table = TableBuf::new();
        table.push("a", value);
        assert_eq!(table.as_table().raw(), content, "{bytes}");
        let mut array = ArrayBuf::new();
        array.push(value);
        assert_eq!(array.as_array().raw(), &content[2..], "{bytes}");
        for len in 1..content.len() {
            assert_eq!(Table::new(&content[..len]), Err(Malformed::Truncated), "{bytes} cut to {len}");
        }
    };
    check("74 01", FieldValue::Bool(true));
    check("74 00", FieldValue::Bool(false));
    check("62 ff", FieldValue::I8(-1));
    check("42 ff", FieldValue::U8(255));
    check("73 fffe", FieldValue::I16(-2));
    check("75 fffe", FieldValue::U16(65534));
    check("49 ffffffff", FieldValue::I32(-1));
    check("69 ffffffff", FieldValue::U32(u32::MAX));
    check("6c 8000000000000000", FieldValue::I64(i64::MIN));
    check("66 3fc00000", FieldValue::F32(1.5));
    check("64 bff8000000000000", FieldValue::F64(-1.5));
    check("44 02 ffffffff", FieldValue::Decimal { scale: 2, unscaled: -1 });
    check("53 00000002 6869", FieldValue::text("hi"));
    check("54 0000000065000000", FieldValue::Timestamp(0x6500_0000));
    check("56", FieldValue::Void);
    check("78 00000002 ff00", FieldValue::Bytes(&[0xff, 0]));
    let inner = hex("0162 56");
    check("46 00000003 016256", FieldValue::Table(Table::new(&inner).unwrap()));
    check("41 00000002 5656", FieldValue::Array(Array::new(b"VV").unwrap()));
    check("41 00000000", FieldValue::Array(Array::default()));
}

#[test]
fn other_spellings_mean_the_same() {
    let value = |bytes: &str| Table::new(&hex(&format!("0161 {bytes}"))).unwrap().get("a").unwrap().as_i64();
    assert_eq!(value("4c fffffffffffffffe"), Some(-2));
    let truth = hex("0161 74 07");
    assert_eq!(Table::new(&truth).unwrap().get("a"), Some(FieldValue::Bool(true)));
}

#[test]
fn unknown_types_are_refused() {
    let known = b"tbBsuIilLfdDSATFVx";
    for letter in 0..=255_u8 {
        let mut content = vec![1, b'a', letter];
        content.extend_from_slice(&[0; 8]);
        let is_unknown = Table::new(&content) == Err(Malformed::UnknownFieldType(letter));
        assert_eq!(is_unknown, !known.contains(&letter), "{letter}");
    }
}

#[test]
fn a_length_that_lies_is_refused() {
    let check = |bytes: &str| assert_eq!(Table::new(&hex(bytes)), Err(Malformed::Truncated), "{bytes}");
    check("0161 53 00000003 6869");
    check("0161 53 ffffffff 6869");
    check("0161 46 00000004 016256");
    check("0161 46 00000002 016256");
    check("0161 41 00000003 5656");
    check("ff61");
    let mut reader_input = hex("00000004 016156");
    assert_eq!(Reader::new(&reader_input).table(), Err(Malformed::Truncated));
    reader_input[3] = 3;
    assert!(Reader::new(&reader_input).table().is_ok());
}

#[test]
fn a_name_that_is_not_utf8_is_refused() {
    assert_eq!(Table::new(&hex("02c328 56")), Err(Malformed::NotUtf8));
}

#[test]
fn nesting_ends_at_its_limit() {
    let tables = |depth: u32| {
        let mut table = TableBuf::new();
        for _ in 1..depth {
            let mut outer = TableBuf::new();
            outer.push("t", FieldValue::Table(table.as_table()));
            table = outer;
        }
        Table::new(table.as_table().raw()).map(|_| ())
    };
    assert_eq!(tables(DEPTH_MAX), Ok(()));
    assert_eq!(tables(DEPTH_MAX + 1), Err(Malformed::TooDeep));
    let arrays = |depth: u32| {
        let mut array = ArrayBuf::new();
        for _ in 1..depth {
            let mut outer = ArrayBuf::new();
            outer.push(FieldValue::Array(array.as_array()));
            array = outer;
        }
        Array::new(array.as_array().raw()).map(|_| ())
    };
    assert_eq!(arrays(DEPTH_MAX), Ok(()));
    assert_eq!(arrays(DEPTH_MAX + 1), Err(Malformed::TooDeep));
}

#[test]
fn entries_end_at_their_limit() {
    let table = |entries: u32| Table::new(&[0, b'V'].repeat(entries as usize)).map(|_| ());
    assert_eq!(table(ENTRIES_MAX), Ok(()));
    assert_eq!(table(ENTRIES_MAX + 1), Err(Malformed::TooManyEntries));
    let array = |entries: u32| Array::new(&b"V".repeat(entries as usize)).map(|_| ());
    assert_eq!(array(ENTRIES_MAX), Ok(()));
    assert_eq!(array(ENTRIES_MAX + 1), Err(Malformed::TooManyEntries));
    // each table counts for itself
    let mut inner = ArrayBuf::new();
    for _ in 0..ENTRIES_MAX {
        inner.push(FieldValue::Void);
    }
    let mut outer = ArrayBuf::new();
    outer.push(FieldValue::Array(inner.as_array())).push(FieldValue::Array(inner.as_array()));
    assert!(Array::new(outer.as_array().raw()).is_ok());
}

#[test]
fn entries_carry_their_bytes() {
    let mut table = TableBuf::new();
    table.push_text("a", "x").push("b", FieldValue::Void).push("a", FieldValue::I8(1));
    let mut copy = TableBuf::new();
    for (_, entry) in table.as_table().entries() {
        copy.push_entry(entry);
    }
    assert_eq!(copy, table);
    let names: Vec<_> = table.as_table().iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["a", "b", "a"]);
    assert_eq!(table.as_table().get("a"), Some(FieldValue::text("x")));
    assert_eq!(table.as_table().get("c"), None);
}

/// A value with owned content, to build any table from.
#[derive(Clone, Debug)]
enum Owned {
    Number(u8, u64),
    Bytes(Vec<u8>),
    Array(Vec<Owned>),
    Table(Vec<(String, Owned)>),
}

fn owned() -> impl Strategy<Value = Owned> {
    let leaf = prop_oneof![
        (0..12_u8, any::<u64>()).prop_map(|(kind, number)| Owned::Number(kind, number)),
        proptest::collection::vec(any::<u8>(), 0..20).prop_map(Owned::Bytes),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Owned::Array),
            proptest::collection::vec(("\\PC{0,8}", inner), 0..5).prop_map(Owned::Table),
        ]
    })
}

fn table_of(entries: &[(String, Owned)]) -> TableBuf {
    let mut table = TableBuf::new();
    for (name, value) in entries {
        show(value, &mut |value| {
            table.push(name, value);
        });
    }
    table
}

fn show(value: &Owned, put: &mut dyn FnMut(FieldValue<'_>)) {
    match value {
        Owned::Number(kind, number) => {
            let number = *number;
            put(match kind {
                0 => FieldValue::Bool(number & 1 == 1),
                1 => FieldValue::I8(number as i8),
                2 => FieldValue::U8(number as u8),
                3 => FieldValue::I16(number as i16),
                4 => FieldValue::U16(number as u16),
                5 => FieldValue::I32(number as i32),
                6 => FieldValue::U32(number as u32),
                7 => FieldValue::I64(number as i64),
                8 => FieldValue::F64(number as f64),
                9 => FieldValue::Decimal { scale: number as u8, unscaled: number as i32 },
                10 => FieldValue::Timestamp(number),
                _ => FieldValue::Void,
            });
        }
        Owned::Bytes(bytes) => put(FieldValue::LongString(bytes)),
        Owned::Array(values) => {
            let mut array = ArrayBuf::new();
            for value in values {
                show(value, &mut |value| {
                    array.push(value);
                });
            }
            put(FieldValue::Array(array.as_array()));
        }
        Owned::Table(entries) => put(FieldValue::Table(table_of(entries).as_table())),
    }
}

/// The same table, made again from what its iterator shows.
fn rebuilt(table: Table<'_>) -> TableBuf {
    let mut copy = TableBuf::new();
    for (name, value) in table {
        match value {
            FieldValue::Table(inner) => {
                copy.push(name, FieldValue::Table(rebuilt(inner).as_table()));
            }
            value => {
                copy.push(name, value);
            }
        }
    }
    copy
}

proptest! {
    #[test]
    fn any_table_comes_back(entries in proptest::collection::vec(("\\PC{0,12}", owned()), 0..8)) {
        let built = table_of(&entries);
        let read = Table::new(built.as_table().raw()).unwrap();
        prop_assert_eq!(read.iter().count(), entries.len());
        prop_assert_eq!(&rebuilt(read), &built);
    }

    #[test]
    fn a_table_cut_anywhere_is_answered(
        entries in proptest::collection::vec(("\\PC{0,6}", owned()), 1..4),
        cut: prop::sample::Index,
    ) {
        let built = table_of(&entries);
        let raw = built.as_table().raw();
        // a cut between two entries is a whole table again
        if let Ok(table) = Table::new(&raw[..cut.index(raw.len())]) {
            prop_assert!(table.iter().count() < entries.len());
        }
    }
}
