//! The body of every message of a workload: it carries its own proof.
//!
//! ```text
//! 0          8            16                      len-8      len
//! +----------+------------+-----------------------+----------+
//! | sequence | time sent  | filler, fixed pattern | seal     |
//! | u64      | ns, u64    |                       | u64      |
//! +----------+------------+-----------------------+----------+
//! ```
//!
//! Sequence: publisher lane in the top 16 bits, number within the lane in the lower 48. Seal: sequence xor a
//! constant, so that a body put together from two messages is seen. A body of 16 bytes has neither filler nor seal.

use std::sync::OnceLock;

/// Shortest body, in bytes.
pub const MIN_BODY_BYTES: usize = 16;
/// Longest body, in bytes: one frame with every broker's default limit.
pub const MAX_BODY_BYTES: usize = 64 * 1024;
const SEAL: u64 = 0x7465_726e_5f73_6561;
const NUMBER_BITS: u32 = 48;

/// What a body says of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stamp {
    /// Which lane published it.
    pub lane: u16,
    /// Number within the lane, from 0.
    pub number: u64,
    /// When it was (to be) sent, in ns on the clock of this process.
    pub sent_ns: u64,
}

fn filler() -> &'static [u8] {
    static FILLER: OnceLock<Vec<u8>> = OnceLock::new();
    FILLER.get_or_init(|| (0..MAX_BODY_BYTES).map(|index| (index * 31 % 251) as u8).collect())
}

/// Writes filler, so that only [`restamp`] is left to do per message. Bodies are between
/// [`MIN_BODY_BYTES`] and [`MAX_BODY_BYTES`] long.
pub fn prepare(body: &mut [u8]) {
    let len = body.len();
    if len > 24
        && let (Some(middle), Some(pattern)) = (body.get_mut(16..len - 8), filler().get(..len - 24))
    {
        middle.copy_from_slice(pattern);
    }
    restamp(body, 0, 0);
}

/// The sequence word of a message.
#[inline]
pub fn sequence(lane: u16, number: u64) -> u64 {
    u64::from(lane) << NUMBER_BITS | number
}

/// Writes sequence, time and seal into a prepared body.
#[inline]
pub fn restamp(body: &mut [u8], sequence: u64, sent_ns: u64) {
    let Some((first, rest)) = body.split_first_chunk_mut::<8>() else { return };
    *first = sequence.to_be_bytes();
    let Some((second, rest)) = rest.split_first_chunk_mut::<8>() else { return };
    *second = sent_ns.to_be_bytes();
    if let Some(seal) = rest.last_chunk_mut::<8>() {
        *seal = (sequence ^ SEAL).to_be_bytes();
    }
}

/// Reads a body back; `None` when it is not byte for byte what was sent.
#[inline]
pub fn read(body: &[u8], expected_len: usize, now_ns: u64) -> Option<Stamp> {
    if body.len() != expected_len {
        return None;
    }
    let (first, rest) = body.split_first_chunk::<8>()?;
    let (second, rest) = rest.split_first_chunk::<8>()?;
    let (sequence, sent_ns) = (u64::from_be_bytes(*first), u64::from_be_bytes(*second));
    if let Some((middle, seal)) = rest.split_last_chunk::<8>() {
        let intact =
            u64::from_be_bytes(*seal) == sequence ^ SEAL && Some(middle) == filler().get(..middle.len());
        if !intact {
            return None;
        }
    }
    // A message from the future was damaged: with 16 bytes this and the sequence are the only checks there are.
    if sent_ns > now_ns {
        return None;
    }
    Some(Stamp {
        lane: (sequence >> NUMBER_BITS) as u16,
        number: sequence & ((1 << NUMBER_BITS) - 1),
        sent_ns,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_reads_back_and_any_changed_byte_is_seen() {
        for len in [16, 24, 25, 100, 1024] {
            let mut body = vec![0; len];
            prepare(&mut body);
            restamp(&mut body, sequence(3, 77), 5);
            let stamp = Stamp { lane: 3, number: 77, sent_ns: 5 };
            assert_eq!(read(&body, len, 10), Some(stamp), "length {len}");
            assert_eq!(read(&body, len + 1, 10), None, "wrong length");
            assert_eq!(read(&body, len, 4), None, "from the future");
            for at in (0..8).chain(16..len) {
                body[at] ^= 0x10;
                assert_ne!(read(&body, len, 10), Some(stamp), "length {len}, byte {at}");
                body[at] ^= 0x10;
            }
        }
    }
}
