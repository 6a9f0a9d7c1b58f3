//! Dying records: entries of one queue that died while their bodies were not in memory. What becomes of them on their
//! dead-letter route is told by the record that replaces each one, or by a settle record.
//!
//! ```text
//! queue u32 | count u32 | count * (lane u8, reason u8, entry)
//! ```

use ternmq_message::DeathReason;
use ternmq_queue::DyingEntry;
use ternmq_stdx::layout::{BadLayout, Reader, Writer};

use super::chunk::{read_entry, write_entry};

/// Bytes of one entry.
const ENTRY_BYTES: usize = 39;

pub(crate) fn write_dying(out: &mut Writer, queue: u32, entries: &[DyingEntry]) {
    out.u32(queue);
    write_dying_list(out, entries);
}

pub(crate) fn read_dying(payload: &[u8]) -> Result<(u32, Vec<DyingEntry>), BadLayout> {
    let mut input = Reader::new(payload);
    Ok((input.u32()?, read_dying_list(&mut input)?))
}

pub(super) fn write_dying_list(out: &mut Writer, entries: &[DyingEntry]) {
    out.count(entries.len());
    for DyingEntry { lane, reason, entry } in entries {
        write_entry(out.u8(*lane).u8(reason.code()), entry);
    }
}

pub(super) fn read_dying_list(input: &mut Reader<'_>) -> Result<Vec<DyingEntry>, BadLayout> {
    let mut entries = Vec::new();
    for _ in 0..input.count(ENTRY_BYTES)? {
        let lane = input.u8()?;
        let bad = input.bad();
        let reason = DeathReason::from_code(input.u8()?).ok_or(bad)?;
        entries.push(DyingEntry { lane, reason, entry: read_entry(input)? });
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use ternmq_queue::{EntryRef, Location, Seq};

    use super::*;

    #[test]
    fn a_dying_entry_comes_back_and_no_truncation_is_taken() {
        let entry = EntryRef {
            seq: Seq(1),
            location: Location { pos: 2, len: 3, is_durable: true },
            body_len: 4,
            expires_at_ms: 5,
            failed_count: 6,
            acquired_count: 7,
        };
        let dying = DyingEntry { lane: 8, reason: DeathReason::DeliveryLimit, entry };
        let mut out = Writer::default();
        write_dying(&mut out, 9, &[dying]);
        assert_eq!(read_dying(out.bytes()).unwrap(), (9, vec![dying]));
        for len in 0..out.bytes().len() {
            assert!(read_dying(&out.bytes()[..len]).is_err(), "cut at {len}");
        }
    }
}
