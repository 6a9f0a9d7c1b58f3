//! Topic names and filters.

use crate::codec::{
    Reason,
    topic::{Filter, LEVELS_MAX, TOPIC_MAX_BYTES, check_name, is_reserved, parse_filter},
};

#[test]
fn topic_names() {
    for name in ["a", "/", "a/b", "/a", "a//b", "$SYS/x", "a b", "finance", "*", "a.b"] {
        assert_eq!(check_name(name), Ok(()), "{name:?}");
    }
    for name in ["", "+", "a/+", "a/#", "#", "a+b"] {
        assert_eq!(check_name(name).unwrap_err().reason, Reason::PROTOCOL_ERROR, "{name:?}");
    }
}

#[test]
fn topics_of_servers_are_known() {
    for name in [
        "$SYS",
        "$SYS/",
        "$SYS/x",
        "$SYS/broker/connection/b",
        "$SYS/broker/connection/b/state/x",
        "$share/g/t",
    ] {
        assert!(is_reserved(name, '/'), "{name:?}");
    }
    for name in ["a", "$SYSTEM/x", "$share", "$shared/a", "a/$SYS", "$SYS/broker/connection/b/state"] {
        assert!(!is_reserved(name, '/'), "{name:?}");
    }
}

#[test]
fn topic_filters() {
    for filter in ["a", "/", "+", "#", "a/#", "a/+/b", "+/+", "/+", "$SYS/#", "$share", "+/tennis/#", "a b"] {
        assert_eq!(parse_filter(filter), Ok(Filter { group: None, filter }), "{filter:?}");
    }
    for (shared, group, filter) in
        [("$share/g/a", "g", "a"), ("$share/g//", "g", "/"), ("$share/g/#", "g", "#")]
    {
        assert_eq!(parse_filter(shared), Ok(Filter { group: Some(group), filter }), "{shared:?}");
    }
    for filter in [
        "",
        "a+",
        "+a",
        "a/b+",
        "#/a",
        "a#",
        "a/#/b",
        "a/##",
        "$share/",
        "$share/g",
        "$share//a",
        "$share/g/",
        "$share/g+/a",
        "$share/#/a",
        "$share/g/a#",
    ] {
        assert_eq!(parse_filter(filter).unwrap_err().reason, Reason::TOPIC_FILTER_INVALID, "{filter:?}");
    }
}

#[test]
fn t7_topics_at_and_past_their_limits() {
    let longest = "a".repeat(TOPIC_MAX_BYTES);
    assert!(check_name(&longest).is_ok() && parse_filter(&longest).is_ok());
    let longer = "a".repeat(TOPIC_MAX_BYTES + 1);
    assert_eq!(check_name(&longer).unwrap_err().reason, Reason::TOPIC_NAME_INVALID);
    assert_eq!(parse_filter(&longer).unwrap_err().reason, Reason::TOPIC_FILTER_INVALID);
    let deepest = ["a"; LEVELS_MAX].join("/");
    assert!(check_name(&deepest).is_ok() && parse_filter(&deepest).is_ok());
    let deeper = ["a"; LEVELS_MAX + 1].join("/");
    assert!(check_name(&deeper).is_err() && parse_filter(&deeper).is_err());
}
