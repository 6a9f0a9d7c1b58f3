//! Encryption at rest (S13): what is on the disk tells nothing, only the right key opens it, and what was changed is
//! damage and never another message.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeSet;
use std::sync::Arc;

use support::{Kept, Log, clean, encrypted, keys, options, recover, reopen_as};
use ternmq_env::{FileFault, Files, write_full};
use ternmq_fakes::{FakeDisk, Fault};
use ternmq_journal::{
    Encryption, Group, JournalError, OpenError, Opened, Options, ReadError, Scrub, ScrubStep, inspect,
};

const SEGMENT: u64 = 4096;
const PAGE: u64 = 4096;
const TEXT: &[u8] = b"the quick brown fox jumps over the lazy dog";

/// A journal with a sync after each record. `life` makes the records of one life differ from those of another.
fn fill(disk: &FakeDisk, encryption: &Encryption, records: u8, life: u8) -> Log {
    let (kept, opened) = reopen_as(disk, SEGMENT, encryption);
    let mut log = Log::new(opened, kept);
    for record in 0..records {
        let mut payload = TEXT.repeat(12);
        payload.extend([life, record]);
        log.append(record, Group::Ends, &payload);
        log.commit();
    }
    log
}

fn paths(disk: &FakeDisk, kind: &str) -> Vec<String> {
    disk.contents().into_keys().filter(|path| path.contains(kind)).collect()
}

fn has_text(disk: &FakeDisk) -> bool {
    disk.contents()
        .values()
        .any(|bytes| bytes.windows(16).any(|part| TEXT.windows(16).any(|word| word == part)))
}

fn overwrite(disk: &FakeDisk, path: &str, offset: u64, bytes: &[u8]) {
    write_full(&*disk.open(path).unwrap(), path, bytes, offset).unwrap();
}

fn open_error(disk: &FakeDisk, encryption: Encryption) -> OpenError {
    recover(disk, Options { encryption, ..options(SEGMENT) }).map(drop).unwrap_err()
}

fn seen(disk: &FakeDisk, encryption: &Encryption) -> ternmq_journal::InspectReport {
    inspect(Arc::new(disk.clone()), "journal", encryption).unwrap()
}

/// Every key file, as the doctor would count them: one for each encrypted segment, and nothing else.
fn check_key_files(disk: &FakeDisk) {
    let named: BTreeSet<String> =
        paths(disk, "/segment-").iter().map(|path| path[16..32].to_owned()).collect();
    let keyed: BTreeSet<String> = paths(disk, "/key-").iter().map(|path| path[12..28].to_owned()).collect();
    assert_eq!(keyed, named);
}

#[test]
fn s13_what_is_kept_comes_back_and_is_nowhere_on_the_disk() {
    let disk = FakeDisk::new();
    let log = fill(&disk, &encrypted(1), 20, 1);
    let (positions, kept) = (log.kept.iter().map(|kept| kept.position).collect::<Vec<_>>(), log.kept.clone());
    assert!(!has_text(&disk));
    log.writer.close().unwrap();
    let (recovered, opened) = reopen_as(&disk, SEGMENT, &encrypted(1));
    assert_eq!((&recovered, clean(&opened.report)), (&kept, true));
    assert_eq!(opened.report.plain_segments, 0);
    for (position, kept) in positions.iter().zip(&kept) {
        assert_eq!(opened.reader.read(*position).unwrap().payload, kept.payload);
    }
    let read = opened.reader.read_sorted(&positions, usize::MAX);
    assert!(read.iter().zip(&kept).all(|(read, kept)| read.as_ref().unwrap().payload == kept.payload));
    let mut scrub = Scrub::new(&opened.reader);
    let mut checked = 0;
    while let ScrubStep::Checked { bytes } = scrub.step().unwrap() {
        checked += bytes;
    }
    assert!(checked >= 2 * SEGMENT, "{checked}");
    let report = seen(&disk, &encrypted(1));
    assert_eq!((report.records, report.payload_bytes), (20, 20 * (12 * TEXT.len() as u64 + 2)));
    assert!(report.segments.iter().filter(|segment| segment.is_encrypted).count() >= 3);
    check_key_files(&disk);
    // The very same records, plain: the test of the disk sees them.
    let plain = FakeDisk::new();
    let _log = fill(&plain, &Encryption::Off, 20, 1);
    assert!(has_text(&plain));
}

/// The records of two segments, of two lives and of two disks are the same; what lies on the disk never is.
#[test]
fn s13_each_segment_opened_for_writing_has_a_key_of_its_own() {
    let mut wraps = BTreeSet::new();
    let mut blocks = BTreeSet::new();
    let mut count = 0;
    for number in 0..2 {
        let disk = FakeDisk::new();
        // What is drawn at a start follows the number of calls.
        (0..number * 1_000).for_each(|_| drop(disk.list("journal")));
        for _ in 0..3 {
            let (kept, opened) = reopen_as(&disk, SEGMENT, &encrypted(1));
            let mut log = Log::new(opened, kept);
            for _ in 0..3 {
                log.append(1, Group::Ends, &[0x5a; 2000]);
                log.commit();
            }
            // Nonces follow positions; the disks give both the same positions.
            for path in paths(&disk, "/segment-") {
                let bytes = disk.contents().remove(&path).unwrap();
                let used = bytes[PAGE as usize..]
                    .chunks_exact(16)
                    .filter(|block| block.iter().any(|byte| *byte != 0));
                let used: Vec<_> = used.map(<[u8]>::to_vec).collect();
                if !blocks.contains(&used) {
                    blocks.insert(used);
                    count += 1;
                }
            }
        }
        for path in paths(&disk, "/key-") {
            let bytes = disk.contents().remove(&path).unwrap();
            assert!(wraps.insert(bytes[40..100].to_vec()), "{path}: the same wrap again");
        }
    }
    let all: Vec<_> = blocks.iter().flatten().filter(|block| block[..] != [0x5a; 16]).collect();
    let different: BTreeSet<_> = all.iter().collect();
    assert!(count >= 12 && wraps.len() >= 12, "{count} segments, {} keys", wraps.len());
    assert!(different.len() * 100 >= all.len() * 99, "{} of {} blocks differ", different.len(), all.len());
}

#[test]
fn a_segment_that_is_used_again_gets_another_key() {
    let disk = FakeDisk::new();
    let mut log = fill(&disk, &encrypted(1), 20, 1);
    let before = paths(&disk, "/key-");
    log.writer.publish_checkpoint(log.durable.end()).unwrap();
    let first_needed = log.durable.end().get() / SEGMENT;
    let old: Vec<_> = log.writer.segments().filter(|segment| segment.get() < first_needed).collect();
    log.writer.release(&old).unwrap();
    assert!(!paths(&disk, "/spare-").is_empty());
    check_key_files(&disk);
    let released = log.kept[0].position;
    while log.durable.end().get() < 14 * SEGMENT {
        log.append(1, Group::Ends, TEXT);
        log.commit();
    }
    assert!(paths(&disk, "/spare-").is_empty());
    assert!(paths(&disk, "/key-").iter().filter(|path| before.contains(path)).count() <= 2);
    check_key_files(&disk);
    let (_, opened) = reopen_as(&disk.crash(3), SEGMENT, &encrypted(1));
    assert!(clean(&opened.report));
    assert!(matches!(opened.reader.read(released), Err(ReadError::Released(_))));
}

#[test]
fn a_key_that_is_missing_or_wrong_is_refused_and_nothing_is_changed() {
    let disk = FakeDisk::new();
    let log = fill(&disk, &encrypted(1), 12, 1);
    let killed = disk.killed();
    let before = killed.contents();
    assert_eq!(open_error(&killed, Encryption::Off), OpenError::KeyMissing);
    for wrong in [encrypted(2), Encryption::On(keys(2, Some(3))), Encryption::ReadOnly(keys(2, None))] {
        let error = open_error(&killed, wrong);
        assert!(matches!(error, OpenError::WrongKey { foreign, segments } if foreign == segments), "{error}");
    }
    assert_eq!(killed.contents(), before);
    let error = inspect(Arc::new(killed.clone()), "journal", &encrypted(2)).unwrap_err();
    assert!(matches!(error, OpenError::WrongKey { .. }), "{error}");
    assert_eq!(reopen_as(&killed, SEGMENT, &encrypted(1)).0, log.kept);
}

#[test]
fn encryption_is_turned_on_and_off_and_everything_stays_readable() {
    let disk = FakeDisk::new();
    let mut kept = Vec::new();
    for (life, encryption) in [
        Encryption::Off,
        encrypted(1),
        Encryption::ReadOnly(keys(1, None)),
        encrypted(1),
        Encryption::ReadOnly(keys(1, None)),
    ]
    .into_iter()
    .enumerate()
    {
        let plain_before = paths(&disk, "/segment-").len() - paths(&disk, "/key-").len();
        let log = fill(&disk, &encryption, 10, life as u8);
        assert!(log.kept.starts_with(&kept));
        kept.clone_from(&log.kept);
        let plain = paths(&disk, "/segment-").len() - paths(&disk, "/key-").len();
        assert_eq!(plain > plain_before, !matches!(encryption, Encryption::On(_)), "life {life}");
        if life % 2 == 0 {
            log.writer.close().unwrap();
        }
    }
    let disk = disk.crash(1);
    let (recovered, opened) = reopen_as(&disk, SEGMENT, &Encryption::ReadOnly(keys(1, None)));
    assert_eq!((recovered, clean(&opened.report)), (kept, true));
    assert!(opened.report.encrypted_segments > 0 && opened.report.plain_segments > 0);
    // Once the encrypted segments are gone the key is needed no more.
    let mut log = Log::new(opened, Vec::new());
    log.writer.publish_checkpoint(log.durable.end()).unwrap();
    log.append(1, Group::Ends, TEXT);
    log.commit();
    let first_needed = log.durable.end().get() / SEGMENT;
    let old: Vec<_> = log.writer.segments().filter(|segment| segment.get() < first_needed).collect();
    log.writer.release(&old).unwrap();
    assert!(paths(&disk, "/key-").is_empty());
    let (recovered, opened) = reopen_as(&disk.crash(2), SEGMENT, &Encryption::Off);
    assert_eq!((&recovered[..], clean(&opened.report)), (&log.kept[..], true));
}

/// Flips one bit after the other in a record, its header and its tag; makes the sum right again where it can.
#[test]
fn s13_a_changed_bit_anywhere_in_a_record_is_damage_and_never_other_bytes() {
    let disk = FakeDisk::new();
    let log = fill(&disk, &encrypted(1), 6, 1);
    let (position, span) = (log.kept[2].position, log.kept[3].position.get() - log.kept[2].position.get());
    let path = paths(&disk, "/segment-").remove(0);
    let offset = PAGE + position.get() % SEGMENT;
    let content = 32 + log.kept[2].payload.len() + 16;
    let original = disk.contents()[&path][offset as usize..][..span as usize].to_vec();
    for (with_sum, step) in [(false, 3), (true, 1)] {
        for bit in (0..content * 8).step_by(step) {
            let mut bytes = original.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            if with_sum {
                let length = u32::from_le_bytes(bytes[..4].try_into().unwrap());
                let Some(summed) = bytes.get(8..32 + length as usize) else { continue };
                let crc = crc32c::crc32c_append(length, summed);
                bytes[4..8].copy_from_slice(&crc.to_le_bytes());
                if bytes == original {
                    continue;
                }
            }
            let hurt = disk.killed();
            overwrite(&hurt, &path, offset, &bytes);
            let (recovered, opened) = reopen_as(&hurt, SEGMENT, &encrypted(1));
            let what = format!("bit {bit}, sum mended: {with_sum}");
            let damage = &opened.report.damage;
            assert_eq!(damage.len(), 1, "{what}");
            assert!(damage[0].from == position && damage[0].to == log.kept[3].position, "{what}: {damage:?}");
            let rest: Vec<Kept> = log.kept.iter().filter(|kept| kept.position != position).cloned().collect();
            assert_eq!(recovered, rest, "{what}");
            if bit % 37 == 0 {
                let error = opened.reader.read(position).unwrap_err();
                assert!(matches!(error, ReadError::Damaged { .. }), "{what}: {error}");
                assert_eq!(seen(&hurt, &encrypted(1)).damage.len(), 1, "{what}");
            }
        }
    }
}

/// A crash tears what it tears; it never leaves a right sum over wrong bytes. So that is damage even at the very end.
#[test]
fn a_bad_tag_at_the_very_end_is_damage_and_a_torn_end_is_torn() {
    let disk = FakeDisk::new();
    let log = fill(&disk, &encrypted(1), 3, 1);
    let position = log.kept[2].position;
    let path = paths(&disk, "/segment-").remove(0);
    let offset = PAGE + position.get() % SEGMENT;
    let content = 32 + log.kept[2].payload.len() + 16;
    let original = disk.contents()[&path][offset as usize..][..content].to_vec();
    for torn_at in (0..content).step_by(7) {
        let hurt = disk.killed();
        overwrite(&hurt, &path, offset + torn_at as u64, &vec![0; content - torn_at]);
        let (recovered, opened) = reopen_as(&hurt, SEGMENT, &encrypted(1));
        assert!(opened.report.damage.is_empty(), "torn at {torn_at}");
        assert_eq!(recovered, log.kept[..2], "torn at {torn_at}");
    }
    let mut bytes = original;
    bytes[content - 1] ^= 1;
    let crc = crc32c::crc32c_append((content - 32) as u32, &bytes[8..]);
    bytes[4..8].copy_from_slice(&crc.to_le_bytes());
    overwrite(&disk, &path, offset, &bytes);
    let (recovered, opened) = reopen_as(&disk.killed(), SEGMENT, &encrypted(1));
    assert_eq!(recovered, log.kept[..2]);
    assert_eq!(opened.report.damage[0].from, position);
    assert_eq!(opened.report.damage[0].to, log.durable.end());
    drop(opened);
}

/// A record of a plain journal in an encrypted segment opens nothing, and the other way round.
#[test]
fn a_plain_record_in_an_encrypted_segment_is_damage() {
    let disk = FakeDisk::new();
    let log = fill(&disk, &encrypted(1), 5, 1);
    let position = log.kept[1].position;
    let path = paths(&disk, "/segment-").remove(0);
    let offset = (PAGE + position.get() % SEGMENT) as usize;
    let mut bytes = disk.contents()[&path][offset..][..32 + log.kept[1].payload.len() + 16].to_vec();
    bytes[30] = 0;
    let crc = crc32c::crc32c_append((bytes.len() - 32) as u32, &bytes[8..]);
    bytes[4..8].copy_from_slice(&crc.to_le_bytes());
    overwrite(&disk, &path, offset as u64, &bytes);
    let (recovered, opened) = reopen_as(&disk.killed(), SEGMENT, &encrypted(1));
    assert_eq!((recovered.len(), opened.report.damage.len()), (4, 1));
}

#[test]
fn a_lost_key_file_is_damage_of_its_segment_and_of_no_other() {
    let disk = FakeDisk::new();
    let log = fill(&disk, &encrypted(1), 24, 1);
    let wraps = paths(&disk, "/key-");
    let another = disk.contents()[&wraps[2]].clone();
    for (what, hurt) in [("missing", None), ("longer", Some(vec![0; 9_000])), ("another's", Some(another))] {
        for number in [0, 1] {
            let disk = disk.killed();
            match &hurt {
                None => disk.remove(&wraps[number]).unwrap(),
                Some(bytes) => overwrite(&disk, &wraps[number], 0, bytes),
            }
            let report = seen(&disk, &encrypted(1));
            assert_eq!(report.segments.iter().filter(|segment| segment.key_is_lost).count(), 1, "{what}");
            let (recovered, opened) = reopen_as(&disk, SEGMENT, &encrypted(1));
            let damage = &opened.report.damage;
            assert_eq!((damage.len(), damage), (1, &report.damage), "{what}");
            let is_lost = |kept: &Kept| kept.position.get() / SEGMENT == number as u64 + 1;
            let rest: Vec<Kept> = log.kept.iter().filter(|kept| !is_lost(kept)).cloned().collect();
            assert_eq!(recovered, rest, "{what} {number}");
        }
    }
    for bit in (0..104 * 8).step_by(5) {
        let disk = disk.killed();
        let mut bytes = disk.contents()[&wraps[1]].clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        overwrite(&disk, &wraps[1], 0, &bytes);
        let (recovered, opened) = reopen_as(&disk, SEGMENT, &encrypted(1));
        assert!(!opened.report.damage.is_empty() && recovered.iter().all(|record| log.kept.contains(record)));
    }
}

/// The segment being written when the process died: its records cannot be read, and are not taken for a torn end.
#[test]
fn a_lost_key_of_the_last_segment_is_damage_too() {
    let disk = FakeDisk::new();
    let log = fill(&disk, &encrypted(1), 10, 1);
    let last = log.kept.last().unwrap().position.get() / SEGMENT;
    let path = paths(&disk, &format!("/key-{last:016x}")).remove(0);
    let disk = disk.killed();
    disk.remove(&path).unwrap();
    let (recovered, opened) = reopen_as(&disk, SEGMENT, &encrypted(1));
    assert!(recovered.len() < log.kept.len() && log.kept.starts_with(&recovered));
    assert_eq!(opened.report.damage[0].to, log.durable.end());
}

#[test]
fn a_key_is_changed_and_the_former_one_opens_nothing_any_more() {
    let disk = FakeDisk::new();
    let log = fill(&disk, &encrypted(1), 16, 1);
    let kept = log.kept.clone();
    let disk = disk.killed();
    let wraps = paths(&disk, "/key-").len();
    assert!(matches!(open_error(&disk, encrypted(2)), OpenError::WrongKey { .. }));
    let (recovered, opened) = reopen_as(&disk, SEGMENT, &Encryption::On(keys(2, Some(1))));
    assert_eq!(recovered, kept);
    assert!(opened.report.former_key_segments >= wraps - 1);
    drop(opened);
    for safe in [disk.killed(), disk.crash(1), disk.crash(2)] {
        assert!(matches!(open_error(&safe, encrypted(1)), OpenError::WrongKey { .. }));
        let (recovered, opened) = reopen_as(&safe, SEGMENT, &encrypted(2));
        assert_eq!((recovered, opened.report.former_key_segments), (kept.clone(), 0));
    }
}

/// Whatever call fails while a key is changed, and however the power is cut then: the two keys together open everything,
/// and once a start has succeeded the new one alone does.
#[test]
fn a_change_of_key_may_be_cut_off_anywhere() {
    let disk = FakeDisk::new();
    let log = fill(&disk, &encrypted(1), 16, 1);
    let (base, kept, both) = (disk.killed(), log.kept, Encryption::On(keys(2, Some(1))));
    let mut halves = 0;
    for fault in [Fault::Device, Fault::DiskFull, Fault::Short] {
        for number in 0.. {
            let disk = base.killed();
            disk.fail_call(number, fault);
            let started =
                support::start_if_sound(&disk, Options { encryption: both.clone(), ..options(SEGMENT) });
            for crash in 0..4 {
                let what = format!("call {number} {fault:?}, crash {crash}, {started:?}");
                let disk = disk.crash(crash);
                let is_half = |byte| {
                    matches!(
                        recover(&disk.killed(), Options { encryption: encrypted(byte), ..options(SEGMENT) }),
                        Err(OpenError::WrongKey { .. })
                    )
                };
                halves += u32::from(is_half(1) && is_half(2));
                let (recovered, opened) = reopen_as(&disk, SEGMENT, &both);
                assert_eq!((&recovered, clean(&opened.report)), (&kept, true), "{what}");
                drop(opened);
                assert_eq!(reopen_as(&disk.crash(9), SEGMENT, &encrypted(2)).0, kept, "{what}");
            }
            if disk.calls() <= number {
                break;
            }
        }
    }
    assert!(halves > 0, "no crash left keys under both");
}

/// A batch that found no room is given again; it is encrypted once.
#[test]
fn a_batch_that_found_no_room_is_written_when_there_is_some() {
    let disk = FakeDisk::new();
    let mut log = fill(&disk, &encrypted(1), 2, 1);
    let whole = disk.used_bytes();
    disk.set_capacity_bytes(Some(whole + 100));
    log.append(7, Group::Continues, &[1; 9_000]);
    log.append(7, Group::Ends, &[2; 9_000]);
    for _ in 0..3 {
        assert!(
            matches!(log.write(), Err(JournalError::DiskFull(error)) if error.fault == FileFault::DiskFull)
        );
    }
    disk.set_capacity_bytes(None);
    log.commit();
    let (recovered, opened) = reopen_as(&disk.crash(5), SEGMENT, &encrypted(1));
    assert_eq!((recovered, clean(&opened.report)), (log.kept, true));
}

/// The same call by call: the segment's own writes find no room, after the batch was encrypted.
#[test]
fn a_batch_that_was_encrypted_and_found_no_room_is_not_encrypted_again() {
    let mut refused = 0;
    for number in 0..12 {
        let disk = FakeDisk::new();
        let mut log = fill(&disk, &encrypted(1), 2, 1);
        log.append(7, Group::Ends, &[1; 5_000]);
        disk.fail_call(disk.calls() + number, Fault::DiskFull);
        while let Err(error) = log.write() {
            assert!(matches!(error, JournalError::DiskFull(_)), "{error}");
            refused += 1;
        }
        // A sync that finds no room is another matter.
        if log.sync().is_err() {
            continue;
        }
        let (recovered, opened) = reopen_as(&disk.crash(5), SEGMENT, &encrypted(1));
        assert_eq!((recovered, clean(&opened.report)), (log.kept, true), "call {number}");
    }
    assert!(refused >= 2, "{refused}");
}

/// What an interrupted start left of keys is removed by the next one.
#[test]
fn key_files_that_belong_to_nothing_are_removed() {
    let disk = FakeDisk::new();
    let log = fill(&disk, &encrypted(1), 3, 1);
    drop(log);
    let disk = disk.killed();
    for name in ["key-00000000000000ff-00000001", "key-0000000000000001-00000001.new"] {
        overwrite_new(&disk, &format!("journal/{name}"));
    }
    let Opened { writer, .. } = reopen_as(&disk, SEGMENT, &encrypted(1)).1;
    check_key_files(&disk);
    assert!(paths(&disk, ".new").is_empty());
    writer.close().unwrap();
}

fn overwrite_new(disk: &FakeDisk, path: &str) {
    write_full(&*disk.create(path).unwrap(), path, &[7; 50], 0).unwrap();
}
