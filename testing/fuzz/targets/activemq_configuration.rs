//! A configuration of the service for ActiveMQ: what comes out goes in again unchanged, and what is told of the rest is short.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ternmq_configuration::{
    MAX_TOLD_NAME_BYTES, MAX_TOLD_REMOVALS, Version,
    activemq_service::{Strategy, sanitise},
};
use ternmq_fuzz as _;

/// Longest refusal in bytes.
const MAX_MESSAGE_BYTES: usize = 256;

fuzz_target!(|input: &[u8]| {
    for (version, strategy) in
        [(Version::minor(5, 19), Strategy::Simple), (Version::minor(5, 15), Strategy::Ldap)]
    {
        let first = match sanitise(input, version, strategy) {
            Ok(first) => first,
            Err(refusal) => {
                let text = refusal.to_string();
                assert!(text.len() <= MAX_MESSAGE_BYTES && !text.chars().any(char::is_control), "{text:?}");
                continue;
            }
        };
        assert!(first.removals.told.len() <= MAX_TOLD_REMOVALS);
        for removal in &first.removals.told {
            for name in [&removal.attribute_name, &removal.element_name].into_iter().flatten() {
                assert!(name.len() <= MAX_TOLD_NAME_BYTES && !name.chars().any(char::is_control));
            }
        }
        let again = sanitise(first.text.as_bytes(), version, strategy);
        let again = again.unwrap_or_else(|refusal| panic!("{refusal}: {}", first.text));
        assert!(again.removals.is_empty());
        assert_eq!(again.text, first.text);
        assert_eq!(again.settings, first.settings);
    }
});
