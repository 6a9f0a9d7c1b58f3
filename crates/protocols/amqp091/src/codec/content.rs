//! The content header, and the one pass over its properties that the hot path needs.
//!
//! ```text
//! 0       2        4           12      14
//! +-------+--------+-----------+-------+---------------+
//! | class | weight | body size | flags | property list |
//! +-------+--------+-----------+-------+---------------+
//!                              \---- "properties" -----/
//! ```
//! The part called *properties* here is also what a message keeps as its head. No bytes at all mean no properties.

use super::{
    method::basic,
    table::{Table, walk_table},
    wire::{Malformed, Reader},
};

/// Bit of each property in the flags (AMQP 0-9-1 4.2.6.1); the first one is the highest.
pub mod flag {
    /// MIME type.
    pub const CONTENT_TYPE: u16 = 1 << 15;
    /// MIME encoding.
    pub const CONTENT_ENCODING: u16 = 1 << 14;
    /// Header table.
    pub const HEADERS: u16 = 1 << 13;
    /// 1 transient, 2 persistent.
    pub const DELIVERY_MODE: u16 = 1 << 12;
    /// Priority.
    pub const PRIORITY: u16 = 1 << 11;
    /// Correlation id.
    pub const CORRELATION_ID: u16 = 1 << 10;
    /// Reply address.
    pub const REPLY_TO: u16 = 1 << 9;
    /// Time to live, as text.
    pub const EXPIRATION: u16 = 1 << 8;
    /// Message id.
    pub const MESSAGE_ID: u16 = 1 << 7;
    /// Timestamp.
    pub const TIMESTAMP: u16 = 1 << 6;
    /// Type name.
    pub const TYPE: u16 = 1 << 5;
    /// User id.
    pub const USER_ID: u16 = 1 << 4;
    /// Application id.
    pub const APP_ID: u16 = 1 << 3;
    /// Cluster id, of old versions.
    pub const CLUSTER_ID: u16 = 1 << 2;
    /// Bits that no message of this version sets: the spare one and the mark of a second flag word.
    pub const RESERVED: u16 = 0b11;
}

/// A content header frame's payload could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentHeaderError {
    /// Its fields or properties are broken: 502 (syntax-error).
    #[error("the content header can't be read")]
    Malformed(#[from] Malformed),
    /// Its weight is not 0: 501 (frame-error).
    #[error("the content header has the weight {0}, which must be 0")]
    Weight(u16),
    /// It is of a class without content: 501 (frame-error).
    #[error("the content header is of class {0}, only basic (60) has content")]
    Class(u16),
}

/// A whole content header, its properties checked.
#[derive(Clone, Copy, Debug)]
pub struct ContentHeader<'a> {
    /// Length in bytes of the body that follows.
    pub body_size_bytes: u64,
    /// Flags and property list as they came.
    pub properties: &'a [u8],
    /// What was found in them.
    pub scan: Scan<'a>,
}

impl<'a> ContentHeader<'a> {
    /// Reads the payload of a header frame.
    ///
    /// # Errors
    /// [`ContentHeaderError`]
    #[inline]
    pub fn decode(payload: &'a [u8]) -> Result<Self, ContentHeaderError> {
        let mut reader = Reader::new(payload);
        let class = reader.u16()?;
        let weight = reader.u16()?;
        let body_size_bytes = reader.u64()?;
        if class != basic::CLASS_ID {
            return Err(ContentHeaderError::Class(class));
        }
        if weight != 0 {
            return Err(ContentHeaderError::Weight(weight));
        }
        let properties = reader.rest();
        if properties.is_empty() {
            // here the flags must be present; only a message of our own may have none
            return Err(ContentHeaderError::Malformed(Malformed::Truncated));
        }
        Ok(Self { body_size_bytes, properties, scan: Scan::new(properties)? })
    }
}

/// What the broker acts on, from one pass over the properties that also checks all of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scan<'a> {
    /// Which properties are there, see [`flag`].
    pub flags: u16,
    /// 1 transient, 2 persistent.
    pub delivery_mode: Option<u8>,
    /// Priority.
    pub priority: Option<u8>,
    /// Time to live as the producer wrote it.
    pub expiration: Option<&'a str>,
    /// User that the producer says it is.
    pub user_id: Option<&'a str>,
    /// Where an answer goes.
    pub reply_to: Option<&'a str>,
    /// Header table; `None` when the property is absent.
    pub headers: Option<Table<'a>>,
    /// Which of the sender-selected routes the headers hold.
    pub copies: Copies,
}

/// Presence of the headers `CC` and `BCC`, by which a sender names more routing keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copies {
    /// `CC` is there.
    pub has_cc: bool,
    /// `BCC` is there: to be taken off before delivery.
    pub has_bcc: bool,
}

impl<'a> Scan<'a> {
    /// Reads and checks properties.
    ///
    /// # Errors
    /// Any [`Malformed`].
    #[inline]
    pub fn new(properties: &'a [u8]) -> Result<Self, Malformed> {
        match properties {
            [] | [0, 0] => Ok(Self::default()),
            // delivery mode alone is what most producers send
            [0x10, 0, mode] => {
                Ok(Self { flags: flag::DELIVERY_MODE, delivery_mode: Some(*mode), ..Self::default() })
            }
            _ => Self::of_many(properties),
        }
    }

    #[inline]
    fn of_many(properties: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(properties);
        let flags = read_flags(&mut reader)?;
        let mut scan = Self { flags, ..Self::default() };
        let has = |bit: u16| flags & bit != 0;
        if has(flag::CONTENT_TYPE) {
            reader.short_string()?;
        }
        if has(flag::CONTENT_ENCODING) {
            reader.short_string()?;
        }
        if has(flag::HEADERS) {
            let content = reader.long_string()?;
            let copies = &mut scan.copies;
            walk_table(content, 1, |name| match name {
                "CC" => copies.has_cc = true,
                "BCC" => copies.has_bcc = true,
                _ => {}
            })?;
            scan.headers = Some(Table::from_built(content));
        }
        if has(flag::DELIVERY_MODE) {
            scan.delivery_mode = Some(reader.u8()?);
        }
        if has(flag::PRIORITY) {
            scan.priority = Some(reader.u8()?);
        }
        if has(flag::CORRELATION_ID) {
            reader.short_bytes()?;
        }
        if has(flag::REPLY_TO) {
            scan.reply_to = Some(reader.short_string()?);
        }
        if has(flag::EXPIRATION) {
            scan.expiration = Some(reader.short_string()?);
        }
        if has(flag::MESSAGE_ID) {
            reader.short_bytes()?;
        }
        if has(flag::TIMESTAMP) {
            reader.u64()?;
        }
        if has(flag::TYPE) {
            reader.short_string()?;
        }
        if has(flag::USER_ID) {
            scan.user_id = Some(reader.short_string()?);
        }
        if has(flag::APP_ID) {
            reader.short_string()?;
        }
        if has(flag::CLUSTER_ID) {
            reader.short_string()?;
        }
        reader.finish()?;
        Ok(scan)
    }
}

/// Reads the flags. Only one word of them is defined, so a second one can't be asked for.
#[inline]
pub(super) fn read_flags(reader: &mut Reader<'_>) -> Result<u16, Malformed> {
    let flags = reader.u16()?;
    if flags & flag::RESERVED != 0 {
        return Err(Malformed::ReservedPropertyFlags(flags));
    }
    Ok(flags)
}
