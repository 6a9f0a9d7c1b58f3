//! What the service keeps: one transactional table of records by key, and the audit log.
//!
//! Layout of a value, inside of its encryption (`cipher.rs`): `version u8 | JSON`. The version is of the record's kind; a newer one than this build knows is
//! refused, so that a downgrade loses nothing (docs/adr/0006-service-records.md).

mod backend;
mod cipher;
mod reader;
mod record;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use redb::backends::InMemoryBackend;
use redb::{
    Database, ReadOnlyTable, ReadableDatabase, ReadableTable, StorageBackend, Table, TableDefinition,
    WriteTransaction,
};
use ternmq_env::{FileError, Files, Rng};
use thiserror::Error;

use backend::FileBackend;
pub use cipher::StoreKeys;
use cipher::{Cipher, DataKey, Place};
pub(crate) use reader::Reader;
pub(crate) use record::Record;

/// Directory of the database in the data directory, and its file.
const DIR: &str = "state";
const FILE: &str = "state/service.redb";
const RECORDS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("records");
/// Principals by key, in the layouts of the crate that knows them.
const IDENTITY: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("identity");
/// Wrapped data keys by number (S13).
const KEYS: TableDefinition<'_, u32, &[u8]> = TableDefinition::new("keys");
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
    /// The store is encrypted with a key that is neither of those that were given.
    #[error(
        "the service's store is encrypted with another key; name the right file with --encryption-key-file"
    )]
    WrongKey,
    /// A value is not what was encrypted at its place: it was changed on the disk.
    #[error("the value '{key}' of the service's store can't be decrypted: it is damaged or was changed")]
    Undecipherable {
        /// Which.
        key: String,
    },
    /// The cipher itself failed.
    #[error("nothing can be encrypted")]
    Cipher,
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
    cipher: Arc<Cipher>,
}

/// What was committed at one moment.
pub(crate) struct View {
    identity: ReadOnlyTable<&'static str, &'static [u8]>,
    records: ReadOnlyTable<&'static str, &'static [u8]>,
    audit: ReadOnlyTable<u64, &'static [u8]>,
    cipher: Arc<Cipher>,
}

/// A change that is whole or absent. Dropped without [`Change::commit`] it never was.
pub(crate) struct Change {
    transaction: WriteTransaction,
    cipher: Arc<Cipher>,
}

impl Store {
    /// Opens the store in a data directory, or makes it. One that is not encrypted yet is from here on.
    ///
    /// # Errors
    /// A file that can't be opened, or is no store; [`StoreError::WrongKey`].
    pub fn open(files: Arc<dyn Files>, keys: &StoreKeys, rng: &mut dyn Rng) -> Result<Self, StoreError> {
        let has_lost = Arc::new(AtomicBool::new(false));
        let (database, cipher) = prepare(database(&*files, &has_lost)?, keys, rng)?;
        Ok(Self { database: RwLock::new(Some(database)), files: Some(files), has_lost, cipher })
    }

    /// Opens a copy in memory of the store in a data directory, so that looking changes nothing; `None`: there is no
    /// store. Takes as much memory as the file has bytes.
    ///
    /// # Errors
    /// A file that can't be read, or is no store; [`StoreError::WrongKey`].
    pub fn copy_of(
        files: &dyn Files,
        keys: &StoreKeys,
        rng: &mut dyn Rng,
    ) -> Result<Option<Self>, StoreError> {
        let Some(bytes) = backend::read(files, FILE)? else { return Ok(None) };
        let copy = InMemoryBackend::new();
        let io = |error: std::io::Error| StoreError::database(redb::Error::Io(error));
        copy.set_len(bytes.len() as u64).map_err(io)?;
        copy.write(0, &bytes).map_err(io)?;
        let database = Database::builder().create_with_backend(copy).map_err(StoreError::database)?;
        let (database, cipher) = prepare(database, keys, rng)?;
        Ok(Some(Self {
            database: RwLock::new(Some(database)),
            files: None,
            has_lost: Arc::default(),
            cipher,
        }))
    }

    pub(crate) fn view(&self) -> Result<View, StoreError> {
        self.begin(|database| {
            let transaction = database.begin_read()?;
            Ok(View {
                records: transaction.open_table(RECORDS)?,
                audit: transaction.open_table(AUDIT)?,
                identity: transaction.open_table(IDENTITY)?,
                cipher: self.cipher.clone(),
            })
        })
    }

    /// Begins a change; waits until no other one is under way.
    pub(crate) fn change(&self) -> Result<Change, StoreError> {
        let transaction = self.begin(|database| database.begin_write().map_err(redb::Error::from))?;
        Ok(Change { transaction, cipher: self.cipher.clone() })
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

/// Makes the tables of a store that has none, and a new data key: durable before anything is encrypted with it.
fn prepare(
    mut database: Database,
    keys: &StoreKeys,
    rng: &mut dyn Rng,
) -> Result<(Database, Arc<Cipher>), StoreError> {
    let transaction = database.begin_write().map_err(StoreError::database)?;
    let (cipher, is_plain) = {
        let mut table = transaction.open_table(KEYS).map_err(StoreError::database)?;
        let mut known = unwrap_keys(&table, keys)?;
        let is_plain = known.is_empty();
        let number = known.last_key_value().map_or(1, |(last, _)| last.saturating_add(1));
        known.insert(number, DataKey::make(rng));
        for (number, key) in known.iter().filter(|(at, _)| **at == number || keys.former.is_some()) {
            let wrapped = key.wrap(*number, &keys.current, rng).ok_or(StoreError::Cipher)?;
            table.insert(*number, wrapped.as_slice()).map_err(StoreError::database)?;
        }
        (Arc::new(Cipher::new(&known).ok_or(StoreError::Cipher)?), is_plain)
    };
    let change = Change { transaction, cipher: cipher.clone() };
    // Reading a table that was never written is an error, so all of them are opened.
    let has_values = if is_plain { change.encrypt_all()? } else { false };
    change.commit()?;
    if has_values {
        tracing::info!("the service's store is encrypted from now on");
        // Pages that are free still hold what stood in them.
        database.compact().map_err(StoreError::database)?;
    }
    Ok((database, cipher))
}

fn unwrap_keys(
    table: &impl ReadableTable<u32, &'static [u8]>,
    keys: &StoreKeys,
) -> Result<BTreeMap<u32, DataKey>, StoreError> {
    let mut known = BTreeMap::new();
    for guards in table.iter().map_err(StoreError::database)? {
        let (number, bytes) = guards.map_err(StoreError::database)?;
        let (number, bytes) = (number.value(), bytes.value());
        let masters = [Some(&keys.current), keys.former.as_ref()];
        let mut found = masters.into_iter().flatten().map(|master| DataKey::unwrap(number, bytes, master));
        known.insert(number, found.find_map(|key| key).ok_or(StoreError::WrongKey)?);
    }
    Ok(known)
}

impl View {
    pub(crate) fn get<R: Record>(&self, key: &str) -> Result<Option<R>, StoreError> {
        get(&self.cipher, &self.records, key)
    }

    /// Records whose keys begin with `prefix` and come after `after`, at most `limit`.
    pub(crate) fn scan<R: Record>(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<R>, StoreError> {
        scan(&self.cipher, &self.records, prefix, after, limit)
    }

    /// All that is kept of principals.
    pub(crate) fn identity(&self) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let all = self.identity.iter().map_err(StoreError::database)?;
        let pair = |guards: Result<
            (redb::AccessGuard<'_, &str>, redb::AccessGuard<'_, &[u8]>),
            redb::StorageError,
        >| {
            let (key, value) = guards.map_err(StoreError::database)?;
            let key = key.value();
            Ok((key.to_owned(), opened(&self.cipher, Place::Identity, key, value.value())?))
        };
        all.map(pair).collect()
    }

    /// Audit entries from the newest backwards, those with a number below `before`.
    pub(crate) fn audit_backwards(
        &self,
        before: u64,
    ) -> Result<impl Iterator<Item = Result<(u64, Vec<u8>), StoreError>>, StoreError> {
        let range = self.audit.range(..before).map_err(StoreError::database)?;
        Ok(range.rev().map(|guards| entry(&self.cipher, guards)))
    }

    /// All audit entries in their order.
    pub(crate) fn audit_forwards(
        &self,
    ) -> Result<impl Iterator<Item = Result<(u64, Vec<u8>), StoreError>>, StoreError> {
        let range = self.audit.range(0..).map_err(StoreError::database)?;
        Ok(range.map(|guards| entry(&self.cipher, guards)))
    }
}

type Guards<'a> = (redb::AccessGuard<'a, u64>, redb::AccessGuard<'a, &'static [u8]>);

fn entry(
    cipher: &Cipher,
    guards: Result<Guards<'_>, redb::StorageError>,
) -> Result<(u64, Vec<u8>), StoreError> {
    let (number, bytes) = guards.map_err(StoreError::database)?;
    Ok((number.value(), audit_entry(cipher, number.value(), bytes.value())?))
}

fn audit_entry(cipher: &Cipher, number: u64, bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
    let opened = cipher.open(Place::Audit, &number.to_be_bytes(), bytes);
    opened.ok_or_else(|| StoreError::Undecipherable { key: format!("audit/{number}") })
}

fn opened(cipher: &Cipher, place: Place, key: &str, value: &[u8]) -> Result<Vec<u8>, StoreError> {
    let opened = cipher.open(place, key.as_bytes(), value);
    opened.ok_or_else(|| StoreError::Undecipherable { key: key.to_owned() })
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

    /// Encrypts every value of a store that has plain ones; whether there were any. Opens every table.
    fn encrypt_all(&self) -> Result<bool, StoreError> {
        let mut has_values = false;
        for (place, table) in [(Place::Records, RECORDS), (Place::Identity, IDENTITY)] {
            let mut table = self.transaction.open_table(table).map_err(StoreError::database)?;
            let pair = |(key, value): (redb::AccessGuard<'_, &str>, redb::AccessGuard<'_, &[u8]>)| {
                (key.value().to_owned(), value.value().to_vec())
            };
            let all = table.iter().map_err(StoreError::database)?.map(|guards| guards.map(pair));
            for (key, plain) in all.collect::<Result<Vec<_>, _>>().map_err(StoreError::database)? {
                let value = self.sealed(place, key.as_bytes(), &plain)?;
                table.insert(key.as_str(), value.as_slice()).map_err(StoreError::database)?;
                has_values = true;
            }
        }
        let mut table = self.audit()?;
        let pair = |(number, value): Guards<'_>| (number.value(), value.value().to_vec());
        let all = table.iter().map_err(StoreError::database)?.map(|guards| guards.map(pair));
        for (number, plain) in all.collect::<Result<Vec<_>, _>>().map_err(StoreError::database)? {
            let value = self.sealed(Place::Audit, &number.to_be_bytes(), &plain)?;
            table.insert(number, value.as_slice()).map_err(StoreError::database)?;
            has_values = true;
        }
        Ok(has_values)
    }

    fn sealed(&self, place: Place, at: &[u8], plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.cipher.seal(place, at, plain).ok_or(StoreError::Cipher)
    }

    pub(crate) fn put_identity(&self, key: &str, value: &[u8]) -> Result<(), StoreError> {
        let value = self.sealed(Place::Identity, key.as_bytes(), value)?;
        self.identity()?.insert(key, value.as_slice()).map_err(StoreError::database)?;
        Ok(())
    }

    pub(crate) fn delete_identity(&self, key: &str) -> Result<(), StoreError> {
        self.identity()?.remove(key).map_err(StoreError::database)?;
        Ok(())
    }

    pub(crate) fn get<R: Record>(&self, key: &str) -> Result<Option<R>, StoreError> {
        get(&self.cipher, &self.records()?, key)
    }

    pub(crate) fn scan<R: Record>(
        &self,
        prefix: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<R>, StoreError> {
        scan(&self.cipher, &self.records()?, prefix, after, limit)
    }

    pub(crate) fn put<R: Record>(&self, record: &R) -> Result<(), StoreError> {
        let (key, bytes) = (record.key(), record::write(record)?);
        let value = self.sealed(Place::Records, key.as_bytes(), &bytes)?;
        self.records()?.insert(key.as_str(), value.as_slice()).map_err(StoreError::database)?;
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
        let entry = |(number, bytes): Guards<'_>| {
            Ok((number.value(), audit_entry(&self.cipher, number.value(), bytes.value())?))
        };
        last.map(entry).transpose()
    }

    pub(crate) fn put_audit(&self, number: u64, bytes: &[u8]) -> Result<(), StoreError> {
        let value = self.sealed(Place::Audit, &number.to_be_bytes(), bytes)?;
        self.audit()?.insert(number, value.as_slice()).map_err(StoreError::database)?;
        Ok(())
    }

    /// Deletes the audit entries up to and with this one.
    pub(crate) fn delete_audit_through(&self, last: u64) -> Result<(), StoreError> {
        self.audit()?.retain_in(..=last, |_, _| false).map_err(StoreError::database)
    }

    /// Makes the change durable; when this returns it is on the disk.
    pub(crate) fn commit(self) -> Result<(), StoreError> {
        self.transaction.commit().map_err(StoreError::database)
    }
}

fn get<R: Record>(
    cipher: &Cipher,
    table: &impl ReadableTable<&'static str, &'static [u8]>,
    key: &str,
) -> Result<Option<R>, StoreError> {
    let found = table.get(key).map_err(StoreError::database)?;
    found.map(|bytes| record::read(key, &opened(cipher, Place::Records, key, bytes.value())?)).transpose()
}

fn scan<R: Record>(
    cipher: &Cipher,
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
        let plain = opened(cipher, Place::Records, key.value(), bytes.value())?;
        found.push(record::read(key.value(), &plain)?);
    }
    Ok(found)
}

/// The store as every part of the service has it.
pub(crate) type SharedStore = Arc<Store>;
