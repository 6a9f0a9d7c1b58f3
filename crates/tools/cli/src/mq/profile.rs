//! The files in which AWS's tools keep credentials and settings: INI with one section a profile.
//!
//! As AWS's tools read them: a comment begins with `#` or `;` at the start of a line or after a blank, names are taken in
//! any case, a later value replaces an earlier one, sections of the same name are one. Indented lines belong to the setting
//! before them and are passed over.

use std::collections::HashMap;
use std::fmt;

/// Longest file in bytes that is read.
pub(crate) const MAX_BYTES: usize = 1 << 20;
/// Longest line in bytes.
const MAX_LINE_BYTES: usize = 16 * 1_024;
/// Most profiles of one file.
const MAX_PROFILES: usize = 10_000;

/// How sections are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `[name]`.
    Credentials,
    /// `[profile name]`, and `[default]`; other sections are not of profiles.
    Config,
}

/// Settings of one profile by their names in lower case. Values may be secrets: nothing here prints them (S11).
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Profile(HashMap<String, String>);

impl Profile {
    /// A setting that is there and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What is wrong, in which line from 1. It shows nothing of the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wrong {
    pub(crate) line: usize,
    pub(crate) what: &'static str,
}

/// Profiles by name.
pub(crate) fn parse(text: &str, form: Form) -> Result<HashMap<String, Profile>, Wrong> {
    let mut profiles: HashMap<String, Profile> = HashMap::new();
    let mut place = Place::Outside;
    for (index, line) in text.lines().enumerate() {
        let wrong = |what| Wrong { line: index + 1, what };
        if line.len() > MAX_LINE_BYTES {
            return Err(wrong("is too long"));
        }
        // An editor's mark of UTF-8 is no part of the first section.
        let line = line.strip_prefix('\u{feff}').unwrap_or(line);
        if line.trim().is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if line.starts_with([' ', '\t']) {
            match place {
                Place::Outside => return Err(wrong("is indented, but belongs to no setting")),
                Place::Elsewhere | Place::Profile(_) => continue,
            }
        }
        let line = without_comment(line);
        if let Some(rest) = line.strip_prefix('[') {
            let name = rest.strip_suffix(']').ok_or_else(|| wrong("has a [ without its ]"))?;
            place = section(name.trim(), form);
            if let Place::Profile(name) = &place {
                profiles.entry(name.clone()).or_default();
            }
            if profiles.len() > MAX_PROFILES {
                return Err(wrong("begins one profile too many"));
            }
            continue;
        }
        let (name, value) =
            line.split_once('=').ok_or_else(|| wrong("is neither a [section] nor NAME = VALUE"))?;
        match &place {
            Place::Outside => return Err(wrong("stands before the first [section]")),
            Place::Elsewhere => {}
            Place::Profile(profile) => {
                let settings = &mut profiles.entry(profile.clone()).or_default().0;
                settings.insert(name.trim().to_lowercase(), value.trim().to_owned());
            }
        }
    }
    Ok(profiles)
}

/// Where the reader is.
enum Place {
    /// Before the first section.
    Outside,
    /// In a section that is no profile.
    Elsewhere,
    Profile(String),
}

fn section(name: &str, form: Form) -> Place {
    let own = match form {
        Form::Credentials => Some(name),
        Form::Config if name == "default" => Some(name),
        Form::Config => name
            .strip_prefix("profile")
            .filter(|rest| rest.starts_with([' ', '\t', '"', '\'']))
            .map(|rest| rest.trim().trim_matches(['"', '\''])),
    };
    match own {
        Some(name) if !name.is_empty() => Place::Profile(name.to_owned()),
        _ => Place::Elsewhere,
    }
}

fn without_comment(line: &str) -> &str {
    let begin = line.char_indices().zip(line.chars().skip(1)).find_map(|((at, letter), next)| {
        (matches!(letter, ' ' | '\t') && matches!(next, '#' | ';')).then_some(at)
    });
    begin.and_then(|at| line.get(..at)).unwrap_or(line).trim_end()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Profiles in order, with their settings.
    fn check(text: &str, form: Form, expect: &str) {
        let answer = match parse(text, form) {
            Ok(profiles) => {
                let mut all: Vec<String> = profiles
                    .iter()
                    .map(|(name, profile)| {
                        let mut settings: Vec<String> =
                            profile.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
                        settings.sort();
                        format!("{name}: {}", settings.join(" "))
                    })
                    .collect();
                all.sort();
                all.join(" | ")
            }
            Err(wrong) => format!("line {} {}", wrong.line, wrong.what),
        };
        assert_eq!(answer, expect, "{text}");
    }

    #[test]
    fn credentials() {
        let text = "# mine\n[default]\naws_access_key_id = A\nAWS_Secret_Access_Key=b/+=c\n\n[ other ]\naws_session_token = t\n";
        let expect = "default: aws_access_key_id=A aws_secret_access_key=b/+=c | other: aws_session_token=t";
        check(text, Form::Credentials, expect);
        check(&text.replace('\n', "\r\n"), Form::Credentials, expect);
        check(&format!("\u{feff}{}", &text[7..]), Form::Credentials, expect);
        check("", Form::Credentials, "");
        check("[a]\n[b]\nx=1\n[a]\nx=1\nx=2", Form::Credentials, "a: x=2 | b: x=1");
    }

    #[test]
    fn config() {
        let text = "[default]\nregion = eu-west-1 # near\n[profile dev]\nendpoint_url=http://h:1/#x\n[profile \"a b\"]\nregion=r\n\
                    [services s]\nmq =\n  endpoint_url = http://no\n[profile]\nregion=x\n[other]\nregion=x\n[profiles]\nregion=x";
        check(
            text,
            Form::Config,
            "a b: region=r | default: region=eu-west-1 | dev: endpoint_url=http://h:1/#x",
        );
        check("[default]\ns3 =\n  x = 1\n\ty = 2\nregion = r", Form::Config, "default: region=r s3=");
    }

    #[test]
    fn what_is_wrong_is_told_by_line_alone() {
        check("a = b", Form::Config, "line 1 stands before the first [section]");
        check("\n[default", Form::Config, "line 2 has a [ without its ]");
        check("[default]\nsecret", Form::Config, "line 2 is neither a [section] nor NAME = VALUE");
        check("  a = b", Form::Config, "line 1 is indented, but belongs to no setting");
        check(&"x".repeat(MAX_LINE_BYTES + 1), Form::Config, "line 1 is too long");
        let many: String = (0..=MAX_PROFILES).map(|number| format!("[{number}]\n")).collect();
        check(&many, Form::Credentials, "line 10001 begins one profile too many");
    }

    #[test]
    fn values_are_not_printed() {
        let profiles = parse("[default]\naws_secret_access_key = hidden", Form::Credentials).unwrap();
        assert_eq!(format!("{profiles:?}"), r#"{"default": {"aws_secret_access_key"}}"#);
    }
}
