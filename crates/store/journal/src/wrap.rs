//! The key file of a segment: its data key, wrapped under the operator's key (S13).
//!
//! All numbers are little endian:
//!
//! ```text
//!  0      8      12     16     24            40     52                100   104
//!  | magic| format| epoch| index| id of key   | nonce| key 32 + tag 16 | crc |
//! ```
//! `epoch` and `index` are those of the file's name. `id` tells under which of the operator's keys the data key is wrapped,
//! so a wrong key is told from a rotten file. The nonce is random; the bytes before it are associated data, so that a file
//! put in the place of another opens nothing. `crc` is the CRC-32C of all before it.

use aws_lc_rs::aead::NONCE_LEN;
use ternmq_env::{FileError, FileFault, Files, Rng, read_full};
use zeroize::Zeroizing;

use crate::cipher::{KEY_BYTES, KEY_ID_BYTES, TAG_BYTES, Wrapper};
use crate::segment::{Fields, KeyName};

const MAGIC: &[u8; 8] = b"TERNKEY\x01";
const FORMAT: u32 = 1;
/// Every key file is as long as this; nothing longer is read.
pub(crate) const WRAP_BYTES: usize = 104;
/// Bytes that say what the file is.
const HEAD_BYTES: usize = 40;
const SEALED_BYTES: usize = KEY_BYTES + TAG_BYTES;

/// A wrapped data key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrap {
    pub(crate) name: KeyName,
    /// Of the operator's key.
    pub(crate) key_id: [u8; KEY_ID_BYTES],
    nonce: [u8; NONCE_LEN],
    sealed: [u8; SEALED_BYTES],
}

impl Wrap {
    /// Wraps a data key; `None` when the cipher refuses.
    pub(crate) fn seal(
        wrapper: &Wrapper,
        name: KeyName,
        key: &[u8; KEY_BYTES],
        rng: &mut dyn Rng,
    ) -> Option<Self> {
        let mut nonce = [0; NONCE_LEN];
        rng.fill(&mut nonce);
        let mut wrap = Self { name, key_id: wrapper.id, nonce, sealed: [0; SEALED_BYTES] };
        let mut text = Zeroizing::new(*key);
        let tag = wrapper.key.seal(nonce, &wrap.head(), &mut *text)?;
        wrap.sealed[..KEY_BYTES].copy_from_slice(&text[..]);
        wrap.sealed[KEY_BYTES..].copy_from_slice(&tag);
        Some(wrap)
    }

    /// The data key; `None` when it was not wrapped so.
    pub(crate) fn open(&self, wrapper: &Wrapper) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        let is_open = wrapper.key.open(self.nonce, &self.head(), &self.sealed, &mut *key);
        is_open.then_some(key)
    }

    fn head(&self) -> [u8; HEAD_BYTES] {
        let mut head = [0; HEAD_BYTES];
        head[..8].copy_from_slice(MAGIC);
        head[8..12].copy_from_slice(&FORMAT.to_le_bytes());
        head[12..16].copy_from_slice(&self.name.epoch.to_le_bytes());
        head[16..24].copy_from_slice(&self.name.index.to_le_bytes());
        head[24..].copy_from_slice(&self.key_id);
        head
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = [&self.head()[..], &self.nonce, &self.sealed].concat();
        let crc = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }

    /// `None` when the bytes are not exactly those of an intact key file.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes: &[u8; WRAP_BYTES] = bytes.try_into().ok()?;
        let (body, crc) = bytes.split_last_chunk::<4>()?;
        let mut fields = Fields::new(body.strip_prefix(MAGIC)?);
        let is_known = fields.u32()? == FORMAT && crc32c::crc32c(body).to_le_bytes() == *crc;
        let epoch = fields.u32()?;
        let index = fields.u64()?;
        let (key_id, rest) = fields.rest().split_first_chunk()?;
        let (nonce, rest) = rest.split_first_chunk()?;
        let name = KeyName { index, epoch };
        let wrap = Self { name, key_id: *key_id, nonce: *nonce, sealed: rest.try_into().ok()? };
        is_known.then_some(wrap)
    }
}

/// Reads a segment's key file. `None` when it is missing, not intact, or of another segment: then nobody has the key (F5).
pub(crate) fn read_wrap(files: &dyn Files, dir: &str, name: KeyName) -> Result<Option<Wrap>, FileError> {
    // One byte more than there may be, so that a longer file is not taken for its beginning.
    let mut bytes = [0; WRAP_BYTES + 1];
    let path = format!("{dir}/{}", name.file_name());
    let mut read = || files.open(&path).and_then(|file| read_full(&*file, &mut bytes, 0));
    // A whole segment hangs on these few bytes, so one refusal of the device is not believed.
    let answer = match read() {
        Err(FileError { fault: FileFault::Device { .. }, .. }) => read(),
        answer => answer,
    };
    match answer {
        Ok(count) => {
            let wrap = Wrap::decode(bytes.get(..count).unwrap_or_default());
            Ok(wrap.filter(|wrap| wrap.name == name))
        }
        Err(error) if matches!(error.fault, FileFault::NotFound | FileFault::Device { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Decodes any bytes as a key file, for fuzzing: the segment and the epoch that it names, or `None`.
#[must_use]
pub fn check_key_bytes(bytes: &[u8]) -> Option<(u64, u32)> {
    let wrap = Wrap::decode(bytes)?;
    Some((wrap.name.index, wrap.name.epoch))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cipher::MasterKey;
    use ternmq_fakes::SeededRng;

    const NAME: KeyName = KeyName { index: 0x0a, epoch: 3 };

    fn wrapper(byte: u8) -> Wrapper {
        Wrapper::new(&MasterKey::new(Zeroizing::new([byte; KEY_BYTES]))).unwrap()
    }

    fn wrap() -> Wrap {
        Wrap::seal(&wrapper(1), NAME, &[9; KEY_BYTES], &mut SeededRng::new(4)).unwrap()
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn golden_key_file() {
        let bytes = wrap().encode();
        assert_eq!(bytes.len(), WRAP_BYTES);
        let expect = "5445524e4b455901 01000000 03000000 0a00000000000000 178ed78bc6133956586f73955741ad66
            ca8a33e272e3736e30b0984b
            ea5a959ef46342669cdeffd7b77c6298e6eed57741ea6cea1b4a2d8ef1968cb6 342a5ca0853b6fc7f1923bb4d43ebe1d
            a126c2e3";
        assert_eq!(hex(&bytes), expect.replace([' ', '\n'], ""));
        assert_eq!(Wrap::decode(&bytes), Some(wrap()));
        assert_eq!(check_key_bytes(&bytes), Some((0x0a, 3)));
    }

    #[test]
    fn a_key_file_is_decoded_only_when_it_is_whole_and_unchanged() {
        let bytes = wrap().encode();
        for len in 0..bytes.len() {
            assert_eq!(Wrap::decode(&bytes[..len]), None, "cut at {len}");
        }
        assert_eq!(Wrap::decode(&[&bytes[..], &[0]].concat()), None, "too long");
        for bit in 0..bytes.len() * 8 {
            let mut bad = bytes.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Wrap::decode(&bad), None, "bit {bit}");
        }
    }

    #[test]
    fn a_data_key_opens_only_with_its_wrapper_and_in_its_place() {
        assert_eq!(*wrap().open(&wrapper(1)).unwrap(), [9; KEY_BYTES]);
        assert!(wrap().open(&wrapper(2)).is_none());
        assert_ne!(wrapper(1).id, wrapper(2).id);
        for name in [KeyName { index: 11, ..NAME }, KeyName { epoch: 4, ..NAME }] {
            assert!(Wrap { name, ..wrap() }.open(&wrapper(1)).is_none());
        }
        // Whoever changes a byte can make the sum right again, but not the tag.
        for bit in 0..SEALED_BYTES * 8 {
            let mut bad = wrap();
            bad.sealed[bit / 8] ^= 1 << (bit % 8);
            let bad = Wrap::decode(&bad.encode()).unwrap();
            assert!(bad.open(&wrapper(1)).is_none(), "bit {bit}");
        }
    }
}
