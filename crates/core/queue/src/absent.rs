//! Entries that were handed out, whose bodies left memory meanwhile (F16), and that are needed again: given back, or
//! dying on a dead-letter route. They are read from the log a run at a time.

use std::collections::BTreeMap;

use crate::{
    chunk::{ColdChunk, REFS_MAX},
    entry::{EntryRef, Seq},
};

/// Bodies of one run come to about so many bytes at most.
const RUN_BYTES: u64 = 1 << 20;

/// Such entries, in order; one run of them is being read at a time.
#[derive(Debug, Default)]
pub(crate) struct Absent {
    waiting: BTreeMap<Seq, EntryRef>,
    loading: Option<ColdChunk>,
}

impl Absent {
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.loading.is_none()
    }

    pub(crate) fn insert(&mut self, entry: EntryRef) {
        self.waiting.insert(entry.seq, entry);
    }

    /// Takes those of a range out that are not being read.
    pub(crate) fn remove(&mut self, first: Seq, last: Seq) {
        while let Some(seq) = self.waiting.range(first..=last).next().map(|(seq, _)| *seq) {
            self.waiting.remove(&seq);
        }
    }

    pub(crate) fn first_seq(&self) -> Option<Seq> {
        let loading = self.loading.as_ref().map(|run| run.first_seq);
        self.waiting.keys().next().copied().into_iter().chain(loading).min()
    }

    pub(crate) fn last_seq(&self) -> Option<Seq> {
        let loading = self.loading.as_ref().map(|run| run.last_seq);
        self.waiting.keys().next_back().copied().into_iter().chain(loading).max()
    }

    /// When the first one expires; `u64::MAX` never, or a run is being read: what is due then is seen after it.
    pub(crate) fn first_expires_at_ms(&self) -> u64 {
        let first = self.waiting.first_key_value().filter(|_| self.loading.is_none());
        first.map_or(u64::MAX, |(_, entry)| entry.expires_at_ms)
    }

    /// Begins to read the next run, unless one is being read. Answers its first entry's number.
    pub(crate) fn start_run(&mut self) -> Option<Seq> {
        if self.loading.is_some() {
            return None;
        }
        let (mut refs, mut bytes) = (Vec::new(), 0);
        while refs.len() < REFS_MAX && bytes < RUN_BYTES {
            let Some((_, entry)) = self.waiting.pop_first() else { break };
            bytes += u64::from(entry.body_len);
            refs.push(entry);
        }
        let run = ColdChunk::of_refs(refs)?;
        let first_seq = run.first_seq;
        self.loading = Some(ColdChunk { is_loading: true, ..run });
        Some(first_seq)
    }

    /// The run that is being read, if it starts with this number.
    pub(crate) fn run(&self, first_seq: Seq) -> Option<&ColdChunk> {
        self.loading.as_ref().filter(|run| run.first_seq == first_seq)
    }

    /// The same, which is read now.
    pub(crate) fn take_run(&mut self, first_seq: Seq) -> Option<ColdChunk> {
        self.loading.take_if(|run| run.first_seq == first_seq)
    }

    /// Those that are not being read.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &EntryRef> {
        self.waiting.values()
    }

    /// Those that are being read.
    pub(crate) fn loading(&self) -> impl Iterator<Item = &EntryRef> {
        self.loading.iter().flat_map(ColdChunk::refs)
    }

    /// Those that are not, to point them elsewhere.
    pub(crate) fn waiting_mut(&mut self) -> impl Iterator<Item = &mut EntryRef> {
        self.waiting.values_mut()
    }

    /// All of them.
    pub(crate) fn entries(&self) -> impl Iterator<Item = &EntryRef> {
        self.waiting().chain(self.loading())
    }
}
