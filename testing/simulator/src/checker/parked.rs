//! What is parked with the broker: wills, which are published once when their time has come (the row of session-present
//! in section 3 of the guarantees), and retained messages, of which the last one counts (PUBACK).

use std::collections::BTreeMap;

use super::copies::{Message, Place};
use super::sessions::is_match;
use super::{Checker, NEVER, TOPICS, Violation, broken};
use crate::history::Event;

/// The queue that wills are routed to.
pub(crate) const WILLS: &str = "wills";
/// Sessions of wills, one each: they are ordered with nothing.
const FIRST_SESSION: u32 = 1 << 31;

/// How a will stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// Its client is here.
    Parked,
    /// Its client has gone without a word: it is published within these bounds of broker time.
    Due { earliest_ms: u64, latest_ms: u64 },
    /// It may have been published; nothing makes it due any more.
    Open,
    /// It has been published for sure.
    Out,
    /// Its client came back in time, left another one or took it back; that turn undid it.
    Withdrawn { turn: u64 },
    /// As the one before, durable.
    Void,
}

#[derive(Clone, Debug)]
struct Left {
    client: String,
    delay_ms: u64,
    op: u64,
    turn: u64,
    is_kept: bool,
    /// It is in the log, with its client.
    is_logged: bool,
    is_seen: bool,
    standing: Standing,
}

#[derive(Clone, Debug)]
struct Version {
    message: Option<u64>,
    op: u64,
    turn: u64,
    is_kept: bool,
}

/// Wills by their message, and retained messages by key, oldest first. More than one version of a key is possible only
/// after the node went away.
#[derive(Clone, Debug, Default)]
pub(super) struct Parked {
    wills: BTreeMap<u64, Left>,
    retained: BTreeMap<String, Versions>,
}

#[derive(Clone, Debug, Default)]
struct Versions {
    all: Vec<Version>,
    /// The node went away since it was read last: any version from the first one on may be there.
    is_open: bool,
}

impl Parked {
    pub(super) fn confirm(&mut self, op: u64) {
        for left in self.wills.values_mut() {
            left.is_kept |= left.op == op;
        }
        for version in self.retained.values_mut().flat_map(|versions| &mut versions.all) {
            version.is_kept |= version.op == op;
        }
    }

    /// The node went away, and with it all connections.
    pub(super) fn gone(&mut self, durable_turn: u64) {
        for left in self.wills.values_mut() {
            left.is_kept |= std::mem::replace(&mut left.turn, NEVER) <= durable_turn;
            left.standing = match left.standing {
                Standing::Withdrawn { turn } if turn <= durable_turn => Standing::Void,
                // What undid it may have been lost.
                Standing::Withdrawn { .. } => Standing::Open,
                Standing::Parked | Standing::Due { .. } | Standing::Out if !left.is_logged => Standing::Open,
                other => other,
            };
        }
        for versions in self.retained.values_mut() {
            for version in &mut versions.all {
                version.is_kept |= std::mem::replace(&mut version.turn, NEVER) <= durable_turn;
            }
            match versions.all.iter().rposition(|version| version.is_kept) {
                Some(last) => drop(versions.all.drain(..last)),
                None => versions.all.insert(0, Version { message: None, op: 0, turn: 0, is_kept: true }),
            }
            versions.is_open = true;
        }
    }
}

impl Checker {
    /// An event of a will, or of what is retained.
    pub(super) fn note_parked_event(&mut self, event: &Event) -> Result<(), Violation> {
        match event {
            Event::Will { op, client, message, delay_ms } => self.note_will(*op, client, *message, *delay_ms),
            Event::Retain { op, key, message } => self.note_retain(*op, key, *message),
            Event::Retained { key, found } => return self.note_retained(key, found),
            _ => {}
        }
        Ok(())
    }

    fn note_will(&mut self, op: u64, client: &str, message: Option<u64>, delay_ms: u64) {
        self.withdraw(client);
        let Some(message) = message else { return };
        let facts = Message {
            session: FIRST_SESSION.wrapping_add(message as u32),
            node: "sys.topic".into(),
            key: will_key(message),
            is_durable: true,
            priority: 0,
            ttl_ms: None,
        };
        self.messages.insert(message, facts);
        let left = Left {
            client: client.into(),
            delay_ms,
            op,
            turn: self.turn + 1,
            is_kept: false,
            is_logged: self.sessions.is_logged(client),
            is_seen: false,
            standing: Standing::Parked,
        };
        self.parked.wills.insert(message, left);
    }

    /// The client came back, left another will or took this one back.
    pub(super) fn withdraw(&mut self, client: &str) {
        let (lower_ms, upper_ms, turn) = (self.lower_ms, self.upper_ms, self.turn + 1);
        for left in self.parked.wills.values_mut().filter(|left| left.client == client) {
            left.standing = match left.standing {
                Standing::Parked => Standing::Withdrawn { turn },
                Standing::Due { latest_ms, .. } if latest_ms <= lower_ms => Standing::Out,
                Standing::Due { earliest_ms, .. } if earliest_ms > upper_ms => Standing::Withdrawn { turn },
                Standing::Due { .. } => Standing::Open,
                other => other,
            };
        }
    }

    /// The client went: without a word when its will is still there.
    pub(super) fn leave_will(&mut self, client: &str, left_ms: (u64, u64), keep_ms: u64) {
        for left in self.parked.wills.values_mut().filter(|left| left.client == client) {
            if left.standing == Standing::Parked {
                let wait_ms = left.delay_ms.min(keep_ms);
                left.standing =
                    Standing::Due { earliest_ms: left_ms.0 + wait_ms, latest_ms: left_ms.1 + wait_ms };
            }
        }
    }

    /// The client is forgotten: its will goes out now at the latest.
    pub(super) fn end_will(&mut self, client: &str) {
        let (lower_ms, upper_ms) = (self.lower_ms, self.upper_ms);
        for left in self.parked.wills.values_mut().filter(|left| left.client == client) {
            if matches!(left.standing, Standing::Due { .. } | Standing::Parked) {
                left.standing = Standing::Due { earliest_ms: lower_ms, latest_ms: upper_ms };
            }
        }
    }

    /// All connections ended with the node: wills are due from its start on. `keep_ms` is absent when nobody knows whether
    /// the client is there.
    pub(super) fn restart_wills(&mut self, client: &str, left_ms: (u64, u64), keep_ms: Option<u64>) {
        let upper_ms = self.upper_ms;
        for left in self.parked.wills.values_mut().filter(|left| left.client == client) {
            let wait_ms = keep_ms.map(|keep_ms| left.delay_ms.min(keep_ms));
            left.standing = match (left.standing, wait_ms) {
                (Standing::Void, _) => Standing::Void,
                (Standing::Out, _) if left.is_seen => Standing::Out,
                (_, None) | (Standing::Open | Standing::Withdrawn { .. }, _) => Standing::Open,
                (Standing::Parked, Some(wait_ms)) => {
                    Standing::Due { earliest_ms: left_ms.0 + wait_ms, latest_ms: left_ms.1 + wait_ms }
                }
                (Standing::Due { earliest_ms, latest_ms }, Some(wait_ms)) => {
                    Standing::Due { earliest_ms, latest_ms: latest_ms.max(upper_ms + wait_ms) }
                }
                (Standing::Out, Some(wait_ms)) => {
                    Standing::Due { earliest_ms: 0, latest_ms: upper_ms + wait_ms }
                }
            };
        }
    }

    /// What of a will was seen, and may have been lost with the node.
    pub(super) fn forget_seen_wills(&mut self) {
        let seen: Vec<u64> =
            self.parked.wills.iter().filter(|(_, left)| left.is_seen).map(|(id, _)| *id).collect();
        for id in seen {
            let copies = self.copies_of.get(&id).cloned().unwrap_or_default();
            let is_over = copies.iter().any(|copy| self.copies[*copy].home == Place::Over);
            for copy in copies.iter().filter(|_| !is_over) {
                // It may be published anew, and is delivered for the first time then.
                self.copies[*copy].deliveries = [0, 0];
            }
            if let Some(left) = self.parked.wills.get_mut(&id) {
                // Whether the log knows that somebody took it is open.
                left.is_seen = is_over || copies.iter().any(|copy| self.copies[*copy].was_taken);
            }
        }
    }

    /// A will came out of its queue: its time has come, and it is the first time (once it is settled I3 speaks).
    pub(super) fn note_will_seen(&mut self, id: u64) -> Result<(), Violation> {
        let upper_ms = self.upper_ms;
        let Some(left) = self.parked.wills.get_mut(&id) else { return Ok(()) };
        let is_due = match left.standing {
            Standing::Parked | Standing::Withdrawn { .. } | Standing::Void => false,
            Standing::Due { earliest_ms, .. } => earliest_ms <= upper_ms,
            Standing::Open | Standing::Out => true,
        };
        if !is_due && !self.is_maimed {
            let text = format!("the will {id} was published though it was not due: {left:?}");
            return Err(broken("SUBACK", text));
        }
        (left.is_seen, left.standing) = (true, Standing::Out);
        let targets: Vec<usize> = self.definitions.current(WILLS).into_iter().collect();
        if !self.copies_of.contains_key(&id) {
            for copy in self.make_copies(0, id, &targets, false) {
                // It may have been in its queue when the node went away.
                self.copies[copy].crossed = true;
            }
        }
        Ok(())
    }

    /// Every will that was durable and whose time is over came out.
    pub(super) fn judge_wills(&self) -> Result<(), Violation> {
        if self.definitions.targets(TOPICS, &will_key(0)).is_empty() {
            // There was no queue yet that they could go to.
            return Ok(());
        }
        let is_lost = |left: &Left| {
            let is_out = match left.standing {
                Standing::Due { latest_ms, .. } => latest_ms <= self.lower_ms,
                Standing::Out => true,
                _ => false,
            };
            is_out && left.is_kept && !left.is_seen
        };
        // What could not be read of their queue may be any of them.
        let spare =
            self.damaged.get(WILLS).and_then(|count| usize::try_from(*count).ok()).unwrap_or_default();
        match self.parked.wills.iter().filter(|(_, left)| is_lost(left)).nth(spare) {
            Some((id, left)) => Err(broken("SUBACK", format!("the will {id} was never published: {left:?}"))),
            None => Ok(()),
        }
    }

    fn note_retain(&mut self, op: u64, key: &str, message: Option<u64>) {
        let version = Version { message, op, turn: self.turn + 1, is_kept: false };
        let versions = self.parked.retained.entry(key.into()).or_default();
        versions.all.push(version);
        versions.is_open = false;
    }

    /// Under each key that matches there is its last message, after a crash at least the last one that was answered.
    fn note_retained(&mut self, pattern: &str, found: &[(String, u64)]) -> Result<(), Violation> {
        let is_maimed = self.is_maimed;
        for (key, versions) in self.parked.retained.iter_mut().filter(|(key, _)| is_match(pattern, key)) {
            let is = found.iter().find(|(known, _)| known == key).map(|(_, id)| *id);
            let last = versions.all.len().saturating_sub(1);
            let mut fitting = (0..=last).rev().filter(|at| versions.is_open || *at == last);
            let fits = |at: &usize| versions.all.get(*at).is_some_and(|version| version.message == is);
            match fitting.find(fits) {
                Some(at) => {
                    versions.all.truncate(at + 1);
                    versions.all[at].is_kept |= versions.is_open;
                    versions.is_open = false;
                }
                None if is_maimed => {}
                None => {
                    let text = format!("retained under {key} is {is:?}, and was {versions:?}");
                    return Err(broken("PUBACK", text));
                }
            }
        }
        match found.iter().find(|(key, _)| !self.parked.retained.contains_key(key)) {
            Some((key, id)) => Err(broken("I2", format!("nobody retained message {id} under {key}"))),
            None => Ok(()),
        }
    }
}

/// The key of a will.
#[must_use]
pub(crate) fn will_key(message: u64) -> String {
    format!("w.x.{}", message % 5)
}
