//! What somebody outside of this broker grants a user, beside the broker's own permissions.
//!
//! A user that has [`Grants`] may do what both its permissions and its grants allow. They are plain rules over plain
//! texts: whoever makes them has worked out everything that is only known elsewhere. A name has them whether there is a
//! user of it or not, so that deleting a user and making it anew frees nobody of them.
//!
//! A rule looks at a thing by its kind and one text:
//! ```text
//! kind         text
//! broker       (empty)
//! namespace    NAMESPACE
//! queue        NAMESPACE/NAME
//! node         NAMESPACE/NAME
//! key          NAMESPACE/NODE/KEY
//! ```
//! where in every part but the last, and in a namespace, `/` is written `%2F` and `%` is written `%25`: no two things have
//! the same text.

use std::{borrow::Cow, sync::Arc};

use ternmq_stdx::{Glob, GlobError, TooCostly};
use thiserror::Error;

/// Most rules that a user may have.
pub const MAX_GRANT_RULES: usize = 1_024;
/// Most layers.
pub const MAX_GRANT_LAYERS: usize = 4;
/// Most bytes of the patterns of a user's rules, all together.
pub const MAX_GRANT_BYTES: usize = 256 * 1_024;

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Enter a namespace.
    Enter,
    /// Make a queue or node.
    Create,
    /// Delete one.
    Delete,
    /// Put messages into one, with a key or without.
    Send,
    /// Take messages from one, with a key or without.
    Receive,
    /// Use the roles that the user has.
    Manage,
}

/// What it is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantKind {
    /// The broker itself.
    Broker,
    /// A namespace.
    Namespace,
    /// A queue.
    Queue,
    /// A node.
    Node,
    /// A key of a node.
    Key,
}

impl Act {
    /// All, with the words by which rules name them.
    pub const WORDS: [(Self, &'static str); 6] = [
        (Self::Enter, "enter"),
        (Self::Create, "create"),
        (Self::Delete, "delete"),
        (Self::Send, "send"),
        (Self::Receive, "receive"),
        (Self::Manage, "manage"),
    ];
}

impl GrantKind {
    /// All, with the words by which rules name them.
    pub const WORDS: [(Self, &'static str); 5] = [
        (Self::Broker, "broker"),
        (Self::Namespace, "namespace"),
        (Self::Queue, "queue"),
        (Self::Node, "node"),
        (Self::Key, "key"),
    ];
}

/// A set of acts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Acts(u8);

impl Acts {
    const KNOWN: u8 = (1 << Act::WORDS.len()) - 1;

    /// The set as bits, one for each act, for storage.
    #[must_use]
    pub fn bits(self) -> u8 {
        self.0
    }

    /// The set of these bits; `None`: one of them is no act.
    #[must_use]
    pub fn from_bits(bits: u8) -> Option<Self> {
        (bits & !Self::KNOWN == 0).then_some(Self(bits))
    }

    /// Whether an act is in it.
    #[must_use]
    pub fn has(self, act: Act) -> bool {
        self.0 & 1 << act as u8 != 0
    }
}

impl FromIterator<Act> for Acts {
    fn from_iter<I: IntoIterator<Item = Act>>(acts: I) -> Self {
        Self(acts.into_iter().fold(0, |bits, act| bits | 1 << act as u8))
    }
}

/// A set of kinds of things.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GrantKinds(u8);

impl GrantKinds {
    const KNOWN: u8 = (1 << GrantKind::WORDS.len()) - 1;

    /// The set as bits, one for each kind, for storage.
    #[must_use]
    pub fn bits(self) -> u8 {
        self.0
    }

    /// The set of these bits; `None`: one of them is no kind.
    #[must_use]
    pub fn from_bits(bits: u8) -> Option<Self> {
        (bits & !Self::KNOWN == 0).then_some(Self(bits))
    }

    /// Whether a kind is in it.
    #[must_use]
    pub fn has(self, kind: GrantKind) -> bool {
        self.0 & 1 << kind as u8 != 0
    }
}

impl FromIterator<GrantKind> for GrantKinds {
    fn from_iter<I: IntoIterator<Item = GrantKind>>(kinds: I) -> Self {
        Self(kinds.into_iter().fold(0, |bits, kind| bits | 1 << kind as u8))
    }
}

/// What a rule does when it is about what is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantEffect {
    /// It allows.
    Allow,
    /// It denies, whatever else allows.
    Deny,
}

/// Which texts a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrantNames {
    /// Those that one of the patterns matches.
    Only(Vec<Glob>),
    /// Those that none of the patterns matches.
    AllBut(Vec<Glob>),
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantRule {
    /// Whether it allows or denies.
    pub effect: GrantEffect,
    /// What is done.
    pub acts: Acts,
    /// What it is done to.
    pub kinds: GrantKinds,
    /// By which texts.
    pub names: GrantNames,
}

/// What a user is granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grants {
    layers: Arc<[Vec<GrantRule>]>,
}

/// Rules are over a limit. Whoever has them is to be granted nothing instead: [`Grants::nothing`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum GrantsError {
    /// Too many layers.
    #[error("there are {count} layers of rules; at most {MAX_GRANT_LAYERS} are allowed")]
    TooManyLayers {
        /// How many.
        count: usize,
    },
    /// Too many rules.
    #[error("there are {count} rules; at most {MAX_GRANT_RULES} are allowed")]
    TooManyRules {
        /// How many.
        count: usize,
    },
    /// Patterns that are too long together.
    #[error("the patterns of all rules have {bytes} bytes; at most {MAX_GRANT_BYTES} are allowed")]
    TooLarge {
        /// Length of all of them.
        bytes: usize,
    },
    /// A pattern that is none.
    #[error(transparent)]
    Pattern(#[from] GlobError),
}

/// The answer of grants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Granted {
    Yes,
    No,
    /// A pattern took too many steps.
    Unknown,
}

impl Grants {
    /// Grants of these rules. Of several layers each has to allow what is done; a denial in any denies.
    ///
    /// # Errors
    /// [`GrantsError`] when they are over a limit.
    pub fn new(layers: Vec<Vec<GrantRule>>) -> Result<Self, GrantsError> {
        if layers.len() > MAX_GRANT_LAYERS {
            return Err(GrantsError::TooManyLayers { count: layers.len() });
        }
        let count = layers.iter().map(Vec::len).sum();
        if count > MAX_GRANT_RULES {
            return Err(GrantsError::TooManyRules { count });
        }
        let globs = layers.iter().flatten().flat_map(|rule| rule.names.globs());
        let bytes = globs.map(|glob| glob.text().len()).sum();
        if bytes > MAX_GRANT_BYTES {
            return Err(GrantsError::TooLarge { bytes });
        }
        Ok(Self { layers: layers.into() })
    }

    /// Nothing is granted.
    #[must_use]
    pub fn nothing() -> Self {
        Self { layers: Arc::from([]) }
    }

    /// The rules. Without any layer nothing is granted.
    #[must_use]
    pub fn layers(&self) -> &[Vec<GrantRule>] {
        &self.layers
    }

    pub(crate) fn decide(&self, act: Act, kind: GrantKind, text: &str) -> Granted {
        let mut allowing_count = 0;
        for layer in self.layers.iter() {
            let mut is_allowed = false;
            for rule in layer.iter().filter(|rule| rule.acts.has(act) && rule.kinds.has(kind)) {
                match (rule.names.is_match(text), rule.effect) {
                    (Ok(true), GrantEffect::Deny) => return Granted::No,
                    (Ok(true), GrantEffect::Allow) => is_allowed = true,
                    (Ok(false), _) => {}
                    (Err(TooCostly), _) => return Granted::Unknown,
                }
            }
            allowing_count += usize::from(is_allowed);
        }
        let is_granted = allowing_count > 0 && allowing_count == self.layers.len();
        if is_granted { Granted::Yes } else { Granted::No }
    }
}

impl GrantNames {
    /// The patterns.
    #[must_use]
    pub fn globs(&self) -> &[Glob] {
        match self {
            Self::Only(globs) | Self::AllBut(globs) => globs,
        }
    }

    fn is_match(&self, text: &str) -> Result<bool, TooCostly> {
        let mut is_named = false;
        for glob in self.globs() {
            is_named = glob.is_match(text)?;
            if is_named {
                break;
            }
        }
        Ok(is_named == matches!(self, Self::Only(_)))
    }
}

/// A part of a text that others follow.
pub(crate) fn part(text: &str) -> Cow<'_, str> {
    if text.contains(['/', '%']) {
        Cow::Owned(text.replace('%', "%25").replace('/', "%2F"))
    } else {
        Cow::Borrowed(text)
    }
}
