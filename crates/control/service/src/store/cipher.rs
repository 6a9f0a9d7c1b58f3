//! Encryption of everything in the store (S13): AES-256-GCM, a new data key each time the store is opened, so that a
//! counter is nonce enough; data keys are kept in the store, wrapped with the key that its owner has in a file.
//!
//! Layout of a value: `data key u32 | counter u64 | ciphertext | tag 16 B`, numbers big endian. The table's letter and
//! the record's key are associated data: a value is good in its own place alone.
//! Layout of a wrapped key: `nonce 12 B | ciphertext 32 B | tag 16 B`, its number is associated data.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ternmq_env::{FileKey, KeyFileError, Rng, read_key_file};

/// Said before the number of a wrapped key.
const WRAPPED: &[u8] = b"ternmq service store";

/// The keys that the store's owner has.
pub struct StoreKeys {
    /// Data keys are wrapped with this one.
    pub current: FileKey,
    /// The one before it, while it is replaced: what is wrapped with it is wrapped anew.
    pub former: Option<FileKey>,
}

impl StoreKeys {
    /// Name of the file that has the key when nobody names another one, in the data directory.
    pub const FILE: &str = "store.key";

    /// Reads the keys from their files.
    ///
    /// # Errors
    /// A file is of no use.
    pub fn read(current: &Path, former: Option<&Path>) -> Result<Self, KeyFileError> {
        Ok(Self { current: read_key_file(current)?, former: former.map(read_key_file).transpose()? })
    }
}

impl fmt::Debug for StoreKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreKeys").finish_non_exhaustive()
    }
}

/// Which table a value stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Records,
    Identity,
    Audit,
}

impl Place {
    fn associated(self, key: &[u8]) -> Vec<u8> {
        let letter = match self {
            Self::Records => b'r',
            Self::Identity => b'i',
            Self::Audit => b'a',
        };
        [&[letter], key].concat()
    }
}

/// A data key, not yet wrapped.
pub(super) struct DataKey(FileKey);

impl DataKey {
    pub(super) fn make(rng: &mut dyn Rng) -> Self {
        let mut bytes = FileKey::default();
        rng.fill(bytes.as_mut_slice());
        Self(bytes)
    }

    /// The key under a master key; `None` only if the cipher fails.
    pub(super) fn wrap(&self, number: u32, master: &FileKey, rng: &mut dyn Rng) -> Option<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        rng.fill(&mut nonce);
        let mut sealed = zeroize::Zeroizing::new(self.0.to_vec());
        let tag = key(master)?
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), wrapped(number), &mut sealed)
            .ok()?;
        Some([&nonce[..], &sealed, tag.as_ref()].concat())
    }

    /// The key that was wrapped; `None`: not with this master key, or it was changed.
    pub(super) fn unwrap(number: u32, bytes: &[u8], master: &FileKey) -> Option<Self> {
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>()?;
        let mut sealed = zeroize::Zeroizing::new(sealed.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let plain = key(master)?.open_in_place(nonce, wrapped(number), &mut sealed).ok()?;
        let mut bytes = FileKey::default();
        (plain.len() == bytes.len()).then(|| bytes.copy_from_slice(plain))?;
        Some(Self(bytes))
    }
}

fn wrapped(number: u32) -> Aad<Vec<u8>> {
    Aad::from([WRAPPED, &number.to_be_bytes()].concat())
}

fn key(bytes: &FileKey) -> Option<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, bytes.as_slice()).ok().map(LessSafeKey::new)
}

/// The data keys of an open store.
pub(super) struct Cipher {
    keys: BTreeMap<u32, LessSafeKey>,
    /// The one of this opening.
    own: u32,
    /// Values sealed with it.
    count: AtomicU64,
}

impl Cipher {
    /// One with these keys, of which the last is new.
    pub(super) fn new(keys: &BTreeMap<u32, DataKey>) -> Option<Self> {
        let own = *keys.last_key_value()?.0;
        let keys = keys.iter().map(|(number, data)| Some((*number, key(&data.0)?)));
        Some(Self { keys: keys.collect::<Option<_>>()?, own, count: AtomicU64::new(0) })
    }

    /// The value for its place; `None` only if the cipher fails.
    pub(super) fn seal(&self, place: Place, at: &[u8], plain: &[u8]) -> Option<Vec<u8>> {
        let count = self.count.fetch_add(1, Ordering::Relaxed);
        let mut value = Vec::with_capacity(plain.len() + 28);
        value.extend_from_slice(&self.own.to_be_bytes());
        value.extend_from_slice(&count.to_be_bytes());
        value.extend_from_slice(plain);
        let text = value.get_mut(12..)?;
        let associated = Aad::from(place.associated(at));
        let tag =
            self.keys.get(&self.own)?.seal_in_place_separate_tag(nonce(count), associated, text).ok()?;
        value.extend_from_slice(tag.as_ref());
        Some(value)
    }

    /// What was sealed at this place; `None`: it was changed, or is of another place or key.
    pub(super) fn open(&self, place: Place, at: &[u8], value: &[u8]) -> Option<Vec<u8>> {
        let (number, rest) = value.split_first_chunk::<4>()?;
        let (count, sealed) = rest.split_first_chunk::<8>()?;
        let key = self.keys.get(&u32::from_be_bytes(*number))?;
        let mut text = sealed.to_vec();
        let associated = Aad::from(place.associated(at));
        let len = key.open_in_place(nonce(u64::from_be_bytes(*count)), associated, &mut text).ok()?.len();
        text.truncate(len);
        Some(text)
    }
}

fn nonce(count: u64) -> Nonce {
    let mut bytes = [0; NONCE_LEN];
    if let Some(low) = bytes.last_chunk_mut::<8>() {
        *low = count.to_be_bytes();
    }
    Nonce::assume_unique_for_key(bytes)
}

#[cfg(test)]
mod tests {
    use ternmq_fakes::SeededRng;

    use super::*;

    fn cipher(numbers: &[u32]) -> Cipher {
        let mut rng = SeededRng::new(1);
        Cipher::new(&numbers.iter().map(|number| (*number, DataKey::make(&mut rng))).collect()).unwrap()
    }

    #[test]
    fn a_value_is_good_in_its_place_alone() {
        let cipher = cipher(&[1, 2]);
        let value = cipher.seal(Place::Records, b"broker/1", b"secret").unwrap();
        assert_eq!(value.len(), 6 + 28);
        assert_eq!(cipher.open(Place::Records, b"broker/1", &value).unwrap(), b"secret");
        assert_eq!(cipher.open(Place::Records, b"broker/2", &value), None);
        assert_eq!(cipher.open(Place::Identity, b"broker/1", &value), None);
        assert_ne!(cipher.seal(Place::Records, b"broker/1", b"secret").unwrap(), value);
        for at in 0..value.len() {
            assert_eq!(cipher.open(Place::Records, b"broker/1", &value[..at]), None);
            let mut changed = value.clone();
            changed[at] ^= 1;
            assert_eq!(cipher.open(Place::Records, b"broker/1", &changed), None, "byte {at}");
        }
    }

    #[test]
    fn keys_are_wrapped_for_one_master_and_number() {
        let mut rng = SeededRng::new(2);
        let (data, master) = (DataKey::make(&mut rng), FileKey::new([7; 32]));
        let bytes = data.wrap(3, &master, &mut rng).unwrap();
        assert_eq!(bytes.len(), 60);
        assert_eq!(DataKey::unwrap(3, &bytes, &master).unwrap().0, data.0);
        assert!(DataKey::unwrap(4, &bytes, &master).is_none());
        assert!(DataKey::unwrap(3, &bytes, &FileKey::new([8; 32])).is_none());
        assert!(DataKey::unwrap(3, &bytes[..59], &master).is_none());
        assert!(DataKey::unwrap(3, &[], &master).is_none());
    }
}
