//! AssumeRole.

use std::collections::BTreeSet;

use super::changes::Changed;
use super::fault::Fault;
use super::names::{broken, check_length};
use super::principal::{Principal, PrincipalKind};
use super::quota::SESSION_POLICY_ARNS;
use super::record::{Document, Role, SessionOwner, Tag, Tags};
use super::session::{NewSession, SessionCredentials, check_duration};
use super::{Directory, Entropy, tags};
use crate::policy::{Ask, Caller, Context, Decision, SESSION_MAX_CHARS, Trust};

/// Usual session, in seconds; also the longest when a session of a role takes on a role.
const SESSION_S: u32 = 3_600;
/// Longest session that any role allows, in seconds.
const MAX_SESSION_S: u32 = 43_200;

/// What AssumeRole asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct AssumeRole<'a> {
    /// ARN of the role.
    pub role_arn: &'a str,
    /// Name of the session, 2 to 64 letters.
    pub session_name: &'a str,
    /// Seconds, 900 up to what the role allows; an hour if not said.
    pub duration_s: Option<u32>,
    /// A policy that takes from what the role may do.
    pub policy: Option<&'a str>,
    /// ARNs of policies that do the same, at most 10.
    pub policy_arns: &'a [&'a str],
    /// Tags of the session; the role's trust has to allow `sts:TagSession`.
    pub tags: &'a [Tag],
    /// What a stranger says to be known by.
    pub external_id: Option<&'a str>,
}

impl Directory {
    /// AssumeRole. `context` is what is known of the request; what the call itself says is added to it.
    ///
    /// # Errors
    /// [`Fault`]: a parameter is malformed, the session would be too long, the caller may not; the last also when there is
    /// no such role, so that nobody learns which there are.
    pub fn assume_role(
        &self,
        caller: &Principal,
        request: &AssumeRole<'_>,
        context: &Context,
        now_s: i64,
        entropy: &Entropy,
    ) -> Result<Changed<SessionCredentials>, Fault> {
        let duration_s = check_request(request)?;
        let tags = tags::add(&Tags::new(), request.tags)?;
        let policy = request.policy.map(|text| Document::parse(text, SESSION_MAX_CHARS)).transpose()?;
        let role = self.allowed_role(caller, request, context)?;
        if duration_s > role.max_session_s {
            return Err(Fault::Senseless(
                "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
            ));
        }
        if matches!(caller.kind, PrincipalKind::RoleSession { .. }) && duration_s > SESSION_S {
            return Err(Fault::Senseless(
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
            ));
        }
        let policy_arns: BTreeSet<String> = request.policy_arns.iter().map(|arn| (*arn).to_owned()).collect();
        for arn in &policy_arns {
            self.find_policy(arn)?;
        }
        let name = request.session_name;
        let owner = SessionOwner::Role { role_id: role.id.clone(), name: name.to_owned(), tags };
        let new = NewSession { owner, policy, policy_arns, duration_s };
        self.open_session(new, now_s, entropy, |key_id| {
            self.role_principal(role, PrincipalKind::RoleSession { role_id: role.id.clone(), key_id }, name)
        })
    }

    /// The role, if the caller may take it on.
    fn allowed_role(
        &self,
        caller: &Principal,
        request: &AssumeRole<'_>,
        context: &Context,
    ) -> Result<&Role, Fault> {
        let denied =
            |action| Fault::Denied { arn: caller.arn.clone(), action, resource: request.role_arn.to_owned() };
        let mut context = context.clone();
        context.set("sts:RoleSessionName", vec![request.session_name.to_owned()]);
        if let Some(external_id) = request.external_id {
            context.set("sts:ExternalId", vec![external_id.to_owned()]);
        }
        for tag in request.tags {
            context.set(&format!("aws:RequestTag/{}", tag.key), vec![tag.value.clone()]);
        }
        context.set("aws:TagKeys", request.tags.iter().map(|tag| tag.key.clone()).collect());
        let role = request.role_arn.rsplit_once('/').and_then(|(_, name)| self.roles.find(name));
        let role = role.filter(|role| self.role_arn(role) == request.role_arn);
        let role = role.ok_or_else(|| denied("sts:AssumeRole"))?;
        for tag in role.tags.values() {
            context.set(&format!("aws:ResourceTag/{}", tag.key), vec![tag.value.clone()]);
        }
        let is_tagged = !request.tags.is_empty();
        for action in ["sts:AssumeRole", "sts:TagSession"].into_iter().take(1 + usize::from(is_tagged)) {
            let ask = Ask { action, resource: request.role_arn, context: &context };
            if !self.may_assume(caller, role, &ask) {
                return Err(denied(action));
            }
        }
        Ok(role)
    }

    /// The role has to trust the caller. If it does so by name, that is a grant of its own; else the caller needs one too.
    /// A name counts for whoever had it when the trust was given.
    fn may_assume(&self, caller: &Principal, role: &Role, ask: &Ask<'_>) -> bool {
        let named = |id: &str| role.trust.named().get(id).map(String::as_str);
        let (arn, role_arn) = match &caller.kind {
            PrincipalKind::RoleSession { role_id, .. } => (caller.arn.as_str(), named(role_id)),
            PrincipalKind::User { id } | PrincipalKind::UserSession { id, .. } => {
                (named(id).unwrap_or_default(), None)
            }
        };
        let trusted = Caller::Principal { account: &caller.account, arn, role_arn };
        let own = self.decide(caller, ask);
        match role.trust.policy().evaluate(&trusted, ask) {
            Trust::ByName => {
                own == Decision::Allowed || (own == Decision::DeniedImplicitly && !self.is_bounded(caller))
            }
            Trust::ByAccount => own == Decision::Allowed,
            Trust::DeniedExplicitly | Trust::DeniedImplicitly => false,
        }
    }
}

/// The duration, once all parameters have the form they need.
fn check_request(request: &AssumeRole<'_>) -> Result<u32, Fault> {
    check_length("roleArn", request.role_arn, 20, 2_048)?;
    check_length("roleSessionName", request.session_name, 2, 64)?;
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    if !request.session_name.bytes().all(is_letter) {
        let rule = "Member must satisfy regular expression pattern: [\\w+=,.@-]*";
        return Err(broken("roleSessionName", request.session_name, rule));
    }
    if let Some(external_id) = request.external_id {
        check_length("externalId", external_id, 2, 1_224)?;
        if !external_id.bytes().all(|byte| is_letter(byte) || b":/".contains(&byte)) {
            let rule = "Member must satisfy regular expression pattern: [\\w+=,.@:\\/-]*";
            return Err(broken("externalId", external_id, rule));
        }
    }
    if request.policy_arns.len() > SESSION_POLICY_ARNS {
        return Err(Fault::Quota { quota: "SessionPolicyArns", max: SESSION_POLICY_ARNS });
    }
    let duration_s = request.duration_s.unwrap_or(SESSION_S);
    check_duration(duration_s, MAX_SESSION_S)?;
    Ok(duration_s)
}
