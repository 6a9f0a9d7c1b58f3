//! How long the audit log is kept: CloudTrail's event history has 90 days, and a disk has an end.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{HASH_BYTES, json, split};
use crate::store::{Record, Store, StoreError};

const DAY_MS: u64 = 24 * 3_600 * 1_000;
/// Entries that one look lets go: more than come between two looks.
const LOOK_MAX: usize = 10_000;

/// What is kept of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Days that an entry is kept.
    pub days: u32,
    /// Entries that are kept at most; beyond it the oldest go before their time.
    pub entries: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { days: 90, entries: 2_000_000 }
    }
}

/// Where the log begins once its oldest entries are gone: the first one that is there follows from this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Beginning {
    /// Number of the last entry that is gone.
    pub number: u64,
    /// Its hash.
    pub hash: [u8; HASH_BYTES],
}

impl Beginning {
    pub(super) const KEY: &str = "audit-beginning";

    /// Of a log that has all its entries.
    pub(super) const FIRST: Self = Self { number: 0, hash: [0; HASH_BYTES] };
}

impl Record for Beginning {
    const VERSION: u8 = 1;

    fn key(&self) -> String {
        Self::KEY.into()
    }
}

/// Lets the oldest entries go, those of [`LOOK_MAX`] at most; the newest one stays. Answers how many went.
pub(crate) fn forget(store: &Store, retention: Retention, now_ms: u64) -> Result<u64, StoreError> {
    let view = store.view()?;
    let Some((newest, _)) = view.audit_backwards(u64::MAX)?.next().transpose()? else { return Ok(0) };
    let kept_from_ms = now_ms.saturating_sub(u64::from(retention.days) * DAY_MS);
    let surplus_through = newest.saturating_sub(retention.entries);
    let (mut last, mut count) = (None, 0);
    for entry in view.audit_forwards()?.take(LOOK_MAX) {
        let (number, bytes) = entry?;
        let is_surplus = number <= surplus_through;
        if number >= newest || !(is_surplus || at_ms(&bytes).is_none_or(|at_ms| at_ms < kept_from_ms)) {
            break;
        }
        let hash = split(&bytes).map_or([0; HASH_BYTES], |(hash, _)| *hash);
        (last, count) = (Some(Beginning { number, hash }), count + 1);
    }
    let Some(last) = last else { return Ok(0) };
    let change = store.change()?;
    change.put(&last)?;
    change.delete_audit_through(last.number)?;
    change.commit()?;
    Ok(count)
}

/// When the call of an entry was, in milliseconds since 1970; `None`: the entry is damaged.
fn at_ms(entry: &[u8]) -> Option<u64> {
    let record: Value = serde_json::from_slice(json(entry)?).ok()?;
    let at: jiff::Timestamp = record.get("eventTime")?.as_str()?.parse().ok()?;
    u64::try_from(at.as_millisecond()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Verified, append, verify};
    use crate::testing::memory_store;
    use crate::time::iso_seconds;

    fn log(days: &[u64]) -> Store {
        let store = memory_store();
        for day in days {
            let change = store.change().unwrap();
            let record = serde_json::json!({"eventTime": iso_seconds(day * DAY_MS)});
            append(&change, record.to_string().as_bytes()).unwrap();
            change.commit().unwrap();
        }
        store
    }

    #[test]
    fn what_is_old_or_too_much_goes_and_the_rest_is_a_chain() {
        let check = |days: &[u64], retention: Retention, gone: u64| {
            let store = log(days);
            assert_eq!(forget(&store, retention, 100 * DAY_MS).unwrap(), gone);
            let expect = Verified { first: gone + 1, entries: days.len() as u64 - gone, broken_at: None };
            assert_eq!(verify(&store).unwrap(), expect);
            assert_eq!(forget(&store, retention, 100 * DAY_MS).unwrap(), 0);
            let change = store.change().unwrap();
            append(&change, b"{}").unwrap();
            change.commit().unwrap();
            assert_eq!(verify(&store).unwrap(), Verified { entries: expect.entries + 1, ..expect });
        };
        let usual = Retention::default();
        check(&[1, 9, 10, 11, 99], usual, 2);
        check(&[10, 11], usual, 0);
        // The newest one stays, however old it is.
        check(&[1, 2, 3], usual, 2);
        check(&[96, 97, 98, 99], Retention { entries: 3, ..usual }, 1);
        check(&[1, 2, 98, 99], Retention { entries: 3, ..usual }, 2);
    }

    #[test]
    fn a_beginning_that_does_not_fit_is_found() {
        let store = log(&[1, 2, 99]);
        forget(&store, Retention::default(), 100 * DAY_MS).unwrap();
        let change = store.change().unwrap();
        change.put(&Beginning { number: 2, hash: [1; HASH_BYTES] }).unwrap();
        change.commit().unwrap();
        assert_eq!(verify(&store).unwrap().broken_at, Some(3));
    }
}
