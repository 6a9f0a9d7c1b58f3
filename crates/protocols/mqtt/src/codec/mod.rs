//! The wire format of MQTT 3.1, 3.1.1 and 5.0, both directions.
//!
//! Owns: packets and their fixed header ([`frame`], [`packet`]), properties ([`property`]), reason codes ([`reason`]),
//! the rules of topic names and filters ([`topic`]).
//! Must not know: connections and the order of packets (the session does), nor any other crate of ours.
//!
//! Invariants: decoding borrows from the input and never allocates; no bytes make it panic; a value that decoded is
//! valid throughout (text is UTF-8 without U+0000, properties belong to their packet and are within their ranges and
//! limits), so that nothing is checked twice. Encoding is total: text longer than its length field is cut at a
//! character.

pub mod ack;
pub mod connack;
pub mod connect;
pub mod disconnect;
pub mod error;
pub mod frame;
pub mod packet;
pub mod property;
pub mod publish;
pub mod reason;
pub mod subscribe;
pub mod topic;
pub mod wire;

pub use ack::Ack;
pub use connack::ConnAck;
pub use connect::{Connect, LastWill};
pub use disconnect::{Auth, Disconnect};
pub use error::DecodeError;
pub use frame::{Frame, Kind, split_packet};
pub use packet::Packet;
pub use property::Properties;
pub use property::{Property, PropertyBuf, PropertyId};
pub use publish::{PacketId, Publish, Qos};
pub use reason::Reason;
pub use subscribe::{Codes, FilterEntry, Options, RetainHandling, Subscribe, SubscribeAck, Unsubscribe};

/// Largest packet that the protocol can say, in bytes (MQTT 5 2.1.4).
pub const PACKET_MAX_BYTES: u32 = wire::VARINT_MAX + 5;

/// Version of the protocol that a connection speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 3.1: protocol name `MQIsdp`, level 3.
    V31,
    /// 3.1.1: protocol name `MQTT`, level 4.
    V311,
    /// 5.0: protocol name `MQTT`, level 5.
    V5,
}

impl Version {
    /// Whether packets have properties and reason codes.
    #[must_use]
    pub fn is_v5(self) -> bool {
        self == Self::V5
    }

    /// Protocol level on the wire.
    #[must_use]
    pub fn level(self) -> u8 {
        match self {
            Self::V31 => 3,
            Self::V311 => 4,
            Self::V5 => 5,
        }
    }

    /// For people.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::V31 => "MQTT 3.1",
            Self::V311 => "MQTT 3.1.1",
            Self::V5 => "MQTT 5.0",
        }
    }
}

#[cfg(test)]
mod tests;
