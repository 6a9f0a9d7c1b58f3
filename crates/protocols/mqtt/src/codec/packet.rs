//! Any packet: one match for reading, one for writing.

use super::{
    Version,
    ack::Ack,
    connack::ConnAck,
    connect::Connect,
    disconnect::{Auth, Disconnect},
    error::DecodeError,
    frame::{Frame, Kind, write_packet},
    publish::Publish,
    subscribe::{Codes, Subscribe, SubscribeAck, Unsubscribe},
};

/// One packet, read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// CONNECT.
    Connect(Connect<'a>),
    /// CONNACK.
    ConnAck(ConnAck<'a>),
    /// PUBLISH.
    Publish(Publish<'a>),
    /// PUBACK.
    PubAck(Ack<'a>),
    /// PUBREC.
    PubRec(Ack<'a>),
    /// PUBREL.
    PubRel(Ack<'a>),
    /// PUBCOMP.
    PubComp(Ack<'a>),
    /// SUBSCRIBE.
    Subscribe(Subscribe<'a>),
    /// SUBACK.
    SubAck(SubscribeAck<'a>),
    /// UNSUBSCRIBE.
    Unsubscribe(Unsubscribe<'a>),
    /// UNSUBACK.
    UnsubAck(SubscribeAck<'a>),
    /// PINGREQ.
    PingReq,
    /// PINGRESP.
    PingResp,
    /// DISCONNECT.
    Disconnect(Disconnect<'a>),
    /// AUTH.
    Auth(Auth<'a>),
}

impl<'a> Packet<'a> {
    /// Reads a packet of a connection that speaks `version` (which CONNECT tells itself).
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(frame: &Frame<'a>, version: Version) -> Result<Self, DecodeError> {
        let body = frame.body;
        let empty = |packet| match body {
            [] => Ok(packet),
            _ => Err(DecodeError::malformed("a packet without content has some")),
        };
        Ok(match frame.kind {
            Kind::Connect => Self::Connect(Connect::decode(body)?),
            Kind::ConnAck => Self::ConnAck(ConnAck::decode(body, version)?),
            Kind::Publish => Self::Publish(Publish::decode(frame.flags, body, version)?),
            Kind::PubAck => Self::PubAck(Ack::decode(frame.kind, body, version)?),
            Kind::PubRec => Self::PubRec(Ack::decode(frame.kind, body, version)?),
            Kind::PubRel => Self::PubRel(Ack::decode(frame.kind, body, version)?),
            Kind::PubComp => Self::PubComp(Ack::decode(frame.kind, body, version)?),
            Kind::Subscribe => Self::Subscribe(Subscribe::decode(body, version)?),
            Kind::SubAck => Self::SubAck(SubscribeAck::decode(body, version)?),
            Kind::Unsubscribe => Self::Unsubscribe(Unsubscribe::decode(body, version)?),
            Kind::UnsubAck => Self::UnsubAck(SubscribeAck::decode(body, version)?),
            Kind::PingReq => return empty(Self::PingReq),
            Kind::PingResp => return empty(Self::PingResp),
            Kind::Disconnect => Self::Disconnect(Disconnect::decode(body, version)?),
            Kind::Auth if version.is_v5() => Self::Auth(Auth::decode(body)?),
            Kind::Auth => return Err(DecodeError::malformed("the packet type 15 is reserved")),
        })
    }

    /// Writes it.
    pub fn write(&self, version: Version, out: &mut Vec<u8>) {
        match self {
            Self::Connect(connect) => connect.write(out),
            Self::ConnAck(connack) => connack.write(version, out),
            Self::Publish(publish) => publish.write(version, out),
            Self::PubAck(ack) => ack.write(Kind::PubAck, version, out),
            Self::PubRec(ack) => ack.write(Kind::PubRec, version, out),
            Self::PubRel(ack) => ack.write(Kind::PubRel, version, out),
            Self::PubComp(ack) => ack.write(Kind::PubComp, version, out),
            Self::Subscribe(subscribe) => {
                let entries: Vec<_> = subscribe.entries().collect();
                Subscribe::write_new(subscribe.id, subscribe.properties, &entries, version, out);
            }
            Self::SubAck(ack) => ack.write(Codes::Subscribe, version, out),
            Self::Unsubscribe(unsubscribe) => {
                let filters: Vec<_> = unsubscribe.filters().collect();
                Unsubscribe::write_new(unsubscribe.id, unsubscribe.properties, &filters, version, out);
            }
            Self::UnsubAck(ack) => ack.write(Codes::Unsubscribe, version, out),
            Self::PingReq => write_packet(out, Kind::PingReq, 0, |_| {}),
            Self::PingResp => write_packet(out, Kind::PingResp, 0, |_| {}),
            Self::Disconnect(disconnect) => disconnect.write(version, out),
            Self::Auth(auth) => auth.write(out),
        }
    }
}
