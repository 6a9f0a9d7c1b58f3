//! The data directory of a node, for good or for a moment.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use ternmq_env::DiskFiles;

use crate::error::StartError;
use crate::options::BrokerOptions;

/// A data directory in use.
pub(crate) struct DataDir {
    pub(crate) path: PathBuf,
    pub(crate) files: Arc<DiskFiles>,
    /// Removed with everything in it when the node ends.
    _temporary: Option<TempDir>,
}

impl DataDir {
    pub(crate) fn open(options: &BrokerOptions) -> Result<Self, StartError> {
        let (path, temporary) = if options.is_ephemeral {
            let made = tempfile::Builder::new().prefix("ternmq-").tempdir();
            let dir = made.map_err(StartError::system("make a temporary directory"))?;
            (dir.path().to_path_buf(), Some(dir))
        } else {
            (options.data_dir.clone(), None)
        };
        let files = DiskFiles::new(&path)
            .map_err(|error| StartError::DataDir { path: path.clone(), problem: error.to_string() })?;
        let files = match options.bounds.storage_bytes {
            Some(bytes) => files.with_quota(bytes),
            None => files,
        };
        Ok(Self { path, files: Arc::new(files), _temporary: temporary })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
