//! The data directory of a service, for good or for a moment. One process has it at a time.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use ternmq_env::{DirectoryLock, DiskFiles, Files};

use crate::error::ServeError;
use crate::options::ServeOptions;

/// A data directory in use.
pub(crate) struct DataDir {
    pub(crate) path: PathBuf,
    pub(crate) files: Arc<DiskFiles>,
    _lock: Box<dyn DirectoryLock>,
    /// Removed with everything in it when the service ends.
    _temporary: Option<TempDir>,
}

impl DataDir {
    pub(crate) fn open(options: &ServeOptions) -> Result<Self, ServeError> {
        let (path, temporary) = if options.is_ephemeral {
            let made = tempfile::Builder::new().prefix("ternmq-").tempdir();
            let dir = made.map_err(ServeError::system("make a temporary directory"))?;
            (dir.path().to_path_buf(), Some(dir))
        } else {
            (options.data_dir.clone(), None)
        };
        let wrong = |problem: String| ServeError::DataDir { path: path.clone(), problem };
        let files = DiskFiles::new(&path).map_err(|error| wrong(error.to_string()))?;
        let lock = files.lock().map_err(|error| wrong(error.to_string()))?;
        // Keys and hashes are in it.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700))
            .map_err(|error| wrong(error.to_string()))?;
        // Nodes are told their paths, and do not have our working directory for ever.
        let path = path.canonicalize().map_err(|error| wrong(error.to_string()))?;
        Ok(Self { path, files: Arc::new(files), _lock: lock, _temporary: temporary })
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
