//! Members of a form: which of its pairs are a member of a structure, an item of a list.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::{Member, Refusal, Shape, check};

/// Deepest nesting.
const MAX_DEPTH: u8 = 8;
/// Most items of one list.
const MAX_ITEMS: usize = 1_000;

/// A decoded form.
pub(super) type Form = [(String, String)];

/// How a protocol spells names in a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// Names on the wire; items of a list are `List.member.1` unless it is flat.
    Query,
    /// Names on the wire with a capital letter; items of every list are `List.1`.
    Ec2,
}

impl Spelling {
    fn name(self, prefix: &str, member: &Member) -> String {
        let own = match self {
            Self::Query => Cow::Borrowed(member.wire),
            Self::Ec2 => Cow::Owned(capital(member.wire)),
        };
        if prefix.is_empty() { own.into_owned() } else { format!("{prefix}.{own}") }
    }

    fn item(self, list: &str, item_name: &str, is_flat: bool, number: usize) -> String {
        if is_flat || self == Self::Ec2 {
            format!("{list}.{number}")
        } else {
            format!("{list}.{item_name}.{number}")
        }
    }
}

/// The name with its first letter large.
pub(super) fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

/// The members that a form has, by their names on the wire.
///
/// # Errors
/// A list with too many items, a value that is not of its type.
pub(super) fn members_of(
    spelling: Spelling,
    members: &[Member],
    form: &Form,
) -> Result<Map<String, Value>, Refusal> {
    structure(spelling, members, "", form, 0)
}

fn structure(
    spelling: Spelling,
    members: &[Member],
    prefix: &str,
    form: &Form,
    depth: u8,
) -> Result<Map<String, Value>, Refusal> {
    let mut given = Map::new();
    for member in members {
        let name = spelling.name(prefix, member);
        if let Some(value) = value(spelling, member.shape, &name, member.wire, form, depth)? {
            given.insert(member.wire.to_owned(), value);
        }
    }
    Ok(given)
}

fn value(
    spelling: Spelling,
    shape: &Shape,
    name: &str,
    wire: &'static str,
    form: &Form,
    depth: u8,
) -> Result<Option<Value>, Refusal> {
    if depth > MAX_DEPTH {
        return Ok(None);
    }
    match shape {
        Shape::Structure(members) => {
            if !has_any(form, name) {
                return Ok(None);
            }
            structure(spelling, members, name, form, depth + 1).map(Value::Object).map(Some)
        }
        Shape::List { member, item_name, is_flat, .. } => {
            let mut items = Vec::new();
            loop {
                let number = items.len() + 1;
                let item = spelling.item(name, item_name, *is_flat, number);
                match value(spelling, member, &item, wire, form, depth + 1)? {
                    Some(value) if number <= MAX_ITEMS => items.push(value),
                    Some(_) => {
                        return Err(Refusal::bad_request(
                            wire,
                            format!("More than {MAX_ITEMS} items of {wire}."),
                        ));
                    }
                    None => break,
                }
            }
            // An empty list is sent as its bare name.
            let is_there = !items.is_empty() || form.iter().any(|(known, _)| known == name);
            Ok(is_there.then_some(Value::Array(items)))
        }
        Shape::Map { .. } => Ok(None),
        Shape::Text { .. } | Shape::Integer { .. } | Shape::Long { .. } | Shape::Boolean | Shape::Time(_) => {
            let text = form.iter().find(|(known, _)| known == name);
            text.map(|(_, text)| check::of_text(shape, text, wire)).transpose()
        }
    }
}

fn has_any(form: &Form, name: &str) -> bool {
    form.iter().any(|(known, _)| known.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')))
}
