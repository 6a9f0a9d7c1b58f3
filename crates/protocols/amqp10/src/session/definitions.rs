//! The node that answers requests about definitions: a pair of links of one name, requests on one, answers on the other
//! (AMQP Link Pairing 1.0, HTTP over AMQP 1.0).

use ternmq_broker::{Broker, DefinitionAnswer, DefinitionRequest};
use ternmq_message::Value as Neutral;

use super::{
    Amqp10Session,
    close::addresses,
    line::{Answers, Incoming, Line, Link, Sending, Way, Where},
    transfer::Whole,
};
use crate::{
    codec::{
        AnyTarget, Source, Target, Value, code,
        message::{MessageProperties, Sections},
        performative::{Attach, Flow, Performative, ReceiverSettleMode, Role, SenderSettleMode},
        write::{MapWriter, put_descriptor, put_string, put_strings},
    },
    error::{Fault, condition},
    format::neutral,
    translate::put_neutral_value,
};

/// Requests that may wait for their answers.
const REQUEST_CREDIT: u32 = 8;
/// Answers that may wait for credit.
const ANSWERS_MAX: usize = 64;
/// Longest request in bytes.
const REQUEST_MAX_BYTES: u64 = 64 << 10;

impl Amqp10Session {
    /// Whether an address is that of the node.
    pub(super) fn is_definitions(broker: &Broker, address: Option<&str>) -> bool {
        let node = broker.dialect().link_addresses().and_then(|known| known.definitions());
        node.is_some_and(|node| address == Some(node.address()))
    }

    /// The half of a pair by which requests come.
    pub(super) fn attach_requests(&mut self, channel: u16, attach: &Attach<'_>, out: &mut Vec<u8>) {
        let Some(line) = self.line_mut(channel) else { return };
        let Some(AnyTarget::Target(target)) = &attach.target else { return };
        let delivery_count = attach.initial_delivery_count.unwrap_or_default();
        let answer = Attach {
            role: Role::Receiver,
            rcv_settle_mode: Some(ReceiverSettleMode::First),
            target: Some(AnyTarget::Target(Target { address: target.address, ..Target::default() })),
            unsettled: None,
            incomplete_unsettled: false,
            initial_delivery_count: None,
            max_message_size: REQUEST_MAX_BYTES,
            offered_capabilities: None,
            desired_capabilities: None,
            ..*attach
        };
        line.put(&Performative::Attach(Box::new(answer)), out);
        let incoming = Incoming {
            place: Where::Definitions,
            credit: REQUEST_CREDIT,
            credit_max: REQUEST_CREDIT,
            delivery_count,
            settles: None,
            is_second: false,
            own_queue: None,
        };
        line.begin_incoming(attach, incoming, REQUEST_CREDIT, out);
    }

    /// The half by which answers go.
    pub(super) fn attach_answers(&mut self, channel: u16, attach: &Attach<'_>, out: &mut Vec<u8>) {
        let Some(line) = self.line_mut(channel) else { return };
        let address = attach.source.as_ref().and_then(|source| source.address);
        let answer = Attach {
            role: Role::Sender,
            snd_settle_mode: SenderSettleMode::Settled,
            source: Some(Source { address, ..Source::default() }),
            unsettled: None,
            incomplete_unsettled: false,
            initial_delivery_count: Some(0),
            offered_capabilities: None,
            desired_capabilities: None,
            ..*attach
        };
        line.put(&Performative::Attach(Box::new(answer)), out);
        let way = Way::Answers(Box::default());
        line.links.insert(attach.handle, Link { name: attach.name.into(), role: attach.role, way });
    }

    /// Answers a request on the other link of its pair.
    pub(super) fn on_request(
        &mut self,
        broker: &mut Broker,
        channel: u16,
        handle: u32,
        whole: &Whole<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        if whole.payload.len() as u64 > REQUEST_MAX_BYTES {
            let text = format!("a request is larger than {REQUEST_MAX_BYTES} bytes");
            return Err(Fault::link(condition::MESSAGE_SIZE_EXCEEDED, text));
        }
        let sections = Sections::split_request(whole.payload).map_err(|error| {
            Fault::link(condition::DECODE_ERROR, format!("the request can't be read: {error}"))
        })?;
        let properties = MessageProperties::decode(sections.properties).unwrap_or_default();
        let (Some(target), Some(method)) = (properties.to, properties.subject) else {
            return Err(Fault::link(condition::INVALID_FIELD, "a request has to have 'to' and 'subject'"));
        };
        let Some(line) = self.line_mut(channel) else { return Ok(()) };
        let (core, name) = match line.links.get(&handle) {
            Some(link) => (line.core, link.name.clone()),
            None => return Ok(()),
        };
        let is_pair = |link: &Link| link.name == name && matches!(link.way, Way::Answers(_));
        let Some(pair) = line.links.iter().find(|(_, link)| is_pair(link)).map(|(handle, _)| *handle) else {
            let text = "the link has no pair to answer by";
            return Err(Fault::link(condition::PRECONDITION_FAILED, text));
        };
        if let Some(Way::Answers(answers)) = line.links.get(&pair).map(|link| &link.way)
            && answers.waiting.len() >= ANSWERS_MAX
        {
            let text = format!("{ANSWERS_MAX} answers wait for credit");
            return Err(Fault::link(condition::RESOURCE_LIMIT_EXCEEDED, text));
        }
        let body = sections.value().map_or(Neutral::Null, |value| neutral(&value));
        let namespace = self.namespace.clone();
        let dialect = broker.dialect().clone();
        let Some(node) = addresses(&*dialect)?.definitions() else { return Err(Fault::gone()) };
        let request = DefinitionRequest { method, target, body: &body, namespace: &namespace };
        let answer = node.answer(broker, core, &request);
        // What the request has done to consumers of this connection comes before its answer.
        self.flush_effects(broker, out);
        let durable = broker.durable();
        let Some(line) = self.line_mut(channel) else { return Ok(()) };
        line.wait_for(answer.receipt, durable);
        if !whole.is_settled {
            line.owe_acceptance(whole.delivery_id, true, answer.receipt);
        }
        let payload = answer_message(&answer, properties.message_id);
        if let Some(Way::Answers(answers)) = line.links.get_mut(&pair).map(|link| &mut link.way) {
            answers.waiting.push_back(payload);
        }
        self.send_pending(broker, channel, out);
        Ok(())
    }
}

/// A response of HTTP as a message (HTTP over AMQP 1.0 5.1).
fn answer_message(answer: &DefinitionAnswer, request_id: Option<Value<'_>>) -> Vec<u8> {
    let mut out = Vec::new();
    let status = answer.status.to_string();
    let correlation_id = request_id;
    MessageProperties { subject: Some(&status), correlation_id, ..MessageProperties::default() }
        .put(&mut out);
    put_descriptor(&mut out, code::APPLICATION_PROPERTIES);
    let mut map = MapWriter::start(&mut out);
    map.pair(|out| {
        put_string(out, "http:response");
        put_string(out, "1.1");
    });
    map.end();
    put_descriptor(&mut out, code::AMQP_VALUE);
    put_body(&answer.body, &mut out);
    out
}

/// Members that are lists of text are arrays: clients of RabbitMQ in languages with types take nothing else for them.
fn put_body(body: &Neutral, out: &mut Vec<u8>) {
    let Neutral::Map(members) = body else { return put_neutral_value(body, 1, out) };
    let mut map = MapWriter::start(out);
    for (name, value) in members {
        map.pair(|out| {
            put_string(out, name);
            match texts_of(value) {
                Some(texts) => put_strings(out, &texts),
                None => put_neutral_value(value, 2, out),
            }
        });
    }
    map.end();
}

/// The items of a list that holds nothing but text, and some of it.
fn texts_of(value: &Neutral) -> Option<Vec<&str>> {
    let Neutral::Array(items) = value else { return None };
    let texts = items.iter().map(|item| match item {
        Neutral::Str(text) => Some(&**text),
        _ => None,
    });
    texts.collect::<Option<Vec<_>>>().filter(|texts| !texts.is_empty())
}

impl Line {
    /// The next answer that its link has credit for.
    pub(super) fn next_answer(&mut self) -> Option<Sending> {
        let ready = |way: &mut Way| match way {
            Way::Answers(answers) if answers.credit > 0 => {
                let payload = answers.waiting.pop_front()?;
                answers.credit -= 1;
                answers.delivery_count = answers.delivery_count.wrapping_add(1);
                Some(payload)
            }
            _ => None,
        };
        let found = self.links.iter_mut().find_map(|(handle, link)| Some((*handle, ready(&mut link.way)?)));
        let (handle, payload) = found?;
        let delivery_id = self.number_delivery(None);
        Some(Sending { handle, delivery_id, is_settled: true, payload, offset: 0 })
    }
}

impl Answers {
    /// The peer wants so many answers more.
    pub(super) fn grant(&mut self, flow: &Flow<'_>) {
        let limit = flow.delivery_count.unwrap_or(0).wrapping_add(flow.link_credit.unwrap_or(0));
        let credit = limit.wrapping_sub(self.delivery_count);
        self.credit = if credit > u32::MAX / 2 { 0 } else { credit };
    }
}
