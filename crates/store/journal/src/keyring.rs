//! The data keys of all segments of a journal, and what makes them: loaded when it opens, shared with all who read (S13).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use ternmq_env::{FileError, Files, Rng};
use zeroize::Zeroizing;

use crate::cipher::{CipherKey, Encryption, KEY_BYTES, MasterKeys, Wrapper, cipher_refused};
use crate::error::OpenError;
use crate::manifest::replace_file;
use crate::segment::{Entry, KeyName};
use crate::wrap::{Wrap, read_wrap};

/// The keys that an operator gave, ready for use.
struct Wrappers {
    current: Wrapper,
    former: Option<Wrapper>,
    /// New segments are encrypted.
    is_writing: bool,
}

impl Wrappers {
    fn new(keys: &MasterKeys, is_writing: bool) -> Option<Self> {
        let former = match &keys.former {
            Some(former) => Some(Wrapper::new(former)?),
            None => None,
        };
        Some(Self { current: Wrapper::new(&keys.current)?, former, is_writing })
    }

    fn of(&self, wrap: &Wrap) -> Option<&Wrapper> {
        [Some(&self.current), self.former.as_ref()]
            .into_iter()
            .flatten()
            .find(|wrapper| wrapper.id == wrap.key_id)
    }
}

/// A data key that has to be wrapped again.
type StaleKey = (KeyName, Zeroizing<[u8; KEY_BYTES]>);

/// Every data key that is known. One that is lost is not here: what it encrypted is damaged.
pub(crate) struct Keyring {
    wrappers: Option<Wrappers>,
    table: RwLock<BTreeMap<KeyName, Arc<CipherKey>>>,
    /// Keys that were found wrapped under the former key.
    stale: Mutex<Vec<StaleKey>>,
}

impl Keyring {
    /// Reads the key files of all encrypted segments. Changes nothing.
    ///
    /// # Errors
    /// [`OpenError::KeyMissing`] and [`OpenError::WrongKey`]. A key file that is missing or rotten is no error: the rest of
    /// the log can be read.
    pub(crate) fn load(
        files: &dyn Files,
        dir: &str,
        entries: &[Entry],
        encryption: &Encryption,
    ) -> Result<Self, OpenError> {
        let wrappers = match encryption {
            Encryption::Off => None,
            Encryption::On(keys) => Some(Wrappers::new(keys, true).ok_or_else(|| cipher_refused(dir))?),
            Encryption::ReadOnly(keys) => {
                Some(Wrappers::new(keys, false).ok_or_else(|| cipher_refused(dir))?)
            }
        };
        let names: Vec<KeyName> = entries.iter().filter_map(Entry::key_name).collect();
        let keyring = Self { wrappers, table: RwLock::default(), stale: Mutex::default() };
        let Some(wrappers) = &keyring.wrappers else {
            if names.is_empty() {
                return Ok(keyring);
            }
            return Err(OpenError::KeyMissing);
        };
        let (mut table, mut stale) = (BTreeMap::new(), Vec::new());
        let mut foreign = 0;
        for name in &names {
            let Some(wrap) = read_wrap(files, dir, *name)? else { continue };
            let Some(wrapper) = wrappers.of(&wrap) else {
                foreign += 1;
                continue;
            };
            let Some(bytes) = wrap.open(wrapper) else { continue };
            let Some(key) = CipherKey::new(&bytes) else { continue };
            if wrap.key_id != wrappers.current.id {
                stale.push((*name, bytes));
            }
            table.insert(*name, Arc::new(key));
        }
        if foreign > 0 {
            return Err(OpenError::WrongKey { foreign, segments: names.len() });
        }
        Ok(Self { wrappers: keyring.wrappers, table: RwLock::new(table), stale: Mutex::new(stale) })
    }

    /// The key of a segment; `None` when it is plain, or its key is lost.
    pub(crate) fn of(&self, entry: &Entry) -> Option<Arc<CipherKey>> {
        let name = entry.key_name()?;
        self.table.read().unwrap_or_else(PoisonError::into_inner).get(&name).cloned()
    }

    /// New segments are to be encrypted.
    pub(crate) fn is_writing(&self) -> bool {
        self.wrappers.as_ref().is_some_and(|wrappers| wrappers.is_writing)
    }

    /// Draws a new data key for a segment and writes its key file, synced; the file's name is not safe yet.
    pub(crate) fn make(
        &self,
        files: &dyn Files,
        dir: &str,
        name: KeyName,
        rng: &mut dyn Rng,
    ) -> Result<Arc<CipherKey>, FileError> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        rng.fill(&mut *bytes);
        let refused = || cipher_refused(&name.file_name());
        let key = Arc::new(CipherKey::new(&bytes).ok_or_else(refused)?);
        self.write(files, dir, name, &bytes, rng)?;
        self.table.write().unwrap_or_else(PoisonError::into_inner).insert(name, key.clone());
        Ok(key)
    }

    /// How many keys are wrapped under the former key of the operator.
    pub(crate) fn stale_count(&self) -> usize {
        self.stale.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Those keys, once: they are kept no longer than it takes to wrap them again.
    pub(crate) fn take_stale(&self) -> Vec<StaleKey> {
        std::mem::take(&mut self.stale.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Wraps a data key under the operator's current key and writes its key file, synced; the file's name is not safe yet.
    /// A crash leaves the former file or this one.
    pub(crate) fn write(
        &self,
        files: &dyn Files,
        dir: &str,
        name: KeyName,
        bytes: &[u8; KEY_BYTES],
        rng: &mut dyn Rng,
    ) -> Result<(), FileError> {
        let wrap =
            self.wrappers.as_ref().and_then(|wrappers| Wrap::seal(&wrappers.current, name, bytes, rng));
        let wrap = wrap.ok_or_else(|| cipher_refused(&name.file_name()))?;
        replace_file(files, dir, &name.file_name(), &wrap.encode())
    }

    /// Forgets the key of a segment that is gone.
    pub(crate) fn forget(&self, name: KeyName) {
        self.table.write().unwrap_or_else(PoisonError::into_inner).remove(&name);
    }
}
