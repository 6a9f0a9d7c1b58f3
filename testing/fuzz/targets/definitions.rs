//! A definitions file: it is read or refused, and a refusal is short and printable.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ternmq_fuzz as _;
use ternmq_management::Definitions;

/// Longest sentence of ours around texts of the file.
const MAX_MESSAGE_BYTES: usize = 1_024;

fuzz_target!(|input: &[u8]| {
    let Err(problem) = Definitions::read(input) else { return };
    assert!(problem.len() <= MAX_MESSAGE_BYTES, "{} bytes", problem.len());
    // B7: nothing that the file says moves a terminal.
    assert!(!problem.chars().any(char::is_control), "{problem:?}");
});
