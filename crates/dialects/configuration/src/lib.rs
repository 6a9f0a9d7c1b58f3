//! Vendors' configuration files: text in, typed [`Settings`] and [`Warning`]s out.
//!
//! Owns: the `key = value` syntax of `rabbitmq.conf`, the table of its keys ([`KEYS`]) from which parser, messages and
//! documentation come, and the types of their values.
//! Must not know: where the text came from, what a setting does to a running broker. No I/O.
//!
//! Invariants: a key that has no effect here is never taken silently; a value that can't be used is an error with
//! its line, and then nothing is used at all; text of a file never becomes part of a message beyond 64 escaped
//! characters (B7), a password not at all (S11).

#![forbid(unsafe_code)]

mod keys;
mod settings;
mod suggest;
mod syntax;
mod values;

pub use keys::{Effect, KEYS, Key};
pub use settings::{
    DefaultUser, FreeDiskLimit, LogLevel, MemoryLimit, NamedListener, Password, Permissions, Settings,
    Timeout,
};

use std::collections::BTreeMap;

use syntax::Line;

/// Longest configuration text in bytes (guarantees, section 6).
pub const MAX_TEXT_BYTES: usize = 1 << 20;
/// Most problems that one reading reports.
pub const MAX_PROBLEMS: usize = 100;

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
    /// What its writer should know, in order of lines.
    pub warnings: Vec<Warning>,
}

/// Reads a configuration text.
///
/// # Errors
/// Every line that can't be used, in order, at most [`MAX_PROBLEMS`] of them.
pub fn parse(text: &str) -> Result<Loaded, Vec<Problem>> {
    if text.len() > MAX_TEXT_BYTES {
        let text = format!("the file has {} bytes; at most {MAX_TEXT_BYTES} are read", text.len());
        return Err(vec![Problem { line: 1, text }]);
    }
    let mut loaded = Loaded::default();
    let mut problems = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line_number = index + 1;
        let taken = match syntax::read_line(line) {
            Ok(Line::Nothing) => Ok(()),
            Ok(Line::Setting { key, value }) => {
                if let Some(first) = seen.insert(key.clone(), line_number) {
                    let text = format!("{key} was set on line {first} already; the later value counts");
                    loaded.warnings.push(Warning { line: line_number, text });
                }
                take(&mut loaded, line_number, &key, &value)
            }
            Err(text) => Err(text),
        };
        if let Err(text) = taken {
            problems.push(Problem { line: line_number, text });
            if problems.len() >= MAX_PROBLEMS {
                return Err(problems);
            }
        }
    }
    if let Err(text) = loaded.settings.check() {
        let line =
            ["default_pass", "default_user"].iter().find_map(|key| seen.get(*key)).copied().unwrap_or(1);
        problems.push(Problem { line, text });
    }
    if problems.is_empty() { Ok(loaded) } else { Err(problems) }
}

fn take(loaded: &mut Loaded, line: usize, key: &str, value: &str) -> Result<(), String> {
    let mut warn = |text: String| loaded.warnings.push(Warning { line, text });
    let Some((declared, name)) = keys::find(key) else {
        let shown = values::quoted(key);
        warn(match suggest::nearest(key, KEYS.iter().map(|key| key.name)) {
            Some(near) => {
                format!("{shown} is not a key of this broker and has no effect; did you mean {near}?")
            }
            None => format!("{shown} is not a key of this broker and has no effect"),
        });
        return Ok(());
    };
    match declared.effect {
        Effect::Sets(set) => {
            set(&mut loaded.settings, name, value).map_err(|problem| format!("{key}: {problem}"))
        }
        Effect::Ignored(reason) => {
            warn(format!("{key} has no effect: {reason}"));
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests;
