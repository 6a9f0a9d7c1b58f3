//! The wire format of AMQP 0-9-1 with RabbitMQ's extensions, both directions.
//!
//! Owns: framing ([`frame`]), methods ([`method`]), field tables ([`table`]), content headers ([`content`]) and the
//! writers of whole messages ([`mod@write`]).
//! Must not know: connections, channels and their order of frames (the session does), nor any other crate of ours.
//!
//! Invariants: decoding borrows from the input and never allocates; no bytes make it panic; a value that decoded is
//! valid throughout (text is UTF-8, tables are within their limits), so that nothing is checked twice. Encoding is
//! total: it can't fail, a name longer than its length field is cut at a character.

mod declare;

pub mod content;
pub mod frame;
pub mod method;
pub mod properties;
pub mod table;
pub mod table_buf;
pub mod wire;
pub mod write;

pub use content::{ContentHeader, ContentHeaderError, Scan};
pub use frame::{Frame, FrameError, FrameKind, Greeting};
pub use method::{Method, MethodError};
pub use properties::BasicProperties;
pub use table::{Array, FieldValue, Table};
pub use table_buf::{ArrayBuf, TableBuf};
pub use wire::Malformed;

#[cfg(test)]
mod tests;
