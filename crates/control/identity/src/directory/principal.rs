//! Whose a key is.

use super::Directory;
use super::record::{KeyStatus, Role, SessionOwner, Tags, User};
use crate::civil::iso;
use crate::policy::Context;
use crate::sigv4::{KnownKey, Moment, Session as KeySession};

/// Who calls, once the signature is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// What it is.
    pub kind: PrincipalKind,
    /// Id of the account.
    pub account: String,
    /// ARN, as GetCallerIdentity and CloudTrail have it; of a session of a role that under `sts`.
    pub arn: String,
    /// Unique id, as GetCallerIdentity has it: `AIDA...`, `AROA...:session`.
    pub user_id: String,
}

/// What a principal is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrincipalKind {
    /// A user, by its own key.
    User {
        /// Its id.
        id: String,
    },
    /// A user, by a temporary key.
    UserSession {
        /// Its id.
        id: String,
        /// The temporary key.
        key_id: String,
    },
    /// A session of a role.
    RoleSession {
        /// Id of the role.
        role_id: String,
        /// The temporary key.
        key_id: String,
    },
}

/// A key that may be used, and whose it is if the signature holds.
#[derive(Clone)]
pub struct Found<'a> {
    /// What to verify the signature with.
    pub key: KnownKey<'a>,
    /// Whose it is then.
    pub principal: Principal,
}

impl Directory {
    /// Finds a key. `None` when it does not exist, is not active, or belongs to who is gone; an expired one is found, and
    /// refused by its signature's verification.
    #[must_use]
    pub fn find_key(&self, key_id: &str) -> Option<Found<'_>> {
        if let Some(key) = self.keys.get(key_id) {
            let user = self.users.get(&key.user_id)?;
            if key.status != KeyStatus::Active {
                return None;
            }
            let kind = PrincipalKind::User { id: user.id.clone() };
            let known = KnownKey { secret: &key.secret, session: None };
            return Some(Found { key: known, principal: self.user_principal(user, kind) });
        }
        let session = self.sessions.get(key_id)?;
        let key_session = KeySession { token: &session.token, expires_at_s: session.expires_s };
        let key = KnownKey { secret: &session.secret, session: Some(key_session) };
        let principal = match &session.owner {
            SessionOwner::User { user_id } => {
                let user = self.users.get(user_id)?;
                let kind = PrincipalKind::UserSession { id: user.id.clone(), key_id: key_id.to_owned() };
                self.user_principal(user, kind)
            }
            SessionOwner::Role { role_id, name, .. } => {
                let role = self.roles.get(role_id)?;
                let kind = PrincipalKind::RoleSession { role_id: role_id.clone(), key_id: key_id.to_owned() };
                self.role_principal(role, kind, name)
            }
        };
        Some(Found { key, principal })
    }

    /// Sets the keys that every service knows of a caller: `aws:PrincipalArn`, `aws:PrincipalTag/...`, `aws:userid`,
    /// `aws:username`, `aws:TokenIssueTime` and their kin.
    pub fn describe(&self, principal: &Principal, context: &mut Context) {
        let mut set = |key: &str, value: &str| context.set(key, vec![value.to_owned()]);
        set("aws:PrincipalAccount", &principal.account);
        set("aws:userid", &principal.user_id);
        let (tags, key_id) = match &principal.kind {
            PrincipalKind::User { id } | PrincipalKind::UserSession { id, .. } => {
                set("aws:PrincipalArn", &principal.arn);
                set("aws:PrincipalType", "User");
                let user = self.users.get(id);
                if let Some(user) = user {
                    set("aws:username", &user.name);
                }
                (user.map(|user| user.tags.clone()), principal.session_key_id())
            }
            PrincipalKind::RoleSession { role_id, key_id } => {
                set("aws:PrincipalType", "AssumedRole");
                let role = self.roles.get(role_id);
                if let Some(role) = role {
                    set("aws:PrincipalArn", &self.role_arn(role));
                }
                let mut tags: Tags = role.map(|role| role.tags.clone()).unwrap_or_default();
                // A session's tag takes the place of the role's.
                if let Some(SessionOwner::Role { tags: own, .. }) =
                    self.sessions.get(key_id).map(|session| &session.owner)
                {
                    tags.extend(own.clone());
                }
                (Some(tags), Some(key_id.as_str()))
            }
        };
        for tag in tags.unwrap_or_default().values() {
            set(&format!("aws:PrincipalTag/{}", tag.key), &tag.value);
        }
        if let Some(session) = key_id.and_then(|key_id| self.sessions.get(key_id)) {
            set("aws:TokenIssueTime", &iso(session.issued_s));
        }
    }

    pub(super) fn user_principal(&self, user: &User, kind: PrincipalKind) -> Principal {
        Principal { kind, account: self.account.clone(), arn: self.user_arn(user), user_id: user.id.clone() }
    }

    /// Of a session of a role.
    pub(super) fn role_principal(&self, role: &Role, kind: PrincipalKind, session_name: &str) -> Principal {
        Principal {
            kind,
            account: self.account.clone(),
            arn: format!("arn:aws:sts::{}:assumed-role/{}/{session_name}", self.account, role.name),
            user_id: format!("{}:{session_name}", role.id),
        }
    }
}

impl Principal {
    /// The temporary key it calls with.
    #[must_use]
    pub fn session_key_id(&self) -> Option<&str> {
        match &self.kind {
            PrincipalKind::User { .. } => None,
            PrincipalKind::UserSession { key_id, .. } | PrincipalKind::RoleSession { key_id, .. } => {
                Some(key_id)
            }
        }
    }
}

impl Found<'_> {
    /// When a temporary key stops to work.
    #[must_use]
    pub fn expires(&self) -> Option<Moment> {
        self.key.session.map(|session| Moment::from_unix_s(session.expires_at_s))
    }
}
