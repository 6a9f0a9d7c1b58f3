//! A stream of frames in loose encoding: what is read is written and read again as the same, with and without a cache.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ternmq_fuzz::openwire::check_stream;

fuzz_target!(|input: &[u8]| check_stream(input, false));
