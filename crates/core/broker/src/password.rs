//! What is kept of a password.

use ternmq_access::{
    Argon2Failed, PasswordHash, SALT_BYTES, SCRAM_SALT_BYTES, SaltKey, ScramVerifier, Secret,
};

use crate::{broker::Broker, definition::Definition};

/// What the password of one user is hashed with, on any thread.
pub struct PasswordRecipe {
    pub(crate) salt: [u8; SALT_BYTES],
    /// Of the verifier for logins by challenge, if one is to be made.
    pub(crate) scram_salt: Option<[u8; SCRAM_SALT_BYTES]>,
}

/// What is kept of a password.
pub struct MadePassword {
    /// Its hash.
    pub hash: PasswordHash,
    /// What checks proofs of it, where the broker keeps such and the password can have it.
    pub scram: Option<ScramVerifier>,
}

impl PasswordRecipe {
    /// Hashes a password: some 20 ms of computing and 19 MiB, and as long again for a verifier.
    ///
    /// # Errors
    /// [`Argon2Failed`] when there is no memory for it.
    pub fn make(&self, password: &Secret) -> Result<MadePassword, Argon2Failed> {
        let hash = PasswordHash::make(password, &self.salt)?;
        Ok(MadePassword { hash, scram: self.make_scram(password) })
    }

    pub(crate) fn make_scram(&self, password: &Secret) -> Option<ScramVerifier> {
        self.scram_salt.as_ref().and_then(|salt| ScramVerifier::make(password, salt))
    }
}

impl Broker {
    /// From here on verifiers for logins by challenge are kept, and such logins are possible. Until this is called none is
    /// kept: one that the log has is forgotten with the next checkpoint.
    pub fn keep_scram(&mut self) {
        self.authority.keeps_scram = true;
        if self.authority.salt_key.is_none() {
            let mut bytes = [0; SaltKey::BYTES];
            self.rng.fill(&mut bytes);
            self.commit(&Definition::PutSaltKey(SaltKey::new(bytes)));
        }
    }

    /// What a new password of a user is hashed with.
    pub fn password_recipe(&mut self, user: &str) -> PasswordRecipe {
        let scram_salt = self.authority.scram_key().map(|key| key.salt_of(user));
        PasswordRecipe { salt: self.random(), scram_salt }
    }

    /// The same for a login by password, which makes what is missing.
    pub(crate) fn login_recipe(&mut self, user: &str) -> PasswordRecipe {
        let mut recipe = self.password_recipe(user);
        let is_kept = |scram: &ScramVerifier| !scram.needs_renewal();
        if self.authority.access.user(user).is_none_or(|user| user.scram.as_ref().is_some_and(is_kept)) {
            recipe.scram_salt = None;
        }
        recipe
    }
}
