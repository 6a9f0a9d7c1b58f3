//! The message itself: one buffer, its small fixed facts, and the history the broker adds.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

use crate::{format::Encoding, group::Group, history::History};

/// Fixed facts of a message that the core acts on, whatever the encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageMeta {
    /// Encoding of the head.
    pub encoding: Encoding,
    /// The producer wants it kept over a restart.
    pub is_durable: bool,
    /// Priority that the producer gave, 0 the lowest.
    pub priority: u8,
    /// Time to live in ms, counted from its arrival in a queue. 0 means: deliver at once or drop.
    pub ttl_ms: Option<u64>,
}

impl Default for MessageMeta {
    fn default() -> Self {
        Self { encoding: Encoding::NONE, is_durable: false, priority: 0, ttl_ms: None }
    }
}

/// A part of a message is longer than its length field can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// One message: immutable, cheap to clone (one reference count), the same object in however many queues.
///
/// Layout of the buffer, which is also the journal's: `node name | routing key | head | body`.
#[derive(Clone, Debug)]
pub struct Message {
    raw: Bytes,
    head_len: u32,
    key_len: u16,
    node_len: u8,
    meta: MessageMeta,
    history: Option<Arc<History>>,
    group: Option<Group>,
}

impl Message {
    /// Rebuilds a message from its parts as stored. `None` when the lengths do not fit the buffer.
    #[must_use]
    pub fn from_raw(
        raw: Bytes,
        node_len: u8,
        key_len: u16,
        head_len: u32,
        meta: MessageMeta,
        history: Option<Arc<History>>,
    ) -> Option<Self> {
        let prefix = usize::from(node_len) + usize::from(key_len) + usize::try_from(head_len).ok()?;
        if prefix > raw.len() {
            return None;
        }
        let names = raw.get(..usize::from(node_len) + usize::from(key_len))?;
        let (node, key) = names.split_at_checked(usize::from(node_len))?;
        if std::str::from_utf8(node).is_err() || std::str::from_utf8(key).is_err() {
            return None;
        }
        Some(Self { raw, head_len, key_len, node_len, meta, history, group: None })
    }

    /// Builds a message by copying its parts into a buffer of its own.
    ///
    /// # Errors
    /// [`TooLong`] when a name, key or head does not fit its length field (255 B, 65,535 B, 4 GiB).
    pub fn new(
        node: &str,
        key: &str,
        head: &[u8],
        body: &[u8],
        meta: MessageMeta,
        history: Option<Arc<History>>,
    ) -> Result<Self, TooLong> {
        let mut buffer = BytesMut::with_capacity(node.len() + key.len() + head.len() + body.len());
        let builder = MessageBuilder::start(&mut buffer, node, key, head)?;
        buffer.put_slice(body);
        Ok(Self { history, ..builder.finish(buffer.freeze(), meta) })
    }

    /// Name of the node it was published to; empty is the default node.
    #[must_use]
    pub fn node(&self) -> &str {
        text(self.raw.get(..usize::from(self.node_len)))
    }

    /// Routing key it was published with.
    #[must_use]
    pub fn key(&self) -> &str {
        let start = usize::from(self.node_len);
        text(self.raw.get(start..start + usize::from(self.key_len)))
    }

    /// Properties in the original encoding.
    #[must_use]
    pub fn head(&self) -> &[u8] {
        let start = usize::from(self.node_len) + usize::from(self.key_len);
        self.raw.get(start..start + self.head_len as usize).unwrap_or_default()
    }

    /// Body.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.raw.get(self.body_start()..).unwrap_or_default()
    }

    /// Body as a shared slice, without a copy.
    #[must_use]
    pub fn body_bytes(&self) -> Bytes {
        self.raw.slice(self.body_start()..)
    }

    /// The whole buffer: `node name | routing key | head | body`.
    #[must_use]
    pub fn raw(&self) -> &Bytes {
        &self.raw
    }

    /// Node name and routing key put together, as they stand at the front of the buffer.
    #[must_use]
    pub fn names(&self) -> &[u8] {
        self.raw.get(..usize::from(self.node_len) + usize::from(self.key_len)).unwrap_or_default()
    }

    /// The same message in a buffer of its own, when it may share one with others.
    #[must_use]
    pub fn compact(&self) -> Self {
        Self { raw: Bytes::copy_from_slice(&self.raw), ..self.clone() }
    }

    /// The same message with other fixed facts.
    #[must_use]
    pub fn with_meta(self, meta: MessageMeta) -> Self {
        Self { meta, ..self }
    }

    /// The same message with another history.
    #[must_use]
    pub fn with_history(self, history: Arc<History>) -> Self {
        Self { history: Some(history), ..self }
    }

    /// The same message in a group, or in none.
    #[must_use]
    pub fn in_group(self, group: Option<Group>) -> Self {
        Self { group, ..self }
    }

    /// The group that its producer put it into.
    #[must_use]
    #[inline]
    pub fn group(&self) -> Option<Group> {
        self.group
    }

    /// Lengths in bytes of node name, routing key and head.
    #[must_use]
    pub fn lens(&self) -> (u8, u16, u32) {
        (self.node_len, self.key_len, self.head_len)
    }

    /// Fixed facts.
    #[must_use]
    pub fn meta(&self) -> &MessageMeta {
        &self.meta
    }

    /// History, when the broker has moved the message before.
    #[must_use]
    pub fn history(&self) -> Option<&Arc<History>> {
        self.history.as_ref()
    }

    /// As [`History::may_be_repeated`]; one that never died is not.
    #[must_use]
    #[inline]
    pub fn may_be_repeated(&self) -> bool {
        self.history.as_ref().is_some_and(|history| history.may_be_repeated)
    }

    /// Length of the body in bytes: what length limits and counters count.
    #[must_use]
    pub fn body_len(&self) -> usize {
        self.raw.len() - self.body_start()
    }

    fn body_start(&self) -> usize {
        usize::from(self.node_len) + usize::from(self.key_len) + self.head_len as usize
    }
}

/// Lengths of a message whose buffer is being filled in place: node, key and head are in, the body follows.
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct MessageBuilder {
    node_len: u8,
    key_len: u16,
    head_len: u32,
}

impl MessageBuilder {
    /// Appends node name, key and head to `buffer`; the caller appends the body and calls [`Self::finish`] with
    /// exactly the bytes from here on.
    ///
    /// # Errors
    /// [`TooLong`] as [`Message::new`]; nothing is appended then.
    pub fn start(buffer: &mut BytesMut, node: &str, key: &str, head: &[u8]) -> Result<Self, TooLong> {
        let lens = Self {
            node_len: u8::try_from(node.len()).map_err(|_| TooLong)?,
            key_len: u16::try_from(key.len()).map_err(|_| TooLong)?,
            head_len: u32::try_from(head.len()).map_err(|_| TooLong)?,
        };
        buffer.put_slice(node.as_bytes());
        buffer.put_slice(key.as_bytes());
        buffer.put_slice(head);
        Ok(lens)
    }

    /// The message over `raw`, which starts where [`Self::start`] began to append.
    pub fn finish(self, raw: Bytes, meta: MessageMeta) -> Message {
        Message {
            raw,
            head_len: self.head_len,
            key_len: self.key_len,
            node_len: self.node_len,
            meta,
            history: None,
            group: None,
        }
    }
}

/// Names were checked when the message was built, so the fallback is never seen.
fn text(bytes: Option<&[u8]>) -> &str {
    bytes.and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_back_as_they_went_in() {
        let message = Message::new("node", "a.b", b"head", b"body!", MessageMeta::default(), None).unwrap();
        assert_eq!((message.node(), message.key()), ("node", "a.b"));
        assert_eq!((message.head(), message.body()), (&b"head"[..], &b"body!"[..]));
        let (node, key, head) = message.lens();
        let again = Message::from_raw(message.raw().clone(), node, key, head, *message.meta(), None).unwrap();
        assert_eq!(again.body(), b"body!");
    }

    #[test]
    fn lying_lengths_are_refused() {
        let raw = Bytes::from_static(b"abc");
        assert!(Message::from_raw(raw.clone(), 2, 2, 0, MessageMeta::default(), None).is_none());
        assert!(Message::from_raw(raw, 0, 0, u32::MAX, MessageMeta::default(), None).is_none());
    }

    #[test]
    fn a_name_past_its_length_field_is_refused() {
        let long = "x".repeat(256);
        assert_eq!(Message::new(&long, "", b"", b"", MessageMeta::default(), None).err(), Some(TooLong));
    }
}
