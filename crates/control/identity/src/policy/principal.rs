//! Who a trust policy speaks of.

use super::fault::{PolicyFault, Reason};
use super::json::Json;
use super::trust::Caller;

/// Letters of an account's id.
const ACCOUNT_DIGITS: usize = 12;

/// The principals of a statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Principals {
    all: Vec<Principal>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Principal {
    /// `*`.
    Everyone,
    /// An account: whoever of it is allowed to by a policy of its own.
    Account(String),
    /// A user, a role, or one session of a role.
    Arn(String),
    /// A service, by its host name.
    Service(String),
}

/// How a statement speaks of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Named {
    /// Not at all.
    No,
    /// As one of an account, or of all.
    AsMember,
    /// By name.
    ByName,
}

impl Principals {
    /// Reads the element: `"*"`, or lists by kind.
    pub(super) fn parse(json: &Json) -> Result<Self, PolicyFault> {
        if let Json::Text(text) = json {
            if text != "*" {
                return Err(Reason::InvalidPrincipal(text.clone()).into());
            }
            return Ok(Self { all: vec![Principal::Everyone] });
        }
        let mut all = Vec::new();
        for (kind, values) in json.object()? {
            let parse = match kind.as_str() {
                "AWS" => aws,
                "Service" => service,
                _ => return Err(Reason::PrincipalKind(kind.clone()).into()),
            };
            let within = |reason: Reason| PolicyFault::from(reason).within(kind);
            for text in values.texts().map_err(within)? {
                let principal = parse(text).ok_or_else(|| Reason::InvalidPrincipal(text.to_owned()));
                all.push(principal.map_err(within)?);
            }
        }
        if all.is_empty() { Err(Reason::NoValue.into()) } else { Ok(Self { all }) }
    }

    /// ARNs of the users, roles and sessions among them.
    pub(super) fn arns(&self) -> impl Iterator<Item = &str> {
        self.all.iter().filter_map(|principal| match principal {
            Principal::Arn(arn) => Some(arn.as_str()),
            Principal::Everyone | Principal::Account(_) | Principal::Service(_) => None,
        })
    }

    /// How they name the caller; the closest of all counts.
    pub(super) fn names(&self, caller: &Caller<'_>) -> Named {
        self.all.iter().map(|principal| principal.names(caller)).max().unwrap_or(Named::No)
    }
}

impl Principal {
    fn names(&self, caller: &Caller<'_>) -> Named {
        match (self, caller) {
            (Self::Everyone, Caller::Principal { .. }) => Named::AsMember,
            (Self::Account(wanted), Caller::Principal { account, .. }) if wanted == account => {
                Named::AsMember
            }
            (Self::Arn(wanted), Caller::Principal { arn, role_arn, .. }) => {
                let is_role = role_arn.is_some_and(|role_arn| wanted == role_arn);
                if wanted == arn || is_role { Named::ByName } else { Named::No }
            }
            (Self::Service(wanted), Caller::Service(name)) if wanted == name => Named::ByName,
            (Self::Everyone | Self::Account(_) | Self::Arn(_) | Self::Service(_), _) => Named::No,
        }
    }
}

/// `*`, an account's id, or the ARN of an account, a user, a role or a session. A wildcard can be no part of a name.
fn aws(text: &str) -> Option<Principal> {
    let is_account =
        |text: &str| text.len() == ACCOUNT_DIGITS && text.bytes().all(|byte| byte.is_ascii_digit());
    if text == "*" {
        return Some(Principal::Everyone);
    }
    if is_account(text) {
        return Some(Principal::Account(text.to_owned()));
    }
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let ["arn", partition, service, "", account, resource] = parts[..] else { return None };
    if partition.is_empty() || !is_account(account) || text.contains(['*', '?']) {
        return None;
    }
    let is_named = |prefix: &str| resource.strip_prefix(prefix).is_some_and(|name| !name.is_empty());
    match service {
        "iam" if resource == "root" => Some(Principal::Account(account.to_owned())),
        "iam" if is_named("user/") || is_named("role/") => Some(Principal::Arn(text.to_owned())),
        "sts" if is_named("assumed-role/") => Some(Principal::Arn(text.to_owned())),
        _ => None,
    }
}

/// `mq.amazonaws.com`.
fn service(text: &str) -> Option<Principal> {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    let is_name = text.contains('.') && text.bytes().all(is_letter);
    is_name.then(|| Principal::Service(text.to_owned()))
}
