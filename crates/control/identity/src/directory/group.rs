//! Groups and who is in them.

use super::changes::{Change, Changed};
use super::fault::{EntityKind, Fault};
use super::names::{GROUP_NAME, check_path, check_path_prefix};
use super::page::{Listed, Page};
use super::quota::{GROUPS, GROUPS_PER_USER};
use super::record::{Grants, Group, User};
use super::{Directory, Entropy, layout};

/// A group and a piece of the list of its users.
#[derive(Clone, Debug)]
pub struct GroupUsers<'a> {
    /// The group.
    pub group: &'a Group,
    /// Its users, by name.
    pub users: Listed<&'a User>,
}

impl Directory {
    /// CreateGroup.
    ///
    /// # Errors
    /// [`Fault`]: the name is taken or malformed, too many groups.
    pub fn create_group(
        &self,
        name: &str,
        path: Option<&str>,
        now_s: i64,
        entropy: &Entropy,
    ) -> Result<Changed<Group>, Fault> {
        GROUP_NAME.check(name)?;
        let path = path.unwrap_or("/");
        check_path(path)?;
        if self.groups.is_taken(name) {
            return Err(Fault::Exists { kind: EntityKind::Group, name: name.to_owned() });
        }
        if self.groups.len() >= GROUPS {
            return Err(Fault::Quota { quota: "GroupsPerAccount", max: GROUPS });
        }
        let group = Group {
            id: self.fresh_id("AGPA", entropy)?,
            name: name.to_owned(),
            path: path.to_owned(),
            created_s: now_s,
            grants: Grants::default(),
        };
        let change = layout::put_group(&group);
        Ok(Changed::one(group, change))
    }

    /// GetGroup.
    ///
    /// # Errors
    /// There is no such group, or the page is malformed.
    pub fn get_group(&self, name: &str, page: &Page<'_>) -> Result<GroupUsers<'_>, Fault> {
        let group = self.find_group(name)?;
        let users = page.of(self.users.iter().filter(|(_, user)| user.groups.contains(&group.id)))?;
        Ok(GroupUsers { group, users })
    }

    /// ListGroups, by name.
    ///
    /// # Errors
    /// The prefix or the page is malformed.
    pub fn list_groups(&self, path_prefix: Option<&str>, page: &Page<'_>) -> Result<Listed<&Group>, Fault> {
        let prefix = check_path_prefix(path_prefix)?;
        page.of(self.groups.iter().filter(|(_, group)| group.path.starts_with(prefix)))
    }

    /// DeleteGroup.
    ///
    /// # Errors
    /// [`Fault`]: there is no such group, or it still has users or policies.
    pub fn delete_group(&self, name: &str) -> Result<Changed<()>, Fault> {
        let group = self.find_group(name)?;
        if self.users.iter().any(|(_, user)| user.groups.contains(&group.id)) {
            return Err(Fault::Conflict("Cannot delete entity, must remove users from group first."));
        }
        group.grants.check_empty()?;
        Ok(Changed::one((), Change::Delete { key: layout::group_key(&group.id) }))
    }

    /// AddUserToGroup. Whoever is in it stays in it.
    ///
    /// # Errors
    /// [`Fault`]: there is no such group or user, or it is in ten groups.
    pub fn add_user_to_group(&self, group_name: &str, user_name: &str) -> Result<Changed<()>, Fault> {
        let group = self.find_group(group_name)?;
        let mut user = self.get_user(user_name)?.clone();
        if !user.groups.insert(group.id.clone()) {
            return Ok(Changed::none(()));
        }
        if user.groups.len() > GROUPS_PER_USER {
            return Err(Fault::Quota { quota: "GroupsPerUser", max: GROUPS_PER_USER });
        }
        Ok(Changed::one((), layout::put_user(&user)))
    }

    /// RemoveUserFromGroup.
    ///
    /// # Errors
    /// [`Fault`]: there is no such group or user, or it is not in it.
    pub fn remove_user_from_group(&self, group_name: &str, user_name: &str) -> Result<Changed<()>, Fault> {
        let group = self.find_group(group_name)?;
        let mut user = self.get_user(user_name)?.clone();
        if !user.groups.remove(&group.id) {
            return Err(Fault::NotMember { user: user_name.to_owned(), group: group_name.to_owned() });
        }
        Ok(Changed::one((), layout::put_user(&user)))
    }

    /// ListGroupsForUser, by name.
    ///
    /// # Errors
    /// There is no such user, or the page is malformed.
    pub fn list_groups_for_user(&self, user_name: &str, page: &Page<'_>) -> Result<Listed<&Group>, Fault> {
        let user = self.get_user(user_name)?;
        page.of(self.groups.iter().filter(|(_, group)| user.groups.contains(&group.id)))
    }

    /// The group of exactly this name.
    pub(super) fn find_group(&self, name: &str) -> Result<&Group, Fault> {
        let missing = || Fault::NoEntity { kind: EntityKind::Group, name: name.to_owned() };
        self.groups.find(name).ok_or_else(missing)
    }
}
