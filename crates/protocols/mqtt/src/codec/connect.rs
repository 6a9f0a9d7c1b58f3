//! CONNECT (MQTT 5 3.1).

use super::{
    Version,
    error::DecodeError,
    frame::{Kind, write_packet},
    property::{Place, Properties},
    publish::Qos,
    reason::Reason,
    topic::check_name,
    wire::{Cursor, put_binary, put_text},
};

const CLEAN: u8 = 0x02;
const WILL: u8 = 0x04;
const WILL_RETAIN: u8 = 0x20;
const PASSWORD: u8 = 0x40;
const USER: u8 = 0x80;

/// What is published when the client goes without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastWill<'a> {
    /// QoS.
    pub qos: Qos,
    /// Keep it for later subscribers.
    pub is_retain: bool,
    /// Topic.
    pub topic: &'a str,
    /// Properties.
    pub properties: Properties<'a>,
    /// The application's bytes.
    pub payload: &'a [u8],
}

/// A client asks to enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connect<'a> {
    /// Version that it speaks.
    pub version: Version,
    /// State of earlier connections is not wanted; in MQTT 3 nor is state kept after this one.
    pub is_clean: bool,
    /// Keep alive in s, 0 for none.
    pub keep_alive_s: u16,
    /// Its name; empty: the server makes one.
    pub client_id: &'a str,
    /// Properties.
    pub properties: Properties<'a>,
    /// Its will.
    pub will: Option<LastWill<'a>>,
    /// User name.
    pub user: Option<&'a str>,
    /// Password.
    pub password: Option<&'a [u8]>,
}

impl<'a> Connect<'a> {
    /// Reads protocol name and level: all that is known of the version when the rest can't be read.
    ///
    /// # Errors
    /// The name is none of MQTT (0x81), or the level is unknown (0x84).
    pub fn read_version(cursor: &mut Cursor<'a>) -> Result<Version, DecodeError> {
        let name = cursor.binary()?;
        let level = cursor.u8()?;
        // The highest bit tells a bridge in some brokers; the protocol is the same.
        match (name, level & 0x7f) {
            (b"MQIsdp", 3) => Ok(Version::V31),
            (b"MQTT", 4) => Ok(Version::V311),
            (b"MQTT", 5) if level == 5 => Ok(Version::V5),
            (b"MQTT" | b"MQIsdp", _) => Err(DecodeError {
                reason: Reason::UNSUPPORTED_PROTOCOL_VERSION,
                problem: "the protocol level is not 3, 4 or 5",
            }),
            _ => Err(DecodeError::malformed("the protocol name is not MQTT")),
        }
    }

    /// Reads the body of one.
    ///
    /// # Errors
    /// The bytes break the grammar or a rule.
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut cursor = Cursor::new(body);
        let version = Self::read_version(&mut cursor)?;
        let flags = cursor.u8()?;
        let is_clean = flags & CLEAN != 0;
        if flags & 1 != 0 {
            return Err(DecodeError::malformed("the reserved flag of CONNECT is set"));
        }
        let qos = Qos::of(flags >> 3 & 3).ok_or(DecodeError::malformed("the QoS of the will is 3"))?;
        if flags & WILL == 0 && (qos != Qos::AtMostOnce || flags & WILL_RETAIN != 0) {
            return Err(DecodeError::malformed("there are flags of a will but no will"));
        }
        if !version.is_v5() && flags & PASSWORD != 0 && flags & USER == 0 {
            return Err(DecodeError::malformed("there is a password without a user name"));
        }
        let keep_alive_s = cursor.u16()?;
        let properties = if version.is_v5() {
            Properties::read(&mut cursor, Place::Connect)?
        } else {
            Properties::default()
        };
        let client_id = cursor.text()?;
        let will = if flags & WILL == 0 {
            None
        } else {
            Some(LastWill::decode(&mut cursor, version, qos, flags & WILL_RETAIN != 0)?)
        };
        let user = if flags & USER == 0 { None } else { Some(cursor.text()?) };
        let password = if flags & PASSWORD == 0 { None } else { Some(cursor.binary()?) };
        if !cursor.is_empty() {
            return Err(DecodeError::malformed("bytes are left over at the end of CONNECT"));
        }
        Ok(Self { version, is_clean, keep_alive_s, client_id, properties, will, user, password })
    }

    fn flags(&self) -> u8 {
        let mut flags = if self.is_clean { CLEAN } else { 0 };
        if let Some(will) = &self.will {
            flags |= WILL | (will.qos as u8) << 3;
            flags |= if will.is_retain { WILL_RETAIN } else { 0 };
        }
        flags |= if self.user.is_some() { USER } else { 0 };
        flags | if self.password.is_some() { PASSWORD } else { 0 }
    }

    /// Writes it.
    pub fn write(&self, out: &mut Vec<u8>) {
        write_packet(out, Kind::Connect, 0, |out| {
            put_text(out, if self.version == Version::V31 { "MQIsdp" } else { "MQTT" });
            out.push(self.version.level());
            out.push(self.flags());
            out.extend_from_slice(&self.keep_alive_s.to_be_bytes());
            if self.version.is_v5() {
                self.properties.write(out);
            }
            put_text(out, self.client_id);
            if let Some(will) = &self.will {
                if self.version.is_v5() {
                    will.properties.write(out);
                }
                put_text(out, will.topic);
                put_binary(out, will.payload);
            }
            if let Some(user) = self.user {
                put_text(out, user);
            }
            if let Some(password) = self.password {
                put_binary(out, password);
            }
        });
    }
}

impl<'a> LastWill<'a> {
    fn decode(
        cursor: &mut Cursor<'a>,
        version: Version,
        qos: Qos,
        is_retain: bool,
    ) -> Result<Self, DecodeError> {
        let properties =
            if version.is_v5() { Properties::read(cursor, Place::Will)? } else { Properties::default() };
        let topic = cursor.text()?;
        check_name(topic)?;
        let payload = cursor.binary()?;
        Ok(Self { qos, is_retain, topic, properties, payload })
    }
}
