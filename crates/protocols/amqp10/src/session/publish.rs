//! A whole message: where to, and what is told of it (guarantees 3).

use std::sync::Arc;

use bytes::BufMut;
use ternmq_broker::{
    AddressQueue, Broker, Error, Publish, Published, Receipt, ScheduleError, SessionId, Target, Timing, Verb,
};
use ternmq_message::{Group, Map, Message, MessageBuilder, MessageMeta, Value};

use super::{
    Amqp10Session,
    attach::open_queue,
    close::addresses,
    line::{Way, Where},
    transaction::controller_of,
    transfer::Whole,
};
use crate::{
    codec::{
        DeliveryState, Value as Wire,
        message::{BodyKind, Said, Sections, map_of},
    },
    error::{Fault, condition},
    format::{ENCODING, Head, annotation, capabilities_of, copies, header_of, neutral},
};

/// Longest message that is built in the shared block; a longer one has a buffer of its own.
const BLOCK_BYTES: usize = 4 << 10;

/// What the core acts on of a message, and where it goes.
struct Facts {
    /// With the queue that is made when there is none.
    target: Arc<Target>,
    meta: MessageMeta,
    group: Option<Group>,
    claimed_user: Option<Arc<str>>,
    extra_keys: Vec<Arc<str>>,
    /// Headers that say when it is sent.
    scheduling: Map,
    /// The message says itself where it goes: what is wrong with that is its own fault, not the link's.
    is_addressed: bool,
}

/// Why a message is not taken.
enum Refusal {
    /// The link ends.
    Link(Fault),
    /// The message is rejected, the link goes on.
    Message(Fault),
}

impl Amqp10Session {
    pub(super) fn on_message(
        &mut self,
        broker: &mut Broker,
        channel: u16,
        handle: u32,
        whole: &Whole<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let link = self.line_mut(channel).and_then(|line| line.links.get(&handle));
        let way = link.map(|link| &link.way);
        if let Some(controller) = controller_of(way) {
            return self.on_control(broker, (channel, handle), controller, whole, out);
        }
        if let Some(Way::In(incoming)) = way
            && matches!(incoming.place, Where::Definitions)
        {
            return self.on_request(broker, channel, handle, whole, out);
        }
        if !self.is_publisher
            && let Some(connection) = self.connection
        {
            self.is_publisher = true;
            broker.note_publisher(connection);
        }
        match (self.publish(broker, channel, handle, whole), whole.transaction) {
            (Ok(Published::Accepted(_)), Some(id)) => {
                self.tell_staged(channel, whole, id, DeliveryState::Accepted, out);
                Ok(())
            }
            (Ok(Published::Unroutable(_)), Some(id)) => {
                self.tell_staged(channel, whole, id, DeliveryState::Released, out);
                Ok(())
            }
            (Ok(Published::Accepted(receipt)), None) => {
                if !whole.is_settled
                    && let Some(line) = self.line_mut(channel)
                {
                    line.owe_acceptance(whole.delivery_id, !whole.is_second, receipt);
                }
                Ok(())
            }
            (Ok(Published::Refused), _) => {
                let text = "a queue is full and refused the message";
                let fault = Fault::link(condition::RESOURCE_LIMIT_EXCEEDED, text);
                let state = DeliveryState::Rejected { error: Some(fault.info()) };
                self.tell_publisher(channel, whole, state, out);
                Ok(())
            }
            (Ok(Published::Unroutable(_)), None) => {
                self.tell_publisher(channel, whole, DeliveryState::Released, out);
                Ok(())
            }
            // A sender that wants to hear nothing of its messages hears it by the end of its link.
            (Err(Refusal::Message(fault)), _) if !whole.is_settled => {
                let state = DeliveryState::Rejected { error: Some(fault.info()) };
                self.tell_publisher(channel, whole, state, out);
                Ok(())
            }
            (Err(Refusal::Message(fault) | Refusal::Link(fault)), id) => {
                self.spoil(id);
                Err(fault)
            }
        }
    }

    fn publish(
        &mut self,
        broker: &mut Broker,
        channel: u16,
        handle: u32,
        whole: &Whole<'_>,
    ) -> Result<Published, Refusal> {
        let (sections, said) = Sections::split_and_read(whole.payload).map_err(|error| {
            Refusal::Link(Fault::link(condition::DECODE_ERROR, format!("the message can't be read: {error}")))
        })?;
        let mut head = std::mem::take(&mut self.scratch);
        head.clear();
        let facts = self.facts(broker, channel, handle, &sections, &said);
        let built = facts.and_then(|facts| {
            Head::write(&sections, &mut head);
            let message = build(broker, &facts, &head, &sections).ok_or_else(|| {
                Refusal::Message(Fault::link(condition::INVALID_FIELD, "a name or a key is too long"))
            })?;
            Ok((facts, message))
        });
        self.scratch = head;
        let (facts, message) = built?;
        let timing = timing_of(broker, &facts)
            .map_err(|error| Refusal::Message(Fault::link(condition::INVALID_FIELD, error.to_string())))?;
        let passed = match whole.transaction {
            Some(id) => {
                let staging = self.staging(id).map_err(Refusal::Message)?;
                stage(broker, staging, &self.namespace, message, &facts, &timing)
            }
            None => {
                let line = self.line_mut(channel).ok_or_else(|| Refusal::Link(Fault::gone()))?;
                let core = line.core;
                pass_on(broker, core, &self.namespace, message, &facts, &timing)
            }
        };
        passed.map_err(|error| {
            let fault = Fault::of(&error, &**broker.dialect());
            if facts.is_addressed { Refusal::Message(fault) } else { Refusal::Link(fault) }
        })
    }

    fn facts(
        &mut self,
        broker: &Broker,
        channel: u16,
        handle: u32,
        sections: &Sections<'_>,
        Said { header, properties }: &Said<'_>,
    ) -> Result<Facts, Refusal> {
        let link = self.line_mut(channel).and_then(|line| line.links.get(&handle));
        let Some(Way::In(incoming)) = link.map(|link| &link.way) else {
            return Err(Refusal::Link(Fault::gone()));
        };
        let (target, is_addressed) = match &incoming.place {
            Where::Place(target) => (target.clone(), false),
            Where::Node(node) => {
                let key = properties.subject.unwrap_or_default().into();
                (Arc::new(Target { node: node.clone(), key, queue: None }), false)
            }
            Where::Definitions | Where::Coordinator(_) => return Err(Refusal::Link(Fault::gone())),
            Where::Anonymous => {
                let dialect = broker.dialect();
                let missing = || {
                    let text = "anonymous terminus requires 'to' address to be set";
                    Refusal::Message(Fault::link(condition::PRECONDITION_FAILED, text))
                };
                let to = properties.to.ok_or_else(missing)?;
                let annotations = map_of(sections.message_annotations);
                let kind = capabilities_of(&annotations, annotation::DESTINATION);
                let target = addresses(&**dialect).map_err(Refusal::Link)?.message_target(to, kind).map_err(
                    |error| Refusal::Message(Fault::link(condition::PRECONDITION_FAILED, error.text)),
                )?;
                (Arc::new(target), true)
            }
        };
        let claimed_user = match properties.user_id {
            None => None,
            Some(user) => Some(std::str::from_utf8(user).map(Arc::from).map_err(|_| {
                Refusal::Link(Fault::link(condition::INVALID_FIELD, "user-id is no user's name"))
            })?),
        };
        let extra_keys = match sections.message_annotations {
            [] => Vec::new(),
            annotations => copies(annotations).map_err(|()| {
                let text = "bad value for 'x-cc' message-annotation: it has to be a list of strings";
                Refusal::Message(Fault::link(condition::INVALID_FIELD, text))
            })?,
        };
        let meta = MessageMeta {
            encoding: ENCODING,
            is_durable: header.durable.unwrap_or_default(),
            priority: header.priority.unwrap_or_default(),
            ttl_ms: header.ttl.map(u64::from),
        };
        // JMS' numbers below 0 come as those from 2^31 on.
        let number = i64::from(properties.group_sequence.unwrap_or_default().cast_signed());
        let has_groups = broker.dialect().link_addresses().is_some_and(|known| known.group_words().is_some());
        let name = properties.group_id.filter(|name| has_groups && !name.is_empty());
        let group = name.map(|name| Group::numbered(name, number));
        let scheduling = scheduling(broker, sections);
        Ok(Facts { target, meta, group, claimed_user, extra_keys, scheduling, is_addressed })
    }
}

/// Publishes a message; where its queue is made on use and there is none, once more after that.
fn pass_on(
    broker: &mut Broker,
    core: SessionId,
    namespace: &Arc<str>,
    message: Message,
    facts: &Facts,
    timing: &Timing,
) -> Result<Published, Error> {
    let publish = |broker: &mut Broker, message| {
        let claimed_user = facts.claimed_user.as_deref();
        let publish = Publish { message, extra_keys: &facts.extra_keys, claimed_user };
        broker.publish_timed(core, publish, timing, None)
    };
    let mut published = publish(broker, message)?;
    if let (Published::Unroutable(message), Some(queue @ AddressQueue::OnUse(_))) =
        (&published, &facts.target.queue)
    {
        let message = message.clone();
        open_queue(broker, core, namespace, queue, Verb::Write)?;
        published = publish(broker, message)?;
    }
    Ok(match published {
        Published::Unroutable(_) if drops(broker, facts) => Published::Accepted(Receipt::NONE),
        other => other,
    })
}

/// Whether what nobody wants is taken and dropped.
fn drops(broker: &Broker, facts: &Facts) -> bool {
    broker.dialect().link_addresses().is_some_and(|known| known.drops_unwanted(&facts.target.node))
}

/// Stages a message in the session of a transaction, or answers that nobody wants it.
fn stage(
    broker: &mut Broker,
    staging: SessionId,
    namespace: &Arc<str>,
    message: Message,
    facts: &Facts,
    timing: &Timing,
) -> Result<Published, Error> {
    if let Some(queue @ AddressQueue::OnUse(_)) = &facts.target.queue {
        open_queue(broker, staging, namespace, queue, Verb::Write)?;
    }
    let is_wanted = *timing != Timing::Now || broker.is_wanted(staging, &message, &facts.extra_keys)?;
    if !is_wanted && !drops(broker, facts) {
        return Ok(Published::Unroutable(message));
    }
    let claimed_user = facts.claimed_user.as_deref();
    let publish = Publish { message, extra_keys: &facts.extra_keys, claimed_user };
    broker.publish_timed(staging, publish, timing, None)
}

/// What of a message says when it is sent: annotations, and properties of the same meaning. An annotation that says nothing
/// is none (as ActiveMQ has it).
fn scheduling(broker: &Broker, sections: &Sections<'_>) -> Map {
    let mut found = Map::new();
    let Some(words) = broker.dialect().link_addresses().and_then(|known| known.schedule_words()) else {
        return found;
    };
    for (key, value) in map_of(sections.message_annotations).iter() {
        let Some((annotation, name)) = key.as_text().and_then(|text| Some((text, header_of(text, words)?)))
        else {
            continue;
        };
        let mut value = match value {
            Wire::Timestamp(ms) => Value::I64(ms),
            other => neutral(&other),
        };
        if annotation == annotation::DELIVERY_TIME
            && let Some(ms) = value.as_i64()
        {
            let now_ms = i64::try_from(broker.time_ms()).unwrap_or(i64::MAX);
            value = Value::I64(ms.saturating_sub(now_ms));
        }
        if value.as_i64().is_none_or(|number| number > 0) {
            found.push((name.into(), value));
        }
    }
    for (key, value) in map_of(sections.application_properties).iter() {
        if let Some(name) = key.as_text().filter(|name| words.is_one(name)) {
            found.push((name.into(), neutral(&value)));
        }
    }
    found
}

fn timing_of(broker: &Broker, facts: &Facts) -> Result<Timing, ScheduleError> {
    let Some(words) = broker.dialect().link_addresses().and_then(|known| known.schedule_words()) else {
        return Ok(Timing::Now);
    };
    words.read(&facts.target.node, &facts.target.key, &|name| {
        let found = facts.scheduling.iter().find(|(known, _)| **known == *name);
        found.map(|(_, value)| value.clone())
    })
}

/// The message; `None` when a name or key is longer than one can be.
fn build(broker: &mut Broker, facts: &Facts, head: &[u8], sections: &Sections<'_>) -> Option<Message> {
    let Facts { target, meta, .. } = facts;
    let Target { node, key, .. } = &**target;
    let needed = node.len() + key.len() + head.len() + sections.body.len();
    let mut room =
        if needed > BLOCK_BYTES { bytes::BytesMut::with_capacity(needed) } else { broker.room(needed) };
    let lens = MessageBuilder::start(&mut room, node, key, head).ok()?;
    if sections.body_kind == BodyKind::Data {
        sections.data().for_each(|(_, data)| room.put_slice(data));
    } else {
        room.put_slice(sections.body);
    }
    Some(lens.finish(room.freeze(), *meta).in_group(facts.group))
}
