//! RabbitMQ's configuration as the managed service takes it: a `rabbitmq.conf` of which few keys are permitted.
//!
//! What is not permitted, or has a value that is not, is taken out of the text and told ([`Removals`]); comments, order and
//! layout of the rest stay, and what comes out goes in again unchanged. The whole text is [`Unusable`] only when it can't be
//! told what its lines mean, or when taking a part out would turn it into something less safe.
//!
//! Owns: the table of permitted keys ([`permitted()`]), the limits by instance type ([`bound_of`]), what becomes of a
//! configuration on a node of ours ([`effective()`]). Must not know: brokers, revisions, who stores the text.

mod access;
mod effective;
mod keys;
mod limits;
mod reader;
mod size;
mod values;

use std::{collections::BTreeMap, fmt};

pub use effective::{Effective, WithoutEffect, effective};
pub use keys::{Kind, Permitted, Since, permitted};
pub use limits::{Bound, Limit, LimitExceeded, bound_of, check_limits};
pub use size::{Mode, Size, Unknown};

use crate::{removed::Removals, version::Version};

/// A text of which nothing can be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It is not text.
    #[error("the configuration is not UTF-8 (byte {offset})")]
    NotUtf8 {
        /// First byte that is wrong, from 0.
        offset: usize,
    },
    /// It is longer than [`crate::MAX_TEXT_BYTES`].
    #[error("the configuration has {bytes} bytes; at most {} are taken", crate::MAX_TEXT_BYTES)]
    TooLong {
        /// Its length in bytes.
        bytes: usize,
    },
    /// It has more lines than [`crate::MAX_LINES`].
    #[error("the configuration has more than {} lines", crate::MAX_LINES)]
    TooManyLines,
    /// A line that is not a setting, a comment or empty.
    #[error("line {line}: {text}")]
    Line {
        /// Line, from 1.
        line: usize,
        /// What is wrong, with at most 64 escaped bytes of the line.
        text: String,
    },
    /// LDAP without TLS, which no removal would make safe.
    #[error("auth_ldap needs auth_ldap.use_ssl = true or auth_ldap.use_starttls = true")]
    LdapWithoutTls,
}

/// A configuration after everything that is not permitted was taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sanitised {
    /// Its text.
    pub text: String,
    /// What was taken out.
    pub removals: Removals,
    /// What it sets.
    pub chosen: Chosen,
}

/// What a configuration sets: permitted keys with valid values only, for one version of the engine.
#[derive(Clone, PartialEq, Eq)]
pub struct Chosen {
    version: Version,
    values: BTreeMap<String, String>,
}

/// Names without values: those may name secrets (S11).
impl fmt::Debug for Chosen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys: Vec<&str> = self.values.keys().map(String::as_str).collect();
        f.debug_struct("Chosen").field("version", &self.version).field("keys", &keys).finish()
    }
}

impl Chosen {
    /// Version of the engine that it is for.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Value of a key, if it is set.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str)
    }

    /// Keys and values, in the order of the keys.
    pub fn values(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Whether somebody other than the broker says who its users are (LDAP, OAuth 2, HTTP, certificates). Such a broker's
    /// authentication strategy is `config_managed`.
    #[must_use]
    pub fn uses_external_auth(&self) -> bool {
        self.values().any(|(key, value)| match keys::first_word(key) {
            "auth_backends" => !access::INTERNAL.contains(&value),
            "auth_mechanisms" => value == access::EXTERNAL,
            _ => false,
        })
    }

    /// What decides who may log in and what they may do: two configurations that differ here differ in access.
    pub fn access(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values().filter(|(key, _)| keys::find(key).is_some_and(|permitted| permitted.is_access))
    }

    /// Role that the broker takes on to read certificates and secrets.
    #[must_use]
    pub fn assume_role_arn(&self) -> Option<&str> {
        self.value("aws.arns.assume_role_arn")
    }

    fn limit(&self, key: &str) -> Option<u64> {
        self.value(key).and_then(values::whole)
    }

    fn is_ldap_in_clear(&self) -> bool {
        let is_ldap = self.values().any(|(key, value)| {
            key.starts_with("auth_ldap.servers.")
                || (keys::first_word(key) == "auth_backends" && access::LDAP.contains(&value))
        });
        let is_on = |key| self.value(key) == Some("true");
        is_ldap && !is_on("auth_ldap.use_ssl") && !is_on("auth_ldap.use_starttls")
    }
}

/// Takes out of a configuration what a broker of this version may not have.
///
/// # Errors
/// [`Unusable`] for the text as a whole.
pub fn sanitise(bytes: &[u8], version: Version) -> Result<Sanitised, Unusable> {
    let (text, entries) = reader::read(bytes)?;
    let mut removals = Removals::default();
    let mut values = BTreeMap::new();
    let mut kept = String::with_capacity(text.len());
    let mut copied = 0;
    for entry in entries {
        let word = keys::first_word(&entry.key);
        let is_kept = match keys::find(&entry.key).filter(|key| values::is_since(version, key.since)) {
            None if keys::is_family(word) && word != entry.key => {
                removals.attribute(word, &entry.key);
                false
            }
            None => {
                removals.element(&entry.key);
                false
            }
            Some(key) if !values::is_valid(key.kind, &entry.value, version) => {
                removals.value(word, &entry.key);
                false
            }
            Some(_) => true,
        };
        if is_kept {
            values.insert(entry.key, entry.value);
        } else {
            kept.push_str(text.get(copied..entry.range.start).unwrap_or_default());
            copied = entry.range.end;
        }
    }
    kept.push_str(text.get(copied..).unwrap_or_default());
    let chosen = Chosen { version, values };
    if chosen.is_ldap_in_clear() {
        return Err(Unusable::LdapWithoutTls);
    }
    Ok(Sanitised { text: kept, removals, chosen })
}

/// The configuration that a broker gets when it is made without one.
#[must_use]
pub fn default_text() -> &'static str {
    "# A key that is not set here has the default of the broker's instance type.\nconsumer_timeout = 1800000\n"
}

#[cfg(test)]
mod tests;
