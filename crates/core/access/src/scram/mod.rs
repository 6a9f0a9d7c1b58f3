//! Logging in by challenge and proof: SCRAM-SHA-256 (RFC 5802, RFC 7677), the server's side.
//!
//! Owns: what is kept of a password for it ([`ScramVerifier`]), the key that gives salts and decoys ([`SaltKey`]) and one
//! login ([`ScramLogin`]). Must not know: how a protocol carries the messages, who counts failures. The
//! caller gives the random part of the nonce.
//!
//! Known limits: no channel binding; passwords beyond printable ASCII have no verifier, because what the mechanism does
//! with them first (RFC 4013) is the identity only there. `docs/adr/0009-scram.md` has the reasons.

mod login;
mod message;
mod verifier;

pub use login::{NONCE_RANDOM_BYTES, ScramFirst, ScramLogin, ScramRefused};
pub use message::MAX_SCRAM_BYTES;
pub use verifier::{BadScramVerifier, SCRAM_SALT_BYTES, SaltKey, ScramVerifier};
