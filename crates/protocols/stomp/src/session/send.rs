//! SEND: where to, the message, its body as it comes, and the answer.
//!
//! When header lines and body of a small message are in one read, the message is built straight in the broker's block.

use std::{borrow::Cow, sync::Arc};

use bytes::{BufMut, Bytes, BytesMut};
use memchr::memchr;
use ternmq_broker::{
    AddressQueue, AddressRequest, Broker, Error, Kind, Publish, Published, Receipt, ReplyTo, SessionId,
    Target, Timing, Verb,
};
use ternmq_message::{Group, Map, Message, MessageBuilder, MessageMeta};

use super::{Step, StompSession, close::gone, connect::addresses, frames::Frame};
use crate::{
    codec::{Body, FrameError, body_of},
    error::Fault,
    format::{ENCODING, name},
    translate::{FrameOptions, SendHeaders, Writer, push_line},
};

/// Longest body that is built in the shared block; a longer one has a buffer of its own.
const BLOCK_BODY_BYTES: u64 = 4 << 10;
/// Most bytes reserved on the word of a header (B1).
const RESERVE_BYTES: u64 = 64 << 10;
/// Longest destination that is remembered.
const MAX_TARGET_BYTES: usize = 512;
/// Room for header lines that is kept for the next message.
const KEPT_HEAD_BYTES: usize = 4 << 10;
/// Destinations that are remembered.
const MAX_TARGETS: usize = 16;

/// Where a message goes besides its own node and key.
struct Facts {
    meta: MessageMeta,
    group: Option<Group>,
    claimed_user: Option<Arc<str>>,
    receipt: Option<String>,
    /// Name of the transaction that it belongs to.
    transaction: Option<String>,
    /// It is to be retained for its key.
    is_retained: bool,
    /// Headers that say when it is sent.
    scheduling: Map,
    /// The destination and what it stands for.
    target: Arc<KnownTarget>,
}

/// A message whose body is on its way.
pub(super) struct Assembly {
    /// Bytes of the body that are still to come; absent: up to NUL.
    left: Option<u64>,
    length: u64,
    buffer: BytesMut,
    lens: MessageBuilder,
    body_len: u64,
    facts: Facts,
}

impl Assembly {
    /// Receipt that was asked for.
    pub(super) fn receipt(self) -> Option<String> {
        self.facts.receipt
    }
}

/// A destination that was used before, so that it need not be read and its queues not be declared again.
struct KnownTarget {
    text: Box<str>,
    first: Target,
    /// Where a message with several destinations goes too.
    more: Vec<Target>,
}

impl KnownTarget {
    /// `None` when there is no target.
    fn of(text: &str, targets: Vec<Target>) -> Option<Self> {
        let mut targets = targets.into_iter();
        let first = targets.next()?;
        Some(Self { text: text.into(), first, more: targets.collect() })
    }

    fn all(&self) -> impl Iterator<Item = &Target> {
        [&self.first].into_iter().chain(&self.more)
    }
}

/// The last destinations used.
#[derive(Default)]
pub(super) struct Targets {
    known: Vec<Arc<KnownTarget>>,
    next: usize,
}

impl Targets {
    fn find(&self, text: &str) -> Option<Arc<KnownTarget>> {
        self.known.iter().find(|known| &*known.text == text).cloned()
    }

    /// Whether a queue was declared for one of them.
    pub(super) fn has_queue(&self, name: &str) -> bool {
        self.known
            .iter()
            .flat_map(|known| known.all())
            .any(|target| matches!(&target.queue, Some(AddressQueue::Declared(spec)) if &*spec.name == name))
    }

    /// Takes down what a destination leads to whose queue has been declared.
    pub(super) fn note_declared(&mut self, text: &str, targets: Vec<Target>) {
        if self.find(text).is_none()
            && let Some(known) = KnownTarget::of(text, targets)
        {
            self.note(Arc::new(known));
        }
    }

    fn note(&mut self, known: Arc<KnownTarget>) {
        if known.text.len() > MAX_TARGET_BYTES {
            return;
        }
        if self.known.len() < MAX_TARGETS {
            self.known.push(known);
        } else if let Some(place) = self.known.get_mut(self.next) {
            *place = known;
            self.next = (self.next + 1) % MAX_TARGETS;
        }
    }
}

fn too_long() -> Fault {
    Fault::new("Invalid destination", "the exchange, the key or the headers are too long\n".to_owned())
}

impl StompSession {
    pub(super) fn on_send(
        &mut self,
        broker: &mut Broker,
        frame: &Frame<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Step, Fault> {
        if broker.blocked_reason().is_some() {
            self.is_held = true;
            return Ok(Step::Held);
        }
        let body = body_of(frame.headers)?;
        let max = broker.limits().max_message_bytes;
        let whole = body.split(frame.rest, max)?;
        let mut head = std::mem::take(&mut self.head);
        head.clear();
        let sent = self.read_send(broker, frame, &mut head);
        let outcome = sent.and_then(|facts| match whole {
            Some((bytes, size)) => {
                let message = build(broker, &facts, &head, bytes)?;
                self.finish_send(broker, message, &facts, out)?;
                Ok(Step::Taken(size))
            }
            None => self.start_assembly(body, facts, &head),
        });
        // An idle connection holds no more than it mostly needs.
        if head.capacity() <= KEPT_HEAD_BYTES {
            self.head = head;
        }
        outcome
    }

    /// What the headers say, with the destination found and the temporary queue for answers made.
    fn read_send(
        &mut self,
        broker: &mut Broker,
        frame: &Frame<'_>,
        head: &mut Vec<u8>,
    ) -> Result<Facts, Fault> {
        if !self.is_publisher
            && let Some(connection) = self.connection
        {
            self.is_publisher = true;
            broker.note_publisher(connection);
        }
        let writer = Writer { words: self.words, now_ms: broker.time_ms() };
        let sent = SendHeaders::read(frame.headers, writer, head)?;
        let Some(destination) = &sent.destination else {
            return Err(missing_destination("SEND"));
        };
        if let Some(transaction) = &sent.transaction {
            self.transaction(transaction)?;
            if sent.is_retained {
                let text = "a message in a transaction can't be retained".to_owned();
                return Err(Fault::coded("not_implemented", text));
            }
        }
        let target = self.target(broker, frame, destination)?;
        if let Some(reply_to) = &sent.reply_to {
            let reply_to = self.reply_to(broker, reply_to)?;
            push_line(head, name::REPLY_TO, &reply_to);
        }
        let user = self.connection.filter(|_| broker.intake().tells_user && sent.user_id.is_none());
        if let Some(user) = user.and_then(|connection| broker.connection_user(connection)) {
            push_line(head, name::USER_ID, &user);
        }
        if sent.is_retained && !sent.scheduling.is_empty() {
            let text = "a scheduled message can't be retained".to_owned();
            return Err(Fault::coded("not_implemented", text));
        }
        Ok(Facts {
            group: sent.group(),
            meta: MessageMeta {
                encoding: ENCODING,
                is_durable: sent.is_durable,
                priority: sent.priority,
                ttl_ms: sent.ttl_ms,
            },
            claimed_user: sent.user_id.as_deref().map(Arc::from),
            receipt: sent.receipt.map(Cow::into_owned),
            transaction: sent.transaction.map(Cow::into_owned),
            is_retained: sent.is_retained,
            scheduling: sent.scheduling,
            target,
        })
    }

    /// Where a destination leads; its queue is declared when it is new to this connection.
    fn target(
        &mut self,
        broker: &mut Broker,
        frame: &Frame<'_>,
        destination: &str,
    ) -> Result<Arc<KnownTarget>, Fault> {
        if let Some(known) = self.targets.find(destination) {
            return Ok(known);
        }
        let dialect = broker.dialect().clone();
        let request = AddressRequest {
            text: destination,
            options: &FrameOptions(frame.headers),
            subscription: None,
            client: self.client.as_deref(),
            owner: &self.id,
            random: broker.random(),
        };
        let targets = addresses(&*dialect)?.targets(request, "SEND")?;
        let known = KnownTarget::of(destination, targets).ok_or_else(|| missing_destination("SEND"))?;
        let known = Arc::new(known);
        for target in known.all() {
            self.prepare(broker, target)?;
        }
        self.targets.note(known.clone());
        Ok(known)
    }

    /// Makes the queue that a target needs. That it is durable need not be waited for: a message's record comes after its
    /// queue's.
    fn prepare(&self, broker: &mut Broker, target: &Target) -> Result<(), Fault> {
        let session = self.session.ok_or_else(gone)?;
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

    /// What a message says of where answers go: as stated, or the temporary place that it names.
    fn reply_to<'a>(&mut self, broker: &mut Broker, stated: &'a str) -> Result<Cow<'a, str>, Fault> {
        let dialect = broker.dialect().clone();
        match addresses(&*dialect)?.reply_to(stated, &self.id)? {
            ReplyTo::Stated => Ok(Cow::Borrowed(stated)),
            ReplyTo::Temporary(label) => {
                self.temporary_queue(broker, label).map(|queue| Cow::Owned(queue.to_string()))
            }
            ReplyTo::Own { address, queue } => {
                if let Some(queue) = queue {
                    let session = self.session.ok_or_else(gone)?;
                    broker
                        .ensure_private_queue(session, &queue)
                        .map_err(|error| Fault::of(&error, &*dialect))?;
                }
                Ok(Cow::Owned(address))
            }
        }
    }

    fn start_assembly(&mut self, body: Body, facts: Facts, head: &[u8]) -> Result<Step, Fault> {
        let (left, length) = match body {
            Body::Counted(length) => (Some(length), length),
            Body::ToNul => (None, 0),
        };
        let reserve = usize::try_from(length.min(RESERVE_BYTES)).unwrap_or_default();
        let Target { node, key, .. } = &facts.target.first;
        let mut buffer = BytesMut::with_capacity(node.len() + key.len() + head.len() + reserve);
        let lens = MessageBuilder::start(&mut buffer, node, key, head).map_err(|_| too_long())?;
        self.assembly = Some(Box::new(Assembly { left, length, buffer, lens, body_len: 0, facts }));
        Ok(Step::Taken(0))
    }

    /// Takes what there is of the body on its way. Answers how many bytes it took.
    pub(super) fn take_body(
        &mut self,
        broker: &mut Broker,
        input: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<usize, Fault> {
        let max = broker.limits().max_message_bytes;
        let Some(assembly) = self.assembly.as_deref_mut() else { return Ok(0) };
        let (count, is_whole) = match assembly.left {
            Some(left) => {
                let count = usize::try_from(left).map_or(input.len(), |left| left.min(input.len()));
                (count, left == count as u64 && input.len() > count)
            }
            None => memchr(0, input).map_or((input.len(), false), |end| (end, true)),
        };
        let piece = input.get(..count).unwrap_or_default();
        assembly.buffer.extend_from_slice(piece);
        assembly.body_len += count as u64;
        assembly.left = assembly.left.map(|left| left - count as u64);
        if assembly.body_len > max {
            return Err(FrameError::BodyTooLong { max }.into());
        }
        if !is_whole {
            return Ok(count);
        }
        if input.get(count) != Some(&0) {
            return Err(FrameError::NoNul { length: assembly.length }.into());
        }
        if let Some(assembly) = self.assembly.take() {
            let Assembly { buffer, lens, facts, .. } = *assembly;
            let message = lens.finish(Bytes::from(buffer), facts.meta);
            if let Err(fault) = self.finish_send(broker, message, &facts, out) {
                self.fail(broker, fault, facts.receipt.as_deref(), out);
            }
        }
        Ok(count + 1)
    }

    fn finish_send(
        &mut self,
        broker: &mut Broker,
        message: Message,
        facts: &Facts,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let message = message.in_group(facts.group);
        let copies = self.copies(broker, &message, facts)?;
        let mut receipt = self.pass_on(broker, &facts.target.first, message, facts)?;
        for (target, copy) in copies {
            let of_copy = self.pass_on(broker, target, copy, facts)?;
            receipt = receipt.zip(of_copy).map(|(receipt, of_copy)| receipt.and(of_copy));
        }
        if let Some(name) = &facts.transaction {
            // Its receipt comes with the commit, which makes it durable (guarantees 3).
            if let Some(receipt) = &facts.receipt {
                self.transaction(name)?.keep_receipt(receipt.clone())?;
            }
            return Ok(());
        }
        match receipt {
            Some(receipt) => self.promise(broker, facts.receipt.as_deref(), receipt, out),
            None if facts.receipt.is_some() => return Err(queue_full()),
            None => {}
        }
        Ok(())
    }

    /// Stages a message for one target, or sends it; `None` when a queue that it should have gone to is full.
    fn pass_on(
        &mut self,
        broker: &mut Broker,
        target: &Target,
        message: Message,
        facts: &Facts,
    ) -> Result<Option<Receipt>, Fault> {
        let Some(name) = &facts.transaction else { return self.send_to(broker, target, message, facts) };
        let session = self.transaction(name)?.session;
        let _staged = self.publish(broker, session, message, facts)?;
        Ok(Some(Receipt::NONE))
    }

    /// The message once more for each target but the first. None is made where one of all may not be sent to.
    fn copies<'a>(
        &self,
        broker: &Broker,
        message: &Message,
        facts: &'a Facts,
    ) -> Result<Vec<(&'a Target, Message)>, Fault> {
        let mut copies = Vec::new();
        if facts.target.more.is_empty() {
            return Ok(copies);
        }
        let session = self.session.ok_or_else(gone)?;
        for Target { node, key, .. } in facts.target.all() {
            broker
                .check_publish(session, node, key, facts.claimed_user.as_deref())
                .map_err(|error| Fault::of(&error, &**broker.dialect()))?;
        }
        for target in &facts.target.more {
            copies.push((target, copy_for(message, target)?));
        }
        Ok(copies)
    }

    /// Sends a message to one target; `None` when a queue that it should have gone to is full.
    fn send_to(
        &mut self,
        broker: &mut Broker,
        target: &Target,
        message: Message,
        facts: &Facts,
    ) -> Result<Option<Receipt>, Fault> {
        let session = self.session.ok_or_else(gone)?;
        let kept = facts.is_retained.then(|| message.clone());
        let mut published = self.publish(broker, session, message, facts)?;
        if let Published::Unroutable(message) = published {
            published = match &target.queue {
                None => Published::Unroutable(message),
                Some(AddressQueue::Existing(name)) => return Err(no_queue(broker, name)),
                // Its queue went after this connection had declared it: once more.
                Some(_) => {
                    self.prepare(broker, target)?;
                    self.publish(broker, session, message, facts)?
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
            // Nobody wanted it: that is no error, as with a confirm.
            Published::Unroutable(_) => Some(retained),
            Published::Refused => None,
        })
    }

    fn publish(
        &mut self,
        broker: &mut Broker,
        session: SessionId,
        message: Message,
        facts: &Facts,
    ) -> Result<Published, Fault> {
        let get = |name: &str| {
            let found = facts.scheduling.iter().find(|(known, _)| **known == *name);
            found.map(|(_, value)| value.clone())
        };
        let timing = match self.words.schedule {
            Some(words) => words.read(message.node(), message.key(), &get),
            None => Ok(Timing::Now),
        };
        let timing = timing.map_err(|error| Fault::new("Invalid header", format!("{error}\n")))?;
        let publish = Publish { message, extra_keys: &[], claimed_user: facts.claimed_user.as_deref() };
        broker
            .publish_timed(session, publish, &timing, None)
            .map_err(|error| Fault::of(&error, &**broker.dialect()))
    }
}

/// A message with its whole body at hand.
fn build(broker: &mut Broker, facts: &Facts, head: &[u8], body: &[u8]) -> Result<Message, Fault> {
    let Target { node, key, .. } = &facts.target.first;
    if body.len() as u64 > BLOCK_BODY_BYTES {
        return Message::new(node, key, head, body, facts.meta, None).map_err(|_| too_long());
    }
    let needed = node.len() + key.len() + head.len() + body.len();
    let mut room = broker.room(needed);
    let lens = MessageBuilder::start(&mut room, node, key, head).map_err(|_| too_long())?;
    room.put_slice(body);
    Ok(lens.finish(room.freeze(), facts.meta))
}

/// The same message for another target.
fn copy_for(message: &Message, Target { node, key, .. }: &Target) -> Result<Message, Fault> {
    let copy = Message::new(node, key, message.head(), message.body(), *message.meta(), None);
    copy.map(|copy| copy.in_group(message.group())).map_err(|_| too_long())
}

/// A queue that the message should have gone to is full and refuses.
pub(super) fn queue_full() -> Fault {
    Fault::coded("precondition_failed", "a queue is full and refused the message".to_owned())
}

fn no_queue(broker: &Broker, name: &Arc<str>) -> Fault {
    let error = Error::NotFound { kind: Kind::Queue, name: name.clone(), namespace: Arc::default() };
    Fault::of(&error, &**broker.dialect())
}

pub(super) fn missing_destination(command: &str) -> Fault {
    let text = format!("\"{command}\" must include a 'destination' header\n");
    Fault::new("Missing destination", text)
}
