//! A value: what is read is written and read back, and everything nested in it is as often there as its count says.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ternmq_amqp10::codec::{Value, check, read, write::put_value};
use ternmq_fuzz as _;

fuzz_target!(|input: &[u8]| {
    // One level of what was not checked ends early, and never badly.
    if let Ok((value, _)) = read(input) {
        let _ = value.texts().count();
    }
    let Ok(length) = check(input) else { return };
    let (value, rest) = read(input).expect("it was checked");
    assert_eq!(length, input.len() - rest.len());
    walk(&value);
    let mut written = Vec::new();
    put_value(&mut written, &value);
    assert_eq!(check(&written), Ok(written.len()));
    let mut again = Vec::new();
    put_value(&mut again, &read(&written).expect("it was written").0);
    assert_eq!(again, written);
});

fn walk(value: &Value<'_>) {
    match value {
        Value::List(list) => assert_eq!(list.iter().map(|item| walk(&item)).count(), list.count() as usize),
        Value::Map(map) => {
            assert_eq!(
                map.iter().map(|(key, value)| (walk(&key), walk(&value))).count() * 2,
                map.count() as usize
            );
            let bytes: usize = map.raw_pairs().map(|(_, pair)| pair.len()).sum();
            assert_eq!(bytes, map.items().len());
        }
        Value::Array(array) => {
            assert_eq!(array.iter().map(|item| walk(&item)).count(), array.count() as usize);
        }
        Value::Described(described) => {
            walk(&described.descriptor().expect("it was checked"));
            walk(&described.value().expect("it was checked"));
        }
        _ => {}
    }
}
