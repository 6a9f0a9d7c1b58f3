//! Logging in by challenge and proof (S2): as by password, but the password never comes.

use std::{net::IpAddr, sync::Arc};

use ternmq_access::{Admission, NONCE_RANDOM_BYTES, ScramFirst, ScramLogin};

use crate::{access::LoginRefused, broker::Broker};

/// A login that waits for the client's proof.
pub struct ChallengeLogin {
    user: Arc<str>,
    /// Of the user that the challenge was made for; 0 when there is none.
    revision: u64,
    scram: ScramLogin,
}

impl Broker {
    /// Starts a login with the client's first message; answers the challenge to send. Whether there is such a user, and
    /// whether it could log in so, shows neither here nor at the end.
    ///
    /// # Errors
    /// The message is malformed, too many logins of this name from this address have failed lately, or the broker keeps no
    /// verifiers ([`Broker::keep_scram`]).
    pub fn begin_challenge(
        &mut self,
        message: &[u8],
        peer: Option<IpAddr>,
    ) -> Result<(ChallengeLogin, String), LoginRefused> {
        let first = ScramFirst::read(message).map_err(|_| LoginRefused::Wrong)?;
        let user: Arc<str> = first.user().into();
        self.admit_challenge(&user, peer)?;
        let mut random = [0; NONCE_RANDOM_BYTES];
        self.rng.fill(&mut random);
        let Some(key) = self.authority.scram_key() else { return Err(LoginRefused::Wrong) };
        let (verifier, revision) = self.authority.access.scram_of(&user);
        let (scram, challenge) = ScramLogin::begin(&first, verifier, key, &random);
        Ok((ChallengeLogin { user, revision, scram }, challenge))
    }

    /// Ends a login with the client's last message; answers who it is, and the signature that shows the client whom it talks
    /// to.
    ///
    /// # Errors
    /// The proof is wrong, there is no such user or nothing to check it with, the user changed meanwhile, or too many other
    /// logins have failed since the first message.
    pub fn finish_challenge(
        &mut self,
        login: ChallengeLogin,
        message: &[u8],
        peer: Option<IpAddr>,
    ) -> Result<(Arc<str>, String), LoginRefused> {
        let ChallengeLogin { user, revision, scram } = login;
        // Many may have got a challenge before the first of them failed.
        self.admit_challenge(&user, peer)?;
        let answer = scram.finish(message);
        let is_current = self.authority.access.user_revision(&user) == Some(revision);
        match answer {
            Ok(signature) if is_current => {
                self.note_login_success(&user, peer);
                Ok((user, signature))
            }
            _ => {
                self.note_login_failure(&user, peer);
                Err(LoginRefused::Wrong)
            }
        }
    }

    fn admit_challenge(&mut self, user: &Arc<str>, peer: Option<IpAddr>) -> Result<(), LoginRefused> {
        match self.admit_login(user, peer) {
            Admission::Admitted => Ok(()),
            Admission::Wait { .. } => Err(LoginRefused::Wrong),
        }
    }
}
