//! A configuration of the service for RabbitMQ: what comes out goes in again unchanged, and a node reads what it gets.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ternmq_configuration::{
    MAX_TOLD_NAME_BYTES, MAX_TOLD_REMOVALS, Version, parse,
    rabbitmq_service::{Mode, Size, effective, sanitise},
};
use ternmq_fuzz as _;

/// Longest refusal in bytes.
const MAX_MESSAGE_BYTES: usize = 512;

fuzz_target!(|input: &[u8]| {
    for version in [Version::minor(3, 13), Version::minor(4, 2)] {
        let first = match sanitise(input, version) {
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
        let again = sanitise(first.text.as_bytes(), version);
        let again = again.unwrap_or_else(|refusal| panic!("{refusal}: {}", first.text));
        assert!(again.removals.is_empty());
        assert_eq!(again.text, first.text);
        assert_eq!(again.chosen, first.chosen);
        let for_node = effective(&first.chosen, Size::M7gLarge, Mode::SingleInstance);
        let read = parse(&for_node.text).unwrap_or_else(|problems| panic!("{problems:?}: {}", for_node.text));
        assert!(read.warnings.is_empty(), "{:?}", read.warnings);
    }
});
