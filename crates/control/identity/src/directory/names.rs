//! Forms of names, paths, texts and ids.

use super::fault::Fault;
use super::{Directory, Entropy};
use crate::policy::RAW_MAX_BYTES;

/// Longest path, in letters.
const MAX_PATH_CHARS: usize = 512;
/// Longest description, in letters.
const MAX_DESCRIPTION_CHARS: usize = 1_000;
/// Letters of an id: five bits each.
const ID_LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Parameters and the longest name that each may have.
#[derive(Clone, Copy)]
pub(super) struct NameRule {
    pub field: &'static str,
    pub max_chars: usize,
}

pub(super) const USER_NAME: NameRule = NameRule { field: "userName", max_chars: 64 };
pub(super) const GROUP_NAME: NameRule = NameRule { field: "groupName", max_chars: 128 };
pub(super) const ROLE_NAME: NameRule = NameRule { field: "roleName", max_chars: 64 };
pub(super) const POLICY_NAME: NameRule = NameRule { field: "policyName", max_chars: 128 };

impl NameRule {
    /// 1 to so many letters, digits and `+=,.@_-`.
    pub(super) fn check(self, name: &str) -> Result<(), Fault> {
        check_length(self.field, name, 1, self.max_chars)?;
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
        if name.bytes().all(is_letter) {
            return Ok(());
        }
        Err(broken(self.field, name, "Member must satisfy regular expression pattern: [\\w+=,.@-]+"))
    }
}

/// `/`, or visible ASCII between two slashes.
pub(super) fn check_path(path: &str) -> Result<(), Fault> {
    check_length("path", path, 1, MAX_PATH_CHARS)?;
    let is_whole = path == "/" || (path.len() > 2 && path.starts_with('/') && path.ends_with('/'));
    if is_whole && path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    let rule = "Member must satisfy regular expression pattern: (\\u002F)|(\\u002F[\\u0021-\\u007E]+\\u002F)";
    Err(broken("path", path, rule))
}

/// What a list is to begin with: a slash and visible ASCII.
pub(super) fn check_path_prefix(prefix: Option<&str>) -> Result<&str, Fault> {
    let prefix = prefix.unwrap_or("/");
    check_length("pathPrefix", prefix, 1, MAX_PATH_CHARS)?;
    if prefix.starts_with('/') && prefix.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(prefix);
    }
    let rule = "Member must satisfy regular expression pattern: \\u002F[\\u0021-\\u007F]*";
    Err(broken("pathPrefix", prefix, rule))
}

/// A path of a managed policy has fewer letters than others.
pub(super) fn check_policy_path(path: &str) -> Result<(), Fault> {
    check_path(path)?;
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"/.,+@=_-".contains(&byte);
    if path.bytes().all(is_letter) && !path.contains("//") {
        return Ok(());
    }
    let rule = "Member must satisfy regular expression pattern: ((/[A-Za-z0-9\\.,\\+@=_-]+)*)/";
    Err(broken("path", path, rule))
}

/// At most 1,000 letters without control characters.
pub(super) fn check_description(description: Option<&str>) -> Result<Option<String>, Fault> {
    let Some(text) = description else { return Ok(None) };
    check_length("description", text, 0, MAX_DESCRIPTION_CHARS)?;
    let is_letter = |letter: char| matches!(letter, '\t' | '\n' | '\r' | ' '..='~' | '\u{A1}'..='\u{FF}');
    if text.chars().all(is_letter) {
        return Ok(Some(text.to_owned()));
    }
    let rule = "Member must satisfy regular expression pattern: [\\u0009\\u000A\\u000D\\u0020-\\u007E\\u00A1-\\u00FF]*";
    Err(broken("description", text, rule))
}

/// The letters that a policy's text may have.
pub(super) fn check_document(text: &str) -> Result<(), Fault> {
    check_length("policyDocument", text, 1, RAW_MAX_BYTES)?;
    let is_letter = |letter: char| matches!(letter, '\t' | '\n' | '\r' | ' '..='\u{FF}');
    if text.chars().all(is_letter) {
        return Ok(());
    }
    let rule = "Member must satisfy regular expression pattern: [\\u0009\\u000A\\u000D\\u0020-\\u00FF]+";
    Err(broken("policyDocument", text, rule))
}

/// Lengths are those of letters.
pub(super) fn check_length(field: &'static str, text: &str, min: usize, max: usize) -> Result<(), Fault> {
    let count = text.chars().count();
    if count < min {
        let rule = format!("Member must have length greater than or equal to {min}");
        return Err(Fault::Validation { field, value: text.to_owned(), rule });
    }
    if count > max {
        let rule = format!("Member must have length less than or equal to {max}");
        return Err(Fault::Validation { field, value: text.to_owned(), rule });
    }
    Ok(())
}

/// A value that breaks a rule.
pub(super) fn broken(field: &'static str, value: &str, rule: &str) -> Fault {
    Fault::Validation { field, value: value.to_owned(), rule: rule.to_owned() }
}

/// An id: its kind (`AIDA` and others) and a letter for each byte of randomness.
pub(super) fn id(kind: &str, random: &[u8]) -> String {
    let letters = random.iter().filter_map(|byte| ID_LETTERS.get(usize::from(byte & 31)));
    kind.chars().chain(letters.map(|letter| char::from(*letter))).collect()
}

/// Bytes of randomness in the ids of users and their kin.
pub(super) const ID_RANDOM_BYTES: usize = 17;

impl Directory {
    /// An id that nothing has. The first 17 bytes count.
    pub(super) fn fresh_id(&self, kind: &str, entropy: &Entropy) -> Result<String, Fault> {
        let (random, _) = entropy.split_at(ID_RANDOM_BYTES);
        let id = id(kind, random);
        let is_taken = self.users.get(&id).is_some()
            || self.groups.get(&id).is_some()
            || self.roles.get(&id).is_some()
            || self.policies.get(&id).is_some();
        if is_taken { Err(Fault::IdTaken) } else { Ok(id) }
    }
}
