//! Files on a real disk, below one data directory.
#![allow(clippy::disallowed_methods, reason = "this is the one place that opens files for the inner rings")]

use std::fs::{self, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::FallocateFlags;

use crate::files::{DirectoryLock, File, FileError, FileFault, Files};

/// Name of the file whose lock says that a process uses the data directory. It is never removed: removing it would
/// let two processes each lock a file of that name.
const LOCK_NAME: &str = "lock";

/// A data directory on a disk of this machine.
#[derive(Debug)]
pub struct DiskFiles {
    root: PathBuf,
    quota_bytes: Option<u64>,
    /// Directories that hold names of directories of ours which a power loss could still take away.
    unsynced: Mutex<Vec<PathBuf>>,
}

impl DiskFiles {
    /// Uses `root` as the data directory, making it (mode 0700) when it is not there. Its name is safe with the first
    /// [`Files::sync_dir`]: before that nothing in it is either.
    ///
    /// # Errors
    /// As the disk has them.
    pub fn new(root: &Path) -> Result<Self, FileError> {
        let shown = root.to_string_lossy();
        let unsynced =
            make_directory(root).map_err(|error| file_error("create directory", &shown, &error))?;
        Ok(Self { root: root.to_path_buf(), quota_bytes: None, unsynced: Mutex::new(unsynced) })
    }

    /// Gives the directory at most so much room: [`Files::free_bytes`] then answers what is left of it, or of the disk if
    /// that is less. Nothing fails at the limit itself; whoever asks for the room that is left has to stop.
    #[must_use]
    pub fn with_quota(self, quota_bytes: u64) -> Self {
        Self { quota_bytes: Some(quota_bytes), ..self }
    }

    /// Makes the names of the directories themselves safe. Behind the sync of what is in them, which takes them along on
    /// most file systems: then it costs next to nothing, where each sync of a new name by itself takes milliseconds.
    fn sync_names(&self) -> io::Result<()> {
        let mut unsynced = self.unsynced.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(parent) = unsynced.last() {
            match fs::File::open(parent) {
                Ok(opened) => opened.sync_all()?,
                // Somebody else's directory that may not be read was there before, and so was the name in it.
                Err(error) if error.kind() == ErrorKind::PermissionDenied => {}
                Err(error) => return Err(error),
            }
            unsynced.pop();
        }
        Ok(())
    }

    fn locate(&self, operation: &'static str, path: &str) -> Result<PathBuf, FileError> {
        let relative = Path::new(path);
        let inside =
            relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        if !inside || path.contains('\0') {
            return Err(FileError::new(operation, path, FileFault::BadPath));
        }
        Ok(self.root.join(relative))
    }
}

/// Makes a directory and its parents, and answers the directories that hold their names: a directory that a power loss
/// takes away takes all its files along. One that exists already is among them, since whoever made it may have been
/// killed before syncing.
fn make_directory(full: &Path) -> io::Result<Vec<PathBuf>> {
    let missing = full.ancestors().take_while(|path| !path.is_dir()).count();
    fs::DirBuilder::new().recursive(true).mode(0o700).create(full)?;
    let parents = full.ancestors().skip(1).take(missing.max(1));
    let named = |path: &Path| if path.as_os_str().is_empty() { Path::new(".").into() } else { path.into() };
    Ok(parents.map(named).collect())
}

/// What a directory and everything below it take on the disk. Files that go meanwhile are passed over.
fn used_bytes(dir: &Path) -> io::Result<u64> {
    /// `st_blocks` counts these (stat(3type)), whatever the file system's own blocks are.
    const BLOCK_BYTES: u64 = 512;
    let mut used = 0_u64;
    let mut dirs = vec![dir.to_path_buf()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            // Of the entry itself: a link is not followed, so there is no circle.
            let facts = match entry.metadata() {
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                answer => answer?,
            };
            used = used.saturating_add(facts.blocks().saturating_mul(BLOCK_BYTES));
            if facts.is_dir() {
                dirs.push(entry.path());
            }
        }
    }
    Ok(used)
}

fn file_error(operation: &'static str, path: &str, error: &io::Error) -> FileError {
    let fault = match error.kind() {
        ErrorKind::NotFound => FileFault::NotFound,
        ErrorKind::AlreadyExists => FileFault::AlreadyExists,
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => FileFault::DiskFull,
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => FileFault::Denied,
        _ => FileFault::Device {
            code: error.raw_os_error().unwrap_or(0),
            text: error.to_string().split(" (os error").next().unwrap_or_default().into(),
        },
    };
    FileError::new(operation, path, fault)
}

impl Files for DiskFiles {
    fn open(&self, path: &str) -> Result<Arc<dyn File>, FileError> {
        let full = self.locate("open", path)?;
        let opened = OpenOptions::new().read(true).write(true).open(full);
        let file = opened.map_err(|error| file_error("open", path, &error))?;
        Ok(Arc::new(DiskFile { file, path: path.into() }))
    }

    fn create(&self, path: &str) -> Result<Arc<dyn File>, FileError> {
        let full = self.locate("create", path)?;
        let made = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(full);
        let file = made.map_err(|error| file_error("create", path, &error))?;
        Ok(Arc::new(DiskFile { file, path: path.into() }))
    }

    fn create_dir(&self, path: &str) -> Result<(), FileError> {
        let full = self.locate("create directory", path)?;
        let parents = make_directory(&full).map_err(|error| file_error("create directory", path, &error))?;
        self.unsynced.lock().unwrap_or_else(PoisonError::into_inner).extend(parents);
        Ok(())
    }

    fn list(&self, dir: &str) -> Result<Vec<String>, FileError> {
        let full = self.locate("list", dir)?;
        let failed = |error: io::Error| file_error("list", dir, &error);
        let mut names = Vec::new();
        for entry in fs::read_dir(full).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            if entry.file_type().map_err(failed)?.is_file() {
                names.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), FileError> {
        let source = self.locate("rename", from)?;
        let target = self.locate("rename", to)?;
        fs::rename(source, target).map_err(|error| file_error("rename", from, &error))
    }

    fn remove(&self, path: &str) -> Result<(), FileError> {
        let full = self.locate("remove", path)?;
        fs::remove_file(full).map_err(|error| file_error("remove", path, &error))
    }

    fn sync_dir(&self, dir: &str) -> Result<(), FileError> {
        let full = self.locate("sync", dir)?;
        let synced = fs::File::open(full).and_then(|opened| opened.sync_all());
        synced.and_then(|()| self.sync_names()).map_err(|error| file_error("sync", dir, &error))
    }

    fn free_bytes(&self) -> Result<u64, FileError> {
        let shown = self.root.to_string_lossy();
        let answer = rustix::fs::statvfs(&self.root);
        let stat = answer.map_err(|error| file_error("measure", &shown, &error.into()))?;
        let free_bytes = stat.f_bavail.saturating_mul(stat.f_frsize);
        let Some(quota_bytes) = self.quota_bytes else { return Ok(free_bytes) };
        let used = used_bytes(&self.root).map_err(|error| file_error("measure", &shown, &error))?;
        Ok(free_bytes.min(quota_bytes.saturating_sub(used)))
    }

    fn lock(&self) -> Result<Box<dyn DirectoryLock>, FileError> {
        let shown = self.root.to_string_lossy();
        let path = self.root.join(LOCK_NAME);
        let opened =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
        let file = opened.map_err(|error| file_error("lock", &shown, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(DiskLock { _file: file })),
            Err(TryLockError::WouldBlock) => Err(FileError::new("lock", &shown, FileFault::InUse)),
            Err(TryLockError::Error(error)) => Err(file_error("lock", &shown, &error)),
        }
    }
}

/// Holds the lock as long as it lives; the operating system takes it back when the process dies.
struct DiskLock {
    _file: fs::File,
}

impl DirectoryLock for DiskLock {}

struct DiskFile {
    file: fs::File,
    path: Arc<str>,
}

impl File for DiskFile {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> Result<usize, FileError> {
        loop {
            match self.file.read_at(bytes, offset) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                answer => return answer.map_err(|error| file_error("read", &self.path, &error)),
            }
        }
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<usize, FileError> {
        loop {
            match self.file.write_at(bytes, offset) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                answer => return answer.map_err(|error| file_error("write", &self.path, &error)),
            }
        }
    }

    fn allocate(&self, len_bytes: u64) -> Result<(), FileError> {
        match rustix::fs::fallocate(&self.file, FallocateFlags::empty(), 0, len_bytes) {
            // A file system that cannot allocate ahead still has to hold the file; room then shows at the write.
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => self.set_len(len_bytes),
            answer => answer.map_err(|error| file_error("allocate", &self.path, &error.into())),
        }
    }

    fn set_len(&self, len_bytes: u64) -> Result<(), FileError> {
        self.file.set_len(len_bytes).map_err(|error| file_error("resize", &self.path, &error))
    }

    fn sync_data(&self) -> Result<(), FileError> {
        self.file.sync_data().map_err(|error| file_error("sync", &self.path, &error))
    }

    fn len_bytes(&self) -> Result<u64, FileError> {
        let metadata = self.file.metadata();
        Ok(metadata.map_err(|error| file_error("measure", &self.path, &error))?.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{read_full, write_full};

    fn data_dir() -> (tempfile::TempDir, DiskFiles) {
        let dir = tempfile::tempdir().unwrap();
        let files = DiskFiles::new(&dir.path().join("data")).unwrap();
        (dir, files)
    }

    #[test]
    fn bytes_written_are_read_back() {
        let (_dir, files) = data_dir();
        files.create_dir("journal").unwrap();
        let file = files.create("journal/a").unwrap();
        file.allocate(8192).unwrap();
        write_full(&*file, "journal/a", b"hello", 4096).unwrap();
        file.sync_data().unwrap();
        files.sync_dir("journal").unwrap();
        let mut bytes = [9; 8];
        assert_eq!(read_full(&*file, &mut bytes, 4094).unwrap(), 8);
        assert_eq!(&bytes, b"\0\0hello\0");
        assert_eq!(file.len_bytes().unwrap(), 8192);
        assert_eq!(read_full(&*file, &mut bytes, 8190).unwrap(), 2);
        assert!(files.free_bytes().unwrap() > 0);
    }

    #[test]
    fn f4_a_quota_leaves_what_is_not_used() {
        let (_dir, files) = data_dir();
        let of_disk = files.free_bytes().unwrap();
        let files = files.with_quota(1 << 20);
        files.create_dir("a/b").unwrap();
        let before = files.free_bytes().unwrap();
        assert!(before <= (1 << 20) && before > 900_000, "{before}");
        files.create("a/b/c").unwrap().allocate(512 << 10).unwrap();
        let after = files.free_bytes().unwrap();
        assert!(before - after >= 512 << 10, "{before} {after}");
        files.create("d").unwrap().allocate(1 << 20).unwrap();
        assert_eq!(files.free_bytes().unwrap(), 0);
        assert!(of_disk > 0);
        assert!(files.with_quota(u64::MAX).free_bytes().unwrap() < u64::MAX);
    }

    #[test]
    fn names_follow_rename_and_remove() {
        let (_dir, files) = data_dir();
        drop(files.create("b").unwrap());
        drop(files.create("a").unwrap());
        files.create_dir("sub").unwrap();
        assert_eq!(files.list(".").unwrap(), ["a", "b"]);
        files.rename("a", "c").unwrap();
        files.remove("b").unwrap();
        assert_eq!(files.list(".").unwrap(), ["c"]);
        assert_eq!(files.create("c").err().unwrap().fault, FileFault::AlreadyExists);
        assert_eq!(files.open("a").err().unwrap().fault, FileFault::NotFound);
        assert_eq!(files.remove("a").unwrap_err().to_string(), "cannot remove 'a': it does not exist");
    }

    #[test]
    fn a_directory_is_made_with_its_parents() {
        let (dir, files) = data_dir();
        files.create_dir("a/b/c").unwrap();
        files.create_dir("a/b/c").unwrap();
        files.create("a/b/c/d").unwrap();
        assert_eq!(files.list("a/b/c").unwrap(), ["d"]);
        assert_eq!(files.create_dir("a/b/c/d").unwrap_err().fault, FileFault::AlreadyExists);
        assert!(DiskFiles::new(&dir.path().join("x/y/z")).is_ok());
    }

    #[test]
    fn f2_names_of_directories_are_safe_with_the_first_sync() {
        let (dir, files) = data_dir();
        files.create_dir("a/b").unwrap();
        let waiting = files.unsynced.lock().unwrap().clone();
        assert_eq!(waiting, [dir.path().into(), files.root.join("a"), files.root.clone()]);
        files.sync_dir("a/b").unwrap();
        assert!(files.unsynced.lock().unwrap().is_empty());
        // A sync that fails leaves them for the next one.
        files.create_dir("c").unwrap();
        files.unsynced.lock().unwrap().push(dir.path().join("gone"));
        assert_eq!(files.sync_dir("c").unwrap_err().fault, FileFault::NotFound);
        assert_eq!(files.unsynced.lock().unwrap().len(), 2);
    }

    #[test]
    fn a_path_cannot_leave_the_data_directory() {
        let (_dir, files) = data_dir();
        for path in ["../x", "/etc/x", "a/../../x", "a\0b"] {
            assert_eq!(files.create(path).err().unwrap().fault, FileFault::BadPath, "{path:?}");
        }
    }

    #[test]
    fn a_directory_has_one_user_at_a_time() {
        let (_dir, files) = data_dir();
        let other = DiskFiles::new(&files.root).unwrap();
        let lock = files.lock().unwrap();
        assert_eq!(other.lock().err().unwrap().fault, FileFault::InUse);
        drop(lock);
        assert!(other.lock().is_ok());
    }
}
