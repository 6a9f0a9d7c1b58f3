//! A disk that runs full (F4): the alarm, the reserve, refusal before any ack, and going on when there is room.
#![allow(clippy::unwrap_used)]

mod support;

use support::{Log, clean, recover, reopen};
use ternmq_fakes::FakeDisk;
use ternmq_journal::{Group, JournalError, Options, Progress, SpaceLevel, WriteClass};

const SEGMENT: u64 = 4096;
const FILE: u64 = SEGMENT + 4096;

fn options() -> Options {
    Options {
        segment_bytes: SEGMENT,
        reserve_bytes: 3 * FILE,
        alarm_free_bytes: 5 * FILE,
        spare_files: 2,
        ..Options::default()
    }
}

fn level(log: &Log) -> SpaceLevel {
    log.writer.space().unwrap().level
}

#[test]
fn f4_the_alarm_comes_first_then_the_reserve_then_refusal() {
    let disk = FakeDisk::new();
    disk.set_capacity_bytes(Some(20 * FILE));
    let (_, opened) = recover(&disk, options()).unwrap();
    let mut log = Log::new(opened, Vec::new());
    assert_eq!(level(&log), SpaceLevel::Plenty);
    assert_eq!(log.writer.space().unwrap().reserve_bytes, 3 * FILE);
    let mut seen = vec![SpaceLevel::Plenty];
    let refusal = loop {
        log.append(1, Group::Ends, &[5; 1000]);
        let answer = log.write();
        if *seen.last().unwrap() != level(&log) {
            seen.push(level(&log));
        }
        if let Err(error) = answer {
            break error;
        }
        log.sync().unwrap();
    };
    assert!(matches!(refusal, JournalError::DiskFull(_)), "{refusal:?}");
    let order = [SpaceLevel::Plenty, SpaceLevel::Low, SpaceLevel::ReserveInUse, SpaceLevel::Full];
    assert_eq!(seen, order);
    // What was refused is not durable, what came before is, and the next start copes with a full disk.
    let durable = log.durable;
    assert!(!durable.covers(log.kept.last().unwrap().position));
    let crashed = disk.crash(3);
    let (recovered, _) = reopen(&crashed, SEGMENT);
    assert_eq!(recovered, log.kept[..recovered.len()]);
    assert!(log.kept[recovered.len()..].iter().all(|lost| !durable.covers(lost.position)));
    // Once the consumers have settled and a checkpoint lets segments go, the refused batch is taken.
    log.writer.publish_checkpoint(durable.end()).unwrap();
    let first_needed = durable.end().get() / SEGMENT;
    let old: Vec<_> = log.writer.segments().filter(|segment| segment.get() < first_needed).collect();
    log.writer.release(&old).unwrap();
    log.commit();
    for _ in 0..40 {
        log.append(2, Group::Ends, b"more");
        log.commit();
    }
    assert_eq!(level(&log), SpaceLevel::Plenty, "the reserve is taken back");
    let (recovered, opened) = reopen(&disk.killed(), SEGMENT);
    assert_eq!(recovered.len(), 41);
    assert!(clean(&opened.report));
}

#[test]
fn f4_a_checkpoint_finds_room_for_its_manifest_in_the_reserve() {
    let disk = FakeDisk::new();
    disk.set_capacity_bytes(Some(20 * FILE));
    let (_, opened) = recover(&disk, options()).unwrap();
    let mut log = Log::new(opened, Vec::new());
    log.append(1, Group::Ends, b"x");
    log.commit();
    disk.set_capacity_bytes(Some(disk.used_bytes()));
    log.writer.publish_checkpoint(log.durable.end()).unwrap();
    assert_eq!(log.writer.space().unwrap().reserve_bytes, 0);
}

#[test]
fn upkeep_without_room_waits_and_harms_nothing() {
    let disk = FakeDisk::new();
    let (_, opened) = reopen(&disk, SEGMENT);
    let mut log = Log::new(opened, Vec::new());
    disk.set_capacity_bytes(Some(disk.used_bytes()));
    assert_eq!(log.writer.maintain(), Ok(Progress::NoRoom));
    log.append(1, Group::Ends, b"fits");
    log.commit();
    disk.set_capacity_bytes(None);
    while log.writer.maintain().unwrap() == Progress::More {}
    assert_eq!(log.writer.maintain(), Ok(Progress::Done));
}

#[test]
fn the_level_says_what_may_be_appended() {
    let table = [
        (SpaceLevel::Plenty, true, true),
        (SpaceLevel::Low, false, true),
        (SpaceLevel::ReserveInUse, false, true),
        (SpaceLevel::Full, false, false),
    ];
    for (level, normal, freeing) in table {
        assert_eq!((level.admits(WriteClass::Normal), level.admits(WriteClass::Freeing)), (normal, freeing));
    }
}

#[test]
fn f4_a_start_on_a_full_disk_lives_on_the_reserve() {
    let disk = FakeDisk::new();
    let (_, opened) = recover(&disk, Options { spare_files: 0, ..options() }).unwrap();
    let mut log = Log::new(opened, Vec::new());
    for _ in 0..3 {
        log.append(1, Group::Ends, &[4; 1000]);
        log.commit();
    }
    let killed = disk.killed();
    killed.set_capacity_bytes(Some(killed.used_bytes()));
    let (recovered, opened) = recover(&killed, options()).unwrap();
    assert_eq!(recovered, log.kept);
    let mut log = Log::new(opened, recovered);
    assert_eq!(level(&log), SpaceLevel::ReserveInUse);
    log.append(2, Group::Ends, b"a settle");
    log.commit();
    assert_eq!(recover(&killed.crash(5), options()).unwrap().0, log.kept);
}
