//! What the tests of this crate share.

use std::sync::Arc;

use ternmq_env::{FileKey, Files};
use ternmq_fakes::{FakeDisk, SeededRng};

use crate::store::{Store, StoreKeys};

/// Keys of a store, made of one byte.
pub(crate) fn store_keys(byte: u8) -> StoreKeys {
    StoreKeys { current: FileKey::new([byte; 32]), former: None }
}

/// The store on a disk.
pub(crate) fn store_on(files: Arc<dyn Files>) -> Store {
    Store::open(files, &store_keys(1), &mut SeededRng::new(1)).unwrap()
}

/// A store on a disk in memory.
pub(crate) fn memory_store() -> Store {
    store_on(Arc::new(FakeDisk::new()))
}
