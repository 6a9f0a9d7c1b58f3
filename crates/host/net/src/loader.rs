//! Reads cold messages back away from the loop, so that a slow disk never stops a shard.

use std::thread;

use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender};
use ternmq_broker::{LoadJob, RecordSource};
use ternmq_journal::{JournalPos, Reader};
use ternmq_queue::Location;

use crate::mail::{Mail, Mailbox};

/// Threads that read backlogs.
pub const RECORD_READERS: usize = 2;
/// Bytes of payload asked of the journal in one go.
const READ_BYTES: usize = 1 << 20;

/// The threads that read. They end when this is dropped. The core asks for at most one chunk per queue at a time.
pub(crate) struct Loader {
    jobs: Sender<LoadJob>,
}

impl Loader {
    pub(crate) fn start(reader: &Reader, mailbox: &Mailbox) -> std::io::Result<Self> {
        let (jobs, waiting) = crossbeam_channel::unbounded::<LoadJob>();
        for number in 0..RECORD_READERS {
            let (waiting, mailbox) = (waiting.clone(), mailbox.clone());
            let source = JournalSource::new(reader.clone());
            let name = format!("reader-{number}");
            thread::Builder::new().name(name).spawn(move || work(&waiting, &source, &mailbox))?;
        }
        Ok(Self { jobs })
    }

    pub(crate) fn submit(&self, job: LoadJob) {
        // The threads end only after this sender.
        let _ = self.jobs.send(job);
    }
}

fn work(waiting: &Receiver<LoadJob>, source: &JournalSource, mailbox: &Mailbox) {
    for job in waiting {
        mailbox.send(Mail::Loaded(job.run(source)));
    }
}

/// Records of the journal, read wherever it is called.
pub struct JournalSource {
    reader: Reader,
}

impl JournalSource {
    /// Reads through `reader`.
    #[must_use]
    pub fn new(reader: Reader) -> Self {
        Self { reader }
    }
}

impl RecordSource for JournalSource {
    fn read_many(&self, places: &[Location]) -> Vec<Option<Bytes>> {
        let positions: Vec<JournalPos> = places.iter().map(|place| JournalPos::new(place.pos)).collect();
        let mut payloads = Vec::with_capacity(places.len());
        while let Some(rest) = positions.get(payloads.len()..).filter(|rest| !rest.is_empty()) {
            let answers = self.reader.read_sorted(rest, READ_BYTES);
            if answers.is_empty() {
                payloads.resize(places.len(), None);
            }
            for answer in answers {
                if let Err(error) = &answer {
                    tracing::warn!("a stored message cannot be read: {error}");
                }
                payloads.push(answer.ok().map(|record| record.payload));
            }
        }
        payloads
    }
}
