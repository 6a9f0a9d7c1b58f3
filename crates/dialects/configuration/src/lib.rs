//! Vendors' configuration files: text in, typed [`Settings`] and [`Warning`]s out.
//!
//! Owns: the `key = value` syntax of `rabbitmq.conf`, the table of its keys ([`keys()`]) from which parser, messages and
//! documentation come, and the types of their values; what the managed service permits in a configuration of either
//! engine ([`rabbitmq_service`], [`activemq_service`]).
//! Must not know: where the text came from, what a setting does to a running broker. No I/O.
//!
//! Invariants: a key that has no effect here is never taken silently; a value that can't be used is an error with
//! its line, and then nothing is used at all; text of a file never becomes part of a message beyond 64 escaped
//! bytes (B7), a password not at all (S11).

#![forbid(unsafe_code)]

mod keys;
mod listeners;
mod mqtt;
mod served;
mod served_tls;
mod stomp;
mod without;

mod settings;
mod suggest;
mod syntax;
mod values;

mod removed;
mod version;

pub mod activemq_service;
pub mod rabbitmq_service;

pub use keys::{Effect, Judge, Key, Set, Verdict, keys};
pub use listeners::{Listeners, NamedListener};
pub use mqtt::MqttSettings;
pub use removed::{MAX_TOLD_NAME_BYTES, MAX_TOLD_REMOVALS, Reason, Removal, Removals};
pub use stomp::StompSettings;
pub use version::{NotAVersion, Version};

pub use settings::{
    CertificateLogin, DefaultUser, FreeDiskLimit, LogLevel, MemoryLimit, Password, Permissions, SanKind,
    Settings, TcpOptions, Timeout, TlsSettings, TlsVersion,
};

use std::collections::{BTreeMap, BTreeSet};

use syntax::Line;

/// Longest configuration text in bytes (guarantees, section 6).
pub const MAX_TEXT_BYTES: usize = 1 << 20;
/// Most lines of a configuration text.
pub const MAX_LINES: usize = 10_000;
/// Most problems that one reading reports; it ends there.
pub const MAX_PROBLEMS: usize = 100;
/// Most warnings that one reading reports; further ones are counted.
pub const MAX_WARNINGS: usize = 100;

/// Something in the text that has no effect, or another one than its writer may think.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Line, from 1.
    pub line: usize,
    /// What it is.
    pub text: String,
}

/// Something in the text that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {text}")]
pub struct Problem {
    /// Line, from 1.
    pub line: usize,
    /// What is wrong and how to mend it.
    pub text: String,
}

impl std::fmt::Display for Warning {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "line {}: {}", self.line, self.text)
    }
}

/// A text that was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loaded {
    /// What it sets.
    pub settings: Settings,
    /// What its writer should know, in order of lines, at most [`MAX_WARNINGS`].
    pub warnings: Vec<Warning>,
    /// Warnings beyond that.
    pub more_warnings: usize,
}

/// Reads a configuration text, in time that grows with its length.
///
/// # Errors
/// Every line that can't be used, in order, at most [`MAX_PROBLEMS`] of them.
pub fn parse(text: &str) -> Result<Loaded, Vec<Problem>> {
    check_size(text)?;
    let mut reading = Reading::default();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        reading.line = index + 1;
        let taken = match syntax::read_line(line) {
            Ok(Line::Nothing) => Ok(()),
            Ok(Line::Setting { key, value }) => reading.take(&key, &value),
            Err(text) => Err(text),
        };
        if let Err(text) = taken {
            reading.problems.push(Problem { line: reading.line, text });
            if reading.problems.len() >= MAX_PROBLEMS {
                break;
            }
        }
    }
    reading.finish()
}

/// A text past its limits is refused whole, with one reason.
fn check_size(text: &str) -> Result<(), Vec<Problem>> {
    let refuse = |line, text| Err(vec![Problem { line, text }]);
    if text.len() > MAX_TEXT_BYTES {
        return refuse(1, format!("the file has {} bytes; at most {MAX_TEXT_BYTES} are read", text.len()));
    }
    if text.lines().nth(MAX_LINES).is_some() {
        return refuse(MAX_LINES + 1, format!("the file has more than {MAX_LINES} lines; no more are read"));
    }
    Ok(())
}

/// One reading of a text.
#[derive(Default)]
struct Reading {
    loaded: Loaded,
    problems: Vec<Problem>,
    line: usize,
    /// Line of each key.
    seen: BTreeMap<String, usize>,
    /// Families of keys that were spoken of: once is enough.
    told: BTreeSet<&'static str>,
}

impl Reading {
    fn warn(&mut self, text: impl FnOnce() -> String) {
        if self.loaded.warnings.len() < MAX_WARNINGS {
            self.loaded.warnings.push(Warning { line: self.line, text: text() });
        } else {
            self.loaded.more_warnings += 1;
        }
    }

    fn take(&mut self, key: &str, value: &str) -> Result<(), String> {
        if let Some(first) = self.seen.insert(key.to_owned(), self.line) {
            self.warn(|| {
                format!("{} was set on line {first} already; the later value counts", ternmq_stdx::shown(key))
            });
        }
        let Some((declared, name)) = keys::find(key) else {
            self.warn(|| unknown(key));
            return Ok(());
        };
        // The declared name is shown, not the file's: a message has text of the file once (B7).
        let named = |problem| format!("{}: {problem}", declared.name);
        let verdict = match declared.effect {
            Effect::Sets(set) => {
                return set(&mut self.loaded.settings, name, value).map_err(named);
            }
            Effect::Depends(judge) => judge(value).map_err(named)?,
            Effect::Ignored(reason) => Verdict::Ignored(reason),
            Effect::Refused(reason) => Verdict::Refused(reason),
        };
        let (is_refused, reason) = match verdict {
            Verdict::AsItIs => return Ok(()),
            Verdict::Ignored(reason) => (false, reason),
            Verdict::Refused(reason) => (true, reason),
        };
        if declared.is_family() && !self.told.insert(declared.name) {
            return Ok(());
        }
        let others = if declared.is_family() { " (said once for all keys like it)" } else { "" };
        let key = ternmq_stdx::shown(key);
        if is_refused {
            return Err(format!("{key} can't be served: {reason}; take the line out{others}"));
        }
        self.warn(|| format!("{key} has no effect: {reason}{others}"));
        Ok(())
    }

    fn finish(mut self) -> Result<Loaded, Vec<Problem>> {
        for (absolute, relative) in [
            ("vm_memory_high_watermark.absolute", "vm_memory_high_watermark.relative"),
            ("disk_free_limit.absolute", "disk_free_limit.relative"),
        ] {
            if let (true, Some(line)) = (self.seen.contains_key(absolute), self.seen.get(relative).copied()) {
                self.line = line;
                self.warn(|| format!("{relative} has no effect: {absolute} is set"));
            }
        }
        self.loaded.warnings.sort_by_key(|warning| warning.line);
        if let Err(text) = self.loaded.settings.check() {
            let named = ["default_pass", "default_user"].into_iter().find(|key| text.contains(key));
            // The key that the rule speaks of first.
            let first = text.split_whitespace().next().unwrap_or_default();
            let of_family = self.seen.keys().find(|key| key.starts_with(first)).map(String::as_str);
            let line = named
                .into_iter()
                .chain(of_family)
                .collect::<Vec<_>>()
                .iter()
                .find_map(|key| self.seen.get(*key))
                .copied();
            let line = line.unwrap_or(1);
            self.problems.push(Problem { line, text });
        }
        self.loaded.settings.settle();
        if self.problems.is_empty() { Ok(self.loaded) } else { Err(self.problems) }
    }
}

fn unknown(key: &str) -> String {
    let shown = ternmq_stdx::quoted(key);
    match suggest::nearest(key, keys().map(|key| key.name)) {
        Some(near) => format!("{shown} is not a key of this broker and has no effect; did you mean {near}?"),
        None => format!("{shown} is not a key of this broker and has no effect"),
    }
}

#[cfg(test)]
mod tests;
