//! Types of values of the permitted keys: whether a text is one.

use std::net::IpAddr;

use super::keys::{Kind, Since};
use crate::version::Version;

/// Longest value of free text in bytes.
const MAX_TEXT_BYTES: usize = 4_096;
/// Longest query of LDAP in bytes, of all its lines.
const MAX_QUERY_BYTES: usize = 65_536;

/// Whether the text is a value of this kind in this version.
pub(super) fn is_valid(kind: Kind, text: &str, version: Version) -> bool {
    match kind {
        Kind::Whole(least, most) => whole(text).is_some_and(|number| (least..=most).contains(&number)),
        Kind::MsOrInfinity => text == "infinity" || whole(text).is_some_and(|ms| ms <= 2_147_483_647),
        Kind::Limit(_) => whole(text).is_some_and(|number| number > 0),
        Kind::Truth => matches!(text, "true" | "false"),
        Kind::OneOf(words) => words.contains(&text),
        Kind::OneOfSince(words) => {
            words.iter().any(|(word, since)| *word == text && is_since(version, *since))
        }
        Kind::Text => is_text(text),
        Kind::Query => {
            let is_letter = |letter: char| !letter.is_control() || matches!(letter, '\n' | '\r' | '\t');
            !text.trim().is_empty() && text.len() <= MAX_QUERY_BYTES && text.chars().all(is_letter)
        }
        Kind::HttpsUrl => is_https_url(text),
        Kind::Host => is_host(text),
        Kind::Dn => is_dn(text),
        Kind::DnOrNone => text == "none" || is_dn(text),
        Kind::Arn(services) => is_arn(text, services),
        Kind::Role => is_role(text),
    }
}

/// Whether a version has what came with another.
pub(super) fn is_since(version: Version, since: Since) -> bool {
    version.is_at_least(since.0, since.1, 0)
}

/// Digits only: no sign, no unit.
pub(super) fn whole(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn is_text(text: &str) -> bool {
    (1..=MAX_TEXT_BYTES).contains(&text.len()) && !text.chars().any(char::is_control)
}

/// `https`, a host, perhaps a port and more; without a name and password before the host.
fn is_https_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((host, after)) => (host, after.strip_prefix(':')),
            None => return false,
        },
        None => authority.split_once(':').map_or((authority, None), |(host, port)| (host, Some(port))),
    };
    let is_host = host.parse::<IpAddr>().is_ok() || is_name(host);
    let is_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0));
    scheme.eq_ignore_ascii_case("https") && is_host && is_port && is_text(text) && !text.contains(' ')
}

/// An address, or a full name of a machine.
fn is_host(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok() || (text.contains('.') && is_name(text))
}

fn is_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let name = text.strip_suffix('.').unwrap_or(text);
    name.len() <= 253 && name.split('.').all(is_label)
}

/// A distinguished name (RFC 4514): `attribute=value`, joined by commas or pluses; a backslash takes the meaning from the
/// letter behind it.
fn is_dn(text: &str) -> bool {
    is_text(text) && split_unescaped(text).is_some_and(|parts| parts.iter().all(|part| is_rdn(part)))
}

fn split_unescaped(text: &str) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut is_escaped = false;
    for (index, letter) in text.char_indices() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            ',' | '+' => {
                parts.push(text.get(start..index)?);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(start..)?);
    if is_escaped { None } else { Some(parts) }
}

fn is_rdn(part: &str) -> bool {
    let Some((attribute, value)) = part.split_once('=') else { return false };
    let attribute = attribute.trim();
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    !attribute.is_empty()
        && attribute.bytes().all(is_letter)
        && !value.trim().is_empty()
        && !value.contains(['"', ';', '<', '>'])
}

/// `arn:PARTITION:SERVICE:REGION:ACCOUNT:REST` of one of these services.
fn is_arn(text: &str, services: &[&str]) -> bool {
    let mut parts = text.splitn(6, ':');
    let (arn, partition, service) = (parts.next(), parts.next(), parts.next());
    let (_region, account, rest) = (parts.next(), parts.next(), parts.next());
    arn == Some("arn")
        && partition.is_some_and(|partition| ["aws", "aws-cn", "aws-us-gov"].contains(&partition))
        && service.is_some_and(|service| services.contains(&service))
        && account.is_some_and(|account| account.is_empty() || is_account(account))
        && rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(' '))
        && is_text(text)
}

fn is_role(text: &str) -> bool {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    is_arn(text, &["iam"])
        && matches!(parts.as_slice(), [_, _, _, "", account, rest]
            if is_account(account) && rest.strip_prefix("role/").is_some_and(|name| !name.is_empty()))
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}
