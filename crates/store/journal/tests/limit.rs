//! How far a start after a crash looks behind a bad record, and that it never overlooks damage by that (F5).
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use support::{Kept, Log, clean, reopen};
use ternmq_env::{Files, write_full};
use ternmq_fakes::{FakeDisk, Fault};
use ternmq_journal::{Encryption, Group, JournalPos, Progress, inspect};

const SEGMENT: u64 = 64 * 1024;
const PAGE: u64 = 4096;
/// Where the note of a limit is in a segment file.
const NOTE: std::ops::Range<usize> = 512..540;

/// A journal of one run, nothing written yet.
fn begun(segment_bytes: u64) -> (FakeDisk, Log) {
    let disk = FakeDisk::new();
    let (_, opened) = reopen(&disk, segment_bytes);
    (disk, Log::new(opened, Vec::new()))
}

fn commit_one(log: &mut Log, number: usize, bytes: usize) {
    log.append(number as u8, Group::Ends, &vec![number as u8; bytes]);
    log.commit();
}

fn path_of(disk: &FakeDisk, position: u64) -> (String, u64) {
    let index = format!("segment-{:016x}-", position / SEGMENT);
    let path = disk.contents().into_keys().rfind(|path| path.contains(&index)).unwrap();
    (path, PAGE + position % SEGMENT)
}

fn overwrite(disk: &FakeDisk, path: &str, offset: u64, bytes: &[u8]) {
    write_full(&*disk.open(path).unwrap(), path, bytes, offset).unwrap();
}

/// The limit that the segment of a position notes.
fn limit_of(disk: &FakeDisk, position: u64) -> u64 {
    let file = &disk.contents()[&path_of(disk, position).0];
    u64::from_le_bytes(file[NOTE][..8].try_into().unwrap())
}

/// What a start on this disk finds has to be all of `kept` up to a torn end at or after `durable`, or damage is told.
fn check_start(disk: &FakeDisk, kept: &[Kept], durable: usize, what: &str) -> bool {
    let seen = inspect(Arc::new(disk.clone()), "journal", &Encryption::Off).unwrap();
    let (recovered, opened) = reopen(disk, SEGMENT);
    assert_eq!(opened.report.damage, seen.damage, "{what}: the doctor sees the same");
    if opened.report.damage.is_empty() {
        assert!(kept.starts_with(&recovered), "{what}: something else");
        assert!(recovered.len() >= durable, "{what}: {} of {durable}, in silence", recovered.len());
        return false;
    }
    let gaps = &opened.report.damage;
    let is_told = |gone: &Kept| gaps.iter().any(|gap| (gap.from..gap.to).contains(&gone.position));
    let gone = kept.iter().take(durable).filter(|kept| !recovered.contains(kept));
    gone.for_each(|gone| assert!(is_told(gone), "{what}: {gone:?} is gone, told is {gaps:?}"));
    true
}

#[test]
fn a_start_after_a_kill_looks_at_a_small_part_of_a_large_segment() {
    for records in [1, 40, 400] {
        let (disk, mut log) = begun(32 << 20);
        (0..records).for_each(|record| commit_one(&mut log, record, 3_000));
        let killed = disk.killed();
        let before = killed.calls();
        let (recovered, opened) = reopen(&killed, 32 << 20);
        assert_eq!((recovered.len(), clean(&opened.report)), (records, true));
        // What is read holds the records and two or three pieces of 256 KiB; all of it would be 128 more.
        let calls = killed.calls() - before;
        assert!(calls < 60, "{records} records, {calls} calls");
    }
}

#[test]
fn nothing_is_written_at_or_above_the_limit() {
    let (disk, mut log) = begun(SEGMENT);
    for record in 0..150_usize {
        let bytes = [40, 700, 9_000, 3][record % 4];
        log.append(record as u8, Group::Ends, &vec![7; bytes]);
        log.write().unwrap();
        if record % 3 == 0 {
            log.sync().unwrap();
        }
        let end = log.writer.end().get();
        for safe in [&disk.killed(), &disk.crash(0), &disk.crash(1), &disk.crash(2), &disk.crash(3)] {
            let last = end - 1;
            assert!(limit_of(safe, last) >= end, "record {record}: end {end}");
            assert!(limit_of(safe, last) <= (last / SEGMENT + 1) * SEGMENT);
        }
    }
}

#[test]
fn f5_a_rotten_sector_on_either_side_of_any_limit_is_told() {
    let (disk, mut log) = begun(SEGMENT);
    let mut limits = Vec::new();
    while log.durable.end().get() < 2 * SEGMENT + SEGMENT / 2 {
        let record = log.kept.len();
        commit_one(&mut log, record, 900);
        limits.push(limit_of(&disk, log.durable.end().get() - 1));
    }
    limits.dedup();
    assert!(limits.len() >= 8, "{limits:?}");
    let witnessed = log.kept.len() - 2;
    let last = log.kept[witnessed].position.get();
    let mut told = 0;
    for limit in limits {
        for position in [limit - 1024, limit - 512, limit, limit + 512] {
            if position >= last || position % SEGMENT == 0 {
                continue;
            }
            let disk = disk.killed();
            let (path, offset) = path_of(&disk, position);
            assert!(disk.rot(&path, offset, 9));
            let what = format!("limit {limit}, rot at {position}");
            // A bit of padding may have rotted, which harms nobody.
            told += u32::from(check_start(&disk, &log.kept, witnessed, &what));
        }
    }
    assert!(told >= 20, "{told}");
}

#[test]
fn f5_rot_of_any_length_that_a_record_follows_is_told() {
    let (disk, mut log) = begun(SEGMENT);
    (0..60).for_each(|record| commit_one(&mut log, record, 900));
    for first in [0, 5, 31] {
        for behind in [first + 1, first + 9, 57] {
            let disk = disk.killed();
            let (from, to) = (log.kept[first].position.get(), log.kept[behind].position.get());
            let (path, offset) = path_of(&disk, from);
            overwrite(&disk, &path, offset, &vec![0xa5; (to - from) as usize]);
            assert!(check_start(&disk, &log.kept, 58, &format!("from {first} to {behind}")));
        }
    }
}

#[test]
fn a_tail_torn_right_at_the_limit_is_torn() {
    let (disk, mut log) = begun(SEGMENT);
    commit_one(&mut log, 0, 500);
    let durable = log.durable.end().get();
    let limit = limit_of(&disk, durable);
    // Two records that no sync covers; the second ends where the limit is.
    log.append(1, Group::Ends, &[1; 1_000]);
    log.write().unwrap();
    let rest = limit - log.writer.end().get();
    log.append(2, Group::Ends, &vec![2; rest as usize - 32]);
    log.write().unwrap();
    assert_eq!((log.writer.end().get(), limit_of(&disk, durable)), (limit, limit));
    for (bad, is_last) in [(1, false), (2, true)] {
        let disk = disk.killed();
        let (path, offset) = path_of(&disk, log.kept[bad].position.get() + 200);
        assert!(disk.rot(&path, offset, 3));
        let (recovered, opened) = reopen(&disk, SEGMENT);
        assert_eq!(recovered, log.kept[..bad], "{is_last}");
        assert_eq!(opened.report.torn_at, Some(log.kept[bad].position));
        assert!(opened.report.damage.is_empty());
    }
    let (recovered, opened) = reopen(&disk.killed(), SEGMENT);
    assert_eq!((recovered, clean(&opened.report)), (log.kept.clone(), true));
}

#[test]
fn what_an_older_life_left_behind_the_tail_is_nothing() {
    let (disk, mut log) = begun(SEGMENT);
    while log.durable.end().get() < 5 * SEGMENT {
        let record = log.kept.len();
        commit_one(&mut log, record, 1_000);
    }
    log.writer.publish_checkpoint(log.durable.end()).unwrap();
    let first_needed = log.durable.end().get() / SEGMENT;
    let old: Vec<_> = log.writer.segments().filter(|segment| segment.get() < first_needed).collect();
    log.writer.release(&old).unwrap();
    let start = log.kept.len();
    while log.durable.end().get() < 9 * SEGMENT + 2_000 {
        let record = log.kept.len();
        commit_one(&mut log, record, 1_000);
    }
    let (path, offset) = path_of(&disk, log.durable.end().get());
    let behind = disk.contents()[&path][offset as usize..].iter().any(|byte| *byte != 0);
    assert!(behind, "the file is one that was used before");
    let (recovered, opened) = reopen(&disk.killed(), SEGMENT);
    assert_eq!((&recovered[..], clean(&opened.report)), (&log.kept[start..], true));
}

#[test]
fn f5_a_note_that_rots_hides_nothing() {
    let (disk, mut log) = begun(SEGMENT);
    (0..30).for_each(|record| commit_one(&mut log, record, 900));
    let (note_path, _) = path_of(&disk, log.kept[0].position.get());
    for bad_note in [&[0; 28][..], &[0xa5; 3], &[0xff; 28]] {
        let disk = disk.killed();
        overwrite(&disk, &note_path, NOTE.start as u64, bad_note);
        assert!(!check_start(&disk.killed(), &log.kept, 30, "only the note"));
        let (path, offset) = path_of(&disk, log.kept[11].position.get() + 100);
        assert!(disk.rot(&path, offset, 3));
        assert!(check_start(&disk, &log.kept, 29, "the note and a record"));
    }
    let unreadable = disk.killed();
    assert!(unreadable.make_unreadable(&note_path, NOTE.start as u64));
    assert!(!check_start(&unreadable, &log.kept, 30, "an unreadable note"));
}

/// A record is made while the one before is being synced, so it does not know yet that that one is safe. Answers the
/// numbers of the calls that wrote and synced records.
fn fill_in_steps(disk: &FakeDisk, log: &mut Log, sizes: &[usize]) -> Vec<u64> {
    let append = |log: &mut Log| {
        let record = log.kept.len();
        log.append(record as u8, Group::Ends, &vec![record as u8; sizes[record % sizes.len()]]);
        log.waiting.extend(log.appender.take_batch());
    };
    // With the next segment ready and the first one not full no manifest comes, which would prove much to be durable.
    while log.writer.maintain().unwrap() == Progress::More {}
    let mut calls = Vec::new();
    append(log);
    while log.appender.end().get() < 2 * SEGMENT - 10_000 {
        let before = disk.calls();
        let mut batch = log.waiting.remove(0);
        log.writer.write(&mut batch).unwrap();
        append(log);
        let durable = log.writer.sync().unwrap();
        calls.extend(before..disk.calls());
        log.appender.note_durable(durable);
        log.writer.maintain().unwrap();
    }
    log.commit();
    calls
}

/// The disk took one sync of records for done and wrote nothing of it, notes included; all others are safe.
#[test]
fn f5_a_sync_that_the_disk_lost_is_told() {
    let mut told = 0;
    for sizes in [&[4_500][..], &[900], &[100, 5_000, 300], &[3_500], &[200, 200, 200, 6_000]] {
        let (disk, mut log) = begun(SEGMENT);
        for number in fill_in_steps(&disk, &mut log, sizes) {
            let (disk, mut log) = begun(SEGMENT);
            disk.fail_call(number, Fault::Lost);
            let _ = fill_in_steps(&disk, &mut log, sizes);
            // The last ones have nobody behind them who had learned that they were durable.
            let witnessed = log.kept.len() - 3;
            let what = format!("sizes {sizes:?}, call {number} lost");
            told += u32::from(check_start(&disk.crash(1), &log.kept, witnessed, &what));
        }
    }
    assert!(told >= 60, "{told}");
}

/// The writes of a note never reached the disk, so it is lower than where records are.
#[test]
fn f5_a_limit_that_records_have_passed_is_not_believed() {
    let (disk, mut log) = begun(SEGMENT);
    let (path, _) = path_of(&disk, SEGMENT);
    let first_note = disk.contents()[&path][NOTE].to_vec();
    (0..30).for_each(|record| commit_one(&mut log, record, 900));
    overwrite(&disk, &path, NOTE.start as u64, &first_note);
    let limit = limit_of(&disk, SEGMENT);
    assert!(!check_start(&disk.killed(), &log.kept, 30, "only the note"));
    let behind = log.kept.partition_point(|kept| kept.position < JournalPos::new(limit));
    for bad in [behind, behind + 3] {
        let disk = disk.killed();
        let (path, offset) = path_of(&disk, log.kept[bad].position.get() + 100);
        assert!(disk.rot(&path, offset, 3));
        assert!(check_start(&disk, &log.kept, 29, &format!("record {bad}, behind the limit")));
    }
}
