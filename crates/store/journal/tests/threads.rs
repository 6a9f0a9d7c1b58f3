//! Readers on other threads while the writer recycles, and the same journal on a real disk.
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use support::{Log, options, reopen};
use ternmq_env::{DiskFiles, Files, SystemRng};
use ternmq_fakes::FakeDisk;
use ternmq_journal::{
    Encryption, Group, JournalPos, OpenError, Options, ReadError, Reader, Recovered, inspect, open,
};

const SEGMENT: u64 = 4096;

/// Every record says in its payload where it is, so that stale bytes would show.
fn payload_at(position: JournalPos, len: usize) -> Vec<u8> {
    position.get().to_le_bytes().into_iter().cycle().take(len).collect()
}

fn read_until(stop: &AtomicBool, reader: &Reader, positions: &[JournalPos]) -> usize {
    let mut good = 0;
    loop {
        let is_last = stop.load(Ordering::Acquire);
        for answer in reader.read_sorted(positions, usize::MAX) {
            match answer {
                Ok(record) => {
                    assert_eq!(record.payload, payload_at(record.position, record.payload.len()));
                    good += 1;
                }
                Err(ReadError::Released(_) | ReadError::NotWritten(_)) => {}
                Err(other) => panic!("{other:?}"),
            }
        }
        if is_last {
            return good;
        }
    }
}

#[test]
fn readers_never_see_stale_bytes_while_segments_are_recycled() {
    let disk = FakeDisk::new();
    let (_, opened) = reopen(&disk, SEGMENT);
    let reader = opened.reader.clone();
    let mut log = Log::new(opened, Vec::new());
    let positions: Vec<_> = (0..200).map(|nth| JournalPos::new(SEGMENT + nth * 1032)).collect();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers: Vec<_> =
            (0..2).map(|_| scope.spawn(|| read_until(&stop, &reader.clone(), &positions))).collect();
        for position in &positions {
            assert_eq!(log.append(1, Group::Ends, &payload_at(*position, 1000)), *position);
            log.commit();
            log.writer.publish_checkpoint(log.durable.end()).unwrap();
            let current = log.durable.end().get() / SEGMENT;
            let old: Vec<_> = log.writer.segments().filter(|segment| segment.get() + 2 < current).collect();
            log.writer.release(&old).unwrap();
        }
        stop.store(true, Ordering::Release);
        let good: usize = readers.into_iter().map(|reader| reader.join().unwrap()).sum();
        assert!(good > 0);
    });
}

#[test]
fn each_part_can_live_on_its_own_thread() {
    fn check<T: Send>() {}
    check::<ternmq_journal::Recovery>();
    check::<ternmq_journal::Opened>();
    check::<ternmq_journal::Batch>();
    fn check_shared<T: Clone + Send + Sync>() {}
    check_shared::<Reader>();
}

#[test]
fn a_real_disk_does_as_the_fake_one() {
    let dir = tempfile::tempdir().unwrap();
    let files: Arc<dyn Files> = Arc::new(DiskFiles::new(dir.path()).unwrap());
    let settings = Options { segment_bytes: 65_536, reserve_bytes: 1 << 20, ..options(65_536) };
    let mut expected = Vec::new();
    for life in 0..3_u8 {
        let mut recovery = open(files.clone(), Box::new(SystemRng), settings.clone()).unwrap();
        let second = open(files.clone(), Box::new(SystemRng), settings.clone());
        assert_eq!(second.err(), Some(OpenError::InUse));
        let mut found = Vec::new();
        while let Some(item) = recovery.read_next().unwrap() {
            let Recovered::Record { position, payload, .. } = item else { panic!("{item:?}") };
            found.push((position, payload.to_vec()));
        }
        assert_eq!(found, expected);
        let opened = recovery.finish().unwrap();
        let mut log = Log::new(opened, Vec::new());
        for nth in 0..100 {
            let bytes = vec![life; nth * 37];
            expected.push((log.append(life, Group::Ends, &bytes), bytes));
            if nth % 10 == 0 {
                log.commit();
            }
        }
        log.commit();
        if life == 1 {
            log.writer.close().unwrap();
        }
    }
    let report = inspect(files, "journal", &Encryption::Off).unwrap();
    assert_eq!((report.records, report.damage.len()), (300, 0));
    assert!(report.segments.iter().all(|segment| segment.header_is_intact));
}
