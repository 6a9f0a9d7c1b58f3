//! Retained messages: the last message of each key, for subscribers to come. One store for all namespaces, in memory
//! and in the log: each change is a record, a checkpoint writes all that is there, a bit each turn.

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use ternmq_message::Message;
use ternmq_stdx::layout::BadLayout;

use crate::{
    broker::Broker,
    effect::SessionId,
    error::{Error, Kind, LimitKind, Verb},
    log::{Grouping, Receipt},
    namespace::NamespaceId,
    records::{RetainedRecord, kind, read_retained, retained_parts},
};

/// What each retained message counts for beside its bytes.
const OVERHEAD_BYTES: u64 = 128;

type Key = (NamespaceId, Arc<str>);

struct Kept {
    message: Message,
    expires_at_ms: u64,
}

/// All retained messages, in order of namespace and key.
#[derive(Default)]
pub(crate) struct RetainedStore {
    all: BTreeMap<Key, Kept>,
    bytes: u64,
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
        self.retained.put(key, Kept { message, expires_at_ms });
        Ok(receipt)
    }

    fn record_retained(&mut self, space: &str, key: &str, message: Option<(&Message, u64)>) -> Receipt {
        self.scratch.clear();
        retained_parts(&mut self.scratch, space, key, message);
        let raw = message.map(|(message, _)| message.raw().clone()).unwrap_or_default();
        let grouping = self.grouping(Grouping::Ends);
        self.log.append(kind::RETAINED, grouping, &[self.scratch.bytes(), &raw]).receipt()
    }

    /// The retained messages that a binding key on the topic node matches, in order of their keys. Those that the user
    /// may not read are left out, unless the key itself is one that it may not read.
    ///
    /// # Errors
    /// The session is gone, or no permission (S5).
    pub fn retained(&mut self, session: SessionId, key: &str) -> Result<Vec<Message>, Error> {
        if self.retained.all.is_empty() {
            return Ok(Vec::new());
        }
        let (principal, namespace, _) = self.who(session)?;
        let space = self.namespaces.name(namespace);
        let node = self.dialect.topic_node();
        self.authorize(&principal, Verb::Read, Kind::Node, &space, node)?;
        self.authorize_key(&principal, Verb::Read, &space, node, key)?;
        let wildcards = self.dialect.wildcards();
        let now_ms = self.time.ms();
        let is_plain = wildcards.is_plain(key);
        // Words before the first wildcard are the same in everything that matches.
        let prefix = if is_plain {
            key
        } else {
            let end = key.find([wildcards.one, wildcards.many]).unwrap_or(key.len());
            let prefix = key.get(..end).unwrap_or_default();
            // `a.#` matches `a` too: the separator belongs to what may be missing.
            prefix.strip_suffix(wildcards.separator).unwrap_or(prefix)
        };
        let mut expired = Vec::new();
        let mut found = Vec::new();
        for ((_, known), kept) in self
            .retained
            .all
            .range((namespace, Arc::from(prefix))..)
            .take_while(|((of, known), _)| *of == namespace && known.starts_with(prefix))
        {
            if is_plain && **known != *key {
                break;
            }
            if kept.expires_at_ms <= now_ms {
                expired.push((namespace, known.clone()));
            } else if (is_plain || wildcards.is_match(key, known))
                && self.authorize_key(&principal, Verb::Read, &space, node, known).is_ok()
            {
                found.push(kept.message.clone());
            }
        }
        for key in &expired {
            self.retained.remove(key);
        }
        Ok(found)
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
        for (key, kept) in self.retained.all.range((after, Bound::Unbounded)) {
            if self.log.next_pos() - began > room_bytes {
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
                    self.retained.put(key, Kept { message, expires_at_ms });
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
