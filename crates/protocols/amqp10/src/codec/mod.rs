//! The wire codec: bytes to values and back. Borrows, never panics, knows no state and nothing of the core.

mod descriptor;
mod error;
mod fields;
pub mod frame;
pub mod message;
mod outcome;
pub mod performative;
mod sasl;
mod terminus;
mod transaction;
mod value;
pub mod write;

pub(crate) use descriptor::code;
pub use error::DecodeError;
pub use message::MAX_BODY_SECTIONS;
pub use outcome::{DeliveryState, ErrorInfo};
pub use sasl::{SaslCode, SaslFrame};
pub use terminus::{AnyTarget, Durability, Source, Target};
pub use transaction::Control;
pub use value::{Array, Described, List, MAX_DEPTH, MAX_EMPTY_ELEMENTS, Map, Value, check, read};

#[cfg(test)]
mod tests;
