//! PUBACK, PUBREC, PUBREL and PUBCOMP (MQTT 5 3.4 to 3.7): one shape, four kinds.

use super::{
    Version,
    error::DecodeError,
    frame::{Kind, write_packet},
    property::{Place, Properties},
    publish::PacketId,
    reason::Reason,
    wire::Cursor,
};

/// An answer to a message, or to such an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack<'a> {
    /// Identifier of the message.
    pub id: PacketId,
    /// What became of it; always success in MQTT 3.
    pub reason: Reason,
    /// Properties.
    pub properties: Properties<'a>,
}

impl<'a> Ack<'a> {
    /// A plain one.
    #[must_use]
    pub fn new(id: PacketId, reason: Reason) -> Self {
        Self { id, reason, properties: Properties::default() }
    }

    /// Reads the body of one.
    ///
    /// # Errors
    /// The bytes break the grammar, or the reason code is none of this kind of packet.
    pub fn decode(kind: Kind, body: &'a [u8], version: Version) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(body);
        let id = PacketId::read(&mut cursor)?;
        let mut ack = Self::new(id, Reason::SUCCESS);
        if cursor.is_empty() {
            return Ok(ack);
        }
        if !version.is_v5() {
            return Err(DecodeError::malformed("bytes are left over after the packet identifier"));
        }
        ack.reason = Reason(cursor.u8()?);
        let is_known = match kind {
            Kind::PubRel | Kind::PubComp => matches!(ack.reason.0, 0x00 | 0x92),
            _ => matches!(ack.reason.0, 0x00 | 0x10 | 0x80 | 0x83 | 0x87 | 0x90 | 0x91 | 0x97 | 0x99),
        };
        if !is_known {
            return Err(DecodeError::protocol("the reason code does not belong into this packet"));
        }
        if !cursor.is_empty() {
            ack.properties = Properties::read(&mut cursor, Place::Ack)?;
        }
        if !cursor.is_empty() {
            return Err(DecodeError::malformed("bytes are left over after the properties"));
        }
        Ok(ack)
    }

    /// Writes it in its shortest form.
    pub fn write(&self, kind: Kind, version: Version, out: &mut Vec<u8>) {
        write_packet(out, kind, kind.fixed_flags().unwrap_or_default(), |out| {
            self.id.write(out);
            if !version.is_v5() || self.reason == Reason::SUCCESS && self.properties.is_empty() {
                return;
            }
            out.push(self.reason.0);
            if !self.properties.is_empty() {
                self.properties.write(out);
            }
        });
    }
}
