//! A message's place in one queue.

use ternmq_message::Message;

/// Number of an entry in its queue: given in arrival order, never used twice (I5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seq(pub u64);

/// Where a message's record stands in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    /// Log position of the record, in bytes.
    pub pos: u64,
    /// Length of the whole record in bytes.
    pub len: u32,
    /// The record outlives a restart; a spilled transient message has a record that does not.
    pub is_durable: bool,
}

/// One message in one queue, in memory.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its number.
    pub seq: Seq,
    /// The message.
    pub message: Message,
    /// Its record in the log, if it has one.
    pub location: Option<Location>,
    /// Broker time in ms at which it expires; `u64::MAX` never.
    pub expires_at_ms: u64,
    /// How often it was given back in a way that counts (F17).
    pub failed_count: u32,
    /// How often it was handed to a consumer; after the first time a delivery is flagged (I4).
    pub acquired_count: u32,
}

/// Whether a delivery of an entry is flagged as a further one: it was handed out before, it is below the number up to
/// which a start could not tell, or it came by a dead-letter route from such a place (I4).
#[must_use]
pub fn is_redelivery(seq: Seq, acquired_count: u32, message: &Message, redelivered_below: Seq) -> bool {
    acquired_count > 0 || seq < redelivered_below || message.may_be_repeated()
}

/// An entry whose message stays in the log: what a cold chunk is made of. 40 bytes or less in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryRef {
    /// Its number.
    pub seq: Seq,
    /// Record of its message.
    pub location: Location,
    /// Length of the body in bytes.
    pub body_len: u32,
    /// As [`Entry::expires_at_ms`].
    pub expires_at_ms: u64,
    /// As [`Entry::failed_count`], saturated.
    pub failed_count: u16,
    /// As [`Entry::acquired_count`], saturated.
    pub acquired_count: u16,
}
