use super::*;
use crate::value::Decimal;

const PLACES: Carriage = Carriage::Text { max_bytes: 4 };

/// A column with a place for nothing.
const BARE: Carrier = of(Carriage::Header, Headers::Text { max_bytes: 10 });

const fn of(cell: Carriage, headers: Headers) -> Carrier {
    Carrier {
        content_type: cell,
        content_encoding: cell,
        correlation_id: cell,
        reply_to: cell,
        reply_key: cell,
        message_id: cell,
        timestamp: cell,
        kind: cell,
        user_id: cell,
        app_id: cell,
        body_format: cell,
        durability: cell,
        priority: cell,
        ttl: cell,
        headers,
    }
}

fn everything() -> Properties {
    let text = |text: &str| Some(Arc::<str>::from(text));
    Properties {
        content_type: text("ct"),
        content_encoding: text("ce"),
        headers: vec![("own".into(), Value::I8(1))],
        correlation_id: Some(b"co"[..].into()),
        reply_to: text("rt"),
        reply_key: text("rk"),
        message_id: Some(b"mi"[..].into()),
        timestamp: Some(7),
        kind: text("ki"),
        user_id: text("ui"),
        app_id: text("ai"),
        is_text: Some(true),
    }
}

const META: MessageMeta =
    MessageMeta { encoding: crate::Encoding::NONE, is_durable: true, priority: 3, ttl_ms: Some(9) };

fn texts(map: &Map) -> Vec<(&str, Cow<'_, str>)> {
    map.iter().map(|(name, value)| (&**name, value.to_text().unwrap())).collect()
}

#[test]
fn what_has_a_place_stays_in_it() {
    let fitted = of(Carriage::Whole, Headers::Typed { name_max_bytes: 9 }).fit(everything(), &META);
    assert_eq!(fitted, everything());
}

#[test]
fn what_has_no_place_is_a_header_in_front_of_the_others() {
    let fitted = Carrier { headers: Headers::Text { max_bytes: 99 }, ..BARE }.fit(everything(), &META);
    let expect = [
        ("x-content-type", "ct"),
        ("x-content-encoding", "ce"),
        ("x-correlation-id", "co"),
        ("x-reply-to", "rt"),
        ("x-reply-to-topic", "rk"),
        ("x-message-id", "mi"),
        ("x-timestamp", "7"),
        ("x-type", "ki"),
        ("x-user-id", "ui"),
        ("x-app-id", "ai"),
        ("x-body-is-text", "true"),
        ("x-durable", "true"),
        ("x-priority", "3"),
        ("x-ttl", "9"),
        ("own", "1"),
    ];
    assert_eq!(texts(&fitted.headers), expect.map(|(name, value)| (name, value.into())));
    assert_eq!(Properties { headers: Map::new(), ..fitted }, Properties::default());
}

#[test]
fn what_is_not_carried_is_gone() {
    let fitted = of(Carriage::Lost, Headers::None).fit(everything(), &META);
    assert_eq!(fitted, Properties::default());
    // The priority and durability that every message has are not told.
    let fitted = Carrier { headers: Headers::Text { max_bytes: 99 }, ..BARE }
        .fit(Properties::default(), &MessageMeta::default());
    assert_eq!(fitted, Properties::default());
}

#[test]
fn text_that_does_not_fit_its_place_is_a_header() {
    let carrier = of(PLACES, Headers::Typed { name_max_bytes: 99 });
    for (kind, is_placed) in [("abcd", true), ("abcde", false), ("a\0", false), ("", true)] {
        let fitted = carrier.fit(Properties { kind: Some(kind.into()), ..Properties::default() }, &META);
        assert_eq!(fitted.kind.is_some(), is_placed, "{kind:?}");
        assert_eq!(fitted.header("x-type").is_some(), !is_placed, "{kind:?}");
    }
    for (id, header) in [
        (&b"abcd"[..], None),
        (b"abcde", Some(Value::str("abcde"))),
        (b"\xff", Some(Value::Bytes(b"\xff"[..].into()))),
    ] {
        let given = Properties { correlation_id: Some(id.into()), ..Properties::default() };
        let fitted = carrier.fit(given, &MessageMeta::default());
        assert_eq!(fitted.header("x-correlation-id"), header.as_ref());
        assert_eq!(fitted.correlation_id.is_some(), header.is_none());
    }
}

#[test]
fn bytes_that_do_not_fit_their_place_are_a_header() {
    let carrier = of(Carriage::Bytes { max_bytes: 2 }, Headers::Typed { name_max_bytes: 99 });
    for (id, is_placed) in [(&b"\xff\0"[..], true), (b"abc", false)] {
        let given = Properties { correlation_id: Some(id.into()), ..Properties::default() };
        let fitted = carrier.fit(given, &MessageMeta::default());
        assert_eq!((fitted.correlation_id.is_some(), fitted.headers.is_empty()), (is_placed, is_placed));
    }
}

#[test]
fn a_header_becomes_the_property_that_it_stands_for() {
    let given = |headers: &[(&str, Value)]| Properties {
        headers: headers.iter().map(|(name, value)| (Arc::from(*name), value.clone())).collect(),
        ..Properties::default()
    };
    let carrier = of(Carriage::Whole, Headers::Typed { name_max_bytes: 99 });
    let bytes = Value::Bytes(b"\xff"[..].into());
    let fitted =
        carrier.fit(given(&[("x-correlation-id", bytes), ("x-reply-to-topic", Value::str("k"))]), &META);
    assert_eq!(fitted.correlation_id.as_deref(), Some(&b"\xff"[..]));
    assert_eq!((fitted.reply_key.as_deref(), fitted.headers.len()), (Some("k"), 0));
    // The property itself counts before it; other types and other names are the application's.
    let fitted = carrier.fit(
        Properties {
            correlation_id: Some(b"own"[..].into()),
            ..given(&[("x-correlation-id", Value::str("other")), ("x-reply-to-topic", Value::I8(1))])
        },
        &META,
    );
    assert_eq!(fitted.correlation_id.as_deref(), Some(&b"own"[..]));
    assert_eq!(fitted.headers.len(), 2);
    let names: Vec<_> = Property::ALL.iter().filter(|it| !it.is_restored()).map(|it| it.header()).collect();
    for name in names {
        let fitted = carrier.fit(given(&[(name, Value::str("v"))]), &MessageMeta::default());
        assert_eq!(fitted, given(&[(name, Value::str("v"))]), "nobody is a user because a header says so");
    }
}

#[test]
fn a_table_has_a_name_once_and_text_may_repeat_it() {
    let headers: Map = ["a", "b", "a", "a long name"].map(|name| (name.into(), Value::str(name))).into();
    let of_names = |headers: &Map| headers.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>();
    assert_eq!(of_names(&Headers::Typed { name_max_bytes: 10 }.fit(headers.clone())), ["a", "b"]);
    assert_eq!(of_names(&Headers::Text { max_bytes: 10 }.fit(headers.clone())), ["a", "b", "a"]);
    assert_eq!(of_names(&Headers::None.fit(headers)), [""; 0]);
}

#[test]
fn a_header_that_a_property_became_counts_before_one_of_its_name() {
    let given = Properties {
        kind: Some("new".into()),
        headers: vec![("x-type".into(), Value::str("old"))],
        ..Properties::default()
    };
    let fitted = Carrier { headers: Headers::Typed { name_max_bytes: 99 }, ..BARE }
        .fit(given, &MessageMeta::default());
    assert_eq!(fitted.headers, [("x-type".into(), Value::str("new"))]);
}

#[test]
fn text_headers_say_what_text_can() {
    let decimal = |scale, unscaled| Value::Decimal(Decimal { scale, unscaled });
    for (value, expect) in [
        (Value::str("a"), Some("a")),
        (Value::str("a\0"), None),
        (Value::str("more than ten"), None),
        (Value::Bool(true), Some("true")),
        (Value::Bool(false), Some("false")),
        (Value::I8(-3), Some("-3")),
        (Value::U8(200), Some("200")),
        (Value::I16(-300), Some("-300")),
        (Value::U16(300), Some("300")),
        (Value::I32(-70_000), Some("-70000")),
        (Value::U32(70_000), Some("70000")),
        (Value::I64(-5), Some("-5")),
        (Value::U64(5), Some("5")),
        (Value::F32(0.1), Some("0.1")),
        (Value::F64(1.5), Some("1.5")),
        (Value::Timestamp(9), Some("9")),
        (decimal(2, -5), Some("-0.05")),
        (decimal(0, 12), Some("12")),
        (decimal(1, 123), Some("12.3")),
        (Value::Bytes(b"ok"[..].into()), Some("ok")),
        (Value::Bytes(b"\xff"[..].into()), None),
        (Value::Null, Some("")),
        (Value::Array(vec![Value::Null]), None),
        (Value::Map(Vec::new()), None),
    ] {
        let fitted = Headers::Text { max_bytes: 10 }.fit(vec![("n".into(), value.clone())]);
        let got = fitted.first().and_then(|(_, value)| value.as_str());
        assert_eq!(got, expect, "{value:?}");
    }
    assert_eq!(Value::U64(u64::MAX).to_text().as_deref(), Some("18446744073709551615"));
}

#[test]
fn every_property_has_a_header_of_its_own() {
    let mut names: Vec<_> = Property::ALL.map(Property::header).into();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Property::ALL.len());
}
