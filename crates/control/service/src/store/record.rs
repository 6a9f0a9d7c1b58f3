//! Records as bytes.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreError;

/// Something that is kept under a key.
pub(crate) trait Record: Serialize + DeserializeOwned {
    /// Version of the layout. A change that older builds would misread raises it.
    const VERSION: u8;

    /// Key: kind first, parts with `/` between them.
    fn key(&self) -> String;
}

pub(super) fn write<R: Record>(record: &R) -> Result<Vec<u8>, StoreError> {
    let mut bytes = vec![R::VERSION];
    serde_json::to_writer(&mut bytes, record)
        .map_err(|error| StoreError::Record { key: record.key(), problem: error.to_string() })?;
    Ok(bytes)
}

pub(super) fn read<R: Record>(key: &str, bytes: &[u8]) -> Result<R, StoreError> {
    let wrong = |problem: String| StoreError::Record { key: key.to_owned(), problem };
    match bytes.split_first() {
        Some((version, json)) if *version <= R::VERSION => {
            serde_json::from_slice(json).map_err(|error| wrong(error.to_string()))
        }
        Some((version, _)) => Err(wrong(format!(
            "it has version {version}, this build knows {}; start a newer build",
            R::VERSION
        ))),
        None => Err(wrong("it is empty".into())),
    }
}
