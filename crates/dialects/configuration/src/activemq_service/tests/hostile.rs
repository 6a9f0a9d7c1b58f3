//! Texts that mean harm, and random ones.

use proptest::{prelude::*, strategy::Strategy as Generator};

use super::*;
use crate::{
    activemq_service::Strategy,
    removed::{MAX_TOLD_NAME_BYTES, MAX_TOLD_REMOVALS},
};

#[test]
fn what_is_not_text_or_too_long_is_unusable() {
    check_unusable(b"<broker>\xff", "the configuration is not UTF-8 (byte 8)");
    let room = MAX_TEXT_BYTES - broker_of("").len() - "<!---->".len();
    let longest = broker_of(&format!("<!--{}-->", "c".repeat(room)));
    assert!(sanitise(longest.as_bytes(), V5_19, Strategy::Simple).is_ok());
    check_unusable(
        format!("{longest}\n").as_bytes(),
        "the configuration has 1048577 bytes; at most 1048576 are taken",
    );
}

#[test]
fn document_types_and_entities_are_refused() {
    for (text, place) in [
        ("<!DOCTYPE broker><broker/>", "line 1, column 1"),
        ("<?xml version='1.0'?>\n <!DOCTYPE b SYSTEM 'file:///etc/passwd'><b/>", "line 2, column 2"),
        ("<!DOCTYPE b [<!ENTITY a 'aa'><!ENTITY b '&a;&a;'>]><b>&b;</b>", "line 1, column 1"),
        ("<broker><!DOCTYPE b></broker>", "line 1, column 9"),
        ("<!ELEMENT a ANY>", "line 1, column 1"),
    ] {
        check_unusable(text.as_bytes(), &format!("{place}: document type declarations are not taken"));
    }
    // in a comment it is none
    check(
        &format!("<!-- <!DOCTYPE a> -->{}", broker_of("<!-- <!DOCTYPE a> -->")),
        &format!("<!-- <!DOCTYPE a> -->{}", broker_of("<!-- <!DOCTYPE a> -->")),
        &[],
    );
    let error = sanitise(broker_of("&evil;").as_bytes(), V5_19, Strategy::Simple).unwrap_err();
    assert!(matches!(error, Unusable::Broken { .. }), "{error}");
}

#[test]
fn broken_xml_and_other_roots_are_told_with_their_place() {
    for (text, place) in [
        ("", "line 1, column 1"),
        ("\n  ", "line 2, column 3"),
        ("<broker>\n<a></b>\n</broker>", "line 2, column 4"),
        ("<broker>\n", "line 2, column 1"),
        ("<broker a='1' a='2'/>", "line 1, column 15"),
        ("<broker a=1/>", "line 1, column 11"),
        ("<a:broker/>", "line 1, column 2"),
        ("<broker>\0</broker>", "line 1, column 9"),
        ("<broker/>x", "line 1, column 10"),
        ("broker", "line 1, column 1"),
    ] {
        let error = sanitise(text.as_bytes(), V5_19, Strategy::Simple).expect_err(text).to_string();
        assert!(error.starts_with(&format!("{place}: the XML is broken: ")), "{text:?}: {error}");
        assert!(error.len() < 150 && !error.contains(['\0', '\n']), "{error}");
    }
    for text in
        ["<broker/>", "<beans xmlns='http://www.springframework.org/schema/beans'/>", "<broker xmlns='x'/>"]
    {
        let error = sanitise(text.as_bytes(), V5_19, Strategy::Simple).expect_err(text);
        assert!(matches!(error, Unusable::OtherRoot { .. }), "{error}");
    }
    check_unusable(
        b"<broker><a></b></broker>",
        "line 1, column 12: the XML is broken: expected 'a' tag, not 'b'",
    );
    let root = format!("<r{}/>", "x".repeat(1_000));
    assert!(sanitise(root.as_bytes(), V5_19, Strategy::Simple).unwrap_err().to_string().len() < 200);
}

fn check_too_many(text: &str, what: &str) {
    let error = sanitise(text.as_bytes(), V5_19, Strategy::Simple).expect_err(what);
    assert!(error.to_string().ends_with(&format!("there are too many {what}")), "{error}");
}

#[test]
fn numbers_at_and_past_their_limits() {
    let deep = |depth: usize| broker_of(&("<a>".repeat(depth - 1) + &"</a>".repeat(depth - 1)));
    assert!(sanitise(deep(MAX_DEPTH).as_bytes(), V5_19, Strategy::Simple).is_ok());
    check_too_many(&deep(MAX_DEPTH + 1), "nested elements");
    check_too_many(&"<a>".repeat(300_000), "nested elements");

    let wide = |count: usize| broker_of(&"<a/>".repeat(count - 1));
    assert!(sanitise(wide(MAX_ELEMENTS).as_bytes(), V5_19, Strategy::Simple).is_ok());
    check_too_many(&wide(MAX_ELEMENTS + 1), "elements");
    check_too_many(&broker_of(&"<!---->x".repeat(60_000)), "elements, comments and texts");

    let attributes = |count: usize| {
        let all: String = (1..count).map(|number| format!(" a{number}='>'")).collect();
        broker_of("").replace("<broker", &format!("<broker{all}"))
    };
    assert!(sanitise(attributes(MAX_ATTRIBUTES).as_bytes(), V5_19, Strategy::Simple).is_ok());
    check_too_many(&attributes(MAX_ATTRIBUTES + 1), "attributes of an element");
    check_too_many(&attributes(90_000), "attributes of an element");

    let namespaces = |count: usize| {
        broker_of(&(1..count).map(|number| format!("<a xmlns:n{number}='u'/>")).collect::<String>())
    };
    assert!(sanitise(namespaces(MAX_NAMESPACES).as_bytes(), V5_19, Strategy::Simple).is_ok());
    check_too_many(&namespaces(MAX_NAMESPACES + 1), "namespaces");
}

#[test]
fn the_first_twenty_removals_are_told_and_the_rest_counted() {
    let many: String = (0..10_000).map(|number| format!("<bad{number}/>\n")).collect();
    let outcome = sanitise(broker_of(&many).as_bytes(), V5_19, Strategy::Simple).unwrap();
    assert_eq!(outcome.removals.untold, 10_000 - MAX_TOLD_REMOVALS);
    assert_eq!(outcome.removals.told.len(), MAX_TOLD_REMOVALS);
    assert_eq!(shown(&outcome.removals.told[19]), "DISALLOWED_ELEMENT_REMOVED bad19");
    // what is in an element that is cut out is not told again
    check_in_broker("<bad a='1'><worse/></bad>", "", &["DISALLOWED_ELEMENT_REMOVED bad"]);
}

#[test]
fn long_names_and_values() {
    let name = "n".repeat(70_000);
    let outcome = sanitise(
        broker_of(&format!("<{name} {name}='1'/><plugins {name}='{name}'/>")).as_bytes(),
        V5_19,
        Strategy::Simple,
    )
    .unwrap();
    assert_eq!(outcome.text, broker_of("<plugins/>"));
    let told: Vec<String> = outcome.removals.told.iter().map(shown).collect();
    let cut = &name[..MAX_TOLD_NAME_BYTES];
    assert_eq!(
        told,
        [format!("DISALLOWED_ELEMENT_REMOVED {cut}"), format!("DISALLOWED_ATTRIBUTE_REMOVED plugins {cut}")]
    );
    let groups = "g,".repeat(1_024) + "g";
    check_in_broker(
        &format!(
            "<plugins><authorizationPlugin><map><authorizationMap><defaultEntry><authorizationEntry read=\"{groups}\"/>\
             </defaultEntry></authorizationMap></map></authorizationPlugin></plugins>"
        ),
        "<plugins><authorizationPlugin><map><authorizationMap><defaultEntry><authorizationEntry/></defaultEntry>\
         </authorizationMap></map></authorizationPlugin></plugins>",
        &["INVALID_ATTRIBUTE_VALUE_REMOVED authorizationEntry read"],
    );
}

/// Random content of an element: elements of the vendor in and out of their place, attributes, text, comments.
fn content() -> impl Generator<Value = String> {
    let name = prop_oneof![
        Just("plugins"),
        Just("destinations"),
        Just("queue"),
        Just("destinationPolicy"),
        Just("policyMap"),
        Just("policyEntries"),
        Just("policyEntry"),
        Just("systemUsage"),
        Just("memoryUsage"),
        Just("bad"),
        Just("x:plugins"),
        Just("statisticsBrokerPlugin"),
        Just("timeStampingBrokerPlugin"),
    ];
    let attribute = prop_oneof![
        Just("queue=\"&gt;\""),
        Just("queue='a'"),
        Just("physicalName = 'a>b'"),
        Just("queuePrefetch=\"x\""),
        Just("queuePrefetch='7'"),
        Just("useCache=\"${a}\""),
        Just("id=''"),
        Just("x:a='1'"),
        Just("ttlCeiling='-1'"),
        Just("percentOfJvmHeap='71'"),
        Just("xml:lang='a'"),
    ];
    let between = prop_oneof![
        Just(""),
        Just(" "),
        Just("\n  "),
        Just("\r\n\t"),
        Just("text"),
        Just("\n a\n"),
        Just("&lt;"),
        Just("&#32;"),
        Just("<!-- > -->"),
        Just("<![CDATA[</x>]]>"),
        Just("]"),
        Just("]]"),
        Just("&gt;"),
        Just("<?p > ?>"),
        Just("é"),
    ];
    let space = prop_oneof![Just(" "), Just("\n   "), Just("  ")];
    let tag = (name, prop::collection::btree_map(attribute, space, 0..3));
    let leaf = (tag.clone(), any::<bool>()).prop_map(|(tag, is_short)| written(&tag, is_short, ""));
    leaf.prop_recursive(5, 60, 6, move |inner| {
        let children = prop::collection::vec((between.clone(), inner), 0..5);
        (tag.clone(), children, between.clone()).prop_map(|(tag, children, last)| {
            let content: String =
                children.into_iter().map(|(before, child)| format!("{before}{child}")).collect();
            written(&tag, false, &(content + last))
        })
    })
}

type Written<'a> = (&'a str, std::collections::BTreeMap<&'a str, &'a str>);

fn written((name, attributes): &Written<'_>, is_short: bool, content: &str) -> String {
    let mut seen = std::collections::BTreeSet::new();
    let of_tag: String = attributes
        .iter()
        .filter(|(attribute, _)| seen.insert(attribute.split(['=', ' ']).next().unwrap_or_default()))
        .map(|(attribute, space)| format!("{space}{attribute}"))
        .collect();
    if is_short { format!("<{name}{of_tag}/>") } else { format!("<{name}{of_tag}>{content}</{name}>") }
}

proptest! {
    #[test]
    fn what_comes_out_goes_in_again_unchanged(
        children in prop::collection::vec(content(), 0..6),
        strategy in prop_oneof![Just(Strategy::Simple), Just(Strategy::Ldap)],
    ) {
        let text = format!("<broker xmlns='{NAMESPACE}' xmlns:x='x'>{}</broker>", children.join("\n"));
        let first = sanitise(text.as_bytes(), V5_19, strategy)
            .map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        let second = sanitise(first.text.as_bytes(), V5_19, strategy)
            .map_err(|error| TestCaseError::fail(format!("{text}\n{}\n{error}", first.text)))?;
        prop_assert_eq!(&first.text, &second.text);
        prop_assert!(second.removals.is_empty(), "{}", first.text);
        prop_assert_eq!(&first.settings, &second.settings);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "[<>!/=\"'a&; \\[\\]?-]{0,80}") {
        let _ = sanitise(&bytes, V5_19, Strategy::Simple);
        let _ = sanitise(text.as_bytes(), V5_19, Strategy::Simple);
        let _ = sanitise(broker_of(&text).as_bytes(), V5_19, Strategy::Simple);
    }

    /// A tag that is damaged anywhere.
    #[test]
    fn damage_is_read_or_refused(at in 0_usize..4_000, byte in any::<u8>()) {
        let mut bytes = samples::uncommented().into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(first) = sanitise(&bytes, V5_19, Strategy::Simple) {
            let second = sanitise(first.text.as_bytes(), V5_19, Strategy::Simple).unwrap();
            prop_assert_eq!(first.text, second.text);
            prop_assert!(second.removals.is_empty());
        }
    }
}
