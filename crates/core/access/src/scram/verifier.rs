//! What is kept of a password.

use std::{fmt, num::NonZeroU32};

use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::{Engine, engine::general_purpose::STANDARD};
use subtle::ConstantTimeEq;
use thiserror::Error;
use zeroize::Zeroizing;

use ternmq_stdx::Secret;

use crate::verifier::MAX_PASSWORD_BYTES;

/// Length of the salt of a new verifier, in bytes.
pub const SCRAM_SALT_BYTES: usize = 16;

/// Length of a digest, and so of each key, in bytes.
pub(super) const KEY_BYTES: usize = digest::SHA256_OUTPUT_LEN;
/// Iterations of a new verifier: as many as the most careful client still computes (Cyrus SASL takes no more than 65,536).
pub(super) const ITERATIONS: u32 = 60_000;
/// Iterations of one from elsewhere: RFC 7677 asks for the least, and clients pay for them at each login.
const ITERATIONS_RANGE: std::ops::RangeInclusive<u32> = 4_096..=1_000_000;
const SALT_RANGE: std::ops::RangeInclusive<usize> = 8..=64;
/// How the text form begins.
const PREFIX: &str = "SCRAM-SHA-256$";

/// What proofs of a password are checked with (RFC 5802 section 3). The password can't be computed from it, only guessed,
/// at the cost of the iterations per guess.
#[derive(Clone)]
pub struct ScramVerifier {
    pub(super) salt: Vec<u8>,
    pub(super) iterations: u32,
    pub(super) stored_key: Secret,
    pub(super) server_key: Secret,
}

/// A text is not the form of a verifier, or its numbers are out of bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "the SCRAM verifier is not of the form SCRAM-SHA-256$<iterations>:<salt>$<stored key>:<server key> with 4,096 to \
     1,000,000 iterations; export it again or set a new password for the user"
)]
pub struct BadScramVerifier;

impl ScramVerifier {
    /// Makes the verifier of a password: some 20 ms of computing, away from the event loop.
    ///
    /// `None` for a password that has none: it is empty, has more than 1,024 bytes, or has a character that is not
    /// printable ASCII.
    #[must_use]
    pub fn make(password: &Secret, salt: &[u8; SCRAM_SALT_BYTES]) -> Option<Self> {
        let bytes = password.expose();
        let is_usable = (1..=MAX_PASSWORD_BYTES).contains(&bytes.len())
            && bytes.iter().all(|byte| matches!(byte, b' '..=b'~'));
        if is_usable { Self::compute(bytes, salt, ITERATIONS) } else { None }
    }

    pub(super) fn compute(password: &[u8], salt: &[u8], iterations: u32) -> Option<Self> {
        let mut salted = Zeroizing::new([0; KEY_BYTES]);
        let rounds = NonZeroU32::new(iterations)?;
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, rounds, salt, password, &mut *salted);
        let client_key = keyed(&*salted, b"Client Key");
        let stored_key = digest::digest(&digest::SHA256, client_key.expose());
        Some(Self {
            salt: salt.to_vec(),
            iterations,
            stored_key: Secret::new(stored_key.as_ref().to_vec()),
            server_key: keyed(&*salted, b"Server Key"),
        })
    }

    /// Takes a verifier from its text form, trimmed of nothing.
    ///
    /// # Errors
    /// [`BadScramVerifier`].
    pub fn import(text: &str) -> Result<Self, BadScramVerifier> {
        Self::parse(text).ok_or(BadScramVerifier)
    }

    fn parse(text: &str) -> Option<Self> {
        let (head, keys) = text.strip_prefix(PREFIX)?.split_once('$')?;
        let ((iterations, salt), (stored_key, server_key)) = (head.split_once(':')?, keys.split_once(':')?);
        let is_number = iterations.bytes().all(|byte| byte.is_ascii_digit());
        let iterations =
            iterations.parse().ok().filter(|count| is_number && ITERATIONS_RANGE.contains(count))?;
        let salt = STANDARD.decode(salt).ok().filter(|salt| SALT_RANGE.contains(&salt.len()))?;
        let key =
            |text: &str| STANDARD.decode(text).ok().filter(|key| key.len() == KEY_BYTES).map(Secret::new);
        Some(Self { salt, iterations, stored_key: key(stored_key)?, server_key: key(server_key)? })
    }

    /// Text form, which [`Self::import`] takes back: for storage and export only (S11).
    #[must_use]
    pub fn to_text(&self) -> String {
        let [salt, stored_key, server_key] =
            [&self.salt[..], self.stored_key.expose(), self.server_key.expose()]
                .map(|part| STANDARD.encode(part));
        format!("{PREFIX}{}:{salt}${stored_key}:{server_key}", self.iterations)
    }

    /// Whether it costs a guess less than what [`Self::make`] makes.
    #[must_use]
    pub fn needs_renewal(&self) -> bool {
        self.iterations < ITERATIONS
    }
}

impl PartialEq for ScramVerifier {
    fn eq(&self, other: &Self) -> bool {
        self.iterations == other.iterations
            && self.salt == other.salt
            && self.stored_key.is_same(other.stored_key.expose())
            && self.server_key.is_same(other.server_key.expose())
    }
}

impl Eq for ScramVerifier {}

impl fmt::Debug for ScramVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ScramVerifier")
    }
}

/// Random bytes of a broker, the same as long as its users live: they make the salt of each name, so that a name with a
/// verifier, one without and one that nobody has look the same, now and after the next restart (S2).
#[derive(Clone)]
pub struct SaltKey(Secret);

impl SaltKey {
    /// Length in bytes.
    pub const BYTES: usize = 32;

    /// Takes over the bytes, which have to be random.
    #[must_use]
    pub fn new(bytes: [u8; Self::BYTES]) -> Self {
        Self(Secret::new(bytes.to_vec()))
    }

    /// The bytes, for storage only (S11).
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose()
    }

    /// The salt of a name.
    #[must_use]
    pub fn salt_of(&self, user: &str) -> [u8; SCRAM_SALT_BYTES] {
        let bytes = self.derive(b"salt\0", user);
        let mut salt = [0; SCRAM_SALT_BYTES];
        for (to, from) in salt.iter_mut().zip(bytes.expose()) {
            *to = *from;
        }
        salt
    }

    /// What stands in for the verifier of a name that has none. Nothing proves it: its key is no digest of anything known.
    pub(super) fn decoy_of(&self, user: &str) -> ScramVerifier {
        ScramVerifier {
            salt: self.salt_of(user).to_vec(),
            iterations: ITERATIONS,
            stored_key: self.derive(b"stored key\0", user),
            server_key: self.derive(b"server key\0", user),
        }
    }

    fn derive(&self, what: &[u8], user: &str) -> Secret {
        keyed_parts(self.0.expose(), &[what, user.as_bytes()])
    }
}

impl PartialEq for SaltKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose().ct_eq(other.0.expose()).into()
    }
}

impl Eq for SaltKey {}

impl fmt::Debug for SaltKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SaltKey")
    }
}

/// HMAC-SHA-256.
pub(super) fn keyed(key: &[u8], message: &[u8]) -> Secret {
    keyed_parts(key, &[message])
}

pub(super) fn keyed_parts(key: &[u8], parts: &[&[u8]]) -> Secret {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, key));
    for part in parts {
        context.update(part);
    }
    Secret::new(context.sign().as_ref().to_vec())
}
