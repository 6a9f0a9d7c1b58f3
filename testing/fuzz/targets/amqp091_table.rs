//! A table's content, and the same bytes as a message's head: conversions to neutral values and back are valid.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ternmq_amqp091::{
    codec::{FieldValue, Scan, Table, TableBuf},
    format::{
        Amqp091Format, head_from_properties, head_with_header, head_with_history, head_without_header,
        map_from_table, table_from_map,
    },
};
use ternmq_fuzz as _;
use ternmq_message::{Format, MessageMeta};

fuzz_target!(|input: &[u8]| {
    if let Ok(table) = Table::new(input) {
        check_table(table);
    }
    check_head(input);
});

fn check_table(table: Table<'_>) {
    let mut copy = TableBuf::new();
    for (_, entry) in table.entries() {
        copy.push_entry(entry);
    }
    assert_eq!(copy.as_table(), table);
    let neutral = map_from_table(table);
    assert_eq!(neutral.len(), table.iter().count());
    let again = table_from_map(&neutral);
    let again = Table::new(again.as_table().raw()).expect("made by the writer");
    assert_eq!(again.iter().count(), neutral.len());
}

fn check_head(head: &[u8]) {
    let properties = Amqp091Format.properties(head);
    let made = head_from_properties(&properties, &MessageMeta::default());
    Scan::new(&made).expect("made by the writer");
    if Scan::new(head).is_err() {
        return;
    }
    if let Some(without) = Amqp091Format.without_ttl(head) {
        Scan::new(&without).expect("still valid");
    }
    let set = head_with_header(head, "CC", FieldValue::text("k"));
    assert!(Scan::new(&set).expect("still valid").copies.has_cc);
    let taken = head_without_header(&set, "CC");
    assert!(!Scan::new(&taken).expect("still valid").copies.has_cc);
    let history = Amqp091Format.history(head);
    let written = head_with_history(head, &history);
    assert_eq!(Amqp091Format.history(&written), history);
}
