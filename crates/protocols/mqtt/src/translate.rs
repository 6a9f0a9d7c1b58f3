//! Between what the core has and what MQTT says: topics and keys, subscriptions and their labels, messages that came by
//! other protocols.

use std::fmt::Write;

use ternmq_broker::Subscription;
use ternmq_message::{Formats, Map, Message};
use ternmq_routing::{Swap, Wildcards};

use crate::{
    codec::{Options, Property, PropertyBuf, PropertyId, Qos, RetainHandling, topic::check_name},
    format::{CARRIER, ENCODING, Head},
};

/// Between topics and the keys of a dialect.
pub(crate) fn topic_swap(keys: Wildcards) -> Swap {
    Wildcards::SLASH_PLUS_HASH.swap(&keys)
}

/// What a subscription asks for, packed into the label that the core keeps with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    pub(crate) options: Options,
    /// Subscription identifier.
    pub(crate) identifier: Option<u32>,
}

impl Label {
    pub(crate) fn to_bits(self) -> u64 {
        u64::from(self.options.byte()) | u64::from(self.identifier.unwrap_or(0)) << 8
    }

    pub(crate) fn of_bits(bits: u64) -> Self {
        let options = Options {
            qos: Qos::of((bits & 3) as u8).unwrap_or_default(),
            is_no_local: bits & 4 != 0,
            is_retain_as_published: bits & 8 != 0,
            retain_handling: match bits >> 4 & 3 {
                0 => RetainHandling::Send,
                1 => RetainHandling::SendIfNew,
                _ => RetainHandling::DoNotSend,
            },
        };
        let identifier = u32::try_from(bits >> 8 & 0x0fff_ffff).ok().filter(|identifier| *identifier > 0);
        Self { options, identifier }
    }
}

/// Whether a subscription is for a key: as the binding matched, but a wildcard does not stand for a first level that
/// starts with `$` (MQTT-4.7.2-1).
pub(crate) fn is_for(subscription: &Subscription, key: &str, keys: Wildcards) -> bool {
    let pattern = &*subscription.key;
    if key.starts_with('$') && pattern.starts_with([keys.one, keys.many]) {
        return false;
    }
    keys.is_match(pattern, key)
}

/// QoS that a message was published with; for one that came by another protocol, the one that keeps as much.
pub(crate) fn qos_of(message: &Message) -> Qos {
    if message.meta().encoding == ENCODING {
        return Head::read(message.head()).qos;
    }
    if message.meta().is_durable { Qos::AtLeastOnce } else { Qos::AtMostOnce }
}

/// The topic of a message; `None` when its key is no topic name (MQTT-3.3.2-2).
pub(crate) fn append_topic(message: &Message, swap: Swap, out: &mut Vec<u8>) -> Option<()> {
    let start = out.len();
    swap.append(message.key(), out);
    if message.meta().encoding == ENCODING {
        return Some(());
    }
    let is_name = out
        .get(start..)
        .and_then(|topic| std::str::from_utf8(topic).ok())
        .is_some_and(|topic| !topic.contains('\0') && check_name(topic).is_ok());
    if !is_name {
        out.truncate(start);
    }
    is_name.then_some(())
}

/// Properties for a subscriber of MQTT 5 of a message that came by another protocol. `left_ms` is what is left of its
/// time; headers of the names in `deaths` are left to the broker.
pub(crate) fn foreign_properties(
    message: &Message,
    formats: &Formats,
    swap: Swap,
    deaths: &Map,
    left_ms: Option<u64>,
) -> PropertyBuf {
    let mut out = PropertyBuf::new();
    let Some(format) = formats.get(message.meta().encoding) else { return out };
    let mut neutral = CARRIER.fit(format.properties(message.head()), message.meta());
    if let Some(is_text) = neutral.is_text {
        out.number(PropertyId::PayloadFormat, is_text.into());
    }
    if let Some(left_ms) = left_ms {
        // A part of a second counts as one: what has time left is not over its time.
        let left_s = u32::try_from(left_ms.div_ceil(1_000)).unwrap_or(u32::MAX);
        out.number(PropertyId::MessageExpiry, left_s);
    }
    if let Some(content_type) = &neutral.content_type {
        out.text(PropertyId::ContentType, content_type);
    }
    if let Some(key) = &neutral.reply_key {
        let topic = swap.text(key);
        if check_name(&topic).is_ok() {
            out.text(PropertyId::ResponseTopic, &topic);
        } else {
            out.push(Property::pair(ternmq_message::Property::ReplyKey.header(), key));
        }
    }
    if let Some(data) = &neutral.correlation_id {
        out.push(Property::binary(PropertyId::CorrelationData, data));
    }
    neutral.headers.retain(|(name, _)| !deaths.iter().any(|(known, _)| known == name));
    push_pairs(&neutral.headers, &mut out);
    out
}

/// User properties of text headers.
pub(crate) fn push_pairs(headers: &Map, out: &mut PropertyBuf) {
    for (name, value) in headers {
        out.push(Property::pair(name, value.as_str().unwrap_or_default()));
    }
}

/// A name for a client that has none, from 128 random bits.
pub(crate) fn assigned_name(random: [u8; 16]) -> String {
    let mut name = "auto-".to_owned();
    for (index, byte) in random.into_iter().enumerate() {
        // In the groups of a UUID, which people tell apart more easily.
        if matches!(index, 4 | 6 | 8 | 10) {
            name.push('-');
        }
        // Writing to a string can't fail.
        let _written = write!(name, "{byte:02x}");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_come_back() {
        for byte in 0..0x30u8 {
            let Ok(options) = Options::of(byte, crate::codec::Version::V5) else { continue };
            for identifier in [None, Some(1), Some(268_435_455)] {
                let label = Label { options, identifier };
                assert_eq!(Label::of_bits(label.to_bits()), label);
            }
        }
    }

    #[test]
    fn wildcards_do_not_stand_for_a_first_level_with_a_dollar_sign() {
        let check = |pattern: &str, key: &str, expect| {
            let subscription = Subscription { key: pattern.into(), ..Subscription::default() };
            assert_eq!(is_for(&subscription, key, Wildcards::DOT_STAR_HASH), expect, "{pattern} {key}");
        };
        check("#", "$SYS.a", false);
        check("*.a", "$SYS.a", false);
        check("$SYS.#", "$SYS.a", true);
        check("$SYS.*", "$SYS.a", true);
        check("#", "a.$b", true);
        check("a.*", "a.$b", true);
    }
}
