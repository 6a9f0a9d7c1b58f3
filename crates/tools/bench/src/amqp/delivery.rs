//! Deliveries put together from their frames, without copying a body that came in one frame.

use anyhow::{Result, bail};

use super::connection::{Connection, refuse_close};
use super::wire::{BODY, Frame, HEADER, Reader, first_frame, id};

/// A message handed to a consumer.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// Channel it came on.
    pub channel: u16,
    /// Delivery tag, to settle it with.
    pub tag: u64,
    /// The number in the consumer tag; 0 without one. This tool's tags are a letter and a number.
    pub consumer: u32,
    /// The broker says that it may have been delivered before.
    pub is_redelivered: bool,
    /// Its body.
    pub body: &'a [u8],
}

/// What the method frame of a delivery says.
#[derive(Clone, Copy, Debug)]
struct Notice {
    tag: u64,
    consumer: u32,
    is_redelivered: bool,
}

impl Notice {
    fn read(frame: &Frame<'_>) -> Result<Self> {
        let mut fields = frame.arguments();
        let consumer = number_in(fields.short_string("consumer-tag")?);
        Ok(Self {
            consumer,
            tag: fields.u64("delivery-tag")?,
            is_redelivered: fields.u8("redelivered")? & 1 == 1,
        })
    }

    fn delivery<'a>(&self, channel: u16, body: &'a [u8]) -> Delivery<'a> {
        let Notice { tag, consumer, is_redelivered } = *self;
        Delivery { channel, tag, consumer, is_redelivered, body }
    }
}

fn number_in(consumer_tag: &[u8]) -> u32 {
    let digits = consumer_tag.iter().filter(|byte| byte.is_ascii_digit());
    digits.fold(0, |number: u32, digit| number.wrapping_mul(10).wrapping_add(u32::from(digit - b'0')))
}

#[derive(Debug)]
enum Expect {
    Method,
    Header(Notice),
    Body { notice: Notice, left: u64 },
}

/// Follows the frames of one connection. A broker sends the frames of one delivery together (AMQP 0-9-1 4.2.6
/// allows other channels in between, which no broker under test does); anything else is an error.
#[derive(Debug)]
pub struct DeliveryScanner {
    expect: Expect,
    /// A body that came in pieces.
    pieces: Vec<u8>,
}

impl Default for DeliveryScanner {
    fn default() -> DeliveryScanner {
        DeliveryScanner { expect: Expect::Method, pieces: Vec::new() }
    }
}

impl DeliveryScanner {
    /// Takes every frame that is complete in the connection's inbox.
    #[inline]
    pub fn take_inbox(
        &mut self,
        connection: &mut Connection,
        mut deliver: impl FnMut(Delivery<'_>),
    ) -> Result<()> {
        let mut used = 0;
        let inbox = connection.inbox();
        while let Some(frame) = first_frame(inbox.get(used..).unwrap_or_default())? {
            self.take(&frame, &mut deliver)?;
            used += frame.wire_len();
        }
        connection.consume_bytes(used);
        Ok(())
    }

    /// Takes the next frame; when it completes a delivery, hands that to `deliver`.
    #[inline]
    pub fn take(&mut self, frame: &Frame<'_>, deliver: impl FnOnce(Delivery<'_>)) -> Result<()> {
        match (&mut self.expect, frame.kind) {
            (Expect::Method, _) => self.take_method(frame),
            (Expect::Header(notice), HEADER) => {
                let mut fields = Reader(frame.payload);
                fields.take(4, "class and weight")?;
                let (notice, left) = (*notice, fields.u64("body-size")?);
                self.expect = Expect::Body { notice, left };
                if left == 0 {
                    self.expect = Expect::Method;
                    deliver(notice.delivery(frame.channel, &[]));
                }
                Ok(())
            }
            (Expect::Body { notice, left }, BODY) => {
                let len = frame.payload.len() as u64;
                if len > *left {
                    bail!("a body frame of {len} bytes where {left} were left");
                }
                *left -= len;
                let (notice, left) = (*notice, *left);
                if left > 0 {
                    self.pieces.extend_from_slice(frame.payload);
                    return Ok(());
                }
                self.expect = Expect::Method;
                if self.pieces.is_empty() {
                    deliver(notice.delivery(frame.channel, frame.payload));
                } else {
                    self.pieces.extend_from_slice(frame.payload);
                    deliver(notice.delivery(frame.channel, &self.pieces));
                    self.pieces.clear();
                }
                Ok(())
            }
            (expect, kind) => bail!("a frame of kind {kind} while waiting for {expect:?}"),
        }
    }

    #[inline]
    fn take_method(&mut self, frame: &Frame<'_>) -> Result<()> {
        match frame.method() {
            Some(id::BASIC_DELIVER) => {
                self.expect = Expect::Header(Notice::read(frame)?);
                Ok(())
            }
            Some(id::BASIC_CONSUME_OK) => Ok(()),
            None if frame.kind == super::wire::HEARTBEAT => Ok(()),
            method => {
                refuse_close(frame)?;
                bail!("a consumer got a frame of kind {} {method:?}", frame.kind)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amqp::wire::{put_frame, put_method, put_short_string};

    fn deliver(out: &mut Vec<u8>, tag: u64, pieces: &[&[u8]]) {
        put_method(out, 4, id::BASIC_DELIVER, |out| {
            put_short_string(out, "c41");
            out.extend_from_slice(&tag.to_be_bytes());
            out.push(u8::from(tag == 3));
        });
        put_frame(out, HEADER, 4, |out| {
            out.extend_from_slice(&[0, 60, 0, 0]);
            let size: usize = pieces.iter().map(|piece| piece.len()).sum();
            out.extend_from_slice(&(size as u64).to_be_bytes());
            out.extend_from_slice(&[0; 2]);
        });
        for piece in pieces {
            put_frame(out, BODY, 4, |out| out.extend_from_slice(piece));
        }
    }

    fn scan(bytes: &[u8]) -> Result<Vec<(u64, Vec<u8>)>> {
        let (mut scanner, mut found, mut rest) = (DeliveryScanner::default(), Vec::new(), bytes);
        while let Some(frame) = first_frame(rest)? {
            scanner.take(&frame, |delivery| {
                assert_eq!((delivery.consumer, delivery.is_redelivered), (41, delivery.tag == 3));
                found.push((delivery.tag, delivery.body.to_vec()));
            })?;
            rest = &rest[frame.wire_len()..];
        }
        Ok(found)
    }

    #[test]
    fn bodies_in_none_one_and_many_pieces() {
        let mut bytes = Vec::new();
        deliver(&mut bytes, 1, &[]);
        deliver(&mut bytes, 2, &[b"one"]);
        deliver(&mut bytes, 3, &[b"in ", b"two"]);
        deliver(&mut bytes, 4, &[b"four"]);
        let expected = [(1, ""), (2, "one"), (3, "in two"), (4, "four")];
        let expected: Vec<_> = expected.iter().map(|(tag, body)| (*tag, body.as_bytes().to_vec())).collect();
        assert_eq!(scan(&bytes).unwrap(), expected);
    }

    #[test]
    fn frames_out_of_order_are_errors() {
        let mut bytes = Vec::new();
        put_frame(&mut bytes, BODY, 4, |out| out.extend_from_slice(b"stray"));
        assert!(scan(&bytes).is_err());
        let mut long = Vec::new();
        deliver(&mut long, 1, &[b"abc"]);
        // The last byte of the body size: before it ends the header with flags and end octet, then the body frame.
        let at = long.len() - 11 - 1 - 2 - 1;
        long[at] = 2;
        assert!(scan(&long).is_err());
    }
}
