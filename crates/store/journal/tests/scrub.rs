//! Scrubbing beside a writer: rot is found, what goes meanwhile is no damage.
#![allow(clippy::unwrap_used)]

mod support;

use support::{Log, payload, reopen};
use ternmq_fakes::{FakeDisk, SeededRng};
use ternmq_journal::{Damage, Group, Reader, Scrub, ScrubStep};

const SEGMENT: u64 = 4096;

fn filled(disk: &FakeDisk, segment_bytes: u64, max_bytes: u64) -> (Log, Reader) {
    let (kept, opened) = reopen(disk, segment_bytes);
    let reader = opened.reader.clone();
    let mut log = Log::new(opened, kept);
    let mut rng = SeededRng::new(3);
    let end = log.durable.end().get() + 20 * segment_bytes;
    while log.durable.end().get() < end {
        log.append(1, Group::Ends, &payload(&mut rng, max_bytes));
        log.commit();
    }
    (log, reader)
}

/// A whole pass: bytes that were checked, and what was found.
fn pass(mut scrub: Scrub) -> (u64, Vec<Damage>) {
    let (mut checked, mut found) = (0, Vec::new());
    loop {
        match scrub.step().unwrap() {
            ScrubStep::Checked { bytes } => checked += bytes,
            ScrubStep::Damage(damage) => found.push(damage),
            ScrubStep::Over => return (checked, found),
        }
    }
}

#[test]
fn f5_a_sound_log_is_checked_up_to_the_segment_that_is_written() {
    let disk = FakeDisk::new();
    let (log, reader) = filled(&disk, SEGMENT, 900);
    let start = log.writer.segments().next().unwrap().get() * SEGMENT;
    let current = log.durable.end().get() / SEGMENT * SEGMENT;
    let (checked, found) = pass(Scrub::new(&reader));
    assert_eq!(found, []);
    // All but the record that reaches into the current segment.
    assert!(checked <= current - start && checked + 1_000 > current - start, "{checked}");
}

#[test]
fn f5_rot_is_found_wherever_it_is() {
    for segment in [3, 7, 12] {
        let disk = FakeDisk::new();
        let (log, reader) = filled(&disk, SEGMENT, 900);
        let index = log.writer.segments().nth(segment).unwrap();
        let start = format!("journal/segment-{:016x}", index.get());
        let path = disk.contents().into_keys().find(|path| path.starts_with(&start)).unwrap();
        // A seed for each that does not hit the zeros between two records: those mean nothing.
        assert!(disk.rot(&path, 4_096 + 2_000, 5 + segment as u64));
        let (checked, found) = pass(Scrub::new(&reader));
        assert_eq!(found.len(), 1, "{found:?}");
        let (from, to) = (found[0].from.get(), found[0].to.get());
        let at = index.get() * SEGMENT + 2_000;
        assert!(from <= at + 512 && at < to + 512 && to - from < 2_000, "{found:?}");
        assert!(checked > 15 * SEGMENT, "the rest was checked too");
    }
}

#[test]
fn f5_what_is_released_under_a_scrub_is_no_damage() {
    // Large enough for several steps.
    const LARGE: u64 = 256 << 10;
    for released_at in 0..5 {
        let disk = FakeDisk::new();
        let (mut log, reader) = filled(&disk, LARGE, 20_000);
        let mut scrub = Scrub::new(&reader);
        let mut checked = 0;
        for turn in 0.. {
            if turn == released_at {
                log.writer.publish_checkpoint(log.durable.end()).unwrap();
                let old: Vec<_> = log.writer.segments().skip(6).take(8).collect();
                log.writer.release(&old).unwrap();
                // Their files are used again.
                for _ in 0..20 {
                    log.append(1, Group::Ends, &[7; 100_000]);
                    log.commit();
                }
            }
            match scrub.step().unwrap() {
                ScrubStep::Checked { bytes } => checked += bytes,
                ScrubStep::Damage(damage) => panic!("released at {released_at}: {damage:?}"),
                ScrubStep::Over => break,
            }
        }
        assert!(checked > 8 * LARGE, "{checked}");
    }
}
