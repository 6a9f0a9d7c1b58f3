//! SUBSCRIBE, SUBACK, UNSUBSCRIBE and UNSUBACK (MQTT 5 3.8 to 3.11).

use super::{
    Version,
    error::DecodeError,
    frame::{Kind, write_packet},
    property::{Place, Properties},
    publish::{PacketId, Qos},
    reason::Reason,
    wire::{Cursor, put_text},
};

/// Most filters in one packet.
pub const FILTERS_MAX: usize = 100;

/// When retained messages are sent for a subscription.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RetainHandling {
    /// At each SUBSCRIBE.
    #[default]
    Send = 0,
    /// Only when the subscription is new.
    SendIfNew = 1,
    /// Never.
    DoNotSend = 2,
}

/// Options of a subscription.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Highest QoS wanted.
    pub qos: Qos,
    /// Not what this client publishes itself.
    pub is_no_local: bool,
    /// The retain flag is passed on as it was published.
    pub is_retain_as_published: bool,
    /// When retained messages are sent.
    pub retain_handling: RetainHandling,
}

impl Options {
    /// Reads the byte of options.
    ///
    /// # Errors
    /// A reserved bit is set, QoS or retain handling is 3.
    pub fn of(byte: u8, version: Version) -> Result<Self, DecodeError> {
        let reserved = if version.is_v5() { 0xc0 } else { 0xfc };
        if byte & reserved != 0 {
            return Err(DecodeError::malformed("reserved bits of subscription options are set"));
        }
        let qos = Qos::of(byte & 3).ok_or(DecodeError::malformed("the QoS of a subscription is 3"))?;
        let retain_handling = match byte >> 4 & 3 {
            0 => RetainHandling::Send,
            1 => RetainHandling::SendIfNew,
            2 => RetainHandling::DoNotSend,
            _ => return Err(DecodeError::protocol("the retain handling of a subscription is 3")),
        };
        Ok(Self { qos, is_no_local: byte & 4 != 0, is_retain_as_published: byte & 8 != 0, retain_handling })
    }

    /// The byte of options.
    #[must_use]
    pub fn byte(self) -> u8 {
        self.qos as u8
            | u8::from(self.is_no_local) << 2
            | u8::from(self.is_retain_as_published) << 3
            | (self.retain_handling as u8) << 4
    }
}

/// One filter with its options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilterEntry<'a> {
    /// Filter, as it came.
    pub filter: &'a str,
    /// Options.
    pub options: Options,
}

/// Client subscribes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscribe<'a> {
    /// Identifier of the packet.
    pub id: PacketId,
    /// Properties.
    pub properties: Properties<'a>,
    version: Version,
    entries: &'a [u8],
}

fn too_many() -> DecodeError {
    DecodeError { reason: Reason::QUOTA_EXCEEDED, problem: "there are more than 100 filters in one packet" }
}

fn read_head<'a>(
    body: &'a [u8],
    version: Version,
    place: Place,
) -> Result<(PacketId, Properties<'a>, Cursor<'a>), DecodeError> {
    let mut cursor = Cursor::new(body);
    let id = PacketId::read(&mut cursor)?;
    let properties =
        if version.is_v5() { Properties::read(&mut cursor, place)? } else { Properties::default() };
    Ok((id, properties, cursor))
}

impl<'a> Subscribe<'a> {
    /// Reads the body of one. Filters are checked for their grammar as text only: each is answered on its own.
    ///
    /// # Errors
    /// The bytes break the grammar, there is no filter (MQTT-3.8.3-2) or too many, or a reserved bit is set.
    pub fn decode(body: &'a [u8], version: Version) -> Result<Self, DecodeError> {
        let (id, properties, mut cursor) = read_head(body, version, Place::Subscribe)?;
        let entries = cursor.rest();
        let mut count = 0;
        while !cursor.is_empty() {
            cursor.text()?;
            Options::of(cursor.u8()?, version)?;
            count += 1;
        }
        match count {
            0 => Err(DecodeError::protocol("SUBSCRIBE has no filter")),
            FILTERS_MAX.. if count > FILTERS_MAX => Err(too_many()),
            _ => Ok(Self { id, properties, version, entries }),
        }
    }

    /// Its filters with their options, in order.
    pub fn entries(&self) -> impl Iterator<Item = FilterEntry<'a>> + use<'a> {
        let (mut cursor, version) = (Cursor::new(self.entries), self.version);
        std::iter::from_fn(move || {
            let filter = cursor.text().ok()?;
            let options = Options::of(cursor.u8().ok()?, version).ok()?;
            Some(FilterEntry { filter, options })
        })
    }

    /// Writes one.
    pub fn write_new(
        id: PacketId,
        properties: Properties<'_>,
        entries: &[FilterEntry<'_>],
        version: Version,
        out: &mut Vec<u8>,
    ) {
        write_packet(out, Kind::Subscribe, 2, |out| {
            id.write(out);
            if version.is_v5() {
                properties.write(out);
            }
            for entry in entries {
                put_text(out, entry.filter);
                out.push(entry.options.byte());
            }
        });
    }
}

/// Client unsubscribes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unsubscribe<'a> {
    /// Identifier of the packet.
    pub id: PacketId,
    /// Properties.
    pub properties: Properties<'a>,
    filters: &'a [u8],
}

impl<'a> Unsubscribe<'a> {
    /// Reads the body of one.
    ///
    /// # Errors
    /// As [`Subscribe::decode`].
    pub fn decode(body: &'a [u8], version: Version) -> Result<Self, DecodeError> {
        let (id, properties, mut cursor) = read_head(body, version, Place::Unsubscribe)?;
        let filters = cursor.rest();
        let mut count = 0;
        while !cursor.is_empty() {
            cursor.text()?;
            count += 1;
        }
        match count {
            0 => Err(DecodeError::protocol("UNSUBSCRIBE has no filter")),
            FILTERS_MAX.. if count > FILTERS_MAX => Err(too_many()),
            _ => Ok(Self { id, properties, filters }),
        }
    }

    /// Its filters, in order.
    pub fn filters(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let mut cursor = Cursor::new(self.filters);
        std::iter::from_fn(move || cursor.text().ok())
    }

    /// Writes one.
    pub fn write_new(
        id: PacketId,
        properties: Properties<'_>,
        filters: &[&str],
        version: Version,
        out: &mut Vec<u8>,
    ) {
        write_packet(out, Kind::Unsubscribe, 2, |out| {
            id.write(out);
            if version.is_v5() {
                properties.write(out);
            }
            for filter in filters {
                put_text(out, filter);
            }
        });
    }
}

/// Which of two answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codes {
    /// SUBACK.
    Subscribe,
    /// UNSUBACK, which has no codes in MQTT 3.
    Unsubscribe,
}

/// SUBACK or UNSUBACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SubscribeAck<'a> {
    /// Identifier of the packet that it answers.
    pub id: PacketId,
    /// Properties.
    pub properties: Properties<'a>,
    /// One code for each filter, in order.
    pub codes: &'a [u8],
}

impl<'a> SubscribeAck<'a> {
    /// Reads the body of one.
    ///
    /// # Errors
    /// The bytes break the grammar.
    pub fn decode(body: &'a [u8], version: Version) -> Result<Self, DecodeError> {
        let (id, properties, cursor) = read_head(body, version, Place::SubAck)?;
        Ok(Self { id, properties, codes: cursor.rest() })
    }

    /// Writes it. In MQTT 3 every failure is 0x80.
    pub fn write(&self, which: Codes, version: Version, out: &mut Vec<u8>) {
        let kind = match which {
            Codes::Subscribe => Kind::SubAck,
            Codes::Unsubscribe => Kind::UnsubAck,
        };
        write_packet(out, kind, 0, |out| {
            self.id.write(out);
            if version.is_v5() {
                self.properties.write(out);
                out.extend_from_slice(self.codes);
            } else if which == Codes::Subscribe {
                out.extend(self.codes.iter().map(|code| (*code).min(0x80)));
            }
        });
    }
}
