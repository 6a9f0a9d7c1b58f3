//! Why a text is no selector.

use std::fmt;

use ternmq_stdx::quoted;

use crate::{MAX_BYTES, MAX_DEPTH, MAX_TOKENS};

/// A text is no selector: what is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectorError {
    /// Which character of the text is the first one that is wrong, counted from 1; one past the last for its end.
    pub column: usize,
    /// What is wrong there.
    pub problem: Problem,
}

/// What is wrong with a selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// More than [`MAX_BYTES`].
    TooLong,
    /// More than [`MAX_TOKENS`].
    TooManyTokens,
    /// More than [`MAX_DEPTH`] within each other.
    TooDeep,
    /// A character that begins nothing.
    Character(char),
    /// Text without its closing quote.
    UnclosedText,
    /// A comment without its end.
    UnclosedComment,
    /// Digits that make no number.
    Number(String),
    /// A whole number of more than 64 bits.
    NumberRange(String),
    /// Something else should stand there.
    Expected {
        /// What.
        wanted: &'static str,
        /// What is there; absent at the end.
        found: Option<String>,
    },
    /// A value where a condition should be.
    NotACondition,
    /// What has no order is compared by order: text, truth values, NULL.
    NotOrdered,
    /// NULL in a comparison, which would never be true.
    NullCompared,
    /// IN asks about a value that is no property.
    NotAProperty,
    /// ESCAPE with other than one character.
    EscapeLength,
    /// A part of the language that is not there.
    NotSupported(&'static str),
}

impl fmt::Display for SelectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}: {}", self.column, self.problem)
    }
}

impl std::error::Error for SelectorError {}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "a selector has at most {MAX_BYTES} bytes"),
            Self::TooManyTokens => write!(f, "a selector has at most {MAX_TOKENS} words and signs"),
            Self::TooDeep => write!(f, "at most {MAX_DEPTH} parentheses and signs stand within each other"),
            Self::Character(character) => {
                write!(f, "nothing begins with {}", quoted(character.encode_utf8(&mut [0; 4])))
            }
            Self::UnclosedText => f.write_str("the text has no closing quote"),
            Self::UnclosedComment => f.write_str("the comment has no end"),
            Self::Number(text) => write!(f, "{} is not a number", quoted(text)),
            Self::NumberRange(text) => write!(f, "{} does not fit into 64 bits", quoted(text)),
            Self::Expected { wanted, found: Some(found) } => {
                write!(f, "expected {wanted}, found {}", quoted(found))
            }
            Self::Expected { wanted, found: None } => write!(f, "expected {wanted}, found the end"),
            Self::NotACondition => f.write_str("expected a condition, found a value"),
            Self::NotOrdered => f.write_str("only numbers and properties can be compared by order"),
            Self::NullCompared => f.write_str("NULL equals nothing: IS NULL asks for it"),
            Self::NotAProperty => f.write_str("IN asks about a property, not about a value"),
            Self::EscapeLength => f.write_str("ESCAPE takes exactly one character"),
            Self::NotSupported(what) => write!(f, "{what} is not supported"),
        }
    }
}
