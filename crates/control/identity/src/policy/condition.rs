//! One condition: an operator, a key, the values it is compared with.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::context::Context;
use super::fault::{PolicyFault, Reason};
use super::json::Json;
use super::operator::{Operator, Quantifier, Relation, Test};
use super::pattern::{Case, Template, Token, Variables, Wildcards, is_match};
use super::statement::Effect;
use super::values::{Decimal, Range, date_ms};

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    operator: Operator,
    /// In lower case.
    key: String,
    values: Values,
}

/// What the policy compares with, by type.
#[derive(Clone, Debug, PartialEq)]
enum Values {
    Texts {
        templates: Vec<Template>,
        case: Case,
    },
    Arns(Vec<Template>),
    /// `true` or `false`, or a variable that is one of them.
    Flags(Vec<Template>),
    Numbers(Vec<Decimal>, Relation),
    Dates(Vec<i64>, Relation),
    Binaries(Vec<Vec<u8>>),
    Ranges(Vec<Range>),
}

/// The same with variables filled in; those that could not be are left out.
struct Filled<'a> {
    patterns: Vec<Cow<'a, [Token]>>,
    is_complete: bool,
}

/// Reads the whole `Condition` element.
pub(super) fn parse(json: &Json, variables: Variables) -> Result<Vec<Condition>, PolicyFault> {
    let mut conditions = Vec::new();
    for (name, keys) in json.object()? {
        let operator = Operator::parse(name)?;
        for (key, values) in keys.object().map_err(|reason| PolicyFault::from(reason).within(name))? {
            let condition = Condition::parse(operator, key, values, variables);
            conditions.push(condition.map_err(|reason| PolicyFault::from(reason).within(key).within(name))?);
        }
    }
    Ok(conditions)
}

impl Condition {
    fn parse(operator: Operator, key: &str, values: &Json, variables: Variables) -> Result<Self, Reason> {
        if !key.split_once(':').is_some_and(|(vendor, name)| !vendor.is_empty() && !name.is_empty()) {
            return Err(Reason::Vendor);
        }
        let texts: Vec<String> = values.one_or_list().iter().map(plain).collect::<Result<_, _>>()?;
        if texts.is_empty() {
            return Err(Reason::NoValue);
        }
        let templates = |wildcards| {
            texts
                .iter()
                .map(|text| Template::parse(text, wildcards, variables))
                .collect::<Result<Vec<_>, _>>()
        };
        let values = match operator.test {
            Test::Text => Values::Texts { templates: templates(Wildcards::None)?, case: Case::Counts },
            Test::TextIgnoringCase => {
                Values::Texts { templates: templates(Wildcards::None)?, case: Case::Ignored }
            }
            Test::TextLike => Values::Texts { templates: templates(Wildcards::Free)?, case: Case::Counts },
            Test::Arn => Values::Arns(templates(Wildcards::Arn)?),
            Test::Bool | Test::Null => {
                let templates = templates(Wildcards::None)?;
                let is_flag = |text: &str| flag(text).is_some();
                for (template, text) in templates.iter().zip(&texts) {
                    if !template.is_open() && !is_flag(text) {
                        return Err(Reason::Value { value: text.clone(), wanted: "true or false" });
                    }
                }
                Values::Flags(templates)
            }
            Test::Number(relation) => Values::Numbers(all(&texts, "a number", Decimal::parse)?, relation),
            Test::Date(relation) => Values::Dates(all(&texts, "a date", date_ms)?, relation),
            Test::Binary => Values::Binaries(all(&texts, "base64", |text| STANDARD.decode(text).ok())?),
            Test::Address => Values::Ranges(all(&texts, "a range of addresses", Range::parse)?),
        };
        Ok(Self { operator, key: key.to_lowercase(), values })
    }

    /// Whether all is known that it asks for: its key, and the keys of its variables.
    pub(super) fn is_known(&self, is_known: fn(&str) -> bool) -> bool {
        is_known(&self.key) && self.templates().iter().flat_map(Template::variables).all(is_known)
    }

    /// Whether it holds, in a statement of this effect.
    pub(super) fn holds(&self, context: &Context, effect: Effect) -> bool {
        let given = context.get(&self.key);
        let Operator { quantifier, test, is_negated, is_if_exists } = self.operator;
        let filled = self.fill(context);
        if test == Test::Null {
            let is_missing = if given.is_empty() { "true" } else { "false" };
            return self.compares(is_missing, &filled);
        }
        if given.is_empty() && is_if_exists {
            return true;
        }
        let is_nothing = given.iter().all(String::is_empty);
        match quantifier {
            Quantifier::All if is_nothing => return true,
            Quantifier::Any if is_nothing => return false,
            Quantifier::Single if given.is_empty() => return is_negated,
            Quantifier::All | Quantifier::Any | Quantifier::Single => {}
        }
        // What a variable without value would have excluded is not known: do not allow because of it.
        if is_negated && !filled.is_complete && effect == Effect::Allow {
            return false;
        }
        let mut given = given.iter();
        match quantifier {
            Quantifier::Single => given.any(|value| self.compares(value, &filled)) != is_negated,
            Quantifier::All => given.all(|value| self.compares(value, &filled) != is_negated),
            Quantifier::Any => given.any(|value| self.compares(value, &filled) != is_negated),
        }
    }

    fn templates(&self) -> &[Template] {
        match &self.values {
            Values::Texts { templates, .. } | Values::Arns(templates) | Values::Flags(templates) => templates,
            Values::Numbers(..) | Values::Dates(..) | Values::Binaries(_) | Values::Ranges(_) => &[],
        }
    }

    fn fill(&self, context: &Context) -> Filled<'_> {
        let templates = self.templates();
        let patterns: Vec<_> = templates.iter().filter_map(|template| template.fill(context)).collect();
        let is_complete = patterns.len() == templates.len();
        Filled { patterns, is_complete }
    }

    /// Whether a value of the request compares with any of the policy's.
    fn compares(&self, value: &str, filled: &Filled<'_>) -> bool {
        let mut patterns = filled.patterns.iter();
        match &self.values {
            Values::Texts { case, .. } => patterns.any(|pattern| is_match(pattern, value, *case)),
            Values::Arns(_) => {
                is_arn(value) && patterns.any(|pattern| is_match(pattern, value, Case::Counts))
            }
            Values::Flags(_) => {
                flag(value).is_some() && patterns.any(|pattern| is_match(pattern, value, Case::Ignored))
            }
            Values::Numbers(wanted, relation) => Decimal::parse(value)
                .is_some_and(|value| wanted.iter().any(|wanted| relation.holds(&value, wanted))),
            Values::Dates(wanted, relation) => {
                date_ms(value).is_some_and(|value| wanted.iter().any(|wanted| relation.holds(&value, wanted)))
            }
            Values::Binaries(wanted) => STANDARD.decode(value).is_ok_and(|value| wanted.contains(&value)),
            Values::Ranges(ranges) => {
                value.parse().is_ok_and(|address| ranges.iter().any(|range| range.contains(address)))
            }
        }
    }
}

/// Each text as a value of the operator's type.
fn all<T>(
    texts: &[String],
    wanted: &'static str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Vec<T>, Reason> {
    let one = |text: &String| parse(text).ok_or_else(|| Reason::Value { value: text.clone(), wanted });
    texts.iter().map(one).collect()
}

/// The text of a value; numbers and booleans may stand without quotes.
fn plain(json: &Json) -> Result<String, Reason> {
    match json {
        Json::Text(text) | Json::Number(text) => Ok(text.clone()),
        Json::Bool(value) => Ok(value.to_string()),
        Json::Null | Json::List(_) | Json::Object(_) => {
            Err(Reason::Type("a string, a number, a boolean or a list of these"))
        }
    }
}

fn flag(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

fn is_arn(text: &str) -> bool {
    text.starts_with("arn:") && text.bytes().filter(|byte| *byte == b':').count() >= 5
}
