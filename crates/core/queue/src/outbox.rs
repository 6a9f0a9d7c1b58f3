//! What a queue wants done outside, collected over one or more calls and drained by the facade.

use ternmq_message::{DeathReason, Message};

use crate::{
    chunk::ChunkRef,
    entry::{Entry, Location, Seq},
    held::DyingEntry,
    windows::SessionIndex,
};

/// Key in [`Delivery::consumer`] of a message that was fetched by `Queue::get`: no consumer has it.
pub const NO_CONSUMER: u32 = u32::MAX;

/// One message handed to a consumer.
#[derive(Debug)]
pub struct Delivery {
    /// Session of the consumer.
    pub session: SessionIndex,
    /// The consumer's key, as given when it was added; [`NO_CONSUMER`] for a fetched one.
    pub consumer: u32,
    /// Slot of the entry among the queue's unsettled ones; `None` when the delivery needs no settlement.
    pub slot: Option<u32>,
    /// Number of the entry.
    pub seq: Seq,
    /// The message.
    pub message: Message,
    /// It was handed out before.
    pub is_redelivered: bool,
    /// How often it was given back in a way that counts, before this delivery.
    pub failed_count: u32,
    /// As [`Entry::expires_at_ms`].
    pub expires_at_ms: u64,
    /// The consumer gets its group with it, and had not got it before.
    pub is_group_first: bool,
}

impl Delivery {
    /// Broker time in ms at which it expires in its queue, if it does.
    #[must_use]
    pub fn expiry_ms(&self) -> Option<u64> {
        (self.expires_at_ms < u64::MAX).then_some(self.expires_at_ms)
    }
}

/// One entry that left the queue other than by acceptance, for the dead-letter route (or just gone without one).
#[derive(Debug)]
pub struct Dead {
    /// The entry.
    pub entry: Entry,
    /// Why.
    pub reason: DeathReason,
}

/// A cold chunk that the queue needs in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadRequest {
    /// Priority lane of the chunk.
    pub lane: u8,
    /// First entry of the chunk.
    pub first_seq: Seq,
}

/// Results of queue calls. The caller owns it, drains it after each call, and reuses it: no allocation in steady state.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Messages to hand to consumers, in order.
    pub deliveries: Vec<Delivery>,
    /// Entries that died, in order.
    pub dead: Vec<Dead>,
    /// Entries that died and whose bodies are being read for the dead-letter route: to be logged, if only for
    /// `Queue::replay_dying`.
    pub dying: Vec<DyingEntry>,
    /// Entries that died unread, because no dead-letter route wants them. They are in [`Self::settled`].
    pub unread_deaths: u64,
    /// Entries that are gone for good (accepted, dropped, died) and had a record in the log: number and record.
    /// The facade logs them as settled and lowers the segment's live count.
    pub settled: Vec<(Seq, Location)>,
    /// A full tail of this lane wants to be spilled: call `Queue::spill`.
    pub spills: Vec<u8>,
    /// Cold chunks wanted in memory.
    pub loads: Vec<LoadRequest>,
    /// Cold chunks that are gone as a whole, unread: the facade lowers the live counts of their segments.
    pub dropped_chunks: Vec<ChunkRef>,
    /// Numbers, both ends included, that are gone with [`Self::dropped_chunks`]: log these as settled, not the chunks'
    /// whole ranges, in which consumers may still hold entries.
    pub settled_ranges: Vec<(Seq, Seq)>,
    /// Change of bytes of bodies held in memory.
    pub resident_delta_bytes: i64,
}
