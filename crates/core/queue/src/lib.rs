//! One queue: a deterministic state machine. The same inputs give the same outputs on every replica.
//!
//! Owns: ready order, paging of cold entries, dispatch to consumers, credit, settlement, expiry, length limits.
//! Must not know: clocks, files, protocols, names of other queues. Time comes with each call; what should happen
//! outside goes into an [`Outbox`].
//!
//! Reading order: [`QueueSettings`], [`Entry`], [`Outbox`], then the machine: [`Queue`], its lanes, dispatch, search, settle,
//! expiry, limits, paging, snapshot.
//!
//! Known limits: an entry that expires behind a longer-lived one goes when it comes to the head; a chunk of the backlog in
//! which a filter found something keeps its list in memory, 40 bytes an entry; while a filter's chunk is on its way from
//! the log, lower lanes wait, others get what stands behind whatever their priority, and limits drop the oldest all the
//! same; what others passed over before a message group ended waits for its consumer, or until one leaves.

#![forbid(unsafe_code)]

mod absent;
mod browse;
mod chunk;
mod consumers;
mod dispatch;
mod entry;
mod expiry;
mod filter;
mod grouping;
mod groups;
mod held;
mod lane;
mod limits;
mod locked;
mod machine;
mod outbox;
mod paging;
mod relocate;
mod search;
mod settings;
mod settle;
mod snapshot;
mod unsettled;
mod windows;

pub use browse::{Browsed, ReadyPlace};
pub use chunk::{ChunkList, ChunkRef, ChunkView};
pub use consumers::{AddConsumerError, ConsumerSpec, ConsumerView, Window};
pub use dispatch::GetResult;
pub use entry::{Entry, EntryRef, Location, Seq, is_redelivery};
pub use filter::{Candidate, Filter};
pub use held::DyingEntry;
pub use limits::Room;
pub use machine::Queue;
pub use outbox::{Dead, Delivery, LoadRequest, NO_CONSUMER, Outbox};
pub use paging::{Budget, ChunkContent};
pub use relocate::ChunkPlace;
pub use settings::{DeadLetterRoute, GroupTable, Overflow, QueueSettings};
pub use settle::Blame;
pub use snapshot::{QueueSnapshot, SnapshotChunk};
pub use windows::{Gate, SessionIndex, ShareIndex, Windows};

#[cfg(test)]
mod tests;
