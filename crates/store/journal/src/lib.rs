//! The node's one log: bytes in, positions out.
//!
//! Owns: the form of a record ([`check_record_bytes`]), giving positions and encoding ([`Appender`]), writing and
//! syncing in groups ([`Writer`]), segments that are recycled, the manifest that names them, recovery after any
//! crash ([`open`], [`Recovery`]), reads of single records ([`Reader`]), a check that changes nothing ([`inspect()`]),
//! and encryption of all payloads ([`Encryption`]).
//! Must not know: messages, queues, what a kind means, threads, time.
//!
//! Invariants: what [`Writer::sync`] reported as [`Durable`] is recovered bit-exact and in order (I1, I8); a group is
//! recovered whole or not at all (I6); a record that had been durable and is bad is reported, never taken for the end
//! of the log (F5); a position is used once for ever (I7); after a failed write or sync nothing more is accepted (F3);
//! each segment that is encrypted has a data key of its own, which is on the disk only wrapped (S13).
//!
//! Known limits: one appender and one writer per journal; lengths, kinds and number of records are not hidden.
#![forbid(unsafe_code)]

mod cipher;
mod record;

mod appender;
mod durable;
mod error;
mod options;

mod limit;
mod manifest;
mod segment;

mod keyring;
mod wrap;

mod recovery;
mod scan;
mod start;

mod room;
mod writer;

mod inspect;
mod reader;
mod scrub;

#[cfg(test)]
mod format_tests;

pub use appender::{Appender, Batch, Group};
pub use cipher::{Encryption, MasterKey, MasterKeys};
pub use durable::Durable;
pub use error::{JournalError, OpenError, ReadError};
pub use inspect::{InspectReport, SegmentReport, inspect};
pub use manifest::{ManifestState, check_manifest_bytes};
pub use options::Options;
pub use reader::{Reader, Record};
pub use record::{HEADER_BYTES, JournalPos, MAX_PAYLOAD_BYTES, check_record_bytes};
pub use recovery::{Recovered, Recovery, RecoveryReport, open};
pub use room::{SpaceLevel, SpaceReport, WriteClass};
pub use scan::Damage;
pub use scrub::{Scrub, ScrubStep};
pub use segment::{FORMAT, SegmentIndex, check_segment_bytes, segments_of};
pub use start::Opened;
pub use wrap::check_key_bytes;
pub use writer::{Progress, Writer};
