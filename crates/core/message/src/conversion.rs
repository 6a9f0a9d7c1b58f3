//! The table of conversions: what becomes of each property when a message leaves in another encoding than it came in.
//!
//! Every encoding has one column, its [`Carrier`]: for each [`Property`], whether it has a place of its own and what fits
//! there. [`Carrier::fit`] applies it. The rules, whatever the encodings:
//! 1. A property goes to its own place when it fits there, unchanged.
//! 2. Else it becomes a header `x-NAME` of its value, where the encoding has headers; it stands in front of the message's
//!    own headers and counts before one of the same name.
//! 3. Nothing is cut, replaced or guessed: what fits nowhere is left out.
//! 4. A header `x-NAME` that stands for a missing property is that property again in an encoding with a place for it
//!    ([`Property::is_restored`]).
//!
//! Owns: these rules and the names of the headers. Must not know: what an encoding calls its places; each writes its words.

use std::{borrow::Cow, sync::Arc};

use crate::{
    message::MessageMeta,
    properties::Properties,
    value::{Map, Value},
};

/// A property of a message: one row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Property {
    /// [`Properties::content_type`].
    ContentType,
    /// [`Properties::content_encoding`].
    ContentEncoding,
    /// [`Properties::correlation_id`].
    CorrelationId,
    /// [`Properties::reply_to`].
    ReplyTo,
    /// [`Properties::reply_key`].
    ReplyKey,
    /// [`Properties::message_id`].
    MessageId,
    /// [`Properties::timestamp`].
    Timestamp,
    /// [`Properties::kind`].
    Kind,
    /// [`Properties::user_id`].
    UserId,
    /// [`Properties::app_id`].
    AppId,
    /// [`Properties::is_text`].
    BodyFormat,
    /// [`MessageMeta::is_durable`].
    Durability,
    /// [`MessageMeta::priority`].
    Priority,
    /// [`MessageMeta::ttl_ms`].
    TimeToLive,
}

impl Property {
    /// Every property, in the order in which those without a place become headers.
    pub const ALL: [Self; 14] = [
        Self::ContentType,
        Self::ContentEncoding,
        Self::CorrelationId,
        Self::ReplyTo,
        Self::ReplyKey,
        Self::MessageId,
        Self::Timestamp,
        Self::Kind,
        Self::UserId,
        Self::AppId,
        Self::BodyFormat,
        Self::Durability,
        Self::Priority,
        Self::TimeToLive,
    ];

    /// Name of the header that carries the property where it has no place of its own.
    #[must_use]
    pub fn header(self) -> &'static str {
        match self {
            Self::ContentType => "x-content-type",
            Self::ContentEncoding => "x-content-encoding",
            Self::CorrelationId => "x-correlation-id",
            Self::ReplyTo => "x-reply-to",
            Self::ReplyKey => "x-reply-to-topic",
            Self::MessageId => "x-message-id",
            Self::Timestamp => "x-timestamp",
            Self::Kind => "x-type",
            Self::UserId => "x-user-id",
            Self::AppId => "x-app-id",
            Self::BodyFormat => "x-body-is-text",
            Self::Durability => "x-durable",
            Self::Priority => "x-priority",
            Self::TimeToLive => "x-ttl",
        }
    }

    /// Whether its header becomes the property again. Only the two that requests and answers need: any other header is
    /// the application's, whatever it is called, and nobody is a user because a header says so.
    #[must_use]
    pub fn is_restored(self) -> bool {
        matches!(self, Self::CorrelationId | Self::ReplyKey)
    }
}

/// How an encoding carries a property: one cell of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carriage {
    /// In a place of its own, every value.
    Whole,
    /// In a place of its own, text of at most so many bytes without NUL; else as [`Carriage::Header`].
    Text {
        /// Most bytes.
        max_bytes: usize,
    },
    /// In a place of its own, at most so many bytes; else as [`Carriage::Header`].
    Bytes {
        /// Most bytes.
        max_bytes: usize,
    },
    /// As a header.
    Header,
    /// Not at all.
    Lost,
}

/// What headers an encoding has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Headers {
    /// Values of every type; a name is there once, the first counts.
    Typed {
        /// Longest name in bytes; a header with a longer one is left out.
        name_max_bytes: usize,
    },
    /// Text without NUL, as [`Value::to_text`] has it; names may repeat.
    Text {
        /// Longest name and longest value in bytes; a longer one is left out.
        max_bytes: usize,
    },
    /// None.
    None,
}

/// What an encoding carries: one column of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carrier {
    /// [`Property::ContentType`].
    pub content_type: Carriage,
    /// [`Property::ContentEncoding`].
    pub content_encoding: Carriage,
    /// [`Property::CorrelationId`].
    pub correlation_id: Carriage,
    /// [`Property::ReplyTo`].
    pub reply_to: Carriage,
    /// [`Property::ReplyKey`].
    pub reply_key: Carriage,
    /// [`Property::MessageId`].
    pub message_id: Carriage,
    /// [`Property::Timestamp`].
    pub timestamp: Carriage,
    /// [`Property::Kind`].
    pub kind: Carriage,
    /// [`Property::UserId`].
    pub user_id: Carriage,
    /// [`Property::AppId`].
    pub app_id: Carriage,
    /// [`Property::BodyFormat`].
    pub body_format: Carriage,
    /// [`Property::Durability`].
    pub durability: Carriage,
    /// [`Property::Priority`].
    pub priority: Carriage,
    /// [`Property::TimeToLive`].
    pub ttl: Carriage,
    /// Headers, and what became one.
    pub headers: Headers,
}

impl Carrier {
    /// The cell of a property.
    #[must_use]
    pub fn of(&self, property: Property) -> Carriage {
        match property {
            Property::ContentType => self.content_type,
            Property::ContentEncoding => self.content_encoding,
            Property::CorrelationId => self.correlation_id,
            Property::ReplyTo => self.reply_to,
            Property::ReplyKey => self.reply_key,
            Property::MessageId => self.message_id,
            Property::Timestamp => self.timestamp,
            Property::Kind => self.kind,
            Property::UserId => self.user_id,
            Property::AppId => self.app_id,
            Property::BodyFormat => self.body_format,
            Property::Durability => self.durability,
            Property::Priority => self.priority,
            Property::TimeToLive => self.ttl,
        }
    }

    /// The properties as this encoding carries them: each that is left has a place of its own, and every header can be
    /// written. `meta` are the message's fixed facts, of which those without a place become headers too.
    #[must_use]
    pub fn fit(&self, mut properties: Properties, meta: &MessageMeta) -> Properties {
        properties.restore();
        let mut headers = Map::new();
        for property in Property::ALL {
            let is_placed = match self.of(property) {
                Carriage::Whole => true,
                Carriage::Text { max_bytes } => {
                    let is_text = |text: &str| text.len() <= max_bytes && !text.contains('\0');
                    let bytes = properties.bytes(property);
                    bytes.is_none_or(|bytes| std::str::from_utf8(bytes).is_ok_and(is_text))
                }
                Carriage::Bytes { max_bytes } => {
                    properties.bytes(property).is_none_or(|bytes| bytes.len() <= max_bytes)
                }
                Carriage::Header => false,
                Carriage::Lost => {
                    let _lost = properties.take(property, meta);
                    true
                }
            };
            if !is_placed && let Some(value) = properties.take(property, meta) {
                headers.push((property.header().into(), value));
            }
        }
        headers.append(&mut properties.headers);
        Properties { headers: self.headers.fit(headers), ..properties }
    }
}

impl Headers {
    /// The headers that can be written, in their order.
    fn fit(self, mut headers: Map) -> Map {
        match self {
            Self::None => headers.clear(),
            Self::Typed { name_max_bytes } => {
                headers.retain(|(name, _)| name.len() <= name_max_bytes);
                keep_first(&mut headers);
            }
            Self::Text { max_bytes } => {
                let is_fit = |text: &str| text.len() <= max_bytes && !text.contains('\0');
                headers.retain_mut(|(name, value)| {
                    let text = match value.to_text() {
                        Some(text) if is_fit(name) && is_fit(&text) => Value::Str(text.into()),
                        _ => return false,
                    };
                    *value = text;
                    true
                });
            }
        }
        headers
    }
}

/// Takes off every header with a name that an earlier one has.
fn keep_first(headers: &mut Map) {
    // A message has few headers, and one who sends thousands shall not make it dear.
    let mut seen = std::collections::BTreeSet::new();
    headers.retain(|(name, _)| seen.insert(name.clone()));
}

impl Properties {
    /// Headers that stand for a property that is missing become it again.
    fn restore(&mut self) {
        for property in Property::ALL.into_iter().filter(|property| property.is_restored()) {
            let name = property.header();
            let Some(at) = self.headers.iter().position(|(known, _)| &**known == name) else { continue };
            let is_restored = match (property, self.headers.get(at).map(|(_, value)| value)) {
                (Property::CorrelationId, Some(Value::Str(text))) if self.correlation_id.is_none() => {
                    self.correlation_id = Some(text.as_bytes().into());
                    true
                }
                (Property::CorrelationId, Some(Value::Bytes(bytes))) if self.correlation_id.is_none() => {
                    self.correlation_id = Some(bytes.clone());
                    true
                }
                (Property::ReplyKey, Some(Value::Str(key))) if self.reply_key.is_none() => {
                    self.reply_key = Some(key.clone());
                    true
                }
                _ => false,
            };
            if is_restored {
                self.headers.remove(at);
            }
        }
    }

    /// The bytes of a property that is made of them; `None` when it is missing.
    fn bytes(&self, property: Property) -> Option<&[u8]> {
        match property {
            Property::CorrelationId => return self.correlation_id.as_deref(),
            Property::MessageId => return self.message_id.as_deref(),
            _ => {}
        }
        let text = match property {
            Property::ContentType => &self.content_type,
            Property::ContentEncoding => &self.content_encoding,
            Property::ReplyTo => &self.reply_to,
            Property::ReplyKey => &self.reply_key,
            Property::Kind => &self.kind,
            Property::UserId => &self.user_id,
            Property::AppId => &self.app_id,
            Property::CorrelationId
            | Property::MessageId
            | Property::Timestamp
            | Property::BodyFormat
            | Property::Durability
            | Property::Priority
            | Property::TimeToLive => return None,
        };
        text.as_deref().map(str::as_bytes)
    }

    /// Takes a property out. The fixed facts stay where they are; a priority of 0 is that of every message.
    fn take(&mut self, property: Property, meta: &MessageMeta) -> Option<Value> {
        let text = |place: &mut Option<Arc<str>>| place.take().map(Value::Str);
        match property {
            Property::ContentType => text(&mut self.content_type),
            Property::ContentEncoding => text(&mut self.content_encoding),
            Property::CorrelationId => self.correlation_id.take().map(value_of_id),
            Property::ReplyTo => text(&mut self.reply_to),
            Property::ReplyKey => text(&mut self.reply_key),
            Property::MessageId => self.message_id.take().map(value_of_id),
            Property::Timestamp => self.timestamp.take().map(Value::Timestamp),
            Property::Kind => text(&mut self.kind),
            Property::UserId => text(&mut self.user_id),
            Property::AppId => text(&mut self.app_id),
            Property::BodyFormat => self.is_text.take().map(Value::Bool),
            Property::Durability => meta.is_durable.then_some(Value::Bool(true)),
            Property::Priority => (meta.priority > 0).then_some(Value::U8(meta.priority)),
            Property::TimeToLive => meta.ttl_ms.map(Value::U64),
        }
    }
}

/// An id is text where it can be.
fn value_of_id(id: Arc<[u8]>) -> Value {
    match std::str::from_utf8(&id) {
        Ok(text) => Value::str(text),
        Err(_) => Value::Bytes(id),
    }
}

impl Value {
    /// The value as text: numbers in decimal, times in seconds, nothing as empty text. `None` for what text can't say:
    /// lists, maps, and bytes that are not UTF-8.
    #[must_use]
    pub fn to_text(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::Null => Cow::Borrowed(""),
            Self::Str(text) => Cow::Borrowed(text),
            Self::Bytes(bytes) => Cow::Borrowed(std::str::from_utf8(bytes).ok()?),
            Self::Bool(truth) => Cow::Borrowed(if *truth { "true" } else { "false" }),
            Self::I8(number) => number.to_string().into(),
            Self::U8(number) => number.to_string().into(),
            Self::I16(number) => number.to_string().into(),
            Self::U16(number) => number.to_string().into(),
            Self::I32(number) => number.to_string().into(),
            Self::U32(number) => number.to_string().into(),
            Self::I64(number) => number.to_string().into(),
            Self::U64(number) | Self::Timestamp(number) => number.to_string().into(),
            Self::F32(number) => number.to_string().into(),
            Self::F64(number) => number.to_string().into(),
            Self::Decimal(decimal) => decimal.to_string().into(),
            Self::Array(_) | Self::Map(_) => return None,
        })
    }
}

#[cfg(test)]
mod tests;
