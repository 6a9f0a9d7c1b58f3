//! Why a document is no policy.

use std::fmt;

use ternmq_stdx::{quoted, shown};
use thiserror::Error;

/// Most parts of a place that are shown; more nesting than that no policy has.
const PLACE_MAX_STEPS: usize = 8;

/// Why a policy was not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PolicyFault {
    /// It has more characters than its kind may have.
    #[error("Cannot exceed quota for PolicySize: {max_chars}")]
    TooLarge {
        /// Most characters, blanks not counted.
        max_chars: usize,
    },
    /// It is no JSON document of the kind that a policy may be.
    #[error("Syntax errors in policy: {0}")]
    Json(String),
    /// Something in it has no meaning.
    #[error("{reason} (at {place})")]
    Malformed {
        /// Where.
        place: Place,
        /// What.
        reason: Reason,
    },
}

impl PolicyFault {
    /// Name of the error in IAM.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "LimitExceeded",
            Self::Json(_) | Self::Malformed { .. } => "MalformedPolicyDocument",
        }
    }

    /// Status of the answer.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::TooLarge { .. } => 409,
            Self::Json(_) | Self::Malformed { .. } => 400,
        }
    }

    /// The same, found inside of `step`.
    pub(super) fn within(mut self, step: impl Into<String>) -> Self {
        if let Self::Malformed { place, .. } = &mut self {
            place.0.push(step.into());
        }
        self
    }
}

impl From<Reason> for PolicyFault {
    fn from(reason: Reason) -> Self {
        Self::Malformed { place: Place(Vec::new()), reason }
    }
}

/// A place in a document: `Statement[0].Condition.StringEquals`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(Vec<String>);

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("the document");
        }
        for (index, step) in self.0.iter().rev().take(PLACE_MAX_STEPS).enumerate() {
            let mark = if index == 0 || step.starts_with('[') { "" } else { "." };
            write!(f, "{mark}{}", shown(step))?;
        }
        Ok(())
    }
}

/// What is wrong in a policy. Texts are IAM's where it is known for one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Reason {
    /// Another type of value is wanted.
    #[error("Syntax errors in policy: {0} is wanted")]
    Type(&'static str),
    /// An element that policies do not have.
    #[error("Unknown field {}", quoted(.0))]
    Unknown(String),
    /// An element that has to be there.
    #[error("Missing required field {0}")]
    Missing(&'static str),
    /// Two elements of which only one may be there.
    #[error("{0} and {1} cannot stand in one statement")]
    Both(&'static str, &'static str),
    /// Identity policies name no principal.
    #[error("Policy document should not specify a principal.")]
    Principal,
    /// An element that this kind of policy does not have.
    #[error("Has prohibited field {0}")]
    Prohibited(&'static str),
    /// Neither 2012-10-17 nor 2008-10-17.
    #[error("Policy document must be version 2012-10-17 or 2008-10-17.")]
    Version,
    /// Neither Allow nor Deny.
    #[error("Invalid effect: {}", quoted(.0))]
    Effect(String),
    /// A statement's id of other letters.
    #[error(
        "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
    )]
    Sid,
    /// Two statements of one id.
    #[error("Statement IDs (SID) in a single policy must be unique.")]
    SidTwice,
    /// There is no statement.
    #[error("Policy document must contain at least one statement.")]
    NoStatement,
    /// An empty list of actions.
    #[error("Policy statement must contain actions.")]
    NoAction,
    /// An empty list of resources.
    #[error("Policy statement must contain resources.")]
    NoResource,
    /// An empty list of values or principals.
    #[error("A list of values must not be empty.")]
    NoValue,
    /// An action or a condition key without service.
    #[error("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")]
    Vendor,
    /// A resource that is neither `*` nor an ARN.
    #[error("Resource {} must be in ARN format or \"*\".", quoted(.0))]
    Resource(String),
    /// A resource of any service.
    #[error("Resource vendor must be fully qualified and cannot contain regexes.")]
    ResourceVendor,
    /// A variable where none may be.
    #[error("A policy variable in a resource must come after the fifth colon of the ARN")]
    VariablePlace,
    /// `${` without end, without name, or with a default that is not in quotes.
    #[error("Invalid policy variable: write ${{key}} or ${{key, 'default'}}")]
    Variable,
    /// An operator that is not known.
    #[error("Invalid Condition type : {}", quoted(.0))]
    Operator(String),
    /// A value that is none of the operator's type.
    #[error("{} is not {wanted}", quoted(.value))]
    Value {
        /// The value.
        value: String,
        /// What the operator compares.
        wanted: &'static str,
    },
    /// A principal that cannot be.
    #[error("Invalid principal in policy: {}", quoted(.0))]
    InvalidPrincipal(String),
    /// A kind of principal that this service does not know.
    #[error("Principals of the kind {} are not served", quoted(.0))]
    PrincipalKind(String),
    /// A trust policy about something else.
    #[error("AssumeRole policy may only specify STS AssumeRole actions.")]
    TrustAction,
}
