//! What the tests of this crate share.

use crate::store::Store;

/// A store on a disk in memory.
pub(crate) fn memory_store() -> Store {
    Store::open(std::sync::Arc::new(ternmq_fakes::FakeDisk::new())).unwrap()
}
