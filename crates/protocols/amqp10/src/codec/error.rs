//! Why bytes are not what they should be.

use thiserror::Error;

/// A value, frame or message that can't be read. Nothing was changed by the attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// The bytes end inside a value.
    #[error("the bytes end inside a value")]
    Truncated,
    /// There is no type with this constructor (AMQP 1.0 1.2.1).
    #[error("there is no type with the constructor 0x{code:02x}")]
    UnknownConstructor {
        /// The byte.
        code: u8,
    },
    /// Values in values, more than [`super::MAX_DEPTH`] (B4).
    #[error("values are nested more than {max} deep")]
    TooDeep {
        /// Most levels.
        max: usize,
    },
    /// A string that is not UTF-8.
    #[error("a string is not UTF-8")]
    NotUtf8,
    /// A symbol that is not ASCII.
    #[error("a symbol is not ASCII")]
    NotAscii,
    /// A char that is no Unicode scalar value.
    #[error("a char is no Unicode character")]
    NotAChar,
    /// A boolean that is neither 0 nor 1.
    #[error("a boolean is neither 0 nor 1")]
    NotABool,
    /// A map with a key that has no value.
    #[error("a map has a key without a value")]
    OddMap,
    /// A list, map or array whose elements do not fill it exactly.
    #[error("the elements of a list, map or array do not fill it")]
    Miscounted,
    /// An array of more elements without bytes of their own than [`super::MAX_EMPTY_ELEMENTS`] (B1).
    #[error("an array has more than {max} elements without bytes of their own")]
    TooManyElements {
        /// Most elements.
        max: u32,
    },
    /// Another type than one that belongs here.
    #[error("{what} has a wrong type")]
    WrongType {
        /// Which field or section.
        what: &'static str,
    },
    /// A mandatory field is missing.
    #[error("{what} is missing")]
    Missing {
        /// Which field.
        what: &'static str,
    },
    /// A value that its field can't have.
    #[error("{what} has a value that is not allowed")]
    NotAllowed {
        /// Which field.
        what: &'static str,
    },
    /// A described type that does not belong here.
    #[error("a described type that does not belong here")]
    UnknownDescriptor,
    /// Sections of a message in another order than AMQP 1.0 3.2 has them, or one twice.
    #[error("the sections of the message are out of order")]
    OutOfOrder,
    /// More data or sequence sections than [`super::MAX_BODY_SECTIONS`].
    #[error("the body has more than {max} sections")]
    TooManySections {
        /// Most sections.
        max: usize,
    },
}
