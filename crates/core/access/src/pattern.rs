//! Patterns of permissions: regular expressions that match in linear time (B8).

use std::{
    collections::BTreeMap,
    sync::{Arc, Weak},
};

use regex::bytes::{Regex, RegexBuilder};
use thiserror::Error;

/// Longest text of a pattern in bytes.
pub const MAX_PATTERN_BYTES: usize = 4_096;
/// Largest compiled program of a pattern in bytes.
pub const MAX_PROGRAM_BYTES: usize = 65_536;
/// Memory for the states that matching makes on the way, in bytes.
const MAX_STATES_BYTES: usize = 256 * 1_024;
/// Nested groups in a pattern.
const MAX_NESTING: u32 = 32;

/// A compiled pattern. It matches anywhere in a name unless it is anchored; the empty pattern matches nothing.
#[derive(Clone, Debug)]
pub struct Pattern(Form);

#[derive(Clone, Debug)]
enum Form {
    Nothing,
    Everything,
    Expression(Regex),
}

/// Why a text is not a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PatternError {
    /// Longer than [`MAX_PATTERN_BYTES`].
    #[error("the pattern has {len_bytes} bytes; at most {MAX_PATTERN_BYTES} are allowed")]
    TooLong {
        /// Length of the text in bytes.
        len_bytes: usize,
    },
    /// The program would be larger than [`MAX_PROGRAM_BYTES`].
    #[error(
        "the pattern compiles to more than {MAX_PROGRAM_BYTES} bytes; use smaller repetitions and classes"
    )]
    TooLarge,
    /// Not a regular expression, or one that cannot match in linear time.
    #[error(
        "the pattern is not a valid regular expression (look-around and back references are not available)"
    )]
    Invalid,
}

impl Pattern {
    /// Compiles a pattern.
    ///
    /// # Errors
    /// [`PatternError`] when it is too long, too large or invalid.
    pub fn new(text: &str) -> Result<Self, PatternError> {
        if text.len() > MAX_PATTERN_BYTES {
            return Err(PatternError::TooLong { len_bytes: text.len() });
        }
        match text {
            "" => Ok(Self(Form::Nothing)),
            ".*" | "^.*" => Ok(Self(Form::Everything)),
            // Classes mean ASCII, as the patterns that people bring along expect. Only a class with other letters in
            // it asks for Unicode.
            _ => compile(text, Letters::Ascii)
                .or_else(|error| match error {
                    PatternError::Invalid => compile(text, Letters::Unicode),
                    PatternError::TooLong { .. } | PatternError::TooLarge => Err(error),
                })
                .map(|regex| Self(Form::Expression(regex))),
        }
    }

    /// Whether it matches a name.
    #[must_use]
    pub fn is_match(&self, name: &str) -> bool {
        match &self.0 {
            Form::Nothing => false,
            Form::Everything => true,
            Form::Expression(regex) => regex.is_match(name.as_bytes()),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Letters {
    Ascii,
    Unicode,
}

fn compile(text: &str, letters: Letters) -> Result<Regex, PatternError> {
    RegexBuilder::new(text)
        .unicode(letters == Letters::Unicode)
        .size_limit(MAX_PROGRAM_BYTES)
        .dfa_size_limit(MAX_STATES_BYTES)
        .nest_limit(MAX_NESTING)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => PatternError::TooLarge,
            _ => PatternError::Invalid,
        })
}

/// A pattern with variables, `{name}`, that stand for literal text (S8).
#[derive(Clone, Debug)]
pub(crate) enum Template {
    /// No variables in it.
    Fixed(Arc<Pattern>),
    /// The text, valid as a pattern whatever the variables stand for.
    Open(Arc<str>),
}

impl Template {
    pub(crate) fn new(text: &Arc<str>, store: &mut PatternStore) -> Result<Self, PatternError> {
        let mut has_variables = false;
        let sample = substitute(text, |_| {
            has_variables = true;
            Some("x")
        });
        if !has_variables {
            return store.get(text).map(Self::Fixed);
        }
        if text.len() > MAX_PATTERN_BYTES {
            return Err(PatternError::TooLong { len_bytes: text.len() });
        }
        Pattern::new(&sample.unwrap_or_default())?;
        Ok(Self::Open(Arc::clone(text)))
    }
}

/// Text with each `{name}` replaced by its value, quoted so that it matches only itself (S8). `None` when a variable
/// has no value.
pub(crate) fn substitute<'a>(
    text: &str,
    mut value_of: impl FnMut(&str) -> Option<&'a str>,
) -> Option<String> {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        result.push_str(before);
        match after.split_once('}') {
            Some((name, tail)) if is_variable(name) => {
                // In a group, so that what stands before or after it in the pattern acts on all of it or not at all.
                result.push_str("(?:");
                result.push_str(&regex::escape(value_of(name)?));
                result.push(')');
                rest = tail;
            }
            _ => {
                result.push('{');
                rest = after;
            }
        }
    }
    result.push_str(rest);
    Some(result)
}

/// Letters, `_` and `-`, so that a repetition like `{2,3}` is none.
fn is_variable(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'-'))
}

/// Compiled patterns by text: most users have the same few.
#[derive(Clone, Debug, Default)]
pub(crate) struct PatternStore {
    patterns: BTreeMap<Arc<str>, Weak<Pattern>>,
    prune_at: usize,
}

impl PatternStore {
    /// The pattern of every name.
    pub(crate) fn everything(&self) -> Arc<Pattern> {
        Arc::new(Pattern(Form::Everything))
    }

    pub(crate) fn get(&mut self, text: &Arc<str>) -> Result<Arc<Pattern>, PatternError> {
        if let Some(pattern) = self.patterns.get(text).and_then(Weak::upgrade) {
            return Ok(pattern);
        }
        let pattern = Arc::new(Pattern::new(text)?);
        if self.patterns.len() >= self.prune_at {
            self.patterns.retain(|_, pattern| pattern.strong_count() > 0);
            self.prune_at = 64 + 2 * self.patterns.len();
        }
        self.patterns.insert(Arc::clone(text), Arc::downgrade(&pattern));
        Ok(pattern)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_anywhere_unless_anchored() {
        let check = |pattern: &str, name: &str, expect: bool| {
            assert_eq!(Pattern::new(pattern).unwrap().is_match(name), expect, "{pattern:?} on {name:?}");
        };
        check("", "", false);
        check("", "a", false);
        check("^$", "", true);
        check("^$", "a", false);
        check(".*", "", true);
        check("^.*$", "anything", true);
        check("order", "my-orders", true);
        check("^order", "my-orders", false);
        check("^(a|b)$", "b", true);
        check("^q\\d{2,3}$", "q123", true);
        check("^q\\d{2,3}$", "q1", false);
        check("^\\w+$", "größe", false);
        check("^.+$", "größe", true);
        check("^gr[öo]ße$", "größe", true);
        check("größe", "größe", true);
    }

    #[test]
    fn b8_patterns_that_cost_too_much_are_refused() {
        let check = |pattern: &str, expect: PatternError| {
            assert_eq!(Pattern::new(pattern).map(|_| ()), Err(expect), "{pattern:?}");
        };
        check("(", PatternError::Invalid);
        check("(?=a)", PatternError::Invalid);
        check("(a)\\1", PatternError::Invalid);
        check("((a{100}){100}){100}", PatternError::TooLarge);
        check(&"(".repeat(1_000), PatternError::Invalid);
        check(&"a".repeat(MAX_PATTERN_BYTES + 1), PatternError::TooLong { len_bytes: MAX_PATTERN_BYTES + 1 });
    }

    #[test]
    fn s8_values_are_literal() {
        let value_of = |name: &str| match name {
            "username" => Some("a.*|b"),
            "empty" => Some(""),
            _ => None,
        };
        let check = |text: &str, expect: Option<&str>| {
            assert_eq!(substitute(text, value_of).as_deref(), expect, "{text:?}");
        };
        check("^{username}$", Some("^(?:a\\.\\*\\|b)$"));
        check("{username}{empty}x", Some("(?:a\\.\\*\\|b)(?:)x"));
        check("a{2,3}", Some("a{2,3}"));
        check("{", Some("{"));
        check("{{empty}}", Some("{(?:)}"));
        check("{unknown}", None);
    }

    #[test]
    fn s8_a_pattern_that_would_escape_a_value_is_refused() {
        let mut store = PatternStore::default();
        let mut check = |text: &str, is_taken: bool| {
            assert_eq!(Template::new(&Arc::from(text), &mut store).is_ok(), is_taken, "{text:?}");
        };
        check("^{username}*$", true);
        check("^\\{username}$", false);
        check("^{username}(", false);
        check(&format!("{{a}}{}", "b".repeat(MAX_PATTERN_BYTES)), false);
    }

    #[test]
    fn equal_texts_share_a_pattern_as_long_as_somebody_uses_it() {
        let mut store = PatternStore::default();
        let text: Arc<str> = Arc::from("^a");
        let first = store.get(&text).unwrap();
        assert!(Arc::ptr_eq(&first, &store.get(&text).unwrap()));
        for n in 0..1_000 {
            store.get(&Arc::from(format!("^{n}$"))).unwrap();
        }
        assert!(store.patterns.len() <= 66, "{}", store.patterns.len());
        assert!(Arc::ptr_eq(&first, &store.get(&text).unwrap()));
    }
}
