//! Users.

use std::collections::BTreeSet;

use super::changes::{Change, Changed};
use super::fault::{EntityKind, Fault};
use super::names::{USER_NAME, check_path, check_path_prefix};
use super::page::{Listed, Page};
use super::quota::USERS;
use super::record::{Grants, Tag, Tags, User};
use super::{Directory, Entropy, binding, layout, tags};

/// What CreateUser asks for.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewUser<'a> {
    /// Name, 1 to 64 letters.
    pub name: &'a str,
    /// Path; `/` if not said.
    pub path: Option<&'a str>,
    /// Tags, at most 50.
    pub tags: &'a [Tag],
    /// ARN of the policy that bounds it.
    pub boundary: Option<&'a str>,
}

/// What UpdateUser asks for; what is not said stays.
#[derive(Clone, Copy, Debug, Default)]
pub struct UserUpdate<'a> {
    /// New path.
    pub path: Option<&'a str>,
    /// New name.
    pub name: Option<&'a str>,
}

impl Directory {
    /// CreateUser.
    ///
    /// # Errors
    /// [`Fault`]: the name is taken or malformed, the boundary is no policy, too many users or tags.
    pub fn create_user(
        &self,
        new: &NewUser<'_>,
        now_s: i64,
        entropy: &Entropy,
    ) -> Result<Changed<User>, Fault> {
        USER_NAME.check(new.name)?;
        let path = new.path.unwrap_or("/");
        check_path(path)?;
        let tags = tags::add(&Tags::new(), new.tags)?;
        binding::check(new.tags)?;
        self.check_boundary(new.boundary)?;
        if self.users.is_taken(new.name) {
            return Err(Fault::Exists { kind: EntityKind::User, name: new.name.to_owned() });
        }
        if self.users.len() >= USERS {
            return Err(Fault::Quota { quota: "UsersPerAccount", max: USERS });
        }
        let user = User {
            id: self.fresh_id("AIDA", entropy)?,
            name: new.name.to_owned(),
            path: path.to_owned(),
            created_s: now_s,
            tags,
            boundary: new.boundary.map(str::to_owned),
            groups: BTreeSet::new(),
            grants: Grants::default(),
        };
        let change = layout::put_user(&user);
        Ok(Changed::one(user, change))
    }

    /// GetUser.
    ///
    /// # Errors
    /// There is no user of this name.
    pub fn get_user(&self, name: &str) -> Result<&User, Fault> {
        let missing = || Fault::NoEntity { kind: EntityKind::User, name: name.to_owned() };
        self.users.find(name).ok_or_else(missing)
    }

    /// ListUsers, by name.
    ///
    /// # Errors
    /// The prefix or the page is malformed.
    pub fn list_users(&self, path_prefix: Option<&str>, page: &Page<'_>) -> Result<Listed<&User>, Fault> {
        let prefix = check_path_prefix(path_prefix)?;
        page.of(self.users.iter().filter(|(_, user)| user.path.starts_with(prefix)))
    }

    /// UpdateUser. Keys, groups and policies stay with the user; policies that name it by its old ARN do not follow.
    ///
    /// # Errors
    /// [`Fault`]: there is no such user, the new name is taken or malformed.
    pub fn update_user(&self, name: &str, update: &UserUpdate<'_>) -> Result<Changed<()>, Fault> {
        let mut user = self.get_user(name)?.clone();
        if let Some(path) = update.path {
            check_path(path)?;
            user.path = path.to_owned();
        }
        if let Some(new_name) = update.name {
            USER_NAME.check(new_name)?;
            // Only the case of its own name may be changed.
            if self.users.is_anothers(new_name, &user.id) {
                return Err(Fault::Exists { kind: EntityKind::User, name: new_name.to_owned() });
            }
            user.name = new_name.to_owned();
        }
        Ok(Changed::one((), layout::put_user(&user)))
    }

    /// DeleteUser.
    ///
    /// # Errors
    /// [`Fault`]: there is no such user, or it still has keys, groups or policies.
    pub fn delete_user(&self, name: &str) -> Result<Changed<()>, Fault> {
        let user = self.get_user(name)?;
        if self.keys_of(&user.id).next().is_some() {
            return Err(Fault::Conflict("Cannot delete entity, must delete access keys first."));
        }
        if !user.groups.is_empty() {
            return Err(Fault::Conflict("Cannot delete entity, must remove users from group first."));
        }
        user.grants.check_empty()?;
        let mut changes = vec![Change::Delete { key: layout::user_key(&user.id) }];
        changes.extend(self.end_sessions(&user.id));
        Ok(Changed { answer: (), changes })
    }

    /// TagUser.
    ///
    /// # Errors
    /// [`Fault`]: there is no such user, a tag is malformed, too many of them.
    pub fn tag_user(&self, name: &str, added: &[Tag]) -> Result<Changed<()>, Fault> {
        let user = self.get_user(name)?;
        let user = User { tags: tags::add(&user.tags, added)?, ..user.clone() };
        binding::check(added)?;
        Ok(Changed::one((), layout::put_user(&user)))
    }

    /// UntagUser.
    ///
    /// # Errors
    /// [`Fault`]: there is no such user, a key is malformed.
    pub fn untag_user(&self, name: &str, keys: &[&str]) -> Result<Changed<()>, Fault> {
        let user = self.get_user(name)?;
        let user = User { tags: tags::remove(&user.tags, keys)?, ..user.clone() };
        Ok(Changed::one((), layout::put_user(&user)))
    }

    /// ListUserTags.
    ///
    /// # Errors
    /// There is no such user, or the page is malformed.
    pub fn list_user_tags(&self, name: &str, page: &Page<'_>) -> Result<Listed<&Tag>, Fault> {
        page.of(&self.get_user(name)?.tags)
    }

    /// A boundary has to be a policy that is there.
    pub(super) fn check_boundary(&self, arn: Option<&str>) -> Result<(), Fault> {
        arn.map_or(Ok(()), |arn| self.find_policy(arn).map(|_| ()))
    }
}

impl Grants {
    /// Whoever has policies is not deleted.
    pub(super) fn check_empty(&self) -> Result<(), Fault> {
        if !self.attached.is_empty() {
            return Err(Fault::Conflict("Cannot delete entity, must detach all policies first."));
        }
        if !self.inline.is_empty() {
            return Err(Fault::Conflict("Cannot delete entity, must delete policies first."));
        }
        Ok(())
    }
}
