//! Seam between the core and whatever keeps its facts: the journal, a replicated log, or nothing.

use ternmq_queue::Location;

/// Whether a record stands alone or belongs to a group that is kept whole or not at all (I6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grouping {
    /// The record completes its group (or is one by itself).
    Ends,
    /// More records of the same group follow.
    Continues,
}

/// An append-only log of records. Appending never waits; durability is reported later.
pub trait Log {
    /// Position that the next record will get.
    fn next_pos(&self) -> u64;

    /// Appends one record whose payload is the parts put together. Returns its position and whole length.
    fn append(&mut self, kind: u8, grouping: Grouping, parts: &[&[u8]]) -> Appended;

    /// Everything before this position is durable.
    fn durable_pos(&self) -> u64;

    /// Bytes of one segment: records in `[i * size, (i + 1) * size)` share segment `i`.
    fn segment_bytes(&self) -> u64;
}

/// Place of an appended record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// Position of its first byte.
    pub pos: u64,
    /// Length in bytes with its header.
    pub len: u32,
}

impl Appended {
    /// What has to become durable before the record counts.
    #[must_use]
    pub fn receipt(self) -> Receipt {
        Receipt(self.pos.saturating_add(u64::from(self.len)))
    }
}

/// A promise that is not kept yet: it holds once the log is durable up to here. The default holds at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Receipt(u64);

impl Receipt {
    /// Nothing to wait for.
    pub const NONE: Self = Self(0);

    /// Holds once this record is durable.
    pub(crate) fn of_record(record: Location) -> Self {
        Self(record.end())
    }

    /// Holds once everything is durable that the log has now.
    pub(crate) fn of_all(log: &dyn Log) -> Self {
        Self(log.next_pos())
    }

    /// Holds when both hold.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.max(other)
    }
}

/// Proof that the log is durable up to a position. Only [`Durable::of`] makes one, from the log itself (I8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Durable(u64);

impl Durable {
    /// Reads the proof off the log.
    #[must_use]
    pub fn of(log: &dyn Log) -> Self {
        Self(log.durable_pos())
    }

    /// Whether what the receipt stands for is durable.
    #[must_use]
    pub fn covers(self, receipt: Receipt) -> bool {
        receipt.0 <= self.0
    }
}
