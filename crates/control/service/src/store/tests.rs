//! What lies on the disk.

use std::sync::Arc;

use ternmq_env::{FileKey, Files};
use ternmq_fakes::{FakeDisk, SeededRng};

use super::*;
use crate::audit;
use crate::records::CreatorToken;
use crate::testing::{store_keys, store_on};

const SECRET: &str = "a-word-that-must-not-lie-on-the-disk";

fn token() -> CreatorToken {
    CreatorToken {
        region: "eu-west-1".into(),
        token: "t".into(),
        fingerprint: SECRET.into(),
        id: "b-1".into(),
        created_ms: 7,
    }
}

fn fill(store: &Store) {
    let change = store.change().unwrap();
    change.put(&token()).unwrap();
    change.put_identity("user/ann", SECRET.as_bytes()).unwrap();
    audit::append(&change, SECRET.as_bytes()).unwrap();
    change.commit().unwrap();
}

fn check(store: &Store) {
    let view = store.view().unwrap();
    assert_eq!(view.get::<CreatorToken>(&token().key()).unwrap(), Some(token()));
    assert_eq!(view.identity().unwrap(), [("user/ann".to_owned(), SECRET.as_bytes().to_vec())]);
    assert_eq!(audit::verify(store).unwrap().entries, 1);
    assert_eq!(audit::verify(store).unwrap().broken_at, None);
}

fn bytes(disk: &FakeDisk) -> Vec<u8> {
    backend::read(disk, FILE).unwrap().unwrap()
}

fn lies_there(disk: &FakeDisk, text: &str) -> bool {
    bytes(disk).windows(text.len()).any(|window| window == text.as_bytes())
}

fn open(disk: &FakeDisk, keys: &StoreKeys) -> Result<Store, StoreError> {
    Store::open(Arc::new(disk.clone()), keys, &mut SeededRng::new(9))
}

#[test]
fn nothing_lies_there_as_it_is() {
    let disk = FakeDisk::new();
    for _ in 0..3 {
        let store = store_on(Arc::new(disk.clone()));
        if audit::verify(&store).unwrap().entries == 0 {
            fill(&store);
        }
        check(&store);
    }
    assert!(!lies_there(&disk, SECRET));
    let copy = Store::copy_of(&disk, &store_keys(1), &mut SeededRng::new(2)).unwrap().unwrap();
    check(&copy);
}

#[test]
fn another_key_opens_nothing_and_changes_nothing() {
    let disk = FakeDisk::new();
    fill(&store_on(Arc::new(disk.clone())));
    assert!(matches!(open(&disk, &store_keys(2)), Err(StoreError::WrongKey)));
    assert!(matches!(
        Store::copy_of(&disk, &store_keys(2), &mut SeededRng::new(2)),
        Err(StoreError::WrongKey)
    ));
    check(&store_on(Arc::new(disk)));
}

#[test]
fn a_key_is_replaced() {
    let disk = FakeDisk::new();
    fill(&store_on(Arc::new(disk.clone())));
    let both = StoreKeys { current: FileKey::new([2; 32]), former: Some(FileKey::new([1; 32])) };
    check(&open(&disk, &both).unwrap());
    check(&open(&disk, &both).unwrap());
    check(&open(&disk, &store_keys(2)).unwrap());
    assert!(matches!(open(&disk, &store_keys(1)), Err(StoreError::WrongKey)));
}

#[test]
fn a_store_without_encryption_gets_it() {
    let disk = FakeDisk::new();
    disk.create_dir(DIR).unwrap();
    let plain = database(&disk, &Arc::default()).unwrap();
    let transaction = plain.begin_write().unwrap();
    {
        let record = record::write(&token()).unwrap();
        transaction.open_table(RECORDS).unwrap().insert(token().key().as_str(), record.as_slice()).unwrap();
        transaction.open_table(IDENTITY).unwrap().insert("user/ann", SECRET.as_bytes()).unwrap();
        let other = store_on(Arc::new(FakeDisk::new()));
        fill(&other);
        let (number, entry) = other.change().unwrap().last_audit().unwrap().unwrap();
        transaction.open_table(AUDIT).unwrap().insert(number, entry.as_slice()).unwrap();
    }
    transaction.commit().unwrap();
    drop(plain);
    assert!(lies_there(&disk, SECRET));
    check(&store_on(Arc::new(disk.clone())));
    assert!(!lies_there(&disk, SECRET));
    check(&store_on(Arc::new(disk)));
}

#[test]
fn a_value_that_was_changed_or_moved_is_told() {
    let disk = FakeDisk::new();
    let store = store_on(Arc::new(disk));
    fill(&store);
    let change = store.change().unwrap();
    {
        let mut table = change.records().unwrap();
        let value = table.get(token().key().as_str()).unwrap().unwrap().value().to_vec();
        table.insert("token/eu-west-1/other", value.as_slice()).unwrap();
    }
    change.commit().unwrap();
    let told = store.view().unwrap().get::<CreatorToken>("token/eu-west-1/other").unwrap_err().to_string();
    let expect = "the value 'token/eu-west-1/other' of the service's store can't be decrypted: it is damaged or was changed";
    assert_eq!(told, expect);
}
