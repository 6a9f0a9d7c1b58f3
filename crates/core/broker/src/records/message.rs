//! Message records.
//!
//! ```text
//! flags u8 (1 durable record, 2 message durable, 4 has ttl, 8 has history, 16 replaces, 32 may be repeated,
//!           64 has origin, 128 has group)
//! encoding u8 | priority u8 | node_len u8 | key_len u16 | head_len u32
//! [ttl u64] [history blob] [group u64] [replaced queue u32, seq u64] [producer u64, sequence u64]
//! target count u16 | count * (queue u32, seq u64, expires_at u64)
//! raw bytes of the message to the end
//! ```
//! A record that is not durable holds a transient message whose body left memory; a restart passes over it.

use std::sync::Arc;

use bytes::Bytes;
use smallvec::SmallVec;
use ternmq_message::{Death, DeathReason, Encoding, Group, History, Message, MessageMeta};
use ternmq_queue::Seq;
use ternmq_stdx::layout::{BadLayout, Reader, Writer};

use crate::producers::MessageOrigin;

const DURABLE_RECORD: u8 = 1;
const DURABLE_MESSAGE: u8 = 2;
const HAS_TTL: u8 = 4;
const HAS_HISTORY: u8 = 8;
const REPLACES: u8 = 16;
const MAY_BE_REPEATED: u8 = 32;
const HAS_ORIGIN: u8 = 64;
const HAS_GROUP: u8 = 128;

/// One queue that holds the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Queue.
    pub(crate) queue: u32,
    /// Its number there.
    pub(crate) seq: Seq,
    /// Broker time in ms at which it expires there.
    pub(crate) expires_at_ms: u64,
}

/// Writes everything but the raw bytes of the message, which follow as a second part.
pub(crate) fn message_parts(
    out: &mut Writer,
    message: &Message,
    is_durable: bool,
    replaces: Option<(u32, Seq)>,
    origin: Option<MessageOrigin>,
    targets: &[Target],
) {
    let meta = message.meta();
    let (node_len, key_len, head_len) = message.lens();
    let mut flags = 0;
    for (flag, is_set) in [
        (DURABLE_RECORD, is_durable),
        (DURABLE_MESSAGE, meta.is_durable),
        (HAS_TTL, meta.ttl_ms.is_some()),
        (HAS_HISTORY, message.history().is_some()),
        (REPLACES, replaces.is_some()),
        (MAY_BE_REPEATED, message.may_be_repeated()),
        (HAS_ORIGIN, origin.is_some()),
        (HAS_GROUP, message.group().is_some()),
    ] {
        flags |= if is_set { flag } else { 0 };
    }
    out.u8(flags).u8(meta.encoding.0).u8(meta.priority).u8(node_len).u16(key_len).u32(head_len);
    if let Some(ttl_ms) = meta.ttl_ms {
        out.u64(ttl_ms);
    }
    if let Some(history) = message.history() {
        write_history(out, history);
    }
    if let Some(group) = message.group() {
        out.u64(group.bits());
    }
    if let Some((queue, seq)) = replaces {
        out.u32(queue).u64(seq.0);
    }
    if let Some(MessageOrigin { producer, sequence }) = origin {
        out.u64(producer).u64(sequence);
    }
    // More targets than the count can hold are split over several records by the caller.
    out.u16(u16::try_from(targets.len()).unwrap_or(u16::MAX));
    for target in targets {
        out.u32(target.queue).u64(target.seq.0).u64(target.expires_at_ms);
    }
}

/// What a message record says in front of the message's own bytes.
#[derive(Debug)]
pub(crate) struct MessageHead {
    /// It counts after a restart.
    pub(crate) is_durable: bool,
    /// Entry that this one takes the place of: gone with the same record (I6, dead-lettering).
    pub(crate) replaces: Option<(u32, Seq)>,
    /// Which message of which producer it is, if it may be sent again.
    pub(crate) origin: Option<MessageOrigin>,
    /// Queues.
    pub(crate) targets: SmallVec<[Target; 4]>,
    /// Priority that the producer gave.
    pub(crate) priority: u8,
    /// Length of the body in bytes.
    pub(crate) body_len: u32,
    meta: MessageMeta,
    history: Option<Arc<History>>,
    group: Option<Group>,
    lens: (u8, u16, u32),
}

/// Reads the front of a record and leaves `input` at the message's own bytes.
pub(crate) fn read_message_head(input: &mut Reader<'_>) -> Result<MessageHead, BadLayout> {
    let flags = input.u8()?;
    let (encoding, priority) = (Encoding(input.u8()?), input.u8()?);
    let lens = (input.u8()?, input.u16()?, input.u32()?);
    let ttl_ms = if flags & HAS_TTL != 0 { Some(input.u64()?) } else { None };
    let history = if flags & HAS_HISTORY != 0 {
        let may_be_repeated = flags & MAY_BE_REPEATED != 0;
        Some(Arc::new(History { may_be_repeated, ..read_history(input)? }))
    } else {
        None
    };
    let group = if flags & HAS_GROUP != 0 { Some(Group::of_bits(input.u64()?)) } else { None };
    let replaces = if flags & REPLACES != 0 { Some((input.u32()?, Seq(input.u64()?))) } else { None };
    let origin = if flags & HAS_ORIGIN != 0 {
        Some(MessageOrigin { producer: input.u64()?, sequence: input.u64()? })
    } else {
        None
    };
    let count = input.u16()?;
    let mut targets = SmallVec::new();
    for _ in 0..count {
        targets.push(Target { queue: input.u32()?, seq: Seq(input.u64()?), expires_at_ms: input.u64()? });
    }
    let front = u64::from(lens.0) + u64::from(lens.1) + u64::from(lens.2);
    let body_len = (input.remaining() as u64).checked_sub(front).ok_or(input.bad())?;
    Ok(MessageHead {
        is_durable: flags & DURABLE_RECORD != 0,
        replaces,
        origin,
        targets,
        priority,
        body_len: u32::try_from(body_len).unwrap_or(u32::MAX),
        meta: MessageMeta { encoding, is_durable: flags & DURABLE_MESSAGE != 0, priority, ttl_ms },
        history,
        group,
        lens,
    })
}

impl MessageHead {
    /// The message over its own bytes; `None` when the lengths do not fit them.
    pub(crate) fn message(self, raw: Bytes) -> Option<Message> {
        let (node_len, key_len, head_len) = self.lens;
        let message = Message::from_raw(raw, node_len, key_len, head_len, self.meta, self.history)?;
        Some(message.in_group(self.group))
    }
}

/// Reads the message of a record; it shares `payload`.
pub(crate) fn read_message(payload: &Bytes) -> Result<Message, BadLayout> {
    let mut input = Reader::new(payload);
    let head = read_message_head(&mut input)?;
    let bad = input.bad();
    head.message(payload.slice(input.offset()..)).ok_or(bad)
}

fn write_history(out: &mut Writer, history: &History) {
    match &history.first {
        None => out.u8(0),
        Some((queue, reason, node)) => out.u8(1).text(queue).u8(reason.code()).text(node),
    };
    out.count(history.deaths.len());
    for death in &history.deaths {
        out.text(&death.queue).u8(death.reason.code()).u64(death.count).u64(death.first_time_s);
        out.text(&death.node).opt_u64(death.original_ttl_ms).count(death.keys.len());
        for key in &death.keys {
            out.text(key);
        }
    }
}

fn read_history(input: &mut Reader<'_>) -> Result<History, BadLayout> {
    let mut history = History::default();
    if input.bool()? {
        let queue = input.text()?;
        let reason = read_reason(input)?;
        history.first = Some((queue, reason, input.text()?));
    }
    for _ in 0..input.count(30)? {
        let queue = input.text()?;
        let reason = read_reason(input)?;
        let (count, first_time_s) = (input.u64()?, input.u64()?);
        let node = input.text()?;
        let original_ttl_ms = input.opt_u64()?;
        let mut keys = Vec::new();
        for _ in 0..input.count(4)? {
            keys.push(input.text()?);
        }
        history.deaths.push(Death { queue, reason, count, first_time_s, node, keys, original_ttl_ms });
    }
    Ok(history)
}

fn read_reason(input: &mut Reader<'_>) -> Result<DeathReason, BadLayout> {
    let bad = input.bad();
    DeathReason::from_code(input.u8()?).ok_or(bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payload() -> Vec<u8> {
        let mut history = History { may_be_repeated: true, ..History::default() };
        history.record(Death {
            queue: "q".into(),
            reason: DeathReason::Expired,
            count: 2,
            first_time_s: 3,
            node: "n".into(),
            keys: vec!["k1".into(), "k2".into()],
            original_ttl_ms: Some(4),
        });
        let meta = MessageMeta { encoding: Encoding(1), is_durable: true, priority: 9, ttl_ms: Some(60) };
        let message = Message::new("node", "key", b"head", b"body", meta, Some(Arc::new(history))).unwrap();
        let message = message.in_group(Some(Group::numbered("g", -1)));
        let targets = [Target { queue: 1, seq: Seq(2), expires_at_ms: u64::MAX }];
        let mut out = Writer::default();
        let origin = Some(MessageOrigin { producer: 5, sequence: 6 });
        message_parts(&mut out, &message, true, Some((8, Seq(9))), origin, &targets);
        out.raw(message.raw());
        out.bytes().to_vec()
    }

    #[test]
    fn a_record_comes_back_whole() {
        let payload = Bytes::from(payload());
        let record = read_message_head(&mut Reader::new(&payload)).unwrap();
        let message = read_message(&payload).unwrap();
        assert!(record.is_durable);
        assert_eq!(record.body_len, 4);
        assert_eq!(record.replaces, Some((8, Seq(9))));
        assert_eq!(record.origin, Some(MessageOrigin { producer: 5, sequence: 6 }));
        assert_eq!(record.targets[0], Target { queue: 1, seq: Seq(2), expires_at_ms: u64::MAX });
        assert_eq!((message.node(), message.key()), ("node", "key"));
        assert_eq!((message.head(), message.body()), (&b"head"[..], &b"body"[..]));
        let history = message.history().unwrap();
        assert_eq!((history.deaths.len(), history.deaths[0].keys.len()), (1, 2));
        assert!(message.may_be_repeated());
        assert_eq!(message.group(), Some(Group::numbered("g", -1)));
    }

    #[test]
    fn no_truncation_panics_and_none_but_of_the_body_is_taken() {
        let whole = payload();
        for len in 0..whole.len() - 4 {
            assert!(read_message(&Bytes::from(whole[..len].to_vec())).is_err(), "cut at {len}");
        }
    }
}
