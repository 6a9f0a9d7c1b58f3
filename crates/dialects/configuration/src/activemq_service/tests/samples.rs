//! The default text, and the samples in it.

use super::*;

/// Takes every comment that holds elements out of its comment marks.
pub(super) fn uncommented() -> String {
    let mut text = String::new();
    let mut rest = default_text();
    while let Some((before, behind)) = rest.split_once("<!--") {
        let (comment, after) = behind.split_once("-->").unwrap();
        text.push_str(before);
        if comment.trim_start().starts_with('<') {
            text.push_str(comment);
        }
        rest = after;
    }
    text + rest
}

#[test]
fn the_default_text_and_its_samples_are_permitted() {
    for version in ["5.15.16", "5.18", "5.19"] {
        let version = version.parse().unwrap();
        check_for(version, Strategy::Simple, default_text(), default_text(), &[]);
        check_for(version, Strategy::Simple, &uncommented(), &uncommented(), &[]);
    }
}

#[test]
fn little_of_the_default_text_is_active() {
    let settings = sanitise(default_text().as_bytes(), V5_19, Strategy::Simple).unwrap().settings;
    let entry = |name: &str, property: &str| {
        settings
            .policy_entries()
            .into_iter()
            .find(|entry| entry.text(name) == Some(">"))
            .map(|entry| (entry.values().len(), entry.property(property).count()))
    };
    assert_eq!(settings.broker().values(), [("schedulePeriodForDestinationPurge", Value::Whole(10_000))]);
    assert_eq!(settings.policy_entries().len(), 2);
    assert_eq!(entry("topic", "pendingMessageLimitStrategy"), Some((3, 1)));
    assert_eq!(entry("queue", "dispatchPolicy"), Some((3, 0)));
    assert_eq!(settings.plugins(), Vec::<&Object>::new());
    assert!(settings.authorization().is_none());
    assert!(settings.store().is_none() && settings.network_connectors().is_empty());
    assert!(
        default_text().contains("<plugins>") && default_text().contains("inactiveTimoutBeforeGC=\"600000\"")
    );
}

#[test]
fn truncation_at_each_byte_is_refused() {
    let text = default_text().trim_end();
    for end in 0..text.len() {
        assert!(sanitise(&text.as_bytes()[..end], V5_19, Strategy::Simple).is_err(), "{end}");
    }
}
