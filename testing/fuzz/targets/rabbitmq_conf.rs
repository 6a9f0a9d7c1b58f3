//! A configuration text: what is said of it is short, printable and bounded, and a comment behind it changes nothing.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ternmq_configuration::{Loaded, MAX_LINES, MAX_PROBLEMS, MAX_TEXT_BYTES, MAX_WARNINGS, Problem, parse};
use ternmq_fuzz as _;

/// Longest sentence of ours around at most two texts of the file.
const MAX_MESSAGE_BYTES: usize = 1_024;

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let outcome = parse(text);
    check(&outcome);
    let longer = format!("{text}\n# the end\n");
    if longer.len() <= MAX_TEXT_BYTES && longer.lines().count() <= MAX_LINES {
        assert_eq!(parse(&longer), outcome);
    }
});

fn check(outcome: &Result<Loaded, Vec<Problem>>) {
    match outcome {
        Ok(loaded) => {
            assert!(loaded.warnings.len() <= MAX_WARNINGS);
            assert!(loaded.warnings.is_sorted_by_key(|warning| warning.line));
            loaded.warnings.iter().for_each(|warning| check_message(warning.line, &warning.text));
        }
        Err(problems) => {
            assert!((1..=MAX_PROBLEMS + 1).contains(&problems.len()));
            problems.iter().for_each(|problem| check_message(problem.line, &problem.text));
        }
    }
}

/// B7: no message is mostly the file's text, or carries its control characters.
fn check_message(line: usize, text: &str) {
    assert!(line >= 1 && text.len() <= MAX_MESSAGE_BYTES, "line {line}, {} bytes", text.len());
    assert!(!text.chars().any(char::is_control), "{text:?}");
}
