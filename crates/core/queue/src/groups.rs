//! Who serves which message group.
//!
//! Groups are kept in a fixed number of buckets: two groups in one bucket share a consumer, and the table never grows
//! with what producers send (I11).

use ternmq_message::Message;

use crate::{filter::Grouping, outbox::NO_CONSUMER};

const BUCKETS: usize = 1024;

/// Owners of the buckets.
#[derive(Debug)]
pub(crate) struct Groups {
    grouping: Grouping,
    owners: Box<[u32]>,
}

impl Groups {
    pub(crate) fn new(grouping: Grouping) -> Self {
        Self { grouping, owners: vec![NO_CONSUMER; BUCKETS].into() }
    }

    /// Bucket of a message; `None` for a message of no group.
    pub(crate) fn bucket(&self, message: &Message) -> Option<usize> {
        let hash = (self.grouping.key)(message)?;
        // The caller's hash may have all its entropy in the high bits.
        let mixed = hash ^ (hash >> 32);
        Some(usize::try_from(mixed & (BUCKETS as u64 - 1)).unwrap_or(0))
    }

    /// Consumer of a bucket, if it has one.
    pub(crate) fn owner(&self, bucket: usize) -> Option<u32> {
        self.owners.get(bucket).copied().filter(|&owner| owner != NO_CONSUMER)
    }

    pub(crate) fn bind(&mut self, bucket: usize, consumer: u32) {
        if let Some(owner) = self.owners.get_mut(bucket) {
            *owner = consumer;
        }
    }

    /// The consumer is gone: its groups are free for another one.
    pub(crate) fn release(&mut self, consumer: u32) {
        for owner in &mut self.owners {
            if *owner == consumer {
                *owner = NO_CONSUMER;
            }
        }
    }
}
