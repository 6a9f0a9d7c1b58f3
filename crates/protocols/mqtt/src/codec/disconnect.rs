//! DISCONNECT (MQTT 5 3.14) and AUTH (MQTT 5 3.15).

use super::{
    Version,
    error::DecodeError,
    frame::{Kind, write_packet},
    property::{Place, Properties},
    reason::Reason,
    wire::Cursor,
};

/// Goodbye.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disconnect<'a> {
    /// Why.
    pub reason: Reason,
    /// Properties.
    pub properties: Properties<'a>,
}

/// Step of an enhanced authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Auth<'a> {
    /// Which step.
    pub reason: Reason,
    /// Properties.
    pub properties: Properties<'a>,
}

fn read<'a>(body: &'a [u8], place: Place) -> Result<(Reason, Properties<'a>), DecodeError> {
    let mut cursor = Cursor::new(body);
    if cursor.is_empty() {
        return Ok((Reason::SUCCESS, Properties::default()));
    }
    let reason = Reason(cursor.u8()?);
    let properties =
        if cursor.is_empty() { Properties::default() } else { Properties::read(&mut cursor, place)? };
    if !cursor.is_empty() {
        return Err(DecodeError::malformed("bytes are left over after the properties"));
    }
    Ok((reason, properties))
}

fn write(reason: Reason, properties: Properties<'_>, out: &mut Vec<u8>) {
    if reason == Reason::SUCCESS && properties.is_empty() {
        return;
    }
    out.push(reason.0);
    if !properties.is_empty() {
        properties.write(out);
    }
}

impl<'a> Disconnect<'a> {
    /// Reads the body of one.
    ///
    /// # Errors
    /// The bytes break the grammar, or the reason code is none of DISCONNECT.
    pub fn decode(body: &'a [u8], version: Version) -> Result<Self, DecodeError> {
        if !version.is_v5() {
            return match body {
                [] => Ok(Self { reason: Reason::SUCCESS, properties: Properties::default() }),
                _ => Err(DecodeError::malformed("bytes are left over at the end of DISCONNECT")),
            };
        }
        let (reason, properties) = read(body, Place::Disconnect)?;
        let is_known = matches!(
            reason.0,
            0x00 | 0x04 | 0x80..=0x83 | 0x87 | 0x89 | 0x8B | 0x8D..=0x90 | 0x93..=0xA2
        );
        if !is_known {
            return Err(DecodeError::protocol("the reason code does not belong into DISCONNECT"));
        }
        Ok(Self { reason, properties })
    }

    /// Writes it.
    pub fn write(&self, version: Version, out: &mut Vec<u8>) {
        write_packet(out, Kind::Disconnect, 0, |out| {
            if version.is_v5() {
                write(self.reason, self.properties, out);
            }
        });
    }
}

impl<'a> Auth<'a> {
    /// Reads the body of one.
    ///
    /// # Errors
    /// The bytes break the grammar, or the reason code is none of AUTH.
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let (reason, properties) = read(body, Place::Auth)?;
        match reason {
            Reason::SUCCESS | Reason::CONTINUE_AUTHENTICATION | Reason::RE_AUTHENTICATE => {
                Ok(Self { reason, properties })
            }
            _ => Err(DecodeError::protocol("the reason code does not belong into AUTH")),
        }
    }

    /// Writes it.
    pub fn write(&self, out: &mut Vec<u8>) {
        write_packet(out, Kind::Auth, 0, |out| write(self.reason, self.properties, out));
    }
}
