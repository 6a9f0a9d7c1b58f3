//! Filter patterns: terms that a line must have, phrases in quotes, terms with `-` that it must not have, terms with
//! `?` of which one is enough. Case counts.

use ternmq_api::Refusal;

use super::invalid;

/// A pattern.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pattern {
    all: Vec<String>,
    any: Vec<String>,
    none: Vec<String>,
}

impl Pattern {
    /// # Errors
    /// A pattern of JSON or of columns, or a quote without its end.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let mut pattern = Self::default();
        let mut rest = text.trim_start();
        if rest.starts_with(['{', '[', '%']) {
            return Err(invalid(
                "Filter patterns of JSON, of columns and of regular expressions are not there yet.",
            ));
        }
        while !rest.is_empty() {
            let (list, term) = match rest.split_at_checked(1) {
                Some(("-", term)) => (&mut pattern.none, term),
                Some(("?", term)) => (&mut pattern.any, term),
                _ => (&mut pattern.all, rest),
            };
            let (term, after) = match term.strip_prefix('"') {
                Some(phrase) => phrase
                    .split_once('"')
                    .ok_or_else(|| invalid("Invalid filter pattern: a quote has no end."))?,
                None => term.split_once(' ').unwrap_or((term, "")),
            };
            list.push(term.to_owned());
            rest = after.trim_start();
        }
        Ok(pattern)
    }

    pub(super) fn matches(&self, line: &str) -> bool {
        let has = |term: &String| line.contains(term.as_str());
        self.all.iter().all(has)
            && !self.none.iter().any(has)
            && (self.any.is_empty() || self.any.iter().any(has))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, line: &str, expect: bool) {
        assert_eq!(Pattern::parse(pattern).unwrap().matches(line), expect, "{pattern} on {line}");
    }

    #[test]
    fn patterns() {
        check("", "anything", true);
        check("ERROR", "an ERROR", true);
        check("ERROR", "an error", false);
        check("a b", "b and a", true);
        check("a b", "only a", false);
        check("\"a b\"", "b a", false);
        check("\"a b\"", "x a b", true);
        check("a -b", "a", true);
        check("a -b", "a b", false);
        check("?x ?y", "y", true);
        check("?x ?y", "z", false);
        for bad in ["{ $.x = 1 }", "[a, b]", "%x%", "\"open"] {
            assert!(Pattern::parse(bad).is_err(), "{bad}");
        }
    }
}
