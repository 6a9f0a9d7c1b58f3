//! Content: basic.publish, its header and its body, put together to one message.
//!
//! When header and body of a small message follow each other in one read, the message is built straight in the
//! broker's block. Everything else is collected by its channel, so that channels may take turns.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use ternmq_broker::{Broker, Publish, Published};
use ternmq_message::{Encoding, Message, MessageBuilder, MessageMeta};

use super::{Amqp091Session, Step, channel::Mode, reply_to};
use crate::{
    codec::{
        ContentHeader, ContentHeaderError, FieldValue, Scan,
        frame::{FRAME_END, FRAME_HEAD_BYTES, FRAME_OVERHEAD_BYTES, FrameKind},
        method::basic,
        write::{Content as Body, write_return},
    },
    error::{FRAME_ERROR, Fault, NOT_IMPLEMENTED, PRECONDITION_FAILED, SYNTAX_ERROR, UNEXPECTED_FRAME},
    format::{BLIND_COPIES, COPIES, head_without_header, texts},
};

/// Number of this encoding in messages and on disk.
pub const ENCODING: Encoding = Encoding(1);

/// Longest body that is built in the shared block; a longer one has a buffer of its own.
const BLOCK_BODY_BYTES: usize = 4 << 10;
/// Most bytes reserved on the word of a header (B1).
const RESERVE_BYTES: u64 = 64 << 10;

/// Longest time to live of a message: ten years.
const MAX_EXPIRATION_MS: u64 = 315_360_000_000;

/// A publish on its way. Exchange and key are in [`super::channel::Channel::names`].
pub(super) struct Content {
    exchange_len: u8,
    is_mandatory: bool,
    stage: Stage,
}

enum Stage {
    /// The method was there.
    AwaitHeader,
    /// The header was there; body pieces are collected.
    Body(Collected),
    /// Too large: the rest is passed over.
    Skip { left: u64 },
}

struct Collected {
    left: u64,
    buffer: BytesMut,
    lens: MessageBuilder,
    facts: Facts,
}

/// What a header says that the core acts on.
struct Facts {
    meta: MessageMeta,
    claimed_user: Option<Arc<str>>,
    extra_keys: Vec<Arc<str>>,
    /// The head as it is kept, when that is not as it came.
    head: Option<Vec<u8>>,
}

impl Content {
    /// Something else came than what belongs next.
    pub(super) fn interrupted(&self) -> Fault {
        let text = match self.stage {
            Stage::AwaitHeader => {
                "expected content header for class 60, got non content header frame instead"
            }
            Stage::Body(_) | Stage::Skip { .. } => {
                "expected content body, got non content body frame instead"
            }
        };
        Fault::new(UNEXPECTED_FRAME, text)
    }
}

impl Amqp091Session {
    pub(super) fn on_publish(
        &mut self,
        broker: &mut Broker,
        number: u16,
        publish: &basic::Publish<'_>,
    ) -> Result<Step, Fault> {
        if broker.blocked_reason().is_some() {
            self.is_held = true;
            return Ok(Step::Held);
        }
        if publish.immediate {
            return Err(Fault::new(NOT_IMPLEMENTED, "immediate=true"));
        }
        if !self.is_publisher
            && let Some(connection) = self.connection
        {
            self.is_publisher = true;
            broker.note_publisher(connection);
        }
        let Some(channel) = self.channel_mut(number) else { return Ok(Step::Taken) };
        channel.names.clear();
        channel.names.extend_from_slice(publish.exchange.as_bytes());
        channel.names.extend_from_slice(publish.routing_key.as_bytes());
        let content = Content {
            exchange_len: u8::try_from(publish.exchange.len()).unwrap_or(u8::MAX),
            is_mandatory: publish.mandatory,
            stage: Stage::AwaitHeader,
        };
        match &mut channel.content {
            Some(place) => **place = content,
            None => channel.content = Some(Box::new(content)),
        }
        Ok(Step::Taken)
    }

    pub(super) fn on_header(
        &mut self,
        broker: &mut Broker,
        number: u16,
        payload: &[u8],
        next: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Step, Fault> {
        let frame_max = self.frame_max;
        let Some(channel) = self.content_channel(number)? else { return Ok(Step::Taken) };
        let Some(content) = channel.content.as_deref_mut() else {
            return Err(no_publish());
        };
        if !matches!(content.stage, Stage::AwaitHeader) {
            return Err(content.interrupted());
        }
        let header = ContentHeader::decode(payload).map_err(|error| header_fault(&error))?;
        let max = broker.limits().max_message_bytes;
        if header.body_size_bytes > max {
            content.stage = Stage::Skip { left: header.body_size_bytes };
            let text =
                format!("message size {} is larger than configured max size {max}", header.body_size_bytes);
            return Err(Fault::new(PRECONDITION_FAILED, text));
        }
        let facts = match self.read_facts(number, &header) {
            Ok(facts) => facts,
            Err(fault) => return Err(self.earlier_fault(broker, number, &header, fault)),
        };
        let Some(channel) = self.channels.get_mut(usize::from(number)).and_then(|slot| slot.as_deref_mut())
        else {
            return Ok(Step::Taken);
        };
        let Some(content) = channel.content.as_deref_mut() else { return Ok(Step::Taken) };
        let (exchange, key) = split_names(&channel.names, content.exchange_len);
        let head = facts.head.as_deref().unwrap_or(header.properties);
        let size = header.body_size_bytes;
        if let Some((body, taken)) = whole_body(next, number, size, frame_max) {
            let needed = exchange.len() + key.len() + head.len() + body.len();
            let mut room = broker.room(needed);
            let lens = MessageBuilder::start(&mut room, exchange, key, head).map_err(|_| too_long())?;
            room.put_slice(body);
            let message = lens.finish(room.freeze(), facts.meta);
            let is_mandatory = content.is_mandatory;
            self.finish_publish(broker, number, message, &facts, is_mandatory, out)?;
            return Ok(Step::TakenWith(taken));
        }
        let reserve = usize::try_from(size.min(RESERVE_BYTES)).unwrap_or_default();
        let mut buffer = BytesMut::with_capacity(exchange.len() + key.len() + head.len() + reserve);
        let lens = MessageBuilder::start(&mut buffer, exchange, key, head).map_err(|_| too_long())?;
        content.stage = Stage::Body(Collected { left: size, buffer, lens, facts });
        Ok(Step::Taken)
    }

    pub(super) fn on_body(
        &mut self,
        broker: &mut Broker,
        number: u16,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Step, Fault> {
        let Some(channel) = self.content_channel(number)? else { return Ok(Step::Taken) };
        let Some(content) = channel.content.as_deref_mut() else {
            return Err(no_publish());
        };
        let collected = match &mut content.stage {
            Stage::AwaitHeader => return Err(content.interrupted()),
            Stage::Body(collected) => collected,
            Stage::Skip { left } => {
                *left = left.saturating_sub(payload.len() as u64);
                return Ok(Step::Taken);
            }
        };
        collected.left = match collected.left.checked_sub(payload.len() as u64) {
            Some(left) => left,
            None => return Err(Fault::new(UNEXPECTED_FRAME, "a body longer than its header says")),
        };
        collected.buffer.extend_from_slice(payload);
        if collected.left > 0 {
            return Ok(Step::Taken);
        }
        let is_mandatory = content.is_mandatory;
        let stage = std::mem::replace(&mut content.stage, Stage::AwaitHeader);
        if let Stage::Body(Collected { buffer, lens, facts, .. }) = stage {
            let message = lens.finish(Bytes::from(buffer), facts.meta);
            self.finish_publish(broker, number, message, &facts, is_mandatory, out)?;
        }
        Ok(Step::Taken)
    }

    /// What is told of a publish with something wrong in its header: the exchange comes first, then the user.
    fn earlier_fault(
        &mut self,
        broker: &Broker,
        number: u16,
        header: &ContentHeader<'_>,
        fault: Fault,
    ) -> Fault {
        let Some(channel) = self.channel_mut(number) else { return fault };
        let Some(content) = channel.content.as_deref() else { return fault };
        let (exchange, _) = split_names(&channel.names, content.exchange_len);
        match broker.check_publish(channel.session, exchange, "", header.scan.user_id) {
            Ok(()) => fault,
            Err(error) => Fault::of(&error, &**broker.dialect()),
        }
    }

    /// What the core needs to know of a header, with its special headers and addresses dealt with.
    fn read_facts(&mut self, number: u16, header: &ContentHeader<'_>) -> Result<Facts, Fault> {
        let scan = &header.scan;
        let mut facts = Facts {
            meta: MessageMeta {
                encoding: ENCODING,
                is_durable: scan.delivery_mode == Some(2),
                priority: scan.priority.unwrap_or(0),
                ttl_ms: scan.expiration.map(read_expiration).transpose()?,
            },
            claimed_user: scan.user_id.map(Arc::from),
            extra_keys: Vec::new(),
            head: None,
        };
        if scan.copies.has_cc || scan.copies.has_bcc {
            read_copies(scan, header.properties, &mut facts)?;
        }
        if scan.reply_to == Some(reply_to::PSEUDO_QUEUE) {
            let base = facts.head.as_deref().unwrap_or(header.properties);
            facts.head = Some(self.rewrite_reply_to(number, base)?);
        }
        Ok(facts)
    }

    fn finish_publish(
        &mut self,
        broker: &mut Broker,
        number: u16,
        message: Message,
        facts: &Facts,
        is_mandatory: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let Some(channel) = self.channels.get_mut(usize::from(number)).and_then(|slot| slot.as_deref_mut())
        else {
            return Ok(());
        };
        let session = channel.session;
        // The box is kept for the next publish only while the channel is busy with it.
        channel.content = None;
        let publish =
            Publish { message, extra_keys: &facts.extra_keys, claimed_user: facts.claimed_user.as_deref() };
        let published =
            broker.publish(session, publish).map_err(|error| Fault::of(&error, &**broker.dialect()))?;
        if let Mode::Tx(mandatory) = &mut channel.mode {
            mandatory.push(is_mandatory);
            return Ok(());
        }
        match published {
            Published::Accepted(receipt) => {
                if matches!(channel.mode, Mode::Confirm(_)) {
                    let durable = broker.durable();
                    self.confirm_accepted(number, receipt, durable);
                }
            }
            Published::Refused => self.confirm_refused(number),
            Published::Unroutable(message) => {
                if is_mandatory {
                    let frame_max = self.frame_max;
                    if let Some(channel) = self.channel_mut(number) {
                        write_unroutable(channel.sink(out), number, &message, frame_max);
                    }
                }
                let durable = broker.durable();
                self.confirm_accepted(number, ternmq_broker::Receipt::NONE, durable);
            }
        }
        Ok(())
    }
}

/// basic.return of a message that no queue wanted.
pub(super) fn write_unroutable(out: &mut Vec<u8>, number: u16, message: &Message, frame_max: u32) {
    let returned = basic::Return {
        reply_code: 312,
        reply_text: "NO_ROUTE",
        exchange: message.node(),
        routing_key: message.key(),
    };
    let content = Body { properties: message.head(), body: message.body() };
    write_return(out, number, &returned, content, frame_max);
}

/// The body when it is exactly the next frame, or empty, with the bytes that it takes.
fn whole_body(next: &[u8], number: u16, size: u64, frame_max: u32) -> Option<(&[u8], usize)> {
    if size == 0 {
        return Some((&[], 0));
    }
    let size = usize::try_from(size).ok().filter(|size| *size <= BLOCK_BODY_BYTES)?;
    let whole = size + FRAME_OVERHEAD_BYTES;
    if whole as u64 > u64::from(frame_max) {
        return None;
    }
    let frame = next.get(..whole)?;
    let (head, rest) = frame.split_first_chunk::<FRAME_HEAD_BYTES>()?;
    let [kind, c0, c1, s0, s1, s2, s3] = *head;
    let is_it = kind == FrameKind::Body as u8
        && u16::from_be_bytes([c0, c1]) == number
        && u32::from_be_bytes([s0, s1, s2, s3]) as usize == size;
    let (body, end) = rest.split_at_checked(size)?;
    // Anything odd goes the long way, which finds out what is wrong.
    (is_it && end == [FRAME_END]).then_some((body, whole))
}

fn split_names(names: &[u8], exchange_len: u8) -> (&str, &str) {
    let (exchange, key) = names.split_at_checked(usize::from(exchange_len)).unwrap_or((names, &[]));
    // Both were decoded as text.
    (std::str::from_utf8(exchange).unwrap_or_default(), std::str::from_utf8(key).unwrap_or_default())
}

fn read_expiration(text: &str) -> Result<u64, Fault> {
    let shown = |text: &str| -> String { text.chars().take(64).flat_map(char::escape_default).collect() };
    let invalid =
        |why: &str| Fault::new(PRECONDITION_FAILED, format!("invalid expiration '{}': {why}", shown(text)));
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let rest = unsigned.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let digits = unsigned.strip_suffix(rest).unwrap_or(unsigned);
    if digits.is_empty() {
        return Err(invalid("no_integer"));
    }
    if !rest.is_empty() {
        return Err(invalid(&format!("{{leftover_string,\"{}\"}}", shown(rest))));
    }
    let number = digits.trim_start_matches('0');
    if text.starts_with('-') && !number.is_empty() {
        return Err(invalid(&format!("{{value_negative,-{}}}", shown(number))));
    }
    match digits.parse::<u64>() {
        Ok(ms) if ms <= MAX_EXPIRATION_MS => Ok(ms),
        _ => Err(invalid(&format!("{{value_too_large,{}}}", shown(number)))),
    }
}

/// Further keys from the CC and BCC headers; BCC is taken off before anybody sees it.
fn read_copies(scan: &Scan<'_>, properties: &[u8], facts: &mut Facts) -> Result<(), Fault> {
    let Some(table) = scan.headers else { return Ok(()) };
    for name in [COPIES, BLIND_COPIES] {
        match table.get(name) {
            None => {}
            Some(FieldValue::Array(keys)) => facts.extra_keys.extend(texts(keys)),
            Some(other) => return Err(bad_copies(name, &other)),
        }
    }
    if scan.copies.has_bcc {
        facts.head = Some(head_without_header(properties, BLIND_COPIES).into_owned());
    }
    Ok(())
}

fn bad_copies(name: &str, value: &FieldValue<'_>) -> Fault {
    let text = format!("invalid message: {{unacceptable_type_in_header,\"{name}\",{}}}", value.type_name());
    Fault::new(PRECONDITION_FAILED, text)
}

fn header_fault(error: &ContentHeaderError) -> Fault {
    match error {
        ContentHeaderError::Malformed(_) => Fault::new(SYNTAX_ERROR, error.to_string()),
        ContentHeaderError::Weight(_) | ContentHeaderError::Class(_) => {
            Fault::new(FRAME_ERROR, error.to_string())
        }
    }
}

/// Content came where a method belongs.
pub(super) fn no_publish() -> Fault {
    Fault::new(UNEXPECTED_FRAME, "expected method frame, got non method frame instead")
}

fn too_long() -> Fault {
    Fault::new(FRAME_ERROR, "exchange, routing key or properties are too long")
}
