//! Opening: find the manifest, yield what the log holds, then start a new run for new records.

use std::sync::Arc;

use ternmq_env::{DirectoryLock, FileError, FileFault, Files, Rng, read_full};

use crate::cipher::Encryption;
use crate::error::OpenError;
use crate::keyring::Keyring;
use crate::manifest::{self, Loaded, Manifest, ManifestState, is_addressable};
use crate::options::Options;
use crate::record::JournalPos;
use crate::scan::{Damage, LogSource, Run, Scan, Step};
use crate::segment::{Entry, FORMAT, FileName, PAGE_BYTES};

/// What recovery yields, in the order of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovered<'a> {
    /// A record, bit-exact. Records of a group follow one another without anything between.
    Record {
        /// Where it starts.
        position: JournalPos,
        /// As given to the appender.
        kind: u8,
        /// Bytes that it takes in the log, header and all.
        len_bytes: u32,
        /// True for the last record of its group.
        ends_group: bool,
        /// As given to the appender.
        payload: &'a [u8],
    },
    /// Records are missing here that had been durable (F5). The log goes on behind.
    Damage(Damage),
}

/// What recovery found, for the log of the node and for a doctor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Which manifest was used.
    pub manifest: ManifestState,
    /// Where reading started.
    pub start: JournalPos,
    /// Where the log ended.
    pub end: JournalPos,
    /// Records yielded.
    pub records: u64,
    /// Bytes of payload yielded.
    pub payload_bytes: u64,
    /// The log was closed, not cut off.
    pub was_clean: bool,
    /// Where bad bytes ended a log that was cut off; what was there had never been reported durable.
    pub torn_at: Option<JournalPos>,
    /// Every gap, in order.
    pub damage: Vec<Damage>,
    /// Segments of the log that are encrypted.
    pub encrypted_segments: usize,
    /// Segments of the log that are plain.
    pub plain_segments: usize,
    /// Data keys that are wrapped under the former key of the operator. Once the journal is open they are wrapped under the
    /// current one, and the former one opens nothing any more.
    pub former_key_segments: usize,
}

/// How a run that was cut off ended; its tail has to be made safe.
#[derive(Clone, Debug)]
pub(crate) struct CutRun {
    pub(crate) run: Run,
    /// Where its last whole group ends.
    pub(crate) accepted: u64,
    /// Everything below was durable before the cut.
    pub(crate) synced: u64,
}

/// Everything found at opening that a new run builds on.
pub(crate) struct Found {
    pub(crate) files: Arc<dyn Files>,
    pub(crate) dir: Arc<str>,
    /// The manifest in force; of a new journal an empty one.
    pub(crate) manifest: Manifest,
    pub(crate) state: ManifestState,
    /// Highest epoch that any file names.
    pub(crate) epoch: u32,
    pub(crate) names: Vec<String>,
    pub(crate) keys: Arc<Keyring>,
}

impl Found {
    /// The log, to be read.
    pub(crate) fn source(&self) -> LogSource {
        let (files, dir) = (self.files.clone(), self.dir.clone());
        LogSource::new(files, dir, self.manifest.segment_bytes, self.keys.clone())
    }
}

/// A journal being opened: yields its records, and becomes a journal to write to by [`Recovery::finish`].
pub struct Recovery {
    pub(crate) found: Found,
    pub(crate) options: Options,
    pub(crate) lock: Box<dyn DirectoryLock>,
    pub(crate) rng: Box<dyn Rng>,
    pub(crate) walk: Walk,
}

/// Opens the journal for recovery and takes the data directory for this process. Marks, data keys and the nonces of their
/// wraps are drawn from `rng`, which has to be fit for secrets.
///
/// # Errors
/// See [`OpenError`]. Nothing that a journal holds is changed.
pub fn open(files: Arc<dyn Files>, rng: Box<dyn Rng>, options: Options) -> Result<Recovery, OpenError> {
    options.check()?;
    let lock = files.lock()?;
    files.create_dir(&options.directory)?;
    let found = find(files, &options.directory, options.segment_bytes, &options.encryption)?;
    let walk = Walk::new(&found);
    Ok(Recovery { found, options, lock, rng, walk })
}

/// Reads the manifest in force without changing anything.
pub(crate) fn find(
    files: Arc<dyn Files>,
    dir: &str,
    segment_bytes: u64,
    encryption: &Encryption,
) -> Result<Found, OpenError> {
    let names = files.list(dir)?;
    let kinds = || names.iter().filter_map(|name| FileName::parse(name));
    let epoch = kinds().map(FileName::epoch).max().unwrap_or(0);
    let has_segments = kinds().any(|kind| matches!(kind, FileName::Segment { .. }));
    let (manifest, state) = match manifest::load(&*files, dir, &names)? {
        Loaded::NewerFormat { found } => return Err(OpenError::NewerFormat { found, known: FORMAT }),
        Loaded::Damaged { name } => return Err(OpenError::DamagedManifest { path: format!("{dir}/{name}") }),
        Loaded::None if has_segments => return Err(OpenError::DamagedManifest { path: dir.into() }),
        Loaded::None => (empty_manifest(segment_bytes), ManifestState::None),
        Loaded::Found { mut manifest, state } => {
            if state == ManifestState::Older {
                adopt(&*files, dir, &names, &mut manifest)?;
            }
            (manifest, state)
        }
    };
    let keys = Arc::new(Keyring::load(&*files, dir, &manifest.entries, encryption)?);
    Ok(Found { files, dir: dir.into(), manifest, state, epoch, names, keys })
}

fn empty_manifest(segment_bytes: u64) -> Manifest {
    Manifest {
        epoch: 0,
        generation: 0,
        segment_bytes,
        checkpoint: 0,
        durable: 0,
        clean_end: 0,
        // The log starts in segment 1, so that zero is never the position of a record.
        next_index: 1,
        entries: Vec::new(),
    }
}

/// Brings an older manifest up to what the directory holds: files that it names and that are gone were released since,
/// files with an intact header that it does not name were added since.
fn adopt(files: &dyn Files, dir: &str, names: &[String], manifest: &mut Manifest) -> Result<(), FileError> {
    manifest.entries.retain(|entry| names.contains(&entry.file_name()));
    for name in names {
        let Some(FileName::Segment { index, epoch }) = FileName::parse(name) else { continue };
        if !is_addressable(index, manifest.segment_bytes) {
            continue;
        }
        let known = manifest.entries.binary_search_by_key(&index, |entry| entry.index);
        if known.is_ok_and(|at| manifest.entries.get(at).is_some_and(|entry| entry.file_epoch >= epoch)) {
            continue;
        }
        let mut page = vec![0; PAGE_BYTES as usize];
        match files.open(&format!("{dir}/{name}")).and_then(|file| read_full(&*file, &mut page, 0)) {
            Ok(_) => {}
            Err(error) if matches!(error.fault, FileFault::Device { .. } | FileFault::NotFound) => continue,
            Err(error) => return Err(error),
        }
        let entry =
            Entry::decode_page(&page).filter(|entry| (entry.index, entry.file_epoch) == (index, epoch));
        match (entry, known) {
            (Some(entry), Ok(at)) => manifest.entries.get_mut(at).into_iter().for_each(|old| *old = entry),
            (Some(entry), Err(at)) => manifest.entries.insert(at, entry),
            (None, _) => {}
        }
        manifest.next_index = manifest.next_index.max(index.saturating_add(1));
    }
    manifest.clean_end = 0;
    manifest.entries.iter_mut().try_for_each(|entry| adopt_end(files, dir, manifest.segment_bytes, entry))
}

/// Only a clean stop makes a segment's file shorter, so its length tells the end that the lost manifest knew.
fn adopt_end(files: &dyn Files, dir: &str, segment_bytes: u64, entry: &mut Entry) -> Result<(), FileError> {
    if entry.is_open_ended() {
        let log_bytes =
            files.open(&format!("{dir}/{}", entry.file_name()))?.len_bytes()?.saturating_sub(PAGE_BYTES);
        if log_bytes < segment_bytes {
            entry.sealed_bytes = log_bytes;
        }
    }
    Ok(())
}

/// The state of walking through all runs from the checkpoint on.
pub(crate) struct Walk {
    scan: Option<Scan>,
    waiting: std::vec::IntoIter<Run>,
    /// Next record to yield of the group found last.
    next_in_group: usize,
    pub(crate) cut: Vec<CutRun>,
    pub(crate) report: RecoveryReport,
}

impl Walk {
    pub(crate) fn new(found: &Found) -> Self {
        let manifest = &found.manifest;
        let mut runs = Run::all_of(manifest);
        runs.retain(|run| run.end > manifest.checkpoint);
        let mut waiting = runs.into_iter();
        let first = waiting.next();
        let start = first.as_ref().map_or(manifest.checkpoint, |run| run.start.max(manifest.checkpoint));
        let encrypted_segments = manifest.entries.iter().filter(|entry| entry.is_encrypted).count();
        Self {
            scan: first.map(|run| Scan::new(found.source(), run, start)),
            waiting,
            next_in_group: 0,
            cut: Vec::new(),
            report: RecoveryReport {
                manifest: found.state,
                start: JournalPos::new(start),
                end: JournalPos::new(start),
                records: 0,
                payload_bytes: 0,
                was_clean: manifest.clean_end != 0 || found.state == ManifestState::None,
                torn_at: None,
                damage: Vec::new(),
                encrypted_segments,
                plain_segments: manifest.entries.len() - encrypted_segments,
                former_key_segments: found.keys.stale_count(),
            },
        }
    }

    pub(crate) fn read_next(&mut self) -> Result<Option<Recovered<'_>>, FileError> {
        loop {
            let Some(scan) = &mut self.scan else { return Ok(None) };
            if self.next_in_group < scan.group().len() {
                return Ok(self.next_record());
            }
            self.next_in_group = 0;
            match scan.step()? {
                Step::Group => {}
                Step::Damage(damage) => {
                    self.report.damage.push(damage);
                    self.report.end = damage.to;
                    return Ok(Some(Recovered::Damage(damage)));
                }
                Step::End { accepted, torn } => self.end_run(accepted, torn),
            }
        }
    }

    fn next_record(&mut self) -> Option<Recovered<'_>> {
        let scan = self.scan.as_ref()?;
        let header = scan.group().get(self.next_in_group)?;
        self.next_in_group += 1;
        let payload = scan.payload(header);
        let position = JournalPos::new(header.position);
        self.report.records += 1;
        self.report.payload_bytes += payload.len() as u64;
        let len_bytes = header.span_bytes();
        self.report.end = JournalPos::new(header.position + len_bytes);
        let ends_group = !header.place().is_continued;
        Some(Recovered::Record {
            position,
            kind: header.kind,
            len_bytes: len_bytes as u32,
            ends_group,
            payload,
        })
    }

    fn end_run(&mut self, accepted: u64, torn: Option<u64>) {
        let Some(scan) = &mut self.scan else { return };
        self.report.torn_at = torn.map(JournalPos::new).or(self.report.torn_at);
        if !scan.run.is_sealed {
            // Witness beyond the accepted end can come from damage that no record follows.
            let synced = scan.synced.min(accepted);
            self.cut.push(CutRun { run: scan.run.clone(), accepted, synced });
        }
        match self.waiting.next() {
            Some(run) => {
                let start = run.start;
                scan.enter(run, start);
            }
            None => self.scan = None,
        }
    }
}

impl Recovery {
    /// Next record or gap; `None` at the end of the log.
    ///
    /// # Errors
    /// The disk refused in a way that is no damage (no permission, for example); asking again goes on.
    pub fn read_next(&mut self) -> Result<Option<Recovered<'_>>, OpenError> {
        Ok(self.walk.read_next()?)
    }

    /// What was found so far; complete when [`Recovery::read_next`] has answered `None`.
    #[must_use]
    pub fn report(&self) -> &RecoveryReport {
        &self.walk.report
    }

    /// Segment size of this journal, which may differ from the option's.
    #[must_use]
    pub fn segment_bytes(&self) -> u64 {
        self.found.manifest.segment_bytes
    }
}
