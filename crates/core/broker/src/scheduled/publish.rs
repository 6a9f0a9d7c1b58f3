//! What comes due.

use std::sync::Arc;

use smallvec::SmallVec;
use ternmq_message::{History, Message, Value};
use ternmq_queue::Room;
use ternmq_routing::NodeKind;

use super::{Goal, MIN_PERIOD_MS, Schedule, Scheduled};
use crate::{
    address::AddressQueue,
    broker::Broker,
    effect::NOBODY,
    error::{Error, Verb},
    incident::Incident,
    log::Grouping,
    namespace::NamespaceId,
    publish::Published,
    records::{kind, scheduled_shifted},
};

/// Most that are published in one turn, and bytes of them.
const STEP_COUNT: usize = 1_024;
const STEP_BYTES: usize = 1 << 20;
/// What can't go now is tried again after this many ms.
const PAUSE_MS: u64 = 1_000;

/// Copies of a message, each with the queues that it goes to.
type Copies = Vec<(Message, SmallVec<[u32; 4]>)>;

/// Where one goes that is due.
enum Way {
    /// As these copies into these queues, in which there is room.
    Open(Copies),
    /// All its queues are full.
    Full,
    /// Nowhere: its user may not, or what it goes to is gone.
    Closed,
}

impl Broker {
    /// Publishes what is due, a bounded part of it a turn. While publishers are held back it waits as they do (F4, F13).
    pub(crate) fn on_scheduled_due(&mut self) {
        self.scheduled.timer_ms = None;
        let now_ms = self.time.ms();
        if self.blocked_reason().is_some() {
            self.arm_scheduled(now_ms.saturating_add(PAUSE_MS));
            return;
        }
        let mut bytes = 0;
        for _ in 0..STEP_COUNT {
            let Some((due_ms, id)) = self.scheduled.due.first().copied() else { break };
            if due_ms > now_ms || bytes > STEP_BYTES {
                break;
            }
            bytes += self.scheduled.all.get(&id).map_or(0, |scheduled| scheduled.message.raw().len());
            self.as_group(|broker| broker.come_due(id, now_ms));
        }
        self.arm_scheduled(now_ms.saturating_add(1));
    }

    fn come_due(&mut self, id: u64, now_ms: u64) {
        let Some(scheduled) = self.scheduled.all.get(&id).cloned() else { return };
        match scheduled.schedule.calendar.as_ref().map(|calendar| calendar.next_ms(now_ms)) {
            None => self.publish_due(id, &scheduled, now_ms),
            Some(next_ms) => self.begin_run(id, &scheduled, now_ms, next_ms),
        }
    }

    /// A time of a calendar: what is to be sent later than now, or again and again, is scheduled by itself. At the limit of
    /// what is scheduled the time is left out.
    fn begin_run(&mut self, id: u64, scheduled: &Scheduled, now_ms: u64, next_ms: Option<u64>) {
        let mut schedule = Schedule { calendar: None, ..scheduled.schedule.clone() };
        let mut due_ms = now_ms.saturating_add(schedule.lead_ms());
        if schedule.repeats == Some(0) && schedule.delay_ms == 0 {
            let message = self.message_of(id, scheduled, true);
            match self.way_of(scheduled, &message) {
                Way::Open(copies) => {
                    self.shift_or_forget(id, next_ms, Some(0), 0);
                    return self.hand_in(copies);
                }
                Way::Full => (schedule.period_ms, due_ms) = (0, now_ms.saturating_add(PAUSE_MS)),
                Way::Closed => return self.drop_closed(id, scheduled),
            }
        }
        self.shift_or_forget(id, next_ms, schedule.repeats, 0);
        if !self.has_scheduled_room(&scheduled.message) {
            self.note_unpublished(scheduled, "the limit of scheduled messages is reached");
            return;
        }
        // Each time has a message id of its own.
        let message = self.edited(&scheduled.message, &[], Some(now_ms));
        self.hold(Scheduled { schedule, due_ms, message, ..scheduled.clone() }, None, None);
    }

    fn publish_due(&mut self, id: u64, scheduled: &Scheduled, now_ms: u64) {
        let is_last = scheduled.schedule.repeats == Some(0);
        let message = self.message_of(id, scheduled, !is_last || scheduled.schedule.period_ms > 0);
        let copies = match self.way_of(scheduled, &message) {
            Way::Open(copies) => copies,
            Way::Full => {
                let due_ms = now_ms.checked_add(PAUSE_MS);
                let Scheduled { schedule, repeated_times, .. } = scheduled;
                return self.shift_or_forget(id, due_ms, schedule.repeats, *repeated_times);
            }
            Way::Closed => return self.drop_closed(id, scheduled),
        };
        if is_last {
            self.forget(id);
        } else {
            let period_ms = scheduled.schedule.period_ms.max(MIN_PERIOD_MS);
            // What a stop let pass comes once, not once for each time.
            let next_ms = scheduled.due_ms.checked_add(period_ms).filter(|next_ms| *next_ms > now_ms);
            let left = scheduled.schedule.repeats.map(|count| count.saturating_sub(1));
            let next_ms = next_ms.or(now_ms.checked_add(period_ms));
            self.shift_or_forget(id, next_ms, left, scheduled.repeated_times.saturating_sub(1));
        }
        self.hand_in(copies);
    }

    /// Nobody waits for an answer: the message is in the queues that had room, or nobody wanted it.
    fn hand_in(&mut self, copies: Copies) {
        for (message, queues) in copies {
            match self.send_to(&queues, message, None) {
                Published::Accepted(_) | Published::Refused | Published::Unroutable(_) => {}
            }
        }
    }

    fn drop_closed(&mut self, id: u64, scheduled: &Scheduled) {
        self.note_unpublished(scheduled, "its user may not publish it, or its queue is gone");
        self.forget(id);
    }

    fn shift_or_forget(&mut self, id: u64, due_ms: Option<u64>, repeats: Option<u32>, repeated_times: u32) {
        let Some(due_ms) = due_ms else {
            self.forget(id);
            return;
        };
        self.scratch.clear();
        scheduled_shifted(&mut self.scratch, id, due_ms, repeats, repeated_times);
        let grouping = self.grouping(Grouping::Ends);
        self.log.append(kind::SCHEDULED, grouping, &[self.scratch.bytes()]);
        self.scheduled.shift(id, due_ms, repeats, repeated_times);
    }

    fn note_unpublished(&mut self, scheduled: &Scheduled, reason: &'static str) {
        self.counters.unroutable += 1;
        self.note_incident(Incident::ScheduledDropped {
            namespace: self.namespaces.name(scheduled.namespace),
            node: scheduled.message.node().into(),
            key: scheduled.message.key().into(),
            user: scheduled.user.clone(),
            reason,
        });
    }

    fn way_of(&mut self, scheduled: &Scheduled, message: &Message) -> Way {
        let copies = match scheduled.goal {
            Goal::Queue { queue, incarnation } => {
                if self.queues.get(queue).is_none_or(|slot| slot.incarnation != incarnation) {
                    return Way::Closed;
                }
                vec![(message.clone(), SmallVec::from_slice(&[queue]))]
            }
            Goal::Node => match self.copies_of(scheduled, message) {
                Ok(copies) => copies,
                Err(_) => return Way::Closed,
            },
        };
        let has_room = |queue: &u32| {
            let slot = self.queues.get(*queue);
            slot.is_none_or(|slot| slot.machine.check_room(message.body_len()) == Room::Free)
        };
        let mut queues = copies.iter().flat_map(|(_, queues)| queues).peekable();
        if queues.peek().is_none() || queues.any(has_room) { Way::Open(copies) } else { Way::Full }
    }

    /// Where a message goes from the place that it was sent to, as far as that leads. Its user has to be allowed to send to
    /// all of that (S5).
    fn copies_of(&mut self, scheduled: &Scheduled, message: &Message) -> Result<Copies, Error> {
        let (namespace, user) = (scheduled.namespace, &scheduled.user);
        self.check_scheduled(namespace, user, message)?;
        let mut copies = Vec::new();
        for copy in self.spread(message.clone())? {
            self.check_scheduled(namespace, user, &copy)?;
            let mut queues = SmallVec::new();
            self.route(namespace, &copy, &[], &mut queues)?;
            if queues.is_empty() {
                queues.extend(self.make_scheduled_queue(namespace, &copy));
            }
            copies.push((copy, queues));
        }
        Ok(copies)
    }

    /// Whether a user may publish a message, at the time when it comes due.
    pub(super) fn check_scheduled(
        &self,
        namespace: NamespaceId,
        user: &Arc<str>,
        message: &Message,
    ) -> Result<(), Error> {
        let space = self.namespaces.get(namespace).ok_or(Error::Gone)?;
        let name = &space.record.name;
        let principal = self.principal(user, name);
        let node = self.check_target(&principal, namespace, message.node(), message.key())?;
        if space.topology.node(node).is_some_and(|spec| spec.kind == NodeKind::Topic) {
            self.authorize_key(&principal, Verb::Write, name, message.node(), message.key())?;
        }
        Ok(())
    }

    /// Makes the queue that a message goes to, where the dialect makes queues on use and it went meanwhile.
    fn make_scheduled_queue(&mut self, namespace: NamespaceId, message: &Message) -> Option<u32> {
        let spec = {
            let places = self.dialect.places()?;
            let target = places.target_of(&places.place_of(message.node(), message.key())).ok()?;
            match target.queue {
                Some(AddressQueue::OnUse(spec)) if message.node().is_empty() => spec,
                _ => return None,
            }
        };
        self.check_queue_limits(namespace).ok()?;
        let space = self.namespaces.name(namespace);
        let _made = self.make_queue(namespace, space, spec, NOBODY).ok()?;
        self.find_queue(namespace, message.key())
    }

    /// The message as it is published: without the words that scheduled it, with the id under which it was scheduled, and with
    /// a message id of its own each time where it comes more than once.
    fn message_of(&self, id: u64, scheduled: &Scheduled, is_repeated: bool) -> Message {
        let message = match scheduled.goal {
            Goal::Node => {
                let new_id = is_repeated.then(|| id.wrapping_add(scheduled.due_ms));
                self.edited(&scheduled.message, &self.edits_of(id), new_id)
            }
            Goal::Queue { .. } => scheduled.message.clone(),
        };
        if scheduled.repeated_times == 0 {
            return message;
        }
        let known = message.history().map(|history| History::clone(history)).unwrap_or_default();
        message.with_history(Arc::new(History { may_be_repeated: true, ..known }))
    }

    /// The message with other headers and another message id; the same where its encoding does not let that be changed.
    fn edited(
        &self,
        message: &Message,
        headers: &[(&'static str, Option<Value>)],
        new_id: Option<u64>,
    ) -> Message {
        let format = self.formats.get(message.meta().encoding);
        let Some(head) = format.and_then(|format| format.edited(message.head(), headers, new_id)) else {
            return message.clone();
        };
        let history = message.history().cloned();
        let edited =
            Message::new(message.node(), message.key(), &head, message.body(), *message.meta(), history);
        // The parts came from a valid message, so they fit their length fields.
        edited.map_or_else(|_| message.clone(), |edited| edited.in_group(message.group()))
    }

    /// What a message that was scheduled is told, and what it says no more.
    pub(super) fn edits_of(&self, id: u64) -> Vec<(&'static str, Option<Value>)> {
        let Some(words) = self.dialect.schedule_words() else { return Vec::new() };
        let gone = [words.delay, words.period, words.repeats, words.calendar];
        let told = (words.id, Some(Value::str(&words.id_text(id))));
        gone.into_iter().map(|name| (name, None)).chain([told]).collect()
    }
}
