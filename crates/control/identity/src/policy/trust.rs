//! Who may assume a role.

use super::document;
use super::evaluate::Ask;
use super::fault::PolicyFault;
use super::principal::Named;
use super::statement::{Effect, Kind, Statement};

/// Who wants to assume a role.
#[derive(Clone, Copy, Debug)]
pub enum Caller<'a> {
    /// A user, or a session of a role.
    Principal {
        /// Id of its account, 12 digits.
        account: &'a str,
        /// Its ARN; of a session that under `sts`.
        arn: &'a str,
        /// The ARN of the role that it is a session of.
        role_arn: Option<&'a str>,
    },
    /// A service, by its host name.
    Service(&'a str),
}

/// What a trust policy says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// It allows this caller by name: within one account nothing else is needed.
    ByName,
    /// It trusts the caller's account, or all: the caller needs a policy of its own that allows it.
    ByAccount,
    /// A statement denies it.
    DeniedExplicitly,
    /// Nothing allows it.
    DeniedImplicitly,
}

/// The policy of a role that says who may assume it.
#[derive(Clone, Debug, PartialEq)]
pub struct TrustPolicy {
    statements: Vec<Statement>,
}

impl TrustPolicy {
    /// Reads a document of at most `max_chars` characters. It has principals (`"*"`, `AWS`, `Service`), only actions of
    /// `sts`, and no resource.
    ///
    /// # Errors
    /// [`PolicyFault`], as for [`super::Policy::parse`].
    pub fn parse(text: &str, max_chars: usize) -> Result<Self, PolicyFault> {
        document::parse(text, max_chars, Kind::Trust).map(|statements| Self { statements })
    }

    /// ARNs of the users, roles and sessions that it names, some perhaps more than once.
    pub fn arns(&self) -> impl Iterator<Item = &str> {
        self.statements.iter().flat_map(|statement| statement.principals.arns())
    }

    /// What it says of a caller. The resource of the question does not count.
    #[must_use]
    pub fn evaluate(&self, caller: &Caller<'_>, ask: &Ask<'_>) -> Trust {
        let mut closest = Named::No;
        for statement in &self.statements {
            let named = statement.principals.names(caller);
            if named == Named::No || !statement.applies(ask) {
                continue;
            }
            match statement.effect {
                Effect::Deny => return Trust::DeniedExplicitly,
                Effect::Allow => closest = closest.max(named),
            }
        }
        match closest {
            Named::ByName => Trust::ByName,
            Named::AsMember => Trust::ByAccount,
            Named::No => Trust::DeniedImplicitly,
        }
    }
}
