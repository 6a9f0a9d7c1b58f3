//! What clients and broker said to each other, read off the sockets and put into the words of the simulator's checker.
//!
//! Understood is what the workload says, no more: one that says something else is told so. A turn of the checker is one
//! method of a client here. The log is written in the order in which the broker is told, so an answer that proves that
//! a method's record is durable proves it of all methods before.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use anyhow::{Context, Result, bail, ensure};
use ternmq_amqp091::codec::frame::{PROTOCOL_HEADER, split_frame};
use ternmq_amqp091::codec::{ContentHeader, FieldValue, Frame, FrameKind, Method, Table, method::queue};
use ternmq_simulator::{Event, MARK, Outcome, QueueFacts, Taken, head_of};

/// Largest frame that either side sends.
const FRAME_MAX_BYTES: u32 = 131_072;
const PERSISTENT: u8 = 2;

/// All connections so far.
#[derive(Clone, Debug, Default)]
pub struct Conversation {
    connections: BTreeMap<u32, Connection>,
    /// Properties of each message, as its publisher sent them.
    heads: BTreeMap<u64, Vec<u8>>,
    /// Messages that the broker gives back as unroutable at some time: known from reading the trace before.
    returned: BTreeSet<u64>,
    durable_queues: BTreeSet<String>,
    /// Operations whose answer proves that everything up to a turn is durable.
    proofs: BTreeMap<u64, u64>,
    events: Vec<Event>,
    next_session: u32,
    next_op: u64,
    turn: u64,
    durable_turn: u64,
    operations: u64,
    confirms: u64,
}

#[derive(Clone, Debug, Default)]
struct Connection {
    from_client: Stream,
    to_client: Stream,
    sessions: BTreeMap<u16, Session>,
}

/// One direction of a connection.
#[derive(Clone, Debug, Default)]
struct Stream {
    rest: Vec<u8>,
    /// Messages on their way, by channel.
    contents: BTreeMap<u16, Content>,
}

/// A method with content, until its body is whole.
#[derive(Clone, Debug)]
struct Content {
    carrier: Carrier,
    properties: Vec<u8>,
    missing: Option<u64>,
    body: Vec<u8>,
}

#[derive(Clone, Debug)]
enum Carrier {
    Publish { node: String, key: String },
    Delivery { queue: String, tag: u64, needs_settle: bool, is_redelivered: bool, node: String, key: String },
    Return,
}

/// A channel.
#[derive(Clone, Debug)]
struct Session {
    label: u32,
    is_transactional: bool,
    /// Sequence number of the next publish when the channel has confirms.
    next_sequence: Option<u64>,
    unconfirmed: BTreeMap<u64, u64>,
    consumers: BTreeMap<String, (String, bool)>,
    /// Fetches that have not been answered, with whether each has to be settled.
    gets: VecDeque<(String, bool)>,
    /// Operations that have not been answered, oldest first.
    pending: VecDeque<u64>,
    unsettled: BTreeSet<u64>,
    /// Settled in the open transaction.
    staged: BTreeSet<u64>,
    /// Whether the open transaction has something that its commit makes durable.
    has_durable: bool,
}

impl Session {
    fn new(label: u32) -> Self {
        Self {
            label,
            is_transactional: false,
            next_sequence: None,
            unconfirmed: BTreeMap::new(),
            consumers: BTreeMap::new(),
            gets: VecDeque::new(),
            pending: VecDeque::new(),
            unsettled: BTreeSet::new(),
            staged: BTreeSet::new(),
            has_durable: false,
        }
    }
}

impl Conversation {
    /// Nothing was said yet; `returned` are the messages that come back as unroutable.
    #[must_use]
    pub fn new(returned: BTreeSet<u64>) -> Self {
        // The marks of queues are small numbers that the client gives.
        Self { returned, next_op: 1 << 32, ..Self::default() }
    }

    /// Messages that came back as unroutable so far.
    #[must_use]
    pub fn returned(&self) -> &BTreeSet<u64> {
        &self.returned
    }

    /// The last turn.
    #[must_use]
    pub fn turn(&self) -> u64 {
        self.turn
    }

    /// Everything up to this turn has been answered in a way that proves it durable.
    #[must_use]
    pub fn durable_turn(&self) -> u64 {
        self.durable_turn
    }

    /// Methods of clients that ask something of queues and messages.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.operations
    }

    /// Publishes that were confirmed.
    #[must_use]
    pub fn confirms(&self) -> u64 {
        self.confirms
    }

    /// What happened since the last call, in order.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// The process has ended in order.
    pub fn note_all_durable(&mut self) {
        self.durable_turn = self.turn;
    }

    /// The process is gone and another one serves, from this turn on.
    pub fn note_restart(&mut self, turn: u64) {
        self.connections.clear();
        self.proofs.clear();
        (self.turn, self.durable_turn) = (turn, turn);
    }

    /// Bytes that the broker has read.
    ///
    /// # Errors
    /// The client said something that no workload of ours says.
    pub fn note_from_client(&mut self, connection: u32, bytes: &[u8]) -> Result<()> {
        let stream = &mut self.connections.entry(connection).or_default().from_client;
        stream.rest.extend_from_slice(bytes);
        let mut rest = std::mem::take(&mut stream.rest);
        if rest.starts_with(&PROTOCOL_HEADER) {
            rest.drain(..PROTOCOL_HEADER.len());
        }
        let mut at = 0;
        while let Some((frame, size)) = split_frame(rest.get(at..).unwrap_or_default(), FRAME_MAX_BYTES)? {
            at += size;
            let before = self.events.len();
            self.note_frame(connection, frame, false)?;
            if self.events.len() > before {
                self.turn += 1;
                self.events.push(Event::Turn { turn: self.turn });
            }
        }
        rest.drain(..at);
        self.connections.entry(connection).or_default().from_client.rest = rest;
        Ok(())
    }

    /// Bytes that the broker is about to send.
    ///
    /// # Errors
    /// The broker refused something, or said what no workload of ours asks for.
    pub fn note_to_client(&mut self, connection: u32, bytes: &[u8]) -> Result<()> {
        let stream = &mut self.connections.entry(connection).or_default().to_client;
        stream.rest.extend_from_slice(bytes);
        let mut rest = std::mem::take(&mut stream.rest);
        let mut at = 0;
        while let Some((frame, size)) = split_frame(rest.get(at..).unwrap_or_default(), FRAME_MAX_BYTES)? {
            at += size;
            self.note_frame(connection, frame, true)?;
        }
        rest.drain(..at);
        self.connections.entry(connection).or_default().to_client.rest = rest;
        Ok(())
    }

    /// A connection is gone, and what its sessions held goes back.
    pub fn note_closed(&mut self, connection: u32) {
        for session in
            self.connections.remove(&connection).into_iter().flat_map(|gone| gone.sessions.into_values())
        {
            self.events.push(Event::Close { session: session.label });
        }
    }

    fn note_frame(&mut self, connection: u32, frame: Frame<'_>, is_answer: bool) -> Result<()> {
        match frame.kind {
            FrameKind::Heartbeat => Ok(()),
            FrameKind::Method if is_answer => {
                self.note_answer(connection, frame.channel, &Method::decode(frame.payload)?)
            }
            FrameKind::Method => self.note_method(connection, frame.channel, &Method::decode(frame.payload)?),
            FrameKind::Header | FrameKind::Body => self.note_content(connection, frame, is_answer),
        }
    }

    fn session(&mut self, connection: u32, channel: u16) -> Result<&mut Session> {
        let connection = self.connections.get_mut(&connection).context("no such connection")?;
        connection.sessions.get_mut(&channel).context("no such channel")
    }

    fn new_op(&mut self) -> u64 {
        self.next_op += 1;
        self.next_op
    }

    /// The operation's answer proves everything up to the turn that it is in.
    fn note_proof(&mut self, op: u64) {
        self.proofs.insert(op, self.turn + 1);
    }

    fn answered(&mut self, op: u64) {
        self.durable_turn = self.durable_turn.max(self.proofs.remove(&op).unwrap_or(0));
        self.events.push(Event::Ok { op });
    }

    fn note_method(&mut self, connection: u32, channel: u16, method: &Method<'_>) -> Result<()> {
        match method {
            Method::ChannelOpen(_) => {
                self.next_session += 1;
                let session = Session::new(self.next_session);
                self.connections.entry(connection).or_default().sessions.insert(channel, session);
                return Ok(());
            }
            Method::ChannelClose(_) => {
                let gone = self.connections.entry(connection).or_default().sessions.remove(&channel);
                let label = gone.context("no such channel")?.label;
                self.events.push(Event::Close { session: label });
            }
            Method::ConnectionClose(_) => {
                let gone = std::mem::take(&mut self.connections.entry(connection).or_default().sessions);
                self.events.extend(gone.into_values().map(|session| Event::Close { session: session.label }));
            }
            Method::ConnectionStartOk(_)
            | Method::ConnectionTuneOk(_)
            | Method::ConnectionOpen(_)
            | Method::BasicQos(_) => return Ok(()),
            Method::ConfirmSelect(_) => self.session(connection, channel)?.next_sequence = Some(1),
            Method::BasicConsume(consume) => {
                let consumer = (consume.queue.to_owned(), !consume.no_ack);
                let session = self.session(connection, channel)?;
                session.consumers.insert(consume.consumer_tag.to_owned(), consumer);
            }
            Method::BasicGet(get) => {
                let asked = (get.queue.to_owned(), !get.no_ack);
                self.session(connection, channel)?.gets.push_back(asked);
            }
            Method::BasicPublish(publish) => {
                let carrier =
                    Carrier::Publish { node: publish.exchange.into(), key: publish.routing_key.into() };
                return self.begin_content(connection, channel, carrier, false);
            }
            Method::BasicAck(ack) => {
                self.settle(connection, channel, ack.delivery_tag, ack.multiple, |session, deliveries| {
                    Event::Accept { session, deliveries }
                })?;
            }
            Method::BasicNack(nack) if nack.requeue => {
                self.settle(connection, channel, nack.delivery_tag, nack.multiple, |session, deliveries| {
                    Event::Requeue { session, deliveries }
                })?;
            }
            Method::BasicReject(reject) if !reject.requeue => {
                self.settle(connection, channel, reject.delivery_tag, false, |session, deliveries| {
                    Event::Discard { session, deliveries }
                })?;
            }
            _ => self.note_definition(connection, channel, method)?,
        }
        self.operations += 1;
        Ok(())
    }

    /// Methods that have an answer of their own, one after the other.
    fn note_definition(&mut self, connection: u32, channel: u16, method: &Method<'_>) -> Result<()> {
        let mut op = self.new_op();
        let label = self.session(connection, channel)?.label;
        let event = match method {
            Method::QueueDeclare(declare) => {
                let facts = facts_of(declare)?;
                op = number(declare.arguments, MARK)?.context("a queue without its mark")?;
                if facts.is_durable {
                    self.durable_queues.insert(declare.queue.to_owned());
                    self.note_proof(op);
                }
                Event::Declare { op, queue: declare.queue.into(), facts }
            }
            Method::QueueDelete(delete) => {
                self.durable_queues.remove(delete.queue);
                Event::Delete { op, queue: delete.queue.into() }
            }
            Method::QueuePurge(purge) => Event::Purge { op, queue: purge.queue.into() },
            Method::QueueBind(bind) => Event::Bind {
                op,
                node: bind.exchange.into(),
                queue: bind.queue.into(),
                key: bind.routing_key.into(),
            },
            Method::QueueUnbind(unbind) => Event::Unbind {
                op,
                node: unbind.exchange.into(),
                queue: unbind.queue.into(),
                key: unbind.routing_key.into(),
            },
            Method::TxSelect(_) => {
                self.session(connection, channel)?.is_transactional = true;
                Event::Select { session: label }
            }
            Method::TxCommit(_) => {
                let session = self.session(connection, channel)?;
                session.staged.clear();
                if std::mem::take(&mut session.has_durable) {
                    self.note_proof(op);
                }
                Event::Commit { op, session: label }
            }
            Method::TxRollback(_) => {
                let session = self.session(connection, channel)?;
                let staged = std::mem::take(&mut session.staged);
                session.unsettled.extend(staged);
                session.has_durable = false;
                Event::Rollback { session: label }
            }
            _ => bail!("a client said {method:?}"),
        };
        self.events.push(event);
        self.session(connection, channel)?.pending.push_back(op);
        Ok(())
    }

    fn settle(
        &mut self,
        connection: u32,
        channel: u16,
        tag: u64,
        is_multiple: bool,
        event: fn(u32, Vec<u64>) -> Event,
    ) -> Result<()> {
        let session = self.session(connection, channel)?;
        let is_meant = |known: &u64| if is_multiple { *known <= tag } else { *known == tag };
        let settled: Vec<u64> = session.unsettled.extract_if(.., |known| is_meant(known)).collect();
        ensure!(!settled.is_empty(), "a settlement of nothing: {tag}");
        if session.is_transactional {
            session.staged.extend(&settled);
        }
        let label = session.label;
        self.events.push(event(label, settled));
        Ok(())
    }

    fn begin_content(
        &mut self,
        connection: u32,
        channel: u16,
        carrier: Carrier,
        is_answer: bool,
    ) -> Result<()> {
        let content = Content { carrier, properties: Vec::new(), missing: None, body: Vec::new() };
        let before = self.stream(connection, is_answer).contents.insert(channel, content);
        ensure!(before.is_none(), "a message within another one");
        Ok(())
    }

    fn stream(&mut self, connection: u32, is_answer: bool) -> &mut Stream {
        let connection = self.connections.entry(connection).or_default();
        if is_answer { &mut connection.to_client } else { &mut connection.from_client }
    }

    fn note_content(&mut self, connection: u32, frame: Frame<'_>, is_answer: bool) -> Result<()> {
        let contents = &mut self.stream(connection, is_answer).contents;
        let content = contents.get_mut(&frame.channel).context("content without its method")?;
        if frame.kind == FrameKind::Header {
            let header = ContentHeader::decode(frame.payload)?;
            content.properties = header.properties.to_vec();
            content.missing = Some(header.body_size_bytes);
        } else {
            content.body.extend_from_slice(frame.payload);
            let missing = content.missing.context("a body without its header")?;
            let left = missing.checked_sub(frame.payload.len() as u64).context("a body that is too long")?;
            content.missing = Some(left);
        }
        if content.missing != Some(0) {
            return Ok(());
        }
        let content = contents.remove(&frame.channel).context("no content")?;
        self.note_message(connection, frame.channel, content)
    }

    fn note_message(&mut self, connection: u32, channel: u16, content: Content) -> Result<()> {
        let Content { carrier, properties, body, .. } = content;
        let message = number_in(&body).context("a message without its number")?;
        let scan = ternmq_amqp091::codec::Scan::new(&properties)?;
        let (is_durable, priority) = (scan.delivery_mode == Some(PERSISTENT), scan.priority.unwrap_or(0));
        match carrier {
            Carrier::Return => {
                self.returned.insert(message);
                Ok(())
            }
            Carrier::Publish { node, key } => {
                self.heads.insert(message, properties);
                self.note_publish(connection, channel, Publish { message, node, key, is_durable, priority })
            }
            Carrier::Delivery { queue, tag, needs_settle, is_redelivered, node, key } => {
                let session = self.session(connection, channel)?;
                if needs_settle {
                    session.unsettled.insert(tag);
                }
                let session = session.label;
                let head = self.judged_head(message, properties);
                let deaths = Vec::new();
                let taken = Taken {
                    queue,
                    delivery: tag,
                    needs_settle,
                    is_redelivered,
                    deaths,
                    node,
                    key,
                    head,
                    body,
                    is_durable,
                    priority,
                };
                self.events.push(Event::Deliver { session, taken });
                Ok(())
            }
        }
    }

    /// The checker knows properties as bytes that follow from the message's number. Those of the wire stand for them
    /// when they are what the publisher sent, bit by bit.
    #[must_use]
    pub fn judged_head(&self, message: u64, properties: Vec<u8>) -> Vec<u8> {
        if self.heads.get(&message) == Some(&properties) { head_of(message) } else { properties }
    }

    fn note_publish(&mut self, connection: u32, channel: u16, publish: Publish) -> Result<()> {
        let Publish { message, node, key, is_durable, priority } = publish;
        let op = self.new_op();
        self.operations += 1;
        let is_routed = !self.returned.contains(&message);
        // Of a publish through bindings it is not followed up here whether anything of it is durable.
        let is_proof = is_routed && is_durable && node.is_empty() && self.durable_queues.contains(&key);
        let session = self.session(connection, channel)?;
        session.has_durable |= session.is_transactional && is_proof;
        if let Some(sequence) = &mut session.next_sequence {
            session.unconfirmed.insert(*sequence, op);
            *sequence += 1;
            if is_proof {
                self.note_proof(op);
            }
        }
        let session = self.session(connection, channel)?.label;
        self.events.push(Event::Publish {
            op,
            session,
            message,
            node,
            key,
            is_durable,
            priority,
            ttl_ms: None,
            outcome: Outcome::Unknown,
            is_routed,
        });
        Ok(())
    }

    fn note_answer(&mut self, connection: u32, channel: u16, method: &Method<'_>) -> Result<()> {
        match method {
            Method::ConnectionStart(_)
            | Method::ConnectionTune(_)
            | Method::ConnectionOpenOk(_)
            | Method::ConnectionCloseOk(_)
            | Method::ChannelOpenOk(_)
            | Method::ChannelCloseOk(_)
            | Method::ConfirmSelectOk(_)
            | Method::BasicConsumeOk(_)
            | Method::BasicQosOk(_) => Ok(()),
            Method::QueueDeclareOk(_)
            | Method::QueueDeleteOk(_)
            | Method::QueuePurgeOk(_)
            | Method::QueueBindOk(_)
            | Method::QueueUnbindOk(_)
            | Method::TxSelectOk(_)
            | Method::TxCommitOk(_)
            | Method::TxRollbackOk(_) => {
                let op = self.session(connection, channel)?.pending.pop_front();
                self.answered(op.context("an answer to nothing")?);
                Ok(())
            }
            Method::BasicAck(ack) => {
                let (tag, is_multiple) = (ack.delivery_tag, ack.multiple);
                let is_meant = |known: &u64| if is_multiple { *known <= tag } else { *known == tag };
                let unconfirmed = &mut self.session(connection, channel)?.unconfirmed;
                let confirmed: Vec<u64> =
                    unconfirmed.extract_if(.., |known, _| is_meant(known)).map(|(_, op)| op).collect();
                self.confirms += confirmed.len() as u64;
                confirmed.into_iter().for_each(|op| self.answered(op));
                Ok(())
            }
            Method::BasicDeliver(deliver) => {
                let consumers = &self.session(connection, channel)?.consumers;
                let (queue, needs_settle) =
                    consumers.get(deliver.consumer_tag).context("no such consumer")?.clone();
                let carrier = Carrier::Delivery {
                    queue,
                    tag: deliver.delivery_tag,
                    needs_settle,
                    is_redelivered: deliver.redelivered,
                    node: deliver.exchange.into(),
                    key: deliver.routing_key.into(),
                };
                self.begin_content(connection, channel, carrier, true)
            }
            Method::BasicGetEmpty(_) => {
                self.session(connection, channel)?.gets.pop_front().context("an answer to no fetch").map(drop)
            }
            Method::BasicGetOk(got) => {
                let asked = self.session(connection, channel)?.gets.pop_front();
                let (queue, needs_settle) = asked.context("an answer to no fetch")?;
                let carrier = Carrier::Delivery {
                    queue,
                    tag: got.delivery_tag,
                    needs_settle,
                    is_redelivered: got.redelivered,
                    node: got.exchange.into(),
                    key: got.routing_key.into(),
                };
                self.begin_content(connection, channel, carrier, true)
            }
            Method::BasicReturn(_) => self.begin_content(connection, channel, Carrier::Return, true),
            _ => bail!("the broker said {method:?}"),
        }
    }
}

struct Publish {
    message: u64,
    node: String,
    key: String,
    is_durable: bool,
    priority: u8,
}

/// The number that a body of the checker begins with.
fn number_in(body: &[u8]) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(body.get(..16)?).ok()?, 16).ok()
}

fn number(arguments: Table<'_>, name: &str) -> Result<Option<u64>> {
    let Some(value) = arguments.get(name) else { return Ok(None) };
    let number = value.as_i64().and_then(|number| u64::try_from(number).ok());
    number.map(Some).with_context(|| format!("argument {name} is no count"))
}

/// What the checker wants to know of a queue.
fn facts_of(declare: &queue::Declare<'_>) -> Result<QueueFacts> {
    ensure!(!declare.passive && !declare.exclusive && !declare.auto_delete, "a declaration of another kind");
    let arguments = declare.arguments;
    let text =
        |name: &str| arguments.get(name).and_then(|value: FieldValue<'_>| value.as_text().map(str::to_owned));
    Ok(QueueFacts {
        is_durable: declare.durable,
        is_quorum: text("x-queue-type").as_deref() == Some("quorum"),
        ttl_ms: number(arguments, "x-message-ttl")?,
        max_length: number(arguments, "x-max-length")?,
        rejects_when_full: text("x-overflow").as_deref() == Some("reject-publish"),
        dead_to: text("x-dead-letter-routing-key"),
        max_priority: number(arguments, "x-max-priority")?.map(u8::try_from).transpose()?,
        delivery_limit: number(arguments, "x-delivery-limit")?.map(u32::try_from).transpose()?,
        is_single_active: arguments.get("x-single-active-consumer").is_some(),
        is_of_clients: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ternmq_amqp091::codec::method::{MethodFrame, basic, channel, confirm, queue, tx};
    use ternmq_amqp091::codec::write::{Content, write_deliver, write_publish, write_return};
    use ternmq_amqp091::codec::{BasicProperties, TableBuf};
    use ternmq_simulator::body_of;

    const CHANNEL: u16 = 1;

    fn frame(method: &impl MethodFrame) -> Vec<u8> {
        let mut bytes = Vec::new();
        method.write_frame(&mut bytes, CHANNEL);
        bytes
    }

    fn properties() -> Vec<u8> {
        let mut bytes = Vec::new();
        BasicProperties { delivery_mode: Some(2), ..BasicProperties::default() }.encode(&mut bytes);
        bytes
    }

    fn publish(message: u64, key: &str) -> Vec<u8> {
        let publish = basic::Publish { exchange: "", routing_key: key, mandatory: true, immediate: false };
        let mut bytes = Vec::new();
        let content = Content { properties: &properties(), body: &body_of(message) };
        write_publish(&mut bytes, CHANNEL, &publish, content, FRAME_MAX_BYTES);
        bytes
    }

    fn declare(name: &str, mark: i64) -> Vec<u8> {
        let mut arguments = TableBuf::new();
        arguments.push(MARK, FieldValue::I64(mark));
        frame(&queue::Declare {
            queue: name,
            passive: false,
            durable: true,
            exclusive: false,
            auto_delete: false,
            no_wait: false,
            arguments: arguments.as_table(),
        })
    }

    fn declare_ok() -> Vec<u8> {
        frame(&queue::DeclareOk { queue: "q", message_count: 0, consumer_count: 0 })
    }

    /// A conversation with a durable queue `q`, its declaration answered, and a channel with confirms.
    fn begun(returned: &[u64]) -> Conversation {
        let mut said = Conversation::new(returned.iter().copied().collect());
        said.note_from_client(1, &PROTOCOL_HEADER).unwrap();
        said.note_from_client(1, &frame(&channel::Open {})).unwrap();
        said.note_from_client(1, &declare("q", 1)).unwrap();
        said.note_to_client(1, &declare_ok()).unwrap();
        said.note_from_client(1, &frame(&confirm::Select { no_wait: false })).unwrap();
        said.take_events();
        said
    }

    #[test]
    fn a_confirm_proves_all_that_was_said_before_its_publish() {
        let mut said = begun(&[]);
        let before = said.turn();
        said.note_from_client(1, &publish(1, "q")).unwrap();
        let bytes = publish(2, "q");
        // In pieces, as a socket gives them.
        let (first, rest) = bytes.split_at(30);
        said.note_from_client(1, first).unwrap();
        said.note_from_client(1, rest).unwrap();
        said.note_from_client(1, &publish(3, "q")).unwrap();
        assert_eq!((said.turn(), said.durable_turn()), (before + 3, 1));
        said.note_to_client(1, &frame(&basic::Ack { delivery_tag: 2, multiple: true })).unwrap();
        assert_eq!((said.durable_turn(), said.confirms()), (before + 2, 2));
        let events = said.take_events();
        let published: Vec<u64> = events
            .iter()
            .filter_map(|event| match event {
                Event::Publish { message, is_durable: true, is_routed: true, .. } => Some(*message),
                _ => None,
            })
            .collect();
        assert_eq!(published, [1, 2, 3]);
        assert_eq!(events.iter().filter(|event| matches!(event, Event::Ok { .. })).count(), 2);
    }

    #[test]
    fn what_came_back_was_not_routed_and_proves_nothing() {
        let mut said = begun(&[7]);
        let durable_turn = said.durable_turn();
        said.note_from_client(1, &publish(7, "q")).unwrap();
        said.note_to_client(1, &frame(&basic::Ack { delivery_tag: 1, multiple: false })).unwrap();
        assert_eq!(said.durable_turn(), durable_turn);
        let returned = basic::Return { reply_code: 312, reply_text: "", exchange: "", routing_key: "no" };
        let mut bytes = Vec::new();
        let content = Content { properties: &properties(), body: &body_of(8) };
        write_return(&mut bytes, CHANNEL, &returned, content, FRAME_MAX_BYTES);
        said.note_to_client(1, &bytes).unwrap();
        assert_eq!(said.returned().iter().copied().collect::<Vec<_>>(), [7, 8]);
    }

    #[test]
    fn deliveries_carry_what_was_published_or_else_what_came() {
        let mut said = begun(&[]);
        said.note_from_client(1, &publish(1, "q")).unwrap();
        let arguments = TableBuf::new();
        let consume = basic::Consume {
            queue: "q",
            consumer_tag: "c",
            no_local: false,
            no_ack: false,
            exclusive: false,
            no_wait: false,
            arguments: arguments.as_table(),
        };
        said.note_from_client(1, &frame(&consume)).unwrap();
        said.take_events();
        for (tag, head) in [(1, properties()), (2, vec![0, 0])] {
            let deliver = basic::Deliver {
                consumer_tag: "c",
                delivery_tag: tag,
                redelivered: false,
                exchange: "",
                routing_key: "q",
            };
            let mut bytes = Vec::new();
            let content = Content { properties: &head, body: &body_of(1) };
            write_deliver(&mut bytes, CHANNEL, &deliver, content, FRAME_MAX_BYTES);
            said.note_to_client(1, &bytes).unwrap();
        }
        said.note_from_client(1, &frame(&basic::Ack { delivery_tag: 2, multiple: true })).unwrap();
        let events = said.take_events();
        let heads: Vec<&[u8]> = events
            .iter()
            .filter_map(|event| match event {
                Event::Deliver { taken, .. } => Some(&*taken.head),
                _ => None,
            })
            .collect();
        assert_eq!(heads, [&*head_of(1), &[0, 0]]);
        assert!(events.contains(&Event::Accept { session: 1, deliveries: vec![1, 2] }));
    }

    #[test]
    fn a_rollback_gives_back_what_was_staged() {
        let mut said = begun(&[]);
        said.note_from_client(1, &frame(&tx::Select {})).unwrap();
        said.session(1, CHANNEL).unwrap().unsettled.extend([1, 2]);
        let ack = frame(&basic::Ack { delivery_tag: 1, multiple: false });
        said.note_from_client(1, &ack).unwrap();
        assert!(said.note_from_client(1, &ack).is_err(), "settled twice");
        let mut said = said.clone();
        said.note_from_client(1, &frame(&tx::Rollback {})).unwrap();
        said.note_from_client(1, &ack).unwrap();
    }

    #[test]
    fn what_no_workload_says_is_an_error() {
        let mut said = begun(&[]);
        let unknown = frame(&basic::Recover { requeue: true });
        assert!(said.note_from_client(1, &unknown).is_err());
        assert!(said.note_to_client(1, &declare_ok()).is_err(), "an answer to nothing");
        let nack = frame(&basic::Nack { delivery_tag: 1, multiple: false, requeue: false });
        assert!(said.note_to_client(1, &nack).is_err());
    }
}
