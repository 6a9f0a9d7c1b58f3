//! Bytes of a disk where a record should start.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ternmq_fuzz as _;
use ternmq_journal::check_record_bytes;

fuzz_target!(|input: &[u8]| {
    if let Some((_, payload)) = check_record_bytes(input) {
        assert!(payload.len() < input.len());
    }
});
