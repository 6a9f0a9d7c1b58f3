//! What the core writes into the log: record kinds and the layout of their payloads. Formats are promises: a layout
//! never changes once released, a new one gets a new kind or version byte.

mod branch;
mod chunk;
mod definition;
mod dying;
mod grants;
mod message;
mod parked;
mod remark;
mod scheduled;
mod settle;
mod snapshot;
mod value;

pub(crate) use branch::{
    BranchEnd, BranchHold, ProducerRecord, branch_later_parts, branch_message_parts, read_branch_end,
    read_branch_holds, read_branch_later, read_branch_message, read_producer, write_branch_end,
    write_branch_holds, write_producer,
};
pub(crate) use chunk::{read_chunk, write_chunk};
pub(crate) use definition::{read_definition, write_definition};
pub(crate) use dying::{read_dying, write_dying};
pub(crate) use message::{Target, message_parts, read_message, read_message_head};
pub(crate) use parked::{
    RetainedRecord, TokenOp, TokenRecord, WillRecord, read_retained, read_token, read_will, retained_parts,
    will_parts, write_token,
};
pub(crate) use remark::{read_remark, write_remark};
pub(crate) use scheduled::{
    ScheduledRecord, read_scheduled, scheduled_gone, scheduled_parts, scheduled_shifted,
};
pub(crate) use settle::{read_settle, write_settle, write_settle_range};
pub(crate) use snapshot::{read_snapshot, write_snapshot};

/// Kinds of records. Numbers are stable.
pub(crate) mod kind {
    /// A message and the queues that hold it.
    pub(crate) const MESSAGE: u8 = 1;
    /// Entries of a queue that are gone for good.
    pub(crate) const SETTLE: u8 = 2;
    /// A list of entries of one queue, whose bodies left memory.
    pub(crate) const CHUNK: u8 = 3;
    /// Entries of a queue that died before their bodies were read.
    pub(crate) const DYING: u8 = 4;
    /// State of one queue, part of a checkpoint.
    pub(crate) const SNAPSHOT: u8 = 5;
    /// A checkpoint starts: definitions follow, then snapshots of every queue that exists now.
    pub(crate) const CHECKPOINT_START: u8 = 6;
    /// The definitions of the checkpoint are complete.
    pub(crate) const CHECKPOINT_DEFINED: u8 = 7;
    /// One definition.
    pub(crate) const DEFINITION: u8 = 8;
    /// Ends a group; has no meaning of its own.
    pub(crate) const GROUP_END: u8 = 9;
    /// What became of a token of a client.
    pub(crate) const TOKEN: u8 = 10;
    /// Will of a client, or that it has none any more.
    pub(crate) const WILL: u8 = 11;
    /// A retained message, or that its key has none any more.
    pub(crate) const RETAINED: u8 = 12;
    /// What becomes of a scheduled message.
    pub(crate) const SCHEDULED: u8 = 17;
    /// A message that a prepared branch publishes when it is committed.
    pub(crate) const BRANCH_MESSAGE: u8 = 20;
    /// Deliveries that a prepared branch accepts when it is committed.
    pub(crate) const BRANCH_HOLDS: u8 = 21;
    /// A branch is prepared: what was told of it before is all of it.
    pub(crate) const BRANCH_END: u8 = 22;
    /// A prepared branch is no more.
    pub(crate) const BRANCH_DECIDED: u8 = 23;
    /// A producer that may send messages again.
    pub(crate) const PRODUCER: u8 = 24;
    /// What was remarked on a message when it was given back.
    pub(crate) const REMARK: u8 = 25;
    /// A message that a prepared branch schedules when it is committed.
    pub(crate) const BRANCH_LATER: u8 = 26;
}
