//! Policies that belong to one user, group or role: Put, Get, List and Delete of each.

use super::changes::{Change, Changed};
use super::fault::{EntityKind, Fault};
use super::names::POLICY_NAME;
use super::page::{Listed, Page};
use super::record::{Document, Grants, Group, Role, User};
use super::{Directory, layout};
use crate::policy::{GROUP_INLINE_MAX_CHARS, ROLE_INLINE_MAX_CHARS, USER_INLINE_MAX_CHARS, size_chars};

impl EntityKind {
    /// Most characters of all inline policies of one such entity.
    pub(super) fn inline_max_chars(self) -> usize {
        match self {
            Self::User => USER_INLINE_MAX_CHARS,
            Self::Group => GROUP_INLINE_MAX_CHARS,
            Self::Role => ROLE_INLINE_MAX_CHARS,
        }
    }
}

impl Directory {
    /// PutUserPolicy, PutGroupPolicy, PutRolePolicy: makes it, or another one of it.
    ///
    /// # Errors
    /// [`Fault`]: there is no such entity, the name or the document is malformed, or all its policies together are too
    /// large.
    pub fn put_inline_policy(
        &self,
        kind: EntityKind,
        name: &str,
        policy_name: &str,
        document: &str,
    ) -> Result<Changed<()>, Fault> {
        POLICY_NAME.check(policy_name)?;
        let max_chars = kind.inline_max_chars();
        let too_large = || Fault::InlineSize { kind, name: name.to_owned(), max_chars };
        self.change_grants(kind, name, |grants| {
            let others = grants.inline.iter().filter(|(other, _)| *other != policy_name);
            let size: usize = others.map(|(_, other)| size_chars(other.text())).sum();
            if size_chars(document).saturating_add(size) > max_chars {
                return Err(too_large());
            }
            grants.inline.insert(policy_name.to_owned(), Document::parse(document, max_chars)?);
            Ok(())
        })
    }

    /// GetUserPolicy, GetGroupPolicy, GetRolePolicy.
    ///
    /// # Errors
    /// There is no such entity, or it has no such policy.
    pub fn get_inline_policy(
        &self,
        kind: EntityKind,
        name: &str,
        policy_name: &str,
    ) -> Result<&Document, Fault> {
        let missing = || Fault::NoInlinePolicy { kind, name: policy_name.to_owned() };
        self.grants(kind, name)?.inline.get(policy_name).ok_or_else(missing)
    }

    /// ListUserPolicies, ListGroupPolicies, ListRolePolicies: names.
    ///
    /// # Errors
    /// There is no such entity, or the page is malformed.
    pub fn list_inline_policies(
        &self,
        kind: EntityKind,
        name: &str,
        page: &Page<'_>,
    ) -> Result<Listed<&str>, Fault> {
        page.of(self.grants(kind, name)?.inline.keys().map(|name| (name, name.as_str())))
    }

    /// DeleteUserPolicy, DeleteGroupPolicy, DeleteRolePolicy.
    ///
    /// # Errors
    /// There is no such entity, or it has no such policy.
    pub fn delete_inline_policy(
        &self,
        kind: EntityKind,
        name: &str,
        policy_name: &str,
    ) -> Result<Changed<()>, Fault> {
        self.change_grants(kind, name, |grants| match grants.inline.remove(policy_name) {
            Some(_) => Ok(()),
            None => Err(Fault::NoInlinePolicy { kind, name: policy_name.to_owned() }),
        })
    }

    /// Policies of an entity.
    pub(super) fn grants(&self, kind: EntityKind, name: &str) -> Result<&Grants, Fault> {
        Ok(match kind {
            EntityKind::User => &self.get_user(name)?.grants,
            EntityKind::Group => &self.find_group(name)?.grants,
            EntityKind::Role => &self.get_role(name)?.grants,
        })
    }

    /// Changes the policies of an entity.
    pub(super) fn change_grants(
        &self,
        kind: EntityKind,
        name: &str,
        change: impl FnOnce(&mut Grants) -> Result<(), Fault>,
    ) -> Result<Changed<()>, Fault> {
        let mut grants = self.grants(kind, name)?.clone();
        change(&mut grants)?;
        let change: Change = match kind {
            EntityKind::User => layout::put_user(&User { grants, ..self.get_user(name)?.clone() }),
            EntityKind::Group => layout::put_group(&Group { grants, ..self.find_group(name)?.clone() }),
            EntityKind::Role => layout::put_role(&Role { grants, ..self.get_role(name)?.clone() }),
        };
        Ok(Changed::one((), change))
    }
}
