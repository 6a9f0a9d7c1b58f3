//! Names of nodes and queues.

use std::{borrow::Borrow, fmt, ops::Deref, sync::Arc};

use thiserror::Error;

/// A valid name: UTF-8, 1 to 255 bytes, no control character (section 6 of the guarantees).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

/// Why a text is not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// Nothing in it.
    #[error("a name must not be empty")]
    Empty,
    /// Longer than [`Name::MAX_BYTES`].
    #[error("the name has {len_bytes} bytes; at most {} are allowed", Name::MAX_BYTES)]
    TooLong {
        /// Length of the text in bytes.
        len_bytes: usize,
    },
    /// Holds a control character.
    #[error("the name has a control character at byte {at}; remove it")]
    ControlCharacter {
        /// Offset of the first one in bytes.
        at: usize,
    },
}

impl Name {
    /// Longest name in bytes.
    pub const MAX_BYTES: usize = 255;

    /// Checks a text and makes it a name.
    ///
    /// # Errors
    /// [`NameError`] when the text is empty, too long or holds a control character.
    pub fn new(text: &str) -> Result<Self, NameError> {
        Self::check(text)?;
        Ok(Self(Arc::from(text)))
    }

    /// Checks a text without making a name of it.
    ///
    /// # Errors
    /// As [`Name::new`].
    pub fn check(text: &str) -> Result<(), NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.len() > Self::MAX_BYTES {
            return Err(NameError::TooLong { len_bytes: text.len() });
        }
        match text.char_indices().find(|(_, letter)| letter.is_control()) {
            Some((at, _)) => Err(NameError::ControlCharacter { at }),
            None => Ok(()),
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, shared.
    #[must_use]
    pub fn to_shared(&self) -> Arc<str> {
        Arc::clone(&self.0)
    }

    /// Name of the default node: the only empty one.
    pub(crate) fn of_default_node() -> Self {
        Self(Arc::from(""))
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_at_and_past_each_limit() {
        let check =
            |text: &str, expect: Result<(), NameError>| assert_eq!(Name::check(text), expect, "{text:?}");
        check("a", Ok(()));
        check("ünïcode name / with anything", Ok(()));
        check(&"x".repeat(255), Ok(()));
        check(&"x".repeat(256), Err(NameError::TooLong { len_bytes: 256 }));
        check(&"é".repeat(128), Err(NameError::TooLong { len_bytes: 256 }));
        check("", Err(NameError::Empty));
        check("a\nb", Err(NameError::ControlCharacter { at: 1 }));
        check("é\u{85}", Err(NameError::ControlCharacter { at: 2 }));
        check("\0", Err(NameError::ControlCharacter { at: 0 }));
    }
}
