//! Messages: where to, what is kept, and the answer.

use std::{borrow::Cow, sync::Arc};

use bytes::BufMut;
use ternmq_broker::{
    AddressQueue, Broker, Error, Kind as Thing, MessageOrigin, Publish, Published, Receipt, SessionId,
    Target, Timing, Verb,
};
use ternmq_message::{Group, Map, Message, MessageBuilder, MessageMeta};

use super::{
    OpenWireSession,
    answer::Asked,
    branch::branch_fault,
    consume::key_of,
    temporary::is_advisory,
    transaction::{TransactionKey, key_of_transaction},
};
use crate::{
    codec::{Field, Incoming, Kind, Object, Primitive, Primitives, Stored, Value},
    error::{Fault, class},
    format::{ENCODING, group_of, neutral},
    translate::{MAX_PRIORITY, places, places_of},
};

/// Longest body that is built in the shared block; a longer one has a buffer of its own.
const BLOCK_BODY_BYTES: usize = 4 << 10;
/// Destinations that are remembered.
const MAX_TARGETS: usize = 16;
/// Longest time to live of a message: ten years.
const MAX_TTL_MS: u64 = 315_360_000_000;
/// Bytes that a client counts for a message beside its content and properties.
const WINDOW_BASE_BYTES: usize = 1_024;

/// A destination that was used before, so that its queues need not be made again.
struct KnownTarget {
    /// As it is kept.
    destination: Box<[u8]>,
    /// Messages to it are questions, and are answered instead of being sent.
    is_question: bool,
    all: Vec<Target>,
}

/// The last destinations used.
#[derive(Default)]
pub(super) struct Targets {
    known: Vec<Arc<KnownTarget>>,
    next: usize,
}

impl Targets {
    fn note(&mut self, known: Arc<KnownTarget>) {
        if self.known.len() < MAX_TARGETS {
            self.known.push(known);
        } else if let Some(place) = self.known.get_mut(self.next) {
            *place = known;
            self.next = (self.next + 1) % MAX_TARGETS;
        }
    }
}

/// What is known of a message beside its bytes.
struct Facts {
    meta: MessageMeta,
    group: Option<Group>,
    transaction: Option<TransactionKey>,
    origin: Option<MessageOrigin>,
    is_retained: bool,
    /// Properties that say when it is sent.
    scheduling: Map,
    /// Bytes of a producer's window that it took, if its producer has one, and the producer.
    window: Option<(Object<'static>, usize)>,
}

fn too_long() -> Fault {
    Fault::new(class::INVALID_DESTINATION, "the destination or the properties are too long")
}

impl OpenWireSession {
    pub(super) fn on_message(
        &mut self,
        broker: &mut Broker,
        message: &mut Incoming<'_>,
        body: &[u8],
        asked: Asked,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let transaction = message.transaction.as_deref().map(key_of_transaction).transpose()?;
        let sent = self.read_and_send(broker, message, body, transaction.clone());
        match sent {
            Ok((Some(receipt), facts)) => {
                self.give_window(asked, &facts, out);
                self.promise(broker, asked, receipt, out);
                Ok(())
            }
            // The first one may not be durable yet.
            Ok((None, facts)) => {
                self.give_window(asked, &facts, out);
                self.promise_all(asked);
                Ok(())
            }
            Err(fault) => {
                if asked.0.is_none() {
                    self.spoil(broker, transaction.as_ref());
                }
                Err(fault)
            }
        }
    }

    /// Answers what has to be durable first; `None` for a message that came already.
    fn read_and_send(
        &mut self,
        broker: &mut Broker,
        message: &mut Incoming<'_>,
        body: &[u8],
        transaction: Option<TransactionKey>,
    ) -> Result<(Option<Receipt>, Facts), Fault> {
        if !self.is_publisher
            && let Some(connection) = self.connection
        {
            self.is_publisher = true;
            broker.note_publisher(connection);
        }
        stamp(broker, message);
        if message.stored().number(Field::Priority) > i64::from(MAX_PRIORITY) {
            message.set(Field::Priority, &Value::Byte(MAX_PRIORITY));
        }
        if broker.intake().tells_user {
            message.set(Field::UserId, &self.told_user(broker));
        }
        let facts = self.read_facts(broker, message, transaction)?;
        if self.came_already(broker, &facts) {
            return Ok((None, facts));
        }
        let known = self.target(broker, &message.stored())?;
        if known.is_question {
            self.answer_question(broker, &message.stored())?;
            return Ok((Some(Receipt::NONE), facts));
        }
        let receipt = self.send_to_all(broker, &known, message.buffer(), body, &facts)?;
        Ok((Some(receipt), facts))
    }

    /// The user as messages tell it, where the broker's owner wants that.
    fn told_user(&self, broker: &Broker) -> Value<'static> {
        let user = self.connection.and_then(|connection| broker.connection_user(connection));
        user.map_or(Value::None, |user| Value::Text(Cow::Owned(user.to_string())))
    }

    /// Whether a message is one that its client sends again although it came. In a branch it never is: what a branch had
    /// is lost with the connection, or the branch is prepared and says so itself.
    fn came_already(&self, broker: &Broker, facts: &Facts) -> bool {
        self.resend.is_resending
            && !matches!(facts.transaction, Some(TransactionKey::Branch(_)))
            && facts.origin.is_some_and(|origin| broker.is_resent(origin))
    }

    fn read_facts(
        &mut self,
        broker: &mut Broker,
        incoming: &Incoming<'_>,
        transaction: Option<TransactionKey>,
    ) -> Result<Facts, Fault> {
        let (message, content_bytes) = (&incoming.stored(), incoming.content.map_or(0, <[u8]>::len));
        let max = broker.limits().max_message_bytes;
        if content_bytes as u64 > max {
            let text = format!("The message has {content_bytes} bytes, more than the limit of {max}");
            return Err(Fault::new(class::RESOURCE, text));
        }
        if message.kind() == Kind::BlobMessage && message.text(Field::RemoteBlobUrl).is_none() {
            return Err(Fault::new(class::JMS, "a blob message has no address of its content"));
        }
        let bytes = message.bytes(Field::MarshalledProperties).unwrap_or_default();
        let (is_retained, scheduling) = check_properties(broker, bytes)?;
        let now_ms = broker.time_ms();
        let ttl_ms = match u64::try_from(message.number(Field::Expiration)) {
            Ok(0) | Err(_) => None,
            Ok(at_ms) => Some(at_ms.saturating_sub(now_ms).min(MAX_TTL_MS)),
        };
        let priority = u8::try_from(message.number(Field::Priority)).unwrap_or_default().min(MAX_PRIORITY);
        Ok(Facts {
            meta: MessageMeta {
                encoding: ENCODING,
                is_durable: message.is(Field::Persistent),
                priority,
                ttl_ms,
            },
            group: group_of(message),
            transaction,
            origin: self.origin(broker, message),
            is_retained,
            scheduling,
            window: self.window_of(message, WINDOW_BASE_BYTES + content_bytes + bytes.len()),
        })
    }

    /// The producer of a message when it has a window, with the bytes that the message takes of it.
    fn window_of(&self, message: &Stored<'_>, bytes: usize) -> Option<(Object<'static>, usize)> {
        if !self.producers.values().any(|has_window| *has_window) {
            return None;
        }
        let producer = message.object(Field::ProducerId)?;
        let has_window = self.producers.get(&key_of(&producer)) == Some(&true);
        has_window.then(|| (producer.into_owned(), bytes))
    }

    /// Where a destination leads; its queues are made when it is new to this connection.
    fn target(&mut self, broker: &mut Broker, message: &Stored<'_>) -> Result<Arc<KnownTarget>, Fault> {
        let raw = message.raw(Field::Destination);
        let known = self.targets.known.iter().find(|known| *known.destination == *raw);
        if let Some(known) = known {
            return Ok(known.clone());
        }
        let dialect = broker.dialect().clone();
        let known = places(&*dialect)?;
        let missing = || Fault::new(class::JMS, format!("{:?} has no Destination", message.kind()));
        let asked = places_of(&message.object(Field::Destination).ok_or_else(missing)?)?;
        if let [place] = asked.as_slice()
            && known.question_of(place).is_some()
        {
            let known = KnownTarget { destination: raw.into(), is_question: true, all: Vec::new() };
            return Ok(Arc::new(known));
        }
        let mut all = Vec::new();
        for place in asked {
            if is_advisory(&place) {
                return Err(Fault::new(class::SECURITY, "advisory topics are the broker's own"));
            }
            all.push(known.target_of(&place)?);
        }
        for target in &all {
            self.prepare(broker, target)?;
        }
        let known = Arc::new(KnownTarget { destination: raw.into(), is_question: false, all });
        self.targets.note(known.clone());
        Ok(known)
    }

    /// Makes the queue that a target needs. That it is durable need not be waited for: a message's record comes after its
    /// queue's.
    pub(super) fn prepare(&self, broker: &mut Broker, target: &Target) -> Result<(), Fault> {
        let session = self.session.ok_or_else(Fault::gone)?;
        let made = match &target.queue {
            None | Some(AddressQueue::Existing(_)) => Ok(()),
            Some(AddressQueue::Declared(spec)) => broker.declare_queue(session, spec.clone()).map(drop),
            Some(AddressQueue::OnUse(spec)) => {
                broker.ensure_queue(session, spec.clone(), Verb::Write).map(drop)
            }
            Some(AddressQueue::Own(name)) => broker.ensure_private_queue(session, name),
        };
        made.map_err(|error| Fault::of(&error, &**broker.dialect()))
    }

    fn send_to_all(
        &mut self,
        broker: &mut Broker,
        known: &KnownTarget,
        head: &[u8],
        body: &[u8],
        facts: &Facts,
    ) -> Result<Receipt, Fault> {
        let session = self.session.ok_or_else(Fault::gone)?;
        if known.all.len() > 1 {
            // It goes to none of them when one may not be sent to.
            for Target { node, key, .. } in &known.all {
                let may = broker.check_publish(session, node, key, None);
                may.map_err(|error| Fault::of(&error, &**broker.dialect()))?;
            }
        }
        if facts.transaction.is_none() && facts.origin.is_some() && known.all.len() > 1 {
            // All of it is known to have come, or nothing is there.
            let (sent, receipt) = broker.together(|broker| self.send_each(broker, known, head, body, facts));
            return Ok(sent?.and(receipt));
        }
        self.send_each(broker, known, head, body, facts)
    }

    fn send_each(
        &mut self,
        broker: &mut Broker,
        known: &KnownTarget,
        head: &[u8],
        body: &[u8],
        facts: &Facts,
    ) -> Result<Receipt, Fault> {
        let (mut receipt, mut is_refused) = (Receipt::NONE, false);
        for target in &known.all {
            let message = build(broker, target, head, body, facts.meta)?.in_group(facts.group);
            match self.pass_on(broker, target, message, facts)? {
                Some(sent) => receipt = receipt.and(sent),
                None => is_refused = true,
            }
        }
        if is_refused {
            return Err(Fault::new(class::RESOURCE, "A queue is full and refused the message"));
        }
        Ok(receipt)
    }

    /// Stages a message for one target, or sends it; `None` when a queue that it should have gone to is full.
    fn pass_on(
        &mut self,
        broker: &mut Broker,
        target: &Target,
        message: Message,
        facts: &Facts,
    ) -> Result<Option<Receipt>, Fault> {
        let session = self.session.ok_or_else(Fault::gone)?;
        let (origin, timing) = (facts.origin, timing_of(broker, target, facts)?);
        match &facts.transaction {
            Some(TransactionKey::Local(key)) => {
                let session = self.transaction(*key)?.session;
                let _staged = publish(broker, session, message, &timing, origin)?;
                return Ok(Some(Receipt::NONE));
            }
            Some(TransactionKey::Branch(branch)) => {
                let publish = Publish { message, extra_keys: &[], claimed_user: None };
                let staged = match timing {
                    Timing::Now => broker.publish_in_branch(session, branch, publish, origin),
                    Timing::Later(schedule) => {
                        broker.publish_later_in_branch(session, branch, publish, schedule, origin)
                    }
                    // It would be carried out at once, whatever becomes of the branch.
                    Timing::Order(_) => {
                        let what = "orders about scheduled messages in distributed transactions";
                        return Err(Fault::absent(what));
                    }
                };
                match staged {
                    Ok(_) => {}
                    Err(error) if self.is_said_again(&error) => {}
                    Err(error) => return Err(branch_fault(&error, branch, broker)),
                }
                return Ok(Some(Receipt::NONE));
            }
            None => {}
        }
        let kept = facts.is_retained.then(|| message.clone());
        let mut published = publish(broker, session, message, &timing, origin)?;
        if let Published::Unroutable(message) = published {
            published = match &target.queue {
                None => Published::Unroutable(message),
                Some(AddressQueue::Existing(name)) => return Err(no_queue(broker, name)),
                // Its queue went after this connection had made it: once more.
                Some(_) => {
                    self.prepare(broker, target)?;
                    publish(broker, session, message, &timing, origin)?
                }
            };
        }
        let retained = match kept {
            Some(message) => {
                let done = broker.retain(session, &message);
                done.map_err(|error| Fault::of(&error, &**broker.dialect()))?
            }
            None => Receipt::NONE,
        };
        Ok(match published {
            Published::Accepted(receipt) => Some(receipt.and(retained)),
            // Nobody wanted it: that is no error.
            Published::Unroutable(_) => Some(retained),
            Published::Refused => None,
        })
    }

    /// A producer with a window gets back the room that a message took, unless the answer says it.
    fn give_window(&mut self, asked: Asked, facts: &Facts, out: &mut Vec<u8>) {
        let Some((producer, bytes)) = facts.window.as_ref().filter(|_| asked.0.is_none()) else { return };
        let ack = Object::new(Kind::ProducerAck)
            .with_object(Field::ProducerId, Arc::new(producer.clone()))
            .with(Field::Size, Value::Int(i32::try_from(*bytes).unwrap_or(i32::MAX)));
        self.send(&ack, out);
    }
}

/// Looks through the properties of a message, which have to be readable. Answers whether the message is to be retained, and
/// what says when it is sent.
fn check_properties(broker: &Broker, bytes: &[u8]) -> Result<(bool, Map), Fault> {
    if bytes.is_empty() {
        return Ok((false, Map::new()));
    }
    let bad = |error| Fault::new(class::JMS, format!("the properties of the message can't be read: {error}"));
    let map = Primitives::read(bytes).map_err(bad)?;
    let words = broker.dialect().schedule_words();
    let scheduling =
        map.entries.iter().rev().filter(|(name, _)| words.is_some_and(|words| words.is_one(name)));
    let scheduling: Map = scheduling.map(|(name, value)| (Arc::from(&**name), neutral(value))).collect();
    let retain = broker.dialect().addresses().and_then(|known| known.words().retain);
    let is_retained = retain.and_then(|name| map.get(name)).is_some_and(|value| match value {
        Primitive::Bool(truth) => *truth,
        Primitive::Text(text) => *text == Cow::Borrowed("true"),
        _ => false,
    });
    if is_retained && !scheduling.is_empty() {
        return Err(Fault::absent("scheduled messages that are retained"));
    }
    Ok((is_retained, scheduling))
}

/// What the broker's owner wants of every message is said in it too.
fn stamp(broker: &Broker, message: &mut Incoming<'_>) {
    let intake = *broker.intake();
    let stored = message.stored();
    let number = |field| u64::try_from(stored.number(field)).unwrap_or_default();
    let (made, expires) = (number(Field::Timestamp), number(Field::Expiration));
    if let Some((made, expires)) = intake.stamp(broker.time_ms(), made, expires) {
        let long = |ms| Value::Long(i64::try_from(ms).unwrap_or(i64::MAX));
        message.set(Field::Timestamp, &long(made));
        message.set(Field::Expiration, &long(expires));
    }
    if let Some(is_durable) = intake.is_durable {
        message.set(Field::Persistent, &Value::Bool(is_durable));
    }
}

pub(super) fn publish(
    broker: &mut Broker,
    session: SessionId,
    message: Message,
    timing: &Timing,
    origin: Option<MessageOrigin>,
) -> Result<Published, Fault> {
    let publish = Publish { message, extra_keys: &[], claimed_user: None };
    let published = broker.publish_timed(session, publish, timing, origin);
    published.map_err(|error| Fault::of(&error, &**broker.dialect()))
}

/// When a message for a target is sent.
fn timing_of(broker: &Broker, target: &Target, facts: &Facts) -> Result<Timing, Fault> {
    let Some(words) = broker.dialect().schedule_words() else { return Ok(Timing::Now) };
    let get = |name: &str| {
        let found = facts.scheduling.iter().find(|(known, _)| **known == *name);
        found.map(|(_, value)| value.clone())
    };
    let timing = words.read(&target.node, &target.key, &get);
    timing.map_err(|error| Fault::new(class::MESSAGE_FORMAT, error.to_string()))
}

/// A message for one target. A small one is built straight in the broker's block.
pub(super) fn build(
    broker: &mut Broker,
    Target { node, key, .. }: &Target,
    head: &[u8],
    body: &[u8],
    meta: MessageMeta,
) -> Result<Message, Fault> {
    if body.len() > BLOCK_BODY_BYTES {
        return Message::new(node, key, head, body, meta, None).map_err(|_| too_long());
    }
    let mut room = broker.room(node.len() + key.len() + head.len() + body.len());
    let lens = MessageBuilder::start(&mut room, node, key, head).map_err(|_| too_long())?;
    room.put_slice(body);
    Ok(lens.finish(room.freeze(), meta))
}

fn no_queue(broker: &Broker, name: &Arc<str>) -> Fault {
    let error = Error::NotFound { kind: Thing::Queue, name: name.clone(), namespace: Arc::default() };
    Fault::of(&error, &**broker.dialect())
}
