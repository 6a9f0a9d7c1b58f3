//! What is said of a directory: a JSON object with the members that the managed service has for it.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use ternmq_access::Secret;
use ternmq_stdx::shown;
use zeroize::Zeroizing;

use crate::filter::Filter;
use crate::name;

/// The port of LDAP over TLS.
const PORT: u16 = 636;
/// Most hosts.
const MAX_HOSTS: usize = 8;
/// Longest text of the file in bytes.
pub const MAX_TEXT_BYTES: usize = 64 << 10;

/// A server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Name, as its certificate has it, or address.
    pub name: String,
    /// Port of LDAP over TLS.
    pub port: u16,
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.name.contains(':') {
            write!(f, "[{}]:{}", self.name, self.port)
        } else {
            write!(f, "{}:{}", self.name, self.port)
        }
    }
}

impl Host {
    /// `NAME`, `NAME:PORT`, an address, `[ADDRESS]:PORT`.
    fn parse(text: &str) -> Result<Self, String> {
        let refuse = || {
            if text.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("ldap://")) {
                return format!(
                    "'{}' would not be TLS from the first byte, and StartTLS is not spoken; say NAME or NAME:PORT of \
                     a server's port for ldaps",
                    shown(text)
                );
            }
            format!("'{}' is no host; say NAME or NAME:PORT, without a scheme", shown(text))
        };
        let (name, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((name, port)) => (name, port.strip_prefix(':')),
            None if text.parse::<std::net::IpAddr>().is_ok() => (text, None),
            None => text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port))),
        };
        let port = port.map_or(Ok(PORT), |port| port.parse().map_err(|_| refuse()))?;
        rustls::pki_types::ServerName::try_from(name).map_err(|_| refuse())?;
        Ok(Self { name: name.to_owned(), port })
    }
}

/// A directory and how users and their groups are found in it.
#[derive(Clone)]
pub struct Settings {
    /// Servers, in the order in which they are tried.
    pub hosts: Vec<Host>,
    /// Distinguished name by which entries are looked for.
    pub service_name: String,
    /// Its password.
    pub service_password: Secret,
    /// Below this the users are.
    pub user_base: String,
    /// What finds the entry of a user, `{0}` being the user's name.
    pub user_filter: Filter,
    /// Users may be further down than one level.
    pub is_user_subtree: bool,
    /// Attribute of a user's entry whose values are groups.
    pub user_role_attribute: Option<String>,
    /// Below this the groups are.
    pub role_base: String,
    /// What finds the groups of a user: `{0}` is the name of its entry, `{1}` the user's name.
    pub role_filter: Filter,
    /// Groups may be further down than one level.
    pub is_role_subtree: bool,
    /// Attribute of a group's entry whose value is its name; absent: no groups are looked for.
    pub role_attribute: Option<String>,
    /// Authorities that are trusted beside the public ones.
    pub ca_file: Option<PathBuf>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Never the password (S11).
        f.debug_struct("Settings").field("hosts", &self.hosts).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Text {
    hosts: Vec<String>,
    service_account_username: String,
    #[serde(deserialize_with = "secret")]
    service_account_password: Zeroizing<String>,
    user_base: String,
    user_search_matching: String,
    #[serde(default)]
    user_search_subtree: bool,
    user_role_name: Option<String>,
    role_base: String,
    role_search_matching: String,
    #[serde(default)]
    role_search_subtree: bool,
    role_name: Option<String>,
    ca_file: Option<PathBuf>,
}

fn secret<'de, D: serde::Deserializer<'de>>(text: D) -> Result<Zeroizing<String>, D::Error> {
    String::deserialize(text).map(Zeroizing::new)
}

impl Settings {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// What is wrong with it, in words that hold no secret.
    pub fn parse(text: &[u8]) -> Result<Self, String> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(format!("it has more than {MAX_TEXT_BYTES} bytes"));
        }
        // The reader's own words could hold a value, so only the place is told (S11).
        let text: Text = serde_json::from_slice(text).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => {
                format!("line {} has a member that is unknown, missing or of another type", error.line())
            }
            _ => format!("it is no JSON object (line {}, column {})", error.line(), error.column()),
        })?;
        if !(1..=MAX_HOSTS).contains(&text.hosts.len()) {
            return Err(format!("hosts has to name 1 to {MAX_HOSTS} hosts"));
        }
        let filter = |member: &str, text: &str| {
            Filter::parse(text).map_err(|error| format!("{member} can't be used: {error}"))
        };
        for (member, base) in [("userBase", &text.user_base), ("roleBase", &text.role_base)] {
            name::parts(base).map_err(|error| format!("{member} can't be used: {error}"))?;
        }
        if text.service_account_username.is_empty() || text.service_account_password.is_empty() {
            return Err("serviceAccountUsername and serviceAccountPassword must not be empty".to_owned());
        }
        Ok(Self {
            hosts: text.hosts.iter().map(|host| Host::parse(host)).collect::<Result<_, _>>()?,
            service_name: text.service_account_username,
            service_password: Secret::new(text.service_account_password.as_bytes().to_vec()),
            user_base: text.user_base,
            user_filter: filter("userSearchMatching", &text.user_search_matching)?,
            is_user_subtree: text.user_search_subtree,
            user_role_attribute: attribute("userRoleName", text.user_role_name)?,
            role_base: text.role_base,
            role_filter: filter("roleSearchMatching", &text.role_search_matching)?,
            is_role_subtree: text.role_search_subtree,
            role_attribute: attribute("roleName", text.role_name)?,
            ca_file: text.ca_file,
        })
    }
}

fn attribute(member: &str, name: Option<String>) -> Result<Option<String>, String> {
    let name = name.filter(|name| !name.is_empty());
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b';');
    match name {
        Some(name) if name.len() > 255 || !name.bytes().all(is_letter) => {
            Err(format!("{member} is no name of an attribute"))
        }
        name => Ok(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) const WHOLE: &str = r#"{"hosts": ["ldap.example.com", "[2001:db8::1]:1636"],
        "serviceAccountUsername": "cn=mq,dc=x", "serviceAccountPassword": "s3cret-word",
        "userBase": "ou=people,dc=x", "userSearchMatching": "(uid={0})", "userSearchSubtree": true,
        "userRoleName": "memberOf", "roleBase": "ou=groups,dc=x", "roleSearchMatching": "(member={0})",
        "roleName": "cn", "caFile": "/ca.pem"}"#;

    #[test]
    fn a_whole_file_is_read() {
        let read = Settings::parse(WHOLE.as_bytes()).unwrap();
        let hosts: Vec<String> = read.hosts.iter().map(ToString::to_string).collect();
        assert_eq!(hosts, ["ldap.example.com:636", "[2001:db8::1]:1636"]);
        assert!(read.is_user_subtree && !read.is_role_subtree);
        assert_eq!(
            (read.user_role_attribute.as_deref(), read.role_attribute.as_deref()),
            (Some("memberOf"), Some("cn"))
        );
        assert!(!format!("{read:?}").contains("s3cret"));
    }

    #[test]
    fn what_can_not_be_used_is_refused_without_a_secret() {
        let check = |old: &str, new: &str, expect: &str| {
            let text = WHOLE.replacen(old, new, 1);
            assert_ne!(text, WHOLE);
            let problem = Settings::parse(text.as_bytes()).unwrap_err();
            assert!(problem.contains(expect) && !problem.contains("s3cret"), "{new}: {problem}");
        };
        check("\"hosts\"", "\"host\"", "unknown, missing or of another type");
        check("\"s3cret-word\"", "[\"s3cret\"]", "unknown, missing or of another type");
        check("\"s3cret-word\"", "\"\"", "must not be empty");
        check("\"ldap.example.com\", \"[2001:db8::1]:1636\"", "", "hosts has to name 1 to 8");
        check("ldap.example.com", "ldaps://ldap.example.com", "is no host");
        check("ldap.example.com", "ldap://ldap.example.com:389", "StartTLS is not spoken");
        check("ldap.example.com", "ldap.example.com:99999", "is no host");
        check("ou=people,dc=x", "people", "userBase can't be used");
        check("(uid={0})", "(uid={0}", "userSearchMatching can't be used");
        check("(member={0})", "()", "roleSearchMatching can't be used");
        check("memberOf", "member of", "userRoleName is no name");
        check("\"/ca.pem\"}", "\"/ca.pem\"", "no JSON object");
        assert!(Settings::parse(&[b' '; MAX_TEXT_BYTES + 1]).is_err());
    }
}
