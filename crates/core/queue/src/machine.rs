//! The machine: its state, and how entries come in.

use std::{cell::OnceCell, sync::Arc};

use ternmq_message::{Message, Properties};

use crate::{
    chunk::ColdChunk,
    consumers::{AddConsumerError, ConsumerSpec, ConsumerView, Consumers, Window},
    entry::{Entry, Location, Seq},
    filter::{Candidate, Filter},
    groups::Groups,
    held::Dying,
    lane::Lanes,
    locked::Locks,
    outbox::Outbox,
    settings::QueueSettings,
    unsettled::Unsettled,
    windows::Windows,
};

/// How consumers share the queue. Fixed for a queue's life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    #[default]
    Shared,
    SingleActive,
}

/// State that few queues have, boxed so that an idle queue is small.
#[derive(Default)]
pub(crate) struct Rare {
    pub(crate) admission: Option<Arc<dyn Filter>>,
    /// See [`Queue::take_wanted_only`].
    pub(crate) takes_wanted_only: bool,
    /// Who has which group, from the first message of one on until nothing is left of them.
    pub(crate) groups: Option<Groups>,
    /// Chunks that could not be read (F5), with their lanes. Kept: a later attempt may succeed, and nothing may
    /// treat their entries as settled.
    pub(crate) quarantined: Vec<(u8, ColdChunk)>,
    pub(crate) damaged_count: u64,
    pub(crate) dying: Option<Box<Dying>>,
    pub(crate) locks: Option<Box<Locks>>,
}

impl std::fmt::Debug for Rare {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rare").field("damaged_count", &self.damaged_count).finish_non_exhaustive()
    }
}

/// One queue. See the crate's documentation for what it owns; calls that need settled order are documented with them.
///
/// After any call that adds messages, consumers or credit, or gives entries back, call [`Queue::run`].
#[derive(Debug)]
pub struct Queue {
    pub(crate) settings: Arc<QueueSettings>,
    pub(crate) next_seq: Seq,
    pub(crate) lanes: Lanes,
    pub(crate) unsettled: Unsettled,
    pub(crate) consumers: Consumers,
    pub(crate) resident_bytes: u64,
    /// Entries below this number may have been handed out before a crash that forgot it (I4).
    pub(crate) redelivered_below: Seq,
    /// See [`Queue::keep_delivered`].
    pub(crate) keeps_delivered: bool,
    pub(crate) rare: Option<Box<Rare>>,
}

impl Queue {
    /// An empty queue. `max_priority` and `is_single_active` of these settings hold for its whole life.
    #[must_use]
    pub fn new(settings: Arc<QueueSettings>) -> Self {
        let mode = if settings.is_single_active { Mode::SingleActive } else { Mode::Shared };
        Self {
            lanes: Lanes::new(settings.max_priority),
            consumers: Consumers::new(mode),
            next_seq: Seq(1),
            unsettled: Unsettled::default(),
            resident_bytes: 0,
            redelivered_below: Seq(0),
            keeps_delivered: false,
            rare: None,
            settings,
        }
    }

    /// Obeys other settings from now on: limits at once, times to live for messages that come later.
    pub fn apply_settings(
        &mut self,
        settings: Arc<QueueSettings>,
        now_ms: u64,
        windows: &mut Windows,
        outbox: &mut Outbox,
    ) {
        if self.settings.groups != settings.groups {
            self.end_groups();
        }
        self.settings = settings;
        self.run(now_ms, windows, outbox);
    }

    /// From now on an entry that comes back from a consumer expires no more: its one reader may have it already and waits
    /// for the end of the exchange. Holds until a restart.
    pub fn keep_delivered(&mut self) {
        self.keeps_delivered = true;
    }

    /// What it obeys.
    #[must_use]
    pub fn settings(&self) -> &Arc<QueueSettings> {
        &self.settings
    }

    /// Lets in only what passes (a durable subscription's selector). Asked by [`Self::wants`], not by `push`.
    pub fn set_admission(&mut self, filter: Option<Arc<dyn Filter>>) {
        self.rare().admission = filter;
    }

    /// From now on lets in only what one of its consumers would take, of all that was not sent to the queue itself. What died
    /// and comes again was let in before. Asked by [`Self::wants`], not by `push`.
    pub fn take_wanted_only(&mut self) {
        self.rare().takes_wanted_only = true;
    }

    pub(crate) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// Whether the queue takes this message at all. `properties` as [`Candidate::properties`], for all queues that are asked.
    #[must_use]
    pub fn wants(&self, message: &Message, now_ms: u64, properties: &OnceCell<Properties>) -> bool {
        let Some(rare) = &self.rare else { return true };
        // What was sent to the queue itself has the default node, which has no name.
        let is_asked_of_consumers =
            rare.takes_wanted_only && !message.node().is_empty() && message.history().is_none();
        if rare.admission.is_none() && !is_asked_of_consumers {
            return true;
        }
        let candidate = Candidate {
            message,
            expires_at_ms: self.expiry_of(message, now_ms),
            is_redelivered: message.may_be_repeated(),
            acquired_count: 0,
            properties,
        };
        rare.admission.as_ref().is_none_or(|filter| filter.matches(&candidate))
            && (!is_asked_of_consumers || self.consumers.has_taker(&candidate))
    }

    /// Whether a message pushed now goes out at once for good when the queue runs: nothing is ready, and the next
    /// consumer needs no settlement and has credit. Such a message need not be logged.
    #[inline]
    #[must_use]
    pub fn can_hand_over(&self, message: &Message, windows: &Windows) -> bool {
        self.lanes.count == 0
            && self.group_of(message).is_none()
            && !self.consumers.is_saturated
            && !self.is_selective()
            && self
                .consumers
                .peek(windows)
                .and_then(|at| self.consumers.get(at))
                .is_some_and(|consumer| !consumer.needs_settle)
    }

    /// Appends a message. `location` is its record in the log, if it has one. Wakes nobody: see [`Self::run`].
    #[inline]
    pub fn push(
        &mut self,
        message: Message,
        location: Option<Location>,
        now_ms: u64,
        outbox: &mut Outbox,
    ) -> Seq {
        let seq = self.next_seq;
        self.next_seq = Seq(seq.0 + 1);
        let expires_at_ms = self.expiry_of(&message, now_ms);
        let lane = self.lanes.lane_of(message.meta().priority);
        let len = message.body_len() as u64;
        let entry = Entry { seq, message, location, expires_at_ms, failed_count: 0, acquired_count: 0 };
        let budget = self.lanes.budget;
        self.hold(len, outbox);
        if self.lanes.edit(lane, |lane| lane.push(entry, budget)) {
            outbox.spills.push(lane);
        }
        seq
    }

    /// Number that the next pushed message gets.
    #[must_use]
    pub fn next_seq(&self) -> Seq {
        self.next_seq
    }

    /// Counts a body that came into memory.
    #[inline]
    pub(crate) fn hold(&mut self, len: u64, outbox: &mut Outbox) {
        self.resident_bytes += len;
        outbox.resident_delta_bytes += len.cast_signed();
    }

    /// Counts a body that left memory.
    #[inline]
    pub(crate) fn let_go(&mut self, len: u64, outbox: &mut Outbox) {
        self.resident_bytes -= len;
        outbox.resident_delta_bytes -= len.cast_signed();
    }

    /// Adds a consumer.
    ///
    /// # Errors
    /// [`AddConsumerError::ExclusiveInUse`]; nothing has changed then.
    pub fn add_consumer(&mut self, spec: ConsumerSpec) -> Result<(), AddConsumerError> {
        self.consumers.add(spec)
    }

    /// Removes a consumer; false when there is none of this key. Its unsettled entries stay unsettled: the facade
    /// gives them back, all of the session in one go.
    pub fn remove_consumer(&mut self, key: u32) -> bool {
        let is_removed = self.consumers.remove(key);
        self.release_groups(key);
        is_removed
    }

    /// Replaces a consumer's credit; false when there is none of this key.
    pub fn set_consumer_window(&mut self, key: u32, window: Window) -> bool {
        self.consumers.set_window(key, window)
    }

    /// Gives a consumer credit for `count` deliveries more; false when there is none of this key. From the first call
    /// on it has explicit credit instead of a window.
    pub fn add_credit(&mut self, key: u32, count: u32) -> bool {
        self.consumers.add_credit(key, count)
    }

    /// Number of consumers.
    #[must_use]
    pub fn consumer_count(&self) -> usize {
        self.consumers.len()
    }

    /// Key of the single active consumer; `None` without one and in other queues.
    #[must_use]
    pub fn active_consumer(&self) -> Option<u32> {
        self.consumers.active()
    }

    /// All consumers, in the order in which they are served.
    pub fn consumers(&self) -> impl Iterator<Item = ConsumerView> {
        self.consumers.views()
    }

    /// A session of one of the consumers has room again: the next [`Self::run`] asks them all.
    pub fn session_opened(&mut self) {
        self.consumers.is_saturated = false;
    }

    /// Number of ready entries, cold ones too.
    #[must_use]
    pub fn ready_count(&self) -> u64 {
        self.lanes.count.saturating_sub(self.cold_locked_count())
    }

    /// Bytes of their bodies. Close, not exact, between a restart and the load of chunks that are partly settled.
    #[must_use]
    pub fn ready_bytes(&self) -> u64 {
        self.lanes.bytes
    }

    /// Number of entries that are handed out and not settled, locked ones too.
    #[must_use]
    pub fn unsettled_count(&self) -> usize {
        self.unsettled.len() + usize::try_from(self.cold_locked_count()).unwrap_or(usize::MAX)
    }

    /// Bytes of bodies in memory, ready and unsettled.
    #[must_use]
    pub fn resident_bytes(&self) -> u64 {
        self.resident_bytes
    }

    /// Number of the oldest ready entry.
    #[must_use]
    pub fn oldest_ready(&self) -> Option<Seq> {
        self.lanes.occupied().filter_map(|(_, lane)| lane.first_seq()).min()
    }

    /// Gives memory back that bursts left behind. For a queue that has been idle.
    pub fn compact(&mut self) {
        for lane in 0..=self.lanes.top() {
            self.lanes.edit(lane, crate::lane::Lane::compact);
        }
        if self.unsettled.len() == 0 {
            self.unsettled = Unsettled::default();
        }
    }
}
