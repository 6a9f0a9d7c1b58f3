//! The journal in fair weather: what goes in comes out, across restarts, segment borders and releases.
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use support::{Kept, Log, clean, options, payload, recover, reopen};
use ternmq_fakes::{FakeDisk, SeededRng};
use ternmq_journal::{
    Encryption, Group, JournalError, JournalPos, OpenError, Options, Progress, ReadError, SegmentIndex,
    inspect, open,
};

const SEGMENT: u64 = 4096;

fn started(disk: &FakeDisk) -> Log {
    let (kept, opened) = reopen(disk, SEGMENT);
    Log::new(opened, kept)
}

#[test]
fn a_new_journal_is_empty_and_takes_records() {
    let disk = FakeDisk::new();
    let mut log = started(&disk);
    assert!(log.kept.is_empty());
    let first = log.append(1, Group::Ends, b"");
    let second = log.append(255, Group::Ends, b"hello");
    assert_eq!((first.get(), second.get()), (SEGMENT, SEGMENT + 32));
    assert!(!log.durable.covers(first));
    log.commit();
    assert!(log.durable.covers(second) && !log.durable.covers(log.appender.end()));
    let (kept, opened) = reopen(&disk.killed(), SEGMENT);
    assert_eq!(kept, log.kept);
    assert!(clean(&opened.report) && !opened.report.was_clean);
    assert_eq!(opened.report.records, 2);
}

#[test]
fn everything_comes_back_after_many_restarts_of_both_kinds() {
    let mut disk = FakeDisk::new();
    let mut expected: Vec<Kept> = Vec::new();
    let mut rng = SeededRng::new(11);
    for round in 0..12 {
        let (kept, opened) = reopen(&disk, SEGMENT);
        assert_eq!(kept, expected, "round {round}");
        assert!(clean(&opened.report), "round {round}: {:?}", opened.report);
        let mut log = Log::new(opened, kept);
        for _ in 0..rng.below(30) {
            let group = if rng.chance(1, 4) { Group::Continues } else { Group::Ends };
            let bytes = payload(&mut rng, 900);
            log.append(round, group, &bytes);
            if rng.chance(1, 3) {
                log.commit();
            }
        }
        log.append(round, Group::Ends, b"last");
        log.commit();
        expected = log.kept;
        if rng.chance(1, 2) {
            log.writer.close().unwrap();
        } else {
            drop(log.writer);
            disk = disk.killed();
        }
    }
    let report = inspect(Arc::new(disk.clone()), "journal", &Encryption::Off).unwrap();
    assert_eq!(report.records, expected.len() as u64);
    assert!(report.damage.is_empty() && report.segments.iter().all(|segment| segment.header_is_intact));
}

#[test]
fn a_record_may_be_larger_than_several_segments() {
    let disk = FakeDisk::new();
    let mut log = started(&disk);
    let big: Vec<u8> = (0..5 * SEGMENT).map(|byte| byte as u8).collect();
    let before = log.append(1, Group::Ends, b"before");
    let position = log.append(2, Group::Ends, &big);
    log.append(3, Group::Ends, b"after");
    log.commit();
    let (kept, opened) = reopen(&disk.killed(), SEGMENT);
    assert_eq!(kept, log.kept);
    let records = opened.reader.read_sorted(&[before, position], usize::MAX);
    assert_eq!(records[0].as_ref().unwrap().payload, &b"before"[..]);
    assert_eq!(records[1].as_ref().unwrap().payload, big);
    assert_eq!(opened.reader.read(position).unwrap().payload, big);
}

#[test]
fn recovery_starts_at_the_checkpoint_and_older_segments_stay_readable() {
    let disk = FakeDisk::new();
    let mut log = started(&disk);
    let first = log.append(1, Group::Ends, &[7; 3000]);
    log.append(1, Group::Ends, &[8; 3000]);
    log.commit();
    let start = log.append(2, Group::Ends, b"from here");
    log.append(2, Group::Ends, b"on");
    assert_eq!(
        log.writer.publish_checkpoint(log.appender.end()),
        Err(JournalError::BadCheckpoint(log.appender.end()))
    );
    log.commit();
    log.writer.publish_checkpoint(start).unwrap();
    assert_eq!(
        log.writer.publish_checkpoint(first),
        Err(JournalError::BadCheckpoint(first)),
        "a checkpoint never goes back"
    );
    for is_clean in [false, true] {
        let (kept, opened) = reopen(&disk.killed(), SEGMENT);
        assert_eq!(kept, log.kept[2..]);
        assert_eq!(opened.reader.read(first).unwrap().payload, vec![7; 3000]);
        assert!(clean(&opened.report));
        if !is_clean {
            opened.writer.close().unwrap();
        }
    }
}

#[test]
fn released_segments_are_used_again_and_never_serve_what_they_held() {
    let disk = FakeDisk::new();
    let (_, opened) = reopen(&disk, SEGMENT);
    let reader = opened.reader.clone();
    let mut log = Log::new(opened, Vec::new());
    let mut positions = Vec::new();
    let mut largest = 0;
    for round in 0..40_u8 {
        positions.push(log.append(round, Group::Ends, &[round; 1500]));
        log.commit();
        let current = log.appender.end().get() / SEGMENT;
        if round == 20 {
            log.writer.publish_checkpoint(log.durable.end()).unwrap();
        }
        if round >= 20 {
            log.writer.publish_checkpoint(log.durable.end()).unwrap();
            let old: Vec<_> = log.writer.segments().filter(|segment| segment.get() + 1 < current).collect();
            log.writer.release(&old).unwrap();
            log.writer.release(&old).unwrap();
            largest = largest.max(disk.used_bytes());
        }
    }
    assert!(largest <= 14 * (SEGMENT + 4096), "{largest} bytes are held");
    for (round, position) in positions.iter().enumerate() {
        match reader.read(*position) {
            Ok(record) => assert_eq!(record.payload, vec![round as u8; 1500]),
            Err(error) => assert_eq!(error, ReadError::Released(*position)),
        }
    }
    assert!(reader.read(positions[0]).is_err() && reader.read(positions[39]).is_ok());
    let (kept, opened) = reopen(&disk.killed(), SEGMENT);
    assert_eq!(kept, [], "the checkpoint stands at the end");
    assert!(clean(&opened.report), "{:?}", opened.report);
    assert_eq!(opened.reader.read(positions[39]).unwrap().payload, vec![39; 1500]);
}

#[test]
fn a_segment_that_recovery_needs_is_not_released() {
    let disk = FakeDisk::new();
    let mut log = started(&disk);
    log.append(1, Group::Ends, &[1; 6000]);
    log.commit();
    for index in [0, 1, 2, 3, 99] {
        let segment = SegmentIndex::new(index);
        assert_eq!(log.writer.release(&[segment]), Err(JournalError::StillNeeded(segment)));
    }
}

#[test]
fn a_reader_tells_what_is_not_there() {
    let disk = FakeDisk::new();
    let (_, opened) = reopen(&disk, SEGMENT);
    let reader = opened.reader.clone();
    let mut log = Log::new(opened, Vec::new());
    let position = log.append(1, Group::Ends, b"abc");
    assert_eq!(reader.read(position), Err(ReadError::NotWritten(position)));
    log.write().unwrap();
    assert_eq!(reader.read(position).unwrap().payload, &b"abc"[..]);
    let nothing = JournalPos::new(8);
    assert_eq!(reader.read(nothing), Err(ReadError::Released(nothing)));
    let inside = JournalPos::new(position.get() + 8);
    assert!(matches!(reader.read(inside), Err(ReadError::Damaged { .. })));
    assert!(disk.rot(&segment_path(&disk, 0), 4096, 3));
    assert!(matches!(reader.read(position), Err(ReadError::Damaged { .. }) | Ok(_)));
}

fn segment_path(disk: &FakeDisk, nth: usize) -> String {
    disk.contents().keys().filter(|path| path.contains("/segment-")).nth(nth).unwrap().clone()
}

#[test]
fn many_records_are_read_with_few_reads() {
    let disk = FakeDisk::new();
    let (_, opened) = recover(&disk, options(65_536)).unwrap();
    let reader = opened.reader.clone();
    let mut log = Log::new(opened, Vec::new());
    let mut rng = SeededRng::new(5);
    let positions: Vec<_> = (0..400).map(|_| log.append(9, Group::Ends, &payload(&mut rng, 700))).collect();
    log.commit();
    let calls = disk.calls();
    let records = reader.read_sorted(&positions, usize::MAX);
    assert!(disk.calls() - calls < 20, "{} calls", disk.calls() - calls);
    for (record, kept) in records.iter().zip(&log.kept) {
        let record = record.as_ref().unwrap();
        assert_eq!((record.position, &record.payload[..]), (kept.position, &kept.payload[..]));
    }
    assert_eq!(records.len(), 400);
    assert_eq!(reader.read_sorted(&positions, 0).len(), 1, "one answer at least");
}

#[test]
fn the_next_segment_is_ready_before_it_is_needed() {
    let size = 1 << 20;
    let disk = FakeDisk::new();
    let (_, opened) = recover(&disk, options(size)).unwrap();
    let mut log = Log::new(opened, Vec::new());
    while log.durable.end().get() % size + 5_000 < size {
        log.append(1, Group::Ends, &[0; 4_000]);
        log.commit();
    }
    while log.writer.maintain().unwrap() == Progress::More {}
    let calls = disk.calls();
    for _ in 0..5 {
        log.append(1, Group::Ends, &[0; 1000]);
    }
    log.write().unwrap();
    log.writer.sync().unwrap();
    assert_eq!(disk.calls() - calls, 4, "two writes, two syncs and nothing else at the border");
}

#[test]
fn under_load_the_next_segment_is_made_without_zeroing_and_still_in_time() {
    let size = 1 << 20;
    let disk = FakeDisk::new();
    let (_, opened) = recover(&disk, options(size)).unwrap();
    let mut log = Log::new(opened, Vec::new());
    for _ in 0..3 {
        log.append(1, Group::Ends, &[1; 300_000]);
        log.commit();
    }
    let calls = disk.calls();
    log.append(1, Group::Ends, &[1; 300_000]);
    log.write().unwrap();
    log.writer.sync().unwrap();
    assert_eq!(disk.calls() - calls, 4, "two writes, two syncs and nothing else at the border");
    let (kept, opened) = recover(&disk.killed(), options(size)).unwrap();
    assert!(kept == log.kept && clean(&opened.report));
}

#[test]
fn a_group_is_not_taken_before_it_ends() {
    let disk = FakeDisk::new();
    let mut log = started(&disk);
    log.append(1, Group::Continues, b"a");
    assert!(log.appender.take_batch().is_none());
    log.append(1, Group::Ends, b"b");
    assert_eq!(log.appender.batch_len_bytes(), 80);
    assert!(log.appender.take_batch().is_some() && log.appender.take_batch().is_none());
}

#[test]
#[should_panic(expected = "one is missing")]
fn a_lost_batch_is_noticed() {
    let disk = FakeDisk::new();
    let mut log = started(&disk);
    log.append(1, Group::Ends, b"lost");
    drop(log.appender.take_batch());
    log.append(1, Group::Ends, b"next");
    log.write().unwrap();
}

#[test]
fn a_directory_in_use_and_bad_options_are_refused() {
    let disk = FakeDisk::new();
    let _log = started(&disk);
    let second = open(Arc::new(disk.clone()), Box::new(SeededRng::new(1)), options(SEGMENT));
    assert_eq!(second.err(), Some(OpenError::InUse));
    for segment_bytes in [0, 2048, 4097, 12_288, 1 << 31] {
        let bad = Options { segment_bytes, ..Options::default() };
        let answer = open(Arc::new(FakeDisk::new()), Box::new(SeededRng::new(1)), bad);
        assert!(matches!(answer.err(), Some(OpenError::BadOption { .. })), "{segment_bytes}");
    }
}

#[test]
fn a_journal_keeps_its_segment_size() {
    let disk = FakeDisk::new();
    let mut log = started(&disk);
    log.append(1, Group::Ends, b"x");
    log.commit();
    let (kept, opened) = reopen(&disk.killed(), 65_536);
    assert_eq!((kept, opened.writer.segment_bytes()), (log.kept, SEGMENT));
}
