//! Whole documents.

use std::collections::HashSet;

use super::evaluate::Ask;
use super::fault::{PolicyFault, Reason};
use super::json::Json;
use super::pattern::Variables;
use super::statement::{Effect, Kind, Statement};

/// Most characters of a managed policy.
pub const MANAGED_MAX_CHARS: usize = 6_144;
/// Most characters of all inline policies of a user together.
pub const USER_INLINE_MAX_CHARS: usize = 2_048;
/// Most characters of all inline policies of a group together.
pub const GROUP_INLINE_MAX_CHARS: usize = 5_120;
/// Most characters of all inline policies of a role together.
pub const ROLE_INLINE_MAX_CHARS: usize = 10_240;
/// Most characters of the policy that says who may assume a role.
pub const TRUST_MAX_CHARS: usize = 2_048;
/// Most characters of a policy that comes with AssumeRole.
pub const SESSION_MAX_CHARS: usize = 2_048;
/// Most bytes of any document, blanks included.
pub const RAW_MAX_BYTES: usize = 131_072;

/// Characters of a document as quotas count them: all but blanks.
#[must_use]
pub fn size_chars(text: &str) -> usize {
    text.chars().filter(|letter| !letter.is_whitespace()).count()
}

/// A policy of a user, a group or a role, of a boundary or a session: says what may be done, not by whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    statements: Vec<Statement>,
}

impl Policy {
    /// Reads a document of at most `max_chars` characters, as [`size_chars`] counts.
    ///
    /// # Errors
    /// [`PolicyFault`]: too large, no JSON, or an element that is missing, unknown or senseless, with its place.
    pub fn parse(text: &str, max_chars: usize) -> Result<Self, PolicyFault> {
        parse(text, max_chars, Kind::Identity).map(|statements| Self { statements })
    }

    pub(super) fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// What of it is about the question: whether it allows, whether it denies.
    pub(super) fn answer(&self, ask: &Ask<'_>) -> Answer {
        let mut answer = Answer::default();
        for statement in self.statements.iter().filter(|statement| statement.applies(ask)) {
            match statement.effect {
                Effect::Allow => answer.is_allowed = true,
                Effect::Deny => answer.is_denied = true,
            }
        }
        answer
    }
}

/// What policies say; both can be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub is_allowed: bool,
    pub is_denied: bool,
}

/// Reads the statements of a document.
pub(super) fn parse(text: &str, max_chars: usize, kind: Kind) -> Result<Vec<Statement>, PolicyFault> {
    if text.len() > RAW_MAX_BYTES || size_chars(text) > max_chars {
        return Err(PolicyFault::TooLarge { max_chars });
    }
    let json = Json::parse(text)?;
    let (mut version, mut statements) = (None, None);
    for (name, json) in json.object()? {
        match name.as_str() {
            "Version" => {
                version = Some(json.text().map_err(|reason| PolicyFault::from(reason).within(name))?)
            }
            "Id" => {
                json.text().map_err(|reason| PolicyFault::from(reason).within(name))?;
            }
            "Statement" => statements = Some(json),
            _ => return Err(Reason::Unknown(name.clone()).into()),
        }
    }
    let variables = match version {
        Some("2012-10-17") => Variables::On,
        Some("2008-10-17") | None => Variables::Off,
        Some(_) => return Err(PolicyFault::from(Reason::Version).within("Version")),
    };
    let jsons = statements.ok_or(Reason::Missing("Statement"))?.one_or_list();
    if jsons.is_empty() {
        return Err(PolicyFault::from(Reason::NoStatement).within("Statement"));
    }
    let mut statements = Vec::with_capacity(jsons.len());
    for (index, json) in jsons.iter().enumerate() {
        let statement = Statement::parse(json, kind, variables);
        statements.push(statement.map_err(|fault| fault.within(format!("Statement[{index}]")))?);
    }
    let mut sids = HashSet::new();
    let mut named = statements.iter().map(|statement| &statement.sid).filter(|sid| !sid.is_empty());
    if named.any(|sid| !sids.insert(sid)) {
        return Err(PolicyFault::from(Reason::SidTwice).within("Statement"));
    }
    Ok(statements)
}
