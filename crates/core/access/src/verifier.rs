//! Checking one password, away from the tables.

use ternmq_stdx::Secret;

use crate::{
    argon2id::{Argon2Failed, spend},
    password::PasswordHash,
};

/// Longest password in bytes.
pub(crate) const MAX_PASSWORD_BYTES: usize = 1_024;

/// Checks passwords of one user, on any thread: about 30 ms of computing and 19 MiB.
///
/// An unknown user, one without a password and a wrong password cost the same (S2).
#[derive(Clone, Debug)]
pub struct Verifier {
    /// `None` when there is nothing that could match.
    hash: Option<PasswordHash>,
    revision: u64,
}

/// Outcome of checking a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the user's password.
    Accepted,
    /// It is, but what is stored of it is weak: store a new hash of it.
    AcceptedNeedsRehash,
    /// It is not, or there is no such user.
    Refused,
}

impl Verdict {
    /// Whether the password is right.
    #[must_use]
    pub fn is_accepted(self) -> bool {
        self != Self::Refused
    }

    /// Whether a new hash of the password should be stored.
    #[must_use]
    pub fn needs_rehash(self) -> bool {
        self == Self::AcceptedNeedsRehash
    }
}

impl Verifier {
    pub(crate) fn new(hash: Option<PasswordHash>, revision: u64) -> Self {
        Self { hash, revision }
    }

    /// Revision of the user that this checks against: pass it on with the verdict, the user may change meanwhile.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Checks a password. An empty one, or one of more than 1,024 bytes, is always refused.
    ///
    /// # Errors
    /// [`Argon2Failed`] when there is no memory for it: neither right nor wrong.
    pub fn verify(&self, password: &Secret) -> Result<Verdict, Argon2Failed> {
        if password.expose().is_empty() || password.expose().len() > MAX_PASSWORD_BYTES {
            return Ok(Verdict::Refused);
        }
        let Some(hash) = &self.hash else {
            spend(password)?;
            return Ok(Verdict::Refused);
        };
        match (hash.is_match(password)?, hash.needs_rehash()) {
            (true, false) => Ok(Verdict::Accepted),
            (true, true) => Ok(Verdict::AcceptedNeedsRehash),
            (false, false) => Ok(Verdict::Refused),
            (false, true) => {
                // Its own check was cheaper than that of an unknown user.
                spend(password)?;
                Ok(Verdict::Refused)
            }
        }
    }
}
