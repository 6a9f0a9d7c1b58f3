//! The table of users and permissions.

use std::{collections::BTreeMap, sync::Arc};

use ternmq_stdx::quoted;
use thiserror::Error;

use crate::{
    grants::Grants,
    limits::NamespaceLimits,
    password::PasswordHash,
    pattern::{Pattern, PatternError, PatternStore, Template},
    record::{PermissionRecord, TopicPermissionRecord, UserRecord},
    rules::Rules,
    scram::ScramVerifier,
    verifier::Verifier,
};

/// All users, permissions and limits of a node. Cheap enough to clone into a snapshot: patterns are shared.
#[derive(Clone, Debug, Default)]
pub struct Access {
    generation: u64,
    users: BTreeMap<Arc<str>, User>,
    /// Users that somebody outside of the node knows, while they use it. One of the node's own of the same name counts.
    guests: BTreeMap<Arc<str>, User>,
    rules: Option<Arc<Rules>>,
    /// By name of a user that may be there or not.
    grants: BTreeMap<Arc<str>, Arc<Grants>>,
    namespaces: BTreeMap<Arc<str>, NamespaceLimits>,
    patterns: PatternStore,
}

#[derive(Clone, Debug)]
pub(crate) struct User {
    record: UserRecord,
    revision: u64,
    /// As the table of grants has them for its name.
    pub(crate) grants: Option<Arc<Grants>>,
    /// By namespace.
    pub(crate) permissions: BTreeMap<Arc<str>, Permission>,
    /// By namespace, then node.
    pub(crate) topics: BTreeMap<Arc<str>, BTreeMap<Arc<str>, TopicPermission>>,
}

#[derive(Clone, Debug)]
pub(crate) struct Permission {
    record: PermissionRecord,
    pub(crate) configure: Arc<Pattern>,
    pub(crate) write: Arc<Pattern>,
    pub(crate) read: Arc<Pattern>,
}

#[derive(Clone, Debug)]
pub(crate) struct TopicPermission {
    record: TopicPermissionRecord,
    pub(crate) write: Template,
    pub(crate) read: Template,
}

impl User {
    pub(crate) fn record(&self) -> &UserRecord {
        &self.record
    }
}

/// Why a permission was not set. Nothing changed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PermissionError {
    /// There is no such user.
    #[error("there is no user {}; add the user first", quoted(.0))]
    UnknownUser(Arc<str>),
    /// One of its texts is not a pattern.
    #[error("the {which} pattern is refused: {reason}")]
    Pattern {
        /// Which one: `configure`, `write` or `read`.
        which: &'static str,
        /// What is wrong with it.
        reason: PatternError,
    },
}

impl Access {
    /// A table without users: serves nobody (S1).
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Changes with every change of this table; only grows. What was authorised under an older one is to be asked again.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Adds a user, or replaces its record and keeps its permissions.
    pub fn put_user(&mut self, record: UserRecord) {
        let revision = self.next_generation();
        let grants = self.grants.get(&record.name).cloned();
        let user = self.users.entry(Arc::clone(&record.name)).or_insert_with(|| User {
            record: record.clone(),
            revision,
            grants,
            permissions: BTreeMap::new(),
            topics: BTreeMap::new(),
        });
        user.record = record;
        user.revision = revision;
    }

    /// Replaces a weak hash by one of the same password, unless the user has changed since `revision`. Tells whether.
    pub fn rehash(&mut self, name: &str, revision: u64, hash: PasswordHash) -> bool {
        let generation = self.generation + 1;
        let Some(user) = self.users.get_mut(name).filter(|user| user.revision == revision) else {
            return false;
        };
        user.record.password = Some(hash);
        user.revision = generation;
        self.generation = generation;
        true
    }

    /// Lets in somebody whom the node does not know itself, to do everything in a namespace that grants and rules allow; one
    /// that is there already becomes as `record` says. Tells whether anything changed: then what was remembered of it is
    /// void. Never stored, and no user as [`Access::user`] and [`Access::users`] tell them.
    pub fn put_guest(&mut self, record: UserRecord, namespace: &Arc<str>) -> bool {
        if self.guests.get(&record.name).is_some_and(|guest| guest.record == record) {
            return false;
        }
        let revision = self.next_generation();
        let all: Arc<str> = ".*".into();
        let pattern = self.patterns.everything();
        let permission = Permission {
            record: PermissionRecord {
                user: Arc::clone(&record.name),
                namespace: Arc::clone(namespace),
                configure: Arc::clone(&all),
                write: Arc::clone(&all),
                read: all,
            },
            configure: Arc::clone(&pattern),
            write: Arc::clone(&pattern),
            read: pattern,
        };
        let guest = User {
            grants: self.grants.get(&record.name).cloned(),
            permissions: BTreeMap::from([(Arc::clone(namespace), permission)]),
            topics: BTreeMap::new(),
            revision,
            record,
        };
        self.guests.insert(Arc::clone(&guest.record.name), guest);
        true
    }

    /// Forgets a guest. Tells whether it was there.
    pub fn remove_guest(&mut self, name: &str) -> bool {
        let was_there = self.guests.remove(name).is_some();
        if was_there {
            self.next_generation();
        }
        was_there
    }

    /// All guests in order of name.
    pub fn guests(&self) -> impl Iterator<Item = &UserRecord> {
        self.guests.values().map(|guest| &guest.record)
    }

    /// Number of guests.
    #[must_use]
    pub fn guest_count(&self) -> usize {
        self.guests.len()
    }

    /// Whether there is a user or a guest of this name.
    #[must_use]
    pub fn is_known(&self, name: &str) -> bool {
        self.entry(name).is_some()
    }

    /// Sets the rules that count for everybody, beside the permissions; `None`: permissions alone count. Tells whether
    /// anything changed.
    pub fn set_rules(&mut self, rules: Option<Rules>) -> bool {
        if self.rules.as_deref() == rules.as_ref() {
            return false;
        }
        self.rules = rules.map(Arc::new);
        self.next_generation();
        true
    }

    pub(crate) fn rules(&self) -> Option<&Rules> {
        self.rules.as_deref()
    }

    /// Removes a user with its permissions. Tells whether it was there.
    pub fn remove_user(&mut self, name: &str) -> bool {
        let was_there = self.users.remove(name).is_some();
        if was_there {
            self.next_generation();
        }
        was_there
    }

    /// A user.
    #[must_use]
    pub fn user(&self, name: &str) -> Option<&UserRecord> {
        self.users.get(name).map(|user| &user.record)
    }

    /// All users in order of name.
    pub fn users(&self) -> impl Iterator<Item = &UserRecord> {
        self.users.values().map(|user| &user.record)
    }

    /// Changes with every change of this user or guest, its permissions included; never the same for a later one of that
    /// name.
    #[must_use]
    pub fn user_revision(&self, name: &str) -> Option<u64> {
        self.entry(name).map(|user| user.revision)
    }

    /// What checks this user's password; for an unknown one, something that costs the same and always refuses (S2).
    #[must_use]
    pub fn verifier_for(&self, name: &str) -> Verifier {
        match self.users.get(name) {
            Some(user) => Verifier::new(user.record.password.clone(), user.revision),
            None => Verifier::new(None, 0),
        }
    }

    /// What checks proofs of this user's password, and the user's revision; nothing and 0 for an unknown one.
    #[must_use]
    pub fn scram_of(&self, name: &str) -> (Option<ScramVerifier>, u64) {
        self.users.get(name).map_or((None, 0), |user| (user.record.scram.clone(), user.revision))
    }

    /// Sets what a user may do in a namespace, in place of what it might before.
    ///
    /// # Errors
    /// [`PermissionError`] when the user is unknown or a pattern is refused.
    pub fn put_permission(&mut self, record: PermissionRecord) -> Result<(), PermissionError> {
        let Some(user) = self.users.get_mut(&record.user) else {
            return Err(PermissionError::UnknownUser(record.user));
        };
        let mut pattern = |which, text| {
            self.patterns.get(text).map_err(|reason| PermissionError::Pattern { which, reason })
        };
        let permission = Permission {
            configure: pattern("configure", &record.configure)?,
            write: pattern("write", &record.write)?,
            read: pattern("read", &record.read)?,
            record,
        };
        self.generation += 1;
        user.revision = self.generation;
        user.permissions.insert(Arc::clone(&permission.record.namespace), permission);
        Ok(())
    }

    /// Takes away all that a user may do in a namespace. Tells whether there was anything.
    pub fn remove_permission(&mut self, user: &str, namespace: &str) -> bool {
        self.change_user(user, |user| user.permissions.remove(namespace).is_some())
    }

    /// What a user may do in a namespace.
    #[must_use]
    pub fn permission(&self, user: &str, namespace: &str) -> Option<&PermissionRecord> {
        self.users.get(user)?.permissions.get(namespace).map(|permission| &permission.record)
    }

    /// All permissions in order of user, then namespace.
    pub fn permissions(&self) -> impl Iterator<Item = &PermissionRecord> {
        self.users.values().flat_map(|user| user.permissions.values().map(|permission| &permission.record))
    }

    /// Sets which keys a user may use with a node, in place of what was set before.
    ///
    /// # Errors
    /// [`PermissionError`] when the user is unknown or a pattern is refused.
    pub fn put_topic_permission(&mut self, record: TopicPermissionRecord) -> Result<(), PermissionError> {
        let Some(user) = self.users.get_mut(&record.user) else {
            return Err(PermissionError::UnknownUser(record.user));
        };
        let mut template = |which, text| {
            Template::new(text, &mut self.patterns)
                .map_err(|reason| PermissionError::Pattern { which, reason })
        };
        let permission = TopicPermission {
            write: template("write", &record.write)?,
            read: template("read", &record.read)?,
            record,
        };
        self.generation += 1;
        user.revision = self.generation;
        let nodes = user.topics.entry(Arc::clone(&permission.record.namespace)).or_default();
        nodes.insert(Arc::clone(&permission.record.node), permission);
        Ok(())
    }

    /// Lifts the restriction of keys for one node. Tells whether there was one.
    pub fn remove_topic_permission(&mut self, user: &str, namespace: &str, node: &str) -> bool {
        self.change_user(user, |user| {
            let Some(nodes) = user.topics.get_mut(namespace) else { return false };
            let was_there = nodes.remove(node).is_some();
            if nodes.is_empty() {
                user.topics.remove(namespace);
            }
            was_there
        })
    }

    /// All restrictions of keys in order of user, namespace, node.
    pub fn topic_permissions(&self) -> impl Iterator<Item = &TopicPermissionRecord> {
        let nodes = self.users.values().flat_map(|user| user.topics.values());
        nodes.flat_map(|nodes| nodes.values().map(|permission| &permission.record))
    }

    /// Binds a user of this name, whether there is one or not, to grants: it may do no more than they allow.
    pub fn put_grants(&mut self, name: Arc<str>, grants: Grants) {
        let grants = Arc::new(grants);
        self.set_grants(&name, Some(Arc::clone(&grants)));
        self.grants.insert(name, grants);
    }

    /// Frees a name of its grants: its permissions alone count again. Tells whether it had any.
    pub fn remove_grants(&mut self, name: &str) -> bool {
        let had_grants = self.grants.remove(name).is_some();
        if had_grants {
            self.set_grants(name, None);
        }
        had_grants
    }

    fn set_grants(&mut self, name: &str, grants: Option<Arc<Grants>>) {
        let generation = self.next_generation();
        for user in [self.users.get_mut(name), self.guests.get_mut(name)].into_iter().flatten() {
            user.grants.clone_from(&grants);
            user.revision = generation;
        }
    }

    /// What a name is bound to; `None`: its permissions alone count.
    #[must_use]
    pub fn grants_of(&self, name: &str) -> Option<&Grants> {
        self.grants.get(name).map(|grants| &**grants)
    }

    /// All grants in order of name.
    pub fn grants(&self) -> impl Iterator<Item = (&Arc<str>, &Grants)> {
        self.grants.iter().map(|(name, grants)| (name, &**grants))
    }

    /// Sets the limits of a namespace.
    pub fn put_namespace_limits(&mut self, namespace: Arc<str>, limits: NamespaceLimits) {
        self.next_generation();
        self.namespaces.insert(namespace, limits);
    }

    /// Limits of a namespace; none unless set.
    #[must_use]
    pub fn namespace_limits(&self, namespace: &str) -> NamespaceLimits {
        self.namespaces.get(namespace).copied().unwrap_or_default()
    }

    /// Forgets a namespace: its limits and what anybody may do in it.
    pub fn remove_namespace(&mut self, namespace: &str) {
        let generation = self.next_generation();
        self.namespaces.remove(namespace);
        for user in self.users.values_mut().chain(self.guests.values_mut()) {
            let had_permission = user.permissions.remove(namespace).is_some();
            if user.topics.remove(namespace).is_some() || had_permission {
                user.revision = generation;
            }
        }
    }

    pub(crate) fn entry(&self, name: &str) -> Option<&User> {
        self.users.get(name).or_else(|| self.guests.get(name))
    }

    fn change_user(&mut self, name: &str, change: impl FnOnce(&mut User) -> bool) -> bool {
        let Some(user) = self.users.get_mut(name) else { return false };
        let is_changed = change(user);
        if is_changed {
            self.generation += 1;
            user.revision = self.generation;
        }
        is_changed
    }

    fn next_generation(&mut self) -> u64 {
        self.generation += 1;
        self.generation
    }
}
