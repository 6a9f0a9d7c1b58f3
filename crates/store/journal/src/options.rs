//! What can be set about a journal.

use crate::cipher::Encryption;
use crate::error::OpenError;

/// Settings of a journal. A journal that exists keeps its segment size.
#[derive(Clone, Debug)]
pub struct Options {
    /// Directory below the data directory.
    pub directory: String,
    /// Bytes of log in one segment: a power of two from 4 KiB to 1 GiB. Default 64 MiB.
    pub segment_bytes: u64,
    /// Files kept for reuse after a release. Default 8.
    pub spare_files: usize,
    /// Room that is kept back for settles, deletes and compaction (F4). Default 256 MiB; 0 keeps none back.
    pub reserve_bytes: u64,
    /// The alarm stands while the disk has less room than this or than four segments (F4). Default 2 GiB.
    pub alarm_free_bytes: u64,
    /// Encryption at rest (S13). Default off.
    pub encryption: Encryption,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            directory: "journal".into(),
            segment_bytes: 64 << 20,
            spare_files: 8,
            reserve_bytes: 256 << 20,
            alarm_free_bytes: 2 << 30,
            encryption: Encryption::Off,
        }
    }
}

impl Options {
    pub(crate) fn check(&self) -> Result<(), OpenError> {
        let size = self.segment_bytes;
        if !size.is_power_of_two() || !(4096..=1 << 30).contains(&size) {
            let rule = "a power of two from 4096 to 1073741824 is needed";
            return Err(OpenError::BadOption { name: "segment_bytes", value: size, rule });
        }
        Ok(())
    }
}
