//! Tests of the message heads.

use super::*;

/// Names and values of a head's headers, printed.
fn shown(head: &[u8]) -> String {
    format!("{:?}", map_from_table(headers(head)))
}

fn head(properties: BasicProperties<'_>) -> Vec<u8> {
    let mut head = Vec::new();
    properties.encode(&mut head);
    head
}

fn head_with(headers: &[(&str, FieldValue<'_>)]) -> Vec<u8> {
    let mut table = TableBuf::new();
    for (name, value) in headers {
        table.push(name, *value);
    }
    head(BasicProperties {
        content_type: Some("a/b"),
        headers: Some(table.as_table()),
        delivery_mode: Some(2),
        ..Default::default()
    })
}

fn death(queue: &str, reason: DeathReason) -> Death {
    Death {
        queue: queue.into(),
        reason,
        count: 2,
        first_time_s: 1_700_000_000,
        node: "x".into(),
        keys: vec!["k1".into(), "k2".into()],
        original_ttl_ms: (reason == DeathReason::Expired).then_some(60_000),
    }
}

fn history() -> History {
    History {
        deaths: vec![death("work", DeathReason::Expired), death("retry", DeathReason::MaxLength)],
        first: Some(("retry".into(), DeathReason::MaxLength, "x".into())),
        ..History::default()
    }
}

#[test]
fn properties_come_out_in_neutral_terms() {
    let head = head(BasicProperties {
        content_type: Some("a/b"),
        correlation_id: Some(b"\xff"),
        message_id: Some(b"m"),
        timestamp: Some(7),
        kind: Some("t"),
        ..Default::default()
    });
    let properties = Amqp091Format.properties(&head);
    let expect = Properties {
        content_type: Some("a/b".into()),
        correlation_id: Some(Arc::from(&b"\xff"[..])),
        message_id: Some(b"m"[..].into()),
        timestamp: Some(7),
        kind: Some("t".into()),
        ..Default::default()
    };
    assert_eq!(properties, expect);
}

#[test]
fn a_head_that_cant_be_read_is_empty_and_stays() {
    for head in [&b"\xff"[..], b"\x20\0\0\0\0\x09", b"\0\x01"] {
        assert_eq!(Amqp091Format.properties(head), Properties::default());
        assert_eq!(Amqp091Format.history(head), History::default());
        assert_eq!(Amqp091Format.without_ttl(head), None);
        assert_eq!(head_with_header(head, "a", FieldValue::Void), head);
        assert_eq!(head_without_header(head, "a"), head);
        assert_eq!(head_with_history(head, &history()), head);
    }
}

#[test]
fn neutral_properties_make_a_head_and_come_back() {
    let properties = Properties {
        content_type: Some("a/b".into()),
        headers: vec![
            ("n".into(), Value::I64(-1)),
            ("list".into(), Value::Array(vec![Value::Bool(true), Value::Null, Value::F32(1.5)])),
            ("map".into(), Value::Map(vec![("b".into(), Value::Bytes(Arc::from(&b"\xff"[..])))])),
            ("d".into(), Value::Decimal(Decimal { scale: 2, unscaled: -314 })),
        ],
        reply_to: Some("r".into()),
        user_id: Some("u".into()),
        app_id: Some("a".into()),
        ..Default::default()
    };
    let meta = MessageMeta { is_durable: true, priority: 3, ttl_ms: Some(60_000), ..Default::default() };
    let head = head_from_properties(&properties, &meta);
    assert_eq!(Amqp091Format.properties(&head), properties);
    let scan = Scan::new(&head).unwrap();
    assert_eq!((scan.delivery_mode, scan.priority, scan.expiration), (Some(2), Some(3), Some("60000")));
    let bare = Amqp091Format.without_ttl(&head).unwrap();
    assert_eq!(Scan::new(&bare).unwrap().expiration, None);
    assert_eq!(Amqp091Format.without_ttl(&bare), None);
    let plain = head_from_properties(&Properties::default(), &MessageMeta::default());
    assert_eq!(plain, [0x10, 0, 1]);
}

#[test]
fn every_field_type_goes_to_a_value_and_back() {
    let mut inner = ArrayBuf::new();
    inner.push(FieldValue::Void).push(FieldValue::I8(-1));
    let fields = [
        FieldValue::Bool(true),
        FieldValue::I8(-1),
        FieldValue::U8(255),
        FieldValue::I16(-1),
        FieldValue::U16(65535),
        FieldValue::I32(-1),
        FieldValue::U32(u32::MAX),
        FieldValue::I64(i64::MIN),
        FieldValue::F32(1.5),
        FieldValue::F64(-2.5),
        FieldValue::Decimal { scale: 1, unscaled: -5 },
        FieldValue::text("text"),
        FieldValue::Array(inner.as_array()),
        FieldValue::Timestamp(7),
        FieldValue::Void,
        FieldValue::Bytes(b"\0\xff"),
    ];
    for field in fields {
        let mut table = TableBuf::new();
        push_value(&mut table, "a", &value_from_field(field));
        assert_eq!(table.as_table().get("a"), Some(field));
    }
}

#[test]
fn what_a_table_may_not_hold_is_left_out() {
    let mut deep = Value::Bool(true);
    for _ in 0..DEPTH_MAX + 3 {
        deep = Value::Array(vec![deep]);
    }
    let map: Map = vec![
        ("deep".into(), deep),
        ("wide".into(), Value::Array(vec![Value::Null; ENTRIES_MAX as usize + 1])),
        ("big".into(), Value::U64(u64::MAX)),
    ];
    let table = table_from_map(&map);
    let read = Table::new(table.as_table().raw()).unwrap();
    assert_eq!(read.get("big").and_then(|value| value.as_text()), Some("18446744073709551615"));
    let Some(FieldValue::Array(wide)) = read.get("wide") else { panic!() };
    assert_eq!(wide.iter().count(), ENTRIES_MAX as usize);
    let many = vec![("".into(), Value::Null); ENTRIES_MAX as usize + 1];
    assert!(Table::new(table_from_map(&many).as_table().raw()).is_ok());
}

#[test]
fn one_header_is_set_and_taken_off() {
    let before = head_with(&[("a", FieldValue::I8(1)), ("b", FieldValue::Void), ("a", FieldValue::I8(2))]);
    let replaced = head_with(&[("a", FieldValue::text("x")), ("b", FieldValue::Void)]);
    assert_eq!(head_with_header(&before, "a", FieldValue::text("x")), replaced);
    let added = head_with(&[("a", FieldValue::text("x")), ("b", FieldValue::Void), ("c", FieldValue::I8(3))]);
    assert_eq!(head_with_header(&replaced, "c", FieldValue::I8(3)), added);
    assert_eq!(head_without_header(&before, "a"), head_with(&[("b", FieldValue::Void)]));
    assert!(matches!(head_without_header(&before, "z"), Cow::Borrowed(_)));
    let fresh = head_with_header(&[], "a", FieldValue::Void).into_owned();
    assert_eq!(fresh, [0x20, 0, 0, 0, 0, 3, 1, b'a', b'V']);
}

#[test]
fn further_keys_are_read_and_taken_off() {
    let mut keys = ArrayBuf::new();
    keys.push(FieldValue::text("k2")).push(FieldValue::I8(1)).push(FieldValue::text("k3"));
    let before = head_with(&[("CC", FieldValue::Array(keys.as_array())), ("b", FieldValue::Void)]);
    assert_eq!(Amqp091Format.extra_keys(&before), ["k2".into(), "k3".into()]);
    assert_eq!(Amqp091Format.without_extra_keys(&before), Some(head_with(&[("b", FieldValue::Void)])));
    let other = head_with(&[("b", FieldValue::Void)]);
    assert!(Amqp091Format.extra_keys(&other).is_empty());
    assert_eq!(Amqp091Format.without_extra_keys(&other), None);
    assert!(Amqp091Format.extra_keys(&head_with(&[("CC", FieldValue::text("k"))])).is_empty());
}

#[test]
fn a_history_is_written_as_x_death_and_read_back() {
    let before = head_with(&[("mine", FieldValue::I8(1))]);
    let after = head_with_history(&before, &history());
    assert_eq!(Amqp091Format.history(&after), history());
    assert_eq!(
        shown(&after),
        "[(\"mine\", I8(1)), (\"x-death\", Array([\
         Map([(\"count\", I64(2)), (\"reason\", Str(\"expired\")), (\"queue\", Str(\"work\")), \
         (\"time\", Timestamp(1700000000)), (\"exchange\", Str(\"x\")), \
         (\"routing-keys\", Array([Str(\"k1\"), Str(\"k2\")])), (\"original-expiration\", Str(\"60000\"))]), \
         Map([(\"count\", I64(2)), (\"reason\", Str(\"maxlen\")), (\"queue\", Str(\"retry\")), \
         (\"time\", Timestamp(1700000000)), (\"exchange\", Str(\"x\")), \
         (\"routing-keys\", Array([Str(\"k1\"), Str(\"k2\")]))])])), \
         (\"x-first-death-exchange\", Str(\"x\")), (\"x-first-death-queue\", Str(\"retry\")), \
         (\"x-first-death-reason\", Str(\"maxlen\")), (\"x-last-death-exchange\", Str(\"x\")), \
         (\"x-last-death-queue\", Str(\"work\")), (\"x-last-death-reason\", Str(\"expired\"))]"
    );
    // written again, it takes the place of the one before
    assert_eq!(head_with_history(&after, &history()), after);
}

#[test]
fn a_history_that_a_producer_made_up_is_read_as_far_as_it_makes_sense() {
    let mut good = TableBuf::new();
    good.push_text("queue", "q").push_text("reason", "rejected").push("count", FieldValue::I64(-5));
    let mut unknown = TableBuf::new();
    unknown.push_text("queue", "q").push_text("reason", "bored");
    let mut nameless = TableBuf::new();
    nameless.push_text("reason", "expired");
    let mut deaths = ArrayBuf::new();
    for entry in [&unknown, &good, &nameless] {
        deaths.push(FieldValue::Table(entry.as_table()));
    }
    deaths.push(FieldValue::Void);
    let history = Amqp091Format.history(&head_with(&[(X_DEATH, FieldValue::Array(deaths.as_array()))]));
    let expect = Death {
        queue: "q".into(),
        reason: DeathReason::Rejected,
        count: 1,
        first_time_s: 0,
        node: "".into(),
        keys: Vec::new(),
        original_ttl_ms: None,
    };
    assert_eq!(history, History { deaths: vec![expect], ..History::default() });
    let text = head_with(&[(X_DEATH, FieldValue::text("no array"))]);
    assert_eq!(Amqp091Format.history(&text), History::default());
}

#[test]
fn an_empty_history_changes_nothing() {
    let before = head_with(&[("mine", FieldValue::I8(1))]);
    assert!(matches!(head_with_history(&before, &History::default()), Cow::Borrowed(_)));
}

#[test]
fn reasons_have_their_words() {
    for reason in DeathReason::ALL {
        assert_eq!(DeathReason::from_word(reason.word()), Some(reason));
    }
    assert_eq!(DeathReason::from_word("unknown"), None);
}

#[test]
fn headers_are_added_in_the_place_of_those_of_the_same_name() {
    let before =
        head_with(&[("a", FieldValue::I8(1)), ("x-opt-b", FieldValue::I8(2)), ("c", FieldValue::I8(3))]);
    let long = "x".repeat(SHORT_STRING_MAX_BYTES + 1);
    let added =
        vec![("x-opt-b".into(), Value::I32(5)), (long.into(), Value::Null), ("d".into(), Value::str("t"))];
    let after = head_with(&[
        ("a", FieldValue::I8(1)),
        ("c", FieldValue::I8(3)),
        ("x-opt-b", FieldValue::I32(5)),
        ("d", FieldValue::text("t")),
    ]);
    assert_eq!(Amqp091Format.with_headers(&before, &added), Some(after));
    assert_eq!(Amqp091Format.with_headers(b"\xff", &added), None, "a head that can't be read stays");
    let many: Map = (0..ENTRIES_MAX).map(|number| (format!("x-opt-{number}").into(), Value::Null)).collect();
    let full = Amqp091Format.with_headers(&before, &many).unwrap();
    assert_eq!(headers(&full).entries().count(), ENTRIES_MAX as usize, "never more than a peer takes");
}
