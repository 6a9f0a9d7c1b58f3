//! The pattern language of topics: words between separators, a letter for one word, a letter for any number of them.

use thiserror::Error;

/// Longest binding key in bytes.
pub const MAX_KEY_BYTES: usize = 4_096;
/// Most words in a binding key of a topic node: what 255 bytes can hold.
pub const MAX_WORDS: usize = 256;
/// Most words of a binding key that stand for any number of words (B8).
pub const MAX_MANY: usize = 2;

/// The three letters of a topic pattern language. An empty text has no words; `a..b` (with `.`) has an empty second one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wildcards {
    /// Stands between words.
    pub separator: char,
    /// As a whole word: exactly one word, whatever it is.
    pub one: char,
    /// As a whole word: any number of words, also none.
    pub many: char,
}

/// Why a text is not a topic pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PatternError {
    /// More words than [`MAX_WORDS`].
    #[error("the pattern has {count} words; at most {MAX_WORDS} are allowed")]
    TooManyWords {
        /// Words in the text.
        count: usize,
    },
    /// More many-words than [`MAX_MANY`].
    #[error(
        "the pattern has {count} wildcards that match any number of words; at most {MAX_MANY} are allowed"
    )]
    TooManyWildcards {
        /// Such wildcards in the text.
        count: usize,
    },
}

/// One word of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word<'a> {
    Exact(&'a str),
    One,
    Many,
}

impl Wildcards {
    /// `a.*.#`
    pub const DOT_STAR_HASH: Self = Self { separator: '.', one: '*', many: '#' };
    /// `a/+/#`
    pub const SLASH_PLUS_HASH: Self = Self { separator: '/', one: '+', many: '#' };
    /// `a.*.>`
    pub const DOT_STAR_ANGLE: Self = Self { separator: '.', one: '*', many: '>' };

    /// Checks a pattern.
    ///
    /// # Errors
    /// [`PatternError`] when it has too many words or too many wildcards.
    pub fn check(&self, pattern: &str) -> Result<(), PatternError> {
        let count = self.words(pattern).count();
        if count > MAX_WORDS {
            return Err(PatternError::TooManyWords { count });
        }
        let count = self.pattern_words(pattern).filter(|word| *word == Word::Many).count();
        if count > MAX_MANY {
            return Err(PatternError::TooManyWildcards { count });
        }
        Ok(())
    }

    /// Whether a pattern is plain text: it matches only itself.
    #[must_use]
    pub fn is_plain(&self, pattern: &str) -> bool {
        self.pattern_words(pattern).all(|word| matches!(word, Word::Exact(_)))
    }

    /// Whether `pattern` matches `key`, without any table. Costs at most words of the pattern times words of the key.
    #[must_use]
    pub fn is_match(&self, pattern: &str, key: &str) -> bool {
        let (mut words, mut keys) = (self.pattern_words(pattern), self.words(key));
        // Where to go on when the words after the last many-word do not fit: it takes one word more then.
        let mut resume = None;
        loop {
            let (word, rest) = (words.next(), keys.clone());
            match (word, keys.next()) {
                (None, None) => return true,
                (Some(Word::Many), _) => {
                    resume = Some((words.clone(), rest.clone()));
                    keys = rest;
                }
                (Some(Word::One), Some(_)) => {}
                (Some(Word::Exact(word)), Some(key)) if word == key => {}
                _ => {
                    let Some((after, mut from)) = resume.take() else { return false };
                    if from.next().is_none() {
                        return false;
                    }
                    (words, keys) = (after.clone(), from.clone());
                    resume = Some((after, from));
                }
            }
        }
    }

    /// How texts of this language and another go over into each other.
    #[must_use]
    pub fn swap(&self, other: &Self) -> Swap {
        // The letters of all languages are ASCII; another one would stand for itself.
        let byte = |letter: char| u8::try_from(letter).unwrap_or_default();
        Swap([
            (byte(self.separator), byte(other.separator)),
            (byte(self.one), byte(other.one)),
            (byte(self.many), byte(other.many)),
        ])
    }

    /// Words of a key.
    pub(crate) fn words<'a>(&self, key: &'a str) -> impl Iterator<Item = &'a str> + Clone + use<'a> {
        let empty = key.is_empty();
        key.split(self.separator).filter(move |_| !empty)
    }

    /// Words of a pattern.
    pub(crate) fn pattern_words<'a>(
        &self,
        pattern: &'a str,
    ) -> impl Iterator<Item = Word<'a>> + Clone + use<'a> {
        let (one, many) = (self.one, self.many);
        self.words(pattern).map(move |word| {
            let mut letters = word.chars();
            match (letters.next(), letters.next()) {
                (Some(letter), None) if letter == one => Word::One,
                (Some(letter), None) if letter == many => Word::Many,
                _ => Word::Exact(word),
            }
        })
    }
}

/// Exchanges the letters of two languages. Nothing is lost: what is a letter of one is plain in the other, and the same
/// exchange leads back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Swap([(u8, u8); 3]);

impl Swap {
    /// Appends the text in the other language.
    pub fn append(&self, text: &str, out: &mut impl Extend<u8>) {
        out.extend(text.bytes().map(|byte| self.byte(byte)));
    }

    /// The text in the other language.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        text.chars()
            .map(|letter| u8::try_from(letter).map_or(letter, |byte| char::from(self.byte(byte))))
            .collect()
    }

    fn byte(&self, byte: u8) -> u8 {
        for (a, b) in self.0 {
            if byte == a {
                return b;
            }
            if byte == b {
                return a;
            }
        }
        byte
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_written() {
        let check = |pattern: &str, key: &str, expect: bool| {
            assert_eq!(Wildcards::DOT_STAR_HASH.is_match(pattern, key), expect, "{pattern:?} on {key:?}");
            let slashed = |text: &str| text.replace('.', "/").replace('*', "+");
            let (pattern, key) = (slashed(pattern), slashed(key));
            assert_eq!(Wildcards::SLASH_PLUS_HASH.is_match(&pattern, &key), expect, "{pattern:?} on {key:?}");
        };
        check("a.b", "a.b", true);
        check("a.b", "a.b.c", false);
        check("a.b", "a", false);
        check("*", "a", true);
        check("*", "", false);
        check("#", "", true);
        check("", "", true);
        check("", "a", false);
        check("#", "a.b.c", true);
        check("a.#", "a", true);
        check("a.#", "b", false);
        check("#.c", "a.b.c", true);
        check("#.c", "a.c.b", false);
        check("#.b.#", "a.b.c", true);
        check("#.b.#", "b", true);
        check("#.a.b.#.c", "a.a.b.x.c.c", true);
        check("#.a.b.#.c", "a.a.b.x.c.d", false);
        check("a.*.c", "a..c", true);
        check("a*", "ab", false);
        check("#.#", "a", true);
        check("*.#", "", false);
        check("#.*", "a", true);
    }

    #[test]
    fn a_swap_leads_there_and_back() {
        let check = |to: Wildcards, from: &str, expect: &str| {
            let swap = Wildcards::SLASH_PLUS_HASH.swap(&to);
            assert_eq!(swap.text(from), expect);
            assert_eq!(swap.text(expect), from);
            let mut out = Vec::new();
            swap.append(from, &mut out);
            assert_eq!(out, expect.as_bytes());
        };
        check(Wildcards::DOT_STAR_HASH, "a/b.c/+/*/ä/#", "a.b/c.*.+.ä.#");
        check(Wildcards::DOT_STAR_ANGLE, "a/+/#/>", "a.*.>.#");
    }

    #[test]
    fn b8_a_pattern_has_at_most_two_many_words() {
        let check = |pattern: &str, expect| {
            assert_eq!(Wildcards::DOT_STAR_HASH.check(pattern), expect, "{pattern:?}");
        };
        check("#.a.#", Ok(()));
        check("#.#.#", Err(PatternError::TooManyWildcards { count: 3 }));
        check(&["a"; MAX_WORDS].join("."), Ok(()));
        check(&["a"; MAX_WORDS + 1].join("."), Err(PatternError::TooManyWords { count: MAX_WORDS + 1 }));
    }
}
