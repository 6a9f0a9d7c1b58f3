//! The seams through which the inner rings touch the world: files, time and randomness.
//!
//! Owns: the traits [`Files`], [`File`], [`Clock`] and [`Rng`], and their real versions [`DiskFiles`],
//! [`SystemClock`] and [`SystemRng`]. Fake versions, which can crash and lie, are in `testing/fakes`.
//! Must not know: what anybody keeps in a file.
//!
//! Invariants: code that names only these traits behaves the same in a simulator and on a machine (T1). A path is
//! relative to one data directory, uses `/`, and never leaves that directory.
#![forbid(unsafe_code)]

mod clock;
mod disk;
mod files;
mod key_file;
mod rng;

pub use clock::{Clock, SystemClock};
pub use disk::DiskFiles;
pub use files::{DirectoryLock, File, FileError, FileFault, Files, read_full, write_full};
pub use key_file::{FileKey, KeyFileError, ensure_key_file, read_key_file};
pub use rng::{Rng, SystemRng};
