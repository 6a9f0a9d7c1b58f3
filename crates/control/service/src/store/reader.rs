//! What can be read alike of what is committed and inside of a change.

use super::{Change, Record, StoreError, View};

/// A view or a change.
pub(crate) trait Reader {
    /// The record under a key.
    fn get<R: Record>(&self, key: &str) -> Result<Option<R>, StoreError>;

    /// Records whose keys begin with `prefix` and come after `after`, at most `limit`.
    fn scan<R: Record>(&self, prefix: &str, after: &str, limit: usize) -> Result<Vec<R>, StoreError>;
}

impl Reader for View {
    fn get<R: Record>(&self, key: &str) -> Result<Option<R>, StoreError> {
        Self::get(self, key)
    }

    fn scan<R: Record>(&self, prefix: &str, after: &str, limit: usize) -> Result<Vec<R>, StoreError> {
        Self::scan(self, prefix, after, limit)
    }
}

impl Reader for Change {
    fn get<R: Record>(&self, key: &str) -> Result<Option<R>, StoreError> {
        Self::get(self, key)
    }

    fn scan<R: Record>(&self, prefix: &str, after: &str, limit: usize) -> Result<Vec<R>, StoreError> {
        Self::scan(self, prefix, after, limit)
    }
}
