//! Seam between the neutral message and the encodings it can arrive in.

use std::sync::Arc;

use crate::{
    content::Content,
    history::History,
    properties::Properties,
    value::{Map, Value},
};

/// Number of the encoding that a message's head is in. Stable on disk; given out by the composition root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Encoding(pub u8);

impl Encoding {
    /// Head of no bytes: a message made by the broker itself, with no properties.
    pub const NONE: Self = Self(0);
}

/// Reads one encoding's head. Implementations never panic on any bytes: a head that can't be read gives empty
/// properties (it was validated when it came in; bytes from a disk are covered by a checksum).
pub trait Format: Send + Sync {
    /// All properties in neutral terms.
    fn properties(&self, head: &[u8]) -> Properties;

    /// Dead-letter history that the producer passed on in the head, empty when there is none.
    fn history(&self, head: &[u8]) -> History;

    /// The head with its per-message time to live taken off; `None` when it carries none.
    fn without_ttl(&self, head: &[u8]) -> Option<Vec<u8>>;

    /// What the message is to readers that know kinds of messages; `None`: what its body and its properties say.
    fn content<'a>(&self, head: &'a [u8], body: &'a [u8]) -> Option<Content<'a>> {
        let _ = (head, body);
        None
    }

    /// [`Properties::kind`] says how the body is encoded, which is nothing to a reader who gets what [`Format::content`] says.
    fn says_encoding(&self, head: &[u8]) -> bool {
        let _ = head;
        false
    }

    /// When the message was made, in ms since 1970-01-01T00:00:00Z, where the head tells it finer than
    /// [`Properties::timestamp`] does.
    fn timestamp_ms(&self, head: &[u8]) -> Option<u64> {
        let _ = head;
        None
    }

    /// The producer's type of the message, where [`Properties::kind`] says something else: what its body is.
    fn given_kind(&self, head: &[u8]) -> Option<Arc<str>> {
        let _ = head;
        None
    }

    /// Whether the priority among a message's fixed facts is always its producer's. Elsewhere 0 stands for none, too.
    fn tells_priority(&self) -> bool {
        false
    }

    /// The head with headers of the application's put in the place of those of the same name (`Some`) or taken off (`None`),
    /// and with a message id made of `new_id` instead of its own where one is given; `None` where that can't be done.
    fn edited(&self, head: &[u8], headers: &[(&str, Option<Value>)], new_id: Option<u64>) -> Option<Vec<u8>> {
        let _ = (head, headers, new_id);
        None
    }

    /// The head with what a consumer remarked on the message, in this encoding; `None` where that can't be done.
    fn remarked(&self, head: &[u8], remark: &[u8]) -> Option<Vec<u8>> {
        let _ = (head, remark);
        None
    }

    /// Two remarks on one message as one; where they say different things the later one is right.
    fn joined_remarks(&self, earlier: &[u8], later: &[u8]) -> Vec<u8> {
        let _ = earlier;
        later.to_vec()
    }

    /// What a remark in this encoding is to messages of others: headers.
    fn remark_headers(&self, remark: &[u8]) -> Map {
        let _ = remark;
        Map::new()
    }

    /// The head with headers that a remark in another encoding is, in the place of those of the same name; `None` where that
    /// can't be done.
    fn with_headers(&self, head: &[u8], headers: &Map) -> Option<Vec<u8>> {
        let edits: Vec<_> = headers.iter().map(|(name, value)| (&**name, Some(value.clone()))).collect();
        self.edited(head, &edits, None)
    }

    /// Keys in the head, besides the message's own, that its producer wants it routed by.
    fn extra_keys(&self, head: &[u8]) -> Vec<Arc<str>> {
        let _ = head;
        Vec::new()
    }

    /// The head with those keys taken off; `None` when it carries none.
    fn without_extra_keys(&self, head: &[u8]) -> Option<Vec<u8>> {
        let _ = head;
        None
    }
}

/// The encodings that this process can read.
#[derive(Clone, Default)]
pub struct Formats {
    known: Vec<(Encoding, Arc<dyn Format>)>,
}

impl Formats {
    /// Adds or replaces the reader of an encoding.
    pub fn register(&mut self, encoding: Encoding, format: Arc<dyn Format>) {
        self.known.retain(|(known, _)| *known != encoding);
        self.known.push((encoding, format));
    }

    /// The reader of an encoding, if this process has it.
    #[must_use]
    pub fn get(&self, encoding: Encoding) -> Option<&dyn Format> {
        self.known.iter().find(|(known, _)| *known == encoding).map(|(_, format)| &**format)
    }
}
