//! The few commands that a load tool needs, in loose encoding: every field has its full size, and what may be absent has a
//! byte before it that says whether it is there.

use anyhow::{Context, Result, bail};

/// Codes of the commands and structures.
pub(super) mod kind {
    pub(in crate::openwire) const WIRE_FORMAT_INFO: u8 = 1;
    pub(in crate::openwire) const CONNECTION_INFO: u8 = 3;
    pub(in crate::openwire) const SESSION_INFO: u8 = 4;
    pub(in crate::openwire) const CONSUMER_INFO: u8 = 5;
    pub(in crate::openwire) const PRODUCER_INFO: u8 = 6;
    pub(in crate::openwire) const DESTINATION_INFO: u8 = 8;
    pub(in crate::openwire) const REMOVE_INFO: u8 = 12;
    pub(super) const CONNECTION_ERROR: u8 = 16;
    pub(super) const MESSAGE_DISPATCH: u8 = 21;
    pub(in crate::openwire) const MESSAGE_ACK: u8 = 22;
    pub(super) const BYTES_MESSAGE: u8 = 24;
    pub(super) const RESPONSE: u8 = 30;
    pub(super) const EXCEPTION_RESPONSE: u8 = 31;
    pub(super) const LAST_RESPONSE: u8 = 34;
    pub(super) const QUEUE: u8 = 100;
    pub(super) const TOPIC: u8 = 101;
    pub(super) const MESSAGE_ID: u8 = 110;
    pub(in crate::openwire) const CONNECTION_ID: u8 = 120;
    pub(in crate::openwire) const SESSION_ID: u8 = 121;
    pub(in crate::openwire) const CONSUMER_ID: u8 = 122;
    pub(in crate::openwire) const PRODUCER_ID: u8 = 123;
    pub(super) const BROKER_ID: u8 = 124;
}

/// What everything has in its ids: one connection, one session, one producer or consumer.
pub(super) const SESSION: i64 = 1;
pub(super) const MEMBER: i64 = 1;

/// A command under construction, its size in front.
pub(super) struct Writer<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
}

impl<'a> Writer<'a> {
    pub(super) fn begin(out: &'a mut Vec<u8>, kind: u8) -> Self {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        out.push(kind);
        Self { out, start }
    }

    /// Begins one that is answered when `command` is not 0.
    pub(super) fn command(out: &'a mut Vec<u8>, kind: u8, command: i32) -> Self {
        let mut writer = Self::begin(out, kind);
        writer.int(command).bool(command != 0);
        writer
    }

    pub(super) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.out.extend_from_slice(bytes);
        self
    }

    pub(super) fn byte(&mut self, value: u8) -> &mut Self {
        self.raw(&[value])
    }

    pub(super) fn bool(&mut self, value: bool) -> &mut Self {
        self.byte(u8::from(value))
    }

    /// So many absent things, or false ones: either is one byte.
    pub(super) fn absent(&mut self, count: usize) -> &mut Self {
        self.out.resize(self.out.len() + count, 0);
        self
    }

    pub(super) fn int(&mut self, value: i32) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    pub(super) fn long(&mut self, value: i64) -> &mut Self {
        self.raw(&value.to_be_bytes())
    }

    /// Text with its length, without the byte that says that it is there.
    pub(super) fn name(&mut self, text: &str) -> &mut Self {
        let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
        self.raw(&length.to_be_bytes()).raw(text.as_bytes().get(..length.into()).unwrap_or_default())
    }

    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.byte(1).name(text)
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.byte(1).int(i32::try_from(bytes.len()).unwrap_or(i32::MAX)).raw(bytes)
    }

    /// The id of something of the connection `connection`.
    pub(super) fn id(&mut self, kind: u8, connection: &str) -> &mut Self {
        self.byte(1).byte(kind).text(connection);
        match kind {
            kind::SESSION_ID => self.long(SESSION),
            kind::CONSUMER_ID => self.long(SESSION).long(MEMBER),
            kind::PRODUCER_ID => self.long(MEMBER).long(SESSION),
            _ => self,
        }
    }

    pub(super) fn queue(&mut self, name: &str) -> &mut Self {
        self.byte(1).byte(kind::QUEUE).text(name)
    }

    pub(super) fn end(self) {
        let size = u32::try_from(self.out.len() - self.start - 4).unwrap_or(u32::MAX);
        if let Some(place) = self.out.get_mut(self.start..self.start + 4) {
            place.copy_from_slice(&size.to_be_bytes());
        }
    }
}

/// What is left of a command.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).context("a command of the broker is cut")?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?.first().copied().unwrap_or_default())
    }

    fn int(&mut self) -> Result<u32> {
        Ok(self.take(4)?.iter().fold(0, |value, byte| value << 8 | u32::from(*byte)))
    }

    fn text(&mut self) -> Result<&'a [u8]> {
        if self.byte()? == 0 {
            return Ok(&[]);
        }
        let length = self.take(2)?.iter().fold(0, |value, byte| value << 8 | usize::from(*byte));
        self.take(length)
    }

    fn bytes(&mut self) -> Result<&'a [u8]> {
        if self.byte()? == 0 {
            return Ok(&[]);
        }
        let length = self.int()?;
        self.take(usize::try_from(length)?)
    }

    /// Steps over an id or a destination; gives its bytes with the one that says that it is there.
    fn object(&mut self) -> Result<&'a [u8]> {
        let start = self.0;
        if self.byte()? != 0 {
            match self.byte()? {
                kind::QUEUE | kind::TOPIC | kind::CONNECTION_ID | kind::BROKER_ID => {
                    self.text()?;
                }
                kind::SESSION_ID => {
                    self.text()?;
                    self.take(8)?;
                }
                kind::CONSUMER_ID | kind::PRODUCER_ID => {
                    self.text()?;
                    self.take(16)?;
                }
                kind::MESSAGE_ID => {
                    self.text()?;
                    self.object()?;
                    self.take(16)?;
                }
                other => {
                    bail!("the broker sent a structure of kind {other} where an id or a destination was due")
                }
            }
        }
        Ok(start.get(..start.len() - self.0.len()).unwrap_or_default())
    }
}

/// One command from the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Incoming<'a> {
    /// A message: its id as it was written, and its body.
    Message { id: &'a [u8], body: &'a [u8] },
    /// The answer to a command.
    Response,
    /// What the broker can: its newest version.
    Offer(u32),
    /// Anything else.
    Other,
}

impl<'a> Incoming<'a> {
    /// The first whole command of the input and how many bytes it takes.
    pub(crate) fn first(input: &'a [u8]) -> Result<Option<(Self, usize)>> {
        let Some((size, rest)) = input.split_first_chunk::<4>() else { return Ok(None) };
        let size = usize::try_from(u32::from_be_bytes(*size))?;
        let Some(frame) = rest.get(..size) else { return Ok(None) };
        let mut reader = Reader(frame);
        let incoming = match reader.byte()? {
            kind::MESSAGE_DISPATCH => Self::message(reader)?,
            kind::EXCEPTION_RESPONSE | kind::CONNECTION_ERROR => {
                bail!("the broker says {}", String::from_utf8_lossy(frame))
            }
            kind::RESPONSE..=kind::LAST_RESPONSE => Self::Response,
            kind::WIRE_FORMAT_INFO => {
                reader.take(8)?;
                Self::Offer(reader.int()?)
            }
            _ => Self::Other,
        };
        Ok(Some((incoming, size + 4)))
    }

    /// A dispatch after its kind.
    fn message(mut reader: Reader<'a>) -> Result<Self> {
        reader.take(5)?;
        reader.object()?;
        reader.object()?;
        if reader.byte()? == 0 {
            return Ok(Self::Other);
        }
        let kind = reader.byte()?;
        if kind != kind::BYTES_MESSAGE {
            bail!("the broker sent a message of kind {kind}, which nobody sent to it");
        }
        reader.take(5)?;
        // Producer, destination, transaction, original destination.
        for _ in 0..4 {
            reader.object()?;
        }
        let id = reader.object()?;
        reader.object()?;
        reader.text()?;
        reader.take(4)?;
        reader.text()?;
        // Persistent, expiration, priority.
        reader.take(10)?;
        reader.object()?;
        reader.take(8)?;
        reader.text()?;
        Ok(Self::Message { id, body: reader.bytes()? })
    }
}

/// Messages of one kind: only command, number and body change.
pub(crate) struct SendTemplate {
    bytes: Vec<u8>,
    command_at: usize,
    number_at: usize,
    body_at: usize,
    is_answered: bool,
}

impl SendTemplate {
    /// For messages to `queue` of the only producer of `connection`. `is_durable`: persistent, and each is answered.
    pub(crate) fn new(connection: &str, queue: &str, body_bytes: usize, is_durable: bool) -> Self {
        let mut bytes = Vec::new();
        let mut writer = Writer::begin(&mut bytes, kind::BYTES_MESSAGE);
        let command_at = writer.out.len();
        writer.int(0).bool(is_durable).id(kind::PRODUCER_ID, connection).queue(queue).absent(2);
        writer.byte(1).byte(kind::MESSAGE_ID).absent(1).id(kind::PRODUCER_ID, connection);
        let number_at = writer.out.len();
        // Number, the broker's number; original transaction, group; its sequence; correlation.
        writer.long(0).long(0).absent(2).int(0).absent(1);
        // Expiration, priority, no reply, timestamp, no type.
        writer.bool(is_durable).long(0).byte(4).absent(1).long(0).absent(1);
        writer.byte(1).int(i32::try_from(body_bytes).unwrap_or(i32::MAX));
        let body_at = writer.out.len();
        // Body; properties, structure, target, compressed; redeliveries; path; arrival; user, bridge, droppable, cluster;
        // both times; first of its group.
        writer.absent(body_bytes).absent(4).int(0).absent(1).long(0).absent(4).long(0).long(0).absent(1);
        writer.end();
        Self { bytes, command_at, number_at, body_at, is_answered: is_durable }
    }

    /// Appends one message.
    pub(crate) fn put(&self, out: &mut Vec<u8>, number: u64, body: &[u8]) {
        let start = out.len();
        out.extend_from_slice(&self.bytes);
        let mut patch = |at: usize, bytes: &[u8]| {
            if let Some(place) = out.get_mut(start + at..start + at + bytes.len()) {
                place.copy_from_slice(bytes);
            }
        };
        if self.is_answered {
            patch(self.command_at, &(number as u32).to_be_bytes());
        }
        patch(self.number_at, &(number + 1).to_be_bytes());
        patch(self.body_at, body);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_comes_back_is_read() {
        let mut sent = Vec::new();
        SendTemplate::new("ID:c", "q", 3, true).put(&mut sent, 7, b"abc");
        let mut dispatch = Vec::new();
        let mut writer = Writer::command(&mut dispatch, kind::MESSAGE_DISPATCH, 0);
        writer.id(kind::CONSUMER_ID, "ID:c").queue("q").byte(1).raw(&sent[4..]).int(0);
        writer.end();
        dispatch.push(9);
        let (incoming, size) = Incoming::first(&dispatch).unwrap().unwrap();
        let Incoming::Message { id, body } = incoming else { panic!("{incoming:?}") };
        assert_eq!((body, size), (b"abc".as_slice(), dispatch.len() - 1));
        assert_eq!(id[id.len() - 16..], [0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0]);
        for end in 0..size {
            assert_eq!(Incoming::first(&dispatch[..end]).unwrap(), None, "{end}");
        }
    }
}
