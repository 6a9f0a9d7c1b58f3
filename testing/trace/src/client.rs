//! A client for AMQP 0-9-1 that does what the workload needs: blocking, one thing after the other.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use ternmq_amqp091::codec::frame::{PROTOCOL_HEADER, split_frame};
use ternmq_amqp091::codec::method::{MethodFrame, basic, channel, connection};
use ternmq_amqp091::codec::write::{Content, write_publish};
use ternmq_amqp091::codec::{ContentHeader, FrameKind, Method, TableBuf};

/// Largest frame, as agreed.
const FRAME_MAX_BYTES: u32 = 131_072;
/// Longest silence before a call counts as unanswered (I12).
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// A message that came: where, and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delivery {
    pub(crate) channel: u16,
    pub(crate) tag: u64,
}

/// What answers a call, by class and method.
type MethodId = (u16, u16);

/// The ids of a method.
pub(crate) fn id_of<M: MethodFrame>() -> MethodId {
    (M::CLASS_ID, M::METHOD_ID)
}

/// One connection.
pub(crate) struct Client {
    stream: TcpStream,
    input: Vec<u8>,
    output: Vec<u8>,
    /// Deliveries to consumers that nobody has taken yet.
    pub(crate) deliveries: Vec<Delivery>,
    /// Publishes whose confirms have not come, on all channels together.
    pub(crate) unconfirmed: u64,
    /// Next number that a confirm may name, by channel.
    confirmed_up_to: [u64; 8],
    /// Bytes of content that are still to come.
    missing_bytes: u64,
}

impl Client {
    /// Connects and logs in.
    pub(crate) fn connect(address: &str, user: &str, password: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        let (input, output, deliveries) = (Vec::new(), PROTOCOL_HEADER.to_vec(), Vec::new());
        let (unconfirmed, confirmed_up_to, missing_bytes) = (0, [0; 8], 0);
        let mut client =
            Self { stream, input, output, deliveries, unconfirmed, confirmed_up_to, missing_bytes };
        client.flush()?;
        client.expect(id_of::<connection::Start<'_>>())?;
        let response = format!("\0{user}\0{password}");
        let properties = TableBuf::new();
        let start_ok = connection::StartOk {
            client_properties: properties.as_table(),
            mechanism: "PLAIN",
            response: response.as_bytes(),
            locale: "en_US",
        };
        client.call(0, &start_ok, id_of::<connection::Tune>())?;
        let tune_ok = connection::TuneOk { channel_max: 7, frame_max: FRAME_MAX_BYTES, heartbeat: 0 };
        client.send(0, &tune_ok);
        client.call(0, &connection::Open { virtual_host: "/" }, id_of::<connection::OpenOk>())?;
        Ok(client)
    }

    /// Opens a channel.
    pub(crate) fn open(&mut self, channel: u16) -> Result<()> {
        self.call(channel, &channel::Open {}, id_of::<channel::OpenOk>()).map(drop)
    }

    /// Ends the connection in order.
    pub(crate) fn close(mut self) -> Result<()> {
        let close = connection::Close { reply_code: 200, reply_text: "", class_id: 0, method_id: 0 };
        self.call(0, &close, id_of::<connection::CloseOk>()).map(drop)
    }

    /// Puts a method into the output; `flush` or the next call sends it.
    pub(crate) fn send(&mut self, channel: u16, method: &impl MethodFrame) {
        method.write_frame(&mut self.output, channel);
    }

    /// Puts a mandatory publish into the output.
    pub(crate) fn publish(&mut self, channel: u16, exchange: &str, key: &str, content: Content<'_>) {
        let publish = basic::Publish { exchange, routing_key: key, mandatory: true, immediate: false };
        write_publish(&mut self.output, channel, &publish, content, FRAME_MAX_BYTES);
    }

    /// Sends a method with all that waits before it, and waits for its answer.
    pub(crate) fn call(&mut self, channel: u16, method: &impl MethodFrame, answer: MethodId) -> Result<()> {
        self.send(channel, method);
        self.flush()?;
        self.expect(answer)
    }

    /// Fetches a message; `None` when there is none.
    pub(crate) fn get(&mut self, channel: u16, queue: &str, no_ack: bool) -> Result<Option<Delivery>> {
        self.send(channel, &basic::Get { queue, no_ack });
        self.flush()?;
        loop {
            match self.next()? {
                Said::Got(delivery) => {
                    self.finish_content()?;
                    return Ok(Some(delivery));
                }
                Said::Other(id) if id == id_of::<basic::GetEmpty>() => return Ok(None),
                Said::Other(id) => bail!("{id:?} came where a fetch should be answered"),
                Said::Nothing => {}
            }
        }
    }

    /// Waits until every publish is confirmed.
    pub(crate) fn await_confirms(&mut self) -> Result<()> {
        self.flush()?;
        while self.unconfirmed > 0 {
            if let Said::Other(id) = self.next()? {
                bail!("{id:?} came where a confirm should be");
            }
        }
        Ok(())
    }

    /// Sends what was put into the output.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.stream.write_all(&self.output).context("cannot write")?;
        self.output.clear();
        Ok(())
    }

    fn expect(&mut self, wanted: MethodId) -> Result<()> {
        loop {
            match self.next()? {
                Said::Other(id) if id == wanted => return Ok(()),
                Said::Other(id) => bail!("{id:?} came where {wanted:?} should be"),
                Said::Got(_) => bail!("a fetched message came where {wanted:?} should be"),
                Said::Nothing => {}
            }
        }
    }

    fn finish_content(&mut self) -> Result<()> {
        while self.missing_bytes > 0 {
            self.next()?;
        }
        Ok(())
    }

    /// Reads the next frame. Confirms and deliveries are noted, and are nothing else to the caller.
    fn next(&mut self) -> Result<Said> {
        loop {
            if let Some((frame, size)) = split_frame(&self.input, FRAME_MAX_BYTES)? {
                let (kind, channel, payload) = (frame.kind, frame.channel, frame.payload.to_vec());
                self.input.drain(..size);
                return self.note(kind, channel, &payload);
            }
            let mut chunk = [0; 65_536];
            let count = self.stream.read(&mut chunk).context("no answer from the broker")?;
            ensure!(count > 0, "the broker ended the connection");
            self.input.extend_from_slice(chunk.get(..count).unwrap_or_default());
        }
    }

    fn note(&mut self, kind: FrameKind, channel: u16, payload: &[u8]) -> Result<Said> {
        match kind {
            FrameKind::Heartbeat => return Ok(Said::Nothing),
            FrameKind::Header => {
                self.missing_bytes = ContentHeader::decode(payload)?.body_size_bytes;
                return Ok(Said::Nothing);
            }
            FrameKind::Body => {
                self.missing_bytes = self.missing_bytes.saturating_sub(payload.len() as u64);
                return Ok(Said::Nothing);
            }
            FrameKind::Method => {}
        }
        Ok(match Method::decode(payload)? {
            Method::BasicAck(ack) => {
                self.note_confirm(channel, ack)?;
                Said::Nothing
            }
            Method::BasicDeliver(deliver) => {
                self.deliveries.push(Delivery { channel, tag: deliver.delivery_tag });
                Said::Nothing
            }
            Method::BasicGetOk(got) => {
                // Its header has not come: until then a body of unknown length is missing.
                self.missing_bytes = u64::MAX;
                Said::Got(Delivery { channel, tag: got.delivery_tag })
            }
            Method::BasicReturn(_) => Said::Nothing,
            Method::ConnectionClose(close) => bail!("the broker closes: {}", close.reply_text),
            Method::ChannelClose(close) => bail!("the broker closes a channel: {}", close.reply_text),
            Method::BasicNack(_) => bail!("a publish was refused"),
            _ => {
                let ids = payload.first_chunk::<4>().context("a method without its number")?;
                let [class_high, class_low, method_high, method_low] = *ids;
                Said::Other((
                    u16::from_be_bytes([class_high, class_low]),
                    u16::from_be_bytes([method_high, method_low]),
                ))
            }
        })
    }

    fn note_confirm(&mut self, channel: u16, ack: basic::Ack) -> Result<()> {
        let up_to = self.confirmed_up_to.get_mut(usize::from(channel)).context("a channel of nobody")?;
        let count = if ack.multiple { ack.delivery_tag.saturating_sub(*up_to) } else { 1 };
        *up_to = (*up_to).max(ack.delivery_tag);
        self.unconfirmed = self.unconfirmed.checked_sub(count).context("more confirms than publishes")?;
        Ok(())
    }
}

/// What a frame means to a caller that waits.
enum Said {
    Nothing,
    Got(Delivery),
    Other(MethodId),
}
