//! Text from outside, such as a name that a peer chose or a word of a file, as a message may show it: escaped, and cut
//! so that no message is mostly a stranger's text (B7).

use std::fmt::{self, Write};

/// Most bytes of a text that are shown, after escaping (B7).
pub const SHOWN_MAX_BYTES: usize = 64;

/// A text to show, see [`shown`] and [`quoted`].
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    text: &'a str,
    mark: &'static str,
}

/// The text with control characters, quotes and backslashes escaped. What is longer than [`SHOWN_MAX_BYTES`] is cut
/// between two characters and ends in `...`.
pub fn shown(text: &str) -> Shown<'_> {
    Shown { text, mark: "" }
}

/// As [`shown`], in single quotes.
pub fn quoted(text: &str) -> Shown<'_> {
    Shown { text, mark: "'" }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.mark)?;
        let mut len = 0;
        for letter in self.text.chars() {
            len += letter.escape_debug().map(char::len_utf8).sum::<usize>();
            if len > SHOWN_MAX_BYTES {
                f.write_str("...")?;
                break;
            }
            letter.escape_debug().try_for_each(|part| f.write_char(part))?;
        }
        f.write_str(self.mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        assert_eq!(shown(text).to_string(), expect);
        assert_eq!(quoted(text).to_string(), format!("'{expect}'"));
    }

    #[test]
    fn at_most_64_escaped_bytes_are_shown() {
        check("", "");
        check(&"a".repeat(64), &"a".repeat(64));
        check(&"a".repeat(65), &format!("{}...", "a".repeat(64)));
        check(&"a".repeat(100_000), &format!("{}...", "a".repeat(64)));
        // An escaped character is shown as a whole or not at all.
        check(&format!("{}\n", "a".repeat(62)), &format!("{}\\n", "a".repeat(62)));
        check(&format!("{}\n", "a".repeat(63)), &format!("{}...", "a".repeat(63)));
        check(&"é".repeat(32), &"é".repeat(32));
        check(&"é".repeat(33), &format!("{}...", "é".repeat(32)));
        check(&"\u{1}".repeat(100), &format!("{}...", "\\u{1}".repeat(12)));
    }

    #[test]
    fn nothing_that_moves_a_terminal_or_ends_a_quote_is_shown_raw() {
        check("a\r\nb\t\0\u{1b}[2J\u{7f}", "a\\r\\nb\\t\\0\\u{1b}[2J\\u{7f}");
        check("it's \"so\" \\", "it\\'s \\\"so\\\" \\\\");
        check("\u{202e}abc\u{2028}", "\\u{202e}abc\\u{2028}");
    }
}
