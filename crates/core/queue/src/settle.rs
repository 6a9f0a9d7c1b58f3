//! What consumers do with what they were handed. A handle is slot and number: a stale one never meets another entry,
//! because numbers are not used twice.

use std::collections::{BTreeSet, VecDeque};

use ternmq_message::DeathReason;

use crate::{
    entry::{EntryRef, Seq},
    lane::Lane,
    machine::Queue,
    outbox::Outbox,
    paging::drop_chunk,
    unsettled::{Held, Taken},
};

/// Who is to blame that an entry comes back (F17).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The consumer: it gave it back or its connection was lost. Counts against the delivery limit.
    Consumer,
    /// The broker: it drains or hands over. Does not count.
    Broker,
}

impl Queue {
    fn take_unsettled(&mut self, slot: u32, seq: Seq) -> Option<Taken> {
        let (held, taken) = self.unsettled.take(slot, seq)?;
        self.consumers.release(held.consumer, held.place as usize);
        Some(taken)
    }

    /// Whether a restart finds an entry again that a consumer has; `None` for a stale handle.
    #[must_use]
    pub fn is_held_durably(&self, slot: u32, seq: Seq) -> Option<bool> {
        let held = self.unsettled.get(slot, seq)?;
        Some(held.location.is_some_and(|location| location.is_durable))
    }

    /// Key of the consumer that has an entry; `None` for a stale handle.
    #[must_use]
    pub fn holder(&self, slot: u32, seq: Seq) -> Option<u32> {
        self.unsettled.get(slot, seq).map(|held| held.consumer)
    }

    /// Entries that consumers have or that died and are on their way to a dead-letter route.
    #[must_use]
    pub fn handed_out(&self) -> BTreeSet<Seq> {
        let dying = self.rare.iter().filter_map(|rare| rare.dying.as_ref()).flat_map(|dying| dying.entries());
        self.unsettled.iter().map(|held| held.seq).chain(dying.map(|dying| dying.entry.seq)).collect()
    }

    /// The consumer is done with the entry. False for a stale handle. The facade gives the session's credit back.
    #[inline]
    pub fn accept(&mut self, slot: u32, seq: Seq, outbox: &mut Outbox) -> bool {
        let Some(held) = self.unsettled.remove(slot, seq) else { return false };
        self.consumers.release(held.consumer, held.place as usize);
        self.let_go(held.resident_bytes(), outbox);
        outbox.settled.extend(held.location.map(|location| (seq, location)));
        true
    }

    /// The entry becomes ready again, in its old place (I5); over the delivery limit it dies instead. False for a
    /// stale handle.
    pub fn give_back(&mut self, slot: u32, seq: Seq, blame: Blame, now_ms: u64, outbox: &mut Outbox) -> bool {
        let mut entry = match self.take_unsettled(slot, seq) {
            None => return false,
            Some(Taken::Here(entry)) => entry,
            Some(Taken::Logged(lane, entry)) => {
                self.give_back_absent(lane, entry, blame, now_ms, outbox);
                return true;
            }
        };
        if blame == Blame::Consumer {
            entry.failed_count = entry.failed_count.saturating_add(1);
            if self.settings.delivery_limit.is_some_and(|most| entry.failed_count > most) {
                self.die(entry, DeathReason::DeliveryLimit, outbox);
                return true;
            }
        }
        if self.keeps_delivered {
            entry.expires_at_ms = u64::MAX;
        }
        if entry.expires_at_ms < now_ms {
            self.expire(entry, outbox);
            return true;
        }
        let lane = self.lanes.lane_of(entry.message.meta().priority);
        self.lanes.edit(lane, |lane| lane.put_back(entry));
        if self.is_selective() {
            self.consumers.look_again(lane, seq);
        }
        true
    }

    /// The same for an entry whose body has left memory.
    #[cold]
    fn give_back_absent(
        &mut self,
        lane: u8,
        mut entry: EntryRef,
        blame: Blame,
        now_ms: u64,
        outbox: &mut Outbox,
    ) {
        if blame == Blame::Consumer {
            entry.failed_count = entry.failed_count.saturating_add(1);
            if self.settings.delivery_limit.is_some_and(|most| u32::from(entry.failed_count) > most) {
                self.die_absent(lane, entry, DeathReason::DeliveryLimit, outbox);
                return;
            }
        }
        if self.keeps_delivered {
            entry.expires_at_ms = u64::MAX;
        }
        if entry.expires_at_ms < now_ms {
            self.die_absent(lane, entry, DeathReason::Expired, outbox);
            return;
        }
        self.lanes.edit(lane, |lane| lane.put_back_absent(entry));
    }

    /// The consumer refuses the entry for good. False for a stale handle.
    pub fn discard(&mut self, slot: u32, seq: Seq, outbox: &mut Outbox) -> bool {
        match self.take_unsettled(slot, seq) {
            None => return false,
            Some(Taken::Here(entry)) => self.die(entry, DeathReason::Rejected, outbox),
            Some(Taken::Logged(lane, entry)) => {
                self.die_absent(lane, entry, DeathReason::Rejected, outbox);
            }
        }
        true
    }

    /// Takes every ready entry out, cold and damaged ones too, without a dead-letter route. Locked ones stay. Returns how
    /// many.
    pub fn purge(&mut self, outbox: &mut Outbox) -> u64 {
        let count = self.ready_count();
        for index in 0..=self.lanes.top() {
            let lane = self.lanes.edit(index, |lane| {
                let loaded_last = lane.loaded_last;
                std::mem::replace(lane, Lane { loaded_last, ..Lane::default() })
            });
            let deep = lane.deep.map(|deep| *deep).unwrap_or_default();
            for entry in lane.head.into_iter().chain(deep.returned.into_values()).chain(deep.tail) {
                self.let_go(entry.message.body_len() as u64, outbox);
                outbox.settled.extend(entry.location.map(|location| (entry.seq, location)));
            }
            outbox.settled.extend(deep.absent.entries().map(|entry| (entry.seq, entry.location)));
            let mut kept = VecDeque::new();
            for mut chunk in deep.cold {
                if self.purge_around_locks(&mut chunk, outbox) {
                    kept.push_back(chunk);
                } else {
                    drop_chunk(chunk, outbox);
                }
            }
            if !kept.is_empty() {
                self.lanes.edit(index, |lane| {
                    lane.count = kept.iter().map(|chunk| u64::from(chunk.live_count)).sum();
                    lane.bytes = kept.iter().map(|chunk| chunk.live_bytes).sum();
                    lane.deep().cold = kept;
                });
            }
        }
        self.purge_damaged(outbox);
        self.note_dropped(outbox);
        count
    }

    fn purge_damaged(&mut self, outbox: &mut Outbox) {
        let Some(rare) = &mut self.rare else { return };
        let mut kept = Vec::new();
        for (lane, mut chunk) in std::mem::take(&mut rare.quarantined) {
            if self.purge_around_locks(&mut chunk, outbox) {
                kept.push((lane, chunk));
            } else {
                drop_chunk(chunk, outbox);
            }
        }
        let rare = self.rare();
        rare.damaged_count = kept.iter().map(|(_, chunk)| u64::from(chunk.live_count)).sum();
        rare.quarantined = kept;
    }

    /// Works out which numbers went with the dropped chunks: all but those that consumers hold or that are locked.
    fn note_dropped(&self, outbox: &mut Outbox) {
        if outbox.dropped_chunks.is_empty() {
            return;
        }
        let mut held: Vec<Seq> = self.unsettled.iter().map(|held| held.seq).collect();
        held.extend(self.cold_locked());
        held.sort_unstable();
        for chunk in &outbox.dropped_chunks {
            let mut next = chunk.first_seq;
            let from = held.partition_point(|&seq| seq < chunk.first_seq);
            let inside = held.iter().skip(from).take_while(|&&seq| seq <= chunk.last_seq);
            for &seq in inside {
                if next < seq {
                    outbox.settled_ranges.push((next, Seq(seq.0 - 1)));
                }
                next = Seq(seq.0 + 1);
            }
            if next <= chunk.last_seq {
                outbox.settled_ranges.push((next, chunk.last_seq));
            }
        }
    }

    /// Takes everything out, unsettled entries too, for the queue's end. Returns how many; consumers stay until the
    /// facade removes them, and what is on its way to a dead-letter route until [`Self::drop_dying`].
    pub fn drain_all(&mut self, outbox: &mut Outbox) -> u64 {
        self.drop_locks();
        let mut held: Vec<Held> = std::mem::take(&mut self.unsettled).iter().copied().collect();
        held.sort_unstable_by_key(|held| held.seq);
        let count = held.len() as u64;
        for held in held {
            self.consumers.release(held.consumer, held.place as usize);
            self.let_go(held.resident_bytes(), outbox);
            outbox.settled.extend(held.location.map(|location| (held.seq, location)));
        }
        count + self.purge(outbox)
    }
}
