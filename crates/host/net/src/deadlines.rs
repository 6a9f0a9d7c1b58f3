//! One heap of deadlines for all connections of a shard, instead of a timer each.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Deadlines, earliest first. An entry may be out of date: whoever takes it asks the connection again. A connection
/// whose deadline only moves back (heartbeats at each read) therefore costs nothing until the old one comes.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    heap: BinaryHeap<Reverse<(u64, u32)>>,
}

impl Deadlines {
    pub(crate) fn arm(&mut self, at_ms: u64, index: u32) {
        self.heap.push(Reverse((at_ms, index)));
    }

    pub(crate) fn next_ms(&self) -> Option<u64> {
        self.heap.peek().map(|Reverse((at_ms, _))| *at_ms)
    }

    pub(crate) fn pop_due(&mut self, now_ms: u64) -> Option<(u64, u32)> {
        if self.next_ms()? > now_ms {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry)
    }
}
