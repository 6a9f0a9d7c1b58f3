//! What consumers remarked on messages when they gave them back (AMQP 1.0 3.4.5): kept beside the messages, by queue and
//! number, and part of them whenever they are handed out again, looked at, or go down a dead-letter route.
//!
//! A remark on a durable message is in the log like the message, as a record of its own, and again in each checkpoint behind
//! the snapshot of its queue. It goes with its entry. One whose entry left in a way that is not told here (a message that was
//! in memory only, expired or purged) means nothing any more, as numbers are not used twice; the next checkpoint drops it.

use std::{collections::BTreeMap, sync::Arc};

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use ternmq_message::{Encoding, Formats, Message};
use ternmq_queue::Seq;
use ternmq_stdx::layout::BadLayout;

use crate::{
    broker::Broker,
    effect::{DeliveryId, SessionId},
    error::{Error, LimitKind},
    log::Grouping,
    records::{kind, read_remark, write_remark},
};

/// What a map entry takes beside its bytes, about.
const ENTRY_BYTES: u64 = 64;

/// A remark, in the encoding of the protocol that it came by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remark {
    pub(crate) encoding: Encoding,
    pub(crate) bytes: Arc<[u8]>,
}

impl Remark {
    fn size_bytes(&self) -> u64 {
        self.bytes.len() as u64 + ENTRY_BYTES
    }
}

/// A delivery on which something can be remarked. Of one that is settled it means nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemarkPlace {
    queue: u32,
    incarnation: u64,
    slot: u32,
    seq: Seq,
}

/// All remarks.
#[derive(Debug, Default)]
pub(crate) struct Remarks {
    by_queue: HashMap<u32, BTreeMap<Seq, Remark>, FixedState>,
    bytes: u64,
}

impl Remarks {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.by_queue.is_empty()
    }

    /// What they take.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn get(&self, queue: u32, seq: Seq) -> Option<&Remark> {
        self.by_queue.get(&queue)?.get(&seq)
    }

    /// Those of a queue.
    pub(crate) fn of_queue(&self, queue: u32) -> Option<&BTreeMap<Seq, Remark>> {
        self.by_queue.get(&queue)
    }

    fn put(&mut self, queue: u32, seq: Seq, remark: Remark) {
        self.bytes += remark.size_bytes();
        let old = self.by_queue.entry(queue).or_default().insert(seq, remark);
        self.bytes -= old.map_or(0, |old| old.size_bytes());
    }

    /// Entries of a queue are gone.
    pub(crate) fn remove(&mut self, queue: u32, first: Seq, last: Seq) {
        let Some(known) = self.by_queue.get_mut(&queue) else { return };
        while let Some((seq, remark)) = known.range(first..=last).next() {
            let (seq, size_bytes) = (*seq, remark.size_bytes());
            known.remove(&seq);
            self.bytes -= size_bytes;
        }
        if known.is_empty() {
            self.by_queue.remove(&queue);
        }
    }

    /// A queue is gone.
    pub(crate) fn forget(&mut self, queue: u32) {
        let known = self.by_queue.remove(&queue).unwrap_or_default();
        self.bytes -= known.values().map(Remark::size_bytes).sum::<u64>();
    }

    /// Keeps only those of a queue that are meant.
    fn retain(&mut self, queue: u32, is_meant: impl Fn(Seq) -> bool) {
        let Some(known) = self.by_queue.get_mut(&queue) else { return };
        let mut freed_bytes = 0;
        known.retain(|seq, remark| {
            let is_kept = is_meant(*seq);
            freed_bytes += if is_kept { 0 } else { remark.size_bytes() };
            is_kept
        });
        self.bytes -= freed_bytes;
        if known.is_empty() {
            self.by_queue.remove(&queue);
        }
    }
}

/// The message with what was remarked on it; as it is where its encoding has no place for that.
pub(crate) fn remarked(formats: &Formats, remark: Option<&Remark>, message: Message) -> Message {
    let Some(remark) = remark else { return message };
    let encoding = message.meta().encoding;
    let head = formats.get(encoding).and_then(|format| {
        if encoding == remark.encoding {
            return format.remarked(message.head(), &remark.bytes);
        }
        let headers = formats.get(remark.encoding)?.remark_headers(&remark.bytes);
        format.with_headers(message.head(), &headers)
    });
    let Some(head) = head else { return message };
    let history = message.history().cloned();
    let edited = Message::new(message.node(), message.key(), &head, message.body(), *message.meta(), history);
    // A head that has become too long stays as it was.
    edited.map_or_else(|_| message.clone(), |edited| edited.in_group(message.group()))
}

impl Broker {
    /// The delivery of a session on which something can be remarked; `None` when it is settled.
    #[must_use]
    pub fn remark_place(&self, id: SessionId, delivery: DeliveryId) -> Option<RemarkPlace> {
        let session = self.sessions.get(id.into())?;
        let entry = session.unsettled.get(session.index_of(delivery)?)?;
        let slot = self.queues.get(entry.queue).filter(|slot| entry.is_of(slot.incarnation))?;
        let (queue, incarnation) = (entry.queue, slot.incarnation);
        Some(RemarkPlace { queue, incarnation, slot: entry.slot, seq: Seq(entry.seq) })
    }

    /// Remarks something on a message that a consumer has and is about to give back or to refuse: it is part of the message
    /// from now on, for whoever gets it next. It is durable as the message is, once [`Broker::receipt_of_all`] is.
    ///
    /// # Errors
    /// [`Error::Limit`]: more than [`crate::Limits::max_remark_bytes`] on one message, or
    /// [`crate::Limits::max_remarks_bytes`] on all; nothing has changed.
    pub fn remark(&mut self, place: RemarkPlace, encoding: Encoding, bytes: Arc<[u8]>) -> Result<(), Error> {
        let RemarkPlace { queue, incarnation, slot, seq } = place;
        let machine = match self.queues.get(queue) {
            Some(known) if known.incarnation == incarnation => &known.machine,
            _ => return Ok(()),
        };
        let Some(is_durable) = machine.is_held_durably(slot, seq) else { return Ok(()) };
        let old = self.remarks.get(queue, seq).filter(|old| old.encoding == encoding);
        let bytes = match (old, self.formats.get(encoding)) {
            (Some(old), Some(format)) => format.joined_remarks(&old.bytes, &bytes).into(),
            (None, Some(_)) => bytes,
            (_, None) => return Ok(()),
        };
        let remark = Remark { encoding, bytes };
        let owner = self.node_name.clone();
        if remark.bytes.len() as u64 > self.limits.max_remark_bytes {
            return Err(Error::Limit { limit: LimitKind::Remark, owner, max: self.limits.max_remark_bytes });
        }
        let old_bytes = self.remarks.get(queue, seq).map_or(0, Remark::size_bytes);
        if self.remarks.bytes - old_bytes + remark.size_bytes() > self.limits.max_remarks_bytes {
            return Err(Error::Limit {
                limit: LimitKind::Remarks,
                owner,
                max: self.limits.max_remarks_bytes,
            });
        }
        if is_durable {
            self.log_remark(queue, seq, &remark);
        }
        self.remarks.put(queue, seq, remark);
        Ok(())
    }

    fn log_remark(&mut self, queue: u32, seq: Seq, remark: &Remark) {
        let grouping = self.grouping(Grouping::Ends);
        self.scratch.clear();
        write_remark(&mut self.scratch, queue, seq, remark);
        self.log.append(kind::REMARK, grouping, &[self.scratch.bytes()]);
    }

    /// Writes the remarks of a queue behind its snapshot, without those whose entries are gone.
    pub(crate) fn write_remarks(&mut self, queue: u32) {
        let Some(known) = self.queues.any(queue).filter(|_| self.remarks.of_queue(queue).is_some()) else {
            return;
        };
        let (handed_out, machine) = (known.machine.handed_out(), &known.machine);
        self.remarks.retain(queue, |seq| handed_out.contains(&seq) || machine.is_ready(seq));
        let left: Vec<(Seq, Remark)> = self
            .remarks
            .of_queue(queue)
            .into_iter()
            .flatten()
            .map(|(seq, remark)| (*seq, remark.clone()))
            .collect();
        for (seq, remark) in left {
            self.log_remark(queue, seq, &remark);
        }
    }

    pub(crate) fn replay_remark(&mut self, payload: &[u8]) -> Result<(), BadLayout> {
        let (queue, seq, remark) = read_remark(payload)?;
        if self.queues.any(queue).is_some_and(|slot| !slot.awaits_snapshot) {
            self.remarks.put(queue, seq, remark);
        }
        Ok(())
    }

    /// What died takes its remarks along.
    pub(crate) fn remark_dead(&mut self, queue: u32) {
        for dead in &mut self.outbox.dead {
            let seq = dead.entry.seq;
            if let Some(remark) = self.remarks.get(queue, seq) {
                dead.entry.message = remarked(&self.formats, Some(remark), dead.entry.message.clone());
                self.remarks.remove(queue, seq, seq);
            }
        }
    }
}
