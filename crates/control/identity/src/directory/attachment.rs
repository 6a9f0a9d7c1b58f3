//! Managed policies of users, groups and roles: Attach, Detach and ListAttached of each.

use super::Directory;
use super::changes::Changed;
use super::fault::{EntityKind, Fault};
use super::names::check_path_prefix;
use super::page::{Listed, Page};
use super::quota::ATTACHED_PER_ENTITY;

/// An attached policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attached<'a> {
    /// Its name.
    pub name: &'a str,
    /// Its ARN.
    pub arn: &'a str,
}

impl Directory {
    /// AttachUserPolicy, AttachGroupPolicy, AttachRolePolicy. What is attached stays attached.
    ///
    /// # Errors
    /// [`Fault`]: there is no such entity or policy, or it has ten.
    pub fn attach_policy(&self, kind: EntityKind, name: &str, arn: &str) -> Result<Changed<()>, Fault> {
        let grants = self.grants(kind, name)?;
        self.find_policy(arn)?;
        if grants.attached.contains(arn) {
            return Ok(Changed::none(()));
        }
        if grants.attached.len() >= ATTACHED_PER_ENTITY {
            let quota = match kind {
                EntityKind::User => "PoliciesPerUser",
                EntityKind::Group => "PoliciesPerGroup",
                EntityKind::Role => "PoliciesPerRole",
            };
            return Err(Fault::Quota { quota, max: ATTACHED_PER_ENTITY });
        }
        self.change_grants(kind, name, |grants| {
            grants.attached.insert(arn.to_owned());
            Ok(())
        })
    }

    /// DetachUserPolicy, DetachGroupPolicy, DetachRolePolicy.
    ///
    /// # Errors
    /// There is no such entity, or it has no such policy.
    pub fn detach_policy(&self, kind: EntityKind, name: &str, arn: &str) -> Result<Changed<()>, Fault> {
        self.change_grants(kind, name, |grants| {
            if grants.attached.remove(arn) { Ok(()) } else { Err(Fault::NotAttached(arn.to_owned())) }
        })
    }

    /// ListAttachedUserPolicies, ListAttachedGroupPolicies, ListAttachedRolePolicies, by ARN.
    ///
    /// # Errors
    /// There is no such entity, or the prefix or the page is malformed.
    pub fn list_attached_policies(
        &self,
        kind: EntityKind,
        name: &str,
        path_prefix: Option<&str>,
        page: &Page<'_>,
    ) -> Result<Listed<Attached<'_>>, Fault> {
        let prefix = check_path_prefix(path_prefix)?;
        let attached = self.grants(kind, name)?.attached.iter();
        let policies = attached.filter_map(|arn| Some((arn, self.find_policy(arn).ok()?)));
        let wanted = policies.filter(|(_, policy)| policy.path.starts_with(prefix));
        page.of(wanted.map(|(arn, policy)| (arn, Attached { name: &policy.name, arn })))
    }
}
