//! Commands of OpenWire 12 in loose encoding, as far as the loop needs them: every field has its full size, and what may be absent
//! has a byte before it that says whether it is there.

use anyhow::{Context, Result, bail, ensure};

/// Codes of commands and structures.
pub(super) mod kind {
    pub(in super::super) const WIRE_FORMAT_INFO: u8 = 1;
    pub(in super::super) const CONNECTION_INFO: u8 = 3;
    pub(in super::super) const SESSION_INFO: u8 = 4;
    pub(in super::super) const CONSUMER_INFO: u8 = 5;
    pub(in super::super) const PRODUCER_INFO: u8 = 6;
    pub(in super::super) const TRANSACTION_INFO: u8 = 7;
    pub(super) const CONNECTION_ERROR: u8 = 16;
    pub(super) const MESSAGE_DISPATCH: u8 = 21;
    pub(in super::super) const MESSAGE_ACK: u8 = 22;
    pub(in super::super) const BYTES_MESSAGE: u8 = 24;
    pub(super) const RESPONSE: u8 = 30;
    pub(super) const EXCEPTION_RESPONSE: u8 = 31;
    pub(super) const DATA_ARRAY_RESPONSE: u8 = 33;
    pub(super) const INTEGER_RESPONSE: u8 = 34;
    pub(super) const QUEUE: u8 = 100;
    pub(super) const TOPIC: u8 = 101;
    pub(in super::super) const MESSAGE_ID: u8 = 110;
    pub(super) const XA_TRANSACTION_ID: u8 = 112;
    pub(in super::super) const CONNECTION_ID: u8 = 120;
    pub(in super::super) const SESSION_ID: u8 = 121;
    pub(in super::super) const CONSUMER_ID: u8 = 122;
    pub(in super::super) const PRODUCER_ID: u8 = 123;
    pub(super) const BROKER_ID: u8 = 124;
}

/// A connection has one session, with one producer and one consumer.
const SESSION: i64 = 1;
const MEMBER: i64 = 1;

/// Id of a branch of the loop: which life began it, and its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BranchId {
    /// Number of the life, from 1 on.
    pub life: u32,
    /// Number of its group of messages.
    pub number: u64,
}

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

    /// Begins a command; it is answered when its number is not 0.
    pub(super) fn command(out: &'a mut Vec<u8>, kind: u8, command: u32) -> Self {
        let mut writer = Self::begin(out, kind);
        writer.raw(&command.to_be_bytes()).bool(command != 0);
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

    /// The branch that a command belongs to, or none.
    pub(super) fn branch(&mut self, branch: Option<BranchId>) -> &mut Self {
        let Some(branch) = branch else { return self.absent(1) };
        self.byte(1).byte(kind::XA_TRANSACTION_ID).raw(&branch.life.to_be_bytes());
        self.bytes(&branch.number.to_be_bytes()).bytes(&[])
    }

    pub(super) fn end(self) {
        let size = u32::try_from(self.out.len() - self.start - 4).unwrap_or(u32::MAX);
        if let Some(place) = self.out.get_mut(self.start..self.start + 4) {
            place.copy_from_slice(&size.to_be_bytes());
        }
    }
}

/// A message that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Dispatch {
    /// Its id as it was written, with the byte that says that it is there.
    pub id: Vec<u8>,
    /// What was sent.
    pub body: Vec<u8>,
    /// The broker says that it may have been delivered before.
    pub is_redelivered: bool,
}

/// One command from the broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// A message for the consumer.
    Message(Dispatch),
    /// The answer to the command of this number; `value` is that of an answer that is a number, 0 else.
    Response { command: u32, value: i32 },
    /// The answer that lists branches.
    Branches(Vec<BranchId>),
    /// What the broker can: its newest version.
    Offer(u32),
    /// Anything else.
    Other,
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

    fn size(&mut self, width: usize) -> Result<usize> {
        Ok(self.take(width)?.iter().fold(0, |value, byte| value << 8 | usize::from(*byte)))
    }

    fn int(&mut self) -> Result<u32> {
        Ok(u32::from_be_bytes(self.take(4)?.try_into()?))
    }

    fn text(&mut self) -> Result<()> {
        if self.byte()? != 0 {
            let length = self.size(2)?;
            self.take(length)?;
        }
        Ok(())
    }

    fn bytes(&mut self) -> Result<&'a [u8]> {
        if self.byte()? == 0 {
            return Ok(&[]);
        }
        let length = self.size(4)?;
        self.take(length)
    }

    /// Steps over an id or a destination; gives its bytes with the one that says that it is there.
    fn object(&mut self) -> Result<&'a [u8]> {
        let start = self.0;
        if self.byte()? != 0 {
            match self.byte()? {
                kind::QUEUE | kind::TOPIC | kind::CONNECTION_ID | kind::BROKER_ID => self.text()?,
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
                kind::XA_TRANSACTION_ID => {
                    self.take(4)?;
                    self.bytes()?;
                    self.bytes()?;
                }
                other => {
                    bail!("the broker sent a structure of kind {other} where an id or a destination was due")
                }
            }
        }
        Ok(start.get(..start.len() - self.0.len()).unwrap_or_default())
    }

    fn branch(&mut self) -> Result<BranchId> {
        ensure!(self.byte()? == 1 && self.byte()? == kind::XA_TRANSACTION_ID, "a branch without an id");
        let life = self.int()?;
        let number = self.bytes()?.try_into().map(u64::from_be_bytes);
        self.bytes()?;
        Ok(BranchId { life, number: number.context("a branch that is not of this run")? })
    }
}

impl Incoming {
    /// The first whole command of the input and how many bytes it takes. An error when the broker refuses something.
    pub(super) fn first(input: &[u8]) -> Result<Option<(Self, usize)>> {
        let Some((size, rest)) = input.split_first_chunk::<4>() else { return Ok(None) };
        let size = usize::try_from(u32::from_be_bytes(*size))?;
        let Some(frame) = rest.get(..size) else { return Ok(None) };
        let mut reader = Reader(frame);
        let incoming = match reader.byte()? {
            kind::MESSAGE_DISPATCH => Self::message(reader)?,
            kind::EXCEPTION_RESPONSE | kind::CONNECTION_ERROR => {
                bail!("the broker refused: {}", String::from_utf8_lossy(frame))
            }
            kind @ (kind::RESPONSE | kind::DATA_ARRAY_RESPONSE | kind::INTEGER_RESPONSE) => {
                Self::response(kind, reader)?
            }
            kind::WIRE_FORMAT_INFO => {
                reader.take(8)?;
                Self::Offer(reader.int()?)
            }
            _ => Self::Other,
        };
        Ok(Some((incoming, size + 4)))
    }

    fn response(kind: u8, mut reader: Reader<'_>) -> Result<Self> {
        // Its own number and whether it is to be answered.
        reader.take(5)?;
        let command = reader.int()?;
        if kind == kind::DATA_ARRAY_RESPONSE {
            let count = if reader.byte()? == 0 { 0 } else { reader.size(2)? };
            let branches: Result<_> = (0..count).map(|_| reader.branch()).collect();
            return Ok(Self::Branches(branches?));
        }
        let value = if kind == kind::INTEGER_RESPONSE { reader.int()?.cast_signed() } else { 0 };
        Ok(Self::Response { command, value })
    }

    /// A dispatch after its kind.
    fn message(mut reader: Reader<'_>) -> Result<Self> {
        reader.take(5)?;
        reader.object()?;
        reader.object()?;
        if reader.byte()? == 0 {
            return Ok(Self::Other);
        }
        let kind = reader.byte()?;
        ensure!(kind == kind::BYTES_MESSAGE, "a message of kind {kind}, which nobody sent");
        reader.take(5)?;
        // Producer, destination, transaction, original destination.
        for _ in 0..4 {
            reader.object()?;
        }
        let id = reader.object()?.to_vec();
        reader.object()?;
        reader.text()?;
        reader.take(4)?;
        reader.text()?;
        // Persistent, expiration, priority.
        reader.take(10)?;
        reader.object()?;
        reader.take(8)?;
        reader.text()?;
        let body = reader.bytes()?.to_vec();
        reader.bytes()?;
        // No structure; target, compressed.
        ensure!(reader.byte()? == 0, "a message with a structure, which nobody sent");
        reader.object()?;
        reader.byte()?;
        let is_redelivered = reader.int()? != 0;
        Ok(Self::Message(Dispatch { id, body, is_redelivered }))
    }
}
