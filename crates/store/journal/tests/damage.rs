//! Bit rot and unreadable sectors (F5), damaged manifests, and any bytes at all.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;

use support::{Kept, Log, clean, payload, reopen};
use ternmq_env::{Files, write_full};
use ternmq_fakes::{FakeDisk, SeededRng};
use ternmq_journal::{
    Encryption, Group, ManifestState, OpenError, check_record_bytes, check_segment_bytes, inspect,
};

const SEGMENT: u64 = 4096;
const PAGE: u64 = 4096;

/// A journal of one run with a sync after each record, killed.
fn filled(records: u8, bytes: usize) -> (FakeDisk, Vec<Kept>) {
    let disk = FakeDisk::new();
    let (_, opened) = reopen(&disk, SEGMENT);
    let mut log = Log::new(opened, Vec::new());
    for record in 0..records {
        log.append(record, Group::Ends, &vec![record; bytes]);
        log.commit();
    }
    (disk.killed(), log.kept)
}

fn paths(disk: &FakeDisk, kind: &str) -> Vec<String> {
    disk.contents().into_keys().filter(|path| path.contains(kind)).collect()
}

fn path_of(disk: &FakeDisk, position: u64) -> (String, u64) {
    let index = format!("segment-{:016x}-", position / SEGMENT);
    (paths(disk, &index).pop().unwrap(), PAGE + position % SEGMENT)
}

#[test]
fn f5_a_bad_record_before_a_witness_is_damage_and_the_rest_is_yielded() {
    for bad in 0..17_usize {
        for is_unreadable in [false, true] {
            let (disk, kept) = filled(20, 1000);
            let position = kept[bad].position.get() + 512;
            let (path, offset) = path_of(&disk, position);
            let is_there =
                if is_unreadable { disk.make_unreadable(&path, offset) } else { disk.rot(&path, offset, 5) };
            assert!(is_there);
            let seen = inspect(Arc::new(disk.clone()), "journal", &Encryption::Off).unwrap();
            let before = disk.contents();
            let (recovered, opened) = reopen(&disk, SEGMENT);
            let damage = &opened.report.damage;
            assert_eq!(damage.len(), 1, "record {bad}");
            assert_eq!(*damage, seen.damage, "the doctor sees the same");
            assert_eq!(damage[0].segment.get(), damage[0].from.get() / SEGMENT);
            assert!(recovered.iter().all(|record| kept.contains(record)));
            let lost: Vec<_> = kept.iter().filter(|record| !recovered.contains(record)).collect();
            // A device gives up whole pages: with an unreadable sector its neighbours go too.
            assert!(!lost.is_empty() && lost.len() <= if is_unreadable { 6 } else { 2 }, "{bad}");
            assert!(lost.iter().all(|lost| (damage[0].from..damage[0].to).contains(&lost.position)));
            // The damage is still known at the next start: nothing was cut off.
            drop(opened);
            assert!(!before.is_empty());
            let (again, opened) = reopen(&disk.crash(1), SEGMENT);
            assert_eq!((again, opened.report.damage.len()), (recovered, 1));
        }
    }
}

#[test]
fn f5_damage_behind_a_clean_stop_is_never_a_torn_tail() {
    let disk = FakeDisk::new();
    let (_, opened) = reopen(&disk, SEGMENT);
    let mut log = Log::new(opened, Vec::new());
    for record in 0..3 {
        log.append(record, Group::Ends, &[record; 600]);
    }
    log.commit();
    let last = log.kept[2].position.get();
    log.writer.close().unwrap();
    let (path, offset) = path_of(&disk, last + 100);
    assert!(disk.rot(&path, offset, 2));
    let (recovered, opened) = reopen(&disk, SEGMENT);
    assert_eq!(recovered, log.kept[..2]);
    assert!(opened.report.was_clean);
    assert_eq!(opened.report.damage[0].from.get(), last);
}

#[test]
fn an_unsynced_tail_that_the_disk_reordered_is_torn_and_not_damage() {
    let disk = FakeDisk::new();
    let (_, opened) = reopen(&disk, SEGMENT);
    let mut log = Log::new(opened, Vec::new());
    log.append(0, Group::Ends, &[1; 500]);
    log.commit();
    for record in 1..4 {
        log.append(record, Group::Ends, &[record; 700]);
        log.write().unwrap();
    }
    let (path, offset) = path_of(&disk, log.kept[1].position.get());
    assert!(disk.rot(&path, offset + 256, 1));
    let report = inspect(Arc::new(disk.killed()), "journal", &Encryption::Off).unwrap();
    assert_eq!((report.torn_at, report.records), (Some(log.kept[1].position), 1));
    let (recovered, opened) = reopen(&disk.killed(), SEGMENT);
    assert_eq!(recovered, log.kept[..1]);
    assert_eq!((opened.report.torn_at, opened.report.damage.len()), (Some(log.kept[1].position), 0));
}

#[test]
fn i6_a_damaged_group_is_missing_as_a_whole() {
    for bad in 2..5_usize {
        let disk = FakeDisk::new();
        let (_, opened) = reopen(&disk, SEGMENT);
        let mut log = Log::new(opened, Vec::new());
        for record in 0..8_u8 {
            let group = if (2..4).contains(&record) { Group::Continues } else { Group::Ends };
            log.append(record, group, &[record; 600]);
            if group == Group::Ends {
                log.commit();
            }
        }
        let (path, offset) = path_of(&disk, log.kept[bad].position.get() + 24);
        assert!(disk.rot(&path, offset / 512 * 512, 40 + bad as u64));
        let (recovered, opened) = reopen(&disk.killed(), SEGMENT);
        let kinds: Vec<_> = recovered.iter().map(|record| record.kind).collect();
        assert!(opened.report.damage.len() == 1, "{kinds:?}");
        let has_group = [2, 3, 4].map(|kind| kinds.contains(&kind));
        assert!(has_group == [false; 3] || has_group == [true; 3], "{kinds:?}");
        assert!(kinds.contains(&0) && kinds.contains(&7));
    }
}

#[test]
fn f5_a_file_that_cannot_be_copied_in_full_is_put_aside() {
    let (disk, kept) = filled(3, 1000);
    let (path, offset) = path_of(&disk, kept[1].position.get() + 512);
    assert!(disk.make_unreadable(&path, offset));
    let (_, opened) = reopen(&disk, SEGMENT);
    assert_eq!(opened.report.damage.len(), 1);
    let aside = path.replace("segment-", "damaged-segment-");
    assert_eq!(paths(&disk, "damaged-"), [aside]);
    drop(opened);
    assert_eq!(reopen(&disk, SEGMENT).1.report.damage.len(), 1, "zeroes in the copy are damage, too");
}

#[test]
fn a_lost_segment_file_is_damage() {
    let (disk, kept) = filled(20, 1000);
    let lost = path_of(&disk, kept[10].position.get()).0;
    disk.remove(&lost).unwrap();
    let (recovered, opened) = reopen(&disk, SEGMENT);
    assert_eq!(opened.report.damage.len(), 1);
    assert!(recovered.len() >= 14 && recovered.contains(&kept[19]));
}

#[test]
fn every_truncation_of_a_segment_file_recovers_a_prefix_or_tells() {
    let (disk, kept) = filled(6, 600);
    let (path, _) = path_of(&disk, kept[0].position.get());
    for len in (0..PAGE + SEGMENT).step_by(41) {
        let cut = disk.killed();
        cut.open(&path).unwrap().set_len(len).unwrap();
        let (recovered, opened) = reopen(&cut, SEGMENT);
        let is_prefix = kept.starts_with(&recovered);
        assert!(is_prefix, "length {len}");
        assert!(recovered.len() >= 5 || !opened.report.damage.is_empty(), "length {len}: silent loss");
    }
}

#[test]
fn the_older_manifest_serves_when_the_newest_rots() {
    let disk = FakeDisk::new();
    let mut kept = Vec::new();
    for life in 0..3 {
        let (recovered, opened) = reopen(&disk, SEGMENT);
        let mut log = Log::new(opened, recovered);
        for _ in 0..7 {
            log.append(life, Group::Ends, &[life; 900]);
            log.commit();
        }
        kept = log.kept;
    }
    let manifests = paths(&disk, "/manifest-");
    assert_eq!(manifests.len(), 2, "two generations are kept");
    for offset in (0..400).step_by(13) {
        let rotten = disk.killed();
        let file = rotten.open(&manifests[1]).unwrap();
        write_full(&*file, "m", &[0xee], offset).unwrap();
        let (recovered, opened) = reopen(&rotten, SEGMENT);
        assert_eq!(opened.report.manifest, ManifestState::Older, "offset {offset}");
        assert_eq!(recovered, kept);
        assert!(clean(&opened.report), "{:?}", opened.report);
        drop(opened);
        assert_eq!(reopen(&rotten, SEGMENT).0, kept);
    }
}

#[test]
fn without_an_intact_manifest_nothing_is_opened_or_changed() {
    let (disk, _) = filled(3, 100);
    for manifest in paths(&disk, "/manifest-") {
        disk.open(&manifest).unwrap().set_len(50).unwrap();
    }
    let before = disk.contents();
    let error = support::recover(&disk, support::options(SEGMENT)).err().unwrap();
    assert!(matches!(error, OpenError::DamagedManifest { .. }), "{error}");
    paths(&disk, "/manifest-").iter().for_each(|path| disk.remove(path).unwrap());
    let error = support::recover(&disk, support::options(SEGMENT)).err().unwrap();
    assert_eq!(error, OpenError::DamagedManifest { path: "journal".into() });
    let segments = |map: BTreeMap<String, Vec<u8>>| -> Vec<_> {
        map.into_iter().filter(|(path, _)| !path.contains("/manifest-")).collect()
    };
    assert_eq!(segments(disk.contents()), segments(before));
}

#[test]
fn a_newer_format_is_refused_by_its_number() {
    let (disk, _) = filled(3, 100);
    let newest = paths(&disk, "/manifest-").pop().unwrap();
    write_full(&*disk.open(&newest).unwrap(), "m", &[3, 0, 0, 0], 8).unwrap();
    let error = support::recover(&disk, support::options(SEGMENT)).err().unwrap();
    assert_eq!(error, OpenError::NewerFormat { found: 3, known: 2 });
    let text = "the journal has format 3, this release knows formats up to 2; run a newer release";
    assert_eq!(error.to_string(), text);
}

#[test]
fn inspecting_changes_nothing() {
    let (disk, kept) = filled(20, 1000);
    let before = disk.contents();
    let report = inspect(Arc::new(disk.clone()), "journal", &Encryption::Off).unwrap();
    assert_eq!(disk.contents(), before);
    assert_eq!(report.records, kept.len() as u64);
    assert_eq!(report.payload_bytes, 20_000);
    assert!(!report.was_clean && report.damage.is_empty() && report.torn_at.is_none());
    let missing = inspect(Arc::new(FakeDisk::new()), "journal", &Encryption::Off).unwrap();
    assert_eq!((missing.manifest, missing.records), (ManifestState::None, 0));
}

#[test]
fn inspecting_looks_before_the_checkpoint_too() {
    let disk = FakeDisk::new();
    let (_, opened) = reopen(&disk, SEGMENT);
    let mut log = Log::new(opened, Vec::new());
    for record in 0..24 {
        log.append(record, Group::Ends, &[record; 1100]);
        log.commit();
    }
    log.writer.publish_checkpoint(log.durable.end()).unwrap();
    let third = log.writer.segments().nth(2).unwrap();
    log.writer.release(&[third]).unwrap();
    let report = inspect(Arc::new(disk.killed()), "journal", &Encryption::Off).unwrap();
    assert!(report.damage.is_empty(), "{:?}", report.damage);
    assert!((18..24).contains(&report.records), "{}", report.records);
    let (path, offset) = path_of(&disk, log.kept[1].position.get() + 600);
    assert!(disk.rot(&path, offset, 1));
    assert_eq!(inspect(Arc::new(disk.killed()), "journal", &Encryption::Off).unwrap().damage.len(), 1);
}

#[test]
fn any_bytes_in_any_file_never_panic_and_never_invent() {
    let (disk, kept) = filled(12, 700);
    let mut rng = SeededRng::new(3);
    for _ in 0..600 {
        let hurt = disk.killed();
        for _ in 0..=rng.below(3) {
            let files = paths(&hurt, "/segment-");
            let path = &files[rng.below(files.len() as u64) as usize];
            let bytes = payload(&mut rng, 600);
            let offset = rng.below(PAGE + SEGMENT - 600);
            write_full(&*hurt.open(path).unwrap(), path, &bytes, offset).unwrap();
        }
        let (recovered, opened) = reopen(&hurt, SEGMENT);
        assert!(recovered.iter().all(|record| kept.contains(record)));
        let gone = kept.len() - recovered.len();
        assert!(gone <= 1 || !opened.report.damage.is_empty(), "{gone} records lost in silence");
        inspect(Arc::new(hurt), "journal", &Encryption::Off).unwrap();
    }
}

#[test]
fn any_bytes_are_decoded_without_panic() {
    let (disk, _) = filled(3, 50);
    let segment = disk.contents().remove(&paths(&disk, "/segment-")[0]).unwrap();
    assert_eq!(check_segment_bytes(&segment), 3);
    let mut rng = SeededRng::new(8);
    for round in 0..2_000 {
        let mut bytes = payload(&mut rng, 200);
        if round % 2 == 0 {
            bytes = segment.clone();
            bytes[rng.below(4_400) as usize] ^= 1 << rng.below(8);
            bytes.truncate(rng.below(8_192) as usize);
        }
        assert!(check_segment_bytes(&bytes) <= 3);
        let record = bytes.get(4096..).unwrap_or(&bytes);
        assert!(check_record_bytes(record).is_none_or(|(_, payload)| payload.len() == 50));
    }
}
