//! Temporary keys: what is made of them, and GetSessionToken.

use super::access_key::letters;
use super::changes::{Change, Changed};
use super::fault::Fault;
use super::principal::{Principal, PrincipalKind};
use super::record::{Document, Session, SessionOwner};
use super::{Directory, Entropy, layout};
use ternmq_stdx::Secret;

/// Most temporary keys of an account that are not expired.
pub const MAX_SESSIONS: usize = 10_000;
/// Most temporary keys of one user or role, so that none of them takes all the room.
pub const MAX_SESSIONS_PER_OWNER: usize = 1_000;
/// So many expired sessions are cleared away with each new one.
const CLEARED_AT_ONCE: usize = 64;
/// Bytes of randomness in a token.
const TOKEN_RANDOM_BYTES: usize = 48;
/// Shortest session, in seconds.
pub(super) const MIN_SESSION_S: u32 = 900;
/// Longest and usual session of a user, in seconds.
const MAX_USER_SESSION_S: u32 = 129_600;
const USER_SESSION_S: u32 = 43_200;

/// Temporary credentials that were just made.
#[derive(Clone)]
pub struct SessionCredentials {
    /// `ASIA...`.
    pub access_key_id: String,
    /// The secret.
    pub secret: Secret,
    /// What goes along with each request.
    pub session_token: Secret,
    /// When they expire, in seconds since 1970.
    pub expires_s: i64,
    /// Whose they are.
    pub principal: Principal,
}

impl std::fmt::Debug for SessionCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = f.debug_struct("SessionCredentials");
        text.field("access_key_id", &self.access_key_id).field("principal", &self.principal);
        text.finish_non_exhaustive()
    }
}

/// What a new session is of.
pub(super) struct NewSession {
    pub owner: SessionOwner,
    pub policy: Option<Document>,
    pub policy_arns: std::collections::BTreeSet<String>,
    pub duration_s: u32,
}

impl Directory {
    /// GetSessionToken: a temporary key of the caller, 900 to 129,600 seconds, twelve hours if not said.
    ///
    /// # Errors
    /// [`Fault`]: the caller is itself a session, the duration is out of bounds, too many sessions.
    pub fn get_session_token(
        &self,
        caller: &Principal,
        duration_s: Option<u32>,
        now_s: i64,
        entropy: &Entropy,
    ) -> Result<Changed<SessionCredentials>, Fault> {
        let PrincipalKind::User { id } = &caller.kind else { return Err(Fault::SessionOfSession) };
        let duration_s = duration_s.unwrap_or(USER_SESSION_S);
        check_duration(duration_s, MAX_USER_SESSION_S)?;
        let new = NewSession {
            owner: SessionOwner::User { user_id: id.clone() },
            policy: None,
            policy_arns: std::collections::BTreeSet::new(),
            duration_s,
        };
        self.open_session(new, now_s, entropy, |key_id| Principal {
            kind: PrincipalKind::UserSession { id: id.clone(), key_id },
            ..caller.clone()
        })
    }

    /// Makes a session, and clears away some that are over.
    pub(super) fn open_session(
        &self,
        new: NewSession,
        now_s: i64,
        entropy: &Entropy,
        principal: impl FnOnce(String) -> Principal,
    ) -> Result<Changed<SessionCredentials>, Fault> {
        let over = self.endings.iter().take_while(|(expires_s, _)| *expires_s <= now_s);
        if self.sessions.len() - over.clone().count() >= MAX_SESSIONS {
            return Err(Fault::Quota { quota: "SessionsPerAccount", max: MAX_SESSIONS });
        }
        let (owner_id, max) = (new.owner.id(), MAX_SESSIONS_PER_OWNER);
        let count = self.session_counts.get(owner_id).copied().unwrap_or_default();
        let sessions_over = over.clone().filter_map(|(_, key_id)| self.sessions.get(key_id));
        if count >= max + sessions_over.filter(|session| session.owner.id() == owner_id).count() {
            return Err(Fault::Quota { quota: "SessionsPerPrincipal", max });
        }
        let (key_id, secret, rest) = self.fresh_key("ASIA", entropy)?;
        let (token_random, _) = rest.split_at_checked(TOKEN_RANDOM_BYTES).unwrap_or((rest, &[]));
        let session = Session {
            key_id,
            secret,
            token: letters(token_random),
            owner: new.owner,
            policy: new.policy,
            policy_arns: new.policy_arns,
            issued_s: now_s,
            expires_s: now_s.saturating_add(i64::from(new.duration_s)),
        };
        let mut changes = vec![layout::put_session(&session)];
        let over = over.take(CLEARED_AT_ONCE);
        changes.extend(over.map(|(_, key_id)| Change::Delete { key: layout::session_key(key_id) }));
        let answer = SessionCredentials {
            principal: principal(session.key_id.clone()),
            access_key_id: session.key_id,
            secret: session.secret,
            session_token: session.token,
            expires_s: session.expires_s,
        };
        Ok(Changed { answer, changes })
    }

    /// Ends all sessions of a user or a role that goes.
    pub(super) fn end_sessions(&self, owner_id: &str) -> impl Iterator<Item = Change> {
        let sessions = self.sessions.values().filter(move |session| session.owner.id() == owner_id);
        sessions.map(|session| Change::Delete { key: layout::session_key(&session.key_id) })
    }
}

/// A duration from 900 seconds on.
pub(super) fn check_duration(duration_s: u32, max_s: u32) -> Result<(), Fault> {
    if (MIN_SESSION_S..=max_s).contains(&duration_s) {
        return Ok(());
    }
    let rule = format!("Member must have value between {MIN_SESSION_S} and {max_s}");
    Err(Fault::Validation { field: "durationSeconds", value: duration_s.to_string(), rule })
}
