//! What is kept of each principal and policy.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::fault::Fault;
use super::names::check_document;
use super::role::TrustDocument;
use super::table::Named;
use crate::policy::{Policy, PolicyFault};
use ternmq_stdx::Secret;

/// A user.
#[derive(Clone, Debug, PartialEq)]
pub struct User {
    /// `AIDA...`; never another user's, even after this one is gone.
    pub id: String,
    /// Name, as it was given.
    pub name: String,
    /// Path, `/` or `/.../`.
    pub path: String,
    /// When it was made, in seconds since 1970.
    pub created_s: i64,
    /// Tags.
    pub tags: Tags,
    /// ARN of the policy that bounds what it may do.
    pub boundary: Option<String>,
    /// Ids of its groups.
    pub groups: BTreeSet<String>,
    /// Its own policies.
    pub grants: Grants,
}

/// A group of users.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// `AGPA...`.
    pub id: String,
    /// Name.
    pub name: String,
    /// Path.
    pub path: String,
    /// When it was made, in seconds since 1970.
    pub created_s: i64,
    /// Its policies.
    pub grants: Grants,
}

/// A role, which others take on for a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    /// `AROA...`.
    pub id: String,
    /// Name.
    pub name: String,
    /// Path.
    pub path: String,
    /// When it was made, in seconds since 1970.
    pub created_s: i64,
    /// Text for people.
    pub description: Option<String>,
    /// Longest session in seconds, 3,600 to 43,200.
    pub max_session_s: u32,
    /// Who may take it on.
    pub trust: TrustDocument,
    /// Tags.
    pub tags: Tags,
    /// ARN of the policy that bounds what it may do.
    pub boundary: Option<String>,
    /// Its policies.
    pub grants: Grants,
}

/// A policy with a name and versions of its own, which can be attached.
#[derive(Clone, Debug, PartialEq)]
pub struct ManagedPolicy {
    /// `ANPA...`.
    pub id: String,
    /// Name.
    pub name: String,
    /// Path.
    pub path: String,
    /// When it was made, in seconds since 1970.
    pub created_s: i64,
    /// When it last got a version or another default, in seconds since 1970.
    pub updated_s: i64,
    /// Text for people.
    pub description: Option<String>,
    /// Tags.
    pub tags: Tags,
    /// Versions by number, 1 to 5 of them.
    pub versions: BTreeMap<u32, Version>,
    /// Number of the version that counts; it is there.
    pub default_version: u32,
    /// Highest number ever given: none comes twice.
    pub last_version: u32,
}

/// One version of a managed policy.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    /// The policy.
    pub document: Document,
    /// When it was made, in seconds since 1970.
    pub created_s: i64,
}

/// A long-term key of a user.
#[derive(Clone)]
pub struct AccessKey {
    /// `AKIA...`.
    pub id: String,
    /// Id of its user.
    pub user_id: String,
    /// The secret.
    pub secret: Secret,
    /// Whether it opens anything.
    pub status: KeyStatus,
    /// When it was made, in seconds since 1970.
    pub created_s: i64,
    /// When it was last used, as far as that is kept.
    pub last_use: Option<LastUse>,
}

/// Whether a key may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStatus {
    /// It may.
    Active,
    /// It may not, until it is made active again.
    Inactive,
}

/// The last use of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastUse {
    /// Seconds since 1970, at most a quarter of an hour old.
    pub at_s: i64,
    /// Service that was called, by the name it signs with.
    pub service: String,
    /// Region of the scope.
    pub region: String,
}

/// A temporary key.
#[derive(Clone)]
pub struct Session {
    /// `ASIA...`.
    pub key_id: String,
    /// The secret.
    pub secret: Secret,
    /// What has to come along with each request.
    pub token: Secret,
    /// Whose it is.
    pub owner: SessionOwner,
    /// Policy that came with AssumeRole.
    pub policy: Option<Document>,
    /// ARNs of policies that came with AssumeRole.
    pub policy_arns: BTreeSet<String>,
    /// When it was made, in seconds since 1970.
    pub issued_s: i64,
    /// From this second since 1970 on it opens nothing.
    pub expires_s: i64,
}

/// Whose a temporary key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionOwner {
    /// Who took on a role.
    Role {
        /// Id of the role.
        role_id: String,
        /// Name that the session was given.
        name: String,
        /// Tags that it was given, beside those of the role.
        tags: Tags,
    },
    /// A user.
    User {
        /// Its id.
        user_id: String,
    },
}

impl SessionOwner {
    /// Id of the user or the role.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Role { role_id, .. } => role_id,
            Self::User { user_id } => user_id,
        }
    }
}

/// Policies of a user, a group or a role.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grants {
    /// Its own, by name.
    pub inline: BTreeMap<String, Document>,
    /// ARNs of managed ones.
    pub attached: BTreeSet<String>,
}

/// A policy's text and what it means.
#[derive(Clone, PartialEq)]
pub struct Document {
    text: Arc<str>,
    policy: Arc<Policy>,
}

impl Document {
    /// Reads a text of at most so many characters.
    pub(super) fn parse(text: &str, max_chars: usize) -> Result<Self, Fault> {
        check_document(text)?;
        Ok(Self::kept(text, max_chars)?)
    }

    /// The same for a text that was taken before.
    pub(super) fn kept(text: &str, max_chars: usize) -> Result<Self, PolicyFault> {
        Ok(Self { policy: Arc::new(Policy::parse(text, max_chars)?), text: text.into() })
    }

    /// The text, as it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it means.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({} bytes)", self.text.len())
    }
}

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Key, 1 to 128 letters; unique without regard to case.
    pub key: String,
    /// Value, up to 256 letters.
    pub value: String,
}

/// Tags, by key in lower case.
pub type Tags = BTreeMap<String, Tag>;

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey")
            .field("id", &self.id)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("key_id", &self.key_id)
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}

impl Named for User {
    fn id(&self) -> &str {
        &self.id
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl Named for Group {
    fn id(&self) -> &str {
        &self.id
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl Named for Role {
    fn id(&self) -> &str {
        &self.id
    }

    fn name(&self) -> &str {
        &self.name
    }
}

impl Named for ManagedPolicy {
    fn id(&self) -> &str {
        &self.id
    }

    fn name(&self) -> &str {
        &self.name
    }
}
