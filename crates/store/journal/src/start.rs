//! From a finished recovery to a journal that takes records.

use std::sync::Arc;

use ternmq_env::{FileError, FileFault};

use crate::appender::Appender;
use crate::durable::Durable;
use crate::error::OpenError;
use crate::manifest::ManifestState;
use crate::reader::{Reader, Shared};
use crate::record::JournalPos;
use crate::recovery::{CutRun, Found, Recovery, RecoveryReport};
use crate::room::{Room, ignore_missing};
use crate::scan::{Damage, LogSource};
use crate::segment::{Entry, FileName, index_of};
use crate::writer::Writer;

/// A journal ready for use.
pub struct Opened {
    /// For the thread that makes records.
    pub appender: Appender,
    /// For the thread that writes.
    pub writer: Writer,
    /// For whoever reads single records.
    pub reader: Reader,
    /// What recovery found.
    pub report: RecoveryReport,
    /// Everything recovered, safe again.
    pub durable: Durable,
}

impl Recovery {
    /// Reads what is left of the log, makes its tail safe in files of its own, and starts a new run of segments.
    ///
    /// The tail of a log that was cut off is copied even though it could be read: the machine may hold it in memory
    /// only, after a sync that failed (F3b). Nothing is ever written to an old segment.
    ///
    /// # Errors
    /// See [`OpenError`]. Everything that was durable still is, and opening may be tried again.
    pub fn finish(mut self) -> Result<Opened, OpenError> {
        while self.read_next()?.is_some() {}
        let Self { found, options, lock, rng, walk } = self;
        let mut source = found.source();
        let Found { files, dir, manifest, names, epoch, keys, state: found_state } = found;
        let last_end = walk.report.end;
        let mut manifest = manifest;
        let old_entries = manifest.entries.clone();
        let clean_epoch = (manifest.clean_end != 0).then_some(manifest.epoch);
        // Epochs are counted by starts; a name with the last one was not made by any.
        manifest.epoch =
            epoch.checked_add(1).ok_or_else(|| OpenError::DamagedManifest { path: (&*dir).into() })?;
        manifest.generation = 0;
        manifest.clean_end = 0;
        let mut room = Room::new(files, dir, manifest, keys, rng, &options);
        let old_manifests = names.iter().filter(|name| is_manifest(name)).cloned();
        room.note_published(old_manifests);
        room.take_reserve()?;
        if found_state == ManifestState::None {
            // Segments without any manifest are then always damage, never an interrupted first start.
            room.with_reserve(Room::publish)?;
        }
        retire_unlisted(&mut room, &names, &old_entries, clean_epoch)?;
        let mut unreadable = Vec::new();
        for cut in &walk.cut {
            seal(&mut room, &mut source, cut, &walk.report.damage, &mut unreadable)?;
        }
        let size = room.manifest.segment_bytes;
        let start = room.manifest.next_index * size;
        room.manifest.durable = start;
        // Publishes the seals, the copies and the new segment in one step.
        let first = room.with_reserve(Room::prepare_now)?;
        retire_replaced(&mut room, &old_entries, &unreadable)?;
        room.rewrap_keys()?;
        let shared = Arc::new(Shared::new(&room, start));
        let durable = Durable::up_to(start);
        let report = RecoveryReport { end: last_end, ..walk.report };
        Ok(Opened {
            appender: Appender::new(&first.entry, JournalPos::new(start)),
            reader: Reader::new(shared.clone()),
            writer: Writer::new(room, shared, lock, first),
            report,
            durable,
        })
    }
}

fn is_manifest(name: &str) -> bool {
    matches!(FileName::parse(name), Some(FileName::Manifest { .. }))
}

/// Fixes the end of a run that was cut off. Segments from the first one that was not wholly synced are copied; names
/// of files that could not be copied in full are added to `unreadable`.
///
/// What recovery has read and cannot be read for the copy is no damage that anybody was told of, so it is an error: the
/// next start may read it again.
fn seal(
    room: &mut Room,
    source: &mut LogSource,
    cut: &CutRun,
    damage: &[Damage],
    unreadable: &mut Vec<String>,
) -> Result<(), FileError> {
    let size = room.manifest.segment_bytes;
    let epoch = room.manifest.epoch;
    let first_copied = index_of(cut.synced, size);
    for old in &cut.run.entries {
        let start = old.start(size);
        let place = room.manifest.entries.iter().position(|entry| entry.index == old.index);
        let Some(place) = place else { continue };
        if start >= cut.accepted {
            room.manifest.entries.remove(place);
            continue;
        }
        let sealed_bytes = (cut.accepted - start).min(size);
        let mut entry = Entry { sealed_bytes, ..*old };
        if old.index >= first_copied {
            entry.file_epoch = epoch;
            let mut log = vec![0; sealed_bytes as usize];
            source.read(&cut.run, start, &mut log)?;
            let end = start + sealed_bytes;
            if source.has_hole(start, end) {
                if damage.iter().all(|told| told.to.get() <= start || told.from.get() >= end) {
                    let text = "it could be read a moment ago".into();
                    let fault = FileFault::Device { code: 0, text };
                    return Err(FileError::new("read", &room.path(&old.file_name()), fault));
                }
                unreadable.push(old.file_name());
            }
            room.with_reserve(|room| room.install_copy(entry, &log))?;
        }
        if let Some(listed) = room.manifest.entries.get_mut(place) {
            *listed = entry;
        }
    }
    Ok(())
}

/// Cleans up what an earlier process left unfinished: files that no manifest in force ever named.
///
/// A spare is used again only when it is older than a clean stop. Of one that a life without such an end made, the room may
/// be there in memory only, after a sync that failed: once power is lost it would be a hole, and a hole in a segment is
/// damage (F3b).
fn retire_unlisted(
    room: &mut Room,
    names: &[String],
    old_entries: &[Entry],
    clean_epoch: Option<u32>,
) -> Result<(), FileError> {
    for name in names {
        match FileName::parse(name) {
            Some(FileName::Segment { .. }) if old_entries.iter().all(|entry| entry.file_name() != *name) => {
                room.retire(name)?;
            }
            Some(FileName::Spare { epoch, .. }) if clean_epoch.is_some_and(|clean| epoch <= clean) => {
                room.retire(name)?;
            }
            Some(FileName::Key(key)) if old_entries.iter().all(|entry| entry.key_name() != Some(key)) => {
                ignore_missing(room.files.remove(&room.path(name)))?;
            }
            Some(FileName::Spare { .. } | FileName::Draft { .. }) => {
                ignore_missing(room.files.remove(&room.path(name)))?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// Frees the files that the new manifest no longer names. One that could not be read in full keeps the only trace of
/// what was in it, so it is put aside for a person to look at (F5).
fn retire_replaced(room: &mut Room, old_entries: &[Entry], unreadable: &[String]) -> Result<(), FileError> {
    for old in old_entries {
        let name = old.file_name();
        let is_listed = room.manifest.entries.iter().any(|entry| entry.file_name() == name);
        if is_listed {
            continue;
        }
        if unreadable.contains(&name) {
            let renamed = room.files.rename(&room.path(&name), &room.path(&format!("damaged-{name}")));
            ignore_missing(renamed)?;
        } else {
            room.retire(&name)?;
        }
        room.retire_key(old)?;
    }
    Ok(())
}
