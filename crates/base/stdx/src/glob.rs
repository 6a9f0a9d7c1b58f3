//! Patterns of letters, `*` and `?`, matched under a budget of steps (B8).

use std::error::Error;
use std::fmt;
use std::sync::Arc;

/// Longest text of such a pattern in bytes.
pub const MAX_GLOB_BYTES: usize = 4_096;
/// Most steps that one match may take (B8). A step compares one letter.
pub const GLOB_STEPS: u32 = 10_000;

/// A pattern for a whole text: `*` stands for any letters, none too, `?` for one; `\` takes the letter behind it literally.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    text: Arc<str>,
    tokens: Arc<[Token]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Letter(char),
    One,
    Any,
}

/// Why a text is not such a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GlobError {
    /// Longer than [`MAX_GLOB_BYTES`].
    TooLong {
        /// Length of the text in bytes.
        len_bytes: usize,
    },
    /// Its last letter is a `\` that takes none.
    OpenEscape,
}

impl fmt::Display for GlobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { len_bytes } => {
                write!(f, "a pattern has {len_bytes} bytes; at most {MAX_GLOB_BYTES} are allowed")
            }
            Self::OpenEscape => f.write_str("a pattern ends with a backslash that takes no letter"),
        }
    }
}

impl Error for GlobError {}

/// Matching took more than [`GLOB_STEPS`]: whether it matches is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooCostly;

impl Glob {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`GlobError`] when it is too long or ends within an escape.
    pub fn new(text: &str) -> Result<Self, GlobError> {
        if text.len() > MAX_GLOB_BYTES {
            return Err(GlobError::TooLong { len_bytes: text.len() });
        }
        let mut tokens = Vec::new();
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            tokens.push(match letter {
                // Two of them say what one says, and cost more.
                '*' if tokens.last() == Some(&Token::Any) => continue,
                '*' => Token::Any,
                '?' => Token::One,
                '\\' => Token::Letter(letters.next().ok_or(GlobError::OpenEscape)?),
                other => Token::Letter(other),
            });
        }
        Ok(Self { text: text.into(), tokens: tokens.into() })
    }

    /// The text, as it was given.
    #[must_use]
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Whether it matches all of a text. After a mismatch only the last `*` takes one letter more: an earlier one need
    /// never, as the later one can take whatever it would.
    ///
    /// # Errors
    /// [`TooCostly`] once [`GLOB_STEPS`] are taken.
    pub fn is_match(&self, text: &str) -> Result<bool, TooCostly> {
        let (mut at, mut rest) = (0, text);
        let mut last_any: Option<(usize, &str)> = None;
        for _ in 0..GLOB_STEPS {
            let mut after = rest.chars();
            let letter = after.next();
            match (self.tokens.get(at), letter) {
                (Some(Token::Any), _) if at + 1 == self.tokens.len() => return Ok(true),
                (Some(Token::Any), _) => {
                    at += 1;
                    last_any = Some((at, rest));
                    continue;
                }
                (Some(Token::One), Some(_)) => {
                    (at, rest) = (at + 1, after.as_str());
                    continue;
                }
                (Some(Token::Letter(wanted)), Some(letter)) if *wanted == letter => {
                    (at, rest) = (at + 1, after.as_str());
                    continue;
                }
                (None, None) => return Ok(true),
                _ => {}
            }
            let Some((behind, from)) = last_any else { return Ok(false) };
            let mut from = from.chars();
            if from.next().is_none() {
                return Ok(false);
            }
            last_any = Some((behind, from.as_str()));
            (at, rest) = (behind, from.as_str());
        }
        Err(TooCostly)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_texts() {
        let check = |pattern: &str, good: &[&str], bad: &[&str]| {
            let glob = Glob::new(pattern).unwrap();
            for text in good {
                assert_eq!(glob.is_match(text), Ok(true), "{pattern} {text}");
            }
            for text in bad {
                assert_eq!(glob.is_match(text), Ok(false), "{pattern} {text}");
            }
        };
        check("", &[""], &["a"]);
        check("*", &["", "a", "a/b:c\n"], &[]);
        check("?", &["a", "ä", "/"], &["", "ab"]);
        check("a*b", &["ab", "aab", "abab", "a/b"], &["a", "b", "abc", "ba"]);
        check("a*b*c", &["abc", "abbc", "axbxcxc"], &["acb", "ab", "abcx"]);
        check("**a**", &["a", "bab"], &["", "b"]);
        check("?*", &["a", "ab"], &[""]);
        check("*ab?", &["abx", "ababx", "aabx"], &["ab", "abab"]);
        check("\\*\\?\\\\x", &["*?\\x"], &["a?\\x", "*b\\x"]);
        check("%2F/orders.*", &["%2F/orders.eu", "%2F/orders."], &["%2F/orders", "/orders.eu"]);
    }

    #[test]
    fn what_is_no_pattern() {
        let long = "a".repeat(MAX_GLOB_BYTES + 1);
        assert_eq!(Glob::new(&long), Err(GlobError::TooLong { len_bytes: MAX_GLOB_BYTES + 1 }));
        assert!(Glob::new(&long[1..]).is_ok());
        assert_eq!(Glob::new("a\\"), Err(GlobError::OpenEscape));
    }

    #[test]
    fn b8_a_match_ends_at_its_budget() {
        let hostile = Glob::new(&format!("*{}b", "a".repeat(400))).unwrap();
        assert_eq!(hostile.is_match(&"a".repeat(1_000)), Err(TooCostly));
        assert_eq!(hostile.is_match(&"a".repeat(100)), Ok(false));
        // As long as names are, what people write ends far below it.
        let usual = Glob::new("%2F/*-orders-*-eu").unwrap();
        assert_eq!(usual.is_match(&format!("%2F/{}-orders-x-eu", "a".repeat(255))), Ok(true));
    }
}
