//! The keys for encryption at rest, from files that a person names (S13).

use std::path::Path;

use ternmq_env::{KeyFileError, read_key_file};
use ternmq_journal::{Encryption, MasterKey, MasterKeys};

use crate::error::StartError;
use crate::options::EncryptionFlags;

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
    read_key_file(path)
        .map(MasterKey::new)
        .map_err(|KeyFileError { path, problem }| StartError::KeyFile { path, problem })
}
