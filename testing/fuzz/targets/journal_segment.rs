//! Bytes of a disk where a segment should be.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ternmq_fuzz as _;
use ternmq_journal::check_segment_bytes;

fuzz_target!(|input: &[u8]| {
    // a record is more than one byte, so there can't be more of them than bytes
    assert!(check_segment_bytes(input) <= input.len());
});
