//! The manifest: which files are the log, and where recovery starts.
//!
//! All numbers are little endian:
//!
//! ```text
//!  0      8      12    16         24            32         40         48          56         60     64
//!  | magic| format|epoch|generation|segment size|checkpoint| durable  | clean end| next index| count | entries ... | crc
//!
//!  entry: | index 8 | sealed bytes 8 | file epoch 4 | record epoch 4 | salt 4 | key 4 |
//! ```
//! `key` is 0 for a plain segment and 1 for an encrypted one; a manifest that names one of those has format 2.
//!
//! Each change is a whole new file: written, synced, renamed to `manifest-<epoch>-<generation>`, its directory synced.
//! The highest epoch, and in it the highest generation, counts; the one before is kept for when that one rots (F5).
//! A process with an older epoch that still runs writes to a lower name, which nobody reads (I7).

use ternmq_env::{FileError, FileFault, Files, read_full, write_full};

use crate::segment::{Entry, FORMAT, Fields, FileName, decode_key, format_of, manifest_name};

const MAGIC: &[u8; 8] = b"TERNMAN\x01";
const ENTRY_BYTES: usize = 32;
/// No manifest is larger: 4 million segments.
const MAX_MANIFEST_BYTES: u64 = 128 * 1024 * 1024;

/// The state of the log's files, as published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub(crate) epoch: u32,
    pub(crate) generation: u64,
    pub(crate) segment_bytes: u64,
    /// Recovery starts here; 0 means at the first segment.
    pub(crate) checkpoint: u64,
    /// Everything below was durable when this was written.
    pub(crate) durable: u64,
    /// Where the log ended at a clean stop; 0 when it was not stopped cleanly.
    pub(crate) clean_end: u64,
    /// No segment with this index or a higher one was ever used.
    pub(crate) next_index: u64,
    /// Ascending by index.
    pub(crate) entries: Vec<Entry>,
}

/// Why bytes are no manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadManifest {
    Damaged,
    NewerFormat(u32),
}

impl Manifest {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(72 + self.entries.len() * ENTRY_BYTES);
        bytes.extend_from_slice(MAGIC);
        let is_encrypted = self.entries.iter().any(|entry| entry.is_encrypted);
        bytes.extend_from_slice(&format_of(is_encrypted).to_le_bytes());
        bytes.extend_from_slice(&self.epoch.to_le_bytes());
        for number in [
            self.generation,
            self.segment_bytes,
            self.checkpoint,
            self.durable,
            self.clean_end,
            self.next_index,
            self.entries.len() as u64,
        ] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        for entry in &self.entries {
            bytes.extend_from_slice(&entry.index.to_le_bytes());
            bytes.extend_from_slice(&entry.sealed_bytes.to_le_bytes());
            for number in [entry.file_epoch, entry.record_epoch, entry.salt, u32::from(entry.is_encrypted)] {
                bytes.extend_from_slice(&number.to_le_bytes());
            }
        }
        let crc = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, BadManifest> {
        let body = bytes.strip_prefix(MAGIC).ok_or(BadManifest::Damaged)?;
        let format = Fields::new(body).u32().ok_or(BadManifest::Damaged)?;
        if format > FORMAT {
            return Err(BadManifest::NewerFormat(format));
        }
        let (summed, crc) = bytes.split_last_chunk::<4>().ok_or(BadManifest::Damaged)?;
        if crc32c::crc32c(summed).to_le_bytes() != *crc {
            return Err(BadManifest::Damaged);
        }
        decode_body(summed).ok_or(BadManifest::Damaged)
    }
}

fn decode_body(bytes: &[u8]) -> Option<Manifest> {
    let mut fields = Fields::new(bytes.get(12..)?);
    let epoch = fields.u32()?;
    let (generation, segment_bytes) = (fields.u64()?, fields.u64()?);
    let (checkpoint, durable, clean_end) = (fields.u64()?, fields.u64()?, fields.u64()?);
    let (next_index, count) = (fields.u64()?, fields.u64()?);
    let is_sound_size = segment_bytes.is_power_of_two() && segment_bytes >= 4096;
    let is_sound_count = bytes.len() as u64 == count.checked_mul(ENTRY_BYTES as u64)?.checked_add(72)?;
    if !is_sound_size || !is_sound_count || !is_addressable(next_index, segment_bytes) {
        return None;
    }
    let mut entries: Vec<Entry> = Vec::new();
    for _ in 0..count {
        let (index, sealed_bytes) = (fields.u64()?, fields.u64()?);
        let (file_epoch, record_epoch, salt, key) =
            (fields.u32()?, fields.u32()?, fields.u32()?, fields.u32()?);
        let is_ascending = entries.last().is_none_or(|last| last.index < index);
        let is_encrypted = decode_key(key)?;
        if !is_ascending || !is_addressable(index, segment_bytes) {
            return None;
        }
        entries.push(Entry { index, file_epoch, record_epoch, salt, sealed_bytes, is_encrypted });
    }
    Some(Manifest { epoch, generation, segment_bytes, checkpoint, durable, clean_end, next_index, entries })
}

/// True when all positions of a segment, and of some after it, are numbers that exist.
pub(crate) fn is_addressable(index: u64, segment_bytes: u64) -> bool {
    index.checked_add(1 << 20).and_then(|index| index.checked_mul(segment_bytes)).is_some()
}

/// Decodes any bytes as a manifest, for fuzzing: how many segments it names, or `None`.
#[must_use]
pub fn check_manifest_bytes(bytes: &[u8]) -> Option<usize> {
    Manifest::decode(bytes).ok().map(|manifest| manifest.entries.len())
}

/// Writes the manifest as the newest one. An error of [`FileFault::DiskFull`] leaves the former one in force; after
/// any other it is unknown which one is.
pub(crate) fn publish(files: &dyn Files, dir: &str, manifest: &Manifest) -> Result<(), FileError> {
    replace_file(files, dir, &manifest_name(manifest.epoch, manifest.generation), &manifest.encode())?;
    files.sync_dir(dir).map_err(without_retry)
}

/// Writes a whole file, synced, under another name, then gives it its own, which is not safe yet. Whoever looks finds the
/// former file or this one, never a part. After an error of [`FileFault::DiskFull`] the former one is there.
pub(crate) fn replace_file(files: &dyn Files, dir: &str, name: &str, bytes: &[u8]) -> Result<(), FileError> {
    let name = format!("{dir}/{name}");
    let draft = format!("{name}.new");
    match files.remove(&draft) {
        Err(error) if error.fault != FileFault::NotFound => return Err(error),
        _ => {}
    }
    let file = files.create(&draft)?;
    write_full(&*file, &draft, bytes, 0)?;
    file.sync_data().map_err(without_retry)?;
    files.rename(&draft, &name)
}

/// A sync that found no room is a failed sync like any other: what it was for is unknown (F3).
pub(crate) fn without_retry(error: FileError) -> FileError {
    if error.fault != FileFault::DiskFull {
        return error;
    }
    let fault = FileFault::Device { code: 0, text: "no room while syncing".into() };
    FileError { fault, ..error }
}

/// Which manifest was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManifestState {
    /// There was none: a new journal.
    None,
    /// The newest is intact.
    Newest,
    /// The newest is damaged; the one before was used, with the segments that were found besides.
    Older,
}

/// The answer of [`load`].
pub(crate) enum Loaded {
    None,
    Found { manifest: Manifest, state: ManifestState },
    Damaged { name: String },
    NewerFormat { found: u32 },
}

/// Finds the manifest in force among the names in the directory.
pub(crate) fn load(files: &dyn Files, dir: &str, names: &[String]) -> Result<Loaded, FileError> {
    let mut found: Vec<(u32, u64)> = Vec::new();
    for name in names {
        if let Some(FileName::Manifest { epoch, generation }) = FileName::parse(name) {
            found.push((epoch, generation));
        }
    }
    found.sort_unstable();
    let mut damaged = None;
    for (epoch, generation) in found.into_iter().rev() {
        let name = manifest_name(epoch, generation);
        let state = if damaged.is_none() { ManifestState::Newest } else { ManifestState::Older };
        match read_manifest(files, &format!("{dir}/{name}"))? {
            Ok(manifest) if (manifest.epoch, manifest.generation) == (epoch, generation) => {
                return Ok(Loaded::Found { manifest, state });
            }
            Err(BadManifest::NewerFormat(found)) => return Ok(Loaded::NewerFormat { found }),
            Ok(_) | Err(BadManifest::Damaged) => damaged = damaged.or(Some(name)),
        }
    }
    Ok(damaged.map_or(Loaded::None, |name| Loaded::Damaged { name }))
}

/// The outer error is of the operating system and may pass; an unreadable sector counts as damage.
fn read_manifest(files: &dyn Files, path: &str) -> Result<Result<Manifest, BadManifest>, FileError> {
    let file = files.open(path)?;
    let len = file.len_bytes()?;
    if len > MAX_MANIFEST_BYTES {
        return Ok(Err(BadManifest::Damaged));
    }
    let mut bytes = vec![0; len as usize];
    match read_full(&*file, &mut bytes, 0) {
        Ok(count) if count == bytes.len() => Ok(Manifest::decode(&bytes)),
        Ok(_) => Ok(Err(BadManifest::Damaged)),
        Err(FileError { fault: FileFault::Device { .. }, .. }) => Ok(Err(BadManifest::Damaged)),
        Err(error) => Err(error),
    }
}
