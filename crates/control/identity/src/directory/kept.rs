//! From the store to memory.

use std::collections::HashMap;

use thiserror::Error;

use super::Directory;
use super::changes::Change;
use super::layout::{self, Kept, Unreadable};
use crate::policy::PolicyFault;

/// What was kept cannot be read. Who finds this serves nobody by it (S1).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LoadFault {
    /// The bytes of a record are not in the layout of its kind.
    #[error("the record {0} cannot be read: its bytes are not in the layout of its kind")]
    Layout(String),
    /// Two records have one name.
    #[error("the record {0} cannot be read: another one has its name")]
    Doubled(String),
    /// A policy in a record is none.
    #[error("the record {key} cannot be read: {fault}")]
    Policy {
        /// The record.
        key: String,
        /// What is wrong with the policy.
        fault: PolicyFault,
    },
}

impl Directory {
    /// Makes the directory of an account of all that was kept, in any order.
    ///
    /// # Errors
    /// [`LoadFault`] names the first record that cannot be read.
    pub fn load<'a>(
        account: &str,
        records: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<Self, LoadFault> {
        let mut directory = Self::new(account);
        for (key, value) in records {
            directory.take_in(key, value)?;
        }
        Ok(directory)
    }

    /// Takes in what a verb changed, once it is durable: all changes of one verb, before another verb is asked that changes
    /// something, as that would not know of them.
    ///
    /// # Errors
    /// [`LoadFault`] when a change is none of this crate's; those before it are taken in.
    pub fn apply(&mut self, changes: &[Change]) -> Result<(), LoadFault> {
        for change in changes {
            match change {
                Change::Put { key, value } => self.take_in(key, value)?,
                Change::Delete { key } => self.take_out(key)?,
            }
        }
        Ok(())
    }

    fn take_in(&mut self, key: &str, value: &[u8]) -> Result<(), LoadFault> {
        let kept = layout::read(key, value).map_err(|unreadable| match unreadable {
            Unreadable::Layout => LoadFault::Layout(key.to_owned()),
            Unreadable::Policy(fault) => LoadFault::Policy { key: key.to_owned(), fault },
        })?;
        let is_doubled = match &kept {
            Kept::User(user) => self.users.is_anothers(&user.name, &user.id),
            Kept::Group(group) => self.groups.is_anothers(&group.name, &group.id),
            Kept::Role(role) => self.roles.is_anothers(&role.name, &role.id),
            Kept::Policy(policy) => self.policies.is_anothers(&policy.name, &policy.id),
            Kept::AccessKey(_) | Kept::Session(_) => false,
        };
        if is_doubled {
            return Err(LoadFault::Doubled(key.to_owned()));
        }
        self.put(kept);
        Ok(())
    }

    fn put(&mut self, kept: Kept) {
        match kept {
            Kept::User(user) => {
                count_up(&mut self.attachments, &user.grants.attached);
                count_up(&mut self.boundaries, &user.boundary);
                if let Some(before) = self.users.put(user) {
                    count_down(&mut self.attachments, &before.grants.attached);
                    count_down(&mut self.boundaries, &before.boundary);
                }
            }
            Kept::Group(group) => {
                count_up(&mut self.attachments, &group.grants.attached);
                if let Some(before) = self.groups.put(group) {
                    count_down(&mut self.attachments, &before.grants.attached);
                }
            }
            Kept::Role(role) => {
                count_up(&mut self.attachments, &role.grants.attached);
                count_up(&mut self.boundaries, &role.boundary);
                if let Some(before) = self.roles.put(role) {
                    count_down(&mut self.attachments, &before.grants.attached);
                    count_down(&mut self.boundaries, &before.boundary);
                }
            }
            Kept::Policy(policy) => drop(self.policies.put(policy)),
            Kept::AccessKey(key) => drop(self.keys.insert(key.id.clone(), key)),
            Kept::Session(session) => {
                self.remove_session(&session.key_id);
                self.endings.insert((session.expires_s, session.key_id.clone()));
                count_up(&mut self.session_counts, [session.owner.id()]);
                self.sessions.insert(session.key_id.clone(), session);
            }
        }
    }

    fn take_out(&mut self, key: &str) -> Result<(), LoadFault> {
        let (kind, id) = key.split_once('/').ok_or_else(|| LoadFault::Layout(key.to_owned()))?;
        match kind {
            "user" => {
                if let Some(before) = self.users.remove(id) {
                    count_down(&mut self.attachments, &before.grants.attached);
                    count_down(&mut self.boundaries, &before.boundary);
                }
            }
            "group" => {
                if let Some(before) = self.groups.remove(id) {
                    count_down(&mut self.attachments, &before.grants.attached);
                }
            }
            "role" => {
                if let Some(before) = self.roles.remove(id) {
                    count_down(&mut self.attachments, &before.grants.attached);
                    count_down(&mut self.boundaries, &before.boundary);
                }
            }
            "policy" => drop(self.policies.remove(id)),
            "key" => drop(self.keys.remove(id)),
            "session" => self.remove_session(id),
            _ => return Err(LoadFault::Layout(key.to_owned())),
        }
        Ok(())
    }

    fn remove_session(&mut self, key_id: &str) {
        if let Some(before) = self.sessions.remove(key_id) {
            self.endings.remove(&(before.expires_s, before.key_id.clone()));
            count_down(&mut self.session_counts, [before.owner.id()]);
        }
    }
}

fn count_up<T: AsRef<str>>(counts: &mut HashMap<String, usize>, things: impl IntoIterator<Item = T>) {
    for thing in things {
        *counts.entry(thing.as_ref().to_owned()).or_default() += 1;
    }
}

fn count_down<T: AsRef<str>>(counts: &mut HashMap<String, usize>, things: impl IntoIterator<Item = T>) {
    for thing in things {
        if let Some(count) = counts.get_mut(thing.as_ref()) {
            *count -= 1;
            if *count == 0 {
                counts.remove(thing.as_ref());
            }
        }
    }
}
