//! What every fuzz target has in common: a heap with a limit.
//!
//! The fuzzer's own limit counts what the fuzzer itself keeps (its corpus, its tables, what it knows of the
//! features), which grows with the speed of the machine. This one counts only what the code under test has allocated,
//! so that one input that makes a decoder greedy ends the run (T5 of the guarantees), and nothing else does.

pub mod openwire;
pub mod stage;

use std::alloc::System;

use cap::Cap;

/// Bytes that the code under test may hold at a time.
pub const HEAP_LIMIT_BYTES: usize = 64 << 20;

#[global_allocator]
static HEAP: Cap<System> = Cap::new(System, HEAP_LIMIT_BYTES);
