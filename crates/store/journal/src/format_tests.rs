//! The forms on disk, byte by byte: a change here is a new format.

use std::sync::Arc;

use crate::appender::{Appender, Group};
use crate::cipher::CipherKey;
use crate::manifest::{BadManifest, Manifest};
use crate::record::{Header, JournalPos, check_record_bytes};
use crate::segment::{Entry, FileName, KeyName, OPEN_ENDED, manifest_name, segment_name, spare_name};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn appender(start: u64, mark: u32) -> Appender {
    let entry = Entry { record_epoch: 0, salt: mark, ..manifest().entries[0] };
    Appender::new(&entry, JournalPos::new(start))
}

#[test]
fn golden_records() {
    let mut appender = appender(0x1000, 0xa1b2_c3d4);
    let check = |batch: &[u8], expect: &str| assert_eq!(hex(batch), expect.replace([' ', '\n'], ""));
    appender.append(7, Group::Continues, &[b"he", b"", b"llo"]);
    appender.append(0, Group::Ends, &[]);
    check(
        appender.take_batch().unwrap().bytes(),
        "05000000 5af424ec 0010000000000000 0010000000000000 d4c3b2a1 07 01 0000 68656c6c6f 000000
         00000000 9848e056 2810000000000000 0010000000000000 d4c3b2a1 00 02 0000",
    );
}

#[test]
fn a_record_is_decoded_only_when_it_is_whole_and_unchanged() {
    let mut appender = appender(64, 1);
    appender.append(3, Group::Ends, &[b"some payload"]);
    let bytes = appender.take_batch().unwrap().into_buffer();
    assert_eq!(check_record_bytes(&bytes), Some((3, &b"some payload"[..])));
    let content = 32 + 12;
    for len in 0..content {
        assert_eq!(check_record_bytes(&bytes[..len]), None, "cut at {len}");
    }
    for bit in 0..content * 8 {
        let mut bad = bytes.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(check_record_bytes(&bad), None, "bit {bit}");
    }
}

#[test]
fn a_header_with_members_of_no_meaning_is_refused() {
    let good =
        Header { payload_bytes: 0, crc: 0, position: 8, synced: 8, mark: 0, kind: 0, flags: 3, key: 0 };
    assert_eq!(Header::decode(&good.encode()), Some(good));
    for bad in [
        Header { payload_bytes: 513 * 1024 * 1024 + 1, ..good },
        Header { flags: 4, ..good },
        Header { key: 2, ..good },
        Header { key: 1, payload_bytes: 15, ..good },
        Header { key: 1, payload_bytes: 513 * 1024 * 1024 + 17, ..good },
        Header { synced: 9, ..good },
    ] {
        assert_eq!(Header::decode(&bad.encode()), None, "{bad:?}");
    }
    for largest in [
        Header { payload_bytes: 513 * 1024 * 1024, ..good },
        Header { key: 1, payload_bytes: 513 * 1024 * 1024 + 16, ..good },
    ] {
        assert_eq!(Header::decode(&largest.encode()), Some(largest));
    }
}

fn manifest() -> Manifest {
    let entry = Entry {
        index: 1,
        file_epoch: 2,
        record_epoch: 1,
        salt: 0x0a0b_0c0d,
        sealed_bytes: 96,
        is_encrypted: false,
    };
    let open = Entry { index: 3, record_epoch: 2, salt: 5, sealed_bytes: OPEN_ENDED, ..entry };
    Manifest {
        epoch: 2,
        generation: 4,
        segment_bytes: 4096,
        checkpoint: 4128,
        durable: 12288,
        clean_end: 0,
        next_index: 4,
        entries: vec![entry, open],
    }
}

#[test]
fn golden_manifest() {
    let expect = "5445524e4d414e01 01000000 02000000 0400000000000000 0010000000000000 2010000000000000
        0030000000000000 0000000000000000 0400000000000000 0200000000000000
        0100000000000000 6000000000000000 02000000 01000000 0d0c0b0a 00000000
        0300000000000000 ffffffffffffffff 02000000 02000000 05000000 00000000
        35a8ca7e";
    let bytes = manifest().encode();
    assert_eq!(hex(&bytes), expect.replace([' ', '\n'], ""));
    assert_eq!(Manifest::decode(&bytes), Ok(manifest()));
}

/// Only what has something encrypted is of a form that older releases refuse.
#[test]
fn golden_manifest_and_segment_header_of_an_encrypted_segment() {
    let mut encrypted = manifest();
    encrypted.entries[1].is_encrypted = true;
    let bytes = encrypted.encode();
    assert_eq!(Manifest::decode(&bytes), Ok(encrypted.clone()));
    let plain = manifest().encode();
    let differing = |bytes: &[u8], plain: &[u8]| -> Vec<(usize, u8)> {
        bytes
            .iter()
            .zip(plain)
            .enumerate()
            .filter(|(_, (a, b))| a != b)
            .map(|(at, (a, _))| (at, *a))
            .collect()
    };
    let crc = bytes.len() - 4;
    assert_eq!(differing(&bytes[..crc], &plain[..crc]), [(8, 2), (crc - 4, 1)]);
    let (page, plain) = (encrypted.entries[1].encode_page(), manifest().entries[1].encode_page());
    assert_eq!(differing(&page[..48], &plain[..48]), [(8, 2), (36, 1)]);
    assert_eq!(Entry::decode_page(&page), Some(encrypted.entries[1]));
}

#[test]
fn golden_encrypted_record() {
    let entry = Entry { record_epoch: 0, salt: 0xa1b2_c3d4, is_encrypted: true, ..manifest().entries[0] };
    let mut appender = Appender::new(&entry, JournalPos::new(0x1000));
    appender.append(7, Group::Ends, &[b"he", b"llo"]);
    let mut batch = appender.take_batch().unwrap();
    let key = Arc::new(CipherKey::new(&[3; 32]).unwrap());
    assert!(!batch.encrypt(|_| None));
    assert!(batch.encrypt(|position| (position == 0x1000).then(|| key.clone())));
    let sealed = hex(batch.bytes());
    let expect = "15000000 fa76a6d4 0010000000000000 0010000000000000 d4c3b2a1 07 00 0100
        286fd68ba2 b7ff0d7f36c4a7063934c62435cc3f33 000000";
    assert_eq!(sealed, expect.replace([' ', '\n'], ""));
    // A batch that is given again, after there was no room for it, is the same.
    assert!(batch.encrypt(|_| None));
    assert_eq!(hex(batch.bytes()), sealed);
    let (kind, stored) = check_record_bytes(batch.bytes()).unwrap();
    let header = Header::decode(batch.bytes()).unwrap();
    let mut plain = [0; 5];
    assert!(kind == 7 && key.open_record(&header, stored, &mut plain) && &plain == b"hello");
}

#[test]
fn a_manifest_is_decoded_only_when_it_is_whole_and_unchanged() {
    let bytes = manifest().encode();
    for len in 0..bytes.len() {
        assert!(Manifest::decode(&bytes[..len]).is_err(), "cut at {len}");
    }
    for bit in 0..bytes.len() * 8 {
        let mut bad = bytes.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(Manifest::decode(&bad).is_err(), "bit {bit}");
    }
}

#[test]
fn a_manifest_that_contradicts_itself_is_refused() {
    let entry = manifest().entries[0];
    for bad in [
        Manifest { segment_bytes: 5000, ..manifest() },
        Manifest { segment_bytes: 0, ..manifest() },
        Manifest { entries: vec![entry, entry], ..manifest() },
        Manifest { entries: vec![Entry { index: u64::MAX, ..entry }], ..manifest() },
    ] {
        assert_eq!(Manifest::decode(&bad.encode()), Err(BadManifest::Damaged), "{bad:?}");
    }
}

#[test]
fn golden_segment_header() {
    let page = manifest().entries[0].encode_page();
    let expect = "5445524e53454701 01000000 02000000 00000000 0100000000000000 01000000 0d0c0b0a 00000000
        6000000000000000 1add1f89";
    assert_eq!(hex(&page[..52]), expect.replace([' ', '\n'], ""));
    assert!(page.len() == 4096 && page[52..].iter().all(|byte| *byte == 0));
    assert_eq!(Entry::decode_page(&page), Some(manifest().entries[0]));
    for bit in 0..52 * 8 {
        let mut bad = page.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(Entry::decode_page(&bad), None, "bit {bit}");
    }
}

#[test]
fn names_say_what_a_file_is_and_others_are_left_alone() {
    let check = |name: &str, expect| assert_eq!(FileName::parse(name), expect, "{name}");
    check(&segment_name(26, 3), Some(FileName::Segment { index: 26, epoch: 3 }));
    check("segment-000000000000001a-00000003", Some(FileName::Segment { index: 26, epoch: 3 }));
    check(&spare_name(1, 2), Some(FileName::Spare { epoch: 1, number: 2 }));
    check(&manifest_name(1, 2), Some(FileName::Manifest { epoch: 1, generation: 2 }));
    check(&format!("{}.new", manifest_name(1, 2)), Some(FileName::Draft { epoch: 1 }));
    check("key-000000000000001a-00000003", Some(FileName::Key(KeyName { index: 26, epoch: 3 })));
    assert_eq!(KeyName { index: 26, epoch: 3 }.file_name(), "key-000000000000001a-00000003");
    check("key-000000000000001a-00000003.new", Some(FileName::Draft { epoch: 3 }));
    check("reserve", Some(FileName::Reserve));
    for other in ["", "lock", "segment", "segment-1-2", "segment-000000000000001a-00000003-x", "notes.txt"] {
        check(other, None);
    }
}
