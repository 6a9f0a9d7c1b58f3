//! Messages to the client.

use std::sync::Arc;

use ternmq_broker::{Broker, Deliver, Subscription};
use ternmq_message::{Map, Message};
use ternmq_routing::Wildcards;

use super::subscribe::{Reading, labelled};
use super::{
    MqttSession,
    answers::Answer,
    link::{UnderWay, id_of},
};
use crate::{
    codec::{
        Kind, PacketId, Properties, Property, PropertyBuf, PropertyId, Qos,
        property::PropertyValue,
        wire::{put_varint, varint_len},
    },
    format::{ENCODING, Head},
    translate::{Label, append_topic, foreign_properties, is_for, push_pairs, qos_of, topic_swap},
};

/// Most subscription identifiers that are told with one message.
const IDENTIFIERS_MAX: usize = 32;

/// How a message goes to the client: what its subscriptions say together.
#[derive(Debug, Default)]
struct Way {
    qos: Qos,
    /// Some subscription wants the retain flag as it was published.
    keeps_retain: bool,
    /// It was read from what is retained.
    is_retained_read: bool,
    /// What is left of the time of a message that came by another protocol, in ms.
    left_ms: Option<u64>,
    /// Identifiers of the subscriptions; few messages have any.
    identifiers: Vec<u32>,
}

impl Way {
    fn add(&mut self, label: u64) {
        let label = Label::of_bits(label);
        self.qos = self.qos.max(label.options.qos);
        self.keeps_retain |= label.options.is_retain_as_published;
        if let Some(identifier) = label.identifier
            && self.identifiers.len() < IDENTIFIERS_MAX
        {
            self.identifiers.push(identifier);
        }
    }
}

/// The key of a message, and the further ones that led it here when it came by another protocol.
struct Keys<'a> {
    own: &'a str,
    further: Vec<Arc<str>>,
    wildcards: Wildcards,
}

impl<'a> Keys<'a> {
    fn of(broker: &Broker, message: &'a Message) -> Self {
        let encoding = message.meta().encoding;
        let format = broker.formats().get(encoding).filter(|_| encoding != ENCODING);
        let further = format.map(|format| format.extra_keys(message.head())).unwrap_or_default();
        Self { own: message.key(), further, wildcards: broker.dialect().wildcards() }
    }

    /// Wildcards do not stand for a first level with a dollar sign, also where another key led the message.
    fn may_be_hidden(&self) -> bool {
        !self.own.starts_with('$')
    }

    fn are_for(&self, subscription: &Subscription) -> bool {
        is_for(subscription, self.own, self.wildcards)
            || self.further.iter().any(|key| is_for(subscription, key, self.wildcards))
    }
}

impl MqttSession {
    pub(super) fn on_deliver(&mut self, broker: &mut Broker, deliver: Deliver, out: &mut Vec<u8>) {
        if self.link.as_ref().is_some_and(|link| !link.held.is_empty()) {
            self.link().held.push_back(deliver);
            return;
        }
        if let Some(deliver) = self.try_deliver(broker, deliver, out) {
            self.link().held.push_back(deliver);
        }
    }

    /// Delivers what was held back, as far as identifiers are free. What it writes leaves with the next effect, which
    /// settling brings.
    pub(super) fn deliver_held(&mut self, broker: &mut Broker) {
        let is_held = self.link.as_ref().is_some_and(|link| !link.held.is_empty());
        if is_held && let Some(session) = self.session {
            broker.wake_adapter(session);
        }
    }

    pub(super) fn on_woken(&mut self, broker: &mut Broker, out: &mut Vec<u8>) {
        while let Some(deliver) = self.link.as_deref_mut().and_then(|link| link.held.pop_front()) {
            if let Some(deliver) = self.try_deliver(broker, deliver, out) {
                self.link().held.push_front(deliver);
                break;
            }
        }
        self.read_some_retained(broker, out);
    }

    /// Writes a message, or gives it back when its identifier is in use.
    fn try_deliver(&mut self, broker: &mut Broker, deliver: Deliver, out: &mut Vec<u8>) -> Option<Deliver> {
        let way = match self.way_of(broker, &deliver) {
            Some(way) => Way { left_ms: left_ms(&deliver, broker.time_ms()), ..way },
            None => {
                self.pass_over(broker, &deliver);
                return None;
            }
        };
        let qos = way.qos.min(qos_of(&deliver.message));
        if qos == Qos::AtMostOnce {
            self.write_message(broker, &deliver.message, &way, qos, None, false, out);
            self.pass_over(broker, &deliver);
            return None;
        }
        let is_own = deliver.consumer_label == 0;
        if !is_own && qos == Qos::ExactlyOnce {
            self.adopt(broker, &deliver);
            return None;
        }
        let Some(id) = self.id_for(broker, &deliver, is_own) else { return Some(deliver) };
        let is_dup = is_own && deliver.is_redelivered;
        let is_written = if qos == Qos::ExactlyOnce && self.flags.is_kept {
            self.write_when_durable(broker, &deliver, &way, id, is_dup, out)
        } else {
            self.write_message(broker, &deliver.message, &way, qos, Some(id), is_dup, out)
        };
        if is_written {
            let under_way = UnderWay { delivery: deliver.delivery, qos };
            self.link().outbound.insert(id.get(), under_way);
        } else {
            self.pass_over(broker, &deliver);
        }
        None
    }

    /// A QoS 2 message whose record a crash may take away must not be sent: its identifier would go to another message,
    /// which the client would take for this one.
    fn write_when_durable(
        &mut self,
        broker: &mut Broker,
        deliver: &Deliver,
        way: &Way,
        id: PacketId,
        is_dup: bool,
        out: &mut Vec<u8>,
    ) -> bool {
        let receipt = broker.receipt_so_far();
        if broker.durable().covers(receipt) && !self.has_answers() {
            return self.write_message(
                broker,
                &deliver.message,
                way,
                Qos::ExactlyOnce,
                Some(id),
                is_dup,
                out,
            );
        }
        let mut packet = Vec::new();
        // Packets that overtake this one must not stand on an alias that it introduces.
        let alias_max = std::mem::take(&mut self.alias_max);
        let is_written = self.write_message(
            broker,
            &deliver.message,
            way,
            Qos::ExactlyOnce,
            Some(id),
            is_dup,
            &mut packet,
        );
        self.alias_max = alias_max;
        if is_written {
            self.answer(broker, receipt, Answer::Packet(packet), out);
        }
        is_written
    }

    /// A QoS 2 message of a shared subscription stays with the client that it goes to (MQTT-4.8.2-4, MQTT-4.8.2-5): it
    /// moves to the client's own queue and is sent from there.
    fn adopt(&mut self, broker: &mut Broker, deliver: &Deliver) {
        let Some(session) = self.session else { return };
        let subscriptions = broker.session_subscriptions(session);
        let label =
            subscriptions.iter().find(|one| one.number == deliver.consumer_label).map(|one| one.label);
        let message =
            label.and_then(|label| labelled(&deliver.message, Label::of_bits(label), Reading::Shared));
        let adopted = message.map(|message| broker.adopt(session, deliver.delivery, message));
        if !matches!(adopted, Some(Ok(()))) {
            self.accept(broker, deliver.delivery);
        }
    }

    /// Done with a delivery without an answer of the client.
    fn pass_over(&mut self, broker: &mut Broker, deliver: &Deliver) {
        if self.flags.needs_settle {
            self.accept(broker, deliver.delivery);
        }
    }

    fn id_for(&mut self, broker: &Broker, deliver: &Deliver, is_own: bool) -> Option<PacketId> {
        let session = self.session?;
        let released = broker.released_tokens(session);
        let link = self.link.get_or_insert_default();
        if !is_own {
            return link.free_id(released);
        }
        let id = id_of(deliver.seq);
        let is_free = !link.outbound.contains_key(&id) && !released.contains(&id);
        is_free.then(|| PacketId::of(id)).flatten()
    }

    /// What the client's subscriptions say of a message; `None` when none of them is for it.
    fn way_of(&self, broker: &Broker, deliver: &Deliver) -> Option<Way> {
        let session = self.session?;
        let subscriptions = broker.session_subscriptions(session);
        let message = &deliver.message;
        let mut way = Way::default();
        if deliver.consumer_label != 0 {
            let one = subscriptions.iter().find(|one| one.number == deliver.consumer_label)?;
            if !Keys::of(broker, message).are_for(one) {
                return None;
            }
            way.add(one.label);
            return Some(way);
        }
        if message.meta().encoding == ENCODING
            && let head = Head::read(message.head())
            && let Some(label) = head.label
        {
            way.is_retained_read = head.is_retained_read;
            way.add(label);
            return Some(way);
        }
        // What came by a key that is not told, to the only subscription that there was.
        if let [one] = subscriptions
            && !self.flags.has_unsubscribed
            && !message.key().starts_with('$')
        {
            way.add(one.label);
            return Some(way);
        }
        let keys = Keys::of(broker, message);
        let mut is_any = false;
        for one in subscriptions.iter().filter(|one| one.group.is_none()) {
            if keys.are_for(one) {
                is_any = true;
                way.add(one.label);
            }
        }
        if !is_any
            && message.meta().encoding != ENCODING
            && keys.may_be_hidden()
            && !self.flags.has_unsubscribed
        {
            // A key that nobody is told of led it here. Which subscription that was is not known: it goes by the highest
            // QoS, without identifiers.
            is_any = true;
            for one in subscriptions.iter().filter(|one| one.group.is_none()) {
                way.qos = way.qos.max(Label::of_bits(one.label).options.qos);
            }
        }
        is_any.then_some(way)
    }

    /// Writes a retained message for a new subscription of QoS 0, past the queue.
    pub(super) fn write_retained(
        &mut self,
        broker: &Broker,
        message: &Message,
        label: Label,
        out: &mut Vec<u8>,
    ) {
        let mut way = Way { is_retained_read: true, ..Way::default() };
        way.add(label.to_bits());
        self.write_message(broker, message, &way, Qos::AtMostOnce, None, false, out);
    }

    /// Writes PUBLISH. False when the client can't take the message: its topic is none, it is over its time, or larger
    /// than the client takes (MQTT-3.1.2-24).
    #[allow(clippy::too_many_arguments, reason = "the parts of one packet")]
    fn write_message(
        &mut self,
        broker: &Broker,
        message: &Message,
        way: &Way,
        qos: Qos,
        id: Option<PacketId>,
        is_dup: bool,
        out: &mut Vec<u8>,
    ) -> bool {
        let swap = topic_swap(broker.dialect().wildcards());
        let is_own_encoding = message.meta().encoding == ENCODING;
        let head = if is_own_encoding { Head::read(message.head()) } else { Head::default() };
        let is_retain = way.is_retained_read || way.keeps_retain && head.is_retain;
        let flags = u8::from(is_dup) << 3 | (qos as u8) << 1 | u8::from(is_retain);
        let mut section = PropertyBuf::new();
        let mut is_topic_told = true;
        if self.version.is_v5() {
            if !self.append_properties(broker, message, &head, way, is_dup, &mut section) {
                return false;
            }
            is_topic_told = self.append_alias(message.key(), &mut section);
        }
        let section = section.properties();
        let topic_len = if is_topic_told { message.key().len() } else { 0 };
        let section_len = match self.version.is_v5() {
            true => varint_len(section.bytes().len()) + section.bytes().len(),
            false => 0,
        };
        let len = 2 + topic_len + if id.is_some() { 2 } else { 0 } + section_len + message.body_len();
        let Ok(topic_len) = u16::try_from(topic_len) else { return false };
        if len + 1 + varint_len(len) > self.packet_max_bytes as usize {
            return false;
        }
        let start = out.len();
        out.reserve(len + 5);
        out.push(Kind::Publish.first_byte(flags));
        put_varint(out, len);
        out.extend_from_slice(&topic_len.to_be_bytes());
        if topic_len > 0 && append_topic(message, swap, out).is_none() {
            out.truncate(start);
            return false;
        }
        if let Some(id) = id {
            out.extend_from_slice(&id.get().to_be_bytes());
        }
        if self.version.is_v5() {
            section.write(out);
        }
        out.extend_from_slice(message.body());
        true
    }

    /// Adds the properties that a message is delivered with. False when it is over its time and was not sent before
    /// (MQTT-4.3.3-7).
    fn append_properties(
        &self,
        broker: &Broker,
        message: &Message,
        head: &Head<'_>,
        way: &Way,
        is_dup: bool,
        section: &mut PropertyBuf,
    ) -> bool {
        let dialect = broker.dialect();
        let deaths = message.history().map_or_else(Map::new, |history| dialect.history_headers(history));
        if message.meta().encoding == ENCODING {
            let waited_ms = head.received_at_ms.map_or(0, |at_ms| broker.time_ms().saturating_sub(at_ms));
            if !copy_properties(head.properties, waited_ms, &deaths, section) && !is_dup {
                return false;
            }
        } else {
            let swap = topic_swap(dialect.wildcards());
            *section = foreign_properties(message, broker.formats(), swap, &deaths, way.left_ms);
        }
        push_pairs(&deaths, section);
        for identifier in &way.identifiers {
            section.number(PropertyId::SubscriptionIdentifier, *identifier);
        }
        true
    }

    /// Lets an alias stand for the topic where the client takes one. Answers whether the topic is to be told.
    fn append_alias(&mut self, key: &str, section: &mut PropertyBuf) -> bool {
        if self.alias_max == 0 {
            return true;
        }
        let alias_max = self.alias_max;
        match self.link().outbound_aliases.of(key, alias_max) {
            Some((alias, is_known)) => {
                section.number(PropertyId::TopicAlias, alias.into());
                !is_known
            }
            None => true,
        }
    }
}

/// What is left of a message's own time, in ms.
fn left_ms(deliver: &Deliver, now_ms: u64) -> Option<u64> {
    let ttl_ms = deliver.message.meta().ttl_ms?;
    Some(deliver.expires_at_ms.map_or(ttl_ms, |at_ms| at_ms.saturating_sub(now_ms).min(ttl_ms)))
}

/// Copies properties as they came, but those that the broker tells itself, with the time that the message has left
/// (MQTT-3.3.2-6). False when it has none.
fn copy_properties(properties: Properties<'_>, waited_ms: u64, deaths: &Map, out: &mut PropertyBuf) -> bool {
    if properties.is_empty() {
        return true;
    }
    let mut is_in_time = true;
    let is_told = |property: &Property<'_>| match property.value {
        PropertyValue::Pair(name, _) => deaths.iter().any(|(known, _)| &**known == name),
        _ => false,
    };
    for property in properties.iter().filter(|property| !is_told(property)) {
        if property.id != PropertyId::MessageExpiry {
            out.push(property);
            continue;
        }
        let waited_s = u32::try_from(waited_ms / 1_000).unwrap_or(u32::MAX);
        let left = properties.number(property.id).and_then(|expiry| expiry.checked_sub(waited_s));
        is_in_time &= left.is_some();
        out.push(Property::number(property.id, left.unwrap_or(0)));
    }
    is_in_time
}
