//! Records of prepared branches and of producers that are known again.
//!
//! ```text
//! message:  branch u64 | target count u32 * (queue u32, incarnation u64) | origin present u8 [ producer u64, sequence u64 ]
//!           | message front | raw bytes to the end
//! later:    branch u64 | schedule, as of a scheduled message | times that may be repeated u32 | message front | raw bytes to the end
//! holds:    branch u64 | count u32 * (queue u32, incarnation u64, seq u64)
//! end:      branch u64 | namespace text | user text | format u32 | global blob | qualifier blob | prepared_at u64
//! decided:  branch u64
//! producer: number u64 | user text | name text | sequence u64 | used_at u64
//! ```
//! The message front is that of a message record without targets; of a message for later it says who may send it again. A branch is what its end completes.

use std::sync::Arc;

use bytes::Bytes;
use ternmq_queue::Seq;
use ternmq_stdx::layout::{BadLayout, Reader, Writer};

use super::message::{message_parts, read_message_head};
use super::scheduled::{read_schedule, write_schedule};
use crate::{
    branches::BranchId,
    producers::MessageOrigin,
    transaction::{StagedLater, StagedPublish, Targets},
};

/// Writes everything but the raw bytes of the message, which follow as a second part.
pub(crate) fn branch_message_parts(out: &mut Writer, branch: u64, publish: &StagedPublish) {
    out.u64(branch).count(publish.targets.len());
    for (queue, incarnation) in &publish.targets {
        out.u32(*queue).u64(*incarnation);
    }
    out.bool(publish.origin.is_some());
    if let Some(MessageOrigin { producer, sequence }) = publish.origin {
        out.u64(producer).u64(sequence);
    }
    message_parts(out, &publish.message, true, None, None, &[]);
}

/// Reads one; its message shares `payload`.
pub(crate) fn read_branch_message(payload: &Bytes) -> Result<(u64, StagedPublish), BadLayout> {
    let mut input = Reader::new(payload);
    let branch = input.u64()?;
    let mut targets = Targets::new();
    for _ in 0..input.count(12)? {
        targets.push((input.u32()?, input.u64()?));
    }
    let origin = if input.bool()? {
        Some(MessageOrigin { producer: input.u64()?, sequence: input.u64()? })
    } else {
        None
    };
    let head = read_message_head(&mut input)?;
    let bad = input.bad();
    let message = head.message(payload.slice(input.offset()..)).ok_or(bad)?;
    Ok((branch, StagedPublish { message, targets, origin }))
}

/// Writes everything but the raw bytes of the message, which follow as a second part.
pub(crate) fn branch_later_parts(out: &mut Writer, branch: u64, later: &StagedLater) {
    out.u64(branch);
    write_schedule(out, &later.schedule);
    out.u32(later.repeated_times);
    message_parts(out, &later.message, true, None, later.origin, &[]);
}

/// Reads one; its message shares `payload`.
pub(crate) fn read_branch_later(payload: &Bytes) -> Result<(u64, StagedLater), BadLayout> {
    let mut input = Reader::new(payload);
    let branch = input.u64()?;
    let schedule = read_schedule(&mut input)?;
    let repeated_times = input.u32()?;
    let head = read_message_head(&mut input)?;
    let (origin, bad) = (head.origin, input.bad());
    let message = head.message(payload.slice(input.offset()..)).ok_or(bad)?;
    Ok((branch, StagedLater { message, schedule, origin, repeated_times }))
}

/// A delivery that a branch accepts when it is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BranchHold {
    pub(crate) queue: u32,
    pub(crate) incarnation: u64,
    pub(crate) seq: Seq,
}

pub(crate) fn write_branch_holds(out: &mut Writer, branch: u64, holds: &[BranchHold]) {
    out.u64(branch).count(holds.len());
    for hold in holds {
        out.u32(hold.queue).u64(hold.incarnation).u64(hold.seq.0);
    }
}

pub(crate) fn read_branch_holds(payload: &[u8]) -> Result<(u64, Vec<BranchHold>), BadLayout> {
    let mut input = Reader::new(payload);
    let branch = input.u64()?;
    let mut holds = Vec::new();
    for _ in 0..input.count(20)? {
        holds.push(BranchHold { queue: input.u32()?, incarnation: input.u64()?, seq: Seq(input.u64()?) });
    }
    Ok((branch, holds))
}

/// What completes a branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BranchEnd {
    pub(crate) number: u64,
    pub(crate) namespace: Arc<str>,
    pub(crate) user: Arc<str>,
    pub(crate) id: BranchId,
    pub(crate) prepared_at_ms: u64,
}

pub(crate) fn write_branch_end(out: &mut Writer, end: &BranchEnd) {
    out.u64(end.number).text(&end.namespace).text(&end.user);
    out.u32(end.id.format().cast_unsigned()).blob(end.id.global()).blob(end.id.qualifier());
    out.u64(end.prepared_at_ms);
}

pub(crate) fn read_branch_end(payload: &[u8]) -> Result<BranchEnd, BadLayout> {
    let mut input = Reader::new(payload);
    let number = input.u64()?;
    let (namespace, user) = (input.text()?, input.text()?);
    let format = input.u32()?.cast_signed();
    let (global, qualifier) = (input.blob()?, input.blob()?);
    let id = BranchId::new(format, global, qualifier).ok_or(input.bad())?;
    Ok(BranchEnd { number, namespace, user, id, prepared_at_ms: input.u64()? })
}

/// One producer as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProducerRecord {
    pub(crate) number: u64,
    pub(crate) user: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) sequence: u64,
    pub(crate) used_at_ms: u64,
}

pub(crate) fn write_producer(out: &mut Writer, record: &ProducerRecord) {
    out.u64(record.number).text(&record.user).text(&record.name).u64(record.sequence).u64(record.used_at_ms);
}

pub(crate) fn read_producer(payload: &[u8]) -> Result<ProducerRecord, BadLayout> {
    let mut input = Reader::new(payload);
    Ok(ProducerRecord {
        number: input.u64()?,
        user: input.text()?,
        name: input.text()?,
        sequence: input.u64()?,
        used_at_ms: input.u64()?,
    })
}

#[cfg(test)]
mod tests {
    use ternmq_message::{Message, MessageMeta};

    use super::*;
    use crate::scheduled::Schedule;

    #[test]
    fn a_branch_comes_back_and_no_truncation_is_taken() {
        let meta = MessageMeta { is_durable: true, ttl_ms: Some(9), ..MessageMeta::default() };
        let message = Message::new("n", "k", b"head", b"body", meta, None).unwrap();
        let origin = Some(MessageOrigin { producer: 3, sequence: 4 });
        let publish = StagedPublish { message, targets: Targets::from_slice(&[(1, 2), (3, 4)]), origin };
        let mut out = Writer::default();
        branch_message_parts(&mut out, 7, &publish);
        out.raw(publish.message.raw());
        let (branch, read) = read_branch_message(&Bytes::copy_from_slice(out.bytes())).unwrap();
        assert_eq!((branch, &read.targets, read.origin), (7, &publish.targets, origin));
        assert_eq!((read.message.raw(), read.message.meta()), (publish.message.raw(), &meta));
        for len in 0..out.bytes().len() - 4 {
            assert!(
                read_branch_message(&Bytes::copy_from_slice(&out.bytes()[..len])).is_err(),
                "cut at {len}"
            );
        }
        let schedule = Schedule { delay_ms: 1, period_ms: 2, repeats: Some(3), calendar: None };
        let later = StagedLater { message: publish.message.clone(), schedule, origin, repeated_times: 4 };
        out.clear();
        branch_later_parts(&mut out, 7, &later);
        out.raw(later.message.raw());
        let (branch, read) = read_branch_later(&Bytes::copy_from_slice(out.bytes())).unwrap();
        assert_eq!((branch, &read.schedule, read.origin), (7, &later.schedule, origin));
        assert_eq!((read.message.raw(), read.repeated_times), (later.message.raw(), 4));
        for len in 0..out.bytes().len() - 4 {
            assert!(read_branch_later(&Bytes::copy_from_slice(&out.bytes()[..len])).is_err(), "cut at {len}");
        }
        out.clear();
        let holds = vec![BranchHold { queue: 1, incarnation: 2, seq: Seq(3) }; 2];
        out.clear();
        write_branch_holds(&mut out, 7, &holds);
        assert_eq!(read_branch_holds(out.bytes()), Ok((7, holds)));
        for len in 0..out.bytes().len() {
            assert!(read_branch_holds(&out.bytes()[..len]).is_err(), "cut at {len}");
        }
        let end = BranchEnd {
            number: 7,
            namespace: "main".into(),
            user: "u".into(),
            id: BranchId::new(-1, b"global", b"").unwrap(),
            prepared_at_ms: 9,
        };
        out.clear();
        write_branch_end(&mut out, &end);
        assert_eq!(read_branch_end(out.bytes()), Ok(end));
        for len in 0..out.bytes().len() {
            assert!(read_branch_end(&out.bytes()[..len]).is_err(), "cut at {len}");
        }
    }

    #[test]
    fn a_producer_comes_back_and_no_truncation_is_taken() {
        let (user, name) = ("u".into(), "p".into());
        let record = ProducerRecord { number: 1, user, name, sequence: 2, used_at_ms: 3 };
        let mut out = Writer::default();
        write_producer(&mut out, &record);
        assert_eq!(read_producer(out.bytes()), Ok(record));
        for len in 0..out.bytes().len() {
            assert!(read_producer(&out.bytes()[..len]).is_err(), "cut at {len}");
        }
    }
}
