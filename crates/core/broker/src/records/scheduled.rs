//! Records of scheduled messages.
//!
//! ```text
//! id u64 | op u8
//! op 0, gone
//! op 1, shifted: due u64 | repeats left opt u64 | times that may be repeated u32
//! op 2, held:    namespace text | user text | due u64 | delay u64 | period u64 | repeats left opt u64 | calendar opt text |
//!                times that may be repeated u32 | for a queue u8 [ queue u32, incarnation u64 ] | message front
//!                | raw bytes to the end
//! ```
//! The message front is that of a message record without targets; the entry that it replaces is gone with it.

use std::sync::Arc;

use bytes::Bytes;
use ternmq_message::Message;
use ternmq_queue::Seq;
use ternmq_stdx::layout::{BadLayout, Reader, Writer};

use super::message::{message_parts, read_message_head};
use crate::{
    producers::MessageOrigin,
    scheduled::{Calendar, Goal, Schedule, Scheduled},
};

const GONE: u8 = 0;
const SHIFTED: u8 = 1;
const HELD: u8 = 2;

/// One record.
#[derive(Debug)]
pub(crate) enum ScheduledRecord {
    /// It is not to be published any more.
    Gone { id: u64 },
    /// It is to be published at another time.
    Shifted { id: u64, due_ms: u64, repeats: Option<u32>, repeated_times: u32 },
    /// It is to be published.
    Held(Box<HeldRecord>),
}

/// A message that is to be published.
#[derive(Debug)]
pub(crate) struct HeldRecord {
    pub(crate) id: u64,
    pub(crate) namespace: Arc<str>,
    pub(crate) user: Arc<str>,
    pub(crate) due_ms: u64,
    pub(crate) schedule: Schedule,
    pub(crate) goal: Goal,
    pub(crate) repeated_times: u32,
    pub(crate) replaces: Option<(u32, Seq)>,
    pub(crate) origin: Option<MessageOrigin>,
    pub(crate) message: Message,
}

pub(crate) fn scheduled_gone(out: &mut Writer, id: u64) {
    out.u64(id).u8(GONE);
}

pub(crate) fn scheduled_shifted(
    out: &mut Writer,
    id: u64,
    due_ms: u64,
    repeats: Option<u32>,
    repeated_times: u32,
) {
    out.u64(id).u8(SHIFTED).u64(due_ms).opt_u64(repeats.map(u64::from)).u32(repeated_times);
}

/// Writes everything but the raw bytes of the message, which follow as a second part.
pub(crate) fn scheduled_parts(
    out: &mut Writer,
    id: u64,
    namespace: &str,
    scheduled: &Scheduled,
    replaces: Option<(u32, Seq)>,
    origin: Option<MessageOrigin>,
) {
    let Scheduled { user, goal, message, schedule, due_ms, repeated_times, .. } = scheduled;
    out.u64(id).u8(HELD).text(namespace).text(user).u64(*due_ms);
    write_schedule(out, schedule);
    out.u32(*repeated_times).bool(matches!(goal, Goal::Queue { .. }));
    if let Goal::Queue { queue, incarnation } = goal {
        out.u32(*queue).u64(*incarnation);
    }
    message_parts(out, message, true, replaces, origin, &[]);
}

pub(super) fn write_schedule(out: &mut Writer, schedule: &Schedule) {
    out.u64(schedule.delay_ms).u64(schedule.period_ms).opt_u64(schedule.repeats.map(u64::from));
    out.opt_text(schedule.calendar.as_ref().map(Calendar::text));
}

pub(super) fn read_schedule(input: &mut Reader<'_>) -> Result<Schedule, BadLayout> {
    let (delay_ms, period_ms) = (input.u64()?, input.u64()?);
    let repeats = read_repeats(input)?;
    let bad = input.bad();
    let found = input.opt_text()?.map(|text| Calendar::parse(&text)).transpose();
    Ok(Schedule { delay_ms, period_ms, repeats, calendar: found.map_err(|_| bad)? })
}

pub(crate) fn read_scheduled(payload: &[u8]) -> Result<ScheduledRecord, BadLayout> {
    let mut input = Reader::new(payload);
    let id = input.u64()?;
    let bad = input.bad();
    match input.u8()? {
        GONE => Ok(ScheduledRecord::Gone { id }),
        SHIFTED => {
            let due_ms = input.u64()?;
            let repeats = read_repeats(&mut input)?;
            Ok(ScheduledRecord::Shifted { id, due_ms, repeats, repeated_times: input.u32()? })
        }
        HELD => read_held(id, payload, &mut input).map(|held| ScheduledRecord::Held(Box::new(held))),
        _ => Err(bad),
    }
}

fn read_repeats(input: &mut Reader<'_>) -> Result<Option<u32>, BadLayout> {
    let bad = input.bad();
    input.opt_u64()?.map(u32::try_from).transpose().map_err(|_| bad)
}

fn read_held(id: u64, payload: &[u8], input: &mut Reader<'_>) -> Result<HeldRecord, BadLayout> {
    let (namespace, user, due_ms) = (input.text()?, input.text()?, input.u64()?);
    let schedule = read_schedule(input)?;
    let repeated_times = input.u32()?;
    let goal = if input.bool()? {
        Goal::Queue { queue: input.u32()?, incarnation: input.u64()? }
    } else {
        Goal::Node
    };
    let front = read_message_head(input)?;
    let (replaces, origin) = (front.replaces, front.origin);
    // A copy of its own: the payload is the journal's buffer, which goes.
    let raw = Bytes::copy_from_slice(payload.get(input.offset()..).unwrap_or_default());
    let message = front.message(raw).ok_or(input.bad())?;
    Ok(HeldRecord { id, namespace, user, due_ms, schedule, goal, repeated_times, replaces, origin, message })
}

#[cfg(test)]
mod tests {
    use ternmq_message::{Encoding, MessageMeta};

    use super::*;
    use crate::namespace::NamespaceId;

    #[test]
    fn scheduled_messages_come_back_and_no_truncation_panics() {
        let meta = MessageMeta { encoding: Encoding(2), is_durable: true, priority: 0, ttl_ms: Some(9) };
        let message = Message::new("n", "k", b"head", b"body", meta, None).unwrap();
        for (goal, calendar) in
            [(Goal::Node, Some("0 * * * *")), (Goal::Queue { queue: 7, incarnation: 8 }, None)]
        {
            let schedule = Schedule {
                delay_ms: 1,
                period_ms: 2,
                repeats: calendar.map(|_| 3),
                calendar: calendar.map(|text| Calendar::parse(text).unwrap()),
            };
            let scheduled = Scheduled {
                namespace: NamespaceId::default(),
                user: "u".into(),
                goal,
                message: message.clone(),
                schedule: schedule.clone(),
                due_ms: 5,
                repeated_times: 3,
            };
            let mut out = Writer::default();
            let origin = Some(MessageOrigin { producer: 5, sequence: 6 });
            scheduled_parts(&mut out, 9, "space", &scheduled, Some((3, Seq(4))), origin);
            out.raw(message.raw());
            let Ok(ScheduledRecord::Held(held)) = read_scheduled(out.bytes()) else { panic!("not held") };
            assert_eq!((held.id, &*held.namespace, &*held.user, held.due_ms), (9, "space", "u", 5));
            assert_eq!((held.schedule, held.goal, held.repeated_times), (schedule, goal, 3));
            assert_eq!((held.replaces, held.origin), (Some((3, Seq(4))), origin));
            assert_eq!(held.message.raw(), message.raw());
            for len in 0..out.bytes().len() - 4 {
                assert!(read_scheduled(&out.bytes()[..len]).is_err(), "cut at {len}");
            }
        }
    }

    #[test]
    fn what_becomes_of_them_comes_back() {
        let mut out = Writer::default();
        scheduled_gone(&mut out, 9);
        assert!(matches!(read_scheduled(out.bytes()), Ok(ScheduledRecord::Gone { id: 9 })));
        for repeats in [None, Some(3)] {
            out.clear();
            scheduled_shifted(&mut out, 9, 10, repeats, 2);
            let Ok(ScheduledRecord::Shifted { id, due_ms, repeats: read, repeated_times }) =
                read_scheduled(out.bytes())
            else {
                panic!("not shifted");
            };
            assert_eq!((id, due_ms, read, repeated_times), (9, 10, repeats, 2));
        }
        assert!(read_scheduled(&[0, 0, 0, 0, 0, 0, 0, 0, 3]).is_err());
    }
}
