//! Policies of IAM: what they say, and whether they let a caller do something.
//!
//! Written from AWS's public documentation ("IAM JSON policy elements reference", "Policy evaluation logic"). A [`Policy`]
//! says what who has it may do, a [`TrustPolicy`] who may assume a role. [`evaluate`] puts policies together: one denial
//! denies, and what nothing allows is denied (S1).
//!
//! Where the documentation leaves open what an unusual policy means, the reading is the one that grants less:
//! * A policy that holds the same key twice, an element that nobody knows or an empty list of values is refused.
//! * A variable without value matches nothing. Where that would let a statement match *because* nothing is matched
//!   (`NotResource`, `StringNotEquals`), a statement that allows does not apply, and one that denies does.
//! * A value put in for a variable is text, never a wildcard (S8).
//!
//! Work is bounded: a document's size and depth are, and matching costs at most the length of the pattern times that of
//! the text.

mod condition;
mod context;
mod cut;
mod document;
mod evaluate;
mod fault;
mod json;
mod operator;
mod pattern;
mod principal;
mod statement;
mod trust;
mod values;

pub use context::Context;
pub use cut::{Cut, CutResources, Ground, Rest};
pub use document::{
    GROUP_INLINE_MAX_CHARS, MANAGED_MAX_CHARS, Policy, RAW_MAX_BYTES, ROLE_INLINE_MAX_CHARS,
    SESSION_MAX_CHARS, TRUST_MAX_CHARS, USER_INLINE_MAX_CHARS, size_chars,
};
pub use evaluate::{Ask, Decision, Policies, evaluate};
pub use fault::{PolicyFault, Reason};
pub use trust::{Caller, Trust, TrustPolicy};
