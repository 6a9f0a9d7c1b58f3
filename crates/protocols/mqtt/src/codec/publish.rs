//! PUBLISH (MQTT 5 3.3).

use std::num::NonZeroU16;

use super::{
    Version,
    error::DecodeError,
    frame::{Kind, write_packet},
    property::{Place, Properties},
    topic::check_name,
    wire::{Cursor, put_text},
};

/// Quality of service: how hard both sides try.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Qos {
    /// At most once.
    #[default]
    AtMostOnce = 0,
    /// At least once.
    AtLeastOnce = 1,
    /// Exactly once.
    ExactlyOnce = 2,
}

impl Qos {
    /// The QoS of a number; `None` for 3 and above.
    #[must_use]
    pub fn of(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::AtMostOnce),
            1 => Some(Self::AtLeastOnce),
            2 => Some(Self::ExactlyOnce),
            _ => None,
        }
    }
}

/// Identifier of a packet, never 0 (MQTT-2.2.1-3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PacketId(pub NonZeroU16);

impl PacketId {
    /// The identifier of a number; `None` for 0.
    #[must_use]
    pub fn of(number: u16) -> Option<Self> {
        NonZeroU16::new(number).map(Self)
    }

    /// Its number.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0.get()
    }

    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, DecodeError> {
        Self::of(cursor.u16()?).ok_or(DecodeError::protocol("a packet identifier is 0"))
    }

    pub(crate) fn write(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.get().to_be_bytes());
    }
}

/// One message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publish<'a> {
    /// It may have been sent before.
    pub is_dup: bool,
    /// QoS.
    pub qos: Qos,
    /// Keep it for later subscribers; towards a subscriber: it was kept.
    pub is_retain: bool,
    /// Topic; empty: an alias stands for it.
    pub topic: &'a str,
    /// Present with QoS 1 and 2.
    pub id: Option<PacketId>,
    /// Properties.
    pub properties: Properties<'a>,
    /// The application's bytes.
    pub payload: &'a [u8],
}

impl<'a> Publish<'a> {
    /// Reads flags and body of one.
    ///
    /// # Errors
    /// The bytes break the grammar, QoS is 3, DUP is set with QoS 0, the topic is no topic name.
    pub fn decode(flags: u8, body: &'a [u8], version: Version) -> Result<Self, DecodeError> {
        let qos = Qos::of(flags >> 1 & 3).ok_or(DecodeError::malformed("QoS is 3"))?;
        let is_dup = flags & 8 != 0;
        if is_dup && qos == Qos::AtMostOnce {
            return Err(DecodeError::malformed("DUP is set on a QoS 0 message"));
        }
        let mut cursor = Cursor::new(body);
        let topic = cursor.text()?;
        let id = if qos == Qos::AtMostOnce { None } else { Some(PacketId::read(&mut cursor)?) };
        let properties = if version.is_v5() {
            Properties::read(&mut cursor, Place::Publish)?
        } else {
            Properties::default()
        };
        if !topic.is_empty() || !version.is_v5() {
            check_name(topic)?;
        }
        let is_retain = flags & 1 != 0;
        Ok(Self { is_dup, qos, is_retain, topic, id, properties, payload: cursor.rest() })
    }

    /// Flags of the fixed header.
    #[must_use]
    pub fn flags(&self) -> u8 {
        u8::from(self.is_dup) << 3 | (self.qos as u8) << 1 | u8::from(self.is_retain)
    }

    /// Writes it.
    pub fn write(&self, version: Version, out: &mut Vec<u8>) {
        write_packet(out, Kind::Publish, self.flags(), |out| {
            put_text(out, self.topic);
            if let Some(id) = self.id {
                id.write(out);
            }
            if version.is_v5() {
                self.properties.write(out);
            }
            out.extend_from_slice(self.payload);
        });
    }
}
