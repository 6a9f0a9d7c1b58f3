//! From bytes to the settings in them, each with the bytes that it takes up.

use std::ops::Range;

use super::Unusable;
use crate::{
    MAX_LINES, MAX_TEXT_BYTES,
    syntax::{self, Line},
};

/// Three quotes open and close a value of several lines.
const LONG_QUOTE: &str = "'''";

/// A setting of a text.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) value: String,
    /// Its lines, with their ends.
    pub(super) range: Range<usize>,
}

/// The text and the settings in it.
pub(super) fn read(bytes: &[u8]) -> Result<(&str, Vec<Entry>), Unusable> {
    if bytes.len() > MAX_TEXT_BYTES {
        return Err(Unusable::TooLong { bytes: bytes.len() });
    }
    let text =
        std::str::from_utf8(bytes).map_err(|error| Unusable::NotUtf8 { offset: error.valid_up_to() })?;
    let mut lines = Lines { rest: text.split_inclusive('\n'), number: 0, offset: 0 };
    let mut entries = Vec::new();
    while let Some(line) = lines.next() {
        if lines.number > MAX_LINES {
            return Err(Unusable::TooManyLines);
        }
        let start = lines.offset - line.len();
        let line = if start == 0 { line.trim_start_matches('\u{feff}') } else { line };
        if let Some((key, value)) = read_setting(line, &mut lines)? {
            entries.push(Entry { key, value, range: start..lines.offset });
        }
    }
    Ok((text, entries))
}

struct Lines<'a> {
    rest: std::str::SplitInclusive<'a, char>,
    /// Number of the line last given, from 1.
    number: usize,
    /// Where it ends.
    offset: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let line = self.rest.next()?;
        self.number += 1;
        self.offset += line.len();
        Some(line)
    }
}

fn read_setting(line: &str, lines: &mut Lines<'_>) -> Result<Option<(String, String)>, Unusable> {
    let number = lines.number;
    let unusable = |text| Unusable::Line { line: number, text };
    let is_control = |letter: char| letter.is_control() && !matches!(letter, '\t' | '\r' | '\n');
    if line.contains(is_control) {
        return Err(unusable("it has a control character".to_owned()));
    }
    if !line.trim_start().starts_with('#')
        && let Some((key, value)) = line.split_once('=')
        && let Some(opened) = value.trim_start().strip_prefix(LONG_QUOTE)
    {
        let key = syntax::read_key(key).map_err(unusable)?.to_owned();
        return Ok(Some((key, read_long(opened, lines, number)?)));
    }
    match syntax::read_line(line).map_err(unusable)? {
        Line::Nothing => Ok(None),
        Line::Setting { key, value } => Ok(Some((key, value))),
    }
}

/// A value from behind its opening quotes to the closing ones.
fn read_long(opened: &str, lines: &mut Lines<'_>, number: usize) -> Result<String, Unusable> {
    let unusable = |text: &str| Unusable::Line { line: number, text: text.to_owned() };
    let mut value = String::new();
    let mut line = opened;
    loop {
        if let Some((last, after)) = line.split_once(LONG_QUOTE) {
            value.push_str(last);
            if !after.trim().is_empty() && !after.trim_start().starts_with('#') {
                return Err(unusable("there is text after the closing quotes"));
            }
            return Ok(value);
        }
        value.push_str(line);
        line = lines.next().ok_or_else(|| unusable("the quotes that open the value are not closed"))?;
        if lines.number > MAX_LINES {
            return Err(Unusable::TooManyLines);
        }
    }
}
