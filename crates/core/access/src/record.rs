//! Users and permissions as plain data, for storage, listing and definition files to map.

use std::sync::Arc;

use crate::{limits::UserLimits, password::PasswordHash, scram::ScramVerifier};

/// What a user may do beside messaging. None of them grants a permission on queues or nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Change everything: users, namespaces, permissions, limits.
    Administrator,
    /// See everything of all namespaces and of the node.
    Monitor,
    /// Change policies and parameters of own namespaces.
    PolicyMaker,
    /// Use the console for own namespaces.
    Console,
    /// Publish in the name of other users.
    Impersonator,
}

/// A set of roles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Roles(u8);

impl Roles {
    /// No role.
    pub const NONE: Self = Self(0);

    /// This set and one more.
    #[must_use]
    pub fn with(self, role: Role) -> Self {
        Self(self.0 | 1 << role as u8)
    }

    /// Whether the set has a role.
    #[must_use]
    pub fn has(self, role: Role) -> bool {
        self.0 & 1 << role as u8 != 0
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        roles.into_iter().fold(Self::NONE, Self::with)
    }
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserRecord {
    /// Name, unique.
    pub name: Arc<str>,
    /// Hash of the password; without one nobody logs in by password.
    pub password: Option<PasswordHash>,
    /// Checks proofs of the same password; without one nobody logs in by challenge.
    pub scram: Option<ScramVerifier>,
    /// Tags as given, for listing.
    pub tags: Vec<Arc<str>>,
    /// What the tags mean.
    pub roles: Roles,
    /// Groups that [`crate::Rules`] may name.
    pub groups: Vec<Arc<str>>,
    /// Limits.
    pub limits: UserLimits,
}

/// What a user may do in a namespace. Having one at all is the right to enter the namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PermissionRecord {
    /// Name of the user.
    pub user: Arc<str>,
    /// Name of the namespace.
    pub namespace: Arc<str>,
    /// Pattern of the names of queues and nodes that it may declare and delete.
    pub configure: Arc<str>,
    /// Pattern of those that it may put messages into.
    pub write: Arc<str>,
    /// Pattern of those that it may take messages from.
    pub read: Arc<str>,
}

/// Which keys a user may use with one node. A node without one has no such restriction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicPermissionRecord {
    /// Name of the user.
    pub user: Arc<str>,
    /// Name of the namespace.
    pub namespace: Arc<str>,
    /// Name of the node.
    pub node: Arc<str>,
    /// Pattern of the keys that it may publish with. `{name}` stands for the value of that variable of the principal.
    pub write: Arc<str>,
    /// Pattern of the keys that it may bind with; variables as in `write`.
    pub read: Arc<str>,
}
