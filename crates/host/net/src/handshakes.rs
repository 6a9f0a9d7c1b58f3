//! Who is logging in: bounded in number (F15), oldest silent one first out when others wait.

use std::collections::VecDeque;

use crate::driver::Key;

/// Connections that have not logged in, in the order they came.
#[derive(Debug, Default)]
pub(crate) struct Handshakes {
    order: VecDeque<(Key, u64)>,
}

impl Handshakes {
    pub(crate) fn note(&mut self, key: Key, now_ms: u64) {
        self.order.push_back((key, now_ms));
    }

    /// Forgets those at the front that `is_done`, and answers the oldest that is left.
    pub(crate) fn oldest(&mut self, mut is_done: impl FnMut(Key) -> bool) -> Option<(Key, u64)> {
        while let Some((key, _)) = self.order.front() {
            if !is_done(*key) {
                break;
            }
            self.order.pop_front();
        }
        self.order.front().copied()
    }

    /// The oldest for which `is_idle` holds and that began before `before_ms`.
    pub(crate) fn oldest_idle(&self, before_ms: u64, mut is_idle: impl FnMut(Key) -> bool) -> Option<Key> {
        let old = self.order.iter().take_while(|(_, since_ms)| *since_ms < before_ms);
        old.map(|(key, _)| *key).find(|key| is_idle(*key))
    }

    /// Drops entries that are done wherever they stand; called now and then so that the list stays short.
    pub(crate) fn compact(&mut self, mut is_done: impl FnMut(Key) -> bool) {
        self.order.retain(|(key, _)| !is_done(*key));
    }

    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }
}
