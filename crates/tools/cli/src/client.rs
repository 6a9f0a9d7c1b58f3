//! A small blocking AMQP 0-9-1 client for the commands: one connection, one channel.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use ternmq_amqp091::codec::frame::{FrameKind, PROTOCOL_HEADER, split_frame};
use ternmq_amqp091::codec::method::{MethodFrame, basic, channel, confirm, connection, queue};
use ternmq_amqp091::codec::write::{Content, write_publish};
use ternmq_amqp091::codec::{ContentHeader, Method, TableBuf};

use crate::failure::Failure;
use crate::url::Address;

/// Longest frame agreed to.
const FRAME_MAX_BYTES: u32 = 131_072;
/// How long a broker may take to answer while logging in.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(15);
const READ_BYTES: usize = 64 * 1024;
/// The one channel.
const CHANNEL: u16 = 1;
/// Longest body taken.
const MAX_BODY_BYTES: u64 = 512 << 20;

/// A message as it came.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) delivery_tag: u64,
    pub(crate) is_redelivered: bool,
    pub(crate) exchange: String,
    pub(crate) key: String,
    pub(crate) properties: Vec<u8>,
    pub(crate) body: Vec<u8>,
}

/// What the broker says on the channel.
#[derive(Debug)]
pub(crate) enum Event {
    /// A message for the consumer, or the answer to a get.
    Message(Received),
    /// There was none to get.
    Empty,
    /// A message came back: it matched no queue.
    Returned { text: String },
    /// Publishes up to or only this one are safe.
    Confirmed { tag: u64, is_multiple: bool },
    /// Publishes up to or only this one were refused.
    Refused { tag: u64, is_multiple: bool },
    /// The consumer was ended by the broker.
    Cancelled,
    /// Any other answer.
    Done,
}

/// A connection with an open channel.
pub(crate) struct Client {
    stream: TcpStream,
    input: Vec<u8>,
    taken: usize,
    out: Vec<u8>,
    frame_max_bytes: u32,
    /// A message whose content has not come whole.
    partial: Option<Partial>,
}

struct Partial {
    message: Received,
    is_returned: Option<String>,
    missing_bytes: Option<u64>,
}

impl Client {
    /// Connects, logs in and opens the channel.
    pub(crate) fn connect(address: &Address) -> Result<Self, Failure> {
        let place = format!("{}:{}", address.host, address.port);
        let stream = TcpStream::connect((&*address.host, address.port)).map_err(|error| {
            Failure::new(format!("cannot reach a broker at {place}: {error}; is it running?"))
        })?;
        let set_up = stream.set_nodelay(true).and_then(|()| stream.set_read_timeout(Some(LOGIN_TIMEOUT)));
        set_up.map_err(Failure::while_doing("set up the connection"))?;
        let (input, out) = (Vec::new(), PROTOCOL_HEADER.to_vec());
        let mut client =
            Self { stream, input, taken: 0, out, frame_max_bytes: FRAME_MAX_BYTES, partial: None };
        client.log_in(address)?;
        client.call(&channel::Open::default())?;
        client.stream.set_read_timeout(None).map_err(Failure::while_doing("set up the connection"))?;
        Ok(client)
    }

    fn log_in(&mut self, address: &Address) -> Result<(), Failure> {
        self.expect_method(|method| matches!(method, Method::ConnectionStart(_)).then_some(()))?;
        let response = format!("\0{}\0{}", address.user, address.password);
        let mut capabilities = TableBuf::new();
        capabilities.push("authentication_failure_close", ternmq_amqp091::codec::FieldValue::Bool(true));
        capabilities.push("consumer_cancel_notify", ternmq_amqp091::codec::FieldValue::Bool(true));
        let mut properties = TableBuf::new();
        properties
            .push_text("product", "ternmq command line")
            .push_text("version", env!("CARGO_PKG_VERSION"));
        properties.push("capabilities", ternmq_amqp091::codec::FieldValue::Table(capabilities.as_table()));
        let start_ok = connection::StartOk {
            client_properties: properties.as_table(),
            mechanism: "PLAIN",
            response: response.as_bytes(),
            locale: "en_US",
        };
        start_ok.write_frame(&mut self.out, 0);
        let tune = self.expect_method(|method| match method {
            Method::ConnectionTune(tune) => Some(*tune),
            _ => None,
        })?;
        if tune.frame_max > 0 {
            self.frame_max_bytes = self.frame_max_bytes.min(tune.frame_max);
        }
        let frame_max = self.frame_max_bytes;
        // Without heartbeats: a command line tool ends when its connection does.
        connection::TuneOk { channel_max: tune.channel_max, frame_max, heartbeat: 0 }
            .write_frame(&mut self.out, 0);
        let virtual_host = address.path.as_deref().unwrap_or("/");
        connection::Open { virtual_host }.write_frame(&mut self.out, 0);
        self.expect_method(|method| matches!(method, Method::ConnectionOpenOk(_)).then_some(()))
    }

    /// Sends a method and waits for its answer.
    pub(crate) fn call(&mut self, method: &impl MethodFrame) -> Result<(), Failure> {
        method.write_frame(&mut self.out, CHANNEL);
        loop {
            match self.next_event()? {
                Event::Done => return Ok(()),
                Event::Cancelled => return Err(Failure::new("the broker ended the consumer")),
                _ => {}
            }
        }
    }

    /// Makes a durable queue, or finds it there.
    pub(crate) fn ensure_queue(&mut self, name: &str) -> Result<(), Failure> {
        // A passive declare that fails would close the channel, and one that is not passive must repeat every
        // argument: so look first, on the same channel opened again if need be.
        if self.call(&queue::Declare { queue: name, passive: true, ..Default::default() }).is_ok() {
            return Ok(());
        }
        self.call(&channel::Open::default())?;
        self.call(&queue::Declare { queue: name, durable: true, ..Default::default() })
    }

    /// Asks for confirms of what is published from now on.
    pub(crate) fn select_confirms(&mut self) -> Result<(), Failure> {
        self.call(&confirm::Select::default())
    }

    /// Starts a consumer with this many messages under way.
    pub(crate) fn consume(&mut self, queue: &str, prefetch_count: u16) -> Result<(), Failure> {
        self.call(&basic::Qos { prefetch_count, ..Default::default() })?;
        self.call(&basic::Consume { queue, consumer_tag: "ternmq", ..Default::default() })
    }

    /// Puts a message in the output; it goes with the next [`Client::next_event`] or [`Client::flush`].
    pub(crate) fn publish(&mut self, exchange: &str, key: &str, properties: &[u8], body: &[u8]) {
        let publish = basic::Publish { exchange, routing_key: key, mandatory: true, immediate: false };
        write_publish(&mut self.out, CHANNEL, &publish, Content { properties, body }, self.frame_max_bytes);
    }

    /// Puts a method without an answer in the output.
    pub(crate) fn send(&mut self, method: &impl MethodFrame) {
        method.write_frame(&mut self.out, CHANNEL);
    }

    /// Sends what is in the output.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        self.stream.write_all(&self.out).map_err(Failure::while_doing("send to the broker"))?;
        self.out.clear();
        Ok(())
    }

    /// Bytes waiting to be sent.
    pub(crate) fn waiting_bytes(&self) -> usize {
        self.out.len()
    }

    /// Whether an event may be there without waiting for the network.
    pub(crate) fn has_input(&self) -> bool {
        let rest = self.input.get(self.taken..).unwrap_or_default();
        matches!(split_frame(rest, self.frame_max_bytes), Ok(Some(_)) | Err(_))
    }

    /// Says goodbye.
    pub(crate) fn close(mut self) -> Result<(), Failure> {
        connection::Close { reply_code: 200, reply_text: "done", class_id: 0, method_id: 0 }
            .write_frame(&mut self.out, 0);
        self.flush()?;
        self.stream
            .set_read_timeout(Some(LOGIN_TIMEOUT))
            .map_err(Failure::while_doing("end the connection"))?;
        // Whatever is under way is read away until the broker agrees.
        while self.next_event().is_ok() {}
        Ok(())
    }

    /// Waits for a method on channel 0 while logging in.
    fn expect_method<R>(&mut self, pick: impl Fn(&Method<'_>) -> Option<R>) -> Result<R, Failure> {
        self.flush()?;
        loop {
            let (kind, _, payload) = self.next_frame()?;
            if kind != FrameKind::Method {
                continue;
            }
            let method = Method::decode(&payload).map_err(Failure::while_doing("understand the broker"))?;
            match &method {
                Method::ConnectionClose(close) => return Err(refusal(close.reply_code, close.reply_text)),
                other => match pick(other) {
                    Some(answer) => return Ok(answer),
                    None => {
                        return Err(Failure::new(format!(
                            "the broker answered {} out of turn",
                            other.name()
                        )));
                    }
                },
            }
        }
    }

    /// Sends what waits and takes the next thing that the broker says.
    pub(crate) fn next_event(&mut self) -> Result<Event, Failure> {
        if !self.out.is_empty() {
            self.flush()?;
        }
        loop {
            let (kind, _, payload) = self.next_frame()?;
            let event = match kind {
                FrameKind::Method => self.on_method(&payload)?,
                FrameKind::Header => self.on_header(&payload)?,
                FrameKind::Body => self.on_body(&payload)?,
                FrameKind::Heartbeat => None,
            };
            if let Some(event) = event {
                return Ok(event);
            }
        }
    }

    fn on_method(&mut self, payload: &[u8]) -> Result<Option<Event>, Failure> {
        let method = Method::decode(payload).map_err(Failure::while_doing("understand the broker"))?;
        let mut begin = |tag, is_redelivered, exchange: &str, key: &str, is_returned| {
            let message = Received {
                delivery_tag: tag,
                is_redelivered,
                exchange: exchange.into(),
                key: key.into(),
                properties: Vec::new(),
                body: Vec::new(),
            };
            self.partial = Some(Partial { message, is_returned, missing_bytes: None });
        };
        Ok(match method {
            Method::BasicDeliver(it) => {
                begin(it.delivery_tag, it.redelivered, it.exchange, it.routing_key, None);
                None
            }
            Method::BasicGetOk(it) => {
                begin(it.delivery_tag, it.redelivered, it.exchange, it.routing_key, None);
                None
            }
            Method::BasicReturn(it) => {
                begin(0, false, it.exchange, it.routing_key, Some(it.reply_text.to_owned()));
                None
            }
            Method::BasicGetEmpty(_) => Some(Event::Empty),
            Method::BasicAck(it) => Some(Event::Confirmed { tag: it.delivery_tag, is_multiple: it.multiple }),
            Method::BasicNack(it) => Some(Event::Refused { tag: it.delivery_tag, is_multiple: it.multiple }),
            Method::BasicCancel(_) => Some(Event::Cancelled),
            Method::ConnectionBlocked(_) | Method::ConnectionUnblocked(_) => None,
            Method::ConnectionClose(it) => return Err(refusal(it.reply_code, it.reply_text)),
            Method::ChannelClose(it) => {
                let failure = refusal(it.reply_code, it.reply_text);
                channel::CloseOk {}.write_frame(&mut self.out, CHANNEL);
                self.flush()?;
                return Err(failure);
            }
            _ => Some(Event::Done),
        })
    }

    fn on_header(&mut self, payload: &[u8]) -> Result<Option<Event>, Failure> {
        let header = ContentHeader::decode(payload).map_err(Failure::while_doing("understand the broker"))?;
        if header.body_size_bytes > MAX_BODY_BYTES {
            return Err(Failure::new(format!(
                "the broker sends a message of {} bytes",
                header.body_size_bytes
            )));
        }
        let Some(partial) = &mut self.partial else { return Err(out_of_turn()) };
        partial.message.properties = header.properties.to_vec();
        partial.missing_bytes = Some(header.body_size_bytes);
        Ok(self.finish_message())
    }

    fn on_body(&mut self, payload: &[u8]) -> Result<Option<Event>, Failure> {
        let Some(partial) = &mut self.partial else { return Err(out_of_turn()) };
        let missing = partial.missing_bytes.and_then(|missing| missing.checked_sub(payload.len() as u64));
        let Some(missing) = missing else { return Err(out_of_turn()) };
        partial.missing_bytes = Some(missing);
        partial.message.body.extend_from_slice(payload);
        Ok(self.finish_message())
    }

    fn finish_message(&mut self) -> Option<Event> {
        let partial = self.partial.take_if(|partial| partial.missing_bytes == Some(0))?;
        Some(match partial.is_returned {
            Some(text) => Event::Returned { text },
            None => Event::Message(partial.message),
        })
    }

    fn next_frame(&mut self) -> Result<(FrameKind, u16, Vec<u8>), Failure> {
        loop {
            let rest = self.input.get(self.taken..).unwrap_or_default();
            let found = split_frame(rest, self.frame_max_bytes)
                .map_err(Failure::while_doing("understand the broker"))?;
            if let Some((frame, len)) = found {
                let answer = (frame.kind, frame.channel, frame.payload.to_vec());
                self.taken += len;
                return Ok(answer);
            }
            self.input.drain(..self.taken);
            self.taken = 0;
            let filled = self.input.len();
            self.input.resize(filled + READ_BYTES, 0);
            let space = self.input.get_mut(filled..).unwrap_or_default();
            let count = match self.stream.read(space) {
                Ok(0) => Err(Failure::new("the broker closed the connection")),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    Err(Failure::new("the broker does not answer; is it an AMQP 0-9-1 listener?"))
                }
                Err(error) => Err(Failure::new(format!("the connection broke: {error}"))),
                Ok(count) => Ok(count),
            };
            self.input.truncate(filled + *count.as_ref().unwrap_or(&0));
            count?;
        }
    }
}

fn refusal(code: u16, text: &str) -> Failure {
    Failure::new(format!("the broker refused ({code}): {text}"))
}

fn out_of_turn() -> Failure {
    Failure::new("the broker sent frames out of turn")
}
