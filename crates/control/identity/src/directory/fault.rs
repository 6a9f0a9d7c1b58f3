//! Why IAM or STS refuses.

use std::fmt;

use ternmq_stdx::shown;
use thiserror::Error;

use crate::policy::PolicyFault;

/// What a name belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntityKind {
    /// A user.
    User,
    /// A group.
    Group,
    /// A role.
    Role,
}

impl EntityKind {
    /// `user`, `group`, `role`, as texts and parameters have it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
        }
    }
}

impl fmt::Display for EntityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "User",
            Self::Group => "Group",
            Self::Role => "Role",
        })
    }
}

/// Why a verb was refused. Nothing changes then. Texts are IAM's where it is known for one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Fault {
    /// A user, group or role of this name is not there.
    #[error("The {} with name {} cannot be found.", kind.word(), shown(name))]
    NoEntity {
        /// What was looked for.
        kind: EntityKind,
        /// Its name.
        name: String,
    },
    /// An inline policy of this name is not there.
    #[error("The {} policy with name {} cannot be found.", kind.word(), shown(name))]
    NoInlinePolicy {
        /// Whose it would be.
        kind: EntityKind,
        /// Its name.
        name: String,
    },
    /// A managed policy of this ARN is not there.
    #[error("Policy {} does not exist or is not attachable.", shown(.0))]
    NoPolicy(String),
    /// The policy is not attached.
    #[error("Policy {} was not found.", shown(.0))]
    NotAttached(String),
    /// A policy has no such version.
    #[error("Policy {} version {} does not exist or is not attachable.", shown(arn), shown(version))]
    NoVersion {
        /// The policy.
        arn: String,
        /// The version.
        version: String,
    },
    /// There is no such key, or it is somebody else's.
    #[error("The Access Key with id {} cannot be found.", shown(.0))]
    NoAccessKey(String),
    /// The user is in no such group.
    #[error("The user with name {} is not in the group with name {}.", shown(user), shown(group))]
    NotMember {
        /// The user.
        user: String,
        /// The group.
        group: String,
    },
    /// The name is taken, perhaps in another case.
    #[error("{kind} with name {} already exists.", shown(name))]
    Exists {
        /// What has it.
        kind: EntityKind,
        /// The name.
        name: String,
    },
    /// The name of a managed policy is taken.
    #[error("A policy called {} already exists. Duplicate names are not allowed.", shown(.0))]
    PolicyExists(String),
    /// Something still hangs on what should go.
    #[error("{0}")]
    Conflict(&'static str),
    /// A number of things has reached its quota.
    #[error("Cannot exceed quota for {quota}: {max}")]
    Quota {
        /// Name of the quota.
        quota: &'static str,
        /// So many may be.
        max: usize,
    },
    /// Inline policies together are too large.
    #[error("Maximum policy size of {max_chars} bytes exceeded for {} {}", kind.word(), shown(name))]
    InlineSize {
        /// Whose they are.
        kind: EntityKind,
        /// Its name.
        name: String,
        /// So many characters may be.
        max_chars: usize,
    },
    /// A policy has as many versions as it may have.
    #[error(
        "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing \
         version."
    )]
    Versions,
    /// A document is no policy.
    #[error("{0}")]
    Policy(#[from] PolicyFault),
    /// A parameter has a value that its type does not have.
    #[error(
        "1 validation error detected: Value '{}' at '{field}' failed to satisfy constraint: {rule}",
        shown(value)
    )]
    Validation {
        /// The parameter.
        field: &'static str,
        /// What it was.
        value: String,
        /// What it has to be.
        rule: String,
    },
    /// Parameters do not go together, or name what cannot be meant.
    #[error("{0}")]
    Input(&'static str),
    /// As above, in STS and where IAM says `ValidationError`.
    #[error("{0}")]
    Senseless(&'static str),
    /// The caller may not.
    #[error("User: {arn} is not authorized to perform: {action} on resource: {}", shown(resource))]
    Denied {
        /// The caller.
        arn: String,
        /// The action.
        action: &'static str,
        /// What it was to be done to.
        resource: String,
    },
    /// What was asked for is no matter of temporary credentials.
    #[error("Cannot call GetSessionToken with session credentials")]
    SessionOfSession,
    /// The random bytes make an id that is taken: call again with others.
    #[error("The request processing has failed because of an unknown error, exception or failure.")]
    IdTaken,
}

impl Fault {
    /// Name of the error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoEntity { .. }
            | Self::NoInlinePolicy { .. }
            | Self::NoPolicy(_)
            | Self::NotAttached(_)
            | Self::NoVersion { .. }
            | Self::NoAccessKey(_)
            | Self::NotMember { .. } => "NoSuchEntity",
            Self::Exists { .. } | Self::PolicyExists(_) => "EntityAlreadyExists",
            Self::Conflict(_) => "DeleteConflict",
            Self::Quota { .. } | Self::InlineSize { .. } | Self::Versions => "LimitExceeded",
            Self::Policy(fault) => fault.code(),
            Self::Validation { .. } | Self::Senseless(_) => "ValidationError",
            Self::Input(_) => "InvalidInput",
            Self::Denied { .. } | Self::SessionOfSession => "AccessDenied",
            Self::IdTaken => "ServiceFailure",
        }
    }

    /// Status of the answer.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self.code() {
            "NoSuchEntity" => 404,
            "EntityAlreadyExists" | "DeleteConflict" | "LimitExceeded" => 409,
            "AccessDenied" => 403,
            "ServiceFailure" => 500,
            _ => 400,
        }
    }
}
