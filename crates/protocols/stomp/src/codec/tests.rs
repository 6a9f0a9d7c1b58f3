#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;

use super::*;

fn split(input: &[u8]) -> Result<Option<(Head<'_>, usize)>, FrameError> {
    split_head(input, Escapes::Full, &Limits::OPEN)
}

#[test]
fn a_head_is_command_and_headers_up_to_the_empty_line() {
    let input = b"SEND\r\ndestination:/queue/a:b\nx\\cy: v\\n\\\\ \n\nbody\0";
    let (head, size) = split(input).unwrap().unwrap();
    assert_eq!(head.command, "SEND");
    assert_eq!(&input[size..], b"body\0");
    assert_eq!(head.headers.get("destination").as_deref(), Some("/queue/a:b"));
    assert_eq!(head.headers.get("x:y").as_deref(), Some(" v\n\\ "));
    assert_eq!(head.headers.get("y"), None);
}

#[test]
fn a_head_cut_anywhere_is_incomplete() {
    let input = b"SEND\na:b\r\n\r\n";
    for end in 0..input.len() {
        assert!(matches!(split(&input[..end]), Ok(None)), "{end}");
    }
    assert!(matches!(split(input), Ok(Some(_))));
}

#[test]
fn the_first_header_of_a_name_counts() {
    let (head, _) = split(b"S\na:1\na:2\n\n").unwrap().unwrap();
    assert_eq!(head.headers.get("a").as_deref(), Some("1"));
}

#[test]
fn blanks_before_a_value_count_but_in_1_0() {
    for (version, expect) in [(Version::V10, "v "), (Version::V11, "  v "), (Version::V12, "  v ")] {
        let (head, _) = split_head(b"S\na:  v \n\n", version.escapes(), &Limits::OPEN).unwrap().unwrap();
        assert_eq!(head.headers.get("a").as_deref(), Some(expect), "{version:?}");
    }
}

#[test]
fn escapes_by_version() {
    for (raw, v10, v11, v12) in [
        ("a\\nb", Some("a\\nb"), Some("a\nb"), Some("a\nb")),
        ("a\\cb", Some("a\\cb"), Some("a:b"), Some("a:b")),
        ("a\\\\b", Some("a\\\\b"), Some("a\\b"), Some("a\\b")),
        ("a\\rb", Some("a\\rb"), None, Some("a\rb")),
        ("a\\tb", Some("a\\tb"), None, None),
        ("a\\", Some("a\\"), None, None),
    ] {
        for (version, expect) in [(Version::V10, v10), (Version::V11, v11), (Version::V12, v12)] {
            assert_eq!(unescape(raw, version.escapes()).ok().as_deref(), expect, "{raw} {version:?}");
        }
    }
}

#[test]
fn versions_are_agreed_on() {
    for (accepted, expect) in [
        (None, Some(Version::V10)),
        (Some("1.0"), Some(Version::V10)),
        (Some("1.0,1.2,1.1"), Some(Version::V12)),
        (Some("1.1, 2.0"), Some(Version::V11)),
        (Some("2.0"), None),
        (Some(""), None),
    ] {
        assert_eq!(negotiate(accepted), expect, "{accepted:?}");
    }
}

#[test]
fn bodies_by_length_and_to_nul() {
    for (body, input, expect) in [
        (Body::Counted(3), &b"a\0b\0rest"[..], Ok(Some((&b"a\0b"[..], 4)))),
        (Body::Counted(3), b"a\0b", Ok(None)),
        (Body::Counted(0), b"\0", Ok(Some((b"", 1)))),
        (Body::Counted(1), b"ab", Err(FrameError::NoNul { length: 1 })),
        (Body::Counted(11), b"", Err(FrameError::BodyTooLong { max: 10 })),
        (Body::ToNul, b"ab\0c", Ok(Some((b"ab", 3)))),
        (Body::ToNul, b"0123456789", Ok(None)),
        (Body::ToNul, b"0123456789a", Err(FrameError::BodyTooLong { max: 10 })),
        (Body::ToNul, b"0123456789a\0", Err(FrameError::BodyTooLong { max: 10 })),
    ] {
        assert_eq!(body.split(input, 10), expect, "{body:?} {input:?}");
    }
}

#[test]
fn noise_between_frames_is_skipped() {
    for (input, expect) in [(&b"\n\r\n\0SEND"[..], 4), (b"\r", 0), (b"\rX", 0), (b"SEND", 0), (b"", 0)] {
        assert_eq!(skip_noise(input), expect, "{input:?}");
    }
}

#[test]
fn byte_by_byte_is_looked_at_only_where_it_matters() {
    let long = [b"SEND\nx:".to_vec(), vec![b'a'; 200]].concat();
    assert!(!super::is_worth_a_look(&long, long.len() - 1, &Limits::OPEN));
    for end in [b'\n', 0] {
        let ended = [long.clone(), vec![end]].concat();
        assert!(super::is_worth_a_look(&ended, long.len(), &Limits::OPEN));
    }
    let too_long = [long.clone(), vec![b'a'; 8_200]].concat();
    assert!(super::is_worth_a_look(&too_long, too_long.len() - 1, &Limits::OPEN));
}

#[test]
fn frames_are_written_as_rabbitmq_writes_them() {
    let mut out = Vec::new();
    FrameWriter::start(&mut out, "MESSAGE", Escapes::Full)
        .header("a:b", "c\nd\re\\f\0")
        .number("n", 0)
        .number("m", u64::MAX)
        .end(b"x\0y");
    let expect =
        "MESSAGE\na\\cb:c\\nd\\re\\\\f\u{FFFD}\nn:0\nm:18446744073709551615\ncontent-length:3\n\nx\0y\0\n";
    assert_eq!(String::from_utf8(out).unwrap(), expect);
    let mut out = Vec::new();
    FrameWriter::start(&mut out, "RECEIPT", Escapes::None).header("a", "b:c\\\n").end(b"");
    assert_eq!(out, b"RECEIPT\na:b:c\\\\n\n\n\0\n");
}

proptest! {
    #[test]
    fn any_bytes_are_split_or_refused(input in proptest::collection::vec(any::<u8>(), 0..200), v in 0..4_usize) {
        let escapes = [Escapes::None, Escapes::Padded, Escapes::WithoutReturn, Escapes::Full][v];
        if let Ok(Some((head, size))) = split_head(&input, escapes, &Limits::OPEN) {
            prop_assert!(size <= input.len());
            for (name, value) in head.headers.raw() {
                prop_assert!(unescape(name, escapes).is_ok() && unescape(value, escapes).is_ok());
            }
            if let Ok(body) = body_of(head.headers) {
                let _split = body.split(&input[size..], 100);
            }
        }
    }

    #[test]
    fn what_is_written_is_read_back(pairs in proptest::collection::vec(("[^\0]{1,20}", "[^\0]{0,20}"), 0..5), body in proptest::collection::vec(any::<u8>(), 0..50)) {
        let mut out = Vec::new();
        let mut writer = FrameWriter::start(&mut out, "SEND", Escapes::Full);
        for (name, value) in &pairs {
            writer.header(name, value);
        }
        writer.end(&body);
        let (head, size) = split(&out).unwrap().unwrap();
        let meant = |text| head.headers.meant(text).into_owned();
        let read: Vec<_> = head.headers.raw().map(|(name, value)| (meant(name), meant(value))).collect();
        let is_length = |pair: &&(String, String)| pair.0 == "content-length";
        if !pairs.iter().any(|pair| is_length(&pair)) {
            let read: Vec<_> = read.iter().filter(|pair| !is_length(pair)).cloned().collect();
            prop_assert_eq!(read, pairs);
            let split = body_of(head.headers).unwrap().split(&out[size..], 1_000).unwrap().unwrap();
            prop_assert_eq!(split.0, &body[..]);
        }
    }
}
