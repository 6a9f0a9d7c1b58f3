//! Retained messages: the last message of each key, for subscribers to come. One store for all namespaces, in memory
//! and in the log: each change is a record, a checkpoint writes all that is there, a bit each turn.

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use ternmq_message::Message;
use ternmq_routing::Wildcards;
use ternmq_stdx::layout::BadLayout;

use crate::{
    broker::Broker,
    effect::SessionId,
    error::{Error, LimitKind, Verb},
    log::{Grouping, Receipt},
    namespace::NamespaceId,
    records::{RetainedRecord, kind, read_retained, retained_parts},
};

/// What each retained message counts for beside its bytes.
const OVERHEAD_BYTES: u64 = 128;

type Key = (NamespaceId, Arc<str>);

/// Most bytes of messages that one step of a read finds, but for the last one.
const READ_BYTES: u64 = 256 << 10;
/// Most retained messages that one step of a checkpoint looks at.
const STEP_KEPT: usize = 4_096;

struct Kept {
    message: Message,
    expires_at_ms: u64,
    /// Number of the change that put it there; 0 for one that was there at the start.
    change: u64,
}

/// A read of what is retained under one key, which goes on where it stopped.
#[derive(Clone, Debug)]
pub struct RetainedRead {
    key: Arc<str>,
    /// Everything up to this key has been looked at.
    after: Option<Arc<str>>,
    /// Changes of the store when it began.
    changes: u64,
}

impl RetainedRead {
    /// The binding key that it is for.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    pub(crate) fn shared_key(&self) -> Arc<str> {
        self.key.clone()
    }
}

/// What a step of a read found.
#[derive(Debug)]
pub struct RetainedPage {
    /// The messages.
    pub messages: Vec<Message>,
    /// How many retained messages were looked at.
    pub looked_at: usize,
    /// Nothing is left to look at.
    pub is_last: bool,
}

/// All retained messages, in order of namespace and key.
#[derive(Default)]
pub(crate) struct RetainedStore {
    all: BTreeMap<Key, Kept>,
    bytes: u64,
    /// Changes since the start.
    changes: u64,
    /// The running checkpoint has still to write what comes after this key; `None`: there is nothing to write.
    checkpoint: Option<Bound<Key>>,
}

impl RetainedStore {
    /// Bytes of all of them.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// A checkpoint begins: all of them are to be written.
    pub(crate) fn start_checkpoint(&mut self) {
        self.checkpoint = Some(Bound::Unbounded);
    }

    fn put(&mut self, key: Key, kept: Kept) {
        self.bytes += cost(&kept.message);
        if let Some(old) = self.all.insert(key, kept) {
            self.bytes -= cost(&old.message);
        }
    }

    fn remove(&mut self, key: &Key) -> bool {
        match self.all.remove(key) {
            Some(old) => {
                self.bytes -= cost(&old.message);
                true
            }
            None => false,
        }
    }
}

/// The words before the first wildcard, which are the same in everything that matches.
fn prefix_of(key: &str, wildcards: Wildcards) -> &str {
    if wildcards.is_plain(key) {
        return key;
    }
    let end = key.find([wildcards.one, wildcards.many]).unwrap_or(key.len());
    let prefix = key.get(..end).unwrap_or_default();
    // `a.#` matches `a` too: the separator belongs to what may be missing.
    prefix.strip_suffix(wildcards.separator).unwrap_or(prefix)
}

fn cost(message: &Message) -> u64 {
    message.raw().len() as u64 + OVERHEAD_BYTES
}

impl Broker {
    /// Keeps a message as the last one of its key; one without a body takes away what was kept. It must have been
    /// published by the same session before, which is where its permission was asked for.
    ///
    /// # Errors
    /// The session is gone, or there are too many already.
    pub fn retain(&mut self, session: SessionId, message: &Message) -> Result<Receipt, Error> {
        let (_, namespace, _) = self.who(session)?;
        self.retain_in(namespace, message)
    }

    pub(crate) fn retain_in(&mut self, namespace: NamespaceId, message: &Message) -> Result<Receipt, Error> {
        let space = self.namespaces.name(namespace);
        let key: Key = (namespace, message.key().into());
        if message.body_len() == 0 {
            if !self.retained.remove(&key) {
                // What took it away before may not be durable yet.
                return Ok(self.receipt_so_far());
            }
            return Ok(self.record_retained(&space, &key.1, None));
        }
        let old = self.retained.all.get(&key).map(|old| cost(&old.message));
        let limit =
            |max| Err(Error::Limit { limit: LimitKind::Retained, owner: self.node_name.clone(), max });
        if old.is_none() && self.retained.all.len() >= self.limits.max_retained as usize {
            return limit(u64::from(self.limits.max_retained));
        }
        if self.retained.bytes - old.unwrap_or_default() + cost(message) > self.limits.max_retained_bytes {
            return limit(self.limits.max_retained_bytes);
        }
        let expires_at_ms =
            message.meta().ttl_ms.map_or(u64::MAX, |ttl_ms| self.time.ms().saturating_add(ttl_ms));
        let receipt = self.record_retained(&space, &key.1, Some((message, expires_at_ms)));
        // The message came in a block that it shares with others: kept there, it would keep them all.
        let message = message.compact();
        self.retained.changes += 1;
        let change = self.retained.changes;
        self.retained.put(key, Kept { message, expires_at_ms, change });
        Ok(receipt)
    }

    fn record_retained(&mut self, space: &str, key: &str, message: Option<(&Message, u64)>) -> Receipt {
        self.scratch.clear();
        retained_parts(&mut self.scratch, space, key, message);
        let raw = message.map(|(message, _)| message.raw().clone()).unwrap_or_default();
        let grouping = self.grouping(Grouping::Ends);
        self.log.append(kind::RETAINED, grouping, &[self.scratch.bytes(), &raw]).receipt()
    }

    /// Begins to look for what is retained under a binding key on the topic node, as it is now.
    #[must_use]
    pub fn begin_retained_read(&self, key: &str) -> RetainedRead {
        RetainedRead { key: key.into(), after: None, changes: self.retained.changes }
    }

    /// The next retained messages that a read is for, in order of their keys; at most `room` of what is retained are
    /// looked at, and some 256 KiB are found (I11). Those that the user may not read are left out, unless the key itself
    /// is one that it may not read. What was retained since the read began is left out too: whoever subscribed before
    /// has it by the subscription.
    ///
    /// # Errors
    /// The session is gone, or no permission (S5).
    pub fn read_retained(
        &mut self,
        session: SessionId,
        read: &mut RetainedRead,
        room: usize,
    ) -> Result<RetainedPage, Error> {
        let mut page = RetainedPage { messages: Vec::new(), looked_at: 0, is_last: true };
        if self.retained.all.is_empty() {
            return Ok(page);
        }
        let (principal, namespace, _) = self.who(session)?;
        let space = self.namespaces.name(namespace);
        let node = self.dialect.topic_node();
        let key = &*read.key;
        self.authorize_place(&principal, Verb::Read, &space, node, key)?;
        self.authorize_key(&principal, Verb::Read, &space, node, key)?;
        let wildcards = self.dialect.wildcards();
        let now_ms = self.time.ms();
        let is_plain = wildcards.is_plain(key);
        let prefix = prefix_of(key, wildcards);
        let start = match &read.after {
            Some(after) => Bound::Excluded((namespace, after.clone())),
            None => Bound::Included((namespace, Arc::from(prefix))),
        };
        let (mut expired, mut found_bytes, mut last) = (Vec::new(), 0, None);
        for ((_, known), kept) in self
            .retained
            .all
            .range((start, Bound::Unbounded))
            .take_while(|((of, known), _)| *of == namespace && known.starts_with(prefix))
        {
            if is_plain && **known != *key {
                break;
            }
            if page.looked_at >= room || found_bytes >= READ_BYTES {
                page.is_last = false;
                break;
            }
            page.looked_at += 1;
            last = Some(known);
            if kept.expires_at_ms <= now_ms {
                expired.push((namespace, known.clone()));
            } else if kept.change <= read.changes
                && (is_plain || wildcards.is_match(key, known))
                && self.authorize_key(&principal, Verb::Read, &space, node, known).is_ok()
            {
                found_bytes += cost(&kept.message);
                page.messages.push(kept.message.clone());
            }
        }
        let last = last.cloned();
        read.after = last.or(read.after.take());
        for key in &expired {
            self.retained.remove(key);
        }
        Ok(page)
    }

    /// Number of retained messages.
    #[must_use]
    pub fn retained_count(&self) -> usize {
        self.retained.all.len()
    }

    /// Writes the next retained messages of the running checkpoint, some `room_bytes` of them. True when all are
    /// written.
    pub(crate) fn write_retained(&mut self, room_bytes: u64) -> bool {
        let Some(after) = self.retained.checkpoint.take() else { return true };
        let now_ms = self.time.ms();
        let began = self.log.next_pos();
        let mut last = None;
        for (count, (key, kept)) in self.retained.all.range((after, Bound::Unbounded)).enumerate() {
            if count >= STEP_KEPT || self.log.next_pos() - began > room_bytes {
                break;
            }
            last = Some(key.clone());
            if kept.expires_at_ms <= now_ms {
                continue;
            }
            let space = self.namespaces.name(key.0);
            self.scratch.clear();
            retained_parts(&mut self.scratch, &space, &key.1, Some((&kept.message, kept.expires_at_ms)));
            let parts = [self.scratch.bytes(), kept.message.raw()];
            self.log.append(kind::RETAINED, Grouping::Ends, &parts);
        }
        let Some(last) = last else { return true };
        let is_end = self.retained.all.last_key_value().is_some_and(|(key, _)| *key == last);
        if !is_end {
            self.retained.checkpoint = Some(Bound::Excluded(last));
        }
        is_end
    }

    pub(crate) fn replay_retained(&mut self, payload: &[u8]) -> Result<(), BadLayout> {
        match read_retained(payload)? {
            RetainedRecord::Gone { namespace, key } => {
                if let Some(namespace) = self.namespaces.find(&namespace) {
                    self.retained.remove(&(namespace, key));
                }
            }
            RetainedRecord::Kept { namespace, message, expires_at_ms } => {
                if let Some(namespace) = self.namespaces.find(&namespace) {
                    let key = (namespace, message.key().into());
                    self.retained.put(key, Kept { message, expires_at_ms, change: 0 });
                }
            }
        }
        Ok(())
    }

    /// Forgets what a namespace that goes has retained.
    pub(crate) fn forget_retained(&mut self, namespace: NamespaceId) {
        let doomed: Vec<Key> = self
            .retained
            .all
            .range((namespace, Arc::from(""))..)
            .take_while(|((of, _), _)| *of == namespace)
            .map(|(key, _)| key.clone())
            .collect();
        for key in &doomed {
            self.retained.remove(key);
        }
    }
}
