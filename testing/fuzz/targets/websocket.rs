//! What a client sends through a WebSocket: the head of its request, and frames.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ternmq_fuzz as _;

fuzz_target!(|input: &[u8]| ternmq_net::fuzz_websocket(input));
