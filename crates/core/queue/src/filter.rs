//! Filters over messages.

use std::cell::OnceCell;

use ternmq_message::{Message, Properties};

/// A message with what its queue knows of it.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The message.
    pub message: &'a Message,
    /// Broker time in ms at which it expires in this queue; `u64::MAX` never.
    pub expires_at_ms: u64,
    /// A delivery of it is flagged as a further one (I4).
    pub is_redelivered: bool,
    /// How often it was handed to a consumer of this queue.
    pub acquired_count: u32,
    /// Its properties, once a filter has needed them: all filters that are asked about it at a time share them.
    pub properties: &'a OnceCell<Properties>,
}

/// Decides on one message at a time; always the same answer for the same candidate. What a consumer's filter has refused
/// it is not asked about again before the message comes back from another consumer.
pub trait Filter: Send + Sync {
    /// Whether the message passes.
    fn matches(&self, candidate: &Candidate<'_>) -> bool;
}

impl<F: Fn(&Message) -> bool + Send + Sync> Filter for F {
    fn matches(&self, candidate: &Candidate<'_>) -> bool {
        self(candidate.message)
    }
}
