//! Message selectors: the conditional expressions of JMS (Jakarta Messaging 3.1, 3.8) over the headers and properties
//! of one message.
//!
//! Owns: the language, its limits, what two values of different types mean to each other, three-valued logic. Must not
//! know: where a message's values come from ([`Facts`] gives them), queues, consumers.
//!
//! Reading order: [`Selector`], the tokens, the parser, which writes the program as it reads, the program, the values.
//!
//! Where the specification leaves a choice, or its best known broker departs from it, this is as that broker does, for
//! its applications depend on it: `docs/concepts/selectors.md` lists these cases.
//!
//! Limits (guarantees 6, B4, B8): text of 4 KiB, 512 tokens, nesting of 64; an evaluation takes each step of the
//! program once, LIKE is linear in the text.

#![forbid(unsafe_code)]

mod error;
mod field;
mod like;
mod operand;
mod parse;
mod program;
mod selector;
mod token;

pub use error::{Problem, SelectorError};
pub use field::{Field, Header};
pub use operand::Operand;
pub use program::Facts;
pub use selector::{CONVERTS_TEXT, Rules, Selector, Truth};

/// Longest selector, in bytes, behind its prefixes.
pub const MAX_BYTES: usize = 4 * 1024;

/// Most tokens.
pub const MAX_TOKENS: usize = 512;

/// Most parentheses and prefix operators within each other.
pub const MAX_DEPTH: usize = 64;
