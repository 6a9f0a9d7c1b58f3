//! The database's file, through the seam of files.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use redb::StorageBackend;
use ternmq_env::{File, FileError, Files, read_full, write_full};

/// One file of the data directory as the place of a database.
pub(super) struct FileBackend {
    file: Arc<dyn File>,
    path: &'static str,
    has_lost: Arc<AtomicBool>,
}

impl FileBackend {
    /// Opens the file in its directory, or makes both; then their names are durable. A file that is there may be of a
    /// process that was killed before it had made them so.
    ///
    /// `has_lost` becomes true when a sync has failed: what is on the disk then only a new process can find out (F3).
    pub(super) fn open(
        files: &dyn Files,
        dir: &str,
        path: &'static str,
        has_lost: Arc<AtomicBool>,
    ) -> Result<Self, FileError> {
        files.create_dir(dir)?;
        let file = match files.open(path) {
            Err(error) if error.fault == ternmq_env::FileFault::NotFound => files.create(path)?,
            other => other?,
        };
        files.sync_dir(dir)?;
        Ok(Self { file, path, has_lost })
    }
}

/// The whole file; `None`: it is not there.
pub(super) fn read(files: &dyn Files, path: &str) -> Result<Option<Vec<u8>>, FileError> {
    let file = match files.open(path) {
        Err(error) if error.fault == ternmq_env::FileFault::NotFound => return Ok(None),
        other => other?,
    };
    let mut bytes = vec![0; usize::try_from(file.len_bytes()?).unwrap_or(usize::MAX)];
    let got = read_full(&*file, &mut bytes, 0)?;
    bytes.truncate(got);
    Ok(Some(bytes))
}

impl fmt::Debug for FileBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FileBackend").field(&self.path).finish()
    }
}

fn fault(error: FileError) -> io::Error {
    io::Error::other(error)
}

impl StorageBackend for FileBackend {
    fn len(&self) -> io::Result<u64> {
        self.file.len_bytes().map_err(fault)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let wanted = out.len();
        let got = read_full(&*self.file, out, offset).map_err(fault)?;
        if got == wanted { Ok(()) } else { Err(io::Error::from(io::ErrorKind::UnexpectedEof)) }
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len).map_err(fault)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data().map_err(|error| {
            self.has_lost.store(true, Ordering::SeqCst);
            fault(error)
        })
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        write_full(&*self.file, self.path, data, offset).map_err(fault)
    }
}
