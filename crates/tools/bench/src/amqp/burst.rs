//! Publishes encoded once and only stamped per message.

use super::wire::{BODY, HEADER, id, put_frame, put_method, put_short_string};
use crate::body;

/// How much one write carries, in bytes. More would leave the processor's cache before it is sent.
pub const BURST_BYTES: usize = 64 * 1024;

/// What a lane publishes.
#[derive(Clone, Default, Debug)]
pub struct BurstSpec {
    /// Channel to publish on.
    pub channel: u16,
    /// Exchange; empty for the default exchange.
    pub exchange: String,
    /// Routing keys, used in turn. All must have the same length, which keeps every message the same size.
    pub keys: Vec<String>,
    /// Length of each body in bytes.
    pub body_bytes: usize,
    /// Whether messages ask to be kept on disk (delivery mode 2).
    pub persistent: bool,
    /// Bytes to keep encoded; absent: as many as one write carries. Many lanes together should not keep more.
    pub kept_bytes: Option<usize>,
    /// How long each message may wait in a queue, in ms; absent: for ever.
    pub expiration_ms: Option<u32>,
}

/// A run of encoded publishes.
pub struct Burst {
    bytes: Vec<u8>,
    /// Bytes of one message on the wire.
    stride: usize,
    body_at: usize,
    body_bytes: usize,
    count: usize,
    /// The message to start with next, so that all keys get their turn.
    position: usize,
}

impl Burst {
    /// Encodes as many messages as are kept, one at least, and as many for each key: message `n` has key `n` modulo
    /// keys.
    pub fn new(spec: &BurstSpec) -> Burst {
        let mut message = Vec::new();
        put_publish(&mut message, spec, spec.keys.first().map_or("", String::as_str));
        let stride = message.len();
        let count = (spec.kept_bytes.unwrap_or(BURST_BYTES) / stride.max(1))
            .max(1)
            .next_multiple_of(spec.keys.len().max(1));
        let mut bytes = Vec::with_capacity(count * stride);
        for index in 0..count {
            let key = spec.keys.get(index % spec.keys.len().max(1)).map_or("", String::as_str);
            put_publish(&mut bytes, spec, key);
        }
        let body_at = stride.saturating_sub(spec.body_bytes + 1);
        Burst { bytes, stride, body_at, body_bytes: spec.body_bytes, count, position: 0 }
    }

    /// Stamps up to `wanted` messages of `lane`, numbered from `first`, with the time `sent_ns(number)`; gives
    /// the bytes to write and how many messages they are. May give fewer than wanted; ask again for the rest.
    pub fn stamp(
        &mut self,
        wanted: usize,
        lane: u16,
        first: u64,
        sent_ns: impl Fn(u64) -> u64,
    ) -> (&[u8], usize) {
        let limit = (BURST_BYTES / self.stride.max(1)).max(1);
        let count = wanted.min(self.count - self.position).min(limit);
        let from = self.position * self.stride;
        let range = from..from + count * self.stride;
        self.position = (self.position + count) % self.count;
        let run = self.bytes.get_mut(range).unwrap_or_default();
        for (message, number) in run.chunks_exact_mut(self.stride).zip(first..) {
            if let Some(slot) = message.get_mut(self.body_at..self.body_at + self.body_bytes) {
                body::restamp(slot, body::sequence(lane, number), sent_ns(number));
            }
        }
        (run, count)
    }
}

/// Appends method, header and body frame of one publish.
fn put_publish(out: &mut Vec<u8>, spec: &BurstSpec, key: &str) {
    put_method(out, spec.channel, id::BASIC_PUBLISH, |out| {
        out.extend_from_slice(&[0; 2]);
        put_short_string(out, &spec.exchange);
        put_short_string(out, key);
        out.push(0);
    });
    put_frame(out, HEADER, spec.channel, |out| {
        out.extend_from_slice(&60u16.to_be_bytes());
        out.extend_from_slice(&[0; 2]);
        out.extend_from_slice(&(spec.body_bytes as u64).to_be_bytes());
        let delivery_mode = if spec.persistent { 0x1000_u16 } else { 0 };
        let expiration = if spec.expiration_ms.is_some() { 0x0100 } else { 0 };
        out.extend_from_slice(&(delivery_mode | expiration).to_be_bytes());
        if spec.persistent {
            out.push(2);
        }
        if let Some(ms) = spec.expiration_ms {
            put_short_string(out, &ms.to_string());
        }
    });
    put_frame(out, BODY, spec.channel, |out| {
        let start = out.len();
        out.resize(start + spec.body_bytes, 0);
        body::prepare(out.get_mut(start..).unwrap_or_default());
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::amqp::wire::{first_frame, id};

    fn spec(body_bytes: usize, keys: &[&str]) -> BurstSpec {
        BurstSpec {
            channel: 1,
            exchange: String::new(),
            keys: keys.iter().map(ToString::to_string).collect(),
            body_bytes,
            persistent: true,
            ..BurstSpec::default()
        }
    }

    #[test]
    fn a_burst_is_whole_publishes_with_rising_numbers() {
        let mut burst = Burst::new(&spec(16, &["bench-key"]));
        let (bytes, count) = burst.stamp(3, 2, 10, |number| number * 100);
        assert_eq!(count, 3);
        let mut rest = bytes;
        for number in 10..13 {
            for kind in [1, 2, 3] {
                let frame = first_frame(rest).unwrap().unwrap();
                assert_eq!(frame.kind, kind);
                if kind == 1 {
                    assert_eq!(frame.method(), Some(id::BASIC_PUBLISH));
                }
                if kind == 3 {
                    let stamp = body::read(frame.payload, 16, u64::MAX).unwrap();
                    assert_eq!((stamp.lane, stamp.number, stamp.sent_ns), (2, number, number * 100));
                }
                rest = &rest[frame.wire_len()..];
            }
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn an_expiration_stands_behind_the_delivery_mode() {
        let mut burst = Burst::new(&BurstSpec { expiration_ms: Some(2_500), ..spec(16, &["key"]) });
        let (bytes, _) = burst.stamp(1, 0, 0, |_| 0);
        let method = first_frame(bytes).unwrap().unwrap();
        let header = first_frame(&bytes[method.wire_len()..]).unwrap().unwrap();
        assert_eq!(header.payload[12..], *b"\x11\x00\x02\x042500");
    }

    #[test]
    fn message_n_has_key_n_in_every_round() {
        let keys = ["key-0", "key-1", "key-2"];
        let mut burst = Burst::new(&spec(16, &keys));
        let mut number = 0;
        for _ in 0..3 * BURST_BYTES / burst.stride {
            let (bytes, count) = burst.stamp(1, 0, number, |_| 0);
            let key = keys[number as usize % keys.len()].as_bytes();
            assert!(bytes.windows(key.len()).any(|window| window == key), "message {number}");
            number += count as u64;
        }
    }

    #[test]
    fn a_write_stays_below_the_burst_size_and_every_key_gets_its_turn() {
        let keys: Vec<String> = (0..5_000).map(|index| format!("key-{index:05}")).collect();
        let names: Vec<&str> = keys.iter().map(String::as_str).collect();
        let mut burst = Burst::new(&spec(1024, &names));
        let mut seen = 0;
        while seen < 5_000 {
            let (bytes, count) = burst.stamp(usize::MAX, 0, 0, |_| 0);
            assert!(bytes.len() <= BURST_BYTES && count > 0);
            let expected = format!("key-{seen:05}");
            assert!(bytes[..64].windows(9).any(|window| window == expected.as_bytes()), "{expected}");
            seen += count;
        }
        assert_eq!(burst.position, 0);
    }
}
