//! Judges a history against the promises I1-I6, I8 and I10 (T3). Knows nothing of the core: only what clients saw,
//! and how far the log was durable when the node went away.
//!
//! A message makes one copy per queue that it was routed to. Each copy has up to two places: the queue it was
//! published to, and the queue it goes to when it dies. The checker follows every copy through both and fails at the
//! first event that no sound broker could have caused.

mod branches;
mod copies;
mod definitions;
mod deliveries;
mod later;
mod parked;
mod sessions;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

pub use self::copies::message_id;
use self::copies::{Copy, Message, Place, Stage};
pub use self::copies::{body_of, head_of};
use self::definitions::Definitions;
pub(crate) use self::later::LATER;
use self::later::Schedules;
use self::parked::Parked;
pub(crate) use self::parked::{WILLS, will_key};
use self::sessions::Sessions;
pub(crate) use self::sessions::{client_queue, group_queue, is_match};
use crate::history::{Event, Outcome};

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Id of the invariant in the project's guarantees, such as `I1`.
    pub invariant: &'static str,
    /// What is wrong, for people.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.invariant, self.text)
    }
}

pub(crate) fn broken(invariant: &'static str, text: impl Into<String>) -> Violation {
    Violation { invariant, text: text.into() }
}

/// The node that topics of clients lead to.
pub(crate) const TOPICS: &str = "sys.topic";

/// The turn of what a crash may have undone: no later one tells that it is durable.
const NEVER: u64 = u64::MAX;

/// What a session has staged.
#[derive(Clone, Debug, Default)]
struct Staged {
    publishes: Vec<(u64, Vec<usize>)>,
    settles: Vec<(u64, Settle)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Settle {
    Accept,
    Requeue,
    Discard,
}

/// A committed transaction whose fate a crash may have left open.
#[derive(Clone, Debug, Default)]
struct Transaction {
    op: u64,
    turn: u64,
    is_certain: bool,
    /// Set when one of its parts was seen.
    happened: Option<bool>,
    published: Vec<usize>,
    settled: Vec<(usize, Stage)>,
}

/// The model.
#[derive(Clone, Debug, Default)]
pub struct Checker {
    definitions: Definitions,
    messages: BTreeMap<u64, Message>,
    copies: Vec<Copy>,
    copies_of: BTreeMap<u64, Vec<usize>>,
    /// Unsettled deliveries: who holds which copy where.
    held: BTreeMap<(u32, u64), (usize, Stage)>,
    staged: BTreeMap<u32, Staged>,
    sessions: Sessions,
    parked: Parked,
    schedules: Schedules,
    /// Transaction of a publish under a token, whose copies follow.
    once: Option<usize>,
    transactions: Vec<Transaction>,
    branches: BTreeMap<u32, branches::Branch>,
    transaction_of: BTreeMap<usize, Vec<usize>>,
    /// Copies that are surely ready, by queue, publisher and priority, in publish order (I5).
    ready: BTreeMap<(usize, u32, u8), BTreeMap<u64, usize>>,
    /// Given back by the commit that was just made: what it published may have gone out before.
    fresh: BTreeSet<usize>,
    ops: BTreeMap<u64, Vec<usize>>,
    next_order: u64,
    turn: u64,
    lower_ms: u64,
    upper_ms: u64,
    /// Messages that may be missing from a queue because the node reported them damaged since it started (F5). The
    /// next start tries again: what is damaged still is reported anew.
    damaged: BTreeMap<String, u64>,
    /// The same of queues that were deleted meanwhile: what was on its way from there to a dead-letter route and could
    /// not be read went with its queue.
    damaged_and_deleted: BTreeMap<String, u64>,
    /// The log itself was reported damaged: only I2 and I4 are judged from then on.
    is_maimed: bool,
}

impl Checker {
    /// A model of a new node.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next event.
    ///
    /// # Errors
    /// The event cannot have happened on a node that keeps its promises.
    pub fn note(&mut self, event: &Event) -> Result<(), Violation> {
        // Clients known by name answer some deliveries while others are being handed out.
        let is_amid_deliveries = matches!(
            event,
            Event::Deliver { .. }
                | Event::Ok { .. }
                | Event::Accept { .. }
                | Event::Adopt { .. }
                | Event::Declare { .. }
        );
        if !is_amid_deliveries {
            self.fresh.clear();
        }
        match event {
            Event::Declare { op, queue, facts } => self.definitions.declare(*op, queue, facts.clone()),
            Event::Delete { op, queue } => {
                self.judge_session_queue(queue)?;
                let damaged = self.damaged.remove(queue).unwrap_or(0);
                *self.damaged_and_deleted.entry(queue.clone()).or_default() += damaged;
                self.note_delete(*op, queue);
            }
            Event::Purge { queue, .. } => self.note_purge(queue),
            Event::Bind { op, node, queue, key } => self.definitions.bind(*op, node, queue, key),
            Event::Unbind { op, node, queue, key } => {
                self.definitions.unbind(*op, self.turn, node, queue, key)
            }
            Event::Publish { .. } => return self.note_publish(event),
            Event::Select { session } => {
                self.staged.entry(*session).or_default();
            }
            Event::Commit { op, session } => self.note_commit(*op, *session),
            Event::Rollback { session } => {
                self.staged.insert(*session, Staged::default());
            }
            Event::Deliver { session, taken } => return self.note_delivery(*session, taken),
            Event::Accept { .. } | Event::Requeue { .. } | Event::Discard { .. } => self.note_settled(event),
            Event::Close { session } => self.note_close(*session),
            Event::Ok { op } => self.note_ok(*op),
            Event::Turn { turn } => {
                self.turn = *turn;
                return self.judge_overdue();
            }
            Event::Time { lower_ms, upper_ms } => {
                self.lower_ms = *lower_ms;
                self.upper_ms = (*upper_ms).max(self.upper_ms);
            }
            Event::Gone { durable_turn, is_clean } => self.note_gone(*durable_turn, *is_clean),
            Event::Back { found } => {
                self.damaged.clear();
                self.schedules.back(self.lower_ms);
                self.judge_clients(found)?;
                return self.note_back(found);
            }
            Event::Damage { queue: Some(queue), count } => self.note_damage(queue, *count),
            Event::Damage { queue: None, .. } => self.is_maimed = true,
            Event::Will { .. } | Event::Retain { .. } | Event::Retained { .. } => {
                return self.note_parked_event(event);
            }
            Event::Later { .. } | Event::TakeAway { .. } | Event::Come { .. } => {
                return self.note_schedule_event(event);
            }
            Event::End => return self.judge_end(),
            event => return self.note_session_event(event),
        }
        Ok(())
    }

    fn note_damage(&mut self, queue: &str, count: u64) {
        // Of a queue that is deleted what could not be read on its way to the dead is not tried again.
        let is_there = self.definitions.current(queue).is_some();
        let damaged = if is_there { &mut self.damaged } else { &mut self.damaged_and_deleted };
        *damaged.entry(queue.to_owned()).or_default() += count;
    }

    /// How many copies of messages were followed.
    #[must_use]
    pub fn copy_count(&self) -> usize {
        self.copies.len()
    }

    fn note_publish(&mut self, event: &Event) -> Result<(), Violation> {
        let Event::Publish {
            op,
            session,
            message,
            node,
            key,
            is_durable,
            priority,
            ttl_ms,
            outcome,
            is_routed,
        } = event
        else {
            return Ok(());
        };
        let mut targets = self.definitions.targets(node, key);
        // A queue that the message is bound to and passed over is a route all the same.
        if !self.is_maimed && *is_routed == targets.is_empty() && !self.definitions.is_unsure(node, key) {
            let text =
                format!("message {message} to '{node}' key '{key}': routed={is_routed}, bound: {targets:?}");
            return Err(broken("I10", text));
        }
        if node == TOPICS {
            targets.retain(|queue| !self.sessions.skips_own(*session, self.definitions.name(*queue), key));
        }
        let facts = Message {
            session: *session,
            node: node.clone(),
            key: key.clone(),
            is_durable: *is_durable,
            priority: *priority,
            ttl_ms: *ttl_ms,
        };
        self.messages.insert(*message, facts);
        if !is_routed {
            self.once = None;
            return Ok(());
        }
        if let Some(staged) = self.staged.get_mut(session) {
            staged.publishes.push((*message, targets));
            return Ok(());
        }
        let made = self.make_copies(*op, *message, &targets, *outcome == Outcome::Fail);
        if *outcome == Outcome::Fail {
            // Which queues refused it nobody knows.
            self.once = None;
        }
        self.join_once(&made);
        Ok(())
    }

    fn make_copies(&mut self, op: u64, id: u64, targets: &[usize], is_refused: bool) -> Vec<usize> {
        let Some(message) = self.messages.get(&id).cloned() else { return Vec::new() };
        self.next_order += 1;
        let mut made = Vec::new();
        for queue in targets.iter().copied() {
            if !self.definitions.is_alive(queue) {
                continue;
            }
            let facts = self.definitions.facts(queue);
            let ttl_ms = facts.ttl_ms.into_iter().chain(message.ttl_ms).min();
            let lane = facts.max_priority.map_or(0, |most| message.priority.min(most));
            // For a client that is away, what need not be kept is passed over.
            let is_shed = facts.is_of_clients && !message.is_durable;
            let is_there = !is_refused && !is_shed;
            let copy = Copy {
                message: id,
                queue,
                session: message.session,
                lane,
                order: self.next_order,
                is_kept: facts.is_durable && (message.is_durable || facts.is_quorum),
                is_confirmed: false,
                is_owed: is_there,
                home: if is_there { Place::Ready } else { Place::Unsure },
                dead: Place::Unsure,
                dead_seen: false,
                dead_since: 0,
                dead_queue: None,
                expires_at_ms: ttl_ms.map(|ttl| self.lower_ms + ttl),
                deliveries: [0, 0],
                crossed: false,
                returns: 0,
                was_discarded: false,
                was_taken: false,
                dead_lost: false,
                is_inferred: false,
            };
            let index = self.copies.len();
            self.copies.push(copy);
            self.copies_of.entry(id).or_default().push(index);
            self.ops.entry(op).or_default().push(index);
            if is_there {
                self.set_home(index, Place::Ready);
            }
            made.push(index);
        }
        made
    }

    fn note_commit(&mut self, op: u64, session: u32) {
        let Some(staged) = self.staged.get_mut(&session) else { return };
        let Staged { publishes, settles } = std::mem::take(staged);
        let mut transaction =
            Transaction { op, turn: self.turn + 1, is_certain: true, ..Transaction::default() };
        for (message, targets) in publishes {
            let made = self.make_copies(op, message, &targets, false);
            // What a crash may lose anyhow says nothing about the rest.
            let counts = |copy: &usize| self.copies[*copy].is_kept;
            transaction.published.extend(made.into_iter().filter(counts));
        }
        for (delivery, settle) in settles {
            let Some((copy, stage)) = self.held.get(&(session, delivery)).copied() else { continue };
            self.apply_settle(session, delivery, settle);
            self.fresh.insert(copy);
            if settle == Settle::Accept && self.copies[copy].is_kept {
                transaction.settled.push((copy, stage));
            }
        }
        let index = self.transactions.len();
        for copy in transaction.published.iter().chain(transaction.settled.iter().map(|(copy, _)| copy)) {
            self.transaction_of.entry(*copy).or_default().push(index);
        }
        self.transactions.push(transaction);
    }

    fn note_ok(&mut self, op: u64) {
        self.definitions.confirm(op);
        self.sessions.confirm(op);
        self.parked.confirm(op);
        self.schedules.confirm(op);
        self.confirm_branch(op);
        for copy in self.ops.get(&op).cloned().unwrap_or_default() {
            self.copies[copy].is_confirmed = true;
        }
        for copy in self.definitions.take_cleared(op) {
            for place in [&mut self.copies[copy].home] {
                if matches!(place, Place::Gone { .. }) {
                    *place = Place::Over;
                }
            }
        }
        for transaction in self.transactions.iter_mut().filter(|transaction| transaction.op == op) {
            transaction.happened = Some(true);
        }
    }

    /// The log itself was damaged: what it told is not known any more.
    #[must_use]
    pub fn is_maimed(&self) -> bool {
        self.is_maimed
    }

    /// The node reported damaged messages since it started.
    #[must_use]
    pub fn has_damage(&self) -> bool {
        !self.damaged.is_empty()
    }

    fn judge_end(&self) -> Result<(), Violation> {
        if self.is_maimed {
            return Ok(());
        }
        self.judge_tokens()?;
        self.judge_wills()?;
        self.judge_schedules()?;
        let mut spare = self.damaged.clone();
        for (queue, count) in &self.damaged_and_deleted {
            *spare.entry(queue.clone()).or_default() += count;
        }
        for copy in &self.copies {
            if !copy.is_owed || self.may_be_missing(copy) {
                continue;
            }
            let queue = self.definitions.name(copy.queue);
            let dead_to = self.definitions.facts(copy.queue).dead_to.clone().unwrap_or_default();
            let mut is_damaged = false;
            for name in [queue, &dead_to] {
                if let Some(count) = spare.get_mut(name).filter(|count| **count > 0 && !is_damaged) {
                    *count -= 1;
                    is_damaged = true;
                }
            }
            if is_damaged {
                continue;
            }
            let text = format!(
                "message {} of session {} was accepted by queue '{queue}' and is gone (confirmed={}, {:?})",
                copy.message, copy.session, copy.is_confirmed, copy
            );
            return Err(broken(copy.broken_by("I1"), text));
        }
        Ok(())
    }
}
