//! query: a form in, in which a member of a member is `Outer.Inner` and items of a list are `List.member.1`.

use serde_json::{Map, Value};

use crate::{Member, Refusal, Routed, Shape, check};

const INVALID: &str = "ValidationError";
/// Deepest nesting.
const MAX_DEPTH: u8 = 8;
/// Most items of one list.
const MAX_ITEMS: usize = 1_000;

type Form = [(String, String)];

pub(super) fn read(routed: &Routed, form: &Form) -> Result<Map<String, Value>, Refusal> {
    let members = routed.operation.input.map_or(&[][..], Shape::members);
    let given = structure(members, "", form, 0);
    let checked = given.and_then(|given| check::input(members, &given));
    checked.map_err(|refusal| Refusal { code: INVALID, attribute: "", ..refusal })
}

fn structure(
    members: &[Member],
    prefix: &str,
    form: &Form,
    depth: u8,
) -> Result<Map<String, Value>, Refusal> {
    let mut given = Map::new();
    for member in members {
        let name =
            if prefix.is_empty() { member.wire.to_owned() } else { format!("{prefix}.{}", member.wire) };
        if let Some(value) = value(member.shape, &name, member.wire, form, depth)? {
            given.insert(member.wire.to_owned(), value);
        }
    }
    Ok(given)
}

fn value(
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
            structure(members, name, form, depth + 1).map(Value::Object).map(Some)
        }
        Shape::List { member, item_name, is_flat, .. } => {
            let mut items = Vec::new();
            loop {
                let number = items.len() + 1;
                let item = if *is_flat {
                    format!("{name}.{number}")
                } else {
                    format!("{name}.{item_name}.{number}")
                };
                match value(member, &item, wire, form, depth + 1)? {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Request, codec, iam, sts};

    fn check(model: &'static crate::Model, body: &str, expect: &str) {
        let form = codec::decode_form(body).unwrap();
        let answer = Routed::find(model, &Request::default(), &form).and_then(|routed| read(&routed, &form));
        let answer = match answer {
            Ok(input) => Value::Object(input).to_string(),
            Err(refusal) => format!("{} {}: {}", refusal.status, refusal.code, refusal.message),
        };
        assert_eq!(answer, expect, "{body}");
    }

    #[test]
    fn forms() {
        check(
            &iam::MODEL,
            "Action=CreateUser&Version=2010-05-08&UserName=ann&Tags.member.1.Key=a&Tags.member.1.Value=b&Tags.member.2.Key=c&Tags.member.2.Value=",
            r#"{"Tags":[{"Key":"a","Value":"b"},{"Key":"c","Value":""}],"UserName":"ann"}"#,
        );
        check(&iam::MODEL, "Action=CreateUser", "400 ValidationError: Attribute [UserName] is required.");
        check(
            &iam::MODEL,
            "Action=ListUsers&MaxItems=0",
            "400 ValidationError: Attribute [MaxItems] must be a whole number from 1 to 1000.",
        );
        check(&iam::MODEL, "Action=Nothing", "400 InvalidAction: There is no such action in IAM.");
        check(&sts::MODEL, "Action=GetCallerIdentity&Version=2011-06-15", "{}");
    }
}
