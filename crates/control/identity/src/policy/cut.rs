//! What policies say about the things below one ARN, worked out before anybody asks.
//!
//! [`evaluate`](super::evaluate) answers one question at a time. Where nobody can be asked at the time of the act, the
//! policies are cut beforehand: all that is known is put in, and what is left of each statement is which actions it is
//! about and, for each given beginning of an ARN, what has to follow it.
//!
//! What can't be worked out grants less, never more: a statement that allows is left out if one of its conditions, or a
//! variable in its resources, hangs on what is only known later; one that denies counts then as if it held.

use super::context::Context;
use super::document::Policy;
use super::pattern::{self, Case, Token};
use super::statement::{Effect, Selection, Statement};

/// What to work out, and what is known for it.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// Values of condition keys.
    pub context: &'a Context,
    /// Whether all is known of a key, named in lower case: then one without a value in the context is missing. Of any other
    /// key nothing is known.
    pub is_known: fn(&str) -> bool,
    /// Actions that may be asked for.
    pub actions: &'a [&'a str],
    /// Beginnings of ARNs that may be asked for.
    pub beginnings: &'a [&'a str],
}

/// What is left of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cut {
    /// It denies; else it allows.
    pub is_denial: bool,
    /// Which of the actions it is about, as indexes; at least one.
    pub actions: Vec<usize>,
    /// Which resources.
    pub resources: CutResources,
}

/// Which resources a cut statement is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CutResources {
    /// These; at least one.
    Only(Vec<Rest>),
    /// All but these.
    AllBut(Vec<Rest>),
}

/// ARNs with a beginning and what follows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rest {
    /// Index of the beginning.
    pub beginning: usize,
    /// Pattern of what follows: `*` any letters, `?` one, `\` before a letter that stands for itself.
    pub pattern: String,
}

/// Which way a pattern may err that can't be told exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rounding {
    /// It may match more.
    Up,
    /// It may match less.
    Down,
}

impl Policy {
    /// What is left of each statement that is about the ground at all.
    #[must_use]
    pub fn cut(&self, ground: &Ground<'_>) -> Vec<Cut> {
        self.statements().iter().filter_map(|statement| statement.cut(ground)).collect()
    }
}

impl Statement {
    fn cut(&self, ground: &Ground<'_>) -> Option<Cut> {
        let Ground { context, is_known, actions, .. } = *ground;
        let is_about = |action: &str| self.actions.selects(action, Case::Ignored, context, self.effect);
        let selected = actions.iter().enumerate().filter(|(_, action)| is_about(action));
        let actions: Vec<usize> = selected.map(|(index, _)| index).collect();
        if actions.is_empty() {
            return None;
        }
        let mut is_certain = true;
        for condition in &self.conditions {
            if !condition.is_known(is_known) {
                is_certain = false;
            } else if !condition.holds(context, self.effect) {
                return None;
            }
        }
        if !is_certain && self.effect == Effect::Allow {
            return None;
        }
        let resources = cut_resources(&self.resources, self.effect, ground)?;
        Some(Cut { is_denial: self.effect == Effect::Deny, actions, resources })
    }
}

/// `None`: it is about nothing.
fn cut_resources(selection: &Selection, effect: Effect, ground: &Ground<'_>) -> Option<CutResources> {
    let (templates, is_only) = match selection {
        Selection::All => return Some(CutResources::AllBut(Vec::new())),
        Selection::Only(templates) => (templates, true),
        Selection::AllBut(templates) => (templates, false),
    };
    let rounding = if (effect == Effect::Deny) == is_only { Rounding::Up } else { Rounding::Down };
    let mut rests = Vec::new();
    for template in templates {
        let is_known = template.variables().all(ground.is_known);
        match (is_known.then(|| template.fill(ground.context)).flatten(), is_only, effect) {
            (Some(tokens), _, _) => add_rests(&mut rests, &tokens, rounding, ground),
            // It may turn out to be anything.
            (None, true, Effect::Deny) if !is_known => {
                return Some(CutResources::AllBut(Vec::new()));
            }
            (None, true, _) | (None, false, Effect::Deny) => {}
            // What it would have left out is not known.
            (None, false, Effect::Allow) => return None,
        }
    }
    match (is_only, rests.is_empty()) {
        (true, true) => None,
        (true, false) => Some(CutResources::Only(rests)),
        (false, _) => Some(CutResources::AllBut(rests)),
    }
}

fn add_rests(rests: &mut Vec<Rest>, tokens: &[Token], rounding: Rounding, ground: &Ground<'_>) {
    for (beginning, text) in ground.beginnings.iter().enumerate() {
        for place in places_after(tokens, text) {
            let rest = tokens.get(place..).unwrap_or_default();
            if let Some(pattern) = written(rest, rounding) {
                rests.push(Rest { beginning, pattern });
            }
        }
    }
}

/// Where in a pattern a match can be once it has taken a text. A place before the last `*` there says nothing that the `*`
/// does not say, nor does the place right behind it.
fn places_after(tokens: &[Token], text: &str) -> Vec<usize> {
    let mut places = pattern::places_after(tokens, text);
    places.sort_unstable();
    let is_free = |place: &usize| matches!(tokens.get(*place), Some(Token::Any { is_colon_too: true }));
    if let Some(last) = places.iter().rposition(is_free) {
        places.drain(..last);
        if let [any, next, ..] = places.as_slice()
            && *next == any + 1
        {
            places.remove(1);
        }
    }
    places
}

/// The tokens as text. What must not match a colon can't be said in it.
fn written(tokens: &[Token], rounding: Rounding) -> Option<String> {
    let mut text = String::with_capacity(tokens.len());
    for token in tokens {
        match token {
            Token::Any { is_colon_too: false } | Token::One { is_colon_too: false }
                if rounding == Rounding::Down =>
            {
                return None;
            }
            Token::Any { .. } => text.push('*'),
            Token::One { .. } => text.push('?'),
            Token::Letter(letter) => {
                if matches!(letter, '*' | '?' | '\\') {
                    text.push('\\');
                }
                text.push(*letter);
            }
        }
    }
    Some(text)
}
