//! Filters of listings: a thing passes if it has, of each filter, one of the values. `*` is any text and `?` any letter,
//! unless a backslash is before them; case counts.

use std::collections::BTreeMap;

use serde_json::Value;
use ternmq_api::Refusal;
use ternmq_stdx::{Glob, shown};

use super::faults::{invalid, missing};
use crate::call::Call;

/// Longest value in characters.
const VALUE_MAX: usize = 256;

/// What filters look at in one thing: names and values.
pub(super) type Facts = Vec<(String, String)>;

/// The filters of a call.
pub(super) struct Filters(Vec<(String, Vec<Glob>)>);

impl Filters {
    /// # Errors
    /// A filter that is not among `known`, or has no values. With `tag-key`, `tag:KEY` is known too.
    pub(super) fn of(call: &Call<'_>, known: &[&str]) -> Result<Self, Refusal> {
        let given = call.input.get("Filters").and_then(Value::as_array).into_iter().flatten();
        given.map(|filter| one(filter, known)).collect::<Result<_, _>>().map(Self)
    }

    /// What a pattern would take too many steps for does not pass (B8).
    pub(super) fn pass(&self, facts: &Facts) -> bool {
        self.0.iter().all(|(name, patterns)| {
            let mut values = facts.iter().filter(|(known, _)| known == name);
            values.any(|(_, value)| patterns.iter().any(|pattern| pattern.is_match(value) == Ok(true)))
        })
    }
}

fn one(filter: &Value, known: &[&str]) -> Result<(String, Vec<Glob>), Refusal> {
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
    let patterns = values.filter_map(Value::as_str).map(pattern).collect::<Result<Vec<_>, _>>()?;
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

fn pattern(text: &str) -> Result<Glob, Refusal> {
    if text.chars().count() > VALUE_MAX {
        return Err(invalid(format!("A value of a filter has at most {VALUE_MAX} characters.")));
    }
    Glob::new(text).map_err(|_| invalid("A value of a filter ends with a backslash that takes no letter."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_patterns() {
        let matches = |text: &str, value: &str| pattern(text).unwrap().is_match(value) == Ok(true);
        assert!(matches("w*b?r*", "webar") && matches("a\\*b", "a*b") && !matches("web", "Web"));
        assert!(pattern(&"x".repeat(257)).is_err() && pattern("web\\").is_err());
    }
}
