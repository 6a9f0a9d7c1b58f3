//! Deliveries put together from their frames, without copying a body that came in one frame.

use anyhow::{Result, bail};

use super::connection::refuse_close;
use super::wire::{BODY, Frame, HEADER, Reader, id};

/// A message handed to a consumer.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// Channel it came on.
    pub channel: u16,
    /// Delivery tag, to settle it with.
    pub tag: u64,
    /// Its body.
    pub body: &'a [u8],
}

#[derive(Debug)]
enum Expect {
    Method,
    Header { tag: u64 },
    Body { tag: u64, left: u64 },
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
    /// Takes the next frame; when it completes a delivery, hands that to `deliver`.
    #[inline]
    pub fn take(&mut self, frame: &Frame<'_>, deliver: impl FnOnce(Delivery<'_>)) -> Result<()> {
        match (&mut self.expect, frame.kind) {
            (Expect::Method, _) => self.take_method(frame),
            (Expect::Header { tag }, HEADER) => {
                let mut fields = Reader(frame.payload);
                fields.take(4, "class and weight")?;
                let (tag, left) = (*tag, fields.u64("body-size")?);
                self.expect = Expect::Body { tag, left };
                if left == 0 {
                    self.expect = Expect::Method;
                    deliver(Delivery { channel: frame.channel, tag, body: &[] });
                }
                Ok(())
            }
            (Expect::Body { tag, left }, BODY) => {
                let len = frame.payload.len() as u64;
                if len > *left {
                    bail!("a body frame of {len} bytes where {left} were left");
                }
                *left -= len;
                let (tag, left) = (*tag, *left);
                if left > 0 {
                    self.pieces.extend_from_slice(frame.payload);
                    return Ok(());
                }
                self.expect = Expect::Method;
                if self.pieces.is_empty() {
                    deliver(Delivery { channel: frame.channel, tag, body: frame.payload });
                } else {
                    self.pieces.extend_from_slice(frame.payload);
                    deliver(Delivery { channel: frame.channel, tag, body: &self.pieces });
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
                let mut fields = frame.arguments();
                fields.short_string("consumer-tag")?;
                self.expect = Expect::Header { tag: fields.u64("delivery-tag")? };
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
    use crate::amqp::wire::{first_frame, put_frame, put_method, put_short_string};

    fn deliver(out: &mut Vec<u8>, tag: u64, pieces: &[&[u8]]) {
        put_method(out, 4, id::BASIC_DELIVER, |out| {
            put_short_string(out, "c4");
            out.extend_from_slice(&tag.to_be_bytes());
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
            scanner.take(&frame, |delivery| found.push((delivery.tag, delivery.body.to_vec())))?;
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
