//! The few frames that a load tool needs.

use anyhow::{Context, Result, bail};

/// Descriptors (AMQP 1.0, parts 2, 3 and 5); all of them fit in a byte.
pub(super) mod code {
    pub(in crate::amqp10) const OPEN: u8 = 0x10;
    pub(in crate::amqp10) const BEGIN: u8 = 0x11;
    pub(in crate::amqp10) const ATTACH: u8 = 0x12;
    pub(in crate::amqp10) const FLOW: u8 = 0x13;
    pub(in crate::amqp10) const TRANSFER: u8 = 0x14;
    pub(in crate::amqp10) const DISPOSITION: u8 = 0x15;
    pub(in crate::amqp10) const DETACH: u8 = 0x16;
    pub(in crate::amqp10) const END: u8 = 0x17;
    pub(in crate::amqp10) const CLOSE: u8 = 0x18;
    pub(in crate::amqp10) const ACCEPTED: u8 = 0x24;
    pub(in crate::amqp10) const SOURCE: u8 = 0x28;
    pub(in crate::amqp10) const TARGET: u8 = 0x29;
    pub(in crate::amqp10) const SASL_MECHANISMS: u8 = 0x40;
    pub(in crate::amqp10) const SASL_INIT: u8 = 0x41;
    pub(in crate::amqp10) const SASL_OUTCOME: u8 = 0x44;
    pub(super) const HEADER: u8 = 0x70;
    pub(super) const DATA: u8 = 0x75;
}

/// A list under construction: fields in their order.
#[derive(Default)]
pub(super) struct Fields {
    bytes: Vec<u8>,
    count: u32,
}

impl Fields {
    fn put(mut self, start: &[u8], rest: &[u8]) -> Self {
        self.bytes.extend_from_slice(start);
        self.bytes.extend_from_slice(rest);
        self.count += 1;
        self
    }

    pub(super) fn null(self) -> Self {
        self.put(&[0x40], &[])
    }

    pub(super) fn bool(self, value: bool) -> Self {
        self.put(&[if value { 0x41 } else { 0x42 }], &[])
    }

    pub(super) fn ubyte(self, value: u8) -> Self {
        self.put(&[0x50, value], &[])
    }

    pub(super) fn ushort(self, value: u16) -> Self {
        self.put(&[0x60], &value.to_be_bytes())
    }

    pub(super) fn uint(self, value: u32) -> Self {
        self.put(&[0x70], &value.to_be_bytes())
    }

    pub(super) fn text(self, value: &str) -> Self {
        self.sized(0xb1, value.as_bytes())
    }

    pub(super) fn symbol(self, value: &str) -> Self {
        self.sized(0xb3, value.as_bytes())
    }

    pub(super) fn binary(self, value: &[u8]) -> Self {
        self.sized(0xb0, value)
    }

    fn sized(self, constructor: u8, value: &[u8]) -> Self {
        let length = u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes();
        let [a, b, c, d] = length;
        self.put(&[constructor, a, b, c, d], value)
    }

    pub(super) fn described(self, code: u8, fields: Self) -> Self {
        let list = fields.described_bytes(code);
        self.put(&list, &[])
    }

    /// The list with its descriptor.
    pub(super) fn described_bytes(&self, code: u8) -> Vec<u8> {
        let size = u32::try_from(self.bytes.len() + 4).unwrap_or(u32::MAX);
        let mut out = vec![0, 0x53, code, 0xd0];
        out.extend_from_slice(&size.to_be_bytes());
        out.extend_from_slice(&self.count.to_be_bytes());
        out.extend_from_slice(&self.bytes);
        out
    }
}

/// Kind of a frame: of the protocol, or of SASL.
pub(super) const AMQP: u8 = 0;
pub(super) const SASL: u8 = 1;

/// Appends a frame on channel 0.
pub(super) fn put_frame(out: &mut Vec<u8>, kind: u8, code: u8, fields: &Fields, payload: &[u8]) {
    let body = fields.described_bytes(code);
    let size = u32::try_from(8 + body.len() + payload.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&size.to_be_bytes());
    out.extend_from_slice(&[2, kind, 0, 0]);
    out.extend_from_slice(&body);
    out.extend_from_slice(payload);
}

/// One value, as far as the tool needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// Nothing.
    Null,
    /// A truth value or a number.
    Number(u64),
    /// Text, a symbol or bytes.
    Bytes(&'a [u8]),
    /// Something with a descriptor.
    Described(u64),
    /// Anything else.
    Other,
}

impl Value<'_> {
    pub(super) fn number(self) -> u64 {
        if let Self::Number(number) = self { number } else { 0 }
    }
}

/// Bytes that are read from the front.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count).context("a frame of the broker is cut")?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self, width: usize) -> Result<u64> {
        Ok(self.take(width)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next value (AMQP 1.0, 1.6).
    pub(super) fn value(&mut self) -> Result<Value<'a>> {
        let constructor = self.number(1)?;
        Ok(match constructor {
            0x00 => {
                let descriptor = self.value()?.number();
                self.value()?;
                Value::Described(descriptor)
            }
            0x40 => Value::Null,
            0x41 => Value::Number(1),
            0x42..=0x44 => Value::Number(0),
            0x45 => Value::Other,
            0x50 | 0x52 | 0x53 | 0x56 => Value::Number(self.number(1)?),
            0x60 => Value::Number(self.number(2)?),
            0x70 => Value::Number(self.number(4)?),
            0x80 => Value::Number(self.number(8)?),
            0xa0..=0xaf => {
                let length = self.number(1)?;
                Value::Bytes(self.take(usize::try_from(length)?)?)
            }
            0xb0..=0xbf => {
                let length = self.number(4)?;
                Value::Bytes(self.take(usize::try_from(length)?)?)
            }
            _ => {
                // The upper half of a constructor says how wide the value is, or its size.
                let width = match constructor >> 4 {
                    0x5 => 1,
                    0x6 => 2,
                    0x7 => 4,
                    0x8 => 8,
                    0x9 => 16,
                    0xc | 0xe => self.number(1)?,
                    0xd | 0xf => self.number(4)?,
                    _ => bail!("the broker sent a value of the unknown type {constructor:#04x}"),
                };
                self.take(usize::try_from(width)?)?;
                Value::Other
            }
        })
    }

    /// The descriptor and the fields of a list that has one; what follows the list is left.
    fn list(&mut self) -> Result<(u64, Reader<'a>)> {
        self.take(1)?;
        let descriptor = self.value()?.number();
        let fields = match self.number(1)? {
            0x45 => Reader(&[]),
            0xc0 => {
                let size = self.number(1)?;
                let mut list = Reader(self.take(usize::try_from(size)?)?);
                list.take(1)?;
                list
            }
            0xd0 => {
                let size = self.number(4)?;
                let mut list = Reader(self.take(usize::try_from(size)?)?);
                list.take(4)?;
                list
            }
            other => bail!("the broker sent a value of type {other:#04x} where a list was due"),
        };
        Ok((descriptor, fields))
    }
}

/// One frame from the broker: what it is, its fields, what follows them.
#[derive(Clone, Copy)]
pub(super) struct Incoming<'a> {
    /// Descriptor; 0 of an empty frame.
    pub(super) code: u64,
    pub(super) fields: Reader<'a>,
    pub(super) payload: &'a [u8],
}

impl<'a> Incoming<'a> {
    /// The first whole frame of the input and how many bytes it takes. A protocol header is no frame.
    pub(super) fn first(input: &'a [u8]) -> Result<Option<(Self, usize)>> {
        let Some((size, _)) = input.split_first_chunk::<4>() else { return Ok(None) };
        let size = usize::try_from(u32::from_be_bytes(*size))?;
        let Some(mut frame) = input.get(..size).map(Reader) else { return Ok(None) };
        frame.take(4)?;
        let head = frame.number(4)? >> 24;
        // The head's length in words of four bytes, the first two of which are read.
        frame.take(usize::try_from(head)?.saturating_mul(4).saturating_sub(8))?;
        if frame.is_empty() {
            return Ok(Some((Self { code: 0, fields: frame, payload: &[] }, size)));
        }
        let (code, fields) = frame.list()?;
        Ok(Some((Self { code, fields, payload: frame.0 }, size)))
    }

    /// The first fields; those that are left out are null.
    pub(super) fn fields<const COUNT: usize>(&self) -> Result<[Value<'a>; COUNT]> {
        let (mut values, mut reader) = ([Value::Null; COUNT], self.fields);
        for value in &mut values {
            if reader.is_empty() {
                break;
            }
            *value = reader.value()?;
        }
        Ok(values)
    }

    /// The fields as they came.
    pub(super) fn raw(&self) -> &'a [u8] {
        self.fields.0
    }

    /// The bytes of a message whose body is one data section.
    pub(super) fn body(&self) -> Result<&'a [u8]> {
        let mut sections = Reader(self.payload);
        loop {
            sections.take(1)?;
            let section = sections.value()?.number();
            let value = sections.value()?;
            if section == u64::from(code::DATA)
                && let Value::Bytes(body) = value
            {
                return Ok(body);
            }
        }
    }
}

/// Transfers of one kind: only delivery and body change.
pub(super) struct SendTemplate {
    bytes: Vec<u8>,
    delivery_at: usize,
    tag_at: usize,
    body_at: usize,
}

impl SendTemplate {
    /// `is_durable`: the message is, and the broker settles it.
    pub(super) fn new(body_bytes: usize, is_durable: bool) -> Self {
        let mut payload = Fields::default().bool(is_durable).described_bytes(code::HEADER);
        payload.extend_from_slice(&[0, 0x53, code::DATA, 0xb0]);
        payload.extend_from_slice(&u32::try_from(body_bytes).unwrap_or(u32::MAX).to_be_bytes());
        payload.resize(payload.len() + body_bytes, 0);
        // Handle, delivery, tag, format, settled.
        let fields = Fields::default().uint(0).uint(0).binary(&[0; 4]).uint(0).bool(!is_durable);
        let mut bytes = Vec::new();
        put_frame(&mut bytes, AMQP, code::TRANSFER, &fields, &payload);
        let body_at = bytes.len() - body_bytes;
        // Eight bytes of frame head and twelve of the list's; each field has its constructor, the tag a size too.
        Self { bytes, delivery_at: 20 + 5 + 1, tag_at: 20 + 5 + 5 + 5, body_at }
    }

    /// Appends one transfer.
    pub(super) fn put(&self, out: &mut Vec<u8>, number: u64, body: &[u8]) {
        let start = out.len();
        out.extend_from_slice(&self.bytes);
        let mut patch = |at: usize, bytes: &[u8]| {
            if let Some(place) = out.get_mut(start + at..start + at + bytes.len()) {
                place.copy_from_slice(bytes);
            }
        };
        patch(self.delivery_at, &(number as u32).to_be_bytes());
        patch(self.tag_at, &(number as u32).to_be_bytes());
        patch(self.body_at, body);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_is_read_back() {
        let mut sent = Vec::new();
        SendTemplate::new(3, true).put(&mut sent, 0x01_0203, b"abc");
        sent.push(9);
        let (frame, size) = Incoming::first(&sent).unwrap().unwrap();
        assert_eq!((frame.code, size), (u64::from(code::TRANSFER), sent.len() - 1));
        let fields = frame.fields::<6>().unwrap();
        let tag = Value::Bytes(&[0, 1, 2, 3]);
        let number = Value::Number;
        assert_eq!(fields, [number(0), number(0x01_0203), tag, number(0), number(0), Value::Null]);
        assert_eq!(frame.body().unwrap(), b"abc");
        for end in 0..size {
            assert!(Incoming::first(&sent[..end]).unwrap().is_none(), "{end}");
        }
    }

    #[test]
    fn an_empty_frame_and_values_that_nobody_asked_for_are_stepped_over() {
        let (empty, size) = Incoming::first(&[0, 0, 0, 8, 2, 0, 0, 0]).unwrap().unwrap();
        assert_eq!((empty.code, size), (0, 8));
        let mut values = Reader(&[0xc1, 2, 0, 0x45, 0x83, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0x53, 0x24, 0x45, 0x41]);
        let read: Vec<Value<'_>> = (0..4).map(|_| values.value().unwrap()).collect();
        assert_eq!(read, [Value::Other, Value::Other, Value::Described(0x24), Value::Number(1)]);
        assert!(values.is_empty());
    }
}
