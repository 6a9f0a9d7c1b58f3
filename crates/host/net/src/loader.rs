//! Reads cold messages back away from the loop, so that a slow disk never stops a shard.

use std::thread;

use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender};
use ternmq_broker::{Browse, LoadJob, RecordSource};
use ternmq_journal::{JournalPos, Reader};
use ternmq_queue::Location;

use crate::driver::Key;
use crate::mail::{Mail, Mailbox};

/// Threads that read backlogs.
pub const RECORD_READERS: usize = 2;
/// Bytes of payload asked of the journal in one go.
const READ_BYTES: usize = 1 << 20;

/// What the threads read.
enum Job {
    /// A chunk of a backlog; the core asks for at most one per queue at a time.
    Load(LoadJob),
    /// What a session looks at; it asks for one page at a time.
    Browse(Key, Box<Browse>),
}

/// The threads that read. They end when this is dropped.
pub(crate) struct Loader {
    jobs: Sender<Job>,
}

impl Loader {
    pub(crate) fn start(reader: &Reader, mailbox: &Mailbox) -> std::io::Result<Self> {
        let (jobs, waiting) = crossbeam_channel::unbounded::<Job>();
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
        let _ = self.jobs.send(Job::Load(job));
    }

    pub(crate) fn browse(&self, key: Key, browse: Box<Browse>) {
        let _ = self.jobs.send(Job::Browse(key, browse));
    }
}

fn work(waiting: &Receiver<Job>, source: &JournalSource, mailbox: &Mailbox) {
    for job in waiting {
        mailbox.send(match job {
            Job::Load(job) => Mail::Loaded(job.run(source)),
            Job::Browse(key, browse) => Mail::Browsed(key, browse.read(source)),
        });
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
