//! Heads of messages that came by MQTT, as they are kept: the facts of PUBLISH that are no properties, and the properties
//! as they came.
//!
//! ```text
//! flags u8: QoS 2 bits | 4 retain flag | 8 has received_at | 16 has label | 32 was retained
//! [received_at u64 LE, broker time in ms; there when the message expires]
//! [label u64 LE, of the one subscription that the message is for]
//! properties of MQTT 5 to the end, without topic alias
//! ```

use std::sync::Arc;

use ternmq_message::{Carriage, Carrier, Encoding, Format, Headers, History, Properties as Neutral, Value};
use ternmq_routing::{Swap, Wildcards};

use crate::{
    codec::{Properties, PropertyBuf, PropertyId, Qos},
    translate::topic_swap,
};

/// Number of this encoding in messages and on disk.
pub const ENCODING: Encoding = Encoding(2);

/// A string or binary data: a length of two bytes.
const LEN_MAX_BYTES: usize = 65_535;

/// What PUBLISH of MQTT 5 carries: user properties are its headers.
pub const CARRIER: Carrier = Carrier {
    content_type: Carriage::Text { max_bytes: LEN_MAX_BYTES },
    content_encoding: Carriage::Header,
    correlation_id: Carriage::Bytes { max_bytes: LEN_MAX_BYTES },
    reply_to: Carriage::Header,
    reply_key: Carriage::Text { max_bytes: LEN_MAX_BYTES },
    message_id: Carriage::Header,
    timestamp: Carriage::Header,
    kind: Carriage::Header,
    user_id: Carriage::Header,
    app_id: Carriage::Header,
    body_format: Carriage::Whole,
    durability: Carriage::Whole,
    priority: Carriage::Header,
    ttl: Carriage::Whole,
    headers: Headers::Text { max_bytes: LEN_MAX_BYTES },
};

/// What PUBLISH of MQTT 3 carries: a QoS.
pub const CARRIER_OF_V3: Carrier = Carrier {
    content_type: Carriage::Lost,
    content_encoding: Carriage::Lost,
    correlation_id: Carriage::Lost,
    reply_to: Carriage::Lost,
    reply_key: Carriage::Lost,
    message_id: Carriage::Lost,
    timestamp: Carriage::Lost,
    kind: Carriage::Lost,
    user_id: Carriage::Lost,
    app_id: Carriage::Lost,
    body_format: Carriage::Lost,
    durability: Carriage::Whole,
    priority: Carriage::Lost,
    ttl: Carriage::Lost,
    headers: Headers::None,
};

const QOS: u8 = 3;
const RETAIN: u8 = 4;
const HAS_RECEIVED: u8 = 8;
const HAS_LABEL: u8 = 16;
const RETAINED_READ: u8 = 32;

/// A head, read or to be written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head<'a> {
    pub(crate) qos: Qos,
    /// As it was published.
    pub(crate) is_retain: bool,
    /// Broker time in ms of its arrival.
    pub(crate) received_at_ms: Option<u64>,
    /// It is for the subscription with this label and no other.
    pub(crate) label: Option<u64>,
    /// It was read from what is retained.
    pub(crate) is_retained_read: bool,
    pub(crate) properties: Properties<'a>,
}

impl<'a> Head<'a> {
    /// Reads one; it was written by this process or an earlier one. What can't be read is a plain QoS 0 message.
    pub(crate) fn read(head: &'a [u8]) -> Self {
        Self::try_read(head).unwrap_or_default()
    }

    fn try_read(head: &'a [u8]) -> Option<Self> {
        let (flags, mut rest) = head.split_first()?;
        let mut number = |flag: u8| {
            if flags & flag == 0 {
                return Some(None);
            }
            let (bytes, after) = rest.split_first_chunk()?;
            rest = after;
            Some(Some(u64::from_le_bytes(*bytes)))
        };
        let received_at_ms = number(HAS_RECEIVED)?;
        let label = number(HAS_LABEL)?;
        Some(Self {
            qos: Qos::of(flags & QOS)?,
            is_retain: flags & RETAIN != 0,
            received_at_ms,
            label,
            is_retained_read: flags & RETAINED_READ != 0,
            properties: Properties::trusted(rest),
        })
    }

    /// Appends everything in front of the properties.
    pub(crate) fn write_front(&self, out: &mut impl Extend<u8>) {
        let mut flags = self.qos as u8;
        for (flag, is_set) in [
            (RETAIN, self.is_retain),
            (HAS_RECEIVED, self.received_at_ms.is_some()),
            (HAS_LABEL, self.label.is_some()),
            (RETAINED_READ, self.is_retained_read),
        ] {
            flags |= if is_set { flag } else { 0 };
        }
        out.extend([flags]);
        for number in [self.received_at_ms, self.label].into_iter().flatten() {
            out.extend(number.to_le_bytes());
        }
    }

    /// The whole head.
    pub(crate) fn to_vec(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(17 + self.properties.bytes().len());
        self.write_front(&mut out);
        out.extend_from_slice(self.properties.bytes());
        out
    }
}

/// Reads heads of this encoding for everybody else. Topics among the properties are shown as keys.
#[derive(Clone, Copy, Debug)]
pub struct MqttFormat {
    swap: Swap,
}

impl MqttFormat {
    /// For a dialect with these keys.
    #[must_use]
    pub fn of(keys: Wildcards) -> Self {
        Self { swap: topic_swap(keys) }
    }
}

impl Format for MqttFormat {
    fn properties(&self, head: &[u8]) -> Neutral {
        let head = Head::read(head);
        let properties = head.properties;
        Neutral {
            content_type: properties.text(PropertyId::ContentType).map(Arc::from),
            correlation_id: properties.binary(PropertyId::CorrelationData).map(Arc::from),
            reply_key: properties.text(PropertyId::ResponseTopic).map(|topic| self.swap.text(topic).into()),
            headers: properties.pairs().map(|(name, value)| (name.into(), Value::str(value))).collect(),
            is_text: properties.number(PropertyId::PayloadFormat).map(|format| format == 1),
            ..Neutral::default()
        }
    }

    fn history(&self, _: &[u8]) -> History {
        History::default()
    }

    fn without_ttl(&self, head: &[u8]) -> Option<Vec<u8>> {
        let head = Head::read(head);
        head.properties.number(PropertyId::MessageExpiry)?;
        let mut kept = PropertyBuf::new();
        for property in head.properties.iter().filter(|it| it.id != PropertyId::MessageExpiry) {
            kept.push(property);
        }
        Some(Head { received_at_ms: None, properties: kept.properties(), ..head }.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Property;

    fn properties() -> PropertyBuf {
        let mut buffer = PropertyBuf::new();
        buffer.number(PropertyId::MessageExpiry, 9).number(PropertyId::PayloadFormat, 1);
        buffer.text(PropertyId::ContentType, "text/plain");
        buffer.text(PropertyId::ResponseTopic, "a/b.c");
        buffer.push(Property::binary(PropertyId::CorrelationData, &[0, 255]));
        buffer.push(Property::pair("k", "v"));
        buffer
    }

    #[test]
    fn a_head_comes_back() {
        let buffer = properties();
        for received_at_ms in [None, Some(7)] {
            for label in [None, Some(u64::MAX)] {
                let properties = buffer.properties();
                let head = Head {
                    qos: Qos::ExactlyOnce,
                    is_retain: true,
                    received_at_ms,
                    label,
                    is_retained_read: label.is_some(),
                    properties,
                };
                assert_eq!(Head::read(&head.to_vec()), head);
            }
        }
        assert_eq!(Head::read(&[]), Head::default());
        assert_eq!(Head::read(&[HAS_RECEIVED, 1]), Head::default());
    }

    #[test]
    fn others_see_its_properties() {
        let buffer = properties();
        let head = Head { properties: buffer.properties(), ..Head::default() }.to_vec();
        let format = MqttFormat::of(Wildcards::DOT_STAR_HASH);
        let neutral = format.properties(&head);
        assert_eq!(neutral.content_type.as_deref(), Some("text/plain"));
        assert_eq!(neutral.reply_key.as_deref(), Some("a.b/c"));
        assert_eq!((neutral.reply_to.as_deref(), neutral.is_text), (None, Some(true)));
        assert_eq!(neutral.correlation_id.as_deref(), Some(&[0, 255][..]));
        assert_eq!(neutral.headers, [(Arc::from("k"), Value::str("v"))]);
        let bare = format.without_ttl(&head).unwrap();
        assert_eq!(Head::read(&bare).properties.iter().count(), 5);
        assert_eq!(format.without_ttl(&bare), None);
    }
}
