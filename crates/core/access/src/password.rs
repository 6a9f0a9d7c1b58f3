//! Hashes of passwords: made here, or brought along from another broker.

use std::fmt;

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::STANDARD};
use subtle::ConstantTimeEq;
use thiserror::Error;

use ternmq_stdx::Secret;

use crate::argon2id::{Argon2Failed, Argon2id, COST, SALT_BYTES};

/// Length of the salt of a salted digest in bytes.
const DIGEST_SALT_BYTES: usize = 4;

/// How a password was hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashKind {
    /// Argon2id as a PHC string.
    Argon2id,
    /// base64 of `salt (4 B) | SHA-256(salt | password)`.
    SaltedSha256,
    /// base64 of `salt (4 B) | SHA-512(salt | password)`.
    SaltedSha512,
    /// The same with MD5: known so that it can be refused by name.
    SaltedMd5,
}

/// Why a hash from elsewhere was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ImportError {
    /// MD5 gives passwords away.
    #[error(
        "MD5 password hashes are not accepted because they are easily broken; set a new password for the user"
    )]
    BrokenHash,
    /// The text is not of the form that the kind asks for, or its cost is out of bounds.
    #[error("the password hash is not a valid {0} hash; export it again or set a new password for the user")]
    Malformed(HashKind),
}

/// Hash of a password. Its text form comes only from [`PasswordHash::to_text`].
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Inner);

#[derive(Clone, PartialEq, Eq)]
enum Inner {
    Argon2id(Argon2id),
    SaltedSha256(Vec<u8>),
    SaltedSha512(Vec<u8>),
}

impl PasswordHash {
    /// Hashes a password by Argon2id. Takes about 30 ms and 19 MiB; do it away from the event loop.
    ///
    /// `salt` must be fresh random bytes.
    ///
    /// # Errors
    /// [`Argon2Failed`] when there is no memory for it.
    pub fn make(password: &Secret, salt: &[u8; SALT_BYTES]) -> Result<Self, Argon2Failed> {
        Argon2id::make(password, salt).map(|hash| Self(Inner::Argon2id(hash)))
    }

    /// Takes a hash from its text form, trimmed of nothing.
    ///
    /// # Errors
    /// [`ImportError`] when the kind is refused or the text is not of that kind.
    pub fn import(kind: HashKind, text: &str) -> Result<Self, ImportError> {
        let malformed = ImportError::Malformed(kind);
        let salted = |algorithm: &digest::Algorithm| {
            let bytes = STANDARD.decode(text).map_err(|_| malformed)?;
            let is_whole = bytes.len() == DIGEST_SALT_BYTES + algorithm.output_len();
            if is_whole { Ok(bytes) } else { Err(malformed) }
        };
        match kind {
            HashKind::Argon2id => {
                Argon2id::parse(text).map(|hash| Self(Inner::Argon2id(hash))).ok_or(malformed)
            }
            HashKind::SaltedSha256 => salted(&digest::SHA256).map(|bytes| Self(Inner::SaltedSha256(bytes))),
            HashKind::SaltedSha512 => salted(&digest::SHA512).map(|bytes| Self(Inner::SaltedSha512(bytes))),
            HashKind::SaltedMd5 => Err(ImportError::BrokenHash),
        }
    }

    /// Kind of this hash; never [`HashKind::SaltedMd5`].
    #[must_use]
    pub fn kind(&self) -> HashKind {
        match self.0 {
            Inner::Argon2id(_) => HashKind::Argon2id,
            Inner::SaltedSha256(_) => HashKind::SaltedSha256,
            Inner::SaltedSha512(_) => HashKind::SaltedSha512,
        }
    }

    /// Text form, which [`Self::import`] takes back: for storage and export only (S11).
    #[must_use]
    pub fn to_text(&self) -> String {
        match &self.0 {
            Inner::Argon2id(hash) => hash.to_text(),
            Inner::SaltedSha256(bytes) | Inner::SaltedSha512(bytes) => STANDARD.encode(bytes),
        }
    }

    /// Whether it is weaker than what [`Self::make`] makes: hash the password anew at the next chance.
    #[must_use]
    pub fn needs_rehash(&self) -> bool {
        !matches!(&self.0, Inner::Argon2id(hash) if hash.cost == COST)
    }

    /// Whether it is the hash of this password. Takes as long as a login.
    ///
    /// # Errors
    /// There is not enough memory to find out.
    pub fn is_match(&self, password: &Secret) -> Result<bool, Argon2Failed> {
        match &self.0 {
            Inner::Argon2id(hash) => hash.is_match(password),
            Inner::SaltedSha256(bytes) => Ok(is_salted_match(&digest::SHA256, bytes, password)),
            Inner::SaltedSha512(bytes) => Ok(is_salted_match(&digest::SHA512, bytes, password)),
        }
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PasswordHash({:?})", self.kind())
    }
}

impl fmt::Display for HashKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Argon2id => "Argon2id",
            Self::SaltedSha256 => "salted SHA-256",
            Self::SaltedSha512 => "salted SHA-512",
            Self::SaltedMd5 => "salted MD5",
        })
    }
}

fn is_salted_match(algorithm: &'static digest::Algorithm, stored: &[u8], password: &Secret) -> bool {
    let Some((salt, expect)) = stored.split_at_checked(DIGEST_SALT_BYTES) else { return false };
    let mut context = digest::Context::new(algorithm);
    context.update(salt);
    context.update(password.expose());
    context.finish().as_ref().ct_eq(expect).into()
}
