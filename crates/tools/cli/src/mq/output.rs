//! What commands print: tables and texts for people, the service's answers for programs.

use std::io::Write;

use clap::ValueEnum;
use comfy_table::{ContentArrangement, Table, presets::NOTHING};
use serde_json::Value;

use super::api::Object;
use crate::failure::Failure;

/// For whom a command prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// For people.
    Table,
    /// The service's answer as one JSON value.
    Json,
}

/// The text without letters that a terminal obeys: they are escaped.
pub(crate) fn printable(text: &str) -> String {
    escaped(text, char::is_control)
}

fn escaped(text: &str, is_unfit: impl Fn(char) -> bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if is_unfit(letter) {
            shown.extend(letter.escape_debug());
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// Prints a line, or several.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    writeln!(std::io::stdout(), "{text}").map_err(Failure::while_doing("print"))
}

/// Prints an answer as it is.
pub(crate) fn json(answer: Object) -> Result<(), Failure> {
    line(&Value::Object(answer).to_string())
}

/// Says something beside what is printed. Whoever does not hear it finds it in what the service keeps.
pub(crate) fn aside(text: &str) {
    let _ = writeln!(std::io::stderr(), "ternmq: {text}");
}

/// Prints a text of several lines: as it is for a file or another program, without what a terminal obeys on a terminal.
pub(crate) fn whole_text(text: &str) -> Result<(), Failure> {
    let mut stdout = std::io::stdout().lock();
    let is_terminal = std::io::IsTerminal::is_terminal(&stdout);
    let shown = if is_terminal {
        escaped(text, |letter| letter.is_control() && !"\n\r\t".contains(letter))
    } else {
        text.to_owned()
    };
    let end = if is_terminal && !shown.ends_with('\n') { "\n" } else { "" };
    write!(stdout, "{shown}{end}").map_err(Failure::while_doing("print"))
}

/// A table with a line of headings. Without rows it says so instead.
pub(crate) fn table(headings: &[&str], rows: Vec<Vec<String>>, none: &str) -> String {
    if rows.is_empty() {
        return none.to_owned();
    }
    let headings: Vec<String> = headings.iter().map(|heading| heading.to_uppercase()).collect();
    drawn(Some(headings), rows)
}

/// Names with their values, a line each; a value of several lines is indented as one. Values that are empty are left out.
pub(crate) fn pairs(pairs: Vec<(&str, String)>) -> String {
    let there = pairs.into_iter().filter(|(_, value)| !value.is_empty());
    drawn(None, there.map(|(name, value)| vec![name.to_owned(), value]).collect())
}

fn drawn(headings: Option<Vec<String>>, rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    if let Some(headings) = headings {
        table.set_header(headings);
    }
    table.add_rows(rows);
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n")
}

/// A member as text for people, printable; a member that is not there is empty.
pub(crate) fn text(object: &Object, name: &str) -> String {
    object.get(name).map(shown).unwrap_or_default()
}

/// A value as text for people.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => "yes".into(),
        Value::Bool(false) => "no".into(),
        Value::String(text) => printable(text),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => printable(&other.to_string()),
    }
}

/// The objects of a list; what is none is left out.
pub(crate) fn items<'a>(object: &'a Object, name: &str) -> impl Iterator<Item = &'a Object> {
    object.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

/// An object inside an object.
pub(crate) fn inner<'a>(object: &'a Object, name: &str) -> Option<&'a Object> {
    object.get(name)?.as_object()
}

/// Tags as `KEY=VALUE`, a line each.
pub(crate) fn tags(object: &Object) -> String {
    let tags = inner(object, "tags").into_iter().flatten();
    tags.map(|(key, value)| format!("{}={}", printable(key), shown(value))).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tables_line_up() {
        let rows = vec![vec!["a".into(), "longer".into()], vec!["bcd".into(), String::new()]];
        assert_eq!(table(&["name", "id"], rows, "none"), "NAME  ID\na     longer\nbcd");
        assert_eq!(table(&["name"], Vec::new(), "there is none"), "there is none");
        let listed = pairs(vec![("Name", "x".into()), ("Gone", String::new()), ("Two", "1\n2".into())]);
        assert_eq!(listed, "Name  x\nTwo   1\n      2");
    }

    #[test]
    fn values_are_shown_to_people() {
        let value = json!({"a": true, "b": ["x", "y"], "c": null, "d": 7, "e": "\u{1b}[2Jü\n"});
        let object = value.as_object().unwrap();
        let shown: Vec<String> = ["a", "b", "c", "d", "e", "f"].map(|name| text(object, name)).into();
        assert_eq!(shown, ["yes", "x, y", "", "7", "\\u{1b}[2Jü\\n", ""]);
        let tagged = json!({"tags": {"k": "v", "m\t": "w"}});
        assert_eq!(tags(tagged.as_object().unwrap()), "k=v\nm\\t=w");
    }
}
