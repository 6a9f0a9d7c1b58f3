//! Grants of users as the local channel has them: what the service that runs the node lets each do beside the node's own
//! permissions.
//!
//! ```text
//! {"users": {NAME: {"layers": [[RULE, ...], ...]}, ...}}
//! RULE: {"effect": "allow" | "deny", "acts": [ACT, ...], "kinds": [KIND, ...], "names": {"only" | "all_but": [PATTERN, ...]}}
//! ```
//! Acts, kinds and patterns are those of `ternmq_access::Grants`.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use ternmq_access::{Act, Acts, Glob, GrantEffect, GrantKind, GrantKinds, GrantNames, GrantRule, Grants};
use ternmq_stdx::shown;

/// Longest text that is read, in bytes.
pub(crate) const MAX_TEXT_BYTES: usize = 16 << 20;

/// Grants by name of the user.
pub(crate) type AllGrants = BTreeMap<Arc<str>, Grants>;

/// Reads the whole set.
pub(crate) fn parse(text: &[u8]) -> Result<AllGrants, String> {
    let mut members: Map<String, Value> =
        serde_json::from_slice(text).map_err(|error| format!("is no JSON object: {error}"))?;
    let users = match members.remove("users") {
        Some(Value::Object(users)) if members.is_empty() => users,
        _ => return Err("has to have one member, the object \"users\"".into()),
    };
    let read = |(name, grants): (String, Value)| {
        let grants =
            read_grants(&grants).map_err(|problem| format!("has for '{}' {problem}", shown(&name)))?;
        Ok((Arc::from(name), grants))
    };
    users.into_iter().map(read).collect()
}

/// Writes the whole set; read again it is the same.
pub(crate) fn render(all: &AllGrants) -> Value {
    let rule = |rule: &GrantRule| {
        let texts: Vec<&str> = rule.names.globs().iter().map(|glob| &**glob.text()).collect();
        let names = match rule.names {
            GrantNames::Only(_) => json!({ "only": texts }),
            GrantNames::AllBut(_) => json!({ "all_but": texts }),
        };
        let acts: Vec<&str> = words(&Act::WORDS, |act| rule.acts.has(act));
        let kinds: Vec<&str> = words(&GrantKind::WORDS, |kind| rule.kinds.has(kind));
        let effect = if rule.effect == GrantEffect::Allow { "allow" } else { "deny" };
        json!({ "effect": effect, "acts": acts, "kinds": kinds, "names": names })
    };
    let layers = |grants: &Grants| {
        let layers = grants.layers().iter();
        Value::Array(layers.map(|layer| layer.iter().map(rule).collect()).collect())
    };
    let users = all.iter().map(|(name, grants)| (name.to_string(), json!({ "layers": layers(grants) })));
    json!({ "users": users.collect::<Map<_, _>>() })
}

fn words<T: Copy>(all: &[(T, &'static str)], has: impl Fn(T) -> bool) -> Vec<&'static str> {
    all.iter().filter(|(it, _)| has(*it)).map(|(_, word)| *word).collect()
}

fn read_grants(value: &Value) -> Result<Grants, String> {
    let [layers] = members(value, ["layers"])?;
    let layer = |layer: &Value| list(layer, "layer")?.iter().map(read_rule).collect();
    let layers = list(layers, "list of layers")?.iter().map(layer).collect::<Result<Vec<_>, String>>()?;
    Grants::new(layers).map_err(|error| format!("grants over a limit: {error}"))
}

fn read_rule(value: &Value) -> Result<GrantRule, String> {
    let [effect, acts, kinds, names] = members(value, ["effect", "acts", "kinds", "names"])?;
    let effect = match effect.as_str() {
        Some("allow") => GrantEffect::Allow,
        Some("deny") => GrantEffect::Deny,
        _ => return Err("an effect that is neither allow nor deny".into()),
    };
    let acts: Acts = named(acts, &Act::WORDS, "act")?;
    let kinds: GrantKinds = named(kinds, &GrantKind::WORDS, "kind")?;
    let names = match names.as_object().map(|names| names.iter().collect::<Vec<_>>()).as_deref() {
        Some([(form, texts)]) if *form == "only" => GrantNames::Only(globs(texts)?),
        Some([(form, texts)]) if *form == "all_but" => GrantNames::AllBut(globs(texts)?),
        _ => return Err("names that are neither only nor all_but some".into()),
    };
    Ok(GrantRule { effect, acts, kinds, names })
}

/// These members of an object, which has no other: a rule that is only half understood must not count.
fn members<'a, const N: usize>(value: &'a Value, names: [&str; N]) -> Result<[&'a Value; N], String> {
    let object = value.as_object().filter(|object| object.len() == N);
    let found = names.map(|name| object.and_then(|object| object.get(name)));
    if found.iter().any(Option::is_none) {
        return Err(format!("an object that has not just the members {}", names.join(", ")));
    }
    Ok(found.map(|value| value.unwrap_or(&Value::Null)))
}

fn list<'a>(value: &'a Value, what: &str) -> Result<&'a [Value], String> {
    value.as_array().map(Vec::as_slice).ok_or_else(|| format!("a {what} that is no list"))
}

fn named<T: Copy, S: FromIterator<T>>(value: &Value, all: &[(T, &str)], what: &str) -> Result<S, String> {
    let one = |value: &Value| {
        let word = value.as_str().unwrap_or_default();
        let found = all.iter().find(|(_, known)| *known == word).map(|(it, _)| *it);
        found.ok_or_else(|| format!("the unknown {what} '{}'", shown(word)))
    };
    list(value, what)?.iter().map(one).collect()
}

fn globs(value: &Value) -> Result<Vec<Glob>, String> {
    let one = |value: &Value| {
        let text = value.as_str().ok_or("a pattern that is no string")?;
        Glob::new(text).map_err(|error| format!("a pattern that is none: {error}"))
    };
    list(value, "list of patterns")?.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"{"users": {
        "ann": {"layers": [[
            {"effect": "allow", "acts": ["send", "receive"], "kinds": ["queue", "key"], "names": {"only": ["%2F/q*", "\\*"]}},
            {"effect": "deny", "acts": ["manage"], "kinds": ["broker"], "names": {"all_but": []}}], []]},
        "bob": {"layers": []}}}"#;

    #[test]
    fn what_is_read_is_written_the_same() {
        let all = parse(WHOLE.as_bytes()).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!(all["bob"], Grants::nothing());
        let written = render(&all);
        assert_eq!(written, serde_json::from_str::<Value>(WHOLE).unwrap());
        assert_eq!(parse(written.to_string().as_bytes()), Ok(all));
        assert_eq!(parse(br#"{"users": {}}"#), Ok(AllGrants::new()));
    }

    #[test]
    fn what_is_not_understood_in_full_is_refused() {
        let check = |old: &str, new: &str, expect: &str| {
            let text = WHOLE.replacen(old, new, 1);
            assert_ne!(text, WHOLE);
            let problem = parse(text.as_bytes()).unwrap_err();
            assert!(problem.contains(expect), "{new}: {problem}");
        };
        check("{\"users\"", "{\"more\": 1, \"users\"", "one member");
        check("\"users\"", "\"user\"", "one member");
        check("\"layers\": []", "\"layers\": [], \"until\": 1", "'bob' an object that has not just");
        check("\"effect\": \"allow\", ", "", "just the members effect, acts, kinds, names");
        check("\"allow\"", "\"perhaps\"", "neither allow nor deny");
        check("\"send\"", "\"shout\"", "unknown act 'shout'");
        check("\"queue\"", "7", "unknown kind ''");
        check("\"only\"", "\"some\"", "neither only nor all_but");
        check("\\\\*", "\\\\", "takes no letter");
        check("\"%2F/q*\"", "{}", "no string");
        check("], []]", "], 7]", "a layer that is no list");
        check("}}}", "}}", "no JSON object");
        let many = format!(r#"{{"users": {{"a": {{"layers": [{}]}}}}}}"#, ["[]"; 5].join(","));
        assert!(parse(many.as_bytes()).unwrap_err().contains("at most 4"));
    }
}
