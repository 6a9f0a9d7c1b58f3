//! Messages that are published later: once, again and again, or by calendar. All of them are kept in memory and in the log:
//! each change is a record, a checkpoint writes all that is there, a bit each turn.
//!
//! What comes due is published by one group of records with what becomes of its schedule, so a crash neither loses nor doubles
//! it (I6). What was handed out before that was durable may come again and is flagged then (I4). Whoever scheduled a message
//! has to be allowed to publish it when it comes due, too (S5).

mod calendar;
mod hold;
mod keep;
mod order;
mod publish;
mod words;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use ternmq_message::Message;

pub use calendar::{Calendar, CalendarError};
pub use order::ScheduledView;
pub use words::{ScheduleAction, ScheduleError, ScheduleOrder, ScheduleProblem, ScheduleWords, Timing};

use crate::namespace::NamespaceId;

/// What each scheduled message counts for beside its bytes.
const OVERHEAD_BYTES: u64 = 192;

/// When a message is published.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// Time in ms before the first time, or after each time of the calendar; 0: [`Self::period_ms`].
    pub delay_ms: u64,
    /// Time in ms between repetitions. One that is shorter than 100 ms is taken as that.
    pub period_ms: u64,
    /// How often it is repeated after the first time; absent: without an end.
    pub repeats: Option<u32>,
    /// The times at which it begins, again and again.
    pub calendar: Option<Calendar>,
}

/// Shortest time in ms between repetitions, so that no message fills a queue by itself.
const MIN_PERIOD_MS: u64 = 100;

impl Schedule {
    /// Once, after so many ms.
    #[must_use]
    pub fn after(delay_ms: u64) -> Self {
        Self { delay_ms, repeats: Some(0), ..Self::default() }
    }

    /// Time in ms before the first time.
    fn lead_ms(&self) -> u64 {
        if self.delay_ms > 0 { self.delay_ms } else { self.period_ms }
    }

    /// How many of its times, the first of which is at `first_ms`, may have been by `now_ms`.
    fn times_between(&self, first_ms: u64, now_ms: u64) -> u32 {
        let Some(late_ms) = now_ms.checked_sub(first_ms) else { return 0 };
        if self.calendar.is_some() {
            return 1;
        }
        let passed = late_ms / self.period_ms.max(MIN_PERIOD_MS);
        let most = self.repeats.unwrap_or(u32::MAX);
        u32::try_from(passed).unwrap_or(u32::MAX).min(most).saturating_add(1)
    }

    /// How many of its times may have been by `now_ms` when it began at `began_ms` at the earliest.
    pub(crate) fn times_since(&self, began_ms: u64, now_ms: u64) -> u32 {
        self.first_ms(began_ms).map_or(0, |first_ms| self.times_between(first_ms, now_ms))
    }

    /// When it first has something to do; `None` when that is past all times.
    fn first_ms(&self, now_ms: u64) -> Option<u64> {
        match &self.calendar {
            Some(calendar) => calendar.next_ms(now_ms),
            None => now_ms.checked_add(self.lead_ms()),
        }
    }
}

/// Where a scheduled message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// To its node, for the user that published it.
    Node,
    /// Into this queue, unless it is gone: the broker moves it.
    Queue {
        /// Number of the queue.
        queue: u32,
        /// Its incarnation (I10).
        incarnation: u64,
    },
}

/// A message that is to be published.
#[derive(Clone, Debug)]
pub(crate) struct Scheduled {
    pub(crate) namespace: NamespaceId,
    /// Empty where the broker itself moves it.
    pub(crate) user: Arc<str>,
    pub(crate) goal: Goal,
    pub(crate) message: Message,
    /// What is left of it: repetitions are counted down.
    pub(crate) schedule: Schedule,
    pub(crate) due_ms: u64,
    /// So many of its times, from the next one on, may have been published before a crash that forgot it (I4).
    pub(crate) repeated_times: u32,
}

/// All of them.
#[derive(Default)]
pub(crate) struct ScheduledStore {
    all: BTreeMap<u64, Scheduled>,
    /// Time and id.
    due: BTreeSet<(u64, u64)>,
    bytes: u64,
    last_id: u64,
    timer_ms: Option<u64>,
    /// The running checkpoint has still to write those from this id on.
    checkpoint: Option<u64>,
}

impl Scheduled {
    /// How many of its times a node may have published before it crashed at this time. What has passed comes anew, one time after
    /// the other.
    fn times_until(&self, now_ms: u64) -> u32 {
        self.schedule.times_between(self.due_ms, now_ms)
    }
}

impl ScheduledStore {
    /// Bytes of all of them.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// A checkpoint begins: all of them are to be written.
    pub(crate) fn start_checkpoint(&mut self) {
        self.checkpoint = Some(0);
    }

    /// An id that was never used: ids follow the time, so none comes again after a restart.
    fn next_id(&mut self, now_ms: u64) -> u64 {
        self.last_id = (self.last_id + 1).max(now_ms << 10);
        self.last_id
    }

    fn put(&mut self, id: u64, scheduled: Scheduled) {
        self.take(id);
        self.last_id = self.last_id.max(id);
        self.bytes += cost(&scheduled.message);
        self.due.insert((scheduled.due_ms, id));
        self.all.insert(id, scheduled);
    }

    fn take(&mut self, id: u64) -> Option<Scheduled> {
        let scheduled = self.all.remove(&id)?;
        self.bytes -= cost(&scheduled.message);
        self.due.remove(&(scheduled.due_ms, id));
        Some(scheduled)
    }

    /// Its next time, and the repetitions that are left then.
    fn shift(&mut self, id: u64, due_ms: u64, repeats: Option<u32>, repeated_times: u32) {
        let Some(scheduled) = self.all.get_mut(&id) else { return };
        self.due.remove(&(scheduled.due_ms, id));
        scheduled.due_ms = due_ms;
        scheduled.schedule.repeats = repeats;
        scheduled.repeated_times = repeated_times;
        self.due.insert((due_ms, id));
    }
}

fn cost(message: &Message) -> u64 {
    message.raw().len() as u64 + OVERHEAD_BYTES
}
