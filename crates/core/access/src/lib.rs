//! Who may do what: users and their passwords, permissions, limits, and the one function that decides.
//!
//! Owns: the [`Access`] table of users, permissions and [`Grants`] with [`Access::authorize`] (S5), checking passwords without
//! telling who exists ([`Verifier`], S2), or a proof of one by challenge ([`ScramLogin`]), the memory of checked credentials ([`VerifiedCredentials`], F15), the brake on
//! guessing ([`LoginThrottle`], S2), [`Rules`] on names by group, and limits ([`UserLimits`], [`NamespaceLimits`]).
//! Must not know: how a protocol carries credentials, how definitions are stored, which names the broker itself makes.
//! No I/O, no clock, no randomness: the caller passes time, salts and keys.
//!
//! Invariants: what is not granted is denied (S1); every change of a user changes its revision, so nothing remembered
//! about it stays true; a secret has no text form (S11).

#![forbid(unsafe_code)]

mod access;
mod argon2id;
mod authorize;
mod grants;
mod limits;
mod password;
mod pattern;
mod principal;
mod record;
mod rules;
mod scram;
mod throttle;
mod verified;
mod verifier;

pub use access::{Access, PermissionError};
pub use argon2id::{Argon2Failed, SALT_BYTES};
pub use authorize::{Action, Authorized, Denied, DeniedReason, Resource, Thing};
pub use grants::{
    Act, Acts, GrantEffect, GrantKind, GrantKinds, GrantNames, GrantRule, Grants, GrantsError,
    MAX_GRANT_BYTES, MAX_GRANT_LAYERS, MAX_GRANT_RULES,
};
pub use limits::{LimitReached, Limited, NamespaceLimits, UserLimits};
pub use password::{HashKind, ImportError, PasswordHash};
pub use pattern::{MAX_PATTERN_BYTES, MAX_PROGRAM_BYTES, Pattern, PatternError};
pub use principal::Principal;
pub use record::{PermissionRecord, Role, Roles, TopicPermissionRecord, UserRecord};
pub use rules::{MAX_RULE_BYTES, MAX_RULES, Members, Permits, RuleSpace, RuleSyntax, Rules, RulesError};
pub use scram::{
    BadScramVerifier, MAX_SCRAM_BYTES, NONCE_RANDOM_BYTES, SCRAM_SALT_BYTES, SaltKey, ScramFirst, ScramLogin,
    ScramRefused, ScramVerifier,
};
pub use ternmq_stdx::Secret;
pub use ternmq_stdx::{Glob, GlobError};
pub use throttle::{Admission, LoginThrottle};
pub use verified::VerifiedCredentials;
pub use verifier::{Verdict, Verifier};
