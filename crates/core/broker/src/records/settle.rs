//! Settle records: entries of one queue that are gone for good, as ranges.
//!
//! ```text
//! queue u32 | count u32 | count * (first u64, last u64)
//! ```

use ternmq_queue::Seq;
use ternmq_stdx::layout::{BadLayout, Reader, Writer};

/// One settle record.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SettleRecord {
    /// Queue.
    pub(crate) queue: u32,
    /// First and last number of each range, both included.
    pub(crate) ranges: Vec<(Seq, Seq)>,
}

/// Writes the record of `seqs`, which are sorted here and put together to ranges.
pub(crate) fn write_settle(out: &mut Writer, queue: u32, seqs: &mut [Seq]) {
    seqs.sort_unstable();
    let mut ranges: Vec<(u64, u64)> = Vec::new();
    for seq in seqs.iter() {
        match ranges.last_mut() {
            Some((_, last)) if seq.0 <= last.saturating_add(1) => *last = seq.0,
            _ => ranges.push((seq.0, seq.0)),
        }
    }
    out.u32(queue).count(ranges.len());
    for (first, last) in ranges {
        out.u64(first).u64(last);
    }
}

/// Writes the record of one range.
pub(crate) fn write_settle_range(out: &mut Writer, queue: u32, first: Seq, last: Seq) {
    out.u32(queue).count(1).u64(first.0).u64(last.0);
}

/// Reads one back.
pub(crate) fn read_settle(payload: &[u8]) -> Result<SettleRecord, BadLayout> {
    let mut input = Reader::new(payload);
    let queue = input.u32()?;
    let count = input.count(16)?;
    let mut ranges = Vec::with_capacity(count);
    for _ in 0..count {
        ranges.push((Seq(input.u64()?), Seq(input.u64()?)));
    }
    Ok(SettleRecord { queue, ranges })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_become_one_range() {
        let mut out = Writer::default();
        write_settle(&mut out, 7, &mut [Seq(5), Seq(1), Seq(2), Seq(3), Seq(9), Seq(9)]);
        let record = read_settle(out.bytes()).unwrap();
        assert_eq!(record.queue, 7);
        assert_eq!(record.ranges, [(Seq(1), Seq(3)), (Seq(5), Seq(5)), (Seq(9), Seq(9))]);
    }
}
