//! The tables and types as Rust text.

use std::fmt::Write;

use super::source::{Member, Service, Shape};

const HEAD: &str = "//! Made by `cargo xtask models` from the service model; not edited by hand.\n\n";

/// Members whose values are never shown (S11).
const SECRETS: [&str; 2] = ["Password", "ServiceAccountPassword"];

/// The tables of a service: `crates/control/api/src/model.rs` tells what they mean.
pub(crate) fn tables(service: &Service) -> String {
    let mut out = String::from(HEAD);
    out.push_str(&imports(service));
    let _ = writeln!(out, "/// The tables of {}.\npub static MODEL: Model = Model {{", service.id);
    let _ = writeln!(
        out,
        "    name: {:?}, id: {:?}, api_version: {:?}, signing_name: {:?},",
        service.name, service.id, service.api_version, service.signing_name
    );
    let _ = writeln!(
        out,
        "    protocol: Protocol::{}, target_prefix: {:?}, xml_namespace: {:?},",
        service.protocol, service.target_prefix, service.xml_namespace
    );
    let _ = writeln!(out, "    operations: &OPERATIONS, faults: &FAULTS,\n}};\n");
    let _ = writeln!(out, "static OPERATIONS: [Operation; {}] = [", service.operations.len());
    for operation in &service.operations {
        let shape = |name: &Option<String>| {
            name.as_deref().map_or("None".to_owned(), |name| format!("Some(&{})", constant(name)))
        };
        let _ = writeln!(
            out,
            "    Operation {{ name: {:?}, method: {:?}, path: {:?}, status: {}, input: {}, output: {}, wrapper: {:?} }},",
            operation.name,
            operation.method,
            operation.path,
            operation.status,
            shape(&operation.input),
            shape(&operation.output),
            operation.wrapper
        );
    }
    let _ = writeln!(out, "];\n\nstatic FAULTS: [Fault; {}] = [", service.faults.len());
    for (name, (code, status)) in &service.faults {
        let _ = writeln!(out, "    Fault {{ name: {name:?}, code: {code:?}, status: {status} }},");
    }
    out.push_str("];\n\n");
    for (name, shape) in &service.shapes {
        let _ = writeln!(out, "static {}: Shape = {};", constant(name), table(shape));
    }
    out
}

fn imports(service: &Service) -> String {
    let members = service
        .shapes
        .values()
        .flat_map(|shape| if let Shape::Structure(members) = shape { &members[..] } else { &[] });
    let mut places: Vec<String> = members.map(|member| member.place.to_lowercase()).collect();
    places.sort();
    places.dedup();
    let has_times = service.shapes.values().any(|shape| matches!(shape, Shape::Time(_)));
    let time = if has_times { "TimeFormat, " } else { "" };
    format!(
        "use crate::model::{{Fault, Model, Operation, Protocol, Shape, {time}{}}};\n\n",
        places.join(", ")
    )
}

fn table(shape: &Shape) -> String {
    match shape {
        Shape::Structure(members) => {
            let mut out = String::from("Shape::Structure(&[");
            for member in members {
                let required = if member.is_required { ".required()" } else { "" };
                let place = member.place.to_lowercase();
                let _ = write!(
                    out,
                    "\n    {place}({:?}, {:?}, &{}){required},",
                    member.name,
                    member.wire,
                    constant(&member.shape)
                );
            }
            out.push_str(if members.is_empty() { "])" } else { "\n])" });
            out
        }
        Shape::List { member, item_name, is_flat, least, most } => format!(
            "Shape::List {{ member: &{}, item_name: {item_name:?}, is_flat: {is_flat}, least: {least}, most: {most} }}",
            constant(member)
        ),
        Shape::Map { key, value } => {
            format!("Shape::Map {{ key: &{}, value: &{} }}", constant(key), constant(value))
        }
        Shape::Text { least, most, pattern, values } => {
            format!(
                "Shape::Text {{ least: {least}, most: {most}, pattern: {pattern:?}, values: &{values:?} }}"
            )
        }
        Shape::Integer { least, most } => format!("Shape::Integer {{ least: {least}, most: {most} }}"),
        Shape::Long { least, most } => format!("Shape::Long {{ least: {least}, most: {most} }}"),
        Shape::Boolean => "Shape::Boolean".into(),
        Shape::Time(format) => format!("Shape::Time(TimeFormat::{format})"),
    }
}

/// Types for inputs and outputs. Enumerations are texts in the model's own case: what an answer's case is depends on
/// the operation.
pub(crate) fn types(service: &Service) -> String {
    let mut out = String::from(HEAD);
    out.push_str(
        "use std::collections::BTreeMap;\n\nuse serde::{Deserialize, Serialize};\n\nuse crate::Sensitive;\n",
    );
    for (name, shape) in &service.shapes {
        let Shape::Structure(members) = shape else { continue };
        let is_input = service.inputs.contains(name);
        let derives = if is_input {
            "Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize"
        } else {
            "Clone, Debug, Default, PartialEq, Eq, Serialize"
        };
        let _ = writeln!(
            out,
            "\n/// `{name}`.\n#[derive({derives})]\n#[serde(rename_all = \"camelCase\")]\npub struct {name} {{"
        );
        for member in members {
            field(&mut out, service, member, is_input);
        }
        out.push_str("}\n");
    }
    out
}

fn field(out: &mut String, service: &Service, member: &Member, is_input: bool) {
    let kind = if SECRETS.contains(&member.name.as_str()) {
        "Sensitive".into()
    } else {
        rust_type(service, &member.shape)
    };
    // `type` is a word of Rust.
    let name = Some(snake(&member.name)).filter(|name| name != "type").unwrap_or("kind".into());
    let camel: String = camel(&name);
    if camel != member.wire {
        let _ = writeln!(out, "    #[serde(rename = {:?})]", member.wire);
    }
    if member.is_required {
        let _ = writeln!(out, "    pub {name}: {kind},");
    } else {
        let default = if is_input { "default, " } else { "" };
        let _ = writeln!(
            out,
            "    #[serde({default}skip_serializing_if = \"Option::is_none\")] pub {name}: Option<{kind}>,"
        );
    }
}

fn rust_type(service: &Service, name: &str) -> String {
    match service.shapes.get(name) {
        Some(Shape::Structure(_)) => name.to_owned(),
        Some(Shape::List { member, .. }) => format!("Vec<{}>", rust_type(service, member)),
        Some(Shape::Map { key, value }) => {
            format!("BTreeMap<{}, {}>", rust_type(service, key), rust_type(service, value))
        }
        Some(Shape::Integer { .. }) => "i32".into(),
        Some(Shape::Long { .. }) => "i64".into(),
        Some(Shape::Boolean) => "bool".into(),
        Some(Shape::Text { .. } | Shape::Time(_)) | None => "String".into(),
    }
}

/// `brokerENIDeleted` and `ConsoleURL` as `broker_eni_deleted` and `console_url`.
fn snake(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (index, letter) in letters.iter().enumerate() {
        let before = index.checked_sub(1).and_then(|before| letters.get(before));
        let after = letters.get(index + 1);
        let starts = letter.is_uppercase()
            && before.is_some_and(|before| before.is_lowercase() || before.is_ascii_digit())
            || letter.is_uppercase() && before.is_some() && after.is_some_and(|after| after.is_lowercase());
        if starts && !out.ends_with('_') {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}

fn camel(snake: &str) -> String {
    let mut words = snake.split('_');
    let mut out = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        out.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        out.push_str(letters.as_str());
    }
    out
}

/// The name of a shape's table.
fn constant(name: &str) -> String {
    let plain = name.trim_start_matches('_').replace("__", "_");
    let name = snake(&plain).to_uppercase();
    // Shapes such as `__string` would collide with others of the same words.
    if plain.len() == name.len() && name.chars().all(char::is_alphanumeric) {
        format!("{name}_SHAPE")
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_rusts() {
        for (name, expect) in [
            ("BrokerId", "broker_id"),
            ("ConsoleURL", "console_url"),
            ("IpAddress", "ip_address"),
            ("URLOf", "url_of"),
        ] {
            assert_eq!(snake(name), expect);
        }
        assert_eq!(camel("console_url"), "consoleUrl");
        assert_eq!(constant("__listOfUser"), "LIST_OF_USER");
        assert_eq!(constant("__string"), "STRING_SHAPE");
        assert_eq!(constant("User"), "USER_SHAPE");
    }
}
