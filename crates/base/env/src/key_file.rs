//! A key for encryption at rest in a file of its own (S13): 32 bytes, or 64 hexadecimal digits and the end of a line.

use std::fmt::{self, Write as _};
use std::fs;
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::rng::Rng;

const KEY_BYTES: usize = 32;
/// The longest form: 64 digits and the end of a line, as any editor leaves it.
const MAX_FILE_BYTES: usize = 66;
/// Bits of a file's mode by which anybody but its owner may do something with it.
const OTHERS: u32 = 0o077;

/// A key of 32 bytes, overwritten when dropped (S11).
pub type FileKey = Zeroizing<[u8; KEY_BYTES]>;

/// A key file that is of no use. Nothing was changed.
#[derive(Debug)]
pub struct KeyFileError {
    /// Which file.
    pub path: PathBuf,
    /// What is wrong with it and what to do.
    pub problem: String,
}

impl fmt::Display for KeyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the encryption key file '{}' {}", self.path.display(), self.problem)
    }
}

impl std::error::Error for KeyFileError {}

/// Reads a key.
///
/// # Errors
/// The file cannot be read, may be used by others than its owner, or holds no key.
pub fn read_key_file(path: &Path) -> Result<FileKey, KeyFileError> {
    let refuse = |problem: String| KeyFileError { path: path.into(), problem };
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
    bytes.get(..len).and_then(decode).ok_or_else(|| {
        refuse(
            "holds no key: 32 bytes or 64 hexadecimal digits are needed, as from openssl rand -hex 32".into(),
        )
    })
}

/// Makes a key, unless the file is there: mode 0600, whole or not there at all, and safe from a loss of power when this
/// answers, so that nothing is ever encrypted with a key that is lost.
///
/// # Errors
/// The file cannot be written.
pub fn ensure_key_file(path: &Path, rng: &mut dyn Rng) -> Result<(), KeyFileError> {
    if path.exists() {
        return Ok(());
    }
    let mut key = FileKey::default();
    rng.fill(key.as_mut_slice());
    let mut text = Zeroizing::new(String::with_capacity(2 * KEY_BYTES + 1));
    for byte in key.iter() {
        // A string takes whatever is written to it.
        let _ = write!(text, "{byte:02x}");
    }
    text.push('\n');
    write_whole(path, text.as_bytes())
        .map_err(|error| KeyFileError { path: path.into(), problem: format!("cannot be written: {error}") })
}

fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let draft = Path::new(&draft);
    match fs::remove_file(draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(draft, path)?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::OpenOptions::new().read(true).open(parent)?.sync_all()
}

fn decode(bytes: &[u8]) -> Option<FileKey> {
    let mut key = FileKey::default();
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
        let text = match read_key_file(&path) {
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
        assert_eq!(decode(hex).unwrap()[..], raw);
        assert_eq!(decode(&raw).unwrap()[..], raw);
    }

    #[test]
    fn what_is_no_file_is_no_key() {
        let dir = tempfile::tempdir().unwrap();
        let text = |path: &Path| read_key_file(path).map(drop).unwrap_err().to_string();
        assert!(text(dir.path()).ends_with("' is not a file"));
        assert!(text(&dir.path().join("none")).contains("' cannot be read: No such file"));
    }

    #[test]
    fn a_key_is_made_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        ensure_key_file(&path, &mut crate::SystemRng).unwrap();
        let made = read_key_file(&path).unwrap();
        ensure_key_file(&path, &mut crate::SystemRng).unwrap();
        assert_eq!(read_key_file(&path).unwrap(), made);
        assert_ne!(made, FileKey::default());
        let text =
            ensure_key_file(&dir.path().join("no/key"), &mut crate::SystemRng).unwrap_err().to_string();
        assert!(text.contains("' cannot be written: No such file"));
    }
}
