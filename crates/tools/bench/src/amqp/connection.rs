//! One blocking connection: login, the few methods with an answer, and bursts of raw bytes both ways.

use std::io::{self, Write};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use super::address::Address;
use super::wire::{
    self, FRAME_MAX, FieldValue, Frame, MethodId, PROTOCOL_HEADER, Reader, first_frame, id, put_long_string,
    put_method, put_short_string, put_table,
};
use crate::stream::Stream;

/// How many bytes one read may give.
pub const READ_BYTES: usize = 256 * 1024;
/// How long an answer to a method may take. Deleting a queue with millions of messages takes seconds in some
/// brokers, hence the generous figure.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// Whether a read may wait for bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wait {
    /// Take what is there.
    Never,
    /// Wait up to the time set by [`Connection::set_read_timeout`].
    ForBytes,
}

/// What a read gave.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Read {
    /// This many more bytes are in the inbox.
    Bytes(usize),
    /// Nothing within the time allowed.
    Nothing,
}

/// What a broker says of itself when it greets.
#[derive(Clone, Default, Debug)]
pub struct Product {
    /// Its name, such as `RabbitMQ`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// How a queue is declared.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum QueueKind {
    /// Gone when the broker restarts.
    Transient,
    /// Kept over a restart.
    Durable,
    /// For the connection that declares it, and gone with that.
    Exclusive,
    /// Gone with its last consumer.
    AutoDelete,
}

/// A logged-in connection.
pub struct Connection {
    stream: Stream,
    inbox: Vec<u8>,
    /// The unread part of `inbox` is `start..end`.
    start: usize,
    end: usize,
    product: Product,
}

impl Connection {
    /// Connects and logs in (AMQP 0-9-1 2.2.4), with PLAIN and without heartbeats.
    pub fn open(address: &Address) -> Result<Connection> {
        Connection::open_with_inbox(address, READ_BYTES)
    }

    /// Connects only to hear the broker's greeting, and hangs up.
    pub fn greet(address: &Address) -> Result<()> {
        Connection::connect(address, READ_BYTES)?.read_greeting()
    }

    /// As [`Connection::open`], with an inbox of `bytes`: thousands of idle connections must not cost this
    /// process more than the broker.
    pub fn open_with_inbox(address: &Address, bytes: usize) -> Result<Connection> {
        let mut connection = Connection::connect(address, bytes)?;
        connection
            .log_in(address)
            .with_context(|| format!("login to {} as {} failed", address.endpoint, address.user))?;
        Ok(connection)
    }

    fn connect(address: &Address, bytes: usize) -> Result<Connection> {
        let stream = Stream::open(address, ANSWER_TIMEOUT)?;
        Ok(Connection { stream, inbox: vec![0; bytes], start: 0, end: 0, product: Product::default() })
    }

    fn read_greeting(&mut self) -> Result<()> {
        self.stream.write_all(PROTOCOL_HEADER)?;
        self.product = self.answer(id::CONNECTION_START, |frame| Ok(read_product(frame.arguments())))?;
        Ok(())
    }

    fn log_in(&mut self, address: &Address) -> Result<()> {
        self.read_greeting()?;
        let mut out = Vec::with_capacity(256);
        put_method(&mut out, 0, id::CONNECTION_START_OK, |out| {
            put_table(out, &[("product", FieldValue::Text("ternmq bench"))]);
            put_short_string(out, "PLAIN");
            put_long_string(out, format!("\0{}\0{}", address.user, address.password).as_bytes());
            put_short_string(out, "en_US");
        });
        self.stream.write_all(&out)?;
        let (channel_max, frame_max) = self.answer(id::CONNECTION_TUNE, |frame| {
            let mut arguments = frame.arguments();
            Ok((arguments.u16("channel-max")?, arguments.u32("frame-max")?))
        })?;
        out.clear();
        put_method(&mut out, 0, id::CONNECTION_TUNE_OK, |out| {
            out.extend_from_slice(&channel_max.to_be_bytes());
            let frame_max = if frame_max == 0 { FRAME_MAX } else { frame_max.min(FRAME_MAX) };
            out.extend_from_slice(&frame_max.to_be_bytes());
            out.extend_from_slice(&0u16.to_be_bytes());
        });
        put_method(&mut out, 0, id::CONNECTION_OPEN, |out| {
            put_short_string(out, &address.vhost);
            put_short_string(out, "");
            out.push(0);
        });
        self.stream.write_all(&out)?;
        self.answer(id::CONNECTION_OPEN_OK, |_| Ok(()))
    }

    /// What the broker said it is.
    pub fn product(&self) -> &Product {
        &self.product
    }

    /// How long [`Wait::ForBytes`] waits at most.
    pub fn set_read_timeout(&self, limit: Duration) -> Result<()> {
        Ok(self.stream.tcp().set_read_timeout(Some(limit))?)
    }

    /// Writes `bytes` as they are. When the broker hung up, the error tells the reason it gave, if it gave one.
    pub fn send(&mut self, bytes: &[u8]) -> Result<()> {
        match self.stream.write_all(bytes) {
            Ok(()) => Ok(()),
            Err(error) => Err(self.reason_to_hang_up().unwrap_or_else(|| error.into())),
        }
    }

    fn reason_to_hang_up(&mut self) -> Option<anyhow::Error> {
        self.set_read_timeout(Duration::from_millis(500)).ok()?;
        loop {
            match self.next_frame() {
                Err(error) => return Some(error),
                Ok(Some(_)) => {}
                Ok(None) => match self.read(Wait::ForBytes) {
                    Ok(Read::Bytes(_)) => {}
                    _ => return None,
                },
            }
        }
    }

    /// Reads once, up to [`READ_BYTES`].
    pub fn read(&mut self, wait: Wait) -> Result<Read> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.start > self.inbox.len() / 2 || self.end == self.inbox.len() {
            self.inbox.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.inbox.len() {
            self.inbox.resize(self.inbox.len().max(1024) * 2, 0);
        }
        let room = self.inbox.get_mut(self.end..).unwrap_or_default();
        match self.stream.receive(room, wait) {
            Ok(0) => bail!("the broker closed the connection without giving a reason"),
            Ok(count) => {
                self.end += count;
                Ok(Read::Bytes(count))
            }
            Err(error) if is_nothing_yet(&error) => Ok(Read::Nothing),
            Err(error) => Err(error.into()),
        }
    }

    /// The bytes read and not yet consumed.
    #[inline]
    pub fn inbox(&self) -> &[u8] {
        self.inbox.get(self.start..self.end).unwrap_or_default()
    }

    /// Drops `count` bytes off the front of the inbox.
    #[inline]
    pub fn consume_bytes(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }

    /// The next complete frame of the inbox; a close by the broker is an error with the reason it gave.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>> {
        let bytes = self.inbox.get(self.start..self.end).unwrap_or_default();
        let Some(frame) = first_frame(bytes)? else { return Ok(None) };
        refuse_close(&frame)?;
        self.start += frame.wire_len();
        Ok(Some(frame))
    }

    /// Waits for the method `expected`, skipping heartbeats, and hands its frame to `read`.
    pub fn answer<T>(&mut self, expected: MethodId, read: impl FnOnce(&Frame<'_>) -> Result<T>) -> Result<T> {
        loop {
            let bytes = self.inbox.get(self.start..self.end).unwrap_or_default();
            if let Some(frame) = first_frame(bytes)? {
                refuse_close(&frame)?;
                self.start += frame.wire_len();
                match frame.method() {
                    Some(method) if method == expected => return read(&frame),
                    None if frame.kind == wire::HEARTBEAT => continue,
                    _ => bail!(
                        "expected method {expected:?}, got a frame of kind {} {:?}",
                        frame.kind,
                        frame.method()
                    ),
                }
            }
            if self.read(Wait::ForBytes)? == Read::Nothing {
                bail!("no answer to a request within {} s", ANSWER_TIMEOUT.as_secs());
            }
        }
    }

    /// Sends a method and waits for its answer.
    pub fn call(
        &mut self,
        channel: u16,
        method: MethodId,
        answer: MethodId,
        fill: impl FnOnce(&mut Vec<u8>),
    ) -> Result<()> {
        let mut out = Vec::with_capacity(128);
        put_method(&mut out, channel, method, fill);
        self.send(&out)?;
        self.answer(answer, |_| Ok(()))
    }

    /// Opens a channel.
    pub fn open_channel(&mut self, channel: u16) -> Result<()> {
        self.call(channel, id::CHANNEL_OPEN, id::CHANNEL_OPEN_OK, |out| out.push(0))
    }

    /// Closes a channel; its unsettled messages return to their queues.
    pub fn close_channel(&mut self, channel: u16) -> Result<()> {
        let mut out = Vec::new();
        put_method(&mut out, channel, id::CHANNEL_CLOSE, |out| {
            out.extend_from_slice(&200u16.to_be_bytes());
            put_short_string(out, "done");
            out.extend_from_slice(&[0; 4]);
        });
        self.send(&out)?;
        loop {
            match self.next_frame()? {
                Some(frame) if frame.method() == Some(id::CHANNEL_CLOSE_OK) => return Ok(()),
                Some(_) => {}
                None => {
                    if self.read(Wait::ForBytes)? == Read::Nothing {
                        bail!("no answer to channel.close within {} s", ANSWER_TIMEOUT.as_secs());
                    }
                }
            }
        }
    }

    /// Declares a queue; gives the number of messages ready in it.
    pub fn declare_queue(
        &mut self,
        name: &str,
        kind: QueueKind,
        arguments: &[(&str, FieldValue<'_>)],
    ) -> Result<u32> {
        let mut out = Vec::with_capacity(128);
        put_declare_queue(&mut out, name, kind, arguments);
        self.send(&out)?;
        self.answer(id::QUEUE_DECLARE_OK, |frame| {
            let mut fields = frame.arguments();
            fields.short_string("queue")?;
            Ok(fields.u32("message-count")?)
        })
        .with_context(|| format!("queue {name} was not declared"))
    }

    /// Deletes a queue with what is in it.
    pub fn delete_queue(&mut self, name: &str) -> Result<()> {
        let mut out = Vec::with_capacity(64);
        put_delete_queue(&mut out, name);
        self.send(&out)?;
        self.answer(id::QUEUE_DELETE_OK, |_| Ok(())).with_context(|| format!("queue {name} was not deleted"))
    }

    /// Declares a transient exchange.
    pub fn declare_exchange(
        &mut self,
        name: &str,
        kind: &str,
        arguments: &[(&str, FieldValue<'_>)],
    ) -> Result<()> {
        self.call(1, id::EXCHANGE_DECLARE, id::EXCHANGE_DECLARE_OK, |out| {
            out.extend_from_slice(&[0; 2]);
            put_short_string(out, name);
            put_short_string(out, kind);
            out.push(0);
            put_table(out, arguments);
        })
        .with_context(|| format!("exchange {name} of type {kind} was not declared"))
    }

    /// Deletes an exchange.
    pub fn delete_exchange(&mut self, name: &str) -> Result<()> {
        self.call(1, id::EXCHANGE_DELETE, id::EXCHANGE_DELETE_OK, |out| {
            out.extend_from_slice(&[0; 2]);
            put_short_string(out, name);
            out.push(0);
        })
    }

    /// Binds a queue.
    pub fn bind_queue(&mut self, queue: &str, exchange: &str, key: &str) -> Result<()> {
        let mut out = Vec::new();
        put_bind_queue(&mut out, queue, exchange, key);
        self.send(&out)?;
        self.answer(id::QUEUE_BIND_OK, |_| Ok(()))
            .with_context(|| format!("queue {queue} was not bound to {exchange} with key {key}"))
    }

    /// Sends many methods of one kind in bursts and waits for as many answers.
    pub fn pipeline(
        &mut self,
        count: usize,
        answer: MethodId,
        mut put: impl FnMut(&mut Vec<u8>, usize),
    ) -> Result<()> {
        const BURST: usize = 200;
        let mut out = Vec::with_capacity(32 * 1024);
        let mut sent = 0;
        while sent < count {
            out.clear();
            let until = count.min(sent + BURST);
            (sent..until).for_each(|index| put(&mut out, index));
            self.send(&out)?;
            for index in sent..until {
                self.answer(answer, |_| Ok(())).with_context(|| format!("request {index} of {count}"))?;
            }
            sent = until;
        }
        Ok(())
    }

    /// Sets the prefetch window of a channel.
    pub fn set_prefetch(&mut self, channel: u16, messages: u16) -> Result<()> {
        self.call(channel, id::BASIC_QOS, id::BASIC_QOS_OK, |out| {
            out.extend_from_slice(&[0; 4]);
            out.extend_from_slice(&messages.to_be_bytes());
            out.push(0);
        })
    }

    /// Asks for confirms on a channel.
    pub fn select_confirms(&mut self, channel: u16) -> Result<()> {
        self.call(channel, id::CONFIRM_SELECT, id::CONFIRM_SELECT_OK, |out| out.push(0))
    }

    /// Asks for the messages of a queue. Does not wait for the answer, which deliveries may overtake.
    pub fn start_consuming(&mut self, channel: u16, queue: &str, settle: Settle) -> Result<()> {
        let mut out = Vec::new();
        put_consume(&mut out, channel, queue, &format!("c{channel}"), settle);
        self.send(&out)
    }

    /// Says goodbye and drops the connection; a broker that is already gone is fine.
    pub fn close(mut self) {
        let mut out = Vec::new();
        put_method(&mut out, 0, id::CONNECTION_CLOSE, |out| {
            out.extend_from_slice(&200u16.to_be_bytes());
            put_short_string(out, "done");
            out.extend_from_slice(&[0; 4]);
        });
        if self.stream.write_all(&out).is_err() || self.set_read_timeout(Duration::from_secs(5)).is_err() {
            return;
        }
        loop {
            let is_drained = match self.next_frame() {
                Ok(Some(frame)) if frame.method() == Some(id::CONNECTION_CLOSE_OK) => return,
                Ok(Some(_)) => false,
                Ok(None) => true,
                Err(_) => return,
            };
            if is_drained && !matches!(self.read(Wait::ForBytes), Ok(Read::Bytes(_))) {
                return;
            }
        }
    }
}

/// Who settles a delivery.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Settle {
    /// Settled as it is sent (`no-ack`).
    OnDelivery,
    /// The consumer acknowledges, cumulatively, with this prefetch window in messages.
    Cumulative(u16),
}

/// Appends a queue.declare on channel 1.
pub fn put_declare_queue(
    out: &mut Vec<u8>,
    name: &str,
    kind: QueueKind,
    arguments: &[(&str, FieldValue<'_>)],
) {
    put_method(out, 1, id::QUEUE_DECLARE, |out| {
        out.extend_from_slice(&[0; 2]);
        put_short_string(out, name);
        out.push(match kind {
            QueueKind::Transient => 0,
            QueueKind::Durable => 0b0_0010,
            QueueKind::Exclusive => 0b0_0100,
            QueueKind::AutoDelete => 0b0_1000,
        });
        put_table(out, arguments);
    });
}

/// Appends a queue.delete on channel 1.
pub fn put_delete_queue(out: &mut Vec<u8>, name: &str) {
    put_method(out, 1, id::QUEUE_DELETE, |out| {
        out.extend_from_slice(&[0; 2]);
        put_short_string(out, name);
        out.push(0);
    });
}

/// Appends a passive queue.declare: a broker without the queue closes the channel.
pub fn put_find_queue(out: &mut Vec<u8>, channel: u16, name: &str) {
    put_method(out, channel, id::QUEUE_DECLARE, |out| {
        out.extend_from_slice(&[0; 2]);
        put_short_string(out, name);
        out.push(0b0_0001);
        put_table(out, &[]);
    });
}

/// Appends a basic.consume.
pub fn put_consume(out: &mut Vec<u8>, channel: u16, queue: &str, tag: &str, settle: Settle) {
    put_method(out, channel, id::BASIC_CONSUME, |out| {
        out.extend_from_slice(&[0; 2]);
        put_short_string(out, queue);
        put_short_string(out, tag);
        out.push(if settle == Settle::OnDelivery { 0b0010 } else { 0 });
        out.extend_from_slice(&[0; 4]);
    });
}

/// Appends a queue.bind on channel 1.
pub fn put_bind_queue(out: &mut Vec<u8>, queue: &str, exchange: &str, key: &str) {
    put_method(out, 1, id::QUEUE_BIND, |out| {
        out.extend_from_slice(&[0; 2]);
        put_short_string(out, queue);
        put_short_string(out, exchange);
        put_short_string(out, key);
        out.push(0);
        out.extend_from_slice(&[0; 4]);
    });
}

/// Turns a close sent by the broker into an error with its code and text.
#[inline]
pub(super) fn refuse_close(frame: &Frame<'_>) -> Result<()> {
    let what = match frame.method() {
        Some(id::CONNECTION_CLOSE) => "connection",
        Some(id::CHANNEL_CLOSE) => "channel",
        _ => return Ok(()),
    };
    let mut arguments = frame.arguments();
    let code = arguments.u16("reply-code")?;
    let text = String::from_utf8_lossy(arguments.short_string("reply-text")?).into_owned();
    Err(anyhow!("the broker closed the {what} with {code}: {text}"))
}

fn is_nothing_yet(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}

/// Finds product and version among the server properties; a table this reader can't follow gives empty names,
/// because the greeting is only for the report.
fn read_product(mut arguments: Reader<'_>) -> Product {
    let mut product = Product::default();
    let mut read = || -> Result<(), wire::WireError> {
        arguments.take(2, "version")?;
        let mut table = Reader(arguments.long_string("server-properties")?);
        while !table.0.is_empty() {
            let name = table.short_string("name")?;
            let text = match table.u8("type")? {
                b'S' => table.long_string("value")?,
                b'F' => {
                    table.long_string("value")?;
                    continue;
                }
                b't' => table.take(1, "value")?,
                _ => break,
            };
            match name {
                b"product" => product.name = String::from_utf8_lossy(text).into_owned(),
                b"version" => product.version = String::from_utf8_lossy(text).into_owned(),
                _ => {}
            }
        }
        Ok(())
    };
    let _ = read();
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greeting_names_product_and_version() {
        let mut bytes = vec![0, 9];
        put_table(
            &mut bytes,
            &[
                ("a", FieldValue::Bool(true)),
                ("product", FieldValue::Text("X")),
                ("version", FieldValue::Text("1")),
            ],
        );
        let product = read_product(Reader(&bytes));
        assert_eq!((product.name.as_str(), product.version.as_str()), ("X", "1"));
        assert_eq!(read_product(Reader(&bytes[..9])).name, "");
    }

    #[test]
    fn a_close_by_the_broker_tells_why() {
        let mut bytes = Vec::new();
        put_method(&mut bytes, 3, id::CHANNEL_CLOSE, |out| {
            out.extend_from_slice(&404u16.to_be_bytes());
            put_short_string(out, "no queue q");
        });
        let frame = first_frame(&bytes).unwrap().unwrap();
        let error = refuse_close(&frame).unwrap_err().to_string();
        assert_eq!(error, "the broker closed the channel with 404: no queue q");
    }
}
