//! Clients known by name (MQTT sessions): how long they are kept, what they subscribed to, and messages under a token,
//! exactly once in both directions (section 3 of the guarantees: SUBACK and session-present, PUBREC, PUBCOMP).
//!
//! Their queues are queues like any other, so what is routed to them is judged by I1 to I5 and I10.

use std::collections::{BTreeMap, BTreeSet};

use super::{Checker, NEVER, Settle, Transaction, Violation, broken};
use crate::history::{Event, Found};

/// The queue of a client.
#[must_use]
pub(crate) fn client_queue(client: &str) -> String {
    format!("client.{client}")
}

/// The queue that the members of a group share.
#[must_use]
pub(crate) fn group_queue(group: &str) -> String {
    format!("group.{group}")
}

/// A client that the broker has to remember.
#[derive(Clone, Debug)]
struct Known {
    keep_ms: u64,
    /// It was to be kept when it came: it is in the log.
    is_logged: bool,
    /// The session that serves it.
    session: Option<u32>,
    /// Bounds of the broker time at which it went.
    left_ms: Option<(u64, u64)>,
    /// A newer session takes the place of the one that served it.
    is_taken_over: bool,
    /// When it went follows from the start of the node after a crash, which the next crash moves.
    is_left_at_start: bool,
    /// Turn of its last coming or going.
    turn: u64,
    /// Turn in which it was made; what was not durable may be forgotten.
    made: u64,
    made_op: u64,
    is_made_for_sure: bool,
    /// Keys that it shares with a group, by name of the group.
    groups: BTreeSet<(String, String)>,
    /// Keys of its own, and whether they leave out what it publishes itself.
    keys: BTreeMap<String, bool>,
    /// All keys that it ever had.
    all_keys: BTreeMap<String, bool>,
    /// The last crash may have undone what it did last.
    is_unsure: bool,
}

/// A message that a client published under a token.
#[derive(Clone, Debug)]
struct Under {
    message: u64,
    op: u64,
    turn: u64,
    /// The broker has both for good.
    is_kept: bool,
    transaction: usize,
    /// Operation by which the client released it.
    forget: Option<u64>,
}

/// All clients known by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Sessions {
    known: BTreeMap<String, Known>,
    /// Clients whose end may not have been durable when the node went away: they may be back.
    ended: BTreeMap<String, (Known, u64)>,
    under: BTreeMap<(String, u16), Under>,
    /// The node has gone and is not back.
    is_away: bool,
    /// Tokens of the broker that a client remembers, with the message.
    remembered: BTreeMap<(String, u16), u64>,
    /// Messages that came under a token, by the queue that they were routed to.
    received: BTreeSet<(usize, u64)>,
    /// Where a message came from that moved from a shared queue to a client's own.
    origins: BTreeMap<u64, (usize, u64)>,
}

impl Sessions {
    /// Whether a message of a session is not for its own client: it matches only subscriptions that are not for such.
    pub(super) fn skips_own(&self, session: u32, queue: &str, key: &str) -> bool {
        let mut served = self.known.iter().filter(|(_, known)| known.session == Some(session));
        let Some((_, known)) = served.next().filter(|(name, _)| client_queue(name) == queue) else {
            return false;
        };
        known.keys.values().any(|skips_own| *skips_own)
            && !known.keys.iter().any(|(pattern, skips_own)| !skips_own && is_match(pattern, key))
    }

    /// A client that is there for sure has subscriptions that lead to a queue.
    pub(super) fn needs_queue(&self, queue: &str) -> bool {
        self.known.iter().filter(|(_, known)| !known.is_unsure).any(|(name, known)| {
            known.groups.iter().any(|(group, _)| group_queue(group) == queue)
                || client_queue(name) == queue && !known.all_keys.is_empty()
        })
    }

    pub(super) fn is_logged(&self, client: &str) -> bool {
        self.known.get(client).is_some_and(|known| known.is_logged)
    }

    pub(super) fn confirm(&mut self, op: u64) {
        for known in self.known.values_mut() {
            known.is_made_for_sure |= known.made_op == op;
        }
        self.under.retain(|_, under| under.forget != Some(op));
        for under in self.under.values_mut() {
            under.is_kept |= under.op == op;
        }
    }

    pub(super) fn gone(&mut self, durable_turn: u64) {
        for known in self.known.values_mut() {
            known.is_unsure |= known.turn > durable_turn;
            known.is_made_for_sure |= std::mem::replace(&mut known.made, NEVER) <= durable_turn;
            if known.session.take().is_some() {
                known.left_ms = None;
            }
        }
        self.ended.retain(|_, (_, turn)| *turn > durable_turn);
        for under in self.under.values_mut() {
            under.is_kept |= std::mem::replace(&mut under.turn, NEVER) <= durable_turn;
        }
        self.is_away = true;
    }
}

/// Whether a key matches a pattern of words: `*` is one of them, `#` any number.
pub(crate) fn is_match(pattern: &str, key: &str) -> bool {
    fn go(pattern: &[&str], key: &[&str]) -> bool {
        match (pattern, key) {
            ([], []) => true,
            (["#", rest @ ..], _) => go(rest, key) || matches!(key, [_, later @ ..] if go(pattern, later)),
            (["*", rest @ ..], [_, later @ ..]) => go(rest, later),
            ([word, rest @ ..], [other, later @ ..]) => word == other && go(rest, later),
            _ => false,
        }
    }
    let (pattern, key): (Vec<&str>, Vec<&str>) = (pattern.split('.').collect(), key.split('.').collect());
    go(&pattern, &key)
}

impl Checker {
    pub(super) fn note_session_event(&mut self, event: &Event) -> Result<(), Violation> {
        match event {
            Event::Attach { .. } => self.note_attach(event),
            Event::Detach { client, is_taken_over } => self.note_detach(client, *is_taken_over),
            Event::Ended { client } => self.note_ended(client),
            Event::Subscribe { client, key, group, skips_own, .. } => {
                if let Some(known) = self.sessions.known.get_mut(client) {
                    match group {
                        Some(group) => drop(known.groups.insert((group.clone(), key.clone()))),
                        None => {
                            known.keys.insert(key.clone(), *skips_own);
                            known.all_keys.insert(key.clone(), *skips_own);
                        }
                    }
                    known.turn = self.turn + 1;
                }
                Ok(())
            }
            Event::Unsubscribe { client, key, group, .. } => {
                if let Some(known) = self.sessions.known.get_mut(client) {
                    match group {
                        Some(group) => drop(known.groups.remove(&(group.clone(), key.clone()))),
                        None => drop(known.keys.remove(key)),
                    }
                    known.turn = self.turn + 1;
                }
                Ok(())
            }
            Event::Once { op, client, token, message, is_known } => {
                self.note_once(*op, (client.clone(), *token), *message, *is_known)
            }
            Event::Forget { op, client, token } => {
                if let Some(under) = self.sessions.under.get_mut(&(client.clone(), *token)) {
                    under.forget = Some(*op);
                }
                Ok(())
            }
            Event::Receive { client, token, queue, message } => {
                self.note_receive(client, *token, queue, *message)
            }
            Event::Forgot { client, token } => {
                self.sessions.remembered.remove(&(client.clone(), *token));
                Ok(())
            }
            Event::Adopt { .. } => self.note_adopt(event),
            event => {
                self.note_branch_event(event);
                Ok(())
            }
        }
    }

    /// What is remembered of a client is there, and nothing else (session-present).
    fn note_attach(&mut self, event: &Event) -> Result<(), Violation> {
        let Event::Attach { op, session, client, is_fresh, is_resumed, keep_ms } = event else {
            return Ok(());
        };
        let turn = self.turn + 1;
        // A client that is not kept goes with its connection, also when a newer one takes its place.
        let is_there = |known: &Known| known.keep_ms > 0 || known.is_unsure;
        let is_due = !is_fresh && self.sessions.known.get(client).is_some_and(is_there);
        if is_due != *is_resumed && !self.is_maimed {
            let text = format!("client {client} came: known={is_due}, but resumed={is_resumed}");
            return Err(broken("SUBACK", text));
        }
        if *is_resumed && let Some(known) = self.sessions.known.get_mut(client) {
            (known.session, known.left_ms, known.keep_ms, known.turn) =
                (Some(*session), None, *keep_ms, turn);
            (known.is_taken_over, known.is_unsure) = (false, false);
            self.withdraw(client);
            return Ok(());
        }
        if self.sessions.known.get(client).is_some_and(|known| !known.is_taken_over) {
            // It was away, and came back before its will was due (MQTT-3.1.2-8).
            self.withdraw(client);
        } else {
            self.end_will(client);
        }
        self.sessions.under.retain(|(name, _), _| name != client);
        self.sessions.remembered.retain(|(name, _), _| name != client);
        let known = Known {
            keep_ms: *keep_ms,
            is_logged: *keep_ms > 0,
            session: Some(*session),
            left_ms: None,
            is_taken_over: false,
            is_left_at_start: false,
            turn,
            made: turn,
            made_op: *op,
            is_made_for_sure: false,
            groups: BTreeSet::new(),
            keys: BTreeMap::new(),
            all_keys: BTreeMap::new(),
            is_unsure: false,
        };
        self.sessions.known.insert(client.clone(), known);
        Ok(())
    }

    fn note_detach(&mut self, client: &str, is_taken_over: bool) -> Result<(), Violation> {
        let left_ms = (self.lower_ms, self.upper_ms);
        let turn = self.turn + 1;
        let Some(known) = self.sessions.known.get_mut(client) else { return Ok(()) };
        (known.session, known.left_ms, known.turn) = (None, Some(left_ms), turn);
        (known.is_taken_over, known.is_left_at_start) = (is_taken_over, false);
        let keep_ms = known.keep_ms;
        self.leave_will(client, left_ms, keep_ms);
        Ok(())
    }

    /// A client is forgotten when its time is over, no earlier.
    fn note_ended(&mut self, client: &str) -> Result<(), Violation> {
        let Some(known) = self.sessions.known.get(client) else { return Ok(()) };
        let is_over = match known.left_ms {
            Some((earliest_ms, _)) => earliest_ms + known.keep_ms <= self.upper_ms,
            None => known.session.is_some() && known.keep_ms == 0,
        };
        if !is_over && !known.is_unsure && !self.is_maimed {
            let text = format!("client {client} is forgotten before its time: {known:?}");
            return Err(broken("SUBACK", text));
        }
        if let Some(known) = self.sessions.known.remove(client) {
            self.sessions.ended.insert(client.into(), (known, self.turn + 1));
        }
        self.end_will(client);
        Ok(())
    }

    /// A client whose time is over leaves nothing behind.
    pub(super) fn judge_overdue(&self) -> Result<(), Violation> {
        let is_overdue = |known: &Known| {
            !known.is_unsure
                && known.left_ms.is_some_and(|(_, latest_ms)| latest_ms + known.keep_ms <= self.lower_ms)
        };
        match self.sessions.known.iter().find(|(_, known)| is_overdue(known)) {
            Some((name, known)) if !self.is_maimed && !self.sessions.is_away => {
                Err(broken("SUBACK", format!("client {name} is there beyond its time: {known:?}")))
            }
            _ => Ok(()),
        }
    }

    /// A shared queue goes with its last member only, a client's own with the client.
    pub(super) fn judge_session_queue(&self, queue: &str) -> Result<(), Violation> {
        if self.sessions.needs_queue(queue) && !self.is_maimed {
            return Err(broken("SUBACK", format!("'{queue}' is gone and has subscriptions")));
        }
        Ok(())
    }

    /// After a restart: clients whose coming was durable are there, those that had ended are not.
    pub(super) fn judge_clients(&mut self, found: &Found) -> Result<(), Violation> {
        for name in &found.clients {
            if self.sessions.known.contains_key(name) {
                continue;
            }
            match self.sessions.ended.remove(name) {
                Some((known, _)) => {
                    let known = Known { is_unsure: true, session: None, ..known };
                    self.sessions.known.insert(name.clone(), known);
                }
                None if self.is_maimed => {}
                None => return Err(broken("SUBACK", format!("client {name}, which had ended, is back"))),
            }
        }
        self.sessions.ended.clear();
        self.sessions.is_away = false;
        let names: Vec<String> = self.sessions.known.keys().cloned().collect();
        names.iter().try_for_each(|name| self.judge_client(name, found))
    }

    fn judge_client(&mut self, name: &str, found: &Found) -> Result<(), Violation> {
        let (lower_ms, upper_ms, is_maimed) = (self.lower_ms, self.upper_ms, self.is_maimed);
        let Some(known) = self.sessions.known.get_mut(name) else { return Ok(()) };
        let is_found = found.clients.iter().any(|found| found == name);
        // When the end of its connection was not noted, it is at the start of the node.
        let left_ms = match known.left_ms {
            Some(left_ms) if !known.is_unsure && !known.is_left_at_start => left_ms,
            Some((earliest_ms, _)) => (earliest_ms.min(lower_ms), upper_ms),
            None => (lower_ms, upper_ms),
        };
        let is_right = match is_found {
            true => known.is_logged || known.is_unsure,
            false => {
                let may_end = known.is_unsure || left_ms.0 + known.keep_ms <= upper_ms;
                !known.is_logged || !known.is_made_for_sure || may_end
            }
        };
        if !is_right && !is_maimed {
            let text = format!("after a start, client {name} is there: {is_found}; it was {known:?}");
            return Err(broken("SUBACK", text));
        }
        known.is_left_at_start |= known.is_unsure || known.left_ms.is_none();
        known.left_ms = Some(left_ms);
        known.is_made_for_sure |= is_found;
        if known.is_unsure {
            known.groups.clear();
        }
        let queue = client_queue(name);
        let is_its = |node: &str, target: &str| node == "sys.topic" && target == queue;
        let keys = found.bindings.iter().filter(|(node, target, _)| is_its(node, target));
        let skips_own = |key: &String| known.all_keys.get(key).copied().unwrap_or_default();
        known.keys = keys.map(|(_, _, key)| (key.clone(), skips_own(key))).collect();
        let keep_ms = Some(known.keep_ms).filter(|_| is_found && !known.is_unsure);
        self.restart_wills(name, left_ms, keep_ms);
        if !is_found {
            self.sessions.known.remove(name);
        }
        Ok(())
    }

    /// Message and token are durable together, and the same token publishes nothing more (PUBREC).
    fn note_once(
        &mut self,
        op: u64,
        key: (String, u16),
        message: u64,
        is_known: bool,
    ) -> Result<(), Violation> {
        let (client, token) = (&key.0, key.1);
        let turn = self.turn + 1;
        let under = self.sessions.under.get(&key).cloned();
        if is_known {
            let Some(under) = under.filter(|under| under.message == message) else {
                let text =
                    format!("message {message} of {client} is taken for an earlier one of token {token}");
                return Err(broken("PUBREC", text));
            };
            self.judge_once(under.transaction, true, message)?;
            self.sessions.under.insert(key, Under { op, turn, ..under });
            return Ok(());
        }
        if let Some(under) = under.filter(|under| under.message == message) {
            if under.is_kept && under.forget.is_none() && !self.is_maimed {
                let text = format!("message {message} of {client} was taken twice under token {token}");
                return Err(broken("PUBREC", text));
            }
            self.judge_once(under.transaction, false, message)?;
            // The first attempt is void; what comes now is of the second one.
            self.copies_of.remove(&message);
        }
        // The copies follow with the publish of this operation.
        let transaction = self.transactions.len();
        self.transactions.push(Transaction { op, turn, is_certain: true, ..Transaction::default() });
        let under = Under { message, op, turn, is_kept: false, transaction, forget: None };
        self.sessions.under.insert(key, under);
        self.once = Some(transaction);
        Ok(())
    }

    fn judge_once(&mut self, transaction: usize, happened: bool, message: u64) -> Result<(), Violation> {
        let state = &self.transactions[transaction];
        match state.happened {
            Some(known) if known != happened && !self.is_maimed => {
                let text = format!("message {message} and its token are not there together");
                Err(broken("PUBREC", text))
            }
            None if !state.is_certain => {
                self.resolve(transaction, happened);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Copies that a publish under a token made belong to its transaction.
    pub(super) fn join_once(&mut self, made: &[usize]) {
        let Some(transaction) = self.once.take() else { return };
        let kept: Vec<usize> = made.iter().copied().filter(|copy| self.copies[*copy].is_kept).collect();
        for copy in &kept {
            self.transaction_of.entry(*copy).or_default().push(transaction);
        }
        self.transactions[transaction].published = kept;
    }

    /// In the end, every token was released.
    pub(super) fn judge_tokens(&self) -> Result<(), Violation> {
        // What has rotted in its queue can't be told from what it is owed.
        let is_sound = |client: &str| {
            let queue = client_queue(client);
            let all = [&self.damaged, &self.damaged_and_deleted];
            all.iter().all(|damaged| damaged.get(&queue).is_none_or(|count| *count == 0))
        };
        // No log tells that a message was sent once: after a crash it may expire in spite of that.
        let is_over = |id: &u64| {
            let copies = self.copies_of.get(id).map(Vec::as_slice).unwrap_or_default();
            copies.iter().any(|copy| self.copies[*copy].crossed && self.may_have_died(&self.copies[*copy]))
        };
        let mut left = self.sessions.remembered.iter();
        match left.find(|((client, _), id)| is_sound(client) && !is_over(id)) {
            Some(((client, token), id)) => {
                let text = format!("client {client} was never told to forget token {token} of message {id}");
                Err(broken("PUBCOMP", text))
            }
            None => Ok(()),
        }
    }

    /// A client gets a message once, however often it is sent (PUBCOMP).
    fn note_receive(&mut self, client: &str, token: u16, queue: &str, id: u64) -> Result<(), Violation> {
        let key = (client.to_owned(), token);
        if let Some(known) = self.sessions.remembered.get(&key) {
            if *known == id || self.is_maimed {
                return Ok(());
            }
            let text = format!("client {client} takes message {id} for {known}, of the same token {token}");
            return Err(broken("PUBCOMP", text));
        }
        self.sessions.remembered.insert(key, id);
        let Some(queue) = self.definitions.current(queue) else { return Ok(()) };
        let origin = self.sessions.origins.get(&id).copied().unwrap_or((queue, id));
        if !self.sessions.received.insert(origin) && !self.is_maimed {
            let text = format!("message {} reached {client} a second time, under token {token}", origin.1);
            return Err(broken("PUBCOMP", text));
        }
        Ok(())
    }

    /// It leaves the shared queue and enters the client's own, or neither.
    fn note_adopt(&mut self, event: &Event) -> Result<(), Violation> {
        let Event::Adopt { op, session, delivery, origin, shared, message, queue } = event else {
            return Ok(());
        };
        let Some((copy, stage)) = self.held.get(&(*session, *delivery)).copied() else { return Ok(()) };
        let Some(facts) = self.messages.get(origin).cloned() else { return Ok(()) };
        let (node, key) = (String::new(), queue.clone());
        self.messages.insert(*message, super::copies::Message { node, key, ..facts });
        let from = self.copies[copy].queue;
        debug_assert_eq!(self.definitions.name(from), shared);
        self.sessions.origins.insert(*message, (from, *origin));
        self.apply_settle(*session, *delivery, Settle::Accept);
        let targets: Vec<usize> = self.definitions.current(queue).into_iter().collect();
        let made = self.make_copies(*op, *message, &targets, false);
        let published: Vec<usize> = made.into_iter().filter(|made| self.copies[*made].is_kept).collect();
        let settled: Vec<_> = [(copy, stage)].into_iter().filter(|_| self.copies[copy].is_kept).collect();
        let index = self.transactions.len();
        for copy in published.iter().chain(settled.iter().map(|(copy, _)| copy)) {
            self.transaction_of.entry(*copy).or_default().push(index);
        }
        let (op, turn) = (*op, self.turn + 1);
        self.transactions.push(Transaction {
            op,
            turn,
            is_certain: true,
            happened: None,
            published,
            settled,
        });
        Ok(())
    }
}
