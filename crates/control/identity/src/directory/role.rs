//! Roles.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::changes::{Change, Changed};
use super::fault::{EntityKind, Fault};
use super::names::{ROLE_NAME, check_description, check_document, check_path, check_path_prefix};
use super::page::{Listed, Page};
use super::quota::ROLES;
use super::record::{Grants, Role, Tag, Tags};
use super::{Directory, Entropy, layout, tags};
use crate::policy::{PolicyFault, Reason, TRUST_MAX_CHARS, TrustPolicy};

/// Shortest longest session, in seconds; also what it is if nobody says.
const MIN_MAX_SESSION_S: u32 = 3_600;
/// Longest longest session, in seconds.
const MAX_MAX_SESSION_S: u32 = 43_200;

/// A trust policy's text and what it means.
#[derive(Clone, PartialEq)]
pub struct TrustDocument {
    text: Arc<str>,
    policy: Arc<TrustPolicy>,
    named: BTreeMap<String, String>,
}

impl TrustDocument {
    /// The same for a text that was taken before.
    pub(super) fn kept(text: &str, named: BTreeMap<String, String>) -> Result<Self, PolicyFault> {
        let policy = Arc::new(TrustPolicy::parse(text, TRUST_MAX_CHARS)?);
        Ok(Self { policy, text: text.into(), named })
    }

    /// Ids of the users and roles that it names, and the ARNs by which it does. A user that is renamed stays trusted, and
    /// another one that gets its name later is not.
    pub(super) fn named(&self) -> &BTreeMap<String, String> {
        &self.named
    }

    /// The text, as it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it means.
    #[must_use]
    pub fn policy(&self) -> &TrustPolicy {
        &self.policy
    }
}

impl fmt::Debug for TrustDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrustDocument({} bytes)", self.text.len())
    }
}

/// What CreateRole asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewRole<'a> {
    /// Name, 1 to 64 letters.
    pub name: &'a str,
    /// Path; `/` if not said.
    pub path: Option<&'a str>,
    /// Who may take it on.
    pub trust: &'a str,
    /// Text for people.
    pub description: Option<&'a str>,
    /// Longest session in seconds, 3,600 to 43,200; an hour if not said.
    pub max_session_s: Option<u32>,
    /// Tags, at most 50.
    pub tags: &'a [Tag],
    /// ARN of the policy that bounds it.
    pub boundary: Option<&'a str>,
}

impl Directory {
    /// CreateRole.
    ///
    /// # Errors
    /// [`Fault`]: the name is taken or malformed, the document is no trust policy, the boundary is none, too many roles or
    /// tags.
    pub fn create_role(
        &self,
        new: &NewRole<'_>,
        now_s: i64,
        entropy: &Entropy,
    ) -> Result<Changed<Role>, Fault> {
        ROLE_NAME.check(new.name)?;
        let path = new.path.unwrap_or("/");
        check_path(path)?;
        let max_session_s = new.max_session_s.unwrap_or(MIN_MAX_SESSION_S);
        if !(MIN_MAX_SESSION_S..=MAX_MAX_SESSION_S).contains(&max_session_s) {
            let rule = format!("Member must have value between {MIN_MAX_SESSION_S} and {MAX_MAX_SESSION_S}");
            return Err(Fault::Validation {
                field: "maxSessionDuration",
                value: max_session_s.to_string(),
                rule,
            });
        }
        let description = check_description(new.description)?;
        let trust = self.trust(new.trust)?;
        let tags = tags::add(&Tags::new(), new.tags)?;
        self.check_boundary(new.boundary)?;
        if self.roles.is_taken(new.name) {
            return Err(Fault::Exists { kind: EntityKind::Role, name: new.name.to_owned() });
        }
        if self.roles.len() >= ROLES {
            return Err(Fault::Quota { quota: "RolesPerAccount", max: ROLES });
        }
        let role = Role {
            id: self.fresh_id("AROA", entropy)?,
            name: new.name.to_owned(),
            path: path.to_owned(),
            created_s: now_s,
            description,
            max_session_s,
            trust,
            tags,
            boundary: new.boundary.map(str::to_owned),
            grants: Grants::default(),
        };
        let change = layout::put_role(&role);
        Ok(Changed::one(role, change))
    }

    /// Reads a trust policy. Users and roles of this account that it names have to be there.
    fn trust(&self, text: &str) -> Result<TrustDocument, Fault> {
        check_document(text)?;
        let trust = TrustDocument::kept(text, BTreeMap::new())?;
        let own = format!("arn:aws:iam::{}:", self.account);
        let mut named = BTreeMap::new();
        for arn in trust.policy.arns() {
            let Some(resource) = arn.strip_prefix(&own) else { continue };
            let name = resource.rsplit('/').next().unwrap_or_default();
            let user = self.users.find(name).filter(|user| self.user_arn(user) == arn);
            let role = self.roles.find(name).filter(|role| self.role_arn(role) == arn);
            let id = user.map(|user| &user.id).or(role.map(|role| &role.id));
            let id = id.ok_or_else(|| PolicyFault::from(Reason::InvalidPrincipal(arn.to_owned())))?;
            named.insert(id.clone(), arn.to_owned());
        }
        Ok(TrustDocument { named, ..trust })
    }

    /// GetRole.
    ///
    /// # Errors
    /// There is no role of this name.
    pub fn get_role(&self, name: &str) -> Result<&Role, Fault> {
        let missing = || Fault::NoEntity { kind: EntityKind::Role, name: name.to_owned() };
        self.roles.find(name).ok_or_else(missing)
    }

    /// ListRoles, by name.
    ///
    /// # Errors
    /// The prefix or the page is malformed.
    pub fn list_roles(&self, path_prefix: Option<&str>, page: &Page<'_>) -> Result<Listed<&Role>, Fault> {
        let prefix = check_path_prefix(path_prefix)?;
        page.of(self.roles.iter().filter(|(_, role)| role.path.starts_with(prefix)))
    }

    /// DeleteRole. Its sessions end with it.
    ///
    /// # Errors
    /// [`Fault`]: there is no such role, or it still has policies.
    pub fn delete_role(&self, name: &str) -> Result<Changed<()>, Fault> {
        let role = self.get_role(name)?;
        role.grants.check_empty()?;
        let mut changes = vec![Change::Delete { key: layout::role_key(&role.id) }];
        changes.extend(self.end_sessions(&role.id));
        Ok(Changed { answer: (), changes })
    }

    /// UpdateAssumeRolePolicy. Sessions that run go on.
    ///
    /// # Errors
    /// There is no such role, or the document is no trust policy.
    pub fn update_assume_role_policy(&self, name: &str, document: &str) -> Result<Changed<()>, Fault> {
        let role = self.get_role(name)?;
        let role = Role { trust: self.trust(document)?, ..role.clone() };
        Ok(Changed::one((), layout::put_role(&role)))
    }
}
