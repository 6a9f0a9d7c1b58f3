//! What a principal may do.

use super::Directory;
use super::principal::{Principal, PrincipalKind};
use super::record::{Document, Grants, Session, User};
use crate::policy::{Ask, Decision, Policies, Policy, evaluate};

/// What everybody may ask who has a key: whose it is.
const ALWAYS: &str = "sts:GetCallerIdentity";
/// All that a user's temporary key may ask of STS and IAM, as it comes without a second factor.
const OF_USER_SESSION: [&str; 2] = ["sts:AssumeRole", ALWAYS];

impl Directory {
    /// Decides, by the policies that count now: the principal's own, those of its groups, its boundary, and those of its
    /// session. Whoever is gone may nothing.
    #[must_use]
    pub fn decide(&self, principal: &Principal, ask: &Ask<'_>) -> Decision {
        if ask.action.eq_ignore_ascii_case(ALWAYS) {
            return Decision::Allowed;
        }
        let (identity, boundary, session): (Vec<&Policy>, _, _) = match &principal.kind {
            PrincipalKind::User { id } | PrincipalKind::UserSession { id, .. } => {
                if principal.session_key_id().is_some() && is_closed_to_user_sessions(ask.action) {
                    return Decision::DeniedImplicitly;
                }
                let Some(user) = self.users.get(id) else { return Decision::DeniedImplicitly };
                (self.identity_policies(user), user.boundary.as_deref(), None)
            }
            PrincipalKind::RoleSession { role_id, key_id } => {
                let role = self.roles.get(role_id);
                let Some((role, session)) = role.zip(self.sessions.get(key_id)) else {
                    return Decision::DeniedImplicitly;
                };
                let policies = self.policies_of(&role.grants).collect();
                (policies, role.boundary.as_deref(), self.session_policies(session))
            }
        };
        let boundary = match boundary {
            None => None,
            Some(arn) => match self.managed(arn) {
                Some(policy) => Some(policy),
                // A boundary that cannot be found bounds everything.
                None => return Decision::DeniedImplicitly,
            },
        };
        evaluate(&Policies { identity: &identity, boundary, session: session.as_deref() }, ask)
    }

    /// Whether a boundary or a policy of its session takes from what the principal is granted.
    pub(super) fn is_bounded(&self, principal: &Principal) -> bool {
        match &principal.kind {
            PrincipalKind::User { id } | PrincipalKind::UserSession { id, .. } => {
                self.users.get(id).is_none_or(|user| user.boundary.is_some())
            }
            PrincipalKind::RoleSession { role_id, key_id } => {
                let session = self.sessions.get(key_id);
                self.roles.get(role_id).is_none_or(|role| role.boundary.is_some())
                    || session.is_none_or(|session| self.session_policies(session).is_some())
            }
        }
    }

    /// A user's own policies and those of its groups.
    pub(super) fn identity_policies<'a>(&'a self, user: &'a User) -> Vec<&'a Policy> {
        let groups = user.groups.iter().filter_map(|id| self.groups.get(id));
        let grants = std::iter::once(&user.grants).chain(groups.map(|group| &group.grants));
        grants.flat_map(|grants| self.policies_of(grants)).collect()
    }

    fn policies_of<'a>(&'a self, grants: &'a Grants) -> impl Iterator<Item = &'a Policy> {
        let inline = grants.inline.values().map(Document::policy);
        inline.chain(grants.attached.iter().filter_map(|arn| self.managed(arn)))
    }

    /// Policies that came with AssumeRole; `None` when none did.
    fn session_policies<'a>(&'a self, session: &'a Session) -> Option<Vec<&'a Policy>> {
        if session.policy.is_none() && session.policy_arns.is_empty() {
            return None;
        }
        let managed = session.policy_arns.iter().filter_map(|arn| self.managed(arn));
        Some(session.policy.iter().map(Document::policy).chain(managed).collect())
    }

    pub(super) fn managed(&self, arn: &str) -> Option<&Policy> {
        self.find_policy(arn).ok()?.document().map(Document::policy)
    }
}

fn is_closed_to_user_sessions(action: &str) -> bool {
    let vendor = action.split(':').next().unwrap_or_default();
    let is_guarded = ["iam", "sts"].iter().any(|guarded| vendor.eq_ignore_ascii_case(guarded));
    is_guarded && !OF_USER_SESSION.iter().any(|open| action.eq_ignore_ascii_case(open))
}
