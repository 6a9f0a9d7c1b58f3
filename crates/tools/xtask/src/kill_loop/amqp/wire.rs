//! A client for AMQP 0-9-1 that knows just what the loop needs: blocking, no recovery, every byte at hand.
//!
//! Only frames of our own broker or of the reference are read, on loopback; a malformed one is an error like any other.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::kill_loop::load::ANSWER_LIMIT;

const ADDRESS: &str = "127.0.0.1:5672";
const FRAME_METHOD: u8 = 1;
const FRAME_HEADER: u8 = 2;
const FRAME_BODY: u8 = 3;
const FRAME_END: u8 = 0xCE;
const FRAME_MAX: u32 = 131_072;

/// Class and method number.
pub(crate) type MethodId = (u16, u16);

pub(crate) const CONNECTION_CLOSE: MethodId = (10, 50);
pub(crate) const CHANNEL_CLOSE: MethodId = (20, 40);
pub(crate) const QUEUE_DECLARE_OK: MethodId = (50, 11);
pub(crate) const QOS_OK: MethodId = (60, 11);
pub(crate) const CONSUME_OK: MethodId = (60, 21);
pub(crate) const DELIVER: MethodId = (60, 60);
pub(crate) const GET_OK: MethodId = (60, 71);
pub(crate) const GET_EMPTY: MethodId = (60, 72);
pub(crate) const ACK: MethodId = (60, 80);
pub(crate) const NACK: MethodId = (60, 120);
pub(crate) const CONFIRM_SELECT_OK: MethodId = (85, 11);
pub(crate) const TX_SELECT_OK: MethodId = (90, 11);
pub(crate) const TX_COMMIT_OK: MethodId = (90, 21);

/// Builds the arguments of a method.
#[derive(Debug)]
pub(crate) struct Method(Vec<u8>);

impl Method {
    /// Begins one.
    pub(crate) fn new((class, method): MethodId) -> Self {
        let mut bytes = class.to_be_bytes().to_vec();
        bytes.extend(method.to_be_bytes());
        Self(bytes)
    }

    /// Adds raw bytes: fixed-size numbers and bits.
    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    /// Adds a short string of at most 255 bytes.
    pub(crate) fn short(mut self, text: &str) -> Self {
        self.0.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
        self.0.extend(text.bytes().take(255));
        self
    }

    /// Adds a long string, or a table given as its encoded bytes.
    pub(crate) fn long(mut self, bytes: &[u8]) -> Self {
        self.0.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
        self.0.extend(bytes);
        self
    }
}

/// Something that the broker sent: a method, with content where it has one.
#[derive(Debug)]
pub(crate) struct Received {
    /// Which method.
    pub id: MethodId,
    /// Its arguments.
    pub args: Vec<u8>,
    /// Body of the message that came with it.
    pub body: Vec<u8>,
}

impl Received {
    /// Delivery tag of deliver, get-ok, ack and nack. `deliver` has a consumer tag before it.
    pub(crate) fn delivery_tag(&self) -> Result<u64> {
        let skipped = if self.id == DELIVER {
            1 + usize::from(*self.args.first().context("no consumer tag")?)
        } else {
            0
        };
        let bytes = self.args.get(skipped..skipped + 8).context("no delivery tag")?;
        Ok(u64::from_be_bytes(bytes.try_into()?))
    }

    /// Messages in the queue, of queue.declare-ok.
    pub(crate) fn message_count(&self) -> Result<u32> {
        let skipped = self.short_size()?;
        let bytes = self.args.get(skipped..skipped + 4).context("no message count")?;
        Ok(u32::from_be_bytes(bytes.try_into()?))
    }

    /// Bytes of the short string that the arguments begin with.
    fn short_size(&self) -> Result<usize> {
        Ok(1 + usize::from(*self.args.first().context("no short string")?))
    }

    /// The bit or octet that follows the delivery tag: redelivered, or multiple.
    pub(crate) fn flag(&self) -> Result<bool> {
        let skipped = if self.id == DELIVER {
            1 + usize::from(*self.args.first().context("no consumer tag")?)
        } else {
            0
        };
        Ok(self.args.get(skipped + 8).context("no flag")? & 1 == 1)
    }
}

/// One connection with its one channel.
#[derive(Debug)]
pub(crate) struct Client {
    stream: TcpStream,
    input: Vec<u8>,
    output: Vec<u8>,
    pending: Vec<Received>,
}

impl Client {
    /// Connects, logs in and opens channel 1.
    pub(crate) fn connect() -> Result<Self> {
        let stream = TcpStream::connect(ADDRESS).context("cannot connect")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        let mut client = Self { stream, input: Vec::new(), output: Vec::new(), pending: Vec::new() };
        client.output.extend(b"AMQP\x00\x00\x09\x01");
        client.flush()?;
        client.expect((10, 10))?;
        let start_ok = Method::new((10, 11)).long(b"").short("PLAIN").long(b"\0guest\0guest").short("en_US");
        client.put(0, start_ok);
        client.flush()?;
        client.expect((10, 30))?;
        let tune_ok =
            Method::new((10, 31)).raw(&1_u16.to_be_bytes()).raw(&FRAME_MAX.to_be_bytes()).raw(&[0, 0]);
        client.put(0, tune_ok);
        client.put(0, Method::new((10, 40)).short("/").short("").raw(&[0]));
        client.flush()?;
        client.expect((10, 41))?;
        client.put(1, Method::new((20, 10)).short(""));
        client.flush()?;
        client.expect((20, 11))?;
        Ok(client)
    }

    /// Sends a method on channel 1 and waits for its answer. Deliveries that come between are kept for `receive`.
    pub(crate) fn call(&mut self, method: Method, answer: MethodId) -> Result<Received> {
        self.put(1, method);
        self.flush()?;
        self.expect(answer)
    }

    /// Puts a method for channel 1 into the output; `flush` sends it.
    pub(crate) fn send(&mut self, method: Method) {
        self.put(1, method);
    }

    /// Puts a persistent message for the default exchange into the output.
    pub(crate) fn publish(&mut self, queue: &str, body: &[u8]) {
        self.put(1, Method::new((60, 40)).raw(&[0, 0]).short("").short(queue).raw(&[0]));
        let mut header = vec![0, 60, 0, 0];
        header.extend((body.len() as u64).to_be_bytes());
        // Property flags: delivery-mode alone; 2 is persistent.
        header.extend([0x10, 0x00, 2]);
        self.frame(FRAME_HEADER, 1, &header);
        self.frame(FRAME_BODY, 1, body);
    }

    /// Writes what was put.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let result = self.stream.write_all(&self.output);
        self.output.clear();
        result
    }

    /// The next method from the broker; `None` when nothing came within `patience`.
    pub(crate) fn receive(&mut self, patience: Duration) -> Result<Option<Received>> {
        if !self.pending.is_empty() {
            return Ok(Some(self.pending.remove(0)));
        }
        self.stream.set_read_timeout(Some(patience))?;
        let received = self.read_received();
        self.stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        received
    }

    fn expect(&mut self, wanted: MethodId) -> Result<Received> {
        loop {
            let Some(received) = self.read_received()? else {
                bail!("no answer {wanted:?} within {} s", ANSWER_LIMIT.as_secs());
            };
            if received.id == wanted || (wanted == GET_OK && received.id == GET_EMPTY) {
                return Ok(received);
            }
            self.pending.push(received);
        }
    }

    fn put(&mut self, channel: u16, method: Method) {
        self.frame(FRAME_METHOD, channel, &method.0);
    }

    fn frame(&mut self, kind: u8, channel: u16, payload: &[u8]) {
        self.output.push(kind);
        self.output.extend(channel.to_be_bytes());
        self.output.extend(u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes());
        self.output.extend(payload);
        self.output.push(FRAME_END);
    }

    /// Reads one whole method with its content. `None` when the read timed out before its first byte.
    fn read_received(&mut self) -> Result<Option<Received>> {
        let Some((kind, payload)) = self.read_frame()? else { return Ok(None) };
        ensure!(kind == FRAME_METHOD, "a frame of kind {kind} where a method belongs");
        let id = (two_bytes(&payload, 0)?, two_bytes(&payload, 2)?);
        let args = payload.get(4..).context("a method without arguments")?.to_vec();
        if id == CONNECTION_CLOSE || id == CHANNEL_CLOSE {
            bail!("the broker closed: {}", String::from_utf8_lossy(&args));
        }
        let mut body = Vec::new();
        if id == DELIVER || id == GET_OK {
            let (_, header) = self.read_frame()?.context("no header in time")?;
            let size = header.get(4..12).context("a header without a size")?;
            let size = usize::try_from(u64::from_be_bytes(size.try_into()?))?;
            while body.len() < size {
                let (_, part) = self.read_frame()?.context("no body in time")?;
                body.extend(part);
            }
        }
        Ok(Some(Received { id, args, body }))
    }

    fn read_frame(&mut self) -> Result<Option<(u8, Vec<u8>)>> {
        loop {
            if let Some(frame) = self.take_frame()? {
                // Heartbeats are switched off, but a broker may still send one.
                if frame.0 != 8 {
                    return Ok(Some(frame));
                }
                continue;
            }
            let mut chunk = [0; 65_536];
            match self.stream.read(&mut chunk) {
                Ok(0) => bail!("the connection ended"),
                Ok(count) => self.input.extend(chunk.get(..count).unwrap_or_default()),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    return Ok(None);
                }
                Err(error) => return Err(error).context("cannot read"),
            }
        }
    }

    fn take_frame(&mut self) -> Result<Option<(u8, Vec<u8>)>> {
        let Some(head) = self.input.get(..7) else { return Ok(None) };
        let [kind, _, _, a, b, c, d] = <[u8; 7]>::try_from(head)?;
        let size = usize::try_from(u32::from_be_bytes([a, b, c, d]))?;
        ensure!(size <= FRAME_MAX as usize, "a frame of {size} bytes");
        let Some(payload) = self.input.get(7..7 + size) else { return Ok(None) };
        let Some(end) = self.input.get(7 + size) else { return Ok(None) };
        ensure!(*end == FRAME_END, "a frame without its end octet");
        let payload = payload.to_vec();
        self.input.drain(..8 + size);
        Ok(Some((kind, payload)))
    }
}

fn two_bytes(bytes: &[u8], at: usize) -> Result<u16> {
    let pair = bytes.get(at..at + 2).context("a method without its number")?;
    Ok(u16::from_be_bytes(pair.try_into()?))
}
