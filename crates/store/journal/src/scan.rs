//! Reads the log in order and judges what is not valid: the torn end of a crash, or damage (F5).
//!
//! The log falls into runs: unbroken ranges of positions written by one process. In a run whose end is known every
//! bad byte is damage. In the one that was being written when the process died, the first bad record ends the log,
//! unless something proves that it had been durable: a later valid record with a higher `synced`, the `durable` of
//! the manifest, or a segment that was sealed behind it. Bytes that the device cannot give are damage, too. Later records
//! are looked for up to the limit of the segment, above which its writer had not got.
//!
//! An encrypted record is valid when its sum is right and its tag is (S13). One whose sum alone is right was written whole,
//! so no crash tore it: that is damage, wherever it lies. So are all records of a segment whose key is lost.

use std::ops::Range;
use std::sync::Arc;

use ternmq_env::{File, FileError, FileFault, Files, read_full};

use crate::cipher::CipherKey;
use crate::keyring::Keyring;
use crate::limit::{NOTE_BYTES, NOTE_OFFSET, decode_note};
use crate::manifest::Manifest;
use crate::record::{ALIGN_BYTES, HEADER_BYTES, Header, JournalPos};
use crate::segment::{Entry, PAGE_BYTES, SegmentIndex, index_of};

/// Bytes asked of the disk in one go.
const READ_AHEAD_BYTES: usize = 256 * 1024;
/// When a read fails, the readable pages around the bad one are still wanted.
const RETRY_BYTES: usize = 4096;

/// A range of the log that was durable once and is not what was written. Nothing in it was yielded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage {
    /// Where the first record (or group) that cannot be read starts.
    pub from: JournalPos,
    /// Where the log is valid again.
    pub to: JournalPos,
    /// Segment of `from`.
    pub segment: SegmentIndex,
}

/// An unbroken range of positions.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) mark: u32,
    /// Below this everything was durable once, whatever the records say.
    pub(crate) proven: u64,
    /// The end is known: nothing up to it may be missing.
    pub(crate) is_sealed: bool,
    /// The run goes on in a segment that was released, so its last record may not be whole.
    pub(crate) is_cut_off: bool,
    pub(crate) entries: Vec<Entry>,
}

impl Run {
    /// The segment in which a position of the run lies.
    fn entry_of(&self, position: u64, segment_bytes: u64) -> Option<&Entry> {
        let first = self.entries.first()?.index;
        self.entries.get(index_of(position, segment_bytes).checked_sub(first)? as usize)
    }

    pub(crate) fn all_of(manifest: &Manifest) -> Vec<Self> {
        let size = manifest.segment_bytes;
        let mut runs: Vec<Self> = Vec::new();
        for entry in &manifest.entries {
            let (start, end) = (entry.start(size), entry.end(size));
            let proven = if entry.is_open_ended() { manifest.durable.clamp(start, end) } else { end };
            match runs.last_mut() {
                Some(run) if run.end == start && run.mark == entry.mark() => {
                    run.end = end;
                    run.proven = if proven > start { proven } else { run.proven };
                    run.is_sealed = !entry.is_open_ended();
                    run.entries.push(*entry);
                }
                _ => runs.push(Self {
                    start,
                    end,
                    mark: entry.mark(),
                    proven,
                    is_sealed: !entry.is_open_ended(),
                    is_cut_off: false,
                    entries: vec![*entry],
                }),
            }
        }
        runs
    }
}

/// Reads bytes of the log through the files of its segments.
pub(crate) struct LogSource {
    pub(crate) files: Arc<dyn Files>,
    pub(crate) dir: Arc<str>,
    pub(crate) segment_bytes: u64,
    keys: Arc<Keyring>,
    /// Ranges of the log that could not be read at all, in the order of reading.
    holes: Vec<Range<u64>>,
    opened: Option<(Entry, Option<Arc<dyn File>>)>,
}

impl LogSource {
    pub(crate) fn new(files: Arc<dyn Files>, dir: Arc<str>, segment_bytes: u64, keys: Arc<Keyring>) -> Self {
        Self { files, dir, segment_bytes, keys, holes: Vec::new(), opened: None }
    }

    /// Fills `bytes` from a position inside the run. Bytes that no longer exist, or that the device cannot read, are
    /// zero: no record is valid there.
    pub(crate) fn read(&mut self, run: &Run, position: u64, bytes: &mut [u8]) -> Result<(), FileError> {
        let mut rest = bytes;
        let mut at = position;
        while !rest.is_empty() {
            let index = index_of(at, self.segment_bytes);
            let inside = at % self.segment_bytes;
            let count = (self.segment_bytes - inside).min(rest.len() as u64) as usize;
            let (piece, left) = rest.split_at_mut(count);
            match self.file_of(run, index)? {
                Some(file) => self.read_file(&*file, at, piece)?,
                None => {
                    piece.fill(0);
                    self.note_hole(at, at + count as u64);
                }
            }
            rest = left;
            at += count as u64;
        }
        Ok(())
    }

    fn read_file(&mut self, file: &dyn File, position: u64, bytes: &mut [u8]) -> Result<(), FileError> {
        let offset = PAGE_BYTES + position % self.segment_bytes;
        match read_full(file, bytes, offset) {
            Ok(count) => {
                self.pad(position, bytes, count);
                Ok(())
            }
            Err(error) if !matches!(error.fault, FileFault::Device { .. }) => Err(error),
            Err(_) => {
                let mut passed = 0;
                for page in bytes.chunks_mut(RETRY_BYTES) {
                    let count = read_full(file, page, offset + passed).unwrap_or(0);
                    self.pad(position + passed, page, count);
                    passed += page.len() as u64;
                }
                Ok(())
            }
        }
    }

    /// Zeroes what did not come of a read.
    fn pad(&mut self, position: u64, bytes: &mut [u8], count: usize) {
        if count < bytes.len() {
            self.note_hole(position + count as u64, position + bytes.len() as u64);
            bytes.iter_mut().skip(count).for_each(|byte| *byte = 0);
        }
    }

    fn note_hole(&mut self, start: u64, end: u64) {
        match self.holes.last_mut() {
            Some(last) if last.end == start => last.end = end,
            _ => self.holes.push(start..end),
        }
    }

    /// True when a part of this range could not be read.
    pub(crate) fn has_hole(&self, from: u64, to: u64) -> bool {
        self.hole_end(from, to).is_some()
    }

    /// Where what could not be read of this range ends.
    fn hole_end(&self, from: u64, to: u64) -> Option<u64> {
        let holes = self.holes.iter().filter(|hole| hole.start < to && hole.end > from);
        holes.map(|hole| hole.end).max()
    }

    /// Where in a segment nothing was written any more, if the segment says so.
    fn limit_of(&mut self, run: &Run, index: u64) -> Result<Option<u64>, FileError> {
        let file = self.file_of(run, index)?;
        let Some((file, (entry, _))) = file.zip(self.opened.as_ref()) else { return Ok(None) };
        let mut note = [0; NOTE_BYTES];
        match read_full(&*file, &mut note, NOTE_OFFSET) {
            Ok(_) => Ok(decode_note(&note, entry)),
            Err(error) if matches!(error.fault, FileFault::Device { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn file_of(&mut self, run: &Run, index: u64) -> Result<Option<Arc<dyn File>>, FileError> {
        let Some(entry) = run.entry_of(index * self.segment_bytes, self.segment_bytes) else {
            return Ok(None);
        };
        if let Some((opened, file)) = &self.opened
            && opened == entry
        {
            return Ok(file.clone());
        }
        let file = match self.files.open(&format!("{}/{}", self.dir, entry.file_name())) {
            Ok(file) => Some(file),
            Err(error) if matches!(error.fault, FileFault::NotFound | FileFault::Device { .. }) => None,
            Err(error) => return Err(error),
        };
        self.opened = Some((*entry, file.clone()));
        Ok(file)
    }
}

/// A part of the log in memory that moves forward.
struct Window {
    bytes: Vec<u8>,
    start: u64,
    filled: usize,
}

impl Window {
    fn end(&self) -> u64 {
        self.start + self.filled as u64
    }

    fn from(&self, position: u64) -> &[u8] {
        let skip = position.checked_sub(self.start).map_or(self.filled, |skip| skip as usize);
        self.bytes.get(skip.min(self.filled)..self.filled).unwrap_or_default()
    }

    /// Makes the bytes from `position` up to `until` present and lets go of those before `keep`.
    fn reach(&mut self, source: &mut LogSource, run: &Run, keep: u64, until: u64) -> Result<(), FileError> {
        if keep < self.start || keep > self.end() {
            self.start = keep;
            self.filled = 0;
        }
        if until <= self.end() {
            return Ok(());
        }
        let skip = (keep - self.start) as usize;
        self.bytes.copy_within(skip..self.filled, 0);
        self.start = keep;
        self.filled -= skip;
        let wanted = (until - self.end()).max(READ_AHEAD_BYTES as u64).min(run.end - self.end()) as usize;
        let needed = self.filled + wanted;
        if self.bytes.len() < needed {
            self.bytes.resize(needed, 0);
        }
        let at = self.end();
        if let Some(target) = self.bytes.get_mut(self.filled..needed) {
            source.read(run, at, target)?;
        }
        self.filled = needed;
        Ok(())
    }
}

/// One step of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A whole group of valid records, see [`Scan::group`].
    Group,
    /// A gap; the scan goes on behind it.
    Damage(Damage),
    /// The run is over.
    End {
        /// Where its last whole group ends.
        accepted: u64,
        /// Where a record or group that was being written ends a log that nobody closed.
        torn: Option<u64>,
    },
}

/// Walks one run, group by group.
pub(crate) struct Scan {
    pub(crate) source: LogSource,
    pub(crate) run: Run,
    window: Window,
    position: u64,
    accepted: u64,
    /// Highest `synced` of any valid record seen.
    pub(crate) synced: u64,
    group: Vec<Header>,
    /// Of an encrypted run: the group found last, payloads decrypted, each record as far from the start as in the log.
    plain: Vec<u8>,
    /// The key of the segment looked at last.
    key: Option<(Entry, Option<Arc<CipherKey>>)>,
}

/// What a look at one position found.
enum Found {
    Valid(Header),
    /// The header of a record that does not end inside the run.
    CutOff,
    Bad,
    /// A record whose sum is right and that does not open with the key of its segment.
    Sealed(Header),
}

impl Scan {
    pub(crate) fn new(source: LogSource, run: Run, position: u64) -> Self {
        let window = Window { bytes: Vec::new(), start: position, filled: 0 };
        let synced = run.proven;
        let (group, plain) = (Vec::new(), Vec::new());
        Self { source, run, window, position, accepted: position, synced, group, plain, key: None }
    }

    /// Goes on in another run from a position in it.
    pub(crate) fn enter(&mut self, run: Run, position: u64) {
        self.synced = run.proven;
        self.run = run;
        self.window.start = position;
        self.window.filled = 0;
        self.position = position;
        self.accepted = position;
        self.group.clear();
    }

    /// Where the next group is looked for.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Headers of the group found last.
    pub(crate) fn group(&self) -> &[Header] {
        &self.group
    }

    /// Payload of a record of the group found last.
    pub(crate) fn payload(&self, header: &Header) -> &[u8] {
        let record = if header.is_encrypted() {
            let start = self.group.first().map_or(header.position, |first| first.position);
            self.plain.get((header.position - start) as usize..).unwrap_or_default()
        } else {
            self.window.from(header.position)
        };
        let end = header.content_bytes().saturating_sub(header.tag_bytes());
        record.get(HEADER_BYTES..end).unwrap_or_default()
    }

    /// Finds the first place at or after the current one where a group starts; used where the start is not known.
    pub(crate) fn seek_group(&mut self) -> Result<u64, FileError> {
        let from = self.position;
        if let Found::Valid(header) = self.look(from, from)?
            && !header.place().is_joined
        {
            return Ok(from);
        }
        let found = self.search(from, u64::MAX, self.run.end)?;
        self.position = found.resume.unwrap_or(self.run.end);
        Ok(self.position)
    }

    pub(crate) fn step(&mut self) -> Result<Step, FileError> {
        self.group.clear();
        let start = self.position;
        let mut at = start;
        loop {
            if at >= self.run.end && self.group.is_empty() {
                return Ok(Step::End { accepted: self.accepted, torn: None });
            }
            let header = match self.look(start, at)? {
                Found::Valid(header) if header.place().is_joined != self.group.is_empty() => header,
                Found::CutOff if self.run.is_cut_off => {
                    return Ok(Step::End { accepted: self.accepted, torn: None });
                }
                Found::Sealed(_) => return self.judge(start, at, true),
                Found::Valid(_) | Found::CutOff | Found::Bad => return self.judge(start, at, false),
            };
            self.group.push(header);
            at += header.span_bytes();
            if !header.place().is_continued {
                self.synced = self.synced.max(header.synced);
                self.position = at;
                self.accepted = at;
                return Ok(Step::Group);
            }
        }
    }

    /// Looks at one position, keeping the window from `keep` on.
    fn look(&mut self, keep: u64, at: u64) -> Result<Found, FileError> {
        if at + HEADER_BYTES as u64 > self.run.end {
            return Ok(Found::CutOff);
        }
        self.window.reach(&mut self.source, &self.run, keep, at + HEADER_BYTES as u64)?;
        let Some(header) = self.decode_at(at) else { return Ok(Found::Bad) };
        if at.saturating_add(header.span_bytes()) > self.run.end {
            return Ok(Found::CutOff);
        }
        self.window.reach(&mut self.source, &self.run, keep, at + header.span_bytes())?;
        if !header.is_intact(self.window.from(at)) {
            return Ok(Found::Bad);
        }
        if header.is_encrypted() && !self.decrypt(keep, &header) {
            return Ok(Found::Sealed(header));
        }
        Ok(Found::Valid(header))
    }

    fn decode_at(&self, at: u64) -> Option<Header> {
        let header = Header::decode(self.window.from(at))?;
        let is_here = header.position == at && header.mark == self.run.mark;
        let entry = self.run.entry_of(at, self.source.segment_bytes)?;
        (is_here && header.is_encrypted() == entry.is_encrypted).then_some(header)
    }

    /// Puts the decrypted record into `plain`, which starts at `keep`. False when it cannot be decrypted.
    fn decrypt(&mut self, keep: u64, header: &Header) -> bool {
        let at = (header.position - keep) as usize;
        self.plain.resize(at + header.span_bytes() as usize, 0);
        let Some(entry) = self.run.entry_of(header.position, self.source.segment_bytes) else { return false };
        if self.key.as_ref().is_none_or(|(known, _)| known != entry) {
            self.key = Some((*entry, self.source.keys.of(entry)));
        }
        let Some((_, Some(key))) = &self.key else { return false };
        let content = header.content_bytes();
        let stored = self.window.from(header.position).get(HEADER_BYTES..content).unwrap_or_default();
        let end = content.saturating_sub(header.tag_bytes());
        let plain = self.plain.get_mut(at + HEADER_BYTES..at + end).unwrap_or_default();
        key.open_record(header, stored, plain)
    }

    /// Decides what a bad record means. `start` is where its group began. One that was written whole is damage.
    fn judge(&mut self, start: u64, bad: u64, is_whole: bool) -> Result<Step, FileError> {
        self.group.clear();
        let begun = Header::decode(self.window.from(bad)).filter(|header| header.position == bad);
        let was_begun = start != bad || begun.is_some();
        // What cannot be read is not absent: a segment is allocated and synced before it is used.
        let end = bad + begun.map_or(HEADER_BYTES as u64, |header| header.span_bytes());
        let unreadable = self.source.hole_end(bad, end);
        let is_known = self.run.is_sealed || bad < self.run.proven || unreadable.is_some() || is_whole;
        if !is_known {
            let until = self.limit_behind(bad)?;
            let found = self.search(bad, bad, until)?;
            if !found.is_proven {
                self.position = self.run.end;
                let is_torn = was_begun || found.resume.is_some();
                return Ok(Step::End { accepted: self.accepted, torn: is_torn.then_some(bad) });
            }
        }
        // Where there is damage the limits of segments are not relied on: only looking shows what is left.
        let found = self.search(bad, bad, self.run.end)?;
        // Without a valid record behind it, the damage reaches as far as anything was known to be durable, and over
        // all that cannot be read.
        let whole_end = if is_whole { end } else { bad + ALIGN_BYTES };
        let reach = self.synced.max(whole_end).max(found.sealed_end).max(unreadable.unwrap_or(0));
        let known_end = if self.run.is_sealed { self.run.end } else { reach.next_multiple_of(ALIGN_BYTES) };
        let to = found.resume.unwrap_or(known_end.min(self.run.end));
        self.position = if found.resume.is_some() { to } else { self.run.end };
        self.accepted = to;
        let segment = SegmentIndex::new(index_of(start, self.source.segment_bytes));
        Ok(Step::Damage(Damage { from: JournalPos::new(start), to: JournalPos::new(to), segment }))
    }

    /// Where nothing was written any more when the process died, as far as the limits of the segments tell: the first
    /// limit behind `bad` inside a segment, since segments are written one after the other. One that is lower than
    /// `bad` was passed by valid records, so it is wrong and none is believed.
    fn limit_behind(&mut self, bad: u64) -> Result<u64, FileError> {
        let size = self.source.segment_bytes;
        let mut index = index_of(bad, size);
        while index * size < self.run.end {
            match self.source.limit_of(&self.run, index)? {
                Some(limit) if limit < bad => break,
                Some(limit) if limit < (index + 1) * size => return Ok(limit.min(self.run.end)),
                Some(_) => index += 1,
                None => break,
            }
        }
        Ok(self.run.end)
    }

    /// Looks behind a bad record for valid ones that start before `until`: the first that starts a group, and one that
    /// bears witness that the bad one had been durable.
    fn search(&mut self, bad: u64, witness_above: u64, until: u64) -> Result<Search, FileError> {
        let is_proven = self.run.is_sealed || bad < self.run.proven;
        let mut found = Search { resume: None, is_proven, sealed_end: bad };
        let mut at = (bad + 1).next_multiple_of(ALIGN_BYTES);
        while at + HEADER_BYTES as u64 <= until {
            at = self.skip_to_candidate(at, until)?;
            let header = match self.look(at, at)? {
                Found::Valid(header) => header,
                Found::Sealed(header) => {
                    at += header.span_bytes();
                    found.is_proven = true;
                    found.sealed_end = at;
                    continue;
                }
                Found::CutOff | Found::Bad => {
                    at += ALIGN_BYTES;
                    continue;
                }
            };
            self.synced = self.synced.max(header.synced);
            found.is_proven |= header.synced > witness_above;
            if !header.place().is_joined && found.resume.is_none() {
                found.resume = Some(at);
            }
            if found.resume.is_some() && (found.is_proven || witness_above == u64::MAX) {
                break;
            }
            at += header.span_bytes();
        }
        Ok(found)
    }

    /// Next place from `at` on whose header names its own position, or one behind the last that a header before `until`
    /// could have.
    fn skip_to_candidate(&mut self, at: u64, until: u64) -> Result<u64, FileError> {
        let mut at = at;
        while at + HEADER_BYTES as u64 <= until {
            self.window.reach(&mut self.source, &self.run, at, at + HEADER_BYTES as u64)?;
            let bytes = self.window.from(at);
            let places = bytes.len().saturating_sub(HEADER_BYTES) / ALIGN_BYTES as usize + 1;
            match place_named(bytes.get(8..).unwrap_or_default(), places, at) {
                Some(skip) => return Ok(at + skip),
                None => at += places as u64 * ALIGN_BYTES,
            }
        }
        Ok(at)
    }
}

struct Search {
    resume: Option<u64>,
    is_proven: bool,
    /// Where the last record ends that was written whole and does not open.
    sealed_end: u64,
}

/// Offset of the first of `places` headers, one every 8 bytes from `at` on, that names its own position. `positions` starts
/// where the first header has its position. A start after a crash looks at a whole segment so: one comparison a place.
fn place_named(positions: &[u8], places: usize, at: u64) -> Option<u64> {
    let (lanes, _) = positions.as_chunks::<{ ALIGN_BYTES as usize }>();
    let mut expected = at;
    for lane in lanes.iter().take(places) {
        if u64::from_le_bytes(*lane) == expected {
            return Some(expected - at);
        }
        expected += ALIGN_BYTES;
    }
    None
}
