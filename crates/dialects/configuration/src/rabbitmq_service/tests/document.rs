//! The document has a table of every permitted key and of every limit.

use super::*;
use crate::rabbitmq_service::keys;

const DOCUMENT: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/operations/service-configuration.md");
const BEGIN: &str = "<!-- keys: begin -->\n";
const END: &str = "<!-- keys: end -->\n";

fn words(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join(", ")
}

fn kind(kind: Kind) -> String {
    match kind {
        Kind::Whole(least, most) => format!("number, {least} to {most}"),
        Kind::MsOrInfinity => "milliseconds, 0 to 2147483647, or `infinity`".to_owned(),
        Kind::Limit(_) => "number from 1, up to the most of the instance type".to_owned(),
        Kind::Truth => "`true` or `false`".to_owned(),
        Kind::OneOf(of) => words(of.iter().map(|word| format!("`{word}`"))),
        Kind::OneOfSince(of) => words(of.iter().map(|(word, since)| match since {
            (0, 0) => format!("`{word}`"),
            (major, minor) => format!("`{word}` ({major}.{minor})"),
        })),
        Kind::Text => "text, 1 to 4096 bytes".to_owned(),
        Kind::Query => "query of LDAP, 1 to 65536 bytes".to_owned(),
        Kind::HttpsUrl => "URL with `https://`".to_owned(),
        Kind::Host => "IP address or full name".to_owned(),
        Kind::Dn => "distinguished name".to_owned(),
        Kind::DnOrNone => "distinguished name, or `none`".to_owned(),
        Kind::Arn(services) => format!("ARN of {}", services.join(" or ")),
        Kind::Role => "ARN of a role".to_owned(),
    }
}

fn table() -> String {
    let mut table = String::from("\n| key | value | without it | since |\n| --- | --- | --- | --- |\n");
    for key in permitted() {
        let since = match key.since {
            (0, 0) => "-".to_owned(),
            (major, minor) => format!("{major}.{minor}"),
        };
        table.push_str(&format!("| `{}` | {} | {} | {since} |\n", key.name, kind(key.kind), key.default));
    }
    for (mode, title) in [(Mode::SingleInstance, "one node"), (Mode::Cluster, "a cluster of three nodes")] {
        table.push_str(&format!("\n### Limits of {title}, default / most\n| type |"));
        keys::limits().for_each(|(key, _)| table.push_str(&format!(" `{key}` |")));
        table.push_str(&format!("\n|{}\n", " --- |".repeat(9)));
        for size in Size::ALL {
            table.push_str(&format!("| {size} |"));
            for (_, limit) in keys::limits() {
                table.push_str(&match bound_of(limit, size, mode) {
                    None => " - |".to_owned(),
                    Some(bound) => format!(" {} / {} |", bound.default, bound.most),
                });
            }
            table.push('\n');
        }
    }
    table.push('\n');
    table
}

/// Run with `UPDATE_DOCUMENTS=1` to write the tables into the document.
#[test]
fn the_document_has_every_permitted_key() {
    let document = std::fs::read_to_string(DOCUMENT).unwrap();
    let (head, rest) = document.split_once(BEGIN).expect(BEGIN);
    let (found, tail) = rest.split_once(END).expect(END);
    let table = table();
    if std::env::var_os("UPDATE_DOCUMENTS").is_some() {
        std::fs::write(DOCUMENT, format!("{head}{BEGIN}{table}{END}{tail}")).unwrap();
        return;
    }
    for (found, expect) in found.lines().zip(table.lines()) {
        assert_eq!(found, expect, "run the tests with UPDATE_DOCUMENTS=1 and look at what changed");
    }
    assert_eq!(found.len(), table.len());
}
