//! What the broker tells of itself, as ActiveMQ's advisory messages: a message without a body of its own whose data structure
//! is the command that the news is about (`ConnectionInfo`, `ConsumerInfo`, `ProducerInfo`, `DestinationInfo`, `RemoveInfo`).
//! Who speaks another protocol finds the same in the body, as JSON.

use std::sync::Arc;

use ternmq_broker::{
    Change, ConnectionId, Deliver, DeliveryId, Dialect, Event, EventConnection, EventConsumer, EventMessage,
    EventPlace, EventProducer, Fate, Herald, Place, Teller,
};
use ternmq_message::{Message, MessageMeta};

use crate::{
    codec::{Field, Kind, Object, Primitive, Primitives, Value},
    format::{ENCODING, take_apart},
    json::{json_of, text_of},
    translate::{Known, destination_of, message_of, places},
};

/// The type of every message that tells news.
const ADVISORY: &str = "Advisory";
/// What is done with a destination.
pub(crate) const ADD: u8 = 0;
pub(crate) const REMOVE: u8 = 1;

/// Tells events as OpenWire does.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenWireHerald;

/// Where news come from.
pub(crate) struct Origin<'a> {
    /// Name of the broker.
    pub(crate) broker: &'a str,
    /// Where its client came to, where one is the cause.
    pub(crate) local: Option<std::net::SocketAddr>,
}

/// An advisory message on a topic.
pub(crate) fn advisory(
    dialect: &dyn Dialect,
    origin: &Origin<'_>,
    topic: &str,
    told: Object<'static>,
    more: Vec<(&'static str, Primitive<'static>)>,
) -> Option<Message> {
    // A consumer of several topics has wildcards in the name of its advisory topic.
    let (node, key) = match places(dialect).ok()?.target_of(&Place::Topic(topic.into())) {
        Ok(target) => (target.node, target.key),
        Err(_) => (dialect.topic_node().into(), topic.into()),
    };
    let url = match origin.local {
        Some(local) => format!("tcp://{local}"),
        None => format!("vm://{}", origin.broker),
    };
    let text = |text: String| Primitive::Text(text.into());
    let mut properties = Primitives::default()
        .with("originBrokerId", text(broker_id(origin.broker)))
        .with("originBrokerName", text(origin.broker.to_owned()))
        .with("originBrokerURL", text(url));
    for (name, value) in more {
        properties = properties.with(name, value);
    }
    let body = json_of(&told);
    let message = Object::new(Kind::Message)
        .with_object(Field::Destination, Arc::new(destination_of(&Place::Topic(topic.into()))))
        .with_text(Field::Type, ADVISORY)
        .with(Field::MarshalledProperties, Value::Bytes(properties.to_bytes().into()))
        .with_object(Field::DataStructure, Arc::new(told));
    let (head, _) = take_apart(message);
    let meta = MessageMeta { encoding: ENCODING, ..MessageMeta::default() };
    Message::new(&node, &key, &head, body.as_bytes(), meta, None).ok()
}

/// The id by which clients know a broker of a name.
pub(crate) fn broker_id(broker: &str) -> String {
    format!("ID:{broker}")
}

/// The id of a connection as it is told: its client's own, or one that is made up.
fn connection_id(broker: &str, connection: &EventConnection) -> String {
    let ConnectionId { index, generation } = connection.id;
    let own = connection.own_id.as_deref();
    own.map_or_else(|| format!("ID:{broker}-{index}-{generation}"), str::to_owned)
}

fn id_of_connection(broker: &str, connection: &EventConnection) -> Object<'static> {
    Object::new(Kind::ConnectionId).with_text(Field::Value, connection_id(broker, connection))
}

/// The id of a consumer or producer, which reads `CONNECTION:SESSION:NUMBER`.
fn id_of(kind: Kind, text: &str) -> Option<Object<'static>> {
    let (rest, number) = text.rsplit_once(':')?;
    let (connection, session) = rest.rsplit_once(':')?;
    Some(
        Object::new(kind)
            .with_text(Field::ConnectionId, connection.to_owned())
            .with(Field::SessionId, Value::Long(session.parse().ok()?))
            .with(Field::Value, Value::Long(number.parse().ok()?)),
    )
}

fn id_of_consumer(broker: &str, consumer: &EventConsumer) -> Option<Object<'static>> {
    match &consumer.own_id {
        Some(own) => id_of(Kind::ConsumerId, own),
        None => {
            let connection = connection_id(broker, &consumer.connection);
            id_of(Kind::ConsumerId, &format!("{connection}:{}:{}", consumer.id.generation, consumer.id.index))
        }
    }
}

fn removal(id: Object<'static>) -> Object<'static> {
    Object::new(Kind::RemoveInfo)
        .with_object(Field::ObjectId, Arc::new(id))
        .with(Field::LastDeliveredSequenceId, Value::Long(UNKNOWN))
}

/// The last delivery of what is removed, where nobody says it.
const UNKNOWN: i64 = -2;

fn destination(dialect: &dyn Dialect, place: &EventPlace) -> Option<Arc<Object<'static>>> {
    Some(Arc::new(destination_of(&places(dialect).ok()?.place_of(&place.node, &place.key))))
}

fn connection_info(broker: &str, connection: &EventConnection) -> Object<'static> {
    let id = connection_id(broker, connection);
    let client = connection.client.as_deref().unwrap_or(&id).to_owned();
    let peer = connection.peer.map(|peer| format!("tcp://{peer}")).unwrap_or_default();
    // There is a field for the password, and nothing to put in.
    Object::new(Kind::ConnectionInfo)
        .with_object(Field::ConnectionId, Arc::new(id_of_connection(broker, connection)))
        .with_text(Field::ClientId, client)
        .with_text(Field::UserName, connection.user.to_string())
        .with_text(Field::ClientIp, peer)
}

fn consumer_info(broker: &str, dialect: &dyn Dialect, consumer: &EventConsumer) -> Option<Object<'static>> {
    let client = consumer.connection.client.as_deref();
    let mut info = Object::new(Kind::ConsumerInfo)
        .with_object(Field::ConsumerId, Arc::new(id_of_consumer(broker, consumer)?))
        .with_object(Field::Destination, destination(dialect, &consumer.place)?)
        .with(Field::PrefetchSize, Value::Int(i32::try_from(consumer.window).unwrap_or(i32::MAX)))
        .with(Field::DispatchAsync, Value::Bool(true))
        .with(Field::NoLocal, Value::Bool(consumer.skips_own))
        .with(Field::Exclusive, Value::Bool(consumer.is_exclusive))
        .with(Field::Priority, Value::Byte(priority(consumer.priority)));
    if let Some(selector) = &consumer.selector {
        info = info.with_text(Field::Selector, selector.to_string());
    }
    if let Some(client) = client {
        info = info.with_text(Field::ClientId, client.to_owned());
    }
    if let Some(name) = places(dialect).ok()?.durable_name(&consumer.queue) {
        info = info.with_text(Field::SubscriptionName, name);
    }
    Some(info)
}

/// A priority as one byte has it.
fn priority(priority: i32) -> u8 {
    i8::try_from(priority).unwrap_or(if priority < 0 { i8::MIN } else { i8::MAX }).cast_unsigned()
}

fn producer_info(dialect: &dyn Dialect, producer: &EventProducer) -> Option<Object<'static>> {
    Some(
        Object::new(Kind::ProducerInfo)
            .with_object(Field::ProducerId, Arc::new(id_of(Kind::ProducerId, &producer.own_id)?))
            .with_object(Field::Destination, destination(dialect, &producer.place)?)
            .with(Field::WindowSize, Value::Int(i32::try_from(producer.window_bytes).unwrap_or(i32::MAX))),
    )
}

/// A number of consumers or producers.
fn count_of(count: u64) -> Primitive<'static> {
    Primitive::Int(i32::try_from(count).unwrap_or(i32::MAX))
}

/// The text of an id of a consumer.
fn text_of_consumer(broker: &str, consumer: &EventConsumer) -> Option<String> {
    text_of(&id_of_consumer(broker, consumer)?)
}

/// A message without its body, as it is told of, and what is told beside.
fn message_told(
    teller: &Teller<'_>,
    fate: Fate,
    event: &EventMessage,
) -> Option<(Object<'static>, Vec<(&'static str, Primitive<'static>)>)> {
    let deliver = Deliver {
        session_label: 0,
        consumer_label: 0,
        delivery: DeliveryId(0),
        seq: event.seq,
        message: event.message.clone(),
        is_redelivered: false,
        failed_count: None,
        failures: 0,
        expires_at_ms: event.expires_at_ms,
        is_group_first: false,
    };
    let known = Known { dialect: teller.dialect, formats: teller.formats };
    let mut told = message_of(&known, &deliver, &event.queue).into_owned();
    told.take(Field::Content);
    let own = places(teller.dialect).ok()?;
    let place = match own.place_of("", &event.queue) {
        Place::Queue(name) if teller.dialect.is_reserved(&name) => {
            own.place_of(event.message.node(), event.message.key())
        }
        place => place,
    };
    let destination = destination_of(&place);
    let mut more = Vec::new();
    let mut text = |name, text: Option<String>| {
        more.extend(text.map(|text| (name, Primitive::Text(text.into()))));
    };
    if fate != Fate::Buried {
        // ActiveMQ spells them so.
        text("orignalMessageId", told.object(Field::MessageId).and_then(|id| text_of(id)));
    }
    if fate == Fate::PushedOut {
        text("orignalDestination", text_of(&destination));
        let consumer = event.consumer.as_ref();
        text("consumerId", consumer.and_then(|consumer| text_of_consumer(teller.node_name, consumer)));
    }
    told.set(Field::Destination, Value::Object(Arc::new(destination)));
    Some((told, more))
}

impl Herald for OpenWireHerald {
    fn message(&self, teller: &Teller<'_>, event: &Event, (_, topic): (&str, &str)) -> Option<Message> {
        let (dialect, broker) = (teller.dialect, teller.node_name);
        let (told, connection, more) = match event {
            Event::Connection(Change::Come, connection) => {
                (connection_info(broker, connection), Some(connection), Vec::new())
            }
            Event::Connection(Change::Gone, connection) => {
                (removal(id_of_connection(broker, connection)), Some(connection), Vec::new())
            }
            Event::Consumer(change, consumer, count) => {
                let told = match change {
                    Change::Come => consumer_info(broker, dialect, consumer)?,
                    Change::Gone => removal(id_of_consumer(broker, consumer)?),
                };
                (told, Some(&consumer.connection), vec![("consumerCount", count_of(*count))])
            }
            Event::Producer(change, producer, count) => {
                let told = match change {
                    Change::Come => producer_info(dialect, producer)?,
                    Change::Gone => removal(id_of(Kind::ProducerId, &producer.own_id)?),
                };
                (told, Some(&producer.connection), vec![("producerCount", count_of(*count))])
            }
            Event::Place(change, place, cause) => {
                let operation = if *change == Change::Come { ADD } else { REMOVE };
                let mut told = Object::new(Kind::DestinationInfo)
                    .with_object(Field::Destination, destination(dialect, place)?)
                    .with(Field::OperationType, Value::Byte(operation));
                if let Some(cause) = cause {
                    told = told.with_object(Field::ConnectionId, Arc::new(id_of_connection(broker, cause)));
                }
                (told, cause.as_ref(), Vec::new())
            }
            Event::Slow(consumer) => {
                let id = text_of_consumer(broker, consumer)?;
                let told = consumer_info(broker, dialect, consumer)?;
                (told, Some(&consumer.connection), vec![("consumerId", Primitive::Text(id.into()))])
            }
            Event::Message(fate, message) => {
                let (told, more) = message_told(teller, *fate, message)?;
                (told, None, more)
            }
        };
        let origin = Origin { broker, local: connection.and_then(|connection| connection.local) };
        advisory(dialect, &origin, topic, told, more)
    }
}
