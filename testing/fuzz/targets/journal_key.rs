//! Bytes of a disk where the key file of a segment should be.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ternmq_fuzz as _;
use ternmq_journal::check_key_bytes;

fuzz_target!(|input: &[u8]| {
    if check_key_bytes(input).is_some() {
        assert_eq!(input.len(), 104, "a key file has one length");
    }
});
