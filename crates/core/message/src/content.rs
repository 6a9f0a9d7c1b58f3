//! What a message is to clients that know kinds of messages (JMS): text, bytes, a map, a stream of values, an object.

use std::borrow::Cow;

use crate::{
    format::Format,
    message::Message,
    properties::Properties,
    value::{Map, Value},
};

/// Type of a body that is an object of Java, written by Java itself: nobody here looks into it (B10).
pub const JAVA_OBJECT: &str = "application/x-java-serialized-object";

/// The content of a message in neutral terms.
#[derive(Clone, Debug, PartialEq)]
pub enum Content<'a> {
    /// There is none: a message of properties alone.
    Empty,
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
    /// Text.
    Text(Cow<'a, str>),
    /// Names and values.
    Map(Map),
    /// Values, one after the other.
    Stream(Vec<Value>),
    /// An object of its producer's language, of which nothing is known.
    Object(Cow<'a, [u8]>),
}

impl<'a> Content<'a> {
    /// The content of a message, as a reader who knows kinds gets it: what its format says, else text when its properties say
    /// that it is some, else bytes. `format` is that of the message. What its properties said of the body and the content
    /// says now they say no more.
    #[must_use]
    pub fn take(format: Option<&dyn Format>, message: &'a Message, properties: &mut Properties) -> Self {
        let (head, body) = (message.head(), message.body());
        if let Some(format) = format
            && let Some(known) = format.content(head, body)
        {
            if format.says_encoding(head) {
                properties.kind = format.given_kind(head);
            }
            properties.is_text = None;
            return known;
        }
        let says_text = properties.says_text();
        properties.is_text = None;
        match std::str::from_utf8(body) {
            Ok(text) if says_text => Self::Text(Cow::Borrowed(text)),
            _ => Self::Bytes(Cow::Borrowed(body)),
        }
    }
}

impl Properties {
    /// Whether the producer says, in one way or another, that the body is text.
    #[must_use]
    pub fn says_text(&self) -> bool {
        let is_text_type =
            |kind: &str| kind.starts_with("text/") || matches!(kind, "application/json" | "application/xml");
        self.is_text.unwrap_or_else(|| self.content_type.as_deref().is_some_and(is_text_type))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::MessageMeta;

    #[test]
    fn a_body_is_text_when_its_producer_says_so_and_it_is() {
        let check = |content_type: Option<&str>, is_text, body: &[u8], expect: &str| {
            let message = Message::new("", "q", b"", body, MessageMeta::default(), None).unwrap();
            let content_type = content_type.map(Into::into);
            let mut properties = Properties { content_type, is_text, ..Properties::default() };
            let content = Content::take(None, &message, &mut properties);
            assert_eq!((&*format!("{content:?}"), properties.is_text), (expect, None));
        };
        check(None, None, b"a", "Bytes([97])");
        check(Some("text/plain"), None, b"a", "Text(\"a\")");
        check(Some("application/json"), None, b"{}", "Text(\"{}\")");
        check(Some("application/xml"), Some(false), b"a", "Bytes([97])");
        check(Some("image/png"), Some(true), b"a", "Text(\"a\")");
        check(Some("text/plain"), Some(true), b"\xff", "Bytes([255])");
    }
}
