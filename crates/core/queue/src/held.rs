//! Entries that are handed out and not settled. Their bodies are the first to leave memory when it runs short (F16):
//! the consumer has them already, and what is left of an entry is its place in the log. What dies then is read before it
//! goes down its dead-letter route; a queue that ends meanwhile lives on for that alone.

use std::collections::BTreeMap;

use ternmq_message::{DeathReason, Message};

use crate::{
    absent::Absent,
    chunk::ColdChunk,
    entry::{Entry, EntryRef, Location, Seq},
    machine::Queue,
    outbox::{Dead, LoadRequest, Outbox},
};

/// Entries that died without their bodies and need them for the dead-letter route. Neither ready nor unsettled.
#[derive(Debug, Default)]
pub(crate) struct Dying {
    absent: Absent,
    fates: BTreeMap<Seq, (u8, DeathReason)>,
    /// Those that could not be read: the next start tries again (F5).
    unreadable: Vec<EntryRef>,
}

/// An entry that died while its body was not in memory, on its way to the dead-letter route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DyingEntry {
    /// Its lane.
    pub lane: u8,
    /// Why it died.
    pub reason: DeathReason,
    /// The entry.
    pub entry: EntryRef,
}

impl Dying {
    pub(crate) fn run(&self, first_seq: Seq) -> Option<&ColdChunk> {
        self.absent.run(first_seq)
    }

    pub(crate) fn last_seq(&self) -> Option<Seq> {
        self.absent.last_seq()
    }

    /// All of them.
    pub(crate) fn entries(&self) -> impl Iterator<Item = DyingEntry> {
        self.absent.entries().chain(&self.unreadable).filter_map(|entry| {
            let (lane, reason) = *self.fates.get(&entry.seq)?;
            Some(DyingEntry { lane, reason, entry: *entry })
        })
    }

    fn insert(&mut self, dying: DyingEntry) {
        self.fates.insert(dying.entry.seq, (dying.lane, dying.reason));
        self.absent.insert(dying.entry);
    }

    pub(crate) fn waiting(&self) -> impl Iterator<Item = &EntryRef> {
        self.absent.waiting()
    }

    pub(crate) fn waiting_mut(&mut self) -> impl Iterator<Item = &mut EntryRef> {
        self.absent.waiting_mut()
    }

    fn start_run(&mut self, outbox: &mut Outbox) {
        if let Some(first_seq) = self.absent.start_run() {
            let lane = self.fates.get(&first_seq).map_or(0, |(lane, _)| *lane);
            outbox.loads.push(LoadRequest { lane, first_seq });
        }
    }
}

impl Queue {
    /// Unsettled entries that have no record in the log yet. The facade writes each message there and notes where;
    /// then [`Self::forget_held`] can let the bodies go.
    pub fn held_without_record(&mut self) -> impl Iterator<Item = (&Message, &mut Option<Location>)> {
        self.unsettled.without_record()
    }

    /// Bodies of unsettled entries that have a record in the log leave memory.
    pub fn forget_held(&mut self, outbox: &mut Outbox) {
        let freed = self.unsettled.forget_messages();
        self.let_go(freed, outbox);
    }

    /// An entry without its body leaves for good, other than by acceptance. Its body is read first when a dead-letter
    /// route wants it.
    pub(crate) fn die_absent(&mut self, lane: u8, entry: EntryRef, reason: DeathReason, outbox: &mut Outbox) {
        if self.settings.dead_letter.is_none() {
            outbox.settled.push((entry.seq, entry.location));
            outbox.unread_deaths += 1;
            return;
        }
        let entry = DyingEntry { lane, reason, entry };
        let dying = self.rare().dying.get_or_insert_default();
        dying.insert(entry);
        dying.start_run(outbox);
        // What the consumer was promised must outlive a restart before the body is there (I3).
        if entry.entry.location.is_durable {
            outbox.dying.push(entry);
        }
    }

    /// Replays [`Outbox::dying`]: the entry is ready no more.
    pub fn replay_dying(&mut self, dying: DyingEntry) {
        self.replay_settled(dying.entry.seq, dying.entry.seq);
        self.rare().dying.get_or_insert_default().insert(dying);
    }

    /// Takes dying entries of a range out: they have arrived, or are not wanted any more.
    pub(crate) fn forget_dying(&mut self, first: Seq, last: Seq) {
        let Some(dying) = self.rare.as_mut().and_then(|rare| rare.dying.as_mut()) else { return };
        dying.absent.remove(first, last);
        dying.fates.retain(|seq, _| *seq < first || *seq > last);
    }

    /// Goes on with what was dying before a restart.
    pub fn resume_dying(&mut self, outbox: &mut Outbox) {
        if let Some(dying) = self.rare.as_mut().and_then(|rare| rare.dying.as_mut()) {
            dying.start_run(outbox);
        }
    }

    /// Takes the run of dying entries that was read, with their fates.
    pub(crate) fn take_dying(&mut self, first_seq: Seq) -> Option<ColdChunk> {
        self.rare.as_mut()?.dying.as_mut()?.absent.take_run(first_seq)
    }

    /// The bodies of these dying entries are here: they go on their way. Those that could not be read wait for the next
    /// start. Then the next run is asked for.
    pub(crate) fn bury_read(&mut self, entries: Vec<Entry>, damaged: Vec<EntryRef>, outbox: &mut Outbox) {
        let rare = self.rare();
        rare.damaged_count += damaged.len() as u64;
        let Some(dying) = rare.dying.as_mut() else { return };
        dying.unreadable.extend(damaged);
        for entry in entries {
            let Some((_, reason)) = dying.fates.remove(&entry.seq) else { continue };
            outbox.settled.extend(entry.location.map(|location| (entry.seq, location)));
            outbox.dead.push(Dead { entry, reason });
        }
        dying.start_run(outbox);
    }

    /// Whether entries wait to be read on their way to the dead-letter route.
    #[must_use]
    pub fn is_dying(&self) -> bool {
        let dying = self.rare.as_ref().and_then(|rare| rare.dying.as_ref());
        dying.is_some_and(|dying| !dying.absent.is_empty())
    }

    /// Gives up what is on its way to the dead-letter route, and what could not be read.
    pub fn drop_dying(&mut self, outbox: &mut Outbox) {
        let Some(dying) = self.rare.as_mut().and_then(|rare| rare.dying.take()) else { return };
        outbox.settled.extend(dying.entries().map(|dying| (dying.entry.seq, dying.entry.location)));
    }
}
