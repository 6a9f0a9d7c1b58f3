//! The sections of a message (AMQP 1.0 3.2).

use super::{
    descriptor::code,
    error::DecodeError,
    fields::Fields,
    value::{BINARY, DESCRIBED, Map, SMALL_BINARY, SMALL_ULONG, Value, check, read_typed, usual_code},
    write::{
        ListWriter, put_binary, put_bool, put_string, put_symbol, put_timestamp, put_ubyte, put_uint,
        put_value,
    },
};

/// Most data or sequence sections of a body.
pub const MAX_BODY_SECTIONS: usize = 1_000;

/// What the body is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BodyKind {
    /// There is none.
    #[default]
    None,
    /// Data sections.
    Data,
    /// Sequences.
    Sequences,
    /// One value.
    Value,
}

/// Where sections may stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    /// As AMQP 1.0 3.2 has them.
    Kept,
    /// Anywhere.
    Any,
    /// As they were when the message came: none of it is looked at again.
    Known,
}

/// A message taken apart: each section with its descriptor, as it came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sections<'a> {
    /// header; empty when it is not there, as all the others.
    pub header: &'a [u8],
    /// delivery-annotations
    pub delivery_annotations: &'a [u8],
    /// message-annotations
    pub message_annotations: &'a [u8],
    /// properties
    pub properties: &'a [u8],
    /// application-properties
    pub application_properties: &'a [u8],
    /// All sections of the body.
    pub body: &'a [u8],
    /// What these are.
    pub body_kind: BodyKind,
    /// footer
    pub footer: &'a [u8],
}

/// One section: its code, its value and its length in bytes with the descriptor.
fn section(input: &[u8]) -> Result<(u8, Value<'_>, usize), DecodeError> {
    read_typed(input).map(|(code, value, rest)| (code, value, input.len() - rest.len()))
}

/// The bytes of a data section, and what follows it. Its usual forms are read without a detour.
fn data_of(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let found = match input {
        [DESCRIBED, SMALL_ULONG, code::DATA, SMALL_BINARY, len, rest @ ..] => {
            rest.split_at_checked(usize::from(*len))
        }
        [DESCRIBED, SMALL_ULONG, code::DATA, BINARY, a, b, c, d, rest @ ..] => {
            rest.split_at_checked(u32::from_be_bytes([*a, *b, *c, *d]) as usize)
        }
        _ => None,
    };
    if found.is_some() {
        return found;
    }
    let (_, Value::Binary(bytes), length) = section(input).ok()? else { return None };
    Some((bytes, input.get(length..)?))
}

/// What a message says in its lists.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Said<'a> {
    /// header
    pub header: Header,
    /// properties
    pub properties: MessageProperties<'a>,
}

impl<'a> Sections<'a> {
    /// Splits a message and looks at all of it.
    ///
    /// # Errors
    /// It is malformed, or its sections are out of order.
    pub fn split(input: &'a [u8]) -> Result<Self, DecodeError> {
        Self::split_and_read(input).map(|(sections, _)| sections)
    }

    /// The same, with what was read on the way.
    ///
    /// # Errors
    /// As [`Self::split`].
    pub fn split_and_read(input: &'a [u8]) -> Result<(Self, Said<'a>), DecodeError> {
        let mut said = Said::default();
        Ok((Self::split_as(input, Order::Kept, &mut said)?, said))
    }

    /// The same of a message whose sections may stand anywhere, each once: a client of RabbitMQ for Python puts the body of
    /// some requests first.
    ///
    /// # Errors
    /// It is malformed, or has a section twice.
    pub fn split_request(input: &'a [u8]) -> Result<Self, DecodeError> {
        Self::split_as(input, Order::Any, &mut Said::default())
    }

    /// Splits a message, or the front of one, that was split before.
    ///
    /// # Errors
    /// It is none.
    pub fn split_known(input: &'a [u8]) -> Result<Self, DecodeError> {
        Self::split_as(input, Order::Known, &mut Said::default())
    }

    fn split_as(input: &'a [u8], order: Order, said: &mut Said<'a>) -> Result<Self, DecodeError> {
        let mut seen = [false; 16];
        let mut sections = Self::default();
        let (mut rest, mut last, mut body_sections) = (input, 0, 0);
        while !rest.is_empty() {
            // These are looked at while they are read; data is bytes.
            let is_flat = matches!(usual_code(rest), Some(code::HEADER | code::PROPERTIES | code::DATA));
            if order != Order::Known && !is_flat {
                check(rest)?;
            }
            let (code, value, length) = section(rest)?;
            let is_repeatable = matches!(code, code::DATA | code::AMQP_SEQUENCE) && order != Order::Any;
            let was_seen =
                seen.get_mut(usize::from(code & 15)).is_some_and(|seen| std::mem::replace(seen, true));
            if (was_seen && !is_repeatable) || (order != Order::Any && code < last) {
                return Err(DecodeError::OutOfOrder);
            }
            let (whole, next) = rest.split_at_checked(length).ok_or(DecodeError::Truncated)?;
            match (code, &value) {
                (code::HEADER, Value::List(_)) => {
                    sections.header = whole;
                    if order != Order::Known {
                        said.header = Header::read(Fields::unchecked(Some(value), "header")?)?;
                    }
                }
                (code::DELIVERY_ANNOTATIONS, Value::Map(_)) => sections.delivery_annotations = whole,
                (code::MESSAGE_ANNOTATIONS, Value::Map(_)) => sections.message_annotations = whole,
                (code::PROPERTIES, Value::List(_)) => {
                    sections.properties = whole;
                    if order != Order::Known {
                        said.properties =
                            MessageProperties::read(Fields::unchecked(Some(value), "properties")?)?;
                    }
                }
                (code::APPLICATION_PROPERTIES, Value::Map(_)) => sections.application_properties = whole,
                (code::FOOTER, Value::Map(_)) => sections.footer = whole,
                (code::DATA, Value::Binary(_))
                | (code::AMQP_SEQUENCE, Value::List(_))
                | (code::AMQP_VALUE, _) => {
                    // One kind of body in a message.
                    if !sections.body.is_empty() && code != last {
                        return Err(DecodeError::OutOfOrder);
                    }
                    body_sections += 1;
                    if body_sections > MAX_BODY_SECTIONS {
                        return Err(DecodeError::TooManySections { max: MAX_BODY_SECTIONS });
                    }
                    sections.body_kind = match code {
                        code::DATA => BodyKind::Data,
                        code::AMQP_SEQUENCE => BodyKind::Sequences,
                        _ => BodyKind::Value,
                    };
                    let start = input.len() - rest.len() - sections.body.len();
                    let end = input.len() - next.len();
                    sections.body = input.get(start..end).unwrap_or_default();
                }
                (code::HEADER..=code::FOOTER, _) => return Err(DecodeError::WrongType { what: "section" }),
                _ => return Err(DecodeError::UnknownDescriptor),
            }
            (last, rest) = (code, next);
        }
        Ok(sections)
    }

    /// The data sections of the body: what stands before the bytes of each, and the bytes.
    pub fn data(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let mut rest = if self.body_kind == BodyKind::Data { self.body } else { &[] };
        std::iter::from_fn(move || {
            let (bytes, next) = data_of(rest)?;
            let start = rest.len() - bytes.len() - next.len();
            let whole = rest;
            rest = next;
            Some((whole.get(..start)?, bytes))
        })
    }

    /// The values in the sequences of the body, one behind the other.
    #[must_use]
    pub fn items(&self) -> Vec<Value<'a>> {
        let mut rest = if self.body_kind == BodyKind::Sequences { self.body } else { &[] };
        let mut items = Vec::new();
        while let Ok((_, Value::List(list), length)) = section(rest) {
            items.extend(list.iter());
            rest = rest.get(length..).unwrap_or_default();
        }
        items
    }

    /// The value of the body, when it is one.
    #[must_use]
    pub fn value(&self) -> Option<Value<'a>> {
        if self.body_kind == BodyKind::Value { content_of(self.body) } else { None }
    }
}

/// The value in a section.
fn content_of(section_bytes: &[u8]) -> Option<Value<'_>> {
    section(section_bytes).ok().map(|(_, value, _)| value)
}

/// The map in a section of annotations or application properties; empty when the section is not there.
#[must_use]
pub fn map_of(section_bytes: &[u8]) -> Map<'_> {
    match content_of(section_bytes) {
        Some(Value::Map(map)) => map,
        _ => Map::default(),
    }
}

/// header (AMQP 1.0 3.2.1). Absent fields are not the same as their defaults: RabbitMQ's clients tell them apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// To be kept.
    pub durable: Option<bool>,
    /// Urgency; 4 by default.
    pub priority: Option<u8>,
    /// Time to live in ms.
    pub ttl: Option<u32>,
    /// Nobody else had it before.
    pub first_acquirer: Option<bool>,
    /// Earlier attempts that failed.
    pub delivery_count: Option<u32>,
}

impl Header {
    /// Reads the section.
    ///
    /// # Errors
    /// A field has a wrong type.
    pub fn decode(section_bytes: &[u8]) -> Result<Self, DecodeError> {
        if section_bytes.is_empty() {
            return Ok(Self::default());
        }
        Self::read(Fields::of(content_of(section_bytes), "header")?)
    }

    fn read(mut fields: Fields<'_>) -> Result<Self, DecodeError> {
        let header = Self {
            durable: fields.bool("durable")?,
            priority: fields.ubyte("priority")?,
            ttl: fields.uint("ttl")?,
            first_acquirer: fields.bool("first-acquirer")?,
            delivery_count: fields.uint("delivery-count")?,
        };
        fields.end()?;
        Ok(header)
    }

    /// Appends the section.
    pub fn put(&self, out: &mut Vec<u8>) {
        ListWriter::described(out, code::HEADER)
            .field(self.durable, put_bool)
            .field(self.priority, put_ubyte)
            .field(self.ttl, put_uint)
            .field(self.first_acquirer, put_bool)
            .field(self.delivery_count, put_uint)
            .end();
    }
}

/// properties (AMQP 1.0 3.2.4)
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MessageProperties<'a> {
    /// message-id: ulong, uuid, binary or string
    pub message_id: Option<Value<'a>>,
    /// user-id
    pub user_id: Option<&'a [u8]>,
    /// to
    pub to: Option<&'a str>,
    /// subject
    pub subject: Option<&'a str>,
    /// reply-to
    pub reply_to: Option<&'a str>,
    /// correlation-id: as message-id
    pub correlation_id: Option<Value<'a>>,
    /// content-type
    pub content_type: Option<&'a str>,
    /// content-encoding
    pub content_encoding: Option<&'a str>,
    /// absolute-expiry-time in ms since 1970
    pub absolute_expiry_time: Option<i64>,
    /// creation-time in ms since 1970
    pub creation_time: Option<i64>,
    /// group-id
    pub group_id: Option<&'a str>,
    /// group-sequence
    pub group_sequence: Option<u32>,
    /// reply-to-group-id
    pub reply_to_group_id: Option<&'a str>,
}

fn id<'a>(value: Option<Value<'a>>, what: &'static str) -> Result<Option<Value<'a>>, DecodeError> {
    match value {
        None | Some(Value::Ulong(_) | Value::Uuid(_) | Value::Binary(_) | Value::String(_)) => Ok(value),
        Some(_) => Err(DecodeError::WrongType { what }),
    }
}

impl<'a> MessageProperties<'a> {
    /// Reads the section.
    ///
    /// # Errors
    /// A field has a wrong type.
    pub fn decode(section_bytes: &'a [u8]) -> Result<Self, DecodeError> {
        if section_bytes.is_empty() {
            return Ok(Self::default());
        }
        Self::read(Fields::of(content_of(section_bytes), "properties")?)
    }

    fn read(mut fields: Fields<'a>) -> Result<Self, DecodeError> {
        let properties = Self {
            message_id: id(fields.any()?, "message-id")?,
            user_id: fields.binary("user-id")?,
            to: fields.string("to")?,
            subject: fields.string("subject")?,
            reply_to: fields.string("reply-to")?,
            correlation_id: id(fields.any()?, "correlation-id")?,
            content_type: fields.symbol("content-type")?,
            content_encoding: fields.symbol("content-encoding")?,
            absolute_expiry_time: fields.timestamp("absolute-expiry-time")?,
            creation_time: fields.timestamp("creation-time")?,
            group_id: fields.string("group-id")?,
            group_sequence: fields.uint("group-sequence")?,
            reply_to_group_id: fields.string("reply-to-group-id")?,
        };
        fields.end()?;
        Ok(properties)
    }

    /// Appends the section.
    pub fn put(&self, out: &mut Vec<u8>) {
        ListWriter::described(out, code::PROPERTIES)
            .field(self.message_id.as_ref(), put_value)
            .field(self.user_id, put_binary)
            .field(self.to, put_string)
            .field(self.subject, put_string)
            .field(self.reply_to, put_string)
            .field(self.correlation_id.as_ref(), put_value)
            .field(self.content_type, put_symbol)
            .field(self.content_encoding, put_symbol)
            .field(self.absolute_expiry_time, put_timestamp)
            .field(self.creation_time, put_timestamp)
            .field(self.group_id, put_string)
            .field(self.group_sequence, put_uint)
            .field(self.reply_to_group_id, put_string)
            .end();
    }
}

/// Appends a data section.
pub fn put_data(out: &mut Vec<u8>, bytes: &[u8]) {
    super::write::put_descriptor(out, code::DATA);
    put_binary(out, bytes);
}
