//! Managed policies and their versions.

use std::collections::BTreeMap;

use super::changes::{Change, Changed};
use super::fault::Fault;
use super::names::{POLICY_NAME, check_description, check_path_prefix, check_policy_path};
use super::page::{Listed, Page};
use super::quota::{POLICIES, VERSIONS_PER_POLICY};
use super::record::{Document, ManagedPolicy, Tag, Tags, Version};
use super::{Directory, Entropy, builtin, layout, tags};
use crate::policy::MANAGED_MAX_CHARS;

/// What CreatePolicy asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewPolicy<'a> {
    /// Name, 1 to 128 letters.
    pub name: &'a str,
    /// Path; `/` if not said.
    pub path: Option<&'a str>,
    /// The policy.
    pub document: &'a str,
    /// Text for people, up to 1,000 letters.
    pub description: Option<&'a str>,
    /// Tags, at most 50.
    pub tags: &'a [Tag],
}

/// What CreatePolicyVersion asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewVersion<'a> {
    /// ARN of the policy.
    pub arn: &'a str,
    /// The policy.
    pub document: &'a str,
    /// Whether it is the one that counts from now on.
    pub is_default: bool,
}

/// What ListPolicies asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct ManagedFilter<'a> {
    /// Whose policies.
    pub scope: PolicyScope,
    /// Only those that somebody has.
    pub is_attached: bool,
    /// Only those that are used so.
    pub usage: Option<PolicyUsage>,
    /// What their paths begin with.
    pub path_prefix: Option<&'a str>,
}

/// What a policy is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyUsage {
    /// It is attached to a user, a group or a role.
    Permissions,
    /// It bounds a user or a role.
    Boundary,
}

/// Whose policies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PolicyScope {
    /// All.
    #[default]
    All,
    /// Those that every account has.
    Aws,
    /// Those of the account.
    Local,
}

/// A managed policy as others see it.
#[derive(Clone, Debug, PartialEq)]
pub struct PolicyView<'a> {
    /// Its ARN.
    pub arn: String,
    /// The policy.
    pub policy: std::borrow::Cow<'a, ManagedPolicy>,
    /// How many users, groups and roles have it.
    pub attachment_count: usize,
    /// Of how many users and roles it is the boundary.
    pub boundary_count: usize,
}

/// A version as others see it.
#[derive(Clone, Debug, PartialEq)]
pub struct VersionView {
    /// `v1`, `v2`, ...
    pub id: String,
    /// Whether it counts.
    pub is_default: bool,
    /// The version.
    pub version: Version,
}

impl PolicyView<'_> {
    /// `v1`, `v2`, ...: the version that counts.
    #[must_use]
    pub fn default_version_id(&self) -> String {
        format!("v{}", self.policy.default_version)
    }
}

impl Directory {
    /// CreatePolicy.
    ///
    /// # Errors
    /// [`Fault`]: the name is taken or malformed, the document is no policy, too many policies or tags.
    pub fn create_policy(
        &self,
        new: &NewPolicy<'_>,
        now_s: i64,
        entropy: &Entropy,
    ) -> Result<Changed<PolicyView<'static>>, Fault> {
        POLICY_NAME.check(new.name)?;
        let path = new.path.unwrap_or("/");
        check_policy_path(path)?;
        let document = Document::parse(new.document, MANAGED_MAX_CHARS)?;
        if self.policies.is_taken(new.name) {
            return Err(Fault::PolicyExists(new.name.to_owned()));
        }
        if self.policies.len() >= POLICIES {
            return Err(Fault::Quota { quota: "PoliciesPerAccount", max: POLICIES });
        }
        let policy = ManagedPolicy {
            id: self.fresh_id("ANPA", entropy)?,
            name: new.name.to_owned(),
            path: path.to_owned(),
            created_s: now_s,
            updated_s: now_s,
            description: check_description(new.description)?,
            tags: tags::add(&Tags::new(), new.tags)?,
            versions: BTreeMap::from([(1, Version { document, created_s: now_s })]),
            default_version: 1,
            last_version: 1,
        };
        let change = layout::put_policy(&policy);
        let view = PolicyView {
            arn: self.policy_arn(&policy),
            policy: std::borrow::Cow::Owned(policy),
            attachment_count: 0,
            boundary_count: 0,
        };
        Ok(Changed::one(view, change))
    }

    /// GetPolicy.
    ///
    /// # Errors
    /// There is no such policy.
    pub fn get_policy(&self, arn: &str) -> Result<PolicyView<'_>, Fault> {
        Ok(self.view(arn.to_owned(), self.find_policy(arn)?))
    }

    /// ListPolicies: the account's by name, then AWS's.
    ///
    /// # Errors
    /// The prefix or the page is malformed.
    pub fn list_policies(
        &self,
        filter: &ManagedFilter<'_>,
        page: &Page<'_>,
    ) -> Result<Listed<PolicyView<'_>>, Fault> {
        let prefix = check_path_prefix(filter.path_prefix)?;
        let local = self.policies.iter().map(|(_, policy)| (self.policy_arn(policy), policy));
        let local = local.filter(|_| filter.scope != PolicyScope::Aws);
        let aws = self.builtin.iter().map(|(_, policy)| (builtin::arn(policy), policy));
        let aws = aws.filter(|_| filter.scope != PolicyScope::Local);
        let is_used = |arn: &str| match filter.usage {
            None => true,
            Some(PolicyUsage::Permissions) => self.attachment_count(arn) > 0,
            Some(PolicyUsage::Boundary) => self.boundary_count(arn) > 0,
        };
        let is_wanted = |arn: &str, policy: &ManagedPolicy| {
            policy.path.starts_with(prefix)
                && is_used(arn)
                && (!filter.is_attached || self.attachment_count(arn) > 0)
        };
        let mut wanted: Vec<_> = local.chain(aws).filter(|(arn, policy)| is_wanted(arn, policy)).collect();
        wanted.sort_by(|(one, _), (other, _)| one.cmp(other));
        let listed = page.of(wanted.iter().map(|(arn, policy)| (arn, (arn, *policy))))?;
        Ok(listed.map(|(arn, policy)| self.view(arn.clone(), policy)))
    }

    /// DeletePolicy.
    ///
    /// # Errors
    /// [`Fault`]: there is no such policy, somebody has it, or it has other versions.
    pub fn delete_policy(&self, arn: &str) -> Result<Changed<()>, Fault> {
        let policy = self.own_policy(arn)?;
        if self.attachment_count(arn) > 0 || self.boundary_count(arn) > 0 {
            return Err(Fault::Conflict("Cannot delete a policy attached to entities."));
        }
        if policy.versions.len() > 1 {
            return Err(Fault::Conflict(
                "This policy has more than one version. Before you delete a policy, you must delete the policy's \
                 versions. The default version is deleted with the policy.",
            ));
        }
        Ok(Changed::one((), Change::Delete { key: layout::policy_key(&policy.id) }))
    }

    /// CreatePolicyVersion.
    ///
    /// # Errors
    /// [`Fault`]: there is no such policy, the document is none, or there are five versions.
    pub fn create_policy_version(
        &self,
        new: &NewVersion<'_>,
        now_s: i64,
    ) -> Result<Changed<VersionView>, Fault> {
        let mut policy = self.own_policy(new.arn)?.clone();
        let document = Document::parse(new.document, MANAGED_MAX_CHARS)?;
        if policy.versions.len() >= VERSIONS_PER_POLICY {
            return Err(Fault::Versions);
        }
        policy.last_version = policy.last_version.saturating_add(1);
        policy.updated_s = now_s;
        if new.is_default {
            policy.default_version = policy.last_version;
        }
        let version = Version { document, created_s: now_s };
        policy.versions.insert(policy.last_version, version.clone());
        let view =
            VersionView { id: format!("v{}", policy.last_version), is_default: new.is_default, version };
        Ok(Changed::one(view, layout::put_policy(&policy)))
    }

    /// GetPolicyVersion.
    ///
    /// # Errors
    /// There is no such policy, or it has no such version.
    pub fn get_policy_version(&self, arn: &str, version_id: &str) -> Result<VersionView, Fault> {
        let policy = self.find_policy(arn)?;
        let (number, version) = version(policy, arn, version_id)?;
        Ok(version_view(policy, number, version))
    }

    /// ListPolicyVersions, the newest first.
    ///
    /// # Errors
    /// There is no such policy, or the page is malformed.
    pub fn list_policy_versions(&self, arn: &str, page: &Page<'_>) -> Result<Listed<VersionView>, Fault> {
        let policy = self.find_policy(arn)?;
        // Keys of a page ascend, so they count down from the highest number.
        let versions = policy.versions.iter().rev();
        page.of(versions.map(|(number, version)| {
            (format!("{:010}", u32::MAX - number), version_view(policy, *number, version))
        }))
    }

    /// SetDefaultPolicyVersion.
    ///
    /// # Errors
    /// There is no such policy, or it has no such version.
    pub fn set_default_policy_version(
        &self,
        arn: &str,
        version_id: &str,
        now_s: i64,
    ) -> Result<Changed<()>, Fault> {
        let mut policy = self.own_policy(arn)?.clone();
        policy.default_version = version(&policy, arn, version_id)?.0;
        policy.updated_s = now_s;
        Ok(Changed::one((), layout::put_policy(&policy)))
    }

    /// DeletePolicyVersion.
    ///
    /// # Errors
    /// [`Fault`]: there is no such policy or version, or it is the one that counts.
    pub fn delete_policy_version(&self, arn: &str, version_id: &str) -> Result<Changed<()>, Fault> {
        let mut policy = self.own_policy(arn)?.clone();
        let (number, _) = version(&policy, arn, version_id)?;
        if number == policy.default_version {
            return Err(Fault::Conflict("Cannot delete the default version of a policy."));
        }
        policy.versions.remove(&number);
        Ok(Changed::one((), layout::put_policy(&policy)))
    }

    /// A policy of the account or of AWS.
    pub(super) fn find_policy(&self, arn: &str) -> Result<&ManagedPolicy, Fault> {
        let (_, name) = arn.rsplit_once('/').ok_or_else(|| Fault::NoPolicy(arn.to_owned()))?;
        let own = self.policies.find(name).filter(|policy| self.policy_arn(policy) == arn);
        let builtin = || self.builtin.find(name).filter(|policy| builtin::arn(policy) == arn);
        own.or_else(builtin).ok_or_else(|| Fault::NoPolicy(arn.to_owned()))
    }

    /// A policy that can be changed.
    fn own_policy(&self, arn: &str) -> Result<&ManagedPolicy, Fault> {
        let policy = self.find_policy(arn)?;
        if self.policies.get(&policy.id).is_none() {
            return Err(Fault::Input("A policy that AWS manages cannot be changed."));
        }
        Ok(policy)
    }

    fn view<'a>(&self, arn: String, policy: &'a ManagedPolicy) -> PolicyView<'a> {
        let (attachment_count, boundary_count) = (self.attachment_count(&arn), self.boundary_count(&arn));
        PolicyView { arn, policy: std::borrow::Cow::Borrowed(policy), attachment_count, boundary_count }
    }

    fn attachment_count(&self, arn: &str) -> usize {
        self.attachments.get(arn).copied().unwrap_or_default()
    }

    fn boundary_count(&self, arn: &str) -> usize {
        self.boundaries.get(arn).copied().unwrap_or_default()
    }
}

/// A version by its id.
fn version<'a>(policy: &'a ManagedPolicy, arn: &str, id: &str) -> Result<(u32, &'a Version), Fault> {
    let number = id.strip_prefix('v').filter(|digits| !digits.starts_with(['0', '+']));
    let number = number.and_then(|digits| digits.parse::<u32>().ok());
    let found = number.and_then(|number| Some((number, policy.versions.get(&number)?)));
    found.ok_or_else(|| Fault::NoVersion { arn: arn.to_owned(), version: id.to_owned() })
}

fn version_view(policy: &ManagedPolicy, number: u32, version: &Version) -> VersionView {
    let is_default = number == policy.default_version;
    VersionView { id: format!("v{number}"), is_default, version: version.clone() }
}

impl ManagedPolicy {
    /// The version that counts.
    #[must_use]
    pub fn document(&self) -> Option<&Document> {
        self.versions.get(&self.default_version).map(|version| &version.document)
    }
}
