//! What a verb changes, as a store keeps it.

use std::fmt;

use zeroize::Zeroizing;

/// One key of the store put or deleted. Values hold secrets in the clear: the store encrypts what it keeps (S13), and no
/// text form shows them (S11).
#[derive(Clone, PartialEq, Eq)]
pub enum Change {
    /// The key has this value now.
    Put {
        /// `kind/id`, ASCII.
        key: String,
        /// Layout of its kind, beginning with a version.
        value: Zeroizing<Vec<u8>>,
    },
    /// The key is gone.
    Delete {
        /// As above.
        key: String,
    },
}

impl Change {
    /// Key that it is about.
    #[must_use]
    pub fn key(&self) -> &str {
        match self {
            Self::Put { key, .. } | Self::Delete { key } => key,
        }
    }
}

impl fmt::Debug for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put { key, value } => write!(f, "Put({key}, {} bytes)", value.len()),
            Self::Delete { key } => write!(f, "Delete({key})"),
        }
    }
}

/// What a verb answers, and what has to be kept, all or nothing, before the answer is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed<T> {
    /// The answer.
    pub answer: T,
    /// May be empty: then nothing had to change.
    pub changes: Vec<Change>,
}

impl<T> Changed<T> {
    /// An answer and one change.
    pub(super) fn one(answer: T, change: Change) -> Self {
        Self { answer, changes: vec![change] }
    }

    /// The same with the answer turned into another.
    pub fn map<U>(self, turn: impl FnOnce(T) -> U) -> Changed<U> {
        Changed { answer: turn(self.answer), changes: self.changes }
    }

    /// An answer to what was so already.
    pub(super) fn none(answer: T) -> Self {
        Self { answer, changes: Vec::new() }
    }
}
