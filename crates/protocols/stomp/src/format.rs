//! Message heads in this encoding.
//!
//! A head is the header lines of the SEND frame, `name:value LF` each, with the escapes of STOMP 1.2 whatever the
//! sender's version, without the headers that only steer the frame itself (`destination`, `content-length`, `receipt`,
//! `transaction`), and the first of each name only.
//! Owns: what such lines mean in neutral terms. Must not know: who reads them.

use std::sync::Arc;

use ternmq_broker::{Addresses, HeaderWords, ReplyPlace};
use ternmq_message::{
    Carriage, Carrier, Encoding, Format, Headers as HeaderForm, History, Properties, Value,
};

use crate::{
    codec::{Escapes, Headers},
    translate::push_line,
};

/// Number of this encoding in messages and on disk.
pub const ENCODING: Encoding = Encoding(3);

/// Text of any length.
const TEXT: Carriage = Carriage::Text { max_bytes: usize::MAX };

/// What header lines carry.
pub const CARRIER: Carrier = Carrier {
    content_type: TEXT,
    content_encoding: TEXT,
    correlation_id: TEXT,
    reply_to: TEXT,
    reply_key: TEXT,
    message_id: TEXT,
    timestamp: Carriage::Whole,
    kind: TEXT,
    user_id: TEXT,
    app_id: TEXT,
    body_format: Carriage::Header,
    durability: Carriage::Whole,
    priority: Carriage::Whole,
    ttl: Carriage::Whole,
    headers: HeaderForm::Text { max_bytes: usize::MAX },
};

/// Headers with a meaning of their own in every dialect.
pub(crate) mod name {
    pub(crate) const ACK: &str = "ack";
    pub(crate) const AMQP_MESSAGE_ID: &str = "amqp-message-id";
    pub(crate) const APP_ID: &str = "app-id";
    pub(crate) const CONTENT_ENCODING: &str = "content-encoding";
    pub(crate) const CONTENT_LENGTH: &str = "content-length";
    pub(crate) const CONTENT_TYPE: &str = "content-type";
    pub(crate) const CORRELATION_ID: &str = "correlation-id";
    pub(crate) const DESTINATION: &str = "destination";
    pub(crate) const ID: &str = "id";
    pub(crate) const MESSAGE_ID: &str = "message-id";
    pub(crate) const PERSISTENT: &str = "persistent";
    pub(crate) const PRIORITY: &str = "priority";
    pub(crate) const RECEIPT: &str = "receipt";
    pub(crate) const REDELIVERED: &str = "redelivered";
    pub(crate) const REPLY_TO: &str = "reply-to";
    pub(crate) const SUBSCRIPTION: &str = "subscription";
    pub(crate) const TIMESTAMP: &str = "timestamp";
    pub(crate) const TRANSACTION: &str = "transaction";
    pub(crate) const TYPE: &str = "type";
    pub(crate) const USER_ID: &str = "user-id";
}

/// Reader of this encoding's heads. A reply address is shown as what it stands for.
#[derive(Clone)]
pub struct StompFormat {
    addresses: Arc<dyn Addresses>,
    words: &'static HeaderWords,
}

impl StompFormat {
    /// For a dialect with these addresses.
    #[must_use]
    pub fn of(addresses: Arc<dyn Addresses>) -> Self {
        Self { words: addresses.words(), addresses }
    }

    fn read_reply_to(&self, text: &str, properties: &mut Properties) {
        match self.addresses.reply_place(text) {
            ReplyPlace::Queue(name) => properties.reply_to = Some(name.into()),
            ReplyPlace::Topic(key) => properties.reply_key = Some(key.into()),
            ReplyPlace::Address => properties.reply_to = Some(text.into()),
        }
    }
}

/// The header lines of a head; none when it can't be read.
pub(crate) fn headers_of(head: &[u8]) -> Headers<'_> {
    Headers::of_lines(std::str::from_utf8(head).unwrap_or_default(), Escapes::Full)
}

/// A header with digits.
pub(crate) fn number(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// Whether a header says when the message expires: in terms of its own, or of the core's.
pub(crate) fn is_expiry(words: &HeaderWords, name: &str) -> bool {
    words.ttl == Some(name) || words.expires_at == Some(name)
}

impl Format for StompFormat {
    fn properties(&self, head: &[u8]) -> Properties {
        let headers = headers_of(head);
        let words = self.words;
        let mut properties = Properties::default();
        for (raw_name, raw_value) in headers.raw() {
            let (name, value) = (headers.meant(raw_name), headers.meant(raw_value));
            let text = || Some(Arc::<str>::from(&*value));
            match &*name {
                name::CONTENT_TYPE => properties.content_type = text(),
                name::CONTENT_ENCODING => properties.content_encoding = text(),
                name::CORRELATION_ID => properties.correlation_id = Some(value.as_bytes().into()),
                name::REPLY_TO => self.read_reply_to(&value, &mut properties),
                name::AMQP_MESSAGE_ID => properties.message_id = Some(value.as_bytes().into()),
                name::TIMESTAMP if words.tells_all => {
                    properties.timestamp = number(&value).map(|ms| ms / 1_000);
                }
                name::TIMESTAMP => properties.timestamp = number(&value),
                name::TYPE => properties.kind = text(),
                name::USER_ID => properties.user_id = text(),
                name::APP_ID => properties.app_id = text(),
                // The core has these as facts.
                name::PERSISTENT | name::PRIORITY => {}
                known if is_expiry(words, known) => {}
                _ => properties.headers.push((Arc::from(&*name), Value::str(&value))),
            }
        }
        properties
    }

    fn timestamp_ms(&self, head: &[u8]) -> Option<u64> {
        if !self.words.tells_all {
            return None;
        }
        headers_of(head).get(name::TIMESTAMP).and_then(|text| number(&text))
    }

    fn tells_priority(&self) -> bool {
        self.words.tells_all
    }

    fn history(&self, _: &[u8]) -> History {
        History::default()
    }

    /// Ids of messages are given when they are delivered.
    fn edited(&self, head: &[u8], headers: &[(&str, Option<Value>)], _: Option<u64>) -> Option<Vec<u8>> {
        let lines = headers_of(head);
        let mut edited = Vec::with_capacity(head.len());
        for (raw_name, raw_value) in lines.raw() {
            let name = lines.meant(raw_name);
            if !headers.iter().any(|(known, _)| *known == name) {
                push_line(&mut edited, &name, &lines.meant(raw_value));
            }
        }
        for (name, value) in headers {
            if let Some(text) = value.as_ref().and_then(Value::to_text) {
                push_line(&mut edited, name, &text);
            }
        }
        Some(edited)
    }

    fn without_ttl(&self, head: &[u8]) -> Option<Vec<u8>> {
        let lines = std::str::from_utf8(head).ok()?;
        let words = self.words;
        let is_ttl = |line: &&str| {
            let (name, value) = line.split_once(':').unwrap_or_default();
            // A time of 0 says that it never expires.
            is_expiry(words, name) && !(words.expires_at == Some(name) && value.trim_end() == "0")
        };
        lines.lines().find(is_ttl)?;
        let mut kept = Vec::with_capacity(head.len());
        for line in lines.split_inclusive('\n') {
            match words.expires_at {
                _ if !is_ttl(&line) => kept.extend_from_slice(line.as_bytes()),
                // Where everything is told when it expires, this never does.
                Some(name) => kept.extend([name.as_bytes(), b":0\n"].concat()),
                None => {}
            }
        }
        Some(kept)
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use ternmq_broker::{AddressError, AddressOptions, AddressRequest, ReplyTo, Sources, Target};

    use super::*;

    /// `/queue/NAME` and `/topic/KEY`.
    struct Two(&'static HeaderWords);

    impl Addresses for Two {
        fn targets(&self, _: AddressRequest<'_>, _: &str) -> Result<Vec<Target>, AddressError> {
            unreachable!("nothing is sent")
        }

        fn sources(&self, _: AddressRequest<'_>, _: &str) -> Result<Sources, AddressError> {
            unreachable!("nothing is subscribed")
        }

        fn reply_to<'a>(&self, _: &'a str, _: &str) -> Result<ReplyTo<'a>, AddressError> {
            Ok(ReplyTo::Stated)
        }

        fn address_of(&self, _: &str, _: &str, _: &str) -> String {
            String::new()
        }

        fn reply_address<'a>(&self, reply_to: &'a str, _: &str) -> Cow<'a, str> {
            reply_to.into()
        }

        fn reply_place<'a>(&self, reply_to: &'a str) -> ReplyPlace<'a> {
            match (reply_to.strip_prefix("/queue/"), reply_to.strip_prefix("/topic/")) {
                (Some(name), _) => ReplyPlace::Queue(name.into()),
                (_, Some(key)) => ReplyPlace::Topic(key.into()),
                _ => ReplyPlace::Address,
            }
        }

        fn is_durable_subscription(&self, _: &dyn AddressOptions) -> bool {
            false
        }

        fn words(&self) -> &'static HeaderWords {
            self.0
        }

        fn unknown_delivery(&self, _: &str, _: &str, _: &str) -> AddressError {
            unreachable!("nothing is acknowledged")
        }

        fn login_refused(&self, _: &str) -> String {
            String::new()
        }

        fn namespace_refused(&self, _: &str) -> String {
            String::new()
        }

        fn namespace_of<'a>(&self, _: Option<&'a str>) -> Cow<'a, str> {
            "".into()
        }
    }

    static RELATIVE: HeaderWords = HeaderWords { ttl: Some("expiration"), ..HeaderWords::NONE };
    static ABSOLUTE: HeaderWords =
        HeaderWords { ttl: None, expires_at: Some("expires"), tells_all: true, ..RELATIVE };

    fn format() -> StompFormat {
        StompFormat::of(Arc::new(Two(&RELATIVE)))
    }

    const HEAD: &[u8] = b"content-type:text/x\ncontent-encoding:gzip\npersistent:true\npriority:3\ncorrelation-id:c\n\
        reply-to:back\nexpiration:60\namqp-message-id:m\ntimestamp: 7 \ntype:ty\nuser-id:u\napp-id:a\nmy\\chead:a\\nb\\\\\n";

    #[test]
    fn header_lines_come_out_in_neutral_terms() {
        let properties = format().properties(HEAD);
        let text = |text: &str| Some(Arc::<str>::from(text));
        let expect = Properties {
            content_type: text("text/x"),
            content_encoding: text("gzip"),
            headers: vec![("my:head".into(), Value::str("a\nb\\"))],
            correlation_id: Some(b"c"[..].into()),
            reply_to: text("back"),
            message_id: Some(b"m"[..].into()),
            timestamp: Some(7),
            kind: text("ty"),
            user_id: text("u"),
            app_id: text("a"),
            ..Properties::default()
        };
        assert_eq!(properties, expect);
    }

    #[test]
    fn a_reply_address_is_what_it_stands_for() {
        for (line, queue, key) in [
            ("reply-to:/queue/q\n", Some("q"), None),
            ("reply-to:/topic/a.b\n", None, Some("a.b")),
            ("reply-to:/else\n", Some("/else"), None),
        ] {
            let properties = format().properties(line.as_bytes());
            assert_eq!((properties.reply_to.as_deref(), properties.reply_key.as_deref()), (queue, key));
        }
    }

    #[test]
    fn the_expiration_is_taken_off_and_nothing_else() {
        let without = format().without_ttl(HEAD).unwrap();
        let text = String::from_utf8(without.clone()).unwrap();
        assert!(!text.contains("expiration"));
        assert_eq!(without.len() + "expiration:60\n".len(), HEAD.len());
        assert_eq!(format().without_ttl(&without), None);
    }

    #[test]
    fn a_time_at_which_a_message_expires_becomes_never() {
        let format = StompFormat::of(Arc::new(Two(&ABSOLUTE)));
        let head = b"expires:1700000000000\ntimestamp:7000\nexpiration:5\n";
        assert_eq!(format.without_ttl(head).unwrap(), b"expires:0\ntimestamp:7000\nexpiration:5\n");
        assert_eq!(format.without_ttl(b"expires:0\n"), None);
        let properties = format.properties(head);
        assert_eq!(properties.timestamp, Some(7));
        assert_eq!(properties.headers, vec![("expiration".into(), Value::str("5"))]);
    }

    #[test]
    fn bytes_that_are_no_head_have_no_properties() {
        for head in [&b"\xff\xfe"[..], b"no colon\n", b"", b"a:b"] {
            assert_eq!(format().properties(head), Properties::default());
        }
    }
}
