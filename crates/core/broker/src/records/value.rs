//! Layout of values and maps: one byte of type, then the value.

use std::sync::Arc;

use ternmq_message::{Decimal, Map, Value};
use ternmq_stdx::layout::{BadLayout, Reader, Writer};

/// Nesting that a stored value may have: what the protocols allow (B4).
const MAX_DEPTH: u32 = 64;

pub(crate) fn write_map(out: &mut Writer, map: &Map) {
    out.count(map.len());
    for (name, value) in map {
        out.text(name);
        write_value(out, value);
    }
}

pub(crate) fn read_map(input: &mut Reader<'_>) -> Result<Map, BadLayout> {
    read_map_at(input, 0)
}

fn write_value(out: &mut Writer, value: &Value) {
    match value {
        Value::Null => out.u8(0),
        Value::Bool(truth) => out.u8(1).bool(*truth),
        Value::I8(number) => out.u8(2).raw(&number.to_le_bytes()),
        Value::U8(number) => out.u8(3).u8(*number),
        Value::I16(number) => out.u8(4).raw(&number.to_le_bytes()),
        Value::U16(number) => out.u8(5).u16(*number),
        Value::I32(number) => out.u8(6).raw(&number.to_le_bytes()),
        Value::U32(number) => out.u8(7).u32(*number),
        Value::I64(number) => out.u8(8).raw(&number.to_le_bytes()),
        Value::U64(number) => out.u8(9).u64(*number),
        Value::F32(number) => out.u8(10).u32(number.to_bits()),
        Value::F64(number) => out.u8(11).u64(number.to_bits()),
        Value::Decimal(decimal) => out.u8(12).u8(decimal.scale).raw(&decimal.unscaled.to_le_bytes()),
        Value::Timestamp(seconds) => out.u8(13).u64(*seconds),
        Value::Str(text) => out.u8(14).text(text),
        Value::Bytes(bytes) => out.u8(15).blob(bytes),
        Value::Array(values) => {
            out.u8(16).count(values.len());
            values.iter().for_each(|value| write_value(out, value));
            out
        }
        Value::Map(map) => {
            out.u8(17);
            write_map(out, map);
            out
        }
    };
}

fn read_map_at(input: &mut Reader<'_>, depth: u32) -> Result<Map, BadLayout> {
    let count = input.count(5)?;
    let mut map = Map::new();
    for _ in 0..count {
        let name = input.text()?;
        map.push((name, read_value(input, depth)?));
    }
    Ok(map)
}

fn read_value(input: &mut Reader<'_>, depth: u32) -> Result<Value, BadLayout> {
    let bad = input.bad();
    if depth > MAX_DEPTH {
        return Err(bad);
    }
    Ok(match input.u8()? {
        0 => Value::Null,
        1 => Value::Bool(input.bool()?),
        2 => Value::I8(i8::from_le_bytes([input.u8()?])),
        3 => Value::U8(input.u8()?),
        4 => Value::I16(i16::from_le_bytes(input.u16()?.to_le_bytes())),
        5 => Value::U16(input.u16()?),
        6 => Value::I32(i32::from_le_bytes(input.u32()?.to_le_bytes())),
        7 => Value::U32(input.u32()?),
        8 => Value::I64(i64::from_le_bytes(input.u64()?.to_le_bytes())),
        9 => Value::U64(input.u64()?),
        10 => Value::F32(f32::from_bits(input.u32()?)),
        11 => Value::F64(f64::from_bits(input.u64()?)),
        12 => Value::Decimal(Decimal {
            scale: input.u8()?,
            unscaled: i32::from_le_bytes(input.u32()?.to_le_bytes()),
        }),
        13 => Value::Timestamp(input.u64()?),
        14 => Value::Str(input.text()?),
        15 => Value::Bytes(Arc::from(input.blob()?)),
        16 => {
            let count = input.count(1)?;
            let mut values = Vec::new();
            for _ in 0..count {
                values.push(read_value(input, depth + 1)?);
            }
            Value::Array(values)
        }
        17 => Value::Map(read_map_at(input, depth + 1)?),
        _ => return Err(bad),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_comes_back() {
        let values = vec![
            Value::Null,
            Value::Bool(true),
            Value::I8(-1),
            Value::U8(1),
            Value::I16(-2),
            Value::U16(2),
            Value::I32(-3),
            Value::U32(3),
            Value::I64(-4),
            Value::U64(4),
            Value::F32(1.5),
            Value::F64(-2.5),
            Value::Decimal(Decimal { scale: 2, unscaled: -314 }),
            Value::Timestamp(9),
            Value::str("x"),
            Value::Bytes(Arc::from(&b"y"[..])),
            Value::Map(vec![("k".into(), Value::Array(vec![Value::Null]))]),
        ];
        let map: Map = vec![("all".into(), Value::Array(values))];
        let mut out = Writer::default();
        write_map(&mut out, &map);
        assert_eq!(read_map(&mut Reader::new(out.bytes())), Ok(map));
        for len in 0..out.bytes().len() {
            assert!(read_map(&mut Reader::new(&out.bytes()[..len])).is_err(), "cut at {len}");
        }
    }
}
