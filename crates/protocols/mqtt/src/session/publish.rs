//! PUBLISH of the client: to the core, and what it is answered.

use bytes::BufMut;
use smallvec::SmallVec;
use ternmq_broker::{Broker, Once, Publish as Command, Published, Receipt};
use ternmq_message::{Message, MessageBuilder, MessageMeta};

use super::{MqttSession, Settings, Step, answers::Answer, close};
use crate::{
    codec::{Kind, PacketId, PropertyBuf, PropertyId, Publish, Qos, Reason, topic::is_reserved},
    error::Fault,
    format::{ENCODING, Head},
    translate::topic_swap,
};

/// Most QoS 2 messages of a client that are not released. MQTT 3 has no other limit, and one of MQTT 5 may leave some behind
/// on each of its connections.
const RELEASES_MAX: usize = 10_000;

/// Holds a payload against the limit of messages. `what` it is: the word for it in the refusal.
pub(super) fn check_size(broker: &Broker, what: &str, payload: &[u8]) -> Result<(), Fault> {
    let max = broker.limits().max_message_bytes;
    if payload.len() as u64 <= max {
        return Ok(());
    }
    let text = format!("the {what} has {} bytes; at most {max} are taken", payload.len());
    Err(Fault::new(Reason::PACKET_TOO_LARGE, text))
}

/// Why a message to a topic of servers is refused.
pub(super) const RESERVED: &str = "clients do not publish below $SYS and $share";

/// Holds a message, `what` it is, against what CONNACK offered (MQTT-3.2.2-11 to MQTT-3.2.2-14).
pub(super) fn check_offers(settings: &Settings, what: &str, qos: Qos, is_retain: bool) -> Result<(), Fault> {
    if qos > settings.qos_max {
        let text = format!("the {what} is of QoS {}; at most {} is taken", qos as u8, settings.qos_max as u8);
        return Err(Fault::new(Reason::QOS_NOT_SUPPORTED, text));
    }
    if is_retain && !settings.is_retain_available {
        let text = format!("the {what} is to be retained, which is not available");
        return Err(Fault::new(Reason::RETAIN_NOT_SUPPORTED, text));
    }
    Ok(())
}

/// A topic that clients do not publish to is refused as one without permission.
fn check_topic(broker: &Broker, message: &Message) -> Result<(), Fault> {
    if is_reserved(message.key(), broker.dialect().wildcards().separator) {
        return Err(Fault::new(Reason::NOT_AUTHORIZED, RESERVED));
    }
    Ok(())
}

impl MqttSession {
    /// QoS 1 and 2 messages of the client that are not answered.
    pub(super) fn inbound_count(&self) -> u32 {
        self.link.as_ref().map_or(0, |link| link.answers.of_publishes())
    }

    pub(super) fn on_publish(
        &mut self,
        broker: &mut Broker,
        publish: &Publish<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Step, Fault> {
        if broker.blocked_reason().is_some() {
            self.flags.is_held = true;
            return Ok(Step::Held);
        }
        if !self.flags.is_publisher
            && let Some(connection) = self.connection
        {
            self.flags.is_publisher = true;
            broker.note_publisher(connection);
        }
        self.check_publish(broker, publish)?;
        let message = self.build(broker, publish)?;
        match (publish.qos, publish.id) {
            (Qos::AtLeastOnce, Some(id)) => self.publish_acked(broker, publish, id, message, out),
            (Qos::ExactlyOnce, Some(id)) => self.publish_once(broker, publish, id, message, out),
            _ => self.publish_plain(broker, publish, message),
        }
        .map(|()| Step::Taken)
    }

    fn check_publish(&self, broker: &Broker, publish: &Publish<'_>) -> Result<(), Fault> {
        check_size(broker, "message", publish.payload)?;
        check_offers(&self.settings, "message", publish.qos, publish.is_retain)?;
        let properties = publish.properties;
        if properties.is_empty() {
            return Ok(());
        }
        if properties.number(PropertyId::SubscriptionIdentifier).is_some() {
            return Err(close::unexpected("a subscription identifier from a client"));
        }
        if properties.text(PropertyId::ResponseTopic).is_some_and(|topic| topic.contains(['+', '#'])) {
            return Err(Fault::new(Reason::PROTOCOL_ERROR, "a response topic holds a wildcard"));
        }
        Ok(())
    }

    /// The message as the core keeps it.
    fn build(&mut self, broker: &mut Broker, publish: &Publish<'_>) -> Result<Message, Fault> {
        let properties = publish.properties;
        let has_alias = !properties.is_empty() && properties.number(PropertyId::TopicAlias).is_some();
        if publish.topic.is_empty() && !has_alias {
            return Err(Fault::new(Reason::PROTOCOL_ERROR, "a message has neither a topic nor an alias"));
        }
        let mut without_alias = PropertyBuf::new();
        let properties = if has_alias {
            for property in properties.iter().filter(|it| it.id != PropertyId::TopicAlias) {
                without_alias.push(property);
            }
            without_alias.properties()
        } else {
            properties
        };
        let expiry_s =
            if properties.is_empty() { None } else { properties.number(PropertyId::MessageExpiry) };
        let head = Head {
            qos: publish.qos,
            is_retain: publish.is_retain,
            received_at_ms: expiry_s.map(|_| broker.time_ms()),
            label: None,
            is_retained_read: false,
            properties,
        };
        let meta = MessageMeta {
            encoding: ENCODING,
            is_durable: publish.qos != Qos::AtMostOnce,
            priority: 0,
            ttl_ms: expiry_s.map(|seconds| u64::from(seconds) * 1_000),
        };
        let alias_max = self.settings.alias_max;
        let topic = if has_alias {
            self.link.get_or_insert_default().inbound_aliases.resolve(publish, alias_max)?
        } else {
            publish.topic
        };
        let dialect = broker.dialect();
        let (node, swap) = (dialect.topic_node(), topic_swap(dialect.wildcards()));
        // Most fit, and then nothing is allocated.
        let mut front = SmallVec::<[u8; 128]>::new();
        swap.append(topic, &mut front);
        let key_len = front.len();
        head.write_front(&mut front);
        front.extend_from_slice(properties.bytes());
        let (key, head) = front.split_at_checked(key_len).unwrap_or_default();
        let too_long = |_| Fault::new(Reason::TOPIC_NAME_INVALID, "the topic is too long");
        let key = std::str::from_utf8(key).unwrap_or_default();
        let mut room = broker.room(node.len() + front.len() + publish.payload.len());
        let builder = MessageBuilder::start(&mut room, node, key, head).map_err(too_long)?;
        room.put_slice(publish.payload);
        Ok(builder.finish(room.freeze(), meta))
    }

    fn command(message: Message) -> Command<'static> {
        Command { message, extra_keys: &[], claimed_user: None }
    }

    fn publish_plain(
        &mut self,
        broker: &mut Broker,
        publish: &Publish<'_>,
        message: Message,
    ) -> Result<(), Fault> {
        check_topic(broker, &message)?;
        let kept = publish.is_retain.then(|| message.clone());
        let _published =
            self.ask(broker, |broker, session| broker.publish(session, Self::command(message)))?;
        if let Some(message) = kept {
            self.ask(broker, |broker, session| broker.retain(session, &message))?;
        }
        Ok(())
    }

    fn publish_acked(
        &mut self,
        broker: &mut Broker,
        publish: &Publish<'_>,
        id: PacketId,
        message: Message,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        self.check_quota(broker)?;
        let kept = publish.is_retain.then(|| message.clone());
        let published = check_topic(broker, &message).and_then(|()| {
            self.ask(broker, |broker, session| {
                let published = broker.publish(session, Self::command(message))?;
                let retained = match (&published, kept) {
                    (Published::Refused, _) | (_, None) => Receipt::NONE,
                    (_, Some(message)) => broker.retain(session, &message)?,
                };
                Ok((published, retained))
            })
        });
        let (reason, receipt) = match published {
            Ok((Published::Accepted(receipt), retained)) => (Reason::SUCCESS, receipt.and(retained)),
            Ok((Published::Unroutable(_), retained)) => (Reason::NO_MATCHING_SUBSCRIBERS, retained),
            Ok((Published::Refused, _)) => (Reason::QUOTA_EXCEEDED, Receipt::NONE),
            Err(fault) => (self.refusal(fault)?, Receipt::NONE),
        };
        if reason.is_error() && !self.version.is_v5() {
            // There is no way to say no: the client keeps the message and sends it again (MQTT-3.3.5-2).
            return Err(Fault::new(reason, "the message was refused"));
        }
        self.answer(broker, receipt, Answer::Ack(Kind::PubAck, id, reason), out);
        Ok(())
    }

    fn publish_once(
        &mut self,
        broker: &mut Broker,
        publish: &Publish<'_>,
        id: PacketId,
        message: Message,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let session = self.session()?;
        let is_repeated = broker.taken_tokens(session).contains(&id.get());
        if !is_repeated {
            self.check_quota(broker)?;
        }
        let once = check_topic(broker, &message).and_then(|()| {
            self.ask(broker, |broker, session| {
                broker.publish_once(session, id.get(), Self::command(message), publish.is_retain)
            })
        });
        let (reason, receipt) = match once {
            // The same packet is answered the same each time it comes: that nobody subscribed is not remembered with its
            // identifier, and telling it is left to the server (MQTT 5 3.5.2.1).
            Ok(Once::Before(receipt) | Once::Published(Published::Unroutable(_), receipt)) => {
                (Reason::SUCCESS, receipt)
            }
            Ok(Once::Published(Published::Accepted(own), receipt)) => (Reason::SUCCESS, own.and(receipt)),
            Ok(Once::Published(Published::Refused, _)) => (Reason::QUOTA_EXCEEDED, Receipt::NONE),
            Err(fault) => (self.refusal(fault)?, Receipt::NONE),
        };
        if reason.is_error() && !self.version.is_v5() {
            return Err(Fault::new(reason, "the message was refused"));
        }
        self.answer(broker, receipt, Answer::Ack(Kind::PubRec, id, reason), out);
        Ok(())
    }

    /// Reason to answer a refused message with; what is not about the message ends the connection.
    fn refusal(&self, fault: Fault) -> Result<Reason, Fault> {
        let is_of_message = matches!(
            fault.reason,
            Reason::NOT_AUTHORIZED
                | Reason::QUOTA_EXCEEDED
                | Reason::IMPLEMENTATION_SPECIFIC_ERROR
                | Reason::UNSPECIFIED_ERROR
        );
        if is_of_message && self.version.is_v5() { Ok(fault.reason) } else { Err(fault) }
    }

    /// A client must not have more under way than it was told (MQTT-3.3.4-7).
    ///
    /// What an earlier connection left does not count: a client begins each with its whole quota (MQTT 5 4.9).
    fn check_quota(&self, broker: &Broker) -> Result<(), Fault> {
        let session = self.session()?;
        let taken = broker.taken_tokens(session).len();
        let most = usize::from(self.settings.receive_max);
        // A QoS 2 message is among the taken ones before its PUBREC leaves, and counts once.
        let answered_last = self.link.as_ref().map_or(0, |link| link.answers.last_of_publishes());
        let count = taken.saturating_sub(self.taken_before.into()) + answered_last as usize;
        let limit = match () {
            () if taken >= RELEASES_MAX => RELEASES_MAX,
            () if self.version.is_v5() && count >= most => most,
            () => return Ok(()),
        };
        let text = format!("more than {limit} messages are under way");
        Err(Fault::new(Reason::RECEIVE_MAXIMUM_EXCEEDED, text))
    }
}
