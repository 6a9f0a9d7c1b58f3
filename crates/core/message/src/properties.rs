//! The neutral view of a message's properties, made only when somebody needs it.

use std::sync::Arc;

use crate::value::{Map, Value};

/// Properties of one message in neutral terms. Every member is optional; absent means the producer did not set it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Properties {
    /// MIME type of the body.
    pub content_type: Option<Arc<str>>,
    /// MIME encoding of the body.
    pub content_encoding: Option<Arc<str>>,
    /// Application headers, in the producer's order.
    pub headers: Map,
    /// Identifies the request that this message answers.
    pub correlation_id: Option<Arc<[u8]>>,
    /// Queue that an answer goes to, or what else the producer calls it.
    pub reply_to: Option<Arc<str>>,
    /// Key that an answer is published with on the node where topics of every protocol meet.
    pub reply_key: Option<Arc<str>>,
    /// Producer's id of the message: mostly text, but nobody has to.
    pub message_id: Option<Arc<[u8]>>,
    /// Seconds since 1970-01-01T00:00:00Z.
    pub timestamp: Option<u64>,
    /// Application's type name of the message.
    pub kind: Option<Arc<str>>,
    /// User that published, as the producer claims (checked by the broker).
    pub user_id: Option<Arc<str>>,
    /// Producer's application.
    pub app_id: Option<Arc<str>>,
    /// The producer says whether the body is UTF-8 text.
    pub is_text: Option<bool>,
}

impl Properties {
    /// First header of this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&Value> {
        self.headers.iter().find(|(key, _)| &**key == name).map(|(_, value)| value)
    }
}
