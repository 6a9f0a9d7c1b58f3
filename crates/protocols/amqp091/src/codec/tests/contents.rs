use super::hex;
use crate::codec::{
    BasicProperties, ContentHeader, ContentHeaderError, FieldValue, Malformed, Scan, TableBuf,
    content::{Copies, flag},
};

#[test]
fn a_header_reads_its_golden_bytes() {
    let bytes = hex("003c 0000 0000000000000400 1000 02");
    let header = ContentHeader::decode(&bytes).unwrap();
    assert_eq!(header.body_size_bytes, 1024);
    assert_eq!(header.properties, &bytes[12..]);
    assert_eq!(header.scan, Scan { flags: flag::DELIVERY_MODE, delivery_mode: Some(2), ..Scan::default() });
    for len in 0..bytes.len() {
        let error = ContentHeader::decode(&bytes[..len]).unwrap_err();
        assert_eq!(error, ContentHeaderError::Malformed(Malformed::Truncated), "cut to {len}");
    }
}

#[test]
fn a_broken_header_is_refused() {
    let check = |bytes: &str, expect: ContentHeaderError| {
        assert_eq!(ContentHeader::decode(&hex(bytes)).unwrap_err(), expect, "{bytes}");
    };
    check("003c 0001 0000000000000000 0000", ContentHeaderError::Weight(1));
    check("0032 0000 0000000000000000 0000", ContentHeaderError::Class(50));
    check("003c 0000 0000000000000000 0001", Malformed::ReservedPropertyFlags(1).into());
    check("003c 0000 0000000000000000 8002 00", Malformed::ReservedPropertyFlags(0x8002).into());
    check("003c 0000 0000000000000000 0000 00", Malformed::Trailing(1).into());
    check("003c 0000 0000000000000000 1000 0200", Malformed::Trailing(1).into());
    check("003c 0000 0000000000000000 8000 0361", Malformed::Truncated.into());
    check("003c 0000 0000000000000000 8000 01ff", Malformed::NotUtf8.into());
    check("003c 0000 0000000000000000 2000 00000003 0161 7a", Malformed::UnknownFieldType(b'z').into());
    // the largest size a header can announce is read; what is too much is the session's to say
    let huge = hex("003c 0000 ffffffffffffffff 0000");
    assert_eq!(ContentHeader::decode(&huge).unwrap().body_size_bytes, u64::MAX);
}

#[test]
fn a_scan_finds_what_the_full_parse_finds() {
    let mut headers = TableBuf::new();
    headers.push_text("x", "y").push_text("BCC", "k");
    let full = BasicProperties {
        content_type: Some("a/b"),
        content_encoding: Some("gzip"),
        headers: Some(headers.as_table()),
        delivery_mode: Some(2),
        priority: Some(9),
        correlation_id: Some(b"\xff\xfe"),
        reply_to: Some("amq.rabbitmq.reply-to"),
        expiration: Some("60000"),
        message_id: Some(b"m"),
        timestamp: Some(1),
        kind: Some("t"),
        user_id: Some("guest"),
        app_id: Some("app"),
        cluster_id: Some("c"),
    };
    let mut bytes = Vec::new();
    full.encode(&mut bytes);
    let scan = Scan::new(&bytes).unwrap();
    assert_eq!(scan.flags, 0xfffc);
    assert_eq!((scan.delivery_mode, scan.priority), (full.delivery_mode, full.priority));
    assert_eq!(
        (scan.expiration, scan.user_id, scan.reply_to),
        (full.expiration, full.user_id, full.reply_to)
    );
    assert_eq!(scan.headers, full.headers);
    assert_eq!(scan.copies, Copies { has_cc: false, has_bcc: true });
    for len in 1..bytes.len() {
        assert_eq!(Scan::new(&bytes[..len]), Err(Malformed::Truncated), "cut to {len}");
    }
}

#[test]
fn copies_are_seen_at_the_top_level_only() {
    let copies = |headers: &TableBuf| {
        let properties = BasicProperties { headers: Some(headers.as_table()), ..Default::default() };
        let mut bytes = Vec::new();
        properties.encode(&mut bytes);
        Scan::new(&bytes).unwrap().copies
    };
    let mut inner = TableBuf::new();
    inner.push_text("CC", "k");
    assert_eq!(copies(&inner), Copies { has_cc: true, has_bcc: false });
    let mut outer = TableBuf::new();
    outer.push("x", FieldValue::Table(inner.as_table()));
    assert_eq!(copies(&outer), Copies::default());
}

#[test]
fn no_bytes_mean_no_properties() {
    assert_eq!(Scan::new(&[]), Ok(Scan::default()));
    assert_eq!(Scan::new(&[0, 0]), Ok(Scan::default()));
    assert_eq!(BasicProperties::decode(&[]), Ok(BasicProperties::default()));
    // but a header frame must have its flags
    let error = ContentHeader::decode(&hex("003c 0000 0000000000000000")).unwrap_err();
    assert_eq!(error, ContentHeaderError::Malformed(Malformed::Truncated));
}
