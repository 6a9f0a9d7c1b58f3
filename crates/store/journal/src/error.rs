//! What can go wrong, one enum per operation.

use ternmq_env::{FileError, FileFault};
use thiserror::Error;

use crate::record::JournalPos;
use crate::segment::SegmentIndex;

/// Why a journal cannot be opened or inspected. Nothing that was durable is lost by it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// Another process has the data directory.
    #[error("the data directory is in use by another process; stop that process or choose another directory")]
    InUse,
    /// Written by a later release.
    #[error("the journal has format {found}, this release knows formats up to {known}; run a newer release")]
    NewerFormat {
        /// Format of the journal.
        found: u32,
        /// Latest format known.
        known: u32,
    },
    /// No manifest can be read though there are segments.
    #[error(
        "no manifest of the journal is intact (last looked at '{path}'); restore the directory from a backup"
    )]
    DamagedManifest {
        /// The manifest looked at last, or the directory when there is none.
        path: String,
    },
    /// Something is encrypted and no key was given.
    #[error("it is encrypted, and no key was given")]
    KeyMissing,
    /// The keys given are not those that data keys are wrapped under.
    #[error(
        "it is encrypted with another key than was given ({foreign} of its {segments} encrypted segments)"
    )]
    WrongKey {
        /// How many segments cannot be opened with the keys given.
        foreign: usize,
        /// How many are encrypted.
        segments: usize,
    },
    /// An option has a value that cannot work.
    #[error("the journal option '{name}' is {value}: {rule}")]
    BadOption {
        /// Name of the option.
        name: &'static str,
        /// Its value.
        value: u64,
        /// What it has to be.
        rule: &'static str,
    },
    /// The disk failed or has no room.
    #[error("the journal cannot be opened")]
    Disk(#[source] FileError),
}

impl From<FileError> for OpenError {
    fn from(error: FileError) -> Self {
        match error.fault {
            FileFault::InUse => Self::InUse,
            _ => Self::Disk(error),
        }
    }
}

/// Why the writer refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum JournalError {
    /// No room, not even in the reserve. Nothing of the batch counts as written; the same batch may be given again
    /// once there is room (F4).
    #[error("the disk of the journal is full")]
    DiskFull(#[source] FileError),
    /// A write or sync failed. What was written since the last sync is unknown; the journal takes no more (F3).
    #[error("the journal failed and takes no more writes; restart the node")]
    Failed(#[source] FileError),
    /// An earlier call failed; the process has to end and start again (F3).
    #[error("the journal failed earlier and takes no more writes; restart the node")]
    Poisoned(#[source] FileError),
    /// A segment to be released is not wholly before the checkpoint.
    #[error("segment {0} cannot be released: recovery would still read it; publish a later checkpoint first")]
    StillNeeded(SegmentIndex),
    /// A checkpoint beyond what is durable, or before the last one.
    #[error("the checkpoint {0} is not between the last one and the durable end")]
    BadCheckpoint(JournalPos),
}

/// Why a record cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReadError {
    /// Nothing was written there yet.
    #[error("nothing was written at {0} yet")]
    NotWritten(JournalPos),
    /// The segment was released; what was there is gone for good.
    #[error("what was at {0} has been released")]
    Released(JournalPos),
    /// What is there is not the record that was written (F5).
    #[error("the record at {position} in segment {segment} is damaged")]
    Damaged {
        /// Where.
        position: JournalPos,
        /// In which segment it starts.
        segment: SegmentIndex,
    },
    /// The disk failed.
    #[error("the journal cannot be read")]
    Disk(#[source] FileError),
}
