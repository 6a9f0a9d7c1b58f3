//! The cipher of payloads and of the keys that they are encrypted with: AES-256-GCM (S13).
//!
//! A payload is encrypted under the data key of its segment, which was drawn when the segment was made and is used for
//! nothing else. Data keys lie on the disk only wrapped, that is encrypted, under a key of the operator's.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use ternmq_env::{FileError, FileFault};
use zeroize::Zeroizing;

use crate::record::{HEADER_BYTES, Header};

/// Bytes that encryption adds to what it encrypts.
pub(crate) const TAG_BYTES: usize = 16;
/// Bytes of every key.
pub(crate) const KEY_BYTES: usize = 32;
/// Bytes that tell one key of an operator from another.
pub(crate) const KEY_ID_BYTES: usize = 16;

/// What the operator's key is stretched to: one key for wraps, one name that may be known.
const WRAP_LABEL: &[u8] = b"ternmq journal 1: wrap";
const ID_LABEL: &[u8] = b"ternmq journal 1: id";

/// The operator's key: data keys are wrapped under it. It is shown nowhere and wiped from memory when it goes (S11).
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; KEY_BYTES]>);

impl MasterKey {
    /// A key from its 32 bytes.
    #[must_use]
    pub fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self(bytes)
    }
}

/// Whether, and under which keys, the journal is encrypted.
#[derive(Clone, Default)]
pub enum Encryption {
    /// Everything is plain. A journal that has something encrypted does not open.
    #[default]
    Off,
    /// New segments are encrypted; plain ones are read.
    On(MasterKeys),
    /// Encrypted segments are read; new ones are plain.
    ReadOnly(MasterKeys),
}

/// The keys that an operator gives.
#[derive(Clone)]
pub struct MasterKeys {
    /// The key in force.
    pub current: MasterKey,
    /// The one before. Data keys wrapped under it are wrapped again under the current one when the journal opens.
    pub former: Option<MasterKey>,
}

impl std::fmt::Debug for Encryption {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Off => "Off",
            Self::On(_) => "On",
            Self::ReadOnly(_) => "ReadOnly",
        })
    }
}

/// A key that encrypts, ready for use.
pub(crate) struct CipherKey(LessSafeKey);

impl CipherKey {
    /// `None` when the cipher refuses, which it does for no 32 bytes.
    pub(crate) fn new(bytes: &[u8; KEY_BYTES]) -> Option<Self> {
        UnboundKey::new(&AES_256_GCM, bytes).ok().map(|key| Self(LessSafeKey::new(key)))
    }

    /// Encrypts the payload of a record in place; answers the tag.
    pub(crate) fn seal_record(&self, header: &Header, payload: &mut [u8]) -> Option<[u8; TAG_BYTES]> {
        self.seal(nonce_at(header.position), &associated(header), payload)
    }

    /// Decrypts what lies behind the header of a record into `plain`, which has to be shorter by the tag. False when it is
    /// not what was encrypted; what `plain` holds then means nothing.
    #[must_use]
    pub(crate) fn open_record(&self, header: &Header, stored: &[u8], plain: &mut [u8]) -> bool {
        self.open(nonce_at(header.position), &associated(header), stored, plain)
    }

    /// Encrypts in place. A nonce must never come again under one key.
    pub(crate) fn seal(
        &self,
        nonce: [u8; NONCE_LEN],
        associated: &[u8],
        text: &mut [u8],
    ) -> Option<[u8; TAG_BYTES]> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self.0.seal_in_place_separate_tag(nonce, Aad::from(associated), text).ok()?;
        tag.as_ref().try_into().ok()
    }

    /// Decrypts `sealed`, which ends with the tag, into `plain`.
    #[must_use]
    pub(crate) fn open(
        &self,
        nonce: [u8; NONCE_LEN],
        associated: &[u8],
        sealed: &[u8],
        plain: &mut [u8],
    ) -> bool {
        let Some((text, tag)) = sealed.split_last_chunk::<TAG_BYTES>() else { return false };
        let nonce = Nonce::assume_unique_for_key(nonce);
        text.len() == plain.len()
            && self.0.open_separate_gather(nonce, Aad::from(associated), text, tag, plain).is_ok()
    }
}

/// A position is used once for ever, so it is a counter that needs no keeping.
fn nonce_at(position: u64) -> [u8; NONCE_LEN] {
    let mut nonce = [0; NONCE_LEN];
    nonce[..8].copy_from_slice(&position.to_le_bytes());
    nonce
}

/// All of the header but its sum, which is made over the encrypted payload.
fn associated(header: &Header) -> [u8; HEADER_BYTES] {
    header.encode()
}

/// Wraps and unwraps data keys under one key of the operator's.
pub(crate) struct Wrapper {
    pub(crate) id: [u8; KEY_ID_BYTES],
    pub(crate) key: CipherKey,
}

impl Wrapper {
    pub(crate) fn new(master: &MasterKey) -> Option<Self> {
        let master = hmac::Key::new(hmac::HMAC_SHA256, &*master.0);
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        bytes.copy_from_slice(hmac::sign(&master, WRAP_LABEL).as_ref());
        let id = *hmac::sign(&master, ID_LABEL).as_ref().first_chunk()?;
        Some(Self { id, key: CipherKey::new(&bytes)? })
    }
}

/// The cipher refused to encrypt. Nothing may be written then, least of all plain.
pub(crate) fn cipher_refused(path: &str) -> FileError {
    FileError::new("encrypt", path, FileFault::Device { code: 0, text: "the cipher refused".into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> CipherKey {
        CipherKey::new(&[byte; KEY_BYTES]).unwrap()
    }

    fn header() -> Header {
        Header { payload_bytes: 21, crc: 9, position: 4096, synced: 8, mark: 5, kind: 1, flags: 3, key: 1 }
    }

    #[test]
    fn a_payload_opens_only_with_its_key_its_place_and_its_header() {
        let mut text = *b"hello";
        let tag = key(1).seal_record(&header(), &mut text).unwrap();
        let stored = [&text[..], &tag].concat();
        let mut plain = [0; 5];
        assert!(key(1).open_record(&header(), &stored, &mut plain));
        assert_eq!(&plain, b"hello");
        // The sum is of the encrypted bytes, so it cannot be a part of what they are made with.
        assert!(key(1).open_record(&Header { crc: 1, ..header() }, &stored, &mut plain));
        assert!(!key(2).open_record(&header(), &stored, &mut plain));
        for other in [
            Header { payload_bytes: 22, ..header() },
            Header { position: 4104, ..header() },
            Header { synced: 16, ..header() },
            Header { mark: 4, ..header() },
            Header { kind: 2, ..header() },
            Header { flags: 1, ..header() },
        ] {
            assert!(!key(1).open_record(&other, &stored, &mut plain), "{other:?}");
        }
        for bit in 0..stored.len() * 8 {
            let mut bad = stored.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(!key(1).open_record(&header(), &bad, &mut plain), "bit {bit}");
        }
        for len in 0..stored.len() {
            assert!(!key(1).open_record(&header(), &stored[..len], &mut plain), "cut at {len}");
        }
    }

    #[test]
    fn each_position_has_its_nonce() {
        let nonces: Vec<_> = (0..1_000).map(|number| nonce_at(number * 8)).collect();
        let different: std::collections::BTreeSet<_> = nonces.iter().collect();
        assert_eq!(different.len(), nonces.len());
        assert_eq!(nonce_at(0x0102), [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }

    /// The published test case 14 of the GCM specification: a zero key, a zero nonce, one block of zeroes.
    #[test]
    fn the_cipher_is_aes_256_gcm() {
        let mut text = [0; 16];
        let tag = key(0).seal([0; NONCE_LEN], &[], &mut text).unwrap();
        assert_eq!(u128::from_be_bytes(text), 0xcea7_403d_4d60_6b6e_074e_c5d3_baf3_9d18);
        assert_eq!(u128::from_be_bytes(tag), 0xd0d1_c8a7_9999_6bf0_265b_98b5_d48a_b919);
    }

    #[test]
    fn nothing_shows_a_key() {
        let master = MasterKey::new(Zeroizing::new([7; KEY_BYTES]));
        let keys = MasterKeys { current: master.clone(), former: Some(master) };
        assert_eq!(format!("{:?}", Encryption::On(keys)), "On");
    }
}
