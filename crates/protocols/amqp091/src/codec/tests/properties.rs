use proptest::prelude::*;

use super::hex;
use crate::codec::{
    BasicProperties, FieldValue, Scan, TableBuf,
    properties::{with_headers, without_expiration},
};

#[test]
fn each_property_reads_and_writes_its_golden_bytes() {
    let check = |bytes: &str, properties: BasicProperties<'_>| {
        let bytes = hex(bytes);
        assert_eq!(BasicProperties::decode(&bytes), Ok(properties));
        let mut out = Vec::new();
        properties.encode(&mut out);
        assert_eq!(out, bytes);
    };
    let none = BasicProperties::default();
    let mut headers = TableBuf::new();
    headers.push("v", FieldValue::Void);
    check("0000", none);
    check("8000 0161", BasicProperties { content_type: Some("a"), ..none });
    check("4000 0161", BasicProperties { content_encoding: Some("a"), ..none });
    check("2000 00000003 017656", BasicProperties { headers: Some(headers.as_table()), ..none });
    check("1000 02", BasicProperties { delivery_mode: Some(2), ..none });
    check("0800 09", BasicProperties { priority: Some(9), ..none });
    check("0400 02ff00", BasicProperties { correlation_id: Some(&[0xff, 0]), ..none });
    check("0200 0161", BasicProperties { reply_to: Some("a"), ..none });
    check("0100 0139", BasicProperties { expiration: Some("9"), ..none });
    check("0080 01fe", BasicProperties { message_id: Some(&[0xfe]), ..none });
    check("0040 0000000000000007", BasicProperties { timestamp: Some(7), ..none });
    check("0020 0161", BasicProperties { kind: Some("a"), ..none });
    check("0010 0161", BasicProperties { user_id: Some("a"), ..none });
    check("0008 0161", BasicProperties { app_id: Some("a"), ..none });
    check("0004 0161", BasicProperties { cluster_id: Some("a"), ..none });
}

#[test]
fn headers_are_put_in_replaced_and_taken_off() {
    let mut headers = TableBuf::new();
    headers.push("v", FieldValue::Void);
    let check = |before: &str, after: &str, headers: Option<&TableBuf>| {
        let changed = with_headers(&hex(before), headers.map(TableBuf::as_table)).unwrap();
        assert_eq!(changed, hex(after), "{before}");
    };
    check("", "2000 00000003 017656", Some(&headers));
    check("", "0000", None);
    check("9000 0161 02", "b000 0161 00000003 017656 02", Some(&headers));
    check("b000 0161 00000007 016146 00000000 02", "b000 0161 00000003 017656 02", Some(&headers));
    check("b000 0161 00000003 017656 02", "9000 0161 02", None);
    assert!(with_headers(&hex("2000 00000009 017656"), None).is_err());
    assert!(with_headers(&hex("00"), None).is_err());
}

#[test]
fn the_expiration_is_taken_off() {
    let check = |before: &str, after: &str| {
        assert_eq!(without_expiration(&hex(before)).unwrap(), hex(after), "{before}");
    };
    check("0100 0139", "0000");
    check(
        "7fc0 0161 00000003 017656 02 09 02ffff 0161 0139 0162 0000000000000001",
        "7ec0 0161 00000003 017656 02 09 02ffff 0161 0162 0000000000000001",
    );
    check("1000 02", "1000 02");
}

fn text() -> impl Strategy<Value = Option<String>> {
    proptest::option::of("\\PC{0,20}")
}

proptest! {
    #[test]
    fn any_properties_come_back(
        texts in [text(), text(), text(), text(), text(), text(), text(), text()],
        ids in [proptest::option::of(any::<[u8; 5]>()), proptest::option::of(any::<[u8; 5]>())],
        octets in [proptest::option::of(any::<u8>()), proptest::option::of(any::<u8>())],
        timestamp in proptest::option::of(any::<u64>()),
        header in proptest::option::of("\\PC{0,20}"),
    ) {
        let headers = header.map(|name| {
            let mut table = TableBuf::new();
            table.push(&name, FieldValue::Timestamp(1));
            table
        });
        let properties = BasicProperties {
            content_type: texts[0].as_deref(),
            content_encoding: texts[1].as_deref(),
            headers: headers.as_ref().map(TableBuf::as_table),
            delivery_mode: octets[0],
            priority: octets[1],
            correlation_id: ids[0].as_ref().map(|id| &id[..]),
            reply_to: texts[2].as_deref(),
            expiration: texts[3].as_deref(),
            message_id: ids[1].as_ref().map(|id| &id[..]),
            timestamp,
            kind: texts[4].as_deref(),
            user_id: texts[5].as_deref(),
            app_id: texts[6].as_deref(),
            cluster_id: texts[7].as_deref(),
        };
        let mut bytes = Vec::new();
        properties.encode(&mut bytes);
        prop_assert_eq!(BasicProperties::decode(&bytes), Ok(properties));
        prop_assert!(Scan::new(&bytes).is_ok());
        let bare = without_expiration(&bytes).unwrap();
        prop_assert_eq!(BasicProperties::decode(&bare), Ok(BasicProperties { expiration: None, ..properties }));
        let bare = with_headers(&bytes, None).unwrap();
        prop_assert_eq!(BasicProperties::decode(&bare), Ok(BasicProperties { headers: None, ..properties }));
    }

    #[test]
    fn scan_and_full_parse_agree_on_what_is_valid(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        prop_assert_eq!(Scan::new(&bytes).err(), BasicProperties::decode(&bytes).err());
    }
}
