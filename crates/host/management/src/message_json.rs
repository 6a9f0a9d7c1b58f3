//! Messages as JSON, in RabbitMQ's words.

use std::borrow::Cow;
use std::sync::Arc;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map as JsonMap, Value as Json, json};
use ternmq_amqp091::format::{head_of_foreign, head_with_history};
use ternmq_message::{Encoding, Formats, Message};

use crate::answer::Refusal;
use crate::json::json_of_map;

/// How bodies are written.
#[derive(Clone, Copy)]
pub(crate) enum Payload {
    /// Text where it is text.
    Auto,
    Base64,
}

impl Payload {
    /// By the name that requests use; automatic when they give none.
    pub(crate) fn named(name: Option<&str>) -> Result<Self, Refusal> {
        match name.unwrap_or("auto") {
            "auto" => Ok(Self::Auto),
            "base64" => Ok(Self::Base64),
            _ => Err(Refusal::bad("\"encoding\" must be \"auto\" or \"base64\"")),
        }
    }
}

/// How messages are shown.
#[derive(Clone, Copy)]
pub(crate) struct Shown {
    pub(crate) payload: Payload,
    /// Only so many bytes of a body.
    pub(crate) truncate: Option<usize>,
}

/// One message. `encoding` is the number of AMQP 0-9-1 heads.
pub(crate) fn message_json(
    message: &Message,
    is_redelivered: bool,
    shown: Shown,
    formats: &Formats,
    encoding: Encoding,
) -> JsonMap<String, Json> {
    let body = message.body();
    let part = body.get(..shown.truncate.unwrap_or(body.len()).min(body.len())).unwrap_or_default();
    let (payload, payload_encoding) = match (shown.payload, std::str::from_utf8(part)) {
        (Payload::Auto, Ok(text)) => (text.to_owned(), "string"),
        _ => (STANDARD.encode(part), "base64"),
    };
    let members = [
        ("payload", json!(payload)),
        ("payload_bytes", json!(body.len())),
        ("payload_encoding", json!(payload_encoding)),
        ("exchange", json!(message.node())),
        ("routing_key", json!(message.key())),
        ("redelivered", json!(is_redelivered)),
        ("properties", properties_json(message, formats, encoding)),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn properties_json(message: &Message, formats: &Formats, encoding: Encoding) -> Json {
    let meta = message.meta();
    // A message of another protocol is shown as it is to a consumer of the API's own.
    let head = match formats.get(meta.encoding).filter(|_| meta.encoding != encoding) {
        Some(format) => Cow::Owned(head_of_foreign(format.properties(message.head()), meta)),
        None => Cow::Borrowed(message.head()),
    };
    let head = match message.history() {
        Some(history) => Cow::Owned(head_with_history(&head, history).into_owned()),
        None => head,
    };
    let properties = formats.get(encoding).map(|format| format.properties(&head)).unwrap_or_default();
    let mut object = JsonMap::new();
    let mut set = |name: &str, value: Option<Json>| {
        if let Some(value) = value {
            object.insert(name.to_owned(), value);
        }
    };
    let word = |word: &Option<Arc<str>>| word.as_deref().map(|text| json!(text));
    set("content_type", word(&properties.content_type));
    set("content_encoding", word(&properties.content_encoding));
    set("headers", (!properties.headers.is_empty()).then(|| json_of_map(&properties.headers)));
    set("delivery_mode", Some(json!(if meta.is_durable { 2 } else { 1 })));
    set("priority", (meta.priority > 0).then(|| json!(meta.priority)));
    set("correlation_id", properties.correlation_id.map(|id| json!(String::from_utf8_lossy(&id))));
    set("reply_to", word(&properties.reply_to));
    set("expiration", meta.ttl_ms.map(|ms| json!(ms.to_string())));
    set("message_id", properties.message_id.map(|id| json!(String::from_utf8_lossy(&id))));
    set("timestamp", properties.timestamp.map(|seconds| json!(seconds)));
    set("type", word(&properties.kind));
    set("user_id", word(&properties.user_id));
    set("app_id", word(&properties.app_id));
    Json::Object(object)
}

#[cfg(test)]
mod tests {
    use ternmq_amqp091::format::Amqp091Format;
    use ternmq_message::{Death, DeathReason, Format, History, MessageMeta, Properties};

    use super::*;

    /// Another protocol's heads: a topic for the answer.
    struct Other;

    impl Format for Other {
        fn properties(&self, head: &[u8]) -> Properties {
            let key = String::from_utf8_lossy(head).into_owned();
            Properties { reply_key: Some(key.into()), ..Properties::default() }
        }

        fn history(&self, _: &[u8]) -> History {
            History::default()
        }

        fn without_ttl(&self, _: &[u8]) -> Option<Vec<u8>> {
            None
        }
    }

    #[test]
    fn a_message_of_another_protocol_is_shown_as_a_consumer_gets_it() {
        let (own, other) = (Encoding(1), Encoding(9));
        let mut formats = Formats::default();
        formats.register(own, Arc::new(Amqp091Format));
        formats.register(other, Arc::new(Other));
        let mut history = History::default();
        history.record(Death {
            queue: "work".into(),
            reason: DeathReason::Rejected,
            count: 1,
            first_time_s: 7,
            node: "".into(),
            keys: Vec::new(),
            original_ttl_ms: None,
        });
        let meta = MessageMeta { encoding: other, is_durable: true, ..MessageMeta::default() };
        let message = Message::new("n", "k", b"re.ply", b"", meta, Some(Arc::new(history))).unwrap();
        let shown = properties_json(&message, &formats, own);
        assert_eq!(shown["delivery_mode"], 2);
        assert_eq!(shown["headers"]["x-reply-to-topic"], "re.ply");
        assert_eq!(shown["headers"]["x-death"][0]["queue"], "work");
        assert_eq!(shown["headers"]["x-last-death-reason"], "rejected");
    }
}
