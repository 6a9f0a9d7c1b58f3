//! Sizes: what a queue and a backlog cost in memory.

use std::sync::Arc;

use smallvec::smallvec;

use super::rig::message;
use crate::{ChunkRef, Entry, EntryRef, Location, Outbox, Queue, QueueSettings, Seq, chunk::ColdChunk};

#[test]
fn an_idle_queue_is_small() {
    assert!(size_of::<Queue>() <= 400, "{}", size_of::<Queue>());
    assert!(size_of::<EntryRef>() <= 40, "{}", size_of::<EntryRef>());
    assert!(size_of::<Entry>() <= 136, "{}", size_of::<Entry>());
}

/// Ten million ready messages are pushed for good; only the spills are not written anywhere.
#[test]
fn ten_million_ready_messages_cost_less_than_ten_megabytes() {
    let mut queue = Queue::new(Arc::new(QueueSettings::default()));
    let mut outbox = Outbox::default();
    let body = message(0, None, b"0123456789abcdef");
    let location = Some(Location { pos: 1, len: 64, is_durable: true });
    for _ in 0..10_000_000_u32 {
        let seq = queue.push(body.clone(), location, 0, &mut outbox);
        for lane in outbox.spills.drain(..).collect::<Vec<_>>() {
            let entries = queue.spill(lane).unwrap();
            let chunk = ChunkRef {
                first_seq: entries[0].seq,
                last_seq: seq,
                count: 0,
                body_bytes: 0,
                first_expires_at_ms: u64::MAX,
                record: Location { pos: seq.0, len: 64, is_durable: true },
                segments: smallvec![(seq.0 / 100_000, 1024)],
            };
            queue.spilled(lane, chunk, &mut outbox);
        }
    }
    assert_eq!((queue.ready_count(), queue.ready_bytes()), (10_000_000, 160_000_000));
    let chunks = queue.chunks().count() * size_of::<ColdChunk>();
    let resident = (10_000_000 - queue.chunks().map(|(_, view)| u64::from(view.count)).sum::<u64>()) as usize
        * (size_of::<Entry>() + 16);
    assert!(2 * (chunks + resident) < 10_000_000, "{chunks} and {resident}, doubled for spare capacity");
    assert_eq!(queue.oldest_ready(), Some(Seq(1)));
    assert_eq!(queue.purge(&mut outbox), 10_000_000);
    assert_eq!(outbox.resident_delta_bytes, 0);
}
