//! The bootstrap administrator's keys: made once, kept with mode 0600, printed once.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde::Deserialize;
use ternmq_api::Sensitive;
use ternmq_env::Rng;
use ternmq_service::AdministratorKey;

use crate::error::ServeError;
use crate::files::{Readers, write_whole};

/// Largest credentials file in bytes.
const MAX_BYTES: u64 = 64 * 1_024;
/// Letters and digits of access keys (base32).
const KEY_LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SECRET_LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const KEY_LENGTH: usize = 16;
const SECRET_LENGTH: usize = 40;

/// The file's content.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Content {
    access_key_id: String,
    secret_access_key: Sensitive,
}

/// Keys, and whether they were made now.
pub(crate) struct Keys {
    pub(crate) key: AdministratorKey,
    pub(crate) is_new: bool,
}

/// Reads the keys, or makes them if the file is not there.
pub(crate) fn read_or_make(path: &Path, rng: &mut dyn Rng) -> Result<Keys, ServeError> {
    match fs::metadata(path) {
        Ok(metadata) => read(path, &metadata).map(|key| Keys { key, is_new: false }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            make(path, rng).map(|key| Keys { key, is_new: true })
        }
        Err(error) => Err(wrong(path, format!("cannot be read: {error}"))),
    }
}

fn wrong(path: &Path, problem: impl Into<String>) -> ServeError {
    ServeError::Credentials { path: path.into(), problem: problem.into() }
}

fn read(path: &Path, metadata: &fs::Metadata) -> Result<AdministratorKey, ServeError> {
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(wrong(path, "can be read by others; run chmod 600 on it"));
    }
    if metadata.len() > MAX_BYTES {
        return Err(wrong(path, format!("has {} bytes; at most {MAX_BYTES} are read", metadata.len())));
    }
    let text = fs::read_to_string(path).map_err(|error| wrong(path, format!("cannot be read: {error}")))?;
    let content: Content = serde_json::from_str(&text).map_err(|_| {
        wrong(path, "is not a JSON object with access_key_id and secret_access_key; mend it, or remove it for a new key")
    })?;
    let is_key = (16..=128).contains(&content.access_key_id.len())
        && content.access_key_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let length = content.secret_access_key.reveal().len();
    if !is_key || !(16..=128).contains(&length) {
        return Err(wrong(
            path,
            "has keys of a wrong form: 16 to 128 characters each, the id of letters and digits",
        ));
    }
    Ok(AdministratorKey {
        access_key_id: content.access_key_id,
        secret_access_key: content.secret_access_key,
    })
}

fn make(path: &Path, rng: &mut dyn Rng) -> Result<AdministratorKey, ServeError> {
    let access_key_id = format!("AKIA{}", letters(rng, KEY_LETTERS, KEY_LENGTH));
    let secret = letters(rng, SECRET_LETTERS, SECRET_LENGTH);
    let text = format!("{{\"access_key_id\": \"{access_key_id}\", \"secret_access_key\": \"{secret}\"}}\n");
    write_whole(path, &text, Readers::Owner)
        .map_err(|error| wrong(path, format!("cannot be written: {error}")))?;
    Ok(AdministratorKey { access_key_id, secret_access_key: Sensitive::from(secret) })
}

/// Random letters: each alphabet's size divides 256, so none is likelier than another.
pub(crate) fn letters(rng: &mut dyn Rng, alphabet: &[u8], count: usize) -> String {
    let mut bytes = vec![0; count];
    rng.fill(&mut bytes);
    let letter = |byte: u8| alphabet.get(usize::from(byte) % alphabet.len()).copied().unwrap_or(b'A');
    bytes.into_iter().map(|byte| char::from(letter(byte))).collect()
}

/// A password that the rules of broker users take: 22 letters of 6 bits each.
pub(crate) fn password(rng: &mut dyn Rng) -> Sensitive {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    Sensitive::from(letters(rng, LETTERS, 22))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_and_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.json");
        let made = read_or_make(&path, &mut ternmq_env::SystemRng).unwrap();
        let read = read_or_make(&path, &mut ternmq_env::SystemRng).unwrap();
        assert!(made.is_new && !read.is_new);
        assert_eq!(made.key.access_key_id, read.key.access_key_id);
        assert_eq!(made.key.secret_access_key, read.key.secret_access_key);
        assert_eq!(made.key.access_key_id.len(), 20);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    fn check(text: &str, mode: u32, expect: &str) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.json");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = read_or_make(&path, &mut ternmq_env::SystemRng).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told() {
        let good = r#"{"access_key_id": "AKIAAAAAAAAAAAAAAAAA", "secret_access_key": "0123456789abcdef"}"#;
        check(good, 0o644, "chmod 600");
        check("{}", 0o600, "is not a JSON object with");
        check(&good.replace("0123456789abcdef", "short"), 0o600, "wrong form");
        check(&" ".repeat(70_000), 0o600, "at most 65536 are read");
    }
}
