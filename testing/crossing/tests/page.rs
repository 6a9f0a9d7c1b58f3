//! `docs/concepts/message.md` says what the table of conversions does.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::path::Path;

use ternmq_message::{Carriage, Carrier, Property};

/// Protocols in the order of the page's columns.
const COLUMNS: [Carrier; 6] = [
    ternmq_amqp091::format::CARRIER,
    ternmq_mqtt::format::CARRIER,
    ternmq_mqtt::format::CARRIER_OF_V3,
    ternmq_stomp::format::CARRIER,
    ternmq_amqp10::format::CARRIER,
    ternmq_openwire::format::CARRIER,
];

/// The rows of the first table below a heading, without its head.
fn rows(page: &str, heading: &str) -> Vec<Vec<String>> {
    let (_, section) = page.split_once(heading).unwrap();
    let lines = section.lines().skip_while(|line| !line.starts_with('|'));
    lines
        .take_while(|line| line.starts_with('|'))
        .skip(2)
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect()
}

/// Whether a cell of the page says what a cell of the table is.
fn says(text: &str, carriage: Carriage) -> bool {
    let limit = match carriage {
        Carriage::Lost => return text == "no",
        Carriage::Header => return text == "header" || text.starts_with("header; "),
        Carriage::Text { max_bytes: 255 } => "255 bytes",
        Carriage::Text { max_bytes: 65_535 } | Carriage::Bytes { max_bytes: 65_535 } => "65,535 bytes",
        Carriage::Text { max_bytes: usize::MAX } | Carriage::Whole => "",
        Carriage::Text { .. } | Carriage::Bytes { .. } => panic!("the page has no word for {carriage:?}"),
    };
    !["no", "header"].contains(&text) && text.contains(limit) && text.contains("bytes") != limit.is_empty()
}

#[test]
fn the_page_has_every_property_as_the_table_has_it() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/concepts/message.md");
    let rows = rows(&std::fs::read_to_string(path).unwrap(), "## Properties");
    assert_eq!(rows.len(), Property::ALL.len());
    for (row, property) in rows.iter().zip(Property::ALL) {
        let cells = COLUMNS.map(|column| column.of(property));
        let is_ever_header = cells.iter().any(|cell| !matches!(cell, Carriage::Whole | Carriage::Lost));
        let header = if is_ever_header { format!("`{}`", property.header()) } else { "-".to_owned() };
        assert_eq!(row[1], header, "{property:?}");
        for (text, cell) in row[2..].iter().zip(cells) {
            assert!(says(text, cell), "{property:?}: {cell:?}, and the page says {text:?}");
        }
    }
}
