//! Filters of listings: a thing passes if it has, of each filter, one of the values. `*` is any text and `?` any letter,
//! unless a backslash is before them; case counts.

use std::collections::BTreeMap;

use serde_json::Value;
use ternmq_api::Refusal;
use ternmq_stdx::shown;

use super::faults::{invalid, missing};
use crate::call::Call;

/// Longest value in characters.
const VALUE_MAX: usize = 256;

/// What filters look at in one thing: names and values.
pub(super) type Facts = Vec<(String, String)>;

/// The filters of a call.
pub(super) struct Filters(Vec<(String, Vec<Pattern>)>);

impl Filters {
    /// # Errors
    /// A filter that is not among `known`, or has no values. With `tag-key`, `tag:KEY` is known too.
    pub(super) fn of(call: &Call<'_>, known: &[&str]) -> Result<Self, Refusal> {
        let given = call.input.get("Filters").and_then(Value::as_array).into_iter().flatten();
        given.map(|filter| one(filter, known)).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn pass(&self, facts: &Facts) -> bool {
        self.0.iter().all(|(name, patterns)| {
            let mut values = facts.iter().filter(|(known, _)| known == name);
            values.any(|(_, value)| patterns.iter().any(|pattern| pattern.is_match(value)))
        })
    }
}

fn one(filter: &Value, known: &[&str]) -> Result<(String, Vec<Pattern>), Refusal> {
    let name = filter.get("Name").and_then(Value::as_str).ok_or_else(|| missing("Filter.Name"))?;
    let is_tag = name.starts_with("tag:") && known.contains(&"tag-key");
    if !is_tag && !known.contains(&name) {
        return Err(invalid(format!(
            "The filter '{}' is invalid. Filters here: {}.",
            shown(name),
            known.join(", ")
        )));
    }
    let values = filter.get("Values").and_then(Value::as_array).into_iter().flatten();
    let patterns = values.filter_map(Value::as_str).map(Pattern::of).collect::<Result<Vec<_>, _>>()?;
    if patterns.is_empty() {
        return Err(missing("Filter.Value"));
    }
    Ok((name.to_owned(), patterns))
}

/// A fact of one value.
pub(super) fn fact(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}

/// The facts of tags.
pub(super) fn of_tags(tags: &BTreeMap<String, String>) -> impl Iterator<Item = (String, String)> {
    tags.iter()
        .flat_map(|(key, value)| [(format!("tag:{key}"), value.clone()), ("tag-key".to_owned(), key.clone())])
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token {
    Is(char),
    AnyLetter,
    AnyText,
}

struct Pattern(Vec<Token>);

impl Pattern {
    fn of(text: &str) -> Result<Self, Refusal> {
        if text.chars().count() > VALUE_MAX {
            return Err(invalid(format!("A value of a filter has at most {VALUE_MAX} characters.")));
        }
        let (mut tokens, mut letters) = (Vec::new(), text.chars());
        while let Some(letter) = letters.next() {
            tokens.push(match letter {
                '*' => Token::AnyText,
                '?' => Token::AnyLetter,
                '\\' => Token::Is(letters.next().unwrap_or('\\')),
                other => Token::Is(other),
            });
        }
        Ok(Self(tokens))
    }

    /// Goes back to the last `*` only: as many steps at most as the lengths multiplied.
    fn is_match(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        let (mut place, mut at, mut star) = (0, 0, None);
        while let Some(letter) = text.get(at) {
            match self.0.get(place) {
                Some(Token::AnyText) => {
                    star = Some((place, at));
                    place += 1;
                }
                Some(Token::AnyLetter) => (place, at) = (place + 1, at + 1),
                Some(Token::Is(wanted)) if wanted == letter => (place, at) = (place + 1, at + 1),
                _ => match star {
                    Some((after, from)) => {
                        star = Some((after, from + 1));
                        (place, at) = (after + 1, from + 1);
                    }
                    None => return false,
                },
            }
        }
        self.0.iter().skip(place).all(|token| *token == Token::AnyText)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, good: &[&str], bad: &[&str]) {
        let pattern_of = Pattern::of(pattern).unwrap();
        assert!(good.iter().all(|text| pattern_of.is_match(text)), "{pattern}: {good:?}");
        assert!(!bad.iter().any(|text| pattern_of.is_match(text)), "{pattern}: {bad:?}");
    }

    #[test]
    fn values_are_patterns() {
        check("web", &["web"], &["", "we", "webs", "Web"]);
        check("w*b?r*", &["webar", "wbXr", "wwbbbr1"], &["wbr", "web"]);
        check("*", &["", "x"], &[]);
        check("a\\*b\\", &["a*b\\"], &["aXb\\", "a*b"]);
        check("", &[""], &["x"]);
        assert!(Pattern::of(&"x".repeat(257)).is_err());
    }
}
