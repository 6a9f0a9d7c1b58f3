//! LIKE: `%` stands for any text, `_` for one character.
//!
//! The pattern is cut at its `%` into runs. The first stands at the beginning, the last at the end, each other one at its
//! first place behind the one before: if there is any match, there is that one. A run without `_` is found in linear
//! time; one with `_` is tried at each place, under a budget that is linear in the text.

/// Steps that looking for one run with `_` may take beside those that the length of the text allows (B8).
const SPARE_STEPS: usize = 10_000;

/// Steps for each character of the text.
const STEPS_PER_CHARACTER: usize = 8;

/// A pattern of LIKE, cut into runs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pattern {
    /// Between the `%`, so there is one more than of those.
    runs: Box<[Run]>,
}

/// Characters that follow each other.
#[derive(Clone, Debug, PartialEq)]
enum Run {
    Text(Box<str>),
    /// `None` is any one character.
    Mixed(Box<[Option<char>]>),
}

impl Run {
    fn of(characters: &[Option<char>]) -> Self {
        match characters.iter().copied().collect::<Option<String>>() {
            Some(text) => Self::Text(text.into()),
            None => Self::Mixed(characters.into()),
        }
    }

    /// What is left of the text behind this run at its beginning.
    fn strip_prefix<'a>(&self, text: &'a str, steps: &mut usize) -> Option<&'a str> {
        match self {
            Self::Text(run) => text.strip_prefix(&**run),
            Self::Mixed(run) => {
                let mut rest = text.chars();
                for wanted in run {
                    *steps = steps.checked_sub(1)?;
                    let found = rest.next()?;
                    if wanted.is_some_and(|wanted| wanted != found) {
                        return None;
                    }
                }
                Some(rest.as_str())
            }
        }
    }

    /// Whether the text ends with this run.
    fn ends(&self, text: &str) -> bool {
        match self {
            Self::Text(run) => text.ends_with(&**run),
            Self::Mixed(run) => {
                let mut rest = text.chars().rev();
                run.iter().rev().all(|wanted| {
                    rest.next().is_some_and(|found| wanted.is_none_or(|wanted| wanted == found))
                })
            }
        }
    }

    /// What is left of the text behind the first place of this run.
    fn strip_first<'a>(&self, text: &'a str, steps: &mut usize) -> Option<&'a str> {
        match self {
            Self::Text(run) => text.split_once(&**run).map(|(_, rest)| rest),
            Self::Mixed(_) => {
                let mut rest = text.chars();
                loop {
                    if let Some(rest) = self.strip_prefix(rest.as_str(), steps) {
                        return Some(rest);
                    }
                    *steps = steps.checked_sub(1)?;
                    rest.next()?;
                }
            }
        }
    }
}

impl Pattern {
    /// Reads a pattern. Behind the escape character, any character stands for itself; so does an escape character at the
    /// end.
    pub(crate) fn new(text: &str, escape: Option<char>) -> Self {
        let (mut runs, mut run) = (Vec::new(), Vec::new());
        let mut characters = text.chars();
        while let Some(character) = characters.next() {
            match character {
                _ if escape == Some(character) => run.push(characters.next().or(escape)),
                '%' => runs.push(Run::of(&std::mem::take(&mut run))),
                '_' => run.push(None),
                other => run.push(Some(other)),
            }
        }
        runs.push(Run::of(&run));
        Self { runs: runs.into() }
    }

    /// Whether the text fits. One that takes too long to find out does not.
    pub(crate) fn fits(&self, text: &str) -> bool {
        let mut steps = text.len().saturating_mul(STEPS_PER_CHARACTER).saturating_add(SPARE_STEPS);
        let Some((first, more)) = self.runs.split_first() else { return false };
        let Some(mut rest) = first.strip_prefix(text, &mut steps) else { return false };
        let Some((last, between)) = more.split_last() else { return rest.is_empty() };
        for run in between {
            match run.strip_first(rest, &mut steps) {
                Some(behind) => rest = behind,
                None => return false,
            }
        }
        last.ends(rest)
    }
}
