//! The wire format of OpenWire, versions 1 to 12, both directions.
//!
//! ```text
//! frame: size, 4 bytes | code of the structure, 1 byte | structure
//! tight: number of bytes of bits | bits of all truth values, lengths and kinds | everything else
//! loose: every field in turn
//! ```
//! Owns: frames ([`frame`]), the structures as tables of fields ([`table`]) and what is read by them ([`Object`]), the
//! reader and the writer that go through a table in either encoding ([`read`], [`write`]), messages that are
//! kept without being taken apart on their way in and out ([`keep`], [`mold`], [`stored`], [`walks`], [`relay`]), objects that both sides remember
//! ([`cache`]), maps of primitive values ([`map`]), the agreement on all that ([`agreement`]).
//! Must not know: connections, the order of commands, what a structure means, nor any other crate of ours.
//!
//! Invariants: no bytes make it panic or reserve more than they are; nesting, elements and remembered bytes are limited;
//! nothing is ever made by the name of a class: such names are text (B10). Encoding is total: text longer than its length
//! field is cut at a character.
//!
//! Facts about fields and versions are those of the marshallers of Apache ActiveMQ's client; `tests/golden` has what that
//! client writes.

pub mod agreement;
pub mod cache;
pub mod error;
pub mod frame;
pub mod keep;
pub mod kind;
pub mod map;
pub mod mold;
pub mod object;
pub mod read;
pub mod relay;
mod shape;
pub mod stored;
pub mod table;
pub mod text;
pub mod walks;
pub mod wire;
pub mod write;

pub use agreement::{Agreement, Offer};
pub use cache::{InCache, OutCache};
pub use error::DecodeError;
pub use frame::{Limits, split_frame};
pub use keep::{Incoming, keep};
pub use kind::Kind;
pub use map::{Primitive, Primitives};
pub use mold::Molds;
pub use object::{Object, Throwable, Value};
pub use read::decode;
pub use relay::{Content, Extent, Relay};
pub use stored::{Ends, NO_ENDS, Stored};
pub use table::Field;
pub use walks::Walks;
pub use write::{Dispatch, encode, encode_bare, encode_dispatch, kept};

/// Oldest version.
pub const MIN_VERSION: u8 = 1;
/// Newest version.
pub const MAX_VERSION: u8 = 12;

/// How structures are written on a connection, once both sides have said what they can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoding {
    /// Version, 1 to 12.
    pub version: u8,
    /// Truth values are packed in front, long numbers take no more bytes than they need.
    pub is_tight: bool,
    /// Ids and destinations that come again are sent as a number.
    pub has_cache: bool,
}

impl Encoding {
    /// Of everything before the agreement.
    pub const FIRST: Self = Self { version: MIN_VERSION, is_tight: false, has_cache: false };
    /// Of everything that is kept.
    pub const KEPT: Self = Self { version: MAX_VERSION, is_tight: false, has_cache: false };

    /// Whether messages have their fields as they are kept: since version 11 no structure has others.
    #[must_use]
    pub fn is_kept_alike(self) -> bool {
        self.version >= 11 && !self.is_tight && !self.has_cache
    }
}

#[cfg(test)]
mod tests;
