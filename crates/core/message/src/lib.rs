//! The neutral message that every protocol translates to and from.
//!
//! Owns: the message with its original encoding kept as opaque bytes ([`Message`]), the history a message
//! collects while the broker moves it ([`Death`]), its group ([`Group`]), the one hub of value types ([`Value`]), the neutral view of a
//! message's properties ([`Properties`]) and of its body ([`Content`]) and the table by which they become another encoding's ([`Carrier`]).
//! Must not know: any protocol's wire form. A protocol hands in a [`Format`] that reads its own bytes.
//!
//! Invariants: a message never changes once built; its node name, key, head and body are the bytes it came with,
//! in one buffer, which is also what the journal stores.

#![forbid(unsafe_code)]

mod content;
mod conversion;
mod format;
mod group;
mod history;
mod message;
mod properties;
mod value;

pub use content::{Content, JAVA_OBJECT};
pub use conversion::{Carriage, Carrier, Headers, Property};
pub use format::{Encoding, Format, Formats};
pub use group::{Group, GroupRole};
pub use history::{Death, DeathReason, History};
pub use message::{Message, MessageBuilder, MessageMeta, TooLong};
pub use properties::Properties;
pub use value::{Decimal, Map, Value};
