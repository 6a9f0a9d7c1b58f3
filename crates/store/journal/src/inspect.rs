//! Looks at a whole journal and changes nothing; for the doctor.

use std::sync::Arc;

use ternmq_env::{FileFault, Files, read_full};

use crate::cipher::Encryption;
use crate::error::OpenError;
use crate::manifest::ManifestState;
use crate::record::JournalPos;
use crate::recovery::{Found, find};
use crate::scan::{Damage, Run, Scan, Step};
use crate::segment::{Entry, PAGE_BYTES, SegmentIndex};

/// One segment as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentReport {
    /// Its number.
    pub index: SegmentIndex,
    /// Its file, relative to the data directory.
    pub path: String,
    /// Length of the file; `None` when it is missing.
    pub file_bytes: Option<u64>,
    /// Bytes of log that count; `None` while the segment is not sealed.
    pub sealed_bytes: Option<u64>,
    /// True when the header page is intact and says what the manifest says.
    pub header_is_intact: bool,
    /// The payloads are encrypted.
    pub is_encrypted: bool,
    /// The key file is missing or rotten: nothing in an encrypted segment can be read.
    pub key_is_lost: bool,
}

/// What [`inspect`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InspectReport {
    /// Which manifest is in force.
    pub manifest: ManifestState,
    /// Number of starts of this journal.
    pub epoch: u32,
    /// Bytes of log in one segment.
    pub segment_bytes: u64,
    /// Where recovery would start.
    pub checkpoint: JournalPos,
    /// The log was closed, not cut off.
    pub was_clean: bool,
    /// Oldest first.
    pub segments: Vec<SegmentReport>,
    /// Valid records, those before the checkpoint too.
    pub records: u64,
    /// Bytes of payload in them.
    pub payload_bytes: u64,
    /// Where the log ends.
    pub end: JournalPos,
    /// Where something half-written ends a log that was cut off; the next start drops it.
    pub torn_at: Option<JournalPos>,
    /// Every range that had been durable and cannot be read.
    pub damage: Vec<Damage>,
}

/// Checks every segment and record of a journal in `directory` of a node that does not run. What is encrypted is
/// decrypted with the keys in `encryption`.
///
/// # Errors
/// See [`OpenError`]; damage of segments is no error but part of the report.
pub fn inspect(
    files: Arc<dyn Files>,
    directory: &str,
    encryption: &Encryption,
) -> Result<InspectReport, OpenError> {
    let found = find(files, directory, 4096, encryption)?;
    let manifest = &found.manifest;
    let mut report = InspectReport {
        manifest: found.state,
        epoch: found.epoch,
        segment_bytes: manifest.segment_bytes,
        checkpoint: JournalPos::new(manifest.checkpoint),
        was_clean: manifest.clean_end != 0 || found.state == ManifestState::None,
        segments: Vec::new(),
        records: 0,
        payload_bytes: 0,
        end: JournalPos::new(manifest.checkpoint),
        torn_at: None,
        damage: Vec::new(),
    };
    for entry in &manifest.entries {
        report.segments.push(inspect_file(&found, entry)?);
    }
    for run in Run::all_of(manifest) {
        inspect_run(&found, run, &mut report)?;
    }
    Ok(report)
}

fn inspect_file(found: &Found, entry: &Entry) -> Result<SegmentReport, OpenError> {
    let path = format!("{}/{}", found.dir, entry.file_name());
    let mut report = SegmentReport {
        index: SegmentIndex::new(entry.index),
        path,
        file_bytes: None,
        sealed_bytes: (!entry.is_open_ended()).then_some(entry.sealed_bytes),
        header_is_intact: false,
        is_encrypted: entry.is_encrypted,
        key_is_lost: entry.is_encrypted && found.keys.of(entry).is_none(),
    };
    let file = match found.files.open(&report.path) {
        Err(error) if error.fault == FileFault::NotFound => return Ok(report),
        opened => opened?,
    };
    report.file_bytes = Some(file.len_bytes()?);
    let mut page = vec![0; PAGE_BYTES as usize];
    let is_read = read_full(&*file, &mut page, 0).is_ok();
    // The header of a segment that was written to still says that it is open.
    let is_same = |header: Entry| Entry { sealed_bytes: entry.sealed_bytes, ..header } == *entry;
    report.header_is_intact = is_read && Entry::decode_page(&page).is_some_and(is_same);
    Ok(report)
}

fn inspect_run(found: &Found, run: Run, report: &mut InspectReport) -> Result<(), OpenError> {
    let source = found.source();
    let start = run.start;
    // Behind a released segment the first record may have begun in what is gone.
    let is_cut = start < found.manifest.checkpoint;
    let is_cut_off =
        run.end <= found.manifest.checkpoint && run.end.is_multiple_of(found.manifest.segment_bytes);
    let mut scan = Scan::new(source, Run { is_cut_off, ..run }, start);
    if is_cut {
        scan.seek_group()?;
    }
    loop {
        match scan.step()? {
            Step::Group => {
                report.records += scan.group().len() as u64;
                let bytes = scan.group().iter().map(|header| scan.payload(header).len() as u64);
                report.payload_bytes += bytes.sum::<u64>();
            }
            Step::Damage(damage) => report.damage.push(damage),
            Step::End { accepted, torn } => {
                report.end = report.end.max(JournalPos::new(accepted));
                report.torn_at = torn.map(JournalPos::new).or(report.torn_at);
                return Ok(());
            }
        }
    }
}
