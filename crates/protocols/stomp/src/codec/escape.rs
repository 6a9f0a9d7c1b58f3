//! Escapes in header names and values.

use std::borrow::Cow;

use memchr::memchr;

/// Which characters of a header are escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escapes {
    /// None: CONNECT and CONNECTED of every version.
    None,
    /// None, and blanks before a value do not count: STOMP 1.0.
    Padded,
    /// `\n`, `\c` and `\\`: STOMP 1.1.
    WithoutReturn,
    /// `\r` too: STOMP 1.2.
    Full,
}

impl Escapes {
    pub(super) fn has_any(self) -> bool {
        matches!(self, Self::WithoutReturn | Self::Full)
    }
}

/// A backslash with something after it that this version does not know; what stands there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadEscape(pub Option<char>);

/// What stands for a character that a header can't hold.
const REPLACEMENT: &str = "\u{FFFD}";

fn meaning(letter: char, escapes: Escapes) -> Result<char, BadEscape> {
    match letter {
        'n' => Ok('\n'),
        'c' => Ok(':'),
        '\\' => Ok('\\'),
        'r' if escapes == Escapes::Full => Ok('\r'),
        other => Err(BadEscape(Some(other))),
    }
}

/// A name or value as it is meant.
///
/// # Errors
/// [`BadEscape`].
pub fn unescape(raw: &str, escapes: Escapes) -> Result<Cow<'_, str>, BadEscape> {
    if !escapes.has_any() || memchr(b'\\', raw.as_bytes()).is_none() {
        return Ok(Cow::Borrowed(raw));
    }
    let mut meant = String::with_capacity(raw.len());
    let mut letters = raw.chars();
    while let Some(letter) = letters.next() {
        if letter == '\\' {
            meant.push(meaning(letters.next().ok_or(BadEscape(None))?, escapes)?);
        } else {
            meant.push(letter);
        }
    }
    Ok(Cow::Owned(meant))
}

/// Checks a name or value without making anything.
pub(super) fn check(raw: &str, escapes: Escapes) -> Result<(), BadEscape> {
    if !escapes.has_any() || memchr(b'\\', raw.as_bytes()).is_none() {
        return Ok(());
    }
    let mut letters = raw.chars();
    while let Some(letter) = letters.next() {
        if letter == '\\' {
            meaning(letters.next().ok_or(BadEscape(None))?, escapes)?;
        }
    }
    Ok(())
}

/// Appends a name or value so that it can't be taken for anything else: a line feed is escaped even where the version
/// has no escapes, and NUL, which no version can carry, is replaced.
pub fn push_escaped(out: &mut Vec<u8>, text: &str, escapes: Escapes) {
    let is_special = |byte: u8| matches!(byte, b'\n' | b':' | b'\\' | b'\r' | 0);
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| is_special(*byte)) {
        let (plain, tail) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((special, tail)) = tail.split_first() else { break };
        match (special, escapes) {
            (0, _) => out.extend_from_slice(REPLACEMENT.as_bytes()),
            (b'\n', _) => out.extend_from_slice(b"\\n"),
            (b'\r', Escapes::Full) => out.extend_from_slice(b"\\r"),
            (b':', Escapes::WithoutReturn | Escapes::Full) => out.extend_from_slice(b"\\c"),
            (b'\\', Escapes::WithoutReturn | Escapes::Full) => out.extend_from_slice(b"\\\\"),
            (other, _) => out.push(*other),
        }
        rest = tail;
    }
    out.extend_from_slice(rest);
}
