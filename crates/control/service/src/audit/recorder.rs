//! Records of calls that change nothing: many at once in one transaction.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::append;
use crate::records::Answered;
use crate::store::{SharedStore, StoreError};

/// Records that wait; a call that finds no place waits with them.
const QUEUE: usize = 1_024;
/// Most records of one transaction.
const BATCH: usize = 256;

/// One record, and the answer of a refused change that a repetition gets again.
struct Entry {
    json: Vec<u8>,
    answered: Option<Answered>,
    done: SyncSender<Result<(), Arc<StoreError>>>,
}

/// The thread that writes records.
pub(crate) struct Recorder {
    queue: SyncSender<Entry>,
}

/// The record could not be written: then neither is the call answered.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum NotRecorded {
    /// The store failed.
    #[error("the audit record can't be written")]
    Store(#[source] Arc<StoreError>),
    /// The thread is gone.
    #[error("the audit log has ended")]
    Ended,
}

impl Recorder {
    /// Starts the thread; it ends with the recorder.
    ///
    /// # Errors
    /// The system has no thread.
    pub(crate) fn start(store: SharedStore) -> std::io::Result<Self> {
        let (queue, entries) = sync_channel(QUEUE);
        thread::Builder::new().name("audit".into()).spawn(move || run(&store, &entries))?;
        Ok(Self { queue })
    }

    /// Writes a record and waits until it is durable.
    pub(crate) fn record(&self, json: Vec<u8>, answered: Option<Answered>) -> Result<(), NotRecorded> {
        let (done, wait) = sync_channel(1);
        self.queue.send(Entry { json, answered, done }).map_err(|_| NotRecorded::Ended)?;
        wait.recv().map_err(|_| NotRecorded::Ended)?.map_err(NotRecorded::Store)
    }
}

fn run(store: &SharedStore, entries: &Receiver<Entry>) {
    while let Ok(first) = entries.recv() {
        let mut batch = vec![first];
        batch.extend(entries.try_iter().take(BATCH - 1));
        let outcome = write(store, &batch).map_err(Arc::new);
        for entry in batch {
            // A caller that is gone needs no answer.
            let _ = entry.done.send(outcome.clone());
        }
    }
}

fn write(store: &SharedStore, batch: &[Entry]) -> Result<(), StoreError> {
    let change = store.change()?;
    for entry in batch {
        append(&change, &entry.json)?;
        if let Some(answered) = &entry.answered {
            change.put(answered)?;
        }
    }
    change.commit()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Verified, verify};
    use crate::testing::memory_store;

    #[test]
    fn records_of_many_threads_are_one_chain() {
        let store = Arc::new(memory_store());
        let recorder = Recorder::start(store.clone()).unwrap();
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..10).for_each(|_| recorder.record(b"{}".to_vec(), None).unwrap()));
            }
        });
        assert_eq!(verify(&store).unwrap(), Verified { first: 1, entries: 80, broken_at: None });
    }
}
