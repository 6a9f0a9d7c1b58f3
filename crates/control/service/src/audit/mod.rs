//! The audit log: one record for each API call, refused ones too, in the shape of CloudTrail's (S15).
//!
//! Layout of an entry: `hash 32 B | JSON`, under its number; the first has number 1. The hash is SHA-256 over
//! `hash of the entry before | number, 8 B big endian | JSON`; before the first it is all zeros. So an entry that was
//! changed, taken out or put in between breaks the chain there ([`verify`]). Of the entries that are too old the last one's
//! number and hash stay, so that the chain still has its beginning.
//!
//! A change and its record are one transaction: the record is durable before the change takes effect. Records of
//! other calls are gathered by a thread of their own, and the answer waits until they are durable ([`Recorder`]).

mod event;
mod recorder;
mod retention;

use aws_lc_rs::digest::{Context, SHA256};

use crate::store::{Change, Store, StoreError};
pub(crate) use event::{Event, masked};
pub(crate) use recorder::{NotRecorded, Recorder};
use retention::Beginning;
pub use retention::Retention;
pub(crate) use retention::forget;

const HASH_BYTES: usize = 32;

/// Adds a record to the log, as part of a change.
pub(crate) fn append(change: &Change, json: &[u8]) -> Result<(), StoreError> {
    let (number, before) = match change.last_audit()? {
        Some((number, entry)) => (number + 1, split(&entry).map_or([0; HASH_BYTES], |(hash, _)| *hash)),
        None => (1, [0; HASH_BYTES]),
    };
    let mut entry = chained(&before, number, json).to_vec();
    entry.extend_from_slice(json);
    change.put_audit(number, &entry)
}

/// The JSON of an entry.
pub(crate) fn json(entry: &[u8]) -> Option<&[u8]> {
    split(entry).map(|(_, json)| json)
}

fn split(entry: &[u8]) -> Option<(&[u8; HASH_BYTES], &[u8])> {
    entry.split_first_chunk::<HASH_BYTES>()
}

fn chained(before: &[u8; HASH_BYTES], number: u64, json: &[u8]) -> [u8; HASH_BYTES] {
    let mut context = Context::new(&SHA256);
    context.update(before);
    context.update(&number.to_be_bytes());
    context.update(json);
    let mut hash = [0; HASH_BYTES];
    hash.copy_from_slice(context.finish().as_ref());
    hash
}

/// What a check of the whole log found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Number of the first entry that is there; those before it were too old.
    pub first: u64,
    /// Entries that were read.
    pub entries: u64,
    /// Number of the first entry that does not follow from the one before it.
    pub broken_at: Option<u64>,
}

/// Checks the chain from the first entry to the last.
///
/// # Errors
/// The store can't be read.
pub fn verify(store: &Store) -> Result<Verified, StoreError> {
    let view = store.view()?;
    let beginning = view.get::<Beginning>(Beginning::KEY)?.unwrap_or(Beginning::FIRST);
    let mut found = Verified { first: beginning.number.saturating_add(1), entries: 0, broken_at: None };
    let (mut before, mut expected) = (beginning.hash, found.first);
    for entry in view.audit_forwards()? {
        let (number, bytes) = entry?;
        let hash = split(&bytes).filter(|(hash, json)| **hash == chained(&before, number, json));
        let Some((hash, _)) = hash.filter(|_| number == expected) else {
            found.broken_at = Some(number);
            return Ok(found);
        };
        (before, expected) = (*hash, number.saturating_add(1));
        found.entries += 1;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::memory_store;

    fn log(texts: &[&str]) -> Store {
        let store = memory_store();
        for text in texts {
            let change = store.change().unwrap();
            append(&change, text.as_bytes()).unwrap();
            change.commit().unwrap();
        }
        store
    }

    fn tamper(store: &Store, number: u64, edit: impl FnOnce(&mut Vec<u8>)) {
        let view = store.view().unwrap();
        let mut found = view.audit_forwards().unwrap().map(Result::unwrap);
        let (_, mut bytes) = found.find(|(known, _)| *known == number).unwrap();
        edit(&mut bytes);
        let change = store.change().unwrap();
        change.put_audit(number, &bytes).unwrap();
        change.commit().unwrap();
    }

    #[test]
    fn a_whole_chain_is_good() {
        assert_eq!(verify(&log(&[])).unwrap(), Verified { first: 1, entries: 0, broken_at: None });
        assert_eq!(
            verify(&log(&["{}", "{}", "{}"])).unwrap(),
            Verified { first: 1, entries: 3, broken_at: None }
        );
    }

    #[test]
    fn a_changed_entry_is_found() {
        let store = log(&["{\"a\":1}", "{\"a\":2}", "{\"a\":3}"]);
        tamper(&store, 2, |bytes| *bytes.last_mut().unwrap() = b' ');
        assert_eq!(verify(&store).unwrap(), Verified { first: 1, entries: 1, broken_at: Some(2) });
    }

    #[test]
    fn an_entry_that_is_written_anew_with_its_hash_is_found_at_the_next_one() {
        let store = log(&["{\"a\":1}", "{\"a\":2}", "{\"a\":3}"]);
        tamper(&store, 1, |bytes| {
            let json = b"{\"a\":9}";
            *bytes = chained(&[0; HASH_BYTES], 1, json).to_vec();
            bytes.extend_from_slice(json);
        });
        assert_eq!(verify(&store).unwrap(), Verified { first: 1, entries: 1, broken_at: Some(2) });
    }

    #[test]
    fn an_entry_that_is_cut_is_found() {
        let store = log(&["{}"]);
        tamper(&store, 1, |bytes| bytes.truncate(5));
        assert_eq!(verify(&store).unwrap(), Verified { first: 1, entries: 0, broken_at: Some(1) });
    }
}
