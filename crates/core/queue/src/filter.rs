//! Filters over messages, and how messages are put into groups.

use std::{fmt, sync::Arc};

use ternmq_message::Message;

/// Decides on one message at a time; always the same answer for the same message.
pub trait Filter: Send + Sync {
    /// Whether the message passes.
    fn matches(&self, message: &Message) -> bool;
}

impl<F: Fn(&Message) -> bool + Send + Sync> Filter for F {
    fn matches(&self, message: &Message) -> bool {
        self(message)
    }
}

/// Finds a message's group, as a hash of its name; `None` for a message of no group.
pub type GroupKey = Arc<dyn Fn(&Message) -> Option<u64> + Send + Sync>;

/// Message groups: all messages of a group go to one consumer while it lives.
#[derive(Clone)]
pub struct Grouping {
    /// Finds a message's group.
    pub key: GroupKey,
}

impl fmt::Debug for Grouping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Grouping")
    }
}
