//! Headers lookup: bindings whose arguments fit the message's headers.

use std::sync::Arc;

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use ternmq_message::{Map, Value};

use crate::{
    binding::{BindError, Binding, Target},
    bindings::BindingId,
};

/// Argument that says how the others are to be compared.
const RULE_ARGUMENT: &str = "x-match";
/// Names that begin so are left out of the comparison unless the rule says otherwise.
const EXTENSION_PREFIX: &str = "x-";
/// From this many headers on, they are looked up in order of name instead of one after the other.
const INDEX_FROM: usize = 9;

#[derive(Debug)]
pub(crate) struct HeaderRules {
    rules: Vec<Rule>,
    /// Place of each binding in `rules`.
    places: HashMap<BindingId, usize, FixedState>,
}

#[derive(Debug)]
struct Rule {
    id: BindingId,
    target: Target,
    quantifier: Quantifier,
    /// What is compared. [`Value::Null`] asks only that the header be there.
    wanted: Map,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Quantifier {
    All,
    Any,
}

impl HeaderRules {
    pub(crate) fn new(hasher: FixedState) -> Self {
        Self { rules: Vec::new(), places: HashMap::with_hasher(hasher) }
    }

    pub(crate) fn check(arguments: &Map) -> Result<(), BindError> {
        parse_rule(arguments).map(|_| ()).ok_or(BindError::UnknownMatchRule)
    }

    pub(crate) fn add(&mut self, id: BindingId, binding: &Binding) {
        let Some((quantifier, keeps_extensions)) = parse_rule(&binding.arguments) else { return };
        let is_compared =
            |name: &str| name != RULE_ARGUMENT && (keeps_extensions || !name.starts_with(EXTENSION_PREFIX));
        let wanted = binding.arguments.iter().filter(|(name, _)| is_compared(name)).cloned().collect();
        self.places.insert(id, self.rules.len());
        self.rules.push(Rule { id, target: binding.target, quantifier, wanted });
    }

    pub(crate) fn remove(&mut self, id: BindingId) {
        let Some(at) = self.places.remove(&id) else { return };
        self.rules.swap_remove(at);
        if let Some(moved) = self.rules.get(at) {
            self.places.insert(moved.id, at);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Gives every target that fits to `found`; a target can come more than once. `order` is memory to work in.
    pub(crate) fn find(&self, headers: &Map, order: &mut Vec<u32>, mut found: impl FnMut(Target)) {
        let headers = Headers::new(headers, order);
        for rule in &self.rules {
            if rule.fits(&headers) {
                found(rule.target);
            }
        }
    }
}

impl Rule {
    fn fits(&self, headers: &Headers<'_>) -> bool {
        let mut wanted = self.wanted.iter();
        let fits = |(name, value): &(Arc<str>, Value)| match headers.get(name) {
            Some(header) => *value == Value::Null || value.is_same(header),
            None => false,
        };
        match self.quantifier {
            Quantifier::All => wanted.all(fits),
            Quantifier::Any => wanted.any(fits),
        }
    }
}

/// A message's headers, by name; of a repeated one the first counts.
struct Headers<'a> {
    map: &'a Map,
    order: Option<&'a [u32]>,
}

impl<'a> Headers<'a> {
    fn new(map: &'a Map, order: &'a mut Vec<u32>) -> Self {
        if map.len() < INDEX_FROM {
            return Self { map, order: None };
        }
        order.clear();
        order.extend(0..u32::try_from(map.len()).unwrap_or(u32::MAX));
        order.sort_unstable_by_key(|at| (name_at(map, *at), *at));
        Self { map, order: Some(order) }
    }

    fn get(&self, name: &str) -> Option<&Value> {
        let Some(order) = self.order else {
            return self.map.iter().find(|(other, _)| **other == *name).map(|(_, value)| value);
        };
        let first = order.partition_point(|at| name_at(self.map, *at) < name);
        let (other, value) = self.map.get(*order.get(first)? as usize)?;
        (**other == *name).then_some(value)
    }
}

fn name_at(map: &Map, at: u32) -> &str {
    map.get(at as usize).map_or("", |(name, _)| name)
}

/// The rule among the arguments of a binding, and whether it looks at extension names too.
fn parse_rule(arguments: &Map) -> Option<(Quantifier, bool)> {
    let Some((_, rule)) = arguments.iter().find(|(name, _)| **name == *RULE_ARGUMENT) else {
        return Some((Quantifier::All, false));
    };
    match rule.as_str()? {
        "all" => Some((Quantifier::All, false)),
        "any" => Some((Quantifier::Any, false)),
        "all-with-x" => Some((Quantifier::All, true)),
        "any-with-x" => Some((Quantifier::Any, true)),
        _ => None,
    }
}
