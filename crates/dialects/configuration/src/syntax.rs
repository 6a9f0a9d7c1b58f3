//! One line of a sysctl-style file: `key = value`, comments from `#` on, a value in single quotes taken as it is. RabbitMQ
//! ends a value at any `#`, also within a word; so that nobody gets another password than they think, that is refused.

use ternmq_stdx::{quoted, shown};

/// What a line holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Nothing, or a comment.
    Nothing,
    /// A setting.
    Setting {
        /// Key, without white space around it.
        key: String,
        /// Value, without quotes and comment.
        value: String,
    },
}

/// Longest key in bytes.
const MAX_KEY_BYTES: usize = 255;

pub(crate) fn read_line(line: &str) -> Result<Line, String> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(Line::Nothing);
    }
    let Some((key, value)) = line.split_once('=') else {
        // Only its first word is shown: the rest may be a password.
        let word = line.split_whitespace().next().unwrap_or_default();
        return Err(format!("{} is not of the form `key = value`", quoted(word)));
    };
    let key = read_key(key)?;
    let value = read_value(value.trim()).map_err(|problem| format!("{}: {problem}", shown(key)))?;
    Ok(Line::Setting { key: key.to_owned(), value })
}

/// The name of a key, without white space around it.
pub(crate) fn read_key(text: &str) -> Result<&str, String> {
    let key = text.trim();
    let is_key = |letter: char| letter.is_ascii_alphanumeric() || "._-*\\$".contains(letter);
    if key.is_empty() || key.len() > MAX_KEY_BYTES || !key.chars().all(is_key) {
        return Err(format!(
            "{} is not a key: keys are words of letters and digits joined by dots",
            quoted(key)
        ));
    }
    Ok(key)
}

fn read_value(text: &str) -> Result<String, String> {
    // The text is not shown in any message: it may be a password.
    if let Some(rest) = text.strip_prefix('\'') {
        let Some((value, after)) = rest.rsplit_once('\'') else {
            return Err("the quote that opens the value is not closed".to_owned());
        };
        if !after.trim().is_empty() && !after.trim_start().starts_with('#') {
            return Err("there is text after the closing quote".to_owned());
        }
        return Ok(value.to_owned());
    }
    let end = text.find('#').unwrap_or(text.len());
    let (value, comment) = text.split_at_checked(end).unwrap_or((text, ""));
    if !comment.is_empty() && !value.is_empty() && !value.ends_with(char::is_whitespace) {
        return Err(
            "a # within a value: put the value in single quotes, or a space before a comment".to_owned()
        );
    }
    let value = value.trim_end();
    if value.is_empty() {
        return Err("there is no value after `=`".to_owned());
    }
    // Taken as it is, a reference to a file of secrets would become the secret itself.
    if value.contains("$(") {
        return Err(
            "references $(...) are not followed; write the value itself, or in single quotes".to_owned()
        );
    }
    Ok(value.to_owned())
}
