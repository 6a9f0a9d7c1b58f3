//! The document has a table of every permitted element, attribute and nesting.

use super::*;

const DOCUMENT: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/operations/service-configuration.md");
const BEGIN: &str = "<!-- elements: begin -->\n";
const END: &str = "<!-- elements: end -->\n";

fn kind(kind: Kind) -> String {
    match kind {
        Kind::Truth => "truth".to_owned(),
        Kind::Whole(least, most) => match most {
            most if most == i64::from(i32::MAX) => format!("{least} to 2^31-1"),
            i64::MAX => format!("{least} to 2^63-1"),
            _ => format!("{least} to {most}"),
        },
        Kind::Real => "real".to_owned(),
        Kind::Memory => "memory".to_owned(),
        Kind::OneOf(words) => words.join(" or "),
        Kind::Text => "text".to_owned(),
        Kind::Destination => "destination".to_owned(),
        Kind::Groups => "groups".to_owned(),
        Kind::Brokers => "brokers".to_owned(),
    }
}

fn since(since: Since) -> String {
    match since {
        (0, 0, 0) => String::new(),
        (major, minor, patch) => format!(", since {major}.{minor}.{patch}"),
    }
}

fn add(table: &mut String, seen: &mut Vec<&'static str>, element: &'static Element) {
    if seen.contains(&element.name) {
        return;
    }
    seen.push(element.name);
    let attributes: Vec<String> = element
        .attributes
        .iter()
        .map(|attribute| format!("`{}` ({}{})", attribute.name, kind(attribute.kind), since(attribute.since)))
        .collect();
    let properties: Vec<String> = element
        .properties
        .iter()
        .map(|property| {
            let names: Vec<&str> = property.elements.iter().map(|of| of.name).collect();
            format!("`{}`: {}", property.name, names.join(", "))
        })
        .collect();
    let or_none = |list: Vec<String>, joint| if list.is_empty() { "-".to_owned() } else { list.join(joint) };
    let with = if element.is_of_ldap { ", with LDAP only" } else { "" };
    table.push_str(&format!(
        "| `{}`{}{with} | {} | {} |\n",
        element.name,
        since(element.since),
        or_none(attributes, ", "),
        or_none(properties, "; ")
    ));
    for child in element.properties.iter().flat_map(|property| property.elements) {
        add(table, seen, child);
    }
}

/// Run with `UPDATE_DOCUMENTS=1` to write the table into the document.
#[test]
fn the_document_has_every_permitted_element() {
    let document = std::fs::read_to_string(DOCUMENT).unwrap();
    let (head, rest) = document.split_once(BEGIN).expect(BEGIN);
    let (found, tail) = rest.split_once(END).expect(END);
    let mut table = String::from("\n| element | attributes | holds |\n| --- | --- | --- |\n");
    add(&mut table, &mut Vec::new(), broker());
    table.push('\n');
    if std::env::var_os("UPDATE_DOCUMENTS").is_some() {
        std::fs::write(DOCUMENT, format!("{head}{BEGIN}{table}{END}{tail}")).unwrap();
        return;
    }
    for (found, expect) in found.lines().zip(table.lines()) {
        assert_eq!(found, expect, "run the tests with UPDATE_DOCUMENTS=1 and look at what changed");
    }
    assert_eq!(found.len(), table.len());
}
