//! Snapshot records: the state of one queue at this place of the log.
//!
//! ```text
//! queue u32 | incarnation u64 | next_seq u64 | redelivered_below u64
//! chunk count u32 | count * chunk | entry count u32 | count * (lane u8, entry)
//! dying count u32 | count * (lane u8, reason u8, entry)
//! chunk: lane u8 | first u64 | last u64 | count u32 | body_bytes u64 | expires_at u64 | pos u64 | len u32
//!        segment count u32 * (segment u64, count u32) | hole count u32 * (first u64, last u64)
//! ```

use smallvec::SmallVec;
use ternmq_queue::{ChunkRef, Location, QueueSnapshot, Seq, SnapshotChunk};
use ternmq_stdx::layout::{BadLayout, Reader, Writer};

use super::{
    chunk::{read_entry, write_entry},
    dying::{read_dying_list, write_dying_list},
};

/// A snapshot as read.
#[derive(Debug)]
pub(crate) struct SnapshotRecord {
    pub(crate) queue: u32,
    pub(crate) incarnation: u64,
    pub(crate) snapshot: QueueSnapshot,
}

pub(crate) fn write_snapshot(out: &mut Writer, queue: u32, incarnation: u64, snapshot: &QueueSnapshot) {
    out.u32(queue).u64(incarnation).u64(snapshot.next_seq.0).u64(snapshot.redelivered_below.0);
    out.count(snapshot.chunks.len());
    for SnapshotChunk { lane, chunk, holes } in &snapshot.chunks {
        write_chunk_ref(out.u8(*lane), chunk);
        out.count(holes.len());
        for (first, last) in holes {
            out.u64(first.0).u64(last.0);
        }
    }
    out.count(snapshot.entries.len());
    for (lane, entry) in &snapshot.entries {
        write_entry(out.u8(*lane), entry);
    }
    write_dying_list(out, &snapshot.dying);
}

pub(crate) fn read_snapshot(payload: &[u8]) -> Result<SnapshotRecord, BadLayout> {
    let mut input = Reader::new(payload);
    let (queue, incarnation) = (input.u32()?, input.u64()?);
    let (next_seq, redelivered_below) = (Seq(input.u64()?), Seq(input.u64()?));
    let mut chunks = Vec::new();
    for _ in 0..input.count(57)? {
        let lane = input.u8()?;
        let chunk = read_chunk_ref(&mut input)?;
        let mut holes = Vec::new();
        for _ in 0..input.count(16)? {
            holes.push((Seq(input.u64()?), Seq(input.u64()?)));
        }
        chunks.push(SnapshotChunk { lane, chunk, holes });
    }
    let mut entries = Vec::new();
    for _ in 0..input.count(38)? {
        entries.push((input.u8()?, read_entry(&mut input)?));
    }
    let dying = read_dying_list(&mut input)?;
    Ok(SnapshotRecord {
        queue,
        incarnation,
        snapshot: QueueSnapshot { next_seq, redelivered_below, chunks, entries, dying },
    })
}

fn write_chunk_ref(out: &mut Writer, chunk: &ChunkRef) {
    out.u64(chunk.first_seq.0).u64(chunk.last_seq.0).u32(chunk.count).u64(chunk.body_bytes);
    out.u64(chunk.first_expires_at_ms).u64(chunk.record.pos).u32(chunk.record.len);
    out.count(chunk.segments.len());
    for (segment, count) in &chunk.segments {
        out.u64(*segment).u32(*count);
    }
}

fn read_chunk_ref(input: &mut Reader<'_>) -> Result<ChunkRef, BadLayout> {
    let (first_seq, last_seq) = (Seq(input.u64()?), Seq(input.u64()?));
    let (count, body_bytes) = (input.u32()?, input.u64()?);
    let first_expires_at_ms = input.u64()?;
    let record = Location { pos: input.u64()?, len: input.u32()?, is_durable: true };
    let mut segments = SmallVec::new();
    for _ in 0..input.count(12)? {
        segments.push((input.u64()?, input.u32()?));
    }
    Ok(ChunkRef { first_seq, last_seq, count, body_bytes, first_expires_at_ms, record, segments })
}
