//! Looking at what is ready, without any effect on it.

use crate::{
    absent::Absent,
    chunk::{ChunkRef, ColdChunk, Source},
    entry::{Entry, EntryRef, Seq},
    lane::{Deep, Lane},
    machine::Queue,
};

/// Where an entry stands in its queue: those of a higher lane come first, then those of a lower number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadyPlace {
    /// Its lane: the priority, as far as the queue has priorities.
    pub lane: u8,
    /// Its number.
    pub seq: Seq,
}

/// What stands at one place of the ready order.
#[derive(Clone, Copy, Debug)]
pub enum Browsed<'a> {
    /// An entry in memory.
    Entry(&'a Entry),
    /// An entry whose message is in the log.
    Ref(&'a EntryRef),
    /// Entries whose list is in the log too.
    Chunk {
        /// The list.
        chunk: &'a ChunkRef,
        /// Ranges, both ends included, of entries that are gone already; sorted.
        holes: &'a [(Seq, Seq)],
        /// Entries that are still there; an estimate where priorities share a range.
        live_count: u32,
        /// Bytes of their bodies, an estimate as well.
        live_bytes: u64,
    },
}

impl Browsed<'_> {
    /// Number of the last entry.
    #[must_use]
    pub fn last_seq(&self) -> Seq {
        match self {
            Self::Entry(entry) => entry.seq,
            Self::Ref(entry) => entry.seq,
            Self::Chunk { chunk, .. } => chunk.last_seq,
        }
    }
}

impl Queue {
    /// What is ready behind a place, or all of it, in the order in which it would be handed out, each with its lane.
    /// Changes nothing. Entries that are past their time are among it until the queue has come to them.
    pub fn browse(&self, after: Option<ReadyPlace>) -> impl Iterator<Item = (u8, Browsed<'_>)> {
        let top = after.map_or(u8::MAX, |place| place.lane);
        self.lanes.occupied().filter(move |(index, _)| *index <= top).flat_map(move |(index, lane)| {
            let after = after.filter(|place| place.lane == index).map(|place| place.seq);
            let is_behind = move |browsed: &Browsed<'_>| after.is_none_or(|after| browsed.last_seq() > after);
            lane.browse().filter(is_behind).map(move |browsed| (index, browsed))
        })
    }

    /// Whether an entry of this number may be ready: exactly so where its list is in memory.
    #[must_use]
    pub fn is_ready(&self, seq: Seq) -> bool {
        self.lanes.occupied().any(|(_, lane)| lane.may_have(seq))
    }

    /// Deliveries of entries below this number are flagged whatever their counts ([`crate::is_redelivery`]).
    #[must_use]
    pub fn redelivered_below(&self) -> Seq {
        self.redelivered_below
    }
}

impl Lane {
    fn may_have(&self, seq: Seq) -> bool {
        let is_resident = self.find(seq).is_some_and(|(_, entry)| entry.seq == seq);
        let Some(deep) = self.deep.as_deref().filter(|_| !is_resident) else { return is_resident };
        let in_chunk = |chunk: &ColdChunk| {
            let is_hole = chunk.holes.iter().any(|(first, last)| *first <= seq && seq <= *last);
            let refs = chunk.refs();
            let is_listed = refs.is_empty() || refs.iter().any(|entry| entry.seq == seq);
            chunk.first_seq <= seq && seq <= chunk.last_seq && !is_hole && is_listed
        };
        deep.absent.entries().any(|entry| entry.seq == seq)
            || self.cold_from(seq).is_some_and(|(chunk, _)| in_chunk(chunk))
    }

    /// What is ready, in order.
    fn browse(&self) -> impl Iterator<Item = Browsed<'_>> {
        let deep = self.deep.as_deref();
        let returned = deep.into_iter().flat_map(|deep| deep.returned.values());
        let absent = deep.into_iter().flat_map(|deep| deep.absent.browse());
        let in_place = self.head.iter().map(Browsed::Entry).chain(deep.into_iter().flat_map(Deep::browse));
        merge(merge(in_place, returned.map(Browsed::Entry)), absent)
    }
}

impl Deep {
    /// What stands behind the resident front.
    fn browse(&self) -> impl Iterator<Item = Browsed<'_>> {
        self.cold.iter().flat_map(ColdChunk::browse).chain(self.tail.iter().map(Browsed::Entry))
    }
}

impl Absent {
    /// All of them in order, those that are being read too.
    fn browse(&self) -> impl Iterator<Item = Browsed<'_>> {
        merge(self.waiting().map(Browsed::Ref), self.loading().map(Browsed::Ref))
    }
}

impl ColdChunk {
    fn browse(&self) -> impl Iterator<Item = Browsed<'_>> {
        let chunk = match &self.source {
            Source::Disk(chunk) => Some(Browsed::Chunk {
                chunk,
                holes: &self.holes,
                live_count: self.live_count,
                live_bytes: self.live_bytes,
            }),
            Source::Refs(_) => None,
        };
        self.refs().iter().map(Browsed::Ref).chain(chunk)
    }
}

/// Two ordered runs as one.
fn merge<'a>(
    a: impl Iterator<Item = Browsed<'a>>,
    b: impl Iterator<Item = Browsed<'a>>,
) -> impl Iterator<Item = Browsed<'a>> {
    let (mut a, mut b) = (a.peekable(), b.peekable());
    std::iter::from_fn(move || match (a.peek(), b.peek()) {
        (Some(first), Some(second)) if second.last_seq() < first.last_seq() => b.next(),
        (Some(_), _) => a.next(),
        (None, _) => b.next(),
    })
}
