//! Checks what was written long ago while the journal is in use, piece by piece, so that rot is known before somebody
//! needs the message (F5).

use std::sync::Arc;
use std::sync::atomic::Ordering;

use ternmq_env::FileError;

use crate::reader::{Reader, Shared};
use crate::scan::{Damage, LogSource, Run, Scan, Step};
use crate::segment::{Entry, index_of};

/// About so much is checked in one step.
const STEP_BYTES: u64 = 1 << 20;

/// What one step of a [`Scrub`] did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScrubStep {
    /// So many bytes are as they were written. At most about 1 MiB, or one group of records.
    Checked {
        /// How many.
        bytes: u64,
    },
    /// This range is not.
    Damage(Damage),
    /// Everything was looked at.
    Over,
}

/// One pass over all segments that were full when it began, oldest first. Segments released meanwhile are left out.
///
/// Known limit: when the segment before is gone, the rest of a record that began there is passed by, and a rotten first
/// record with it.
pub struct Scrub {
    shared: Arc<Shared>,
    /// First segment that is not looked at.
    end: u64,
    /// Next segment to begin with.
    next: u64,
    scan: Option<Scan>,
    /// Found behind what the last step checked.
    found: Option<Damage>,
}

impl Scrub {
    /// A pass that begins now.
    #[must_use]
    pub fn new(reader: &Reader) -> Self {
        let shared = reader.shared().clone();
        let end = index_of(shared.written.load(Ordering::Acquire), shared.segment_bytes);
        Self { shared, end, next: 0, scan: None, found: None }
    }

    /// Checks the next piece.
    ///
    /// # Errors
    /// The system refuses to open or read a file for another reason than damage. The next step goes on behind it.
    pub fn step(&mut self) -> Result<ScrubStep, FileError> {
        let mut bytes = 0;
        while bytes < STEP_BYTES && self.found.is_none() {
            let scan = match self.scan.take() {
                Some(scan) => Some(scan),
                None => self.next_run()?,
            };
            let Some(mut scan) = scan else { break };
            let before = scan.position();
            match scan.step()? {
                Step::Group => {
                    bytes += scan.position() - before;
                    self.scan = Some(scan);
                }
                Step::Damage(damage) if self.is_listed(&scan.run, damage) => {
                    self.scan = Some(scan);
                    self.found = Some(damage);
                }
                Step::Damage(damage) => self.next = damage.segment.get() + 1,
                Step::End { .. } => {}
            }
        }
        if bytes > 0 {
            return Ok(ScrubStep::Checked { bytes });
        }
        Ok(self.found.take().map_or(ScrubStep::Over, ScrubStep::Damage))
    }

    /// The next unbroken row of full segments, from one writer.
    fn next_run(&mut self) -> Result<Option<Scan>, FileError> {
        let size = self.shared.segment_bytes;
        let mut entries: Vec<Entry> = Vec::new();
        for entry in self.shared.entries(self.next..self.end) {
            let follows = entries.last().is_none_or(|last| {
                last.index + 1 == entry.index
                    && last.mark() == entry.mark()
                    && last.end(size) == entry.start(size)
            });
            if !follows {
                break;
            }
            entries.push(entry);
        }
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return Ok(None) };
        self.next = last.index + 1;
        let (start, end, mark) = (first.start(size), last.end(size), first.mark());
        let run = Run { start, end, mark, proven: end, is_sealed: true, is_cut_off: true, entries };
        let shared = &self.shared;
        let source = LogSource::new(shared.files.clone(), shared.dir.clone(), size, shared.keys.clone());
        let mut scan = Scan::new(source, run, start);
        scan.seek_group()?;
        Ok(Some(scan))
    }

    /// Every segment of a damaged range is still the one that was read.
    fn is_listed(&self, run: &Run, damage: Damage) -> bool {
        let size = self.shared.segment_bytes;
        let range = damage.segment.get()..=index_of(damage.to.get() - 1, size);
        run.entries.iter().filter(|entry| range.contains(&entry.index)).all(|entry| {
            self.shared.entries(entry.index..entry.index + 1).iter().any(|now| now.is_file_of(entry))
        })
    }
}
