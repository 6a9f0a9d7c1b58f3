//! What the inner rings may do with files.

use std::fmt;
use std::sync::Arc;

/// One data directory. All paths are relative to it, with `/` between parts; a path that would leave it is refused.
///
/// Think of it as a disk that may lose power at any moment: bytes written are safe only after [`File::sync_data`],
/// a name made, changed or removed only after [`Files::sync_dir`] of its directory (F2).
pub trait Files: Send + Sync {
    /// Opens an existing file for reading and writing.
    ///
    /// # Errors
    /// [`FileFault::NotFound`] when there is none; others as the disk has them.
    fn open(&self, path: &str) -> Result<Arc<dyn File>, FileError>;

    /// Makes a new, empty file, readable by the owner only, and opens it.
    ///
    /// # Errors
    /// [`FileFault::AlreadyExists`] when the name is taken: an old file is never silently cut to nothing.
    fn create(&self, path: &str) -> Result<Arc<dyn File>, FileError>;

    /// Makes a directory and its parents; one that exists is fine. Their names are safe with the next [`Files::sync_dir`].
    ///
    /// # Errors
    /// As the disk has them.
    fn create_dir(&self, path: &str) -> Result<(), FileError>;

    /// Names of the files (not the directories) in a directory, sorted.
    ///
    /// # Errors
    /// [`FileFault::NotFound`] when there is no such directory.
    fn list(&self, dir: &str) -> Result<Vec<String>, FileError>;

    /// Gives a file another name, replacing a file that has it, in one step.
    ///
    /// # Errors
    /// [`FileFault::NotFound`] when there is no such file; nothing is changed after an error.
    fn rename(&self, from: &str, to: &str) -> Result<(), FileError>;

    /// Removes a file. Whoever has it open can go on reading it.
    ///
    /// # Errors
    /// [`FileFault::NotFound`] when there is no such file.
    fn remove(&self, path: &str) -> Result<(), FileError>;

    /// Makes the names in a directory safe against power loss.
    ///
    /// # Errors
    /// After any error it is unknown which changes are safe; asking again proves nothing (F3).
    fn sync_dir(&self, dir: &str) -> Result<(), FileError>;

    /// Bytes that can still be allocated on the disk of the data directory.
    ///
    /// # Errors
    /// As the disk has them.
    fn free_bytes(&self) -> Result<u64, FileError>;

    /// Takes the data directory for this process until the answer is dropped.
    ///
    /// # Errors
    /// [`FileFault::InUse`] when another process has it.
    fn lock(&self) -> Result<Box<dyn DirectoryLock>, FileError>;
}

/// An open file. Reads and writes name their offset, so several threads may share one.
pub trait File: Send + Sync {
    /// Reads into `bytes` from `offset`; answers how many came, fewer than asked at will, 0 at the end of the file.
    ///
    /// # Errors
    /// As the disk has them; an unreadable sector is one.
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> Result<usize, FileError>;

    /// Writes from `offset`, growing the file when needed; answers how many were written, at will fewer than given.
    ///
    /// # Errors
    /// [`FileFault::DiskFull`] when there is no room. After any error the bytes of that range are unknown.
    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<usize, FileError>;

    /// Gives the file a length with room allocated for all of it; new bytes read as zero.
    ///
    /// # Errors
    /// [`FileFault::DiskFull`] when there is no room; the file may then be longer than before.
    fn allocate(&self, len_bytes: u64) -> Result<(), FileError>;

    /// Cuts or grows the file to a length; new bytes read as zero and have no room allocated.
    ///
    /// # Errors
    /// As the disk has them.
    fn set_len(&self, len_bytes: u64) -> Result<(), FileError>;

    /// Makes all bytes written so far, and the length needed to read them, safe against power loss.
    ///
    /// # Errors
    /// After any error it is unknown which bytes are safe, and a later success proves nothing about them: never
    /// retry (F3).
    fn sync_data(&self) -> Result<(), FileError>;

    /// Length in bytes.
    ///
    /// # Errors
    /// As the disk has them.
    fn len_bytes(&self) -> Result<u64, FileError>;
}

/// Proof that the data directory is ours; dropping it gives the directory back.
pub trait DirectoryLock: Send + Sync {}

/// A file operation that failed: which one, on what, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    /// What was being done, as a verb: `open`, `write`, `sync`.
    pub operation: &'static str,
    /// The path as it was given, relative to the data directory.
    pub path: Arc<str>,
    /// Why it failed.
    pub fault: FileFault,
}

/// Why a file operation failed, as far as the caller can act on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileFault {
    /// There is no such file or directory.
    NotFound,
    /// The name is taken.
    AlreadyExists,
    /// The disk has no room left, or the quota of the user is used up.
    DiskFull,
    /// Another process holds the data directory.
    InUse,
    /// The user of this process may not do that here.
    Denied,
    /// The path leaves the data directory or is not a path.
    BadPath,
    /// Anything else, with the number and the text of the operating system.
    Device {
        /// Number of the error in the operating system, 0 when it has none.
        code: i32,
        /// The operating system's words.
        text: Arc<str>,
    },
}

impl FileError {
    /// An error of one operation on one path.
    #[must_use]
    pub fn new(operation: &'static str, path: &str, fault: FileFault) -> Self {
        Self { operation, path: path.into(), fault }
    }

    /// True when room on the disk is all that was missing.
    #[must_use]
    pub fn is_disk_full(&self) -> bool {
        self.fault == FileFault::DiskFull
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {} '{}': ", self.operation, self.path)?;
        match &self.fault {
            FileFault::NotFound => f.write_str("it does not exist"),
            FileFault::AlreadyExists => f.write_str("it already exists"),
            FileFault::DiskFull => f.write_str("the disk is full; free some room"),
            FileFault::InUse => {
                f.write_str("another process is using it; stop that process or choose another directory")
            }
            FileFault::Denied => f.write_str("permission denied; give this user read and write access"),
            FileFault::BadPath => f.write_str("the path is not inside the data directory"),
            FileFault::Device { code, text } => write!(f, "{text} (error {code})"),
        }
    }
}

impl std::error::Error for FileError {}

/// Writes all of `bytes`, however short the single writes are.
///
/// # Errors
/// The first error of a write; a write that takes nothing counts as one. The range is then unknown.
pub fn write_full(file: &dyn File, path: &str, bytes: &[u8], offset: u64) -> Result<(), FileError> {
    let mut rest = bytes;
    let mut at = offset;
    while !rest.is_empty() {
        let written = file.write_at(rest, at)?;
        let Some(left) = rest.get(written..).filter(|_| written > 0) else {
            let fault = FileFault::Device { code: 0, text: "the disk took no bytes".into() };
            return Err(FileError::new("write", path, fault));
        };
        rest = left;
        at += written as u64;
    }
    Ok(())
}

/// Reads until `bytes` is full or the file ends; answers how many came.
///
/// # Errors
/// The first error of a read.
pub fn read_full(file: &dyn File, bytes: &mut [u8], offset: u64) -> Result<usize, FileError> {
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, offset + filled as u64)? {
            0 => break,
            count => filled += count,
        }
    }
    Ok(filled)
}
