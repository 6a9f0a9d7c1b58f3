//! The keys for encryption at rest, from files that a person names (S13).

use std::fs;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use ternmq_journal::{Encryption, MasterKey, MasterKeys};
use zeroize::Zeroizing;

use crate::error::StartError;
use crate::options::EncryptionFlags;

const KEY_BYTES: usize = 32;
/// The longest form: 64 digits and the end of a line, as any editor leaves it.
const MAX_FILE_BYTES: usize = 66;
/// Bits of a file's mode by which anybody but its owner may do something with it.
const OTHERS: u32 = 0o077;

/// Reads the keys that the flags name. Changes nothing.
///
/// # Errors
/// [`StartError::KeyFile`]: a file cannot be read, may be read by others, or holds no key.
pub fn read_encryption(flags: &EncryptionFlags) -> Result<Encryption, StartError> {
    let Some(path) = &flags.key_file else { return Ok(Encryption::Off) };
    let former = flags.old_key_file.as_deref().map(read_key).transpose()?;
    let keys = MasterKeys { current: read_key(path)?, former };
    Ok(if flags.is_decrypt_only { Encryption::ReadOnly(keys) } else { Encryption::On(keys) })
}

fn read_key(path: &Path) -> Result<MasterKey, StartError> {
    let refuse = |problem: String| StartError::KeyFile { path: path.into(), problem };
    let unreadable = |error| refuse(format!("cannot be read: {error}"));
    // Before it is opened: a pipe would not open until somebody writes to it.
    if !fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err(refuse("is not a file".into()));
    }
    let mut file = fs::OpenOptions::new().read(true).open(path).map_err(unreadable)?;
    let facts = file.metadata().map_err(unreadable)?;
    if facts.mode() & OTHERS != 0 {
        let mode = facts.mode() & 0o777;
        return Err(refuse(format!(
            "may be used by others than its owner (mode {mode:03o}): run chmod 600 on it"
        )));
    }
    // One byte more than a key file has, so that a longer one is known as such; all at once, so that no copy is left.
    let mut bytes = Zeroizing::new([0; MAX_FILE_BYTES + 1]);
    let mut len = 0;
    while let Some(room) = bytes.get_mut(len..).filter(|room| !room.is_empty()) {
        match file.read(room).map_err(unreadable)? {
            0 => break,
            count => len += count,
        }
    }
    let key = bytes.get(..len).and_then(decode_key).map(MasterKey::new);
    key.ok_or_else(|| {
        refuse(
            "holds no key: 32 bytes or 64 hexadecimal digits are needed, as from openssl rand -hex 32".into(),
        )
    })
}

fn decode_key(bytes: &[u8]) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    if bytes.len() == KEY_BYTES {
        key.copy_from_slice(bytes);
        return Some(key);
    }
    let digits = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let digits = digits.strip_suffix(b"\r").unwrap_or(digits);
    let (pairs, []) = digits.as_chunks::<2>() else { return None };
    if pairs.len() != KEY_BYTES {
        return None;
    }
    for (byte, [high, low]) in key.iter_mut().zip(pairs) {
        *byte = (digit(*high)? << 4) | digit(*low)?;
    }
    Some(key)
}

fn digit(letter: u8) -> Option<u8> {
    char::from(letter).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn check(content: &[u8], mode: u32, expect: &str) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let text = match read_key(&path) {
            Ok(_) => "a key".to_owned(),
            Err(error) => error.to_string().replace(&path.display().to_string(), "FILE"),
        };
        assert_eq!(text, expect);
    }

    const NO_KEY: &str = "the encryption key file 'FILE' holds no key: 32 bytes or 64 hexadecimal digits are needed, as \
                          from openssl rand -hex 32";

    #[test]
    fn key_files() {
        for content in [&[0xff; 32][..], &[b'a'; 64], &[b'F'; 64]] {
            check(content, 0o600, "a key");
            check(content, 0o400, "a key");
        }
        check(&[&[b'0'; 64][..], b"\n"].concat(), 0o600, "a key");
        check(&[&[b'0'; 64][..], b"\r\n"].concat(), 0o600, "a key");
        for content in [
            &b""[..],
            &[1; 31],
            &[1; 33],
            &[b'a'; 63],
            &[b'g'; 64],
            &[b'+'; 64],
            &[b'a'; 65],
            &[b'a'; 66],
            &[b'a'; 67],
            &[0; 1 << 16],
        ] {
            check(content, 0o600, NO_KEY);
        }
        for mode in [0o640, 0o604, 0o610, 0o666] {
            let expect = format!(
                "the encryption key file 'FILE' may be used by others than its owner (mode {mode:03o}): run chmod 600 on it"
            );
            check(&[1; 32], mode, &expect);
        }
    }

    #[test]
    fn both_forms_give_the_same_key() {
        let hex = b"000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F\n";
        let raw: Vec<u8> = (0..32).collect();
        assert_eq!(decode_key(hex).unwrap()[..], raw);
        assert_eq!(decode_key(&raw).unwrap()[..], raw);
    }

    #[test]
    fn what_is_no_file_is_no_key() {
        let dir = tempfile::tempdir().unwrap();
        let text = |path: &Path| read_key(path).map(drop).unwrap_err().to_string();
        assert!(text(dir.path()).ends_with("' is not a file"));
        assert!(text(&dir.path().join("none")).contains("' cannot be read: No such file"));
    }
}
