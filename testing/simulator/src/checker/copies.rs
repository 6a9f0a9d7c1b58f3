//! Copies of messages: where each may be, and what a restart does to that knowledge.

use super::{Checker, Transaction};

/// What was published.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) session: u32,
    pub(super) node: String,
    pub(super) key: String,
    pub(super) is_durable: bool,
    pub(super) priority: u8,
    pub(super) ttl_ms: Option<u64>,
}

/// Which of its two queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// The one it was published to.
    Home,
    /// The one for the dead.
    Dead,
}

/// What is known of a copy in one queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// It is there and ready.
    Ready,
    /// A session holds it.
    Held,
    /// It left in this turn; a crash may bring it back unless that was durable.
    Gone { turn: u64 },
    /// It left for good.
    Over,
    /// It may be there or not.
    Unsure,
}

/// One message in one queue.
#[derive(Clone, Debug)]
pub(super) struct Copy {
    pub(super) message: u64,
    pub(super) queue: usize,
    pub(super) session: u32,
    pub(super) lane: u8,
    pub(super) order: u64,
    /// A restart keeps it.
    pub(super) is_kept: bool,
    pub(super) is_confirmed: bool,
    /// It must turn up, or have left in a way that is allowed.
    pub(super) is_owed: bool,
    pub(super) home: Place,
    pub(super) dead: Place,
    pub(super) dead_seen: bool,
    /// Turn in which it was seen there first, since it was last unsure.
    pub(super) dead_since: u64,
    /// Incarnation of the queue of the dead where it was seen.
    pub(super) dead_queue: Option<usize>,
    pub(super) expires_at_ms: Option<u64>,
    /// Deliveries at home and in the queue of the dead.
    pub(super) deliveries: [u32; 2],
    /// It lived through an unclean stop, after which anything may be flagged.
    pub(super) crossed: bool,
    pub(super) returns: u32,
    pub(super) was_discarded: bool,
    /// A consumer had it for good before a crash that the settlement may not have survived, or a purge may have reached it.
    pub(super) was_taken: bool,
    /// The queue of the dead was emptied, deleted or lost after it may have got there.
    pub(super) dead_lost: bool,
    /// What is known of it since a crash follows from another part of its transaction.
    pub(super) is_inferred: bool,
}

impl Copy {
    /// The promise that is broken when this copy does not behave.
    pub(super) fn broken_by(&self, invariant: &'static str) -> &'static str {
        if self.is_inferred { "I6" } else { invariant }
    }

    pub(super) fn place(&self, stage: Stage) -> Place {
        match stage {
            Stage::Home => self.home,
            Stage::Dead => self.dead,
        }
    }
}

fn mix(mut number: u64) -> u64 {
    number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// The body of a message: its number, then bytes that follow from it.
#[must_use]
pub fn body_of(id: u64) -> Vec<u8> {
    let mut body = format!("{id:016x}:").into_bytes();
    let len = match mix(id) % 10 {
        0..=5 => 10 + mix(id ^ 1) % 200,
        6..=8 => 500 + mix(id ^ 2) % 1_500,
        _ => 2_000 + mix(id ^ 3) % 4_000,
    };
    let end = body.len() + usize::try_from(len).unwrap_or(0);
    let words = (0..len.div_ceil(8)).flat_map(|at| mix(id.wrapping_add(at << 32)).to_le_bytes());
    body.extend(words);
    body.truncate(end);
    body
}

/// The properties of a message: bytes that follow from its number.
#[must_use]
pub fn head_of(id: u64) -> Vec<u8> {
    let len = mix(id ^ 7) % 24;
    let mut head: Vec<u8> = (0..len.div_ceil(8)).flat_map(|at| mix(id ^ (at << 40)).to_le_bytes()).collect();
    head.truncate(usize::try_from(len).unwrap_or(0));
    head
}

/// The number in a body.
#[must_use]
pub fn message_id(body: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(body.get(..16)?).ok()?;
    u64::from_str_radix(digits, 16).ok()
}

impl Checker {
    /// Sets where a copy is at home, and keeps the list of the surely ready ones.
    pub(super) fn set_home(&mut self, index: usize, place: Place) {
        let copy = &mut self.copies[index];
        copy.home = place;
        let key = (copy.queue, copy.session, copy.lane);
        let order = copy.order;
        if place == Place::Ready {
            self.ready.entry(key).or_default().insert(order, index);
        } else if let Some(ready) = self.ready.get_mut(&key) {
            ready.remove(&order);
        }
    }

    pub(super) fn set_place(&mut self, index: usize, stage: Stage, place: Place) {
        match stage {
            Stage::Home => self.set_home(index, place),
            Stage::Dead => self.copies[index].dead = place,
        }
    }

    /// Something other than a client may have taken the copy out of its first queue.
    pub(super) fn may_have_died(&self, copy: &Copy) -> bool {
        let facts = self.definitions.facts(copy.queue);
        let is_expired = copy.expires_at_ms.is_some_and(|at| at <= self.upper_ms);
        let is_dropped = facts.max_length.is_some() && !facts.rejects_when_full;
        is_expired
            || is_dropped
            || copy.was_discarded
            || copy.returns > self.definitions.return_limit(copy.queue)
    }

    /// The copy may be nowhere although nobody accepted it.
    pub(super) fn may_be_missing(&self, copy: &Copy) -> bool {
        if !self.may_have_died(copy) {
            return false;
        }
        let Some(dead_to) = &self.definitions.facts(copy.queue).dead_to else { return true };
        // It has to be in the queue of the dead then, unless that one lost it in an allowed way.
        // A message that is not persistent may die out of a quorum queue into one that does not keep it.
        let is_durable = self.messages.get(&copy.message).is_some_and(|message| message.is_durable);
        copy.dead_lost || !is_durable || !self.definitions.is_safe_for_dead(dead_to)
    }

    /// The node went away, and comes back with what was durable.
    pub(super) fn note_gone(&mut self, durable_turn: u64, is_clean: bool) {
        for transaction in &mut self.transactions {
            // One that an earlier crash left open stays open until a part of it is seen.
            if transaction.happened.is_some() || !transaction.is_certain {
                continue;
            }
            if transaction.turn > durable_turn {
                transaction.is_certain = false;
            } else {
                transaction.happened = Some(true);
            }
        }
        for index in 0..self.copies.len() {
            self.cross(index, durable_turn, is_clean);
        }
        self.note_branches_gone(durable_turn, is_clean);
        self.held.clear();
        self.staged.clear();
        self.definitions.gone(durable_turn);
        self.sessions.gone(durable_turn);
        self.parked.gone(durable_turn);
        self.schedules.gone(durable_turn, is_clean);
        self.forget_seen_wills();
    }

    fn cross(&mut self, index: usize, durable_turn: u64, is_clean: bool) {
        let copy = &mut self.copies[index];
        copy.crossed |= !is_clean;
        copy.is_confirmed |= is_clean;
        let crossed = |place: Place| match place {
            Place::Held => Place::Ready,
            Place::Gone { turn } if turn <= durable_turn => Place::Over,
            Place::Gone { .. } => Place::Unsure,
            other => other,
        };
        // A consumer had it for good, and whether the log knows is open.
        copy.was_taken |= matches!(copy.home, Place::Gone { turn } if turn > durable_turn);
        let was_over = copy.home == Place::Over;
        let mut home = crossed(copy.home);
        copy.dead = crossed(copy.dead);
        // That it got there may be lost, whatever has become of its own queue: it gets there again, perhaps later.
        let is_safe_there = home != Place::Unsure && copy.dead_since <= durable_turn;
        if !is_safe_there && copy.dead == Place::Ready {
            copy.dead = Place::Unsure;
        }
        if !copy.is_kept {
            copy.is_owed = false;
            if home != Place::Over {
                home = Place::Unsure;
            }
            if copy.dead != Place::Over {
                copy.dead = Place::Unsure;
            }
        } else if !copy.is_confirmed && !was_over {
            copy.is_owed = false;
            if home == Place::Ready {
                home = Place::Unsure;
            }
        }
        self.set_home(index, home);
    }

    /// A part of an open transaction was seen: the whole of it happened, or none of it (I6).
    pub(super) fn resolve(&mut self, transaction: usize, happened: bool) {
        let Transaction { published, settled, .. } = self.transactions[transaction].clone();
        self.transactions[transaction].happened = Some(happened);
        for copy in published {
            let state = &mut self.copies[copy];
            if happened {
                state.is_confirmed = true;
                if state.home == Place::Unsure
                    && !state.was_taken
                    && !matches!(state.dead, Place::Held | Place::Over | Place::Gone { .. })
                {
                    state.is_owed = true;
                    state.is_inferred = true;
                    self.set_home(copy, Place::Ready);
                }
            } else if state.home == Place::Unsure {
                state.is_owed = false;
                state.is_inferred = true;
                self.set_home(copy, Place::Over);
            }
        }
        for (copy, stage) in settled {
            let state = &mut self.copies[copy];
            if state.place(stage) == Place::Unsure && happened {
                state.is_inferred = true;
                self.set_place(copy, stage, Place::Over);
            }
        }
    }
}
