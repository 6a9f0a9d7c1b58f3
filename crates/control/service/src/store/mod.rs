//! What the service keeps: one transactional table of records by key, and the audit log.
//!
//! Layout of a value: `version u8 | JSON`. The version is of the record's kind; a newer one than this build knows is
//! refused, so that a downgrade loses nothing (docs/adr/0006-service-records.md).

mod backend;
mod record;

use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use redb::backends::InMemoryBackend;
use redb::{
    Database, ReadOnlyTable, ReadableDatabase, ReadableTable, StorageBackend, Table, TableDefinition,
    WriteTransaction,
};
use ternmq_env::{FileError, Files};
use thiserror::Error;

use backend::FileBackend;
pub(crate) use record::Record;

/// Directory of the database in the data directory, and its file.
const DIR: &str = "state";
const FILE: &str = "state/service.redb";
const RECORDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("records");
/// Principals by key, in the layouts of the crate that knows them.
const IDENTITY: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("identity");
const AUDIT: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("audit");

/// Why the store can't do what it is asked. Of a transaction nothing has happened.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The file can't be opened.
    #[error("the service's store can't be opened")]
    File(#[from] FileError),
    /// The database failed; a failed sync is among this.
    #[error("the service's store failed")]
    Database(#[source] Box<redb::Error>),
    /// A record that this build can't read.
    #[error("the record '{key}' of the service's store can't be read: {problem}")]
    Record {
        /// Which.
        key: String,
        /// Why.
        problem: String,
    },
}

impl StoreError {
    fn database(error: impl Into<redb::Error>) -> Self {
        Self::Database(Box::new(error.into()))
    }
}

/// The store of a service. One process has it at a time.
pub struct Store {
    /// Absent while it is opened again.
    database: RwLock<Option<Database>>,
    /// Absent: it is a copy in memory.
    files: Option<Arc<dyn Files>>,
    has_lost: Arc<AtomicBool>,
}

/// What was committed at one moment.
pub(crate) struct View {
    identity: ReadOnlyTable<&'static str, &'static [u8]>,
    records: ReadOnlyTable<&'static str, &'static [u8]>,
    audit: ReadOnlyTable<u64, &'static [u8]>,
}

/// A change that is whole or absent. Dropped without [`Change::commit`] it never was.
pub(crate) struct Change {
    transaction: WriteTransaction,
}

impl Store {
    /// Opens the store in a data directory, or makes it.
    ///
    /// # Errors
    /// A file that can't be opened, or is no store.
    pub fn open(files: Arc<dyn Files>) -> Result<Self, StoreError> {
        let has_lost = Arc::new(AtomicBool::new(false));
        let database = RwLock::new(Some(database(&*files, &has_lost)?));
        let store = Self { database, files: Some(files), has_lost };
        let change = store.change()?;
        // Reading a table that was never written is an error.
        change.records()?;
        change.audit()?;
        change.identity()?;
        change.commit()?;
        Ok(store)
    }

    /// Opens a copy in memory of the store in a data directory, so that looking changes nothing; `None`: there is no
    /// store. Takes as much memory as the file has bytes.
    ///
    /// # Errors
    /// A file that can't be read, or is no store.
    pub fn copy_of(files: &dyn Files) -> Result<Option<Self>, StoreError> {
        let Some(bytes) = backend::read(files, FILE)? else { return Ok(None) };
        let copy = InMemoryBackend::new();
        let io = |error: std::io::Error| StoreError::database(redb::Error::Io(error));
        copy.set_len(bytes.len() as u64).map_err(io)?;
        copy.write(0, &bytes).map_err(io)?;
        let database = Database::builder().create_with_backend(copy).map_err(StoreError::database)?;
        Ok(Some(Self { database: RwLock::new(Some(database)), files: None, has_lost: Arc::default() }))
    }

    pub(crate) fn view(&self) -> Result<View, StoreError> {
        self.begin(|database| {
            let transaction = database.begin_read()?;
            Ok(View {
                records: transaction.open_table(RECORDS)?,
                audit: transaction.open_table(AUDIT)?,
                identity: transaction.open_table(IDENTITY)?,
            })
        })
    }

    /// Begins a change; waits until no other one is under way.
    pub(crate) fn change(&self) -> Result<Change, StoreError> {
        let transaction = self.begin(|database| database.begin_write().map_err(redb::Error::from))?;
        Ok(Change { transaction })
    }

    /// Begins a transaction. A database that a failed write has closed, on a full disk for example, is opened again:
    /// what was committed is there, what was not is gone.
    fn begin<T>(&self, begin: impl Fn(&Database) -> Result<T, redb::Error>) -> Result<T, StoreError> {
        let begun = self.database.read().unwrap_or_else(PoisonError::into_inner).as_ref().map(&begin);
        match begun {
            Some(Err(redb::Error::PreviousIo)) | None => {}
            Some(begun) => return begun.map_err(StoreError::database),
        }
        let closed = || StoreError::database(redb::Error::PreviousIo);
        let files =
            self.files.as_deref().filter(|_| !self.has_lost.load(Ordering::SeqCst)).ok_or_else(closed)?;
        let mut held = self.database.write().unwrap_or_else(PoisonError::into_inner);
        // Somebody else may have been here before.
        if let Some(Ok(begun)) = held.as_ref().map(&begin) {
            return Ok(begun);
        }
        // The old one must not write any more when the new one does.
        drop(held.take());
        let opened = database(files, &self.has_lost)?;
        let begun = begin(&opened);
        *held = Some(opened);
        tracing::info!("the service's store was opened again after a failed write");
        begun.map_err(StoreError::database)
    }
}

fn database(files: &dyn Files, has_lost: &Arc<AtomicBool>) -> Result<Database, StoreError> {
    let backend = FileBackend::open(files, DIR, FILE, has_lost.clone())?;
    Database::builder().create_with_backend(backend).map_err(StoreError::database)
}

impl View {
    pub(crate) fn get<R: Record>(&self, key: &str) -> Result<Option<R>, StoreError> {
        get(&self.records, key)
    }

    /// Records whose keys begin with `prefix` and come after `after`, at most `limit`.
    pub(crate) fn scan<R: Record>(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<R>, StoreError> {
        scan(&self.records, prefix, after, limit)
    }

    /// All that is kept of principals.
    pub(crate) fn identity(&self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let all = self.identity.iter().map_err(StoreError::database)?;
        let pair = |guards: Result<
            (redb::AccessGuard<'_, &str>, redb::AccessGuard<'_, &[u8]>),
            redb::StorageError,
        >| {
            let (key, value) = guards.map_err(StoreError::database)?;
            Ok((key.value().to_owned(), value.value().to_vec()))
        };
        all.map(pair).collect()
    }

    /// Audit entries from the newest backwards, those with a number below `before`.
    pub(crate) fn audit_backwards(
        &self,
        before: u64,
    ) -> Result<impl Iterator<Item = Result<(u64, Vec<u8>), StoreError>>, StoreError> {
        let range = self.audit.range(..before).map_err(StoreError::database)?;
        Ok(range.rev().map(entry))
    }

    /// All audit entries in their order.
    pub(crate) fn audit_forwards(
        &self,
    ) -> Result<impl Iterator<Item = Result<(u64, Vec<u8>), StoreError>>, StoreError> {
        Ok(self.audit.range(0..).map_err(StoreError::database)?.map(entry))
    }
}

type Guards<'a> = (redb::AccessGuard<'a, u64>, redb::AccessGuard<'a, &'static [u8]>);

fn entry(guards: Result<Guards<'_>, redb::StorageError>) -> Result<(u64, Vec<u8>), StoreError> {
    let (number, bytes) = guards.map_err(StoreError::database)?;
    Ok((number.value(), bytes.value().to_vec()))
}

impl Change {
    fn records(&self) -> Result<Table<'_, &'static str, &'static [u8]>, StoreError> {
        self.transaction.open_table(RECORDS).map_err(StoreError::database)
    }

    fn audit(&self) -> Result<Table<'_, u64, &'static [u8]>, StoreError> {
        self.transaction.open_table(AUDIT).map_err(StoreError::database)
    }

    fn identity(&self) -> Result<Table<'_, &'static str, &'static [u8]>, StoreError> {
        self.transaction.open_table(IDENTITY).map_err(StoreError::database)
    }

    pub(crate) fn put_identity(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        self.identity()?.insert(key, value).map_err(StoreError::database)?;
        Ok(())
    }

    pub(crate) fn delete_identity(&self, key: &str) -> Result<(), StoreError> {
        self.identity()?.remove(key).map_err(StoreError::database)?;
        Ok(())
    }

    pub(crate) fn get<R: Record>(&self, key: &str) -> Result<Option<R>, StoreError> {
        get(&self.records()?, key)
    }

    pub(crate) fn scan<R: Record>(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<R>, StoreError> {
        scan(&self.records()?, prefix, after, limit)
    }

    pub(crate) fn put<R: Record>(&self, record: &R) -> Result<(), StoreError> {
        let (key, bytes) = (record.key(), record::write(record)?);
        self.records()?.insert(key.as_str(), bytes.as_slice()).map_err(StoreError::database)?;
        Ok(())
    }

    /// Deletes a record; none is fine.
    pub(crate) fn delete(&self, key: &str) -> Result<(), StoreError> {
        self.records()?.remove(key).map_err(StoreError::database)?;
        Ok(())
    }

    /// The last audit entry.
    pub(crate) fn last_audit(&self) -> Result<Option<(u64, Vec<u8>)>, StoreError> {
        let table = self.audit()?;
        let last = table.last().map_err(StoreError::database)?;
        Ok(last.map(|(number, bytes)| (number.value(), bytes.value().to_vec())))
    }

    pub(crate) fn put_audit(&self, number: u64, bytes: &[u8]) -> Result<(), StoreError> {
        self.audit()?.insert(number, bytes).map_err(StoreError::database)?;
        Ok(())
    }

    /// Makes the change durable; when this returns it is on the disk.
    pub(crate) fn commit(self) -> Result<(), StoreError> {
        self.transaction.commit().map_err(StoreError::database)
    }
}

fn get<R: Record>(
    table: &impl ReadableTable<&'static str, &'static [u8]>,
    key: &str,
) -> Result<Option<R>, StoreError> {
    let found = table.get(key).map_err(StoreError::database)?;
    found.map(|bytes| record::read(key, bytes.value())).transpose()
}

fn scan<R: Record>(
    table: &impl ReadableTable<&'static str, &'static [u8]>,
    prefix: &str,
    after: &str,
    limit: usize,
) -> Result<Vec<R>, StoreError> {
    let start = if after > prefix { Bound::Excluded(after) } else { Bound::Included(prefix) };
    let range = table.range::<&str>((start, Bound::Unbounded)).map_err(StoreError::database)?;
    let mut found = Vec::new();
    for guards in range {
        let (key, bytes) = guards.map_err(StoreError::database)?;
        if !key.value().starts_with(prefix) || found.len() == limit {
            break;
        }
        found.push(record::read(key.value(), bytes.value())?);
    }
    Ok(found)
}

/// The store as every part of the service has it.
pub(crate) type SharedStore = Arc<Store>;
