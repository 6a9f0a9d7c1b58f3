//! Chunk records: a run of entries of one lane whose bodies left memory.
//!
//! ```text
//! queue u32 | lane u8 | count u32 | count * entry
//! entry: seq u64 | pos u64 | len u32 | body_len u32 | expires_at u64 | failed u16 | acquired u16 | durable u8
//! ```

use ternmq_queue::{EntryRef, Location, Seq};
use ternmq_stdx::layout::{BadLayout, Reader, Writer};

/// Bytes of one entry.
const ENTRY_BYTES: usize = 37;

/// A chunk as read.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ChunkRecord {
    pub(crate) queue: u32,
    pub(crate) lane: u8,
    pub(crate) entries: Vec<EntryRef>,
}

pub(crate) fn write_chunk(out: &mut Writer, queue: u32, lane: u8, entries: &[EntryRef]) {
    out.u32(queue).u8(lane).count(entries.len());
    for entry in entries {
        write_entry(out, entry);
    }
}

pub(crate) fn read_chunk(payload: &[u8]) -> Result<ChunkRecord, BadLayout> {
    let mut input = Reader::new(payload);
    let (queue, lane) = (input.u32()?, input.u8()?);
    let count = input.count(ENTRY_BYTES)?;
    let mut entries = Vec::with_capacity(count);
    for _ in 0..count {
        entries.push(read_entry(&mut input)?);
    }
    Ok(ChunkRecord { queue, lane, entries })
}

pub(crate) fn write_entry(out: &mut Writer, entry: &EntryRef) {
    let location = entry.location;
    out.u64(entry.seq.0).u64(location.pos).u32(location.len).u32(entry.body_len);
    out.u64(entry.expires_at_ms).u16(entry.failed_count).u16(entry.acquired_count).bool(location.is_durable);
}

pub(crate) fn read_entry(input: &mut Reader<'_>) -> Result<EntryRef, BadLayout> {
    let seq = Seq(input.u64()?);
    let (pos, len, body_len) = (input.u64()?, input.u32()?, input.u32()?);
    let expires_at_ms = input.u64()?;
    let (failed_count, acquired_count) = (input.u16()?, input.u16()?);
    let location = Location { pos, len, is_durable: input.bool()? };
    Ok(EntryRef { seq, location, body_len, expires_at_ms, failed_count, acquired_count })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_comes_back_and_no_truncation_is_taken() {
        let entry = EntryRef {
            seq: Seq(1),
            location: Location { pos: 2, len: 3, is_durable: true },
            body_len: 4,
            expires_at_ms: 5,
            failed_count: 6,
            acquired_count: 7,
        };
        let mut out = Writer::default();
        write_chunk(&mut out, 8, 9, &[entry, entry]);
        let chunk = ChunkRecord { queue: 8, lane: 9, entries: vec![entry, entry] };
        assert_eq!(read_chunk(out.bytes()), Ok(chunk));
        for len in 0..out.bytes().len() {
            assert!(read_chunk(&out.bytes()[..len]).is_err(), "cut at {len}");
        }
    }
}
