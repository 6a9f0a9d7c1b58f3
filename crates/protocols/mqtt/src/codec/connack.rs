//! CONNACK (MQTT 5 3.2).

use super::{
    Version,
    error::DecodeError,
    frame::{Kind, write_packet},
    property::{Place, Properties},
    reason::Reason,
    wire::Cursor,
};

/// Answer to CONNECT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnAck<'a> {
    /// The server has state from earlier connections of this client.
    pub is_session_present: bool,
    /// Reason code; towards MQTT 3 the return code itself when read, the nearest one when written.
    pub reason: Reason,
    /// Properties.
    pub properties: Properties<'a>,
}

impl<'a> ConnAck<'a> {
    /// Reads the body of one.
    ///
    /// # Errors
    /// The bytes break the grammar.
    pub fn decode(body: &'a [u8], version: Version) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(body);
        let flags = cursor.u8()?;
        if flags > 1 {
            return Err(DecodeError::malformed("reserved flags of CONNACK are set"));
        }
        let reason = Reason(cursor.u8()?);
        let properties = if version.is_v5() {
            Properties::read(&mut cursor, Place::ConnAck)?
        } else {
            Properties::default()
        };
        if !cursor.is_empty() {
            return Err(DecodeError::malformed("bytes are left over at the end of CONNACK"));
        }
        Ok(Self { is_session_present: flags == 1, reason, properties })
    }

    /// Writes it.
    pub fn write(&self, version: Version, out: &mut Vec<u8>) {
        write_packet(out, Kind::ConnAck, 0, |out| {
            out.push(u8::from(self.is_session_present));
            if version.is_v5() {
                out.push(self.reason.0);
                self.properties.write(out);
            } else {
                out.push(self.reason.connect_return_code());
            }
        });
    }
}
