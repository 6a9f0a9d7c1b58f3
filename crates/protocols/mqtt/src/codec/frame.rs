//! The fixed header (MQTT 5 2.1): which packet it is, its flags, its length.
//!
//! ```text
//! kind 4 bits | flags 4 bits | remaining length 1..=4 bytes | remaining bytes
//! ```

use super::{
    Version,
    error::DecodeError,
    reason::Reason,
    wire::{put_varint, read_varint},
};

/// Kind of a packet, with its number on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Client asks to enter.
    Connect = 1,
    /// Server lets it in, or not.
    ConnAck = 2,
    /// A message.
    Publish = 3,
    /// Answer to a QoS 1 message.
    PubAck = 4,
    /// First answer to a QoS 2 message.
    PubRec = 5,
    /// Release of its identifier.
    PubRel = 6,
    /// Last answer to a QoS 2 message.
    PubComp = 7,
    /// Client subscribes.
    Subscribe = 8,
    /// What became of that.
    SubAck = 9,
    /// Client unsubscribes.
    Unsubscribe = 10,
    /// What became of that.
    UnsubAck = 11,
    /// Client asks for a sign of life.
    PingReq = 12,
    /// The sign.
    PingResp = 13,
    /// Goodbye.
    Disconnect = 14,
    /// Step of an enhanced authentication (MQTT 5).
    Auth = 15,
}

impl Kind {
    fn of(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Connect,
            2 => Self::ConnAck,
            3 => Self::Publish,
            4 => Self::PubAck,
            5 => Self::PubRec,
            6 => Self::PubRel,
            7 => Self::PubComp,
            8 => Self::Subscribe,
            9 => Self::SubAck,
            10 => Self::Unsubscribe,
            11 => Self::UnsubAck,
            12 => Self::PingReq,
            13 => Self::PingResp,
            14 => Self::Disconnect,
            15 => Self::Auth,
            _ => return None,
        })
    }

    /// Flags that the fixed header of this kind must have; `None`: they say something (PUBLISH).
    #[must_use]
    pub fn fixed_flags(self) -> Option<u8> {
        match self {
            Self::Publish => None,
            Self::PubRel | Self::Subscribe | Self::Unsubscribe => Some(2),
            _ => Some(0),
        }
    }

    /// First byte of a packet of this kind.
    #[must_use]
    pub fn first_byte(self, flags: u8) -> u8 {
        (self as u8) << 4 | flags & 0x0f
    }
}

/// One packet, not looked into yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its kind.
    pub kind: Kind,
    /// Its four flags.
    pub flags: u8,
    /// Everything behind the fixed header.
    pub body: &'a [u8],
}

/// Splits the first packet off `input`: the packet and its whole size. `None`: it is not complete yet.
///
/// The limit counts the whole packet, its fixed header too, as Maximum Packet Size does (MQTT 5 3.1.2.11.4).
///
/// # Errors
/// An unknown kind, wrong flags, a remaining length that is none, or a size past `limit_bytes`; all are told before
/// the packet has come.
pub fn split_packet(
    input: &[u8],
    limit_bytes: u32,
    version: Version,
) -> Result<Option<(Frame<'_>, usize)>, DecodeError> {
    let Some((first, rest)) = input.split_first() else { return Ok(None) };
    let kind = Kind::of(first >> 4).ok_or(DecodeError::malformed("the packet type 0 is reserved"))?;
    let flags = first & 0x0f;
    // MQTT 3.1 sets DUP on these when they are sent again; later versions keep the bit 0 (MQTT-2.1.3-1).
    let is_again = version == Version::V31 && kind.fixed_flags() == Some(2) && flags == 0x0a;
    if kind.fixed_flags().is_some_and(|fixed| fixed != flags) && !is_again {
        return Err(DecodeError::malformed("the flags of the fixed header are wrong"));
    }
    let Some((len, len_bytes)) = read_varint(rest)? else { return Ok(None) };
    let head = 1 + len_bytes;
    if u64::from(len) + head as u64 > u64::from(limit_bytes) {
        let problem = "the packet is larger than this server takes";
        return Err(DecodeError { reason: Reason::PACKET_TOO_LARGE, problem });
    }
    let size = head + len as usize;
    Ok(input.get(head..size).map(|body| (Frame { kind, flags, body }, size)))
}

/// Writes a packet: its fixed header, and what `write` puts behind it.
pub fn write_packet(out: &mut Vec<u8>, kind: Kind, flags: u8, write: impl FnOnce(&mut Vec<u8>)) {
    out.push(kind.first_byte(flags));
    let start = out.len();
    write(out);
    let len = out.len() - start;
    if len <= 127 {
        // Most packets have one byte of length, which needs no copy of more than a few bytes.
        out.insert(start, u8::try_from(len).unwrap_or_default());
        return;
    }
    let mut head = Vec::with_capacity(4);
    put_varint(&mut head, len);
    out.splice(start..start, head);
}
