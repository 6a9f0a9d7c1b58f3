//! `table.txt`, row by row: a selector, the values of a message, and the answer.
//!
//! Columns are separated by tabs, `\n` and `\t` in a selector mean what they say. A value is `name=KIND:value`; kinds are
//! those of [`value`]. The answer is `true`, `false`, `unknown`, or the text of an error.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use ternmq_message::{Decimal, Value};
use ternmq_selector::{Facts, Field, Header, Operand, Selector, Truth};

/// Values of a message, by name.
struct Message(Vec<(String, Value)>);

impl Facts for Message {
    fn fact(&self, field: &Field) -> Operand<'_> {
        let given = self.0.iter().find(|(name, _)| name == field.name());
        match (given, field) {
            (Some((_, value)), _) => Operand::of(value),
            (None, Field::Header(Header::DeliveryMode)) => Operand::text("PERSISTENT"),
            (None, Field::Header(Header::Priority)) => Operand::Int(4),
            (None, _) => Operand::Null,
        }
    }
}

fn value(text: &str) -> Value {
    let (kind, value) = text.split_once(':').expect("KIND:value");
    match kind {
        "s" => Value::str(value),
        "b" => Value::Bool(value == "true"),
        "i8" => Value::I8(value.parse().unwrap()),
        "u8" => Value::U8(value.parse().unwrap()),
        "i16" => Value::I16(value.parse().unwrap()),
        "u16" => Value::U16(value.parse().unwrap()),
        "i" => Value::I32(value.parse().unwrap()),
        "u32" => Value::U32(value.parse().unwrap()),
        "l" => Value::I64(value.parse().unwrap()),
        "u64" => Value::U64(value.parse().unwrap()),
        "f" => Value::F32(value.parse().unwrap()),
        "d" => Value::F64(value.parse().unwrap()),
        "time" => Value::Timestamp(value.parse().unwrap()),
        "decimal" => {
            let (unscaled, scale) = value.split_once('/').unwrap();
            Value::Decimal(Decimal { unscaled: unscaled.parse().unwrap(), scale: scale.parse().unwrap() })
        }
        "bytes" => Value::Bytes(value.as_bytes().into()),
        "raw" => Value::Bytes([0xff, 0xfe][..].into()),
        "null" => Value::Null,
        "list" => Value::Array(vec![Value::I32(1)]),
        "map" => Value::Map(vec![("x".into(), Value::I32(1))]),
        other => panic!("no kind of value: {other}"),
    }
}

fn answer(selector: &str, message: &Message) -> String {
    match Selector::parse(&selector.replace("\\n", "\n").replace("\\t", "\t")) {
        Ok(selector) => match selector.evaluate(message) {
            Truth::True => "true".to_owned(),
            Truth::False => "false".to_owned(),
            Truth::Unknown => "unknown".to_owned(),
        },
        Err(error) => error.to_string(),
    }
}

#[test]
fn every_row_has_its_answer() {
    let rows = include_str!("table.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut wrong = Vec::new();
    let mut count = 0;
    for row in rows {
        count += 1;
        let mut columns = row.split('\t');
        let (Some(selector), Some(values), Some(wanted), None) =
            (columns.next(), columns.next(), columns.next(), columns.next())
        else {
            panic!("not three columns: {row}");
        };
        let values = values.split(';').filter_map(|one| one.split_once('='));
        let message = Message(values.map(|(name, text)| (name.to_owned(), value(text))).collect());
        let got = answer(selector, &message);
        if got != wanted {
            wrong.push(format!("{selector}\t{row}\n    got {got}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(count >= 300, "{count} rows");
}
