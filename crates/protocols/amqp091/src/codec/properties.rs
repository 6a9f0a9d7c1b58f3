//! All properties of a message: reading, writing, and changing one of them without touching the rest.

use std::ops::Range;

use super::{
    content::{flag, read_flags},
    table::Table,
    wire::{Malformed, Reader, Writer},
};

/// The properties of class basic.
///
/// The two ids are bytes: producers put raw UUIDs there, and nobody but the application reads them. All other text
/// must be UTF-8.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BasicProperties<'a> {
    /// MIME type of the body.
    pub content_type: Option<&'a str>,
    /// MIME encoding of the body.
    pub content_encoding: Option<&'a str>,
    /// Application headers.
    pub headers: Option<Table<'a>>,
    /// 1 transient, 2 persistent.
    pub delivery_mode: Option<u8>,
    /// Priority, 0 the lowest.
    pub priority: Option<u8>,
    /// Request that this message answers.
    pub correlation_id: Option<&'a [u8]>,
    /// Where an answer goes.
    pub reply_to: Option<&'a str>,
    /// Time to live in ms, as decimal text.
    pub expiration: Option<&'a str>,
    /// Producer's id of the message.
    pub message_id: Option<&'a [u8]>,
    /// Seconds since 1970-01-01T00:00:00Z.
    pub timestamp: Option<u64>,
    /// Type name of the message; the specification's `type`.
    pub kind: Option<&'a str>,
    /// User that the producer says it is.
    pub user_id: Option<&'a str>,
    /// Producer's application.
    pub app_id: Option<&'a str>,
    /// Of old versions, without meaning.
    pub cluster_id: Option<&'a str>,
}

impl<'a> BasicProperties<'a> {
    /// Reads flags and property list; no bytes at all mean no properties.
    ///
    /// # Errors
    /// Any [`Malformed`].
    pub fn decode(properties: &'a [u8]) -> Result<Self, Malformed> {
        if properties.is_empty() {
            return Ok(Self::default());
        }
        let mut reader = Reader::new(properties);
        let flags = read_flags(&mut reader)?;
        let reader = &mut reader;
        let parsed = Self {
            content_type: read(flags, flag::CONTENT_TYPE, reader, Reader::short_string)?,
            content_encoding: read(flags, flag::CONTENT_ENCODING, reader, Reader::short_string)?,
            headers: read(flags, flag::HEADERS, reader, Reader::table)?,
            delivery_mode: read(flags, flag::DELIVERY_MODE, reader, Reader::u8)?,
            priority: read(flags, flag::PRIORITY, reader, Reader::u8)?,
            correlation_id: read(flags, flag::CORRELATION_ID, reader, Reader::short_bytes)?,
            reply_to: read(flags, flag::REPLY_TO, reader, Reader::short_string)?,
            expiration: read(flags, flag::EXPIRATION, reader, Reader::short_string)?,
            message_id: read(flags, flag::MESSAGE_ID, reader, Reader::short_bytes)?,
            timestamp: read(flags, flag::TIMESTAMP, reader, Reader::u64)?,
            kind: read(flags, flag::TYPE, reader, Reader::short_string)?,
            user_id: read(flags, flag::USER_ID, reader, Reader::short_string)?,
            app_id: read(flags, flag::APP_ID, reader, Reader::short_string)?,
            cluster_id: read(flags, flag::CLUSTER_ID, reader, Reader::short_string)?,
        };
        reader.finish()?;
        Ok(parsed)
    }

    /// Appends flags and property list.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut writer = Writer::new(out);
        writer.raw(&self.flags().to_be_bytes());
        let short = |writer: &mut Writer<'_>, text: Option<&str>| {
            if let Some(text) = text {
                writer.short_string(text);
            }
        };
        short(&mut writer, self.content_type);
        short(&mut writer, self.content_encoding);
        if let Some(headers) = self.headers {
            writer.long_string(headers.raw());
        }
        for octet in [self.delivery_mode, self.priority].into_iter().flatten() {
            writer.raw(&[octet]);
        }
        if let Some(id) = self.correlation_id {
            writer.short_bytes(id);
        }
        short(&mut writer, self.reply_to);
        short(&mut writer, self.expiration);
        if let Some(id) = self.message_id {
            writer.short_bytes(id);
        }
        if let Some(timestamp) = self.timestamp {
            writer.raw(&timestamp.to_be_bytes());
        }
        for text in [self.kind, self.user_id, self.app_id, self.cluster_id] {
            short(&mut writer, text);
        }
    }

    fn flags(&self) -> u16 {
        let of = |is_there: bool, bit: u16| if is_there { bit } else { 0 };
        of(self.content_type.is_some(), flag::CONTENT_TYPE)
            | of(self.content_encoding.is_some(), flag::CONTENT_ENCODING)
            | of(self.headers.is_some(), flag::HEADERS)
            | of(self.delivery_mode.is_some(), flag::DELIVERY_MODE)
            | of(self.priority.is_some(), flag::PRIORITY)
            | of(self.correlation_id.is_some(), flag::CORRELATION_ID)
            | of(self.reply_to.is_some(), flag::REPLY_TO)
            | of(self.expiration.is_some(), flag::EXPIRATION)
            | of(self.message_id.is_some(), flag::MESSAGE_ID)
            | of(self.timestamp.is_some(), flag::TIMESTAMP)
            | of(self.kind.is_some(), flag::TYPE)
            | of(self.user_id.is_some(), flag::USER_ID)
            | of(self.app_id.is_some(), flag::APP_ID)
            | of(self.cluster_id.is_some(), flag::CLUSTER_ID)
    }
}

/// Reads a property when its flag is set.
fn read<'a, T>(
    flags: u16,
    bit: u16,
    reader: &mut Reader<'a>,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, Malformed>,
) -> Result<Option<T>, Malformed> {
    if flags & bit == 0 { Ok(None) } else { read(reader).map(Some) }
}

/// Properties with the header table replaced, or taken off with `None`; every other byte stays as it is.
///
/// # Errors
/// Any [`Malformed`] when the properties can't be read.
pub fn with_headers(properties: &[u8], headers: Option<Table<'_>>) -> Result<Vec<u8>, Malformed> {
    let mut value = Vec::new();
    if let Some(headers) = headers {
        Writer::new(&mut value).long_string(headers.raw());
    }
    replace(properties, flag::HEADERS, headers.is_some().then_some(&value[..]))
}

/// Properties with the expiration taken off; every other byte stays as it is.
///
/// # Errors
/// Any [`Malformed`] when the properties can't be read.
pub fn without_expiration(properties: &[u8]) -> Result<Vec<u8>, Malformed> {
    replace(properties, flag::EXPIRATION, None)
}

/// Puts `value`, in its wire form, in the place of a property.
fn replace(properties: &[u8], bit: u16, value: Option<&[u8]>) -> Result<Vec<u8>, Malformed> {
    let properties = if properties.is_empty() { &[0, 0][..] } else { properties };
    let (flags, range) = place(properties, bit)?;
    let flags = if value.is_some() { flags | bit } else { flags & !bit };
    let mut out = Vec::with_capacity(properties.len() + value.map_or(0, <[u8]>::len));
    out.extend_from_slice(&flags.to_be_bytes());
    out.extend_from_slice(properties.get(2..range.start).unwrap_or_default());
    out.extend_from_slice(value.unwrap_or_default());
    out.extend_from_slice(properties.get(range.end..).unwrap_or_default());
    Ok(out)
}

/// Where a property is, or would be, and the flags.
fn place(properties: &[u8], wanted: u16) -> Result<(u16, Range<usize>), Malformed> {
    let mut reader = Reader::new(properties);
    let flags = read_flags(&mut reader)?;
    let at = |reader: &Reader<'_>| properties.len() - reader.rest().len();
    let mut bit = flag::CONTENT_TYPE;
    while bit > wanted {
        if flags & bit != 0 {
            skip(&mut reader, bit)?;
        }
        bit >>= 1;
    }
    let start = at(&reader);
    if flags & wanted != 0 {
        skip(&mut reader, wanted)?;
    }
    Ok((flags, start..at(&reader)))
}

fn skip(reader: &mut Reader<'_>, bit: u16) -> Result<(), Malformed> {
    match bit {
        flag::HEADERS => reader.long_string().map(drop),
        flag::DELIVERY_MODE | flag::PRIORITY => reader.u8().map(drop),
        flag::TIMESTAMP => reader.u64().map(drop),
        _ => reader.short_bytes().map(drop),
    }
}
