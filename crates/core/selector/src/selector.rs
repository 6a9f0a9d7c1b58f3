//! A selector as the rest of the broker has it.

use std::{fmt, sync::Arc};

use crate::{
    MAX_BYTES,
    error::{Problem, SelectorError},
    operand::TextIs,
    parse::Parser,
    program::{self, Facts, Step},
    token::{Hyphens, error_at, tokens},
};

/// Start of a selector that is read by [`Rules::converts_text`], so that its text alone says what it means.
pub const CONVERTS_TEXT: &str = "convert_string_expressions:";

/// Start of a selector by [`Rules::has_hyphens`].
const HAS_HYPHENS: &str = "hyphenated_props:";

/// Most prefixes: a protocol may put one before those of its client, and what is no prefix counts as text.
const MAX_PREFIXES: usize = 4;

/// Answer of a selector, in three-valued logic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Truth {
    /// It holds: the only answer by which a message passes.
    True,
    /// It does not.
    False,
    /// A value that it asks for is missing.
    Unknown,
}

/// Which of the extensions of the language a selector is read with. Its prefixes add to these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Text that is compared with a number or truth value stands for what it says: for protocols all of whose properties
    /// are text. As with the prefix `convert_string_expressions:`.
    pub converts_text: bool,
    /// Identifiers may have minus signs inside: `a-b` is one. As with the prefix `hyphenated_props:`.
    pub has_hyphens: bool,
}

/// A selector, ready to be asked about messages. Cheap to clone.
#[derive(Clone)]
pub struct Selector {
    text: Arc<str>,
    steps: Arc<[Step]>,
    texts: TextIs,
}

impl Selector {
    /// Reads a selector.
    ///
    /// # Errors
    /// The text is none, or past a limit.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        Self::parse_by(text, Rules::default())
    }

    /// The same with extensions of the language.
    ///
    /// # Errors
    /// As [`Selector::parse`].
    pub fn parse_by(text: &str, mut rules: Rules) -> Result<Self, SelectorError> {
        let mut rest = text;
        for _ in 0..MAX_PREFIXES {
            if let Some(behind) = rest.strip_prefix(CONVERTS_TEXT) {
                (rest, rules.converts_text) = (behind, true);
            } else if let Some(behind) = rest.strip_prefix(HAS_HYPHENS) {
                (rest, rules.has_hyphens) = (behind, true);
            }
        }
        if rest.len() > MAX_BYTES {
            return Err(error_at(text, 0, Problem::TooLong));
        }
        let hyphens = if rules.has_hyphens { Hyphens::Inside } else { Hyphens::Apart };
        let tokens = tokens(text, text.len() - rest.len(), hyphens)?;
        let steps = Parser::new(text, &tokens).selector()?;
        let texts = if rules.converts_text { TextIs::WhatItSays } else { TextIs::Text };
        Ok(Self { text: text.into(), steps: steps.into(), texts })
    }

    /// The text that it was read from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether two selectors say the same in the same order, however they are written.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.steps == other.steps && self.texts == other.texts
    }

    /// Its answer about one message.
    #[must_use]
    pub fn evaluate(&self, facts: &dyn Facts) -> Truth {
        program::run(&self.steps, self.texts, facts)
    }

    /// Whether a message passes: unknown does not.
    #[must_use]
    pub fn matches(&self, facts: &dyn Facts) -> bool {
        self.evaluate(facts) == Truth::True
    }
}

/// Whether they are written the same.
impl PartialEq for Selector {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.is_same(other)
    }
}

impl fmt::Debug for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Selector").field(&self.text).finish()
    }
}
