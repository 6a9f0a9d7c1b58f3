//! The data directory of a node, for good or for a moment.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use ternmq_env::{DiskFiles, Files};

use crate::error::StartError;
use crate::options::{Bounds, BrokerOptions};

/// Where room is bounded, so much of it is kept back: the whole divided by this.
const RESERVE_PART: u64 = 64;
/// At least so much is: some hundred thousand acknowledgements.
pub(crate) const RESERVE_LEAST_BYTES: u64 = 16 << 20;

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

    /// Room that the journal keeps back (F4): `usual`, but where the room is bounded no more than a small part of it, and of
    /// what the disk has left now. Many nodes on one disk must not fill it with what each keeps back.
    pub(crate) fn reserve_bytes(&self, bounds: &Bounds, usual: u64) -> u64 {
        let Some(room_bytes) = bounds.storage_bytes else { return usual };
        // A disk that cannot be measured is told of by whoever has to live with it.
        let free_bytes = self.files.free_bytes().unwrap_or(room_bytes);
        usual.min(room_bytes / RESERVE_PART).min(free_bytes / RESERVE_PART).max(RESERVE_LEAST_BYTES)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f4_a_bounded_node_keeps_back_a_part_of_its_room() {
        let dir = tempfile::tempdir().unwrap();
        let files = Arc::new(DiskFiles::new(dir.path()).unwrap());
        let data_dir = DataDir { path: dir.path().into(), files, _temporary: None };
        let reserve = |storage_bytes, usual| {
            data_dir.reserve_bytes(&Bounds { storage_bytes, ..Bounds::default() }, usual)
        };
        assert_eq!(reserve(None, 7), 7, "as ever");
        assert_eq!(reserve(Some(1 << 30), 256 << 20), 16 << 20);
        // However much the disk has.
        assert!((16 << 20..=256 << 20).contains(&reserve(Some(200 << 30), 256 << 20)));
    }
}
